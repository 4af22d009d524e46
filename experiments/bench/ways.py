"""Ways of training: generators that take one turn, of a second or so, each time
that they are asked.
"""

import itertools
from collections.abc import Callable, Iterator
from functools import partial

import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms.functional import to_tensor

from aevae_lib import data, losses, models, train

from ..runs import NETWORKS
from .machine import ON_CPU
from .networks import PLAIN

BATCH = {"lesson": 128, "book": 100}
# In one turn, of a second or so on two cores:
STEPS = {"lesson": 48, "book": 12} if ON_CPU else {"lesson": 200, "book": 200}
# Rows and columns of the product that shows what the machine can do:
MATRIX = 2048 if ON_CPU else 8192
PRODUCTS = 3 if ON_CPU else 30  # of them in one turn


def library(
    network: str, images: Tensor, networks: Callable | None = None
) -> Iterator[None]:
    """`train.fit`, the course's own loop, with our networks unless others are
    given.
    """
    model = models.VAE(2, networks or NETWORKS[network])
    batch_size = BATCH[network]
    while True:
        budget = STEPS[network] * batch_size
        train.fit(
            model,
            losses.vae_loss,
            images,
            budget,
            batch_size=batch_size,
            reports=1,
        )
        yield


def plain(network: str, images: Tensor) -> Iterator[None]:
    """A loop over tensors in memory and in the fast memory format, with the
    networks as anybody would write them.
    """
    model = models.VAE(2, PLAIN[network]).to(
        images.device, memory_format=torch.channels_last
    )
    optimizer = torch.optim.Adam(model.parameters())
    while True:
        turn = STEPS[network], BATCH[network]
        for chosen in torch.randint(len(images), turn, device=images.device):
            step(model, optimizer, data.to_float(images[chosen]))
        yield


class Pictures(Dataset):
    """Each picture becomes a tensor when it is asked for, as in torchvision's
    own data sets.
    """

    def __init__(self, images: Tensor):
        self.images = images.cpu()

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Tensor:
        return to_tensor(Image.fromarray(self.images[index, 0].numpy()))


def loaded(images: Tensor, batch_size: int) -> Iterator[Tensor]:
    """Batches from a DataLoader, one pass over the images after another."""
    while True:
        yield from DataLoader(
            Pictures(images), batch_size, shuffle=True, drop_last=True
        )


def loader(network: str, images: Tensor) -> Iterator[None]:
    """As in most tutorials: a data set of pictures, a DataLoader, the loss read
    at each step.
    """
    model = models.VAE(2, PLAIN[network]).to(images.device)
    optimizer = torch.optim.Adam(model.parameters())
    batches = loaded(images, BATCH[network])
    while True:
        for x in itertools.islice(batches, STEPS[network]):
            step(model, optimizer, x.to(images.device)).item()
        yield


def product(network: str, images: Tensor) -> Iterator[None]:
    """No training: a large matrix product, as precise as PyTorch's
    convolutions; the peak.
    """
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32
    a, b = torch.randn(2, MATRIX, MATRIX, device=images.device)
    while True:
        for _ in range(PRODUCTS):
            a @ b
        yield


# What in `fit` and its networks is there for speed, and where it tells.
CHANGES = {"form": ("book",), "fused": ("lesson", "book")}


def without(change: str, network: str, images: Tensor) -> Iterator[None]:
    """`fit` with a change undone; for the rest of the process, which should be
    its own.
    """
    if change == "fused":
        adam = torch.optim.Adam
        torch.optim.Adam = lambda parameters, lr, fused: adam(parameters, lr=lr)
    form = PLAIN if change == "form" else NETWORKS
    return library(network, images, form[network])


LOOPS: dict[str, Callable] = {
    "fit": library, "plain": plain, "DataLoader": loader, "product": product,
}  # fmt: skip
WAYS = LOOPS | {change: partial(without, change) for change in CHANGES}


def step(
    model: models.VAE, optimizer: torch.optim.Optimizer, x: Tensor
) -> Tensor:
    """One step of training, as anybody would write it; its loss."""
    loss, _ = losses.vae_loss(model(x), x)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.detach()
