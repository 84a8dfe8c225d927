"""Sliders of lesson 06: what an experiment with few seeds would have reported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from dualcl_tutorial.plots.lesson06 import NAMES, by_seed, luck
from dualcl_tutorial.plots.shared import read_results

if TYPE_CHECKING:
    from ipywidgets import Widget

TABLE = "lesson06_choices"
PAIRS = {
    "DualCL - CE": ("dualcl", "ce"),
    "DualCL - w/o L_dual": ("dualcl", "label-aware"),
}
MOST = 5  # with more of the ten seeds the choices are too alike to show how far luck goes


def seeds_and_methods() -> dict[str, Widget]:
    """Return a choice of two methods and a slider for the number of seeds."""
    import ipywidgets

    return {
        "methods": ipywidgets.Dropdown(options=list(PAIRS), value="DualCL - w/o L_dual"),
        "seeds": ipywidgets.IntSlider(1, min=1, max=MOST),
    }


def experiments(methods: str = "DualCL - w/o L_dual", seeds: int = 1) -> Figure:
    """Draw all gaps that this many of the ten stored seeds can show; see `luck`."""
    a, b = PAIRS[methods]
    table = by_seed(read_results(TABLE))
    return luck(table[a].tolist(), table[b].tolist(), seeds, (NAMES[a], NAMES[b]))
