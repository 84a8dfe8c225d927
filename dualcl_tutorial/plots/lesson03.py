"""Figures of lesson 03: masks, the sum outside and inside the logarithm, pulls, the floor."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle
from torch import Tensor

from dualcl_tutorial.losses import pair_masks
from dualcl_tutorial.notebook import COLOURS

MARKERS = "os^Dv*"


def draw_mask(axes: Axes, mask: Tensor, labels: Sequence[int], colour: str, title: str) -> None:
    """Draw a Boolean matrix with the class of each row and column at its side.

    Shape:
        mask (N, M) bool, labels N numbers.
    """
    rows, columns = mask.shape
    for i in range(rows):
        for j in range(columns):
            on = bool(mask[i, j])
            axes.add_patch(
                Rectangle((j - 0.47, i - 0.47), 0.94, 0.94, facecolor=colour if on else "#f2f2f2")
            )
            mark = "1" if on else ("own" if i == j else "")
            shade = "white" if on else "#555555"
            axes.text(j, i, mark, ha="center", va="center", fontsize=8, color=shade)
    names = [f"{i + 1}: {k}" for i, k in enumerate(labels)]
    axes.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5), aspect="equal")
    axes.set_xticks(range(columns), names, fontsize=7, rotation=45)
    axes.set_yticks(range(rows), names, fontsize=7)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_title(title, fontsize=9)
    axes.set_xlabel("target: class", fontsize=8)
    axes.set_ylabel("anchor: class", fontsize=8)


def two_masks(labels: Tensor) -> Figure:
    """Draw candidates and positives of a batch side by side.

    Shape:
        labels (N,).
    """
    candidates, positives = pair_masks(labels)
    figure = Figure(figsize=(6.4, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    numbers = labels.tolist()
    draw_mask(left, candidates, numbers, COLOURS[1], f"candidates A: {int(candidates.sum())} pairs")
    draw_mask(right, positives, numbers, COLOURS[0], f"positives P: {int(positives.sum())} pairs")
    return figure


def one_anchor(second: float, *, temperature: float = 0.1) -> dict[str, float]:
    """Compute both losses of an anchor with two positives, one at cosine 0.9, one at `second`.

    Three negatives have cosine 0. Besides the losses, the share of the pull that goes to the second
    positive: one half outside the logarithm, its softmax among positives inside.
    """
    logits = torch.tensor([0.9, second, 0.0, 0.0, 0.0], dtype=torch.float64) / temperature
    log_p = torch.log_softmax(logits, 0)[:2]
    return {
        "outside": float(-log_p.mean()),
        "inside": float(-(torch.logsumexp(log_p, 0) - math.log(2))),
        "outside share": 0.5,
        "inside share": float(torch.softmax(logits[:2], 0)[1]),
    }


def outside_inside(*, temperature: float = 0.1) -> Figure:
    """Draw the loss of one anchor and the far positive's share of its pull, for both forms."""
    grid = np.linspace(-0.9, 0.9, 73)
    values = pd.DataFrame([one_anchor(c, temperature=temperature) for c in grid])
    figure = Figure(figsize=(6.6, 2.9), layout="constrained")
    left, right = figure.subplots(1, 2)
    for axes, suffix in ((left, ""), (right, " share")):
        for form, colour, style in (("outside", COLOURS[0], "-"), ("inside", COLOURS[4], "--")):
            axes.plot(grid, values[form + suffix], style, color=colour, label=f"sum {form} the log")
        axes.set_xlabel("cosine of anchor and far positive")
    left.set(ylabel="loss of this anchor (nats)")
    left.set_title("Outside: a far positive costs more", fontsize=9)
    right.set(ylabel="far positive's share of the pull", ylim=(-0.03, 0.6))
    right.set_title("Inside: it is hardly pulled at all", fontsize=9)
    left.legend(fontsize=8)
    return figure


def pull_weights(features: Tensor, labels: Tensor, anchor: int, temperature: float) -> Tensor:
    """Compute how hard an anchor is pulled (above 0) or pushed (below 0) by each other feature.

    It is 1/|P_i| for positives, minus the softmax over A_i: minus the gradient of the loss of this
    anchor with respect to its scores. All 0 where it has no positive.

    Shape:
        features (N, d), labels (N,) -> (N,).
    """
    candidates, positives = (mask[anchor] for mask in pair_masks(labels))
    if not positives.any():
        return torch.zeros(len(labels), dtype=features.dtype)
    unit = torch.nn.functional.normalize(features, dim=1)
    logits = (unit @ unit[anchor] / temperature).masked_fill(~candidates, -torch.inf)
    return positives / positives.sum() - torch.softmax(logits, 0)


