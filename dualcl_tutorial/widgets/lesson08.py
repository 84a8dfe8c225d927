"""Sliders of lesson 08: experiments whose true gap is known."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy import stats

from dualcl_tutorial.plots.lesson08 import experiment


def gap_sliders() -> dict[str, Any]:
    """Return sliders for the true gap, the spread of differences, the seeds, and a draw."""
    import ipywidgets

    style = {"description_width": "initial"}
    return {
        "gap": ipywidgets.FloatSlider(
            1.0, min=0, max=4, step=0.25, description="true gap (points)", style=style
        ),
        "spread": ipywidgets.FloatSlider(
            2.0, min=0.5, max=6, step=0.5, description="spread of differences", style=style
        ),
        "seeds": ipywidgets.IntSlider(5, min=2, max=20, description="seeds", style=style),
        "again": ipywidgets.IntSlider(0, min=0, max=20, description="another draw", style=style),
    }


def simulated(gap: float = 1.0, spread: float = 2.0, seeds: int = 5, again: int = 0) -> Figure:
    """Draw one simulated comparison of two methods, and what 2,000 others found.

    Args:
        gap: true difference in points.
        spread: standard deviation of a seed's difference, in points.
        seeds: in each experiment.
        again: which experiment is shown.
    """
    one = np.random.default_rng([1, again]).normal(gap, spread, seeds)
    many = np.random.default_rng(0).normal(gap, spread, (2000, seeds))
    half = stats.t.ppf(0.975, seeds - 1) * many.std(1, ddof=1) / np.sqrt(seeds)
    above, below = (many.mean(1) - half > 0).mean(), (many.mean(1) + half < 0).mean()
    found = {"a gap above 0": above, "a gap below 0": below, "nothing": 1 - above - below}
    return experiment(one.tolist(), {name: float(share) for name, share in found.items()})
