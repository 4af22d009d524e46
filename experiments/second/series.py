"""Numbers of the stored results of the second edition, one for each seed, with
what they are on each resample of the test images.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from aevae_lib import evidence

from . import resampling, rule
from .runs import LONGER

RESULTS = evidence.RESULTS / "second"
LONG = 16  # from so many dimensions on, training three times as long is tried


@dataclass(frozen=True)
class Series:
    """A number of each seed, and how far each resample lies from it: (S,),
    (S, RESAMPLES).
    """

    seeds: tuple[int, ...]
    values: np.ndarray
    moved: np.ndarray

    def __sub__(self, other: "Series") -> "Series":
        """Seed by seed, over those that both have."""
        shared = tuple(s for s in self.seeds if s in other.seeds)
        if not shared:
            raise evidence.Missing("The two have no seed in common.")
        one, two = self.only(shared), other.only(shared)
        return Series(shared, one.values - two.values, one.moved - two.moved)

    def only(self, seeds: tuple[int, ...]) -> "Series":
        """What these seeds have."""
        where = [self.seeds.index(seed) for seed in seeds]
        return Series(seeds, self.values[where], self.moved[where])

    def spread(self) -> rule.Spread:
        """What is known of its mean."""
        return rule.spread(self.values, self.moved)


_longer = ContextVar("longer", default=False)


@contextmanager
def trained_longer() -> Iterator[None]:
    """Numbers that are asked for within this are those of models that were
    trained three times as long, from LONG dimensions on.
    """
    token = _longer.set(True)
    try:
        yield
    finally:
        _longer.reset(token)


def longer(group: str) -> str:
    """The name of the group that was trained three times as long."""
    kind, dims, *more = group.split("-")
    if int(dims.removeprefix("d")) < LONG:
        return group
    return "-".join([kind, dims, f"budget{LONGER}", *more])


def of(group: str, metric: str, less: float = 0.0) -> Callable[[], Series]:
    """A metric of a group of runs, less a constant."""

    def found() -> Series:
        name_of = longer(group) if _longer.get() else group
        runs = {
            run["config"]["seed"]: run
            for name, run in stored().items()
            if name.rpartition("-seed")[0] == name_of
            and metric in run["metrics"]
        }
        if not runs:
            raise evidence.Missing(f"No run of {name_of!r} has {metric!r} yet.")
        seeds = tuple(sorted(runs))
        moved = [runs[s]["resamples"].get(metric) for s in seeds]
        return Series(
            seeds,
            np.array(
                [runs[s]["metrics"][metric] for s in seeds], dtype=float
            )
            - less,  # null, which is no number, became NaN
            np.stack([
                np.zeros(resampling.RESAMPLES)
                if part is None
                else resampling.unpacked(part)
                for part in moved
            ]),
        )  # fmt: skip

    return found


def stored() -> dict[str, dict]:
    """Every stored run by its name, read once."""
    return evidence.runs(RESULTS.name)


def read(folder: Path) -> dict[str, dict]:
    """The results in a folder by the names of their runs."""
    return {
        path.stem: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob("*.json"))
    }
