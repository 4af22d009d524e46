"""What the site needs beyond _config.yml: static files, a cache never stale,
places for widgets.
"""

import base64
import hashlib
import html
import json
import logging
import os
import re
import sys
from pathlib import Path
from typing import Any

import zmq
from nbclient import NotebookClient
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError

from aevae_lib import data
from aevae_lib.widgets import source

from . import (
    figures,
    folds,
    formulas,
    inks,
    letters,
    lighten,
    social,
    styles,
)

BOOK = Path(__file__).parent
VENDOR = BOOK / "_vendor"

STATE = re.compile(
    r"(<script "
    r'type="application/vnd.jupyter.widget-state\+json">)(.*?)(</script>)',
    re.DOTALL,
)
VIEW = re.compile(
    r'<script type="application/vnd.jupyter.widget-view\+json">(.*?)</script>',
    re.DOTALL,
)
PLACE = '<div class="aevae-place"'  # where a widget stands
# characters of a widget's text from which on it becomes a file of its own
LONG = 2000

# What the theme and its helpers write that screen readers stumble over, and
# what is put instead. A page that Sphinx does not write again is mended again,
# and no mend may change what it mended.
MENDS = [
    # the side bar, with the logo in it, is no landmark
    (
        r'(<div id="pst-primary-sidebar") class=',
        r'\1 role="complementary" aria-label="Course" class=',
    ),
    # a name that is not the text on the button
    (
        r'(<button class="btn search-button-field[^>]*) aria-label="Search"',
        r"\1",
    ),
    (r'(<i class="theme-switch[^>]*?)\s+title="[^"]*"', r"\1"),
    (r'<summary aria-label="Toggle hidden content">', r"<summary>"),
    # roles that were taken out of the standard
    (r' role="doc-biblioentry"', r' role="listitem"'),
    (r' role="doc-backlink"', r""),
    # one logo for light and dark
    (r'\s*<img [^>]*class="logo__image only-dark[^>]*>', r""),
    (r'class="logo__image only-light"', r'class="logo__image"'),
    # the site's type is asked for before the styles are read
    (
        r'(?<!crossorigin>)(\n\s*<link [^>]*href="([^"]*)type\.css)',
        "".join(
            rf'\n<link rel="preload" as="font" type="font/{kind}" '
            rf'href="\2fonts/{name}.{kind}" crossorigin>'
            for name, kind in (
                ("formulas", "woff"),
                ("source-serif-4-normal", "woff2"),
                ("source-serif-4-italic", "woff2"),
                ("inter-normal", "woff2"),
                ("jetbrains-mono-normal", "woff2"),
            )
        )
        + r"\1",
    ),
]


def setup(app: Sphinx) -> dict[str, bool]:
    logging.getLogger("fontTools").setLevel(logging.WARNING)
    app.connect("config-inited", serve_static_files)
    app.connect("config-inited", key_the_cache)
    app.connect("config-inited", prepare_kernels)
    app.connect(
        "html-page-context", launch_only_notebooks, priority=900
    )  # after the theme
    app.connect("autodoc-process-docstring", read_as_plain_text)
    app.connect("autodoc-skip-member", skip_tuple_fields)
    app.connect(
        "build-finished", mend_the_pages, priority=900
    )  # after the theme, which writes a sheet then
    folds.setup(app)
    app.add_css_file("type.css")
    app.add_css_file("book.css")
    app.add_css_file("place.css")
    app.add_js_file("reach.js", loading_method="defer")
    app.add_js_file("lab.js", loading_method="defer")
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def serve_static_files(app: Sphinx, config: Config) -> None:
    """Add our folders here, after Jupyter Book has put every script it knows on
    every page.
    """
    if not (VENDOR / "made-from.txt").is_file():
        raise ExtensionError(
            f"{VENDOR} is not there yet. Make it with: python -m book.frontend"
        )
    places = source.FOLDER / "place.css"
    config.html_static_path += [str(BOOK / "static"), str(VENDOR), str(places)]


def key_the_cache(app: Sphinx, config: Config) -> None:
    """Keep the outputs of executed notebooks in a folder named after all that
    they rest on.

    jupyter-cache looks at a notebook's code alone. With another foundation this
    folder's name is another one: the setting has changed, so that Sphinx reads
    every page again, and the cache is empty, so that every notebook runs again.
    """
    cache = Path(app.srcdir) / "_build" / ".jupyter_cache" / foundation()[:16]
    config.nb_execution_cache_path = str(cache)


def prepare_kernels(app: Sphinx, config: Config) -> None:
    """Let every kernel draw the figures' variants, and speak to it in encrypted
    form: else it warns that nobody does.
    """
    plain = NotebookClient.create_kernel_manager
    os.environ[inks.FOLDER] = str(drawn_figures(config))
    paths = [str(BOOK.parent), os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))

    def prepared(self: NotebookClient) -> Any:
        manager = plain(self)
        self.extra_arguments = [f"--IPKernelApp.extensions={inks.__name__}"]
        if zmq.has("curve"):
            manager.transport_encryption = "auto"
        return manager

    NotebookClient.create_kernel_manager = prepared


def drawn_figures(config: Config) -> Path:
    """Where the figures' variants are: beside the outputs that are kept."""
    return Path(config.nb_execution_cache_path) / "figures"


