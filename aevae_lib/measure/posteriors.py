"""Where the KL of a VAE's posteriors goes."""

import math

import torch
from torch import Tensor

from ..losses import kl_divergence
from ..sample import check_codes
from .inputs import array, at_least


def kl_per_dimension(mu: Tensor, logvar: Tensor) -> Tensor:
    """What each latent dimension adds to the mean KL: (N, D), (N, D) -> (D,),
    in nats.
    """
    mu, logvar = _posteriors(mu, logvar)
    every = kl_divergence(mu.reshape(-1, 1), logvar.reshape(-1, 1)).view_as(mu)
    return every.mean(dim=0)


def active_units(mu: Tensor, threshold: float = 0.01) -> int:
    """How many latent dimensions an encoder uses: those whose mu (N, D) varies
    over images.

    Burda et al. (2016): a dimension is active if the variance of its mu is
    above 0.01.
    """
    at_least(2, array(mu))  # a single one cannot vary
    return int((mu.var(dim=0) > threshold).sum())


def aggregate_kl(
    mu: Tensor, logvar: Tensor, draws: int = 10_000, seed: int = 0
) -> tuple[float, float]:
    """The mean KL of posteriors (N, D), (N, D) in its two parts, in nats.

    First the mutual information of image and code, then KL( q_agg || N(0, I) ),
    where q_agg, the aggregate posterior, is the mixture of all N posteriors
    (Hoffman and Johnson, 2016). Both are means over draws from q_agg; they add
    up to the mean KL but for the noise of the draws.

    The first cannot exceed ln N. At D = 2 thousands of posteriors overlap and
    the split can be trusted. With every further dimension they overlap less,
    the first part nears ln N, and the second is just what is left.
    """
    mu, logvar = (part.double() for part in _posteriors(mu, logvar))
    if draws < 1:
        raise ValueError(f"Expected at least 1 draw, got {draws}.")
    generator = torch.Generator().manual_seed(seed)
    # Every image in turn, in random order: no image's turn comes twice before
    # all have had one.
    order = torch.randperm(len(mu), generator=generator)
    chosen = order[torch.arange(draws) % len(mu)]
    noise = torch.randn(draws, mu.shape[1], generator=generator, dtype=mu.dtype)
    z = mu[chosen] + (0.5 * logvar[chosen]).exp() * noise
    # Log densities, all without their common -D/2 ln(2 pi).
    own = -0.5 * (
        (z - mu[chosen]).square() * (-logvar[chosen]).exp() + logvar[chosen]
    ).sum(1)
    prior = -0.5 * z.square().sum(1)
    aggregate = torch.cat(
        [_log_mixture(part, mu, logvar) for part in z.split(100)]
    )
    return (own - aggregate).mean().item(), (aggregate - prior).mean().item()


def _posteriors(mu: Tensor, logvar: Tensor) -> tuple[Tensor, Tensor]:
    """Both on the CPU, or a clear error."""
    if check_codes(mu).shape != check_codes(logvar).shape:
        raise ValueError(
            f"Expected mu and logvar of one shape, got {tuple(mu.shape)} and "
            f"{tuple(logvar.shape)}."
        )
    return mu.detach().cpu(), logvar.detach().cpu()


def _log_mixture(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    """The log density of the mixture of all posteriors, plus D/2 ln(2 pi): (S,
    D) -> (S,).
    """
    # One dimension at a time: expanding the square would cancel where a
    # posterior is narrow.
    exponent = (-0.5 * logvar.sum(1)).repeat(len(z), 1)
    for d in range(z.shape[1]):
        scale = math.sqrt(0.5) * (-0.5 * logvar[:, d]).exp()
        exponent -= (z[:, d : d + 1] - mu[:, d]).mul_(scale).square_()
    return exponent.logsumexp(dim=1) - math.log(len(mu))
