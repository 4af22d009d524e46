"""The KL and its parts, for posteriors whose aggregate is known."""

import math

import pytest
import torch

from aevae_lib import measure
from aevae_lib.losses import kl_divergence
from tests.library.measure.known import CODES, broken, generator, normal


def posteriors(n=500, dims=3):
    return normal(n, dims), normal(n, dims, seed=1) - 2


def test_kl_per_dimension_is_that_of_two_normals_and_adds_up():
    mu, logvar = posteriors()
    found = measure.kl_per_dimension(mu, logvar)
    q = torch.distributions.Normal(mu, (0.5 * logvar).exp())
    expected = torch.distributions.kl_divergence(
        q, torch.distributions.Normal(0.0, 1.0)
    ).mean(0)
    assert torch.allclose(found, expected, atol=1e-5)
    assert found.sum().item() == pytest.approx(
        kl_divergence(mu, logvar).mean().item(), rel=1e-5
    )


def test_kl_of_a_collapsed_dimension_is_nil_and_it_is_not_active():
    mu, logvar = posteriors()
    mu[:, 1], logvar[:, 1] = 0, 0
    assert measure.kl_per_dimension(mu, logvar)[1] == 0
    assert measure.active_units(mu) == 2


def test_active_units_are_counted_by_the_variance_of_mu():
    mu = normal(50_000, 4) * torch.tensor([0.11, 0.09, 3.0, 0.0]) + 7
    assert measure.active_units(mu) == 2
    assert measure.active_units(mu, threshold=0.001) == 3


def spread_evenly(n, mean, variance):
    """n numbers in random order that stand for N(mean, variance): its
    quantiles.
    """
    at = (torch.arange(n) + 0.5) / n
    order = torch.randperm(n, generator=generator(5))
    return mean + math.sqrt(variance) * torch.special.ndtri(at.double())[order]


@pytest.mark.parametrize(
    ("mean", "variance"), [(0.0, 0.75), (0.0, 4.0), (1.5, 0.75)]
)
def test_aggregate_kl_where_the_aggregate_is_a_known_normal(mean, variance):
    """mu ~ N(m, t), noise of variance s: q_agg is N(m, t + s), and I is ln((t +
    s) / s) / 2.
    """
    mu = spread_evenly(3000, mean, variance)[:, None]
    noise = 0.25
    total = variance + noise
    information, aggregate = measure.aggregate_kl(
        mu, torch.full_like(mu, math.log(noise)), 6000
    )
    assert information == pytest.approx(0.5 * math.log(total / noise), abs=0.05)
    known = 0.5 * (total + mean**2 - 1 - math.log(total))
    # The means of 6000 draws; the tails of a wide aggregate are the noisiest.
    assert aggregate == pytest.approx(
        known, abs=0.01 if (mean, variance) == (0, 0.75) else 0.1
    )


def test_aggregate_kl_in_two_dimensions():
    mu = normal(4000, 2, seed=3) * math.sqrt(0.75)
    information, aggregate = measure.aggregate_kl(
        mu, torch.full_like(mu, math.log(0.25)), 4000
    )
    # What a mixture of 4000 random posteriors is off from the normal that they
    # are drawn from.
    assert information == pytest.approx(math.log(4), abs=0.05)
    assert 0 <= aggregate < 0.02


@pytest.mark.parametrize("dims", [1, 2, 5])
def test_the_two_parts_add_up_to_the_mean_kl(dims):
    mu, logvar = 2 * normal(2000, dims), normal(2000, dims, seed=1) - 2
    whole = kl_divergence(mu, logvar).mean().item()
    for seed in (0, 1):
        parts = measure.aggregate_kl(mu, logvar, draws=4000, seed=seed)
        assert sum(parts) == pytest.approx(whole, abs=0.04 * dims)
    assert parts != measure.aggregate_kl(mu, logvar, draws=4000)
    assert parts == measure.aggregate_kl(mu, logvar, draws=4000, seed=1)


@pytest.mark.parametrize("logvar", [-10.0, -60.0])
def test_information_is_capped_by_the_number_of_images(logvar):
    mu = 100 * torch.arange(300.0)[:, None].expand(-1, 2)
    information, _ = measure.aggregate_kl(
        mu, torch.full_like(mu, logvar), draws=600
    )
    assert information == pytest.approx(math.log(300), abs=1e-6)


def test_equal_posteriors_carry_no_information():
    mu, logvar = torch.full((50, 2), 1.5), torch.full((50, 2), -1.0)
    information, aggregate = measure.aggregate_kl(mu, logvar, draws=20_000)
    assert information == pytest.approx(0, abs=1e-9)
    assert aggregate == pytest.approx(
        kl_divergence(mu, logvar)[0].item(), abs=0.06
    )


def test_a_collapsed_dimension_changes_neither_part():
    mu, logvar = posteriors(1000, 1)
    padded = [
        torch.cat([part, torch.zeros(1000, 1)], dim=1) for part in (mu, logvar)
    ]
    found, more = (
        measure.aggregate_kl(mu, logvar),
        measure.aggregate_kl(*padded),
    )
    assert more == pytest.approx(found, abs=0.1)


# --- bad input ---------------------------------------------------------------


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize(
    "call",
    [
        lambda bad: measure.kl_per_dimension(bad, CODES),
        lambda bad: measure.kl_per_dimension(CODES, bad),
        lambda bad: measure.active_units(bad),
        lambda bad: measure.aggregate_kl(bad, CODES),
        lambda bad: measure.aggregate_kl(CODES, bad),
    ],
)
def test_not_a_number_is_refused(call, value):
    with pytest.raises(ValueError, match="finite"):
        call(broken(value))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: measure.kl_per_dimension(CODES, CODES[:, :1]), "one shape"),
        (lambda: measure.aggregate_kl(CODES, CODES[:3]), "one shape"),
        (
            lambda: measure.aggregate_kl(CODES, CODES, draws=0),
            "at least 1 draw",
        ),
        (lambda: measure.aggregate_kl(CODES[:0], CODES[:0]), r"\(N, D\)"),
        (lambda: measure.active_units(CODES[:1]), "at least 2"),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
