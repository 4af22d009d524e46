"""An autoencoder and a VAE that train in the page."""

import base64
import zlib

import ipywidgets
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from .. import data, losses, plots, sample, train
from ..data import Split
from ..models import VAE, Autoencoder, seeded
from . import pictures, planes, source
from .panel import Control, Panel, space, widgets_of

PICTURES = 2000  # to train on
SHOWN = 600  # of them, as dots
SIDE = 14  # pixels along a picture's edge, as in live_engine.js
HIDDEN = 96
LEVELS = 15  # of grey above black: half a byte a pixel, and nobody can tell
NAMES = ("Autoencoder", "VAE")


def live_training(
    images: Split | None = None,
    play: bool = False,
    steps: int = 900,
    seed: int = 0,
) -> Panel:
    """An autoencoder (left) and a VAE (right) that train in the browser, side
    by side, from the same first weights and on the same batches.

    Buttons play, pause, take one step, start again, and draw one z from N(0,
    I), which both decode; a pointer or the arrow keys on a plane move its mark,
    and the other plane marks the picture whose code is nearest. `play` lets it
    start by itself when it is in view, and after so many `steps` it stops;
    `seed` chooses first weights and batches.

    Controls: "beta" for the VAE, from 0.01 to 100, and "noise0" and "noise1",
    whether the autoencoder and the VAE draw z from a cloud. Without noise the
    VAE pays for mu alone, |mu|^2 / 2; with it the autoencoder pays for nothing.

    The networks are small (196-96-2-96-196) and so are the pictures: 2,000 of
    `images` (by default, of the shipped sample of Fashion-MNIST), grey, without
    their frame, averaged to 14 x 14. Losses are the last 2,000 pictures' mean.
    """
    chosen = _chosen(images, seed)
    grey, shown = small_pictures(chosen), chosen[:SHOWN]
    controls = _controls()
    return Panel(
        "live_training",
        controls,
        [
            ipywidgets.HBox(
                widgets_of(controls.values()), layout={"flex_flow": "row wrap"}
            )
        ],
        values={"playing": play, "garment": _ordinary(grey, shown.labels)},
        limits={"beta": (0.01, 100), "garment": (0, len(shown) - 1)},
        room=[560, 700],
        still=pictures.still(lambda figure: _still(figure, grey, shown, seed)),
        still_text=(
            "Latent planes of a small autoencoder and a small VAE: the codes "
            "of pictures, by class, over what the decoder draws there."
        ),
        maps=[{"name": name, "prior": name == "VAE"} for name in NAMES],
        labels=shown.labels.tolist(),
        classes=pictures.classes(shown),
        images=_packed(grey),
        worker=source.joined("live_worker", end=""),
        steps=steps,
        seed=seed,
        about=(
            "A small network (196-96-2-96-196, Adam, batches of 64) on "
            f"{len(grey):,} small pictures (14 \u00d7 14), trained here, in "
            "your browser. The chapters train the real ones."
        ),
    )


def _chosen(images: Split | None, seed: int) -> Split:
    """What is trained on, by default of the shipped sample, on the CPU."""
    if images is None:
        images = data.read_folder(data.SAMPLE_FOLDER)[0]
    if not isinstance(images, Split):
        raise TypeError(
            "live_training trains on a data.Split of pictures, not a "
            f"{type(images).__name__}: pass images=fashion.train."
        )
    chance = torch.Generator().manual_seed(seed)
    some = torch.randperm(len(images), generator=chance)[:PICTURES]
    return images[some].to("cpu")


def small_pictures(split: Split) -> Tensor:
    """Grey pictures of 14 x 14 in [0, 1]: (N, 1, 14, 14)."""
    images = data.to_float(split.images)
    if images.ndim != 4 or not len(images):
        raise ValueError(
            "live_training needs pictures, (N, C, H, W) with N at least 1, and "
            f"these have the shape {tuple(images.shape)}."
        )
    if split.frame:
        cut = slice(split.frame, -split.frame)
        images = images[..., cut, cut]
    grey = images.mean(1, keepdim=True).clamp(0, 1)
    small = nn.functional.adaptive_avg_pool2d(grey, SIDE)
    return (LEVELS * small).round() / LEVELS


def _ordinary(grey: Tensor, labels: Tensor) -> int:
    """The picture nearest to the mean of the first one's class."""
    own = (labels == labels[0]).nonzero()[:, 0]
    far = (grey[own] - grey[own].mean(0)).square().sum((1, 2, 3))
    return own[far.argmin()].item()


def _packed(grey: Tensor) -> str:
    """The pictures' levels, a byte each, deflated, as base64."""
    levels = zlib.compress((LEVELS * grey).round().byte().numpy().tobytes(), 9)
    return base64.b64encode(levels).decode("ascii")


def _controls() -> dict[str, Control]:
    beta = ipywidgets.FloatLogSlider(
        1, min=-2, max=2, description="\u03b2", **space(1)
    )
    beta.layout.flex, beta.readout_format = "1 1 220px", ".3g"
    controls = {"beta": Control(beta, "beta, the price of a nat of KL")}
    for index, name in enumerate(("AE", "VAE")):
        box = ipywidgets.Checkbox(index == 1, description=f"{name} draws noise")
        box.indent, box.layout.width = False, "auto"
        controls[f"noise{index}"] = Control(box, f"{NAMES[index]}: draw noise")
    return controls


def small_networks(
    latent_dim: int, image_shape: tuple[int, ...]
) -> tuple[nn.Module, nn.Module]:
    """The networks of live_engine.js: one hidden layer on either side."""
    trunk = nn.Sequential(
        nn.Flatten(), nn.Linear(SIDE * SIDE, HIDDEN), nn.ReLU()
    )
    decoder = nn.Sequential(
        nn.Linear(latent_dim, HIDDEN), nn.ReLU(),
        nn.Linear(HIDDEN, SIDE * SIDE), nn.Unflatten(1, image_shape),
    )  # fmt: skip
    return trunk, decoder


def _still(figure: Figure, grey: Tensor, shown: Split, seed: int) -> None:
    """Both planes after 300 steps, by PyTorch."""
    figure.set_size_inches(7.2, 3.9)
    kinds = (Autoencoder, losses.ae_loss), (VAE, losses.vae_loss)
    for (kind, loss), ax in zip(kinds, figure.subplots(1, 2), strict=True):
        with seeded(seed):
            model = kind(2, small_networks, image_shape=(1, SIDE, SIDE))
        train.fit(model, loss, grey, 300 * 64, batch_size=64, seed=seed)
        codes = sample.encode(model, grey[: len(shown)])
        low, high, _ = planes.square(codes, centred=kind is VAE)
        extent = [low[0], high[0], low[1], high[1]]
        drawn = sample.pictures(model, plots.plane(extent, 16))
        plots.decoded_plane(0.6 * drawn, extent, ax)
        plots.latent_scatter(codes, shown, ax)
        ax.set(xlim=extent[:2], ylim=extent[2:], title=kind.__name__)
