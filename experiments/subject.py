"""What is measured on what: a trained model, the images and codes that its
metrics look at, and the judge of pictures.

Samplers are fitted to codes of *training* images. What they draw is compared
with *test* images, and so is everything else but the training half of the gap.
"""

from functools import cache, cached_property

import torch
from torch import Tensor

from aevae_lib import measure, sample
from aevae_lib.data import DataSet, Split, to_float
from aevae_lib.models import Autoencoder
from aevae_lib.zoo import Classifier

from .runs import KINDS, SHIRT, Run

DRAWS = 5000  # of each sampler, and real images that they are compared with
FEW = 2500  # for what is known well enough from fewer
SURE = 0.8  # a classifier less sure than this has not recognised a garment
STEP = 0.1  # of a flip, in standard deviations of the codes
CODE_NOISE = 0.25  # in standard deviations of the codes
PIXEL_NOISE = 0.1  # in grey values


class Judge:
    """The classifier's view of images, and of the real ones that draws are
    compared with.
    """

    def __init__(self, classifier: Classifier, fashion: DataSet):
        self.classifier = classifier.to(fashion.test.images.device)
        self.test = self.look(to_float(fashion.test.images))
        self.real, self.labels = self.test[:DRAWS], fashion.test.labels
        self.count = len(fashion.classes)
        found = self.classes(self.test)[self.labels == SHIRT]
        self.shirt_recall = (found == SHIRT).float().mean()

    @torch.no_grad()
    def look(self, images: Tensor) -> Tensor:
        """Features of images in [0, 1]: (N, 1, 32, 32) -> (N, F)."""
        return torch.cat(
            [self.classifier.features(part) for part in images.split(500)]
        )

    @torch.no_grad()
    def logits(self, features: Tensor) -> Tensor:
        """(N, F) -> (N, 10)."""
        return self.classifier.head(features)

    def classes(self, features: Tensor) -> Tensor:
        """(N, F) -> (N,)."""
        return self.logits(features).argmax(1)

    def report(self, features: Tensor) -> dict[str, float]:
        """How real images with these features look, and how evenly their
        classes are met.
        """
        precision, coverage = measure.precision_coverage(features, self.real)
        confidence = self.logits(features).softmax(1).amax(1)
        shares = measure.class_shares(self.classes(features), self.count)
        return {
            "precision": precision,
            "coverage": coverage,
            "unsure": (confidence < SURE).float().mean().item(),
            "imbalance": measure.total_variation(shares),
            "trousers": shares[1].item(),
        }

    def shirts(self, images: Tensor) -> dict[str, float]:
        """Which images in [0, 1] pass for shirts, and how many kinds of shirt
        they cover.
        """
        features = self.look(images)
        hits = (self.classes(features) == SHIRT).float().mean()
        real = self.test[self.labels == SHIRT]
        coverage = measure.precision_coverage(features, real)[1]
        return {
            "shirt_hits": (hits / self.shirt_recall).item(),
            "shirt_coverage": coverage,
        }


