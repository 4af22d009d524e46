"""The latent map and the encoder: what is decoded behind the codes, clouds
under a lens, linked planes, and how it all fits a screen.
"""

import base64
import re

import numpy as np
import pytest
import torch

from aevae_lib import models, sample
from tests.site import small
from tests.site.test_live import (
    PIXELS,
    VALUE,
    after,
    codes_of,
    handle,
    inside,
    painted,
    place,
)

LAPTOP, PHONE = (1366, 768), (390, 844)
KINDS = (models.Autoencoder, models.VAE)
MAPS = ["map", "saved-map"]
BOTH_MAPS = pytest.mark.parametrize("name", MAPS)
# The messages to workers, each as its plane, its network and its grid.
COUNT_WISHES = """
window.wishes = [];
const send = Worker.prototype.postMessage;
Worker.prototype.postMessage = function (wish, ...more) {
  window.wishes.push([wish.plane, wish.key, wish.grid]);
  return send.call(this, wish, ...more);
};
"""


def backdrop(page, index, finest=True):
    """The pictures behind a plane, once they are as fine as they get, or as
    soon as there are any: (N, 3, side, side), row by row from the top.
    """
    least = 16 if finest else 8
    found = page.wait_for_function(
        f"""([index, least]) => {{
          const plane = document.querySelectorAll(".aevae-plane")[index];
          const canvas = plane.querySelector(".aevae-backdrop");
          const now = Number(canvas?.dataset.grid ?? 0);
          return now >= least && [now, ({PIXELS})(canvas)];
        }}""",
        arg=[index, least],
        timeout=60_000,
    )
    number, levels = found.json_value()
    edge = round((len(levels) / 3) ** 0.5)
    image = torch.tensor(levels).view(edge, edge, 3).permute(2, 0, 1)
    side = edge // number
    parts = image.unfold(1, side, side).unfold(2, side, side)
    return parts.permute(1, 2, 0, 3, 4).reshape(-1, 3, side, side)


def centres(one, grid):
    """The points at which a plane is decoded, row by row from the top."""
    share = (torch.arange(grid) + 0.5) / grid
    low, high = torch.tensor(one["low"]), torch.tensor(one["high"])
    x, y = (low + (high - low) * share[:, None]).T
    return torch.cartesian_prod(y.flip(0), x).flip(1)


# --- what is decoded behind the codes ----------------------------------------


@BOTH_MAPS
def test_behind_a_plane_stands_what_torch_decodes_there(visit, panels, name):
    page = visit(name)
    for index, kind in enumerate(KINDS):
        shown = backdrop(page, index)
        z = centres(panels["map"].view.maps[index], 16)
        expected = sample.pictures(small.quick(kind), z)
        assert (shown - expected).abs().max() < 1e-2
    box = handle(page, "show_backdrop")
    assert box.is_checked()
    box.uncheck()
    page.locator(".aevae-backdrop").first.wait_for(state="detached")
    assert page.locator(".aevae-plane[data-backdrop]").count() == 0
    box.check()
    page.locator(".aevae-plane[data-backdrop] .aevae-backdrop").first.wait_for()


def test_pictures_that_are_not_square_stand_in_the_middle(visit, panels):
    page = visit("colour")
    shown = backdrop(page, 1, finest=False)
    z = centres(panels["colour"].view.maps[1], round(len(shown) ** 0.5))
    expected = sample.pictures(small.colourful(models.VAE), z).clamp(0, 1)
    # 64 rows by 48 columns, drawn at 48 by 36
    rows = ((torch.arange(48) + 0.5) * 64 / 48).long()
    columns = ((torch.arange(6, 42) + 0.5) * 64 / 48 - 8).long()
    expected = expected[:, :, rows][..., columns]
    assert (shown[..., 6:42] - expected).abs().max() < 1e-2
    assert shown[..., :6].max() == shown[..., 42:].max() == 0


