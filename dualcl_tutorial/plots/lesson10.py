"""Figures of lesson 10: scores over words, two models on one scale, what is left without words."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import ScaledTranslation

from dualcl_tutorial.notebook import COLOURS
from dualcl_tutorial.plots.lesson04 import legible
from dualcl_tutorial.plots.shared import read_results
from dualcl_tutorial.saliency import Saliency, random_scores

SIDE_BY_SIDE = 16  # words in a block; what is longer goes on in the next
STYLES = ("-", "--", "-.", ":")
MARKERS = "osD^vPX*"
NEAR = "nearness to [CLS]"
HALF = 0.18  # luminance on which black and white text can be read alike
MOST = 40.0  # per cent: where several scores stand below each other, colours end here
#: The sentences of the paper's Figure 4 (arXiv 2201.08702): corpus to their true label.
QUOTED = {"cr": "negative", "sst2": "positive"}
SMALL = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


class Scale(NamedTuple):
    """A colour scale: its map and its ends."""

    colours: str
    low: float
    high: float


def scale_of(values: np.ndarray, most: float = math.inf) -> Scale:
    """Choose blue from 0 on, or orange to purple around 0 where something is negative.

    Args:
        values: what is drawn.
        most: colours end here, so that one large value does not pale all others.
    """
    most = min(most, max(float(np.abs(values).max()), 1e-9))
    return Scale("PuOr", -most, most) if (values < 0).any() else Scale("Blues", 0.0, most)


def stored(corpus: str, score: str, method: str) -> list[Saliency]:
    """Read the stored scores of the sentence that the paper shows, one model a seed.

    Args:
        corpus: "cr" or "sst2".
        score: as in the table lesson10_quoted.
        method: "ce" or "dualcl".
    """
    table = read_results("lesson10_quoted")
    mine = table[(table.corpus == corpus) & (table.method == method) & (table.score == score)]
    found = []
    for _, rows in mine.groupby("seed"):
        rows, first = rows.sort_values("place"), rows.iloc[0]
        found.append(
            Saliency(
                tuple(rows.word.astype(str)),
                rows.value.to_numpy(),
                rows.pieces.to_numpy(),
                str(first.predicted),
                float(first.probability),
                score,
                {} if math.isnan(first.label_tokens) else {"labels": float(first.label_tokens)},
                None if math.isnan(first.special) else float(first.special),
            )
        )
    return found


def compare(
    first: Sequence[Saliency],
    second: Sequence[Saliency],
    *,
    title: str,
    truth: str | None = None,
    names: tuple[str, str] = ("CE", "DualCL"),
) -> Figure:
    """Draw what two models, or two lists of models, give to the words of one sentence.

    A row each on one scale and the row of their difference, in per cent of the words' total. Of
    lists the means are drawn; with five models or more a side, a difference gets a star where it is
    larger than two standard deviations of the differences, model by model. To the right, what
    attention gives to labels and to special tokens.

    Args:
        first: scores of one sentence, one a model.
        second: likewise, as many.
        title: the figure's claim, or what is drawn.
        truth: the right label, so that wrong answers are said.
        names: of the two sides.
    """
    shares = [100 * np.stack([s.shares for s in side]) for side in (first, second)]
    gaps = shares[1] - shares[0]  # (models, words)
    rows = np.stack([side.mean(0) for side in shares])  # (2, words)
    gap, stars = gaps.mean(0)[None], np.zeros((1, gaps.shape[1]), dtype=bool)
    if len(gaps) >= 5:
        stars = np.abs(gap) > 2 * gaps.std(0, ddof=1)
    labels = [
        f"{name}\n{_answers(side, truth)}"
        for name, side in zip(names, (first, second), strict=True)
    ]
    words, panel = _words(first[0]), bool(first[0].special)
    starts = range(0, len(words), SIDE_BY_SIDE)
    width = 1.6 + 0.52 * min(len(words), SIDE_BY_SIDE) + (1.2 if panel else 0)
    figure = Figure(figsize=(max(width, 5.0), 2.1 * len(starts) + 0.4), layout="constrained")
    blocks = figure.subfigures(len(starts), 1, squeeze=False)[:, 0]
    for block, start in zip(blocks, starts, strict=True):
        here = slice(start, start + SIDE_BY_SIDE)
        grid = block.subplots(
            2,
            2 if panel else 1,
            squeeze=False,
            height_ratios=(2, 1),
            width_ratios=(len(words[here]), 2.4)[: 1 + panel],
        )
        cells(grid[0, 0], rows[:, here], labels, scale_of(rows), words=words[here])
        signed = Scale("PuOr", *(sign * max(np.abs(gap).max(), 1e-9) for sign in (-1, 1)))
        cells(
            grid[1, 0],
            gap[:, here],
            [f"{names[1]} - {names[0]}"],
            signed,
            signed=True,
            stars=stars[:, here],
        )
        if panel:
            grid[1, 1].set_axis_off()
            _others(grid[0, 1], first, second)
    figure.suptitle(title, fontsize=9, x=0.01, ha="left")
    return figure


def strips(rows: Mapping[str, Saliency], *, title: str) -> Figure:
    """Draw one row a score, each in per cent of its own total, all on one scale.

    Args:
        rows: scores of one sentence by the name to write beside the row.
        title: the figure's claim, or what is drawn.
    """
    first = next(iter(rows.values()))
    words, values = _words(first), 100 * np.stack([s.shares for s in rows.values()])
    starts = range(0, len(words), SIDE_BY_SIDE)
    size = (2.2 + 0.5 * min(len(words), SIDE_BY_SIDE), (0.8 + 0.3 * len(rows)) * len(starts) + 0.3)
    figure = Figure(figsize=(max(size[0], 5.0), size[1]), layout="constrained")
    for axes, start in zip(
        figure.subplots(len(starts), 1, squeeze=False)[:, 0], starts, strict=True
    ):
        here = slice(start, start + SIDE_BY_SIDE)
        cells(axes, values[:, here], list(rows), scale_of(values, MOST), words=words[here])
    figure.suptitle(title, fontsize=9, x=0.01, ha="left")
    return figure


def figure_4(corpus: str) -> Figure:
    """Draw the paper's score on the sentence it shows of a corpus, as :func:`compare` does."""
    sides = [stored(corpus, NEAR, method) for method in ("ce", "dualcl")]
    title = (
        f"The paper's score, its {corpus} sentence: mean of 5 seeds, % of all words, pieces: mean"
    )
    return compare(*sides, title=title, truth=QUOTED[corpus])


