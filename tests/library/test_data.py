"""The data: where they come from, that they are what they claim to be, what bad
files and bad inputs do.
"""

import gzip
import os
import shutil
import struct
import threading
import warnings
from dataclasses import replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch

from aevae_lib import data
from aevae_lib.data import files

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
def known(monkeypatch):
    """Change what is known of Fashion-MNIST."""

    def change(**told):
        new = replace(data.SETS["fashion-mnist"], **told)
        monkeypatch.setitem(data.SETS, "fashion-mnist", new)

    return change


@pytest.fixture
def nowhere(tmp_path, monkeypatch, known):
    """A machine with no folder named, an empty cache, no Debian package and no
    network.
    """
    monkeypatch.delenv("AEVAE_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    known(installed=("", ""), mirrors=((tmp_path / "no-server").as_uri(),))
    return tmp_path


@pytest.fixture
def server(tmp_path):
    """Start a server of these files of the sample, with what it may do to its
    answers; gives its address and what was asked for.
    """
    servers = []

    def start(names=NAMES, answer=lambda body: body, length=len):
        asked = []

        class Handler(SimpleHTTPRequestHandler):
            def do_GET(self):
                name = self.path.strip("/")
                asked.append(name)
                if name not in names:
                    return self.send_error(404)
                body = (data.SAMPLE_FOLDER / name).read_bytes()
                self.send_response(200)
                self.send_header("Content-Length", str(length(body)))
                self.end_headers()
                self.wfile.write(answer(body))

            def log_message(self, *arguments):
                pass

        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}", asked

    yield start
    for one in servers:
        one.shutdown()
        one.server_close()


def parts(found):
    return found.train, found.validation, found.test


# --- the real thing ----------------------------------------------------------


def test_whole_set_is_split_as_documented(fashion):
    sizes = [len(part) for part in parts(fashion)]
    assert sizes == [55_000, 5_000, 10_000]
    for part in parts(fashion):
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

    train, validation, test = (prints(part) for part in parts(fashion))
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
    found = data.load(device="cpu")
    assert "AEVAE_DATA" in found.source
    assert capsys.readouterr() == ("", "")
    assert "5,500 training, 500 validation and 1,000 test images" in str(found)
    assert str(found).startswith(f"Fashion-MNIST from AEVAE_DATA={sample_copy}")
    assert "cpu" in str(found).splitlines()[-1]


def test_data_set_and_parts_know_what_they_hold(fashion):
    assert fashion.name == "fashion-mnist"
    for one in (fashion, *parts(fashion)):
        assert one.classes == data.FASHION_CLASSES
        assert one.frame == 2
        assert one.image_shape == (1, 32, 32)


def test_unknown_data_set_is_named():
    with pytest.raises(
        ValueError, match=r"'cpu', only .*fashion-mnist.*device="
    ):
        data.load("cpu")


@pytest.mark.parametrize("home", ["HOME", "XDG_CACHE_HOME"])
def test_relative_folder_is_the_same_one_wherever_a_program_runs(
    home, nowhere, monkeypatch
):
    monkeypatch.setenv("AEVAE_DATA", "aevae_lib/assets/fashion-mnist-sample")
    for place in (files.CHECKOUT, files.CHECKOUT / "chapters", nowhere):
        monkeypatch.chdir(place)
        assert data.find_folder()[0] == data.SAMPLE_FOLDER
    monkeypatch.delenv("AEVAE_DATA")
    monkeypatch.setenv(home, "somewhere")
    if home == "HOME":
        monkeypatch.delenv("XDG_CACHE_HOME")
    assert data.cache_folder().is_absolute()
    assert not data.cache_folder().is_relative_to(nowhere)


def test_relative_folder_that_is_not_there_is_named_in_full(
    nowhere, monkeypatch
):
    monkeypatch.setenv("AEVAE_DATA", "typo")
    with pytest.raises(data.DataError) as caught:
        data.load(device="cpu")
    assert str(files.CHECKOUT / "typo") in str(caught.value)


def test_installed_package_takes_relative_folders_as_any_program_does(
    sample_copy, nowhere, monkeypatch
):
    monkeypatch.setattr(files, "CHECKOUT", nowhere / "site-packages")
    monkeypatch.setenv("AEVAE_DATA", sample_copy.name)
    monkeypatch.chdir(nowhere)
    assert data.find_folder()[0] == sample_copy


