"""A folder of the reader's own pictures: what is read, what is named, and how
it is divided.
"""

import os
import re
import shutil
import struct
import unicodedata
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from aevae_lib import data

GREY = 200
START = struct.pack(">I", 99) + b"IDAT"  # of pixels that never come


def picture(mode="L", size=(40, 40), color=GREY):
    return Image.new(mode, size, color)


def noise(seed, size=(32, 32)):
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(0, 256, size, np.uint8))


def header_of_png(width, height):
    """A PNG that promises a size and holds nothing."""
    told = b"IHDR" + struct.pack(">2I5B", width, height, 8, 0, 0, 0, 0)
    checksum = struct.pack(">I", zlib.crc32(told))
    return (
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + told + checksum + START
    )


@pytest.fixture
def plain(tmp_path):
    """Two classes of ten pictures each, without a fault."""
    folder = tmp_path / "my pictures"
    for number in range(20):
        place = folder / ("Vögel" if number % 2 else "Bären")
        place.mkdir(parents=True, exist_ok=True)
        noise(number).save(place / f"ein Bild {number:02}.png")
    return folder


# --- what is read ------------------------------------------------------------


def parts(found):
    return found.train, found.validation, found.test


def test_folder_becomes_a_data_set_with_its_sub_folders_as_classes(plain):
    found = data.image_folder(plain, device="cpu")
    assert [len(part) for part in parts(found)] == [16, 2, 2]
    assert found.classes == ("Bären", "Vögel")
    assert found.image_shape == (1, 32, 32)
    assert found.train.images.dtype == torch.uint8
    assert str(found).startswith(f"my pictures from {plain}:\n16 training")
    assert str(found.report) == (
        f"{plain}: 20 pictures read, 0 files left out."
    )
    expected = {np.asarray(noise(n)).tobytes(): n % 2 for n in range(20)}
    for part in parts(found):
        for image, label in zip(*part, strict=True):
            assert label == expected[image.numpy().tobytes()]


def test_folder_without_sub_folders_is_one_class(plain):
    found = data.image_folder(str(plain / "Vögel"), device="cpu")
    assert found.classes == ("Vögel",)
    assert [len(part) for part in parts(found)] == [8, 1, 1]


def test_deeper_folders_belong_to_the_first(plain):
    deep = plain / "Bären" / "Zoo" / "2026"
    deep.mkdir(parents=True)
    noise(99).save(deep / "x.png")
    found = data.image_folder(plain, device="cpu")
    assert found.classes == ("Bären", "Vögel")
    assert found.report.used == 21


def test_links_to_folders_are_followed_but_not_in_a_circle(plain, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    noise(80).save(elsewhere / "a.png")
    (plain / "Elche").symlink_to(elsewhere)
    for name in ("one", "other"):
        (plain / "Bären" / name).symlink_to(plain)
    found = data.image_folder(plain, device="cpu")
    assert found.classes == ("Bären", "Elche", "Vögel")
    assert found.report.used == 21
    assert found.report.notes == {}


def one(tmp_path, image, name="one.png", **options):
    """What becomes of one picture, and what was noted of it."""
    folder = tmp_path / "folder"
    folder.mkdir(exist_ok=True)
    if isinstance(image, bytes):
        (folder / name).write_bytes(image)
    else:
        image.save(folder / name, **options.pop("save", {}))
    found = data.image_folder(
        folder, device="cpu", validation=0, test=0, **options
    )
    return found.train.images[0], found.report.notes


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("mode", "color", "expected"),
    [
        ("1", 1, (255, 255, 255)),
        ("L", GREY, (GREY, GREY, GREY)),
        ("LA", (GREY, 255), (GREY, GREY, GREY)),
        ("I;16", GREY * 257, (GREY, GREY, GREY)),
        ("RGB", (250, 20, 90), (250, 20, 90)),
        ("RGBA", (250, 20, 90, 255), (250, 20, 90)),
        ("P", 7, (250, 20, 90)),
    ],
)
def test_every_kind_of_pixel_is_read(tmp_path, mode, color, expected, channels):
    image = picture(mode, color=color)
    if mode == "P":
        image.putpalette([0] * 21 + [250, 20, 90])
    pixels, notes = one(tmp_path, image, channels=channels)
    assert pixels.shape == (channels, 32, 32)
    red, green, blue = expected
    grey = round(0.299 * red + 0.587 * green + 0.114 * blue)
    wanted = expected if channels == 3 else (grey,)
    assert [int(v) for v in pixels.flatten(1)[:, 0]] == list(wanted)
    assert (pixels == pixels[:, :1, :1]).all()
    colourful = len(set(expected)) > 1
    assert ("colour made grey" in notes) == (colourful and channels == 1)
    assert ("grey in three equal channels" in notes) == (
        not colourful and channels == 3
    )


