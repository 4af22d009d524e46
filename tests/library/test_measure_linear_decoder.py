"""The linear baseline, on images whose best linear decoder is known."""

import torch

from aevae_lib import data, measure
from aevae_lib.losses import reconstruction


def linear_images(
    n: int = 4000,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Codes (n, 2), the logits that are linear in them, and the images these
    logits give.
    """
    generator = torch.Generator().manual_seed(0)
    codes = (
        torch.randn(n, 2, generator=generator) * torch.tensor([30.0, 0.1]) + 5
    )
    weights = torch.randn(2, 1024, generator=generator)
    logits = ((codes - 5) / torch.tensor([30.0, 0.1]) @ weights - 0.5).view(
        n, 1, 32, 32
    )
    return codes, logits, (255 * logits.sigmoid()).round().to(torch.uint8)


def test_recovers_a_linear_decoder_whatever_the_scale_of_the_codes():
    codes, logits, images = linear_images()
    found = measure.linear_decoder(codes[:3000], images[:3000])(codes[3000:])
    assert found.shape == (1000, 1, 32, 32)
    torch.testing.assert_close(
        found.sigmoid(), logits[3000:].sigmoid(), rtol=0, atol=1e-2
    )


def test_codes_that_say_nothing_give_the_mean_image():
    _, _, images = linear_images()
    codes = torch.randn(
        len(images), 2, generator=torch.Generator().manual_seed(1)
    )
    found = measure.linear_decoder(codes, images)(codes[:50]).sigmoid()
    mean = (images / 255).mean(0, keepdim=True).expand_as(found)
    torch.testing.assert_close(found, mean, rtol=0, atol=0.08)


def test_pixels_that_are_always_black_stay_finite_and_cost_little():
    codes, _, images = linear_images(500)
    images[:, :, :2] = 0
    logits = measure.linear_decoder(codes, images)(codes)
    assert torch.isfinite(logits).all()
    assert (
        reconstruction(logits[:, :, :2], images[:, :, :2] / 255).mean()
        < 64 * 0.01
    )


def test_more_numbers_cost_fewer_nats_on_garments():
    """At 8 dimensions full Newton steps run away: pixels that are nearly always
    black see to it.
    """
    train, test = data.read_folder(data.SAMPLE_FOLDER)
    x, held_out = (
        data.to_float(part.images[:2000]).flatten(1) for part in (train, test)
    )
    centre = x.mean(0)
    axes = torch.linalg.svd(x - centre, full_matrices=False).Vh.T
    nats = []
    for d in (2, 8):
        codes, others = (
            (part - centre) @ axes[:, :d] for part in (x, held_out)
        )
        logits = measure.linear_decoder(codes, train.images[:2000])(others)
        nats.append(
            reconstruction(logits, held_out.unflatten(1, (1, 32, 32)))
            .mean()
            .item()
        )
    assert 290 < nats[0] < 310
    assert 240 < nats[1] < 265
