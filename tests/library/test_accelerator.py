"""The pretended accelerator refuses what a real one refuses, and computes what
the CPU computes.
"""

from copy import deepcopy

import numpy as np
import pytest
import torch
from torch import nn

from tests.library.accelerator import DEVICE, Away, accelerator, brought

HERE = torch.arange(6.0).view(3, 2)


@pytest.fixture(autouse=True)
def there():
    with accelerator():
        yield


REFUSED = {
    "a sum": lambda there: there + HERE,
    "a product": lambda there: HERE @ there.T,
    "joining": lambda there: torch.cat([HERE, there]),
    "an index that lies there": lambda there: HERE[there[:, 0].long()],
    "a mask that lies there": lambda there: HERE[there > 1],
    "a layer": lambda there: nn.Linear(2, 1)(there),
    "a loss": lambda there: nn.functional.mse_loss(there, HERE),
}


@pytest.mark.parametrize("combine", REFUSED.values(), ids=REFUSED)
def test_what_lies_on_two_devices_is_not_combined(combine):
    with pytest.raises(RuntimeError, match="same device"):
        combine(HERE.to(DEVICE))


@pytest.mark.parametrize("make", [np.asarray, lambda x: x.numpy()])
def test_arrays_are_made_of_what_lies_on_the_cpu(make):
    with pytest.raises(TypeError, match="cpu"):
        make(HERE.to(DEVICE))
    assert (make(HERE.to(DEVICE).cpu()) == HERE.numpy()).all()


ALLOWED = {
    "a number": lambda x: x * torch.tensor(2.0),
    "an index from the CPU": lambda x: x[torch.tensor([2, 0])],
    "a list as index": lambda x: x[[2, 0]],
    "a mask from the CPU": lambda x: x[HERE[:, 0] > 1],
    "a mask beside it": lambda x: x[x[:, 0] > 1],
    "a part that is set": lambda x: x.clone().index_fill_(
        0, x[0, :1].long(), 7.0
    ),
    "numbers drawn like it": lambda x: torch.zeros_like(x) + x.new_ones(2),
    "a tensor made there": lambda x: (
        x + torch.tensor([1.0, 2.0], device=x.device)
    ),
}


@pytest.mark.parametrize("compute", ALLOWED.values(), ids=ALLOWED)
def test_results_stay_on_the_device_and_are_those_of_the_cpu(compute):
    found = compute(HERE.to(DEVICE))
    assert isinstance(found, Away)
    assert found.device == DEVICE
    assert found.cpu().tolist() == compute(HERE).tolist() == found.tolist()


def test_a_model_is_trained_there_as_on_the_cpu():
    torch.manual_seed(0)
    here = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))
    there = brought(deepcopy(here))
    for model, x in ((here, HERE), (there, HERE.to(DEVICE))):
        optimizer = torch.optim.Adam(model.parameters())
        for _ in range(3):
            optimizer.zero_grad()
            model(x).square().sum().backward()
            optimizer.step()
    for name, weight in here.state_dict().items():
        trained = there.state_dict()[name]
        assert isinstance(trained, Away)
        assert torch.allclose(trained.cpu(), weight), name


def test_a_model_moves_there_and_back():
    moved = nn.Linear(2, 1).to(DEVICE)
    assert isinstance(moved.weight, Away)
    assert moved(HERE.to(DEVICE)).requires_grad
    assert moved.cpu()(HERE).shape == (3, 1)
