"""How many dimensions, which beta? A short search for four purposes, on
validation images: `searching` trains and scores one candidate, `python -m
experiments.choosing` does all that `aevae_lib/results/choosing.json` lacks.
"""

import json

from aevae_lib import evidence

RESULTS = evidence.RESULTS / "choosing.json"


def stored() -> dict:
    """What was found so far."""
    if not RESULTS.exists():
        return {}
    return json.loads(RESULTS.read_text(encoding="utf-8"))
