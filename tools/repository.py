"""Change the address of the repository, wherever it stands: `make repository
URL=...`.

    python -m tools.repository https://github.com/you/your-fork

The address in force stands in pyproject.toml. It is replaced in every file that
git knows, in all its forms: the repository itself, its pages, and Colab's way
into it.
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main(arguments: list[str]) -> None:
    url = (
        arguments[0].removesuffix("/").removesuffix(".git") if arguments else ""
    )
    new = re.fullmatch(r"https://github\.com/([A-Za-z0-9-]+)/([\w.-]+)", url)
    if not new:
        sys.exit(
            "Name the repository so: make repository "
            "URL=https://github.com/you/your-fork"
        )
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    old = (
        project["urls"]["Repository"]
        .removeprefix("https://github.com/")
        .split("/")
    )
    for path in files():
        try:
            before = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture, or data
        after = replaced(before, old, new.groups())
        if after != before:
            path.write_text(after, encoding="utf-8")
            print(f"changed: {path.relative_to(ROOT)}")


def files() -> list[Path]:
    """Every file of the project, tracked or new."""
    ask = ["git", "ls-files", "-z", "--cached", "--others"]
    try:
        asked = subprocess.run(
            [*ask, "--exclude-standard"],
            cwd=ROOT, capture_output=True, text=True,
        )  # fmt: skip
    except FileNotFoundError:
        sys.exit("git is not installed, and it knows the project's files")
    if asked.returncode != 0:
        sys.exit(
            "git does not know this folder, so nobody can say which files are "
            "the project's. Clone it, or make it a repository first: git init"
        )
    names = asked.stdout.split("\0")
    return sorted({ROOT / name for name in names if (ROOT / name).is_file()})


def replaced(text: str, old: tuple[str, str], new: tuple[str, str]) -> str:
    """The text with each form of the old address (owner, name) in the new one's
    words.
    """
    for form in ("{}/{}", "{}.github.io/{}"):
        alone = rf"(?<![\w.-]){re.escape(form.format(*old))}(?![\w-])"
        text = re.sub(alone, form.format(*new), text)
    return text


if __name__ == "__main__":
    main(sys.argv[1:])
