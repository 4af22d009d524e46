"""What real images score in place of decoded draws, and baselines that need no
network.

    python -m experiments.floors [NAME of a data set]

adds to the stored floors those that they lack, and changes none of them. What
the first edition's one judge says is stored by the sweep.
"""

import sys
from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean

import torch

from aevae_lib import data, evidence, measure
from aevae_lib.data import DataSet, to_float
from aevae_lib.likelihoods import Bernoulli

from .files import write_json
from .judges import calibrate, candidates
from .judges.faults import seeded
from .runs import SHIRT
from .subject import Judge

DIMS = (2, 4, 8, 16)
HALVINGS = 5  # of the test images


def main(name: str = "fashion-mnist") -> None:
    torch.set_num_threads(1)
    dataset = data.load(name, "cpu")
    path = evidence.floors_path(name)
    stored = evidence.floors(name) if path.exists() else {}
    asked = candidates.quick(candidates.judges(dataset))
    found = baselines(dataset) | halves(dataset, asked)
    write_json(path, stored | found | stored)


def halves(
    dataset: DataSet, asked: Sequence[candidates.Judge]
) -> dict[str, float]:
    """One half of the test images in place of draws, and the other to compare
    with: what each judge says, the mean over HALVINGS.
    """
    found = defaultdict(list)
    test = to_float(dataset.test.images)
    for judge in asked:
        seen, short = judge.look(test), judge.name.replace(" ", "_")
        for seed in range(HALVINGS):
            order = torch.randperm(len(seen), generator=seeded(seed))
            one, other = seen[order].chunk(2)
            scores = calibrate.scores(judge, one, other)
            for metric, value in scores.items():
                found[f"{metric}_real_{short}"].append(value)
    return {name: fmean(values) for name, values in found.items()}


def floors(fashion: DataSet, judge: Judge) -> dict[str, float]:
    """Every floor and baseline of the first edition's sweep."""
    shirts = fashion.train.images[fashion.train.labels == SHIRT][:1000]
    real = judge.report(judge.look(to_float(fashion.validation.images)))
    real |= judge.shirts(to_float(shirts))
    logits, labels = judge.logits(judge.test), fashion.test.labels
    right = logits.argmax(1) == labels
    return {
        **{f"{name}_real": value for name, value in real.items()},
        "classifier_accuracy": right.float().mean().item(),
        "classifier_calibration": measure.calibration(logits, labels),
        "shirt_recall": judge.shirt_recall.item(),
        **baselines(fashion),
    }


def baselines(dataset: DataSet) -> dict[str, float]:
    """What needs no judge."""
    return pixel_floors(dataset) | linear_baselines(dataset)


def pixel_floors(dataset: DataSet) -> dict[str, float]:
    """Nats per test image: of a flawless decoder, and of one that always gives
    the mean training image.
    """
    test = to_float(dataset.test.images)
    p = test.double()
    entropy = -(torch.xlogy(p, p) + torch.xlogy(1 - p, 1 - p))
    mean = to_float(dataset.train.images).mean(0, keepdim=True)
    logits = mean.clamp(1e-4, 1 - 1e-4).logit().expand_as(test)
    return {
        "pixel_entropy": entropy.flatten(1).sum(1).mean().item(),
        "mean_image": Bernoulli(logits).nats(test).mean().item(),
    }


def linear_baselines(dataset: DataSet) -> dict[str, float]:
    """PCA codes: what a linear decoder makes of them in nats, and what class
    they tell.
    """
    train, test = (
        to_float(s.images).flatten(1) for s in (dataset.train, dataset.test)
    )
    centre = train.mean(0)
    torch.manual_seed(0)  # of the random projection that finds the axes
    _, _, axes = torch.svd_lowrank(train - centre, q=64, niter=4)
    found = {}
    for d in DIMS:
        codes, test_codes = (
            (x - centre) @ axes[:, :d] for x in (train[:20_000], test)
        )
        decode = measure.linear_decoder(
            codes, dataset.train.images[:20_000], steps=20
        )
        cost = decode(test_codes).nats(to_float(dataset.test.images))
        known = (
            codes[:10_000],
            dataset.train.labels[:10_000],
            test_codes,
            dataset.test.labels,
        )
        found |= {
            f"linear_d{d}": cost.mean().item(),
            f"pca_neighbour_accuracy_d{d}": measure.neighbour_accuracy(*known),
            f"pca_probe_accuracy_d{d}": measure.probe_accuracy(*known),
        }
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
