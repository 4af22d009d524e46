"""Measure how fast this machine trains, and the course with it: `make bench`,
about an hour.

    python -m experiments.bench [PART ...]

The machine should do nothing else meanwhile. The parts are throughput, changes,
layers, growth, recipes, race, peer, course and sweep, in this order; without a
name all are measured. Each part replaces its own numbers in
`aevae_lib/results/bench.json` when it is done, and no other's. With a GPU all
training runs there, and the file is `bench_cuda.json`: neither machine's
numbers are lost.

Ways of training are compared in pairs: each has a process of its own, they take
turns of a second or so, and what counts is the median of their ratios in one
turn. Whatever slows the machine for a while slows both. The other parts measure
one thing after another.
"""

import argparse
import contextlib
import ctypes
import functools
import io
import itertools
import json
import math
import multiprocessing
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import torch
from jupyter_cache import get_cache
from PIL import Image
from scipy.stats import mannwhitneyu
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torch.utils.flop_counter import FlopCounterMode
from torchvision.transforms.functional import to_tensor
from tqdm import tqdm

from aevae_lib import data, losses, models, train
from tools import repository

from . import replicate
from .sweep import ROOT, atomic

DEVICE = data.pick_device()
ON_CPU = DEVICE.type == "cpu"
RESULTS = (
    ROOT
    / "aevae_lib"
    / "results"
    / f"bench{'' if ON_CPU else f'_{DEVICE.type}'}.json"
)
BATCH = {"lesson": 128, "book": 100}
CORES = os.cpu_count() or 1
THREADS = sorted({1, CORES}) if ON_CPU else [CORES]
# In one turn, of a second or so on two cores:
STEPS = {"lesson": 48, "book": 12} if ON_CPU else {"lesson": 200, "book": 200}
ROUNDS = 15
GROWTH_ROUNDS = 5
# Rows and columns of the product that shows what the machine can do:
MATRIX = 2048 if ON_CPU else 8192
PRODUCTS = 3 if ON_CPU else 30  # of them in one turn
STATUS = Path("/proc/self/status")  # on Linux


# --- the networks as anybody would write them --------------------------------


def plain_lesson_networks(latent_dim: int) -> tuple[nn.Module, nn.Module]:
    """The lesson's networks from PyTorch's own layers."""
    trunk, decoder = models.lesson_networks(latent_dim)
    decoder[-1] = nn.ConvTranspose2d(16, 1, 4, stride=2, padding=1)
    for layer in [*trunk, *decoder]:
        if isinstance(layer, nn.ReLU):
            layer.inplace = False
    return trunk, decoder


def plain_book_networks(latent_dim: int) -> tuple[nn.Module, nn.Module]:
    """The book's networks from PyTorch's own layers, padded and cropped as
    Keras does it.
    """
    below_and_right, cut = (0, 1, 0, 1), (0, -1, 0, -1)
    trunk = nn.Sequential(
        nn.ZeroPad2d(below_and_right), nn.Conv2d(1, 32, 3, stride=2), nn.ReLU(),
        nn.ZeroPad2d(below_and_right), nn.Conv2d(32, 64, 3, stride=2), nn.ReLU(),
        nn.ZeroPad2d(below_and_right), nn.Conv2d(64, 128, 3, stride=2), nn.ReLU(),
        nn.Flatten(),
    )  # fmt: skip
    decoder = nn.Sequential(
        nn.Linear(latent_dim, 2048), nn.Unflatten(1, (128, 4, 4)),
        nn.ConvTranspose2d(128, 128, 3, stride=2), nn.ZeroPad2d(cut), nn.ReLU(),
        nn.ConvTranspose2d(128, 64, 3, stride=2), nn.ZeroPad2d(cut), nn.ReLU(),
        nn.ConvTranspose2d(64, 32, 3, stride=2), nn.ZeroPad2d(cut), nn.ReLU(),
        nn.Conv2d(32, 1, 3, padding=1),
    )  # fmt: skip
    models.start_as_keras(trunk, decoder)
    return trunk, decoder


OURS = {"lesson": models.lesson_networks, "book": models.book_networks}
PLAIN = {"lesson": plain_lesson_networks, "book": plain_book_networks}

# --- throughput: ways to train; each yields after every turn -----------------


