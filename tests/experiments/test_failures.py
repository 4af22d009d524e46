"""Failures are what they say, and the finder's score is that of stored runs."""

import json
import math
from types import SimpleNamespace

import nbformat
import pytest
import torch
from torch import nn

from experiments import failures, prose
from experiments.failures import changes, finder, gather, measures
from experiments.failures.changes import CHANGES

CHAPTER = gather.ROOT / "chapters" / "training_went_wrong.ipynb"


@pytest.fixture(scope="module")
def stored():
    return failures.stored()


@pytest.fixture(scope="module")
def seen():
    """Squares and bars, as the loop gets its pictures."""
    generator = torch.Generator().manual_seed(0)
    images = torch.zeros(300, 1, 32, 32, dtype=torch.uint8)
    for k, image in enumerate(images):
        size = 6 + k % 15
        image[0, 4 : 4 + size, 8 : 8 + 2 * (k % 9) + 2] = 255
    images = images[torch.randperm(300, generator=generator)]
    mean = images.float().mean(0, keepdim=True) / 255
    return measures.Pictures(images[:150], images[150:200], images[200:], mean)


def step(name: str, pictures, steps: int = 1, norm=nn.Identity):
    """The changed loop and its model after a few steps."""
    loop = CHANGES[name].module()
    torch.manual_seed(0)
    model = loop.BareVAE(norm)
    report = measures.Report(model)
    loop.train(model, pictures.images, pictures.test, report, steps)
    return loop, model, report


# --- the loop and its changes ------------------------------------------------


def test_every_change_is_one_small_change_of_the_bare_source():
    bare = changes.BARE.read_text()
    assert CHANGES["sound"].source == bare
    for name, change in CHANGES.items():
        if name == "sound":
            continue
        before, after = bare.splitlines(), change.source.splitlines()
        other = set(before) ^ set(after)
        edits = len(change.edits)
        assert 1 <= len(other) <= 2 * edits, (name, other)
        assert edits <= 2 or change.cures, name
    for change in changes.CURES:
        assert change.cures in {failure.name for failure in changes.FAILURES}


def test_an_edit_of_what_is_not_there_is_refused():
    change = changes.Change("typo", "", (("loss = rec * kl", ""),))
    with pytest.raises(ValueError, match="is there 0 times"):
        _ = change.source


def test_a_detached_decoder_leaves_the_encoder_to_the_kl(seen):
    loop, model, _ = step("detached", seen)
    assert measures.pull(loop, model, seen.images) == 0
    loop, model, _ = step("sound", seen)
    assert measures.pull(loop, model, seen.images) > 0.1


def test_without_zero_grad_the_gradients_add_up(seen):
    """The first steps are equal, so the second gradient holds the first."""

    def gradients(name: str) -> list[torch.Tensor]:
        loop, found = CHANGES[name].module(), []
        torch.manual_seed(0)
        model = loop.BareVAE()

        def add(*_):
            grads = [p.grad.flatten() for p in model.parameters()]
            found.append(torch.cat(grads))

        report = SimpleNamespace(train=add, test=lambda *_: None)
        loop.train(model, seen.images, seen.test, report, 2)
        return found

    first, second = gradients("sound")
    summed = gradients("zero_grad")
    assert torch.allclose(summed[0], first, atol=1e-5)
    assert torch.allclose(summed[1], first + second, rtol=1e-3, atol=1e-3)
    assert not torch.allclose(summed[1], second, rtol=1e-3, atol=1e-3)


def test_the_loss_of_each_change_is_made_of_the_terms_that_it_says(seen):
    def said(name, rec, kl):
        return {
            "no_kl": rec, "beta": rec + 300 * kl, "sign": rec - kl,
            "sound": rec + kl,
        }[name]  # fmt: skip

    for name in ("no_kl", "beta", "sign", "sound"):
        row = step(name, seen)[2].rows[0]
        loss = said(name, row["rec"], row["kl"])
        assert row["loss"] == pytest.approx(loss, rel=1e-5), name
    mean, whole = (step(n, seen)[2].rows[0] for n in ("mean", "sound"))
    assert mean["rec"] == pytest.approx(whole["rec"] / 32**2, rel=1e-4)
    assert mean["kl"] == pytest.approx(whole["kl"], rel=1e-4)


def test_the_noise_of_a_sound_loop_is_what_logvar_says(seen):
    for name, right in (("sound", True), ("std", False)):
        loop, model, _ = step(name, seen, 40)
        with torch.no_grad():
            model.encoder[-1].bias[2:] = -2.0  # a narrow cloud
            found = measures.codes_and_draws(loop, model, seen)
        assert (abs(found["noise"] - 1) < 0.1) == right, found["noise"]


