"""The course's build on made-up lessons: what it makes, what it keeps out, and when it stops.

The made-up lesson and solution are the skeletons of course/AUTHORS.md, which so stay true.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path

import ipywidgets
import matplotlib.pyplot as plt
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course.builder import cli, lint, run, sources
from course.builder.metadata import BuildError, Course, load
from dualcl_tutorial import notebook

ROOT = Path(__file__).resolve().parents[1]
YML = """
repository: {slug: someone/some-course, tag: v9.9}
infrastructure: [corpora]
routes: [{name: All, lessons: ["01", "03"]}]
lessons:
  - {number: "01", name: first, title: First, question: "First?", built: a list,
     experiment: count, requires: [], minutes: {read: 10, cpu: 1, gpu: 1}, status: planned,
     builds: [losses.supcon_loss]}
  - {number: "03", name: mean, title: The mean, question: "What is a mean?", built: a mean,
     experiment: outliers, requires: ["01"], minutes: {read: 20, cpu: 2, gpu: 1},
     status: written, uses: [losses.supcon_loss, corpora],
     objectives: [Compute a mean, Compare it with the median, Explain the difference],
     summary_zh: SUMMARY}
"""
LIVE = """
# %% id="live"
import ipywidgets


def draw(height):
    figure, axes = plt.subplots()
    axes.bar([0], [height])
    return figure


notebook.live(draw, alt="One bar.", height=ipywidgets.IntSlider(2))

# %% [markdown]
# Move the slider: the bar is as high as the number beside it, no more and no less.
"""
CHECK = """
def mean(answer):
    try:
        print("passed" if float(answer(__import__("torch").ones(3))) == 1 else "wrong")
    except NotImplementedError:
        print("not attempted yet")
"""


def skeletons() -> tuple[str, str]:
    text = (ROOT / "course" / "AUTHORS.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(# %%.*?)^```$", text, re.DOTALL | re.MULTILINE)
    lesson, solution = blocks
    return lesson, solution.replace("from dualcl_tutorial import check", "import check")


@pytest.fixture
def tiny(tmp_path: Path) -> Course:
    """A course of one lesson with exercises, not built yet."""
    return make_course(tmp_path)


def make_course(root: Path) -> Course:
    lesson, solution = skeletons()
    for folder in ("lessons", "solutions"):
        (root / "course" / folder).mkdir(parents=True)
    (root / "course" / "course.yml").write_text(YML.replace("SUMMARY", "均" * 130))
    (root / "course" / "lessons" / "03_mean.py").write_text(lesson + LIVE)
    (root / "course" / "solutions" / "03_mean.py").write_text(solution)
    (root / "check.py").write_text(CHECK)
    (root / "README.md").write_text("# A\n<!-- syllabus:begin -->\nold\n<!-- syllabus:end -->\nB\n")
    return load(root)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """The same course, built and run once."""
    course = make_course(tmp_path_factory.mktemp("course"))
    cli.build(course, mode="quick")
    return course


def read(course: Course, kind: str) -> nbformat.NotebookNode:
    return nbformat.read(course.notebook(course.by_number("03"), kind), as_version=4)


def edit(course: Course, kind: str, old: str, new: str) -> None:
    path = course.source(course.by_number("03"), kind)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def small(*code: str) -> nbformat.NotebookNode:
    cells = [new_code_cell(text, id=f"c{place}") for place, text in enumerate(code)]
    return new_notebook(cells=cells, metadata=sources.NOTEBOOK_METADATA, nbformat_minor=5)


# What is built


def test_every_cell_ran_and_the_exercise_is_unsolved(built: Course) -> None:
    for kind in ("lesson", "solution", "exercise"):
        code = [cell for cell in read(built, kind).cells if cell.cell_type == "code"]
        assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert "passed" in str(read(built, "solution"))
    assert "not attempted yet" in str(read(built, "exercise"))


def test_stub_keeps_signature_docstring_and_metadata(built: Course) -> None:
    solved = read(built, "solution")
    stub = next(c for c in read(built, "exercise").cells if c.metadata.get("nbgrader"))
    assert stub.metadata.nbgrader.grade_id == "03-mean"
    assert '"""Return the mean of x' in stub.source and "check.mean(mean)" in stub.source
    assert "    raise NotImplementedError\n" in stub.source
    assert "return x.sum()" not in stub.source and "SOLUTION" not in stub.source
    assert any("### BEGIN SOLUTION" in cell.source for cell in solved.cells)


