"""The wheel that `pip install` makes: whole, and working where nothing else of
ours is.
"""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest


@pytest.fixture
def wheel(tmp_path, clone) -> Path:
    folder = tmp_path / "wheel"
    build = [
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--no-build-isolation",
    ]
    subprocess.run(
        [sys.executable, "-m", *build, "--wheel-dir", folder, clone], check=True
    )
    return next(folder.glob("*.whl"))


def test_wheel_holds_every_file_of_the_library(wheel, sources):
    expected = {str(path) for path in sources if path.parts[0] == "aevae_lib"}
    assert any(path.endswith(".gz") for path in expected)
    assert any(
        path.startswith("aevae_lib/widgets/frontend/") for path in expected
    )
    packed = {
        name
        for name in zipfile.ZipFile(wheel).namelist()
        if ".dist-info/" not in name
    }
    assert packed == expected
    assert "aevae_lib/py.typed" in packed, "type checkers look for it"
    size = wheel.stat().st_size
    assert size < 20e6, f"{size / 1e6:.1f} MB are a long wait in Colab"


def test_library_works_from_its_wheel_in_an_empty_folder(wheel, tmp_path):
    """No data folder, no cache, no network: the sample; and the sliders' front
    end is there.
    """
    target = tmp_path / "installed"
    install = [
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--target",
        target,
        wheel,
    ]
    subprocess.run([sys.executable, "-m", *install], check=True)
    code = (
        "import dataclasses, socket, sys\n"
        "from pathlib import Path\n"
        "def cut(*arguments, **options): raise OSError('the network is cut')\n"
        "socket.getaddrinfo = cut\n"
        "from aevae_lib import data, models, widgets\n"
        f"assert Path(data.__file__).is_relative_to({str(target)!r}), "
        "data.__file__\n"
        "known = data.SETS['fashion-mnist']\n"
        "known = dataclasses.replace(known, installed=('', ''))\n"
        "data.SETS['fashion-mnist'] = known\n"
        "fashion = data.load(device='cpu')\n"
        "assert fashion.train.images.shape == (5_500, 1, 32, 32)\n"
        "assert fashion.test.images.shape == (1_000, 1, 32, 32)\n"
        "assert widgets.latent_sampler(models.VAE(4)).view._esm\n"
    )
    environment = {
        name: value
        for name, value in os.environ.items()
        if name != "AEVAE_DATA"
    }
    environment |= {
        "PYTHONPATH": str(target),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout == ""
    assert "SAMPLE" in run.stderr
