"""How much room each class has among the codes, and how unequal that is."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from .inputs import array, by_class, factor_of, whitened


def class_areas(
    codes: Tensor,
    labels: Tensor,
    held_out: Tensor,
    held_out_labels: Tensor,
    classes: Sequence[str] = (),
) -> Tensor:
    """The area in which 95 % of each class lies, in squared code units: (N, 2),
    (N,) -> (K,).

    The smallest region that a kernel density estimate of its codes needs to
    hold 95 % of its held-out codes. The kernel has the shape of the class; its
    width is the one, of eight, under which the held-out codes are most likely:
    so pass validation codes, not test codes. The ratio of two areas does not
    change under a linear map. `classes` are the names of all K; without them K
    is what the labels of the codes reach.
    """
    known = by_class(array(codes, dims=2), labels, classes)
    others = by_class(array(held_out, dims=2), held_out_labels, list(known))
    areas = []
    for name, own in known.items():
        if min(len(own), len(others[name])) < 20:
            raise ValueError(
                f"{name}: {len(own)} codes and {len(others[name])} held-out "
                "codes are too few for an area; 20 of each are the least."
            )
        factor = factor_of(own)
        area = _densest_area(
            whitened(factor, own), whitened(factor, others[name])
        )
        areas.append(area * np.linalg.det(factor))
    return torch.tensor(areas)


def _densest_area(
    codes: np.ndarray, held_out: np.ndarray, cells: int = 256
) -> float:
    low, high = codes.min(0), codes.max(0)
    margin = 0.25 * (high - low)
    low, high = low - margin, high + margin
    size = (high - low) / cells
    edges = [np.linspace(low[axis], high[axis], cells + 1) for axis in (0, 1)]
    counts = np.histogram2d(*codes.T, bins=edges)[0]
    where = np.floor((held_out - low) / size).astype(int)
    inside = ((where >= 0) & (where < cells)).all(1)
    scott = codes.std(0) * len(codes) ** (-1 / 6) / size  # in cells
    best_likelihood, best = -math.inf, None
    for scale in np.geomspace(0.1, 2, 8):
        density = gaussian_filter(counts, scott * scale, mode="constant")
        at_held_out = np.zeros(len(held_out))
        at_held_out[inside] = density[tuple(where[inside].T)]
        likelihood = np.log(at_held_out + 1e-12 * counts.sum()).mean()
        if likelihood > best_likelihood:
            best_likelihood, best = likelihood, (density, at_held_out)
    density, at_held_out = best
    threshold = max(np.quantile(at_held_out, 0.05), np.finfo(float).tiny)
    return float((density >= threshold).sum() * size.prod())


def log_volumes(
    codes: Tensor, labels: Tensor, classes: Sequence[str] = ()
) -> Tensor:
    """The size of each class at any D, in nats: (N, D), (N,) -> (K,).

    Half the log-determinant of its covariance: the logarithm of the volume of
    its one-standard-deviation ellipsoid, less a constant that depends on D
    alone. Differences between classes do not change under a linear map. From n
    codes a class comes out too small by about D (D + 1) / 4n. One that is bent,
    or in parts, counts as large as the ellipsoid around it.
    """
    values = array(codes)
    dims, volumes = values.shape[1], []
    for name, own in by_class(values, labels, classes).items():
        if len(own) <= dims:
            raise ValueError(
                f"{name}: {len(own)} codes are too few for a volume; in {dims} "
                f"dimensions {dims + 1} are the least."
            )
        volumes.append(np.log(np.diag(factor_of(own))).sum())
    return torch.tensor(volumes, dtype=torch.float64)


def inequality(values: Tensor) -> float:
    """The Gini index of values (n,), such as areas: 0 where all are equal, 1 -
    1/n at most.

    Half the mean absolute difference of two values drawn at random, in units of
    their mean.
    """
    ordered = values.detach().cpu().double().sort().values
    if values.ndim != 1 or not (
        torch.isfinite(ordered).all() and (ordered >= 0).all()
    ):
        raise ValueError("Expected finite values of shape (n,), none below 0.")
    if not ordered.sum() > 0:
        raise ValueError("Expected at least one value above 0.")
    n = len(ordered)
    ranks = torch.arange(1, n + 1, dtype=ordered.dtype)
    return ((2 * ranks - n - 1) @ ordered / (n * ordered.sum())).item()
