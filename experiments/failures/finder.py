"""From what one can see to what went wrong: a table of symptoms by causes.

Each symptom is a question with the answer yes or no. How often a cause shows it
is counted in the runs of a few seeds, and Bayes' rule ranks the causes, as if
symptoms were independent and all causes equally common.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from .changes import FAILURES, SOUND

CAUSES = [change.name for change in FAILURES] + ["sound"]
SOUND_RUNS = [change.name for change in SOUND]

Run = Mapping  # the measures of a run, and its columns of reports
Counts = dict[str, dict[str, tuple[int, int]]]  # cause, symptom: (yes, of)


class Symptom(NamedTuple):
    """Something to look for."""

    words: str  # as a statement that holds or does not
    holds: Callable[[Run], bool]
    test: bool = False  # whether it takes a line of code to see


def above(value: float | None, limit: float) -> bool:
    """Whether there is a value, and it is above a limit."""
    return value is not None and value > limit


def below(value: float | None, limit: float) -> bool:
    """Whether there is a value, and it is below a limit."""
    return value is not None and value < limit


def last(run: Run, column: str) -> float | None:
    """The last number of a column of reports, if that is finite."""
    return run["rows"][column][-1]


def any_below(run: Run, column: str, limit: float) -> bool:
    """Whether a report ever was below a limit."""
    return any(below(value, limit) for value in run["rows"][column])


def gap(run: Run) -> float | None:
    """Test less training at the end, in nats as printed."""
    pairs = [("test_rec", "rec"), ("test_kl", "kl")]
    both = [(last(run, a), last(run, b)) for a, b in pairs]
    if any(None in pair for pair in both):
        return None
    return sum(a - b for a, b in both)


def rebound(run: Run) -> float:
    """The farthest that the test's reconstruction rose above an earlier one."""
    lowest, most = math.inf, 0.0
    for value in run["rows"]["test_rec"]:
        if value is not None:
            lowest = min(lowest, value)
            most = max(most, value - lowest)
    return most


def still_falling(run: Run) -> bool:
    """Whether the last 60 steps took more than 4 % off the reconstruction."""
    earlier, later = run["rows"]["test_rec"][-4], last(run, "test_rec")
    if earlier is None or later is None or later < 0:
        return False
    return later < 0.96 * earlier


def growth(run: Run) -> float | None:
    """How many times larger the gradient is at the end than at step 20."""
    first, end = run["rows"]["grad"][1], last(run, "grad")
    return end / first if first and end is not None else None


