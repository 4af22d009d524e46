"""The figures: what is drawn where, and that names can be read."""

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from aevae_lib import data, plots

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_plane_starts_at_the_top_left_and_runs_by_rows():
    points = plots.plane((0.0, 4.0, -2.0, 2.0), side=4)
    assert points[0].tolist() == [0.5, 1.5]
    assert points[3].tolist() == [3.5, 1.5]
    assert points[-1].tolist() == [3.5, -1.5]


def test_decoded_plane_puts_each_image_at_its_point():
    extent = (0.0, 4.0, -2.0, 2.0)
    points = plots.plane(extent, side=4)
    images = torch.zeros(16, 1, 32, 32)
    images[6] = 1.0
    shown = plots.decoded_plane(images, extent).images[0]
    rows, columns = np.nonzero(shown.get_array())
    left, right, bottom, top = shown.get_extent()
    x = left + (right - left) * (columns.mean() + 0.5) / 128
    y = top - (top - bottom) * (rows.mean() + 0.5) / 128
    assert [x, y] == pytest.approx(points[6].tolist())


@pytest.mark.parametrize("scale", [1, 255])
def test_bytes_and_floats_look_the_same(scale):
    images = torch.linspace(0, 1, 1024).view(1, 1, 32, 32)
    images = images if scale == 1 else (images * 255).round().byte()
    shown = plots.image_rows({"row": images}).images[0]
    assert shown.get_clim() == (0, 1)
    assert np.allclose(
        shown.get_array().ravel(), np.linspace(0, 1, 1024), atol=0.003
    )


def test_images_stand_in_reading_order():
    images = torch.arange(6).view(6, 1, 1, 1).expand(6, 1, 32, 32) / 5
    canvas = plots.image_grid(images, columns=3).images[0].get_array()
    centres = [
        [canvas[16 + 34 * row, 16 + 34 * column] for column in range(3)]
        for row in (0, 1)
    ]
    assert np.allclose(centres, [[0, 0.2, 0.4], [0.6, 0.8, 1.0]])


def test_class_names_do_not_hide_one_another():
    """Ten classes on one spot: every name can still be read."""
    generator = torch.Generator().manual_seed(0)
    codes = torch.randn(5000, 2, generator=generator)
    ax = plots.latent_scatter(codes, torch.arange(5000) % 10)
    ax.figure.canvas.draw()
    boxes = [text.get_window_extent() for text in ax.texts]
    assert len(boxes) == len(data.CLASS_NAMES)
    for i, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:i])


def test_clouds_are_drawn_at_one_and_two_standard_deviations():
    ax = plt.figure().add_subplot()
    plots.clouds(
        torch.tensor([[1.0, 2.0]]),
        torch.tensor([[0.0, np.log(4.0)]]),
        ["red"],
        ax,
    )
    assert [(e.center, e.width, e.height) for e in ax.patches] == [
        ([1.0, 2.0], pytest.approx(2.0), pytest.approx(4.0)),
        ([1.0, 2.0], pytest.approx(4.0), pytest.approx(8.0)),
    ]


def test_loss_curves_follow_the_history():
    history = [{"images_seen": 10, "kl": 1.0}, {"images_seen": 20, "kl": 3.0}]
    line = plots.loss_curves(history, ["kl"]).lines[0]
    assert line.get_xdata().tolist() == [10, 20]
    assert line.get_ydata().tolist() == [1.0, 3.0]


def test_source_is_shown_as_it_is():
    assert "def plane(" in plots.show(plots.plane).data
