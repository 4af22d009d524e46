"""The questions on the lesson: each has one right option, a reason for every
option, and a place where it is answered.
"""

import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import nbformat
import pytest
import yaml
from myst_parser.mdit_to_docutils.base import default_slugify

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = ROOT / "chapters"
TEXT = (CHAPTERS / "check_yourself.md").read_text(encoding="utf-8")
LESSON = sorted(CHAPTERS.glob("0[1-7]*.ipynb"))
LETTERED = r"^{}\*\*([A-D])\.\*\* (.+)$"
QUESTION = re.compile(
    r"^\*\*(\d+)\.\*\* ([^\n]+\?)\n\n"
    r"((?:- \*\*[A-D]\.\*\* [^\n]+\.\n)+)\n"
    r":::\{admonition\} Answer\n:class: dropdown\n\n(.+?)\n\n"
    r"Read again: \[\]\((\w+\.ipynb)#([\w-]+)\)\n:::$",
    re.MULTILINE | re.DOTALL,
)


class Question(NamedTuple):
    number: int
    words: str
    options: dict[str, str]
    reasons: dict[str, str]
    page: str
    section: str

    @property
    def right(self) -> str:
        """The site takes the first reason for that of the right option."""
        return next(iter(self.reasons))


def lettered(text: str, start: str) -> dict[str, str]:
    found = re.findall(LETTERED.format(start), text, re.MULTILINE)
    assert len(dict(found)) == len(found), "a letter stands twice"
    return dict(found)


def read(text: str) -> list[Question]:
    return [
        Question(
            int(number),
            words,
            lettered(options, "- "),
            lettered(reasons, ""),
            *place,
        )
        for number, words, options, reasons, *place in QUESTION.findall(text)
    ]


QUESTIONS = read(TEXT)
every_question = pytest.mark.parametrize(
    "question", QUESTIONS, ids=lambda question: str(question.number)
)


def sections(path: Path) -> set[str]:
    """The anchors of a chapter's headings, as the site makes them."""
    cells = nbformat.read(path, as_version=4).cells
    text = "\n".join(
        cell.source for cell in cells if cell.cell_type == "markdown"
    )
    return {
        default_slugify(heading)
        for heading in re.findall(r"^#{2,3} (.+)$", text, re.MULTILINE)
    }


def test_every_question_on_the_page_is_read_here():
    begun = re.findall(r"^\*\*(\d+)\.\*\*", TEXT, re.MULTILINE)
    assert [str(question.number) for question in QUESTIONS] == begun
    assert begun == [str(n + 1) for n in range(len(begun))]
    assert 20 <= len(begun) <= 30
    assert TEXT.count("{admonition}") == len(begun)


@every_question
def test_it_has_three_or_four_options_with_a_reason_for_each(question):
    letters = "".join(question.options)
    assert letters in ("ABC", "ABCD")
    assert "".join(sorted(question.reasons)) == letters
    for reason in question.reasons.values():
        assert len(reason.split()) >= 10, reason
    others = list(question.reasons)[1:]
    assert others == sorted(others), "the right one first, then by letter"


@every_question
def test_it_leads_to_the_section_that_answers_it(question):
    assert question.section in sections(CHAPTERS / question.page)


def test_questions_stand_under_the_chapter_that_answers_them():
    _, *parts = re.split(r"^## Chapter (\d): .+$", TEXT, flags=re.MULTILINE)
    assert parts[::2] == list("1234567")
    for path, part in zip(LESSON, parts[1::2], strict=True):
        asked = read(part)
        assert len(asked) >= 2
        assert {question.page for question in asked} == {path.name}


def test_neither_place_nor_length_gives_the_right_option_away():
    places = Counter(question.right for question in QUESTIONS)
    assert places.keys() == set("ABCD")
    assert max(places[letter] for letter in "ABC") <= len(QUESTIONS) / 2
    longest = sum(
        question.right
        == max(question.options, key=lambda one: len(question.options[one]))
        for question in QUESTIONS
    )
    assert longest <= len(QUESTIONS) / 2


def test_the_lesson_ends_and_the_course_begins_with_a_link_to_it():
    for name, link in (
        (LESSON[-1].name, "{doc}`check_yourself`"),
        ("index.ipynb", "](check_yourself.md)"),
    ):
        cells = nbformat.read(CHAPTERS / name, as_version=4).cells
        assert any(link in cell.source for cell in cells), name


def test_it_does_not_shift_the_numbers_of_the_chapters():
    parts = yaml.safe_load((ROOT / "_toc.yml").read_text())["parts"]
    [part] = [
        part
        for part in parts
        if {"file": "chapters/check_yourself"} in part["chapters"]
    ]
    assert "numbered" not in part
