"""Widgets to try in a browser, with networks trained for a second, and pages to
put them on.
"""

import json
import shutil
from functools import cache
from pathlib import Path

import torch
from ipywidgets.embed import dependency_state, embed_data

from aevae_lib import (
    data,
    likelihoods,
    losses,
    models,
    sample,
    train,
    widgets,
)
from aevae_lib.widgets import source
from book.site_extension import place_widgets

ROOT = Path(__file__).parents[2]

PAGE = """<!doctype html>
<html lang="en" data-content_root="./">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>A small page</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="_static/book.css">
<link rel="stylesheet" href="_static/place.css">
<style>
  body {{ margin: 0 auto; max-width: 50rem; padding: 8px; }}
  @media (prefers-color-scheme: dark) {{
    body {{ background: #14181e; color: #e6e6e6;
      --pst-color-text-base: #e6e6e6; --pst-color-background: #14181e; }}
  }}
</style>
{head}
</head>
<body>
<main><h1>A small page</h1><p>Text above the widget.</p>
<div class="cell_output">{views}</div>
<p>Text below the widget.</p></main>
</body>
</html>
"""


KIND = "application/vnd.jupyter.widget"
HEAD = f"""<script type="{KIND}-state+json">{{state}}</script>
<script defer src="_static/views.js"></script>"""
VIEW = f'<script type="{KIND}-view+json">{{view}}</script>'


def garments() -> data.Split:
    """A thousand garments of the shipped sample: as many as the planes show."""
    shown = data.read_folder(data.SAMPLE_FOLDER)[1]
    assert len(shown) >= 1000
    return shown[:1000]


@cache
def quick(kind: type, latent_dim: int = 2, seed: int = 0) -> models.Autoencoder:
    """A model trained for a second."""
    torch.manual_seed(seed)
    model = kind(latent_dim)
    loss = losses.vae_loss if kind is models.VAE else losses.ae_loss
    images = data.read_folder(data.SAMPLE_FOLDER)[0].images
    train.fit(model, loss, images, budget=2560, seed=seed, lr=4e-3, reports=1)
    return model


def colours() -> data.Split:
    """Discs of three colours on grounds of their own, 64 rows by 48 columns."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(240) % 3
    disc = torch.tensor([[230, 40, 30], [30, 200, 60], [40, 70, 240]])
    place = torch.rand(240, 2, 1, 1, generator=generator) * 0.4 + 0.3
    y = torch.linspace(0, 1, 64)[:, None] - place[:, 0]
    x = torch.linspace(0, 0.75, 48) - 0.75 * place[:, 1]
    inside = (x**2 + y**2 < 0.04)[:, None]
    ground = torch.randint(60, 160, (240, 3, 1, 1), generator=generator)
    images = torch.where(inside, disc[labels][..., None, None], ground)
    names = ("red", "green", "blue")
    return data.Split(images.to(torch.uint8), labels, names)


@cache
def colourful(kind: type) -> models.Autoencoder:
    """A model of those pictures, with a Gaussian whose sigma it learns."""
    torch.manual_seed(0)
    sigma = likelihoods.WithSigma(0.3, learned=True)
    model = kind(2, image_shape=(3, 64, 48), likelihood=sigma)
    loss = losses.vae_loss if kind is models.VAE else losses.ae_loss
    train.fit(model, loss, colours().images, 1280, lr=4e-3, batch_size=32)
    return model


def panels() -> dict[str, widgets.Panel]:
    """One panel of each kind."""
    shown = garments()
    ae, vae = quick(models.Autoencoder), quick(models.VAE)
    deep, other = quick(models.VAE, 5), quick(models.Autoencoder, 5)
    discs = colourful(models.Autoencoder), colourful(models.VAE)
    series = [
        [(f"seed {seed}", quick(kind, seed=seed)) for seed in (1, 2, 0)]
        for kind in (models.Autoencoder, models.VAE)
    ]
    return {
        "map": widgets.latent_map(ae, vae, points=shown),
        "one": widgets.latent_map(vae, points=shown),
        "series": widgets.latent_map(points=shown, checkpoints=series),
        "sampler": widgets.latent_sampler(
            deep, sample.encode(deep, shown.images)
        ),
        "twins": widgets.latent_sampler(
            deep,
            sample.encode_sampled(deep, shown.images),
            images=shown.images,
            twin=(other, sample.encode(other, shown.images)),
        ),
        "encoder": widgets.encoder_live(ae, vae, images=shown),
        "kl": widgets.kl_playground(),
        "loss": widgets.loss_reader(),
        "colour": widgets.latent_map(*discs, points=colours()),
        "colour-encoder": widgets.encoder_live(*discs, images=colours()),
    }


def write_static(folder: Path) -> None:
    """The static files of the book that its widgets need."""
    folder.mkdir()
    for file in (
        ROOT / "book" / "_vendor" / "widgets.js",
        ROOT / "book" / "_vendor" / "widgets.css",
        ROOT / "book" / "static" / "book.css",
        ROOT / "book" / "static" / "views.js",
        source.FOLDER / "place.css",
    ):
        shutil.copy(file, folder)


def write_page(panels: list[widgets.Panel], folder: Path, name: str) -> None:
    """A page as the book's are, with these panels on it."""
    head = views = ""
    if panels:
        state = dependency_state(panels, drop_defaults=False)
        embedded = embed_data(panels, state=state)
        text = json.dumps(embedded["manager_state"]).replace("<", "\\u003c")
        head = HEAD.format(state=text)
        views = "".join(
            VIEW.format(view=json.dumps(view))
            for view in embedded["view_specs"]
        )
    text = PAGE.format(head=head, views=views)
    page = folder / f"{name}.html"
    page.write_text(
        place_widgets(text, page, folder / "_static"), encoding="utf-8"
    )
