"""Train every model of the protocol's second edition, and measure it.

    python -m experiments.second [STAGE ...] [--train] [--processes N]
                                 [--seeds N]

Without a name all stages are done, in the order of `runs.STAGES`. Weights are
kept in `_build/second`; a result is one JSON file in
`aevae_lib/results/second`. What is there is not done again, so the sweep can be
stopped at any moment and started anew, and weights can be deleted once they are
measured. `--train` stops before measuring: for a machine that is lent for its
GPU, where models of several seeds are trained side by side.
"""

import argparse
import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace

from tqdm import tqdm

from aevae_lib import data

from ..files import write_json
from ..runs import TUNING_SEED
from ..sweep import worker
from . import measuring, rates, runs, series, training

RESULTS = series.RESULTS
SIDE_BY_SIDE = 10  # models that share each step on a GPU


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "stages", nargs="*", metavar="STAGE", help=", ".join(runs.STAGES)
    )
    parser.add_argument(
        "--train", action="store_true", help="train, and measure nothing"
    )
    parser.add_argument(
        "--processes", type=int, default=os.cpu_count(), help="at once"
    )
    parser.add_argument(
        "--seeds", type=int, default=99, help="only the first so many seeds"
    )
    arguments = parser.parse_args()
    # Read when a process starts: no threads that spin beside another process.
    os.environ |= {"OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"}
    planned = [
        run
        for stage in arguments.stages or runs.STAGES
        for run in runs.STAGES[stage]()
        if run.seed < arguments.seeds or run.seed == TUNING_SEED
    ]
    # Stopped early, all have some seeds.
    planned.sort(key=lambda run: run.seed)
    with ProcessPoolExecutor(
        arguments.processes,
        multiprocessing.get_context("spawn"),
        measuring.start,
        (training.WEIGHTS, worker.commit()),
    ) as pool:
        try:
            tune(planned, pool)
            train(planned, pool)
            if not arguments.train:
                measure(planned, pool)
        except BaseException:  # a stop by hand, too, ends at once
            pool.shutdown(cancel_futures=True)
            raise


def tune(planned: list[runs.Run], pool: ProcessPoolExecutor) -> None:
    """Do the runs that choose learning rates, until all are chosen."""
    while more := {
        each.name: each
        for run in planned
        for each in rates.missing(run, stored())
    }:
        run_all(list(more.values()), pool, store_choice)


def train(planned: list[runs.Run], pool: ProcessPoolExecutor) -> None:
    """Train what is to be measured, and the twins that a run of one class is
    measured beside, where their weights are not there.
    """
    needed = to_measure(planned, stored())
    needed |= {
        twin.name: twin
        for run in needed.values()
        if run.only_class is not None
        for twin in [replace(run, only_class=None)]
    }
    run_all(
        [
            run
            for run in needed.values()
            if not training.weights_of(run, training.WEIGHTS).exists()
        ],
        pool,
    )


def measure(planned: list[runs.Run], pool: ProcessPoolExecutor) -> None:
    """Measure those of the runs whose result is missing, and fill in what the
    others lack.
    """
    if not measuring.BASELINES.exists():
        names = (runs.GARMENTS, runs.ANIMALS)
        pool.submit(measuring.write_baselines, *names).result()
    known = stored()
    wanted = {
        pool.submit(measuring.result_of, run, known.get(name)): name
        for name, run in to_measure(planned, known).items()
    }
    with tqdm(total=len(wanted), unit=" run", disable=False) as progress:
        for future in as_completed(wanted):
            write_json(RESULTS / f"{wanted[future]}.json", future.result())
            progress.update()


def to_measure(
    planned: list[runs.Run], known: dict[str, dict]
) -> dict[str, runs.Run]:
    """Those of the runs, by name, whose stored results lack a metric."""
    return {
        run.name: run
        for run in planned
        if run.seed != TUNING_SEED
        and measuring.lacking(run, known.get(run.name, {"metrics": {}}))
    }


def stored() -> dict[str, dict]:
    """All results by the names of their runs, as they are now."""
    return series.read(RESULTS)


def store_choice(about: dict) -> None:
    """The result of a run that helps to choose a rate: no test image is looked
    at.
    """
    name = runs.Run(**about["config"]).name
    write_json(RESULTS / f"{name}.json", about | {"metrics": {}})


def run_all(
    wanted: list[runs.Run],
    pool: ProcessPoolExecutor,
    finish: Callable[[dict], None] = lambda about: None,
) -> None:
    """Train all of them, and hand on what is known of each."""
    device = data.pick_device().type
    known = stored()
    found = {run.name: run.lr or rates.choose(run, known) for run in wanted}
    most = 1 if device == "cpu" else SIDE_BY_SIDE
    jobs = training.jobs(wanted, found, most)
    futures = [
        pool.submit(training.do, job, device, training.WEIGHTS, worker.commit())
        for job in jobs
    ]
    with tqdm(total=len(wanted), unit=" run", disable=False) as progress:
        for future in as_completed(futures):
            for about in future.result():
                finish(about)
                progress.update()


if __name__ == "__main__":
    main()
