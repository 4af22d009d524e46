"""What each model minimises, in nats per image."""

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