def test_helps_are_folded_below_the_exercise_and_the_solution_comes_last(built: Course) -> None:
    cells = read(built, "exercise").cells
    place = next(n for n, cell in enumerate(cells) if "check.mean" in cell.source)
    summaries = [re.search("<summary>(.*)</summary>", c.source) for c in cells[place + 1 :][:3]]
    assert [found and found[1] for found in summaries] == ["Hint", "Pseudocode", "Solution"]
    assert "return x.sum() / len(x)" in cells[place + 3].source
    assert "SOLUTION" not in cells[place + 3].source


def test_hidden_tests_are_in_the_solution_only(built: Course) -> None:
    graded = [
        next(c for c in read(built, kind).cells if c.metadata.get("nbgrader", {}).get("grade"))
        for kind in ("solution", "exercise")
    ]
    assert "BEGIN HIDDEN TESTS" in graded[0].source and "assert" in graded[0].source
    assert graded[1].source.strip() == sources.GRADE_LINE
    assert graded[0].metadata.nbgrader.points == 2 == graded[1].metadata.nbgrader.points


def test_nbgrader_accepts_the_metadata(tiny: Course) -> None:
    from nbgrader.nbgraderformat import MetadataValidator

    cli.build(tiny, run=False)
    for kind in ("solution", "exercise"):
        MetadataValidator().validate_nb(read(tiny, kind))


def test_head_setup_and_navigation(built: Course) -> None:
    cells = read(built, "lesson").cells
    head = cells[0].source
    assert head.startswith("# 03 · The mean\n")
    assert "github/someone/some-course/blob/v9.9/notebooks/03_mean.ipynb" in head
    assert "(../exercises/03_mean.ipynb)" in head
    assert "1. Compute a mean." in head and "20 minutes to read" in head
    assert "**Read first:** 01 · First (to come)." in head
    assert "<summary>中文提要</summary>" in head
    assert "git+https://github.com/someone/some-course@v9.9" in cells[1].source
    assert "(../exercises/03_mean.ipynb)" in cells[-1].source
    assert "01 · First (to come)" in cells[-1].source
    for kind in ("exercise", "solution"):
        assert read(built, kind).cells[1].source == cells[1].source


def test_pages_list_lessons_that_exist_with_links(built: Course) -> None:
    readme = (built.root / "README.md").read_text(encoding="utf-8")
    assert readme.startswith("# A\n")
    assert "[03 · The mean](notebooks/03_mean.ipynb)" in readme and "old" not in readme
    assert "| 01 · First |" in readme and "to come" in readme and readme.endswith("\nB\n")
    launcher = (built.root / "notebooks" / "README.md").read_text(encoding="utf-8")
    assert "(../exercises/03_mean.ipynb)" in launcher and "- Compute a mean." in launcher


def test_pictures_have_alt_text_and_outputs_are_bare(built: Course) -> None:
    outputs = [o for c in read(built, "lesson").cells for o in c.get("outputs", [])]
    picture, live = [o for o in outputs if "image/png" in o.get("data", {})]
    assert picture.metadata == {"image/png": {"alt": "Three bars of height 1, 2 and 6."}}
    assert live.metadata == {"image/png": {"alt": "One bar."}}
    assert set(live.data) == {"image/png", "text/plain"} and "height = 2" in str(live.data)
    assert not any(o.get("name") == "stderr" for o in outputs)


def test_skeleton_breaks_only_the_rules_of_length(built: Course) -> None:
    found = cli.lint(built, ["3"])
    short = r"cells, not 25|words, not 1,200|tagged nbval|Recall 2|Self-check [234]|names objective"
    assert [text for text in found if not re.search(short, text)] == []
    assert any("Recall 2" in text for text in found)


# The same again


def test_a_second_run_gives_the_same_bytes(built: Course) -> None:
    lesson = built.by_number("03")
    path = built.notebook(lesson, "lesson")
    again = cli.fresh(built, lesson, "lesson")
    run.execute(again, path.parent, built.root, "quick")
    assert run.text_of(run.canonical(again)) == path.read_text(encoding="utf-8")
    assert cli.differences(built) == []


def test_canonical_twice_is_canonical_once(built: Course) -> None:
    once = run.canonical(read(built, "lesson"))
    assert run.text_of(run.canonical(once)) == run.text_of(once)


