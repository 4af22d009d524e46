"""The nearest pictures, and how far they are."""

import math

import pytest
import torch

from aevae_lib import measure
from aevae_lib.data import Split
from tests.library.measure.known import generator


def garments(n, seed=0):
    images = torch.zeros(n, 1, 32, 32, dtype=torch.uint8)
    images[..., 2:-2, 2:-2] = torch.randint(
        0, 256, (n, 1, 28, 28), generator=generator(seed)
    )
    return Split(images, torch.arange(n) % 10, frame=2)


def test_a_copy_is_its_own_nearest_image():
    reference = garments(50)
    index, distance = measure.nearest_images(
        reference.images.float() / 255, reference, 7
    )
    assert torch.equal(index, torch.arange(50))
    assert torch.equal(distance, torch.zeros(50))


def test_distance_runs_from_a_copy_to_black_against_white():
    nothing = torch.zeros(1, 1, 32, 32, dtype=torch.uint8)
    black = Split(nothing, torch.zeros(1).long(), frame=2)
    grey = torch.full((1, 1, 32, 32), 0.25)
    half_white = torch.zeros(1, 1, 32, 32)
    half_white[..., 2:16, 2:-2] = 1
    _, distance = measure.nearest_images(
        torch.cat([grey, grey * 4, half_white]), black
    )
    assert distance.tolist() == pytest.approx([0.25, 1.0, math.sqrt(0.5)])


def test_the_nearest_of_several_is_found():
    reference, noise = (
        garments(40),
        0.1 * torch.rand(40, 1, 32, 32, generator=generator(1)),
    )
    images = reference.images.float() / 255 * 0.9 + noise
    everywhere = (images[:, None] - reference.images[None].float() / 255)[
        ..., 2:-2, 2:-2
    ]
    expected = everywhere.square().mean((2, 3, 4)).sqrt().min(dim=1)
    index, distance = measure.nearest_images(images, reference, batch_size=9)
    assert torch.equal(index, expected.indices)
    assert torch.allclose(distance, expected.values)


def test_what_lies_in_the_frame_does_not_count():
    reference, bare = garments(20), garments(20)
    images = reference.images / 255
    images[..., :2, :] = 1
    index, distance = measure.nearest_images(images, reference)
    assert torch.equal(index, torch.arange(20))
    assert torch.equal(distance, torch.zeros(20))
    bare = Split(bare.images, bare.labels)  # no frame: every pixel counts
    _, distance = measure.nearest_images(images, bare)
    assert distance.tolist() == pytest.approx([math.sqrt(64 / 1024)] * 20)


@pytest.mark.parametrize("shape", [(3, 64, 48), (1, 28, 28), (5,)])
def test_images_of_any_shape_have_a_nearest(shape):
    known = torch.rand(30, *shape, generator=generator())
    reference = Split(known, torch.arange(30) % 3)
    index, distance = measure.nearest_images(known.flip(0) + 0.001, reference)
    assert index.tolist() == list(range(29, -1, -1))
    assert distance.tolist() == pytest.approx([0.001] * 30, abs=1e-5)


def test_bytes_are_taken_for_what_they_show():
    reference = garments(20)
    as_bytes = measure.nearest_images(reference.images[:5], reference)
    as_floats = measure.nearest_images(reference.images[:5] / 255, reference)
    assert all(map(torch.equal, as_bytes, as_floats))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_not_a_number_is_refused(value):
    with pytest.raises(ValueError, match="finite"):
        measure.nearest_images(torch.full((1, 1, 32, 32), value), garments(2))


@pytest.mark.parametrize(
    ("images", "error", "message"),
    [
        (torch.rand(3, 784), ValueError, "1, 32, 32"),
        (torch.rand(0, 1, 32, 32), ValueError, "got"),
        (garments(2), TypeError, r"\.images"),
        (torch.ones(2, 1, 32, 32).bool(), TypeError, "bool"),
    ],
)
def test_wrong_images_are_named(images, error, message):
    with pytest.raises(error, match=message):
        measure.nearest_images(images, garments(2))
