"""One training loop for both models."""

import math
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
) -> list[dict[str, float]]:
    """Train in place until `budget` images were seen; return the history in nats per image.

    `images` are uint8 (N, 1, 32, 32); the model goes to their device. Adam follows a one-cycle
    schedule that peaks at `lr`. `seed` fixes the order of the images and the noise of a VAE
    (the initial weights were fixed before, when the model was made). The history holds
    `reports` rows: "images_seen", the mean of each loss term since the row before, and, given
    `validation` images, the same terms measured on them under "validation_..." keys.

    Raises `FloatingPointError`, naming the epoch, when the loss is no longer finite.
    """
    if min(budget, batch_size) < 1:
        raise ValueError(f"budget {budget} and batch_size {batch_size} must be at least 1.")
    images, steps = data.check_images(images), math.ceil(budget / batch_size)
    model.to(images.device, memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), lr=lr, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, steps, cycle_momentum=False)
    report_at = {math.ceil(steps * (r + 1) / reports) for r in range(reports)}
    history, sums, since, finite = [], {}, 0, 0
    torch.manual_seed(seed)
    with tqdm(total=steps * batch_size, unit=" images", mininterval=1.0) as progress:
        for step, x in enumerate(data.batches(images, batch_size, steps, seed), start=1):
            loss, terms = loss_fn(model(x), x)  # AE and VAE differ only here
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            for name, term in terms.items():  # summed on the device: no wait at every step
                sums[name] = sums.get(name, 0) + term.detach()
            since, finite = since + 1, finite + loss.detach().isfinite()
            if step in report_at:
                row = {"images_seen": step * batch_size}
                row |= {name: total.item() / since for name, total in sums.items()}
                check_finite(row, int(finite), step, batch_size / len(images))
                if validation is not None:
                    held_out = evaluate(model, loss_fn, validation)
                    row |= {f"validation_{name}": value for name, value in held_out.items()}
                history.append(row)
                progress.set_postfix_str(describe(row), refresh=False)
                sums, since = {}, 0
            progress.update(batch_size)
    return history


@torch.no_grad()
def evaluate(
    model: nn.Module, loss_fn: Callable, images: Tensor, seed: int = 0, batch_size: int = 1000
) -> dict[str, float]:
    """Each loss term on `images`, and their "loss", in nats per image.

    A VAE is measured with sampled z; `seed` fixes that draw and leaves the global random
    state as it was.
    """
    data.check_images(images)
    totals: dict[str, Tensor] = {}
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for part in images.split(batch_size):
            x = data.to_float(part)
            loss, terms = loss_fn(model(x), x)
            for name, term in {**terms, "loss": loss}.items():
                totals[name] = totals.get(name, 0) + term * len(x)
    return {name: total.item() / len(images) for name, total in totals.items()}


def check_finite(row: dict[str, float], finite: int, steps: int, epochs_per_step: float) -> None:
    """Stop a run whose loss was finite in only the first `finite` of its steps so far."""
    if finite < steps:
        terms = ", ".join(f"{name} {value:.1f}" for name, value in row.items())
        raise FloatingPointError(
            f"The loss became NaN or infinite in epoch {math.ceil((finite + 1) * epochs_per_step)} "
            f"({terms}). Lower the learning rate, or check the images and the loss."
        )


def describe(row: dict[str, float]) -> str:
    """A row of the history in words, for the progress bar."""
    terms = ", ".join(f"{name} {value:.1f}" for name, value in row.items() if name != "images_seen")
    return f"{terms} nats per image"
