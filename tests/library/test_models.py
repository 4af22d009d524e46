"""The two models: their sizes, their equal starts, and what a forward pass does
with a code.
"""

import copy

import pytest
import torch
from torch import nn
from torch.testing import assert_close
from torch.utils.flop_counter import FlopCounterMode

from aevae_lib.likelihoods import WithSigma
from aevae_lib.models import (
    VAE,
    Autoencoder,
    ConditionalAutoencoder,
    ConditionalVAE,
    NoisyAutoencoder,
    book_networks,
    count_parameters,
    evaluating,
    lesson_networks,
    seeded,
)
from aevae_lib.models import reparameterise as draw

MODELS = [Autoencoder, VAE]
NETWORKS = [lesson_networks, book_networks]
SMALL = (1, 8, 8)


def make(model_class, seed=0, **arguments):
    torch.manual_seed(seed)
    return model_class(**arguments)


def images(n=8):
    return torch.rand(n, 1, 32, 32, generator=torch.Generator().manual_seed(1))


def one_of_many(n=20_000):
    """A picture again and again: a small one, since only draws are counted."""
    return torch.rand(SMALL).expand(n, *SMALL)


def with_clouds(logvar, latent_dim=2, **arguments):
    """A VAE that gives every image a cloud of this log-variance."""
    model = make(VAE, latent_dim=latent_dim, **arguments)
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
    assert_close(mu, whole[:, :3])
    assert_close(logvar, whole[:, 3:])
    assert_close(model.encode(x), mu)
    out = model(x)
    assert_close(out.mu, mu)
    assert_close(out.logvar, logvar)


def test_a_vae_with_vanishing_clouds_is_an_autoencoder():
    model, x = with_clouds(logvar=-40.0), images()
    expected = model.decode(model.encode(x)).logits
    assert torch.allclose(model(x).decoded.logits, expected, atol=1e-6)
    assert not torch.allclose(
        with_clouds(logvar=0.0)(x).decoded.logits, expected, atol=1e-3
    )


def test_an_autoencoder_decodes_its_code():
    model, x = make(Autoencoder), images()
    out = model(x)
    assert_close(out.mu, model.encode(x))
    assert_close(out.decoded.logits, model.decode(out.mu).logits)
    assert_close(out.decoded.logits, model(x).decoded.logits)


def test_the_decoder_of_a_vae_is_fed_a_draw_from_the_cloud():
    """With the decoder taken away, a forward pass returns the z that it was
    fed.
    """
    logvar = torch.tensor([0.25, 4.0]).log()
    model = with_clouds(logvar, image_shape=SMALL)
    model.decoder = torch.nn.Identity()
    x = one_of_many()
    torch.manual_seed(0)
    out = model(x)
    z = out.decoded.logits
    assert not torch.equal(z, model(x).decoded.logits)
    standard_error = torch.tensor([0.5, 2.0]) / len(x) ** 0.5
    assert ((z.mean(0) - out.mu[0]).abs() < 5 * standard_error).all()
    assert torch.allclose(z.std(0), torch.tensor([0.5, 2.0]), rtol=0.03)
    assert abs(torch.corrcoef(z.T)[0, 1]) < 0.04


def test_gradients_reach_the_cloud_through_the_draw():
    """z = mu + std noise: dz/dmu = 1 and dz/dlogvar = (z - mu) / 2."""
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


def test_the_noisy_twin_adds_standard_normal_noise_to_its_code_alone():
    model = make(NoisyAutoencoder, image_shape=SMALL)
    model.decoder = torch.nn.Identity()
    x = one_of_many()
    torch.manual_seed(0)
    out = model(x)
    assert out.logvar is None
    assert_close(out.mu, model.encode(x))
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
    drawn = model.decode(z, torch.arange(10)).logits
    assert drawn.shape == (10, 1, 32, 32)
    assert (
        torch.cdist(drawn.flatten(1), drawn.flatten(1)).fill_diagonal_(1).min()
        > 1e-3
    )
    again = model.decode(z, torch.full((10,), 7)).logits
    assert torch.allclose(again, drawn[7].expand_as(again), atol=1e-6)


def test_a_told_vae_decodes_a_draw_and_a_told_autoencoder_its_code():
    x, labels = images(), torch.arange(8)
    ae, vae = make(ConditionalAutoencoder), make(ConditionalVAE)
    expected = ae.decode(ae.encode(x), labels)
    assert_close(ae(x, labels).decoded.logits, expected.logits)
    out = vae(x, labels)
    assert out.mu.shape == out.logvar.shape == (8, 2)
    assert_close(out.mu, vae.encode(x))
    torch.manual_seed(5)
    drawn = vae(x, labels).decoded.logits
    torch.manual_seed(5)
    expected = vae.decode(draw(*vae.posterior(x)), labels)
    assert_close(drawn, expected.logits)


# --- pictures of other shapes, other likelihoods -----------------------------