def test_cache_comes_before_the_debian_package(sample_copy, nowhere, known):
    known(installed=(str(sample_copy), "Debian"))
    assert "Debian" in data.find_folder()[1]
    data.cache_folder().mkdir(parents=True)
    assert "Debian" in data.find_folder()[1], "an empty cache holds nothing"
    shutil.copytree(sample_copy, data.cache_folder(), dirs_exist_ok=True)
    assert data.find_folder()[0] == data.cache_folder()


def test_home_that_may_not_be_looked_into_stops_nothing(
    sample_copy, nowhere, monkeypatch, known
):
    def closed(call):
        def look(path, *rest, **options):
            if "cache" in str(path):
                raise PermissionError(13, "Permission denied", str(path))
            return call(path, *rest, **options)

        return look

    for name in ("iterdir", "is_dir", "exists", "mkdir"):
        monkeypatch.setattr(Path, name, closed(getattr(Path, name)))
    with pytest.warns(UserWarning, match="Permission denied"):
        assert "sample" in data.find_folder()[1]
    known(installed=(str(sample_copy), "Debian"))
    assert "Debian" in data.find_folder()[1]


def test_no_home_stops_nothing(sample_copy, nowhere, monkeypatch, known):
    known(installed=(str(sample_copy), "Debian"))
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    monkeypatch.setattr(files.tempfile, "gettempdir", lambda: str(nowhere))
    assert data.cache_folder().is_relative_to(nowhere)
    assert "Debian" in data.find_folder()[1]


def test_offline_falls_back_to_the_sample_and_warns(nowhere, capsys):
    with pytest.warns(UserWarning, match="SAMPLE OF 7,000 IMAGES IS IN USE"):
        fashion = data.load(device="cpu")
    assert len(fashion.train) == 5500
    assert "sample" in str(fashion)
    assert capsys.readouterr() == ("", "")


def test_download_is_kept_for_the_next_time(nowhere, known, server):
    url, asked = server()
    known(mirrors=(url,))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "download" in data.load(device="cpu").source
        assert "cache" in data.load(device="cpu").source
    assert sorted(asked) == sorted(NAMES)
    left = sorted(path.name for path in data.cache_folder().iterdir())
    assert left == sorted(data.FILES)
    assert os.listdir(data.cache_folder().parent) == ["fashion-mnist"]


BAD_ANSWERS = {
    "one that is cut short": {"length": lambda body: len(body) + 9},
    "one that is shorter": {
        "answer": lambda body: body[:-99],
        "length": lambda body: len(body) - 99,
    },
    "one that is garbled": {
        "answer": lambda body: body[:100] + b"\0\0\0" + body[103:]
    },
    "a page in its place": {"answer": lambda body: b"<html>" + body[6:]},
    "another file": {
        "answer": lambda body: gzip.compress(b"a") + bytes(len(body) - 21)
    },
    "nothing": {"answer": lambda body: b""},
    "not there": {"names": NAMES[:2]},
}


def test_an_error_without_words_is_named_by_its_kind(
    nowhere, known, monkeypatch
):
    def silent(*_, **__):
        raise TimeoutError

    known(mirrors=("https://example.invalid",))
    monkeypatch.setattr(files.urllib.request, "urlopen", silent)
    with pytest.warns(UserWarning, match=r"\.gz: TimeoutError"):
        data.find_folder()


@pytest.mark.parametrize("answer", BAD_ANSWERS)
def test_bad_answer_of_a_mirror_falls_back_to_the_next_source(
    nowhere, known, server, answer
):
    bad, _ = server(**BAD_ANSWERS[answer])
    known(mirrors=(bad,))
    with pytest.warns(UserWarning, match=bad):
        assert "sample" in data.find_folder()[1]
    assert not data.cache_folder().exists()
    assert os.listdir(data.cache_folder().parent) == []
    good, _ = server()
    known(mirrors=("no address", bad, good))
    assert "download" in data.load(device="cpu").source


def test_two_downloads_at_once_leave_four_files(nowhere, known, server):
    def other_is_first(body):
        shutil.copytree(
            data.SAMPLE_FOLDER, data.cache_folder(), dirs_exist_ok=True
        )
        return body

    url, _ = server(answer=other_is_first)
    known(mirrors=(url,))
    assert data.find_folder()[0] == data.cache_folder()
    assert all(path.is_file() for path in data.cache_folder().iterdir())
    assert os.listdir(data.cache_folder().parent) == ["fashion-mnist"]


