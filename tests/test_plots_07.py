"""Figures and switches of lesson 07: they draw, and what they draw is right."""

import itertools
import math

import pytest
import torch

from dualcl_tutorial import notebook
from dualcl_tutorial.example import LABELS, hand_batch
from dualcl_tutorial.losses import contrastive_loss, true_columns
from dualcl_tutorial.plots import lesson07 as plots
from dualcl_tutorial.plots.shared import read_results
from dualcl_tutorial.variants import release_contrastive_loss, snippet_losses
from dualcl_tutorial.widgets import lesson07 as widgets

Z, THETA, Y = hand_batch(torch.float64)
STAR = true_columns(THETA, Y)
TERMS = ["none", "paper", "snippet 12", "snippet 4", "release"]


def titles(axes):
    return axes.get_title() + axes.get_title(loc="left")


@pytest.mark.parametrize("labels", [LABELS, [0, 0], [0, 1, 2], [1] * 5])
def test_books_show_who_is_above_and_below_the_line(labels):
    figure = plots.three_books(torch.tensor(labels))
    n = len(labels)
    same = sum(a == b for a, b in itertools.product(labels, repeat=2))
    for axes, name in zip(figure.axes, plots.BOOKS, strict=True):
        marks = [text.get_text() for text in axes.texts]
        assert len(marks) == n * n
        assert sum(mark.startswith("+") for mark in marks) == same - (0 if name == "snippet" else n)
        assert marks.count("\N{MINUS SIGN}") == n * n - same
        assert marks.count("1") == (n if name == "last release" else 0)
        assert name in titles(axes)


@pytest.mark.parametrize("temperature", [0.1, 0.5])
@pytest.mark.parametrize(("batch", "cosine"), [(4, -0.5), (16, 0.0), (8, 0.9)])
def test_excess_is_release_minus_paper(batch, cosine, temperature):
    # Anchors and targets in planes of their own, so that every pair has the same cosine.
    anchor = torch.tensor([[1.0, 0.0]], dtype=torch.float64).expand(batch, -1)
    side = math.sqrt(1 - cosine**2)
    target = torch.tensor([[cosine, side]], dtype=torch.float64).expand(batch, -1)
    labels = torch.zeros(batch, dtype=torch.long)
    pair = (anchor, target, labels)
    found = release_contrastive_loss(*pair, temperature=temperature)
    found = found - contrastive_loss(*pair, temperature=temperature)
    assert plots.excess(cosine, batch, temperature) == pytest.approx(float(found), abs=1e-9)


@pytest.mark.parametrize("batch", [4, 8])
def test_one_class_is_flat_for_the_paper_only(batch):
    left, right = plots.one_class(batch=batch).axes
    release, paper = (line.get_ydata() for line in left.lines)
    assert set(paper) == {math.log(batch - 1)}
    assert release[0] > release[-1] >= paper[0]
    sixteen = list(right.lines[0].get_xdata()).index(16)
    assert right.lines[0].get_ydata()[sixteen] == pytest.approx(2.39, abs=5e-3)


def test_right_labels_draws_the_shares():
    (axes,) = plots.right_labels({2: 1.0, 3: 2 / 3, 6: 1 / 3}).axes
    assert [bar.get_height() for bar in axes.patches] == pytest.approx([1.0, 2 / 3, 1 / 3])
    assert list(axes.lines[0].get_ydata()[[0, -1]]) == pytest.approx([1.0, 1 / 3])


def test_trained_modes_draws_the_stored_runs():
    runs = read_results("lesson07_modes")
    left, right = plots.trained_modes(runs, TERMS).axes
    labels = [text.get_text() for text in left.get_legend().get_texts()]
    assert labels == [term for term in TERMS if term in plots.CURVES]
    paper = left.lines[labels.index("paper")].get_ydata()
    stored = runs[runs.term == "paper"].groupby("epoch").term_value.mean()
    assert list(paper) == pytest.approx(list(stored))
    marks = right.lines[2 * TERMS.index("paper")].get_xdata()
    assert sorted(marks) == sorted(runs[runs.term == "paper"].accuracy.dropna())
    assert [text.get_text() for text in right.get_yticklabels()] == TERMS


def test_stored_runs_are_whole():
    runs = read_results("lesson07_modes")
    assert (runs.groupby(["term", "seed"]).size() == 10).all()
    ends = runs.dropna(subset=["accuracy"])
    assert (ends.groupby("term").seed.nunique() == 3).all()
    positions = read_results("lesson07_positions")
    assert (positions.groupby(["positions", "shuffled"]).seed.nunique() == 3).all()


def switched(**on):
    off = {"own_is_positive": False, "same_by_mu": False, "own_as_one": False}
    return widgets.switched_losses(Z, STAR, Y, **(off | on))


def test_switches_meet_the_three_losses():
    losses, valid = switched()
    assert float(losses.sum() / valid.sum()) == pytest.approx(float(contrastive_loss(Z, STAR, Y)))
    losses, valid = switched(own_is_positive=True, same_by_mu=True)
    (snippet,) = snippet_losses(Z, THETA, Y, modes="2")
    assert valid.all()
    assert float(losses.mean()) == pytest.approx(float(snippet))
    losses, _ = switched(own_as_one=True)
    assert float(losses.mean()) == pytest.approx(float(release_contrastive_loss(Z, STAR, Y)))


def test_names_go_to_the_settings_they_belong_to():
    named = {s: widgets.name_of(s) for s in itertools.product((False, True), repeat=4)}
    known = [s for s, name in named.items() if "nobody" not in name]
    assert len(known) == 4  # the lesson says so
    assert sum("snippet" in named[s] for s in known) == 2


def test_moving_the_switches_changes_picture_and_text():
    controls = widgets.switch_box()
    box, _ = notebook.live_box(widgets.switches, alt="Pairs and losses.", **controls)
    *_, words, picture = box.children
    seen = {picture.value}
    for name, control in controls.items():
        control.value = 0.5 if name == "temperature" else not control.value
        assert picture.value not in seen
        seen.add(picture.value)
        assert f"{name} = {control.value}" in words.value
        assert "not drawn" not in words.value


@pytest.mark.parametrize("setting", list(itertools.product((False, True), repeat=4)))
def test_every_setting_draws(setting):
    left, right = widgets.switches(*setting, temperature=0.1).axes
    assert len(right.patches) == len(Y)
    assert "mean over" in titles(right)
    assert "own pair" in titles(left)
