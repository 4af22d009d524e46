"""What the lessons' budget of 100,000 images seen must reach on the real, whole data set."""

import pytest
import torch

from aevae_lib import data, train
from aevae_lib.losses import ae_loss, vae_loss
from aevae_lib.models import VAE, Autoencoder

BUDGET = 100_000


@pytest.fixture(scope="module")
def fashion():
    fashion = data.load()
    assert len(fashion.train.images) == 55_000, (
        "These bounds are for the whole of Fashion-MNIST, and the data come from "
        f"{fashion.source}. Install Debian's dataset-fashion-mnist, allow a download, "
        "or set AEVAE_DATA."
    )
    return fashion


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(
    ("model_class", "loss_fn", "bound"), [(Autoencoder, ae_loss, 267), (VAE, vae_loss, 273)]
)
def test_test_loss_in_nats_per_image(fashion, model_class, loss_fn, bound, seed):
    """For the VAE the loss is the negative ELBO: sampled z, beta 1."""
    torch.manual_seed(seed)
    model = model_class(2)
    train.fit(model, loss_fn, fashion.train.images, BUDGET, seed=seed)
    measured = train.evaluate(model, loss_fn, fashion.test.images)
    print(f"{model_class.__name__}, seed {seed}: {measured}")
    assert measured["loss"] <= bound
    assert measured["reconstruction"] > 189.86  # the entropy of the test images: no way below
