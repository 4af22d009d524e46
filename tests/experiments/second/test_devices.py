"""Models trained on a CPU are like those that were trained on a GPU."""

import json
import math

import numpy as np
from scipy import stats

from aevae_lib import evidence
from experiments.second import series

ERROR = 0.01  # how often a sound CPU would fail


def test_no_number_of_a_cpu_lies_where_one_more_gpu_run_would_not():
    """Four models of seed 0, all metrics, in prediction intervals by the other
    seeds, which a GPU trained.
    """
    stored = json.loads(
        (evidence.RESULTS / "second-cpu.json").read_text(encoding="utf-8")
    )
    pairs = []
    for name, run in stored.items():
        assert run["made_with"]["trained_on"].startswith("cpu")
        group = name.removesuffix("-seed0")
        for metric, value in run["metrics"].items():
            found = series.of(group, metric)()
            others = found.values[[s != 0 for s in found.seeds]]
            pairs.append((name, metric, value, others))
    level = 1 - ERROR / len(pairs)
    assert len(pairs) > 300
    for name, metric, value, others in pairs:
        n, spread = len(others), others.std(ddof=1)
        if spread == 0:
            assert value == others[0]
            continue
        distance = abs(value - others.mean()) / spread
        half = stats.t.ppf((1 + level) / 2, n - 1) * math.sqrt(1 + 1 / n)
        assert distance < half, (name, metric, value, np.sort(others))


def test_runs_say_what_trained_them():
    devices = {
        run["made_with"].get("trained_on", run["made_with"]["device"])
        for run in series.stored().values()
    }
    assert any("H200" in device for device in devices)
