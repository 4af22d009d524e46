"""What a cloud costs."""

import math

import torch
from matplotlib.figure import Figure

from .. import losses, plots
from . import pictures
from .panel import Panel, sliders, widgets_of


def kl_playground() -> Panel:
    """Two sliders, "mu" and "logvar" = log sigma^2, and what a cloud of that
    shape costs.

    Drawn are the densities of N(mu, sigma^2) and of the prior N(0, 1), the KL
    divergence of the first from the second in nats, and its two parts: mu^2 /
    2, what the mean costs, and (sigma^2 - 1 - log sigma^2) / 2, what the
    variance costs.
    """
    controls = sliders(
        {
            "mu": ("\u03bc", "mu, the mean", 1.0, (-3.0, 3.0), 0.05),
            "logvar": (
                "log \u03c3\u00b2", "log sigma squared", -1.0, (-3.0, 2.0), 0.05
            ),
        }
    )  # fmt: skip
    return Panel(
        "kl_playground",
        controls,
        widgets_of(controls.values()),
        room=[640, 556],
        still=pictures.still(_still),
        still_text="Three normal densities over the prior's: one shifted, one "
        "narrow, one wide, each with its KL divergence from the prior in nats.",
        # the KL at the far ends of the sliders, where the longest bar ends
        largest=6.7,
    )


def _still(figure: Figure) -> None:
    x = torch.linspace(-5, 5, 400)
    figure.set_size_inches(7.2, 2.4)
    axes = figure.subplots(1, 3, sharey=True)
    clouds = ((1.5, 0.0), (0.0, -3.0), (0.0, 1.5))
    for ax, (mu, logvar) in zip(axes, clouds, strict=True):
        var = math.exp(logvar)
        for mean, width, color in (
            (0, 1, plots.BASELINE_COLOR),
            (mu, math.sqrt(var), plots.VAE_COLOR),
        ):
            density = torch.exp(-0.5 * ((x - mean) / width) ** 2) / width
            ax.plot(x, density / math.sqrt(2 * math.pi), color=color)
        given = torch.tensor([[mu]]), torch.tensor([[logvar]])
        kl = losses.kl_divergence(*given).item()
        ax.set(yticks=[], title=f"N({mu}, {var:.2f}): KL {kl:.2f} nats")