def test_what_was_decoded_once_is_kept(visit, browser):
    page = visit("plain")
    page.add_init_script(COUNT_WISHES)
    page.goto(page.url.replace("plain", "series"))
    page.wait_for_selector(".aevae-is-ready")
    for index in (0, 1):
        backdrop(page, index)
    nets = [wish[:2] for wish in page.evaluate("window.wishes")]
    assert sorted(map(tuple, nets)) == [(0, 2), (0, 2), (1, 5), (1, 5)]
    grids = [wish[2] for wish in page.evaluate("window.wishes")]
    assert sorted(grids) == [8, 8, 16, 16]  # coarse at once, fine when idle
    first = backdrop(page, 0)
    one = handle(page, "checkpoint")
    one.focus()
    one.press("ArrowLeft")
    page.wait_for_function("window.wishes.some(([, key]) => key === 1)")
    one.press("ArrowRight")
    page.wait_for_timeout(500)
    count = page.evaluate("window.wishes.length")
    assert (backdrop(page, 0) - first).abs().max() == 0
    page.wait_for_timeout(500)
    wishes = page.evaluate("window.wishes")[count:]
    assert not [wish for wish in wishes if wish[1] in (2, 5)]


@pytest.mark.parametrize(
    "refusal",
    [
        "window.Worker = class { constructor() { throw new Error('no'); } };",
        "window.Worker = class extends EventTarget { terminate() {}"
        " postMessage() { this.dispatchEvent(new Event('error')); } };",
    ],
    ids=["at once", "later"],
)
def test_a_page_without_workers_says_so_and_works(visit, refusal):
    page = visit("plain")
    page.add_init_script(refusal)
    page.goto(page.url.replace("plain", "map"))
    page.get_by_text("This page allows no worker").wait_for()
    assert page.locator(".aevae-backdrop").count() == 0
    plane = page.locator(".aevae-plane").first
    plane.focus()
    after(page, lambda: plane.press("Shift+ArrowRight"))


# --- clouds under a lens -----------------------------------------------------


def sigmas_of(one):
    raw = base64.b64decode(one["sigmas"])
    return torch.from_numpy(np.frombuffer(raw, "<f4").copy()).view(-1, 2)


def test_a_lens_counts_the_clouds_that_hold_the_ring(visit, panels):
    view = panels["map"].view
    codes = codes_of(view, 1)
    sigmas = sigmas_of(view.maps[1]["checkpoints"][0])
    counts = []
    for garment in (3, 500):
        z = codes[garment] + 0.3 * sigmas[garment]
        query = {f"map1_z{axis}": z[axis].item() for axis in (0, 1)}
        page = visit("map", query=query)
        apart = (codes - z) / sigmas
        held = (apart.norm(dim=1) <= 2).sum().item()
        lens = page.locator(".aevae-lens-shot")
        assert lens.count() == 1  # an autoencoder has points
        half = 5 * sigmas.sort(0).values[500].max().item()
        assert f"{2 * half:.2f} wide: inside {held} cloud" in lens.inner_text()
        label = page.locator(".aevae-lens").get_attribute("aria-label")
        assert f"inside {held} cloud" in label
        counts.append(held)
    assert min(counts) > 0


@pytest.mark.parametrize("name", ["encoder", "saved-encoder"])
def test_a_cloud_can_be_seen(visit, name):
    """One pixel of it on the plane is many under the lens."""
    page = visit(name)
    told = page.locator(".aevae-told").nth(1).inner_text()
    written = re.search(r"\u03c3 = \((.+), (.+)\)", told).groups()
    sigma = [float(number) for number in written]
    paths = page.locator(".aevae-lens-own")
    assert paths.count() == 2  # one and two standard deviations
    for times, path in zip((1, 2), paths.all(), strict=True):
        d = path.get_attribute("d")
        rx, ry = map(float, re.search(r"a([\d.]+) ([\d.]+) ", d).groups())
        assert max(rx, ry) == pytest.approx(times * 10, abs=0.1)
        ratio = min(rx, ry) / max(rx, ry)
        assert ratio == pytest.approx(min(sigma) / max(sigma), rel=0.2)
    shapes = page.locator(".aevae-lens-cloud").evaluate_all(
        "(all) => all.map((one) => one.getAttribute('d')).join('')"
    )
    assert "a" in shapes, "no neighbour's cloud is in the lens"
    box = page.locator(".aevae-lens").bounding_box()
    assert box["width"] > 80


