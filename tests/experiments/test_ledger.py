"""The rule of chapters/protocol.md, verdict by verdict, and the page that is
made of verdicts.
"""

import csv
import io
import json
import re
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from bs4 import BeautifulSoup
from scipy import stats
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

from aevae_lib import evidence
from book import folds
from experiments.ledger import __main__ as command
from experiments.ledger import page, rule, sources
from experiments.ledger.rule import MISSING, UNDEFINED, Judged
from experiments.ledger.sources import Problem, Statement
from experiments.metrics import METRICS
from experiments.runs import STAGES, group, stage_runs

FLOOR, MARGIN = 0.5, 0.05
IDS = (
    "A1",
    "A2",
    "P1",
    "P2",
    "P3",
    "P4",
    "P5",
    "V1",
    "V2",
    "L1",
    "L2",
    "L3",
    "C1",
)


def around(
    mean: float, half: float, level: float = 0.95, n: int = 5
) -> dict[int, float]:
    """Numbers for n seeds whose t interval at a level is mean +- half (rising;
    falling if < 0).
    """
    pattern = np.linspace(-1, 1, n)
    unit = (
        stats.t.ppf(0.5 + level / 2, n - 1) * pattern.std(ddof=1) / np.sqrt(n)
    )
    return dict(enumerate(mean + half / unit * pattern))


def problem(
    ae: dict, vae: dict, claim="P1", floor=FLOOR, vae_floor=None, headline=True
) -> Problem:
    own = floor if vae_floor is None else vae_floor
    return Problem(
        claim, "a problem", "share", lambda: ae, lambda: vae, lambda: floor,
        lambda: own, MARGIN, headline,
    )  # fmt: skip


def statement(
    number: dict, claim="P1", headline=True, within=False
) -> Statement:
    return Statement(
        claim, "a statement", "nats", lambda: number, MARGIN, headline, within
    )


def judge(row: Problem | Statement, level: float = 0.95) -> tuple[str, ...]:
    return rule.judge(row, level)


def judge_all() -> list[Judged]:
    return rule.judge_all(command.ROWS)


@pytest.fixture
def rows(monkeypatch):
    """Put other rows in the place of the ledger's."""
    return lambda *rows: monkeypatch.setattr(command, "ROWS", list(rows))


# --- rule 2 and 3: floor and margin; has the AE the problem? -----------------


@pytest.mark.parametrize(
    ("mean", "half", "has"),
    [
        (0.60, 0.04, "yes"),
        (0.60, 0.06, "not settled"),  # reaches back over floor and margin
        (0.50, 0.04, "no"),
        (0.54, 0.04, "not settled"),  # within on average, not as a whole
        (0.56, 0.04, "not settled"),
        (0.20, 0.10, "no"),  # better than the floor
        (0.56, 0.00, "yes"),
        (0.54, 0.00, "no"),
    ],
)
def test_the_ae_has_a_problem_if_its_whole_interval_lies_beyond_the_margin(
    mean, half, has
):
    assert judge(problem(around(mean, half), around(0.5, 0)))[0] == has


def test_a_floor_may_be_one_for_each_seed_and_model():
    """The AE's values vary widely and exceed their own seeds' floors by the
    same 0.1.
    """
    ae = {0: 0.1, 1: 0.9, 2: 0.5}
    floor = {seed: value - 0.1 for seed, value in ae.items()}
    assert judge(problem(ae, ae, floor=floor, vae_floor=ae)) == ("yes", "cured")
    assert judge(problem(ae, ae, floor=ae, vae_floor=floor)) == ("no", "worse")
    assert judge(problem(ae, ae, floor=0.4))[0] == "not settled"


# --- rule 4: does the VAE cure it? -------------------------------------------

HAS, HAS_NOT, MAY_HAVE = (0.7, 0.01), (0.5, 0.01), (0.55, 0.01)


