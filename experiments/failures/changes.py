"""What goes wrong: each failure, each cure, as a change of a line of `bare`."""

import itertools
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

BARE = Path(__file__).with_name("bare.py")
PLAIN, NORM = "plain", "batchnorm"

Edit = tuple[str, str]  # a piece of the source, and what takes its place


@dataclass(frozen=True)
class Change:
    """A way to train that departs from the bare one in `edits`."""

    name: str
    title: str  # as it stands in a sentence
    edits: tuple[Edit, ...] = ()
    networks: tuple[str, ...] = (PLAIN, NORM)
    cures: str = ""  # the failure that this is advised for

    @property
    def source(self) -> str:
        """The whole changed source.

        Raises `ValueError` for an edit of something that is not there once.
        """
        text = BARE.read_text(encoding="utf-8")
        for old, new in self.edits:
            if text.count(old) != 1:
                raise ValueError(
                    f"{self.name}: {old!r} is there {text.count(old)} times, "
                    "expected once."
                )
            text = text.replace(old, new)
        return text

    def module(self) -> ModuleType:
        """The changed source as a module, to train with."""
        made = ModuleType(f"bare_{self.name}")
        exec(compile(self.source, f"{self.name}.py", "exec"), made.__dict__)
        return made


RATE, LOSS = "lr=3e-3", "loss = rec + kl"
LINEAR = "    linear = nn.Linear(inputs, outputs)\n"
STEP = "        optimizer.step()\n"
ZERO = "        optimizer.zero_grad()\n"
CLIP = "        nn.utils.clip_grad_norm_(model.parameters(), 10.0)\n"
CLIPPED = (STEP, CLIP + STEP)
SLOWER = (RATE, "lr=3e-4")
LONGER = ("steps=201", "steps=601")

FAILURES = (
    Change("no_kl", "the KL is left out", ((LOSS, "loss = rec"),)),
    Change(
        "std",
        "exp(logvar) is taken for the standard deviation",
        (("torch.exp(0.5 * logvar)", "torch.exp(logvar)"),),
    ),
    Change(
        "mean",
        "the reconstruction is a mean over pixels",
        (
            ('reduction="sum")', 'reduction="mean")'),
            ("return rec / len(x), kl", "return rec, kl"),
        ),
    ),
    Change("beta", "beta is far too large", ((LOSS, "loss = rec + 300 * kl"),)),
    Change(
        "sign", "the sign of the KL is turned", ((LOSS, "loss = rec - kl"),)
    ),
    Change("rate", "the learning rate is far too high", ((RATE, "lr=1.0"),)),
    Change(
        "pixels",
        "pixels run from 0 to 255",
        (("pictures.float() / 255", "pictures.float()"),),
    ),
    Change(
        "sigmoid",
        "the sigmoid is taken twice",
        (("return self.decoder(z),", "return self.decoder(z).sigmoid(),"),),
    ),
    Change("zero_grad", "zero_grad is forgotten", ((ZERO, ""),)),
    Change(
        "eval",
        "the model is left in eval mode",
        (("            model.train()\n", ""),),
        (NORM,),
    ),
    Change(
        "detached",
        "the decoder is detached from z",
        (("self.decoder(z)", "self.decoder(z.detach())"),),
    ),
    Change(
        "leak",
        "the test pictures are trained on",
        (
            (
                "images[torch.randint(len(images),",
                "test[torch.randint(len(test),",
            ),
        ),
    ),
    Change(
        "dead",
        "nearly all ReLUs are dead",
        ((LINEAR, LINEAR + "    nn.init.constant_(linear.bias, -3.0)\n"),),
        (PLAIN,),
    ),
    Change("small", "the network is too small", (("width=64", "width=8"),)),
    Change("slow", "the learning rate is too low", ((RATE, "lr=1e-4"),)),
    Change(
        "few",
        "there are too few pictures",
        (("images[torch.randint(len(images),", "images[torch.randint(100,"),),
    ),
)

SOUND = (
    Change("sound", "nothing is wrong"),
    Change(
        "dropout",
        "dropout is on in training",
        (("nn.ReLU())", "nn.ReLU(), nn.Dropout(0.1))"),),
        (PLAIN,),
    ),
    Change(
        "warmup",
        "the KL comes in slowly",
        ((LOSS, "loss = rec + min(1.0, step / 100) * kl"),),
        (PLAIN,),
    ),
)

FAULTS = {change.name: change for change in FAILURES}
WARMED = (
    "kl\n        optimizer",
    "min(1.0, step / 100) * kl\n        optimizer",
)
FREE = ("kl\n        optimizer", "kl.clamp(min=3.0)\n        optimizer")


def cure(name: str, title: str, of: str, *edits: Edit, **how) -> Change:
    """A failure with something that is advised against it."""
    spoilt = FAULTS[of].edits
    networks = how.get("networks", (PLAIN,))
    return Change(f"{of}+{name}", title, spoilt + edits, networks, of)


CURES = (
    *(cure("warmup", "warm-up", of, WARMED) for of in ("beta", "mean")),
    *(cure("free", "3 free nats", of, FREE) for of in ("beta", "mean")),
    cure("warmup", "warm-up", "detached", WARMED),
    cure("free", "3 free nats", "detached", FREE),
    *(
        cure("clip", "clipping at 10", of, CLIPPED)
        for of in ("rate", "sign", "pixels", "zero_grad")
    ),
    cure("slower", "a rate of 0.1", "rate", ("lr=1.0", "lr=0.1")),
    cure("slower", "a rate of 3e-4", "zero_grad", SLOWER),
    cure("slower", "a rate of 3e-4", "dead", SLOWER),
    cure("norm", "BatchNorm", "dead", networks=(NORM,)),
    cure("leaky", "leaky ReLUs", "dead", ("nn.ReLU()", "nn.LeakyReLU()")),
    cure("longer", "three times the steps", "small", LONGER),
    cure("longer", "three times the steps", "slow", LONGER),
    cure("longer", "three times the steps", "sigmoid", LONGER),
    cure("dropout", "dropout", "few", *SOUND[1].edits),
)

CHANGES = {change.name: change for change in (*SOUND, *FAILURES, *CURES)}
# Seed 100 was looked at while the finder was made, so it is in neither.
TUNED_ON, FRESH = (0, 1, 2), (101, 102)


def runs() -> list[tuple[str, str, int]]:
    """(name, network, seed) of every run, in the order in which they are made:
    what the finder is tuned on, what it is judged on, then the cures.
    """
    ill = [change for change in CHANGES.values() if not change.cures]
    stages = ((TUNED_ON, ill), (FRESH, ill), (TUNED_ON, CURES))
    return [
        (change.name, network, seed)
        for seeds, changes in stages
        for seed, change in itertools.product(seeds, changes)
        for network in change.networks
    ]
