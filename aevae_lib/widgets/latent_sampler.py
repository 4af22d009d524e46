"""A slider for each latent dimension, however many there are, and ten draws
from any sampler.
"""

import math
from dataclasses import dataclass

import ipywidgets
import torch
from matplotlib.figure import Figure
from torch import Tensor

from .. import measure, plots, sample
from ..models import VAE, Autoencoder
from . import pictures
from .network import Net, as_text, decoder
from .panel import (
    Control,
    Panel,
    check_box,
    nice_step,
    sliders,
    subscript,
    tidy,
    widgets_of,
)
from .planes import check_model

REACH = 4.0  # the sliders reach this many standard deviations
IDLE = 0.01  # nats: a dimension that costs less carries next to nothing
SCROLLED = 16  # more sliders than these scroll in a box of their own


@dataclass(frozen=True)
class Source:
    """A model to draw with, and the densities fitted to its codes (N, D)."""

    name: str
    model: Autoencoder
    codes: Tensor | None
    fitted: dict[str, sample.Mixture]

    def described(self) -> list[dict]:
        """What the browser draws from, besides the prior."""
        if self.codes is None:
            return []
        ends = torch.stack([self.codes.amin(0), self.codes.amax(0)])
        described = [{"name": "box", "numbers": as_text(ends)}]
        for name, one in self.fitted.items():
            rows = one.weights[:, None], one.means, one.factors.flatten(1)
            numbers = as_text(torch.cat(rows, 1))
            count = len(one.weights)
            described.append(
                {"name": name, "components": count, "numbers": numbers}
            )
        return described


def latent_sampler(
    model: Autoencoder,
    codes: Tensor | None = None,
    *,
    images: Tensor | None = None,
    twin: tuple[Autoencoder, Tensor] | None = None,
) -> Panel:
    """One slider for each latent dimension ("z0", "z1", ...), the image decoded
    there, and ten draws on a strip.

    A button draws ten times from the prior N(0, I). Given training codes
    (N, D), three more draw from the box that just holds them and from the
    densities that `sample.fit_gaussian` and `sample.fit_mixture` fit to them.
    The sliders go to the first draw, and to any other that is chosen. They
    start at a draw from the mixture, or else from the prior, and reach four
    standard deviations and every code.

    Given `images` (N, *image_shape) of a VAE, its sliders are sorted by the KL
    that their dimensions cost on these, the largest first, and those below
    0.01 nats are folded away: the check box "show_idle" shows them.

    `twin` is a second model of as many dimensions with its training codes: its
    own ten draws, made with the same random numbers, stand under the first
    model's.
    """
    sources = _sources([(model, codes), *([] if twin is None else [twin])])
    low, high, step = _box(model.latent_dim, sources[0].codes)
    kl = _kl(model, images)
    controls = _sliders(_start(sources[0]), low, high, step, kl)
    idle = [trait for trait in controls if kl.get(trait, math.inf) < IDLE]
    for trait in idle:
        controls[trait].widget.add_class("aevae-idle")
    seen, boxes = model.latent_dim - len(idle), {}
    if idle:
        name = f"{len(idle)} more that cost under {IDLE} nats each"
        boxes["show_idle"] = check_box(name, False)
    return Panel(
        "latent_sampler",
        controls | boxes,
        [_grid(controls, seen), *widgets_of(boxes.values())],
        room=_room(seen, bool(boxes), len(sources)),
        still=pictures.still(lambda figure: _still(figure, sources)),
        still_text=_still_text(sources),
        nets=[_net(source) for source in sources],
        shapes=[list(source.model.image_shape) for source in sources],
        names=[source.name for source in sources],
        low=low,
        high=high,
        step=step,
        samplers=[source.described() for source in sources],
        kl=[round(nats, 4) for nats in kl.values()],
    )


def _sources(pairs: list[tuple[Autoencoder, Tensor | None]]) -> list[Source]:
    """The models by name, each with what is fitted to its codes."""
    for model, _ in pairs:
        check_model(model)
    sizes = [model.latent_dim for model, _ in pairs]
    if len(set(sizes)) > 1:
        raise ValueError(
            "Twins share their random numbers, and these have "
            f"{sizes[0]} and {sizes[1]} latent dimensions: choose a twin of "
            "the same size."
        )
    names = ["VAE" if isinstance(model, VAE) else "AE" for model, _ in pairs]
    if len(set(names)) < len(names):
        names = [f"{name} {n}" for n, name in enumerate(names, 1)]
    made = []
    for name, (model, codes) in zip(names, pairs, strict=True):
        fitted = {}
        if codes is not None:
            codes = sample.check_codes(codes, model.latent_dim)
            codes = codes.detach().cpu().float()
            fitted["fitted Gaussian"] = sample.fit_gaussian(codes)
            fitted["mixture"] = sample.fit_mixture(codes)
        made.append(Source(name, model, codes, fitted))
    return made


