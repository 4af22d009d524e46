"""Judge the judges: `python -m experiments.judges [NAME of a data set]`.

Each block of `aevae_lib/results/judges.json` is made if it is not there, and
stored at once: the program can be stopped at any moment and started anew. A
block that lacks a judge is asked of that judge alone. To make a block again,
delete it from the file.
"""

import itertools
import json
import os
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import torch
from torch import Tensor

from aevae_lib import data

from . import calibrate, candidates, classes, draws, faults, theory
from .candidates import Judge

RESULTS = (
    Path(__file__).resolve().parents[2]
    / "aevae_lib" / "results" / "judges.json"
)  # fmt: skip


class Store:
    """The blocks of one data set in the file of results."""

    def __init__(self, name: str, path: Path = RESULTS):
        self.path, self.name = path, name

    def all(self) -> dict:
        if not self.path.exists():
            return {}
        return json.loads(self.path.read_text(encoding="utf-8"))

    def blocks(self) -> dict:
        return self.all().get(self.name, {})

    def add(self, block: str, make) -> None:
        """Call `make` for a block that is missing, and store what it gives."""
        if block not in self.blocks():
            print(f"{self.name}: {block}", flush=True)
            self.put(block, make())

    def fill(self, block: str, judges: Sequence[Judge], ask) -> None:
        """Call `ask` with those of the judges that a block lacks, and store
        what it gives, a part for each; what is there stays as it is.
        """
        before = self.blocks().get(block, {})
        asked = [judge for judge in judges if judge.name not in before]
        if asked:
            print(f"{self.name}: {block}", flush=True)
            self.put(block, before | ask(asked) | before)

    def put(self, block: str, value) -> None:
        every = self.all()
        blocks = every.setdefault(self.name, {"made_with": made_with()})
        blocks[block] = rounded(value)
        part = self.path.with_suffix(".part")
        part.write_text(laid_out(every), encoding="utf-8")
        os.replace(part, self.path)


def made_with() -> dict:
    packages = ("torch", "numpy", "scipy", "scikit-learn")
    return {
        "device": "cpu (1 thread)",
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
        "reference": calibrate.REFERENCE,
        "probe": calibrate.PROBE,
        "splits": calibrate.SPLITS,
        "floors": calibrate.FLOORS,
        "judges_seed": candidates.SEED,
    }


def rounded(value):
    """Numbers to four digits, which is more than their noise allows."""
    if isinstance(value, dict):
        return {key: rounded(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(part) for part in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


def laid_out(every: dict) -> str:
    """JSON with a line for each block, so that a change shows where it is."""
    sets = []
    for name, blocks in every.items():
        lines = ",\n".join(
            f"  {json.dumps(key)}: {json.dumps(value)}"
            for key, value in blocks.items()
        )
        sets.append(f" {json.dumps(name)}: {{\n{lines}\n }}")
    return "{\n" + ",\n".join(sets) + "\n}\n"


def add_calibration(store: Store, title: str, judges, base, make) -> None:
    """A floor, a block for each fault, and what follows; `make` gives the
    unspoilt images and the faults.
    """
    ranges = store.blocks().get(f"{title}: ranges", {}).values()
    names = {judge.name for judge in judges}
    if ranges and all(names <= set(fault["judges"]) for fault in ranges):
        return
    images, spoil = make()
    views = calibrate.plain_views(judges, images)
    plain = {j.name: view for j, view in zip(judges, views, strict=True)}

    def seen(asked: Sequence[Judge]) -> list[Tensor]:
        return [plain[judge.name] for judge in asked]

    store.fill(
        f"{title}: floor", judges, lambda a: calibrate.floors(a, seen(a))
    )
    calibrate.check_same(judges, views, store.blocks()[f"{title}: floor"])
    for fault in spoil:
        store.fill(
            f"{title}: {fault.words}", judges,
            lambda a, f=fault: calibrate.ask(a, seen(a), base, f),
        )  # fmt: skip
    stored = store.blocks()
    floor, found = stored[f"{title}: floor"], {}
    for fault in spoil:
        found[fault.words] = {
            "unit": fault.unit,
            "doses": fault.doses,
            "judges": calibrate.ranges(
                floor, stored[f"{title}: {fault.words}"]
            ),
        }
    store.put(f"{title}: ranges", found)


def main(name: str = candidates.ZOO) -> None:
    torch.set_num_threads(1)
    dataset = data.load(name, "cpu")
    model, store = candidates.models_of(dataset), Store(name)
    base = calibrate.base_of(dataset, model)
    judges = candidates.judges(dataset)
    add_calibration(
        store, "real", judges, base, lambda: (base.images, faults.REAL)
    )
    few = candidates.quick(judges)
    again = [judge for judge in judges if judge.name == candidates.SECOND]
    for kind in ("ae", "vae"):
        add_calibration(
            store, f"redrawn by {kind}", few + again, base,
            lambda k=kind: calibrate.redrawn_base(k, base),
        )  # fmt: skip
    for d, kind in itertools.product(draws.DIMS, ("ae", "vae")):
        store.add(
            f"draws: {kind} d={d}",
            lambda k=kind, d=d: draws.compare(dataset, few, model(k, d)),
        )
    for d, kind in itertools.product(faults.DIMS, ("ae", "vae")):
        store.fill(
            f"classes: {kind} d={d}",
            [judge for judge in judges if judge.classes],
            lambda a, k=kind, d=d: classes.count(dataset, a, model(k, d)),
        )
    if name == candidates.ZOO:
        store.add("price of holes", theory.holes)
        for seed in range(theory.SEEDS):
            store.add(
                f"gap of the bound, seed {seed}",
                lambda s=seed: theory.bound_of(s, dataset),
            )


if __name__ == "__main__":
    main(*sys.argv[1:])
