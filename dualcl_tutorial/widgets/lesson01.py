"""Sliders of lesson 01: three scores, their probabilities, the loss and its gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from matplotlib.figure import Figure

from dualcl_tutorial.example import CLASSES
from dualcl_tutorial.notebook import COLOURS

if TYPE_CHECKING:
    from ipywidgets import Widget

TRUE = 0  # the sentence drawn is about food


def score_sliders() -> dict[str, Widget]:
    """Return a slider for the score of each class, and one for a constant added to all."""
    import ipywidgets

    start = {"food": 0.5, "film": 1.0, "phone": -0.5, "constant": 0.0}
    wide = {"description_width": "7em"}
    sliders: dict[str, Any] = {
        name: ipywidgets.FloatSlider(value, min=-5, max=5, step=0.25, style=wide)
        for name, value in start.items()
    }
    return sliders


def scores_and_gradient(food: float, film: float, phone: float, constant: float = 0.0) -> Figure:
    """Draw softmax and the gradient of cross-entropy for a sentence about food."""
    scores = torch.tensor([food, film, phone], dtype=torch.float64) + constant
    probabilities = scores.softmax(0)  # (K,)
    gradient = probabilities - F.one_hot(torch.tensor(TRUE), len(CLASSES))  # (K,)
    loss = float(F.cross_entropy(scores[None], torch.tensor([TRUE])))
    figure = Figure(figsize=(6.4, 2.9), layout="constrained")
    figure.suptitle(
        f"A sentence about {CLASSES[TRUE]}: cross-entropy {loss:.3f}",
        fontsize=10,
        x=0.01,
        ha="left",
    )
    left, right = figure.subplots(1, 2)
    named = [f"{name}\n{score:+.2f}" for name, score in zip(CLASSES, scores.tolist(), strict=True)]
    for axes, values, label in (
        (left, probabilities, "probability"),
        (right, gradient, "probability minus target"),
    ):
        bars = axes.bar(named, values.tolist(), color=[COLOURS[k] for k in range(len(CLASSES))])
        axes.bar_label(bars, [f"{v:+.2f}" if axes is right else f"{v:.2f}" for v in values])
        axes.set(ylabel=label, xlabel="class and its score")
    left.set_ylim(0, 1.15)
    right.set_ylim(-1.2, 1.2)
    right.axhline(0, color="#777777", lw=0.8)
    return figure
