"""What each model minimises, in nats per image, and what a loss that is written
otherwise comes to.
"""

import math
from typing import NamedTuple

from torch import Tensor

from .models import Output


def kl_divergence(mu: Tensor, logvar: Tensor) -> Tensor:
    """KL(N(mu, sigma^2) || N(0, I)) of each image, in nats: (B, D) -> (B,)."""
    return 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(dim=1)


def ae_loss(out: Output, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """What an autoencoder minimises, and its terms: means over the batch."""
    rec = out.decoded.nats(x).mean()
    return rec, {"reconstruction": rec}


def vae_loss(
    out: Output, x: Tensor, beta: float = 1.0
) -> tuple[Tensor, dict[str, Tensor]]:
    """What a VAE minimises, and its unweighted terms: at beta = 1 the negative
    ELBO.
    """
    if out.logvar is None:
        raise TypeError(
            "vae_loss needs a logvar, which only a VAE gives. Use ae_loss, or "
            "a VAE."
        )
    rec = out.decoded.nats(x).mean()
    kl = kl_divergence(out.mu, out.logvar).mean()
    return rec + beta * kl, {"reconstruction": rec, "kl": kl}


def penalised_loss(out: Output, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """Reconstruction and the one part of the KL that sees mu, |mu|^2 / 2: for a
    VAE's twin.
    """
    rec = out.decoded.nats(x).mean()
    penalty = 0.5 * out.mu.square().sum(dim=1).mean()
    return rec + penalty, {"reconstruction": rec, "penalty": penalty}


# --- losses that others write ------------------------------------------------


class Reading(NamedTuple):
    """What a loss trains: it is `scale` times `vae_loss` with this `beta`."""

    beta: float
    tau2: float | None  # the Gaussian's sigma^2, or None: it is a Bernoulli
    scale: float


# What a pixel may cost, and the sigma^2 that it claims beside an equal KL
COSTS = {"cross-entropy": None, "squared error": 0.5, "half squared error": 1.0}


def read(
    *,
    cost: str = "cross-entropy",
    weight: float = 1.0,
    pixels: str = "sum",
    batch: str = "mean",
    kl_weight: float = 1.0,
    dims: str = "sum",
    kl_batch: str = "mean",
    image_shape: tuple[int, ...] = (1, 28, 28),
    latent_dim: int = 2,
    batch_size: int = 128,
) -> Reading:
    """What a loss really trains, given how it is written.

    It is `weight` times the `cost` of a pixel (a key of `COSTS`), by "sum" or
    "mean" over `pixels` (and channels) and over the `batch`, plus `kl_weight`
    times the KL, over latent `dims` and over the batch (`kl_batch`).

    Of a squared error and a KL only the ratio counts: it is read as a Gaussian
    with variance `tau2` at beta = 1. `scale` is as good as a factor on the
    learning rate of plain gradient descent. Adam divides it out, but for its
    epsilon; clipping and weight decay do not.

    Raises ValueError for a word that it does not know, and for a weight that is
    not above 0: without its KL the model is an autoencoder.
    """
    if cost not in COSTS:
        raise ValueError(f"cost must be one of {[*COSTS]}, not {cost!r}.")
    if not {pixels, batch, dims, kl_batch} <= {"sum", "mean"}:
        raise ValueError('pixels, batch, dims, kl_batch: each "sum" or "mean".')
    if not (weight > 0 and kl_weight > 0):
        raise ValueError(f"Weights must be above 0: {weight}, {kl_weight}.")
    rec = weight * (batch_size if batch == "sum" else 1)
    kl = kl_weight * (batch_size if kl_batch == "sum" else 1)
    values = math.prod(image_shape) if pixels == "mean" else 1
    latent = latent_dim if dims == "mean" else 1
    beta = kl * values / (rec * latent)
    if cost == "cross-entropy":
        return Reading(beta, None, rec / values)
    return Reading(1.0, COSTS[cost] * beta, kl / latent)


# What `read` is told of public tutorials; chapters/errata.md names their files.
TUTORIALS = {
    "Foster 2023, Generative Deep Learning: garments": {
        "weight": 500, "pixels": "mean", "image_shape": (1, 32, 32),
    },
    "Foster 2023, Generative Deep Learning: faces": {
        "cost": "squared error", "weight": 2000, "pixels": "mean",
        "image_shape": (3, 32, 32), "latent_dim": 200,
    },
    "Foster 2019, its first edition: digits": {
        "cost": "squared error", "weight": 1000, "pixels": "mean",
    },
    "Foster 2019, its first edition: faces": {
        "cost": "squared error", "weight": 10_000, "pixels": "mean",
        "image_shape": (3, 128, 128), "latent_dim": 200,
    },
    "fast.ai 2022, course, part 2: 29_vae": {
        "pixels": "mean", "dims": "mean", "latent_dim": 200,
    },
    "PyTorch-VAE: vanilla_vae": {
        "cost": "squared error", "pixels": "mean", "kl_weight": 0.00025,
        "image_shape": (3, 64, 64), "latent_dim": 128,
    },
    "G\u00e9ron 2022, Hands-On Machine Learning, 3rd ed.": {
        "cost": "squared error", "pixels": "mean", "kl_weight": 1 / 784,
        "latent_dim": 10,
    },
    "Raschka 2021, STAT 453: L17": {"cost": "squared error"},
    "Keras 2020, code examples: vae": {},
    "PyTorch, examples: vae": {
        "batch": "sum", "kl_batch": "sum", "latent_dim": 20, "batch_size": 128,
    },
}  # fmt: skip
