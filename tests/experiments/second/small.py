"""A small data set with judges, for tests of the second edition."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from aevae_lib import data
from experiments import floors
from experiments.judges import candidates
from experiments.second import measuring, subject
from experiments.second.surroundings import Surroundings

TEST = 240


def fashion() -> data.DataSet:
    """A thousand images of the shipped sample."""
    train, test = data.read_folder(data.SAMPLE_FOLDER)
    parts = train[:500], train[-400:], test[:TEST]
    return data.DataSet("fashion-mnist", *parts, "the sample")


@contextlib.contextmanager
def process_in(folder: Path) -> Iterator[Surroundings]:
    """What a process that measures holds, made small, in this process; weights
    lie in the folder.
    """
    threads, small = torch.get_num_threads(), fashion()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(candidates, "FOLDER", folder / "judges")
        for name in ("MORE", "AUTOENCODER_BUDGET"):
            patch.setattr(candidates, name, 256)
        patch.setattr(floors, "DIMS", (2,))
        patch.setattr(subject, "COUNTED", 200)
        patch.setattr(measuring, "loaded", lambda name, device: small)
        patch.setattr(measuring, "BASELINES", folder / "baselines.json")
        patch.setattr(measuring, "_held", {})
        measuring.surroundings.cache_clear()
        measuring.start(folder, "a commit")
        measuring.write_baselines("fashion-mnist")
        yield measuring.surroundings("fashion-mnist")
    measuring.surroundings.cache_clear()
    torch.set_num_threads(threads)
