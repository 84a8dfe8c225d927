"""What the commands of ``dualcl`` share: errors as sentences, texts in, tables and answers out."""

from __future__ import annotations

import contextlib
import csv
import errno
import json
import math
import os
import re
import sys
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    import pandas as pd

    from dualcl_tutorial.corpora import Description
    from dualcl_tutorial.training import RunResult

_QUIET = {
    "TRANSFORMERS_VERBOSITY": "error",
    "TRANSFORMERS_NO_ADVISORY_WARNINGS": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}
_MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)


class Commands(TyperGroup):
    """The commands, and what becomes of an exception none of them caught."""

    def main(self, *args: Any, **settings: Any) -> Any:
        """Run a command and exit with its code; an error becomes one sentence on stderr."""
        settings["standalone_mode"] = False
        try:
            with _quiet():
                code = super().main(*args, **settings)
        except Exception as error:
            if os.environ.get("DUALCL_TRACEBACK"):
                traceback.print_exception(error)
            sentence, code = _explained(error)
            typer.echo(f"dualcl: {sentence}", err=True)
        sys.exit(code if isinstance(code, int) else 0)

    def invoke(self, ctx: Any) -> Any:
        """Run a command; Ctrl-C outside the training loop ends it at once."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            typer.echo("dualcl: Interrupted; nothing is left half-written.", err=True)
            raise typer.Exit(130) from None


def _explained(error: Exception) -> tuple[str, int]:
    """Put an exception into one sentence and an exit code."""
    if hasattr(error, "format_message"):  # of the parser of arguments, whose classes moved
        path = getattr(getattr(error, "ctx", None), "command_path", "dualcl")
        return f"{error.format_message().rstrip('.')} (see {path} --help).", 2
    said = " ".join(str(error).split())
    written = re.search(
        r"(?:code: |os error )(\d+)", said
    )  # how safetensors reports a failed write
    if type(error).__name__ == "SafetensorError" and written:
        error = OSError(int(written[1]), os.strerror(int(written[1])))
    if isinstance(error, OSError) and error.errno is not None:
        reason = f"{error.strerror}: {error.filename}" if error.filename else str(error.strerror)
        if error.errno in _MACHINE:
            return (
                f"Writing failed ({reason}): nothing is left half-written; make room or choose "
                "another folder, and run it again (with --resume if it said it was interrupted).",
                1,
            )
        return f"{reason} (check the path, now in {Path.cwd()}).", 2
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return "Out of memory: choose a smaller --batch-size or --max-length.", 1
    if isinstance(error, ValueError | OSError):
        return said, 2
    return (
        f"Unexpected {type(error).__name__}: {said[:300]} (DUALCL_TRACEBACK=1 shows where; please "
        "report it with the output of dualcl doctor).",
        1,
    )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence the libraries, and turn our own warnings into plain sentences on stderr."""
    for name, value in _QUIET.items():  # read once, when transformers is imported
        os.environ.setdefault(name, value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.filterwarnings("always", module="dualcl_tutorial")
        warnings.showwarning = lambda message, *rest, **more: typer.echo(
            f"dualcl: {message}", err=True
        )
        yield


def table(heads: list[str], rows: list[list[str]]) -> None:
    """Print a table; whole numbers and shares to the right."""
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    table = Table(*heads, box=SIMPLE, pad_edge=False)
    for k, column in enumerate(table.columns):
        numbers = all(re.fullmatch(r"[\d,.%-]+", row[k]) for row in rows)
        column.justify = "right" if numbers else "left"
    for row in rows:
        table.add_row(*row)
    Console(markup=False, width=None if sys.stdout.isatty() else 120).print(table)


def open_run(folder: Path) -> RunResult:
    """Read a finished run, or say in one sentence why it cannot be read."""
    from dualcl_tutorial.training import load_run

    if not (folder / "run.json").is_file():
        if folder.with_name(folder.name + ".checkpoint").is_dir():
            raise ValueError(
                f"The run {folder} was interrupted: finish it with the command that began it and "
                "--resume."
            )
        raise FileNotFoundError(
            f"Expected the folder of a finished run, but there is no run.json in {folder}: give "
            "what dualcl train had as --output."
        )
    try:
        return load_run(folder)
    except Exception as error:  # every library below has errors of its own
        said = " ".join(str(error).split())[:160].rstrip(". ")
        raise ValueError(
            f"The run in {folder} is damaged ({said or type(error).__name__}): copy it anew, or "
            "train it again."
        ) from error


def read_lines(file: Path | None) -> list[str]:
    """Read one text a line from a file or stdin; say how many empty lines were skipped."""
    if file is None and sys.stdin.isatty():
        raise ValueError('Expected a text: dualcl predict RUN "a text", --file FILE, or a pipe.')
    name = "stdin" if file is None else str(file)
    content = sys.stdin.buffer.read() if file is None else file.read_bytes()
    try:
        lines = content.decode("utf-8-sig").replace("\r\n", "\n").removesuffix("\n").split("\n")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{name} is not UTF-8 text (byte {error.start}): convert it, or give another file."
        ) from None
    texts = [line for line in lines if line.strip()]
    if not texts:
        raise ValueError(f"Expected one text a line, but {name} has none.")
    if len(texts) < len(lines):
        skipped = len(lines) - len(texts)
        typer.echo(f"dualcl: {skipped} empty line{'s' * (skipped > 1)} skipped.", err=True)
    return texts


