"""Execute a notebook and write it in one canonical form, or stop and say why not."""

from __future__ import annotations

import copy
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat

from course.builder.metadata import BuildError, Lesson

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
MAX_BYTES = 300_000
CELL_SECONDS = 900
_KEPT = ("cellView", "deletable", "editable", "jupyter", "nbgrader", "tags")
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}")
_BAR = re.compile(r"\d{1,3}%\|")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def check_supplies(lesson: Lesson) -> None:
    """Stop when a corpus or an encoder the lesson names is missing, before any time is spent."""
    from dualcl_tutorial import corpora, encoders

    for name in lesson.corpora:
        try:
            corpora.load(name, validation=0)
        except (OSError, ValueError) as error:
            raise BuildError(f"Lesson {lesson.number} shows corpus {name}: {error}") from None
    for name in lesson.encoders:
        if not encoders.available(name):
            raise BuildError(
                f"Lesson {lesson.number} shows encoder {name}, which is not on this machine: "
                f"`dualcl doctor` says how to get it."
            )


def execute(notebook: nbformat.NotebookNode, folder: Path, root: Path, mode: str) -> None:
    """Run all cells in place, in the notebook's own folder, at the sizes of this mode."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
    from traitlets.config import Config

    config = Config()
    # Keeps newer kernels from complaining about plain TCP; older ones ignore it.
    config.KernelManager.transport_encryption = "auto"
    folder.mkdir(parents=True, exist_ok=True)
    client = NotebookClient(
        notebook,
        timeout=CELL_SECONDS,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(folder)}},
        config=config,
    )
    with tempfile.TemporaryDirectory() as scratch:
        try:
            client.execute(env=_environment(root, mode, scratch))
        except CellExecutionError as error:
            said = _COLOUR.sub("", f"{error.ename}: {error.evalue}")
            raise BuildError(f"{_failed(notebook)} raised {said}") from None
        except (CellTimeoutError, DeadKernelError) as error:
            raise BuildError(f"{_failed(notebook)}: {str(error).splitlines()[0]}") from None
    if found := list(hidden_errors(notebook)):
        raise BuildError(f"A widget hides an error: {found[0]}")


def hidden_errors(notebook: nbformat.NotebookNode) -> Iterator[str]:
    """Yield errors that `interact` and `Output` keep in the widgets' state, where no cell shows."""
    state = notebook.metadata.get("widgets", {}).get(WIDGET_STATE, {}).get("state", {})
    for widget in state.values():
        for output in widget.get("state", {}).get("outputs", []):
            if output.get("output_type") == "error":
                yield f"{output['ename']}: {output['evalue']}"


