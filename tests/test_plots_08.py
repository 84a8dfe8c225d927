"""Figures and sliders of lesson 08: they draw, and what they draw is right."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from dualcl_tutorial import notebook
from dualcl_tutorial.plots import lesson08 as plots
from dualcl_tutorial.plots.shared import read_results
from dualcl_tutorial.stats import compare, summarise
from dualcl_tutorial.widgets import lesson08 as sliders


def spans(axes):
    """Ends of the drawn intervals."""
    lines = [line.get_xdata() for line in axes.lines if len(line.get_xdata()) == 2]
    return [tuple(np.round(ends, 6)) for ends in lines if ends[0] != ends[1]]


def test_the_store_is_read_like_a_table():
    runs = read_results("runs")
    assert set(plots.NAMES) == set(runs.method)
    assert runs.accuracy.between(0.5, 1).all()
    right = [np.mean(np.equal(a, b)) for a, b in zip(runs.label, runs.predicted, strict=True)]
    assert np.allclose(right, runs.accuracy, atol=1e-5)


def test_paper_and_ours_stand_in_the_panel_of_their_corpus():
    ours = pd.DataFrame({"method": ["ce"], "corpus": ["cr"], "mean": [0.8]})
    ours = ours.assign(low=0.7, high=0.9, n=3)
    paper = pd.DataFrame({"method": ["dualcl"], "corpus": ["trec"], "encoder": ["bert"]})
    figure = plots.accuracies(ours, paper.assign(accuracy=95.0, spread=0.5))
    panels = {axes.get_title(loc="left") or axes.get_title(): axes for axes in figure.axes}
    assert sorted(spans(panels["CR"])) == [(0, 1)] * 5 + [(70, 90)]
    assert (94.5, 95.5) in spans(panels["TREC"])
    assert spans(panels["PC"]) == [(0, 1)] * 5


def test_only_an_interval_without_zero_is_blue():
    rows = pd.DataFrame({"corpus": ["a", "b", "c"], "difference": [0.01, 0.01, -0.02]})
    rows = rows.assign(low=[-0.01, 0.005, -0.03], high=[0.03, 0.015, -0.01])
    axes = plots.differences(rows, title="t").axes[0]
    colours = [line.get_color() for line in axes.lines[1::2]]
    assert colours == [plots.GREY, notebook.COLOURS[0], notebook.COLOURS[0]]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["a", "b", "c"]


def test_changes_are_compared_with_the_default_seed_by_seed():
    runs = read_results("lesson08_sweep")
    changes = plots.changes(runs)
    assert len(changes) == changes.change.nunique() == 7
    usual = (runs.weight == 0.1) & (runs.temperature == 0.1) & runs.shuffle_labels
    default = runs[usual].set_index("seed").accuracy
    warm = runs[runs.temperature == 1.0].set_index("seed").accuracy
    found = changes.set_index("change").loc["temperature 1"]
    assert found.difference == pytest.approx((warm - default).mean())
    low, high = stats.t.interval(
        0.95, len(default) - 1, (warm - default).mean(), stats.sem(warm - default)
    )
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    assert len(plots.sweeps(changes).axes) == changes.corpus.nunique()


def test_words_are_told_apart():
    kinds = plots.kinds_of_words(read_results("lesson08_words"))
    assert kinds.kind.tolist() == sorted(kinds.kind)
    assert kinds.kind.nunique() == 3
    assert (kinds[kinds.label_words.isna()].kind == "class names").all()
    counts = kinds.groupby(["method", "kind"]).seed.nunique()
    assert counts.eq(5).all()
    steps = summarise(read_results("lesson08_steps"), ["method", "epochs"])
    left, right = plots.why_the_prefix(steps, kinds).axes
    assert len(left.lines) == 3
    drawn = [y for line in right.lines if len(line.get_ydata()) == 5 for y in line.get_ydata()]
    assert sorted(drawn) == pytest.approx(sorted(100 * kinds.accuracy))


def test_the_curve_has_the_same_sizes_on_both_corpora():
    curve = read_results("lesson08_low_resource")
    seeds = curve.groupby(["corpus", "per_class", "method"]).seed.transform("nunique")
    curve = curve[seeds > 1]
    sizes = sorted(set(curve.per_class))
    assert {5, 20, 100} <= set(sizes)
    assert curve.groupby(["corpus", "method"]).per_class.nunique().eq(len(sizes)).all()
    figure = plots.low_resource(curve)
    assert [len(axes.lines) for axes in figure.axes] == [3, 3]
    for axes in figure.axes:
        assert all(list(line.get_xdata()) == sizes for line in axes.lines)


def test_the_best_epoch_on_the_test_set_is_never_below():
    epochs = read_results("lesson08_best_epoch")
    assert epochs.groupby(["corpus", "method", "seed"]).size().eq(10).all()
    table = pd.DataFrame({"run": ["a", "b"], "last": [0.8, 0.7], "validation": [0.81, 0.6]})
    axes = plots.picked(table.assign(test=[0.82, 0.7])).axes[0]
    points = {line.get_label(): list(line.get_xdata()) for line in axes.lines[2:]}
    assert points["best on the test set"] == pytest.approx([82, 70])


def test_three_choices_of_an_epoch():
    run = pd.DataFrame({"epoch": [3, 1, 2], "validation": [0.7, 0.8, 0.8], "test": [0.6, 0.5, 0.9]})
    (row,) = plots.chosen_epochs(run.assign(corpus="cr", method="ce", seed=1)).itertuples()
    assert row.run == "CR, CE, seed 1"
    assert (row.last, row.validation, row.test) == (0.6, 0.5, 0.9)


def test_the_paper_s_shares_are_those_of_its_averages():
    paper = read_results("paper_table2").query("corpus == 'average'")
    wide = paper.pivot(index=["fraction", "encoder"], columns="method", values="accuracy")
    cells = pd.DataFrame({"method": list(plots.NAMES), "mean": [0.5, 0, 0, 0.4, 0.7]})
    cells = pd.concat([cells.assign(corpus="cr"), cells[:1].assign(corpus="pc")])
    found = plots.gains(wide, cells).set_index("name")
    assert [round(100 * share) for share in found.share[:4]] == [58, 71, 56, 39]
    assert found.prefix.iloc[4] == pytest.approx(-10) and found.dual.iloc[4] == pytest.approx(30)


def test_tables_have_a_row_a_method():
    runs = read_results("runs").query("fraction == 0.1")
    table = plots.settings(runs, read_results("tuning"))
    assert list(table.index) == list(plots.NAMES)
    assert table.lr.eq("0.0001").all() and table["rates tried"].eq(3).all()
    assert table.loc["cl", "passes in training"] == 2
    board = plots.complete_board(summarise(runs, ["method", "corpus"]))
    assert sorted(board.index) == sorted(plots.NAMES.values())
    mean = 100 * runs.query("method == 'dualcl' and corpus == 'cr'").accuracy.mean()
    assert board.loc["DualCL", "cr, 10 %"].startswith(f"{mean:.1f} (")


def test_pc_loses_nothing_with_its_leaked_texts():
    leaked = read_results("lesson08_leaked")
    assert (leaked.n_leaked + leaked.n_without_leaked).eq(13759).all()
    whole = leaked.without_leaked * leaked.n_without_leaked + leaked.leaked * leaked.n_leaked
    assert np.allclose(whole / 13759, leaked["all"], atol=2e-5)
    stored = read_results("runs").query("corpus == 'pc'").set_index(["method", "seed"]).accuracy
    assert np.allclose(stored, leaked.set_index(["method", "seed"])["all"], atol=2e-5)


def test_bars_of_gains_and_curves_of_power_say_their_numbers():
    gains = pd.DataFrame({"name": ["ours"], "prefix": [-0.25], "dual": [0.5]})
    figure = plots.shares(gains)
    assert {text.get_text() for text in figure.axes[0].texts} == {"-0.25", "+0.50"}
    table = pd.DataFrame({"n": [3, 3, 5, 5], "gap": [0, 1, 0, 1], "share": [0.05, 0.1, 0.05, 0.2]})
    lines = plots.power(table).axes[0].lines
    assert [list(line.get_ydata()) for line in lines[:2]] == [[5, 10], [5, 20]]


def test_sliders_simulate_what_they_say():
    box, first = notebook.live_box(sliders.simulated, alt="a", **sliders.gap_sliders())
    assert box is not None and first["image/png"]
    said = [box.children[-2].value]
    for control, value in zip(box.children[:4], (0.0, 1.0, 20, 3), strict=True):
        before = box.children[-1].value
        control.value = value
        assert box.children[-1].value != before
        said.append(box.children[-2].value)
    assert len(set(said)) == 5 and "not drawn" not in said[-1]

    def shares(**given):
        right = sliders.simulated(**given).axes[1]
        return [bar.get_width() for bar in right.patches]

    above, below, nothing = shares(gap=0.0, seeds=10)
    assert 3 < above + below < 7 and above + below + nothing == pytest.approx(100)
    assert shares(gap=2.0, seeds=20)[0] > shares(gap=2.0, seeds=5)[0] > shares(gap=0.5, seeds=5)[0]


def test_the_shown_interval_is_the_package_s():
    figure = plots.experiment([1.0, 2.0, 0.0], {"nothing": 1.0})
    runs = pd.DataFrame({"method": ["a"] * 3 + ["b"] * 3, "seed": [0, 1, 2] * 2})
    runs = runs.assign(corpus="x", fraction=1.0, accuracy=[0.01, 0.02, 0.0, 0.0, 0.0, 0.0])
    row = compare(runs, "a", "b").iloc[0]
    assert (pytest.approx(100 * row.low), pytest.approx(100 * row.high)) in spans(figure.axes[0])
