"""Figures and slider of lesson 09: what they draw is what was measured."""

import math

import numpy as np
import pytest
import torch

from dualcl_tutorial import geometry, notebook
from dualcl_tutorial.example import hand_batch
from dualcl_tutorial.plots import lesson09 as plots
from dualcl_tutorial.plots.shared import read_results
from dualcl_tutorial.stats import summarise
from dualcl_tutorial.widgets import lesson09 as sliders

Z, THETA, LABELS = hand_batch()
NAMES = ["one", "two", "three", "four", "five", "six"]


def title(axes):
    return axes.get_title() + axes.get_title(loc="left")  # a notebook's style puts it to the left


def offsets(axes):
    """Return every point that an axes shows."""
    return [tuple(point) for marks in axes.collections for point in marks.get_offsets()]


def placed(points):
    """Sort points, so that two sets of them can be compared by approx."""
    return np.array(sorted(map(tuple, points)))


@pytest.fixture(scope="module")
def curves():
    return read_results("lesson09_curves")


@pytest.fixture(scope="module")
def narrow():
    return read_results("lesson09_narrow")


def test_hand_circle_draws_features_at_length_1_centroids_inside_and_columns_outside():
    axes = plots.hand_circle(Z, THETA, LABELS).axes[0]
    lengths = sorted(math.hypot(*point) for point in offsets(axes))
    middle = sorted(geometry.centroids(Z, LABELS, classes=3).norm(dim=1).tolist())
    assert lengths == pytest.approx(sorted([*middle, *[1] * 6, *[1.25] * 3]), abs=1e-5)


def test_through_training_draws_the_mean_of_the_seeds_inside_its_interval(curves):
    columns = {"accuracy": "accuracy", "within_z": "within"}
    figure = plots.through_training(curves, ["ce", "dualcl"], columns, title="t")
    figure.canvas.draw()
    for axes, column in zip(figure.axes, columns, strict=True):
        for line, method in zip(axes.lines, ("ce", "dualcl"), strict=True):
            runs = curves[curves.method == method]
            means = runs.groupby("epoch")[column].mean()
            assert line.get_ydata() == pytest.approx(means.to_numpy())
            assert line.get_label() == plots.METHODS[method][0]
        band = axes.collections[1].get_paths()[0].vertices[:, 1]
        wanted = summarise(curves[curves.method == "dualcl"], ["epoch"], value=column)
        assert band.min() == pytest.approx(wanted.low.min())
        assert band.max() == pytest.approx(wanted.high.max())


def test_stored_curves_hold_five_seeds_of_the_five_methods(curves):
    assert set(curves.method) == set(plots.METHODS)
    seeds = curves.groupby(["method", "epoch"]).seed.nunique()
    assert seeds[list(plots.FIVE)].eq(5).all() and seeds.ge(4).all()
    start = curves[curves.epoch == 0]
    for column in (
        "alignment_z",
        "uniformity_z",
    ):  # no training yet: one encoder, two kinds of input
        assert start[start.method.isin(["ce", "cl", "scl"])][column].nunique() == 1


def test_spread_and_accuracy_and_frozen_show_every_run(curves):
    ends = curves[curves.epoch == 10]
    figure = plots.spread_and_accuracy(ends)
    for axes, column in zip(figure.axes, ("uniformity_z", "within_z"), strict=True):
        wanted = placed(zip(ends[column], ends.accuracy, strict=True))
        assert placed(offsets(axes)) == pytest.approx(wanted)
    five = ends[ends.method.isin(plots.FIVE)]
    drawn = sorted(x for x, _ in offsets(plots.frozen(ends).axes[0]))
    wanted = sorted([*five.accuracy, *five.centroid, *five.neighbours])
    assert drawn == pytest.approx(wanted)


def test_panels_tell_sentences_from_columns_and_colour_by_class():
    points, labels = torch.arange(8.0).reshape(4, 2), torch.tensor([0, 1, 1, 0])
    columns = torch.tensor([False, False, True, True])
    figure = plots.panels(
        [plots.Panel("a", points, labels, columns), plots.Panel("b", points, labels)],
        ["no", "yes"],
        title="t",
        across=2,
    )
    figure.canvas.draw()
    triangles, circles = figure.axes[0].collections
    assert triangles.get_offsets().tolist() == points[2:].tolist()
    assert circles.get_offsets().tolist() == points[:2].tolist()
    assert (circles.get_facecolor()[0] != circles.get_facecolor()[1]).any()
    shown = [text.get_text() for text in figure.legends[0].get_texts()]
    assert shown[:2] == ["no", "yes"] and len(shown) == 4


