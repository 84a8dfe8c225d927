# @title Setup: run this cell first
import importlib.util
import os
import subprocess
import sys
from importlib.metadata import version

SOURCE = os.environ.get("DUALCL_SOURCE", "git+https://github.com/OWNER/REPO@TAG")
if "google.colab" in sys.modules and importlib.util.find_spec("dualcl_tutorial") is None:
    # Naming the versions that are there makes pip refuse rather than replace them under our feet.
    kept = [f"{name}=={version(name)}" for name in ("torch", "numpy")]
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", SOURCE, *kept], check=True)
    importlib.invalidate_caches()
    now = [f"{name}=={version(name)}" for name in ("torch", "numpy")]
    print("torch and numpy untouched:" if now == kept else "restart the session, changed:", *now)
try:
    from dualcl_tutorial import notebook
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f'{error.name} is not installed here. Type in a new cell: %pip install "{SOURCE}"'
    ) from None
notebook.setup(seed=0)
