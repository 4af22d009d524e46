"""What is measured on what: which images and codes each metric looks at, and by
which draws. The formulas themselves are tested with the library.
"""

import inspect
import itertools
import math

import pytest
import torch
import torch.nn.functional as F

from aevae_lib import evidence, measure, sample, zoo
from aevae_lib.data import to_float
from experiments import metrics, runs
from experiments.metrics import METRICS
from experiments.runs import SHIRT, Run
from tests.experiments import tiny

EVERY = [run for stage in runs.STAGES for run in runs.stage_runs(stage)]


# --- the table ---------------------------------------------------------------


def test_every_metric_says_what_it_is():
    names = [metric.name for metric in metrics.TABLE]
    assert len(set(names)) == len(names)
    for metric in METRICS.values():
        assert metric.unit
        assert metric.better in ("lower", "higher", "neither")
        assert metric.name.isidentifier()


def test_a_floor_is_a_number_or_measured_too():
    stored = evidence.floors()
    for metric in METRICS.values():
        if not isinstance(metric.floor, str) or metric.floor in stored:
            continue
        assert metric.floor != metric.name
        for run in EVERY:
            if metric.applies(run):
                assert METRICS[metric.floor].applies(run), metric.name


def test_a_run_is_to_have_what_it_can_have():
    def wanted(*arguments, **options) -> set[str]:
        return set(metrics.wanted(Run(*arguments, **options)))

    flat, deep = wanted("ae", 2, 0), wanted("ae", 16, 0)
    assert flat - deep >= {"area_ratio", "precision_in_holes"}
    assert deep < flat
    cloud = wanted("vae", 16, 0)
    assert cloud - deep == {
        "kl", "loss", "kl_monte_carlo_error", "active_units", "posterior_std",
    }  # fmt: skip
    assert wanted("noisy", 2, 0) == wanted("penalised", 2, 0) == flat
    shirts = {"shirt_hits_alone", "shirt_coverage_alone"}
    terms = {"reconstruction", "reconstruction_mu", "train_reconstruction_mu"}
    assert wanted("ae", 2, 0, only_class=SHIRT) == {*terms, "gap"} | shirts
    told = {"shirt_hits_told", "shirt_coverage_told"}
    assert wanted("cae", 2, 0) == {"reconstruction"} | told
    assert wanted("cvae", 2, 0) == {"reconstruction", "kl"} | told
    assert wanted("ae", 2, runs.TUNING_SEED) == set()


# --- what is measured on what ------------------------------------------------


class Measured:
    """All metrics of an untrained model of a kind, and with what arguments the
    library's measures and samplers were called.
    """

    def __init__(self, kind: str, folder):
        self.calls: dict[str, list[tuple]] = {}
        run = Run(kind, 2, 0)
        with tiny.worker_in(folder) as held, pytest.MonkeyPatch.context() as m:
            self.fashion, self.judge = held["fashion"], held["judge"]
            self.model = runs.build(run).eval()
            self.magnify()
            self.subject = tiny.subject_of(run, self.model, held)
            self.expect()
            for name in measure.__all__:
                m.setattr(measure, name, self.noted(measure, name))
            for name in ("prior", "fitted_gaussian", "jittered"):
                m.setattr(sample, name, self.noted(sample, name))
            for name, make in sample.SAMPLERS.items():
                made = self.noted_as(f"{name} sampler", make)
                m.setitem(sample.SAMPLERS, name, made)
            self.names = metrics.wanted(run)
            self.found = metrics.evaluate(self.subject, self.names)
            again = tiny.subject_of(run, self.model, held)
            self.others = metrics.evaluate(again, self.names[::-4])

    @torch.no_grad()
    def magnify(self) -> None:
        """An untrained model hardly sees its input: let it see more of it."""
        self.model.head.weight.mul_(30)
        self.model.decoder[-1].weight.mul_(30)

    def expect(self) -> None:
        """What it should be measured on, by the library alone."""
        self.train, self.test = self.fashion.train, self.fashion.test
        self.codes, self.test_codes = (
            sample.codes_of(self.model, part.images)
            for part in (self.train, self.test)
        )
        shirts = self.train[self.train.labels == SHIRT]
        self.shirts = sample.codes_of(self.model, shirts.images)
        self.draws = {
            name: make(self.codes)(tiny.DRAWS, seed=1)
            for name, make in sample.SAMPLERS.items()
        }
        self.real = self.judge.look(to_float(self.test.images))

    def noted(self, module, name: str):
        return self.noted_as(name, getattr(module, name))

    def noted_as(self, name: str, function):
        signature = inspect.signature(function)

        def noting(*arguments, **options):
            bound = signature.bind(*arguments, **options)
            bound.apply_defaults()
            self.calls.setdefault(name, []).append(tuple(bound.args))
            return function(*arguments, **options)

        return noting

    def looked_at(self, z: torch.Tensor) -> torch.Tensor:
        """The judge's features of what latent points decode to."""
        return self.judge.look(sample.pictures(self.model, z))


