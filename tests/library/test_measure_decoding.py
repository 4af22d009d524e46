"""Measures of what codes decode to, on decoders and features whose answer is
known.
"""

import math

import pytest
import torch
from scipy.integrate import quad
from scipy.stats import norm

from aevae_lib import measure


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(n, dims=2, seed=0):
    return torch.randn(n, dims, generator=generator(seed))


def uniform(n, dims=2, seed=0):
    return torch.rand(n, dims, generator=generator(seed))


# --- precision and coverage --------------------------------------------------


def expected_coverage(generated, real, neighbours=5):
    """If both are one distribution: 1 - P(of the points around a real one the
    first are real).
    """
    real -= 1
    terms = ((real - j) / (generated + real - j) for j in range(neighbours))
    return 1 - math.prod(terms)


@pytest.mark.parametrize(
    ("n", "m", "dims"), [(3000, 3000, 2), (3000, 3000, 64), (2000, 4000, 8)]
)
def test_coverage_of_one_distribution_is_the_same_in_any_dimension(n, m, dims):
    _, coverage = measure.precision_coverage(
        normal(n, dims), normal(m, dims, seed=1)
    )
    # Balls share points, so the noise is wider than that of m independent
    # balls.
    assert coverage == pytest.approx(expected_coverage(n, m), abs=0.025)
    approximation = 1 - (m / (m + n)) ** 5
    assert expected_coverage(n, m) == pytest.approx(approximation, abs=0.001)


def test_precision_of_one_distribution_is_nearly_one_in_the_plane():
    precision, _ = measure.precision_coverage(
        uniform(3000), uniform(3000, seed=1)
    )
    assert precision > 0.99


def test_nothing_is_shared_by_distributions_that_lie_apart():
    assert measure.precision_coverage(
        normal(1000), normal(1000, seed=1) + 100
    ) == (0, 0)


def test_squares_that_overlap_by_a_half_and_by_a_quarter():
    real = uniform(4000, seed=1)
    for shift, shared in ((0.5, 0.5), (0.75, 0.25)):
        generated = uniform(4000) + torch.tensor([shift, 0.0])
        precision, coverage = measure.precision_coverage(generated, real)
        # Balls, about 0.02 wide, reach a little over the edge.
        assert shared - 0.02 < precision < shared + 0.03
        full = expected_coverage(4000, 4000)
        assert shared * full - 0.02 < coverage < shared * full + 0.03


def test_one_good_spot_is_precise_and_covers_little():
    spot = 0.5 + 0.01 * uniform(2000)
    precision, coverage = measure.precision_coverage(
        spot, uniform(2000, seed=1)
    )
    assert precision > 0.95
    assert coverage < 0.02


def test_more_noise_covers_but_is_less_precise():
    precision, coverage = measure.precision_coverage(
        3 * uniform(18_000) - 1, uniform(2000, seed=1)
    )
    assert precision == pytest.approx(1 / 9, abs=0.015)
    assert coverage == pytest.approx(expected_coverage(2000, 2000), abs=0.02)


def test_copies_are_precise_and_cover_everything():
    real = normal(1000, 16) + 50
    assert measure.precision_coverage(real.flip(0), real) == (1, 1)


def test_precision_and_coverage_match_their_definition_done_slowly():
    real, generated = normal(700, 3), 1.5 * normal(600, 3, seed=1) + 0.5
    between = torch.cdist(real.double(), real.double())
    for k in (1, 5):
        radii = between.sort(dim=1).values[:, k]
        inside = torch.cdist(generated.double(), real.double()) <= radii
        expected = (
            inside.any(1).double().mean().item(),
            inside.any(0).double().mean().item(),
        )
        found = measure.precision_coverage(generated, real, neighbours=k)
        assert found == pytest.approx(expected, abs=1e-9)
        assert min(expected) > 0.1
        assert max(expected) < 1


