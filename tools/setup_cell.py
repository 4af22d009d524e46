# In Colab, install the library and what it lacks there; elsewhere, do nothing.
import importlib.util
import subprocess
import sys

if "google.colab" in sys.modules:
    names = (
        "anywidget", "ipywidgets", "matplotlib", "numpy", "psygnal", "torch",
        "torchvision", "safetensors", "scipy", "tqdm",
    )  # fmt: skip
    source = "git+https://github.com/OWNER/from-points-to-clouds"
    wanted = {"aevae_lib": source, "sklearn": "scikit-learn"}
    wanted |= dict(zip(names, names, strict=True))
    found = importlib.util.find_spec
    missing = [wanted[name] for name in wanted if not found(name)]
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps"]
    if missing and subprocess.call([*install, *missing]) != 0:
        raise RuntimeError(
            "aevae_lib could not be installed. Are you online? Run this again."
        )
