"""What the benchmark compares is the same work, and it counts and divides
rightly.
"""

import inspect
import json
import os
import subprocess
import sys

import pytest
import torch
from torch import nn

from aevae_lib import evidence, losses, train
from aevae_lib.data import Split
from aevae_lib.models import VAE, Autoencoder, Turn, book_networks
from experiments.bench import __main__ as command
from experiments.bench import (
    growth,
    layers,
    machine,
    networks,
    race,
    recipes,
    sweeping,
    throughput,
    turns,
    ways,
)
from experiments.files import ROOT


def images(n=8):
    return torch.rand(n, 1, 32, 32, generator=torch.Generator().manual_seed(1))


def as_keras_has_it(model):
    """Encoder and decoder of the book's model as in Keras, where nothing is
    turned.

    They get the model's weights. A map of the model is theirs turned by 180
    degrees, so every kernel is turned too, and so are the pixels that the
    linear layers read and write.
    """
    other = Autoencoder(model.latent_dim, networks.plain_book_networks)
    kinds = nn.Linear, nn.Conv2d, nn.ConvTranspose2d
    ours, theirs = (
        [
            layer
            for layer in [*m.trunk, m.head, *m.decoder]
            if isinstance(layer, kinds)
        ]
        for m in (model, other)
    )
    turned = torch.arange(2048).view(128, 4, 4).flip(1, 2).flatten()
    with torch.no_grad():
        for our, their in zip(ours, theirs, strict=True):
            weight, bias = our.weight, our.bias
            if (
                our is ours[-1]
            ):  # turned round twice: once as a transposed one, once as all are
                weight = weight.transpose(0, 1)
            elif weight.ndim == 4:
                weight = weight.flip(2, 3)
            elif our is model.head:
                weight = weight[:, turned]
            else:
                weight, bias = weight[turned], bias[turned]
            their.weight.copy_(weight)
            their.bias.copy_(bias)
    return other


def test_book_network_is_that_of_keras():
    torch.manual_seed(0)
    model = Autoencoder(3, book_networks)
    for layer in model.modules():
        if getattr(layer, "bias", None) is not None:
            nn.init.uniform_(
                layer.bias, -0.1, 0.1
            )  # they start at zero, which would hide them
    other = as_keras_has_it(model)
    x, z = images(5), torch.randn(5, 3)
    with torch.no_grad():
        assert torch.allclose(model.encode(x), other.encode(x), atol=1e-5)
        ours, theirs = model.decode(z).logits, other.decode(z).logits
        assert torch.allclose(ours, theirs, atol=1e-5)


def test_operations_are_counted():
    """Forward, to the weights and to the inputs: three times the
    multiplications, but not to x.
    """
    multiplications, first_layer = 14_536_704, 32 * 16 * 16 * 9
    assert networks.operations("book") == 2 * (
        3 * multiplications - first_layer
    )


def test_a_wider_network_has_so_many_times_the_channels():
    lesson, same, twice = (
        VAE(3),
        VAE(3, networks.wider(1)),
        VAE(3, networks.wider(2)),
    )
    shapes = [
        [tuple(p.shape) for p in model.parameters()]
        for model in (lesson, same, twice)
    ]
    assert shapes[0] == shapes[1]
    assert twice.decoder[3].weight.shape == (128, 64, 4, 4)
    assert twice.decoder[-1].weight.shape == (32, 1, 4, 4)
    assert twice(images(2)).decoded.logits.shape == (2, 1, 32, 32)


class Clock:
    """Time that goes on only when somebody waits, so that no machine is too
    slow for a test.
    """

    seconds = 0.0

    def perf_counter(self):
        return self.seconds

    def sleep(self, seconds):
        self.seconds += seconds


