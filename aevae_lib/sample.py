"""From images to codes, from codes to pictures, and ways to draw new codes.

Images and codes may lie on any device; what a model makes of them lies on the
model's device, and what a sampler draws beside the codes it was made from.
Models are used in eval mode and stay as they were.

A sampler is made from training codes and draws new ones:
`sampler = fitted_gaussian(codes)`, then `z = sampler(500, seed=0)`.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from . import data
from .models import (
    VAE,
    Autoencoder,
    NoisyAutoencoder,
    as_input,
    evaluating,
    reparameterise,
    seeded,
)

Sampler = Callable[..., Tensor]


@torch.no_grad()
def encode(
    model: Autoencoder, images: Tensor, batch_size: int = 1000
) -> Tensor:
    """The code of each image (for a VAE, mu): (N, *image_shape) -> (N, D)."""
    with evaluating(model):
        parts = inputs(model, images, batch_size)
        return torch.cat([model.encode(part) for part in parts])


@torch.no_grad()
def encode_sampled(
    model: VAE, images: Tensor, seed: int = 0, batch_size: int = 1000
) -> Tensor:
    """One draw z ~ q(z|x) for each image: (N, *image_shape) -> (N, D)."""
    with evaluating(model), seeded(seed):
        parts = inputs(model, images, batch_size)
        return torch.cat([reparameterise(*model.posterior(x)) for x in parts])


def codes_of(model: Autoencoder, images: Tensor) -> Tensor:
    """Codes as the decoder met them in training, with the model's noise."""
    noisy = isinstance(model, (VAE, NoisyAutoencoder))
    return (encode_sampled if noisy else encode)(model, images)


@torch.no_grad()
def pictures(
    model: Autoencoder,
    z: Tensor,
    labels: Tensor | None = None,
    batch_size: int = 1000,
) -> Tensor:
    """The mean picture at each latent point: (N, D) -> (N, *image_shape).

    In [0, 1] for a model with `Bernoulli` pixels. `labels` (N,) go to a model
    whose decoder is told the class.
    """
    if z.ndim != 2 or z.shape[1] != model.latent_dim:
        raise ValueError(
            f"Expected latent points of shape (N, {model.latent_dim}), got "
            f"{tuple(z.shape)}."
        )
    like, told = next(model.parameters()), ()
    if labels is not None:
        classes = getattr(model, "classes", None)
        labels = data.check_labels(labels, len(z), classes)
        told = (labels.to(like.device).split(batch_size),)
    parts = zip(z.to(like).split(batch_size), *told, strict=True)
    with evaluating(model):
        return torch.cat([model.decode(*part).mean for part in parts])


def reconstruct(
    model: Autoencoder, images: Tensor, labels: Tensor | None = None
) -> Tensor:
    """Each image through its code (for a VAE, mu) and back, in its shape."""
    return pictures(model, encode(model, images), labels)


def inputs(
    model: Autoencoder, images: Tensor, batch_size: int
) -> Iterator[Tensor]:
    """Images as a model takes them, a batch at a time."""
    for part in data.check_images(images, model.image_shape).split(batch_size):
        yield as_input(model, part)


def prior(codes: Tensor) -> Sampler:
    """N(0, I) in the dimension of `codes`: it looks at nothing else of them."""
    check_codes(codes)
    return lambda n, seed=0: normal(n, codes, seed)


def box(codes: Tensor) -> Sampler:
    """Uniform in the box that just holds the codes (N, D), strays included."""
    check_codes(codes)
    low, high = codes.amin(0), codes.amax(0)

    def draw(n: int, seed: int = 0) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        uniform = torch.rand(n, codes.shape[1], generator=generator).to(
            codes.device
        )
        return low + (high - low) * uniform

    return draw


class NoGaussian(ValueError):
    """Codes that fill no volume, as those of a model that collapsed."""


class Mixture(NamedTuple):
    """K normal distributions: k has covariance factors[k] @ factors[k].T."""

    weights: Tensor  # (K,)
    means: Tensor  # (K, D)
    factors: Tensor  # (K, D, D), lower triangles


def fit_gaussian(codes: Tensor) -> Mixture:
    """The normal distribution of codes (N, D), on the CPU, in float64."""
    # MPS has neither double nor what follows.
    known = check_codes(codes).detach().cpu().double()
    if len(known) <= known.shape[1]:
        raise ValueError(
            f"Expected more than {known.shape[1]} codes for a Gaussian of "
            f"{known.shape[1]} dimensions, got {len(known)}."
        )
    factor, failed = torch.linalg.cholesky_ex(
        torch.atleast_2d(torch.cov(known.T))
    )
    if failed:
        raise NoGaussian(
            "The codes do not vary in every direction: no Gaussian can be "
            "fitted."
        )
    return Mixture(torch.ones(1), known.mean(0, keepdim=True), factor[None])