SYMPTOMS = {
    "nan": Symptom("The loss is NaN", lambda r: r["nan_step"] is not None),
    "negative": Symptom(
        "The loss is negative", lambda r: any_below(r, "loss", 0)
    ),
    "rec_negative": Symptom(
        "The reconstruction term is negative",
        lambda r: any_below(r, "rec", 0) or any_below(r, "test_rec", 0),
    ),
    "tiny": Symptom(
        "The reconstruction term is below 1",
        lambda r: (
            any_below(r, "test_rec", 1) and not any_below(r, "test_rec", 0)
        ),
    ),
    "collapsed": Symptom(
        "The KL is nearly 0 at the end",
        lambda r: below(last(r, "test_kl"), 0.1),
    ),
    "kl_large": Symptom(
        "The KL is above 12 nats", lambda r: above(last(r, "test_kl"), 12)
    ),
    "kl_rose": Symptom(
        "The KL has risen since the first step",
        lambda r: above(last(r, "test_kl"), r["rows"]["test_kl"][0] or 0),
    ),
    "alike": Symptom(
        "All redrawn pictures are nearly the same",
        lambda r: below(r["redrawn"], 0.1),
    ),
    "draws": Symptom(
        "All new pictures are nearly the same", lambda r: below(r["draws"], 0.3)
    ),
    "grey": Symptom(
        "New pictures have no black in them",
        lambda r: above(r["darkest"], 0.45),
    ),
    "dear": Symptom(
        "The reconstruction stays above 310 nats",
        lambda r: above(last(r, "test_rec"), 310),
    ),
    "mean_picture": Symptom(
        "The reconstruction stays well above what one mean picture costs",
        lambda r: above(last(r, "test_rec"), 425),
    ),
    "falling": Symptom("The loss still falls fast at the end", still_falling),
    "rebound": Symptom(
        "The test loss goes up again by more than 20 nats",
        lambda r: rebound(r) > 20,
    ),
    "gap": Symptom(
        "The test loss is well above the training loss",
        lambda r: above(gap(r), 5),
    ),
    "under": Symptom(
        "The test loss is below the training loss", lambda r: below(gap(r), -3)
    ),
    "dearer": Symptom(
        "Pictures that come later cost more than the test's",
        lambda r: above(r["dearer"], 5),
    ),
    "grows": Symptom(
        "The gradient grows and grows", lambda r: above(growth(r), 4)
    ),
    "input": Symptom(
        "x.max() is above 1", lambda r: above(r["input"], 1.5), test=True
    ),
    "noise": Symptom(
        "(z - mu) / exp(logvar / 2) does not have a deviation of 1",
        lambda r: r["noise"] is not None and abs(r["noise"] - 1) > 0.15,
        test=True,
    ),
    "pull": Symptom(
        "The reconstruction alone gives the encoder no gradient",
        lambda r: below(r["pull"], 1e-9),
        test=True,
    ),
    "dead": Symptom(
        "Over 90 % of the ReLUs are 0 for every picture",
        lambda r: above(r["dead"], 0.9),
        test=True,
    ),
    "counted": Symptom(
        "BatchNorm has counted fewer batches than there were",
        lambda r: below(r["counted"], 0.9),
        test=True,
    ),
}
EYES = [name for name, symptom in SYMPTOMS.items() if not symptom.test]


def answers(run: Run) -> dict[str, bool]:
    """Each symptom of a run: yes or no."""
    return {name: bool(s.holds(run)) for name, s in SYMPTOMS.items()}


def cause_of(name: str) -> str:
    """What the finder should say about a run of this name."""
    return "sound" if name in SOUND_RUNS else name


def counted(runs: Iterable[tuple[str, Run]]) -> Counts:
    """How many runs of each cause show each symptom, of how many."""
    seen: dict[str, list[dict[str, bool]]] = {cause: [] for cause in CAUSES}
    for name, run in runs:
        seen[cause_of(name)].append(answers(run))
    return {
        cause: {
            symptom: (sum(found[symptom] for found in every), len(every))
            for symptom in SYMPTOMS
        }
        for cause, every in seen.items()
    }


def ranked(counts: Counts, seen: Mapping[str, bool]) -> dict[str, float]:
    """The probability of each cause, the likeliest first, given answers.

    What is not answered does not count. A symptom that was never (or always)
    met counts as half a run's worth, so nothing is ruled out for good.
    """
    scores = {
        cause: sum(
            math.log((yes if seen[symptom] else of - yes) + 0.5)
            - math.log(of + 1)
            for symptom, (yes, of) in found.items()
            if symptom in seen
        )
        for cause, found in counts.items()
    }
    top = max(scores.values())
    weights = {cause: math.exp(score - top) for cause, score in scores.items()}
    total = sum(weights.values())
    order = sorted(weights, key=weights.get, reverse=True)
    return {cause: weights[cause] / total for cause in order}


def score(counts: Counts, runs: Iterable[tuple[str, Run]], tests: bool) -> dict:
    """How often the true cause comes first: {cause: [times, of]}, with tests or
    by eye alone.
    """
    found = {cause: [0, 0] for cause in CAUSES}
    for name, run in runs:
        seen = answers(run)
        asked = seen if tests else {key: seen[key] for key in EYES}
        cause = cause_of(name)
        found[cause][0] += next(iter(ranked(counts, asked))) == cause
        found[cause][1] += 1
    return found


def always_found(found: dict[str, list[int]]) -> int:
    """How many failures came first in every one of their runs."""
    return sum(
        times == of > 0 for cause, (times, of) in found.items()
        if cause != "sound"
    )  # fmt: skip