def test_no_run_keeps_outputs_while_only_text_changed(tmp_path: Path) -> None:
    course = make_course(tmp_path)
    cli.build(course, run=False)
    path = course.notebook(course.by_number("03"), "lesson")
    marked = nbformat.read(path, as_version=4)
    code = [cell for cell in marked.cells if cell.cell_type == "code"]
    code[1].outputs, code[1].execution_count = [new_output("stream", text="from before\n")], 2
    path.write_text(run.text_of(marked), encoding="utf-8")

    edit(course, "lesson", "share equally", "divide")
    assert cli.main(["03", "--no-run"], root=course.root) == 0
    assert "from before" in path.read_text() and "divide" in path.read_text()
    edit(course, "lesson", "len(x)", "x.numel()")
    assert cli.main(["03", "--no-run"], root=course.root) == 0
    assert "from before" not in path.read_text()


def test_check_names_the_cell_that_differs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    course = make_course(tmp_path)
    cli.build(course, run=False)
    assert cli.main(["--check"], root=course.root) == 0
    path = course.notebook(course.by_number("03"), "lesson")
    text = path.read_text(encoding="utf-8")

    path.write_text(text.replace("by_loop = sum", "by_loop = 0 * sum"), encoding="utf-8")
    assert cli.main(["--check"], root=course.root) == 1
    assert "cell mean-two-ways differs in its source" in capsys.readouterr().out
    path.write_text(text.replace('"nbval-check-output"', '"nbval-skip"'), encoding="utf-8")
    assert "cell mean-two-ways differs in its metadata" in str(cli.differences(course))
    path.write_text(text.replace('\n "nbformat"', '\n\n "nbformat"'), encoding="utf-8")
    assert "saved by an editor" in str(cli.differences(course))
    path.write_text(text, encoding="utf-8")
    path.with_name("04_gone.ipynb").write_text(text)
    (course.root / "README.md").write_text("<!-- syllabus:begin --><!-- syllabus:end -->")
    assert "04_gone.ipynb has no source" in str(cli.differences(course))
    assert "README.md is not what" in str(cli.differences(course))


# When it stops


def test_stops_on_missing_corpus_before_running(
    tiny: Course, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DUALCL_DATA", str(tiny.root / "nowhere"))
    tiny.by_number("03").corpora.append("cr")
    monkeypatch.setattr(cli, "load", lambda _root: tiny)
    assert cli.main(["03"], root=tiny.root) == 1
    said = capsys.readouterr().err
    assert "03_mean.ipynb: Lesson 03 shows corpus cr" in said and said.count("\n") == 1
    assert not tiny.notebook(tiny.by_number("03"), "lesson").exists()


def test_stops_on_missing_encoder(tiny: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.by_number("03").encoders.append("bert")
    monkeypatch.setattr("dualcl_tutorial.encoders.available", lambda _name: False)
    with pytest.raises(BuildError, match="encoder bert"):
        run.check_supplies(tiny.by_number("03"))


def test_stops_on_an_error_hidden_in_a_widget(tmp_path: Path) -> None:
    code = "import ipywidgets\n@ipywidgets.interact(x=(0, 3))\ndef draw(x):\n    1 / 0"
    with pytest.raises(BuildError, match="widget hides an error: ZeroDivisionError"):
        run.execute(small(code), tmp_path, tmp_path, "quick")


def test_stops_on_an_error_in_a_cell(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"^Cell c1 raised ValueError: no"):
        run.execute(small("x = 1", "raise ValueError('no')", "x"), tmp_path, tmp_path, "quick")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("saved in /home/ada/runs", "absolute path: /home/ada"),
        ("C:\\Users\\ada", "absolute path"),
        (f"The bundled mini-reviews {notebook.FALLBACK} cr.", "fell back to another corpus"),
        ("x" * 300_000, "over 300,000"),
    ],
)
def test_stops_on_output(text: str, message: str) -> None:
    book = small("x")
    book.cells[0].outputs = [new_output("stream", text=text)]
    with pytest.raises(BuildError, match=message):
        run.check_outputs(book, ROOT)


@pytest.mark.parametrize("text", ["3/4 and/or a/b", "https://a.org/home/x", "../data/x", "1e-3 /s"])
def test_what_is_no_absolute_path(text: str) -> None:
    assert run.absolute_paths(text) == []


