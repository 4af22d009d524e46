"""p(x|z): what the numbers that a decoder gives say about a picture.

Each likelihood is a named tuple of tensors, so that PyTorch's transforms,
compilers and exporters see through it. It knows three things: what data cost
under it in nats, its mean, and how to draw from it. `link` names what takes
the decoder's numbers to the mean, for the networks in the browser. A model is
given a function that makes one of what its decoder gives: `Bernoulli` itself,
or a module, such as `WithSigma`, where the likelihood has weights of its own.
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn


class Bernoulli(NamedTuple):
    """A coin for each pixel, for pictures in [0, 1]."""

    logits: Tensor  # (B, *shape)  pixel intensities before the sigmoid

    link = "sigmoid"

    def nats(self, x: Tensor) -> Tensor:
        """Cross-entropy of each image, summed over pixels: (B, *shape) -> (B,).

        On grey pixels this is not a likelihood of `x`. It is the expected
        negative log-likelihood of black-and-white images whose pixels are drawn
        with probabilities `x`, so it cannot fall below the entropy of that
        draw: 189.86 nats for a test image of Fashion-MNIST.
        """
        cost = F.binary_cross_entropy_with_logits
        return cost(self.logits, x, reduction="none").flatten(1).sum(1)

    @property
    def mean(self) -> Tensor:
        """The pictures that are shown, in [0, 1]: (B, *shape)."""
        return self.logits.sigmoid()

    def draw(self, generator: Generator | None = None) -> Tensor:
        """Black or white for each pixel: (B, *shape)."""
        return torch.bernoulli(self.mean, generator=generator)


class Gaussian(NamedTuple):
    """A normal distribution for each pixel or other number."""

    centre: Tensor  # (B, *shape)
    log_sigma: Tensor  # (B, *shape)

    link = "identity"

    def nats(self, x: Tensor) -> Tensor:
        """The negative log density of each image: (B, *shape) -> (B,)."""
        deviation = (x - self.centre) * torch.exp(-self.log_sigma)
        constant = 0.5 * math.log(2 * math.pi)
        cost = 0.5 * deviation**2 + self.log_sigma + constant
        return cost.flatten(1).sum(1)

    @property
    def mean(self) -> Tensor:
        """What is shown; it may leave [0, 1]: (B, *shape)."""
        return self.centre

    def draw(self, generator: Generator | None = None) -> Tensor:
        """The mean plus noise of this sigma: (B, *shape)."""
        noise = torch.empty_like(self.centre).normal_(generator=generator)
        return self.centre + torch.exp(self.log_sigma) * noise


class WithSigma(nn.Module):
    """A Gaussian around what the decoder gives, with one sigma for all of it.

    `sigma` is fixed, or, if `learned`, where training starts from; it is in
    the units of the data.
    """

    link = Gaussian.link

    def __init__(self, sigma: float = 0.3, learned: bool = False):
        super().__init__()
        if not sigma > 0:
            raise ValueError(f"sigma must be above 0, got {sigma}.")
        start = torch.tensor(math.log(sigma))
        self.log_sigma = nn.Parameter(start, requires_grad=learned)

    def forward(self, decoded: Tensor) -> Gaussian:
        return Gaussian(decoded, self.log_sigma.expand_as(decoded))
