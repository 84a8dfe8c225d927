"""Many runs, one store: a grid of settings worked off by any number of processes (lesson 08).

The store is a folder with one JSON file a run, named by the hash of the run's settings and
published by an atomic rename: a run done twice is the same file and is counted once. A claim file
keeps workers apart while a run goes on; its owner touches it every few seconds, and a claim that
has not been touched for a while belongs to nobody and may be taken.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import multiprocessing
import os
import platform
import shutil
import statistics
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import product
from pathlib import Path
from typing import Any, Self

import pandas as pd

from dualcl_tutorial import corpora
from dualcl_tutorial._ray import work_on_ray
from dualcl_tutorial.training import RunResult, TrainConfig, train

HEARTBEAT = 5.0  # seconds between two touches of a claim
STALE = 60.0  # seconds after which a claim that was not touched may be taken

#: What :func:`read_store` gives of each run; `settings` holds everything else it depends on.
COLUMNS = ("method", "corpus", "fraction", "per_class", "encoder", "seed", "split", "accuracy")


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A declaration of runs: every method on every corpus, size, encoder, seed and settings.

    Attributes:
        methods: see :data:`~dualcl_tutorial.training.METHODS`.
        corpora: names or files, see :func:`~dualcl_tutorial.corpora.load`.
        fractions: shares of the training split.
        per_class: numbers of training examples a class, besides the fractions.
        encoders: names, hub ids or folders.
        seeds: one run each.
        settings: other fields of :class:`~dualcl_tutorial.training.TrainConfig`, one mapping a
            variant. A variant that names a method, a corpus or an encoder is for that one alone.
        split: what accuracy is measured on: "test", or "validation" to choose settings.

    Example:
        >>> len(Grid(methods=["ce", "dualcl"], corpora=["cr"], fractions=[0.1], seeds=[0, 1]))
        4
    """

    methods: Sequence[str]
    corpora: Sequence[str]
    fractions: Sequence[float] = ()
    per_class: Sequence[int] = ()
    encoders: Sequence[str] = ("minilm",)
    seeds: Sequence[int] = (0, 1, 2)
    settings: Sequence[Mapping[str, Any]] = ({},)
    split: str = "test"

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read a grid from a YAML file whose keys are the attributes above.

        Raises:
            ValueError: if the file is no such mapping.
        """
        import yaml

        known = [field.name for field in fields(cls)]
        try:
            found = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise ValueError(f"{path} is not YAML ({' '.join(str(error).split())}).") from None
        if not isinstance(found, dict) or not {"methods", "corpora"} <= found.keys() <= set(known):
            raise ValueError(
                f"Expected a mapping with methods and corpora, and of {', '.join(known)} what else "
                f"is needed, got {sorted(found) if isinstance(found, dict) else found!r} in {path}."
            )
        return cls(**found)

    def __len__(self) -> int:
        """Count the runs."""
        return len(self.runs())

    def runs(self) -> list[TrainConfig]:
        """List the runs, all settings checked, seed by seed: a grid cut short is balanced.

        Raises:
            ValueError: one sentence about the first setting that will not do.
        """
        if self.split not in ("test", "validation"):
            raise ValueError(f'Expected split "test" or "validation", got {self.split!r}.')
        lists = [f.name for f in fields(self) if f.name != "split"]
        for name in lists:
            if isinstance(getattr(self, name), str | Mapping | int | float):
                raise ValueError(f"Expected a list of {name}, got {getattr(self, name)!r}.")
        sizes: list[dict[str, Any]] = [{"fraction": share} for share in self.fractions]
        sizes += [{"per_class": count} for count in self.per_class]
        found = []
        for seed, corpus, encoder, size, variant, method in product(
            self.seeds, self.corpora, self.encoders, sizes or [{}], self.settings, self.methods
        ):
            run = {"method": method, "corpus": corpus, "encoder": encoder, "seed": seed, **size}
            if all(run.get(key, value) == value for key, value in variant.items()):
                found.append(_config({**variant, **run}))
        if self.split == "validation" and not all(run.resolved().validation for run in found):
            raise ValueError(
                'Expected validation above 0 in the settings of a grid with split "validation".'
            )
        return found


def _config(settings: dict[str, Any]) -> TrainConfig:
    known = {field.name for field in fields(TrainConfig)} - {"output", "resume", "progress"}
    if unknown := sorted(settings.keys() - known):
        raise ValueError(f"Expected settings out of {', '.join(sorted(known))}, got {unknown}.")
    config = TrainConfig(**settings, progress=False)
    config.resolved()
    corpora.locate(config.corpus)  # a misspelt name stops the grid, and not every run of it
    return config


def run_grid(
    grid: Grid, store: str | Path, *, workers: int = 1, engine: str = "processes"
) -> pd.DataFrame:
    """Do every run of a grid that the store lacks (lesson 08).

    Stop it whenever you like and call it again: it goes on, in the middle of a run if that had a
    checkpoint. Other processes, on this machine or on any that sees the folder, may work on the
    same store. A run that fails is reported, left out, and tried again by the next call.

    Args:
        grid: what to do.
        store: the folder; made if it is not there.
        workers: processes to start; each gets its share of the cores. 1 works in this process.
        engine: "processes" of this machine, or "ray": Ray tasks, here or on a Ray cluster that sees
            the store. A task that dies is started anew, and its run is done again (lesson 12).

    Returns:
        The grid's finished runs, as :func:`read_store` gives them.

    Raises:
        ValueError: for a setting that will not do, before any run.
    """
    if workers < 1:
        raise ValueError(f"Expected at least one worker, got {workers}.")
    if engine not in ("processes", "ray"):
        raise ValueError(f'Expected the engine "processes" or "ray", got {engine!r}.')
    runs, store = {run_name(run, grid.split): run for run in grid.runs()}, Path(store).resolve()
    store.mkdir(parents=True, exist_ok=True)
    for name in runs:  # what failed before gets another chance
        (store / f"{name}.failed").unlink(missing_ok=True)
    work = functools.partial(_work, runs, grid.split, store, workers)
    if engine == "ray":
        work_on_ray(functools.partial(_work_to_the_end, runs, grid.split, store, workers), workers)
    elif workers == 1:
        work()
    else:
        spawn = multiprocessing.get_context("spawn")
        threads = max(1, (os.cpu_count() or 1) // workers)
        team = [spawn.Process(target=work, args=(threads,)) for _ in range(workers)]
        with _no_interrupt_of_children(team):
            for worker in team:
                worker.join()
    frame = read_store(store)
    _report(runs, store)
    return frame[frame.name.isin(runs)].reset_index(drop=True) if len(frame) else frame


@contextlib.contextmanager
def _no_interrupt_of_children(team: list[Any]) -> Iterator[None]:
    """Start processes and, on Ctrl-C, wait for them: each got it too and saves its run."""
    for worker in team:
        worker.start()
    try:
        yield
    except KeyboardInterrupt:
        for worker in team:
            worker.join()


def run_name(config: TrainConfig, split: str = "test") -> str:
    """Name a run by its settings: 16 hex digits of a SHA-256.

    Precision counts as it was asked for, so that machines that resolve "auto" differently can
    share a store; each file says what it was made with.
    """
    settings = config.resolved().settings() | {"precision": config.precision, "split": split}
    text = json.dumps(settings, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_store(store: str | Path) -> pd.DataFrame:
    """Read a store as one table, a row a run.

    Returns:
        Columns name, method, corpus, fraction, per_class (one of the two is empty), encoder, seed,
        split, accuracy (0 to 1), examples, then settings (a mapping: everything else), versions
        (a mapping), machine, threads, precision, seconds; and label and predicted, one class index
        a judged example, for tests paired by example. Sorted, so that the order of work is gone.

    Raises:
        FileNotFoundError: if there is no such folder.
    """
    folder = Path(store)
    if not folder.is_dir():
        raise FileNotFoundError(f"Expected a store of runs, but {folder} is no folder.")
    rows = []
    for path in sorted(folder.glob("*.json")):
        run = json.loads(path.read_text(encoding="utf-8"))
        settings, record = run["settings"], run["record"]
        row = {"name": path.stem} | {key: settings.pop(key) for key in COLUMNS if key in settings}
        row |= {key: run[key] for key in ("split", "accuracy")} | {"examples": len(run["label"])}
        row["fraction"] = None if row["per_class"] else row["fraction"]
        row |= {"settings": settings} | {k: record[k] for k in ("versions", "machine", "threads")}
        row |= {"precision": record["precision"], "seconds": record["seconds"]}
        rows.append(row | {key: run[key] for key in ("label", "predicted")})
    frame = pd.DataFrame(rows)
    keys = ["encoder", "corpus", "fraction", "per_class", "method", "seed", "name"]
    return frame.sort_values(keys, ignore_index=True) if rows else frame


def _work_to_the_end(
    runs: dict[str, TrainConfig], split: str, store: Path, workers: int, threads: int
) -> None:
    """Work until every run is done, those of workers that died as well: their claims go stale."""
    while _work(runs, split, store, workers, threads):
        if all(_done(store, name) for name in runs):
            return
        time.sleep(HEARTBEAT)


def _work(
    runs: dict[str, TrainConfig],
    split: str,
    store: Path,
    workers: int,
    threads: int | None = None,
) -> bool:
    """Do runs that nobody did or does; say whether it came to the end without an interrupt."""
    import torch

    if threads:
        torch.set_num_threads(threads)
    spent: list[float] = []
    for name, config in runs.items():
        if _done(store, name):
            continue
        with _claimed(store / f"{name}.claim") as mine:
            if not mine or _done(store, name):
                continue
            started = time.monotonic()
            try:
                result = _train(config, store, name)
            except Exception as error:  # of one run: the others go on
                reason = " ".join(f"{type(error).__name__}: {error}".split())
                _write(store / f"{name}.failed", reason)
                print(f"{_title(config)}: failed ({reason})", flush=True)
                continue
            if result.interrupted:
                return False
            _publish(result, split, store, name)
            spent.append(time.monotonic() - started)
        left = sum(not _done(store, other) for other in runs)
        minutes = statistics.median(spent) * left / workers / 60
        print(
            f"{len(runs) - left} of {len(runs)} runs done, about {minutes:.0f} min left: "
            f"{_title(config)}, {spent[-1]:.0f} s",
            flush=True,
        )
    return True


def _done(store: Path, name: str) -> bool:
    return (store / f"{name}.json").exists() or (store / f"{name}.failed").exists()


def _title(config: TrainConfig) -> str:
    size = f"{config.per_class} a class" if config.per_class else f"{100 * config.fraction:g} %"
    return f"{config.method} on {Path(config.corpus).name}, {size}, seed {config.seed}"


def _train(config: TrainConfig, store: Path, name: str) -> RunResult:
    """Train in a working folder of the store, from where the run was interrupted, if it was."""
    given = {field.name: getattr(config, field.name) for field in fields(config)}
    return train(TrainConfig(**given | {"output": store / "work" / name, "resume": True}))


def _publish(result: RunResult, split: str, store: Path, name: str) -> None:
    """Keep what a run showed and drop its model: a store of thousands of runs stays small."""
    settings = {k: v for k, v in result.config.settings().items() if k != "precision"}
    judged = result.predictions if split == "test" else None
    accuracy: Any = result.accuracy if split == "test" else result.history.validation.iloc[-1]
    run = {
        "settings": settings,
        "split": split,
        "accuracy": round(float(accuracy), 6),
        "record": result.record,
        "label": [] if judged is None else judged.label.tolist(),
        "predicted": [] if judged is None else judged.predicted.tolist(),
    }
    _write(store / f"{name}.json", json.dumps(run, sort_keys=True, separators=(",", ":")))
    shutil.rmtree(store / "work" / name, ignore_errors=True)
    with contextlib.suppress(OSError):
        (store / "work").rmdir()


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    with part.open("w", encoding="utf-8") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


@contextlib.contextmanager
def _claimed(claim: Path) -> Iterator[bool]:
    """Claim a run while it goes on; give False if another worker has it.

    The claim says whose it is: machine and process.

    Two workers that find the same stale claim at the same moment may both do the run: twice the
    work, and one result.
    """
    try:
        if _now(claim.parent) - claim.stat().st_mtime > STALE:
            claim.unlink()
    except FileNotFoundError:
        pass
    try:
        with claim.open("x") as file:
            file.write(f"{platform.node()} {os.getpid()}\n")
    except FileExistsError:
        yield False
        return
    over = threading.Event()

    def beat() -> None:
        while not over.wait(HEARTBEAT):
            with contextlib.suppress(OSError):
                os.utime(claim)

    heart = threading.Thread(target=beat, daemon=True)
    heart.start()
    try:
        yield True
    finally:
        over.set()
        heart.join()
        claim.unlink(missing_ok=True)


def _now(folder: Path) -> float:
    """Ask the file system for the time: machines that share it may disagree about theirs."""
    clock = folder / f".clock.{os.getpid()}"
    clock.touch()
    try:
        return clock.stat().st_mtime
    finally:
        clock.unlink(missing_ok=True)


def _report(runs: dict[str, TrainConfig], store: Path) -> None:
    failed = [name for name in runs if (store / f"{name}.failed").exists()]
    missing = sum(not _done(store, name) for name in runs)
    if failed:
        print(f"{len(failed)} of {len(runs)} runs failed; {store}/*.failed say why.")
    if missing:
        print(f"{missing} of {len(runs)} runs are still to do: run it again to go on.")
