"""The lab's menus, on a page with the sections that they need."""

import shutil
from pathlib import Path

import pytest

from book import lighten
from tests.site.conftest import Visitor, served
from tests.site.test_accessibility import violations

ROOT = Path(__file__).parents[2]
PAGE = """<!doctype html>
<html lang="en"><head><title>The lab</title><link rel="icon" href="data:,">
<script defer src="lab.js"></script></head>
<body><main><article class="bd-article"><section id="the-lab"><h1>The lab</h1>
<div class="lab-menus">Choose.</div>
<section id="map"><h2>Map<a href="#map">#</a></h2>
<section id="epochs"><h3>By epoch</h3><p id="widget-1">One.</p></section>
<section id="seeds"><h3>By seed</h3><p id="widget-2">Two.</p></section>
</section>
<section id="price"><h2>Price</h2>
<section id="one"><h3>One garment</h3><p id="widget-3">Three.</p></section>
</section></section></article></main></body></html>
"""
SEEN = """[...document.querySelectorAll("[id^=widget]")]
  .filter((one) => one.checkVisibility()).map((one) => one.textContent)"""


@pytest.fixture
def visit(browser, tmp_path):
    """Opens the page at an address; nothing may have gone wrong at the end."""
    (tmp_path / "lab.html").write_text(PAGE, encoding="utf-8")
    shutil.copy(ROOT / "book" / "static" / "lab.js", tmp_path)
    with served(tmp_path) as address:
        visitor = Visitor(browser, address)

        def open_page(end=""):
            visitor.page.goto("about:blank")
            visitor.page.goto(f"{address}lab.html{end}")
            return visitor.page

        yield open_page
        assert visitor.problems == []
        visitor.context.close()


def chosen(page):
    return page.locator("select").evaluate_all(
        "(menus) => menus.map((menu) => menu.selectedOptions[0].textContent)"
    )


def test_one_view_is_on_show_and_the_menus_name_it(visit):
    page = visit()
    assert page.evaluate(SEEN) == ["One."]
    assert chosen(page) == ["Map", "By epoch"]
    assert violations(page) == []


def test_menus_change_the_view_and_the_address_keeps_it(visit):
    page = visit("?z0=1#widget-1")
    page.get_by_label("Model").select_option("By seed")
    assert page.evaluate(SEEN) == ["Two."]
    assert page.url.endswith("lab.html#seeds"), "an old state is left behind"
    page.get_by_label("View").select_option("Price")
    assert page.evaluate(SEEN) == ["Three."]
    assert chosen(visit("#one")) == ["Price", "One garment"]


@pytest.mark.parametrize(
    ("end", "seen"),
    [("#seeds", "Two."), ("?z0=1#widget-2", "Two."), ("#price", "Three."),
     ("#nothing", "One."), ("#%E0%A4%A", "One.")],
)  # fmt: skip
def test_a_link_restores_what_it_was_made_of(visit, end, seen):
    page = visit(end)
    assert page.evaluate(SEEN) == [seen]
    assert page.url.endswith(end), "a view reads its state from the address"


def test_an_address_typed_by_hand_is_followed(visit):
    page = visit()
    page.evaluate("location.hash = 'one'")
    page.wait_for_function(f"({SEEN})[0] === 'Three.'")


def test_only_the_lab_fetches_the_menus():
    head = '<script defer src="_static/lab.js"></script><body'
    for inside, kept in (("lab-menus", True), ("labour", False)):
        page = f'{head}><article><p class="{inside}"></p></article>'
        found = lighten.without_unused(page, Path("a.html"), Path())
        assert ("lab.js" in found) == kept
