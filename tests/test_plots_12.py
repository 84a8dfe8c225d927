"""Figures and sliders of lesson 12: they draw, and what they draw is right."""

import math

import numpy as np
import pandas as pd
import pytest

from dualcl_tutorial import notebook
from dualcl_tutorial.plots import lesson12 as plots
from dualcl_tutorial.plots.shared import read_results
from dualcl_tutorial.widgets import lesson12 as widgets


def title(axes):
    return axes.get_title() + axes.get_title(loc="left")


@pytest.mark.parametrize(("batch", "classes"), [(2, 2), (16, 6), (64, 50)])
def test_lone_anchors_are_as_many_as_in_drawn_batches(batch, classes):
    draws = np.random.default_rng(0).integers(classes, size=(20_000, batch))
    lone = (draws[:, 1:] != draws[:, :1]).all(1).mean()
    assert plots.lone_share(batch, classes) == pytest.approx(lone, abs=0.012)


def test_batch_signal_draws_what_it_is_given():
    left, right = plots.batch_signal({4: 0.2, 16: 0.7}, classes=[2, 6]).axes
    assert [t.get_text() for t in left.get_legend().get_texts()] == ["2 classes", "6 classes"]
    assert list(right.lines[0].get_ydata()) == [0.2, 0.7]


def test_memory_draws_whole_and_pieces():
    table = pd.DataFrame(
        {"batch": [64, 256, 4096], "micro_batch": [64, 256, 64], "extra_mib": [10, 40, 12]}
    ).assign(cpu_seconds=[1.0, 4.0, 99.0])
    left, right = plots.memory(table).axes
    whole, pieces = left.lines
    assert list(whole.get_ydata()) == [10, 40] and list(pieces.get_ydata()) == [12]
    assert list(right.lines[1].get_ydata()) == [99.0]


def test_stored_memory_is_flat_in_pieces_and_grows_without():
    table = read_results("lesson12_memory")
    pieces = table[table.micro_batch < table.batch].set_index("batch").extra_mib
    whole = table[table.batch == table.micro_batch].set_index("batch").extra_mib
    assert pieces.index.max() == 4096
    assert whole[512] > 3 * whole[64]
    assert pieces.max() < whole[64]


@pytest.mark.parametrize("processes", [1, 2, 4])
def test_who_compares_shows_blocks_and_everything(processes):
    left, right = plots.who_compares(6, processes).axes
    grey = [
        sum(
            patch.get_facecolor()[:3] == pytest.approx((0.949, 0.949, 0.949), abs=0.01)
            for patch in axes.patches
        )
        for axes in (left, right)
    ]
    size = -(-6 // processes)
    own = sum((min(6, start + size) - start) ** 2 for start in range(0, 6, size))
    assert grey == [36 - own + 6, 6]


def test_the_papers_table_is_a_thousand_runs():
    steps = plots.table_steps()
    assert len(steps) == 2 * 5 * 5 * 2 * 10 and steps == sorted(steps, reverse=True)
    assert steps[0] == 30 * math.ceil(32097 / 64)
    cells = read_results("paper_table2")
    assert 10 * (cells.corpus != "average").sum() == len(steps)


@pytest.mark.parametrize("gpus", [1, 3, 8, 2000])
def test_the_last_run_ends_between_the_two_bounds(gpus):
    steps = plots.table_steps()
    hours = plots.makespan(steps, 0.5, gpus)
    total, longest = 0.5 * sum(steps) / 3600, 0.5 * max(steps) / 3600
    assert max(total / gpus, longest) <= hours + 1e-9 <= total / gpus + longest + 1e-6
    if gpus == 1:
        assert hours == pytest.approx(total)
    if gpus == 2000:
        assert hours == pytest.approx(longest)


def test_a_small_table_by_hand():
    assert plots.makespan([6, 5, 4, 3], 3600, 2) == 9  # 6 + 3 and 5 + 4
    (axes,) = plots.hours(1.0, [1, 4]).axes
    assert len(axes.patches) == 2 and "1000 runs" in title(axes)


def test_moving_the_batch_sliders_changes_picture_and_text():
    controls = widgets.batch_sliders()
    box, _ = notebook.live_box(widgets.positives, alt="Positives of an anchor.", **controls)
    *_, words, picture = box.children
    before = picture.value
    controls["batch"].value = 4096
    controls["classes"].value = 2
    assert picture.value != before and "batch = 4096" in words.value
    assert "not drawn" not in words.value
    (axes,) = widgets.positives(16, 6).axes
    assert "15 candidates, 2.5 positives on average, 6.5 %" in title(axes)
    assert sum(bar.get_height() for bar in axes.patches) == pytest.approx(100, abs=0.2)


def test_moving_the_cost_sliders_changes_picture_and_text():
    controls = widgets.cost_sliders(0.25)
    box, _ = notebook.live_box(widgets.cost, alt="Hours of the table.", **controls)
    *_, words, picture = box.children
    before = picture.value
    controls["processors"].value = 64
    assert picture.value != before and "processors = 64" in words.value
    controls["seconds"].value = 1.0
    assert "not drawn" not in words.value
