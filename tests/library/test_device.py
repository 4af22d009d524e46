"""Everything public works on an accelerator, also where a part of what it is
given lies on the CPU; results lie where the library says.
"""

import ast
import inspect
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace

import matplotlib.pyplot as plt
import nbformat
import pytest
import torch

from aevae_lib import (
    data,
    likelihoods,
    losses,
    measure,
    models,
    plots,
    sample,
    train,
    widgets,
    zoo,
)
from tests.library.accelerator import DEVICE, Away, accelerator, brought

CHAPTERS = Path(__file__).resolve().parents[2] / "chapters"
HERE = torch.device("cpu")
N = 200  # enough for a mixture and for telling two samples apart


@pytest.fixture(autouse=True)
def device():
    with accelerator():
        yield
    plt.close("all")


# --- what the functions are called with --------------------------------------


@cache
def chosen() -> data.Split:
    train, _ = data.read_folder(data.SAMPLE_FOLDER)
    order = train.labels.sort(stable=True).indices.view(10, -1).T.flatten()
    return train[order[:N]]


def garments(device: torch.device = DEVICE) -> data.Split:
    """Shipped garments of the ten classes in turn, on a device."""
    return chosen().to(device)


def vae() -> models.VAE:
    torch.manual_seed(0)
    return brought(models.VAE(2))


def points(n: int = N, device: torch.device = DEVICE, seed: int = 0):
    """Codes (n, 2) on a device."""
    return sample.normal(n, torch.empty(1, 2), seed).to(device)


def labels(device: torch.device = DEVICE) -> torch.Tensor:
    return (torch.arange(N) % 10).to(device)


def pictures(z: torch.Tensor) -> torch.Tensor:
    """A decoder that is no model: (N, 2) -> (N, 1, 32, 32)."""
    return z.sum(1).sigmoid().view(-1, 1, 1, 1).expand(-1, 1, 32, 32)


def shares(device: torch.device = DEVICE) -> torch.Tensor:
    return torch.full((10,), 0.1).to(device)


