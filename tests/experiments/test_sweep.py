"""The sweep: it sees what it may, it survives being killed, and it fills in
what stored results lack.

The models trained here are tiny, and see images of the sample that comes with
the package.
"""

import json
import math
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

import aevae_lib
from aevae_lib import data, evidence
from experiments import files, floors, metrics, runs, subject
from experiments.metrics import METRICS, Metric
from experiments.runs import Run
from experiments.sweep import pool, worker
from tests.experiments import tiny

TINY = tiny.RUNS
FEW_METRICS = {"reconstruction", "kl", "flips", "precision_prior"}


@pytest.fixture
def held(tmp_path):
    """What a worker of the sweep holds, made small, in this process."""
    with tiny.worker_in(tmp_path) as held:
        yield held


@pytest.fixture(scope="module")
def just_trained(tmp_path_factory):
    """The result of a tiny run, and the folder with its weights."""
    folder = tmp_path_factory.mktemp("trained")
    with tiny.worker_in(folder):
        return worker.do(TINY[1]), folder


def lasting(result: dict) -> dict:
    """A result as a file holds it, without what differs from one time to the
    next.
    """
    stored = json.loads(json.dumps(files.defined(result)))
    return {name: value for name, value in stored.items() if name != "timing"}


# --- what is seen ------------------------------------------------------------


def test_all_kinds_see_the_same_images_in_the_same_order(held, monkeypatch):
    seen = {}
    shuffled = data.shuffled

    def noted(*arguments):
        for chosen in shuffled(*arguments):
            seen[kind].append(chosen)
            yield chosen

    monkeypatch.setattr(data, "shuffled", noted)
    for kind in runs.KINDS:
        seen[kind] = []
        worker.trained(Run(kind, 2, 5, budget=1_000))
    order = {kind: torch.cat(chosen) for kind, chosen in seen.items()}
    assert len(order["ae"]) >= 1_000
    assert all(torch.equal(order["ae"], chosen) for chosen in order.values())


def untouchable(*arguments, **options):
    raise AssertionError("this run may not look at test images")


class Untouchable:
    """Test images that no one may see."""

    __getattr__ = __getitem__ = __len__ = __iter__ = untouchable


def test_tuning_sees_no_test_image(held):
    hidden = replace(held["fashion"], test=Untouchable())
    held.update(fashion=hidden, judge=Untouchable())
    result = worker.do(Run("vae", 2, runs.TUNING_SEED, lr=0.004, budget=1_000))
    assert result["metrics"] == {}
    assert result["history"][-1]["validation_loss"] > 0
    assert result["config"]["lr"] == 0.004
    with pytest.raises(AssertionError, match="may not look at test images"):
        worker.do(Run("vae", 2, 0, budget=1_000))


@pytest.mark.parametrize("run", [TINY[1], Run("cae", 2, 0, budget=500)])
def test_choices_are_made_on_validation_images(held, run):
    """A run's history is measured on nothing else."""
    fashion = held["fashion"]
    other = replace(fashion, validation=fashion.validation[:5])
    rows = []
    for shown in (fashion, other):
        held.update(fashion=shown, folder=held["folder"] / str(len(rows)))
        rows.append(worker.trained(run)[1][-1])
    assert rows[0]["reconstruction"] == rows[1]["reconstruction"]
    assert (
        rows[0]["validation_reconstruction"]
        != rows[1]["validation_reconstruction"]
    )


# --- whole, or not at all ----------------------------------------------------


def test_a_file_appears_when_it_is_whole(tmp_path):
    path = tmp_path / "new" / "file.json"
    with files.atomic(path) as scratch:
        scratch.write_text("half")
        assert not path.exists()
        assert not list(path.parent.glob("*.json"))
        scratch.write_text("whole")
    assert path.read_text() == "whole"


