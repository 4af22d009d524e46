"""The ledger as a notebook of the book: for each claim a verdict, its rows
drawn, pictures of what it speaks of, and folded away every number.
"""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools.notebooks import tidy_text

from . import pictures
from .claims import CLAIMS, Claim
from .pictures import SETS
from .predictions import scored
from .rows import Row
from .rule import NOT_SETTLED, SMALL, SUPPORTED, VERDICTS
from .runs import ANIMALS
from .series import Series
from .verdicts import (
    IDENTITY,
    Finding,
    Judged,
    mean_of,
    of_claim,
    of_course,
    sets_of,
)

PREFACE = Path(__file__).with_name("preface.md")
TITLES = ("measured", "data", "judge", "number", "margin", "AE", "VAE",
          "verdict")  # fmt: skip
JUDGES = {
    "pixels": "pixel components",
    "classifier_used_to_blur": "classifier used to blur",
    "codes_of_an_ae": "codes of an AE",
    "nearest": "nearest reconstructions",
}
IMPORTS = """import matplotlib.pyplot as plt

from aevae_lib import evidence, plots

plots.use_style()"""

# Neither orange nor blue, which are the models'.
OVERVIEW = """LOOKS = {
    "supported": "#1b7837",
    "supported, but small": "#a6dba0",
    "mixed": "#9a9a9a",
    "not settled": "#e3e3e3",
    "not supported": "#762a83",
}
CLAIMS = list(dict.fromkeys(row["claim"] for row in evidence.ledger()))
fig, ax = plt.subplots(figsize=(5.4, 4.6))
for claim in CLAIMS:
    each = evidence.ledger(claim)
    keys = ("row", "data", "d", "beta", "together")
    said = [key[-1] for key in {tuple(row[k] for k in keys) for row in each}]
    start = 0
    for verdict, color in LOOKS.items():
        share = said.count(verdict) / len(said)
        name = verdict if claim == CLAIMS[0] else None
        ax.barh(claim, share, left=start, color=color, label=name)
        start += share
ax.set(xlim=(0, 1), xticks=[0, 0.5, 1], xlabel="share of the claim's rows")
ax.set_ylim(len(CLAIMS) - 0.4, -0.6)
fig.legend(loc="outside upper center", ncols=3)
plt.show()"""

Found = dict[str, list[Finding]]


def page(found: Found) -> str:
    """The notebook file."""
    preface = PREFACE.read_text(encoding="utf-8").rstrip("\n")
    question, rest = preface.split("{summary}")
    cells = [
        new_markdown_cell(question.rstrip("\n"), id="ledger-preface"),
        new_code_cell(
            "", id="ledger-setup", metadata={"tags": ["setup", "hide-input"]}
        ),
        new_code_cell(IMPORTS, id="ledger-imports"),
        overview(found),
        new_markdown_cell(summary(found) + rest, id="ledger-summary"),
    ]
    for name, claim in CLAIMS.items():
        cells += section(name, claim, found)
    cells.append(new_markdown_cell(predicted(found), id="ledger-predictions"))
    return tidy_text(nbformat.writes(new_notebook(cells=cells)))


def chip(verdict: str) -> str:
    return f"{{verdict}}`{verdict}`"


def summary(found: Found) -> str:
    """How many claims earned which verdict, and all of them in one table."""
    verdicts = {name: of_course(name, found) for name in CLAIMS}
    counts = Counter(verdicts.values())
    lines = [
        f"Of these {len(CLAIMS)}: "
        + ", ".join(f"{counts[v]} {chip(v)}" for v in VERDICTS if counts[v])
        + ".",
        "",
        "| the claim | verdict |",
        "| --- | --- |",
    ]
    for name, claim in CLAIMS.items():
        also = ""
        if ANIMALS in sets_of(name, found):
            animals = of_claim(name, found[ANIMALS])
            also = "" if animals == verdicts[name] else f" animals: {animals}"
        lines.append(
            f"| {{ref}}`{name} <claim-{name.lower()}>` {claim.words} | "
            f"{chip(verdicts[name])}{also} |"
        )
    return "\n".join(lines)


def overview(found: Found) -> NotebookNode:
    """The cell that shows at a glance how often each claim holds."""
    yes = {SUPPORTED, SMALL}
    of = {
        name: [
            f for each in found.values() for f in each if f.row.claim == name
        ]
        for name in CLAIMS
    }
    whole = [
        name for name, rows in of.items()
        if rows and all(each.verdict in yes for each in rows)
    ]  # fmt: skip
    return figure(
        OVERVIEW,
        "fig-ledger-all",
        f"**{' and '.join(whole)} hold in every row; the others hold in some, "
        "or in none.** What share of a claim's rows earned each verdict, on "
        "garments and animals. L1 has no rows.",
        "A horizontal bar for each claim, cut into its rows' verdicts, from "
        "green for supported through grey for mixed and not settled to purple "
        f"for not supported. Green from end to end: {', '.join(whole)}. Most "
        "bars have two or three colours.",
        "ledger-overview",
    )


