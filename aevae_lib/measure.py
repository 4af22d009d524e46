"""Numbers for what a latent space looks like, and for what is decoded from it.

Functions take tensors, and functions of tensors, never models.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KDTree, KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn

from .data import CLASS_NAMES, Split, check_images, to_float
from .losses import kl_divergence
from .models import IMAGE_SHAPE
from .sample import check_codes


def nearest_garments(
    images: Tensor, reference: Split, batch_size: int = 500
) -> tuple[Tensor, Tensor]:
    """For each image in [0, 1], the nearest reference image: its index, and its
    distance.

    (N, 1, 32, 32) -> (N,), (N,). The distance is the root mean square over the
    28 x 28 pixels inside the padding, so 0 is a copy and 1 the distance from
    black to white. The class of the nearest garment is a classifier that needs
    no training.
    """
    if not images.is_floating_point() or images.shape[1:] != IMAGE_SHAPE:
        raise ValueError(
            "Expected images in [0, 1] of shape (N, 1, 32, 32), got "
            f"{images.dtype} of shape "
            f"{tuple(images.shape)}. data.to_float() turns uint8 images into "
            "these."
        )
    if not torch.isfinite(images).all():
        raise ValueError(
            "Expected finite images; some pixels are NaN or infinite."
        )
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
    """How well a classifier tells points `a` from points `b`: 0.5 (not at all)
    to 1.

    The classifier two-sample test of Lopez-Paz and Oquab (2017): a
    k-nearest-neighbour classifier learns on one half of (N, D) and (M, D) and
    is scored on the other. Where the two are one distribution, the result is
    0.5 with a standard error of 0.5 / sqrt(N), N the size of the smaller.
    Distances are taken after the linear map that gives `a` the identity as
    covariance; it serves both sets alike, so it hides no difference between
    them.
    """
    a, b = check_codes(a), check_codes(b)
    if a.shape[1] != b.shape[1]:
        raise ValueError(
            f"Cannot compare points of {a.shape[1]} and of {b.shape[1]} "
            "dimensions."
        )
    n = min(len(a), len(b))
    if n < 4 * neighbours:
        raise ValueError(
            f"Expected at least {4 * neighbours} points in each set, got {n}."
        )
    factor, rng = _factor(_array(a)), np.random.default_rng(0)
    # Shuffled, so that codes sorted by class are no different from others.
    a, b = (
        _solve(factor, rng.permutation(_array(points))[:n]) for points in (a, b)
    )
    half = n // 2
    learn, score = (
        np.concatenate([a[:half], b[:half]]),
        np.concatenate([a[half:], b[half:]]),
    )
    classifier = KNeighborsClassifier(neighbours)
    classifier.fit(learn, np.repeat([0, 1], half))
    return float(classifier.score(score, np.repeat([0, 1], n - half)))


def asymmetry(codes: Tensor) -> float:
    """How well codes (N, D) are told from their mirror image in the mean: 0.5
    to 1.

    0.5 means that the cloud of codes looks the same from both sides of its
    centre. No linear map of the codes changes the result. One half of them is
    mirrored and compared with the other, so the standard error at 0.5 is 0.5 /
    sqrt(N / 2).
    """
    codes = check_codes(codes)
    order = torch.randperm(
        len(codes), generator=torch.Generator().manual_seed(0)
    )
    codes, half = codes[order.to(codes.device)], len(codes) // 2
    return two_sample_accuracy(codes[:half], 2 * codes.mean(0) - codes[half:])


def class_areas(
    codes: Tensor, labels: Tensor, held_out: Tensor, held_out_labels: Tensor
) -> Tensor:
    """The area in which 95 % of each class lies: (N, 2), (N,) -> (10,), in
    squared code units.

    For each class, the smallest region that a kernel density estimate of its
    codes needs to hold 95 % of its held-out codes. The kernel has the shape of
    the class; its width is the one, of eight, under which the held-out codes of
    that class are most likely: so pass validation codes, not test codes. The
    ratio of two areas does not change under a linear map.
    """
    areas = []
    for k, name in enumerate(CLASS_NAMES):
        own = _array(check_codes(codes, dims=2)[labels == k])
        others = _array(check_codes(held_out, dims=2)[held_out_labels == k])
        if min(len(own), len(others)) < 20:
            raise ValueError(
                f"{name}: {len(own)} codes and {len(others)} held-out codes "
                "are too few for an "
                "area; 20 of each are the least."
            )
        factor = _factor(own)
        area = _densest_area(_solve(factor, own), _solve(factor, others))
        areas.append(area * np.linalg.det(factor))
    return torch.tensor(areas)


def log_volumes(codes: Tensor, labels: Tensor) -> Tensor:
    """The size of each class at any D: (N, D), (N,) -> (10,), in nats.

    Half the log-determinant of the covariance of the class: the logarithm of
    the volume of its one-standard-deviation ellipsoid, less a constant that
    depends on D alone. The differences between classes do not change under a
    linear map. From n codes a class comes out too small by about D (D + 1) /
    4n, the same for all classes of one size. A class that is not one ellipsoid
    but bent, or in parts, counts as large as the ellipsoid around it.
    """
    values = _array(check_codes(codes))
    classes = _labels(labels, len(values))
    volumes = []
    for k, name in enumerate(CLASS_NAMES):
        own = values[classes == k]
        if len(own) <= values.shape[1]:
            raise ValueError(
                f"{name}: {len(own)} codes are too few for a volume; in "
                f"{values.shape[1]} "
                f"dimensions {values.shape[1] + 1} are the least."
            )
        volumes.append(np.log(np.diag(_factor(own))).sum())
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


def in_hole(draws: Tensor, codes: Tensor, neighbours: int = 5) -> Tensor:
    """Which draws lie in a hole between the training codes: (N, D), (M, D) ->
    (N,) bool.

    Every training code supports a ball that reaches to its fifth nearest
    neighbour; a draw that no ball holds is in a hole. A stray code far from all
    others has a large ball, so the answer errs towards "no hole".
    """
    points, centres = _array(check_codes(draws)), _array(check_codes(codes))
    if points.shape[1] != centres.shape[1]:
        raise ValueError(
            f"Draws have {points.shape[1]} dimensions, codes "
            f"{centres.shape[1]}."
        )
    if len(centres) <= neighbours:
        raise ValueError(
            f"Expected more than {neighbours} codes, got {len(centres)}."
        )
    # The nearest of all is the code itself.
    radii = KDTree(centres).query(centres, neighbours + 1)[0][:, -1]
    held = np.zeros(len(points), dtype=bool)
    for inside in KDTree(points).query_radius(centres, radii):
        held[inside] = True
    return torch.from_numpy(~held).to(draws.device)


def hole_fraction(draws: Tensor, codes: Tensor, neighbours: int = 5) -> float:
    """The share of draws (N, D) that lie in a hole between the training codes
    (M, D).

    Measure held-out codes the same way for the floor. For a VAE pass sampled z,
    not mu. At more than two dimensions the balls cover too much for this to be
    read as a share of holes. A small share alone is no praise: draws that all
    fall in one spot have it too.
    """
    return in_hole(draws, codes, neighbours).float().mean().item()


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
    any number of dimensions: so compare numbers of one N and one M, or say
    which they were.
    """
    points, centres = (
        check_codes(part).detach().cpu().double() for part in (generated, real)
    )
    if points.shape[1] != centres.shape[1]:
        raise ValueError(
            f"Generated points have {points.shape[1]} features, real ones "
            f"{centres.shape[1]}."
        )
    if len(centres) <= neighbours:
        raise ValueError(
            f"Expected more than {neighbours} real points, got {len(centres)}."
        )
    # The nearest of all is the point itself.
    radii = torch.cat(
        [
            torch.cdist(part, centres)
            .topk(neighbours + 1, largest=False)
            .values[:, -1]
            for part in centres.split(500)
        ]
    )
    held, covered = 0, torch.zeros(len(centres), dtype=torch.bool)
    for part in points.split(500):
        inside = torch.cdist(part, centres) <= radii
        held += inside.any(dim=1).sum().item()
        covered |= inside.any(dim=0)
    return held / len(points), covered.double().mean().item()


