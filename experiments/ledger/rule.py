"""The rule of chapters/protocol.md: from numbers to verdicts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from aevae_lib import evidence
from aevae_lib.evidence import Interval

from .claims import Claim
from .sources import Numbers, Problem, Statement, minus, pairwise

MISSING = "not measured yet"
UNDEFINED = "not defined"  # for at least one seed
CURES = (
    "cured",
    "milder",
    "no clear difference",
    "worse",
    "no problem to cure",
    UNDEFINED,
)
# What cannot be called firm:
OPEN = {MISSING, UNDEFINED, "not settled", "no clear difference"}


def intervals(row: Problem | Statement) -> int:
    """How many intervals a row rests its verdicts on."""
    return 3 if isinstance(row, Problem) else 1


def excesses(row: Problem) -> tuple[Numbers, Numbers, Numbers]:
    """By how much AE and VAE exceed their floors, and the first less the
    second.
    """
    ae, vae = minus(row.ae, row.ae_floor)(), minus(row.vae, row.vae_floor)()
    return ae, vae, pairwise(ae, vae, lambda a, b: a - b)


def judge(row: Problem | Statement, level: float) -> tuple[str, ...]:
    """The verdicts of a row at a level: about AE and VAE, or about the
    statement (rules 3 to 5).
    """
    if isinstance(row, Statement):
        found = interval(row.number(), level)
        return (
            place(found, row.margin, row.within, ("holds", "does not hold")),
        )
    ae, vae, gain = (interval(numbers, level) for numbers in excesses(row))
    has = place(ae, row.margin, False, ("yes", "no"))
    return has, cure(has, vae, gain, row.margin)


def place(
    found: Interval, margin: float, within: bool, words: tuple[str, str]
) -> str:
    """Whether a whole interval lies on one side of the margin."""
    if within:
        inside = -margin < found.low and found.high < margin
        outside = found.low > margin or found.high < -margin
    else:
        inside, outside = found.low > margin, found.high < margin
    return words[0] if inside else words[1] if outside else "not settled"


def cure(has: str, vae: Interval, gain: Interval, margin: float) -> str:
    """What the VAE does about a problem that the AE has, has not, or may have
    (rule 4).
    """
    if vae.high < margin:
        return "no problem to cure" if has == "no" else "cured"
    if gain.low > 0 and gain.mean > margin:
        return "milder"
    if gain.high < 0 and gain.mean < -margin:
        return "worse"
    return "no clear difference"


class Shown(NamedTuple):
    """The numbers of a row as they are printed, with 95 % intervals."""

    number: (
        Interval  # the statement's, or what the VAE takes off the AE's excess
    )
    ae: Interval | None
    vae: Interval | None
    floors: tuple[float, ...]  # AE's and VAE's, of a problem
    baseline: tuple[str, float] | None


def show(row: Problem | Statement) -> Shown:
    """The numbers of a row as they are printed."""
    ae, vae = (interval(make()) if make else None for make in (row.ae, row.vae))
    if isinstance(row, Problem):
        floors = tuple(
            average(least()) for least in (row.ae_floor, row.vae_floor)
        )
        return Shown(interval(excesses(row)[2]), ae, vae, floors, None)
    baseline = row.baseline and (row.baseline[0], row.baseline[1]())
    return Shown(interval(row.number()), ae, vae, (), baseline)


def interval(numbers: Numbers, level: float = 0.95) -> Interval:
    return evidence.interval(list(numbers.values()), level)


def average(numbers: Numbers | float) -> float:
    return (
        sum(numbers.values()) / len(numbers)
        if isinstance(numbers, dict)
        else numbers
    )


@dataclass(frozen=True)
class Judged:
    """A row with its verdicts, and which of them also stand among all rows
    (rule 6).
    """

    row: Problem | Statement
    verdicts: tuple[str, ...]
    firm: tuple[bool, ...]
    shown: Shown | None  # None if it is not measured, or not defined

    @property
    def answer(self) -> str:
        """What the row says about its claim: that the AE has a problem, or that
        it holds.
        """
        words = {"yes": "holds", "no": "does not hold"}
        return words.get(self.verdicts[0], self.verdicts[0])


def judge_all(rows: Sequence[Problem | Statement]) -> list[Judged]:
    """Every row: widened for the rows of its claim, and firm if it stands for
    all rows.
    """
    everything = sum(intervals(row) for row in rows)
    judged = []
    for row in rows:
        own = sum(
            intervals(other) for other in rows if other.claim == row.claim
        )
        try:
            shown = show(row)
        except evidence.Missing:  # a stage of the sweep that has not been run
            judged.append(Judged(row, (MISSING,), (False,), None))
            continue
        except evidence.Undefined:
            judged.append(Judged(row, (UNDEFINED,), (False,), None))
            continue
        verdicts, strict = (
            judge(row, 1 - 0.05 / count) for count in (own, everything)
        )
        firm = (
            a == b and a not in OPEN
            for a, b in zip(verdicts, strict, strict=True)
        )
        judged.append(Judged(row, verdicts, tuple(firm), shown))
    return judged


def overall(claim: str, judged: list[Judged]) -> str:
    """The verdict on a claim of the post: that of its headline rows, with
    caveats (rule 7).
    """
    if claim == "V0":
        return cures(judged)
    own = [j for j in judged if j.row.claim == claim]
    headline = {j.answer for j in own if j.row.headline}
    if MISSING in headline:
        return MISSING
    deciding = [j.shown for j in own if j.row.headline and j.shown]
    if any(shown.number.seeds < 2 for shown in deciding):  # no interval as yet
        return "not settled"
    if headline == {"does not hold"}:
        return "does not hold"
    if "holds" not in headline:
        return "not settled"
    return (
        "holds"
        if {j.answer for j in own} <= {"holds", MISSING}
        else "holds with a caveat"
    )


def cures(judged: list[Judged]) -> str:
    """V0: what the VAE does about each problem, by the headline rows."""
    found: dict[str, list[str]] = {verdict: [] for verdict in CURES}
    for j in headline_problems(judged):
        if j.verdicts == (MISSING,):
            return MISSING
        found[j.verdicts[-1]].append(j.row.claim)
    return "; ".join(
        f"{verdict}: {', '.join(names)}"
        for verdict, names in found.items()
        if names
    )


def headline_problems(judged: list[Judged]) -> list[Judged]:
    return [j for j in judged if isinstance(j.row, Problem) and j.row.headline]


def caveats(claim: str, judged: list[Judged]) -> list[Judged]:
    """The measured rows that do not say what the verdict on the claim says."""
    verdict = overall(claim, judged)
    own = [j for j in judged if j.row.claim == claim and j.answer != MISSING]
    if verdict == "holds with a caveat":
        return [j for j in own if j.answer != "holds"]
    return (
        [j for j in own if j.answer == "holds"]
        if verdict == "does not hold"
        else []
    )


def misread(judged: list[Judged], claims: dict[str, Claim]) -> list[str]:
    """Where a reading was written for another verdict than the results earn."""
    return [
        f"{name}: the reading was written for {claim.read_for!r}, and the "
        f"verdict is {overall(name, judged)!r}. Read the results again, then "
        "change experiments/ledger/claims.py."
        for name, claim in claims.items()
        if claim.reading and claim.read_for != overall(name, judged)
    ]
