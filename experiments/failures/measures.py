"""Train one changed loop, and measure what one can see and what tests say."""

import math
from types import ModuleType
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aevae_lib.data import DataSet, to_float
from aevae_lib.models import evaluating

from .changes import CHANGES, NORM

IMAGES = 2000  # of the training part, others for every seed
# Of the test part: the loop's own, and those that come in when all is done. A
# model on its way finds both about equally hard.
TEST, LATER = slice(200, 400), slice(400, 2400)
DRAWS, SHOWN = 200, 8
ACTIVE = 0.01  # the variance of a code's mean above which it is in use


class Pictures(NamedTuple):
    """What a run sees: uint8 (N, 1, 32, 32) each."""

    images: Tensor  # to train on; every seed has its own
    test: Tensor  # that the loop reports on
    later: Tensor  # that come in when all is done
    mean: Tensor  # (1, 1, 32, 32) from 0 to 1: the mean of many pictures


def pictures(dataset: DataSet, seed: int) -> Pictures:
    """The pictures of a run."""
    order = torch.randperm(
        len(dataset.train), generator=torch.Generator().manual_seed(seed)
    )
    mean = to_float(dataset.train.images[:20_000]).mean(0, keepdim=True)
    images = dataset.train.images[order[:IMAGES]]
    test = dataset.test.images
    return Pictures(images, test[TEST], test[LATER], mean)


class Report:
    """What the loop tells: kept at each of its reports."""

    def __init__(self, model: nn.Module):
        self.model, self.rows, self.since = model, [], []
        self.losses: list[float] = []

    def train(self, loss: Tensor, rec: Tensor, kl: Tensor) -> None:
        """One step, after its gradient."""
        grads = [p.grad for p in self.model.parameters() if p.grad is not None]
        norm = nn.utils.get_total_norm(grads)
        self.since.append(torch.stack([loss, rec, kl, norm]).detach())
        self.losses.append(loss.item())

    def test(self, rec: Tensor, kl: Tensor) -> None:
        """The same terms on the test pictures; what came since is averaged."""
        means = torch.stack(self.since).mean(0).tolist()
        self.since = []
        names = ("loss", "rec", "kl", "grad", "test_rec", "test_kl")
        values = [*means, rec.item(), kl.item()]
        self.rows.append(dict(zip(names, values, strict=True)))

    @property
    def nan_step(self) -> int | None:
        """The first step, from 1, whose loss was not finite."""
        steps = enumerate(self.losses, start=1)
        return next((n for n, loss in steps if not math.isfinite(loss)), None)


def trained(
    name: str, network: str, seed: int, seen: Pictures
) -> tuple[ModuleType, nn.Module, Report]:
    """The changed loop, its model after training, and what it told."""
    loop = CHANGES[name].module()
    torch.manual_seed(seed)
    model = loop.BareVAE(nn.BatchNorm1d if network == NORM else nn.Identity)
    report = Report(model)
    loop.train(model, seen.images, seen.test, report)
    return loop, model, report


def measure(
    loop: ModuleType, model: nn.Module, report: Report, seen: Pictures
) -> dict[str, float | None]:
    """Numbers on a trained model; NaN where the model has none."""
    found: dict[str, float | None] = {"nan_step": report.nan_step}
    found |= counters(model, len(report.losses))
    with evaluating(model), torch.no_grad():
        found |= costs(loop, model, seen)
        found |= codes_and_draws(loop, model, seen)
        found["dead"] = dead_units(loop, model, seen.test)
    found["pull"] = pull(loop, model, seen.images[:200])
    return found


def nats(logits: Tensor, pictures: Tensor) -> Tensor:
    """What each picture costs under the drawn one: (N,)."""
    x = to_float(pictures)
    cost = F.binary_cross_entropy_with_logits(logits, x, reduction="none")
    return cost.flatten(1).sum(1)


