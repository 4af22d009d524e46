"""Stored results: how they are read, and the intervals made of them."""

import json
import math

import numpy as np
import pytest
from scipy import stats

from aevae_lib import evidence


@pytest.fixture
def store(tmp_path, monkeypatch):
    """A folder of results of its own; call it to put runs there, by seed."""
    monkeypatch.setattr(evidence, "RESULTS", tmp_path)
    for edition in evidence.EDITIONS:
        (tmp_path / edition).mkdir()
    evidence.runs.cache_clear()

    def put(
        group: str,
        metric: str,
        numbers: dict[int, float],
        edition: str = "second",
    ) -> None:
        for seed, number in numbers.items():
            run = {
                "config": {"seed": seed},
                "metrics": {metric: number, "other": 1.0},
            }
            path = tmp_path / edition / f"{group}-seed{seed}.json"
            path.write_text(json.dumps(run))
        evidence.runs.cache_clear()

    yield put
    evidence.runs.cache_clear()


# --- intervals ---------------------------------------------------------------


def test_an_interval_known_by_hand():
    """Of 1, 2, 3: mean 2, standard error 1 / sqrt(3), and 4.3027 in the table
    of t at 2.
    """
    found = evidence.interval([1, 2, 3])
    half = 4.302653 / math.sqrt(3)
    assert found == pytest.approx((2, 2 - half, 2 + half, 3), abs=1e-5)


