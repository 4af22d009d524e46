"""What the models are good for: four uses, each beside plain baselines. The
definitions are those of chapters/protocol2.md, "For later use".
"""

import json

from aevae_lib import evidence

RESULTS = evidence.RESULTS / "uses.json"


def stored() -> dict:
    """What was measured: "baselines", "runs" by name, and "summary"."""
    return json.loads(RESULTS.read_text(encoding="utf-8"))
