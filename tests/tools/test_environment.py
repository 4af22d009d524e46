"""What `make` does before anything is installed: which Python, which Debian
packages.
"""

import os
import shutil
import subprocess
import sys

import pytest

from tools import environment


@pytest.fixture
def machine(monkeypatch):
    """A machine with Debian's apt-get, without data and browser; what is called
    on it is noted.
    """
    called = []
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setattr(environment, "has_data", lambda: False)
    monkeypatch.setattr(
        shutil, "which", lambda name: "/usr/bin/apt-get" * (name == "apt-get")
    )
    monkeypatch.setattr(
        subprocess,
        "call",
        lambda command, **options: called.append(command) or 0,
    )
    return called


def test_an_old_python_is_refused_by_name(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 2))
    with pytest.raises(SystemExit, match=r"needs 3\.11 or newer.*PYTHON="):
        environment.main([])


def test_root_installs_what_is_missing(machine, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    environment.debian_packages(tests=True)
    assert [command[0] for command in machine] == ["apt-get", "apt-get"]
    assert machine[0][-1] == "update"
    assert machine[1][-2:] == ["dataset-fashion-mnist", "chromium"]


def test_the_site_needs_no_browser(machine, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    environment.debian_packages(tests=False)
    assert "chromium" not in machine[1]


def test_anybody_else_is_told_what_to_type(machine, monkeypatch, capsys):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    environment.debian_packages(tests=True)
    assert machine == []
    lines = capsys.readouterr().out
    assert "sudo apt-get install" in lines
    assert "dataset-fashion-mnist chromium" in lines


def test_nothing_is_called_when_nothing_is_missing(
    machine, monkeypatch, capsys
):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(environment, "has_data", lambda: True)
    monkeypatch.setenv("CHROMIUM", "/opt/browser")
    environment.debian_packages(tests=True)
    assert machine == []
    assert capsys.readouterr().out == ""


def test_a_failing_installation_is_said_and_does_not_stop(
    machine, monkeypatch, capsys
):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(subprocess, "call", lambda command, **options: 100)
    environment.debian_packages(tests=True)
    assert "going on without" in capsys.readouterr().out


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project of its own, whose environment is never really made; what would
    be is noted.
    """
    done, root = [], environment.ROOT
    for name in ("ROOT", "VENV", "LOCK", "COLAB", "STAMP"):
        path = tmp_path / getattr(environment, name).relative_to(root)
        path.parent.mkdir(parents=True, exist_ok=True)
        monkeypatch.setattr(environment, name, path)
    for name in ("requirements.lock", "pyproject.toml", "tests/colab.txt"):
        (tmp_path / name).write_text("one")
    monkeypatch.setattr(environment, "works", lambda: True)
    monkeypatch.setattr(environment, "remove_strays", lambda: None)
    monkeypatch.setattr(
        environment,
        "run",
        lambda *command: done.append(" ".join(map(str, command))),
    )

    def make(tests: bool = False) -> list[str]:
        done.clear()
        environment.make_environment(tests)
        return done

    return make


def test_only_what_changed_is_done_again(project, tmp_path):
    assert any("--editable" in command for command in project())
    assert project() == []

    os.utime(tmp_path / "requirements.lock", (1, 1))
    assert project() == [], "only contents count, not times"

    (tmp_path / "pyproject.toml").write_text("two")
    assert not any("requirements.lock" in command for command in project())

    (tmp_path / "requirements.lock").write_text("two")
    assert any("requirements.lock" in command for command in project())

    assert any("colab" in command for command in project(tests=True))
    assert project() == []
    assert project(tests=True) == []


def test_an_interrupted_installation_is_not_taken_for_a_whole_one(
    project, monkeypatch
):
    def fail(*command):
        raise KeyboardInterrupt

    monkeypatch.setattr(environment, "remove_strays", fail)
    with pytest.raises(KeyboardInterrupt):
        project()
    monkeypatch.setattr(environment, "remove_strays", lambda: None)
    assert any("requirements.lock" in command for command in project())


def test_another_python_means_another_environment(project, monkeypatch):
    project()
    monkeypatch.setattr(environment, "works", lambda: False)
    (environment.ROOT / "requirements.lock").write_text("two")
    assert "venv --clear" in project()[0]
