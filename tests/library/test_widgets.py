"""The widgets' Python half: what reaches the browser, and what is refused."""

import ast
import base64
import copy
import html
import io
import json
import os
import re
import warnings
from dataclasses import replace
from pathlib import Path

import nbconvert
import nbformat
import numpy as np
import pytest
import torch
from IPython.core.formatters import DisplayFormatter
from matplotlib.image import imread
from nbclient import NotebookClient
from torch import nn

from aevae_lib import (
    data,
    likelihoods,
    losses,
    measure,
    models,
    sample,
    widgets,
)
from aevae_lib.widgets import network, planes

pytestmark = pytest.mark.filterwarnings(
    "error"
)  # ipywidgets only warns of unknown arguments


@pytest.fixture(scope="module")
def split():
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(
        0, 256, (1200, 1, 32, 32), generator=generator, dtype=torch.uint8
    )
    names = tuple(f"class {k}" for k in range(10))
    return data.Split(images, torch.arange(1200) % 10, names)


KINDS = ["one map", "two maps", "checkpoints", "sampler", "sampler with codes"]
KINDS += ["sampler with twin", "many dimensions", "encoder", "price", "loss"]


@pytest.fixture(scope="module")
def made():
    return {}


@pytest.fixture(params=KINDS)
def panel(request, split, made):
    """A panel of each kind, as it was when it was made."""
    kind = request.param
    if kind not in made:
        made[kind] = make(kind, split)
    panel = made[kind]
    yield panel
    for link in panel.links:
        first = panel.view.start[link.target[1]][0]
        setattr(*link.source, first)
        setattr(*link.target, first)


def make(kind, split):
    torch.manual_seed(0)
    autoencoder, vae = models.Autoencoder(), models.VAE()
    with (
        torch.no_grad()
    ):  # codes far from the origin, as an autoencoder's may be
        autoencoder.head.weight *= 200
        autoencoder.head.bias += torch.tensor([30.0, -5.0])
    deep = models.VAE(7)
    return {
        "one map": lambda: widgets.latent_map(vae),
        "two maps": lambda: widgets.latent_map(autoencoder, vae, points=split),
        "sampler": lambda: widgets.latent_sampler(deep),
        "sampler with codes": lambda: widgets.latent_sampler(
            deep, sample.encode(deep, split.images)
        ),
        "sampler with twin": lambda: widgets.latent_sampler(
            deep,
            sample.encode(deep, split.images),
            images=split.images,
            twin=(models.Autoencoder(7), torch.randn(99, 7)),
        ),
        "many dimensions": lambda: widgets.latent_sampler(models.VAE(20)),
        "checkpoints": lambda: widgets.latent_map(
            points=split,
            checkpoints=[
                [("first", models.Autoencoder()), ("last", autoencoder)],
                [("first", models.VAE()), ("last", vae)],
            ],
        ),
        "encoder": lambda: widgets.encoder_live(autoencoder, vae, images=split),
        "price": widgets.kl_playground,
        "loss": widgets.loss_reader,
    }[kind]()


# --- sliders -----------------------------------------------------------------


def test_every_control_has_its_link(panel):
    """The links live in the browser: here they are followed by hand, over each
    whole range.
    """
    assert (
        set(panel.controls) == set(panel.view.controls) <= set(panel.view.keys)
    )
    linked = {link.target[1]: link for link in panel.links}
    assert len(linked) == len(panel.links) == len(panel.controls)
    for trait, control in panel.controls.items():
        link = linked[trait]
        assert (
            type(link).__name__ == "Link"
        )  # both ways, and run by the front end
        assert link.target == (panel.view, trait)
        source, name = link.source
        assert source is control
        assert getattr(source, name) == getattr(panel.view, trait)
        for value in values_of(control):
            setattr(
                control, name, value
            )  # one that is refused, or an observer that fails, raises
            setattr(panel.view, trait, getattr(source, name))
            assert (
                getattr(panel.view, trait)
                == getattr(control, name)
                == pytest.approx(value)
            )


def values_of(control):
    if hasattr(control, "max"):
        kind = type(control.value)
        return [
            kind(value)
            for value in torch.linspace(control.min, control.max, 41).tolist()
        ]
    if hasattr(control, "options"):
        return range(len(control.options))
    return (True, False) if type(control.value) is bool else (0.00025, 500.0)


def test_coordinates_are_sliders(panel):
    places = {
        name for name in panel.controls if re.fullmatch(r"(map\d_)?z\d+", name)
    }
    assert places <= set(panel.sliders) <= set(panel.controls)
    if panel.view.kind in ("map", "sampler"):
        assert places == {
            name
            for name in panel.view.keys
            if re.fullmatch(r"(map\d_)?z\d+", name)
        }


