"""The figures: what is drawn where, and that names can be read."""

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from aevae_lib import plots
from aevae_lib.data import Split

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
    assert len(boxes) == 10
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


COLOUR = (0.2, 0.4, 0.9)


def coloured(n, height=64, width=48):
    """Pictures in one colour, darker from one to the next."""
    shade = torch.linspace(1, 0.1, n)[:, None] * torch.tensor(COLOUR)
    return shade[..., None, None].expand(-1, -1, height, width)


@pytest.mark.parametrize("scale", [1, 255])
def test_pictures_in_colour_and_not_square_keep_colour_and_place(scale):
    images = coloured(6)
    images = images if scale == 1 else (images * 255).round().byte()
    canvas = plots.image_grid(images, columns=3).images[0].get_array()
    assert canvas.shape == (2 * 66 - 2, 3 * 50 - 2, 3)
    for k, (row, column) in enumerate((r, c) for r in (0, 1) for c in range(3)):
        at = canvas[32 + 66 * row, 24 + 50 * column]
        assert np.allclose(at, coloured(6)[k, :, 0, 0], atol=0.003)
    assert np.all(canvas[64:66] == 1)  # the gap
    assert np.all(canvas[:, 48:50] == 1)


def test_each_row_is_named_at_its_middle():
    ax = plots.image_rows({"one": coloured(4), "two": coloured(3)})
    assert [label.get_text() for label in ax.get_yticklabels()] == [
        "one",
        "two",
    ]
    assert ax.get_yticks() == pytest.approx([31.5, 97.5], abs=1.5)


def test_a_plane_of_pictures_in_colour_has_no_gaps():
    shown = plots.decoded_plane(coloured(9), (-1.0, 1.0, -1.0, 1.0)).images[0]
    assert shown.get_array().shape == (3 * 64, 3 * 48, 3)
    assert np.allclose(shown.get_array()[0, 0], COLOUR)


def test_what_leaves_black_or_white_is_shown_as_black_or_white():
    images = torch.tensor([-0.5, 0.5, 1.5])[:, None, None, None]
    for channels in (1, 3):
        shown = plots.image_grid(images.expand(-1, channels, 8, 8), columns=3)
        canvas = shown.images[0].get_array()
        centres = canvas[4, [4, 14, 24]]
        assert np.allclose(centres.reshape(3, -1).T, [0, 0.5, 1])


@pytest.mark.parametrize("shape", [(4, 2, 8, 8), (4, 8, 8), (4, 7)])
def test_what_is_no_picture_is_named(shape):
    with pytest.raises(ValueError, match="1 or 3, H, W"):
        plots.image_grid(torch.rand(shape))


def codes_and_split(count, names=()):
    codes = torch.randn(600, 2, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(600) % count
    return codes, Split(torch.zeros(600, 1, 8, 8), labels, names)


def test_classes_are_called_as_their_data_call_them():
    codes, split = codes_and_split(3, ("cat", "dog", "yak"))
    for ax in (
        plots.latent_scatter(codes, split),
        plots.class_names(codes, split, plt.figure().add_subplot()),
    ):
        assert {text.get_text() for text in ax.texts} == {"cat", "dog", "yak"}
    ax = plots.latent_scatter(codes, split.labels)
    assert {text.get_text() for text in ax.texts} == {"0", "1", "2"}
    assert not plots.latent_scatter(codes, split, names=False).texts


def test_many_classes_look_different():
    codes, split = codes_and_split(20)
    ax = plots.latent_scatter(codes, split)
    assert len(ax.collections) == len(ax.texts) == 20
    assert len({plots.class_look(k) for k in range(20)}) == 20
    assert [plots.class_look(k) for k in range(10)] == list(
        zip(plots.CLASS_COLORS, plots.CLASS_MARKERS, strict=True)
    )
    own = codes[split.labels == 13]
    assert np.allclose(ax.collections[13].get_offsets(), own)


def test_the_priors_circles_hold_the_mass_that_is_said_of_them():
    ax = plots.prior_circles(plt.figure().add_subplot())
    assert [circle.radius for circle in ax.patches] == [1, 2]
    assert all(tuple(circle.center) == (0, 0) for circle in ax.patches)
    held = [1 - np.exp(-(circle.radius**2) / 2) for circle in ax.patches]
    assert held == pytest.approx([0.39, 0.86], abs=0.01)


def test_tensors_that_carry_gradients_can_be_drawn():
    codes, split = codes_and_split(3)
    images = coloured(4).clone().requires_grad_(True)
    plots.latent_scatter(codes.requires_grad_(True), split)
    plots.class_names(codes, split, plt.figure().add_subplot())
    plots.image_grid(images)
    plots.clouds(codes[:2], codes[:2], ["red"] * 2, plt.figure().add_subplot())


def test_source_is_shown_as_it_is():
    assert "def plane(" in plots.show(plots.plane).data


def test_intervals_stand_in_rows_from_the_top_down():
    found = {"one": (2.0, 1.0, 4.0, 10), "two": (5.0, 5.0, 5.5, 10)}
    colors = ["#ff0000", "#0000ff"]
    ax = plots.intervals(found, colors, shift=0.1, label="all")
    names = [text.get_text() for text in ax.get_yticklabels()]
    assert names == ["one", "two"]
    lines, dots = ax.collections
    ends = [line.tolist() for line in lines.get_segments()]
    assert ends == [[[1, 0.1], [4, 0.1]], [[5, 1.1], [5.5, 1.1]]]
    assert dots.get_offsets().tolist() == [[2, 0.1], [5, 1.1]]
    assert dots.get_label() == "all"
    for drawn in (lines.get_color(), dots.get_facecolor()):
        assert drawn.tolist() == [[1, 0, 0, 1], [0, 0, 1, 1]]
    bottom, top = ax.get_ylim()
    assert bottom > top