def which_is_random() -> tuple[Figure, dict[str, str], list[int]]:
    """Draw three stored scores of the CR sentence and a random map that pleases, named by letters.

    A map pleases with "small" and one of "closely" and "spaced" among its three top words.

    Returns:
        The figure; what each letter is; which of 1,000 random maps please.
    """
    names = ["attention from [CLS]", "random", NEAR, "attention from the label"]
    real = {name: stored("cr", name, "dualcl")[0] for name in names if name != "random"}
    maps = [random_scores([real[NEAR]], seed=seed)[0] for seed in range(1000)]
    liked = [{"small", "closely", "spaced"} & set(s.top()) for s in maps]
    pleasing = [i for i, words in enumerate(liked) if "small" in words and len(words) > 1]
    letters = dict(zip("ABCD", names, strict=True))
    shown = real | {"random": maps[pleasing[0]]}
    rows = {letter: shown[name] for letter, name in letters.items()}
    return strips(rows, title="Which one knows nothing? % of all words"), letters, pleasing


def strips_and_curve(
    rows: Mapping[str, Saliency], shares: Sequence[float], curves: np.ndarray, *, title: str
) -> Figure:
    """Draw scores of one sentence, and how fast the answer falls when their top words go.

    Args:
        rows: scores of one sentence by name.
        shares: of the words, that are taken out.
        curves: the probability that is left, (rows and random draws, shares), in this order.
        title: the figure's claim.
    """
    first = next(iter(rows.values()))
    words, values = _words(first), 100 * np.stack([s.shares for s in rows.values()])
    figure = Figure(figsize=(2.2 + 0.42 * len(words) + 3.2, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.0 + 0.42 * len(words), 3.0))
    cells(left, values, list(rows), scale_of(values, MOST), words=words)
    band = np.percentile(curves[len(rows) :], [5, 95], axis=0)
    right.fill_between(shares, *band, color="#dddddd", label="random: 90 % of draws")
    for i, (name, curve) in enumerate(zip(rows, curves, strict=False)):
        look = {"color": COLOURS[i % 7], "marker": MARKERS[i % 8], "ls": STYLES[i % 4]}
        right.plot(shares, curve, ms=4, label=name, **look)
    right.set(xlabel="share of words taken out, top first", ylabel="probability of the answer")
    right.set_ylim(-0.03, 1.03)
    right.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    figure.suptitle(title, fontsize=9, x=0.01, ha="left")
    return figure


