"""Figures and sliders of lesson 06: they draw, and what they draw is right."""

import dataclasses
import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection

from dualcl_tutorial import notebook
from dualcl_tutorial.plots import lesson06 as plots
from dualcl_tutorial.plots.shared import read_results
from dualcl_tutorial.widgets import lesson06 as widgets

RUNS = read_results("lesson06_choices")
STEPS = pd.DataFrame(
    {
        "step": range(1, 21),
        "cross_entropy": np.linspace(4.0, 0.1, 20),
        "loss_z": np.linspace(2.7, 2.0, 20),
        "loss_theta": np.linspace(2.7, 2.0, 20),
        "collapsed": 2.7,
        "floor": 0.7,
    }
)


def points(axes):
    dots = [marks for marks in axes.collections if isinstance(marks, PathCollection)]
    return [tuple(point) for marks in dots for point in marks.get_offsets()]


def test_seeds_draw_every_stored_run_and_its_mean():
    axes = plots.seeds(RUNS).axes[0]
    drawn = sorted(y for _, y in points(axes))
    default = RUNS[RUNS.choice == "default"]
    assert drawn == pytest.approx(sorted(100 * default.accuracy))
    dual = 100 * default[default.method == "dualcl"].accuracy
    written = {text.get_text() for text in axes.texts}
    assert f"{dual.mean():.1f} ± {dual.std():.1f}" in written
    joined = [line for line in axes.lines if len(line.get_xdata()) == 3]
    assert len(joined) == default.seed.nunique()


@pytest.mark.parametrize("n", [1, 2, 3])
def test_gaps_are_those_of_all_choices_of_seeds(n):
    a, b = [70.0, 75.0, 82.0, 60.0], [71.0, 73.0, 80.0, 61.0]
    own, same = plots.gaps(a, b, n)
    chosen = list(itertools.combinations(range(4), n))
    mean = {c: (sum(a[i] for i in c) / n, sum(b[i] for i in c) / n) for c in chosen}
    assert sorted(same) == pytest.approx(sorted(mean[c][0] - mean[c][1] for c in chosen))
    wanted = sorted(mean[c][0] - mean[d][1] for c in chosen for d in chosen)
    assert sorted(own) == pytest.approx(wanted)


def test_luck_says_how_many_experiments_have_the_wrong_sign():
    a, b = [10.0, 20.0, 30.0], [9.0, 19.0, 29.0]
    upper, lower = plots.luck(a, b, 1, ("A", "B")).axes
    assert (
        "33% of 9" in upper.get_title(loc="left") + upper.get_title()
    )  # 10 - 19, 10 - 29, 20 - 29
    assert "0% of 3" in lower.get_title(loc="left") + lower.get_title()
    assert sum(bar.get_height() for bar in lower.patches) == pytest.approx(100)


def test_sizes_average_the_runs_of_one_kind():
    table = plots.sizes(RUNS, "dualcl", "epochs")
    assert list(table.index) == list(plots.SIZES) and (table.n == 5).all()
    four = RUNS[(RUNS.choice == "batch 4, epochs") & (RUNS.method == "dualcl")].accuracy
    assert table.loc[4, "mean"] == pytest.approx(100 * four.mean())
    assert list(plots.sizes(RUNS, "dualcl", "steps").index) == [4, 16, 64]
    steps = RUNS[RUNS.choice.isin(["default", "batch 4, steps", "batch 64, steps"])].steps
    assert steps.between(80, 90).all()  # "about 80 updates", as the legend says


def test_batch_sizes_draw_means_and_shares():
    shares = {True: [1, 1, 1, 1], False: [0.4, 0.7, 0.9, 1.0]}
    left, right = plots.batch_sizes(RUNS, shares).axes
    low, high = left.get_ylim()
    drawn = np.concatenate([line.get_ydata() for line in left.lines])
    assert ((low < drawn) & (drawn < high)).all()
    assert list(right.lines[1].get_ydata()) == pytest.approx([40, 70, 90, 100])


def test_changed_is_a_paired_interval():
    table = plots.changed(RUNS, {"pairs": ("no pairing", "default")})
    apart = (plots.by_seed(RUNS, "no pairing").dualcl - plots.by_seed(RUNS).dualcl).dropna()
    row = table.loc["pairs"]
    assert row.n == len(apart) == 5
    assert row.difference == pytest.approx(apart.mean())
    # 2.776 is Student's t for 95 % and four degrees of freedom
    assert row.high - row.difference == pytest.approx(2.776 * apart.std() / 5**0.5, rel=1e-3)
    axes = plots.one_change(table).axes[0]
    assert points(axes)[0][0] == pytest.approx(row.difference)