def test_cache_that_cannot_be_written_still_gives_data(nowhere):
    (nowhere / "cache").write_text("a file where a folder is needed")
    with pytest.warns(UserWarning, match="could not be downloaded"):
        assert "sample" in data.load(device="cpu").source


# --- any other set -----------------------------------------------------------


def write_idx(folder, name, values, end=".gz"):
    head = bytes([0, 0, 8, values.ndim]) + struct.pack(
        f">{values.ndim}I", *values.shape
    )
    raw = head + values.tobytes()
    path = folder / f"{name}{end}"
    path.write_bytes(gzip.compress(raw) if end else raw)


@pytest.fixture
def digits(tmp_path):
    """Another whole set of the same kind, as MNIST would be."""
    folder = tmp_path / "digits"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in data.FILES:
        n = 600 if "train" in name else 100
        shape = (n, 28, 28) if "images" in name else (n,)
        most = 256 if "images" in name else 7 if "train" in name else 5
        write_idx(folder, name, rng.integers(0, most, shape, np.uint8))
    return folder


def test_another_data_set_is_not_called_damaged(digits, nowhere, monkeypatch):
    monkeypatch.setenv("AEVAE_DATA", str(digits))
    with pytest.raises(data.DataError, match="whole files, but not") as caught:
        data.load(device="cpu")
    assert str(digits) in str(caught.value)
    assert "from_folder" in str(caught.value)
    assert "elete" not in str(caught.value)


def test_another_data_set_is_read_from_its_folder(digits):
    found = data.from_folder(digits, device="cpu")
    assert [len(part) for part in parts(found)] == [550, 50, 100]
    assert found.image_shape == (1, 32, 32)
    assert found.classes == tuple("0123456")
    assert (found.name, found.frame) == ("digits", 2)
    assert str(found).startswith(f"digits from {digits}:")
    assert found.test.classes == found.classes
    named = data.from_folder(str(digits), list("abcdefg"), 0, "cpu")
    assert named.test.classes == tuple("abcdefg")
    assert named.image_shape == (1, 28, 28)


def test_class_that_only_the_test_images_have_is_numbered_too(digits):
    write_idx(digits, data.FILES[3], np.full(100, 8, np.uint8))
    assert data.from_folder(digits, device="cpu").classes == tuple("012345678")


@pytest.fixture
def letters(digits):
    """The same as EMNIST's letters are: under longer names, on their side,
    numbered from 1.
    """
    prefix = "emnist-letters-"
    for name in NAMES:
        called = prefix + name.replace("t10k", "test")
        (digits / name).rename(digits / called)
    for part in ("train", "test"):
        path = digits / f"{prefix}{part}-labels-idx1-ubyte.gz"
        n = 600 if part == "train" else 100
        values = np.arange(n, dtype=np.uint8) % 26 + 1
        write_idx(digits, path.name.removesuffix(".gz"), values)
    return digits


def test_letters_of_emnist_are_found_and_stand_upright(letters):
    names = ("", *"abcdefghijklmnopqrstuvwxyz")
    told = {"prefix": "emnist-letters-", "device": "cpu"}
    lying = data.from_folder(letters, names, **told)
    found = data.from_folder(letters, names, transposed=True, **told)
    assert [len(part) for part in parts(found)] == [550, 50, 100]
    assert found.classes[found.train.labels[0]] == "a"
    for one, other in zip(parts(found), parts(lying), strict=True):
        assert one.images.equal(other.images.mT)
        assert not one.images.equal(other.images)
    with pytest.raises(data.DataError, match=r"up to 26, and 26 .*Name 27"):
        data.from_folder(letters, names[1:], **told)
    with pytest.raises(data.DataError, match=r"missing.*pass that as prefix"):
        data.from_folder(letters)


def test_damage_is_told_in_another_set_as_well(digits):
    damage(digits, NAMES[1], lambda packed: packed[:-9])
    with pytest.raises(data.DataError, match="truncated or corrupt"):
        data.from_folder(digits)
    write_idx(digits, data.FILES[1], np.zeros(599, np.uint8))
    with pytest.raises(data.DataError, match="different sets"):
        data.from_folder(digits)


