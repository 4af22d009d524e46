"""The four uses, for anything that turns pictures into codes and back: a model,
or principal components.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor
from torch.distributions import (
    Categorical,
    Distribution,
    MixtureSameFamily,
    MultivariateNormal,
)

from aevae_lib import measure, sample
from aevae_lib.data import DataSet, Split, to_float
from aevae_lib.losses import kl_divergence
from aevae_lib.models import VAE, Autoencoder, reparameterise
from aevae_lib.models import seeded as seeded_state

from ..floors import pixel_entropy
from ..judges.faults import seeded

KNOWN = 20_000  # training images
ASKED = 2000  # test images
STEPS = {  # of a standard deviation
    "sixteenth": 1 / 16, "eighth": 1 / 8, "quarter": 1 / 4, "half": 1 / 2,
    "one": 1.0, "two": 2.0,
}  # fmt: skip
FAULTS = {"noise_1": 0.1, "noise_2": 0.2, "noise_4": 0.4, "black": 0.25}
PATCH = 8  # pixels
LABELLED = (10, 100, 1000)
DRAWS = 5  # of labelled images
ALARMS = 0.05  # false ones, on validation images, that a threshold allows


@dataclass(frozen=True)
class Uses:
    """A trained model and the pictures that it is asked about."""

    model: Autoencoder
    dataset: DataSet
    seen: Split  # what it was trained on
    seed: int = 0

    @cached_property
    def known(self) -> Tensor:
        """Codes of training images: (KNOWN, D)."""
        return sample.encode(self.model, self.seen.images[:KNOWN])

    @cached_property
    def test(self) -> Tensor:
        """Test images in [0, 1]: (ASKED, *shape)."""
        return to_float(self.dataset.test.images[:ASKED])

    # --- compression ---------------------------------------------------------

    def compression(self) -> dict[str, dict]:
        """For each coder and, without a cloud of its own, each width of the
        noise that stands for rounding: bits an image, and what is lost.
        """
        density = mixture(sample.codes_of(self.model, self.seen.images[:KNOWN]))
        normal = MultivariateNormal(
            torch.zeros(self.model.latent_dim).double(),
            torch.eye(self.model.latent_dim).double(),
        )
        coders = {"mixture": density, "prior": normal}
        if isinstance(self.model, VAE):
            return {
                name: self._bits_back(coder) for name, coder in coders.items()
            }
        return {
            name: {step: self._rounded(STEPS[step], coder) for step in STEPS}
            for name, coder in coders.items()
        }

    def _bits_back(self, coder: Distribution) -> dict[str, float]:
        mu, logvar = self.model.posterior(self.test)
        with seeded_state(self.seed):
            z = reparameterise(mu, logvar)
        own = MultivariateNormal(
            mu.double(), scale_tril=(0.5 * logvar.double()).exp().diag_embed()
        )
        nats = own.log_prob(z.double()) - coder.log_prob(z.double())
        return bits_of(nats) | self._lost(z)

    def _rounded(self, step: float, coder: Distribution) -> dict[str, float]:
        mu = sample.encode(self.model, self.test)
        width = step * self.known.std(0)
        z, bits = rounded(mu, width, coder, self.seed)
        return bits | self._lost(z)

    def _lost(self, z: Tensor) -> dict[str, float]:
        with torch.no_grad():
            decoded = self.model.decode(z)
        return {
            "nats": decoded.nats(self.test).mean().item(),
            "squared": squared(decoded.mean, self.test),
        }

    # --- denoising and filling in --------------------------------------------

    def denoising(self) -> dict[str, float]:
        """For each fault: the squared error of what is redrawn, over that of
        the spoilt image.
        """
        return denoised(
            self.test, lambda x: sample.reconstruct(self.model, x), self.seed
        )

    # --- anomalies -----------------------------------------------------------

    def anomalies(self, strange: dict[str, Tensor]) -> dict[str, dict]:
        """For each kind of strange picture and each score: how well it tells
        them from test images, and what a threshold does.
        """
        held_out = to_float(self.dataset.validation.images[:ASKED])
        return self.told_apart(held_out, self.test, strange)

    def told_apart(
        self, held_out: Tensor, usual: Tensor, strange: dict[str, Tensor]
    ) -> dict[str, dict]:
        """What each score makes of them."""
        return {
            name: told_apart(score, held_out, usual, strange)
            for name, score in self.scores().items()
        }

    def scores(self) -> dict[str, Callable[[Tensor], Tensor]]:
        scores = {"reconstruction": self._excess, "neighbours": self._distance}
        if isinstance(self.model, VAE):
            scores["elbo"] = self._elbo
        return scores

    @torch.no_grad()
    def _excess(self, images: Tensor) -> Tensor:
        decoded = self.model.decode(sample.encode(self.model, images))
        return decoded.nats(images) - pixel_entropy(images)

    @torch.no_grad()
    def _elbo(self, images: Tensor) -> Tensor:
        mu, logvar = self.model.posterior(images)
        with seeded_state(self.seed):
            decoded = self.model.decode(reparameterise(mu, logvar))
        return decoded.nats(images) + kl_divergence(mu, logvar)

    def _distance(self, images: Tensor) -> Tensor:
        return fifth(sample.encode(self.model, images), self.known)

    # --- retrieval and few labels --------------------------------------------

    def retrieval(self, kinds: tuple[Tensor, Tensor]) -> dict[str, float]:
        """How often the ten nearest codes are of the same class, and of the
        same kind in it; and what a few labels are enough for.
        """
        asked = sample.encode(self.model, self.test)
        return found(self.known, asked, self.dataset, kinds)


# --- what baselines need as well ---------------------------------------------


def mixture(codes: Tensor) -> MixtureSameFamily:
    """The density of `sample.fit_mixture`, to code by."""
    weights, means, factors = sample.fit_mixture(codes)
    parts = MultivariateNormal(means, scale_tril=factors)
    return MixtureSameFamily(Categorical(weights), parts)


def rounded(
    mu: Tensor, width: Tensor, coder: Distribution, seed: int
) -> tuple[Tensor, dict[str, float]]:
    """Codes (N, D) with uniform noise of this width in place of rounding, and
    what the coder pays for them.
    """
    noise = torch.rand(mu.shape, generator=seeded(seed)) - 0.5
    z = mu + width * noise
    nats = -width.double().log().sum() - coder.log_prob(z.double())
    return z, bits_of(nats)


def bits_of(nats: Tensor) -> dict[str, float]:
    return {"bits": nats.mean().item() / torch.tensor(2.0).log().item()}


def squared(one: Tensor, other: Tensor) -> float:
    """The squared error of an image, over all its pixels."""
    return (one - other).square().flatten(1).sum(1).mean().item()


def spoilt(images: Tensor, fault: str, seed: int) -> Tensor:
    """Images in [0, 1] with normal noise, or with pixels set to black."""
    amount, luck = FAULTS[fault], seeded(seed)
    if fault == "black":
        return images * (torch.rand(images.shape, generator=luck) >= amount)
    noise = torch.randn(images.shape, generator=luck)
    return (images + amount * noise).clamp(0, 1)


def denoised(
    images: Tensor, mend: Callable[[Tensor], Tensor], seed: int
) -> dict[str, float]:
    """For each fault, the squared error after mending over that before."""
    return {
        fault: squared(mend(dirty), images) / squared(dirty, images)
        for fault in FAULTS
        for dirty in [spoilt(images, fault, seed)]
    }


def strange_to(images: Tensor, others: Tensor) -> dict[str, Tensor]:
    """Pictures of another set, and these images spoilt in two ways."""
    patched = images.clone()
    places = torch.randint(4, 20, (len(images), 2), generator=seeded(0))
    for image, (top, left) in zip(patched, places.tolist(), strict=True):
        image[..., top : top + PATCH, left : left + PATCH] = 0
    return {
        "others": others,
        "upside_down": images.flip(-2),
        "patch_missing": patched,
    }


def without(
    dataset: DataSet, k: int
) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """Validation and test images of all classes but one, and of that one the
    test images, which are strange to whoever never saw it.
    """
    held_out, usual = (
        to_float(part.images[part.labels != k][:ASKED])
        for part in (dataset.validation, dataset.test)
    )
    strange = dataset.test.images[dataset.test.labels == k]
    return held_out, usual, {"held_out": to_float(strange)}


def told_apart(
    score: Callable[[Tensor], Tensor],
    held_out: Tensor,
    usual: Tensor,
    strange: dict[str, Tensor],
) -> dict[str, float]:
    """The area under the ROC curve for each strange kind; the share of usual
    images that a threshold takes for strange, which lets 95 % of held-out
    ones pass; and the share of each strange kind that it catches.
    """
    threshold = score(held_out).double().quantile(1 - ALARMS)
    normal = score(usual)
    result = {"false_alarms": (normal > threshold).double().mean().item()}
    for kind, images in strange.items():
        other = score(images)
        scores = torch.cat([normal, other]).double().numpy()
        is_strange = [False] * len(normal) + [True] * len(other)
        result[kind] = float(roc_auc_score(is_strange, scores))
        caught = (other > threshold).double().mean().item()
        result[f"{kind}_caught"] = caught
    return result


def fifth(asked: Tensor, known: Tensor) -> Tensor:
    """The distance to the fifth nearest of the known points: (N,)."""
    return torch.cat(
        [
            torch.cdist(part, known).topk(5, largest=False).values[:, -1]
            for part in asked.split(500)
        ]
    )


def found(
    known: Tensor, asked: Tensor, dataset: DataSet, kinds: tuple[Tensor, Tensor]
) -> dict[str, float]:
    """What neighbours and few labels find in these points: (N, D), (M, D)."""
    labels = dataset.train.labels[: len(known)]
    right = dataset.test.labels[: len(asked)]
    nearest = torch.cat(
        [
            torch.cdist(part, known).topk(10, largest=False).indices
            for part in asked.split(500)
        ]
    )
    same = labels[nearest] == right[:, None]
    alike = kinds[0][nearest] == kinds[1][:, None]
    result = {
        "class": same.double().mean().item(),
        "kind": (same & alike).double().mean().item(),
    }
    for n in LABELLED:
        scores = []
        for draw in range(DRAWS):
            chosen = few(labels, n, draw)
            scores.append(measure.probe_accuracy(
                known[chosen], labels[chosen], asked, right
            ))  # fmt: skip
        result[f"labels_{n}"] = sum(scores) / DRAWS
    return result


def few(labels: Tensor, n: int, seed: int) -> Tensor:
    """Which n images are labelled: as many of each class."""
    order = torch.randperm(len(labels), generator=seeded(seed))
    count = n // int(labels.max() + 1)
    return torch.cat(
        [order[labels[order] == k][:count] for k in labels.unique()]
    )