def survivors(table: pd.DataFrame, column: str = "comprehensiveness") -> Figure:
    """Draw how faithful each score is, one dot a seed, beside the range of random scores.

    Args:
        table: lesson10_faithfulness.
        column: which of its measures.
    """
    table = table[table.removal == "delete"]
    corpora = sorted(table.corpus.unique())
    order = table.groupby("score")[column].mean().sort_values(ascending=False).index
    figure = Figure(figsize=(7.4, 2.5 * len(corpora)), layout="constrained")
    grid = figure.subplots(len(corpora), 2, sharex=True, sharey=True, squeeze=False)
    for axes, (corpus, method) in zip(
        grid.flat, [(c, m) for c in corpora for m in ("ce", "dualcl")], strict=True
    ):
        mine = table[(table.corpus == corpus) & (table.method == method)]
        chance = mine[mine.score == "random"][column]
        axes.axvspan(chance.min(), chance.max(), color="#d0d0d0")
        for row, score in enumerate(order):
            values = mine[mine.score == score][column]
            marker, colour = (
                ("o", COLOURS[0]) if values.mean() > chance.max() else ("x", COLOURS[4])
            )
            colour = "#666666" if score == "random" else colour
            axes.scatter(values, [row] * len(values), s=20, marker=marker, color=colour, zorder=2)
        axes.set_yticks(range(len(order)), order, fontsize=8)
        axes.grid(axis="y", color="#eeeeee")
        axes.set_axisbelow(True)
        axes.set_title(f"{'CE' if method == 'ce' else 'DualCL'}, {corpus}", fontsize=9)
    grid[0, 0].invert_yaxis()
    for axes in grid[-1]:
        axes.set_xlabel(column)
    title = (
        "Two scores survive everywhere. One mark a seed; grey: random scores; cross: mean not above"
    )
    figure.suptitle(title, fontsize=9, x=0.01, ha="left")
    return figure


def methods_against_seeds(pairs: pd.DataFrame, column: str = "spearman") -> Figure:
    """Draw how alike two models score the same words: of one method, and of two methods.

    Args:
        pairs: lesson10_pairs.
        column: which of its measures.
    """
    corpora = sorted(pairs.corpus.unique())
    both = pairs[pairs.score.isin(pairs[pairs.pair == "ce and dualcl"].score)]
    order = both.groupby("score")[column].mean().sort_values(ascending=False).index
    figure = Figure(figsize=(3.9 * len(corpora) + 1.8, 3.3), layout="constrained")
    grid = figure.subplots(1, len(corpora), sharey=True, squeeze=False)[0]
    kinds = (
        ("ce", "two seeds of CE", "o", COLOURS[5], -0.2),
        ("dualcl", "two seeds of DualCL", "s", COLOURS[0], 0.0),
        ("ce and dualcl", "CE and DualCL, one seed", "D", COLOURS[4], 0.2),
    )
    for axes, corpus in zip(grid, corpora, strict=True):
        for pair, name, marker, colour, shift in kinds:
            mine = both[(both.corpus == corpus) & (both.pair == pair)]
            rows = [list(order).index(score) + shift for score in mine.score]
            axes.scatter(mine[column], rows, s=16, marker=marker, color=colour, label=name)
        axes.set_yticks(range(len(order)), order, fontsize=8)
        axes.grid(axis="y", color="#eeeeee")
        axes.set(xlabel=f"rank correlation over words ({column})", title=corpus)
    grid[0].invert_yaxis()
    handles, names = grid[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=3, fontsize=8)
    return figure


