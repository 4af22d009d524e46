"""The widgets' Python half: what reaches the browser, and what is refused."""

import ast
import base64
import inspect
import re

import pytest
import torch
from torch import nn

from aevae_lib import data, models, sample, widgets

pytestmark = pytest.mark.filterwarnings("error")  # ipywidgets only warns of unknown arguments


@pytest.fixture(scope="module")
def split():
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (1200, 1, 32, 32), generator=generator, dtype=torch.uint8)
    return data.Split(images, torch.arange(1200) % 10)


@pytest.fixture(params=["one map", "two maps", "sampler", "sampler with codes", "many dimensions"])
def panel(request, split):
    torch.manual_seed(0)
    autoencoder, vae = models.Autoencoder(), models.VAE()
    with torch.no_grad():  # codes far from the origin, as an autoencoder's may be
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
        "many dimensions": lambda: widgets.latent_sampler(models.VAE(20)),
    }[request.param]()


# --- sliders ------------------------------------------------------------------------------


def test_every_coordinate_has_its_slider_and_its_link(panel):
    """The links live in the browser: here they are followed by hand, over each whole range."""
    coordinates = {name for name in panel.view.keys if re.fullmatch(r"(map\d_)?z\d+", name)}
    assert coordinates == set(panel.sliders) == set(panel.view.controls)
    linked = {link.target[1]: link for link in panel.links}
    assert len(linked) == len(panel.links) == len(coordinates)
    for trait, slider in panel.sliders.items():
        link = linked[trait]
        assert type(link).__name__ == "Link"  # both ways, and run by the front end
        assert link.source == (slider, "value")
        assert link.target == (panel.view, trait)
        for value in torch.linspace(slider.min, slider.max, 41).tolist():
            slider.value = value  # a value that is refused, or an observer that fails, raises
            setattr(panel.view, trait, link.source[0].value)
            assert getattr(panel.view, trait) == slider.value == pytest.approx(value)


def test_sliders_start_where_the_view_starts_and_move_finely(panel):
    for trait, slider in panel.sliders.items():
        assert slider.min < slider.value < slider.max
        assert getattr(panel.view, trait) == slider.value
        width = slider.max - slider.min
        assert slider.step <= width / 100
        steps = (slider.value - slider.min) / slider.step
        assert steps == pytest.approx(round(steps), abs=1e-6)  # else the handle would jump
        digits = int(slider.readout_format[1:-1])
        assert round(slider.step, digits) == pytest.approx(slider.step)  # the readout shows a step


def test_the_view_can_find_and_name_every_slider(panel):
    names = [panel.view.controls[trait] for trait in panel.sliders]
    assert len(set(names)) == len(names)
    for trait, slider in panel.sliders.items():
        assert f"aevae-{trait}" in slider._dom_classes
    assert "aevae-panel" in panel._dom_classes
    assert panel.children[0] is panel.view
    assert set(panel.sliders.values()) == set(leaves(panel.children[1]))


def leaves(widget):
    children = getattr(widget, "children", ())
    return [leaf for child in children for leaf in leaves(child)] if children else [widget]


# --- what the planes show -----------------------------------------------------------------


def test_both_planes_show_the_codes_of_the_same_garments(split):
    torch.manual_seed(0)
    pair = models.Autoencoder(), models.VAE()
    panel = widgets.latent_map(*pair, points=split)
    assert panel.view.labels == split.labels[:1000].tolist()
    assert [one["prior"] for one in panel.view.maps] == [False, True]
    assert [one["name"] for one in panel.view.maps] == ["AE", "VAE"]
    for index, (model, one) in enumerate(zip(pair, panel.view.maps, strict=True)):
        codes, shown = sample.encode(model, split.images[:1000]), torch.tensor(one["codes"])
        torch.testing.assert_close(shown, codes, atol=one["step"], rtol=0)
        low, high = torch.tensor(one["low"]), torch.tensor(one["high"])
        assert ((low <= codes) & (codes <= high)).all()
        assert (low <= 0).all()
        assert (high >= 0).all()
        width = high - low
        assert width[0].item() == pytest.approx(width[1].item())  # a circle looks like one
        start = [panel.sliders[f"map{index}_z{axis}"].value for axis in (0, 1)]
        torch.testing.assert_close(torch.tensor(start), codes[0], atol=one["step"], rtol=0)
    assert panel.view.maps[1]["low"] == [-value for value in panel.view.maps[1]["high"]]


@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize("scale", [1e-3, 0.7, 30.0, 1e4])
@pytest.mark.parametrize("shift", [0.0, 8.0, -8.0])
def test_a_plane_holds_its_codes_and_the_origin(scale, shift, centred):
    generator = torch.Generator().manual_seed(0)
    codes = scale * (torch.randn(300, 2, generator=generator) + torch.tensor([shift, 0.0]))
    low, high, step = widgets._square(codes, centred)
    for axis in (0, 1):
        extremes = [codes[:, axis].min().item(), codes[:, axis].max().item(), 0.0]
        assert low[axis] < min(extremes) <= max(extremes) < high[axis]
        assert high[axis] - low[axis] == pytest.approx(high[0] - low[0])
        assert step <= (high[axis] - low[axis]) / 200 < 4 * step
    if centred:
        assert low == [-value for value in high]
        assert high[0] >= 3
    else:  # no more room than it takes
        used = max(codes.amax(0).clamp(min=0) - codes.amin(0).clamp(max=0)).item()
        assert high[0] - low[0] < 1.2 * used


