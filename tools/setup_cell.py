# In Colab, install the course's library and what it lacks there; anywhere else,
# do nothing.
import importlib.util
import subprocess
import sys

if "google.colab" in sys.modules:
    names = [
        "anywidget",
        "ipywidgets",
        "matplotlib",
        "numpy",
        "psygnal",
        "torch",
        "torchvision",
    ]
    wanted = {n: n for n in [*names, "safetensors", "scipy", "tqdm"]} | {
        "sklearn": "scikit-learn"
    }
    wanted["aevae_lib"] = "git+https://github.com/OWNER/from-points-to-clouds"
    missing = [
        source
        for name, source in wanted.items()
        if not importlib.util.find_spec(name)
    ]
    install = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        *missing,
    ]
    if missing and subprocess.call(install) != 0:
        raise RuntimeError(
            "aevae_lib could not be installed. Are you online? Run this cell "
            "again."
        )
