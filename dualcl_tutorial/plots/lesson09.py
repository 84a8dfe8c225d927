"""Figures of lesson 09: classes on a circle, curves through training, projections, cosines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle
from torch import Tensor

from dualcl_tutorial import geometry
from dualcl_tutorial.example import CLASSES
from dualcl_tutorial.geometry import Features
from dualcl_tutorial.losses import true_columns
from dualcl_tutorial.notebook import COLOURS
from dualcl_tutorial.stats import summarise

SENTENCE, COLUMN = "o", "^"
#: How a method is called and drawn; the last three add a measure to cross-entropy.
METHODS = {
    "ce": ("CE", COLOURS[0], "-"),
    "cl": ("CE+CL", COLOURS[1], "--"),
    "scl": ("CE+SCL", COLOURS[2], "-."),
    "label-aware": ("DualCL w/o L_dual", COLOURS[3], ":"),
    "dualcl": ("DualCL", COLOURS[4], "-"),
    "ce + gather within": ("CE + gather classmates", COLOURS[2], "-"),
    "ce + spread all": ("CE + spread all", COLOURS[5], "-"),
    "ce + spread within": ("CE + spread classmates", COLOURS[6], "-"),
}
#: The paper's five methods, and what two figures show of them.
FIVE = ("ce", "cl", "scl", "label-aware", "dualcl")
MEASURES = {
    "accuracy": "test accuracy",
    "alignment_z": "alignment of z (low: classmates near)",
    "uniformity_z": "uniformity of z over all (low: even)",
    "within_z": "uniformity of z within a class",
}
ANGLES = {
    "angle_true": "true column and centroid (degrees)",
    "angle_wrong": "wrong columns and centroid (degrees)",
}


def hand_circle(z: Tensor, theta: Tensor, labels: Tensor) -> Figure:
    """Draw the hand-sized batch at length 1: features, class centroids and mean columns.

    Shape:
        z (N, 2), theta (N, K, 2), labels (N,).
    """
    classes = theta.shape[1]
    unit, middle = F.normalize(z, dim=1), geometry.centroids(z, labels, classes=classes)
    figure = Figure(figsize=(5.6, 3.5), layout="constrained")
    axes = figure.subplots()
    axes.add_patch(Circle((0, 0), 1, fill=False, edgecolor="#bbbbbb"))
    for k in range(classes):
        column = F.normalize(geometry.centroids(theta[:, k], labels, classes=classes)[k], dim=0)
        colour, mine = COLOURS[k], unit[labels == k]
        x, y = (float(value) for value in middle[k])
        far_x, far_y = (1.25 * float(value) for value in column)
        axes.plot([0, x], [0, y], color=colour, lw=2)
        axes.plot([0, far_x], [0, far_y], ":", color=colour, lw=1.2)
        axes.scatter(mine[:, 0], mine[:, 1], marker=SENTENCE, color=colour, s=36)
        axes.scatter([x], [y], marker="X", color=colour, edgecolor="black", s=80, zorder=3)
        axes.scatter([far_x], [far_y], marker=COLUMN, color=colour, s=70, zorder=3)
    shapes = ((SENTENCE, "feature"), ("X", "centroid"), (COLUMN, "mean column θ*"))
    names = CLASSES if classes == len(CLASSES) else [f"class {k}" for k in range(classes)]
    handles = [
        *(Line2D([], [], color=COLOURS[k], lw=4, label=name) for k, name in enumerate(names)),
        *(_mark(marker, "#666666", name) for marker, name in shapes),
    ]
    axes.legend(handles=handles, loc="center left", bbox_to_anchor=(1.02, 0.5), fontsize=8)
    axes.set(xlim=(-1.45, 1.45), ylim=(-1.45, 1.45), aspect="equal", xlabel="$u_1$", ylabel="$u_2$")
    axes.set_title(
        "A centroid lies inside the circle: the shorter, the wider its class", fontsize=9
    )
    return figure


def _mark(marker: str, colour: str, name: str) -> Line2D:
    return Line2D([], [], marker=marker, color="none", markerfacecolor=colour, ms=7, label=name)


def through_training(
    table: pd.DataFrame, methods: Sequence[str], columns: Mapping[str, str], *, title: str
) -> Figure:
    """Draw measures after each epoch: the mean over seeds in its 95 % interval.

    Args:
        table: one row a run and epoch, such as lesson09_curves.
        methods: keys of `METHODS`, a line each.
        columns: measures to what the panel is called, a panel each.
        title: the figure's claim.
    """
    rows = -(-len(columns) // 2)
    figure = Figure(figsize=(6.0, 0.5 + 1.8 * rows), layout="constrained")
    panels = np.ravel(figure.subplots(rows, 2, sharex=True))
    for axes, (column, name) in zip(panels, columns.items(), strict=False):
        for method in methods:
            label, colour, style = METHODS[method]
            line = summarise(table[table.method == method], ["epoch"], value=column)
            axes.plot(line.epoch, line["mean"], style, color=colour, lw=1.5, label=label)
            axes.fill_between(line.epoch, line.low, line.high, color=colour, alpha=0.15, lw=0)
        axes.set_title(name, fontsize=9)
        axes.grid(axis="y", color="#eeeeee")
    for axes in panels[-2:]:
        axes.set_xlabel("epoch")
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=3, fontsize=8)
    figure.suptitle(title, fontsize=10)
    return figure


def spread_and_accuracy(ends: pd.DataFrame) -> Figure:
    """Draw accuracy against uniformity over all sentences and within a class, one dot a run.

    Args:
        ends: one row a run after its last epoch: method, accuracy, uniformity_z, within_z.
    """
    figure = Figure(figsize=(6.8, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for axes, column, name in (
        (left, "uniformity_z", "over all sentences"),
        (right, "within_z", "within a class"),
    ):
        for number, method in enumerate(m for m in METHODS if m in set(ends.method)):
            label, colour, _ = METHODS[method]
            runs = ends[ends.method == method]
            marker = "osDv^P*X"[number]
            axes.scatter(
                runs[column], runs.accuracy, color=colour, marker=marker, s=26, label=label
            )
        axes.set(xlabel=f"uniformity of z {name} (left: more even)")
        axes.xaxis.label.set_size(8)
        axes.grid(color="#eeeeee")
    left.set_ylabel("test accuracy")
    handles, names = left.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=4, fontsize=7)
    figure.suptitle("The most even spaces classify worst here", fontsize=10)
    return figure


class Panel(NamedTuple):
    """One picture: points (N, 2), the class that colours each, and which of them are columns."""

    title: str
    points: Tensor
    labels: Tensor
    columns: Tensor | None = None


def panels(
    pictures: Sequence[Panel], names: Sequence[str], *, title: str, across: int = 3
) -> Figure:
    """Draw flat pictures side by side: circles are sentences, triangles classifier columns.

    Ticks are left out: the axes of a projection have no meaning of their own.

    Args:
        pictures: in reading order.
        names: of the classes.
        title: the figure's claim.
        across: pictures in a row.
    """
    rows = -(-len(pictures) // across)
    width = 1.9 * across
    size = (width, 0.55 + rows * (width / across + 0.1))
    figure = Figure(figsize=size, layout="constrained")
    for axes, picture in zip(np.ravel(figure.subplots(rows, across)), pictures, strict=True):
        columns = picture.columns
        triangle = (
            torch.zeros(len(picture.labels), dtype=torch.bool) if columns is None else columns
        )
        for marker, mine, dot in (
            (COLUMN, triangle, 10),
            (SENTENCE, ~triangle, 5),
        ):
            colours = [COLOURS[k] for k in picture.labels[mine].tolist()]
            axes.scatter(
                *picture.points[mine].T, marker=marker, c=colours, s=dot, lw=0, antialiased=False
            )
        axes.set(xticks=[], yticks=[])
        axes.spines[["top", "right"]].set_visible(True)
        axes.set_title(picture.title, fontsize=8)
    handles = [_mark("s", COLOURS[k], name) for k, name in enumerate(names)]
    if any(picture.columns is not None for picture in pictures):
        handles += [_mark(SENTENCE, "#666666", "feature z")]
        handles += [_mark(COLUMN, "#666666", "column θ of the colour's class")]
    figure.legend(
        handles=handles, loc="outside lower center", ncols=min(6, len(handles)), fontsize=8
    )
    figure.suptitle(title, fontsize=10)
    return figure


def alternatives(before: Features, after: Features, labels: Tensor, names: Sequence[str]) -> Figure:
    """Draw one model in six ways: as it is or at length 1, with and without its columns.

    The last picture is of the same model before training.

    Args:
        before: features and columns of two classes before training.
        after: the same sentences after it.
        labels: (N,).
        names: of the two classes.
    """
    unit, count = F.normalize(after.z, dim=1), len(labels)
    star = F.normalize(true_columns(after.theta, labels), dim=1)

    def together(features: Features) -> Tensor:
        points = torch.cat([features.z, *features.theta.unbind(1)])  # z, theta^0, theta^1
        return geometry.project(F.normalize(points, dim=1), perplexity=15)

    twice, pair = labels.repeat(2), torch.cat([unit, star])
    thrice = torch.cat([labels, torch.zeros_like(labels), torch.ones_like(labels)])
    column = torch.arange(3 * count) >= count
    pictures = [
        Panel("1  PCA of z as it is", geometry.project(after.z, method="pca"), labels),
        Panel("2  PCA of z at length 1", geometry.project(unit, method="pca"), labels),
        Panel("3  t-SNE of z at length 1", geometry.project(unit, perplexity=15), labels),
        Panel(
            "4  t-SNE of z and θ*",
            geometry.project(pair, perplexity=15),
            twice,
            column[: 2 * count],
        ),
        Panel("5  t-SNE of z and both θ", together(after), thrice, column),
        Panel("6  as 5, before training", together(before), thrice, column),
    ]
    return panels(pictures, names, title="One model, six pictures")


def stories(
    features: Mapping[str, Tensor],
    labels: Tensor,
    names: Sequence[str],
    perplexities: Sequence[int],
) -> Figure:
    """Draw t-SNE of each set of features, a row each, at three perplexities.

    Args:
        features: name to points of length 1.
        labels: (N,).
        names: of the classes.
        perplexities: three.
    """
    pictures = [
        Panel(f"{name}, perplexity {p}", geometry.project(points, perplexity=p), labels)
        for name, points in features.items()
        for p in perplexities
    ]
    return panels(pictures, names, title="One data set, three perplexities, three stories")


def stored_pictures(table: pd.DataFrame, names: Sequence[str]) -> Figure:
    """Draw the projections of the paper's setting, a column a method: t-SNE above, PCA below.

    Args:
        table: lesson09_pictures.
        names: of the classes.
    """
    pictures = []
    for projection, name in (("tsne", "t-SNE"), ("pca", "PCA")):
        for method, here in table.groupby("method", sort=False):
            points = torch.tensor(here[[f"{projection}1", f"{projection}2"]].to_numpy())
            title = f"{METHODS[str(method)][0]}\n{name}, accuracy {here.accuracy.iloc[0]:.2f}"
            labels = torch.tensor(here.label.to_numpy())
            columns = torch.tensor((here.kind == "theta").to_numpy())
            pictures.append(Panel(title, points, labels, columns))
    return panels(pictures, names, title="The setting of the paper's Figure 2, with minilm")


def _places(table: pd.DataFrame, name: str, dim: int, *, unit: bool = True) -> Tensor:
    columns = [f"{name}{j + 1}" for j in range(dim)]
    points = torch.tensor(table[columns].to_numpy())
    return F.normalize(points, dim=1) if unit else points


def circles(table: pd.DataFrame, names: Sequence[str], *, epoch: int) -> Figure:
    """Draw z and theta* of two-dimensional models, above as they are, below at length 1.

    Below, features stand on the inner ring and columns of the true class on the outer one.

    Args:
        table: lesson09_narrow.
        names: of the classes.
        epoch: one that is in the table.
    """
    figure = Figure(figsize=(4.7, 4.6), layout="constrained")
    grid = figure.subplots(2, 2, height_ratios=(1, 1.1))
    for (above, below), method in zip(grid.T, ("label-aware", "dualcl"), strict=True):
        here = table[(table.method == method) & (table.dim == 2) & (table.epoch == epoch)]
        for name in ("z", "theta"):
            _dots(above, _places(here, name, 2, unit=False), here.label, name)
        above.plot([0], [0], "+", color="black", ms=12)
        above.set_aspect("equal", adjustable="datalim")
        right = (here.label == here.predicted).mean()
        above.set_title(f"{METHODS[method][0]}: accuracy {right:.2f}", fontsize=9)
        for name, radius in (("z", 1.0), ("theta", 1.35)):
            below.add_patch(Circle((0, 0), radius, fill=False, edgecolor="#cccccc"))
            _dots(below, radius * _places(here, name, 2), here.label, name)
        below.set(xlim=(-1.5, 1.5), ylim=(-1.5, 1.5), aspect="equal")
        below.set_axis_off()
    figure.legend(handles=_legend(names), loc="outside lower center", ncols=4, fontsize=8)
    figure.suptitle(f"After epoch {epoch}: as they are (+ is 0), and at length 1", fontsize=10)
    return figure


def _dots(axes: Any, points: Tensor, labels: pd.Series, name: str, size: int = 8) -> None:
    marker, factor = (SENTENCE, 1.0) if name == "z" else (COLUMN, 1.7)
    colours = [COLOURS[k] for k in labels]
    axes.scatter(*points.T, marker=marker, c=colours, s=size * factor, lw=0, antialiased=False)


def _legend(names: Sequence[str]) -> list[Line2D]:
    marks = ((SENTENCE, "z"), (COLUMN, "θ*"))
    squares = [_mark("s", COLOURS[k], name) for k, name in enumerate(names)]
    return squares + [_mark(marker, "#666666", name) for marker, name in marks]


def spheres(table: pd.DataFrame, names: Sequence[str], epochs: Sequence[int]) -> Figure:
    """Draw z and theta* of DualCL in three dimensions at length 1, one sphere an epoch.

    Args:
        table: lesson09_narrow.
        names: of the classes.
        epochs: some that are in the table.
    """
    figure = Figure(figsize=(4.6, 2.9), layout="constrained")
    dual = table[(table.method == "dualcl") & (table.dim == 3)]
    # One view for all, from where the last epoch's features are.
    x, y, z = _places(dual[dual.epoch == epochs[-1]], "z", 3).mean(0).tolist()
    view = {"azim": np.degrees(np.arctan2(y, x)), "elev": np.degrees(np.arctan2(z, np.hypot(x, y)))}
    for number, epoch in enumerate(epochs):
        axes: Any = figure.add_subplot(1, len(epochs), number + 1, projection="3d", **view)
        here = dual[dual.epoch == epoch]
        axes.plot_wireframe(*_globe(), color="#e4e4e4", lw=0.5)
        for name in ("z", "theta"):
            _dots(axes, _places(here, name, 3), here.label, name, size=6)
        right = (here.label == here.predicted).mean()
        axes.set_title(f"epoch {epoch}: accuracy {right:.2f}", fontsize=9)
        axes.set_box_aspect((1, 1, 1), zoom=1.45)
        axes.set_axis_off()
    figure.legend(handles=_legend(names), loc="outside lower center", ncols=4, fontsize=8)
    figure.suptitle("Three dimensions, DualCL: near and far side of the sphere", fontsize=10)
    return figure


def _globe() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    around, down = np.meshgrid(np.linspace(0, 2 * np.pi, 13), np.linspace(0, np.pi, 7))
    return np.cos(around) * np.sin(down), np.sin(around) * np.sin(down), np.cos(down)


def pairwise(features: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return the cosines of all pairs i < j: of one class, and of different classes.

    Shape:
        features (N, d), labels (N,) -> two tensors, N (N - 1) / 2 entries together.
    """
    unit = F.normalize(features, dim=1)
    i, j = torch.triu_indices(len(unit), len(unit), 1)
    cosine, same = (unit @ unit.T)[i, j], labels[i] == labels[j]
    return cosine[same], cosine[~same]


