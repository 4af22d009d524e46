"""The training in the page, run by Node, against PyTorch in double precision;
and the panel that brings it there.
"""

import base64
import zlib
from importlib import import_module

import numpy as np
import pytest
import torch
from torch.nn import functional

from aevae_lib import data, widgets
from aevae_lib.widgets import source
from tests.library.test_frontend_engine import node

# the module, whose name in the package is the function's
live = import_module("aevae_lib.widgets.live_training")

RUNNER = """
import { readFileSync } from "node:fs";
const { weights, batches, noise, beta } = JSON.parse(readFileSync(0, "utf8"));
const { makeModel, step, encode, decode } = $live_engine;
const model = makeModel(weights);
const told = batches.map((batch, i) => {
  const x = Float64Array.from(batch, (grey) => grey / 255);
  const losses = step(model, x, noise && Float64Array.from(noise[i]), beta);
  const bytes = Buffer.from(model.gradients.slice().buffer);
  return { ...losses, gradients: i % 9 === 0 ? bytes.toString("base64") : "" };
});
const first = Float64Array.from(batches[0], (grey) => grey / 255);
const codes = encode(model, first);
const pictures = decode(model, codes.filter((_, i) => i % 4 < 2));
console.log(JSON.stringify(
  { told, codes: Array.from(codes), pictures: Array.from(pictures) }));
"""
STEPS, BATCH, PIXELS, RATE = 100, 64, 196, 0.003
SHAPES = [(196, 96), (96, 4), (2, 96), (96, 196)]  # as in live_engine.js
TOLERANCE = 1e-3


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    path = tmp_path_factory.mktemp("live") / "run.mjs"
    path.write_text(source.joined("live_engine", end="") + RUNNER, "utf-8")
    return path


@pytest.fixture(scope="module")
def given():
    """First weights (layer by layer, inputs x outputs, then biases), batches of
    grey levels and noise.
    """
    random = np.random.default_rng(0)
    weights = [
        part.ravel() / np.sqrt(inputs)
        for inputs, outputs in SHAPES
        for part in (
            random.uniform(-1, 1, (inputs, outputs)),
            random.uniform(-1, 1, outputs),
        )
    ]
    # pictures with something to learn: bright where a few patterns say so
    patterns = random.random((5, PIXELS)) < 0.4
    kinds = random.integers(0, 5, (STEPS, BATCH))
    grey = patterns[kinds] * random.integers(0, 256, (STEPS, BATCH, PIXELS))
    noise = random.standard_normal((STEPS, BATCH * 2))
    return np.concatenate(weights), grey.reshape(STEPS, -1), noise


def by_torch(weights, batches, noise, beta):
    """What the script reports, by autograd and torch.optim.Adam."""
    parameters, start = [], 0
    for inputs, outputs in SHAPES:
        for shape in ((inputs, outputs), (outputs,)):
            size = int(np.prod(shape))
            part = torch.tensor(weights[start : start + size]).view(shape)
            parameters.append(part.requires_grad_())
            start += size
    w1, b1, w2, b2, w3, b3, w4, b4 = parameters
    optimizer = torch.optim.Adam(parameters, lr=RATE)

    def encode(x):
        return ((x @ w1 + b1).relu() @ w2 + b2).chunk(2, dim=1)

    def decode(z):
        return (z @ w3 + b3).relu() @ w4 + b4

    told = []
    for step in range(STEPS):
        x = torch.tensor(batches[step] / 255).view(BATCH, PIXELS)
        mu, logvar = encode(x)
        z, kl = mu, mu.square().sum() / 2 / BATCH
        if noise is not None:
            eps = torch.tensor(noise[step]).view(BATCH, 2)
            z = mu + (logvar / 2).exp() * eps
            kl = kl + (logvar.exp() - 1 - logvar).sum() / 2 / BATCH
        rec = functional.binary_cross_entropy_with_logits(
            decode(z), x, reduction="sum"
        )
        rec = rec / BATCH
        optimizer.zero_grad()
        (rec + beta * kl).backward()
        gradients = torch.cat([part.grad.flatten() for part in parameters])
        told.append((rec.item(), kl.item(), gradients.numpy()))
        optimizer.step()
    with torch.no_grad():
        x = torch.tensor(batches[0] / 255).view(BATCH, PIXELS)
        codes = torch.cat(encode(x), dim=1)
        return told, codes, decode(codes[:, :2]).sigmoid()


def each_layer(gradients):
    start = 0
    for inputs, outputs in SHAPES:
        for size in (inputs * outputs, outputs):
            yield gradients[start : start + size]
            start += size


