"""Pictures for the browser: the images shown, and still figures for paper and
for pages without scripts.
"""

import base64
import io
from collections.abc import Callable

import torch
from matplotlib.figure import Figure
from matplotlib.image import imsave
from torch import Tensor, nn

from ..data import Split
from ..plots import class_look

COLUMNS = 40  # small pictures side by side in a sheet
LARGEST = 64  # pixels along the longer side of one


def classes(shown: Split | None) -> list[dict[str, str]]:
    """Each class's name, colour and marker."""
    looks = ("name", "color", "marker")
    return [
        dict(zip(looks, (name, *class_look(k)), strict=True))
        for k, name in enumerate(shown.classes if shown else ())
    ]


def sheet(shown: Split | None) -> dict:
    """The images without their frame, side by side in one small picture, and
    where in it they are.
    """
    if shown is None:
        return {}
    inner = slice(shown.frame, -shown.frame or None)
    pixels = as_bytes(shown.images)[:, inner, inner]
    scale = LARGEST / max(pixels.shape[1:3])
    if scale < 1:
        size = [max(1, round(side * scale)) for side in pixels.shape[1:3]]
        floats = pixels.permute(0, 3, 1, 2).float()
        smaller = nn.functional.adaptive_avg_pool2d(floats, size)
        pixels = smaller.round().to(torch.uint8).permute(0, 2, 3, 1)
    pixels = pixels.expand(-1, -1, -1, 3)
    rows = -(-len(pixels) // COLUMNS)
    height, width = pixels.shape[1:3]
    tiles = torch.zeros(rows * COLUMNS, height, width, 3, dtype=torch.uint8)
    tiles[: len(pixels)] = pixels
    tiles = tiles.view(rows, COLUMNS, height, width, 3).transpose(1, 2)
    whole = tiles.reshape(rows * height, COLUMNS * width, 3)
    file = io.BytesIO()
    imsave(file, whole.numpy(), format="webp", pil_kwargs={"quality": 30})
    place = {"columns": COLUMNS, "rows": rows, "width": width, "height": height}
    return {"picture": address(file)} | place


def as_bytes(images: Tensor) -> Tensor:
    """Images as the browser paints them: uint8 (N, height, width, channels), on
    the CPU. Floating ones must lie in [0, 1].
    """
    images = images.detach().cpu()
    if images.is_floating_point():
        if images.min() < 0 or images.max() > 1:
            raise ValueError(
                "A widget shows pictures: floating images must lie in [0, 1], "
                f"and these reach from {images.min():g} to {images.max():g}."
            )
        images = (255 * images).round().to(torch.uint8)
    return images.permute(0, 2, 3, 1)


def still(draw: Callable[[Figure], None]) -> str:
    """What `draw` draws into a figure, as the address of a small picture."""
    figure = Figure(
        figsize=(7.2, 3.6), dpi=110, layout="constrained", facecolor="white"
    )
    draw(figure)
    file = io.BytesIO()
    figure.savefig(file, format="webp", pil_kwargs={"quality": 60})
    return address(file)


def address(file: io.BytesIO) -> str:
    """A picture in WebP as a data address."""
    text = base64.b64encode(file.getvalue()).decode("ascii")
    return f"data:image/webp;base64,{text}"