def test_own_folders_count_as_paths() -> None:
    assert run.absolute_paths(f"in {ROOT}/x.txt", ROOT)


def test_outputs_lose_what_another_run_would_change() -> None:
    book = small("x")
    book.metadata["widgets"] = {"state": {}}
    book.cells[0].metadata["execution"] = {"iopub.status.busy": "2026-01-01"}
    view = {run.WIDGET_VIEW: {"model_id": "1f"}, "image/png": "aGk=\n", "text/plain": "[a]"}
    book.cells[0].outputs = [
        new_output("stream", name="stderr", text="UserWarning"),
        new_output("stream", text="1%|\r99%|\rdone <at 0x7f00deadbeef>\n"),
        new_output("display_data", {"text/plain": " 50%|#####     | 1/2"}),
        new_output("display_data", view, metadata={"image/png": {"alt": "A.", "width": 3}}),
    ]
    clean = run.canonical(book)
    stream, picture = clean.cells[0].outputs
    assert stream.text == "done <at 0x0>\n"
    assert dict(picture.data) == {"image/png": "aGk=", "text/plain": "[a]"}
    assert picture.metadata == {"image/png": {"alt": "A."}}
    assert "widgets" not in clean.metadata and not clean.cells[0].metadata


def test_a_widget_without_picture_is_refused() -> None:
    book = small("x")
    book.cells[0].outputs = [new_output("display_data", {run.WIDGET_VIEW: {}, "text/plain": "V"})]
    with pytest.raises(BuildError, match="without a picture"):
        run.canonical(book)


@pytest.mark.parametrize(
    ("kind", "old", "new", "message"),
    [
        ("lesson", 'tags=["nbval-check-output"]', 'tags=["raises-exception"]', "raises-exception"),
        ("lesson", 'id="mean-two-ways"', 'id="head"', "two cells the id 'head'"),
        ("lesson", 'id="mean-two-ways"', 'id="a b"', "letters, digits"),
        ("lesson", 'id="mean-two-ways"', 'exercise="03-x"', "belong into course/solutions"),
        ("lesson", 'id="mean-two-ways"', 'editable="x"', "'editable' in its header"),
        ("solution", "    ### BEGIN SOLUTION", "    pass", "each as often"),
        (
            "solution",
            "def mean(",
            "x = [\n### BEGIN SOLUTION\n]\n### END SOLUTION\ndef mean(",
            "in",
        ),
        ("solution", "return x.sum()", "return x.sum(", "is not Python"),
        ("solution", " points=2", "", "says its points"),
        ("solution", 'tags=["hint"]', 'tags=["clue"]', "'clue' is not one of"),
    ],
)
def test_source_mistakes_get_one_sentence(
    tiny: Course, kind: str, old: str, new: str, message: str
) -> None:
    edit(tiny, kind, old, new)
    with pytest.raises(BuildError, match=message) as caught:
        cli.build(tiny, run=False)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('requires: ["01"]', 'requires: ["07"]', "requires 07"),
        ("status: written", "state: written", "unknown keys: state"),
        ("title: The mean, ", "", "incomplete: .*title"),
        ('number: "03"', "number: 3", "in quotes"),
    ],
)
def test_metadata_mistakes_get_one_sentence(tiny: Course, old: str, new: str, message: str) -> None:
    path = tiny.root / "course" / "course.yml"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(BuildError, match=message):
        load(tiny.root)


# The form of a lesson


