"""Numbers for what a latent space looks like, and for what is decoded from it.

Functions take tensors, and functions of tensors, never models. Tensors may lie
on any devices; those that come back lie on the CPU.
"""

from .areas import class_areas, inequality, log_volumes
from .classes import (
    calibration,
    class_shares,
    neighbour_accuracy,
    probe_accuracy,
    total_variation,
)
from .features import frechet, kernel_distance, precision_coverage
from .holes import hole_fraction, in_hole
from .images import nearest_images
from .layout import asymmetry, two_sample_accuracy
from .linear import linear_decoder
from .posteriors import active_units, aggregate_kl, kl_per_dimension
from .steps import flips, image_change

__all__ = [
    "active_units", "aggregate_kl", "asymmetry", "calibration", "class_areas",
    "class_shares", "flips", "frechet", "hole_fraction", "image_change",
    "in_hole", "inequality", "kernel_distance", "kl_per_dimension",
    "linear_decoder", "log_volumes", "nearest_images", "neighbour_accuracy",
    "precision_coverage", "probe_accuracy", "total_variation",
    "two_sample_accuracy",
]  # fmt: skip