def class_shares(labels: Tensor) -> Tensor:
    """The share of each class among integer labels: (N,) -> (10,), which sum to
    1.
    """
    classes = _labels(labels, labels.numel())
    return torch.from_numpy(
        np.bincount(classes, minlength=len(CLASS_NAMES)) / len(classes)
    )


def total_variation(shares: Tensor, reference: Tensor | None = None) -> float:
    """How far apart two lists of shares (K,) are: 0 if equal, 1 if they have
    nothing in common.

    The total variation distance, half the sum of absolute differences: the part
    that would have to change class. The reference is 1 / K each, unless given.
    N draws of 10 classes that are equally likely come to about 1.2 / sqrt(N),
    not to 0.
    """
    if reference is None:
        reference = torch.full_like(shares, 1 / max(len(shares), 1))
    if shares.shape != reference.shape or shares.ndim != 1:
        raise ValueError(
            "Expected two lists of equal length, got shapes "
            f"{tuple(shares.shape)} and "
            f"{tuple(reference.shape)}."
        )
    a, b = (part.detach().cpu().double() for part in (shares, reference))
    for part in (a, b):
        if not (part >= 0).all() or not abs(part.sum().item() - 1) < 1e-4:
            raise ValueError(
                "Expected shares that sum to 1, none below 0; these sum to "
                f"{part.sum().item():g}. "
                "class_shares() makes them from labels."
            )
    return 0.5 * (a - b).abs().sum().item()


