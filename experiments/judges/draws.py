"""Draws of trained models beside two references.

Beside real images: how good is the picture? Beside the same model's
reconstructions of other held-out images: did the sampler find where pictures
live? Blur is in both sets of the second comparison, and cancels.
"""

from collections.abc import Sequence

from aevae_lib import data, sample
from aevae_lib.models import Autoencoder

from . import calibrate
from .candidates import Judge

DIMS = (16, 2)
SAMPLERS = ("prior", "box", "Gaussian", "mixture")
LEARNT = 20_000  # training codes that a sampler is fitted to


def compare(
    dataset: data.DataSet,
    judges: Sequence[Judge],
    model: Autoencoder,
) -> dict:
    """Every sampler of one model: {sampler: {reference: {judge: {metric: a
    value for each split}}}}.

    The sampler "reconstruction" is none: held-out images redrawn.
    """
    held_out = dataset.validation.images
    again = sample.pictures(model, sample.codes_of(model, held_out))
    sides = {"real": data.to_float(held_out), "own": again}
    views = {
        side: calibrate.plain_views(judges, images)
        for side, images in sides.items()
    }
    codes = sample.codes_of(model, dataset.train.images[:LEARNT])
    n, size = len(held_out), calibrate.probe_size(len(held_out))
    found = {}
    for name in ("reconstruction", *SAMPLERS):
        rows = {side: {judge.name: [] for judge in judges} for side in sides}
        draw = (
            None if name == "reconstruction" else sample.SAMPLERS[name](codes)
        )
        for split in range(calibrate.SPLITS):
            reference, pool = calibrate.deal(n, split)
            images = (
                sample.pictures(model, draw(size, seed=split))
                if draw
                else again[pool[:size]]
            )
            for k, judge in enumerate(judges):
                seen = judge.look(images)
                for side in sides:
                    other = views[side][k][reference]
                    rows[side][judge.name].append(
                        calibrate.scores(judge, seen, other)
                    )
        found[name] = {
            side: {j: calibrate.columns(r) for j, r in by_judge.items()}
            for side, by_judge in rows.items()
        }
    return found


def order(compared: dict, side: str, judge: str, metric: str) -> list[str]:
    """The samplers from the best to the worst, by the mean over splits."""

    def badness(name: str) -> float:
        values = compared[name][side][judge][metric]
        return calibrate.WORSE[metric] * sum(values) / len(values)

    return sorted((n for n in compared if n != "reconstruction"), key=badness)
