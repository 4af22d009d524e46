"""How codes lie: whether two sets can be told apart; how lopsided one is."""

import numpy as np
import torch
from sklearn.neighbors import KNeighborsClassifier
from torch import Tensor

from ..sample import check_codes
from .inputs import at_least, factor_of, pair, whitened


def two_sample_accuracy(a: Tensor, b: Tensor, neighbours: int = 25) -> float:
    """How well a classifier tells points (N, D) from others (M, D): 0.5 (not at
    all) to 1.

    The classifier two-sample test of Lopez-Paz and Oquab (2017): votes of the
    nearest neighbours in one half of the points are scored on the other. Where
    both are one distribution, the result is 0.5 with a standard error of 0.5 /
    sqrt(N), N the size of the smaller. Distances are taken after the linear map
    that gives `a` the identity as covariance; it serves both sets alike, so it
    hides no difference between them.
    """
    first, second = pair(a, b)
    at_least(4 * neighbours, first, second)
    n = min(len(first), len(second))
    factor, rng = factor_of(first), np.random.default_rng(0)
    # Shuffled, so that codes sorted by class are no different from others.
    first, second = (
        whitened(factor, rng.permutation(points)[:n])
        for points in (first, second)
    )
    half = n // 2
    learn = np.concatenate([first[:half], second[:half]])
    score = np.concatenate([first[half:], second[half:]])
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
    codes = check_codes(codes).detach().cpu()
    generator = torch.Generator().manual_seed(0)
    codes = codes[torch.randperm(len(codes), generator=generator)]
    half = len(codes) // 2
    return two_sample_accuracy(codes[:half], 2 * codes.mean(0) - codes[half:])
