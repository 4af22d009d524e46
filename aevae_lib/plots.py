"""Figures. Every function takes tensors on any device, never a model, and draws
into the axes it is given. Pictures are (N, 1 or 3, H, W), uint8 or floats, and
shown from 0 (black) to 1.
"""

import inspect
import json
import textwrap
from collections.abc import Callable, Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.display import Code
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Ellipse
from matplotlib.patheffects import withStroke
from PIL import Image
from torch import Tensor

from . import evidence
from .data import Split, numbered, to_float

# Two sizes serve most of the course.
WIDE = (7.2, 3.5)  # an AE | VAE pair
SQUARE = (4.8, 4.8)  # one latent plane

AE_COLOR, VAE_COLOR, BASELINE_COLOR = "#D55E00", "#0072B2", "#6b6b6b"

# Matplotlib's petroff10, ordered so that the garments that overlap most stay
# apart for every kind of colour vision; the marker tells their family: tops,
# footwear, and the three others.
CLASS_COLORS = (
    "#94a4a2", "#b9ac70", "#3f90da", "#832db6", "#ffa90e",
    "#717581", "#bd1f01", "#e76300", "#a96b59", "#92dadd",
)  # fmt: skip
CLASS_MARKERS = ("o", "s", "o", "D", "o", "^", "o", "^", "P", "^")


def use_style() -> None:
    """The course's look, for every figure that follows."""
    plt.rcParams.update(
        {
            "figure.figsize": WIDE,
            "figure.dpi": 120,
            "figure.facecolor": "white",
            "savefig.facecolor": "white",
            "figure.constrained_layout.use": True,
            "font.size": 9,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": False,
            "legend.frameon": False,
            "lines.linewidth": 1.8,
        }
    )


def show(function: Callable) -> Code:
    """The source of a function or class of the library, as it is."""
    return Code(inspect.getsource(function), language="python")


def image_rows(rows: dict[str, Tensor], ax: Axes | None = None) -> Axes:
    """Rows of pictures, each with its name."""
    ax = ax or plt.figure(figsize=(7.2, 0.2 + 0.8 * len(rows))).add_subplot()
    pictures = [_pictures(images) for images in rows.values()]
    ax.imshow(_mosaic(pictures), **_GREY)
    height = pictures[0][0].shape[0]
    middles = [(height + 1) / 2 + (height + 2) * y for y in range(len(rows))]
    ax.set_yticks(middles, rows.keys())
    ax.set_xticks([])
    return _bare(ax)


def image_grid(
    images: Tensor, columns: int = 10, ax: Axes | None = None
) -> Axes:
    """Pictures in reading order."""
    ax = ax or plt.figure(figsize=SQUARE).add_subplot()
    ax.imshow(_mosaic(_in_rows(images, columns)), **_GREY)
    ax.set(xticks=[], yticks=[])
    return _bare(ax)


def decoded_plane(
    images: Tensor, extent: Sequence[float], ax: Axes | None = None
) -> Axes:
    """Decoded pictures where their latent points lie: in order, those of
    `plane(extent, side)`.
    """
    ax = ax or plt.figure(figsize=SQUARE).add_subplot()
    mosaic = _mosaic(_in_rows(images, round(len(images) ** 0.5)), gap=0)
    ax.imshow(mosaic, extent=extent, aspect="auto", **_GREY)
    ax.set(xlabel="$z_0$", ylabel="$z_1$")
    return ax


def plane(extent: Sequence[float], side: int = 20) -> Tensor:
    """Points at the cell centres of a square grid, row by row from the top:
    (side^2, 2).
    """
    left, right, bottom, top = extent
    centres = (torch.arange(side) + 0.5) / side
    x, y = left + (right - left) * centres, top - (top - bottom) * centres
    y, x = torch.meshgrid(y, x, indexing="ij")
    return torch.stack([x.flatten(), y.flatten()], dim=1)


def latent_scatter(
    codes: Tensor,
    points: Split | Tensor,
    ax: Axes | None = None,
    limit: int = 5000,
    names: bool = True,
) -> Axes:
    """The first `limit` codes (N, 2), coloured by class, each class named at
    its median.

    `points` is what was encoded, which knows its classes, or labels (N,), whose
    classes are called by their numbers.
    """
    ax = ax or plt.figure(figsize=SQUARE).add_subplot()
    codes, points = codes[:limit].detach().cpu(), points[:limit]
    labels, called = _classes(points)
    size = 6 if len(codes) > 2000 else 12
    for k in range(len(called)):
        color, marker = class_look(k)
        ax.scatter(
            *codes[labels == k].T, s=size, color=color, marker=marker,
            alpha=0.7, linewidths=0.15, edgecolors="#333333", rasterized=True,
        )  # fmt: skip
    if names:
        class_names(codes, points, ax)
    ax.set(xlabel="$z_0$", ylabel="$z_1$")
    return ax


