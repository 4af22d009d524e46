"""Numbers for what a latent space looks like. Functions take tensors, never models."""

import math
from collections.abc import Callable

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from sklearn.neighbors import KDTree, KNeighborsClassifier
from torch import Tensor, nn

from .data import CLASS_NAMES, Split, check_images, to_float
from .models import IMAGE_SHAPE
from .sample import check_codes


def nearest_garments(
    images: Tensor, reference: Split, batch_size: int = 500
) -> tuple[Tensor, Tensor]:
    """For each image in [0, 1], the nearest reference image: its index, and its distance.

    (N, 1, 32, 32) -> (N,), (N,). The distance is the root mean square over the 28 x 28
    pixels inside the padding, so 0 is a copy and 1 the distance from black to white. The
    class of the nearest garment is a classifier that needs no training.
    """
    if not images.is_floating_point() or images.shape[1:] != IMAGE_SHAPE:
        raise ValueError(
            f"Expected images in [0, 1] of shape (N, 1, 32, 32), got {images.dtype} of shape "
            f"{tuple(images.shape)}. data.to_float() turns uint8 images into these."
        )
    if not torch.isfinite(images).all():
        raise ValueError("Expected finite images; some pixels are NaN or infinite.")
    known = _pixels(to_float(check_images(reference.images)))  # (M, 784)
    known_square = known.square().sum(1)
    indices, distances = [], []
    for part in _pixels(images).split(batch_size):
        # |a - b|^2 less |a|^2, which is the same for every b.
        nearest = (known_square - 2 * part @ known.T).argmin(dim=1)
        indices.append(nearest)
        distances.append((part - known[nearest]).square().mean(1).sqrt())
    return torch.cat(indices), torch.cat(distances)


def two_sample_accuracy(a: Tensor, b: Tensor, neighbours: int = 25) -> float:
    """How well a classifier tells points `a` from points `b`: 0.5 (not at all) to 1.

    The classifier two-sample test of Lopez-Paz and Oquab (2017): a k-nearest-neighbour
    classifier learns on one half of (N, D) and (M, D) and is scored on the other. Where the
    two are one distribution, the result is 0.5 with a standard error of 0.5 / sqrt(N), N the
    size of the smaller. Distances are taken after the linear map that gives `a` the identity
    as covariance; it serves both sets alike, so it hides no difference between them.
    """
    a, b = check_codes(a), check_codes(b)
    if a.shape[1] != b.shape[1]:
        raise ValueError(f"Cannot compare points of {a.shape[1]} and of {b.shape[1]} dimensions.")
    n = min(len(a), len(b))
    if n < 4 * neighbours:
        raise ValueError(f"Expected at least {4 * neighbours} points in each set, got {n}.")
    factor, rng = _factor(_array(a)), np.random.default_rng(0)
    # Shuffled, so that codes sorted by class are no different from others.
    a, b = (_solve(factor, rng.permutation(_array(points))[:n]) for points in (a, b))
    half = n // 2
    learn, score = np.concatenate([a[:half], b[:half]]), np.concatenate([a[half:], b[half:]])
    classifier = KNeighborsClassifier(neighbours)
    classifier.fit(learn, np.repeat([0, 1], half))
    return float(classifier.score(score, np.repeat([0, 1], n - half)))


def asymmetry(codes: Tensor) -> float:
    """How well codes (N, D) are told from their mirror image in the mean: 0.5 to 1.

    0.5 means that the cloud of codes looks the same from both sides of its centre. No linear
    map of the codes changes the result. One half of them is mirrored and compared with the other,
    so the standard error at 0.5 is 0.5 / sqrt(N / 2).
    """
    codes = check_codes(codes)
    order = torch.randperm(len(codes), generator=torch.Generator().manual_seed(0))
    codes, half = codes[order.to(codes.device)], len(codes) // 2
    return two_sample_accuracy(codes[:half], 2 * codes.mean(0) - codes[half:])