def full_lesson(course: Course) -> nbformat.NotebookNode:
    """A lesson that keeps every rule, with outputs written by hand."""
    answer = sources.details("Answer", "a) and b) differ because of the own pair.")
    opening = "\n\n".join(f"**Recall {n}.** What was it?\n\n{answer}" for n in (1, 2))
    guess = "**Your guess.** Up or down?\n\n- a) up\n- b) down"
    tests = "\n\n".join(
        f"**Self-check {n}** (objective {min(n, 3)}). Which?\n\n- a) one\n- b) two\n\n{answer}"
        for n in (1, 2, 3, 4)
    )
    ending = "## Take-aways\n\n" + "\n".join(f"- point {n}" for n in range(5))
    cells: list[nbformat.NotebookNode] = [new_markdown_cell(opening), new_markdown_cell(guess)]
    for _ in range(12):
        cells.append(
            new_code_cell("import torch\nprint(1)", outputs=[new_output("stream", text="1\n")])
        )
        cells.append(new_markdown_cell("word " * 120))
    for cell in cells[2:8:2]:
        cell.metadata = nbformat.from_dict({"tags": ["nbval-check-output"]})
    picture = {"image/png": "aGk=", "text/plain": "[a]"}
    alt = {"image/png": {"alt": "A bar."}}
    cells[10].outputs = [new_output("display_data", picture, metadata=alt)]
    cells += [new_markdown_cell(ending), new_markdown_cell(f"## Check yourself\n\n{tests}")]
    for place, cell in enumerate(cells):
        cell["id"] = f"03-{place:02d}"
    book = sources.assemble(course, course.by_number("03"), "lesson")
    book.cells = [*book.cells[:2], *cells, book.cells[-1]]
    for count, cell in enumerate((c for c in book.cells if c.cell_type == "code"), 1):
        cell.execution_count = count
    for kind in ("lesson", "exercise", "solution"):  # what the links lead to
        path = course.notebook(course.by_number("03"), kind)
        path.parent.mkdir(exist_ok=True)
        path.touch()
    (course.root / "notebooks" / "README.md").touch()
    return book


def test_full_lesson_has_no_problems(tiny: Course) -> None:
    assert lint.problems(full_lesson(tiny), tiny, tiny.by_number("03")) == []


def _source(place: int, old: str, new: str) -> Callable[[nbformat.NotebookNode], None]:
    def change(book: nbformat.NotebookNode) -> None:
        assert old in book.cells[place].source
        book.cells[place].source = book.cells[place].source.replace(old, new)

    return change


def _keep(first: int, last: int) -> Callable[[nbformat.NotebookNode], None]:
    def change(book: nbformat.NotebookNode) -> None:
        del book.cells[first:last]

    return change


def _do(change: str) -> Callable[[nbformat.NotebookNode], None]:
    def apply(book: nbformat.NotebookNode) -> None:
        exec(change, {"book": book, "c": book.cells, "new_output": new_output})

    return apply


@pytest.mark.filterwarnings("ignore::nbformat.warnings.DuplicateCellId")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_keep(16, 23), "24 cells, not 25"),
        (_do("c[4:4] = [c[5]] * 20"), "51 cells, not 25"),
        (_do("for n in range(5, 28, 2): c[n].source = 'ten words stand here ' * 2"), "words, not"),
        (_do("c[5].source = 'word ' * 1500"), "words, not 1,200 to 2,500"),
        (_do("c[6].source = 'x = 1\\n' * 31"), "31 lines of code"),
        (_do("for n in range(4, 20, 2): c[n].source = 'x = 1\\n' * 9"), "median code cell has 9"),
        (_do("c[5:5] = [c[4], c[4]]"), "more than 2 code cells"),
        (_do("c[1].source += '\\n'"), "not the course's setup cell"),
        (_source(0, "blob/v9.9/notebooks", "blob/main/notebooks"), "no badge that leads"),
        (_source(2, "**Recall 2.**", "Recall 2."), "Recall 2"),
        (_source(2, "<details><summary>Answer</summary>\n", "<details>"), "details block"),
        (_source(3, "- b) down", "down"), "Your guess"),
        (_source(29, "**Self-check 4** (objective 3)", "**Self-check 4**"), "Self-check 4"),
        (_source(29, "- b) two", "- b) two\n- c) three"), "option c)"),
        (_source(29, "(objective 2)", "(objective 1)"), "no self-check names objective 2"),
        (_source(29, "(objective 2)", "(objective 4)"), "names objective 4"),
        (_source(28, "- point 0\n- point 1\n", ""), "has 3 bullets"),
        (_source(28, "- point 0", "- p\n- p\n- point 0"), "has 7 bullets"),
        (_do("c[6].metadata = {}"), "2 cells are tagged"),
        (_do("c[6].outputs = []"), "is compared but prints nothing"),
        (_do("c[12].outputs[0].metadata = {}"), "picture without alt text"),
        (_do("c[13].source = 'short'"), "no text of 10 words"),
        (_do("c[4].outputs = [new_output('error', ename='E')]"), "output is a traceback"),
        (_do("c[4].execution_count = 9"), "not run from top to bottom"),
        (_do("c[4].outputs[0].text = 'in /home/ada/x'"), "shows the path /home/ada"),
        (_do("book.metadata.widgets = {}"), "widget state"),
        (_do("c[4].outputs[0].text = 'x' * 300_000"), "over 300,000"),
        (_source(5, "word ", "[a](../nowhere.md) "), "which does not exist"),
        (_do("c[4].source = 'from dualcl_tutorial.variants import x'"), "imports variants.x"),
        (
            _do("c[4].source = 'from dualcl_tutorial import losses\\nlosses.loss_floor'"),
            "loss_floor",
        ),
    ],
)
def test_each_rule_is_seen_broken(
    tiny: Course, change: Callable[[nbformat.NotebookNode], None], message: str
) -> None:
    book = full_lesson(tiny)
    change(book)
    found = lint.problems(book, tiny, tiny.by_number("03"))
    assert [text for text in found if message in text], found


