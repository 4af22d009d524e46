"""The front end's code as TypeScript and a linter see it, and its networks'
lives.
"""

import shutil
import subprocess
from pathlib import Path

import pytest

from aevae_lib import models, widgets
from aevae_lib.widgets import source
from tests.library.test_frontend_engine import given, node, program

BOOK = Path(__file__).parents[2] / "book"
FOLDERS = (source.FOLDER, BOOK, BOOK / "static")
SCRIPTS = [path for folder in FOLDERS for path in sorted(folder.glob("*.*js"))]


def tool(*names: str) -> Path:
    path = BOOK.joinpath("node_modules", *names)
    if not path.is_file():
        pytest.fail(f"{path} is not there. Fetch it: python book/frontend.py")
    return path


def check_types(config: Path) -> subprocess.CompletedProcess:
    tsc = tool("typescript", "bin", "tsc")
    command = [program(), tsc, "--project", config]
    return subprocess.run(command, capture_output=True, text=True)


def lint(*files: Path) -> subprocess.CompletedProcess:
    command = [tool(".bin", "biome"), "lint", "--reporter=github"]
    command += [f"--config-path={BOOK / 'lint.json'}", "--error-on-warnings"]
    return subprocess.run(
        [*command, *files], capture_output=True, text=True, cwd=BOOK.parent
    )


def test_every_type_fits():
    checked = check_types(BOOK / "tsconfig.json")
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("import { decode }", "import { decoed }"),
        ("paint(canvas, decode(loaded[0], z))", "paint(canvas, z)"),
        ("networks.release,", "networks.realease,"),
    ],
)
def test_a_name_or_a_type_that_is_wrong_is_found(tmp_path, right, wrong):
    folder = tmp_path / "aevae_lib" / "widgets" / "frontend"
    shutil.copytree(source.FOLDER, folder)
    (tmp_path / "book").mkdir()
    config = shutil.copy(BOOK / "tsconfig.json", tmp_path / "book")
    path = folder / "latent_sampler.js"
    text = path.read_text(encoding="utf-8")
    assert right in text
    path.write_text(text.replace(right, wrong), encoding="utf-8")
    assert "latent_sampler.js" in check_types(config).stdout


def test_the_linter_has_nothing_to_say(tmp_path):
    assert len(SCRIPTS) >= 14
    found = lint(*SCRIPTS)
    assert found.returncode == 0, found.stdout + found.stderr
    bad = tmp_path / "bad.js"
    bad.write_text("const unused = 1;\nexport const other = missing;\n")
    said = lint(bad).stdout
    assert "noUnusedVariables" in said
    assert "noUndeclaredVariables" in said


# --- a network's life --------------------------------------------------------

LIFE = """
import { readFileSync } from "node:fs";
const { holdNetworks } = $nets;
const given = JSON.parse(readFileSync(0, "utf8"));
let fetched = 0;
let broken = false;
globalThis.aevaeFetch = async (text) => {
  fetched += 1;
  if (broken) throw new Error("cut");
  return text;
};
const net = { get: (name) => ({ digest: "d", ...given })[name] };
let wait = Promise.resolve();
const model = {
  get: () => ["IPY_MODEL_1"],
  widget_manager: { get_model: async () => (await wait, net) },
};
const said = [];
const note = () => said.push([fetched, globalThis.aevaeNetworks.size]);
const [one, two] = [holdNetworks(model), holdNetworks(model)];
const networks = await Promise.all([one.load(0), two.load(0), one.load(0)]);
said.push(new Set(networks).size);
note(); // read once, kept once
one.release();
note(); // the other view still shows it
two.release();
note(); // nobody does
const three = holdNetworks(model);
await three.load(0);
note(); // read again
three.release();
broken = true;
const four = holdNetworks(model);
said.push(await four.load(0).catch((error) => error.message));
note(); // a failure is not kept
broken = false;
await four.load(0);
note(); // so the next who asks tries again
four.release();
let arrive;
wait = new Promise((resolve) => { arrive = resolve; });
const five = holdNetworks(model);
const late = five.load(0);
five.release();
arrive();
await late;
note(); // closed before it came: not kept
console.log(JSON.stringify(said));
"""


def test_a_network_is_read_once_and_kept_until_nobody_shows_it(tmp_path):
    net = widgets.latent_map(models.Autoencoder()).view.nets[0]
    script = tmp_path / "life.mjs"
    script.write_text(source.joined("nets", end=LIFE), encoding="utf-8")
    assert node(script, given(net)) == [
        1,
        [1, 1],
        [1, 1],
        [1, 0],
        [2, 1],
        "cut",
        [3, 0],
        [4, 1],
        [5, 0],
    ]
