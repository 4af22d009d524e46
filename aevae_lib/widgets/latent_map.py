"""The latent plane, and the image decoded at a point of it."""

from collections.abc import Sequence

import ipywidgets
from matplotlib.figure import Figure

from .. import plots, sample
from ..data import Split
from ..models import Autoencoder
from . import pictures, planes, source
from .network import as_text, decoder
from .panel import (
    Control,
    Panel,
    check_box,
    columns,
    side_by_side,
    sliders,
    space,
    subscript,
    widgets_of,
)
from .planes import NEIGHBOURS, Plane, Series

JUDGES = 400  # images that a decoded one is compared with


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

    Behind a plane stands what the decoder draws all over it. The first 1,000
    images of `points` are drawn at their codes (for a VAE, mu), and each model
    starts in a hole between two classes of them, or else at the first.
    A lens beside a VAE shows the clouds around the point. All that is said of
    the point rests on these images alone:

    - the nearest one: each axis is divided by the standard deviation (sd) of
      the codes shown, so that the distances of two models can be compared;
    - a hole: a point that no shown code's ball, drawn to its fifth nearest
      shown code, holds (the rule of `measure.in_hole`, over these codes; over
      all training codes, holes are smaller);
    - the class of the decoded image: that of the nearest, by pixels at half
      their resolution, among the first 400 of these images as the model itself
      redraws them. A judge with no training and no doubt: it names a class for
      a picture of nothing, too.

    Check boxes show what is decoded, the prior's circles at one and two
    standard deviations (VAE), the holes, and a path between two of the images,
    along which the slider "t" walks from 0 to 1. One more links two planes: as
    the point of one is dragged, that of the other goes to the code of the image
    nearest to it.

    Instead of models, `checkpoints` takes a series of (label, model) for each
    plane, as many in each, and one more slider walks through them (it starts at
    the last), called by the words that the labels share, such as "epochs";
    their weights reach the decoder only when they are asked for. A plane keeps
    one frame for all of its series.
    """
    series = planes.check_series(models, checkpoints)
    shown = planes.check_points(points)
    drawn = planes.planes_of(series, names, shown)
    count, last = len(shown or ()), len(series[0]) - 1
    holes = [shown and planes.hole_beside(one, shown.labels) for one in drawn]
    controls, rows = _controls(drawn, holes, count)
    nets, maps = _described(drawn, shown)
    path, ends = _path_ends(shown, holes), (0, count - 1)
    several = " and of ".join(plane.name for plane in drawn)
    codes = "the codes of the images shown, coloured by class, and "
    return Panel(
        "latent_map",
        controls,
        rows,
        values={"checkpoint": last, "active": 0} | path,
        limits=dict.fromkeys(path, ends) | {"active": (0, len(drawn) - 1)},
        room=_room(len(maps), bool(last), shown is not None),
        still=pictures.still(lambda figure: _still(figure, drawn, shown)),
        still_text=f"The latent plane of {several}: {codes if count else ''}"
        "images decoded on a grid over it.",
        nets=nets,
        maps=maps,
        labels=shown.labels.tolist() if shown else [],
        classes=pictures.classes(shown),
        sheet=pictures.sheet(shown),
        neighbours=NEIGHBOURS,
        judges=JUDGES,
        worker=source.joined("backdrop_worker", end=""),
    )


def _described(
    drawn: Sequence[Plane], shown: Split | None
) -> tuple[list, list[dict]]:
    """The decoders of all checkpoints, and the planes as latent_map.js reads
    them.
    """
    nets, maps = [], []
    for plane in drawn:
        checkpoints = []
        for (_, model), codes in zip(plane.series, plane.codes, strict=True):
            one = {"net": len(nets), "codes": as_text(codes)}
            if plane.prior and shown is not None:
                one["sigmas"] = as_text(planes.sigmas_of(model, shown))
            checkpoints.append(one)
            nets.append(decoder(model, plane.low, plane.high))
        maps.append(plane.described(checkpoints=checkpoints))
    return nets, maps


def _controls(
    drawn: Sequence[Plane], holes: Sequence, count: int
) -> tuple[dict[str, Control], list[ipywidgets.Widget]]:
    """Every control by its trait, and the rows in which they stand."""
    places = _coordinates(drawn, holes)
    sides = list(places.values())
    rows = [columns(*(sides[i : i + 2] for i in range(0, len(sides), 2)))]
    walk, path, boxes = {}, {}, _check_boxes(drawn, count)
    labels = [label for label, _ in drawn[0].series]
    if len(labels) > 1:
        name = _shared_words(labels) or "checkpoint"
        steps = ipywidgets.SelectionSlider(
            options=labels,
            value=labels[-1],
            description=name,
            **space(len(name)),
        )
        walk["checkpoint"] = Control(steps, name, labels)
        rows.insert(0, steps)
    if boxes:
        rows.append(side_by_side(widgets_of(boxes.values())))
    if count > 1:
        about = ("t", "t, the place on the path", 0.0, (0.0, 1.0), 0.01)
        path = sliders({"t": about})
        rows += widgets_of(path.values())
    return places | walk | boxes | path, rows


def _shared_words(labels: Sequence[str]) -> str:
    """What all labels say: "epochs" of "1 epochs" and "4 epochs"."""
    first, *others = (label.split() for label in labels)
    return " ".join(w for w in first if all(w in other for other in others))


def _coordinates(drawn: Sequence[Plane], holes: Sequence) -> dict[str, Control]:
    """Two sliders for each plane, that start in a hole, or else at the first
    image shown.
    """
    rows = {}
    for index, (plane, hole) in enumerate(zip(drawn, holes, strict=True)):
        start = [*plane.codes[-1][:1].flatten().tolist(), 0.0, 0.0]
        if hole:
            start, _ = hole
        head = f"{plane.name} " if len(drawn) > 1 else ""
        for axis, z in enumerate(("z0", "z1")):
            ends = plane.low[axis], plane.high[axis]
            name = f"{plane.name}, latent coordinate {z}"
            label = head + subscript(z)
            about = (label, name, start[axis], ends, plane.step)
            rows[f"map{index}_{z}"] = about
    return sliders(rows)


def _check_boxes(drawn: Sequence[Plane], count: int) -> dict[str, Control]:
    boxes = {
        "show_backdrop": ("what is decoded", True),
        "show_prior": ("prior circles", any(plane.prior for plane in drawn)),
        "show_holes": ("holes", count > NEIGHBOURS),
        "show_path": ("path from A to B", count > 1),
        "link_rings": ("link by garment", len(drawn) > 1 and count > 0),
    }
    on = ("show_backdrop", "show_prior", "link_rings")
    return {
        trait: check_box(label, trait in on)
        for trait, (label, wanted) in boxes.items()
        if wanted
    }


def _path_ends(shown: Split | None, holes: Sequence) -> dict[str, int]:
    """The two images beside the first plane's hole, or else the first, and the
    first of another class, or the second.
    """
    if shown is None or len(shown) < 2:
        return {}
    if holes[0]:
        return dict(zip(("path_a", "path_b"), holes[0][1], strict=True))
    other = (shown.labels != shown.labels[0]).int().argmax().item() or 1
    return {"path_a": 0, "path_b": other}


def _room(planes: int, with_slider: bool, with_images: bool) -> list[int]:
    """What a latent map takes, measured: its height in px on a wide and on a
    narrow page.
    """
    wide, narrow = {
        (1, False): (690, 610),
        (1, True): (820, 850),
        (2, False): (650, 730),
        (2, True): (750, 1070),
    }[planes, with_images]
    return [wide + 80 * with_slider, narrow + 80 * with_slider]


def _still(figure: Figure, drawn: Sequence[Plane], shown: Split | None) -> None:
    """Each plane's codes, and beside them what its decoder draws all over the
    plane.
    """
    figure.set_size_inches(7.2, 3.7 * len(drawn))
    axes = figure.subplots(len(drawn), 2, squeeze=False)
    for plane, (left, right) in zip(drawn, axes, strict=True):
        plane.draw(left, shown)
        if plane.prior:
            plots.prior_circles(left)
        extent = [*left.get_xlim(), *left.get_ylim()]
        images = sample.pictures(plane.model, plots.plane(extent, 12))
        plots.decoded_plane(images, extent, right)
        left.set(title=f"{plane.name}: codes")
        right.set(title=f"{plane.name}: decoded over the plane", aspect="equal")
