"""Judge every claim by the rule of chapters/protocol.md, and write the ledger.

    python tools/ledger.py [--check]

Writes `aevae_lib/results/ledger.csv` and `chapters/ledger.md`; `--check` only says whether they
are what the stored results make of them.
"""

import csv
import io
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from aevae_lib import evidence
from aevae_lib.evidence import Interval

ROOT = Path(__file__).resolve().parent.parent
CSV = ROOT / "aevae_lib" / "results" / "ledger.csv"
PAGE = ROOT / "chapters" / "ledger.md"
MISSING = "not measured yet"
Numbers = dict[int, float]  # one for each seed


# --- the rows: what is compared with what, and by what margin -------------------------------


@dataclass(frozen=True)
class Problem:
    """Does the AE have it, and does the VAE cure it? All numbers: higher is worse."""

    claim: str
    what: str
    unit: str
    ae: Callable[[], Numbers]
    vae: Callable[[], Numbers]
    floor: Callable[[], Numbers | float]  # the AE's
    vae_floor: Callable[[], Numbers | float] | None
    margin: float
    headline: bool = False


@dataclass(frozen=True)
class Statement:
    """Does it hold, that `number` exceeds `margin` (or, if `within`, stays inside +-margin)?"""

    claim: str
    what: str
    unit: str
    number: Callable[[], Numbers]
    margin: float
    headline: bool = False
    within: bool = False
    ae: Callable[[], Numbers] | None = None  # shown beside it
    vae: Callable[[], Numbers] | None = None


def of(group: str, metric: str) -> Callable[[], Numbers]:
    return lambda: evidence.values(group, metric)


def minus(first: Callable[[], Numbers], second: Callable[[], Numbers]) -> Callable[[], Numbers]:
    """Seed by seed."""
    return lambda: _pairwise(first(), second(), lambda a, b: a - b)


def ratio(first: Callable[[], Numbers], second: Callable[[], Numbers]) -> Callable[[], Numbers]:
    """Seed by seed."""
    return lambda: _pairwise(first(), second(), lambda a, b: a / b)


def best(*numbers: Callable[[], Numbers]) -> Callable[[], Numbers]:
    """The largest, seed by seed."""
    return lambda: {seed: max(n()[seed] for n in numbers) for seed in numbers[0]()}


def constant(value: float) -> Callable[[], float]:
    return lambda: value


def real(metric: str) -> Callable[[], float]:
    """What real images score."""
    return lambda: evidence.floors()[metric]


def _pairwise(a: Numbers, b: Numbers | float, f: Callable[[float, float], float]) -> Numbers:
    if not isinstance(b, dict):
        return {seed: f(value, b) for seed, value in a.items()}
    return {seed: f(a[seed], b[seed]) for seed in sorted(a.keys() & b.keys())}


def problem(claim, what, unit, metric, d, floor, margin, vae_metric=None, headline=False):
    """A problem measured by one metric on AE and VAE; `floor` a number, or a metric's name."""
    ae, vae = f"ae-d{d}", f"vae-d{d}"
    own = (of(ae, floor), of(vae, floor)) if isinstance(floor, str) else (constant(floor), None)
    return Problem(
        claim, f"{what}, d = {d}", unit, of(ae, metric), of(vae, vae_metric or metric),
        own[0], own[1], margin, headline,
    )  # fmt: skip


def explained(group: str) -> Callable[[], Numbers]:
    """The share of the way from the mean image's nats to the entropy of the pixels."""

    def share() -> Numbers:
        floors = evidence.floors()
        top, bottom = floors["mean_image"], floors["pixel_entropy"]
        found = evidence.values(group, "reconstruction")
        return {seed: (top - value) / (top - bottom) for seed, value in found.items()}

    return share


def rises(metric: str, high: int, kind: str = "ae", low: int = 2) -> Callable[[], Numbers]:
    return minus(of(f"{kind}-d{high}", metric), of(f"{kind}-d{low}", metric))


