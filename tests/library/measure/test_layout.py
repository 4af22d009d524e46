"""Two samples and asymmetry, against what the best classifier could tell."""

import math

import pytest
import torch

from aevae_lib import measure
from tests.library.measure.known import CODES, broken, generator, normal, ring


@pytest.mark.parametrize("dims", [1, 2, 16])
def test_equal_samples_cannot_be_told_apart(dims):
    accuracy = measure.two_sample_accuracy(
        normal(5000, dims, 0), normal(5000, dims, 1)
    )
    assert abs(accuracy - 0.5) < 4 * 0.5 / math.sqrt(5000)


@pytest.mark.parametrize("distance", [1.0, 2.0, 3.0])
def test_separated_samples_reach_the_best_accuracy_there_is(distance):
    shifted = normal(5000, 2, 1) + torch.tensor([distance, 0])
    best = 0.5 * (1 + math.erf(distance / 2 / math.sqrt(2)))
    accuracy = measure.two_sample_accuracy(normal(5000), shifted)
    assert best - 0.025 < accuracy < best + 0.015


def test_units_do_not_decide():
    a, b = normal(4000), normal(4000, seed=1) + 1
    units = torch.tensor([1000.0, 0.001])
    plain = measure.two_sample_accuracy(a, b)
    assert measure.two_sample_accuracy(a * units, b * units) == pytest.approx(
        plain, abs=0.005
    )


def test_a_difference_in_scale_alone_is_found():
    # N(0, 1) against N(0, 9) in one dimension: the densities cross where z^2 =
    # 2.25 ln 3.
    cross = math.sqrt(2.25 * math.log(3))
    best = 0.5 + 0.5 * (
        math.erf(cross / math.sqrt(2)) - math.erf(cross / 3 / math.sqrt(2))
    )
    accuracy = measure.two_sample_accuracy(
        normal(5000, 1), 3 * normal(5000, 1, seed=1)
    )
    assert best - 0.03 < accuracy < best + 0.015


def test_the_order_of_the_points_does_not_matter():
    points = torch.cat(
        [normal(3000), normal(3000, seed=1) + 6]
    )  # sorted by cluster
    fewer = torch.cat([normal(1500, seed=2), normal(1500, seed=3) + 6])[
        torch.randperm(3000, generator=generator())
    ]
    assert abs(
        measure.two_sample_accuracy(points, fewer) - 0.5
    ) < 4 * 0.5 / math.sqrt(3000)


@pytest.mark.parametrize("shape", [normal, ring])
def test_symmetric_clouds_look_the_same_from_both_sides(shape):
    codes = shape(10_000) @ torch.tensor([[3.0, 1.0], [0.0, 0.1]]) + 7
    assert abs(measure.asymmetry(codes) - 0.5) < 4 * 0.5 / math.sqrt(5000)


def test_an_exponential_is_told_from_its_mirror_image():
    # Half the integral of |exp(-x) 1[x > 0] - exp(x - 2) 1[x < 2]| is 1 - 2/e +
    # 2/e^2.
    best = 0.5 + 0.5 * (1 - 2 / math.e + 2 / math.e**2)
    codes = torch.empty(10_000, 1).exponential_(generator=generator())
    assert best - 0.04 < measure.asymmetry(codes) < best + 0.02
    sorted_codes = codes.sort(dim=0).values
    assert best - 0.04 < measure.asymmetry(sorted_codes) < best + 0.02


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize(
    "call",
    [
        lambda bad: measure.two_sample_accuracy(bad, CODES),
        lambda bad: measure.two_sample_accuracy(CODES, bad),
        lambda bad: measure.asymmetry(bad),
    ],
)
def test_not_a_number_is_refused(call, value):
    with pytest.raises(ValueError, match="finite"):
        call(broken(value))


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (CODES[:, 0], CODES, r"\(N, D\)"),
        (CODES[:0], CODES, r"\(N, D\)"),
        (normal(500, 3), CODES, "of 3 and of 2 dimensions"),
        (CODES[:99], CODES, "at least 100 points, got 99"),
        (CODES, CODES[:99], "at least 100 points, got 99"),
        (CODES * torch.tensor([1.0, 0.0]), CODES, "do not vary"),
    ],
)
def test_wrong_input_is_named(a, b, message):
    with pytest.raises(ValueError, match=message):
        measure.two_sample_accuracy(a, b)


def test_a_single_spot_is_not_called_symmetric():
    with pytest.raises(ValueError, match="do not vary"):
        measure.asymmetry(torch.ones(500, 2))
