"""Finding, fetching and reading a data set's idx files, refusing bad ones."""

import gzip
import hashlib
import math
import os
import struct
import tempfile
import tomllib
import urllib.request
import warnings
import zlib
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

ASSETS = Path(__file__).resolve().parents[1] / "assets"
CHECKOUT = ASSETS.parents[1]  # unless the package is installed elsewhere
FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
CUT_SHORT = (EOFError, zlib.error, gzip.BadGzipFile)


@dataclass(frozen=True)
class KnownSet:
    """Four idx files, where they are, and what they hold: a set.toml."""

    title: str
    classes: tuple[str, ...] = ()
    frame: int = 0  # black pixels to put on every side of its pictures
    validation: float = 1 / 12  # share of training images, the last, kept back
    prefix: str = ""  # what its files' names begin with
    transposed: bool = False  # whether its pictures lie on their side
    # By edition: SHA-256 of the uncompressed files, in the order of FILES.
    checksums: dict[str, list[str]] = field(default_factory=dict)
    shipped: Path = ASSETS  # where the whole set is, or its substitute
    # And if what is shipped is only a substitute, where the whole set is:
    variable: str = ""  # in a folder that this environment variable names,
    installed: tuple[str, str] = ("", "")  # in a system's folder (with words),
    mirrors: tuple[str, ...] = ()  # or on a server, at MIRROR/FILE.gz


def known_set(path: Path) -> tuple[str, KnownSet]:
    """The name of a set, and what its set.toml tells of it."""
    told = tomllib.loads(path.read_text(encoding="utf-8"))
    name, classes = told.pop("name"), tuple(told.pop("classes"))
    return name, KnownSet(classes=classes, shipped=path.parent, **told)


SETS = dict(map(known_set, sorted(ASSETS.glob("*/set.toml"))))


class DataError(Exception):
    """A data file that cannot be used: which, what is wrong, and the remedy."""


def cache_folder(name: str = "fashion-mnist") -> Path:
    """Where a download is kept: the same folder wherever a program runs."""
    for base in (os.environ.get("XDG_CACHE_HOME", ""), "~/.cache"):
        if os.path.isabs(base := os.path.expanduser(base)):
            return Path(base) / "aevae" / name
    return Path(tempfile.gettempdir()) / "aevae" / name  # there is no home


def find_folder(name: str = "fashion-mnist") -> tuple[Path, str]:
    """The folder to read a data set from, and that source in words."""
    known = SETS[name]
    if not known.mirrors:
        return known.shipped, "the copy shipped with aevae_lib"
    if named := os.environ.get(known.variable):
        # Commands run in a checkout's top folder, its chapters in another.
        start = CHECKOUT if (CHECKOUT / "_toc.yml").is_file() else Path.cwd()
        return start / os.path.expanduser(named), f"{known.variable}={named}"
    cache = (cache_folder(name), "the cache of an earlier download")
    for folder, source in (cache, known.installed):
        if folder and holds_something(Path(folder)):
            return Path(folder), source
    try:
        return download(name), "a fresh download"
    except OSError as error:
        warnings.warn(
            f"{known.title} could not be downloaded ({error}). THE SHIPPED "
            "SAMPLE OF 7,000 IMAGES IS IN USE: numbers will differ from those "
            "of the whole set. To use the whole set, connect to the internet "
            f"and run this again, or set {known.variable} to a folder that "
            "holds its four files.",
            stacklevel=3,
        )
        return known.shipped, "the sample shipped with aevae_lib"


def holds_something(folder: Path) -> bool:
    """Whether this is a folder, not empty, that may be looked into."""
    try:
        return any(folder.iterdir())
    except OSError:
        return False


def download(name: str) -> Path:
    """Fetch the four files into the cache, which appears only once they are
    whole. Raises `OSError` if they cannot be had, or not be kept.
    """
    target = cache_folder(name)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        whole = Path(scratch) / "whole"
        whole.mkdir()
        for file in FILES:
            (whole / file).write_bytes(fetch(file, SETS[name]))
        try:
            whole.rename(target)  # replaces what is empty, and nothing else
        except OSError:
            if not holds_something(target):  # else another process was first
                raise
    return target


def fetch(file: str, known: KnownSet) -> bytes:
    """One file, uncompressed, from the first mirror that gives it whole."""
    failures = []
    wanted = [sums[FILES.index(file)] for sums in known.checksums.values()]
    for mirror in known.mirrors:
        url = f"{mirror}/{file}.gz"
        try:
            with urllib.request.urlopen(url, timeout=20) as answer:
                raw = gzip.decompress(answer.read())
            if hashlib.sha256(raw).hexdigest() in wanted:
                return raw
            failures.append(f"{url}: its checksum differs")
        except (OSError, HTTPException, ValueError, *CUT_SHORT) as error:
            failures.append(f"{url}: {str(error) or type(error).__name__}")
    raise OSError("; ".join(failures))


