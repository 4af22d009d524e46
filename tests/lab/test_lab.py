"""A widget in JupyterLab with a live kernel: Python and the reader see what the
other does.
"""

import json
import os
import re
import secrets
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import nbformat
import pytest
from playwright.sync_api import expect

from tests import chromium

PATIENCE = 240  # seconds for a kernel that starts while the machine is busy
SHOW = """
import json, torch
from aevae_lib import models, widgets
torch.manual_seed(0)
panel = widgets.latent_map(models.VAE())
def note(change):
    with open("seen.txt", "a") as file:
        print(json.dumps([change.name, change.new]), file=file)
panel.view.observe(note, ["map0_z0", "map0_z1"])
panel.sliders["map0_z0"].observe(
    lambda change: note(type(change)(name="slider", new=change.new)), "value"
)
panel
"""
SET = "panel.sliders['map0_z1'].value = 1.5"


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A server of JupyterLab in a folder with one notebook, and its address."""
    folder = tmp_path_factory.mktemp("lab")
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(text) for text in (SHOW, SET)],
        metadata={
            "kernelspec": {"name": "python3", "display_name": "Python 3"}
        },
    )
    nbformat.write(notebook, folder / "try.ipynb")
    token = secrets.token_hex(8)
    own = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "IPYTHONDIR": "ipython",
    }
    own |= {
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    }
    environment = os.environ | {
        name: str(folder / "own" / path) for name, path in own.items()
    }
    log = (folder / "log.txt").open("w")
    options = (
        "--no-browser",
        "--allow-root",
        "--port=0",
        f"--IdentityProvider.token={token}",
    )
    jupyter = str(Path(sys.executable).with_name("jupyter"))
    server = subprocess.Popen(
        [jupyter, "lab", *options, f"--ServerApp.root_dir={folder}"],
        cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        address = find_address(server, folder / "log.txt", token)
        yield folder, address, token
    finally:
        server.terminate()
        server.wait(60)
        log.close()


def find_address(server: subprocess.Popen, log: Path, token: str) -> str:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and server.poll() is None:
        found = re.search(
            r"http://(?:127\.0\.0\.1|localhost):(\d+)/", log.read_text()
        )
        if found:
            address = f"http://127.0.0.1:{found[1]}/"
            with urlopen(f"{address}api/status?token={token}") as answer:
                assert answer.status == 200
            return address
        time.sleep(0.3)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()}", pytrace=False)


@pytest.fixture(scope="module")
def page(lab):
    _, address, token = lab
    with chromium.launched() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(1000 * PATIENCE)
        page.errors = []
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.goto(f"{address}lab/tree/try.ipynb?token={token}")
        run_cell(page, 0)
        page.locator(".aevae-plane").wait_for()
        yield page


def run_cell(page, number):
    """Press the keys until the cell's prompt says that it runs: a page still
    loading loses them.
    """
    cell, end = (
        page.locator(".jp-CodeCell").nth(number),
        time.monotonic() + PATIENCE,
    )
    prompt = cell.locator(".jp-InputPrompt")
    while not re.search(r"[*\d]", prompt.inner_text()):
        assert time.monotonic() < end, "JupyterLab does not run the cell"
        cell.locator(".cm-content").click()
        page.keyboard.press("Control+Enter")
        page.wait_for_timeout(1000)


def seen(folder: Path, name: str, least: int = 1) -> list[float]:
    """What Python noted of one value, once there is something."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        lines = (
            (folder / "seen.txt").read_text().splitlines()
            if (folder / "seen.txt").exists()
            else []
        )
        values = [
            value for about, value in map(json.loads, lines) if about == name
        ]
        if len(values) >= least:
            return values
        time.sleep(0.2)
    raise AssertionError(f"Python saw nothing of {name}")


def test_python_sees_what_the_reader_does_and_the_reader_what_python_does(
    lab, page
):
    folder = lab[0]
    plane = page.locator(".aevae-plane")
    plane.scroll_into_view_if_needed()
    box = plane.bounding_box()
    canvas = page.locator(".aevae-image[aria-label]")
    before = canvas.evaluate("(canvas) => canvas.toDataURL()")
    page.mouse.click(
        box["x"] + 0.75 * box["width"], box["y"] + 0.5 * box["height"]
    )
    assert seen(folder, "map0_z0")[-1] == pytest.approx(
        1.5, abs=0.05
    )  # the plane is 6 wide
    assert seen(folder, "slider")[-1] == seen(folder, "map0_z0")[-1]
    assert canvas.evaluate("(canvas) => canvas.toDataURL()") != before

    plane.press("Shift+ArrowLeft")  # which JupyterLab would take for itself
    assert seen(folder, "map0_z0", 2)[-1] == pytest.approx(0.9, abs=0.05)
    handle = page.locator(".aevae-map0_z0 .noUi-handle")
    assert handle.get_attribute("aria-label") == "VAE, latent coordinate z0"
    handle.press("ArrowRight")
    assert seen(folder, "slider", 3)[-1] == pytest.approx(0.92, abs=0.05)

    run_cell(page, 1)
    expect(page.locator(".aevae-map0_z1 .widget-readout")).to_have_text("1.50")
    assert plane.get_attribute("aria-valuetext").endswith("z1 1.50")
    assert (
        page.get_by_role("button", name="Copy a link").count() == 0
    )  # there is no page to link
    assert page.errors == []
