"""The metrics of the protocol (chapters/protocol.md), in one table.

A new metric is a new line here: the sweep then fills it in wherever it lacks.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from aevae_lib import measure, sample

from .runs import KINDS, TUNING_SEED, Run
from .subject import STEP, Subject

Better = Literal["lower", "higher", "neither"]


@dataclass(frozen=True)
class Metric:
    """One number about one model.

    `floor` is what a flawless model would score: a number, the name of a metric
    of the same model, or that of one of `evidence.floors()`.
    """

    name: str
    unit: str
    better: Better
    floor: float | str | None
    needs: tuple[Callable[[Run], bool], ...]
    function: Callable[[Subject], float]

    def applies(self, run: Run) -> bool:
        """Whether this run has what the metric needs."""
        return all(need(run) for need in self.needs)


# --- what metrics need -------------------------------------------------------


def untold(run: Run) -> bool:
    """A decoder that is not told the class."""
    return not KINDS[run.kind].told


def told(run: Run) -> bool:
    """A decoder that is told the class."""
    return KINDS[run.kind].told


def variational(run: Run) -> bool:
    """A VAE."""
    return KINDS[run.kind].variational


def all_classes(run: Run) -> bool:
    """Every class in the training images, and none told."""
    return run.only_class is None and untold(run)


def one_class(run: Run) -> bool:
    """Nothing but one class in the training images."""
    return run.only_class is not None


def two_dimensions(run: Run) -> bool:
    """Codes that can be drawn on paper."""
    return run.latent_dim == 2


# --- the functions that are more than a look at the subject ------------------


def volume_range(s: Subject) -> float:
    volumes = measure.log_volumes(s.codes, s.code_labels)
    return (volumes.max() - volumes.min()).item()


def held_out_in_holes(s: Subject) -> float:
    return measure.hole_fraction(s.held_out, s.codes)


def kl(s: Subject) -> float:
    return measure.kl_per_dimension(*s.posteriors).sum().item()


def kl_monte_carlo_error(s: Subject) -> float:
    """Of log q(z|x) - log p(z) at one draw for each image."""
    (mu, logvar), z = s.posteriors, s.test_codes
    std = (0.5 * logvar).exp()
    logs = 0.5 * (z**2 - ((z - mu) / std) ** 2 - logvar)
    return logs.sum(1).mean().item() - kl(s)


def posterior_std(s: Subject) -> float:
    """Of a cloud, over that of all codes together."""
    return ((0.5 * s.posteriors[1]).exp() / s.test_codes.std(0)).mean().item()


# --- the table ---------------------------------------------------------------


def of_draws(source: str) -> list[Metric]:
    """What the judge says of a sampler's draws, or of reconstructions."""
    least = "real" if source == "reconstruction" else "reconstruction"

    def part(key: str, better: Better, floor: str) -> Metric:
        return Metric(
            f"{key}_{source.lower()}", "share", better, f"{key}_{floor}",
            (all_classes,), lambda s: s.report(source)[key],
        )  # fmt: skip

    return [
        part("precision", "higher", "real"),
        part("coverage", "higher", "real"),
        part("unsure", "lower", least),
        part("imbalance", "lower", least),
        part("trousers", "neither", "real"),
    ]


def of_holes(sampler: str) -> Metric:
    """How many draws of a sampler no training code supports."""
    return Metric(
        f"hole_fraction_{sampler.lower()}", "share", "lower",
        "hole_fraction_held_out", (all_classes, two_dimensions),
        lambda s: s.in_hole(sampler).float().mean().item(),
    )  # fmt: skip


def of_shirts(how: str, *needs: Callable[[Run], bool]) -> list[Metric]:
    """What the judge says of shirts: see `Subject.shirt_draws`."""
    return [
        Metric(f"{key}_{how}", unit, "higher", f"{key}_real", needs,
               lambda s, key=key: s.shirts(how)[key])
        for key, unit in (("shirt_hits", "ratio"), ("shirt_coverage", "share"))
    ]  # fmt: skip


