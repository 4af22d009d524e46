"""Live widgets: ipywidgets sliders over latent space, whose images are decoded in the browser.

Each function returns a `Panel`: one view, drawn by the JavaScript in `frontend/`, with a slider
for every coordinate. The links between them live in the browser and so does the decoder, with
the model's own weights: the sliders go on working on a static page, where no Python is left.
"""

import base64
import copy
import hashlib
import json
import math
from collections.abc import Sequence
from importlib.resources import files

import anywidget
import ipywidgets
import torch
import traitlets
from torch import Tensor, nn

from . import sample
from .data import CLASS_NAMES, Split
from .models import IMAGE_SHAPE, VAE, Autoencoder
from .plots import CLASS_COLORS, CLASS_MARKERS

POINTS = 1000  # garments shown on a latent plane
REACH = 4.0  # a sampler's sliders reach this many standard deviations
LARGEST_ERROR = 1e-3  # in a pixel of [0, 1], for which half precision is still good enough


def latent_map(
    *models: Autoencoder, points: Split | None = None, names: Sequence[str] | None = None
) -> "Panel":
    """The latent plane of one model or of two side by side, and the image decoded at a point.

    The point is moved by dragging it, by the keyboard, or by two sliders for each model
    (`panel.sliders`: "map0_z0" and "map0_z1" for the first model, "map1_z0" and "map1_z1" for
    the second). The first 1,000 images of `points` are drawn at their codes (for a VAE, mu) and
    both models start at the first of them. Around a VAE's origin stand the circles of one and
    two standard deviations of its prior. `names` head the planes; by default "AE" and "VAE".
    """
    if not 1 <= len(models) <= 2:
        raise ValueError(f"A latent map shows one model or two, not {len(models)}.")
    for model in models:
        _check_model(model)
        if model.latent_dim != 2:
            raise ValueError(
                f"A latent map needs latent_dim = 2, and this {type(model).__name__} has "
                f"latent_dim = {model.latent_dim}. Use latent_sampler for it."
            )
    names = list(names) if names is not None else _default_names(models)
    if len(names) != len(models):
        raise ValueError(f"{len(models)} models need as many names, not {len(names)}.")
    if not (points is None or isinstance(points, Split)):
        raise TypeError(f"The points must be a data.Split, not a {type(points).__name__}.")
    shown = None if points is None else Split(*(part[:POINTS] for part in points))
    prefixes = [f"{name} " if len(models) == 2 else "" for name in names]
    longest = max(map(len, prefixes)) + len("z0")
    maps, nets, sliders, controls = [], [], {}, {}
    for index, (model, name) in enumerate(zip(models, names, strict=True)):
        codes = torch.zeros(0, 2) if shown is None else _check_codes(model, shown.images)
        low, high, step = _square(codes, centred=isinstance(model, VAE))
        nets.append(_net(model, low, high))
        start = codes[0].tolist() if len(codes) else [0.0, 0.0]
        for axis, z in enumerate(("z0", "z1")):
            label, trait = prefixes[index] + z, f"map{index}_{z}"
            sliders[trait] = _slider(label, start[axis], low[axis], high[axis], step, longest)
            controls[trait] = f"{name}, latent coordinate {z}"
        maps.append(
            {
                "name": name,
                "prior": isinstance(model, VAE),
                "low": low,
                "high": high,
                "step": step,
                "codes": [[_tidy(value, step / 10) for value in code] for code in codes.tolist()],
            }
        )
    view = LatentMap(
        {trait: slider.value for trait, slider in sliders.items()},
        nets=nets,
        maps=maps,
        labels=[] if shown is None else shown.labels.tolist(),
        classes=[
            {"name": name, "color": color, "marker": marker}
            for name, color, marker in zip(CLASS_NAMES, CLASS_COLORS, CLASS_MARKERS, strict=True)
        ],
        controls=controls,
        layout={"min_height": "580px" if len(models) == 2 else "390px"},
    )
    pairs = list(sliders.values())
    columns = [_column(pairs[start : start + 2]) for start in range(0, len(pairs), 2)]
    return Panel(view, sliders, ipywidgets.HBox(columns, layout={"flex_flow": "row wrap"}))


