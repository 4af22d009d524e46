"""Measure a part of the evidence anew, from scratch, and compare it with what
is stored.

    python -m experiments.replicate

Trains and measures the autoencoder and the VAE at 2 and at 16 dimensions with a
seed that the sweep did not use, and asks of each headline number whether it
lies where one more run should lie, given the stored ones: in the prediction
interval of a t distribution. The level is such that a sound machine fails once
in a hundred times.
"""

import json
import math
import sys
import tempfile
from pathlib import Path

import numpy as np
from scipy.stats import t as student

from aevae_lib import evidence

from .files import WEIGHTS
from .runs import PAIR, Run
from .sweep.pool import sweep

FRESH_SEED = 1000
RUNS = [Run(kind, d, FRESH_SEED) for d in (16, 2) for kind in PAIR]
COMPARED = (
    "reconstruction", "c2st_gaussian", "flips", "precision_gaussian",
    "precision_prior", "coverage_gaussian", "coverage_prior",
    "neighbour_accuracy", "code_noise_cost",
)  # fmt: skip
ONLY_AT_TWO = ("area_ratio", "hole_fraction_gaussian", "hole_fraction_prior")
ERROR = 0.01


def prediction(numbers: list[float], level: float) -> tuple[float, float]:
    """Where one more run lies with this probability, given independent runs
    like it.
    """
    array = np.asarray(numbers, dtype=float)
    n = len(array)
    spread = array.std(ddof=1) * math.sqrt(1 + 1 / n)
    half = float(student.ppf(0.5 + level / 2, n - 1) * spread)
    return float(array.mean()) - half, float(array.mean()) + half


def compare(fresh: dict[Run, dict[str, float]]) -> list[str]:
    """What of the fresh runs' metrics does not fit the stored, in words."""
    pairs = [(run, metric) for run in fresh for metric in compared(run)]
    level, misfits = 1 - ERROR / len(pairs), []
    for run, metric in pairs:
        stored = list(evidence.values(run.group, metric).values())
        low, high = prediction(stored, level)
        value = fresh[run][metric]
        fits = low <= value <= high
        print(
            f"{run.group:7} {metric:24} {value:9.4g}   expected {low:9.4g} to "
            f"{high:9.4g}   {'ok' if fits else 'DOES NOT FIT'}"
        )
        if not fits:
            misfits.append(f"{run.group} {metric}")
    return misfits


def compared(run: Run) -> tuple[str, ...]:
    """The metrics of a run that are compared."""
    return COMPARED + (ONLY_AT_TWO if run.latent_dim == 2 else ())


def main() -> None:
    with tempfile.TemporaryDirectory(dir=WEIGHTS.parent) as folder:
        results = Path(folder)
        sweep(RUNS, results, results / "weights")
        fresh = {
            run: json.loads((results / f"{run.name}.json").read_text("utf-8"))
            for run in RUNS
        }
    found = {run: result["metrics"] for run, result in fresh.items()}
    if misfits := compare(found):
        sys.exit(f"These do not fit the stored results: {', '.join(misfits)}.")
    print("All of it fits the stored results.")


if __name__ == "__main__":
    main()
