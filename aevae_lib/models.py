"""The autoencoder and the variational autoencoder: one network, two ideas of
what a code is.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .data import CLASS_NAMES

IMAGE_SHAPE = (1, 32, 32)


class Output(NamedTuple):
    """What a forward pass returns, for both models."""

    logits: Tensor  # (B, 1, 32, 32)  pixel intensities before the sigmoid
    mu: Tensor  # (B, D)  where the image sits in latent space
    logvar: (
        Tensor | None
    )  # (B, D)  log sigma^2 of its cloud; None for an autoencoder


class Autoencoder(nn.Module):
    """x -> z -> x_hat: one point per image.

    `networks(latent_dim)` returns the convolutional trunk, which ends in a flat
    feature vector, and the decoder, which starts from a latent point:
    `lesson_networks` (the default) or `book_networks`.
    """

    def __init__(self, latent_dim: int = 2, networks: Callable | None = None):
        super().__init__()
        if latent_dim < 1:
            raise ValueError(
                f"latent_dim must be at least 1, got {latent_dim}."
            )
        self.latent_dim = latent_dim
        self.trunk, self.decoder = (networks or lesson_networks)(latent_dim)
        self.features = self.trunk(torch.zeros(1, *IMAGE_SHAPE)).shape[1]
        self.head = nn.Linear(self.features, latent_dim)

    def encode(self, x: Tensor) -> Tensor:
        """The code of each image: (B, 1, 32, 32) -> (B, D)."""
        return self.head(self.trunk(x))

    def decode(self, z: Tensor) -> Tensor:
        """The logits of each pixel: (B, D) -> (B, 1, 32, 32)."""
        return self.decoder(z)

    def forward(self, x: Tensor) -> Output:
        z = self.encode(x)
        return Output(self.decode(z), z, None)


class VAE(Autoencoder):
    """x -> N(mu, sigma^2) -> z -> x_hat: one cloud per image."""

    def __init__(self, latent_dim: int = 2, networks: Callable | None = None):
        super().__init__(latent_dim, networks)
        # Only the head differs, and it is made last: one seed gives both models
        # the same trunk and the same decoder.
        self.head = nn.Linear(self.features, 2 * latent_dim)

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """mu and logvar = log sigma^2 of q(z|x): (B, 1, 32, 32) -> (B, D), (B,
        D).
        """
        mu, logvar = self.head(self.trunk(x)).chunk(2, dim=1)
        return mu, logvar

    def encode(self, x: Tensor) -> Tensor:
        """The centre of each image's cloud: (B, 1, 32, 32) -> (B, D)."""
        return self.posterior(x)[0]

    def forward(self, x: Tensor) -> Output:
        mu, logvar = self.posterior(x)
        return Output(self.decode(reparameterise(mu, logvar)), mu, logvar)


class NoisyAutoencoder(Autoencoder):
    """The VAE's twin with its noise and without its KL: z = encode(x) + N(0,
    I).
    """

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """mu, and a logvar that is 0 everywhere: (B, 1, 32, 32) -> (B, D), (B,
        D).
        """
        mu = self.encode(x)
        return mu, torch.zeros_like(mu)

    def forward(self, x: Tensor) -> Output:
        mu, logvar = self.posterior(x)
        return Output(self.decode(reparameterise(mu, logvar)), mu, None)


class ConditionalAutoencoder(Autoencoder):
    """An autoencoder whose decoder is told the class, so that the code need not
    hold it.
    """

    def __init__(self, latent_dim: int = 2, networks: Callable | None = None):
        told = len(CLASS_NAMES)  # one more input of the decoder for each class
        super().__init__(
            latent_dim, lambda d: (networks or lesson_networks)(d + told)
        )

    def decode(self, z: Tensor, labels: Tensor) -> Tensor:
        """The logits of each pixel: (B, D), (B,) -> (B, 1, 32, 32)."""
        told = nn.functional.one_hot(labels, len(CLASS_NAMES)).to(z)
        return self.decoder(torch.cat([z, told], dim=1))

    def forward(self, x: Tensor, labels: Tensor) -> Output:
        z = self.encode(x)
        return Output(self.decode(z, labels), z, None)


class ConditionalVAE(ConditionalAutoencoder, VAE):
    """A VAE whose decoder is told the class (Sohn et al., 2015, with a simpler
    encoder).
    """

    def forward(self, x: Tensor, labels: Tensor) -> Output:
        mu, logvar = self.posterior(x)
        return Output(
            self.decode(reparameterise(mu, logvar), labels), mu, logvar
        )


def reparameterise(mu: Tensor, logvar: Tensor) -> Tensor:
    """Draw z ~ N(mu, sigma^2) so that gradients reach mu and logvar: (B, D) ->
    (B, D).
    """
    std = torch.exp(0.5 * logvar)
    return mu + std * torch.randn_like(std)


