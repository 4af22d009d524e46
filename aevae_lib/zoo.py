"""Trained models that come with the package: `zoo.load("vae", latent_dim=2)`.

Each is one safetensors file in FOLDER: weights, and in its header a
configuration that says how it was trained and what was measured on it. Reading
one runs no code from it. Models come in eval mode, float32, their gradients
off; `model.requires_grad_(True)` makes one fit to be trained further.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from . import likelihoods
from .models import (
    IMAGE_SHAPE,
    VAE,
    Autoencoder,
    ConditionalAutoencoder,
    ConditionalVAE,
)

FOLDER = Path(__file__).parent / "assets" / "zoo"
KINDS = {
    "ae": Autoencoder,
    "vae": VAE,
    "cae": ConditionalAutoencoder,
    "cvae": ConditionalVAE,
    "shirt-ae": Autoencoder,  # trained on shirts only
    "shirt-vae": VAE,
}
SERIES = ("epoch", "seed", "beta")
EPOCH = 55_000  # training images
REMEDY = "Fetch it again from the repository, or install aevae_lib anew."


class ZooError(Exception):
    """A file of the zoo that cannot be used; the message names it, what is
    wrong, the remedy.
    """


# --- taking models out -------------------------------------------------------


def load(
    kind: str,
    latent_dim: int = 2,
    *,
    beta: float = 1.0,
    seed: int = 0,
    device: torch.device | str | None = None,
) -> Autoencoder:
    """A trained model, on the CPU unless another `device` is asked for.

    `kind` is "ae" or "vae"; or "cae" or "cvae", whose decoder is told the
    class; or "shirt-ae" or "shirt-vae", which have seen nothing but shirts.
    `beta` is the weight of the KL that a VAE was trained with; an autoencoder
    has none, and is filed under 1.

    Raises `ValueError`, listing what there is, for a model that the zoo does
    not hold, and `ZooError` for a damaged file.
    """
    wanted = {"kind": kind, "latent_dim": latent_dim, "beta": beta}
    path = FOLDER / file_name(wanted | {"seed": seed, "final": True})
    if not path.is_file():
        raise ValueError(
            f"The zoo holds no {path.stem}. Its models are: {listing()}."
        )
    return build(KINDS[kind], path, device)


def series(
    kind: str,
    over: str,
    latent_dim: int = 2,
    device: torch.device | str | None = None,
) -> dict[float, Autoencoder]:
    """A series of trained models, by what tells them apart, in rising order.

    `over` is "epoch" (one training run, seed 0), "seed" (the same training from
    different starts) or "beta" (different weights of the KL, seed 0); the keys
    are epochs, seeds or betas. Otherwise beta is 1 and training complete.

    Raises `ValueError` for a series that the zoo does not hold, and `ZooError`
    for a damaged file.
    """
    if over not in SERIES:
        raise ValueError(
            f"There is no series over {over!r}. Choose one of: "
            f"{', '.join(SERIES)}."
        )
    found = {}
    for row in catalogue() if kind in KINDS else []:
        if (row["kind"], row.get("latent_dim")) != (kind, latent_dim):
            continue
        usual = {
            "epoch": row["final"],
            "seed": row["seed"] == 0,
            "beta": row["beta"] == 1,
        }
        if all(holds for name, holds in usual.items() if name != over):
            label = epochs(row) if over == "epoch" else row[over]
            found[label] = build(KINDS[kind], FOLDER / row["file"], device)
    if not found:
        raise ValueError(
            f"The zoo holds no {kind} with latent_dim {latent_dim} in a series "
            f"over {over!r}. Its models are: {listing()}."
        )
    return dict(sorted(found.items()))


def classifier(device: torch.device | str | None = None) -> "Classifier":
    """The trained classifier of garments."""
    return build(Classifier, FOLDER / "classifier.safetensors", device)


def catalogue() -> list[dict]:
    """What the zoo holds: for each file a row with its name, bytes, and
    configuration.

    A model's configuration: kind, latent_dim, beta, seed, images_seen, final
    (false for a checkpoint on the way), test_nats (the terms of its loss in
    nats per test image), dtype, licence, versions, and a checksum; image_shape,
    likelihood and classes where they are not the course's.

    Raises `ZooError` for a damaged file.
    """
    return [
        {
            "file": path.name,
            "bytes": path.stat().st_size,
            **read(path, weights=False)[0],
        }
        for path in sorted(FOLDER.glob("*.safetensors"), key=natural)
    ]


def listing() -> str:
    """The models that `load` gives, in words, for an error."""
    rows = [row for row in catalogue() if row["kind"] in KINDS and row["final"]]
    stems = [row["file"].removesuffix(".safetensors") for row in rows]
    return ", ".join(stems) or "none yet"


def natural(path: Path) -> list:
    """A sorting key that puts d2 before d16."""
    return [
        int(part) if part.isdigit() else part
        for part in re.split(r"(\d+)", path.name)
    ]


# --- the networks that only the zoo has --------------------------------------


class Classifier(nn.Module):
    """A small convolutional network that tells classes of pictures apart.

    It takes images in [0, 1] of any size from 8 x 8. Decoded images are judged
    by it: by its classes, by its confidence, and by distances between its
    features.
    """

    def __init__(
        self, image_shape: tuple[int, ...] = IMAGE_SHAPE, classes: int = 10
    ):
        super().__init__()
        # As comments: what becomes of the course's 32 x 32 pixels.
        self.body = nn.Sequential(
            *convolution(image_shape[0], 16), nn.MaxPool2d(2),  # 16 x 16
            *convolution(16, 48), nn.MaxPool2d(2),  # 8 x 8
            *convolution(48, 64), *convolution(64, 64), nn.MaxPool2d(2),
            *convolution(64, 96), *convolution(96, 64),  # (B, 64, 4, 4)
            nn.AdaptiveAvgPool2d(1), nn.Flatten(),  # (B, 64)
        )  # fmt: skip
        self.head = nn.Linear(64, classes)

    def features(self, x: Tensor) -> Tensor:
        """What the last layer decides by, none negative: (B, *image_shape) ->
        (B, 64).
        """
        return self.body(x)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x))


def convolution(channels_in: int, channels_out: int) -> list[nn.Module]:
    """A 3x3 convolution with batch normalisation and ReLU."""
    convolve = nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False)
    return [convolve, nn.BatchNorm2d(channels_out), nn.ReLU()]


# --- files -------------------------------------------------------------------


def file_name(configuration: Mapping) -> str:
    """What a model's file is called, for example
    vae-d2-beta4-seed0.safetensors.
    """
    parts = [configuration["kind"], f"d{configuration['latent_dim']}"]
    if configuration["beta"] != 1:
        parts.append(f"beta{configuration['beta']:g}")
    parts.append(f"seed{configuration['seed']}")
    if not configuration["final"]:
        parts.append(f"epoch{epochs(configuration):g}")
    return "-".join(parts) + ".safetensors"


def epochs(configuration: Mapping) -> float:
    """How often a model has seen the training images, to a hundredth."""
    return round(configuration["images_seen"] / EPOCH, 2)


def build(
    kind: type[nn.Module],
    path: Path,
    device: torch.device | str | None = None,
) -> nn.Module:
    """The model of this kind that a file holds, or `ZooError`."""
    configuration, tensors = read(path)
    try:
        model = fill(kind, tensors, configuration)
    except (RuntimeError, AttributeError, TypeError, KeyError) as error:
        raise ZooError(
            f"{path}: not the weights of a {kind.__name__}. {REMEDY}"
        ) from error
    return model.to(device)


def blank(kind: type[nn.Module], configuration: Mapping) -> nn.Module:
    """A model without weights, as its configuration says."""
    names = ("latent_dim", "image_shape", "classes")
    options = {n: configuration[n] for n in names if n in configuration}
    if "likelihood" in configuration:
        likelihood = getattr(likelihoods, configuration["likelihood"])
        with_weights = issubclass(likelihood, nn.Module)
        options["likelihood"] = likelihood() if with_weights else likelihood
    with torch.device("meta"):  # the random state stays as it was
        return kind(**options)


def fill(
    kind: type[nn.Module], tensors: Mapping[str, Tensor], configuration: Mapping
) -> nn.Module:
    """A model with these weights in single precision, in eval mode, its
    gradients off.
    """
    model = blank(kind, configuration)
    model.load_state_dict(cast(tensors, torch.float32), assign=True)
    return model.eval().requires_grad_(False)


def read(path: Path, weights: bool = True) -> tuple[dict, dict[str, Tensor]]:
    """A file's configuration and, if wanted, its tensors, verified; or else
    `ZooError`.
    """
    try:
        with safe_open(path, "pt") as file:
            configuration = json.loads(file.metadata()["configuration"])
            names = file.keys() if weights else []
            tensors = {name: file.get_tensor(name) for name in names}
    except (SafetensorError, OSError, TypeError, KeyError, ValueError) as error:
        raise ZooError(
            f"{path}: missing, truncated or corrupt ({error}). {REMEDY}"
        ) from error
    known = configuration.get("sha256")
    if weights and digest(tensors, configuration) != known:
        raise ZooError(f"{path}: corrupt (its checksum differs). {REMEDY}")
    return configuration, tensors


def digest(tensors: Mapping[str, Tensor], configuration: Mapping) -> str:
    """A checksum of a file's tensors and of all its configuration but the
    checksum.
    """
    described = {
        name: value for name, value in configuration.items() if name != "sha256"
    }
    total = hashlib.sha256(json.dumps(described, sort_keys=True).encode())
    for name in sorted(tensors):
        total.update(name.encode() + tensors[name].numpy().tobytes())
    return total.hexdigest()


def cast(
    tensors: Mapping[str, Tensor], dtype: torch.dtype
) -> dict[str, Tensor]:
    """Floating-point tensors in another number format, counters as they are."""
    return {
        name: t.to(dtype) if t.is_floating_point() else t
        for name, t in tensors.items()
    }
