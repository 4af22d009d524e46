"""Measure a part of the evidence anew, from scratch, and compare it with what
is stored.

    python -m experiments.replicate

Trains and measures the autoencoder and the VAE at 2 and at 16 dimensions with a
seed that the sweep did not use, and asks of each headline number whether it
lies where one more run should lie, given the stored ones: in the prediction
interval of a t distribution. The level is such that a sound machine fails once
in a hundred times.
"""

import math
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from scipy.stats import t as student

from .runs import PAIR
from .second import measuring, rates, series, training
from .second.runs import Run
from .sweep import worker

FRESH_SEED = 1000
RUNS = [Run(kind, d, FRESH_SEED) for d in (16, 2) for kind in PAIR]
COMPARED = (
    "reconstruction", "told_gaussian", "flips_nearest",
    "passing_gaussian_pixels", "passing_mixture_classifier_used_to_blur",
    "passing_prior_pixels", "coverage_mixture_codes_of_an_ae",
    "coverage_prior_pixels", "neighbour_accuracy_mu", "code_noise_cost",
)  # fmt: skip
ONLY_AT_TWO = ("gini", "holes_gaussian", "holes_prior")
ERROR = 0.01


def prediction(values: Sequence[float], level: float) -> tuple[float, float]:
    """Where one more run lies with this probability, given independent runs
    like it.
    """
    array = np.asarray(values, dtype=float)
    n = len(array)
    spread = array.std(ddof=1) * math.sqrt(1 + 1 / n)
    half = float(student.ppf(0.5 + level / 2, n - 1) * spread)
    return float(array.mean()) - half, float(array.mean()) + half


def compare(fresh: dict[Run, dict[str, float]]) -> list[str]:
    """What of the fresh runs' metrics does not fit the stored, in words."""
    pairs = [(run, metric) for run in fresh for metric in compared(run)]
    level, misfits = 1 - ERROR / len(pairs), []
    for run, metric in pairs:
        stored = series.of(run.group, metric)().values
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
    # Read when a process starts: no threads that spin beside another process.
    os.environ |= {"OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"}
    chosen = {run: rates.choose(run, series.stored()) for run in RUNS}
    with (
        tempfile.TemporaryDirectory() as folder,
        ProcessPoolExecutor(
            os.cpu_count(), multiprocessing.get_context("spawn"),
            measuring.start, (Path(folder), worker.commit()),
        ) as pool,
    ):  # fmt: skip
        for future in [
            pool.submit(
                training.do, training.Job((run,), (rate,)), "cpu",
                Path(folder), worker.commit(),
            )
            for run, rate in chosen.items()
        ]:  # fmt: skip
            future.result()
        results = list(pool.map(measuring.result_of, RUNS))
    found = {
        run: result["metrics"]
        for run, result in zip(RUNS, results, strict=True)
    }
    if misfits := compare(found):
        sys.exit(f"These do not fit the stored results: {', '.join(misfits)}.")
    print("All of it fits the stored results.")


if __name__ == "__main__":
    main()