def library(
    network: str, images: Tensor, networks: Callable | None = None
) -> Iterator[None]:
    """`train.fit`, the course's own loop, with our networks unless others are
    given.
    """
    model, batch_size = models.VAE(2, networks or OURS[network]), BATCH[network]
    while True:
        budget = STEPS[network] * batch_size
        train.fit(
            model,
            losses.vae_loss,
            images,
            budget,
            batch_size=batch_size,
            reports=1,
        )
        yield


def plain(network: str, images: Tensor) -> Iterator[None]:
    """A loop over tensors in memory and in the fast memory format, with
    PyTorch's own layers.
    """
    model = models.VAE(2, PLAIN[network]).to(
        images.device, memory_format=torch.channels_last
    )
    optimizer = torch.optim.Adam(model.parameters())
    while True:
        turn = STEPS[network], BATCH[network]
        for chosen in torch.randint(len(images), turn, device=images.device):
            step(model, optimizer, data.to_float(images[chosen]))
        yield


class Pictures(Dataset):
    """Each picture becomes a tensor when it is asked for, as in torchvision's
    own data sets.
    """

    def __init__(self, images: Tensor):
        self.images = images.cpu()

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Tensor:
        return to_tensor(Image.fromarray(self.images[index, 0].numpy()))


def loaded(images: Tensor, batch_size: int) -> Iterator[Tensor]:
    """Batches from a DataLoader, one pass over the images after another."""
    while True:
        yield from DataLoader(
            Pictures(images), batch_size, shuffle=True, drop_last=True
        )


def loader(network: str, images: Tensor) -> Iterator[None]:
    """As in most tutorials: a data set of pictures, a DataLoader, the loss read
    at each step.
    """
    model = models.VAE(2, PLAIN[network]).to(images.device)
    optimizer = torch.optim.Adam(model.parameters())
    batches = loaded(images, BATCH[network])
    while True:
        for x in itertools.islice(batches, STEPS[network]):
            step(model, optimizer, x.to(images.device)).item()
        yield


def product(network: str, images: Tensor) -> Iterator[None]:
    """No training: a large matrix product, as precise as PyTorch's
    convolutions; the peak.
    """
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32
    a, b = torch.randn(2, MATRIX, MATRIX, device=images.device)
    while True:
        for _ in range(PRODUCTS):
            a @ b
        yield


CHANGES = ("memory", "form", "in place", "fused", "memory, in place")


def without(change: str, network: str, images: Tensor) -> Iterator[None]:
    """`fit` with a change undone, or two; for the rest of the process, which
    should be its own.
    """
    if "memory" in change:
        train.keep_freed_memory = lambda: None
    if change == "fused":
        adam = torch.optim.Adam
        torch.optim.Adam = lambda parameters, lr, fused: adam(parameters, lr=lr)

    def networks(latent_dim: int) -> tuple[nn.Module, nn.Module]:
        parts = (PLAIN if change == "form" else OURS)[network](latent_dim)
        for layer in itertools.chain(*parts):
            if isinstance(layer, nn.ReLU):
                layer.inplace = "in place" not in change
        return parts

    return library(network, images, networks)


LOOPS: dict[str, Callable] = {
    "fit": library, "plain": plain, "DataLoader": loader, "product": product,
}  # fmt: skip
WAYS = LOOPS | {change: partial(without, change) for change in CHANGES}


def step(
    model: models.VAE, optimizer: torch.optim.Optimizer, x: Tensor
) -> Tensor:
    loss, _ = losses.vae_loss(model(x), x)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.detach()


def serve(pipe, way: str, network: str, threads: int) -> None:
    """In a process of its own: take a turn whenever asked; answer with seconds
    and megabytes.

    The megabytes are the most that training added to the libraries and the
    images.
    """
    torch.set_num_threads(threads)
    turns = WAYS[way](network, load().train.images)
    before = forget_peak()
    while pipe.recv():
        pipe.send((timed(turns), peak_memory() - before))


def timed(turns: Iterator[None]) -> float:
    """Seconds of the next turn."""
    begin = clock()
    with quiet():
        next(turns)
    return clock() - begin


def clock() -> float:
    """Seconds by a clock that is read when all work given to a GPU is done."""
    if not ON_CPU:
        torch.accelerator.synchronize()
    return time.perf_counter()


