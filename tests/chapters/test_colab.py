"""The set-up cell in a stand-in for Colab, and the library under Colab's
version of ipywidgets.

The stand-in is an environment that sees every package installed here but our
own, with a stub of `google.colab`. Git is told to find the repository's address
in a local clone, so that the cell runs to the letter, without the network.
"""

import ast
import base64
import csv
import hashlib
import importlib.util
import io
import json
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SETUP_CELL = ROOT / "tools" / "setup_cell.py"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
IN_COLAB = "import google.colab\n" + SETUP_CELL.read_text()


class Colab:
    """An environment like Colab's, in which aevae_lib is not installed yet."""

    def __init__(
        self, folder: Path, repository: Path, without: tuple[str, ...] = ()
    ):
        subprocess.run(
            [sys.executable, "-m", "venv", "--without-pip", folder / "venv"],
            check=True,
        )
        self.python = folder / "venv" / "bin" / "python"
        here = Path(sysconfig.get_path("purelib"))
        shared = folder / "shared"
        shared.mkdir()
        for entry in here.iterdir():
            ours = re.match(r"(__editable__.*)?aevae_lib", entry.name)
            if not ours and re.split(r"[-.]", entry.name)[0] not in without:
                (shared / entry.name).symlink_to(entry)
        stub = folder / "stub" / "google" / "colab"
        stub.mkdir(parents=True)
        (stub / "__init__.py").touch()
        site = next((folder / "venv").glob("lib/python*/site-packages"))
        (site / "colab.pth").write_text(f"{shared}\n{stub.parent.parent}\n")
        self.wheels = folder / "wheels"
        self.wheels.mkdir()
        self.folder = folder / "content"  # where Colab's notebooks run
        self.folder.mkdir()
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"url.{repository.as_uri()}.insteadOf",
            "GIT_CONFIG_VALUE_0": PROJECT["urls"]["Repository"],
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.wheels),
            # pip reads this 0 as: build with what is here
            "PIP_NO_BUILD_ISOLATION": "0",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }

    def run(self, code: str) -> subprocess.CompletedProcess:
        command = [self.python, "-c", code]
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
        )

    def packages(self) -> dict[str, str]:
        listed = subprocess.check_output(
            [self.python, "-m", "pip", "list", "--format=json"],
            env=self.environment,
        )
        return {
            package["name"].lower(): package["version"]
            for package in json.loads(listed)
        }


def test_cell_adds_the_library_and_replaces_nothing(tmp_path, clone):
    colab = Colab(tmp_path, clone)
    before = colab.packages()
    assert "aevae-lib" not in before
    first = colab.run(IN_COLAB)
    assert first.returncode == 0, first.stderr
    assert first.stdout == ""
    after = colab.packages()
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) == {"aevae-lib"}

    (clone / "pyproject.toml").unlink()  # a second installation would fail
    again = colab.run(IN_COLAB)
    assert again.returncode == 0, again.stderr
    assert (again.stdout, again.stderr) == ("", "")

    used = colab.run("import aevae_lib; print(aevae_lib.__file__)")
    assert Path(used.stdout.strip()).is_relative_to(tmp_path / "venv"), (
        used.stderr
    )


def test_cell_adds_a_package_that_colab_lacks(tmp_path, clone):
    colab = Colab(tmp_path, clone, without=("tqdm",))
    make_wheel(colab.wheels, "tqdm", "99.0")
    before = colab.packages()
    assert "tqdm" not in before
    run = colab.run(IN_COLAB)
    assert run.returncode == 0, run.stderr
    after = colab.packages()
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) == {"aevae-lib", "tqdm"}


def test_cell_says_what_is_wrong_when_the_network_is_cut(tmp_path):
    colab = Colab(tmp_path, tmp_path / "nowhere")
    run = colab.run(IN_COLAB)
    assert run.returncode != 0
    assert (
        "aevae_lib could not be installed. Are you online?"
        in run.stderr.splitlines()[-1]
    )