def costs(
    loop: ModuleType, model: nn.Module, seen: Pictures
) -> dict[str, float]:
    """True reconstruction and KL of later pictures, whatever the loop printed,
    and how much dearer later pictures are than those of the test, beyond what
    they cost the mean picture.
    """
    plain = {}
    mean = seen.mean.clamp(1e-4, 1 - 1e-4).logit()
    for part in ("test", "later"):
        x = getattr(seen, part)
        logits, mu, logvar = model(loop.as_input(x))
        cost = nats(logits, x)
        kl = 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(1)
        beyond = cost - nats(mean.expand(len(x), -1, -1, -1), x)
        plain[part] = [cost.mean(), kl.mean(), beyond.mean()]
    rec, kl, _ = plain["later"]
    dearer = plain["later"][2] - plain["test"][2]
    return {"rec": rec.item(), "kl": kl.item(), "dearer": dearer.item()}


def codes_and_draws(
    loop: ModuleType, model: nn.Module, seen: Pictures
) -> dict[str, float]:
    """How codes and drawn pictures are spread, and what the noise is."""
    went_in = []
    hook = model.decoder.register_forward_pre_hook(
        lambda _, inputs: went_in.append(inputs[0])
    )
    x = loop.as_input(seen.later)
    redrawn, mu, logvar = model(x)
    hook.remove()
    noise = (went_in[0] - mu) / torch.exp(0.5 * logvar)
    torch.manual_seed(0)
    drawn = shown(loop, model, torch.randn(DRAWS, mu.shape[1]))
    real = to_float(seen.later[:DRAWS])
    return {
        "active": (mu.var(0) > ACTIVE).float().sum().item(),
        "spread": mu.std(0).mean().item(),
        "noise": noise.std().item(),
        "draws": spread(drawn) / spread(real),
        "redrawn": spread(redrawn[:DRAWS].sigmoid()) / spread(real),
        "darkest": drawn.flatten(1).min(1).values.mean().item(),
        "input": x.max().item(),
    }


@torch.no_grad()
def to_show(loop: ModuleType, model: nn.Module, seen: Pictures) -> dict:
    """Codes of the test pictures, some of them redrawn, and some new ones: the
    bytes of `SHOWN` pictures each, in hexadecimal.
    """
    with evaluating(model):
        mu = model(loop.as_input(seen.test))[1]
        torch.manual_seed(1)
        z = torch.randn(SHOWN, mu.shape[1])
        both = [shown(loop, model, points) for points in (mu[:SHOWN], z)]
    grey = (torch.cat(both).nan_to_num() * 255).round().byte()
    codes = [[float(f"{z:.3g}") for z in point] for point in mu.tolist()]
    return {"codes": codes, "shown": grey.numpy().tobytes().hex()}


def shown(loop: ModuleType, model: nn.Module, z: Tensor) -> Tensor:
    """The pictures of latent points, by the network as the loop uses it."""
    logits = model.decoder(z)
    twice = ".sigmoid()," in CHANGES[loop.__name__.removeprefix("bare_")].source
    return (logits.sigmoid() if twice else logits).sigmoid()


def spread(some: Tensor) -> float:
    """How much pictures differ: the mean over pixels of their deviation."""
    return some.std(0).mean().item()


def dead_units(loop: ModuleType, model: nn.Module, test: Tensor) -> float:
    """The share of ReLUs that are zero for every picture."""
    alive: list[Tensor] = []
    hooks = [
        layer.register_forward_hook(
            lambda _, __, out: alive.append(~(out <= 0).all(0))
        )
        for layer in model.modules()
        if isinstance(layer, nn.ReLU | nn.LeakyReLU)
    ]
    model(loop.as_input(test))
    for hook in hooks:
        hook.remove()
    return 1 - torch.cat(alive).float().mean().item()


def pull(loop: ModuleType, model: nn.Module, images: Tensor) -> float:
    """The norm of the gradient that the reconstruction sends to the encoder."""
    model.zero_grad()
    with evaluating(model):
        rec, _ = loop.elbo(model, images)
        if rec.requires_grad:
            rec.backward()
    grads = [p.grad for p in model.encoder.parameters() if p.grad is not None]
    model.zero_grad()
    return (
        torch.stack([g.norm() for g in grads]).norm().item() if grads else 0.0
    )


def counters(model: nn.Module, steps: int) -> dict[str, float | None]:
    """The share of steps that BatchNorm has counted, where there is any."""
    layers = [m for m in model.modules() if isinstance(m, nn.BatchNorm1d)]
    counted = layers[0].num_batches_tracked.item() / steps if layers else None
    return {"counted": counted}
