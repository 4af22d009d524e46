"""The judges: what each of them sees in a picture.

A judge turns pictures (N, 1, H, W) in [0, 1] into features (N, F), in which
sets of pictures are compared. All learn from training images alone. Those that
are trained here have a small budget, stated below; their weights are kept in
`_build/judges` and made anew, the same on one machine with one version of
PyTorch, wherever they are missing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from aevae_lib import data, losses, sample, train, zoo
from aevae_lib.models import VAE, Autoencoder
from experiments.classifier import augment

from . import faults

FOLDER = Path(__file__).resolve().parents[2] / "_build" / "judges"
CLASSIFIER_BUDGET = 32_000  # images seen; the zoo's has seen 770,000
MORE = 20_000  # images by which a classifier gets used to blur
AUTOENCODER_BUDGET = 40_000  # the zoo's have seen 550,000
SEED = 700  # no other model of the course has one from here on
SECOND = "classifier used to blur, seed 2"
ZOO = "fashion-mnist"  # the data set of the zoo
KEPT = {"ae": Autoencoder, "vae": VAE}
BLURS = (0.5, 1.0, 1.5, 2.0)  # pixels, for the classifier that learns on blur


@dataclass(frozen=True)
class Judge:
    """Features by which sets are compared, and classes where it gives them."""

    name: str
    look: Callable[[Tensor], Tensor]
    classes: Callable[[Tensor], Tensor] | None = None
    tells: bool = False  # a network is trained for every single comparison


def judges(dataset: data.DataSet) -> list[Judge]:
    """Every candidate for this data set, trained where it must be."""
    learnt = data.to_float(dataset.train.images)
    first = (
        zoo.classifier()
        if dataset.name == ZOO
        else trained_classifier(dataset, SEED)
    )
    second = trained_classifier(dataset, SEED + 1)
    networks = {
        "classifier": first,
        "classifier, seed 2": second,
        "classifier used to blur": used_to_blur(dataset, first),
        SECOND: used_to_blur(dataset, second, SEED + 1),
    }
    found = [
        Judge(
            name,
            scaled(network.features, learnt),
            lambda x, n=network: batched(n, x).argmax(1),
        )
        for name, network in networks.items()
    ]
    views = {
        "codes of an AE": kept(dataset, "ae", 32).encode,
        "codes of a VAE": kept(dataset, "vae", 32).encode,
        "pixel components": components(learnt, dataset.frame),
        "random features": untrained().encode,
    }
    found += [Judge(name, scaled(view, learnt)) for name, view in views.items()]
    return [*found, Judge("network that tells", lambda x: x, tells=True)]


def quick(found: Sequence[Judge]) -> list[Judge]:
    """Those for repeated use: more seeds of the classifier say little more, and
    the network that tells is slow.
    """
    return [j for j in found if not j.tells and "seed" not in j.name]


@torch.no_grad()
def batched(network: Callable, images: Tensor) -> Tensor:
    """A network's answers; this layout and batch halve a classifier's time."""
    parts = images.split(50)
    order = torch.channels_last
    return torch.cat([network(x.to(memory_format=order)) for x in parts])


def scaled(view: Callable, learnt: Tensor) -> Callable[[Tensor], Tensor]:
    """Features times one number, which makes their mean square 1 over training
    images: a kernel's width then means the same for every judge.
    """
    size = size_of(view, learnt)
    return lambda images: batched(view, images) / size


def size_of(view: Callable, learnt: Tensor) -> Tensor:
    """The root mean square of centred features of training images: ()."""
    known = batched(view, learnt[:5000])
    return (known - known.mean(0)).square().mean().sqrt()


# --- those that need no labels -----------------------------------------------


def components(learnt: Tensor, frame: int, number: int = 50) -> Callable:
    """The first principal components of the pixels inside the frame."""

    def pixels(x: Tensor) -> Tensor:
        inside = slice(frame, x.shape[-1] - frame)
        return x[..., inside, inside].flatten(1)

    some = pixels(learnt[:20_000])
    centre = some.mean(0)
    axes = torch.linalg.eigh(torch.cov(some.T.double())).eigenvectors
    axes = axes.flip(1)[:, :number].float()
    return lambda x: (pixels(x) - centre) @ axes


def models_of(dataset: data.DataSet) -> Callable[[str, int], Autoencoder]:
    """The models whose redrawings are judged: the zoo's, or where it has none
    of this data set, some with a small budget.
    """
    if dataset.name == ZOO:
        return zoo.load
    return lambda kind, d: kept(dataset, kind, d, SEED + 50)


def untrained() -> Autoencoder:
    """An encoder as it is before training: random features."""
    torch.manual_seed(SEED)
    return Autoencoder(64).eval().requires_grad_(False)


def kept(
    dataset: data.DataSet, kind: str, d: int, seed: int = SEED
) -> Autoencoder:
    """An autoencoder or VAE that serves as a judge and nothing else."""

    def teach(model: Autoencoder) -> None:
        loss = losses.ae_loss if kind == "ae" else losses.vae_loss
        train.fit(
            model, loss, dataset.train.images, AUTOENCODER_BUDGET,
            seed=seed + d, lr=8e-3,
        )  # fmt: skip

    name = f"{dataset.name}-{kind}-d{d}-seed{seed + d}"
    return stored(name, lambda: KEPT[kind](d), teach, seed + d)


# --- classifiers -------------------------------------------------------------


def trained_classifier(dataset: data.DataSet, seed: int) -> zoo.Classifier:
    """The zoo's classifier network, trained from another seed."""
    train_part = dataset.train

    def teach(model: zoo.Classifier) -> None:
        variants = [data.to_float(train_part.images)]
        learn(model, variants, train_part.labels, CLASSIFIER_BUDGET, seed)

    name = f"{dataset.name}-classifier-seed{seed}"
    return stored(name, zoo.Classifier, teach, seed)


