"""Keep the numbers in prose at what the stored results say.

    python tools/prose.py [--check]

A number in a chapter or a page is followed by an invisible comment that names its source:

    the autoencoder pays 254.6<!--= ae-d2.reconstruction --> nats

The source is GROUP.METRIC: the mean over the seeds of a group of runs (see
`aevae_lib/evidence.py`). Further forms:

    ae-d16 - vae-d16.reconstruction   the difference, seed by seed
    ae-d2.flips.low (.high, .seeds)   the ends of the 95 % interval; how many seeds
    floor.pixel_entropy               what real images score, or a baseline
    ae-d2.flips : .0%                 with a format of Python's; without one it is .1f

The number is rewritten, or with `--check` compared.
"""

import re
import sys
from pathlib import Path

import nbformat

from aevae_lib import evidence

ROOT = Path(__file__).resolve().parent.parent
TIED = re.compile(r"(?P<number>[-+]?\d[\d,]*(?:\.\d+)?%?)<!--=\s*(?P<source>.+?)\s*-->")


def value(source: str) -> str:
    """The number that a source stands for, as text."""
    path, _, form = (part.strip() for part in source.partition(" : "))
    groups, _, metric = path.partition(".")
    metric, _, part = metric.partition(".")
    if groups == "floor":
        return format(evidence.floors()[metric], form or ".1f")
    first, *second = groups.split(" - ")
    found = (
        evidence.difference(first, second[0], metric) if second else evidence.mean(first, metric)
    )
    if part == "seeds":
        return str(found.seeds)
    return format(getattr(found, part or "mean"), form or ".1f")


def renew(text: str) -> str:
    """The text with every tied number as it should be."""
    return TIED.sub(lambda tied: f"{value(tied['source'])}<!--= {tied['source']} -->", text)


def pages() -> list[Path]:
    """Every page of the book that a person wrote."""
    return sorted(
        path for path in (ROOT / "chapters").iterdir() if path.suffix in (".md", ".ipynb")
    )


def renewed(path: Path) -> str:
    """The file's text with every tied number as it should be."""
    if path.suffix == ".md":
        return renew(path.read_text(encoding="utf-8"))
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = renew(cell.source)
    return nbformat.writes(notebook) + "\n"


def main(arguments: list[str]) -> None:
    stale = []
    for path in pages():
        text = renewed(path)
        if text != path.read_text(encoding="utf-8"):
            stale.append(path.name)
            if "--check" not in arguments:
                path.write_text(text, encoding="utf-8")
    if stale and "--check" in arguments:
        sys.exit(f"{', '.join(stale)}: numbers that are not the results'. Run: make evidence")


if __name__ == "__main__":
    main(sys.argv[1:])
