"""The front end's files, and its modules joined into the one that a browser
gets.
"""

import re
from functools import cache
from importlib.resources import files

FOLDER = files(__package__) / "frontend"
IMPORT = re.compile(r'^import \{([^}]*)\} from "\./(\w+)\.js";\n', re.M)
EXPORT = re.compile(
    r"^export (?=(?:async )?(?:function|class|const) (\w+))", re.M
)


def read(*names: str) -> str:
    """The text of files of the front end, one after the other."""
    texts = [(FOLDER / name).read_text(encoding="utf-8") for name in names]
    return "\n".join(texts)


@cache
def joined(*entries: str, end: str) -> str:
    """The modules `entries`, and all that they import, as one; then `end`.

    anywidget takes one text, with no address for others to be imported from.
    So each module becomes a function that is called at once: its exports are
    what it returns, as `$name`, and what is private in it meets nothing of the
    others'. Raises ValueError for a circle of imports, for a name that the
    other does not export, and for other imports and exports than named ones of
    files beside it.
    """
    functions: dict[str, str] = {}

    def add(name: str, importers: tuple[str, ...]) -> None:
        if name in importers:
            circle = " -> ".join([*importers, name])
            raise ValueError(f"These modules import in a circle: {circle}.")
        if name not in functions:
            text = read(f"{name}.js")
            for wanted, other in IMPORT.findall(text):
                add(other, (*importers, name))
                _check_exports(name, wanted, other)
            functions[name] = _as_function(name, text)

    for entry in entries:
        add(entry, ())
    return "".join(functions.values()) + end


def _check_exports(name: str, wanted: str, other: str) -> None:
    exported = EXPORT.findall(read(f"{other}.js"))
    for given in re.findall(r"(\w+)(?: as \w+)?\s*(?:,|$)", wanted.strip()):
        if given not in exported:
            raise ValueError(f"{name}.js: {other}.js exports no {given}.")


def _as_function(name: str, text: str) -> str:
    text = IMPORT.sub(
        lambda found: f"const {{{_renamed(found[1])}}} = ${found[2]};\n", text
    )
    exports = ", ".join(EXPORT.findall(text))
    text = EXPORT.sub("", text)
    if left := re.search(r"^(?:import|export)\b.*", text, re.M):
        raise ValueError(f"{name}.js cannot be joined: {left[0]}")
    return f"const ${name} = (() => {{\n{text}return {{ {exports} }};\n}})();\n"


def _renamed(names: str) -> str:
    return re.sub(r"\bas\b", ":", names)
