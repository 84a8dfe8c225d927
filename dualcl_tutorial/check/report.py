"""What a check says, and how far a student is."""

from __future__ import annotations

import contextlib
import html
import json
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from dualcl_tutorial.check.exercise import EXERCISES

# Background and edge: readable on white and on dark pages, and told apart without colour by a mark.
CARDS = {
    "passed": ("#e3f4ec", "#00734f", "✔"),
    "failed": ("#fdeee6", "#b34700", "✘"),
    "not attempted": ("#eef1f5", "#5b6573", "…"),
}


@dataclass(frozen=True)
class Report:
    """What a check found.

    Attributes:
        exercise: its grade_id.
        status: "passed", "failed" or "not attempted".
        message: one sentence to the student.
        asked: what was being looked at when it failed, such as "shape".
        on: on which input.
        output: what the answer printed, cut.
        progress: how far the lesson's exercises are, such as "2 of 5 done".
        cell: number of the notebook cell that has shown it already.
    """

    exercise: str
    status: str
    message: str
    asked: str = ""
    on: str = ""
    output: str = ""
    progress: str = ""
    cell: int = 0

    @property
    def passed(self) -> bool:
        """Whether the answer is right."""
        return self.status == "passed"

    def __str__(self) -> str:
        """Return the report as plain text."""
        mark = CARDS[self.status][2]
        lines = [f"{mark} {self.exercise}: {self.status}. {self.message}"]
        if self.output:
            lines.append(f"Your function printed: {self.output}")
        if self.progress:
            lines.append(self.progress)
        return "\n".join(lines)

    def _ipython_display_(self) -> None:
        """Show the card; as the last value of the cell that has shown it, not again."""
        if self.cell != _cell_number():
            _display(self)

    def _repr_html_(self) -> str:
        fill, edge, mark = CARDS[self.status]
        printed = (
            f'<pre style="color:#222222;background-color:{fill}">{html.escape(self.output)}</pre>'
            if self.output
            else ""
        )
        style = (
            f"background-color:{fill};border-left:5px solid {edge};color:#222222;padding:8px 12px"
        )
        return (
            f'<div style="{style}"><b style="color:{edge}">{mark} {html.escape(self.exercise)}: '
            f"{self.status}</b><br>{html.escape(self.message)}{printed}"
            f"<br><small>{html.escape(self.progress)}</small></div>"
        )


def publish(report: Report) -> Report:
    """Record a report, show it, and return it with the progress filled in."""
    done = _record(report)
    lesson = report.exercise[:2]
    total = _known(lesson)
    right = len(total.intersection(done))
    progress = f"Lesson {lesson}: {right} of {len(total)} done." if total else ""
    message, output = _clean(report.message), _clean(report.output)
    report = replace(report, message=message, output=output, progress=progress)
    if cell := _cell_number():
        report = replace(report, cell=cell)
        _display(report)
    else:
        try:
            print(report)
        except UnicodeEncodeError:  # a console that has no tick
            print(str(report).encode("ascii", "replace").decode())
    return report


def clear(lesson: str | None = None) -> None:
    """Forget what was solved, in one lesson ("03") or in all."""
    left = [name for name in _solved() if lesson is not None and name[:2] != lesson]
    _write(left)


def progress_file() -> Path:
    """Return where progress is kept: DUALCL_PROGRESS, or a file in the user's data folder."""
    if given := os.environ.get("DUALCL_PROGRESS"):
        return Path(given)
    import platformdirs

    return Path(platformdirs.user_data_dir("dualcl-tutorial")) / "progress.json"


def _known(lesson: str) -> set[str]:
    return {name for name in EXERCISES if name[:2] == lesson}


def _solved() -> list[str]:
    with contextlib.suppress(OSError, ValueError):
        names = json.loads(progress_file().read_text(encoding="utf-8"))
        if isinstance(names, list):
            return [name for name in names if isinstance(name, str)]
    return []


def _record(report: Report) -> list[str]:
    names = _solved()
    if report.passed and report.exercise not in names:
        names = sorted([*names, report.exercise])
        _write(names)
    return names


def _write(names: list[str]) -> None:
    """Write the file whole; where it cannot be written, progress is not kept and nothing breaks."""
    path = progress_file()
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}")
        part.write_text(json.dumps(names), encoding="utf-8")
        part.replace(path)


def _clean(text: str) -> str:
    """Replace what cannot be shown: control characters, halves of characters."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text)


def _display(report: Report) -> None:
    from IPython.display import display

    display({"text/html": report._repr_html_(), "text/plain": str(report)}, raw=True)


def _cell_number() -> int:
    """Return the number of the running notebook cell; 0 outside of notebooks."""
    if "IPython" not in sys.modules:
        return 0
    from IPython import get_ipython

    shell = get_ipython()
    return shell.execution_count if type(shell).__name__ in ("ZMQInteractiveShell", "Shell") else 0