def head_maps(table: pd.DataFrame, corpus: str) -> Figure:
    """Draw each head's rank correlation with leave-one-out: mean over seeds, and spread.

    Args:
        table: lesson10_heads.
        corpus: which of its corpora.
    """
    table = table[table.corpus == corpus]
    figure = Figure(figsize=(8.6, 4.2), layout="constrained")
    grid = figure.subplots(2, 2)
    keys = ["layer", "head"]
    means = {m: rows.groupby(keys).tau.mean().unstack() for m, rows in table.groupby("method")}
    most = 100 * max(float(mean.abs().max().max()) for mean in means.values())
    for row, (method, rows) in enumerate(table.groupby("method")):
        spread = 100 * rows.groupby(keys).tau.std().unstack().to_numpy()
        mean = 100 * means[method].to_numpy()
        names = [f"layer {layer}" for layer in range(1, len(mean) + 1)]
        cells(grid[row, 0], mean, names, Scale("PuOr", -most, most))
        cells(grid[row, 1], spread, names, Scale("Blues", 0, most))
        title = f"{'CE' if method == 'ce' else 'DualCL'}, {corpus}"
        grid[row, 0].set_title(f"{title}: 100 x mean of 5 seeds", fontsize=9)
        grid[row, 1].set_title(f"{title}: 100 x standard deviation", fontsize=9)
    for axes in grid.flat:
        heads = table["head"].max()
        axes.set_xticks(range(heads), range(1, heads + 1), fontsize=7)
        axes.tick_params(bottom=False)
    for axes in grid[1]:
        axes.set_xlabel("head", fontsize=8)
    return figure


def kept_curves() -> tuple[Figure, dict[str, str]]:
    """Draw what is left when only the top words stay, four scores named by letters (exercise).

    Returns:
        The figure, and which score each letter is.
    """
    table = read_results("lesson10_faithfulness")
    table = table[(table.corpus == "cr") & (table.method == "dualcl") & (table.removal == "delete")]
    means = table.groupby("score").mean(numeric_only=True)
    letters = {
        "a": NEAR,
        "b": "attention from the label",
        "c": "integrated gradients",
        "d": "attention from [CLS]",
    }
    figure = Figure(figsize=(6.0, 3.3), layout="constrained")
    axes = figure.subplots()
    columns = ["only_0.1", "only_0.2", "only_0.5"]
    kept = [float(column.split("_")[1]) for column in columns]
    axes.plot(kept, means.loc["random", columns], color="#888888", lw=5, alpha=0.4, label="random")
    for (letter, score), colour, style, marker in zip(
        letters.items(), COLOURS, STYLES, MARKERS, strict=False
    ):
        axes.plot(kept, means.loc[score, columns], style, marker=marker, color=colour, label=letter)
    axes.set_xticks(kept)
    axes.set(xlabel="share of words that stay, top first", ylabel="probability of the answer")
    axes.set_title("Only the top words stay; 200 sentences, 5 models", fontsize=9)
    axes.legend(fontsize=8)
    return figure, letters