def used_to_blur(
    dataset: data.DataSet, first: zoo.Classifier, seed: int = SEED
) -> zoo.Classifier:
    """A classifier that went on to learn from training images of which a third
    are blurred and a third redrawn.
    """
    some = dataset.train[:MORE]

    def teach(model: zoo.Classifier) -> None:
        model.load_state_dict(first.state_dict())
        sharp = data.to_float(some.images)
        variants = [sharp, smeared(sharp), redrawn(dataset, some.images)]
        learn(model, variants, some.labels, MORE, seed)

    name = f"{dataset.name}-classifier-blur-seed{seed}"
    return stored(name, zoo.Classifier, teach, seed)


def smeared(images: Tensor) -> Tensor:
    """Every image under one of the widths BLURS."""
    parts = images.clone()
    for k, sigma in enumerate(BLURS):
        chosen = slice(k, None, len(BLURS))
        parts[chosen] = faults.blurred(images[chosen], sigma)
    return parts


def redrawn(dataset: data.DataSet, images: Tensor) -> Tensor:
    """Every image as one of two models kept for this redraws it."""
    found = torch.empty(images.shape)
    models = [("vae", 2), ("ae", 8)]
    for k, (kind, d) in enumerate(models):
        chosen = slice(k, None, len(models))
        model = kept(dataset, kind, d)
        found[chosen] = sample.reconstruct(model, images[chosen])
    return found


def learn(
    model: nn.Module,
    variants: list[Tensor],
    labels: Tensor,
    budget: int,
    seed: int,
) -> None:
    """One-cycle Adam on images that take each variant in turn."""
    model.to(memory_format=torch.channels_last)
    steps, rate = -(-budget // 128), 4e-3
    optimizer = torch.optim.Adam(model.parameters(), rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, rate, steps, cycle_momentum=False
    )
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        chosen = torch.randint(len(labels), (128,), generator=generator)
        variant = torch.randint(len(variants), (128,), generator=generator)
        x = variants[0][chosen]
        for k, images in enumerate(variants):
            x[variant == k] = images[chosen[variant == k]]
        loss = F.cross_entropy(model(augment(x, generator)), labels[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()


def stored(name: str, make: Callable, teach: Callable, seed: int) -> nn.Module:
    """The network of this name from FOLDER, or else trained and put there."""
    path = FOLDER / f"{name}.safetensors"
    torch.manual_seed(seed)
    model = make()
    if path.exists():
        model.load_state_dict(load_file(path))
    else:
        teach(model)
        FOLDER.mkdir(parents=True, exist_ok=True)
        weights = {k: t.contiguous() for k, t in model.state_dict().items()}
        save_file(weights, path)
    model.to(memory_format=torch.channels_last)
    return model.eval().requires_grad_(False)


# --- a network that tells two sets apart -------------------------------------


def told_apart(made: Tensor, real: Tensor, seed: int = 0) -> float:
    """How often a small network tells pictures that are made from real ones:
    0.5 (not at all) to 1.

    It learns on two thirds of (N, 1, H, W) and (M, 1, H, W) and is scored on
    the rest (Lopez-Paz and Oquab, 2017).
    """
    n = min(len(made), len(real))
    cut = 2 * n // 3
    generator = torch.Generator().manual_seed(seed)
    orders = [torch.randperm(len(x), generator=generator) for x in (made, real)]
    made, real = (
        x[order[:n]] for x, order in zip((made, real), orders, strict=True)
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = nn.Sequential(
            nn.Conv2d(made.shape[1], 16, 4, 2, 1), nn.ReLU(),
            nn.Conv2d(16, 32, 4, 2, 1), nn.ReLU(),
            nn.Conv2d(32, 32, 4, 2, 1), nn.ReLU(), nn.Flatten(),
            nn.LazyLinear(1),
        )  # fmt: skip
        x = torch.cat([made[:cut], real[:cut]])
        y = torch.arange(2).repeat_interleave(cut).float()
        network(x[:1])
        optimizer = torch.optim.Adam(network.parameters(), 2e-3)
        for _ in range(4):
            order = torch.randperm(2 * cut, generator=generator)
            for chosen in order.split(64):
                loss = F.binary_cross_entropy_with_logits(
                    network(x[chosen]).squeeze(1), y[chosen]
                )
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    right = (batched(network, made[cut:]) < 0).float().mean()
    wrong = (batched(network, real[cut:]) < 0).float().mean()
    return 0.5 * (1 + right - wrong).item()
