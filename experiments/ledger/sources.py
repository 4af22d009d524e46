"""The two kinds of row, and where their numbers come from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aevae_lib import evidence

from ..metrics import METRICS
from ..runs import SHIRT, group

Numbers = dict[int, float]  # one for each seed
Source = Callable[[], Numbers]
Floor = Source | Callable[[], float]
Baseline = tuple[str, Callable[[], float]]  # what it is, and what it scores
# The number of a row at a dimension, and beside it those of AE and VAE:
Make = Callable[[int], tuple[Source, Source | None, Source | None]]


@dataclass(frozen=True)
class Problem:
    """Does the AE have it, and does the VAE cure it? All numbers: higher is
    worse.
    """

    claim: str
    what: str
    unit: str
    ae: Source
    vae: Source
    ae_floor: Floor
    vae_floor: Floor
    margin: float
    headline: bool = False


@dataclass(frozen=True)
class Statement:
    """Does it hold, that `number` exceeds `margin` (or, if `within`, stays
    inside +-margin)?
    """

    claim: str
    what: str
    unit: str
    number: Source
    margin: float
    headline: bool = False
    within: bool = False
    ae: Source | None = None  # shown beside it
    vae: Source | None = None
    baseline: Baseline | None = None


def of(name: str, metric: str) -> Source:
    """A metric of a group of runs."""
    return lambda: evidence.values(name, metric)


def minus(first: Source, second: Source) -> Source:
    """Seed by seed."""
    return lambda: pairwise(first(), second(), lambda a, b: a - b)


def ratio(first: Source, second: Source | Callable[[], float]) -> Source:
    """Seed by seed."""
    return lambda: pairwise(first(), second(), lambda a, b: a / b)


def floor(name: str) -> Callable[[], float]:
    """What real images score, or a baseline that needs no training."""
    return lambda: evidence.floor(name)


def pairwise(
    a: Numbers, b: Numbers | float, f: Callable[[float, float], float]
) -> Numbers:
    if not isinstance(b, dict):
        return {seed: f(value, b) for seed, value in a.items()}
    shared = sorted(a.keys() & b.keys())
    if not shared:
        raise evidence.Missing("The two have no seed in common.")
    return {seed: f(a[seed], b[seed]) for seed in shared}


def floor_of(name: str, metric: str) -> Floor:
    """What the table of metrics says that a flawless model would score: a
    number, a metric of the same group, or a floor.
    """
    least = METRICS[metric].floor
    if isinstance(least, str):
        return of(name, least) if least in METRICS else floor(least)
    return lambda: least


def problem(
    claim: str,
    what: str,
    metric: str,
    d: int,
    margin: float,
    vae_metric: str | None = None,
    headline: bool = False,
) -> Problem:
    """A problem that AE and VAE may have, measured by one metric (or by one
    each).
    """
    if METRICS[metric].better != "lower" or METRICS[metric].floor is None:
        raise ValueError(f"{metric} has no floor that more of it exceeds.")
    ae, vae = group("ae", d), group("vae", d)
    return Problem(
        claim, f"{what}, d = {d}", METRICS[metric].unit, of(ae, metric),
        of(vae, vae_metric or metric), floor_of(ae, metric),
        floor_of(vae, metric), margin, headline,
    )  # fmt: skip


def twice(
    claim: str,
    what: str,
    unit: str,
    make: Make,
    margin: float,
    dims: Sequence[int] = (2, 16),
    headline: Sequence[int] = (2, 16),
    baseline: tuple[str, str] | None = None,
) -> list[Statement]:
    """One statement at several dimensions; `baseline` is what stands beside it,
    and the name of its floor.
    """
    rows = []
    for d in dims:
        number, ae, vae = make(d)
        beside = baseline and (baseline[0], floor(baseline[1].format(d=d)))
        rows.append(
            Statement(
                claim, f"{what}, d = {d}", unit, number, margin, d in headline,
                ae=ae, vae=vae, baseline=beside,
            )
        )  # fmt: skip
    return rows


# --- numbers for `twice` -----------------------------------------------------


def explained(d: int) -> tuple[Source, Source, Source]:
    """The share of the way from the mean image's nats to the entropy of the
    pixels.
    """

    def share(name: str) -> Source:
        def of_way() -> Numbers:
            top = evidence.floor("mean_image")
            bottom = evidence.floor("pixel_entropy")
            found = evidence.values(name, "reconstruction")
            return {
                seed: (top - value) / (top - bottom)
                for seed, value in found.items()
            }

        return of_way

    ae, vae = share(group("ae", d)), share(group("vae", d))
    return ae, ae, vae


def linear_gain(d: int) -> tuple[Source, Source, None]:
    """Nats by which the AE is below the linear decoder."""
    ae, linear = of(group("ae", d), "reconstruction"), floor(f"linear_d{d}")
    gain = lambda: pairwise(ae(), linear(), lambda a, b: b - a)  # noqa: E731
    return gain, ae, None


def against(metric: str, flip: bool = False, **departures: float) -> Make:
    """VAE less AE (or, flipped, AE less VAE)."""

    def make(d: int) -> tuple[Source, Source, Source]:
        ae, vae = (
            of(group(kind, d, **departures), metric) for kind in ("ae", "vae")
        )
        return (minus(ae, vae) if flip else minus(vae, ae)), ae, vae

    return make


def own_draws(metric: str, density: str) -> Make:
    """The VAE's prior against a density fitted to the AE's codes."""

    def make(d: int) -> tuple[Source, Source, Source]:
        ae = of(group("ae", d), f"{metric}_{density}")
        vae = of(group("vae", d), f"{metric}_prior")
        return minus(vae, ae), ae, vae

    return make


def kept(sampler: str) -> Make:
    """Precision of an AE's draws over that of its reconstructions."""

    def make(d: int) -> tuple[Source, Source, Source]:
        ae, vae = (
            ratio(
                of(group(kind, d), f"precision_{sampler}"),
                of(group(kind, d), "precision_reconstruction"),
            )
            for kind in ("ae", "vae")
        )
        return ae, ae, vae

    return make


def shirts(metric: str, real: str | None = None) -> Make:
    """What a VAE trained on shirts scores, over what real ones do if that has a
    name.
    """

    def make(d: int) -> tuple[Source, Source, Source]:
        ae, vae = (
            of(group(kind, d, only_class=SHIRT), metric)
            for kind in ("ae", "vae")
        )
        if real:
            ae, vae = ratio(ae, floor(real)), ratio(vae, floor(real))
        return vae, ae, vae

    return make


# --- numbers for other statements --------------------------------------------


def rises(metric: str, d: int) -> Source:
    """What the AE's metric gains from 2 to d dimensions."""
    return minus(of(group("ae", d), metric), of(group("ae", 2), metric))


def falls(metric: str, d: int) -> Source:
    """What the AE's metric loses from 2 to d dimensions."""
    return minus(of(group("ae", 2), metric), of(group("ae", d), metric))


def lost_in_holes(kind: str) -> Source:
    """How much less precise draws in holes are, at 2 dimensions."""
    name = group(kind, 2)
    return minus(
        of(name, "precision_outside_holes"), of(name, "precision_in_holes")
    )
