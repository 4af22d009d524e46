"""One run, in a process of its own: trained, or taken from kept weights, and
measured.
"""

import json
import platform
import subprocess
import time
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

import aevae_lib
from aevae_lib import data, models, train, zoo

from .. import metrics
from ..files import ROOT, atomic
from ..runs import (
    EPOCH,
    EPOCHS_KEPT,
    KINDS,
    Run,
    build,
    checkpoints,
    learning_rate,
    loss_of,
    training_set,
)
from ..subject import Judge, Subject

_held: dict = {}  # what all runs of this process need


def start(device: str, folder: Path, threads: int, commit: str) -> None:
    """Load, once for each process, what all runs need."""
    torch.set_num_threads(threads)
    fashion = data.load(device=device)
    judge = Judge(zoo.classifier(), fashion)
    _held.update(fashion=fashion, judge=judge, folder=folder, commit=commit)


def do(run: Run) -> dict:
    """Train and measure one configuration: what its file holds."""
    model, history, seconds, _ = trained(run)
    begin = time.perf_counter()
    found = measured(run, model, metrics.wanted(run))
    return {
        "config": asdict(run) | {"lr": learning_rate(run)},
        "metrics": found,
        "history": history,
        "made_with": made_with(),
        "timing": {
            "train_seconds": seconds,
            "measure_seconds": time.perf_counter() - begin,
        },
    }


def fill(run: Run, stored: dict) -> dict:
    """A stored result with the metrics that it lacks, and with a note of what
    these were made with. All else in it stays as it is.

    Raises `ValueError` for weights that are not those of the stored run.
    """
    names = lacking(run, stored)
    model, history, _, kept = trained(run)
    if kept and history != stored["history"]:
        raise ValueError(
            f"The weights kept for {run.name} are not those of the stored run. "
            "Delete them, or name another folder for weights."
        )
    last, before = history[-1], stored["history"][-1]
    note = {
        "metrics": names,
        "weights": "kept" if kept else "trained again",
        # Training again elsewhere may end elsewhere: by so many nats.
        "drift": abs(last["reconstruction"] - before["reconstruction"]),
        "made_with": made_with(),
    }
    found = stored["metrics"] | measured(run, model, names)
    notes = [*stored.get("filled_in", []), note]
    return stored | {"metrics": found, "filled_in": notes}


def lacking(run: Run, stored: dict) -> list[str]:
    """The metrics that a run should have and its stored result has not."""
    return [
        name for name in metrics.wanted(run) if name not in stored["metrics"]
    ]


def measured(
    run: Run, model: models.Autoencoder, names: list[str]
) -> dict[str, float]:
    """These metrics of the trained model of a run."""
    if not names:
        return {}
    fashion, judge = _held["fashion"], _held["judge"]
    seen = training_set(run, fashion.train)
    subject = Subject(model, run, fashion, judge, seen)
    return metrics.evaluate(subject, names)


def trained(
    run: Run,
) -> tuple[models.Autoencoder, list[dict[str, float]], float, bool]:
    """The trained model of a run, its history, the seconds it took, and whether
    its weights had been kept.
    """
    fashion, path = _held["fashion"], weights_of(run, _held["folder"])
    # In the memory format of training, so that stored weights give the very
    # same numbers.
    model = build(run).to(
        fashion.train.images.device, memory_format=torch.channels_last
    )
    if path.exists():
        about = restore(model, path)
        return model, about["history"], about["seconds"], True
    begin = time.perf_counter()
    history = fit(run, model, fashion, path)
    seconds = time.perf_counter() - begin
    store(model, path, {"history": history, "seconds": seconds})
    return model, history, seconds, False


def fit(
    run: Run, model: models.Autoencoder, fashion: data.DataSet, path: Path
) -> list[dict[str, float]]:
    """Train the model of a run, and return its history."""
    images, labels = training_set(run, fashion.train)

    def keep(row: dict[str, float]) -> None:
        epoch = round(row["images_seen"] / EPOCH)
        if checkpoints(run) and epoch in EPOCHS_KEPT:
            store(model, on_the_way(path, epoch), row)

    return train.fit(
        model,
        loss_of(run),
        images,
        run.budget,
        seed=run.seed,
        lr=learning_rate(run),
        validation=fashion.validation,
        labels=labels if KINDS[run.kind].told else None,
        on_report=keep,
    )


# --- files of weights --------------------------------------------------------


def weights_of(run: Run, folder: Path) -> Path:
    """The file of a run's weights."""
    return folder / f"{run.name}.safetensors"


def on_the_way(path: Path, epoch: int) -> Path:
    """The file of the weights after so many epochs, beside the last ones."""
    return path.with_suffix(f".epoch{epoch}")


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


def restore(model: models.Autoencoder, path: Path) -> dict:
    """Give a model the weights of a file; returns what its header says."""
    with safe_open(path, "pt") as stored:
        about = json.loads(stored.metadata()["about"])
    model.load_state_dict(load_file(path))
    return about


# --- what a result was made with ---------------------------------------------


def made_with() -> dict[str, str]:
    """Data, device, versions and the commit."""
    return describe_versions(_held["fashion"], _held["commit"])


def describe_versions(dataset: data.DataSet, commit: str) -> dict[str, str]:
    """The same of a data set and a commit."""
    packages = ("torch", "numpy", "scikit-learn", "scipy")
    return {
        # Where a folder lies is of no use elsewhere.
        "data": dataset.source.partition("=")[0],
        "device": data.describe_device(dataset.train.images.device),
        "aevae_lib": aevae_lib.__version__,
        "commit": commit,
        "python": platform.python_version(),
        **{package: version(package) for package in packages},
    }


def commit(root: Path = ROOT) -> str:
    """The commit of the code, and whether it was changed since; "unknown"
    outside a repository.
    """
    code = ["aevae_lib", "experiments", ":!aevae_lib/results"]
    try:
        found, changes = (
            subprocess.run(
                ["git", *command], cwd=root, check=True, capture_output=True,
                text=True,
            ).stdout.strip()
            for command in (
                ["rev-parse", "HEAD"],
                ["status", "--porcelain", "--", *code],
            )
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{found} with changes" if changes else found
