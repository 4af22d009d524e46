"""From rows to the verdicts on claims."""

import json
from dataclasses import replace

import numpy as np
import pytest

from aevae_lib import evidence
from experiments.second import rows, rule, series, verdicts
from experiments.second.rule import (
    MIXED,
    NOT_SETTLED,
    NOT_SUPPORTED,
    SMALL,
    SUPPORTED,
)
from experiments.second.runs import ANIMALS, GARMENTS
from experiments.second.series import Series
from experiments.second.verdicts import Finding, Judged


def row(values, data=GARMENTS, judge=None, claim="L3", kind=None):
    number = Series(
        tuple(range(len(values))), np.array(values), np.zeros((len(values), 4))
    )
    return rows.Row(
        claim, "what", "ratio", 1.0, lambda: number, data, 2, judge, kind=kind
    )


YES = [3.0, 3.01, 2.99, 3.0, 3.0]
NO = [-3.0, -3.01, -2.99, -3.0, -3.0]
WIDE = [-9.0, 9.0, -8.0, 8.0, 0.0]


def test_a_row_without_judges_has_its_own_verdict():
    for values, verdict in (
        (YES, SUPPORTED), (NO, NOT_SUPPORTED), (WIDE, NOT_SETTLED),
    ):  # fmt: skip
        (found,) = verdicts.findings([row(values)])
        assert found.verdict == verdict
    assert found.why == "too wide even with 20 seeds"


def test_judges_of_one_row_stand_together():
    found = verdicts.findings(
        [row(YES, judge="pixels"), row(NO, judge="blur"), row(YES, claim="C1")]
    )
    assert [each.verdict for each in found] == [MIXED, SUPPORTED]


def test_a_judge_that_cannot_see_is_left_out_and_one_is_too_few():
    """Whatever the two of them say."""
    two = [
        row(YES, ANIMALS, judge, kind="passing") for judge in ("pixels", "blur")
    ]
    (found,) = verdicts.findings(two)
    assert not two[0].asked
    assert two[1].asked
    assert found.verdict == NOT_SETTLED
    assert found.why == "fewer than two judges see it"
    seen = [replace(each, kind="coverage") for each in two]
    assert verdicts.findings(seen)[0].verdict == SUPPORTED


def test_what_is_not_defined_or_not_there_is_not_settled():
    (found,) = verdicts.findings([row([1.0, np.nan, 1.0])])
    assert (found.verdict, found.why) == (NOT_SETTLED, "not defined in seed 1")

    def missing() -> Series:
        raise evidence.Missing("no runs")

    (found,) = verdicts.findings([replace(row(YES), number=missing)])
    assert (found.verdict, found.why) == (NOT_SETTLED, "not measured yet")
    assert verdicts.mean_of(missing) is None is verdicts.mean_of(None)


def test_longer_training_makes_a_row_mixed_if_it_says_the_opposite(monkeypatch):
    """From 16 dimensions on; and not if it merely leaves the row open."""
    groups = {"ae-d16": YES, "ae-d16-budget1650000": NO, "ae-d2": YES}
    runs = {
        f"{group}-seed{seed}": {
            "config": {"seed": seed}, "metrics": {"x": value}, "resamples": {},
        }
        for group, values in groups.items()
        for seed, value in enumerate(values)
    }  # fmt: skip
    monkeypatch.setattr(series, "stored", lambda: runs)

    def found(group: str, d: int) -> str:
        one = replace(row(YES), number=series.of(group, "x"), d=d)
        return verdicts.findings([one])[0]

    assert found("ae-d16", 16).verdict == MIXED
    assert "three times as long" in found("ae-d16", 16).why
    assert found("ae-d2", 2).verdict == SUPPORTED
    for name in list(runs):
        if "budget" in name:
            runs[name]["metrics"]["x"] = WIDE[runs[name]["config"]["seed"]]
    assert found("ae-d16", 16).verdict == SUPPORTED
    with series.trained_longer(), pytest.raises(evidence.Missing):
        series.of("ae-d64", "x")()


def test_what_readers_do_not_see_is_not_settled():
    """Whatever judges say; on those data and at those dimensions."""
    (name,) = verdicts.UNSEEN
    claim, what, data, d = name
    seen = replace(row(YES, data, claim=claim), what=what, d=d)
    (found,) = verdicts.findings([seen])
    assert (found.verdict, found.why) == (
        NOT_SETTLED, "not what two readers saw",
    )  # fmt: skip
    other = replace(seen, data=ANIMALS)
    assert verdicts.findings([other])[0].verdict == SUPPORTED
    assert any(each.name[:4] == name for each in rows.rows(data))


def test_an_open_row_says_how_many_seeds_would_do():
    (found,) = verdicts.findings([row([1.1, 1.3, 1.6, 1.9, 2.1])])
    spread = found.judged[0].spread
    level = rule.level_of(GARMENTS)
    needed = rule.seeds_needed(spread, 1.0, level)
    assert 5 < needed <= 20
    assert found.why == f"{needed} seeds would do, 5 were run"


@pytest.mark.parametrize(
    ("garments", "animals", "course"),
    [
        (SUPPORTED, SUPPORTED, SUPPORTED),
        (SUPPORTED, NOT_SUPPORTED, MIXED),
        (NOT_SUPPORTED, SMALL, MIXED),
        (SMALL, NOT_SETTLED, SMALL),
        (NOT_SETTLED, SUPPORTED, NOT_SETTLED),
        (MIXED, NOT_SETTLED, MIXED),
    ],
)
def test_the_course_says_what_garments_say_unless_animals_contradict(
    garments, animals, course
):
    found = {
        data: [Finding((Judged(row(YES, data), word),), word)]
        for data, word in ((GARMENTS, garments), (ANIMALS, animals))
    }
    assert verdicts.of_course("L3", found) == course


def test_the_loss_is_what_it_is_by_definition():
    assert verdicts.of_course("L1", {GARMENTS: [], ANIMALS: []}) == (
        rule.BY_DEFINITION
    )


def test_judges_are_left_out_where_their_calibration_says_so():
    """By the stored ranges: blind to a fault of codes by its largest dose."""
    names = {
        "pixels": "pixel components",
        "classifier_used_to_blur": "classifier used to blur",
        "codes_of_an_ae": "codes of an AE",
    }
    faults = {
        "passing": ("precision", ("codes on the way to another's",
                                  "codes shaken", "codes too far out")),
        "coverage": ("coverage", ("classes missing",
                                  "kinds within classes missing",
                                  "copies of few")),
    }  # fmt: skip
    judges = json.loads(
        (evidence.RESULTS / "judges.json").read_text(encoding="utf-8")
    )
    ranges = judges[ANIMALS]["redrawn by ae: ranges"]
    for each in rows.rows(ANIMALS):
        if each.kind not in faults:
            continue
        metric, seen = faults[each.kind]
        blind = any(
            ranges[fault]["judges"][names[each.judge]][metric]["first"] is None
            for fault in seen
        )
        assert each.asked is not blind, each
