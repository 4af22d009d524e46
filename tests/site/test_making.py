"""How pages are made, on a book of two pages that is built here."""

import re
from contextlib import contextmanager
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from bs4 import BeautifulSoup, Tag
from fontTools.ttLib import TTFont
from matplotlib.colors import to_hex, to_rgba
from PIL import Image
from sphinx.errors import ExtensionError

from book import figures, folds, inks
from book.frontend import BOOK, VENDOR
from tests.site import tiny
from tests.site.conftest import Visitor, served


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
    [
        "formulas.woff",
        "togglebutton",
        "predict",
        "finder.js",
        "views.js",
    ],
)
def test_a_page_fetches_only_what_it_uses(book, asset):
    plain, full = (
        any(asset in one for one in assets(book, name))
        for name in ("index", "one")
    )
    assert not plain
    assert full


@pytest.mark.parametrize(
    "asset", ["fontawesome", "searchindex", "searchtools", "language_data"]
)
def test_no_page_fetches_the_whole_font_of_icons_or_the_index(book, asset):
    for name in ("index", "one"):
        assert not any(asset in one for one in assets(book, name))
    search = pages(book[0])["search.html"]
    assert (asset in search) == (asset != "fontawesome")


def test_no_page_has_mathjax(book):
    for name in ("index", "one"):
        assert not any("mathjax" in one.lower() for one in assets(book, name))
    assert not [*(book[0] / "_build" / "html" / "_static").rglob("*mathjax*")]


def test_the_text_waits_for_no_script(book):
    text = pages(book[0])["chapters/one.html"]
    head = BeautifulSoup(text, "html.parser").find("head")
    waits = [
        script["src"].partition("?")[0]
        for script in head.find_all("script", src=True)
        if not script.has_attr("defer")
    ]
    assert waits == []
    urgent = {link["as"] for link in head.find_all("link", rel="preload")}
    assert urgent == {"font"}


def test_every_page_waits_for_one_sheet_of_what_the_site_uses(book):
    folder = book[0] / "_build" / "html"
    for name, text in pages(book[0]).items():
        if "data-content_root" not in text:
            continue  # a template, or a page that only leads to another
        head = BeautifulSoup(text, "html.parser").find("head")
        (link,) = head.find_all("link", rel="stylesheet")
        address = link["href"].partition("?")[0]
        sheet = (folder / name).parent / address
        assert sheet.resolve() == folder / "_static" / "site.css"
    styles = sheet.read_text(encoding="utf-8")
    for used in (".card", ".sd-row", ".prediction", "data-theme=dark", ".show"):
        assert (used in styles) == (used != ".sd-row"), used
    assert "@import" not in styles
    for address in re.findall(r"url\([\"']?(?!data:)([^)\"']+)", styles):
        assert (sheet.parent / address).is_file(), address


def test_a_page_says_in_a_sentence_what_it_is_about(book):
    text = pages(book[0])["chapters/one.html"]
    found = BeautifulSoup(text, "html.parser").find_all(
        "meta", attrs={"name": "description"}
    )
    assert [tag["content"] for tag in found] == ["A formula: \\(x^2\\)."]


def test_every_icon_on_show_is_in_the_font(book, browser):
    folder = book[0] / "_build" / "html"
    styles = folder / "_static" / "site.css"
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
    ("name", "most"), [("index", 130_000), ("one", 390_000)]
)
def test_a_page_is_no_heavier_than_it_was(book, browser, name, most):
    with served(book[0] / "_build" / "html") as address:
        visitor = Visitor(browser, address)
        assert visitor.weigh(f"chapters/{name}") < most
        visitor.context.close()


def test_images_have_their_size_and_all_but_the_first_wait(book):
    first, *others = article(book, "one").find_all("img")
    assert others
    assert "on-light" in first.parent["class"]
    assert first["loading"] == "eager"
    assert first["fetchpriority"] == "high"
    for image in (first, *others):
        assert int(image["width"]) > 100
        assert int(image["height"]) > 100
    assert {image["loading"] for image in others} == {"lazy"}


