"""Sliders of lesson 12: what a batch holds for an anchor, and what a table of runs costs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dualcl_tutorial.notebook import COLOURS
from dualcl_tutorial.plots.lesson12 import hours, lone_share


def batch_sliders() -> dict[str, Any]:
    """Return sliders for the batch and the number of classes."""
    import ipywidgets

    sizes = [2**power for power in range(1, 13)]
    return {
        "batch": ipywidgets.SelectionSlider(options=sizes, value=16),
        "classes": ipywidgets.IntSlider(6, min=2, max=100),
    }


def positives(batch: int, classes: int) -> Figure:
    """Draw how many positives an anchor of a random batch has.

    Args:
        batch: sentences in the batch.
        classes: equally frequent classes.
    """
    others, share = batch - 1, 1 / classes
    count = np.arange(others + 1)
    logs = [
        math.lgamma(others + 1) - math.lgamma(k + 1) - math.lgamma(others - k + 1) for k in count
    ]
    chance = np.exp(
        np.array(logs) + count * math.log(share) + (others - count) * math.log1p(-share)
    )
    figure = Figure(figsize=(5.8, 2.8), layout="constrained")
    axes = figure.subplots()
    shown = chance > 1e-4
    colours = [COLOURS[4] if k == 0 else COLOURS[0] for k in count[shown]]
    axes.bar(count[shown], 100 * chance[shown], color=colours, width=1.0 if others > 60 else 0.8)
    axes.set(xlabel="positives of an anchor", ylabel="share of anchors (%)")
    lone = 100 * lone_share(batch, classes)
    axes.set_title(
        f"{others} candidates, {others * share:.1f} positives on average, "
        f"{lone:.1f} % of anchors without one",
        fontsize=9,
    )
    return figure


def cost_sliders(seconds: float) -> dict[str, Any]:
    """Return sliders for the seconds of a step, at first those measured, and for processors.

    Args:
        seconds: measured here.
    """
    import ipywidgets

    return {
        "seconds": ipywidgets.FloatLogSlider(
            seconds, base=10, min=-3, max=2, step=0.05, description="seconds"
        ),
        "processors": ipywidgets.SelectionSlider(options=[1, 8, 64, 256], value=8),
    }


def cost(seconds: float, processors: int) -> Figure:
    """Draw how long the paper's Table 2 takes on one processor and on several.

    Args:
        seconds: of one step.
        processors: each does one run at a time.
    """
    return hours(seconds, sorted({1, processors, 64}))
