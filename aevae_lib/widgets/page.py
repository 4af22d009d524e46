"""A panel as a page of its own, that works with no Python and no network."""

import html
import json
import re
from pathlib import Path

from ipywidgets.embed import dependency_state

from . import source
from .panel import Panel


def save_html(panel: Panel, path: str | Path, title: str | None = None) -> Path:
    """Write a panel as one HTML file that works offline in any current browser;
    return its path.

    The file holds the models' weights, the pictures and all code, asks for
    nothing from anywhere, and has browsers' own sliders in place of
    ipywidgets'. Scripts off, or on paper, it shows the panel's still figure.
    The values are those of the panel now.

    Raises `OSError`, naming the file and the remedy, if it cannot be written.
    """
    if not isinstance(panel, Panel):
        raise TypeError(
            "save_html saves what a function of widgets returned, not a "
            f"{type(panel).__name__}."
        )
    path = Path(path)
    try:
        path.write_text(_page(panel, title or "From Points to Clouds"), "utf-8")
    except OSError as error:
        raise type(error)(
            error.errno,
            f"{error.strerror}: the panel cannot be saved there. Choose a "
            "folder that exists and that you may write to",
            str(path),
        ) from error
    return path


def _page(panel: Panel, title: str) -> str:
    view = panel.view
    state = dependency_state([panel], drop_defaults=False)
    for model in state.values():
        for elsewhere in ("_esm", "_css", "still"):  # in the page itself, once
            model["state"].pop(elsewhere, None)
    start = f"$page.show(${view.kind}.render);\n"
    wide, narrow = view.room
    parts = {
        "title": html.escape(title),
        "style": source.read("style.css", "place.css", "page.css"),
        "code": source.joined(view.kind, "page", end=start),
        # "<" would end the script's element if a name held "</script>"
        "state": json.dumps(state, separators=(",", ":")).replace(
            "<", "\\u003c"
        ),
        "root": panel.model_id,
        "still": view.still,
        "text": html.escape(view.still_text),
        "room": f"--aevae-wide: {wide}px; --aevae-narrow: {narrow}px",
    }
    # all at once: a title may hold "{{state}}" and is only a title
    return re.sub(
        r"\{\{(\w+)\}\}", lambda name: parts[name[1]], source.read("page.html")
    )
