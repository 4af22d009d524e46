"""Time to quality: recipes of training that are given the same time."""

import math
from collections.abc import Callable
from statistics import mean

import torch
from torch import Tensor
from tqdm import tqdm

from aevae_lib import data, losses, models, train

from . import machine, ways
from .machine import clock
from .networks import size, start

RECIPE = {"networks": "linear", "lr": 8e-3, "batch_size": 128}
# What it is compared with: every row changes one thing, but other networks have
# rates and batches of their own, and a steady rate is that of the plain loop,
# with the book's epsilon of Adam.
RECIPES = {
    "the recipe": {},
    "half the learning rate": {"lr": 4e-3},
    "twice the learning rate": {"lr": 1.6e-2},
    "a steady rate, a quarter": {"lr": 2e-3, "steady": True},
    "batches of 64": {"batch_size": 64},
    "batches of 256": {"batch_size": 256},
    "Keras's first weights": {"networks": "linear, Keras"},
    "the lesson's network": {
        "networks": "lesson",
        "lr": 1.6e-2,
        "batch_size": 64,
    },
    "the book's network": {"networks": "book", "lr": 2e-3, "batch_size": 64},
}
SECONDS = 15.0  # of training, for each recipe and seed
SEEDS = 2


def recipes() -> dict:
    """Validation loss of every recipe after the same time; the test images are
    not looked at.

    The time is turned into a number of images, once for all recipes of one
    cost, so that no moment at which the machine is slow counts against the
    recipe that is then trained.
    """
    fashion = machine.load()
    pictures, held_out = fashion.train.images, fashion.validation.images
    trained({}, pictures, 0, 20_000)  # to warm up
    tried: dict[str, dict[str, list]] = {
        n: {"loss": [], "images": [], "s": []} for n in RECIPES
    }
    budgets = {cost_of(recipe): recipe for recipe in reversed(RECIPES.values())}
    budgets = {
        cost: seen_in(SECONDS, recipe, pictures)
        for cost, recipe in budgets.items()
    }
    with tqdm(total=SEEDS * len(RECIPES), desc="recipes") as progress:
        for seed in range(100, 100 + SEEDS):
            for name, recipe in RECIPES.items():
                begin, budget = clock(), budgets[cost_of(recipe)]
                model = trained(recipe, pictures, seed, budget)
                tried[name]["s"].append(clock() - begin)
                tried[name]["images"].append(budget)
                tried[name]["loss"].append(loss_of(model, held_out))
                progress.update()
    return {
        "seconds": SECONDS,
        "tried": tried,
        "mean": {name: mean(found["loss"]) for name, found in tried.items()},
        "networks": {name: size(name) for name in ("linear", "lesson", "book")},
    }


def loss_of(model: models.VAE, images: Tensor) -> float:
    """The loss of a VAE in nats per image."""
    return train.evaluate(model, losses.vae_loss, images)["loss"]


def trained(
    recipe: dict, pictures: Tensor, seed: int, budget: int
) -> models.VAE:
    """A model trained on so many images in the way that `recipe` says, or else
    RECIPE.
    """
    recipe = RECIPE | recipe
    model = start(recipe.pop("networks"), seed)
    loop = steady if recipe.pop("steady", False) else train.fit
    loop(model, losses.vae_loss, pictures, budget, seed=seed, **recipe)
    return model


def steady(
    model: models.VAE,
    loss_fn: Callable,
    pictures: Tensor,
    budget: int,
    *,
    seed: int = 0,
    lr: float,
    batch_size: int,
) -> None:
    """Training at one learning rate from first to last, as in the book, in the
    plain loop.
    """
    model.to(pictures.device, memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), lr=lr, eps=1e-7)
    torch.manual_seed(seed)
    steps = math.ceil(budget / batch_size)
    for x in data.batches(pictures, batch_size, steps, seed):
        ways.step(model, optimizer, x)


def seen_in(seconds: float, recipe: dict, pictures: Tensor) -> int:
    """About how many images a recipe sees in so many seconds; a short run tells
    its pace.
    """
    trial = 40 * (RECIPE | recipe)["batch_size"]
    begin = clock()
    trained(recipe, pictures, 0, trial)
    return int(seconds * trial / (clock() - begin))


def cost_of(recipe: dict) -> tuple[str, int]:
    """Recipes that share this need the same time for an image."""
    recipe = RECIPE | recipe
    return recipe["networks"].partition(",")[0], recipe["batch_size"]
