"""Holes whose size is known."""

import pytest
import torch

from aevae_lib import measure
from tests.library.measure.known import (
    CODES,
    broken,
    generator,
    normal,
    ring,
    squares,
)


def test_hole_between_two_squares():
    draws = torch.rand(20_000, 2, generator=generator(1)) * torch.tensor(
        [3.0, 1.0]
    )
    share = measure.hole_fraction(draws, squares(20_000))
    assert share == pytest.approx(
        1 / 3, abs=0.02
    )  # the balls reach a little over the edge
    inside = (draws[:, 0] > 1.05) & (draws[:, 0] < 1.95)
    assert measure.in_hole(draws, squares(20_000))[inside].all()


def test_a_hole_is_found_between_clusters_of_different_density():
    dense, sparse = torch.split(squares(20_200), [10_100, 10_100])
    codes = torch.cat([dense, sparse[:200]])
    middle = torch.rand(2000, 2, generator=generator(1)) * torch.tensor(
        [0.6, 1.0]
    )
    assert (
        measure.hole_fraction(middle + torch.tensor([1.2, 0.0]), codes) > 0.95
    )


def test_held_out_codes_are_rarely_in_a_hole():
    assert measure.hole_fraction(normal(5000, seed=1), normal(10_000)) < 0.01
    assert measure.hole_fraction(ring(5000, 1), ring(10_000)) < 0.01


def test_hole_of_a_ring():
    # Of a disc of radius 1.5 the ring leaves the inner disc of radius 1 empty.
    # The balls, about 0.02 wide, reach a little over its edge, so the share
    # found is a little smaller.
    draws = 3 * torch.rand(20_000, 2, generator=generator(1)) - 1.5
    draws = draws[draws.norm(dim=1) < 1.5]
    share = measure.hole_fraction(draws, ring(30_000))
    assert 1 / 1.5**2 - 0.04 < share < 1 / 1.5**2 + 0.01


def test_holes_match_the_definition_done_slowly():
    draws, codes = 3 * normal(300, 3), normal(200, 3, seed=1)
    between = torch.cdist(codes.double(), codes.double())
    radii = between.sort(dim=1).values[:, 5]
    expected = (torch.cdist(draws.double(), codes.double()) > radii).all(dim=1)
    assert torch.equal(measure.in_hole(draws, codes), expected)
    assert measure.hole_fraction(draws, codes) == pytest.approx(
        expected.float().mean().item()
    )


def test_copies_support_their_own_spot_alone():
    codes = torch.zeros(10, 2)
    draws = torch.tensor([[0.0, 0.0], [1e-6, 0.0]])
    assert measure.in_hole(draws, codes).tolist() == [False, True]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_not_a_number_is_refused(value):
    for pair in ((broken(value), CODES), (CODES, broken(value))):
        with pytest.raises(ValueError, match="finite"):
            measure.hole_fraction(*pair)


@pytest.mark.parametrize(
    ("draws", "codes", "message"),
    [
        (normal(50, 3), CODES, "of 3 and of 2 dimensions"),
        (CODES, CODES[:5], "at least 6 points, got 5"),
        (CODES[:0], CODES, r"\(N, D\)"),
    ],
)
def test_wrong_input_is_named(draws, codes, message):
    with pytest.raises(ValueError, match=message):
        measure.hole_fraction(draws, codes)
