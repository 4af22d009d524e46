"""The bound's gap on posteriors whose gap is known."""

import math

import pytest
import torch

from experiments.judges import theory

REACH, SIDE = 4.0, 161


def joint_of(correlation: float, log_p: float) -> torch.Tensor:
    """ln p(x, z) on the grid for a Gaussian posterior of this correlation."""
    points = theory.grid(SIDE, REACH)
    covariance = torch.tensor([[1.0, correlation], [correlation, 1.0]]) * 0.16
    posterior = torch.distributions.MultivariateNormal(
        torch.tensor([0.5, -0.3]), covariance
    )
    return (posterior.log_prob(points) + log_p)[None]


def test_a_cloud_that_is_the_posterior_leaves_no_gap():
    mu, logvar = torch.tensor([[0.5, -0.3]]), torch.full((1, 2), math.log(0.16))
    found = theory.gaps(joint_of(0.0, -250.0), mu, logvar, REACH)
    assert found.log_p.item() == pytest.approx(-250, abs=1e-3)
    assert found.elbo.item() == pytest.approx(-250, abs=5e-3)
    assert found.family.item() == pytest.approx(0, abs=5e-3)
    assert found.amortisation.item() == pytest.approx(0, abs=5e-3)


def test_a_misplaced_cloud_is_a_matter_of_amortisation():
    mu, logvar = torch.tensor([[0.9, -0.3]]), torch.full((1, 2), math.log(0.16))
    found = theory.gaps(joint_of(0.0, 3.0), mu, logvar, REACH)
    assert found.amortisation.item() == pytest.approx(0.5, abs=0.01)
    assert found.family.item() == pytest.approx(0, abs=0.01)


def test_a_slanted_posterior_is_a_matter_of_the_family():
    rho = 0.8
    width = 0.16 * (1 - rho**2)  # of the best diagonal Gaussian
    mu, logvar = (
        torch.tensor([[0.5, -0.3]]),
        torch.full((1, 2), math.log(width)),
    )
    found = theory.gaps(joint_of(rho, 0.0), mu, logvar, REACH)
    known = -0.5 * math.log(1 - rho**2)
    assert found.family.item() == pytest.approx(known, abs=0.01)
    assert found.amortisation.item() == pytest.approx(0, abs=0.01)


def test_the_joint_is_the_bernoulli_and_the_prior():
    class Model:
        def decode(self, z):
            from aevae_lib.likelihoods import Bernoulli

            return Bernoulli(z.sum(1)[:, None, None, None].expand(-1, 1, 2, 2))

    images = torch.rand(3, 1, 2, 2)
    points = torch.tensor([[0.0, 0.0], [0.3, -1.0]])
    found = theory.log_joint(Model(), images, points)
    p = torch.tensor([0.0, -0.7]).sigmoid()
    for k in range(2):
        told = images * p[k].log() + (1 - images) * (1 - p[k]).log()
        prior = torch.distributions.Normal(0, 1).log_prob(points[k]).sum()
        expected = told.sum((1, 2, 3)) + prior
        assert torch.allclose(found[:, k], expected, atol=1e-5)


def test_a_hole_costs_at_least_its_price():
    assert theory.binary_kl(0.0, 0.5) == pytest.approx(math.log(2))
    assert theory.binary_kl(0.3, 0.3) == 0
    found = theory.holes()
    for seed, price in found["price"].items():
        assert found["aggregate_kl"][seed] >= price
        assert found["price_with_strays"][seed] <= price
