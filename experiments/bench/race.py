"""Time to quality: our recipe against a tutorial's and the book's."""

import itertools
from collections.abc import Callable
from functools import partial
from statistics import median

import torch
from scipy.stats import mannwhitneyu
from torch import Tensor
from tqdm import tqdm

from aevae_lib import losses, models

from . import machine, recipes, ways
from .machine import clock
from .networks import plain_book_networks
from .turns import ratios

SEEDS = 5
FRACTION = 15  # the book's recipe may take so many times as long


def race() -> dict:
    """Seconds and test loss: a tutorial's recipe, the book's, and ours in a
    part of its time.
    """
    fashion = machine.load()
    pictures, test = fashion.train.images, fashion.test.images
    recipes.trained({}, pictures, 0, 20_000)  # to warm up
    found: dict[str, dict] = {
        who: {"s": [], "loss": []} for who in ("tutorial", "book", "ours")
    }

    def run(who: str, recipe: Callable[[], models.VAE]) -> None:
        begin = clock()
        model = recipe()
        found[who]["s"].append(clock() - begin)
        found[who]["loss"].append(recipes.loss_of(model, test))

    def our_recipe(seed: int) -> models.VAE:
        # Less than allowed, since a short run tells the pace, and its time
        # counts.
        allowed = 0.85 * found["book"]["s"][-1] / FRACTION
        seen = recipes.seen_in(allowed, {}, pictures)
        return recipes.trained({}, pictures, seed, seen)

    for seed in tqdm(range(SEEDS), desc="race"):
        run("tutorial", partial(tutorials_recipe, pictures, seed))
        run("book", partial(books_recipe, pictures, seed))
        run("ours", partial(our_recipe, seed))
    return summed_up(found)


def summed_up(found: dict[str, dict]) -> dict[str, dict]:
    """The same with medians, and what the others have against ours."""
    for who in found.values():
        who |= {
            f"median_{name}": median(values) for name, values in who.items()
        }
    ours = found["ours"]
    for other in (found["tutorial"], found["book"]):
        longer = ratios(other["s"], ours["s"])
        p = mannwhitneyu(ours["loss"], other["loss"], alternative="less").pvalue
        other |= {"times_ours": median(longer), "p": float(p)}
    return found


def books_recipe(pictures: Tensor, seed: int) -> models.VAE:
    """Foster's recipe at beta 1: five epochs in batches of 100 under Adam with
    5e-4.
    """
    torch.manual_seed(seed)
    model = models.VAE(2, plain_book_networks)
    recipes.steady(
        model,
        losses.vae_loss,
        pictures,
        5 * len(pictures),
        seed=seed,
        lr=5e-4,
        batch_size=100,
    )
    return model


def tutorials_recipe(pictures: Tensor, seed: int) -> models.VAE:
    """Five epochs of the lesson's network as in most tutorials: see
    `ways.loader`.
    """
    torch.manual_seed(seed)
    model = models.VAE(2).to(pictures.device)
    optimizer = torch.optim.Adam(model.parameters())
    batch_size = ways.BATCH["lesson"]
    steps = 5 * len(pictures) // batch_size
    batches = ways.loaded(pictures, batch_size)
    for x in itertools.islice(batches, steps):
        ways.step(model, optimizer, x.to(pictures.device)).item()
    return model
