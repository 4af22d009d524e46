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

from .sweep import WEIGHTS, Run, sweep

FRESH_SEED = 1000
RUNS = [Run(kind, d, FRESH_SEED) for d in (16, 2) for kind in ("ae", "vae")]
COMPARED = (
    "reconstruction", "c2st_gaussian", "flips", "precision_gaussian", "precision_prior",
    "coverage_gaussian", "coverage_prior", "neighbour_accuracy", "code_noise_cost",
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


def compare(fresh: dict[str, dict[str, float]]) -> list[str]:
    """What of the fresh runs ({group: metrics}) does not fit the stored ones,
    in words.
    """
    pairs = [(group, metric) for group in fresh for metric in compared(group)]
    level, misfits = 1 - ERROR / len(pairs), []
    for group, metric in pairs:
        stored = list(evidence.values(group, metric).values())
        low, high = prediction(stored, level)
        value = fresh[group][metric]
        fits = low <= value <= high
        print(
            f"{group:7} {metric:24} {value:9.4g}   expected {low:9.4g} to "
            f"{high:9.4g}   "
            f"{'ok' if fits else 'DOES NOT FIT'}"
        )
        if not fits:
            misfits.append(f"{group} {metric}")
    return misfits


def compared(group: str) -> tuple[str, ...]:
    """The metrics of a group that are compared."""
    return COMPARED + (ONLY_AT_TWO if group.endswith("-d2") else ())


def main() -> None:
    with tempfile.TemporaryDirectory(dir=WEIGHTS.parent) as folder:
        results = Path(folder)
        sweep(RUNS, results, results / "weights")
        fresh = {
            path.stem.rpartition("-seed")[0]: json.loads(path.read_text())[
                "metrics"
            ]
            for path in sorted(results.glob("*.json"))
        }
    if misfits := compare(fresh):
        sys.exit(f"These do not fit the stored results: {', '.join(misfits)}.")
    print("All of it fits the stored results.")


if __name__ == "__main__":
    main()
