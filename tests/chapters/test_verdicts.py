"""A claim has one verdict, wherever it stands: that of the ledger."""

import re
from pathlib import Path

import nbformat
import pytest

from aevae_lib import evidence
from book.folds import VERDICTS

CHAPTERS = Path(__file__).resolve().parents[2] / "chapters"
POST = CHAPTERS / "from_the_post.ipynb"
USES = CHAPTERS / "what_are_they_for.ipynb"
CHIP = re.compile(r"\{verdict\}`([^`]+)`")
BOX = re.compile(
    r":::\{admonition\} [^\n]*\n:class: claim\n(.*?)\n:::", re.DOTALL
)
CLAIM = re.compile(r"<claim-(\w\d)>")
SHOWN = re.compile(
    r"^\(claim-(\w\d)\)=$.*?Shown in \{doc\}`(\w+)`", re.MULTILINE | re.DOTALL
)
PROBLEMS = {  # what V0's rows are about
    "AE less VAE: codes told from a Gaussian": "p1",
    "AE less VAE: inequality of areas": "p2",
    "AE less VAE: draws in holes": "p3",
    "AE less VAE: classes flipped by a short step": "p5",
}


def text_of(path: Path) -> str:
    """The text of a notebook, without its code."""
    cells = nbformat.read(path, as_version=4).cells
    return "\n\n".join(
        cell.source for cell in cells if cell.cell_type == "markdown"
    )


def ledger() -> dict[str, str]:
    """The ledger's verdict on each claim, by its id in small letters."""
    rows = re.findall(
        r"^\| \{ref\}`(\w\d) <[^|]*\| \{verdict\}`([^`]+)`[^|]*\|",
        text_of(CHAPTERS / "ledger.ipynb"),
        re.MULTILINE,
    )
    return {name.lower(): verdict for name, verdict in rows}


def addressed() -> dict[str, str]:
    """The ledger's verdict on V0, problem by problem, as "v0 p1": that of all
    judges together, on garments.
    """
    return {
        f"v0 {PROBLEMS[row['row']]}": row["together"]
        for row in evidence.ledger("V0")
        if row["data"] == "garments"
    }


def lines_in(path: Path) -> list[str]:
    """What stands in the claim boxes of a chapter, a line for each claim."""
    lines = [
        " ".join(line.split())
        for box in BOX.findall(text_of(path))
        for line in re.split(r"\n(?=- )", box)
    ]
    return [line for line in lines if line]


def said_in(path: Path) -> list[tuple[str, str]]:
    """Each chip in the boxes of a chapter, with the claim on its line, and with
    the problem that it is about if the claim is V0.
    """
    found = []
    for words in lines_in(path):
        claims, chips = CLAIM.findall(words), CHIP.findall(words)
        if chips:
            assert len(claims) == len(chips) == 1, words
            (name,) = claims
            if name == "v0":
                (about,) = re.findall(r"\bP\d\b", words)
                name = f"v0 {about.lower()}"
            found.append((name, chips[0]))
    return found


def test_every_verdict_of_the_ledger_is_a_word_of_the_vocabulary():
    assert len(ledger()) == 14 + 5  # on the models, and on their uses
    assert addressed().keys() == {f"v0 {name}" for name in PROBLEMS.values()}
    assert {*ledger().values(), *addressed().values()} <= VERDICTS.keys()


@pytest.mark.parametrize(
    "path",
    [*sorted(CHAPTERS.glob("[01]*.ipynb")), USES, POST],
    ids=lambda path: path.stem,
)
def test_a_chapter_gives_the_verdict_of_the_ledger(path):
    wanted = ledger() | addressed()
    assert [(name, wanted[name]) for name, _ in said_in(path)] == said_in(path)


@pytest.mark.parametrize(
    "path",
    [*sorted(CHAPTERS.glob("[01]*.ipynb")), USES, POST],
    ids=lambda path: path.stem,
)
def test_a_claim_is_one_verdict_and_at_most_one_sentence(path):
    for words in lines_in(path):
        assert len(CHIP.findall(words)) == 1, words
        sentence = re.sub(r"\{\w+\}`[^`]*`", "", words)
        assert len(sentence.split()) <= 20, words


def test_a_claim_has_its_verdict_where_the_ledger_says_it_is_shown():
    shown = dict(SHOWN.findall(text_of(CHAPTERS / "ledger.ipynb")))
    assert shown.keys() == ledger().keys()
    for name, chapter in shown.items():
        said = {name for name, _ in said_in(CHAPTERS / f"{chapter}.ipynb")}
        # V0 is about problems
        wanted = addressed().keys() if name == "v0" else {name}
        assert wanted <= said, (name, chapter)


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
    """And on every problem what the VAE does about it. It speaks of no use."""
    said = {name for name, _ in said_in(POST)}
    claims = {name for name in ledger() if not name.startswith("u")}
    assert said == (claims - {"v0"}) | addressed().keys()


def test_no_page_has_a_word_that_is_no_verdict_any_more():
    for path in [*sorted(CHAPTERS.glob("*.ipynb")), *CHAPTERS.glob("*.md")]:
        text = path.read_text(encoding="utf-8")
        assert set(CHIP.findall(text)) <= VERDICTS.keys(), path.name
