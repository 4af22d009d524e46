"""Codes, images and samplers."""

import math

import pytest
import torch
from torch.testing import assert_close

from aevae_lib import measure, sample
from aevae_lib.models import (
    VAE,
    Autoencoder,
    ConditionalAutoencoder,
    ConditionalVAE,
    NoisyAutoencoder,
    lesson_networks,
)

N = 40_000


def known_codes():
    """Codes whose mean and covariance are known up to sampling error."""
    noise = torch.randn(20_000, 2, generator=torch.Generator().manual_seed(0))
    return noise @ torch.tensor([[2.0, 0.0], [1.5, 0.5]]).T + torch.tensor(
        [3.0, -1.0]
    )


def uint8_images(n=12):
    return torch.randint(
        0,
        256,
        (n, 1, 32, 32),
        dtype=torch.uint8,
        generator=torch.Generator().manual_seed(1),
    )


# --- samplers ----------------------------------------------------------------


def test_prior_is_standard_normal():
    z = sample.prior(known_codes())(N)
    assert z.shape == (N, 2)
    assert torch.allclose(z.mean(0), torch.zeros(2), atol=4 / math.sqrt(N))
    assert torch.allclose(
        torch.cov(z.T), torch.eye(2), atol=4 * math.sqrt(2 / N)
    )


def test_box_is_uniform_between_the_outermost_codes():
    codes = known_codes()
    low, high = codes.amin(0), codes.amax(0)
    z = sample.box(codes)(N)
    assert (z >= low).all()
    assert (z <= high).all()
    unit = (z - low) / (high - low)
    assert torch.allclose(
        unit.mean(0), torch.full((2,), 0.5), atol=4 / math.sqrt(12 * N)
    )
    expected = torch.eye(2) / 12
    assert torch.allclose(torch.cov(unit.T), expected, atol=0.002)
    assert unit.amin() < 0.001
    assert unit.amax() > 0.999


def test_fitted_gaussian_has_the_codes_moments():
    codes = known_codes()
    z = sample.fitted_gaussian(codes)(N)
    covariance = torch.cov(codes.T)
    std = covariance.diagonal().sqrt()
    assert ((z.mean(0) - codes.mean(0)).abs() < 4 * std / math.sqrt(N)).all()
    scaled = (torch.cov(z.T) - covariance) / torch.outer(std, std)
    assert (scaled.abs() < 4 * math.sqrt(2 / N)).all()


def test_fitted_gaussian_in_one_dimension():
    codes = known_codes()[:, :1]
    z = sample.fitted_gaussian(codes)(N)
    assert z.shape == (N, 1)
    assert z.std().item() == pytest.approx(codes.std().item(), rel=0.02)


@pytest.mark.parametrize("make", sample.SAMPLERS.values(), ids=sample.SAMPLERS)
def test_a_seed_fixes_the_draws(make):
    draw = make(known_codes()[:2000])
    before = torch.random.get_rng_state()
    assert torch.equal(draw(50, seed=3), draw(50, seed=3))
    assert not torch.equal(draw(50, seed=3), draw(50, seed=4))
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("make", sample.SAMPLERS.values(), ids=sample.SAMPLERS)
@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (torch.tensor([[0.0, 1.0], [float("nan"), 2.0]]), "finite"),
        (torch.tensor([[0.0, 1.0], [float("inf"), 2.0]]), "finite"),
        (torch.zeros(5), r"\(N, D\)"),
        (torch.zeros(5, 1, 32, 32), r"\(N, D\)"),
        (torch.zeros(0, 2), r"\(N, D\)"),
        (torch.zeros(5, 2, dtype=torch.long), "int64"),
    ],
)
def test_bad_codes_are_refused(make, codes, message):
    with pytest.raises(ValueError, match=message):
        make(codes)


def test_no_gaussian_fits_codes_on_a_line():
    line = torch.stack([torch.arange(10.0), torch.full((10,), 2.0)], dim=1)
    with pytest.raises(ValueError, match="do not vary"):
        sample.fitted_gaussian(line)


