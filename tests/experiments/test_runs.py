"""The vocabulary: which runs there are, how they are called, what is built, and
that models of one seed are twins.
"""

import re
from collections import Counter
from dataclasses import fields

import pytest
import torch

from aevae_lib import data, evidence, models, zoo
from experiments import runs, stock
from experiments.runs import KINDS, STAGES, Run

EVERY = {stage: runs.stage_runs(stage) for stage in STAGES}
TWINS = ("ae", "vae", "noisy", "penalised")


# --- what is trained ---------------------------------------------------------


def test_no_two_runs_share_a_name():
    names = Counter(run.name for planned in EVERY.values() for run in planned)
    assert {name: count for name, count in names.items() if count > 1} == {}
    assert len(names) > 200


def test_a_name_says_what_a_run_departs_in():
    for run, name in {
        Run("ae", 2, 0): "ae-d2-seed0",
        Run("vae", 16, 3, beta=2.048): "vae-d16-beta2.048-seed3",
        Run("vae", 2, 0, beta=0.0): "vae-d2-beta0-seed0",
        Run("vae", 2, 1, train_images=500): "vae-d2-n500-seed1",
        Run("ae", 2, 1, only_class=6): "ae-d2-class6-seed1",
        Run(
            "ae", 2, 0, network="book", budget=1_650_000
        ): "ae-d2-budget1650000-book-seed0",
        Run("vae", 2, 100, lr=4e-3): "vae-d2-lr0.004-seed100",
    }.items():
        assert run.name == name
    for planned in EVERY.values():
        for run in planned:
            assert re.fullmatch(
                r"[a-z]+-d\d+(-[a-z]+[\d.]*)*-seed\d+", run.name
            )
            assert (
                run.name.rpartition("-seed")[0]
                == Run(**vars(run) | {"seed": 7}).name[:-6]
            )


def test_a_group_is_called_as_its_runs_are():
    """And every name that a stored result has comes from there."""
    for planned in EVERY.values():
        for run in planned:
            assert run.name == f"{run.group}-seed{run.seed}"
    assert runs.group("vae", 2, beta=4) == Run("vae", 2, 0, beta=4.0).group
    departed = runs.group("ae", 16, train_images=500)
    assert departed == Run("ae", 16, 0, train_images=500).group
    assert {name.rpartition("-seed")[0] for name in evidence.runs("first")} == {
        run.group for planned in EVERY.values() for run in planned
    }


def test_the_zoo_calls_its_files_as_the_runs_are_called():
    for run in stock.wanted():
        kind = runs.zoo_kind(run)
        about = {"kind": kind, "latent_dim": run.latent_dim, "final": True}
        about |= {"beta": run.beta, "seed": run.seed}
        stem = zoo.file_name(about).removesuffix(".safetensors")
        if run.only_class is None:
            assert stem == run.name
        else:
            assert stem == f"shirt-{run.name}".replace("-class6", "")


def test_the_zoo_holds_what_its_stock_is_to_be():
    wanted = stock.wanted()
    assert {runs.zoo_kind(run) for run in wanted} == set(zoo.KINDS)
    for run in wanted:
        assert KINDS[run.kind].model == zoo.KINDS[runs.zoo_kind(run)]
    early = len(runs.EPOCHS_KEPT) * sum(map(runs.checkpoints, wanted))
    held = [row for row in zoo.catalogue() if row["kind"] in zoo.KINDS]
    assert len(held) == len(wanted) + early


