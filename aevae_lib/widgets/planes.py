"""Latent planes: what the views of models with two latent dimensions share."""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from matplotlib.image import imsave
from torch import Tensor, nn

from .. import sample
from ..data import CLASS_NAMES, Split
from ..models import VAE, Autoencoder
from ..plots import CLASS_COLORS, CLASS_MARKERS
from . import stills
from .network import leaves
from .panel import nice_step, tidy

POINTS = 1000  # images shown on a latent plane
SPRITE_COLUMNS = 40  # small pictures side by side in the browser's sheet

# one model's checkpoints, each with its label
Series = Sequence[tuple[str, Autoencoder]]


@dataclass(frozen=True)
class Plane:
    """The latent plane of a model, or of its checkpoints, and the codes on it:
    for each checkpoint (N, 2), on the CPU.

    It is the square from `low` to `high`, whose sliders move by `step`;
    `prior` says whether the prior's circles belong on it.
    """

    name: str
    series: Series
    codes: list[Tensor]
    prior: bool
    low: list[float]
    high: list[float]
    step: float

    @property
    def model(self) -> Autoencoder:
        """The last checkpoint."""
        return self.series[-1][1]

    @property
    def extent(self) -> list[float]:
        """Left, right, bottom and top, as matplotlib wants them."""
        return [self.low[0], self.high[0], self.low[1], self.high[1]]


def planes_of(
    series: Sequence[Series], names: Sequence[str] | None, shown: Split | None
) -> list[Plane]:
    """A plane for each series, named, with the codes of the images shown."""
    if names is None:
        names = _default_names([one[0][1] for one in series])
    if len(names) != len(series):
        raise ValueError(
            f"{len(series)} models need as many names, not {len(names)}."
        )
    made = []
    for name, one in zip(names, series, strict=True):
        codes = [codes_of(model, shown) for _, model in one]
        prior = any(isinstance(model, VAE) for _, model in one)
        corners = square(torch.cat(codes), centred=prior)
        made.append(Plane(name, one, codes, prior, *corners))
    return made


def _default_names(models: Sequence[Autoencoder]) -> list[str]:
    names = ["VAE" if isinstance(model, VAE) else "AE" for model in models]
    if len(set(names)) < len(names):
        return [f"{name} {number}" for number, name in enumerate(names, 1)]
    return names


def codes_of(model: Autoencoder, shown: Split | None) -> Tensor:
    """The codes of the images shown, on the CPU: (N, 2)."""
    if shown is None:
        return torch.zeros(0, 2)
    codes = sample.encode(model, shown.images).cpu()
    if not codes.isfinite().all():
        raise ValueError(
            f"This {type(model).__name__} encodes some images as NaN or "
            "infinity: its training has failed. Train it again with a lower "
            "learning rate."
        )
    return codes


def square(
    codes: Tensor, centred: bool
) -> tuple[list[float], list[float], float]:
    """A square that holds codes (N, 2) and the origin: its corners, and its
    sliders' step.
    """
    corners = torch.cat([codes, torch.zeros(1, 2)])
    low, high = corners.amin(0), corners.amax(0)
    if centred:
        high = torch.maximum(high, -low)
        low = -high
    half = 1.05 * (high - low).max().item() / 2
    if centred or half == 0:
        half = max(half, 3.0)
    step = nice_step(2 * half)
    tick = 5 * step  # the corners are round numbers too
    ticks = math.ceil(half / tick)
    middle = [round(value / tick) for value in ((low + high) / 2).tolist()]
    low = [tidy((at - ticks) * tick, step) for at in middle]
    high = [tidy((at + ticks) * tick, step) for at in middle]
    return low, high, step


# --- what is checked ---------------------------------------------------------


def check_model(model: Autoencoder) -> None:
    """Refuse what is no autoencoder, and decoders that need more than z."""
    kind = type(model).__name__
    if not isinstance(model, Autoencoder):
        raise TypeError(
            "This widget shows an Autoencoder or a VAE from aevae_lib.models, "
            f"not a {kind}."
        )
    linear = (x for x in leaves(model.decoder) if isinstance(x, nn.Linear))
    first = next(linear, None)
    if first is not None and first.in_features != model.latent_dim:
        raise ValueError(
            f"The decoder of this {kind} takes {first.in_features} numbers and "
            f"a code has {model.latent_dim}: a decoder that is told more than "
            "the code has no widget."
        )


def check_series(
    models: Sequence[Autoencoder], checkpoints: Sequence[Series] | None = None
) -> list[Series]:
    """For each plane its (label, model) pairs; without checkpoints, one pair
    each.
    """
    if models and checkpoints is not None:
        raise ValueError(
            "Pass models or checkpoints, not both: a series holds its models."
        )
    series = [[("", model)] for model in models]
    if checkpoints is not None:
        series = [list(one) for one in checkpoints]
    if not 1 <= len(series) <= 2:
        raise ValueError(
            f"A latent plane shows one model or two, not {len(series)}."
        )
    first, *others = ([label for label, _ in one] for one in series)
    if not first or len(set(first)) < len(first) or others not in ([], [first]):
        raise ValueError(
            "The checkpoints of both planes must carry the same labels in the "
            "same order, none twice, at least one; they are "
            f"{[first, *others]}."
        )
    for model in (model for one in series for _, model in one):
        check_model(model)
        if model.latent_dim != 2:
            raise ValueError(
                f"A latent plane needs latent_dim = 2, and this "
                f"{type(model).__name__} has latent_dim = {model.latent_dim}. "
                "Use latent_sampler for it."
            )
    return series


def check_points(points: Split | None) -> Split | None:
    """The first of the images given."""
    if not (points is None or isinstance(points, Split)):
        raise TypeError(
            f"The points must be a data.Split, not a {type(points).__name__}."
        )
    if points is None:
        return None
    return Split(*(part[:POINTS] for part in points))


# --- what the browser is told of the images -----------------------------------


def classes() -> list[dict[str, str]]:
    """Each class's name and look."""
    looks = zip(CLASS_NAMES, CLASS_COLORS, CLASS_MARKERS, strict=True)
    return [
        {"name": name, "color": color, "marker": marker}
        for name, color, marker in looks
    ]


def sheet(images: Tensor) -> str:
    """The inner 28 x 28 pixels of uint8 images, side by side in one small
    picture.
    """
    inner = images[:, 0, 2:-2, 2:-2].cpu()
    rows = math.ceil(len(inner) / SPRITE_COLUMNS)
    tiles = torch.zeros(rows * SPRITE_COLUMNS, 28, 28, dtype=torch.uint8)
    tiles[: len(inner)] = inner
    whole = (
        tiles.view(rows, SPRITE_COLUMNS, 28, 28)
        .transpose(1, 2)
        .flatten(2)
        .flatten(0, 1)
    )
    file = io.BytesIO()
    grey = {"cmap": "gray", "vmin": 0, "vmax": 255}
    imsave(
        file, whole.numpy(), format="webp", pil_kwargs={"quality": 30}, **grey
    )
    return stills.address(file)
