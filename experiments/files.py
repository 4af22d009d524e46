"""Where results and weights lie, and files that are whole or not there."""

import contextlib
import json
import math
import os
from collections.abc import Iterator
from pathlib import Path

from aevae_lib import evidence

ROOT = Path(__file__).resolve().parent.parent
RUNS = evidence.RESULTS / "first"
FLOORS = evidence.floors_path()
WEIGHTS = ROOT / "_build" / "sweep"


@contextlib.contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """A file to write beside `path`, which becomes `path` once it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield scratch
        os.replace(scratch, path)
    finally:
        scratch.unlink(missing_ok=True)


def write_json(path: Path, content: dict) -> None:
    """Store a dictionary; a number in it that is not defined (NaN) as null.

    Raises `ValueError` for an infinite number, which JSON does not have.
    """
    with atomic(path) as scratch:
        text = json.dumps(defined(content), indent=1, allow_nan=False)
        scratch.write_text(text + "\n", encoding="utf-8")


def defined(content: object) -> object:
    """The same with None for every NaN."""
    if isinstance(content, dict):
        return {key: defined(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [defined(value) for value in content]
    nan = isinstance(content, float) and math.isnan(content)
    return None if nan else content
