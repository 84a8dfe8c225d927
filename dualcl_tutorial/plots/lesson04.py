"""Figures of lesson 04: the label prefix, classifiers that sentences bring along, label order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from torch import Tensor

from dualcl_tutorial.notebook import COLOURS

PLAIN = "#dddddd"  # tokens that are no label


def legible(text: str) -> bool:
    """Say whether the figures' font has a glyph for every character (it has none for Chinese)."""
    known = _characters()
    return all(ord(character) in known for character in text)


@cache
def _characters() -> frozenset[int]:
    from matplotlib import font_manager

    font = font_manager.get_font(font_manager.findfont(font_manager.FontProperties()))
    return frozenset(font.get_charmap())


def owners(tokens: Sequence[str], slots: Tensor) -> list[int | None]:
    """Say which class each token is a piece of, None for the others.

    Shape:
        slots (K, pieces), -1 for no piece.
    """
    owner: list[int | None] = [None] * len(tokens)
    for k, row in enumerate(slots.tolist()):
        for place in row:
            if place >= 0:
                owner[place] = k
    return owner


def prefix_strip(
    tokens: Sequence[str],
    owner: Sequence[int | None],
    rows: Mapping[str, Sequence[int]],
    *,
    title: str,
) -> Figure:
    """Draw tokens as boxes, one colour a class, with rows of numbers below them.

    Args:
        tokens: what the encoder reads.
        owner: the class each token is a piece of, as :func:`owners` gives it.
        rows: names and numbers, one number a token, such as position ids.
        title: what to see.
    """
    figure = Figure(figsize=(7.4, 0.85 + 0.27 * len(rows)), layout="constrained")
    draw_strip(figure.subplots(), tokens, owner, rows)
    figure.axes[0].set_title(title, fontsize=10)
    return figure


def draw_strip(
    axes: Axes,
    tokens: Sequence[str],
    owner: Sequence[int | None],
    rows: Mapping[str, Sequence[int]],
) -> None:
    """Draw what :func:`prefix_strip` draws into axes that are there."""
    widths = [
        max(2.0, 0.62 * len(_shown(token, k)) + 0.9) for token, k in zip(tokens, owner, strict=True)
    ]
    # The longer the strip, the smaller its letters.
    style: dict[str, Any] = {"ha": "center", "va": "center"}
    style["fontsize"] = 7.5 * min(1.0, 55 / sum(widths))
    left = 0.0
    for place, (token, k, width) in enumerate(zip(tokens, owner, widths, strict=True)):
        face = PLAIN if k is None else COLOURS[k % len(COLOURS)]
        box = FancyBboxPatch((left, -0.35), width - 0.25, 0.7, boxstyle="round,pad=0.02", fc=face)
        box.set_edgecolor("none")
        axes.add_patch(box)
        middle = left + (width - 0.25) / 2
        dark = k is not None and k % len(COLOURS) in (0, 2, 4, 6)
        axes.text(middle, 0, _shown(token, k), color="white" if dark else "black", **style)
        for depth, numbers in enumerate(rows.values(), 1):
            axes.text(middle, -0.2 - 0.62 * depth, str(numbers[place]), color="#333333", **style)
        left += width
    for depth, name in enumerate(rows, 1):
        axes.text(-0.4, -0.2 - 0.62 * depth, name, ha="right", va="center", fontsize=7.5)
    side = 0.58 * max((len(name) for name in rows), default=0)
    axes.set(xlim=(-0.5 - side, left), ylim=(-0.6 - 0.62 * len(rows), 0.5))
    axes.set_axis_off()


def _shown(token: str, k: int | None) -> str:
    """Return the token as it can be drawn: a class number where no font has its characters."""
    token = token.replace("Ġ", "_")  # byte-level BPE's sign for a space
    return token if legible(token) else ("?" if k is None else f"class {k}")


