"""Judge every claim by the rule of chapters/protocol.md, and write the ledger.

    python -m experiments.ledger [--check]

Writes `aevae_lib/results/ledger.csv` and `chapters/ledger.md`; `--check` only
says whether they are what the stored results make of them. Nothing is written
while a hand-written reading of a claim was meant for another verdict than the
one that the results earn.
"""

import sys

from aevae_lib import evidence

from ..files import ROOT
from .claims import CLAIMS
from .page import page, table
from .rows import ROWS
from .rule import judge_all, misread

CSV = evidence.RESULTS / "ledger.csv"
PAGE = ROOT / "chapters" / "ledger.md"


def main(arguments: list[str]) -> None:
    judged = judge_all(ROWS)
    if wrong := misread(judged, CLAIMS):
        sys.exit("\n".join(wrong))
    stale = []
    for path, content in ((CSV, table(judged)), (PAGE, page(judged, CLAIMS))):
        if not path.exists() or path.read_text(encoding="utf-8") != content:
            stale.append(path.name)
            if "--check" not in arguments:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content, encoding="utf-8")
    if stale and "--check" in arguments:
        sys.exit(
            f"{', '.join(stale)}: not what the results say. Run: make evidence"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
