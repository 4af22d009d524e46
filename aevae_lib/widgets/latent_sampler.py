"""A slider for each latent dimension, however many there are."""

import math

import ipywidgets
import torch
from matplotlib.figure import Figure
from torch import Tensor

from .. import plots, sample
from ..models import Autoencoder
from . import pictures
from .network import as_text, decoder
from .panel import Panel, nice_step, sliders, subscript, tidy, widgets_of
from .planes import check_model

REACH = 4.0  # the sliders reach this many standard deviations


def latent_sampler(model: Autoencoder, codes: Tensor | None = None) -> Panel:
    """One slider for each latent dimension ("z0", "z1", ...), and the image
    decoded there.

    A button draws z from the prior N(0, I). Given training codes (N, D), two
    more draw it from the densities that `sample.fit_gaussian` and
    `sample.fit_mixture` fit to them. The sliders reach four standard
    deviations; a draw outside them is drawn again.
    """
    check_model(model)
    dims = model.latent_dim
    if codes is not None:
        codes = sample.check_codes(codes, dims).detach().cpu().float()
    low, high, step = _box(dims, codes)
    rows = {}
    for i, ends in enumerate(zip(low, high, strict=True)):
        z = f"z{i}"
        rows[z] = subscript(z), f"latent coordinate {z}", 0.0, ends, step
    controls = sliders(rows)
    scrolls = {"max_height": "330px", "overflow": "auto"} if dims > 16 else {}
    columns = "repeat(auto-fill, minmax(min(100%, 230px), 1fr))"
    grid = ipywidgets.GridBox(
        widgets_of(controls.values()),
        layout={"grid_template_columns": columns} | scrolls,
    )
    more = "." if codes is None else ", and at ten from the Gaussian fitted."
    return Panel(
        "latent_sampler",
        controls,
        [grid],
        room=[
            410 + min(330, 34 * math.ceil(dims / 3)),
            465 + min(330, 34 * dims),
        ],
        still=pictures.still(lambda figure: _still(figure, model, codes)),
        still_text="Images decoded at ten draws from the prior of "
        f"{dims} dimensions{more}",
        nets=[decoder(model, low, high)],
        shape=list(model.image_shape),
        low=low,
        high=high,
        step=step,
        densities=[] if codes is None else _densities(codes),
    )


def _box(
    dims: int, codes: Tensor | None
) -> tuple[list[float], list[float], float]:
    """Where the sliders end, and their step."""
    low, high = torch.full((dims,), -REACH), torch.full((dims,), REACH)
    if codes is not None:
        middle, spread = codes.mean(0), REACH * codes.std(0)
        low = torch.minimum(low, middle - spread)
        high = torch.maximum(high, middle + spread)
    step = nice_step((high - low).min().item())
    steps = (low / step).floor().tolist(), (high / step).ceil().tolist()
    low, high = ([tidy(at * step, step) for at in ends] for ends in steps)
    return low, high, step


def _densities(codes: Tensor) -> list[dict]:
    """The densities fitted to the codes, as the browser draws from them."""
    fitted = {
        "fitted Gaussian": sample.fit_gaussian(codes),
        "mixture": sample.fit_mixture(codes),
    }
    described = []
    for name, one in fitted.items():
        rows = one.weights[:, None], one.means, one.factors.flatten(1)
        numbers = as_text(torch.cat(rows, 1))
        described.append(
            {"name": name, "components": len(one.weights), "numbers": numbers}
        )
    return described


def _still(figure: Figure, model: Autoencoder, codes: Tensor | None) -> None:
    samplers = {"prior": sample.prior(torch.zeros(1, model.latent_dim))}
    if codes is not None:
        samplers["fitted\nGaussian"] = sample.fitted_gaussian(codes)
    figure.set_size_inches(7.2, 0.3 + 0.8 * len(samplers))
    rows = {
        name: sample.pictures(model, draw(10, seed=0))
        for name, draw in samplers.items()
    }
    plots.image_rows(rows, figure.subplots())
