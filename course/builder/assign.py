"""From a solution notebook to the exercise notebook, with nbgrader's own preprocessors."""

from __future__ import annotations

import copy

import nbformat
from nbformat.v4 import new_markdown_cell

from course.builder import pages
from course.builder.metadata import Course, Lesson
from course.builder.sources import assemble, details, solution_text

STUB = "raise NotImplementedError"
HELP = {"hint", "pseudocode"}


def exercises(course: Course, lesson: Lesson) -> nbformat.NotebookNode:
    """Make the exercise notebook that a lesson's solution source gives, without outputs."""
    solved = assemble(course, lesson, "solution")
    notebook = stubbed(solved)
    tasks = [cell.source for cell in solved.cells if cell.cell_type == "markdown"]
    notebook.cells[0].source = pages.head(course, lesson, "exercise", tasks[1:-1]).strip()
    notebook.cells[-1].source = pages.navigation(course, lesson, "exercise")
    sources = {cell["id"]: cell.source for cell in solved.cells}
    cells: list[nbformat.NotebookNode] = []
    waiting: nbformat.NotebookNode | None = None
    for cell in notebook.cells:
        # The solution comes after the helps of its exercise, so that it is the last to be opened.
        if waiting is not None and not HELP & set(cell.metadata.get("tags", [])):
            cells.append(waiting)
            waiting = None
        cells.append(cell)
        if cell.metadata.get("nbgrader", {}).get("solution"):
            answer = f"```python\n{solution_text(sources[cell['id']])}\n```"
            name = f"{cell['id']}-solution"
            waiting = new_markdown_cell(details("Solution", answer), id=name)
    notebook.cells = cells
    return notebook


def stubbed(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Take solutions and hidden tests out, as `nbgrader generate_assignment` would."""
    from nbgrader.preprocessors import (
        CheckCellMetadata,
        ClearHiddenTests,
        ClearMarkScheme,
        ClearOutput,
        ClearSolutions,
        ComputeChecksums,
        LockCells,
    )
    from traitlets.config import Config

    config = Config()
    config.ClearSolutions.code_stub = {"python": STUB}
    result = copy.deepcopy(notebook)
    resources: dict[str, object] = {}
    for step in (
        CheckCellMetadata,
        LockCells,
        ClearSolutions,
        ClearOutput,
        ClearHiddenTests,
        ClearMarkScheme,
        ComputeChecksums,  # after the hidden tests are gone: the student's cells are what counts
        CheckCellMetadata,
    ):
        result, resources = step(config=config).preprocess(result, resources)
    return result
