"""Several models trained side by side.

Models of one network that differ in their seeds and learning rates are small:
one at a time they leave a GPU idle. Here each step of all of them is one step,
with `torch.func.vmap` over their stacked weights. What each model sees, its
first weights, the order of its images and its schedule are those of
`train.fit`; only the noise of a code is drawn for all of them by one generator.
A GPU is handed each step as one recorded graph: it would otherwise wait for
Python, which calls it some hundred times a step.
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
    on_gpu = device.type == "cuda"
    optimizer, schedule = one_cycle(models, rates, steps, device)
    orders = [
        data.shuffled(len(images), batch_size, steps, seed, device)
        for seed in seeds
    ]
    loss_of_all = side_by_side(models[0], loss_fn)
    told = () if labels is None else (labels,)
    held_out = train.as_held_out(validation, bool(told))
    rows = Rows(len(models), steps, batch_size, reports)

    def step(chosen: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        x = data.to_float(images[chosen])
        losses, terms = loss_of_all(
            stacked(models), x, *(each[chosen] for each in told)
        )
        optimizer.zero_grad()
        losses.sum().backward()
        optimizer.step()
        return losses.detach(), {k: v.detach() for k, v in terms.items()}

    step = Recorded(step) if on_gpu else step
    with evaluating(models[0], training=True), seeded(seeds[0]):
        for chosen in map(torch.stack, zip(*orders, strict=True)):
            losses, terms = step(chosen)
            schedule.step()
            if rows.add(losses, terms):
                for model, history in zip(models, rows.of, strict=True):
                    found = train.evaluate(model, loss_fn, **held_out)
                    history[-1] |= {f"validation_{k}": found[k] for k in found}
    return rows.sound()


def one_cycle(
    models: Sequence[nn.Module],
    rates: Sequence[float],
    steps: int,
    device: torch.device,
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    """Adam with a group for each model, and the schedule of each one's rate."""
    on_gpu = device.type == "cuda"
    optimizer = torch.optim.Adam(
        [{"params": list(model.parameters())} for model in models],
        # What a recorded step reads anew has to lie on the GPU.
        lr=torch.tensor(1e-3, device=device) if on_gpu else 1e-3,
        fused=device.type in train.FUSED,
        capturable=on_gpu,
    )
    for group in optimizer.param_groups if on_gpu else ():
        group["lr"] = group["lr"].clone()  # each of its own
    return optimizer, torch.optim.lr_scheduler.OneCycleLR(
        optimizer, list(rates), steps, cycle_momentum=False
    )


class Recorded:
    """A step on a GPU: called a few times, then recorded once as a graph and
    replayed. What it returns is overwritten by the next call.
    """

    CALLED = 3  # until memory is set apart and kernels are chosen

    def __init__(self, step: Callable):
        self.step, self.calls, self.graph = step, 0, torch.cuda.CUDAGraph()
        self.stream = torch.cuda.Stream()

    def __call__(self, chosen: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        self.calls += 1
        if self.calls <= self.CALLED:
            self.stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(self.stream):
                self.found = self.step(chosen)
            torch.cuda.current_stream().wait_stream(self.stream)
            return self.found
        if self.calls == self.CALLED + 1:
            self.chosen = chosen.clone()
            with torch.cuda.graph(self.graph):
                self.found = self.step(self.chosen)
        self.chosen.copy_(chosen)
        self.graph.replay()
        return self.found


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
            self.sums[name] = self.sums.get(name, 0) + term
        self.finite = losses.isfinite() & self.finite
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
