"""How pages are made, on a book of two pages that is built here."""

import re
from pathlib import Path

import pytest
import tiny
from bs4 import BeautifulSoup, Tag
from conftest import Visitor, served

from book import folds


@pytest.fixture(scope="module")
def book(tmp_path_factory) -> tuple[Path, str]:
    """A built book, and what building it printed."""
    folder = tmp_path_factory.mktemp("tiny") / "book"
    tiny.write(folder)
    return folder, tiny.build(folder)


def pages(folder: Path) -> dict[str, str]:
    """The text of every page that was written."""
    site = folder / "_build" / "html"
    return {
        page.relative_to(site).as_posix(): page.read_text(encoding="utf-8")
        for page in site.rglob("*.html")
    }


def test_building_twice_is_building_once(book):
    folder, _ = book
    before = pages(folder)
    assert sum('class="aevae-place"' in text for text in before.values()) == 1
    tiny.build(folder)
    assert pages(folder) == before


def test_no_kernel_complains_that_it_is_not_encrypted(book):
    _, printed = book
    assert "Executed notebook" in printed
    assert "encrypt" not in printed


def article(book, name: str) -> Tag:
    text = pages(book[0])[f"chapters/{name}.html"]
    return BeautifulSoup(text, "html.parser").find("article")


def assets(book, name: str) -> list[str]:
    text = pages(book[0])[f"chapters/{name}.html"]
    found = BeautifulSoup(text, "html.parser").find_all(["script", "link"])
    return [tag.get("src") or tag.get("href") or tag.text for tag in found]


def fold(book, kind: str) -> list[Tag]:
    return article(book, "one").find_all("details", f"fold-{kind}")


# --- what a page does not fetch ----------------------------------------------


@pytest.mark.parametrize(
    "asset",
    ["tex-chtml", "MathJax", "math.js", "mystnb", "togglebutton", "predict",
     "sphinx-design", "exercise"],
)  # fmt: skip
def test_a_page_fetches_only_what_it_uses(book, asset):
    plain, full = (
        any(asset in one for one in assets(book, name))
        for name in ("index", "one")
    )
    assert not plain
    assert full == (asset not in ("sphinx-design", "exercise"))


@pytest.mark.parametrize(
    "asset", ["fontawesome", "searchindex", "searchtools", "language_data"]
)
def test_no_page_fetches_the_whole_font_of_icons_or_the_index(book, asset):
    for name in ("index", "one"):
        assert not any(asset in one for one in assets(book, name))
    search = pages(book[0])["search.html"]
    assert (asset in search) == (asset != "fontawesome")


def test_every_icon_on_show_is_in_the_font(book, browser):
    folder = book[0] / "_build" / "html"
    styles = folder / "_static" / "styles" / "pydata-sphinx-theme.css"
    rules = styles.read_text(encoding="utf-8")
    named = set(re.findall(r"\bfa-[a-z]+(?:-[a-z]+)*", " ".join(
        str(tag.get("class")) for text in pages(book[0]).values()
        for tag in BeautifulSoup(text, "html.parser").find_all("i")
    )))  # fmt: skip
    icons = named - {"fa-solid", "fa-brands", "fa-regular", "fa-lg", "fa-fw"}
    assert len(icons) > 8
    for icon in icons:
        assert re.search(rf"\.{icon}:before", rules), icon
    assert len(re.findall(r"\.fa-[\w-]+:before", rules)) < 150
    size = sum(
        file.stat().st_size for file in (folder / "_static" / "icons").iterdir()
    )
    assert size < 12_000
    with served(folder) as address:
        visitor = Visitor(browser, address)
        visitor.open("chapters/one")
        assert visitor.problems == []
        visitor.context.close()


@pytest.mark.parametrize(
    ("name", "most"), [("index", 245_000), ("one", 860_000)]
)
def test_a_page_is_no_heavier_than_it_was(book, browser, name, most):
    with served(book[0] / "_build" / "html") as address:
        visitor = Visitor(browser, address)
        assert visitor.weigh(f"chapters/{name}") < most
        visitor.context.close()


def test_images_have_their_size_and_all_but_the_first_wait(book):
    first, *others = article(book, "one").find_all("img")
    assert others
    assert first["loading"] == "eager"
    for image in (first, *others):
        assert int(image["width"]) > 100
        assert int(image["height"]) > 100
    assert {image["loading"] for image in others} == {"lazy"}


# --- folds -------------------------------------------------------------------