@pytest.mark.parametrize(
    ("ae", "vae", "verdict"),
    [
        (HAS, (0.50, 0.04), "cured"),
        (HAS, (0.30, 0.04), "cured"),
        (
            HAS,
            (0.54, 0.02),
            "milder",
        ),  # not its whole interval within floor and margin
        (HAS, (0.60, 0.01), "milder"),
        (
            HAS,
            (0.66, 0.01),
            "no clear difference",
        ),  # surely less, by less than the margin
        (
            HAS,
            (0.60, -0.12),
            "no clear difference",
        ),  # less by 0.1, and it may be nothing
        (HAS, (0.70, 0.01), "no clear difference"),
        (HAS, (0.74, 0.01), "no clear difference"),
        (HAS, (0.80, -0.12), "no clear difference"),
        (HAS, (0.80, 0.01), "worse"),
        (MAY_HAVE, (0.50, 0.04), "cured"),
        (MAY_HAVE, (0.65, 0.01), "worse"),
        (HAS_NOT, (0.50, 0.04), "no problem to cure"),
        (HAS_NOT, (0.30, 0.04), "no problem to cure"),
        (HAS_NOT, (0.54, 0.02), "no clear difference"),
        (HAS_NOT, (0.60, 0.01), "worse"),
        (HAS_NOT, (0.60, -0.12), "no clear difference"),
    ],
)
def test_what_the_vae_does_about_it(ae, vae, verdict):
    has = {HAS: "yes", HAS_NOT: "no", MAY_HAVE: "not settled"}[ae]
    assert judge(problem(around(*ae), around(*vae))) == (has, verdict)


def test_swapping_ae_and_vae_swaps_milder_and_worse():
    """Among random pairs of which neither lies within floor and margin, so none
    is cured.
    """
    swap = {"milder": "worse", "worse": "milder"}
    rng, seen = np.random.default_rng(0), set()
    for _ in range(300):
        ae, vae = (
            dict(
                enumerate(
                    rng.normal(rng.uniform(0.6, 0.9), rng.uniform(0.01, 0.1), 5)
                )
            )
            for _ in range(2)
        )
        there, back = judge(problem(ae, vae))[1], judge(problem(vae, ae))[1]
        if "cured" not in (there, back) and "no problem to cure" not in (
            there,
            back,
        ):
            assert back == swap.get(there, there)
            seen.add(there)
    assert seen == {"milder", "worse", "no clear difference"}


def test_one_seed_settles_nothing():
    assert judge(problem({0: 0.9}, {0: 0.5})) == (
        "not settled",
        "no clear difference",
    )
    assert judge(statement({0: 9.0})) == ("not settled",)


# --- rule 5: does a statement hold? ------------------------------------------


@pytest.mark.parametrize(
    ("mean", "half", "within", "verdict"),
    [
        (0.10, 0.04, False, "holds"),
        (0.10, 0.06, False, "not settled"),
        (0.04, 0.02, False, "not settled"),
        (0.00, 0.04, False, "does not hold"),
        (-0.10, 0.04, False, "does not hold"),
        (0.00, 0.04, True, "holds"),
        (0.02, 0.04, True, "not settled"),
        (-0.02, 0.04, True, "not settled"),
        (0.10, 0.04, True, "does not hold"),
        (-0.10, 0.04, True, "does not hold"),
    ],
)
def test_a_statement_holds_if_its_whole_interval_clears_the_margin(
    mean, half, within, verdict
):
    assert judge(statement(around(mean, half), within=within)) == (verdict,)


# --- rule 6: many rows, one claim --------------------------------------------


@pytest.mark.parametrize(
    ("others", "count"), [((), 1), (("statement",), 2), (("problem",), 4)]
)
def test_intervals_are_widened_by_the_number_of_intervals_of_the_claim(
    rows, others, count
):
    """At exactly 1 - 0.05 / count the interval just clears the margin, or just
    does not.
    """
    others = [
        statement(around(1, 0))
        if kind == "statement"
        else problem(around(1, 0), around(1, 0))
        for kind in others
    ]
    for half, verdict in ((0.9999, "holds"), (1.0001, "not settled")):
        own = statement(around(MARGIN + 1, half, level=1 - 0.05 / count))
        rows(own, *others)
        assert judge_all()[0].verdicts == (verdict,)


