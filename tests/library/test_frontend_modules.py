"""The front end's modules, joined into the one text that anywidget takes."""

import pytest

from aevae_lib import widgets
from aevae_lib.widgets import source
from tests.library.test_frontend_engine import node


@pytest.fixture
def frontend(tmp_path, monkeypatch):
    """An empty front end, and a way to write modules into it."""
    monkeypatch.setattr(source, "FOLDER", tmp_path)
    source.joined.cache_clear()
    yield lambda name, text: (tmp_path / f"{name}.js").write_text(text)
    source.joined.cache_clear()


def run(tmp_path, text):
    path = tmp_path / "joined.mjs"
    path.write_text(text)
    return node(path, {})


def test_what_is_private_in_a_module_stays_so(frontend, tmp_path):
    """Two modules with the same names, one of them the browser's."""
    frontend("base", "export const two = 2;\nconst name = 'base';\n"
             "export function called() { return name; }\n")  # fmt: skip
    frontend("left", 'import { two } from "./base.js";\n'
             "const name = 'left';\n"
             "export const four = two * 2;\n"
             "export class Named { name = name; }\n")  # fmt: skip
    frontend(
        "top",
        "// First of all a comment.\n"
        "import {\n  called as theirs,\n  two,\n} from './base.js';\n".replace(
            "'", '"'
        )
        + 'import { four, Named } from "./left.js";\n'
        "const called = 'mine';\n"
        "export async function all() {\n"
        "  return [called, theirs(), two, four, new Named().name];\n}\n",
    )
    end = "console.log(JSON.stringify(await $top.all()));\n"
    text = source.joined("top", end=end)
    assert run(tmp_path, text) == ["mine", "base", 2, 4, "left"]
    assert text.count("const two = 2") == 1, "base is there once"


@pytest.mark.parametrize(
    "line",
    [
        'import * as all from "./other.js";',
        'import other from "./other.js";',
        'import "./other.js";',
        'import { one } from "https://example.org/other.js";',
        'export { one } from "./other.js";',
        "export default 1;",
        "export let changing = 1;",
    ],
)
def test_what_cannot_be_joined_is_refused(frontend, line):
    frontend("other", "export const one = 1;\n")
    frontend("top", f"{line}\n")
    with pytest.raises(ValueError, match=r"top\.js cannot be joined"):
        source.joined("top", end="")


def test_a_circle_of_imports_is_refused(frontend):
    frontend("one", 'import { b } from "./two.js";\nexport const a = b;\n')
    frontend("two", 'import { a } from "./one.js";\nexport const b = a;\n')
    with pytest.raises(ValueError, match="one -> two -> one"):
        source.joined("one", end="")


def test_a_name_that_the_other_module_does_not_export_is_refused(frontend):
    frontend("other", "export const one = 1;\nexport function two() {}\n")
    frontend("top", 'import {\n  one, two,\n} from "./other.js";\n')
    source.joined("top", end="")
    frontend("stale", 'import { one, gone as here } from "./other.js";\n')
    with pytest.raises(ValueError, match=r"other\.js exports no gone"):
        source.joined("stale", end="")


def test_a_view_is_two_files_of_one_name():
    """Found by that name, with nothing else to change."""
    modules = {path.stem for path in source.FOLDER.glob("*.js")}
    views = {
        name
        for name in widgets.__all__
        if name in modules and callable(getattr(widgets, name))
    }
    known = {"latent_map", "latent_sampler", "encoder_live", "kl_playground"}
    assert views >= known | {"loss_reader"}
    for name in views:
        text = source.joined(name, end="")
        assert f"const ${name} = " in text
        assert "return { render };" in text.partition(f"const ${name} = ")[2]