def twice(claim, what, unit, make, margin, dims=(2, 16), headline=(2, 16)):
    """One statement at several dimensions; `make(d)` gives number, AE's and VAE's values."""
    rows = []
    for d in dims:
        number, ae, vae = make(d)
        rows.append(
            Statement(
                claim, f"{what}, d = {d}", unit, number, margin, d in headline, ae=ae, vae=vae
            )
        )
    return rows


def against(metric, vae_metric=None, flip=False, suffix=""):
    """VAE less AE (or, flipped, AE less VAE) for `twice`."""

    def make(d):
        ae, vae = of(f"ae-d{d}{suffix}", metric), of(f"vae-d{d}{suffix}", vae_metric or metric)
        return (minus(ae, vae) if flip else minus(vae, ae)), ae, vae

    return make


def own_draws(metric):
    """The VAE's prior against the better of two densities fitted to the AE's codes."""

    def make(d):
        vae = of(f"vae-d{d}", f"{metric}_prior")
        ae = best(of(f"ae-d{d}", f"{metric}_gaussian"), of(f"ae-d{d}", f"{metric}_mixture"))
        return minus(vae, ae), ae, vae

    return make


def kept(sampler):
    """Precision of an AE's draws over that of its reconstructions."""

    def make(d):
        drawn, rebuilt = f"precision_{sampler}", "precision_reconstruction"
        ae = ratio(of(f"ae-d{d}", drawn), of(f"ae-d{d}", rebuilt))
        return ae, ae, ratio(of(f"vae-d{d}", drawn), of(f"vae-d{d}", rebuilt))

    return make


def linear_gain(d):
    ae = of(f"ae-d{d}", "reconstruction")
    return lambda: _pairwise(ae(), evidence.floors()[f"linear_d{d}"], lambda a, b: b - a)


