"""The linear baseline, on images whose best linear decoder is known."""

import pytest
import torch

from aevae_lib import data, measure
from aevae_lib.likelihoods import Bernoulli
from tests.library.measure.known import CODES, broken, normal, uniform


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
    assert found.mean.shape == (1000, 1, 32, 32)
    torch.testing.assert_close(
        found.mean, logits[3000:].sigmoid(), rtol=0, atol=1e-2
    )


def test_codes_that_say_nothing_give_the_mean_image():
    _, _, images = linear_images()
    codes = torch.randn(
        len(images), 2, generator=torch.Generator().manual_seed(1)
    )
    found = measure.linear_decoder(codes, images)(codes[:50]).mean
    mean = (images / 255).mean(0, keepdim=True).expand_as(found)
    torch.testing.assert_close(found, mean, rtol=0, atol=0.08)


def test_pixels_that_are_always_black_stay_finite_and_cost_little():
    codes, _, images = linear_images(500)
    images[:, :, :2] = 0
    logits = measure.linear_decoder(codes, images)(codes).logits
    assert torch.isfinite(logits).all()
    black = Bernoulli(logits[:, :, :2])
    assert black.nats(images[:, :, :2] / 255).mean() < 64 * 0.01


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
        found = measure.linear_decoder(codes, train.images[:2000])(others)
        costs = found.nats(held_out.unflatten(1, (1, 32, 32)))
        nats.append(costs.mean().item())
    assert 290 < nats[0] < 310
    assert 240 < nats[1] < 265


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e6])
def test_a_dimension_that_never_varies_has_no_weight(constant):
    """0.1 is none of the numbers of floating point: the mean of many is off."""
    codes, _, images = linear_images(300)
    more = torch.cat([codes, torch.full((300, 1), constant)], dim=1)
    decode = measure.linear_decoder(more, images)
    alone = measure.linear_decoder(codes, images)(codes).logits
    torch.testing.assert_close(decode(more).logits, alone)
    more[:, 2] = 77  # as far off as draws of a fitted density may lie
    torch.testing.assert_close(decode(more).logits, alone)


def test_codes_that_never_vary_give_the_mean_image():
    images = uniform(64, 12).view(64, 3, 2, 2)
    found = measure.linear_decoder(torch.ones(64, 5), images)(torch.zeros(1, 5))
    torch.testing.assert_close(found.mean[0], images.mean(0), atol=0.02, rtol=0)


@pytest.mark.parametrize("shape", [(3, 8, 6), (5,)])
def test_images_have_any_shape_and_may_be_floats(shape):
    codes = normal(2000)
    logits = codes @ normal(2, torch.Size(shape).numel(), seed=1)
    images = logits.view(-1, *shape).sigmoid()
    found = measure.linear_decoder(codes, images)(codes[:9])
    torch.testing.assert_close(found.mean, images[:9], atol=5e-3, rtol=0)
    assert found.logits.dtype == codes.dtype


@pytest.mark.parametrize(
    ("codes", "images", "message"),
    [
        (broken(), uniform(500, 4), "finite"),
        (CODES, uniform(499, 4), "500 and 499"),
        (CODES[:1], uniform(1, 4), "at least 2 codes"),
        (CODES[:0], uniform(0, 4), r"\(N, D\)"),
        (CODES, uniform(500, 4) + 0.1, r"in \[0, 1\]"),
        (CODES, uniform(500, 4) * float("nan"), r"in \[0, 1\]"),
    ],
)
def test_wrong_input_is_named(codes, images, message):
    with pytest.raises(ValueError, match=message):
        measure.linear_decoder(codes, images)