@pytest.fixture(scope="module", params=["ae", "vae"])
def measured(request, tmp_path_factory):
    return Measured(request.param, tmp_path_factory.mktemp("measured"))


def same(tensor: torch.Tensor, other: torch.Tensor) -> bool:
    """Alike but for rounding: the last digits of what a network computes depend
    on the processor and on how many threads share the work.
    """
    return tensor.shape == other.shape and torch.allclose(
        tensor.double(), other.double(), rtol=1e-4, atol=1e-5
    )


def is_one_of(tensor: torch.Tensor, *others: torch.Tensor) -> bool:
    return any(same(tensor, other) for other in others)


def test_samplers_are_fitted_to_training_codes(measured):
    m = measured
    centred = m.codes - m.codes.mean(0)
    for name in ("prior", "box", "Gaussian", "mixture", "jittered"):
        for codes, *_ in m.calls[f"{name} sampler"]:
            assert is_one_of(codes, m.codes), name
    for name in ("fitted_gaussian", "jittered"):  # called by name as well
        for codes, *_ in m.calls.get(name, []):
            assert is_one_of(codes, m.codes, centred, m.shirts), name


def test_draws_are_compared_with_test_images(measured):
    """Precision and coverage: of reconstructions of test codes, of each
    sampler's draws, and of those in and outside holes; of shirts with shirts.
    """
    m, few = measured, tiny.FEW
    real, shirts = m.real[: tiny.DRAWS], m.real[m.test.labels == SHIRT]
    seen = {
        name: m.looked_at(z)
        for name, z in {
            "reconstruction": m.test_codes[: tiny.DRAWS], **m.draws,
        }.items()
    }  # fmt: skip
    hole = measure.in_hole(m.draws["Gaussian"], m.codes)
    for name, part in (("in", hole), ("outside", ~hole)):
        if part.any():
            seen[name] = m.looked_at(m.draws["Gaussian"][part][:few])
    for one, other in itertools.combinations(seen.values(), 2):
        assert not same(one, other)  # or it could not be told what was used
    calls = m.calls["precision_coverage"]
    drawn = [
        generated for generated, other, _ in calls if is_one_of(other, real)
    ]
    for name, features in seen.items():
        assert is_one_of(features, *drawn), name
    assert all(is_one_of(features, *seen.values()) for features in drawn)
    others = [other for _, other, _ in calls if not is_one_of(other, real)]
    assert len(others) >= 2  # a density, and steps
    assert all(is_one_of(other, shirts) for other in others)


def test_holes_are_those_of_training_codes(measured):
    m = measured
    for draws, codes, _ in m.calls["in_hole"]:
        assert is_one_of(codes, m.codes)
        assert is_one_of(draws, *m.draws.values())
    for held_out, codes, _ in m.calls["hole_fraction"]:
        assert is_one_of(codes, m.codes)
        assert is_one_of(held_out, m.test_codes[: tiny.DRAWS])


def test_classes_are_read_off_mu_of_test_images(measured):
    m = measured
    mu, test_mu = (
        sample.encode(m.model, part.images) for part in (m.train, m.test)
    )
    known = (mu, m.train.labels, test_mu, m.test.labels)
    for name in ("neighbour_accuracy", "probe_accuracy"):
        for call in m.calls[name]:
            assert all(map(same, call, known)), name


def test_codes_are_told_from_draws_that_no_other_metric_uses(measured):
    m, held_out = measured, measured.test_codes[: tiny.DRAWS]
    draws = [
        sample.SAMPLERS[name](m.codes)(tiny.DRAWS, seed=4)
        for name in ("Gaussian", "prior")
    ]
    calls = m.calls["two_sample_accuracy"]
    assert len(calls) >= 2
    for codes, drawn, *_ in calls:
        assert is_one_of(codes, held_out)
        assert is_one_of(drawn, *draws)
    assert all(same(z, m.test_codes) for z, *_ in m.calls["asymmetry"])


def test_areas_are_of_training_codes_by_validation_codes(measured):
    m, validation = measured, measured.fashion.validation
    held_out = sample.codes_of(m.model, validation.images)
    known = (m.codes, m.train.labels, held_out, validation.labels)
    for call in m.calls["class_areas"]:
        assert all(map(same, call, known))
    for codes, labels, *_ in m.calls["log_volumes"]:
        assert same(codes, m.codes)
        assert same(labels, m.train.labels)