@pytest.mark.parametrize("end", ["", ".gz"])
@pytest.mark.parametrize("dotted", [False, True])
@pytest.mark.parametrize("below", ["", "raw", "FashionMNIST/raw"])
def test_files_are_found_as_others_name_them(tmp_path, end, dotted, below):
    place = tmp_path / below
    place.mkdir(parents=True, exist_ok=True)
    for name in data.FILES:
        packed = (data.SAMPLE_FOLDER / f"{name}.gz").read_bytes()
        called = (name.replace("-idx", ".idx") if dotted else name) + end
        (place / called).write_bytes(packed if end else gzip.decompress(packed))
    assert [len(part) for part in data.read_folder(tmp_path)] == [6000, 1000]


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
        data.load(device="cpu")
    assert str(sample_copy / name) in str(caught.value)
    assert "Delete it and fetch it again." in str(caught.value)


def test_missing_file_is_named(sample_copy, nowhere, monkeypatch):
    (sample_copy / NAMES[1]).unlink()
    monkeypatch.setenv("AEVAE_DATA", str(sample_copy))
    with pytest.raises(
        data.DataError, match=r"train-labels-idx1-ubyte\.gz is missing"
    ):
        data.load(device="cpu")


def test_file_that_may_not_be_read_is_named(sample_copy, monkeypatch):
    def closed(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", closed)
    with pytest.raises(data.DataError, match=r"cannot be read: .*Permission"):
        data.read_folder(sample_copy)


def test_shipped_file_is_not_to_be_deleted(sample_copy, monkeypatch):
    damage(sample_copy, NAMES[1], lambda packed: packed[:-9])
    monkeypatch.setattr(files, "ASSETS", sample_copy.parent)
    with pytest.raises(data.DataError, match="Install aevae_lib again"):
        data.read_folder(sample_copy)


def test_empty_folder_names_a_remedy(tmp_path):
    with pytest.raises(data.DataError, match=r"is missing.*belong together"):
        data.read_folder(tmp_path)


def test_files_that_changed_places_are_refused(
    sample_copy, nowhere, monkeypatch
):
    shutil.copy(sample_copy / NAMES[0], sample_copy / NAMES[2])
    monkeypatch.setenv("AEVAE_DATA", str(sample_copy))
    with pytest.raises(data.DataError, match="checksum"):
        data.load(device="cpu")


def test_sets_are_not_mixed(sample_copy, nowhere, monkeypatch, fashion_folder):
    """Images of one set beside labels of the other, each a good file."""
    monkeypatch.setenv("AEVAE_DATA", str(sample_copy))
    for part in ("t10k-labels", "t10k-images"):  # first one alone, then a pair
        shutil.copy(next(fashion_folder.glob(f"{part}-idx*")), sample_copy)
        with pytest.raises(data.DataError, match="different sets"):
            data.load(device="cpu")


def test_wrong_folder_is_an_error_even_where_other_data_exist(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("AEVAE_DATA", str(tmp_path / "typo"))
    with pytest.raises(data.DataError, match="there is no such folder"):
        data.load(device="cpu")


@pytest.mark.parametrize("device", ["warp", "cuda:99"])
def test_odd_device_is_named(device):
    with pytest.raises(ValueError, match=device):
        data.pick_device(device)


# --- images, labels and splits -----------------------------------------------


def bytes_of(*shape):
    return torch.zeros(shape, dtype=torch.uint8)


@pytest.mark.parametrize(
    ("images", "shape"),
    [
        (bytes_of(3, 1, 32, 32), None),
        (bytes_of(3, 3, 64, 48), (3, 64, 48)),
        (torch.zeros(3, 1, 28, 28), None),
        (torch.zeros(3, 7), (7,)),
        (torch.zeros(3, 1, 32, 32, dtype=torch.float64), (1, 32, 32)),
    ],
)
def test_images_of_any_size_are_taken(images, shape):
    assert data.check_images(images, shape) is images
    taken = data.check_images(images.numpy(), shape)
    assert taken.equal(images)
    assert taken.dtype == images.dtype


@pytest.mark.parametrize(
    ("images", "shape"),
    [
        (bytes_of(3, 28, 28), None),
        (bytes_of(28, 28), None),
        (torch.zeros(3), None),
        (torch.zeros(3, 1, 28, 28), (1, 32, 32)),
        (bytes_of(3, 1, 32, 32), (3, 32, 32)),
        (bytes_of(3, 32, 32), (1, 32, 32)),
        (bytes_of(0, 1, 32, 32), None),
    ],
)
def test_images_of_another_shape_are_refused(images, shape):
    with pytest.raises(
        ValueError, match=r"Expected images of shape \(N, "
    ) as e:
        data.check_images(images, shape)
    assert str(tuple(images.shape)) in str(e.value)


NO_IMAGES = {
    "bool": torch.zeros(3, 1, 32, 32, dtype=torch.bool),
    "int64": torch.zeros(3, 1, 32, 32, dtype=torch.int64),
    "an array of int64": np.zeros((3, 1, 32, 32), int),
    "a list": [bytes_of(1, 32, 32)],
}


@pytest.mark.parametrize("what", NO_IMAGES)
@pytest.mark.parametrize(
    "function", [data.check_images, data.to_float, data.pad]
)
def test_what_holds_no_grey_values_is_refused(function, what):
    with pytest.raises(TypeError, match=r"Expected images .* got (torch|list)"):
        function(NO_IMAGES[what])


@pytest.mark.parametrize(
    "function", [data.check_images, data.to_float, data.pad]
)
def test_whole_split_in_place_of_images_is_named(function):
    split = data.Split(bytes_of(3, 1, 32, 32), torch.arange(3))
    with pytest.raises(TypeError, match=r"Split.*\.images"):
        function(split)
    with pytest.raises(TypeError, match=r"DataSet.*\.train\.images"):
        function(data.DataSet("mine", split, split, split, "here"))


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_floats_are_taken_as_they_are(dtype):
    x = torch.rand(2, 1, 32, 32).to(dtype)
    assert data.to_float(x) is x


def test_bytes_become_floats_of_zero_to_one():
    x = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    assert data.to_float(x).equal(torch.arange(256.0).view(1, 1, 16, 16) / 255)
    assert data.to_float(x.numpy()).equal(data.to_float(x))


@pytest.mark.parametrize(
    ("shape", "frame", "padded"),
    [
        ((3, 28, 28), 2, (3, 1, 32, 32)),
        ((3, 1, 28, 28), 2, (3, 1, 32, 32)),
        ((3, 3, 60, 44), 2, (3, 3, 64, 48)),
        ((3, 30, 20), 1, (3, 1, 32, 22)),
        ((3, 32, 32), 0, (3, 1, 32, 32)),
        ((3, 32, 32), 4, (3, 1, 40, 40)),
    ],
)
def test_padding_frames_every_side(shape, frame, padded):
    images = torch.full(shape, 9, dtype=torch.uint8)
    framed = data.pad(images, frame)
    assert framed.shape == padded
    end = [side - frame for side in padded[2:]]
    inside = framed[:, :, frame : end[0], frame : end[1]]
    assert inside.equal(images.view(inside.shape))
    assert framed.sum() == images.sum()
    assert data.pad(images.numpy(), frame).equal(framed)


@pytest.mark.parametrize(
    ("shape", "frame"),
    [
        ((28, 28), 2),
        ((3, 32, 32), 2),
        ((3, 1, 32, 32), 2),
        ((3, 1, 28, 32), 2),
        ((1, 3, 1, 28, 28), 2),
        ((3, 28, 28), -2),
    ],
)
def test_padding_refuses_what_it_would_spoil(shape, frame):
    with pytest.raises(ValueError, match="shape") as caught:
        data.pad(bytes_of(*shape), frame)
    assert str(shape) in str(caught.value)


INTEGERS = [torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64]


@pytest.mark.parametrize("dtype", INTEGERS)
def test_labels_of_any_integer_type_are_taken(dtype):
    labels = torch.tensor([0, 9, 3], dtype=dtype)
    for given in (labels, labels.numpy(), labels.tolist()):
        taken = data.check_labels(given, 3, 10)
        assert taken.dtype == torch.int64
        assert taken.tolist() == [0, 9, 3]


@pytest.mark.parametrize(
    ("labels", "error", "complaint"),
    [
        (torch.arange(2), ValueError, r"each of 3 images, got .* \(2,\)"),
        (torch.arange(4), ValueError, r"each of 3 images, got .* \(4,\)"),
        (torch.zeros(3, 1).long(), ValueError, r"\(3, 1\)"),
        (torch.tensor([0, 1, 10]), ValueError, "from 0 to 9, got 0 to 10"),
        (torch.tensor([0, 1, -1]), ValueError, "from 0 to 9, got -1 to 1"),
        (torch.zeros(3), TypeError, "integers.*float32"),
        (torch.zeros(3, dtype=torch.bool), TypeError, "integers.*bool"),
        (["a", "b", "c"], TypeError, r"numpy\.str_"),
        (None, TypeError, r"numpy\.object_"),
    ],
)
def test_wrong_labels_are_refused(labels, error, complaint):
    with pytest.raises(error, match=complaint):
        data.check_labels(labels, 3, 10)
    with pytest.raises(error):
        data.Split(bytes_of(3, 1, 8, 8), labels, tuple("abcdefghij"))


def test_negative_labels_are_refused_where_the_classes_are_not_known():
    with pytest.raises(ValueError, match="from 0, got -1 to 1"):
        data.check_labels([0, 1, -1], 3)
    assert data.check_labels([0, 1, 99], 3).tolist() == [0, 1, 99]


def small_split():
    images = torch.arange(6, dtype=torch.uint8).view(6, 1, 1, 1)
    return data.Split(images, [0, 1, 2, 0, 1, 2], tuple("abc"), 3)


@pytest.mark.parametrize(
    ("chosen", "kept"),
    [
        (slice(2), [0, 1]),
        (slice(4, None), [4, 5]),
        (torch.tensor([5, 0]), [5, 0]),
        ([5, 0], [5, 0]),
        (np.array([5, 0]), [5, 0]),
        (torch.tensor([0, 1, 0, 0, 1, 0]).bool(), [1, 4]),
        (slice(0), []),
    ],
)
def test_part_of_a_split_is_a_split(chosen, kept):
    part = small_split()[chosen]
    assert isinstance(part, data.Split)
    assert len(part) == len(kept)
    assert part.images.flatten().tolist() == kept
    assert part.labels.tolist() == [k % 3 for k in kept]
    assert (part.classes, part.frame) == (("a", "b", "c"), 3)


def test_indices_are_brought_to_the_images():
    class Elsewhere(torch.Tensor):
        def to(self, device):
            return torch.tensor([4, 2], device=device)

    elsewhere = torch.tensor([0]).as_subclass(Elsewhere)
    assert small_split()[elsewhere].images.flatten().tolist() == [4, 2]


def test_split_comes_apart_into_images_and_labels():
    split = small_split()
    images, labels = split
    assert images is split.images
    assert labels is split.labels
    assert split.image_shape == (1, 1, 1)
    with pytest.raises(TypeError, match=r"\.images\[0\]"):
        split[0]
    with pytest.raises(AttributeError):
        split.frame = 2


def test_split_goes_to_a_device_with_its_names():
    there = small_split().to("meta")
    assert there.images.device.type == there.labels.device.type == "meta"
    assert (there.classes, there.frame) == (("a", "b", "c"), 3)
    assert data.Split(there.images, [0] * 6).labels.device.type == "meta"


def test_classes_without_names_are_numbered_and_stay_so_in_a_part():
    split = data.Split(np.zeros((3, 3, 6, 4), np.uint8), np.array([0, 4, 2]))
    assert split.classes == ("0", "1", "2", "3", "4")
    assert split[:1].classes == split.classes
    assert split.image_shape == (3, 6, 4)
    assert split.labels.dtype == torch.int64


def test_what_is_not_a_picture_makes_a_split_too():
    assert data.Split(torch.rand(5, 7), [0] * 5).image_shape == (7,)


# --- batches -----------------------------------------------------------------


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


def test_batches_of_floats_are_taken_as_they_are():
    images = torch.linspace(-3, 3, 100).view(100, 1)
    x = next(data.batches(images, 100, steps=1, seed=0))
    assert x.flatten().sort().values.equal(images.flatten())


def test_batches_are_grey_values_between_zero_and_one(fashion):
    x = next(data.batches(fashion.train.images, 64, steps=1, seed=0))
    assert x.shape == (64, 1, 32, 32)
    assert x.dtype == torch.float32
    assert 0 <= x.min() < 0.01
    assert 0.99 < x.max() <= 1
