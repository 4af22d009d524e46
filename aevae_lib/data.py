"""Fashion-MNIST as uint8 tensors of shape (N, 1, 32, 32), from wherever it can
be had.
"""

import gzip
import hashlib
import os
import shutil
import socket
import struct
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

CLASS_NAMES = (
    "T-shirt", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip

DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
SAMPLE_FOLDER = Path(__file__).parent / "assets" / "fashion-mnist-sample"

# SHA-256 of each file's uncompressed bytes: the whole set, and the sample
# shipped with the package.
FILES = {
    "train-images-idx3-ubyte": (
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "f7fc581c11403ab893752b4b9916dd832e90f37aecd82ad3af3daafac60c88b1",
    ),
    "train-labels-idx1-ubyte": (
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "51274e9e6e4fcce7a5a45d5a4c6568155711cfbf83ed024489a0a7f420d778a2",
    ),
    "t10k-images-idx3-ubyte": (
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "7cee33c3c6414b1b86c25e665a6c4f41584269de3b7cc9768b1d351922845eef",
    ),
    "t10k-labels-idx1-ubyte": (
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        "3128d790775889812b73c4f13923559c8b9e281d112c6ea7862acf60a206a909",
    ),
}


class DataError(Exception):
    """A data file that cannot be used; the message names it, what is wrong, and
    the remedy.
    """


class Split(NamedTuple):
    """Images with their classes."""

    images: Tensor  # (N, 1, 32, 32) uint8
    labels: Tensor  # (N,) int64, an index into CLASS_NAMES


class FashionMNIST(NamedTuple):
    """The three splits that every chapter uses, and where they came from."""

    train: Split  # 55,000: what models are fitted to
    validation: Split  # 5,000: what choices are made on
    test: Split  # 10,000: what is reported
    source: str


def load(device: str | torch.device | None = None) -> FashionMNIST:
    """Fashion-MNIST on the best device, printing which data and which device
    are in use.

    The first of these that exists is read: the folder named by the environment
    variable `AEVAE_DATA`, the cache of an earlier download, Debian's package
    `dataset-fashion-mnist`, a download, and last a class-balanced sample of
    7,000 images that is shipped with this package.

    Raises `DataError` for a file that is missing, damaged or not Fashion-MNIST.
    A folder that `AEVAE_DATA` names is never silently replaced by another
    source.
    """
    device = pick_device(device)
    folder, source = find_folder()
    train, test = read_folder(folder)
    held_out = len(train.labels) // 12  # the last 5,000 of 60,000
    parts = (
        Split(train.images[:-held_out], train.labels[:-held_out]),
        Split(train.images[-held_out:], train.labels[-held_out:]),
        test,
    )
    parts = [
        Split(part.images.to(device), part.labels.to(device)) for part in parts
    ]
    fashion = FashionMNIST(*parts, source)
    print(
        f"Fashion-MNIST from {source}:\n{len(fashion.train.labels):,} "
        "training, "
        f"{len(fashion.validation.labels):,} validation and "
        f"{len(fashion.test.labels):,} test "
        f"images,\non {describe_device(device)}."
    )
    return fashion


def pick_device(name: str | torch.device | None = None) -> torch.device:
    """The device asked for, or else CUDA, Apple MPS or the CPU, the first that
    is there.
    """
    if name is None:
        name = (
            "cuda" if torch.cuda.is_available()
            else "mps" if torch.backends.mps.is_available()
            else "cpu"
        )  # fmt: skip
    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ValueError(
            f"The device {str(name)!r} cannot be used here "
            f"({str(error).splitlines()[0]}). "
            "Leave it out to have one chosen, or use 'cpu'."
        ) from error
    return torch.device(name)


def describe_device(device: torch.device) -> str:
    """A device in words, for the line that says what is in use."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    if device.type == "cpu":
        threads = torch.get_num_threads()
        return f"cpu ({threads} thread{'s' if threads > 1 else ''})"
    return str(device)


# --- where the files are -----------------------------------------------------


def cache_folder() -> Path:
    """Where a download is kept between runs."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "aevae" / "fashion-mnist"


def find_folder() -> tuple[Path, str]:
    """The folder to read Fashion-MNIST from, and that source in words."""
    named = os.environ.get("AEVAE_DATA")
    if named:
        return Path(named).expanduser(), f"AEVAE_DATA={named}"
    if cache_folder().is_dir():
        return cache_folder(), "the cache of an earlier download"
    if DEBIAN_FOLDER.is_dir():
        return DEBIAN_FOLDER, "Debian's package dataset-fashion-mnist"
    try:
        return download(), "a fresh download"
    except (OSError, RuntimeError) as error:
        print(
            f"Fashion-MNIST could not be downloaded ({error}).\n"
            "THE SHIPPED SAMPLE OF 7,000 IMAGES IS IN USE: numbers will differ "
            "from those of the\n"
            "whole set. To use the whole set, connect to the internet and run "
            "this again, or set\n"
            "AEVAE_DATA to a folder that holds its four files."
        )
        return SAMPLE_FOLDER, "the sample shipped with aevae_lib"


def download() -> Path:
    """Fetch the four files into the cache, which appears only once they are
    whole.
    """
    from torchvision.datasets import FashionMNIST as Torchvision

    target = cache_folder()
    target.parent.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir=target.parent) as scratch,
        socket_timeout(20),
    ):
        Torchvision(
            scratch, download=True
        )  # shows its progress and verifies its checksums
        raw = Path(scratch) / "FashionMNIST" / "raw"
        read_folder(raw)
        for compressed in raw.glob("*.gz"):
            compressed.unlink()
        try:
            shutil.move(raw, target)
        except OSError:
            if not target.is_dir():  # another process finished first
                raise
    return target


