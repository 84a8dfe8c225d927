"""Run notebooks as Colab does: each alone in an empty folder, the package out of a wheel.

`python course/alone.py` runs all, `python course/alone.py notebooks/03_*.ipynb` some. `--python` names
an environment to run them in (`make colab` makes one with Colab's versions), `--table FILE` writes
down what each cost. There is no repository in sight, no network, and no folder of corpora.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import nbformat
import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [] if str(ROOT) in sys.path else [str(ROOT)]

from course.builder.metadata import load
from course.builder.run import CELL_SECONDS, hidden_errors

PACKAGE = "dualcl_tutorial"
PARTS = ("pyproject.toml", "README.md", "LICENSE", "LICENSE-CONTENT.md", PACKAGE, "results")
ROW = re.compile(r"\| \[(.+?)\]\(.*?\) \| (.+) \|")
COLUMNS = [f"{mode}: {unit}" for mode in ("quick", "read") for unit in ("CPU s", "MB")]
ABOUT = """\
# What each notebook costs

Made by `make cost`: every notebook runs alone in an empty folder, with the package installed from its wheel and Colab's
versions of everything else (`course/colab.txt`). CPU s are the seconds of processor time of the kernel and its children, imports
and the installation of the wheel included; MB is the largest memory of all of them together. `read` is the size a
reader gets, `quick` the size of the tests; both with the bundled corpora in place of those that have to be downloaded.
Measured on a two-core x86 machine, CPU only, one thread. Binder gives a notebook 1 to 2 GB.
"""


class Cost(NamedTuple):
    """What a run took: processor seconds and megabytes at the highest point."""

    seconds: float
    megabytes: float


def build_wheel(target: Path) -> Path:
    """Build the wheel from a copy, so that no old build folder slips into it."""
    with tempfile.TemporaryDirectory() as folder:
        for part in PARTS:
            if (ROOT / part).is_dir():
                ignore = shutil.ignore_patterns("__pycache__", "*.pyc")
                shutil.copytree(ROOT / part, Path(folder, part), ignore=ignore)
            else:
                shutil.copy(ROOT / part, folder)
        pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
        subprocess.run([*pip, "--wheel-dir", str(target), folder], check=True)
    (path,) = target.glob("*.whl")
    return path


def environment(folder: Path, python: Path) -> Path:
    """Make an environment that has what another one has, except for the course; return its Python.

    What is installed into it stays in it: pip does not touch what lies outside.
    """
    ask = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    said = subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True)
    # By this name dill, which datasets uses, knows a library from code of one's own.
    links, packages = folder / "links" / "site-packages", Path(said.stdout.strip())
    links.mkdir(parents=True)
    for entry in packages.iterdir():
        if not re.match(rf"(__editable__.*)?{PACKAGE}", entry.name):
            (links / entry.name).symlink_to(entry)
    made = folder / "env"
    subprocess.run([python, "-m", "venv", "--without-pip", made], check=True)
    mine = made / "bin" / "python"
    said = subprocess.run([mine, "-c", ask], capture_output=True, text=True, check=True)
    here = Path(said.stdout.strip())
    (here / "google" / "colab").mkdir(parents=True)  # in Colab it is there and imported
    (here / "google" / "colab" / "__init__.py").touch()
    (here / "colab.pth").write_text(f"{links}\nimport google.colab\n", encoding="utf-8")
    return mine


def run(path: Path, python: Path, wheel: Path | None, *, mode: str = "quick") -> Cost:
    """Run one notebook in an environment without the course.

    Without a wheel its first two cells are run, and the package comes from where they say.

    Raises:
        AssertionError: about what a reader in Colab would stumble over.
    """
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    notebook.cells = notebook.cells if wheel else notebook.cells[:2]
    with tempfile.TemporaryDirectory() as folder:
        empty, home = Path(folder, "content"), Path(folder, "home")
        empty.mkdir()
        shutil.copy(path, empty)
        spec = home / "kernels" / "python3" / "kernel.json"
        spec.parent.mkdir(parents=True)
        mine = environment(home, python)
        start = [str(mine), "-Xfrozen_modules=off"]
        command = [*start, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        spec.write_text(json.dumps({"argv": command, "display_name": "3", "language": "python"}))
        specs = KernelSpecManager(kernel_dirs=[str(spec.parents[1])], ensure_native_kernel=False)
        manager = AsyncKernelManager(
            kernel_name="python3", kernel_spec_manager=specs, transport_encryption="auto"
        )
        client = NotebookClient(
            notebook,
            km=manager,
            timeout=CELL_SECONDS,
            coalesce_streams=True,
            resources={"metadata": {"path": str(empty)}},
        )
        with _measured() as cost:
            # A client leaves a kernel whose manager it was given alive, unless it is told.
            client.execute(cleanup_kc=True, env=_settings(home, wheel, mode))
        _judge(notebook)
    return cost[0]


def _settings(home: Path, wheel: Path | None, mode: str) -> dict[str, str]:
    nowhere = "http://127.0.0.1:9"  # whoever asks the network is refused at once
    settings = {
        **os.environ,
        "CUDA_VISIBLE_DEVICES": "",
        "DUALCL_MODE": mode,
        "HF_HUB_OFFLINE": "1",
        "HOME": str(home),
        "OMP_NUM_THREADS": "1",
        "XDG_CACHE_HOME": str(home / "cache"),
    }
    if wheel:
        settings |= {"DUALCL_SOURCE": str(wheel), "PIP_NO_INDEX": "1"}
        names = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")
        settings |= {**dict.fromkeys(names, nowhere), "no_proxy": "127.0.0.1"}  # lesson 11 serves
    for name in ("DUALCL_DATA", "DUALCL_ENCODER", "DUALCL_PROGRESS", "MPLBACKEND", "PYTHONPATH"):
        settings.pop(name, None)
    return settings


@contextlib.contextmanager
def _measured() -> Iterator[list[Cost]]:
    """Watch the processes that start meanwhile; the list holds the cost at the end."""
    cost: list[Cost] = []
    before = {process.pid for process in psutil.Process().children()}
    seconds: dict[int, float] = {}
    peak, over = 0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not over.wait(0.2):
            now = 0
            for process in psutil.Process().children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    if process.pid not in before:
                        now += process.memory_info().rss
                        times = process.cpu_times()
                        seconds[process.pid] = times.user + times.system
            peak = max(peak, now)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield cost
    finally:
        over.set()
        watcher.join()
        cost.append(Cost(sum(seconds.values()), peak / 1e6))


def _judge(notebook: nbformat.NotebookNode) -> None:
    setup = "".join(output.get("text", "") for output in notebook.cells[1].outputs)
    assert "torch and numpy untouched" in setup, f"the setup cell said: {setup}"
    assert "GPU" in setup, f"the setup cell does not say how to get a GPU: {setup}"
    assert not (found := list(hidden_errors(notebook))), f"a widget hides an error: {found[0]}"


def table(path: Path, costs: dict[tuple[str, str], Cost]) -> str:
    """Write the table of costs: what is new, and what the page at `path` knows besides."""
    known: dict[str, list[str]] = {}
    if path.is_file():
        for name, cells in ROW.findall(path.read_text(encoding="utf-8")):
            known[name] = cells.split(" | ")
    for (name, mode), cost in costs.items():
        place = 0 if mode == "quick" else 2
        row = known.setdefault(name, [""] * len(COLUMNS))
        row[place : place + 2] = [f"{cost.seconds:.0f}", f"{cost.megabytes:,.0f}"]
    lines = [f"| notebook | {' | '.join(COLUMNS)} |", "|---" * (1 + len(COLUMNS)) + "|"]
    for name in (shown(target) for target in targets()):
        if name in known:
            lines.append(f"| [{name}](../{name}) | {' | '.join(known[name])} |")
    return f"{ABOUT}\n" + "\n".join(lines) + "\n"


def shown(path: Path) -> str:
    """Name a notebook by its folder and file."""
    return f"{path.parent.name}/{path.name}"


def targets() -> list[Path]:
    """Return every notebook of the course that is there, in its order."""
    course = load(ROOT)
    paths = [course.notebook(lesson, kind) for lesson, kind in course.targets()]
    return [path for path in paths if path.is_file()]


def main() -> int:
    """Run what was asked for, say what each took, and return how many failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebooks", nargs="*", type=Path, help="all, if none is named")
    parser.add_argument("--python", type=Path, default=Path(sys.executable))
    parser.add_argument("--mode", choices=["quick", "read"], default="quick")
    parser.add_argument("--tag", action="store_true", help="the setup cell alone, as published")
    parser.add_argument("--table", type=Path, help="the page to bring up to date")
    options = parser.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        wheel = None if options.tag else build_wheel(Path(folder))
        for path in options.notebooks or targets():
            try:
                cost = run(path, options.python.absolute(), wheel, mode=options.mode)
            except Exception as error:
                failed += 1
                print(f"{shown(path)}: {str(error).strip().splitlines()[-1]}", flush=True)
                continue
            print(f"{shown(path)}: {cost.seconds:.0f} CPU s, {cost.megabytes:,.0f} MB", flush=True)
            if options.table:
                text = table(options.table, {(shown(path), options.mode): cost})
                options.table.write_text(text, encoding="utf-8")
    return failed


if __name__ == "__main__":
    raise SystemExit(main())
