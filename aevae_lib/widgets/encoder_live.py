"""The encoder at work on garments that are shifted or partly erased."""

import base64
from collections.abc import Sequence

import ipywidgets
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from .. import plots
from ..data import CLASS_NAMES, Split
from ..models import Autoencoder
from . import planes, stills
from .network import as_text, decoder, encoder
from .panel import Control, Panel, columns, space
from .planes import Plane

PER_CLASS = 3  # images of each class to choose from


def encoder_live(
    *models: Autoencoder, images: Split, names: Sequence[str] | None = None
) -> Panel:
    """Garments to shift or partly erase, and where the encoder of each model
    then puts them.

    On the plane of each model (one or two, latent_dim = 2) the garment's code
    moves among those of the first 1,000 of `images`: a point, and for a VAE its
    cloud N(mu, sigma^2) as the ellipse of one standard deviation with one draw
    from it, which a button draws anew. Beside it stand the images decoded at
    the code and at the draw, and the cloud's KL in nats.

    The sliders ("garment", "right" and "down" in pixels, "top" and "left": rows
    and columns to erase) choose one of the first three garments of every class
    and change it: erased first, then shifted. `panel.view.map0_z0` and its like
    follow the code.
    """
    series = planes.check_series(models)
    shown = planes.check_points(images)
    if shown is None:
        raise TypeError(
            "encoder_live needs images to encode: pass images=fashion.test."
        )
    drawn = planes.planes_of(series, names, shown)
    chosen = _some_of_every_class(shown)
    garments = chosen.images.cpu()
    nets, maps = _described(drawn, garments)
    controls = _sliders(len(garments))
    sliders = [control.widget for control in controls.values()]
    values = _values(drawn, chosen)
    return Panel(
        "encoder_live",
        controls,
        [sliders[0], columns(sliders[1:3], sliders[3:])],
        values=values,
        limits={trait: (-6.0, 6.0) for trait in values if "noise" in trait},
        room=[1040, 1510] if len(models) == 2 else [955, 1155],
        still=stills.drawn(
            lambda figure: _still(figure, drawn, garments, shown)
        ),
        still_text=(
            "A garment shifted to the right step by step, and under it the way "
            "of its code over the latent plane of "
            f"{' and of '.join(plane.name for plane in drawn)}."
        ),
        nets=nets,
        maps=maps,
        labels=shown.labels.tolist(),
        classes=planes.classes(),
        images=base64.b64encode(garments.numpy().tobytes()).decode("ascii"),
        names=[CLASS_NAMES[label] for label in chosen.labels.tolist()],
    )


def _some_of_every_class(shown: Split) -> Split:
    """The first images of each class, class by class."""
    own = [
        (shown.labels == label).nonzero()[:PER_CLASS, 0]
        for label in range(len(CLASS_NAMES))
    ]
    chosen = torch.cat(own)
    return Split(shown.images[chosen], shown.labels[chosen])


def _described(
    drawn: Sequence[Plane], garments: Tensor
) -> tuple[list, list[dict]]:
    """Encoders and decoders, and the planes as encoder_live.js reads them."""
    nets, maps = [], []
    for plane in drawn:
        maps.append(
            {
                "name": plane.name,
                "prior": plane.prior,
                "low": plane.low,
                "high": plane.high,
                "encoder": len(nets),
                "decoder": len(nets) + 1,
                "codes": as_text(plane.codes[-1]),
            }
        )
        nets += [
            encoder(plane.model, garments),
            decoder(plane.model, plane.low, plane.high),
        ]
    return nets, maps


def _values(drawn: Sequence[Plane], chosen: Split) -> dict[str, float]:
    """Where the first image's codes are, and the draws from their clouds in
    standard deviations.
    """
    values = {}
    for index, plane in enumerate(drawn):
        first = Split(chosen.images[:1], chosen.labels[:1])
        code = planes.codes_of(plane.model, first)[0].tolist()
        noise = (0.6, -0.8)
        for axis in (0, 1):
            values[f"map{index}_z{axis}"] = code[axis]
            if plane.prior:
                values[f"map{index}_noise{axis}"] = noise[axis]
    return values


def _sliders(garments: int) -> dict[str, Control]:
    numbers = {
        "garment": ("garment", 0, garments - 1, "number of the garment"),
        "right": ("shift right", -12, 12, "shift to the right, in pixels"),
        "down": ("shift down", -12, 12, "shift down, in pixels"),
        "top": ("erase top", 0, 28, "rows to erase from the top"),
        "left": ("erase left", 0, 28, "columns to erase from the left"),
    }
    return {
        trait: Control(
            ipywidgets.IntSlider(
                value=0, min=low, max=high, description=label, **space(11)
            ),
            name,
        )
        for trait, (label, low, high, name) in numbers.items()
    }


def _still(
    figure: Figure, drawn: Sequence[Plane], garments: Tensor, shown: Split
) -> None:
    steps = range(0, 10, 2)
    shifted = torch.cat(
        [nn.functional.pad(garments[:1], (step, -step)) for step in steps]
    )
    figure.set_size_inches(7.2, 4.9)
    top, bottom = figure.subfigures(2, 1, height_ratios=(1, 3.4))
    plots.image_rows({"shifted": shifted}, top.subplots())
    axes = bottom.subplots(1, len(drawn), squeeze=False)[0]
    for plane, ax in zip(drawn, axes, strict=True):
        plots.latent_scatter(plane.codes[-1], shown.labels, ax, names=False)
        way = Split(shifted, shown.labels[: len(shifted)])
        ax.plot(*planes.codes_of(plane.model, way).T, "k.-", markersize=9)
        ax.set(xlim=plane.extent[:2], ylim=plane.extent[2:], aspect="equal")
        ax.set_title(plane.name)
