"""The second edition's rule: intervals that hold seeds and test images, and one
table of verdicts.
"""

import math

import numpy as np
import pytest
from scipy import stats

from experiments.second import rule
from experiments.second.rule import (
    MIXED,
    NOT_SETTLED,
    NOT_SUPPORTED,
    SMALL,
    SUPPORTED,
    Interval,
    Spread,
)

NONE = np.zeros((5, 50))  # test images that had no luck


def test_without_luck_of_images_it_is_students_interval():
    numbers = np.array([1.0, 2.0, 4.0, 4.0, 9.0])
    found = rule.spread(numbers, NONE).interval(0.95)
    least, most = stats.t.interval(
        0.95, 4, numbers.mean(), numbers.std(ddof=1) / math.sqrt(5)
    )
    assert found == pytest.approx((least, most))


def test_luck_that_all_seeds_share_does_not_average_out():
    numbers = np.array([1.0, 2.0, 4.0, 4.0, 9.0])
    luck = np.random.default_rng(0).normal(0, 3, 50)
    shared = rule.spread(numbers, np.tile(luck, (5, 1)))
    assert shared.images == pytest.approx(luck.var(ddof=1))
    each = np.random.default_rng(1).normal(0, 3, (5, 50))
    assert rule.spread(numbers, each).images < shared.images / 2
    wide, narrow = (
        s.interval(0.95) for s in (shared, rule.spread(numbers, NONE))
    )
    assert wide.low < narrow.low < narrow.high < wide.high


def test_a_row_of_known_spread_is_covered_as_often_as_it_says():
    """400 rows of true value 1, seeds and test images both with luck."""
    rng, hits = np.random.default_rng(2), 0
    for _ in range(400):
        images = rng.normal(0, 0.3)
        numbers = 1 + images + rng.normal(0, 0.5, 10)
        resamples = np.tile(rng.normal(0, 0.3, 100), (10, 1))
        found = rule.spread(numbers, resamples).interval(0.9)
        hits += found.low < 1 < found.high
    assert 0.86 < hits / 400 < 0.97


@pytest.mark.parametrize(
    ("low", "high", "word", "remark"),
    [
        (0.3, 0.5, SUPPORTED, ""),
        (0.1, 0.15, SMALL, ""),
        (0.1, 0.5, SMALL, "it may be more than small"),
        (-0.1, 0.15, NOT_SUPPORTED, ""),
        (-0.3, -0.1, NOT_SUPPORTED, "the opposite holds"),
        (-0.1, 0.5, NOT_SETTLED, ""),
        (0.2, 0.5, SMALL, "it may be more than small"),
        (0.0, 0.1, NOT_SUPPORTED, ""),
    ],
)
def test_each_place_of_an_interval_earns_its_word(low, high, word, remark):
    found = Interval(low, high)
    assert rule.verdict(found, 0.2) == word
    assert rule.remark(found, 0.2) == remark


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ([SUPPORTED, SUPPORTED], SUPPORTED),
        ([SUPPORTED, SMALL], SMALL),
        ([SMALL, NOT_SUPPORTED], MIXED),
        ([SUPPORTED, NOT_SUPPORTED, NOT_SETTLED], MIXED),
        ([SUPPORTED, NOT_SETTLED], NOT_SETTLED),
        ([SUPPORTED, SMALL, NOT_SETTLED], NOT_SETTLED),
        ([NOT_SUPPORTED, NOT_SETTLED], NOT_SETTLED),
        ([MIXED, SUPPORTED], MIXED),
    ],
)
def test_verdicts_are_put_together(said, word):
    assert rule.together(said) == rule.together(reversed(said)) == word


def test_levels_share_one_error_among_all_rows():
    assert rule.level_of("fashion-mnist") == pytest.approx(1 - 0.05 / 78)
    assert rule.level_of("animals") == pytest.approx(1 - 0.05 / 75)


def test_as_many_seeds_are_asked_for_as_it_takes():
    pilot = Spread(mean=0.15, std=0.1, seeds=5, images=0.0)
    needed = rule.seeds_needed(pilot, 0.05, 0.99)
    assert pilot.interval(0.99, needed).clears(0.05)
    assert not pilot.interval(0.99, needed - 1).clears(0.05)
    clear = Spread(mean=0.5, std=0.01, seeds=5, images=0.0)
    assert rule.seeds_needed(clear, 0.05, 0.99) == 5
    on_it = Spread(mean=0.05, std=0.1, seeds=5, images=0.0)
    assert rule.seeds_needed(on_it, 0.05, 0.99) is None
    unlucky = Spread(mean=0.15, std=0.001, seeds=5, images=0.01)
    assert rule.seeds_needed(unlucky, 0.05, 0.99) is None  # seeds do not help


def test_what_cannot_be_judged_is_refused():
    with pytest.raises(ValueError, match="1 seeds"):
        rule.spread(np.ones(1), NONE[:1])
    with pytest.raises(ValueError, match="not a number"):
        rule.spread(np.array([1.0, np.nan]), NONE[:2])
    with pytest.raises(ValueError, match="no verdicts"):
        rule.together([])
