"""Figures that exercises ask about."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from torch import Tensor

from dualcl_tutorial.notebook import COLOURS

#: The batch of exercises 3.5 and 5.4: eight sentences, classes of 4, 3 and 1.
EIGHT = [0, 0, 0, 0, 1, 1, 1, 2]


def _term(scores: Tensor, *, own: bool = False, all_anchors: bool = False) -> Tensor:
    """Compute one dual term of a matrix of scores whose rows are anchors."""
    labels = torch.tensor(EIGHT)
    candidates = torch.ones_like(scores) > 0 if own else ~torch.eye(len(scores), dtype=torch.bool)
    positives = candidates & (labels[:, None] == labels[None, :])  # (N, N)
    push = scores.masked_fill(~candidates, -torch.inf).logsumexp(1)
    pull = torch.where(positives, scores, 0.0).sum(1) / positives.sum(1).clamp(min=1)
    losses = (push - pull)[positives.any(1)]
    return losses.sum() / len(scores) if all_anchors else losses.mean()


def four_trainings(steps: int = 60) -> dict[str, list[float]]:
    """Train eight features and eight columns, nearly one point, on four losses; return the curves.

    Each curve is the mean of L_z and L_theta at each step, with the fault that its loss has.
    """
    curves: dict[str, list[float]] = {}
    for name, temperature, fault in (
        ("a", 1.0, {}),
        ("b", 0.1, {"own": True}),
        ("c", 0.1, {"all_anchors": True}),
        ("d", 0.1, {}),
    ):
        draw = torch.Generator().manual_seed(0)
        start = torch.ones(2, len(EIGHT), 8) + 0.02 * torch.randn(2, len(EIGHT), 8, generator=draw)
        free = start.requires_grad_()  # (2, N, d): features and columns
        adam = torch.optim.Adam([free], lr=0.1)
        curves[name] = []
        for _ in range(steps):
            z, theta_star = F.normalize(free, dim=-1)  # (N, d), (N, d)
            scores = z @ theta_star.T / temperature
            loss = (_term(scores, **fault) + _term(scores.T, **fault)) / 2
            curves[name].append(loss.item())
            adam.zero_grad()
            loss.backward()
            adam.step()
    return curves


def which_curve() -> Figure:
    """Draw the four curves of :func:`four_trainings`, named by letters only."""
    figure = Figure(figsize=(6.0, 3.4), layout="constrained")
    axes = figure.subplots()
    for (name, losses), colour, style in zip(
        four_trainings().items(), COLOURS, ("-", "--", "-.", ":"), strict=False
    ):
        axes.plot(losses, style, color=colour, lw=1.8)
        axes.text(len(losses), losses[-1], name, color=colour, va="center", fontweight="bold")
    axes.set_yticks([0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.25])
    axes.grid(axis="y", color="#dddddd", lw=0.6)
    axes.set(xlabel="step", ylabel="mean of the two dual terms (nats)", ylim=(0.5, 2.25))
    axes.set_title("The same eight sentences under four losses, one of them right", fontsize=10)
    return figure
