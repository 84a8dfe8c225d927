"""The commands: build, check, lint."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import nbformat

from course.builder import pages
from course.builder.assign import exercises
from course.builder.lint import problems, stale
from course.builder.metadata import BuildError, Course, Lesson, load
from course.builder.run import canonical, check_outputs, check_supplies, execute, text_of
from course.builder.sources import assemble

ROOT = Path(__file__).resolve().parents[2]
_RUNNING = ("outputs", "execution_count")


def fresh(course: Course, lesson: Lesson, kind: str) -> nbformat.NotebookNode:
    """Make one notebook from its source, without outputs."""
    make = exercises(course, lesson) if kind == "exercise" else assemble(course, lesson, kind)
    return canonical(make)


def build(
    course: Course, numbers: Iterable[str] = (), *, run: bool = True, mode: str = "read"
) -> None:
    """Build the notebooks of these lessons (of all, if none is named) and the two pages.

    A lesson's notebooks are written one by one, each only when it is whole.
    """
    chosen = [course.by_number(number) for number in numbers] or course.lessons
    supplied: set[str] = set()
    for lesson, kind in course.targets():
        if lesson not in chosen:
            continue
        path = course.notebook(lesson, kind)
        shown = path.relative_to(course.root)
        started = time.perf_counter()
        try:
            notebook = fresh(course, lesson, kind)
            if run:
                if lesson.number not in supplied:
                    check_supplies(lesson)
                    supplied.add(lesson.number)
                execute(notebook, path.parent, course.root, mode)
                notebook = canonical(notebook)
                check_outputs(notebook, course.root)
            elif not _keep_outputs(notebook, path):
                print(f"{shown}: code is new, so it has no outputs until you build it with them")
        except BuildError as error:
            raise BuildError(f"{shown}: {error}") from None
        _write(path, text_of(notebook))
        print(f"{shown}: {time.perf_counter() - started:.1f} s", flush=True)
    for path, text in _pages(course):
        _write(path, text)


def differences(course: Course) -> list[str]:
    """Say where what is committed differs from what the sources give, outputs apart."""
    found = [f"{p.relative_to(course.root)} has no source any more" for p in stale(course)]
    for lesson, kind in course.targets():
        path = course.notebook(lesson, kind)
        shown = path.relative_to(course.root)
        if not path.is_file():
            found.append(f"{shown} is not built")
            continue
        text = path.read_text(encoding="utf-8")
        there = nbformat.reads(text, as_version=4)
        if difference := _first_difference(there, fresh(course, lesson, kind)):
            found.append(f"{shown}: {difference}")
        elif text_of(canonical(there)) != text:
            found.append(f"{shown} was saved by an editor, not by the build")
    for path, text in _pages(course):
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            found.append(f"{path.relative_to(course.root)} is not what course.yml gives")
    return found


def lint(course: Course, numbers: Iterable[str] = ()) -> list[str]:
    """Say what the anatomy test would, for the notebooks as they lie on disk."""
    chosen = [course.by_number(number) for number in numbers] or course.lessons
    found = []
    for lesson, kind in course.targets():
        path = course.notebook(lesson, kind)
        shown = path.relative_to(course.root)
        if lesson in chosen and path.is_file():
            notebook = nbformat.read(path, as_version=4)
            found += [f"{shown}: {text}" for text in problems(notebook, course, lesson, kind)]
        elif lesson in chosen:
            found.append(f"{shown} is not built")
    return found


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Run one command and return its exit status."""
    parser = argparse.ArgumentParser(prog="course/build.py", description=__doc__)
    parser.add_argument("lessons", nargs="*", metavar="NN", help="numbers; all if none is given")
    parser.add_argument("--no-run", action="store_true", help="keep the outputs of the last run")
    parser.add_argument("--check", action="store_true", help="compare, write and run nothing")
    parser.add_argument("--lint", action="store_true", help="measure the lessons' form")
    options = parser.parse_args(arguments)
    sys.path[:0] = [] if str(ROOT) in sys.path else [str(ROOT)]
    try:
        course = load(root)
        if options.check or options.lint:
            found = differences(course) if options.check else lint(course, options.lessons)
            print("\n".join(found) or "nothing to mend")
            return int(bool(found))
        build(course, options.lessons, run=not options.no_run)
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _first_difference(there: nbformat.NotebookNode, here: nbformat.NotebookNode) -> str | None:
    for old, new in zip(there.cells, here.cells, strict=False):
        for key in ("id", "cell_type", "source", "metadata"):
            if old[key] != new[key]:
                return f"cell {new['id']} differs in its {key.replace('_', ' ')}"
    if len(there.cells) != len(here.cells):
        return f"{len(there.cells)} cells, but the source gives {len(here.cells)}"
    return None if there.metadata == here.metadata else "the notebook's metadata differ"


def _keep_outputs(notebook: nbformat.NotebookNode, path: Path) -> bool:
    """Take the outputs over from the notebook on disk, if it ran the same code."""
    if not path.is_file():
        return False
    old = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    new = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if [cell.source for cell in old] != [cell.source for cell in new]:
        return False
    for before, cell in zip(old, new, strict=True):
        cell.update({key: before[key] for key in _RUNNING})
    return True


def _pages(course: Course) -> Iterable[tuple[Path, str]]:
    yield course.root / "notebooks" / "README.md", pages.launcher(course)
    for name, language in (("README.md", "en"), ("README.zh.md", "zh")):
        readme = course.root / name
        if readme.is_file():
            yield readme, pages.with_tables(course, readme.read_text(encoding="utf-8"), language)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