def test_cmyk_is_read_and_named(tmp_path):
    image = picture("CMYK", color=(0, 255, 255, 0))
    pixels, notes = one(tmp_path, image, "a b.jpg", channels=3)
    expected = torch.tensor([255.0, 0, 0])[:, None, None]
    assert (pixels.float() - expected).abs().max() < 8
    assert notes == {"CMYK without its profile": ["a b.jpg (mode CMYK)"]}


def test_sixteen_bits_are_named_with_the_largest_value(tmp_path):
    _, notes = one(tmp_path, picture("I;16", color=4095))
    assert notes == {
        "16 bits, 65,535 is white": ["one.png (largest value 4,095)"]
    }


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
@pytest.mark.parametrize("ground", [0, 90])
def test_ground_shows_through_what_is_transparent(tmp_path, mode, ground):
    image = picture("RGBA", color=(GREY, GREY, GREY, 255))
    image.paste((10, 10, 10, 0), (0, 0, 20, 40))
    save = {}
    if mode == "P":
        image = picture("P", color=1)
        image.putpalette([10] * 3 + [GREY] * 3)
        image.paste(0, (0, 0, 20, 40))
        save = {"transparency": 0}
    elif mode == "LA":
        image = image.convert("LA")
    pixels, notes = one(tmp_path, image, ground=ground, save=save)
    assert (pixels[0, :, :12] == ground).all()
    assert (pixels[0, :, 20:] == GREY).all()
    assert notes["put on the ground"] == ["one.png (opacity from 0)"]


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("ending", ["jpg", "png", "tif"])
def test_picture_is_turned_as_its_camera_says(tmp_path, turn, ending):
    """Stored so that it has to be turned: it comes out as it was seen."""
    seen = picture(color=0)
    seen.paste(255, (0, 0, 20, 20))  # white at the top on the left
    seen.paste(120, (20, 0, 40, 20))  # grey beside it
    back = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }  # fmt: skip
    stored = seen.transpose(back[turn]) if turn > 1 else seen
    exif = Image.Exif()
    exif[0x0112] = turn
    pixels, notes = one(tmp_path, stored, f"one.{ending}", save={"exif": exif})
    corners = pixels[0, 8, 8], pixels[0, 8, 24], pixels[0, 24, 8]
    for found, expected in zip(corners, (255, 120, 0), strict=True):
        assert abs(int(found) - expected) < 8
    listed = {"turned as EXIF says": [f"one.{ending} (orientation {turn})"]}
    assert notes == (listed if turn > 1 else {})


@pytest.mark.parametrize("ending", ["gif", "webp", "tif", "png"])
def test_first_frame_of_many_is_taken(tmp_path, ending):
    frames = [picture("L", color=color) for color in (GREY, 0, 90)]
    save = {"save_all": True, "append_images": frames[1:]}
    if ending == "webp":
        save["lossless"] = True
        frames = [frame.convert("RGB") for frame in frames]
        save["append_images"] = frames[1:]
    pixels, notes = one(tmp_path, frames[0], f"dance.{ending}", save=save)
    assert (pixels == GREY).all()
    taken = notes["only the first frame taken"]
    assert taken == [f"dance.{ending} (of 3)"]