def flips(
    decode_class: Callable[[Tensor], Tensor],
    codes: Tensor,
    step: float = 0.1,
    seed: int = 0,
) -> float:
    """The share of codes (N, D) that decode to another class after a short
    step.

    `decode_class` gives the class of what latent points decode to, (N, D) ->
    (N,). Every code takes one step in a random direction, `step` standard
    deviations of the codes long: all directions are alike after the linear map
    that gives the codes the identity as covariance, so their units decide
    nothing. The length of a step does not grow with D; the diameter of the
    cloud does, as sqrt(D). For a VAE pass sampled z: mu hardly varies in
    dimensions that it does not use, so there its standard deviation is no unit.
    """
    after = _step(check_codes(codes), step, seed)
    classes = [decode_class(z) for z in (codes, after)]
    for found in classes:
        if found.shape != (len(codes),) or found.is_floating_point():
            raise ValueError(
                f"Expected one class for each of {len(codes)} codes, got "
                f"{found.dtype} of shape "
                f"{tuple(found.shape)}; decode_class is to return integers."
            )
    return (classes[0] != classes[1]).float().mean().item()


def image_change(
    decode: Callable[[Tensor], Tensor],
    codes: Tensor,
    step: float = 0.1,
    seed: int = 0,
) -> float:
    """How fast the image changes along the steps of `flips`, in grey values per
    code-std.

    The root mean square, over codes (N, D) and over the 28 x 28 pixels inside
    the padding, of the change of `decode` (N, D) -> (N, 1, 32, 32), divided by
    `step`: for a short step the directional derivative of the decoder. Images
    from black to white have values 0 to 1.
    """
    after = _step(check_codes(codes), step, seed)
    images = [decode(z) for z in (codes, after)]
    for found in images:
        if found.shape != (len(codes), *IMAGE_SHAPE):
            raise ValueError(
                f"Expected decode to return images of shape ({len(codes)}, 1, "
                "32, 32), got "
                f"{tuple(found.shape)}."
            )
    change = _pixels(images[1]) - _pixels(images[0])
    return change.square().mean().sqrt().item() / step


def neighbour_accuracy(
    codes: Tensor,
    labels: Tensor,
    test_codes: Tensor,
    test_labels: Tensor,
    neighbours: int = 10,
) -> float:
    """How well the nearest codes tell the class of an image: 0.1 (not at all)
    to 1.

    The accuracy, on test codes (M, D), of a vote among the ten nearest of the
    codes (N, D). Distances are those of latent space as it is: a dimension that
    varies much counts much.
    """
    classifier = KNeighborsClassifier(neighbours)
    return _accuracy(
        classifier, codes, labels, test_codes, test_labels, least=neighbours
    )


