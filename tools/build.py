"""Build the book into _build/html; every warning and every failing cell is an
error.

    python -m tools.build

Chapters whose results still hold are taken from the execution cache
(book/site_extension.py says when they do). Nothing is done when the site was
built from these very sources, and upon the same foundation.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from aevae_lib import data

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "book"))
import site_extension  # noqa: E402

BUILD = ROOT / "_build"
STAMP = BUILD / "built-from.txt"
SOURCES = [
    "_config.yml",
    "_toc.yml",
    "aevae_lib",
    "book",
    "chapters",
    "requirements.lock",
]
# Not sources: what set-up and the chapters themselves write.
MADE = {
    "node_modules",
    "_vendor",
    "__pycache__",
    ".ipynb_checkpoints",
    "my-vae.html",
}


def main() -> None:
    data.load()  # fetches the images if need be, and says what is in use
    sources, upon = digest(SOURCES), site_extension.foundation()
    built = (BUILD / "html" / "index.html").is_file() and STAMP.is_file()
    if built and STAMP.read_text() == f"{sources} {upon}":
        say("The site is already built from these sources")
        return
    STAMP.unlink(missing_ok=True)
    # Sphinx repeats no warning of a page that it does not read again, so it
    # reads them all.
    for stale in ("html", ".doctrees"):
        shutil.rmtree(BUILD / stale, ignore_errors=True)
    say(
        "Building the book: its models are trained while its chapters are "
        "executed"
    )
    jupyter_book = str(Path(sys.executable).with_name("jupyter-book"))
    run(jupyter_book, "build", ".", "-W", "--keep-going")
    if site_extension.foundation() != upon:
        shutil.rmtree(
            BUILD / ".jupyter_cache"
        )  # it has outputs of either under one name
        sys.exit(
            "The library, the lock or the data changed while the chapters were "
            "executed, so that "
            "nobody knows what the pages show. Run the command again."
        )
    STAMP.write_text(f"{sources} {upon}")
    say(f"The book: {(BUILD / 'html' / 'index.html').as_uri()}")
    say("To serve it: make serve")


def digest(names: list[str]) -> str:
    """One hash over the names and the bytes of all these files and folders."""
    total = hashlib.sha256()
    for top in (ROOT / name for name in names):
        for file in sorted(top.rglob("*")) if top.is_dir() else [top]:
            name = file.relative_to(ROOT)
            if file.is_file() and not MADE.intersection(name.parts):
                total.update(f"{name}\0".encode() + file.read_bytes())
    return total.hexdigest()


def run(*command: str) -> None:
    if subprocess.call(command, cwd=ROOT) != 0:
        sys.exit(
            f"The site was not built, since this failed: {' '.join(command)}"
        )


def say(line: str) -> None:
    print(f"== {line}", flush=True)


if __name__ == "__main__":
    main()
