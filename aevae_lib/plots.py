"""Figures. Every function takes arrays, never a model, and draws into the axes
it is given.
"""

import inspect
from collections.abc import Callable, Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.display import Code
from matplotlib.axes import Axes
from matplotlib.patches import Circle, Ellipse
from matplotlib.patheffects import withStroke
from torch import Tensor

from .data import CLASS_NAMES

# Two sizes serve most of the course.
WIDE = (7.2, 3.5)  # an AE | VAE pair
SQUARE = (4.8, 4.8)  # one latent plane

AE_COLOR, VAE_COLOR, BASELINE_COLOR = "#D55E00", "#0072B2", "#6b6b6b"

# Matplotlib's petroff10, ordered so that the classes that overlap most stay
# apart for every kind of colour vision; the marker tells the family: tops,
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
    """Rows of images, each with its name: {name: (N, 1, 32, 32)} in [0, 1] or
    uint8.
    """
    ax = ax or plt.figure(figsize=(7.2, 0.2 + 0.8 * len(rows))).add_subplot()
    ax.imshow(
        _mosaic([list(map(_picture, images)) for images in rows.values()]),
        **_GREY,
    )
    ax.set_yticks([16.5 + 34 * row for row in range(len(rows))], rows.keys())
    ax.set_xticks([])
    return _bare(ax)


def image_grid(
    images: Tensor, columns: int = 10, ax: Axes | None = None
) -> Axes:
    """Images in reading order: (N, 1, 32, 32) in [0, 1] or uint8."""
    ax = ax or plt.figure(figsize=SQUARE).add_subplot()
    pictures = [_picture(image) for image in images]
    rows = [
        pictures[start : start + columns]
        for start in range(0, len(pictures), columns)
    ]
    ax.imshow(_mosaic(rows), **_GREY)
    ax.set(xticks=[], yticks=[])
    return _bare(ax)


def decoded_plane(
    images: Tensor, extent: Sequence[float], ax: Axes | None = None
) -> Axes:
    """Decoded images where their latent points lie: those of `plane(extent,
    side)`, in order.
    """
    ax = ax or plt.figure(figsize=SQUARE).add_subplot()
    side = round(len(images) ** 0.5)
    pictures = [_picture(image) for image in images]
    rows = [
        pictures[start : start + side] for start in range(0, side * side, side)
    ]
    ax.imshow(_mosaic(rows, gap=0), extent=extent, aspect="auto", **_GREY)
    ax.set(xlabel="$z_0$", ylabel="$z_1$")
    return ax


def plane(extent: Sequence[float], side: int = 20) -> Tensor:
    """Points at the cell centres of a square grid, row by row from the top:
    (side^2, 2).
    """
    left, right, bottom, top = extent
    centres = (torch.arange(side) + 0.5) / side
    y, x = torch.meshgrid(top - (top - bottom) * centres, left + (right - left) * centres,
                          indexing="ij")  # fmt: skip
    return torch.stack([x.flatten(), y.flatten()], dim=1)


def latent_scatter(
    codes: Tensor,
    labels: Tensor,
    ax: Axes | None = None,
    limit: int = 5000,
    names: bool = True,
) -> Axes:
    """The first `limit` codes (N, 2), coloured by class, each class named at
    its median.
    """
    ax = ax or plt.figure(figsize=SQUARE).add_subplot()
    codes, labels = codes[:limit].cpu(), labels[:limit].cpu()
    size = 6 if len(codes) > 2000 else 12
    for k in range(len(CLASS_NAMES)):
        own = codes[labels == k]
        ax.scatter(*own.T, s=size, color=CLASS_COLORS[k], marker=CLASS_MARKERS[k], alpha=0.7,
                   linewidths=0.15, edgecolors="#333333", rasterized=True)  # fmt: skip
    if names:
        class_names(codes, labels, ax)
    ax.set(xlabel="$z_0$", ylabel="$z_1$")
    return ax


def class_names(codes: Tensor, labels: Tensor, ax: Axes) -> Axes:
    """Each class's name at the median of its codes (N, 2), moved up where it
    would hide another.
    """
    codes, labels = np.asarray(codes.cpu()), np.asarray(labels.cpu())
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
        ax.annotate(CLASS_NAMES[k], (x, y), ha="center", va="center", fontsize=8,
                    path_effects=[withStroke(linewidth=2.5, foreground="white")])  # fmt: skip
    return ax


def prior_circles(ax: Axes) -> Axes:
    """Circles at one and two standard deviations of N(0, I): 39 % and 86 % of
    its mass.
    """
    for radius in (1, 2):
        ax.add_patch(
            Circle(
                (0, 0),
                radius,
                fill=False,
                color="black",
                linewidth=1,
                linestyle="--",
            )
        )
    return ax


def clouds(mu: Tensor, logvar: Tensor, colors: Sequence[str], ax: Axes) -> Axes:
    """Each q(z|x) as the ellipse of one and two standard deviations: (N, 2),
    (N, 2).
    """
    std = torch.exp(0.5 * logvar)
    for centre, width, color in zip(
        mu.tolist(), std.tolist(), colors, strict=True
    ):
        for deviations, alpha in ((1, 0.45), (2, 0.2)):
            size = [2 * deviations * w for w in width]
            ax.add_patch(
                Ellipse(
                    centre,
                    *size,
                    facecolor=color,
                    edgecolor="none",
                    alpha=alpha,
                )
            )
    return ax


def loss_curves(
    history: list[dict], terms: Sequence[str], ax: Axes | None = None, **line
) -> Axes:
    """Terms of a history of `train.fit` against the images seen."""
    ax = ax or plt.figure(figsize=WIDE).add_subplot()
    seen = [row["images_seen"] for row in history]
    for term in terms:
        style = {"label": term.replace("_", " "), **line}
        ax.plot(
            seen,
            [row[term] for row in history],
            marker="o",
            markersize=3,
            **style,
        )
    ax.set(xlabel="images seen", ylabel="nats per image")
    ax.xaxis.set_major_formatter("{x:,.0f}")
    return ax


def class_bars(
    shares: dict[str, Tensor], colors: Sequence[str], ax: Axes | None = None
) -> Axes:
    """Bars side by side for each class: {name: (10,)} of shares that sum to 1."""
    ax = ax or plt.figure(figsize=WIDE).add_subplot()
    width = 0.8 / len(shares)
    for place, ((name, values), color) in enumerate(
        zip(shares.items(), colors, strict=True)
    ):
        x = (
            np.arange(len(CLASS_NAMES))
            + (place - (len(shares) - 1) / 2) * width
        )
        ax.bar(x, values.tolist(), width, label=name, color=color)
    ax.set_xticks(range(len(CLASS_NAMES)), CLASS_NAMES, rotation=30, ha="right")
    ax.set(ylabel="share of decoded samples")
    ax.legend()
    return ax


_GREY = {"cmap": "gray", "vmin": 0, "vmax": 1, "interpolation": "nearest"}


def _picture(image: Tensor) -> np.ndarray:
    values = image.detach().squeeze(0).cpu().numpy()
    return values / 255 if values.dtype == np.uint8 else values


def _mosaic(rows: list[list[np.ndarray]], gap: int = 2) -> np.ndarray:
    columns = max(map(len, rows))
    step = rows[0][0].shape[0] + gap
    canvas = np.ones((len(rows) * step - gap, columns * step - gap))
    for y, row in enumerate(rows):
        for x, picture in enumerate(row):
            canvas[
                y * step : (y + 1) * step - gap, x * step : (x + 1) * step - gap
            ] = picture
    return canvas


def _bare(ax: Axes) -> Axes:
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    return ax
