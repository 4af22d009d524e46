"""What more of everything costs."""

import math
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from statistics import linear_regression, median

import torch
from torch import Tensor
from tqdm import tqdm

from aevae_lib import losses, models, train

from . import machine
from .machine import CORES, ON_CPU, clock
from .networks import wider

ROUNDS = 5


def growth() -> dict:
    """Seconds against images seen, latent dimensions, width and seeds, and the
    log-log slope.

    Seeds are trained several at a time, as the sweep trains them.
    """
    pictures, some = machine.load().train.images, 128 * 40
    cost(pictures, some)  # to warm up
    processes = CORES if ON_CPU else 4
    with ProcessPoolExecutor(
        processes, multiprocessing.get_context("spawn")
    ) as pool:

        def together(seeds: int) -> float:
            begin = clock()
            list(pool.map(alone, [some] * seeds))
            return clock() - begin

        together(4 * processes)  # to start them, and to warm them up
        return {
            "images": grown(
                lambda n: cost(pictures, n), [2**k * 1280 for k in range(7)]
            ),
            "latent dimensions": grown(
                lambda d: cost(pictures, some, d), [2**k for k in range(1, 12)]
            ),
            "width": grown(
                lambda w: cost(pictures, some, width=w), [0.25, 0.5, 1, 2, 4]
            ),
            "seeds": grown(together, [1, 2, 4, 8, 16]),
        }


def cost(
    pictures: Tensor, budget: int, latent_dim: int = 2, width: float = 1
) -> float:
    """Seconds of training."""
    torch.manual_seed(0)
    model = models.VAE(latent_dim, wider(width))
    begin = clock()
    train.fit(model, losses.vae_loss, pictures, budget)
    return clock() - begin


def alone(budget: int) -> float:
    """In a process of its own: seconds of training on one core."""
    torch.set_num_threads(1)
    return cost(machine.load().train.images, budget)


def grown(
    seconds_of: Callable[[float], float], sizes: list[float]
) -> dict[str, object]:
    """Median seconds of each size, last over first, and the slope of the upper
    half on log axes.

    The upper half, since few dimensions or channels cost no less than some more
    of them.
    """
    rounds = [
        [seconds_of(size) for size in sizes]
        for _ in tqdm(range(ROUNDS), "growth")
    ]
    seconds = [median(times) for times in zip(*rounds, strict=True)]
    upper = slice(len(sizes) // 2, None)
    logs = [
        [math.log(value) for value in values[upper]]
        for values in (sizes, seconds)
    ]
    return {
        "sizes": sizes,
        "seconds": seconds,
        "times": seconds[-1] / seconds[0],
        "slope": linear_regression(*logs).slope,
    }
