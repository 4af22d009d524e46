"""The sweep: what it trains, that models of one seed are twins, and that it
survives being killed.

The models trained here are tiny, and see images of the sample that comes with
the package.
"""

import contextlib
import json
import multiprocessing
import os
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from aevae_lib import data, evidence, models, zoo
from experiments import metrics, sweep
from experiments.sweep import Run

ROOT = Path(__file__).resolve().parents[2]
EVERY = {stage: sweep.stage_runs(stage) for stage in sweep.STAGES}
TWINS = ("ae", "vae", "noisy", "penalised")
TINY = [Run(kind, 2, 0, budget=2_000) for kind in ("ae", "vae", "noisy")]


# --- what is trained ---------------------------------------------------------


def test_no_two_runs_share_a_name():
    names = Counter(run.name for runs in EVERY.values() for run in runs)
    assert {name: count for name, count in names.items() if count > 1} == {}
    assert len(names) > 200


def test_a_name_says_what_a_run_departs_in():
    for run, name in {
        Run("ae", 2, 0): "ae-d2-seed0",
        Run("vae", 16, 3, beta=2.048): "vae-d16-beta2.048-seed3",
        Run("vae", 2, 0, beta=0.0): "vae-d2-beta0-seed0",
        Run("vae", 2, 1, train_images=500): "vae-d2-n500-seed1",
        Run("ae", 2, 1, only_class=6): "ae-d2-class6-seed1",
        Run(
            "ae", 2, 0, network="book", budget=1_650_000
        ): "ae-d2-budget1650000-book-seed0",
        Run("vae", 2, 100, lr=4e-3): "vae-d2-lr0.004-seed100",
    }.items():
        assert run.name == name
    for runs in EVERY.values():
        for run in runs:
            assert re.fullmatch(
                r"[a-z]+-d\d+(-[a-z]+[\d.]*)*-seed\d+", run.name
            )
            assert (
                run.name.rpartition("-seed")[0]
                == Run(**vars(run) | {"seed": 7}).name[:-6]
            )


def test_stages_are_those_of_the_protocol():
    """Counted from its table: kinds, dimensions and seeds."""

    def count(stage: str, **fixed) -> Counter:
        chosen = [
            r
            for r in EVERY[stage]
            if all(getattr(r, k) == v for k, v in fixed.items())
        ]
        assert Counter(run.seed for run in chosen).keys() == set(range(1 + max(
            run.seed for run in chosen)))  # fmt: skip
        return Counter((run.kind, run.latent_dim) for run in chosen)

    pair = ("ae", "vae")
    assert count("A") == {
        (kind, d): n for kind in TWINS for d, n in ((2, 10), (16, 5))
    }
    assert count("B") == {(kind, d): 5 for kind in pair for d in (4, 8, 32, 64)}
    for beta in (0, 0.1, 0.5, 2.048, 4, 10, 100):
        assert count("C", beta=beta) == {("vae", d): 3 for d in (2, 16)}
    for departure in (
        {"train_images": 500},
        {"train_images": 5000},
        {"only_class": 6},
    ):
        assert count("C", **departure) == {
            (kind, d): 3 for kind in pair for d in (2, 16)
        }
    for kind in ("cae", "cvae"):
        assert count("C", kind=kind) == {(kind, d): 3 for d in (2, 16)}
    for departure in ({"budget": 3 * 550_000}, {"network": "book"}):
        assert count("D", **departure) == {(kind, 2): 3 for kind in pair}
    sizes = {stage: len(runs) for stage, runs in EVERY.items()}
    assert sizes == {
        "tune": 12,
        "A": 60,
        "B": 40,
        "C": 42 + 24 + 12 + 12,
        "D": 12,
    }


