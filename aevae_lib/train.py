"""One training loop for both models."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from tqdm import tqdm

from . import data
from .models import as_input, evaluating, seeded

FUSED = ("cpu", "cuda", "mps")  # devices that have Adam in one kernel
CHANNELS_LAST = ("cpu", "cuda")  # and that gain from this order in memory


def fit(
    model: nn.Module,
    loss_fn: Callable,
    images: Tensor,
    budget: int = 100_000,
    *,
    seed: int = 0,
    lr: float = 8e-3,
    batch_size: int = 128,
    validation: Tensor | data.Split | None = None,
    reports: int = 10,
    labels: Tensor | None = None,
    on_report: Callable[[dict[str, float]], None] = lambda row: None,
    progress: bool = False,
) -> list[dict[str, float]]:
    """Train in place until `budget` images were seen; return the history in
    nats per image.

    `images` are uint8 (N, C, H, W) or floats (N, ...); the model goes to their
    device, and is given their `labels` (N,) too where these are passed. Adam
    follows a one-cycle schedule that peaks at `lr`. `seed` fixes the order of
    the images and the noise of a VAE, not the weights that it starts from. The
    history holds `reports` rows: "images_seen", the mean of each loss term
    since the row before, and, given `validation` images (a `data.Split` where
    labels are told), the same terms on them as "validation_..."; each row also
    goes to `on_report`. `progress` shows a bar.

    Raises `FloatingPointError`, naming the epoch, when the loss is no longer
    finite, found at the next report or at the end.
    """
    check_settings(model, budget, batch_size, reports, lr)
    images = data.check_images(images, getattr(model, "image_shape", None))
    told = as_told(model, images, labels)
    held_out = as_held_out(validation, labels is not None)
    steps = math.ceil(budget / batch_size)
    optimizer, schedule = one_cycle(model, images.device, lr, steps)
    order = data.shuffled(len(images), batch_size, steps, seed, images.device)
    history = History(steps, batch_size, len(images), reports, progress)
    with history, evaluating(model, training=True), seeded(seed):
        for chosen in order:
            x = as_input(model, images[chosen])
            out = model(x, *(each[chosen] for each in told))
            loss, terms = loss_fn(out, x)  # AE and VAE differ only here
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            if row := history.add(loss, terms):
                if held_out:
                    found = evaluate(model, loss_fn, **held_out)
                    row |= {f"validation_{name}": found[name] for name in found}
                history.bar.set_postfix_str(describe(row), refresh=False)
                on_report(row)
        history.check()
    return history.rows


def one_cycle(
    model: nn.Module, device: torch.device, lr: float, steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    """The model brought to its device, Adam, and the schedule of its rate."""
    if device.type in CHANNELS_LAST:
        model.to(device, memory_format=torch.channels_last)
    else:
        model.to(device)
    fused = device.type in FUSED
    optimizer = torch.optim.Adam(model.parameters(), lr=lr, fused=fused)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, lr, steps, cycle_momentum=False
    )
    return optimizer, schedule


def check_settings(
    model: nn.Module, budget: int, batch_size: int, reports: int, lr: float
) -> None:
    """Refuse what cannot be trained, and say what can."""
    if min(budget, batch_size) < 1:
        raise ValueError(
            f"budget {budget} and batch_size {batch_size} must be at least 1."
        )
    if reports < 0 or not lr > 0:
        raise ValueError(
            "reports must be at least 0 and lr above 0, got "
            f"{reports} and {lr}."
        )
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise ValueError(
            f"This {type(model).__name__} is frozen: none of its weights "
            "requires a gradient. A model of the zoo can be trained further "
            "after model.requires_grad_(True)."
        )


def as_told(
    model: nn.Module, images: Tensor, labels: Tensor | None
) -> tuple[Tensor, ...]:
    """What a model is told beside its images: checked labels, or nothing."""
    if labels is None:
        return ()
    classes = getattr(model, "classes", None)
    labels = data.check_labels(labels, len(images), classes)
    return (labels.to(images.device),)


def as_held_out(
    validation: Tensor | data.Split | None, told: bool
) -> dict[str, Tensor]:
    """What `evaluate` is given to validate."""
    if isinstance(validation, data.Split):
        labels = {"labels": validation.labels} if told else {}
        return {"images": validation.images, **labels}
    if told and validation is not None:
        raise ValueError(
            "A model that is told labels needs them for its validation images "
            "too: pass a data.Split, such as validation=fashion.validation."
        )
    return {} if validation is None else {"images": validation}


class History:
    """The rows that `fit` returns, made as it trains, and its progress bar."""

    def __init__(
        self,
        steps: int,
        batch_size: int,
        epoch: int,
        reports: int,
        progress: bool = False,
    ):
        self.rows: list[dict[str, float]] = []
        self.batch_size, self.epoch = batch_size, epoch
        self.report_at = {
            math.ceil(steps * (r + 1) / reports) for r in range(reports)
        }
        self.step, self.since, self.sums = 0, 0, {}
        self.sound, self.finite = True, 0  # steps before the first bad loss
        self.bar = tqdm(
            total=steps * batch_size,
            unit=" images",
            mininterval=1.0,
            disable=not progress,
        )

    def __enter__(self) -> "History":
        return self

    def __exit__(self, *error: object) -> None:
        self.bar.close()

    def add(
        self, loss: Tensor, terms: dict[str, Tensor]
    ) -> dict[str, float] | None:
        """Count one step; where a report is due, its row, if it is finite."""
        # Summed on the device: no wait at every step.
        for name, term in terms.items():
            self.sums[name] = self.sums.get(name, 0) + term.detach()
        self.sound = loss.detach().isfinite() & self.sound
        self.finite = self.finite + self.sound
        self.step, self.since = self.step + 1, self.since + 1
        self.bar.update(self.batch_size)
        if self.step not in self.report_at:
            return None
        sums = self.sums.items()
        row = {"images_seen": self.step * self.batch_size}
        row |= {name: total.item() / self.since for name, total in sums}
        self.check()
        self.rows.append(row)
        self.sums, self.since = {}, 0
        return row

    def check(self) -> None:
        """Stop a run whose loss was not finite in one of its steps so far."""
        finite = int(self.finite)
        if finite < self.step:
            seen = (finite + 1) * self.batch_size
            raise FloatingPointError(
                "The loss became NaN or infinite in epoch "
                f"{math.ceil(seen / self.epoch)}, at step {finite + 1}. Lower "
                "the learning rate, or check the images and the loss."
            )


@torch.no_grad()
def evaluate(
    model: nn.Module,
    loss_fn: Callable,
    images: Tensor,
    seed: int = 0,
    batch_size: int = 1000,
    labels: Tensor | None = None,
) -> dict[str, float]:
    """Each loss term on `images`, and their "loss", in nats per image.

    Images, and `labels` where the model is told them, are moved to its device.
    A VAE is measured with sampled z; `seed` fixes that draw. The model is
    measured in eval mode and stays as it was.
    """
    images = data.check_images(images, getattr(model, "image_shape", None))
    told = as_told(model, images, labels)
    totals: dict[str, Tensor] = {}
    with evaluating(model), seeded(seed):
        for parts in zip(
            *(each.split(batch_size) for each in (images, *told)), strict=True
        ):
            x = as_input(model, parts[0])
            loss, terms = loss_fn(
                model(x, *(p.to(x.device) for p in parts[1:])), x
            )
            for name, term in {**terms, "loss": loss}.items():
                totals[name] = totals.get(name, 0) + term * len(x)
    return {name: total.item() / len(images) for name, total in totals.items()}


def describe(row: dict[str, float]) -> str:
    """A row of the history in words, for the progress bar."""
    terms = ", ".join(
        f"{name} {value:.1f}"
        for name, value in row.items()
        if name != "images_seen"
    )
    return f"{terms} nats per image"
