"""A folder of pictures of any kind and size, read into pixels of one shape, and
a report that names each file that needed care or could not be used.
"""

import hashlib
import os
import unicodedata
import warnings
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from .files import DataError

# What is decoded: nothing for which Pillow would start another program.
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
# A file of such a name is meant as a picture, and missed if it cannot be read.
ENDINGS = (
    ".avif", ".bmp", ".gif", ".heic", ".heif", ".jpeg", ".jpg", ".jxl",
    ".pbm", ".pgm", ".png", ".ppm", ".svg", ".tif", ".tiff", ".webp",
)  # fmt: skip
WHITE = 65_535  # of pictures with 16 bits a value
SHOWN = 5  # files that a report's text names of those that were read


class Unusable(Exception):
    """A picture that is left out: what is wrong with it, and the remedy."""


@dataclass(frozen=True)
class Wanted:
    """What every picture of a folder is made into."""

    size: int | tuple[int, int] = 32  # a side, or (height, width), in pixels
    channels: int = 1  # 1 is grey, 3 colour
    crop: bool = False  # cut to the wanted shape; or else bars are added
    ground: int = 0  # of bars and behind transparency, 0 (black) to 255

    def __post_init__(self):
        several = isinstance(self.size, (tuple, list))
        sides = tuple(self.size) if several else (self.size,) * 2
        whole = [isinstance(side, int) and side > 0 for side in sides]
        if len(sides) != 2 or not all(whole):
            raise ValueError(
                "size must be a side in pixels, such as 32, or (height, "
                f"width), got {self.size!r}."
            )
        if self.channels not in (1, 3):
            raise ValueError(
                f"channels must be 1 (grey) or 3 (colour), got {self.channels}."
            )
        if self.ground not in range(256):
            raise ValueError(
                f"ground must be from 0 (black) to 255, got {self.ground}."
            )
        vars(self).update(size=sides)


@dataclass(frozen=True)
class Report:
    """What a folder of pictures held; `print` it to read that.

    `faults` says of each file that was left out what is wrong, and the remedy.
    `notes` lists by what was done the files that needed care, with the value
    that was met.
    """

    folder: Path
    used: int
    faults: dict[str, str]
    notes: dict[str, list[str]]

    def __str__(self) -> str:
        lines = [
            f"{self.folder}: {self.used:,} pictures read, {len(self.faults):,} "
            "files left out."
        ]
        lines += [f"  {name}: {what}" for name, what in self.faults.items()]
        for what, names in sorted(self.notes.items()):
            more = len(names) - SHOWN
            also = f" and {more:,} more" if more > 0 else ""
            listed = f"{', '.join(names[:SHOWN])}{also}"
            lines.append(f"{what} ({len(names):,}): {listed}")
        return "\n".join(lines)


def read_pictures(
    folder: Path, wanted: Wanted
) -> tuple[dict[str, np.ndarray], Report]:
    """The pixels of each picture below a folder, uint8 (C, H, W) by its name
    there, and the report.

    One that equals an earlier one is left out: it would be trained on and
    tested with. Raises `DataError` for a folder that cannot be looked into.
    """
    pictures, faults, notes = {}, {}, defaultdict(list)
    first: dict[bytes, str] = {}
    for name, path in files_below(folder):
        done: list[tuple[str, str]] = []
        try:
            pixels = read_picture(path, wanted, done)
        except Unusable as error:
            if path.suffix.lower() in ENDINGS:
                faults[name] = str(error)
            else:
                notes["passed over, no pictures by name or content"] += [name]
            continue
        known = first.setdefault(hashlib.sha256(pixels).digest(), name)
        if known == name:
            pictures[name] = pixels
        else:
            done = [("left out, the same pixels as another", f"as {known}")]
        for what, value in done:
            notes[what].append(f"{name} ({value})")
    beside = [name for name in pictures if "/" not in name]
    if len(beside) < len(pictures):
        for name in beside:
            del pictures[name]
            faults[name] = (
                "lies beside the sub-folders, which are the classes. Move it "
                "into one of them."
            )
    return pictures, Report(folder, len(pictures), faults, dict(notes))


