"""The trained models that come with the package, and the files they are kept
in.
"""

import os
import shutil

import pytest
import safetensors.torch
import torch
from torch import nn

from aevae_lib import data, measure, sample, train, zoo
from aevae_lib.likelihoods import WithSigma
from aevae_lib.losses import ae_loss, vae_loss
from aevae_lib.models import VAE, Autoencoder, book_networks
from experiments import shelf
from experiments.classifier import SHIFT, augment

# half precision changed the test nats of trained models by less than 0.001
NATS = 0.05
TEN_MEGABYTES = 10_000_000


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty zoo."""
    monkeypatch.setattr(zoo, "FOLDER", tmp_path)
    return tmp_path


def metadata(**changes) -> dict:
    usual = {
        "kind": "vae",
        "latent_dim": 2,
        "beta": 1.0,
        "seed": 0,
        "images_seen": 550_016,
    }
    return (
        usual
        | {"final": True, "test_nats": {"reconstruction": 240.0, "kl": 6.0}}
        | changes
    )


def put(model=None, **changes):
    """Store an untrained model with this metadata: the model, and its file."""
    described = metadata(**changes)
    torch.manual_seed(1)
    model = model or zoo.KINDS[described["kind"]](described["latent_dim"])
    path = zoo.FOLDER / zoo.file_name(described)
    assert shelf.save(model, path, metadata=described) == path
    return model, path


def judged(split: data.Split) -> tuple[float, float]:
    """The accuracy of the shipped classifier, and its calibration error."""
    model = zoo.classifier()
    logits = torch.cat(
        [model(data.to_float(part)) for part in split.images.split(500)]
    )
    accuracy = (logits.argmax(1) == split.labels).float().mean().item()
    return accuracy, measure.calibration(logits, split.labels)


# --- what the package holds --------------------------------------------------


def test_the_zoo_is_not_empty_and_fits_its_size():
    assert zoo.catalogue()
    assert (
        sum(path.stat().st_size for path in zoo.FOLDER.iterdir())
        <= TEN_MEGABYTES
    )
    assert {path.suffix for path in zoo.FOLDER.iterdir()} <= {
        ".safetensors",
        "",
    }


@pytest.mark.parametrize("row", zoo.catalogue(), ids=lambda row: row["file"])
def test_each_stored_model_is_as_good_as_its_file_says(row, fashion):
    path = zoo.FOLDER / row["file"]
    if row["kind"] == "classifier":
        accuracy, _ = judged(fashion.test)
        assert accuracy == pytest.approx(row["test"]["accuracy"], abs=1e-3)
        return
    assert row["file"] == zoo.file_name(row)
    model = zoo.build(zoo.KINDS[row["kind"]], path)
    loss = vae_loss if isinstance(model, VAE) else ae_loss
    told = fashion.test.labels if row["kind"] in ("cae", "cvae") else None
    measured = train.evaluate(model, loss, fashion.test.images, labels=told)
    assert set(row["test_nats"]) == set(measured) - {"loss"}
    for name, nats in row["test_nats"].items():
        assert measured[name] == pytest.approx(nats, abs=NATS), name


# --- the classifier ----------------------------------------------------------


@pytest.fixture(scope="module")
def classifier_row():
    return next(row for row in zoo.catalogue() if row["kind"] == "classifier")


def test_classifier_is_small_good_and_calibrated(classifier_row, fashion):
    assert classifier_row["bytes"] <= 400_000
    assert classifier_row["test"]["accuracy"] >= 0.91
    accuracy, error = judged(fashion.validation)
    assert accuracy == pytest.approx(
        classifier_row["validation_accuracy_float32"], abs=1e-3
    )
    assert error == pytest.approx(
        classifier_row["validation"]["calibration_error"], abs=1e-3
    )
    assert error < 0.02
    floats = [
        t
        for t in zoo.read(zoo.FOLDER / classifier_row["file"])[1].values()
        if t.is_floating_point()
    ]
    assert {t.dtype for t in floats} == {torch.float16}


def test_classifier_decides_by_its_features():
    model = zoo.classifier()
    x = data.to_float(shelf.probe_images()[:8])
    features = model.features(x)
    assert features.shape == (8, 64)
    assert (features >= 0).all()
    torch.testing.assert_close(model.head(features), model(x))
    assert not model.training
    assert not any(parameter.requires_grad for parameter in model.parameters())
    torch.testing.assert_close(
        model(x[:1]), model(x)[:1]
    )  # one image at a time, or many


def test_augmentation_mirrors_half_and_shifts_by_a_few_pixels():
    x = torch.zeros(400, 1, 32, 32)
    x[:, :, 10, 5] = 1.0
    found = augment(x, torch.Generator().manual_seed(0))
    places = found[:, 0].nonzero()
    assert len(places) == 400  # none lost, none doubled
    rows, columns = places[:, 1], places[:, 2]
    assert set((rows - 10).tolist()) == set(range(-SHIFT, SHIFT + 1))
    mirrored = columns > 15
    assert set((columns[~mirrored] - 5).tolist()) == set(
        range(-SHIFT, SHIFT + 1)
    )
    assert set((columns[mirrored] - 26).tolist()) == set(
        range(-SHIFT, SHIFT + 1)
    )
    assert 150 < mirrored.sum() < 250


# --- putting in and taking out -----------------------------------------------


@pytest.mark.parametrize(
    ("kind", "latent_dim"),
    [("ae", 2), ("vae", 16), ("shirt-vae", 2), ("cae", 2)],
)
def test_a_model_comes_out_as_it_went_in(folder, kind, latent_dim):
    model, path = put(kind=kind, latent_dim=latent_dim)
    found = zoo.load(kind, latent_dim)
    assert type(found) is type(model)
    assert not found.training
    assert not any(parameter.requires_grad for parameter in found.parameters())
    assert {(t.dtype, t.device.type) for t in found.parameters()} == {
        (torch.float32, "cpu")
    }
    images = shelf.probe_images()
    told = (torch.arange(256) % 10,) if kind == "cae" else ()
    before, after = (
        m.decode(sample.encode(m, images), *told).mean for m in (model, found)
    )
    torch.testing.assert_close(after, before, atol=2e-3, rtol=0)
    [row] = zoo.catalogue()
    assert row["bytes"] == path.stat().st_size
    assert {name: row[name] for name in shelf.REQUIRED} == metadata(
        kind=kind, latent_dim=latent_dim
    )
    assert row["versions"]["torch"] == torch.__version__


def test_a_trained_models_memory_format_and_gradients_do_not_matter(folder):
    model, _ = put(VAE(2).train().to(memory_format=torch.channels_last))
    z = torch.randn(4, 2)
    torch.testing.assert_close(
        zoo.load("vae").decode(z).mean,
        model.decode(z).mean,
        atol=1e-2,
        rtol=0,
    )
    assert model.training
    assert model.head.weight.requires_grad


def test_half_precision_is_used_only_where_no_pixel_shows_it(folder):
    fine, fine_path = put(seed=1)
    steep = VAE(2)
    with torch.no_grad():
        steep.decoder[-1].weight *= 1_000
    put(steep, seed=2)
    rows = {row["seed"]: row for row in zoo.catalogue()}
    assert {seed: row["dtype"] for seed, row in rows.items()} == {
        1: "float16",
        2: "float32",
    }
    stored = zoo.read(fine_path)[1].values()
    assert {t.dtype for t in stored} == {torch.float16}
    assert rows[1]["bytes"] < 0.52 * rows[2]["bytes"]
    z = fine.encode(data.to_float(shelf.probe_images()))
    error = sample.pictures(zoo.load("vae", seed=1), z) - sample.pictures(
        fine, z
    )
    assert 0 < error.abs().max() < shelf.LARGEST_ERROR
    for name, tensor in zoo.load("vae", seed=2).state_dict().items():
        assert torch.equal(tensor, steep.state_dict()[name])


def test_loading_leaves_the_random_state_alone(folder):
    put()
    before = torch.get_rng_state()
    zoo.load("vae")
    zoo.series("vae", "seed")
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("kind", "options", "stored"),
    [
        ("ae", {"image_shape": (3, 40, 24)}, {"image_shape": [3, 40, 24]}),
        ("vae", {"image_shape": (1, 28, 28)}, {"image_shape": [1, 28, 28]}),
        ("vae", {"likelihood": WithSigma(0.2)}, {"likelihood": "WithSigma"}),
        ("cvae", {"classes": 3}, {"classes": 3}),
    ],
)
def test_what_is_not_the_courses_is_kept_in_the_configuration(
    folder, kind, options, stored
):
    model = zoo.KINDS[kind](2, **options)
    shape = options.get("image_shape", (1, 32, 32))
    images = torch.rand(8, *shape, generator=torch.Generator().manual_seed(0))
    described = metadata(kind=kind)
    path = folder / zoo.file_name(described)
    shelf.save(model, path, metadata=described, images=images)
    [row] = zoo.catalogue()
    known = ("image_shape", "likelihood", "classes")
    assert {name: row[name] for name in known if name in row} == stored
    found = zoo.load(kind)
    assert found.image_shape == shape
    labels = torch.arange(8) % 3 if kind == "cvae" else None
    torch.testing.assert_close(
        sample.reconstruct(found, images, labels),
        sample.reconstruct(model, images, labels),
        atol=2e-3,
        rtol=0,
    )
    told = () if labels is None else (labels,)
    z = torch.randn(8, 2)
    before, after = (m.decode(z, *told).nats(images) for m in (model, found))
    torch.testing.assert_close(after, before, rtol=2e-3, atol=0)


def test_the_courses_models_are_stored_as_before(folder):
    put()
    [row] = zoo.catalogue()
    assert set(row) == {
        *shelf.REQUIRED,
        *("file", "bytes", "dtype", "licence", "versions", "sha256"),
    }


def test_models_come_to_the_device_that_is_asked_for(folder):
    put()
    for model in (
        zoo.load("vae", device="meta"),
        *zoo.series("vae", "seed", device="meta").values(),
    ):
        assert {t.device.type for t in model.parameters()} == {"meta"}
    with pytest.raises(RuntimeError, match="device"):
        zoo.load("vae", device="nowhere")


def test_a_model_can_be_trained_further_once_its_gradients_are_on(folder):
    put()
    model, images = zoo.load("vae"), shelf.probe_images()
    with pytest.raises(ValueError, match=r"requires_grad_\(True\)"):
        train.fit(model, vae_loss, images, 256)
    train.fit(model.requires_grad_(True), vae_loss, images, 256)


@pytest.mark.parametrize(
    ("shape", "classes"), [((3, 64, 48), 4), ((1, 28, 28), 12)]
)
def test_a_classifier_takes_other_pictures_and_classes(shape, classes):
    model = zoo.Classifier(shape, classes).eval()
    assert model(torch.rand(5, *shape)).shape == (5, classes)
    assert model.features(torch.rand(5, *shape)).shape == (5, 64)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "vae-d2-seed0"),
        ({"kind": "ae", "latent_dim": 64, "seed": 3}, "ae-d64-seed3"),
        ({"beta": 4.0}, "vae-d2-beta4-seed0"),
        ({"beta": 2.048}, "vae-d2-beta2.048-seed0"),
        ({"beta": 0}, "vae-d2-beta0-seed0"),
        ({"images_seen": 165_120, "final": False}, "vae-d2-seed0-epoch3"),
        ({"images_seen": 27_520, "final": False}, "vae-d2-seed0-epoch0.5"),
    ],
)
def test_file_names_say_what_is_in_them(changes, name):
    assert zoo.file_name(metadata(**changes)) == f"{name}.safetensors"


@pytest.mark.parametrize(
    "wanted",
    [
        {"kind": "vae", "seed": 1},
        {"kind": "vae", "beta": 4},
        {"kind": "ae"},
        {"kind": "gan"},
        {"kind": "vae", "latent_dim": 3},
        {"kind": "classifier"},
    ],
)
def test_what_the_zoo_has_not_got_is_answered_by_what_it_has(folder, wanted):
    put(latent_dim=16)
    put()
    put(images_seen=55_040, final=False)
    with pytest.raises(
        ValueError,
        match=r"The zoo holds no .* are: vae-d2-seed0, vae-d16-seed0\.",
    ):
        zoo.load(**wanted)


def test_an_empty_zoo_says_so(folder):
    assert zoo.catalogue() == []
    with pytest.raises(ValueError, match="none yet"):
        zoo.load("vae")


# --- series of models --------------------------------------------------------


@pytest.fixture(scope="module")
def stored_series(tmp_path_factory):
    """One model a file, each of its own start: the folder, and each model by
    its file's name.
    """
    files = [
        {"seed": 0},
        {"seed": 2},
        {"seed": 10},
        {"images_seen": 55_040, "final": False},
        {"images_seen": 0, "final": False},
        {"images_seen": 55_040, "final": False, "seed": 3},
        {"beta": 10.0},
        {"beta": 0.1},
        {"beta": 0.1, "seed": 1},
        {"latent_dim": 16},
        {"kind": "ae"},
    ]
    folder, stored = tmp_path_factory.mktemp("series"), {}
    shutil.copy(zoo.FOLDER / "classifier.safetensors", folder)
    for start, changes in enumerate(files):
        torch.manual_seed(start)
        described = metadata(**changes)
        model = zoo.KINDS[described["kind"]](described["latent_dim"])
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(zoo, "FOLDER", folder)
            stored[put(model, **changes)[1].stem] = model
    return folder, stored


@pytest.fixture
def series(stored_series, monkeypatch):
    """The zoo that holds those files: each model by its file's name."""
    folder, stored = stored_series
    monkeypatch.setattr(zoo, "FOLDER", folder)
    return stored


