"""The second edition's sweep: what is there is not done again."""

from concurrent.futures import Future
from dataclasses import asdict

import pytest

from experiments.second import __main__ as sweep
from experiments.second import measuring, rates, runs, training
from experiments.second.runs import Run


class Here:
    """A pool that does at once, in this process, what it is given."""

    def submit(self, function, *arguments) -> Future:
        done = Future()
        done.set_result(function(*arguments))
        return done


@pytest.fixture
def done(tmp_path, monkeypatch):
    """What was trained and what was measured, by a sweep that only pretends;
    results and weights lie in a folder of their own.
    """
    found = {"trained": [], "measured": []}

    def train(job, device, folder, commit) -> list[dict]:
        abouts = []
        for run, rate in zip(job.runs, job.rates, strict=True):
            found["trained"].append((run.name, rate))
            folder.mkdir(exist_ok=True)
            training.weights_of(run, folder).write_bytes(b"weights")
            loss = abs(rate - 0.016)
            abouts.append({
                "config": asdict(run) | {"lr": rate}, "failed": False,
                "history": [{"validation_loss": loss}],
            })  # fmt: skip
        return abouts

    def measure(run, stored) -> dict:
        found["measured"].append(run.name)
        names = measuring.lacking(run, stored or {"metrics": {}})
        known = stored["metrics"] if stored else {}
        metrics = known | dict.fromkeys(names, 1.0)
        return {"config": asdict(run), "metrics": metrics}

    weights = tmp_path / "weights"
    monkeypatch.setattr(training, "WEIGHTS", weights)
    monkeypatch.setattr(training, "do", train)
    monkeypatch.setattr(sweep, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(measuring, "result_of", measure)
    monkeypatch.setattr(measuring, "BASELINES", tmp_path)
    return found


RUNS = [Run("ae", 2, 0), Run("ae", 2, 1), Run("cae", 16, 0)]


def test_rates_come_first_and_are_used(done):
    sweep.tune(RUNS, Here())
    tried = {name for name, _ in done["trained"]}
    assert tried == {run.name for run in rates.candidates(RUNS[0])}
    done["trained"].clear()
    sweep.train(RUNS, Here())
    assert done["trained"] == [(run.name, 0.016) for run in RUNS]


def test_what_is_there_is_not_done_again(done):
    for _ in range(2):
        sweep.tune(RUNS, Here())
        sweep.train(RUNS, Here())
        sweep.measure(RUNS, Here())
    names = [name for name, _ in done["trained"]]
    assert len(names) == len(set(names)) == len(RUNS) + 10
    assert done["measured"] == [run.name for run in RUNS]


def test_a_metric_that_lacks_is_filled_in(done):
    sweep.tune(RUNS, Here())
    sweep.train(RUNS, Here())
    sweep.measure(RUNS, Here())
    path = sweep.RESULTS / "ae-d2-seed1.json"
    stored = sweep.stored()["ae-d2-seed1"]
    del stored["metrics"]["gini"]
    sweep.write_json(path, stored)
    done["measured"].clear()
    sweep.measure(RUNS, Here())
    assert done["measured"] == ["ae-d2-seed1"]
    assert "gini" in sweep.stored()["ae-d2-seed1"]["metrics"]


def test_weights_may_be_deleted_once_they_are_measured(done):
    """But the twin that a run of one class is measured beside is trained."""
    sweep.tune(RUNS, Here())
    sweep.train(RUNS, Here())
    sweep.measure(RUNS, Here())
    for path in training.WEIGHTS.iterdir():
        path.unlink()
    done["trained"].clear()
    sweep.train(RUNS, Here())
    assert done["trained"] == []
    birds = Run("ae", 2, 1, only_class=1)
    sweep.train([*RUNS, birds], Here())
    assert [name for name, _ in done["trained"]] == [birds.name, "ae-d2-seed1"]


def test_runs_that_share_all_but_the_seed_are_one_job():
    found = training.jobs(
        runs.headline()[:8], dict.fromkeys(
            (run.name for run in runs.headline()), 0.01
        ), 10,
    )  # fmt: skip
    assert [len(job.runs) for job in found] == [2, 2, 2, 2]
    for job in found:
        assert {run.seed for run in job.runs} == {0, 1}
        assert len({run.group for run in job.runs}) == 1
