"""Every page under axe, in the light on a wide screen and in the dark on a
phone.
"""

from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
AXE = ROOT / "book" / "node_modules" / "axe-core" / "axe.min.js"
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text())
PAGES = [
    TOC["root"],
    *(entry["file"] for part in TOC["parts"] for entry in part["chapters"]),
]


def violations(page) -> list[str]:
    """What axe has to say against a page."""
    if not AXE.is_file():
        pytest.fail(
            f"{AXE} is not there. Fetch it: python -m book.frontend",
            pytrace=False,
        )
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run()")
    assert found["passes"], "axe looked at nothing"
    return [
        f"{rule['id']}: {node['html'][:200]} {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(
    ("visitor", "scheme"),
    [((1280, 800), "light"), ((390, 844), "dark")],
    indirect=["visitor"],
    ids=["wide, light", "phone, dark"],
)
def test_axe_finds_nothing(visitor, scheme, name):
    visitor.page.emulate_media(color_scheme=scheme)
    page = visitor.open(name)
    assert page.evaluate("document.documentElement.dataset.theme") == scheme
    assert violations(page) == []