def class_areas(codes: Tensor, labels: Tensor, held_out: Tensor, held_out_labels: Tensor) -> Tensor:
    """The area in which 95 % of each class lies: (N, 2), (N,) -> (10,), in squared code units.

    For each class, the smallest region that a kernel density estimate of its codes needs to
    hold 95 % of its held-out codes. The kernel has the shape of the class; its width is the one,
    of eight, under which the held-out codes of that class are most likely: so pass
    validation codes, not test codes. The ratio of two areas does not change under a linear map.
    """
    areas = []
    for k, name in enumerate(CLASS_NAMES):
        own = _array(check_codes(codes, dims=2)[labels == k])
        others = _array(check_codes(held_out, dims=2)[held_out_labels == k])
        if min(len(own), len(others)) < 20:
            raise ValueError(
                f"{name}: {len(own)} codes and {len(others)} held-out codes are too few for an "
                "area; 20 of each are the least."
            )
        factor = _factor(own)
        area = _densest_area(_solve(factor, own), _solve(factor, others))
        areas.append(area * np.linalg.det(factor))
    return torch.tensor(areas)


def in_hole(draws: Tensor, codes: Tensor, neighbours: int = 5) -> Tensor:
    """Which draws lie in a hole between the training codes: (N, D), (M, D) -> (N,) bool.

    Every training code supports a ball that reaches to its fifth nearest neighbour; a draw
    that no ball holds is in a hole. A stray code far from all others has a large ball, so the
    answer errs towards "no hole".
    """
    points, centres = _array(check_codes(draws)), _array(check_codes(codes))
    if points.shape[1] != centres.shape[1]:
        raise ValueError(f"Draws have {points.shape[1]} dimensions, codes {centres.shape[1]}.")
    if len(centres) <= neighbours:
        raise ValueError(f"Expected more than {neighbours} codes, got {len(centres)}.")
    # The nearest of all is the code itself.
    radii = KDTree(centres).query(centres, neighbours + 1)[0][:, -1]
    held = np.zeros(len(points), dtype=bool)
    for inside in KDTree(points).query_radius(centres, radii):
        held[inside] = True
    return torch.from_numpy(~held).to(draws.device)


def hole_fraction(draws: Tensor, codes: Tensor, neighbours: int = 5) -> float:
    """The share of draws (N, D) that lie in a hole between the training codes (M, D).

    Measure held-out codes the same way for the floor. For a VAE pass sampled z, not mu. At
    more than two dimensions the balls cover too much for this to be read as a share of
    holes. A small share alone is no praise: draws that all fall in one spot have it too.
    """
    return in_hole(draws, codes, neighbours).float().mean().item()


def _pixels(images: Tensor) -> Tensor:
    return images[..., 2:-2, 2:-2].flatten(1)


def linear_decoder(codes: Tensor, images: Tensor, steps: int = 8) -> Callable[[Tensor], Tensor]:
    """The best decoder without a hidden layer: from codes (N, D) to logits (N, 1, 32, 32).

    One logistic regression for each pixel, fitted to training codes (N, D) and their uint8
    images (N, 1, 32, 32). What it costs in nats is the linear baseline for codes of D
    numbers. The problem is convex and Newton's method solves it: no seed, no learning rate.
    """
    target = to_float(check_images(images)).flatten(1).cpu().double()  # (N, 1024)
    centre, scale = codes.mean(0), codes.std(0)

    def design(z: Tensor) -> Tensor:  # (N, D) -> (N, 1 + D)
        return nn.functional.pad((z - centre) / scale, (1, 0), value=1.0).cpu().double()

    a = design(codes)
    products = torch.einsum("ni,nj->nij", a, a).flatten(1)
    # A pixel that is black in every image asks for a weight without bound; this bounds it.
    ridge = torch.eye(a.shape[1], dtype=a.dtype)
    weights = torch.zeros(a.shape[1], target.shape[1], dtype=a.dtype)
    weights[0] = target.mean(0).clamp(1e-4, 1 - 1e-4).logit()
    for _ in range(steps):
        p = (a @ weights).sigmoid()
        gradient = a.T @ (p - target) + weights
        hessian = (products.T @ (p * (1 - p))).T.unflatten(1, ridge.shape) + ridge
        weights = weights - torch.linalg.solve(hessian, gradient.T).T
    return lambda z: (design(z) @ weights).to(z).unflatten(1, (1, *images.shape[2:]))


def _array(values: Tensor) -> np.ndarray:
    return values.detach().cpu().double().numpy()


def _factor(values: np.ndarray) -> np.ndarray:
    """The Cholesky factor of the covariance: (N, D) -> (D, D)."""
    try:
        return np.linalg.cholesky(np.atleast_2d(np.cov(values.T)))
    except np.linalg.LinAlgError as error:
        raise ValueError("The codes do not vary in every direction.") from error


def _solve(factor: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.linalg.solve(factor, values.T).T


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
