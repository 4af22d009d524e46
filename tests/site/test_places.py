"""The live widgets of the built site: with no kernel behind them, every control
moves pixels.
"""

from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
BUILT = ROOT / "_build" / "html"
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text())
PAGES = [
    TOC["root"],
    *(entry["file"] for part in TOC["parts"] for entry in part["chapters"]),
]
WITH_SLIDERS = [
    page
    for page in PAGES
    if page.split("/")[1][:2] in ("02", "03", "04", "05", "06", "07")
]

STATE = "application/vnd.jupyter.widget-state+json"
# What the panel around a control shows: its pictures and its curve.
PIXELS = """control => Array.from(
  control.closest(".aevae-panel").querySelectorAll("canvas, .aevae-q"),
  part => part.toDataURL?.() ?? part.outerHTML).join()"""


@pytest.fixture
def page(visitor, request):
    """A page with its widgets on show."""
    page = visitor.open(request.param)
    for place in page.locator(".aevae-place").all():
        # What is far down the page waits for the reader, who stays there: a
        # place that is passed within one frame is never seen to be passed.
        place.scroll_into_view_if_needed()
        page.wait_for_function(
            "(place) => place.matches('.aevae-is-ready')",
            arg=place.element_handle(),
        )
    yield page
    assert visitor.problems == []


@pytest.mark.parametrize("name", PAGES)
def test_only_pages_with_widgets_load_their_script(site, name):
    text = (BUILT / f"{name}.html").read_text(encoding="utf-8")
    assert ("_static/views.js" in text) == (STATE in text)


@pytest.mark.parametrize("page", WITH_SLIDERS, indirect=True)
def test_every_slider_moves_its_image(page):
    handles = page.get_by_role("slider").all()
    assert handles, "no slider is on show"
    for handle in handles:
        assert_changes(page, handle, lambda handle=handle: push(handle))


@pytest.mark.parametrize("page", WITH_SLIDERS, indirect=True)
def test_every_button_of_a_widget_does_something(page):
    buttons = ":is(.aevae-buttons, .aevae-told) button"
    folded = ".aevae-draw-own button"  # test_latent_views draws with these
    for button in page.locator(f"{buttons}:not({folded})").all():
        assert_changes(page, button, button.click)


def push(handle) -> None:
    """Many steps by the keyboard, away from the nearer end: a shoe has empty
    rows above it.
    """
    low, now, high = (
        float(handle.get_attribute(f"aria-value{end}"))
        for end in ("min", "now", "max")
    )
    handle.focus()
    for _ in range(18):
        handle.press("ArrowRight" if now < (low + high) / 2 else "ArrowLeft")


def assert_changes(page, control, act) -> None:
    """That the pixels around a control are others, soon after it was used."""
    control.scroll_into_view_if_needed()
    element = control.element_handle()
    before = element.evaluate(PIXELS)
    act()
    page.wait_for_function(
        f"([control, before]) => ({PIXELS})(control) !== before",
        arg=[element, before],
        timeout=5000,
    )