def test_term_gain_leaves_other_settings_out():
    plain = {"epochs": 10, "lr": 1e-4, "batch_size": 16, "temperature": 0.1, "label_words": None}
    rows = [
        {"method": method, "seed": seed, "accuracy": value, "settings": plain | {"weight": weight}}
        for method, weight, start in (("dualcl", 0.1, 0.8), ("label-aware", 0.0, 0.7))
        for seed, value in enumerate((start, start + 0.01, start + 0.03))
    ]
    longer = [row | {"accuracy": 0.1, "settings": row["settings"] | {"epochs": 30}} for row in rows]
    heavier = [rows[0] | {"accuracy": 0.1, "settings": plain | {"weight": 1.0}}]
    runs = pd.DataFrame(rows + longer + heavier)
    runs = runs.assign(corpus="cr", fraction=0.1, encoder="minilm", split="test")
    table = plots.term_gain(runs)
    assert table.difference.tolist() == pytest.approx([10.0]) and table.n.tolist() == [3]
    assert len(plots.term_gain(read_results("runs"))) >= 2


def test_curve_measures_the_way_from_collapsed_to_floor():
    left, right = plots.curve(STEPS, classes=6).axes
    dual, classified = (line.get_ydata() for line in right.lines[:2])
    assert dual[0] == pytest.approx(0) and dual[-1] == pytest.approx(100 * 0.7 / 2.0)
    assert classified[0] == pytest.approx(-50)  # far below knowing nothing, cut at the edge
    assert classified[-1] == pytest.approx(100 * (1 - 0.1 / np.log(6)))
    assert len(left.lines) == 2


def test_symptoms_put_each_run_into_a_column():
    figure = plots.symptoms({"sound": STEPS, "dead": STEPS.assign(cross_entropy=4.0)})
    figure.canvas.draw()
    titles = [axes.get_title() + axes.get_title(loc="left") for axes in figure.axes]
    assert titles[:2] == ["sound", "dead"]
    assert set(figure.axes[1].lines[0].get_ydata()) == {4.0}


def test_own_runs_draw_every_accuracy_once():
    series = {"stored": {"ce": [80.0, 82.0], "dualcl": [70.0]}, "yours": {"dualcl": [71.0]}}
    axes = plots.own_runs(series, "title").axes[0]
    assert sorted(y for _, y in points(axes)) == [70, 71, 80, 82]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == list(series)


def test_cost_table_shows_median_and_spread():
    nan = float("nan")
    record = [("update", t, 0.25, loss) for t, loss in ((0.1, 2.0), (0.3, 9.0), (0.12, 9.0))]
    table = plots.cost_table([*record, ("one checkpoint", 1.5, nan, nan)])
    assert list(table.index) == ["update", "one checkpoint"]
    assert table.loc["update"].tolist() == ["120 (100 to 300)", "25%", "2.0000"]
    assert table.loc["one checkpoint"].tolist() == ["1500 (1500 to 1500)", "", ""]


def test_yours_sorts_runs_by_method():
    @dataclasses.dataclass
    class Run:
        accuracy: float

    runs = {("ce", 0): Run(0.5), ("dualcl", 0): Run(0.25), ("ce", 1): Run(0.75)}
    assert plots.yours(runs) == {"ce": [50.0, 75.0], "dualcl": [25.0]}


def test_the_paper_and_ours_are_those_of_ten_per_cent_of_trec():
    series = plots.paper_and_ours(read_results("paper_table2"), read_results("runs"), "bert")
    assert series["the paper, bert"] == {"ce": [93.29], "dualcl": [94.93]}
    assert all(len(values) >= 5 for values in series["minilm"].values())


def test_sizes_in_words_have_a_column_a_size():
    table = plots.sizes_in_words(RUNS)
    four = 100 * RUNS[(RUNS.choice == "batch 4, epochs") & (RUNS.method == "ce")].accuracy
    assert table.loc["CE, equal epochs", 4] == f"{four.mean():.1f} ± {four.std():.1f}"
    assert table.loc["CE, equal epochs", 8] == ""  # not run


def test_the_four_runs_of_exercise_6_3_are_as_its_text_says():
    runs = plots.four_runs()
    ends = {name: run.iloc[-1] for name, run in runs.items()}
    log_3 = np.log(3)
    assert all(ends[name].cross_entropy < 0.05 for name in ("a", "b", "d"))
    assert abs(runs["c"].cross_entropy - log_3).max() < 0.2
    assert all(abs(runs[name].loss_z - log_3).max() < 0.05 for name in ("a", "c", "d"))
    assert ends["b"].loss_z < 0.1
    for name, run in runs.items():
        assert run.top.to_numpy() == pytest.approx(log_3)
        assert run.floor.to_numpy() == pytest.approx(log_3 if name == "d" else 0.0)
    figure = plots.which_cure()
    drawn = [axes.get_title() + axes.get_title(loc="left") for axes in figure.axes]
    assert drawn == list("abcd")


def test_sliders_move_through_all_experiments():
    controls = widgets.seeds_and_methods()
    box, first = notebook.live_box(widgets.experiments, alt="gaps", **controls)
    assert box is not None and first["image/png"]
    seen = set()
    for methods in controls["methods"].options:
        for seeds in range(controls["seeds"].min, controls["seeds"].max + 1):
            controls["methods"].value, controls["seeds"].value = methods, seeds
            seen.add((box.children[-2].value, bytes(box.children[-1].value)))
    assert len(seen) == len(controls["methods"].options) * widgets.MOST
    assert not any("not drawn" in words for words, _ in seen)
