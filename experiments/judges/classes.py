"""Who counts classes right on blurred pictures?

Tried on reconstructions of held-out images, whose class is known. A code of few
numbers has lost some classes for good, so nobody can be right every time: a
count is right where as many are taken for a coat as are coats.
"""

from collections.abc import Sequence

import torch
from sklearn.neighbors import KNeighborsClassifier
from torch import Tensor

from aevae_lib import data, measure, sample
from aevae_lib.models import Autoencoder

from .candidates import Judge
from .faults import seeded

KNOWN = 10_000  # training images whose codes and reconstructions are searched
ASKED = 2000  # held-out images
NEIGHBOURS = 10
SKEW = torch.arange(1, 11) / 55.0  # shares of a collection that is not even


def count(
    dataset: data.DataSet,
    judges: Sequence[Judge],
    model: Autoencoder,
) -> dict:
    """{counter: {"accuracy", "even", "skewed"}} for one model.

    The last two are how far the shares of the classes are counted wrong, in
    total variation, on all held-out images and on a part of them with the
    shares SKEW.
    """
    known, labels = dataset.train.images[:KNOWN], dataset.train.labels[:KNOWN]
    held_out, truth = dataset.validation[:ASKED]
    codes = sample.codes_of(model, held_out)
    pictures = sample.pictures(model, codes)
    known_codes = sample.codes_of(model, known)
    redrawn = sample.pictures(model, known_codes)
    answers = {
        judge.name: judge.classes(pictures) for judge in judges if judge.classes
    }
    answers["neighbouring codes"] = vote(known_codes, labels, codes)
    answers["nearest reconstructions"] = vote(
        redrawn.flatten(1), labels, pictures.flatten(1)
    )
    part = skewed(truth)
    return {
        name: {
            "accuracy": (found == truth).float().mean().item(),
            "even": miscounted(found, truth),
            "skewed": miscounted(found[part], truth[part]),
        }
        for name, found in answers.items()
    }


def vote(known: Tensor, labels: Tensor, asked: Tensor) -> Tensor:
    """The class of most of the nearest: (N, F), (N,), (M, F) -> (M,)."""
    search = KNeighborsClassifier(NEIGHBOURS).fit(known.numpy(), labels.numpy())
    return torch.from_numpy(search.predict(asked.numpy()))


def miscounted(found: Tensor, truth: Tensor) -> float:
    """How far the shares of classes are wrong: 0 (not at all) to 1."""
    shares = [
        torch.bincount(labels, minlength=len(SKEW)) / len(labels)
        for labels in (found, truth)
    ]
    return measure.total_variation(*shares)


def skewed(labels: Tensor) -> Tensor:
    """Indices of images whose classes have the shares SKEW."""
    most = torch.bincount(labels, minlength=len(SKEW)).min()
    parts = []
    for label, share in enumerate(SKEW / SKEW.max()):
        own = (labels == label).nonzero().squeeze(1)
        order = torch.randperm(len(own), generator=seeded(label))
        parts.append(own[order[: max(1, int(share * most))]])
    return torch.cat(parts)