def test_a_rotation_and_a_scale_of_the_features_change_nothing():
    turn = torch.linalg.qr(normal(4, 4, seed=2)).Q * 1000
    real, generated = normal(500, 4), 1.5 * normal(500, 4, seed=1)
    before = measure.precision_coverage(generated, real)
    assert measure.precision_coverage(
        generated @ turn, real @ turn
    ) == pytest.approx(before)


# --- shares ------------------------------------------------------------------


def test_shares_are_counted_for_all_ten_classes():
    shares = measure.class_shares(torch.tensor([9, 0, 0, 3, 3, 3, 3, 3]))
    assert shares.tolist() == [0.25, 0, 0, 0.625, 0, 0, 0, 0, 0, 0.125]


@pytest.mark.parametrize(
    ("shares", "reference", "distance"),
    [
        ([0.1] * 10, None, 0.0),
        ([1.0] + [0.0] * 9, None, 0.9),
        ([0.2] * 5 + [0.0] * 5, None, 0.5),
        ([1.0, 0.0], [0.0, 1.0], 1.0),
        ([0.7, 0.3], [0.4, 0.6], 0.3),
        ([0.4, 0.6], [0.7, 0.3], 0.3),
    ],
)
def test_total_variation_of_known_shares(shares, reference, distance):
    reference = reference if reference is None else torch.tensor(reference)
    found = measure.total_variation(torch.tensor(shares), reference)
    assert found == pytest.approx(distance, abs=1e-6)


def test_total_variation_of_even_draws_is_what_the_docstring_says():
    found = [
        measure.total_variation(
            measure.class_shares(
                torch.randint(10, (10_000,), generator=generator(seed))
            )
        )
        for seed in range(40)
    ]
    # Half of ten mean absolute deviations of a share: 5 sqrt(2 / pi * 0.09 /
    # N).
    assert sum(found) / 40 == pytest.approx(
        5 * math.sqrt(0.18 / math.pi / 10_000), rel=0.12
    )
    assert 5 * math.sqrt(0.18 / math.pi) == pytest.approx(1.2, abs=0.01)


# --- flips -------------------------------------------------------------------

N = 100_000


def side(z):
    """Two classes, on either side of a straight boundary through 0."""
    return (z[:, 0] > 0).long()


def flip_probability(step, dims):
    """Of a normal cloud at the boundary z_0 = 0, for a step of this length in
    any direction.

    A step that goes c towards the boundary flips whatever lies within c of it
    on that side: Phi(|c|) - 1/2. And c is `step` times one coordinate of a
    random direction.
    """
    if dims == 1:
        return norm.cdf(step) - 0.5
    if dims == 2:
        return (
            quad(lambda a: norm.cdf(step * math.cos(a)), 0, math.pi / 2)[0]
            * 2
            / math.pi
            - 0.5
        )
    assert dims == 3  # the coordinate is uniform: Archimedes' hat box
    return norm.cdf(step) + (norm.pdf(step) - norm.pdf(0)) / step - 0.5


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("step", [0.1, 1.0])
def test_flips_across_a_straight_boundary(dims, step):
    expected = flip_probability(step, dims)
    found = measure.flips(side, normal(N, dims), step)
    assert found == pytest.approx(expected, abs=4 * math.sqrt(expected / N))


def test_a_step_is_not_the_noise_that_the_codes_were_drawn_from():
    # If it were, no step would lead back over the boundary, and none would
    # flip.
    for seed in range(3):
        found = measure.flips(side, normal(20_000, seed=seed), 1.0, seed=seed)
        assert found == pytest.approx(flip_probability(1.0, 2), abs=0.02)


def test_few_flips_are_in_proportion_to_the_step():
    # To first order step * (2 / pi) / sqrt(2 pi) at D = 2.
    assert flip_probability(0.01, 2) == pytest.approx(
        0.01 * 2 / math.pi * norm.pdf(0), rel=1e-3
    )
    found = measure.flips(side, normal(N), 0.05)
    assert found == pytest.approx(0.05 * 2 / math.pi * norm.pdf(0), rel=0.1)


