"""The contrastive loss with the faults that people put into it, one switch each.

Checks compare an answer with these to name the mistake it makes. With no switch set it is the loss
of lessons 03 and 05, written once more, which a test uses.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def contrast(
    anchor: Tensor,
    target: Tensor,
    labels: Tensor,
    temperature: float,
    *,
    inside: bool = False,
    normalise: bool = True,
    own_candidate: bool = False,
    own_positive: bool = False,
    negatives_only: bool = False,
    other_class: bool = False,
    mean_over: str = "anchors",
    add_positives: bool = False,
    multiply: bool = False,
    no_temperature: bool = False,
    stable: bool = True,
    log_of_softmax: bool = False,
) -> Tensor:
    """Compute the contrastive loss with one or more faults.

    Args:
        anchor: features whose loss is computed, (N, d).
        target: features they are compared with, (N, d).
        labels: class of each row, (N,).
        temperature: tau.
        inside: the sum inside the logarithm, which is a fault only where the outside is asked for.
        normalise: whether rows get length 1.
        own_candidate: keep the own pair in the denominator.
        own_positive: keep it among the positives.
        negatives_only: leave the positives out of the denominator.
        other_class: take the other classes for positives.
        mean_over: "anchors" that have a positive, "all" anchors, or "pairs".
        add_positives: add up over the positives instead of taking their mean.
        multiply: multiply by the temperature.
        no_temperature: leave it out.
        stable: whether the largest score is taken out before exp.
        log_of_softmax: take the logarithm of a softmax, in which far positives are 0.
    """
    if normalise:
        anchor, target = F.normalize(anchor, dim=-1), F.normalize(target, dim=-1)
    own = torch.eye(len(labels), dtype=torch.bool)
    same = labels[:, None] == labels[None, :]  # (N, N)
    positives = (~same if other_class else same) & (torch.ones_like(own) if own_positive else ~own)
    candidates = torch.ones_like(own) if own_candidate else ~own
    if negatives_only:
        candidates = candidates & ~same
    scale = 1.0 if no_temperature else (temperature if multiply else 1 / temperature)
    scores = anchor @ target.T * scale  # (N, N)
    if log_of_softmax:
        log_p = scores.masked_fill(~candidates, -torch.inf).softmax(1).log()
    elif stable:
        push = scores.masked_fill(~candidates, -torch.inf).logsumexp(1, keepdim=True)
        log_p = scores - push  # (N, N)
    else:
        log_p = (scores.exp() / (scores.exp() * candidates).sum(1, keepdim=True)).log()
    counts, valid = positives.sum(1).clamp(min=1), positives.any(1)  # (N,), (N,)
    rows = -torch.where(positives, log_p, 0.0).sum(1)  # (N,)
    if inside:
        share = log_p.masked_fill(~positives, -torch.inf).masked_fill(~valid[:, None], 0.0)
        rows = counts.log() - share.logsumexp(1)
        if add_positives:
            rows = rows - counts.log()
    elif mean_over == "pairs":
        return rows.sum() / positives.sum().clamp(min=1)
    elif not add_positives:
        rows = rows / counts
    rows = torch.where(valid, rows, 0.0)
    return rows.mean() if mean_over == "all" else rows.sum() / valid.sum().clamp(min=1)


#: The faults that have the same name in all exercises on a contrastive loss: switches, message.
COMMON: dict[str, tuple[dict[str, bool | str], str]] = {
    "own pair kept": (
        {"own_candidate": True},
        "The own pair i, i is still in the denominator: the sum over A_i runs over everything but "
        "i itself.",
    ),
    "own pair kept as positive": (
        {"own_candidate": True, "own_positive": True},
        "The own pair i, i is still in your masks, as candidate and as positive: a sentence is not "
        "its own partner.",
    ),
    "own pair among positives only": (
        {"own_positive": True},
        "The own pair i, i is out of the denominator, but still among your positives.",
    ),
    "mean over all N": (
        {"mean_over": "all"},
        "You divide by all N anchors: count how many of them have a positive, and see what the "
        "course does with the others.",
    ),
    "mean over pairs": (
        {"mean_over": "pairs"},
        "You take one mean over all positive pairs, so that large classes weigh more: each anchor "
        "first has a mean of its own.",
    ),
    "temperature multiplied": (
        {"multiply": True},
        "You multiply by the temperature: a small temperature should make the scores larger.",
    ),
    "temperature forgotten": (
        {"no_temperature": True},
        "The temperature has no effect in your function: see where tau stands in the formula.",
    ),
    "not normalised": (
        {"normalise": False},
        "You used the vectors as they are: the formula takes them at length 1.",
    ),
    "positives left out below": (
        {"negatives_only": True},
        "Your denominator holds the negatives only: the positives are candidates too.",
    ),
    "positives added up": (
        {"add_positives": True},
        "You add up over the positives of an anchor, but something stands in front of that sum.",
    ),
    "labels compared wrongly": (
        {"other_class": True},
        "Your positives are the sentences of the other classes: look at how labels are compared.",
    ),
    "exp before max": (
        {"stable": False},
        "exp overflows or underflows at a small temperature, before log can mend it: lesson 01 has "
        "a way to take the logarithm of a sum of exponentials safely.",
    ),
    "log of a softmax": (
        {"log_of_softmax": True},
        "At a small temperature the softmax of a far positive is 0, and its logarithm infinite: "
        "take both in one step.",
    ),
}