# Every function as a lambda of the device that lies beside the pretended one:
# once it is that device, once the CPU.
CALLS = {
    "sample.encode": lambda d: sample.encode(vae(), garments(d).images),
    "sample.encode_sampled": lambda d: sample.encode_sampled(
        vae(), garments(d).images
    ),
    "sample.codes_of": lambda d: sample.codes_of(vae(), garments(d).images),
    "sample.pictures": lambda d: sample.pictures(vae(), points(9, d)),
    "sample.reconstruct": lambda d: sample.reconstruct(
        vae(), garments(d).images
    ),
    **{
        f"sample.{make.__name__}": lambda d, make=make: make(points())(9)
        for make in sample.SAMPLERS.values()
    },
    "sample.fit_gaussian": lambda d: sample.fit_gaussian(points()),
    "sample.fit_mixture": lambda d: sample.fit_mixture(points()),
    "sample.normal": lambda d: sample.normal(9, points(), 0),
    "sample.check_codes": lambda d: sample.check_codes(points()),
    "sample.inputs": lambda d: next(
        sample.inputs(vae(), garments(d).images, 9)
    ),
    "measure.nearest_images": lambda d: measure.nearest_images(
        garments(d).images[:9], garments()
    ),
    "measure.two_sample_accuracy": lambda d: measure.two_sample_accuracy(
        points(), points(N, d, seed=1)
    ),
    "measure.asymmetry": lambda d: measure.asymmetry(points(400)),
    "measure.class_areas": lambda d: measure.class_areas(
        points(), labels(d), points(N, d, seed=1), labels()
    ),
    "measure.log_volumes": lambda d: measure.log_volumes(points(), labels(d)),
    "measure.inequality": lambda d: measure.inequality(points().exp()[:, 0]),
    "measure.class_shares": lambda d: measure.class_shares(labels(), 10),
    "measure.total_variation": lambda d: measure.total_variation(
        shares(), shares(d)
    ),
    "measure.neighbour_accuracy": lambda d: measure.neighbour_accuracy(
        points(), labels(d), points(N, d), labels()
    ),
    "measure.probe_accuracy": lambda d: measure.probe_accuracy(
        points(), labels(d), points(N, d), labels()
    ),
    "measure.calibration": lambda d: measure.calibration(
        points() @ torch.ones(2, 10, device=DEVICE), labels(d)
    ),
    "measure.precision_coverage": lambda d: measure.precision_coverage(
        points(), points(N, d, seed=1)
    ),
    "measure.frechet": lambda d: measure.frechet(points(), points(N, d)),
    "measure.kernel_distance": lambda d: measure.kernel_distance(
        points(), points(N, d)
    ),
    "measure.in_hole": lambda d: measure.in_hole(points(9), points(N, d)),
    "measure.hole_fraction": lambda d: measure.hole_fraction(
        points(9), points(N, d)
    ),
    "measure.linear_decoder": lambda d: measure.linear_decoder(
        points(), garments(d).images
    )(points(9, d)),
    "measure.kl_per_dimension": lambda d: measure.kl_per_dimension(
        points(), points()
    ),
    "measure.active_units": lambda d: measure.active_units(points()),
    "measure.aggregate_kl": lambda d: measure.aggregate_kl(
        points(), points(), draws=200
    ),
    "measure.flips": lambda d: measure.flips(
        lambda z: (z[:, 0] > 0).long(), points()
    ),
    "measure.image_change": lambda d: measure.image_change(
        pictures, points(), frame=2
    ),
    "zoo.load": lambda d: zoo.load("vae", 2, device=DEVICE)(pictures(points())),
    "zoo.series": lambda d: zoo.series("ae", "epoch", device=DEVICE),
    "zoo.classifier": lambda d: zoo.classifier(device=DEVICE)(
        pictures(points())
    ),
    "plots.image_rows": lambda d: plots.image_rows(
        {"a": garments().images[:9], "b": pictures(points(9, d))}
    ),
    "plots.image_grid": lambda d: plots.image_grid(garments().images[:9]),
    "plots.decoded_plane": lambda d: plots.decoded_plane(
        pictures(points(9)), (-1, 1, -1, 1)
    ),
    "plots.latent_scatter": lambda d: plots.latent_scatter(
        points(), garments(d)
    ),
    "plots.class_names": lambda d: plots.class_names(
        points(), garments(d), plt.axes()
    ),
    "plots.clouds": lambda d: plots.clouds(
        points(2), points(2, d), ["red", "blue"], plt.axes()
    ),
    "plots.plane": lambda d: sample.pictures(
        vae(), plots.plane((-1, 1, -1, 1), 3)
    ),
    "train.evaluate": lambda d: train.evaluate(
        vae(), losses.vae_loss, garments(d).images
    ),
    "widgets.latent_map": lambda d: widgets.latent_map(
        vae(), points=garments(d)
    ),
    "widgets.encoder_live": lambda d: widgets.encoder_live(
        vae(), images=garments(d)
    ),
    "widgets.live_training": lambda d: widgets.live_training(garments(d)),
    "widgets.latent_sampler": lambda d: widgets.latent_sampler(
        vae(), points(N, d)
    ),
}


@pytest.mark.parametrize("beside", [DEVICE, HERE], ids=["there", "mixed"])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_function_takes_what_lies_on_a_device(call, beside):
    call(beside)


@pytest.mark.parametrize("module", [sample, measure, plots, widgets])
def test_no_function_is_left_out(module):
    """Of those that are given tensors, splits or models."""
    wanted = ("Tensor", "Split", "Autoencoder", "VAE")
    names = getattr(module, "__all__", [n for n in vars(module) if n[0] != "_"])
    for name in names:
        function = getattr(module, name)
        if not inspect.isfunction(function) or "<" in function.__module__:
            continue
        if not function.__module__.startswith(module.__name__):
            continue
        notes = str(inspect.signature(function).parameters)
        if any(word in notes for word in wanted):
            assert f"{module.__name__.split('.')[-1]}.{name}" in CALLS