@contextmanager
def socket_timeout(seconds: float) -> Iterator[None]:
    """Give up on a silent network instead of waiting for ever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


# --- reading them ------------------------------------------------------------


def read_folder(folder: Path) -> tuple[Split, Split]:
    """The training and the test images of a folder of idx files, gzipped or
    not.
    """
    if not folder.is_dir():
        raise DataError(
            f"{folder}: there is no such folder. Set AEVAE_DATA to one, or "
            "unset it."
        )
    arrays = [read_idx(folder, name) for name in FILES]
    if [len(array) for array in arrays[0::2]] != [
        len(array) for array in arrays[1::2]
    ]:
        raise DataError(
            f"{folder}: images and labels of different sets. Fetch all four "
            "files again."
        )
    train, test = (
        Split(pad(images), labels.long())
        for images, labels in (arrays[:2], arrays[2:])
    )
    return train, test


def read_idx(folder: Path, name: str) -> Tensor:
    """One idx file as a uint8 tensor, its checksum verified."""
    path = next(
        (p for p in (folder / f"{name}.gz", folder / name) if p.exists()), None
    )
    if path is None:
        raise DataError(
            f"{folder}: {name}.gz is missing. The four idx files belong "
            "together."
        )
    remedy = "Delete it and fetch it again."
    try:
        raw = (
            gzip.decompress(path.read_bytes())
            if path.suffix == ".gz"
            else path.read_bytes()
        )
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(
            f"{path}: truncated or corrupt ({error}). {remedy}"
        ) from error
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror})."
        ) from error
    if hashlib.sha256(raw).hexdigest() not in FILES[name]:
        raise DataError(f"{path}: {what_is_wrong(raw)}. {remedy}")
    dimensions = raw[3]
    shape = struct.unpack(f">{dimensions}I", raw[4 : 4 + 4 * dimensions])
    values = np.frombuffer(raw, np.uint8, offset=4 + 4 * dimensions)
    return torch.from_numpy(values.reshape(shape).copy())


def what_is_wrong(raw: bytes) -> str:
    """Why these bytes are not a file of Fashion-MNIST, as precisely as can be
    told.
    """
    if len(raw) < 4 or raw[:3] != b"\0\0\x08" or raw[3] not in (1, 3):
        return "not an idx file of unsigned bytes"
    dimensions = raw[3]
    if len(raw) < 4 + 4 * dimensions:
        return "truncated inside its header"
    shape = struct.unpack(f">{dimensions}I", raw[4 : 4 + 4 * dimensions])
    expected, found = int(np.prod(shape)), len(raw) - 4 - 4 * dimensions
    if found != expected:
        return f"its header promises {expected:,} values of shape {shape}, and it holds {found:,}"
    return f"an idx file of shape {shape}, but not the one of Fashion-MNIST (its checksum differs)"


def pad(images: Tensor) -> Tensor:
    """Two black pixels on every side: (N, 28, 28) -> (N, 1, 32, 32)."""
    return F.pad(images, (2, 2, 2, 2)).unsqueeze(1)


# --- using them --------------------------------------------------------------


def check_images(images, image_shape=None):
    if isinstance(images, Split):
        raise TypeError("Expected images, got a Split: pass its .images.")
    if image_shape is not None and tuple(images.shape[1:]) != tuple(image_shape):
        raise ValueError(f"Expected images of shape (N, {image_shape}), got {tuple(images.shape)}.")
    if not len(images):
        raise ValueError("Expected at least one image, got none.")
    return images


def check_labels(labels, n, classes=None):
    if len(labels) != n:
        raise ValueError(f"Expected {n} labels, got {len(labels)}.")
    return labels.long()


def to_float(images: Tensor) -> Tensor:
    return images.float() / 255 if images.dtype == torch.uint8 else images


def batches(
    images: Tensor, batch_size: int, steps: int, seed: int
) -> Iterator[Tensor]:
    """`steps` batches in [0, 1], in an order that `seed` fixes, reshuffled at
    every pass.
    """
    order = shuffled(
        len(check_images(images)), batch_size, steps, seed, images.device
    )
    return (to_float(images[chosen]) for chosen in order)


def shuffled(
    count: int, batch_size: int, steps: int, seed: int, device: torch.device
) -> Iterator[Tensor]:
    """Which of `count` images make each of `steps` batches: (batch_size,)
    indices at a time.

    The order is drawn from a generator of its own, so that the noise of a VAE
    cannot shift it: two models trained with one seed see the same images in the
    same order, on any device. A GPU is waited for once in a pass over the
    images, not at every step.
    """
    generator = torch.Generator().manual_seed(seed)
    order = torch.empty(0, dtype=torch.long, device=device)
    for _ in range(steps):
        while len(order) < batch_size:
            order = torch.cat(
                [order, torch.randperm(count, generator=generator).to(device)]
            )
        chosen, order = order[:batch_size], order[batch_size:]
        yield chosen
