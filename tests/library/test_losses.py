"""The losses and the reparameterisation, against closed forms and independent
implementations.
"""

import math

import pytest
import torch
from torch.distributions import Bernoulli, Normal
from torch.distributions import kl_divergence as reference_kl
from torch.utils._pytree import tree_map

from aevae_lib import likelihoods, losses
from aevae_lib.models import VAE, Autoencoder, Output, reparameterise
from aevae_lib.train import fit


def posteriors(
    n: int = 64, d: int = 3, dtype: torch.dtype = torch.float64
) -> tuple:
    """Some mu and logvar, each (n, d)."""
    generator = torch.Generator().manual_seed(0)
    mu, logvar = (
        torch.randn(2, n, d, generator=generator, dtype=torch.float64) * 2
    )
    return mu.to(dtype), (logvar - 2).to(dtype)


def images_and_logits(n: int = 6) -> tuple:
    """Grey images in [0, 1], black and white pixels among them, and logits: (n,
    1, 32, 32).
    """
    generator = torch.Generator().manual_seed(1)
    x = torch.rand(n, 1, 32, 32, generator=generator, dtype=torch.float64)
    x[:, :, :4], x[:, :, 4:6] = 0, 1
    return x, 3 * torch.randn(
        n, 1, 32, 32, generator=generator, dtype=torch.float64
    )


# --- the KL term -------------------------------------------------------------


@pytest.mark.parametrize("mu", [-30.0, -1.0, 0.0, 1e-3, 0.7, 5.0])
def test_kl_agrees_with_torch_distributions(mu):
    logvar = torch.linspace(-20, 5, 501, dtype=torch.float64).unsqueeze(
        1
    )  # (501, 1)
    mu = torch.full_like(logvar, mu)
    std = torch.exp(0.5 * logvar)
    expected = reference_kl(
        Normal(mu, std), Normal(torch.zeros(()), torch.ones(()))
    ).squeeze(1)
    torch.testing.assert_close(
        losses.kl_divergence(mu, logvar), expected, rtol=1e-5, atol=1e-5
    )


def test_kl_is_zero_at_the_prior_and_positive_elsewhere():
    assert (
        losses.kl_divergence(torch.zeros(1, 4), torch.zeros(1, 4)).item() == 0
    )
    assert losses.kl_divergence(*posteriors()).min() > 0


def test_kl_sums_over_latent_dimensions_and_keeps_images_apart():
    mu, logvar = posteriors(d=5)
    by_dimension = [
        losses.kl_divergence(mu[:, [j]], logvar[:, [j]]) for j in range(5)
    ]
    kl = losses.kl_divergence(mu, logvar)
    assert kl.shape == (64,)
    torch.testing.assert_close(kl, torch.stack(by_dimension).sum(0))


def test_kl_of_a_halved_width_costs_one_bit():
    narrow = torch.tensor(
        [[-40.0]], dtype=torch.float64
    )  # so narrow that sigma^2 adds nothing
    halved = narrow - 2 * math.log(2)
    zero = torch.zeros_like(narrow)
    cost = losses.kl_divergence(zero, halved) - losses.kl_divergence(
        zero, narrow
    )
    assert cost.item() == pytest.approx(math.log(2), abs=1e-9)


def test_kl_agrees_with_monte_carlo():
    mu, logvar = (
        torch.tensor([[0.8, -0.3]]).double(),
        torch.tensor([[-1.5, 0.4]]).double(),
    )
    torch.manual_seed(0)
    q = Normal(mu, torch.exp(0.5 * logvar))
    z = q.sample((200_000,))
    draws = (q.log_prob(z) - Normal(0.0, 1.0).log_prob(z)).sum((1, 2))
    error = draws.std() / math.sqrt(len(draws))
    assert (
        draws.mean() - losses.kl_divergence(mu, logvar)
    ).abs().item() < 4 * error


def test_kl_gradients():
    mu, logvar = (values.requires_grad_() for values in posteriors())
    losses.kl_divergence(mu, logvar).sum().backward()
    torch.testing.assert_close(mu.grad, mu.detach())
    torch.testing.assert_close(logvar.grad, 0.5 * (logvar.detach().exp() - 1))


