"""Measures of codes and posteriors, on synthetic ones whose answer is known."""

import math

import pytest
import torch

from aevae_lib import measure
from aevae_lib.losses import kl_divergence


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(n, dims=2, seed=0):
    return torch.randn(n, dims, generator=generator(seed))


LABELS = torch.arange(20_000) % 10

# --- volumes -----------------------------------------------------------------


@pytest.mark.parametrize("dims", [1, 2, 8])
def test_log_volume_is_half_the_log_determinant(dims):
    """Class k is k + 1 times as wide as class 0, whose covariance has a known
    determinant.
    """
    factor = torch.tril(torch.full((dims, dims), 0.7)) + torch.eye(
        dims
    )  # det = 1.7^dims
    codes = normal(20_000, dims) @ factor.T * (1 + LABELS[:, None]) + 5
    found = measure.log_volumes(codes, LABELS)
    expected = dims * (math.log(1.7) + torch.arange(1.0, 11.0).log().double())
    assert found.shape == (10,)
    # The half log-determinant of n normal codes has a standard deviation of
    # sqrt(D / 2n).
    bias = -dims * (dims + 1) / (4 * 2000)
    assert ((found - expected - bias).abs() < 4 * math.sqrt(dims / 4000)).all()


def test_log_volume_is_too_small_by_what_the_docstring_says():
    found = measure.log_volumes(normal(20_000, 40), LABELS).mean()
    assert found.item() == pytest.approx(
        -40 * 41 / (4 * 2000), abs=4 * math.sqrt(40 / 40_000)
    )


def test_volume_differences_outlive_a_linear_map():
    codes = normal(20_000, 3) * (1 + LABELS[:, None])
    bend = torch.tensor([[4.0, 1.0, 0.0], [-7.0, 0.5, 2.0], [1e3, 0.0, 1e-2]])
    before, after = (
        measure.log_volumes(z, LABELS) for z in (codes, codes @ bend + 3)
    )
    assert torch.allclose(after - after[0], before - before[0], atol=1e-3)
    assert (after - before)[0].item() == pytest.approx(
        math.log(bend.det().abs()), abs=1e-3
    )


def test_volumes_do_not_depend_on_the_order_of_the_codes():
    codes, order = (
        normal(20_000) * (1 + LABELS[:, None]),
        torch.randperm(20_000),
    )
    after = measure.log_volumes(codes[order], LABELS[order])
    assert torch.allclose(after, measure.log_volumes(codes, LABELS))


# --- inequality --------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "gini"),
    [
        ([3.0, 3.0, 3.0, 3.0], 0.0),
        ([2.0, 1.0], 1 / 6),
        ([5.0, 1.0, 3.0, 4.0, 2.0], 4 / 15),  # of 1 to n: (n - 1) / 3n
        ([0.0] * 9 + [7.0], 0.9),
        ([1e-30, 3e-30], 0.25),
        ([8.0], 0.0),
    ],
)
def test_gini_of_known_values(values, gini):
    assert measure.inequality(torch.tensor(values)) == pytest.approx(
        gini, abs=1e-6
    )


def test_gini_is_half_the_mean_difference_and_knows_no_unit():
    values = torch.rand(200, generator=generator())
    slowly = (values[:, None] - values).abs().mean() / (2 * values.mean())
    assert measure.inequality(values) == pytest.approx(slowly.item(), abs=1e-6)
    assert measure.inequality(1e6 * values.flip(0)) == pytest.approx(
        slowly.item(), abs=1e-6
    )


# --- how much class a code tells ---------------------------------------------

ACCURACIES = [measure.neighbour_accuracy, measure.probe_accuracy]


@pytest.mark.parametrize("accuracy", ACCURACIES)
def test_codes_that_say_nothing_are_right_once_in_ten(accuracy):
    test_labels = torch.arange(5000) % 10
    found = accuracy(
        normal(3000), LABELS[:3000], normal(5000, seed=1), test_labels
    )
    assert abs(found - 0.1) < 4 * math.sqrt(0.09 / 5000)


@pytest.mark.parametrize("accuracy", ACCURACIES)
def test_separate_classes_are_always_told(accuracy):
    angle = 2 * math.pi * torch.arange(10) / 10
    centres = torch.stack([angle.cos(), angle.sin()], dim=1)
    codes, others = (
        centres[LABELS[:3000]] + 0.03 * normal(3000, seed=seed)
        for seed in (0, 1)
    )
    assert accuracy(codes, LABELS[:3000], others, LABELS[:3000]) == 1


def two_classes(n, seed, distance=2.0):
    """Class 3 at 0 and class 8 at `distance` in the first of two dimensions."""
    labels = torch.where(torch.arange(n) % 2 == 0, 3, 8)
    codes = normal(n, 2, seed)
    codes[labels == 8, 0] += distance
    return codes, labels