def test_rows_of_other_claims_decide_only_what_is_firm(rows):
    others = [statement(around(1, 0), claim="P2") for _ in range(19)]
    own = statement(around(MARGIN + 1, 1.01, level=1 - 0.05 / 20))
    rows(own, *others)
    assert judge_all()[0].verdicts == ("holds",)
    assert judge_all()[0].firm == (False,)
    rows(own, *others[:-1])
    assert judge_all()[0].firm == (True,)
    rows(own, *(replace(other, claim="P1") for other in others))
    assert judge_all()[0].verdicts == ("not settled",)


def test_each_verdict_of_a_problem_is_firm_by_itself(rows):
    wide = around(0.56, 0.059, level=1 - 0.05 / 100)
    others = [statement(around(1, 0), claim="P2") for _ in range(200)]
    rows(
        problem(wide, around(0.5, 0)),
        problem(around(0.9, 0.01), around(0.8, 0.01)),
        *others,
    )
    unsure, sure = judge_all()[:2]
    assert (unsure.verdicts, unsure.firm) == (
        ("not settled", "cured"),
        (False, True),
    )
    assert (sure.verdicts, sure.firm) == (("yes", "milder"), (True, True))


@pytest.mark.parametrize("vae", [(0.7, 0.01), (0.6, -0.3)])
def test_an_open_verdict_is_never_firm(rows, vae):
    rows(
        problem(around(0.7, 0.01), around(*vae)),
        statement(around(MARGIN, 0.01)),
    )
    first, second = judge_all()
    assert (first.verdicts, first.firm) == (
        ("yes", "no clear difference"),
        (True, False),
    )
    assert (second.verdicts, second.firm) == (("not settled",), (False,))


def test_the_rows_of_one_claim_are_wrong_together_one_time_in_twenty(rows):
    """Ten statements whose truth is the margin itself: any that seems settled
    is an error.
    """
    rng, wrong, tried = np.random.default_rng(0), 0, 200
    for _ in range(tried):
        drawn = rng.normal(MARGIN, 1, (10, 5))
        rows(*(statement(dict(enumerate(values))) for values in drawn))
        wrong += any(j.verdicts != ("not settled",) for j in judge_all())
    assert 0.01 < wrong / tried < 0.1


# --- rule 7: from rows to the verdict on a claim -----------------------------

ROW = {
    "holds": around(1, 0),
    "does not hold": around(-1, 0),
    "not settled": around(MARGIN, 1),
}


@pytest.mark.parametrize(
    ("headline", "checks", "verdict"),
    [
        (["holds"], [], "holds"),
        (["holds", "holds"], ["holds"], "holds"),
        (["holds"], ["does not hold"], "holds with a caveat"),
        (["holds"], ["not settled"], "holds with a caveat"),
        (["holds", "does not hold"], [], "holds with a caveat"),
        (["holds", "not settled"], ["holds"], "holds with a caveat"),
        (["does not hold"], [], "does not hold"),
        (["does not hold"], ["holds"], "does not hold"),
        (["does not hold", "not settled"], [], "not settled"),
        (["not settled"], ["holds"], "not settled"),
    ],
)
def test_a_claim_gets_the_verdict_of_its_headline_rows(
    rows, headline, checks, verdict
):
    rows(
        *(statement(ROW[word], headline=True) for word in headline),
        *(statement(ROW[word], headline=False) for word in checks),
        statement(ROW["not settled"], claim="P2"),
    )
    judged = judge_all()
    assert rule.overall("P1", judged) == verdict
    named = [j.verdicts[0] for j in rule.caveats("P1", judged)]
    others = [word for word in headline + checks if word != "holds"]
    expected = {
        "holds with a caveat": others,
        "does not hold": [w for w in checks if w == "holds"],
    }
    assert named == expected.get(verdict, [])


@pytest.mark.parametrize("headline", [True, False])
def test_a_single_seed_in_a_headline_row_settles_no_claim(rows, headline):
    rows(statement(ROW["holds"]), statement({0: 1.0}, headline=headline))
    verdict = "not settled" if headline else "holds with a caveat"
    assert rule.overall("P1", judge_all()) == verdict


@pytest.mark.parametrize(
    ("ae", "verdict"), [(0.9, "holds"), (0.5, "does not hold")]
)
def test_a_claim_of_a_problem_holds_if_the_ae_has_it(rows, ae, verdict):
    rows(problem(around(ae, 0.01), around(0.5, 0.01)))
    assert rule.overall("P1", judge_all()) == verdict


