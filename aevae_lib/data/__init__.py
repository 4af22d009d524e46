"""Pictures with their classes: by the name of a data set, from a folder, or of
the reader's own; and what they have to be.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from . import folders
from .checks import as_images as as_images
from .checks import check_images as check_images
from .checks import check_labels as check_labels
from .checks import numbered
from .checks import pad as pad
from .checks import to_float as to_float
from .files import ASSETS as ASSETS
from .files import FILES as FILES
from .files import SETS, KnownSet, find_folder, read_arrays
from .files import DataError as DataError
from .files import cache_folder as cache_folder
from .folders import Report as Report

FASHION_CLASSES = SETS["fashion-mnist"].classes
SAMPLE_FOLDER = SETS["fashion-mnist"].shipped


@dataclass(frozen=True, eq=False)
class Split:
    """Images with their classes; `images, labels = split` takes it apart.

    NumPy arrays and labels of any integer type are taken, what does not fit
    raises `TypeError` or `ValueError`. A part of it is a Split too: `split[:9]`
    or by a mask or indices.
    """

    images: Tensor  # uint8 (N, C, H, W), or float (N, *shape): no pictures
    labels: Tensor  # (N,) int64, an index into classes
    classes: tuple[str, ...] = ()  # names; left out: "0", "1" and so on
    frame: int = 0  # black pixels that padding put on each side

    def __post_init__(self):
        images = as_images(self.images)
        labels = check_labels(self.labels, len(images), self.classes or None)
        classes = tuple(self.classes) or numbered(labels)
        labels = labels.to(images.device)
        vars(self).update(images=images, labels=labels, classes=classes)

    def __len__(self) -> int:
        return len(self.images)

    def __iter__(self) -> Iterator[Tensor]:
        return iter((self.images, self.labels))

    def __getitem__(self, chosen: slice | Tensor | Sequence[int]) -> "Split":
        if isinstance(chosen, int):
            raise TypeError(f"For one image, take .images[{chosen}].")
        if isinstance(chosen, Tensor):
            chosen = chosen.to(self.images.device)
        return self._with(part[chosen] for part in self)

    def to(self, device: str | torch.device) -> "Split":
        """The same on a device."""
        return self._with(part.to(device) for part in self)

    def _with(self, both: Iterable[Tensor]) -> "Split":
        """The same with other images and labels, which need no new check."""
        other = copy(self)
        vars(other).update(zip(("images", "labels"), both, strict=True))
        return other

    @property
    def image_shape(self) -> tuple[int, ...]:
        """(channels, height, width) of every image."""
        return tuple(self.images.shape[1:])


@dataclass(frozen=True, eq=False)
class DataSet:
    """Three splits, and where they came from; `print` it to read that."""

    name: str
    train: Split  # what models are fitted to
    validation: Split  # what choices are made on
    test: Split  # what is reported
    source: str
    title: str = ""  # the name as it stands in a sentence
    report: Report | None = None  # on a folder of pictures, file by file

    classes = property(lambda self: self.train.classes)
    frame = property(lambda self: self.train.frame)
    image_shape = property(lambda self: self.train.image_shape)

    def __str__(self) -> str:
        return (
            f"{self.title or self.name} from {self.source}:\n"
            f"{len(self.train):,} training, {len(self.validation):,} "
            f"validation and {len(self.test):,} test images,\n"
            f"on {describe_device(self.train.images.device)}."
        )


def load(
    name: str = "fashion-mnist", device: str | torch.device | None = None
) -> DataSet:
    """A data set by its name, on the device asked for or else the best one;
    `print` it to see what it is and where it came from.

    Fashion-MNIST is read from the first of these that is there: the folder
    named by the environment variable `AEVAE_DATA`, the cache of an earlier
    download, Debian's package `dataset-fashion-mnist`, a download, and last,
    with a warning, a class-balanced sample of 7,000 images that is shipped with
    this package. Other sets are shipped whole.

    Raises `DataError` for a file that is missing, damaged or of another set. A
    folder that `AEVAE_DATA` names is never silently replaced by another source.
    """
    if name not in SETS:
        raise ValueError(
            f"There is no data set {name!r}, only {', '.join(SETS)}. A device "
            "is asked for by device=..., a folder read by data.from_folder()."
        )
    device = pick_device(device)  # an odd one is refused before all the work
    return divided(name, *find_folder(name), SETS[name], device)


def from_folder(
    folder: str | Path,
    classes: Sequence[str] = (),
    frame: int = 2,
    device: str | torch.device | None = None,
    *,
    prefix: str = "",
    transposed: bool = False,
) -> DataSet:
    """MNIST, KMNIST or any other grey pictures that lie in a folder as the four
    idx files of MNIST; `frame` black pixels are put on every side, and the last
    twelfth of the training images is for validation.

    EMNIST's letters are read by `prefix="emnist-letters-"`, with which their
    files' names begin, and `transposed=True`, since they lie on their side.
    They are numbered from 1, so the first of their `classes` is for nobody.

    Raises `DataError` for a file that is missing or damaged, and for labels
    that `classes` have no name for.
    """
    folder = Path(folder).expanduser().absolute()
    layout = {"prefix": prefix, "transposed": transposed}
    known = KnownSet(folder.name, tuple(classes), frame, **layout)
    return divided(known.title, folder, str(folder), known, pick_device(device))


def image_folder(
    path: str | Path,
    size: int | tuple[int, int] = 32,
    channels: int = 1,
    *,
    skip: bool = False,
    crop: bool = False,
    ground: int = 0,
    validation: float = 0.1,
    test: float = 0.1,
    seed: int = 0,
    shows: Callable[[str], str] | None = None,
    device: str | torch.device | None = None,
) -> DataSet:
    """Pictures of any size and kind in a folder, each sub-folder a class, as
    uint8 (N, channels, *size), in grey (1 channel) or colour (3).

    All keep their proportions: bars in the grey value `ground` (0 to 255) fill
    the rest, or with `crop` the middle is cut out. `ground` is also what shows
    through transparent parts. `validation` and `test` are the shares of every
    class that are kept back; `seed` fixes which. Of near-copies, all or none
    are: those of whose names ("sub-folder/a.png") `shows` makes the same.

    `report` of what comes back names each file that needed care, and `print`
    shows it. A file that cannot be used stops the reading with a `DataError`
    that holds the report; with `skip` it is left out, and named there.
    """
    device = pick_device(device)
    wanted = folders.Wanted(size, channels, crop, ground)
    folders.check_shares(validation, test)
    folder = Path(path).expanduser().absolute()
    pictures, report = folders.read_pictures(folder, wanted)
    if report.faults and not skip:
        raise DataError(f"{report}\nskip=True reads the others without them.")
    classes, labels = folders.classes_of(list(pictures), folder.name)
    shares = validation, test
    parts = folders.dealt(list(pictures), labels, shares, seed, shows)
    if any(s and not p for s, p in zip((1, *shares), parts, strict=True)):
        raise DataError(
            f"{report}\nToo few for a share of {validation} to validate and "
            f"{test} to test. Add pictures, or change the shares."
        )
    images = torch.from_numpy(np.stack(list(pictures.values()))).to(device)
    whole = Split(images, labels, classes)
    less = f", {len(report.faults):,} files left out" if report.faults else ""
    splits = (whole[chosen] for chosen in parts)
    return DataSet(folder.name, *splits, f"{folder}{less}", report=report)


def divided(
    name: str, folder: Path, source: str, known: KnownSet, device: torch.device
) -> DataSet:
    """A folder's training, validation and test split."""
    train, test = read_folder(folder, known)
    most = len(train) - round(len(train) * known.validation)
    parts = [part.to(device) for part in (train[:most], train[most:], test)]
    return DataSet(name, *parts, source, known.title)


def read_folder(
    folder: Path, known: KnownSet = SETS["fashion-mnist"]
) -> tuple[Split, Split]:
    """All training images and the test images of a folder of idx files."""
    arrays = read_arrays(folder, known)
    names = known.classes or numbered(torch.cat(arrays[1::2]))
    if known.transposed:
        arrays[::2] = [images.mT.contiguous() for images in arrays[::2]]
    train, test = (
        Split(pad(images, known.frame), labels, names, known.frame)
        for images, labels in (arrays[:2], arrays[2:])
    )
    return train, test


# --- where to compute --------------------------------------------------------


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


# --- batches -----------------------------------------------------------------


def batches(
    images: Tensor, batch_size: int, steps: int, seed: int
) -> Iterator[Tensor]:
    """`steps` batches as `to_float` gives them, in an order that `seed` fixes,
    reshuffled at every pass.
    """
    images = check_images(images)
    order = shuffled(len(images), batch_size, steps, seed, images.device)
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
