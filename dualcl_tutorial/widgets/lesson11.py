"""Sliders of lesson 11: a threshold of confidence against coverage and accuracy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from dualcl_tutorial.own_data import fit_temperature
from dualcl_tutorial.plots.lesson11 import coverage
from dualcl_tutorial.plots.shared import read_results

if TYPE_CHECKING:
    from ipywidgets import Widget


def stored_answers(*, scaled: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return confidence and correctness of the stored test answers, all seeds together.

    Args:
        scaled: whether each seed's scores are divided by the temperature of its validation split.

    Shape:
        (N,), (N,).
    """
    from scipy.special import softmax

    confidence, right = [], []
    for _, rows in read_results("lesson11_scores").groupby("seed"):
        scores = rows.drop(columns=["seed", "split", "label"]).to_numpy()  # (n, K)
        labels, test = rows.label.to_numpy(), (rows.split == "test").to_numpy()
        temperature = fit_temperature(scores[~test], labels[~test]) if scaled else 1.0
        probabilities = softmax(scores[test] / temperature, axis=1)
        confidence.append(probabilities.max(1))
        right.append(probabilities.argmax(1) == labels[test])
    return np.concatenate(confidence), np.concatenate(right)


def threshold_slider() -> dict[str, Widget]:
    """Return a slider for the threshold and a switch for the scaled scores."""
    import ipywidgets

    wide = {"description_width": "initial"}
    return {
        "threshold": ipywidgets.FloatSlider(0.8, min=0.0, max=0.99, step=0.01, style=wide),
        "scaled": ipywidgets.Checkbox(True, description="scores divided by the temperature"),
    }


def thresholded(threshold: float = 0.8, scaled: bool = True) -> Figure:
    """Draw coverage and accuracy of the stored answers; see `coverage`."""
    return coverage(*stored_answers(scaled=scaled), threshold=threshold)
