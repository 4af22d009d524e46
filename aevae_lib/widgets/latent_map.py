"""The latent plane, and the image decoded at a point of it."""

from collections.abc import Sequence

import ipywidgets
from matplotlib.figure import Figure

from .. import plots, sample
from ..data import Split
from ..models import Autoencoder
from . import planes, stills
from .network import as_text, decoder
from .panel import (
    Control,
    Panel,
    columns,
    side_by_side,
    slider,
    space,
    subscript,
)
from .planes import Plane, Series

NEIGHBOURS = 5  # fewer images leave holes undefined


def latent_map(
    *models: Autoencoder,
    points: Split | None = None,
    names: Sequence[str] | None = None,
    checkpoints: Sequence[Series] | None = None,
) -> Panel:
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
    series = planes.check_series(models, checkpoints)
    shown = planes.check_points(points)
    drawn = planes.planes_of(series, names, shown)
    count, last = len(drawn[0].codes[0]), len(series[0]) - 1
    places, walk = _coordinates(drawn), _checkpoint_slider(series[0])
    boxes, path = _check_boxes(drawn, count), _path_slider(count)
    nets, maps = _described(drawn)
    ends = (0, count - 1)
    return Panel(
        "latent_map",
        places | walk | boxes | path,
        _rows(places, walk, boxes, path),
        values={"checkpoint": last} | _path_ends(shown, count),
        limits={"path_a": ends, "path_b": ends} if path else {},
        room=_room(len(maps), bool(last), shown is not None),
        still=stills.drawn(lambda figure: _still(figure, drawn, shown)),
        still_text=_still_text(drawn, shown),
        nets=nets,
        maps=maps,
        labels=[] if shown is None else shown.labels.tolist(),
        classes=planes.classes(),
        pictures="" if shown is None else planes.sheet(shown.images),
    )


def _described(drawn: Sequence[Plane]) -> tuple[list, list[dict]]:
    """The decoders of all checkpoints, and the planes as latent_map.js reads
    them.
    """
    nets, maps = [], []
    for plane in drawn:
        checkpoints = []
        for (label, model), codes in zip(
            plane.series, plane.codes, strict=True
        ):
            checkpoints.append(
                {"label": label, "net": len(nets), "codes": as_text(codes)}
            )
            nets.append(decoder(model, plane.low, plane.high))
        maps.append(
            {
                "name": plane.name,
                "prior": plane.prior,
                "low": plane.low,
                "high": plane.high,
                "step": plane.step,
                "checkpoints": checkpoints,
            }
        )
    return nets, maps


# --- controls ----------------------------------------------------------------


def _coordinates(drawn: Sequence[Plane]) -> dict[str, Control]:
    """Two sliders for each plane, that start at the first image shown."""
    heads = [f"{one.name} " if len(drawn) > 1 else "" for one in drawn]
    longest = max(map(len, heads)) + len("z0")
    controls = {}
    for index, (plane, head) in enumerate(zip(drawn, heads, strict=True)):
        codes = plane.codes[-1]
        start = codes[0].tolist() if len(codes) else [0.0, 0.0]
        for axis, z in enumerate(("z0", "z1")):
            ends = plane.low[axis], plane.high[axis]
            controls[f"map{index}_{z}"] = Control(
                slider(
                    head + subscript(z), start[axis], *ends, plane.step, longest
                ),
                f"{plane.name}, latent coordinate {z}",
            )
    return controls


def _checkpoint_slider(series: Series) -> dict[str, Control]:
    if len(series) == 1:
        return {}
    labels = [label for label, _ in series]
    walk = ipywidgets.SelectionSlider(
        options=labels,
        value=labels[-1],
        description="checkpoint",
        **space(10),
    )
    return {"checkpoint": Control(walk, "checkpoint", labels)}


def _check_boxes(drawn: Sequence[Plane], count: int) -> dict[str, Control]:
    boxes = {}
    if any(plane.prior for plane in drawn):
        boxes["show_prior"] = ("prior circles", True)
    if count > NEIGHBOURS:
        boxes["show_holes"] = ("holes", False)
    if count > 1:
        boxes["show_path"] = ("path from A to B", False)
    layout = {"width": "auto"}
    return {
        trait: Control(
            ipywidgets.Checkbox(
                value=on, description=label, indent=False, layout=layout
            ),
            label,
        )
        for trait, (label, on) in boxes.items()
    }


def _path_slider(count: int) -> dict[str, Control]:
    if count < 2:
        return {}
    t = slider("t", 0.0, 0.0, 1.0, 0.01, 2)
    return {"t": Control(t, "t, the place on the path")}


def _path_ends(shown: Split | None, count: int) -> dict[str, int]:
    """The first image, and the first of another class, or else the second."""
    if count < 2:
        return {}
    other = (shown.labels != shown.labels[0]).int().argmax().item() or 1
    return {"path_a": 0, "path_b": other}


def _rows(
    places: dict[str, Control],
    walk: dict[str, Control],
    boxes: dict[str, Control],
    path: dict[str, Control],
) -> list[ipywidgets.Widget]:
    sliders = [control.widget for control in places.values()]
    pairs = [sliders[i : i + 2] for i in range(0, len(sliders), 2)]
    rows = [*(control.widget for control in walk.values()), columns(*pairs)]
    if boxes:
        rows.append(side_by_side([one.widget for one in boxes.values()]))
    return [*rows, *(control.widget for control in path.values())]


def _room(planes: int, with_slider: bool, with_images: bool) -> list[int]:
    """What a latent map takes, measured: its height in px on a wide and on a
    narrow page.
    """
    wide, narrow = {
        (1, False): (755, 656),
        (1, True): (835, 885),
        (2, False): (850, 1004),
        (2, True): (945, 1400),
    }[planes, with_images]
    return [wide + 54 * with_slider, narrow + 73 * with_slider]


# --- still -------------------------------------------------------------------


def _still(figure: Figure, drawn: Sequence[Plane], shown: Split | None) -> None:
    """Each plane's codes, and beside them what its decoder draws all over the
    plane.
    """
    figure.set_size_inches(7.2, 3.7 * len(drawn))
    axes = figure.subplots(len(drawn), 2, squeeze=False)
    for plane, (left, right) in zip(drawn, axes, strict=True):
        extent = plane.extent
        if shown is not None:
            plots.latent_scatter(plane.codes[-1], shown.labels, left)
        if plane.prior:
            plots.prior_circles(left)
        left.set(xlim=extent[:2], ylim=extent[2:])
        z = plots.plane(extent, 12).to(next(plane.model.parameters()).device)
        plots.decoded_plane(sample.decode(plane.model, z), extent, right)
        titles = f"{plane.name}: codes", f"{plane.name}: decoded over the plane"
        for ax, title in zip((left, right), titles, strict=True):
            ax.set(title=title, aspect="equal")


def _still_text(drawn: Sequence[Plane], shown: Split | None) -> str:
    codes = "the codes of the garments shown, coloured by class, and "
    return (
        f"The latent plane of {' and of '.join(one.name for one in drawn)}: "
        f"{'' if shown is None else codes}images decoded on a grid over it."
    )
