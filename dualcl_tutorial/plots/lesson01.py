"""Figures of lesson 01: the loss curve, who moves whose loss, two batches, features by PCA."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from dualcl_tutorial.notebook import COLOURS

MARKERS = "os^Dv*"


def influence(matrix: Tensor, *, title: str) -> Figure:
    """Draw how strongly the loss of each sentence (row) answers to each feature (column).

    Shape:
        matrix (N, N), lengths of gradients; the numbers are written into the cells.
    """
    figure = Figure(figsize=(4.6, 3.6), layout="constrained")
    axes = figure.subplots()
    top = float(matrix.max())
    axes.imshow(matrix.numpy(), vmin=0, vmax=top)
    for i, row in enumerate(matrix.tolist()):
        for j, value in enumerate(row):
            shade = "black" if value > 0.55 * top else "white"
            axes.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=8, color=shade)
    numbers = [str(i + 1) for i in range(len(matrix))]
    axes.set_xticks(range(len(matrix)), numbers)
    axes.set_yticks(range(len(matrix)), numbers)
    axes.tick_params(length=0)
    axes.set(xlabel="feature of sentence j", ylabel="loss of sentence i")
    axes.set_title(title, fontsize=10)
    return figure


def nearest(features: Tensor) -> Tensor:
    """Find the nearest other feature of each feature, by straight distance.

    Shape:
        features (N, d) -> (N,) indices.
    """
    distances = torch.cdist(features, features)
    return distances.fill_diagonal_(math.inf).argmin(1)


def two_batches(
    batches: Mapping[str, Tensor], labels: Tensor, classes: Sequence[str], *, title: str
) -> Figure:
    """Draw batches side by side with an arrow from each sentence to its nearest neighbour.

    Shape:
        each batch (N, 3): the head reads the first two numbers, the third is drawn upwards.
    """
    figure = Figure(figsize=(6.8, 3.3), layout="constrained")
    figure.suptitle(title, fontsize=10, x=0.01, ha="left")
    for axes, (name, features) in zip(
        figure.subplots(1, len(batches), sharey=True, squeeze=False)[0],
        batches.items(),
        strict=True,
    ):
        points = features[:, 1:]  # (N, 2): the first number would hide sentence 6 behind 3
        for i, j in enumerate(nearest(features).tolist()):
            same = bool(labels[i] == labels[j])
            # Two sentences may be each other's nearest: bent arrows do not hide one another.
            style = {"arrowstyle": "->", "connectionstyle": "arc3,rad=0.18", "shrinkA": 7}
            style |= {"shrinkB": 7, "color": "#555555" if same else COLOURS[4]}
            style |= {"linestyle": "-" if same else "--"}
            axes.annotate("", points[j].tolist(), points[i].tolist(), arrowprops=style)
        scatter(axes, points, labels, classes)
        for i, (x, y) in enumerate(points.tolist(), 1):
            axes.annotate(str(i), (x, y), (7, 6), textcoords="offset points", fontsize=8)
        axes.set_title(name, fontsize=9)
        axes.set(xlabel="second number (the head reads it)", xlim=(-2.7, 2.2), ylim=(-5.5, 5.5))
    figure.axes[0].set_ylabel("third number (the head does not)")
    figure.axes[0].legend(fontsize=7, loc="upper left")
    return figure


def scatter(axes: Axes, points: Tensor, labels: Tensor, classes: Sequence[str]) -> None:
    """Draw points by class, colour and shape.

    Shape:
        points (N, 2), labels (N,).
    """
    size = 55 if len(points) < 20 else 16
    for k, name in enumerate(classes):
        own = points[labels == k].numpy()
        axes.scatter(
            *(own[:, 0], own[:, 1]), s=size, marker=MARKERS[k], color=COLOURS[k], label=name
        )


def principal(features: Tensor) -> tuple[Tensor, list[float]]:
    """Project onto the two directions of largest spread; return their shares of it too.

    Shape:
        features (N, d) -> (N, 2).
    """
    centred = features - features.mean(0)
    u, s, _ = torch.linalg.svd(centred, full_matrices=False)
    shares = s.square() / s.square().sum().clamp(min=1e-12)
    points = u[:, :2] * s[:2]
    # The sign of a principal direction is arbitrary: take the one that varies with no library.
    signs = torch.where(points.gather(0, points.abs().argmax(0, keepdim=True)) < 0, -1.0, 1.0)
    return points * signs, shares[:2].tolist()


def before_after(
    panels: Mapping[str, Tensor], labels: Tensor, classes: Sequence[str], *, title: str
) -> Figure:
    """Draw features of the same sentences before and after, each by its own two directions.

    Shape:
        each panel (N, d), labels (N,).
    """
    figure = Figure(figsize=(6.8, 3.3), layout="constrained")
    figure.suptitle(title, fontsize=10, x=0.01, ha="left")
    for axes, (name, features) in zip(
        figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True
    ):
        points, shares = principal(features)
        scatter(axes, points, labels, classes)
        axes.set_title(name, fontsize=9)
        axes.set(
            xlabel=f"first direction ({shares[0]:.0%} of the spread)",
            ylabel=f"second direction ({shares[1]:.0%})",
        )
    figure.axes[0].legend(fontsize=7)
    return figure


def loss_curve(losses: Sequence[float], *, start: float, title: str, width: int = 8) -> Figure:
    """Draw the loss of each step, its mean over the last `width` steps, and the start expected."""
    figure = Figure(figsize=(5.6, 2.8), layout="constrained")
    axes = figure.subplots()
    steps = range(1, len(losses) + 1)
    mean = [np.mean(losses[max(0, i - width) : i]) for i in steps]
    axes.plot(steps, losses, ".", color=COLOURS[5], label="one batch")
    axes.plot(steps, mean, color=COLOURS[0], label=f"mean of the last {width}")
    axes.axhline(start, color="#777777", ls="--", label=f"no opinion: log K = {start:.2f}")
    axes.set(xlabel="step", ylabel="cross-entropy (nats)", ylim=(0, None))
    axes.set_title(title, fontsize=10)
    axes.legend(fontsize=8)
    return figure


def two_curves(curves: Mapping[str, Sequence[float]], *, floor: float, title: str) -> Figure:
    """Draw two losses against steps and the line that one of them cannot cross."""
    figure = Figure(figsize=(5.6, 2.8), layout="constrained")
    axes = figure.subplots()
    for (name, losses), colour, style in zip(
        curves.items(), (COLOURS[0], COLOURS[4]), ("-", "--"), strict=True
    ):
        axes.plot(range(1, len(losses) + 1), losses, style, color=colour, label=name)
    axes.axhline(floor, color="#777777", ls=":", label=f"floor {floor:.3f}")
    axes.set(xlabel="step", ylabel="number that is printed", ylim=(0, None))
    axes.set_title(title, fontsize=10)
    axes.legend(fontsize=8)
    return figure
