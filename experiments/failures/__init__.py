"""Training that goes wrong: a bare loop, its failures, what they look like, and
a finder that names the cause.
"""

import json

from aevae_lib import evidence

RESULTS = evidence.RESULTS / "failures.json"


def stored() -> dict:
    """The file of results. Reading it asks for no torch."""
    return json.loads(RESULTS.read_text(encoding="utf-8"))