@pytest.mark.parametrize(
    ("kind", "name", "latent_dim", "expected"),
    [
        ("vae", "seed", 2, {0: "seed0", 2: "seed2", 10: "seed10"}),
        (
            "vae",
            "epoch",
            2,
            {0: "seed0-epoch0", 1: "seed0-epoch1", 10: "seed0"},
        ),
        (
            "vae",
            "beta",
            2,
            {0.1: "beta0.1-seed0", 1: "seed0", 10: "beta10-seed0"},
        ),
        ("vae", "beta", 16, {1: "seed0"}),
        ("ae", "seed", 2, {0: "seed0"}),
    ],
)
def test_a_series_is_in_order_and_holds_the_right_models(
    series, kind, name, latent_dim, expected
):
    found = zoo.series(kind, name, latent_dim)
    assert list(found) == pytest.approx(list(expected), abs=1e-2)
    z = torch.randn(8, latent_dim)
    for model, ending in zip(found.values(), expected.values(), strict=True):
        stem = f"{kind}-d{latent_dim}-{ending}"
        pixels = sample.pictures(model, z)
        torch.testing.assert_close(
            pixels, sample.pictures(series[stem], z), atol=1e-3, rtol=0
        )
        others = [
            m
            for s, m in series.items()
            if s != stem and m.latent_dim == latent_dim
        ]
        assert all(
            (sample.pictures(m, z) - pixels).abs().max() > 1e-2 for m in others
        )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("vae", "size"), "epoch, seed, beta"),
        (("ae", "seed", 3), "are: ae-d2-seed0, vae-d2"),
        (("gan", "seed"), "are: ae-d2-seed0"),
        (("classifier", "seed"), "are: ae-d2-seed0"),
    ],
)
def test_a_series_that_is_not_there_is_refused(series, arguments, message):
    with pytest.raises(ValueError, match=message):
        zoo.series(*arguments)


