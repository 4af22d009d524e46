"""The rows of the second edition: what is compared with what, on which data, by
which judge, and by what margin. The table of rows in chapters/protocol2.md, in
code.
"""

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..runs import SHIRT, group
from .metrics import AE, COUNTERS, JUDGES, PIXELS
from .runs import ANIMALS, BIRD, GARMENTS
from .series import Series, of

COVERERS = (PIXELS, AE)  # who judges coverage
ONLY = {GARMENTS: SHIRT, ANIMALS: BIRD}  # the class of V2
LARGER = math.log(1.25)  # of a distance: the margin of quality
BETAS = (1.0, 0.5, 0.1)

# A judge is left out where it does not see the fault by its largest dose
# (results/judges.json): by precision, pixel components see no codes of animals
# on the way to another's.
BLIND = {ANIMALS: {"passing": (PIXELS,)}}


@dataclass(frozen=True)
class Row:
    """One headline row: the claim is true if the number is above 0, by a margin
    that a learner would call a difference. `judge` is who sees or counts.
    """

    claim: str
    what: str
    unit: str
    margin: float
    number: Callable[[], Series]
    data: str
    d: int | tuple[int, int]
    judge: str | None = None
    beta: float = 1.0
    kind: str | None = None  # "passing", "coverage", ...: what a judge is asked
    ae: Callable[[], Series] | None = None  # shown beside it
    vae: Callable[[], Series] | None = None
    offset: float = 0.0  # what was subtracted from the number that is shown
    model: str | None = None  # whose number it is, if the claim does not say

    @property
    def asked(self) -> bool:
        """Whether its judge sees the fault in question on these data."""
        return self.judge not in BLIND.get(self.data, {}).get(self.kind, ())

    @property
    def about(self) -> str:
        """Whose number it is: "ae", "vae", or "both" for a difference."""
        if self.model:
            return self.model
        if self.claim[0] in "AP":
            return "ae"
        return "vae" if self.claim == "V2" else "both"

    @property
    def dims(self) -> str:
        """As it is read: "16", or "2 to 16"."""
        return (
            str(self.d)
            if isinstance(self.d, int)
            else "{} to {}".format(*self.d)
        )

    @property
    def name(self) -> tuple:
        """What the rows of several judges have in common."""
        return self.claim, self.what, self.data, self.d, self.beta


def rows(data: str) -> list[Row]:
    """The headline rows on one data set, in the order of the claims."""
    return list(itertools.chain.from_iterable(
        make(data)
        for make in (a1, a2, p1, p2, p3, p4, p5, v0, v1, v2, l2, l3, c1)
    ))  # fmt: skip


def models(data: str, d: int, **departures: object) -> tuple[str, str]:
    """The names of the groups of AE and VAE."""
    return tuple(named(kind, data, d, **departures) for kind in ("ae", "vae"))


def named(kind: str, data: str, d: int, **departures: object) -> str:
    """The name of a group of runs of this edition."""
    if data != GARMENTS:
        departures |= {"data": data}
    return group(kind, d, **departures)


def a1(data: str) -> Iterator[Row]:
    for d in (2, 16):
        ae, vae = models(data, d)
        yield Row(
            "A1", "nats below the best linear decoder", "nats", 5,
            of(ae, "below_linear"), data, d,
            ae=of(ae, "below_linear"), vae=of(vae, "below_linear"),
        )  # fmt: skip
    for d in (2, 16):
        ae, vae = models(data, d)
        yield Row(
            "A1", "share of the explainable nats kept, less .9", "share", 0.02,
            of(ae, "explained", less=0.9), data, d, offset=0.9,
            ae=of(ae, "explained"), vae=of(vae, "explained"),
        )  # fmt: skip


def a2(data: str) -> Iterator[Row]:
    for sampler, words in (
        ("gaussian", "draws of one Gaussian that pass, less .9"),
        ("mixture", "draws of a mixture that pass, less .9"),
    ):
        for d, judge in itertools.product((2, 16), JUDGES):
            ae, vae = models(data, d)
            metric = f"passing_{sampler}_{judge}"
            yield Row(
                "A2", words, "ratio", 0.02, of(ae, metric, less=0.9), data, d,
                judge, kind="passing", offset=0.9,
                ae=of(ae, metric), vae=of(vae, metric),
            )  # fmt: skip


