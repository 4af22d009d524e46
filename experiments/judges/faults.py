"""Real images with a known dose of one fault: the dose is the truth.

A fault either changes every picture (blur, a patch, contrast), or chooses which
pictures there are (a class missing, copies). The doses of each rise.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from sklearn.cluster import KMeans
from torch import Tensor

from aevae_lib import sample
from aevae_lib.models import Autoencoder

DIMS = (64, 32, 16, 8, 4, 2)  # of codes and components: fewer is a larger dose
KINDS = 10  # clusters within a class


@dataclass(frozen=True)
class Base:
    """Held-out pictures to be spoilt, and what that takes.

    `images` and `others` are (N, 1, H, W) and (M, 1, H, W) in [0, 1]; the
    others come from the training part, so that a garment laid over another is
    none of those that judges compare with. `kinds` (N,) numbers the clusters
    within each class. `held_out` and `learnt` are uint8. `model(kind, d)`
    gives a trained "ae" or "vae" that redraws them.
    """

    images: Tensor
    labels: Tensor
    kinds: Tensor
    others: Tensor
    held_out: Tensor
    learnt: Tensor
    frame: int
    model: Callable[[str, int], Autoencoder]


@dataclass(frozen=True)
class Fault:
    """A fault with its doses from the weakest on: `spoil(base, dose)` gives
    pictures (N, 1, H, W), or `choose(base, dose, pool, n, generator)` gives n
    of the indices in the pool.
    """

    words: str
    unit: str
    doses: tuple[float, ...]
    spoil: Callable[[Base, float], Tensor] | None = None
    choose: Callable[..., Tensor] | None = None


# --- faults of pictures ------------------------------------------------------


def blurred(images: Tensor, sigma: float) -> Tensor:
    """Under a Gaussian `sigma` pixels wide; outside the image it is black."""
    reach = max(1, round(4 * sigma))
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma) ** 2)
    kernel = (kernel / kernel.sum()).to(images)
    channels = images.shape[1]
    row = kernel.view(1, 1, 1, -1).expand(channels, 1, 1, -1)
    across = F.conv2d(images, row, padding=(0, reach), groups=channels)
    return F.conv2d(across, row.mT, padding=(reach, 0), groups=channels)


def overlaid(images: Tensor, others: Tensor, share: float) -> Tensor:
    """Two garments in one: `share` of another picture, the rest of its own."""
    order = torch.randperm(len(others), generator=seeded(1))[: len(images)]
    return (1 - share) * images + share * others[order]


def patched(images: Tensor, side: float, frame: int) -> Tensor:
    """A black square, `side` pixels wide, somewhere inside the frame.

    One place for each image, whatever the side: a larger patch holds the
    smaller one as far as the edge of the picture allows.
    """
    height, width = (n - 2 * frame for n in images.shape[2:])
    where = torch.rand(2, len(images), 1, generator=seeded(2))
    masks = []
    for extent, start in zip((height, width), where, strict=True):
        first = frame + (start * (extent - side)).round()
        pixel = torch.arange(extent + 2 * frame)
        masks.append((pixel >= first) & (pixel < first + side))
    rows, columns = masks
    hidden = rows[:, None, :, None] & columns[:, None, None, :]
    return images.masked_fill(hidden.to(images.device), 0)


def contrasted(images: Tensor, factor: float) -> Tensor:
    """Every grey value times a factor, at most white."""
    return (factor * images).clamp(max=1)


def truncated(images: Tensor, known: Tensor, components: float) -> Tensor:
    """What so many principal components of the known images leave."""
    flat = known.flatten(1)
    centre = flat.mean(0)
    covariance = torch.cov(flat.T.double())
    axes = torch.linalg.eigh(covariance).eigenvectors.flip(1)
    axes = axes[:, : int(components)].to(images)
    codes = (images.flatten(1) - centre) @ axes
    return (codes @ axes.T + centre).clamp(0, 1).view_as(images)


# --- faults of a collection --------------------------------------------------


def without(
    groups: Tensor, dose: float, pool: Tensor, n: int, generator
) -> Tensor:
    """n of the pool, none of them from `dose` groups, which are drawn."""
    missing = torch.randperm(int(groups.max()) + 1, generator=generator)
    left = pool[~torch.isin(groups[pool], missing[: int(dose)])]
    if len(left) < n:
        raise ValueError(
            f"Without {dose:g} groups only {len(left)} pictures are left of "
            f"the {n} that are asked for."
        )
    return left[torch.randperm(len(left), generator=generator)[:n]]


def copies(pool: Tensor, n: int, dose: float, generator) -> Tensor:
    """n of the pool, each of them `dose` times or once more."""
    few = pool[torch.randperm(len(pool), generator=generator)]
    few = few[: max(1, round(n / dose))]
    return few[torch.arange(n) % len(few)]


def kinds_of(images: Tensor, labels: Tensor) -> Tensor:
    """Kinds within each class, by the pixels: (N,), 0 to KINDS - 1 in every
    class. Dropping one drops a kind of every class.
    """
    kinds = torch.zeros(len(labels), dtype=torch.long)
    for label in labels.unique():
        own = (labels == label).nonzero().squeeze(1)
        small = F.avg_pool2d(images[own], 2).flatten(1).numpy()
        found = KMeans(KINDS, n_init=2, random_state=0).fit_predict(small)
        kinds[own] = torch.from_numpy(found).long()
    return kinds


# --- faults in code space: of a model's own redrawn pictures -----------------


def mixed(model: Autoencoder, codes: Tensor, learnt: Tensor, share: float):
    """Decoded on the way from a code to the code of another image."""
    order = torch.randperm(len(learnt), generator=seeded(3))[: len(codes)]
    return sample.pictures(model, (1 - share) * codes + share * learnt[order])


def shaken(model: Autoencoder, codes: Tensor, learnt: Tensor, size: float):
    """Decoded at codes with noise: `size` in standard deviations of codes."""
    noise = torch.randn(codes.shape, generator=seeded(4)) * learnt.std(0)
    return sample.pictures(model, codes + size * noise)


def spread(model: Autoencoder, codes: Tensor, learnt: Tensor, factor: float):
    """Decoded at codes that lie `factor` times as far from their centre."""
    centre = learnt.mean(0)
    return sample.pictures(model, centre + factor * (codes - centre))


# --- the lists ---------------------------------------------------------------


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


MISSING = (
    Fault(
        "classes missing", "of 10", (1, 2, 3, 5),
        choose=lambda b, d, pool, n, g: without(b.labels, d, pool, n, g),
    ),
    Fault(
        "kinds within classes missing", "of 10", (1, 2, 3, 5),
        choose=lambda b, d, pool, n, g: without(b.kinds, d, pool, n, g),
    ),
    Fault(
        "copies of few", "times each", (2, 4, 10, 30),
        choose=lambda b, d, pool, n, g: copies(pool, n, d, g),
    ),
)  # fmt: skip

REAL = (
    *(
        Fault(
            f"redrawn by {name}", "numbers a code", dims,
            lambda b, d, kind=kind: sample.reconstruct(
                b.model(kind, d), b.held_out
            ),
        )
        for kind, name, dims in (
            ("ae", "an AE", DIMS), ("vae", "a VAE", (16, 4, 2)),
        )
    ),
    Fault(
        "principal components only", "components", (64, 16, 4, 2),
        lambda b, d: truncated(b.images, b.others, d),
    ),
    Fault(
        "Gaussian blur", "pixels", (0.3, 0.5, 0.75, 1, 2),
        lambda b, d: blurred(b.images, d),
    ),
    Fault(
        "two garments in one", "share", (0.1, 0.2, 0.3, 0.5),
        lambda b, d: overlaid(b.images, b.others, d),
    ),
    Fault(
        "a patch missing", "pixels wide", (2, 4, 8, 12),
        lambda b, d: patched(b.images, d, b.frame),
    ),
    Fault(
        "too little contrast", "times", (0.9, 0.8, 0.65, 0.5),
        lambda b, d: contrasted(b.images, d),
    ),
    Fault(
        "too much contrast", "times", (1.1, 1.25, 1.5, 2),
        lambda b, d: contrasted(b.images, d),
    ),
    *MISSING,
)  # fmt: skip


def redrawn(model: Autoencoder, base: Base) -> tuple[Fault, ...]:
    """Faults of a sampler, for pictures that `model` has redrawn."""
    codes = sample.codes_of(model, base.held_out)
    learnt = sample.codes_of(model, base.learnt)
    made = (
        ("codes on the way to another's", "share", (0.1, 0.2, 0.3, 0.5), mixed),
        ("codes shaken", "sd", (0.1, 0.2, 0.4, 0.8), shaken),
        ("codes too far out", "times", (1.1, 1.25, 1.5, 2), spread),
    )
    return (
        *(
            Fault(*words, lambda b, d, f=spoil: f(model, codes, learnt, d))
            for *words, spoil in made
        ),
        *MISSING,
    )
