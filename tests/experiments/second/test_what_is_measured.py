"""What is measured on what: which images, codes and pictures meet in a metric.

The judge sees four by four pixels, so that nothing has to be trained.
"""

from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F

from aevae_lib import measure, sample
from aevae_lib.data import to_float
from experiments import runs
from experiments.second import beside, metrics, subject
from experiments.second.referees import BLUR, PIXELS, Referee
from experiments.second.runs import Run
from tests.experiments.second import small


def look(images: torch.Tensor) -> torch.Tensor:
    return F.avg_pool2d(images, 8).flatten(1)


@pytest.fixture(scope="module")
def around():
    dataset = small.fashion()
    judge = Referee(look, lambda x: x[:, :10].argmax(1))
    return SimpleNamespace(
        dataset=dataset,
        referees={PIXELS: judge, BLUR: judge},
        real=lambda name: look(to_float(dataset.test.images)),
        baselines={},
    )


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(subject, "COUNTED", 200)


@torch.no_grad()
def subject_of(around, kind="ae", seed=0, **departures) -> subject.Subject:
    run = Run(kind, 2, seed, **departures)
    model = runs.build(run)
    model.head.weight.mul_(30)  # so that an untrained model sees its input
    model.decoder[-1].weight.mul_(30)
    seen = runs.training_set(run, around.dataset.train)
    return subject.Subject(model, run, around, seen, lambda: model)


def test_halves_are_of_the_seed_and_share_no_image(around):
    one, twin = (subject_of(around, kind) for kind in ("ae", "vae"))
    other = subject_of(around, seed=1)
    together = torch.cat(one.halves).sort().values
    assert torch.equal(together, torch.arange(small.TEST))
    assert torch.equal(one.halves[0], twin.halves[0])
    assert not torch.equal(one.halves[0], other.halves[0])


@pytest.mark.parametrize("kind", ["ae", "vae", "noisy"])
def test_draws_meet_reconstructions_of_references(around, kind):
    s = subject_of(around, kind)
    again = look(sample.pictures(s.model, s.test_codes))
    references, others = (again[half] for half in s.halves)
    draw = sample.SAMPLERS["Gaussian"](s.codes)(200, seed=0)[: len(others)]
    drawn = look(sample.pictures(s.model, draw))
    found = [measure.precision_coverage(x, references) for x in (drawn, others)]
    passing, coverage = (a / b for a, b in zip(*found, strict=True))
    assert s.passing("Gaussian", PIXELS)[0].item() == pytest.approx(passing)
    assert s.coverage("Gaussian", PIXELS)[0].item() == pytest.approx(coverage)
    # Reconstructions in place of draws pass, and cover, by definition.
    assert (s.coverage("others", PIXELS)[0] - 1).abs() < 1e-9


def test_quality_is_beside_real_references(around):
    s = subject_of(around)
    real = look(to_float(around.dataset.test.images))[s.references]
    drawn = s.view("mixture", PIXELS)
    expected = torch.tensor(measure.frechet(drawn, real)).log()
    found = s.quality("mixture", PIXELS)[0]
    assert found.item() == pytest.approx(expected.item(), abs=1e-6)


def test_harm_is_in_units_of_reconstructions_that_were_moved(around):
    s = subject_of(around)
    own, moved = s.view("references", PIXELS), s.view("moved", PIXELS)
    drawn = s.view("box", PIXELS)
    expected = measure.frechet(drawn, own) / measure.frechet(moved, own)
    assert s.harm("box", PIXELS) == pytest.approx(expected, rel=1e-6)
    codes = s.test_codes[s.others]
    towards = (s.points("moved") - 0.8 * codes) / 0.2
    assert torch.cdist(towards, s.codes).amin(1).max() < 1e-3


def test_what_is_lost_in_holes_is_outside_less_inside(around, monkeypatch):
    s = subject_of(around)
    supported = measure.in_hole(s.draws("Gaussian"), s.codes)
    assert torch.equal(metrics.holes(s, "Gaussian"), supported)
    every = torch.arange(len(supported)) % 3 == 0  # such a small model has none
    monkeypatch.setattr(metrics, "holes", lambda s, name: every)
    hole = every[: s.size]
    passed = s.met("Gaussian", PIXELS).passing[:, 0].double()
    own = s.met("others", PIXELS).passing[:, 0].double().mean()
    expected = (passed[~hole].mean() - passed[hole].mean()) / own
    found = metrics.lost_in_holes(s, PIXELS)[0]
    assert found.item() == pytest.approx(expected.item())


def test_flips_are_of_others_after_a_tenth_of_a_deviation(around):
    s = subject_of(around)

    def classes(z: torch.Tensor) -> torch.Tensor:
        return look(sample.pictures(s.model, z))[:, :10].argmax(1)

    codes = s.test_codes[s.others]
    expected = measure.flips(classes, codes, 0.1, s.seed("steps"))
    assert metrics.flips(s, BLUR)[0].item() == pytest.approx(expected)


def test_one_class_is_counted_among_its_twins_reconstructions(around):
    s = subject_of(around, only_class=runs.SHIRT)
    assert (s.test.labels == runs.SHIRT).all()
    assert set(s.seen.labels.tolist()) == {runs.SHIRT}
    _, _, labels = s.known
    train = around.dataset.train
    assert torch.equal(labels, train.labels)
    pictures = sample.pictures(s.model, sample.encode(s.model, train.images))
    expected = beside.vote(
        pictures.flatten(1), labels, s.pictures("prior").flatten(1)
    )
    found = s.classes_of("prior", subject.NEAREST)
    assert (found == expected).float().mean() > 0.99


def test_each_use_of_chance_has_seeds_of_its_own(around):
    one, other = subject_of(around), subject_of(around, seed=1)
    uses = subject.CHANCE
    seeds = {s.seed(use) for s in (one, other) for use in uses}
    assert len(seeds) == 2 * len(uses)
    assert not torch.equal(one.draws("prior"), other.draws("prior"))


def test_a_gaussian_cloud_is_not_told_and_a_ring_is(around):
    s = subject_of(around)
    normal = torch.randn(4000, 2, generator=torch.Generator().manual_seed(3))
    for codes, low, high in (
        (normal, 0.4, 0.6), (F.normalize(normal), 0.8, 1.0),
    ):  # fmt: skip
        vars(s).update(
            codes=codes[: -small.TEST], test_codes=codes[-small.TEST :]
        )
        assert low < metrics.told_gaussian(s)[0] < high
