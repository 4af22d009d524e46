"""The lesson, and the pages that lead to it, keep to the words, symbols and
verdicts that CONTRIBUTING.md lists.
"""

import re
from pathlib import Path

import nbformat
import pytest

from book.folds import VERDICTS

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PAGES = [
    *sorted((ROOT / "chapters").glob("0[1-7]*.ipynb")),
    ROOT / "chapters" / "index.ipynb",
    ROOT / "chapters" / "tour.ipynb",
    ROOT / "chapters" / "check_yourself.md",
]
every_page = pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
FORMULA = re.compile(r"\$\$(.+?)\$\$|\$(.+?)\$", re.DOTALL)
TYPESETTING = {
    r"\frac", r"\tfrac", r"\sqrt", r"\int", r"\underbrace", r"\left",
    r"\right", r"\big", r"\sim", r"\pm", r"\ge", r"\cdot",
}  # fmt: skip
TOKEN = re.compile(
    r"\\(?:text|begin|end)\{[^}]*\}"  # words, in which letters are no symbols
    r"|\\(?:operatorname|mathrm|mathbb)\{\w+\}|\\[a-zA-Z]+|[a-zA-Z]"
)


def prose(path: Path) -> str:
    """What a page says: its text and its figures' captions and texts, without
    code.
    """
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        parts = []
        for cell in nbformat.reads(text, as_version=4).cells:
            shown = cell.metadata.get("mystnb", {})
            parts += [
                cell.source if cell.cell_type == "markdown" else "",
                shown.get("figure", {}).get("caption", ""),
                shown.get("image", {}).get("alt", ""),
            ]
        text = "\n\n".join(parts)
    return without_code(text)


def without_code(text: str) -> str:
    text = re.sub(r"(?s)<!--.*?-->|```.*?```", "", text)
    return re.sub(r"`[^`\n]*`", "", text)


def section(start: str) -> str:
    """The part of the guide that begins with a bold word."""
    return re.split(
        r"^(?:\*\*|## )", GUIDE.split(f"**{start}**")[1], flags=re.M
    )[0]


def symbols(text: str) -> set[str]:
    """The symbols in the formulas of a text."""
    found = set()
    for formula in FORMULA.findall(without_code(text)):
        tokens = TOKEN.findall("".join(formula))
        found |= {
            one
            for one in tokens
            if not one.startswith((r"\text", r"\begin", r"\end"))
        }
    return found - TYPESETTING


AVOIDED = [
    phrase
    for row in re.findall(r"^\| (.+?) \|", section("Words."), re.M)[1:]
    for phrase in row.split("; ")
]
LISTED = symbols(section("Symbols."))


@every_page
def test_words_that_we_avoid_do_not_occur(path):
    text = " ".join(prose(path).split())
    found = [
        text[max(0, hit.start() - 40) : hit.end() + 20]
        for phrase in AVOIDED
        for hit in re.finditer(rf"(?i)\b{re.escape(phrase)}", text)
    ]
    assert found == []


@every_page
def test_every_symbol_is_one_that_the_guide_names(path):
    assert symbols(prose(path)) - LISTED == set()


def test_verdicts_are_those_of_the_site():
    named = re.findall(r"\*([a-z][^*]+)\*", section("Verdicts."))
    assert named == list(VERDICTS)


def test_symbols_and_words_are_found():
    formula = r"$\tfrac12 \mu^2 \text{ of } \mathcal{L}_q$ and `$k$`"
    assert symbols(formula) == {r"\mu", r"\mathcal", "L", "q"}
    assert {"told from", "picked, not drawn", "embedding"} <= set(AVOIDED)
    assert {"x", "z", r"\tau", r"\varepsilon", r"\mathrm{KL}"} <= LISTED
    assert not {r"\epsilon", r"\mid", r"\mathcal"} & LISTED
