"""Bring every notebook into the form in which it is kept: `make format` runs
this.

    python -m tools.notebooks [--check] [notebook ...]

The set-up cell is renewed from tools/setup_cell.py. Outputs and execution
counts are removed, except in cells tagged `nbval-check-output`, which nbval
compares; their count becomes the cell's place among the code cells, as in a
notebook that ran once from top to bottom. Metadata that editors leave behind is
removed; a page's own (`myst`) is not, nor are the known `slips` of an
exercise. `--check` only names what would change, and fails.
"""

import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parent.parent
SETUP_CELL = (ROOT / "tools" / "setup_cell.py").read_text().rstrip("\n")
METADATA = {
    "kernelspec": {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    },
    "language_info": {"name": "python"},
}


def main(arguments: list[str]) -> None:
    check = "--check" in arguments
    named = [Path(argument) for argument in arguments if argument != "--check"]
    different = []
    for path in named or sorted((ROOT / "chapters").glob("*.ipynb")):
        before = path.read_text(encoding="utf-8")
        after = tidy_text(before)
        if after != before:
            different.append(path)
            if not check:
                path.write_text(after, encoding="utf-8")
    for path in different:
        print(f"{path}: {'make format would change it' if check else 'tidied'}")
    if check and different:
        sys.exit(1)


def tidy_text(text: str) -> str:
    """The text of a notebook file, as it is to be kept."""
    return nbformat.writes(tidy(nbformat.reads(text, as_version=4))) + "\n"


def tidy(notebook: NotebookNode) -> NotebookNode:
    """The same notebook, changed in place as the top of this file says."""
    code_cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for place, cell in enumerate(code_cells, start=1):
        if "setup" in tags(cell):
            cell.source = SETUP_CELL
        if "nbval-check-output" in tags(cell):
            cell.execution_count = place
            for output in cell.outputs:
                if "execution_count" in output:
                    output.execution_count = place
        else:
            cell.execution_count = None
            cell.outputs = []
    for cell in notebook.cells:
        kept = {
            key: cell.metadata[key]
            for key in ("mystnb", "slips", "tags")
            if key in cell.metadata
        }
        cell.metadata = NotebookNode(kept)
    page = {k: v for k, v in notebook.metadata.items() if k == "myst"}
    notebook.metadata = nbformat.from_dict(METADATA | page)
    return notebook


def tags(cell: NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


if __name__ == "__main__":
    main(sys.argv[1:])
