"""All styles of the site in one sheet, without the rules that nothing uses:
a page waits for one small file, not for a dozen.
"""

import hashlib
import re
import tempfile
from pathlib import Path

from .frontend import run

ONE = "site.css"
LINK = re.compile(
    r'[ \t]*<link\b(?=[^>]*rel="stylesheet")[^>]*?'
    r'href="(?:\.\./)*_static/([^"?]*)[^>]*>\n?'
)
THEME = "styles/pydata-sphinx-theme.css"
ICON_FONT = re.compile(
    r"url\(\.\./vendor/fontawesome/webfonts/(fa-[\w-]+)\.woff2\) "
    r'format\("woff2"\),url\([^)]*\) format\("truetype"\)'
)
SCRIPTS = ["*.js", "scripts/*.js", "widgets/*.js"]  # they put things on pages


def join(site: Path) -> None:
    """Let every page of a built site ask for one sheet in place of its many.

    The page of the search keeps whatever Sphinx serves, and is written whenever
    another one is: if it asks for one sheet, all pages do.
    """
    static = site / "_static"
    names = LINK.findall((site / "search.html").read_text(encoding="utf-8"))
    if names == [ONE]:
        return
    bundle(static, names)
    purge(site)
    version = hashlib.sha256((static / ONE).read_bytes()).hexdigest()[:8]
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        if not (first := LINK.search(text)):
            continue  # it only leads to another page
        up = "../" * len(page.parent.relative_to(site).parts)
        link = (
            f'    <link rel="stylesheet" href="{up}_static/{ONE}?v={version}">'
            "\n"
        )
        rest = LINK.sub("", text[first.start() :])
        page.write_text(text[: first.start()] + link + rest, encoding="utf-8")
    for name in names:
        (static / name).unlink()


def bundle(static: Path, names: list[str]) -> None:
    """One sheet, in the order in which pages asked for them, with what they
    import and our few icons; addresses in it hold from where it lies.
    """
    theme = (static / THEME).read_text(encoding="utf-8")
    theme = ICON_FONT.sub(r'url(../icons/\1.woff) format("woff")', theme)
    (static / THEME).write_text(theme, encoding="utf-8")
    with tempfile.NamedTemporaryFile("w", suffix=".css", dir=static) as entry:
        entry.writelines(f'@import "./{name}";\n' for name in names)
        entry.flush()
        kinds = ("woff", "woff2", "svg", "png")
        run(
            *("node", "node_modules/esbuild/bin/esbuild", entry.name),
            *("--bundle", "--minify", f"--outfile={static / ONE}"),
            *(f"--loader:.{kind}=file" for kind in kinds),
            *(f"--outbase={static}", "--asset-names=[dir]/[name]"),
            *("--allow-overwrite", "--log-level=error"),
        )


def purge(site: Path) -> None:
    """Take the rules off the sheet that neither a page nor a script names."""
    static = site / "_static"
    run(
        *("node", "node_modules/purgecss/bin/purgecss.js"),
        *("--css", str(static / ONE), "--output", str(static)),
        *("--content", f"{site}/**/*.html"),
        *(f"{static}/{pattern}" for pattern in SCRIPTS),
    )
