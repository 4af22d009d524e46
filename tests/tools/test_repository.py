"""The repository around the course: one address, one lock, one style, no loose
ends.
"""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

import aevae_lib
from aevae_lib import data
from tools import build

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ADDRESS = PROJECT["urls"]["Repository"]
OWNER, NAME = ADDRESS.removeprefix("https://github.com/").split("/")
PAGES = f"https://{OWNER}.github.io/{NAME}/"


def texts(root: Path, sources: list[Path]) -> dict[Path, str]:
    """Every text file of the project."""
    found = {}
    for path in sources:
        raw = (root / path).read_bytes()
        if b"\0" not in raw[:8000]:
            found[path] = raw.decode("utf-8")
    return found


# --- the repository's address ------------------------------------------------


def test_address_stands_where_readers_need_it():
    read = {
        path: (ROOT / path).read_text()
        for path in ("README.md", "tools/setup_cell.py")
    }
    book = yaml.safe_load((ROOT / "_config.yml").read_text())
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == aevae_lib.__version__
    assert PROJECT["urls"]["Book"] == PAGES
    assert book["repository"]["url"] == citation["repository-code"] == ADDRESS
    assert book["html"]["baseurl"] == citation["url"] == PAGES
    assert f'"git+{ADDRESS}"' in read["tools/setup_cell.py"]
    assert f"git clone {ADDRESS} " in read["README.md"]
    assert (
        f"{ADDRESS}/actions/workflows/course.yml/badge.svg" in read["README.md"]
    )
    assert (
        f"https://colab.research.google.com/github/{OWNER}/{NAME}/blob/main/chapters/01"
        in (read["README.md"])
    )
    assert PAGES in read["README.md"]


def test_no_copy_of_the_address_names_another_owner(sources):
    name = re.escape(NAME) + r"(?![\w-])"
    forms = (rf"github\.com/([\w-]+)/{name}", rf"/github/([\w-]+)/{name}")
    forms = (*forms, rf"([\w-]+)\.github\.io/{name}")
    found = [
        (path, match[0], match[1])
        for path, text in texts(ROOT, sources).items()
        for form in forms
        for match in re.finditer(form, text)
    ]
    assert len(found) > 10
    assert [copy for copy in found if copy[2] != OWNER] == []


def test_one_command_changes_every_copy_and_back(clone, git, sources):
    before = texts(clone, sources)
    change = [sys.executable, "-m", "tools.repository"]
    other = "https://github.com/" + "/".join(
        ["someone-else", "a.fork"]
    )  # not itself an address
    subprocess.run(
        [*change, f"{other}.git"], cwd=clone, check=True, capture_output=True
    )
    after = texts(clone, sources)
    changed = {
        path
        for path in sources
        if path in before and before[path] != after[path]
    }
    expected = {
        "pyproject.toml",
        "_config.yml",
        "CITATION.cff",
        "README.md",
        "tools/setup_cell.py",
    }
    notebooks = {path for path in sources if path.suffix == ".ipynb"}
    assert changed >= {Path(name) for name in expected} | notebooks
    for path, text in after.items():
        assert f"{OWNER}/{NAME}" not in text, path
        assert f"{OWNER}.github.io" not in text, path
    subprocess.run(
        [*change, ADDRESS], cwd=clone, check=True, capture_output=True
    )
    assert texts(clone, sources) == before


@pytest.mark.parametrize(
    "url",
    ["", "https://example.org/a/b", "github.com/a/b", "https://github.com/a"],
)
def test_an_address_that_cannot_work_is_refused(url):
    command = [sys.executable, "-m", "tools.repository", url]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode != 0
    assert "make repository URL=https://github.com/" in run.stderr


@pytest.mark.parametrize(("owner", "refused"), [("OWNER", True), ("me", False)])
def test_only_publishing_is_refused_while_the_address_is_the_placeholder(
    owner, refused, tmp_path
):
    jobs = yaml.safe_load(
        (ROOT / ".github" / "workflows" / "course.yml").read_text()
    )["jobs"]
    guards = {
        name: [
            step["run"]
            for step in job["steps"]
            if "OWNER" in step.get("run", "")
        ]
        for name, job in jobs.items()
    }
    assert {name: len(steps) for name, steps in guards.items()} == {
        "test": 0,
        "elsewhere": 0,
        "gpu": 0,
        "publish": 1,
    }
    (tmp_path / "pyproject.toml").write_text(
        f'Repository = "https://github.com/{owner}/a-name"\n'
    )
    run = subprocess.run(
        ["bash", "-e", "-c", guards["publish"][0]], cwd=tmp_path
    )
    assert (run.returncode != 0) == refused


# --- dependencies ------------------------------------------------------------


def requirements() -> dict[str, Requirement]:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    named = [
        Requirement(line.split("#")[0])
        for line in lines
        if line.split("#")[0].strip()
    ]
    return {requirement.name: requirement for requirement in named}


def locked() -> dict[Requirement, list[str]]:
    """Each pin of the lock, with the checksums of its files."""
    text = (ROOT / "requirements.lock").read_text().replace("\\\n", "")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    parts = [line.split("--hash=") for line in lines]
    return {
        Requirement(pin): [hash.strip() for hash in hashes]
        for pin, *hashes in parts
    }


def test_lock_is_exact_and_satisfies_every_requirement():
    for requirement, hashes in locked().items():
        assert re.fullmatch(r"==[^*]+", str(requirement.specifier)), requirement
        assert hashes, f"{requirement}: no checksum"
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", h) for h in hashes)
    for name, requirement in requirements().items():
        versions = [pin for pin in locked() if pin.name == name]
        assert versions, f"requirements.lock lacks {name}: make lock"
        for pin in versions:
            version = str(pin.specifier).removeprefix("==")
            assert requirement.specifier.contains(version), (
                f"{pin} against {requirement}"
            )