def forget_peak() -> float:
    """Let `peak_memory` count from now on, and return what it starts from."""
    if DEVICE.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    elif STATUS.exists():
        if platform.libc_ver()[0] == "glibc":
            ctypes.CDLL(None).malloc_trim(
                0
            )  # what was freed before shall not serve training
        STATUS.with_name("clear_refs").write_text(
            "5", "utf-8"
        )  # see `man 5 proc`
    return peak_memory()


def peak_memory() -> float:
    """The most megabytes that this process has had: in main memory, or in
    tensors on a GPU.
    """
    if DEVICE.type == "cuda":
        return torch.cuda.max_memory_allocated() / 1e6
    if not STATUS.exists():  # macOS, which counts in bytes and from the start
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    # Not by `getrusage`: on Linux a new process inherits the peak of the one
    # that started it.
    (line,) = (
        line
        for line in STATUS.read_text("utf-8").splitlines()
        if "VmHWM" in line
    )
    return int(line.split()[1]) * 1024 / 1e6


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without the progress bars and messages of the library."""
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        yield


@functools.cache
def load() -> data.FashionMNIST:
    """The images, where all training is to run."""
    with quiet():
        return data.load(DEVICE)


def in_turns(
    title: str, ways: dict[str, Callable[[], float]]
) -> dict[str, list[float]]:
    """Seconds of every way in every round, after two rounds to warm up."""
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for turn in tqdm(range(ROUNDS + 2), desc=title):
        for way, take_turn in ways.items():
            found = take_turn()
            if turn > 1:
                seconds[way].append(found)
    return seconds


def take_turns(
    ways: Iterable[str], network: str, threads: int
) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Seconds of every way in every round, and the megabytes that it needed at
    most.
    """
    context, pipes, memory = multiprocessing.get_context("spawn"), {}, {}
    for way in ways:
        pipes[way], other = context.Pipe()
        context.Process(
            target=serve, args=(other, way, network, threads), daemon=True
        ).start()
        # so that a process that ended is noticed, and not waited for
        other.close()

    def ask(way: str) -> float:
        pipes[way].send(True)
        seconds, memory[way] = pipes[way].recv()
        return seconds

    title = f"{network} network, {threads} threads"
    seconds = in_turns(title, {way: partial(ask, way) for way in ways})
    for pipe in pipes.values():
        pipe.send(False)
    return seconds, memory


def turn_by_turn(seconds: list[float], others: list[float]) -> list[float]:
    """How many times as long as the other each turn took."""
    return [mine / other for mine, other in zip(seconds, others, strict=True)]


def operations(network: str) -> float:
    """Floating-point operations of one training step for each image, counted by
    PyTorch.
    """
    model, x = start(network, 0), torch.rand(1, *models.IMAGE_SHAPE)
    with FlopCounterMode(display=False) as counter:
        losses.vae_loss(model(x), x)[0].backward()
    return counter.get_total_flops()


def throughput() -> dict:
    """Every way to train, with both networks, on one core and on all, or on a
    GPU.
    """
    found = {}
    for network, batch_size in BATCH.items():
        each = operations(network)
        for threads in THREADS:
            seconds, memory = take_turns(LOOPS, network, threads)
            peaks = [
                PRODUCTS * 2 * MATRIX**3 / turn for turn in seconds["product"]
            ]
            for way in ("fit", "plain", "DataLoader"):
                rates = [
                    STEPS[network] * batch_size / turn for turn in seconds[way]
                ]
                shares = [
                    rate * each / peak
                    for rate, peak in zip(rates, peaks, strict=True)
                ]
                ratios = turn_by_turn(seconds[way], seconds["plain"])
                found[f"{network}_{threads}_{way.lower()}"] = {
                    "images_per_second": statistics.median(rates),
                    "share_of_peak": statistics.median(shares),
                    "time_over_plain": statistics.median(ratios),
                    "quartiles": statistics.quantiles(ratios, n=4)[::2],
                    "gigaflops_peak": statistics.median(peaks) / 1e9,
                    "megaflop_per_image": each / 1e6,
                    "megabytes": memory[way],
                }
    return found


# --- changes: what each of them is worth -------------------------------------


