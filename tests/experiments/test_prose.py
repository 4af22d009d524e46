"""Numbers in prose that are tied to a stored result."""

import json
import re
import shutil

import nbformat
import pytest

from aevae_lib import evidence
from experiments import prose
from tools import notebooks

AE, VAE = (
    {0: 254.0, 1: 256.0, 2: 255.0},
    {0: 260.0, 1: 261.0, 2: 261.5, 9: 900.0},
)


@pytest.fixture
def book(tmp_path, monkeypatch):
    """Results and pages of their own: call it with names and texts of pages."""
    monkeypatch.setattr(evidence, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(prose, "ROOT", tmp_path)
    (tmp_path / "chapters").mkdir()
    (tmp_path / "results" / "second").mkdir(parents=True)
    flips = {0: 0.061}
    for group, seeds in (
        ("ae-d2", AE),
        ("vae-d2", VAE),
        ("vae-d2-beta0.1", AE),
        ("ae-d4", flips),
    ):
        for seed, number in seeds.items():
            run = {
                "config": {"seed": seed},
                "metrics": {"reconstruction": number, "kl_2": -number},
            }
            path = tmp_path / "results" / "second" / f"{group}-seed{seed}.json"
            path.write_text(json.dumps(run))
    floors = {"pixel_entropy": 189.858, "linear_d2": 298.745, "images": 10000.0}
    (tmp_path / "results" / "floors.json").write_text(json.dumps(floors))
    bench = {
        "race": {"p": 0.004, "seconds": [1, 2]},
        "recipes": {"the book's network": 270.04},
    }
    (tmp_path / "results" / "bench.json").write_text(json.dumps(bench))
    evidence.runs.cache_clear()

    def put(**texts: str):
        paths = [
            tmp_path / "chapters" / name.replace("_", ".") for name in texts
        ]
        for path, text in zip(paths, texts.values(), strict=True):
            path.write_text(text, encoding="utf-8")
        return paths[0]

    yield put
    evidence.runs.cache_clear()


INTERVAL = evidence.interval(list(AE.values()))


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("ae-d2.reconstruction", "255.0"),
        ("ae-d2.reconstruction : .0f", "255"),
        ("ae-d2.reconstruction : .3f", "255.000"),
        ("ae-d2.kl_2", "-255.0"),
        ("ae-d2.reconstruction.low", f"{INTERVAL.low:.1f}"),
        ("ae-d2.reconstruction.high : .3f", f"{INTERVAL.high:.3f}"),
        ("ae-d2.reconstruction.seeds", "3"),
        ("vae-d2.reconstruction.seeds", "4"),
        (
            "vae-d2 - ae-d2.reconstruction",
            "5.8",
        ),  # of 6, 5 and 6.5: seed 9 has no partner
        ("ae-d2 - vae-d2.reconstruction : +.2f", "-5.83"),
        ("vae-d2 - ae-d2.reconstruction.seeds", "3"),
        ("vae-d2-beta0.1.reconstruction", "255.0"),
        ("vae-d2-beta0.1 - ae-d2.reconstruction.seeds", "3"),
        ("ae-d2 - vae-d2-beta0.1.reconstruction", "0.0"),
        ("floor.pixel_entropy", "189.9"),
        ("floor.linear_d2 : .2f", "298.75"),
        ("floor.images : ,.0f", "10,000"),
        ("bench.race.p : .3f", "0.004"),
        ("bench.recipes.the book's network", "270.0"),
        ("ae-d4.reconstruction : .0%", "6%"),
        ("ae-d4.reconstruction : .1%", "6.1%"),
    ],
)
def test_a_source_stands_for_a_number(book, source, text):
    """And the number is found again: to renew it twice changes nothing."""
    assert prose.value(source) == text
    for before in ("0", "-1.5", "12%", "1,234.5", "\N{MINUS SIGN}3"):
        renewed = prose.renew(f"It is {before}<!--= {source} --> nats.")
        assert renewed == f"It is {text}<!--= {source} --> nats."
        assert prose.renew(renewed) == renewed


def test_only_the_tied_number_changes(book):
    tie = "<!--= floor.images : ,.0f -->"
    text = f"d = 2, 10-20{tie}, (3)-4{tie}, **5{tie}**, 7.5 and -1{tie}%, "
    text += f"|6{tie}| <!-- 8 --> 9"
    own = f"10,000{tie}"
    expected = f"d = 2, 10-{own}, (3)-{own}, **{own}**, 7.5 and {own}%, "
    expected += f"|{own}| <!-- 8 --> 9"
    assert prose.renew(text) == expected


