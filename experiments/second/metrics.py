"""The metrics of the second edition: what each measures, and which runs have
it.
"""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.stats import spearmanr
from sklearn.ensemble import HistGradientBoostingClassifier
from torch import Tensor

from aevae_lib import measure, sample
from aevae_lib.data import to_float

from .. import metrics as first
from ..metrics import (
    all_classes,
    one_class,
    two_dimensions,
    untold,
    variational,
)
from . import beside
from .referees import AE, BLUR, OLD, PIXELS, VAE
from .runs import Run
from .subject import (
    CODE_NOISE,
    CODES,
    COUNTED,
    FEW,
    HALVES,
    KNOWN,
    NEAREST,
    PIXEL_NOISE,
    Subject,
)

SAMPLERS = ("prior", "box", "Gaussian", "mixture")
BEST = ("prior", "mixture")  # by which models are compared
JUDGES, COUNTERS = (PIXELS, BLUR), (NEAREST, BLUR)
LINEAR = (2, 4, 8, 16)  # dimensions with a linear decoder to compare with


@dataclass(frozen=True)
class Metric(first.Metric):
    """One number about one model: a float, or where it rests on test images,
    a tensor (1 + RESAMPLES,). The resamples are stored if it is `sampled`.
    """

    sampled: bool = False


def linear(run: Run) -> bool:
    """As many dimensions as a linear decoder was fitted with."""
    return run.latent_dim in LINEAR


# --- codes -------------------------------------------------------------------


def told_gaussian(s: Subject) -> Tensor:
    """Trees learn on a half of all test codes and as many draws, whitened, with
    their radius, and are scored on the other.
    """
    codes, n = s.test_codes, len(s.test_codes)
    draws = sample.fitted_gaussian(s.codes)(n, seed=s.seed("told apart"))
    _, (centre,), (factor,) = sample.fit_gaussian(s.codes)
    x = [
        torch.linalg.solve_triangular(
            factor, (part.double() - centre).T, upper=False
        ).T
        for part in (codes, draws)
    ]
    x = [torch.cat([z, z.norm(dim=1, keepdim=True)], 1).numpy() for z in x]
    learn, score = s.halves
    trees = HistGradientBoostingClassifier(
        max_iter=40, early_stopping=False, random_state=0
    )
    trees.fit(
        np.concatenate([z[learn] for z in x]),
        np.repeat([True, False], len(learn)),
    )
    codes_right, draws_right = (
        torch.from_numpy(trees.predict(z[score]) == is_code)
        for z, is_code in zip(x, (True, False), strict=True)
    )
    return (s.mean(codes_right, score) + draws_right.double().mean()) / 2


def told_gaussian_neighbours(s: Subject) -> float:
    n = len(s.test_codes)
    draws = sample.fitted_gaussian(s.codes)(n, seed=s.seed("told apart"))
    return measure.two_sample_accuracy(s.test_codes, draws)


def log_ratio(values: Tensor) -> float:
    return (values.max() / values.min()).log().item()


def volume_range_per_dimension(s: Subject) -> float:
    volumes = measure.log_volumes(s.codes, s.code_labels)
    return (volumes.max() - volumes.min()).item() / s.codes.shape[1]


def holes_held_out(s: Subject) -> Tensor:
    inside = measure.in_hole(s.test_codes[s.others], s.codes)
    return s.mean(inside, s.others)


def holes(s: Subject, sampler: str) -> Tensor:
    """Which of COUNTED draws lie in a hole: (COUNTED,)."""
    return measure.in_hole(s.draws(sampler), s.codes)


def lost_in_holes(s: Subject, referee: str) -> Tensor:
    inside = holes(s, "Gaussian")
    outside, within = (
        s.passing("Gaussian", referee, chosen) for chosen in (~inside, inside)
    )
    return outside - within


def both(s: Subject) -> tuple[Tensor, Tensor]:
    """mu and log-variance side by side, of training and of test images."""
    seen = s.posteriors(s.seen.images[:KNOWN])
    return torch.cat(seen, 1), torch.cat(s.test_posteriors, 1)


def neighbours(s: Subject, known: Tensor, asked: Tensor) -> Tensor:
    found = beside.vote(known, s.seen.labels[: len(known)], asked)
    return s.mean(found == s.test.labels)


def probe(s: Subject, known: Tensor, asked: Tensor) -> float:
    labels = s.seen.labels[: len(known)]
    return measure.probe_accuracy(known, labels, asked, s.test.labels)


