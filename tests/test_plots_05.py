"""Figures and sliders of lesson 05: they draw, and what they draw is right."""

import pytest
import torch

from dualcl_tutorial import notebook
from dualcl_tutorial.example import hand_batch
from dualcl_tutorial.plots import lesson05 as plots
from dualcl_tutorial.plots import shared
from dualcl_tutorial.widgets import lesson05 as sliders

Z, THETA, LABELS = hand_batch()


def test_score_matrix_writes_each_cosine_into_its_cell():
    scores = torch.linspace(-1, 1, 36).reshape(6, 6)
    figure = plots.score_matrix(scores, LABELS, anchor=0)
    figure.canvas.draw()
    written = {t.get_text() for t in figure.axes[0].texts}
    for i in range(6):
        for j in range(6):
            if i != j:
                assert f"{float(scores[i, j]):.2f}" in written


@pytest.mark.parametrize("anchor", range(6))
def test_dual_terms_draw_for_every_anchor(anchor):
    figure = plots.dual_terms(LABELS, anchor=anchor)
    figure.canvas.draw()
    assert len(figure.axes) == 2


def test_take_out_shows_every_run_inside_its_axes():
    runs = shared.read_results("lesson05_take_out")
    assert runs.groupby("variant").seed.nunique().eq(3).all()
    figure = plots.take_out(runs)
    figure.canvas.draw()
    for axes in figure.axes:
        low, high = axes.get_xlim()
        points = [x for marks in axes.collections for x, _ in marks.get_offsets()]
        assert points and all(low <= x <= high for x in points)
    drawn = sorted(x for marks in figure.axes[0].collections for x, _ in marks.get_offsets())
    assert drawn == pytest.approx(sorted(runs.accuracy))


def test_stored_curves_cover_the_grid_and_move_with_the_sliders():
    runs = shared.read_results("lesson05_lambda_tau")
    controls = sliders.weight_and_temperature(runs)
    box, first = notebook.live_box(sliders.stored_curves, alt="curves", **controls)
    assert box is not None and first["image/png"]
    seen = set()
    for control in controls.values():
        for option in control.options:
            value = option[1] if isinstance(option, tuple) else option
            control.value = value
            seen.add(box.children[-1].value)
    assert len(seen) > 3
    ends = runs.dropna(subset=["accuracy"])
    assert ends.accuracy.between(0, 1).all()
    assert ends.groupby(["weight", "temperature"]).seed.nunique().eq(3).all()
