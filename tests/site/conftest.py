"""The built site behind a plain local server, and a browser that notes all that
goes wrong.
"""

import gzip
import http.server
import threading
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser

from aevae_lib import widgets
from tests import chromium
from tests.site import small

ROOT = Path(__file__).parents[2]
BUILT = ROOT / "_build" / "html"
WIDE = (1280, 800)
# A reader who is there: views are fetched at the first sign of one.
PRESENT = """addEventListener("load", () => setTimeout(() => {
  dispatchEvent(new Event("pointermove"));
}));"""
# Notes when the widget is ready, how far the page jumped, and how long each
# frame's work took.
WATCH = """
addEventListener("aevae-ready", () => {
  window.readyAt ??= performance.now();
});
window.jumped = 0;
new PerformanceObserver((list) => list.getEntries().forEach((entry) => {
  window.jumped += entry.value;
})).observe({ type: "layout-shift", buffered: true });
// a frame's time, and the work of all that was asked of it
window.frames = new Map();
const ask = window.requestAnimationFrame;
window.requestAnimationFrame = (act) => ask((time) => {
  const start = performance.now();
  act(time);
  const before = window.frames.get(time) ?? 0;
  window.frames.set(time, before + performance.now() - start);
});
"""


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@contextmanager
def served(folder: Path):
    """The address of a folder behind a plain server, ending in a slash."""
    handler = partial(QuietHandler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="session")
def site():
    """The address of the built site, ending in a slash."""
    if not (BUILT / "index.html").is_file():
        pytest.fail(
            f"{BUILT} is not there. Build the site first: make site",
            pytrace=False,
        )
    with served(BUILT) as address:
        yield address


@pytest.fixture(scope="session")
def panels() -> dict[str, widgets.Panel]:
    """One panel of each kind."""
    return small.panels()


@pytest.fixture(scope="session")
def small_site(panels, tmp_path_factory):
    """The address of a page for each panel, made as the book's pages are, and
    of each saved.
    """
    folder = tmp_path_factory.mktemp("small")
    small.write_static(folder / "_static")
    for name, panel in panels.items():
        small.write_page([panel], folder, name)
        widgets.save_html(
            panel, folder / f"saved-{name}.html", title=f"The {name}"
        )
    small.write_page([panels["one"], panels["map"]], folder, "both")
    small.write_page([], folder, "plain")
    with served(folder) as address:
        yield address


@pytest.fixture(scope="session")
def browser():
    with chromium.launched() as browser:
        yield browser


class Visitor:
    """Opens pages of the site and keeps a list of everything that a reader
    should not meet.
    """

    def __init__(
        self,
        browser: Browser,
        site: str,
        size: tuple[int, int] = WIDE,
        **context,
    ):
        self.site, self.problems = site, []
        self.context = browser.new_context(
            viewport={"width": size[0], "height": size[1]}, **context
        )
        self.page = self.context.new_page()
        if context.get("java_script_enabled", True):
            self.page.add_init_script(PRESENT)
        self.page.on("console", self.hear)
        self.page.on(
            "pageerror",
            lambda error: self.problems.append(f"page error: {error}"),
        )
        self.page.on("request", self.see)
        self.page.on(
            "requestfailed",
            lambda request: self.problems.append(
                f"failed: {request.url} ({request.failure})"
            ),
        )
        self.page.on(
            "response",
            lambda response: (
                self.problems.append(
                    f"status {response.status}: {response.url}"
                )
                if response.status >= 400
                else None
            ),
        )

    def hear(self, message) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(f"console {message.type}: {message.text}")

    def see(self, request) -> None:
        if not request.url.startswith((self.site, "data:", "blob:")):
            self.problems.append(f"request to another host: {request.url}")

    def weigh(self, name: str) -> int:
        """What scripts, styles and type of a page come to, compressed: bytes
        fetched before the reader scrolls, without what belongs to one widget.
        """
        answers = []
        self.page.on("response", lambda answer: answers.append(answer))
        self.open(name)
        return sum(
            len(gzip.compress(answer.body(), compresslevel=6))
            for answer in answers
            if answer.request.resource_type in ("script", "stylesheet", "font")
            and "/_static/widgets/" not in answer.url
            and answer.url.startswith(self.site)
        )

    def open(self, name: str):
        """A page by its name, such as "chapters/index", loaded and at rest."""
        response = self.page.goto(
            f"{self.site}{name}.html", wait_until="networkidle"
        )
        assert response.status == 200
        return self.page


@pytest.fixture
def visitor(browser, site, request):
    """A visitor with a wide screen, or with the size that a test asks for."""
    visitor = Visitor(browser, site, getattr(request, "param", WIDE))
    yield visitor
    visitor.context.close()


@pytest.fixture
def visit(browser, small_site):
    """Opens a small page with its widgets ready; nothing may have gone wrong at
    the end.
    """
    visitors = []

    def open_page(
        name, size=WIDE, scheme="light", query=None, expected=(), **context
    ):
        # What playwright evaluates would be refused by a saved page's own
        # rules.
        context["bypass_csp"] = name.startswith("saved-")
        visitor = Visitor(browser, small_site, size, **context)
        visitors.append((visitor, expected))
        visitor.page.emulate_media(color_scheme=scheme)
        visitor.page.add_init_script(WATCH)
        where = f"?{urlencode(query)}#widget-1" if query else ""
        visitor.page.goto(f"{small_site}{name}.html{where}", wait_until="load")
        if context.get("java_script_enabled", True):
            visitor.page.wait_for_function(
                "!document.querySelector('.aevae-place:not(.aevae-is-ready)')"
            )
        visitor.page.visitor = visitor
        return visitor.page

    yield open_page
    for visitor, expected in visitors:
        visitor.context.close()
        unexpected = [
            p for p in visitor.problems if not any(e in p for e in expected)
        ]
        assert unexpected == []
