"""How pytest runs the notebooks of this folder (with nbval: each code cell is
one test).
"""

import pytest
from nbval.plugin import IPyNbCell

from aevae_lib import data


def pytest_report_header() -> str:
    """Say what the notebooks will run on."""
    return f"notebooks run on {data.describe_device(data.pick_device())}"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """A cell after a failed one is not run, and counts as failed: it was not
    shown to work.
    """
    if isinstance(item, IPyNbCell) and hasattr(item.parent, "failed_cell"):
        pytest.fail(
            f"not run, since {item.parent.failed_cell} failed", pytrace=False
        )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item):
    """Remember the first cell that failed in each notebook."""
    report = yield
    if (
        isinstance(item, IPyNbCell)
        and report.failed
        and not hasattr(item.parent, "failed_cell")
    ):
        item.parent.failed_cell = item.name
        # nbval would call the cells after a time-out expected failures: the
        # hook above is plainer.
        item.parent.timed_out = False
    return report
