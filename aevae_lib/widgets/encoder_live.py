"""The encoder at work on images that are shifted or partly erased."""

import base64
from collections.abc import Sequence

import torch
from matplotlib.figure import Figure
from torch import nn

from .. import plots
from ..data import Split
from ..models import Autoencoder
from . import pictures, planes
from .network import as_text, decoder, encoder
from .panel import Panel, columns, sliders
from .planes import Plane

PER_CLASS = 3  # images of each class to choose from
FARTHEST = 6.0  # standard deviations that a link can carry as a draw


def encoder_live(
    *models: Autoencoder, images: Split, names: Sequence[str] | None = None
) -> Panel:
    """Images to shift or partly erase, and where the encoder of each model then
    puts them.

    On the plane of each model (one or two, latent_dim = 2) the image's code
    moves among those of the first 1,000 of `images`: a point, and for a VAE its
    cloud N(mu, sigma^2) with one draw from it, which a button draws anew.
    Beside it stand the images decoded at the code and at the draw, a lens that
    shows the cloud (its ellipses of one and two standard deviations) and those
    around it, and the cloud's KL in nats.

    The sliders ("image", "right" and "down" in pixels, "top" and "left": rows
    and columns to erase) choose one of the first three images of every class
    and change it: erased first, then shifted. A pad unfolds to draw on it, and
    says which of them has the nearest code, and how many are redrawn better.
    `panel.view.map0_z0` and its like follow the code. At first the upper half
    is erased of the image whose code that moves farthest, in the last model.
    """
    series = planes.check_series(models)
    shown = planes.check_points(images)
    if shown is None:
        raise TypeError(
            "encoder_live needs images to encode: pass images=fashion.test."
        )
    drawn = planes.planes_of(series, names, shown)
    classes = range(len(shown.classes))
    own = [(shown.labels == k).nonzero()[:PER_CLASS, 0] for k in classes]
    chosen = shown[torch.cat(own)]  # class by class
    pixels = pictures.as_bytes(chosen.images)
    nets, maps = _described(drawn, chosen, shown)
    values, controls = _first_state(drawn, chosen)
    first, *others = controls.values()
    noise = [trait for trait in values if "noise" in trait]
    several = " and of ".join(plane.name for plane in drawn)
    return Panel(
        "encoder_live",
        controls,
        [first.widget, columns(others[:2], others[2:])],
        values=values,
        limits=dict.fromkeys(noise, (-FARTHEST, FARTHEST)),
        room=[875, 1105] if len(models) == 2 else [920, 1230],
        still=pictures.still(
            lambda figure: _still(figure, drawn, chosen, shown)
        ),
        still_text="An image shifted to the right step by step, and under it "
        f"the way of its code over the latent plane of {several}.",
        nets=nets,
        maps=maps,
        shape=list(shown.image_shape),
        labels=shown.labels.tolist(),
        classes=pictures.classes(shown),
        images=base64.b64encode(pixels.numpy().tobytes()).decode("ascii"),
        names=[shown.classes[label] for label in chosen.labels.tolist()],
    )


def _described(
    drawn: Sequence[Plane], chosen: Split, shown: Split
) -> tuple[list, list[dict]]:
    """Encoders and decoders, and the planes as encoder_live.js reads them."""
    nets, maps = [], []
    for plane in drawn:
        place = {"encoder": len(nets), "decoder": len(nets) + 1}
        place["codes"] = as_text(plane.codes[-1])
        if plane.prior:
            place["sigmas"] = as_text(planes.sigmas_of(plane.model, shown))
        maps.append(plane.described(**place))
        nets += [
            encoder(plane.model, chosen.images),
            decoder(plane.model, plane.low, plane.high),
        ]
    return nets, maps


def _first_state(
    drawn: Sequence[Plane], chosen: Split
) -> tuple[dict[str, float], dict]:
    """Where the codes of the first image are, and the draws from their clouds
    in standard deviations; and the sliders that choose and change it.
    """
    rows = chosen.image_shape[1] // 2
    erased = chosen.images.clone()
    erased[:, :, :rows] = 0
    halves = Split(erased, chosen.labels)
    codes = [planes.codes_of(plane.model, halves) for plane in drawn]
    shift = codes[-1] - planes.codes_of(drawn[-1].model, chosen)
    spread = drawn[-1].codes[-1].std(0, correction=0).clamp(min=1e-9)
    image = (shift / spread).norm(dim=1).argmax().item()
    values = {}
    for index, plane in enumerate(drawn):
        code = codes[index][image].tolist()
        for axis, noise in enumerate((0.6, -0.8)):
            values[f"map{index}_z{axis}"] = code[axis]
            if plane.prior:
                values[f"map{index}_noise{axis}"] = noise
    return values, _sliders(chosen, image, rows)


def _sliders(chosen: Split, image: int, erased: int) -> dict:
    """Which image, how far it moves, and how much of it is erased, at first
    `erased` rows of one `image`.
    """
    _, height, width = chosen.image_shape
    right, down = 3 * width // 8, 3 * height // 8
    top, left = 7 * height // 8, 7 * width // 8
    rows = {
        "image": ("image", "number of the image", len(chosen) - 1),
        "right": ("shift right", "shift to the right, in pixels", right),
        "down": ("shift down", "shift down, in pixels", down),
        "top": ("erase top", "rows to erase from the top", top),
        "left": ("erase left", "columns to erase from the left", left),
    }
    first = {"image": image, "top": erased}
    return sliders(
        {
            trait: (
                label,
                name,
                first.get(trait, 0),
                (-most if "shift" in label else 0, most),
                1,
            )
            for trait, (label, name, most) in rows.items()
        }
    )


def _still(
    figure: Figure, drawn: Sequence[Plane], chosen: Split, shown: Split
) -> None:
    first, width = chosen.images[:1], chosen.image_shape[2]
    steps = [width * step // 16 for step in range(5)]
    shifted = torch.cat([nn.functional.pad(first, (by, -by)) for by in steps])
    figure.set_size_inches(7.2, 4.9)
    top, bottom = figure.subfigures(2, 1, height_ratios=(1, 3.4))
    plots.image_rows({"shifted": shifted}, top.subplots())
    axes = bottom.subplots(1, len(drawn), squeeze=False)[0]
    for plane, ax in zip(drawn, axes, strict=True):
        plane.draw(ax, shown, names=False)
        way = Split(shifted, torch.zeros(len(steps), dtype=torch.long))
        ax.plot(*planes.codes_of(plane.model, way).T, "k.-", markersize=9)
        ax.set_title(plane.name)