def test_bars_keep_proportions_and_the_ground_is_theirs(tmp_path):
    pixels, notes = one(
        tmp_path, picture(size=(80, 40)), size=(32, 48), ground=9
    )
    assert pixels.shape == (1, 32, 48)
    assert (pixels[0, 4:-4] == GREY).all()
    assert (pixels[0, :4] == 9).all()
    assert (pixels[0, -4:] == 9).all()
    assert notes == {"given bars": ["one.png (80 x 40)"]}


def test_crop_cuts_out_the_middle(tmp_path):
    image = picture(size=(80, 40), color=0)
    image.paste(GREY, (20, 0, 60, 40))
    pixels, notes = one(tmp_path, image, crop=True)
    assert (pixels[0, 8:-8, 8:-8] == GREY).all()
    assert (pixels > 180).all()
    assert notes == {"cut to the shape": ["one.png (80 x 40)"]}


def test_small_picture_is_enlarged_and_named(tmp_path):
    pixels, notes = one(tmp_path, picture(size=(8, 8)))
    assert (pixels == GREY).all()
    assert notes == {"enlarged": ["one.png (8 x 8)"]}


def test_large_photograph_is_named_by_the_size_it_has(tmp_path):
    """Although it is decoded at an eighth of it."""
    image = picture("RGB", size=(1201, 900), color=(GREY,) * 3)
    _, notes = one(tmp_path, image, "large.jpg", channels=3)
    assert notes == {"given bars": ["large.jpg (1201 x 900)"]}


def test_ending_does_not_matter_where_the_content_is_a_picture(tmp_path):
    pixels, _ = one(tmp_path, picture(), "scan", save={"format": "PNG"})
    assert (pixels == GREY).all()


def test_letters_are_spelled_alike_on_every_system(plain):
    """A Mac may store an umlaut as a letter and two dots."""
    target = plain / unicodedata.normalize("NFD", "Füchse")
    target.mkdir()
    for number in range(30, 40):
        noise(number).save(target / f"{number}.png")
    found = data.image_folder(plain, device="cpu")
    assert found.classes == ("Bären", "Füchse", "Vögel")


# --- what is named -----------------------------------------------------------

FAULTS = {
    "Bären/broken.png": (b"\x89PNG\r\n\x1a\n" + b"?" * 99, "no picture of a"),
    "Bären/empty.gif": (b"", "0 bytes that are no picture"),
    "Bären/huge.png": (header_of_png(60_000, 60_000), "huge .*3600000000 "),
    "Bären/large.png": (header_of_png(10_000, 10_000), "huge .*100000000 "),
    "Vögel/a letter.jpg": (b"Dear reader,\n", "13 bytes that are no picture"),
    "Vögel/phone.heic": (b"\0\0\0\x18ftypheic" + bytes(99), "Save it anew as"),
}


def cut(path):
    path.write_bytes(path.read_bytes()[:-200])


@pytest.fixture
def faulty(plain):
    """The same with every fault; what its report must say of each."""
    wanted = {}
    for name, (content, complaint) in FAULTS.items():
        (plain / name).write_bytes(content)
        wanted[name] = complaint
    for ending in ("png", "jpg", "webp", "tif", "bmp"):
        path = plain / "Vögel" / f"cut short.{ending}"
        noise(50).save(path)
        cut(path)
        wanted[f"Vögel/{path.name}"] = "cannot be read whole .*Fetch it again"
    picture("F", color=0.5).save(plain / "Bären" / "fractions.tif")
    wanted["Bären/fractions.tif"] = "from 0.5 to 0.5.*8 or 16 bits"
    picture("RGB", color=0).save(plain / "Bären" / "program.tif", "EPS")
    wanted["Bären/program.tif"] = "bytes that are no picture of a kind read"
    picture("I", color=70_000).save(plain / "Bären" / "32 bits.tif")
    wanted["Bären/32 bits.tif"] = "from 70,000 to 70,000.*8 or 16 bits"
    picture(size=(1, 5000)).save(plain / "Bären" / "a line.png")
    wanted["Bären/a line.png"] = "too narrow, at 1 x 5000.*crop=True"
    noise(60).save(plain / "beside.png")
    wanted["beside.png"] = "beside the sub-folders.*Move it"
    (plain / "Bären" / "gone.png").symlink_to(plain / "nowhere.png")
    wanted["Bären/gone.png"] = "cannot be read whole .*No such file"
    return plain, wanted


