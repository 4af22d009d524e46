"""Train the lesson's VAE in pythae, turn by turn; in pythae's environment.

    python -m experiments.bench.peer_loop STEPS BATCH THREADS DEVICE

Prints its version, and after each line on standard input the seconds of so many
training steps.
"""

import contextlib
import sys
import tempfile
import time
from importlib.metadata import version

import torch
from pythae.data.datasets import BaseDataset
from pythae.models import VAE, VAEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from torch import Tensor, nn

from aevae_lib import data, models


class Encoder(BaseEncoder):
    def __init__(self, trunk: nn.Module):
        super().__init__()
        self.trunk = trunk
        self.mu, self.logvar = nn.Linear(1024, 2), nn.Linear(1024, 2)

    def forward(self, x: Tensor) -> ModelOutput:
        features = self.trunk(x)
        return ModelOutput(
            embedding=self.mu(features), log_covariance=self.logvar(features)
        )


class Decoder(BaseDecoder):
    def __init__(self, layers: nn.Module):
        super().__init__()
        self.layers = layers

    def forward(self, z: Tensor) -> ModelOutput:
        return ModelOutput(reconstruction=self.layers(z).sigmoid())


def main(steps: int, batch_size: int, threads: int, device: str) -> None:
    torch.set_num_threads(threads)
    answer = sys.stdout
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.redirect_stdout(sys.stderr),
    ):
        trainer = prepared(folder, steps * batch_size, batch_size, device)
        print(version("pythae"), file=answer, flush=True)
        for epoch, _ in enumerate(sys.stdin, start=1):
            start = time.perf_counter()
            trainer.train_step(epoch)
            print(time.perf_counter() - start, file=answer, flush=True)


def prepared(
    folder: str, count: int, batch_size: int, device: str
) -> BaseTrainer:
    """pythae's trainer of the lesson's VAE, on so many images."""
    trunk, decoder = models.lesson_networks(2)
    config = VAEConfig(
        input_dim=models.IMAGE_SHAPE, latent_dim=2, reconstruction_loss="bce"
    )
    model = VAE(config, Encoder(trunk), Decoder(decoder))
    images = data.to_float(data.load(device="cpu").train.images[:count])
    settings = BaseTrainerConfig(
        output_dir=folder,
        per_device_train_batch_size=batch_size,
        learning_rate=1e-3,
        no_cuda=device == "cpu",
    )
    shown = BaseDataset(images, torch.zeros(len(images)))
    trainer = BaseTrainer(model, shown, None, settings)
    trainer.prepare_training()
    return trainer


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]), sys.argv[4])
