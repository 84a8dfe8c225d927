"""Figures of lesson 06: seeds, one change at a time, curves between two lines, symptoms."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from dualcl_tutorial.losses import dualcl_loss, loss_floor
from dualcl_tutorial.notebook import COLOURS
from dualcl_tutorial.stats import compare

if TYPE_CHECKING:
    from dualcl_tutorial.training import RunResult

GREY = "#777777"
NAMES = {"ce": "CE", "label-aware": "DualCL w/o L_dual", "dualcl": "DualCL"}
SIZES = (4, 8, 16, 64)
#: What figure "one change" shows: name to (choice, the choice it was changed from).
ASKED = {
    "no pairing, batch 16": ("no pairing", "default"),
    "no pairing, batch 8": ("batch 8, no pairing", "batch 8, epochs"),
    "no warm-up": ("no warm-up", "default"),
    "label order fixed": ("label order fixed", "default"),
    "batch 8, not 16": ("batch 8, epochs", "default"),
}


def by_seed(runs: pd.DataFrame, choice: str = "default") -> pd.DataFrame:
    """Return the accuracy in per cent of one choice, a row a seed and a column a method."""
    chosen = runs[runs.choice == choice]
    return 100 * chosen.pivot(index="seed", columns="method", values="accuracy")


def seeds(runs: pd.DataFrame, methods: Sequence[str] = ("ce", "dualcl", "label-aware")) -> Figure:
    """Draw the accuracy of each seed under each method, runs of one seed joined by a line."""
    table = by_seed(runs)[list(methods)].dropna()
    figure = Figure(figsize=(6.0, 3.4), layout="constrained")
    axes = figure.subplots()
    for _, row in table.iterrows():
        axes.plot(range(len(methods)), row, color="#bbbbbb", lw=1, zorder=1)
    for place, (method, colour, marker) in enumerate(zip(methods, COLOURS, "o^s", strict=False)):
        values = table[method]
        axes.scatter([place] * len(values), values, color=colour, marker=marker, s=26, zorder=2)
        axes.errorbar(
            place + 0.13, values.mean(), values.std(), fmt="_", ms=12, color=colour, capsize=4
        )
        text = f"{values.mean():.1f} ± {values.std():.1f}"
        axes.text(place + 0.2, values.mean(), text, va="center", fontsize=9)
    axes.set_xticks(range(len(methods)), [NAMES[method] for method in methods])
    axes.set(xlim=(-0.3, len(methods) - 0.35), ylabel="test accuracy (%)")
    axes.set_title("The luck of a seed is shared: most lines fall together", fontsize=10)
    return figure


def gaps(a: Sequence[float], b: Sequence[float], n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return all gaps of means, a minus b, that n of the seeds can show.

    Returns:
        with seeds of its own for each of the two, and with the same seeds for both.
    """
    chosen = np.array(list(itertools.combinations(range(len(a)), n)))  # (choices, n)
    mean_a, mean_b = (np.asarray(x, dtype=float)[chosen].mean(1) for x in (a, b))  # (choices,)
    return (mean_a[:, None] - mean_b[None, :]).ravel(), mean_a - mean_b


def luck(a: Sequence[float], b: Sequence[float], n: int, names: tuple[str, str]) -> Figure:
    """Draw the gaps that experiments with n seeds would have reported.

    Args:
        a: accuracy of each seed, in per cent.
        b: of the other method, in the same order of seeds.
        n: seeds an experiment has.
        names: of the two.
    """
    own, same = gaps(a, b, n)
    truth = float(np.mean(a) - np.mean(b))
    figure = Figure(figsize=(6.4, 3.4), layout="constrained")
    panels = figure.subplots(2, 1, sharex=True)
    edge = max(abs(own).max(), abs(same).max())
    bins = np.arange(-np.ceil(edge), np.ceil(edge) + 1)
    for axes, values, colour, text in (
        (panels[0], own, COLOURS[1], "other seeds for each"),
        (panels[1], same, COLOURS[0], "the same seeds for both"),
    ):
        axes.hist(values, bins, weights=np.full(len(values), 100 / len(values)), color=colour)
        axes.axvline(0, color="black", lw=1)
        axes.axvline(truth, color=GREY, ls="--", lw=1.2, label=f"all seeds: {truth:+.1f}")
        wrong = float(np.mean(values * truth <= 0))
        axes.set_title(
            f"{text}: {wrong:.0%} of {len(values):,} show no gap or the wrong sign", fontsize=9
        )
        axes.set_ylabel("share (%)")
    panels[0].legend(fontsize=8)
    panels[1].set_xlabel(f"{names[0]} minus {names[1]}, means of {n} seed{'s' * (n > 1)} (points)")
    return figure