def test_a_failed_file_leaves_nothing_and_the_old_one_stays(tmp_path):
    path = tmp_path / "file.json"
    path.write_text("old")

    def fail() -> None:
        with files.atomic(path) as scratch:
            scratch.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [
        ("file.json", "old")
    ]


def test_what_is_not_defined_is_stored_as_null(tmp_path):
    path = tmp_path / "file.json"
    files.write_json(path, {"a": [math.nan, (1.5, {"b": math.nan})]})
    assert json.loads(path.read_text()) == {"a": [None, [1.5, {"b": None}]]}
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.write_json(path, {"a": math.inf})


# --- made with ---------------------------------------------------------------


def test_a_result_names_library_and_commit(just_trained):
    found = just_trained[0]["made_with"]
    assert found["aevae_lib"] == aevae_lib.__version__
    assert found["commit"] == "a commit"
    assert {"data", "device", "python", "torch", "numpy"} <= found.keys()


def test_where_a_folder_lies_is_not_stored():
    named = replace(tiny.fashion(), source="AEVAE_DATA=/data/images")
    assert worker.describe_versions(named, "none")["data"] == "AEVAE_DATA"


def test_the_commit_is_that_of_the_code(tmp_path, git):
    assert worker.commit(tmp_path) == "unknown"
    git(tmp_path, "init", "--quiet")
    code = tmp_path / "experiments" / "code.py"
    results = tmp_path / "aevae_lib" / "results" / "run.json"
    for path in (code, results):
        path.parent.mkdir(parents=True)
        path.write_text("1")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--no-gpg-sign", "--message=all")
    head = subprocess.check_output(
        ["git", "rev-parse", "HEAD"], cwd=tmp_path, text=True
    ).strip()
    assert worker.commit(tmp_path) == head
    results.write_text("2")  # no code: the sweep itself writes here
    assert worker.commit(tmp_path) == head
    code.write_text("2")
    assert worker.commit(tmp_path) == f"{head} with changes"


# --- what came before --------------------------------------------------------


def test_a_model_that_was_trained_before_is_measured_as_if_just_trained(
    held, just_trained
):
    result, held["folder"] = just_trained
    stored = worker.weights_of(TINY[1], held["folder"])
    before = stored.stat().st_mtime_ns
    again = worker.do(TINY[1])
    assert lasting(again) == lasting(result)
    assert again["timing"]["train_seconds"] == result["timing"]["train_seconds"]
    assert stored.stat().st_mtime_ns == before, "it was trained again"


def test_what_came_before_in_a_process_changes_nothing(held, just_trained):
    worker.trained(TINY[2])
    torch.manual_seed(12345)
    # The state that a careless metric would use.
    np.random.seed(12345)  # noqa: NPY002
    assert lasting(worker.do(TINY[1])) == lasting(just_trained[0])


def test_floors_do_not_depend_on_the_random_state(held):
    found = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        found.append(floors.floors(held["fashion"], held["judge"]))
    assert found[0] == found[1]
    assert found[0].keys() <= evidence.floors().keys()


# --- a metric that stored results lack ---------------------------------------


def brightness(s: subject.Subject) -> float:
    return s.pictures(s.test_codes).mean().item()


NEW = Metric("brightness", "grey values", "neither", None, (), brightness)


@pytest.fixture
def here(held, monkeypatch, tmp_path):
    """A sweep in this process, with tiny data: `here()` does TINY."""

    def in_threads(processes, context, start, arguments):
        held.update(commit=arguments[-1])
        return ThreadPoolExecutor(1)

    monkeypatch.setattr(pool, "ProcessPoolExecutor", in_threads)
    for name in set(METRICS) - FEW_METRICS:
        monkeypatch.delitem(METRICS, name)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    results = tmp_path / "results"

    def sweep() -> dict[str, dict]:
        pool.sweep(TINY[:2], results, held["folder"], processes=1)
        return {
            run.name: json.loads((results / f"{run.name}.json").read_text())
            for run in TINY[:2]
        }

    return sweep


