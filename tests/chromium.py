"""The browser of all tests that need one."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Error, sync_playwright


@contextmanager
def launched() -> Iterator[Browser]:
    """Chromium: the one that CHROMIUM names, one on the PATH, or playwright's
    own.
    """
    found = (
        os.environ.get("CHROMIUM")
        or shutil.which("chromium")
        or shutil.which("google-chrome")
    )
    # Chromium refuses its sandbox to root, which is what a container runs as.
    arguments = (
        ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    )
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(
                executable_path=found, args=arguments
            )
        except Error as error:
            pytest.fail(
                "No browser could be started "
                f"({error.message.splitlines()[0]}). Install one "
                "(Debian: apt install chromium; elsewhere: playwright install "
                "chromium), or "
                "name its executable in the environment variable CHROMIUM.",
                pytrace=False,
            )
        yield browser
        browser.close()
