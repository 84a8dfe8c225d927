"""The course as committed: fresh, in form, and free of other people's texts."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import nbformat
import pytest

from course.builder import cli, sources
from course.builder.lint import problems
from course.builder.metadata import Lesson, load

ROOT = Path(__file__).resolve().parents[1]
COURSE = load(ROOT)
TARGETS = list(COURSE.targets())
NAMES = [f"{kind}-{lesson.stem}" for lesson, kind in TARGETS]
# The two sentences of the paper's Figure 4, as the figure and as the test files spell them.
QUOTED = (
    "what might have been a predictably heart warming tale is suffused with complexity",
    "what might have been a predictably heartwarming tale is suffused with complexity",
    "remote buttons are small and closely spaced , especially with the menu button",
    "remote buttons are small and closely spaced , especially with the menu buttons",
)
LEAST_WORDS = 5


def test_committed_notebooks_are_what_the_sources_give() -> None:
    assert cli.differences(COURSE) == []


@pytest.mark.parametrize(("lesson", "kind"), TARGETS, ids=NAMES)
def test_form(lesson: Lesson, kind: str) -> None:
    path = COURSE.notebook(lesson, kind)
    assert path.is_file(), "not built"
    assert problems(nbformat.read(path, as_version=4), COURSE, lesson, kind) == []


def test_setup_cell_is_the_same_everywhere_and_short() -> None:
    cell = sources.setup_cell(COURSE)
    assert len(cell.source.splitlines()) <= 30
    assert f"git+https://github.com/{COURSE.slug}@{COURSE.tag}" in cell.source
    for target in TARGETS:
        there = nbformat.read(COURSE.notebook(*target), as_version=4).cells[1]
        assert (there["id"], there.source, there.metadata) == ("setup", cell.source, cell.metadata)


def test_course_has_its_thirteen_lessons_and_their_sources() -> None:
    assert [lesson.number for lesson in COURSE.lessons] == [f"{n:02d}" for n in range(13)]
    for lesson in COURSE.lessons:
        assert lesson.status in ("planned", "written")
        if lesson.status == "written":
            assert COURSE.exists(lesson, "lesson"), f"{lesson.number} is called written"
    known = {COURSE.source(*target).name for target in TARGETS}
    folders = [ROOT / "course" / name for name in ("lessons", "solutions")]
    found = {path.name for folder in folders for path in folder.glob("*.py")}
    assert found == known, "a source bears a name that course.yml does not have"


@pytest.mark.parametrize("lesson", COURSE.written(), ids=lambda lesson: lesson.stem)
def test_what_a_lesson_builds_and_uses_is_in_the_package(lesson: Lesson) -> None:
    for name in {*lesson.builds, *lesson.uses}:
        module, _, attribute = name.partition(".")
        found = importlib.import_module(f"dualcl_tutorial.{module}")
        assert not attribute or hasattr(found, attribute), name


# Texts of the five corpora


def tokens(text: str) -> list[str]:
    """Words in lower case: spacing, quoting and punctuation hide no leak."""
    return re.findall(r"\w+", text.lower())


def leaks(texts: Iterable[str], content: str) -> list[str]:
    """Return those texts of five words or more that occur in the content."""
    by_start: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
    for text in texts:
        if len(words := tuple(tokens(text))) >= LEAST_WORDS:
            by_start.setdefault(words[:LEAST_WORDS], []).append(words)
    found, where = set(), tokens(content)
    for place in range(len(where) - LEAST_WORDS + 1):
        for words in by_start.get(tuple(where[place : place + LEAST_WORDS]), ()):
            if tuple(where[place : place + len(words)]) == words:
                found.add(" ".join(words))
    return sorted(found)


def readable(path: Path) -> Iterator[str]:
    """Yield the text of a committed file; of a notebook, without JSON's escapes and pictures."""
    try:
        text = path.read_text(encoding="utf-8")
    except (UnicodeDecodeError, FileNotFoundError):
        return
    if path.suffix != ".ipynb":
        yield text
        return
    for cell in nbformat.reads(text, as_version=4).cells:
        yield cell.source
        for output in cell.get("outputs", []):
            yield str(output.get("text", ""))
            yield from (str(v) for k, v in output.get("data", {}).items() if k[:5] != "image")


def test_no_text_of_the_five_corpora_is_committed() -> None:
    folder = os.environ.get("DUALCL_DATA")
    if not folder or not list(Path(folder).glob("*.json")):
        pytest.skip("DUALCL_DATA is not set: without the five corpora there is nothing to look for")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if listed.returncode:
        pytest.skip("this is no git checkout: which files are committed is not known")
    quoted = {tuple(tokens(text)) for text in QUOTED}
    texts = {
        row["text"]
        for path in Path(folder).glob("*.json")
        for row in json.loads(path.read_text(encoding="utf-8"))
        if tuple(tokens(row["text"])) not in quoted
    }
    names = listed.stdout.split("\n")
    # One pass over all files, because the index of some 70,000 texts takes a while to make.
    found = leaks(texts, "\nzzend\n".join(t for n in names if n for t in readable(ROOT / n)))
    where = {leak: _files_with(leak, names) for leak in found[:5]}
    assert not found, f"{len(found)} texts of the corpora are in committed files: {where}"


def _files_with(leak: str, names: list[str]) -> list[str]:
    return [n for n in names if n and any(leaks([leak], t) for t in readable(ROOT / n))]


def test_a_leak_is_seen_whatever_its_spelling() -> None:
    texts = ["the phone 's battery died , again !", "too short to count"[:9]]
    assert leaks(texts, 'x = "The phone\'s  battery\ndied again"') == [
        "the phone s battery died again"
    ]
    assert leaks(texts, "the phone s battery died once") == [] == leaks(texts, "too short")


def test_a_leak_is_seen_in_a_notebook(tmp_path: Path) -> None:
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("print(1)")])
    text = 'she said "it works\nall day long"'
    book.cells[0].outputs = [nbformat.v4.new_output("stream", text=text)]
    nbformat.write(book, tmp_path / "a.ipynb")
    content = "\n".join(readable(tmp_path / "a.ipynb"))
    assert leaks(["it works all day long"], content)
