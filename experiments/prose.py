"""Keep the numbers in prose at what the stored results say.

    python -m experiments.prose [--check]

A number in a chapter or a page is followed by an invisible comment that names
its source:

    the autoencoder pays 254.6<!--= ae-d2.reconstruction --> nats

The source is GROUP.METRIC: the mean over the seeds of a group of runs (see
`aevae_lib/evidence.py`). Further forms:

    ae-d16 - vae-d16.reconstruction   the difference, seed by seed
    ae-d2.flips.low (.high)           an end of the 95 % interval
    ae-d2.flips.seeds                 how many seeds
    floor.pixel_entropy               what real images score, or a baseline
    bench.race.ours.median_loss       what `make bench` measured
    failures.found.tests : d          a number of `failures.json`, by its path
                                      or, with `uses.`, of `uses.json`
    ae-d2.flips : .0%                 with a format of Python's, or else in .1f

The number is rewritten, or with `--check` compared. The comment follows its
digits at once: a word or an asterisk between them is an error, as is a source
that does not exist.
"""

import math
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from aevae_lib import evidence

from . import failures, uses
from .files import ROOT

FILES = {
    "bench": evidence.bench, "failures": failures.stored, "uses": uses.stored,
}  # fmt: skip
MARK = "<!--="
# A minus belongs to the number unless it is a hyphen, as in 10-20.
NUMBER = r"(?:(?<![\w.,)])[-+\N{MINUS SIGN}])?\d[\d,]*(?:\.\d+)?%?"
TIED = re.compile(rf"(?P<number>{NUMBER}){MARK}\s*(?P<source>.+?)\s*-->")
# A group may have a dot in it, as vae-d2-beta0.1; what follows that dot is not
# a metric.
SOURCE = re.compile(
    r"(?P<first>\S+?)(?: - "
    r"(?P<second>\S+?))?\.(?P<metric>[a-z]\w*)(?:\.(?P<part>low|high|seeds))?"
)


def value(source: str) -> str:
    """The number that a source stands for, as text.

    Raises `ValueError` for a source that cannot be read or does not exist, and
    `evidence.Missing` for results that are not there.
    """
    path, _, form = (part.strip() for part in source.partition(" : "))
    if path.partition(".")[0] in FILES:
        return format(measured(path), form or ".1f")
    found = SOURCE.fullmatch(path)
    if not found:
        raise ValueError(
            "not of the form GROUP.METRIC; the top of experiments/prose.py has "
            "the forms"
        )
    first, second, metric, part = found.groups()
    if part == "seeds" and form:
        raise ValueError("a number of seeds takes no format")
    if first == "floor":
        if second or part:
            raise ValueError("a floor has neither seeds nor differences")
        return format(evidence.floor(metric), form or ".1f")
    interval = (
        evidence.difference(first, second, metric)
        if second
        else evidence.mean(first, metric)
    )
    if part == "seeds":
        return str(interval.seeds)
    number = getattr(interval, part or "mean")
    if not math.isfinite(number):
        raise ValueError("a single seed has no interval")
    return format(number, form or ".1f")


def measured(path: str) -> float:
    """A number of a file by its path ("bench.race.ours.median_loss")."""
    file, *keys = path.split(".")
    found: object = FILES[file]()
    for key in keys:
        if not isinstance(found, dict) or key not in found:
            there = ", ".join(found) if isinstance(found, dict) else found
            raise ValueError(f"there is no {key!r}, but {there}")
        found = found[key]
    if (
        isinstance(found, bool)
        or not isinstance(found, int | float)
        or not math.isfinite(found)
    ):
        raise ValueError(f"expected a finite number, found {found!r}")
    return found


def ties(text: str) -> Iterator[tuple[re.Match, str]]:
    """Every tied number of a text, with what it should be.

    Raises `ValueError`, naming the source, for one that stands for nothing.
    """
    found = list(TIED.finditer(text))
    ends = {tied.start() + tied[0].index(MARK) for tied in found}
    for mark in re.finditer(MARK, text):
        if mark.start() not in ends:
            raise ValueError(
                f"no number right before {text[mark.start() :][:60]!r}"
            )
    for tied in found:
        try:
            yield tied, value(tied["source"])
        except (ValueError, evidence.Missing) as error:
            raise ValueError(f"{tied['source']}: {error}") from error


def renew(text: str) -> str:
    """The text with every tied number as it should be."""
    for tied, number in reversed(list(ties(text))):
        text = (
            text[: tied.start("number")] + number + text[tied.end("number") :]
        )
    return text


def pages() -> list[Path]:
    """Every page of the book; in a notebook's JSON, a tied number reads as in
    Markdown.
    """
    return sorted(
        path
        for path in (ROOT / "chapters").iterdir()
        if path.suffix in (".md", ".ipynb")
    )


def main(arguments: list[str]) -> None:
    wrong = []
    for path in pages():
        text = path.read_text(encoding="utf-8")
        try:
            found = list(ties(text))
        except ValueError as error:
            sys.exit(f"{path.name}: {error}")
        stale = [
            (tied, number) for tied, number in found if tied["number"] != number
        ]
        wrong += [
            f"{path.name}: {tied['number']} should be {number} "
            f"({tied['source']})"
            for tied, number in stale
        ]
        if stale and "--check" not in arguments:
            path.write_text(renew(text), encoding="utf-8")
    if wrong and "--check" in arguments:
        sys.exit("\n".join([*wrong, "Run: make evidence"]))


if __name__ == "__main__":
    main(sys.argv[1:])
