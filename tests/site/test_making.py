"""How pages are made, on a book of two pages that is built here."""

from pathlib import Path

import pytest
import tiny


@pytest.fixture(scope="module")
def book(tmp_path_factory) -> tuple[Path, str]:
    """A built book, and what building it printed."""
    folder = tmp_path_factory.mktemp("tiny") / "book"
    tiny.write(folder)
    return folder, tiny.build(folder)


def pages(folder: Path) -> dict[str, str]:
    """The text of every page that was written."""
    return {
        str(page.relative_to(folder)): page.read_text(encoding="utf-8")
        for page in (folder / "_build" / "html").rglob("*.html")
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
