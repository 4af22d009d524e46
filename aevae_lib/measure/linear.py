"""The baseline of every decoder: one without a hidden layer."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ..data import check_images, to_float
from ..likelihoods import Bernoulli
from ..sample import check_codes


def linear_decoder(
    codes: Tensor, images: Tensor, steps: int = 8
) -> Callable[[Tensor], Bernoulli]:
    """The best decoder without a hidden layer: from latent points (B, D) to
    p(x|z), which lies where the points do.

    One logistic regression for each pixel, fitted to training codes (N, D) and
    their images (N, *shape), uint8 or in [0, 1]. What it costs in nats is the
    linear baseline for codes of D numbers. The problem is convex and Newton's
    method solves it: no seed, no learning rate. A dimension in which the codes
    do not vary says nothing, and has no weight.
    """
    known, shape = check_codes(codes).detach().cpu(), images.shape[1:]
    target = to_float(check_images(images)).flatten(1).cpu().double()  # (N, P)
    if len(known) != len(target) or len(known) < 2:
        raise ValueError(
            "Expected at least 2 codes and as many images, got "
            f"{len(known)} and {len(target)}."
        )
    if not ((target >= 0) & (target <= 1)).all():
        raise ValueError("Expected images in [0, 1].")
    varies = (known != known[0]).any(0)
    centre, scale = known.mean(0), known.std(0).where(varies, torch.inf)

    def design(z: Tensor) -> Tensor:  # (B, D) -> (B, 1 + D)
        z = (z.cpu() - centre) / scale
        return nn.functional.pad(z, (1, 0), value=1.0).double()

    weights = _regressions(design(known), target, steps)
    return lambda z: Bernoulli((design(z) @ weights).to(z).unflatten(1, shape))


def _regressions(a: Tensor, target: Tensor, steps: int) -> Tensor:
    """The weights of one logistic regression for each column of the target: (N,
    1 + D), (N, P) -> (1 + D, P).
    """
    products = torch.einsum("ni,nj->nij", a, a).flatten(1)
    # A pixel that is black in every image asks for a weight without bound; this
    # bounds it.
    ridge = torch.eye(a.shape[1], dtype=a.dtype)
    weights = torch.zeros(a.shape[1], target.shape[1], dtype=a.dtype)
    weights[0] = target.mean(0).clamp(1e-4, 1 - 1e-4).logit()

    def cost(weights: Tensor) -> Tensor:  # of each pixel: (P,)
        nats = Bernoulli((a @ weights).T).nats(target.T)
        return nats + 0.5 * weights.square().sum(0)

    reached = cost(weights)
    for _ in range(steps):
        p = Bernoulli(a @ weights).mean
        gradient = a.T @ (p - target) + weights
        hessian = (products.T @ (p * (1 - p))).T.unflatten(1, ridge.shape)
        move = torch.linalg.solve(hessian + ridge, gradient.T).T
        size = torch.ones_like(weights[0])
        # A full step may go too far: it is halved for every pixel that it would
        # make worse by more than rounding.
        most = reached * (1 + 1e-12)
        while (worse := (costs := cost(weights - size * move)) > most).any():
            shorter = torch.where(size > 1e-3, size / 2, 0)
            size = torch.where(worse, shorter, size)
        weights, reached = weights - size * move, costs
    return weights
