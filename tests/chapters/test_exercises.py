"""An exercise arrives blank; its check knows the blank, the usual slips and the
solution that is folded below it.

Only the chapter's imports run before an exercise: a reader may start with it.
"""

import io
import re
from contextlib import redirect_stdout
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import nbformat
import pytest

CHAPTERS = Path(__file__).resolve().parents[2] / "chapters"


class Exercise(NamedTuple):
    """One blank cell with all that belongs to it, as code."""

    chapter: str
    imports: str
    blank: str
    check: str
    solution: str
    slips: list[dict[str, str]]

    def answer(self, code: str) -> str:
        """What the check says with this code in the blank's place."""
        names = {}
        exec(self.imports, names)
        exec(code, names)
        with redirect_stdout(io.StringIO()) as printed:
            exec(self.check, names)
        return printed.getvalue().strip()


def exercises(path: Path) -> list[Exercise]:
    cells = nbformat.read(path, as_version=4).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    found = []
    for at, (blank, check) in enumerate(pairwise(cells)):
        if "blank" not in blank.metadata.get("tags", []):
            continue
        assert "check" in check.metadata.get("tags", []), (
            f"{path.name}: the cell after a blank one checks it"
        )
        solution = re.search(
            r":::\{solution\}.*?```python\n(.*?)```",
            cells[at + 2].source,
            re.DOTALL,
        )
        assert solution, f"{path.name}: the solution follows the check"
        found.append(
            Exercise(
                path.stem,
                code[1].source,  # after the cell that sets Colab up
                blank.source,
                check.source,
                solution[1],
                blank.metadata["slips"],
            )
        )
    return found


EXERCISES = [
    one for path in sorted(CHAPTERS.glob("*.ipynb")) for one in exercises(path)
]
every_exercise = pytest.mark.parametrize(
    "exercise", EXERCISES, ids=lambda one: one.chapter
)


def test_every_chapter_has_a_blank_exercise():
    chapters = {path.stem for path in CHAPTERS.glob("[01]*.ipynb")}
    assert len(chapters) >= 12
    assert chapters <= {one.chapter for one in EXERCISES}


@every_exercise
def test_an_exercise_arrives_blank_and_is_told_so_kindly(exercise):
    assert "..." in exercise.blank
    assert exercise.answer(exercise.blank).startswith("Not yet")


@every_exercise
def test_the_folded_solution_is_right(exercise):
    assert exercise.answer(exercise.solution).startswith("Right")


@every_exercise
def test_each_usual_slip_is_recognised(exercise):
    assert exercise.slips
    for slip in exercise.slips:
        said = exercise.answer(slip["code"])
        assert said.startswith("Not yet"), slip["code"]
        assert slip["says"] in said, slip["code"]
