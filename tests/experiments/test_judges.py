"""Judges on data whose answer is known: doses, distances, operating ranges."""

import json

import pytest
import torch

from experiments.judges import __main__ as program
from experiments.judges import calibrate, candidates, classes, faults


@pytest.fixture
def images():
    """Ten squares of one grey, of different places: (10, 1, 16, 16)."""
    made = torch.zeros(10, 1, 16, 16)
    for k in range(10):
        made[k, 0, 4 + k % 3 : 10, 3 + k % 4 : 11] = 0.5
    return made


def drawn(n: int, shift: float = 0.0, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, 4, generator=faults.seeded(seed)) + shift


# --- faults ------------------------------------------------------------------


def test_blur_keeps_light_and_spreads_a_point_by_its_width():
    point = torch.zeros(1, 1, 41, 41)
    point[0, 0, 20, 20] = 1.0
    for sigma in (1.0, 2.0):
        spot = faults.blurred(point, sigma)[0, 0]
        assert spot.sum().item() == pytest.approx(1, abs=1e-4)
        place = torch.arange(41.0) - 20
        variance = (spot.sum(0) * place**2).sum().item()
        assert variance == pytest.approx(sigma**2, rel=0.02)
        assert torch.allclose(spot, spot.T, atol=1e-7)


def test_an_overlay_holds_the_share_of_another_picture(images):
    others = torch.ones(20, 1, 16, 16)
    dark = torch.zeros_like(images)
    assert faults.overlaid(dark, others, 0.3).unique().tolist() == (
        pytest.approx([0.3])
    )
    assert torch.equal(faults.overlaid(images, others, 0.0), images)


def test_a_patch_is_as_large_as_its_dose_and_lies_inside_the_frame():
    white = torch.ones(50, 1, 20, 20)
    for side in (2, 5, 12):
        hidden = faults.patched(white, side, frame=4)[:, 0] == 0
        assert (hidden.sum((1, 2)) == side**2).all()
        assert not hidden[:, :4].any()
        assert not hidden[:, :, -4:].any()
    places = faults.patched(white, 2, frame=4).flatten(1).argmin(1)
    assert len(places.unique()) > 20  # not everywhere the same


def test_contrast_multiplies_and_stops_at_white(images):
    assert faults.contrasted(images, 0.5).max().item() == 0.25
    assert faults.contrasted(images, 1.5).max().item() == 0.75
    assert faults.contrasted(images, 4).max().item() == 1.0


def test_components_give_back_what_lies_in_them(images):
    one = images[:1]
    line = torch.linspace(0, 1, 30)[:, None, None, None] * one
    for kept in (1, 2):
        again = faults.truncated(line, line, kept)
        assert torch.allclose(again, line, atol=1e-5)
    lost = faults.truncated(images, line, 1)
    assert (lost - images).abs().max() > 0.1


def test_missing_groups_are_missing_and_nothing_is_copied():
    labels = torch.arange(10).repeat(30)
    pool = torch.arange(300)
    for dose in (1, 4):
        chosen = faults.without(labels, dose, pool, 150, faults.seeded(0))
        assert len(labels[chosen].unique()) == 10 - dose
        assert len(chosen.unique()) == 150
    with pytest.raises(ValueError, match="only 150 pictures are left"):
        faults.without(labels, 5, pool, 151, faults.seeded(0))


def test_copies_are_made_of_as_few_as_the_dose_says():
    pool = torch.arange(1000)
    for dose, few in ((2, 50), (10, 10), (300, 1)):
        chosen = faults.copies(pool, 100, dose, faults.seeded(0))
        assert len(chosen) == 100
        assert len(chosen.unique()) == few


def test_kinds_are_found_within_each_class(images):
    many = images.repeat(12, 1, 1, 1) * torch.rand(120, 1, 1, 1)
    kinds = faults.kinds_of(many, torch.arange(2).repeat(60))
    assert sorted(kinds.unique().tolist()) == list(range(faults.KINDS))
    own = torch.arange(120) % 2 == 0
    assert len(kinds[own].unique()) == faults.KINDS