def p1(data: str) -> Iterator[Row]:
    for d in (2, 16):
        ae, vae = models(data, d)
        yield Row(
            "P1", "codes told from a Gaussian, less .5", "accuracy", 0.05,
            of(ae, "told_gaussian", less=0.5), data, d, offset=0.5,
            ae=of(ae, "told_gaussian"), vae=of(vae, "told_gaussian"),
        )  # fmt: skip


def p2(data: str) -> Iterator[Row]:
    ae, vae = (
        lambda name=name: of(name, "gini")() - of(name, "gini_shuffled")()
        for name in models(data, 2)
    )
    yield Row(
        "P2", "inequality of areas, less that of shuffled labels", "Gini index",
        0.1, ae, data, 2, ae=ae, vae=vae,
    )  # fmt: skip
    for counter in COUNTERS:
        ae, vae = (
            of(name, f"land_and_draws_{counter}") for name in models(data, 2)
        )
        yield Row(
            "P2", "rank correlation of land and draws", "correlation", 0.3, ae,
            data, 2, counter, kind="land", ae=ae, vae=vae,
        )  # fmt: skip


def p3(data: str) -> Iterator[Row]:
    ae, vae = (
        lambda name=name: (
            of(name, "holes_gaussian")() - of(name, "holes_held_out")()
        )
        for name in models(data, 2)
    )
    yield Row(
        "P3", "draws in holes, less held-out codes in holes", "share", 0.05, ae,
        data, 2, ae=ae, vae=vae,
    )  # fmt: skip
    for judge in JUDGES:
        ae, vae = (
            of(name, f"lost_in_holes_{judge}") for name in models(data, 2)
        )
        yield Row(
            "P3", "passing lost in holes", "ratio", 0.1, ae, data, 2, judge,
            kind="passing", ae=ae, vae=vae,
        )  # fmt: skip


def p4(data: str) -> Iterator[Row]:
    steps = [(2, 16), (16, 64)] if data == GARMENTS else [(2, 16)]

    def change(metric: str, one: int, other: int) -> dict:
        """What the metric gains from one dimension to the other."""
        ae, vae = (
            lambda kind=kind: (
                of(named(kind, data, other), metric)()
                - of(named(kind, data, one), metric)()
            )
            for kind in ("ae", "vae")
        )
        return {"ae": ae, "vae": vae}

    for few, many in steps:
        found = change("told_gaussian", few, many)
        yield Row(
            "P4", "codes told from a Gaussian: growth", "accuracy", 0.05,
            found["ae"], data, (few, many), **found,
        )  # fmt: skip
    found = change("volume_range_per_dimension", 2, 16)
    yield Row(
        "P4", "range of log-volumes per dimension: growth", "nats", 0.1,
        found["ae"], data, (2, 16), **found,
    )  # fmt: skip
    for (few, many), judge in itertools.product(steps, JUDGES):
        found = change(f"passing_gaussian_{judge}", many, few)
        yield Row(
            "P4", "draws of one Gaussian that pass: loss", "ratio", 0.05,
            found["ae"], data, (few, many), judge, kind="passing", **found,
        )  # fmt: skip


def p5(data: str) -> Iterator[Row]:
    for d, counter in itertools.product((2, 16), COUNTERS):
        ae, vae = (of(name, f"flips_{counter}") for name in models(data, d))
        yield Row(
            "P5", "classes flipped by a short step", "share", 0.05, ae, data, d,
            counter, kind="flips", ae=ae, vae=vae,
        )  # fmt: skip


def v0(data: str) -> Iterator[Row]:
    """Where the AE has more of a problem than the VAE, by the same number."""
    metrics = [
        ("codes told from a Gaussian", "accuracy", "told_gaussian", None),
        ("inequality of areas", "Gini index", "gini", None),
        ("draws in holes", "share", "holes_gaussian", None),
        *(("classes flipped by a short step", "share", f"flips_{c}", c)
          for c in COUNTERS),
    ]  # fmt: skip
    for what, unit, metric, counter in metrics:
        ae, vae = (of(name, metric) for name in models(data, 2))
        yield Row(
            "V0", f"AE less VAE: {what}", unit, 0.05, less(ae, vae), data, 2,
            counter, kind="flips" if counter else None, ae=ae, vae=vae,
        )  # fmt: skip


