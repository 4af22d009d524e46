"""Make the sheet of little people from the npm package that they are from:

    npm pack emoji-datasource-twitter@16.0.0
    python -m experiments.people emoji-datasource-twitter-16.0.0.tgz

It takes the people whom the package shows with each of Unicode's five skin
tones and without one, and draws them on white: a row for each person. Beside
the sheet lies a list of the rows, "role/person"; the persons of one role differ
in their gender alone.
"""

import argparse
import hashlib
import io
import json
import sys
import tarfile
from pathlib import Path

from PIL import Image

from aevae_lib import data

FOLDER = data.ASSETS / "people"
INDEX, SHEET = "package/emoji.json", "package/img/twitter/sheets/32.png"
CHECKSUMS = {
    INDEX: "1d602e65be88772bf8cc368ce16b855d719eeddbafe128d471b80203f494d29f",
    SHEET: "2767ef2e87cbfb6cc12ac46596c339549afaf0ae8771cf51100c8853f6bde632",
}
KINDS = ("person", "person-role", "person-gesture", "person-fantasy")
TONES = ("1F3FB", "1F3FC", "1F3FD", "1F3FE", "1F3FF")  # light to dark
# What stands in a code for a person as such, and for the gender.
ANYBODY = {"1F466", "1F467", "1F468", "1F469", "1F9D1"}
GENDER = {"2640", "2642", "200D", "FE0F"}
SIDE, GAP = 32, 1  # pixels of a picture, and around each in the package


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("package", type=Path, help="the package's file")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    with tarfile.open(arguments.package) as package:
        index, sheet = (read(package, file) for file in CHECKSUMS)
    chosen = people(json.loads(index))
    whole = drawn(chosen, Image.open(io.BytesIO(sheet)))
    arguments.folder.mkdir(parents=True, exist_ok=True)
    whole.save(
        arguments.folder / "sheet.webp", lossless=True, quality=100, method=6
    )
    text = "".join(f"{name}\n" for name in named(chosen))
    (arguments.folder / "names.txt").write_text(text, encoding="utf-8")
    print(f"{len(chosen)} people, {whole.width // SIDE} pictures of each")


def read(package: tarfile.TarFile, file: str) -> bytes:
    """A file of the package, if it is the one that we know."""
    content = package.extractfile(file).read()
    if hashlib.sha256(content).hexdigest() != CHECKSUMS[file]:
        sys.exit(f"{file} is not that of emoji-datasource-twitter 16.0.0.")
    return content


def people(index: list[dict]) -> list[dict]:
    """Those whom the package shows in all tones, in the order of Unicode."""
    chosen = [
        each
        for each in index
        if each["subcategory"] in KINDS
        and all(
            each.get("skin_variations", {}).get(tone, {}).get("has_img_twitter")
            for tone in TONES
        )
    ]
    return sorted(chosen, key=lambda each: each["sort_order"])


def named(chosen: list[dict]) -> list[str]:
    """ "role/person" of each; a role is called like the first who has it."""
    roles: dict[frozenset[str], str] = {}
    names = []
    for each in chosen:
        parts = frozenset(each["unified"].split("-")) - GENDER
        role = roles.setdefault(parts - ANYBODY, each["short_name"])
        names.append(f"{role}/{each['short_name']}")
    return names


def drawn(chosen: list[dict], sheet: Image.Image) -> Image.Image:
    """A row for each person, on white: without a tone, then light to dark."""
    size = (1 + len(TONES)) * SIDE, len(chosen) * SIDE
    whole = Image.new("RGB", size, "white")
    for row, each in enumerate(chosen):
        shown = [each, *(each["skin_variations"][tone] for tone in TONES)]
        for column, one in enumerate(shown):
            left, top = (
                one[side] * (SIDE + 2 * GAP) + GAP
                for side in ("sheet_x", "sheet_y")
            )
            picture = sheet.crop((left, top, left + SIDE, top + SIDE))
            place = column * SIDE, row * SIDE
            whole.paste(picture, place, picture)
    return whole


if __name__ == "__main__":
    main()
