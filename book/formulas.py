"""The formulas of the site, set while it is built: a reader's browser gets
MathML, which it shows by itself, and a font that holds what is used.
"""

import html
import json
import re
import subprocess
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont
from sphinx.errors import ExtensionError

from .frontend import BOOK, run

FONT = "@fontsource/stix-two-math/files/stix-two-math-latin-400-normal.woff"
# What Sphinx writes for a formula: TeX, and before it a number if it has one.
PLACE = re.compile(
    r'<(span|div) class="[^"]*\bmath notranslate nohighlight[^>]*>'
    r".*?</\1>",
    re.DOTALL,
)
TEX = re.compile(
    r"\\\((.*)\\\)|\\\[(.*)\\\]|(\\begin\{.*\\end\{[^}]*\})", re.DOTALL
)
STYLED = re.compile(
    r'<(m\w+)(?: mathvariant="(?!normal)([a-z-]+)")([^>]*)>([^<]*)</\1>'
)
# A letter that stands for a quantity is slanted by the browser, which takes
# another character for it.
SLANTED = {
    unicodedata.normalize("NFKC", chr(code)): chr(code)
    for code in (0x210E, *range(0x1D434, 0x1D468), *range(0x1D6E2, 0x1D71C))
    if unicodedata.name(chr(code), "")
}


def set_formulas(site: Path, settings: dict) -> None:
    """Put MathML in the place of all TeX on a built site's pages, and cut their
    font; formulas that are set already stay. A wrong one stops the build.
    """
    pages = {
        page: page.read_text(encoding="utf-8")
        for page in sorted(site.rglob("*.html"))
    }
    where = {
        formula(tex): page.relative_to(site)
        for page, text in pages.items()
        for place in PLACE.finditer(text)
        for tex in TEX.finditer(place[0])
    }
    made, wrong = {}, []
    answers = zip(where.items(), typeset(where, settings), strict=True)
    for (asked, page), answer in answers:
        try:
            made[asked] = with_letters(answer["mathml"])
        except KeyError:
            what = answer.get("error", "it has letters that no browser sets")
            wrong.append(f"{page}: {asked[0]}: {what}")
    if wrong:
        raise ExtensionError("\n".join(["A formula is wrong:", *wrong]))
    for page, text in pages.items():
        pages[page] = PLACE.sub(
            lambda place: TEX.sub(lambda tex: made[formula(tex)], place[0]),
            text,
        )
        if pages[page] != text:
            page.write_text(pages[page], encoding="utf-8")
    cut_font("".join(pages.values()), site / "_static" / "fonts")


def formula(found: re.Match) -> tuple[str, bool]:
    """The TeX that was found, and whether it stands on lines of its own."""
    return html.unescape(found[1] or found[2] or found[3]).strip(), not found[1]


def typeset(formulas: Iterable[tuple[str, bool]], settings: dict) -> list[dict]:
    """For each formula its MathML, or what is wrong with it."""
    asked = [{"tex": tex, "display": display} for tex, display in formulas]
    told = run(
        *("node", "formulas.mjs"),
        input=json.dumps({"settings": settings, "formulas": asked}),
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    return json.loads(told.stdout)


def with_letters(mathml: str) -> str:
    """Letters of another style as the characters that Unicode has for them:
    browsers do not know the styles.
    """
    return STYLED.sub(
        lambda found: (
            f"<{found[1]}{found[3]}>"
            f"{''.join(styled(one, found[2]) for one in found[4])}</{found[1]}>"
        ),
        mathml,
    )


def styled(letter: str, style: str) -> str:
    """A letter in one of MathML's styles, such as "double-struck"."""
    name = re.sub(r"(LATIN|GREEK) | LETTER", "", unicodedata.name(letter))
    name = f"{re.sub(r'-(?!struck|serif)', ' ', style).upper()} {name}"
    try:
        return unicodedata.lookup(f"MATHEMATICAL {name}")
    except KeyError:  # some are older than the others
        return unicodedata.lookup(name)


def cut_font(text: str, folder: Path) -> None:
    """Of the font of formulas what the formulas of a text use."""
    formulas = "".join(re.findall(r"<math\b.*?</math>", text, re.DOTALL))
    words = re.compile(r"<mtext>.*?</mtext>|<[^>]+>")  # these have the text's
    used = set(html.unescape(words.sub("", formulas)))
    used |= {SLANTED[letter] for letter in used & SLANTED.keys()}
    font = TTFont(BOOK / "node_modules" / FONT)
    options = subset.Options(ignore_missing_unicodes=False)
    options.name_IDs += [13, 14]  # its licence
    cut = subset.Subsetter(options)
    cut.populate(text="".join(used))
    cut.subset(font)
    # In a line of text a fraction is as close as TeX's: the font's is taller.
    constants = font["MATH"].table.MathConstants
    constants.FractionNumeratorShiftUp.Value = 394
    constants.FractionDenominatorShiftDown.Value = 345
    font.save(folder / "formulas.woff")
