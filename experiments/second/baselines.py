"""What needs no training, in nats per test image, with the luck of the test
images: the entropy of the pixels, the mean image, the best linear decoders.
"""

import torch
from torch import Tensor

from aevae_lib import measure
from aevae_lib.data import DataSet, to_float
from aevae_lib.likelihoods import Bernoulli

from . import resampling

LINEAR = (2, 4, 8, 16)  # components that a linear decoder is given
FITTED = 20_000  # training images that it is fitted to


def baselines(dataset: DataSet) -> dict[str, Tensor]:
    """Each of them, a tensor (1 + RESAMPLES,), by its name."""
    every = {**without_codes(dataset), **linear_decoders(dataset)}
    weights = resampling.weights(len(dataset.test))
    return {k: resampling.mean(nats, weights) for k, nats in every.items()}


def without_codes(dataset: DataSet) -> dict[str, Tensor]:
    """Of a flawless decoder, and of one that always gives the mean training
    image: (N,) of the test images.
    """
    test = to_float(dataset.test.images)
    p = test.double()
    entropy = -(torch.xlogy(p, p) + torch.xlogy(1 - p, 1 - p))
    mean = to_float(dataset.train.images).mean(0, keepdim=True)
    logits = mean.clamp(1e-4, 1 - 1e-4).logit().expand_as(test)
    return {
        "pixel_entropy": entropy.flatten(1).sum(1),
        "mean_image": Bernoulli(logits).nats(test),
    }


def linear_decoders(dataset: DataSet) -> dict[str, Tensor]:
    """Of the best linear decoder of so many principal components: (N,)."""
    train, test = (
        to_float(part.images).flatten(1)
        for part in (dataset.train, dataset.test)
    )
    centre = train.mean(0)
    torch.manual_seed(0)  # of the random projection that finds the axes
    _, _, axes = torch.svd_lowrank(train - centre, q=64, niter=4)
    images, found = dataset.train.images[:FITTED], {}
    for d in LINEAR:
        codes, test_codes = (
            (x - centre) @ axes[:, :d] for x in (train[:FITTED], test)
        )
        decode = measure.linear_decoder(codes, images, steps=20)
        nats = decode(test_codes).nats(to_float(dataset.test.images))
        found[f"linear_d{d}"] = nats
    return found
