"""What a page need not fetch, taken off its head and out of the site."""

import re
from pathlib import Path

from PIL import Image

# What an article must have in it for these scripts to be of use.
NEEDS = {
    r'class="[^"]*\bmath\b': (r"/formulas\.woff",),
    r'class="[^"]*\bsd-tab': (r"design-tabs\.js",),
    r'class="[^"]*\bprediction\b': (r"predict\.js",),
    r'class="[^"]*\blab-menus\b': (r"/lab\.js",),
    r'class="[^"]*\bfinder\b': (r"/finder\.js",),
    r'class="[^"]*\b(toggle|dropdown)\b': (r"togglebutton", r"^let toggle"),
    r'class="[^"]*\bhighlight\b': (r"copybutton", r"clipboard"),
}
NEVER = (
    r"scripts/fontawesome\.js",  # our font of icons stands for it
    r"(?i)mathjax",  # book/formulas.py sets what Sphinx fetches it for
)
AT_ONCE = "documentation_options.js"  # scripts within the page speak to it
SEARCH = (r"searchtools\.js", r"language_data\.js", r"searchindex\.js")
TAG = re.compile(
    r"[ \t]*(?:<script\b([^>]*)>((?:(?!</script>).)*)</script>"
    r'|<link\b([^>]*rel="preload"[^>]*)>)\n?',
    re.DOTALL,
)
IMAGE = re.compile(r"<img\b[^>]*>")


def without_unused(text: str, page: Path, site: Path) -> str:
    """A page without the scripts that nothing in it uses, and whose text does
    not wait for those that it does use.
    """
    head, start, body = text.partition("<body")
    found = re.search(r"<article.*</article>", body, re.DOTALL)
    article = found[0] if found else ""
    idle = [*NEVER, *(() if page.name == "search.html" else SEARCH)]
    for need, assets in NEEDS.items():
        if found and not re.search(need, article):
            idle += assets

    def keep(tag: re.Match) -> str:
        about, code, link = (part or "" for part in tag.groups())
        if 'as="script"' in link:  # no script is as urgent as what it is on
            return ""
        source = re.search(r'(?:src|href)="([^"]*)"', about + link)
        what = source[1] if source else code.strip()
        if any(re.search(one, what) for one in idle):
            return ""
        if AT_ONCE in what:
            code = (site / "_static" / AT_ONCE).read_text(encoding="utf-8")
            return f"<script>{code}</script>\n"
        waits = about and source and "defer" not in about
        return tag[0].replace("<script", "<script defer") if waits else tag[0]

    return TAG.sub(keep, head) + start + body


def with_sized_images(text: str, page: Path) -> str:
    """A page whose images have a size before they are there, so that nothing
    jumps, and are fetched when the reader comes near; all but the first, which
    is fetched before all else.
    """
    start, article, end = text.partition("<article")
    first = True

    def size(tag: re.Match) -> str:
        nonlocal first
        given = dict(re.findall(r'([\w-]+)="([^"]*)"', tag[0]))
        file = page.parent / given.get("src", "").partition("?")[0]
        if "loading" in given or not file.is_file():
            return tag[0]
        urgent = ' loading="eager" fetchpriority="high"'
        more = urgent if first else ' loading="lazy"'
        first = False
        if file.suffix != ".svg" and not {"width", "height"} & set(given):
            with Image.open(file) as image:
                more += f' width="{image.width}" height="{image.height}"'
        return tag[0].removesuffix(">").removesuffix("/").rstrip() + more + ">"

    return start + article + IMAGE.sub(size, end)


def lighten_site(folder: Path) -> None:
    """Leave no file that no page asks for."""
    static = folder / "_static"
    for idle in [
        *static.rglob("*.map"),
        *(static / "scripts").glob("fontawesome.*"),
        *(static / "vendor" / "fontawesome").rglob("*.*"),
    ]:
        idle.unlink(missing_ok=True)  # some are named twice
