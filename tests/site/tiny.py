"""A book of three pages, made as the course's book is: for what no chapter need
be executed for.
"""

import subprocess
import sys
from pathlib import Path

import nbformat
import yaml

ROOT = Path(__file__).parents[2]
START = """# Start

A page without formulas, but with [a link](one.ipynb).

| What | How much |
|---|---|
| a number | -1.25 ± 0.1 nats |
| words | as many as 7 |
"""
TOC = """format: jb-book
root: chapters/index
chapters:
  - file: chapters/one
  - file: chapters/quiz
"""
QUIZ = """# Quiz

:::{div} score
The answers are folded.
:::

## Counting

**1.** How much is one and one?

- **A.** Eleven.
- **B.** Two, or $2$.
- **C.** One.

:::{admonition} Answer
:class: dropdown

**B.** The fingers show it.

**A.** Eleven is two figures side by side.

**C.** One and one are not the same one.

Look again: [](one.ipynb#another-section)
:::

**2.** And two and two?

- **A.** Four.
- **B.** Five.

:::{admonition} Answer
:class: dropdown

**A.** So say all fingers of a hand but one.

**B.** The thumb was counted.
:::
"""


CELLS = """# One

A formula: $x^2$.
---setup
import sys
---
x = 1  # the imports
---
## Predict: how much is one and one?

- **A.** One.
- **B.** Two.

---widget
from aevae_lib import widgets
widgets.kl_playground()
---figure
import matplotlib.pyplot as plt

plt.plot([1, 2])
plt.show()
---figure
plt.bar([1, 2], [2, 1], color="#0072B2")
plt.show()
---source
from aevae_lib import plots
plots.show(plots.plane)  # what matters: "left, right" to "meshgrid"
---finder
print("the questions")
---
:::{admonition} Answer to the prediction
:class: dropdown
**B.** Counting on fingers shows it.
:::

:::{admonition} Claim: one is less than two
:class: claim
It is {verdict}`supported` here.
:::
---claim
assert x < 2
---
:::{admonition} One more thing
:class: dropdown
It is folded.
:::

## Another section

$$
\\begin{aligned}
x &= a + b + c \\\\
x + y + z + u + v + w &= a + b + c + d + e + f + g + h + i + j + k + l
\\end{aligned}
$$ (eq-wide)

```{margin}
A note at the side.
```

With a second claim that has no box.
---claim
assert x > 0
"""
LINE = "A line that rises from one to two over a single step."


def notebook() -> nbformat.NotebookNode:
    """A chapter in small: what a cell of each kind looks like."""
    cells = []
    for number, part in enumerate(CELLS.split("---")):
        tag, _, source = part.partition("\n") if number else ("", "", part)
        if tag or "the imports" in source:
            metadata = {"tags": [tag] if tag else []}
            if tag == "figure":
                metadata["mystnb"] = {
                    "image": {"alt": LINE},
                    "figure": {"caption": "A step.", "name": f"fig-{number}"},
                }
            cells.append(nbformat.v4.new_code_cell(source, metadata=metadata))
        else:
            cells.append(nbformat.v4.new_markdown_cell(source))
    about = {"myst": {"html_meta": {"keywords": "a book in small"}}}
    return nbformat.v4.new_notebook(cells=cells, metadata=about)


def write(folder: Path) -> None:
    """The sources of the book, with the settings of the course's."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text())
    config["sphinx"]["local_extensions"] = {"book.site_extension": str(ROOT)}
    config["logo"] = str(ROOT / config["logo"])
    config["html"]["favicon"] = str(ROOT / config["html"]["favicon"])
    config["bibtex_bibfiles"] = [str(ROOT / "chapters" / "references.bib")]
    (folder / "chapters").mkdir(parents=True)
    (folder / "_config.yml").write_text(yaml.safe_dump(config))
    (folder / "_toc.yml").write_text(TOC)
    (folder / "chapters" / "index.md").write_text(START)
    (folder / "chapters" / "quiz.md").write_text(QUIZ)
    nbformat.write(notebook(), folder / "chapters" / "one.ipynb")


def build(folder: Path) -> str:
    """Build it by hand, as the settings' first line says; what that printed."""
    command = [Path(sys.executable).with_name("jupyter-book"), "build", "."]
    run = subprocess.run(
        [*command, "-W", "--keep-going"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert run.returncode == 0, run.stdout
    return run.stdout