def files_below(folder: Path) -> list[tuple[str, Path]]:
    """Every file below a folder, sorted by its name there: with slashes, and
    its letters spelled alike on every system.
    """

    def closed(error: OSError) -> None:
        raise DataError(
            f"{error.filename}: no folder that can be looked into "
            f"({error.strerror}). Name a folder that holds pictures, or one "
            "sub-folder of them for each class."
        ) from error

    found = []
    for place, below, names in os.walk(
        folder, onerror=closed, followlinks=True
    ):
        # A link to a folder is followed, unless it leads back to where it lies.
        here = Path(place).resolve()
        ways = {one: Path(place, one).resolve() for one in below}
        below[:] = [one for one in below if not here.is_relative_to(ways[one])]
        for path in (Path(place, name) for name in names):
            name = os.fsencode(path.relative_to(folder).as_posix())
            name = name.decode("utf-8", "backslashreplace")
            found.append((unicodedata.normalize("NFC", name), path))
    return sorted(found)


def read_picture(
    path: Path, wanted: Wanted, done: list[tuple[str, str]]
) -> np.ndarray:
    """One picture as it is wanted, uint8 (C, H, W); `done` gets what had to be
    done, and with which value. Raises `Unusable`.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = plain(upright(path, wanted, done), wanted, done)
            pixels = np.asarray(fitted(image, wanted))
    except Unusable:
        raise
    except UnidentifiedImageError as error:
        raise Unusable(
            f"{path.stat().st_size:,} bytes that are no picture of a kind read "
            f"here ({', '.join(FORMATS)}). Save it anew as PNG, or delete it."
        ) from error
    except (
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ) as error:
        raise Unusable(
            f"huge ({str(error).rstrip('.')}). Make it smaller, or raise "
            "PIL.Image.MAX_IMAGE_PIXELS if you trust it."
        ) from error
    except Exception as error:  # damage may make a decoder raise anything
        raise Unusable(
            f"cannot be read whole ({str(error) or type(error).__name__}). "
            "Fetch it again, or delete it."
        ) from error
    return np.ascontiguousarray(np.atleast_3d(pixels).transpose(2, 0, 1))


def upright(
    path: Path, wanted: Wanted, done: list[tuple[str, str]]
) -> Image.Image:
    """The first frame of a file, turned as its camera says."""
    with Image.open(path, formats=FORMATS) as image:
        frames = getattr(image, "n_frames", 1)
        if frames > 1:
            done.append(("only the first frame taken", f"of {frames}"))
        turned = image.getexif().get(ExifTags.Base.Orientation, 1)
        if turned in range(2, 9):
            done.append(("turned as EXIF says", f"orientation {turned}"))
        width, height = (
            image.size[::-1] if turned in range(5, 9) else image.size
        )
        if max(width, height) < max(wanted.size):
            done.append(("enlarged", f"{width} x {height}"))
        rows, columns = wanted.size
        if width * rows != height * columns:
            how = "cut to the shape" if wanted.crop else "given bars"
            done.append((how, f"{width} x {height}"))
        shrink = min(rows / height, columns / width)
        if not wanted.crop and round(shrink * min(width, height)) == 0:
            raise Unusable(
                f"too narrow, at {width} x {height}, to be seen in {columns} x "
                f"{rows}. Cut out a part of it, or pass crop=True."
            )
        # A JPEG is decoded no larger than a good reduction needs.
        image.draft("RGB", (2 * max(wanted.size),) * 2)
        return ImageOps.exif_transpose(image)


def plain(
    image: Image.Image, wanted: Wanted, done: list[tuple[str, str]]
) -> Image.Image:
    """The same in grey or in colour, as wanted, with 8 bits a value."""
    mode = image.mode
    grey = mode[0] == "I" or mode in ("1", "L", "LA")
    if mode[0] in "IF":
        image = eight_bits(np.asarray(image), done)
    kinds = {"P": "palette looked up", "CMYK": "CMYK without its profile"}
    if mode in kinds:
        done.append((kinds[mode], f"mode {mode}"))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        least = image.getchannel("A").getextrema()[0]
        if least < 255:
            done.append(("put on the ground", f"opacity from {least}"))
        ground = (*(wanted.ground,) * 3, 255)
        behind = Image.new("RGBA", image.size, ground)
        image = Image.alpha_composite(behind, image)
    if grey and wanted.channels == 3:
        done.append(("grey in three equal channels", f"mode {mode}"))
    if not grey and wanted.channels == 1:
        done.append(("colour made grey", f"mode {mode}"))
    return image.convert("RGB").convert("L" if wanted.channels == 1 else "RGB")


def eight_bits(values: np.ndarray, done: list[tuple[str, str]]) -> Image.Image:
    """Grey values of 16 bits, (H, W), with 8."""
    low, high = values.min(), values.max()
    if values.dtype.kind == "f" or low < 0 or high > WHITE:
        raise Unusable(
            f"its values go from {low:,} to {high:,}, and which of them is "
            "white is not known. Save it with 8 or 16 bits a value."
        )
    done.append((f"16 bits, {WHITE:,} is white", f"largest value {high:,}"))
    return Image.fromarray(((values.astype(int) + 128) // 257).astype(np.uint8))


def fitted(image: Image.Image, wanted: Wanted) -> Image.Image:
    """The same in the wanted size, its proportions kept."""
    sides = wanted.size[::-1]
    if wanted.crop:
        return ImageOps.fit(image, sides, Image.Resampling.LANCZOS)
    ground = (wanted.ground,) * wanted.channels
    return ImageOps.pad(image, sides, Image.Resampling.LANCZOS, ground)


def classes_of(names: Sequence[str], alone: str) -> tuple[list[str], list[int]]:
    """The classes of pictures by their names: the sub-folders, or, where there
    are none, one called `alone`; and the class of each picture.
    """
    homes = [name.partition("/")[0] if "/" in name else alone for name in names]
    classes = sorted(set(homes))
    return classes, [classes.index(home) for home in homes]


def check_shares(validation: float, test: float) -> None:
    """Refuse shares of the pictures that leave none to train on."""
    if not (min(validation, test) >= 0 and validation + test < 1):
        raise ValueError(
            "validation and test are shares from 0 on that leave some pictures "
            f"to train on, got {validation} and {test}."
        )


def dealt(
    names: Sequence[str],
    labels: Sequence[int],
    shares: tuple[float, float],
    seed: int,
    shows: Callable[[str], str] | None = None,
) -> list[list[int]]:
    """Which pictures are for training, which for validation and which for test,
    by the `shares` of the last two, the same in every class.

    A checksum of the seed and of the file's name decides, so new pictures move
    few old ones, and a class is dealt alone as it is among others.
    """
    things = [str(shows(name)) if shows else name for name in names]
    of, by_class = defaultdict(list), defaultdict(list)
    for one, thing in enumerate(things):
        of[thing].append(one)
    told = {thing: f"{seed} {thing.split('/')[-1]}".encode() for thing in of}
    rank = {thing: hashlib.sha256(told[thing]).digest() for thing in of}
    for thing in sorted(of, key=rank.get):
        by_class[labels[of[thing][0]]].append(thing)
    parts: list[list[int]] = [[], [], []]
    for own in by_class.values():
        validation, test = (round(len(own) * share) for share in shares)
        ends = own[test + validation :], own[test:][:validation], own[:test]
        for part, share in zip(parts, ends, strict=True):
            part += (one for thing in share for one in of[thing])
    return [sorted(part, key=lambda one: rank[things[one]]) for part in parts]