def test_kl_overflow_is_infinite_and_not_hidden():
    kl = losses.kl_divergence(
        torch.zeros(1, 2), torch.tensor([[0.0, 100.0]])
    )  # exp(100) > 3e38
    assert kl.isinf().all()
    assert (
        losses.kl_divergence(torch.full((1, 2), 1e30), torch.zeros(1, 2))
        .isinf()
        .all()
    )


@pytest.mark.parametrize("bias", [1000.0, math.nan])
def test_fit_reports_a_kl_that_overflows(bias):
    torch.manual_seed(0)
    model = VAE(2)
    torch.nn.init.constant_(
        model.head.bias[2:], bias
    )  # logvar of both dimensions
    images = torch.zeros(64, 1, 32, 32, dtype=torch.uint8)
    with pytest.raises(
        FloatingPointError, match="became NaN or infinite in epoch 1"
    ):
        fit(model, losses.vae_loss, images, 256, batch_size=64, reports=1)


# --- the reconstruction term -------------------------------------------------


def test_reconstruction_is_the_cross_entropy_summed_over_pixels():
    x, logits = images_and_logits()
    p = torch.sigmoid(logits)
    expected = [
        -sum(
            (t * math.log(q) + (1 - t) * math.log(1 - q))
            for t, q in zip(
                x[i].flatten().tolist(), p[i].flatten().tolist(), strict=True
            )
        )
        for i in range(len(x))
    ]
    torch.testing.assert_close(
        likelihoods.Bernoulli(logits).nats(x), torch.tensor(expected).double()
    )


def test_reconstruction_of_binary_images_is_their_negative_log_likelihood():
    x, logits = images_and_logits()
    b = (x > 0.5).double()
    expected = -Bernoulli(logits=logits).log_prob(b).sum((1, 2, 3))
    torch.testing.assert_close(likelihoods.Bernoulli(logits).nats(b), expected)


def test_reconstruction_is_least_at_the_image_itself_and_there_its_entropy():
    x = images_and_logits()[0].clamp(0.01, 0.99)
    entropy = -(x * x.log() + (1 - x) * (1 - x).log()).sum((1, 2, 3))
    logits = torch.logit(x).requires_grad_()
    at_x = likelihoods.Bernoulli(logits).nats(x)
    torch.testing.assert_close(at_x, entropy)
    at_x.sum().backward()
    assert (
        logits.grad.abs().max() < 1e-12
    )  # p = x is where the loss is flat ...
    for shift in (-0.1, 0.1):  # ... and it rises on either side
        assert (likelihoods.Bernoulli(logits + shift).nats(x) > at_x).all()


def test_reconstruction_is_finite_for_logits_far_out():
    far = torch.full((1, 1, 32, 32), 1e4)
    assert likelihoods.Bernoulli(far).nats(torch.ones_like(far)).item() == 0
    black = likelihoods.Bernoulli(far).nats(torch.zeros_like(far))
    assert black.item() == pytest.approx(1024 * 1e4)


# --- the two losses ----------------------------------------------------------


def output(n: int = 6) -> tuple:
    x, logits = images_and_logits(n)
    return Output(likelihoods.Bernoulli(logits), *posteriors(n)), x


def test_vae_loss_is_reconstruction_plus_kl():
    out, x = output()
    loss, terms = losses.vae_loss(out, x)
    assert set(terms) == {"reconstruction", "kl"}
    torch.testing.assert_close(loss, terms["reconstruction"] + terms["kl"])
    p, q = (
        torch.sigmoid(out.decoded.logits),
        Normal(out.mu, torch.exp(0.5 * out.logvar)),
    )
    cross_entropy = -(x * p.log() + (1 - x) * (1 - p).log()).sum((1, 2, 3))
    kl = reference_kl(q, Normal(torch.zeros(()), torch.ones(()))).sum(1)
    torch.testing.assert_close(loss, (cross_entropy + kl).mean())


def test_ae_loss_is_the_reconstruction_alone():
    out, x = output()
    loss, terms = losses.ae_loss(out._replace(logvar=None), x)
    assert set(terms) == {"reconstruction"}
    torch.testing.assert_close(
        loss, losses.vae_loss(out, x)[1]["reconstruction"]
    )


