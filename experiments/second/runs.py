"""Which runs the second edition plans, and which learning rate each has."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

from aevae_lib.data import Split

from .. import runs
from ..runs import EPOCH, PAIR, SHIRT, TUNING_SEED, seeded

GARMENTS, ANIMALS = "fashion-mnist", "animals"
BIRD = 1  # among the animals
TWINS = ("penalised", "noisy", "fixed", "learned")
LEARNING_RATES = (4e-3, 8e-3, 1.6e-2, 3.2e-2, 6.4e-2)
LONGER = 30 * EPOCH  # images seen by the runs that are three times as long


@dataclass(frozen=True)
class Run(runs.Run):
    """One configuration of the second edition, on one data set."""

    data: str = GARMENTS
    without_class: int | None = None  # that it never sees


def training_set(run: Run, train: Split) -> Split:
    """The images and labels that a run may see."""
    if run.without_class is not None:
        train = train[train.labels != run.without_class]
    return runs.training_set(run, train)


# --- the stages --------------------------------------------------------------


def grid(*of: Iterable, seeds: int, **departures: object) -> list[Run]:
    """A run for each pair of a kind and a dimension, with each seed from 0."""
    pairs = itertools.product(*of)
    return seeded(seeds, *(Run(kind, d, 0, **departures) for kind, d in pairs))


def tuning() -> list[Run]:
    plain = rates(PAIR, (2, 16), LEARNING_RATES)
    return plain + rates(TWINS, (16,), LEARNING_RATES[1:4])


def tuning_book() -> list[Run]:
    return rates(PAIR, (2,), LEARNING_RATES[:3], network="book")


def tuning_animals() -> list[Run]:
    return rates(PAIR, (2, 16), LEARNING_RATES, data=ANIMALS)


def rates(*of: Iterable, **departures: object) -> list[Run]:
    """A run for each kind, dimension and learning rate, with the seed that is
    used nowhere else.
    """
    return [
        Run(kind, d, TUNING_SEED, lr=lr, **departures)
        for kind, d, lr in itertools.product(*of)
    ]


def headline() -> list[Run]:
    return grid(PAIR, (2, 16), seeds=10)


def factorial() -> list[Run]:
    return grid(TWINS, (2, 16), seeds=5)


def dimensions() -> list[Run]:
    return grid(PAIR, (4, 8, 32, 64), seeds=5)


def betas() -> list[Run]:
    of = [("vae",), (2, 16)]
    often = [grid(*of, seeds=5, beta=beta) for beta in (0.1, 0.5)]
    seldom = [grid(*of, seeds=3, beta=beta) for beta in (0.0, 4.0, 10.0)]
    return [run for part in often + seldom for run in part]


def few_images() -> list[Run]:
    return grid(PAIR, (2, 16), seeds=5, train_images=500)


def shirts() -> list[Run]:
    return grid(PAIR, (2, 16), seeds=5, only_class=SHIRT)


def told() -> list[Run]:
    return grid(("cae", "cvae"), (16,), seeds=3)


def longer() -> list[Run]:
    return grid(PAIR, (16, 64), seeds=3, budget=LONGER)


def wider() -> list[Run]:
    return grid(PAIR, (2,), seeds=3, network="book")


def animals() -> list[Run]:
    return grid(PAIR, (2, 16), seeds=10, data=ANIMALS)


def animals_dimensions() -> list[Run]:
    """What V1 compares with: as many numbers as mu and log-variance have."""
    return grid(("ae",), (4, 32), seeds=5, data=ANIMALS)


def animals_betas() -> list[Run]:
    of = [("vae",), (2, 16)]
    parts = [grid(*of, seeds=5, beta=beta, data=ANIMALS) for beta in (0.1, 0.5)]
    return [run for part in parts for run in part]


def birds() -> list[Run]:
    return grid(PAIR, (2, 16), seeds=5, only_class=BIRD, data=ANIMALS)


def more() -> list[Run]:
    """The one step of more seeds that rule 3 allows, fewest needed first."""
    return [
        Run("ae", 2, 10),
        Run("vae", 16, 5, beta=0.5, data=ANIMALS),
        *(Run("vae", 16, seed, beta=0.1, data=ANIMALS) for seed in (5, 6)),
        *(Run("ae", d, 10, data=ANIMALS) for d in (2, 16)),
        Run("vae", 16, 10, data=ANIMALS),
        *(Run("vae", d, s, beta=0.1) for d in (2, 16) for s in (5, 6, 7)),
        *(Run("ae", 32, seed) for seed in (5, 6, 7, 8)),
        *(Run("vae", 2, seed, beta=0.5) for seed in range(5, 11)),
        *(Run("ae", 2, seed) for seed in (11, 12, 13)),
        *(Run("vae", 2, seed) for seed in (10, 11, 12, 13)),
    ]


# In the order in which they are done: headline rows first.
STAGES = {
    "tune": tuning,
    "tune-animals": tuning_animals,
    "A": headline,
    "animals": animals,
    "birds": birds,
    "twins": factorial,
    "beta": betas,
    "beta-animals": animals_betas,
    "B": dimensions,
    "B-animals": animals_dimensions,
    "shirts": shirts,
    "few": few_images,
    "told": told,
    "longer": longer,
    "tune-book": tuning_book,
    "book": wider,
    "more": more,
}