def test_set_up_and_imports_are_behind_one_line(book):
    [setup] = fold(book, "setup")
    assert setup.summary.text == "Set-up and data"
    assert not setup.has_attr("open")
    assert "import sys" in setup.text
    assert "# the imports" in setup.text
    assert not setup.find_all("details"), "folded twice"


def test_a_check_is_inside_the_box_of_its_claim(book):
    inside, alone = fold(book, "check")
    assert inside.summary.text == "The check that would fail"
    assert "assert x < 2" in inside.text
    assert "claim" in inside.parent["class"]
    assert "assert x > 0" in alone.text, "a claim without a box"
    assert "claim" not in alone.parent.get("class", [])


def test_plotting_code_is_under_its_figure(book):
    [plotting] = fold(book, "plotting")
    assert plotting.summary.text == "Show the plotting code"
    assert "plt.plot" in plotting.text
    cell = plotting.find_parent("div", "cell")
    assert cell.find("img") in plotting.find_all_previous("img")


def test_nothing_that_a_notebook_holds_is_lost(book):
    text = article(book, "one").text
    for cell in tiny.notebook().cells:
        if cell.cell_type == "code":
            for line in cell.source.split():
                assert line in text


def test_a_figure_has_a_caption_and_a_note_stands_in_the_margin(book):
    page = article(book, "one")
    assert "One step up." in page.find("figcaption").text
    assert "A note at the side." in page.find("aside", "margin").text


# --- verdicts, predictions, cards --------------------------------------------


def test_a_verdict_is_a_chip_of_the_vocabulary(book):
    chip = article(book, "one").find("span", "verdict")
    assert chip.text == "supported"
    assert "verdict-good" in chip["class"]


def test_another_word_is_no_verdict():
    class Inliner:
        class reporter:
            error = staticmethod(lambda text, line: text)

    made, told = folds.verdict("", "", "true", 1, Inliner)
    assert made == []
    assert "'true' is no verdict" in told[0]


def test_a_prediction_is_answered_at_once(book, browser):
    with served(book[0] / "_build" / "html") as address:
        visitor = Visitor(browser, address)
        page = visitor.open("chapters/one")
        told = page.locator(".prediction-told")
        for letter, word in (("A.", "No."), ("B.", "Yes.")):
            page.locator(".prediction button", has_text=letter).click()
            assert told.inner_text().startswith(word)
            assert "Counting on fingers" in told.inner_text()
        pressed = page.locator(".prediction [aria-pressed]")
        assert pressed.inner_text().startswith("B.")
        assert visitor.problems == []
        visitor.context.close()


def test_a_link_to_a_page_shows_its_first_figure_elsewhere(book):
    text = pages(book[0])["chapters/one.html"]
    card = {
        tag["property"]: tag["content"]
        for tag in BeautifulSoup(text, "html.parser").find_all("meta")
        if tag.get("property", "").startswith("og:")
    }
    assert card["og:title"] == "One"
    assert card["og:description"].startswith("A formula")
    assert card["og:url"].endswith("/chapters/one.html")
    picture = card["og:image"].partition("/from-points-to-clouds/")[2]
    assert (book[0] / "_build" / "html" / picture).is_file()
    assert len(card["og:image:alt"].split()) > 5
    start = pages(book[0])["chapters/index.html"]
    assert 'property="og:title" content="Start"' in start
    assert "og:image" not in start


# --- looks -------------------------------------------------------------------


def test_numbers_in_tables_stay_on_one_line_and_words_do_not(book):
    cells = article(book, "index").find_all("td")
    numbers = [cell.text for cell in cells if "number" in cell.get("class", "")]
    assert numbers == ["-1.25 ± 0.1 nats"]


def test_the_logo_is_there_once(book):
    text = pages(book[0])["chapters/one.html"]
    logos = BeautifulSoup(text, "html.parser").find_all(class_="logo__image")
    assert len(logos) == 1


def test_text_interface_and_code_have_the_sites_own_type(book, browser):
    with served(book[0] / "_build" / "html") as address:
        visitor = Visitor(browser, address)
        page = visitor.open("chapters/one")
        page.locator(".fold-setup summary").click()
        page.evaluate("document.fonts.ready")
        loaded = page.evaluate("""[...document.fonts]
          .filter((font) => font.status === "loaded")
          .map((font) => font.family.replaceAll('"', ""))""")
        assert {"Source Serif 4", "Inter", "JetBrains Mono"} <= set(loaded)
        wide = page.evaluate("""
          document.querySelector("article p").getBoundingClientRect().width""")
        assert wide < 720
        assert visitor.problems == []
        visitor.context.close()
