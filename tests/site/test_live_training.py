"""An autoencoder and a VAE that train in the page: what the reader does, and
what then happens.
"""

import re

import pytest

from aevae_lib import widgets
from tests.site import small
from tests.site.conftest import WIDE, Visitor, served
from tests.site.test_accessibility import violations

PHONE = (390, 844)
LAPTOP = (1280, 720)
LIMIT = 40  # steps until it stops by itself
# Notes how long each message from the worker keeps the page busy, how far the
# page jumped, and what each canvas shows.
WATCH = """
window.busy = [];
const { set } = Object.getOwnPropertyDescriptor(Worker.prototype, "onmessage");
Object.defineProperty(Worker.prototype, "onmessage", { set(act) {
  set.call(this, (event) => {
    const start = performance.now();
    act(event);
    window.busy.push(performance.now() - start);
  });
} });
window.jumped = 0;
new PerformanceObserver((list) => list.getEntries().forEach((entry) => {
  window.jumped += entry.value;
})).observe({ type: "layout-shift", buffered: true });
"""
SHOWN = """() => Array.from(document.querySelectorAll(".aevae-panel canvas"),
  (canvas) => canvas.toDataURL())"""


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Pages with live training at rest, one that plays, and one that was saved;
    each has a long text below.
    """
    folder = tmp_path_factory.mktemp("live")
    small.write_static(folder / "_static")
    rest = widgets.live_training()
    short = widgets.live_training(play=True, steps=LIMIT)
    widgets.save_html(rest, folder / "saved.html", title="Saved")
    for name, panel in {"rest": rest, "short": short}.items():
        small.write_page([panel], folder, name)
        page = folder / f"{name}.html"
        text = page.read_text("utf-8")
        tall = '<p style="height: 3000px">Much more text.</p></main>'
        page.write_text(text.replace("</main>", tall), "utf-8")
    with served(folder) as found:
        yield found


@pytest.fixture
def visit(browser, address):
    """Opens a page with its view ready; nothing may have gone wrong at the
    end.
    """
    visitors = []

    def open_page(name="rest", size=WIDE, scheme="light", **context):
        visitor = Visitor(browser, address, size, **context)
        visitors.append(visitor)
        visitor.page.emulate_media(color_scheme=scheme)
        visitor.page.add_init_script(WATCH)
        visitor.page.goto(f"{address}{name}.html")
        if context.get("java_script_enabled", True):
            visitor.page.locator(".aevae-is-ready").wait_for()
        return visitor.page

    yield open_page
    for visitor in visitors:
        visitor.context.close()
        assert visitor.problems == []


def press(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def seen(page):
    text = page.locator(".aevae-train-seen").inner_text()
    return int(re.match(r"[\d,]+", text)[0].replace(",", ""))


def wait_for(page, images):
    page.wait_for_function(
        "(images) => images <= Number(document.querySelector("
        "'.aevae-train-seen b').textContent.replace(',', ''))",
        arg=images,
        timeout=30_000,
    )


def numbers(page, index):
    """The reconstruction and what stands for the KL, of one model."""
    text = page.locator(".aevae-train-numbers").nth(index).inner_text()
    return [float(part) for part in re.findall(r"\d+\.\d", text)]


def mark(page, index):
    """Where the mark is on a plane."""
    plane = page.get_by_role("slider", name="latent point").nth(index)
    return re.findall(r"-?\d+\.\d+", plane.get_attribute("aria-valuetext"))


def shown(page):
    """Both planes, the garment, and what each model draws."""
    return page.evaluate(SHOWN)


def all_change(page, before):
    page.wait_for_function(
        f"(before) => ({SHOWN})().every((now, i) => now !== before[i])",
        arg=before,
    )


# --- training ----------------------------------------------------------------


@pytest.mark.parametrize("name", ["rest", "saved"])
def test_playing_moves_the_codes_and_lowers_the_losses(visit, name):
    # what playwright evaluates would be refused by a saved page's own rules
    page = visit(name, bypass_csp=name == "saved")
    assert seen(page) == 0
    before = shown(page)
    press(page, "Step")
    wait_for(page, 64)
    first = [numbers(page, 0)[0], *numbers(page, 1)]
    assert 120 < first[0] < 160, "one bit a pixel"
    press(page, "Play")
    wait_for(page, 3200)
    press(page, "Pause")
    after = shown(page)
    moved = [was != now for was, now in zip(before, after, strict=True)]
    assert moved == [True, True, False, True, True], "all but the garment"
    (ae,), (vae, kl) = numbers(page, 0), numbers(page, 1)
    assert ae < 0.8 * first[0]
    assert vae < 0.8 * first[1]
    assert kl > first[2]
    for curve in page.locator(".aevae-train-curve").all():
        assert re.search(r"\d\u2013\d", curve.inner_text())


def test_a_pause_is_a_pause_and_a_step_is_one_step(visit):
    page = visit()
    press(page, "Play")
    wait_for(page, 640)
    press(page, "Pause")
    page.get_by_role("button", name="Play").wait_for()
    at = at_rest(page)
    press(page, "Step")
    wait_for(page, at + 1)
    assert seen(page) == at + 64


def test_starting_again_starts_from_the_same_weights(visit):
    page = visit()
    first = shown(page)
    for _ in range(2):
        press(page, "Step")
    wait_for(page, 128)
    second = shown(page)
    press(page, "Start again")
    page.wait_for_function(f"(first) => ({SHOWN})().join() === first.join()",
                           arg=first)  # fmt: skip
    assert seen(page) == 0
    for _ in range(2):
        press(page, "Step")
    wait_for(page, 128)
    assert shown(page) == second != first


def test_it_stops_by_itself_and_trains_on_when_asked(visit):
    page = visit("short")
    page.get_by_role("button", name="Train on").wait_for(timeout=30_000)
    assert seen(page) == 64 * LIMIT
    press(page, "Train on")
    wait_for(page, 64 * LIMIT + 1)
    page.get_by_role("button", name="Train on").wait_for(timeout=30_000)
    assert seen(page) == 2 * 64 * LIMIT


def test_it_rests_while_nobody_looks(visit):
    page = visit()
    press(page, "Play")
    wait_for(page, 64)
    page.evaluate("window.scrollTo(0, 2500)")
    at = at_rest(page)
    page.evaluate("window.scrollTo(0, 0)")
    wait_for(page, at + 64)
    page.evaluate("""() => {
      Object.defineProperty(document, "hidden", { value: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }""")
    at_rest(page)
    assert page.get_by_role("button", name="Pause").is_visible()


def at_rest(page):
    """The images seen once no more come, which must be before it ends."""
    before = -1
    while before != (before := seen(page)):
        page.wait_for_timeout(400)
    assert before < 64 * 900
    return before


def test_nothing_moves_by_itself_where_motion_is_unwelcome(visit):
    page = visit("short", reduced_motion="reduce")
    page.wait_for_timeout(400)
    assert seen(page) == 0
    press(page, "Step")
    wait_for(page, 64)


# --- beta, and the twins -----------------------------------------------------


def test_beta_sets_the_price_while_it_trains(visit):
    page = visit()
    press(page, "Play")
    wait_for(page, 4000)
    dear = numbers(page, 1)[1]
    slider = page.locator(".aevae-beta [role=slider]").first
    slider.focus()
    slider.press("End")
    wait_for(page, 8000)
    assert dear > 1.5
    assert numbers(page, 1)[1] < 0.4, "at 100 a nat no cloud is worth it"
    assert slider.get_attribute("aria-label").startswith("beta")
    assert slider.get_attribute("aria-valuetext") == "100"


def test_noise_makes_twins(visit):
    page = visit()
    titles = page.locator(".aevae-train-title")
    assert titles.all_inner_texts() == [
        "Autoencoder a point each",
        "VAE a cloud each",
    ]
    for box in page.get_by_role("checkbox").all():
        box.click()
    page.wait_for_function(
        "document.querySelector('.aevae-train-numbers').textContent"
        ".includes('not paid')"
    )
    assert titles.all_inner_texts() == [
        "Autoencoder with noise: clouds, free of charge",
        "VAE without noise: points, at a price",
    ]
    press(page, "Play")
    wait_for(page, 4000)
    (_, free), (_, price) = numbers(page, 0), numbers(page, 1)
    assert free > price > 0, "what costs nothing is used freely"


# --- the mark ----------------------------------------------------------------


def test_one_draw_falls_on_both_planes(visit):
    page = visit("short")
    page.get_by_role("button", name="Train on").wait_for(timeout=30_000)
    before = shown(page)
    press(page, "Draw one")
    all_change(page, before)
    assert mark(page, 0) == mark(page, 1)
    z = mark(page, 0)
    press(page, "Draw one")
    page.wait_for_function(
        "(z) => document.querySelector('.aevae-train-plane')"
        ".getAttribute('aria-valuetext') !== z",
        arg=f"z0 {z[0]}, z1 {z[1]}",
    )
    assert mark(page, 0) == mark(page, 1) != z


def test_a_pointer_on_one_plane_marks_the_same_garment_on_the_other(visit):
    page = visit("short")
    page.get_by_role("button", name="Train on").wait_for(timeout=30_000)
    before = shown(page)
    plane = page.locator(".aevae-train-plane").first
    box = plane.bounding_box()
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 30)
    all_change(page, before)
    there = plane.get_attribute("aria-valuetext")
    assert mark(page, 0) != mark(page, 1)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] - 30)
    page.wait_for_function(
        "(z) => document.querySelector('.aevae-train-plane')"
        ".getAttribute('aria-valuetext') !== z",
        arg=there,
    )  # it goes back to the garment's own code


def test_the_arrow_keys_move_the_mark(visit):
    page = visit()
    plane = page.get_by_role("slider", name="VAE, latent point")
    plane.focus()
    plane.press("Home")
    moved = "(z) => document.querySelectorAll('.aevae-train-plane')[1]" \
        ".getAttribute('aria-valuetext') === z"  # fmt: skip
    page.wait_for_function(moved, arg="z0 0.00, z1 0.00")
    step = 0.02 * 2 * float(plane.get_attribute("aria-valuemax"))
    plane.press("ArrowRight")
    page.wait_for_function(moved, arg=f"z0 {step:.2f}, z1 0.00")
    plane.press("ArrowDown")
    page.wait_for_function(moved, arg=f"z0 {step:.2f}, z1 {-step:.2f}")


def test_every_button_obeys_the_keyboard(visit):
    page = visit()
    page.get_by_role("button", name="Play", exact=True).focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Pause").wait_for()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Play", exact=True).wait_for()
    page.keyboard.press("Tab")
    at = seen(page)
    page.keyboard.press("Enter")
    wait_for(page, at + 64)


# --- the page around it ------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "scheme"),
    [(WIDE, "light"), (PHONE, "dark")],
    ids=["wide, light", "phone, dark"],
)
def test_axe_finds_nothing(visit, size, scheme):
    page = visit("short", size, scheme)
    page.get_by_text("What this is").click()
    assert violations(page) == []


def test_the_first_screen_holds_it(visit):
    """Planes, numbers and controls, on a laptop; on the narrowest phone nothing
    is too wide.
    """
    page = visit(size=LAPTOP)
    panel = page.locator(".aevae-panel").bounding_box()
    assert panel["height"] <= 560
    page = visit(size=PHONE)
    play = page.get_by_role("button", name="Play").bounding_box()
    assert play["y"] + play["height"] <= PHONE[1]
    page = visit(size=(320, 640))
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_the_page_does_not_jump(visit, size):
    page = visit("short", size)
    wait_for(page, 640)
    assert page.evaluate("window.jumped") < 0.05


@pytest.mark.parametrize("name", ["rest", "saved"])
def test_the_still_stands_alone_without_scripts_and_on_paper(visit, name):
    page = visit(name, java_script_enabled=False)
    assert page.locator(".aevae-still").is_visible()
    page = visit(name, bypass_csp=name == "saved")
    assert page.locator(".aevae-still").is_hidden()
    page.emulate_media(media="print")
    assert page.locator(".aevae-still").is_visible()
    assert page.locator(".aevae-panel").is_hidden()


def test_a_saved_page_trains_offline_and_asks_for_nothing(
    browser, address, tmp_path
):
    """From a disk, by its own rules, with the network cut."""
    panel = widgets.live_training(play=True, steps=LIMIT)
    path = widgets.save_html(panel, tmp_path / "live.html")
    visitor = Visitor(browser, path.as_uri())
    visitor.context.set_offline(True)
    visitor.page.goto(path.as_uri())
    visitor.page.get_by_role("button", name="Train on").wait_for(timeout=30_000)
    assert seen(visitor.page) == 64 * LIMIT
    slider = visitor.page.get_by_role("slider", name="beta")
    slider.press("End")
    assert slider.get_attribute("aria-valuetext") == "100"
    visitor.context.close()
    assert visitor.problems == []


@pytest.mark.alone
def test_drawing_leaves_the_page_free(visit, record_property):
    """The work for one message from the worker while it trains: the least, as
    whatever else the machine does only adds to it.
    """
    page = visit()
    press(page, "Play")
    wait_for(page, 6400)
    busy = sorted(page.evaluate("window.busy"))
    record_property("median in ms", busy[len(busy) // 2])
    print(f"{len(busy)} messages, median {busy[len(busy) // 2]:.1f} ms")
    assert len(busy) > 5
    assert busy[len(busy) // 10] <= 25