ROWS = [
    # A1: it compresses and reconstructs with little loss
    *twice("A1", "share of the explainable nats that the code keeps", "share",
           lambda d: (explained(f"ae-d{d}"), explained(f"ae-d{d}"), explained(f"vae-d{d}")),
           0.9, dims=(2, 16, 64), headline=(2, 16)),
    *twice("A1", "nats below the best linear decoder of PCA codes", "nats",
           lambda d: (linear_gain(d), None, None), 5, headline=()),
    # A2: decoding new points gives viable images
    *twice("A2", "precision of draws from a fitted Gaussian over that of reconstructions", "ratio",
           kept("gaussian"), 0.9),
    *twice("A2", "the same for the mixture", "ratio", kept("mixture"), 0.9, headline=()),
    *twice("A2", "the same for the box", "ratio", kept("box"), 0.9, headline=()),
    *twice("A2", "the same for N(0, I)", "ratio", kept("prior"), 0.9, headline=()),
    # P1: codes are not symmetric; where to sample is unclear
    problem("P1", "codes told from a fitted Gaussian", "accuracy", "c2st_gaussian", 2, 0.5, 0.05,
            headline=True),
    problem("P1", "codes told from a fitted Gaussian", "accuracy", "c2st_gaussian", 16, 0.5, 0.05),
    problem("P1", "codes told from N(0, I)", "accuracy", "c2st_prior", 2, 0.5, 0.05),
    problem("P1", "codes told from their mirror image", "accuracy", "asymmetry", 2, 0.5, 0.05),
    # P2: classes take very uneven areas; random points favour the large ones
    problem("P2", "largest over smallest class area", "ratio", "area_ratio", 2, 1, 2,
            headline=True),
    problem("P2", "range of the classes' log-volumes", "nats", "volume_range", 2, 0, math.log(3)),
    problem("P2", "imbalance of decoded draws of a fitted Gaussian", "share", "imbalance_gaussian",
            2, "imbalance_reconstruction", 0.1),
    problem("P2", "imbalance of decoded draws: fitted Gaussian (AE), prior (VAE)", "share",
            "imbalance_gaussian", 2, "imbalance_reconstruction", 0.1, "imbalance_prior"),
    # P3: holes between classes; points there decode to nothing viable
    problem("P3", "draws of a fitted Gaussian in holes", "share", "hole_fraction_gaussian", 2,
            "hole_fraction_held_out", 0.05, headline=True),
    problem("P3", "draws in holes: fitted Gaussian (AE), prior (VAE)", "share",
            "hole_fraction_gaussian", 2, "hole_fraction_held_out", 0.05, "hole_fraction_prior"),
    Problem("P3", "precision lost in holes, d = 2", "share",
            minus(of("ae-d2", "precision_outside_holes"), of("ae-d2", "precision_in_holes")),
            minus(of("vae-d2", "precision_outside_holes"), of("vae-d2", "precision_in_holes")),
            constant(0), None, 0.1),
    problem("P3", "unsure classifier on draws of a fitted Gaussian", "share", "unsure_gaussian", 2,
            "unsure_reconstruction", 0.1),
    # P4: all of it is amplified as dimensions grow
    *(Statement("P4", f"{what}, d = {d} less d = 2", unit, number(d), margin, d == 16)
      for d in (16, 64)
      for what, unit, number, margin in (
          ("P1: codes told from a fitted Gaussian", "accuracy",
           lambda d: rises("c2st_gaussian", d), 0.05),
          ("P2: range of log-volumes for each dimension", "nats",
           lambda d: rises("volume_range_per_dimension", d), 0.1),
          ("P3: precision lost by draws of a fitted Gaussian", "share",
           lambda d: minus(of("ae-d2", "precision_gaussian"),
                           of(f"ae-d{d}", "precision_gaussian")), 0.05),
      )),
    Statement("P4", "P5: flips, d = 16 less d = 2", "share", rises("flips", 16), 0.02),
    Statement("P4", "precision lost by draws of a mixture, d = 16 less d = 2", "share",
              minus(of("ae-d2", "precision_mixture"), of("ae-d16", "precision_mixture")), 0.05),
    # P5: a point next to a given point may decode to another type
    problem("P5", "classes flipped by a step of 0.1 standard deviations", "share", "flips", 2, 0,
            0.05, headline=True),
    problem("P5", "classes flipped by a step of 0.1 standard deviations", "share", "flips", 16, 0,
            0.05),
    # V1: a distribution is the richer representation
    *twice("V1", "class read off mu by ten neighbours, VAE less AE", "accuracy",
           against("neighbour_accuracy"), 0.01),
    *twice("V1", "class read off mu by a linear model, VAE less AE", "accuracy",
           against("probe_accuracy"), 0.01, headline=()),
    # V2: a shirt-trained VAE gives diverse shirts
    *twice("V2", "shirts among its draws, relative to real ones", "ratio",
           lambda d: (of(f"vae-d{d}-class6", "shirt_hits_alone"),
                      of(f"ae-d{d}-class6", "shirt_hits_alone"),
                      of(f"vae-d{d}-class6", "shirt_hits_alone")), 0.8),
    *twice("V2", "coverage of real shirts, relative to real ones", "ratio",
           lambda d: (lambda: _pairwise(
                          evidence.values(f"vae-d{d}-class6", "shirt_coverage_alone"),
                          evidence.floors()["shirt_coverage_real"], lambda a, b: a / b),
                      of(f"ae-d{d}-class6", "shirt_coverage_alone"),
                      of(f"vae-d{d}-class6", "shirt_coverage_alone")), 0.8),
    *twice("V2", "coverage of real shirts, VAE less AE", "share",
           against("shirt_coverage_alone", suffix="-class6"), 0.02, headline=()),
    # L1: the loss is reconstruction + KL
    *(Statement("L1", f"KL by Monte Carlo less its closed form, d = {d}", "nats",
                of(f"vae-d{d}", "kl_monte_carlo_error"), 0.1, True, within=True) for d in (2, 16)),
    # L2: the KL avoids overfitting and makes the space robust
    *twice("L2", "gap of the AE less that of the VAE, 500 images", "nats",
           against("gap", flip=True, suffix="-n500"), 5),
    *twice("L2", "gap of the AE less that of the VAE, 5,000 images", "nats",
           against("gap", flip=True, suffix="-n5000"), 5, headline=()),
    *twice("L2", "cost of noise on codes, AE less VAE", "nats",
           against("code_noise_cost", flip=True), 1),
    *twice("L2", "cost of noise on pixels, AE less VAE", "nats",
           against("pixel_noise_cost", flip=True), 1, headline=()),
    # L3: the KL keeps draws inside and is essential for realistic, diverse ones
    *twice("L3", "precision: VAE's prior less AE with a fitted density", "share",
           own_draws("precision"), 0.02),
    *twice("L3", "coverage: VAE's prior less AE with a fitted density", "share",
           own_draws("coverage"), 0.02),
    Statement("L3", "draws of the VAE's prior in holes, beyond held-out codes, d = 2", "share",
              minus(of("vae-d2", "hole_fraction_prior"), of("vae-d2", "hole_fraction_held_out")),
              0.05, within=True),
    # C1: what to use for what
    *twice("C1", "reconstruction: nats by which the AE is better", "nats",
           against("reconstruction"), 1),
]  # fmt: skip


