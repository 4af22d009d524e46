"""Make or refresh .venv, the environment that every command of this project
runs in.

    python3 tools/environment.py [--tests]

It holds exactly what requirements.lock says, and this project itself, editable.
Nothing is done while requirements.lock, pyproject.toml and the Python version
are unchanged. As root on Debian, missing Debian packages are installed; anybody
else is shown the line to type. `--tests` adds what only the tests need: a
browser, and Colab's old ipywidgets in a folder apart.

Runs before anything is installed, on any Python 3: only the standard library
here.
"""

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCK = ROOT / "requirements.lock"
COLAB = ROOT / "tests" / "colab.txt"
STAMP = VENV / "made-from.json"
BROWSERS = ("chromium", "google-chrome")


def main(arguments: list) -> None:
    if sys.version_info < (3, 11):
        sys.exit(
            f"This is Python {sys.version.split()[0]}, and the course needs "
            "3.11 or newer. "
            "Name another one like this: make PYTHON=python3.12 site"
        )
    tests = "--tests" in arguments
    debian_packages(tests)
    if importlib.util.find_spec("ensurepip") is None:
        sys.exit(
            "This Python has no venv module. On Debian: sudo apt-get install "
            "python3-venv"
        )
    make_environment(tests)


def debian_packages(tests: bool) -> None:
    """Install what Debian has and this project wants, as root; otherwise say
    what to type.
    """
    missing = {}
    if importlib.util.find_spec("ensurepip") is None:
        missing["python3-venv"] = "virtual environments"
    if not has_data():
        missing["dataset-fashion-mnist"] = (
            "the images; without it they are downloaded, 31 MB"
        )
    if (
        tests
        and not os.environ.get("CHROMIUM")
        and not any(map(shutil.which, BROWSERS))
    ):
        missing["chromium"] = "the tests of the built site"
    if not missing or not shutil.which("apt-get"):
        return
    install = [
        "apt-get",
        "install",
        "--yes",
        "--no-install-recommends",
        *missing,
    ]
    if os.geteuid() != 0:
        print("Debian packages that are missing here:")
        for name, purpose in missing.items():
            print(f"  {name}: {purpose}")
        say(f"To install them: sudo {' '.join(install)}")
        return
    say(f"Installing Debian packages: {', '.join(missing)}")
    patience = ["-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=20"]
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update"], install):
        if (
            subprocess.call([command[0], *patience, *command[1:]], env=quiet)
            != 0
        ):
            say("That failed; going on without them.")
            return
    importlib.invalidate_caches()


def has_data() -> bool:
    """Whether Fashion-MNIST is on this machine, in a place where aevae_lib.data
    looks.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    folders = (
        cache / "aevae" / "fashion-mnist",
        Path("/usr/share/datasets/fashion-mnist"),
    )
    return bool(os.environ.get("AEVAE_DATA")) or any(
        folder.is_dir() for folder in folders
    )


def make_environment(tests: bool) -> None:
    """Bring .venv to what the lock says, doing only what is not done yet."""
    # The folder is in the key because scripts and the editable install hold
    # absolute paths.
    interpreter = f"{sys.version} {ROOT}"
    wanted = {
        "interpreter": interpreter,
        "lock": digest(LOCK),
        "project": digest(ROOT / "pyproject.toml"),
    }
    if tests:
        wanted["colab"] = digest(COLAB)
    made = json.loads(STAMP.read_text()) if STAMP.is_file() else {}
    if {**made, **wanted} == made:
        return
    STAMP.unlink(missing_ok=True)
    if made.get("interpreter", interpreter) != interpreter or not works():
        say(f"Making .venv with Python {sys.version.split()[0]}")
        run(sys.executable, "-m", "venv", "--clear", VENV)
        made = {}
    install(made, wanted)
    # Last, so that an interrupted run is never taken for a whole one.
    STAMP.write_text(json.dumps({**made, **wanted}))


def install(made: dict, wanted: dict) -> None:
    """Install the parts of what is wanted that are not made yet."""
    if made.get("lock") != wanted["lock"]:
        say(
            "Installing what requirements.lock names into .venv (the first "
            "time takes minutes)"
        )
        pip("install", "--no-deps", "--require-hashes", "-r", LOCK)
        remove_strays()
    if made.get("project") != wanted["project"]:
        say("Installing this project into .venv, editable")
        pip(
            "install",
            "--quiet",
            "--no-deps",
            "--no-build-isolation",
            "--editable",
            ROOT,
        )
    pip("check")
    if "colab" in wanted and made.get("colab") != wanted["colab"]:
        say(
            "Installing Colab's version of ipywidgets into .venv/colab, for "
            "the tests"
        )
        shutil.rmtree(VENV / "colab", ignore_errors=True)
        pip(
            "install",
            "--quiet",
            "--no-deps",
            "--target",
            VENV / "colab",
            "-r",
            COLAB,
        )


def works() -> bool:
    """Whether .venv has this very Python and a pip."""
    if not PYTHON.exists():
        return False
    ask = [PYTHON, "-c", "import pip, sys; print(sys.version)"]
    asked = subprocess.run(
        ask, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    return asked.stdout.strip() == sys.version


def remove_strays() -> None:
    """Uninstall what the lock does not name, so that .venv is the lock and
    nothing else.
    """
    listed = subprocess.check_output(
        [PYTHON, "-m", "pip", "list", "--format=json"]
    )
    installed = {normal(package["name"]) for package in json.loads(listed)}
    locked = {
        normal(name)
        for name in re.findall(r"^([\w.-]+)==", LOCK.read_text(), re.MULTILINE)
    }
    strays = sorted(installed - locked - {"pip", "aevae-lib"})
    if strays:
        pip("uninstall", "--yes", *strays)


def normal(name: str) -> str:
    """A package's name as the index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def pip(*arguments) -> None:
    run(PYTHON, "-m", "pip", *arguments)


def run(*command) -> None:
    if subprocess.call(list(map(str, command))) != 0:
        sys.exit(f"This failed: {' '.join(map(str, command))}")


def say(line: str) -> None:
    print(f"== {line}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
