"""What chapters/protocol2.md predicted for the animals, and what came of it."""

from collections.abc import Iterator
from typing import NamedTuple

from .rule import NOT_SETTLED, NOT_SUPPORTED, SMALL, SUPPORTED
from .verdicts import Finding

BELOW = "nats below the best linear decoder"
KEPT = "share of the explainable nats kept, less .9"
GAUSSIAN = "draws of one Gaussian that pass, less .9"
MIXTURE = "draws of a mixture that pass, less .9"
TOLD = "codes told from a Gaussian"
LAND = "rank correlation of land and draws"
ALL = None  # dimensions, or betas

# (claim, the beginning of the row, dimensions, betas): the verdict
PREDICTED = {
    ("A1", BELOW, ALL, ALL): SUPPORTED,
    ("A1", KEPT, ALL, ALL): NOT_SUPPORTED,
    ("A2", GAUSSIAN, ALL, ALL): NOT_SUPPORTED,
    ("A2", MIXTURE, "16", ALL): SUPPORTED,
    ("P1", TOLD, ALL, ALL): SUPPORTED,
    ("P2", "inequality of areas", ALL, ALL): SUPPORTED,
    ("P2", LAND, ALL, ALL): SUPPORTED,
    ("P3", "draws in holes", ALL, ALL): SUPPORTED,
    ("P3", "passing lost in holes", ALL, ALL): SUPPORTED,
    ("P4", TOLD, ALL, ALL): NOT_SETTLED,
    ("P4", "range of log-volumes", ALL, ALL): NOT_SUPPORTED,
    ("P4", "draws of one Gaussian", ALL, ALL): SUPPORTED,
    ("P5", "classes flipped", "2", ALL): SUPPORTED,
    ("P5", "classes flipped", "16", ALL): SMALL,
    ("V0", "AE less VAE: codes told", ALL, ALL): SUPPORTED,
    ("V0", "AE less VAE: draws in holes", ALL, ALL): SUPPORTED,
    ("V0", "AE less VAE: inequality", ALL, ALL): SMALL,
    ("V0", "AE less VAE: classes flipped", ALL, ALL): SMALL,
    ("V1", "class read off", ALL, ALL): NOT_SUPPORTED,
    ("V2", "draws that are of the one class", "2", ALL): SUPPORTED,
    ("V2", "draws that are of the one class", "16", ALL): NOT_SETTLED,
    ("V2", "coverage", ALL, ALL): NOT_SUPPORTED,
    ("L2", "gap on all images", "16", ALL): SUPPORTED,
    ("L2", "gap on all images", "2", ALL): NOT_SETTLED,
    ("L2", "cost of noise", ALL, ALL): SUPPORTED,
    ("L3", "passing", ALL, ALL): NOT_SUPPORTED,
    ("L3", "coverage", ALL, ALL): NOT_SUPPORTED,
    ("C1", "reconstruction", "16", 1.0): SUPPORTED,
    ("C1", "reconstruction", "2", 1.0): SMALL,
    ("C1", "reconstruction", "16", 0.5): SUPPORTED,
    ("C1", "reconstruction", ALL, 0.1): NOT_SUPPORTED,
    ("C1", "quality", ALL, ALL): NOT_SUPPORTED,
}


class Scored(NamedTuple):
    """A row that was predicted, and whether the prediction came true."""

    finding: Finding
    predicted: str

    @property
    def true(self) -> bool:
        return self.finding.verdict == self.predicted


def scored(animals: list[Finding]) -> Iterator[Scored]:
    """The rows on animals that were predicted, in their order."""
    for finding in animals:
        row = finding.row
        for (claim, what, d, beta), verdict in PREDICTED.items():
            if (
                row.claim == claim
                and row.what.startswith(what)
                and d in (ALL, row.dims)
                and beta in (ALL, row.beta)
            ):
                yield Scored(finding, verdict)
