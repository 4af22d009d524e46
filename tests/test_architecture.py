"""Imports point one way, the code that chapters show fits a page, and all of it
is documented.
"""

import ast
import inspect
import re
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
ORDER = ["data", "likelihoods", "models", "losses", "train", "sample"]
ORDER += ["measure", "evidence", "zoo", "plots", "widgets"]
PACKAGES = ("aevae_lib", "experiments", "tools", "book")


def parts() -> dict[str, list[Path]]:
    """The files of each part of the library, one for a module."""
    found = {}
    for path in sorted((ROOT / "aevae_lib").rglob("*.py")):
        part = path.relative_to(ROOT / "aevae_lib").parts[0]
        found.setdefault(part.removesuffix(".py"), []).append(path)
    return found


PARTS = parts()
SOURCES = [
    path
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
    if "node_modules" not in path.parts
]


def imported(path: Path) -> set[str]:
    """The modules that a file imports, in full: "aevae_lib.data", "torch"."""
    package = list(path.relative_to(ROOT).with_suffix("").parts[:-1])
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) + 1 - node.level]
            base = ".".join([*(start if node.level else []), node.module or ""])
            base = base.removesuffix(".")
            found.add(base)
            found |= {f"{base}.{alias.name}" for alias in node.names}
    return found


def parts_imported(path: Path) -> set[str]:
    """The parts of the library that one of its files imports."""
    names = [name.split(".") for name in imported(path)]
    return {
        name[1]
        for name in names
        if name[0] == "aevae_lib" and len(name) > 1 and name[1] in PARTS
    }


def test_parts_are_those_of_the_design_in_its_order():
    assert set(PARTS) == {"__init__", *ORDER}
    text = " ".join(PARTS["__init__"][0].read_text().split())
    assert " -> ".join(ORDER) in text


@pytest.mark.parametrize("name", ["__init__", *ORDER])
def test_imports_point_only_leftwards(name):
    left = set(ORDER[: ORDER.index(name)]) if name in ORDER else set()
    for path in PARTS[name]:
        assert parts_imported(path) <= left | {name}, path


def test_imports_are_seen_in_every_form(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    path = tmp_path / "aevae_lib" / "measure" / "forms.py"
    path.parent.mkdir(parents=True)
    path.write_text(
        "import torch\nimport aevae_lib.plots\nfrom .. import train\n"
        "from ..models import VAE\nfrom aevae_lib import data\n"
        "from aevae_lib.losses import ae_loss\nfrom .inputs import pixels\n"
        "def late():\n    from ..widgets.panel import Panel\n"
    )
    expected = {"plots", "train", "models", "data", "losses", "widgets"}
    assert parts_imported(path) == {*expected, "measure"}


def circle(graph: dict[str, set[str]]) -> list[str]:
    """Modules that import one another in a ring, if there is one."""
    done, way = set(), []

    def visit(name: str) -> list[str]:
        if name in way:
            return [*way[way.index(name) :], name]
        if name in done:
            return []
        way.append(name)
        for other in sorted(graph[name]):
            if found := visit(other):
                return found
        done.add(way.pop())
        return []

    return next((found for name in sorted(graph) if (found := visit(name))), [])


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_no_module_imports_itself_by_way_of_others():
    """And the library imports neither the experiments nor the tools."""
    known = {module_of(path): path for path in SOURCES}
    graph = {
        # A package lists its modules; a module may name its package's others.
        name: {other for other in imported(path) if other in known}
        - {name, *packages_of(name)}
        for name, path in known.items()
    }
    assert circle(graph) == []
    for name, others in graph.items():
        if name.startswith("aevae_lib"):
            assert all(other.startswith("aevae_lib") for other in others), name
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]


def packages_of(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:n]) for n in range(1, len(parts))]


def test_no_module_has_the_name_of_one_of_python_itself():
    names = {path.stem for path in SOURCES} - {"__init__", "__main__"}
    assert names & sys.stdlib_module_names == set()


def test_nobody_changes_where_python_looks_for_modules():
    tests = (ROOT / "tests").rglob("*.py")
    for path in {*SOURCES, *tests} - {Path(__file__)}:
        assert not re.search(r"sys\.path\b", path.read_text()), path


@pytest.mark.parametrize("name", ORDER)
def test_everything_public_has_a_docstring(name):
    definitions = (ast.FunctionDef, ast.ClassDef)
    for path in PARTS[name]:
        module = ast.parse(path.read_text())
        assert ast.get_docstring(module), path
        public = [node for node in module.body if isinstance(node, definitions)]
        for owner in [n for n in public if isinstance(n, ast.ClassDef)]:
            public += [n for n in owner.body if isinstance(n, ast.FunctionDef)]
        for node in public:
            # PyTorch says what `forward` is.
            if not node.name.startswith("_") and node.name != "forward":
                assert ast.get_docstring(node), f"{path}: {node.name}"


def test_code_in_a_docstring_ends_on_its_line():
    """The site's pages on the library read docstrings line by line."""
    nodes = (ast.Module, ast.ClassDef, ast.FunctionDef)
    for path in (path for paths in PARTS.values() for path in paths):
        for node in ast.walk(ast.parse(path.read_text())):
            text = isinstance(node, nodes) and ast.get_docstring(node)
            for line in (text or "").splitlines():
                assert line.count("`") % 2 == 0, (path, line)


LONGEST_FUNCTION, LONGEST_MODULE, LIBRARY = 45, 350, 5575


def code_lines(node: ast.FunctionDef) -> int:
    """The lines of a function without its docstring."""
    lines = node.end_lineno - node.lineno + 1
    if ast.get_docstring(node):
        lines -= node.body[0].end_lineno - node.body[0].lineno + 1
    return lines


def test_modules_and_functions_stay_short():
    """Guides, so a little more is let pass; not twice as much."""
    for path in SOURCES:
        text = path.read_text()
        assert len(text.splitlines()) <= 1.1 * LONGEST_MODULE, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                assert code_lines(node) <= LONGEST_FUNCTION, (path, node.name)


def test_the_library_is_small_enough_to_be_read():
    files = [path for paths in PARTS.values() for path in paths]
    lines = sum(len(path.read_text().splitlines()) for path in files)
    assert lines <= LIBRARY


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
    assert {name: lines for name, lines in shown.items() if lines > 70} == {}
