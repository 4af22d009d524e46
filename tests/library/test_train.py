"""The training loop: which images it shows when, what it reports, and when it
stops.
"""

import copy
import math
from functools import partial

import pytest
import torch
from torch import nn

from aevae_lib import data
from aevae_lib.likelihoods import WithSigma
from aevae_lib.losses import ae_loss, vae_loss
from aevae_lib.models import (
    VAE,
    Autoencoder,
    ConditionalAutoencoder,
    ConditionalVAE,
    lesson_networks,
)
from aevae_lib.train import evaluate, fit

BOTH = [(Autoencoder, ae_loss), (VAE, vae_loss)]


@pytest.fixture(autouse=True)
def one_thread():
    """Networks and data are tiny here: threads would wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def images():
    """64 blurred squares at four places, each of its own brightness: (64, 1,
    32, 32) uint8.
    """
    x = torch.zeros(64, 1, 32, 32)
    for i in range(64):
        top, left = 4 + 12 * (i % 2), 4 + 12 * (i // 2 % 2)
        x[i, 0, top : top + 10, left : left + 10] = 0.5 + i / 128
    return (255 * x).byte()


def make(model_class, seed=0):
    torch.manual_seed(seed)
    return model_class()


def numbered(n):
    """Images that tell which they are by their grey: (n, 1, 32, 32) uint8."""
    return (
        torch.arange(n, dtype=torch.uint8)
        .view(-1, 1, 1, 1)
        .expand(-1, 1, 32, 32)
        .contiguous()
    )


def which(x):
    return (x[:, 0, 0, 0] * 255).round().int().tolist()


class Constant(nn.Module):
    """A model of one number, for losses that look only at the images."""

    def __init__(self):
        super().__init__()
        self.number = nn.Parameter(torch.ones(()))

    def forward(self, x):
        return self.number


# --- batches -----------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [4, 5, 10, 25])
def test_every_image_is_seen_once_in_each_epoch(batch_size):
    steps = 50 // batch_size
    shown = list(data.batches(numbered(10), batch_size, steps, seed=0))
    assert all(x.shape == (batch_size, 1, 32, 32) for x in shown)
    order = [number for x in shown for number in which(x)]
    epochs = [
        order[start : start + 10]
        for start in range(0, len(order) // 10 * 10, 10)
    ]
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert epochs[0] != epochs[1] != list(range(10))  # shuffled, and anew


def test_a_seed_fixes_the_order_whatever_else_is_drawn():
    first = [which(x) for x in data.batches(numbered(100), 16, 12, seed=5)]
    again = []
    for x in data.batches(numbered(100), 16, 12, seed=5):
        torch.rand(3)
        again.append(which(x))
    assert first == again
    assert first != [
        which(x) for x in data.batches(numbered(100), 16, 12, seed=6)
    ]


def test_both_models_see_the_same_images_in_the_same_order():
    seen = {}
    for model_class, loss_fn in BOTH:
        shown = seen[model_class] = []

        def spy(out, x, loss_fn=loss_fn, shown=shown):
            shown.append(which(x))
            return loss_fn(out, x)

        fit(make(model_class), spy, numbered(100), 500, seed=2, batch_size=16)
    assert seen[Autoencoder] == seen[VAE]
    assert len(seen[VAE]) == math.ceil(500 / 16)


# --- fit ---------------------------------------------------------------------


@pytest.mark.parametrize(("model_class", "loss_fn"), BOTH)
def test_training_halves_the_loss(model_class, loss_fn, images):
    model = make(model_class)
    before = evaluate(model, loss_fn, images)["loss"]
    fit(model, loss_fn, images, 40 * 64, batch_size=32)
    assert evaluate(model, loss_fn, images)["loss"] < before / 2


@pytest.mark.parametrize(("model_class", "loss_fn"), BOTH)
def test_one_seed_gives_one_run_bit_for_bit(model_class, loss_fn, images):
    def run(seed):
        model = make(model_class)
        history = fit(
            model,
            loss_fn,
            images,
            640,
            seed=seed,
            batch_size=32,
            validation=images,
        )
        return history, model.state_dict()

    history, weights = run(seed=1)
    history_again, weights_again = run(seed=1)
    assert history == history_again
    assert all(
        torch.equal(weights[name], weights_again[name]) for name in weights
    )
    assert run(seed=2)[0] != history


def test_the_noise_of_a_vae_follows_the_seed_and_not_the_past(images):
    histories = []
    for past in (0, 1):
        model = make(VAE)
        torch.manual_seed(100 + past)
        histories.append(
            fit(model, vae_loss, images, 320, seed=1, batch_size=32)
        )
    assert histories[0] == histories[1]


def test_the_history_holds_means_since_the_row_before(images):
    steps = iter(range(1, 100))

    def loss_fn(number, x):
        return number * 0, {"step": torch.tensor(float(next(steps)))}

    history = fit(
        Constant(), loss_fn, images, budget=1000, batch_size=128, reports=4
    )
    assert history == [
        {"images_seen": 256, "step": 1.5},
        {"images_seen": 512, "step": 3.5},
        {"images_seen": 768, "step": 5.5},
        {
            "images_seen": 1024,
            "step": 7.5,
        },  # 1,000 are not whole batches: the last is completed
    ]


@pytest.mark.parametrize("reports", [1, 3, 7, 10])
def test_the_history_has_as_many_rows_as_asked_for_and_ends_with_the_budget(
    images, reports
):
    history = fit(
        make(Autoencoder), ae_loss, images, 320, batch_size=16, reports=reports
    )
    seen = [row["images_seen"] for row in history]
    assert len(seen) == reports
    assert seen == sorted(set(seen))
    assert seen[-1] == 320


def test_the_budget_counts_images_seen_not_passes(images):
    few = fit(make(Autoencoder), ae_loss, images[:10], 320, batch_size=32)
    many = fit(make(Autoencoder), ae_loss, images, 320, batch_size=32)
    assert [row["images_seen"] for row in few] == [
        row["images_seen"] for row in many
    ]


def test_validation_terms_are_those_of_the_validation_images():
    white = torch.full((8, 1, 32, 32), 255, dtype=torch.uint8)

    def loss_fn(number, x):
        return number * x.mean() * 0, {"grey": x.mean().detach()}

    (row,) = fit(
        Constant(),
        loss_fn,
        white,
        16,
        batch_size=8,
        validation=torch.zeros_like(white),
        reports=1,
    )
    assert row["grey"] == 1
    assert row["validation_grey"] == 0


def test_looking_at_validation_images_changes_nothing(images):
    weights = []
    for validation in (None, images[:16]):
        model = make(VAE)
        fit(model, vae_loss, images, 320, batch_size=32, validation=validation)
        weights.append(model.state_dict())
    assert all(
        torch.equal(weights[0][name], weights[1][name]) for name in weights[0]
    )


@pytest.mark.parametrize("reports", [1, 8])
@pytest.mark.parametrize("step", [1, 5, 8])
def test_a_loss_that_is_nan_stops_training_and_names_the_epoch(
    images, step, reports
):
    calls = []

    def loss_fn(out, x):
        loss, terms = ae_loss(out, x)
        calls.append(x)
        return (loss * math.nan if len(calls) == step else loss), terms

    with pytest.raises(
        FloatingPointError,
        match=rf"in epoch {math.ceil(step / 2)}, at step {step}\.",
    ):
        fit(
            make(Autoencoder),
            loss_fn,
            images,
            8 * 32,
            batch_size=32,
            reports=reports,
        )
    assert len(calls) == (step if reports == 8 else 8)


@pytest.mark.parametrize(
    "wrong", [{"budget": 0}, {"budget": -5}, {"batch_size": 0}]
)
def test_a_budget_or_batch_without_images_is_refused(images, wrong):
    with pytest.raises(ValueError, match="must be at least 1"):
        fit(make(Autoencoder), ae_loss, images, **wrong)


def test_one_step_is_enough(images):
    assert len(fit(make(Autoencoder), ae_loss, images, 1)) == 1


def test_a_learning_rate_that_is_too_high_ends_in_that_error(images):
    with pytest.raises(FloatingPointError, match=r"epoch \d+, .*learning rate"):
        fit(make(VAE), vae_loss, images, 64 * 20, lr=1e6, batch_size=32)


def test_images_that_are_not_bytes_of_the_right_shape_are_refused(images):
    for wrong in (
        images > 0,
        images.squeeze(1),
        images[:, :, 2:-2, 2:-2],
        images[:0],
    ):
        for function in (partial(fit, budget=64), evaluate):
            with pytest.raises((TypeError, ValueError), match="Expected"):
                function(make(Autoencoder), ae_loss, wrong)


def test_a_device_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match=r"'nowhere' cannot be used here"):
        data.pick_device("nowhere")


# --- evaluate ----------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [1, 24, 64, 1000])
def test_evaluate_is_a_mean_over_images_however_they_are_batched(
    images, batch_size
):
    model = make(Autoencoder)
    nn.init.constant_(
        model.decoder[-1].bias, 3.0
    )  # bright guesses: dark images cost far more
    with torch.no_grad():
        _, terms = ae_loss(model(data.to_float(images)), data.to_float(images))
    measured = evaluate(model, ae_loss, images, batch_size=batch_size)
    assert measured.keys() == {"reconstruction", "loss"}
    assert measured["loss"] == pytest.approx(
        terms["reconstruction"].item(), rel=1e-5
    )


def test_evaluate_keeps_beta_out_of_the_terms(images):
    model = make(VAE)
    nn.init.constant_(model.head.bias, 1.0)  # a KL that counts
    measured = evaluate(model, partial(vae_loss, beta=10), images)
    assert measured["kl"] > 1
    total = measured["reconstruction"] + 10 * measured["kl"]
    assert measured["loss"] == pytest.approx(total, rel=1e-5)


def test_evaluate_draws_z(images):
    """mu = 0 and logvar = 0 for every image: the mean of z^2 is 1, and would be
    0 for mu.
    """
    model = make(VAE)
    nn.init.zeros_(model.head.weight)
    nn.init.zeros_(model.head.bias)
    model.decoder = nn.Identity()

    def loss_fn(out, x):
        return out.decoded.logits.square().mean(), {}

    many = images.repeat(40, 1, 1, 1)
    assert evaluate(model, loss_fn, many)["loss"] == pytest.approx(1, abs=0.1)


def test_evaluate_tells_the_labels(images):
    """A decoder that is told the truth about every image, in order, and in
    every batch.
    """
    labels = torch.arange(len(images)) % 10

    class Told(Constant):
        def forward(self, x, classes):
            seen.extend(classes.tolist())
            return x

    seen = []
    evaluate(
        Told(),
        lambda out, x: (out.mean(), {}),
        images,
        batch_size=7,
        labels=labels,
    )
    assert seen == labels.tolist()


def test_evaluate_is_repeatable_and_leaves_no_trace(images):
    model = make(VAE)
    torch.manual_seed(7)
    before = torch.get_rng_state()
    weights = {
        name: value.clone() for name, value in model.state_dict().items()
    }
    first = evaluate(model, vae_loss, images)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(8)
    assert evaluate(model, vae_loss, images) == first
    assert evaluate(model, vae_loss, images, seed=1) != first
    assert all(
        torch.equal(weights[name], value)
        for name, value in model.state_dict().items()
    )
    assert all(parameter.grad is None for parameter in model.parameters())


# --- what training and measuring leave alone ---------------------------------


def normed(latent_dim, shape):
    trunk, decoder = lesson_networks(latent_dim, shape)
    return trunk.insert(1, nn.BatchNorm2d(16)), decoder


def test_measuring_a_model_with_batch_norm_does_not_change_it(images):
    model = Autoencoder(2, normed)
    before = copy.deepcopy(model.state_dict())
    evaluate(model, ae_loss, images)
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert model.training


def test_fit_trains_in_training_mode_and_leaves_the_mode_as_it_was(images):
    model, seen = Autoencoder(2, normed).eval(), []
    model.trunk.register_forward_hook(lambda m, i, o: seen.append(m.training))
    fit(model, ae_loss, images, 128, batch_size=32, validation=images)
    assert seen.count(True) == 4  # the rest looked at validation images
    assert seen.count(False) > 0
    assert not any(layer.training for layer in model.modules())
    assert model.trunk[1].num_batches_tracked == 4


def test_fit_leaves_the_random_state_and_prints_nothing(images, capfd):
    model = make(VAE)
    before = torch.get_rng_state()
    fit(model, vae_loss, images, 64, batch_size=32)
    assert torch.equal(torch.get_rng_state(), before)
    assert capfd.readouterr() == ("", "")
    fit(model, vae_loss, images, 64, batch_size=32, progress=True)
    assert "nats per image" in capfd.readouterr().err


def test_the_rate_rises_to_its_peak_and_comes_down(monkeypatch, images):
    """A schedule that never comes down would still train."""
    rates = []
    step = torch.optim.Adam.step

    def noting(self, *args, **kwargs):
        rates.append(self.param_groups[0]["lr"])
        return step(self, *args, **kwargs)

    monkeypatch.setattr(torch.optim.Adam, "step", noting)
    fit(make(Autoencoder), ae_loss, images, 100 * 32, lr=0.01, batch_size=32)
    assert max(rates) == pytest.approx(0.01, rel=1e-2)
    assert 0.2 < rates.index(max(rates)) / len(rates) < 0.4
    assert rates[0] < 0.01 / 10
    assert rates[-1] < 0.01 / 100


def test_a_frozen_model_is_refused_with_the_remedy(images):
    model = make(Autoencoder).requires_grad_(False)
    with pytest.raises(ValueError, match=r"frozen.*requires_grad_\(True\)"):
        fit(model, ae_loss, images, 64)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_models_of_another_precision_train_and_are_measured(images, dtype):
    model = make(VAE).to(dtype)
    fit(model, vae_loss, images, 64, batch_size=32, validation=images)
    assert model.head.weight.dtype == dtype
    assert math.isfinite(evaluate(model, vae_loss, images)["loss"])


def test_a_split_in_place_of_images_is_named(images):
    split = data.Split(images, torch.zeros(64, dtype=torch.long))
    for function in (partial(fit, budget=64), evaluate):
        with pytest.raises(TypeError, match=r"\.images"):
            function(make(Autoencoder), ae_loss, split)


@pytest.mark.parametrize("wrong", [{"reports": -1}, {"lr": 0.0}])
def test_settings_that_train_nothing_are_refused(images, wrong):
    with pytest.raises(ValueError, match="reports must be at least 0 and lr"):
        fit(make(Autoencoder), ae_loss, images, 64, **wrong)


def test_pictures_of_another_shape_and_likelihood_are_trained(images):
    colour = torch.randint(0, 256, (64, 3, 20, 12), dtype=torch.uint8)
    likelihood = WithSigma(1.0, learned=True)
    model = make(lambda: VAE(2, image_shape=(3, 20, 12), likelihood=likelihood))
    before = evaluate(model, vae_loss, colour)["loss"]
    fit(model, vae_loss, colour, 2560, batch_size=32)
    assert evaluate(model, vae_loss, colour)["loss"] < before - 100
    assert 0.1 < likelihood.log_sigma.exp().item() < 0.9
    with pytest.raises(ValueError, match="20"):
        fit(model, vae_loss, images, 64)


def test_floats_that_are_no_pictures_are_trained_as_they_are():
    def dense(latent_dim, shape):
        return nn.Linear(*shape, 8), nn.Linear(latent_dim, *shape)

    table = torch.randn(64, 5) * 3 + 7
    model = Autoencoder(2, dense, image_shape=(5,), likelihood=WithSigma(1.0))
    before = evaluate(model, ae_loss, table)["loss"]
    fit(model, ae_loss, table, 6400, lr=0.05, batch_size=32)
    assert evaluate(model, ae_loss, table)["loss"] < before / 2


def test_numpy_arrays_are_taken_too(images):
    model = make(Autoencoder)
    expected = evaluate(model, ae_loss, images)
    assert evaluate(model, ae_loss, images.numpy()) == expected
    rows = fit(model, ae_loss, images.numpy(), 64, validation=images.numpy())
    assert math.isfinite(rows[-1]["validation_loss"])


def test_a_nan_is_found_without_reports_and_after_the_last_one(images):
    for reports in (0, 1):
        factors = iter([1.0, math.nan, 1.0, 1.0])

        def breaks(out, x, factors=factors):
            return out * next(factors), {"term": out}

        settings = {"batch_size": 32, "reports": reports}
        with pytest.raises(FloatingPointError, match="step 2"):
            fit(Constant(), breaks, images, 128, **settings)


# --- models that are told the class ------------------------------------------


@pytest.mark.parametrize(
    ("kind", "loss_fn"),
    [(ConditionalAutoencoder, ae_loss), (ConditionalVAE, vae_loss)],
)
def test_told_models_are_trained_and_validated_with_labels(
    kind, loss_fn, images
):
    labels = torch.arange(64) % 4
    model = make(lambda: kind(2, classes=4))
    rows = fit(
        model,
        loss_fn,
        images,
        640,
        batch_size=32,
        labels=labels,
        validation=data.Split(images, labels),
        reports=2,
    )
    measured = evaluate(model, loss_fn, images, labels=labels)["loss"]
    assert rows[-1]["validation_loss"] == pytest.approx(measured)
    with pytest.raises(ValueError, match=r"pass a data\.Split"):
        fit(model, loss_fn, images, 64, labels=labels, validation=images)
    with pytest.raises(TypeError, match="labels"):
        fit(model, loss_fn, images, 64)
    with pytest.raises(ValueError, match="labels"):
        fit(model, loss_fn, images, 64, labels=labels + 1)


# --- labels and reports ------------------------------------------------------


def test_each_image_comes_with_its_own_label():
    class Told(Constant):
        def forward(self, x, labels):
            assert which(x) == labels.tolist()
            return self.number

    def train(labels):
        fit(
            Told(),
            lambda out, x: (out, {}),
            numbered(50),
            200,
            batch_size=7,
            labels=labels,
        )

    train(torch.arange(50))
    with pytest.raises(AssertionError):
        train(torch.arange(50).roll(1))


def test_labels_of_other_images_are_refused(images):
    with pytest.raises(ValueError, match="label for each of 64 images"):
        fit(
            Constant(),
            ae_loss,
            images,
            64,
            labels=torch.zeros(63, dtype=torch.long),
        )


def test_every_report_is_passed_on_as_it_is_made(images):
    model, weights = make(Autoencoder), []
    seen = []

    def on_report(row):
        seen.append(row)
        weights.append(model.head.weight.detach().clone())

    history = fit(
        model,
        ae_loss,
        images,
        640,
        batch_size=64,
        reports=5,
        on_report=on_report,
    )
    assert seen == history
    assert len({tuple(w.flatten().tolist()) for w in weights}) == 5
    assert torch.equal(weights[-1], model.head.weight)