# --- bad files, bad metadata -------------------------------------------------


def flip(raw: bytes, at: int) -> bytes:
    return raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: b"",
        lambda raw: raw[:50],
        lambda raw: raw[:-1],
        lambda raw: raw + b"\0",
        lambda raw: flip(raw, len(raw) - 1000),
        lambda raw: raw.replace(b"550016", b"550017"),
        lambda raw: raw.replace(b"550016", b"55001x"),
        lambda raw: b"PK\x03\x04" + raw[4:],
        lambda raw: safetensors.torch.save({"a": torch.zeros(2)}),
    ],
    ids=[
        "empty",
        "header",
        "end",
        "longer",
        "weights",
        "configuration",
        "json",
        "zip",
        "foreign",
    ],
)
def test_a_damaged_file_is_named_with_its_remedy(folder, damage):
    _, path = put()
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(
        zoo.ZooError, match=r"vae-d2-seed0\.safetensors: .*Fetch it again"
    ):
        zoo.load("vae")


def test_an_intact_file_of_other_weights_is_refused(folder):
    shelf.write(
        nn.Linear(2, 2).state_dict(),
        folder / "vae-d2-seed0.safetensors",
        metadata(),
    )
    with pytest.raises(
        zoo.ZooError,
        match=r"vae-d2-seed0\.safetensors: not the weights of a VAE",
    ):
        zoo.load("vae")