# --- the rule -------------------------------------------------------------------------------


def intervals(row: Problem | Statement) -> int:
    """How many intervals a row rests its verdicts on."""
    return 3 if isinstance(row, Problem) else 1


def excess(numbers: Numbers, floor: Numbers | float) -> Numbers:
    return _pairwise(numbers, floor, lambda a, b: a - b)


def judge(row: Problem | Statement, level: float) -> tuple[str, str]:
    """The verdicts of a row at a level: about the AE and the VAE, or about the statement."""
    if isinstance(row, Statement):
        found = evidence.interval(list(row.number().values()), level)
        return place(found, row.margin, row.within, ("holds", "does not hold")), ""
    ae, vae = excess(row.ae(), row.floor()), excess(row.vae(), (row.vae_floor or row.floor)())
    ae_in, vae_in, gain = (
        evidence.interval(list(n.values()), level)
        for n in (ae, vae, _pairwise(ae, vae, lambda a, b: a - b))
    )
    has = place(ae_in, row.margin, False, ("yes", "no"))
    return has, cure(has, vae_in, gain, row.margin)


def place(found: Interval, margin: float, within: bool, words: tuple[str, str]) -> str:
    """Whether a whole interval lies on one side of the margin."""
    if within:
        inside = -margin < found.low and found.high < margin
        outside = found.low > margin or found.high < -margin
    else:
        inside, outside = found.low > margin, found.high < margin
    return words[0] if inside else words[1] if outside else "not settled"


def cure(has: str, vae: Interval, gain: Interval, margin: float) -> str:
    """What the VAE does about a problem that the AE has (or has not)."""
    if has == "no":
        return "worse" if vae.low > margin else "no problem to cure"
    if vae.high < margin:
        return "cured"
    if gain.low > 0 and gain.mean > margin:
        return "milder"
    if gain.high < 0 and gain.mean < -margin:
        return "worse"
    return "no clear difference"


@dataclass(frozen=True)
class Judged:
    """A row with its verdicts."""

    row: Problem | Statement
    verdicts: tuple[str, str]
    firm: bool


