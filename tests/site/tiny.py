"""A book of two pages, made as the course's book is: for what no chapter need
be executed for.
"""

import subprocess
import sys
from pathlib import Path

import nbformat
import yaml

ROOT = Path(__file__).parents[2]
START = """# Start

A page without formulas, but with [a link](one.ipynb).
"""
TOC = """format: jb-book
root: chapters/index
chapters:
  - file: chapters/one
"""


def notebook() -> nbformat.NotebookNode:
    """A chapter in small: what a cell of each kind looks like."""
    text, code = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell
    line = "A line that rises from one to two over a single step."
    return nbformat.v4.new_notebook(
        cells=[
            text("# One\n\nA formula: $x^2$."),
            code("from aevae_lib import widgets\nwidgets.kl_playground()"),
            code(
                "import matplotlib.pyplot as plt\n\n"
                "plt.plot([1, 2])\nplt.show()",
                metadata={"mystnb": {"image": {"alt": line}}},
            ),
        ]
    )


def write(folder: Path) -> None:
    """The sources of the book, with the settings of the course's."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text())
    config["sphinx"]["local_extensions"] = {"book.site_extension": str(ROOT)}
    config["logo"] = str(ROOT / config["logo"])
    config["html"]["favicon"] = str(ROOT / config["html"]["favicon"])
    config["bibtex_bibfiles"] = [str(ROOT / "chapters" / "references.bib")]
    (folder / "chapters").mkdir(parents=True)
    (folder / "_config.yml").write_text(yaml.safe_dump(config))
    (folder / "_toc.yml").write_text(TOC)
    (folder / "chapters" / "index.md").write_text(START)
    nbformat.write(notebook(), folder / "chapters" / "one.ipynb")


def build(folder: Path) -> str:
    """Build it by hand, as the settings' first line says; what that printed."""
    command = [Path(sys.executable).with_name("jupyter-book"), "build", "."]
    run = subprocess.run(
        [*command, "-W", "--keep-going"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert run.returncode == 0, run.stdout
    return run.stdout