def changes() -> dict:
    """How many times as long `fit` takes on all cores when one of its changes
    is undone.
    """
    found: dict[str, dict] = {}
    for network in BATCH:
        seconds, _ = take_turns(["fit", *CHANGES], network, CORES)
        for change in CHANGES:
            ratios = turn_by_turn(seconds[change], seconds["fit"])
            quartiles = statistics.quantiles(ratios, n=4)[::2]
            values = {
                "ratio": statistics.median(ratios),
                "quartiles": quartiles,
            }
            found.setdefault(change, {})[network] = values
    return found


# --- layers: where the time of a step goes -----------------------------------


def layers() -> dict:
    """Milliseconds of the plain lesson network's layers alone, and of a whole
    step in its loop.

    Each layer goes forward and backward on a batch, on all cores. "as a
    product" is the form that the lesson's last layer has in the library.
    """
    images, shown = load().train.images, 12  # times in one turn
    work = {
        "step": plain("lesson", images),
        "product": product("lesson", images),
    }
    each, x = {}, data.to_float(images[: BATCH["lesson"]])
    model = models.VAE(2, PLAIN["lesson"]).to(
        DEVICE, memory_format=torch.channels_last
    )
    for part, start in (
        ("encoder", x),
        ("decoder", torch.randn(len(x), 2, device=DEVICE)),
    ):
        inputs = start
        for layer in model.trunk if part == "encoder" else model.decoder:
            if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
                name = f"{part}, {layer.in_channels} to {layer.out_channels} channels"
                inputs = inputs.requires_grad_(
                    inputs is not x
                )  # nobody asks for that of x
                work[name] = repeated(layer, inputs, shown)
                with FlopCounterMode(display=False) as counter:
                    layer(inputs).sum().backward()
                each[name] = counter.get_total_flops()
                last, before = name, inputs
            inputs = layer(inputs).detach()
    ours = models.lesson_networks(2)[1][-1].to(
        DEVICE, memory_format=torch.channels_last
    )
    work[f"{last}, as a product"] = repeated(ours, before, shown)
    each[f"{last}, as a product"] = each[last]
    seconds = in_turns(
        "layers", {name: partial(timed, turns) for name, turns in work.items()}
    )
    peak = PRODUCTS * 2 * MATRIX**3 / statistics.median(seconds["product"])
    alone = {name: statistics.median(seconds[name]) / shown for name in each}
    return {
        "step": 1e3 * statistics.median(seconds["step"]) / STEPS["lesson"],
        "layers": {name: 1e3 * taken for name, taken in alone.items()},
        "together": 1e3
        * (sum(alone.values()) - alone[f"{last}, as a product"]),
        "fastest": 1e3 * (sum(alone.values()) - alone[last]),
        "share_of_peak": {
            name: each[name] / taken / peak for name, taken in alone.items()
        },
    }


def repeated(layer: nn.Module, x: Tensor, times: int) -> Iterator[None]:
    """Forward and backward so many times in a turn."""
    wanted = [*layer.parameters(), *([x] if x.requires_grad else [])]
    gradient = torch.randn_like(layer(x))
    while True:
        for _ in range(times):
            torch.autograd.grad(layer(x), wanted, gradient)
        yield


# --- growth: what more of everything costs -----------------------------------


def wider(factor: float) -> Callable[[int], tuple[nn.Module, nn.Module]]:
    """The lesson's networks with so many times the channels."""

    def scaled(layer: nn.Module) -> nn.Module:
        if isinstance(layer, nn.Linear):
            return nn.Linear(
                layer.in_features, int(layer.out_features * factor)
            )
        if isinstance(layer, nn.Unflatten):
            channels, *sides = layer.unflattened_size
            return nn.Unflatten(1, (int(channels * factor), *sides))
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            ends = layer.in_channels, layer.out_channels
            ends = (n if n == 1 else int(n * factor) for n in ends)
            return type(layer)(
                *ends, layer.kernel_size, layer.stride, layer.padding
            )
        return layer

    def networks(latent_dim: int) -> tuple[nn.Module, nn.Module]:
        parts = models.lesson_networks(latent_dim)
        trunk, decoder = (nn.Sequential(*map(scaled, part)) for part in parts)
        return trunk, decoder

    return networks


def cost(
    pictures: Tensor, budget: int, latent_dim: int = 2, width: float = 1
) -> float:
    """Seconds of training."""
    torch.manual_seed(0)
    model = models.VAE(latent_dim, wider(width))
    begin = clock()
    with quiet():
        train.fit(model, losses.vae_loss, pictures, budget)
    return clock() - begin


