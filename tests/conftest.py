"""What several tests share."""

import subprocess
from pathlib import Path

import pytest

from aevae_lib import data
from tools import repository

ROOT = Path(__file__).resolve().parent.parent
# What is too much between two edits: the whole data set, and copies of the
# project. Other tests that take long carry the mark themselves.
COSTLY = {"fashion", "fashion_folder", "clone"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow, for `make check`, every test that rests on what is
    costly.
    """
    for item in items:
        if COSTLY.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("slow")


@pytest.fixture(scope="session")
def sources() -> list[Path]:
    """The project's own files, tracked or new, relative to its root."""
    return [path.relative_to(ROOT) for path in repository.files()]


@pytest.fixture(scope="session")
def git():
    """Run git in a folder, as somebody whose own settings do not matter."""

    def run(folder: Path, *arguments: str) -> None:
        me = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
        subprocess.run(["git", *me, *arguments], cwd=folder, check=True)

    return run


@pytest.fixture
def clone(tmp_path: Path, sources: list[Path], git) -> Path:
    """A repository of its own with the sources as they are now, to change at
    will.
    """
    folder = tmp_path / "clone"
    for source in sources:
        target = folder / source
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((ROOT / source).read_bytes())
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--no-gpg-sign", "--message=the sources")
    return folder


@pytest.fixture(scope="session")
def fashion_folder() -> Path:
    """Where the whole of Fashion-MNIST is; without it the tests fail, they do
    not shrink.
    """
    folder, source = data.find_folder()
    if folder == data.SAMPLE_FOLDER:
        pytest.fail(
            f"These tests need the whole of Fashion-MNIST, and only {source} "
            "is here."
        )
    return folder


@pytest.fixture(scope="session")
def fashion(fashion_folder) -> data.DataSet:
    """The whole of Fashion-MNIST on the CPU."""
    fashion = data.load(device="cpu")
    assert len(fashion.train.images) == 55_000, (
        "These tests are for the whole of Fashion-MNIST, and the data come "
        f"from {fashion.source}. "
        "Install Debian's dataset-fashion-mnist, allow a download, or set "
        "AEVAE_DATA."
    )
    return fashion
