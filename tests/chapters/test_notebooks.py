"""The shape that every chapter has, and that what nbval compares is really
compared.
"""

import ast
import copy
import re
import subprocess
import sys
import textwrap
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest
import yaml
from nbformat import NotebookNode
from nbval.plugin import IPyNbFile

import aevae_lib
from tools import notebooks as tool

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = ROOT / "chapters"
NOTEBOOKS = sorted(CHAPTERS.glob("*.ipynb"))
START = ROOT / (
    yaml.safe_load((ROOT / "_toc.yml").read_text())["root"] + ".ipynb"
)
PLOTS = ast.parse((ROOT / "aevae_lib" / "plots.py").read_text())
HIDING = {"hide-input", "hide-cell", "remove-input", "remove-cell"}

every_notebook = pytest.mark.parametrize(
    "path", NOTEBOOKS, ids=lambda path: path.stem
)
# The start page, the lab, the tour and the ledger are no lessons.
VIEWS = {
    START,
    *(CHAPTERS / f"{name}.ipynb" for name in ("lab", "tour", "ledger")),
}
every_lesson = pytest.mark.parametrize(
    "path",
    [path for path in NOTEBOOKS if path not in VIEWS],
    ids=lambda path: path.stem,
)


def read(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


def code_cells(path: Path) -> list[NotebookNode]:
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def tree(cell: NotebookNode) -> ast.Module:
    """The cell's code, without IPython's magics."""
    return ast.parse(
        re.sub(r"^\s*[%!].*$", "", cell.source, flags=re.MULTILINE)
    )


def headings(path: Path) -> list[str]:
    """The Markdown headings, in order, not counting what stands in a fenced
    block of code.
    """
    text = "\n\n".join(
        cell.source for cell in read(path).cells if cell.cell_type == "markdown"
    )
    open_text = re.sub(
        r"^(```+)(?!\{).*?^\1`*$", "", text, flags=re.MULTILINE | re.DOTALL
    )
    return re.findall(r"^#+ .*$", open_text, flags=re.MULTILINE)


# --- the book ----------------------------------------------------------------


def test_chapters_and_table_of_contents_name_the_same_pages():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    entries = [
        toc["root"],
        *(entry["file"] for part in toc["parts"] for entry in part["chapters"]),
    ]
    pages = [
        path for path in CHAPTERS.rglob("*") if path.suffix in (".ipynb", ".md")
    ]
    pages = [path for path in pages if ".ipynb_checkpoints" not in path.parts]
    found = [str(path.relative_to(ROOT).with_suffix("")) for path in pages]
    assert sorted(entries) == sorted(found)
    assert len(NOTEBOOKS) >= 7


# --- each notebook -----------------------------------------------------------


@every_notebook
def test_notebook_is_in_the_form_that_make_format_leaves(path):
    """Stripped, with the set-up cell in force, and without metadata of editors
    or widgets.
    """
    text = path.read_text(encoding="utf-8")
    assert tool.tidy_text(text) == text, "make format would change it"


@every_lesson
def test_first_code_cell_sets_up_colab_and_the_second_imports(path):
    setup, imports, *others = code_cells(path)
    assert setup.source == tool.SETUP_CELL
    assert {"setup", "hide-input"} <= set(tool.tags(setup))
    assert not any("setup" in tool.tags(cell) for cell in (imports, *others))
    assert isinstance(tree(imports).body[0], ast.Import | ast.ImportFrom)
    assert not HIDING.intersection(tool.tags(imports))


def test_the_start_page_opens_with_its_view_and_shows_no_code():
    """On the site; elsewhere its cells set up Colab and make the view."""
    title, setup, view, *others = read(START).cells
    assert title.source.startswith("# ")
    assert "\n" not in title.source
    assert setup.source == tool.SETUP_CELL
    assert {"setup", "remove-cell"} <= set(tool.tags(setup))
    assert "remove-input" in tool.tags(view)
    assert view.source.endswith("widgets.live_training(play=True)")
    assert {cell.cell_type for cell in others} == {"markdown"}


def test_the_tour_is_six_pictures_and_no_code():
    """One for each numbered screen, in order."""
    tour = CHAPTERS / "tour.ipynb"
    screens = [one for one in headings(tour) if one.startswith("## ")]
    assert [one[3] for one in screens] == list("123456")
    assert len(figures(tour)) == 6
    for cell in code_cells(tour):
        assert {"remove-input", "remove-cell"} & set(tool.tags(cell))
    links = [
        cell.source
        for cell in read(START).cells
        if cell.cell_type == "markdown" and "tour.ipynb" in cell.source
    ]
    assert links, "the landing page does not lead to it"


def test_the_lab_has_every_view_of_the_library():
    """Under a heading for the view and one for its models, with a sentence."""
    cells = read(CHAPTERS / "lab.ipynb").cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    views = set(re.findall(r"widgets\.(\w+)\(", code))
    assert views == set(aevae_lib.widgets.__all__) - {
        "Net", "Panel", "View", "save_html",
    }  # fmt: skip
    for before, cell in pairwise(cells[4:]):
        if cell.cell_type == "code":
            assert "### " in before.source
            assert before.source.rstrip().endswith(".")


@every_notebook
def test_open_code_cells_are_short(path):
    """But for the imports, which a page folds away with the set-up."""
    _, _, *cells = code_cells(path)
    for cell in cells:
        if not HIDING.intersection(tool.tags(cell)):
            lines = [line for line in cell.source.splitlines() if line.strip()]
            assert len(lines) <= 15, cell.source


@every_lesson
def test_it_starts_with_its_only_title_and_has_its_parts(path):
    titles = [heading for heading in headings(path) if heading.startswith("# ")]
    assert len(titles) == 1
    assert read(path).cells[0].source.startswith(titles[0])
    for part in ("Predict", "Exercise", "Recap"):
        assert any(part in heading for heading in headings(path)), (
            f"no section {part}"
        )


@every_lesson
def test_a_claim_is_checked(path):
    claims = [cell for cell in code_cells(path) if "claim" in tool.tags(cell)]
    assert claims
    for cell in claims:
        assert any(
            isinstance(node, ast.Assert) for node in ast.walk(tree(cell))
        ), cell.source


@every_notebook
def test_every_figure_has_a_text_that_says_what_it_shows(path):
    for cell in figures(path):
        alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
        assert 15 <= len(alt.split()) <= 60, (
            f"alt text {alt!r} of the cell\n{cell.source}"
        )


@every_notebook
def test_every_figure_has_a_caption_that_begins_with_what_to_take_away(path):
    """The finding in bold, then what is shown; and a name to refer to."""
    names = []
    for cell in figures(path):
        figure = cell.metadata.get("mystnb", {}).get("figure", {})
        caption = figure.get("caption", "")
        parts = re.fullmatch(r"\*\*(.+[.?])\*\* (.+\.)", caption)
        assert parts, f"caption {caption!r} of the cell\n{cell.source}"
        assert all(3 <= len(part.split()) <= 30 for part in parts.groups())
        names.append(figure.get("name", ""))
    assert all(re.fullmatch(r"fig-[a-z0-9-]+", name) for name in names), names
    assert len(set(names)) == len(names)


@every_notebook
def test_nothing_of_the_library_is_defined_again(path):
    public = {name for module in aevae_lib.__all__ for name in offered(module)}
    for cell in code_cells(path):
        for node in ast.walk(tree(cell)):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                assert node.name not in public, cell.source


def offered(module: str) -> set[str]:
    """The functions and classes that a module of the library gives by name."""
    names = vars(getattr(aevae_lib, module))
    return {
        name
        for name in names.get("__all__", names)
        if getattr(names[name], "__module__", "").startswith("aevae_lib")
    }


def figures(path: Path) -> list[NotebookNode]:
    """The cells that draw: that call pyplot, a drawing function of plots, or
    one of their own.
    """
    drawing = {f"plots.{name}" for name in drawing_functions(PLOTS)}
    found = []
    for cell in code_cells(path):
        module = tree(cell)
        own = [
            node for node in module.body if isinstance(node, ast.FunctionDef)
        ]
        drawing |= {node.name for node in own if draws(node.body, drawing)}
        if draws([node for node in module.body if node not in own], drawing):
            found.append(cell)
    return found


def drawing_functions(module: ast.Module) -> set[str]:
    """Those of plots that return the axes they drew into."""
    functions = [
        node for node in module.body if isinstance(node, ast.FunctionDef)
    ]
    return {
        node.name
        for node in functions
        if node.returns and "Axes" in ast.unparse(node.returns)
    }


def draws(body: list[ast.stmt], drawing: set[str]) -> bool:
    nodes = [node for statement in body for node in ast.walk(statement)]
    called = {
        ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call)
    }
    return any(
        name in drawing or re.match(r"plt\.\w+$", name) for name in called
    )