def two_clouds(n, seed):
    """30 % in a small round cloud at (0, 0), 70 % in a long one at (20, 0), in
    random order.
    """
    generator = torch.Generator().manual_seed(seed)
    second = torch.rand(n, 1, generator=generator) < 0.7
    noise = torch.randn(n, 2, generator=generator)
    return torch.where(
        second,
        noise * torch.tensor([1.0, 5.0]) + torch.tensor([20.0, 0]),
        noise,
    )


def test_mixture_finds_two_clouds_and_leaves_the_gap_between_them():
    z = sample.gaussian_mixture(two_clouds(6000, 0))(N)
    first, second = z[z[:, 0] < 10], z[z[:, 0] >= 10]
    assert len(first) / N == pytest.approx(0.3, abs=4 * math.sqrt(0.21 / 6000))
    assert ((z[:, 0] > 6) & (z[:, 0] < 14)).sum() == 0
    assert torch.allclose(first.std(0), torch.ones(2), rtol=0.07)
    assert torch.allclose(second.std(0), torch.tensor([1.0, 5.0]), rtol=0.05)
    assert torch.allclose(second.mean(0), torch.tensor([20.0, 0]), atol=0.4)


def test_mixture_passes_for_new_codes_where_one_gaussian_does_not():
    codes, new = two_clouds(6000, 0), two_clouds(4000, 1)
    mixture, gaussian = (
        sample.gaussian_mixture(codes),
        sample.fitted_gaussian(codes),
    )
    noise = 0.5 / math.sqrt(4000)
    assert (
        abs(measure.two_sample_accuracy(new, mixture(4000)) - 0.5) < 4 * noise
    )
    assert measure.two_sample_accuracy(new, gaussian(4000)) > 0.75


def test_mixture_has_the_moments_of_all_codes_though_it_sees_10000():
    codes = known_codes()[
        known_codes()[:, 0].argsort()
    ]  # as if sorted by class
    z = sample.gaussian_mixture(codes)(N)
    std = codes.std(0)
    assert (
        (z.mean(0) - codes.mean(0)).abs() < 4 * std / math.sqrt(10_000)
    ).all()
    off = (torch.cov(z.T) - torch.cov(codes.T)) / torch.outer(std, std)
    assert (off.abs() < 4 * math.sqrt(2 / 10_000)).all()


def test_mixture_moves_with_the_units_of_the_codes():
    codes, units = two_clouds(3000, 0), torch.tensor([1e4, 1e-4])
    expected = sample.gaussian_mixture(codes)(2000) * units
    z = sample.gaussian_mixture(codes * units)(2000)
    assert torch.allclose(
        z / expected.std(0), expected / expected.std(0), atol=0.01
    )


def test_mixture_survives_clusters_without_volume():
    """Two segments in space: in single precision no covariance of theirs can be
    factorised.
    """
    t = torch.rand(3000, 1, generator=torch.Generator().manual_seed(0))
    second = (torch.arange(3000) % 2)[:, None]
    codes = torch.cat(
        [0.9 * t - 0.3 * second, 0.7 * t + second, 1.3 * t - second * t], dim=1
    )
    z = sample.gaussian_mixture(codes)(2000)
    assert torch.cdist(z, codes).amin(dim=1).median() < 0.01


def test_mixture_fits_one_dimension_and_sixteen():
    for dims in (1, 16):
        codes = torch.randn(
            2000, dims, generator=torch.Generator().manual_seed(0)
        )
        z = sample.gaussian_mixture(codes)(5000)
        assert z.shape == (5000, dims)
        assert z.dtype == codes.dtype
        assert torch.allclose(torch.cov(z.T), torch.cov(codes.T), atol=0.25)


