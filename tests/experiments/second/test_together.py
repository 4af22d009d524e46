"""Models trained side by side are those that are trained alone."""

import pytest
import torch

from aevae_lib import data, losses, models, train
from experiments.second.together import fit_together

SEEDS, RATES = (0, 1, 2), (8e-3, 1.6e-2, 4e-3)


@pytest.fixture(scope="module")
def sample() -> tuple[data.Split, data.Split]:
    train_part, test = data.read_folder(data.SAMPLE_FOLDER)
    return train_part[:600], test[:100]


def built(make, seeds=SEEDS) -> list:
    found = []
    for seed in seeds:
        torch.manual_seed(seed)
        found.append(make(2))
    return found


def side_by_side(make, loss, sample, budget=1300, rates=RATES, **options):
    seen, held_out = sample
    found = built(make)
    histories = fit_together(
        found, loss, seen.images, budget, seeds=SEEDS, rates=rates,
        validation=held_out, reports=2, **options,
    )  # fmt: skip
    return found, histories


def alone(make, loss, sample, k, budget=1300, **options):
    seen, held_out = sample
    model = built(make, [SEEDS[k]])[0]
    history = train.fit(
        model, loss, seen.images, budget, seed=SEEDS[k], lr=RATES[k],
        validation=held_out, reports=2, **options,
    )  # fmt: skip
    return model, history


def test_autoencoders_are_those_trained_alone(sample):
    """The same weights, order of images, rate and history for each."""
    found, histories = side_by_side(models.Autoencoder, losses.ae_loss, sample)
    for k in range(3):
        model, history = alone(models.Autoencoder, losses.ae_loss, sample, k)
        for ours, theirs in zip(histories[k], history, strict=True):
            assert ours == pytest.approx(theirs, rel=1e-4)
        for ours, theirs in zip(
            found[k].parameters(), model.parameters(), strict=True
        ):
            assert torch.allclose(ours, theirs, atol=5e-3)


def test_models_that_are_told_the_class_are_too(sample):
    labels = sample[0].labels
    _, histories = side_by_side(
        models.ConditionalAutoencoder, losses.ae_loss, sample, 640,
        labels=labels,
    )  # fmt: skip
    history = alone(
        models.ConditionalAutoencoder, losses.ae_loss, sample, 1, 640,
        labels=labels,
    )[1]  # fmt: skip
    for ours, theirs in zip(histories[1], history, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-4)


def test_each_model_has_noise_of_its_own(sample):
    """Three VAEs of one seed see the same images, and end apart."""
    seen, held_out = sample
    found = built(models.VAE, (0, 0, 0))
    histories = fit_together(
        found, losses.vae_loss, seen.images, 640, seeds=(0, 0, 0),
        rates=(8e-3,) * 3, validation=held_out, reports=1,
    )  # fmt: skip
    ends = {history[-1]["reconstruction"] for history in histories}
    assert len(ends) == 3
    assert max(ends) - min(ends) < 30
    assert set(histories[0][-1]) == {
        "images_seen", "reconstruction", "kl", "validation_reconstruction",
        "validation_kl", "validation_loss",
    }  # fmt: skip


def test_a_model_that_fails_leaves_the_others_alone(sample):
    rates = (8e-3, 1e9, 4e-3)
    _, histories = side_by_side(
        models.Autoencoder, losses.ae_loss, sample, rates=rates
    )
    assert histories[1] == []
    history = alone(models.Autoencoder, losses.ae_loss, sample, 2)[1]
    for ours, theirs in zip(histories[2], history, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-4)