def test_reading_stops_and_one_report_names_every_fault(faulty):
    folder, wanted = faulty
    with pytest.raises(data.DataError) as caught:
        data.image_folder(folder, device="cpu")
    text = str(caught.value)
    assert text.startswith(f"{folder}: 20 pictures read, {len(wanted)} files")
    lines = text.splitlines()[1:-1]
    assert len(lines) == len(wanted)
    for name, complaint in wanted.items():
        [line] = [line for line in lines if line.startswith(f"  {name}: ")]
        assert re.search(complaint, line), line
    assert text.endswith("skip=True reads the others without them.")


def test_skip_reads_the_others_and_keeps_the_report(faulty):
    folder, wanted = faulty
    found = data.image_folder(folder, device="cpu", skip=True)
    assert found.report.faults.keys() == wanted.keys()
    assert found.report.used == 20
    assert found.classes == ("Bären", "Vögel")
    assert f"from {folder}, {len(wanted)} files left out:" in str(found)


def test_damage_that_pillow_does_not_foresee_is_named_too(plain, monkeypatch):
    def fail(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr(data.folders.ImageOps, "exif_transpose", fail)
    with pytest.raises(data.DataError, match=r"whole .ZeroDivisionError"):
        data.image_folder(plain, device="cpu")


def test_file_that_may_not_be_read_is_named(plain, monkeypatch):
    def closed(path, **_):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(data.folders.Image, "open", closed)
    with pytest.raises(data.DataError, match="Permission denied"):
        data.image_folder(plain, device="cpu")


def test_what_is_no_picture_by_name_or_content_is_passed_over(plain):
    (plain / "Bären" / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    (plain / "read me.txt").write_text("Own pictures, taken by myself.")
    found = data.image_folder(plain, device="cpu")
    assert found.report.faults == {}
    assert found.report.notes == {
        "passed over, no pictures by name or content": [
            "Bären/.DS_Store", "read me.txt",
        ]
    }  # fmt: skip


def test_copy_is_left_out_so_that_it_cannot_be_tested_with(plain):
    shutil.copy(plain / "Bären" / "ein Bild 00.png", plain / "Vögel" / "z.png")
    found = data.image_folder(plain, device="cpu")
    assert found.report.used == 20
    [[copy]] = found.report.notes.values()
    assert copy == "Vögel/z.png (as Bären/ein Bild 00.png)"


def test_report_is_brief_where_much_was_done_and_keeps_it_all(plain):
    found = data.image_folder(plain, 64, device="cpu")
    text = str(found.report)
    assert "enlarged (20): Bären/ein Bild 00.png (32 x 32), " in text
    assert text.endswith(" and 15 more")
    assert len(found.report.notes["enlarged"]) == 20


def test_name_that_is_no_text_is_shown_as_it_is(plain):
    noise(70).save(plain / "Bären" / os.fsdecode(b"\xff.png"))
    (plain / "Bären" / "b.png").write_bytes(b"")
    found = data.image_folder(plain, 64, device="cpu", skip=True)
    assert r"Bären/\xff.png (32 x 32)" in found.report.notes["enlarged"]
    str(found.report).encode("utf-8")


def test_empty_folder_names_itself_and_the_remedy(tmp_path):
    with pytest.raises(data.DataError, match=r": 0 pictures.*\n.*Add pictures"):
        data.image_folder(tmp_path, device="cpu")


@pytest.mark.parametrize("what", ["nothing", "a file"])
def test_path_that_is_no_folder_is_named(tmp_path, what):
    path = tmp_path / "pictures.zip"
    if what == "a file":
        path.write_bytes(b"PK")
    with pytest.raises(data.DataError, match="no folder that can be looked"):
        data.image_folder(path, device="cpu")


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"size": 0}, "size must be a side.*got 0"),
        ({"size": "32"}, "got '32'"),
        ({"size": (32, 32, 1)}, r"got \(32, 32, 1\)"),
        ({"size": (32, 1.5)}, r"got \(32, 1.5\)"),
        ({"channels": 4}, "1 .grey. or 3 .colour., got 4"),
        ({"ground": 256}, "ground must be from 0 .black. to 255, got 256"),
        ({"ground": 0.5}, "got 0.5"),
        ({"validation": 0.5, "test": 0.5}, "got 0.5 and 0.5"),
        ({"test": -0.1}, "got 0.1 and -0.1"),
        ({"test": float("nan")}, "got 0.1 and nan"),
        ({"device": "warp"}, "warp"),
    ],
)
def test_bad_argument_is_one_clear_error(plain, options, complaint):
    with pytest.raises(ValueError, match=complaint):
        data.image_folder(plain, **options)


