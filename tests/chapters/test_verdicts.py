"""A claim has one verdict, wherever it stands: that of the ledger."""

import re
from pathlib import Path

import nbformat
import pytest

CHAPTERS = Path(__file__).resolve().parents[2] / "chapters"
CHIP = re.compile(r"\{verdict\}`([^`]+)`([^;|]*)")
CURES = {"cured", "milder", "no clear difference", "worse"}
BOX = re.compile(
    r":::\{admonition\} [^\n]*\n:class: claim\n(.*?)\n:::", re.DOTALL
)
CLAIM = re.compile(r"<claim-(\w\d)>")


def ledger() -> dict[str, str]:
    """The ledger's verdict on each claim, by its id in small letters."""
    text = (CHAPTERS / "ledger.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| \{ref\}`(\w\d) <.*\| (\{verdict\}.*) \|$", text, re.MULTILINE
    )
    return {name.lower(): verdict for name, verdict in rows}


def cured() -> dict[str, str]:
    """What the ledger says that the VAE does about each problem."""
    return {
        name.lower(): word
        for word, about in CHIP.findall(ledger()["v0"])
        for name in re.findall(r"\w\d", about)
    }


def wanted(name: str, word: str) -> str:
    """The ledger's word for a claim, or for its cure if that is said."""
    if word in CURES:
        return cured()[name]
    return CHIP.search(ledger()[name])[1]


def said_in(path: Path) -> list[tuple[str, str]]:
    """Each chip in the boxes of a chapter, with the claim on its line, or with
    the problem that it is about if the claim is V0.
    """
    cells, found = nbformat.read(path, as_version=4).cells, []
    for box in BOX.findall("\n\n".join(cell.source for cell in cells)):
        lines = re.split(r"\n(?=- )", box)
        for words in (" ".join(line.split()) for line in lines):
            claims, chips = CLAIM.findall(words), CHIP.findall(words)
            if chips:
                assert len(claims) == len(chips) == 1, words
                about = re.findall(r"\bP\d\b", words)
                name = about[0].lower() if claims == ["v0"] else claims[0]
                found.append((name, chips[0][0]))
    return found


@pytest.mark.parametrize(
    "path", sorted(CHAPTERS.glob("[01]*.ipynb")), ids=lambda path: path.stem
)
def test_a_chapter_gives_the_verdict_of_the_ledger(path):
    for name, word in said_in(path):
        assert word == wanted(name, word), name


def test_the_lesson_gives_verdicts_on_most_claims():
    said = {
        name for path in CHAPTERS.glob("0*.ipynb") for name, _ in said_in(path)
    }
    assert len(said) >= 10


def test_the_page_on_the_post_gives_the_verdicts_of_the_ledger():
    text = (CHAPTERS / "from_the_post.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\|[^|]*\| (\w\d) \| (\{doc\}[^|]*)\|(.*)\|$", text, re.MULTILINE
    )
    assert {name.lower() for name, _, _ in rows} == set(ledger())
    for name, _, found in rows:
        if name == "V0":
            chips = dict(CHIP.findall(found))
            for problem, word in cured().items():
                assert problem.upper() in chips[word]
        else:
            (chip,) = CHIP.findall(found)
            assert chip[0] == wanted(name.lower(), chip[0]), name
