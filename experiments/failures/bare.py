"""A VAE and its training as readers write them, to be spoilt by `changes`."""

import torch
import torch.nn.functional as F
from torch import nn


def block(inputs, outputs, norm):
    linear = nn.Linear(inputs, outputs)
    return nn.Sequential(linear, norm(outputs), nn.ReLU())


class BareVAE(nn.Module):
    def __init__(self, norm=nn.Identity, width=64, dims=2):
        super().__init__()
        half = width // 2
        self.encoder = nn.Sequential(
            nn.Flatten(), block(32 * 32, width, norm), block(width, half, norm),
            nn.Linear(half, 2 * dims),
        )  # fmt: skip
        self.decoder = nn.Sequential(
            block(dims, half, norm), block(half, width, norm),
            nn.Linear(width, 32 * 32), nn.Unflatten(1, (1, 32, 32)),
        )  # fmt: skip

    def forward(self, x):
        mu, logvar = self.encoder(x).chunk(2, dim=1)
        std = torch.exp(0.5 * logvar)
        z = mu + std * torch.randn_like(std)
        return self.decoder(z), mu, logvar


def as_input(pictures):
    return pictures.float() / 255


def elbo(model, pictures):
    x = as_input(pictures)
    logits, mu, logvar = model(x)
    rec = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
    kl = 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum()
    return rec / len(x), kl / len(x)


def train(model, images, test, report, steps=201):
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3, fused=True)
    for step in range(steps):
        pictures = images[torch.randint(len(images), (64,))]
        rec, kl = elbo(model, pictures)
        loss = rec + kl
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        report.train(loss, rec, kl)
        if step % 20 == 0:
            model.eval()
            with torch.no_grad():
                report.test(*elbo(model, test))
            model.train()