# --- nats --------------------------------------------------------------------


def gap(s: Subject) -> Tensor:
    return s.mean(s.reconstruction_mu) - train_reconstruction_mu(s)


def train_reconstruction_mu(s: Subject) -> float:
    return s.seen_reconstruction_mu.double().mean().item()


def below_linear(s: Subject) -> Tensor:
    linear = s.around.baselines[f"linear_d{s.run.latent_dim}"]
    return linear - s.mean(s.reconstruction)


def explained(s: Subject) -> Tensor:
    """The share of the way from the mean image to the pixels' entropy."""
    top, bottom = (
        s.around.baselines[name] for name in ("mean_image", "pixel_entropy")
    )
    return (top - s.mean(s.reconstruction)) / (top - bottom)


def added_cost(s: Subject, codes: Tensor) -> Tensor:
    """What it costs more to decode these codes than mu, into the first FEW test
    images.
    """
    cost = s.decoded(codes, s.test.images[:FEW])[1]
    return s.mean(cost - s.reconstruction_mu[:FEW], slice(FEW))


def code_noise_cost(s: Subject) -> Tensor:
    mu, centred = s.test_mu[:FEW], s.codes - s.codes.mean(0)
    noise = sample.fitted_gaussian(centred)(len(mu), seed=s.seed("code noise"))
    return added_cost(s, mu + CODE_NOISE * noise)


def pixel_noise_cost(s: Subject) -> Tensor:
    images = s.test.images[:FEW]
    generator = torch.Generator().manual_seed(s.seed("pixel noise"))
    noise = torch.randn(images.shape, generator=generator)
    dirty = (to_float(images) + PIXEL_NOISE * noise).clamp(0, 1)
    return added_cost(s, sample.encode(s.model, dirty))


# --- classes of pictures -----------------------------------------------------


def shares(s: Subject, source: str, counter: str) -> Tensor:
    found = s.classes_of(source, counter)
    return measure.class_shares(found, len(s.dataset.classes))


def imbalance(s: Subject, sampler: str, counter: str) -> float:
    return measure.total_variation(
        shares(s, sampler, counter), shares(s, "others", counter)
    )


def land_and_draws(s: Subject, counter: str) -> float:
    source = "box" if s.size >= COUNTED else "land"
    return float(spearmanr(s.areas(), shares(s, source, counter)).statistic)


def flips(s: Subject, counter: str) -> Tensor:
    before, after = (s.classes_of(x, counter) for x in ("others", "stepped"))
    return s.mean(before != after, s.others)


def hits(s: Subject, sampler: str, counter: str) -> Tensor:
    """Of a model that has seen one class only."""
    drawn, *own = (
        s.classes_of(source, counter) == s.run.only_class
        for source in (sampler, *HALVES)
    )
    return drawn.double().mean() / s.mean(torch.cat(own), torch.cat(s.halves))


# --- the table ---------------------------------------------------------------

ALL, FLAT = (all_classes,), (all_classes, two_dimensions)
CLOUD = (all_classes, variational)


def of_draws(sampler: str) -> list[Metric]:
    """What judges and counters say of a sampler's draws."""
    low, best = sampler.lower(), sampler in BEST
    drawn = (untold,)
    found = [
        Metric(f"passing_{low}_{j}", "ratio", "higher", 1, drawn,
               lambda s, j=j: s.passing(sampler, j), sampler != "box")
        for j in JUDGES
    ]  # fmt: skip
    found += [
        Metric(f"harm_{low}_{j}", "ratio", "lower", None, ALL,
               lambda s, j=j: s.harm(sampler, j))
        for j in JUDGES
    ]  # fmt: skip
    found += [
        Metric(f"coverage_{low}_{j}", "ratio", "higher", 1, drawn,
               lambda s, j=j: s.coverage(sampler, j),
               best and j in (PIXELS, AE))
        for j in ((PIXELS, BLUR, AE, VAE, OLD) if best else JUDGES)
    ]  # fmt: skip
    found += [
        Metric(f"quality_{low}_{j}", "log of a distance", "lower", None, ALL,
               lambda s, j=j: s.quality(sampler, j), best)
        for j in JUDGES
    ]  # fmt: skip
    found += [
        Metric(f"kernel_{low}_{j}", "squared distance", "lower", 0, ALL,
               lambda s, j=j: s.kernel(sampler, j))
        for j in (JUDGES if best else ())
    ]  # fmt: skip
    found += [
        Metric(f"imbalance_{low}_{c}", "share", "lower", 0, ALL,
               lambda s, c=c: imbalance(s, sampler, c))
        for c in (*COUNTERS, CODES)
    ]  # fmt: skip
    if sampler != "box":
        found += [
            Metric(f"hits_{low}_{c}", "ratio", "higher", 1, (one_class,),
                   lambda s, c=c: hits(s, sampler, c), True)
            for c in COUNTERS
        ]  # fmt: skip
    return found