def test_what_the_vae_does_is_summed_up_from_the_headline_rows(rows):
    has, has_not = around(0.9, 0.01), around(0.5, 0.01)
    rows(
        problem(has, has_not, claim="P1"),
        problem(has, has, claim="P1", headline=False),
        problem(has, around(0.7, 0.01), claim="P2"),
        problem(has, has_not, claim="P3"),
        problem(has_not, has_not, claim="P5"),
    )
    text = "cured: P1, P3; milder: P2; no problem to cure: P5"
    assert rule.overall("V0", judge_all()) == text


# --- hand-written readings ---------------------------------------------------


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Where the ledger would write, in a folder of its own."""
    monkeypatch.setattr(command, "CSV", tmp_path / "results" / "ledger.csv")
    monkeypatch.setattr(command, "PAGE", tmp_path / "ledger.md")
    return command.CSV, command.PAGE


def test_a_reading_of_another_verdict_stops_the_ledger(
    rows, files, monkeypatch
):
    rows(statement(ROW["holds"]))
    claim = replace(command.CLAIMS["P1"], reading="So it is.", read_for="holds")
    monkeypatch.setattr(command, "CLAIMS", {"P1": claim})
    command.main([])
    assert "So it is." in files[1].read_text()
    before = files[1].read_text()

    rows(statement(ROW["does not hold"]))
    for arguments in ([], ["--check"]):
        with pytest.raises(
            SystemExit, match=r"P1: .* written for 'holds'.* is 'does not hold'"
        ):
            command.main(arguments)
    assert files[1].read_text() == before


def test_a_reading_is_written_for_a_verdict_and_holds_no_measured_number():
    """A number in it would not be tied to the results."""
    for name, claim in command.CLAIMS.items():
        assert (claim.reading is None) == (claim.read_for is None), name
        assert not re.search(r"\d\.\d|\d ?%", claim.reading or ""), (
            f"{name}: {claim.reading}"
        )


# --- the rows as they are ----------------------------------------------------


def asked(monkeypatch) -> tuple[set[tuple[str, str]], set[str]]:
    """Every metric of every group, and every floor, that it asks for."""
    metrics, floors = set(), set()

    def values(group: str, metric: str) -> dict[int, float]:
        metrics.add((group, metric))
        return {0: 1.0, 1: 2.0}

    def floor(name: str) -> float:
        floors.add(name)
        return 1.0 if name == "pixel_entropy" else 2.0

    monkeypatch.setattr(evidence, "values", values)
    monkeypatch.setattr(evidence, "floor", floor)
    assert all(j.shown for j in judge_all())
    monkeypatch.undo()
    return metrics, floors


def test_every_claim_of_the_post_has_a_row_that_decides():
    assert [name for name in command.CLAIMS if name != "V0"] == list(IDS)
    for name in IDS:
        assert any(row.headline for row in command.ROWS if row.claim == name), (
            name
        )
    assert {row.claim for row in command.ROWS} == set(IDS)
    names = [(row.claim, row.what) for row in command.ROWS]
    assert len(set(names)) == len(names)
    assert all(row.margin > 0 for row in command.ROWS)


def test_chapters_named_by_claims_exist():
    shown = {claim.shown for claim in command.CLAIMS.values() if claim.shown}
    chapters = command.PAGE.parent
    assert [
        name for name in shown if not list(chapters.glob(f"{name}.*"))
    ] == []


def test_every_number_that_the_ledger_asks_for_is_measured(monkeypatch):
    """Of runs that a stage plans, by metrics that they are to have."""
    metrics, floors = asked(monkeypatch)
    planned = {run.group: run for stage in STAGES for run in stage_runs(stage)}
    for name, metric in sorted(metrics):
        assert METRICS[metric].applies(planned[name]), f"{name}.{metric}"
    assert len(metrics) > 50
    assert floors <= evidence.floors().keys()


def test_a_problem_has_the_unit_and_the_floor_of_its_metric(monkeypatch):
    """And is refused where more of a metric is better, or none is flawless."""
    monkeypatch.setattr(evidence, "values", lambda *of: of)
    monkeypatch.setattr(evidence, "floor", lambda name: name)
    row = sources.problem("P3", "holes", "hole_fraction_box", 2, 0.05)
    assert (row.what, row.unit) == ("holes, d = 2", "share")
    held_out = "hole_fraction_held_out"
    assert row.ae() == (group("ae", 2), "hole_fraction_box")
    assert row.ae_floor() == (group("ae", 2), held_out)
    assert row.vae_floor() == (group("vae", 2), held_out)
    row = sources.problem("P1", "c2st", "c2st_prior", 16, 0.1, "c2st_gaussian")
    assert row.vae() == (group("vae", 16), "c2st_gaussian")
    assert (row.unit, row.ae_floor()) == ("accuracy", 0.5)
    row = sources.problem("A1", "nats", "reconstruction", 2, 1)
    assert row.vae_floor() == "pixel_entropy"
    for metric in ("precision_box", "train_reconstruction_mu"):
        with pytest.raises(ValueError, match=f"{metric} has no floor"):
            sources.problem("A1", "what", metric, 2, 1)


# --- the page and the table --------------------------------------------------


@pytest.fixture
def results(tmp_path, monkeypatch):
    """Made-up results for every row; `results(without=...)` leaves some out."""
    metrics, floors = asked(monkeypatch)
    # The readings are of the real ones.
    claims = {
        k: replace(c, reading=None, read_for=None)
        for k, c in command.CLAIMS.items()
    }
    monkeypatch.setattr(command, "CLAIMS", claims)
    rng = np.random.default_rng(0)

    def make(without: str = "none", with_floors: bool = True) -> None:
        for name in [*tmp_path.glob("runs/*"), *tmp_path.glob("floors.json")]:
            name.unlink()
        (tmp_path / "runs").mkdir(exist_ok=True)
        groups = {g for g, _ in metrics if not re.search(without, g)}
        for name in sorted(groups):
            for seed in range(3):
                found = {
                    m: rng.normal(0.6, 0.1)
                    for g, m in sorted(metrics)
                    if g == name
                }
                run = {"config": {"seed": seed}, "metrics": found}
                (tmp_path / "runs" / f"{name}-seed{seed}.json").write_text(
                    json.dumps(run)
                )
        if with_floors:
            values = {
                name: 0.5 + 0.01 * k for k, name in enumerate(sorted(floors))
            }
            (tmp_path / "floors.json").write_text(json.dumps(values))
        evidence.runs.cache_clear()

    monkeypatch.setattr(evidence, "RESULTS", tmp_path)
    yield make
    evidence.runs.cache_clear()


def touching(touched: list[str], group: str, metric: str) -> dict[int, int]:
    touched.append(group)
    return {0: 1, 1: 2}


@pytest.mark.parametrize("without", ["none", "d64", "class6|n500", "."])
def test_a_stage_that_was_not_run_is_missing_in_its_rows_only(results, without):
    results(without)
    metrics_of = {}
    for row in command.ROWS:
        touched: list[str] = []
        with pytest.MonkeyPatch.context() as patch:
            touch = partial(touching, touched)
            patch.setattr(evidence, "values", touch)
            rule.show(row)
        metrics_of[row.claim, row.what] = touched
    for j in judge_all():
        waits = any(
            re.search(without, g) for g in metrics_of[j.row.claim, j.row.what]
        )
        assert (j.verdicts == (MISSING,)) == (j.shown is None) == waits, j.row
    if without == "class6|n500":
        judged = judge_all()
        assert (
            rule.overall("V2", judged) == rule.overall("L2", judged) == MISSING
        )
        assert rule.overall("P1", judged) != MISSING
    assert (
        MISSING in page.page(judge_all(), command.CLAIMS) or without == "none"
    )


@pytest.mark.parametrize("headline", [True, False])
def test_a_number_that_a_run_leaves_undefined_is_a_result_that_says_so(
    rows, headline
):
    def nowhere() -> dict:
        raise evidence.Undefined("no holes")

    holes = replace(statement({}, headline=headline), number=nowhere)
    rows(statement(ROW["holds"]), holes)
    judged = judge_all()
    assert (judged[1].verdicts, judged[1].firm) == ((UNDEFINED,), (False,))
    assert rule.overall("P1", judged) == "holds with a caveat"
    assert rule.caveats("P1", judged) == [judged[1]]
    told = page.page(judged, {"P1": command.CLAIMS["P1"]})
    assert told.count(UNDEFINED) == 2  # among the caveats, and in its row
    line = list(csv.DictReader(io.StringIO(page.table(judged))))[1]
    assert (line["verdict"], line["number"]) == (UNDEFINED, "")
    rows(holes)
    assert rule.overall("P1", judge_all()) == "not settled"


def test_a_problem_that_is_not_defined_is_neither_cured_nor_missing(rows):
    def nowhere() -> dict:
        raise evidence.Undefined("no holes")

    has, has_not = around(0.9, 0.01), around(0.5, 0.01)
    rows(
        problem(has, has_not, claim="P1"),
        replace(problem(has, has_not, claim="P3"), vae=nowhere),
    )
    assert rule.overall("V0", judge_all()) == f"cured: P1; {UNDEFINED}: P3"


def test_a_null_among_the_stored_results_is_undefined(results, tmp_path):
    results()
    path = tmp_path / "runs" / "ae-d2-seed1.json"
    stored = json.loads(path.read_text())
    stored["metrics"]["precision_in_holes"] = None
    path.write_text(json.dumps(stored))
    evidence.runs.cache_clear()
    found = {j.row.what: j.verdicts for j in judge_all() if not j.shown}
    assert found == {"precision lost in holes, d = 2": (UNDEFINED,)}


def test_without_floors_only_rows_that_need_them_wait(results):
    results(with_floors=False)
    waiting = {j.row.claim for j in judge_all() if not j.shown}
    assert waiting == {"A1", "V1", "V2", "L3", "C1"}


def test_a_metric_that_runs_lack_is_no_stage_to_come(results, monkeypatch):
    results()
    row = replace(command.ROWS[0], number=sources.of("ae-d2", "flops"))
    monkeypatch.setattr(command, "ROWS", [row])
    with pytest.raises(ValueError, match="has no 'flops'"):
        judge_all()


def test_the_table_has_every_row_with_its_numbers(results):
    results(without="d64")
    lines = list(csv.DictReader(io.StringIO(page.table(judge_all()))))
    assert [(line["claim"], line["row"]) for line in lines] == [
        (row.claim, row.what) for row in command.ROWS
    ]
    line = next(
        line
        for line in lines
        if line["row"] == "draws of a fitted Gaussian in holes, d = 2"
    )
    metrics = ("hole_fraction_gaussian", "hole_fraction_held_out")
    holes, floor = (
        list(evidence.values("ae-d2", metric).values()) for metric in metrics
    )
    found = evidence.interval(holes)
    for key, value in (
        ("ae", found.mean),
        ("ae_low", found.low),
        ("ae_high", found.high),
    ):
        assert float(line[key]) == pytest.approx(value, rel=1e-4)
    assert float(line["ae_floor"]) == pytest.approx(np.mean(floor), rel=1e-4)
    excess = [
        np.subtract(
            *(
                list(evidence.values(group, metric).values())
                for metric in metrics
            )
        )
        for group in ("ae-d2", "vae-d2")
    ]
    assert float(line["number"]) == pytest.approx(
        (excess[0] - excess[1]).mean(), rel=1e-4
    )
    assert (line["seeds"], line["margin"], line["headline"]) == (
        "3",
        "0.05",
        "yes",
    )
    waiting = [line for line in lines if line["verdict"] == MISSING]
    assert waiting
    assert all("d = 64" in line["row"] for line in waiting)


@pytest.mark.parametrize(
    ("interval", "text"),
    [
        ((254.6312, 0.4213), "254.63 ± 0.42"),
        ((254.6312, 12.4), "255 ± 12"),
        ((1234.5, 123.4), "1234 ± 123"),
        ((0.62134, 0.01234), "0.621 ± 0.012"),
        ((-0.0012, 0.00034), "-0.0012 ± 0.0003"),
        ((0.5, 0.0), "0.5000 ± 0.0000"),
    ],
)
def test_as_many_digits_are_shown_as_the_interval_makes_sense_of(
    interval, text
):
    mean, half = interval
    assert (
        page.text(evidence.Interval(mean, mean - half, mean + half, 5)) == text
    )
    assert page.text(evidence.interval([0.12345])) == "0.123"
    assert page.text(None) == ""


@pytest.fixture
def built(tmp_path, results):
    """The page in HTML, as Sphinx makes it; a warning is an error."""

    def build(without: str = "none") -> BeautifulSoup:
        results(without)
        book = tmp_path / "book"
        chapters = book / "chapters"
        chapters.mkdir(parents=True)
        judged = judge_all()
        (chapters / "ledger.md").write_text(page.page(judged, command.CLAIMS))
        (book / "aevae_lib" / "results").mkdir(parents=True)
        (book / "aevae_lib" / "results" / "ledger.csv").write_text(
            page.table(judged)
        )
        pages = {claim.shown for claim in command.CLAIMS.values()} - {None} | {
            "protocol", "protocol2", "08_who_judges",
        }  # fmt: skip
        for name in pages:
            (chapters / f"{name}.md").write_text(
                f"---\norphan: true\n---\n# {name}\n"
            )
        overrides = {
            "extensions": ["myst_parser"],
            "myst_enable_extensions": [
                "colon_fence",
                "dollarmath",
                "attrs_inline",
                "deflist",
            ],
            "root_doc": "chapters/ledger",
        }
        warnings = io.StringIO()
        with patch_docutils(), docutils_namespace():
            app = Sphinx(
                book, None, tmp_path / "html", tmp_path / "trees", "html",
                overrides, status=None, warning=warnings,
            )  # fmt: skip
            app.add_role("verdict", folds.verdict)
            app.build()
        assert warnings.getvalue() == ""
        html = tmp_path / "html" / "chapters" / "ledger.html"
        return BeautifulSoup(html.read_text(), "html.parser")

    return build


@pytest.mark.parametrize("without", ["none", "d64|class6"])
def test_the_page_is_good_markdown_with_whole_tables_that_fit_a_phone(
    built, without
):
    html = built(without)
    tables = html.find_all("table")
    assert len(tables) == 1 + 1 + len(
        {(row.claim, type(row)) for row in command.ROWS}
    )
    for table in tables:
        rows = [
            [cell.get_text() for cell in row.find_all(["th", "td"])]
            for row in table("tr")
        ]
        assert {len(row) for row in rows} == {len(rows[0])}
        assert len(rows[0]) <= 7
        assert not any(
            re.search(r"\||\*\*|\{ref", cell) for row in rows for cell in row
        )
        assert all(any(column) for column in zip(*rows[1:], strict=True)), (
            "an empty column"
        )
        for row in rows[1:] if table is not tables[0] else []:
            assert max(map(len, row[1:])) <= 20, row
    assert (
        sum(len(table("tr")) - 1 for table in tables[1:])
        == len(command.ROWS) + 4
    )
    assert {f"claim-{name.lower()}" for name in command.CLAIMS} <= {
        tag["id"] for tag in html.find_all(id=True)
    }
    links = {link["href"] for link in html.find_all("a", class_="internal")}
    assert {f"#claim-{name.lower()}" for name in command.CLAIMS} <= links
    assert {
        f"{c.shown}.html" for c in command.CLAIMS.values() if c.shown
    } <= links


def test_it_is_written_once_and_checked_after(results, files, capsys):
    results()
    with pytest.raises(
        SystemExit, match=r"ledger\.csv, ledger\.md: not what the results say"
    ):
        command.main(["--check"])
    assert not any(path.exists() for path in files)
    command.main([])
    command.main(["--check"])
    for path in files:
        whole = path.read_text()
        path.write_text(whole.replace("0", "1", 1))
        with pytest.raises(SystemExit, match=re.escape(path.name)):
            command.main(["--check"])
        path.write_text(whole)
    results()  # other numbers
    with pytest.raises(SystemExit, match="not what the results say"):
        command.main(["--check"])


# --- the stored results ------------------------------------------------------


def test_ledger_says_what_the_results_say():
    assert (evidence.RESULTS / "floors.json").exists(), (
        "no results yet: run the sweep"
    )
    command.main(["--check"])


def test_no_row_waits_for_the_sweep():
    waiting = [
        f"{j.row.claim}: {j.row.what}" for j in judge_all() if not j.shown
    ]
    assert waiting == [], "run the sweep to its end"
