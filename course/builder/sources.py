"""From a percent file to a whole notebook: the author's cells between the generated ones."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course.builder import pages
from course.builder.metadata import BuildError, Course, Lesson

TAGS = {"nbval-check-output", "nbval-skip", "hide-input"}
HELP_TAGS = {"hint": "Hint", "pseudocode": "Pseudocode"}
KEYS = {"id", "tags", "exercise", "grade", "points"}
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
HIDDEN = ("### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS")
GRADE_LINE = "# An instructor's tests run here; there is nothing to do."
NOTEBOOK_METADATA: dict[str, Any] = {
    "colab": {"provenance": [], "toc_visible": True},
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
# How jupytext marks the blank lines between cells of a percent file; nothing an author wrote.
_LAYOUT = {"lines_to_next_cell", "lines_to_end_of_cell_marker", "title", "cell_marker"}


def assemble(course: Course, lesson: Lesson, kind: str) -> nbformat.NotebookNode:
    """Make the lesson or the solution notebook, without outputs."""
    path = course.source(lesson, kind)
    cells = [
        _cell(cell, f"{lesson.number}-{place:02d}", kind, path)
        for place, cell in enumerate(_author_cells(path), 1)
    ]
    tasks = [cell.source for cell in cells if cell.cell_type == "markdown"]
    head = new_markdown_cell(pages.head(course, lesson, kind, tasks).strip(), id="head")
    last = new_markdown_cell(pages.navigation(course, lesson, kind), id="navigation")
    cells = [head, setup_cell(course), *cells, last]
    ids = [cell["id"] for cell in cells]
    if twice := sorted({name for name in ids if ids.count(name) > 1}):
        raise BuildError(f"{path.name} gives two cells the id {twice[0]!r}: ids are unique.")
    return new_notebook(
        cells=cells, metadata=nbformat.from_dict(NOTEBOOK_METADATA), nbformat_minor=5
    )


def setup_cell(course: Course) -> nbformat.NotebookNode:
    """Make the second cell, the same in every notebook of the course."""
    text = (Path(__file__).parents[1] / "setup_cell.py").read_text(encoding="utf-8").strip()
    text = text.replace("OWNER/REPO@TAG", f"{course.slug}@{course.tag}")
    return new_code_cell(text, id="setup", metadata={"cellView": "form"})


def details(summary: str, text: str) -> str:
    """Fold text away under a summary, with the blank lines Markdown needs inside."""
    return f"<details><summary>{summary}</summary>\n\n{text}\n\n</details>"


def solution_text(source: str) -> str:
    """Return the functions of an exercise cell that hold a solution, without the markers."""
    lines = source.splitlines()
    marked = [number for number, line in enumerate(lines, 1) if line.strip() == BEGIN]
    parts = []
    for node in ast.parse(source).body:
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
        last = node.end_lineno or first
        if any(first <= number <= last for number in marked):
            kept = lines[first - 1 : last]
            parts.append("\n".join(x for x in kept if x.strip() not in (BEGIN, END)))
    return "\n\n\n".join(parts)


def _author_cells(path: Path) -> list[nbformat.NotebookNode]:
    # jupytext takes ! and % lines for magics; sources are plain Python, which ruff enforces.
    cells = jupytext.read(path, fmt="py:percent").cells
    for number, cell in enumerate(cells, 1):
        if cell.cell_type not in ("code", "markdown"):
            raise BuildError(f"{path.name}, cell {number}: {cell.cell_type} cells are not used.")
        if not cell.source.strip():
            raise BuildError(f"{path.name}, cell {number} is empty: fill or remove it.")
    return list(cells)


def _cell(
    raw: nbformat.NotebookNode, default_id: str, kind: str, path: Path
) -> nbformat.NotebookNode:
    header = {key: value for key, value in raw.metadata.items() if key not in _LAYOUT}
    where = f"{path.name}, cell {header.get('id', default_id)}"
    name = str(header.get("id", default_id))
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name):
        raise BuildError(f"{where}: an id is made of letters, digits, - and _, at most 64.")
    if unknown := sorted(set(header) - KEYS):
        raise BuildError(f"{where} has {unknown[0]!r} in its header; use {', '.join(KEYS)}.")
    tags = list(header.get("tags", []))
    allowed = set(HELP_TAGS) if raw.cell_type == "markdown" and kind == "solution" else set()
    allowed |= TAGS if raw.cell_type == "code" else set()
    if wrong := [tag for tag in tags if tag not in allowed]:
        raise BuildError(
            f"{where}: the tag {wrong[0]!r} is not one of {', '.join(sorted(allowed)) or 'none'}."
        )
    if kind != "solution" and {"exercise", "grade", "points"} & set(header):
        raise BuildError(f"{where}: exercise and grade cells belong into course/solutions.")
    source = raw.source.strip()
    metadata: dict[str, Any] = {"tags": sorted(tags)} if tags else {}
    if raw.cell_type == "markdown":
        for tag in tags:
            text = f"```text\n{source}\n```" if tag == "pseudocode" else source
            source = details(HELP_TAGS[tag], text)
        return new_markdown_cell(source, id=name, metadata=metadata)
    if "hide-input" in tags:
        metadata["jupyter"] = {"source_hidden": True}
        metadata["cellView"] = "form"
    if "exercise" in header:
        _check_exercise(source, where)
        metadata["nbgrader"] = _nbgrader(header["exercise"], solution=True)
    if "grade" in header:
        if "points" not in header:
            raise BuildError(f"{where}: a grade cell says its points, as in points=2.")
        source = "\n".join([GRADE_LINE, HIDDEN[0], source, HIDDEN[1]])
        points = {"points": header["points"]}
        metadata["nbgrader"] = _nbgrader(header["grade"], grade=True, locked=True) | points
    return new_code_cell(source, id=name, metadata=metadata)


def _check_exercise(source: str, where: str) -> None:
    """Refuse what would leave a stub that stops the untouched notebook."""
    try:
        ast.parse(source)
    except SyntaxError as error:
        raise BuildError(f"{where} is not Python: {error.msg}, line {error.lineno}.") from None
    lines = source.splitlines()
    begins = [line for line in lines if line.strip() == BEGIN]
    ends = [line for line in lines if line.strip() == END]
    if not begins or len(begins) != len(ends):
        raise BuildError(f"{where} needs {BEGIN} and {END}, each as often as the other.")
    if any(line == BEGIN for line in lines):
        raise BuildError(
            f"{where}: {BEGIN} stands inside a function, so that the untouched cell still runs."
        )


def _nbgrader(grade_id: str, **roles: bool) -> dict[str, Any]:
    base = {"grade": False, "solution": False, "locked": False, "task": False}
    return {**base, **roles, "grade_id": grade_id, "schema_version": 3}