def test_cell_does_nothing_outside_colab(monkeypatch):
    """Even where everything is missing; in Colab it would install all of it."""
    called = []
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(
        subprocess, "call", lambda command: called.append(command) or 0
    )
    exec(SETUP_CELL.read_text(), {})
    assert called == []
    monkeypatch.setitem(sys.modules, "google.colab", object())
    exec(SETUP_CELL.read_text(), {})
    assert "--no-deps" in called[0]
    assert {"torch", f"git+{PROJECT['urls']['Repository']}"} <= set(called[0])


def test_cell_is_short_and_knows_every_dependency():
    text = SETUP_CELL.read_text()
    assert len(text.splitlines()) <= 20
    for requirement in [
        *PROJECT["dependencies"],
        "psygnal",
    ]:  # anywidget imports psygnal
        name = re.match(r"[\w-]+", requirement)[0]
        assert f'"{name}"' in text, f"the set-up cell does not look for {name}"


@pytest.mark.slow
def test_chapters_import_and_construct_their_widgets_under_colabs_ipywidgets():
    """The imports of all chapters, then each widget that one of them shows."""
    chapters = sorted((ROOT / "chapters").glob("*.ipynb"))
    trees = [
        ast.parse(code) for chapter in chapters for code in code_cells(chapter)
    ]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    imports = {
        ast.unparse(n)
        for n in nodes
        if isinstance(n, ast.Import | ast.ImportFrom)
    }
    shown = {
        node.func.attr
        for node in nodes
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and ast.unparse(node.func.value) == "widgets"
    }
    assert shown, "no chapter shows a widget"
    constructions = {
        "latent_map": [
            "widgets.latent_map(models.Autoencoder())",
            "widgets.latent_map(models.Autoencoder(), models.VAE(), "
            "points=data.load(device='cpu').test)",
        ],
        "encoder_live": [
            "widgets.encoder_live(models.VAE(), "
            "images=data.load(device='cpu').test)",
        ],
        "kl_playground": ["widgets.kl_playground()"],
        "live_training": ["widgets.live_training()"],
        "loss_reader": ["widgets.loss_reader()"],
        "latent_sampler": [
            "widgets.latent_sampler(models.VAE(16))",
            "widgets.latent_sampler(models.Autoencoder(2), torch.randn(100, "
            "2))",
        ],
    }
    code = [
        *sorted(imports),
        "import ipywidgets, os, torch",
        "from aevae_lib import data, models, widgets",
        "assert ipywidgets.__version__ == '7.7.1', ipywidgets.__file__",
    ]
    for name in sorted(shown - {"save_html"}):
        for construction in constructions[name]:
            code += [
                f"panel = {construction}",
                "for slider in panel.sliders.values(): slider.value = "
                "slider.max",
                "assert panel.get_view_spec()",
                "widgets.save_html(panel, os.devnull)",
            ]
    environment = {**os.environ, "PYTHONPATH": str(Path(sys.prefix) / "colab")}
    run = subprocess.run(
        [sys.executable, "-c", "\n".join(code)],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr


def code_cells(notebook: Path) -> list[str]:
    """The code of a notebook without IPython's magics."""
    cells = json.loads(notebook.read_text())["cells"]
    sources = [
        "".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"
    ]
    return [
        re.sub(r"^\s*[%!].*$", "", source, flags=re.MULTILINE)
        for source in sources
    ]


def make_wheel(folder: Path, name: str, version: str) -> None:
    """A wheel with one empty module in it."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": "",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: "
        f"{version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: "
        "py3-none-any\n",
    }
    record = io.StringIO()
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(
            hashlib.sha256(text.encode()).digest()
        ).rstrip(b"=")
        csv.writer(record).writerow(
            [path, f"sha256={digest.decode()}", len(text)]
        )
    csv.writer(record).writerow([f"{info}/RECORD", "", ""])
    with zipfile.ZipFile(
        folder / f"{name}-{version}-py3-none-any.whl", "w"
    ) as wheel:
        for path, text in {
            **files,
            f"{info}/RECORD": record.getvalue(),
        }.items():
            wheel.writestr(path, text)
