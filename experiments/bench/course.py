"""How long the book takes to build."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from jupyter_cache import get_cache

from tools import repository

from ..files import ROOT
from .machine import clock

CHANGED = "02_autoencoder"


def course() -> dict:
    """Seconds to build the book in a fresh folder, then again, then with one
    chapter changed.
    """
    with tempfile.TemporaryDirectory(dir=ROOT / "_build") as scratch:
        copy = Path(scratch)
        copy_sources(copy)
        imports = [sys.executable, "-c", "from aevae_lib import train, widgets"]
        begin = clock()
        subprocess.check_call(imports, cwd=copy)
        found = {"imports": clock() - begin}
        found |= {
            "cold": build(copy),
            "chapters": executed(copy),
            "unchanged": build(copy),
        }
        change(copy / "chapters" / f"{CHANGED}.ipynb")
        found["one_changed"] = build(copy)
        again = executed(copy)
    found["executed_again"] = sum(
        again[name] != found["chapters"][name] for name in again
    )
    found["all_chapters"] = sum(found["chapters"].values())
    return found


def copy_sources(folder: Path) -> None:
    """The project's files, and the front end's packages, in another folder."""
    for source in repository.files():
        target = folder / source.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)
    shutil.copytree(ROOT / "book" / "_vendor", folder / "book" / "_vendor")


def change(chapter: Path) -> None:
    """Give the first cell of a chapter another line."""
    changed = json.loads(chapter.read_text(encoding="utf-8"))
    code = next(
        cell for cell in changed["cells"] if cell["cell_type"] == "code"
    )
    code["source"].append("\n# changed")
    chapter.write_text(json.dumps(changed), encoding="utf-8")


def build(folder: Path) -> float:
    """Seconds of `make site` in a folder, without setting up."""
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    begin = clock()
    command = [sys.executable, "-m", "tools.build"]
    subprocess.check_call(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL
    )
    return clock() - begin


def executed(folder: Path) -> dict[str, float]:
    """Seconds that each chapter took when it was last executed, from the
    build's cache.
    """
    (cache,) = (folder / "_build" / ".jupyter_cache").iterdir()
    records = sorted(
        get_cache(cache).list_cache_records(), key=lambda record: record.pk
    )
    return {
        Path(record.uri).stem: record.data["execution_seconds"]
        for record in records
        if record.uri.endswith(".ipynb")
    }
