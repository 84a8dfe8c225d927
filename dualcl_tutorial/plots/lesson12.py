"""Figures of lesson 12: batch size and signal, memory, who compares with whom, hours of a table."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from dualcl_tutorial.notebook import COLOURS

#: Training texts of the paper's five corpora, its Table 3.
TRAIN = {"sst2": 7447, "subj": 9000, "trec": 5452, "pc": 32097, "cr": 3394}


def lone_share(batch: int, classes: int) -> float:
    """Say how often an anchor of a random batch of equally frequent classes has no positive."""
    return (1 - 1 / classes) ** (batch - 1)


def batch_signal(agreement: Mapping[int, float], classes: Sequence[int] = (2, 6, 50)) -> Figure:
    """Draw what a batch's size does to its anchors and to its gradient.

    Args:
        agreement: size of the parts a batch was cut into -> cosine of their mean gradient with the
            whole batch's.
        classes: numbers of classes on the left.
    """
    figure = Figure(figsize=(6.8, 3.0), layout="constrained")
    left, right = figure.subplots(1, 2)
    sizes = [2, 4, 8, 16, 32, 64, 128, 256]
    for count, colour, style in zip(classes, COLOURS, ("-", "--", "-."), strict=False):
        shares = [100 * lone_share(n, count) for n in sizes]
        left.plot(sizes, shares, style, color=colour, marker="o", ms=3, label=f"{count} classes")
    left.set_xscale("log", base=2)
    left.set(xlabel="sentences in a batch", ylabel="anchors without a positive (%)")
    left.set_title("Small batches waste anchors", fontsize=9)
    left.legend(fontsize=8)
    right.plot(list(agreement), list(agreement.values()), "o-", color=COLOURS[4])
    right.set_xscale("log", base=2)
    right.set(xlabel="sentences in a part", ylabel="cosine with the whole gradient", ylim=(0, 1.05))
    right.set_title("Parts are not the whole", fontsize=9)
    return figure


def memory(table: pd.DataFrame) -> Figure:
    """Draw a step's memory and time against its batch, whole and in pieces of 64.

    Args:
        table: batch, micro_batch, extra_mib, cpu_seconds, as results/lesson12_memory.csv.
    """
    figure = Figure(figsize=(6.8, 3.0), layout="constrained")
    left, right = figure.subplots(1, 2)
    whole = table[table.batch == table.micro_batch].sort_values("batch")
    pieces = table[table.micro_batch < table.batch].sort_values("batch")
    for axes, column, label in (
        (left, "extra_mib", "memory of a step (MiB)"),
        (right, "cpu_seconds", "processor seconds a step"),
    ):
        axes.plot(whole.batch, whole[column], "s--", color=COLOURS[1], label="whole batch")
        axes.plot(pieces.batch, pieces[column], "o-", color=COLOURS[0], label="in pieces of 64")
        axes.set_xscale("log", base=2)
        axes.set(xlabel="sentences in a batch", ylabel=label, ylim=(0, None))
    left.set_title("Memory: pieces stay small", fontsize=9)
    right.set_title("Time: one more forward pass", fontsize=9)
    left.legend(fontsize=8)
    return figure


def who_compares(rows: int, processes: int) -> Figure:
    """Draw which pairs of a batch are compared by several processes, without and with gathering."""
    figure = Figure(figsize=(6.4, 3.1), layout="constrained")
    size = -(-rows // processes)
    owner = np.arange(rows) // size
    alone = np.where(owner[:, None] == owner[None, :], owner[:, None] + 1, 0)
    together = np.tile(owner[:, None] + 1, (1, rows))
    titles = ("Not gathered: blocks only", "Gathered: every candidate")
    for axes, shown, title in zip(figure.subplots(1, 2), (alone, together), titles, strict=True):
        for i in range(rows):
            for j in range(rows):
                if i == j or not shown[i, j]:
                    colour = "#f2f2f2"
                else:
                    colour = COLOURS[(shown[i, j] - 1) % len(COLOURS)]
                axes.fill([j, j + 1, j + 1, j], [i, i, i + 1, i + 1], color=colour, ec="white")
        axes.set(xlim=(0, rows), ylim=(rows, 0), xlabel="candidate", ylabel="anchor")
        axes.set_xticks(np.arange(rows) + 0.5, [str(i + 1) for i in range(rows)])
        axes.set_yticks(
            np.arange(rows) + 0.5, [f"{i + 1} (p{owner[i]})" for i in range(rows)], fontsize=8
        )
        axes.set_aspect("equal")
        axes.set_title(title, fontsize=9)
    return figure


def table_steps(epochs: int = 30, batch: int = 64, seeds: int = 10) -> list[int]:
    """List the steps of every run of the paper's Table 2, the longest first.

    Two encoders, five methods, five corpora, a tenth of the texts and all of them, ten seeds.
    """
    of_one = [
        epochs * -(-int(texts * share) // batch) for texts in TRAIN.values() for share in (0.1, 1.0)
    ]
    return sorted(2 * 5 * seeds * of_one, reverse=True)


def makespan(steps: Sequence[float], seconds: float, gpus: int) -> float:
    """Return the hours until the last run is done; who is free takes the next run of the list."""
    free = [0.0] * gpus
    for count in steps:
        heapq.heappush(free, heapq.heappop(free) + count * seconds)
    return max(free) / 3600


def hours(seconds: float, gpus: Sequence[int] = (1, 8, 64)) -> Figure:
    """Draw how long the paper's Table 2 takes at so many seconds a step.

    Args:
        seconds: of one step.
        gpus: numbers of processors, each with one run at a time.
    """
    figure = Figure(figsize=(5.6, 2.6), layout="constrained")
    axes = figure.subplots()
    steps = table_steps()
    found = [makespan(steps, seconds, count) for count in gpus]
    bars = axes.barh([str(count) for count in gpus], found, color=COLOURS[0])
    axes.bar_label(bars, [_duration(value) for value in found], padding=3, fontsize=8)
    axes.set_xscale("log")
    axes.set_xlim(min(found) / 3, max(found) * 8)
    axes.set(xlabel="hours (log scale)", ylabel="processors")
    axes.set_title(f"{len(steps)} runs at {seconds:.3g} s a step", fontsize=9)
    return figure


def _duration(hours: float) -> str:
    return f"{hours / 24:.1f} days" if hours > 48 else f"{hours:.1f} hours"