# --- classes, links, hovering, playing ---------------------------------------


@BOTH_MAPS
def test_a_class_is_shown_alone_by_a_click_or_a_key(visit, name):
    page = visit(name)
    shirt = page.get_by_role("button", name="Shirt", exact=True)
    shown = "path.aevae-points[data-class]:not([data-off])"
    assert page.locator(shown).count() == 20
    shirt.click()
    assert shirt.get_attribute("aria-pressed") == "true"
    alone = page.locator(shown).evaluate_all(
        "(all) => all.map((one) => one.dataset.class)"
    )
    assert alone == ["6", "6"]
    bag = page.get_by_role("button", name="Bag", exact=True)
    bag.focus()
    bag.press("Enter")
    assert shirt.get_attribute("aria-pressed") == "false"
    assert page.locator(shown).count() == 2
    bag.press("Enter")
    assert page.locator(shown).count() == 20


def ring(page, index):
    traits = [f"map{index}_z{axis}" for axis in (0, 1)]
    return torch.tensor([handle(page, t).evaluate(VALUE) for t in traits])


def nearest(codes, z):
    return ((codes - z) / codes.std(0)).norm(dim=1).argmin().item()


@BOTH_MAPS
def test_planes_are_linked_by_the_garment_nearest_to_the_ring(
    visit, panels, name
):
    page, view = visit(name), panels["map"].view
    codes = [codes_of(view, index) for index in (0, 1)]
    for moved, other in ((0, 1), (1, 0)):
        plane = page.locator(".aevae-plane").nth(moved)
        plane.scroll_into_view_if_needed()
        at = inside(plane.bounding_box(), 0.45, 0.4)
        after(page, lambda at=at: page.mouse.click(*at))
        garment = nearest(codes[moved], ring(page, moved))
        step = view.maps[other]["step"]
        expected = codes[other][garment]
        assert (ring(page, other) - expected).abs().max() <= 0.51 * step + 1e-6
        before = ring(page, other)
        after(page, lambda plane=plane: plane.press("Shift+ArrowRight"))
        garment = nearest(codes[moved], ring(page, moved))
        expected = codes[other][garment]
        assert (ring(page, other) - expected).abs().max() <= 0.51 * step + 1e-6
    handle(page, "link_rings").uncheck()
    before = ring(page, 0)
    after(page, lambda: plane.press("Shift+ArrowRight"))
    assert torch.equal(ring(page, 0), before)


@BOTH_MAPS
def test_the_same_garment_is_marked_on_both_planes(visit, panels, name):
    view, codes = panels["map"].view, []
    where = place(view.maps[0], (0.4, 0.6))
    query = {f"map0_z{axis}": where[axis] for axis in (0, 1)}
    page = visit(name, query=query | {"map1_z0": 0.5})
    page.wait_for_timeout(100)
    codes = [codes_of(view, index) for index in (0, 1)]
    garment = nearest(codes[0], ring(page, 0))
    for index, one in enumerate(view.maps):
        twin = page.locator(".aevae-plane .aevae-twin").nth(index)
        x, y = map(
            float, re.findall(r"[-\d.]+", twin.get_attribute("transform"))
        )
        low, high = torch.tensor(one["low"]), torch.tensor(one["high"])
        share = (codes[index][garment] - low) / (high - low)
        assert [x, 100 - y] == pytest.approx((100 * share).tolist(), abs=0.01)


