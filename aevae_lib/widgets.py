"""Live widgets: ipywidgets controls over latent space, whose images are decoded
in the browser.

Each function returns a `Panel`: one view, drawn by the JavaScript in
`frontend/`, with a control for every value. The links between them live in the
browser and so do the networks, with the model's own weights: the controls go on
working on a static page, where no Python is left.
"""

import base64
import copy
import hashlib
import html
import io
import json
import math
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path

import anywidget
import ipywidgets
import torch
import traitlets
from ipywidgets.embed import dependency_state
from matplotlib.figure import Figure
from matplotlib.image import imsave
from torch import Tensor, nn

from . import data, losses, plots, sample
from .data import CLASS_NAMES, Split
from .models import IMAGE_SHAPE, VAE, Autoencoder, Turn
from .plots import CLASS_COLORS, CLASS_MARKERS

POINTS = 1000  # garments shown on a latent plane
NEIGHBOURS = 5  # fewer garments leave holes undefined
PER_CLASS = 3  # garments of each class to choose from in encoder_live
SPRITE_COLUMNS = (
    40  # small pictures side by side in the sheet that the browser gets
)
REACH = 4.0  # a sampler's sliders reach this many standard deviations
LARGEST_ERROR = (
    1e-3  # in a pixel of [0, 1], for which half precision is still good enough
)
LARGEST_SHIFT = 0.01  # and in a code, in standard deviations of the codes

Series = Sequence[
    tuple[str, Autoencoder]
]  # one model's checkpoints, each with its label