def test_results_lie_where_the_library_says():
    model, split = vae(), garments(HERE)
    z = sample.encode(model, split.images)
    assert z.device == DEVICE == sample.pictures(model, points(9, HERE)).device
    for sampler in sample.SAMPLERS.values():
        assert sampler(z)(9).device == DEVICE
    for found in (
        *measure.nearest_images(garments().images[:9], garments()),
        measure.in_hole(points(9), points()),
        measure.kl_per_dimension(points(), points()),
        measure.class_areas(points(), labels(), points(), labels()),
    ):
        assert found.device == HERE


# --- training ----------------------------------------------------------------

KINDS = {
    "ae": (models.Autoencoder, losses.ae_loss),
    "vae": (models.VAE, losses.vae_loss),
    "noisy": (models.NoisyAutoencoder, losses.ae_loss),
    "penalised": (models.Autoencoder, losses.penalised_loss),
    "cae": (models.ConditionalAutoencoder, losses.ae_loss),
    "cvae": (models.ConditionalVAE, losses.vae_loss),
    "book": (
        partial(models.VAE, networks=models.book_networks),
        losses.vae_loss,
    ),
    "sigma": (
        partial(models.VAE, likelihood=likelihoods.WithSigma(learned=True)),
        losses.vae_loss,
    ),
}


@pytest.mark.parametrize("at_first", [DEVICE, HERE], ids=["there", "here"])
@pytest.mark.parametrize(("make", "loss_fn"), KINDS.values(), ids=KINDS)
def test_a_step_of_training(make, loss_fn, at_first):
    """The model comes to the images; labels and validation come along."""
    model, split = make(2), garments()
    model = brought(model) if at_first == DEVICE else model
    told = isinstance(model, models.ConditionalAutoencoder)
    before = [weight.tolist() for weight in model.parameters()]
    history = train.fit(
        model,
        loss_fn,
        split.images,
        128,
        batch_size=64,
        reports=1,
        labels=labels(HERE) if told else None,
        validation=garments(HERE),
    )
    assert history[0]["validation_reconstruction"] > 0
    assert all(isinstance(weight, Away) for weight in model.parameters())
    after = [weight.tolist() for weight in model.parameters()]
    assert all(a != b for a, b in zip(after, before, strict=True))


# --- the chapters' widgets ---------------------------------------------------


def stand_ins(chapter: str) -> dict:
    """What the widget cells of a chapter find: untrained models and few images
    on the device, by the names that they have there.
    """
    split, model = garments(), vae()
    found = {
        "widgets": widgets, "zoo": zoo, "sample": sample, "plots": plots,
        "fashion": data.DataSet("few", split, split, split, "here"),
        "people": data.DataSet("few", split, split, split, "here"),
        "ae": brought(models.Autoencoder(2)), "vae": model,
        "codes": points(), "prior": sample.prior(points()),
        "pair": {"AE": None, "VAE": None},
        "dials": {2: zoo.series("vae", "beta", 2, device=DEVICE)},
        "training_shirts": split.images,
    }  # fmt: skip
    if chapter == "your_own_pictures":
        own = SimpleNamespace(image_folder=lambda *_, **__: found["fashion"])
        found |= {
            "data": own, "FOLDER": Path(),
            "torch": torch, "VAE": models.VAE, "fit": train.fit,
            "vae_loss": losses.vae_loss, "evaluate": train.evaluate,
            "SEED": 0, "BUDGET": 2 * N, "OUT": Path(),
        }  # fmt: skip
    if chapter.startswith("10"):
        found["models"] = {("ae", 16): brought(models.Autoencoder(16))}
        codes = sample.normal(N, torch.empty(1, 16), 0).to(DEVICE)
        found["codes"] = {("ae", 16): codes}
    return found


def widget_cells(path: Path) -> list[str]:
    """The cells of a notebook that use the library's widgets, in order."""
    cells = nbformat.read(path, as_version=4).cells
    sources = [cell.source for cell in cells if cell.cell_type == "code"]
    return [source for source in sources if "widgets." in source]


@pytest.mark.parametrize(
    "path", sorted(CHAPTERS.glob("*.ipynb")), ids=lambda path: path.stem
)
def test_widget_cells_run_on_a_device(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where a saved page goes
    found = stand_ins(path.stem)
    for source in widget_cells(path):
        for node in ast.parse(source).body:
            exec(compile(ast.Module([node], []), path.stem, "exec"), found)