def latent_sampler(model: Autoencoder, codes: Tensor | None = None) -> "Panel":
    """One slider for each latent dimension ("z0", "z1", ...), and the image decoded there.

    A button draws z from the prior N(0, I). Given training codes (N, D), another draws it from
    the normal distribution with their mean and covariance, as `sample.fitted_gaussian` does.
    The sliders reach four standard deviations; a draw outside them is drawn again.
    """
    _check_model(model)
    dims = model.latent_dim
    mean, factor = torch.zeros(dims), torch.eye(dims)
    low, high = torch.full((dims,), -REACH), torch.full((dims,), REACH)
    if codes is not None:
        mean, factor = _fit_gaussian(codes, dims)
        spread = REACH * factor.norm(dim=1)  # each dimension's standard deviation, four times
        low, high = torch.minimum(low, mean - spread), torch.maximum(high, mean + spread)
    step = _nice_step((high - low).min().item())
    low = [_tidy(math.floor(value / step) * step, step) for value in low.tolist()]
    high = [_tidy(math.ceil(value / step) * step, step) for value in high.tolist()]
    longest = len(f"z{dims - 1}")
    sliders = {f"z{i}": _slider(f"z{i}", 0.0, low[i], high[i], step, longest) for i in range(dims)}
    view = LatentSampler(
        {trait: slider.value for trait, slider in sliders.items()},
        nets=[_net(model, low, high)],
        low=low,
        high=high,
        step=step,
        mean=[] if codes is None else mean.tolist(),
        factor=[] if codes is None else factor.tolist(),
        controls={trait: f"latent coordinate {trait}" for trait in sliders},
        layout={"min_height": "160px"},
    )
    many = {"max_height": "330px", "overflow": "auto"} if dims > 16 else {}
    columns = "repeat(auto-fill, minmax(min(100%, 230px), 1fr))"
    grid = ipywidgets.GridBox(
        list(sliders.values()), layout={"grid_template_columns": columns, **many}
    )
    return Panel(view, sliders, grid)


class Panel(ipywidgets.VBox):
    """A view and the sliders that move it, linked in the browser.

    `sliders` and `view` share the coordinates' names: `panel.sliders["z0"].value` and
    `panel.view.z0` are one number wherever the panel is on show.
    """

    def __init__(
        self,
        view: "LatentView",
        sliders: dict[str, ipywidgets.FloatSlider],
        controls: ipywidgets.Widget,
    ):
        super().__init__([view, controls])
        self.add_class("aevae-panel")
        self.view, self.sliders = view, sliders
        for trait, slider in sliders.items():
            slider.add_class(f"aevae-{trait}")  # by which the view finds and names its handle
        self.links = [
            ipywidgets.jslink((slider, "value"), (view, trait)) for trait, slider in sliders.items()
        ]


def _frontend(*names: str) -> str:
    folder = files(__package__) / "frontend"
    return "\n".join((folder / name).read_text(encoding="utf-8") for name in names)


class Net(ipywidgets.Widget):
    """A decoder's layers and weights for decoder.js, once in a notebook, whoever shows them."""

    layers = traitlets.List().tag(sync=True)
    dtype = traitlets.Unicode().tag(sync=True)  # "float16" or "float32"
    weights = traitlets.Unicode().tag(sync=True)  # base64: Colab loses binary traits
    digest = traitlets.Unicode().tag(sync=True)  # equal for equal decoders


class LatentView(anywidget.AnyWidget):
    """What JavaScript draws; `z` names its coordinates, each a number of its own to be linked."""

    _css = _frontend("style.css")
    nets = traitlets.List().tag(sync=True, **ipywidgets.widget_serialization)
    controls = traitlets.Dict().tag(sync=True)  # the name of each slider for screen readers

    def __init__(self, z: dict[str, float], **traits):
        self.add_traits(**{name: traitlets.Float().tag(sync=True) for name in z})
        super().__init__(**z, **traits)


class LatentMap(LatentView):
    """The planes of `latent_map`, drawn by map.js."""

    _esm = _frontend("decoder.js", "view.js", "map.js")
    maps = traitlets.List().tag(sync=True)
    labels = traitlets.List().tag(sync=True)
    classes = traitlets.List().tag(sync=True)