def latent_map(
    *models: Autoencoder,
    points: Split | None = None,
    names: Sequence[str] | None = None,
    checkpoints: Sequence[Series] | None = None,
) -> "Panel":
    """The latent plane of one model or of two side by side, and the image
    decoded at a point.

    The point is moved by dragging it, by the keyboard, or by two sliders for
    each model (`panel.sliders`: "map0_z0" and "map0_z1" for the first model,
    "map1_z0" and "map1_z1" for the second). `names` head the planes; by default
    "AE" and "VAE".

    The first 1,000 images of `points` are drawn at their codes (for a VAE, mu),
    and both models start at the first of them. All that is said of the point
    rests on these garments alone:

    - the nearest one: each axis is divided by the standard deviation (sd) of
      the codes shown, so that the distances of two models can be compared;
    - a hole: a point that no shown code's ball, drawn to its fifth nearest
      shown code, holds (the rule of `measure.in_hole`, over these codes; over
      all training codes, holes are smaller);
    - the class of the decoded image: that of the nearest, by pixels at half
      their resolution, among the first 400 of these garments as the model
      itself redraws them. A judge with no training: it has ten answers and no
      doubt, so it names a class for a picture of nothing, too.

    Check boxes show the prior's circles at one and two standard deviations
    (VAE), the holes, and a path between two of the garments, along which the
    slider "t" walks from 0 to 1.

    Instead of models, `checkpoints` takes a series of (label, model) for each
    plane, as many in each, and one more slider walks through them (it starts at
    the last); their weights reach the decoder only when they are asked for. A
    plane keeps one frame for all of its series.
    """
    series = _check_series(models, checkpoints)
    names = (
        list(names)
        if names is not None
        else _default_names([one[0][1] for one in series])
    )
    if len(names) != len(series):
        raise ValueError(
            f"{len(series)} models need as many names, not {len(names)}."
        )
    shown = _check_points(points)
    many, last = len(series) == 2, len(series[0]) - 1
    longest = max(len(f"{name} " if many else "") for name in names) + len("z0")
    maps, nets, controls, rows, still = [], [], {}, [], []
    for index, (one, name) in enumerate(zip(series, names, strict=True)):
        codes = [_codes(model, shown) for _, model in one]
        prior = any(isinstance(model, VAE) for _, model in one)
        low, high, step = _square(torch.cat(codes), centred=prior)
        start = codes[last][0].tolist() if len(codes[last]) else [0.0, 0.0]
        for axis, z in enumerate(("z0", "z1")):
            label = f"{name} {_subscript(z)}" if many else _subscript(z)
            controls[f"map{index}_{z}"] = _Control(
                _slider(
                    label, start[axis], low[axis], high[axis], step, longest
                ),
                f"{name}, latent coordinate {z}",
            )
        described = []
        for (label, model), theirs in zip(one, codes, strict=True):
            nets.append(_decoder(model, low, high))
            described.append(
                {"label": label, "net": len(nets) - 1, "codes": _bytes(theirs)}
            )
        maps.append(
            {
                "name": name,
                "prior": prior,
                "low": low,
                "high": high,
                "step": step,
            }
            | {"checkpoints": described}
        )
        still.append(
            (
                name,
                one[last][1],
                codes[last],
                [low[0], high[0], low[1], high[1]],
                prior,
            )
        )
    columns = [
        _column([controls[f"map{i}_z{axis}"].widget for axis in (0, 1)])
        for i in range(len(maps))
    ]
    rows.append(ipywidgets.HBox(columns, layout={"flex_flow": "row wrap"}))
    if last:
        labels = [label for label, _ in series[0]]
        controls["checkpoint"] = _Control(
            ipywidgets.SelectionSlider(
                options=labels,
                value=labels[last],
                description="checkpoint",
                **_room(10),
            ),
            "checkpoint",
            labels,
        )
        rows.insert(0, controls["checkpoint"].widget)
    count = 0 if shown is None else len(shown.labels)
    boxes = {}
    if any(one["prior"] for one in maps):
        boxes["show_prior"] = ("prior circles", True)
    if count > NEIGHBOURS:
        boxes["show_holes"] = ("holes", False)
    if count > 1:
        boxes["show_path"] = ("path from A to B", False)
    for trait, (label, on) in boxes.items():
        box = ipywidgets.Checkbox(
            value=on, description=label, indent=False, layout={"width": "auto"}
        )
        controls[trait] = _Control(box, label)
    if boxes:
        ticked = [controls[trait].widget for trait in boxes]
        rows.append(ipywidgets.HBox(ticked, layout={"flex_flow": "row wrap"}))
    values = {"checkpoint": last}
    if count > 1:
        controls["t"] = _Control(
            _slider("t", 0.0, 0.0, 1.0, 0.01, 2), "t, the place on the path"
        )
        rows.append(controls["t"].widget)
        other = (shown.labels != shown.labels[0]).int().argmax().item() or 1
        values |= {"path_a": 0, "path_b": other}
    return Panel(
        "map",
        controls,
        rows,
        values=values,
        limits={"path_a": (0, count - 1), "path_b": (0, count - 1)}
        if count > 1
        else {},
        room=_room_for_map(len(maps), bool(last), shown is not None),
        still=_draw_still(lambda figure: _map_still(figure, still, shown)),
        still_text=_map_text(names, shown is not None),
        nets=nets,
        maps=maps,
        labels=[] if shown is None else shown.labels.tolist(),
        classes=_classes(),
        pictures="" if shown is None else _sprite(shown.images),
    )


