"""The rows of the ledger: what is compared with what, and by what margin."""

import math

from ..runs import SHIRT, group
from .sources import (
    Problem,
    Statement,
    against,
    explained,
    falls,
    kept,
    linear_gain,
    lost_in_holes,
    minus,
    of,
    own_draws,
    problem,
    rises,
    shirts,
    twice,
)


def growth(d: int) -> list[Statement]:
    """P4: does it grow from 2 to d dimensions?"""
    return [
        Statement("P4", f"{what}, d = {d} less d = 2", unit, number, margin,
                  headline=d == 16)
        for what, unit, number, margin in (
            ("P1: codes told from a fitted Gaussian", "accuracy",
             rises("c2st_gaussian", d), 0.05),
            ("P2: range of log-volumes for each dimension", "nats",
             rises("volume_range_per_dimension", d), 0.1),
            ("P3: precision lost by draws of a fitted Gaussian", "share",
             falls("precision_gaussian", d), 0.05),
        )
    ]  # fmt: skip


PRECISION = "precision of draws over that of reconstructions"
GAUSSIAN = "codes told from a fitted Gaussian"
FLIPPED = "classes flipped by a step of 0.1 standard deviations"

ROWS = [
    # A1: it compresses and reconstructs with little loss
    *twice("A1", "share of the explainable nats that the code keeps", "share",
           explained, 0.9, dims=(2, 16, 64), headline=(2, 16)),
    *twice("A1", "nats below the best linear decoder of PCA codes", "nats",
           linear_gain, 5, headline=(), baseline=("linear", "linear_d{d}")),
    # A2: decoding new points gives viable images
    *twice("A2", f"{PRECISION}, fitted Gaussian", "ratio", kept("gaussian"),
           0.9),
    *twice("A2", f"{PRECISION}, mixture", "ratio", kept("mixture"), 0.9,
           headline=()),
    *twice("A2", f"{PRECISION}, box", "ratio", kept("box"), 0.9, headline=()),
    *twice("A2", f"{PRECISION}, N(0, I)", "ratio", kept("prior"), 0.9,
           headline=()),
    # P1: codes are not symmetric; where to sample is unclear
    problem("P1", GAUSSIAN, "c2st_gaussian", 2, 0.05, headline=True),
    problem("P1", GAUSSIAN, "c2st_gaussian", 16, 0.05),
    problem("P1", "codes told from N(0, I)", "c2st_prior", 2, 0.05),
    problem("P1", "codes told from their mirror image", "asymmetry", 2, 0.05),
    # P2: classes take very uneven areas; random points favour the large ones
    problem("P2", "largest over smallest class area", "area_ratio", 2, 2,
            headline=True),
    problem("P2", "range of the classes' log-volumes", "volume_range", 2,
            math.log(3)),
    problem("P2", "imbalance of decoded draws of a fitted Gaussian",
            "imbalance_gaussian", 2, 0.1),
    problem("P2", "imbalance of decoded draws: fitted Gaussian (AE), prior "
                  "(VAE)", "imbalance_gaussian", 2, 0.1, "imbalance_prior"),
    # P3: holes between classes; points there decode to nothing viable
    problem("P3", "draws of a fitted Gaussian in holes",
            "hole_fraction_gaussian", 2, 0.05, headline=True),
    problem("P3", "draws in holes: fitted Gaussian (AE), prior (VAE)",
            "hole_fraction_gaussian", 2, 0.05, "hole_fraction_prior"),
    Problem("P3", "precision lost in holes, d = 2", "share",
            lost_in_holes("ae"), lost_in_holes("vae"), lambda: 0, lambda: 0,
            0.1),
    problem("P3", "unsure classifier on draws of a fitted Gaussian",
            "unsure_gaussian", 2, 0.1),
    # P4: all of it is amplified as dimensions grow
    *growth(16),
    *growth(64),
    Statement("P4", "P5: flips, d = 16 less d = 2", "share",
              rises("flips", 16), 0.02),
    Statement("P4", "precision lost by draws of a mixture, d = 16 less d = 2",
              "share", falls("precision_mixture", 16), 0.05),
    # P5: a point next to a given point may decode to another type
    problem("P5", FLIPPED, "flips", 2, 0.05, headline=True),
    problem("P5", FLIPPED, "flips", 16, 0.05),
    # V1: a distribution is the richer representation
    *twice("V1", "class read off mu by ten neighbours, VAE less AE", "accuracy",
           against("neighbour_accuracy"), 0.01,
           baseline=("PCA", "pca_neighbour_accuracy_d{d}")),
    *twice("V1", "class read off mu by a linear model, VAE less AE", "accuracy",
           against("probe_accuracy"), 0.01, headline=(),
           baseline=("PCA", "pca_probe_accuracy_d{d}")),
    # V2: a shirt-trained VAE gives diverse shirts
    *twice("V2", "shirts among the VAE's draws, relative to real ones", "ratio",
           shirts("shirt_hits_alone"), 0.8,
           baseline=("real", "shirt_hits_real")),
    *twice("V2", "coverage of real shirts by the VAE's draws, relative to real "
                 "ones", "ratio",
           shirts("shirt_coverage_alone", "shirt_coverage_real"), 0.8),
    *twice("V2", "coverage of real shirts, VAE less AE", "share",
           against("shirt_coverage_alone", only_class=SHIRT), 0.02, headline=(),
           baseline=("real", "shirt_coverage_real")),
    # L1: the loss is reconstruction + KL
    *(Statement("L1", f"KL by Monte Carlo less its closed form, d = {d}",
                "nats", of(group("vae", d), "kl_monte_carlo_error"), 0.1, True,
                within=True)
      for d in (2, 16)),
    # L2: the KL avoids overfitting and makes the space robust
    *twice("L2", "gap of the AE less that of the VAE, 500 images", "nats",
           against("gap", flip=True, train_images=500), 5),
    *twice("L2", "gap of the AE less that of the VAE, 5,000 images", "nats",
           against("gap", flip=True, train_images=5000), 5, headline=()),
    *twice("L2", "cost of noise on codes, AE less VAE", "nats",
           against("code_noise_cost", flip=True), 1),
    *twice("L2", "cost of noise on pixels, AE less VAE", "nats",
           against("pixel_noise_cost", flip=True), 1, headline=()),
    # L3: the KL keeps draws inside and is essential for realistic, diverse ones
    *twice("L3", "precision: VAE's prior less AE with a mixture", "share",
           own_draws("precision", "mixture"), 0.02,
           baseline=("real", "precision_real")),
    *twice("L3", "coverage: VAE's prior less AE with a mixture", "share",
           own_draws("coverage", "mixture"), 0.02,
           baseline=("real", "coverage_real")),
    *twice("L3", "precision: VAE's prior less AE with a fitted Gaussian",
           "share", own_draws("precision", "gaussian"), 0.02, headline=()),
    *twice("L3", "coverage: VAE's prior less AE with a fitted Gaussian",
           "share", own_draws("coverage", "gaussian"), 0.02, headline=()),
    Statement("L3", "draws of the VAE's prior in holes, beyond held-out codes, "
                    "d = 2", "share",
              minus(of(group("vae", 2), "hole_fraction_prior"),
                    of(group("vae", 2), "hole_fraction_held_out")),
              0.05, within=True),
    # C1: what to use for what
    *twice("C1", "reconstruction: nats by which the AE is better", "nats",
           against("reconstruction"), 1, baseline=("linear", "linear_d{d}")),
]  # fmt: skip
