"""Train the lesson's VAE in pythae, turn by turn, for experiments/bench.py; in
pythae's environment.

    python experiments/peer.py STEPS BATCH THREADS DEVICE

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
        self.trunk, self.mu, self.logvar = (
            trunk,
            nn.Linear(1024, 2),
            nn.Linear(1024, 2),
        )

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
    trunk, decoder = models.lesson_networks(2)
    config = VAEConfig(
        input_dim=models.IMAGE_SHAPE, latent_dim=2, reconstruction_loss="bce"
    )
    model = VAE(config, Encoder(trunk), Decoder(decoder))
    answer = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):
        images = data.to_float(
            data.load("cpu").train.images[: steps * batch_size]
        )
    with tempfile.TemporaryDirectory() as folder:
        settings = BaseTrainerConfig(
            output_dir=folder,
            per_device_train_batch_size=batch_size,
            learning_rate=1e-3,
            no_cuda=device == "cpu",
        )
        trainer = BaseTrainer(
            model, BaseDataset(images, torch.zeros(len(images))), None, settings
        )
        trainer.prepare_training()
        print(version("pythae"), file=answer, flush=True)
        for epoch, _ in enumerate(sys.stdin, start=1):
            start = time.perf_counter()
            with contextlib.redirect_stdout(sys.stderr):
                trainer.train_step(epoch)
            print(time.perf_counter() - start, file=answer, flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]), sys.argv[4])
