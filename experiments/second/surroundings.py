"""What all models on one data set are measured by, and what is made of a model
and of pictures before they are.
"""

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor

from aevae_lib import sample
from aevae_lib.data import DataSet, Split, to_float
from aevae_lib.models import VAE, Autoencoder, NoisyAutoencoder

from . import referees

AXES = 128  # in which nearest pictures are looked for


class Surroundings:
    """What all models on one data set are measured by."""

    def __init__(self, dataset: DataSet, baselines: dict[str, Tensor]):
        self.dataset, self.baselines = dataset, baselines
        self.referees = referees.referees(dataset)
        self.real = cache(self._real)

    def _real(self, referee: str) -> Tensor:
        """What a judge sees in all test images: (N, F)."""
        return self.referees[referee].look(to_float(self.dataset.test.images))


def codes_of(model: Autoencoder, images: Tensor, seed: int) -> Tensor:
    """As the decoder met them in training, with the model's noise: (N, D)."""
    if isinstance(model, (VAE, NoisyAutoencoder)):
        return sample.encode_sampled(model, images, seed=seed)
    return sample.encode(model, images)


def axes_of(pictures: Tensor) -> tuple[Callable[[Tensor], Tensor], Tensor]:
    """The map onto the first principal components of pictures, and what it
    makes of these. A decoder's pictures vary in few directions, so distances
    stay what they are, and cost less.
    """
    flat = pictures.flatten(1)
    middle = flat.mean(0)
    axes = torch.linalg.eigh(torch.cov(flat.T)).eigenvectors[:, -AXES:]

    def plane(x: Tensor) -> Tensor:
        return (x.flatten(1) - middle) @ axes

    return plane, plane(pictures)


def of_class(split: Split, label: int | None) -> tuple[Split, Tensor]:
    """The images of one class, or of all, and their indices."""
    chosen = (
        torch.ones(len(split), dtype=torch.bool)
        if label is None
        else split.labels == label
    )
    return split[chosen], chosen.nonzero().squeeze(1)
