"""Trained models that come with the package: `zoo.load("vae", latent_dim=2)`.

Each is one safetensors file in FOLDER: weights, and in its header a
configuration that says how it was trained and what was measured on it. Reading
one runs no code from it.
"""

import hashlib
import json
import os
import re
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor, nn

from . import data
from .models import VAE, Autoencoder, ConditionalAutoencoder, ConditionalVAE

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
LARGEST_ERROR = (
    0.5 / 255
)  # in a pixel: half a grey level, for which half precision is good enough
REQUIRED = (
    "kind",
    "latent_dim",
    "beta",
    "seed",
    "images_seen",
    "final",
    "test_nats",
)
REMEDY = "Fetch it again from the repository, or install aevae_lib anew."


class ZooError(Exception):
    """A file of the zoo that cannot be used; the message names it, what is
    wrong, the remedy.
    """


# --- taking models out -------------------------------------------------------


def load(
    kind: str, latent_dim: int = 2, *, beta: float = 1.0, seed: int = 0
) -> Autoencoder:
    """A trained model on the CPU, in eval mode, float32, its gradients off.

    `kind` is "ae" or "vae"; or "cae" or "cvae", whose decoder is told the
    class; or "shirt-ae" or "shirt-vae", which have seen nothing but shirts.
    `beta` is the weight of the KL that a VAE was trained with; an autoencoder
    has none, and is filed under 1.

    Raises `ValueError`, listing what there is, for a model that the zoo does
    not hold, and `ZooError` for a damaged file.
    """
    wanted = {
        "kind": kind,
        "latent_dim": latent_dim,
        "beta": beta,
        "seed": seed,
        "final": True,
    }
    path = FOLDER / file_name(wanted)
    if not path.is_file():
        raise ValueError(
            f"The zoo holds no {path.stem}. Its models are: {listing()}."
        )
    return build(KINDS[kind], path, latent_dim)


