"""The four uses: each measure tried where its answer is known, and the stored
numbers are those of the runs that the chapter speaks of.
"""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy import stats
from torch.distributions import MultivariateNormal

from aevae_lib import data, evidence, zoo
from aevae_lib.data import to_float
from experiments.second.runs import Run, training_set
from experiments.second.verdicts import findings
from experiments.uses import RESULTS, baselines, rows, stored, tasks
from experiments.uses.__main__ import SEEDS, jobs, over_seeds, summary

fashion = data.load(device="cpu")
images = to_float(fashion.test.images[:100])


# --- compression -------------------------------------------------------------


@pytest.mark.parametrize("name", ["JPEG", "WEBP"])
def test_a_better_quality_costs_more_and_loses_less(name):
    cheap, dear = (baselines.filed(images, name, q) for q in (5, 80))
    assert cheap["bits"] < dear["bits"]
    assert cheap["squared"] > dear["squared"] > 0


def test_png_loses_nothing_and_counts_every_byte():
    found = baselines.filed(images, "PNG")
    assert found["squared"] < 1e-9
    assert 1000 < found["bits"] < 8 * 28 * 28


def test_rounded_codes_cost_the_entropy_and_the_step():
    """Of d standard normal numbers: d (log2 sqrt(2 pi e) - log2 step) bits."""
    d, step = 4, 1 / 16
    codes = torch.randn(20_000, d, generator=torch.Generator().manual_seed(0))
    coder = MultivariateNormal(torch.zeros(d).double(), torch.eye(d).double())
    nats = -d * math.log(step) - coder.log_prob(codes.double())
    wanted = d * (math.log2(math.sqrt(2 * math.pi * math.e)) - math.log2(step))
    assert tasks.bits_of(nats)["bits"] == pytest.approx(wanted, abs=0.05)


def test_a_vae_pays_its_kl_to_the_prior():
    """Bits back with N(0, I) as coder come to the mean KL, up to the luck of
    one draw an image.
    """
    vae = zoo.load("vae", 2)
    uses = tasks.Uses(vae, fashion, fashion.train)
    paid = uses.compression()["prior"]["bits"]
    mu, logvar = vae.posterior(uses.test)
    kl = tasks.kl_divergence(mu, logvar).mean().item() / math.log(2)
    assert paid == pytest.approx(kl, abs=0.1)


def test_a_finer_step_costs_more_and_loses_less():
    uses = tasks.Uses(zoo.load("ae", 2), fashion, fashion.train)
    found = uses.compression()["mixture"]
    bits = [each["bits"] for each in found.values()]
    lost = [each["squared"] for each in found.values()]
    assert all(a > b + 0.5 for a, b in pairwise(bits[:5])), bits
    assert all(a < b for a, b in pairwise(lost[1:])), lost


# --- cleaning ----------------------------------------------------------------


def test_nothing_mends_nothing_and_the_truth_mends_all():
    assert set(tasks.denoised(images, lambda x: x, 0).values()) == {1.0}
    assert set(tasks.denoised(images, lambda _: images, 0).values()) == {0.0}


def test_faults_are_of_their_size():
    black = tasks.spoilt(images, "black", 0)
    gone = (black == 0) & (images > 0)
    assert gone.float().sum() / (images > 0).sum() == pytest.approx(
        0.25, abs=0.01
    )
    grey = torch.full((1, 1, 200, 200), 0.5)
    assert tasks.spoilt(grey, "noise_1", 0).std() == pytest.approx(
        0.1, abs=0.002
    )


def test_a_blur_keeps_the_light_and_spreads_it():
    point = torch.zeros(1, 1, 32, 32)
    point[..., 16, 16] = 1
    spread = baselines.blurred(point, 1.0)
    assert spread.sum() == pytest.approx(1, abs=1e-4)
    assert spread[0, 0, 16, 16] == pytest.approx(1 / (2 * math.pi), abs=0.002)


def test_the_best_blur_is_chosen_fault_by_fault():
    tried = [{"black": 0.5, "noise_1": 0.9}, {"black": 0.7, "noise_1": 0.8}]
    assert baselines.lowest(tried, "black") == 0
    assert baselines.lowest(tried, "noise_1") == 1


# --- anomalies ---------------------------------------------------------------


