"""Switches of lesson 07: from the paper's loss to the released ones, one difference at a time."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from torch import Tensor

from dualcl_tutorial.example import hand_batch
from dualcl_tutorial.losses import true_columns
from dualcl_tutorial.notebook import COLOURS
from dualcl_tutorial.plots.lesson07 import draw_book


def switched_losses(
    anchor: Tensor,
    target: Tensor,
    labels: Tensor,
    *,
    own_is_positive: bool,
    same_by_mu: bool,
    own_as_one: bool,
    temperature: float = 0.1,
    mu: float = 1.0,
) -> tuple[Tensor, Tensor]:
    """Compute each anchor's loss with any mixture of the differences, and which anchors have one.

    All switches off give the paper's terms, the first two on the snippet's, the third on the last
    release's.

    Shape:
        anchor (N, d), target (N, d), labels (N,) -> losses (N,), valid (N,).
    """
    cosines = F.normalize(anchor, dim=-1) @ F.normalize(target, dim=-1).T
    own = torch.eye(len(labels), dtype=torch.bool)
    same = labels[:, None] == labels[None, :]
    logits = torch.where(same & same_by_mu, cosines * mu, cosines / temperature)
    if own_as_one:
        denominator = logits.masked_fill(own, 0.0).logsumexp(1)
    else:  # 1e-12 is what the snippet has left where nothing else is there
        denominator = ((logits.exp().masked_fill(own, 0.0)).sum(1) + 1e-12).log()
    positives = same if own_is_positive else same & ~own
    count = positives.sum(1)
    pull = logits.masked_fill(~positives, 0.0).sum(1) / count.clamp(min=1)
    return torch.where(count > 0, denominator - pull, 0.0), count > 0


def switch_box() -> dict[str, Any]:
    """Return a tick box for each difference, set to the snippet's, and a temperature."""
    import ipywidgets

    wide, style = ipywidgets.Layout(width="28em"), {"description_width": "initial"}
    ticks = {
        "own_is_positive": (True, "own pair is a positive"),
        "same_by_mu": (True, "same class times mu"),
        "own_as_one": (False, "own pair as exp(0) = 1"),
        "lone_count_as_zero": (False, "lone anchors count as 0"),
    }
    box: dict[str, Any] = {
        name: ipywidgets.Checkbox(on, description=text, layout=wide, style=style)
        for name, (on, text) in ticks.items()
    }
    options = [0.05, 0.1, 0.2, 0.5, 1.0]
    return box | {"temperature": ipywidgets.SelectionSlider(options=options, value=0.1)}


def switches(
    own_is_positive: bool,
    same_by_mu: bool,
    own_as_one: bool,
    lone_count_as_zero: bool,
    temperature: float,
) -> Figure:
    """Draw pairs and losses of the hand-sized batch (z against theta*) for a setting of switches.

    Args:
        own_is_positive: the own pair is one of the positives.
        same_by_mu: cosines of one class are multiplied by mu = 1, not divided by temperature.
        own_as_one: the own pair stays in the denominator, as exp(0) = 1.
        lone_count_as_zero: the mean runs over all anchors, those without a positive as 0.
        temperature: tau.
    """
    z, theta, labels = hand_batch(torch.float64)
    losses, valid = switched_losses(
        z,
        true_columns(theta, labels),
        labels,
        own_is_positive=own_is_positive,
        same_by_mu=same_by_mu,
        own_as_one=own_as_one,
        temperature=temperature,
    )
    counted = len(labels) if lone_count_as_zero else int(valid.sum())
    mean = float(losses.sum()) / counted
    figure = Figure(figsize=(6.8, 3.1), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.15))
    both = {(False, False): "left out", (True, False): "positive only"}
    both |= {(False, True): "exp(0) = 1", (True, True): "positive, and exp(0) = 1"}
    own = both[own_is_positive, own_as_one]
    draw_book(left, labels, own=own, same_by_mu=same_by_mu)
    left.set_title(f"own pair: {own}", fontsize=9)
    numbers = range(1, len(labels) + 1)
    right.bar(numbers, losses.tolist(), color=COLOURS[5])
    right.axhline(0, color="#777777", lw=0.8)
    right.axhline(mean, color=COLOURS[4], ls="--", lw=1.2)
    right.set(xlabel="anchor", ylabel="loss of the anchor")
    switched = (own_is_positive, same_by_mu, own_as_one, lone_count_as_zero)
    title = f"mean over {counted} anchors: {mean:.3f}\n{name_of(switched)}"
    right.set_title(title, fontsize=9)
    return figure


def name_of(switched: tuple[bool, bool, bool, bool]) -> str:
    """Say whose loss a setting of the four switches is."""
    if switched[:3] == (True, True, False):
        return "this is the snippet's"  # no anchor is alone, so the last switch does nothing
    known = {
        (False, False, False, False): "this is the paper's (L_z)",
        (False, False, True, True): "this is the last release's",
    }
    return known.get(switched, "a loss that nobody released")
