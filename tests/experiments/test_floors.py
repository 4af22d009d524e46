"""Floors and baselines on pictures for which they are known."""

import math

import pytest
import torch

from aevae_lib import data, evidence
from experiments import floors
from experiments.judges.candidates import Judge, quick


def pictures(seed: int, n: int) -> data.Split:
    """Two patterns that are mixed at random on grey, and which is stronger."""
    generator = torch.Generator().manual_seed(seed)
    share = torch.rand(n, 2, generator=generator)
    patterns = torch.zeros(2, 1, 32, 32)
    patterns[0, :, 2:16, 2:30] = 100
    patterns[1, :, 16:30, 2:30] = 100
    images = 80 + torch.einsum("nk,kchw->nchw", share, patterns)
    labels = (share[:, 0] > share[:, 1]).long()
    return data.Split(images.round().to(torch.uint8), labels, ("down", "up"))


@pytest.fixture(scope="module")
def toys() -> data.DataSet:
    parts = (pictures(seed, n) for seed, n in enumerate((600, 100, 200)))
    return data.DataSet("toys", *parts, "this test")


def test_two_numbers_hold_two_patterns(toys):
    found = floors.baselines(toys)
    assert found["mean_image"] > found["linear_d2"] + 5
    assert found["linear_d2"] == pytest.approx(found["pixel_entropy"], abs=1)
    assert found["pca_probe_accuracy_d2"] > 0.95
    assert {f"linear_d{d}" for d in (2, 4, 8, 16)} <= found.keys()


def test_a_flawless_decoder_of_even_grey_pays_its_entropy(toys):
    grey = data.Split(
        torch.full((9, 1, 4, 4), 51, dtype=torch.uint8), torch.zeros(9).long()
    )
    found = floors.without_codes(data.DataSet("grey", grey, grey, grey, ""))
    nats = -16 * (0.2 * math.log(0.2) + 0.8 * math.log(0.8))
    for each in (found["pixel_entropy"], found["mean_image"]):
        assert each.tolist() == pytest.approx(9 * [nats], rel=1e-6)


def test_halves_of_the_test_images_share_no_picture(toys, monkeypatch):
    compared = []

    def scores(judge, one, other):
        compared.append((one, other))
        return {"frechet": float(len(compared))}

    monkeypatch.setattr(floors.calibrate, "scores", scores)
    numbered = Judge(
        "row number", lambda x: torch.arange(float(len(x)))[:, None]
    )
    found = floors.halves(toys, [numbered])
    assert found == {"frechet_real_row_number": 3.0}  # the mean of 1 to 5
    for one, other in compared:
        assert len(one) == len(other) == 100
        both = torch.cat([one, other]).squeeze(1)
        assert sorted(both.tolist()) == list(range(200))
    assert len({tuple(one.flatten().tolist()) for one, _ in compared}) == 5


def test_what_is_stored_is_not_measured_anew(toys, tmp_path, monkeypatch):
    monkeypatch.setattr(evidence, "RESULTS", tmp_path)
    monkeypatch.setattr(floors.data, "load", lambda name, device: toys)
    judges = [
        Judge("light", lambda x: x.mean((2, 3)).repeat(1, 2)),
        Judge("slow", lambda x: x, tells=True),
        Judge("light, seed 2", lambda x: x),
    ]
    assert quick(judges) == judges[:1]
    monkeypatch.setattr(floors.candidates, "judges", lambda dataset: judges)
    path = tmp_path / "floors-toys.json"
    path.write_text('{"mean_image": 1.5}')
    floors.main("toys")
    found = evidence.floors("toys")
    assert evidence.floor("mean_image", "toys") == 1.5
    assert next(iter(found)) == "mean_image"
    assert {"linear_d2", "precision_real_light"} <= found.keys()
    assert not any("slow" in name or "seed" in name for name in found)


def test_floors_of_the_animals_are_stored():
    found = evidence.floors("animals")
    assert found["pixel_entropy"] < found["linear_d16"] < found["linear_d2"]
    assert found["linear_d2"] < found["mean_image"]
    for judge in ("pixel_components", "classifier_used_to_blur"):
        assert 0.9 < found[f"precision_real_{judge}"] <= 1
        assert 0.9 < found[f"coverage_real_{judge}"] <= 1
