"""Test the library and the notebooks among other packages than the locked ones:
`make colab-test` and `make floors-test` run this.

    python -m tools.elsewhere colab|floors

`colab` is what Google Colab has (tests/colab-set.txt); `floors` the oldest
versions that pyproject.toml says the library works with, which need Python 3.11
or 3.12. Either is installed into an environment of its own, once.
"""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COLAB = ROOT / "tests" / "colab-set.txt"
TESTS = ["tests/library", "chapters"]
RUNNERS = ["nbval", "pytest", "ipykernel"]  # in the version that fits
# What chapters/take_it_with_you.ipynb installs where it is not there.
BROUGHT = ["onnx", "onnxscript", "onnxruntime"]


def main(arguments: list[str]) -> None:
    sets = {"colab": colab, "floors": floors}
    if len(arguments) != 1 or arguments[0] not in sets:
        sys.exit(f"Name one of: {', '.join(sets)}")
    name = arguments[0]
    folder = ROOT / f".venv-{name}"
    install(folder, [*sets[name](), *RUNNERS, *BROUGHT])
    print(f"== Testing the library and the notebooks in {folder}", flush=True)
    command = [folder / "bin" / "python", "-m", "pytest", *TESTS]
    sys.exit(subprocess.call(command, cwd=ROOT, env=environment()))


def colab() -> list[str]:
    """What Colab has."""
    lines = COLAB.read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def floors() -> list[str]:
    """The library's own requirements, each at its oldest."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [
        re.sub(r">=([\d.]+)", r"==\1", needed)
        for needed in project["dependencies"]
    ]


def install(folder: Path, packages: list[str]) -> None:
    """Make an environment with these packages, unless it is there."""
    stamp = folder / "made-from.txt"
    wanted = "\n".join([sys.version, *packages])
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    print(f"== Installing into {folder}: {', '.join(packages)}", flush=True)
    run(sys.executable, "-m", "venv", "--clear", folder)
    run(folder / "bin" / "python", "-m", "pip", "install", *packages)
    # Last, so that an interrupted run is never taken for a whole one.
    stamp.write_text(wanted)


def environment() -> dict[str, str]:
    """The library from here; Node, which tests the views, from .venv."""
    path = os.pathsep.join(
        [os.environ["PATH"], str(Path(sys.executable).parent)]
    )
    return os.environ | {"PATH": path, "PYTHONPATH": str(ROOT)}


def run(*command) -> None:
    if subprocess.call(list(map(str, command))) != 0:
        sys.exit(f"This failed: {' '.join(map(str, command))}")


if __name__ == "__main__":
    main(sys.argv[1:])
