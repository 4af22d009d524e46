"""One candidate of the search: trained for a fifth of the course's budget or
less, and asked what it is good for.
"""

import time
from functools import cache

import torch
from torch import Tensor

from aevae_lib import measure, sample
from aevae_lib.data import Split, to_float
from aevae_lib.losses import vae_loss
from aevae_lib.models import VAE, Autoencoder
from aevae_lib.train import evaluate, fit

from ..runs import build, loss_of, training_set
from ..second import referees, training
from ..second.runs import ANIMALS, BIRD, GARMENTS, Run

SEEDS = 3
DIMS = (2, 4, 8, 16, 32, 64)
BIRD_DIMS = DIMS[:-1]  # 650 birds are too few for a mixture at 64
BETAS = (0.1, 0.5, 1.0, 4.0)
RATE = 8e-3  # that of `fit`, as a reader would leave it
SETS = {
    "garments": {"data": GARMENTS, "budget": 110_000},
    "birds": {"data": ANIMALS, "only_class": BIRD, "budget": 55_000},
}
ASKED = 2000  # images at most, and as many draws
KNOWN = 20_000  # training images whose codes are kept
SAMPLERS = ("prior", "Gaussian", "mixture")
JUDGES = (referees.PIXELS, referees.BLUR)


def candidates(name: str) -> list[Run]:
    """All of a set, one seed after another."""
    grid = [("ae", {})] + [("vae", {"beta": beta}) for beta in BETAS]
    return [
        Run(kind, d, seed, lr=RATE, **more, **SETS[name])
        for seed in range(SEEDS)
        for d in (BIRD_DIMS if name == "birds" else DIMS)
        for kind, more in grid
    ]


def scored(run: Run) -> dict:
    """A candidate's scores on validation images, to choose by, and on test
    images, to be told; and what its training took.
    """
    torch.set_num_threads(1)
    dataset = training.loaded(run.data, "cpu")
    seen = training_set(run, dataset.train)
    model = build(run)
    begin = time.perf_counter()
    fit(model, loss_of(run), seen.images, run.budget, seed=run.seed, lr=run.lr)
    seconds = time.perf_counter() - begin
    parts = {"validation": dataset.validation, "test": dataset.test}
    return {
        name: scores(model, seen, training_set(run, part)[:ASKED], run)
        for name, part in parts.items()
    } | {"seconds": round(seconds, 1)}


def scores(
    model: Autoencoder, seen: Split, asked: Split, run: Run
) -> dict[str, float]:
    """What a model is good for, by images that it has not seen."""
    found = {"redraw": redraw(model, asked.images)}
    if isinstance(model, VAE):
        found["store"] = store(model, asked.images, run.seed)
    if run.only_class is None:
        found["describe"] = measure.neighbour_accuracy(
            sample.encode(model, seen.images[:KNOWN]), seen.labels[:KNOWN],
            sample.encode(model, asked.images), asked.labels,
        )  # fmt: skip
    codes = sample.codes_of(model, seen.images[:KNOWN])
    for sampler in SAMPLERS:
        draw = sample.SAMPLERS[sampler](codes)
        drawn = sample.pictures(model, draw(ASKED, seed=run.seed))
        for judge in JUDGES:
            look = judges(run.data)[judge].look
            both = look(drawn), look(to_float(asked.images))
            found[f"frechet.{sampler}.{judge}"] = measure.frechet(*both)
            kernel, _ = measure.kernel_distance(*both)
            found[f"kernel.{sampler}.{judge}"] = kernel
    return found


@torch.no_grad()
def redraw(model: Autoencoder, images: Tensor) -> float:
    """Nats of images from the middle of their clouds."""
    decoded = model.decode(sample.encode(model, images))
    return decoded.nats(to_float(images)).mean().item()


def store(model: VAE, images: Tensor, seed: int) -> float:
    """The negative ELBO in nats, at beta 1 whatever the model was trained at:
    the code, and what corrects the picture that it gives.
    """
    found = evaluate(model, vae_loss, images, seed, batch_size=ASKED)
    return found["loss"]


@cache
def judges(data: str) -> dict[str, referees.Referee]:
    """Those of a data set; of all animals for the birds."""
    return referees.referees(training.loaded(data, "cpu"))
