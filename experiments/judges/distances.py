"""Distances between two sets of features (replaced by the library's)."""

import torch
from torch import Tensor


def frechet(a: Tensor, b: Tensor) -> float:
    a, b = a.double(), b.double()
    gap = (a.mean(0) - b.mean(0)).square().sum()
    ca, cb = torch.cov(a.T), torch.cov(b.T)
    values, vectors = torch.linalg.eigh(ca)
    root = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
    cross = torch.linalg.eigvalsh(root @ cb @ root).clamp(min=0).sqrt().sum()
    return (gap + ca.trace() + cb.trace() - 2 * cross).item()


def kernel_distance(a: Tensor, b: Tensor) -> float:
    a, b = a.double(), b.double()
    n, m, d = len(a), len(b), a.shape[1]

    def k(x, y):
        near = x @ y.T / d + 1
        return near * near * near  # faster than a power

    aa, bb = k(a, a), k(b, b)
    within = (aa.sum() - aa.trace()) / (n * (n - 1)) + (
        bb.sum() - bb.trace()
    ) / (m * (m - 1))
    return (within - 2 * k(a, b).mean()).item()