def test_what_a_lesson_may_import(tiny: Course) -> None:
    book = full_lesson(tiny)
    book.cells[4].source = (
        "from dualcl_tutorial import check, corpora, losses, plots\n"
        "from dualcl_tutorial.losses import supcon_loss\nlosses.supcon_loss\ncorpora.load"
    )
    assert lint.problems(book, tiny, tiny.by_number("03")) == []
    tiny.by_number("03").uses.append("variants")
    found = lint.problems(book, tiny, tiny.by_number("03"))
    assert found == ["`uses` names variants, which neither this lesson nor one it requires builds"]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("objectives", ["Compute a mean"] * 2, "2 objectives"),
        ("objectives", ["Understand a mean"] * 3, "a verb one can test"),
        ("summary_zh", "均" * 119, "119 characters"),
    ],
)
def test_metadata_rules(tiny: Course, field: str, value: object, message: str) -> None:
    lesson = tiny.by_number("03")
    book = full_lesson(tiny)
    object.__setattr__(lesson, field, value)
    assert message in str(lint.problems(book, tiny, lesson))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("*Difficulty 1 of 3, 5 minutes, objective 1.*", "", "above 03-mean there is no line"),
        ("objective 1.*", "objective 9.*", "names objective 9"),
        ('tags=["hint"]', 'id="x"', "not a hint and then pseudocode"),
        ("check.mean(mean)", "mean", "does not call its check"),
        ('exercise="03-mean"', 'exercise="04-mean"', "does not begin with 03-"),
        ('grade="03-mean-tests"', 'grade="03-mean"', "given twice"),
    ],
)
def test_exercise_rules(tiny: Course, old: str, new: str, message: str) -> None:
    edit(tiny, "solution", old, new)
    book = sources.assemble(tiny, tiny.by_number("03"), "solution")
    assert message in str(lint.problems(book, tiny, tiny.by_number("03"), "solution"))


def test_words_are_what_a_reader_reads() -> None:
    book = small("x")
    book.cells[0] = new_markdown_cell("One *two* $x_i$ `code` [three](a/b.md) 四五 <b>don't</b> 6")
    book.cells[0]["id"] = "a"
    assert lint.words(book) == 4


# The setup cell and what it calls


@pytest.fixture
def in_colab(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[list[str]]]:
    """Pretend to be Colab without the package; the list takes the pip commands."""
    commands: list[list[str]] = []
    monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    monkeypatch.setattr(subprocess, "run", lambda command, check: commands.append(command))
    yield commands


def test_setup_cell_in_colab(
    tiny: Course,
    in_colab: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    cell = sources.setup_cell(tiny).source
    assert len(cell.splitlines()) <= 30
    exec(cell, {})
    (command,) = in_colab
    pins = command[-2:]
    assert "git+https://github.com/someone/some-course@v9.9" in command
    assert pins[0].startswith("torch==") and pins[1].startswith("numpy==")
    assert "torch and numpy untouched" in capsys.readouterr().out
    monkeypatch.setenv("DUALCL_SOURCE", "./a.whl")
    exec(cell, {})
    assert "./a.whl" in in_colab[-1]
    counter = iter("1234")
    monkeypatch.setattr("importlib.metadata.version", lambda _name: next(counter))
    exec(cell, {})
    assert "restart the session, changed: torch==3 numpy==4" in capsys.readouterr().out


def test_setup_cell_without_the_package_says_the_one_command(tiny: Course, tmp_path: Path) -> None:
    cell = sources.setup_cell(tiny).source
    outcome = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.modules['dualcl_tutorial'] = None\n{cell}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={k: v for k, v in os.environ.items() if k != "DUALCL_SOURCE"},
    )
    said = outcome.stderr.strip().splitlines()[-1]
    assert 'Type in a new cell: %pip install "git+https://github.com/someone/some-course' in said