def test_models_of_one_kind_are_told_apart():
    view = widgets.latent_map(models.VAE(), models.VAE()).view
    assert [one["name"] for one in view.maps] == ["VAE 1", "VAE 2"]
    view = widgets.latent_map(models.VAE(), models.VAE(), names=["beta 1", "beta 4"]).view
    assert [one["name"] for one in view.maps] == ["beta 1", "beta 4"]


@pytest.mark.parametrize("latent_dim", [1, 3])
def test_the_fitted_gaussian_is_that_of_the_library(latent_dim):
    torch.manual_seed(0)
    codes = torch.randn(500, latent_dim) @ torch.randn(latent_dim, latent_dim) + 3
    view = widgets.latent_sampler(models.VAE(latent_dim), codes).view
    noise = sample.normal(50, codes, seed=4)
    ours = torch.tensor(view.mean) + noise @ torch.tensor(view.factor).T
    torch.testing.assert_close(ours, sample.fitted_gaussian(codes)(50, seed=4))
    inside = (torch.tensor(view.low) <= ours) & (ours <= torch.tensor(view.high))
    assert inside.all()  # the sliders reach four standard deviations


# --- weights ------------------------------------------------------------------------------


def test_a_decoder_is_stored_once_however_many_widgets_show_it():
    model = models.VAE()
    first, second = widgets.latent_map(model), widgets.latent_sampler(model)
    assert first.view.nets[0] is second.view.nets[0]
    with torch.no_grad():
        model.decoder[0].weight += 1  # trained on, it is another decoder
    net = widgets.latent_map(model).view.nets[0]
    assert net is not first.view.nets[0]
    net.close()
    assert widgets.latent_map(model).view.nets[0].comm is not None  # a new one, and open


def test_weights_travel_as_text():
    """Colab's widget manager loses binary traits."""
    for kind in (widgets.Net, widgets.LatentMap, widgets.LatentSampler):
        traits = kind.class_traits(sync=True).values()
        assert not [trait.name for trait in traits if "Bytes" in type(trait).__name__]
    net = widgets.latent_map(models.VAE()).view.nets[0]
    parameters = models.count_parameters(models.VAE().decoder)
    assert len(base64.b64decode(net.weights)) == 2 * parameters


# --- what is refused ------------------------------------------------------------------------


def broken(part: str) -> models.VAE:
    model = models.VAE()
    with torch.no_grad():
        next(getattr(model, part).parameters())[0] = float("nan")
    return model


def with_decoder(*layers: nn.Module) -> models.VAE:
    return models.VAE(2, lambda d: (models.lesson_networks(d)[0], nn.Sequential(*layers)))


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda s: widgets.latent_map(), ValueError, "not 0"),
        (lambda s: widgets.latent_map(*[models.VAE()] * 3), ValueError, "not 3"),
        (lambda s: widgets.latent_map(models.VAE(5)), ValueError, "VAE has latent_dim = 5"),
        (lambda s: widgets.latent_map(nn.Linear(2, 2)), TypeError, "not a Linear"),
        (lambda s: widgets.latent_sampler("vae.pt"), TypeError, "not a str"),
        (lambda s: widgets.latent_map(models.VAE(), names=["a", "b"]), ValueError, "not 2"),
        (lambda s: widgets.latent_map(broken("decoder")), ValueError, "not finite"),
        (lambda s: widgets.latent_sampler(broken("decoder")), ValueError, "not finite"),
        (lambda s: widgets.latent_map(broken("head"), points=s), ValueError, "NaN or infinity"),
        (lambda s: widgets.latent_map(models.VAE(), points=s.images), TypeError, "data.Split"),
        (
            lambda s: widgets.latent_sampler(models.VAE(), torch.full((9, 2), torch.nan)),
            ValueError,
            "NaN or infinite",
        ),
        (
            lambda s: widgets.latent_sampler(models.VAE(), torch.zeros(9, 3)),
            ValueError,
            r"\(N, 2\), got \(9, 3\)",
        ),
        (
            lambda s: widgets.latent_sampler(models.VAE(), torch.ones(9, 2)),
            ValueError,
            "lie on a line or plane",
        ),
        (
            lambda s: widgets.latent_map(with_decoder(nn.Linear(2, 1024), nn.Softplus())),
            ValueError,
            "does not know this layer: Softplus",
        ),
        (
            lambda s: widgets.latent_map(
                with_decoder(nn.Unflatten(1, (2, 1, 1)), nn.ConvTranspose2d(2, 2, 32, groups=2))
            ),
            ValueError,
            "does not know this layer: ConvTranspose2d.*groups=2",
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


# --- ipywidgets 7.7, which Colab has ----------------------------------------------------------

# What widgets.py takes from ipywidgets, each tried with 7.7.1.
IN_IPYWIDGETS_7 = {"FloatSlider", "GridBox", "HBox", "VBox", "Widget", "jslink"}
IN_IPYWIDGETS_7 |= {"widget_serialization"}
SLIDER_ARGUMENTS = {"value", "min", "max", "step", "description", "readout_format"}
SLIDER_ARGUMENTS |= {"style", "layout"}


def test_only_what_ipywidgets_7_has_is_used():
    tree = ast.parse(inspect.getsource(widgets))
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "ipywidgets"
    }
    assert used == IN_IPYWIDGETS_7
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if ast.unparse(call.func) == "ipywidgets.FloatSlider":
            assert {keyword.arg for keyword in call.keywords} <= SLIDER_ARGUMENTS
    modules = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert not [module for module in modules if module.startswith("ipywidgets")]