def class_look(k: int) -> tuple[str, str]:
    """The colour and the marker of class k. After ten the colours come again,
    with other markers.
    """
    count = len(CLASS_COLORS)
    return CLASS_COLORS[k % count], CLASS_MARKERS[(k + k // count) % count]


def class_names(codes: Tensor, points: Split | Tensor, ax: Axes) -> Axes:
    """Each class's name at the median of its codes (N, 2), moved up where it
    would hide another; `points` as for `latent_scatter`.
    """
    (labels, called), codes = _classes(points), codes.detach().cpu().numpy()
    width, height = (0.28, 0.065) * (
        np.quantile(codes, 0.99, axis=0) - np.quantile(codes, 0.01, axis=0)
    )
    placed: list[tuple[float, float]] = []
    medians = {
        k: np.median(codes[labels == k], axis=0) for k in np.unique(labels)
    }
    for k, (x, y) in sorted(medians.items(), key=lambda item: item[1][1]):
        while any(
            abs(x - u) < width and abs(y - v) < height for u, v in placed
        ):
            y += height / 4
        placed.append((x, y))
        ax.annotate(
            called[k], (x, y), ha="center", va="center", fontsize=8,
            path_effects=[withStroke(linewidth=2.5, foreground="white")],
        )  # fmt: skip
    return ax


def _classes(points: Split | Tensor) -> tuple[np.ndarray, Sequence[str]]:
    """Labels, and what the classes are called."""
    labels = points.labels if isinstance(points, Split) else points
    called = getattr(points, "classes", None) or numbered(labels)
    return labels.cpu().numpy(), called


def prior_circles(ax: Axes) -> Axes:
    """Circles at one and two standard deviations of N(0, I): 39 % and 86 % of
    its mass.
    """
    line = {"fill": False, "color": "black", "linewidth": 1, "linestyle": "--"}
    for radius in (1, 2):
        ax.add_patch(Circle((0, 0), radius, **line))
    return ax


def clouds(mu: Tensor, logvar: Tensor, colors: Sequence[str], ax: Axes) -> Axes:
    """Each q(z|x) as the ellipse of one and two standard deviations: (N, 2),
    (N, 2).
    """
    std = torch.exp(0.5 * logvar)
    for centre, width, color in zip(
        mu.tolist(), std.tolist(), colors, strict=True
    ):
        look = {"facecolor": color, "edgecolor": "none"}
        for deviations, alpha in ((1, 0.45), (2, 0.2)):
            size = [2 * deviations * w for w in width]
            ax.add_patch(Ellipse(centre, *size, alpha=alpha, **look))
    return ax


def loss_curves(
    history: list[dict], terms: Sequence[str], ax: Axes | None = None, **line
) -> Axes:
    """Terms of a history of `train.fit` against the images seen."""
    ax = ax or plt.figure(figsize=WIDE).add_subplot()
    seen = [row["images_seen"] for row in history]
    for term in terms:
        look = {"label": term.replace("_", " "), "marker": "o", "markersize": 3}
        ax.plot(seen, [row[term] for row in history], **{**look, **line})
    ax.set(xlabel="images seen", ylabel="nats per image")
    ax.xaxis.set_major_formatter("{x:,.0f}")
    return ax


def intervals(
    found: dict[str, Sequence[float]],
    color: str | Sequence[str],
    ax: Axes | None = None,
    shift: float = 0.0,
    **dots,
) -> Axes:
    """Means with their intervals, a row for each name, from the top down:
    {name: (mean, low, high)}; what follows in a row is not drawn.

    `color` is one for all rows or one for each. `shift` moves rows down by a
    part of a row, so that several models can share one.
    """
    ax = ax or plt.figure(figsize=WIDE).add_subplot()
    mean, low, high = np.array([row[:3] for row in found.values()]).T
    rows = np.arange(len(found)) + shift
    ax.hlines(rows, low, high, color)
    ax.scatter(mean, rows, c=color, **{"s": 22, "zorder": 3, **dots})
    ax.set_yticks(range(len(found)), found)
    ax.set_ylim(len(found) - 0.5, -0.5)
    ax.tick_params("y", length=0)
    return ax


def verdict_rows(rows: Sequence[dict[str, str]]) -> Figure:
    """The rows of `evidence.ledger`, in units of their margins: left of 0 a
    claim is not true, right of 1 it is by as much as matters.

    A column for each data set, a line for each judge; a hollow mark is a judge
    that is not asked. What lies outside is drawn at the edge, as a triangle.
    """
    sets = list(dict.fromkeys(row["data"] for row in rows))
    names = list(dict.fromkeys(_row_name(row) for row in rows))
    figure, axes = plt.subplots(
        1, len(sets), sharey=True, squeeze=False,
        figsize=(7.2, 0.75 + 0.5 * len(names)),
    )  # fmt: skip
    for ax, data in zip(axes[0], sets, strict=True):
        ax.axvspan(0, 1, color="0.92", lw=0)
        ax.axvline(0, color="0.4", lw=0.8)
        for name in names:
            same = [
                r for r in rows if (_row_name(r), r["data"]) == (name, data)
            ]
            for k, row in enumerate(same):
                y = names.index(name) + 0.24 * (k - (len(same) - 1) / 2)
                _verdict_line(ax, row, y)
        ax.set(title=data, xlim=(-FARTHEST - 0.4, FARTHEST + 0.4))
        ax.set_xticks([-FARTHEST, 0, 1, FARTHEST])
        ax.set_yticks(range(len(names)), names)
        ax.set_ylim(len(names) - 0.5, -0.5)
        ax.tick_params("y", length=0)
    figure.supxlabel("in margins", fontsize=8)
    return figure


FARTHEST = 5  # margins


def _row_name(row: dict[str, str]) -> str:
    beta = "" if row["beta"] == "1" else f", beta {row['beta']}"
    return textwrap.fill(f"{row['row']}, d\xa0=\xa0{row['d']}{beta}", 36)


def _verdict_line(ax: Axes, row: dict[str, str], y: float) -> None:
    if not row["number"]:
        return
    colors = {"ae": AE_COLOR, "vae": VAE_COLOR, "both": "0.25"}
    color, margin = colors[row["about"]], float(row["margin"])
    mean, low, high = (
        float(row[x]) / margin for x in ("number", "low", "high")
    )
    ends = np.clip([low, high], -FARTHEST, FARTHEST)
    asked = row["verdict"] != "left out"
    ax.hlines(y, *ends, color, lw=1.4, linestyle="-" if asked else ":")
    mark = ">" if mean > FARTHEST else "<" if mean < -FARTHEST else "o"
    ax.plot(
        np.clip(mean, -FARTHEST, FARTHEST), y, mark, color=color, ms=4.5,
        mfc=color if asked else "white",
    )  # fmt: skip


def claim_pictures(claim: str) -> Figure:
    """Pictures of what a claim of the ledger speaks of, on each data set."""
    path = evidence.RESULTS / "ledger-pictures.json"
    about = json.loads(path.read_text(encoding="utf-8"))
    sets = about["rows"][claim]
    with Image.open(path.with_name("ledger.webp")) as sheet:
        side = sheet.width // about["shown"]
        pixels = torch.from_numpy(np.array(sheet.convert("L")))
    strips = pixels.unflatten(0, (-1, side)).unflatten(2, (-1, side))
    strips = strips.movedim(2, 1)[:, :, None]  # (rows, shown, 1, side, side)
    heights = [len(rows) for rows in sets.values()]
    figure, axes = plt.subplots(
        len(sets), squeeze=False, height_ratios=heights,
        figsize=(7.2, 0.5 * sum(heights) + 0.3 * len(sets)),
    )  # fmt: skip
    for ax, (data, rows) in zip(axes[:, 0], sets.items(), strict=True):
        image_rows({words: strips[row] for words, row in rows.items()}, ax)
        ax.set_title(data)
    return figure


_GREY = {"cmap": "gray", "vmin": 0, "vmax": 1, "interpolation": "nearest"}


def _pictures(images: Tensor) -> list[np.ndarray]:
    """(H, W) of each grey one, (H, W, 3) of each in colour, from 0 to 1."""
    if images.ndim != 4 or images.shape[1] not in (1, 3):
        raise ValueError(
            "Expected pictures of shape (N, 1 or 3, H, W), got "
            f"{tuple(images.shape)}."
        )
    values = to_float(images.detach()).cpu().float().clamp(0, 1)
    return list(values.movedim(1, 3).squeeze(3).numpy())


def _in_rows(images: Tensor, columns: int) -> list[list[np.ndarray]]:
    pictures = _pictures(images)
    starts = range(0, len(pictures), columns)
    return [pictures[start : start + columns] for start in starts]


def _mosaic(rows: list[list[np.ndarray]], gap: int = 2) -> np.ndarray:
    columns = max(map(len, rows))
    height, width, *channels = rows[0][0].shape
    down, along = height + gap, width + gap
    size = (len(rows) * down - gap, columns * along - gap, *channels)
    canvas = np.full(size, 1.0 if channels else np.nan)  # no grey: see-through
    for y, row in enumerate(rows):
        for x, picture in enumerate(row):
            top, left = y * down, x * along
            canvas[top : top + height, left : left + width] = picture
    return canvas


def _bare(ax: Axes) -> Axes:
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    return ax