def probe_accuracy(
    codes: Tensor, labels: Tensor, test_codes: Tensor, test_labels: Tensor
) -> float:
    """How well a linear classifier tells the class from the code: 0.1 (not at
    all) to 1.

    The accuracy, on test codes (M, D), of a multinomial logistic regression on
    codes (N, D) that have the mean 0 and the standard deviation 1 in each
    dimension.
    """
    classifier = make_pipeline(
        StandardScaler(), LogisticRegression(max_iter=1000)
    )
    return _accuracy(
        classifier, codes, labels, test_codes, test_labels, least=2
    )


def calibration(logits: Tensor, labels: Tensor, bins: int = 15) -> float:
    """How far a classifier's confidence is from its accuracy: 0 (it knows how
    sure to be) to 1.

    The expected calibration error of Guo et al. (2017), of logits (N, K) and
    labels (N,): images are put into bins of equal width by the probability of
    their likeliest class, and the gaps between mean probability and accuracy
    are averaged, each bin by its number of images.
    """
    scores = check_codes(logits).detach().cpu().double()
    classes = torch.from_numpy(_labels(labels, len(scores), scores.shape[1]))
    confidence, predicted = scores.softmax(dim=1).max(dim=1)
    excess = confidence - (predicted == classes).double()
    bin_of = (confidence * bins).long().clamp(max=bins - 1)
    gaps = torch.zeros(bins, dtype=excess.dtype).index_add(0, bin_of, excess)
    return gaps.abs().sum().item() / len(scores)


def kl_per_dimension(mu: Tensor, logvar: Tensor) -> Tensor:
    """What each latent dimension adds to the mean KL: (N, D), (N, D) -> (D,),
    in nats.
    """
    _check_posteriors(mu, logvar)
    every = kl_divergence(mu.reshape(-1, 1), logvar.reshape(-1, 1)).view_as(mu)
    return every.mean(dim=0)


def active_units(mu: Tensor, threshold: float = 0.01) -> int:
    """How many latent dimensions an encoder uses: those whose mu (N, D) varies
    over images.

    Burda et al. (2016): a dimension is active if the variance of its mu is
    above 0.01.
    """
    if len(check_codes(mu)) < 2:
        raise ValueError(
            "Expected the mu of at least 2 images, got 1: it cannot vary."
        )
    return int((mu.var(dim=0) > threshold).sum())


def aggregate_kl(
    mu: Tensor, logvar: Tensor, draws: int = 10_000, seed: int = 0
) -> tuple[float, float]:
    """The mean KL of posteriors (N, D), (N, D) in its two parts, in nats.

    First the mutual information of image and code, then KL( q_agg || N(0, I) ),
    where q_agg, the aggregate posterior, is the mixture of all N posteriors
    (Hoffman and Johnson, 2016). Both are means over draws from q_agg; they add
    up to the mean KL but for the noise of the draws.

    The first cannot exceed ln N, however many images there might have been. At
    D = 2 thousands of posteriors overlap and the split can be trusted. With
    every further dimension they overlap less, the first part nears ln N, and
    the second is just what is left of the mean KL.
    """
    _check_posteriors(mu, logvar)
    if draws < 1:
        raise ValueError(f"Expected at least 1 draw, got {draws}.")
    mu, logvar = (part.detach().cpu().double() for part in (mu, logvar))
    generator = torch.Generator().manual_seed(seed)
    # Every image in turn, in random order: no image's turn comes twice before
    # all have had one.
    chosen = torch.randperm(len(mu), generator=generator)[
        torch.arange(draws) % len(mu)
    ]
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


def _pixels(images: Tensor) -> Tensor:
    return images[..., 2:-2, 2:-2].flatten(1)