def test_mixture_refuses_too_few_codes_and_codes_on_a_line():
    with pytest.raises(
        ValueError, match="at least 30 codes for a mixture, got 29"
    ):
        sample.gaussian_mixture(known_codes()[:29])
    line = torch.stack([torch.arange(50.0), torch.full((50,), 2.0)], dim=1)
    with pytest.raises(ValueError, match="do not vary"):
        sample.gaussian_mixture(line)


def test_jitter_is_as_wide_as_a_codes_own_neighbourhood():
    """Two clusters, far apart, of 6 codes each that all lie one distance from
    each other.
    """
    near, far = (
        torch.eye(6) * 1 / math.sqrt(2),
        torch.eye(6) * 10 / math.sqrt(2) + 1000,
    )
    z = sample.jittered(torch.cat([near, far]))(N)
    is_far = z.sum(1) > 3000
    assert is_far.float().mean().item() == pytest.approx(
        0.5, abs=4 * 0.5 / math.sqrt(N)
    )
    for part, codes, distance in ((z[~is_far], near, 1), (z[is_far], far, 10)):
        assert torch.allclose(
            part.mean(0), codes.mean(0), atol=4 * distance / math.sqrt(N)
        )
        # That of the 6 codes, and that of the noise: distance^2 / 6 dimensions.
        variance = codes.var(0, unbiased=False) + distance**2 / 6
        assert torch.allclose(part.var(0), variance, rtol=0.05)
        between = torch.cov(part.T) - torch.diag(part.var(0))
        expected = torch.cov(codes.T, correction=0)
        expected = expected - torch.diag(expected.diagonal())
        assert torch.allclose(between, expected, atol=0.02 * distance**2)


@pytest.mark.parametrize("neighbours", [4, 5])
def test_jitter_reaches_to_the_neighbour_asked_for(neighbours):
    codes = torch.tensor([[0.0], [1], [3], [6], [10], [15], [21]])
    reach = (
        (codes - codes.T).abs().sort(dim=1).values[:, neighbours]
    )  # the first is itself
    z = sample.jittered(codes, neighbours)(N)
    variance = codes.var(0, unbiased=False) + reach.square().mean()
    assert z.var(0).item() == pytest.approx(variance.item(), rel=0.05)


def test_jitter_refuses_too_few_codes():
    with pytest.raises(ValueError, match="more than 5 codes, got 5"):
        sample.jittered(known_codes()[:5])


def test_samplers_are_named_and_each_draws_as_many_as_asked():
    codes = known_codes()[:1000].double()
    assert {
        "prior": sample.prior,
        "box": sample.box,
        "Gaussian": sample.fitted_gaussian,
        "mixture": sample.gaussian_mixture,
        "jittered": sample.jittered,
    } == sample.SAMPLERS
    for make in sample.SAMPLERS.values():
        z = make(codes)(7)
        assert z.shape == (7, 2)
        assert z.dtype == torch.float64


# --- images to codes, codes to images ----------------------------------------


def test_codes_do_not_depend_on_the_batch_size():
    model, images = Autoencoder(3), uint8_images()
    codes = sample.encode(model, images, batch_size=5)
    assert codes.shape == (12, 3)
    assert torch.allclose(codes, model.encode(images.float() / 255), atol=1e-5)


def test_decode_is_the_mean_image():
    model, z = Autoencoder(3), torch.randn(12, 3)
    images = sample.pictures(model, z, batch_size=5)
    assert images.shape == (12, 1, 32, 32)
    assert torch.allclose(images, model.decode(z).mean, atol=1e-5)
    assert not images.requires_grad


def test_reconstruct_is_encode_then_decode():
    for model in (Autoencoder(2), VAE(2)):
        images = uint8_images()
        expected = sample.pictures(model, sample.encode(model, images))
        assert_close(sample.reconstruct(model, images), expected)


