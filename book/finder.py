"""The finder of causes, as the table of counts that it reckons with:
static/finder.js makes a form of it.
"""

import html
import json

from aevae_lib import evidence

# Which section of the chapter has the test and the cure of which causes.
SECTIONS = {
    "the-kl-is-nearly-0-and-all-garments-are-one": (
        "beta", "mean", "detached", "dead"
    ),
    "the-loss-runs-away": ("sign", "pixels", "rate", "zero_grad"),
    "it-trains-and-the-garments-are-poor": (
        "no_kl", "sigmoid", "small", "slow"
    ),
    "nothing-to-see": ("std", "eval", "leak", "few"),
    "two-that-look-ill-and-are-well": ("sound",),
}  # fmt: skip
SECTION_OF = {
    cause: key for key, causes in SECTIONS.items() for cause in causes
}
SEEDS = range(3)


def stored() -> dict:
    """What `experiments.failures` measured."""
    return json.loads((evidence.RESULTS / "failures.json").read_text())


def table(found: dict) -> str:
    """The stored counts as HTML: a row for each symptom, those that take a line
    of code last, and a column for each cause, whose head holds its curves.
    """
    counts = found["table"]
    eyes = found["by_eye"]
    tests = [name for name in found["symptoms"] if name not in eyes]
    of = [next(iter(every.values()))[1] for every in counts.values()]
    rows = ["<thead><tr><th>Symptom</th>", *heads(found), "</tr></thead>"]
    rows += ["<tbody>", row("Runs", of), "</tbody>"]
    for title, names in (
        ("What you see", eyes),
        ("What a line of code tells", tests),
    ):
        span = len(counts) + 1
        rows += [f'<tbody><tr><th scope="rowgroup" colspan="{span}">{title}']
        rows += ["</th></tr>"]
        for name in names:
            seen = [every[name][0] for every in counts.values()]
            rows.append(row(found["symptoms"][name], seen))
        rows.append("</tbody>")
    line = "In how many runs each cause shows each symptom"
    return (
        f'<div class="finder"><details class="fold"><summary>{line}</summary>'
        f"<table>{''.join(rows)}</table></details></div>"
    )


def heads(found: dict) -> list[str]:
    """For each cause, a head that leads to its cure."""
    return [
        f'<th scope="col" data-curves="{curves(found["runs"], cause)}">'
        f'<a href="#{SECTION_OF[cause]}">'
        f"{html.escape(found['titles'][cause])}</a></th>"
        for cause in found["table"]
    ]


def row(words: str, counts: list[int]) -> str:
    """A row of counts; those that are not 0 stand out."""
    cells = [f"<b>{count}</b>" if count else "0" for count in counts]
    return (
        f'<tr><th scope="row">{html.escape(words)}</th>'
        + "".join(f"<td>{cell}</td>" for cell in cells)
        + "</tr>"
    )


def curves(runs: dict, cause: str) -> str:
    """JSON of [reconstruction, KL], of the test, each [ill, sound], each with a
    list of reports for a seed, null for what is not finite.
    """
    network = "plain" if f"{cause}-plain-seed0" in runs else "batchnorm"

    def column(name: str, key: str) -> list[list[float | None]]:
        rows = [runs[f"{name}-{network}-seed{seed}"]["rows"] for seed in SEEDS]
        return [[short(value) for value in one[key]] for one in rows]

    both = [
        [column(cause, key), column("sound", key)]
        for key in ("test_rec", "test_kl")
    ]
    return json.dumps(both, separators=(",", ":"))


def short(value: float | None) -> float | None:
    """A value to three figures: a curve shows no more."""
    if value is None:
        return None
    rounded = float(f"{value:.3g}")
    return int(rounded) if rounded.is_integer() else rounded