@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0, 2.048, 10.0])
def test_beta_multiplies_the_kl_only_and_terms_stay_unweighted(beta):
    out, x = output()
    _, plain = losses.vae_loss(out, x)
    loss, terms = losses.vae_loss(out, x, beta=beta)
    assert terms == plain
    torch.testing.assert_close(
        loss, plain["reconstruction"] + beta * plain["kl"]
    )


@pytest.mark.parametrize("loss_fn", [losses.ae_loss, losses.vae_loss])
@pytest.mark.parametrize("copies", [2, 5])
def test_losses_do_not_depend_on_the_batch_size(loss_fn, copies):
    out, x = output()
    repeated = tree_map(
        lambda part: part.repeat(copies, *[1] * (part.ndim - 1)), out
    )
    once, more = loss_fn(out, x), loss_fn(repeated, x.repeat(copies, 1, 1, 1))
    torch.testing.assert_close(more[0], once[0])
    for name, term in once[1].items():
        torch.testing.assert_close(more[1][name], term)


def test_losses_grow_with_pixels_and_dimensions_since_they_sum_over_them():
    out, x = output()
    _, terms = losses.vae_loss(out, x)
    twice = Output(
        likelihoods.Bernoulli(torch.cat([out.decoded.logits] * 2, dim=2)),
        torch.cat([out.mu] * 2, 1),
        torch.cat([out.logvar] * 2, 1),
    )
    _, doubled = losses.vae_loss(twice, torch.cat([x] * 2, dim=2))
    for name in ("reconstruction", "kl"):
        torch.testing.assert_close(doubled[name], 2 * terms[name])


# --- the draw ----------------------------------------------------------------


def test_reparameterise_has_the_moments_of_the_posterior():
    mu = torch.tensor([[-2.0, 0.0, 3.0]]).double()
    logvar = torch.tensor([[-3.0, 0.0, 1.5]]).double()
    torch.manual_seed(0)
    n = 200_000
    z = reparameterise(mu.expand(n, -1), logvar.expand(n, -1))
    std = torch.exp(0.5 * logvar[0])
    assert ((z.mean(0) - mu[0]).abs() < 4 * std / math.sqrt(n)).all()
    assert ((z.std(0) / std - 1).abs() < 4 / math.sqrt(2 * n)).all()
    off_diagonal = torch.corrcoef(z.T) - torch.eye(3)
    assert off_diagonal.abs().max() < 4 / math.sqrt(
        n
    )  # each dimension has noise of its own


def test_reparameterise_is_mu_plus_std_times_standard_normal_noise():
    mu, logvar = posteriors(dtype=torch.float32)
    torch.manual_seed(5)
    z = reparameterise(mu, logvar)
    torch.manual_seed(5)
    torch.testing.assert_close(
        z, mu + torch.exp(0.5 * logvar) * torch.randn(mu.shape)
    )


def test_gradients_pass_the_draw():
    mu, logvar = (values.requires_grad_() for values in posteriors())
    z = reparameterise(mu, logvar)
    z.sum().backward()
    torch.testing.assert_close(mu.grad, torch.ones_like(mu))
    torch.testing.assert_close(
        logvar.grad, 0.5 * (z - mu).detach()
    )  # dz/dlogvar = std * eps / 2


def test_forward_decodes_the_draw_for_a_vae_and_the_code_for_an_autoencoder():
    x = images_and_logits()[0].float()
    torch.manual_seed(0)
    vae, autoencoder = VAE(2).eval(), Autoencoder(2).eval()
    with torch.no_grad():
        torch.manual_seed(7)
        out = vae(x)
        torch.manual_seed(7)
        z = reparameterise(out.mu, out.logvar)
        torch.testing.assert_close(out.decoded.logits, vae.decode(z).logits)
        at_mu = vae.decode(out.mu).logits
        assert not torch.allclose(out.decoded.logits, at_mu, atol=1e-3)
        plain = autoencoder(x)
        assert plain.logvar is None
        expected = autoencoder.decode(plain.mu).logits
        torch.testing.assert_close(plain.decoded.logits, expected)


