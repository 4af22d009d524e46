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

    return FIGURE.sub(variants, text)


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