def test_sliders_start_where_the_view_starts_and_move_finely(panel):
    for trait, slider in panel.sliders.items():
        assert slider.min <= slider.value <= slider.max
        assert getattr(panel.view, trait) == slider.value
        steps = (slider.value - slider.min) / slider.step
        assert steps == pytest.approx(
            round(steps), abs=1e-6
        )  # else the handle would jump
        if isinstance(slider.value, float):
            assert slider.step <= (slider.max - slider.min) / 100 * (1 + 1e-9)
            digits = int(slider.readout_format[1:-1])
            assert round(slider.step, digits) == pytest.approx(
                slider.step
            )  # it shows a step


def test_a_link_can_carry_every_value_within_its_range(panel):
    assert set(panel.controls) <= set(panel.view.start)
    for trait, (first, low, high) in panel.view.start.items():
        assert low <= first <= high
        assert first == getattr(panel.view, trait)
        assert (trait in panel.view.whole) == (type(first) is int)


def test_the_view_can_find_and_name_every_slider(panel):
    names = [panel.view.controls[trait]["name"] for trait in panel.controls]
    assert len(set(names)) == len(names)
    for trait, control in panel.controls.items():
        assert f"aevae-{trait}" in control._dom_classes
    assert "aevae-panel" in panel._dom_classes
    assert panel.children[0] is panel.view
    assert set(panel.controls.values()) == set(leaves(panel.children[1]))


def leaves(widget):
    children = getattr(widget, "children", ())
    return (
        [leaf for child in children for leaf in leaves(child)]
        if children
        else [widget]
    )


# --- what the planes show ----------------------------------------------------


def test_both_planes_show_the_codes_of_the_same_garments(split):
    torch.manual_seed(0)
    pair = models.Autoencoder(), models.VAE()
    panel = widgets.latent_map(*pair, points=split)
    assert panel.view.labels == split.labels[:1000].tolist()
    assert [one["prior"] for one in panel.view.maps] == [False, True]
    assert [one["name"] for one in panel.view.maps] == ["AE", "VAE"]
    for model, one in zip(pair, panel.view.maps, strict=True):
        codes = sample.encode(model, split.images[:1000])
        torch.testing.assert_close(
            codes_in(one["checkpoints"][0]["codes"]), codes
        )
        low, high = torch.tensor(one["low"]), torch.tensor(one["high"])
        assert ((low <= codes) & (codes <= high)).all()
        assert (low <= 0).all()
        assert (high >= 0).all()
        width = high - low
        assert width[0].item() == pytest.approx(
            width[1].item()
        )  # a circle looks like one
        given = one["checkpoints"][0].get("sigmas")
        assert (given is not None) == one["prior"]
        if given:
            x = data.to_float(split.images[:1000])
            sigmas = torch.exp(0.5 * model.posterior(x)[1])
            torch.testing.assert_close(codes_in(given), sigmas)
    assert panel.view.maps[1]["low"] == [
        -value for value in panel.view.maps[1]["high"]
    ]


def codes_in(text):
    numbers = np.frombuffer(base64.b64decode(text), "<f4")
    return torch.from_numpy(numbers.copy()).view(-1, 2)


def test_every_checkpoint_has_its_own_codes_and_decoder(split):
    torch.manual_seed(0)
    series = [
        [(f"{n}", kind()) for n in range(3)]
        for kind in (models.Autoencoder, models.VAE)
    ]
    panel = widgets.latent_map(points=split, checkpoints=series)
    assert (
        panel.controls["checkpoint"].index == panel.view.checkpoint == 2
    )  # the last
    assert panel.view.controls["checkpoint"]["values"] == ["0", "1", "2"]
    for one, plane in zip(series, panel.view.maps, strict=True):
        low, high = torch.tensor(plane["low"]), torch.tensor(plane["high"])
        for (_, model), given in zip(one, plane["checkpoints"], strict=True):
            codes = sample.encode(model, split.images[:1000])
            torch.testing.assert_close(codes_in(given["codes"]), codes)
            assert ((low <= codes) & (codes <= high)).all()  # one frame for all
            net = panel.view.nets[given["net"]]
            first = np.frombuffer(base64.b64decode(net.weights), "<f2")[
                :2048
            ].astype("f4")
            theirs = model.decoder[0].weight.detach().T.flatten()
            torch.testing.assert_close(
                torch.from_numpy(first), theirs, atol=1e-3, rtol=1e-3
            )


def test_the_sheet_of_pictures_holds_every_garment_at_its_place(split):
    smooth = split.images.clone()
    smooth[...] = (torch.arange(1200) % 250).view(-1, 1, 1, 1).to(torch.uint8)
    view = widgets.latent_map(
        models.VAE(), points=replace(split, images=smooth, frame=2)
    ).view
    raw = base64.b64decode(view.sheet["picture"].partition(",")[2])
    sheet = np.asarray(imread(io.BytesIO(raw), format="webp"))
    assert sheet.shape[:2] == (25 * 28, 40 * 28)
    for index in (0, 39, 40, 517, 999):
        row, column = divmod(index, 40)
        tile = sheet[
            row * 28 : row * 28 + 28, column * 28 : column * 28 + 28, 0
        ]
        assert abs(tile.astype(float).mean() - index % 250) < 4


