"""Read course.yml: what is known of the course and of each lesson before a notebook is opened."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml

#: What every lesson may import from the package although no lesson builds it.
ALWAYS = frozenset({"notebook", "plots", "widgets", "check"})
#: The kinds of notebook, and the folders they lie in.
FOLDERS = {"lesson": "notebooks", "exercise": "exercises", "solution": "solutions"}


class BuildError(Exception):
    """Something an author can mend; the message is one sentence that says what."""


@dataclass(frozen=True)
class Lesson:
    """One entry under `lessons:`; lists a planned lesson leaves out are empty."""

    number: str
    name: str
    title: str
    question: str
    built: str
    experiment: str
    requires: list[str]
    minutes: dict[str, int]
    status: str
    title_zh: str = ""
    question_zh: str = ""
    objectives: list[str] = field(default_factory=list)
    summary_zh: str = ""
    corpora: list[str] = field(default_factory=list)
    encoders: list[str] = field(default_factory=list)
    builds: list[str] = field(default_factory=list)
    uses: list[str] = field(default_factory=list)

    @property
    def stem(self) -> str:
        """The name its three notebooks and two sources share."""
        return f"{self.number}_{self.name}"

    @property
    def heading(self) -> str:
        """Number and title as a reader sees them."""
        return f"{self.number} · {self.title}"


@dataclass(frozen=True)
class Course:
    """The metadata file and the folder of the repository it speaks of."""

    root: Path
    slug: str
    tag: str
    infrastructure: list[str]
    routes: list[dict[str, Any]]
    lessons: list[Lesson]

    def source(self, lesson: Lesson, kind: str) -> Path:
        """The percent file a notebook of this kind is made from; exercises come from solutions."""
        folder = "lessons" if kind == "lesson" else "solutions"
        return self.root / "course" / folder / f"{lesson.stem}.py"

    def notebook(self, lesson: Lesson, kind: str) -> Path:
        """Where the built notebook lies."""
        return self.root / FOLDERS[kind] / f"{lesson.stem}.ipynb"

    def exists(self, lesson: Lesson, kind: str) -> bool:
        """Whether there is a source, and with it a notebook, of this kind."""
        return self.source(lesson, kind).is_file()

    def written(self, kind: str = "lesson") -> list[Lesson]:
        """The lessons that have this kind of notebook."""
        return [lesson for lesson in self.lessons if self.exists(lesson, kind)]

    def targets(self) -> Iterator[tuple[Lesson, str]]:
        """Every notebook the sources give, in the order of the course."""
        for lesson in self.lessons:
            for kind in FOLDERS:
                if self.exists(lesson, kind):
                    yield lesson, kind

    def by_number(self, number: str) -> Lesson:
        """Find a lesson by its number, with or without the leading zero."""
        for lesson in self.lessons:
            if lesson.number == number.zfill(2):
                return lesson
        known = ", ".join(lesson.number for lesson in self.lessons)
        raise BuildError(f"There is no lesson {number!r} in course.yml; it has {known}.")

    def known(self, lesson: Lesson) -> set[str]:
        """What this lesson and those it needs, directly or not, have built in the package."""
        built = set(lesson.builds)
        for number in lesson.requires:
            built |= self.known(self.by_number(number))
        return built


def load(root: Path) -> Course:
    """Read `course/course.yml` under the repository's folder and refuse what does not fit."""
    try:
        data = yaml.safe_load((root / "course" / "course.yml").read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise BuildError(f"course.yml is not YAML: {' '.join(str(error).split())}") from None
    lessons = [_lesson(entry) for entry in data["lessons"]]
    course = Course(
        root=root,
        slug=data["repository"]["slug"],
        tag=data["repository"]["tag"],
        infrastructure=data.get("infrastructure", []),
        routes=data.get("routes", []),
        lessons=lessons,
    )
    seen: set[str] = set()
    for lesson in lessons:
        missing = [number for number in lesson.requires if number not in seen]
        if missing:
            raise BuildError(
                f"Lesson {lesson.number} requires {', '.join(missing)}, which course.yml does not "
                f"list before it."
            )
        seen.add(lesson.number)
    return course


def _lesson(entry: dict[str, Any]) -> Lesson:
    names = {item.name for item in fields(Lesson)}
    label = entry.get("number", "?")
    if unknown := sorted(set(entry) - names):
        raise BuildError(f"Lesson {label} of course.yml has unknown keys: {', '.join(unknown)}.")
    try:
        lesson = Lesson(**entry)
    except TypeError as error:
        raise BuildError(f"Lesson {label} of course.yml is incomplete: {error}.") from None
    if not re.fullmatch(r"\d\d", str(lesson.number)):
        raise BuildError(f'Write lesson number {label!r} of course.yml as "05", in quotes.')
    # YAML folds a line break into a space, which Chinese text does not have.
    chinese = re.sub(r"(?<=[^\x00-\x7f]) (?=[^\x00-\x7f])", "", lesson.summary_zh.strip())
    return Lesson(**{**entry, "summary_zh": chinese})