# --- formulas ----------------------------------------------------------------


def test_formulas_are_there_without_scripts_in_their_own_type(book, browser):
    with served(book[0] / "_build" / "html") as address:
        visitor = Visitor(browser, address, java_script_enabled=False)
        page = visitor.open("chapters/one")
        page.emulate_media(color_scheme="dark")
        assert page.locator("article .math > math").count() == 2
        look = page.evaluate("""() => {
          const one = document.querySelector("math");
          return { fonts: [...document.fonts].filter((font) =>
                     font.status === "loaded").map((font) => font.family),
                   same: getComputedStyle(one).color
                     === getComputedStyle(one.parentElement).color };
        }""")
        assert any("STIX Two Math" in font for font in look["fonts"])
        assert look["same"]
        visitor.context.close()


def test_a_wide_formula_scrolls_in_its_box_and_by_keyboard(book, browser):
    with served(book[0] / "_build" / "html") as address:
        visitor = Visitor(browser, address, (390, 844))
        page = visitor.open("chapters/one")
        assert (
            page.evaluate("""document.documentElement.scrollWidth
          - document.documentElement.clientWidth""")
            <= 0
        )
        narrow, wide = page.locator("article .math").all()
        scrolls = "box => [box.scrollWidth > box.clientWidth, box.tabIndex]"
        assert narrow.evaluate(scrolls) == [False, -1]
        assert wide.evaluate(scrolls) == [True, 0]
        wide.focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_function("document.activeElement.scrollLeft > 0")
        assert visitor.problems == []
        visitor.context.close()


def test_equals_signs_meet_and_the_number_stands_at_the_end(book, browser):
    with served(book[0] / "_build" / "html") as address:
        visitor = Visitor(browser, address)
        page = visitor.open("chapters/one")
        formula = page.locator("article div.math")
        signs = formula.locator("mo", has_text="=").all()
        assert len({round(sign.bounding_box()["x"]) for sign in signs}) == 1
        number = formula.locator(".eqno")
        assert number.inner_text().startswith("(1)")
        end = formula.locator("math").bounding_box()
        assert number.bounding_box()["x"] >= end["x"] + end["width"]
        left = page.locator("article div.math mtr > mtd:first-child")
        starts = [
            one.evaluate(
                "cell => cell.firstElementChild.getBoundingClientRect().x"
            )
            for one in left.all()[1:]
        ]
        assert starts[0] > starts[1] + 50, "short ones end where long ones do"
        visitor.context.close()


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
    of_the_first, plotting = fold(book, "plotting")
    assert "plt.plot" in of_the_first.text
    assert plotting.summary.text == "Show the plotting code"
    assert "plt.bar" in plotting.text
    cell = plotting.find_parent("div", "cell")
    assert cell.find("img") in plotting.find_all_previous("img")


def test_the_finder_stands_before_its_questions_by_name(book):
    [names] = fold(book, "names")
    assert "the questions" in names.text
    [form] = article(book, "one").find_all("div", "finder")
    assert form.table
    assert form in names.find_all_previous("div")


def test_nothing_that_a_notebook_holds_is_lost(book):
    text = article(book, "one").text
    for cell in tiny.notebook().cells:
        if cell.cell_type == "code":
            for line in cell.source.split():
                assert line in text


def test_a_figure_has_a_caption_and_a_note_stands_in_the_margin(book):
    page = article(book, "one")
    assert "A step." in page.find("figcaption").text
    assert "A note at the side." in page.find("aside", "margin").text


# --- figures ---------------------------------------------------------------


def figure_on_show(
    book, browser, width: int, scheme: str
) -> tuple[str, np.ndarray]:
    """The file of the figure on show, and its pixels."""
    with served(book[0] / "_build" / "html") as address:
        visitor = Visitor(browser, address, (width, 800), color_scheme=scheme)
        page = visitor.open("chapters/one")
        assert page.locator("figure img:visible").count() == 2
        shown = page.locator("figure img:visible").first
        shown.evaluate("image => image.decode()")
        address = shown.evaluate("image => image.currentSrc")
        box = shown.bounding_box()
        assert visitor.problems == []
        visitor.context.close()
    file = book[0] / "_build" / "html" / "_images" / address.split("/")[-1]
    with Image.open(file) as image:
        assert image.width >= 1.9 * box["width"], "two pixels for one"
        return file.name, np.asarray(image.convert("RGB"))