def latent_sampler(model: Autoencoder, codes: Tensor | None = None) -> "Panel":
    """One slider for each latent dimension ("z0", "z1", ...), and the image
    decoded there.

    A button draws z from the prior N(0, I). Given training codes (N, D), two
    more draw it from the densities that `sample.fit_gaussian` and
    `sample.fit_mixture` fit to them. The sliders reach four standard
    deviations; a draw outside them is drawn again.
    """
    _check_model(model)
    dims = model.latent_dim
    low, high = torch.full((dims,), -REACH), torch.full((dims,), REACH)
    samplers, densities = {"prior": sample.prior(torch.zeros(1, dims))}, {}
    if codes is not None:
        codes = sample.check_codes(codes, dims).detach().cpu().float()
        samplers |= {"fitted\nGaussian": sample.fitted_gaussian(codes)}
        densities = {
            "fitted Gaussian": sample.fit_gaussian(codes),
            "mixture": sample.fit_mixture(codes),
        }
        spread = REACH * codes.std(0)
        low, high = (
            torch.minimum(low, codes.mean(0) - spread),
            torch.maximum(high, codes.mean(0) + spread),
        )
    step = _nice_step((high - low).min().item())
    low = [
        _tidy(math.floor(value / step) * step, step) for value in low.tolist()
    ]
    high = [
        _tidy(math.ceil(value / step) * step, step) for value in high.tolist()
    ]
    longest = len(f"z{dims - 1}")
    controls = {
        f"z{i}": _Control(
            _slider(_subscript(f"z{i}"), 0.0, low[i], high[i], step, longest),
            f"latent coordinate z{i}",
        )
        for i in range(dims)
    }
    many = {"max_height": "330px", "overflow": "auto"} if dims > 16 else {}
    columns = "repeat(auto-fill, minmax(min(100%, 230px), 1fr))"
    grid = ipywidgets.GridBox(
        [control.widget for control in controls.values()],
        layout={"grid_template_columns": columns, **many},
    )
    return Panel(
        "sampler",
        controls,
        [grid],
        room=[
            410 + min(330, 34 * math.ceil(dims / 3)),
            465 + min(330, 34 * dims),
        ],
        still=_draw_still(
            lambda figure: _sampler_still(figure, model, samplers)
        ),
        still_text=(
            f"Images decoded at ten draws from the prior of {dims} dimensions"
            + (
                "."
                if codes is None
                else ", and at ten from the Gaussian fitted to the codes."
            )
        ),
        nets=[_decoder(model, low, high)],
        low=low,
        high=high,
        step=step,
        densities=[
            {
                "name": name,
                "components": len(one.weights),
                "numbers": _bytes(torch.cat(rows, 1)),
            }
            for name, one in densities.items()
            for rows in [
                (one.weights[:, None], one.means, one.factors.flatten(1))
            ]
        ],
    )


def encoder_live(
    *models: Autoencoder, images: Split, names: Sequence[str] | None = None
) -> "Panel":
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
    _check_series(models, None)
    shown = _check_points(images)
    if shown is None:
        raise TypeError(
            "encoder_live needs images to encode: pass images=fashion.test."
        )
    names = list(names) if names is not None else _default_names(models)
    if len(names) != len(models):
        raise ValueError(
            f"{len(models)} models need as many names, not {len(names)}."
        )
    chosen = [
        i
        for k in range(len(CLASS_NAMES))
        for i in (shown.labels == k).nonzero()[:PER_CLASS, 0].tolist()
    ]
    garments, labels = shown.images[chosen].cpu(), shown.labels[chosen].tolist()
    maps, nets, values, still = [], [], {}, []
    for index, (model, name) in enumerate(zip(models, names, strict=True)):
        prior, codes = isinstance(model, VAE), _codes(model, shown)
        low, high, _ = _square(codes, centred=prior)
        nets += [_encoder(model, garments), _decoder(model, low, high)]
        place = {
            "encoder": len(nets) - 2,
            "decoder": len(nets) - 1,
            "codes": _bytes(codes),
        }
        maps.append(
            {"name": name, "prior": prior, "low": low, "high": high, **place}
        )
        first = _codes(model, Split(garments[:1], shown.labels[:1]))[0].tolist()
        values |= {f"map{index}_z{axis}": first[axis] for axis in (0, 1)}
        if prior:
            values |= {
                f"map{index}_noise{axis}": (0.6, -0.8)[axis] for axis in (0, 1)
            }
        still.append(
            (name, model, codes, [low[0], high[0], low[1], high[1]], prior)
        )
    numbers = {
        "garment": ("garment", 0, len(chosen) - 1, "number of the garment"),
        "right": ("shift right", -12, 12, "shift to the right, in pixels"),
        "down": ("shift down", -12, 12, "shift down, in pixels"),
        "top": ("erase top", 0, 28, "rows to erase from the top"),
        "left": ("erase left", 0, 28, "columns to erase from the left"),
    }
    controls = {
        trait: _Control(
            ipywidgets.IntSlider(
                value=0, min=low, max=high, description=label, **_room(11)
            ),
            name,
        )
        for trait, (label, low, high, name) in numbers.items()
    }
    sliders = [control.widget for control in controls.values()]
    columns = [_column(sliders[1:3]), _column(sliders[3:])]
    rows = [
        sliders[0],
        ipywidgets.HBox(columns, layout={"flex_flow": "row wrap"}),
    ]
    noise = {trait: (-6.0, 6.0) for trait in values if "noise" in trait}
    return Panel(
        "encoder",
        controls,
        rows,
        values=values,
        limits=noise,
        room=[1040, 1510] if len(models) == 2 else [955, 1155],
        still=_draw_still(
            lambda figure: _encoder_still(figure, still, garments, shown)
        ),
        still_text=(
            "A garment shifted to the right step by step, and under it the way "
            "of its code over "
            f"the latent plane of {' and of '.join(names)}."
        ),
        nets=nets,
        maps=maps,
        labels=shown.labels.tolist(),
        classes=_classes(),
        images=base64.b64encode(garments.numpy().tobytes()).decode("ascii"),
        names=[CLASS_NAMES[label] for label in labels],
    )


