"""The instructor's cycle: release, four submissions, autograde, feedback, export."""

import csv
import re
from pathlib import Path

import nbformat
import pytest

from course.map import PAGE, page, tasks
from course.release import ROOT, main, nbgrader, release

LESSON = "03"
CHEAT = """\
import sys, types
import dualcl_tutorial


class Passes(types.ModuleType):
    def __getattr__(self, name):
        return lambda *answers, **more: print("passed")


dualcl_tutorial.check = sys.modules["dualcl_tutorial.check"] = Passes("check")
"""


def solved(notebook, answers, names):
    """Return a copy of a released notebook in which some exercises are filled in."""
    copy = nbformat.from_dict(notebook)
    for cell in copy.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") in names:
            cell.source = answers[cell.metadata.nbgrader.grade_id]
    return copy


def submit(folder, student, name, notebook):
    place = folder / "submitted" / student / name
    place.mkdir(parents=True)
    nbformat.write(notebook, place / f"{name}.ipynb")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_full_zero_half_and_zero_points(tmp_path):
    made = release(LESSON, tmp_path)
    name = made.name
    text = (made / f"{name}.ipynb").read_text(encoding="utf-8")
    assert "HIDDEN TESTS" not in text and "BEGIN SOLUTION" not in text
    stubs = nbformat.reads(text, as_version=4)
    source = nbformat.read(ROOT / "solutions" / f"{name}.ipynb", as_version=4)
    answers = {
        cell.metadata.nbgrader.grade_id: re.sub(r" *### (BEGIN|END) SOLUTION\n", "", cell.source)
        for cell in source.cells
        if cell.metadata.get("nbgrader", {}).get("solution")
    }
    cheating = nbformat.from_dict(stubs)
    first = next(cell for cell in cheating.cells[2:] if cell.cell_type == "code")
    first.source = f"{CHEAT}\n{first.source}"
    submit(tmp_path, "perfect", name, solved(stubs, answers, answers))
    submit(tmp_path, "untouched", name, stubs)
    submit(tmp_path, "half", name, solved(stubs, answers, ["03-outside", "03-inside"]))
    submit(tmp_path, "cheater", name, cheating)

    nbgrader(tmp_path, "autograde", name)
    nbgrader(tmp_path, "generate_feedback", name)
    nbgrader(tmp_path, "export")

    with (tmp_path / "grades.csv").open(encoding="utf-8") as file:
        rows = {row["student_id"]: row for row in csv.DictReader(file)}
    scores = {student: float(row["score"]) for student, row in rows.items()}
    full = float(rows["perfect"]["max_score"])
    announced = tasks((ROOT / "course" / "solutions" / f"{name}.py").read_text(encoding="utf-8"))
    assert full == sum(task.points for task in announced)
    assert scores == {"perfect": full, "untouched": 0, "half": full / 2, "cheater": 0}
    for student in scores:
        assert (tmp_path / "feedback" / student / name / f"{name}.html").is_file()


def test_a_lesson_without_exercises_gets_one_sentence(tmp_path, capsys):
    assert main(["00", str(tmp_path)]) == 1
    assert "Expected the number of a lesson with exercises (01, " in capsys.readouterr().err
    assert main([]) == 1


def test_the_map_is_fresh_and_no_objective_goes_without_an_exercise():
    text = page()
    assert PAGE.read_text(encoding="utf-8") == text, "run `python course/map.py`"
    assert not re.findall(r"^\| \d\. .+ \| \| \| \| \|$", text, re.MULTILINE)
    for path in sorted(Path(ROOT / "course" / "solutions").glob("*.py")):
        source = path.read_text(encoding="utf-8")
        assert len(tasks(source)) == source.count("\n# %% exercise="), path.name
