"""Slider of lesson 09: two dimensions, epoch by epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure

from dualcl_tutorial import corpora
from dualcl_tutorial.plots.lesson09 import circles
from dualcl_tutorial.plots.shared import read_results

if TYPE_CHECKING:
    from ipywidgets import Widget

TABLE = "lesson09_narrow"


def class_names() -> list[str]:
    """Return the classes of the corpus that the stored models were trained on."""
    names: list[str] = corpora.load("mini-questions")["test"].features["label"].names
    return names


def epochs(table: pd.DataFrame) -> dict[str, Widget]:
    """Return a slider over the epochs that are stored, at the last one."""
    import ipywidgets

    known = sorted(int(epoch) for epoch in table.epoch.unique())
    return {"epoch": ipywidgets.SelectionSlider(options=known, value=known[-1])}


def two_dimensions(epoch: int) -> Figure:
    """Draw the stored two-dimensional models after an epoch; see `circles`."""
    return circles(read_results(TABLE), class_names(), epoch=epoch)