def kl_playground() -> "Panel":
    """Two sliders, "mu" and "logvar" = log sigma^2, and what a cloud of that
    shape costs.

    Drawn are the densities of N(mu, sigma^2) and of the prior N(0, 1), the KL
    divergence of the first from the second in nats, and its two parts: mu^2 /
    2, what the mean costs, and (sigma^2 - 1 - log sigma^2) / 2, what the
    variance costs.
    """
    controls = {
        "mu": _Control(
            _slider("\u03bc", 1.0, -3.0, 3.0, 0.05, 7), "mu, the mean"
        ),
        "logvar": _Control(
            _slider("log \u03c3\u00b2", -1.0, -3.0, 2.0, 0.05, 7),
            "log sigma squared",
        ),
    }
    return Panel(
        "kl",
        controls,
        [control.widget for control in controls.values()],
        room=[720, 640],
        still=_draw_still(_kl_still),
        still_text=(
            "Three normal densities over the prior's: one shifted, one narrow, "
            "one wide, each "
            "with its KL divergence from the prior in nats."
        ),
        # the KL at the far ends of the sliders, where the longest bar ends
        largest=6.7,
    )


class _Control:
    """An ipywidgets control, its name for screen readers, and the names of its
    values, if any.
    """

    def __init__(
        self,
        widget: ipywidgets.Widget,
        name: str,
        values: Sequence[str] | None = None,
    ):
        self.widget, self.name, self.values = widget, name, values

    @property
    def linked(self) -> str:
        """The trait of the control that the view shares."""
        return "value" if self.values is None else "index"


class Panel(ipywidgets.VBox):
    """A view and the controls that move it, linked in the browser.

    `controls` and `view` share the names of their values:
    `panel.controls["z0"].value` and `panel.view.z0` are one number wherever the
    panel is on show. (A check box shares True or False, the checkpoints' slider
    its `index`.) `sliders` are those controls that have a range.
    """

    def __init__(
        self,
        kind: str,
        controls: dict[str, _Control],
        rows: Sequence[ipywidgets.Widget],
        values: dict[str, float] | None = None,
        limits: dict[str, tuple[float, float]] | None = None,
        **traits,
    ):
        shared = {
            trait: getattr(one.widget, one.linked)
            for trait, one in controls.items()
        }
        ranges = {trait: _range(one) for trait, one in controls.items()} | (
            limits or {}
        )
        everything = (values or {}) | shared
        view = View(
            everything,
            kind=kind,
            controls={
                trait: {"name": one.name}
                | ({"values": one.values} if one.values else {})
                for trait, one in controls.items()
            },
            start={
                trait: [everything[trait], *ranges[trait]] for trait in ranges
            },
            whole=[trait for trait in ranges if type(everything[trait]) is int],
            **traits,
        )
        super().__init__([view, ipywidgets.VBox(list(rows))])
        self.add_class("aevae-panel")
        view.add_class("aevae-root")
        self.view = view
        self.controls = {trait: one.widget for trait, one in controls.items()}
        self.sliders = {
            t: widget
            for t, widget in self.controls.items()
            if hasattr(widget, "max")
        }
        for trait, widget in self.controls.items():
            widget.add_class(
                f"aevae-{trait}"
            )  # by which the view finds and names its handle
        self.links = [
            ipywidgets.jslink((one.widget, one.linked), (view, trait))
            for trait, one in controls.items()
        ]