@pytest.mark.parametrize("weights", ["kept", "trained again"])
def test_a_new_metric_is_filled_in_and_nothing_else_changes(
    here, held, monkeypatch, weights
):
    before = here()
    if weights == "trained again":
        for path in held["folder"].glob("*.safetensors"):
            path.unlink()
    monkeypatch.setitem(METRICS, NEW.name, NEW)
    monkeypatch.setattr(worker, "commit", lambda: "a later commit")
    after = here()
    for run in TINY[:2]:
        old, new = before[run.name], after[run.name]
        (note,) = new.pop("filled_in")
        model = worker.trained(run)[0]
        number = brightness(tiny.subject_of(run, model, held))
        assert new["metrics"].pop("brightness") == number
        assert new == old
        assert list(new["metrics"]) == list(old["metrics"])
        assert note["metrics"] == ["brightness"]
        assert (note["weights"], note["drift"]) == (weights, 0)
        assert note["made_with"]["commit"] == "a later commit"


def test_what_is_complete_is_not_touched(here, tmp_path):
    here()
    files_ = list((tmp_path / "results").iterdir())
    times = [path.stat().st_mtime_ns for path in files_]
    here()
    assert [path.stat().st_mtime_ns for path in files_] == times


def test_a_metric_that_a_model_leaves_undefined_is_a_result(here, monkeypatch):
    here()
    nowhere = replace(NEW, function=lambda s: math.nan)
    monkeypatch.setitem(METRICS, NEW.name, nowhere)
    after = here()
    assert [r["metrics"]["brightness"] for r in after.values()] == [None, None]
    never = replace(NEW, function=untouchable)
    monkeypatch.setitem(METRICS, NEW.name, never)
    here()  # null is an answer: it is not asked for again


def test_weights_of_another_training_are_refused(here, held, monkeypatch):
    here()
    other = held["folder"] / "other"
    held["folder"] = other
    other_run = replace(TINY[0], seed=1)
    worker.trained(other_run)
    path = worker.weights_of(other_run, other)
    path.rename(worker.weights_of(TINY[0], other))
    monkeypatch.setitem(METRICS, NEW.name, NEW)
    with pytest.raises(RuntimeError, match="1 runs failed") as error:
        here()
    assert "not those of the stored run" in str(error.value.__cause__)


def test_stored_results_lack_no_metric():
    """And have none but their own: what a run is to have is in the table."""
    for planned in map(runs.stage_runs, runs.STAGES):
        for run in planned:
            stored = evidence.runs("first")[run.name]
            assert set(stored["metrics"]) == set(metrics.wanted(run)), run.name


# --- killed ------------------------------------------------------------------