def test_a_mouse_that_passes_previews_and_moves_nothing(visit, panels):
    page, one = visit("map"), panels["map"].view.maps[1]
    before = [ring(page, index) for index in (0, 1)]
    plane = page.locator(".aevae-plane").nth(1)
    plane.scroll_into_view_if_needed()
    box = plane.bounding_box()
    glimpse = page.locator(".aevae-glimpse").nth(1)
    assert glimpse.is_hidden()
    page.mouse.move(*inside(box, 0.2, 0.7))
    page.mouse.move(*inside(box, 0.25, 0.75))
    glimpse.wait_for()
    page.wait_for_timeout(100)
    shown = painted(page, ".aevae-glimpse canvas", 1)
    z = torch.tensor([place(one, (0.25, 0.25))])
    expected = sample.pictures(small.quick(models.VAE), z)
    assert (shown - expected).abs().mean() < 0.02  # a pointer has whole pixels
    seen = glimpse.bounding_box()
    assert box["x"] <= seen["x"]
    assert seen["x"] + seen["width"] <= box["x"] + box["width"]
    page.mouse.move(1, 1)
    glimpse.wait_for(state="hidden")
    for index in (0, 1):
        assert torch.equal(ring(page, index), before[index])


@pytest.mark.parametrize("name", ["series", "saved-series"])
def test_checkpoints_play_from_the_first_to_the_last(visit, name):
    page = visit(name)
    play = page.get_by_role("button", name="Play the seed")
    one = handle(page, "checkpoint")
    assert one.evaluate("(one) => one.ariaValueText ?? ''") == "seed 0"
    one.evaluate(
        """(one) => {
          window.said = [];
          new MutationObserver(() => {
            if (window.said.at(-1) !== one.ariaValueText) {
              window.said.push(one.ariaValueText);
            }
          }).observe(one, { attributeFilter: ["aria-valuetext"] });
        }"""
    )
    play.click()
    page.wait_for_function("window.said.at(-1) === 'seed 0'")
    assert page.evaluate("window.said") == ["seed 1", "seed 2", "seed 0"]
    play.wait_for()  # it stops at the end, and is called so again
    page.get_by_role("button", name="Play the seed").click()
    page.get_by_role("button", name="Pause").click()
    page.wait_for_timeout(300)
    rests = one.evaluate("(one) => one.ariaValueText")
    page.wait_for_timeout(1500)
    assert one.evaluate("(one) => one.ariaValueText") == rests


# --- how it fits a screen ----------------------------------------------------


@pytest.mark.parametrize(
    "name", ["map", "series", "encoder", "one", "saved-map", "saved-encoder"]
)
def test_planes_images_and_controls_fit_a_laptop(visit, panels, name):
    page = visit(name, LAPTOP)
    top = page.locator(".aevae-panel").bounding_box()["y"]
    last = list(panels[name.removeprefix("saved-")].controls)
    boxes = [handle(page, trait) for trait in last]
    boxes += page.locator(".aevae-panel input[type=checkbox]").all()
    ends = [one.bounding_box() for one in boxes if one.is_visible()]
    assert max(box["y"] + box["height"] for box in ends) - top <= 760
    plane = page.locator(".aevae-plane").first.bounding_box()
    image = page.locator(".aevae-shot .aevae-image").first.bounding_box()
    assert image["x"] > plane["x"] + plane["width"]  # beside it
    assert image["y"] < plane["y"] + plane["height"] / 2


@pytest.mark.parametrize("name", ["map", "encoder", "one", "saved-map"])
def test_on_a_phone_images_stay_beside_the_sliders(visit, panels, name):
    page = visit(name, PHONE)
    for trait in panels[name.removeprefix("saved-")].sliders:
        one = handle(page, trait)
        if not one.is_visible():
            continue
        one.evaluate("(one) => one.scrollIntoView({ block: 'center' })")
        page.wait_for_timeout(30)
        slider = one.bounding_box()
        for shot in page.locator(".aevae-shot").all():
            box = shot.bounding_box()
            assert box["y"] >= 0
            assert box["y"] + box["height"] <= min(844, slider["y"] + 4)


