"""The second edition's learning rates: chosen on validation images, for each
kind, network and data set by itself.
"""

import pytest

from experiments.second import __main__ as sweep
from experiments.second import rates, runs
from experiments.second.runs import ANIMALS, Run

RUN = Run("ae", 2, 0)


def results(losses: dict[float, float], run: Run = RUN) -> dict[str, dict]:
    """What tuning would have stored, had it found these losses at every
    dimension; None for a run that failed.
    """
    found = {}
    for each in rates.candidates(run):
        for lr, loss in losses.items():
            tried = Run(**vars(each) | {"lr": lr})
            row = [] if loss is None else [{"validation_loss": loss}]
            found[tried.name] = {
                "config": vars(tried), "history": row, "failed": loss is None,
            }  # fmt: skip
    return found


GRID = {0.004: 9.0, 0.008: 7.0, 0.016: 6.0, 0.032: 8.0, 0.064: 9.0}


def test_the_rate_with_the_lowest_loss_is_taken():
    assert rates.choose(RUN, results(GRID)) == 0.016


def test_the_loss_is_summed_over_dimensions():
    stored = results(GRID)
    stored[Run("ae", 16, 100, lr=0.016).name]["history"] = [
        {"validation_loss": 20.0}
    ]
    assert rates.choose(RUN, stored) == 0.008


def test_a_rate_at_which_any_run_failed_is_out():
    stored = results(GRID)
    name = Run("ae", 16, 100, lr=0.016).name
    stored[name] |= {"failed": True, "history": []}
    assert rates.choose(RUN, stored) == 0.008


def test_each_kind_network_and_data_set_has_its_own():
    stored = results(GRID)
    for other in (
        Run("vae", 2, 0),
        Run("noisy", 16, 0),
        Run("ae", 2, 0, data=ANIMALS),
        Run("ae", 2, 0, network="book"),
    ):
        with pytest.raises(LookupError, match="have not been done"):
            rates.choose(other, stored)
    told = Run("cae", 16, 0)
    assert rates.choose(told, stored) == 0.016


@pytest.mark.parametrize(("best", "beyond"), [(0.004, 0.002), (0.064, 0.128)])
def test_a_best_rate_at_an_end_widens_the_grid(best, beyond):
    losses = GRID | {best: 1.0}
    wanted = rates.missing(RUN, results(losses))
    assert {(run.lr, run.latent_dim) for run in wanted} == {
        (beyond, 2), (beyond, 16),
    }  # fmt: skip
    with pytest.raises(LookupError, match=str(beyond)):
        rates.choose(RUN, results(losses))
    assert rates.choose(RUN, results(losses | {beyond: 2.0})) == best
    assert rates.choose(RUN, results(losses | {beyond: None})) == best


def test_the_stored_choices_follow_the_rule():
    stored = sweep.stored()
    for data in (runs.GARMENTS, ANIMALS):
        for kind in runs.PAIR:
            run = Run(kind, 2, 0, data=data)
            assert rates.missing(run, stored) == []
            tried = [
                each.name for each in rates.candidates(run)
                if each.lr == rates.choose(run, stored)
            ]  # fmt: skip
            assert len(tried) == 2
            for name in tried:
                assert not stored[name]["failed"]
                assert stored[name]["metrics"] == {}  # no test image was seen


def test_stages_are_those_of_the_protocol():
    """400 runs at most, 30 of them held back."""
    every = [run for stage in runs.STAGES.values() for run in stage()]
    names = {run.name for run in every}
    assert len(names) == len(every)
    assert len(every) == 400
    tuned = [run for run in every if run.seed == 100]
    assert len(tuned) == 38 + 20
    by = {name: len(stage()) for name, stage in runs.STAGES.items()}
    assert by["A"] == by["animals"] == by["twins"] == by["B"] == 40
    assert by["beta"] == 38
    assert by["more"] == 30
    assert by["B-animals"] == 10
    assert by["beta-animals"] == by["birds"] == by["shirts"] == by["few"] == 20
    assert (by["told"], by["longer"], by["book"]) == (6, 12, 6)
