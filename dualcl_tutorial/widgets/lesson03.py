"""Slider of lesson 03: a batch whose labels can be clicked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from matplotlib.figure import Figure

from dualcl_tutorial.example import CLASSES, LABELS, SENTENCES, hand_batch
from dualcl_tutorial.losses import contrastive_loss, loss_floor, pair_masks
from dualcl_tutorial.notebook import COLOURS
from dualcl_tutorial.plots.lesson03 import draw_mask

if TYPE_CHECKING:
    from ipywidgets import Widget


def label_buttons() -> dict[str, Widget]:
    """Return a row of buttons for each of the six sentences, and a temperature."""
    import ipywidgets

    wide = ipywidgets.Layout(width="max-content")
    style = {"description_width": "16em", "button_width": "4.5em"}
    buttons: dict[str, Any] = {
        f"s{i}": ipywidgets.ToggleButtons(
            options=CLASSES,
            value=CLASSES[label],
            description=f"{i}: {sentence}",
            style=style,
            layout=wide,
        )
        for i, (sentence, label) in enumerate(zip(SENTENCES, LABELS, strict=True), 1)
    }
    buttons["temperature"] = ipywidgets.SelectionSlider(
        options=[0.1, 0.2, 0.5, 1.0], value=0.5, description="temperature"
    )
    return buttons


def labelled_batch(temperature: float = 0.5, **chosen: str) -> Figure:
    """Draw masks and loss of the hand-sized batch under the labels a reader chose.

    Args:
        temperature: tau.
        chosen: a class name for each sentence, s1 to s6.
    """
    labels = torch.tensor([CLASSES.index(chosen[f"s{i}"]) for i in range(1, len(SENTENCES) + 1)])
    z = hand_batch().z
    _, positives = pair_masks(labels)
    losses, valid = contrastive_loss(z, z, labels, temperature=temperature, reduction="none")
    figure = Figure(figsize=(6.6, 3.1), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.1))
    title = f"positives P: {int(positives.sum())} pairs, {int(valid.sum())} anchors count"
    draw_mask(left, positives, labels.tolist(), COLOURS[0], title)
    numbers = range(1, len(labels) + 1)
    right.bar(numbers, losses.tolist(), color=COLOURS[5])
    for i, counts in zip(numbers, valid.tolist(), strict=True):
        if not counts:
            right.text(i, 0.05, "no\npartner", ha="center", fontsize=7, color="#444444")
    right.set(xlabel="anchor", ylabel="loss (nats)", xticks=list(numbers))
    if valid.any():
        collapsed, floor = loss_floor(labels)
        mean = float(losses[valid].mean())
        right.axhline(mean, color=COLOURS[0], label=f"loss of the batch {mean:.2f}")
        right.axhline(collapsed, color="#777777", ls="--", label=f"collapsed {collapsed:.2f}")
        right.axhline(floor, color="#777777", ls=":", label=f"floor {floor:.2f}")
        right.set_ylim(0, 1.45 * max(float(losses.max()), collapsed))
        right.legend(fontsize=7, loc="upper right")
    right.set_title("loss of each anchor", fontsize=9)
    return figure
