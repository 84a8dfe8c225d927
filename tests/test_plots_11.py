"""Figures and sliders of lesson 11: they draw, and what they draw is right."""

import numpy as np
import pandas as pd
import pytest

from dualcl_tutorial import notebook, own_data
from dualcl_tutorial.plots import lesson11 as plots
from dualcl_tutorial.plots.shared import read_results
from dualcl_tutorial.widgets import lesson11 as sliders

TEAMS = ["accounts", "finance", "logistics", "plans", "returns", "sales", "tech", "trust"]


def test_recalls_are_pooled_over_seeds_and_sorted_by_size():
    rows = [
        ("one", 0, "a", 2, 1),
        ("one", 1, "a", 2, 2),
        ("one", 0, "b", 8, 2),
        ("one", 1, "b", 8, 4),
        ("two", 0, "a", 2, 0),
        ("two", 0, "b", 8, 8),
    ]
    choices = pd.DataFrame(rows, columns=["choice", "seed", "team", "tickets", "right"])
    (axes,) = plots.recalls(choices, ["one", "two"]).axes
    assert [text.get_text() for text in axes.get_xticklabels()] == ["b\n8", "a\n2"]
    assert [list(line.get_ydata()) for line in axes.lines] == [[6 / 16, 3 / 4], [1.0, 0.0]]


def test_many_classes_draws_the_stored_table():
    table = read_results("lesson11_many_classes")
    assert list(table.classes) == [0, 2, 4, 8, 16, 32, 64, 100]
    assert list(table.tokens) == [26, *(27 + k for k in table.classes[1:])]  # K + 3 and 24
    tokens, step, memory = plots.many_classes(table).axes
    assert list(tokens.lines[0].get_ydata()) == list(table.tokens[1:])
    for axes, column in ((step, "step"), (memory, "kept_mb")):
        drawn = axes.lines[0].get_ydata()
        assert list(drawn) == pytest.approx(list(table[column][1:] / table[column][0]))


def test_calibration_draws_each_bin():
    confidence = np.array([0.15, 0.95, 0.95, 0.92])
    right = np.array([False, True, True, False])
    left, bars = plots.calibration({"a": (confidence, right), "b": (confidence, ~right)}).axes
    assert list(left.lines[1].get_xdata()) == pytest.approx([0.15, 2.82 / 3])
    assert list(left.lines[1].get_ydata()) == pytest.approx([0, 2 / 3])
    assert list(left.lines[2].get_ydata()) == pytest.approx([1, 1 / 3])
    assert [bar.get_height() for bar in bars.patches] == [1, 3, 1, 3]


def test_confusion_writes_every_count():
    matrix = np.array([[5, 1, 0], [0, 0, 0], [2, 0, 7]])
    (axes,) = plots.confusion(matrix, ["a", "b", "c"]).axes
    written = {text.get_position(): int(text.get_text()) for text in axes.texts}
    assert written == {(0, 0): 5, (1, 0): 1, (0, 2): 2, (2, 2): 7}
    assert float(axes.images[0].get_array()[0, 0]) == pytest.approx(5 / 6)


def test_coverage_counts_what_is_answered():
    confidence = np.array([0.2, 0.6, 0.9, 0.95])
    right = np.array([False, True, False, True])
    (axes,) = plots.coverage(confidence, right, threshold=0.5).axes
    assert axes.get_title(loc="left") + axes.get_title() == (
        "Threshold 0.50: 75% answered, 67% of them right"
    )
    answered, accuracy = (line.get_ydata() for line in axes.lines[:2])
    assert answered[0] == 1 and answered[61] == 0.5 and accuracy[61] == 0.5
    (axes,) = plots.coverage(confidence, right, threshold=0.99).axes
    assert "0% answered" in axes.get_title(loc="left") + axes.get_title()


def test_stored_answers_are_those_of_the_table():
    stored = read_results("lesson11_scores")
    assert list(stored.columns[3:]) == TEAMS
    test = stored[stored.split == "test"]
    assert test.groupby("seed").size().eq(141).all()
    (confidence, right), (calm, same) = (sliders.stored_answers(scaled=s) for s in (False, True))
    assert (right == same).all()  # a temperature changes no answer
    assert right.mean() == pytest.approx((test[TEAMS].to_numpy().argmax(1) == test.label).mean())
    assert own_data.expected_calibration_error(calm, right) < own_data.expected_calibration_error(
        confidence, right
    )


def test_stored_choices_are_whole():
    runs = read_results("lesson11_choices")
    assert runs.groupby(["choice", "seed"]).tickets.sum().eq(141).all()
    assert set(runs[runs.seed == 0].choice) == {
        *("team names", "chosen words", "cross-entropy", "rare classes repeated"),
    }
    assert (runs.right <= runs[["tickets", "predicted"]].min(axis=1)).all()


def test_moving_the_sliders_changes_picture_and_text():
    controls = sliders.threshold_slider()
    box, _ = notebook.live_box(sliders.thresholded, alt="Coverage.", **controls)
    *_, words, picture = box.children
    seen = {picture.value}
    for name, value in (("threshold", 0.3), ("threshold", 0.99), ("scaled", False)):
        controls[name].value = value
        assert picture.value not in seen
        seen.add(picture.value)
        assert f"{name} = {value}" in words.value and "not drawn" not in words.value