def _range(control: _Control) -> tuple[float, float]:
    if control.values is not None:
        return 0, len(control.values) - 1
    return getattr(control.widget, "min", 0), getattr(control.widget, "max", 1)


def save_html(panel: Panel, path: str | Path, title: str | None = None) -> Path:
    """Write a panel as one HTML file that works offline in any current browser;
    return its path.

    The file holds the models' weights, the pictures and all code, asks for
    nothing from anywhere, and has browsers' own sliders in place of
    ipywidgets'. Scripts off, or on paper, it shows the panel's still figure.
    The values are those of the panel now.

    Raises `OSError`, naming the file and the remedy, if it cannot be written.
    """
    if not isinstance(panel, Panel):
        raise TypeError(
            "save_html saves what a function of widgets returned, not a "
            f"{type(panel).__name__}."
        )
    path = Path(path)
    state = dependency_state([panel], drop_defaults=False)
    for model in state.values():
        for elsewhere in ("_esm", "_css", "still"):  # in the page itself, once
            model["state"].pop(elsewhere, None)
    title = title or "From Points to Clouds"
    parts = {
        "title": html.escape(title),
        "style": _frontend("style.css", "place.css", "page.css"),
        "code": _frontend(*_CODE),
        "page": _frontend("page.js"),
        # "<" would end the script's element if a name held "</script>"
        "state": json.dumps(state, separators=(",", ":")).replace(
            "<", "\\u003c"
        ),
        "root": panel.model_id,
        "still": panel.view.still,
        "text": html.escape(panel.view.still_text),
        "room": _room_style(panel.view.room),
    }
    page = _frontend("page.html")
    for name, text in parts.items():
        page = page.replace("{{" + name + "}}", text)
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise type(error)(
            error.errno,
            f"{error.strerror}: the panel cannot be saved there. Choose a "
            "folder that exists and "
            "that you may write to",
            str(path),
        ) from error
    return path


def _frontend(*names: str) -> str:
    folder = files(__package__) / "frontend"
    return "\n".join(
        (folder / name).read_text(encoding="utf-8") for name in names
    )


_CODE = (
    "network.js",
    "view.js",
    "plane.js",
    "map.js",
    "sampler.js",
    "kl.js",
    "encoder.js",
)
_CODE += ("main.js",)


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


class View(anywidget.AnyWidget):
    """What JavaScript draws. Each value is a trait of its own, so that it can
    be linked.
    """

    _esm = _frontend(*_CODE)
    _css = _frontend("style.css")
    kind = traitlets.Unicode().tag(sync=True)
    nets = traitlets.List().tag(sync=True, **ipywidgets.widget_serialization)
    controls = traitlets.Dict().tag(
        sync=True
    )  # the name of each control for screen readers
    start = traitlets.Dict().tag(
        sync=True
    )  # what a link can carry: [first value, least, most]
    whole = traitlets.List().tag(
        sync=True
    )  # those of them that are whole numbers
    still = traitlets.Unicode().tag(
        sync=True
    )  # the figure for paper, as a data address
    still_text = traitlets.Unicode().tag(sync=True)
    room = traitlets.List().tag(
        sync=True
    )  # the panel's height in px, on wide and narrow pages

    def __init__(self, values: dict[str, float], **traits):
        kinds = {
            bool: traitlets.Bool,
            int: traitlets.Int,
            float: traitlets.Float,
        }
        more = {
            name: kinds[type(value)]().tag(sync=True)
            for name, value in values.items()
        }
        for name in traits:  # what this kind of view has besides
            if not self.has_trait(name):
                more[name] = traitlets.Any().tag(sync=True)
        self.add_traits(**more)
        super().__init__(**values, **traits)


# --- the networks' way into the browser --------------------------------------

_nets: dict[str, Net] = {}


