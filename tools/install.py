"""Install the course into a virtual environment: `python3 tools/install.py lab,offline [.venv]`.

With a file of requirements in place of the extras (`course/colab.txt .venv/colab`) these are
installed, and the course is not.

Two steps, because of one trap: on Linux, PyPI's torch brings gigabytes of CUDA libraries along.

1. torch, in the version of constraints.txt: from PyTorch's CPU index, unless a GPU is seen or this
   is not Linux (then PyPI has the right one). TORCH_INDEX names another index; an index that does
   not answer is replaced by PyPI.
2. the package itself, editable, with the extras asked for and the versions of constraints.txt.

VERSIONS=oldest takes the lower bounds of pyproject.toml instead, VERSIONS=newest what is newest.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036, an older Python may well run this file
    sys.exit(
        "The course needs Python 3.11 or newer and this is {}.{}: name another one, "
        "as in `make PYTHON=python3.12 lab`.".format(*sys.version_info)
    )

ROOT = Path(__file__).resolve().parent.parent
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
PATIENCE = 5  # seconds to wait for the index


def has_gpu() -> bool:
    """Say whether the driver of an NVIDIA card answers."""
    command = shutil.which("nvidia-smi")
    return command is not None and subprocess.run([command], capture_output=True).returncode == 0


def reachable(index: str) -> bool:
    """Say whether a package index answers; one on disk needs no answer."""
    if not index.startswith(("http://", "https://")):
        return True
    try:
        urllib.request.urlopen(index.rstrip("/") + "/torch/", timeout=PATIENCE).close()
    except OSError:  # urllib's own errors are among these
        return False
    return True


def torch_index() -> str:
    """Return the index that torch comes from, empty for pip's own (PyPI)."""
    index = os.environ.get("TORCH_INDEX", "")
    if not index and (not sys.platform.startswith("linux") or has_gpu()):
        return ""
    index = index or CPU_INDEX
    if not reachable(index):
        print(f"{index} cannot be reached, so torch comes from PyPI.", flush=True)
        return ""
    return index


def constraints(versions: str) -> list[str]:
    """Return lines for pip that hold the tested versions, the lower bounds, or none."""
    if versions == "tested":
        return (ROOT / "constraints.txt").read_text().splitlines()
    if versions == "newest":
        return []
    if versions != "oldest":
        sys.exit(f"VERSIONS is {versions!r}: say tested, oldest or newest.")
    import tomllib

    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    # The last patch of the oldest: pandas>=2.2 gives pandas==2.2.*
    return [f"{line.replace('>=', '==')}.*" for line in wanted if ">=" in line]


def virtual_environment(folder: Path) -> Path:
    """Create the environment if it is missing and return its Python."""
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        print(f"Making the virtual environment {folder.name}.", flush=True)
        done = subprocess.run(
            [sys.executable, "-m", "venv", str(folder)], stdout=subprocess.DEVNULL
        )
        if done.returncode != 0:
            shutil.rmtree(folder, ignore_errors=True)
            sys.exit(
                "Python could not make a virtual environment: install its venv module "
                "(on Debian and Ubuntu the package python3-venv) and try again."
            )
    return python


def pip(python: Path, what: str, *arguments: str) -> None:
    """Run pip in the environment, quietly, and stop with one sentence if it fails."""
    print(f"Installing {what} ...", flush=True)
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if subprocess.run([*command, *arguments], cwd=ROOT).returncode != 0:
        sys.exit(
            f"Installing {what} failed for the reason above; what is installed so far is kept."
        )


def main() -> None:
    """Install torch, then the package."""
    extras = sys.argv[1] if len(sys.argv) > 1 else "lab,offline"
    folder = Path(sys.argv[2] if len(sys.argv) > 2 else ROOT / ".venv").absolute()
    lines = constraints(os.environ.get("VERSIONS", "tested"))
    torch = next((line for line in lines if re.match(r"torch==", line)), "torch")

    python = virtual_environment(folder)
    index = torch_index()
    # Without dependencies, so that this index is asked for torch and for nothing else.
    source = ["--index-url", index] if index else []
    pip(python, f"{torch} from {index or 'PyPI'}", "--no-deps", *source, torch)
    if extras.endswith(".txt"):
        pip(python, extras, "-r", extras)
    else:
        with tempfile.TemporaryDirectory() as scratch:
            file = Path(scratch, "constraints.txt")
            file.write_text("\n".join(lines))
            pip(python, f"the course [{extras}]", "-c", str(file), "-e", f".[{extras}]")


if __name__ == "__main__":
    main()