def test_a_map_starts_in_a_hole_between_two_classes():
    """Two heaps; the walk from A to B leads through the hole."""
    generator = torch.Generator().manual_seed(0)
    heaps, labels = (
        torch.tensor([[-1.0, 0.0], [1.0, 0.0]]),
        torch.arange(90) % 2,
    )
    codes = heaps[labels] + 0.15 * torch.randn(90, 2, generator=generator)
    low, high, step = planes.square(codes, centred=False)
    plane = planes.Plane("AE", [], [codes], False, low, high, step)
    point, ends = planes.hole_beside(plane, labels)
    assert measure.in_hole(torch.tensor([point]), codes).item()
    assert sorted(labels[ends].tolist()) == [0, 1]
    assert -0.9 < point[0] < 0.9
    assert abs(point[1]) < 0.6
    steps = (torch.tensor(point) - torch.tensor(low)) / step
    torch.testing.assert_close(steps, steps.round(), atol=1e-3, rtol=0)
    alone = planes.Plane("AE", [], [codes[::2]], False, low, high, step)
    assert planes.hole_beside(alone, labels[::2]) is None
    few = planes.Plane("AE", [], [codes[:5]], False, low, high, step)
    assert planes.hole_beside(few, labels[:5]) is None


def test_a_map_shows_its_hole_first(split):
    torch.manual_seed(0)
    pair = models.Autoencoder(), models.VAE()
    panel = widgets.latent_map(*pair, points=split)
    held = []
    for index, one in enumerate(panel.view.maps):
        start = [panel.sliders[f"map{index}_z{axis}"].value for axis in (0, 1)]
        codes = codes_in(one["checkpoints"][0]["codes"])
        held.append(not measure.in_hole(torch.tensor([start]), codes).item())
        if held[index]:  # no hole is as wide as a slider's step
            assert (codes[0] - torch.tensor(start)).abs().max() <= one["step"]
    assert held == [False, True]
    ends = panel.view.path_a, panel.view.path_b
    assert len({panel.view.labels[end] for end in ends}) == 2


@pytest.mark.parametrize(
    ("labels", "name"),
    [
        (("1 epochs", "4 epochs"), "epochs"),
        (("beta 1", "beta 10"), "beta"),
        (("first", "last"), "checkpoint"),
    ],
)
def test_the_slider_is_called_by_what_it_changes(labels, name):
    series = [(label, models.VAE()) for label in labels]
    panel = widgets.latent_map(checkpoints=[series])
    assert panel.controls["checkpoint"].description == name
    assert panel.view.controls["checkpoint"]["name"] == name