def cosines(features: Mapping[str, Tensor], labels: Tensor) -> Figure:
    """Draw the histogram of all pairwise cosines at full width, one panel a set of features.

    Shape:
        each (N, d), labels (N,).
    """
    figure = Figure(figsize=(7.0, 2.7), layout="constrained")
    for axes, (name, z) in zip(
        figure.subplots(1, len(features), sharey=True, sharex=True), features.items(), strict=True
    ):
        same, other = pairwise(z, labels)
        for values, label, colour, style in (
            (same, "same class", COLOURS[0], "stepfilled"),
            (other, "other class", COLOURS[4], "step"),
        ):
            axes.hist(
                values.numpy(),
                bins=np.linspace(-1, 1, 41),
                density=True,
                histtype=style,
                color=colour,
                alpha=0.5 if style == "stepfilled" else 1,
                lw=1.5,
                label=label,
            )
        axes.axvline(float(same.mean()), color=COLOURS[0], lw=1)
        axes.axvline(float(other.mean()), color=COLOURS[4], lw=1, ls="--")
        axes.set(xlabel=f"cosine of a pair, d = {z.shape[1]}", xlim=(-1, 1))
        axes.set_title(name, fontsize=9)
    figure.axes[0].set_ylabel("density")
    figure.axes[0].legend(fontsize=8, loc="upper left")
    figure.suptitle("Every pair, nothing projected", fontsize=10)
    return figure