def plan(config: Any) -> str:
    """Say what a run is going to do."""
    part = f"{100 * config.fraction:g} % of the training texts"
    if config.per_class:
        part = f"{config.per_class} training texts a class"
    return (
        f"Training {config.method} on {config.corpus} with {config.encoder}: {part}, "
        f"{config.epochs} epoch{'s' * (config.epochs > 1)}, batches of {config.batch_size}, "
        f"seed {config.seed}, {config.precision}, output {config.output or 'none'}."
    )


def standard_error(accuracy: float, examples: int) -> float:
    """Binomial standard error of an accuracy, 0 to 1."""
    return math.sqrt(accuracy * (1 - accuracy) / examples)


def judged(predictions: pd.DataFrame) -> str:
    """Say how a model did, with its standard error."""
    accuracy = float((predictions.label == predictions.predicted).mean())
    error = standard_error(accuracy, len(predictions))
    return (
        f"Accuracy {100 * accuracy:.1f} % ± {100 * error:.1f} points "
        f"(one binomial standard error, {len(predictions):,} test texts)."
    )


def description(corpus: Description) -> list[str]:
    """Write one corpus as a row of the table."""
    if not corpus.available:
        return [corpus.name, "missing", *"-----", ""]
    counts = corpus.classes["train"].items()
    return [
        corpus.name,
        corpus.where,
        *(f"{corpus.sizes[split]:,}" for split in ("train", "test")),
        f"{corpus.mean_words:.1f}",
        f"{corpus.duplicates:,}",
        f"{corpus.leaks:,}",
        ", ".join(f"{word} {count:,}" for word, count in counts),
    ]


def _as_text(answers: list[dict[str, Any]]) -> None:
    for answer in answers:
        ranked = sorted(answer["scores"].items(), key=lambda item: -item[1])[1:]
        others = ", ".join(f"{word} {score:.3f}" for word, score in ranked)
        typer.echo(f"{answer['label']} {answer['score']:.3f} ({others})\t{answer['text']}")


def _as_jsonl(answers: list[dict[str, Any]]) -> None:
    for answer in answers:
        typer.echo(json.dumps(answer, ensure_ascii=False))


def _as_csv(answers: list[dict[str, Any]]) -> None:
    rows = csv.writer(sys.stdout, lineterminator="\n")
    rows.writerow(["text", "label", "score", *(f"p_{word}" for word in answers[0]["scores"])])
    for answer in answers:
        rows.writerow(
            [answer["text"], answer["label"], answer["score"], *answer["scores"].values()]
        )


LAYOUTS = {"text": _as_text, "jsonl": _as_jsonl, "csv": _as_csv}