def alone(budget: int) -> float:
    """In a process of its own: seconds of training on one core."""
    torch.set_num_threads(1)
    return cost(load().train.images, budget)


def growth() -> dict:
    """Seconds against images seen, latent dimensions, width and seeds, and the
    log-log slope.

    Seeds are trained several at a time, as the sweep trains them.
    """
    pictures, some = load().train.images, 128 * 40
    cost(pictures, some)  # to warm up
    processes = CORES if ON_CPU else 4
    with ProcessPoolExecutor(
        processes, multiprocessing.get_context("spawn")
    ) as pool:

        def together(seeds: int) -> float:
            begin = time.perf_counter()
            list(pool.map(alone, [some] * seeds))
            return time.perf_counter() - begin

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
        for _ in tqdm(range(GROWTH_ROUNDS), "growth")
    ]
    seconds = [statistics.median(times) for times in zip(*rounds, strict=True)]
    upper = slice(len(sizes) // 2, None)
    logs = [
        [math.log(value) for value in values[upper]]
        for values in (sizes, seconds)
    ]
    return {
        "sizes": sizes,
        "seconds": seconds,
        "times": seconds[-1] / seconds[0],
        "slope": statistics.linear_regression(*logs).slope,
    }


# --- recipes and the race: time to quality -----------------------------------

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
RACE_SEEDS = 5
FRACTION = 15  # the book's recipe may take so many times as long


def linear_networks(latent_dim: int) -> tuple[nn.Module, nn.Module]:
    """Linear layers only: for each picture the fewest operations, and those in
    large products.
    """
    pixels = math.prod(models.IMAGE_SHAPE)
    trunk = nn.Sequential(
        nn.Flatten(),
        nn.Linear(pixels, 512),
        nn.ReLU(True),
        nn.Linear(512, 256),
        nn.ReLU(True),
    )
    decoder = nn.Sequential(
        nn.Linear(latent_dim, 256), nn.ReLU(True), nn.Linear(256, 512), nn.ReLU(True),
        nn.Linear(512, pixels), nn.Unflatten(1, models.IMAGE_SHAPE),
    )  # fmt: skip
    return trunk, decoder


def start(networks: str, seed: int) -> models.VAE:
    """An untrained VAE at two dimensions; `networks` names them, and Keras's
    first weights.
    """
    name, _, weights = networks.partition(", ")
    torch.manual_seed(seed)
    model = models.VAE(2, (OURS | {"linear": linear_networks})[name])
    if weights == "Keras":
        models.start_as_keras(model)
    return model


def steady(
    model: models.VAE, loss_fn: Callable, pictures: Tensor, budget: int,
    *, seed: int = 0, lr: float, batch_size: int,
) -> None:  # fmt: skip
    """Training at one learning rate from first to last, as in the book, in the
    plain loop.
    """
    model.to(pictures.device, memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), lr=lr, eps=1e-7)
    torch.manual_seed(seed)
    steps = math.ceil(budget / batch_size)
    for x in data.batches(pictures, batch_size, steps, seed):
        step(model, optimizer, x)


def trained(
    recipe: dict, pictures: Tensor, seed: int, budget: int
) -> models.VAE:
    """A model trained on so many images in the way that `recipe` says, or else
    RECIPE.
    """
    recipe = RECIPE | recipe
    model = start(recipe.pop("networks"), seed)
    loop = steady if recipe.pop("steady", False) else train.fit
    with quiet():
        loop(model, losses.vae_loss, pictures, budget, seed=seed, **recipe)
    return model


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


def recipes() -> dict:
    """Validation loss of every recipe after the same time; the test images are
    not looked at.

    The time is turned into a number of images, once for all recipes of one
    cost, so that no moment at which the machine is slow counts against the
    recipe that is then trained.
    """
    fashion = load()
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
                tried[name]["loss"].append(
                    train.evaluate(model, losses.vae_loss, held_out)["loss"]
                )
                progress.update()
    return {
        "seconds": SECONDS,
        "tried": tried,
        "mean": {
            name: statistics.mean(found["loss"])
            for name, found in tried.items()
        },
        "networks": {name: size(name) for name in ("linear", "lesson", "book")},
    }


def size(network: str) -> dict[str, float]:
    """How many millions of weights a network has, and operations for an image
    in training.
    """
    weights = models.count_parameters(start(network, 0))
    return {
        "millions_of_weights": weights / 1e6,
        "megaflop_per_image": operations(network) / 1e6,
    }


