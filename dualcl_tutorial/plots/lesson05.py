"""Figures of lesson 05: both terms as pictures, their one matrix, swaps, lambda and tau."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from dualcl_tutorial.notebook import COLOURS

FEATURE, CLASSIFIER = "o", "^"
STYLES = ("-", "--", "-.", ":")


def dual_terms(labels: Tensor, *, anchor: int = 0) -> Figure:
    """Draw what an anchor is compared with in L_z (left) and in L_theta (right).

    Args:
        labels: (N,).
        anchor: counts from 0.
    """
    figure = Figure(figsize=(6.8, 3.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    _term(
        left, labels, anchor, FEATURE, CLASSIFIER, "z", "θ*", "L_z: a feature looks at classifiers"
    )
    _term(
        right, labels, anchor, CLASSIFIER, FEATURE, "θ*", "z", "L_θ: a classifier looks at features"
    )
    handles, names = left.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=3, fontsize=8)
    return figure


def _term(
    axes: Axes,
    labels: Tensor,
    anchor: int,
    own_marker: str,
    other_marker: str,
    own_name: str,
    other_name: str,
    title: str,
) -> None:
    kinds = {
        "positive: pull": (COLOURS[0], "-", 2.2),
        "negative: push": (COLOURS[4], "--", 1.0),
        "own pair: left out": ("#999999", ":", 1.0),
    }
    seen: set[str] = set()
    middle = (len(labels) - 1) / 2
    for j, k in enumerate(labels.tolist()):
        same = k == int(labels[anchor])
        kind = list(kinds)[2 if j == anchor else 0 if same else 1]
        colour, style, width = kinds[kind]
        name = None if kind in seen else kind
        seen.add(kind)
        axes.plot([0, 1], [middle, j], style, color=colour, lw=width, label=name, zorder=1)
        axes.scatter([1], [j], s=190, marker=other_marker, color="#eeeeee", edgecolor="#444444")
        axes.text(1.1, j, f"{other_name}$_{j + 1}$, class {k}", va="center", fontsize=8)
    axes.scatter(
        [0], [middle], s=260, marker=own_marker, color="white", edgecolor="black", zorder=2
    )
    text = f"anchor\n{own_name}$_{anchor + 1}$, class {int(labels[anchor])}"
    axes.text(-0.1, middle, text, ha="right", va="center", fontsize=8)
    axes.set(xlim=(-0.55, 1.7), ylim=(len(labels) - 0.5, -0.5))
    axes.set_axis_off()
    axes.set_title(title, fontsize=9)


def score_matrix(cosines: Tensor, labels: Tensor, *, anchor: int = 0) -> Figure:
    """Draw the one matrix of both terms, the row and the column of an anchor framed.

    Shape:
        cosines (N, N), row i theta*_i and column j z_j; labels (N,).
    """
    figure = Figure(figsize=(5.6, 3.9), layout="constrained")
    axes = figure.subplots()
    rows = len(labels)
    image = axes.imshow(cosines, vmin=-1, vmax=1, cmap="cividis")
    for i in range(rows):
        for j in range(rows):
            value = float(cosines[i, j])
            colour = "black" if value > 0.2 or i == j else "white"
            weight = "bold" if labels[i] == labels[j] and i != j else "normal"
            text = "(6)" if i == j else f"{value:.2f}"
            axes.text(j, i, text, ha="center", va="center", fontsize=8, color=colour, weight=weight)
        own = Rectangle((i - 0.5, i - 0.5), 1, 1, facecolor="#d0d0d0")
        axes.add_patch(own)
    frames = (
        ((-0.5, anchor - 0.5), rows, 1, COLOURS[4], "-", f"L_θ: anchor θ*{anchor + 1}"),
        ((anchor - 0.5, -0.5), 1, rows, COLOURS[3], "--", f"L_z: anchor z{anchor + 1}"),
    )
    for corner, width, height, colour, style, name in frames:
        axes.add_patch(
            Rectangle(
                corner,
                width,
                height,
                fill=False,
                edgecolor=colour,
                lw=2.5,
                ls=style,
                label=name,
                clip_on=False,
            )
        )
    names = [f"{i + 1}: {k}" for i, k in enumerate(labels.tolist())]
    axes.set_xticks(range(rows), names, fontsize=8)
    axes.set_yticks(range(rows), names, fontsize=8)
    axes.set(xlabel="feature z: class", ylabel="classifier θ*: class")
    axes.set_title("One matrix: L_θ reads rows, L_z reads columns", fontsize=9)
    axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(-0.05, -0.16), ncols=2)
    figure.colorbar(image, ax=axes, label="cosine", shrink=0.8)
    return figure


def losses_with_floor(
    curves: Mapping[str, Sequence[float]], floor: Mapping[str, float], *, title: str, ylabel: str
) -> Figure:
    """Draw loss curves and, as a thin line of the same colour, the floor each one has.

    Args:
        curves: name to values, one a step.
        floor: name to floor.
        title: the figure's claim.
        ylabel: what is drawn.
    """
    figure = Figure(figsize=(6.0, 3.0), layout="constrained")
    axes = figure.subplots()
    for (name, values), colour, style in zip(curves.items(), COLOURS, STYLES, strict=False):
        steps = range(1, len(values) + 1)
        axes.plot(steps, values, style, color=colour, label=f"{name} (floor {floor[name]:.2f})")
        axes.axhline(floor[name], color=colour, lw=0.7, alpha=0.8)
    axes.set(xlabel="step", ylabel=ylabel)
    axes.set_ylim(bottom=min(0.0, min(floor.values())) - 0.02)
    axes.set_title(title, fontsize=9)
    axes.legend(fontsize=8)
    return figure


def take_out(runs: pd.DataFrame) -> Figure:
    """Draw test accuracy and three cosines for each loss that something was taken out of.

    Args:
        runs: one row a run: variant, seed, accuracy, own, partner, stranger.
    """
    variants = list(dict.fromkeys(runs["variant"]))
    figure = Figure(figsize=(6.8, 2.9), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for row, variant in enumerate(variants):
        mine = runs[runs.variant == variant]
        left.scatter(mine.accuracy, [row] * len(mine), color=COLOURS[0], s=28, zorder=2)
        pairs = (("own", "o", 0), ("partner", "s", 2), ("stranger", "x", 4))
        for column, marker, colour in pairs:
            name = f"{column} pair" if row == 0 else None
            right.scatter(
                mine[column],
                [row] * len(mine),
                marker=marker,
                color=COLOURS[colour],
                s=28,
                label=name,
            )
    left.set_yticks(range(len(variants)), variants, fontsize=8)
    left.set(xlabel="test accuracy (one dot a seed)", xlim=(0, 1), ylim=(len(variants) - 0.5, -0.5))
    right.set(xlabel="mean cosine of z and θ*", xlim=(-1.1, 1.05))
    for axes in (left, right):
        axes.grid(axis="y", color="#eeeeee")
    left.set_title("Only pushing without pulling ruins it", fontsize=9)
    right.set_title("How near the pairs came", fontsize=9)
    right.legend(fontsize=7, loc="lower left")
    return figure


def by_epoch(runs: pd.DataFrame) -> pd.DataFrame:
    """Average a table of steps over each epoch of each run, since every batch has its own floor."""
    keys = ["weight", "temperature", "seed", "epoch"]
    columns = ["cross_entropy", "loss_z", "loss_theta", "collapsed", "floor"]
    return runs.groupby(keys, as_index=False)[columns].mean()


def lambda_tau(runs: pd.DataFrame, *, weight: float, temperature: float) -> Figure:
    """Draw the stored curves of one weight and temperature, and where its accuracy stands.

    Args:
        runs: the table lesson05_lambda_tau.
        weight: lambda, one that is in the table.
        temperature: tau, one that is in the table.
    """
    chosen = (runs.weight == weight) & (runs.temperature == temperature)
    figure = Figure(figsize=(7.0, 3.3), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.25, 1))
    epochs = by_epoch(runs[chosen])
    mean = epochs.groupby("epoch", as_index=False).mean()
    left.fill_between(
        mean.epoch + 1, mean.floor, mean.collapsed, color="#e4e4e4", label="floor to collapsed"
    )
    lines = (("loss_z", "L_z"), ("loss_theta", "L_θ"), ("cross_entropy", "cross-entropy"))
    for (column, name), colour, style in zip(lines, COLOURS, STYLES, strict=False):
        for number, (_, one) in enumerate(epochs.groupby("seed")):
            label = name if number == 0 else None
            left.plot(one.epoch + 1, one[column], style, color=colour, lw=1.2, label=label)
    left.set(xlabel="epoch", ylabel="loss (nats), mean of an epoch", ylim=(0, 4))
    left.set_title(f"λ = {weight:g}, τ = {temperature:g}: one line a seed", fontsize=9)
    left.legend(fontsize=7, ncols=2, loc="upper right")
    _accuracies(right, runs, weight, temperature)
    return figure


def _accuracies(axes: Axes, runs: pd.DataFrame, weight: float, temperature: float) -> None:
    ends = runs.dropna(subset=["accuracy"])
    without = ends[ends.weight == 0].accuracy
    axes.axhspan(without.min(), without.max(), color="#dddddd", label="without L_dual")
    for tau, colour, marker, shift in zip(
        sorted(ends[ends.weight > 0].temperature.unique()),
        COLOURS[1:],
        "osD",
        (-0.12, 0, 0.12),
        strict=False,
    ):
        some = ends[(ends.temperature == tau) & (ends.weight > 0)]
        x = np.log10(some.weight) + shift
        axes.scatter(x, some.accuracy, color=colour, marker=marker, s=20, label=f"τ = {tau:g}")
        here = some[(some.weight == weight) & (some.temperature == temperature)]
        axes.scatter(
            np.log10(here.weight) + shift,
            here.accuracy,
            s=120,
            facecolor="none",
            edgecolor="black",
            label=None if here.empty else "chosen",
        )
    weights = sorted(ends[ends.weight > 0].weight.unique())
    axes.set_xticks(np.log10(weights), [f"{value:g}" for value in weights])
    axes.set(xlabel="weight λ", ylabel="test accuracy")
    axes.set_title("All runs, the chosen ones circled", fontsize=9)
    axes.legend(fontsize=7)


def infonce_bound(truth: Sequence[float], estimates: Mapping[int, Sequence[float]]) -> Figure:
    """Draw InfoNCE's estimates of a known mutual information, for several numbers of candidates.

    Args:
        truth: the mutual information of each simulated pair of variables.
        estimates: number of candidates N to log N minus loss, one for each of them.
    """
    figure = Figure(figsize=(5.6, 3.2), layout="constrained")
    axes = figure.subplots()
    axes.plot(truth, truth, color="black", lw=1, label="the truth")
    for (size, values), colour, marker in zip(estimates.items(), COLOURS, "osD", strict=False):
        label = f"N = {size}, log N = {math.log(size):.2f}"
        axes.plot(truth, values, marker=marker, ms=4, color=colour, label=label)
        axes.axhline(math.log(size), color=colour, lw=0.7, ls=":")
    axes.set(xlabel="mutual information (nats), known", ylabel="log N - loss (nats)")
    axes.set_title("InfoNCE never reports more than log N", fontsize=9)
    axes.legend(fontsize=8)
    return figure


def terms_between_lines(history: pd.DataFrame) -> Figure:
    """Draw L_z and L_theta of a run step by step between the two lines of its own batches.

    Args:
        history: of a run of method dualcl or label-aware.
    """
    figure = Figure(figsize=(6.0, 3.2), layout="constrained")
    axes = figure.subplots()
    axes.fill_between(
        history.step,
        history.floor,
        history.collapsed,
        step="mid",
        color="#dddddd",
        label="between floor and collapsed",
    )
    for column, name, colour, style in (
        ("loss_z", "L_z", COLOURS[0], "-"),
        ("loss_theta", "L_θ", COLOURS[4], "--"),
    ):
        axes.plot(history.step, history[column], style, color=colour, lw=1.2, label=name)
    axes.set(xlabel="step", ylabel="loss (nats)")
    axes.set_ylim(bottom=0)
    axes.set_title("Both terms sink together, in the same band", fontsize=9)
    axes.legend(fontsize=8, loc="lower left")
    return figure
