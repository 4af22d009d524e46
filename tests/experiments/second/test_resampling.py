"""The luck of the test images."""

import json

import numpy as np
import pytest
import torch

from experiments.second import resampling


def test_every_resample_draws_as_many_images_and_all_models_the_same():
    weights = resampling.weights(300)
    assert weights.shape == (1 + resampling.RESAMPLES, 300)
    assert torch.equal(weights[0], torch.ones(300))
    assert (weights.sum(1) == 300).all()
    assert weights[1:].std().item() == pytest.approx(1, abs=0.05)
    resampling.weights.cache_clear()
    assert torch.equal(weights, resampling.weights(300))


def test_the_spread_of_a_mean_is_its_standard_error():
    values = torch.randn(2000, generator=torch.Generator().manual_seed(1))
    found = resampling.mean(values, resampling.weights(2000))
    assert found[0].item() == pytest.approx(values.mean().item(), abs=1e-6)
    error = values.std().item() / 2000**0.5
    assert found[1:].std().item() == pytest.approx(error, rel=0.25)


def test_a_difference_keeps_what_two_means_share():
    """Of two models that find the same images hard."""
    generator = torch.Generator().manual_seed(1)
    hard, own = torch.randn(2, 2000, generator=generator)
    weights = resampling.weights(2000)
    one = resampling.mean(10 * hard, weights)
    other = resampling.mean(10 * hard + own, weights)
    assert (one - other)[1:].std() < 0.2 * one[1:].std()


def test_a_value_for_each_resample_is_averaged_on_its_own():
    weights = resampling.weights(50)
    values = (weights.T > 0).double()
    found = resampling.mean(values, weights)
    assert torch.allclose(found, torch.ones(101, dtype=torch.float64))


def test_what_is_stored_is_read_again_as_text():
    number = 3 + 0.01 * torch.randn(
        1 + resampling.RESAMPLES,
        generator=torch.Generator().manual_seed(1),
        dtype=torch.float64,
    )
    stored = json.loads(json.dumps(resampling.packed(number)))
    assert len(stored["bytes"]) < 140
    apart = (number[1:] - number[1:].mean()).numpy()
    assert np.abs(resampling.unpacked(stored) - apart).max() < 2e-4
    still = resampling.packed(torch.ones(1 + resampling.RESAMPLES))
    assert (resampling.unpacked(still) == 0).all()