@pytest.fixture
def time(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(machine, "time", clock)
    return clock


@pytest.fixture
def pace(time, monkeypatch):
    """Training that only waits, so many seconds an image, and remembers what it
    was asked.
    """
    asked = []

    def fit(model, loss_fn, pictures, budget, **options):
        asked.append((model, budget, options))
        time.sleep(budget * 1e-5)

    monkeypatch.setattr(train, "fit", fit)
    monkeypatch.setattr(recipes, "steady", fit)
    return asked


def test_training_for_a_time_takes_that_time(pace):
    recipe = {"lr": 0.5, "batch_size": 64, "networks": "book"}
    budget = recipes.seen_in(1.0, recipe, images())
    assert budget == pytest.approx(100_000, abs=1)
    model = recipes.trained(recipe, images(), 7, budget)
    (_, trial, _), (fitted, spent, options) = pace
    assert trial < spent / 10
    assert spent == budget
    assert fitted is model
    assert options == {"lr": 0.5, "batch_size": 64, "seed": 7}
    assert model.trunk[1].out_channels == 32


def test_the_recipe_trains_as_fit_does_by_itself():
    """The page on speed says so."""
    options = inspect.signature(train.fit).parameters
    assert recipes.RECIPE["lr"] == options["lr"].default
    assert recipes.RECIPE["batch_size"] == options["batch_size"].default


@pytest.mark.parametrize(
    "recipe", recipes.RECIPES.values(), ids=recipes.RECIPES
)
@pytest.mark.slow
def test_every_recipe_trains(recipe):
    pictures = (255 * images(64)).round().to(torch.uint8) // 4
    model = recipes.trained(
        recipe, pictures, 0, 80 * (recipes.RECIPE | recipe)["batch_size"]
    )
    loss = train.evaluate(model, losses.vae_loss, pictures)["loss"]
    untrained = networks.start((recipes.RECIPE | recipe)["networks"], 0)
    before = train.evaluate(untrained, losses.vae_loss, pictures)["loss"]
    assert loss < before - 100


def test_a_steady_rate_is_steady(monkeypatch):
    rates = []
    step = ways.step
    monkeypatch.setattr(
        ways,
        "step",
        lambda m, o, x: (rates.append(o.param_groups[0]["lr"]), step(m, o, x)),
    )
    pictures = torch.zeros(30, 1, 32, 32, dtype=torch.uint8)
    recipes.steady(
        VAE(2), losses.vae_loss, pictures, 40, lr=0.25, batch_size=10
    )
    assert rates == [0.25] * 4


def test_what_was_trained_before_leaves_no_trace_in_the_model(pace):
    recipes.seen_in(0.1, {}, images())
    model = recipes.trained({}, images(), 7, 100)
    torch.manual_seed(7)
    fresh = VAE(2, networks.linear_networks)
    assert all(map(torch.equal, model.parameters(), fresh.parameters()))


def test_recipes_are_chosen_on_validation_images(pace, monkeypatch):
    class Fashion:
        train, validation = (models_data(n) for n in (300, 200))

        @property
        def test(self):
            raise AssertionError("no choice may look at the test images")

    monkeypatch.setattr(machine, "load", Fashion)
    monkeypatch.setattr(recipes, "SECONDS", 0.02)
    measured = []

    def evaluate(model, loss_fn, pictures):
        measured.append(len(pictures))
        return {"loss": float(len(measured))}

    monkeypatch.setattr(train, "evaluate", evaluate)
    found = recipes.recipes()
    assert set(measured) == {200}
    assert (
        found["tried"].keys() == found["mean"].keys() == recipes.RECIPES.keys()
    )
    seen = {name: tried["images"][0] for name, tried in found["tried"].items()}
    same = (
        "twice the learning rate",
        "Keras's first weights",
        "a steady rate, a quarter",
    )
    assert all(seen[name] == seen["the recipe"] for name in same)
    assert (
        found["networks"]["book"]["megaflop_per_image"]
        == networks.operations("book") / 1e6
    )
    assert found["networks"]["linear"]["millions_of_weights"] == 1.31482
    first = found["tried"]["the recipe"]["loss"]
    assert len(first) == recipes.SEEDS
    assert found["mean"]["the recipe"] == pytest.approx(sum(first) / len(first))


def models_data(n: int):
    pixels = torch.zeros(n, 1, 32, 32, dtype=torch.uint8)
    return Split(pixels, torch.zeros(n, dtype=torch.long))


@pytest.mark.parametrize(("ours", "p"), [(-100.0, 1 / 252), (100.0, 1.0)])
def test_the_race_says_who_won(time, monkeypatch, ours, p):
    def passes(seconds, result):
        time.sleep(seconds)
        return result

    class Fashion:
        train, test = models_data(10), models_data(20)

    monkeypatch.setattr(machine, "load", Fashion)
    monkeypatch.setattr(
        race, "books_recipe", lambda pictures, seed: passes(0.3, seed)
    )
    monkeypatch.setattr(
        race,
        "tutorials_recipe",
        lambda pictures, seed: passes(0.06, seed + 50),
    )
    allowed = []

    def seen_in(seconds, recipe, pictures):
        allowed.append(seconds)
        return passes(0.001, 1000)

    monkeypatch.setattr(recipes, "seen_in", seen_in)
    monkeypatch.setattr(
        recipes,
        "trained",
        lambda recipe, pictures, seed, budget: passes(0.014, seed + ours),
    )

    def evaluate(model, loss_fn, pictures):
        assert len(pictures) == 20  # the test images
        return {"loss": 266 + model / 100}

    monkeypatch.setattr(train, "evaluate", evaluate)
    found = race.race()
    assert found["book"]["median_loss"] == pytest.approx(266.02)
    assert found["tutorial"]["median_loss"] == pytest.approx(266.52)
    assert found["ours"]["median_loss"] == pytest.approx(266.02 + ours / 100)
    assert len(allowed) == race.SEEDS
    assert all(one < 0.3 / race.FRACTION for one in allowed)
    assert found["book"]["times_ours"] == pytest.approx(20)
    assert found["tutorial"]["times_ours"] == pytest.approx(4)
    for other in ("book", "tutorial"):
        assert found[other]["p"] == pytest.approx(
            p
        )  # 252 ways to choose five of ten


def test_a_tutorials_recipe_shows_every_picture_five_times(monkeypatch):
    """In shuffled batches of pictures between 0 and 1, and it learns."""
    pictures = (
        torch.arange(256).to(torch.uint8).view(-1, 1, 1, 1).repeat(1, 1, 32, 32)
    )
    shown = []
    step = ways.step
    monkeypatch.setattr(
        ways, "step", lambda m, o, x: (shown.append(x), step(m, o, x))[1]
    )
    model = race.tutorials_recipe(pictures, 3)
    assert [len(x) for x in shown] == [128] * 10
    for two in torch.cat(shown).split(256):
        assert torch.equal(
            (255 * two[:, 0, 0, 0]).round().sort().values, torch.arange(256.0)
        )
    assert not torch.equal(shown[0], shown[2])
    torch.manual_seed(3)
    fresh = VAE(2)
    assert not any(map(torch.equal, model.parameters(), fresh.parameters()))


def test_growth_has_the_slope_of_the_upper_half():
    """A cost that is constant below 8 and cubic above."""
    asked = []

    def seconds_of(size):
        asked.append(size)
        return max(512, size**3) * (1 + (len(asked) == 5))  # one slow moment

    found = growth.grown(seconds_of, [1, 2, 4, 8, 16, 32])
    assert asked == [1, 2, 4, 8, 16, 32] * growth.ROUNDS
    assert found["seconds"] == [512] * 4 + [16**3, 32**3]
    assert found["slope"] == pytest.approx(3)
    assert found["times"] == 32**3 / 512


def test_only_the_memory_of_training_is_counted():
    """Not what was needed before it began."""
    if not machine.STATUS.exists():
        assert machine.peak_memory() > 10
        return
    held = torch.ones(100_000_000)  # 400 MB
    most = machine.peak_memory()
    del held
    before = machine.forget_peak()
    assert most - before > 350
    held = torch.ones(50_000_000)
    del held
    assert machine.peak_memory() - before == pytest.approx(200, abs=20)


def test_a_process_does_not_count_what_the_one_before_it_had():
    held = torch.ones(500_000_000)  # 2 GB
    program = "from experiments.bench import machine as m; "
    program += "print(m.peak_memory())"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        check=True,
    )
    assert float(run.stdout) < 4 * held.numel() / 1e6


