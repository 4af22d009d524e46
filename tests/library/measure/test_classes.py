"""Shares, calibration, and how well a class can be told where it is known."""

import math

import pytest
import torch

from aevae_lib import measure
from tests.library.measure.known import CODES, TEN, broken, generator, normal

LABELS = torch.arange(20_000) % 10


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


def test_shares_are_counted_for_all_classes():
    shares = measure.class_shares(torch.tensor([9, 0, 0, 3, 3, 3, 3, 3]), 10)
    assert shares.tolist() == [0.25, 0, 0, 0.625, 0, 0, 0, 0, 0, 0.125]
    for count in (2, 12):
        shares = measure.class_shares(torch.tensor([1, 1, 0, 1]), count)
        assert shares.tolist() == [0.25, 0.75, *[0] * (count - 2)]


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
                torch.randint(10, (10_000,), generator=generator(seed)), 10
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


@pytest.mark.parametrize("accuracy", ACCURACIES)
def test_any_number_of_classes_can_be_told(accuracy):
    for count in (2, 13):
        labels = torch.arange(1300) % count
        codes = labels[:, None] + 0.01 * normal(1300, 1)
        codes = torch.cat([codes, codes**2], dim=1)
        assert accuracy(codes, labels, codes, labels) > 0.99


@pytest.mark.parametrize("accuracy", ACCURACIES)
def test_a_dimension_that_says_nothing_changes_nothing(accuracy):
    (codes, labels), (others, told) = two_classes(500, 0), two_classes(500, 1)
    more = [
        torch.nn.functional.pad(z, (0, 1), value=0.1) for z in (codes, others)
    ]
    found = accuracy(more[0], labels, more[1], told)
    assert found == accuracy(codes, labels, others, told)


# --- bad input ---------------------------------------------------------------


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize(
    "call",
    [
        lambda bad: measure.neighbour_accuracy(bad, TEN, CODES, TEN),
        lambda bad: measure.neighbour_accuracy(CODES, TEN, bad, TEN),
        lambda bad: measure.probe_accuracy(bad, TEN, CODES, TEN),
        lambda bad: measure.probe_accuracy(CODES, TEN, bad, TEN),
        lambda bad: measure.calibration(bad, TEN % 2),
    ],
)
def test_not_a_number_is_refused(call, value):
    with pytest.raises(ValueError, match="finite"):
        call(broken(value))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: measure.neighbour_accuracy(
                CODES, TEN, normal(9, 3), TEN[:9]
            ),
            "of 2 and of 3 dimensions",
        ),
        (
            lambda: measure.neighbour_accuracy(CODES[:9], TEN[:9], CODES, TEN),
            "at least 10 points, got 9",
        ),
        (
            lambda: measure.neighbour_accuracy(CODES, TEN, CODES, TEN[:9]),
            "each of 500",
        ),
        (
            lambda: measure.probe_accuracy(CODES, TEN[:9], CODES, TEN),
            "each of 500",
        ),
        (
            lambda: measure.probe_accuracy(CODES, TEN, normal(9, 3), TEN[:9]),
            "of 2 and of 3 dimensions",
        ),
        (lambda: measure.class_shares(TEN[:0], 10), "at least one label"),
        (lambda: measure.class_shares(TEN.view(50, 10), 10), r"\(50, 10\)"),
        (lambda: measure.class_shares(TEN + 1, 10), "1 to 10"),
        (lambda: measure.class_shares(TEN, 9), "0 to 8, got 0 to 9"),
        (lambda: measure.total_variation(torch.tensor([2.0, 3.0])), "sum to 5"),
        (
            lambda: measure.total_variation(torch.tensor([1.5, -0.5])),
            "none below 0",
        ),
        (
            lambda: measure.total_variation(torch.tensor([0.5, math.nan])),
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
        (lambda: measure.calibration(CODES, TEN), "0 to 1, got 0 to 9"),
        (lambda: measure.calibration(CODES, TEN[:3]), "each of 500"),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_labels_are_integers():
    with pytest.raises(TypeError, match=r"integers.*float32"):
        measure.class_shares(TEN.float(), 10)
