"""Imports point one way, the code that chapters show fits a page, and all of it
is documented.
"""

import ast
import inspect
import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
ORDER = ["data", "models", "losses", "train", "sample", "measure"]
ORDER += ["evidence", "zoo", "plots", "widgets"]
MODULES = {path.stem: path for path in (ROOT / "aevae_lib").glob("*.py")}


def imported(path: Path) -> set[str]:
    """The modules of the library that this one imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
            found |= {
                name.split(".")[1]
                for name in names
                if name.startswith("aevae_lib.")
            }
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            if module in (".", "aevae_lib"):
                found |= {alias.name for alias in node.names}
            elif match := re.match(r"(?:\.|aevae_lib\.)(\w+)", module):
                found.add(match[1])
    return found


def test_modules_are_those_of_the_design_in_its_order():
    assert set(MODULES) == {"__init__", *ORDER}
    assert " -> ".join(ORDER) in MODULES["__init__"].read_text()


@pytest.mark.parametrize("name", ["__init__", *ORDER])
def test_imports_point_only_leftwards(name):
    left = set(ORDER[: ORDER.index(name)]) if name in ORDER else set()
    assert imported(MODULES[name]) <= left


def test_imports_are_seen_in_every_form(tmp_path):
    path = tmp_path / "forms.py"
    path.write_text(
        "import torch\nimport aevae_lib.plots\nfrom . import train\nfrom "
        ".models import VAE\n"
        "from aevae_lib import data\nfrom aevae_lib.losses import ae_loss\n"
        "def late():\n    from . import widgets\n"
    )
    assert imported(path) == {
        "plots",
        "train",
        "models",
        "data",
        "losses",
        "widgets",
    }


@pytest.mark.parametrize("name", ORDER)
def test_everything_public_has_a_docstring(name):
    module = ast.parse(MODULES[name].read_text())
    assert ast.get_docstring(module)
    definitions = (ast.FunctionDef, ast.ClassDef)
    public = [node for node in module.body if isinstance(node, definitions)]
    for owner in [node for node in public if isinstance(node, ast.ClassDef)]:
        public += [
            node for node in owner.body if isinstance(node, ast.FunctionDef)
        ]
    for node in public:
        # PyTorch says what `forward` is.
        if not node.name.startswith("_") and node.name != "forward":
            assert ast.get_docstring(node), f"{name}.{node.name}"


def test_code_shown_in_chapters_fits_a_page():
    shown = {}
    for path in sorted((ROOT / "chapters").glob("*.ipynb")):
        cells = [
            cell
            for cell in nbformat.read(path, 4).cells
            if cell.cell_type == "code"
        ]
        code = "\n".join(
            re.sub(r"(?m)^\s*[%!].*$", "", cell.source) for cell in cells
        )
        names = {}
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.ImportFrom) and (
                node.module or ""
            ).startswith("aevae_lib"):
                exec(ast.unparse(node), names)
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in (
                "plots.show",
                "show",
            ):
                argument = ast.unparse(node.args[0])
                shown[argument] = len(
                    inspect.getsource(eval(argument, names)).splitlines()
                )
    assert shown, "no chapter shows code of the library"
    assert {name: lines for name, lines in shown.items() if lines > 55} == {}