def v1(data: str) -> Iterator[Row]:
    metric = "neighbour_accuracy_mu"
    for d in (2, 16):
        ae, vae = (of(name, metric) for name in models(data, d))
        yield Row(
            "V1", "class read off the mean, VAE less AE", "accuracy", 0.01,
            less(vae, ae), data, d, ae=ae, vae=vae,
        )  # fmt: skip
    for d in (2, 16):
        ae = of(named("ae", data, 2 * d), metric)
        vae = of(named("vae", data, d), f"{metric}_logvar")
        yield Row(
            "V1", "class read off mean and log-variance, less an AE's code of "
            "as many numbers", "accuracy", 0.01, less(vae, ae), data, d,
            ae=ae, vae=vae,
        )  # fmt: skip


def v2(data: str) -> Iterator[Row]:
    for what, kind, judges in (
        ("draws that are of the one class, less .8", "hits", COUNTERS),
        ("coverage by draws of the one class, less .8", "coverage", COVERERS),
    ):
        for d, judge in itertools.product((2, 16), judges):
            metric = f"{kind}_prior_{judge}"
            ae, vae = models(data, d, only_class=ONLY[data])
            yield Row(
                "V2", what, "ratio", 0.05, of(vae, metric, less=0.8), data, d,
                judge, kind=kind, offset=0.8, vae=of(vae, metric),
                ae=of(ae, metric.replace("prior", "mixture")),
            )  # fmt: skip


def l2(data: str) -> Iterator[Row]:
    few = {"train_images": 500} if data == GARMENTS else {}
    where = "500 images" if few else "all images"
    for d in (2, 16):
        ae, vae = (of(name, "gap") for name in models(data, d, **few))
        yield Row(
            "L2", f"gap on {where}, AE less VAE", "nats", 5, less(ae, vae),
            data, d, ae=ae, vae=vae,
        )  # fmt: skip
    for d in (2, 16):
        ae, vae = (of(name, "code_noise_cost") for name in models(data, d))
        yield Row(
            "L2", "cost of noise on codes, AE less VAE", "nats", 1,
            less(ae, vae), data, d, ae=ae, vae=vae,
        )  # fmt: skip


def l3(data: str) -> Iterator[Row]:
    for what, kind, judges in (
        ("passing: VAE's prior less AE's mixture", "passing", JUDGES),
        ("coverage: VAE's prior less AE's mixture", "coverage", COVERERS),
    ):
        for d, judge in itertools.product((2, 16), judges):
            names = models(data, d)
            ae = of(names[0], f"{kind}_mixture_{judge}")
            vae = of(names[1], f"{kind}_prior_{judge}")
            yield Row(
                "L3", what, "ratio", 0.05, less(vae, ae), data, d, judge,
                kind=kind, ae=ae, vae=vae,
            )  # fmt: skip


def c1(data: str) -> Iterator[Row]:
    for beta, d in itertools.product(BETAS, (2, 16)):
        ae, vae = pair(data, d, beta, "reconstruction", "reconstruction")
        yield Row(
            "C1", "reconstruction, VAE less AE", "nats", 1, less(vae, ae), data,
            d, beta=beta, ae=ae, vae=vae,
        )  # fmt: skip
    for beta, d, judge in itertools.product(BETAS, (2, 16), JUDGES):
        metrics = f"quality_mixture_{judge}", f"quality_prior_{judge}"
        ae, vae = pair(data, d, beta, *metrics)
        yield Row(
            "C1", "quality: AE's mixture less VAE's prior", "log of a distance",
            LARGER, less(ae, vae), data, d, judge, beta, "quality",
            ae=ae, vae=vae,
        )  # fmt: skip


def pair(
    data: str, d: int, beta: float, ae: str, vae: str
) -> tuple[Callable[[], Series], Callable[[], Series]]:
    """A metric of the AE, and one of the VAE at this beta."""
    weight = {} if beta == 1 else {"beta": beta}
    return (
        of(named("ae", data, d), ae),
        of(named("vae", data, d, **weight), vae),
    )


def less(
    one: Callable[[], Series], other: Callable[[], Series]
) -> Callable[[], Series]:
    """The difference, seed by seed and resample by resample."""
    return lambda: one() - other()
