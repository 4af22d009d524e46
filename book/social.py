"""What other sites show of a page that is linked there: its title, its first
sentence or description, and its first figure.
"""

import html
import re
from pathlib import Path
from urllib.parse import urljoin

from PIL import Image
from sphinx.application import Sphinx

WIDE = 300  # pixels; what is narrower is no figure
LONG = 200  # characters of a description


def with_card(text: str, page: Path, app: Sphinx) -> str:
    """A page whose head holds its card; one that has a card, as it is."""
    article = re.search(r"<article.*</article>", text, re.DOTALL)
    title = re.search(r"<h1>(.*?)</h1>", text, re.DOTALL)
    name = plain(title[1]).removesuffix("#") if title else ""
    if 'property="og:title"' in text or not article or not name:
        return text
    address = urljoin(app.config.html_baseurl, relative(page, app))
    given, words = described(text, article[0])
    card = {
        "description": "" if given else words,
        "og:title": name,
        "og:description": words,
        "og:type": "article",
        "og:url": address,
        "og:site_name": app.config.html_title,
    }
    if figure := first_figure(article[0], page):
        card["og:image"] = urljoin(address, figure[0])
        card["og:image:alt"] = figure[1]
        card["twitter:card"] = "summary_large_image"
    tags = "".join(
        f'<meta {"property" if name[:3] == "og:" else "name"}="{name}" '
        f'content="{html.escape(html.unescape(value))}"/>\n'
        for name, value in card.items()
        if value
    )
    return text.replace("</head>", f"{tags}</head>", 1)


def relative(page: Path, app: Sphinx) -> str:
    return page.relative_to(app.outdir).as_posix()


def described(text: str, article: str) -> tuple[bool, str]:
    """Whether a page describes itself, and how; else its first paragraph."""
    given = re.search(r'<meta content="([^"]*)" name="description"', text)
    first = re.search(r"<p>(.*?)</p>", article, re.DOTALL)
    words = given[1] if given else plain(first[1]) if first else ""
    if len(words) > LONG:
        words = f"{words[: LONG - 1].rstrip()}…"
    return bool(given), words


def first_figure(article: str, page: Path) -> tuple[str, str] | None:
    """The address and the text of the first picture that is not small."""
    for tag in re.findall(r"<img\b[^>]*>", article):
        given = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        file = page.parent / given.get("src", "").partition("?")[0]
        if file.suffix in (".png", ".webp", ".jpg") and file.is_file():
            with Image.open(file) as image:
                if image.width >= WIDE:
                    return given["src"], given.get("alt", "")
    return None


def plain(text: str) -> str:
    """Words without tags, on one line."""
    return " ".join(re.sub(r"<[^>]+>", "", text).split())