SHAPES = [(1, 28, 28), (3, 64, 48), (3, 30, 41), (1, 9, 5), (2, 1, 1)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("networks", NETWORKS)
def test_a_picture_of_any_shape_goes_in_and_comes_out(networks, shape):
    model = make(VAE, networks=networks, image_shape=shape)
    x = torch.rand(3, *shape)
    assert model(x).decoded.mean.shape == x.shape
    assert model.encode(x).shape == (3, 2)


def test_what_is_cropped_lies_where_what_was_padded_did():
    """With a trunk and a decoder that only pad and crop, a picture stays."""
    trunk, decoder = lesson_networks(2, (3, 30, 41))
    x = torch.rand(2, 3, 30, 41)
    padded = trunk[0](x)
    assert padded.shape == (2, 3, 32, 48)
    assert torch.equal(decoder[-1](padded), x)


def test_sides_that_are_multiples_of_eight_need_no_more_layers():
    plain = lesson_networks(2)[0]
    assert len(lesson_networks(2, (3, 64, 48))[0]) == len(plain)


@pytest.mark.parametrize("shape", [(32, 32), (0, 32, 32), (7,)])
def test_a_shape_that_is_no_picture_is_refused(shape):
    with pytest.raises(ValueError, match=r"\(channels, height, width\)"):
        Autoencoder(image_shape=shape)


def test_data_that_are_no_pictures_need_only_networks_of_their_own():
    def dense(latent_dim, shape):
        return nn.Linear(*shape, 5), nn.Linear(latent_dim, *shape)

    likelihood = WithSigma(0.5, learned=True)
    model = VAE(2, dense, image_shape=(13,), likelihood=likelihood)
    out = model(torch.randn(4, 13))
    assert out.decoded.mean.shape == (4, 13)
    out.decoded.nats(torch.randn(4, 13)).sum().backward()
    assert model.likelihood.log_sigma.grad is not None
    assert "likelihood.log_sigma" in model.state_dict()


@pytest.mark.parametrize("classes", [2, 12])
def test_a_told_decoder_knows_as_many_classes_as_it_was_made_for(classes):
    model = make(ConditionalAutoencoder, classes=classes)
    labels = torch.arange(classes)
    assert len(model.decode(torch.zeros(classes, 2), labels).logits) == classes


# --- models among PyTorch's other tools --------------------------------------


def normed(latent_dim, shape):
    trunk, decoder = lesson_networks(latent_dim, shape)
    return trunk.insert(1, nn.BatchNorm2d(16)), decoder


def test_making_a_model_leaves_no_trace_in_it():
    model = Autoencoder(2, normed)
    assert model.trunk[1].num_batches_tracked == 0
    assert all(layer.training for layer in model.modules())


def test_modes_come_back_layer_by_layer_also_after_an_error():
    model = Autoencoder(2, normed)
    model.trunk[1].eval()
    with pytest.raises(ZeroDivisionError), evaluating(model):
        1 / any(layer.training for layer in model.modules())
    modes = {name: layer.training for name, layer in model.named_modules()}
    assert modes.pop("trunk.1") is False
    assert all(modes.values())


def test_a_seed_inside_leaves_the_random_state_outside():
    before = torch.get_rng_state()
    with seeded(3):
        first = torch.rand(3)
    with pytest.raises(TypeError), seeded(3):
        torch.rand("three")
    assert torch.equal(torch.get_rng_state(), before)
    with seeded(3):
        assert torch.equal(torch.rand(3), first)


@pytest.mark.parametrize("model_class", MODELS)
def test_functional_transforms_see_through_a_model(model_class):
    model, z = make(model_class), torch.randn(3, 2)
    jacobian = torch.func.jacrev(model.decode)(z).logits
    assert jacobian.shape == (3, 1, 32, 32, 3, 2)
    _, moved = torch.func.jvp(model.decode, (z,), (torch.ones_like(z),))
    expected = torch.einsum("nchwnd->nchw", jacobian)
    assert torch.allclose(moved.logits, expected, atol=1e-5)
    one_by_one = torch.func.vmap(lambda q: model.decode(q[None]).logits[0])(z)
    assert torch.allclose(one_by_one, model.decode(z).logits, atol=1e-5)
    state = dict(model.named_parameters())
    torch.manual_seed(0)
    called = torch.func.functional_call(model, state, images())
    torch.manual_seed(0)
    assert_close(called.decoded.logits, model(images()).decoded.logits)


@pytest.mark.parametrize("model_class", MODELS)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_model_trains_under_autocast(model_class, dtype):
    model, x = make(model_class), images()
    with torch.autocast("cpu", dtype):
        loss = model(x).decoded.nats(x).mean()
    loss.backward()
    for parameter in model.parameters():
        assert parameter.grad.isfinite().all()
    plain = make(model_class)(x).decoded.nats(x).mean()
    assert loss.item() == pytest.approx(plain.item(), rel=0.02)


@pytest.mark.parametrize("model_class", MODELS)
def test_a_model_compiles_exports_and_copies(model_class):
    model, x = make(model_class), images()
    torch.manual_seed(0)
    expected = model(x).decoded.logits
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    exported = torch.export.export(model, (x,)).module()
    for same in (compiled, exported, copy.deepcopy(model)):
        torch.manual_seed(0)
        assert torch.allclose(same(x).decoded.logits, expected, atol=1e-5)


@pytest.mark.parametrize("networks", NETWORKS)
def test_hooks_see_what_a_layer_gave_and_its_gradient(networks):
    """As Grad-CAM wants it: before the ReLU, and with a gradient back."""
    model, seen, back = make(Autoencoder, networks=networks), [], []
    for layer in [*model.trunk, *model.decoder]:
        layer.register_full_backward_hook(lambda m, i, o: back.append(o[0]))
    for layer in model.trunk:
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_hook(lambda m, i, o: seen.append(o))
    x = images().requires_grad_()
    model(x).decoded.logits.sum().backward()
    assert len(seen) == 3
    assert all(given.min() < 0 for given in seen)
    assert len(back) == len(model.trunk) + len(model.decoder)