def circle(features: Tensor, labels: Tensor, *, anchor: int, temperature: float) -> Figure:
    """Draw on the unit circle what pulls and what pushes one anchor, the weights as line widths.

    Shape:
        features (N, 2), labels (N,); anchor counts from 0.
    """
    unit = torch.nn.functional.normalize(features, dim=1)
    weights = pull_weights(features, labels, anchor, temperature)
    figure = Figure(figsize=(5.4, 3.5), layout="constrained")
    axes = figure.subplots()
    axes.add_patch(Circle((0, 0), 1, fill=False, edgecolor="#bbbbbb"))
    for j, weight in enumerate(weights.tolist()):
        line = [[float(unit[anchor, k]), float(unit[j, k])] for k in (0, 1)]
        colour, style = (COLOURS[0], "-") if weight > 0 else (COLOURS[4], "--")
        if weight:
            axes.plot(*line, style, color=colour, lw=0.3 + 7 * abs(weight), alpha=0.75, zorder=1)
            x, y = (1.17 * unit[j]).tolist()
            axes.text(x, y, f"{weight:+.2f}", ha="center", va="center", fontsize=8, color=colour)
    for j, (x, y) in enumerate(unit.tolist()):
        k = int(labels[j])
        size = 190 if j == anchor else 110
        face, edge = ("white", "#000000") if j == anchor else ("#eeeeee", "#444444")
        axes.scatter([x], [y], s=size, marker=MARKERS[k], color=face, edgecolor=edge, zorder=2)
        axes.text(x, y, str(j + 1), ha="center", va="center", fontsize=7, zorder=3)
    if weights.any():
        title = f"Anchor {anchor + 1}: blue lines pull it, dashed ones push it away"
    else:
        title = f"Anchor {anchor + 1} has no partner: its loss moves nothing"
    for k in sorted(set(labels.tolist())):
        axes.scatter(
            [], [], marker=MARKERS[k], color="#eeeeee", edgecolor="#444444", label=f"class {k}"
        )
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    axes.set(xlim=(-1.45, 1.45), ylim=(-1.35, 1.35), aspect="equal")
    axes.set_title(title, fontsize=9)
    axes.set(xlabel="first coordinate at length 1", ylabel="second coordinate")
    return figure


def between_classes(
    cosines: Sequence[float] | np.ndarray, *, per_class: int, classes: int, temperature: float
) -> np.ndarray:
    """Compute the loss of a batch whose classes are single points with this cosine in between."""
    partners, others = per_class - 1, per_class * (classes - 1)
    apart = (np.asarray(cosines) - 1) / temperature
    return np.log(partners + others * np.exp(apart))


def floor_and_ceiling(temperatures: Sequence[float] = (0.05, 0.1, 0.5, 1.0)) -> Figure:
    """Draw the loss of 16 sentences in two classes, from one point for all to two opposite ones."""
    figure = Figure(figsize=(6.0, 3.4), layout="constrained")
    axes = figure.subplots()
    cosines = np.linspace(1, -1, 201)
    for temperature, colour, style in zip(
        temperatures, COLOURS, ("-", "--", "-.", ":"), strict=False
    ):
        losses = between_classes(cosines, per_class=8, classes=2, temperature=temperature)
        axes.plot(cosines, losses, style, color=colour, label=f"temperature {temperature:g}")
    for value, shift, text in (
        (math.log(15), 0.02, "collapsed: log 15 = 2.71"),
        (math.log(7), -0.07, "floor: log 7 = 1.95"),
    ):
        axes.axhline(value, color="#777777", lw=0.8)
        axes.text(-1.0, value + shift, text, fontsize=8, ha="right", color="#444444")
    axes.set(xlim=(1.03, -1.03), ylim=(1.75, 2.85))
    axes.set(xlabel="cosine between the two classes", ylabel="loss (nats)")
    axes.set_title(
        "Separated classes reach the floor, and only small temperatures get close", fontsize=9
    )
    axes.legend(fontsize=8, loc="upper right", bbox_to_anchor=(1.0, 0.9))
    return figure


def loss_between_lines(history: pd.DataFrame, column: str = "contrastive") -> Figure:
    """Draw a contrastive loss step by step between the two lines of its own batches.

    Args:
        history: of a run, with the columns step, collapsed, floor and the loss.
        column: which loss.
    """
    figure = Figure(figsize=(6.0, 3.2), layout="constrained")
    axes = figure.subplots()
    step = history["step"]
    axes.fill_between(
        step,
        history["floor"],
        history["collapsed"],
        step="mid",
        color="#dddddd",
        label="between floor and collapsed",
    )
    axes.step(step, history["collapsed"], where="mid", color="#777777", lw=0.8)
    axes.step(step, history["floor"], where="mid", color="#777777", lw=0.8)
    axes.plot(step, history[column], color=COLOURS[0], marker=".", ms=4, lw=1, label="loss")
    axes.set(xlabel="step", ylabel="contrastive loss (nats)")
    axes.set_title(
        "The contrastive loss sinks towards the floor of each batch, not to 0", fontsize=9
    )
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=8, loc="lower left")
    return figure