def test_the_sweep_is_counted_in_models_an_hour(time, monkeypatch):
    monkeypatch.setattr(
        sweeping.subprocess, "check_call", lambda _, cwd: time.sleep(480)
    )
    assert sweeping.sweep() == {
        "models": 4,
        "seconds": 480,
        "models_per_hour": 30,
    }


def test_throughput_counts_and_divides(monkeypatch):
    """Against the plain loop's time and the product's rate in one turn."""
    seconds = {
        "fit": [1.0, 2.0, 4.0], "plain": [2.0, 8.0, 5.0],
        "DataLoader": [4.0, 16.0, 10.0], "product": [2.0, 0.5, 1.0],
    }  # fmt: skip
    monkeypatch.setattr(
        throughput,
        "take_turns",
        lambda *_: (seconds, dict.fromkeys(seconds, 7)),
    )
    found = throughput.throughput()
    fit, loader = (
        found[f"book_{machine.CORES}_{way}"] for way in ("fit", "dataloader")
    )
    images_a_turn = ways.STEPS["book"] * 100
    assert (
        fit["time_over_plain"] == 0.5
    )  # of 0.5, 0.25, 0.8; the medians' ratio is 0.4
    assert fit["quartiles"] == [0.25, 0.8]
    assert loader["time_over_plain"] == 2
    assert fit["images_per_second"] == images_a_turn / 2
    peak = ways.PRODUCTS * 2 * ways.MATRIX**3
    assert fit["gigaflops_peak"] == pytest.approx(peak / 1e9)
    assert fit["share_of_peak"] == pytest.approx(
        images_a_turn
        * networks.operations("book")
        / 4
        / peak  # the third turn has the median
    )
    assert fit["megabytes"] == 7


