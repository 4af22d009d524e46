"""What the site does with a chapter's cells and boxes, by their tags: folded,
moved, made to answer. A notebook opened elsewhere shows all of it.

- the cell tagged `setup` and the imports after it, behind "Set-up and data";
- a cell tagged `claim`, inside the claim's box, behind "The check that would
  fail";
- the code of a cell tagged `figure`, under its figure, behind "Show the
  plotting code";
- the lettered options of a prediction, as buttons (static/predict.js), when an
  answer to it follows; the answer, behind its title;
- {verdict}`supported` and so on, as a chip;
- a number in a table, on one line;
- a page's first figure, to its top;
- a cell tagged `finder`, behind the finder of causes (finder.py);
- of a long source that `plots.show` shows, the lines that a comment names
  (`# what matters: "first" to "last"`), and all of it behind "Show all of it".
"""

import re

from docutils import nodes
from docutils.parsers.rst.states import Inliner
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

from . import finder

VERDICTS = {
    "supported": "good",
    "supported, but small": "good",
    "mixed": "mixed",
    "not supported": "bad",
    "not settled": "open",
    "by definition": "open",
}


class Fold(nodes.General, nodes.Element):
    """What stands behind a line that opens it."""

    @staticmethod
    def visit(translator: nodes.NodeVisitor, node: "Fold") -> None:
        translator.body.append(
            f'<details class="fold fold-{node["kind"]}">'
            f"<summary>{node['line']}</summary>\n"
        )

    @staticmethod
    def depart(translator: nodes.NodeVisitor, node: "Fold") -> None:
        translator.body.append("</details>\n")


def setup(app: Sphinx) -> None:
    app.add_node(Fold, html=(Fold.visit, Fold.depart))
    app.add_post_transform(FoldCells)
    app.add_post_transform(OpenWithFigure)
    app.add_post_transform(ShortenSources)
    app.add_post_transform(Predictions)
    app.add_post_transform(Numbers)
    app.add_role("verdict", verdict)
    app.add_js_file("predict.js", loading_method="defer")
    app.add_js_file("finder.js", loading_method="defer")


def is_code(node: nodes.Node) -> bool:
    return (
        isinstance(node, nodes.container)
        and node.get("nb_element") == "cell_code"
    )


def is_box(node: nodes.Node, kind: str) -> bool:
    return isinstance(node, nodes.Admonition) and kind in node["classes"]


class FoldCells(SphinxPostTransform):
    """Fold cells by their tags, before myst-nb hides what is tagged so."""

    default_priority = 190
    formats = ("html",)

    def run(self, **_) -> None:
        for cell in list(self.document.findall(is_code)):
            if "tag_setup" in cell["classes"]:
                fold_setup(cell)
            elif "tag_claim" in cell["classes"]:
                fold_check(cell)
            elif "tag_figure" in cell["classes"]:
                fold_plotting(cell)
            elif "tag_finder" in cell["classes"]:
                offer_finder(cell)


def fold_setup(cell: nodes.container) -> None:
    parent, start = cell.parent, cell.parent.index(cell)
    cells = [cell]
    if start + 1 < len(parent) and is_code(parent[start + 1]):
        cells.append(parent[start + 1])
    for one in cells:
        parent.remove(one)
        one["hide_mode"] = ""
    parent.insert(start, Fold("", *cells, kind="setup", line="Set-up and data"))


def fold_check(cell: nodes.container) -> None:
    before = cell.parent.children[: cell.parent.index(cell)]
    boxes = [box for box in before if is_box(box, "claim")]
    fold = Fold("", kind="check", line="The check that would fail")
    if boxes:
        cell.parent.remove(cell)
        boxes[-1].append(fold)
    else:
        cell.replace_self(fold)
    cell["hide_mode"] = ""
    fold.append(cell)


def fold_plotting(cell: nodes.container) -> None:
    code = cell[0]
    if code.get("nb_element") != "cell_code_source" or len(cell) == 1:
        return
    cell["hide_mode"] = ""
    cell.remove(code)
    line = "Show the plotting code"
    cell.append(Fold("", code, kind="plotting", line=line))


def offer_finder(cell: nodes.container) -> None:
    form = nodes.raw("", finder.table(finder.stored()), format="html")
    fold = Fold("", kind="names", line="The questions by their names in Python")
    cell.replace_self([form, fold])
    cell["hide_mode"] = ""
    fold.append(cell)


