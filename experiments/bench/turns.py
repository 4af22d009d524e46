"""Ways that take turns, each in a process of its own."""

import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from functools import partial

import torch
from tqdm import tqdm

from . import machine
from .machine import clock, forget_peak, peak_memory
from .ways import WAYS

ROUNDS = 15


def timed(turns: Iterator[None]) -> float:
    """Seconds of the next turn."""
    begin = clock()
    next(turns)
    return clock() - begin


def serve(pipe, way: str, network: str, threads: int) -> None:
    """In a process of its own: take a turn whenever asked; answer with seconds
    and megabytes.

    The megabytes are the most that training added to the libraries and the
    images.
    """
    torch.set_num_threads(threads)
    turns = WAYS[way](network, machine.load().train.images)
    before = forget_peak()
    while pipe.recv():
        pipe.send((timed(turns), peak_memory() - before))


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


def ratios(seconds: list[float], others: list[float]) -> list[float]:
    """How many times as long as the other each turn took."""
    return [mine / other for mine, other in zip(seconds, others, strict=True)]