def test_the_encoder_starts_half_erased_and_shows_each_class(split):
    torch.manual_seed(0)
    ae, vae = models.Autoencoder(), models.VAE()
    panel = widgets.encoder_live(ae, vae, images=split)
    view = panel.view
    garments = np.frombuffer(base64.b64decode(view.images), np.uint8).reshape(
        -1, 1, 32, 32
    )
    assert view.names == [name for name in split.classes for _ in range(3)]
    for number, garment in enumerate(torch.from_numpy(garments.copy())):
        own = split.images[split.labels == number // 3][number % 3]
        assert torch.equal(garment, own)
    rows = split.image_shape[1] // 2
    start = {name: one.value for name, one in panel.sliders.items()}
    number = start.pop("image")
    assert start == {"right": 0, "down": 0, "top": rows, "left": 0}
    whole = torch.from_numpy(garments.copy())
    erased = whole.clone()
    erased[:, :, :rows] = 0
    for index, model in enumerate((ae, vae)):
        here = [getattr(view, f"map{index}_z{axis}") for axis in (0, 1)]
        torch.testing.assert_close(
            torch.tensor([here]),
            sample.encode(model, erased[number : number + 1]),
        )
    spread = sample.encode(vae, split.images[:1000]).std(0)
    shift = sample.encode(vae, erased) - sample.encode(vae, whole)
    assert (shift / spread).norm(dim=1).argmax().item() == number
    assert "map1_noise0" in view.keys
    assert "map0_noise0" not in view.keys  # an autoencoder has nothing to draw


def test_the_longest_bar_is_the_dearest_price():
    panel = widgets.kl_playground()
    mu, logvar = panel.sliders["mu"], panel.sliders["logvar"]
    prices = [
        losses.kl_divergence(torch.tensor([[m]]), torch.tensor([[v]])).item()
        for m in (mu.min, mu.max)
        for v in (logvar.min, logvar.max)
    ]
    assert 0.9 * panel.view.largest < max(prices) <= panel.view.largest


def test_every_panel_has_a_still_figure_and_its_text(panel):
    view = panel.view
    raw = base64.b64decode(view.still.partition(",")[2])
    picture = np.asarray(imread(io.BytesIO(raw), format="webp"))[..., :3]
    assert min(picture.shape[:2]) > 100
    assert picture.std() > 10  # not an empty page
    assert len(view.still_text.split()) >= 6
    assert len(view.room) == 2
    assert len(view.still) < 110_000


@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize("scale", [1e-3, 0.7, 30.0, 1e4])
@pytest.mark.parametrize("shift", [0.0, 8.0, -8.0])
def test_a_plane_holds_its_codes_and_the_origin(scale, shift, centred):
    generator = torch.Generator().manual_seed(0)
    codes = scale * (
        torch.randn(300, 2, generator=generator) + torch.tensor([shift, 0.0])
    )
    low, high, step = planes.square(codes, centred)
    for axis in (0, 1):
        extremes = [
            codes[:, axis].min().item(),
            codes[:, axis].max().item(),
            0.0,
        ]
        assert low[axis] < min(extremes) <= max(extremes) < high[axis]
        assert high[axis] - low[axis] == pytest.approx(high[0] - low[0])
        assert step <= (high[axis] - low[axis]) / 200 < 4 * step
    if centred:
        assert low == [-value for value in high]
        assert high[0] >= 3
    else:  # no more room than it takes
        used = max(
            codes.amax(0).clamp(min=0) - codes.amin(0).clamp(max=0)
        ).item()
        assert high[0] - low[0] < 1.2 * used


def test_models_of_one_kind_are_told_apart():
    view = widgets.latent_map(models.VAE(), models.VAE()).view
    assert [one["name"] for one in view.maps] == ["VAE 1", "VAE 2"]
    view = widgets.latent_map(
        models.VAE(), models.VAE(), names=["beta 1", "beta 4"]
    ).view
    assert [one["name"] for one in view.maps] == ["beta 1", "beta 4"]


@pytest.mark.parametrize("latent_dim", [1, 3])
def test_sliders_reach_four_standard_deviations_of_the_codes(latent_dim):
    torch.manual_seed(0)
    codes = (
        torch.randn(500, latent_dim) @ torch.randn(latent_dim, latent_dim) + 3
    )
    view = widgets.latent_sampler(models.VAE(latent_dim), codes).view
    low, high = torch.tensor(view.low), torch.tensor(view.high)
    assert (low <= codes.mean(0) - 4 * codes.std(0)).all()
    assert (high >= codes.mean(0) + 4 * codes.std(0)).all()
    assert (low <= codes.amin(0)).all(), "a draw from the box may lie there"
    assert (high >= codes.amax(0)).all()
    [described] = view.samplers
    names = ["box", "fitted Gaussian", "mixture"]
    assert [one["name"] for one in described] == names


def test_a_sampler_starts_at_a_draw_from_the_mixture():
    codes = torch.randn(500, 3, generator=torch.Generator().manual_seed(0)) / 9
    codes += torch.tensor([2.0, 0.0, -1.0])
    codes[:20] -= 3  # a small part far away
    view = widgets.latent_sampler(models.VAE(3), codes).view
    start = torch.tensor([view.z0, view.z1, view.z2])
    assert (start - codes[20:].mean(0)).norm() < 0.8
    assert start.abs().max() > 1


@pytest.fixture(scope="module")
def thrifty(split):
    """A VAE of four dimensions: z2 is dear, z0 cheap, the others idle; and what
    it is shown.
    """
    torch.manual_seed(0)
    vae = models.VAE(4)
    with torch.no_grad():
        vae.head.weight.zero_()
        vae.head.bias.zero_()  # mu and logvar are those of the prior
        vae.head.bias[[0, 2]] = torch.tensor([0.3, -2.0])
    return vae, split.images[:100]


def test_sliders_are_sorted_by_what_they_cost_and_idle_ones_folded(thrifty):
    vae, images = thrifty
    panel = widgets.latent_sampler(vae, images=images)
    grid, box = panel.children[1].children
    shown = [slider.description for slider in grid.children]
    assert shown[:2] == ["z\u2082", "z\u2080"]
    assert panel.view.kl == pytest.approx([2, 0.045, 0, 0], abs=1e-4)
    assert panel.view.controls["z2"]["name"].endswith(", KL 2.00 nats")
    folded = {
        trait
        for trait, one in panel.controls.items()
        if "aevae-idle" in one._dom_classes
    }
    assert folded == {"z1", "z3"}
    assert box is panel.controls["show_idle"]
    assert not box.value
    assert box.description == "2 more that cost under 0.01 nats each"


def test_without_images_or_a_price_no_slider_is_folded(thrifty):
    vae, images = thrifty
    for panel in (
        widgets.latent_sampler(vae),
        widgets.latent_sampler(models.Autoencoder(4), images=images),
    ):
        assert list(panel.controls) == ["z0", "z1", "z2", "z3"]
        assert panel.view.kl == []


def test_a_twin_draws_beside_the_model():
    codes, others = torch.randn(300, 3), 9 * torch.randn(300, 3)
    ae, vae = models.Autoencoder(3), models.VAE(3)
    view = widgets.latent_sampler(vae, codes, twin=(ae, others)).view
    assert view.names == ["VAE", "AE"]
    assert len(view.nets) == len(view.samplers) == len(view.shapes) == 2
    assert view.nets[1] is not view.nets[0]
    assert view.samplers[1] != view.samplers[0]
    twins = widgets.latent_sampler(vae, codes, twin=(models.VAE(3), codes))
    assert twins.view.names == ["VAE 1", "VAE 2"]


# --- weights -----------------------------------------------------------------


def test_a_decoder_is_stored_once_however_many_widgets_show_it():
    model = models.VAE()
    first, second = widgets.latent_map(model), widgets.latent_sampler(model)
    assert first.view.nets[0] is second.view.nets[0]
    with torch.no_grad():
        model.decoder[0].weight += 1  # trained on, it is another decoder
    net = widgets.latent_map(model).view.nets[0]
    assert net is not first.view.nets[0]
    net.close()
    assert (
        widgets.latent_map(model).view.nets[0].comm is not None
    )  # a new one, and open


def test_weights_travel_as_text():
    """Colab's widget manager loses binary traits."""
    for kind in (widgets.Net, widgets.View):
        traits = kind.class_traits(sync=True).values()
        assert not [
            trait.name for trait in traits if "Bytes" in type(trait).__name__
        ]
    net = widgets.latent_map(models.VAE()).view.nets[0]
    parameters = models.count_parameters(models.VAE().decoder)
    assert len(base64.b64decode(net.weights)) == 2 * parameters


def test_a_closed_panel_frees_the_networks_that_nobody_else_shows():
    torch.manual_seed(5)
    first, second = models.Autoencoder(), models.VAE()
    both, one = widgets.latent_map(first, second), widgets.latent_map(first)
    shared, own = both.view.nets
    assert one.view.nets == [shared]
    parts = [*both.links, *both.controls.values(), both.view]
    both.close()
    both.close()  # again is no error
    assert [part.comm for part in parts] == [None] * len(parts)
    assert own.comm is None
    assert shared.comm is not None
    assert both.view.nets == []
    assert own.digest not in network._nets
    again = widgets.latent_map(second)
    assert again.view.nets[0].comm is not None
    one.close()
    assert shared.comm is None


# --- any picture -------------------------------------------------------------


def pictures_of(shape, classes=13, count=90):
    generator = torch.Generator().manual_seed(3)
    images = torch.randint(
        0, 256, (count, *shape), generator=generator, dtype=torch.uint8
    )
    names = tuple(f"kind {k}" for k in range(classes))
    return data.Split(images, torch.arange(count) % classes, names)


@pytest.mark.parametrize("shape", [(3, 64, 48), (1, 28, 28), (3, 9, 21)])
def test_any_picture_has_its_widgets(shape):
    shown = pictures_of(shape)
    colour = likelihoods.WithSigma(0.2, learned=True)
    ae = models.Autoencoder(image_shape=shape)
    vae = models.VAE(image_shape=shape, likelihood=colour)
    view = widgets.latent_map(ae, vae, points=shown).view
    assert [one["shape"] for one in view.maps] == [list(shape)] * 2
    assert [one["name"] for one in view.classes] == list(shown.classes)
    looks = {(one["color"], one["marker"]) for one in view.classes}
    assert len(looks) == 13, "no two classes look alike"
    assert [net.layers[-1] for net in view.nets] == [
        {"type": "sigmoid"},
        {"type": "identity"},
    ]
    raw = base64.b64decode(view.sheet["picture"].partition(",")[2])
    sheet = np.asarray(imread(io.BytesIO(raw), format="webp"))
    assert sheet.shape[:2] == (3 * shape[1], 40 * shape[2])
    assert (view.sheet["height"], view.sheet["width"]) == shape[1:]

    view = widgets.encoder_live(ae, vae, images=shown).view
    assert view.shape == list(shape)
    pixels = np.frombuffer(base64.b64decode(view.images), np.uint8)
    pixels = pixels.reshape(39, shape[1], shape[2], shape[0])
    own = shown.images[13]  # the second of the first class
    np.testing.assert_array_equal(pixels[1], own.permute(1, 2, 0).numpy())
    assert view.start["top"][1:] == [0, 7 * shape[1] // 8]
    assert view.start["right"][1:] == [-(3 * shape[2] // 8), 3 * shape[2] // 8]
    assert widgets.latent_sampler(vae).view.shapes == [list(shape)]


def test_colours_stay_what_they_are_in_the_sheet():
    shown = pictures_of((3, 16, 16), classes=2)
    shown.images[:] = torch.tensor([200, 100, 20])[:, None, None]
    model = models.Autoencoder(image_shape=(3, 16, 16))
    sheet = widgets.latent_map(model, points=shown).view.sheet
    raw = base64.b64decode(sheet["picture"].partition(",")[2])
    first = np.asarray(imread(io.BytesIO(raw), format="webp"))[:16, :16, :3]
    assert abs(first.mean((0, 1)) - [200, 100, 20]).max() < 6


def test_large_pictures_travel_small():
    shown = pictures_of((1, 40, 200), classes=2, count=41)
    model = models.Autoencoder(image_shape=(1, 40, 200))
    sheet = widgets.latent_map(model, points=shown).view.sheet
    assert (sheet["height"], sheet["width"], sheet["rows"]) == (13, 64, 2)


def test_floating_pictures_are_taken_in_their_range():
    shown = pictures_of((1, 16, 16), classes=2)
    model = models.VAE(image_shape=(1, 16, 16))
    floats = replace(shown, images=shown.images.float() / 255)
    assert (
        widgets.encoder_live(model, images=floats).view.images
        == widgets.encoder_live(model, images=shown).view.images
    )
    with pytest.raises(ValueError, match=r"\[0, 1\].*from 0 to 255"):
        widgets.latent_map(
            model, points=replace(shown, images=shown.images.float())
        )


def test_one_image_is_enough():
    one = pictures_of((1, 16, 16), classes=1, count=1)
    model = models.VAE(image_shape=(1, 16, 16))
    assert set(widgets.latent_map(model, points=one).controls) == {
        "map0_z0",
        "map0_z1",
        "show_backdrop",
        "show_prior",
    }
    widgets.encoder_live(model, images=one)


def test_no_widget_changes_its_model(split):
    def networks(*shape):
        trunk, decoder = models.lesson_networks(*shape)
        trunk.insert(2, nn.Dropout(0.5))
        return trunk, decoder

    torch.manual_seed(0)
    model = models.VAE(2, networks).double()
    model.decoder.eval()
    before = copy.deepcopy(model.state_dict())
    modes = [layer.training for layer in model.modules()]
    state = torch.get_rng_state()
    few = split[:80]
    widgets.latent_map(model, points=few)
    widgets.encoder_live(model, images=few)
    widgets.latent_sampler(model, sample.encode(model, few.images))
    assert modes == [layer.training for layer in model.modules()]
    assert torch.equal(state, torch.get_rng_state())
    for name, value in model.state_dict().items():
        assert value.dtype == torch.double
        assert torch.equal(value, before[name])


# --- saving ------------------------------------------------------------------


def test_a_saved_page_holds_the_values_of_now_and_everything_it_needs(
    panel, tmp_path
):
    for slider in panel.sliders.values():
        slider.value = slider.max
    path = widgets.save_html(
        panel, tmp_path / "mine.html", title="Mine & </title> yours"
    )
    assert path == tmp_path / "mine.html"
    text = path.read_text(encoding="utf-8")
    assert "<title>Mine &amp; &lt;/title&gt; yours</title>" in text
    assert not re.search(r"\{\{\w+\}\}", text)
    assert not re.search(r"""(src|href)=["'](?!data:)""", text)
    state = json.loads(re.search(r'id="aevae-state">(.*?)</script>', text)[1])
    for slider in panel.sliders.values():
        assert state[slider.model_id]["state"]["value"] == slider.max
    kinds = [model["model_name"] for model in state.values()]
    assert kinds.count("LinkModel") == len(panel.links)
    for net in panel.view.nets:
        assert text.count(net.weights) == 1
    assert text.count("function render(") == 1
    assert text.count(panel.view.still) == 1


@pytest.mark.parametrize(
    "title",
    ["{{state}}", "{{title}}", "{{nobody}}", r"\1 \g<0>", "{title} %s $page"],
)
def test_a_title_is_only_a_title(title, tmp_path):
    panel = widgets.kl_playground()
    path = widgets.save_html(panel, tmp_path / "x.html", title=title)
    text = path.read_text(encoding="utf-8")
    assert f"<title>{html.escape(title)}</title>" in text
    assert f"<h1>{html.escape(title)}</h1>" in text
    plain = widgets.save_html(panel, tmp_path / "y.html", title="-")
    assert len(text) - len(plain.read_text(encoding="utf-8")) == 2 * (
        len(html.escape(title)) - 1
    )


def test_a_name_of_a_class_is_only_a_name(tmp_path):
    name = "</script>{{state}}<img src=x onerror=alert(1)>"
    shown = pictures_of((1, 16, 16), classes=1, count=40)
    shown = replace(shown, classes=(name,))
    model = models.Autoencoder(image_shape=(1, 16, 16))
    panel = widgets.latent_map(model, points=shown, names=[name])
    text = widgets.save_html(panel, tmp_path / "x.html").read_text("utf-8")
    state = re.search(r'id="aevae-state">(.*?)</script>', text)[1]
    view = json.loads(state)[panel.view.model_id]["state"]
    assert view["classes"][0]["name"] == view["maps"][0]["name"] == name
    assert "<img src=x" not in text


# --- where no widget can be --------------------------------------------------


@pytest.mark.parametrize("exporter", ["HTMLExporter", "MarkdownExporter"])
def test_nbconvert_shows_the_still(exporter):
    """A notebook that was run and saved without the state of its widgets."""
    cell = nbformat.v4.new_code_cell(
        "from aevae_lib import widgets\nwidgets.kl_playground()"
    )
    notebook = nbformat.v4.new_notebook(cells=[cell])
    NotebookClient(notebook, timeout=120, store_widget_state=False).execute()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that there is no state
        text, _ = getattr(nbconvert, exporter)().from_notebook_node(notebook)
    panel = widgets.kl_playground()
    assert "Panel(children" not in text
    [shown] = re.findall(r"<img[^>]+>", text)
    assert f'alt="{panel.view.still_text}"' in html.unescape(shown)
    raw = base64.b64decode(re.search(r"base64,([^\"]+)", shown)[1])
    assert imread(io.BytesIO(raw), format="webp").shape[1] > 300


def test_the_widget_stands_beside_its_still_in_an_output(capsys):
    """In either ipywidgets: 7 would show something else first."""
    panel = widgets.kl_playground()
    bundle, _ = DisplayFormatter().format(panel)
    view = bundle["application/vnd.jupyter.widget-view+json"]
    assert view["model_id"] == panel.model_id
    assert bundle["text/plain"] == panel.view.still_text
    panel.close()
    bundle, _ = DisplayFormatter().format(panel)
    assert set(bundle) == {"text/plain"}
    assert "Traceback" not in capsys.readouterr().err


def test_a_page_that_cannot_be_saved_is_one_clear_error(tmp_path, monkeypatch):
    panel = widgets.kl_playground()
    with pytest.raises(
        FileNotFoundError, match=r"a folder that exists.*nowhere"
    ):
        widgets.save_html(panel, tmp_path / "nowhere" / "x.html")
    with pytest.raises(IsADirectoryError, match="cannot be saved there"):
        widgets.save_html(panel, tmp_path)
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(0o500)
    if os.geteuid() == 0:  # whom no folder is closed to

        def refuse(self, *_, **__):
            raise PermissionError(13, "Permission denied", str(self))

        monkeypatch.setattr(Path, "write_text", refuse)
    with pytest.raises(PermissionError, match=r"that you may write to.*closed"):
        widgets.save_html(panel, closed / "x.html")
    with pytest.raises(TypeError, match="not a View"):
        widgets.save_html(panel.view, tmp_path / "x.html")


# --- what is refused ---------------------------------------------------------


def broken(part: str) -> models.VAE:
    model = models.VAE()
    with torch.no_grad():
        next(getattr(model, part).parameters())[0] = float("nan")
    return model


def with_decoder(*layers: nn.Module) -> models.VAE:
    return models.VAE(
        2,
        lambda *shape: (
            models.lesson_networks(*shape)[0],
            nn.Sequential(*layers),
        ),
    )


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda s: widgets.latent_map(), ValueError, "not 0"),
        (
            lambda s: widgets.latent_map(*[models.VAE()] * 3),
            ValueError,
            "not 3",
        ),
        (
            lambda s: widgets.latent_map(models.VAE(5)),
            ValueError,
            "VAE has latent_dim = 5",
        ),
        (
            lambda s: widgets.latent_map(nn.Linear(2, 2)),
            TypeError,
            "not a Linear",
        ),
        (lambda s: widgets.encoder_live(images=s), ValueError, "not 0"),
        (
            lambda s: widgets.encoder_live(models.VAE(3), images=s),
            ValueError,
            "latent_dim = 3",
        ),
        (
            lambda s: widgets.encoder_live(models.VAE(), images=s.images),
            TypeError,
            "data.Split",
        ),
        (
            lambda s: widgets.encoder_live(models.VAE(), images=None),
            TypeError,
            "needs images",
        ),
        (
            lambda s: widgets.encoder_live(broken("trunk"), images=s),
            ValueError,
            "NaN or infinity",
        ),
        (
            lambda s: widgets.latent_map(
                models.VAE(), checkpoints=[[("1", models.VAE())]]
            ),
            ValueError,
            "not both",
        ),
        (
            lambda s: widgets.latent_map(
                checkpoints=[[("1", models.VAE())], [("2", models.VAE())]]
            ),
            ValueError,
            "the same labels",
        ),
        (
            lambda s: widgets.latent_map(
                checkpoints=[[("1", models.VAE()), ("1", models.VAE())]]
            ),
            ValueError,
            "none twice",
        ),
        (
            lambda s: widgets.latent_map(checkpoints=[[]]),
            ValueError,
            "at least one",
        ),
        (
            lambda s: widgets.latent_map(with_decoder(nn.Linear(12, 1024))),
            ValueError,
            "takes 12 numbers and a code has 2",
        ),
        (lambda s: widgets.latent_sampler("vae.pt"), TypeError, "not a str"),
        (
            lambda s: widgets.latent_map(models.VAE(), names=["a", "b"]),
            ValueError,
            "not 2",
        ),
        (
            lambda s: widgets.latent_map(broken("decoder")),
            ValueError,
            "not finite",
        ),
        (
            lambda s: widgets.latent_sampler(broken("decoder")),
            ValueError,
            "not finite",
        ),
        (
            lambda s: widgets.latent_map(broken("head"), points=s),
            ValueError,
            "NaN or infinity",
        ),
        (
            lambda s: widgets.latent_map(models.VAE(), points=s.images),
            TypeError,
            "data.Split",
        ),
        (
            lambda s: widgets.latent_sampler(
                models.VAE(), torch.full((9, 2), torch.nan)
            ),
            ValueError,
            "NaN or infinite",
        ),
        (
            lambda s: widgets.latent_sampler(
                models.VAE(3), twin=(models.VAE(4), torch.zeros(9, 4))
            ),
            ValueError,
            "3 and 4 latent dimensions.*same size",
        ),
        (
            lambda s: widgets.latent_sampler(models.VAE(), torch.zeros(9, 3)),
            ValueError,
            r"\(N, 2\), got shape \(9, 3\)",
        ),
        (
            lambda s: widgets.latent_sampler(models.VAE(), torch.ones(9, 2)),
            ValueError,
            "do not vary in every direction",
        ),
        (
            lambda s: widgets.latent_sampler(models.VAE(), torch.randn(29, 2)),
            ValueError,
            "at least 30 codes for a mixture",
        ),
        (
            lambda s: widgets.latent_map(
                with_decoder(nn.Linear(2, 1024), nn.Softplus())
            ),
            ValueError,
            "do not know this layer: Softplus",
        ),
        (
            lambda s: widgets.latent_map(
                with_decoder(
                    nn.Unflatten(1, (2, 1, 1)),
                    nn.ConvTranspose2d(2, 2, 32, groups=2),
                )
            ),
            ValueError,
            "do not know this layer: ConvTranspose2d.*groups=2",
        ),
        (
            lambda s: widgets.latent_map(
                with_decoder(nn.Linear(2, 784), nn.Unflatten(1, (1, 28, 28)))
            ),
            ValueError,
            r"it ends in \(1, 28, 28\)",
        ),
    ],
)
def test_bad_input_is_one_clear_error(call, error, says, split):
    with pytest.raises(error, match=says):
        call(split)


# --- ipywidgets 7.7, which Colab has -----------------------------------------

# What the widgets take from ipywidgets, each tried with 7.7.1.
IN_IPYWIDGETS_7 = {
    "Box",
    "Checkbox",
    "Dropdown",
    "FloatSlider",
    "FloatLogSlider",
    "FloatText",
    "GridBox",
    "HBox",
    "IntSlider",
    "SelectionSlider",
}
IN_IPYWIDGETS_7 |= {"VBox", "Widget", "jslink", "widget_serialization"}
# None: **space(...)
EVERYWHERE = {"value", "description", "style", "layout", None}
ARGUMENTS = {
    "ipywidgets.FloatSlider": {"min", "max", "step", "readout_format"},
    "ipywidgets.FloatLogSlider": {"min", "max", "base", "readout_format"},
    "ipywidgets.IntSlider": {"min", "max"},
    "ipywidgets.SelectionSlider": {"options"},
    "ipywidgets.Checkbox": {"indent"},
    "ipywidgets.Dropdown": {"options", "index"},
    "ipywidgets.FloatText": set(),
}


def test_only_what_ipywidgets_7_has_is_used():
    folder = Path(widgets.__file__).parent
    texts = [path.read_text() for path in sorted(folder.glob("*.py"))]
    tree = ast.parse("\n".join(texts))
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "ipywidgets"
    }
    assert used <= IN_IPYWIDGETS_7
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        known = ARGUMENTS.get(ast.unparse(call.func))
        if known is not None:
            assert {
                keyword.arg for keyword in call.keywords
            } <= known | EVERYWHERE
    modules = [
        node.module or ""
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
    ]
    assert {m for m in modules if m.startswith("ipywidgets")} == {
        "ipywidgets.embed"
    }
