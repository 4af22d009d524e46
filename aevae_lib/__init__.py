"""A small, complete toolbox for autoencoders and variational autoencoders.

The modules follow the flow of the data, and each imports only from those on its
left::

    data -> likelihoods -> models -> losses -> train -> sample -> measure
    -> evidence -> zoo -> plots -> widgets

Each is imported when it is first asked for: `import aevae_lib as av`, then
`av.models.VAE()`. One unit is used throughout: nats per image, summed over
pixels and latent dimensions and averaged over images. The library prints
nothing unless asked, and leaves the global random state as it was.
"""

from importlib import import_module

__version__ = "0.2.0"
__all__ = [
    "data",
    "evidence",
    "likelihoods",
    "losses",
    "measure",
    "models",
    "plots",
    "sample",
    "train",
    "widgets",
    "zoo",
]


def __getattr__(name: str):
    if name in __all__:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