def test_what_is_fed_and_what_is_drawn(seen):
    loop, _, _ = step("pixels", seen)
    assert loop.as_input(seen.images).max() == 255
    loop, model, _ = step("sigmoid", seen, 20)
    z = torch.randn(50, 2)
    assert measures.shown(loop, model, z).min() >= 0.5
    loop, model, _ = step("sound", seen, 20)
    assert measures.shown(loop, model, z).min() < 0.5


def test_which_pictures_are_trained_on(seen):
    black = seen._replace(images=torch.zeros_like(seen.images))
    rows = {n: step(n, black, 60)[2].rows[-1] for n in ("sound", "leak")}
    assert rows["sound"]["rec"] < 100 < rows["leak"]["rec"]
    first = torch.cat([black.images[:100], seen.images])
    told = seen._replace(images=first)  # black ones first
    rows = {n: step(n, told, 60)[2].rows[-1] for n in ("few", "sound")}
    assert rows["few"]["rec"] < 100 < rows["sound"]["rec"]


def test_left_in_eval_mode_batchnorm_stops_counting(seen):
    for name, share in (("eval", 1 / 41), ("sound", 1.0)):
        _, model, report = step(name, seen, 41, nn.BatchNorm1d)
        counted = measures.counters(model, len(report.losses))["counted"]
        assert counted == pytest.approx(share), name
        assert model.training == (name == "sound")


def test_dead_units_are_zero_for_every_picture(seen):
    for name, few in (("dead", False), ("sound", True)):
        loop, model, _ = step(name, seen)
        with torch.no_grad():
            share = measures.dead_units(loop, model, seen.test)
        assert (share < 0.5) == few, (name, share)


def test_a_rate_too_high_has_its_step_recorded(seen):
    report = step("rate", seen, 60)[2]
    assert 1 < report.nan_step < 60
    before = report.losses[: report.nan_step - 1]
    assert all(map(math.isfinite, before))
    assert not math.isfinite(report.losses[report.nan_step - 1])
    assert step("sound", seen, 60)[2].nan_step is None


def test_measures_leave_a_model_as_it_was(seen):
    loop, model, report = step("sound", seen, 21, nn.BatchNorm1d)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    found = measures.measure(loop, model, report, seen)
    for key, value in model.state_dict().items():
        assert torch.equal(value, before[key]), key
    assert model.training
    assert set(found) >= {"rec", "kl", "dearer", "noise", "pull", "dead"}
    # Once more, by hand: later pictures under the model in eval mode.
    model.eval()
    torch.manual_seed(5)
    rec = loop.elbo(model, seen.later)[0].item()
    assert found["rec"] == pytest.approx(rec, rel=0.05)


# --- the finder --------------------------------------------------------------


def test_bayes_by_hand():
    counts = {
        "a": {"x": (3, 3), "y": (0, 3)},
        "b": {"x": (1, 3), "y": (0, 3)},
    }
    found = finder.ranked(counts, {"x": True})
    assert found == pytest.approx({"a": 3.5 / 5.0, "b": 1.5 / 5.0})
    assert list(finder.ranked(counts, {"x": False})) == ["b", "a"]
    assert finder.ranked(counts, {}) == {"a": 0.5, "b": 0.5}


def rows(**columns):
    length = len(next(iter(columns.values())))
    names = ("loss", "rec", "kl", "grad", "test_rec", "test_kl")
    return {name: columns.get(name, [1.0] * length) for name in names}


def test_what_is_not_a_number_is_no_symptom_but_nan():
    nothing = rows(rec=[700.0] + 10 * [None], test_rec=11 * [None],
                   test_kl=11 * [None], kl=[0.1] + 10 * [None],
                   grad=[5.0] + 10 * [None])  # fmt: skip
    measured = dict.fromkeys(
        ("dearer", "draws", "redrawn", "darkest", "noise", "pull", "dead",
         "counted", "input")
    )  # fmt: skip
    run = {"nan_step": 3, "rows": nothing, **measured}
    assert [key for key, holds in finder.answers(run).items() if holds] == [
        "nan"
    ]


def test_curves_are_read_as_they_say():
    up = rows(test_rec=[300.0, 280.0, 310.0, 290.0])
    assert finder.rebound({"rows": up}) == 30
    down = rows(test_rec=[500.0, 400.0, 390.0, 380.0])
    assert finder.still_falling({"rows": {**down}})
    apart = rows(test_rec=[290.0], test_kl=[7.0], rec=[270.0], kl=[6.0])
    assert finder.gap({"rows": apart}) == 21
    assert finder.growth({"rows": rows(grad=[9.0, 2.0, 8.0])}) == 4


