"""Train the classifier of the zoo: `python -m experiments.classifier`.

Everything was chosen on the validation images: the network, its schedule, the
augmentation, and the temperature that calibrates its confidence. The test
images are looked at once, at the end. One thread, whose order of sums is always
the same, makes a run repeatable on one machine.
"""

import math

import torch
import torch.nn.functional as F
from scipy.optimize import minimize_scalar
from torch import Tensor
from tqdm import tqdm

from aevae_lib import data, measure, zoo
from aevae_lib.models import evaluating

from .shelf import half, write

EPOCHS = 14
BATCH_SIZE = 128
LEARNING_RATE = 4e-3
SHIFT = 2  # pixels, at most, in each direction
SEED = 0


def main() -> None:
    torch.set_num_threads(1)
    fashion = data.load(device="cpu")
    torch.manual_seed(SEED)
    model = zoo.Classifier()
    steps = train(model, fashion.train, fashion.validation)
    model.eval()
    temperature = calibrate(model, fashion.validation)
    stored = zoo.Classifier().eval()
    stored.load_state_dict(half(model.state_dict()))  # copied into float32
    exact, rounded = (accuracy(m, fashion.validation) for m in (model, stored))
    if abs(exact - rounded) > 1e-3:
        raise SystemExit(
            f"Half precision changes the accuracy from {exact:.4f} to "
            f"{rounded:.4f}."
        )
    configuration = {
        "kind": "classifier",
        "seed": SEED,
        "images_seen": steps * BATCH_SIZE,
        "dtype": "float16",
        "temperature": temperature,
        "validation_accuracy_float32": exact,
        "validation": scores(stored, fashion.validation),
        "test": scores(stored, fashion.test),
    }
    tensors = half(stored.state_dict())
    path = write(tensors, zoo.FOLDER / "classifier.safetensors", configuration)
    print(f"{path.name}: {path.stat().st_size:,} bytes")
    tell(configuration)


def tell(configuration: dict) -> None:
    """Print what was measured."""
    print(f"temperature {configuration['temperature']:.3f}")
    exact = configuration["validation_accuracy_float32"]
    print(f"validation accuracy in float32 {exact:.4f}")
    for split in ("validation", "test"):
        row = configuration[split]
        print(
            f"{split}: accuracy {row['accuracy']:.4f}, calibration error "
            f"{row['calibration_error']:.4f}, cross-entropy "
            f"{row['cross_entropy']:.4f} nats"
        )
    print(configuration["test"]["recall"])


def train(
    model: zoo.Classifier, train: data.Split, validation: data.Split
) -> int:
    """Fit in place by one-cycle Adam, and return the steps taken."""
    model.to(memory_format=torch.channels_last)
    steps = math.ceil(len(train) * EPOCHS / BATCH_SIZE)
    optimizer = torch.optim.Adam(model.parameters(), LEARNING_RATE, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LEARNING_RATE, steps, cycle_momentum=False
    )
    generator = torch.Generator().manual_seed(SEED)
    order = torch.empty(0, dtype=torch.long)
    bar = tqdm(total=steps * BATCH_SIZE, unit=" images", mininterval=1.0)
    for step in range(1, steps + 1):
        if len(order) < BATCH_SIZE:
            more = torch.randperm(len(train), generator=generator)
            order = torch.cat([order, more])
        chosen, order = order[:BATCH_SIZE], order[BATCH_SIZE:]
        x = augment(data.to_float(train.images[chosen]), generator)
        # Twice as fast as float32:
        with torch.autocast("cpu", torch.bfloat16):
            loss = F.cross_entropy(model(x), train.labels[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        bar.update(BATCH_SIZE)
        if step % (steps // EPOCHS) == 0:
            with evaluating(model):
                found = accuracy(model, validation)
            bar.set_postfix_str(f"validation {found:.4f}")
    bar.close()
    return steps


def augment(x: Tensor, generator: torch.Generator) -> Tensor:
    """Each image shifted by up to SHIFT pixels, and half of them mirrored."""
    n, side = len(x), x.shape[-1]
    dy, dx = torch.randint(0, 2 * SHIFT + 1, (2, n, 1), generator=generator)
    mirrored = torch.rand(n, 1, generator=generator) < 0.5
    pixel = torch.arange(side)
    rows, columns = (
        pixel + dy,
        torch.where(mirrored, side - 1 - pixel, pixel) + dx,
    )
    padded = F.pad(x, (SHIFT,) * 4)[:, 0]
    return padded[
        torch.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]
    ][:, None]


def calibrate(model: zoo.Classifier, split: data.Split) -> float:
    """Divide the logits by the temperature of least cross-entropy (Guo et al.
    2017), in place.
    """
    found, labels = logits(model, split), split.labels
    best = minimize_scalar(
        lambda t: F.cross_entropy(found / t, labels).item(),
        bounds=(0.2, 5),
        method="bounded",
    )
    with torch.no_grad():
        for parameter in model.head.parameters():
            parameter /= best.x
    return float(best.x)


@torch.no_grad()
def logits(model: zoo.Classifier, split: data.Split) -> Tensor:
    return torch.cat(
        [model(data.to_float(part)) for part in split.images.split(1000)]
    )


def accuracy(model: zoo.Classifier, split: data.Split) -> float:
    return (
        (logits(model, split).argmax(1) == split.labels).float().mean().item()
    )


def scores(model: zoo.Classifier, split: data.Split) -> dict:
    """Accuracy, calibration, cross-entropy in nats, and the recall of each
    class.
    """
    found = logits(model, split)
    right = (found.argmax(1) == split.labels).float()
    recall = {
        name: round(right[split.labels == c].mean().item(), 4)
        for c, name in enumerate(split.classes)
    }
    return {
        "accuracy": round(right.mean().item(), 4),
        "calibration_error": measure.calibration(found, split.labels),
        "cross_entropy": F.cross_entropy(found, split.labels).item(),
        "recall": recall,
    }


if __name__ == "__main__":
    main()
