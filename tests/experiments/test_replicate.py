"""Whether a fresh run fits the stored ones."""

import math

import numpy as np
import pytest

from experiments import replicate
from experiments.second import series
from experiments.second.runs import Run
from experiments.second.series import Series


def test_a_prediction_has_the_spread_of_one_more_run():
    """Its own draw, and the doubt about where the mean of all runs lies."""
    low, high = replicate.prediction([0.0, 2.0], 0.5)
    # The upper quartile of t with one degree of freedom is 1.
    half = math.sqrt(2) * math.sqrt(1 + 1 / 2)
    assert (low, high) == pytest.approx((1 - half, 1 + half))


@pytest.mark.parametrize(("n", "level"), [(3, 0.9), (10, 0.8)])
def test_one_more_run_lies_there_as_often_as_is_said(n, level):
    rng, inside, tried = np.random.default_rng(0), 0, 2000
    for *values, fresh in rng.normal(5, 2, (tried, n + 1)):
        low, high = replicate.prediction(values, level)
        inside += low <= fresh <= high
    assert inside / tried == pytest.approx(level, abs=0.025)


def stored(group: str, metric: str):
    values = np.array([1.0, 2.0, 3.0])
    return lambda: Series((0, 1, 2), values, np.zeros((3, 2)))


def test_what_does_not_fit_is_named(monkeypatch, capsys):
    monkeypatch.setattr(series, "of", stored)
    fine = dict.fromkeys(replicate.COMPARED + replicate.ONLY_AT_TWO, 2.0)
    runs = [Run("ae", 2, 1000), Run("vae", 16, 1000)]
    assert replicate.compare(dict.fromkeys(runs, fine)) == []
    odd = {
        runs[0]: fine | {"flips_nearest": 99.0},
        runs[1]: fine | {"flips_nearest": -99.0},
    }
    assert replicate.compare(odd) == [
        "ae-d2 flips_nearest",
        "vae-d16 flips_nearest",
    ]
    told = capsys.readouterr().out.splitlines()
    rows = 2 * len(replicate.COMPARED) + len(replicate.ONLY_AT_TWO)
    assert len(told) == 2 * rows
    assert sum("DOES NOT FIT" in line for line in told) == 2


def test_a_sound_machine_fails_once_in_a_hundred_times(monkeypatch):
    """All comparisons together, not each of them."""
    levels = []

    def prediction(values: list[float], level: float) -> tuple[float, float]:
        levels.append(level)
        return 0.0, 9.0

    monkeypatch.setattr(series, "of", stored)
    monkeypatch.setattr(replicate, "prediction", prediction)
    run = Run("ae", 16, 1000)
    replicate.compare({run: dict.fromkeys(replicate.COMPARED, 1.0)})
    assert levels == [1 - 0.01 / len(replicate.COMPARED)] * len(levels)


def test_it_compares_what_is_stored_with_a_seed_that_is_not():
    for run in replicate.RUNS:
        for metric in replicate.compared(run):
            assert run.seed not in series.of(run.group, metric)().seeds