def test_a_change_is_worth_what_fit_needs_without_it(monkeypatch):
    def take_turns(names, network, threads):
        seconds = {name: [2.0, 8.0, 5.0] for name in names}
        return seconds | {"fit": [1.0, 2.0, 4.0]}, {}

    monkeypatch.setattr(throughput, "take_turns", take_turns)
    found = throughput.changes()
    assert {change: set(each) for change, each in found.items()} == {
        "form": {"book"},
        "fused": {"lesson", "book"},
    }
    assert found["form"]["book"] == {"ratio": 2.0, "quartiles": [1.25, 4.0]}


NOTED = {"machine", "took"}  # of every part


def test_the_stored_numbers_are_of_what_is_measured_now():
    stored = evidence.bench()
    changed = stored["changes"]
    measured = {name: set(changed[name]) for name in changed.keys() - NOTED}
    assert measured == {name: set(of) for name, of in ways.CHANGES.items()}
    names = {name for name, *_ in layers.convolutions(images(2))}
    assert set(stored["layers"]["layers"]) == names
    assert set(stored["layers"]["share_of_peak"]) == names
    assert set(stored) == set(command.PARTS)


CHANGES = [(c, n) for c, names in ways.CHANGES.items() for n in names]


@pytest.mark.parametrize(("change", "network"), CHANGES)
def test_without_a_change_fit_does_the_same_in_another_way(
    monkeypatch, network, change
):
    """What is named is undone and nothing else."""
    done: dict[str, bool] = {}
    own_fit, adam = train.fit, torch.optim.Adam

    def fit(model, *arguments, **options):
        turned = any(isinstance(layer, Turn) for layer in model.modules())
        done["form"] = turned or network == "lesson"
        return own_fit(model, *arguments, **options)

    def noted(parameters, lr, fused=False):
        done["fused"] = fused
        return adam(parameters, lr=lr, fused=fused)

    monkeypatch.setattr(train, "fit", fit)
    monkeypatch.setattr(torch.optim, "Adam", noted)
    monkeypatch.setitem(ways.STEPS, network, 2)
    monkeypatch.setitem(ways.BATCH, network, 4)
    pictures = (255 * images(64)).round().to(torch.uint8)
    next(ways.library(network, pictures))
    assert done == {"form": True, "fused": True}
    next(ways.without(change, network, pictures))
    assert [name for name in done if not done[name]] == [change]