def read_arrays(folder: Path, known: KnownSet) -> list[Tensor]:
    """What the four files of a folder hold, their checksums verified if the
    set has any: training images and labels, test images and labels.
    """
    paths = find_files(folder, known)
    arrays, sums = zip(*map(read_idx, paths), strict=True)
    editions = known.checksums.values() or [list(sums)]  # nothing to compare
    sizes = [len(array) for array in arrays]
    if list(sums) in editions and sizes[::2] == sizes[1::2]:
        check_names(folder, known, torch.cat(arrays[1::2]))
        return list(arrays)
    columns = zip(*editions, strict=True)
    right = [one in good for one, good in zip(sums, columns, strict=True)]
    if all(right):
        raise DataError(
            f"{folder}: images and labels of different sets. Fetch all four "
            "files again."
        )
    if any(right):
        wrong = paths[right.index(False)]
        raise damaged(wrong, f"not {known.title}'s (its checksum differs)")
    raise DataError(
        f"{folder}: four whole files, but not {known.title} (no checksum "
        "fits). data.from_folder() reads other data sets."
    )


def check_names(folder: Path, known: KnownSet, labels: Tensor) -> None:
    """Refuse labels (N,) for which too few classes are named."""
    most, names = max(labels.tolist(), default=-1), len(known.classes)
    if names and most >= names:
        raise DataError(
            f"{folder}: its labels go up to {most}, and {names} classes are "
            f"named. Name {most + 1} from label 0 on, or none."
        )


def find_files(folder: Path, known: KnownSet) -> list[Path]:
    """The four files, gzipped or not, with a hyphen in their names or a dot,
    "t10k" or "test", in the folder itself or where torchvision puts them below
    its root.
    """
    if not os.path.isdir(folder):
        raise DataError(
            f"{folder}: there is no such folder, or none that may be looked "
            "into. Name another, as AEVAE_DATA if this one was named there."
        )

    def look(place: Path, file: str) -> Path | None:
        names = [file, file.replace("t10k", "test")]
        names += [name.replace("-idx", ".idx") for name in names]
        names = [f"{known.prefix}{name}" for name in names]
        paths = (place / f"{n}{end}" for n in names for end in (".gz", ""))
        return next(filter(os.path.isfile, paths), None)

    below = ("", "raw", f"{known.title.replace('-', '')}/raw")
    found = [[look(folder / part, file) for file in FILES] for part in below]
    most = min(found, key=lambda paths: paths.count(None))
    if None in most:
        raise DataError(
            f"{folder}: {known.prefix}{FILES[most.index(None)]}.gz is missing. "
            f"The four idx files {', '.join(FILES)}, gzipped or not, belong "
            "together; if their names begin with more, pass that as prefix."
        )
    return most


def read_idx(path: Path) -> tuple[Tensor, str]:
    """The values of an idx file, (N, height, width) or (N,) uint8, and the
    SHA-256 of its bytes, uncompressed.
    """
    try:
        raw = path.read_bytes()
        raw = gzip.decompress(raw) if path.suffix == ".gz" else raw
    except CUT_SHORT as error:
        raise damaged(path, f"truncated or corrupt ({error})") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error}.") from error
    dimensions = 3 if "images" in path.name else 1
    if raw[:4] != bytes([0, 0, 8, dimensions]):
        raise damaged(path, f"not an idx file of {dimensions} dimensions")
    start = 4 + 4 * dimensions
    if len(raw) < start:
        raise damaged(path, "truncated inside its header")
    shape, found = struct.unpack(f">{dimensions}I", raw[4:start]), raw[start:]
    if len(found) != math.prod(shape):
        promise = f"its header promises {shape}, {math.prod(shape):,} values"
        raise damaged(path, f"{promise}, and it holds {len(found):,}")
    values = np.frombuffer(found, np.uint8).reshape(shape).copy()
    return torch.from_numpy(values), hashlib.sha256(raw).hexdigest()


def damaged(path: Path, what: str) -> DataError:
    """The error for a file that is not what it was, with its remedy."""
    if path.is_relative_to(ASSETS):
        return DataError(f"{path}: {what}. Install aevae_lib again.")
    return DataError(f"{path}: {what}. Delete it and fetch it again.")