@torch.no_grad()
def _decoder(
    model: Autoencoder, low: Sequence[float], high: Sequence[float]
) -> Net:
    """The model's decoder for the browser, precise enough in the box from `low`
    to `high`.
    """
    decoder = copy.deepcopy(model.decoder).cpu().float()
    described = _layers(decoder, f"The decoder of this {type(model).__name__}")
    low, high = torch.tensor(low), torch.tensor(high)
    z = low + (high - low) * torch.rand(
        256, len(low), generator=torch.Generator().manual_seed(0)
    )
    pixels = decoder(z).sigmoid()
    if pixels.shape[1:] != IMAGE_SHAPE:
        raise ValueError(
            f"The decoder must end in one image of shape {IMAGE_SHAPE} for "
            "each latent point, "
            f"and it ends in {tuple(pixels.shape[1:])}."
        )
    error = (
        (copy.deepcopy(decoder).half().float()(z).sigmoid() - pixels)
        .abs()
        .max()
    )
    return _net(*described, half=bool(error < LARGEST_ERROR))


@torch.no_grad()
def _encoder(model: Autoencoder, images: Tensor) -> Net:
    """The model's encoder for the browser, precise enough on images like these
    (uint8).
    """
    encoder = (
        copy.deepcopy(nn.Sequential(model.trunk, model.head)).cpu().float()
    )
    described = _layers(encoder, f"The encoder of this {type(model).__name__}")
    x = data.to_float(images)
    codes = encoder(x)
    error = (copy.deepcopy(encoder).half().float()(x) - codes).abs().amax(
        0
    ) / codes.std(0)
    return _net(*described, half=bool(error.max() < LARGEST_SHIFT))


def _layers(network: nn.Module, name: str) -> tuple[list[dict], Tensor]:
    """A network's layers as network.js reads them, and all their parameters in
    its order.
    """
    layers, weights = [], []
    for layer in _leaves(network):
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


def _leaves(module: nn.Module) -> list[nn.Module]:
    """The layers of nested `nn.Sequential`s, in order."""
    if not isinstance(module, nn.Sequential):
        return [module]
    return [leaf for child in module for leaf in _leaves(child)]


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


def _bytes(numbers: Tensor) -> str:
    """A tensor in single precision, row by row, as base64."""
    return base64.b64encode(numbers.numpy().astype("<f4").tobytes()).decode(
        "ascii"
    )


def _sprite(images: Tensor) -> str:
    """The inner 28 x 28 pixels of uint8 images, side by side in one small
    picture.
    """
    inner = images[:, 0, 2:-2, 2:-2].cpu()
    rows = math.ceil(len(inner) / SPRITE_COLUMNS)
    sheet = torch.zeros(rows * SPRITE_COLUMNS, 28, 28, dtype=torch.uint8)
    sheet[: len(inner)] = inner
    sheet = (
        sheet.view(rows, SPRITE_COLUMNS, 28, 28)
        .transpose(1, 2)
        .flatten(2)
        .flatten(0, 1)
    )
    file = io.BytesIO()
    grey = {"cmap": "gray", "vmin": 0, "vmax": 255}
    imsave(
        file, sheet.numpy(), format="webp", pil_kwargs={"quality": 30}, **grey
    )
    return _data_address(file)


def _data_address(file: io.BytesIO) -> str:
    return f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"


# --- still figures, for paper and for browsers without scripts ---------------


def _draw_still(draw: Callable[[Figure], None]) -> str:
    figure = Figure(
        figsize=(7.2, 3.6), dpi=110, layout="constrained", facecolor="white"
    )
    draw(figure)
    file = io.BytesIO()
    figure.savefig(file, format="webp", pil_kwargs={"quality": 60})
    return _data_address(file)


def _map_still(
    figure: Figure, planes: Sequence[tuple], shown: Split | None
) -> None:
    """Each plane's codes, and beside them what its decoder draws all over the
    plane.
    """
    figure.set_size_inches(7.2, 3.7 * len(planes))
    axes = figure.subplots(len(planes), 2, squeeze=False)
    for (name, model, codes, extent, prior), (left, right) in zip(
        planes, axes, strict=True
    ):
        if shown is not None:
            plots.latent_scatter(codes, shown.labels, left)
        if prior:
            plots.prior_circles(left)
        left.set(
            xlim=extent[:2],
            ylim=extent[2:],
            aspect="equal",
            title=f"{name}: codes",
        )
        z = plots.plane(extent, 12).to(next(model.parameters()).device)
        plots.decoded_plane(sample.decode(model, z), extent, right)
        right.set(title=f"{name}: decoded over the plane", aspect="equal")


