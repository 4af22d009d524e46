"""Make the files of the data set "animals" from the PyPI package that they are
from:

    pip download --no-deps animal-mnist==0.4
    python -m experiments.animals animal_mnist-0.4-py3-none-any.whl

Of its 10,000 pictures 284 are exact copies of an earlier one, 188 of them
birds: they are dropped before the set is split. The files that the library
ships, and their checksums in set.toml, are what this writes.
"""

import argparse
import gzip
import hashlib
import pickletools
import sys
import zipfile
from pathlib import Path

import numpy as np

from aevae_lib import data

SEED = 0
KEPT_BACK = 1_000  # for the test, and as many more to validate on
# In the wheel: the file, the SHA-256 of its uncompressed bytes, the array.
INSIDE = "animal_mnist/data/Animal_MNIST/animal_{}_version_3.gz"
IMAGES = (
    INSIDE.format("data"),
    "0a13908291891bf5b97b18427cf0eceedcb720959826cc85f7e06dc89e5eaf77",
    np.dtype(np.uint8),
    (10_000, 28, 28),
)
LABELS = (
    INSIDE.format("label"),
    "3d826227c39b7dba09abb8273cf07928443fec2c56b6396b4872741b7b332f93",
    np.dtype("<i8"),
    (10_000,),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=Path, help="the package's file")
    parser.add_argument("--folder", type=Path, default=data.ASSETS / "animals")
    arguments = parser.parse_args()
    with zipfile.ZipFile(arguments.wheel) as wheel:
        images, labels = (read(wheel, *what) for what in (IMAGES, LABELS))
    kept = without_copies(images)
    images, labels = images[kept], labels[kept]
    order = balanced_order(labels, SEED)
    test, rest = order[:KEPT_BACK], order[KEPT_BACK:]
    rest = np.roll(rest, -KEPT_BACK)  # what validates comes last
    contents = [images[rest], labels[rest], images[test], labels[test]]
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for file, values in zip(data.FILES, contents, strict=True):
        raw = as_idx(values)
        packed = gzip.compress(raw, mtime=0)
        (arguments.folder / f"{file}.gz").write_bytes(packed)
        print(hashlib.sha256(raw).hexdigest(), file, values.shape)


def read(
    wheel: zipfile.ZipFile,
    file: str,
    checksum: str,
    dtype: np.dtype,
    shape: tuple[int, ...],
) -> np.ndarray:
    """An array of the package, which keeps it pickled. A pickle can run any
    program when it is loaded, so this one is not: its bytes are taken out.
    """
    raw = gzip.decompress(wheel.read(file))
    if hashlib.sha256(raw).hexdigest() != checksum:
        sys.exit(f"{file} is not the one of animal-mnist 0.4.")
    held = (value for _, value, _ in pickletools.genops(raw))
    largest = max((v for v in held if isinstance(v, bytes)), key=len)
    return np.frombuffer(largest, dtype).reshape(shape)


def without_copies(images: np.ndarray) -> np.ndarray:
    """The indices of the images that equal no earlier one, in their order."""
    flat = images.reshape(len(images), -1)
    return np.sort(np.unique(flat, axis=0, return_index=True)[1])


def balanced_order(labels: np.ndarray, seed: int) -> np.ndarray:
    """An order of the images that is random within each class, and in which
    every stretch holds the classes in the same shares.
    """
    rng = np.random.default_rng(seed)
    place = np.empty(len(labels))
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        ranks = (np.arange(len(members)) + 0.5) / len(members)
        place[rng.permutation(members)] = ranks
    return np.argsort(place, kind="stable")


def as_idx(values: np.ndarray) -> bytes:
    """The bytes of an idx file of unsigned bytes."""
    head = bytes([0, 0, 8, values.ndim])
    sizes = np.array(values.shape, ">u4").tobytes()
    return head + sizes + values.astype(np.uint8).tobytes()


if __name__ == "__main__":
    main()
