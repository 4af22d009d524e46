"""What a loss that somebody wrote really trains."""

import ipywidgets
from matplotlib.figure import Figure

from .. import losses, plots
from . import pictures
from .panel import Control, Panel, columns, sliders, space

WORDS = {"cost": tuple(losses.COSTS), "channels": ("1", "3")}
WORDS |= dict.fromkeys(("pixels", "batch", "dims", "kl_batch"), ("sum", "mean"))
# On the course's garments. Below the first it is nearly an autoencoder: a tenth
# of the price in the ELBO of beta = 1, or of the variance that fits a VAE's
# errors. Above the second, the first variance of the garments, all codes die.
ZONES = {"beta": (0.1, 90.0), "tau2": (0.003, 20.0)}
AXIS = (-4, 4)  # from 10^-4 to 10^4
LONGEST = 15  # letters of a label
COLORS = {"like an AE": plots.AE_COLOR, "VAE": plots.VAE_COLOR}
COLORS |= {"collapse": plots.BASELINE_COLOR}


def loss_reader() -> Panel:
    """How a loss is written, and the beta or pixel variance that it trains.

    Controls for the arguments of `losses.read`, on square images of "side"
    pixels with 1 or 3 "channels"; "preset" sets them to a tutorial's. Shown are
    the loss as code, what it trains, where that lies on a logarithmic axis with
    zones as on the course's garments, and what it means for the learning rate.
    """
    controls = _controls()
    rec = ("cost", "weight", "pixels", "batch", "channels", "side")
    kl = ("kl_weight", "dims", "kl_batch", "latent_dim", "batch_size")
    sides = ([controls[trait] for trait in part] for part in (rec, kl))
    weights = dict.fromkeys(("weight", "kl_weight"), (1e-9, 1e9))
    return Panel(
        "loss_reader",
        controls,
        [controls["preset"].widget, columns(*sides)],
        limits=weights,
        room=[640, 1080],
        still=pictures.still(_still),
        still_text="Two logarithmic axes, of beta and of the pixel variance "
        "tau squared, in three zones, like an AE, VAE and collapse, with dots "
        "for what known tutorials really train.",
        presets=[{}, *(_values(**one) for one in losses.TUTORIALS.values())],
        zones=ZONES,
        axis=AXIS,
    )


def _controls() -> dict[str, Control]:
    """At first, the usual slip: PyTorch's mean beside a KL that is summed."""
    choices = {
        "preset": ("a known loss", ("your own", *losses.TUTORIALS), 0),
        "cost": ("reconstruction", WORDS["cost"], 0),
        "pixels": ("over pixels", WORDS["pixels"], 1),
        "batch": ("over the batch", WORDS["batch"], 1),
        "channels": ("channels", WORDS["channels"], 0),
        "dims": ("KL over dims", WORDS["dims"], 0),
        "kl_batch": ("KL over batch", WORDS["kl_batch"], 1),
    }
    controls = {}
    for trait, (label, words, index) in choices.items():
        widget = ipywidgets.Dropdown(
            options=words, index=index, description=label, **space(LONGEST)
        )
        controls[trait] = Control(widget, label, words)
    for trait, label in (("weight", "its weight"), ("kl_weight", "KL weight")):
        widget = ipywidgets.FloatText(1, description=label, **space(LONGEST))
        controls[trait] = Control(widget, label)
    rows = {
        "side": ("side in pixels", "side of the image in pixels", 28, (4, 256)),
        "latent_dim": ("latent dims", "latent dimensions", 20, (1, 512)),
        "batch_size": ("batch size", "images in a batch", 128, (1, 1024)),
    }
    return controls | sliders({trait: (*row, 1) for trait, row in rows.items()})


def _values(**written) -> dict[str, float]:
    """What the controls share when they say this; a batch size that it does not
    name stays as it is.
    """
    values = losses.read.__kwdefaults__ | written
    values["channels"], values["side"], _ = map(int, values.pop("image_shape"))
    values["channels"] = str(values["channels"])
    if "batch_size" not in written:
        del values["batch_size"]
    for trait, words in WORDS.items():
        values[trait] = words.index(values[trait])
    for trait in ("weight", "kl_weight"):
        values[trait] = float(f"{values[trait]:.6g}")  # as one would type it
    return values


def _still(figure: Figure) -> None:
    figure.set_size_inches(7.2, 4.2)
    axes = figure.subplots(2, 1)
    readings = {
        name: losses.read(**one) for name, one in losses.TUTORIALS.items()
    }
    for ax, (unit, (low, high)), label in zip(
        axes, ZONES.items(), (r"$\beta$", r"$\tau^2$"), strict=True
    ):
        least, most = (10.0**end for end in AXIS)
        ax.set(xscale="log", xlim=(least, most), yticks=[], title=label)
        zones = ((least, low), (low, high), (high, most))
        for zone, (name, color) in zip(zones, COLORS.items(), strict=True):
            ax.axvspan(*zone, color=color, alpha=0.25, linewidth=0)
            ax.text(zone[0], 0.8, f" {name}", fontsize=8)
        found = {
            name: getattr(one, unit)
            for name, one in readings.items()
            if (one.tau2 is None) == (unit == "beta")
        }
        for row, (name, value) in enumerate(found.items()):
            ax.plot(value, -row, "o", color=plots.VAE_COLOR)
            ax.annotate(name, (value, -row), xytext=(6, -3),
                        textcoords="offset points", fontsize=7)  # fmt: skip
        ax.set_ylim(0.5 - len(found), 1.5)
