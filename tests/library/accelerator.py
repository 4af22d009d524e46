"""A pretended accelerator: tensors that call another device their home and are
computed on the CPU, held to PyTorch's rules about devices.

The name lent to it is "meta", a device that PyTorch has on every machine and
nobody stores numbers on.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

DEVICE = torch.device("meta")
aten = torch.ops.aten
COPIES = (aten.copy_.default, aten._to_copy.default)
INDEXES = (aten.index.Tensor, aten.index_put.default, aten.index_put_.default)


class Away(Tensor):
    """A tensor on the pretended device; `held` has its numbers."""

    def __new__(cls, held: Tensor) -> "Away":
        away = torch.Tensor._make_wrapper_subclass(
            cls,
            held.size(),
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            device=DEVICE,
        )
        away.held = held
        return away

    def __getitem__(self, index):
        # A list would become an index on this tensor's device, inside PyTorch.
        return super().__getitem__(
            torch.tensor(index) if isinstance(index, list) else index
        )

    def __repr__(self) -> str:
        return f"Away({self.held})"

    def tolist(self) -> list:
        return self.detach().held.tolist()

    def numpy(self, *_, **__):
        raise TypeError("Away from the CPU: use Tensor.cpu() first.")

    __array__ = numpy

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        return on_device(function, args, kwargs or {})


@contextmanager
def accelerator() -> Iterator[torch.device]:
    """Within it, tensors can be made on the pretended device and moved."""
    with FromNumbers(), Everything():
        yield DEVICE


class FromNumbers(TorchFunctionMode):
    """What is made of numbers of Python's: these never reach the mode below."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        made = function in (torch.tensor, torch.as_tensor)
        if made and wanted_device(kwargs) == DEVICE:
            return away(function(*args, **{**kwargs, "device": "cpu"}))
        return function(*args, **kwargs)


class Everything(TorchDispatchMode):
    """Every operation on tensors, also on those that lie on the CPU."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        away = any(isinstance(t, Away) for t in tree_leaves((args, kwargs)))
        if away or wanted_device(kwargs) == DEVICE:
            return on_device(function, args, kwargs)
        return function(*args, **kwargs)


def on_device(function, args: tuple, kwargs: dict):
    """Compute on the CPU what an accelerator would, or refuse what it would."""
    tensors = [t for t in tree_leaves((args, kwargs)) if isinstance(t, Tensor)]
    check_devices(function, args, tensors)
    device = wanted_device(kwargs)
    if device is not None:
        kwargs = {**kwargs, "device": torch.device("cpu")}
    made = function(*tree_map(held, args), **tree_map(held, kwargs))
    if function._schema.is_mutable:
        return args[0]
    return made if device not in (None, DEVICE) else tree_map(away, made)


def check_devices(function, args: tuple, tensors: list[Tensor]) -> None:
    """PyTorch's rules: what is combined lies on one device. Single numbers may
    come from the CPU, and so may indices; copies cross from one to the other.
    """
    here = [t for t in tensors if not isinstance(t, Away) and t.dim() > 0]
    mixed = here and any(isinstance(t, Away) for t in tensors)
    by_index = function in INDEXES and isinstance(args[0], Away)
    if mixed and function not in COPIES and not by_index:
        raise RuntimeError(
            "Expected all tensors to be on the same device, but found some on "
            f"an accelerator and some on the CPU ({function})."
        )


def wanted_device(kwargs: dict) -> torch.device | None:
    """Where a call is to make its tensor, if it says so."""
    device = kwargs.get("device")
    return None if device is None else torch.device(device)


def held(value):
    return value.held if isinstance(value, Away) else value


def away(value):
    """The same tensor on the pretended device; anything else as it is."""
    plain = isinstance(value, Tensor) and not isinstance(value, Away)
    return Away(value) if plain else value


def brought(model: nn.Module) -> nn.Module:
    """A model with its weights on the pretended device, changed in place."""
    for layer in model.modules():
        for name, weight in layer._parameters.items():
            if weight is not None:
                moved = Away(weight.detach().clone())
                layer._parameters[name] = nn.Parameter(
                    moved, requires_grad=weight.requires_grad
                )
        layer._buffers.update(tree_map(away, dict(layer._buffers)))
    return model
