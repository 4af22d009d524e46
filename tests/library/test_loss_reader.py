"""What a loss that others wrote really trains: against gradients, and the
errata.
"""

import doctest
import math
import re
from itertools import product
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional

import aevae_lib
from aevae_lib import likelihoods, losses, models

ROOT = Path(__file__).parents[2]
SHAPE, LATENT, BATCH = (3, 8, 8), 5, 7
SIZES = {"image_shape": SHAPE, "latent_dim": LATENT, "batch_size": BATCH}
WEIGHTS = {"weight": 30.0, "kl_weight": 0.7}


def small_vae():
    """One with a hidden layer on either side, in double precision."""

    def networks(latent_dim, image_shape):
        pixels = math.prod(image_shape)
        trunk = nn.Sequential(nn.Flatten(), nn.Linear(pixels, 16), nn.Tanh())
        decoder = nn.Sequential(nn.Linear(latent_dim, 16), nn.Tanh())
        decoder.extend([nn.Linear(16, pixels), nn.Unflatten(1, image_shape)])
        return trunk, decoder

    torch.manual_seed(0)
    return models.VAE(LATENT, networks, image_shape=SHAPE).double()


def output():
    """A batch, what a small VAE makes of it, and the VAE's parameters."""
    model = small_vae()
    x = torch.rand(BATCH, *SHAPE, dtype=torch.float64)
    return x, model(x), list(model.parameters())


def gradient(loss, parameters):
    """All of it as one vector."""
    found = torch.autograd.grad(loss, parameters, retain_graph=True)
    return torch.cat([part.flatten() for part in found])


def as_written(x, out, cost, weight, pixels, batch, kl_weight, dims, kl_batch):
    """The loss as somebody would write it, with nothing of the library."""
    decoded, mu, logvar = out.decoded.logits, out.mu, out.logvar
    each = {
        "cross-entropy": functional.binary_cross_entropy_with_logits,
        "squared error": functional.mse_loss,
        "half squared error": lambda a, b, **how: (
            functional.mse_loss(a, b, **how) / 2
        ),
    }[cost](decoded, x, reduction="none").flatten(1)
    kl = 0.5 * (mu**2 + logvar.exp() - 1 - logvar)
    rec = getattr(getattr(each, pixels)(1), batch)()
    return weight * rec + kl_weight * getattr(getattr(kl, dims)(1), kl_batch)()


REDUCTIONS = list(product(("sum", "mean"), repeat=4))


@pytest.mark.parametrize("cost", losses.COSTS)
@pytest.mark.parametrize(("pixels", "batch", "dims", "kl_batch"), REDUCTIONS)
def test_the_gradient_is_that_of_the_loss_that_was_read(
    cost, pixels, batch, dims, kl_batch
):
    x, out, parameters = output()
    how = {"cost": cost, "pixels": pixels, "batch": batch, "dims": dims}
    how |= {"kl_batch": kl_batch, **WEIGHTS}
    beta, tau2, scale = losses.read(**how, **SIZES)
    if tau2 is not None:
        centre = out.decoded.logits
        log_sigma = torch.full_like(centre, 0.5 * math.log(tau2))
        given = likelihoods.Gaussian(centre, log_sigma)
        ours = losses.vae_loss(out._replace(decoded=given), x, beta)[0]
    else:
        ours = losses.vae_loss(out, x, beta)[0]
    theirs = gradient(as_written(x, out, **how), parameters)
    expected = scale * gradient(ours, parameters)
    assert expected.norm() > 0
    torch.testing.assert_close(theirs, expected, rtol=1e-9, atol=1e-12)


def test_what_is_said_of_known_slips():
    assert losses.read() == (1.0, None, 1.0)
    assert losses.read(cost="squared error") == (1.0, 0.5, 1.0)
    assert losses.read(cost="half squared error") == (1.0, 1.0, 1.0)
    assert losses.read(pixels="mean").beta == 784
    assert losses.read(pixels="mean").scale == pytest.approx(1 / 784)
    assert losses.read(kl_batch="sum", batch_size=64).beta == 64
    assert losses.read(dims="mean", latent_dim=16).beta == 1 / 16