def test_every_fault_has_rising_doses_and_one_way_to_spoil():
    for fault in faults.REAL:
        assert (fault.spoil is None) != (fault.choose is None), fault.words
        steps = torch.tensor(fault.doses, dtype=torch.float64).diff()
        assert (steps > 0).all() or (steps < 0).all(), fault.words


# --- metrics and ranges ------------------------------------------------------


def test_a_network_tells_what_can_be_told():
    noise = torch.rand(300, 1, 16, 16, generator=faults.seeded(0))
    same = torch.rand(300, 1, 16, 16, generator=faults.seeded(1))
    assert candidates.told_apart(noise, same) == pytest.approx(0.5, abs=0.12)
    assert candidates.told_apart(noise * 0.5, same) > 0.95


def test_it_is_scored_on_pictures_that_it_has_not_learnt_from(monkeypatch):
    scored = []

    def answer(network, images):
        scored.append(len(images))
        return network(images)

    monkeypatch.setattr(candidates, "batched", answer)
    pictures = torch.rand(90, 1, 16, 16, generator=faults.seeded(0))
    candidates.told_apart(pictures, 1 - pictures)
    assert scored == [30, 30]


def test_effects_count_noise_and_know_which_way_is_worse():
    floor = [1.0, 2.0, 3.0]  # a standard deviation of 1
    doses = [[1.0, 2.0], [4.0, 5.0]]
    assert calibrate.effects(floor, doses, worse=1) == [0.0, 3.0]
    assert calibrate.effects(floor, doses, worse=-1) == [0.0, -3.0]
    with pytest.raises(ValueError, match="does not vary"):
        calibrate.effects([1.0, 1.0], doses, worse=1)


@pytest.mark.parametrize(
    ("found", "verdict", "first"),
    [
        ([0.1, 1.0, 4.0, 9.0], "ranks", 2),
        ([5.0, 6.0, 60.0], "ranks", 0),
        ([5.0, 60.0, 20.0], "detects", 0),
        ([5.0, 1.0, 9.0], "ranks", 2),  # lost once: seen from the last on
        ([0.0, 1.0, 2.9], "blind", None),
        ([9.0, 9.0, 1.0], "blind", None),  # the strongest is not seen
        ([0.0, -3.0, 20.0], "misled", None),
    ],
)
def test_operating_ranges_of_known_effects(found, verdict, first):
    assert calibrate.operating_range(found) == (verdict, first)


def test_a_set_is_never_compared_with_its_own_originals():
    for split in range(calibrate.FLOORS):
        reference, pool = calibrate.deal(5000, split)
        assert not torch.isin(reference, pool).any()
        assert len(reference) == calibrate.REFERENCE
        assert len(pool) >= calibrate.probe_size(5000) == calibrate.PROBE


@pytest.fixture
def asked():
    """What a judge of brightness, and one that sees nothing but noise, say of
    contrast and of missing classes.
    """
    generator = faults.seeded(0)
    labels = torch.arange(10).repeat(60)
    grey = 0.3 + 0.4 * torch.rand(600, 1, 1, 1, generator=generator)
    pictures = (grey * torch.ones(600, 1, 8, 8)).contiguous()
    base = faults.Base(
        pictures, labels, labels, pictures, pictures, pictures, 0, None
    )
    judges = [
        candidates.Judge("bright", lambda x: x.mean((2, 3)).repeat(1, 2)),
        candidates.Judge(
            "blind", lambda x: drawn(len(x), seed=int(1e4 * x.sum()) % 2**31)
        ),
    ]
    dim = faults.Fault(
        "dim", "times", (0.9, 0.6, 0.3), lambda b, d: b.images * d
    )
    plain = calibrate.plain_views(judges, pictures)
    floor = calibrate.floors(judges, plain)
    return floor, calibrate.ask(judges, plain, base, dim)


