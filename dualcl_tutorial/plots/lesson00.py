"""Figures of lesson 00: one pass, the reviews' lengths, two models on one test set, what moves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from dualcl_tutorial.notebook import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, ORANGE, GREEN, GREY = COLOURS[0], COLOURS[1], COLOURS[2], "#777777"
CLASS_COLOURS = (COLOURS[0], COLOURS[4], COLOURS[2], COLOURS[3], COLOURS[1], COLOURS[5])
MOST_WORDS = 24


class Paired(NamedTuple):
    """Two models on the same test set, sentence by sentence.

    Attributes:
        both: sentences both get right.
        only_first: sentences only the first gets right.
        only_second: sentences only the second gets right.
        neither: sentences both get wrong.
    """

    both: int
    only_first: int
    only_second: int
    neither: int

    @property
    def n(self) -> int:
        """Number of sentences."""
        return sum(self)

    @property
    def difference(self) -> float:
        """Accuracy of the second model minus accuracy of the first, -1 to 1."""
        return (self.only_second - self.only_first) / self.n

    @property
    def error(self) -> float:
        """One standard error of the difference: what another test set of this size would change."""
        split = self.only_first + self.only_second
        return math.sqrt(split / self.n - self.difference**2) / math.sqrt(self.n)

    @property
    def interval(self) -> tuple[float, float]:
        """The difference, two standard errors less and two more."""
        return self.difference - 2 * self.error, self.difference + 2 * self.error

    @property
    def p(self) -> float:
        """Chance of a split this uneven or more, were both models equally good (sign test)."""
        from scipy.stats import binomtest

        split = self.only_first + self.only_second
        return float(binomtest(self.only_first, split).pvalue) if split else 1.0

    def in_words(self, first: str, second: str) -> str:
        """State the difference together with its uncertainty, as a report should.

        Args:
            first: name of the first model.
            second: name of the second.
        """
        low, high = (100 * end for end in self.interval)
        verdict = "outside: this test set tells them apart, for these two runs"
        if low <= 0 <= high:
            verdict = "inside: this run cannot say which of the two is better"
        return (
            f"Of {self.n} sentences, only {first} is right on {self.only_first}, "
            f"only {second} on {self.only_second}.\n"
            f"{second} minus {first}: {100 * self.difference:+.1f} points, "
            f"standard error {100 * self.error:.1f}, p = {self.p:.2f}.\n"
            f"Two standard errors each way: {low:+.1f} to {high:+.1f}. Zero lies {verdict}."
        )


@dataclass(frozen=True)
class Reading:
    """What a model makes of a sentence.

    Attributes:
        label: its answer.
        scores: probability of each class, in class order.
        words: the sentence, cut at spaces.
        drops: for each word, how much less probable the answer is without it.
    """

    label: str
    scores: dict[str, float]
    words: list[str]
    drops: list[float]

    def in_words(self) -> str:
        """Say it in a sentence: the answer, all probabilities, the words that count most."""
        scores = ", ".join(f"{word} {score:.2f}" for word, score in self.scores.items())
        order = sorted(range(len(self.words)), key=lambda i: -self.drops[i])
        shown = [i for i in order[:3] if self.drops[i] >= 0.005]
        most = [f'"{self.words[i]}" ({self.drops[i]:.2f})' for i in shown]
        rest = f"less sure without {', '.join(most)}" if most else "no word alone matters"
        return f"{self.label} ({scores}); {rest}"


@dataclass(frozen=True)
class Geometry:
    """z and theta of one sentence under some label words.

    Attributes:
        words: the label words, in class order.
        z: feature of the sentence, (d,).
        theta: its classifier, row k for class k, (K, d).
        scores: theta . z, (K,).
    """

    words: list[str]
    z: np.ndarray
    theta: np.ndarray
    scores: np.ndarray

    @property
    def answer(self) -> str:
        """The label word with the largest score."""
        return self.words[int(self.scores.argmax())]


def one_pass(label_words: Sequence[str], sentence: str) -> Figure:
    """Draw what DualCL does with a sentence: labels in front, one pass, z, theta and their scores.

    Args:
        label_words: the word of each class.
        sentence: what is to be classified.
    """
    labels = list(label_words)
    tokens = ["[CLS]", *labels, "[SEP]", *sentence.split(), "[SEP]"]
    widths = [0.30 + 0.125 * len(token) for token in tokens]
    centres = np.cumsum(widths) - np.array(widths) / 2
    figure = Figure(figsize=(8.4, 2.9), layout="constrained")
    axes = figure.subplots()
    axes.set(xlim=(-0.1, sum(widths) + 0.1), ylim=(-0.75, 3.3))
    axes.set_axis_off()
    for i, (token, x, width) in enumerate(zip(tokens, centres, widths, strict=True)):
        colour = _token_colour(i, len(labels))
        _box(axes, x, 0.0, width - 0.12, 0.62, token, colour)
        _arrow(axes, (x, 0.36), (x, 0.92), "#999999")
    middle = sum(widths) / 2
    _box(axes, middle, 1.25, sum(widths) - 0.1, 0.6, "encoder: one pass over all words", GREY)
    axes.text(centres[1], -0.6, "the label words", ha="left", fontsize=8, color=CLASS_COLOURS[0])
    first, last = len(labels) + 2, len(tokens) - 2
    between = (centres[first] + centres[last]) / 2
    axes.text(between, -0.6, "the sentence", ha="center", fontsize=8, color="#444444")
    for i, name in enumerate(["z", *(rf"$\theta$ {word}" for word in labels)]):
        colour, x = _token_colour(i, len(labels)), centres[i]
        _arrow(axes, (x, 1.6), (x, 2.05), colour)
        axes.plot(x, 2.22, "^" if i else "o", ms=10, color=colour)
        axes.text(x, 2.42, name, ha="center", va="bottom", fontsize=9, color=colour)
    axes.text(centres[0], 2.92, "feature", ha="center", fontsize=8, color=_token_colour(0, 0))
    words = "classifier of this sentence"
    axes.text(float(np.mean(centres[1 : len(labels) + 1])), 2.92, words, ha="center", fontsize=8)
    left = centres[len(labels) + 1] + 0.7
    for k, word in enumerate(labels):
        text = rf"score of {word}  =  $\theta$ {word} $\cdot$ z"
        colour = _token_colour(k + 1, len(labels))
        axes.text(left, 2.62 - 0.42 * k, text, fontsize=10, color=colour)
    axes.text(left, 2.62 - 0.42 * len(labels), "the larger score is the answer", fontsize=9)
    axes.set_title("DualCL: the input carries its own classifier", fontsize=11)
    return figure


def _token_colour(i: int, classes: int) -> str:
    if i == 0:
        return "#000000"
    return CLASS_COLOURS[(i - 1) % len(CLASS_COLOURS)] if i <= classes else GREY


def _box(axes: Axes, x: float, y: float, w: float, h: float, text: str, colour: str) -> None:
    corner, style = (x - w / 2, y - h / 2), "round,pad=0.02"
    box = FancyBboxPatch(corner, w, h, boxstyle=style, facecolor="white", edgecolor=colour, lw=1.5)
    axes.add_patch(box)
    axes.text(x, y, text, ha="center", va="center", fontsize=9, color=colour)


def _arrow(
    axes: Axes,
    start: tuple[float, float],
    end: tuple[float, float],
    colour: str,
    *,
    alpha: float = 1.0,
    style: str = "solid",
) -> FancyArrowPatch:
    arrow = FancyArrowPatch(
        start,
        end,
        arrowstyle="->",
        mutation_scale=10,
        color=colour,
        shrinkA=0,
        shrinkB=0,
        alpha=alpha,
        linestyle=style,
    )
    axes.add_patch(arrow)
    return arrow


def lengths(words: Mapping[str, Sequence[int]], title: str) -> Figure:
    """Draw how many words the texts of each class have.

    Args:
        words: number of words of each text, by class.
        title: what there is to see.
    """
    figure = Figure(figsize=(6, 2.6), layout="constrained")
    axes = figure.subplots()
    bins = list(range(0, max(max(counts) for counts in words.values()) + 4, 3))
    for k, (label, counts) in enumerate(words.items()):
        name, style = f"{label} ({len(counts):,})", ("-", "--", ":", "-.")[k % 4]
        colour = CLASS_COLOURS[k % len(CLASS_COLOURS)]
        axes.hist(counts, bins, histtype="step", lw=2, ls=style, color=colour, label=name)
    axes.set(title=title, xlabel="words in a text", ylabel="texts")
    axes.legend()
    return figure


def two_models(result: Paired, first: str, second: str) -> Figure:
    """Draw on how many sentences two models agree, and their difference with its uncertainty.

    Args:
        result: the comparison.
        first: name of the first model.
        second: name of the second model.
    """
    figure = Figure(figsize=(7, 2.9), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.35, 1))
    names = ["both right", f"only {first} right", f"only {second} right", "both wrong"]
    counts = [result.both, result.only_first, result.only_second, result.neither]
    bars = left.barh(names, counts, color=["#bbbbbb", ORANGE, BLUE, "#dddddd"])
    left.bar_label(bars, padding=3)
    left.invert_yaxis()
    left.set(xlim=(0, 1.15 * max(counts)), xlabel=f"sentences (of {result.n})")
    left.set_title("Only the coloured bars decide", fontsize=10)
    low, high = (100 * end for end in result.interval)
    right.plot([0, 0], [-0.7, 0.15], color=GREY, lw=1)
    right.plot([low, high], [0, 0], color=BLUE, lw=3, solid_capstyle="butt")
    right.plot(100 * result.difference, 0, "o", color=BLUE, ms=8)
    width = 1.25 * max(abs(low), abs(high), 1.0)
    right.set(xlim=(-width, width), ylim=(-1, 1), yticks=[], xlabel="points")
    right.spines["left"].set_visible(False)
    right.text(-width, -0.9, f"{first} better", ha="left", fontsize=8, color="#444444")
    right.text(width, -0.9, f"{second} better", ha="right", fontsize=8, color="#444444")
    right.text(100 * result.difference, 0.25, f"{low:+.1f} to {high:+.1f}", ha="center", fontsize=9)
    verdict = "zero lies inside" if low <= 0 <= high else "zero lies outside"
    right.set_title(f"{second} minus {first}: {verdict}", fontsize=10)
    return figure


def readings(found: Mapping[str, Reading]) -> Figure:
    """Draw each model's probabilities for a sentence and which words they rest on.

    Args:
        found: a reading by name of the model.
    """
    rows = max(len(shown_words(reading)) for reading in found.values())
    classes = max(len(reading.scores) for reading in found.values())
    heights = (0.25 * classes + 0.2, 0.2 * max(rows, 2) + 0.2)
    figure = Figure(figsize=(7.2, sum(heights) + 1.1), layout="constrained")
    panels = figure.subplots(2, len(found), height_ratios=heights, squeeze=False)
    for column, (name, reading) in enumerate(found.items()):
        top, bottom = panels[:, column]
        colours = [BLUE if word == reading.label else "#bbbbbb" for word in reading.scores]
        bars = top.barh(list(reading.scores), list(reading.scores.values()), color=colours)
        top.bar_label(bars, fmt="%.2f", padding=3)
        top.invert_yaxis()
        top.set(xlim=(0, 1.2), xticks=[0, 0.5, 1])
        top.set_title(f"{name} says {reading.label}", fontsize=10)
        shown = shown_words(reading)
        drops = [drop for _, drop in shown]
        places = range(len(shown))
        bottom.barh(places, drops, color=[BLUE if drop >= 0 else ORANGE for drop in drops])
        bottom.set_yticks(places, [word for word, _ in shown], fontsize=9)
        bottom.invert_yaxis()
        bottom.axvline(0, color=GREY, lw=0.8)
        bottom.set(xlim=(min(-0.1, min(drops) - 0.2), 1.2), xticks=[0, 0.5, 1])
        bottom.set_xlabel(f"drop of p({reading.label}) without the word", fontsize=9)
        for place, drop in zip(places, drops, strict=True):
            if round(drop, 2):
                side = "left" if drop > 0 else "right"
                bottom.text(drop, place, f" {drop:.2f} ", va="center", ha=side, fontsize=8)
    return figure


def shown_words(reading: Reading) -> list[tuple[str, float]]:
    """Return words with their drops, in the sentence's order; of a long text those that move most.

    Args:
        reading: words and drops of a text.
    """
    order = sorted(range(len(reading.words)), key=lambda i: -abs(reading.drops[i]))
    kept = sorted(order[:MOST_WORDS])
    return [(reading.words[i], reading.drops[i]) for i in kept]


def moved(before: Geometry, after: Geometry) -> Figure:
    """Draw z and theta of one sentence under two sets of label words, and their scores.

    The plane is the one in which the first two classifiers of `before` lie, its horizontal axis the
    difference of the two: there the scores of `before` can be read off exactly, and the points of
    `after` are shadows of vectors that may stick out of the plane.

    Args:
        before: under the label words the model was trained with.
        after: under other label words.
    """
    figure = Figure(figsize=(8.2, 3.9), layout="constrained")
    plane, bars = figure.subplots(1, 2, width_ratios=(1.25, 1))
    axes = _plane(before)
    everything = []
    for geometry, faded in ((before, True), (after, False)):
        points = np.vstack([geometry.z, geometry.theta]) @ axes.T  # (1 + K, 2)
        everything.append(points)
        for i, (point, name) in enumerate(zip(points, ["z", *geometry.words], strict=True)):
            colour = _token_colour(i, len(geometry.words))
            style, alpha = ("dashed", 0.45) if faded else ("solid", 1.0)
            _arrow(plane, (0, 0), tuple(point), colour, alpha=alpha, style=style)
            plane.plot(*point, "^" if i else "o", color=colour, alpha=alpha)
            label = name if i == 0 else rf"$\theta$ {name}"
            plane.annotate(
                label,
                tuple(point),
                (5, 5) if faded else (6 if i % 2 else -6, -12),
                textcoords="offset points",
                ha="left" if faded or i % 2 else "right",
                color=colour,
                fontsize=9,
                alpha=max(alpha, 0.7),
            )
    points = np.vstack([*everything, np.zeros((1, 2))])
    low, high = points.min(0), points.max(0)
    room = 0.22 * (high - low).max() + 0.1
    plane.set(xlim=(low[0] - room, high[0] + 1.6 * room), ylim=(low[1] - room, high[1] + room))
    plane.axvline(0, color=GREY, lw=0.8, ls=":")
    first, second = before.words[:2]
    plane.set_xlabel(rf"along $\theta$ {first} minus $\theta$ {second}", fontsize=9)
    plane.set_ylabel("across it", fontsize=9)
    plane.set_title("Dashed: words of training; solid: yours", fontsize=10)
    _score_bars(bars, before, after)
    return figure


def _plane(geometry: Geometry) -> np.ndarray:
    """Return two orthonormal rows that span the first two classifiers of a sentence."""
    one, two = geometry.theta[:2]
    across = (one - two) / np.linalg.norm(one - two)
    rest = one + two - ((one + two) @ across) * across
    return np.stack([across, rest / np.linalg.norm(rest)])


def _score_bars(axes: Axes, before: Geometry, after: Geometry) -> None:
    names = [f"{word} (trained)" for word in before.words] + list(after.words)
    scores = [*before.scores, *after.scores]
    places = [*range(len(before.words)), *(len(before.words) + 0.6 + np.arange(len(after.words)))]
    for group, geometry, alpha in ((0, before, 0.45), (len(before.words), after, 1.0)):
        for k, score in enumerate(geometry.scores):
            colour = _token_colour(k + 1, len(geometry.words))
            bar = axes.barh(places[group + k], score, color=colour, alpha=alpha)
            axes.bar_label(bar, fmt="%.1f", padding=3, fontsize=9)
    axes.set_yticks(places, names, fontsize=9)
    axes.invert_yaxis()
    axes.axvline(0, color=GREY, lw=0.8)
    low, high = min(0.0, *scores), max(0.0, *scores)
    room = 0.25 * max(high - low, 1.0)
    axes.set_xlim(low - (room if low < 0 else 0), high + room)
    axes.set_xlabel(r"score $\theta \cdot$ z", fontsize=9)
    old, new = (f"{g.answer} (class {int(g.scores.argmax()) + 1})" for g in (before, after))
    axes.set_title(f"{old}, now {new}", fontsize=10)