def test_a_figure_is_drawn_for_every_paper_and_screen(book, browser):
    names = set()
    for width, size in ((1280, "wide"), (390, "phone")):
        for scheme, paper in (("light", 249), ("dark", 20)):
            name, pixels = figure_on_show(book, browser, width, scheme)
            assert name.endswith(f"-{size}-{scheme}.webp")
            assert abs(int(pixels[0, 0].mean()) - paper) < 3
            ink = 255 * (scheme == "dark")
            assert (np.abs(pixels.astype(int) - ink).max(2) < 60).sum() > 500
            names.add(name)
    assert len(names) == 4


def test_axes_in_a_row_stand_below_one_another_on_a_phone():
    figure, axes = plt.subplots(1, 2, figsize=(7.2, 3.5))
    inks.make_narrow(figure)
    left, right = (one.get_position() for one in axes)
    assert left.y0 > right.y1
    assert left.x0 == right.x0
    assert figure.get_size_inches()[0] == inks.NARROW
    plt.close(figure)


@pytest.mark.parametrize(("rows", "columns"), [(1, 4), (2, 3), (3, 4)])
def test_many_axes_stand_two_by_two_on_a_phone(rows, columns):
    figure, axes = plt.subplots(rows, columns, figsize=(7.2, 1.5 * rows))
    wide = axes.flat[0].get_position().width * 7.2
    inks.make_narrow(figure)
    grid = axes.reshape(rows, columns)
    places = [[one.get_position() for one in row] for row in grid]
    for above, below in pairwise(places):
        assert above[0].y0 > below[0].y1
    for row in places:
        assert row[0].y0 == row[1].y0
        assert row[0].x1 < row[1].x0
        assert row[2].x0 == row[0].x0
        assert row[2].y1 < places[-1][0].y0
    assert places[0][0].width * inks.NARROW > 0.8 * wide
    plt.close(figure)


def test_rows_with_long_names_have_room_for_them_on_a_phone():
    figure, axes = plt.subplots(figsize=(7.2, 3))
    axes.set_yticks(range(20), ["a name\nin two lines"] * 20)
    inks.make_narrow(figure)
    assert figure.get_size_inches()[1] > 20 * 2 * 0.16
    plt.close(figure)


def test_rows_that_axes_shared_are_named_in_each_of_them_on_a_phone():
    figure, (_, right) = plt.subplots(1, 2, figsize=(7.2, 3.5), sharey=True)
    right.set_yticks([0, 1], ["one", "other"])

    def named() -> bool:
        figure.canvas.draw()
        return any(tick.label1.get_visible() for tick in right.yaxis.majorTicks)

    assert not named()
    inks.make_narrow(figure)
    assert named()
    plt.close(figure)


@pytest.mark.parametrize(
    ("color", "dark"),
    [("white", "#101418"), ("black", "#e7e9ec"), ("#0072B2", "#33b6ff"),
     ("#f2b8a0", "#b94819")],
)  # fmt: skip
def test_greys_and_tints_change_places_and_colours_are_lightened(color, dark):
    made = inks.inked(to_rgba(color, 0.5), "dark")
    assert to_hex(made) == dark
    assert made[3] == 0.5
    assert to_hex(inks.inked(to_rgba("#0072B2"), "light")) == "#0072b2"


def test_pictures_in_a_figure_keep_their_own_black():
    figure, axes = plt.subplots(figsize=(1, 1))
    axes.imshow([[0, 1]], cmap="gray", vmin=0, vmax=1)
    axes.set_axis_off()
    for ink in inks.INKS:
        with Image.open(BytesIO(inks.drawn(figure, ink))) as image:
            pixels = np.asarray(image.convert("L")).astype(int)
        assert (pixels < 5).sum() > 1000
        assert (pixels > 250).sum() > 1000
    plt.close(figure)


