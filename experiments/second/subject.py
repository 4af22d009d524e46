"""What is measured on what, in the second edition: a trained model, the images
and codes that its metrics look at, and its pictures beside two references.

Samplers are fitted to codes of *training* images. The test images are halved
for each seed: `references`, whose balls and moments draws are compared with,
and `others`, which are redrawn in place of draws. Both are redrawn by the model
itself, so that its blur is in everything that is compared but for `quality`.
"""

from collections.abc import Callable
from functools import cache, cached_property

import torch
from torch import Tensor

from aevae_lib import measure, sample
from aevae_lib.data import Split, to_float
from aevae_lib.measure.steps import stepped
from aevae_lib.models import Autoencoder

from ..runs import KINDS
from . import beside, referees, resampling
from .runs import Run
from .surroundings import Surroundings, axes_of, codes_of, of_class

FITTED = 20_000  # training codes that samplers are fitted to
KNOWN = 10_000  # training images whose codes or reconstructions are searched
COUNTED = 5000  # draws, where nothing but the model is asked
FEW = 2500  # test images that noise is tried on
MOVED = 0.2  # of the way to another's code: the unit of harm
STEP = 0.1  # of a flip, in standard deviations of the codes
CODE_NOISE = 0.25  # in standard deviations of the codes
PIXEL_NOISE = 0.1  # in grey values
HALVES = "references", "others"
SHOWN = {referees.OLD: 1000}  # pictures to a judge that is no longer relied on
NEAREST, CODES = "nearest", "codes"  # counters, beside the classifier
# Each use of chance has seeds of its own: the run's seed, and a thousand more
# for each line.
CHANCE = ("draws", "halves", "training codes", "test codes", "validation codes",
          "steps", "code noise", "pixel noise", "moved", "told apart",
          "labels")  # fmt: skip


