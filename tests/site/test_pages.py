"""Every page of the table of contents, as a reader with a browser meets it."""

from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import pytest
import yaml
from bs4 import BeautifulSoup

ROOT = Path(__file__).parents[2]
BUILT = ROOT / "_build" / "html"
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text())
PAGES = [
    TOC["root"],
    *(entry["file"] for part in TOC["parts"] for entry in part["chapters"]),
]
NOTEBOOKS = [page for page in PAGES if (ROOT / f"{page}.ipynb").is_file()]

SIDEWAYS = """(({scrollWidth, clientWidth}) => scrollWidth - clientWidth)(
  document.documentElement)"""
SCROLL_THROUGH = """async () => {
  for (let y = 0; y < document.body.scrollHeight; y += innerHeight) {
    scrollTo(0, y);
    await new Promise(requestAnimationFrame);
  }
}"""


def html(page: str) -> BeautifulSoup:
    return BeautifulSoup(
        (BUILT / f"{page}.html").read_text(encoding="utf-8"), "html.parser"
    )


@pytest.mark.parametrize(
    "visitor", [(1280, 800), (390, 844)], indirect=True, ids=["wide", "phone"]
)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_loads_without_a_complaint_and_fits_the_screen(visitor, name):
    page = visitor.open(name)
    page.evaluate(SCROLL_THROUGH)
    page.wait_for_load_state("networkidle")
    assert page.evaluate(SIDEWAYS) <= 0, "the page scrolls sideways"
    assert visitor.problems == []


@pytest.mark.parametrize(
    "visitor", [(1366, 768)], indirect=True, ids=["laptop"]
)
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_first_screen_begins_a_figure_or_a_view(visitor, name):
    page = visitor.open(name)
    first = page.locator("article :is(figure, .aevae-place)").first
    assert first.bounding_box()["y"] < 700


@pytest.mark.parametrize(
    "visitor", [(1366, 768)], indirect=True, ids=["laptop"]
)
@pytest.mark.parametrize("name", PAGES)
def test_no_code_is_cut_off_on_a_laptop(visitor, name):
    page = visitor.open(name)
    page.evaluate("""for (const fold of document.querySelectorAll("details"))
      fold.open = true;
      for (const box of document.querySelectorAll(".toggle-hidden"))
        box.classList.remove("toggle-hidden")""")
    cut = page.evaluate("""[...document.querySelectorAll("article pre")]
      .filter((code) => code.scrollWidth > code.clientWidth + 1)
      .map((code) => code.textContent.trim().slice(0, 60))""")
    assert cut == []


@pytest.mark.parametrize("visitor", [(390, 844)], indirect=True, ids=["phone"])
def test_a_margin_note_takes_the_width_of_a_phone(visitor):
    page = visitor.open("chapters/01_garments")
    text = page.locator("article p").first.bounding_box()
    notes = page.locator("aside.margin").all()
    assert notes
    for note in notes:
        assert note.bounding_box()["width"] == pytest.approx(text["width"])


@pytest.mark.parametrize("visitor", [(320, 640)], indirect=True, ids=["320 px"])
def test_pages_fit_the_narrowest_phone(visitor):
    wider = {name: visitor.open(name).evaluate(SIDEWAYS) for name in PAGES}
    assert {name: extra for name, extra in wider.items() if extra > 0} == {}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_weighs_no_more_than_its_kind_may(visitor, name):
    """Bytes, compressed, of scripts, styles and type (60,000 of them): of any
    page, and more where there are formulas or widgets.
    """
    article = str(html(name).find("article"))
    most = 160_000
    most += 20_000 * ('class="math' in article)
    most += 230_000 * ('class="aevae-place"' in article)
    assert visitor.weigh(name) < most


@pytest.mark.parametrize("name", PAGES)
def test_images_do_not_push_the_text_about(site, name):
    for image in html(name).find("article").find_all("img"):
        if not urlsplit(image["src"]).path.endswith(".svg"):
            assert image.get("width"), image["src"]
            assert image.get("height"), image["src"]


@pytest.mark.parametrize("name", PAGES)
def test_every_image_has_a_useful_text(site, name):
    for image in html(name).find_all("img"):
        text = image.get("alt", "")
        inside = image.find_parent("article") is not None
        words = (
            6 if inside else 2
        )  # a figure's text tells its finding; a logo's, its name
        assert len(text.split()) >= words, f"{image.get('src')}: {text!r}"
        assert Path(image["src"]).stem not in text, (
            f"{image['src']} is described by its file name"
        )


def test_every_internal_link_leads_somewhere(site):
    ids, dead = {}, []
    for name in PAGES:
        for tag in html(name).find_all(
            ["a", "link", "script", "img", "source"]
        ):
            target = tag.get("href") or tag.get("src")
            if (
                not target
                or urlsplit(target).scheme
                or tag.get("rel") == ["canonical"]
            ):
                continue
            path, fragment = urldefrag(urljoin(f"/{name}.html", target))
            file = BUILT / unquote(urlsplit(path).path).lstrip("/")
            if not file.is_file():
                dead.append(f"{name}: {target}")
            elif fragment and file.suffix == ".html":
                if file not in ids:
                    whole = BeautifulSoup(
                        file.read_text(encoding="utf-8"), "html.parser"
                    )
                    ids[file] = {tag["id"] for tag in whole.find_all(id=True)}
                if unquote(fragment) not in ids[file]:
                    dead.append(f"{name}: {target}")
    assert dead == []


@pytest.mark.parametrize("name", PAGES)
def test_all_math_is_typeset(site, name):
    formulas = html(name).find("article").select(".math")
    for formula in formulas:
        assert len(formula.find_all("math")) == 1, formula.text
        assert not set("\\$") & set(formula.text)
    assert formulas or name != "chapters/glossary", "the glossary has formulas"


def test_search_finds_a_term(visitor):
    page = visitor.open("chapters/index")
    page.keyboard.press("Control+k")
    page.locator("#pst-search-dialog input").fill("aggregate posterior")
    page.keyboard.press("Enter")
    results = page.locator("#search-results .search a, #search-results li a")
    results.first.wait_for()
    assert any(
        "glossary.html" in link.get_attribute("href") for link in results.all()
    )
    assert visitor.problems == []


def test_the_reader_can_choose_the_dark(visitor):
    page = visitor.open("chapters/index")
    ground = "getComputedStyle(document.body).backgroundColor"
    seen = {}
    for _ in range(3):  # auto, light, dark, and round again
        page.locator("button.theme-switch-button:visible").first.click()
        seen[page.evaluate("document.documentElement.dataset.mode")] = (
            page.evaluate(ground)
        )
    assert set(seen) == {"auto", "light", "dark"}
    assert seen["light"] != seen["dark"]
    assert visitor.problems == []


@pytest.mark.parametrize("name", PAGES)
def test_notebooks_can_be_downloaded_and_opened_in_colab(site, name):
    config = yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]
    links = [link["href"] for link in html(name).find_all("a", href=True)]
    colab = [
        link
        for link in links
        if link.startswith("https://colab.research.google.com/")
    ]
    if name not in NOTEBOOKS:
        assert colab == []
        return
    path = urlsplit(config["url"]).path
    page = f"{path}/blob/{config['branch']}/{name}.ipynb"
    assert colab == [f"https://colab.research.google.com/github{page}"]
    assert f"../_sources/{name}.ipynb" in links