def test_library_asks_for_no_more_than_the_course_does():
    course = requirements()
    for text in PROJECT["dependencies"]:
        needed = Requirement(text)
        floor = str(needed.specifier)
        assert re.fullmatch(r">=[\d.]+", floor), f"{needed}: a floor only"
        assert floor in str(course[needed.name].specifier).split(","), needed


def test_six_packages_of_the_course_are_direct_requirements():
    six = {
        "torch",
        "torchvision",
        "matplotlib",
        "ipywidgets",
        "jupyter-book",
        "nbval",
    }
    assert six <= set(requirements())


def test_environment_is_what_the_lock_says():
    listed = subprocess.check_output(
        [sys.executable, "-m", "pip", "list", "--format=json"]
    )
    installed = {
        package["name"].lower().replace("_", "-"): package["version"]
        for package in json.loads(listed)
    }
    for pin in locked():
        if pin.marker is None or pin.marker.evaluate():
            version = installed[pin.name]
            assert pin.specifier.contains(version), (
                f"{pin} is locked, {version} is installed"
            )


# --- style -------------------------------------------------------------------


@pytest.mark.parametrize("check", ["check", "format --check"])
def test_code_is_clean(check):
    ruff = [Path(sys.executable).parent / "ruff", *check.split(), "."]
    run = subprocess.run(ruff, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


def test_no_file_is_large_and_no_text_names_a_folder_of_one_machine(sources):
    for path in sources:
        size = (ROOT / path).stat().st_size
        assert size < 1_000_000 or path.parts[:2] == ("aevae_lib", "assets"), (
            f"{path}: {size} bytes"
        )
    private = re.compile(r"(?<![\w.])/(root|home/\w+|Users/\w+)/")
    for path, text in texts(ROOT, sources).items():
        assert not private.search(text), path


def test_workflows_pin_each_action_by_its_commit():
    """A tag can be moved; the version stands beside it for people and
    Dependabot.
    """
    workflows = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
    assert workflows
    for workflow in workflows:
        used = re.findall(r"uses: (.+)", workflow.read_text())
        assert used
        for action in used:
            assert re.fullmatch(
                r"actions/[\w-]+@[0-9a-f]{40} # v[\d.]+", action
            ), f"{workflow.name}: {action}"


def test_dependabot_looks_after_actions_python_and_the_front_end():
    text = (ROOT / ".github" / "dependabot.yml").read_text()
    watched = {
        entry["package-ecosystem"]: ROOT / entry["directory"].lstrip("/")
        for entry in yaml.safe_load(text)["updates"]
    }
    assert set(watched) == {"github-actions", "pip", "npm"}
    assert (watched["pip"] / "requirements.txt").is_file()
    assert (watched["npm"] / "package-lock.json").is_file()


def test_workflow_tests_the_oldest_and_a_new_python():
    workflow = ROOT / ".github" / "workflows" / "course.yml"
    jobs = yaml.safe_load(workflow.read_text())["jobs"]
    tested = jobs["test"]["strategy"]["matrix"]["python"]
    assert f">={tested[0]}" == PROJECT["requires-python"]
    assert len(tested) == 2
    for entry in jobs["elsewhere"]["strategy"]["matrix"]["include"]:
        assert re.search(
            rf"^[a-z -]*\b{entry['target']}\b.*:",
            (ROOT / "Makefile").read_text(),
            re.MULTILINE,
        ), entry


def test_ci_runs_the_test_command_of_the_readme():
    assert "make test" in (ROOT / "README.md").read_text()
    assert (ROOT / ".ci" / "run").read_text().rstrip().endswith("make test")


# --- building the site -------------------------------------------------------


def test_a_changed_page_is_a_source_and_what_a_chapter_wrote_is_not(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(build, "ROOT", tmp_path)
    page = tmp_path / "chapters" / "page.md"
    page.parent.mkdir()
    page.write_text("one")
    built = build.digest(["chapters"])
    (page.parent / "my-vae.html").write_text("a reader's model")
    (page.parent / "my-birds").mkdir()
    (page.parent / "my-birds" / "map.html").write_text("a reader's map")
    assert build.digest(["chapters"]) == built
    page.write_text("two")
    assert build.digest(["chapters"]) != built


@pytest.mark.parametrize(
    "what", ["library", "lock", "figures", "data", "device", "nothing"]
)
def test_every_chapter_is_executed_again_when_what_it_rests_on_changes(
    tmp_path, monkeypatch, what
):
    places = {
        "library": tmp_path / "aevae_lib" / "train.py",
        "lock": tmp_path / "requirements.lock",
        "figures": tmp_path / "book" / "inks.py",
        "type": tmp_path / "book" / "package-lock.json",
        "data": tmp_path / "images" / "train-images",
    }
    for file in places.values():
        file.parent.mkdir(exist_ok=True)
        file.write_text("one")
    monkeypatch.setattr(build.site_extension, "BOOK", tmp_path / "book")
    monkeypatch.setattr(
        data, "find_folder", lambda: (tmp_path / "images", "a folder")
    )
    before = build.site_extension.foundation()
    if what == "device":
        monkeypatch.setattr(data, "describe_device", lambda device: "another")
    elif what in places:
        places[what].write_text("two, and longer")
    assert (build.site_extension.foundation() == before) == (what == "nothing")
