"""Pictures beside a reference: the library's formulas, with luck in them."""

import pytest
import torch

from aevae_lib import measure
from experiments.judges import classes
from experiments.second import beside, resampling

IMAGES = 400


def cloud(seed: int, n: int = 200, scale: float = 1.0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 5 + scale * torch.randn(n, 8, generator=generator)


@pytest.fixture(scope="module")
def weights() -> torch.Tensor:
    return resampling.weights(IMAGES)[:, :200]


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_balls_are_those_of_precision_and_coverage(weights, scale):
    real, made = cloud(0), cloud(1, 150, scale)
    met = beside.Balls(real, weights).meet(made)
    precision, coverage = measure.precision_coverage(made, real)
    assert met.passing[:, 0].double().mean().item() == pytest.approx(precision)
    assert met.covered[0].item() == pytest.approx(coverage)


def test_a_resample_leaves_out_what_it_has_not_drawn(weights):
    """By the definition: balls of images that were not drawn are not there,
    and points made of such images are not either.
    """
    real, made, row = cloud(0), cloud(1), 7
    balls = beside.Balls(real, weights)
    of = resampling.weights(IMAGES)[:, 200:]
    met = balls.meet(made, of)
    inside = torch.cdist(made, real) <= balls.radii
    there, drawn = weights[row] > 0, of[row] > 0
    assert torch.equal(met.passing[:, row], inside[:, there].any(1))
    held = inside[drawn].any(0).double()
    expected = (held * weights[row]).sum() / weights[row].sum()
    assert met.covered[row].item() == pytest.approx(expected.item())
    alone = balls.meet(made)  # draws are not drawn anew
    held = inside.any(0).double()
    expected = (held * weights[row]).sum() / weights[row].sum()
    assert alone.covered[row].item() == pytest.approx(expected.item())


def test_too_few_points_have_no_balls(weights):
    with pytest.raises(ValueError, match="more than 5 points"):
        beside.Balls(cloud(0, 5), weights[:, :5])


def test_frechet_is_that_of_the_library_and_of_repeated_points(weights):
    made, real = cloud(1, 150, 1.5), cloud(0)
    found = beside.frechet(beside.moments(made), beside.moments(real, weights))
    assert found[0].item() == pytest.approx(measure.frechet(made, real))
    again = real.repeat_interleave(weights[7].long(), dim=0)
    assert found[7].item() == pytest.approx(measure.frechet(made, again))
    same = beside.frechet(beside.moments(real), beside.moments(real))
    assert same.item() == pytest.approx(0, abs=1e-9)


def test_the_vote_is_that_of_the_counters_that_were_calibrated():
    known, asked = cloud(0), cloud(1)
    labels = torch.randint(10, (200,), generator=torch.Generator())
    expected = classes.vote(known, labels, asked)
    assert torch.equal(beside.vote(known, labels, asked), expected)
