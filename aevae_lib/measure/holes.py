"""Where no training code is near."""

import numpy as np
import torch
from sklearn.neighbors import KDTree
from torch import Tensor

from .inputs import at_least, pair


def in_hole(draws: Tensor, codes: Tensor, neighbours: int = 5) -> Tensor:
    """Which draws lie in a hole between the training codes: (N, D), (M, D) ->
    (N,) bool.

    Every training code supports a ball that reaches to its fifth nearest
    neighbour; a draw that no ball holds is in a hole. A stray code far from all
    others has a large ball, so the answer errs towards "no hole".
    """
    points, centres = pair(draws, codes)
    at_least(neighbours + 1, centres)
    # The nearest of all is the code itself.
    radii = KDTree(centres).query(centres, neighbours + 1)[0][:, -1]
    held = np.zeros(len(points), dtype=bool)
    for inside in KDTree(points).query_radius(centres, radii):
        held[inside] = True
    return torch.from_numpy(~held)


def hole_fraction(draws: Tensor, codes: Tensor, neighbours: int = 5) -> float:
    """The share of draws (N, D) that lie in a hole between the training codes
    (M, D).

    Measure held-out codes the same way for the floor. For a VAE pass sampled z,
    not mu. At more than two dimensions the balls cover too much for this to be
    read as a share of holes. A small share alone is no praise: draws that all
    fall in one spot have it too.
    """
    return in_hole(draws, codes, neighbours).float().mean().item()