NATS = "pixel_entropy"
TABLE = [
    # the loss and its terms
    Metric("reconstruction", "nats", "lower", NATS, (),
           lambda s: s.mean(s.reconstruction), True),
    Metric("reconstruction_mu", "nats", "lower", NATS, (untold,),
           lambda s: s.mean(s.reconstruction_mu)),
    Metric("train_reconstruction_mu", "nats", "lower", None, (untold,),
           train_reconstruction_mu),
    Metric("gap", "nats", "lower", 0, (untold,), gap, True),
    Metric("kl", "nats", "neither", 0, (variational,),
           lambda s: s.mean(s.kl)),
    Metric("loss", "nats", "lower", NATS, (variational,),
           lambda s: s.mean(s.reconstruction) + s.mean(s.kl)),
    Metric("below_linear", "nats", "higher", 0, (all_classes, linear),
           below_linear, True),
    Metric("explained", "share", "higher", 1, ALL, explained, True),
    # robustness
    Metric("code_noise_cost", "nats", "lower", 0, ALL, code_noise_cost, True),
    Metric("pixel_noise_cost", "nats", "lower", 0, ALL, pixel_noise_cost),
    # where codes lie, and what they tell
    Metric("told_gaussian", "accuracy", "lower", 0.5, ALL, told_gaussian, True),
    Metric("told_gaussian_neighbours", "accuracy", "lower", 0.5, FLAT,
           told_gaussian_neighbours),
    Metric("gini", "share", "lower", "gini_shuffled", FLAT,
           lambda s: measure.inequality(s.areas())),
    Metric("gini_shuffled", "share", "lower", None, FLAT,
           lambda s: measure.inequality(s.areas(shuffled=True))),
    Metric("area_log_ratio", "nats", "lower", "area_log_ratio_shuffled", FLAT,
           lambda s: log_ratio(s.areas())),
    Metric("area_log_ratio_shuffled", "nats", "lower", None, FLAT,
           lambda s: log_ratio(s.areas(shuffled=True))),
    Metric("volume_range_per_dimension", "nats", "lower", 0, ALL,
           volume_range_per_dimension),
    Metric("neighbour_accuracy_mu", "accuracy", "higher", None, ALL,
           lambda s: neighbours(s, s.seen_mu, s.test_mu), True),
    Metric("probe_accuracy_mu", "accuracy", "higher", None, ALL,
           lambda s: probe(s, s.seen_mu, s.test_mu)),
    Metric("neighbour_accuracy_mu_logvar", "accuracy", "higher", None, CLOUD,
           lambda s: neighbours(s, *both(s)), True),
    Metric("probe_accuracy_mu_logvar", "accuracy", "higher", None, CLOUD,
           lambda s: probe(s, *both(s))),
    # draws that no training code supports
    Metric("holes_held_out", "share", "lower", None, FLAT, holes_held_out,
           True),
    *(Metric(f"holes_{name.lower()}", "share", "lower", "holes_held_out", FLAT,
             lambda s, name=name: holes(s, name).double().mean().item())
      for name in SAMPLERS),
    *(Metric(f"lost_in_holes_{j}", "ratio", "lower", 0, FLAT,
             lambda s, j=j: lost_in_holes(s, j), True)
      for j in JUDGES),
    # classes of what is decoded
    *(Metric(f"land_and_draws_{c}", "rank correlation", "neither", 0, FLAT,
             lambda s, c=c: land_and_draws(s, c))
      for c in (*COUNTERS, CODES)),
    *(Metric(f"flips_{c}", "share", "lower", 0, ALL,
             lambda s, c=c: flips(s, c), c != CODES)
      for c in (*COUNTERS, CODES)),
    *(metric for name in SAMPLERS for metric in of_draws(name)),
]  # fmt: skip
METRICS = {metric.name: metric for metric in TABLE}


def wanted(run: Run) -> list[str]:
    """The metrics that a run is to have."""
    return first.wanted(run, METRICS)
