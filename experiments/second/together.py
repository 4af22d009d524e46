"""Several models trained side by side.

Models of one network that differ in their seeds and learning rates are small:
one at a time they leave a GPU idle. Here each step of all of them is one step,
with `torch.func.vmap` over their stacked weights. What each model sees, its
first weights, the order of its images and its schedule are those of
`train.fit`; only the noise of a code is drawn for all of them by one generator.
"""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from aevae_lib import data, train
from aevae_lib.models import evaluating, seeded


def fit_together(
    models: Sequence[nn.Module],
    loss_fn: Callable,
    images: Tensor,
    budget: int,
    *,
    seeds: Sequence[int],
    rates: Sequence[float],
    validation: data.Split,
    labels: Tensor | None = None,
    batch_size: int = 128,
    reports: int = 10,
) -> list[list[dict[str, float]]]:
    """Train in place, and return the history of each model as `train.fit` does.

    `models` are of one kind and one network, on the device of `images` (uint8
    (N, C, H, W)); model k has the seed `seeds[k]` and the peak learning rate
    `rates[k]`. Where a model's loss became NaN or infinite, its history is
    empty; the others are not touched by that.
    """
    steps, device = math.ceil(budget / batch_size), images.device
    optimizer = torch.optim.Adam(
        [{"params": list(model.parameters())} for model in models],
        fused=device.type in train.FUSED,
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, list(rates), steps, cycle_momentum=False
    )
    orders = [
        data.shuffled(len(images), batch_size, steps, seed, device)
        for seed in seeds
    ]
    loss_of_all = side_by_side(models[0], loss_fn)
    told = () if labels is None else (labels,)
    held_out = train.as_held_out(validation, bool(told))
    rows = Rows(len(models), steps, batch_size, reports)
    with evaluating(models[0], training=True), seeded(seeds[0]):
        for chosen in map(torch.stack, zip(*orders, strict=True)):
            x = data.to_float(images[chosen])
            losses, terms = loss_of_all(
                stacked(models), x, *(each[chosen] for each in told)
            )
            optimizer.zero_grad()
            losses.sum().backward()
            optimizer.step()
            schedule.step()
            if rows.add(losses, terms):
                for model, history in zip(models, rows.of, strict=True):
                    found = train.evaluate(model, loss_fn, **held_out)
                    history[-1] |= {f"validation_{k}": found[k] for k in found}
    return rows.sound()


class Rows:
    """The histories of models that are trained side by side."""

    def __init__(self, models: int, steps: int, batch_size: int, reports: int):
        self.of: list[list[dict[str, float]]] = [[] for _ in range(models)]
        self.batch_size = batch_size
        self.report_at = {
            math.ceil(steps * (r + 1) / reports) for r in range(reports)
        }
        self.step, self.since, self.sums = 0, 0, {}
        self.finite: Tensor | bool = True  # (K,), whether all losses were

    def add(self, losses: Tensor, terms: dict[str, Tensor]) -> bool:
        """Count one step of all models, (K,) a term; whether it made a row."""
        for name, term in terms.items():
            self.sums[name] = self.sums.get(name, 0) + term.detach()
        self.finite = losses.detach().isfinite() & self.finite
        self.step, self.since = self.step + 1, self.since + 1
        if self.step not in self.report_at:
            return False
        means = {k: (v / self.since).tolist() for k, v in self.sums.items()}
        for index, history in enumerate(self.of):
            row = {"images_seen": self.step * self.batch_size}
            history.append(row | {name: means[name][index] for name in means})
        self.sums, self.since = {}, 0
        return True

    def sound(self) -> list[list[dict[str, float]]]:
        """The histories, empty where a loss was not finite."""
        return [
            history if finite else []
            for history, finite in zip(
                self.of, self.finite.tolist(), strict=True
            )
        ]


def side_by_side(like: nn.Module, loss_fn: Callable) -> Callable:
    """The losses of all models at once: stacked weights and batches (K, B, ...)
    -> (K,), and the terms of each.
    """

    def of_one(weights: dict[str, Tensor], x: Tensor, *told: Tensor) -> tuple:
        return loss_fn(functional_call(like, weights, (x, *told)), x)

    return vmap(of_one, randomness="different")


def stacked(models: Sequence[nn.Module]) -> dict[str, Tensor]:
    """The weights of all models, through which gradients flow back to each."""
    names = [name for name, _ in models[0].named_parameters()]
    each = zip(*(model.parameters() for model in models), strict=True)
    return {
        name: torch.stack(same) for name, same in zip(names, each, strict=True)
    }
