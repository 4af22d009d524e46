"""Measure what the models of the second edition are good for.

    python -m experiments.uses [--processes N]

The weights are those that `python -m experiments.second` keeps; models whose
weights are not there are trained first. What `aevae_lib/results/uses.json` has
is not measured again.
"""

import argparse
import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed

from tqdm import tqdm

from aevae_lib import evidence

from ..files import write_json
from ..runs import SHIRT
from ..second.runs import ANIMALS, Run
from . import RESULTS, measuring, stored

SEEDS = 5
FAMILIAR = "familiar"  # in the names of what is measured of seen classes
PLAIN = [
    {"kind": "ae", "latent_dim": 16}, {"kind": "vae", "latent_dim": 16},
]  # fmt: skip


def planned() -> list[Run]:
    """Models of garments for all four uses; of animals, of shirts alone and of
    all garments but one class for anomalies.
    """
    kinds = [
        *PLAIN,
        {"kind": "vae", "latent_dim": 16, "beta": 0.1},
        {"kind": "ae", "latent_dim": 64},
    ]  # fmt: skip
    apart = [{"without_class": k} for k in measuring.LEFT_OUT]
    for more in ({"only_class": SHIRT}, {"data": ANIMALS}, *apart):
        kinds += [{**kind, **more} for kind in PLAIN]
    return seeded(kinds)


def plain() -> list[Run]:
    """Models of all garments, to which no class of them is strange."""
    return seeded(PLAIN)


def seeded(kinds: list[dict]) -> list[Run]:
    return [Run(seed=s, **kind) for kind in kinds for s in range(SEEDS)]


def jobs() -> Iterator[tuple[str, str, Callable, object]]:
    """What there is to measure: its part of the file and its name there, and
    what measures it.
    """
    for name in measuring.OTHER:
        yield "baselines", name, measuring.baseline, name
    for k in measuring.LEFT_OUT:
        name = f"{measuring.GARMENTS}-without{k}"
        yield "baselines", name, measuring.baseline_without, k
    for run in planned():
        yield "runs", run.name, measuring.measured, run
    for run in plain():
        name = f"{run.group}-{FAMILIAR}-seed{run.seed}"
        yield "runs", name, measuring.familiar, run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    os.environ |= {"OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"}
    found = stored() if RESULTS.exists() else {"baselines": {}, "runs": {}}
    with ProcessPoolExecutor(
        arguments.processes, multiprocessing.get_context("spawn")
    ) as pool:
        wanted = {
            pool.submit(measure, about): (part, name)
            for part, name, measure, about in jobs()
            if name not in found[part]
        }
        for future in tqdm(as_completed(wanted), total=len(wanted)):
            part, name = wanted[future]
            found[part][name] = future.result()
            write_json(RESULTS, found | {"summary": summary(found["runs"])})


def summary(runs: dict[str, dict]) -> dict:
    """Mean and interval over seeds of every number, by group."""
    groups: dict[str, list[dict]] = {}
    for name in sorted(runs):
        groups.setdefault(name.rpartition("-seed")[0], []).append(runs[name])
    return {group: over_seeds(each) for group, each in groups.items()}


def over_seeds(parts: list) -> object:
    """The same tree with an interval at each of its leaves."""
    first = parts[0]
    if isinstance(first, dict):
        return {key: over_seeds([p[key] for p in parts]) for key in first}
    found = evidence.interval(parts)
    if found.seeds < 2:
        return {"mean": found.mean, "seeds": 1}
    return {name: float(f"{value:.5g}") for name, value in
            found._asdict().items()} | {"seeds": found.seeds}  # fmt: skip


if __name__ == "__main__":
    main()