def frozen(ends: pd.DataFrame) -> Figure:
    """Draw the accuracy of a method's own classifier beside two that read its frozen z.

    Args:
        ends: one row a run after its last epoch: method, accuracy, neighbours, centroid.
    """
    methods = [m for m in FIVE if m in set(ends.method)]
    figure = Figure(figsize=(6.4, 3.0), layout="constrained")
    axes = figure.subplots()
    judges = (
        ("accuracy", "the method's own classifier", "o", COLOURS[0]),
        ("centroid", "nearest centroid of z", "X", COLOURS[4]),
        ("neighbours", "5 nearest neighbours of z", "s", COLOURS[2]),
    )
    for shift, (column, label, marker, colour) in zip((-0.22, 0, 0.22), judges, strict=True):
        for row, method in enumerate(methods):
            values = ends[ends.method == method][column]
            name = label if row == 0 else None
            height = [row + shift] * len(values)
            axes.scatter(values, height, marker=marker, color=colour, s=22, label=name)
    axes.set_yticks(range(len(methods)), [METHODS[m][0] for m in methods])
    axes.set(xlabel="test accuracy (one mark a seed)", ylim=(len(methods) - 0.5, -0.5))
    axes.grid(axis="x", color="#eeeeee")
    figure.legend(loc="outside lower center", ncols=3, fontsize=8)
    axes.set_title("What z knows without its classifier", fontsize=10)
    return figure