def fit_mixture(codes: Tensor) -> Mixture:
    """A mixture of 10 normal distributions with full covariances: (N, D).

    It is fitted by expectation maximisation to 10,000 of the training codes, or
    to all if there are fewer; which ones, and the seed of the fit, are fixed.
    The fit is made after the linear map that gives the codes the identity as
    covariance: without it, their units would decide where the fit starts and
    how it ends.
    """
    components, most = 10, 10_000
    least = components * (check_codes(codes).shape[1] + 1)
    if len(codes) < least:
        raise ValueError(
            f"Expected at least {least} codes for a mixture, got {len(codes)}."
        )
    chosen = torch.randperm(
        len(codes), generator=torch.Generator().manual_seed(0)
    )[:most]
    known = codes.detach().cpu().double()[chosen]
    _, (centre,), (factor,) = fit_gaussian(known)
    white = torch.linalg.solve_triangular(
        factor, (known - centre).T, upper=False
    ).T
    # Single precision halves the time; it needs a floor under the variances
    # above its rounding.
    fitted = GaussianMixture(
        components, reg_covar=1e-5, max_iter=300, random_state=0
    )
    fitted.fit(white.numpy().astype(np.float32))
    return Mixture(
        torch.from_numpy(fitted.weights_),
        centre + torch.from_numpy(fitted.means_).double() @ factor.T,
        factor
        @ torch.linalg.cholesky(torch.from_numpy(fitted.covariances_).double()),
    )


def fitted_gaussian(codes: Tensor) -> Sampler:
    """The normal distribution with the mean and covariance of codes (N, D)."""
    _, means, factors = fit_gaussian(codes)
    mean, factor = (
        part[0].to(codes.device, codes.dtype) for part in (means, factors)
    )
    return lambda n, seed=0: mean + normal(n, codes, seed) @ factor.T


def gaussian_mixture(codes: Tensor) -> Sampler:
    """The mixture that `fit_mixture` makes of the training codes (N, D)."""
    weights, means, factors = fit_mixture(codes)

    def draw(n: int, seed: int = 0) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        component = torch.multinomial(
            weights, n, replacement=True, generator=generator
        )
        noise = torch.randn(n, codes.shape[1], generator=generator).double()
        # From every component, of which one is chosen.
        z = means + torch.einsum("kij,nj->nki", factors, noise)
        return z[torch.arange(n), component].to(codes.device, codes.dtype)

    return draw


def jittered(codes: Tensor, neighbours: int = 5) -> Sampler:
    """A random training code (N, D), with noise as wide as codes lie apart.

    The noise has the standard deviation r / sqrt(D) in each dimension, r the
    distance from that code to its own fifth nearest neighbour: a kernel density
    estimate whose width adapts to the place (Breiman, Meisel and Purcell,
    1977). It stays near codes that it has memorised, so it shows what the
    decoder makes of places like those it knows, and needs all the codes to do
    so.
    """
    if len(check_codes(codes)) <= neighbours:
        raise ValueError(
            f"Expected more than {neighbours} codes, got {len(codes)}."
        )
    known = codes.detach().cpu().double().numpy()
    # The nearest of all is the code itself.
    search = NearestNeighbors(n_neighbors=neighbours + 1).fit(known)

    def draw(n: int, seed: int = 0) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        chosen = torch.randint(len(known), (n,), generator=generator).numpy()
        noise = (
            torch.randn(n, known.shape[1], generator=generator).double().numpy()
        )
        reach = search.kneighbors(known[chosen])[0][:, -1:]
        z = known[chosen] + noise * reach / np.sqrt(known.shape[1])
        return torch.from_numpy(z).to(codes.device, codes.dtype)

    return draw


# What makes each sampler out of training codes, by its name in tables.
SAMPLERS: dict[str, Callable[[Tensor], Sampler]] = {
    "prior": prior,
    "box": box,
    "Gaussian": fitted_gaussian,
    "mixture": gaussian_mixture,
    "jittered": jittered,
}


def normal(n: int, like: Tensor, seed: int) -> Tensor:
    """n standard normal draws beside `like`, alike on every device: (n, D)."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, like.shape[1], generator=generator).to(
        like.device, like.dtype
    )


def check_codes(codes: Tensor, dims: int | None = None) -> Tensor:
    """The codes themselves; an error if not finite and of shape (N, D)."""
    shape = tuple(codes.shape)
    if not codes.is_floating_point() or codes.ndim != 2 or 0 in shape:
        raise ValueError(
            f"Expected codes of shape (N, D), got {codes.dtype} of shape "
            f"{shape}."
        )
    if dims is not None and shape[1] != dims:
        raise ValueError(
            f"Expected codes of shape (N, {dims}), got shape {shape}."
        )
    if not torch.isfinite(codes).all():
        raise ValueError("Expected finite codes; some are NaN or infinite.")
    return codes