class LatentSampler(LatentView):
    """The image and the buttons of `latent_sampler`, drawn by sampler.js."""

    _esm = _frontend("decoder.js", "view.js", "sampler.js")
    low = traitlets.List().tag(sync=True)
    high = traitlets.List().tag(sync=True)
    step = traitlets.Float().tag(sync=True)
    mean = traitlets.List().tag(sync=True)
    factor = traitlets.List().tag(sync=True)


# --- the decoder's way into the browser ---------------------------------------------------

_nets: dict[str, Net] = {}


@torch.no_grad()
def _net(model: Autoencoder, low: Sequence[float], high: Sequence[float]) -> Net:
    """The model's decoder for the browser, precise enough in the box from `low` to `high`."""
    decoder = copy.deepcopy(model.decoder).cpu().float()
    layers, weights = [], []
    for layer in _leaves(decoder):
        description, parameters = _describe(layer)
        layers.append(description)
        weights += [parameter.contiguous().flatten() for parameter in parameters]
    flat = torch.cat(weights)
    if not flat.isfinite().all():
        raise ValueError(
            f"The decoder of this {type(model).__name__} holds weights that are not finite "
            "numbers: its training has failed. Train it again with a lower learning rate."
        )
    low, high = torch.tensor(low), torch.tensor(high)
    z = low + (high - low) * torch.rand(256, len(low), generator=torch.Generator().manual_seed(0))
    pixels = decoder(z).sigmoid()
    if pixels.shape[1:] != IMAGE_SHAPE:
        raise ValueError(
            f"The decoder must end in one image of shape {IMAGE_SHAPE} for each latent point, "
            f"and it ends in {tuple(pixels.shape[1:])}."
        )
    error = (copy.deepcopy(decoder).half().float()(z).sigmoid() - pixels).abs().max()
    dtype = "float16" if error < LARGEST_ERROR else "float32"
    raw = flat.numpy().astype(f"<f{2 if dtype == 'float16' else 4}").tobytes()
    digest = hashlib.sha256(json.dumps([layers, dtype]).encode() + raw).hexdigest()
    if digest not in _nets or _nets[digest].comm is None:  # none yet, or closed since
        text = base64.b64encode(raw).decode("ascii")
        _nets[digest] = Net(layers=layers, dtype=dtype, weights=text, digest=digest)
    return _nets[digest]


def _leaves(module: nn.Module) -> list[nn.Module]:
    """The layers of nested `nn.Sequential`s, in order."""
    if not isinstance(module, nn.Sequential):
        return [module]
    return [leaf for child in module for leaf in _leaves(child)]


def _describe(layer: nn.Module) -> tuple[dict, list[Tensor]]:
    """One layer for decoder.js, and its parameters in the order in which that reads them."""
    if isinstance(layer, nn.ReLU):
        return {"type": "relu"}, []
    if isinstance(layer, nn.Unflatten) and len(layer.unflattened_size) == 3:
        return {"type": "unflatten", "shape": list(layer.unflattened_size)}, []
    if isinstance(layer, nn.ZeroPad2d):
        return {"type": "pad", "padding": list(layer.padding)}, []  # left, right, top, bottom
    if isinstance(layer, nn.Linear):
        shape = {"inputs": layer.in_features, "outputs": layer.out_features}
        return {"type": "linear", **shape}, [layer.weight.T, _bias(layer, layer.out_features)]
    if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)) and _is_plain(layer):
        transposed = isinstance(layer, nn.ConvTranspose2d)
        description = {
            "type": "convTranspose" if transposed else "conv",
            "inputs": layer.in_channels,
            "outputs": layer.out_channels,
            "kernel": layer.kernel_size[0],
            "stride": layer.stride[0],
            "padding": layer.padding[0],
        }
        order = (2, 3, 0, 1) if transposed else (2, 3, 1, 0)  # row, column, input, output
        return description, [layer.weight.permute(order), _bias(layer, layer.out_channels)]
    raise ValueError(
        f"The browser's decoder does not know this layer: {layer}. It knows Linear, ReLU, "
        "Unflatten to (channels, rows, columns), ZeroPad2d, and Conv2d and ConvTranspose2d "
        "with square kernels, zero padding, one group and no dilation."
    )


def _is_plain(layer: nn.Conv2d | nn.ConvTranspose2d) -> bool:
    square = all(
        isinstance(pair, tuple) and pair[0] == pair[1]
        for pair in (layer.kernel_size, layer.stride, layer.padding)
    )
    rest = (layer.dilation, layer.output_padding, layer.groups, layer.padding_mode)
    return square and rest == ((1, 1), (0, 0), 1, "zeros")


