"""Training in another library, pythae, in an environment of its own."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from statistics import median

from ..files import ROOT
from . import machine
from .machine import CORES, DEVICE
from .turns import in_turns, ratios, timed
from .ways import BATCH, STEPS, library


def peer() -> dict:
    """Training in pythae and in `fit`: the same network and data."""
    sizes = (STEPS["lesson"], BATCH["lesson"], CORES, DEVICE)
    command = [environment(), "-m", "experiments.bench.peer_loop", *sizes]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(
        list(map(str, command)),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True,
        **pipes,
    ) as other:
        version = other.stdout.readline().strip()

        def theirs() -> float:
            print(file=other.stdin, flush=True)
            return float(other.stdout.readline())

        turns = library("lesson", machine.load().train.images)
        ours = partial(timed, turns)
        seconds = in_turns("pythae", {"fit": ours, "pythae": theirs})
        other.stdin.close()
    images = STEPS["lesson"] * BATCH["lesson"]
    return {
        "version": version,
        "images_per_second": {
            name: images / median(turns) for name, turns in seconds.items()
        },
        "ratio": median(ratios(seconds["pythae"], seconds["fit"])),
    }


def environment() -> Path:
    """The Python of an environment with pythae, made when first asked for."""
    folder = ROOT / "_build" / "peer"
    python = folder / "bin" / "python"
    complete = folder / "complete"  # written last
    if not complete.exists():
        subprocess.check_call([sys.executable, "-m", "venv", folder])
        versions = [
            f"{name}=={sys.modules[name].__version__.partition('+')[0]}"
            for name in ("torch", "torchvision")
        ]
        subprocess.check_call(
            [python, "-m", "pip", "install", "-q", "pythae", *versions]
        )
        complete.touch()
    return python
