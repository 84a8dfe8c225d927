"""Sliders of lesson 05: lambda and tau against the curves of stored runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure

from dualcl_tutorial.plots.lesson05 import lambda_tau
from dualcl_tutorial.plots.shared import read_results

if TYPE_CHECKING:
    from ipywidgets import Widget

TABLE = "lesson05_lambda_tau"


def weight_and_temperature(runs: pd.DataFrame) -> dict[str, Widget]:
    """Return a slider for each of the two settings, over the values that were run."""
    import ipywidgets

    dual = runs[runs.weight > 0]
    return {
        name: ipywidgets.SelectionSlider(
            options=[float(value) for value in sorted(dual[name].unique())],
            value=0.1,
            description=name,
        )
        for name in ("weight", "temperature")
    }


def stored_curves(weight: float = 0.1, temperature: float = 0.1) -> Figure:
    """Draw the stored runs of one setting; see `lambda_tau`."""
    return lambda_tau(read_results(TABLE), weight=weight, temperature=temperature)
