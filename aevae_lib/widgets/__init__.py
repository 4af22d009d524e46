"""Live widgets: ipywidgets controls over latent space, whose images are decoded
in the browser.

Each view is a function that returns a `Panel`: one drawing by JavaScript, with
a control for every value. The links between them live in the browser and so do
the networks, with the model's own weights: the controls go on working on a
static page, where no Python is left.

A view is two files of one name: a module here, with a function of that name,
and `frontend/NAME.js`, which exports `render`. Nothing else lists the views.
"""

from importlib import import_module
from pkgutil import iter_modules

from .network import Net
from .page import save_html
from .panel import Panel, View

__all__ = ["Net", "Panel", "View", "save_html"]

for _name in sorted(module.name for module in iter_modules(__path__)):
    _view = getattr(import_module(f"{__name__}.{_name}"), _name, None)
    if _view is not None:
        globals()[_name] = _view
        __all__ += [_name]
