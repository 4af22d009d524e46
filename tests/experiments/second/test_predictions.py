"""What was predicted for the animals is what the protocol says."""

from pathlib import Path

import pytest

from experiments.second import predictions, rows, rule, verdicts
from experiments.second.runs import ANIMALS
from experiments.second.verdicts import Finding, Judged

CHAPTERS = Path(__file__).resolve().parents[3] / "chapters"
PROTOCOL, CORRECTIONS = (
    CHAPTERS / name for name in ("protocol2.md", "corrections.md")
)


def findings(verdict: str) -> list[Finding]:
    """One for each row, whatever was found."""
    found = {row.name: row for row in rows.rows(ANIMALS)}
    return [Finding((Judged(row, verdict),), verdict) for row in found.values()]


def test_each_row_is_predicted_once_or_not_at_all():
    """All but the two that the protocol says nothing about."""
    every = findings(rule.SUPPORTED)
    scored = [one.finding.row.name for one in predictions.scored(every)]
    assert len(set(scored)) == len(scored)
    left = {each.row.name for each in every} - set(scored)
    assert {(name[0], name[3], name[4]) for name in left} == {
        ("A2", 2, 1.0), ("C1", 2, 0.5),
    }  # fmt: skip


def test_each_prediction_is_about_some_row():
    names = {
        (row.claim, row.what, row.dims, row.beta) for row in rows.rows(ANIMALS)
    }
    for claim, what, d, beta in predictions.PREDICTED:
        assert any(
            name[0] == claim
            and name[1].startswith(what)
            and d in (None, name[2])
            and beta in (None, name[3])
            for name in names
        ), (claim, what)


@pytest.mark.parametrize("verdict", rule.VERDICTS[:5])
def test_a_prediction_is_true_if_the_verdict_is_the_one_named(verdict):
    every = list(predictions.scored(findings(verdict)))
    true = [one for one in every if one.true]
    assert len(true) == sum(one.predicted == verdict for one in every)


def test_what_is_predicted_of_whole_claims_stands_in_the_protocol():
    text = PROTOCOL.read_text(encoding="utf-8")
    table = text[text.index("## Predictions for the animals") :]
    for claim, words in (
        ("P1", "supported at both dimensions"),
        ("V1", "not supported, in all four rows"),
        ("P5", "supported at 2; supported, but small, at 16"),
    ):
        assert f"| {claim} | {words} |" in table


def test_the_page_of_corrections_counts_them_rightly():
    found = list(predictions.scored(verdicts.findings(rows.rows(ANIMALS))))
    true = sum(one.true for one in found)
    missed = [one for one in found if not one.true]
    still_open = sum(one.finding.verdict == rule.NOT_SETTLED for one in missed)
    other_size = sum(
        {one.finding.verdict, one.predicted}
        <= {rule.SUPPORTED, rule.SMALL, rule.NOT_SETTLED}
        and one.finding.verdict != rule.NOT_SETTLED
        for one in missed
    )
    assert true + still_open + other_size == len(found)  # and none opposite
    text = CORRECTIONS.read_text(encoding="utf-8")
    assert (
        f"verdicts of {len(found)} rows. {true} came true. {still_open} rows "
        f"are still open, and in {other_size} the effect"
    ) in text
