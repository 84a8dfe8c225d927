"""Figures and sliders of lesson 02: they draw, and what they draw is right."""

import math

import pandas as pd
import pytest
import torch
import torch.nn.functional as F

from dualcl_tutorial import notebook
from dualcl_tutorial.check import lesson02 as exercises
from dualcl_tutorial.example import hand_batch
from dualcl_tutorial.geometry import alignment, uniformity
from dualcl_tutorial.losses import self_contrastive_loss
from dualcl_tutorial.plots import lesson02 as plots
from dualcl_tutorial.widgets import lesson02 as sliders

SENTENCE = torch.arange(6).repeat(2)


def loss_of_1a(unit, temperature):
    """Write the loss of view 1a as its formula, in plain numbers."""
    cosines = [float(unit[0] @ unit[a]) / temperature for a in range(1, 12)]
    top = max(cosines)
    return top + math.log(sum(math.exp(c - top) for c in cosines)) - cosines[5]


def test_choices_writes_each_probability_and_frames_the_partners():
    probabilities = torch.rand(12, 12, generator=torch.Generator().manual_seed(0))
    axes = plots.choices(probabilities).axes[0]
    for text in axes.texts:
        j, i = map(int, text.get_position())
        assert text.get_text() == ("own" if i == j else f"{100 * float(probabilities[i, j]):.0f}")
    framed = {(round(p.get_y() + 0.5), round(p.get_x() + 0.5)) for p in axes.patches}
    assert framed == {(i, (i + 6) % 12) for i in range(12)}


@pytest.mark.parametrize(("temperature", "least", "most"), [(1.0, 0.1, 0.3), (0.01, 0.999, 1.0)])
def test_the_hardest_negative_takes_all_at_a_small_temperature(temperature, least, most):
    unit = F.normalize(sliders.turned_views(30), dim=1)
    others = [j for j in range(12) if j % 6]
    shares = plots.push_shares(unit[others] @ unit[0], temperature)
    assert float(shares.sum()) == pytest.approx(1)
    assert least < float(shares[0]) <= most and int(shares.argmax()) == 0
    figure = plots.shares_by_temperature(unit[others] @ unit[0], ["x"] * 10)
    assert len(figure.axes[0].collections) == 10


@pytest.mark.parametrize("turn", [0, 30, 180])
@pytest.mark.parametrize("temperature", [0.01, 0.1, 1.0])
def test_arrows_are_the_step_that_lowers_the_loss(turn, temperature):
    views = sliders.turned_views(turn)
    unit = F.normalize(views, dim=1)
    sent = plots.steps(views, 0, temperature)
    assert (sent * unit).sum(1).abs().max() < 1e-9  # along the circle
    for j in (0, 1, 6, 7):
        nudge = torch.zeros_like(unit)
        nudge[j] = 1e-6 * torch.stack([-unit[j, 1], unit[j, 0]])
        up, down = (loss_of_1a(F.normalize(unit + s, dim=1), temperature) for s in (nudge, -nudge))
        slope = (up - down) / 2e-6
        expected = -temperature * slope * torch.stack([-unit[j, 1], unit[j, 0]])
        assert torch.allclose(sent[j], expected, atol=1e-4)


def test_sliders_move_the_picture_and_say_what_they_show():
    controls = sliders.temperature_sliders()
    box, first = notebook.live_box(sliders.temperature_on_circle, alt="circle", **controls)
    assert box is not None and first["image/png"]
    *_, words, picture = box.children
    seen = {picture.value}
    for name, values in (("temperature", (0.01, 1.0)), ("turn", (0, 180))):
        for value in values:
            controls[name].value = value
            seen.add(picture.value)
            assert f"{name} = {value:g}" in words.value and "not drawn" not in words.value
    assert len(seen) == 5


def test_the_widget_names_loss_and_hardest_negative():
    for temperature in (0.01, 0.1, 1.0):
        left, right = sliders.temperature_on_circle(temperature, 30).axes
        unit = F.normalize(sliders.turned_views(30), dim=1)
        assert (
            f"{loss_of_1a(unit, temperature):.2f}" in left.get_title(loc="left") + left.get_title()
        )
        assert "Hardest: 2a" in right.get_title(loc="left") + right.get_title()
        assert sum(bar.get_width() for bar in right.patches) == pytest.approx(1)


def test_second_views_are_those_of_the_exercises():
    z = hand_batch().z
    second = z + torch.tensor(sliders.NUDGE)
    assert torch.equal(exercises.HAND["view_2"], second)
    assert torch.allclose(sliders.turned_views(30)[7:], second[1:].double())


def test_shapes_carry_their_own_measures():
    named = plots.shapes()
    figure = plots.draw_shapes(named)
    for axes, (name, views) in zip(figure.axes, named.items(), strict=True):
        title = axes.get_title()
        assert name in title and "-0.00" not in title
        assert f"alignment {abs(float(alignment(views, SENTENCE))):.2f}" in title
        assert f"{abs(float(uniformity(views))):.2f}" in title
    losses = {
        n: float(self_contrastive_loss(v[:6], v[6:], temperature=0.5)) for n, v in named.items()
    }
    assert min(losses, key=losses.__getitem__) == "six points"


def test_bars_of_push_and_pull_have_the_measured_heights():
    columns = ["dropout", "push", "pull", "loss", "push gradient", "pull gradient"]
    rows = [["0.5", 7.0, 3.0, 4.0, 0.2, 0.3], ["0", 11.0, 10.0, 1.0, 0.1, 0.0]]
    left, right = plots.push_and_pull(pd.DataFrame(rows, columns=columns)).axes
    assert [bar.get_height() for bar in left.patches] == [7.0, 11.0, 3.0, 10.0]
    assert [bar.get_height() for bar in right.patches] == [0.2, 0.1, 0.3, 0.0]


def test_two_losses_draw_every_step():
    history = pd.DataFrame(
        {"step": [1, 2, 3], "contrastive": [2.0, 1.0, 0.0], "cross_entropy": [0.7, 0.6, 0.5]}
    )
    axes = plots.two_losses(history, untaught=3.0, width=2).axes[0]
    drawn = [list(line.get_ydata()) for line in axes.lines]
    assert drawn[0] == [2.0, 1.0, 0.0] and drawn[1] == [2.0, 1.5, 0.5]
    assert drawn[2] == [0.7, 0.6, 0.5] and drawn[4] == [3.0, 3.0]