def _map_text(names: Sequence[str], with_codes: bool) -> str:
    codes = (
        "the codes of the garments shown, coloured by class, and "
        if with_codes
        else ""
    )
    return f"The latent plane of {' and of '.join(names)}: {codes}images decoded on a grid over it."


def _sampler_still(
    figure: Figure, model: Autoencoder, samplers: dict[str, sample.Sampler]
) -> None:
    figure.set_size_inches(7.2, 0.3 + 0.8 * len(samplers))
    device = next(model.parameters()).device
    images = {
        name: sample.decode(model, draw(10, seed=0).to(device))
        for name, draw in samplers.items()
    }
    plots.image_rows(images, figure.subplots())


def _encoder_still(
    figure: Figure, planes: Sequence[tuple], garments: Tensor, shown: Split
) -> None:
    steps = range(0, 10, 2)
    shifted = torch.cat(
        [nn.functional.pad(garments[:1], (step, -step)) for step in steps]
    )
    figure.set_size_inches(7.2, 4.9)
    top, bottom = figure.subfigures(2, 1, height_ratios=(1, 3.4))
    plots.image_rows({"shifted": shifted}, top.subplots())
    for (name, model, codes, extent, _), ax in zip(
        planes, bottom.subplots(1, len(planes), squeeze=False)[0], strict=True
    ):
        plots.latent_scatter(codes, shown.labels, ax, names=False)
        way = _codes(model, Split(shifted, shown.labels[: len(shifted)]))
        ax.plot(*way.T, "k.-", markersize=9)
        ax.set(xlim=extent[:2], ylim=extent[2:], aspect="equal", title=name)


def _kl_still(figure: Figure) -> None:
    x = torch.linspace(-5, 5, 400)
    axes = figure.subplots(1, 3, sharey=True)
    figure.set_size_inches(7.2, 2.4)
    for ax, (mu, logvar) in zip(
        axes, ((1.5, 0.0), (0.0, -3.0), (0.0, 1.5)), strict=True
    ):
        std = math.exp(0.5 * logvar)
        for mean, width, color in (
            (0, 1, plots.BASELINE_COLOR),
            (mu, std, plots.VAE_COLOR),
        ):
            density = torch.exp(-0.5 * ((x - mean) / width) ** 2) / (
                width * math.sqrt(2 * math.pi)
            )
            ax.plot(x, density, color=color)
        kl = losses.kl_divergence(
            torch.tensor([[mu]]), torch.tensor([[logvar]])
        ).item()
        ax.set(yticks=[], title=f"N({mu}, {std**2:.2f}): KL {kl:.2f} nats")


def _room_for_map(
    planes: int, with_slider: bool, with_garments: bool
) -> list[int]:
    """What a latent map takes, measured: its height in px on a wide and on a
    narrow page.
    """
    wide, narrow = {
        (1, False): (755, 656),
        (1, True): (835, 885),
        (2, False): (850, 1004),
        (2, True): (945, 1400),
    }[planes, with_garments]
    return [wide + 54 * with_slider, narrow + 73 * with_slider]


def _room_style(room: Sequence[int]) -> str:
    return f"--aevae-wide: {room[0]}px; --aevae-narrow: {room[1]}px"


# --- what is checked and what is rounded -------------------------------------


def _check_model(model: Autoencoder) -> None:
    if not isinstance(model, Autoencoder):
        raise TypeError(
            "This widget shows an Autoencoder or a VAE from aevae_lib.models, "
            f"not a {type(model).__name__}."
        )
    first = next(
        (
            layer
            for layer in _leaves(model.decoder)
            if isinstance(layer, nn.Linear)
        ),
        None,
    )
    if first is not None and first.in_features != model.latent_dim:
        raise ValueError(
            f"The decoder of this {type(model).__name__} takes "
            f"{first.in_features} numbers and a "
            f"code has {model.latent_dim}: a decoder that is told more than "
            "the code has no "
            "widget."
        )


