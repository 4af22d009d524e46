"""Points whose distribution is known, for tests of what measures say."""

import math

import torch


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(n, dims=2, seed=0):
    return torch.randn(n, dims, generator=generator(seed))


def uniform(n, dims=2, seed=0):
    return torch.rand(n, dims, generator=generator(seed))


def ring(n, seed=0):
    """Uniform between the circles of radius 1 and 2, whose area is 3 pi."""
    u = uniform(n, 2, seed)
    radius, angle = (1 + 3 * u[:, 0]).sqrt(), 2 * math.pi * u[:, 1]
    return torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1)


def squares(n, seed=0):
    """Uniform in two unit squares that leave the third between them empty."""
    points = uniform(n, 2, seed)
    points[n // 2 :, 0] += 2
    return points


CODES, TEN = normal(500), torch.arange(500) % 10


def broken(value=math.nan):
    """The 500 codes, one number of which is none."""
    codes = CODES.clone()
    codes[3, 1] = value
    return codes
