"""A run on disk, whole or not at all (lesson 06).

Everything is written into a folder beside its place, synced, and renamed: a rename either happened
or did not. Tensors are safetensors, the rest is JSON; nothing is pickled.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import json
import os
import shutil
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

_TENSORS, _STATE, _STEP = "tensors.safetensors", "state.json", "step-"


@contextlib.contextmanager
def published(folder: str | Path) -> Iterator[Path]:
    """Give a folder to write in, which appears under its name only when all of it is on disk.

    If writing fails or is interrupted, what was written is removed and ``folder`` is as before.
    What a killed writer left of it is removed, too.

    Raises:
        FileExistsError: if ``folder`` is there already.
    """
    folder = Path(folder)
    if folder.exists():
        raise FileExistsError(
            f"Expected {folder} to be free, but it is there: choose another name."
        )
    new = [parent for parent in folder.parents if not parent.exists()]  # the nearest first
    folder.parent.mkdir(parents=True, exist_ok=True)
    _remove_partial(folder.parent, glob.escape(folder.name))
    partial = folder.with_name(f".{folder.name}.partial-{os.getpid()}")
    partial.mkdir()
    try:
        yield partial
        for path in [*partial.rglob("*"), partial]:
            _sync(path)
        partial.rename(folder)
        _sync(folder.parent)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        for parent in new:  # an empty folder would look like an interrupted run
            with contextlib.suppress(OSError):
                parent.rmdir()
        raise


def save(
    folder: str | Path, step: int, tensors: Mapping[str, Tensor], state: Mapping[str, Any]
) -> Path:
    """Write the checkpoint of a step and remove all older ones but the last.

    Args:
        folder: where the checkpoints of one run lie.
        step: how many steps were done.
        tensors: what safetensors can hold.
        state: what JSON can hold.

    Returns:
        The folder of this checkpoint.
    """
    from safetensors.torch import save_file

    folder = Path(folder)
    target = folder / f"{_STEP}{step:09d}"
    if not target.exists():  # the same step of the same run is the same checkpoint
        with published(target) as partial:
            whole = {name: tensor.detach().contiguous().cpu() for name, tensor in tensors.items()}
            save_file(whole, partial / _TENSORS)
            record = {"step": step, "sha256": _sha256(partial / _TENSORS), **state}
            (partial / _STATE).write_text(json.dumps(record), encoding="utf-8")
    for old in _checkpoints(folder)[2:]:
        shutil.rmtree(old, ignore_errors=True)
    return target


def load(folder: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Read the newest checkpoint that is whole; a broken one is passed over, with a warning.

    What is broken, or was left by a killed writer, is removed.

    Returns:
        The tensors and the state given to :func:`save`, ``step`` among it; None if there is none.
    """
    from safetensors.torch import load_file

    _remove_partial(Path(folder), f"{_STEP}*")
    for path in _checkpoints(Path(folder)):
        try:
            state = json.loads((path / _STATE).read_text(encoding="utf-8"))
            if state.pop("sha256") != _sha256(path / _TENSORS):
                raise ValueError("its tensors are not what was written")
            return load_file(path / _TENSORS), state
        except (OSError, ValueError, KeyError) as error:
            warnings.warn(
                f"Checkpoint {path.name} is broken ({error}): going on from the one before it.",
                stacklevel=2,
            )
            shutil.rmtree(path, ignore_errors=True)
    return None


def _remove_partial(folder: Path, name: str) -> None:
    """Remove what killed writers left of the folders whose name matches a pattern."""
    for left in folder.glob(f".{name}.partial-*"):
        shutil.rmtree(left, ignore_errors=True)


def _checkpoints(folder: Path) -> list[Path]:
    """List the checkpoints in a folder, newest first."""
    return sorted(folder.glob(f"{_STEP}*"), reverse=True) if folder.is_dir() else []


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    if path.is_dir() and os.name == "nt":  # Windows cannot sync a folder
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