def section(name: str, claim: Claim, found: Found) -> list[NotebookNode]:
    """The cells on one claim."""
    low, verdict = name.lower(), of_course(name, found)
    text = [
        f"(claim-{low})=", f"## {name}. {claim.words}", "",
        f"{chip(verdict)} {claim.reading} "
        f"Shown in {{doc}}`{claim.shown}`.",
    ]  # fmt: skip
    cells = [new_markdown_cell("\n".join(text), id=f"ledger-{low}")]
    if name == IDENTITY:
        return cells
    rows = [
        each for data in SETS for each in found[data] if each.row.claim == name
    ]
    cells.append(intervals(name, rows, found))
    if name in pictures.CLAIMS:
        cells.append(strips(name))
    if claim.seen:
        seen = (
            "*Two readers*, who knew no verdict, saw garments: "
            f"{claim.seen} Two others saw animals: {claim.seen_animals}"
        )
        cells.append(new_markdown_cell(seen, id=f"ledger-{low}-seen"))
    box = [":::{admonition} Every number", ":class: dropdown", "",
           *grid(rows), ":::"]  # fmt: skip
    cells.append(new_markdown_cell("\n".join(box), id=f"ledger-{low}-numbers"))
    return cells


def intervals(name: str, rows: list[Finding], found: Found) -> NotebookNode:
    """The cell that draws the rows of a claim."""
    sets = sets_of(name, found)
    said = [f"{SETS[data]} {of_claim(name, found[data])}" for data in sets]
    if len(sets) > 1:
        finding, each = ", ".join(said).capitalize(), "judge"
        looks = "in two columns for garments and animals"
    else:
        finding, each = f"Beside a plain rival, on {said[0]}", "model"
        looks = "orange for the autoencoder and blue for the VAE"
    return figure(
        f'plots.verdict_rows(evidence.ledger("{name}"))\nplt.show()',
        f"fig-ledger-{name.lower()}",
        f"**{finding}.** Intervals in margins, one for each {each}.",
        f"Intervals of the {len(rows)} headline rows on claim {name}, {looks}, "
        "drawn in units of each row's margin. Together they say: "
        f"{'; '.join(said)}.",
        f"ledger-{name.lower()}-rows",
    )


def strips(name: str) -> NotebookNode:
    """The cell that shows the pictures of a claim."""
    index = json.loads(pictures.INDEX.read_text(encoding="utf-8"))["rows"]
    labels = dict.fromkeys(
        words for rows in index[name].values() for words in rows
    )
    return figure(
        f'plots.claim_pictures("{name}")\nplt.show()',
        f"fig-ledger-{name.lower()}-pictures",
        f"**What {name} speaks of.** Not chosen: by one model of each kind on "
        "each data set.",
        "Strips of twelve pictures, not chosen, of garments and, below, of "
        "animals: " + "; ".join(labels) + ".",
        f"ledger-{name.lower()}-pictures",
    )


def predicted(found: Found) -> str:
    """What was predicted for the animals, and what came of it."""
    each = list(scored(found[ANIMALS]))
    true = [one for one in each if one.true]
    open_ = [one for one in each if one.finding.verdict == NOT_SETTLED]
    lines = [
        "(predictions)=",
        "## What we predicted for the animals",
        "",
        "Before anything was trained on the animals, {doc}`protocol2` said "
        "which verdict each of these rows would earn. "
        f"{len(true)} of {len(each)} predictions came true; "
        f"{len(set(open_) - set(true))} rows are still open.",
        "",
        ":::{admonition} Every prediction",
        ":class: dropdown",
        "",
        "| claim | row | predicted | found | true? |",
        "| --- | --- | --- | --- | --- |",
    ]
    for one in each:
        row, yes = one.finding.row, "yes" if one.true else "no"
        lines.append(
            f"| {row.claim} | {titled(row)} | {one.predicted} | "
            f"{one.finding.verdict} | {yes} |"
        )
    return "\n".join([*lines, ":::"])


def figure(
    source: str, name: str, caption: str, alt: str, key: str
) -> NotebookNode:
    """A cell that draws a figure with a caption."""
    return new_code_cell(
        source, id=key,
        metadata={
            "mystnb": {
                "figure": {"caption": caption, "name": name},
                "image": {"alt": alt},
            },
            "tags": ["hide-input", "figure"],
        },
    )  # fmt: skip


def grid(rows: list[Finding]) -> list[str]:
    """A table in Markdown, a line for each judge, without empty columns."""
    lines = [cells(each, j) for each in rows for j in each.judged]
    filled = [k for k in range(len(TITLES)) if any(line[k] for line in lines)]
    ruled = [TITLES, ["---"] * len(TITLES), *lines]
    return ["| " + " | ".join(line[k] for k in filled) + " |" for line in ruled]


def cells(finding: Finding, j: Judged) -> list[str]:
    """A line of it."""
    row = j.row
    verdict = j.verdict if row.asked else "left out"
    if len(finding.judged) > 1:
        verdict += f"; together {finding.verdict}"
    if j.why and row.asked:
        verdict += f" ({j.why})"
    return [
        titled(row), SETS[row.data], JUDGES.get(row.judge, ""), number(j),
        f"{row.margin:.2g}", beside(row.ae), beside(row.vae), verdict,
    ]  # fmt: skip


def titled(row: Row) -> str:
    beta = "" if row.beta == 1 else rf", $\beta$ = {row.beta:g}"
    return f"{row.what}, d = {row.dims}{beta} ({row.unit})"


def number(j: Judged) -> str:
    """A mean and its interval, and from how many seeds."""
    if not j.spread:
        return "none"
    low, high = j.interval
    return (
        f"{j.spread.mean:.3g} [{low:.3g}, {high:.3g}], {j.spread.seeds} seeds"
    )


def beside(source: Callable[[], Series] | None) -> str:
    mean = mean_of(source)
    return "" if mean is None else f"{mean:.3g}"