def three_groups() -> tuple[Tensor, Tensor]:
    """Make the data of exercise 9.4: two groups of spread 1, one of 0.1, very unequal gaps.

    Shape:
        points (180, 20), labels (180,).
    """
    draw = torch.Generator().manual_seed(0)
    a, b, c = torch.randn(3, 60, 20, generator=draw)
    b, c = 0.1 * b, c.clone()
    b[:, 0] += 12
    c[:, 1] += 100
    return torch.cat([a, b, c]), torch.arange(3).repeat_interleave(60)


def misleading() -> Figure:
    """Draw the picture of exercise 9.4: t-SNE of :func:`three_groups` at perplexity 30."""
    points, labels = three_groups()
    flat = geometry.project(points, perplexity=30)
    figure = Figure(figsize=(4.6, 3.6), layout="constrained")
    axes = figure.subplots()
    for k, (name, marker) in enumerate(zip("ABC", "osD", strict=True)):
        mine = flat[labels == k]
        x, y = mine[:, 0], mine[:, 1]
        axes.scatter(x, y, color=COLOURS[k], marker=marker, s=14, label=f"group {name}")
    axes.set(xticks=[], yticks=[], aspect="equal")
    axes.legend(fontsize=8, loc="upper right")
    axes.set_title("180 points of 20 dimensions, t-SNE, perplexity 30", fontsize=9)
    return figure
