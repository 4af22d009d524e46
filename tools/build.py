"""Build the book into _build/html; every warning and every failing cell is an
error.

    python -m tools.build

Chapters whose results still hold are taken from the execution cache
(book/site_extension.py says when they do). Nothing is done when the site was
built from these very sources, and upon the same foundation.

The book is built in a folder of its own, which takes the place of _build/html
once it is whole: readers and tests never meet half a site. Of two runs at once
the second waits for the first.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aevae_lib import data
from book import site_extension

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "_build"
STAMP = BUILD / "built-from.txt"
PRIVATE = "new-"  # the folder's name starts so; what a killed run left, too
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
    "my-birds",
}


def main() -> None:
    data.load()  # fetches the images if need be, and says what is in use
    with alone(BUILD / "lock"):
        build()


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Be the only run in here; name another one that is, and wait for it."""
    lock.parent.mkdir(exist_ok=True)
    with lock.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            say(
                "Another run is building the site: waiting for process "
                f"{file.read() or 'unknown'}"
            )
            fcntl.flock(file, fcntl.LOCK_EX)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def build() -> None:
    """Build the site unless it is there; nobody else builds meanwhile."""
    sources, upon = digest(SOURCES), site_extension.foundation()
    built = (BUILD / "html" / "index.html").is_file() and STAMP.is_file()
    if built and STAMP.read_text() == f"{sources} {upon}":
        say("The site is already built from these sources")
        return
    for left in BUILD.glob(f"{PRIVATE}*"):
        shutil.rmtree(left)
    say(
        "Building the book: its models are trained while its chapters are "
        "executed"
    )
    with tempfile.TemporaryDirectory(dir=BUILD, prefix=PRIVATE) as folder:
        jupyter_book = str(Path(sys.executable).with_name("jupyter-book"))
        command = [jupyter_book, "build", ".", "-W", "--keep-going"]
        run(*command, "--path-output", folder)
        if site_extension.foundation() != upon:
            # it has outputs of either under one name
            shutil.rmtree(BUILD / ".jupyter_cache")
            sys.exit(
                "The library, the lock or the data changed while the chapters "
                "were executed, so that nobody knows what the pages show. Run "
                "the command again."
            )
        put_in_place(Path(folder) / "_build" / "html")
    STAMP.write_text(f"{sources} {upon}")
    say(f"The book: {(BUILD / 'html' / 'index.html').as_uri()}")
    say("To serve it: make serve")


def put_in_place(new: Path) -> None:
    """Let a finished site be _build/html."""
    STAMP.unlink(missing_ok=True)
    # What a run of jupyter-book by hand knows is about the site that goes.
    for stale in (".doctrees", "jupyter_execute"):
        shutil.rmtree(BUILD / stale, ignore_errors=True)
    place = BUILD / "html"
    if place.exists():
        place.rename(new.with_name("old"))
    new.rename(place)


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
