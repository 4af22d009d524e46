"""Runs, trained in a process of their own, and their weights kept."""

import time
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from aevae_lib import data, train
from aevae_lib.models import Autoencoder

from ..files import ROOT
from ..runs import KINDS, build, loss_of
from ..sweep.worker import (
    commit,
    describe_versions,
    restore,
    store,
    weights_of,
)
from . import rates, series
from .runs import Run, training_set
from .together import fit_together

WEIGHTS = ROOT / "_build" / "second"


@dataclass(frozen=True)
class Job:
    """Runs that differ in nothing but seed and learning rate, with the rate of
    each.
    """

    runs: tuple[Run, ...]
    rates: tuple[float, ...]


def jobs(runs: list[Run], rates: dict[str, float], most: int) -> list[Job]:
    """The runs in jobs of at most `most`, in the order of their first runs;
    `rates` are by name.
    """
    alike: dict[tuple, list[Run]] = {}
    for run in runs:
        same = {**asdict(run), "seed": None, "lr": None}
        alike.setdefault(tuple(same.values()), []).append(run)
    return [
        Job(tuple(part), tuple(rates[run.name] for run in part))
        for each in alike.values()
        for part in (
            each[k : k + most] for k in range(0, len(each), most)
        )
    ]  # fmt: skip


def kept(run: Run, folder: Path) -> tuple[Autoencoder, dict]:
    """The trained model of a run, and what is known of its training."""
    model = build(run)
    about = restore(model, weights_of(run, folder))
    return model.eval().requires_grad_(False), about


def kept_or_trained(run: Run) -> Autoencoder:
    """A model by its kept weights, which are made where they are not there."""
    if not weights_of(run, WEIGHTS).exists():
        job = Job((run,), (rates.choose(run, series.stored()),))
        do(job, "cpu", WEIGHTS, commit())
    return kept(run, WEIGHTS)[0]


@cache
def loaded(name: str, device: str) -> data.DataSet:
    """A data set, loaded once in each process."""
    return data.load(name, device=device)


def do(job: Job, device: str, folder: Path, commit: str) -> list[dict]:
    """Train the models of a job and keep their weights; returns what is known
    of each training.
    """
    dataset = loaded(job.runs[0].data, device)
    begin = time.perf_counter()
    models = [build(run).to(device) for run in job.runs]
    histories = trained(job, models, dataset)
    seconds = (time.perf_counter() - begin) / len(models)
    found = []
    for run, rate, model, history in zip(
        job.runs, job.rates, models, histories, strict=True
    ):
        about = {
            "config": asdict(run) | {"lr": rate},
            "history": history,
            "failed": not history,
            "seconds": seconds,
            "side_by_side": len(models),
            "made_with": describe_versions(dataset, commit),
        }
        store(model, weights_of(run, folder), about)
        found.append(about)
    return found


def trained(
    job: Job, models: list[Autoencoder], dataset: data.DataSet
) -> list[list[dict[str, float]]]:
    """Train the models of a job in place: one alone, several side by side."""
    run = job.runs[0]
    images, labels = training_set(run, dataset.train)
    settings = {
        "validation": dataset.validation,
        "labels": labels if KINDS[run.kind].told else None,
    }
    if len(models) > 1:
        return fit_together(
            models, loss_of(run), images, run.budget,
            seeds=[each.seed for each in job.runs], rates=job.rates, **settings,
        )  # fmt: skip
    try:
        return [
            train.fit(
                models[0], loss_of(run), images, run.budget,
                seed=run.seed, lr=job.rates[0], **settings,
            )
        ]  # fmt: skip
    except FloatingPointError:
        return [[]]
