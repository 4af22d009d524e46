"""The data: where they come from, that they are what they claim to be, and what
bad files do.
"""

import gzip
import shutil

import pytest
import torch
from torchvision import datasets

from aevae_lib import data

NAMES = [f"{name}.gz" for name in data.FILES]


@pytest.fixture
def sample_copy(tmp_path):
    """A folder of four good files, free to be damaged."""
    folder = tmp_path / "copy"
    folder.mkdir()
    for name in NAMES:
        shutil.copy(data.SAMPLE_FOLDER / name, folder)
    return folder


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """A machine with no folder named, an empty cache, no Debian package and no
    network.
    """

    def no_network(*args, **kwargs):
        raise OSError("the network is cut")

    monkeypatch.delenv("AEVAE_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(data, "DEBIAN_FOLDER", tmp_path / "no-such-package")
    monkeypatch.setattr(datasets, "FashionMNIST", no_network)
    return tmp_path


def fake_download(files):
    """A stand-in for torchvision's downloader that leaves `files` and may then
    break off.
    """

    def download(root, download):
        raw = data.Path(root) / "FashionMNIST" / "raw"
        raw.mkdir(parents=True)
        for name in files:
            shutil.copy(data.SAMPLE_FOLDER / name, raw)
            (raw / name.removesuffix(".gz")).write_bytes(
                gzip.decompress((raw / name).read_bytes())
            )
        if len(files) < len(NAMES):
            raise RuntimeError("connection reset")

    return download


# --- the real thing ----------------------------------------------------------


def test_whole_set_is_split_as_documented(fashion):
    assert [len(part.labels) for part in fashion[:3]] == [55_000, 5_000, 10_000]
    for part in fashion[:3]:
        assert part.images.shape[1:] == (1, 32, 32)
        assert part.images.dtype == torch.uint8
        assert part.labels.unique().tolist() == list(range(10))
    assert torch.bincount(fashion.test.labels).tolist() == [1000] * 10


def test_padding_is_black_and_the_garment_is_untouched(fashion):
    images = fashion.test.images
    inner = images[:, :, 2:30, 2:30]
    assert inner.sum(dtype=torch.int64) == images.sum(dtype=torch.int64) > 0
    assert inner.amax() == 255


def test_no_test_image_was_trained_on(fashion):
    """Identical pictures occur in the published sets; whole splits handed round
    do not.
    """

    def prints(part):
        return {image.numpy().tobytes() for image in part.images}

    train, validation, test = (prints(part) for part in fashion[:3])
    assert len(train & test) < 20
    assert len(validation & test) < 20
    assert len(train & validation) < 20


def test_entropy_floor_of_the_test_images(fashion):
    """The floor that the course quotes: 189.86 nats per image."""
    x = data.to_float(fashion.test.images).double()
    floor = torch.special.entr(x) + torch.special.entr(1 - x)
    assert floor.flatten(1).sum(1).mean().item() == pytest.approx(
        189.86, abs=0.005
    )


def test_sample_is_balanced_and_drawn_from_the_same_splits(fashion):
    train, test = data.read_folder(data.SAMPLE_FOLDER)
    assert torch.bincount(train.labels[:5500]).tolist() == [550] * 10
    assert torch.bincount(train.labels[5500:]).tolist() == [50] * 10
    assert torch.bincount(test.labels).tolist() == [100] * 10
    whole = {image.numpy().tobytes() for image in fashion.train.images}
    assert all(
        image.numpy().tobytes() in whole for image in train.images[:5500]
    )
    whole = {image.numpy().tobytes() for image in fashion.test.images}
    assert all(image.numpy().tobytes() in whole for image in test.images)


# --- where they come from ----------------------------------------------------


def test_named_folder_comes_first(sample_copy, nowhere, monkeypatch, capsys):
    monkeypatch.setenv("AEVAE_DATA", str(sample_copy))
    assert "AEVAE_DATA" in data.load("cpu").source
    assert (
        "5,500 training, 500 validation and 1,000 test images"
        in capsys.readouterr().out
    )


def test_cache_comes_before_the_debian_package(
    sample_copy, nowhere, monkeypatch
):
    monkeypatch.setattr(data, "DEBIAN_FOLDER", sample_copy)
    assert "Debian" in data.find_folder()[1]
    shutil.copytree(sample_copy, data.cache_folder())
    assert data.find_folder()[0] == data.cache_folder()


def test_offline_falls_back_to_the_sample_and_says_so(nowhere, capsys):
    fashion = data.load("cpu")
    out = capsys.readouterr().out
    assert len(fashion.train.labels) == 5500
    assert "SAMPLE OF 7,000 IMAGES IS IN USE" in out
    assert "the network is cut" in out


def test_download_is_kept_for_the_next_time(nowhere, monkeypatch):
    monkeypatch.setattr(datasets, "FashionMNIST", fake_download(NAMES))
    assert "download" in data.load("cpu").source
    monkeypatch.setattr(datasets, "FashionMNIST", fake_download([]))
    assert "cache" in data.load("cpu").source
    assert len(list(data.cache_folder().iterdir())) == 4


def test_half_a_download_is_never_taken_for_a_whole_one(
    nowhere, monkeypatch, capsys
):
    monkeypatch.setattr(datasets, "FashionMNIST", fake_download(NAMES[:2]))
    assert "sample" in data.load("cpu").source
    assert "connection reset" in capsys.readouterr().out
    assert not data.cache_folder().exists()
    assert list(data.cache_folder().parent.iterdir()) == []


def test_read_only_cache_still_gives_data(nowhere, monkeypatch, capsys):
    (nowhere / "cache").write_text("a file where a folder is needed")
    assert "sample" in data.load("cpu").source
    assert "could not be downloaded" in capsys.readouterr().out


# --- what bad files do -------------------------------------------------------


def damage(folder, name, change):
    path = folder / name
    path.write_bytes(change(path.read_bytes()))


def repack(change):
    return lambda packed: gzip.compress(change(gzip.decompress(packed)))


def flip(raw):
    return raw[:-1] + bytes([raw[-1] ^ 1])


@pytest.mark.parametrize(
    ("name", "change", "complaint"),
    [
        (NAMES[0], lambda packed: packed[:-100], "truncated or corrupt"),
        (
            NAMES[0],
            lambda packed: packed[:9000] + b"\0\0\0" + packed[9003:],
            "truncated or corrupt",
        ),
        (NAMES[1], lambda packed: b"<html>404</html>", "truncated or corrupt"),
        (NAMES[2], repack(lambda raw: raw[:-784]), "holds"),
        (NAMES[2], repack(lambda raw: raw[:10]), "truncated inside its header"),
        (NAMES[3], repack(lambda raw: b"PK" + raw), "not an idx file"),
        (NAMES[2], repack(flip), "its checksum differs"),
        (NAMES[3], repack(flip), "its checksum differs"),
    ],
)
def test_damaged_file_gives_one_clear_error(
    sample_copy, nowhere, monkeypatch, name, change, complaint
):
    damage(sample_copy, name, change)
    monkeypatch.setenv("AEVAE_DATA", str(sample_copy))
    with pytest.raises(data.DataError, match=complaint) as caught:
        data.load("cpu")
    assert str(sample_copy / name) in str(caught.value)
    assert "Delete it and fetch it again." in str(caught.value)


def test_missing_file_is_named(sample_copy, nowhere, monkeypatch):
    (sample_copy / NAMES[1]).unlink()
    monkeypatch.setenv("AEVAE_DATA", str(sample_copy))
    with pytest.raises(
        data.DataError, match=r"train-labels-idx1-ubyte\.gz is missing"
    ):
        data.load("cpu")


def test_files_that_changed_places_are_refused(
    sample_copy, nowhere, monkeypatch
):
    shutil.copy(sample_copy / NAMES[0], sample_copy / NAMES[2])
    monkeypatch.setenv("AEVAE_DATA", str(sample_copy))
    with pytest.raises(data.DataError, match="checksum"):
        data.load("cpu")


def test_sets_are_not_mixed(sample_copy, nowhere, monkeypatch, fashion_folder):
    """The images of one set beside the labels of the other, each a good file."""
    shutil.copy(
        next(fashion_folder.glob("train-labels-idx1-ubyte*")), sample_copy
    )
    monkeypatch.setenv("AEVAE_DATA", str(sample_copy))
    with pytest.raises(data.DataError, match="different sets"):
        data.load("cpu")


def test_wrong_folder_is_an_error_even_where_other_data_exist(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("AEVAE_DATA", str(tmp_path / "typo"))
    with pytest.raises(data.DataError, match="there is no such folder"):
        data.load("cpu")


@pytest.mark.parametrize("device", ["warp", "cuda:99"])
def test_odd_device_is_named(device):
    with pytest.raises(ValueError, match=device):
        data.pick_device(device)


# --- using them --------------------------------------------------------------


@pytest.mark.parametrize(
    "images",
    [
        torch.zeros(3, 28, 28, dtype=torch.uint8),
        torch.zeros(3, 1, 28, 28, dtype=torch.uint8),
        torch.zeros(3, 1, 32, 32),
        torch.zeros(0, 1, 32, 32, dtype=torch.uint8),
    ],
)
def test_wrong_images_are_refused(images):
    with pytest.raises(ValueError, match="Expected"):
        data.check_images(images)


def numbered(n):
    """Images that carry their own index in their first pixel."""
    images = torch.zeros(n, 1, 32, 32, dtype=torch.uint8)
    images[:, 0, 0, 0] = torch.arange(n)
    return images


def indices(batches):
    return [(255 * x[:, 0, 0, 0]).round().long().tolist() for x in batches]


def test_every_image_is_seen_once_in_every_pass():
    parts = indices(data.batches(numbered(100), 30, steps=10, seed=1))
    seen = [index for part in parts for index in part]
    for start in (0, 100, 200):
        assert sorted(seen[start : start + 100]) == list(range(100))
    assert seen[:100] != seen[100:200]


def test_seed_alone_fixes_the_order():
    torch.manual_seed(5)
    first = indices(data.batches(numbered(100), 30, steps=7, seed=3))
    torch.manual_seed(6)
    assert indices(data.batches(numbered(100), 30, steps=7, seed=3)) == first
    assert indices(data.batches(numbered(100), 30, steps=7, seed=4)) != first


def test_batches_are_grey_values_between_zero_and_one(fashion):
    x = next(data.batches(fashion.train.images, 64, steps=1, seed=0))
    assert x.shape == (64, 1, 32, 32)
    assert x.dtype == torch.float32
    assert 0 <= x.min() < 0.01
    assert 0.99 < x.max() <= 1
