"""Networks that training is timed with: the library's, and others."""

import math
from collections.abc import Callable

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from aevae_lib import losses, models

from ..runs import NETWORKS

Parts = tuple[nn.Module, nn.Module]  # trunk and decoder


def plain_book_networks(latent_dim: int, image_shape: tuple[int, ...]) -> Parts:
    """The book's networks as Keras has them, padded and cropped on one side, on
    pictures as they stand.
    """
    below_and_right, cut = (0, 1, 0, 1), (0, -1, 0, -1)
    channels = image_shape[0]
    trunk = nn.Sequential(
        nn.ZeroPad2d(below_and_right), nn.Conv2d(channels, 32, 3, stride=2),
        nn.ReLU(),
        nn.ZeroPad2d(below_and_right), nn.Conv2d(32, 64, 3, stride=2),
        nn.ReLU(),
        nn.ZeroPad2d(below_and_right), nn.Conv2d(64, 128, 3, stride=2),
        nn.ReLU(),
        nn.Flatten(),
    )  # fmt: skip
    decoder = nn.Sequential(
        nn.Linear(latent_dim, 2048), nn.Unflatten(1, (128, 4, 4)),
        nn.ConvTranspose2d(128, 128, 3, stride=2), nn.ZeroPad2d(cut),
        nn.ReLU(),
        nn.ConvTranspose2d(128, 64, 3, stride=2), nn.ZeroPad2d(cut), nn.ReLU(),
        nn.ConvTranspose2d(64, 32, 3, stride=2), nn.ZeroPad2d(cut), nn.ReLU(),
        nn.Conv2d(32, channels, 3, padding=1),
    )  # fmt: skip
    models.start_as_keras(trunk, decoder)
    return trunk, decoder


def linear_networks(latent_dim: int, image_shape: tuple[int, ...]) -> Parts:
    """Linear layers only: for each picture the fewest operations, and those in
    large products.
    """
    pixels = math.prod(image_shape)
    trunk = nn.Sequential(
        nn.Flatten(),
        nn.Linear(pixels, 512), nn.ReLU(),
        nn.Linear(512, 256), nn.ReLU(),
    )  # fmt: skip
    decoder = nn.Sequential(
        nn.Linear(latent_dim, 256), nn.ReLU(),
        nn.Linear(256, 512), nn.ReLU(),
        nn.Linear(512, pixels), nn.Unflatten(1, image_shape),
    )  # fmt: skip
    return trunk, decoder


def wider(factor: float) -> Callable[..., Parts]:
    """The lesson's networks with so many times the channels."""

    def scaled(layer: nn.Module) -> nn.Module:
        if isinstance(layer, nn.Linear):
            return nn.Linear(
                layer.in_features, int(layer.out_features * factor)
            )
        if isinstance(layer, nn.Unflatten):
            channels, *sides = layer.unflattened_size
            return nn.Unflatten(1, (int(channels * factor), *sides))
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            ends = layer.in_channels, layer.out_channels
            ends = (n if n == 1 else int(n * factor) for n in ends)
            return type(layer)(
                *ends, layer.kernel_size, layer.stride, layer.padding
            )
        return layer

    def networks(latent_dim: int, image_shape: tuple[int, ...]) -> Parts:
        parts = models.lesson_networks(latent_dim, image_shape)
        trunk, decoder = (nn.Sequential(*map(scaled, part)) for part in parts)
        return trunk, decoder

    return networks


# As anybody would write them:
PLAIN = NETWORKS | {"book": plain_book_networks}


def start(networks: str, seed: int) -> models.VAE:
    """An untrained VAE at two dimensions; `networks` names them, and Keras's
    first weights ("linear, Keras").
    """
    name, _, weights = networks.partition(", ")
    torch.manual_seed(seed)
    model = models.VAE(2, (NETWORKS | {"linear": linear_networks})[name])
    if weights == "Keras":
        models.start_as_keras(model)
    return model


def operations(network: str) -> float:
    """Floating-point operations of one training step for each image, counted by
    PyTorch.
    """
    model, x = start(network, 0), torch.rand(1, *models.IMAGE_SHAPE)
    with FlopCounterMode(display=False) as counter:
        losses.vae_loss(model(x), x)[0].backward()
    return counter.get_total_flops()


def size(network: str) -> dict[str, float]:
    """How many millions of weights a network has, and operations for an image
    in training.
    """
    weights = models.count_parameters(start(network, 0))
    return {
        "millions_of_weights": weights / 1e6,
        "megaflop_per_image": operations(network) / 1e6,
    }
