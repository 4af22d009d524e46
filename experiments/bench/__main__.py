"""Measure how fast this machine trains, and the course with it.

    python -m experiments.bench [PART ...]

It takes about an hour, in which the machine should do nothing else. The parts
are throughput, changes, layers, growth, recipes, race, peer, course and sweep,
in this order; without a name all are measured. Each part replaces its own
numbers in `aevae_lib/results/bench.json` when it is done, and no other's. With
a GPU all training runs there, and the file is `bench_cuda.json`: neither
machine's numbers are lost.

Ways of training are compared in pairs: each has a process of its own, they take
turns of a second or so, and what counts is the median of their ratios in one
turn. Whatever slows the machine for a while slows both. The other parts measure
one thing after another. With fewer rounds than the usual ones it is quicker and
less sure:

    python -m experiments.bench throughput changes --rounds 8
"""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from ..files import write_json
from . import turns
from .course import course
from .growth import growth
from .layers import layers
from .machine import RESULTS, clock, machine
from .peer import peer
from .race import race
from .recipes import recipes
from .sweeping import sweep
from .throughput import changes, throughput

PARTS: dict[str, Callable[[], dict]] = {
    "throughput": throughput, "changes": changes, "layers": layers,
    "growth": growth, "recipes": recipes, "race": race, "peer": peer,
    "course": course, "sweep": sweep,
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=", ".join(PARTS)
    )
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--rounds", type=int, default=turns.ROUNDS)
    arguments = parser.parse_args()
    turns.ROUNDS = arguments.rounds
    if unknown := set(arguments.parts) - PARTS.keys():
        sys.exit(
            f"There is no part {', '.join(sorted(unknown))}; there are "
            f"{', '.join(PARTS)}."
        )
    for part in [part for part in PARTS if part in (arguments.parts or PARTS)]:
        print(f"== {part}", flush=True)
        begin = clock()
        found = PARTS[part]() | {"machine": machine()}
        found["took"] = clock() - begin
        path = arguments.results
        before = json.loads(path.read_text("utf-8")) if path.exists() else {}
        write_json(path, before | {part: found})


if __name__ == "__main__":
    main()
