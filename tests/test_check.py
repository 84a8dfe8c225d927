"""The checks of all exercises, held against the gallery of answers and against worse."""

from __future__ import annotations

import contextlib
import json
import re
import threading
import time
import warnings
from pathlib import Path
from typing import Any

import gallery
import jupytext
import nbformat
import pytest
import torch
from gallery import Entry, Wrong
from nbclient import NotebookClient

from course import mistakes
from course.builder.assign import exercises
from course.builder.metadata import Lesson, load
from dualcl_tutorial import check, losses, notebook
from dualcl_tutorial.check import faulty, guard, harness, report
from dualcl_tutorial.check.exercise import EXERCISES, Case, Exercise, Mistake, register
from dualcl_tutorial.check.harness import judge
from dualcl_tutorial.example import hand_batch
from dualcl_tutorial.plots.exercises import EIGHT, four_trainings

ROOT = Path(__file__).resolve().parents[1]
COURSE = load(ROOT)
GALLERY = gallery.entries()
WRONG = [pytest.param(e, w, id=f"{e.exercise}-{w.mistake}") for e in GALLERY for w in e.wrong]
RIGHT = [
    pytest.param(e, answer, id=f"{e.exercise}-{number}")
    for e in GALLERY
    for number, answer in enumerate(e.right)
]
SOLVED = COURSE.written("solution")
NAMES = sorted(EXERCISES)


@pytest.fixture(autouse=True)
def progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "folder" / "progress.json"
    monkeypatch.setenv("DUALCL_PROGRESS", str(path))
    return path


def entry_of(name: str) -> Entry:
    return next(entry for entry in GALLERY if entry.exercise == name)


def cells(lesson: Lesson) -> list[nbformat.NotebookNode]:
    path = COURSE.source(lesson, "solution")
    return [c for c in jupytext.read(path, fmt="py:percent").cells if c.cell_type == "code"]


