"""Figures of lesson 11: recall of rare classes, the price of many classes, how sure answers are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from dualcl_tutorial.notebook import COLOURS
from dualcl_tutorial.own_data import reliability


def recalls(choices: pd.DataFrame, names: Sequence[str]) -> Figure:
    """Draw how many tickets of each team are found, a mark a choice, over all seeds.

    Args:
        choices: the table lesson11_choices.
        names: which of its choices, in this order.
    """
    shown = choices[choices.choice.isin(names)]
    counts = shown.groupby(["choice", "team"])[["tickets", "right"]].sum()
    teams = shown.groupby("team").tickets.max().sort_values(ascending=False)
    figure = Figure(figsize=(6.4, 3.2), layout="constrained")
    axes = figure.subplots()
    width = 0.5 / len(names)
    for n, name in enumerate(names):
        found = counts.loc[name].loc[list(teams.index)]
        places = np.arange(len(teams)) + (n - (len(names) - 1) / 2) * width
        style: dict[str, Any] = {"marker": "os^D"[n], "color": COLOURS[n], "ls": "none", "ms": 6}
        axes.plot(places, found.right / found.tickets, label=name, clip_on=False, **style)
    axes.set_xticks(range(len(teams)), [f"{t}\n{size}" for t, size in teams.items()], fontsize=8)
    axes.set(ylim=(0, 1), ylabel="share found (recall)", xlabel="team, and its test tickets")
    axes.set_title("How many tickets of each team are found", fontsize=10)
    axes.grid(axis="y", color="#dddddd", lw=0.6)
    axes.legend(fontsize=8, loc="lower left")
    return figure


def many_classes(table: pd.DataFrame) -> Figure:
    """Draw tokens, time and memory against the number of classes, with cross-entropy beside.

    Args:
        table: lesson11_many_classes; its row 0 is cross-entropy, which has no prefix.
    """
    plain, dual = table[table.classes == 0].iloc[0], table[table.classes > 0]
    panels = {
        "tokens": ("tokens of an input", 1.0),
        "step": ("time of a training step", 1 / plain.step),
        "kept_mb": ("memory for the backward pass", 1 / plain.kept_mb),
    }
    figure = Figure(figsize=(7.6, 2.7), layout="constrained")
    for axes, (column, (title, scale)) in zip(
        figure.subplots(1, len(panels)), panels.items(), strict=True
    ):
        axes.plot(dual.classes, dual[column] * scale, marker="o", color=COLOURS[0], label="DualCL")
        axes.axhline(plain[column] * scale, color=COLOURS[4], ls="--", label="cross-entropy")
        if column == "step":
            low, high = dual.step_min * scale, dual.step_max * scale
            axes.fill_between(dual.classes, low, high, color=COLOURS[0], alpha=0.2)
        unit = "tokens" if column == "tokens" else "times cross-entropy"
        axes.set(xlabel="classes K", ylabel=unit, ylim=(0, None))
        axes.set_title(title, fontsize=9)
        axes.set_xticks([2, 32, 64, 100])
    figure.axes[0].legend(fontsize=8)
    figure.suptitle("With the prefix grows all else", x=0.01, ha="left", fontsize=10)
    return figure


def calibration(judged: Mapping[str, tuple[np.ndarray, np.ndarray]], *, bins: int = 10) -> Figure:
    """Draw accuracy against confidence, bin by bin, and how many texts stand in each bin.

    Args:
        judged: name -> confidences and whether the answers are right.
        bins: number of bins.

    Shape:
        each (N,).
    """
    figure = Figure(figsize=(6.4, 3.1), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.15, 1))
    left.plot([0, 1], [0, 1], color="#777777", ls=":", lw=1)
    left.text(0.05, 0.11, "sure = right", color="#555555", fontsize=8, rotation=41)
    for n, (name, (confidence, correct)) in enumerate(judged.items()):
        table = reliability(confidence, correct, bins=bins)
        style: dict[str, Any] = {"marker": "os"[n], "color": COLOURS[(4, 0)[n]]}
        left.plot(table.confidence, table.accuracy, label=name, ls=("--", "-")[n], **style)
        places = (table.low + table.high) / 2 + (n - 0.5) * 0.4 / bins
        right.bar(places, table.n, width=0.4 / bins, color=style["color"], label=name)
    left.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="mean confidence", ylabel="accuracy")
    left.set_title("Below the line: too sure", fontsize=10)
    left.legend(fontsize=8, loc="upper left")
    right.set(xlabel="confidence", ylabel="test tickets", xlim=(0, 1))
    right.set_title("Where the answers are", fontsize=10)
    return figure


def confusion(matrix: np.ndarray, names: Sequence[str]) -> Figure:
    """Draw a confusion matrix with its numbers: rows true, columns predicted.

    Shape:
        matrix (K, K).
    """
    figure = Figure(figsize=(5.4, 4.0), layout="constrained")
    axes = figure.subplots()
    matrix = np.asarray(matrix)
    shares = matrix / matrix.sum(1, keepdims=True).clip(min=1)
    axes.imshow(shares, vmin=0, vmax=1, cmap="cividis")
    for i, j in np.ndindex(*matrix.shape):
        if matrix[i, j]:
            shade = "black" if shares[i, j] > 0.55 else "white"
            axes.text(
                j, i, str(int(matrix[i, j])), ha="center", va="center", fontsize=8, color=shade
            )
    axes.set_xticks(range(len(names)), names, rotation=40, ha="right", fontsize=8)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set(xlabel="predicted", ylabel="true team")
    axes.set_title("What is taken for what (colour: share of the row)", fontsize=10)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    return figure


def coverage(confidence: np.ndarray, right: np.ndarray, *, threshold: float) -> Figure:
    """Draw the share of texts answered, and the accuracy on them, against the threshold.

    Args:
        confidence: of each answer.
        right: whether it is right.
        threshold: answers with less confidence go to a person.

    Shape:
        confidence, right (N,).
    """
    confidence, right = np.asarray(confidence), np.asarray(right)
    figure = Figure(figsize=(6.2, 3.2), layout="constrained")
    axes = figure.subplots()
    places = np.linspace(0, 0.99, 100)
    answered = [float((confidence >= t).mean()) for t in places]
    accuracy = [
        right[confidence >= t].mean() if (confidence >= t).any() else np.nan for t in places
    ]
    axes.plot(places, answered, color=COLOURS[0], label="answered by the model")
    axes.plot(places, accuracy, color=COLOURS[4], ls="--", label="right among these")
    axes.axvline(threshold, color="#555555", lw=1)
    kept = confidence >= threshold
    share = f"{kept.mean():.0%} answered"
    share += f", {right[kept].mean():.0%} of them right" if kept.any() else ""
    axes.set(xlabel="threshold of confidence", ylabel="share", xlim=(0, 1), ylim=(0, 1.02))
    axes.set_title(f"Threshold {threshold:.2f}: {share}", fontsize=10)
    axes.legend(fontsize=8, loc="lower left")
    return figure