def test_figures_are_recognised(tmp_path):
    sources = {
        "plots.use_style()": False,
        "plots.show(models.VAE)": False,
        "plots.latent_scatter(codes, labels)": True,
        "figure, axes = plt.subplots(1, 2)": True,
        "def pair(images):\n    plots.image_grid(images)": False,
        "pair(images)": True,
    }
    path = tmp_path / "figures.ipynb"
    write(path, [(source, []) for source in sources])
    assert [cell.source for cell in figures(path)] == [
        source for source, is_figure in sources.items() if is_figure
    ]


# --- comparisons -------------------------------------------------------------


@every_notebook
def test_every_stored_output_is_compared_by_nbval(path, request):
    """nbval itself tells an altered output from the stored one, in each cell
    that is marked.
    """
    for item in IPyNbFile.from_parent(request.session, path=path).collect():
        marked = "nbval-check-output" in tool.tags(item.cell)
        assert bool(item.options["check"]) == marked, (
            "mark cells by tag, not by comment"
        )
        assert not item.options["skip"]
        if not marked:
            continue
        stored = item.cell.outputs
        assert stored, (
            f"nothing is stored to compare with in\n{item.cell.source}"
        )
        assert (
            item.cell.execution_count is not None
        )  # or else nbval compares nothing
        assert item.compare_outputs(
            copy.deepcopy(stored), copy.deepcopy(stored)
        )
        for place in range(len(stored)):
            altered = copy.deepcopy(stored)
            alter(altered[place])
            assert not item.compare_outputs(altered, copy.deepcopy(stored)), (
                item.cell.source
            )