def test_flips_outlive_a_linear_map():
    codes, bend = (
        normal(20_000, 3),
        torch.tensor([[30.0, 1, 0], [-7.0, 0.5, 2], [1e2, 0, 1e-1]]),
    )
    back = torch.linalg.inv(bend)
    found = measure.flips(lambda z: side((z - 4) @ back), codes @ bend + 4, 0.5)
    expected = measure.flips(side, codes, 0.5)
    # The same directions in law, not one by one.
    assert found == pytest.approx(
        expected, abs=4 * math.sqrt(2 * expected / 20_000)
    )
    # A map that is triangular keeps them one by one.
    lower = torch.tensor([[30.0, 0, 0], [-7.0, 0.5, 0], [1e2, 3, 10]])
    back = torch.linalg.inv(lower.T)
    found = measure.flips(lambda z: side(z @ back), codes @ lower.T, 0.5)
    assert found == pytest.approx(expected, abs=3 / 20_000)


def test_flips_are_fixed_by_their_seed_and_nil_without_a_boundary():
    codes = normal(2000)
    found = measure.flips(side, codes, 0.5)
    assert found == measure.flips(side, codes, 0.5, seed=0)
    assert found != measure.flips(side, codes, 0.5, seed=1)
    assert measure.flips(lambda z: torch.zeros(len(z)).long(), codes) == 0
    # A step of any size leaves for another of endless small tiles.
    tiles = measure.flips(lambda z: (z * 1e4).floor().sum(1).long(), codes)
    assert tiles > 0.99


# --- change of the image -----------------------------------------------------


def linear_decode(dims, seed=0):
    weights = 0.01 * torch.randn(dims, 1024, generator=generator(seed))
    return weights, lambda z: 0.5 + (z @ weights).view(-1, 1, 32, 32)


@pytest.mark.parametrize("dims", [1, 2, 16])
@pytest.mark.parametrize("step", [0.1, 1.0])
def test_image_change_of_a_linear_decoder(dims, step):
    """E |W L u|^2 = trace(W C W^T) / D for a direction u in whitened space, C =
    L L^T.
    """
    codes = normal(4000, dims) * torch.arange(1.0, dims + 1) + 7
    weights, decode = linear_decode(dims)
    inside = weights.view(dims, 32, 32)[:, 2:-2, 2:-2].flatten(1)
    covariance = torch.atleast_2d(torch.cov(codes.T))
    expected = math.sqrt((inside.T @ covariance @ inside).trace() / dims / 784)
    assert measure.image_change(decode, codes, step) == pytest.approx(
        expected, rel=0.02
    )


def test_padding_does_not_count():
    def decode(z):
        images = torch.zeros(len(z), 1, 32, 32)
        images[:, 0, 0, :] = z[:, :1]
        images[:, 0, :, -2:] = z[:, :1, None]
        return images

    assert measure.image_change(decode, normal(100)) == 0


def test_image_change_outlives_a_linear_map():
    codes, (_, decode) = normal(5000), linear_decode(2)
    bend = torch.tensor([[30.0, 1.0], [-7.0, 0.5]])
    found = measure.image_change(
        lambda z: decode(z @ torch.linalg.inv(bend)), codes @ bend
    )
    assert found == pytest.approx(measure.image_change(decode, codes), rel=0.03)


# --- calibration -------------------------------------------------------------


def logits_of(probability, n):
    """n logits of 10 classes that give class 0 this probability and the others
    the rest.
    """
    p = torch.full((n, 10), (1 - probability) / 9)
    p[:, 0] = probability
    return p.log() + 5  # a constant changes nothing


@pytest.mark.parametrize(
    ("confidence", "right"), [(0.9, 0.9), (0.9, 0.6), (0.5, 0.8), (1.0, 0.0)]
)
def test_calibration_is_the_gap_of_confidence_and_accuracy(confidence, right):
    labels = (torch.arange(1000) >= 1000 * right).long()
    found = measure.calibration(logits_of(confidence - 1e-7, 1000), labels)
    assert found == pytest.approx(abs(confidence - right), abs=1e-5)


