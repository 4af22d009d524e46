"""From images to codes, from codes to images, and ways to draw new codes.

A sampler is made from training codes and draws new ones: `sampler = fitted_gaussian(codes)`,
then `z = sampler(500, seed=0)`.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from . import data
from .models import VAE, Autoencoder, reparameterise

Sampler = Callable[..., Tensor]


@torch.no_grad()
def encode(model: Autoencoder, images: Tensor, batch_size: int = 1000) -> Tensor:
    """The codes of uint8 images (for a VAE, mu): (N, 1, 32, 32) -> (N, D)."""
    data.check_images(images)
    return torch.cat([model.encode(data.to_float(part)) for part in images.split(batch_size)])


@torch.no_grad()
def encode_sampled(model: VAE, images: Tensor, seed: int = 0, batch_size: int = 1000) -> Tensor:
    """One draw z ~ q(z|x) for each uint8 image: (N, 1, 32, 32) -> (N, D)."""
    data.check_images(images)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        parts = [model.posterior(data.to_float(part)) for part in images.split(batch_size)]
        return torch.cat([reparameterise(mu, logvar) for mu, logvar in parts])


@torch.no_grad()
def decode(model: Autoencoder, z: Tensor, batch_size: int = 1000) -> Tensor:
    """The mean image at each latent point, in [0, 1]: (N, D) -> (N, 1, 32, 32)."""
    if z.ndim != 2 or z.shape[1] != model.latent_dim:
        raise ValueError(
            f"Expected latent points of shape (N, {model.latent_dim}), got {tuple(z.shape)}."
        )
    return torch.cat([model.decode(part).sigmoid() for part in z.split(batch_size)])


def reconstruct(model: Autoencoder, images: Tensor) -> Tensor:
    """Each uint8 image through its code (for a VAE, mu) and back, in [0, 1]."""
    return decode(model, encode(model, images))


def prior(codes: Tensor) -> Sampler:
    """N(0, I) in the dimension of `codes`: it looks at nothing else of them."""
    return lambda n, seed=0: normal(n, codes, seed)


def box(codes: Tensor) -> Sampler:
    """Uniform in the box that just holds the training codes (N, D)."""
    low, high = codes.amin(0), codes.amax(0)

    def draw(n: int, seed: int = 0) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        uniform = torch.rand(n, codes.shape[1], generator=generator).to(codes.device)
        return low + (high - low) * uniform

    return draw


def fitted_gaussian(codes: Tensor) -> Sampler:
    """The normal distribution with the mean and covariance of the training codes (N, D)."""
    mean = codes.mean(0)
    factor = torch.linalg.cholesky(torch.atleast_2d(torch.cov(codes.T)).cpu().double())
    factor = factor.to(codes.device, codes.dtype)
    return lambda n, seed=0: mean + normal(n, codes, seed) @ factor.T


def normal(n: int, like: Tensor, seed: int) -> Tensor:
    """n standard normal draws beside `like`, the same on every device: (n, D)."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, like.shape[1], generator=generator).to(like.device)
