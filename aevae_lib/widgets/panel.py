"""A panel: a view, and the controls that move it, linked in the browser."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import anywidget
import ipywidgets
import traitlets

from . import source


@dataclass(frozen=True)
class Control:
    """An ipywidgets control, its name for screen readers, and the names of its
    values, if it walks through names.
    """

    widget: ipywidgets.Widget
    name: str
    values: Sequence[str] | None = None

    @property
    def linked(self) -> str:
        """The trait of the control that the view shares."""
        return "value" if self.values is None else "index"

    @property
    def now(self) -> float:
        """The shared value."""
        return getattr(self.widget, self.linked)

    @property
    def limits(self) -> tuple[float, float]:
        """The least and the largest value that it can take."""
        if self.values is not None:
            return 0, len(self.values) - 1
        least, most = (
            getattr(self.widget, end, None) for end in ("min", "max")
        )
        return (0, 1) if most is None else (least, most)


class Panel(ipywidgets.VBox):
    """A view and the controls that move it, linked in the browser.

    `controls` and `view` share the names of their values:
    `panel.controls["z0"].value` and `panel.view.z0` are one number wherever the
    panel is on show. (A check box shares True or False, the checkpoints' slider
    its `index`.) `sliders` are those controls that have a range.
    """

    def __init__(
        self,
        kind: str,
        controls: dict[str, Control],
        rows: Sequence[ipywidgets.Widget],
        values: dict[str, float] | None = None,
        limits: dict[str, tuple[float, float]] | None = None,
        **traits,
    ):
        """A panel of the view `kind`, with `rows` of controls under it.

        `values` are the view's further values, each a trait of its own; those
        with `limits` are carried by links, too. `traits` are what else the
        view's JavaScript reads.
        """
        shared = {trait: one.now for trait, one in controls.items()}
        ranges = {trait: one.limits for trait, one in controls.items()}
        ranges |= limits or {}
        everything = (values or {}) | shared
        named = {}
        for trait, one in controls.items():
            named[trait] = {"name": one.name}
            if one.values:
                named[trait]["values"] = list(one.values)
        view = View(
            everything,
            kind=kind,
            controls=named,
            start={t: [everything[t], *ends] for t, ends in ranges.items()},
            whole=[t for t in ranges if type(everything[t]) is int],
            **traits,
        )
        super().__init__([view, ipywidgets.VBox(list(rows))])
        self.add_class("aevae-panel")
        view.add_class("aevae-root")
        self.view = view
        self.controls = {trait: one.widget for trait, one in controls.items()}
        self.sliders = {
            trait: widget
            for trait, widget in self.controls.items()
            if hasattr(widget, "max")
        }
        for trait, widget in self.controls.items():
            # by this the view finds and names its handle
            widget.add_class(f"aevae-{trait}")
        self.links = [
            ipywidgets.jslink((one.widget, one.linked), (view, trait))
            for trait, one in controls.items()
        ]


class View(anywidget.AnyWidget):
    """What JavaScript draws. Each value is a trait of its own, so that it can
    be linked.
    """

    kind = traitlets.Unicode().tag(sync=True)  # names its module in frontend/
    nets = traitlets.List().tag(sync=True, **ipywidgets.widget_serialization)
    # the name of each control for screen readers
    controls = traitlets.Dict().tag(sync=True)
    # what a link can carry: [first value, least, most]
    start = traitlets.Dict().tag(sync=True)
    # those of them that are whole numbers
    whole = traitlets.List().tag(sync=True)
    # the figure for paper, as a data address, and what it shows
    still = traitlets.Unicode().tag(sync=True)
    still_text = traitlets.Unicode().tag(sync=True)
    # the panel's height in px, on wide and narrow pages
    room = traitlets.List().tag(sync=True)

    def __init__(self, values: dict[str, float], kind: str, **traits):
        """A view whose `values` can be linked; the other traits stay."""
        kinds = {bool: traitlets.Bool, int: traitlets.Int}
        kinds[float] = traitlets.Float
        more = {name: kinds[type(value)] for name, value in values.items()}
        for name in traits:  # what this kind of view has besides
            if not self.has_trait(name):
                more[name] = traitlets.Any
        self.add_traits(
            **{k: kind().tag(sync=True) for k, kind in more.items()}
        )
        self._esm = source.joined(
            kind, end=f"export default {{ render: ${kind}.render }};\n"
        )
        self._css = source.read("style.css")
        super().__init__(**values, kind=kind, **traits)


# --- controls ----------------------------------------------------------------


def slider(
    description: str,
    value: float,
    low: float,
    high: float,
    step: float,
    label_length: int,
) -> ipywidgets.FloatSlider:
    """A slider on whole steps, with room for `label_length` letters."""
    return ipywidgets.FloatSlider(
        value=tidy(low + round((value - low) / step) * step, step),
        min=low,
        max=high,
        step=step,
        description=description,
        readout_format=f".{_digits(step)}f",
        **space(label_length),
    )


def space(label_length: int) -> dict[str, dict[str, str]]:
    """A slider's style and layout, for labels of `label_length` letters."""
    return {
        "style": {"description_width": f"{label_length * 0.6 + 0.6:.1f}em"},
        "layout": {"width": "auto", "min_width": "0"},
    }


def columns(*groups: Sequence[ipywidgets.Widget]) -> ipywidgets.HBox:
    """Groups of controls side by side, or where the page is narrow, below one
    another.
    """
    column = {"flex": "1 1 250px", "min_width": "0"}
    boxes = [ipywidgets.VBox(list(one), layout=column) for one in groups]
    return side_by_side(boxes)


def side_by_side(widgets: Sequence[ipywidgets.Widget]) -> ipywidgets.HBox:
    """Widgets in a row that may be broken."""
    return ipywidgets.HBox(list(widgets), layout={"flex_flow": "row wrap"})


def subscript(name: str) -> str:
    """ "z12" as it is printed."""
    low = "".join(chr(0x2080 + digit) for digit in range(10))
    return name.translate(str.maketrans("0123456789", low))


def nice_step(width: float) -> float:
    """The largest of ..., 0.01, 0.02, 0.05, 0.1, ... that divides `width` into
    200 or more.
    """
    unit = 10.0 ** math.floor(math.log10(width / 200))
    return tidy(
        max(unit * n for n in (1, 2, 5) if unit * n <= width / 200), unit
    )


def tidy(value: float, step: float) -> float:
    """`value` without the floating-point noise far below `step`."""
    return round(value, _digits(step))


def _digits(step: float) -> int:
    return max(0, -math.floor(math.log10(step) + 1e-9))
