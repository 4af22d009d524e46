"""Many runs, several at once.

With a GPU the runs share it; otherwise each of two processes has one core for
itself, which together is faster than one process with two.
"""

import json
import multiprocessing
import os
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from pathlib import Path

from tqdm import tqdm

from aevae_lib import data, zoo

from ..files import FLOORS, write_json
from ..floors import floors
from ..runs import Run
from ..subject import Judge
from . import worker


def write_floors(fashion: data.DataSet) -> None:
    """Measure, once, what real images score and what needs no training."""
    write_json(FLOORS, floors(fashion, Judge(zoo.classifier(), fashion)))


def sweep(
    runs: list[Run], results: Path, weights: Path, processes: int | None = None
) -> None:
    """Do those of the runs whose result is not there yet, and fill in those
    that lack a metric, several at once.

    A run that fails does not stop the others; all that failed are named at the
    end.
    """
    device = data.pick_device().type
    processes = processes or (4 if device == "cuda" else os.cpu_count())
    new, partial = to_do(runs, results)
    print(
        f"{len(runs)} runs, {len(runs) - len(new)} of them done before, "
        f"{len(partial)} of these lacking metrics; on {device}."
    )
    tidy(results, weights)
    # Read when a process starts: no threads that spin beside another process.
    os.environ |= {"OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"}
    pool = ProcessPoolExecutor(
        processes,
        multiprocessing.get_context("spawn"),
        worker.start,
        (device, weights, 1, worker.commit()),
    )
    with pool:
        try:
            jobs = {pool.submit(worker.do, run): run.name for run in new}
            jobs |= {
                pool.submit(worker.fill, run, stored): run.name
                for run, stored in partial
            }
            failed = collect(jobs, results)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    if failed:
        first = next(iter(failed.values()))
        raise RuntimeError(
            f"{len(failed)} runs failed: {', '.join(failed)}."
        ) from first


def to_do(
    runs: list[Run], results: Path
) -> tuple[list[Run], list[tuple[Run, dict]]]:
    """The runs without a result, and those whose result lacks metrics, with
    what it holds.
    """
    new, partial = [], []
    for run in runs:
        path = results / f"{run.name}.json"
        if not path.exists():
            new.append(run)
            continue
        stored = json.loads(path.read_text(encoding="utf-8"))
        if worker.lacking(run, stored):
            partial.append((run, stored))
    return new, partial


def collect(jobs: dict[Future, str], results: Path) -> dict[str, BaseException]:
    """Write each result as it comes, and return the errors of those that
    failed.
    """
    failed: dict[str, BaseException] = {}
    with tqdm(total=len(jobs), unit=" run", disable=False) as progress:
        for future in as_completed(jobs):
            name = jobs[future]
            if error := future.exception():
                failed[name] = error
                tqdm.write(f"{name} failed: {error!r}")
                continue
            write_json(results / f"{name}.json", future.result())
            progress.set_postfix_str(name, refresh=False)
            progress.update()
    return failed


def tidy(results: Path, weights: Path) -> None:
    """Remove what a sweep that was killed left half written."""
    for left in [*results.glob(".*.json.*"), *weights.glob(".*.*")]:
        left.unlink()
