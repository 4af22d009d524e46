"""The headline rows: those that the protocol counts, of runs that are planned
and metrics that they have.
"""

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from aevae_lib import evidence
from experiments.second import metrics, rows, rule, runs, series
from experiments.second.runs import ANIMALS, GARMENTS
from experiments.second.series import Series

PROTOCOL = Path(__file__).resolve().parents[3] / "chapters" / "protocol2.md"
PLANNED = {
    run.group: run
    for stage in runs.STAGES.values()
    for run in stage()
    if run.seed != runs.TUNING_SEED
}


def counted(data: str) -> dict[str, int]:
    """How many rows the protocol counts for each claim."""
    text = PROTOCOL.read_text(encoding="utf-8")
    head = re.search(r"^\| claim \|(.* together) \|$", text, re.MULTILINE)[1]
    name = {GARMENTS: "garments", ANIMALS: "animals"}[data]
    line = re.search(rf"^\| {name} \|([\d |]*)\|$", text, re.MULTILINE)[1]
    titles, values = (
        [cell.strip() for cell in part.split("|")] for part in (head, line)
    )
    return dict(zip(titles, map(int, values), strict=True))


@pytest.mark.parametrize("data", [GARMENTS, ANIMALS])
def test_rows_are_those_that_the_protocol_counts(data):
    found = Counter(row.claim for row in rows.rows(data))
    wanted = counted(data)
    assert wanted.pop("together") == rule.ROWS[data] == sum(found.values())
    assert found == wanted


@pytest.mark.parametrize("data", [GARMENTS, ANIMALS])
def test_every_number_is_one_of_a_planned_run(data, monkeypatch):
    """Each row is asked for its numbers, with made ones in place of results."""
    asked = set()

    def pretend(group: str, metric: str, less: float = 0.0):
        def found() -> Series:
            asked.add((group, metric))
            return Series((0, 1), np.zeros(2), np.zeros((2, 3)))

        return found

    monkeypatch.setattr(rows, "of", pretend)
    for row in rows.rows(data):
        for number in (row.number, row.ae, row.vae):
            if number:
                number()
    for group, metric in asked:
        assert group in PLANNED, group
        assert metric in metrics.wanted(PLANNED[group]), (group, metric)
    assert {group for group, _ in asked if "animals" in group} == {
        group for group, _ in asked if data == ANIMALS
    }


def test_a_difference_is_taken_seed_by_seed():
    luck = np.array([[0.0, 1.0], [2.0, 2.0], [1.0, 0.0]])
    one = Series((0, 1, 3), np.array([1.0, 2.0, 4.0]), luck)
    two = Series((1, 3, 7), np.array([1.0, 1.0, 9.0]), luck)
    found = one - two
    assert found.seeds == (1, 3)
    assert found.values.tolist() == [1.0, 3.0]
    assert found.moved.tolist() == [[2.0, 1.0], [-1.0, -2.0]]
    with pytest.raises(evidence.Missing):
        one - Series((9,), np.zeros(1), np.zeros((1, 2)))


def test_a_number_that_is_not_defined_is_nan(monkeypatch):
    def run(seed: int, value: float | None) -> dict:
        return {
            "config": {"seed": seed}, "metrics": {"hits": value},
            "resamples": {},
        }  # fmt: skip

    monkeypatch.setattr(
        series, "stored", lambda: {
            "vae-d2-seed1": run(1, 0.75), "vae-d2-seed0": run(0, None),
            "vae-d2-beta4-seed0": run(0, 3.0),
        },
    )  # fmt: skip
    found = series.of("vae-d2", "hits", less=0.5)()
    assert found.seeds == (0, 1)
    assert np.isnan(found.values[0])
    assert found.values[1] == 0.25
    with pytest.raises(evidence.Missing):
        series.of("vae-d2", "other")()
