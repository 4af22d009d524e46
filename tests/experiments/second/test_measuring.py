"""One run, measured from end to end on little."""

import json
import math

import pytest
from safetensors.torch import save_file

from experiments import files, runs
from experiments.second import measuring, metrics, resampling
from experiments.second.runs import Run
from tests.experiments.second import small

HISTORY = [{"images_seen": 128, "reconstruction": 300.0}]
ABOUT = {"lr": 0.016, "seconds": 1.0, "device": "cpu"}
EVERY = [
    Run("ae", 2, 0),
    Run("vae", 3, 1, beta=0.5),
    Run("learned", 2, 3),
    Run("vae", 2, 0, only_class=runs.SHIRT),
    Run("cvae", 2, 0),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """With the weights of a twin of the model that has seen shirts only."""
    folder = tmp_path_factory.mktemp("weights")
    twin = runs.build(Run("vae", 2, 0)).state_dict()
    about = {
        "config": {"lr": 0.016}, "history": HISTORY, "seconds": 1.0,
        "made_with": {"device": "cpu"},
    }  # fmt: skip
    save_file(
        twin, folder / "vae-d2-seed0.safetensors",
        {"about": json.dumps(about)},
    )  # fmt: skip
    with small.process_in(folder):
        yield folder


@pytest.fixture(scope="module")
def results(folder):
    return {
        run: measuring.measure_run(run, runs.build(run), HISTORY, ABOUT)
        for run in EVERY
    }


@pytest.mark.parametrize("run", EVERY, ids=lambda run: run.name)
def test_a_result_has_every_metric_of_its_run(results, run, tmp_path):
    found = results[run]
    assert list(found["metrics"]) == metrics.wanted(run)
    assert found["config"]["data"] == "fashion-mnist"
    assert found["config"]["lr"] == 0.016
    assert found["history"] == HISTORY
    assert found["made_with"]["commit"] == "a commit"
    sampled = {n for n in metrics.wanted(run) if metrics.METRICS[n].sampled}
    assert set(found["resamples"]) == sampled
    for stored in found["resamples"].values():
        assert resampling.unpacked(stored).shape == (resampling.RESAMPLES,)
    path = tmp_path / "result.json"
    files.write_json(path, found)  # which refuses what JSON has not
    assert json.loads(path.read_text())["metrics"].keys() == (
        found["metrics"].keys()
    )


def test_a_run_that_serves_a_choice_sees_no_test_image(folder):
    run = Run("ae", 2, runs.TUNING_SEED, lr=0.016)
    found = measuring.measure_run(run, runs.build(run), HISTORY, ABOUT)
    assert found["metrics"] == found["resamples"] == {}


def test_what_lacks_is_filled_in_as_if_it_had_been_there(folder, results):
    run = EVERY[0]
    whole = results[run]
    names = ("passing_gaussian_pixels", "gap", "gini")
    stored = whole | {
        part: {k: v for k, v in whole[part].items() if k not in names}
        for part in ("metrics", "resamples")
    }
    assert sorted(measuring.lacking(run, stored)) == sorted(names)
    found = measuring.fill(run, runs.build(run), HISTORY, stored)
    for name, number in whole["metrics"].items():
        again = found["metrics"][name]
        assert again == number or (math.isnan(again) and math.isnan(number))
    assert found["resamples"] == whole["resamples"]
    assert sorted(found["filled_in"][0]["metrics"]) == sorted(names)
    with pytest.raises(ValueError, match="are not those of its result"):
        measuring.fill(run, runs.build(run), [], stored)


def test_a_result_comes_from_kept_weights(folder):
    """Whole, and filled in, for the twin whose weights are there."""
    run = Run("vae", 2, 0)
    names = metrics.wanted(run)
    with pytest.MonkeyPatch.context() as patch:
        few = ["reconstruction", "kl", "gini"]
        patch.setattr(metrics, "wanted", lambda run: few)
        found = measuring.result_of(run)
        assert list(found["metrics"]) == few
        assert found["made_with"]["trained_on"] == "cpu"
        assert found["config"]["lr"] == 0.016
        few.append("gap")
        filled = measuring.result_of(run, found)
    assert list(filled["metrics"]) == few
    assert set(few) <= set(names)