def run(source: str, names: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(compile(source, "<cell>", "exec"), names)


# The gallery


def test_every_exercise_has_its_gallery() -> None:
    assert sorted(entry.exercise for entry in GALLERY) == NAMES
    for entry in GALLERY:
        assert len(entry.wrong) >= 4 and len(entry.right) >= 2, entry.exercise
        names = [wrong.mistake for wrong in entry.wrong]
        assert len(set(names)) == len(names), entry.exercise


@pytest.mark.parametrize(("entry", "wrong"), WRONG)
def test_a_wrong_answer_hears_what_is_wrong(entry: Entry, wrong: Wrong) -> None:
    said = judge(EXERCISES[entry.exercise], wrong.answer)
    assert said.status == "failed"
    assert wrong.says in said.message


@pytest.mark.parametrize(("entry", "answer"), RIGHT)
def test_a_right_answer_passes(entry: Entry, answer: Any) -> None:
    said = judge(EXERCISES[entry.exercise], answer)
    assert said.passed, said.message


@pytest.mark.parametrize("name", NAMES)
def test_a_table_knows_its_own_mistakes(name: str) -> None:
    exercise = EXERCISES[name]
    assert judge(exercise, exercise.reference).passed
    for mistake in exercise.mistakes:
        made = mistake.answer if callable(mistake.answer) else lambda m=mistake: m.answer
        said = judge(exercise, made)
        assert mistake.message in said.message, mistake.name
    names = [mistake.name for mistake in exercise.mistakes]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", NAMES)
def test_a_check_points_into_its_lesson(name: str) -> None:
    found = re.fullmatch(r'lesson (\d\d), "(.+)"', EXERCISES[name].section)
    assert found, EXERCISES[name].section
    lesson = COURSE.by_number(found[1])
    if not COURSE.exists(lesson, "lesson"):
        pytest.skip(f"lesson {lesson.number} is not written yet")
    text = COURSE.source(lesson, "lesson").read_text(encoding="utf-8")
    assert re.search(rf"^# ##+ {re.escape(found[2])}$", text, re.MULTILINE), found[2]


def test_the_page_of_mistakes_is_fresh() -> None:
    message = "run `python course/mistakes.py`"
    assert mistakes.PAGE.read_text(encoding="utf-8") == mistakes.page(), message


# Solutions, stubs and hidden tests


@pytest.mark.parametrize("lesson", SOLVED, ids=lambda lesson: lesson.stem)
def test_solutions_pass_their_checks_and_hidden_tests(lesson: Lesson, progress: Path) -> None:
    names: dict[str, Any] = {"notebook": notebook}
    asked = set()
    for cell in cells(lesson):
        run(cell.source, names)
        asked |= {cell.metadata["exercise"]} if "exercise" in cell.metadata else set()
    assert asked == {name for name in NAMES if name[:2] == lesson.number}
    assert set(json.loads(progress.read_text())) == asked


@pytest.mark.parametrize("lesson", SOLVED, ids=lambda lesson: lesson.stem)
def test_stubs_are_not_attempted_and_fail_hidden_tests(
    lesson: Lesson, progress: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names: dict[str, Any] = {"notebook": notebook}
    graded = {c.metadata["grade"][:-6]: c.source for c in cells(lesson) if "grade" in c.metadata}
    for cell in exercises(COURSE, lesson).cells[2:]:
        if cell.cell_type != "code":
            continue
        capsys.readouterr()
        run(cell.source, names)
        if cell.metadata.get("nbgrader", {}).get("solution"):
            assert "not attempted" in capsys.readouterr().out
            with pytest.raises(NotImplementedError):
                run(graded[cell.metadata["nbgrader"]["grade_id"]], names)
    assert not progress.exists()


def graded(name: str) -> tuple[str, str, dict[str, Any]]:
    """Return an exercise's hidden test, the function it asks, and the names it may use."""
    lesson = COURSE.by_number(name[:2])
    if not COURSE.exists(lesson, "solution"):
        pytest.skip(f"no solutions of lesson {lesson.number} yet")
    sources = cells(lesson)
    cell = next(c for c in sources if c.metadata.get("exercise") == name)
    tests = [c.source for c in sources if c.metadata.get("grade") == f"{name}-tests"]
    if not tests:
        pytest.skip("no hidden tests")
    asked = re.search(r"^check\.\w+\((\w+)\)", cell.source, re.MULTILINE)
    assert asked, "the cell's last line hands the function to its check"
    names: dict[str, Any] = {}
    run(sources[0].source if not sources[0].metadata.get("exercise") else cell.source, names)
    return tests[0], asked[1], names


@pytest.mark.parametrize("name", NAMES)
def test_hidden_tests_agree_with_the_check(name: str) -> None:
    source, function, names = graded(name)
    assert not re.search(r"\bcheck\b", source)
    for answer in entry_of(name).right:
        run(source, {**names, function: answer})
    for wrong in entry_of(name).wrong:
        if wrong.graded:
            accepted = False
            with contextlib.suppress(Exception):
                run(source, {**names, function: wrong.answer})
                accepted = True
            assert not accepted, wrong.mistake


# Whatever it is handed


def raises(**given: Any) -> None:
    raise ValueError("a row is missing")


def for_ever(**given: Any) -> None:
    while True:
        pass


def sleeps(**given: Any) -> None:
    time.sleep(60)


def swallows(**given: Any) -> None:
    while True:
        with contextlib.suppress(BaseException):
            time.sleep(0.01)


def shouts(**given: Any) -> None:
    print("megabyte " * 120_000)


def leaves(**given: Any) -> None:
    exit()


def closes_stdout(**given: Any) -> None:
    import sys

    sys.stdout.close()


def deep(**given: Any) -> Any:
    return deep(**given)


def one_array(**given: Any) -> Any:
    return torch.zeros(2).numpy()


def one_list(**given: Any) -> list[float]:
    return [0.0, 0.0]


def nan(**given: Any) -> torch.Tensor:
    return torch.tensor(float("nan"))


def a_view(**given: Any) -> Any:
    return next((v[:1] for v in given.values() if isinstance(v, torch.Tensor)), None)


def spoils(**given: Any) -> None:
    for value in given.values():
        if isinstance(value, torch.Tensor):
            value.zero_()


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError


def unprintable(**given: Any) -> None:
    raise Unprintable


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("answer", "status", "says"),
    [
        (None, "not attempted", "Write your own code"),
        (..., "not attempted", "Write your own code"),
        (int, "failed", "got a class: hand over its name"),
        (Exercise, "failed", "got a class: hand over its name"),
        (3, "failed", "got int 3: hand over its name"),
        pytest.param(10**5000, "failed", "an int of many digits", id="huge"),
        (torch.zeros(3), "failed", "got a Tensor: hand over its name"),
        (raises, "failed", "raised ValueError"),
        (lambda left, right: left, "failed", "Expected a function"),
        (unprintable, "failed", "its message cannot be shown"),
        (leaves, "failed", "raised SystemExit"),
        (deep, "failed", "raised RecursionError"),
        (closes_stdout, "failed", ""),
        (one_array, "failed", ""),
        (one_list, "failed", ""),
        (nan, "failed", ""),
        (a_view, "failed", ""),
        (spoils, "failed", ""),
        (shouts, "failed", ""),
    ],
)
def test_any_object_gets_one_sentence(name: str, answer: Any, status: str, says: str) -> None:
    said = judge(EXERCISES[name], answer)
    assert said.status == status
    assert says in said.message
    assert 10 < len(said.message) < 600 and "\n" not in said.message
    assert len(said.output) < guard.CHARACTERS + 30


@pytest.mark.parametrize("name", ["03-outside", "03-floor"])
@pytest.mark.parametrize("answer", [for_ever, sleeps, swallows])
def test_an_endless_answer_is_stopped(
    name: str, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "SECONDS", 0.3)
    started = time.monotonic()
    said = judge(EXERCISES[name], answer)
    assert time.monotonic() - started < 5
    assert said.asked == "time" and "is there a loop that never ends?" in said.message


def test_an_endless_result_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    class Endless(str):
        def strip(self, *_: Any) -> str:
            while True:
                pass

        __str__ = strip  # type: ignore[assignment]

    monkeypatch.setattr(guard, "SECONDS", 0.3)
    assert judge(EXERCISES["05-own-pair"], lambda: Endless("b")).status in ("failed", "passed")


def test_what_calls_itself_equal_to_everything_does_not_pass() -> None:
    class Anything(str):
        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = str.__hash__

    class Number(float):
        def __eq__(self, other: object) -> bool:
            return True

        def __sub__(self, other: object) -> float:
            return 0.0

        __hash__ = float.__hash__

    class Pair(tuple):
        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = tuple.__hash__

    assert not judge(EXERCISES["05-own-pair"], lambda: Anything("a")).passed
    assert not judge(EXERCISES["03-floor"], lambda: Number(0.1)).passed
    assert not judge(EXERCISES["05-cost"], lambda method: Pair((1, 2))).passed
    assert not judge(EXERCISES["05-cost"], lambda method: (Number(1), Number(2))).passed


def test_settings_an_answer_changes_are_put_back() -> None:
    def careless(features: Any, labels: Any, temperature: Any) -> Any:
        torch.set_grad_enabled(False)
        torch.set_default_dtype(torch.float64)
        return losses.supcon_loss(features, labels, temperature=temperature)

    assert not judge(EXERCISES["03-outside"], careless).passed
    assert torch.is_grad_enabled() and torch.get_default_dtype() is torch.float32


def test_inputs_of_other_kinds_are_protected_too() -> None:
    def reference(words: list[str]) -> float:
        return float(len(words))

    exercise = Exercise("99-words", "count", reference, [Case("two words", {"words": ["a", "b"]})])

    def clears(words: list[str]) -> float:
        number = float(len(words))
        words.clear()
        return number

    assert judge(exercise, clears).passed
    assert exercise.cases[0].inputs["words"] == ["a", "b"]


def test_a_students_print_is_shown() -> None:
    def talks() -> float:
        print("sum so far", 6.47)
        return 6.47

    said = judge(EXERCISES["03-floor"], talks)
    assert "Your function printed: sum so far 6.47" in str(said)
    assert "<pre" in said._repr_html_()


def test_an_error_says_its_line() -> None:
    def broken(labels: torch.Tensor) -> Any:
        same = labels[:, None] == labels
        return same[0, 99]

    said = judge(EXERCISES["03-masks"], broken)
    assert "raised IndexError on the hand-sized batch (line 3 of your function)" in said.message


def test_a_gradient_of_nan_is_told_from_a_wrong_one() -> None:
    def masked_late(features: Any, labels: Any, temperature: Any) -> Any:
        apart = (features[:, None] - features[None, :]).square().sum(2)  # (N, N), 0 with oneself
        own = torch.eye(len(labels), dtype=torch.bool)
        spoilt = torch.where(own, 0.0, apart.sqrt()).sum() * 0
        return losses.supcon_loss(features, labels, temperature=temperature) + spoilt

    said = judge(EXERCISES["03-outside"], masked_late)
    assert "is not finite: what torch.where leaves out" in said.message


def test_the_readers_own_interrupt_goes_through() -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        judge(EXERCISES["03-floor"], interrupted)


def test_a_check_works_outside_the_main_thread() -> None:
    said = []
    thread = threading.Thread(
        target=lambda: said.append(judge(EXERCISES["03-floor"], lambda: 0.925))
    )
    thread.start()
    thread.join()
    assert said[0].passed


# Progress and cards


def test_progress_counts_and_clears(progress: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check.batch_floor(lambda: 0.0).progress == "Lesson 03: 0 of 5 done."
    assert check.batch_floor(lambda: 0.925).progress == "Lesson 03: 1 of 5 done."
    assert check.batch_floor(lambda: 0.0).progress == "Lesson 03: 1 of 5 done."  # solved once
    assert check.own_pair(lambda: "b").progress == "Lesson 05: 1 of 6 done."
    assert check.pair_masks(losses.pair_masks).progress == "Lesson 03: 2 of 5 done."
    check.clear("03")
    assert json.loads(progress.read_text()) == ["05-own-pair"]
    check.clear()
    assert check.batch_floor(None).progress == "Lesson 03: 0 of 5 done."
    assert "… 03-floor: not attempted. Write your own code" in capsys.readouterr().out


@pytest.mark.parametrize("content", ["", "{", '{"a": 1}', "[1, 2]", "\x00"])
def test_a_spoilt_progress_file_does_no_harm(progress: Path, content: str) -> None:
    progress.parent.mkdir()
    progress.write_text(content)
    assert check.batch_floor(lambda: 0.925).progress == "Lesson 03: 1 of 5 done."


def test_where_progress_cannot_be_kept_checks_still_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("DUALCL_PROGRESS", str(tmp_path / "file" / "progress.json"))
    assert check.batch_floor(lambda: 0.925).passed


def test_a_card_shows_text_as_text() -> None:
    card = report.Report("03-floor", "failed", "1 < 2 & <b>", output="<script>")._repr_html_()
    assert "1 &lt; 2 &amp; &lt;b&gt;" in card and "<script>" not in card


def test_in_a_notebook_a_check_shows_a_card_and_stops_what_runs_for_ever(progress: Path) -> None:
    source = [
        "from dualcl_tutorial import check\nfrom dualcl_tutorial.check import guard\n"
        "guard.SECONDS = 0.5\ncheck.batch_floor(lambda: 0.0)",
        "def endless():\n    while True:\n        try:\n            pass\n"
        "        except BaseException:\n            pass\n\n\ncheck.batch_floor(endless)",
        "import sys\n\ncheck.batch_floor(lambda: sys.exit())",
        "said = check.batch_floor(lambda: 0.925)\nsaid",
        "said",
    ]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in source])
    NotebookClient(book, timeout=60, kernel_name="python3").execute(cwd=str(ROOT))
    shown = [[output.get("data", {}) for output in cell.outputs] for cell in book.cells]
    assert [len(outputs) for outputs in shown] == [1, 1, 1, 1, 1], shown
    said = ("several partners", "still running after", "raised SystemExit", "passed", "passed")
    for outputs, words in zip(shown, said, strict=True):
        assert words in outputs[0]["text/html"] and words in outputs[0]["text/plain"]


