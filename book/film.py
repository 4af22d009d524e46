"""The README's film strip: live training in a browser, photographed as it
learns.

    python -m book.film

Writes `book/static/film.webp`; run it when the view's looks change. Chromium is
found as the tests find it.
"""

import io
import os
import shutil
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from aevae_lib import widgets

FILM = Path(__file__).parent / "static" / "film.webp"
STEPS = (0, 30, 120, 600)  # at about 60 a second: the start, 0.5 s, 2 s, 10 s
WIDTH, GAP = 640, 12


def main() -> None:
    frames = [photograph(steps) for steps in STEPS]
    height = max(frame.height for frame in frames)
    film = Image.new("RGB", (2 * WIDTH + GAP, 2 * height + GAP), "white")
    for place, frame in enumerate(frames):
        row, column = divmod(place, 2)
        film.paste(frame, (column * (WIDTH + GAP), row * (height + GAP)))
    film.save(FILM, quality=70, method=6)
    print(f"{FILM}: {FILM.stat().st_size} bytes, {film.size}")


def photograph(steps: int) -> Image.Image:
    """Both planes after so many steps."""
    panel = widgets.live_training(play=steps > 0, steps=max(steps, 1))
    found = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as run:
        page_file = widgets.save_html(panel, Path(folder) / "page.html")
        browser = run.chromium.launch(
            executable_path=found, args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 760, "height": 800})
        page.goto(page_file.as_uri())
        name = "Train on" if steps else "Play"
        page.get_by_role("button", name=name).wait_for(timeout=300_000)
        shot = page.locator(".aevae-train-planes").screenshot()
        browser.close()
    image = Image.open(io.BytesIO(shot)).convert("RGB")
    return image.resize((WIDTH, round(image.height * WIDTH / image.width)))


if __name__ == "__main__":
    main()
