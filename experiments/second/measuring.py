"""Measure one run, in a process that holds data sets and judges.

`start` once, then `measure_run` for each. What a run's file holds is in
`measure_run`; `fill` adds to it the metrics that it lacks.
"""

import json
import time
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from aevae_lib import evidence, sample
from aevae_lib.models import Autoencoder

from .. import floors
from ..files import write_json
from ..runs import training_set
from ..sweep.worker import describe_versions
from . import metrics, resampling
from .runs import Run
from .subject import Subject
from .surroundings import Surroundings
from .training import kept, loaded

BASELINES = evidence.RESULTS / "second-baselines.json"
_held: dict = {}  # what all runs of this process need


def start(folder: Path, commit: str, threads: int = 1) -> None:
    """Say where weights lie, and which commit measures."""
    torch.set_num_threads(threads)
    _held.update(folder=folder, commit=commit)


@cache
def surroundings(name: str) -> Surroundings:
    """A data set with its judges and baselines; loaded once."""
    return Surroundings(loaded(name, "cpu"), read_baselines(name))


# --- one run -----------------------------------------------------------------


def result_of(run: Run, stored: dict | None = None) -> dict:
    """What the file of a run is to hold, by its kept weights; `stored` is what
    it holds now.
    """
    model, about = kept(run, _held["folder"])
    if stored:
        return fill(run, model, about["history"], stored)
    trained = {
        "lr": about["config"]["lr"],
        "seconds": about["seconds"],
        "device": about["made_with"]["device"],
    }
    return measure_run(run, model, about["history"], trained)


def measure_run(
    run: Run, model: Autoencoder, history: list[dict], about: dict
) -> dict:
    """What the file of a run holds.

    `about` is what is known of the training: "lr", "seconds", "device" and
    whatever else the weights' header says. A run that serves a choice has no
    metrics.
    """
    begin = time.perf_counter()
    found = measured(run, model, metrics.wanted(run))
    return {
        "config": asdict(run) | {"lr": about["lr"]},
        **found,
        "history": history,
        "made_with": made_with(run) | {"trained_on": about["device"]},
        "timing": {
            "train_seconds": about["seconds"],
            "measure_seconds": round(time.perf_counter() - begin, 1),
        },
    }


def fill(run: Run, model: Autoencoder, history: list, stored: dict) -> dict:
    """A stored result with the metrics that it lacks. All else in it stays.

    Raises `ValueError` for a model whose history is not the stored one.
    """
    if history != stored["history"]:
        raise ValueError(
            f"The weights kept for {run.name} are not those of its result."
        )
    names = lacking(run, stored)
    found = measured(run, model, names)
    note = {"metrics": names, "made_with": made_with(run)}
    return stored | {
        "metrics": stored["metrics"] | found["metrics"],
        "resamples": stored["resamples"] | found["resamples"],
        "filled_in": [*stored.get("filled_in", []), note],
    }


def lacking(run: Run, stored: dict) -> list[str]:
    """The metrics that a run should have and its stored result has not."""
    return [
        name for name in metrics.wanted(run) if name not in stored["metrics"]
    ]


def measured(run: Run, model: Autoencoder, names: list[str]) -> dict:
    """Metrics, to six digits, and the resamples of those that rows need."""
    found = {"metrics": {}, "resamples": {}}
    if not names:
        return found
    around = surroundings(run.data)
    seen = training_set(run, around.dataset.train)
    model = model.to("cpu", memory_format=torch.channels_last)
    subject = Subject(model, run, around, seen, lambda: twin_of(run))
    for name in names:
        metric = metrics.METRICS[name]
        try:
            number = torch.as_tensor(metric.function(subject)).double()
        except sample.NoGaussian:  # a model that collapsed
            number = torch.full((1 + resampling.RESAMPLES,), torch.nan)
        # A ratio to nothing is not defined.
        number = number.where(number.isfinite(), torch.nan)
        if metric.sampled:
            found["resamples"][name] = resampling.packed(number)
        found["metrics"][name] = float(f"{number.flatten()[0].item():.6g}")
    return found


def twin_of(run: Run) -> Autoencoder:
    """The model of the same seed that was trained on all classes."""
    return kept(replace(run, only_class=None), _held["folder"])[0]


def made_with(run: Run) -> dict[str, str]:
    """What measured it: data, device, versions and the commit."""
    return describe_versions(loaded(run.data, "cpu"), _held["commit"])


# --- baselines ---------------------------------------------------------------


def write_baselines(*names: str) -> None:
    """Measure, once, what needs no training on these data sets."""
    write_json(BASELINES, {name: baselines(name) for name in names})


def baselines(name: str) -> dict[str, dict[str, float | str]]:
    """Those of a data set, with the luck of its test images."""
    dataset = loaded(name, "cpu")
    nats = {
        **floors.without_codes(dataset),
        **floors.linear_decoders(dataset, floors.component_codes(dataset)),
    }
    weights, found = resampling.weights(len(dataset.test)), {}
    for key, each in nats.items():
        number = resampling.mean(each, weights)
        value = float(f"{number[0].item():.6g}")
        found[key] = {"value": value, **resampling.packed(number)}
    return found


def read_baselines(name: str) -> dict[str, Tensor]:
    """Those of a data set, each a tensor (1 + RESAMPLES,)."""
    stored = json.loads(BASELINES.read_text(encoding="utf-8"))[name]
    return {
        key: torch.cat([
            torch.tensor([part["value"]], dtype=torch.float64),
            part["value"] + torch.from_numpy(resampling.unpacked(part)),
        ])
        for key, part in stored.items()
    }  # fmt: skip
