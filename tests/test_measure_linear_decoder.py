"""The linear baseline, on images whose best linear decoder is known."""

import torch

from aevae_lib import measure
from aevae_lib.losses import reconstruction


def linear_images(n: int = 4000) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Codes (n, 2), the logits that are linear in them, and the images these logits give."""
    generator = torch.Generator().manual_seed(0)
    codes = torch.randn(n, 2, generator=generator) * torch.tensor([30.0, 0.1]) + 5
    weights = torch.randn(2, 1024, generator=generator)
    logits = ((codes - 5) / torch.tensor([30.0, 0.1]) @ weights - 0.5).view(n, 1, 32, 32)
    return codes, logits, (255 * logits.sigmoid()).round().to(torch.uint8)


def test_recovers_a_linear_decoder_whatever_the_scale_of_the_codes():
    codes, logits, images = linear_images()
    found = measure.linear_decoder(codes[:3000], images[:3000])(codes[3000:])
    assert found.shape == (1000, 1, 32, 32)
    torch.testing.assert_close(found.sigmoid(), logits[3000:].sigmoid(), rtol=0, atol=1e-2)


def test_codes_that_say_nothing_give_the_mean_image():
    _, _, images = linear_images()
    codes = torch.randn(len(images), 2, generator=torch.Generator().manual_seed(1))
    found = measure.linear_decoder(codes, images)(codes[:50]).sigmoid()
    mean = (images / 255).mean(0, keepdim=True).expand_as(found)
    torch.testing.assert_close(found, mean, rtol=0, atol=0.08)


def test_pixels_that_are_always_black_stay_finite_and_cost_little():
    codes, _, images = linear_images(500)
    images[:, :, :2] = 0
    logits = measure.linear_decoder(codes, images)(codes)
    assert torch.isfinite(logits).all()
    assert reconstruction(logits[:, :, :2], images[:, :, :2] / 255).mean() < 64 * 0.01