def test_what_is_drawn_on_a_picture_keeps_its_ink_and_what_is_beside_not():
    """Black and white are both on the picture, in light and in dark: a page's
    own black, beside it, is not.
    """
    figure, (on, beside) = plt.subplots(1, 2, figsize=(2, 1))
    on.imshow(np.ones((2, 2, 3)), aspect="auto")
    for axes in (on, beside):
        axes.set_axis_off()
        axes.text(0.5, 0.5, "I", size=40, weight="bold")
    beside.set(xlim=(0, 1), ylim=(0, 1))
    with Image.open(BytesIO(inks.drawn(figure, "dark"))) as image:
        pixels = np.asarray(image.convert("L")).astype(int)
    left, right = np.array_split(pixels, 2, axis=1)
    assert (left < 5).sum() > 200
    assert (left > 250).sum() > 5000
    assert (right > 200).sum() > 200
    assert (right < 5).sum() < 10
    assert "draw" not in vars(on.texts[0]), "it is as it was"
    plt.close(figure)


@pytest.mark.parametrize(("tall", "says"), [(900, "Top"), (300, "Left")])
def test_a_caption_says_where_a_phone_shows_what_is_left(tall, says):
    page = (
        f'<figure><source width="400" height="{tall}"><img width="800" '
        'height="400"><figcaption>Left: one. Right: two.</figcaption></figure>'
    )
    made = figures.WHOLE.sub(figures.with_sides, page)
    caption = BeautifulSoup(made, "html.parser").figcaption
    for span in caption.find_all("span", "on-wide"):
        span.decompose()
    right = {"Top": "Bottom", "Left": "Right"}[says]
    assert caption.text == f"{says}: one. {right}: two."
    assert figures.WHOLE.sub(figures.with_sides, made) == made


def test_a_figure_that_was_not_drawn_stops_the_build(tmp_path):
    tag = f'<img alt="one" src="_images/{"0" * 64}.png"/>'
    with pytest.raises(ExtensionError, match="was not drawn"):
        figures.with_variants(tag, tmp_path / "page.html", tmp_path)


# --- the top of a page -----------------------------------------------------


def test_a_page_opens_with_its_first_figure(book):
    page = article(book, "one")
    first = page.find("p")
    assert first.find_next(["figure", "p", "details"]).name == "figure"
    moved = page.find("p", "moved")
    assert page.find(id=moved.a["href"][1:]).name == "figure"
    assert moved.find_next("details").summary.text == "Show the plotting code"


def test_of_a_long_source_the_lines_that_matter_are_open(book):
    [whole] = fold(book, "source")
    assert whole.summary.text == "Show all of it"
    assert "def plane(" in whole.text
    open_lines = whole.find_previous("pre").text.strip().splitlines()
    assert len(open_lines) == 4
    assert "left, right" in open_lines[0]
    assert "meshgrid" in open_lines[-1]


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
        assert page.locator(".score").count() == 0
        assert visitor.problems == []
        visitor.context.close()


# --- questions whose answers are counted -------------------------------------


@contextmanager
def quiz(book, browser, **context):
    with served(book[0] / "_build" / "html") as address:
        visitor = Visitor(browser, address, **context)
        yield visitor.open("chapters/quiz")
        scripts = context.get("java_script_enabled", True)
        assert visitor.problems == [] or not scripts  # refused ones are noted
        visitor.context.close()


def test_the_score_counts_first_answers_and_can_start_again(book, browser):
    with quiz(book, browser) as page:
        score = page.locator(".score [role=status]")
        buttons = page.locator(".prediction button")
        assert score.inner_text() == "0 of 2 answered, 0 right"
        for number, told in (
            (0, "1 of 2 answered, 0 right"),
            (1, "1 of 2 answered, 0 right"),  # too late to count
            (3, "2 of 2 answered, 1 right"),
            (4, "2 of 2 answered, 1 right"),  # a look at the other one
        ):
            buttons.nth(number).click()
            assert score.inner_text() == told
        page.locator(".score button").click()
        assert score.inner_text() == "0 of 2 answered, 0 right"
        assert page.locator("[aria-pressed]").count() == 0
        for told in page.locator(".prediction-told").all():
            assert told.text_content() == ""
        buttons.nth(1).click()
        assert score.inner_text() == "1 of 2 answered, 1 right"


