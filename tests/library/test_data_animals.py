"""The second data set: counts, shares, no copies; bad copies of its files."""

import gzip
import shutil
from dataclasses import replace

import pytest
import torch

from aevae_lib import data

KNOWN = data.SETS["animals"]
ALL = torch.tensor([937, 812, 992, 996, 997, 1000, 1000, 997, 985, 1000])


@pytest.fixture(scope="module")
def animals() -> data.DataSet:
    return data.load("animals", "cpu")


def parts(found):
    return found.train, found.validation, found.test


def test_animals_are_loaded_by_name_and_know_themselves(animals):
    assert animals.classes == (
        "Bear", "Bird", "Cat", "Cow", "Dog",
        "Elephant", "Giraffe", "Horse", "Sheep", "Zebra",
    )  # fmt: skip
    assert (animals.name, animals.frame) == ("animals", 2)
    assert animals.image_shape == (1, 32, 32)
    assert str(animals).startswith("Animal shapes from the copy shipped")
    assert "7,716 training, 1,000 validation and 1,000 test" in str(animals)


def test_folder_that_is_named_for_garments_is_none_of_animals(
    tmp_path, monkeypatch, animals
):
    monkeypatch.setenv("AEVAE_DATA", str(tmp_path / "not-there"))
    assert data.find_folder("animals")[0] == KNOWN.shipped


def test_every_class_has_the_same_share_of_every_part(animals):
    counts = [
        torch.bincount(part.labels, minlength=10) for part in parts(animals)
    ]
    assert sum(counts).equal(ALL)
    for part, found in zip(parts(animals), counts, strict=True):
        fair = ALL * len(part) / ALL.sum()
        assert (found - fair).abs().max() < 1.5


def test_no_animal_is_a_copy_of_another_within_or_across_parts(animals):
    images = torch.cat([part.images for part in parts(animals)])
    assert len(images) == 9_716
    assert len(images.flatten(1).unique(dim=0)) == 9_716


def test_animals_are_framed_in_black_and_fill_their_grey_scale(animals):
    for part in parts(animals):
        inner = part.images[:, :, 2:30, 2:30]
        assert inner.sum(dtype=torch.int64) == part.images.sum()
        assert (inner.amin(), inner.amax()) == (0, 255)


def test_shapes_are_nearly_black_and_white_and_zebras_are_not(animals):
    """The floor of each class in nats per image, on training images."""
    x = data.to_float(animals.train.images).double()
    floor = torch.special.entr(x) + torch.special.entr(1 - x)
    nats = floor.flatten(1).sum(1)
    found = [nats[animals.train.labels == k].mean().item() for k in range(10)]
    assert found[9] == pytest.approx(191.3, abs=2)
    assert min(found[:9]) == pytest.approx(54.3, abs=2)
    assert max(found[:9]) == pytest.approx(85.4, abs=2)


def test_what_is_shipped_is_small_and_says_whose_it_is():
    sizes = [path.stat().st_size for path in KNOWN.shipped.iterdir()]
    assert sum(sizes) < 3_000_000
    licence = (KNOWN.shipped / "LICENSE").read_text(encoding="utf-8")
    assert "MIT License" in licence
    assert "Copyright (c) 2025 SinaSR-6" in licence
    assert "animal-mnist" in (KNOWN.shipped / "README").read_text()


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """The shipped files, free to be damaged, in the place of the good ones."""
    folder = shutil.copytree(KNOWN.shipped, tmp_path / "animals")
    monkeypatch.setitem(data.SETS, "animals", replace(KNOWN, shipped=folder))
    return folder


def flip(raw):
    return raw[:-1] + bytes([raw[-1] ^ 1])


@pytest.mark.parametrize("file", data.FILES)
@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda packed: packed[:-20], "truncated or corrupt"),
        (lambda packed: b"<html>", "truncated or corrupt"),
        (lambda packed: gzip.compress(gzip.decompress(packed)[:-9]), "holds"),
        (
            lambda packed: gzip.compress(flip(gzip.decompress(packed))),
            "not Animal shapes's .its checksum differs",
        ),
    ],
)
def test_bad_copy_of_the_animals_is_refused_by_name(
    copy, file, change, complaint
):
    path = copy / f"{file}.gz"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(data.DataError, match=complaint) as caught:
        data.load("animals", "cpu")
    assert str(path) in str(caught.value)


def test_missing_file_of_the_animals_is_named(copy):
    (copy / f"{data.FILES[2]}.gz").unlink()
    with pytest.raises(data.DataError, match=f"{data.FILES[2]}.gz is missing"):
        data.load("animals", "cpu")


def test_garments_are_not_taken_for_animals(copy):
    for file in data.FILES:
        shutil.copy(data.SAMPLE_FOLDER / f"{file}.gz", copy)
    with pytest.raises(data.DataError, match="not Animal shapes"):
        data.load("animals", "cpu")
