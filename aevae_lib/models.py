"""Autoencoder and variational autoencoder: one network, two ideas of a code."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .data import to_float
from .likelihoods import Bernoulli, Gaussian

IMAGE_SHAPE = (1, 32, 32)  # channels, height, width: the course's pictures
Likelihood = Bernoulli | Gaussian  # or another named tuple like these


class Output(NamedTuple):
    """What a forward pass returns, for both models."""

    decoded: Likelihood  # p(x|z), made of (B, *image_shape)
    mu: Tensor  # (B, D)  where the image sits in latent space
    logvar: Tensor | None  # (B, D)  log sigma^2 of its cloud; an AE has none


class Autoencoder(nn.Module):
    """x -> z -> p(x|z): one point per image.

    `networks(latent_dim, image_shape)` returns the trunk, which ends in a flat
    feature vector, and the decoder, which starts from a latent point:
    `lesson_networks` (the default) or `book_networks`. `likelihood` makes
    p(x|z) of what the decoder gives.
    """

    def __init__(
        self,
        latent_dim: int = 2,
        networks: Callable | None = None,
        *,
        image_shape: tuple[int, ...] = IMAGE_SHAPE,
        likelihood: Callable[[Tensor], Likelihood] = Bernoulli,
    ):
        super().__init__()
        if latent_dim < 1:
            raise ValueError(
                f"latent_dim must be at least 1, got {latent_dim}."
            )
        self.latent_dim, self.image_shape = latent_dim, tuple(image_shape)
        make = networks or lesson_networks
        self.trunk, self.decoder = make(latent_dim, self.image_shape)
        with torch.no_grad(), evaluating(self.trunk):
            self.features = self.trunk(torch.zeros(1, *image_shape)).shape[1]
        self.head = nn.Linear(self.features, latent_dim)
        self.likelihood = likelihood

    @property
    def device(self) -> torch.device:
        """Where the weights lie."""
        return self.head.weight.device

    def encode(self, x: Tensor) -> Tensor:
        """The code of each image: (B, *image_shape) -> (B, D)."""
        return self.head(self.trunk(x))

    def decode(self, z: Tensor) -> Likelihood:
        """p(x|z) at each latent point: (B, D) -> of (B, *image_shape)."""
        return self.likelihood(self.decoder(z))

    def forward(self, x: Tensor) -> Output:
        z = self.encode(x)
        return Output(self.decode(z), z, None)


class VAE(Autoencoder):
    """x -> N(mu, sigma^2) -> z -> p(x|z): one cloud per image."""

    def __init__(
        self, latent_dim: int = 2, networks: Callable | None = None, **options
    ):
        super().__init__(latent_dim, networks, **options)
        # Only the head differs, and it is made last: one seed gives both models
        # the same trunk and the same decoder.
        self.head = nn.Linear(self.features, 2 * latent_dim)

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """mu and logvar = log sigma^2 of q(z|x), each (B, D)."""
        mu, logvar = self.head(self.trunk(x)).chunk(2, dim=1)
        return mu, logvar

    def encode(self, x: Tensor) -> Tensor:
        """The centre of each image's cloud: (B, *image_shape) -> (B, D)."""
        return self.posterior(x)[0]

    def forward(self, x: Tensor) -> Output:
        mu, logvar = self.posterior(x)
        return Output(self.decode(reparameterise(mu, logvar)), mu, logvar)


class NoisyAutoencoder(Autoencoder):
    """The VAE's twin with its noise and without its KL: z = mu + N(0, I)."""

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """mu, and a logvar that is 0 everywhere, each (B, D)."""
        mu = self.encode(x)
        return mu, torch.zeros_like(mu)

    def forward(self, x: Tensor) -> Output:
        mu, logvar = self.posterior(x)
        return Output(self.decode(reparameterise(mu, logvar)), mu, None)


class ConditionalAutoencoder(Autoencoder):
    """An autoencoder whose decoder is told the class; its code need not be."""

    def __init__(
        self,
        latent_dim: int = 2,
        networks: Callable | None = None,
        *,
        classes: int = 10,
        **options,
    ):
        def told(dims: int, *shape) -> tuple[nn.Module, nn.Module]:
            return (networks or lesson_networks)(dims + classes, *shape)

        super().__init__(latent_dim, told, **options)
        self.classes = classes  # one more input of the decoder for each

    def decode(self, z: Tensor, labels: Tensor) -> Likelihood:
        """p(x|z, class): (B, D), (B,) -> of (B, *image_shape)."""
        told = nn.functional.one_hot(labels, self.classes).to(z)
        return self.likelihood(self.decoder(torch.cat([z, told], dim=1)))

    def forward(self, x: Tensor, labels: Tensor) -> Output:
        z = self.encode(x)
        return Output(self.decode(z, labels), z, None)


class ConditionalVAE(ConditionalAutoencoder, VAE):
    """A VAE told the class (Sohn et al., 2015, with a simpler encoder)."""

    def forward(self, x: Tensor, labels: Tensor) -> Output:
        mu, logvar = self.posterior(x)
        decoded = self.decode(reparameterise(mu, logvar), labels)
        return Output(decoded, mu, logvar)


def reparameterise(mu: Tensor, logvar: Tensor) -> Tensor:
    """Draw z ~ N(mu, sigma^2), with gradients to mu and logvar: (B, D)."""
    std = torch.exp(0.5 * logvar)
    return mu + std * torch.randn_like(std)


