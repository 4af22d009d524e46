"""How the files of the animals are made from the package they come from."""

import gzip
import hashlib
import os
import pickle
import sys
import zipfile

import numpy as np
import pytest

from aevae_lib import data
from experiments import animals

RNG = np.random.default_rng(0)


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A small package of the same kind: 60 images of three classes, of which
    each class's last five are copies of its first.
    """
    labels = np.repeat(np.arange(3), 20)
    images = RNG.integers(0, 256, (60, 28, 28), np.uint8)
    for label in range(3):
        first = 20 * label
        images[first + 15 : first + 20] = images[first]
    path = tmp_path / "package.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, values in (("IMAGES", images), ("LABELS", labels)):
            raw = pickle.dumps(values, protocol=4)
            file, _, dtype, _ = getattr(animals, name)
            wheel.writestr(file, gzip.compress(raw))
            told = hashlib.sha256(raw).hexdigest()
            what = (file, told, dtype, values.shape)
            monkeypatch.setattr(animals, name, what)
    monkeypatch.setattr(animals, "KEPT_BACK", 9)
    return path, images, labels


def test_files_are_made_without_copies_in_equal_shares(
    package, tmp_path, monkeypatch
):
    path, images, labels = package
    folder = tmp_path / "made"
    arguments = ["animals", str(path), "--folder", str(folder)]
    monkeypatch.setattr(sys, "argv", arguments)
    animals.main()
    first = {file.name: file.read_bytes() for file in folder.iterdir()}
    monkeypatch.setattr("time.time", lambda: 1e9)  # what gzip would note
    animals.main()
    assert {f.name: f.read_bytes() for f in folder.iterdir()} == first
    found = data.from_folder(folder, frame=0, device="cpu")
    train, test = data.read_folder(folder, data.KnownSet("made"))
    assert (len(train), len(test), len(found.test)) == (36, 9, 9)
    assert np.bincount(test.labels).tolist() == [3, 3, 3]
    assert np.bincount(train.labels[-9:]).tolist() == [3, 3, 3]
    known = {
        image.tobytes(): label
        for image, label in zip(images, labels, strict=True)
    }
    made = {
        image.numpy().tobytes(): label.item()
        for part in (train, test)
        for image, label in zip(*part, strict=True)
    }
    assert made == known
    assert len(made) == 45


def test_another_release_of_the_package_is_refused(package):
    file, _, *rest = animals.IMAGES
    with (
        zipfile.ZipFile(package[0]) as wheel,
        pytest.raises(SystemExit, match="not the one"),
    ):
        animals.read(wheel, file, "0" * 64, *rest)


def test_no_pickle_is_loaded(tmp_path):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "run"),)

    raw = pickle.dumps([Trap(), bytes(range(9))])
    with zipfile.ZipFile(tmp_path / "trap.whl", "w") as wheel:
        wheel.writestr("file", gzip.compress(raw))
    told = hashlib.sha256(raw).hexdigest()
    with zipfile.ZipFile(tmp_path / "trap.whl") as wheel:
        values = animals.read(wheel, "file", told, np.dtype(np.uint8), (3, 3))
    assert values.flatten().tolist() == list(range(9))
    assert not (tmp_path / "run").exists()


def test_first_of_equal_images_is_kept_where_it_was():
    images = np.array([5, 3, 5, 1, 3], np.uint8).reshape(5, 1, 1)
    assert animals.without_copies(images).tolist() == [0, 1, 3]


def test_seed_fixes_the_order_and_every_stretch_is_balanced():
    labels = RNG.permutation(np.repeat([0, 1, 2], [500, 300, 200]))
    order = animals.balanced_order(labels, 0)
    assert sorted(order) == list(range(1000))
    assert (order == animals.balanced_order(labels, 0)).all()
    assert (order != animals.balanced_order(labels, 1)).any()
    for start in range(0, 1000, 100):
        shares = np.bincount(labels[order[start : start + 100]])
        assert np.abs(shares - [50, 30, 20]).max() <= 1
    firsts = order[labels[order] == 0]
    assert (np.diff(firsts) < 0).any(), "no class is in its old order"