# --- the penalised twin ------------------------------------------------------


def test_penalised_loss_is_reconstruction_plus_the_kls_part_that_sees_mu():
    torch.manual_seed(0)
    mu, logits, x = (
        torch.randn(5, 3),
        torch.randn(5, 1, 32, 32),
        torch.rand(5, 1, 32, 32),
    )
    out = Output(likelihoods.Bernoulli(logits), mu, None)
    loss, terms = losses.penalised_loss(out, x)
    reconstruction, _ = losses.ae_loss(out, x)
    # At unit width the KL is that part alone.
    penalty = reference_kl(Normal(mu, 1.0), Normal(0.0, 1.0)).sum(1).mean()
    assert torch.allclose(terms["penalty"], penalty)
    assert torch.allclose(loss, reconstruction + penalty)
    assert torch.equal(terms["reconstruction"], reconstruction)


def test_vae_loss_refuses_an_autoencoder():
    x, logits = images_and_logits()
    out = Output(likelihoods.Bernoulli(logits), torch.zeros(len(x), 2), None)
    with pytest.raises(TypeError, match="only a VAE gives"):
        losses.vae_loss(out, x)


# --- other likelihoods -------------------------------------------------------


@pytest.mark.parametrize("sigma", [0.05, 0.3, 2.0])
@pytest.mark.parametrize("learned", [False, True])
def test_gaussian_nats_are_those_of_torch_distributions(sigma, learned):
    x, centre = images_and_logits()
    given = likelihoods.WithSigma(sigma, learned).double()(centre)
    expected = -Normal(centre, sigma).log_prob(x).sum((1, 2, 3))
    torch.testing.assert_close(given.nats(x), expected, rtol=1e-6, atol=1e-6)
    assert given.mean is centre


def test_the_learned_sigma_that_costs_least_is_the_deviation_itself():
    """And a fixed sigma has no gradient."""
    torch.manual_seed(0)
    x = 0.25 * torch.randn(500, 1, 8, 8)
    likelihood = likelihoods.WithSigma(1.0, learned=True)
    optimizer = torch.optim.Adam(likelihood.parameters(), 0.05)
    for _ in range(200):
        loss = likelihood(torch.zeros_like(x)).nats(x).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert likelihood.log_sigma.exp().item() == pytest.approx(0.25, rel=0.02)
    assert not likelihoods.WithSigma(1.0).log_sigma.requires_grad


@pytest.mark.parametrize(
    "given",
    [
        likelihoods.Bernoulli(
            torch.tensor([[-2.0, 0.0, 1.0]]).expand(20_000, 3)
        ),
        likelihoods.WithSigma(0.5)(
            torch.tensor([[3.0, -1.0]]).expand(20_000, 2)
        ),
    ],
)
def test_draws_have_the_mean_that_is_shown_and_follow_their_generator(given):
    first, again = (
        given.draw(torch.Generator().manual_seed(2)) for _ in range(2)
    )
    assert torch.equal(first, again)
    torch.testing.assert_close(first.mean(0), given.mean[0], atol=0.02, rtol=0)
    spread = first.std(0)
    if given.link == "identity":
        torch.testing.assert_close(
            spread, torch.full_like(spread, 0.5), atol=0.02, rtol=0
        )
    else:
        assert set(first.unique().tolist()) == {0.0, 1.0}


@pytest.mark.parametrize("sigma", [0.0, -1.0, math.nan])
def test_a_sigma_is_above_zero(sigma):
    with pytest.raises(ValueError, match="sigma must be above 0"):
        likelihoods.WithSigma(sigma)


def test_a_loss_asks_the_likelihood_that_the_model_has():
    """The same loss functions serve a Gaussian model."""
    torch.manual_seed(0)
    model = VAE(2, likelihood=likelihoods.WithSigma(0.4))
    x = torch.rand(5, 1, 32, 32)
    out = model(x)
    for loss in (losses.ae_loss, losses.vae_loss, losses.penalised_loss):
        rec = loss(out, x)[1]["reconstruction"]
        expected = -Normal(out.decoded.centre, 0.4).log_prob(x).sum() / len(x)
        torch.testing.assert_close(rec, expected)