def linear_decoder(
    codes: Tensor, images: Tensor, steps: int = 8
) -> Callable[[Tensor], Tensor]:
    """The best decoder without a hidden layer: from codes (N, D) to logits (N,
    1, 32, 32).

    One logistic regression for each pixel, fitted to training codes (N, D) and
    their uint8 images (N, 1, 32, 32). What it costs in nats is the linear
    baseline for codes of D numbers. The problem is convex and Newton's method
    solves it: no seed, no learning rate.
    """
    target = (
        to_float(check_images(images)).flatten(1).cpu().double()
    )  # (N, 1024)
    centre, scale = codes.mean(0), codes.std(0)

    def design(z: Tensor) -> Tensor:  # (N, D) -> (N, 1 + D)
        return (
            nn.functional.pad((z - centre) / scale, (1, 0), value=1.0)
            .cpu()
            .double()
        )

    a = design(codes)
    products = torch.einsum("ni,nj->nij", a, a).flatten(1)
    # A pixel that is black in every image asks for a weight without bound; this
    # bounds it.
    ridge = torch.eye(a.shape[1], dtype=a.dtype)
    weights = torch.zeros(a.shape[1], target.shape[1], dtype=a.dtype)
    weights[0] = target.mean(0).clamp(1e-4, 1 - 1e-4).logit()

    def cost(weights: Tensor) -> Tensor:  # of each pixel: (1024,)
        logits = a @ weights
        loss = nn.functional.softplus(logits) - target * logits
        return loss.sum(0) + 0.5 * weights.square().sum(0)

    reached = cost(weights)
    for _ in range(steps):
        p = (a @ weights).sigmoid()
        gradient = a.T @ (p - target) + weights
        hessian = (products.T @ (p * (1 - p))).T.unflatten(
            1, ridge.shape
        ) + ridge
        move, size = (
            torch.linalg.solve(hessian, gradient.T).T,
            torch.ones_like(weights[0]),
        )
        # A full step may go too far: it is halved for every pixel that it would
        # make worse.
        while (worse := (costs := cost(weights - size * move)) > reached).any():
            size = torch.where(
                worse & (size > 1e-3), size / 2, torch.where(worse, 0, size)
            )
        weights, reached = weights - size * move, costs
    return lambda z: (
        (design(z) @ weights).to(z).unflatten(1, (1, *images.shape[2:]))
    )


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


def _labels(
    labels: Tensor, n: int, classes: int = len(CLASS_NAMES)
) -> np.ndarray:
    """The labels as an array, or a clear error if they are not n integers of 0
    to 9.
    """
    if labels.shape != (n,) or n == 0 or labels.is_floating_point():
        raise ValueError(
            f"Expected {max(n, 1)} integer labels, got {labels.dtype} of shape "
            f"{tuple(labels.shape)}."
        )
    found = labels.cpu().long().numpy()
    if found.min() < 0 or found.max() >= classes:
        raise ValueError(
            f"Expected labels from 0 to {classes - 1}, got {found.min()} to "
            f"{found.max()}."
        )
    return found


def _accuracy(
    classifier,
    codes: Tensor,
    labels: Tensor,
    test_codes: Tensor,
    test_labels: Tensor,
    least: int,
) -> float:
    """What share of test codes the scikit-learn classifier gets right after
    seeing the codes.
    """
    known, others = (_array(check_codes(part)) for part in (codes, test_codes))
    if known.shape[1] != others.shape[1]:
        raise ValueError(
            f"Codes have {known.shape[1]} dimensions, test codes "
            f"{others.shape[1]}."
        )
    if len(known) < least:
        raise ValueError(f"Expected at least {least} codes, got {len(known)}.")
    classifier.fit(known, _labels(labels, len(known)))
    return float(classifier.score(others, _labels(test_labels, len(others))))


def _step(codes: Tensor, step: float, seed: int) -> Tensor:
    """Each code (N, D) after `step` standard deviations of the codes in a
    random direction.
    """
    if not step > 0:
        raise ValueError(f"Expected a step above 0, got {step}.")
    if len(codes) <= codes.shape[1]:
        raise ValueError(
            f"Expected more than {codes.shape[1]} codes, got {len(codes)}."
        )
    # NumPy's generator, so that no seed gives the numbers that codes may have
    # been drawn from.
    direction = np.random.default_rng(seed).standard_normal(codes.shape)
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    change = torch.from_numpy(step * direction @ _factor(_array(codes)).T)
    return codes + change.to(codes.device, codes.dtype)


def _check_posteriors(mu: Tensor, logvar: Tensor) -> None:
    if check_codes(mu).shape != check_codes(logvar).shape:
        raise ValueError(
            f"Expected mu and logvar of one shape, got {tuple(mu.shape)} and "
            f"{tuple(logvar.shape)}."
        )


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