def lesson_networks(
    latent_dim: int, image_shape: tuple[int, ...] = IMAGE_SHAPE
) -> tuple[nn.Module, nn.Module]:
    """The default: small enough to train while a reader waits."""
    channels, pad, (h, w), crop = to_eighths(image_shape)
    trunk = nn.Sequential(
        *pad,
        nn.Conv2d(channels, 16, 3, stride=2, padding=1), nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU(),
        nn.Conv2d(32, 64, 3, stride=2, padding=1), nn.ReLU(),
        nn.Flatten(),  # (B, 64 h w): 1,024 for the course's pictures
    )  # fmt: skip
    decoder = nn.Sequential(
        nn.Linear(latent_dim, 64 * h * w), nn.ReLU(),
        nn.Unflatten(1, (64, h, w)),
        nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1), nn.ReLU(),
        nn.ConvTranspose2d(32, 16, 4, stride=2, padding=1), nn.ReLU(),
        nn.ConvTranspose2d(16, channels, 4, stride=2, padding=1),
        *crop,
    )  # fmt: skip
    return trunk, decoder


def book_networks(
    latent_dim: int, image_shape: tuple[int, ...] = IMAGE_SHAPE
) -> tuple[nn.Module, nn.Module]:
    """The network of Foster, Generative Deep Learning (2nd ed.), chapter 3,
    layer for layer.

    Keras pads a stride-2 layer only below and on the right, where PyTorch is
    fast only above and on the left: it is that network for pictures turned by
    180 degrees, so they are turned. A convolution of stride 1 is also a
    transposed one.
    """
    channels, pad, (h, w), crop = to_eighths(image_shape)
    trunk = nn.Sequential(
        *pad, Turn(),
        nn.Conv2d(channels, 32, 3, stride=2, padding=1), nn.ReLU(),
        nn.Conv2d(32, 64, 3, stride=2, padding=1), nn.ReLU(),
        nn.Conv2d(64, 128, 3, stride=2, padding=1), nn.ReLU(),
        nn.Flatten(),  # (B, 128 h w)
    )  # fmt: skip
    double = {"kernel_size": 3, "stride": 2, "padding": 1, "output_padding": 1}
    decoder = nn.Sequential(
        nn.Linear(latent_dim, 128 * h * w), nn.Unflatten(1, (128, h, w)),
        nn.ConvTranspose2d(128, 128, **double), nn.ReLU(),
        nn.ConvTranspose2d(128, 64, **double), nn.ReLU(),
        nn.ConvTranspose2d(64, 32, **double), nn.ReLU(),
        nn.ConvTranspose2d(32, channels, 3, padding=1),
        Turn(), *crop,
    )  # fmt: skip
    start_as_keras(trunk, decoder)
    return trunk, decoder


def to_eighths(
    image_shape: tuple[int, ...],
) -> tuple[int, list[nn.Module], tuple[int, int], list[nn.Module]]:
    """How a network that halves both sides three times reaches a picture size.

    Returns the channels, the layer that pads pictures with zeros to multiples
    of 8, those multiples, and the layer that crops to (height, width) again;
    the two layers are in lists, empty where nothing is to be padded.
    """
    if len(image_shape) != 3 or min(image_shape) < 1:
        raise ValueError(
            "Convolutional networks take an image_shape of (channels, height, "
            f"width), got {tuple(image_shape)}. For other data pass networks."
        )
    channels, *sides = image_shape
    h, w = (math.ceil(side / 8) for side in sides)
    top, left = (
        (8 * n - side) // 2 for n, side in zip((h, w), sides, strict=True)
    )
    bottom, right = (8 * h - sides[0] - top, 8 * w - sides[1] - left)
    if not any((top, left, bottom, right)):
        return channels, [], (h, w), []
    pad = nn.ZeroPad2d((left, right, top, bottom))
    return channels, [pad], (h, w), [Crop(top, left, *sides)]


def start_as_keras(*networks: nn.Module) -> None:
    """Glorot-uniform weights and biases of zero, as Keras starts."""
    for network in networks:
        for layer in network.modules():
            if isinstance(layer, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)


class Turn(nn.Module):
    """Turn pictures by 180 degrees."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W), last row and last column first."""
        return x.flip(2, 3)


class Crop(nn.Module):
    """Cut `height` rows from `top` on and `width` columns from `left` on."""

    def __init__(self, top: int, left: int, height: int, width: int):
        super().__init__()
        self.top, self.left, self.height, self.width = top, left, height, width

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, height, width)."""
        rows = slice(self.top, self.top + self.height)
        return x[..., rows, self.left : self.left + self.width]


@contextmanager
def evaluating(model: nn.Module, training: bool = False) -> Iterator[None]:
    """Eval mode inside, or training mode; each layer's own mode again after."""
    modes = [(layer, layer.training) for layer in model.modules()]
    model.train(training)
    try:
        yield
    finally:
        for layer, mode in modes:
            layer.training = mode


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Random numbers from `seed` inside; every generator as it was after."""
    generators = [
        torch,
        *(m for m in (torch.cuda, torch.mps) if m.is_available()),
    ]
    before = [module.get_rng_state() for module in generators]
    torch.manual_seed(seed)
    try:
        yield
    finally:
        for module, state in zip(generators, before, strict=True):
            module.set_rng_state(state)


def as_input(model: nn.Module, images: Tensor) -> Tensor:
    """Images as floats, on the device and in the number format of a model."""
    like = next(model.parameters())
    return to_float(images.to(like.device)).to(like.dtype)


def count_parameters(module: nn.Module) -> int:
    """How many numbers training may change."""
    return sum(parameter.numel() for parameter in module.parameters())
