"""A claim has one verdict, wherever it stands: that of the ledger."""

import re
from pathlib import Path

import nbformat
import pytest

CHAPTERS = Path(__file__).resolve().parents[2] / "chapters"
POST = CHAPTERS / "from_the_post.ipynb"
CHIP = re.compile(r"\{verdict\}`([^`]+)`([^;|]*)")
CURES = {"cured", "milder", "no clear difference", "worse"}
BOX = re.compile(
    r":::\{admonition\} [^\n]*\n:class: claim\n(.*?)\n:::", re.DOTALL
)
CLAIM = re.compile(r"<claim-(\w\d)>")
SHOWN = re.compile(
    r"^\(claim-(\w\d)\)=$.*?^Shown in \{doc\}`(\w+)`", re.MULTILINE | re.DOTALL
)


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


def lines_in(path: Path) -> list[str]:
    """What stands in the claim boxes of a chapter, a line for each claim."""
    cells = nbformat.read(path, as_version=4).cells
    boxes = BOX.findall("\n\n".join(cell.source for cell in cells))
    lines = [
        " ".join(line.split())
        for box in boxes
        for line in re.split(r"\n(?=- )", box)
    ]
    return [line for line in lines if line]


def said_in(path: Path) -> list[tuple[str, str]]:
    """Each chip in the boxes of a chapter, with the claim on its line, or with
    the problem that it is about if the claim is V0.
    """
    found = []
    for words in lines_in(path):
        claims, chips = CLAIM.findall(words), CHIP.findall(words)
        if chips:
            assert len(claims) == len(chips) == 1, words
            about = re.findall(r"\bP\d\b", words)
            name = about[0].lower() if claims == ["v0"] else claims[0]
            found.append((name, chips[0][0]))
    return found


@pytest.mark.parametrize(
    "path",
    [*sorted(CHAPTERS.glob("[01]*.ipynb")), POST],
    ids=lambda path: path.stem,
)
def test_a_chapter_gives_the_verdict_of_the_ledger(path):
    for name, word in said_in(path):
        assert word == wanted(name, word), name


@pytest.mark.parametrize(
    "path", sorted(CHAPTERS.glob("[01]*.ipynb")), ids=lambda path: path.stem
)
def test_a_claim_is_one_verdict_and_at_most_one_sentence(path):
    for words in lines_in(path):
        assert len(CHIP.findall(words)) == 1, words
        sentence = re.sub(r"\{\w+\}`[^`]*`", "", words)
        assert len(sentence.split()) <= 20, words


def test_a_claim_has_its_verdict_where_the_ledger_says_it_is_shown():
    text = (CHAPTERS / "ledger.md").read_text(encoding="utf-8")
    shown = dict(SHOWN.findall(text))
    assert shown.keys() == ledger().keys()
    for name, chapter in shown.items():
        if name != "v0":  # V0 is about problems
            said = dict(said_in(CHAPTERS / f"{chapter}.ipynb"))
            assert name in said, (name, chapter)


def test_the_lesson_gives_verdicts_on_most_claims():
    said = {
        name for path in CHAPTERS.glob("0*.ipynb") for name, _ in said_in(path)
    }
    assert len(said) >= 10


@pytest.mark.parametrize(
    ("path", "claims"),
    [
        ("08_who_judges", {"a2", "l3"}),
        ("12_draw_me_a_shirt", {"v2"}),
    ],
)
def test_a_chapter_of_the_laboratory_gives_its_verdicts(path, claims):
    assert {name for name, _ in said_in(CHAPTERS / f"{path}.ipynb")} == claims


def test_the_page_on_the_post_gives_a_verdict_on_every_claim():
    """And on every problem what the VAE does about it."""
    said = said_in(POST)
    assert {name for name, word in said if word not in CURES} | {"v0"} == set(
        ledger()
    )
    assert {name: word for name, word in said if word in CURES} == cured()