def alter(output: NotebookNode) -> None:
    """Change the text of an output; pictures are not compared, so they are not
    to be stored.
    """
    if output.output_type == "stream":
        output.text += "altered"
    else:
        assert set(output.data) == {"text/plain"}, (
            f"{set(output.data)} in a compared output"
        )
        output.data["text/plain"] += "altered"


@pytest.fixture
def chapter(tmp_path):
    """Run pytest as `make notebooks` does on a notebook of one's own; its
    result and lines.
    """

    def run(cells: list[tuple[str, list]], *options: str) -> tuple[int, str]:
        folder = tmp_path / "chapters"
        folder.mkdir(exist_ok=True)
        (folder / "conftest.py").write_text(
            (CHAPTERS / "conftest.py").read_text()
        )
        write(folder / "a.ipynb", cells)
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-c",
            ROOT / "pyproject.toml",
            "--color=no",
        ]
        pytest_run = subprocess.run(
            [*command, f"--rootdir={tmp_path}", *options, folder],
            capture_output=True,
            text=True,
        )
        return pytest_run.returncode, pytest_run.stdout

    return run


def write(path: Path, cells: list[tuple[str, list]]) -> None:
    """A notebook of code cells, each with the lines that it is to print, if
    that is compared.
    """
    notebook = nbformat.v4.new_notebook()
    for source, printed in cells:
        cell = nbformat.v4.new_code_cell(textwrap.dedent(source))
        if printed:
            cell.metadata.tags = ["nbval-check-output"]
            cell.outputs = [
                nbformat.v4.new_output("stream", text="\n".join(printed) + "\n")
            ]
        notebook.cells.append(cell)
    nbformat.write(tool.tidy(notebook), path)


@pytest.mark.slow
def test_an_altered_output_fails(chapter):
    status, lines = chapter([("x = 6", []), ("print(7 * x)", ["42"])])
    assert status == 0, lines
    assert "2 passed" in lines
    assert re.search(r"notebooks run on (cpu|cuda|mps)", lines)
    status, lines = chapter([("x = 6", []), ("print(7 * x)", ["41"])])
    assert status == 1
    assert "Cell outputs differ" in lines
    assert "1 failed, 1 passed" in lines


@pytest.mark.slow
def test_a_failing_cell_stops_its_notebook(chapter, tmp_path):
    cells = [("x = 1", []), ("1 / 0", []), ("open('made', 'w')", []), ("x", [])]
    status, lines = chapter(cells)
    assert status == 1
    assert "1 failed, 1 passed, 2 errors" in lines
    assert lines.count("not run, since Cell 1 failed") >= 2
    assert not (tmp_path / "chapters" / "made").exists()


@pytest.mark.slow
def test_a_cell_that_runs_for_ever_stops_its_notebook(chapter):
    cells = [("import time; time.sleep(60)", []), ("x = 1", [])]
    status, lines = chapter(cells, "--nbval-cell-timeout=2")
    assert status == 1
    assert "Timeout of 2 seconds exceeded" in lines
    assert "1 failed, 1 error" in lines


@pytest.mark.slow
def test_notebooks_beside_each_other_lose_and_share_nothing(chapter, tmp_path):
    (tmp_path / "chapters").mkdir()
    cells = [("x = {}", []), ("assert x == {}", [])]
    own, other = (
        [(source.format(n), printed) for source, printed in cells]
        for n in (1, 2)
    )
    write(tmp_path / "chapters" / "b.ipynb", other)
    status, lines = chapter(own, "--numprocesses=2", "--dist=loadfile")
    assert status == 0, lines
    assert "4 passed" in lines
