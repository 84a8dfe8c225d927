"""Figures of lesson 02: a choice among candidates, temperature, shapes, push and pull."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle
from torch import Tensor

from dualcl_tutorial import geometry
from dualcl_tutorial.losses import contrastive_loss
from dualcl_tutorial.notebook import COLOURS
from dualcl_tutorial.plots.lesson03 import pull_weights

#: Marker of the first and of the second view.
MARKERS = "os"


def view_names(batch: int) -> list[str]:
    """Name the 2N views: 1a to Na, then 1b to Nb."""
    return [f"{i + 1}{side}" for side in "ab" for i in range(batch)]


def choices(probabilities: Tensor) -> Figure:
    """Draw the softmax of each view over all others, the partner's cell framed.

    Shape:
        probabilities (2N, 2N), rows anchors; the first N are first views.
    """
    size = len(probabilities)
    figure = Figure(figsize=(6.0, 4.4), layout="constrained")
    axes = figure.subplots()
    top = float(probabilities.max())
    image = axes.imshow(probabilities.numpy(), vmin=0, vmax=top)
    for i, row in enumerate(probabilities.tolist()):
        for j, p in enumerate(row):
            text = "own" if i == j else f"{100 * p:.0f}"
            shade = "black" if p > 0.55 * top else "white"
            axes.text(j, i, text, ha="center", va="center", fontsize=7, color=shade)
        partner = (i + size // 2) % size
        axes.add_patch(
            Rectangle((partner - 0.5, i - 0.5), 1, 1, fill=False, edgecolor=COLOURS[4], lw=1.8)
        )
    axes.set_xticks(range(size), view_names(size // 2), fontsize=8)
    axes.set_yticks(range(size), view_names(size // 2), fontsize=8)
    axes.tick_params(length=0)
    axes.set(xlabel="candidate", ylabel="anchor")
    axes.set_title("Each row is a choice among 11; the right answer is framed", fontsize=10)
    figure.colorbar(image, ax=axes, label="probability (in the cells: per cent)", shrink=0.85)
    return figure


def push_shares(cosines: Tensor, temperature: float) -> Tensor:
    """Say how the negatives of one anchor share its push: a softmax among them.

    Shape:
        cosines (M,), of negatives only -> (M,).
    """
    return torch.softmax(cosines / temperature, 0)


def shares_by_temperature(cosines: Tensor, names: Sequence[str]) -> Figure:
    """Draw as bands how the negatives of one anchor share its push, from temperature 1 to 0.01.

    Shape:
        cosines (M,), of negatives only; M names.
    """
    order = cosines.argsort(descending=True).tolist()
    temperatures = np.geomspace(1, 0.01, 81)
    shares = torch.stack([push_shares(cosines[order], t) for t in temperatures], 1)  # (M, 81)
    figure = Figure(figsize=(6.0, 3.3), layout="constrained")
    axes = figure.subplots()
    greys = [str(x) for x in np.linspace(0.6, 0.92, max(len(cosines) - 2, 1))]
    axes.stackplot(
        temperatures,
        shares.numpy(),
        colors=[COLOURS[1], COLOURS[5], *greys],
        edgecolor="white",
        lw=0.4,
    )
    low = 0.0
    for place in (0, 1):
        share, middle = float(shares[place, 0]), low + float(shares[place, 0]) / 2
        text = f" {names[order[place]]}, cosine {float(cosines[order[place]]):.2f}"
        axes.text(0.96, middle, text, fontsize=8, va="center")
        low += share
    axes.text(0.96, (1 + low) / 2, f" the other {len(cosines) - 2}", fontsize=8, va="center")
    axes.set(xscale="log", xlim=(1, 0.01), ylim=(0, 1))
    ticks = (1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01)
    axes.set_xticks(ticks, [f"{t:g}" for t in ticks])
    axes.minorticks_off()
    axes.set(xlabel="temperature", ylabel="share of the push")
    axes.set_title("The smaller the temperature, the more the hardest negative takes", fontsize=10)
    return figure


def steps(views: Tensor, anchor: int, temperature: float) -> Tensor:
    """Compute where one anchor's loss sends each view: minus the gradient, times the temperature.

    Shape:
        views (2N, d), the first N first views -> (2N, d), at right angles to each unit view.
    """
    unit = F.normalize(views.detach(), dim=1).requires_grad_()
    losses = _anchor_losses(unit, temperature)
    return -torch.autograd.grad(losses[anchor], unit)[0] * temperature


def _anchor_losses(views: Tensor, temperature: float) -> Tensor:
    sentence = torch.arange(len(views) // 2).repeat(2)
    return contrastive_loss(views, views, sentence, temperature=temperature, reduction="none")[0]


def anchor_on_circle(views: Tensor, *, anchor: int, temperature: float) -> Figure:
    """Draw where one anchor's loss sends every view, and how the negatives share its push.

    Shape:
        views (2N, 2), the first N first views; anchor counts from 0.
    """
    sentence = torch.arange(len(views) // 2).repeat(2)
    weights = pull_weights(views, sentence, anchor, temperature)  # (2N,): the partner's above 0
    names = view_names(len(views) // 2)
    pushed = [j for j in range(len(views)) if sentence[j] != sentence[anchor]]
    shares = dict(zip(pushed, (weights[pushed] / weights[pushed].sum()).tolist(), strict=True))
    figure = Figure(figsize=(6.8, 3.5), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.15, 1))
    _draw_circle(left, views, anchor, temperature, names)
    order = sorted(shares, key=shares.__getitem__, reverse=True)
    colours = [COLOURS[4], *[COLOURS[5]] * (len(order) - 1)]
    bars = right.barh([names[j] for j in order], [shares[j] for j in order], color=colours)
    right.bar_label(bars, [f" {shares[j]:.2f}" for j in order], fontsize=8)
    right.invert_yaxis()
    right.set(xlim=(0, 1.15), xlabel="share of the push", ylabel="negative")
    right.tick_params(axis="y", labelsize=8, length=0)
    total = float(-weights[pushed].sum())
    right.set_title(f"Hardest: {names[order[0]]}; the whole push is {total:.2f}", fontsize=9)
    return figure


def _draw_circle(
    axes: Axes, views: Tensor, anchor: int, temperature: float, names: Sequence[str]
) -> None:
    unit = F.normalize(views, dim=1)
    batch = len(views) // 2
    loss = float(_anchor_losses(views, temperature)[anchor])
    partner = (anchor + batch) % len(views)
    axes.add_patch(Circle((0, 0), 1, fill=False, edgecolor="#bbbbbb"))
    sent = steps(views, anchor, temperature)  # (2N, 2)
    for j, ((x, y), (dx, dy)) in enumerate(zip(unit.tolist(), sent.tolist(), strict=True)):
        face = "#eeeeee"
        if j in (anchor, partner):
            face = "white" if j == anchor else COLOURS[0]
        axes.scatter([x], [y], s=70, marker=MARKERS[j // batch], color=face, edgecolor="#222222")
        axes.text(1.2 * x, 1.2 * y, names[j], ha="center", va="center", fontsize=8)
        if math.hypot(dx, dy) > 0.01:
            colour = COLOURS[0] if j in (anchor, partner) else COLOURS[4]
            style = {"arrowstyle": "-|>", "color": colour, "lw": 1.8, "shrinkA": 0, "shrinkB": 0}
            axes.annotate("", (x + 0.9 * dx, y + 0.9 * dy), (x, y), arrowprops=style, zorder=4)
    axes.set(xlim=(-1.5, 1.5), ylim=(-1.5, 1.5), aspect="equal")
    axes.set_axis_off()
    axes.set_title(
        f"Temperature {temperature:g}: loss of {names[anchor]} is {loss:.2f}", fontsize=9
    )


def shapes() -> dict[str, Tensor]:
    """Return four ways to lay two views of six sentences on the circle, by name.

    Shape:
        each (12, 2) of length 1, the first six first views.
    """
    six = torch.arange(6) * 60.0
    two = torch.tensor([0.0, 0.0, 0.0, 180.0, 180.0, 180.0])
    angles = {
        "one point": torch.zeros(12),
        "two points": two.repeat(2),
        "six points": six.repeat(2),
        "partners apart": torch.cat([six, six + 150]),
    }
    turned = {name: angle.double().deg2rad() for name, angle in angles.items()}
    return {name: torch.stack([a.cos(), a.sin()], 1) for name, a in turned.items()}


def draw_shapes(named: Mapping[str, Tensor]) -> Figure:
    """Draw two views of each sentence on the circle, partners joined, with both measures.

    Shape:
        each (2N, 2), the first N first views.
    """
    figure = Figure(figsize=(6.8, 2.5), layout="constrained")
    for axes, (name, views) in zip(figure.subplots(1, len(named)), named.items(), strict=True):
        batch = len(views) // 2
        sentence = torch.arange(batch).repeat(2)
        axes.add_patch(Circle((0, 0), 1, fill=False, edgecolor="#bbbbbb"))
        for first, second in zip(views[:batch].tolist(), views[batch:].tolist(), strict=True):
            axes.plot(*zip(first, second, strict=True), color=COLOURS[0], lw=1.2, zorder=1)
        for marker, size, side in (("o", 70, views[:batch]), ("s", 22, views[batch:])):
            face = "#eeeeee" if marker == "o" else COLOURS[1]
            axes.scatter(*side.numpy().T, s=size, marker=marker, color=face, edgecolor="#222222")
        # Adding 0 turns the -0.00 of coinciding features into 0.00.
        aligned = round(float(geometry.alignment(views, sentence)), 2) + 0.0
        spread = round(float(geometry.uniformity(views)), 2) + 0.0
        axes.set(xlim=(-1.25, 1.25), ylim=(-1.25, 1.25), aspect="equal")
        axes.set_axis_off()
        text = f"{name}\nalignment {aligned:.2f}\nuniformity {spread:.2f}"
        axes.set_title(text, fontsize=9, loc="center")
    return figure


def push_and_pull(measured: pd.DataFrame) -> Figure:
    """Draw value and gradient of push and pull against the dropout that made the two views.

    Args:
        measured: one row a dropout, with the columns dropout (text), push, pull, loss, and the
            lengths of the gradients, "push gradient" and "pull gradient".
    """
    figure = Figure(figsize=(6.8, 3.1), layout="constrained")
    left, right = figure.subplots(1, 2)
    places = np.arange(len(measured))
    for axes, suffix, title in (
        (left, "", "Values: the gap between the two is the loss"),
        (right, " gradient", "Gradients: without dropout the pull has none"),
    ):
        for part, shift, colour in (("push", -0.19, COLOURS[4]), ("pull", 0.19, COLOURS[0])):
            values = measured[part + suffix]
            bars = axes.bar(places + shift, values, 0.36, color=colour, label=part)
            form = "{:.2f}" if suffix else "{:.1f}"
            axes.bar_label(bars, [form.format(abs(v)) for v in values], fontsize=8)
        axes.set_xticks(places, measured["dropout"])
        axes.set(
            xlabel="dropout",
            ylim=(0, 1.25 * measured[[f"push{suffix}", f"pull{suffix}"]].max().max()),
        )
        axes.set_title(title, fontsize=9)
    left.set_ylabel("nats")
    right.set_ylabel("length of the gradient")
    left.legend(fontsize=8, loc="upper right", ncols=2)
    return figure


def two_losses(history: pd.DataFrame, *, untaught: float, width: int = 8) -> Figure:
    """Draw cross-entropy and the contrastive loss of a run, each as dots and as a running mean.

    Args:
        history: of a run of CE+CL.
        untaught: the contrastive loss where all candidates are equally likely.
        width: steps in a running mean.
    """
    figure = Figure(figsize=(6.0, 3.2), layout="constrained")
    axes = figure.subplots()
    for column, colour, name in (
        ("contrastive", COLOURS[0], "two dropout views, (1)"),
        ("cross_entropy", COLOURS[4], "cross-entropy"),
    ):
        style = "-" if column == "contrastive" else "--"
        mean = history[column].rolling(width, min_periods=1).mean()
        axes.plot(history["step"], history[column], ".", color=colour, alpha=0.35)
        axes.plot(history["step"], mean, style, color=colour, label=f"{name}, mean of {width}")
    axes.axhline(untaught, color="#777777", ls=":", label=f"nothing learned: {untaught:.2f}")
    axes.set(xlabel="step", ylabel="loss (nats)", ylim=(0, 1.25 * untaught))
    axes.set_title("The partner is found at once; then the two losses disagree", fontsize=10)
    axes.legend(fontsize=8, loc="upper right", bbox_to_anchor=(1.0, 0.75))
    return figure