# --- how it is divided -------------------------------------------------------


def prints(part):
    return [image.numpy().tobytes() for image in part.images]


def test_seed_fixes_the_parts(plain):
    first, again, other = (
        data.image_folder(plain, device="cpu", seed=seed) for seed in (0, 0, 1)
    )
    for one_part, same in zip(parts(first), parts(again), strict=True):
        assert prints(one_part) == prints(same)
    assert prints(first.train) != prints(other.train)
    together = [p for part in parts(first) for p in prints(part)]
    assert len(set(together)) == 20


def test_class_is_divided_alone_as_it_is_among_others(plain):
    whole = data.image_folder(plain, device="cpu")
    alone = data.image_folder(plain / "Vögel", device="cpu")
    for part, own in zip(parts(whole), parts(alone), strict=True):
        assert prints(part[part.labels == 1]) == prints(own)


def test_new_pictures_move_no_more_than_a_few(plain):
    before = data.image_folder(plain, device="cpu", validation=0.2, test=0.2)
    for number in range(100, 120):
        noise(number).save(plain / "Vögel" / f"new {number}.png")
    after = data.image_folder(plain, device="cpu", validation=0.2, test=0.2)
    moved = set(prints(before.test)) & set(prints(after.train))
    assert len(moved) <= 1


def test_each_class_gives_its_share(plain):
    found = data.image_folder(plain, device="cpu", validation=0.3, test=0.2)
    counts = [part.labels.bincount().tolist() for part in parts(found)]
    assert counts == [[5, 5], [3, 3], [2, 2]]
    mixed = found.train.labels.tolist()
    assert mixed not in (sorted(mixed), sorted(mixed, reverse=True))


def test_part_that_would_stay_empty_is_an_error_unless_it_is_not_asked_for(
    plain,
):
    with pytest.raises(
        data.DataError, match=r"share of 0.1 to validate and 0.01"
    ):
        data.image_folder(plain, device="cpu", test=0.01)
    found = data.image_folder(plain, device="cpu", validation=0, test=0)
    assert [len(part) for part in parts(found)] == [20, 0, 0]


def test_pictures_that_show_the_same_stay_together(plain):
    """Five things, of four pictures each, from both classes."""

    def thing(name):
        return int(name[-6:-4]) // 4

    found = data.image_folder(
        plain, device="cpu", validation=0.2, test=0.2, shows=thing
    )
    numbers = {noise(k).tobytes(): k for k in range(20)}
    things = [
        {numbers[image.numpy().tobytes()] // 4 for image in part.images}
        for part in parts(found)
    ]
    assert [len(part) for part in things] == [3, 1, 1]
    assert set.union(*things) == set(range(5))
    assert [len(part) for part in parts(found)] == [12, 4, 4]


def test_one_thing_alone_cannot_be_divided(plain):
    with pytest.raises(data.DataError, match="Too few for a share"):
        data.image_folder(plain, device="cpu", shows=lambda name: "all")
