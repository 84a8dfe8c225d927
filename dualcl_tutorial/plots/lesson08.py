"""Figures of lesson 08: points and intervals instead of bold numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from dualcl_tutorial.notebook import COLOURS
from dualcl_tutorial.plots.shared import scoreboard
from dualcl_tutorial.stats import compare, summarise

GREY = "#777777"
NAMES = {
    "ce": "CE",
    "scl": "CE+SCL",
    "cl": "CE+CL",
    "label-aware": "w/o L_dual",
    "dualcl": "DualCL",
}
CORPORA = {"sst2": "SST-2", "subj": "SUBJ", "trec": "TREC", "pc": "PC", "cr": "CR"}
LINES = {"ce": COLOURS[1], "label-aware": COLOURS[2], "dualcl": COLOURS[0]}
STYLES = {"ce": ("o", ":"), "label-aware": ("s", "--"), "dualcl": ("^", "-")}


def settings(runs: pd.DataFrame, trials: pd.DataFrame) -> pd.DataFrame:
    """Say what the runs of each method had in common, every value that occurs, a row a method.

    Args:
        runs: a store.
        trials: the store of the search for a learning rate.
    """
    shown = ["epochs", "batch_size", "lr", "weight", "temperature"]
    had = pd.DataFrame(list(runs.settings), runs.index)[shown].groupby(runs.method)
    table = had.agg(lambda values: ", ".join(f"{value:g}" for value in sorted(set(values))))
    rates = trials.assign(lr=[one["lr"] for one in trials.settings]).groupby("method").lr
    board = _board()[["passes in training", "head"]]
    return table.assign(**{"rates tried": rates.nunique()}).join(board).loc[list(NAMES)]


def _board() -> pd.DataFrame:
    """Return the scoreboard of lesson 08 by the names that methods have in a store."""
    keys = {"CE": "ce", "CE+CL": "cl", "CE+SCL": "scl", "DualCL": "dualcl"}
    board = scoreboard("08")
    return board.set_axis([keys.get(name, "label-aware") for name in board.index])


def complete_board(cells: pd.DataFrame) -> pd.DataFrame:
    """Complete the scoreboard of the course with accuracies and intervals of cr and trec.

    Args:
        cells: method, corpus, mean, low, high (0 to 1).
    """
    board = _board().drop(columns="built in")
    for corpus in ("cr", "trec"):
        row = cells[cells.corpus == corpus].set_index("method")
        mean, low, high = ((100 * row[end]).map("{:.1f}".format) for end in ("mean", "low", "high"))
        board[f"{corpus}, 10 %"] = mean + " (" + low + " to " + high + ")"
    return board.rename(index=NAMES)


def gains(averages: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """Cut the gain over CE into that of the prefix and that of the dual loss, in points.

    Args:
        averages: the paper's, a row a fraction and encoder, a column a method, in per cent.
        cells: ours: method, corpus and mean (0 to 1); corpora without all methods do not count.

    Returns:
        name, prefix, dual, and the share of the prefix in their sum.
    """
    whole = cells[cells.groupby("corpus").method.transform("nunique") == len(NAMES)]
    rows = [(f"paper, {name}, {share:.0%}", row) for (share, name), row in averages.iterrows()]
    rows.append(("ours, minilm, 10%", 100 * whole.groupby("method")["mean"].mean()))
    found = pd.DataFrame(
        [(name, r["label-aware"] - r.ce, r.dualcl - r["label-aware"]) for name, r in rows],
        columns=["name", "prefix", "dual"],
    )
    return found.assign(share=found.prefix / (found.prefix + found.dual))


def chosen_epochs(epochs: pd.DataFrame) -> pd.DataFrame:
    """Say what three choices of an epoch report on the test set, a row a run.

    Args:
        epochs: corpus, method, seed, epoch, validation and test (0 to 1).

    Returns:
        run (a name), last, validation and test: the test accuracy of the last epoch, of the first
        best on validation, and of the best on the test set.
    """
    rows = []
    for (corpus, method, seed), run in epochs.groupby(["corpus", "method", "seed"]):
        run = run.set_index("epoch").sort_index()
        name = f"{CORPORA[corpus]}, {NAMES[method]}, seed {seed}"
        best = run.test[run.validation.idxmax()]
        rows.append((name, run.test.iloc[-1], best, run.test.max()))
    return pd.DataFrame(rows, columns=["run", "last", "validation", "test"])


def power(found: pd.DataFrame) -> Figure:
    """Draw how often n seeds find a gap.

    Args:
        found: columns n, gap (points) and share (0 to 1).
    """
    figure = Figure(figsize=(6, 3.2), layout="constrained")
    axes = figure.subplots()
    for (n, group), colour in zip(found.groupby("n"), COLOURS, strict=False):
        axes.plot(group.gap, 100 * group.share, "o-", ms=4, color=colour, label=f"{n} seeds")
    axes.axhline(80, color=GREY, lw=0.8, ls=":")
    axes.set(xlabel="true gap (points)", ylabel="experiments that find it (%)", ylim=(0, 104))
    axes.set_title("Few seeds see large gaps only", fontsize=10)
    axes.legend(fontsize=8, loc="lower right")
    return figure


def accuracies(ours: pd.DataFrame, paper: pd.DataFrame) -> Figure:
    """Draw the paper's table and ours, a panel a corpus.

    Args:
        ours: method, corpus, mean, low, high (0 to 1) and n; NaN ends draw no line.
        paper: method, corpus, encoder, accuracy and spread, in per cent.
    """
    figure = Figure(figsize=(8.6, 3.1), layout="constrained")
    panels = figure.subplots(1, len(CORPORA), sharey=True)
    series = {"ours": (COLOURS[0], "o", 0.22), "bert": (COLOURS[4], "s", 0.0)}
    series["roberta"] = (COLOURS[2], "D", -0.22)
    titles = {"ours": "minilm (ours)", "bert": "BERT (paper)", "roberta": "RoBERTa (paper)"}
    for axes, (corpus, title) in zip(panels, CORPORA.items(), strict=True):
        for k, method in enumerate(NAMES):
            axes.axhline(k, color="#eeeeee", lw=10, zorder=0)
            for name, (colour, marker, shift) in series.items():
                point = _point(ours, paper, name, method, corpus)
                if point is None:
                    continue
                middle, low, high = point
                axes.plot([low, high], [k - shift] * 2, color=colour, lw=1.5)
                axes.plot(middle, k - shift, marker, color=colour, ms=4.5, label=titles[name])
        axes.set_title(title, fontsize=9)
        axes.tick_params(labelsize=8)
    panels[0].set_yticks(range(len(NAMES)), list(NAMES.values()))
    panels[0].invert_yaxis()
    handles, labels = panels[0].get_legend_handles_labels()
    kept = dict(zip(labels, handles, strict=True))
    figure.legend(kept.values(), kept, loc="outside lower center", ncols=3, fontsize=8)
    panels[2].set_xlabel("accuracy (%), 10 % of the training data", fontsize=9)
    return figure


def _point(
    ours: pd.DataFrame, paper: pd.DataFrame, name: str, method: str, corpus: str
) -> tuple[float, float, float] | None:
    source = ours if name == "ours" else paper[paper.encoder == name]
    cell = source[(source.method == method) & (source.corpus == corpus)]
    if cell.empty:
        return None
    row = cell.iloc[0]
    if name == "ours":
        return 100 * row["mean"], 100 * row.low, 100 * row.high
    return row.accuracy, row.accuracy - row.spread, row.accuracy + row.spread


def differences(rows: pd.DataFrame, *, title: str, label: str = "corpus") -> Figure:
    """Draw differences with their intervals, one line each.

    Args:
        rows: `label`, difference, low, high (0 to 1) and n; NaN ends draw no line.
        title: what there is to see.
        label: the column that names a row.
    """
    figure = Figure(figsize=(6.4, 0.24 * len(rows) + 1.1), layout="constrained")
    axes = figure.subplots()
    draw_differences(axes, rows, label)
    axes.set_title(title, fontsize=10)
    return figure


def draw_differences(axes: Axes, rows: pd.DataFrame, label: str) -> None:
    """Draw differences and intervals into axes; blue where the interval leaves out 0."""
    axes.axvline(0, color=GREY, lw=1)
    for k, (_, row) in enumerate(rows.iterrows()):
        clear = row.low > 0 or row.high < 0
        colour = COLOURS[0] if clear else GREY
        axes.plot([100 * row.low, 100 * row.high], [k, k], color=colour, lw=2)
        axes.plot(100 * row.difference, k, "o" if clear else "D", color=colour, ms=5)
    axes.set_yticks(range(len(rows)), list(rows[label]), fontsize=8)
    axes.set(ylim=(len(rows) - 0.4, -0.6), xlabel="points, with 95 % interval over seeds")
    axes.tick_params(axis="x", labelsize=8)


def shares(gains: pd.DataFrame) -> Figure:
    """Draw the gain over CE cut into what the prefix and what the dual loss brings.

    Args:
        gains: name, prefix and dual, in points.
    """
    figure = Figure(figsize=(6.2, 0.38 * len(gains) + 1.1), layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(gains))
    for column, shift, colour, hatch in (
        ("prefix", -0.19, COLOURS[1], ""),
        ("dual", 0.19, COLOURS[0], "///"),
    ):
        name = {"prefix": "w/o L_dual minus CE", "dual": "DualCL minus w/o L_dual"}[column]
        bars = axes.barh(
            places + shift,
            gains[column],
            0.36,
            color=colour,
            hatch=hatch,
            edgecolor="white",
            label=name,
        )
        axes.bar_label(bars, fmt="%+.2f", fontsize=7, padding=2)
    axes.axvline(0, color=GREY, lw=0.8)
    axes.set_yticks(places, list(gains.name), fontsize=8)
    axes.invert_yaxis()
    axes.margins(x=0.15)
    axes.set_xlabel("points", fontsize=9)
    axes.set_title("Who brings the gain: the prefix, or the dual loss?", fontsize=10)
    axes.legend(fontsize=8)
    return figure


def low_resource(runs: pd.DataFrame) -> Figure:
    """Draw accuracy against the number of examples a class: runs, means, and bands over seeds.

    A band needs three seeds; with two it would fill the picture.

    Args:
        runs: method, corpus, per_class, seed and accuracy (0 to 1).
    """
    cells = summarise(runs, ["method", "corpus", "per_class"])
    corpora = [name for name in CORPORA if name in set(cells.corpus)]
    figure = Figure(figsize=(7.4, 3.2), layout="constrained")
    panels = figure.subplots(1, len(corpora), squeeze=False)[0]
    for axes, corpus in zip(panels, corpora, strict=True):
        of_corpus = cells[cells.corpus == corpus]
        _lines(axes, of_corpus, "per_class")
        for method, of_method in runs[runs.corpus == corpus].groupby("method"):
            marker, colour = STYLES[str(method)][0], LINES[str(method)]
            x, y = of_method.per_class, 100 * of_method.accuracy
            axes.scatter(x, y, marker=marker, color=colour, alpha=0.4, s=14)
        axes.set(xlabel="examples a class", title=CORPORA[corpus])
    panels[0].set_ylabel("accuracy (%)")
    panels[0].legend(fontsize=8, loc="lower right")
    return figure


def _lines(axes: Axes, cells: pd.DataFrame, x: str) -> None:
    """Draw one line a method with the band of its interval, x on a logarithmic axis."""
    values = sorted(cells[x].unique())
    for method, (marker, style) in STYLES.items():
        row = cells[cells.method == method].sort_values(x)
        colour, sure = LINES[method], row[row.n > 2]
        axes.plot(
            row[x], 100 * row["mean"], style, marker=marker, color=colour, label=NAMES[method]
        )
        axes.fill_between(sure[x], 100 * sure.low, 100 * sure.high, color=colour, alpha=0.15)
    axes.set_xscale("log")
    axes.set_xticks(values, [f"{value:g}" for value in values])
    axes.minorticks_off()


def kinds_of_words(runs: pd.DataFrame) -> pd.DataFrame:
    """Say of each run what its label words are, class names first.

    Args:
        runs: label_words, empty for the class names, else JSON.
    """
    first = {"entity": "names of\nother classes", "negative": "names of\nother classes"}
    kinds = [
        "class names" if pd.isna(words) else first.get(json.loads(words)[0], "unrelated\nwords")
        for words in runs.label_words
    ]
    return runs.assign(kind=kinds).sort_values("kind", kind="stable", ignore_index=True)


def changes(runs: pd.DataFrame) -> pd.DataFrame:
    """Compare each changed setting with the default, seed by seed.

    Args:
        runs: corpus, seed, accuracy, and weight, temperature and shuffle_labels.

    Returns:
        corpus, change, difference, low, high, n: the change minus the default.
    """
    change = pd.Series("default", runs.index)
    change = change.mask(runs.weight != 0.1, "weight " + runs.weight.map("{:g}".format))
    tau = "temperature " + runs.temperature.map("{:g}".format)
    change = change.mask(runs.temperature != 0.1, tau).mask(~runs.shuffle_labels, "labels fixed")
    runs = runs.assign(change=change)
    parts = [
        compare(runs.assign(method=change), name, "default", by=["corpus"]).assign(change=name)
        for name in dict.fromkeys(change[change != "default"])
    ]
    return pd.concat(parts, ignore_index=True)


def why_the_prefix(steps: pd.DataFrame, words: pd.DataFrame) -> Figure:
    """Draw accuracy against passes over the data, and under three kinds of label words.

    Args:
        steps: method, epochs, mean, low and high (0 to 1).
        words: method, kind (of words) and accuracy (0 to 1), a row a run.
    """
    figure = Figure(figsize=(7.8, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    _lines(left, steps, "epochs")
    left.set(xlabel="epochs", ylabel="accuracy (%)")
    left.set_title("Is it only slower to start?", fontsize=10)
    left.legend(fontsize=8, loc="lower right")
    kinds = list(dict.fromkeys(words.kind))
    for k, method in enumerate(("label-aware", "dualcl")):
        marker, colour = STYLES[method][0], LINES[method]
        for place, kind in enumerate(kinds):
            runs = words[(words.method == method) & (words.kind == kind)].accuracy
            x = place + (-0.13, 0.13)[k]
            right.plot([x] * len(runs), 100 * runs, marker, color=colour, ms=4, alpha=0.6)
            right.plot([x - 0.1, x + 0.1], [100 * runs.mean()] * 2, color=colour, lw=2.5)
    right.set_xticks(range(len(kinds)), kinds, fontsize=8)
    right.set_xlim(-0.5, len(kinds) - 0.5)
    right.set_title("Does it use what the words mean?", fontsize=10)
    return figure


def sweeps(rows: pd.DataFrame) -> Figure:
    """Draw how far other settings lie from the default, a panel a corpus.

    Args:
        rows: corpus, change, difference, low, high (0 to 1).
    """
    corpora = [name for name in CORPORA if name in set(rows.corpus)]
    figure = Figure(figsize=(7.6, 2.9), layout="constrained")
    panels = figure.subplots(1, len(corpora), squeeze=False, sharey=True)[0]
    for axes, corpus in zip(panels, corpora, strict=True):
        draw_differences(axes, rows[rows.corpus == corpus], "change")
        axes.set_title(f"{CORPORA[corpus]}, 20 a class", fontsize=10)
    return figure


def picked(table: pd.DataFrame) -> Figure:
    """Draw the test accuracy of three epochs of each run: the last, validation's, the test's best.

    Args:
        table: run (a name), last, validation and test: test accuracies, 0 to 1.
    """
    figure = Figure(figsize=(6.4, 0.22 * len(table) + 1.2), layout="constrained")
    axes = figure.subplots()
    kinds = {
        "last": ("o", COLOURS[6], "last epoch"),
        "validation": ("s", COLOURS[2], "best on validation"),
        "test": ("^", COLOURS[4], "best on the test set"),
    }
    for k, (_, row) in enumerate(table.iterrows()):
        ends = [100 * row[kind] for kind in kinds]
        axes.plot([min(ends), max(ends)], [k, k], color="#dddddd", lw=3, zorder=0)
    for kind, (marker, colour, name) in kinds.items():
        axes.plot(100 * table[kind], range(len(table)), marker, color=colour, ms=5, label=name)
    axes.set_yticks(range(len(table)), list(table.run), fontsize=7)
    axes.invert_yaxis()
    axes.set_xlabel("accuracy on the test set (%)", fontsize=9)
    axes.set_title("The test set's own choice is never below the others", fontsize=10)
    axes.legend(fontsize=8)
    return figure


def experiment(gaps: Sequence[float], others: Mapping[str, float]) -> Figure:
    """Draw one experiment: its differences, their interval, and how many experiments find the gap.

    Args:
        gaps: differences seed by seed, in points.
        others: share of experiments by what they found: above 0, below 0, nothing.
    """
    figure = Figure(figsize=(7.2, 2.6), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.5, 1))
    values = np.asarray(gaps)
    half = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    low, high = values.mean() - half, values.mean() + half
    left.axvline(0, color=GREY, lw=1)
    left.plot(values, np.ones(len(values)), "o", color=COLOURS[5], alpha=0.8)
    left.plot([low, high], [0, 0], color=COLOURS[0], lw=3)
    left.plot(values.mean(), 0, "D", color=COLOURS[0])
    left.set(ylim=(-0.8, 1.8), xlabel="difference (points)")
    left.set_yticks([0, 1], ["mean, interval", "seeds"])
    verdict = "finds a gap" if low > 0 or high < 0 else "finds nothing"
    left.set_title(f"This experiment {verdict}", fontsize=10)
    bars = right.barh(list(others), [100 * share for share in others.values()], color=COLOURS[5])
    right.bar_label(bars, fmt="%.0f %%", padding=3, fontsize=8)
    right.set(xlim=(0, 125), xticks=[])
    right.invert_yaxis()
    right.set_title("2,000 such experiments", fontsize=10)
    return figure
