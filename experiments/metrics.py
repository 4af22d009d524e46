"""Every metric of the protocol (chapters/protocol.md) for one trained model."""

import math

import torch
from torch import Tensor

from aevae_lib import losses, measure, sample
from aevae_lib.data import FashionMNIST, Split, to_float
from aevae_lib.models import VAE, Autoencoder, ConditionalAutoencoder
from aevae_lib.zoo import Classifier

SHIRT = 6
DRAWS = 5000  # of each sampler, and real images that they are compared with
FEW = 2500  # for what is known well enough from fewer
SURE = 0.8  # a classifier less sure than this has not recognised a garment
STEP = 0.1  # of a flip, in standard deviations of the codes
CODE_NOISE, PIXEL_NOISE = (
    0.25,
    0.1,
)  # in standard deviations of the codes, and in grey values


class Judge:
    """The classifier's view of images, and of the real ones that draws are
    compared with.
    """

    def __init__(self, classifier: Classifier, fashion: FashionMNIST):
        self.classifier = classifier.to(fashion.test.images.device)
        self.test = self.look(to_float(fashion.test.images))
        self.real, self.labels = self.test[:DRAWS], fashion.test.labels
        self.shirt_recall = (
            (self.classes(self.test)[self.labels == SHIRT] == SHIRT)
            .float()
            .mean()
        )

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

    def report(self, features: Tensor, suffix: str) -> dict[str, float]:
        """How real images with these features look, and how evenly their
        classes are met.
        """
        precision, coverage = measure.precision_coverage(features, self.real)
        confidence = self.logits(features).softmax(1).amax(1)
        shares = measure.class_shares(self.classes(features))
        return {
            f"precision_{suffix}": precision,
            f"coverage_{suffix}": coverage,
            f"unsure_{suffix}": (confidence < SURE).float().mean().item(),
            f"imbalance_{suffix}": measure.total_variation(shares),
            f"trousers_{suffix}": shares[1].item(),
        }

    def shirts(self, images: Tensor, suffix: str) -> dict[str, float]:
        """Which images in [0, 1] pass for shirts, and how many kinds of shirt
        they cover.
        """
        features = self.look(images)
        hits = (self.classes(features) == SHIRT).float().mean()
        real = self.test[self.labels == SHIRT]
        return {
            f"shirt_hits_{suffix}": (hits / self.shirt_recall).item(),
            f"shirt_coverage_{suffix}": measure.precision_coverage(
                features, real
            )[1],
        }


def evaluate(
    model: Autoencoder, fashion: FashionMNIST, judge: Judge, seen: Split
) -> dict[str, float]:
    """All metrics of a model that was trained on the images `seen`."""
    model.eval()
    if isinstance(model, ConditionalAutoencoder):
        return conditional(model, fashion, judge)
    codes = sample.codes_of(model, seen.images[:20_000])
    if len(seen.labels.unique()) == 1:
        draw = (
            sample.prior if isinstance(model, VAE) else sample.fitted_gaussian
        )
        shirts = sample.decode(model, draw(codes)(1000, seed=1))
        return loss_terms(model, fashion, seen) | judge.shirts(shirts, "alone")
    test_codes = sample.codes_of(model, fashion.test.images)
    draws = {
        name: make(codes)(DRAWS, seed=1)
        for name, make in sample.SAMPLERS.items()
    }
    return (
        loss_terms(model, fashion, seen)
        | robustness(model, fashion, codes)
        | layout(model, fashion, codes, test_codes, seen)
        | neighbourhood(model, judge, test_codes)
        | generation(model, judge, draws, test_codes)
        | holes(model, judge, draws, codes, test_codes)
        | shirts_of(model, fashion, judge, seen)
        | variational(model, fashion)
    )


@torch.no_grad()
def nats(model: Autoencoder, images: Tensor, *codes: Tensor) -> float:
    """What it costs to decode codes (N, D), with labels (N,) if told, into
    their images.
    """
    batches = zip(
        images.split(1000), *(part.split(1000) for part in codes), strict=True
    )
    costs = (
        losses.reconstruction(model.decode(*z), to_float(x)).sum()
        for x, *z in batches
    )
    total = sum(cost.item() for cost in costs)
    return total / len(images)


def loss_terms(
    model: Autoencoder, fashion: FashionMNIST, seen: Split
) -> dict[str, float]:
    """Test loss and its terms; with mu for code, the same on training images,
    and the gap.
    """
    test, train = fashion.test.images, seen.images[:10_000]
    found = {
        "reconstruction": nats(model, test, sample.codes_of(model, test)),
        "reconstruction_mu": nats(model, test, sample.encode(model, test)),
        "train_reconstruction_mu": nats(
            model, train, sample.encode(model, train)
        ),
    }
    found["gap"] = found["reconstruction_mu"] - found["train_reconstruction_mu"]
    if isinstance(model, VAE):
        found["kl"] = (
            measure.kl_per_dimension(*posteriors(model, test)).sum().item()
        )
        found["loss"] = found["reconstruction"] + found["kl"]
    return found


