"""Pictures of what each claim speaks of, drawn at random, for the ledger.

    python -m experiments.second.pictures

Writes `aevae_lib/results/ledger.webp`, with SHOWN pictures in each row, and
`ledger-pictures.json`, which says what each row shows. One model of each kind
is asked, by its kept weights; what is not there is trained.
"""

import os
from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from aevae_lib import data, evidence, measure, sample
from aevae_lib.measure.steps import stepped

from ..files import atomic, write_json
from ..runs import training_set
from . import training
from .rows import ONLY
from .runs import ANIMALS, GARMENTS, Run
from .subject import CODE_NOISE, FITTED, STEP
from .surroundings import codes_of, of_class

SHEET = evidence.RESULTS / "ledger.webp"
INDEX = evidence.RESULTS / "ledger-pictures.json"
SHOWN = 12
SETS = {GARMENTS: "garments", ANIMALS: "animals"}
SEED, OTHER = 0, 1
COLLAPSED = (ANIMALS, "vae", None)  # with SEED at 16 numbers
MANY = 2000  # draws, among which some lie in holes

Strips = Iterator[tuple[str, Tensor]]  # what it shows, (SHOWN, 1, H, W)


class Shown:
    """One model of a data set, and what it is asked for."""

    def __init__(
        self, dataset: str, kind: str, d: int, only_class: int | None = None
    ):
        seed = OTHER if (dataset, kind, only_class) == COLLAPSED else SEED
        run = Run(kind, d, seed, only_class=only_class, data=dataset)
        split = training.loaded(dataset, "cpu")
        self.seed, self.model = run.seed, training.kept_or_trained(run)
        self.test = of_class(split.test, only_class)[0]
        seen = training_set(run, split.train).images[:FITTED]
        self.codes = codes_of(self.model, seen, run.seed)

    def draws(self, sampler: str, n: int = SHOWN) -> Tensor:
        """Latent points: (n, D)."""
        return sample.SAMPLERS[sampler](self.codes)(n, seed=self.seed)

    def drawn(self, sampler: str) -> Tensor:
        """Decoded: (SHOWN, 1, H, W)."""
        return sample.pictures(self.model, self.draws(sampler))

    @property
    def images(self) -> Tensor:
        """The first test images."""
        return data.to_float(self.test.images[:SHOWN])

    @property
    def redrawn(self) -> Tensor:
        """These, from a code as the decoder met it in training."""
        return sample.pictures(self.model, self.of_images)

    @property
    def of_images(self) -> Tensor:
        """Codes of the first test images: (SHOWN, D)."""
        return codes_of(self.model, self.test.images[:SHOWN], 0)


@cache
def one(dataset: str, kind: str, d: int, only: bool = False) -> Shown:
    """A model of a data set, of one class only if so."""
    return Shown(dataset, kind, d, ONLY[dataset] if only else None)


def a1(dataset: str) -> Strips:
    yield "test images", one(dataset, "ae", 2).images
    for d in (2, 16):
        yield f"AE redraws them from {d}", one(dataset, "ae", d).redrawn


def a2(dataset: str) -> Strips:
    for d in (2, 16):
        for sampler in ("Gaussian", "mixture"):
            shown = one(dataset, "ae", d).drawn(sampler)
            yield f"AE, {sampler.replace('G', 'one G')}, d = {d}", shown


def p2(dataset: str) -> Strips:
    for kind in ("ae", "vae"):
        yield f"{kind.upper()}, box, d = 2", one(dataset, kind, 2).drawn("box")


def p3(dataset: str) -> Strips:
    ae = one(dataset, "ae", 2)
    draws = ae.draws("Gaussian", MANY)
    inside = measure.in_hole(draws, ae.codes)
    for where, words in ((inside, "in holes"), (~inside, "elsewhere")):
        pictures = sample.pictures(ae.model, draws[where][:SHOWN])
        yield f"AE, draws {words}, d = 2", pictures


def p4(dataset: str) -> Strips:
    for d in (2, 16):
        yield (
            f"AE, one Gaussian, d = {d}",
            one(dataset, "ae", d).drawn("Gaussian"),
        )


def p5(dataset: str) -> Strips:
    for d in (2, 16):
        ae = one(dataset, "ae", d)
        codes = codes_of(ae.model, ae.test.images[:MANY], 0)
        after = stepped(codes, STEP, SEED)[:SHOWN]
        yield f"AE redraws, d = {d}", ae.redrawn
        pictures = sample.pictures(ae.model, after)
        yield f"after a short step, d = {d}", pictures


def v2(dataset: str) -> Strips:
    yield "test images", one(dataset, "vae", 2, only=True).images
    for d in (2, 16):
        shown = one(dataset, "vae", d, only=True).drawn("prior")
        yield f"VAE of these alone, d = {d}", shown


def l2(dataset: str) -> Strips:
    for kind in ("ae", "vae"):
        model = one(dataset, kind, 16)
        spread = sample.fitted_gaussian(model.codes - model.codes.mean(0))
        mu = sample.encode(model.model, model.test.images[:SHOWN])
        shaken = mu + CODE_NOISE * spread(SHOWN, seed=0)
        still = sample.pictures(model.model, mu)
        after = sample.pictures(model.model, shaken)
        yield f"{kind.upper()} redraws, d = 16", still
        yield f"{kind.upper()}, from shaken codes", after


def l3(dataset: str) -> Strips:
    for d in (2, 16):
        yield f"VAE's prior, d = {d}", one(dataset, "vae", d).drawn("prior")
        yield f"AE's mixture, d = {d}", one(dataset, "ae", d).drawn("mixture")


def c1(dataset: str) -> Strips:
    yield "test images", one(dataset, "ae", 16).images
    for kind in ("ae", "vae"):
        shown = one(dataset, kind, 16).redrawn
        yield f"{kind.upper()} redraws, d = 16", shown


CLAIMS: dict[str, Callable[[str], Strips]] = {
    "A1": a1, "A2": a2, "P2": p2, "P3": p3, "P4": p4, "P5": p5, "V2": v2,
    "L2": l2, "L3": l3, "C1": c1,
}  # fmt: skip


def main() -> None:
    torch.set_num_threads(1)
    os.environ["TQDM_DISABLE"] = "1"
    rows, index = [], {}
    for claim, strips in CLAIMS.items():
        for dataset in (GARMENTS, ANIMALS):
            named = index.setdefault(claim, {}).setdefault(SETS[dataset], {})
            for words, pictures in strips(dataset):
                if words in named:
                    raise ValueError(f"{claim}: two strips are called {words}.")
                named[words] = len(rows)
                grey = data.to_float(pictures).clamp(0, 1)[:, 0]
                rows.append(np.concatenate(grey.numpy(), axis=1))
    sheet = (255 * np.concatenate(rows)).round().astype(np.uint8)
    with atomic(SHEET) as scratch:
        Image.fromarray(sheet).save(scratch, "webp", quality=80, method=6)
    write_json(INDEX, {"shown": SHOWN, "rows": index})


if __name__ == "__main__":
    main()