def series(
    kind: str, over: str, latent_dim: int = 2
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
    for row in catalogue():
        if row["kind"] not in KINDS or (row["kind"], row["latent_dim"]) != (
            kind,
            latent_dim,
        ):
            continue
        usual = {
            "epoch": row["final"],
            "seed": row["seed"] == 0,
            "beta": row["beta"] == 1,
        }
        if all(holds for name, holds in usual.items() if name != over):
            label = epochs(row) if over == "epoch" else row[over]
            found[label] = build(KINDS[kind], FOLDER / row["file"], latent_dim)
    if not found:
        raise ValueError(
            f"The zoo holds no {kind} with latent_dim {latent_dim} in a series "
            f"over {over!r}. "
            f"Its models are: {listing()}."
        )
    return dict(sorted(found.items()))


def classifier() -> "Classifier":
    """The trained classifier on the CPU, in eval mode, float32, its gradients
    off.
    """
    return build(Classifier, FOLDER / "classifier.safetensors")


def catalogue() -> list[dict]:
    """What the zoo holds: for each file a row with its name, bytes, and
    configuration.

    A model's configuration: kind, latent_dim, beta, seed, images_seen, final
    (false for a checkpoint on the way), test_nats (the terms of its loss in
    nats per test image), dtype, licence, versions, and a checksum.

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


# --- putting models in -------------------------------------------------------


@torch.no_grad()
def save(model: Autoencoder, path: Path, *, metadata: Mapping) -> Path:
    """Store a model.

    `metadata` has each name in REQUIRED; "test_nats" are the terms that
    `train.evaluate` gives on the 10,000 test images with seed 0. The name of
    the file is what `file_name` makes of them. Half precision is used if it
    changes no decoded pixel by LARGEST_ERROR or more, at the codes of 256
    images. The file appears whole or not at all.

    Raises `ValueError` for metadata that lack something or do not describe the
    model.
    """
    path = Path(path)
    check(model, path, metadata)
    kind, latent_dim = KINDS[metadata["kind"]], metadata["latent_dim"]
    tensors = {
        name: tensor.cpu().float()
        for name, tensor in model.state_dict().items()
    }
    exact = fill(kind, tensors, latent_dim)
    rounded = fill(kind, single(half(tensors)), latent_dim)
    codes = exact.encode(data.to_float(probe_images()))
    classes = torch.arange(len(codes)) % len(data.CLASS_NAMES)
    told = (classes,) if isinstance(exact, ConditionalAutoencoder) else ()
    pixels, near = (
        decoder.decode(codes, *told).sigmoid() for decoder in (exact, rounded)
    )
    error = (near - pixels).abs().max()
    configuration = {name: metadata[name] for name in REQUIRED}
    configuration["dtype"] = "float16" if error < LARGEST_ERROR else "float32"
    if configuration["dtype"] == "float16":
        tensors = half(tensors)
    return write(tensors, path, configuration)


def check(model: Autoencoder, path: Path, metadata: Mapping) -> None:
    """Refuse a model that `load` could not rebuild, or metadata that do not
    describe it.
    """
    if missing := [name for name in REQUIRED if name not in metadata]:
        raise ValueError(
            f"{path.name}: the metadata lack {', '.join(missing)}."
        )
    kind, latent_dim = metadata["kind"], metadata["latent_dim"]
    if kind not in KINDS:
        raise ValueError(
            f"{path.name}: no such kind as {kind!r}. Use one of: "
            f"{', '.join(KINDS)}."
        )
    with torch.device("meta"):
        expected = {
            name: t.shape
            for name, t in KINDS[kind](latent_dim).state_dict().items()
        }
    if {name: t.shape for name, t in model.state_dict().items()} != expected:
        raise ValueError(
            f"{path.name}: this {type(model).__name__} is not a "
            f"{KINDS[kind].__name__} of "
            f"lesson_networks with latent_dim {latent_dim}, and the zoo holds "
            "no others."
        )
    if not all(
        tensor.isfinite().all() for tensor in model.state_dict().values()
    ):
        raise ValueError(
            f"{path.name}: the model has weights that are not finite. Train it "
            "anew."
        )
    if path.name != file_name(metadata):
        raise ValueError(
            f"{path.name}: by its metadata it is to be {file_name(metadata)}."
        )


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


@cache
def probe_images() -> Tensor:
    """256 validation images of the sample that is shipped: (256, 1, 32, 32)
    uint8.
    """
    return data.read_folder(data.SAMPLE_FOLDER)[0].images[-256:]


# --- the networks that only the zoo has --------------------------------------


class Classifier(nn.Module):
    """A small convolutional network that tells the ten classes of Fashion-MNIST
    apart.

    It takes images in [0, 1]. Decoded images are judged by it: by its classes,
    by its confidence, and by distances between its features.
    """

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            *convolution(1, 16), nn.MaxPool2d(2),  # (B, 16, 16, 16)
            *convolution(16, 48), nn.MaxPool2d(2),  # (B, 48, 8, 8)
            # (B, 64, 4, 4)
            *convolution(48, 64), *convolution(64, 64), nn.MaxPool2d(2),
            *convolution(64, 96), *convolution(96, 64),  # (B, 64, 4, 4)
            nn.AdaptiveAvgPool2d(1), nn.Flatten(),  # (B, 64)
        )  # fmt: skip
        self.head = nn.Linear(64, len(data.CLASS_NAMES))

    def features(self, x: Tensor) -> Tensor:
        """What the last layer decides by, none negative: (B, 1, 32, 32) -> (B,
        64).
        """
        return self.body(x)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x))


def convolution(channels_in: int, channels_out: int) -> list[nn.Module]:
    """A 3x3 convolution with batch normalisation and ReLU."""
    convolve = nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False)
    return [convolve, nn.BatchNorm2d(channels_out), nn.ReLU()]


# --- files -------------------------------------------------------------------


def build(kind: type[nn.Module], path: Path, *arguments: int) -> nn.Module:
    """The model of this kind that a file holds, or `ZooError`."""
    tensors = single(read(path)[1])
    try:
        return fill(kind, tensors, *arguments)
    except RuntimeError as error:
        raise ZooError(
            f"{path}: not the weights of a {kind.__name__}. {REMEDY}"
        ) from error


def fill(
    kind: type[nn.Module], tensors: Mapping[str, Tensor], *arguments: int
) -> nn.Module:
    """A model with these weights, in eval mode, its gradients off."""
    with torch.device(
        "meta"
    ):  # draws no initial weights, so the random state stays as it was
        model = kind(*arguments)
    model.load_state_dict(tensors, assign=True)
    return model.eval().requires_grad_(False)


def read(path: Path, weights: bool = True) -> tuple[dict, dict[str, Tensor]]:
    """A file's configuration and, if wanted, its tensors, verified; or else
    `ZooError`.
    """
    try:
        with safetensors.safe_open(path, "pt") as file:
            configuration = json.loads(file.metadata()["configuration"])
            names = file.keys() if weights else []
            tensors = {name: file.get_tensor(name) for name in names}
    except (
        safetensors.SafetensorError,
        OSError,
        TypeError,
        KeyError,
        ValueError,
    ) as error:
        raise ZooError(
            f"{path}: missing, truncated or corrupt ({error}). {REMEDY}"
        ) from error
    if weights and digest(tensors, configuration) != configuration.get(
        "sha256"
    ):
        raise ZooError(f"{path}: corrupt (its checksum differs). {REMEDY}")
    return configuration, tensors


def write(
    tensors: Mapping[str, Tensor], path: Path, configuration: Mapping
) -> Path:
    """Store tensors and their configuration as one safetensors file, whole or
    not at all.
    """
    tensors = {
        name: tensor.detach().cpu().contiguous()
        for name, tensor in tensors.items()
    }
    versions = {
        "aevae_lib": version("aevae-lib"),
        "torch": torch.__version__,
        "safetensors": safetensors.__version__,
    }
    configuration = {**configuration, "licence": "MIT", "versions": versions}
    configuration["sha256"] = digest(tensors, configuration)
    text = json.dumps(configuration, sort_keys=True)
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(
        safetensors.torch.save(tensors, metadata={"configuration": text})
    )
    os.replace(part, path)
    return path


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


def half(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Floating-point tensors in half precision, counters as they are."""
    return {
        name: t.half() if t.is_floating_point() else t
        for name, t in tensors.items()
    }


def single(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Floating-point tensors in single precision, counters as they are."""
    return {
        name: t.float() if t.is_floating_point() else t
        for name, t in tensors.items()
    }
