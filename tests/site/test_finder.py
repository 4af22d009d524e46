"""The finder of causes, as a form on a page of its own that is opened from
disk.
"""

import json
import re
import shutil
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from docutils import nodes

from book import finder, lighten
from experiments.failures import finder as reckoned
from tests.site.conftest import WIDE, Visitor
from tests.site.test_accessibility import violations
from tests.site.test_pages import SIDEWAYS

ROOT = Path(__file__).parents[2]
FOUND = finder.stored()
WORDS = FOUND["symptoms"]
PAGE = """<!doctype html>
<html lang="en" data-theme="SCHEME"><head><title>A finder</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<script defer src="finder.js"></script>
<style>STYLES body { background: var(--pst-color-background);
  color: var(--pst-color-text-base) }
  a { color: var(--pst-color-link) }</style></head>
<body><main><article class="bd-article"><h1>A finder</h1>
TABLE</article></main></body></html>
"""
CHANGES = """() => {
  window.told = [];
  const status = document.querySelector("[role=status]");
  new MutationObserver(() => window.told.push(status.textContent))
    .observe(status, { childList: true, characterData: true, subtree: true });
}"""
BOXES = """[document.activeElement, document.querySelector(".finder-bar")]
  .map((one) => one.getBoundingClientRect().toJSON())"""


@pytest.fixture
def visit(browser, tmp_path):
    """Opens the finder; nothing may have gone wrong at the end."""
    static = ROOT / "book" / "static"
    shutil.copy(static / "finder.js", tmp_path)
    styles = (static / "book.css").read_text(encoding="utf-8")
    visitors = []

    def open_page(size=WIDE, scheme="light", **context):
        page = PAGE.replace("SCHEME", scheme)
        page = page.replace("TABLE", finder.table(FOUND))
        page = page.replace("STYLES", styles)
        file = tmp_path / "finder.html"
        file.write_text(page, encoding="utf-8")
        visitor = Visitor(browser, tmp_path.as_uri(), size, **context)
        visitors.append(visitor)
        visitor.page.goto(file.as_uri())
        return visitor.page

    yield open_page
    for visitor in visitors:
        visitor.context.close()
        assert visitor.problems == []


def answer(page, name: str, state: str) -> None:
    group = page.get_by_role("group", name=WORDS[name], exact=True)
    group.get_by_label(state, exact=True).check()


def shown(value: float) -> str:
    """Three figures, and no more than two after the point."""
    return f"{round(float(f'{value:.3g}'), 2):g}"


def ranking(page) -> dict[str, float]:
    """The listed causes with their probabilities, in order."""
    rows = page.locator(".finder li").evaluate_all("""(rows) => rows.map(
      (row) => [row.querySelector("a").textContent,
        Number(row.querySelector("data").value)])""")
    names = {FOUND["titles"][cause]: cause for cause in FOUND["table"]}
    return {names[title]: probability for title, probability in rows}


# --- the numbers -------------------------------------------------------------


@pytest.mark.parametrize(
    "seen",
    [
        {},
        {"nan": True},
        {"collapsed": True, "alike": True, "tiny": False},
        {"collapsed": True, "alike": True, "tiny": False, "pull": True},
        dict.fromkeys(WORDS, False),
        {name: k % 2 == 0 for k, name in enumerate(WORDS)},
    ],
    ids=["none", "one", "three", "a test", "all no", "all"],
)
def test_the_page_ranks_as_python_does(visit, seen):
    page = visit()
    for name, holds in seen.items():
        answer(page, name, "Yes" if holds else "No")
    shown = ranking(page)
    wanted = reckoned.ranked(FOUND["table"], seen)
    assert shown == pytest.approx(wanted, rel=1e-9)
    values = list(shown.values())
    assert values == sorted(values, reverse=True)
    assert len(page.locator(".finder figure").all()) == (6 if seen else 0)


def test_an_answer_can_be_taken_back_and_all_of_them(visit):
    page = visit()
    start = ranking(page)
    answer(page, "nan", "Yes")
    assert next(iter(ranking(page))) == "rate"
    answer(page, "nan", "Don't know")
    assert ranking(page) == start
    answer(page, "negative", "Yes")
    answer(page, "noise", "No")
    page.get_by_role("button", name="Start again").click()
    assert ranking(page) == start
    assert page.locator("input[value='']:checked").count() == len(WORDS)
    page.get_by_text("Nothing answered yet.").wait_for()


# --- what is shown -----------------------------------------------------------


def test_questions_for_the_eye_come_first(visit):
    legends = visit().locator(".finder legend").all_text_contents()
    eyes = [WORDS[name] for name in FOUND["by_eye"]]
    assert legends[: len(eyes)] == eyes
    assert sorted(legends) == sorted(WORDS.values())


@pytest.mark.parametrize(
    ("symptom", "cause"),
    [("tiny", "mean"), ("nan", "rate"), ("counted", "eval")],
)
def test_the_first_causes_have_curves_over_those_of_sound_runs(
    visit, symptom, cause
):
    page = visit()
    answer(page, symptom, "Yes")
    first = page.locator(".finder li").first
    assert first.locator("a").text_content() == FOUND["titles"][cause]
    network = "batchnorm" if cause == "eval" else "plain"
    for figure, key, share in zip(
        first.locator("figure").all(),
        ("test_rec", "test_kl"),
        (lambda nats: nats / 750, None),
        strict=True,
    ):
        for name, kind in ((cause, "ill"), ("sound", "sound")):
            rows = [
                FOUND["runs"][f"{name}-{network}-seed{seed}"]["rows"][key]
                for seed in range(3)
            ]
            lines = figure.locator(f"polyline.{kind}").all()
            drawn = [line.get_attribute("points").split() for line in lines]
            finite = [[v for v in row if v is not None] for row in rows]
            assert [len(one) for one in drawn] == [len(one) for one in finite]
            if share:
                heights = [float(one[-1].split(",")[1]) for one in drawn]
                wanted = [90 - 90 * share(row[-1]) for row in finite]
                assert heights == pytest.approx(wanted, rel=0.01)
            ends = [row[-1] for row in rows]
            middle = "NaN" if None in ends else shown(sorted(ends)[1])
            assert middle in figure.locator("figcaption").text_content()