def test_sampled_codes_have_the_posteriors_moments():
    torch.manual_seed(0)
    model, one = VAE(2), uint8_images(1)
    mu, logvar = (
        part[0].detach() for part in model.posterior(one.float() / 255)
    )
    z = sample.encode_sampled(model, one.expand(4000, -1, -1, -1), seed=5)
    std = torch.exp(0.5 * logvar)
    assert ((z.mean(0) - mu).abs() < 4 * std / math.sqrt(4000)).all()
    assert torch.allclose(z.std(0), std, rtol=0.05)


def test_sampled_codes_are_fixed_by_their_seed():
    model, images = VAE(2), uint8_images()
    before = torch.random.get_rng_state()
    first = sample.encode_sampled(model, images, seed=1)
    assert torch.equal(first, sample.encode_sampled(model, images, seed=1))
    assert not torch.equal(first, sample.encode_sampled(model, images, seed=2))
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize(
    "z", [torch.zeros(4, 3), torch.zeros(2), torch.zeros(1, 2, 2)]
)
def test_points_of_another_shape_are_refused(z):
    with pytest.raises(ValueError, match=r"\(N, 2\)"):
        sample.pictures(Autoencoder(2), z)


@pytest.mark.parametrize(
    "images", [torch.zeros(2, 1, 28, 28), torch.zeros(2, 28, 28).byte()]
)
def test_images_of_another_kind_are_refused(images):
    with pytest.raises(ValueError, match="shape"):
        sample.encode(Autoencoder(2), images)


def test_codes_are_those_that_the_decoder_met_in_training():
    """A draw for the models whose code is noisy, and the code itself for the
    others.
    """
    images = uint8_images()
    for kind in (VAE, NoisyAutoencoder):
        model = kind(2)
        drawn = sample.codes_of(model, images)
        assert_close(drawn, sample.encode_sampled(model, images))
        assert not torch.allclose(
            drawn, sample.encode(model, images), atol=1e-2
        )
    model = Autoencoder(2)
    assert_close(sample.codes_of(model, images), sample.encode(model, images))


def test_a_gaussian_needs_more_codes_than_dimensions():
    for n in (1, 4, 5):
        with pytest.raises(ValueError, match="more than 5 codes"):
            sample.fit_gaussian(torch.randn(n, 5))
    sample.fit_gaussian(torch.randn(20, 5))


def test_told_models_draw_what_they_are_told_and_say_when_they_are_not():
    torch.manual_seed(0)
    images, labels = uint8_images(), torch.arange(12) % 3
    for kind in (ConditionalAutoencoder, ConditionalVAE):
        model = kind(2, classes=3)
        z = sample.encode(model, images)
        drawn = sample.pictures(model, z, labels, batch_size=5)
        expected = model.decode(z, labels).mean
        assert torch.allclose(drawn, expected, atol=1e-5)
        again = sample.reconstruct(model, images, labels)
        assert torch.allclose(again, drawn, atol=1e-5)
        with pytest.raises(TypeError, match="labels"):
            sample.reconstruct(model, images)
        with pytest.raises(ValueError, match="labels"):
            sample.pictures(model, z, labels + 1)
    with pytest.raises(TypeError, match="positional"):
        sample.pictures(Autoencoder(2), torch.zeros(12, 2), labels)


def test_sampling_uses_eval_mode_and_restores_it():
    def normed(latent_dim, shape):
        trunk, decoder = lesson_networks(latent_dim, shape)
        return trunk.insert(1, torch.nn.BatchNorm2d(16)), decoder

    model, images = VAE(2, normed), uint8_images()
    z = sample.encode(model, images)
    sample.encode_sampled(model, images)
    sample.pictures(model, z)
    assert model.trunk[1].num_batches_tracked == 0
    assert model.training
    assert torch.allclose(sample.encode(model, images[:1]), z[:1], atol=1e-5)


def test_models_in_double_precision_take_the_same_images():
    model = Autoencoder(2).double()
    z = sample.encode(model, uint8_images())
    assert z.dtype == torch.float64
    assert sample.pictures(model, z.float()).dtype == torch.float64