class OpenWithFigure(SphinxPostTransform):
    """Show a page's first figure below its first paragraph where code would
    come before it.
    """

    default_priority = 191  # when cells are folded
    formats = ("html",)

    def run(self, **_) -> None:
        figures = (
            figure
            for cell in self.document.findall(is_code)
            if "tag_figure" in cell["classes"]
            for figure in cell.findall(nodes.figure)
        )
        figure = next(figures, None)
        # What a page says of itself comes before its first section.
        page = next(self.document.findall(nodes.section), None)
        if figure is None or not self.code_before(figure):
            return
        starts = [isinstance(part, nodes.paragraph) for part in page]
        words = "This figure opens the page."
        link = nodes.reference("", words, internal=True, refid=figure["ids"][0])
        moved = nodes.paragraph("", "", link, classes=["moved"])
        figure.parent.replace(figure, moved)
        page.insert(starts.index(True) + 1, figure)

    def code_before(self, figure: nodes.figure) -> bool:
        wanted = (nodes.literal_block, nodes.figure)
        for node in self.document.findall(lambda n: isinstance(n, wanted)):
            if node is figure:
                return False
            if isinstance(node, nodes.literal_block):
                return True
        return False


class ShortenSources(SphinxPostTransform):
    """Leave the lines of a source open that a comment in its cell names."""

    default_priority = 190
    formats = ("html",)
    named = re.compile(r'# what matters: "(.+)" to "(.+)"')
    shown = re.compile(r"(.*<pre>(?:<span></span>)?)(.*)(</pre>.*)", re.DOTALL)

    def run(self, **_) -> None:
        for cell in list(self.document.findall(is_code)):
            # Input and output may both be hidden.
            source = cell[0].astext() if len(cell) else ""
            if marks := self.named.search(source):
                [raw] = cell.findall(nodes.raw)
                first, last = marks.groups()
                start, code, end = self.shown.fullmatch(raw.astext()).groups()
                lines = code.split("\n")
                texts = [re.sub("<.*?>", "", line) for line in lines]
                begin = [first in text for text in texts].index(True)
                stop = [last in text for text in texts].index(True, begin)
                matter = "\n".join(lines[begin : stop + 1])
                whole, brief = raw.deepcopy(), raw.copy()
                brief.append(nodes.Text(start + matter + end))
                fold = Fold("", whole, kind="source", line="Show all of it")
                raw.parent.replace(raw, [brief, fold])


class Predictions(SphinxPostTransform):
    """Let the options of a prediction know which of them is right, and fold
    the answer, with scripts and without.
    """

    default_priority = 190
    formats = ("html",)

    def run(self, **_) -> None:
        open_lists = []
        for node in list(self.document.findall()):
            if isinstance(node, nodes.bullet_list) and is_lettered(node):
                open_lists.append(node)
            elif is_answer(node):
                title, *reasons = node.children
                if (right := letter(reasons[0])) and open_lists:
                    mark(open_lists.pop(), right)
                line = title.astext()
                node.replace_self(Fold("", *reasons, kind="answer", line=line))


def mark(options: nodes.bullet_list, right: str) -> None:
    options["classes"].append("prediction")
    for item in options:
        if letter(item[0]) == right:
            item["classes"].append("right")


def letter(paragraph: nodes.Node) -> str:
    """The "B" of a paragraph that begins with a bold "B."."""
    first = next((part for part in paragraph.children if part.astext()), None)
    text = first.astext() if isinstance(first, nodes.strong) else ""
    return text[0] if len(text) == 2 and text[1] == "." else ""


def is_lettered(options: nodes.bullet_list) -> bool:
    letters = [letter(item[0]) if len(item) else "" for item in options]
    return len(letters) > 1 and letters == list("ABCDEFG"[: len(letters)])


def is_answer(node: nodes.Node) -> bool:
    return (
        isinstance(node, nodes.Admonition)
        and len(node) > 1
        and node[0].astext().startswith("Answer")
    )


class Numbers(SphinxPostTransform):
    """Keep a table's numbers, with sign, range and unit, on one line each."""

    default_priority = 190
    number = re.compile(  # minus signs, dashes, plus or minus, times
        r"[-+\u2212\u2013\u00b1<>\u2248~]?\s?"
        r"\d[\d.,\s%\u00b1\u00d7()\[\]\u2212\u2013+-]*\w{0,5}"
    )

    def run(self, **_) -> None:
        for entry in self.document.findall(nodes.entry):
            if self.number.fullmatch(entry.astext().strip()):
                entry["classes"].append("number")


def verdict(
    name: str, raw: str, text: str, line: int, inliner: Inliner, *_
) -> tuple[list[nodes.Node], list[nodes.system_message]]:
    """{verdict}`mixed`: a word of the one vocabulary, as a chip."""
    if text not in VERDICTS:
        message = inliner.reporter.error(
            f"{text!r} is no verdict; there are: {', '.join(VERDICTS)}",
            line=line,
        )
        return [], [message]
    classes = ["verdict", f"verdict-{VERDICTS[text]}"]
    return [nodes.inline(raw, text, classes=classes)], []