def batch_sizes(runs: pd.DataFrame, shares: Mapping[bool, Sequence[float]]) -> Figure:
    """Draw accuracy against batch size at equal epochs and equal updates, and who has a partner.

    Args:
        runs: the table lesson06_choices.
        shares: pairing or not, to the share of anchors with a partner at each of `SIZES`.
    """
    figure = Figure(figsize=(7.2, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.5, 1))
    x = np.arange(len(SIZES))
    for method, kind, style, colour, marker in (
        ("ce", "epochs", ":", COLOURS[1], "s"),
        ("dualcl", "epochs", "-", COLOURS[0], "o"),
        ("dualcl", "steps", "--", COLOURS[4], "^"),
    ):
        points = sizes(runs, method, kind)
        places = [SIZES.index(size) for size in points.index]
        kinds = {"epochs": "10 epochs", "steps": "about 80 updates"}
        label = f"{NAMES[method]}, {kinds[kind]}"
        left.errorbar(
            places, points["mean"], points["sd"], ls=style, color=colour, marker=marker, capsize=3,
            ms=5, label=label,
        )  # fmt: skip
    left.set_xticks(x, [str(size) for size in SIZES])
    left.set(xlabel="batch size", ylabel="test accuracy (%), mean ± sd", ylim=(25, 95))
    left.set_title("Updates count, not the size alone", fontsize=10)
    left.legend(fontsize=7.5, loc="lower center")
    for pairing, style, colour in ((True, "-o", COLOURS[0]), (False, "--s", COLOURS[4])):
        name = "paired" if pairing else "left to chance"
        right.plot(x, 100 * np.asarray(shares[pairing]), style, color=colour, label=name)
    right.set_xticks(x, [str(size) for size in SIZES])
    right.set(xlabel="batch size", ylabel="anchors with a partner (%)", ylim=(0, 105))
    right.set_title("Small batches leave anchors alone", fontsize=10)
    right.legend(fontsize=8, loc="lower right")
    return figure


def sizes(runs: pd.DataFrame, method: str, kind: str) -> pd.DataFrame:
    """Return mean and sd of the accuracy in per cent at each batch size.

    Args:
        runs: the table lesson06_choices; of the default its first five seeds are taken.
        method: one of its methods.
        kind: "epochs" or "steps", what the batch sizes have in common.
    """
    names = ["default", *(f"batch {size}, {kind}" for size in SIZES)]
    chosen = runs[runs.choice.isin(names) & (runs.method == method) & (runs.seed < 5)]
    groups = (100 * chosen.accuracy).groupby(chosen.batch_size)
    return pd.DataFrame({"mean": groups.mean(), "sd": groups.std(), "n": groups.size()})