def test_pages_and_notebooks_are_rewritten_and_then_hold(book, capsys):
    cells = [
        nbformat.v4.new_markdown_cell(
            "# Title\n\nIt pays 1.0<!--= ae-d2.reconstruction --> nats."
        ),
        nbformat.v4.new_code_cell("print(1)"),
    ]
    for cell, name in zip(cells, "ab", strict=True):
        cell.id = name
    whole = notebooks.tidy_text(
        nbformat.writes(nbformat.v4.new_notebook(cells=cells))
    )
    page = book(
        page_md="Paid: 2<!--= ae-d2.reconstruction : .0f -->.", book_ipynb=whole
    )
    other = page.with_name("book.ipynb")
    with pytest.raises(SystemExit) as error:
        prose.main(["--check"])
    assert str(error.value).splitlines() == [
        "book.ipynb: 1.0 should be 255.0 (ae-d2.reconstruction)",
        "page.md: 2 should be 255 (ae-d2.reconstruction : .0f)",
        "Run: make evidence",
    ]
    assert "2<!--" in page.read_text(), "--check changes nothing"

    prose.main([])
    assert page.read_text() == "Paid: 255<!--= ae-d2.reconstruction : .0f -->."
    assert other.read_text() == whole.replace("1.0<!--", "255.0<!--")
    assert notebooks.tidy_text(other.read_text()) == other.read_text()
    prose.main(["--check"])

    page.write_text(page.read_text().replace("255", "256"))
    with pytest.raises(SystemExit, match=r"page\.md: 256 should be 255"):
        prose.main(["--check"])


@pytest.mark.parametrize(
    ("tie", "message"),
    [
        (
            "1<!--= ae-d3.reconstruction -->",
            r"ae-d3\.reconstruction: No runs of 'ae-d3'; .*ae-d4",
        ),
        (
            "1<!--= ae-d2.loss -->",
            r"ae-d2\.loss: .*have no 'loss'",
        ),
        ("1<!--= ae-d2 - ae-d4.loss -->", "have no 'loss'"),
        ("1<!--= ae-d2.loss.mid -->", r"No runs of 'ae-d2\.loss'"),
        (
            "1<!--= floor.entropy -->",
            "no floor 'entropy'; there are pixel_entropy",
        ),
        ("1<!--= floor.pixel_entropy.low -->", "a floor has neither seeds"),
        ("1<!--= bench.race.speed -->", "there is no 'speed', but p, seconds"),
        ("1<!--= bench.race.p.low -->", "there is no 'low', but 0.004"),
        (
            "1<!--= bench.race.seconds -->",
            r"expected a finite number, found \[1, 2\]",
        ),
        ("1<!--= ae-d2 -->", "ae-d2: not of the form GROUP.METRIC"),
        ("1<!--= ae-d2-reconstruction -->", "not of the form"),
        ("1<!--= ae-d2.reconstruction:.0f -->", "not of the form"),
        (
            "1<!--= ae-d2.reconstruction : .0g% -->",
            "ae-d2.reconstruction : .0g%: Invalid format",
        ),
        ("1<!--= ae-d2.reconstruction.seeds : .1f -->", "takes no format"),
        (
            "1<!--= ae-d4.reconstruction.low -->",
            "a single seed has no interval",
        ),
        (
            "**1**<!--= ae-d2.reconstruction -->",
            "no number right before '<!--= ae-d2",
        ),
        ("1 <!--= ae-d2.reconstruction -->", "no number right before"),
        ("1<!--= ae-d2.\nreconstruction -->", "no number right before"),
    ],
)
@pytest.mark.parametrize("arguments", [[], ["--check"]])
def test_what_cannot_be_looked_up_names_page_and_source(
    book, tie, message, arguments
):
    book(good_md="1", page_md=f"It is {tie} nats.")
    with pytest.raises(SystemExit, match=rf"(?s)^page\.md: .*{message}"):
        prose.main(arguments)


# --- the pages as they are ---------------------------------------------------


def test_prose_says_what_the_results_say():
    prose.main(["--check"])


def test_a_wrong_number_on_a_real_page_is_found(tmp_path, monkeypatch):
    """As soon as a page has a tied number, another in its place is refused."""
    tied = [
        path
        for path in prose.pages()
        if prose.MARK in path.read_text(encoding="utf-8")
    ]
    assert tied, "no page has a number that is tied to a result"
    (tmp_path / "chapters").mkdir()
    monkeypatch.setattr(prose, "ROOT", tmp_path)
    for path in tied:
        copy = tmp_path / "chapters" / path.name
        shutil.copy(path, copy)
        text = copy.read_text(encoding="utf-8")
        number = prose.TIED.search(text)
        copy.write_text(
            text[: number.start()] + "98765.4" + text[number.end("number") :]
        )
        with pytest.raises(
            SystemExit, match=rf"{re.escape(path.name)}: 98765\.4 should be"
        ):
            prose.main(["--check"])
        copy.unlink()


MEASURED = re.compile(r"\d[.,]\d|\d\s?(%|per ?cent)")


def test_alt_texts_hold_no_measured_number():
    """They cannot carry the comment that ties a number to its result."""
    found = {}
    for path in prose.pages():
        if path.suffix == ".ipynb":
            for cell in nbformat.read(path, as_version=4).cells:
                alt = (
                    cell.metadata.get("mystnb", {})
                    .get("image", {})
                    .get("alt", "")
                )
                if MEASURED.search(alt) or prose.MARK in alt:
                    found[f"{path.name}: {cell.id}"] = alt
        for alt in re.findall(
            r"(?m)^\s*:alt:(.*)$|!\[(.*?)\]", path.read_text(encoding="utf-8")
        ):
            if MEASURED.search("".join(alt)):
                found[path.name] = "".join(alt)
    assert found == {}