def slowly(write, path: Path, *arguments) -> None:
    """Write a file in two halves with a pause between, as a slow disk would."""
    write(path, *arguments)
    whole = path.read_bytes()
    with path.open("wb") as file:
        file.write(whole[: len(whole) // 2])
        file.flush()
        time.sleep(0.15)
        file.write(whole[len(whole) // 2 :])


def attempt(results: Path, kept: Path) -> None:
    """The sweep of TINY in a process group of its own, on the small data and a
    slow disk.
    """
    os.setsid()
    # Forked workers have the small data and the slow disk that this function
    # puts in place.
    fork = multiprocessing.get_context("fork")
    pool.ProcessPoolExecutor = lambda processes, context, *start: (
        ProcessPoolExecutor(processes, fork, *start)
    )
    subject.DRAWS, subject.FEW = tiny.DRAWS, tiny.FEW
    for name in set(METRICS) - FEW_METRICS:
        del METRICS[name]
    data.load = lambda device: tiny.fashion()
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    write_text = Path.write_text
    Path.write_text = lambda path, text, **options: slowly(
        write_text, path, text
    )
    worker.save_file = lambda tensors, path, about: slowly(
        lambda path: save_file(tensors, path, about), Path(path)
    )
    pool.sweep(TINY, results, kept, processes=2)


class Watch:
    """Looks at every visible file each time that it changed, and notes those
    that are not whole.
    """

    def __init__(self, *folders: Path):
        self.folders, self.times, self.broken = folders, {}, []

    def look(self) -> None:
        for path in (
            path for folder in self.folders for path in folder.glob("[!.]*")
        ):
            if self.times.get(path) == (changed := path.stat().st_mtime_ns):
                continue
            self.times[path] = changed
            try:
                load_file(
                    path
                ) if path.suffix == ".safetensors" else json.loads(
                    path.read_text()
                )
            except (SafetensorError, ValueError):
                self.broken.append(path.name)


@pytest.fixture(scope="module")
def start():
    """Start an attempt: forked from a process that has imported everything and
    done nothing.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([__name__])

        def start(*folders: Path):
            process = context.Process(target=attempt, args=folders)
            process.start()
            while process.is_alive() and os.getpgid(process.pid) != process.pid:
                time.sleep(0.01)  # until it leads its own group
            return process

        process = context.Process(target=int)  # which waits for all imports
        process.start()
        process.join()
        yield start


def outcome(results: Path, kept: Path) -> tuple[dict, dict]:
    """What runs left behind: results without timing, and weights."""
    found = {
        path.name: lasting(json.loads(path.read_text()))
        for path in results.glob("*.json")
    }
    stored = {path.name: load_file(path) for path in kept.glob("*.safetensors")}
    return found, stored


def test_a_sweep_that_is_killed_again_and_again_ends_as_if_undisturbed(
    tmp_path, start
):
    calm = tmp_path / "calm results", tmp_path / "calm weights"
    since = time.monotonic()
    process = start(*calm)
    process.join()
    assert process.exitcode == 0
    lasted = time.monotonic() - since
    expected, expected_weights = outcome(*calm)
    assert sorted(expected) == sorted(f"{run.name}.json" for run in TINY)
    assert all(result["metrics"] for result in expected.values())

    rough = tmp_path / "rough results", tmp_path / "rough weights"
    for folder in rough:
        folder.mkdir()
    killed, watch = 0, Watch(*rough)
    for share in sorted(np.random.default_rng(0).uniform(0, 0.4, 6)):
        process = start(*rough)
        deadline = time.monotonic() + share * lasted
        while time.monotonic() < deadline and process.is_alive():
            watch.look()
            time.sleep(0.02)
        if process.is_alive():
            os.killpg(process.pid, signal.SIGKILL)
        process.join()
        killed += process.exitcode == -signal.SIGKILL
        watch.look()
    assert killed >= 2
    process = start(*rough)
    process.join()
    assert process.exitcode == 0
    watch.look()
    assert watch.broken == []
    assert len(watch.times) == 2 * len(TINY)
    assert not [path for folder in rough for path in folder.glob(".*")]
    found, found_weights = outcome(*rough)
    assert found == expected
    assert found_weights.keys() == expected_weights.keys()
    for name, stored in found_weights.items():
        expected = expected_weights[name]
        assert stored.keys() == expected.keys()
        assert all(map(torch.equal, stored.values(), expected.values())), name


def test_a_run_that_fails_stops_no_other_and_is_named(tmp_path, monkeypatch):
    def do(run):
        if run == TINY[0]:
            raise FloatingPointError("not finite")
        return {"name": run.name}

    monkeypatch.setattr(
        pool, "ProcessPoolExecutor", lambda n, *_: ThreadPoolExecutor(n)
    )
    monkeypatch.setattr(worker, "do", do)
    with pytest.raises(
        RuntimeError, match=f"1 runs failed: {re.escape(TINY[0].name)}"
    ):
        pool.sweep(TINY, tmp_path, tmp_path, processes=2)
    found = {
        path.stem: json.loads(path.read_text())
        for path in tmp_path.glob("*.json")
    }
    assert found == {run.name: {"name": run.name} for run in TINY[1:]}
