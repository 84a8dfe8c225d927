"""Figures and sliders of lesson 03: they draw, and what they draw is right."""

import math

import numpy as np
import pandas as pd
import pytest
import torch

from dualcl_tutorial import notebook
from dualcl_tutorial.example import CLASSES, LABELS, hand_batch
from dualcl_tutorial.losses import contrastive_loss, pair_masks, supcon_loss
from dualcl_tutorial.plots import lesson03 as plots
from dualcl_tutorial.widgets import lesson03 as widgets

Z, _, Y = hand_batch()


def filled(axes):
    """Return the cells of a drawn mask that hold a 1, as (row, column)."""
    return {tuple(map(int, t.get_position()[::-1])) for t in axes.texts if t.get_text() == "1"}


@pytest.mark.parametrize("labels", [LABELS, [0, 0], [0, 1, 2], [1] * 5])
def test_masks_show_the_pairs(labels):
    labels = torch.tensor(labels)
    figure = plots.two_masks(labels)
    for axes, mask in zip(figure.axes, pair_masks(labels), strict=True):
        assert filled(axes) == {tuple(pair) for pair in mask.nonzero().tolist()}
        assert str(int(mask.sum())) in axes.get_title(loc="left") + axes.get_title()


@pytest.mark.parametrize("temperature", [0.05, 0.1, 1.0])
def test_one_anchor_agrees_with_the_package_and_with_autograd(temperature):
    found = plots.one_anchor(0.3, temperature=temperature)
    cosines = torch.tensor([0.9, 0.3, 0.0, 0.0, 0.0], dtype=torch.float64, requires_grad=True)
    log_p = torch.log_softmax(cosines / temperature, 0)[:2]
    assert found["outside"] == pytest.approx(float(-log_p.detach().mean()))
    inside = -(log_p.detach().exp().mean().log())
    assert found["inside"] == pytest.approx(float(inside))
    # The pull of the second positive is its share of the gradient that does not come from push.
    (gradient,) = torch.autograd.grad(-torch.logsumexp(cosines[:2] / temperature, 0), cosines)
    assert found["inside share"] == pytest.approx(float(gradient[1] / gradient[:2].sum()))


def test_outside_is_never_below_inside():
    figure = plots.outside_inside(temperature=0.2)
    outside, inside = (line.get_ydata() for line in figure.axes[0].lines)
    assert (outside >= inside - 1e-9).all()


@pytest.mark.parametrize("anchor", range(6))
@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_pull_weights_are_minus_the_gradient(anchor, temperature):
    unit = torch.nn.functional.normalize(Z.double(), dim=1)
    targets = unit.clone().requires_grad_()
    losses, _ = contrastive_loss(unit, targets, Y, temperature=temperature, reduction="none")
    (gradient,) = torch.autograd.grad(losses[anchor], targets)
    weights = plots.pull_weights(Z.double(), Y, anchor, temperature)
    along = weights[:, None] * unit[anchor] / temperature
    tangent = along - (along * unit).sum(1, keepdim=True) * unit  # the loss normalises inside
    assert torch.allclose(tangent, -gradient, atol=1e-9)
    figure = plots.circle(Z, Y, anchor=anchor, temperature=temperature)
    assert len(figure.axes[0].lines) == int((weights != 0).sum())


def test_two_points_cost_what_the_loss_says():
    labels = torch.arange(16) % 2
    angle = math.acos(0.4)
    points = torch.tensor([[1.0, 0.0], [0.4, math.sin(angle)]], dtype=torch.float64)[labels]
    expected = float(supcon_loss(points, labels, temperature=0.5))
    found = plots.between_classes([0.4], per_class=8, classes=2, temperature=0.5)
    assert found[0] == pytest.approx(expected)


def test_floor_figure_stays_between_its_lines():
    axes = plots.floor_and_ceiling().axes[0]
    curves = [line.get_ydata() for line in axes.lines if len(line.get_ydata()) > 2]
    assert len(curves) == 4
    for curve in curves:
        assert math.log(7) <= np.min(curve)
        assert np.max(curve) == pytest.approx(math.log(15))


def test_loss_curve_and_its_lines_are_drawn():
    frame = {
        "step": [1, 2],
        "collapsed": [2.7, 2.6],
        "floor": [1.9, 1.8],
        "contrastive": [2.5, 2.0],
    }
    axes = plots.loss_between_lines(pd.DataFrame(frame)).axes[0]
    drawn = [list(line.get_ydata()) for line in axes.lines]
    assert drawn == [frame["collapsed"], frame["floor"], frame["contrastive"]]


def test_buttons_change_picture_and_words():
    box, bundle = notebook.live_box(
        widgets.labelled_batch, alt="masks and losses", **widgets.label_buttons()
    )
    *controls, words, picture = box.children
    before = picture.value
    assert "s6 = phone" in bundle["text/plain"]
    controls[5].value = "food"
    assert picture.value != before
    assert "s6 = food" in words.value and "not drawn" not in words.value
    controls[6].value = 0.1
    assert "temperature = 0.1" in words.value


@pytest.mark.parametrize("labels", [LABELS, [0] * 6, [0, 0, 1, 1, 2, 2]])
def test_labelled_batch_shows_each_anchors_loss(labels):
    chosen = {f"s{i}": CLASSES[k] for i, k in enumerate(labels, 1)}
    figure = widgets.labelled_batch(temperature=0.5, **chosen)
    losses, _ = contrastive_loss(Z, Z, torch.tensor(labels), temperature=0.5, reduction="none")
    heights = [bar.get_height() for bar in figure.axes[1].patches]
    assert heights == pytest.approx(losses.tolist(), abs=1e-6)


def test_no_partner_anywhere_still_draws():
    # Six sentences in three classes always hold a pair: a batch without one needs more classes.
    labels = torch.arange(6)
    assert not filled(plots.two_masks(labels).axes[1])
    assert plots.pull_weights(Z, labels, 0, 0.1).eq(0).all()