def canonical(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return a copy in which nothing is left that another run of the same code would change."""
    result = copy.deepcopy(notebook)
    kept = ("colab", "kernelspec", "language_info")
    result.metadata = nbformat.from_dict(
        {key: result.metadata[key] for key in kept if key in result.metadata}
    )
    result.metadata["language_info"] = nbformat.from_dict({"name": "python"})
    result.nbformat, result.nbformat_minor = 4, 5
    for cell in result.cells:
        metadata = {key: cell.metadata[key] for key in _KEPT if key in cell.metadata}
        cell.metadata = nbformat.from_dict(metadata)
        if cell.cell_type == "code":
            outputs = (_clean_output(output, cell["id"]) for output in cell.outputs)
            cell.outputs = [output for output in outputs if output is not None]
    return result


def text_of(notebook: nbformat.NotebookNode) -> str:
    """Serialise as committed: sorted keys, one space of indentation, a newline at the end."""
    return nbformat.writes(notebook, version=4).rstrip("\n") + "\n"


def outputs_in_words(notebook: nbformat.NotebookNode) -> Iterator[tuple[str, str]]:
    """Yield (cell id, text) for everything a reader sees as text below a cell."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            for key, value in (output.get("data") or {"text": output.get("text", "")}).items():
                if not key.startswith("image/") or key == "image/svg+xml":
                    yield cell["id"], value if isinstance(value, str) else str(value)


def absolute_paths(text: str, root: Path | None = None) -> list[str]:
    """Find what looks like a path of one machine, this one's or any other's."""
    tops = {"home", "root", "tmp", "usr", "opt", "var", "mnt", "private", "Users", "content"}
    for place in (root, Path.home(), Path(sys.prefix), Path.cwd()):
        if place is not None and len(place.parts) > 2:
            tops.add(place.parts[1])
    unix = rf"(?<![\w./:-])/(?:{'|'.join(sorted(map(re.escape, tops)))})/[\w.~+-]+"
    return [match[0] for match in re.finditer(rf"{unix}|\b[A-Z]:\\\w+", text)]


def check_outputs(notebook: nbformat.NotebookNode, root: Path) -> None:
    """Stop when the outputs hold what must not be committed."""
    from dualcl_tutorial.notebook import FALLBACK

    for cell_id, text in outputs_in_words(notebook):
        if paths := absolute_paths(text, root):
            raise BuildError(f"The output of cell {cell_id} holds an absolute path: {paths[0]}")
        if FALLBACK in text:
            raise BuildError(f"Cell {cell_id} fell back to another corpus: {text.strip()}")
    if (size := len(text_of(notebook).encode())) > MAX_BYTES:
        raise BuildError(f"The notebook has {size:,} bytes with its outputs, over {MAX_BYTES:,}.")


def _clean_output(output: nbformat.NotebookNode, cell_id: str) -> nbformat.NotebookNode | None:
    if output.output_type == "stream":
        if output.name == "stderr":  # warnings and progress bars
            return None
        output.text = _ADDRESS.sub("0x0", _COLOUR.sub("", _last_line_states(output.text)))
        return output if output.text.strip() else None
    if output.output_type == "error":
        return output  # execute() has stopped before, so this is a test's or an editor's
    data: dict[str, Any] = output.data
    if _BAR.search(str(data.get("text/plain", ""))):
        return None
    if WIDGET_VIEW in data:
        if "image/png" not in data:
            raise BuildError(
                f"Cell {cell_id} shows a widget without a picture for readers who have no kernel: "
                f"use notebook.live."
            )
        del data[WIDGET_VIEW]
    for key in data:
        if key in ("text/plain", "text/html", "text/markdown"):
            data[key] = _ADDRESS.sub("0x0", data[key])
        elif key == "image/png":
            data[key] = data[key].strip()
    alt = output.metadata.get("image/png", {}).get("alt")
    output.metadata = nbformat.from_dict({"image/png": {"alt": alt}} if alt else {})
    return output


def _last_line_states(text: str) -> str:
    # A bar drawn over itself with carriage returns leaves only what was seen last.
    return re.sub(r"[^\n]*\r(?!\n)", "", text.replace("\r\n", "\n"))


def _failed(notebook: nbformat.NotebookNode) -> str:
    ran = [cell for cell in notebook.cells if cell.get("execution_count")]
    broken = [
        cell["id"]
        for cell in notebook.cells
        if any(output.output_type == "error" for output in cell.get("outputs", []))
    ]
    last = ran[-1]["id"] if ran else notebook.cells[0]["id"]
    return f"Cell {broken[0] if broken else last}"


def _environment(root: Path, mode: str, scratch: str) -> dict[str, str]:
    path = [str(root), str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    environment = {
        **os.environ,
        "DUALCL_MODE": mode,
        "DUALCL_PROGRESS": str(Path(scratch) / "progress.json"),  # the reader's own stays as it is
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": os.pathsep.join(part for part in path if part),
    }
    # What is committed is what a reader without settings of her own gets.
    for name in ("DUALCL_ENCODER", "DUALCL_SOURCE", "MPLBACKEND"):
        environment.pop(name, None)
    return environment
