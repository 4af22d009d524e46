"""What steps change, for decoders whose boundaries and slopes are known."""

import math

import pytest
import torch
from scipy.integrate import quad
from scipy.stats import norm

from aevae_lib import measure
from tests.library.measure.known import CODES, broken, generator, normal

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
    assert measure.image_change(decode, codes, step, frame=2) == pytest.approx(
        expected, rel=0.02
    )


def test_padding_does_not_count():
    def decode(z):
        images = torch.zeros(len(z), 1, 32, 32)
        images[:, 0, 0, :] = z[:, :1]
        images[:, 0, :, -2:] = z[:, :1, None]
        return images

    assert measure.image_change(decode, normal(100), frame=2) == 0
    assert measure.image_change(decode, normal(100)) > 0


def test_image_change_outlives_a_linear_map():
    codes, (_, decode) = normal(5000), linear_decode(2)
    bend = torch.tensor([[30.0, 1.0], [-7.0, 0.5]])
    found = measure.image_change(
        lambda z: decode(z @ torch.linalg.inv(bend)), codes @ bend
    )
    assert found == pytest.approx(measure.image_change(decode, codes), rel=0.03)


@pytest.mark.parametrize("shape", [(3, 64, 48), (7,)])
def test_a_change_of_any_shape_is_the_mean_over_all_of_it(shape):
    """Every value is the first coordinate: it changes by 1 / sqrt(2) in root
    mean square, in any shape.
    """

    def decode(z):
        return z[:, 0].view(-1, *[1] * len(shape)).expand(-1, *shape)

    found = measure.image_change(decode, normal(20_000))
    assert found == pytest.approx(math.sqrt(0.5), rel=0.03)


# --- bad input ---------------------------------------------------------------


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_not_a_number_is_refused(value):
    with pytest.raises(ValueError, match="finite"):
        measure.flips(side, broken(value))
    with pytest.raises(ValueError, match="finite"):
        measure.image_change(linear_decode(2)[1], broken(value))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: measure.flips(side, CODES, step=0), "above 0, got 0"),
        (lambda: measure.flips(side, CODES[:2]), "at least 3 points, got 2"),
        (lambda: measure.flips(side, torch.ones(50, 2)), "do not vary"),
        (lambda: measure.flips(lambda z: z, CODES), "return integers"),
        (
            lambda: measure.flips(lambda z: side(z)[1:], CODES),
            "one class for each of 500",
        ),
        (
            lambda: measure.image_change(lambda z: z[1:], CODES),
            r"500 images, got .*499, 2",
        ),
        (
            lambda: measure.image_change(lambda z: (z, z), CODES),
            "500 images, got tuple",
        ),
        (
            lambda: measure.image_change(linear_decode(2)[1], CODES, step=-1),
            "above 0, got -1",
        ),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
