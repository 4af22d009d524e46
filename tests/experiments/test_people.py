"""How the sheet of little people is made from the package it comes from."""

import hashlib
import io
import json
import sys
import tarfile

import numpy as np
import pytest
from PIL import Image

from experiments import people

PITCH = people.SIDE + 2 * people.GAP
RNG = np.random.default_rng(0)


def entry(name, unified, order, column, tones=people.TONES, **more):
    """A person of the index; pictures lie side by side in the sheet."""
    shown = {
        tone: {"sheet_x": column + 1 + k, "sheet_y": 0, "has_img_twitter": True}
        for k, tone in enumerate(tones)
    }
    return {
        "short_name": name, "unified": unified, "sort_order": order,
        "subcategory": "person-role", "sheet_x": column, "sheet_y": 0,
        "skin_variations": shown,
    } | more  # fmt: skip


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A small package of the same kind: two farmers, a cook who lacks a tone,
    and a family, which is no person.
    """
    index = [
        entry("male-farmer", "1F468-200D-1F33E", 2, 6),
        entry("farmer", "1F9D1-200D-1F33E", 1, 0),
        entry("cook", "1F9D1-200D-1F373", 3, 0, people.TONES[:4]),
        entry("family", "1F46A", 4, 0, subcategory="family"),
    ]
    pixels = RNG.integers(0, 256, (PITCH, 12 * PITCH, 4), np.uint8)
    pixels[..., 3] = 255
    pixels[..., : PITCH // 2, 3] = 0  # the left of the first is transparent
    image = io.BytesIO()
    Image.fromarray(pixels).save(image, "PNG")
    contents = {
        people.INDEX: json.dumps(index).encode(),
        people.SHEET: image.getvalue(),
    }
    path = tmp_path / "package.tgz"
    with tarfile.open(path, "w:gz") as package:
        for name, content in contents.items():
            about = tarfile.TarInfo(name)
            about.size = len(content)
            package.addfile(about, io.BytesIO(content))
    sums = {n: hashlib.sha256(c).hexdigest() for n, c in contents.items()}
    monkeypatch.setattr(people, "CHECKSUMS", sums)
    return path, pixels


def run(monkeypatch, path, folder):
    monkeypatch.setattr(
        sys, "argv", ["people", str(path), "--folder", str(folder)]
    )
    people.main()


def test_people_stand_in_rows_in_their_order_on_white(
    package, tmp_path, monkeypatch
):
    path, pixels = package
    run(monkeypatch, path, tmp_path / "made")
    names = (tmp_path / "made" / "names.txt").read_text().split()
    assert names == ["farmer/farmer", "farmer/male-farmer"]
    made = np.array(Image.open(tmp_path / "made" / "sheet.webp"))
    assert made.shape == (2 * 32, 6 * 32, 3)
    for row in range(2):
        for column in range(6):
            left = (6 * row + column) * PITCH + people.GAP
            wanted = pixels[1:33, left : left + 32, :3].copy()
            wanted[pixels[1:33, left : left + 32, 3] == 0] = 255
            top = 32 * row
            cut = made[top : top + 32, 32 * column : 32 * column + 32]
            assert (cut == wanted).all()


def test_another_package_is_refused(package, tmp_path, monkeypatch):
    monkeypatch.setitem(people.CHECKSUMS, people.INDEX, "0" * 64)
    with pytest.raises(SystemExit, match=r"emoji\.json is not that of"):
        run(monkeypatch, package[0], tmp_path / "made")
    assert not (tmp_path / "made").exists()


def test_what_is_shipped_fits_together():
    names = (people.FOLDER / "names.txt").read_text().split()
    sheet = np.array(Image.open(people.FOLDER / "sheet.webp"))
    assert sheet.shape == (165 * 32, 6 * 32, 3)
    assert len(set(names)) == len(names) == 165
    assert len({name.split("/")[0] for name in names}) == 67
    cells = sheet.reshape(165, 32, 6, 32, 3).swapaxes(1, 2).reshape(990, -1)
    assert len(np.unique(cells, axis=0)) == 989  # two women share a tone