@pytest.mark.parametrize("n", [2, 3, 5, 10])
def test_intervals_are_those_of_a_library(n):
    numbers = np.random.default_rng(n).normal(250, 3, n)
    found = evidence.interval(list(numbers))
    ends = stats.ttest_1samp(numbers, 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((ends.low, ends.high))
    assert found.mean == pytest.approx(numbers.mean())


@pytest.mark.parametrize("n", [3, 5, 10])
def test_19_of_20_intervals_hold_the_truth(n):
    """A half width that forgot Student's factor would hold it 81 % of the time
    at n = 3.
    """
    rng = np.random.default_rng(0)
    tried = 4000
    found = (evidence.interval(rng.normal(7, 2, n)) for _ in range(tried))
    held = sum(interval.low < 7 < interval.high for interval in found) / tried
    assert held == pytest.approx(0.95, abs=4 * math.sqrt(0.95 * 0.05 / tried))


def test_one_run_has_a_mean_and_no_bounds():
    assert evidence.interval([3.5]) == (3.5, -math.inf, math.inf, 1)


@pytest.mark.parametrize(
    "numbers", [[], [1.0, math.nan], [math.inf, 1.0], [[1.0], [2.0]]]
)
def test_what_has_no_interval_is_refused(numbers):
    with pytest.raises(ValueError, match="at least one finite number"):
        evidence.interval(numbers)


# --- runs and groups ---------------------------------------------------------


def test_values_come_by_seed(store):
    store("ae-d2", "flips", {10: 0.3, 2: 0.1, 0: 0.2})
    store("ae-d2-beta0.1", "flips", {0: 0.9})
    store("ae-d20", "flips", {0: 0.9})
    assert list(evidence.values("ae-d2", "flips").items()) == [
        (0, 0.2),
        (2, 0.1),
        (10, 0.3),
    ]
    assert evidence.groups() == ["ae-d2", "ae-d2-beta0.1", "ae-d20"]
    assert evidence.mean("ae-d2", "flips") == evidence.interval([0.2, 0.1, 0.3])


def test_a_difference_is_taken_seed_by_seed(store):
    """The seeds' own spread of 100 cancels; what one of the groups lacks is
    left out.
    """
    store("ae-d2", "loss", {0: 100, 1: 203, 2: 302, 7: -1000})
    store("vae-d2", "loss", {2: 301, 0: 99, 1: 200, 8: 5000})
    found = evidence.difference("ae-d2", "vae-d2", "loss")
    assert found == evidence.interval([1, 3, 1])
    assert found.seeds == 3
    turned = evidence.difference("vae-d2", "ae-d2", "loss")
    assert (turned.mean, turned.low) == pytest.approx(
        (-found.mean, -found.high)
    )


def test_groups_without_a_common_seed_have_no_difference(store):
    store("ae-d2", "loss", {0: 1, 1: 2})
    store("vae-d2", "loss", {5: 1})
    with pytest.raises(
        evidence.Missing, match=r"'ae-d2' and 'vae-d2' .* seeds 0, 1 and 5"
    ):
        evidence.difference("ae-d2", "vae-d2", "loss")


def test_what_is_missing_is_said_beside_what_there_is(store):
    with pytest.raises(
        evidence.Missing, match="No runs of 'ae-d2'; there are runs of none"
    ):
        evidence.values("ae-d2", "flips")
    store("ae-d2", "flips", {0: 0.1})
    store("vae-d4", "flips", {0: 0.1})
    with pytest.raises(
        evidence.Missing, match=r"^No runs of 'ae-d4'; .* of ae-d2, vae-d4\.$"
    ):
        evidence.values("ae-d4", "flips")


def test_a_metric_that_no_run_has_is_a_mistake_and_not_a_stage_to_come(store):
    store("ae-d2", "flips", {0: 0.1, 1: 0.2})
    store("ae-d2", "holes", {2: 0.1})
    with pytest.raises(
        ValueError,
        match="Some runs of ae-d2 have no 'flips'",
    ):
        evidence.values("ae-d2", "flips")


def test_the_newer_edition_counts_where_it_has_the_number(store):
    store("ae-d2", "flips", {0: 0.5, 1: 0.5}, "first")
    store("ae-d2", "lopsided", {0: 0.7}, "first")
    store("ae-d4", "flips", {0: 0.25}, "first")
    store("ae-d2", "flips", {0: 0.1, 2: 0.2})
    assert evidence.values("ae-d2", "flips") == {0: 0.1, 2: 0.2}
    assert evidence.values("ae-d4", "flips") == {0: 0.25}
    assert evidence.groups() == ["ae-d2", "ae-d4"]


def test_a_difference_is_taken_within_one_edition(store):
    """By the newest that has both sides of it."""
    store("ae-d2", "loss", {0: 30, 1: 30}, "first")
    store("vae-d2", "loss", {0: 20, 1: 22}, "first")
    store("ae-d2", "loss", {0: 1, 1: 1})
    assert evidence.difference("ae-d2", "vae-d2", "loss").mean == 9
    store("vae-d2", "loss", {0: 4, 1: 4})
    assert evidence.difference("ae-d2", "vae-d2", "loss").mean == -3


@pytest.mark.parametrize("none", [None, math.nan, math.inf])
def test_what_is_not_a_number_is_a_result_that_names_its_seeds(store, none):
    """As null, or as what an older sweep wrote."""
    store("ae-d2", "flips", {0: 0.1, 4: none, 1: none})
    store("vae-d2", "flips", {0: 0.1, 1: 0.2})
    said = "flips of 'ae-d2' is not a number in seeds 1, 4"
    for ask in (
        lambda: evidence.values("ae-d2", "flips"),
        lambda: evidence.mean("ae-d2", "flips"),
        lambda: evidence.difference("ae-d2", "vae-d2", "flips"),
        lambda: evidence.difference("vae-d2", "ae-d2", "flips"),
    ):
        with pytest.raises(evidence.Undefined, match=said):
            ask()
    assert evidence.values("ae-d2", "other") == {0: 1, 1: 1, 4: 1}


def test_a_floor_that_is_not_a_number_says_so(store, tmp_path):
    (tmp_path / "floors.json").write_text('{"a": null, "b": 1.5}')
    with pytest.raises(evidence.Undefined, match="'a' is not a number"):
        evidence.floor("a")
    assert evidence.floor("b") == 1.5


@pytest.mark.parametrize(
    "content",
    [
        b'{"config": {"se',
        b"",
        b"null",
        b"{}",
        b'{"config": {}, "metrics": 1}',
        b"\xff",
    ],
)
def test_a_damaged_file_names_itself(store, tmp_path, content):
    path = tmp_path / "second" / "ae-d2-seed3.json"
    path.write_bytes(content)
    with pytest.raises(
        ValueError, match=r"ae-d2-seed3\.json: damaged .* run the sweep"
    ):
        evidence.runs()


@pytest.mark.parametrize("content", [b'{"pixel_ent', b"", b"null", b"\xff"])
def test_damaged_floors_name_themselves(store, tmp_path, content):
    (tmp_path / "floors.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"floors\.json: damaged"):
        evidence.floors()


def test_a_file_under_another_name_is_not_counted_twice(store, tmp_path):
    store("ae-d2", "flips", {0: 0.1})
    original = tmp_path / "second" / "ae-d2-seed0.json"
    (tmp_path / "second" / "ae-d2-seed1.json").write_text(original.read_text())
    with pytest.raises(
        ValueError, match=r"ae-d2-seed1\.json: holds a run of seed 0"
    ):
        evidence.runs()


def test_a_file_that_is_being_written_is_not_read(store, tmp_path):
    store("ae-d2", "flips", {0: 0.1})
    (tmp_path / "second" / ".ae-d2-seed1.json.123").write_text('{"config"')
    assert list(evidence.runs()) == ["ae-d2-seed0"]


def test_floors_are_read_by_name(store, tmp_path):
    with pytest.raises(evidence.Missing, match=r"floors\.json is missing"):
        evidence.floor("pixel_entropy")
    (tmp_path / "floors.json").write_text(
        '{"pixel_entropy": 189.86, "mean_image": 400.0}'
    )
    assert evidence.floor("pixel_entropy") == 189.86
    with pytest.raises(
        ValueError,
        match="no floor 'entropy'; there are pixel_entropy, mean_image",
    ):
        evidence.floor("entropy")


def test_the_benchmark_is_read_or_says_what_to_do(store, tmp_path):
    with pytest.raises(
        evidence.Missing, match=r"bench\.json is missing: run `make bench`"
    ):
        evidence.bench()
    path = tmp_path / "bench.json"
    path.write_text('{"race": {"p')
    with pytest.raises(
        ValueError, match=r"bench\.json: damaged .* run make bench"
    ):
        evidence.bench()
    path.write_text('{"race": {"p": 0.004}}')
    assert evidence.bench() == {"race": {"p": 0.004}}