def test_a_judge_that_sees_ranks_and_a_blind_one_is_called_blind(asked):
    table = calibrate.ranges(*asked)
    assert table["bright"]["frechet"]["verdict"] == "ranks"
    assert table["bright"]["precision"]["first"] is not None
    assert table["blind"]["frechet"]["verdict"] == "blind"
    assert table["blind"]["precision"]["verdict"] == "blind"


def test_a_judge_that_was_trained_elsewhere_does_not_go_on():
    pictures = torch.rand(600, 1, 8, 8, generator=faults.seeded(0))
    rows = candidates.Judge("rows", lambda x: 10 * x.mean(3)[:, 0])
    plain = calibrate.plain_views([rows], pictures)
    floor = calibrate.floors([rows], plain)
    calibrate.check_same([rows], plain, floor)
    with pytest.raises(ValueError, match="rows is not the one whose"):
        calibrate.check_same([rows], [1.05 * plain[0]], floor)


# --- class counts ------------------------------------------------------------


def test_miscounts_of_known_labels():
    truth = torch.arange(10).repeat(10)
    assert classes.miscounted(truth, truth) == 0
    wrong = truth.clone()
    wrong[truth == 3] = 4
    assert classes.miscounted(wrong, truth) == pytest.approx(0.1)
    swapped = 9 - truth  # every one wrong, and yet counted right
    assert classes.miscounted(swapped, truth) == pytest.approx(0)


def test_a_skewed_collection_has_the_shares_that_it_is_to_have():
    part = classes.skewed(torch.arange(10).repeat(100))
    labels = torch.arange(10).repeat(100)[part]
    shares = torch.bincount(labels) / len(labels)
    assert torch.allclose(shares, classes.SKEW.float(), atol=0.01)


def test_neighbours_vote():
    known = torch.tensor([[0.0], [1.0]]).repeat(20, 1)
    labels = torch.arange(2).repeat(20)
    assert classes.vote(
        known, labels, torch.tensor([[0.1], [0.8]])
    ).tolist() == [0, 1]


# --- the file of results -----------------------------------------------------


def test_a_block_is_made_once_and_survives_a_restart(tmp_path):
    path, made = tmp_path / "judges.json", []

    def make() -> dict:
        made.append(1)
        return {"x": 1 / 3}

    for _ in range(2):
        program.Store("toys", path).add("block", make)
    program.Store("others", path).add("block", make)
    stored = json.loads(path.read_text())
    assert made == [1, 1]
    assert stored["toys"]["block"] == {"x": 0.3333}
    assert stored["others"]["made_with"]["splits"] == calibrate.SPLITS


def test_a_block_is_asked_of_the_judges_that_it_lacks(tmp_path):
    first, second = (
        candidates.Judge(name, lambda x: x) for name in ("first", "second")
    )
    store, asked = program.Store("toys", tmp_path / "judges.json"), []

    def ask(judges) -> dict:
        asked.append([judge.name for judge in judges])
        return {judge.name: len(asked) for judge in judges} | {"none": 0}

    for judges in ([first], [first, second], [first, second]):
        store.fill("block", judges, ask)
    assert asked == [["first"], ["second"]]
    assert store.blocks()["block"] == {"first": 1, "none": 0, "second": 2}


def test_a_judge_that_comes_later_gets_its_ranges_and_changes_no_others(
    tmp_path, images
):
    def judge(name, scale):
        return candidates.Judge(name, lambda x: scale * x.flatten(1)[:, ::9])

    some = torch.rand(60, 1, 16, 16, generator=faults.seeded(1))
    base = faults.Base(some, *[None] * 7)
    blur = faults.Fault(
        "blur", "pixels", (1, 2), lambda b, d: faults.blurred(b.images, d)
    )
    store, found = program.Store("toys", tmp_path / "judges.json"), []
    for judges in ([judge("one", 1)], [judge("one", 1), judge("two", 2)]):
        program.add_calibration(
            store, "real", judges, base, lambda: (some, (blur,))
        )
        found.append(store.blocks()["real: ranges"]["blur"]["judges"])
    assert [list(judges) for judges in found] == [["one"], ["one", "two"]]
    assert found[0]["one"] == found[1]["one"]
