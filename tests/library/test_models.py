"""The two models: their sizes, their equal starts, and what a forward pass does
with a code.
"""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from aevae_lib.models import (
    VAE,
    Autoencoder,
    ConditionalAutoencoder,
    ConditionalVAE,
    FoldTranspose2d,
    NoisyAutoencoder,
    book_networks,
    count_parameters,
    lesson_networks,
)
from aevae_lib.models import reparameterise as draw

MODELS = [Autoencoder, VAE]
NETWORKS = [lesson_networks, book_networks]


def make(model_class, seed=0, **arguments):
    torch.manual_seed(seed)
    return model_class(**arguments)


def images(n=8):
    return torch.rand(n, 1, 32, 32, generator=torch.Generator().manual_seed(1))


def with_clouds(logvar, latent_dim=2):
    """A VAE that gives every image a cloud of this log-variance."""
    model = make(VAE, latent_dim=latent_dim)
    with torch.no_grad():
        model.head.weight[latent_dim:] = 0
        model.head.bias[latent_dim:] = logvar
    return model


@pytest.mark.parametrize(
    ("model_class", "networks", "parameters"),
    [
        (Autoencoder, book_networks, 343_043),  # Foster (2023), chapter 3
        (VAE, book_networks, 347_141),
        # convolutions 160 + 4,640 + 18,496, head 2,050, decoder 3,072 + 32,800
        # + 8,208 + 257
        (Autoencoder, lesson_networks, 69_683),
        (VAE, lesson_networks, 71_733),
    ],
)
def test_number_of_parameters(model_class, networks, parameters):
    assert count_parameters(model_class(2, networks)) == parameters


def test_book_network_does_the_arithmetic_of_the_book():
    """14,536,704 multiplications an image: layer sizes and strides, not only
    weights, agree.
    """
    model = VAE(2, book_networks)
    with FlopCounterMode(display=False) as counter:
        model(images(1))
    assert counter.get_total_flops() == 2 * 14_536_704


@pytest.mark.parametrize(
    ("channels", "size", "layer"),
    [
        (
            (16, 1),
            (16, 16),
            {"kernel_size": 4, "stride": 2, "padding": 1},
        ),  # the lesson's last
        (
            (32, 1),
            (4, 7),
            {"kernel_size": 3, "stride": 1, "padding": 1},
        ),  # the book's last
        ((3, 2), (5, 4), {"kernel_size": 5, "stride": 3, "padding": 0}),
    ],
)
@pytest.mark.parametrize(
    "memory_format", [torch.contiguous_format, torch.channels_last]
)
def test_a_folded_transposed_convolution_is_the_general_one(
    channels, size, layer, memory_format
):
    """Values and gradients, from the same weights; rows and columns are not
    mixed up.
    """
    torch.manual_seed(0)
    general, folded = (
        nn.ConvTranspose2d(*channels, **layer),
        FoldTranspose2d(*channels, **layer),
    )
    folded.load_state_dict(general.state_dict())
    x = torch.randn(6, channels[0], *size).to(memory_format=memory_format)
    found = []
    for module in (general, folded):
        own = x.clone().requires_grad_()
        out = module(own)
        out.square().sum().backward()
        found.append([out, own.grad, module.weight.grad, module.bias.grad])
    for expected, ours in zip(*found, strict=True):
        assert torch.allclose(
            expected,
            ours,
            rtol=1e-4,
            atol=1e-5 * expected.detach().abs().max().item(),
        )


@pytest.mark.parametrize("networks", NETWORKS)
@pytest.mark.parametrize("latent_dim", [1, 2, 16])
def test_shapes(networks, latent_dim):
    x = images(3)
    for model in (Autoencoder(latent_dim, networks), VAE(latent_dim, networks)):
        out = model(x)
        assert out.decoded.logits.shape == x.shape
        assert out.mu.shape == model.encode(x).shape == (3, latent_dim)
    assert out.logvar.shape == (3, latent_dim)
    assert Autoencoder(latent_dim, networks)(x).logvar is None


@pytest.mark.parametrize("networks", NETWORKS)
def test_one_seed_starts_both_models_from_the_same_trunk_and_decoder(networks):
    ae, vae = (make(model, seed=3, networks=networks) for model in MODELS)
    for part in ("trunk", "decoder"):
        ours, theirs = (
            getattr(ae, part).state_dict(),
            getattr(vae, part).state_dict(),
        )
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    other = make(VAE, seed=4, networks=networks).decoder.state_dict()
    assert not all(torch.equal(theirs[name], other[name]) for name in other)


def test_the_head_is_split_into_mu_and_logvar():
    model, x = make(VAE, latent_dim=3), images()
    whole = model.head(model.trunk(x))
    mu, logvar = model.posterior(x)
    assert torch.equal(mu, whole[:, :3])
    assert torch.equal(logvar, whole[:, 3:])
    assert torch.equal(model.encode(x), mu)
    out = model(x)
    assert torch.equal(out.mu, mu)
    assert torch.equal(out.logvar, logvar)