def test_a_classifier_as_sure_as_can_be_is_as_wrong_as_it_is():
    logits = 1000 * torch.eye(10)  # probability 1, to the last digit
    assert measure.calibration(logits, torch.arange(10)) == 0
    assert measure.calibration(logits, (torch.arange(10) + 1) % 10) == 1


def test_errors_that_would_cancel_in_one_bin_do_not_in_two():
    logits = torch.cat([logits_of(0.9, 500), logits_of(0.5, 500)])
    labels = torch.cat(
        [torch.arange(500) >= 350, torch.arange(500) >= 350]
    ).long()  # 70 % each
    assert measure.calibration(logits, labels) == pytest.approx(0.2, abs=1e-5)
    assert measure.calibration(logits, labels, bins=1) == pytest.approx(
        0, abs=1e-5
    )


def test_a_classifier_that_knows_its_chances_is_calibrated():
    logits = 2 * normal(50_000, 10)
    p = logits.softmax(1)
    labels = torch.multinomial(p, 1, generator=generator())[:, 0]
    assert measure.calibration(logits, labels) < 0.01
    assert measure.calibration(2 * logits, labels) > 0.1


# --- bad input ---------------------------------------------------------------

BROKEN = normal(500)
BROKEN[3, 1] = float("nan")
CODES, TEN = normal(500), torch.arange(500) % 10


@pytest.mark.parametrize(
    "call",
    [
        lambda: measure.precision_coverage(BROKEN, CODES),
        lambda: measure.precision_coverage(CODES, BROKEN),
        lambda: measure.flips(side, BROKEN),
        lambda: measure.image_change(linear_decode(2)[1], BROKEN),
        lambda: measure.calibration(BROKEN, TEN % 2),
    ],
)
def test_not_a_number_is_refused(call):
    with pytest.raises(ValueError, match="finite"):
        call()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: measure.precision_coverage(normal(50, 3), CODES),
            "3 features, real ones 2",
        ),
        (
            lambda: measure.precision_coverage(CODES, CODES[:5]),
            "more than 5 real points, got 5",
        ),
        (lambda: measure.precision_coverage(CODES[:0], CODES), r"\(N, D\)"),
        (lambda: measure.class_shares(TEN.float()), "500 integer labels"),
        (lambda: measure.class_shares(TEN[:0]), "1 integer labels"),
        (lambda: measure.class_shares(TEN.view(50, 10)), r"shape \(50, 10\)"),
        (lambda: measure.class_shares(TEN + 1), "1 to 10"),
        (lambda: measure.total_variation(torch.tensor([2.0, 3.0])), "sum to 5"),
        (
            lambda: measure.total_variation(torch.tensor([1.5, -0.5])),
            "none below 0",
        ),
        (
            lambda: measure.total_variation(torch.tensor([0.5, float("nan")])),
            "sum to nan",
        ),
        (
            lambda: measure.total_variation(
                torch.ones(10) / 10, torch.ones(2) / 2
            ),
            "equal length",
        ),
        (
            lambda: measure.total_variation(
                torch.ones(10) / 10, torch.ones(10)
            ),
            "sum to 10",
        ),
        (lambda: measure.flips(side, CODES, step=0), "above 0, got 0"),
        (lambda: measure.flips(side, CODES[:2]), "more than 2 codes, got 2"),
        (lambda: measure.flips(side, torch.ones(50, 2)), "do not vary"),
        (lambda: measure.flips(lambda z: z, CODES), "return integers"),
        (
            lambda: measure.flips(lambda z: side(z)[1:], CODES),
            "one class for each of 500",
        ),
        (
            lambda: measure.image_change(lambda z: z, CODES),
            r"\(500, 1, 32, 32\)",
        ),
        (
            lambda: measure.image_change(linear_decode(2)[1], CODES, step=-1),
            "above 0, got -1",
        ),
        (lambda: measure.calibration(CODES, TEN), "0 to 1, got 0 to 9"),
        (lambda: measure.calibration(CODES, TEN[:3]), "500 integer labels"),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
