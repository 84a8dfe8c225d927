"""What can be measured of a good lesson: `problems` says in words what is missing."""

from __future__ import annotations

import ast
import re
import statistics
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from urllib.parse import unquote

import nbformat

from course.builder import pages
from course.builder.metadata import ALWAYS, FOLDERS, Course, Lesson
from course.builder.run import MAX_BYTES, absolute_paths, hidden_errors, outputs_in_words, text_of
from course.builder.sources import setup_cell

CELLS, WORDS, CODE_LINES, MEDIAN_LINES, RUN = (25, 45), (1200, 2500), 30, 8, 2
PACKAGE = "dualcl_tutorial"
_UNTESTABLE = {"understand", "know", "learn", "appreciate", "see", "be", "get", "have", "discover"}
_DETAILS = re.compile(r"<details>\s*<summary>.*?</summary>\n\n(.*?)\n\n</details>", re.DOTALL)
_OPTION = re.compile(r"^- ([a-h])\) ", re.MULTILINE)
_LINK = re.compile(r"\]\(([^()\s]+)\)|(?:src|href)=\"([^\"]+)\"")


def problems(
    notebook: nbformat.NotebookNode, course: Course, lesson: Lesson, kind: str = "lesson"
) -> list[str]:
    """Return everything that keeps a built notebook from the course's form, a sentence each."""
    found = [*_common(notebook, course, lesson, kind)]
    if kind == "lesson":
        found += [*_metadata(course, lesson), *_size(notebook), *_text(notebook, lesson)]
        found += [*_pictures(notebook), *_imports(notebook, course, lesson)]
    elif kind == "solution":
        found += _exercises(notebook, lesson)
    return found


def words(notebook: nbformat.NotebookNode) -> int:
    """Count the words of the author's text cells; formulas, code, addresses and tags do not."""
    text = "\n\n".join(cell.source for cell in _author(notebook) if cell.cell_type == "markdown")
    for pattern in (
        r"```.*?```",
        r"\$\$.*?\$\$",
        r"\$[^$\n]+\$",
        r"`[^`\n]+`",
        r"(?<=\])\([^)\s]*\)",
        r"https?://\S+",
        r"<[^>]+>",
    ):
        text = re.sub(pattern, " ", text, flags=re.DOTALL)
    return len(re.findall(r"[A-Za-zÀ-ɏͰ-Ͽ][\w'’-]*", re.sub(r"[⺀-鿿]+", " ", text)))


