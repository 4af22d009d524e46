"""Where the time of a step goes."""

from collections.abc import Iterator
from functools import partial
from statistics import median

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from aevae_lib import data, models

from . import machine
from .machine import DEVICE
from .turns import in_turns, timed
from .ways import BATCH, MATRIX, PRODUCTS, STEPS, plain, product

SHOWN = 12  # times that a layer is shown its inputs in one turn


def layers() -> dict:
    """Milliseconds of the lesson network's convolutions alone, and of a whole
    step in the plain loop.

    Each layer goes forward and backward on a batch, on all cores.
    """
    images = machine.load().train.images
    work = {
        "step": plain("lesson", images),
        "product": product("lesson", images),
    }
    operations = {}
    for name, layer, inputs in convolutions(images[: BATCH["lesson"]]):
        work[name] = repeated(layer, inputs, SHOWN)
        with FlopCounterMode(display=False) as counter:
            layer(inputs).sum().backward()
        operations[name] = counter.get_total_flops()
    seconds = in_turns(
        "layers", {name: partial(timed, turns) for name, turns in work.items()}
    )
    peak = PRODUCTS * 2 * MATRIX**3 / median(seconds["product"])
    alone = {name: median(seconds[name]) / SHOWN for name in operations}
    return {
        "step": 1e3 * median(seconds["step"]) / STEPS["lesson"],
        "layers": {name: 1e3 * taken for name, taken in alone.items()},
        "together": 1e3 * sum(alone.values()),
        "share_of_peak": {
            name: operations[name] / taken / peak
            for name, taken in alone.items()
        },
    }


def convolutions(images: Tensor) -> Iterator[tuple[str, nn.Module, Tensor]]:
    """Each convolution of the lesson's network, with what it is given in a step
    of training on these images.
    """
    x = data.to_float(images)
    z = torch.randn(len(x), 2, device=DEVICE)
    model = models.VAE(2).to(DEVICE, memory_format=torch.channels_last)
    for part, start, network in (
        ("encoder", x, model.trunk),
        ("decoder", z, model.decoder),
    ):
        inputs = start
        for layer in network:
            if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
                ends = f"{layer.in_channels} to {layer.out_channels}"
                # Nobody asks for the gradient of the images.
                inputs = inputs.requires_grad_(inputs is not x)
                yield f"{part}, {ends} channels", layer, inputs
            inputs = layer(inputs).detach()


def repeated(layer: nn.Module, x: Tensor, times: int) -> Iterator[None]:
    """Forward and backward so many times in a turn."""
    wanted = [*layer.parameters(), *([x] if x.requires_grad else [])]
    gradient = torch.randn_like(layer(x))
    while True:
        for _ in range(times):
            torch.autograd.grad(layer(x), wanted, gradient)
        yield