def test_a_vae_with_vanishing_clouds_is_an_autoencoder():
    model, x = with_clouds(logvar=-40.0), images()
    expected = model.decode(model.encode(x))
    assert torch.allclose(model(x).decoded.logits, expected, atol=1e-6)
    assert not torch.allclose(
        with_clouds(logvar=0.0)(x).decoded.logits, expected, atol=1e-3
    )


def test_an_autoencoder_decodes_its_code():
    model, x = make(Autoencoder), images()
    out = model(x)
    assert torch.equal(out.mu, model.encode(x))
    assert torch.equal(out.decoded.logits, model.decode(out.mu))
    assert torch.equal(out.decoded.logits, model(x).decoded.logits)


def test_the_decoder_of_a_vae_is_fed_a_draw_from_the_cloud():
    """With the decoder taken away, a forward pass returns the z that it was
    fed.
    """
    model = with_clouds(logvar=torch.tensor([0.25, 4.0]).log())
    model.decoder = torch.nn.Identity()
    x = images(1).expand(20_000, -1, -1, -1)
    torch.manual_seed(0)
    out = model(x)
    z = out.decoded.logits
    assert not torch.equal(z, model(x).decoded.logits)
    standard_error = torch.tensor([0.5, 2.0]) / len(x) ** 0.5
    assert ((z.mean(0) - out.mu[0]).abs() < 5 * standard_error).all()
    assert torch.allclose(z.std(0), torch.tensor([0.5, 2.0]), rtol=0.03)
    assert abs(torch.corrcoef(z.T)[0, 1]) < 0.04


def test_gradients_reach_the_cloud_through_the_draw():
    """z = mu + exp(logvar / 2) noise: dz/dmu = 1 and dz/dlogvar = (z - mu) / 2."""
    mu = torch.tensor([[0.3, -2.0]], requires_grad=True)
    logvar = torch.tensor([[-1.0, 1.5]], requires_grad=True)
    z = draw(mu, logvar)
    z.sum().backward()
    assert torch.equal(mu.grad, torch.ones_like(mu))
    assert torch.allclose(logvar.grad, (z - mu).detach() / 2, atol=1e-6)


def test_thousands_of_latent_dimensions_work():
    out = make(VAE, latent_dim=3000)(images(2))
    assert out.mu.shape == out.logvar.shape == (2, 3000)
    assert out.decoded.logits.isfinite().all()


@pytest.mark.parametrize("model_class", MODELS)
def test_images_of_another_type_or_shape_are_refused(model_class):
    model = model_class()
    with pytest.raises(RuntimeError, match="type"):
        model((255 * images(2)).byte())
    with pytest.raises(RuntimeError, match="channels"):
        model(images(2).squeeze(1))
    with pytest.raises(RuntimeError, match="shape"):
        model(torch.zeros(2, 1, 64, 64))
    with pytest.raises(RuntimeError, match="shape"):
        model.decode(torch.zeros(2, 5))


@pytest.mark.parametrize("latent_dim", [0, -2])
def test_a_code_needs_at_least_one_number(latent_dim):
    with pytest.raises(ValueError, match="latent_dim must be at least 1"):
        VAE(latent_dim)


# --- twins and models that are told the class --------------------------------


def test_the_noisy_twin_adds_standard_normal_noise_to_its_code_and_nothing_else():
    model = make(NoisyAutoencoder)
    model.decoder = torch.nn.Identity()
    x = images(1).expand(20_000, -1, -1, -1)
    torch.manual_seed(0)
    out = model(x)
    assert out.logvar is None
    assert torch.equal(out.mu, model.encode(x))
    noise = out.decoded.logits - out.mu
    assert (noise.mean(0).abs() < 5 / len(x) ** 0.5).all()
    assert torch.allclose(noise.std(0), torch.ones(2), rtol=0.03)


def test_the_twins_start_as_the_autoencoder_does():
    ae, noisy = make(Autoencoder, seed=3), make(NoisyAutoencoder, seed=3)
    ours, theirs = ae.state_dict(), noisy.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize(
    "model_class", [ConditionalAutoencoder, ConditionalVAE]
)
def test_a_told_decoder_draws_each_class_differently_from_one_code(model_class):
    model = make(model_class, latent_dim=3)
    z = torch.zeros(10, 3)
    drawn = model.decode(z, torch.arange(10))
    assert drawn.shape == (10, 1, 32, 32)
    assert (
        torch.cdist(drawn.flatten(1), drawn.flatten(1)).fill_diagonal_(1).min()
        > 1e-3
    )
    again = model.decode(z, torch.full((10,), 7))
    assert torch.allclose(again, drawn[7].expand_as(again), atol=1e-6)


def test_a_told_vae_decodes_a_draw_and_a_told_autoencoder_its_code():
    x, labels = images(), torch.arange(8)
    ae, vae = make(ConditionalAutoencoder), make(ConditionalVAE)
    assert torch.equal(ae(x, labels).decoded.logits, ae.decode(ae.encode(x), labels))
    out = vae(x, labels)
    assert out.mu.shape == out.logvar.shape == (8, 2)
    assert torch.equal(out.mu, vae.encode(x))
    torch.manual_seed(5)
    drawn = vae(x, labels).decoded.logits
    torch.manual_seed(5)
    assert torch.equal(drawn, vae.decode(draw(*vae.posterior(x)), labels))
