"""Make the site's front-end files in book/_vendor: fonts, icons and one bundle
for the widgets.

    python -m book.frontend

The packages come from npm, pinned with their checksums by package-lock.json;
anywidget's half and the theme's icons come from the installed Python packages,
so that they always match. Nothing is done while all of these are unchanged.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import anywidget
import pydata_sphinx_theme
from fontTools import merge, subset
from fontTools.ttLib import TTFont

BOOK = Path(__file__).parent
VENDOR = BOOK / "_vendor"
ANYWIDGET = Path(anywidget.__file__).parent / "nbextension" / "index.js"
THEME = Path(pydata_sphinx_theme.__file__).parent / "theme"
STATIC = THEME / "pydata_sphinx_theme" / "static"
STYLES = STATIC / "styles" / "pydata-sphinx-theme.css"
# The icons that pages show, besides those that the theme's styles name.
ICONS = [
    "angle-left", "angle-right", "arrow-up", "bars", "chevron-down",
    "circle-half-stroke", "download", "expand", "file", "file-pdf", "github",
    "lightbulb", "list", "magnifying-glass", "moon", "rocket", "sun", "xmark",
]  # fmt: skip
# Latin letters in one file for all weights; italics for the text alone.
FONTS = {
    "source-serif-4": ("normal", "italic"),
    "inter": ("normal",),
    "jetbrains-mono": ("normal",),
}
WEIGHTS = (400, 700)  # of the type in figures
SOURCES = [
    BOOK / "frontend.py",
    BOOK / "package.json",
    BOOK / "package-lock.json",
    BOOK / "widgets.js",
    ANYWIDGET,
    STYLES,
]


def main() -> None:
    fingerprint = hashlib.sha256(
        b"".join(file.read_bytes() for file in SOURCES)
    ).hexdigest()
    stamp = VENDOR / "made-from.txt"
    if stamp.is_file() and stamp.read_text() == fingerprint:
        return
    shutil.rmtree(VENDOR, ignore_errors=True)
    print("== Fetching the site's front-end packages with npm", flush=True)
    run("npm", "ci", "--ignore-scripts", "--no-progress", "--loglevel=error")
    print("== Bundling the widgets' front end", flush=True)
    bundle_widgets()
    copy_fonts()
    cut_icons()
    stamp.write_text(
        fingerprint
    )  # last, so that a broken run is never taken for a whole one
    sizes = ", ".join(
        f"{size(file)} {file.name}" for file in sorted(VENDOR.glob("*"))
    )
    print(f"Made {VENDOR}: {sizes}.")


def bundle_widgets() -> None:
    """One script and one style sheet, for the current browsers."""
    # anywidget ships an AMD module: define([names], factory). As CommonJS it is
    # the factory.
    module = BOOK / "node_modules" / "anywidget-front-end" / "index.js"
    module.parent.mkdir(exist_ok=True)
    shim = "const define = (names, factory) => (module.exports = factory);\n"
    text = ANYWIDGET.read_text(encoding="utf-8")
    # It calls a widget failed that is not there after two seconds: too soon for
    # a slow phone.
    text = text.replace("AbortSignal.timeout(2e3)", "AbortSignal.timeout(6e4)")
    module.write_text(shim + text, encoding="utf-8")
    run(
        *(
            "node",
            "node_modules/esbuild/bin/esbuild",
            "widgets.js",
            "--outdir=_vendor",
        ),
        *("--bundle", "--minify", "--target=es2022", "--legal-comments=linked"),
    )


def copy_fonts() -> None:
    """The site's type; book.css says what it is used for."""
    (VENDOR / "fonts").mkdir()
    for name, styles in FONTS.items():
        files = BOOK / "node_modules" / "@fontsource-variable" / name / "files"
        for style in styles:
            file = files / f"{name}-latin-wght-{style}.woff2"
            shutil.copy2(file, VENDOR / "fonts" / f"{name}-{style}.woff2")
    # Matplotlib reads one file for each weight, Greek letters and all.
    (VENDOR / "figure-type").mkdir()
    files = BOOK / "node_modules" / "@fontsource" / "inter" / "files"
    for weight in WEIGHTS:
        parts = [
            files / f"inter-{letters}-{weight}-normal.woff"
            for letters in ("latin", "greek")
        ]
        font = merge.Merger().merge([str(part) for part in parts])
        font.flavor = None
        font.save(VENDOR / "figure-type" / f"inter-{weight}.ttf")


def cut_icons() -> None:
    """Of the theme's three fonts of icons, the few that are on show: a
    hundredth of what it serves.
    """
    folder = VENDOR / "icons"
    folder.mkdir()
    styles = STYLES.read_text(encoding="utf-8")
    codes = [ord(one) for one in re.findall(r'--pst-[\w-]+:"(.)"', styles)]
    codes += [icon_code(name, styles) for name in ICONS]
    for file in (STATIC / "vendor" / "fontawesome" / "webfonts").glob("*.ttf"):
        font = TTFont(file)
        cut = subset.Subsetter(subset.Options(layout_features=[]))
        cut.populate(unicodes=codes)
        cut.subset(font)
        font.flavor = "woff"
        font.save(folder / f"{file.stem}.woff")


def icon_code(name: str, styles: str) -> int:
    """The code point of an icon, as the theme's styles have it."""
    rule = rf'\.fa-{name}:before[^{{}}]*\{{content:"\\([0-9a-f]+)"'
    return int(re.search(rule, styles)[1], 16)


def run(
    program: str, *arguments: str, **more: Any
) -> subprocess.CompletedProcess:
    """Run node or npm, from beside this Python if it has them."""
    environment = dict(os.environ)
    environment["PATH"] = (
        f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    )
    return subprocess.run(
        [program, *arguments], cwd=BOOK, env=environment, check=True, **more
    )


def size(path: Path) -> str:
    """How large a file or a folder is, in words."""
    files = path.rglob("*") if path.is_dir() else [path]
    total = sum(file.stat().st_size for file in files if file.is_file())
    return f"{total / 1e6:.2f} MB"


if __name__ == "__main__":
    main()
