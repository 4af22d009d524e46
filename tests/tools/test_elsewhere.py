"""The environments that the library is tested in besides the locked one."""

import re
import sys

import pytest
from packaging.requirements import Requirement

from tools import elsewhere


@pytest.fixture
def done(tmp_path, monkeypatch):
    """What would be installed and run, and nothing is."""
    calls = []

    def call(command, **options):
        if "venv" in command:
            (tmp_path / elsewhere.Path(command[-1]).name).mkdir(exist_ok=True)
        calls.append(([str(part) for part in command], options))
        return 0

    for name in ("pyproject.toml", "tests/colab-set.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text((elsewhere.ROOT / name).read_text())
    monkeypatch.setattr(elsewhere, "ROOT", tmp_path)
    monkeypatch.setattr(elsewhere.subprocess, "call", call)
    return calls


def test_floors_are_the_librarys_own_requirements_at_their_oldest():
    pinned = {Requirement(text).name: text for text in elsewhere.floors()}
    assert pinned["torch"] == "torch==2.6"
    assert len(pinned) >= 10
    assert all(re.fullmatch(r"[\w-]+==[\d.]+", p) for p in pinned.values())


def test_colab_has_a_version_of_all_that_the_library_needs():
    needed = {Requirement(text).name for text in elsewhere.floors()}
    exact = [Requirement(text) for text in elsewhere.colab()]
    assert all(str(package.specifier)[:2] == "==" for package in exact)
    # as far as its own list was read; the newest will do for tqdm
    assert needed - {package.name for package in exact} == {"tqdm"}


@pytest.mark.parametrize("name", ["colab", "floors"])
def test_an_environment_is_made_once_and_runs_library_and_notebooks(name, done):
    for number in (3, 1):
        with pytest.raises(SystemExit) as end:
            elsewhere.main([name])
        assert end.value.code == 0
        assert len(done) == number
        tests, options = done[-1]
        assert f".venv-{name}/bin/python" in tests[0]
        assert tests[-2:] == ["tests/library", "chapters"]
        assert options["env"]["PYTHONPATH"] == str(elsewhere.ROOT)
        done.clear()


def test_a_failing_test_is_a_failing_command(done, monkeypatch):
    monkeypatch.setattr(elsewhere, "install", lambda *_: None)
    monkeypatch.setattr(elsewhere.subprocess, "call", lambda *_, **__: 1)
    with pytest.raises(SystemExit) as end:
        elsewhere.main(["floors"])
    assert end.value.code == 1


def test_another_name_is_refused():
    with pytest.raises(SystemExit, match="colab, floors"):
        elsewhere.main([sys.executable])
