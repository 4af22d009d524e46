"""Codes, images and samplers."""

import math

import pytest
import torch

from aevae_lib import sample
from aevae_lib.models import VAE, Autoencoder

N = 40_000


def known_codes():
    """Codes with a mean and a covariance that are known up to sampling error."""
    noise = torch.randn(20_000, 2, generator=torch.Generator().manual_seed(0))
    return noise @ torch.tensor([[2.0, 0.0], [1.5, 0.5]]).T + torch.tensor([3.0, -1.0])


def uint8_images(n=12):
    return torch.randint(
        0, 256, (n, 1, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(1)
    )


# --- samplers --------------------------------------------------------------------------


def test_prior_is_standard_normal():
    z = sample.prior(known_codes())(N)
    assert z.shape == (N, 2)
    assert torch.allclose(z.mean(0), torch.zeros(2), atol=4 / math.sqrt(N))
    assert torch.allclose(torch.cov(z.T), torch.eye(2), atol=4 * math.sqrt(2 / N))


def test_box_is_uniform_between_the_outermost_codes():
    codes = known_codes()
    low, high = codes.amin(0), codes.amax(0)
    z = sample.box(codes)(N)
    assert (z >= low).all()
    assert (z <= high).all()
    unit = (z - low) / (high - low)
    assert torch.allclose(unit.mean(0), torch.full((2,), 0.5), atol=4 / math.sqrt(12 * N))
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


@pytest.mark.parametrize("make", [sample.prior, sample.box, sample.fitted_gaussian])
def test_a_seed_fixes_the_draws(make):
    draw = make(known_codes())
    before = torch.random.get_rng_state()
    assert torch.equal(draw(50, seed=3), draw(50, seed=3))
    assert not torch.equal(draw(50, seed=3), draw(50, seed=4))
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("make", [sample.prior, sample.box, sample.fitted_gaussian])
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


# --- images to codes, codes to images --------------------------------------------------


def test_codes_do_not_depend_on_the_batch_size():
    model, images = Autoencoder(3), uint8_images()
    codes = sample.encode(model, images, batch_size=5)
    assert codes.shape == (12, 3)
    assert torch.allclose(codes, model.encode(images.float() / 255), atol=1e-5)


def test_decode_is_the_mean_image():
    model, z = Autoencoder(3), torch.randn(12, 3)
    images = sample.decode(model, z, batch_size=5)
    assert images.shape == (12, 1, 32, 32)
    assert torch.allclose(images, torch.sigmoid(model.decode(z)), atol=1e-5)
    assert not images.requires_grad


def test_reconstruct_is_encode_then_decode():
    for model in (Autoencoder(2), VAE(2)):
        images = uint8_images()
        expected = sample.decode(model, sample.encode(model, images))
        assert torch.equal(sample.reconstruct(model, images), expected)


def test_sampled_codes_have_the_posteriors_moments():
    torch.manual_seed(0)
    model, one = VAE(2), uint8_images(1)
    mu, logvar = (part[0].detach() for part in model.posterior(one.float() / 255))
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


@pytest.mark.parametrize("z", [torch.zeros(4, 3), torch.zeros(2), torch.zeros(1, 2, 2)])
def test_points_of_another_shape_are_refused(z):
    with pytest.raises(ValueError, match=r"\(N, 2\)"):
        sample.decode(Autoencoder(2), z)


@pytest.mark.parametrize("images", [torch.zeros(2, 1, 32, 32), torch.zeros(2, 28, 28).byte()])
def test_images_of_another_kind_are_refused(images):
    with pytest.raises(ValueError, match="uint8"):
        sample.encode(Autoencoder(2), images)
