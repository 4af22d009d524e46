"""The models' networks on their way into the browser."""

import base64
import copy
import hashlib
import json

import ipywidgets
import torch
import traitlets
from torch import Tensor, nn

from .. import data
from ..models import Autoencoder, Crop, Turn

LARGEST_ERROR = 1e-3  # in a pixel of [0, 1], that half precision may make
LARGEST_SHIFT = 0.01  # and in a code, in standard deviations of the codes
LINKS = ("sigmoid", "identity")  # from a decoder's numbers to the mean

# What network.js needs to know of each layer, and, of those that have weights,
# the order in which it reads them.
SIDES = ("kernel_size", "stride", "padding", "output_padding")
LAYERS = {
    nn.ReLU: ((), ()),
    nn.Flatten: ((), ()),
    nn.Unflatten: (("unflattened_size",), ()),
    nn.ZeroPad2d: (("padding",), ()),
    Turn: ((), ()),
    Crop: (("top", "left", "height", "width"), ()),
    nn.Linear: (("in_features", "out_features"), (1, 0)),
    nn.Conv2d: (("in_channels", "out_channels", *SIDES), (2, 3, 1, 0)),
    nn.ConvTranspose2d: (("in_channels", "out_channels", *SIDES), (0, 2, 3, 1)),
}
IDLE = (nn.Identity, nn.Dropout, nn.Dropout2d)  # they do nothing in eval mode
# Settings of these layers that the browser does not know.
PLAIN = {"groups": 1, "dilation": (1, 1), "padding_mode": "zeros"}
PLAIN |= {"start_dim": 1, "end_dim": -1, "dim": 1}

_nets: dict[str, "Net"] = {}  # all that are open, by their digests


class Net(ipywidgets.Widget):
    """Layers and weights for network.js, once in a notebook, whoever shows
    them.
    """

    layers = traitlets.List().tag(sync=True)
    dtype = traitlets.Unicode().tag(sync=True)  # "float16" or "float32"
    # base64: Colab loses binary traits
    weights = traitlets.Unicode().tag(sync=True)
    digest = traitlets.Unicode().tag(sync=True)  # equal for equal networks

    def __init__(self, **traits):
        super().__init__(**traits)
        self.users = set()  # the views of open panels

    def drop(self, user: ipywidgets.Widget) -> None:
        """Close this network if nobody else uses it."""
        self.users.discard(user)
        if not self.users:
            _nets.pop(self.digest, None)
            self.close()


@torch.no_grad()
def decoder(model: Autoencoder, low: list[float], high: list[float]) -> Net:
    """The model's decoder for the browser, with the step from what it gives to
    the picture, precise enough in the box from `low` to `high`.
    """
    name, model = f"The decoder of this {type(model).__name__}", _copied(model)
    layers, weights = _layers(model.decoder, name)
    low, high = torch.tensor(low), torch.tensor(high)
    generator = torch.Generator().manual_seed(0)
    z = low + (high - low) * torch.rand(256, len(low), generator=generator)
    decoded = model.decode(z)
    pixels = decoded.mean.clamp(0, 1)
    if pixels.shape[1:] != model.image_shape:
        raise ValueError(
            f"The decoder must end in one image of shape {model.image_shape} "
            f"for each latent point, and it ends in {tuple(pixels.shape[1:])}."
        )
    if decoded.link not in LINKS:
        raise ValueError(
            f"The browser knows the links {' and '.join(LINKS)}, not "
            f"{decoded.link!r} of this {type(decoded).__name__}."
        )
    halved = model.half().float().decode(z).mean.clamp(0, 1)
    half = bool((halved - pixels).abs().max() < LARGEST_ERROR)
    return _net([*layers, {"type": decoded.link}], weights, half)


@torch.no_grad()
def encoder(model: Autoencoder, images: Tensor) -> Net:
    """The model's encoder for the browser, precise enough on images like these
    (N, *image_shape).
    """
    name, model = f"The encoder of this {type(model).__name__}", _copied(model)
    network = nn.Sequential(model.trunk, model.head)
    layers, weights = _layers(network, name)
    x = data.to_float(images.cpu())
    codes = network(x)
    shift = (network.half().float()(x) - codes).abs() / codes.std(
        0, correction=0
    )
    return _net(layers, weights, half=bool(shift.max() < LARGEST_SHIFT))


def _copied(model: Autoencoder) -> Autoencoder:
    """In eval mode and single precision on the CPU; the model itself stays."""
    return copy.deepcopy(model).cpu().float().eval()


def leaves(module: nn.Module) -> list[nn.Module]:
    """The layers of nested `nn.Sequential`s that do something, in order."""
    if isinstance(module, nn.Sequential):
        return [leaf for child in module for leaf in leaves(child)]
    return [] if isinstance(module, IDLE) else [module]


def _layers(network: nn.Module, name: str) -> tuple[list[dict], Tensor]:
    """A network's layers as network.js reads them, and all their parameters in
    its order.
    """
    layers, weights = [], [torch.empty(0)]
    for layer in leaves(network):
        if not _is_known(layer):
            raise ValueError(
                f"The browser's networks do not know this layer: {layer}. They "
                "know Linear, ReLU, Dropout, Flatten, Unflatten, ZeroPad2d, "
                "Turn, Crop, and Conv2d and ConvTranspose2d with zero padding, "
                "one group and no dilation."
            )
        attributes, order = LAYERS[type(layer)]
        known = {one: getattr(layer, one) for one in attributes}
        layers.append({"type": type(layer).__name__} | known)
        if order:
            weight = layer.weight.permute(order)
            outputs = known.get("out_channels", known.get("out_features"))
            bias = torch.zeros(outputs) if layer.bias is None else layer.bias
            weights += [weight.flatten(), bias]
    flat = torch.cat(weights)
    if not flat.isfinite().all():
        raise ValueError(
            f"{name} holds weights that are not finite numbers: its training "
            "has failed. Train it again with a lower learning rate."
        )
    return layers, flat


def _is_known(layer: nn.Module) -> bool:
    plain = all(getattr(layer, k, v) == v for k, v in PLAIN.items())
    named = isinstance(getattr(layer, "padding", ()), str)  # such as "same"
    flat = len(getattr(layer, "unflattened_size", "any")) != 3
    return type(layer) in LAYERS and plain and not named and not flat


def _net(layers: list[dict], weights: Tensor, half: bool) -> Net:
    dtype = "float16" if half else "float32"
    raw = weights.numpy().astype("<f2" if half else "<f4").tobytes()
    about = json.dumps([layers, dtype]).encode()
    digest = hashlib.sha256(about + raw).hexdigest()
    if digest not in _nets or _nets[digest].comm is None:  # or closed since
        text = base64.b64encode(raw).decode("ascii")
        _nets[digest] = Net(
            layers=layers, dtype=dtype, weights=text, digest=digest
        )
    return _nets[digest]


def as_text(numbers: Tensor) -> str:
    """A tensor in single precision, row by row, as base64."""
    raw = numbers.detach().cpu().numpy().astype("<f4").tobytes()
    return base64.b64encode(raw).decode("ascii")
