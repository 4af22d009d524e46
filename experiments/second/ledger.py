"""Judge every claim by the rule of chapters/protocol2.md, and write the ledger.

    python -m experiments.second.ledger [--check]

Writes `aevae_lib/results/ledger.csv` and `chapters/ledger.ipynb`; `--check`
only says whether they are what the stored results make of them. Nothing is
written while a hand-written reading of a claim was meant for another verdict
than the one that the results earn.
"""

import csv
import io
import sys

from aevae_lib import evidence

from ..files import ROOT
from ..uses import rows as uses
from . import page
from .claims import CLAIMS
from .rows import rows
from .rule import WRONG
from .runs import ANIMALS, GARMENTS
from .verdicts import Finding, Judged, findings, mean_of, of_course

CSV = evidence.RESULTS / "ledger.csv"
PAGE = ROOT / "chapters" / "ledger.ipynb"
HEADER = (
    "claim", "row", "data", "d", "beta", "judge", "unit", "about", "offset",
    "seeds", "number", "low", "high", "margin", "ae", "vae", "verdict", "why",
    "together", "together_why",
)  # fmt: skip


def record(finding: Finding, j: Judged) -> dict[str, str]:
    """A line of the CSV."""
    row = j.row
    found = {
        "claim": row.claim, "row": row.what, "data": page.SETS[row.data],
        "d": row.dims,
        "beta": f"{row.beta:g}", "judge": row.judge or "", "unit": row.unit,
        "about": row.about, "offset": f"{row.offset:g}",
        "margin": f"{row.margin:.6g}", "together": finding.verdict,
        "verdict": j.verdict if row.asked else "left out",
        "why": j.why if row.asked else "does not see the fault on these data",
        "together_why": finding.why,
    }  # fmt: skip
    if j.spread:
        found |= {
            "seeds": str(j.spread.seeds),
            "number": f"{j.spread.mean:.6g}",
            "low": f"{j.interval.low:.6g}",
            "high": f"{j.interval.high:.6g}",
        }
    for name, number in (("ae", row.ae), ("vae", row.vae)):
        mean = mean_of(number)
        if mean is not None:
            found[name] = f"{mean:.6g}"
    return found


def table(found: dict[str, list[Finding]]) -> str:
    """The CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, HEADER, restval="", lineterminator="\n")
    writer.writeheader()
    for each in (f for data in found.values() for f in data):
        writer.writerows(record(each, j) for j in each.judged)
    return text.getvalue()


def misread(found: dict[str, list[Finding]]) -> list[str]:
    """Where a reading was written for another verdict than the results earn."""
    return [
        f"{name}: the reading was written for {claim.read_for!r}, and the "
        f"verdict is {of_course(name, found)!r}. Read the results again, then "
        "change experiments/second/claims.py."
        for name, claim in CLAIMS.items()
        if claim.read_for != of_course(name, found)
    ]


def main(arguments: list[str]) -> None:
    found = {data: findings(rows(data)) for data in (GARMENTS, ANIMALS)}
    asked = uses.rows()
    found[GARMENTS] += findings(asked, 1 - WRONG / len(asked))
    if wrong := misread(found):
        sys.exit("\n".join(wrong))
    stale = []
    for path, content in ((CSV, table(found)), (PAGE, page.page(found))):
        if not path.exists() or path.read_text(encoding="utf-8") != content:
            stale.append(path.name)
            if "--check" not in arguments:
                path.write_text(content, encoding="utf-8")
    if stale and "--check" in arguments:
        sys.exit(
            f"{', '.join(stale)}: not what the results say. Run: make evidence"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
