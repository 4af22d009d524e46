"""Measure a model, or the baselines of a data set, in a process of its own."""

from functools import cache

import torch
from torch import Tensor

from aevae_lib.data import to_float

from ..runs import SHIRT
from ..second import training
from ..second.runs import ANIMALS, GARMENTS, Run, training_set
from . import baselines, tasks

DIMS = (16, 64)  # of principal components
BAG = 8
LEFT_OUT = (BAG, SHIRT)  # like no other class of garments, and like four
OTHER = {GARMENTS: ANIMALS, ANIMALS: GARMENTS}


def baseline(name: str) -> dict:
    torch.set_num_threads(1)
    dataset = training.loaded(name, "cpu")
    return baselines.measured(dataset, foreign(name), DIMS)


def baseline_without(k: int) -> dict:
    """Of garments, for a class that is not among the training images."""
    torch.set_num_threads(1)
    return baselines.left_out(training.loaded(GARMENTS, "cpu"), k)


def foreign(name: str) -> Tensor:
    """Test images of the other data set."""
    others = training.loaded(OTHER[name], "cpu").test.images
    return to_float(others[: tasks.ASKED])


@cache
def kinds() -> tuple[Tensor, Tensor]:
    """Of the garments."""
    garments = training.loaded(GARMENTS, "cpu")
    return baselines.kinds_of(garments, baselines.components(garments))


def measured(run: Run) -> dict:
    """All that is asked of a model."""
    about = uses_of(run)
    if run.only_class is not None:
        return {"anomalies": among_classes(about, run.only_class)}
    if run.without_class is not None:
        parts = tasks.without(about.dataset, run.without_class)
        return {"anomalies": about.told_apart(*parts)}
    strange = tasks.strange_to(about.test, foreign(run.data))
    found = {"anomalies": about.anomalies(strange)}
    if run.data == GARMENTS:
        found |= {
            "compression": about.compression(),
            "denoising": about.denoising(),
            "retrieval": about.retrieval(kinds()),
        }
    return found


def familiar(run: Run) -> dict:
    """The classes that others never saw, to a model that did see them."""
    about = uses_of(run)
    return {
        f"class{k}": about.told_apart(*tasks.without(about.dataset, k))
        for k in LEFT_OUT
    }


def uses_of(run: Run) -> tasks.Uses:
    """A run's model, and what it is asked about, on one thread."""
    torch.set_num_threads(1)
    dataset = training.loaded(run.data, "cpu")
    model = training.kept_or_trained(run)
    seen = training_set(run, dataset.train)
    return tasks.Uses(model, dataset, seen, run.seed)


def among_classes(about: tasks.Uses, k: int) -> dict:
    """A model that has seen one class; the others are strange to it."""
    split = about.dataset.test
    others = to_float(split.images[split.labels != k][: tasks.ASKED])
    usual, held_out = (
        to_float(part.images[part.labels == k])
        for part in (split, about.dataset.validation)
    )
    return about.told_apart(held_out, usual, {"others": others})