def test_a_missing_classifier_is_an_error_with_a_remedy(folder):
    with pytest.raises(
        zoo.ZooError, match=r"classifier\.safetensors: missing.*Fetch it again"
    ):
        zoo.classifier()


def test_a_save_cut_short_leaves_the_file_before_it(folder, monkeypatch):
    _, path = put()
    before = path.read_bytes()

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        put(VAE(2), test_nats={})
    assert path.read_bytes() == before
    assert [row["file"] for row in zoo.catalogue()] == [path.name]


class Foreign(nn.Module):
    """A likelihood that the library does not know."""


def broken() -> VAE:
    model = VAE(2)
    with torch.no_grad():
        model.decoder[0].bias[3] = torch.nan
    return model


@pytest.mark.parametrize(
    ("model", "changes", "message"),
    [
        (VAE(2), {"kind": "gan"}, "gan"),
        (Autoencoder(2), {}, "this Autoencoder is not a VAE"),
        (VAE(3), {}, "latent_dim 2"),
        (VAE(2, book_networks), {}, "lesson_networks"),
        (VAE(2, image_shape=(1, 28, 28)), {"latent_dim": 3}, "latent_dim 3"),
        (VAE(2, likelihood=Foreign()), {}, "no likelihood of the library: For"),
        (broken(), {}, "not finite"),
    ],
)
def test_a_model_that_could_not_come_out_again_is_refused(
    folder, model, changes, message
):
    with pytest.raises(ValueError, match=message):
        put(model, **changes) if "kind" not in changes else shelf.save(
            model,
            folder / "gan-d2-seed0.safetensors",
            metadata=metadata(**changes),
        )
    assert list(folder.iterdir()) == []


def test_metadata_must_be_whole_and_agree_with_the_name(folder):
    lacking = metadata()
    del lacking["test_nats"], lacking["seed"]
    with pytest.raises(ValueError, match="lack seed, test_nats"):
        shelf.save(
            VAE(2), folder / "vae-d2-seed0.safetensors", metadata=lacking
        )
    with pytest.raises(ValueError, match=r"is to be vae-d2-seed1\.safetensors"):
        shelf.save(
            VAE(2),
            folder / "vae-d2-seed0.safetensors",
            metadata=metadata(seed=1),
        )
    with pytest.raises(ValueError, match=r"is to be vae-d2-seed0\.safetensors"):
        shelf.save(VAE(2), folder / "wrong.safetensors", metadata=metadata())
