"""Write course/MAP.md: which exercise trains which objective of which lesson, and for how many points.

python course/map.py          # write the page
python course/map.py --check  # say whether it is fresh
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "course" / "MAP.md"
HEAD = """\
# The map: objectives, exercises, points

Which exercise trains which objective of which lesson. The points are those of the hidden tests in an nbgrader release: all of an
exercise's points if its function does what the task says, none otherwise ([for instructors](INSTRUCTORS.md)). The page is
made by `python course/map.py` out of `course.yml` and the solutions.
"""
TASK = re.compile(
    r"^# ### (Exercise .+?)$.*?Difficulty (\d) of 3, (\d+) minutes, objective (\d)\."
    r".*?^# %% exercise=\"([^\"]+)\".*?^# %% grade=\"\5-tests\" points=(\d+)",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Task:
    """One exercise, as its solution file announces it."""

    title: str
    difficulty: int
    minutes: int
    objective: int
    name: str
    points: int


def tasks(text: str) -> list[Task]:
    """Find the exercises in the text of a solution file, in their order."""
    return [
        Task(title, int(difficulty), int(minutes), int(objective), name, int(points))
        for title, difficulty, minutes, objective, name, points in TASK.findall(text)
    ]


def page() -> str:
    """Return the page as course.yml and the solutions give it."""
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    from course.builder.metadata import load

    course = load(ROOT)
    parts, total = [HEAD], [0, 0, 0]
    for lesson in course.written("solution"):
        found = tasks(course.source(lesson, "solution").read_text(encoding="utf-8"))
        rows = ["| objective | exercise | difficulty | minutes | points |", "|---|---|---|---|---|"]
        for number, objective in enumerate(lesson.objectives, 1):
            rows += [
                f"| {number}. {objective} | {task.title.replace('Exercise ', '')} | {task.difficulty} | "
                f"{task.minutes} | {task.points} |"
                for task in found
                if task.objective == number
            ] or [f"| {number}. {objective} | | | | |"]
        sums = [len(found), sum(t.minutes for t in found), sum(t.points for t in found)]
        total = [a + b for a, b in zip(total, sums, strict=True)]
        parts.append(f"## Lesson {lesson.number}: {lesson.title}")
        parts.append("\n".join(rows))
        parts.append(f"{sums[0]} exercises, {sums[1]} minutes, {sums[2]} points.")
    parts.append(f"All: {total[0]} exercises, {total[1] / 60:.1f} hours, {total[2]} points.")
    return "\n\n".join(part.strip() for part in parts) + "\n"


def keep(path: Path, text: str, arguments: list[str]) -> int:
    """Write a page that is made, or with --check say whether it is fresh; return the exit code."""
    if "--check" in arguments:
        fresh = path.is_file() and path.read_text(encoding="utf-8") == text
        print("nothing to mend" if fresh else f"course/{path.name} is not what its sources give")
        return int(not fresh)
    path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(keep(PAGE, page(), sys.argv[1:]))