@torch.no_grad()
def posteriors(model: VAE, images: Tensor) -> tuple[Tensor, Tensor]:
    """mu and logvar of every image: (N, 1, 32, 32) -> (N, D), (N, D)."""
    parts = [model.posterior(to_float(part)) for part in images.split(1000)]
    mu, logvar = zip(*parts, strict=True)
    return torch.cat(mu), torch.cat(logvar)


def robustness(
    model: Autoencoder, fashion: FashionMNIST, codes: Tensor
) -> dict[str, float]:
    """What noise on codes (scaled to their spread) or on pixels adds to the
    reconstruction.
    """
    images = fashion.test.images[:FEW]
    mu = sample.encode(model, images)
    clean = nats(model, images, mu)
    shaken = CODE_NOISE * sample.fitted_gaussian(codes - codes.mean(0))(
        len(mu), seed=2
    )
    noise = torch.randn(
        images.shape, generator=torch.Generator().manual_seed(3)
    ).to(mu.device)
    dirty = (to_float(images) + PIXEL_NOISE * noise).clamp(0, 1)
    with torch.no_grad():
        seen_dirty = torch.cat(
            [model.encode(part) for part in dirty.split(1000)]
        )
    return {
        "code_noise_cost": nats(model, images, mu + shaken) - clean,
        "pixel_noise_cost": nats(model, images, seen_dirty) - clean,
    }


def layout(
    model: Autoencoder,
    fashion: FashionMNIST,
    codes: Tensor,
    test_codes: Tensor,
    seen: Split,
) -> dict[str, float]:
    """Where codes lie, how evenly classes share the space, and what class a
    code still tells.
    """
    few, fitted = test_codes[:DRAWS], sample.fitted_gaussian(codes)
    labels = seen.labels[: len(codes)]
    volumes = measure.log_volumes(codes, labels)
    # Class is read off mu, which is what a reader would use.
    mu, test_mu = (
        sample.encode(model, x)
        for x in (seen.images[:10_000], fashion.test.images)
    )
    known = (mu, seen.labels[:10_000], test_mu, fashion.test.labels)
    found = {
        "c2st_gaussian": measure.two_sample_accuracy(
            few, fitted(DRAWS, seed=4)
        ),
        "c2st_prior": measure.two_sample_accuracy(
            few, sample.prior(codes)(DRAWS, seed=4)
        ),
        "asymmetry": measure.asymmetry(test_codes),
        "volume_range": (volumes.max() - volumes.min()).item(),
        "volume_range_per_dimension": (volumes.max() - volumes.min()).item()
        / codes.shape[1],
        "neighbour_accuracy": measure.neighbour_accuracy(*known),
        "probe_accuracy": measure.probe_accuracy(*known),
    }
    if codes.shape[1] == 2:
        held_out = sample.codes_of(model, fashion.validation.images)
        areas = measure.class_areas(
            codes, labels, held_out, fashion.validation.labels
        )
        found["area_ratio"] = (areas.max() / areas.min()).item()
        found["area_inequality"] = measure.inequality(areas)
    return found


def neighbourhood(
    model: Autoencoder, judge: Judge, test_codes: Tensor
) -> dict[str, float]:
    """What a small step from a test code changes."""

    def decode_class(z: Tensor) -> Tensor:
        return judge.classes(judge.look(sample.decode(model, z)))

    few = test_codes[:FEW]
    return {
        "flips": measure.flips(decode_class, few, STEP),
        "image_change": measure.image_change(
            lambda z: sample.decode(model, z), few, STEP
        ),
    }


def generation(
    model: Autoencoder,
    judge: Judge,
    draws: dict[str, Tensor],
    test_codes: Tensor,
) -> dict[str, float]:
    """How decoded draws of each sampler look beside decoded test codes."""
    found = {}
    for name, z in [("reconstruction", test_codes[:DRAWS]), *draws.items()]:
        found |= judge.report(judge.look(sample.decode(model, z)), name.lower())
    return found


def holes(
    model: Autoencoder,
    judge: Judge,
    draws: dict[str, Tensor],
    codes: Tensor,
    test_codes: Tensor,
) -> dict[str, float]:
    """At two dimensions: how many draws no training code supports, and what
    they decode to.
    """
    if codes.shape[1] != 2:
        return {}
    found = {
        "hole_fraction_held_out": measure.hole_fraction(
            test_codes[:DRAWS], codes
        )
    }
    for name, z in draws.items():
        found[f"hole_fraction_{name.lower()}"] = measure.hole_fraction(z, codes)
    z = draws["Gaussian"]
    hole = measure.in_hole(z, codes)
    for name, part in (("in", hole), ("outside", ~hole)):
        features = judge.look(sample.decode(model, z[part][:FEW]))
        precision = (
            measure.precision_coverage(features, judge.real)[0]
            if part.any()
            else math.nan
        )
        found[f"precision_{name}_holes"] = precision
    return found