def test_what_is_told_apart_is_known_for_a_line():
    """The score is the picture's one number."""
    held_out, usual = torch.arange(100.0), torch.arange(100.0) + 0.5
    strange = {
        "far": torch.full((50,), 200.0),
        "alike": torch.arange(100.0) + 0.5,
        "simpler": torch.full((50,), -1.0),
    }
    found = tasks.told_apart(lambda x: x, held_out, usual, strange)
    assert (found["far"], found["far_caught"]) == (1, 1)
    assert (found["simpler"], found["simpler_caught"]) == (0, 0)
    assert found["alike"] == 0.5
    assert found["false_alarms"] == pytest.approx(tasks.ALARMS, abs=0.011)


def test_strange_pictures_are_what_they_are_called():
    strange = tasks.strange_to(images, images[:3])
    assert torch.equal(strange["upside_down"].flip(-2), images)
    changed = (strange["patch_missing"] != images).flatten(1).sum(1)
    assert changed.max() <= tasks.PATCH**2
    assert (strange["patch_missing"][..., :4, :] == images[..., :4, :]).all()


def test_a_class_is_held_out_of_what_is_usual_and_is_all_that_is_strange():
    held_out, usual, strange = tasks.without(fashion, 6)
    for part, asked in ((fashion.validation, held_out), (fashion.test, usual)):
        others = part.images[part.labels != 6][: tasks.ASKED]
        assert torch.equal(asked, to_float(others))
    shirts = fashion.test.images[fashion.test.labels == 6]
    assert torch.equal(strange["held_out"], to_float(shirts))


def test_a_model_that_never_saw_a_class_is_trained_on_all_others():
    run = Run("ae", 16, 0, without_class=8)
    seen = training_set(run, fashion.train)
    assert seen.labels.unique().tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 9]
    assert len(seen) == (fashion.train.labels != 8).sum()
    assert run.name == "ae-d16-without8-seed0"


def test_the_rival_knows_no_picture_of_a_class_held_out(monkeypatch):
    known = []

    def distance_to(images):
        known.append(images)
        return lambda asked: asked.flatten(1).sum(1)

    monkeypatch.setattr(baselines, "distance_to", distance_to)
    baselines.left_out(fashion, 8)
    train = fashion.train
    others = train.images[train.labels != 8][: tasks.KNOWN]
    assert torch.equal(known[0], others)


def test_the_fifth_neighbour_is_the_fifth():
    line = torch.arange(10.0)[:, None]
    assert tasks.fifth(torch.tensor([[0.0]]), line).tolist() == [4.0]


def test_the_elbo_is_the_loss_of_the_lesson():
    vae = zoo.load("vae", 2)
    uses = tasks.Uses(vae, fashion, fashion.train)
    score = uses.scores()["elbo"](images)
    with tasks.seeded_state(0):
        out = vae.eval()(images)
    nats = out.decoded.nats(images) + tasks.kl_divergence(out.mu, out.logvar)
    assert torch.allclose(score, nats, atol=1e-2)
    assert "elbo" not in tasks.Uses(zoo.load("ae", 2), fashion, None).scores()


# --- retrieval ---------------------------------------------------------------


def test_neighbours_and_labels_find_what_lies_apart():
    """Codes that are the class, and then ones that know nothing."""
    n, asked = 2000, 500
    labels, right = fashion.train.labels[:n], fashion.test.labels[:asked]
    luck = torch.Generator().manual_seed(0)
    apart = torch.eye(10)[labels] + 0.01 * torch.randn(n, 10, generator=luck)
    there = torch.eye(10)[right] + 0.01 * torch.randn(asked, 10, generator=luck)
    kinds = torch.zeros(n).long(), torch.ones(asked).long()
    found = tasks.found(apart, there, fashion, kinds)
    assert found["class"] == 1
    assert found["kind"] == 0  # the clusters say otherwise
    assert found["labels_10"] == 1
    blind = torch.randn(n, 10, generator=luck)
    found = tasks.found(blind, blind[:asked].roll(1, 0), fashion, kinds)
    assert found["labels_1000"] < 0.2


def test_labels_are_as_many_of_each_class():
    chosen = tasks.few(fashion.train.labels[:20_000], 100, seed=3)
    assert fashion.train.labels[chosen].bincount().tolist() == [10] * 10


