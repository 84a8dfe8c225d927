"""Write course/MISTAKES.md: what people answer, and what the check says to it.

python course/mistakes.py          # write the page
python course/mistakes.py --check  # say whether it is fresh
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
import tempfile
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "course" / "MISTAKES.md"
HEAD = """\
# What people get wrong, and what the check says

A check names the mistake. Here is every wrong answer in the tests' gallery, with the sentence it gets; the page is made
by `python course/mistakes.py` out of [`tests/gallery`](../tests/gallery). If a right answer of yours was rejected, or a wrong one got a
sentence that did not help, please open an issue with your function: it becomes a row here.
"""


def page() -> str:
    """Return the page as the gallery gives it."""
    sys.path[:0] = [str(folder) for folder in (ROOT / "tests", ROOT) if str(folder) not in sys.path]
    from gallery import Entry, entries

    from course.map import tasks
    from dualcl_tutorial.check.exercise import EXERCISES
    from dualcl_tutorial.check.harness import judge
    from dualcl_tutorial.check.report import Report

    def asked(entry: Entry) -> list[tuple[str, Report]]:
        answers = [(wrong.mistake, wrong.answer) for wrong in entry.wrong]
        with contextlib.redirect_stdout(io.StringIO()):
            return [(mistake, judge(EXERCISES[entry.exercise], a)) for mistake, a in answers]

    parts = [HEAD]
    for lesson, group in groupby(entries(), key=lambda entry: entry.exercise[:2]):
        (source,) = (ROOT / "course" / "solutions").glob(f"{lesson}_*.py")
        titles = {task.name: task.title for task in tasks(source.read_text(encoding="utf-8"))}
        parts.append(f"## Lesson {lesson}")
        for entry in group:
            rows = ["| the mistake | what the check says |", "|---|---|"]
            rows += [f"| {_cell(m)} | {_cell(_shown(report))} |" for m, report in asked(entry)]
            parts += [f"### {titles[entry.exercise]}", "\n".join(rows)]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _shown(report: object) -> str:
    """Leave out what another processor or another torch may write differently."""
    message, kind = getattr(report, "message", ""), getattr(report, "asked", "")
    if kind == "runs":
        message = re.sub(r"(: )(?=\S).*", ": (what Python says)", message)
    message = re.sub(r"expected [-\[\d].*?, got .*?\. ", "(both are shown). ", message)
    return re.sub(r" \(Lesson \d\d, .*\)$", "", message)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main(arguments: list[str]) -> int:
    """Write the page, or compare it."""
    with tempfile.TemporaryDirectory() as folder:  # the reader's own progress stays as it is
        os.environ["DUALCL_PROGRESS"] = str(Path(folder) / "progress.json")
        text = page()
    from course.map import keep

    return keep(PAGE, text, arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
