"""How fast the sweep goes."""

import subprocess
import sys

from ..files import ROOT
from ..replicate import RUNS
from .machine import clock


def sweep() -> dict:
    """Models that the sweep trains and measures in an hour, by the few of `make
    claims`.

    These are networks of the lesson at 2 and 16 dimensions; they are compared
    with what is stored.
    """
    begin = clock()
    subprocess.check_call(
        [sys.executable, "-m", "experiments.replicate"], cwd=ROOT
    )
    seconds = clock() - begin
    return {
        "models": len(RUNS),
        "seconds": seconds,
        "models_per_hour": 3600 * len(RUNS) / seconds,
    }
