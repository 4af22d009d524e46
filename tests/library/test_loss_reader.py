"""What a loss that others wrote really trains: against gradients, the errata,
the same in the browser's code, and the course's garments.
"""

import doctest
import math
import re
from importlib import import_module
from itertools import product
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional

import aevae_lib
from aevae_lib import data, likelihoods, losses, models, sample, zoo
from aevae_lib.widgets import source
from tests.library.test_frontend_engine import node

# the module, whose name in the package is the function's
view = import_module("aevae_lib.widgets.loss_reader")
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


# --- in the browser's code ---------------------------------------------------

READER = """
import { readFileSync } from "node:fs";
const given = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(given.map((written) => [
  $loss.read(written), $loss.meaning(written), $loss.asCode(written),
])));
"""


@pytest.fixture(scope="module")
def by_node(tmp_path_factory):
    """What loss.js makes of losses: readings, sentences, code."""
    script = tmp_path_factory.mktemp("loss") / "read.mjs"
    script.write_text(source.joined("loss", end=READER), encoding="utf-8")

    def run(written):
        given = [losses.read.__kwdefaults__ | one for one in written]
        for one in given:
            one["values"] = math.prod(one["image_shape"])
        return node(script, given)

    return run


def test_the_browser_reads_every_loss_as_python_does(by_node):
    written = [
        {"cost": cost, "pixels": pixels, "batch": batch, "dims": dims}
        | {"kl_batch": kl_batch, **WEIGHTS, **SIZES}
        for cost in losses.COSTS
        for pixels, batch, dims, kl_batch in REDUCTIONS
    ]
    written += losses.TUTORIALS.values()
    for one, (found, _, _) in zip(written, by_node(written), strict=True):
        expected = losses.read(**one)._asdict()
        if expected["tau2"] is None:
            assert (found.pop("tau2"), expected.pop("tau2")) == (None, None)
        assert found == pytest.approx(expected, rel=1e-12), one


def test_each_tutorial_has_a_sentence_with_its_result(by_node):
    found = by_node(losses.TUTORIALS.values())
    said = dict(zip(losses.TUTORIALS, found, strict=True))
    assert said["fast.ai 2022, course, part 2: 29_vae"][1] == (
        "The cross-entropy, averaged over 784 pixel values, beside the KL, "
        "averaged over 200 dimensions: \u03b2 = 3.92."
    )
    assert said["PyTorch-VAE: vanilla_vae"][1] == (
        "The squared error, averaged over 12,288 pixel values, beside the KL "
        "times 0.00025, summed over 128 dimensions: \u03c4\u00b2 = 1.536 at "
        "\u03b2 = 1."
    )
    for name, written in losses.TUTORIALS.items():
        reading = losses.read(**written)
        value = reading.beta if reading.tau2 is None else reading.tau2
        assert re.search(rf"= {value:.4g}( at \u03b2 = 1)?\.$", said[name][1])


def test_a_sum_over_the_batch_on_one_side_only_is_said(by_node):
    """A slip that makes beta depend on the batch size."""
    slips = [{"kl_batch": "sum"}, {"batch": "sum", "cost": "squared error"}, {}]
    said = [sentence for _, sentence, _ in by_node(slips)]
    assert "only the KL is summed over the 128 images of a batch" in said[0]
    assert "\u03b2 = 128." in said[0]
    assert "only the squared error is summed over the 128 images" in said[1]
    assert "batch" not in said[2]


def test_the_code_that_is_shown_is_the_loss(by_node):
    """Run by PyTorch, it is what was set."""
    x, out, _ = output()
    shown = functional.binary_cross_entropy_with_logits
    terms = {"ce": shown(out.decoded.logits, x, reduction="none").flatten(1)}
    terms["se"] = (out.decoded.logits - x).square().flatten(1)
    terms["kl"] = 0.5 * (out.mu**2 + out.logvar.exp() - 1 - out.logvar)
    names = ("pixels", "batch", "dims", "kl_batch")
    written = [
        {"cost": cost, **dict(zip(names, reductions, strict=True)), **WEIGHTS}
        for cost, reductions in product(losses.COSTS, REDUCTIONS)
    ]
    for one, (_, _, code) in zip(written, by_node(written), strict=True):
        exec(code, scope := dict(terms))
        torch.testing.assert_close(scope["loss"], as_written(x, out, **one))


# --- on the garments ---------------------------------------------------------


def test_the_zones_are_those_of_the_garments():
    """Above the first variance no dimension lives; at a tenth of what the ELBO
    asks for the KL hardly counts.
    """
    train, test = data.read_folder(data.SAMPLE_FOLDER)
    x = data.to_float(train.images).flatten(1).double()
    p = x.mean(0)
    used = p > 1e-3
    contrast = ((x - p) / (p * (1 - p)).sqrt())[:, used]
    first = [
        torch.linalg.eigvalsh(part.T @ part / len(x))[-1].item()
        for part in (contrast, x - p)
    ]
    model = zoo.load("vae", 2, device="cpu")
    some = test.images[:500]
    error = sample.reconstruct(model, some) - data.to_float(some)
    inner = error[..., 2:-2, 2:-2]  # without the black frame
    least = (0.1, 0.1 * inner.square().mean().item())
    for edges, low, high in zip(view.ZONES.values(), least, first, strict=True):
        assert edges == pytest.approx((low, high), rel=0.15)