def judge_all() -> list[Judged]:
    """Every row: widened for the rows of its claim, and firm if it stands for all rows."""
    everything = sum(intervals(row) for row in ROWS)
    judged = []
    for row in ROWS:
        own = sum(intervals(other) for other in ROWS if other.claim == row.claim)
        try:
            verdicts = judge(row, 1 - 0.05 / own)
            firm = "not settled" not in verdicts and judge(row, 1 - 0.05 / everything) == verdicts
        except evidence.Missing:  # a stage of the sweep that has not been run
            verdicts, firm = (MISSING, ""), False
        judged.append(Judged(row, verdicts, firm))
    return judged


def overall(claim: str, judged: list[Judged]) -> str:
    """The verdict on a claim of the post: that of its headline rows, with caveats."""

    words = {"yes": "holds", "no": "does not hold"}

    def answers(rows: list[Judged]) -> set[str]:
        return {words.get(j.verdicts[0], j.verdicts[0]) for j in rows}

    own = [j for j in judged if j.row.claim == claim]
    headline = answers([j for j in own if j.row.headline])
    if MISSING in headline:
        return MISSING
    if headline == {"holds"}:
        return "holds" if answers(own) <= {"holds", MISSING} else "holds with a caveat"
    if headline == {"does not hold"}:
        return "does not hold"
    return "holds with a caveat" if "holds" in headline else "not settled"


# --- the page and the table -----------------------------------------------------------------

CLAIMS = {
    "A1": "An autoencoder compresses an image into a short code and rebuilds it with little loss.",
    "A2": "It generates: decoding new points gives viable images.",
    "P1": "Its codes are not symmetric, so it is unclear where to sample.",
    "P2": "Classes take very uneven areas, and random points favour the large ones.",
    "P3": "Between the classes are holes, and points there decode to nothing viable.",
    "P4": "More dimensions make P1, P2 and P3 worse.",
    "P5": "A point next to a given point may decode to another kind of garment.",
    "V1": "Mapping an image to a distribution makes a richer representation.",
    "V2": "A VAE trained on shirts, sampled, gives diverse shirts.",
    "L1": "A VAE's loss is reconstruction plus KL; an autoencoder's is the first alone.",
    "L2": "The KL term avoids overfitting and makes the latent space more robust.",
    "L3": "It keeps draws inside the learned distribution: essential for diverse, realistic ones.",
    "C1": "Which of the two to use depends on the purpose: the autoencoder reconstructs better.",
}
HEADER = (
    "claim", "row", "unit", "headline", "ae", "ae_low", "ae_high", "vae", "vae_low", "vae_high",
    "number", "number_low", "number_high", "floor", "margin", "seeds", "verdict", "cured", "firm",
)  # fmt: skip


def shown(make: Callable[[], Numbers] | None) -> Interval | None:
    return None if make is None else evidence.interval(list(make().values()))


def average(floor: Numbers | float) -> float:
    return sum(floor.values()) / len(floor) if isinstance(floor, dict) else floor


def record(j: Judged) -> list[str]:
    """A line of the CSV."""
    row = j.row
    ae, vae = shown(row.ae), shown(row.vae)
    if isinstance(row, Problem):
        floor, number = f"{average(row.floor()):.4g}", shown(minus(row.ae, row.vae))
    else:
        floor, number = "", shown(row.number)
    numbers = [
        f"{value:.4g}" if found else ""
        for found in (ae, vae, number)
        for value in (found[:3] if found else ("", "", ""))
    ]
    return [
        row.claim, row.what, row.unit, "yes" if row.headline else "", *numbers, floor,
        f"{row.margin:.4g}", str(number.seeds), *j.verdicts, "firm" if j.firm else "",
    ]  # fmt: skip


