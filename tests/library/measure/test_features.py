"""Distances of two sets of features that overlap by a known part, or whose
moments are known.
"""

import math

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

from aevae_lib import measure
from tests.library.measure.known import CODES, broken, normal, uniform


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


# --- Frechet distance --------------------------------------------------------


def moments(a, b):
    """The Frechet distance by the formula of the FID, of exact moments."""
    (mean_a, cov_a), (mean_b, cov_b) = a, b
    root = sqrtm(cov_a @ cov_b).real
    apart = np.square(np.subtract(mean_a, mean_b)).sum()
    return apart + np.trace(cov_a + cov_b - 2 * root)


@pytest.mark.parametrize("shift", [0.0, 1.0, 4.0])
@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
def test_frechet_of_normals_that_are_moved_and_scaled(shift, scale):
    """|shift|^2 + F (scale - 1)^2: in F dimensions the sum of each one's."""
    a, b = normal(20_000, 3), scale * normal(20_000, 3, seed=1)
    b[:, 0] += shift
    expected = shift**2 + 3 * (scale - 1) ** 2
    assert measure.frechet(a, b) == pytest.approx(expected, rel=0.05, abs=3e-3)


def test_frechet_of_normals_that_are_turned_is_that_of_the_formula():
    factor = torch.tensor([[3.0, 0.0, 0.0], [2.0, 0.5, 0.0], [1.0, 1.0, 0.1]])
    turned = factor.flip(0)
    a = normal(50_000, 3) @ factor.T
    b = normal(50_000, 3, seed=1) @ turned.T + 1
    exact = [(m, (f @ f.T).double().numpy()) for m, f in
             ((np.zeros(3), factor), (np.ones(3), turned))]  # fmt: skip
    assert measure.frechet(a, b) == pytest.approx(moments(*exact), rel=0.02)


@pytest.mark.parametrize(("n", "m"), [(500, 300), (2000, 2000)])
def test_frechet_is_that_of_the_sets_own_moments(n, m):
    a, b = normal(n, 8), 1.5 * normal(m, 8, seed=1) + 0.2
    found = [(z.mean(0).double().numpy(), np.cov(z.double().numpy().T))
             for z in (a, b)]  # fmt: skip
    assert measure.frechet(a, b) == pytest.approx(moments(*found), rel=1e-4)
    assert measure.frechet(b, a) == pytest.approx(measure.frechet(a, b))


@pytest.mark.parametrize("dims", [2, 16])
def test_frechet_of_one_distribution_is_the_noise_of_the_docstring(dims):
    found = [
        measure.frechet(normal(2000, dims, s), normal(1000, dims, s + 100))
        for s in range(30)
    ]
    expected = dims * (dims + 5) / 4 * (1 / 2000 + 1 / 1000)
    assert sum(found) / 30 == pytest.approx(expected, rel=0.2)


def test_frechet_needs_no_regular_covariance():
    line = normal(50, 1) @ torch.ones(1, 100)  # 100 features, one direction
    assert measure.frechet(line, line) == pytest.approx(0, abs=1e-9)
    # Lines of one spread: the shift alone is left, 100 times 0.5 squared.
    assert measure.frechet(line, line + 0.5) == pytest.approx(25)
    # Twice as long: the standard deviation along the line, squared.
    along = np.var(line[:, 0].double().numpy(), ddof=1) * 100
    about = line - line.mean(0)
    assert measure.frechet(about, 2 * about) == pytest.approx(along, rel=1e-5)
    spot, other = torch.zeros(9, 4), torch.ones(5, 4)
    assert measure.frechet(spot, other) == 4


def test_frechet_is_in_squared_units_and_knows_no_turn():
    turn = torch.linalg.qr(normal(4, 4, seed=2)).Q
    a, b = normal(500, 4), 1.5 * normal(500, 4, seed=1) + 1
    found = measure.frechet(a, b)
    assert measure.frechet(a @ turn, b @ turn) == pytest.approx(found, rel=1e-4)
    assert measure.frechet(10 * a, 10 * b) == pytest.approx(100 * found)


# --- kernel distance ---------------------------------------------------------


@pytest.mark.parametrize("shift", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_kernel_distance_weighs_three_moments(shift, scale):
    """In one dimension (x y + 1)^3 is 1 + 3 x y + 3 (x y)^2 + (x y)^3."""
    distance, error = measure.kernel_distance(
        normal(4000, 1), scale * normal(4000, 1, seed=1) + shift
    )
    second, third = scale**2 + shift**2, 3 * shift * scale**2 + shift**3
    expected = 3 * shift**2 + 3 * (second - 1) ** 2 + third**2
    assert abs(distance - expected) < 4 * error
    assert error < 0.05 + 0.15 * expected


@pytest.mark.parametrize(("n", "m", "dims"), [(700, 1200, 3), (40, 30, 64)])
def test_kernel_distance_is_that_of_its_definition_done_slowly(n, m, dims):
    a, b = normal(n, dims), 1.2 * normal(m, dims, seed=1) + 0.1
    aa, bb, ab = (
        (x.double() @ y.double().T / dims + 1) ** 3
        for x, y in ((a, a), (b, b), (a, b))
    )
    pairs = ((k.sum() - k.trace()) / len(k) / (len(k) - 1) for k in (aa, bb))
    expected = sum(pairs) - 2 * ab.mean()
    distance, _ = measure.kernel_distance(a, b)
    assert distance == pytest.approx(expected.item(), rel=1e-9)
    turned, _ = measure.kernel_distance(b, a)
    assert turned == pytest.approx(distance)


@pytest.mark.parametrize("dims", [2, 64])
@pytest.mark.parametrize(("shift", "least"), [(0.0, 0.55), (1.0, 0.8)])
def test_kernel_distance_is_unbiased_and_knows_its_error(dims, shift, least):
    """The error is right where the sets differ, and too wide by up to sqrt(2)
    where they do not.
    """
    found = torch.tensor(
        [
            measure.kernel_distance(
                normal(200, dims, s), normal(300, dims, s + 1000) + shift
            )
            for s in range(150)
        ]
    )
    spread, told = found[:, 0].std().item(), found[:, 1].mean().item()
    if not shift:
        assert abs(found[:, 0].mean().item()) < 4 * spread / math.sqrt(150)
    assert least < spread / told < 1.25


# --- bad input ---------------------------------------------------------------

MEASURES = [
    measure.precision_coverage,
    measure.frechet,
    measure.kernel_distance,
]


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("measured", MEASURES)
def test_not_a_number_is_refused(measured, value):
    for pair in ((broken(value), CODES), (CODES, broken(value))):
        with pytest.raises(ValueError, match="finite"):
            measured(*pair)


@pytest.mark.parametrize("measured", MEASURES)
def test_wrong_input_is_named(measured):
    with pytest.raises(ValueError, match="of 3 and of 2 dimensions"):
        measured(normal(50, 3), CODES)
    with pytest.raises(ValueError, match=r"\(N, D\)"):
        measured(CODES[:0], CODES)
    with pytest.raises(ValueError, match=r"at least \d points, got 1"):
        measured(CODES, CODES[:1])


@pytest.mark.parametrize("measured", MEASURES)
def test_features_that_never_vary_give_numbers(measured):
    spot = torch.zeros(50, 3)
    found = measured(spot, spot)
    assert np.isfinite(found).all()