# --- what is stored ----------------------------------------------------------


def test_the_file_holds_every_run_and_is_small(stored):
    keys = {f"{name}-{net}-seed{seed}" for name, net, seed in changes.runs()}
    assert set(stored["runs"]) == keys
    size = failures.RESULTS.stat().st_size + gather.SHEET.stat().st_size
    assert size < 300_000, size
    assert len(changes.FAILURES) >= 12


def test_every_ill_run_has_its_reports_and_its_answers(stored):
    for key, run in stored["runs"].items():
        name = key.split("-")[0]
        if CHANGES[name].cures:
            assert "rows" not in run
            continue
        assert {len(column) for column in run["rows"].values()} == {11}, key
        seen = finder.answers(run)
        assert run["seen"] == [s for s, holds in seen.items() if holds], key
        if run["nan_step"] is None:
            assert run["rec"] is not None, key


def of_seeds(stored, seeds):
    return [
        (key.split("-")[0], run)
        for key, run in stored["runs"].items()
        if int(key.rpartition("seed")[2]) in seeds
        and not CHANGES[key.split("-")[0]].cures
    ]


def test_the_finders_score_is_that_of_the_stored_runs(stored):
    """Counted on some seeds, judged on others."""
    assert not set(changes.TUNED_ON) & set(changes.FRESH)
    counts = finder.counted(of_seeds(stored, changes.TUNED_ON))
    table = {
        cause: {symptom: tuple(two) for symptom, two in found.items()}
        for cause, found in stored["table"].items()
    }
    assert table == counts
    fresh = of_seeds(stored, changes.FRESH)
    for how, tests in (("tests", True), ("eyes", False)):
        score = finder.score(counts, fresh, tests)
        assert score == stored["score"][how]
        assert finder.always_found(score) == stored["found"][how]


def test_the_finder_names_the_cause_and_calls_no_sound_run_ill(stored):
    assert stored["found"]["tests"] >= 10
    times, of = stored["score"]["tests"]["sound"]
    assert times == of > 0


def test_numbers_lie_between_the_lowest_and_the_highest_seed(stored):
    for name, networks in stored["summary"].items():
        for network, found in networks.items():
            values = [
                stored["runs"][f"{name}-{network}-seed{seed}"]["rec"]
                for seed in changes.TUNED_ON
            ]
            if None in values:
                assert "rec" not in found
                assert found["nan"] > 0
                continue
            assert found["rec"]["low"] == min(values)
            assert found["rec"]["high"] == max(values)
            mean = sum(values) / len(values)
            assert found["rec"]["mean"] == pytest.approx(mean, rel=1e-3)


def test_numbers_that_are_not_finite_are_stored_as_none():
    odd = {"a": [math.inf, math.nan, 1.23456], "b": (2, "x", None)}
    assert gather.finite(odd) == {"a": [None, None, 1.235], "b": [2, "x", None]}
    assert json.loads(gather.laid_out({"x": 1, "runs": {"r": {}}})) == {
        "x": 1, "runs": {"r": {}},
    }  # fmt: skip


def test_prose_can_name_a_stored_number(stored):
    rec = stored["summary"]["beta+free"]["plain"]["rec"]["mean"]
    path = "failures.summary.beta+free.plain.rec.mean"
    assert prose.value(f"{path} : .2f") == f"{rec:.2f}"
    with pytest.raises(ValueError, match="no 'rex'"):
        prose.value("failures.summary.sound.plain.rex")


# --- the chapter -------------------------------------------------------------


def cells():
    return nbformat.read(CHAPTER, as_version=4).cells


def test_the_loop_that_the_chapter_shows_is_the_one_that_ran():
    blocks = "\n".join(c.source for c in cells() if c.cell_type == "markdown")
    bare = changes.BARE.read_text()
    for function in ("def elbo", "def train"):
        start = bare.index(function)
        end = bare.find("\n\n\n", start)
        assert bare[start : end if end > 0 else None].strip() in blocks


def test_the_chapters_finder_ranks_as_the_experiments_do(stored):
    [source] = [c.source for c in cells() if "def causes(" in c.source]
    names = {"TABLE": stored["table"]}
    exec(source[source.index("def causes(") :].split("\n\n\n")[0], names)
    for run in list(stored["runs"].values())[:60]:
        if "rows" in run:
            seen = finder.answers(run)
            counts = stored["table"]
            wanted = finder.ranked(counts, seen)
            assert names["causes"](seen) == pytest.approx(wanted, rel=1e-6)
