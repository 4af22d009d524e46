"""Train and measure every model that a claim rests on.

    python -m experiments.sweep [STAGE ...] [--processes N] [--results FOLDER]
                                [--weights FOLDER]

The stages are tune, A, B, C, D, in this order; without a name all of them are
run. Each run is one configuration: a model is trained, measured, and one JSON
file appears in `aevae_lib/results/first`, whole or not at all. A run whose file
is there is not done again, so the sweep can be stopped at any moment and
started anew. Metrics that a stored run lacks are filled in, and nothing else in
its file changes. Trained weights are kept in `_build/sweep`, so that a model
need not be trained again for that; where they are gone, it is.
"""

import argparse
import sys
from pathlib import Path

from aevae_lib import data

from .. import files, runs
from .pool import sweep, write_floors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "stages", nargs="*", metavar="STAGE", help=", ".join(runs.STAGES)
    )
    parser.add_argument(
        "--processes", type=int, help="default: one for each core; 4 on a GPU"
    )
    parser.add_argument(
        "--results", type=Path, default=files.RUNS, help="where JSON files go"
    )
    parser.add_argument(
        "--weights", type=Path, default=files.WEIGHTS, help="where weights go"
    )
    arguments = parser.parse_args()
    stages = arguments.stages or runs.STAGES
    planned = [run for stage in stages for run in runs.stage_runs(stage)]
    found = data.load()
    print(found)
    if len(found.train) != runs.EPOCH:
        sys.exit(
            f"The sweep needs all of Fashion-MNIST, and found {found.source}."
        )
    if not files.FLOORS.exists():
        write_floors(found)
    sweep(planned, arguments.results, arguments.weights, arguments.processes)


if __name__ == "__main__":
    main()
