"""The start page's small pictures: for each chapter five garments in a row, as
its models draw them.

    python -m book.cards

They are drawn by the stored models from the shipped sample of Fashion-MNIST,
and kept in `book/static/cards`; run this when a chapter or a model changes.
"""

import json
from pathlib import Path

import numpy as np
import torch
from matplotlib.image import imsave
from PIL import Image
from sklearn.datasets import load_breast_cancer
from torch import Tensor
from torchvision.transforms.functional import gaussian_blur

from aevae_lib import data, evidence, sample, zoo
from aevae_lib.models import Autoencoder

FOLDER = Path(__file__).parent / "static" / "cards"
COUNT = 5


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, images in strips().items():
        strip = torch.cat(list(images[..., 2:-2, 2:-2]), dim=2).clamp(0, 1)
        colour = strip.expand(3, -1, -1).movedim(0, 2).numpy()
        path = FOLDER / f"{name}.webp"
        imsave(path, colour, pil_kwargs={"quality": 85})
        print(f"{path.name}: {path.stat().st_size} bytes")


def strips() -> dict[str, Tensor]:
    """For each chapter, by its number or a word: (5, C, 32, 32) in [0, 1]."""
    test = data.read_folder(data.SAMPLE_FOLDER)[1]
    images = data.to_float(test.images)

    def first(name: str, count: int = 1) -> Tensor:
        own = (test.labels == test.classes.index(name)).nonzero()[:, 0]
        return test.images[own[:count]]

    ae, vae = zoo.load("ae", 2), zoo.load("vae", 2)
    along = torch.linspace(0, 1, COUNT)[:, None]
    ends = sample.encode(ae, torch.cat([first("Coat"), first("Sneaker")]))
    boot, bag = first("Ankle boot"), first("Bag")
    mu, logvar = vae.posterior(data.to_float(boot))
    noise = torch.randn(COUNT, 2, generator=torch.Generator().manual_seed(1))
    wide = torch.linspace(-2, 2, COUNT)[:, None] * torch.tensor([1.0, 0.0])
    drawn = sample.prior(torch.zeros(1, 16))(COUNT, seed=3)
    ae16, vae16 = zoo.load("ae", 16), zoo.load("vae", 16)
    both = (ae16, drawn[:2]), (vae16, drawn[:3])
    aes = [zoo.load("ae", d) for d in (2, 4, 8, 16)]
    sizes = [zoo.load("vae", d) for d in (2, 4, 8, 16, 64)]
    dial = [zoo.load("vae", 2, beta=beta) for beta in (0, 0.5, 4, 10, 100)]
    real = data.to_float(boot)
    return {
        "01": images[:COUNT],
        "02": torch.cat([images[:1], redrawn(aes, test.images[:1])]),
        "03": sample.pictures(ae, ends[:1] + along * (ends[1:] - ends[:1])),
        "04": sample.pictures(vae, mu + (logvar / 2).exp() * noise),
        "05": sample.pictures(vae, noise),
        "06": sample.pictures(vae, mu + wide),
        "07": torch.cat([sample.pictures(*each) for each in both]),
        "08": torch.cat([gaussian_blur(real, 13, 0.05 + k / 2)
                         for k in range(COUNT)]),
        "09": torch.cat([real, *(shaken(model, boot, test.images)
                                 for model in (ae16, vae16))]),
        "10": redrawn(sizes, bag),
        "11": redrawn(dial, boot),
        "12": sample.pictures(zoo.load("shirt-vae", 16), drawn),
        "uses": rounded(ae16, bag, test.images),
        "choose": redrawn(dial, bag),
        "colour": farmers(),
        "own-pictures": birds(),
        "squares": squares(),
        "take": redrawn([vae16], test.images[:COUNT]),
        "went-wrong": sick(),
    }  # fmt: skip


def redrawn(models: list[Autoencoder], images: Tensor) -> Tensor:
    """What each model makes of the images, one after another."""
    return torch.cat([sample.reconstruct(model, images) for model in models])


def birds() -> Tensor:
    """The first few, of those that models are trained on: (5, 1, 32, 32)."""
    animals = data.load("animals", "cpu")
    own = animals.train.labels == animals.classes.index("Bird")
    return data.to_float(animals.train.images[own][:COUNT])


def farmers() -> Tensor:
    """One farmer in five tones: (5, 3, 32, 32) in [0, 1]."""
    home = data.ASSETS / "people"
    names = (home / "names.txt").read_text(encoding="utf-8").split()
    top = 32 * names.index("farmer/female-farmer")
    with Image.open(home / "sheet.webp") as sheet:
        row = np.array(sheet)[top : top + 32, 32:]
    colours = torch.from_numpy(row).movedim(2, 0).unflatten(2, (COUNT, 32))
    return data.to_float(colours.permute(2, 0, 1, 3).contiguous())


def squares() -> Tensor:
    """A part of a table, each number a grey square: (5, 1, 32, 32) in [0, 1].

    Seven rows of thirty-five numbers, of which each is four pixels wide.
    """
    columns = torch.from_numpy(load_breast_cancer().data[:35, :7].T)
    centre, spread = columns.mean(1, True), columns.std(1, keepdim=True)
    grey = 0.45 + 0.2 * (columns - centre) / spread
    large = grey.clamp(0, 1).repeat_interleave(4, 0).repeat_interleave(4, 1)
    parts = large.float().unflatten(1, (COUNT, -1)).transpose(0, 1)
    return data.pad(parts[:, None], 2)


def sick() -> Tensor:
    """A new garment of a sound run and of four that went wrong: (5, 1, 32, 32)
    in [0, 1].
    """
    found = json.loads((evidence.RESULTS / "failures.json").read_text())
    with Image.open(evidence.RESULTS / "failures.webp") as stored:
        sheet = torch.from_numpy(np.array(stored.convert("L"))) / 255
    rows = sheet.unflatten(0, (-1, 32)).unflatten(2, (-1, 32)).transpose(1, 2)
    names = list(found["codes"])
    chosen = ("sound", "no_kl", "sigmoid", "beta", "sign")
    return torch.stack([rows[names.index(n), -1] for n in chosen])[:, None]


def rounded(model: Autoencoder, image: Tensor, known: Tensor) -> Tensor:
    """An image (1, 1, 32, 32), and what a model redraws from its code, rounded
    to ever coarser steps: (5, 1, 32, 32).
    """
    steps = 2.0 ** torch.arange(-1, COUNT - 2)[:, None]
    steps = steps * sample.encode(model, known).std(0)
    z = (sample.encode(model, image) / steps).round() * steps
    return torch.cat([data.to_float(image), sample.pictures(model, z)])


def shaken(model: Autoencoder, image: Tensor, known: Tensor) -> Tensor:
    """What a model redraws from two codes near that of an image (1, 1, 32, 32),
    as near as the codes of known ones tell: (2, 1, 32, 32).
    """
    codes = sample.encode(model, known)
    noise = sample.prior(codes)(2, seed=0)
    z = sample.encode(model, image) + codes.std(0) / 2 * noise
    return sample.pictures(model, z)


if __name__ == "__main__":
    main()
