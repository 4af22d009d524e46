"""The command that builds the site: when it builds, alone, and all or
nothing.
"""

import threading
import time

import pytest

from tools import build


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A project whose book is one page, and what its builder does in turn."""
    monkeypatch.setattr(build, "ROOT", tmp_path)
    monkeypatch.setattr(build, "BUILD", tmp_path / "_build")
    monkeypatch.setattr(build, "STAMP", tmp_path / "_build" / "from.txt")
    monkeypatch.setattr(build, "SOURCES", ["chapters"])
    monkeypatch.setattr(build.data, "load", lambda: "the garments")
    monkeypatch.setattr(build.site_extension, "foundation", lambda: "rock")
    (tmp_path / "chapters").mkdir()
    (tmp_path / "chapters" / "page.md").write_text("one")
    return tmp_path


def writer(page: str, wait=lambda: None):
    """A stand-in for Jupyter Book: its pages, written one after the other."""

    def run(*command: str) -> None:
        html = build.Path(command[-1]) / "_build" / "html"
        html.mkdir(parents=True)
        (html / "first.html").write_text(page)
        wait()
        (html / "index.html").write_text(page)

    return run


def read(site) -> dict[str, str]:
    return {
        page.name: page.read_text()
        for page in (site / "_build" / "html").iterdir()
    }


def test_a_site_is_built_again_only_when_its_sources_changed(
    site, monkeypatch, capsys
):
    monkeypatch.setattr(build, "run", writer("old"))
    build.main()
    monkeypatch.setattr(build, "run", writer("new"))
    build.main()
    assert "already built" in capsys.readouterr().out
    (site / "chapters" / "page.md").write_text("two")
    build.main()
    assert read(site) == {"first.html": "new", "index.html": "new"}
    left = {path.name for path in (site / "_build").iterdir()}
    assert left == {"html", "from.txt", "lock"}


def test_a_build_that_fails_leaves_the_site_that_was_there(site, monkeypatch):
    monkeypatch.setattr(build, "run", writer("old"))
    build.main()

    def stop():
        sees.append(read(site))
        raise SystemExit("a cell failed")

    sees = []
    monkeypatch.setattr(build, "run", writer("half", stop))
    (site / "chapters" / "page.md").write_text("two")
    with pytest.raises(SystemExit, match="a cell failed"):
        build.main()
    old = {"first.html": "old", "index.html": "old"}
    assert sees == [old], "readers met a site that was not whole"
    assert read(site) == old
    monkeypatch.setattr(build, "run", writer("new"))
    build.main()
    assert read(site)["index.html"] == "new", "taken for built"


def test_what_a_killed_run_left_is_swept_away(site, monkeypatch):
    left = site / "_build" / f"{build.PRIVATE}abc" / "_build"
    left.mkdir(parents=True)
    monkeypatch.setattr(build, "run", writer("new"))
    build.main()
    assert not left.parent.exists()


def test_of_two_runs_at_once_the_second_says_so_and_waits(
    site, monkeypatch, capsys
):
    started, go_on, runs = threading.Event(), threading.Event(), []

    def wait():
        runs.append("run")
        started.set()
        assert go_on.wait(30)

    monkeypatch.setattr(build, "run", writer("whole", wait))
    both = [threading.Thread(target=build.main) for _ in range(2)]
    both[0].start()
    assert started.wait(30)
    both[1].start()
    printed, end = "", time.monotonic() + 30
    while "Another run" not in printed and time.monotonic() < end:
        printed += capsys.readouterr().out
        time.sleep(0.01)
    assert f"waiting for process {build.os.getpid()}" in printed
    go_on.set()
    for thread in both:
        thread.join(30)
    assert runs == ["run"], "both built"
    assert "already built" in capsys.readouterr().out
    assert set(read(site).values()) == {"whole"}


def test_outputs_of_two_libraries_are_not_kept(site, monkeypatch):
    """Somebody edits the library while the book is built."""
    found = iter(["before", "after"])
    monkeypatch.setattr(build.site_extension, "foundation", lambda: next(found))
    cache = site / "_build" / ".jupyter_cache"
    monkeypatch.setattr(build, "run", writer("new", cache.mkdir))
    with pytest.raises(SystemExit, match="changed while the chapters were"):
        build.main()
    assert not cache.exists()
    assert not build.STAMP.exists()


def test_a_run_killed_at_the_last_moment_leaves_no_site_that_seems_built(
    site, monkeypatch
):
    def kill(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(build, "run", writer("old"))
    build.main()
    page = site / "chapters" / "page.md"
    page.write_text("two")
    with monkeypatch.context() as dying:
        dying.setattr(build.Path, "rename", kill)
        with pytest.raises(KeyboardInterrupt):
            build.main()
    page.write_text("one")  # what the site of the first run was built from
    monkeypatch.setattr(build, "run", writer("new"))
    build.main()
    assert read(site)["index.html"] == "new"
