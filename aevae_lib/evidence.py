"""What was found: the stored results, and means and differences with their
intervals.

A result file holds one run: its configuration, its metrics and what it was made
with, from the library's version and commit to the machine. A metric that came
out as no number is stored as null. Runs that differ only in their seed form a
group, which is named after the rest: "ae-d2" is the autoencoder at two
dimensions, "vae-d2-beta4" a VAE with another beta. Where both editions of the
protocol have a number, the newer counts.
"""

import csv
import json
import math
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.stats import t as student

RESULTS = Path(str(files(__package__))) / "results"
EDITIONS = ("second", "first")  # of the protocol: folders, the newest first


class Missing(KeyError):
    """Results that the sweep has not made (yet)."""

    def __str__(self) -> str:
        return str(self.args[0])


class Undefined(ValueError):
    """A metric that is not a number in some runs; the message says in which."""


class Interval(NamedTuple):
    """A mean over seeds and the ends of its t interval."""

    mean: float
    low: float
    high: float
    seeds: int

    def __str__(self) -> str:
        return f"{self.mean:.3g} [{self.low:.3g}, {self.high:.3g}]"


@cache
def runs(edition: str = EDITIONS[0]) -> dict[str, dict]:
    """Every stored run of an edition by its name ("vae-d2-seed0").

    Raises `ValueError`, naming the file, for one that is damaged.
    """
    found = {}
    for path in sorted((RESULTS / edition).glob("*.json")):
        run = _read(path, "config", "metrics")
        seed = run["config"].get("seed")
        if not path.stem.endswith(f"-seed{seed}"):
            raise ValueError(
                f"{path}: holds a run of seed {seed}. Delete it and run the "
                "sweep."
            )
        found[path.stem] = run
    return found


def groups() -> list[str]:
    """The names of all groups of runs, of any edition."""
    return sorted({n.rpartition("-seed")[0] for e in EDITIONS for n in runs(e)})


def values(group: str, metric: str) -> dict[int, float]:
    """A metric of every run of a group: {seed: value}.

    Raises `Missing` for a group without runs, `Undefined` for a metric that is
    not a number in some of them, which is a result too, and `ValueError` for
    one that some of the runs do not have.
    """
    return _of_one_edition(metric, group)[0]


def _of_one_edition(metric: str, *names: str) -> list[dict[int, float]]:
    """The values of groups, by the newest edition that has those of all."""
    for edition in EDITIONS:
        found = [_values(group, metric, edition) for group in names]
        if all(found):
            return found
    for group in names:
        if group not in groups():
            raise Missing(
                f"No runs of {group!r}; there are runs of {_listing(groups())}."
            )
    raise ValueError(f"Some runs of {_listing(names)} have no {metric!r}.")


def _values(group: str, metric: str, edition: str) -> dict[int, float]:
    of = {
        run["config"]["seed"]: run["metrics"]
        for name, run in runs(edition).items()
        if name.startswith(f"{group}-seed")
    }
    if any(metric not in metrics for metrics in of.values()):
        return {}
    numbers = {seed: of[seed][metric] for seed in sorted(of)}
    if none := [seed for seed, n in numbers.items() if not _is_number(n)]:
        raise Undefined(
            f"{metric} of {group!r} is not a number in seeds {_listing(none)}."
        )
    return numbers


def floors(dataset: str = "fashion-mnist") -> dict[str, float]:
    """What real images of a data set score, and baselines that need no training
    but a linear one.

    Raises `Missing` where they have not been measured, and `ValueError` for a
    damaged file.
    """
    path = floors_path(dataset)
    if not path.exists():
        raise Missing(
            f"{path.name} is missing: what real images score has not been "
            "measured."
        )
    return _read(path)


def floors_path(dataset: str = "fashion-mnist") -> Path:
    """Where the floors of a data set are stored."""
    other = "" if dataset == "fashion-mnist" else f"-{dataset}"
    return RESULTS / f"floors{other}.json"


def floor(metric: str, dataset: str = "fashion-mnist") -> float:
    """One of `floors(dataset)`; a `ValueError` that says what there is for
    another name, `Undefined` for one that is not a number.
    """
    found = floors(dataset)
    if metric not in found:
        raise ValueError(
            f"There is no floor {metric!r}; there are {_listing(found)}."
        )
    if not _is_number(found[metric]):
        raise Undefined(f"The floor {metric!r} is not a number.")
    return found[metric]


def ledger(claim: str = "") -> list[dict[str, str]]:
    """The rows of the ledger on a claim, or all, as text: who judged what on
    which data (`claim`, `row`, `data`, `d`, `beta`, `judge`), what came out
    (`number`, `low`, `high`, in `unit`, of so many `seeds`), the `margin`, the
    `verdict`, and that of all judges `together`. What is not known is empty.

    Raises `ValueError` for a claim that is not in it.
    """
    text = (RESULTS / "ledger.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    found = [row for row in rows if claim in ("", row["claim"])]
    if not found:
        names = _listing(dict.fromkeys(row["claim"] for row in rows))
        raise ValueError(
            f"There is no claim {claim!r} with rows; there are {names}."
        )
    return found


def bench() -> dict[str, dict]:
    """What `make bench` measured, part by part, each with the machine it was
    measured on.

    Raises `Missing` where nothing was measured, and `ValueError` for a damaged
    file.
    """
    path = RESULTS / "bench.json"
    if not path.exists():
        raise Missing(f"{path.name} is missing: run `make bench`.")
    return _read(path, remedy="run make bench")


def mean(group: str, metric: str) -> Interval:
    """The mean of a metric over the seeds of a group, with its t interval."""
    return interval(list(values(group, metric).values()))


def difference(first: str, second: str, metric: str) -> Interval:
    """First group less second, seed by seed (runs of one seed share their
    start).

    Seeds that only one of the groups has are left out; raises `Missing` if none
    is left.
    """
    a, b = _of_one_edition(metric, first, second)
    shared = sorted(a.keys() & b.keys())
    if not shared:
        raise Missing(
            f"{first!r} and {second!r} have no seed in common; they have the "
            "seeds "
            f"{_listing(a)} and {_listing(b)}."
        )
    return interval([a[seed] - b[seed] for seed in shared])


def interval(numbers: Sequence[float]) -> Interval:
    """The 95 % t interval of the mean of independent runs; without bounds for a
    single one.
    """
    array = np.asarray(numbers, dtype=float)
    if array.ndim != 1 or not len(array) or not np.isfinite(array).all():
        raise ValueError(
            f"Expected a list of at least one finite number, got {numbers}."
        )
    n, centre = len(array), float(array.mean())
    if n < 2:
        return Interval(centre, -math.inf, math.inf, n)
    half = float(student.ppf(0.975, n - 1) * array.std(ddof=1) / math.sqrt(n))
    return Interval(centre, centre - half, centre + half, n)


def _read(path: Path, *parts: str, remedy: str = "run the sweep") -> dict:
    """A file of results, whose `parts` are dictionaries, or an error that names
    it.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(
            f"{path}: damaged ({error}). Delete it and {remedy}."
        ) from error
    whole = isinstance(found, dict) and all(
        isinstance(found.get(part), dict) for part in parts
    )
    if not whole:
        raise ValueError(
            f"{path}: damaged (no results in it). Delete it and {remedy}."
        )
    return found


def _is_number(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _listing(names: Sequence) -> str:
    return ", ".join(map(str, names)) or "none"
