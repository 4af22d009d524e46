"""A set of pictures beside a reference, by what one judge sees in them.

Features are (N, F). Where the reference, or the set, was made of test images,
the luck of these is in the result: see `resampling`. Balls keep their size
under it; a ball whose image a resample has not drawn is not there.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from . import resampling

NEIGHBOURS = 5  # a ball reaches to this neighbour
PART = 500  # points at a time


class Balls:
    """The ball around each point of a reference (M, F) that reaches to its own
    fifth neighbour among them; `of` are the weights of its images,
    (1 + RESAMPLES, M).
    """

    def __init__(self, features: Tensor, of: Tensor):
        if len(features) <= NEIGHBOURS:
            raise ValueError(
                f"Expected more than {NEIGHBOURS} points in a reference, got "
                f"{len(features)}."
            )
        self.of, self.middle = of, features.mean(0)
        self.centres = features - self.middle
        self.squares = self.centres.square().sum(1)
        # The nearest of all is the point itself.
        nearest = [
            torch.cdist(part, self.centres)
            .topk(NEIGHBOURS + 1, largest=False)
            .values[:, -1]
            for part in self.centres.split(PART)
        ]
        self.radii = torch.cat(nearest)

    def hold(self, points: Tensor) -> Tensor:
        """Which ball holds which point: (N, F) -> (N, M) bool."""
        points = points - self.middle
        # |p - c|^2 <= r^2, without the distances.
        bound = self.squares - self.radii.square()
        left = torch.addmm(bound, points, self.centres.T, alpha=-2)
        return left <= -points.square().sum(1, keepdim=True)

    def meet(self, points: Tensor, of: Tensor | None = None) -> "Met":
        """How points (N, F) and balls meet; the points are draws, or made of
        images with weights (1 + RESAMPLES, N).
        """
        there, passing, held = (self.of > 0).float().T, [], 0
        drawn = torch.ones(1, len(points)) if of is None else (of > 0).float()
        for part, each in zip(
            points.split(PART), drawn.split(PART, dim=1), strict=True
        ):
            inside = self.hold(part).float()
            passing.append(inside @ there > 0)
            held = held + each @ inside
        covered = resampling.mean(
            (held > 0).T.expand(-1, len(self.of)), self.of
        )
        return Met(torch.cat(passing), covered)


class Met(NamedTuple):
    """How a set of points meets the balls of a reference."""

    passing: Tensor  # which points a ball holds: (N, 1 + RESAMPLES) bool
    covered: Tensor  # the share of balls that hold a point: (1 + RESAMPLES,)


class Moments(NamedTuple):
    """Means (..., F) and covariances (..., F, F)."""

    mean: Tensor
    covariance: Tensor


def moments(features: Tensor, of: Tensor | None = None) -> Moments:
    """Of points (N, F), or on every resample, by weights (1 + RESAMPLES, N)."""
    x = features.double()
    if of is None:
        return Moments(x.mean(0), torch.cov(x.T))
    of = of.double()
    total = of.sum(1, keepdim=True)
    mean = of @ x / total
    x, shift = x - x.mean(0), mean - x.mean(0)
    squares = torch.stack([(x * w[:, None]).T @ x for w in of])
    outer = shift[:, :, None] * shift[:, None, :]
    covariance = (squares - total[:, :, None] * outer) / (total - 1)[:, :, None]
    return Moments(mean, covariance)


def frechet(a: Moments, b: Moments) -> Tensor:
    """The Frechet distance, squared as in the FID, from one normal distribution
    to another or to many: (F,) and (..., F) -> (...).
    """
    values, axes = torch.linalg.eigh(a.covariance)
    root = axes * values.clamp(min=0).sqrt() @ axes.T
    shared = torch.linalg.eigvalsh(root @ b.covariance @ root)
    spread = (a.covariance.trace(), b.covariance.diagonal(0, -2, -1).sum(-1))
    apart = (a.mean - b.mean).square().sum(-1)
    distance = apart + sum(spread) - 2 * shared.clamp(min=0).sqrt().sum(-1)
    return distance.clamp(min=0)


def vote(
    known: Tensor, labels: Tensor, asked: Tensor, most: int = 10
) -> Tensor:
    """The class of most of the ten nearest, the first of those that tie:
    (N, F), (N,), (M, F) -> (M,).
    """
    middle = known.mean(0)
    known, asked = known - middle, asked - middle
    squares, found = known.square().sum(1), []
    for part in asked.split(PART):
        apart = torch.addmm(squares, part, known.T, alpha=-2)
        nearest = labels[apart.topk(most, largest=False).indices]
        counts = torch.nn.functional.one_hot(nearest, int(labels.max()) + 1)
        found.append(counts.sum(1).argmax(1))
    return torch.cat(found)
