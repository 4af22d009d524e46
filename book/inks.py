"""A chapter's figures drawn once more for the site: on light and on dark paper,
wide and for a phone, twice as sharp.

The kernels that build the site load this as an extension of IPython; the
notebooks know nothing of it, and show elsewhere what they always show. A figure
that is displayed is drawn four times more, into the folder that `FOLDER` names
in the environment, under the hash of the picture that was displayed.
"""

import base64
import colorsys
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from IPython.core import pylabtools
from IPython.core.interactiveshell import InteractiveShell
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.gridspec import GridSpec
from matplotlib.image import AxesImage

FOLDER = "AEVAE_FIGURES"
TYPE = Path(__file__).parent / "_vendor" / "figure-type"
# What is white and what is black, as in static/book.css; how light a colour is
# at least.
INKS = {
    "light": ((0.984, 0.980, 0.969), (0.114, 0.137, 0.169), 0.0),
    "dark": ((0.063, 0.078, 0.094), (0.906, 0.914, 0.925), 0.6),
}
GREY = 0.1  # channels that differ by less than this are no colour
NARROW = 4.1  # inches: a phone's width, with type that can be read on it
LOWEST = 2.6  # inches
LINE, AROUND = 0.17, 0.5  # inches: of a line of text, and of what is not axes
FLATTER = 0.8  # axes below one another, against the shape that they had
QUALITY = 88  # of 100
SHARP = 2  # pixels for one of the page's

Color = tuple[float, ...]


def load_ipython_extension(shell: InteractiveShell) -> None:
    for file in TYPE.glob("*.ttf"):
        fontManager.addfont(file)
    mpl.rcParams["font.family"] = ["Inter", "DejaVu Sans"]
    display = pylabtools.print_figure

    def print_figure(figure: Figure, fmt: str = "png", **options: Any) -> Any:
        shown = display(figure, fmt, **options)
        if fmt == "png":
            png = base64.b64decode(shown) if isinstance(shown, str) else shown
            name = hashlib.sha256(png).hexdigest()
            draw_again(figure, Path(os.environ[FOLDER]), name)
        return shown

    pylabtools.print_figure = print_figure


def draw_again(figure: Figure, folder: Path, name: str) -> None:
    """All variants of a figure; it is left in the form for a phone."""
    folder.mkdir(parents=True, exist_ok=True)
    for size in ("wide", "phone"):
        if size == "phone":
            make_narrow(figure)
        for ink in INKS:
            path = folder / f"{name}-{size}-{ink}.webp"
            path.write_bytes(drawn(figure, ink))


def make_narrow(figure: Figure) -> None:
    """Axes that stand in a row go below one another, or two by two where they
    are many, and all fit a phone.
    """
    width, height = figure.get_size_inches()
    if width <= NARROW:
        return
    specs = [axes.get_subplotspec() for axes in figure.axes]
    grids = {spec and spec.get_gridspec() for spec in specs}
    grid = grids.pop() if len(grids) == 1 else None
    height *= NARROW / width
    stories = 1
    if grid and grid.ncols > 1 and (grid.nrows == 1 or grid.ncols > 2):
        columns = 1 if grid.nrows == 1 and grid.ncols < 4 else 2
        parts = stacked(figure, grid, columns)
        height *= FLATTER * grid.ncols * parts / columns
        stories = parts if columns == 1 else 1
    lines = max((lines_beside(axes) for axes in figure.axes), default=0)
    lowest = max(LOWEST, stories * (lines * LINE + AROUND))
    figure.set_size_inches(NARROW, max(height, lowest))


