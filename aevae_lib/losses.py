"""What each model minimises, in nats per image."""

import torch.nn.functional as F
from torch import Tensor

from .models import Output


def reconstruction(logits: Tensor, x: Tensor) -> Tensor:
    """Bernoulli cross-entropy of each image, summed over pixels: (B, 1, 32, 32)
    -> (B,).

    On grey pixels this is not a likelihood of `x`. It is the expected negative
    log-likelihood of black-and-white images whose pixels are drawn with
    probabilities `x`, so it cannot fall below the entropy of that draw: 189.86
    nats per test image.
    """
    return (
        F.binary_cross_entropy_with_logits(logits, x, reduction="none")
        .flatten(1)
        .sum(1)
    )


def kl_divergence(mu: Tensor, logvar: Tensor) -> Tensor:
    """KL( N(mu, sigma^2) || N(0, I) ) of each image, in nats: (B, D) -> (B,)."""
    return 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(dim=1)


def ae_loss(out: Output, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """What an autoencoder minimises, and its terms: means over the batch."""
    rec = reconstruction(out.logits, x).mean()
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
    rec = reconstruction(out.logits, x).mean()
    kl = kl_divergence(out.mu, out.logvar).mean()
    return rec + beta * kl, {"reconstruction": rec, "kl": kl}


def penalised_loss(out: Output, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """Reconstruction and the one part of the KL that sees mu, |mu|^2 / 2: for a
    VAE's twin.
    """
    rec = reconstruction(out.logits, x).mean()
    penalty = 0.5 * out.mu.square().sum(dim=1).mean()
    return rec + penalty, {"reconstruction": rec, "penalty": penalty}