def test_a_run_departs_from_the_protocol_only_where_its_stage_says():
    plain = {
        "beta": 1.0,
        "train_images": 55_000,
        "only_class": None,
        "budget": 550_000,
    }
    plain |= {"network": "lesson", "lr": None}
    assert {field.name for field in fields(Run)} == {
        "kind",
        "latent_dim",
        "seed",
        *plain,
    }
    allowed = {"tune": 1, "A": 0, "B": 0, "C": 1, "D": 1}
    for stage, runs in EVERY.items():
        for run in runs:
            departures = [
                name
                for name, value in plain.items()
                if getattr(run, name) != value
            ]
            told = run.kind in ("cae", "cvae")
            assert len(departures) + told <= allowed[stage], run
            assert (
                (run.lr is not None)
                == (stage == "tune")
                == (run.seed == sweep.TUNING_SEED)
            )


def test_a_stage_goes_seed_by_seed():
    for stage in "ABCD":
        seeds = [run.seed for run in EVERY[stage]]
        assert seeds == sorted(seeds)


def test_an_unknown_stage_is_refused():
    with pytest.raises(
        ValueError, match="no stage 'E'; the stages are tune, A, B, C, D"
    ):
        sweep.stage_runs("E")


# --- twins -------------------------------------------------------------------


def weights(run: Run, part: str) -> dict[str, torch.Tensor]:
    return getattr(sweep.build(run), part).state_dict()


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(
        torch.equal(a[name], b[name]) for name in a
    )


@pytest.mark.parametrize("kinds", [TWINS, ("cae", "cvae")], ids=" ".join)
@pytest.mark.parametrize(
    ("d", "network"), [(2, "lesson"), (16, "lesson"), (2, "book")]
)
def test_models_of_one_seed_start_from_the_same_trunk_and_decoder(
    kinds, d, network
):
    first, *others = (Run(kind, d, 3, network=network) for kind in kinds)
    for part in ("trunk", "decoder"):
        different = [
            o.kind
            for o in others
            if not same(weights(first, part), weights(o, part))
        ]
        assert different == [], part
        assert not same(
            weights(first, part), weights(Run(kinds[0], d, 4), part)
        )


def test_only_a_code_with_a_width_needs_another_head():
    ae, noisy, penalised = (
        weights(Run(k, 2, 0), "head") for k in ("ae", "noisy", "penalised")
    )
    assert same(ae, noisy)
    assert same(ae, penalised)
    assert len(weights(Run("vae", 2, 0), "head")["bias"]) == 2 * len(ae["bias"])


def test_each_kind_is_what_the_protocol_says():
    kinds = {
        kind: sweep.build(Run(kind, 2, 0)) for kind in (*TWINS, "cae", "cvae")
    }
    types = [
        models.Autoencoder,
        models.VAE,
        models.NoisyAutoencoder,
        models.Autoencoder,
    ]
    types += [models.ConditionalAutoencoder, models.ConditionalVAE]
    assert [type(model) for model in kinds.values()] == types
    x, labels = torch.rand(8, 1, 32, 32), torch.arange(8)
    for kind, model in kinds.items():
        out = model(x, labels) if kind in ("cae", "cvae") else model(x)
        terms = sweep.loss_of(Run(kind, 2, 0, beta=3.0))(out, x)[1]
        pays = {"vae": "kl", "cvae": "kl", "penalised": "penalty"}.get(kind)
        assert set(terms) == {"reconstruction"} | ({pays} if pays else set())
        total = terms["reconstruction"] + (
            3 if pays == "kl" else 1
        ) * terms.get(pays, 0)
        assert sweep.loss_of(Run(kind, 2, 0, beta=3.0))(out, x)[
            0
        ].item() == pytest.approx(total.item())


def test_all_kinds_see_the_same_images_in_the_same_order(worker, monkeypatch):
    seen = {}
    real = sweep.train.fit

    def fit(model, loss_fn, images, *arguments, **options):
        order: list[torch.Tensor] = []
        shuffled = data.shuffled

        def noted(*arguments):
            for chosen in shuffled(*arguments):
                order.append(images[chosen].flatten(1).sum(1))
                yield chosen

        monkeypatch.setattr(data, "shuffled", noted)
        history = real(model, loss_fn, images, *arguments, **options)
        monkeypatch.setattr(data, "shuffled", shuffled)
        seen[kind] = torch.cat(order)
        return history

    monkeypatch.setattr(sweep.train, "fit", fit)
    for kind in (*TWINS, "cae", "cvae"):
        sweep.train_run(
            Run(kind, 2, 5, budget=1_000), worker["fashion"], worker["folder"]
        )
    assert len(seen["ae"]) >= 1_000
    assert all(torch.equal(seen["ae"], images) for images in seen.values())


def test_a_run_trains_on_its_own_images_only():
    train = data.read_folder(data.SAMPLE_FOLDER)[0]
    few = sweep.training_set(Run("ae", 2, 0, train_images=500), train)
    assert torch.equal(few.images, train.images[:500])
    shirts = sweep.training_set(Run("ae", 2, 0, only_class=6), train)
    assert set(shirts.labels.tolist()) == {6}
    assert len(shirts.images) == len(shirts.labels) == (train.labels == 6).sum()


# --- choices -----------------------------------------------------------------


def untouchable(*arguments, **options):
    raise AssertionError("this run may not look at test images")


class Untouchable:
    """Test images that no one may see."""

    __getattr__ = __getitem__ = __len__ = __iter__ = untouchable


def test_tuning_sees_no_test_image(worker):
    hidden = worker["fashion"]._replace(test=Untouchable())
    worker.update(fashion=hidden, judge=Untouchable())
    result = sweep.do(Run("vae", 2, sweep.TUNING_SEED, lr=0.004, budget=1_000))
    assert result["metrics"] == {}
    assert result["history"][-1]["validation_loss"] > 0
    assert result["config"]["lr"] == 0.004
    with pytest.raises(AssertionError, match="may not look at test images"):
        sweep.do(Run("vae", 2, 0, budget=1_000))


def test_learning_rates_are_those_that_tuning_chose():
    """The lowest validation loss, summed over 2 and 16 dimensions."""
    stored = evidence.runs()
    for kind in ("ae", "vae"):
        losses = {
            lr: sum(
                stored[Run(kind, d, sweep.TUNING_SEED, lr=lr).name]["history"][
                    -1
                ]["validation_loss"]
                for d in (2, 16)
            )
            for lr in sweep.LEARNING_RATES
        }
        assert sweep.LR[kind] == min(losses, key=losses.get), losses
    assert sweep.learning_rate(Run("penalised", 2, 0)) == sweep.LR["ae"]
    assert sweep.learning_rate(Run("cvae", 2, 0)) == sweep.LR["vae"]


def test_stored_results_are_runs_of_the_protocol():
    planned = {run.name: run for runs in EVERY.values() for run in runs}
    stored = evidence.runs()
    assert "ae-d2-seed0" in stored, "no results yet: run the sweep"
    assert set(stored) <= set(planned)
    for name, result in stored.items():
        run = planned[name]
        assert result["config"] == vars(run) | {
            "lr": sweep.learning_rate(run)
        }, name
        assert bool(result["metrics"]) == (run.seed != sweep.TUNING_SEED), name
        last = result["history"][-1]["images_seen"]
        assert run.budget <= last < run.budget + 128, name


def test_stored_baselines_lie_between_the_floor_and_the_mean_image():
    """A linear decoder of more numbers costs less, and none costs more than the
    mean image.
    """
    names = (
        "pixel_entropy",
        "linear_d16",
        "linear_d8",
        "linear_d4",
        "linear_d2",
        "mean_image",
    )
    nats = [evidence.floor(name) for name in names]
    assert nats == sorted(nats), dict(zip(names, nats, strict=True))


# --- whole, or not at all ----------------------------------------------------


def test_a_file_appears_when_it_is_whole(tmp_path):
    path = tmp_path / "new" / "file.json"
    with sweep.atomic(path) as scratch:
        scratch.write_text("half")
        assert not path.exists()
        assert not list(path.parent.glob("*.json"))
        scratch.write_text("whole")
    assert path.read_text() == "whole"


def test_a_failed_file_leaves_nothing_and_the_old_one_stays(tmp_path):
    path = tmp_path / "file.json"
    path.write_text("old")

    def fail() -> None:
        with sweep.atomic(path) as scratch:
            scratch.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [
        ("file.json", "old")
    ]


# --- started again -----------------------------------------------------------


def small_fashion() -> data.FashionMNIST:
    """A thousand images of the shipped sample."""
    train, test = data.read_folder(data.SAMPLE_FOLDER)
    parts = [
        data.Split(split.images[chosen], split.labels[chosen])
        for split, chosen in (
            (train, slice(500)), (train, slice(-400, None)), (test, slice(200)),
        )
    ]  # fmt: skip
    return data.FashionMNIST(*parts, "the sample")


@contextlib.contextmanager
def small_worker(folder: Path) -> Iterator[dict]:
    """What a worker of the sweep holds, made small, in this process."""
    fashion, threads = small_fashion(), torch.get_num_threads()
    torch.set_num_threads(1)
    held = {"fashion": fashion, "folder": folder}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(metrics, "DRAWS", 100)
        patch.setattr(sweep, "_worker", held)
        held["judge"] = metrics.Judge(zoo.classifier(), fashion)
        yield held
    torch.set_num_threads(threads)


@pytest.fixture
def worker(tmp_path):
    """See `small_worker`."""
    with small_worker(tmp_path) as held:
        yield held


@pytest.fixture(scope="module")
def just_trained(tmp_path_factory):
    """The result of a tiny run, and the folder with its weights."""
    folder = tmp_path_factory.mktemp("trained")
    with small_worker(folder):
        return sweep.do(TINY[1]), folder


def lasting(result: dict) -> dict:
    """A result as a file holds it, without what differs from one time to the
    next.
    """
    stored = json.loads(
        json.dumps(result), parse_constant=str
    )  # NaN is equal to itself
    return {name: value for name, value in stored.items() if name != "timing"}


def test_a_model_that_was_trained_before_is_measured_as_if_just_trained(
    worker, just_trained
):
    result, worker["folder"] = just_trained
    stored = worker["folder"] / f"{TINY[1].name}.safetensors"
    before = stored.stat().st_mtime_ns
    again = sweep.do(TINY[1])
    assert lasting(again) == lasting(result)
    assert again["timing"]["train_seconds"] == result["timing"]["train_seconds"]
    assert stored.stat().st_mtime_ns == before, "it was trained again"


def test_what_came_before_in_a_process_changes_nothing(worker, just_trained):
    sweep.train_run(TINY[2], worker["fashion"], worker["folder"])
    torch.manual_seed(12345)
    np.random.seed(12345)  # noqa: NPY002  (the state that a careless metric would use)
    assert lasting(sweep.do(TINY[1])) == lasting(just_trained[0])


def test_floors_do_not_depend_on_the_random_state(worker):
    found = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        found.append(metrics.floors(worker["fashion"], worker["judge"]))
    assert found[0] == found[1]


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
    sweep.ProcessPoolExecutor = lambda processes, context, *start: (
        ProcessPoolExecutor(processes, fork, *start)
    )
    metrics.DRAWS = 100
    data.load = lambda device: small_fashion()
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    write_text = Path.write_text
    Path.write_text = lambda path, text, **options: slowly(
        write_text, path, text
    )
    sweep.save_file = lambda tensors, path, about: slowly(
        lambda path: save_file(tensors, path, about), Path(path)
    )
    sweep.sweep(TINY, results, kept, processes=2)


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
        assert same(stored, expected_weights[name]), name


def test_a_run_that_fails_stops_no_other_and_is_named(tmp_path, monkeypatch):
    def do(run):
        if run == TINY[0]:
            raise FloatingPointError("not finite")
        return {"name": run.name}

    monkeypatch.setattr(
        sweep, "ProcessPoolExecutor", lambda n, *_: ThreadPoolExecutor(n)
    )
    monkeypatch.setattr(sweep, "do", do)
    with pytest.raises(
        RuntimeError, match=f"1 runs failed: {re.escape(TINY[0].name)}"
    ):
        sweep.sweep(TINY, tmp_path, tmp_path, processes=2)
    found = {
        path.stem: json.loads(path.read_text())
        for path in tmp_path.glob("*.json")
    }
    assert found == {run.name: {"name": run.name} for run in TINY[1:]}
