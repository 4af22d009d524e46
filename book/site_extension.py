"""What the site needs beyond _config.yml: static files, a cache never stale, a plain API page."""

import hashlib
import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError

from aevae_lib import data

BOOK = Path(__file__).parent
VENDOR = BOOK / "_vendor"

# What the theme and its helpers write that screen readers stumble over, and what is put instead.
MENDS = [
    # the side bar, with the logo in it, is no landmark
    (
        r'(<div id="pst-primary-sidebar") class=',
        r'\1 role="complementary" aria-label="Course" class=',
    ),
    # a name that is not the text on the button
    (r'(<button class="btn search-button-field[^>]*) aria-label="Search"', r"\1"),
    (r'(<i class="theme-switch[^>]*?)\s+title="[^"]*"', r"\1"),
    (r'<summary aria-label="Toggle hidden content">', r"<summary>"),
    # roles that were taken out of the standard
    (r' role="doc-biblioentry"', r' role="listitem"'),
    (r' role="doc-backlink"', r""),
]


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("config-inited", serve_static_files)
    app.connect("config-inited", key_the_cache)
    app.connect("html-page-context", launch_only_notebooks, priority=900)  # after the theme
    app.connect("autodoc-process-docstring", read_as_plain_text)
    app.connect("autodoc-skip-member", skip_tuple_fields)
    app.connect("build-finished", mend_the_pages)
    app.add_css_file("book.css")
    app.add_js_file("math.js", loading_method="defer")
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def serve_static_files(app: Sphinx, config: Config) -> None:
    """Add our folders here, after Jupyter Book has put every script it knows on every page."""
    if not (VENDOR / "made-from.txt").is_file():
        raise ExtensionError(f"{VENDOR} is not there yet. Make it with: python book/frontend.py")
    config.html_static_path += [str(BOOK / "static"), str(VENDOR)]


def key_the_cache(app: Sphinx, config: Config) -> None:
    """Keep the outputs of executed notebooks in a folder named after all that they rest on.

    jupyter-cache looks at a notebook's code alone. With another library, lock, data set or
    device this folder's name is another one: the setting has changed, so that Sphinx reads
    every page again, and the cache is empty, so that every notebook runs again.
    """
    library = sorted((BOOK.parent / "aevae_lib").rglob("*"))
    files = [file for file in library if file.is_file() and file.suffix != ".pyc"]
    key = hashlib.sha256()
    for file in [*files, BOOK.parent / "requirements.lock"]:
        key.update(f"{file.relative_to(BOOK.parent)}\n".encode() + file.read_bytes())
    folder, _ = data.find_folder()
    for file in sorted(folder.glob("*")):
        key.update(f"{file} {file.stat().st_size} {file.stat().st_mtime_ns}\n".encode())
    key.update(data.describe_device(data.pick_device()).encode())
    cache = Path(app.outdir).parent / ".jupyter_cache" / key.hexdigest()[:16]
    config.nb_execution_cache_path = str(cache)


def launch_only_notebooks(app: Sphinx, pagename: str, template: str, context: dict, _: Any) -> None:
    """Take Colab's button from the executed page that is not an .ipynb: Colab cannot open it."""
    if not str(app.env.doc2path(pagename)).endswith(".ipynb"):
        context["header_buttons"] = [
            button
            for button in context.get("header_buttons", [])
            if button.get("label") != "launch-buttons"
        ]


def read_as_plain_text(
    app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]
) -> None:
    """Docstrings are plain text with code in backticks: keep reStructuredText off the rest."""
    for number, line in enumerate(lines):
        words = re.split(r"`+([^`]+)`+", line)  # every second one is code
        words[::2] = [re.sub(r"([*_|\\])", r"\\\1", text) for text in words[::2]]
        words[1::2] = [f"``{code}``" for code in words[1::2]]
        lines[number] = "".join(words)


def skip_tuple_fields(
    app: Sphinx, what: str, name: str, thing: Any, skip: bool, options: Any
) -> bool | None:
    """A named tuple's fields stand in its signature; "alias for field number 0" adds nothing."""
    return True if type(thing).__name__ == "_tuplegetter" else None


def mend_the_pages(app: Sphinx, error: Exception | None) -> None:
    """Apply `MENDS` to every page that was written."""
    if error:
        return
    for page in Path(app.outdir).rglob("*.html"):
        text = mended = page.read_text(encoding="utf-8")
        for old, new in MENDS:
            mended = re.sub(old, new, mended)
        if mended != text:
            page.write_text(mended, encoding="utf-8")