class Subject:
    """A trained model and all that its metrics look at.

    What several metrics share is evaluated once, when it is first asked for.
    `twin()` is the model of the same seed that was trained on all classes.
    """

    def __init__(
        self,
        model: Autoencoder,
        run: Run,
        around: Surroundings,
        seen: Split,
        twin: Callable[[], Autoencoder] | None = None,
    ):
        self.model, self.run, self.around = model.eval(), run, around
        self.dataset, self.seen, self.twin = around.dataset, seen, twin
        self.test, self.where = of_class(self.dataset.test, run.only_class)
        for name in ("draws", "pictures", "view", "balls", "met", "moments",
                     "classes_of", "areas"):  # fmt: skip
            setattr(self, name, cache(getattr(self, f"_{name}")))

    def seed(self, use: str) -> int:
        """The seed of one use of chance, "draws" or another."""
        return self.run.seed + 1000 * CHANCE.index(use)

    # test images

    @cached_property
    def weights(self) -> Tensor:
        """Of the test images: (1 + RESAMPLES, N)."""
        return resampling.weights(len(self.dataset.test))[:, self.where]

    @cached_property
    def halves(self) -> tuple[Tensor, Tensor]:
        """References and others: indices into the test images."""
        n, generator = len(self.test), torch.Generator()
        order = torch.randperm(n, generator=generator.manual_seed(
            self.seed("halves")
        ))  # fmt: skip
        return order[: n // 2], order[n // 2 : 2 * (n // 2)]

    @property
    def references(self) -> Tensor:
        """Indices of the test images that draws are compared with."""
        return self.halves[0]

    @property
    def others(self) -> Tensor:
        """Indices of the test images that are redrawn in place of draws."""
        return self.halves[1]

    def half(self, name: str) -> Tensor:
        """Indices of "references" or "others"."""
        return self.halves[HALVES.index(name)]

    def mean(self, values: Tensor, where: Tensor | slice = slice(None)):
        """The mean over test images, on every resample: (N,) or (N, 1 +
        RESAMPLES) -> (1 + RESAMPLES,).
        """
        return resampling.mean(values, self.weights[:, where])

    # codes

    def codes_of(self, images: Tensor, use: str) -> Tensor:
        """As the decoder met them in training, with the model's noise."""
        return codes_of(self.model, images, self.seed(use))

    @cached_property
    def codes(self) -> Tensor:
        """Of training images, which samplers are fitted to: (N, D)."""
        return self.codes_of(self.seen.images[:FITTED], "training codes")

    @property
    def code_labels(self) -> Tensor:
        """The class of each of `codes`: (N,)."""
        return self.seen.labels[: len(self.codes)]

    @cached_property
    def test_codes(self) -> Tensor:
        """Of the test images: (N, D)."""
        return self.codes_of(self.test.images, "test codes")

    @cached_property
    def test_mu(self) -> Tensor:
        """The centre of each test image's cloud: (N, D)."""
        return sample.encode(self.model, self.test.images)

    @cached_property
    def seen_mu(self) -> Tensor:
        """The same of training images: (N, D)."""
        return sample.encode(self.model, self.seen.images[:KNOWN])

    @torch.no_grad()
    def posteriors(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """mu and logvar of images, of a model that has them: (N, D), (N, D)."""
        parts = [self.model.posterior(to_float(x)) for x in images.split(1000)]
        mu, logvar = zip(*parts, strict=True)
        return torch.cat(mu), torch.cat(logvar)

    @cached_property
    def test_posteriors(self) -> tuple[Tensor, Tensor]:
        """Of the test images: (N, D), (N, D)."""
        return self.posteriors(self.test.images)

    def _areas(self, shuffled: bool = False) -> Tensor:
        """Of each class at two dimensions, by codes that validation codes
        choose a width for; after the labels are shuffled, if so: (K,).
        """
        validation = self.dataset.validation
        held_out = self.codes_of(validation.images, "validation codes")
        labels = [self.code_labels, validation.labels]
        if shuffled:
            generator = torch.Generator().manual_seed(self.seed("labels"))
            labels = [
                own[torch.randperm(len(own), generator=generator)]
                for own in labels
            ]
        return measure.class_areas(self.codes, labels[0], held_out, labels[1])

    # nats

    @torch.no_grad()
    def decoded(
        self, codes: Tensor, images: Tensor, *labels: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The mean picture at each code (N, D), and what it costs to decode it
        into its image, in nats: (N, 1, H, W), (N,).
        """
        pictures, nats = [], []
        for x, *z in zip(
            *(part.split(1000) for part in (images, codes, *labels)),
            strict=True,
        ):
            found = self.model.decode(*z)
            pictures.append(found.mean)
            nats.append(found.nats(to_float(x)))
        return torch.cat(pictures), torch.cat(nats)

    @cached_property
    def redrawn(self) -> tuple[Tensor, Tensor]:
        """The test images from their codes, and what that costs: (N, 1, H, W),
        (N,).
        """
        told = (self.test.labels,) if KINDS[self.run.kind].told else ()
        return self.decoded(self.test_codes, self.test.images, *told)

    @property
    def reconstruction(self) -> Tensor:
        """Nats of each test image from its code: (N,)."""
        return self.redrawn[1]

    @cached_property
    def reconstruction_mu(self) -> Tensor:
        """Of each test image from mu: (N,)."""
        if torch.equal(self.test_mu, self.test_codes):
            return self.reconstruction
        return self.decoded(self.test_mu, self.test.images)[1]

    @cached_property
    def seen_reconstruction_mu(self) -> Tensor:
        """Of training images from mu: (N,)."""
        return self.decoded(self.seen_mu, self.seen.images[:KNOWN])[1]

    @cached_property
    def kl(self) -> Tensor:
        """Of each test image: (N,)."""
        mu, logvar = self.test_posteriors
        return 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(1)

    # draws and their pictures

    def _draws(self, sampler: str) -> Tensor:
        """COUNTED latent points by the sampler of this name: (COUNTED, D)."""
        draw = sample.SAMPLERS[sampler](self.codes)
        return draw(COUNTED, seed=self.seed("draws"))

    @cached_property
    def size(self) -> int:
        """How many draws are decoded: as many as there are others; of a single
        class, as many as if there were all.
        """
        return len(self.dataset.test) // 2

    def points(self, source: str) -> Tensor:
        """Latent points: of a sampler; of "references" or "others"; "moved", of
        the others a fifth of the way to another training code; "stepped", of
        the others after a short step; "land", more draws of the box: (N, D).
        """
        if source in HALVES:
            return self.test_codes[self.half(source)]
        codes = self.test_codes[self.others]
        if source == "moved":
            generator = torch.Generator().manual_seed(self.seed("moved"))
            towards = torch.randint(
                len(self.codes), (len(codes),), generator=generator
            )
            return (1 - MOVED) * codes + MOVED * self.codes[towards]
        if source == "stepped":
            return stepped(codes, STEP, self.seed("steps"))
        if source == "land":
            return self.draws("box")
        return self.draws(source)[: self.size]

    def _pictures(self, source: str) -> Tensor:
        """The mean picture at each of these points: (N, 1, H, W)."""
        if source in HALVES:
            return self.redrawn[0][self.half(source)]
        return sample.pictures(self.model, self.points(source))

    def _view(self, source: str, referee: str) -> Tensor:
        """What a judge sees in these pictures: (N, F)."""
        shown = self.pictures(source)[: SHOWN.get(referee)]
        return self.around.referees[referee].look(shown)

    # beside the model's own reconstructions

    def _balls(self, referee: str) -> beside.Balls:
        """Those of the reconstructions of the references."""
        features = self.view("references", referee)
        where = self.references[: len(features)]
        return beside.Balls(features, self.weights[:, where])

    def _met(self, source: str, referee: str) -> beside.Met:
        """How a sampler's pictures, or the reconstructions of the others, meet
        these balls.
        """
        balls, others = self.balls(referee), self.view("others", referee)
        if source == "others":
            where = self.others[: len(others)]
            return balls.meet(others, self.weights[:, where])
        # As many as the others: coverage depends on the number.
        return balls.meet(self.view(source, referee)[: len(others)])

    def passing(
        self, source: str, referee: str, chosen: Tensor | None = None
    ) -> Tensor:
        """The share of a sampler's pictures, of those chosen (N,) bool, that
        pass, over that of reconstructions; NaN if none are chosen.
        """
        pass_ = self.met(source, referee).passing
        if chosen is not None:
            pass_ = pass_[chosen[: len(pass_)]]
        own = self.met("others", referee).passing
        return pass_.double().mean(0) / self.mean(own, self.others[: len(own)])

    def coverage(self, source: str, referee: str) -> Tensor:
        """The share of balls that hold one of a sampler's pictures, over the
        same for reconstructions.
        """
        own = self.met("others", referee).covered
        return self.met(source, referee).covered / own

    def harm(self, source: str, referee: str) -> float:
        """The Frechet distance of a sampler's pictures from reconstructions of
        the references, over that of reconstructions that were moved.
        """
        own = self.moments("references", referee)
        far, moved = (
            beside.frechet(self.moments(name, referee), own)
            for name in (source, "moved")
        )
        return (far / moved).item()

    # beside real images

    def _moments(self, source: str, referee: str) -> beside.Moments:
        """Of what a judge sees in a sampler's pictures; in the real references,
        on every resample ("real").
        """
        if source != "real":
            return beside.moments(self.view(source, referee))
        real = self.around.real(referee)[self.where][self.references]
        return beside.moments(real, self.weights[:, self.references])

    def quality(self, source: str, referee: str) -> Tensor:
        """The log of the Frechet distance of a sampler's pictures from real
        ones.
        """
        real = self.moments("real", referee)
        return beside.frechet(self.moments(source, referee), real).log()

    def kernel(self, source: str, referee: str) -> float:
        """The kernel distance of the same two sets, a mean over a thousand of
        each at a time.
        """
        real = self.around.real(referee)[self.where][self.references]
        made = self.view(source, referee)
        parts = [
            measure.kernel_distance(*pair)[0]
            for pair in zip(made.split(1000), real.split(1000), strict=True)
        ]
        return sum(parts) / len(parts)

    # classes

    @cached_property
    def known(self) -> tuple[Callable[[Tensor], Tensor], Tensor, Tensor]:
        """Reconstructions of training images of all classes, and their labels;
        and what brings pictures beside them.
        """
        model, (images, labels) = self.model, self.seen[:KNOWN]
        if self.run.only_class is not None:
            model, (images, labels) = self.twin(), self.dataset.train[:KNOWN]
        codes = codes_of(model, images, self.seed("training codes"))
        plane, points = axes_of(sample.pictures(model, codes))
        return plane, points, labels

    def _classes_of(self, source: str, counter: str) -> Tensor:
        """The class of each of these pictures, by a counter: (N,)."""
        if counter == NEAREST:
            plane, known, labels = self.known
            return beside.vote(known, labels, plane(self.pictures(source)))
        if counter == CODES:
            known = self.codes[:KNOWN]
            labels = self.code_labels[:KNOWN]
            return beside.vote(known, labels, self.points(source))
        features = self.view(source, counter)
        return self.around.referees[counter].classes(features)
