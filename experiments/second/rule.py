"""The rule for verdicts of the protocol's second edition: from numbers, seed by
seed, to one of a few words.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import stats

SUPPORTED = "supported"
SMALL = "supported, but small"
MIXED = "mixed"
NOT_SUPPORTED = "not supported"
NOT_SETTLED = "not settled"
BY_DEFINITION = "by definition"
VERDICTS = (
    SUPPORTED, SMALL, MIXED, NOT_SUPPORTED, NOT_SETTLED, BY_DEFINITION,
)  # fmt: skip

ROWS = {"fashion-mnist": 78, "animals": 75}  # headline rows on each data set
WRONG = 0.05  # how often one of them all may be wrong
MOST_SEEDS = 20


@dataclass(frozen=True)
class Spread:
    """What is known of a number from its seeds and from its test images."""

    mean: float
    std: float  # over seeds
    seeds: int
    images: float  # variance of the mean that the luck of test images gives

    def interval(self, level: float, seeds: int | None = None) -> "Interval":
        """Student's interval of the mean, as it would be for so many seeds."""
        n = seeds or self.seeds
        error = math.sqrt(self.std**2 / n + self.images)
        half = error * stats.t.ppf((1 + level) / 2, n - 1)
        return Interval(self.mean - half, self.mean + half)


class Interval(NamedTuple):
    """The two ends of an interval."""

    low: float
    high: float

    def clears(self, margin: float) -> bool:
        """Whether all of it lies on one side of the margin."""
        return self.low > margin or self.high < margin


def level_of(dataset: str) -> float:
    """The level of one headline row (Bonferroni)."""
    return 1 - WRONG / ROWS[dataset]


def spread(numbers: np.ndarray, resamples: np.ndarray) -> Spread:
    """Of a number of each seed, (S,), and how far it moves under resamples of
    the test images, (S, R): the same images for all seeds.

    Raises `ValueError` for fewer than two seeds, and for numbers that are not
    defined.
    """
    if len(numbers) < 2:
        raise ValueError(f"{len(numbers)} seeds have no spread; take two.")
    if not np.isfinite(numbers).all():
        raise ValueError(f"not a number in some seeds: {numbers}")
    images = resamples.mean(0).var(ddof=1)
    return Spread(
        float(numbers.mean()),
        float(numbers.std(ddof=1)),
        len(numbers),
        float(images),
    )


def verdict(found: Interval, margin: float) -> str:
    """What an interval earns, by the protocol's one table."""
    if found.low > margin:
        return SUPPORTED
    if found.low > 0:
        return SMALL
    return NOT_SUPPORTED if found.high < margin else NOT_SETTLED


def remark(found: Interval, margin: float) -> str:
    """What the table lets a row say beside its verdict; often nothing."""
    if verdict(found, margin) == SMALL and found.high > margin:
        return "it may be more than small"
    return "the opposite holds" if found.high < 0 else ""


def together(verdicts: Iterable[str]) -> str:
    """The verdict of a row from those of its judges, or of a claim from those
    of its rows.
    """
    said = set(verdicts)
    if not said:
        raise ValueError("There are no verdicts to put together.")
    if len(said) == 1:
        return said.pop()
    if MIXED in said or (NOT_SUPPORTED in said and said & {SUPPORTED, SMALL}):
        return MIXED
    return SMALL if said == {SUPPORTED, SMALL} else NOT_SETTLED


def seeds_needed(found: Spread, margin: float, level: float) -> int | None:
    """The least number of seeds, at most MOST_SEEDS, with which the interval
    would clear the margin at this mean and these spreads; None if there is no
    such number.
    """
    for seeds in range(found.seeds, MOST_SEEDS + 1):
        if found.interval(level, seeds).clears(margin):
            return seeds
    return None
