"""One training loop for both models."""

import ctypes
import math
import platform
from collections.abc import Callable

import torch
from torch import Tensor, nn
from tqdm import tqdm

from . import data


def fit(
    model: nn.Module,
    loss_fn: Callable,
    images: Tensor,
    budget: int = 100_000,
    *,
    seed: int = 0,
    lr: float = 8e-3,
    batch_size: int = 128,
    validation: Tensor | None = None,
    reports: int = 10,
    labels: Tensor | None = None,
    on_report: Callable[[dict[str, float]], None] = lambda row: None,
) -> list[dict[str, float]]:
    """Train in place until `budget` images were seen; return the history in
    nats per image.

    `images` are uint8 (N, 1, 32, 32); the model goes to their device, and is
    given their `labels` too where these are passed. Adam follows a one-cycle
    schedule that peaks at `lr`. `seed` fixes the order of the images and the
    noise of a VAE (the initial weights were fixed before, when the model was
    made). The history holds `reports` rows: "images_seen", the mean of each
    loss term since the row before, and, given `validation` images, the same
    terms measured on them under "validation_..." keys; each row also goes to
    `on_report`. From then on the process keeps memory that it frees
    (`keep_freed_memory`).

    Raises `FloatingPointError`, naming the epoch, when the loss is no longer
    finite.
    """
    if min(budget, batch_size) < 1:
        raise ValueError(
            f"budget {budget} and batch_size {batch_size} must be at least 1."
        )
    if labels is not None and len(labels) != len(images):
        raise ValueError(
            f"Expected one label each: {len(images)} images and {len(labels)} "
            "labels."
        )
    keep_freed_memory()
    images, steps = data.check_images(images), math.ceil(budget / batch_size)
    model.to(images.device, memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), lr=lr, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, lr, steps, cycle_momentum=False
    )
    torch.manual_seed(seed)
    with History(steps, batch_size, len(images), reports) as history:
        for chosen in data.shuffled(
            len(images), batch_size, steps, seed, images.device
        ):
            x = data.to_float(images[chosen])
            out = model(x) if labels is None else model(x, labels[chosen])
            loss, terms = loss_fn(out, x)  # AE and VAE differ only here
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            if row := history.add(loss, terms):
                if validation is not None:
                    held_out = evaluate(model, loss_fn, validation)
                    row |= {
                        f"validation_{name}": value
                        for name, value in held_out.items()
                    }
                history.bar.set_postfix_str(describe(row), refresh=False)
                on_report(row)
    return history.rows


def keep_freed_memory() -> None:
    """Have this process keep the memory that it frees, instead of giving it
    back to Linux.

    Every step frees its activations and asks for as much again. Until a program
    has freed a larger block, the C library gets those from Linux anew, page by
    page, which takes time on CPUs. The settings are those of `man 3 mallopt`;
    with another C library than GNU's nothing is done.
    """
    if platform.libc_ver()[0] == "glibc":
        m_trim_threshold, m_mmap_threshold = -1, -3
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(
            m_mmap_threshold, 2**25
        )  # bytes; the largest that old versions allow
        mallopt(m_trim_threshold, 2**30)


class History:
    """The rows that `fit` returns, made as it trains, and the progress bar that
    shows them.
    """

    def __init__(self, steps: int, batch_size: int, epoch: int, reports: int):
        self.rows: list[dict[str, float]] = []
        self.batch_size, self.epoch = batch_size, epoch
        self.report_at = {
            math.ceil(steps * (r + 1) / reports) for r in range(reports)
        }
        self.step, self.since, self.finite, self.sums = 0, 0, 0, {}
        self.bar = tqdm(
            total=steps * batch_size, unit=" images", mininterval=1.0
        )

    def __enter__(self) -> "History":
        return self

    def __exit__(self, *error: object) -> None:
        self.bar.close()

    def add(
        self, loss: Tensor, terms: dict[str, Tensor]
    ) -> dict[str, float] | None:
        """Count one step; where a report is due, its row, once it is known to
        be finite.
        """
        for (
            name,
            term,
        ) in terms.items():  # summed on the device: no wait at every step
            self.sums[name] = self.sums.get(name, 0) + term.detach()
        self.finite = self.finite + loss.detach().isfinite()
        self.step, self.since = self.step + 1, self.since + 1
        self.bar.update(self.batch_size)
        if self.step not in self.report_at:
            return None
        row = {"images_seen": self.step * self.batch_size}
        row |= {
            name: total.item() / self.since for name, total in self.sums.items()
        }
        check_finite(
            row, int(self.finite), self.step, self.batch_size / self.epoch
        )
        self.rows.append(row)
        self.sums, self.since = {}, 0
        return row


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

    The model is given `labels` too where these are passed. A VAE is measured
    with sampled z; `seed` fixes that draw and leaves the global random state as
    it was.
    """
    data.check_images(images)
    told = () if labels is None else (labels,)
    totals: dict[str, Tensor] = {}
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for part, *known in zip(
            *(t.split(batch_size) for t in (images, *told)), strict=True
        ):
            x = data.to_float(part)
            loss, terms = loss_fn(model(x, *known), x)
            for name, term in {**terms, "loss": loss}.items():
                totals[name] = totals.get(name, 0) + term * len(x)
    return {name: total.item() / len(images) for name, total in totals.items()}


def check_finite(
    row: dict[str, float], finite: int, steps: int, epochs_per_step: float
) -> None:
    """Stop a run whose loss was finite in only the first `finite` of its steps
    so far.
    """
    if finite < steps:
        terms = ", ".join(f"{name} {value:.1f}" for name, value in row.items())
        raise FloatingPointError(
            "The loss became NaN or infinite in epoch "
            f"{math.ceil((finite + 1) * epochs_per_step)} "
            f"({terms}). Lower the learning rate, or check the images and the "
            "loss."
        )


def describe(row: dict[str, float]) -> str:
    """A row of the history in words, for the progress bar."""
    terms = ", ".join(
        f"{name} {value:.1f}"
        for name, value in row.items()
        if name != "images_seen"
    )
    return f"{terms} nats per image"
