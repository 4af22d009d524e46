"""A panel: a view, and the controls that move it, linked in the browser."""

import html
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
    values, if it walks through names or offers them.
    """

    widget: ipywidgets.Widget
    name: str
    values: Sequence[str] = ()

    @property
    def linked(self) -> str:
        """The trait of the control that the view shares."""
        return "index" if self.values else "value"

    @property
    def start(self) -> list[float]:
        """The shared value as it is, the least, and the largest."""
        least = getattr(self.widget, "min", 0)
        most = getattr(self.widget, "max", max(1, len(self.values) - 1))
        return [getattr(self.widget, self.linked), least, most]


class Panel(ipywidgets.VBox):
    """A view and the controls that move it, linked in the browser.

    `controls` and `view` share the names of their values:
    `panel.controls["z0"].value` and `panel.view.z0` are one number wherever the
    panel is on show. (A check box shares True or False, a menu and the
    checkpoints' slider their `index`.) `sliders` are those controls that have a
    range.
    """

    # What ipywidgets 7 would show in place of the bundle below.
    _ipython_display_ = None

    def __init__(
        self,
        kind: str,
        controls: dict[str, Control],
        rows: Sequence[ipywidgets.Widget],
        values: dict[str, float] | None = None,
        limits: dict[str, tuple[float, float]] | None = None,
        **traits,
    ):
        """The view `kind` with `rows` of controls; `values` are its further
        values, of which links carry those with `limits`, and `traits` are what
        else its JavaScript reads.
        """
        start = {trait: one.start for trait, one in controls.items()}
        values = (values or {}) | {
            trait: one[0] for trait, one in start.items()
        }
        start |= {t: [values[t], *ends] for t, ends in (limits or {}).items()}
        named = {
            trait: {"name": one.name, "values": list(one.values)}
            for trait, one in controls.items()
        }
        view = View(values, kind, controls=named, start=start, **traits)
        super().__init__([view, ipywidgets.VBox(list(rows))])
        self.add_class("aevae-panel")
        view.add_class("aevae-root")
        self.view, self.links = view, []
        self.controls = {trait: one.widget for trait, one in controls.items()}
        for trait, one in controls.items():
            # by this class the view finds and names the control's handle
            one.widget.add_class(f"aevae-{trait}")
            ends = (one.widget, one.linked), (view, trait)
            self.links.append(ipywidgets.jslink(*ends))
        for net in view.nets:
            net.users.add(view)

    @property
    def sliders(self) -> dict[str, ipywidgets.Widget]:
        """The controls that have a range."""
        return {
            k: one for k, one in self.controls.items() if hasattr(one, "max")
        }

    def close(self) -> None:
        """Take the panel off the page, and with it the networks that no other
        open panel shows.
        """
        if self.comm is None:
            return
        for part in (*self.links, *self.controls.values(), *self.children):
            part.close()
        for net in self.view.nets:
            net.drop(self.view)
        self.view.nets = []
        super().close()
        self._repr_mimebundle_ = None

    def _repr_mimebundle_(self, **_) -> dict[str, object]:
        """The panel, and for pages where no widget can be, its still figure."""
        text = self.view.still_text
        image = f'<img src="{self.view.still}" alt="{html.escape(text)}">'
        view = {"version_major": 2, "version_minor": 0}
        view |= {"model_id": self.model_id}
        kind = "application/vnd.jupyter.widget-view+json"
        return {"text/plain": text, "text/html": image, kind: view}


class View(anywidget.AnyWidget):
    """What JavaScript draws. Each value is a trait of its own, so that it can
    be linked.
    """

    kind = traitlets.Unicode().tag(sync=True)  # names its module in frontend/
    nets = traitlets.List().tag(sync=True, **ipywidgets.widget_serialization)
    # the name of each control for screen readers, and those of its values
    controls = traitlets.Dict().tag(sync=True)
    # what a link can carry: [first value, least, largest]
    start = traitlets.Dict().tag(sync=True)
    # the figure for paper, as a data address, and what it shows
    still = traitlets.Unicode().tag(sync=True)
    still_text = traitlets.Unicode().tag(sync=True)
    # the panel's height in px, on wide and narrow pages
    room = traitlets.List().tag(sync=True)
    # those of the values that are whole numbers
    whole = traitlets.List().tag(sync=True)

    def __init__(self, values: dict[str, float], kind: str, **traits):
        kinds = {bool: traitlets.Bool, int: traitlets.Int}
        kinds[float] = traitlets.Float
        more = {name: kinds[type(value)] for name, value in values.items()}
        whole = [name for name, one in more.items() if one is traitlets.Int]
        # what this kind of view has besides
        own = [name for name in traits if not self.has_trait(name)]
        more |= dict.fromkeys(own, traitlets.Any)
        self.add_traits(**{k: one().tag(sync=True) for k, one in more.items()})
        end = f"export default {{ render: ${kind}.render }};\n"
        self._esm = source.joined(kind, end=end)
        self._css = source.read("style.css")
        super().__init__(kind=kind, whole=whole, **values, **traits)


# --- controls ----------------------------------------------------------------


def sliders(rows: dict[str, tuple]) -> dict[str, Control]:
    """Controls from {trait: (label, name, value, (low, high), step)}, on whole
    steps, all with room for the longest label. An int as step gives integers.
    """
    longest, made = max(len(row[0]) for row in rows.values()), {}
    for trait, (label, name, value, (low, high), step) in rows.items():
        options = {"min": low, "max": high, "description": label}
        if isinstance(step, int):
            widget = ipywidgets.IntSlider(
                value=value, **options, **space(longest)
            )
        else:
            value = tidy(low + round((value - low) / step) * step, step)
            options |= {"step": step, "readout_format": f".{_digits(step)}f"}
            widget = ipywidgets.FloatSlider(
                value=value, **options, **space(longest)
            )
        made[trait] = Control(widget, name)
    return made


def check_box(name: str, value: bool) -> Control:
    """A box to tick, with its name beside it."""
    box = ipywidgets.Checkbox(value, description=name)
    box.indent, box.layout.width = False, "auto"
    return Control(box, name)


def space(longest: int) -> dict[str, dict[str, str]]:
    """A slider's style and layout, for labels of `longest` letters."""
    style = {"description_width": f"{longest * 0.6 + 0.6:.1f}em"}
    return {"style": style, "layout": {"width": "auto", "min_width": "0"}}


def columns(*groups: Sequence[Control]) -> ipywidgets.HBox:
    """Groups of controls side by side, or, on a narrow page, one after the
    other.
    """
    one = {"flex": "1 1 250px", "min_width": "0"}
    groups = map(widgets_of, groups)
    return side_by_side(
        [ipywidgets.VBox(group, layout=one) for group in groups]
    )


def side_by_side(widgets: Sequence[ipywidgets.Widget]) -> ipywidgets.HBox:
    """Widgets in a row that may be broken."""
    return ipywidgets.HBox(widgets, layout={"flex_flow": "row wrap"})


def widgets_of(controls: Sequence[Control]) -> list[ipywidgets.Widget]:
    """What is put on a page of these controls."""
    return [control.widget for control in controls]


def subscript(name: str) -> str:
    """ "z12" as it is printed."""
    digits = {ord("0") + digit: 0x2080 + digit for digit in range(10)}
    return name.translate(digits)


def nice_step(width: float) -> float:
    """The largest of ..., 0.01, 0.02, 0.05, 0.1, ... that divides `width` into
    200 or more.
    """
    unit = 10.0 ** math.floor(math.log10(width / 200))
    steps = (unit * n for n in (1, 2, 5) if unit * n <= width / 200)
    return tidy(max(steps), unit)


def tidy(value: float, step: float) -> float:
    """`value` without the floating-point noise far below `step`."""
    return round(value, _digits(step))


def _digits(step: float) -> int:
    return max(0, -math.floor(math.log10(step) + 1e-9))
