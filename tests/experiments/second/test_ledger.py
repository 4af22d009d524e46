"""The ledger is what the stored results make of it, and a stranger finds the
same numbers.
"""

import base64
import csv
import json
import math
import re
from dataclasses import replace

import nbformat
import numpy as np
import pytest
from PIL import Image
from scipy import stats

from aevae_lib import evidence, plots
from experiments.second import ledger, page
from experiments.second.claims import CLAIMS

ROWS = list(
    csv.DictReader(
        (evidence.RESULTS / "ledger.csv")
        .read_text(encoding="utf-8")
        .splitlines()
    )
)


def test_table_and_page_are_what_the_results_say():
    ledger.main(["--check"])


def test_a_stale_page_is_refused(monkeypatch, tmp_path):
    """And written when it may be."""
    for name in ("CSV", "PAGE"):
        path = tmp_path / name
        path.write_text("old", encoding="utf-8")
        monkeypatch.setattr(ledger, name, path)
    with pytest.raises(SystemExit, match="CSV, PAGE: not what the results"):
        ledger.main(["--check"])
    assert (tmp_path / "CSV").read_text(encoding="utf-8") == "old"
    ledger.main([])
    ledger.main(["--check"])


def test_a_reading_for_another_verdict_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(ledger, "CSV", tmp_path / "none.csv")
    wrong = replace(CLAIMS["P1"], read_for="not supported")
    monkeypatch.setitem(CLAIMS, "P1", wrong)
    with pytest.raises(SystemExit, match="P1: the reading was written for"):
        ledger.main([])
    assert not (tmp_path / "none.csv").exists()