@pytest.mark.parametrize(
    ("accuracy", "loss"), [(ACCURACIES[0], 0.04), (ACCURACIES[1], 0.005)]
)
def test_overlapping_classes_are_told_as_well_as_can_be(accuracy, loss):
    best = 0.5 * (1 + math.erf(1 / math.sqrt(2)))
    noise = math.sqrt(best * (1 - best) / 8000)
    found = accuracy(*two_classes(8000, 0), *two_classes(8000, 1))
    assert best - loss - 3 * noise < found < best + 3 * noise


def test_a_bent_class_is_for_neighbours_not_for_a_linear_probe():
    radius = torch.where(LABELS[:4000] % 2 == 0, 1.0, 2.0)
    angle = 2 * math.pi * torch.rand(4000, generator=generator())
    rings = torch.stack([angle.cos(), angle.sin()], dim=1) * radius[:, None]
    labels = (LABELS[:4000] % 2).long()
    known, new = (rings[:2000], labels[:2000]), (rings[2000:], labels[2000:])
    assert measure.neighbour_accuracy(*known, *new) == 1
    assert measure.probe_accuracy(*known, *new) < 0.6


def test_the_probe_knows_no_units():
    units = torch.tensor([1e-4, 1e4])  # class is told by the first
    (codes, labels), (others, other_labels) = (
        two_classes(2000, 0),
        two_classes(2000, 1),
    )
    plain = measure.probe_accuracy(codes, labels, others, other_labels)
    scaled = measure.probe_accuracy(
        codes * units, labels, others * units, other_labels
    )
    assert scaled == pytest.approx(plain, abs=0.002)


# --- KL ----------------------------------------------------------------------


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

BROKEN = normal(500)
BROKEN[3, 1] = float("nan")
CODES, TEN = normal(500), torch.arange(500) % 10


@pytest.mark.parametrize(
    "call",
    [
        lambda: measure.log_volumes(BROKEN, TEN),
        lambda: measure.inequality(BROKEN[:, 1]),
        lambda: measure.neighbour_accuracy(BROKEN, TEN, CODES, TEN),
        lambda: measure.neighbour_accuracy(CODES, TEN, BROKEN, TEN),
        lambda: measure.probe_accuracy(BROKEN, TEN, CODES, TEN),
        lambda: measure.probe_accuracy(CODES, TEN, BROKEN, TEN),
        lambda: measure.kl_per_dimension(BROKEN, CODES),
        lambda: measure.kl_per_dimension(CODES, BROKEN),
        lambda: measure.active_units(BROKEN),
        lambda: measure.aggregate_kl(CODES, BROKEN),
    ],
)
def test_not_a_number_is_refused(call):
    with pytest.raises(ValueError, match="finite"):
        call()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: measure.log_volumes(CODES, TEN[:499]),
            r"500 integer labels.*\(499,\)",
        ),
        (
            lambda: measure.log_volumes(CODES, TEN.float()),
            "integer labels, got torch.float32",
        ),
        (lambda: measure.log_volumes(CODES, TEN + 1), "0 to 9, got 1 to 10"),
        (lambda: measure.log_volumes(CODES, TEN - 1), "0 to 9, got -1 to 8"),
        (
            lambda: measure.log_volumes(normal(29), TEN[:29]),
            "Ankle boot: 2 codes.*3 are the least",
        ),
        (lambda: measure.log_volumes(torch.ones(500, 2), TEN), "do not vary"),
        (lambda: measure.inequality(torch.tensor([1.0, -1.0])), "none below 0"),
        (lambda: measure.inequality(torch.ones(2, 2)), r"shape \(n,\)"),
        (lambda: measure.inequality(torch.zeros(3)), "at least one value"),
        (
            lambda: measure.neighbour_accuracy(
                CODES, TEN, normal(9, 3), TEN[:9]
            ),
            "2 dim.*codes 3",
        ),
        (
            lambda: measure.neighbour_accuracy(CODES[:9], TEN[:9], CODES, TEN),
            "at least 10 codes",
        ),
        (
            lambda: measure.neighbour_accuracy(CODES, TEN, CODES, TEN[:9]),
            "500 integer labels",
        ),
        (
            lambda: measure.probe_accuracy(CODES, TEN[:9], CODES, TEN),
            "500 integer labels",
        ),
        (
            lambda: measure.probe_accuracy(CODES, TEN, normal(9, 3), TEN[:9]),
            "test codes 3",
        ),
        (lambda: measure.kl_per_dimension(CODES, CODES[:, :1]), "one shape"),
        (lambda: measure.aggregate_kl(CODES, CODES[:3]), "one shape"),
        (
            lambda: measure.aggregate_kl(CODES, CODES, draws=0),
            "at least 1 draw",
        ),
        (lambda: measure.active_units(CODES[:1]), "at least 2"),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