def lesson_networks(latent_dim: int) -> tuple[nn.Module, nn.Module]:
    """The default: small enough to train while a reader waits.

    Its ReLUs write over what they are given, which saves a trip through memory.
    """
    trunk = nn.Sequential(
        # (B, 16, 16, 16)
        nn.Conv2d(1, 16, 3, stride=2, padding=1), nn.ReLU(True),
        # (B, 32, 8, 8)
        nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU(True),
        # (B, 64, 4, 4)
        nn.Conv2d(32, 64, 3, stride=2, padding=1), nn.ReLU(True),
        nn.Flatten(),  # (B, 1024)
    )  # fmt: skip
    decoder = nn.Sequential(
        nn.Linear(latent_dim, 1024), nn.ReLU(True), nn.Unflatten(1, (64, 4, 4)),
        # (B, 32, 8, 8)
        nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1), nn.ReLU(True),
        # (B, 16, 16, 16)
        nn.ConvTranspose2d(32, 16, 4, stride=2, padding=1), nn.ReLU(True),
        FoldTranspose2d(16, 1, 4, stride=2, padding=1),  # (B, 1, 32, 32)
    )  # fmt: skip
    return trunk, decoder


def book_networks(latent_dim: int) -> tuple[nn.Module, nn.Module]:
    """The network of Foster, Generative Deep Learning (2nd ed.), chapter 3,
    layer for layer.

    Keras pads a stride-2 layer only below and on the right, where PyTorch is
    fast only above and on the left: it is that network for pictures turned by
    180 degrees, so they are turned. A convolution of stride 1 is also a
    transposed one.
    """
    trunk = nn.Sequential(
        Turn(),
        # (B, 32, 16, 16)
        nn.Conv2d(1, 32, 3, stride=2, padding=1), nn.ReLU(True),
        # (B, 64, 8, 8)
        nn.Conv2d(32, 64, 3, stride=2, padding=1), nn.ReLU(True),
        # (B, 128, 4, 4)
        nn.Conv2d(64, 128, 3, stride=2, padding=1), nn.ReLU(True),
        nn.Flatten(),  # (B, 2048)
    )  # fmt: skip
    double = {"kernel_size": 3, "stride": 2, "padding": 1, "output_padding": 1}
    decoder = nn.Sequential(
        nn.Linear(latent_dim, 2048), nn.Unflatten(1, (128, 4, 4)),
        nn.ConvTranspose2d(128, 128, **double), nn.ReLU(True),  # (B, 128, 8, 8)
        nn.ConvTranspose2d(128, 64, **double), nn.ReLU(True),  # (B, 64, 16, 16)
        nn.ConvTranspose2d(64, 32, **double), nn.ReLU(True),  # (B, 32, 32, 32)
        nn.ConvTranspose2d(32, 1, 3, padding=1),  # (B, 1, 32, 32)
        Turn(),
    )  # fmt: skip
    start_as_keras(trunk, decoder)
    return trunk, decoder


def start_as_keras(*networks: nn.Module) -> None:
    """Set every layer to what Keras starts from: Glorot-uniform weights, and
    biases of zero.
    """
    for network in networks:
        for layer in network.modules():
            if isinstance(layer, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)


class FoldTranspose2d(nn.ConvTranspose2d):
    """A transposed convolution whose way forward is one matrix product.

    The same function, from the same weights; faster where a stride of 2 leads
    to few channels. It always has a bias, and neither dilation, groups nor
    output padding.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int,
        padding: int,
    ):
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels in, H, W) -> (B, channels out, H', W')."""
        return ProductAndFold.apply(
            x, self.weight, self.bias, self.stride, self.padding
        )


class ProductAndFold(torch.autograd.Function):
    """What FoldTranspose2d calculates, and its gradients."""

    @staticmethod
    def forward(
        ctx,
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        stride: tuple,
        padding: tuple,
    ):
        """Each pixel of x paints a patch: one product makes them all, `fold`
        adds them up.
        """
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.padding = stride, padding
        kernel = weight.shape[2:]
        sides = zip(x.shape[2:], stride, padding, kernel, strict=True)
        size = [(side - 1) * s - 2 * p + k for side, s, p, k in sides]
        patches = x.flatten(2).mT @ weight.flatten(
            1
        )  # (B, H W, channels out * k k)
        painted = nn.functional.fold(
            patches.mT, size, kernel, padding=padding, stride=stride
        )
        return painted + bias[:, None, None]

    @staticmethod
    def backward(ctx, gradient: Tensor):
        """Here PyTorch's own routine is the faster one."""
        x, weight = ctx.saved_tensors
        wanted = ctx.needs_input_grad[:3]
        gradients = torch.ops.aten.convolution_backward(
            gradient, x, weight, weight.shape[1:2], ctx.stride, ctx.padding, dilation=(1, 1),
            transposed=True, output_padding=(0, 0), groups=1, output_mask=wanted,
        )  # fmt: skip
        return *gradients, None, None


class Turn(nn.Module):
    """Turn pictures by 180 degrees."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W), the last row and the last column first."""
        return x.flip(2, 3)


def count_parameters(module: nn.Module) -> int:
    """How many numbers training may change."""
    return sum(parameter.numel() for parameter in module.parameters())