def shirts_of(
    model: Autoencoder, fashion: FashionMNIST, judge: Judge, seen: Split
) -> dict[str, float]:
    """Shirts from a model of all classes: a density of their codes, and steps
    around them.
    """
    images = seen.images[seen.labels == SHIRT]
    codes = sample.codes_of(model, images)
    around = codes[
        torch.randperm(len(codes), generator=torch.Generator().manual_seed(5))
    ][:1000]
    if not isinstance(
        model, VAE
    ):  # a VAE's code is already a draw around its mu
        around = sample.jittered(codes)(1000, seed=5)
    density = sample.fitted_gaussian(codes)(1000, seed=5)
    return judge.shirts(
        sample.decode(model, density), "density"
    ) | judge.shirts(sample.decode(model, around), "around")


def variational(model: Autoencoder, fashion: FashionMNIST) -> dict[str, float]:
    """Of a VAE: which dimensions live, and where the KL goes."""
    if not isinstance(model, VAE):
        return {}
    mu, logvar = posteriors(model, fashion.test.images)
    std = (0.5 * logvar).exp()
    z = sample.encode_sampled(model, fashion.test.images)
    # log q(z|x) - log p(z) at one draw for each image: the KL by Monte Carlo.
    estimate = (
        0.5 * (z**2 - ((z - mu) / std) ** 2 - logvar).sum(1).mean().item()
    )
    found = {
        "kl_monte_carlo_error": estimate
        - measure.kl_per_dimension(mu, logvar).sum().item(),
        "active_units": float(measure.active_units(mu)),
        "posterior_std": (std / z.std(0)).mean().item(),
    }
    if model.latent_dim == 2:
        information, aggregate = measure.aggregate_kl(mu, logvar)
        found |= {"mutual_information": information, "aggregate_kl": aggregate}
    return found


@torch.no_grad()
def conditional(
    model: ConditionalAutoencoder, fashion: FashionMNIST, judge: Judge
) -> dict[str, float]:
    """Of a model that is told the class: its test loss, and its shirts."""
    codes = sample.codes_of(model, fashion.train.images[:20_000])
    test = fashion.test
    cost = nats(
        model, test.images, sample.codes_of(model, test.images), test.labels
    )
    found = {"reconstruction": cost}
    if isinstance(model, VAE):
        found["kl"] = (
            measure.kl_per_dimension(*posteriors(model, test.images))
            .sum()
            .item()
        )
    draw = sample.prior if isinstance(model, VAE) else sample.fitted_gaussian
    z = draw(codes)(1000, seed=1)
    shirts = model.decode(
        z, torch.full((1000,), SHIRT, device=z.device)
    ).sigmoid()
    return found | judge.shirts(shirts, "told")


def floors(fashion: FashionMNIST, judge: Judge) -> dict[str, float]:
    """What real images score in place of decoded draws, and baselines that need
    no training.
    """
    validation = to_float(fashion.validation.images)
    found = judge.report(judge.look(validation), "real")
    shirts = fashion.train.images[fashion.train.labels == SHIRT][:1000]
    found |= judge.shirts(to_float(shirts), "real")
    test = to_float(fashion.test.images)
    logits, labels = judge.logits(judge.test), fashion.test.labels
    p = test.double()
    entropy = (
        -(torch.xlogy(p, p) + torch.xlogy(1 - p, 1 - p))
        .flatten(1)
        .sum(1)
        .mean()
        .item()
    )
    mean_image = (
        to_float(fashion.train.images)
        .mean(0, keepdim=True)
        .clamp(1e-4, 1 - 1e-4)
        .logit()
    )
    found |= {
        "classifier_accuracy": (logits.argmax(1) == labels)
        .float()
        .mean()
        .item(),
        "classifier_calibration": measure.calibration(logits, labels),
        "shirt_recall": judge.shirt_recall.item(),
        "pixel_entropy": entropy,
        "mean_image": losses.reconstruction(mean_image.expand_as(test), test)
        .mean()
        .item(),
    }
    return found | linear_baselines(fashion)


def linear_baselines(fashion: FashionMNIST) -> dict[str, float]:
    """PCA codes: what a linear decoder makes of them in nats, and what class
    they tell.
    """
    train, test = (
        to_float(s.images).flatten(1) for s in (fashion.train, fashion.test)
    )
    centre = train.mean(0)
    torch.manual_seed(0)  # of the random projection that finds the axes
    _, _, axes = torch.svd_lowrank(train - centre, q=64, niter=4)
    found = {}
    for d in (2, 4, 8, 16):
        codes, test_codes = (
            (x - centre) @ axes[:, :d] for x in (train[:20_000], test)
        )
        decode = measure.linear_decoder(
            codes, fashion.train.images[:20_000], steps=20
        )
        cost = losses.reconstruction(
            decode(test_codes), to_float(fashion.test.images)
        )
        known = (
            codes[:10_000],
            fashion.train.labels[:10_000],
            test_codes,
            fashion.test.labels,
        )
        found |= {
            f"linear_d{d}": cost.mean().item(),
            f"pca_neighbour_accuracy_d{d}": measure.neighbour_accuracy(*known),
            f"pca_probe_accuracy_d{d}": measure.probe_accuracy(*known),
        }
    return found