def test_the_books_recipe_is_the_books(monkeypatch):
    """Five epochs in batches of 100 at one rate, with Keras's epsilon."""
    seen = []
    step = ways.step

    def noted(model, optimizer, x):
        seen.append(
            (
                len(x),
                optimizer.param_groups[0]["lr"],
                optimizer.param_groups[0]["eps"],
            )
        )
        return step(model, optimizer, x)

    monkeypatch.setattr(ways, "step", noted)
    model = race.books_recipe(torch.zeros(200, 1, 32, 32, dtype=torch.uint8), 3)
    assert seen == [(100, 5e-4, 1e-7)] * 10
    torch.manual_seed(3)
    fresh = VAE(2, networks.plain_book_networks)
    assert [p.shape for p in model.parameters()] == [
        p.shape for p in fresh.parameters()
    ]


def test_a_layer_alone_is_the_layer_of_a_step(monkeypatch):
    """What is timed, and the operations counted, are those of the network in
    training.
    """

    class Fashion:
        train = models_data(128)

    def in_turns(title, ways):
        return {
            name: [take_turn() * 0 + 1.0] for name, take_turn in ways.items()
        }

    monkeypatch.setattr(machine, "load", Fashion)
    monkeypatch.setattr(layers, "in_turns", in_turns)
    monkeypatch.setitem(ways.STEPS, "lesson", 1)
    found = layers.layers()
    assert len(found["layers"]) == 6
    peak = ways.PRODUCTS * 2 * ways.MATRIX**3
    counted = {
        name: share * peak / 12
        for name, share in found["share_of_peak"].items()
    }
    assert found["together"] == pytest.approx(6 * 1e3 / 12)  # 12 in a second
    # Forward, to the weights and to the inputs:
    linear = 3 * 2 * (1024 * 4 + 2 * 1024)
    assert sum(counted.values()) == pytest.approx(
        128 * (networks.operations("lesson") - linear)
    )


def test_the_clock_waits_for_a_gpu(time, monkeypatch):
    """What was started there counts for the turn that started it, and not for
    the next.
    """
    monkeypatch.setattr(machine, "ON_CPU", False)
    monkeypatch.setattr(
        torch.accelerator, "synchronize", lambda: time.sleep(work.pop())
    )
    work = [
        0,
        3.0,
        5.0,
    ]  # the last first: left from before the turn, then its own
    assert turns.timed(iter([None])) == 3.0
    assert work == [0]


def test_a_part_replaces_only_its_own_numbers(tmp_path, monkeypatch):
    path = tmp_path / "bench.json"
    path.write_text(json.dumps({"race": {"p": 1}, "growth": {"old": 1}}))
    monkeypatch.setattr(
        command, "PARTS", {"growth": lambda: {"new": 2}, "race": None}
    )
    monkeypatch.setattr(
        sys, "argv", ["bench.py", "growth", "--results", str(path)]
    )
    command.main()
    found = json.loads(path.read_text())
    assert found["race"] == {"p": 1}
    assert found["growth"]["new"] == 2
    assert "old" not in found["growth"]
    assert found["growth"]["machine"]["cores"] >= 1


def test_there_are_as_many_rounds_as_are_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(turns, "ROUNDS", turns.ROUNDS)  # put back at the end
    monkeypatch.setattr(
        command,
        "PARTS",
        {"growth": lambda: turns.in_turns("none", {"way": lambda: 1.0})},
    )
    path, few = tmp_path / "bench.json", ["--rounds", "3"]
    for options, expected in (([], turns.ROUNDS), (few, 3)):
        arguments = ["bench.py", "--results", str(path), *options]
        monkeypatch.setattr(sys, "argv", arguments)
        command.main()
        found = json.loads(path.read_text())
        assert len(found["growth"]["way"]) == expected


def test_an_unknown_part_is_refused(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["bench.py", "speed"])
    with pytest.raises(
        SystemExit, match="no part speed; there are throughput, changes"
    ):
        command.main()
