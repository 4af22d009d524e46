"""Every judge asked about every dose: which faults it sees, from which dose on.

Each split deals the held-out images anew: REFERENCE of them for the judge to
compare with, and a pool of the others, from which PROBE are spoilt. So no set
is compared with its own originals. The floor is the score of the probe as it
is; the unit of every effect is the spread of that floor over FLOORS splits.
"""

import itertools
from collections.abc import Callable, Sequence
from statistics import mean, stdev

import torch
from torch import Tensor

from aevae_lib import data, measure, sample

from . import faults
from .candidates import Judge, told_apart

REFERENCE, PROBE = 2000, 1000
SPLITS, FLOORS = 2, 10  # for the doses, and for the floor
SEEN = 3.0  # an effect this many times the noise is seen
WORSE = {  # which way a metric moves when pictures get worse
    "precision": -1, "coverage": -1, "frechet": 1, "kernel": 1,
    "told apart": 1,
}  # fmt: skip
Scores = dict[str, float]


def scores(judge: Judge, probe: Tensor, reference: Tensor) -> Scores:
    """The metrics of what a judge sees, (N, F) beside (M, F)."""
    if judge.tells:
        return {"told apart": told_apart(probe[:750], reference[:750])}
    precision, coverage = measure.precision_coverage(probe, reference)
    return {
        "precision": precision,
        "coverage": coverage,
        "frechet": measure.frechet(probe, reference),
        "kernel": measure.kernel_distance(probe, reference)[0],
    }


def base_of(dataset: data.DataSet, model: Callable) -> faults.Base:
    """The validation images, with training images for what needs others."""
    held_out, learnt = dataset.validation, dataset.train.images[:20_000]
    images = data.to_float(held_out.images)
    return faults.Base(
        images, held_out.labels, faults.kinds_of(images, held_out.labels),
        data.to_float(learnt), held_out.images, learnt, dataset.frame, model,
    )  # fmt: skip


def deal(n: int, split: int) -> tuple[Tensor, Tensor]:
    """The reference and the pool of a split: indices that share none."""
    share = REFERENCE / 5000  # of the 5,000 validation garments
    order = torch.randperm(n, generator=faults.seeded(split))
    cut = round(share * n)
    return order[:cut], order[cut:]


def probe_size(n: int) -> int:
    return round(PROBE / 5000 * n)


def plain_views(judges: Sequence[Judge], images: Tensor) -> list[Tensor]:
    """What each judge sees in the unspoilt images."""
    return [judge.look(images) for judge in judges]


def floors(judges: Sequence[Judge], plain: Sequence[Tensor]) -> dict:
    """Real against real: {judge: {metric: a value for each split}}."""
    found = {}
    for judge, view in zip(judges, plain, strict=True):
        rows, size = [], probe_size(len(view))
        for split in range(FLOORS):
            reference, pool = deal(len(view), split)
            rows.append(scores(judge, view[pool[:size]], view[reference]))
        found[judge.name] = columns(rows)
    return found


def check_same(
    judges: Sequence[Judge], plain: Sequence[Tensor], stored: dict
) -> None:
    """Raise `ValueError` if a judge's floor is not the stored one: weights that
    were trained elsewhere are another judge, and cannot go on from there.
    """
    for judge, view in zip(judges, plain, strict=True):
        if judge.tells:  # one is trained for each comparison, and none kept
            continue
        reference, pool = deal(len(view), 0)
        probe = view[pool[: probe_size(len(view))]]
        for metric, value in scores(judge, probe, view[reference]).items():
            before = stored[judge.name][metric][0]
            if abs(value - before) > 1e-3 * max(1, abs(before)):
                raise ValueError(
                    f"{judge.name} is not the one whose results are stored: "
                    f"{metric} of real images is {value:.4g}, and was "
                    f"{before:.4g}. Delete all blocks of this data set."
                )


def ask(
    judges: Sequence[Judge],
    plain: Sequence[Tensor],
    base: faults.Base,
    fault: faults.Fault,
) -> dict:
    """Every judge about one fault: {judge: {metric: values of each dose}}."""
    n, doses = len(base.images), {judge.name: [] for judge in judges}
    dealt = [deal(n, split) for split in range(SPLITS)]
    used = torch.cat([pool[: probe_size(n)] for _, pool in dealt]).unique()
    for dose in fault.doses:
        spoilt = fault.spoil(base, dose)[used] if fault.spoil else None
        for judge, view in zip(judges, plain, strict=True):
            seen = view.clone()
            if spoilt is not None:
                seen[used] = judge.look(spoilt)
            rows = []
            for split in range(SPLITS):
                reference, pool = dealt[split]
                chosen = pool[: probe_size(n)]
                if fault.choose:
                    generator = faults.seeded(100 + split)
                    chosen = fault.choose(
                        base, dose, pool, len(chosen), generator
                    )
                rows.append(scores(judge, seen[chosen], view[reference]))
            doses[judge.name].append(columns(rows))
    return {name: transposed(found) for name, found in doses.items()}


def columns(rows: list[Scores]) -> dict[str, list[float]]:
    return {name: [row[name] for row in rows] for name in rows[0]}


def transposed(doses: list[dict]) -> dict[str, list[list[float]]]:
    return {name: [dose[name] for dose in doses] for name in doses[0]}


# --- operating ranges --------------------------------------------------------


def effects(
    floor: list[float], doses: list[list[float]], worse: int
) -> list[float]:
    """How much worse each dose scores, in standard deviations of the floor.

    Split by split: dose k of split s less the floor of split s.
    """
    noise = stdev(floor)
    if noise == 0:
        raise ValueError("The floor does not vary; no noise, no range.")
    return [
        worse * mean(v - f for v, f in zip(values, floor, strict=False)) / noise
        for values in doses
    ]


def operating_range(found: Sequence[float]) -> tuple[str, int | None]:
    """What a judge makes of rising doses, and the first dose that it sees.

    "ranks": from that dose on every one is seen, and none stands out less than
    a smaller one by more than the noise that counts as seen. "detects": seen
    from there on, but not in order. "misled": some dose scores *better* than
    the unspoilt pictures, by as much. "blind": else.
    """
    first = len(found)
    while first and found[first - 1] >= SEEN:
        first -= 1
    if min(found) <= -SEEN:
        return "misled", None
    if first == len(found):
        return "blind", None
    part = found[first:]
    ordered = all(b >= a - SEEN for a, b in itertools.pairwise(part))
    return ("ranks" if ordered else "detects"), first


def ranges(floor: dict, asked: dict) -> dict[str, dict[str, dict]]:
    """{judge: {metric: {"verdict", "first", "effects"}}} of one fault."""
    table = {}
    for judge, metrics in asked.items():
        table[judge] = {}
        for name, doses in metrics.items():
            found = effects(floor[judge][name], doses, WORSE[name])
            verdict, first = operating_range(found)
            table[judge][name] = {
                "verdict": verdict,
                "first": first,
                "effects": [round(value, 1) for value in found],
            }
    return table


def redrawn_base(
    kind: str, base: faults.Base
) -> tuple[Tensor, tuple[faults.Fault, ...]]:
    """What a model of 16 dimensions redraws of held-out images, and a sampler's
    faults in it.
    """
    model = base.model(kind, 16)
    codes = sample.codes_of(model, base.held_out)
    return sample.pictures(model, codes), faults.redrawn(model, base)
