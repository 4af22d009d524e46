"""The rows of the ledger on the uses: each a number of the models beside that
of a plain baseline. The table of chapters/protocol2.md, "The uses, in the
ledger", in code.
"""

from collections.abc import Callable, Iterator
from functools import cache, partial

import numpy as np

from ..runs import SHIRT
from ..second.resampling import RESAMPLES
from ..second.rows import Row
from ..second.runs import GARMENTS
from ..second.series import Series
from . import stored
from .measuring import BAG

MODELS = {"ae": "AE", "vae": "VAE"}
LEFT_OUT = {"bags, unseen": BAG, "shirts, unseen": SHIRT}
STRANGE = {
    "animals": "others", "upside down": "upside_down",
    "a patch missing": "patch_missing",
}  # fmt: skip
FAULTS = {
    "noise of .1": "noise_1", "noise of .2": "noise_2",
    "noise of .4": "noise_4", "a quarter black": "black",
}  # fmt: skip
LIKE = {
    "neighbours of the same class": "class",
    "neighbours of the same kind": "kind",
    "class from 10 labels": "labels_10",
    "class from 100 labels": "labels_100",
    "class from 1,000 labels": "labels_1000",
}
Number = Callable[[dict], float]  # of what one run has


def rows() -> list[Row]:
    """All of them, in the order of the claims."""
    return [*compression(), *cleaning(), *strangers(), *likeness()]


def row(
    claim: str, what: str, unit: str, margin: float, kind: str, d: int,
    number: Callable[[], Series],
) -> Row:  # fmt: skip
    words = f"{MODELS[kind]}: {what}"
    return Row(claim, words, unit, margin, number, GARMENTS, d, model=kind,
               **{kind: number})  # fmt: skip


def of(group: str, number: Number) -> Callable[[], Series]:
    """A number of each run of a group; test images were not resampled."""

    def found() -> Series:
        own = {
            int(name.rpartition("seed")[2]): run
            for name, run in results()["runs"].items()
            if name.rpartition("-seed")[0] == group
        }
        values = np.array([number(own[seed]) for seed in sorted(own)])
        still = np.zeros((len(own), RESAMPLES))
        return Series(tuple(sorted(own)), values, still)

    return found


def compression() -> Iterator[Row]:
    """Less squared error than a format's lowest quality."""
    formats = baseline()["compression"]
    error = formats["JPEG"]["quality_1"]["squared"]
    for kind in MODELS:
        number = partial(cheapest, error)
        yield row(
            "U1", "fewer bits than JPEG, and less error by", "squared error",
            1, kind, 16, of(f"{kind}-d16", number),
        )  # fmt: skip
    error = formats["WEBP"]["quality_1"]["squared"]
    path = "compression", "mixture", "sixteenth", "squared"
    yield row(
        "U1", "at WebP's price, less error by", "squared error", 1, "ae", 64,
        of("ae-d64", less(*path, best=error)),
    )  # fmt: skip


def cheapest(error: float, run: dict) -> float:
    """How far below this error the cheapest code is that is below it."""
    coded = run["compression"]["mixture"]
    ways = [coded] if "bits" in coded else list(coded.values())
    below = [way for way in ways if way["squared"] < error]
    return error - min(below, key=lambda way: way["bits"])["squared"]


def cleaning() -> Iterator[Row]:
    """What the better of blur and components leaves, less what a model does."""
    plain = baseline()["denoising"]
    for words, fault in FAULTS.items():
        best = min(plain["blur"][fault], plain["pca"][fault])
        for kind in MODELS:
            yield row(
                "U2", words, "share of the error", 0.05, kind, 16,
                of(f"{kind}-d16", less("denoising", fault, best=best)),
            )  # fmt: skip


def less(*path: str, best: float) -> Number:
    """What a baseline has, less what a run has in this place."""

    def number(run: dict) -> float:
        for name in path:
            run = run[name]
        return best - run

    return number


def more(*path: str, best: float) -> Number:
    """What a run has in this place, less what a baseline has."""
    other = less(*path, best=best)
    return lambda run: -other(run)


def strangers() -> Iterator[Row]:
    """By reconstruction, and then by the ELBO."""
    scores = [("U3", kind, "reconstruction") for kind in MODELS]
    for claim, kind, score in [*scores, ("U4", "vae", "elbo")]:
        plain = baseline()["anomalies"]
        cases = [
            (words, f"{kind}-d16", name, plain[name])
            for words, name in STRANGE.items()
        ] + [
            (words, f"{kind}-d16-without{k}", "held_out",
             baseline(f"-without{k}")["held_out"])
            for words, k in LEFT_OUT.items()
        ]  # fmt: skip
        for words, group, name, best in cases:
            number = more("anomalies", score, name, best=best)
            yield row(claim, words, "AUROC", 0.02, kind, 16, of(group, number))


def likeness() -> Iterator[Row]:
    """Codes in place of pixels."""
    pixels = baseline()["retrieval"]["pixels"]
    for words, name in LIKE.items():
        for kind in MODELS:
            number = more("retrieval", name, best=pixels[name])
            yield row(
                "U5", words, "accuracy", 0.02, kind, 16,
                of(f"{kind}-d16", number),
            )  # fmt: skip


def baseline(more: str = "") -> dict:
    return results()["baselines"][GARMENTS + more]


@cache
def results() -> dict:
    """What is stored, read once for all rows."""
    return stored()