def table(judged: list[Judged]) -> str:
    """The CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(record(j) for j in judged if j.verdicts[0] != MISSING)
    return text.getvalue()


def page(judged: list[Judged]) -> str:
    """The page of the book."""
    parts = [PREFACE, "| id | the post says, in our words | verdict |", "|---|---|---|"]
    for claim in CLAIMS:
        link = f"[{claim}](claim-{claim.lower()})"
        parts.append(f"| {link} | {CLAIMS[claim]} | **{overall(claim, judged)}** |")
    parts += ["", *summary_of_cures(judged)]
    for claim in CLAIMS:
        parts += section(claim, [j for j in judged if j.row.claim == claim], judged)
    return "\n".join(parts) + "\n"


def summary_of_cures(judged: list[Judged]) -> list[str]:
    """V0: what the VAE does about the problems that the AE has."""
    rows = [j for j in judged if isinstance(j.row, Problem) and j.row.headline]
    lines = [
        "(claim-v0)=", "## V0. The VAE addresses what the autoencoder leaves open", "",
        "For each headline row about a problem: has the AE got it, and what does the VAE do?", "",
        "| problem | the AE has it | the VAE |", "|---|---|---|",
    ]  # fmt: skip
    for j in rows:
        lines.append(f"| {j.row.claim}: {j.row.what} | {j.verdicts[0]} | {j.verdicts[1]} |")
    return [*lines, ""]


def section(claim: str, own: list[Judged], judged: list[Judged]) -> list[str]:
    lines = [
        f"(claim-{claim.lower()})=", f"## {claim}. {CLAIMS[claim]}", "",
        f"**Verdict: {overall(claim, judged)}.**", "",
    ]  # fmt: skip
    for kind, titles in (
        (Problem, "| measured | AE | VAE | floor | margin | AE has it | VAE |"),
        (Statement, "| measured | value | AE | VAE | margin | verdict |"),
    ):
        rows = [j for j in own if isinstance(j.row, kind)]
        rows = [j for j in rows if j.verdicts[0] != MISSING]
        if rows:
            lines += [titles, "|---" * (titles.count("|") - 1) + "|"]
            lines += [line(j) for j in rows]
            lines.append("")
    return lines


def line(j: Judged) -> str:
    """A row of the page."""
    row, firm = j.row, "\\*" if j.firm else ""
    name = f"**{row.what}**" if row.headline else row.what
    ae, vae = text(shown(row.ae)), text(shown(row.vae))
    if isinstance(row, Problem):
        floor = plain(average(row.floor()))
        has, does = j.verdicts
        cells = [name, ae, vae, floor, plain(row.margin), has, does + firm]
    else:
        margin = f"within {plain(row.margin)}" if row.within else plain(row.margin)
        cells = [name, text(shown(row.number)), ae, vae, margin, j.verdicts[0] + firm]
    return "| " + " | ".join(cells) + " |"


def text(found: Interval | None) -> str:
    if found is None:
        return ""
    return f"{plain(found.mean)} [{plain(found.low)}, {plain(found.high)}]"


def plain(value: float) -> str:
    """Three significant digits, without an exponent."""
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:.{min(digits, 3)}f}"


PREFACE = """# The claims ledger

The blog post that this course grew from makes claims about the world, and so does nearly every
text on the subject. Here is each of them, what we measured, and what came of it. {doc}`protocol`
says how: it was fixed before the measurements. A program writes this page from the stored
results, and the same {download}`as a table <../aevae_lib/results/ledger.csv>` for your own use.

Values are means over seeds with 95 % intervals. Rows in bold are the headline rows, on which the
verdict of a claim rests; the others are cross-checks. A verdict with a star is firm: it survives
a correction for all rows of this page at once.
"""


def main(arguments: list[str]) -> None:
    judged = judge_all()
    stale = []
    for path, content in ((CSV, table(judged)), (PAGE, page(judged))):
        if not path.exists() or path.read_text(encoding="utf-8") != content:
            stale.append(path.name)
            if "--check" not in arguments:
                path.write_text(content, encoding="utf-8")
    if stale and "--check" in arguments:
        sys.exit(f"{', '.join(stale)}: not what the results say. Run: make evidence")


if __name__ == "__main__":
    main(sys.argv[1:])
