"""How things are measured: side by side, in turns, and as ratios."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import platform
import re
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch


def interleaved(
    contenders: dict[str, Callable[[], object]], rounds: int, warm_up: int = 1
) -> dict[str, list[float]]:
    """Run each contender once a round, in turn, and return the seconds of each round.

    What disturbs the machine disturbs all of them alike. The order is turned around every other
    round, so that no contender always follows the same one.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(warm_up + rounds):
        for name in list(contenders)[:: 1 if turn % 2 else -1]:
            started = time.perf_counter()
            contenders[name]()
            if turn >= warm_up:
                seconds[name].append(time.perf_counter() - started)
    return seconds


def ratios(seconds: dict[str, list[float]], to: str) -> dict[str, tuple[float, float, float]]:
    """Return how many times faster than ``to`` each is: median, lowest and highest round."""
    found = {}
    for name, own in seconds.items():
        quotients = [base / one for base, one in zip(seconds[to], own, strict=True)]
        found[name] = (statistics.median(quotients), min(quotients), max(quotients))
    return found


def matrix_rate(dtype: torch.dtype, size: int = 1024, repeats: int = 10) -> float:
    """Measure the operations a second of one product of two square matrices, the best of some."""
    a, b = torch.ones(2, size, size, dtype=dtype)
    best = float("inf")
    for _ in range(repeats):
        started = time.perf_counter()
        a @ b
        best = min(best, time.perf_counter() - started)
    return 2 * size**3 / best


def operations(lengths: list[int], *, width: int, inner: int, layers: int) -> int:
    """Count multiplications and additions of an encoder's forward pass over real tokens.

    A layer has 4 width^2 + 2 width inner weights in matrices, each used once a token (2
    operations), and two attention products of L^2 width each for a sentence of L tokens.
    """
    weights = 4 * width**2 + 2 * width * inner
    return layers * sum(2 * weights * length + 4 * width * length**2 for length in lengths)


_made: Callable[[], object]


class Apart:
    """Something to run again and again, in a process of its own.

    So no contender lives on memory, caches or settings of another. ``make`` is called there once
    and returns what is run.
    """

    def __init__(self, make: Callable[..., Callable[[], object]], *arguments: object):
        self.pool = ProcessPoolExecutor(
            1,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_make,
            initargs=(torch.get_num_threads(), make, arguments),
        )

    def __call__(self) -> Any:
        return self.pool.submit(_run).result()

    def __enter__(self) -> Apart:
        return self

    def __exit__(self, *error: object) -> None:
        self.pool.shutdown()


def _make(threads: int, make: Callable[..., Callable[[], object]], arguments: tuple) -> None:
    global _made
    torch.set_num_threads(threads)
    _made = make(*arguments)


def _run() -> object:
    return _made()


@contextlib.contextmanager
def freed_memory_given_back() -> Iterator[None]:
    """Let processes started meanwhile give every large block back at once (glibc).

    Otherwise the C library keeps freed blocks between others that are in use, and the memory of a
    process says more about those holes than about what the code holds.
    """
    os.environ["MALLOC_MMAP_THRESHOLD_"] = str(2**20)
    try:
        yield
    finally:
        del os.environ["MALLOC_MMAP_THRESHOLD_"]


def peak_memory(run: Callable[[], object]) -> float:
    """Return by how many MiB the process grew at its highest while something ran (Linux).

    The kernel keeps the highest resident memory of a process (VmHWM) and forgets it when 5 is
    written to clear_refs. What the process held before is taken off.
    """
    Path("/proc/self/clear_refs").write_text("5")
    before = _resident("VmRSS")
    run()
    return (_resident("VmHWM") - before) / 1024


def _resident(kind: str) -> int:
    return int(re.search(rf"{kind}:\s*(\d+) kB", Path("/proc/self/status").read_text())[1])


def machine() -> str:
    """Say what was measured on in words that name nobody's machine."""
    info = Path("/proc/cpuinfo")
    name = re.search(r"model name\s*: (.*)", info.read_text()) if info.exists() else None
    native = [
        kind
        for kind, there in (
            ("avx512_bf16", getattr(torch.cpu, "_is_avx512_bf16_supported", bool)()),
            ("amx", getattr(torch.cpu, "_is_amx_tile_supported", bool)()),
        )
        if there
    ]
    versions = ", ".join(f"{p} {version(p)}" for p in ("torch", "transformers", "tokenizers"))
    return (
        f"{name[1] if name else platform.processor() or 'unknown processor'} "
        f"({platform.machine()}), threads: {torch.get_num_threads()}, bf16 in hardware: "
        f"{', '.join(native) or 'no'}; Python {platform.python_version()}, {versions}"
    )
