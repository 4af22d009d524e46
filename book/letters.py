"""The site's type, cut to the letters and the weights that its pages use: a
reader waits for half of it.
"""

import html
import string
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont
from fontTools.varLib import instancer

from .frontend import VENDOR

WEIGHTS = (400, 700)  # from the text's to a heading's, as in book.css
FEATURES = ["ccmp", "kern", "locl", "mark"]  # no ligatures: code has none


def cut_type(site: Path) -> None:
    """Of each font what a built site's pages and scripts may show; readers type
    what is on a keyboard.
    """
    files = [*site.rglob("*.html"), *site.rglob("*.js")]
    texts = (file.read_text(encoding="utf-8") for file in files)
    used = set(string.printable).union(*map(html.unescape, texts))
    codes = set(map(ord, used))
    options = subset.Options(layout_features=FEATURES)
    options.name_IDs += [14]  # its licence
    for file in (VENDOR / "fonts").glob("*.woff2"):
        font = TTFont(file)
        cut = subset.Subsetter(options)
        cut.populate(unicodes=codes & font.getBestCmap().keys())
        cut.subset(font)
        instancer.instantiateVariableFont(font, {"wght": WEIGHTS}, inplace=True)
        font.flavor = "woff2"
        font.save(site / "_static" / "fonts" / file.name)