def test_adam_hardly_sees_the_scale_and_plain_descent_does():
    """Thirty steps of each, on the loss and on a 784th of it."""
    moved = {}
    for kind in (torch.optim.Adam, torch.optim.SGD):
        for scale in (1, 1 / 784):
            model = small_vae()
            start = torch.nn.utils.parameters_to_vector(model.parameters())
            optimizer = kind(model.parameters(), lr=1e-4)
            x = torch.rand(BATCH, *SHAPE, dtype=torch.float64)
            for _ in range(30):
                optimizer.zero_grad()
                (scale * losses.vae_loss(model(x), x)[0]).backward()
                optimizer.step()
            end = torch.nn.utils.parameters_to_vector(model.parameters())
            moved[kind, scale] = (end - start).detach()
    whole, part = (moved[torch.optim.Adam, scale] for scale in (1, 1 / 784))
    assert (part - whole).norm() < 0.01 * whole.norm()
    whole, part = (moved[torch.optim.SGD, scale] for scale in (1, 1 / 784))
    assert part.norm() < whole.norm() / 100


def test_the_example_on_the_librarys_page_is_true():
    path = ROOT / "chapters" / "api.md"
    found = doctest.testfile(str(path), False, globs={"av": aevae_lib})
    assert found.attempted == 2
    assert found.failed == 0


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ({"cost": "mse"}, "cost must be one of.*'mse'"),
        ({"pixels": "none"}, 'each "sum" or "mean"'),
        ({"kl_batch": "batchmean"}, 'each "sum" or "mean"'),
        ({"kl_weight": 0}, r"above 0: 1\.0, 0"),
        ({"weight": -1}, "above 0: -1"),
        ({"weight": math.nan}, "above 0: nan"),
    ],
)
def test_what_cannot_be_read_is_one_clear_error(written, says):
    with pytest.raises(ValueError, match=says):
        losses.read(**written)


IN_THE_ERRATA = {
    "Foster 2023, Generative Deep Learning: garments": "`vae_fashion.ipynb` |",
    "Foster 2023, Generative Deep Learning: faces": "at 32 x 32 |",
    "Foster 2019, its first edition: digits": "`03_03_vae_digits_train.ipynb`",
    "Foster 2019, its first edition: faces": "`03_05_vae_faces_train.ipynb`",
    "fast.ai 2022, course, part 2: 29_vae": "`29_vae.ipynb` |",
    "PyTorch-VAE: vanilla_vae": "`vae.yaml` |",
    "G\u00e9ron 2022, Hands-On Machine Learning, 3rd ed.": "handson-ml3: chap",
    "Raschka 2021, STAT 453: L17": "stat453: `L17/helper_train.py`;",
    "Keras 2020, code examples: vae": "Keras: `vae.py`;",
    "PyTorch, examples: vae": "PyTorch examples: `vae/main.py`;",
}


@pytest.mark.parametrize(("name", "written"), losses.TUTORIALS.items())
def test_the_errata_say_the_same_of_each_tutorial(name, written):
    text = (ROOT / "chapters" / "errata.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    [row] = [line for line in rows if IN_THE_ERRATA[name] in line]
    beta, tau2, _ = losses.read(**written)
    value = r"\beta" if tau2 is None else r"\tau^2"
    number = re.search(re.escape(f"${value} = ") + r"([\d.]+)\$", row)[1]
    assert float(number) == pytest.approx(tau2 or beta, abs=5e-4)
    values = re.search(r"\$D = (\d+)\$", row)
    if values:
        shape = written.get("image_shape", (1, 28, 28))
        assert int(values[1]) == math.prod(shape)
