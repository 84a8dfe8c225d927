"""Figures of lesson 07: three bookkeepings, a loss that follows a cosine, permutations, runs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from dualcl_tutorial.notebook import COLOURS

POSITIVE, NEGATIVE, NOTHING, WRONG = COLOURS[0], COLOURS[5], "#f2f2f2", COLOURS[4]
# What a loss does with an anchor's own pair: what stands in the cell, and its colour.
OWN: dict[str, tuple[str, str]] = {
    "left out": ("", NOTHING),
    "positive only": ("+", WRONG),
    "exp(0) = 1": ("1", WRONG),
    "positive, and exp(0) = 1": ("+1", WRONG),
}
#: The three losses of the lesson, by what they do with the own pair and with the same class.
BOOKS = {
    "paper": ("left out", False),
    "snippet": ("positive only", True),
    "last release": ("exp(0) = 1", False),
}


def draw_book(axes: Axes, labels: Tensor, *, own: str, same_by_mu: bool) -> None:
    """Draw which pair plays which part in a contrastive loss, a cell each.

    Args:
        axes: to draw into.
        labels: class of each sentence, (N,).
        own: a key of :data:`OWN`.
        same_by_mu: whether pairs of one class are multiplied by mu, not divided by temperature.
    """
    numbers = labels.tolist()
    for i, anchor in enumerate(numbers):
        for j, target in enumerate(numbers):
            same = anchor == target
            mark, colour = ("+" if same else "\N{MINUS SIGN}"), (POSITIVE if same else NEGATIVE)
            if i == j:
                mark, colour = OWN[own]
            if same and same_by_mu and mark.startswith("+"):
                mark += "\N{GREEK SMALL LETTER MU}"
            axes.add_patch(Rectangle((j - 0.47, i - 0.47), 0.94, 0.94, facecolor=colour))
            shade = "white" if colour in (POSITIVE, WRONG) else "#333333"
            axes.text(j, i, mark, ha="center", va="center", fontsize=8, color=shade)
    names = [f"{i + 1}: {k}" for i, k in enumerate(numbers)]
    axes.set(xlim=(-0.5, len(names) - 0.5), ylim=(len(names) - 0.5, -0.5), aspect="equal")
    axes.set_xticks(range(len(names)), names, fontsize=7, rotation=45)
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("target: class", fontsize=8)
    axes.set_ylabel("anchor: class", fontsize=8)


def three_books(labels: Tensor) -> Figure:
    """Draw the pairs of the paper, the snippet and the last release side by side.

    Shape:
        labels (N,).
    """
    figure = Figure(figsize=(7.6, 2.9), layout="constrained")
    for axes, (name, (own, same_by_mu)) in zip(figure.subplots(1, 3), BOOKS.items(), strict=True):
        draw_book(axes, labels, own=own, same_by_mu=same_by_mu)
        axes.set_title(f"{name}\nown pair: {own}", fontsize=8.5)
    return figure


def excess(cosine: float, batch: int, temperature: float = 0.1) -> float:
    """Compute log(1 + 1/Z), what the last release adds where all cosines are the same."""
    return math.log1p(math.exp(-cosine / temperature) / (batch - 1))


def one_class(*, batch: int = 8, temperature: float = 0.1) -> Figure:
    """Draw a one-class batch's loss against its common cosine, and the excess against N.

    Args:
        batch: sentences in the batch of the left panel.
        temperature: tau.
    """
    figure = Figure(figsize=(7.2, 3.0), layout="constrained")
    left, right = figure.subplots(1, 2)
    cosines = np.linspace(-1, 1, 81)
    paper = math.log(batch - 1)
    release = [paper + excess(c, batch, temperature) for c in cosines]
    left.plot(cosines, release, color=WRONG, ls="--", label="last release")
    left.plot(cosines, [paper] * len(cosines), color=POSITIVE, label=f"paper: log {batch - 1}")
    left.set(xlabel="cosine of every pair", ylabel="loss", ylim=(0, None))
    left.set_title(f"One class, {batch} sentences", fontsize=10)
    left.legend(fontsize=8)
    sizes = [2, 4, 8, 16, 32, 64, 128]
    for n, cosine in enumerate((-0.5, 0.0, 0.5)):
        values = [excess(cosine, size, temperature) for size in sizes]
        style: dict[str, Any] = {"marker": "os^"[n], "ls": ("-", "--", ":")[n]}
        right.plot(sizes, values, color=COLOURS[n], label=f"cosine {cosine:g}", **style)
    right.set_xscale("log", base=2)
    right.set_yscale("log")
    right.set_xticks(sizes, [str(size) for size in sizes])
    right.set(xlabel="sentences in the batch", ylabel="release minus paper")
    right.set_title("The 1 matters where the rest is small", fontsize=10)
    right.legend(fontsize=8)
    return figure


def right_labels(shares: Mapping[int, float]) -> Figure:
    """Draw the share of targets that stay right against the number of classes.

    Args:
        shares: number of classes -> share of all permutations and classes that stay right.
    """
    figure = Figure(figsize=(5.2, 2.8), layout="constrained")
    axes = figure.subplots()
    classes = list(shares)
    axes.bar(classes, list(shares.values()), color=COLOURS[5])
    fine = np.linspace(min(classes), max(classes), 60)
    axes.plot(fine, 2 / fine, color="black", lw=1, ls="--", label="2 / K")
    for k, share in shares.items():
        axes.text(k, share / 2, f"{share:.2f}", ha="center", va="center", fontsize=8)
    axes.set(xlabel="number of classes K", ylabel="share of right targets", ylim=(0, 1.05))
    axes.set_xticks(classes)
    axes.set_title("Two classes hide the fault", fontsize=10)
    axes.legend(fontsize=8)
    return figure


#: Terms whose course through training is drawn; the others lie close to one of them.
CURVES = ("paper", "snippet 12", "snippet 4", "release", "paper, labels renumbered")


def trained_modes(runs: pd.DataFrame, terms: Sequence[str]) -> Figure:
    """Draw the stored runs: the added term epoch by epoch, and the test accuracies.

    Args:
        runs: the table lesson07_modes.
        terms: which terms, in the order they are drawn; curves only for those in `CURVES`.
    """
    figure = Figure(figsize=(7.4, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.1, 1))
    for n, term in enumerate(terms):
        rows = runs[runs.term == term]
        colour, marker = COLOURS[n % len(COLOURS)], "os^Dv*PXp<"[n % 10]
        if term in CURVES:
            curve = rows.groupby("epoch").term_value.mean()
            style: dict[str, Any] = {"color": colour, "marker": marker, "ms": 4}
            style["ls"] = "-" if n < len(COLOURS) else "--"  # colours begin anew
            left.plot(curve.index, curve, label=term, **style)
        accuracy = rows.accuracy.dropna()
        right.plot(accuracy, [n] * len(accuracy), marker=marker, color=colour, ls="none", alpha=0.8)
        right.plot([accuracy.mean()], [n], marker="|", color="black", ms=14)
    left.axhline(0, color="#777777", lw=0.8)
    left.set(xlabel="epoch", ylabel="added term, mean of the epoch", ylim=(-0.5, 13))
    left.set_title("What is added to cross-entropy", fontsize=10)
    left.legend(fontsize=7)
    right.set_yticks(range(len(terms)), terms, fontsize=8)
    right.invert_yaxis()
    right.set(xlabel="test accuracy, one mark a seed, | the mean")
    right.set_title("Where it ends", fontsize=10)
    return figure
