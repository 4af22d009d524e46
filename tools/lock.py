"""Choose the versions in requirements.lock anew: `make lock`.

uv resolves requirements.txt for every Python from 3.11 on, on Linux and macOS,
from the index that its own settings name (UV_DEFAULT_INDEX, for one), and notes
the checksum of every file that pip may take. It is installed for this run only.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
HEADER = (
    "# Written by 'make lock' from requirements.txt: the versions that were "
    "tested,\n# with their files' checksums, for Python >= 3.11 on Linux and "
    "macOS.\n"
)

with tempfile.TemporaryDirectory() as folder:
    install = ["pip", "install", "--quiet", "--target", folder, "uv"]
    subprocess.run([sys.executable, "-m", *install], check=True)
    resolve = ["pip", "compile", "--universal", "--python-version=3.11"]
    resolve += ["--generate-hashes", ROOT / "requirements.txt"]
    silent = ["--quiet", "--system-certs", "--no-header", "--no-annotate"]
    versions = subprocess.check_output(
        [Path(folder) / "bin" / "uv", *resolve, *silent], text=True
    )
LOCK.write_text(HEADER + versions)
print(f"{LOCK.name}: {versions.count('==')} packages. Now: make test")
