"""What a page need not fetch: taken off its head, out of the theme's styles and
out of the site's folder.
"""

import re
from pathlib import Path

from fontTools.ttLib import TTFont
from PIL import Image

# What an article must have in it for these scripts and styles to be of use.
NEEDS = {
    r'class="[^"]*\bmath\b': (r"mathjax/", r"/math\.js", r"^window\.MathJax"),
    r'class="[^"]*\bsd-': (r"sphinx-design\.min\.css",),
    r'class="[^"]*\bsd-tab': (r"design-tabs\.js",),
    r'class="[^"]*\bexercise': (r"exercise\.css",),
    r'class="[^"]*\bprediction\b': (r"predict\.js",),
    r'class="[^"]*\blab-menus\b': (r"/lab\.js",),
    r'class="cell\b': (r"mystnb\.\w+\.css",),
    r'class="[^"]*\b(toggle|dropdown)\b': (r"togglebutton", r"^let toggle"),
    r'class="[^"]*\bhighlight\b': (r"copybutton", r"clipboard"),
}
NEVER = (r"scripts/fontawesome\.js",)  # our font of icons stands for it
AT_ONCE = "documentation_options.js"  # what a script within the page speaks to
SEARCH = (r"searchtools\.js", r"language_data\.js", r"searchindex\.js")
TAG = re.compile(
    r"[ \t]*(?:<script\b([^>]*)>((?:(?!</script>).)*)</script>"
    r'|<link\b([^>]*rel="(?:stylesheet|preload)"[^>]*)>)\n?',
    re.DOTALL,
)
IMAGE = re.compile(r"<img\b[^>]*>")
ICON_FONT = re.compile(
    r"url\(\.\./vendor/fontawesome/webfonts/(fa-[\w-]+)\.woff2\) "
    r'format\("woff2"\),url\([^)]*\) format\("truetype"\)'
)
ICON_RULE = re.compile(
    r'(?:\.fa-[\w-]+:before,?)+\{content:"(?:\\([0-9a-f]+)|[^"]*)"\}'
)


def without_unused(text: str, name: str) -> str:
    """A page without the scripts and styles that nothing in it uses, and whose
    text does not wait for the scripts that it does use.
    """
    head, start, body = text.partition("<body")
    found = re.search(r"<article.*</article>", body, re.DOTALL)
    article = found[0] if found else ""
    idle = [*NEVER, *(() if name == "search.html" else SEARCH)]
    for need, assets in NEEDS.items():
        if found and not re.search(need, article):
            idle += assets

    def keep(tag: re.Match) -> str:
        about, code, link = (part or "" for part in tag.groups())
        source = re.search(r'(?:src|href)="([^"]*)"', about + link)
        what = source[1] if source else code.strip()
        if any(re.search(one, what) for one in idle):
            return ""
        waits = (
            about and source and "defer" not in about and AT_ONCE not in what
        )
        return tag[0].replace("<script", "<script defer") if waits else tag[0]

    return TAG.sub(keep, head) + start + body


def with_sized_images(text: str, page: Path) -> str:
    """A page whose images have a size before they are there, so that nothing
    jumps, and are fetched when the reader comes near; all but the first.
    """
    start, article, end = text.partition("<article")
    first = True

    def size(tag: re.Match) -> str:
        nonlocal first
        given = dict(re.findall(r'([\w-]+)="([^"]*)"', tag[0]))
        file = page.parent / given.get("src", "").partition("?")[0]
        if "loading" in given or not file.is_file():
            return tag[0]
        more = f' loading="{"eager" if first else "lazy"}"'
        first = False
        if file.suffix != ".svg" and not {"width", "height"} & set(given):
            with Image.open(file) as image:
                more += f' width="{image.width}" height="{image.height}"'
        return tag[0].removesuffix(">").removesuffix("/").rstrip() + more + ">"

    return start + article + IMAGE.sub(size, end)


def lighten_site(folder: Path) -> None:
    """The theme's styles with our few icons, and no file that no page asks
    for.
    """
    static = folder / "_static"
    fonts = [TTFont(file) for file in (static / "icons").glob("*.woff")]
    icons = {f"{code:x}" for font in fonts for code in font.getBestCmap()}

    def keep(rule: re.Match) -> str:
        return rule[0] if rule[1] in icons else ""

    file = static / "styles" / "pydata-sphinx-theme.css"
    styles = file.read_text(encoding="utf-8")
    styles = ICON_FONT.sub(r'url(../icons/\1.woff) format("woff")', styles)
    file.write_text(ICON_RULE.sub(keep, styles), encoding="utf-8")
    for idle in [
        *static.rglob("*.map"),
        *(static / "scripts").glob("fontawesome.*"),
        *(static / "vendor" / "fontawesome").rglob("*.*"),
    ]:
        idle.unlink(missing_ok=True)  # some are named twice
