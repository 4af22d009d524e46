"""Numbers for what a latent space looks like. Functions take tensors, never models."""

import math

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors
from torch import Tensor

from .data import CLASS_NAMES, Split, check_images, to_float


def nearest_garments(
    images: Tensor, reference: Split, batch_size: int = 500
) -> tuple[Tensor, Tensor]:
    """For each image in [0, 1], the nearest reference image: its index, and its distance.

    (N, 1, 32, 32) -> (N,), (N,). The distance is the root mean square over the 28 x 28
    pixels of the garment, so 0 is a copy and 1 the distance from black to white. The class
    of the nearest garment is a classifier that needs no training.
    """
    known = to_float(check_images(reference.images)).flatten(1)  # (M, 1024)
    known_square = known.square().sum(1)
    distances, indices = [], []
    for part in images.flatten(1).split(batch_size):
        square = part.square().sum(1, keepdim=True) + known_square - 2 * part @ known.T
        best = square.min(dim=1)
        distances.append(best.values.clamp(min=0).div(28 * 28).sqrt())
        indices.append(best.indices)
    return torch.cat(indices), torch.cat(distances)


def two_sample_accuracy(a: Tensor, b: Tensor, neighbours: int = 25) -> float:
    """How well a classifier tells points `a` from points `b`: 0.5 (not at all) to 1.

    The classifier two-sample test of Lopez-Paz and Oquab (2017): a k-nearest-neighbour
    classifier learns on one half of (N, D) and (N, D) and is scored on the other. Both are
    first whitened by the mean and covariance of `a`, so that units alone decide nothing.
    """
    n = min(len(a), len(b))
    a, b = _whiten(a[:n], a), _whiten(b[:n], a)
    half = n // 2
    learn, score = np.concatenate([a[:half], b[:half]]), np.concatenate([a[half:], b[half:]])
    classifier = KNeighborsClassifier(neighbours)
    classifier.fit(learn, np.repeat([0, 1], half))
    return float(classifier.score(score, np.repeat([0, 1], n - half)))


def asymmetry(codes: Tensor) -> float:
    """How well codes (N, D) are told from their mirror image in the mean: 0.5 to 1.

    0.5 means that the cloud of codes looks the same from both sides of its centre.
    """
    mirrored = 2 * codes.mean(0) - codes
    half = len(codes) // 2
    return two_sample_accuracy(codes[:half], mirrored[half:])


def class_areas(codes: Tensor, labels: Tensor, held_out: Tensor, held_out_labels: Tensor) -> Tensor:
    """The area in which 95 % of each class lies: (N, 2), (N,) -> (10,), in squared code units.

    For each class, the smallest region that a kernel density estimate of its codes needs to
    hold 95 % of its held-out codes. The bandwidth is the one, of eight, under which the
    held-out codes of that class are most likely; so pass validation codes, not test codes.
    """
    return torch.tensor(
        [
            _densest_area(_array(codes[labels == k]), _array(held_out[held_out_labels == k]))
            for k in range(len(CLASS_NAMES))
        ]
    )


def hole_fraction(draws: Tensor, codes: Tensor, neighbours: int = 5) -> float:
    """The share of draws (N, D) that lie in a hole between the training codes (M, D).

    Every training code supports a ball that reaches to its fifth nearest neighbour; a draw
    that no ball holds is in a hole. Measure held-out codes the same way for the floor. For
    a VAE pass sampled z, not mu. At more than two dimensions the balls cover too much for
    this to be read as a share of holes.
    """
    points, centres = _array(draws), _array(codes)
    search = NearestNeighbors(n_neighbors=neighbours + 1).fit(centres)
    radii = search.kneighbors(centres)[0][:, -1]  # the nearest of all is the code itself
    centres, radii = torch.from_numpy(centres), torch.from_numpy(radii)
    in_hole = [
        (torch.cdist(part, centres) > radii).all(dim=1)
        for part in torch.from_numpy(points).split(256)
    ]
    return torch.cat(in_hole).double().mean().item()


def _array(values: Tensor) -> np.ndarray:
    if not torch.isfinite(values).all():
        raise ValueError("Expected finite codes; some are NaN or infinite.")
    return values.detach().cpu().double().numpy()


def _whiten(values: Tensor, like: Tensor) -> np.ndarray:
    values, like = _array(values), _array(like)
    factor = np.linalg.cholesky(np.atleast_2d(np.cov(like.T)))
    return np.linalg.solve(factor, (values - like.mean(0)).T).T


def _densest_area(codes: np.ndarray, held_out: np.ndarray, cells: int = 256) -> float:
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
