"""The ten lines that README.md and the page on the library begin with."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from aevae_lib import data

ROOT = Path(__file__).resolve().parent.parent
PLACES = ("README.md", "chapters/api.md")


def code(name: str) -> str:
    blocks = re.findall(
        r"^```python\n(.*?)^```$",
        (ROOT / name).read_text(),
        re.MULTILINE | re.DOTALL,
    )
    assert len(blocks) == 1, name
    return blocks[0]


def test_both_places_have_the_same_ten_lines_or_so():
    first, second = map(code, PLACES)
    assert first == second
    assert len(ast.parse(first).body) <= 11
    assert max(map(len, first.splitlines())) <= 80


@pytest.mark.slow
def test_they_work_in_an_empty_folder(tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", code(PLACES[0])],
        cwd=tmp_path,
        env=os.environ
        | {
            "AEVAE_DATA": str(data.SAMPLE_FOLDER),
            "MPLBACKEND": "agg",
            "PYTHONPATH": str(ROOT),
        },
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert "training" in run.stdout
    assert "loss" in run.stdout
    assert "</html>" in (tmp_path / "my-vae.html").read_text()
