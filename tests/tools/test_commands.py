"""What `make` itself decides, and its small commands when they cannot do what
they are asked.
"""

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from urllib.request import urlopen

import pytest

from tools import repository, serve

ROOT = Path(__file__).resolve().parents[2]


def make(*arguments: str, **environment: str) -> str:
    """What make prints; with `-n` it runs nothing."""
    clean = {k: v for k, v in os.environ.items() if k != "AEVAE_DATA"}
    return subprocess.check_output(
        ["make", "--no-print-directory", *arguments],
        cwd=ROOT,
        env=clean | environment,
        text=True,
    )


@pytest.mark.parametrize(("user", "flag"), [("0", True), ("1000", False)])
def test_lab_runs_for_root_too(user, flag, tmp_path):
    fake = tmp_path / "id"
    fake.write_text(f"#!/bin/sh\necho {user}\n")
    fake.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    printed = make("-n", "lab", PATH=path)
    assert ("lab chapters --allow-root" in printed) == flag
    assert "jupyter lab chapters" in printed


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("my data/set", f"{ROOT}/my data/set"),
        ("/mnt/my data", "/mnt/my data"),
        ("~/images", "~/images"),
        ("", ""),
    ],
)
@pytest.mark.parametrize("how", ["variable", "argument"])
def test_a_relative_data_folder_is_the_same_for_every_command(
    given, expected, how
):
    show = ["--eval=show: ; @echo $$AEVAE_DATA", "show"]
    if how == "variable":
        printed = make(*show, AEVAE_DATA=given)
    else:
        printed = make(*show, f"AEVAE_DATA={given}")
    assert printed.strip() == expected


def test_check_is_lint_evidence_and_the_quick_tests():
    printed = make("-n", "check")
    for part in (
        "ruff check",
        "notebooks --check",
        "ledger --check",
        "prose --check",
        "not slow",
    ):
        assert part in printed


@pytest.mark.parametrize(
    ("target", "dist"),
    [("unit", "worksteal"), ("notebooks", "loadfile"), ("check", "worksteal")],
)
def test_tests_run_beside_each_other_and_a_notebooks_cells_in_a_row(
    target, dist
):
    (line,) = (
        line for line in make("-n", target).splitlines() if "-m pytest" in line
    )
    assert "--numprocesses" in line
    assert f"--dist={dist}" in line
    assert "OMP_NUM_THREADS=1" in line


@pytest.mark.parametrize("failing", ["not alone", "alone", "neither"])
def test_what_measures_time_runs_alone_whatever_came_before(tmp_path, failing):
    """With a Python that only notes what it is asked to run."""
    fake, noted = tmp_path / "python", tmp_path / "noted"
    fake.write_text(
        f'#!/bin/sh\necho "$@" >> {noted}\n'
        f'for last; do :; done\n[ "$last" != "{failing}" ]\n'
    )
    fake.chmod(0o755)
    run = subprocess.run(
        ["make", "site-test", f"BIN={tmp_path}", f"PYTHON={fake}"], cwd=ROOT
    )
    assert (run.returncode == 0) == (failing == "neither")
    lines = [
        line for line in noted.read_text().splitlines() if "pytest" in line
    ]
    assert ["--numprocesses" in line for line in lines] == [True, False]
    assert [line.endswith("-m alone") for line in lines] == [False, True]


@pytest.fixture
def html(tmp_path, monkeypatch) -> Path:
    (tmp_path / "index.html").write_text("the site")
    monkeypatch.setattr(serve, "HTML", tmp_path)
    return tmp_path


def test_a_port_in_use_is_one_clear_line(html):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit) as end:
            serve.main([str(port)])
    told = end.value.code
    assert f"Port {port} cannot be had" in told
    assert f"make serve PORT={port + 1}" in told
    assert "\n" not in told


@pytest.mark.parametrize("port", ["http", "-1", "70000"])
def test_what_is_no_port_is_refused(html, port):
    with pytest.raises(SystemExit, match="is no port"):
        serve.main([port])


def test_nothing_is_served_before_it_is_built(html):
    (html / "index.html").unlink()
    with pytest.raises(SystemExit, match="no site yet: make site"):
        serve.main([])


def test_the_site_is_served(html, monkeypatch, capsys):
    """On a free port, with what is in the folder."""
    started = threading.Event()
    servers = []
    real = serve.http.server.ThreadingHTTPServer.serve_forever

    def run(self):
        servers.append(self)
        started.set()
        real(self)

    monkeypatch.setattr(
        serve.http.server.ThreadingHTTPServer, "serve_forever", run
    )
    thread = threading.Thread(target=serve.main, args=[["0"]], daemon=True)
    thread.start()
    assert started.wait(30)
    address = f"http://localhost:{servers[0].server_port}/"
    with urlopen(address) as answer:
        assert answer.read() == b"the site"
    servers[0].shutdown()
    thread.join(30)
    assert address in capsys.readouterr().out


def test_without_git_the_address_stays_and_one_line_says_why(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(repository, "ROOT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(SystemExit, match="make it a repository first"):
        repository.files()
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent / "nowhere"))
    with pytest.raises(SystemExit, match="git is not installed"):
        repository.files()
