"""What real images score in place of decoded draws, and baselines that need no
network.

    python -m experiments.floors [NAME of a data set]

adds to the stored floors those that they lack, and changes none of them. What
the first edition's one judge says is stored by the sweep.
"""

import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from statistics import fmean

import torch
from torch import Tensor

from aevae_lib import data, evidence, measure
from aevae_lib.data import DataSet, to_float
from aevae_lib.likelihoods import Bernoulli

from .files import write_json
from .judges import calibrate, candidates
from .judges.faults import seeded
from .runs import SHIRT
from .subject import Judge

DIMS = (2, 4, 8, 16)
FITTED = 20_000  # training images that decoders are fitted to
KNOWN = 10_000  # training images whose classes are known
HALVINGS = 5  # of the test images
Components = tuple[int, Tensor, Tensor]  # how many, of training and test images


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
    """What needs no judge: nats per test image, and what class PCA codes
    tell.
    """
    components = list(component_codes(dataset))
    nats = {**without_codes(dataset), **linear_decoders(dataset, components)}
    means = {name: each.mean().item() for name, each in nats.items()}
    return means | told_by_components(dataset, components)


def without_codes(dataset: DataSet) -> dict[str, Tensor]:
    """Nats of each test image, of a flawless decoder and of one that always
    gives the mean training image: (N,).
    """
    test = to_float(dataset.test.images)
    mean = to_float(dataset.train.images).mean(0, keepdim=True)
    logits = mean.clamp(1e-4, 1 - 1e-4).logit().expand_as(test)
    return {
        "pixel_entropy": pixel_entropy(test),
        "mean_image": Bernoulli(logits).nats(test),
    }


def pixel_entropy(images: Tensor) -> Tensor:
    """Of images in [0, 1], in nats: (N, *shape) -> (N,)."""
    p = images.double()
    entropy = -(torch.xlogy(p, p) + torch.xlogy(1 - p, 1 - p))
    return entropy.flatten(1).sum(1)


def linear_decoders(
    dataset: DataSet, components: Iterable[Components]
) -> dict[str, Tensor]:
    """Nats of each test image, of the best linear decoder of its first
    principal components: (N,).
    """
    images, test = dataset.train.images[:FITTED], to_float(dataset.test.images)
    found = {}
    for d, codes, test_codes in components:
        decode = measure.linear_decoder(codes, images, steps=20)
        found[f"linear_d{d}"] = decode(test_codes).nats(test)
    return found


def told_by_components(
    dataset: DataSet, components: Iterable[Components]
) -> dict[str, float]:
    """What class a test image's principal components tell."""
    labels = dataset.train.labels[:KNOWN], dataset.test.labels
    found = {}
    for d, codes, test_codes in components:
        known = codes[:KNOWN], labels[0], test_codes, labels[1]
        found |= {
            f"pca_neighbour_accuracy_d{d}": measure.neighbour_accuracy(*known),
            f"pca_probe_accuracy_d{d}": measure.probe_accuracy(*known),
        }
    return found


def component_codes(dataset: DataSet) -> Iterator[Components]:
    """For each of DIMS, so many principal components of FITTED training images
    and of the test images: (FITTED, d), (N, d).
    """
    train, test = (
        to_float(s.images).flatten(1) for s in (dataset.train, dataset.test)
    )
    centre = train.mean(0)
    torch.manual_seed(0)  # of the random projection that finds the axes
    _, _, axes = torch.svd_lowrank(train - centre, q=64, niter=4)
    for d in DIMS:
        codes, test_codes = (
            (x - centre) @ axes[:, :d] for x in (train[:FITTED], test)
        )
        yield d, codes, test_codes


if __name__ == "__main__":
    main(*sys.argv[1:])