ALL, FLAT = (all_classes,), (all_classes, two_dimensions)
CLOUD = (all_classes, variational)
NATS = "pixel_entropy"
TABLE = [
    # the loss and its terms
    Metric("reconstruction", "nats", "lower", NATS, (),
           lambda s: s.reconstruction),
    Metric("reconstruction_mu", "nats", "lower", NATS, (untold,),
           lambda s: s.reconstruction_mu),
    Metric("train_reconstruction_mu", "nats", "lower", None, (untold,),
           lambda s: s.seen_reconstruction_mu),
    Metric("gap", "nats", "lower", 0, (untold,),
           lambda s: s.reconstruction_mu - s.seen_reconstruction_mu),
    Metric("kl", "nats", "neither", 0, (variational,), kl),
    Metric("loss", "nats", "lower", NATS, (variational, untold),
           lambda s: s.reconstruction + kl(s)),
    # robustness
    Metric("code_noise_cost", "nats", "lower", 0, ALL, Subject.code_noise_cost),
    Metric("pixel_noise_cost", "nats", "lower", 0, ALL,
           Subject.pixel_noise_cost),
    # where codes lie, and what they tell
    Metric("c2st_gaussian", "accuracy", "lower", 0.5, ALL,
           lambda s: s.told_apart("Gaussian")),
    Metric("c2st_prior", "accuracy", "lower", 0.5, ALL,
           lambda s: s.told_apart("prior")),
    Metric("asymmetry", "accuracy", "lower", 0.5, ALL,
           lambda s: measure.asymmetry(s.test_codes)),
    Metric("volume_range", "nats", "lower", 0, ALL, volume_range),
    Metric("volume_range_per_dimension", "nats", "lower", 0, ALL,
           lambda s: volume_range(s) / s.codes.shape[1]),
    Metric("neighbour_accuracy", "accuracy", "higher", None, ALL,
           lambda s: measure.neighbour_accuracy(*s.known)),
    Metric("probe_accuracy", "accuracy", "higher", None, ALL,
           lambda s: measure.probe_accuracy(*s.known)),
    Metric("area_ratio", "ratio", "lower", 1, FLAT,
           lambda s: (s.areas.max() / s.areas.min()).item()),
    Metric("area_inequality", "share", "lower", 0, FLAT,
           lambda s: measure.inequality(s.areas)),
    # what a small step from a test code changes
    Metric("flips", "share", "lower", 0, ALL,
           lambda s: measure.flips(s.classes, s.stepped, STEP)),
    Metric("image_change", "grey values per deviation", "lower", 0, ALL,
           lambda s: measure.image_change(s.pictures, s.stepped, STEP,
                                          frame=s.fashion.frame)),
    # how decoded draws look beside decoded test codes
    *(metric for source in ("reconstruction", *sample.SAMPLERS)
      for metric in of_draws(source)),
    # draws that no training code supports
    Metric("hole_fraction_held_out", "share", "lower", 0, FLAT,
           held_out_in_holes),
    *map(of_holes, sample.SAMPLERS),
    Metric("precision_in_holes", "share", "higher", "precision_real", FLAT,
           lambda s: s.precision(s.in_hole("Gaussian"))),
    Metric("precision_outside_holes", "share", "higher", "precision_real", FLAT,
           lambda s: s.precision(~s.in_hole("Gaussian"))),
    # shirts
    *of_shirts("density", all_classes),
    *of_shirts("around", all_classes),
    *of_shirts("alone", one_class),
    *of_shirts("told", told),
    # which dimensions of a VAE live, and where its KL goes
    Metric("kl_monte_carlo_error", "nats", "neither", 0, CLOUD,
           kl_monte_carlo_error),
    Metric("active_units", "dimensions", "neither", 0, CLOUD,
           lambda s: float(measure.active_units(s.posteriors[0]))),
    Metric("posterior_std", "ratio", "neither", None, CLOUD, posterior_std),
    Metric("mutual_information", "nats", "neither", 0,
           (*CLOUD, two_dimensions), lambda s: s.aggregate_kl[0]),
    Metric("aggregate_kl", "nats", "lower", 0,
           (*CLOUD, two_dimensions), lambda s: s.aggregate_kl[1]),
]  # fmt: skip
METRICS = {metric.name: metric for metric in TABLE}


def wanted(run: Run, table: dict[str, Metric] = METRICS) -> list[str]:
    """The metrics of a table that a run is to have; none if it serves a choice,
    which may see no test image.
    """
    if run.seed == TUNING_SEED:
        return []
    return [metric.name for metric in table.values() if metric.applies(run)]


def evaluate(subject: Subject, names: list[str]) -> dict[str, float]:
    """These metrics of a model; NaN for one that it leaves undefined."""
    return {name: METRICS[name].function(subject) for name in names}
