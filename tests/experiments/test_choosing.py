"""The search for a size and a beta: its candidates, its scores, and what is
stored of it.
"""

import math
from dataclasses import replace

import pytest
import torch

from aevae_lib import measure, sample
from aevae_lib.data import Split, to_float
from aevae_lib.losses import vae_loss
from aevae_lib.models import VAE, Autoencoder
from aevae_lib.train import evaluate
from experiments import choosing
from experiments.choosing import searching
from experiments.runs import training_set
from experiments.second import referees, training


@pytest.fixture(scope="module")
def pictures() -> Split:
    luck = torch.Generator().manual_seed(0)
    images = torch.randint(256, (60, 1, 32, 32), generator=luck).byte()
    return Split(images, torch.arange(60) % 10)


@pytest.fixture
def plain_judges(monkeypatch):
    """A judge that sees the mean grey of four quarters, in place of both."""

    def look(images):
        parts = images.unflatten(2, (2, 16)).unflatten(4, (2, 16))
        return parts.mean((3, 5)).flatten(1)

    plain = dict.fromkeys(searching.JUDGES, referees.Referee(look))
    monkeypatch.setattr(searching, "judges", lambda data: plain)
    monkeypatch.setattr(searching, "ASKED", 50)
    monkeypatch.setattr(searching, "SAMPLERS", ("prior", "Gaussian"))
    return look


def test_candidates_differ_and_birds_have_no_code_too_long_for_a_mixture():
    for name, count in (("garments", 90), ("birds", 75)):
        runs = searching.candidates(name)
        assert len({run.name for run in runs}) == len(runs) == count
        first = runs[: count // searching.SEEDS]
        assert {run.seed for run in first} == {0}
    assert max(run.latent_dim for run in runs) == 32


def test_redrawing_starts_from_the_middle_of_the_cloud(pictures):
    torch.manual_seed(0)
    vae = VAE(3)
    decoded = vae.decode(vae.posterior(to_float(pictures.images))[0])
    nats = decoded.nats(to_float(pictures.images)).mean().item()
    assert searching.redraw(vae, pictures.images) == pytest.approx(nats)


def test_storing_costs_the_code_at_full_price_whatever_beta_was(pictures):
    torch.manual_seed(0)
    vae = VAE(3)
    with torch.no_grad():
        vae.head.bias += 2  # a KL of some twelve nats
    costs = [searching.store(vae, pictures.images, seed) for seed in range(20)]
    found = evaluate(vae, vae_loss, pictures.images)
    assert found["kl"] > 10
    assert sum(costs) / 20 == pytest.approx(found["loss"], abs=2)


@pytest.mark.parametrize("kind", [Autoencoder, VAE])
def test_scores_are_those_of_pictures_that_were_not_trained_on(
    kind, pictures, plain_judges
):
    torch.manual_seed(0)
    model, run = kind(3), searching.candidates("garments")[0]
    seen, asked = pictures[:40], pictures[40:]
    found = searching.scores(model, seen, asked, run)
    assert ("store" in found) == (kind is VAE)
    assert found["redraw"] == searching.redraw(model, asked.images)
    assert found["redraw"] != searching.redraw(model, seen.images)
    codes = [sample.encode(model, part.images) for part in (seen, asked)]
    assert found["describe"] == measure.neighbour_accuracy(
        codes[0], seen.labels, codes[1], asked.labels
    )
    drawn = sample.pictures(model, sample.prior(codes[0])(50, seed=0))
    both = plain_judges(drawn), plain_judges(to_float(asked.images))
    judge = searching.JUDGES[1]
    assert found[f"frechet.prior.{judge}"] == measure.frechet(*both)
    alone = searching.scores(model, seen, asked, replace(run, only_class=1))
    assert "describe" not in alone


def test_all_candidates_are_stored_with_scores_of_both_parts():
    stored = choosing.stored()
    assert set(stored) == set(searching.SETS)
    for name, runs in stored.items():
        assert set(runs) == {run.name for run in searching.candidates(name)}
        for run in runs.values():
            for part in ("validation", "test"):
                assert all(map(math.isfinite, run[part].values()))
                assert ("store" in run[part]) == (run["of"]["kind"] == "vae")
                assert ("describe" in run[part]) == (name == "garments")
                assert 50 < run[part]["redraw"] < 300
            assert run["validation"]["redraw"] != run["test"]["redraw"]


@pytest.mark.slow
def test_a_candidate_that_is_trained_again_scores_as_it_did(monkeypatch):
    """Within what another machine's rounding makes of it; without judges."""
    monkeypatch.setattr(searching, "SAMPLERS", ())
    wanted = {"kind": "vae", "latent_dim": 8, "beta": 1.0, "seed": 0}
    (run,) = (
        run for run in searching.candidates("birds")
        if {key: getattr(run, key) for key in wanted} == wanted
    )  # fmt: skip
    found = searching.scored(run)
    before = choosing.stored()["birds"][run.name]
    birds = training_set(run, training.loaded(run.data, "cpu").validation)
    assert len(birds.images) > 50
    for part in ("validation", "test"):
        for purpose in ("redraw", "store"):
            assert found[part][purpose] == pytest.approx(
                before[part][purpose], abs=4
            )
