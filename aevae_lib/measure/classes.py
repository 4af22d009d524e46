"""Classes: how often each is met, and how well they can be told."""

import torch
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from ..data import check_labels
from .inputs import array, at_least, pair


def class_shares(labels: Tensor, classes: int) -> Tensor:
    """The share of each of K classes among labels: (N,) -> (K,), with sum 1."""
    if not (n := labels.numel()):
        raise ValueError("Expected at least one label, got none.")
    counts = check_labels(labels, n, classes).cpu().bincount(minlength=classes)
    return counts.double() / n


def total_variation(shares: Tensor, reference: Tensor | None = None) -> float:
    """How far apart two lists of shares (K,) are: 0 if equal, 1 if they have
    nothing in common.

    Half the sum of absolute differences: the part that would have to change
    class. The reference is 1 / K each, unless given. N draws of 10 classes that
    are equally likely come to about 1.2 / sqrt(N), not to 0.
    """
    if reference is None:
        reference = torch.full_like(shares, 1 / max(len(shares), 1))
    if shares.shape != reference.shape or shares.ndim != 1:
        raise ValueError(
            "Expected two lists of equal length, got shapes "
            f"{tuple(shares.shape)} and {tuple(reference.shape)}."
        )
    a, b = (part.detach().cpu().double() for part in (shares, reference))
    for part in (a, b):
        if not (part >= 0).all() or not abs(part.sum().item() - 1) < 1e-4:
            raise ValueError(
                "Expected shares that sum to 1, none below 0; these sum to "
                f"{part.sum().item():g}."
            )
    return 0.5 * (a - b).abs().sum().item()


def neighbour_accuracy(
    codes: Tensor,
    labels: Tensor,
    test_codes: Tensor,
    test_labels: Tensor,
    neighbours: int = 10,
) -> float:
    """How well the nearest codes tell the class of an image: 1 / K for K equal
    classes (not at all) to 1.

    The accuracy, on test codes (M, D), of a vote among the ten nearest of the
    codes (N, D). Distances are those of latent space as it is: a dimension that
    varies much counts much.
    """
    vote = KNeighborsClassifier(neighbours)
    return _accuracy(vote, neighbours, codes, labels, test_codes, test_labels)


def probe_accuracy(
    codes: Tensor, labels: Tensor, test_codes: Tensor, test_labels: Tensor
) -> float:
    """How well a linear classifier tells the class from the code: 1 / K for K
    equal classes (not at all) to 1.

    The accuracy, on test codes (M, D), of a multinomial logistic regression on
    codes (N, D) that have the mean 0 and the standard deviation 1 in each
    dimension.
    """
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    return _accuracy(probe, 2, codes, labels, test_codes, test_labels)


def _accuracy(classifier, least: int, codes, labels, test_codes, test_labels):
    """The share of test codes that a scikit-learn classifier gets right."""
    known, others = pair(codes, test_codes)
    at_least(least, known)
    classifier.fit(known, check_labels(labels, len(known)).cpu())
    right = check_labels(test_labels, len(others)).cpu()
    return float(classifier.score(others, right))


def calibration(logits: Tensor, labels: Tensor, bins: int = 15) -> float:
    """How far a classifier's confidence is from its accuracy: 0 (it knows how
    sure to be) to 1.

    The expected calibration error of Guo et al. (2017), of logits (N, K) and
    labels (N,): images are put into bins of equal width by the probability of
    their likeliest class, and the gaps between mean probability and accuracy
    are averaged, each bin by its number of images.
    """
    scores = torch.from_numpy(array(logits))
    classes = check_labels(labels, *scores.shape).cpu()
    confidence, predicted = scores.softmax(dim=1).max(dim=1)
    excess = confidence - (predicted == classes).double()
    bin_of = (confidence * bins).long().clamp(max=bins - 1)
    gaps = torch.zeros(bins, dtype=excess.dtype).index_add(0, bin_of, excess)
    return gaps.abs().sum().item() / len(scores)
