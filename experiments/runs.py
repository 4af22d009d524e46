"""The vocabulary of the experiments: kinds of models, runs, names, stages.

A run is one configuration of the protocol. Its name says in which ways it
departs from the plain one, and names its file of results, its weights and the
zoo's file. Runs that differ only in their seed form a group.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import partial

import torch

from aevae_lib import losses, models, zoo
from aevae_lib.data import Split
from aevae_lib.zoo import EPOCH

SHIRT = 6  # the class of the post's example
TUNING_SEED = 100  # used by no other stage
LEARNING_RATES = (4e-3, 8e-3, 1.6e-2)  # the candidates; 8e-3 is the lesson's
EPOCHS_KEPT = (1, 2, 3, 5, 7)  # of the ten: checkpoints for the zoo


@dataclass(frozen=True)
class Kind:
    """What is built for a run, and what it minimises."""

    model: type[models.Autoencoder]
    loss: Callable
    lr: float  # that the stage "tune" chose
    weighted: bool = False  # whether the loss takes a weight `beta` of the KL

    @property
    def variational(self) -> bool:
        """Whether a code is a draw from a learned cloud."""
        return issubclass(self.model, models.VAE)

    @property
    def told(self) -> bool:
        """Whether the decoder is told the class."""
        return issubclass(self.model, models.ConditionalAutoencoder)


# One learning rate for all without a KL, one for all with one.
PLAIN_LR, KL_LR = 1.6e-2, 1.6e-2
KINDS = {
    "ae": Kind(zoo.KINDS["ae"], losses.ae_loss, PLAIN_LR),
    "vae": Kind(zoo.KINDS["vae"], losses.vae_loss, KL_LR, weighted=True),
    "noisy": Kind(models.NoisyAutoencoder, losses.ae_loss, PLAIN_LR),
    "penalised": Kind(models.Autoencoder, losses.penalised_loss, PLAIN_LR),
    # Noise, fixed or learned, and a price on the mean alone.
    "fixed": Kind(models.NoisyAutoencoder, losses.penalised_loss, PLAIN_LR),
    "learned": Kind(models.VAE, losses.penalised_loss, KL_LR),
    "cae": Kind(zoo.KINDS["cae"], losses.ae_loss, PLAIN_LR),
    "cvae": Kind(zoo.KINDS["cvae"], losses.vae_loss, KL_LR, weighted=True),
}
NETWORKS = {"lesson": models.lesson_networks, "book": models.book_networks}


@dataclass(frozen=True)
class Run:
    """One configuration of the protocol."""

    kind: str  # one of KINDS
    latent_dim: int
    seed: int
    beta: float = 1.0
    train_images: int = EPOCH
    only_class: int | None = None
    budget: int = 10 * EPOCH  # images seen
    network: str = "lesson"  # one of NETWORKS
    lr: float | None = None  # None: that of the kind

    @property
    def group(self) -> str:
        """What it shares with the runs that differ only in their seed."""
        departures = {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if field.name in DEPARTURES
            and getattr(self, field.name) != field.default
        }
        return group(self.kind, self.latent_dim, **departures)

    @property
    def name(self) -> str:
        """What its files are called."""
        return f"{self.group}-seed{self.seed}"

    @property
    def plain(self) -> bool:
        """Whether it departs from the protocol in nothing but kind and seed."""
        return self == Run(self.kind, 2, self.seed)


# How a name says in what a run departs from the protocol, in this order.
DEPARTURES = {
    "data": "{}",  # of the second edition, whose runs name a data set
    "beta": "beta{:g}",
    "train_images": "n{}",
    "only_class": "class{}",
    "without_class": "without{}",  # also of the second edition
    "budget": "budget{}",
    "network": "{}",
    "lr": "lr{:g}",
}


def group(kind: str, latent_dim: int, **departures: float | str) -> str:
    """The name of a group of runs: "vae-d2-beta4" for kind "vae", beta 4."""
    parts = [
        form.format(departures[name])
        for name, form in DEPARTURES.items()
        if name in departures
    ]
    return "-".join([kind, f"d{latent_dim}", *parts])


# --- which runs there are ----------------------------------------------------


def stage_runs(stage: str) -> list[Run]:
    """The runs of a stage, one seed after another: stopped early, all have some
    seeds.
    """
    if stage not in STAGES:
        raise ValueError(
            f"There is no stage {stage!r}; the stages are {', '.join(STAGES)}."
        )
    return STAGES[stage]()


def tuning() -> list[Run]:
    grid = itertools.product((2, 16), PAIR, LEARNING_RATES)
    return [Run(kind, d, TUNING_SEED, lr=lr) for d, kind, lr in grid]


def factorial() -> list[Run]:
    both = [Run(kind, d, 0) for d in (2, 16) for kind in FOUR]
    more = [Run(kind, 2, seed) for seed in range(5, 10) for kind in FOUR]
    return seeded(5, *both) + more


def dimensions() -> list[Run]:
    grid = itertools.product((4, 8, 32, 64), PAIR)
    return seeded(5, *(Run(kind, d, 0) for d, kind in grid))


def departures() -> list[Run]:
    betas = (0.0, 0.1, 0.5, 2.048, 4.0, 10.0, 100.0)
    dial = [Run("vae", d, 0, beta=beta) for d in (2, 16) for beta in betas]
    grid = itertools.product((2, 16), PAIR, (500, 5000))
    few = [Run(kind, d, 0, train_images=n) for d, kind, n in grid]
    grid = itertools.product((2, 16), PAIR)
    shirts = [Run(kind, d, 0, only_class=SHIRT) for d, kind in grid]
    told = [Run(kind, d, 0) for d in (2, 16) for kind in ("cae", "cvae")]
    return seeded(3, *dial, *few, *shirts, *told)


def longer_and_wider() -> list[Run]:
    longer = [Run(kind, 2, 0, budget=30 * EPOCH) for kind in PAIR]
    wider = [Run(kind, 2, 0, network="book") for kind in PAIR]
    return seeded(3, *longer, *wider)


def seeded(count: int, *runs: Run) -> list[Run]:
    """Each run with each seed from 0."""
    return [replace(run, seed=seed) for seed in range(count) for run in runs]


PAIR = ("ae", "vae")
FOUR = ("ae", "vae", "noisy", "penalised")
STAGES = {
    "tune": tuning,
    "A": factorial,
    "B": dimensions,
    "C": departures,
    "D": longer_and_wider,
}


# --- what a run is made of ---------------------------------------------------


def build(run: Run) -> models.Autoencoder:
    """The untrained model of a run; one seed gives all kinds the same trunk and
    decoder.
    """
    torch.manual_seed(run.seed)
    return KINDS[run.kind].model(run.latent_dim, NETWORKS[run.network])


def loss_of(run: Run) -> Callable:
    """What the model of a run minimises."""
    kind = KINDS[run.kind]
    return partial(kind.loss, beta=run.beta) if kind.weighted else kind.loss


def learning_rate(run: Run) -> float:
    """The learning rate of a run: frozen by the stage "tune" for all others."""
    return run.lr or KINDS[run.kind].lr


def training_set(run: Run, train: Split) -> Split:
    """The images and labels that a run may see."""
    if run.only_class is not None:
        train = train[train.labels == run.only_class]
    return train[: run.train_images]


# --- what the zoo keeps ------------------------------------------------------


def checkpoints(run: Run) -> bool:
    """Whether the zoo has models of this run on their way."""
    return run.plain and run.seed == 0 and run.kind in PAIR


def zoo_kind(run: Run) -> str:
    """What the zoo calls a model of this run."""
    return run.kind if run.only_class is None else f"shirt-{run.kind}"