def _bias(layer: nn.Module, outputs: int) -> Tensor:
    return torch.zeros(outputs) if layer.bias is None else layer.bias


# --- what is checked and what is rounded ---------------------------------------------------


def _check_model(model: Autoencoder) -> None:
    if not isinstance(model, Autoencoder):
        raise TypeError(
            "This widget shows an Autoencoder or a VAE from aevae_lib.models, "
            f"not a {type(model).__name__}."
        )


def _check_codes(model: Autoencoder, images: Tensor) -> Tensor:
    codes = sample.encode(model, images).cpu()
    if not codes.isfinite().all():
        raise ValueError(
            f"This {type(model).__name__} encodes some images as NaN or infinity: its training "
            "has failed. Train it again with a lower learning rate."
        )
    return codes


def _fit_gaussian(codes: Tensor, dims: int) -> tuple[Tensor, Tensor]:
    """Mean (D,) and lower Cholesky factor (D, D) of the covariance of codes (N, D)."""
    if codes.ndim != 2 or codes.shape[1] != dims or len(codes) <= dims:
        raise ValueError(
            f"Expected more than {dims} codes of shape (N, {dims}), got {tuple(codes.shape)}."
        )
    if not codes.isfinite().all():
        raise ValueError("Some of these codes are NaN or infinite: no Gaussian fits them.")
    codes = codes.detach().cpu()
    factor, failed = torch.linalg.cholesky_ex(torch.atleast_2d(torch.cov(codes.T)).double())
    if failed:
        raise ValueError(
            "These codes lie on a line or plane: no Gaussian fits all their dimensions."
        )
    return codes.mean(0), factor.float()


def _default_names(models: Sequence[Autoencoder]) -> list[str]:
    names = ["VAE" if isinstance(model, VAE) else "AE" for model in models]
    if len(set(names)) < len(names):
        return [f"{name} {number}" for number, name in enumerate(names, 1)]
    return names


def _square(codes: Tensor, centred: bool) -> tuple[list[float], list[float], float]:
    """A square that holds codes (N, 2) and the origin: its corners, and its sliders' step."""
    corners = torch.cat([codes, torch.zeros(1, 2)])
    low, high = corners.amin(0), corners.amax(0)
    if centred:
        high = torch.maximum(high, -low)
        low = -high
    half = 1.05 * (high - low).max().item() / 2
    if centred or half == 0:
        half = max(half, 3.0)
    step = _nice_step(2 * half)
    tick = 5 * step  # the corners are round numbers too
    ticks = math.ceil(half / tick)
    middle = [round(value / tick) for value in ((low + high) / 2).tolist()]
    low = [_tidy((at - ticks) * tick, step) for at in middle]
    high = [_tidy((at + ticks) * tick, step) for at in middle]
    return low, high, step


def _nice_step(width: float) -> float:
    """The largest of ..., 0.01, 0.02, 0.05, 0.1, ... that divides `width` into 200 or more."""
    unit = 10.0 ** math.floor(math.log10(width / 200))
    return _tidy(max(unit * n for n in (1, 2, 5) if unit * n <= width / 200), unit)


def _digits(step: float) -> int:
    return max(0, -math.floor(math.log10(step) + 1e-9))


def _tidy(value: float, step: float) -> float:
    """`value` without the floating-point noise far below `step`."""
    return round(value, _digits(step))


def _slider(
    description: str, value: float, low: float, high: float, step: float, label_length: int
) -> ipywidgets.FloatSlider:
    """A slider on whole steps, with room for labels of `label_length` letters."""
    return ipywidgets.FloatSlider(
        value=_tidy(low + round((value - low) / step) * step, step),
        min=low,
        max=high,
        step=step,
        description=description,
        readout_format=f".{_digits(step)}f",
        style={"description_width": f"{label_length * 0.6 + 0.6:.1f}em"},
        layout={"width": "auto", "min_width": "0"},
    )


def _column(sliders: list[ipywidgets.FloatSlider]) -> ipywidgets.VBox:
    return ipywidgets.VBox(sliders, layout={"flex": "1 1 250px", "min_width": "0"})
