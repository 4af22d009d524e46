"""The luck of the test images: bootstrap resamples, the same for all models.

A number that rests on test images is a tensor (1 + RESAMPLES,): first the
number itself, then what it is on each resample. Such tensors are subtracted and
divided like numbers, so a difference or a ratio keeps what is shared.
"""

import base64
from functools import cache

import numpy as np
import torch
from torch import Tensor

RESAMPLES = 100
SEED = 2000  # no run has one from here on


@cache
def weights(n: int) -> Tensor:
    """How often each of n test images is drawn: (1 + RESAMPLES, n) float32;
    in the first row, which is no resample, once each.
    """
    generator = torch.Generator().manual_seed(SEED)
    drawn = torch.randint(n, (RESAMPLES, n), generator=generator)
    counts = torch.zeros(RESAMPLES, n)
    counts.scatter_add_(1, drawn, torch.ones(drawn.shape))
    return torch.cat([torch.ones(1, n), counts])


def mean(values: Tensor, of: Tensor) -> Tensor:
    """The mean over images of a value of each, (N,), or of one for each
    resample, (N, 1 + RESAMPLES), by weights (1 + RESAMPLES, N).
    """
    values, of = values.double(), of.double()
    total = of @ values if values.ndim == 1 else (of * values.T).sum(1)
    return total / of.sum(1)


# --- how they are stored -----------------------------------------------------


def packed(number: Tensor) -> dict[str, float | str]:
    """How far the resamples lie from their mean, in steps of 1/127 of the
    largest distance: each a byte, all of them a word in base 64.
    """
    apart = (number[1:] - number[1:].mean()).double().numpy()
    step = float(f"{np.abs(apart).max() / 127:.6g}")
    if not step > 0:
        return {"step": 0.0, "bytes": ""}
    whole = np.clip(np.rint(apart / step), -127, 127).astype(np.int8)
    return {"step": step, "bytes": base64.b64encode(whole).decode()}


def unpacked(stored: dict[str, float | str]) -> np.ndarray:
    """How far each resample lies from their mean: (RESAMPLES,)."""
    if not stored["bytes"]:
        return np.zeros(RESAMPLES)
    whole = np.frombuffer(base64.b64decode(stored["bytes"]), np.int8)
    return stored["step"] * whole.astype(np.float64)