def cells(
    axes: Axes,
    values: np.ndarray,
    rows: Sequence[str],
    scale: Scale,
    *,
    words: Sequence[str] = (),
    signed: bool = False,
    stars: np.ndarray | None = None,
) -> None:
    """Draw a table as colours, with the whole number in every cell and words above it.

    Args:
        axes: where.
        values: (rows, columns).
        rows: names of the rows.
        scale: colours and their ends.
        words: names of the columns.
        signed: write the sign of positive numbers, too.
        stars: (rows, columns), which cells get a star.
    """
    axes.imshow(values, cmap=scale.colours, vmin=scale.low, vmax=scale.high, aspect="auto")
    for (i, j), value in np.ndenumerate(values):
        star = "*" if stars is not None and stars[i, j] else ""
        text = f"{value:+.0f}" if signed else f"{value:.0f}"
        text = "0" if text in ("-0", "+0") else text
        ink = "black" if luminance(scale, value) > HALF else "white"
        axes.text(j, i, text + star, ha="center", va="center", fontsize=7.5, color=ink)
    axes.set_yticks(range(len(rows)), rows, fontsize=7.5)
    axes.tick_params(length=0)
    axes.set_xticks(np.arange(values.shape[1] + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(rows) + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", lw=1)
    axes.tick_params(which="minor", length=0)
    axes.spines[:].set_visible(False)
    axes.xaxis.tick_top()
    axes.set_xticks(range(len(words)), words, rotation=35, ha="left", fontsize=7.5)
    if words:
        move = ScaledTranslation(-0.07, -0.03, axes.figure.dpi_scale_trans)
        for label in axes.get_xticklabels():
            label.set_rotation_mode("anchor")
            label.set_transform(label.get_transform() + move)
    else:
        axes.xaxis.tick_bottom()


def luminance(scale: Scale, value: float) -> float:
    """Return how light the colour of a value is, 0 to 1."""
    red, green, blue, _ = _colour(scale, value)
    return 0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2


def strips_html(rows: Mapping[str, Saliency]) -> str:
    """Write scores as coloured words, with the number as small digits behind each word.

    Colours are hexadecimal and inline, everything else is text: an untrusted notebook keeps it, and
    where colours are dropped, words and numbers stay. Every text is escaped.

    Args:
        rows: scores by name; the sentences may differ.
    """
    values = 100 * np.concatenate([s.shares for s in rows.values()])
    scale = scale_of(values, MOST)
    lines = []
    for name, s in rows.items():
        spans = []
        for word, value in zip(s.words, 100 * s.shares, strict=True):
            fill = mpl.colors.to_hex(_colour(scale, value))
            ink = "#000000" if luminance(scale, value) > HALF else "#ffffff"
            spans.append(
                f'<span style="background-color:{fill};color:{ink};padding:2px 4px" '
                f'title="{html.escape(word)}: {value:.1f} %">'
                f"{html.escape(word)}{_small(value)}</span>"
            )
        answer = f"{s.label} {s.probability:.2f}"
        lines.append(
            f'<p style="line-height:2"><b>{html.escape(name)}</b> ({html.escape(answer)}): '
            f"{' '.join(spans)}</p>"
        )
    return "\n".join(lines)


def strips_text(rows: Mapping[str, Saliency]) -> str:
    """Write the same as plain text: a line a row."""
    return "\n".join(
        f"{name} ({s.label} {s.probability:.2f}): "
        + " ".join(f"{w}{_small(v)}" for w, v in zip(s.words, 100 * s.shares, strict=True))
        for name, s in rows.items()
    )


def show_html(rows: Mapping[str, Saliency]) -> None:
    """Display :func:`strips_html`, and its plain twin for who cannot see HTML."""
    from IPython.display import display

    display({"text/html": strips_html(rows), "text/plain": strips_text(rows)}, raw=True)


def _small(value: float) -> str:
    return f"{round(value)}".translate(SMALL)


def _colour(scale: Scale, value: float) -> tuple[float, float, float, float]:
    place = (value - scale.low) / (scale.high - scale.low)
    red, green, blue, alpha = mpl.colormaps[scale.colours](float(np.clip(place, 0, 1)))
    return red, green, blue, alpha


def _words(s: Saliency) -> list[str]:
    """Name the columns: words as they can be drawn, with their pieces where they are several."""
    named = []
    for word, count in zip(s.words, s.pieces, strict=True):
        drawn = "".join(c if legible(c) else "?" for c in word).replace("$", r"\$")
        drawn = drawn if len(drawn) <= 18 else f"{drawn[:16]}..."
        named.append(f"{drawn} ({count})" if count > 1 else drawn)
    return named


def _answers(side: Sequence[Saliency], truth: str | None) -> str:
    """Say what a model answers, or how many of several are right."""
    if len(side) == 1:
        wrong = truth is not None and side[0].label != truth
        return f"{side[0].label} {side[0].probability:.2f}" + (", wrong" if wrong else "")
    label = truth or side[0].label
    return f"{label}: {sum(s.label == label for s in side)} of {len(side)}"


def _others(axes: Axes, first: Sequence[Saliency], second: Sequence[Saliency]) -> None:
    """Write what attention gives to labels and special tokens, in per cent of everything."""
    axes.set(xlim=(-0.5, 1.5), ylim=(1.5, -0.5))
    axes.set_facecolor("#eeeeee")
    for row, side in enumerate((first, second)):
        labels = [100 * sum(s.labels.values()) for s in side if s.labels]
        special = float(np.mean([100 * (s.special or 0.0) for s in side]))
        shown = (f"{np.mean(labels):.0f}" if labels else "–", f"{special:.0f}")
        for column, text in enumerate(shown):
            axes.text(column, row, text, ha="center", va="center", fontsize=7.5)
    axes.set_yticks([])
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.set_xticks([0, 1], ["labels", "[CLS], [SEP]"], rotation=35, ha="left", fontsize=7.5)
    axes.set_xlabel("not words, % of all", fontsize=7)
    axes.spines[:].set_visible(False)