# --- the pad -----------------------------------------------------------------


def opened_pad(page):
    page.locator(".aevae-draw-own summary").click()
    return page.locator(".aevae-pad")


def likeness(model, image, known):
    """The place of the known image whose code is nearest to that of an image,
    and how many of them the model redraws better.
    """

    def error(images):
        off = sample.reconstruct(model, images) - images
        return off.square().flatten(1).sum(1)

    code, codes = sample.encode(model, image), sample.encode(model, known)
    near = (codes - code).norm(dim=1).argmin().item()
    return near, (error(known) < error(image)).sum().item()


@pytest.mark.parametrize("name", ["encoder", "saved-encoder"])
def test_what_is_drawn_is_encoded_and_judged(visit, panels, name):
    page, view = visit(name), panels["encoder"].view
    raw = np.frombuffer(base64.b64decode(view.images), np.uint8)
    known = torch.from_numpy(raw.copy()).view(-1, 1, 32, 32) / 255
    pad = opened_pad(page)
    after(page, page.get_by_role("button", name="Blank sheet").click)
    assert painted(page, ".aevae-input .aevae-image").max() == 0
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    page.mouse.move(*inside(box, 0.2, 0.5))
    page.mouse.down()
    after(page, lambda: page.mouse.move(*inside(box, 0.8, 0.5), steps=7))
    page.mouse.up()
    page.wait_for_timeout(80)
    drawn = painted(page, ".aevae-input .aevae-image")[:, :1].float()
    rows, columns = (drawn[0, 0].amax(axis) for axis in (1, 0))
    assert rows.nonzero().flatten().tolist() == [15, 16]
    found = columns.nonzero().flatten()
    assert found.tolist() == list(range(found[0], found[-1] + 1)), "gaps"
    assert (found[0], found[-1]) == (5, 26)
    assert set(drawn.unique().tolist()) == {0, 1}
    assert torch.equal(painted(page, ".aevae-pad canvas")[:, :1], drawn)
    told = page.locator(".aevae-like")
    for index, kind in enumerate(KINDS):
        model = small.quick(kind)
        near, better = likeness(model, drawn, known)
        shown = painted(page, ".aevae-like .aevae-image", index)
        assert (shown[:, :1] - known[near]).abs().max() < 1e-6
        words = told.nth(index).inner_text()
        assert view.names[near] in words
        assert f"redraws {better} of the {len(known)} images" in words
        picture = sample.reconstruct(model, drawn)
        seen = painted(page, ".aevae-encoded .aevae-image", index)
        assert (seen - picture).abs().max() < 1e-2


def test_the_pad_is_there_for_keys_and_gives_the_garment_back(visit):
    page = visit("encoder")
    before = painted(page, ".aevae-input .aevae-image")
    pad = opened_pad(page)
    after(page, page.get_by_role("button", name="Blank sheet").click)
    pad.focus()
    for key in ("Shift+ArrowUp", "ArrowLeft"):
        pad.press(key)
    after(page, lambda: pad.press("Space"))
    page.wait_for_timeout(80)
    drawn = painted(page, ".aevae-input .aevae-image")[0, 0]
    assert drawn.nonzero().float().mean(0).tolist() == [11.5, 14.5]
    page.get_by_role("button", name="Rubber").click()
    pad.focus()
    after(page, lambda: pad.press("Space"))
    page.wait_for_timeout(80)
    assert painted(page, ".aevae-input .aevae-image").max() == 0
    after(page, page.get_by_role("button", name="Take strokes off").click)
    assert torch.equal(painted(page, ".aevae-input .aevae-image"), before)
    after(page, page.get_by_role("button", name="Blank sheet").click)
    after(page, page.locator(".aevae-thumb").nth(3).click)
    page.wait_for_timeout(80)
    assert painted(page, ".aevae-input .aevae-image").max() > 0
