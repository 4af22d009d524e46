"""What measures are given, checked and brought to the CPU."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ..data import check_labels, numbered
from ..sample import check_codes, fit_gaussian


def array(codes: Tensor, dims: int | None = None) -> np.ndarray:
    """Finite codes (N, D) as float64, or a clear error."""
    return check_codes(codes, dims).detach().cpu().double().numpy()


def pair(a: Tensor, b: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Two sets of points of the same dimension, (N, D) and (M, D)."""
    first, second = array(a), array(b)
    if first.shape[1] != second.shape[1]:
        dims = f"{first.shape[1]} and of {second.shape[1]}"
        raise ValueError(f"Cannot compare points of {dims} dimensions.")
    return first, second


def at_least(least: int, *sets: np.ndarray) -> None:
    """Refuse sets of fewer points."""
    if (n := min(map(len, sets))) < least:
        raise ValueError(f"Expected at least {least} points, got {n}.")


def by_class(
    points: np.ndarray, labels: Tensor, names: Sequence[str]
) -> dict[str, np.ndarray]:
    """The points of each class, by its name: without `names`, its number."""
    found = check_labels(labels, len(points), names or None).cpu()
    names = names or numbered(found)
    return {name: points[found == k] for k, name in enumerate(names)}


def factor_of(values: np.ndarray) -> np.ndarray:
    """The Cholesky factor of the covariance: (N, D) -> (D, D)."""
    return fit_gaussian(torch.from_numpy(values)).factors[0].numpy()


def whitened(factor: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Values (N, D) in the units of a factor: its covariance becomes I."""
    return np.linalg.solve(factor, values.T).T
