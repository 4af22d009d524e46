"""How far generated images are from real ones, by features of both.

Every number here depends on how many images it is made from: compare numbers
of one N and one M, or say which they were.
"""

import numpy as np
import torch
from torch import Tensor

from .inputs import at_least, pair


def precision_coverage(
    generated: Tensor, real: Tensor, neighbours: int = 5
) -> tuple[float, float]:
    """How much of what is generated looks real, and how much of what is real is
    generated.

    Both compare features, (N, F) of generated and (M, F) of real images, by the
    balls around the real ones that reach to their own fifth nearest real
    neighbour. Precision is the share of generated points inside at least one
    ball (Kynkaanniemi et al., 2019); coverage the share of balls that hold at
    least one generated point (Naeem et al., 2020). If both are one
    distribution, coverage is 1 - (M / (M + N))^5 on average, 0.97 at N = M, in
    any number of dimensions.
    """
    points, centres = map(torch.from_numpy, pair(generated, real))
    at_least(neighbours + 1, centres)
    # The nearest of all is the point itself.
    parts = (torch.cdist(part, centres) for part in centres.split(500))
    radii = torch.cat([d.kthvalue(neighbours + 1).values for d in parts])
    held, covered = 0, torch.zeros(len(centres), dtype=torch.bool)
    for part in points.split(500):
        inside = torch.cdist(part, centres) <= radii
        held += inside.any(dim=1).sum().item()
        covered |= inside.any(dim=0)
    return held / len(points), covered.double().mean().item()


def frechet(a: Tensor, b: Tensor) -> float:
    """The Frechet distance, squared as in the FID, of features (N, F) and (M,
    F).

    That of two normal distributions with their means and covariances A and B:
    |mean_a - mean_b|^2 + tr(A + B - 2 (A^1/2 B A^1/2)^1/2), in squared units of
    the features. No covariance need be regular. Two sets of one distribution
    are apart by their noise: by about F (F + 5) / 4 * (1/N + 1/M) at the
    covariance I, while N and M are well above F; below, it says little.
    """
    sets = pair(a, b)
    at_least(2, *sets)
    means = [points.mean(0) for points in sets]
    # R'R is the covariance. The last trace is the sum of the singular values of
    # the product of both R: no covariance is squared, inverted or rooted.
    first, second = (
        np.linalg.qr((points - mean) / np.sqrt(len(points) - 1), mode="r")
        for points, mean in zip(sets, means, strict=True)
    )
    shared = np.linalg.norm(first @ second.T, "nuc")
    spread = np.square(first).sum() + np.square(second).sum()
    apart = np.square(means[0] - means[1]).sum()
    return max(0.0, float(apart + spread - 2 * shared))


def kernel_distance(a: Tensor, b: Tensor) -> tuple[float, float]:
    """The kernel distance (KID) of features (N, F) and (M, F), and its standard
    error.

    The squared maximum mean discrepancy under (x.y / F + 1)^3, which compares
    the first three moments (Binkowski et al., 2018). It is unbiased, so for one
    distribution it is 0 on average and may come out below 0. The error is that
    of a mean over points; for one distribution it is too wide, by up to
    sqrt(2).
    """
    sets = [torch.from_numpy(points) for points in pair(a, b)]
    at_least(2, *sets)
    pull = []  # of each point: towards its own set, less towards the other
    for own, other in (sets, sets[::-1]):
        mean = torch.cat([_kernel(x, other).mean(1) for x in own.split(500)])
        total = torch.cat([_kernel(x, own).sum(1) for x in own.split(500)])
        itself = (own.square().mean(1) + 1) ** 3
        pull.append((total - itself) / (len(own) - 1) - mean)
    variance = sum(4 * part.var() / len(part) for part in pull)
    distance = sum(part.mean() for part in pull)
    return distance.item(), variance.sqrt().item()


def _kernel(x: Tensor, y: Tensor) -> Tensor:
    return (x @ y.T / x.shape[1] + 1) ** 3