def stacked(figure: Figure, grid: GridSpec, columns: int) -> int:
    """Leave so many columns of axes beside each other (a single one, if there
    is one row), and put the others below them; returns how many parts stand
    below one another then.
    """
    parts = -(-grid.ncols // columns)
    # One row that becomes one column: what was wide becomes tall.
    turned = columns == 1
    ratios = (
        grid.get_width_ratios() if turned else grid.get_height_ratios() * parts
    )
    new = GridSpec(len(ratios), columns, figure, height_ratios=ratios)
    for axes in figure.axes:
        row, column = divmod(axes.get_subplotspec().num1, grid.ncols)
        part, place = divmod(column, columns)
        axes.set_subplotspec(new[part * grid.nrows + row, place])
        beside = axes.get_shared_y_axes().get_siblings(axes)
        if part and not place and len(beside) > 1:
            axes.tick_params("y", labelleft=True)  # no neighbour has them
    return parts


def lines_beside(axes: Axes) -> int:
    """How many lines of text stand beside axes, as names of rows."""
    names = [name.get_text() for name in axes.get_yticklabels()]
    return sum(name.count("\n") + 1 for name in names if name)


def drawn(figure: Figure, ink: str) -> bytes:
    """A figure as WebP."""
    before = figure.canvas
    canvas = InkedCanvas(figure)
    canvas.ink = ink
    file = BytesIO()
    with plain_on_pictures(figure):
        canvas.print_figure(
            file,
            format="webp",
            dpi=SHARP * figure.dpi,
            bbox_inches="tight",
            pil_kwargs={"quality": QUALITY},
        )
    figure.set_canvas(before)
    return file.getvalue()


@contextmanager
def plain_on_pictures(figure: Figure) -> Iterator[None]:
    """What is drawn on a picture keeps its ink, as the picture does: names on
    a map, numbers in shaded cells.
    """
    found = [
        artist
        for axes in figure.axes
        if any(covers(image, axes) for image in axes.images)
        for artist in (*axes.texts, *axes.lines, *axes.collections)
    ]
    for artist in found:
        artist.draw = partial(draw_plain, artist.draw)
    try:
        yield
    finally:
        for artist in found:
            del artist.draw


def draw_plain(draw: Callable, renderer: Any) -> None:
    draw(renderer.plain if isinstance(renderer, Inked) else renderer)


def covers(image: AxesImage, axes: Axes) -> bool:
    """Whether all of these axes lies on a picture."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    x, y, u, v = image.get_extent()
    spans = ((left, right, x, y), (bottom, top, u, v))
    return all(
        min(p, q) <= min(a, b) + 1e-6 and max(a, b) <= max(p, q) + 1e-6
        for a, b, p, q in spans
    )


class InkedCanvas(FigureCanvasAgg):
    """A canvas that draws with `ink`."""

    ink = "light"

    def get_renderer(self) -> "Inked":
        plain = super().get_renderer()
        return plain if isinstance(plain, Inked) else Inked(plain, self.ink)


class Inked:
    """A renderer whose black and white are others; images stay as they are."""

    def __init__(self, renderer: Any, ink: str) -> None:
        self.plain, self.ink = renderer, ink

    def __getattr__(self, name: str) -> Any:
        return getattr(self.plain, name)

    def draw_path(self, gc, path, transform, rgbFace=None) -> None:
        face = self.of(rgbFace)
        self.plain.draw_path(self.with_ink(gc), path, transform, face)

    def draw_markers(self, gc, marker, to, path, transform, rgbFace=None):
        self.plain.draw_markers(
            self.with_ink(gc), marker, to, path, transform, self.of(rgbFace)
        )

    def draw_text(self, gc, *what, **more) -> None:
        self.plain.draw_text(self.with_ink(gc), *what, **more)

    def draw_path_collection(
        self, gc, to, paths, all_to, offsets, offset_to, faces, edges,
        *looks, **more,
    ) -> None:  # fmt: skip
        faces, edges = self.of_all(faces), self.of_all(edges)
        self.plain.draw_path_collection(
            self.with_ink(gc), to, paths, all_to, offsets, offset_to, faces,
            edges, *looks, **more,
        )  # fmt: skip

    def with_ink(self, gc: Any) -> Any:
        new = self.plain.new_gc()
        new.copy_properties(gc)
        new.set_foreground(self.of(gc.get_rgb()), isRGBA=True)
        if gc.get_hatch():
            new.set_hatch_color(self.of(gc.get_hatch_color()))
        return new

    def of(self, color: Color | None) -> Color | None:
        if color is None:
            return None
        return inked(tuple(map(float, mpl.colors.to_rgba(color))), self.ink)

    def of_all(self, colors: Any) -> np.ndarray:
        return np.array([*map(self.of, colors)]).reshape(-1, 4)


@cache
def inked(color: Color, ink: str) -> Color:
    """A colour (r, g, b, alpha) on that paper."""
    paper, black, lightest = INKS[ink]
    *rgb, alpha = color
    hue, light, full = colorsys.rgb_to_hls(*rgb)
    if max(rgb) - min(rgb) >= GREY:
        # A pale one is a tint of the paper, and lies behind something.
        pale = lightest and light > lightest
        light = 2 * lightest - light if pale else max(light, lightest)
        return (*colorsys.hls_to_rgb(hue, light, full), alpha)
    mixed = (
        light * p + (1 - light) * b for p, b in zip(paper, black, strict=True)
    )
    return (*mixed, alpha)
