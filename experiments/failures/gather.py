"""From the runs to the one file of results and its sheet of pictures."""

import json
import math
import platform
from importlib.metadata import version
from pathlib import Path

import numpy as np
from PIL import Image

from aevae_lib import data

from ..files import ROOT, atomic
from . import RESULTS, finder
from .changes import CHANGES, FRESH, TUNED_ON, runs
from .measures import SHOWN, TEST

SCRATCH = ROOT / "_build" / "failures"
SHEET = RESULTS.with_suffix(".webp")  # a row of redrawn and new ones for each
SIDE = 32
SUMMARISED = ("rec", "kl", "active", "draws", "dearer", "dead")


def scratch(name: str, network: str, seed: int) -> Path:
    """Where a run is kept until all are gathered."""
    return SCRATCH / f"{name}-{network}-seed{seed}.json"


def gather() -> None:
    """Write the file of results and its sheet from the runs that are there."""
    found = {}
    for name, network, seed in runs():
        path = scratch(name, network, seed)
        if path.exists():
            found[name, network, seed] = json.loads(path.read_text())
    shown = {
        name: found[name, change.networks[0], 0]
        for name, change in CHANGES.items()
        if not change.cures
    }
    with atomic(SHEET) as scratch_file:
        sheet(shown).save(scratch_file, "webp", quality=75, method=6)
    content = {
        "made_with": {
            "device": "cpu (1 thread)",
            "python": platform.python_version(),
            **{name: version(name) for name in ("torch", "numpy")},
        },
        "titles": {name: change.title for name, change in CHANGES.items()},
        "labels": test_labels(),
        "codes": {name: run["codes"] for name, run in shown.items()},
        "seeds": {"tuned_on": len(TUNED_ON), "fresh": len(FRESH)},
        "summary": summary(found),
        **judged(found),
        "runs": {
            f"{name}-{network}-seed{seed}": slim(name, run)
            for (name, network, seed), run in found.items()
        },
    }
    with atomic(RESULTS) as scratch_file:
        scratch_file.write_text(laid_out(finite(content)), encoding="utf-8")


def test_labels() -> list[int]:
    """The classes of the test pictures, whose codes are stored."""
    return data.load(device="cpu").test.labels[TEST].tolist()


def sheet(shown: dict[str, dict]) -> Image.Image:
    """A row for each name: `SHOWN` pictures redrawn, then as many new ones."""
    rows = [
        np.frombuffer(bytes.fromhex(run["shown"]), np.uint8)
        .reshape(2 * SHOWN, SIDE, SIDE)
        .transpose(1, 0, 2)
        .reshape(SIDE, -1)
        for run in shown.values()
    ]
    return Image.fromarray(np.concatenate(rows))


def slim(name: str, run: dict) -> dict:
    """A run without what is stored elsewhere, its reports as columns."""
    left_out = {"rows", "codes", "shown"}
    kept = {key: value for key, value in run.items() if key not in left_out}
    if not CHANGES[name].cures:
        kept["rows"] = columns(run["rows"])
        seen = finder.answers(kept)
        kept["seen"] = [symptom for symptom, holds in seen.items() if holds]
    return kept


def columns(rows: list[dict]) -> dict[str, list]:
    """Reports, each a dictionary, as a dictionary of lists."""
    return {key: [row[key] for row in rows] for key in rows[0]}


def summary(found: dict[tuple, dict]) -> dict:
    """By name and network: the mean, the lowest and the highest of each number
    over the seeds that the finder is tuned on, and how many became NaN.
    """
    groups: dict[str, dict[str, list[dict]]] = {}
    for (name, network, seed), run in found.items():
        if seed in TUNED_ON:
            groups.setdefault(name, {}).setdefault(network, []).append(run)
    return {
        name: {network: spread(every) for network, every in networks.items()}
        for name, networks in groups.items()
    }


def spread(every: list[dict]) -> dict:
    """The mean, the lowest and the highest of runs that stayed finite."""
    steps = [r["nan_step"] for r in every if r["nan_step"] is not None]
    made = {"seeds": len(every), "nan": len(steps)}
    made |= {"nan_last": max(steps)} if steps else {}
    for key in SUMMARISED:
        values = [run[key] for run in every if run[key] is not None]
        if len(values) == len(every):
            mean = sum(values) / len(values)
            made[key] = {"mean": mean, "low": min(values), "high": max(values)}
    return made


def judged(found: dict[tuple, dict]) -> dict:
    """The finder's table from the seeds that it is tuned on, and its scores on
    the others.
    """
    parts = {}
    for seeds in (TUNED_ON, FRESH):
        parts[seeds] = [
            (name, slim(name, run))
            for (name, _, seed), run in found.items()
            if seed in seeds and not CHANGES[name].cures
        ]
    counts = finder.counted(parts[TUNED_ON])
    scores = {
        "tests": finder.score(counts, parts[FRESH], tests=True),
        "eyes": finder.score(counts, parts[FRESH], tests=False),
    }
    return {
        "symptoms": {name: s.words for name, s in finder.SYMPTOMS.items()},
        "by_eye": finder.EYES,
        "table": counts,
        "score": scores,
        "found": {how: finder.always_found(it) for how, it in scores.items()},
    }


def finite(found: object) -> object:
    """The same with None for every number that is not finite, four digits of
    every other.
    """
    if isinstance(found, dict):
        return {key: finite(value) for key, value in found.items()}
    if isinstance(found, list | tuple):
        return [finite(value) for value in found]
    if isinstance(found, float):
        return float(f"{found:.4g}") if math.isfinite(found) else None
    return found


def laid_out(content: dict) -> str:
    """JSON with a line for each part, and in its largest for each run."""

    def lines(part: dict, indent: str) -> str:
        pairs = (
            f"{indent}{json.dumps(key)}: {json.dumps(value)}"
            for key, value in part.items()
        )
        return ",\n".join(pairs)

    rest = {key: value for key, value in content.items() if key != "runs"}
    return (
        "{\n" + lines(rest, " ") + ',\n "runs": {\n'
        + lines(content["runs"], "  ") + "\n }\n}\n"
    )  # fmt: skip