def test_setup_prints_one_line_without_paths(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    monkeypatch.setenv("DUALCL_DATA", str(ROOT))
    notebook.setup(seed=3)
    first = torch.rand(1)
    notebook.setup(seed=3)
    assert torch.equal(first, torch.rand(1))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 and lines[0] == lines[1]
    assert "mode: quick" in lines[0] and "seed 3" in lines[0] and str(ROOT) not in lines[0]


def test_modes(monkeypatch: pytest.MonkeyPatch) -> None:
    for mode, size in (("quick", 1), ("read", 2), ("full", 3)):
        monkeypatch.setenv("DUALCL_MODE", mode)
        assert notebook.mode() == mode and notebook.by_mode(quick=1, read=2, full=3) == size
    assert notebook.by_mode(quick=1, read=2) == 2
    monkeypatch.delenv("DUALCL_MODE")
    assert notebook.mode() == "read"
    monkeypatch.setenv("DUALCL_MODE", "fast")
    with pytest.raises(ValueError, match="'fast'; set it to one of quick, read, full"):
        notebook.mode()


def test_corpus_falls_back_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert notebook.corpus("cr", fallback="mini-reviews") == "mini-reviews"
    assert capsys.readouterr().out.startswith("Quick mode: the bundled mini-reviews")
    monkeypatch.setenv("DUALCL_MODE", "read")
    monkeypatch.setenv("DUALCL_DATA", str(tmp_path / "nowhere"))
    assert notebook.corpus("cr", fallback="mini-reviews") == "mini-reviews"
    said = capsys.readouterr().out
    assert notebook.FALLBACK in said and said.count("\n") == 1


def draw(tau: float = 0.5, name: str = "a") -> plt.Figure:
    if tau > 1:
        raise ValueError("tau is too large")
    figure, axes = plt.subplots(figsize=(2, 1))
    axes.plot([0, tau], label=name)
    return figure


def test_live_redraws_and_shows_values_and_errors() -> None:
    tau = ipywidgets.FloatSlider(0.5, min=0.1, max=2.0)
    box, bundle = notebook.live_box(draw, alt="A line", tau=tau)
    assert box is not None and "A line. Here tau = 0.5." in bundle["text/plain"]
    words, picture = box.children[-2:]
    before = picture.value
    tau.value = 0.8
    assert picture.value != before and words.value == "tau = 0.8"
    before = picture.value
    tau.value = 1.5
    assert picture.value == before
    assert words.value == "tau = 1.5: not drawn, ValueError: tau is too large"
    assert tau.description == "tau" and not tau.continuous_update
    assert plt.get_fignums() == []
    with pytest.raises(ValueError, match="too large"):  # at the first values: an ordinary error
        notebook.live_box(draw, alt="A line", tau=tau)


def test_live_without_ipywidgets_is_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    tau = ipywidgets.FloatSlider(0.5)
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    box, bundle = notebook.live_box(draw, alt="A line", tau=tau)
    assert box is None and set(bundle) == {"image/png", "text/plain"}


def test_live_displays_widget_and_twin_together(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[tuple[object, dict[str, object]]] = []
    monkeypatch.setattr("IPython.display.display", lambda x, **more: shown.append((x, more)))
    notebook.live(draw, alt="A line", tau=ipywidgets.FloatSlider(0.5))
    bundle, more = shown.pop()
    assert isinstance(bundle, dict)
    assert set(bundle) == {"image/png", "text/plain", notebook.WIDGET_VIEW}
    assert more == {"metadata": {"image/png": {"alt": "A line."}}, "raw": True}
    monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
    notebook.live(draw, alt="A line", tau=ipywidgets.FloatSlider(0.5))
    assert isinstance(shown.pop()[0], ipywidgets.VBox)


def test_show_wants_alt_text_and_closes_the_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[dict[str, object]] = []
    monkeypatch.setattr("IPython.display.display", lambda x, **more: shown.append({**x, **more}))
    notebook.show(draw(), alt="A  line")
    assert shown[0]["metadata"] == {"image/png": {"alt": "A line."}}
    assert plt.get_fignums() == []
    figure = draw()
    with pytest.raises(ValueError, match="needs alt text"):
        notebook.show(figure, alt=" ")
    plt.close(figure)
