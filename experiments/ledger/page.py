"""The ledger as a page of the book, and as a table (CSV)."""

import csv
import io
import itertools
import math
from pathlib import Path

from aevae_lib.evidence import Interval

from .claims import Claim
from .rule import (
    MISSING,
    UNDEFINED,
    Judged,
    caveats,
    headline_problems,
    overall,
)
from .sources import Problem, Statement

HEADER = (
    "claim", "row", "unit", "headline", "seeds", "ae", "ae_low", "ae_high",
    "vae", "vae_low", "vae_high", "number", "number_low", "number_high",
    "ae_floor", "vae_floor", "baseline", "baseline_value", "margin", "verdict",
    "verdict_firm", "cured", "cured_firm",
)  # fmt: skip


def record(j: Judged) -> dict[str, str | int]:
    """A line of the CSV."""
    row, shown = j.row, j.shown
    found = {
        "claim": row.claim, "row": row.what, "unit": row.unit,
        "margin": f"{row.margin:.6g}",
        "headline": "yes" if row.headline else "", "verdict": j.verdicts[0],
    }  # fmt: skip
    if not shown:
        return found
    numbers = {"ae": shown.ae, "vae": shown.vae, "number": shown.number}
    for name, part in numbers.items():
        if part:
            ends = (name, f"{name}_low", f"{name}_high")
            found |= {
                end: f"{x:.6g}" for end, x in zip(ends, part[:3], strict=True)
            }
    found |= {
        "seeds": shown.number.seeds,
        "verdict_firm": "firm" if j.firm[0] else "",
    }
    if isinstance(row, Problem):
        found |= {
            "cured": j.verdicts[1],
            "cured_firm": "firm" if j.firm[1] else "",
        }
        found |= zip(
            ("ae_floor", "vae_floor"),
            (f"{x:.6g}" for x in shown.floors),
            strict=True,
        )
    elif shown.baseline:
        name, value = shown.baseline
        found |= {"baseline": name, "baseline_value": f"{value:.6g}"}
    return found


def table(judged: list[Judged]) -> str:
    """The CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, HEADER, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(record(j) for j in judged)
    return text.getvalue()


# --- the page ----------------------------------------------------------------

# The first protocol's words for a claim, in those that the whole course uses.
WORDS = {
    "holds": "supported",
    "holds with a caveat": "mixed",
    "does not hold": "not supported",
    "no problem to cure": "no clear difference",
    MISSING: "not settled",
    UNDEFINED: "not settled",
}
PREFACE = Path(__file__).with_name("preface.md")
PROBLEMS = ("measured", "AE", "VAE", "floor", "margin", "AE has it?", "cured?")
STATEMENTS = ("measured", "value", "AE", "VAE", "beside", "margin", "holds?")


def page(judged: list[Judged], claims: dict[str, Claim]) -> str:
    """The page of the book."""
    summary = [
        [
            f"{{ref}}`{name} <claim-{name.lower()}>`",
            claim.words,
            verdict(name, claim, judged),
        ]
        for name, claim in claims.items()
    ]
    parts = [
        PREFACE.read_text(encoding="utf-8"),
        *grid(("id", "the claim, in our words", "verdict"), summary),
    ]
    for name, claim in claims.items():
        parts += section(name, claim, judged)
    return "\n".join(parts).rstrip("\n") + "\n"


def verdict(name: str, claim: Claim, judged: list[Judged]) -> str:
    """The verdict on a claim as a chip; as several, if it is about several."""
    found = overall(name, judged)
    if claim.identity and found == "holds":
        return "{verdict}`by definition`"
    parts = [part.partition(": ") for part in found.split("; ")]
    return "; ".join(
        f"{{verdict}}`{WORDS.get(word, word)}` {about}".rstrip()
        for word, _, about in parts
    )


def section(name: str, claim: Claim, judged: list[Judged]) -> list[str]:
    """What the page says about one claim."""
    lines = [
        f"(claim-{name.lower()})=", f"## {name}. {claim.words}", "",
        verdict(name, claim, judged),
    ]  # fmt: skip
    if claim.reading:
        lines.append(claim.reading)
    if claim.shown:
        lines.append(f"Shown in {{doc}}`{claim.shown}`.")
    lines.append("")
    if found := caveats(name, judged):
        lines += ["Rows that say otherwise:", ""]
        lines += [f"- {j.row.what}: {j.verdicts[0]}" for j in found]
        lines.append("")
    if name == "V0":
        rows = [
            [
                f"{{ref}}`{j.row.claim} <claim-{j.row.claim.lower()}>`: "
                f"{j.row.what}",
                *marked(j),
            ]
            for j in headline_problems(judged)
        ]
        return lines + grid(("headline row of", *PROBLEMS[-2:]), rows)
    own = [j for j in judged if j.row.claim == name]
    for kind, titles in ((Problem, PROBLEMS), (Statement, STATEMENTS)):
        if rows := [cells(j) for j in own if isinstance(j.row, kind)]:
            lines += grid(titles, rows)
    return lines


def grid(titles: tuple[str, ...], rows: list[list[str]]) -> list[str]:
    """A table in Markdown, without the columns that are empty; a row may lack
    its last cells.
    """
    columns = list(itertools.zip_longest(*rows, fillvalue=""))
    filled = [k for k, column in enumerate(columns) if any(column)]
    ruled = [titles, ["---"] * len(titles), *zip(*columns, strict=True)]
    return [
        *("| " + " | ".join(row[k] for k in filled) + " |" for row in ruled),
        "",
    ]


def cells(j: Judged) -> list[str]:
    """A row of the page."""
    row, shown = j.row, j.shown
    name = f"**{row.what}**" if row.headline else row.what
    if not shown:
        blank = 4 if isinstance(row, Problem) else 5
        return [f"{name} ({row.unit})", *[""] * blank, j.verdicts[0]]
    seeds = shown.number.seeds
    name += f" ({row.unit}, {seeds} seed{'s' if seeds > 1 else ''})"
    ae, vae, number = (
        text(part) for part in (shown.ae, shown.vae, shown.number)
    )
    margin = f"{row.margin:.3g}"
    if isinstance(row, Problem):
        least = dict.fromkeys(f"{x:.3g}" for x in shown.floors)
        return [name, ae, vae, " / ".join(least), margin, *marked(j)]
    if shown.number in (shown.ae, shown.vae):
        number = "AE's" if shown.number == shown.ae else "VAE's"
    beside = (
        f"{shown.baseline[0]} {shown.baseline[1]:.3g}" if shown.baseline else ""
    )
    margin = f"within ± {margin}" if row.within else f"above {margin}"
    return [name, number, ae, vae, beside, margin, *marked(j)]


def marked(j: Judged) -> list[str]:
    """The verdicts of a row, with a star where they are firm."""
    return [
        v + r"\*" * firm for v, firm in zip(j.verdicts, j.firm, strict=True)
    ]


def text(found: Interval | None) -> str:
    """A mean and half its interval, in as many digits as that half makes sense
    of.
    """
    if found is None:
        return ""
    half = found.high - found.mean
    if not math.isfinite(half):
        return f"{found.mean:.3g}"
    digits = (
        4 if half == 0 else min(4, max(0, 1 - math.floor(math.log10(half))))
    )
    return f"{found.mean:.{digits}f} ± {half:.{digits}f}"
