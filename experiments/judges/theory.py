"""What theory says of a VAE at two dimensions, measured on a grid.

The decoder defines log p(x) whatever the encoder does, and in two dimensions
the integral over z is a sum over a grid. So the bound's gap is known, image by
image, and comes apart: what no cloud of the family could close (a diagonal
Gaussian is not the true posterior), and what a better encoder could
(amortisation).
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from aevae_lib import data, evidence, zoo
from aevae_lib.models import VAE

SIDE, REACH = 321, 4.8  # points on an edge; the grid goes from -REACH to REACH
IMAGES, SEEDS = 200, 3
POINTS = 512  # by which an expectation over a cloud is taken


class Gaps(NamedTuple):
    """In nats, one value for each image: (N,) each."""

    log_p: Tensor
    elbo: Tensor
    family: Tensor  # KL to the true posterior from the best cloud
    amortisation: Tensor  # what the encoder's cloud misses beyond that


def grid(side: int = SIDE, reach: float = REACH) -> Tensor:
    """The points of a square grid, row by row: (side^2, 2)."""
    line = torch.linspace(-reach, reach, side)
    y, x = torch.meshgrid(line, line, indexing="ij")
    return torch.stack([x.flatten(), y.flatten()], 1)


@torch.no_grad()
def log_joint(model: VAE, images: Tensor, points: Tensor) -> Tensor:
    """ln p(x|z) + ln p(z) of images in [0, 1] at every point: (N, G)."""
    flat, parts = images.flatten(1), []
    for z in points.split(2000):
        logits = model.decode(z).logits.flatten(1)
        told = flat @ logits.T - F.softplus(logits).sum(1)
        prior = -0.5 * z.square().sum(1) - math.log(2 * math.pi)
        parts.append(told + prior)
    return torch.cat(parts, 1)


def clouds(mu: Tensor, logvar: Tensor, noise: Tensor) -> Tensor:
    """The same quantiles of every cloud: (N, 2) twice, (S, 2) -> (N, S, 2)."""
    return mu[:, None] + (0.5 * logvar)[:, None].exp() * noise


def bound(
    joint: Tensor, mu: Tensor, logvar: Tensor, noise: Tensor, reach: float
) -> Tensor:
    """The ELBO of each image, for clouds: (N, G), (N, 2), (N, 2) -> (N,)."""
    side = math.isqrt(joint.shape[1])
    z = clouds(mu, logvar, noise) / reach
    values = F.grid_sample(
        joint.view(-1, 1, side, side), z[:, :, None], mode="bicubic",
        padding_mode="border", align_corners=True,
    )  # fmt: skip
    entropy = 1 + math.log(2 * math.pi) + 0.5 * logvar.sum(1)
    return values.mean((1, 2, 3)) + entropy


def gaps(
    joint: Tensor,
    mu: Tensor,
    logvar: Tensor,
    reach: float = REACH,
    steps: int = 300,
) -> Gaps:
    """log p(x) and where the bound loses it, from ln p(x, z) on a grid of this
    reach, (N, G), and the encoder's clouds, (N, 2) each.
    """
    side = math.isqrt(joint.shape[1])
    area = (2 * reach / (side - 1)) ** 2
    log_p = joint.logsumexp(1) + math.log(area)
    sobol = torch.quasirandom.SobolEngine(2, scramble=True, seed=0)
    uniform = sobol.draw(POINTS).clamp(1e-6, 1 - 1e-6)
    noise = math.sqrt(2) * torch.erfinv(2 * uniform - 1)
    noise = (noise - noise.mean(0)) / noise.std(0, correction=0)
    elbo = bound(joint, mu, logvar, noise, reach)
    best = [part.clone().requires_grad_() for part in (mu, logvar)]
    optimizer = torch.optim.Adam(best, 0.02)
    reached = elbo.clone()
    for _ in range(steps):
        found = bound(joint, *best, noise, reach)
        reached = torch.maximum(reached, found.detach())
        optimizer.zero_grad()
        (-found.sum()).backward()
        optimizer.step()
    return Gaps(log_p, elbo, log_p - reached, reached - elbo)


def bound_of(seed: int, dataset: data.DataSet) -> dict[str, float]:
    """The mean of each term over validation images, for a VAE of the zoo."""
    model = zoo.load("vae", 2, seed=seed)
    images = data.to_float(dataset.validation.images[:IMAGES])
    with torch.no_grad():
        mu, logvar = model.posterior(images)
    found = gaps(log_joint(model, images, grid()), mu, logvar)
    terms = {k: v.mean().item() for k, v in found._asdict().items()}
    edge = (mu.abs() + 3 * (0.5 * logvar).exp()).max().item()
    return terms | {"largest_reach": edge}


def holes() -> dict[str, dict[int, float]]:
    """Of each stored VAE at d = 2, by seed: what holes must cost, and
    KL(q_agg || p), which cannot be less.

    `price` is -ln(1 - h) for the share h of the prior's draws in holes. Some
    held-out codes lie in holes too; `price_with_strays` is the KL of the two
    shares, the most that this partition proves.
    """
    prior = evidence.values("vae-d2", "hole_fraction_prior")
    strays = evidence.values("vae-d2", "hole_fraction_held_out")
    return {
        "share": prior,
        "price": {s: -math.log1p(-h) for s, h in prior.items()},
        "price_with_strays": {
            s: binary_kl(strays[s], h) for s, h in prior.items()
        },
        "aggregate_kl": evidence.values("vae-d2", "aggregate_kl"),
    }


def binary_kl(q: float, p: float) -> float:
    """KL of two coins, in nats."""
    pairs = ((q, p), (1 - q, 1 - p))
    return sum(a * math.log(a / b) for a, b in pairs if a > 0)