def imports(notebook: nbformat.NotebookNode) -> set[str]:
    """Return what the author's cells take from the package: `module` or `module.name`."""
    found: set[str] = set()
    whole: dict[str, str] = {}  # a local name -> the module it stands for
    trees = [ast.parse(cell.source) for cell in _author(notebook) if cell.cell_type == "code"]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module == PACKAGE:
            whole |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{PACKAGE}."):
            module = (node.module or "").removeprefix(f"{PACKAGE}.")
            found |= {f"{module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith(f"{PACKAGE}."):
                    found.add(alias.name.removeprefix(f"{PACKAGE}."))
                elif alias.name == PACKAGE and alias.asname is None:
                    whole[PACKAGE] = ""
    used = {name: False for name in whole}
    for node in nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            name = node.value.id
            if name in whole:
                used[name] = True
                found.add(f"{whole[name]}.{node.attr}".strip("."))
    return found | {whole[name] for name, seen in used.items() if not seen and whole[name]}


def _author(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [c for c in notebook.cells if c["id"] not in ("head", "setup", "navigation")]


def _common(
    notebook: nbformat.NotebookNode, course: Course, lesson: Lesson, kind: str
) -> Iterator[str]:
    if len(notebook.cells) < 3 or notebook.cells[1].source != setup_cell(course).source:
        yield "the second cell is not the course's setup cell"
    path = f"{FOLDERS[kind]}/{lesson.stem}.ipynb"
    head = notebook.cells[0].source
    for place in (f"/blob/{course.tag}/{path})", f"urlpath=lab/tree/{path})"):
        if place not in head:
            yield f"the head has no badge that leads to {path}"
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    counts = [cell.execution_count for cell in code]
    if counts != list(range(1, len(code) + 1)):
        yield "it was not run from top to bottom: build it without --no-run"
    if any(output.output_type == "error" for cell in code for output in cell.outputs):
        yield "an output is a traceback"
    if "widgets" in notebook.metadata:
        yield "it holds widget state"
        yield from (f"a widget hides an error: {error}" for error in hidden_errors(notebook))
    if (size := len(text_of(notebook).encode())) > MAX_BYTES:
        yield f"{size:,} bytes, over {MAX_BYTES:,}"
    for cell_id, text in outputs_in_words(notebook):
        yield from (f"cell {cell_id} shows the path {x}" for x in absolute_paths(text, course.root))
    for cell_id, link in _relative_links(notebook):
        target = course.root / FOLDERS[kind] / unquote(link.split("#")[0])
        if not target.exists():
            yield f"cell {cell_id} links to {link}, which does not exist"
    kinds = "".join("c" if cell.cell_type == "code" else "m" for cell in notebook.cells)
    if "c" * (RUN + 1) in kinds:
        first = notebook.cells[kinds.index("c" * (RUN + 1))]["id"]
        yield f"from cell {first} on, more than {RUN} code cells follow each other"
    for cell in _author(notebook):
        lines = _lines(cell)
        if lines > CODE_LINES and not (kind != "lesson" and "nbgrader" in cell.metadata):
            yield f"cell {cell['id']} has {lines} lines of code, over {CODE_LINES}"


def _relative_links(notebook: nbformat.NotebookNode) -> Iterator[tuple[str, str]]:
    for cell in notebook.cells:
        if cell.cell_type != "markdown":
            continue
        text = re.sub(r"```.*?```|`[^`\n]+`|\$\$.*?\$\$|\$[^$\n]+\$", "", cell.source, flags=re.S)
        for match in _LINK.finditer(text):
            link = match[1] or match[2]
            if not re.match(r"[a-z]+:|#", link):
                yield cell["id"], link


def _metadata(course: Course, lesson: Lesson) -> Iterator[str]:
    if not 3 <= len(lesson.objectives) <= 4:
        yield f"course.yml gives {len(lesson.objectives)} objectives, not 3 or 4"
    for objective in lesson.objectives:
        if objective.split()[0].lower() in _UNTESTABLE:
            yield f"the objective {objective!r} does not begin with a verb one can test"
    chinese = len(re.findall(r"[一-鿿]", lesson.summary_zh))
    if not 120 <= chinese <= 200:
        yield f"the Chinese summary has {chinese} characters, not 120 to 200"
    free = set(course.infrastructure) | ALWAYS | course.known(lesson)
    for use in lesson.uses:
        # A whole module may be used where only names of it were built: the lesson asks for more.
        if not any(use == name or use.startswith(f"{name}.") for name in free):
            yield f"`uses` names {use}, which neither this lesson nor one it requires builds"


def _size(notebook: nbformat.NotebookNode) -> Iterator[str]:
    if not CELLS[0] <= (count := len(notebook.cells)) <= CELLS[1]:
        yield f"{count} cells, not {CELLS[0]} to {CELLS[1]}"
    if not WORDS[0] <= (count := words(notebook)) <= WORDS[1]:
        yield f"{count:,} words, not {WORDS[0]:,} to {WORDS[1]:,}"
    lines = [_lines(cell) for cell in _author(notebook) if cell.cell_type == "code"]
    if lines and (median := statistics.median(lines)) > MEDIAN_LINES:
        yield f"the median code cell has {median:g} lines, over {MEDIAN_LINES}"
    compared = [c for c in notebook.cells if "nbval-check-output" in c.metadata.get("tags", [])]
    if len(compared) < 3:
        yield f"{len(compared)} cells are tagged nbval-check-output, fewer than 3"
    for cell in compared:
        if not any("text/plain" in o.get("data", {}) or o.get("text") for o in cell.outputs):
            yield f"cell {cell['id']} is compared but prints nothing"


def _text(notebook: nbformat.NotebookNode, lesson: Lesson) -> Iterator[str]:
    text = "\n\n".join(cell.source for cell in _author(notebook) if cell.cell_type == "markdown")
    for number in range(1, 3 if lesson.number != "00" else 1):
        if not _answered(text, rf"\*\*Recall {number}\.\*\*"):
            yield f"`**Recall {number}.**` with a details block below it is missing"
    trained: set[int] = set()
    for number in range(1, 5):
        block = _answered(text, rf"\*\*Self-check {number}\*\* \(objective [1-4]\)\.")
        if block is None:
            yield f"`**Self-check {number}** (objective M).` with a details block is missing"
            continue
        question, answer = block
        trained.add(int(question[question.index("(objective ") + 11]))
        for letter in _OPTION.findall(question):
            if f"{letter})" not in answer:
                yield f"the answer to self-check {number} does not speak of option {letter})"
    for number in sorted(set(range(1, len(lesson.objectives) + 1)) ^ trained):
        if number > len(lesson.objectives):
            yield f"a self-check names objective {number}, which course.yml does not have"
        else:
            yield f"no self-check names objective {number}"
    guess = re.search(r"\*\*Your guess\.\*\*.*?(?=\n## |\*\*Your guess|\Z)", text, re.DOTALL)
    if guess is None or len(_OPTION.findall(guess[0])) < 2:
        yield "`**Your guess.**` with options `- a)`, `- b)` is missing"
    heading = re.compile(r"^## Take-aways$(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
    section = heading.search(text)
    bullets = len(re.findall(r"^- ", section[1], re.MULTILINE)) if section else 0
    if not 4 <= bullets <= 6:
        yield f"`## Take-aways` has {bullets} bullets, not 4 to 6"
    if text.count("<details>") != len(_DETAILS.findall(text)):
        yield "a details block lacks its summary, its blank lines or its end"


def _answered(text: str, mark: str) -> tuple[str, str] | None:
    """Return question and collapsed answer, if no other question stands between them."""
    found = re.search(rf"{mark}(.*?)(?=\*\*Recall \d|\*\*Self-check \d|^## |\Z)", text, re.S | re.M)
    if found is None or (answer := _DETAILS.search(found[0])) is None:
        return None
    return found[0][: answer.start()], answer[1]


def _pictures(notebook: nbformat.NotebookNode) -> Iterator[str]:
    for cell, after in zip(notebook.cells, [*notebook.cells[1:], None], strict=True):
        pictures = [
            output
            for output in cell.get("outputs", [])
            if any(key.startswith("image/") for key in output.get("data", {}))
        ]
        if any(not p.metadata.get("image/png", {}).get("alt") for p in pictures):
            yield f"cell {cell['id']} has a picture without alt text: use notebook.show or live"
        prose = after is not None and after.cell_type == "markdown" and after["id"] != "navigation"
        if pictures and not (prose and len(after.source.split()) >= 10):
            yield f"cell {cell['id']} has a picture, but no text of 10 words follows it"


def _imports(notebook: nbformat.NotebookNode, course: Course, lesson: Lesson) -> Iterator[str]:
    if lesson.number == "00":
        return
    allowed = ALWAYS | set(lesson.uses)
    for name in sorted(imports(notebook)):
        # `from package import losses` and then losses.supcon_loss counts as losses.supcon_loss.
        if not any(name == use or name.startswith(f"{use}.") for use in allowed):
            yield f"it imports {name}, which `uses` in course.yml does not list"


def _exercises(notebook: nbformat.NotebookNode, lesson: Lesson) -> Iterator[str]:
    """Check that every exercise cell stands between its task and its two helps."""
    cells = notebook.cells
    seen: list[str] = []
    for place, cell in enumerate(cells):
        roles = cell.metadata.get("nbgrader", {})
        if not roles:
            continue
        name = roles["grade_id"]
        seen.append(name)
        if not name.startswith(f"{lesson.number}-"):
            yield f"the grade_id {name} does not begin with {lesson.number}-"
        if not roles["solution"]:
            continue
        task = pages.TASK.search(cells[place - 1].source)
        if task is None or cells[place - 1].cell_type != "markdown":
            yield f"above {name} there is no line `*Difficulty 1 of 3, 5 minutes, objective 1.*`"
        elif lesson.objectives and int(task[3]) > len(lesson.objectives):
            yield f"{name} names objective {task[3]}, which course.yml does not have"
        helps = [cell.metadata.get("tags", []) for cell in cells[place + 1 : place + 3]]
        if helps != [["hint"], ["pseudocode"]]:
            yield f"below {name} there are not a hint and then pseudocode"
        if "check." not in cell.source:
            yield f"{name} does not call its check in the same cell"
    for name, group in groupby(sorted(seen)):
        if len(list(group)) > 1:
            yield f"the grade_id {name} is given twice"


def _lines(cell: nbformat.NotebookNode) -> int:
    if cell.cell_type != "code":
        return 0
    return sum(bool(line.strip()) for line in cell.source.splitlines())


def stale(course: Course) -> list[Path]:
    """Return built notebooks that no source makes any more."""
    wanted = {course.notebook(lesson, kind) for lesson, kind in course.targets()}
    folders = [course.root / folder for folder in FOLDERS.values()]
    return sorted(p for f in folders for p in f.glob("[0-9][0-9]_*.ipynb") if p not in wanted)