@pytest.mark.parametrize("noisy", [False, True], ids=["points", "clouds"])
@pytest.mark.parametrize("beta", [0, 0.1, 1, 10])
def test_losses_and_gradients_are_those_of_pytorch(script, given, noisy, beta):
    """Over 100 steps: losses of each, gradients of every ninth, layer by layer;
    and at the end codes and pictures.
    """
    weights, batches, noise = given
    expected, codes, pictures = by_torch(
        weights, batches, noise if noisy else None, beta
    )
    done = node(
        script,
        {
            "weights": weights.tolist(),
            "batches": batches.tolist(),
            "noise": noise.tolist() if noisy else None,
            "beta": beta,
        },
    )
    compared = 0
    for (rec, kl, slopes), one in zip(expected, done["told"], strict=True):
        assert one["reconstruction"] == pytest.approx(rec, rel=TOLERANCE)
        assert one["kl"] == pytest.approx(kl, rel=TOLERANCE)
        if one["gradients"]:
            found = np.frombuffer(base64.b64decode(one["gradients"]))
            for theirs, ours in zip(
                each_layer(found), each_layer(slopes), strict=True
            ):
                worst = np.abs(theirs - ours).max()
                assert worst <= TOLERANCE * np.abs(ours).max()
                compared += 1
    assert compared == 12 * 8
    assert expected[-1][0] < 0.8 * expected[0][0], "nothing was learned"
    found = torch.tensor(done["codes"]).view(BATCH, 4)
    torch.testing.assert_close(found, codes.float(), rtol=1e-3, atol=1e-4)
    found = torch.tensor(done["pictures"]).view(BATCH, PIXELS)
    torch.testing.assert_close(found, pictures.float(), rtol=0, atol=1e-4)


# --- the panel ---------------------------------------------------------------


@pytest.fixture(scope="module")
def panel():
    return widgets.live_training()


def unpacked(panel):
    levels = zlib.decompress(base64.b64decode(panel.view.images))
    return np.frombuffer(levels, np.uint8).reshape(-1, 14, 14)


def test_the_browser_gets_two_thousand_small_pictures(panel):
    """The means of two by two pixels without the frame, in 16 levels, with the
    labels of those that are dots.
    """
    train = data.read_folder(data.SAMPLE_FOLDER)[0]
    inner = train.images[:, 0, 2:-2, 2:-2].double().numpy()
    means = inner.reshape(-1, 14, 2, 14, 2).mean((2, 4))
    levels = unpacked(panel)
    assert levels.shape == (2000, 14, 14)
    assert levels.max() == 15
    first = np.abs(means - 17.0 * levels[0]).max((1, 2)).argmin()
    assert np.abs(means[first] - 17.0 * levels[0]).max() <= 8.51
    assert panel.view.labels[0] == train.labels[first]
    assert len(panel.view.labels) == 600
    assert set(panel.view.labels) == set(range(10))
    assert [one["name"] for one in panel.view.classes] == list(train.classes)
    assert len(panel.view.images) < 200_000


def test_every_value_is_a_control_or_a_trait(panel):
    view = panel.view
    assert (view.beta, view.noise0, view.noise1) == (1, False, True)
    assert not view.playing
    assert view.labels[view.garment] == view.labels[0]
    assert set(panel.controls) == {"beta", "noise0", "noise1"}
    assert view.start["beta"] == pytest.approx([1, 0.01, 100])
    assert view.start["garment"] == [view.garment, 0, 599]
    assert widgets.live_training(play=True, steps=30).view.playing
    assert "onmessage" in view.worker
    assert "lossAndGradients" in view.worker


def test_any_pictures_will_do(tmp_path):
    """In colour, of another size, few, and with classes of their own."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (70, 3, 24, 20), dtype=np.uint8)
    images[:, :, 12:] = 0
    split = data.Split(images, np.arange(70) % 3, ("owl", "cat", "cow"))
    panel = widgets.live_training(split)
    levels = unpacked(panel)
    assert levels.shape == (70, 14, 14)
    assert levels[:, :7].mean() > 5
    assert not levels[:, 7:].any()
    assert sorted(panel.view.labels) == sorted(split.labels.tolist())
    assert [one["name"] for one in panel.view.classes] == ["owl", "cat", "cow"]
    assert widgets.save_html(panel, tmp_path / "owls.html").stat().st_size > 0


def test_what_is_no_picture_is_refused(panel):
    with pytest.raises(TypeError, match=r"data\.Split"):
        widgets.live_training(torch.zeros(9, 1, 14, 14))
    rows = data.Split(torch.zeros(9, 5), torch.zeros(9, dtype=torch.int64))
    with pytest.raises(ValueError, match=r"\(9, 5\)"):
        widgets.live_training(rows)


def test_the_sizes_are_those_of_the_engine():
    """live_training.py and live_plane.js repeat what live_engine.js says."""
    engine = source.read("live_engine.js")
    assert f"PIXELS = {live.SIDE**2};" in engine
    assert f"HIDDEN = {live.HIDDEN};" in engine
    assert f"RATE = {RATE};" in engine
    assert f"SIDE = {live.SIDE};" in source.read("live_plane.js")