def _net(source: Source) -> Net:
    """Its decoder, precise enough in the box of its own codes."""
    low, high, _ = _box(source.model.latent_dim, source.codes)
    return decoder(source.model, low, high)


def _box(
    dims: int, codes: Tensor | None
) -> tuple[list[float], list[float], float]:
    """Where the sliders end, and their step."""
    low, high = torch.full((dims,), -REACH), torch.full((dims,), REACH)
    if codes is not None:
        middle, spread = codes.mean(0), REACH * codes.std(0)
        low = torch.stack([low, middle - spread, codes.amin(0)]).amin(0)
        high = torch.stack([high, middle + spread, codes.amax(0)]).amax(0)
    step = nice_step((high - low).min().item())
    steps = (low / step).floor().tolist(), (high / step).ceil().tolist()
    low, high = ([tidy(at * step, step) for at in ends] for ends in steps)
    return low, high, step


def _kl(model: Autoencoder, images: Tensor | None) -> dict[str, float]:
    """What each dimension costs in nats, the dearest first; nothing for an
    autoencoder.
    """
    if images is None or not isinstance(model, VAE):
        return {}
    with torch.no_grad():
        parts = [
            model.posterior(part)
            for part in sample.inputs(model, images, batch_size=1000)
        ]
    mu, logvar = (torch.cat(one) for one in zip(*parts, strict=True))
    each = measure.kl_per_dimension(mu, logvar).tolist()
    order = sorted(range(len(each)), key=lambda i: -each[i])
    return {f"z{i}": each[i] for i in order}


def _start(source: Source) -> list[float]:
    """A draw from the heaviest part of the mixture, where many garments are;
    without codes, from the prior.
    """
    if source.codes is None:
        nowhere = torch.zeros(1, source.model.latent_dim)
        return sample.prior(nowhere)(1)[0].tolist()
    weights, means, factors = source.fitted["mixture"]
    heaviest = weights.argmax()
    noise = sample.normal(1, means, seed=0)[0]
    return (means[heaviest] + factors[heaviest] @ noise).tolist()


def _sliders(
    start: list[float],
    low: list[float],
    high: list[float],
    step: float,
    kl: dict[str, float],
) -> dict[str, Control]:
    """The sliders in the order in which they stand, the dearest first."""
    rows = {}
    for trait in kl or [f"z{i}" for i in range(len(start))]:
        i = int(trait[1:])
        value = min(max(start[i], low[i]), high[i])
        price = f", KL {kl[trait]:.2f} nats" if kl else ""
        name = f"latent coordinate {trait}{price}"
        rows[trait] = subscript(trait), name, value, (low[i], high[i]), step
    return sliders(rows)


def _grid(controls: dict[str, Control], seen: int) -> ipywidgets.GridBox:
    scrolls = (
        {"max_height": "310px", "overflow": "auto"} if seen > SCROLLED else {}
    )
    columns = "repeat(auto-fill, minmax(min(100%, 210px), 1fr))"
    return ipywidgets.GridBox(
        widgets_of(controls.values()),
        layout={"grid_template_columns": columns} | scrolls,
    )


def _room(seen: int, folded: bool, models: int) -> list[int]:
    """Its height in px on a wide and on a narrow page, measured."""
    most = 310 if seen > SCROLLED else math.inf
    beside = max(200, min(most, 34 * math.ceil(seen / 2)) + 34 * folded)
    under = min(most, 44 * seen) + 44 * folded
    return [183 + 80 * models + beside, 431 + 157 * models + under]


def _still(figure: Figure, sources: list[Source]) -> None:
    rows = {}
    for source in sources:
        nowhere = torch.zeros(1, source.model.latent_dim)
        samplers = {"prior": sample.prior(nowhere)}
        if source.codes is not None:
            samplers["Gaussian"] = sample.fitted_gaussian(source.codes)
        for name, draw in samplers.items():
            drawn = sample.pictures(source.model, draw(10, seed=0))
            rows[f"{source.name}\n{name}"] = drawn
    figure.set_size_inches(7.2, 0.3 + 0.8 * len(rows))
    plots.image_rows(rows, figure.subplots())


def _still_text(sources: list[Source]) -> str:
    """What the still figure shows."""
    names = " and of the ".join(source.name for source in sources)
    dims = sources[0].model.latent_dim
    more = sources[0].codes is not None
    fitted = ", and at ten from the Gaussian fitted" if more else ""
    return (
        f"Images decoded at ten draws from the prior of the {names} with "
        f"{dims} dimensions{fitted}."
    )