def sizes_in_words(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the numbers of :func:`batch_sizes` as text, a column a batch size."""
    rows = {}
    for method, kind in (("ce", "epochs"), ("dualcl", "epochs"), ("dualcl", "steps")):
        table = sizes(runs, method, kind)
        name = f"{NAMES[method]}, equal {kind}"
        rows[name] = {size: f"{row['mean']:.1f} ± {row.sd:.1f}" for size, row in table.iterrows()}
    return pd.DataFrame(rows).T[list(SIZES)].fillna("").rename_axis(columns="batch size")


def changed(runs: pd.DataFrame, choices: Mapping[str, tuple[str, str]]) -> pd.DataFrame:
    """Compare choices with what they were changed from, seed by seed, in points of accuracy.

    Args:
        runs: the table lesson06_choices.
        choices: name to (choice, the choice it was changed from), of method dualcl.

    Returns:
        difference, low and high (Student's t, 95 %) and n, a row a name.
    """
    rows = {}
    for name, (choice, base) in choices.items():
        apart = (by_seed(runs, choice).dualcl - by_seed(runs, base).dualcl).dropna()
        n = len(apart)
        half = stats.t.ppf(0.975, n - 1) * apart.std() / n**0.5
        mean = apart.mean()
        rows[name] = {"difference": mean, "low": mean - half, "high": mean + half, "n": n}
    return pd.DataFrame(rows).T


def term_gain(runs: pd.DataFrame) -> pd.DataFrame:
    """Compare DualCL with its own half without L_dual at 10 %, seed by seed, in points.

    Args:
        runs: the store "runs"; those of other settings than the defaults of minilm are left out.

    Returns:
        corpus, difference, low, high and n, a row a corpus.
    """
    default = {"epochs": 10, "lr": 1e-4, "batch_size": 16, "temperature": 0.1, "label_words": None}
    plain = runs.settings.map(
        lambda s: all(s[k] == v for k, v in default.items()) and s["weight"] in (0.0, 0.1)
    )
    small = (runs.fraction == 0.1) & (runs.encoder == "minilm") & (runs.split == "test")
    chosen = runs[plain & small].assign(accuracy=100 * runs.accuracy)
    table = compare(chosen, a="dualcl", b="label-aware", by=["corpus"])
    return table[table.n >= 3][["corpus", "difference", "low", "high", "n"]]


def one_change(table: pd.DataFrame) -> Figure:
    """Draw the rows of :func:`changed` as points with their intervals."""
    figure = Figure(figsize=(6.4, 0.42 * len(table) + 1.1), layout="constrained")
    axes = figure.subplots()
    for place, (_, row) in enumerate(table.iterrows()):
        clear = row.low > 0 or row.high < 0
        colour, marker = (COLOURS[4], "D") if clear else (COLOURS[0], "o")
        axes.plot([row.low, row.high], [place, place], color=colour, lw=1.6)
        axes.scatter([row.difference], [place], color=colour, marker=marker, s=34, zorder=2)
    axes.axvline(0, color=GREY, lw=1)
    axes.set_yticks(range(len(table)), list(table.index))
    axes.set_ylim(len(table) - 0.5, -0.5)
    axes.set_xlabel("points of accuracy against what it was changed from, 95 % interval")
    axes.set_title("Five seeds cannot see small changes", fontsize=10)
    return figure


def curve(history: pd.DataFrame, classes: int) -> Figure:
    """Draw a run: both terms in their band, and how much of what could be learned is learned.

    Args:
        history: of a run of method dualcl, one row a step.
        classes: K.
    """
    figure = Figure(figsize=(7.2, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    _band(left, history)
    left.set_title("Read both terms against their band", fontsize=10)
    left.legend(fontsize=8, loc="lower left")
    term = (history.loss_z + history.loss_theta) / 2
    learned = (history.collapsed - term) / (history.collapsed - history.floor)
    classified = 1 - history.cross_entropy / np.log(classes)
    window = max(1, len(history) // 16)
    for values, name, colour, style in (
        (learned, "dual terms", COLOURS[0], "-"),
        (classified, "cross-entropy", COLOURS[1], "--"),
    ):
        smooth = values.rolling(window, 1).mean().clip(lower=-0.5)
        right.plot(history.step, 100 * smooth, style, color=colour, label=name)
    right.axhline(0, color=GREY, lw=0.8)
    right.axhline(100, color=GREY, lw=0.8)
    right.set(xlabel="step", ylabel="share of the way (%)", ylim=(-55, 110))
    right.set_title("From knowing nothing to the floor", fontsize=10)
    right.legend(fontsize=8, loc="lower right")
    return figure


def _band(axes: Axes, history: pd.DataFrame) -> None:
    """Draw L_z and L_theta between the collapsed value and the floor of each batch."""
    axes.fill_between(
        history.step, history.floor, history.collapsed, color="#dddddd", label="floor to collapsed"
    )
    terms = (("loss_z", "L_z", COLOURS[0], "-"), ("loss_theta", "L_θ", COLOURS[4], "--"))
    for column, name, colour, style in terms:
        axes.plot(history.step, history[column], style, color=colour, lw=1.3, label=name)
    axes.set(xlabel="step", ylabel="loss (nats)")
    axes.set_ylim(bottom=0)


def symptoms(histories: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw the terms of several short runs side by side, each in the band of its batches.

    Args:
        histories: name of a run to its rows: step, cross_entropy, loss_z, loss_theta, collapsed
            and floor.
    """
    figure = Figure(figsize=(7.4, 3.6), layout="constrained")
    panels = figure.subplots(2, len(histories), sharex=True, sharey="row", squeeze=False)
    for (name, history), upper, lower in zip(histories.items(), panels[0], panels[1], strict=True):
        upper.plot(history.step, history.cross_entropy, color=COLOURS[1])
        upper.set_yscale("log")
        upper.set_title(name, fontsize=9)
        _band(lower, history)
        lower.set_ylabel("")
    panels[0, 0].set_ylabel("cross-entropy")
    panels[1, 0].set_ylabel("dual terms")
    panels[1, 0].legend(fontsize=7, loc="lower left")
    return figure


def paper_and_ours(
    paper: pd.DataFrame, ours: pd.DataFrame, encoder: str
) -> dict[str, dict[str, list[float]]]:
    """Return the accuracies of CE and DualCL on 10 % of TREC that others got, in per cent.

    Args:
        paper: the paper's Table 2.
        ours: the stored runs of minilm.
        encoder: "bert" or "roberta" of the paper.
    """
    cells = paper[(paper.corpus == "trec") & (paper.fraction == 0.1) & (paper.encoder == encoder)]
    own = ours[(ours.corpus == "trec") & (ours.fraction == 0.1)]
    methods = ("ce", "dualcl")
    return {
        f"the paper, {encoder}": {m: cells[cells.method == m].accuracy.tolist() for m in methods},
        "minilm": {m: (100 * own[own.method == m].accuracy).tolist() for m in methods},
    }


def cost_table(record: Sequence[tuple[str, float, float, float]]) -> pd.DataFrame:
    """Sum up repeated measurements of time, a row a name, in the order in which names come first.

    Args:
        record: name, seconds, share of padding and first loss; NaN where there is none.
    """
    frame = pd.DataFrame(record, columns=["name", "seconds", "padding", "loss"])
    rows = {}
    for name, group in frame.groupby("name", sort=False):
        ms = 1000 * group.seconds
        rows[name] = {
            "ms: median (min to max)": f"{ms.median():.0f} ({ms.min():.0f} to {ms.max():.0f})",
            "padding": "" if group.padding.isna().any() else f"{group.padding.mean():.0%}",
            "first loss": "" if group.loss.isna().any() else f"{group.loss.iloc[0]:.4f}",
        }
    return pd.DataFrame(rows).T


def yours(runs: Mapping[tuple[str, int], RunResult]) -> dict[str, list[float]]:
    """Return the accuracies in per cent of runs by (method, seed), a list a method."""
    found: dict[str, list[float]] = {}
    for (method, _), run in runs.items():
        found.setdefault(method, []).append(100 * (run.accuracy or 0.0))
    return found


def own_runs(series: Mapping[str, Mapping[str, Sequence[float]]], title: str) -> Figure:
    """Draw accuracies of CE and DualCL from several sources, a colour and a marker each.

    Args:
        series: source to method to accuracies in per cent; one with a single value is drawn large.
        title: the figure's claim.
    """
    figure = Figure(figsize=(6.0, 3.2), layout="constrained")
    axes = figure.subplots()
    methods = [m for m in NAMES if any(m in values for values in series.values())]
    apart = np.linspace(-0.2, 0.2, len(series)) if len(series) > 1 else [0.0]
    for (source, values), shift, colour, marker in zip(
        series.items(), apart, COLOURS, "os*D^", strict=False
    ):
        label: str | None = source
        for place, method in enumerate(methods):
            if not (found := list(values.get(method, []))):
                continue
            size = 110 if len(found) == 1 else 30
            x = [place + shift] * len(found)
            axes.scatter(x, found, color=colour, marker=marker, s=size, label=label, alpha=0.85)
            label = None
    axes.set_xticks(range(len(methods)), [NAMES[m] for m in methods])
    axes.set(ylabel="test accuracy (%)", xlim=(-0.5, len(methods) - 0.5))
    axes.set_title(title, fontsize=10)
    axes.legend(fontsize=8)
    return figure


def four_runs(steps: int = 60) -> dict[str, pd.DataFrame]:
    """Train the vectors of twelve sentences in three classes four times; three runs have a fault.

    a: temperature 100. b: none. c: the optimizer has another copy. d: batches sorted by class.
    """
    labels = torch.arange(12) // 4
    mixed = [[0, 1, 4, 5], [2, 3, 8, 9], [6, 7, 10, 11]]
    by_class = [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    runs = {}
    for name, tau, batches, moves in (
        ("a", 100.0, mixed, True),
        ("b", 0.1, mixed, True),
        ("c", 0.1, mixed, False),
        ("d", 0.1, by_class, True),
    ):
        draw = torch.Generator().manual_seed(0)
        z = (1 + 0.1 * torch.randn(12, 8, generator=draw)).requires_grad_()  # (sentences, d)
        theta = (1 + 0.1 * torch.randn(12, 3, 8, generator=draw)).requires_grad_()  # (.., K, d)
        adam = torch.optim.Adam([z, theta] if moves else [z.detach().clone()], lr=0.03)
        rows = []
        for step in range(steps):
            rows_of = batches[step % 3]
            noise = 0.05 * torch.randn(4, 8, generator=draw)  # in place of dropout
            y, shown = labels[rows_of], z[rows_of] + noise
            parts = dualcl_loss(shown, theta[rows_of], y, weight=0.5, temperature=tau)
            adam.zero_grad()
            parts.total.backward()
            adam.step()
            collapsed, floor = loss_floor(y)
            row = {"step": step + 1, "cross_entropy": parts.cross_entropy.item()}
            rows.append(row | {"loss_z": parts.loss_z.item(), "top": collapsed, "floor": floor})
        runs[name] = pd.DataFrame(rows)
    return runs


def which_cure() -> Figure:
    """Draw the four runs of :func:`four_runs`, named by letters only."""
    figure = Figure(figsize=(7.4, 2.9), layout="constrained")
    panels = figure.subplots(1, 4, sharey=True)
    for axes, (name, run) in zip(panels, four_runs().items(), strict=True):
        axes.fill_between(run.step, run.floor, run.top, color="#dddddd", label="band of L_z")
        axes.plot(run.step, run.top, color=GREY, lw=0.8)
        axes.plot(run.step, run.floor, color=GREY, lw=0.8)
        axes.plot(run.step, run.loss_z, color=COLOURS[0], label="L_z")
        axes.plot(run.step, run.cross_entropy, "--", color=COLOURS[1], label="cross-entropy")
        axes.set_title(name, fontsize=10)
        axes.set_xlabel("step")
    panels[0].set(ylabel="loss (nats)", ylim=(-0.05, 1.6))
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure
