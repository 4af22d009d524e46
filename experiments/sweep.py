"""Train and measure every model that a claim rests on, and write what was
found.

    python -m experiments.sweep [STAGE ...] [--processes N] [--results FOLDER] [--weights FOLDER]

The stages are tune, A, B, C, D, in this order; without a name all of them are
run. Each run is one configuration: a model is trained, measured, and one JSON
file appears in `aevae_lib/results/runs`, whole or not at all. A run whose file
is there is not done again, so the sweep can be stopped at any moment and
started anew. Trained weights are kept in `_build/sweep`, so that a model need
not be trained again to be measured in a new way.

With a GPU the runs share it; otherwise each of two processes has one core for
itself, which together is faster than one process with two.
"""

import argparse
import contextlib
import io
import itertools
import json
import multiprocessing
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from tqdm import tqdm

from aevae_lib import data, losses, models, train, zoo

from . import metrics

ROOT = Path(__file__).resolve().parent.parent
RUNS = ROOT / "aevae_lib" / "results" / "runs"
FLOORS = RUNS.parent / "floors.json"
WEIGHTS = ROOT / "_build" / "sweep"
STAGES = ("tune", "A", "B", "C", "D")
TUNING_SEED = 100  # used by no other stage
LEARNING_RATES = (4e-3, 8e-3, 1.6e-2)  # the candidates; 8e-3 is the lesson's
# One learning rate for all with a KL, one for all without: the stage "tune"
# chose them.
LR = {"ae": 1.6e-2, "vae": 1.6e-2}
EPOCHS_KEPT = (1, 2, 3, 5, 7)  # of the ten


@dataclass(frozen=True)
class Run:
    """One configuration of the protocol."""

    kind: str  # "ae", "vae", "noisy", "penalised", "cae" or "cvae"
    latent_dim: int
    seed: int
    beta: float = 1.0
    train_images: int = 55_000
    only_class: int | None = None
    budget: int = 550_000  # images seen: ten epochs of 55,000
    network: str = "lesson"
    lr: float | None = None  # None: that of LR

    @property
    def name(self) -> str:
        """What its files are called: the ways in which it departs from the
        protocol.
        """
        parts = [self.kind, f"d{self.latent_dim}"]
        plain = Run(self.kind, self.latent_dim, self.seed)
        if self.beta != plain.beta:
            parts.append(f"beta{self.beta:g}")
        if self.train_images != plain.train_images:
            parts.append(f"n{self.train_images}")
        if self.only_class is not None:
            parts.append(f"class{self.only_class}")
        if self.budget != plain.budget:
            parts.append(f"budget{self.budget}")
        if self.network != plain.network:
            parts.append(self.network)
        if self.lr is not None:
            parts.append(f"lr{self.lr:g}")
        return "-".join([*parts, f"seed{self.seed}"])


def stage_runs(stage: str) -> list[Run]:
    """The runs of a stage, one seed after another: stopped early, all have some
    seeds.
    """

    def seeded(count: int, *runs: Run) -> list[Run]:
        return [
            replace(run, seed=seed) for seed in range(count) for run in runs
        ]

    pair = ("ae", "vae")
    four = ("ae", "vae", "noisy", "penalised")
    if stage == "tune":
        grid = itertools.product((2, 16), pair, LEARNING_RATES)
        return [Run(kind, d, TUNING_SEED, lr=lr) for d, kind, lr in grid]
    if stage == "A":
        both = [Run(kind, d, 0) for d in (2, 16) for kind in four]
        return seeded(5, *both) + [
            Run(kind, 2, seed) for seed in range(5, 10) for kind in four
        ]
    if stage == "B":
        return seeded(
            5, *(Run(kind, d, 0) for d in (4, 8, 32, 64) for kind in pair)
        )
    if stage == "C":
        betas = (0.0, 0.1, 0.5, 2.048, 4.0, 10.0, 100.0)
        dial = [Run("vae", d, 0, beta=beta) for d in (2, 16) for beta in betas]
        grid = itertools.product((2, 16), pair, (500, 5000))
        few = [Run(kind, d, 0, train_images=n) for d, kind, n in grid]
        shirts = [
            Run(kind, d, 0, only_class=metrics.SHIRT)
            for d in (2, 16)
            for kind in pair
        ]
        told = [Run(kind, d, 0) for d in (2, 16) for kind in ("cae", "cvae")]
        return seeded(3, *dial, *few, *shirts, *told)
    if stage == "D":
        longer = [Run(kind, 2, 0, budget=1_650_000) for kind in pair]
        wider = [Run(kind, 2, 0, network="book") for kind in pair]
        return seeded(3, *longer, *wider)
    raise ValueError(
        f"There is no stage {stage!r}; the stages are {', '.join(STAGES)}."
    )


def build(run: Run) -> models.Autoencoder:
    """The untrained model of a run; one seed gives all kinds the same trunk and
    decoder.
    """
    kinds = {
        "ae": models.Autoencoder,
        "vae": models.VAE,
        "noisy": models.NoisyAutoencoder,
        "penalised": models.Autoencoder,
        "cae": models.ConditionalAutoencoder,
        "cvae": models.ConditionalVAE,
    }
    networks = {"lesson": models.lesson_networks, "book": models.book_networks}
    torch.manual_seed(run.seed)
    return kinds[run.kind](run.latent_dim, networks[run.network])


def learning_rate(run: Run) -> float:
    """The learning rate of a run: frozen by the stage "tune" for all others."""
    return run.lr or LR["vae" if run.kind in ("vae", "cvae") else "ae"]


def loss_of(run: Run) -> Callable:
    """What the model of a run minimises."""
    if run.kind in ("vae", "cvae"):
        return partial(losses.vae_loss, beta=run.beta)
    return losses.penalised_loss if run.kind == "penalised" else losses.ae_loss


def training_set(run: Run, train: data.Split) -> data.Split:
    """The images and labels that a run may see."""
    if run.only_class is not None:
        own = train.labels == run.only_class
        train = data.Split(train.images[own], train.labels[own])
    return data.Split(
        train.images[: run.train_images], train.labels[: run.train_images]
    )


def train_run(
    run: Run, fashion: data.FashionMNIST, folder: Path
) -> tuple[models.Autoencoder, list[dict[str, float]], float]:
    """The trained model of a run, its history and the seconds it took; from
    `folder` if there.
    """
    path = folder / f"{run.name}.safetensors"
    # In the memory format of training, so that stored weights give the very
    # same numbers.
    model = build(run).to(
        fashion.train.images.device, memory_format=torch.channels_last
    )
    if path.exists():
        with safe_open(path, "pt") as stored:
            about = json.loads(stored.metadata()["about"])
        model.load_state_dict(load_file(path))
        return model, about["history"], about["seconds"]
    images, labels = training_set(run, fashion.train)
    told = run.kind in ("cae", "cvae")
    # The zoo has checkpoints of the plainest runs on their way.
    checkpoints = run == Run(run.kind, 2, 0) and run.kind in ("ae", "vae")

    def keep(row: dict[str, float]) -> None:
        epoch = round(row["images_seen"] / 55_000)
        if checkpoints and epoch in EPOCHS_KEPT:
            store(model, path.with_suffix(f".epoch{epoch}"), row)

    start = time.perf_counter()
    history = train.fit(
        model,
        loss_of(run),
        images,
        run.budget,
        seed=run.seed,
        lr=learning_rate(run),
        validation=None if told else fashion.validation.images,
        labels=labels if told else None,
        on_report=keep,
    )
    seconds = time.perf_counter() - start
    about = {"history": history, "seconds": seconds}
    store(model, path, about)
    return model, history, seconds


def store(model: models.Autoencoder, path: Path, about: dict) -> None:
    """Write a model's weights, with what is to be known about them in the
    header.
    """
    weights = {
        name: value.cpu().contiguous()
        for name, value in model.state_dict().items()
    }
    with atomic(path) as scratch:
        save_file(weights, scratch, {"about": json.dumps(about)})


@contextlib.contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """A file to write beside `path`, which becomes `path` once it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield scratch
        os.replace(scratch, path)
    finally:
        scratch.unlink(missing_ok=True)


# --- one run, in a worker ----------------------------------------------------

_worker: dict = {}


def start_worker(device: str, folder: Path, threads: int) -> None:
    """Load, once for each process, what all runs need."""
    torch.set_num_threads(threads)
    with contextlib.redirect_stdout(io.StringIO()):
        fashion = data.load(device)
    judge = metrics.Judge(zoo.classifier(), fashion)
    _worker.update(fashion=fashion, judge=judge, folder=folder)


def do(run: Run) -> dict:
    """Train and measure one configuration; the result is what its file holds."""
    fashion, judge = _worker["fashion"], _worker["judge"]
    model, history, seconds = train_run(run, fashion, _worker["folder"])
    start = time.perf_counter()
    found = {}
    if run.seed != TUNING_SEED:  # no choice may see test images
        seen = training_set(run, fashion.train)
        found = metrics.evaluate(model, fashion, judge, seen)
    return {
        "config": asdict(run) | {"lr": learning_rate(run)},
        "metrics": found,
        "history": history,
        "made_with": made_with(fashion),
        "timing": {
            "train_seconds": seconds,
            "measure_seconds": time.perf_counter() - start,
        },
    }


def made_with(fashion: data.FashionMNIST) -> dict[str, str]:
    """What a result was made with."""
    packages = ("torch", "numpy", "scikit-learn", "scipy")
    return {
        "data": fashion.source,
        "device": data.describe_device(fashion.train.images.device),
        "python": platform.python_version(),
        **{package: version(package) for package in packages},
    }


# --- all runs ----------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "stages", nargs="*", metavar="STAGE", help=", ".join(STAGES)
    )
    parser.add_argument(
        "--processes", type=int, help="default: one for each core; 4 on a GPU"
    )
    parser.add_argument(
        "--results", type=Path, default=RUNS, help="where JSON files go"
    )
    parser.add_argument(
        "--weights", type=Path, default=WEIGHTS, help="where weights are kept"
    )
    arguments = parser.parse_args()
    runs = [
        run for stage in arguments.stages or STAGES for run in stage_runs(stage)
    ]
    found = data.load()
    if len(found.train.labels) != 55_000:
        sys.exit(
            f"The sweep needs all of Fashion-MNIST, and found {found.source}."
        )
    if not FLOORS.exists():
        write_floors(found)
    sweep(runs, arguments.results, arguments.weights, arguments.processes)


def write_floors(fashion: data.FashionMNIST) -> None:
    """Measure, once, what real images score and what needs no training."""
    found = metrics.floors(fashion, metrics.Judge(zoo.classifier(), fashion))
    with atomic(FLOORS) as scratch:
        scratch.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def sweep(
    runs: list[Run], results: Path, weights: Path, processes: int | None = None
) -> None:
    """Do those of the runs whose result is not there yet, several at once.

    A run that fails does not stop the others; all that failed are named at the
    end.
    """
    device = data.pick_device().type
    processes = processes or (4 if device == "cuda" else os.cpu_count())
    waiting = [
        run for run in runs if not (results / f"{run.name}.json").exists()
    ]
    print(
        f"{len(runs)} runs, {len(runs) - len(waiting)} of them done before; on "
        f"{device}."
    )
    for left in [
        *results.glob(".*.json.*"),
        *weights.glob(".*.*"),
    ]:  # by a sweep that was killed
        left.unlink()
    # Read when a process starts: no threads that spin beside another process.
    os.environ |= {"OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"}
    pool = ProcessPoolExecutor(
        processes,
        multiprocessing.get_context("spawn"),
        start_worker,
        (device, weights, 1),
    )
    failed = {}
    with pool, tqdm(total=len(waiting), unit=" run", disable=False) as progress:
        names = {pool.submit(do, run): run.name for run in waiting}
        try:
            for future in as_completed(names):
                name = names[future]
                if error := future.exception():
                    failed[name] = error
                    tqdm.write(f"{name} failed: {error!r}")
                    continue
                with atomic(results / f"{name}.json") as scratch:
                    text = json.dumps(future.result(), indent=1)
                    scratch.write_text(text + "\n", encoding="utf-8")
                progress.set_postfix_str(name, refresh=False)
                progress.update()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    if failed:
        first = next(iter(failed.values()))
        raise RuntimeError(
            f"{len(failed)} runs failed: {', '.join(failed)}."
        ) from first


if __name__ == "__main__":
    main()