def test_stages_are_those_of_the_protocol():
    """Counted from its table: kinds, dimensions and seeds."""

    def count(stage: str, **fixed) -> Counter:
        chosen = [
            r
            for r in EVERY[stage]
            if all(getattr(r, k) == v for k, v in fixed.items())
        ]
        assert Counter(run.seed for run in chosen).keys() == set(range(1 + max(
            run.seed for run in chosen)))  # fmt: skip
        return Counter((run.kind, run.latent_dim) for run in chosen)

    pair = ("ae", "vae")
    assert count("A") == {
        (kind, d): n for kind in TWINS for d, n in ((2, 10), (16, 5))
    }
    assert count("B") == {(kind, d): 5 for kind in pair for d in (4, 8, 32, 64)}
    for beta in (0, 0.1, 0.5, 2.048, 4, 10, 100):
        assert count("C", beta=beta) == {("vae", d): 3 for d in (2, 16)}
    for departure in (
        {"train_images": 500},
        {"train_images": 5000},
        {"only_class": 6},
    ):
        assert count("C", **departure) == {
            (kind, d): 3 for kind in pair for d in (2, 16)
        }
    for kind in ("cae", "cvae"):
        assert count("C", kind=kind) == {(kind, d): 3 for d in (2, 16)}
    for departure in ({"budget": 3 * 550_000}, {"network": "book"}):
        assert count("D", **departure) == {(kind, 2): 3 for kind in pair}
    sizes = {stage: len(planned) for stage, planned in EVERY.items()}
    assert sizes == {
        "tune": 12,
        "A": 60,
        "B": 40,
        "C": 42 + 24 + 12 + 12,
        "D": 12,
    }


def test_a_run_departs_from_the_protocol_only_where_its_stage_says():
    plain = {
        "beta": 1.0,
        "train_images": 55_000,
        "only_class": None,
        "budget": 550_000,
    }
    plain |= {"network": "lesson", "lr": None}
    assert {field.name for field in fields(Run)} == {
        "kind",
        "latent_dim",
        "seed",
        *plain,
    }
    allowed = {"tune": 1, "A": 0, "B": 0, "C": 1, "D": 1}
    for stage, planned in EVERY.items():
        for run in planned:
            departures = [
                name
                for name, value in plain.items()
                if getattr(run, name) != value
            ]
            told = run.kind in ("cae", "cvae")
            assert len(departures) + told <= allowed[stage], run
            assert (
                (run.lr is not None)
                == (stage == "tune")
                == (run.seed == runs.TUNING_SEED)
            )


def test_a_stage_goes_seed_by_seed():
    for stage in "ABCD":
        seeds = [run.seed for run in EVERY[stage]]
        assert seeds == sorted(seeds)


def test_an_unknown_stage_is_refused():
    with pytest.raises(
        ValueError, match="no stage 'E'; the stages are tune, A, B, C, D"
    ):
        runs.stage_runs("E")


# --- twins -------------------------------------------------------------------


def weights(run: Run, part: str) -> dict[str, torch.Tensor]:
    return getattr(runs.build(run), part).state_dict()


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(
        torch.equal(a[name], b[name]) for name in a
    )


@pytest.mark.parametrize("kinds", [TWINS, ("cae", "cvae")], ids=" ".join)
@pytest.mark.parametrize(
    ("d", "network"), [(2, "lesson"), (16, "lesson"), (2, "book")]
)
def test_models_of_one_seed_start_from_the_same_trunk_and_decoder(
    kinds, d, network
):
    first, *others = (Run(kind, d, 3, network=network) for kind in kinds)
    for part in ("trunk", "decoder"):
        different = [
            o.kind
            for o in others
            if not same(weights(first, part), weights(o, part))
        ]
        assert different == [], part
        assert not same(
            weights(first, part), weights(Run(kinds[0], d, 4), part)
        )


def test_only_a_code_with_a_width_needs_another_head():
    ae, noisy, penalised = (
        weights(Run(k, 2, 0), "head") for k in ("ae", "noisy", "penalised")
    )
    assert same(ae, noisy)
    assert same(ae, penalised)
    assert len(weights(Run("vae", 2, 0), "head")["bias"]) == 2 * len(ae["bias"])