def test_every_strip_of_the_sheet_has_one_name():
    """In order, and none hides another's."""
    index = json.loads(
        (evidence.RESULTS / "ledger-pictures.json").read_text(encoding="utf-8")
    )
    named = [
        row
        for sets in index["rows"].values()
        for rows in sets.values()
        for row in rows.values()
    ]
    with Image.open(evidence.RESULTS / "ledger.webp") as sheet:
        side = sheet.width // index["shown"]
        assert named == list(range(sheet.height // side))


def test_the_first_figure_names_the_claims_that_always_hold():
    """By the file of rows, which was written before the figure was."""
    nb = nbformat.read(ledger.PAGE, as_version=4)
    (cell,) = (c for c in nb.cells if c.id == "ledger-overview")
    caption = cell.metadata["mystnb"]["figure"]["caption"]
    names = dict.fromkeys(row["claim"] for row in ROWS)
    always = [
        name
        for name in names
        if all(
            row["together"].startswith("supported")
            for row in ROWS
            if row["claim"] == name
        )
    ]
    assert always
    assert re.match(r"\*\*(.*) hold in every row", caption)[1] == " and ".join(
        always
    )
    assert {row["together"] for row in ROWS} <= set(
        re.findall(r'"([a-z, ]+)": "#', cell.source)
    )


# --- a stranger's check: ten rows, computed anew from the runs' files ---------


def series(kind: str, d: int, metric: str, more: str = "") -> dict:
    """A metric of each seed and its resamples, read by nobody's code but ours
    here: {seed: (value, resamples)}.
    """
    found = {}
    for path in (evidence.RESULTS / "second").glob(f"{kind}-d{d}{more}-seed*"):
        if not path.stem.removeprefix(f"{kind}-d{d}{more}-seed").isdigit():
            continue
        run = json.loads(path.read_text(encoding="utf-8"))
        if metric in run["metrics"]:
            part = run["resamples"].get(metric, {"step": 0, "bytes": ""})
            raw = base64.b64decode(part["bytes"]) or bytes(100)
            luck = part["step"] * np.frombuffer(raw, "int8").astype(float)
            found[run["config"]["seed"]] = run["metrics"][metric], luck
    return found


def interval(one: dict, other: dict | None = None, less: float = 0.0,
             rows: int = 78) -> tuple[float, float, float]:  # fmt: skip
    """Mean and ends by the protocol's words: Student's over seeds, with the
    variance that resampled test images give added to that of the mean.
    """
    seeds = sorted(one.keys() & other.keys() if other else one)
    values = np.array([
        one[s][0] - less - (other[s][0] if other else 0) for s in seeds
    ])  # fmt: skip
    luck = np.mean(
        [one[s][1] - (other[s][1] if other else 0) for s in seeds], axis=0
    )
    n = len(values)
    error = math.sqrt(values.var(ddof=1) / n + luck.var(ddof=1))
    half = stats.t.ppf(1 - 0.05 / rows / 2, n - 1) * error
    return values.mean(), values.mean() - half, values.mean() + half


CASES = {
    "A1": ("nats below the best linear decoder", "16", "", lambda: interval(
        series("ae", 16, "below_linear"))),
    "A2": ("draws of a mixture that pass, less .9", "16", "pixels",
           lambda: interval(series("ae", 16, "passing_mixture_pixels"),
                            less=0.9)),
    "P1": ("codes told from a Gaussian, less .5", "2", "", lambda: interval(
        series("ae", 2, "told_gaussian"), less=0.5)),
    "P3": ("passing lost in holes", "2", "pixels", lambda: interval(
        series("ae", 2, "lost_in_holes_pixels"))),
    "P4": ("codes told from a Gaussian: growth", "2 to 16", "",
           lambda: interval(series("ae", 16, "told_gaussian"),
                            series("ae", 2, "told_gaussian"))),
    "P5": ("classes flipped by a short step", "2", "nearest",
           lambda: interval(series("ae", 2, "flips_nearest"))),
    "V1": ("class read off the mean, VAE less AE", "16", "", lambda: interval(
        series("vae", 16, "neighbour_accuracy_mu"),
        series("ae", 16, "neighbour_accuracy_mu"))),
    "L2": ("cost of noise on codes, AE less VAE", "16", "", lambda: interval(
        series("ae", 16, "code_noise_cost"),
        series("vae", 16, "code_noise_cost"))),
    "L3": ("coverage: VAE's prior less AE's mixture", "16", "codes_of_an_ae",
           lambda: interval(series("vae", 16, "coverage_prior_codes_of_an_ae"),
                            series("ae", 16,
                                   "coverage_mixture_codes_of_an_ae"))),
    "C1": ("quality: AE's mixture less VAE's prior", "2",
           "classifier_used_to_blur", lambda: interval(
               series("ae", 2, "quality_mixture_classifier_used_to_blur"),
               series("vae", 2, "quality_prior_classifier_used_to_blur"))),
}  # fmt: skip


@pytest.mark.parametrize("claim", CASES)
def test_a_stranger_finds_the_same_numbers(claim):
    what, d, judge, found = CASES[claim]
    (row,) = (
        row for row in ROWS
        if (row["claim"], row["row"], row["d"], row["judge"], row["data"],
            row["beta"]) == (claim, what, d, judge, page.SETS["fashion-mnist"],
                             "1")
    )  # fmt: skip
    stored = [float(row[name]) for name in ("number", "low", "high")]
    assert stored == pytest.approx(found(), rel=1e-4, abs=1e-6)


# --- what is drawn ------------------------------------------------------------


def test_every_claim_with_rows_is_drawn():
    """One line for each judge that has a number, hollow where it is not asked,
    and at the edge where it lies beyond.
    """
    for claim in CLAIMS:
        if claim == "L1":
            with pytest.raises(ValueError, match="no claim 'L1'"):
                evidence.ledger(claim)
            continue
        rows = evidence.ledger(claim)
        figure = plots.verdict_rows(rows)
        sets = {row["data"] for row in rows}
        assert [ax.get_title() for ax in figure.axes] == sorted(
            sets, reverse=True
        )
        for ax in figure.axes:
            own = [r for r in rows if r["data"] == ax.get_title()]
            marks = [m for m in ax.lines if m.get_marker() in "o<>"]
            drawn = [row for row in own if row["number"]]
            limit = plots.FARTHEST
            places = [
                (
                    float(row["number"]) / float(row["margin"]),
                    row["verdict"] == "left out",
                )
                for row in drawn
            ]
            found = [
                (mark.get_xdata()[0], mark.get_markerfacecolor() == "white")
                for mark in marks
            ]
            wanted = sorted(
                (min(max(place, -limit), limit), hollow)
                for place, hollow in places
            )
            for ours, theirs in zip(sorted(found), wanted, strict=True):
                assert ours[0] == pytest.approx(theirs[0])
                assert ours[1] is theirs[1]
        plots.plt.close(figure)


def test_the_page_says_each_verdict_once_and_shows_the_numbers():
    notebook = nbformat.read(ledger.PAGE, as_version=4)
    text = "\n".join(cell.source for cell in notebook.cells)
    for name, claim in CLAIMS.items():
        assert f"(claim-{name.lower()})=" in text
        assert claim.words in text
    assert text.count("Every number") == len(CLAIMS) - 1
    assert "| data |" in text
