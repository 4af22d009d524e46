"""How trained models are put into the zoo: one safetensors file each, which
`aevae_lib.zoo` reads.
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor, nn

from aevae_lib import data, likelihoods, zoo
from aevae_lib.likelihoods import Bernoulli
from aevae_lib.models import IMAGE_SHAPE, Autoencoder, ConditionalAutoencoder

from .files import atomic

CLASSES = 10  # the course's
# In a pixel: half a grey level, for which half precision is good enough.
LARGEST_ERROR = 0.5 / 255
REQUIRED = (
    "kind", "latent_dim", "beta", "seed", "images_seen", "final", "test_nats",
)  # fmt: skip


@torch.no_grad()
def save(
    model: Autoencoder,
    path: Path,
    *,
    metadata: Mapping,
    images: Tensor | None = None,
) -> Path:
    """Store a model.

    `metadata` has each name in REQUIRED; "test_nats" are the terms that
    `train.evaluate` gives on all test images with seed 0. The name of the file
    is what `zoo.file_name` makes of them. Half precision is used if it changes
    no decoded pixel by LARGEST_ERROR or more, at the codes of `images`, some of
    the model's own kind (left out: 256 garments). The file appears whole or not
    at all.

    Raises `ValueError` for metadata that lack something or do not describe the
    model.
    """
    path, options = Path(path), departures(model)
    check(model, path, metadata, options)
    configuration = {name: metadata[name] for name in REQUIRED} | options
    tensors = {
        name: tensor.cpu().float()
        for name, tensor in model.state_dict().items()
    }
    kind = zoo.KINDS[metadata["kind"]]
    exact = zoo.fill(kind, tensors, configuration)
    rounded = zoo.fill(kind, half(tensors), configuration)
    images = probe_images() if images is None else images.cpu()
    codes = exact.encode(
        data.to_float(data.check_images(images, exact.image_shape))
    )
    told = ()
    if isinstance(exact, ConditionalAutoencoder):
        told = (torch.arange(len(codes)) % exact.classes,)
    pixels, near = (m.decode(codes, *told).mean for m in (exact, rounded))
    error = (near - pixels).abs().max()
    configuration["dtype"] = "float16" if error < LARGEST_ERROR else "float32"
    if configuration["dtype"] == "float16":
        tensors = half(tensors)
    return write(tensors, path, configuration)


def departures(model: Autoencoder) -> dict:
    """What a model's configuration says of how it departs from the course's."""
    likelihood, found = model.likelihood, {}
    if model.image_shape != IMAGE_SHAPE:
        found["image_shape"] = list(model.image_shape)
    if likelihood is not Bernoulli:
        kind = type(likelihood).__name__
        found["likelihood"] = getattr(likelihood, "__name__", kind)
    if getattr(model, "classes", CLASSES) != CLASSES:
        found["classes"] = model.classes
    return found


def check(
    model: Autoencoder, path: Path, metadata: Mapping, options: Mapping
) -> None:
    """Refuse a model that `load` could not rebuild, or metadata that do not
    describe it.
    """
    problem = None
    if missing := [name for name in REQUIRED if name not in metadata]:
        problem = f"the metadata lack {', '.join(missing)}"
    elif (kind := metadata["kind"]) not in zoo.KINDS:
        problem = (
            f"no such kind as {kind!r}. Use one of: {', '.join(zoo.KINDS)}"
        )
    elif not hasattr(likelihoods, options.get("likelihood", "Bernoulli")):
        problem = f"no likelihood of the library: {options['likelihood']}"
    elif shapes(model) != shapes(
        zoo.blank(zoo.KINDS[kind], {**metadata, **options})
    ):
        problem = (
            f"this {type(model).__name__} is not a {zoo.KINDS[kind].__name__} "
            f"of lesson_networks with latent_dim {metadata['latent_dim']}, and "
            "the zoo holds no others"
        )
    elif not all(t.isfinite().all() for t in model.state_dict().values()):
        problem = "the model has weights that are not finite. Train it anew"
    elif path.name != zoo.file_name(metadata):
        problem = f"by its metadata it is to be {zoo.file_name(metadata)}"
    if problem:
        raise ValueError(f"{path.name}: {problem}.")


def shapes(model: nn.Module) -> dict[str, torch.Size]:
    """The shape of every tensor of a model, by its name."""
    return {name: t.shape for name, t in model.state_dict().items()}


@cache
def probe_images() -> Tensor:
    """256 validation images of the sample that is shipped: (256, 1, 32, 32)
    uint8.
    """
    return data.read_folder(data.SAMPLE_FOLDER)[0].images[-256:]


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
    configuration["sha256"] = zoo.digest(tensors, configuration)
    text = json.dumps(configuration, sort_keys=True)
    with atomic(path) as scratch:
        scratch.write_bytes(
            safetensors.torch.save(tensors, metadata={"configuration": text})
        )
    return path


def half(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Floating-point tensors in half precision, counters as they are."""
    return zoo.cast(tensors, torch.float16)