def two_classifiers(
    z: Tensor, theta: Tensor, names: Sequence[str], sentences: Sequence[str], chosen: Sequence[int]
) -> Figure:
    """Draw some sentences of the hand-sized batch, each with its own classifier.

    Args:
        z: features, two numbers each.
        theta: classifiers, row k for class k.
        names: of the classes.
        sentences: the texts.
        chosen: which sentences to draw, a panel each.

    Shape:
        z (N, 2), theta (N, K, 2).
    """
    figure = Figure(figsize=(3.1 * len(chosen), 3.2), layout="constrained")
    panels = figure.subplots(1, len(chosen), squeeze=False)[0]
    for axes, i in zip(panels, chosen, strict=True):
        scores = (theta[i] @ z[i]).tolist()
        for k, name in enumerate(names):
            tip = theta[i, k].tolist()
            axes.annotate(
                "", tip, (0, 0), arrowprops={"arrowstyle": "->", "color": COLOURS[k], "lw": 2}
            )
            above = 1 if tip[1] >= 0 else -1
            axes.text(
                tip[0],
                tip[1] + 0.25 * above,
                f"{name}\n{scores[k]:.2f}",
                color=COLOURS[k] if k != 1 else "#8a5d00",  # orange text is hard to read
                ha="center",
                va="bottom" if above > 0 else "top",
                fontsize=8,
            )
        axes.plot(*z[i].tolist(), marker="*", color="black", markersize=11, linestyle="none")
        best = names[max(range(len(names)), key=scores.__getitem__)]
        axes.set_title(f'"{sentences[i]}"\nanswer: {best}', fontsize=8.5)
        axes.set(xlim=(-3, 3), ylim=(-3, 3), aspect="equal", xlabel="dimension 1")
        axes.axhline(0, color="#cccccc", lw=0.6, zorder=0)
        axes.axvline(0, color="#cccccc", lw=0.6, zorder=0)
    panels[0].set_ylabel("dimension 2")
    return figure


def order_scatter(
    scores: Mapping[str, tuple[Tensor, Tensor]], labels: Tensor, *, other: str
) -> Figure:
    """Draw how sure models are of the true class under two orders of the labels.

    Args:
        scores: for each model its logits under the usual order and under another one.
        labels: true class of each sentence.
        other: what the other order is called on the axis.

    Shape:
        each of the logits (N, K), labels (N,).
    """
    figure = Figure(figsize=(3.2 * len(scores), 3.3), layout="constrained")
    panels = figure.subplots(1, len(scores), sharey=True, squeeze=False)[0]
    for axes, (name, (usual, turned)) in zip(panels, scores.items(), strict=True):
        changed = usual.argmax(1) != turned.argmax(1)
        x = usual.softmax(1).gather(1, labels[:, None])[:, 0]
        y = turned.softmax(1).gather(1, labels[:, None])[:, 0]
        axes.plot([0, 1], [0, 1], color="#999999", lw=1, zorder=0)
        for mask, colour, marker, text in (
            (~changed, COLOURS[5], "o", "same answer"),
            (changed, COLOURS[4], "x", "other answer"),
        ):
            axes.scatter(x[mask], y[mask], s=14, color=colour, marker=marker, label=text)
        share = float(changed.double().mean())
        axes.set_title(f"{name}:\n{share:.0%} of the answers change", fontsize=9)
        axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), aspect="equal")
        axes.set_xlabel("probability of the true class,\nusual order", fontsize=8.5)
    panels[0].set_ylabel(f"the same, {other}", fontsize=8.5)
    panels[-1].legend(fontsize=8, loc="lower right")
    return figure


def pieces_figure(frame: pd.DataFrame, *, true_share: float) -> Figure:
    """Draw a column's norm and its share of the answers against the pieces of its label.

    Args:
        frame: columns reading, pieces, norm, share.
        true_share: share of the sentences that are of this class.
    """
    figure = Figure(figsize=(6.4, 2.9), layout="constrained")
    left, right = figure.subplots(1, 2)
    for n, (reading, rows) in enumerate(frame.groupby("reading", sort=False)):
        style = {"marker": "os^"[n % 3], "color": COLOURS[n], "ls": ("-", "--", ":")[n % 3]}
        left.plot(rows.pieces, rows.norm, label=reading, **style)
        right.plot(rows.pieces, rows.share, label=reading, **style)
    right.axhline(true_share, color="#777777", lw=0.8)
    text = {"ha": "right", "va": "top", "fontsize": 8, "color": "#555555"}
    right.text(frame.pieces.max(), true_share - 0.02, "true share", **text)
    counts = sorted(frame.pieces.unique())
    for axes, title, side in (
        (left, "The sum makes the column long", "mean norm of the column"),
        (right, "and what is long is chosen", "share of the answers"),
    ):
        axes.set(xlabel="pieces of the label", ylabel=side, ylim=(0, None), xticks=counts)
        axes.set_title(title, fontsize=10)
    right.set_ylim(0, 1)
    left.legend(fontsize=8)
    return figure