def books_recipe(pictures: Tensor, seed: int) -> models.VAE:
    """Foster's recipe at beta 1: five epochs in batches of 100 under Adam with
    5e-4.
    """
    torch.manual_seed(seed)
    model = models.VAE(2, plain_book_networks)
    budget = 5 * len(pictures)
    steady(
        model,
        losses.vae_loss,
        pictures,
        budget,
        seed=seed,
        lr=5e-4,
        batch_size=100,
    )
    return model


def tutorials_recipe(pictures: Tensor, seed: int) -> models.VAE:
    """Five epochs of the lesson's network as in most tutorials: see `loader`."""
    torch.manual_seed(seed)
    model = models.VAE(2, plain_lesson_networks).to(pictures.device)
    optimizer = torch.optim.Adam(model.parameters())
    batch_size = BATCH["lesson"]
    steps = 5 * len(pictures) // batch_size
    for x in itertools.islice(loaded(pictures, batch_size), steps):
        step(model, optimizer, x.to(pictures.device)).item()
    return model


def race() -> dict:
    """Seconds and test loss: a tutorial's recipe, the book's, and ours in a
    part of its time.
    """
    pictures, test = load().train.images, load().test.images
    trained({}, pictures, 0, 20_000)  # to warm up
    found: dict[str, dict] = {
        who: {"s": [], "loss": []} for who in ("tutorial", "book", "ours")
    }

    def run(who: str, recipe: Callable[[], models.VAE]) -> None:
        begin = clock()
        model = recipe()
        found[who]["s"].append(clock() - begin)
        found[who]["loss"].append(
            train.evaluate(model, losses.vae_loss, test)["loss"]
        )

    def our_recipe(seed: int) -> models.VAE:
        # Less than allowed, since a short run tells the pace, and its time
        # counts.
        seen = seen_in(0.85 * found["book"]["s"][-1] / FRACTION, {}, pictures)
        return trained({}, pictures, seed, seen)

    for seed in tqdm(range(RACE_SEEDS), desc="race"):
        run("tutorial", partial(tutorials_recipe, pictures, seed))
        run("book", partial(books_recipe, pictures, seed))
        run("ours", partial(our_recipe, seed))
    for who in found.values():
        who |= {
            f"median_{name}": statistics.median(values)
            for name, values in who.items()
        }
    ours_s, ours_loss = found["ours"]["s"], found["ours"]["loss"]
    for other in (found["tutorial"], found["book"]):
        ratios = turn_by_turn(other["s"], ours_s)
        p = mannwhitneyu(ours_loss, other["loss"], alternative="less").pvalue
        other |= {"times_ours": statistics.median(ratios), "p": float(p)}
    return found


# --- a peer ------------------------------------------------------------------