def test_each_kind_is_what_the_protocol_says():
    built = {kind: runs.build(Run(kind, 2, 0)) for kind in KINDS}
    types = {
        "ae": models.Autoencoder,
        "vae": models.VAE,
        "noisy": models.NoisyAutoencoder,
        "penalised": models.Autoencoder,
        "fixed": models.NoisyAutoencoder,
        "learned": models.VAE,
        "cae": models.ConditionalAutoencoder,
        "cvae": models.ConditionalVAE,
    }
    assert {kind: type(model) for kind, model in built.items()} == types
    x, labels = torch.rand(8, 1, 32, 32), torch.arange(8)
    for kind, model in built.items():
        out = model(x, labels) if kind in ("cae", "cvae") else model(x)
        loss, terms = runs.loss_of(Run(kind, 2, 0, beta=3.0))(out, x)
        pays = {"vae": "kl", "cvae": "kl"} | dict.fromkeys(
            ("penalised", "fixed", "learned"), "penalty"
        )
        pays = pays.get(kind)
        assert set(terms) == {"reconstruction"} | ({pays} if pays else set())
        weight = 3 if pays == "kl" else 1
        total = terms["reconstruction"] + weight * terms.get(pays, 0)
        assert loss.item() == pytest.approx(total.item())


def test_what_a_kind_is_follows_from_its_model():
    told = {name for name, kind in KINDS.items() if kind.told}
    variational = {name for name, kind in KINDS.items() if kind.variational}
    assert told == {"cae", "cvae"}
    assert variational == {"vae", "learned", "cvae"}


def test_a_run_trains_on_its_own_images_only():
    train = data.read_folder(data.SAMPLE_FOLDER)[0]
    few = runs.training_set(Run("ae", 2, 0, train_images=500), train)
    assert torch.equal(few.images, train.images[:500])
    assert torch.equal(few.labels, train.labels[:500])
    shirts = runs.training_set(Run("ae", 2, 0, only_class=6), train)
    assert set(shirts.labels.tolist()) == {6}
    assert len(shirts.images) == len(shirts.labels) == (train.labels == 6).sum()


# --- choices ---


def test_learning_rates_are_those_that_tuning_chose():
    """The lowest validation loss, summed over 2 and 16 dimensions."""
    stored = evidence.runs("first")

    def loss(kind: str, d: int, lr: float) -> float:
        run = Run(kind, d, runs.TUNING_SEED, lr=lr)
        return stored[run.name]["history"][-1]["validation_loss"]

    for kind in ("ae", "vae"):
        losses = {
            lr: sum(loss(kind, d, lr) for d in (2, 16))
            for lr in runs.LEARNING_RATES
        }
        assert KINDS[kind].lr == min(losses, key=losses.get), losses
    for kind in KINDS.values():
        tuned = "vae" if kind.variational else "ae"
        assert kind.lr == KINDS[tuned].lr
    assert runs.learning_rate(Run("ae", 2, 0, lr=0.5)) == 0.5


def test_stored_results_are_runs_of_the_protocol():
    planned = {run.name: run for planned in EVERY.values() for run in planned}
    stored = evidence.runs("first")
    assert "ae-d2-seed0" in stored, "no results yet: run the sweep"
    assert set(stored) <= set(planned)
    for name, result in stored.items():
        run = planned[name]
        assert result["config"] == vars(run) | {
            "lr": runs.learning_rate(run)
        }, name
        assert bool(result["metrics"]) == (run.seed != runs.TUNING_SEED), name
        last = result["history"][-1]["images_seen"]
        assert run.budget <= last < run.budget + 128, name


def test_stored_baselines_lie_between_the_floor_and_the_mean_image():
    """A linear decoder of more numbers costs less, and none costs more than the
    mean image.
    """
    names = (
        "pixel_entropy",
        "linear_d16",
        "linear_d8",
        "linear_d4",
        "linear_d2",
        "mean_image",
    )
    nats = [evidence.floor(name) for name in names]
    assert nats == sorted(nats), dict(zip(names, nats, strict=True))