class Subject:
    """A trained model and all that its metrics look at.

    What several metrics share is a property or a function that is evaluated
    once, when it is first asked for. Each random draw has a seed of its own, so
    that no metric depends on which others are measured.
    """

    def __init__(
        self,
        model: Autoencoder,
        run: Run,
        fashion: DataSet,
        judge: Judge,
        seen: Split,
    ):
        self.model, self.run, self.judge = model.eval(), run, judge
        self.kind = KINDS[run.kind]
        self.fashion, self.test, self.seen = fashion, fashion.test, seen
        self.draws, self.report = cache(self._draws), cache(self._report)
        self.shirts, self.in_hole = cache(self._shirts), cache(self._in_hole)

    # codes

    @cached_property
    def codes(self) -> Tensor:
        """Of training images, at most 20,000, which samplers are fitted to:
        (N, D).
        """
        return sample.codes_of(self.model, self.seen.images[:20_000])

    @cached_property
    def test_codes(self) -> Tensor:
        """Of all test images: (N, D)."""
        return sample.codes_of(self.model, self.test.images)

    @property
    def held_out(self) -> Tensor:
        """The first DRAWS of these: (DRAWS, D)."""
        return self.test_codes[:DRAWS]

    @property
    def stepped(self) -> Tensor:
        """The first FEW of these, from which steps are taken: (FEW, D)."""
        return self.test_codes[:FEW]

    @cached_property
    def test_mu(self) -> Tensor:
        """The centre of each test image's cloud: (N, D)."""
        return sample.encode(self.model, self.test.images)

    @cached_property
    def seen_mu(self) -> Tensor:
        """The same of at most 10,000 training images: (N, D)."""
        return sample.encode(self.model, self.seen.images[:10_000])

    @cached_property
    def code_labels(self) -> Tensor:
        """The class of each of `codes`: (N,)."""
        return self.seen.labels[: len(self.codes)]

    @property
    def known(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """What a class is read off: mu, which is what a reader would use."""
        labels = self.seen.labels[: len(self.seen_mu)]
        return self.seen_mu, labels, self.test_mu, self.test.labels

    @cached_property
    @torch.no_grad()
    def posteriors(self) -> tuple[Tensor, Tensor]:
        """mu and logvar of every test image, of a VAE: (N, D), (N, D)."""
        parts = [
            self.model.posterior(to_float(part))
            for part in self.test.images.split(1000)
        ]
        mu, logvar = zip(*parts, strict=True)
        return torch.cat(mu), torch.cat(logvar)

    @cached_property
    def aggregate_kl(self) -> tuple[float, float]:
        """What a code of a VAE tells of its image, and how far all codes
        together are from the prior, in nats.
        """
        return measure.aggregate_kl(*self.posteriors)

    @cached_property
    def areas(self) -> Tensor:
        """Of each class at two dimensions, by a density of `codes` that
        held-out codes choose: (10,).
        """
        validation = self.fashion.validation
        held_out = sample.codes_of(self.model, validation.images)
        return measure.class_areas(
            self.codes, self.code_labels, held_out, validation.labels
        )

    # what it costs to decode codes, in nats

    @torch.no_grad()
    def nats(self, images: Tensor, codes: Tensor, *labels: Tensor) -> float:
        """Per image, to decode codes (N, D), with labels (N,) if the decoder is
        told, into their images.
        """
        batches = zip(
            *(part.split(1000) for part in (images, codes, *labels)),
            strict=True,
        )
        costs = (
            self.model.decode(*z).nats(to_float(x)).sum() for x, *z in batches
        )
        return sum(cost.item() for cost in costs) / len(images)

    @cached_property
    def reconstruction(self) -> float:
        """Of the test images from their codes, drawn where the model draws."""
        told = (self.test.labels,) if self.kind.told else ()
        return self.nats(self.test.images, self.test_codes, *told)

    @cached_property
    def reconstruction_mu(self) -> float:
        """Of the test images from mu."""
        return self.nats(self.test.images, self.test_mu)

    @cached_property
    def seen_reconstruction_mu(self) -> float:
        """Of training images from mu."""
        images = self.seen.images[: len(self.seen_mu)]
        return self.nats(images, self.seen_mu)

    @cached_property
    def few_mu(self) -> Tensor:
        """Of the first FEW test images, which noise is tried on: (N, D)."""
        return sample.encode(self.model, self.test.images[:FEW])

    def added_cost(self, codes: Tensor) -> float:
        """What it costs more to decode these codes than `few_mu`, into the same
        images.
        """
        images = self.test.images[:FEW]
        return self.nats(images, codes) - self.nats(images, self.few_mu)

    def code_noise_cost(self) -> float:
        """What noise on codes, scaled to their spread, adds."""
        centred = self.codes - self.codes.mean(0)
        noise = sample.fitted_gaussian(centred)(len(self.few_mu), seed=2)
        return self.added_cost(self.few_mu + CODE_NOISE * noise)

    @torch.no_grad()
    def pixel_noise_cost(self) -> float:
        """What noise on pixels adds."""
        images = self.test.images[:FEW]
        generator = torch.Generator().manual_seed(3)
        noise = torch.randn(images.shape, generator=generator)
        noise = noise.to(images.device)
        dirty = (to_float(images) + PIXEL_NOISE * noise).clamp(0, 1)
        parts = [self.model.encode(part) for part in dirty.split(1000)]
        return self.added_cost(torch.cat(parts))

    # pictures

    def pictures(self, z: Tensor, *labels: Tensor) -> Tensor:
        """The mean picture at each latent point, of its class if the decoder is
        told: (N, D) -> (N, 1, 32, 32).
        """
        return sample.pictures(self.model, z, *labels)

    def classes(self, z: Tensor) -> Tensor:
        """The class of the picture at each latent point: (N, D) -> (N,)."""
        return self.judge.classes(self.judge.look(self.pictures(z)))

    def _draws(self, sampler: str) -> Tensor:
        """DRAWS latent points by the sampler of this name: (DRAWS, D)."""
        return sample.SAMPLERS[sampler](self.codes)(DRAWS, seed=1)

    def told_apart(self, sampler: str) -> float:
        """How well a classifier tells test codes from a sampler's draws."""
        drawn = sample.SAMPLERS[sampler](self.codes)(DRAWS, seed=4)
        return measure.two_sample_accuracy(self.held_out, drawn)

    def _report(self, source: str) -> dict[str, float]:
        """What the judge says of decoded draws of a sampler, or of decoded test
        codes ("reconstruction").
        """
        reconstructed = source == "reconstruction"
        z = self.held_out if reconstructed else self.draws(source)
        return self.judge.report(self.judge.look(self.pictures(z)))

    def _in_hole(self, sampler: str) -> Tensor:
        """Which draws of a sampler no training code supports: (DRAWS,) bool."""
        return measure.in_hole(self.draws(sampler), self.codes)

    def precision(self, chosen: Tensor) -> float:
        """Of at most FEW of the Gaussian's draws (DRAWS,); NaN if none are
        chosen.
        """
        if not chosen.any():
            return float("nan")
        z = self.draws("Gaussian")[chosen][:FEW]
        features = self.judge.look(self.pictures(z))
        return measure.precision_coverage(features, self.judge.real)[0]

    # shirts

    def _shirts(self, how: str) -> dict[str, float]:
        """What the judge says of 1,000 shirts: see `shirt_draws`."""
        z = self.shirt_draws(how)
        told = torch.full((len(z),), SHIRT, device=z.device)
        labels = (told,) if how == "told" else ()
        return self.judge.shirts(self.pictures(z, *labels))

    def shirt_draws(self, how: str) -> Tensor:
        """1,000 latent points that should be shirts: (1000, D).

        "alone": of a model that has seen nothing else; "told": of one that is
        told what to draw. Of any other, "density": of a density of its shirts'
        codes; "around": of steps around these codes.
        """
        if how in ("alone", "told"):
            variational = self.kind.variational
            draw = sample.prior if variational else sample.fitted_gaussian
            return draw(self.codes)(1000, seed=1)
        shirts = self.seen.images[self.seen.labels == SHIRT]
        codes = sample.codes_of(self.model, shirts)
        if how == "density":
            return sample.fitted_gaussian(codes)(1000, seed=5)
        if self.kind.variational:  # a code is already a draw around its mu
            generator = torch.Generator().manual_seed(5)
            order = torch.randperm(len(codes), generator=generator)
            return codes[order][:1000]
        return sample.jittered(codes)(1000, seed=5)
