"""What the two parts of the course ask of a reader's time."""

import re
from pathlib import Path

import nbformat
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_markdown_cell

from tools import notebooks

ROOT = Path(__file__).resolve().parents[2]
PARTS = {
    part["caption"]: [entry["file"] for entry in part["chapters"]]
    for part in yaml.safe_load((ROOT / "_toc.yml").read_text())["parts"]
}
FOLDED = {
    "setup", "claim", "figure", "hide-input", "hide-cell", "remove-input",
    "remove-cell",
}  # fmt: skip


def minutes(cells: list) -> float:
    """At 200 words a minute, folded ones too, and one minute for each cell
    whose code is open; the set-up and the imports after it are folded.
    """
    words = 0
    _, _, *code = (cell for cell in cells if cell.cell_type == "code")
    for cell in cells:
        if cell.cell_type == "markdown":
            words += len(re.sub(r"(?s)<!--.*?-->", "", cell.source).split())
    opened = sum(not FOLDED.intersection(notebooks.tags(one)) for one in code)
    return words / 200 + opened


@pytest.mark.parametrize(
    ("name", "most"),
    [
        *((name, 15) for name in PARTS["The lesson"][:3]),
        *((name, 25) for name in PARTS["The lesson"][3:]),
        *((name, 30) for name in PARTS["The laboratory"]),
        ("chapters/from_the_post", 25),
    ],
)
def test_a_chapter_is_read_in_its_minutes(name, most):
    cells = nbformat.read(ROOT / f"{name}.ipynb", as_version=4).cells
    assert minutes(cells) <= most


def test_words_and_open_cells_take_time_and_what_is_folded_does_not():
    text = new_markdown_cell("word " * 300 + "<!-- a tie of many words -->")
    folded = new_code_cell("x = 1", metadata={"tags": ["figure"]})
    cells = [*map(new_code_cell, ("set-up", "imports", "open")), text, folded]
    assert minutes(cells) == 2.5
