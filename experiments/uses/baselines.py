"""What the four uses cost without any network: pixels, principal components,
and the formats that everybody has.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from sklearn.cluster import KMeans
from torch import Tensor

from aevae_lib.data import DataSet, to_float

from ..judges.faults import blurred
from . import tasks
from .tasks import ASKED, KNOWN, STEPS, mixture, squared

SIDE = 28  # pixels inside the frame
ROW = 10  # images of a mosaic, each way: a file's header then costs little
QUALITIES = (1, 5, 10, 20, 40, 60, 80, 95)
WIDTHS = (0.3, 0.4, 0.5, 0.7, 1.0, 1.5, 2.0)
COUNTS = (8, 16, 32, 64, 128, 256)
KINDS = 10  # in each class


@dataclass(frozen=True)
class Components:
    """Principal components of training images, the largest first."""

    mean: Tensor  # (P,)
    directions: Tensor  # (P, P)

    def encode(self, images: Tensor, d: int) -> Tensor:
        return (images.flatten(1) - self.mean) @ self.directions[:, :d]

    def decode(self, codes: Tensor, like: Tensor) -> Tensor:
        d = codes.shape[1]
        flat = self.mean + codes @ self.directions[:, :d].T
        return flat.clamp(0, 1).view_as(like)


def components(dataset: DataSet) -> Components:
    x = to_float(dataset.train.images[:KNOWN]).flatten(1)
    directions = torch.linalg.eigh(torch.cov(x.T.double())).eigenvectors
    return Components(x.mean(0), directions.flip(1).float())


def measured(dataset: DataSet, others: Tensor, dims: tuple[int, ...]) -> dict:
    """All baselines of a data set."""
    pca = components(dataset)
    test = to_float(dataset.test.images[:ASKED])
    kinds = kinds_of(dataset, pca)
    known = to_float(dataset.train.images[:KNOWN])
    points = {"pixels": (known.flatten(1), test.flatten(1))}
    points |= {f"pca_{d}": (pca.encode(known, d), pca.encode(test, d))
               for d in dims}  # fmt: skip
    return {
        "compression": compression(test, pca, known, dims),
        "denoising": denoising(dataset, pca),
        "anomalies": anomalies(dataset, others),
        "retrieval": {
            name: tasks.found(*pair, dataset, kinds)
            for name, pair in points.items()
        },
    }


def compression(
    test: Tensor, pca: Components, known: Tensor, dims: tuple[int, ...]
) -> dict[str, dict]:
    """Bits an image, and the squared error."""
    curves: dict[str, dict] = {
        name: {f"quality_{q}": filed(test, name, q) for q in QUALITIES}
        for name in ("JPEG", "WEBP")
    }
    curves["PNG"] = {"exact": filed(test, "PNG")}
    for d in dims:
        codes = pca.encode(known, d)
        coder, mu = mixture(codes), pca.encode(test, d)
        curves[f"pca_{d}"] = {}
        for name, step in STEPS.items():
            z, bits = tasks.rounded(mu, step * codes.std(0), coder, 0)
            lost = {"squared": squared(pca.decode(z, test), test)}
            curves[f"pca_{d}"][name] = bits | lost
    return curves


def filed(test: Tensor, name: str, quality: int | None = None) -> dict:
    """Images in mosaics of a hundred, through a file and back."""
    frame = (test.shape[-1] - SIDE) // 2
    inside = test[..., frame : frame + SIDE, frame : frame + SIDE]
    size, lost, n = 0, 0.0, ROW * ROW
    for part in inside.split(n):
        tiles = part.view(ROW, ROW, SIDE, SIDE).transpose(1, 2)
        mosaic = (255 * tiles.reshape(ROW * SIDE, ROW * SIDE)).round()
        file = io.BytesIO()
        options = {} if quality is None else {"quality": quality}
        picture = Image.fromarray(mosaic.byte().numpy(), "L")
        picture.save(file, name, **options)
        size += len(file.getvalue())
        with Image.open(file) as read:
            again = torch.from_numpy(np.array(read.convert("L"))) / 255
        lost += (again - mosaic / 255).square().sum().item()
    return {"bits": 8 * size / len(test), "squared": lost / len(test)}


def denoising(dataset: DataSet, pca: Components) -> dict[str, dict]:
    """The best blur and the best number of components, fault by fault, chosen
    on validation images.
    """
    menders = {
        "blur": [lambda x, w=w: blurred(x, w) for w in WIDTHS],
        "pca": [lambda x, d=d: pca.decode(pca.encode(x, d), x) for d in COUNTS],
    }
    held_out = to_float(dataset.validation.images[:ASKED])
    test = to_float(dataset.test.images[:ASKED])
    found: dict[str, dict] = {}
    for name, choices in menders.items():
        tried = [tasks.denoised(held_out, mend, 1) for mend in choices]
        found[name] = {
            fault: tasks.denoised(test, best, 0)[fault]
            for fault in tasks.FAULTS
            for best in [choices[lowest(tried, fault)]]
        }
    return found


def lowest(tried: list[dict[str, float]], fault: str) -> int:
    return min(range(len(tried)), key=lambda k: tried[k][fault])


def anomalies(dataset: DataSet, others: Tensor) -> dict[str, float]:
    """By the distance to the fifth nearest training image."""
    score = distance_to(dataset.train.images[:KNOWN])
    test = to_float(dataset.test.images[:ASKED])
    held_out = to_float(dataset.validation.images[:ASKED])
    strange = tasks.strange_to(test, others)
    return tasks.told_apart(score, held_out, test, strange)


def left_out(dataset: DataSet, k: int) -> dict[str, float]:
    """The same for a class that is not among the training images."""
    train = dataset.train
    score = distance_to(train.images[train.labels != k][:KNOWN])
    return tasks.told_apart(score, *tasks.without(dataset, k))


def distance_to(images: Tensor) -> Callable[[Tensor], Tensor]:
    """The distance to the fifth nearest of these images, as a score."""
    known = to_float(images).flatten(1)
    return lambda asked: tasks.fifth(asked.flatten(1), known)


def kinds_of(dataset: DataSet, pca: Components) -> tuple[Tensor, Tensor]:
    """Ten clusters of pixels in each class: those of training and of test
    images, each by the centres of its own class.
    """
    labels = dataset.train.labels[:KNOWN]
    asked = dataset.test.labels[:ASKED]
    known = pca.encode(to_float(dataset.train.images[:KNOWN]), 50)
    test = pca.encode(to_float(dataset.test.images[:ASKED]), 50)
    kinds = torch.zeros_like(labels), torch.zeros_like(asked)
    for k in labels.unique():
        clusters = KMeans(KINDS, n_init=3, random_state=0)
        here, there = labels == k, asked == k
        found = clusters.fit_predict(known[here].numpy())
        kinds[0][here] = torch.from_numpy(found).long()
        found = clusters.predict(test[there].numpy())
        kinds[1][there] = torch.from_numpy(found).long()
    return kinds
