"""What real images score in place of decoded draws, and baselines that need no
training.
"""

import torch

from aevae_lib import measure
from aevae_lib.data import DataSet, to_float
from aevae_lib.likelihoods import Bernoulli

from .runs import SHIRT
from .subject import Judge


def floors(fashion: DataSet, judge: Judge) -> dict[str, float]:
    """Every floor and baseline, by its name in `evidence.floors()`."""
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
        **pixel_floors(fashion),
        **linear_baselines(fashion),
    }


def pixel_floors(fashion: DataSet) -> dict[str, float]:
    """Nats per test image: of a flawless decoder, and of one that always gives
    the mean training image.
    """
    test = to_float(fashion.test.images)
    p = test.double()
    entropy = -(torch.xlogy(p, p) + torch.xlogy(1 - p, 1 - p))
    mean = to_float(fashion.train.images).mean(0, keepdim=True)
    logits = mean.clamp(1e-4, 1 - 1e-4).logit().expand_as(test)
    return {
        "pixel_entropy": entropy.flatten(1).sum(1).mean().item(),
        "mean_image": Bernoulli(logits).nats(test).mean().item(),
    }


def linear_baselines(fashion: DataSet) -> dict[str, float]:
    """PCA codes: what a linear decoder makes of them in nats, and what class
    they tell.
    """
    train, test = (
        to_float(s.images).flatten(1) for s in (fashion.train, fashion.test)
    )
    centre = train.mean(0)
    torch.manual_seed(0)  # of the random projection that finds the axes
    _, _, axes = torch.svd_lowrank(train - centre, q=64, niter=4)
    found = {}
    for d in (2, 4, 8, 16):
        codes, test_codes = (
            (x - centre) @ axes[:, :d] for x in (train[:20_000], test)
        )
        decode = measure.linear_decoder(
            codes, fashion.train.images[:20_000], steps=20
        )
        cost = decode(test_codes).nats(to_float(fashion.test.images))
        known = (
            codes[:10_000],
            fashion.train.labels[:10_000],
            test_codes,
            fashion.test.labels,
        )
        found |= {
            f"linear_d{d}": cost.mean().item(),
            f"pca_neighbour_accuracy_d{d}": measure.neighbour_accuracy(*known),
            f"pca_probe_accuracy_d{d}": measure.probe_accuracy(*known),
        }
    return found
