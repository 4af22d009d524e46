"""Tiny data, runs and a tiny worker, for tests of the experiments."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from aevae_lib import data, zoo
from experiments import subject
from experiments.runs import Run, training_set
from experiments.subject import Judge, Subject
from experiments.sweep import worker

RUNS = [Run(kind, 2, 0, budget=2_000) for kind in ("ae", "vae", "noisy")]
DRAWS, FEW = 100, 50


def fashion() -> data.DataSet:
    """A thousand images of the shipped sample."""
    train, test = data.read_folder(data.SAMPLE_FOLDER)
    parts = train[:500], train[-400:], test[:200]
    return data.DataSet("fashion-mnist", *parts, "the sample")


@contextlib.contextmanager
def worker_in(folder: Path) -> Iterator[dict]:
    """What a worker of the sweep holds, made small, in this process."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    held = {"fashion": fashion(), "folder": folder, "commit": "a commit"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subject, "DRAWS", DRAWS)
        patch.setattr(subject, "FEW", FEW)
        patch.setattr(worker, "_held", held)
        held["judge"] = Judge(zoo.classifier(), held["fashion"])
        yield held
    torch.set_num_threads(threads)


def subject_of(run: Run, model, held: dict) -> Subject:
    """A model as it is measured by a worker that holds this."""
    seen = training_set(run, held["fashion"].train)
    return Subject(model, run, held["fashion"], held["judge"], seen)
