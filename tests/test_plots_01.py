"""Figures and sliders of lesson 01: they draw, and what they draw is right."""

import math

import matplotlib.figure
import pytest
import torch
import torch.nn.functional as F

from dualcl_tutorial import notebook
from dualcl_tutorial.example import CLASSES, hand_batch
from dualcl_tutorial.plots import lesson01 as plots
from dualcl_tutorial.widgets import lesson01 as widgets

Z, _, Y = hand_batch(torch.float64)


def drawn(figure):
    """Draw a figure for good: what is wrong in it often shows only now."""
    assert isinstance(figure, matplotlib.figure.Figure)
    figure.canvas.draw()
    return figure


@pytest.mark.parametrize("size", (1, 2, 6))
def test_influence_writes_each_number_into_its_cell(size):
    matrix = torch.arange(size * size).reshape(size, size) / 10
    axes = drawn(plots.influence(matrix, title="a claim")).axes[0]
    cells = {t.get_position(): float(t.get_text()) for t in axes.texts}
    for i in range(size):
        for j in range(size):
            assert cells[(j, i)] == pytest.approx(float(matrix[i, j]), abs=0.005)
    assert torch.tensor(axes.images[0].get_array().data).equal(matrix)
    assert "a claim" in [axes.get_title(loc=place) for place in ("left", "center")]


def test_nearest_leaves_oneself_out():
    features = torch.tensor([[0.0, 0], [1, 0], [1.4, 0], [9, 0]])
    assert plots.nearest(features).tolist() == [1, 2, 1, 2]
    same = torch.zeros(3, 2)
    assert (plots.nearest(same) != torch.arange(3)).all()


def test_two_batches_draw_an_arrow_to_each_nearest_neighbour():
    third = torch.tensor([4.0, 0, -4, 4, 0, -4], dtype=torch.float64)[:, None]
    mixed = torch.cat([Z, third], 1)
    batches = {"A": torch.cat([Z, 4.0 * Y[:, None]], 1), "B": mixed}
    figure = drawn(plots.two_batches(batches, Y, CLASSES, title="two"))
    assert len(figure.axes) == 2
    for axes, features in zip(figure.axes, batches.values(), strict=True):
        arrows = [t for t in axes.texts if not t.get_text()]
        found = [tuple(arrow.xy) for arrow in arrows]
        wanted = features[plots.nearest(features)][:, 1:].tolist()
        assert found == [tuple(point) for point in wanted]
        numbers = [t.get_text() for t in axes.texts if t.get_text()]
        assert numbers == [str(i) for i in range(1, 7)]
    dashed = [t.arrow_patch.get_linestyle() for t in figure.axes[1].texts if not t.get_text()]
    assert dashed == ["--"] * 6  # in B every neighbour is of another class


def test_scatter_draws_each_class_at_its_points():
    figure = matplotlib.figure.Figure()
    axes = figure.subplots()
    plots.scatter(axes, Z, Y, CLASSES)
    assert [c.get_label() for c in axes.collections] == CLASSES
    for k, collection in enumerate(axes.collections):
        assert torch.tensor(collection.get_offsets().data).equal(Z[k == Y])


def test_principal_directions_keep_distances_and_shares():
    generator = torch.Generator().manual_seed(0)
    flat = torch.randn(30, 2, generator=generator, dtype=torch.float64)
    turn = torch.linalg.qr(torch.randn(5, 5, generator=generator, dtype=torch.float64))[0][:2]
    points, shares = plots.principal(flat @ turn + 3)
    assert sum(shares) == pytest.approx(1) and shares[0] >= shares[1]
    assert torch.allclose(torch.pdist(points), torch.pdist(flat), atol=1e-9)
    again, _ = plots.principal(-(flat @ turn))  # a mirror image turns the signs of both directions
    assert torch.allclose(again.abs(), points.abs())


def test_before_after_names_the_shares():
    panels = {"before": torch.randn(50, 7), "after": torch.randn(50, 7)}
    figure = drawn(plots.before_after(panels, torch.arange(50) % 2, ["a", "b"], title="t"))
    for axes, features in zip(figure.axes, panels.values(), strict=True):
        share = plots.principal(features)[1][0]
        assert f"{share:.0%}" in axes.get_xlabel()


@pytest.mark.parametrize("steps", (1, 3, 50))
def test_loss_curve_shows_losses_and_their_running_mean(steps):
    losses = [1.0 / (i + 1) for i in range(steps)]
    axes = drawn(plots.loss_curve(losses, start=0.69, title="t")).axes[0]
    points, mean, start = axes.lines
    assert list(points.get_ydata()) == losses
    assert mean.get_ydata()[-1] == pytest.approx(sum(losses[-8:]) / len(losses[-8:]))
    assert set(start.get_ydata()) == {0.69}


def test_two_curves_and_their_floor():
    curves = {"right": [3.0, 1.0], "wrong": [3.0, 2.0]}
    axes = drawn(plots.two_curves(curves, floor=0.551, title="t")).axes[0]
    assert [list(line.get_ydata()) for line in axes.lines[:2]] == list(curves.values())
    assert set(axes.lines[2].get_ydata()) == {0.551}


def heights(axes):
    return [bar.get_height() for bar in axes.patches]


@pytest.mark.parametrize(
    "scores", [(0.0, 0.0, 0.0, 0.0), (5.0, -5.0, 2.0, 3.0), (-1.0, 4.0, 0.5, -2.0)]
)
def test_sliders_draw_softmax_and_the_gradient(scores):
    figure = drawn(widgets.scores_and_gradient(*scores))
    logits = torch.tensor(scores[:3], dtype=torch.float64, requires_grad=True)
    loss = F.cross_entropy(logits[None], torch.tensor([widgets.TRUE]))
    loss.backward()
    left, right = figure.axes
    assert heights(left) == pytest.approx(logits.softmax(0).tolist())
    assert heights(right) == pytest.approx(logits.grad.tolist(), abs=1e-9)
    assert f"{loss.item():.3f}" in figure.get_suptitle()


def test_moving_a_slider_changes_picture_and_text():
    sliders = widgets.score_sliders()
    box, bundle = notebook.live_box(widgets.scores_and_gradient, alt="bars", **sliders)
    *_, words, picture = box.children
    before = (picture.value, words.value)
    sliders["food"].value = 3.0
    assert picture.value != before[0] and words.value != before[1]
    assert "food = 3" in words.value and "not drawn" not in words.value
    assert "image/png" in bundle
    assert math.isclose(sliders["constant"].value, 0.0)
