"""Every measure against synthetic data whose answer is known."""

import math

import pytest
import torch

from aevae_lib import measure
from aevae_lib.data import Split

CLASSES = torch.arange(10)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(n, dims=2, seed=0):
    return torch.randn(n, dims, generator=generator(seed))


def ring(n, seed=0):
    """Uniform between the circles of radius 1 and 2, whose area is 3 pi."""
    u = torch.rand(n, 2, generator=generator(seed))
    radius, angle = (1 + 3 * u[:, 0]).sqrt(), 2 * math.pi * u[:, 1]
    return torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1)


def squares(n, seed=0):
    """Uniform in two unit squares that leave the third between them empty."""
    points = torch.rand(n, 2, generator=generator(seed))
    points[n // 2 :, 0] += 2
    return points


# --- two samples -------------------------------------------------------------


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


# --- asymmetry ---------------------------------------------------------------


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


# --- areas -------------------------------------------------------------------


def test_area_of_a_normal():
    """95 % of N(0, C) lie in an ellipse of area pi * 5.991 * sqrt(det C)."""
    labels, held_out_labels = (
        CLASSES.repeat_interleave(4000),
        CLASSES.repeat_interleave(500),
    )
    factor = torch.tensor(
        [[3.0, 0.0], [2.9, 0.3]]
    )  # a thin oblique cloud: det = 0.9
    size = (
        1 + held_out_labels.unique().float()
    )  # class k is k + 1 times as wide
    codes = normal(len(labels)) @ factor.T * size[labels, None]
    held_out = (
        normal(len(held_out_labels), seed=1)
        @ factor.T
        * size[held_out_labels, None]
    )
    areas = measure.class_areas(codes, labels, held_out, held_out_labels)
    ratio = areas / (math.pi * 5.991 * 0.9 * size.double() ** 2)
    assert areas.shape == (10,)
    assert (
        (ratio - 1).abs() < 0.25
    ).all()  # the 5 % quantile rests on 25 points
    assert abs(ratio.mean() - 1) < 0.07


def test_area_of_a_ring_leaves_out_its_hole():
    labels, held_out_labels = (
        CLASSES.repeat_interleave(4000),
        CLASSES.repeat_interleave(500),
    )
    areas = measure.class_areas(
        ring(len(labels)),
        labels,
        ring(len(held_out_labels), 1),
        held_out_labels,
    )
    assert abs(areas.mean() / (0.95 * 3 * math.pi) - 1) < 0.06


def test_area_ratios_outlive_a_linear_map():
    labels, held_out_labels = (
        CLASSES.repeat_interleave(500),
        CLASSES.repeat_interleave(200),
    )
    codes = normal(len(labels)) * (1 + labels[:, None])
    held_out = normal(len(held_out_labels), seed=1) * (
        1 + held_out_labels[:, None]
    )
    bend = torch.tensor([[4.0, 1.0], [-7.0, 0.5]])
    before = measure.class_areas(codes, labels, held_out, held_out_labels)
    after = measure.class_areas(
        codes @ bend, labels, held_out @ bend, held_out_labels
    )
    # The density is read on a grid, which turns with the map: a few per cent,
    # no more.
    assert torch.allclose(after / 9, before, rtol=0.1)  # |det bend| = 9


# --- holes -------------------------------------------------------------------


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


# --- nearest garments --------------------------------------------------------


def garments(n, seed=0):
    images = torch.zeros(n, 1, 32, 32, dtype=torch.uint8)
    images[..., 2:-2, 2:-2] = torch.randint(
        0, 256, (n, 1, 28, 28), generator=generator(seed)
    )
    return Split(images, torch.arange(n) % 10)


def test_a_copy_is_its_own_nearest_garment():
    reference = garments(50)
    index, distance = measure.nearest_garments(
        reference.images.float() / 255, reference, 7
    )
    assert torch.equal(index, torch.arange(50))
    assert torch.equal(distance, torch.zeros(50))


def test_distance_runs_from_a_copy_to_black_against_white():
    black = Split(
        torch.zeros(1, 1, 32, 32, dtype=torch.uint8), torch.zeros(1).long()
    )
    grey = torch.full((1, 1, 32, 32), 0.25)
    half_white = torch.zeros(1, 1, 32, 32)
    half_white[..., 2:16, 2:-2] = 1
    _, distance = measure.nearest_garments(
        torch.cat([grey, grey * 4, half_white]), black
    )
    assert distance.tolist() == pytest.approx([0.25, 1.0, math.sqrt(0.5)])


def test_the_nearest_of_several_is_found():
    reference, noise = (
        garments(40),
        0.1 * torch.rand(40, 1, 32, 32, generator=generator(1)),
    )
    images = reference.images.float() / 255 * 0.9 + noise
    everywhere = (images[:, None] - reference.images[None].float() / 255)[
        ..., 2:-2, 2:-2
    ]
    expected = everywhere.square().mean((2, 3, 4)).sqrt().min(dim=1)
    index, distance = measure.nearest_garments(images, reference, batch_size=9)
    assert torch.equal(index, expected.indices)
    assert torch.allclose(distance, expected.values)


# --- bad input ---------------------------------------------------------------

BROKEN = normal(500)
BROKEN[3, 1] = float("nan")


@pytest.mark.parametrize(
    "call",
    [
        lambda: measure.two_sample_accuracy(BROKEN, normal(500)),
        lambda: measure.two_sample_accuracy(normal(500), BROKEN),
        lambda: measure.asymmetry(BROKEN),
        lambda: measure.hole_fraction(BROKEN, normal(500)),
        lambda: measure.hole_fraction(normal(500), BROKEN),
        lambda: measure.class_areas(
            BROKEN, torch.arange(500) % 10, normal(500), torch.arange(500) % 10
        ),
        lambda: measure.nearest_garments(
            torch.full((1, 1, 32, 32), float("nan")), garments(2)
        ),
    ],
)
def test_not_a_number_is_refused(call):
    with pytest.raises(ValueError, match="finite"):
        call()


LABELS = torch.arange(500) % 10


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: measure.two_sample_accuracy(normal(500)[:, 0], normal(500)),
            r"\(N, D\)",
        ),
        (
            lambda: measure.two_sample_accuracy(normal(500, 3), normal(500)),
            "3 and of 2 dim",
        ),
        (
            lambda: measure.two_sample_accuracy(normal(20), normal(20)),
            "at least 100 points",
        ),
        (lambda: measure.asymmetry(torch.ones(500, 2)), "do not vary"),
        (
            lambda: measure.hole_fraction(normal(50, 3), normal(50)),
            "3 dimensions, codes 2",
        ),
        (lambda: measure.hole_fraction(normal(50), normal(5)), "more than 5"),
        (
            lambda: measure.class_areas(
                normal(500, 3), LABELS, normal(500, 3), LABELS
            ),
            r"\(N, 2\)",
        ),
        (
            lambda: measure.class_areas(
                normal(500), LABELS, normal(50), LABELS[:50]
            ),
            "T-shirt: 50",
        ),
        (
            lambda: measure.nearest_garments(garments(2).images, garments(2)),
            "to_float",
        ),
        (
            lambda: measure.nearest_garments(torch.rand(3, 784), garments(2)),
            "1, 32, 32",
        ),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