def test_steps_are_taken_from_test_codes(measured):
    m = measured
    for name in ("flips", "image_change"):
        for _, codes, step, *_ in m.calls[name]:
            assert same(codes, m.test_codes[: tiny.FEW])
            assert step == 0.1
    frames = {call[-1] for call in m.calls["image_change"]}
    assert frames == {m.fashion.frame} == {2}


@torch.no_grad()
def cost(m: Measured, images: torch.Tensor, z: torch.Tensor) -> float:
    """Nats per image by PyTorch's own loss."""
    logits = m.model.decoder(z).double()
    return F.binary_cross_entropy_with_logits(
        logits, to_float(images).double(), reduction="sum"
    ).item() / len(z)


def close(number: float):
    return pytest.approx(number, rel=1e-5, abs=1e-3)


def test_the_loss_is_that_of_test_images(measured):
    m, test, train = measured, measured.test.images, measured.train.images
    drawn = cost(m, test, m.test_codes)
    mu = cost(m, test, sample.encode(m.model, test))
    seen = cost(m, train, sample.encode(m.model, train))
    assert m.found["reconstruction"] == close(drawn)
    assert m.found["reconstruction_mu"] == close(mu)
    assert m.found["train_reconstruction_mu"] == close(seen)
    assert m.found["gap"] == close(mu - seen)
    if "loss" in m.found:
        assert m.found["loss"] == close(drawn + m.found["kl"])


@torch.no_grad()
def test_noise_is_what_the_protocol_says(measured):
    """A tenth of the grey values on pixels, a quarter of the codes' spread on
    codes, each by a seed of its own.
    """
    m, images = measured, measured.test.images[: tiny.FEW]
    mu = sample.encode(m.model, images)
    clean = cost(m, images, mu)
    generator = torch.Generator().manual_seed(3)
    noise = torch.randn(images.shape, generator=generator)
    dirty = (images / 255 + 0.1 * noise).clamp(0, 1)
    expected = cost(m, images, m.model.encode(dirty)) - clean
    assert expected > 0.1
    assert m.found["pixel_noise_cost"] == close(expected)
    factor = torch.linalg.cholesky(torch.cov(m.codes.double().T)).float()
    generator = torch.Generator().manual_seed(2)
    noise = torch.randn(mu.shape, generator=generator) @ factor.T
    expected = cost(m, images, mu + 0.25 * noise) - clean
    assert m.found["code_noise_cost"] == close(expected)


def test_no_metric_depends_on_what_else_is_measured(measured):
    """Every fourth, from the last to the first, of another subject."""
    assert len(measured.others) > 10
    for name, number in measured.others.items():
        found = measured.found[name]
        assert found == number or (math.isnan(found) and math.isnan(number))


def test_precision_where_no_draw_is_has_no_number(measured):
    nowhere = torch.zeros(tiny.DRAWS, dtype=torch.bool)
    assert math.isnan(measured.subject.precision(nowhere))


def test_the_judge_compares_with_test_images_and_their_labels(tmp_path):
    with tiny.worker_in(tmp_path) as held:
        test, judge = held["fashion"].test, held["judge"]
        features = zoo.classifier().features(to_float(test.images))
        assert torch.allclose(judge.test, features, atol=1e-5)
        assert torch.equal(judge.real, judge.test[: tiny.DRAWS])
        right = zoo.classifier().head(features).argmax(1) == test.labels
        recall = right[test.labels == SHIRT].float().mean()
        assert judge.shirt_recall == pytest.approx(recall.item())


@pytest.mark.parametrize("kind", ["cae", "cvae"])
def test_a_model_that_is_told_the_class_draws_shirts(tmp_path, kind):
    """From training codes or the prior, and pays for the test images with
    their own labels.
    """
    run = Run(kind, 2, 0)
    with tiny.worker_in(tmp_path) as held:
        model = runs.build(run).eval()
        subject = tiny.subject_of(run, model, held)
        shown = []
        real = subject.judge.shirts
        subject.judge.shirts = lambda x: (shown.append(x), real(x))[1]
        found = metrics.evaluate(subject, metrics.wanted(run))
        train, test = held["fashion"].train, held["fashion"].test
    codes = sample.codes_of(model, train.images)
    draw = {"cae": sample.fitted_gaussian, "cvae": sample.prior}[kind]
    z, told = draw(codes)(1000, seed=1), torch.full((1000,), SHIRT)
    (pictures,) = shown
    assert same(pictures, sample.pictures(model, z, told))
    z = sample.codes_of(model, test.images)
    with torch.no_grad():
        nats = model.decode(z, test.labels).nats(to_float(test.images))
    assert found["reconstruction"] == close(nats.mean().item())