def test_components_rebuild_what_they_were_made_of():
    pca = baselines.components(fashion)
    again = pca.decode(pca.encode(images, 1024), images)
    assert (again - images).abs().max() < 1e-3
    few, many = (
        tasks.squared(pca.decode(pca.encode(images, d), images), images)
        for d in (4, 64)
    )
    assert many < few


# --- what is stored ----------------------------------------------------------


def test_every_planned_run_is_stored_and_summed_up():
    found = stored()
    assert set(found["runs"]) == {
        name for part, name, *_ in jobs() if part == "runs"
    }
    assert found["summary"] == summary(found["runs"])
    assert set(found["baselines"]) == {
        "fashion-mnist", "animals", "fashion-mnist-without6",
        "fashion-mnist-without8",
    }  # fmt: skip
    for name, group in found["summary"].items():
        if name.endswith("familiar"):
            group = {"anomalies": group["class8"]}
        alarms = group["anomalies"]["reconstruction"]["false_alarms"]
        assert alarms["seeds"] == SEEDS
    assert RESULTS.stat().st_size < 300_000


def number(claim, what, kind):
    """What the ledger makes of a row on the uses: mean, ends, verdict."""
    every = rows.rows()
    (one,) = (
        r for r in every if (r.claim, r.what, r.about) == (claim, what, kind)
    )
    (found,) = findings([one], 1 - 0.05 / len(every))
    judged = found.judged[0]
    return judged.spread.mean, *judged.interval, found.verdict


WORDS = "shirts, unseen"


def test_a_stranger_finds_the_rows_of_the_ledger():
    """From the file of results, by another way."""
    runs, plain = stored()["runs"], stored()["baselines"]
    assert len(rows.rows()) == 36
    strange = [
        runs[f"vae-d16-without6-seed{k}"]["anomalies"]["elbo"]["held_out"]
        for k in range(5)
    ]
    rival = plain["fashion-mnist-without6"]["held_out"]
    off = np.array(strange) - rival
    half = stats.t.ppf(1 - 0.05 / 36 / 2, 4) * off.std(ddof=1) / 5**0.5
    found = number("U4", "VAE: shirts, unseen", "vae")
    wanted = off.mean(), off.mean() - half, off.mean() + half
    assert found[:3] == pytest.approx(wanted)
    assert found[3] == "supported"
    (written,) = (
        row for row in evidence.ledger("U4") if row["row"].endswith(WORDS)
    )
    ends = [float(written[part]) for part in ("number", "low", "high")]
    assert ends == pytest.approx(wanted, rel=1e-4)
    left = [runs[f"ae-d16-seed{k}"]["denoising"]["noise_2"] for k in range(5)]
    best = min(
        plain["fashion-mnist"]["denoising"][k]["noise_2"]
        for k in ("blur", "pca")
    )
    found = number("U2", "AE: noise of .2", "ae")
    assert found[0] == pytest.approx(best - np.mean(left))
    assert found[3] == "not supported"


def test_the_cheapest_code_is_taken_that_is_good_enough():
    coded = {
        "fine": {"bits": 90, "squared": 3.0},
        "coarse": {"bits": 30, "squared": 9.0},
        "rough": {"bits": 20, "squared": 13.0},
    }
    run = {"compression": {"mixture": coded}}
    assert rows.cheapest(12.0, run) == 3.0
    run = {"compression": {"mixture": coded["fine"]}}
    assert rows.cheapest(12.0, run) == 9.0


def test_a_summary_is_the_mean_and_its_interval():
    found = over_seeds(
        [{"a": {"b": 1.0}}, {"a": {"b": 2.0}}, {"a": {"b": 3.0}}]
    )
    assert found["a"]["b"]["mean"] == 2
    assert found["a"]["b"]["low"] == pytest.approx(
        2 - 4.3027 / 3**0.5, abs=1e-3
    )


@pytest.mark.slow
def test_the_zoo_s_models_score_as_the_sweep_s_do():
    """They are trained by the same recipe, from another seed of the first
    edition: by reconstruction both find what lies upside down about as often.
    """
    uses = tasks.Uses(zoo.load("ae", 16), fashion, fashion.train)
    strange = {"upside_down": uses.test.flip(-2)}
    found = uses.anomalies(strange)["reconstruction"]["upside_down"]
    swept = stored()["summary"]["ae-d16"]["anomalies"]["reconstruction"]
    assert found == pytest.approx(swept["upside_down"]["mean"], abs=0.03)
