"""The choice of a learning rate: for each kind of model, network and data set
by itself, on validation images.
"""

from dataclasses import replace

from . import runs
from .runs import Run

AS = {"cae": "ae", "cvae": "vae"}  # which kinds take another's rate


def tuned_with(run: Run) -> tuple[str, str, str]:
    """What all runs with the same learning rate have in common."""
    return AS.get(run.kind, run.kind), run.network, run.data


def missing(run: Run, stored: dict[str, dict]) -> list[Run]:
    """The runs that have yet to be done before the rate of `run` is known:
    those that are planned, and, where the best rate is at an end of the grid,
    those half or twice as high. `stored` are results by name.
    """
    planned = candidates(run)
    for lr in ends(planned, stored):
        planned += [replace(each, lr=lr) for each in one_rate(planned)]
    return [each for each in planned if each.name not in stored]


def choose(run: Run, stored: dict[str, dict]) -> float:
    """The rate with the lowest validation loss at the end, summed over the
    dimensions that were tried. A rate at which any run failed is out.

    Raises `LookupError` while runs are missing.
    """
    if names := [each.name for each in missing(run, stored)]:
        raise LookupError(
            f"{run.name} needs a learning rate, and these runs, which choose "
            f"it, have not been done: {', '.join(names)}."
        )
    found = losses(candidates(run), stored)
    return min(found, key=found.get)


def candidates(run: Run) -> list[Run]:
    """The runs that the protocol plans for the choice of this run's rate."""
    stages = (runs.tuning, runs.tuning_animals, runs.tuning_book)
    every = [each for stage in stages for each in stage()]
    return [each for each in every if tuned_with(each) == tuned_with(run)]


def one_rate(planned: list[Run]) -> list[Run]:
    """Those of the runs with the first one's rate: one for each dimension."""
    return [each for each in planned if each.lr == planned[0].lr]


def losses(planned: list[Run], stored: dict[str, dict]) -> dict[float, float]:
    """The loss of each rate for which all runs are stored, infinite if one of
    them failed.
    """
    base = one_rate(planned)
    rates = {
        result["config"]["lr"]
        for result in stored.values()
        if result["config"]["seed"] == runs.TUNING_SEED
    }
    found = {}
    for lr in sorted(rates):
        names = [replace(each, lr=lr).name for each in base]
        if all(name in stored for name in names):
            found[lr] = sum(last_loss(stored[name]) for name in names)
    return found


def last_loss(result: dict) -> float:
    """Of validation images at the end; infinite if the run failed."""
    if result["failed"]:
        return float("inf")
    return result["history"][-1]["validation_loss"]


def ends(planned: list[Run], stored: dict[str, dict]) -> list[float]:
    """The rates to be tried beyond the grid, as far as is known."""
    found = losses(planned, stored)
    if not {each.lr for each in planned} <= set(found):
        return []  # the grid comes first
    lowest, best, highest = min(found), min(found, key=found.get), max(found)
    beyond = {lowest: lowest / 2, highest: highest * 2}
    return [beyond[best]] if best in beyond else []
