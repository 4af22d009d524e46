"""What the lessons' budget of 100,000 images seen must reach on the real, whole
data set.
"""

import pytest
import torch

from aevae_lib import data, train
from aevae_lib.losses import ae_loss, vae_loss
from aevae_lib.models import VAE, Autoencoder

BUDGET = 100_000


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(
    ("model_class", "loss_fn", "bound"),
    [(Autoencoder, ae_loss, 267), (VAE, vae_loss, 273)],
)
def test_test_loss_in_nats_per_image(
    fashion, model_class, loss_fn, bound, seed
):
    """For the VAE the loss is the negative ELBO: sampled z, beta 1."""
    torch.manual_seed(seed)
    model, device = model_class(2), data.pick_device()
    train.fit(
        model, loss_fn, fashion.train.images.to(device), BUDGET, seed=seed
    )
    measured = train.evaluate(model, loss_fn, fashion.test.images.to(device))
    print(f"{model_class.__name__}, seed {seed}: {measured}")
    assert measured["loss"] <= bound
    assert (
        measured["reconstruction"] > 189.86
    )  # the entropy of the test images: no way below
