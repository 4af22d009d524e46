"""The judges that the second edition asks, and what they see in real images."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from aevae_lib import data, zoo
from experiments.judges import candidates

BLUR = "classifier_used_to_blur"
PIXELS, AE, VAE, OLD = (
    "pixels",
    "codes_of_an_ae",
    "codes_of_a_vae",
    "classifier",
)


@dataclass(frozen=True)
class Referee:
    """What one judge makes of pictures (N, 1, H, W) in [0, 1]: features (N, F),
    and classes of features where it knows any.
    """

    look: Callable[[Tensor], Tensor]
    classes: Callable[[Tensor], Tensor] | None = None


def referees(dataset: data.DataSet) -> dict[str, Referee]:
    """The judges of a data set by their names in metrics; trained, and kept,
    where they are not there yet.
    """
    learnt = data.to_float(dataset.train.images[:20_000])
    first = (
        zoo.classifier()
        if dataset.name == candidates.ZOO
        else candidates.trained_classifier(dataset, candidates.SEED)
    )
    views = {
        PIXELS: candidates.components(learnt, dataset.frame),
        AE: candidates.kept(dataset, "ae", 32).encode,
        VAE: candidates.kept(dataset, "vae", 32).encode,
    }
    found = {
        name: Referee(candidates.scaled(view, learnt))
        for name, view in views.items()
    }
    blur = candidates.used_to_blur(dataset, first)
    for name, network in ((BLUR, blur), (OLD, first)):
        found[name] = classifying(network, learnt)
    return found


def classifying(network: zoo.Classifier, learnt: Tensor) -> Referee:
    """A classifier, which need not look twice to say the class."""
    network.eval().requires_grad_(False).to(memory_format=torch.channels_last)
    size = candidates.size_of(network.features, learnt)
    return Referee(
        lambda images: candidates.batched(network.features, images) / size,
        lambda features: network.head(size * features).argmax(1),
    )
