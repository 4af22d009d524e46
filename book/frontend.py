"""Make the site's front-end files in book/_vendor: MathJax and one bundle for
the widgets.

    python -m book.frontend

The packages come from npm, pinned with their checksums by package-lock.json;
anywidget's half comes from the installed Python package, so that the two always
match. Nothing is done while all of these are unchanged.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import anywidget

BOOK = Path(__file__).parent
VENDOR = BOOK / "_vendor"
ANYWIDGET = Path(anywidget.__file__).parent / "nbextension" / "index.js"
SOURCES = [
    BOOK / "frontend.py",
    BOOK / "package.json",
    BOOK / "package-lock.json",
    BOOK / "widgets.js",
    ANYWIDGET,
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
    copy_mathjax()
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
    # The controls would set their labels with MathJax 2; on a page with
    # formulas they would find MathJax 3 and fail. Our labels hold no formulas,
    # so they are told that there is none.
    run(
        *(
            "node",
            "node_modules/esbuild/bin/esbuild",
            "widgets.js",
            "--outdir=_vendor",
        ),
        *("--bundle", "--minify", "--target=es2022", "--legal-comments=linked"),
        "--define:window.MathJax=undefined",
    )


def copy_mathjax() -> None:
    """MathJax with every TeX extension in one file, and its fonts."""
    source = BOOK / "node_modules" / "mathjax" / "es5"
    fonts = Path("output") / "chtml" / "fonts" / "woff-v2"
    shutil.copytree(source / fonts, VENDOR / "mathjax" / fonts)
    shutil.copy2(source / "tex-chtml-full.js", VENDOR / "mathjax")


def run(program: str, *arguments: str) -> None:
    """Run node or npm, from beside this Python if it has them."""
    environment = dict(os.environ)
    environment["PATH"] = (
        f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    )
    subprocess.run([program, *arguments], cwd=BOOK, env=environment, check=True)


def size(path: Path) -> str:
    """How large a file or a folder is, in words."""
    files = path.rglob("*") if path.is_dir() else [path]
    total = sum(file.stat().st_size for file in files if file.is_file())
    return f"{total / 1e6:.2f} MB"


if __name__ == "__main__":
    main()
