"""Sliders of lesson 02: the temperature of a loss, on a circle of points."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from matplotlib.figure import Figure
from torch import Tensor

from dualcl_tutorial.example import NUDGE, hand_batch
from dualcl_tutorial.plots.lesson02 import anchor_on_circle

if TYPE_CHECKING:
    from ipywidgets import Widget


def turned_views(turn: float) -> Tensor:
    """Return the two views of the hand-sized batch, the second of sentence 1 turned from the first.

    Args:
        turn: degrees, clockwise, from view 1a to view 1b.

    Shape:
        (2N, d) = (12, 2), the first six first views.
    """
    z = hand_batch(torch.float64).z
    second = z + torch.tensor(NUDGE, dtype=z.dtype)
    angle = torch.atan2(z[0, 1], z[0, 0]) - torch.tensor(turn, dtype=z.dtype).deg2rad()
    second[0] = torch.stack([angle.cos(), angle.sin()])
    return torch.cat([z, second])


def temperature_sliders() -> dict[str, Widget]:
    """Return a slider for the temperature, and one for how far the partner of 1a is turned."""
    import ipywidgets

    return {
        "temperature": ipywidgets.SelectionSlider(
            options=[0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0], value=0.1
        ),
        "turn": ipywidgets.IntSlider(30, min=0, max=180, step=10),
    }


def temperature_on_circle(temperature: float = 0.1, turn: float = 30) -> Figure:
    """Draw where the loss of view 1a sends all views; see `anchor_on_circle`."""
    return anchor_on_circle(turned_views(turn), anchor=0, temperature=temperature)
