"""Search for a size and a beta, on garments and on birds.

    python -m experiments.choosing [--processes N]

What `aevae_lib/results/choosing.json` has is not done again.
"""

import argparse
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict

from tqdm import tqdm

from ..files import write_json
from . import RESULTS, searching, stored

SAID = ("kind", "latent_dim", "beta", "seed")  # of each candidate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    os.environ |= {"OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"}
    found = {name: stored().get(name, {}) for name in searching.SETS}
    wanted = [
        (name, run)
        for name in searching.SETS
        for run in searching.candidates(name)
        if run.name not in found[name]
    ]
    for name in dict.fromkeys(run.data for _, run in wanted):
        searching.judges(name)  # trained once, not by every process
    with ProcessPoolExecutor(
        arguments.processes, multiprocessing.get_context("spawn")
    ) as pool:
        of = {pool.submit(searching.scored, run): (name, run)
              for name, run in wanted}  # fmt: skip
        for future in tqdm(as_completed(of), total=len(of)):
            name, run = of[future]
            config = asdict(run)
            found[name][run.name] = {
                "of": {key: config[key] for key in SAID}
            } | future.result()
            write_json(RESULTS, found)


if __name__ == "__main__":
    main()
