"""A page's figures as inks.py has drawn them: the one of the four that fits the
reader's paper and screen.
"""

import re
import shutil
from pathlib import Path

from PIL import Image
from sphinx.errors import ExtensionError

from .inks import SHARP

PHONE = 600  # pixels, as in static/book.css
STACKED = 1.6  # times as tall for its width: inks.py has moved its axes
SIDES = {"Left": "Top", "Right": "Bottom", "on the left": "at the top",
         "on the right": "at the bottom"}  # fmt: skip
WHOLE = re.compile(r"<figure\b.*?</figure>", re.DOTALL)
SIZE = re.compile(r'width="(\d+)" height="(\d+)"')
FIGURE = re.compile(
    r'<img\b[^>]*\bsrc="([^"]*_images/)([0-9a-f]{64})\.png"[^>]*>'
)


def with_variants(text: str, page: Path, drawn: Path) -> str:
    """A page that shows its figures' variants, which are in the folder `drawn`;
    one that does so already, as it is.
    """

    def variants(tag: re.Match) -> str:
        folder, name = tag.groups()
        return "".join(
            picture(tag[0], folder, name, ink) for ink in ("light", "dark")
        )

    def picture(tag: str, folder: str, name: str, ink: str) -> str:
        wide, phone = (
            brought(drawn / f"{name}-{size}-{ink}.webp", page.parent / folder)
            for size in ("wide", "phone")
        )
        image = re.sub(r'\s(src|width|height|style)="[^"]*"', "", tag)
        image = image.removesuffix(">").removesuffix("/").rstrip()
        later = ' loading="lazy"' if ink == "dark" else ""
        return (
            f'<picture class="on-{ink}">'
            f'<source media="(max-width: {PHONE}px)" '
            f'srcset="{folder}{phone.name}" {size_of(phone)}>'
            f'{image} src="{folder}{wide.name}" {size_of(wide)}{later}>'
            "</picture>"
        )

    return WHOLE.sub(with_sides, FIGURE.sub(variants, text))


def with_sides(figure: re.Match) -> str:
    """A figure whose axes stand below one another on a phone, with a caption
    that says so there: what is left is above.
    """
    sizes = SIZE.findall(figure[0])
    if len(sizes) < 2 or 'class="on-wide"' in figure[0]:
        return figure[0]
    phone, wide = (int(height) / int(width) for width, height in sizes[:2])
    if phone < STACKED * wide:
        return figure[0]
    start, caption, end = figure[0].partition("<figcaption")
    for side, there in SIDES.items():
        both = (
            f'<span class="on-wide">{side}</span>'
            f'<span class="on-phone">{there}</span>'
        )
        end = re.sub(rf"\b{side}\b", both, end)
    return start + caption + end


def brought(file: Path, folder: Path) -> Path:
    """The file's copy in the site."""
    if not file.is_file():
        raise ExtensionError(
            f"{file} was not drawn when its notebook was executed. Remove the "
            "folder _build/.jupyter_cache and build again."
        )
    return Path(shutil.copy2(file, folder))


def size_of(file: Path) -> str:
    with Image.open(file) as image:
        width, height = image.width // SHARP, image.height // SHARP
    return f'width="{width}" height="{height}"'