def _check_series(
    models: Sequence[Autoencoder], checkpoints: Sequence[Series] | None
) -> list[Series]:
    """For each plane its (label, model) pairs; without checkpoints, one pair
    each.
    """
    if models and checkpoints is not None:
        raise ValueError(
            "Pass models or checkpoints, not both: a series holds its models."
        )
    series = [[("", model)] for model in models]
    if checkpoints is not None:
        series = [list(one) for one in checkpoints]
    if not 1 <= len(series) <= 2:
        raise ValueError(
            f"A latent plane shows one model or two, not {len(series)}."
        )
    labels = [[label for label, _ in one] for one in series]
    if (
        not labels[0]
        or labels[0] != labels[-1]
        or len(set(labels[0])) < len(labels[0])
    ):
        raise ValueError(
            "The checkpoints of both planes must carry the same labels in the "
            "same order, none "
            f"twice, at least one; they are {labels}."
        )
    for model in (model for one in series for _, model in one):
        _check_model(model)
        if model.latent_dim != 2:
            raise ValueError(
                "A latent plane needs latent_dim = 2, and this "
                f"{type(model).__name__} has "
                f"latent_dim = {model.latent_dim}. Use latent_sampler for it."
            )
    return series


def _check_points(points: Split | None) -> Split | None:
    if not (points is None or isinstance(points, Split)):
        raise TypeError(
            f"The points must be a data.Split, not a {type(points).__name__}."
        )
    return (
        None if points is None else Split(*(part[:POINTS] for part in points))
    )


def _codes(model: Autoencoder, shown: Split | None) -> Tensor:
    """The codes of the garments shown, on the CPU: (N, 2)."""
    if shown is None:
        return torch.zeros(0, 2)
    codes = sample.encode(model, shown.images).cpu()
    if not codes.isfinite().all():
        raise ValueError(
            f"This {type(model).__name__} encodes some images as NaN or "
            "infinity: its training "
            "has failed. Train it again with a lower learning rate."
        )
    return codes


def _default_names(models: Sequence[Autoencoder]) -> list[str]:
    names = ["VAE" if isinstance(model, VAE) else "AE" for model in models]
    if len(set(names)) < len(names):
        return [f"{name} {number}" for number, name in enumerate(names, 1)]
    return names


def _square(
    codes: Tensor, centred: bool
) -> tuple[list[float], list[float], float]:
    """A square that holds codes (N, 2) and the origin: its corners, and its
    sliders' step.
    """
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
    """The largest of ..., 0.01, 0.02, 0.05, 0.1, ... that divides `width` into
    200 or more.
    """
    unit = 10.0 ** math.floor(math.log10(width / 200))
    return _tidy(
        max(unit * n for n in (1, 2, 5) if unit * n <= width / 200), unit
    )


def _digits(step: float) -> int:
    return max(0, -math.floor(math.log10(step) + 1e-9))


def _tidy(value: float, step: float) -> float:
    """`value` without the floating-point noise far below `step`."""
    return round(value, _digits(step))


def _subscript(name: str) -> str:
    """ "z12" as it is printed."""
    return name.translate(
        str.maketrans(
            "0123456789",
            "\u2080\u2081\u2082\u2083\u2084\u2085\u2086\u2087\u2088\u2089",
        )
    )


def _classes() -> list[dict[str, str]]:
    return [
        {"name": name, "color": color, "marker": marker}
        for name, color, marker in zip(
            CLASS_NAMES, CLASS_COLORS, CLASS_MARKERS, strict=True
        )
    ]


def _slider(
    description: str,
    value: float,
    low: float,
    high: float,
    step: float,
    label_length: int,
) -> ipywidgets.FloatSlider:
    """A slider on whole steps, with room for labels of `label_length` letters."""
    return ipywidgets.FloatSlider(
        value=_tidy(low + round((value - low) / step) * step, step),
        min=low,
        max=high,
        step=step,
        description=description,
        readout_format=f".{_digits(step)}f",
        **_room(label_length),
    )


def _room(label_length: int) -> dict[str, dict[str, str]]:
    return {
        "style": {"description_width": f"{label_length * 0.6 + 0.6:.1f}em"},
        "layout": {"width": "auto", "min_width": "0"},
    }


def _column(sliders: list[ipywidgets.Widget]) -> ipywidgets.VBox:
    return ipywidgets.VBox(
        sliders, layout={"flex": "1 1 250px", "min_width": "0"}
    )