def test_a_choice_is_told_its_own_reason_and_where_to_read(book, browser):
    with quiz(book, browser) as page:
        told = page.locator(".prediction-told").first
        page.get_by_role("button", name="Eleven").click()
        lines = told.inner_text().split("\n\n")
        assert [line[:6] for line in lines] == [
            "No.", "A. Ele", "B. The", "Look a"
        ]  # fmt: skip
        page.get_by_role("button", name="Two").click()
        lines = told.inner_text().split("\n\n")
        assert [line[:6] for line in lines] == ["Yes.", "B. The", "Look a"]
        told.get_by_role("link", name="Another section").click()
        page.wait_for_url("**/one.html#another-section")


def test_questions_are_answered_by_keyboard_and_out_loud(book, browser):
    with quiz(book, browser) as page:
        page.locator(".score button").focus()
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        told = page.get_by_role("status").filter(has_text="Eleven is")
        assert told.inner_text().startswith("No.")
        page.keyboard.press("Tab")
        page.keyboard.press("Space")
        assert told.count() == 0
        group = page.get_by_role("list", name="How much is one and one?")
        assert group.get_by_role("button", pressed=True).count() == 1
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Enter")
        focused = page.evaluate("document.activeElement.textContent")
        assert focused == "A. Eleven."


def test_the_score_stays_in_sight_and_hides_no_option(book, browser):
    with quiz(book, browser, size=(390, 500)) as page:
        score = page.locator(".score")
        last = page.locator(".prediction button").last
        last.scroll_into_view_if_needed()
        below = score.bounding_box()
        assert 0 <= below["y"] < 120
        for _ in range(9):
            page.keyboard.press("Shift+Tab")
            box = page.evaluate("""(() => {
              const box = document.activeElement.getBoundingClientRect();
              return document.activeElement.closest(".prediction")
                ? box.top : 1000; })()""")
            assert box >= below["y"] + below["height"]


def test_without_scripts_and_on_paper_answers_are_folded(book, browser):
    for scripts in (False, True):
        with quiz(book, browser, java_script_enabled=scripts) as page:
            page.emulate_media(media="print")
            assert page.get_by_text("Eleven.").is_visible()
            assert not page.get_by_text("The fingers show it").is_visible()
            if not scripts:
                assert page.locator("article button").count() == 0
                page.get_by_text("Answer", exact=True).first.click()
                assert page.get_by_text("The fingers show it").is_visible()


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


def test_type_is_cut_to_the_letters_and_weights_of_the_site(book):
    folder = book[0] / "_build" / "html" / "_static" / "fonts"
    whole = {file.name: file for file in (VENDOR / "fonts").glob("*")}
    assert len(whole) == 4
    for name, file in whole.items():
        cut, full = TTFont(folder / name), TTFont(file)
        letters = set(map(chr, cut.getBestCmap()))
        # On a key, on a page, in a script; and in neither.
        assert set("aZ0~±") <= letters
        assert set("ŒØ") <= set(map(chr, full.getBestCmap())) - letters
        (weight,) = cut["fvar"].axes
        assert (weight.minValue, weight.maxValue) == (400, 700)
        assert (folder / name).stat().st_size < 0.5 * file.stat().st_size
        licence = str(cut["name"].getDebugName(14))
        assert re.search("OFL|openfontlicense", licence)


def test_text_that_is_being_read_does_not_jump_to_other_type(book):
    """But for formulas, whose letters no system has."""
    styles = (BOOK / "static" / "type.css").read_text(encoding="utf-8")
    faces = re.findall(r"@font-face \{(.*?)\}", styles, re.DOTALL)
    assert len(faces) == 5
    for face in faces:
        late = "swap" if "STIX" in face else "optional"
        assert f"font-display: {late};" in face


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
