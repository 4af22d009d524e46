"""Latent planes: what the views of models with two latent dimensions share."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .. import measure, plots, sample
from ..data import Split
from ..models import VAE, Autoencoder, evaluating
from .network import leaves
from .panel import nice_step, tidy

POINTS = 1000  # images shown on a latent plane
NEIGHBOURS = 5  # a code's ball reaches to its fifth; fewer codes have no holes
BESIDE = 0.22  # standard deviations of the codes

# one model's checkpoints, each with its label
Series = Sequence[tuple[str, Autoencoder]]


@dataclass(frozen=True)
class Plane:
    """The latent plane of a series, and for each checkpoint the codes of the
    images shown (N, 2): the square from `low` to `high`, whose sliders move by
    `step`, with the prior's circles or without.
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

    def described(self, **more) -> dict:
        """The plane as plane.js reads it."""
        known = ("name", "prior", "low", "high", "step")
        shape = {"shape": list(self.model.image_shape)}
        return {one: getattr(self, one) for one in known} | shape | more

    def draw(self, ax: plots.Axes, shown: Split | None, **options) -> None:
        """The codes on the axes of a still figure."""
        if shown is not None:
            plots.latent_scatter(self.codes[-1], shown, ax, **options)
        ends = (self.low[0], self.high[0]), (self.low[1], self.high[1])
        ax.set(xlim=ends[0], ylim=ends[1], aspect="equal")


def planes_of(
    series: Sequence[Series], names: Sequence[str] | None, shown: Split | None
) -> list[Plane]:
    """A plane for each series, named, with the codes of the images shown."""
    kinds = [isinstance(one[0][1], VAE) for one in series]
    if names is None:
        names = ["VAE" if vae else "AE" for vae in kinds]
        if len(set(names)) < len(names):
            names = [f"{name} {n}" for n, name in enumerate(names, 1)]
    if len(names) != len(series):
        raise ValueError(
            f"{len(series)} models need as many names, not {len(names)}."
        )
    made = []
    for name, one, prior in zip(names, series, kinds, strict=True):
        codes = [codes_of(model, shown) for _, model in one]
        corners = square(torch.cat(codes), centred=prior)
        made.append(Plane(name, one, codes, prior, *corners))
    return made


def codes_of(model: Autoencoder, shown: Split | None) -> Tensor:
    """The codes of the images shown, on the CPU: (N, 2)."""
    if shown is None:
        return torch.zeros(0, 2)
    codes = sample.encode(model, shown.images).cpu().float()
    if not codes.isfinite().all():
        raise ValueError(
            f"This {type(model).__name__} encodes some images as NaN or "
            "infinity: its training has failed. Train it again with a lower "
            "learning rate."
        )
    return codes


@torch.no_grad()
def sigmas_of(model: VAE, shown: Split | None) -> Tensor:
    """The standard deviations of the clouds of the images shown, on the CPU:
    (N, 2).
    """
    if shown is None:
        return torch.zeros(0, 2)
    with evaluating(model):
        parts = sample.inputs(model, shown.images, POINTS)
        logvar = torch.cat([model.posterior(x)[1] for x in parts])
    return torch.exp(0.5 * logvar).cpu().float()


def hole_beside(
    plane: Plane, labels: Tensor
) -> tuple[list[float], list[int]] | None:
    """A point of a plane in a hole between two images of different classes, by
    the codes of its last checkpoint, and which two; None if there is none.

    It is the point farthest from both that is still within `BESIDE` of them, or
    else the nearest.
    """
    codes = plane.codes[-1]
    if len(codes) <= NEIGHBOURS:
        return None
    low, high = torch.tensor(plane.low), torch.tensor(plane.high)
    count = round((high - low)[0].item() / plane.step)
    along = torch.arange(0, count + 1, max(1, count // 100)) * plane.step
    points = low + torch.cartesian_prod(along, along)
    points = points[measure.in_hole(points, codes, NEIGHBOURS)]
    away = (codes - points[:, None]) / codes.std(0)  # (P, N, 2)
    far = away.norm(dim=2)
    one = far.argmin(1)
    other = far.masked_fill(labels == labels[one, None], torch.inf).argmin(1)
    row = torch.arange(len(points))
    near, next_near = far[row, one], far[row, other]
    cosine = (away[row, one] * away[row, other]).sum(1) / (near * next_near)
    between = (cosine < -0.5) & (next_near < 1.5 * near)
    if not between.any():
        return None
    score = near.where(next_near < BESIDE, -next_near)
    best = score.where(between, -torch.inf).argmax()
    return points[best].tolist(), [one[best].item(), other[best].item()]


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
    """Refuse what is no autoencoder of pictures, and a decoder that is told
    more than z.
    """
    kind = type(model).__name__
    if not isinstance(model, Autoencoder):
        raise TypeError(
            "This widget shows an Autoencoder or a VAE from aevae_lib.models, "
            f"not a {kind}."
        )
    shape = model.image_shape
    if len(shape) != 3 or shape[0] not in (1, 3):
        raise ValueError(
            "A widget shows pictures of (channels, height, width) with one or "
            f"three channels, and those of this {kind} are {shape}."
        )
    linear = [x for x in leaves(model.decoder) if isinstance(x, nn.Linear)]
    if linear and linear[0].in_features != model.latent_dim:
        raise ValueError(
            f"The decoder of this {kind} takes {linear[0].in_features} numbers "
            f"and a code has {model.latent_dim}: a decoder that is told more "
            "than the code has no widget."
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
    labels = [[label for label, _ in one] for one in series]
    if not labels[0] or labels != len(series) * [
        list(dict.fromkeys(labels[0]))
    ]:
        raise ValueError(
            "The checkpoints of both planes must carry the same labels in the "
            f"same order, none twice, at least one; they are {labels}."
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
    """The first of the images given, on the CPU."""
    if not (points is None or isinstance(points, Split)):
        raise TypeError(
            f"The points must be a data.Split, not a {type(points).__name__}."
        )
    return points and points[:POINTS].to("cpu")