def test_a_cause_leads_to_the_section_that_shows_it_ill():
    """Each section of the chapter draws, in its figure, the causes that it
    treats.
    """
    path = ROOT / "chapters" / "training_went_wrong.ipynb"
    drawn, here = {}, ""
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown":
            titles = re.findall(r"^## (.+)$", cell.source, flags=re.MULTILINE)
            here = nodes.make_id(titles[-1]) if titles else here
        elif call := re.match(r"beside\(\[(.*?)\]", cell.source):
            drawn[here] = set(re.findall(r'"(\w+)"', call[1]))
        elif cell.source.startswith("fig, (left, right)"):
            drawn[here] = {"sound"}
    for section, causes in finder.SECTIONS.items():
        assert drawn[section] == set(causes), section
    assert set(finder.SECTION_OF) == set(FOUND["table"])


# --- for everyone ------------------------------------------------------------


def test_questions_are_answered_by_keyboard_and_told_once(visit):
    page = visit()
    page.get_by_text("Nothing answered yet.").wait_for()
    page.evaluate(CHANGES)
    page.clock.install(time=0)
    page.clock.pause_at(1000)
    page.get_by_role("button", name="Start again").focus()
    page.keyboard.press("Tab")
    for _ in range(5):  # round from "Don't know", with no pause
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")  # a question is one stop
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("window.told") == []
    page.clock.run_for(1000)
    wanted = list(reckoned.ranked(
        FOUND["table"], {"nan": False, "negative": False}
    ).items())  # fmt: skip
    first, second = (f"{FOUND['titles'][c]}, {p:.0%}" for c, p in wanted[:2])
    words = f"2 answered. Likeliest: {first}; then {second}."
    assert page.evaluate("window.told") == [words]
    assert ranking(page) == pytest.approx(dict(wanted), rel=1e-9)


def test_no_question_is_reached_under_the_bar(visit):
    page = visit(size=(390, 500))
    page.get_by_role("link").last.focus()
    reached = 0
    for _ in range(len(FOUND["table"]) + len(WORDS)):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.matches('input')"):
            top, bar = page.evaluate(BOXES)
            assert top["top"] > bar["bottom"]
            reached += 1
    assert reached == len(WORDS)


@pytest.mark.parametrize(
    ("size", "scheme"),
    [(WIDE, "light"), ((390, 844), "dark")],
    ids=["wide, light", "phone, dark"],
)
def test_it_fits_the_screen_and_axe_finds_nothing(visit, size, scheme):
    page = visit(size=size, scheme=scheme)
    answer(page, "collapsed", "Yes")
    for fold in page.locator("summary").all():
        fold.click()
    assert page.evaluate(SIDEWAYS) <= 0
    assert violations(page) == []


def test_without_scripts_there_is_the_table(visit):
    page = visit(java_script_enabled=False)
    assert page.locator("form, button").count() == 0
    assert not page.locator("table").is_visible()
    page.locator("summary").click()
    assert page.locator("table").is_visible()


def test_on_paper_there_is_the_table(visit):
    page = visit(size=(650, 900))
    answer(page, "nan", "Yes")
    page.emulate_media(media="print")
    cut = "(table) => table.scrollWidth - table.clientWidth"
    assert page.locator("table").evaluate(cut) <= 0
    assert page.get_by_role("rowheader", name="The loss is NaN").is_visible()
    assert not page.locator("form").is_visible()
    assert not page.locator(".finder li").first.is_visible()


def test_the_table_holds_the_counts():
    page = BeautifulSoup(finder.table(FOUND), "html.parser")
    assert all(head.get_text(strip=True) for head in page.find_all("th"))
    titles = [link.text for link in page.select("thead a")]
    assert titles == [FOUND["titles"][cause] for cause in FOUND["table"]]
    rows = {
        row.th.text: [int(cell.text) for cell in row.find_all("td")]
        for row in page.find_all("tr")
    }
    for name, words in WORDS.items():
        counts = [every[name] for every in FOUND["table"].values()]
        assert rows[words] == [yes for yes, _ in counts]
        assert rows["Runs"] == [of for _, of in counts], "of each symptom alike"


# --- what it weighs ----------------------------------------------------------


def test_its_data_are_small_and_its_curves_are_json():
    text = finder.table(FOUND)
    assert len(text.encode()) < 40_000
    heads = BeautifulSoup(text, "html.parser").select("[data-curves]")
    assert len(heads) == len(FOUND["table"])
    for head in heads:
        both = json.loads(head["data-curves"])
        assert [len(seeds) for kind in both for seeds in kind] == [3] * 4


def test_only_the_page_with_the_finder_fetches_its_script():
    head = '<script defer src="_static/finder.js"></script><body'
    for inside, kept in (("finder", True), ("pathfinders", False)):
        page = f'{head}><article><p class="{inside}"></p></article>'
        found = lighten.without_unused(page, Path("a.html"), Path())
        assert ("finder.js" in found) == kept