def test_alternatives_and_stories_draw_every_sentence():
    draw = torch.Generator().manual_seed(0)
    z, theta = torch.randn(20, 6, generator=draw), torch.randn(20, 2, 6, generator=draw)
    labels, both = torch.arange(20) % 2, geometry.Features(z, theta)
    figure = plots.alternatives(both, both, labels, ["no", "yes"])
    assert [len(offsets(axes)) for axes in figure.axes] == [20, 20, 20, 40, 60, 60]
    pca = geometry.project(z, method="pca").tolist()
    assert placed(offsets(figure.axes[0])) == pytest.approx(placed(pca), abs=1e-5)
    wide = plots.stories({"a": z, "b": theta[:, 0]}, labels, ["no", "yes"], (3, 5, 7))
    assert [len(offsets(axes)) for axes in wide.axes] == [20] * 6
    assert "a, perplexity 5" in title(wide.axes[1])
    assert placed(offsets(wide.axes[0])) != pytest.approx(placed(offsets(wide.axes[2])))


def test_stored_pictures_draw_each_point_once():
    table = read_results("lesson09_pictures")
    figure = plots.stored_pictures(table, ["negative", "positive"])
    assert len(figure.axes) == 6
    for axes, (_, here) in zip(figure.axes[3:], table.groupby("method", sort=False), strict=True):
        wanted = placed(zip(here.pca1, here.pca2, strict=True))
        assert placed(offsets(axes)) == pytest.approx(wanted)
        assert "PCA" in title(axes)
    assert set(table[table.method == "ce"].kind) == {"z"}


def test_circles_show_raw_points_above_and_length_1_below(narrow):
    figure = plots.circles(narrow, NAMES, epoch=10)
    here = narrow[(narrow.method == "dualcl") & (narrow.dim == 2) & (narrow.epoch == 10)]
    above, below = figure.axes[1], figure.axes[3]
    wanted = [*zip(here.z1, here.z2, strict=True), *zip(here.theta1, here.theta2, strict=True)]
    assert placed(offsets(above)) == pytest.approx(placed(wanted))
    lengths = sorted(round(math.hypot(*point), 4) for point in offsets(below))
    assert lengths == [1.0] * len(here) + [1.35] * len(here)
    right = (here.label == here.predicted).mean()
    assert f"{right:.2f}" in title(above)


def test_spheres_keep_length_1(narrow):
    figure = plots.spheres(narrow, NAMES, (0, 10))
    figure.canvas.draw()
    for axes in figure.axes:
        assert len(axes.collections) == 3
        for marks in axes.collections[1:]:
            length = np.linalg.norm(np.array(marks._offsets3d), axis=0)
            assert length == pytest.approx(1)


def test_pairwise_splits_every_pair_once():
    same, other = plots.pairwise(Z, LABELS)
    loops = {True: [], False: []}
    for i in range(6):
        for j in range(i):
            cosine = torch.nn.functional.cosine_similarity(Z[i], Z[j], dim=0)
            loops[bool(LABELS[i] == LABELS[j])].append(float(cosine))
    assert sorted(same.tolist()) == pytest.approx(sorted(loops[True]), abs=1e-6)
    assert sorted(other.tolist()) == pytest.approx(sorted(loops[False]), abs=1e-6)


def test_cosines_draw_a_density_over_the_full_width():
    figure = plots.cosines({"z": Z, "theta": THETA[:, 0]}, LABELS)
    figure.canvas.draw()
    assert figure.axes[0].get_xlim() == (-1, 1) and "d = 2" in figure.axes[0].get_xlabel()
    same, _ = plots.pairwise(Z, LABELS)
    assert figure.axes[0].lines[0].get_xdata()[0] == pytest.approx(float(same.mean()))


def test_the_picture_of_exercise_4_misleads_about_distances_and_sizes_but_not_neighbours():
    points, labels = plots.three_groups()
    middles = torch.stack([points[labels == k].mean(0) for k in range(3)])
    gaps = torch.pdist(middles)  # A-B, A-C, B-C
    widths = [float((points[labels == k] - middles[k]).norm(dim=1).mean()) for k in range(3)]
    assert gaps[1] > 8 * gaps[0] and widths[0] > 9 * widths[1]
    shown = offsets(plots.misleading().axes[0])
    flat = torch.tensor(shown, dtype=torch.float64)
    flat_middles = torch.stack([flat[labels == k].mean(0) for k in range(3)])
    flat_gaps = torch.pdist(flat_middles)
    flat_widths = [
        float((flat[labels == k] - flat_middles[k]).norm(dim=1).mean()) for k in range(3)
    ]
    assert flat_gaps.max() < 1.5 * flat_gaps.min() and max(flat_widths) < 1.5 * min(flat_widths)
    for x in (points.double(), flat):
        near = torch.cdist(x, x).fill_diagonal_(math.inf).argmin(1)
        assert (labels[near] == labels).double().mean() > 0.99


def test_the_slider_moves_through_all_stored_epochs(narrow):
    controls = sliders.epochs(narrow)
    box, first = notebook.live_box(sliders.two_dimensions, alt="circles", **controls)
    assert box is not None and first["image/png"]
    seen = set()
    for epoch in controls["epoch"].options:
        controls["epoch"].value = epoch
        assert "not drawn" not in box.children[-2].value
        seen.add(box.children[-1].value)
    assert len(seen) == narrow.epoch.nunique()