def foundation() -> str:
    """One hash over what every output rests on: library, lock, data, device,
    Python, and how figures are drawn.
    """
    library = sorted((BOOK.parent / "aevae_lib").rglob("*"))
    files = [
        file for file in library if file.is_file() and file.suffix != ".pyc"
    ]
    key = hashlib.sha256()
    files += [BOOK / "inks.py", BOOK / "package-lock.json"]
    for file in [*files, BOOK.parent / "requirements.lock"]:
        key.update(
            f"{file.relative_to(BOOK.parent)}\n".encode() + file.read_bytes()
        )
    folder, _ = data.find_folder()
    for file in sorted(folder.glob("*")):
        key.update(
            f"{file} {file.stat().st_size} {file.stat().st_mtime_ns}\n".encode()
        )
    key.update(
        f"{data.describe_device(data.pick_device())}\n{sys.version}\n".encode()
    )
    return key.hexdigest()


def launch_only_notebooks(
    app: Sphinx, pagename: str, template: str, context: dict, _: Any
) -> None:
    """Take Colab's button from the executed page that is not an .ipynb: Colab
    cannot open it.
    """
    if not str(app.env.doc2path(pagename)).endswith(".ipynb"):
        context["header_buttons"] = [
            button
            for button in context.get("header_buttons", [])
            if button.get("label") != "launch-buttons"
        ]


def read_as_plain_text(
    app: Sphinx,
    what: str,
    name: str,
    thing: Any,
    options: Any,
    lines: list[str],
) -> None:
    """Docstrings are plain text with code in backticks: keep reStructuredText
    off the rest.
    """
    for number, line in enumerate(lines):
        words = re.split(r"`+([^`]+)`+", line)  # every second one is code
        words[::2] = [
            re.sub(r"([*_|\\])", r"\\\1", text) for text in words[::2]
        ]
        words[1::2] = [f"``{code}``" for code in words[1::2]]
        lines[number] = "".join(words)


def skip_tuple_fields(
    app: Sphinx, what: str, name: str, thing: Any, skip: bool, options: Any
) -> bool | None:
    """A named tuple's fields stand in its signature; "alias for field number 0"
    adds nothing.
    """
    return True if type(thing).__name__ == "_tuplegetter" else None


def mend_the_pages(app: Sphinx, error: Exception | None) -> None:
    """Apply `MENDS` to every page that was written, give its widgets their
    places, take off it what it does not use, and set its formulas; and leave
    of styles and type what the site uses.
    """
    if error:
        return
    for page in Path(app.outdir).rglob("*.html"):
        text = mended = page.read_text(encoding="utf-8")
        for old, new in MENDS:
            mended = re.sub(old, new, mended)
        mended = place_widgets(mended, page, Path(app.outdir) / "_static")
        drawn = drawn_figures(app.config)
        mended = figures.with_variants(mended, page, drawn)
        mended = lighten.without_unused(mended, page, Path(app.outdir))
        mended = social.with_card(mended, page, app)
        mended = lighten.with_sized_images(mended, page)
        if mended != text:
            page.write_text(mended, encoding="utf-8")
    lighten.lighten_site(Path(app.outdir))
    settings = app.config.mathjax3_config["tex"]
    formulas.set_formulas(Path(app.outdir), settings)
    styles.join(Path(app.outdir))
    letters.cut_type(Path(app.outdir))


def place_widgets(text: str, page: Path, static: Path) -> str:
    """A page whose widgets have a place each, with a still figure, and lie
    outside the text; a page that has places already, as it is.

    Every long text of our widgets (weights, pictures, code) moves into a file
    that is named after its content, so that all widgets and pages share it and
    it is fetched when it is needed: widgets.js knows "file:NAME" for it.
    """
    found = STATE.search(text)
    if not found or PLACE in text:
        return text
    folder = static / "widgets"
    folder.mkdir(exist_ok=True)
    widgets = json.loads(found[2])
    models = {name: model["state"] for name, model in widgets["state"].items()}
    stills = {
        name: move_still(state, folder)
        for name, state in models.items()
        if "still" in state
    }
    for state in models.values():
        if (
            "still" in state or "digest" in state
        ):  # our views and networks; others stay whole
            state |= move_texts(state, folder)
    moved = json.dumps(widgets, separators=(",", ":")).replace("<", "\\u003c")
    text = text[: found.start(2)] + moved + text[found.end(2) :]
    up = "../" * (len(page.relative_to(static.parent).parts) - 1)
    count = 0

    def place(view: re.Match) -> str:
        nonlocal count
        panel = models.get(json.loads(view[1])["model_id"], {})
        children = [
            child.removeprefix("IPY_MODEL_")
            for child in panel.get("children", [])
        ]
        name = next((child for child in children if child in stills), None)
        if name is None:
            return view[0]
        count += 1
        wide, narrow = models[name]["room"]
        alt = html.escape(models[name]["still_text"])
        return (
            f'{PLACE} id="widget-{count}" '
            f'style="--aevae-wide: {wide}px; --aevae-narrow: {narrow}px">'
            '<img class="aevae-still" '
            f'src="{up}_static/widgets/{stills[name]}" alt="{alt}">'
            f"{view[0]}</div>"
        )

    return VIEW.sub(place, text)


def move_still(state: dict[str, Any], folder: Path) -> str:
    """The name of the file that now holds a view's still figure."""
    picture = base64.b64decode(state["still"].partition(",")[2])
    state["still"] = ""
    name = f"{hashlib.sha256(picture).hexdigest()[:16]}.webp"
    (folder / name).write_bytes(picture)
    return name


def move_texts(value: Any, folder: Path) -> Any:
    """The same value with "file:NAME" for every long text in it."""
    if isinstance(value, dict):
        return {key: move_texts(part, folder) for key, part in value.items()}
    if isinstance(value, list):
        return [move_texts(part, folder) for part in value]
    if not isinstance(value, str) or len(value) < LONG:
        return value
    name = hashlib.sha256(value.encode()).hexdigest()[:16]
    code = f"aevaeFile({json.dumps(name)},{json.dumps(value)});\n"
    (folder / f"{name}.js").write_text(code, encoding="utf-8")
    return f"file:{name}"