# The tables' own parts


def test_a_name_is_registered_once() -> None:
    with pytest.raises(ValueError, match="which another exercise has"):
        register(EXERCISES["03-masks"])


def test_every_exercise_has_a_public_check() -> None:
    public = [getattr(check, name) for name in check.__all__]
    asked = [f for f in public if callable(f) and "answer" in getattr(f, "__annotations__", {})]
    found = {f(None).exercise for f in asked}
    assert found == set(NAMES)


def test_contrast_without_a_fault_is_the_loss() -> None:
    z, theta, labels = hand_batch(torch.float64)
    star = losses.true_columns(theta, labels)
    for tau in (0.05, 0.5):
        value = faulty.contrast(z, star, labels, tau)
        torch.testing.assert_close(value, losses.contrastive_loss(z, star, labels, temperature=tau))


def test_the_curves_of_exercise_5_4_are_as_its_text_says() -> None:
    collapsed, floor = losses.loss_floor(torch.tensor(EIGHT))
    curves = {name: (curve[0], curve[-1]) for name, curve in four_trainings().items()}
    assert curves["d"] == pytest.approx((collapsed, floor), abs=0.01)
    assert curves["c"] == pytest.approx((collapsed * 7 / 8, floor * 7 / 8), abs=0.01)
    with_own = torch.tensor([4.0] * 4 + [3] * 3 + [1]).log().mean().item()
    assert curves["b"] == pytest.approx((torch.tensor(8.0).log().item(), with_own), abs=0.01)
    assert curves["a"] == pytest.approx((collapsed, 1.21), abs=0.01)


def test_the_harness_hands_out_what_tables_need() -> None:
    assert {harness.Case, harness.Mistake, harness.register} == {Case, Mistake, register}
