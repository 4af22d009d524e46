"""The verdict on every row and claim of the second edition, by its rule."""

import itertools
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from aevae_lib import evidence

from . import rule
from .rows import Row
from .runs import GARMENTS
from .series import LONG, Series, trained_longer

LEAST_JUDGES = 2  # of a row that rests on judges
# Rows whose judges say what two readers did not see in the pictures.
UNSEEN = {("P4", "draws of one Gaussian that pass: loss", GARMENTS, (2, 16))}
IDENTITY = "L1"  # the claim that is true by definition


@dataclass(frozen=True)
class Judged:
    """A row of one judge: what it is, and what was found; `spread` and
    `interval` are None where a number is not defined, or not there.
    """

    row: Row
    verdict: str
    why: str = ""
    spread: rule.Spread | None = None
    interval: rule.Interval | None = None


@dataclass(frozen=True)
class Finding:
    """The rows of all judges about one thing, and their verdict together."""

    judged: tuple[Judged, ...]
    verdict: str
    why: str = ""

    @property
    def row(self) -> Row:
        """The first of them, for what all have in common."""
        return self.judged[0].row


def judge(row: Row, level: float | None = None) -> Judged:
    """What the rule makes of one row, at the level of those on its data set
    or at another.
    """
    try:
        number = row.number()
    except evidence.Missing:
        return Judged(row, rule.NOT_SETTLED, "not measured yet")
    if len(number.seeds) < 2:
        return Judged(row, rule.NOT_SETTLED, "one seed only")
    if not np.isfinite(number.values).all():
        bad = [
            seed
            for seed, value in zip(number.seeds, number.values, strict=True)
            if not np.isfinite(value)
        ]
        listed = ", ".join(map(str, bad))
        return Judged(row, rule.NOT_SETTLED, f"not defined in seed {listed}")
    level = level or rule.level_of(row.data)
    spread = number.spread()
    found = spread.interval(level)
    verdict, why = (
        rule.verdict(found, row.margin),
        rule.remark(found, row.margin),
    )
    if verdict == rule.NOT_SETTLED:
        needed = rule.seeds_needed(spread, row.margin, level)
        why = (
            f"too wide even with {rule.MOST_SEEDS} seeds"
            if needed is None
            else f"{needed} seeds would do, {spread.seeds} were run"
        )
    return Judged(row, verdict, why, spread, found)


def mean_of(number: Callable[[], Series] | None) -> float | None:
    """The mean over seeds of what stands beside a row, where it is known and
    defined.
    """
    try:
        mean = float(number().values.mean()) if number else math.nan
    except evidence.Missing:
        return None
    return None if math.isnan(mean) else mean


def findings(rows: Iterable[Row], level: float | None = None) -> list[Finding]:
    """The rows, those of one thing together."""
    return [
        finding(tuple(judge(row, level) for row in same))
        for _, same in itertools.groupby(rows, key=lambda row: row.name)
    ]


def finding(judged: tuple[Judged, ...]) -> Finding:
    """What judges who see the fault say together."""
    asked = [each for each in judged if each.row.asked]
    if len(judged) > 1 and len(asked) < LEAST_JUDGES:
        return Finding(judged, rule.NOT_SETTLED, "fewer than two judges see it")
    if judged[0].row.name[:4] in UNSEEN:
        return Finding(judged, rule.NOT_SETTLED, "not what two readers saw")
    verdict = rule.together(each.verdict for each in asked)
    if contradicted(asked, verdict):
        return Finding(
            judged, rule.MIXED, "models trained three times as long say "
            "otherwise",
        )  # fmt: skip
    return Finding(judged, verdict, "; ".join(dict.fromkeys(
        each.why for each in asked if each.why
    )))  # fmt: skip


def contradicted(asked: list[Judged], verdict: str) -> bool:
    """Whether models that were trained three times as long say the opposite."""
    dims = asked[0].row.d
    if max(dims if isinstance(dims, tuple) else (dims,)) < LONG:
        return False
    with trained_longer():
        longer = rule.together(judge(each.row).verdict for each in asked)
    return opposite(verdict, longer)


def opposite(one: str, other: str) -> bool:
    """Whether one verdict says yes, small or not, and the other no."""
    yes = {rule.SUPPORTED, rule.SMALL}
    return bool({one, other} & yes) and rule.NOT_SUPPORTED in (one, other)


def of_claim(claim: str, found: Iterable[Finding]) -> str:
    """The verdict on a claim, on the data set of these findings."""
    if claim == IDENTITY:
        return rule.BY_DEFINITION
    return rule.together(
        each.verdict for each in found if each.row.claim == claim
    )


def of_course(claim: str, found: dict[str, list[Finding]]) -> str:
    """The course's verdict: that of garments, unless the animals disagree."""
    garments, *animals = (
        of_claim(claim, found[data]) for data in sets_of(claim, found)
    )
    disagree = any(opposite(garments, each) for each in animals)
    return rule.MIXED if disagree else garments


def sets_of(claim: str, found: dict[str, list[Finding]]) -> list[str]:
    """On which data sets there is something to say about a claim."""
    return [
        data
        for data, each in found.items()
        if claim == IDENTITY or any(one.row.claim == claim for one in each)
    ]