def peer() -> dict:
    """Training in pythae, in an environment of its own, and in `fit`: the same
    network and data.
    """
    folder = ROOT / "_build" / "peer"
    python = folder / "bin" / "python"
    complete = folder / "complete"  # written last
    if not complete.exists():
        subprocess.check_call([sys.executable, "-m", "venv", folder])
        versions = [f"{name}=={sys.modules[name].__version__.partition('+')[0]}"
                    for name in ("torch", "torchvision")]  # fmt: skip
        subprocess.check_call(
            [python, "-m", "pip", "install", "-q", "pythae", *versions]
        )
        complete.touch()
    command = [
        python,
        ROOT / "experiments" / "peer.py",
        *map(str, (STEPS["lesson"], BATCH["lesson"], CORES, DEVICE)),
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(
        command, env=environment, text=True, **pipes
    ) as other:
        version = other.stdout.readline().strip()

        def theirs() -> float:
            print(file=other.stdin, flush=True)
            return float(other.stdout.readline())

        ours = partial(timed, library("lesson", load().train.images))
        seconds = in_turns("pythae", {"fit": ours, "pythae": theirs})
        other.stdin.close()
    rate = {
        name: STEPS["lesson"] * BATCH["lesson"] / statistics.median(turns)
        for name, turns in seconds.items()
    }
    ratios = turn_by_turn(seconds["pythae"], seconds["fit"])
    return {
        "version": version,
        "images_per_second": rate,
        "ratio": statistics.median(ratios),
    }


# --- the course --------------------------------------------------------------

CHANGED = "02_autoencoder"


def course() -> dict:
    """Seconds to build the book in a fresh folder, then again, then with one
    chapter changed.
    """
    with tempfile.TemporaryDirectory(dir=ROOT / "_build") as scratch:
        copy = Path(scratch)
        for source in repository.files():
            target = copy / source.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
        shutil.copytree(ROOT / "book" / "_vendor", copy / "book" / "_vendor")
        imports = [sys.executable, "-c", "from aevae_lib import train, widgets"]
        begin = time.perf_counter()
        subprocess.check_call(imports, cwd=copy)
        found = {"imports": time.perf_counter() - begin}
        found |= {
            "cold": build(copy),
            "chapters": executed(copy),
            "unchanged": build(copy),
        }
        chapter = copy / "chapters" / f"{CHANGED}.ipynb"
        changed = json.loads(chapter.read_text(encoding="utf-8"))
        code = next(
            cell for cell in changed["cells"] if cell["cell_type"] == "code"
        )
        code["source"].append("\n# changed")
        chapter.write_text(json.dumps(changed), encoding="utf-8")
        found["one_changed"] = build(copy)
        again = executed(copy)
    found["executed_again"] = sum(
        again[name] != found["chapters"][name] for name in again
    )
    found["all_chapters"] = sum(found["chapters"].values())
    return found


def build(folder: Path) -> float:
    """Seconds of `make site` in a folder, without setting up."""
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    begin = time.perf_counter()
    command = [sys.executable, "-m", "tools.build"]
    subprocess.check_call(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL
    )
    return time.perf_counter() - begin


def executed(folder: Path) -> dict[str, float]:
    """Seconds that each chapter took when it was last executed, from the
    build's cache.
    """
    (cache,) = (folder / "_build" / ".jupyter_cache").iterdir()
    records = sorted(
        get_cache(cache).list_cache_records(), key=lambda record: record.pk
    )
    return {
        Path(record.uri).stem: record.data["execution_seconds"]
        for record in records
        if record.uri.endswith(".ipynb")
    }


# --- the sweep ---------------------------------------------------------------


def sweep() -> dict:
    """Models that the sweep trains and measures in an hour, by the few of `make
    claims`.

    These are networks of the lesson at 2 and 16 dimensions; they are compared
    with what is stored.
    """
    begin = time.perf_counter()
    subprocess.check_call(
        [sys.executable, "-m", "experiments.replicate"], cwd=ROOT
    )
    seconds = time.perf_counter() - begin
    return {
        "models": len(replicate.RUNS),
        "seconds": seconds,
        "models_per_hour": 3600 * len(replicate.RUNS) / seconds,
    }


# ------------------------------------------------------------------------------

PARTS: dict[str, Callable[[], dict]] = {
    "throughput": throughput, "changes": changes, "layers": layers, "growth": growth,
    "recipes": recipes, "race": race, "peer": peer, "course": course, "sweep": sweep,
}  # fmt: skip


def machine() -> dict[str, object]:
    """What the numbers were measured on."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
        name = next(
            (
                line.partition(":")[2].strip()
                for line in lines
                if "model name" in line
            ),
            name,
        )
    capability = torch.backends.cpu.get_cpu_capability()
    found = {
        "processor": name, "instructions": capability, "cores": CORES,
        "torch": torch.__version__, "python": platform.python_version(),
    }  # fmt: skip
    return found if ON_CPU else found | {"device": data.describe_device(DEVICE)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=", ".join(PARTS)
    )
    parser.add_argument("--results", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - PARTS.keys():
        sys.exit(
            f"There is no part {', '.join(sorted(unknown))}; there are "
            f"{', '.join(PARTS)}."
        )
    for part in [part for part in PARTS if part in (arguments.parts or PARTS)]:
        print(f"== {part}", flush=True)
        begin = time.perf_counter()
        found = PARTS[part]() | {"machine": machine()}
        found["took"] = time.perf_counter() - begin
        path = arguments.results
        before = (
            json.loads(path.read_text(encoding="utf-8"))
            if path.exists()
            else {}
        )
        with atomic(path) as scratch:
            scratch.write_text(
                json.dumps(before | {part: found}, indent=1) + "\n", "utf-8"
            )


if __name__ == "__main__":
    main()
