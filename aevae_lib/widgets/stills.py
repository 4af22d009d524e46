"""Still figures, for paper and for browsers without scripts."""

import base64
import io
from collections.abc import Callable

from matplotlib.figure import Figure


def drawn(draw: Callable[[Figure], None]) -> str:
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
