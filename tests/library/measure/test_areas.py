"""Areas and volumes of classes of known size, and how unequal they are."""

import math

import pytest
import torch

from aevae_lib import measure
from tests.library.measure.known import (
    CODES,
    TEN,
    broken,
    generator,
    normal,
    ring,
)

CLASSES, LABELS = torch.arange(10), torch.arange(20_000) % 10


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


@pytest.mark.parametrize("count", [3, 12])
def test_there_are_as_many_sizes_as_classes(count):
    labels = torch.arange(6000) % count
    codes = normal(6000) * (1 + labels[:, None])
    volumes = measure.log_volumes(codes, labels)
    areas = measure.class_areas(codes, labels, codes, labels)
    for found in (volumes.exp(), areas):
        assert found.shape == (count,)
        ratios = (found / found[0]).sqrt()
        assert torch.allclose(
            ratios, torch.arange(1.0, count + 1).double(), rtol=0.3
        )


# --- bad input ---------------------------------------------------------------

GARMENTS = ("T-shirt", *map(str, range(1, 9)), "Ankle boot")


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize(
    "call",
    [
        lambda bad: measure.class_areas(bad, TEN, CODES, TEN),
        lambda bad: measure.class_areas(CODES, TEN, bad, TEN),
        lambda bad: measure.log_volumes(bad, TEN),
        lambda bad: measure.inequality(bad[:, 1]),
    ],
)
def test_not_a_number_is_refused(call, value):
    with pytest.raises(ValueError, match="finite"):
        call(broken(value))


@pytest.mark.parametrize(
    ("codes", "labels", "message"),
    [
        (CODES, TEN[:499], r"each of 500 .*\(499,\)"),
        (CODES, TEN + 1, "0 to 9, got 1 to 10"),
        (CODES, TEN - 1, "0 to 9, got -1 to 8"),
        (CODES[:29], TEN[:29], "Ankle boot: 2 codes.*3 are the least"),
        (CODES, TEN.clamp(min=1), "T-shirt: 0 codes"),
        (torch.ones(500, 2), TEN, "do not vary"),
    ],
)
def test_wrong_codes_of_volumes_are_named(codes, labels, message):
    with pytest.raises(ValueError, match=message):
        measure.log_volumes(codes, labels, GARMENTS)


@pytest.mark.parametrize(
    ("codes", "held_out", "message"),
    [
        (normal(500, 3), CODES, r"\(N, 2\)"),
        (CODES, normal(500, 3), r"\(N, 2\)"),
        (CODES, CODES[:50], "T-shirt: 50 codes and 5 held-out codes"),
        (CODES[:50], CODES, "T-shirt: 5 codes and 50 held-out codes"),
        (torch.ones(500, 2), CODES, "do not vary"),
    ],
)
def test_wrong_codes_of_areas_are_named(codes, held_out, message):
    labels = (TEN[: len(part)] for part in (codes, held_out))
    (known, others) = labels
    with pytest.raises(ValueError, match=message):
        measure.class_areas(codes, known, held_out, others, GARMENTS)


def test_a_class_without_a_name_is_called_by_its_number():
    with pytest.raises(ValueError, match=r"^9: 2 codes"):
        measure.log_volumes(CODES[:29], TEN[:29])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (torch.tensor([1.0, -1.0]), "none below 0"),
        (torch.ones(2, 2), r"shape \(n,\)"),
        (torch.zeros(3), "at least one value"),
        (torch.zeros(0), "at least one value"),
    ],
)
def test_values_without_a_gini_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        measure.inequality(values)
