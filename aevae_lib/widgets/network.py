"""The models' networks on their way into the browser."""

import base64
import copy
import hashlib
import json
from collections.abc import Sequence

import ipywidgets
import torch
import traitlets
from torch import Tensor, nn

from .. import data
from ..models import IMAGE_SHAPE, Autoencoder, Turn

# in a pixel of [0, 1], for which half precision is still good enough
LARGEST_ERROR = 1e-3
# and in a code, in standard deviations of the codes
LARGEST_SHIFT = 0.01


class Net(ipywidgets.Widget):
    """Layers and weights for network.js, once in a notebook, whoever shows
    them.
    """

    layers = traitlets.List().tag(sync=True)
    dtype = traitlets.Unicode().tag(sync=True)  # "float16" or "float32"
    weights = traitlets.Unicode().tag(
        sync=True
    )  # base64: Colab loses binary traits
    digest = traitlets.Unicode().tag(sync=True)  # equal for equal networks


_nets: dict[str, Net] = {}


@torch.no_grad()
def decoder(
    model: Autoencoder, low: Sequence[float], high: Sequence[float]
) -> Net:
    """The model's decoder for the browser, precise enough in the box from `low`
    to `high`.
    """
    network = copy.deepcopy(model.decoder).cpu().float()
    described = _layers(network, f"The decoder of this {type(model).__name__}")
    low, high = torch.tensor(low), torch.tensor(high)
    generator = torch.Generator().manual_seed(0)
    z = low + (high - low) * torch.rand(256, len(low), generator=generator)
    pixels = network(z).sigmoid()
    if pixels.shape[1:] != IMAGE_SHAPE:
        raise ValueError(
            f"The decoder must end in one image of shape {IMAGE_SHAPE} for "
            f"each latent point, and it ends in {tuple(pixels.shape[1:])}."
        )
    halved = network.half().float()(z).sigmoid()
    error = (halved - pixels).abs().max()
    return _net(*described, half=bool(error < LARGEST_ERROR))


@torch.no_grad()
def encoder(model: Autoencoder, images: Tensor) -> Net:
    """The model's encoder for the browser, precise enough on images like these
    (uint8).
    """
    network = nn.Sequential(model.trunk, model.head)
    network = copy.deepcopy(network).cpu().float()
    described = _layers(network, f"The encoder of this {type(model).__name__}")
    x = data.to_float(images)
    codes = network(x)
    shift = (network.half().float()(x) - codes).abs() / codes.std(0)
    return _net(*described, half=bool(shift.max() < LARGEST_SHIFT))


def _layers(network: nn.Module, name: str) -> tuple[list[dict], Tensor]:
    """A network's layers as network.js reads them, and all their parameters in
    its order.
    """
    layers, weights = [], []
    for layer in leaves(network):
        description, parameters = _describe(layer)
        layers.append(description)
        weights += [
            parameter.contiguous().flatten() for parameter in parameters
        ]
    flat = torch.cat(weights)
    if not flat.isfinite().all():
        raise ValueError(
            f"{name} holds weights that are not finite numbers: its training "
            "has failed. Train it "
            "again with a lower learning rate."
        )
    return layers, flat


def _net(layers: list[dict], weights: Tensor, half: bool) -> Net:
    dtype = "float16" if half else "float32"
    raw = weights.numpy().astype("<f2" if half else "<f4").tobytes()
    digest = hashlib.sha256(
        json.dumps([layers, dtype]).encode() + raw
    ).hexdigest()
    if (
        digest not in _nets or _nets[digest].comm is None
    ):  # none yet, or closed since
        text = base64.b64encode(raw).decode("ascii")
        _nets[digest] = Net(
            layers=layers, dtype=dtype, weights=text, digest=digest
        )
    return _nets[digest]


def leaves(module: nn.Module) -> list[nn.Module]:
    """The layers of nested `nn.Sequential`s, in order."""
    if not isinstance(module, nn.Sequential):
        return [module]
    return [leaf for child in module for leaf in leaves(child)]


def _describe(layer: nn.Module) -> tuple[dict, list[Tensor]]:
    """One layer for network.js, and its parameters in the order in which that
    reads them.
    """
    if isinstance(layer, nn.ReLU):
        return {"type": "relu"}, []
    if (
        isinstance(layer, nn.Flatten)
        and layer.start_dim == 1
        and layer.end_dim == -1
    ):
        return {"type": "flatten"}, []
    if isinstance(layer, nn.Unflatten) and len(layer.unflattened_size) == 3:
        return {"type": "unflatten", "shape": list(layer.unflattened_size)}, []
    if isinstance(layer, nn.ZeroPad2d):
        return {
            "type": "pad",
            "padding": list(layer.padding),
        }, []  # left, right, top, bottom
    if isinstance(layer, Turn):
        return {"type": "turn"}, []
    if isinstance(layer, nn.Linear):
        shape = {"inputs": layer.in_features, "outputs": layer.out_features}
        return {"type": "linear", **shape}, [
            layer.weight.T,
            _bias(layer, layer.out_features),
        ]
    if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)) and _is_plain(layer):
        transposed = isinstance(layer, nn.ConvTranspose2d)
        description = {
            "type": "convTranspose" if transposed else "conv",
            "inputs": layer.in_channels,
            "outputs": layer.out_channels,
            "kernel": layer.kernel_size[0],
            "stride": layer.stride[0],
            "padding": layer.padding[0],
            "outputPadding": layer.output_padding[0],
        }
        # row, column, input, output; transposed: input, row, column, output
        order = (0, 2, 3, 1) if transposed else (2, 3, 1, 0)
        return description, [
            layer.weight.permute(order),
            _bias(layer, layer.out_channels),
        ]
    raise ValueError(
        f"The browser's networks do not know this layer: {layer}. They know "
        "Linear, ReLU, "
        "Flatten, Unflatten to (channels, rows, columns), ZeroPad2d, Turn, and "
        "Conv2d and "
        "ConvTranspose2d with square kernels, zero padding, one group and no "
        "dilation."
    )


def _is_plain(layer: nn.Conv2d | nn.ConvTranspose2d) -> bool:
    square = all(
        isinstance(pair, tuple) and pair[0] == pair[1]
        for pair in (
            layer.kernel_size,
            layer.stride,
            layer.padding,
            layer.output_padding,
        )
    )
    return square and (layer.dilation, layer.groups, layer.padding_mode) == (
        (1, 1),
        1,
        "zeros",
    )


def _bias(layer: nn.Module, outputs: int) -> Tensor:
    return torch.zeros(outputs) if layer.bias is None else layer.bias


def as_text(numbers: Tensor) -> str:
    """A tensor in single precision, row by row, as base64."""
    return base64.b64encode(numbers.numpy().astype("<f4").tobytes()).decode(
        "ascii"
    )
