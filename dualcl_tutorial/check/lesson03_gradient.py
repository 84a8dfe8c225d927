"""Checks of lesson 03, continued: the gradient of one anchor, and the floor of a batch."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from dualcl_tutorial.check.exercise import random
from dualcl_tutorial.check.harness import Case, Exercise, Mistake, judge, register
from dualcl_tutorial.check.report import Report
from dualcl_tutorial.example import hand_batch
from dualcl_tutorial.losses import pair_masks as right_masks

_Z, _, _LABELS = hand_batch()

# 3.4 The gradient of one anchor


def _gradient(
    unit: Tensor,
    labels: Tensor,
    anchor: int,
    temperature: float,
    *,
    own: bool = False,
    negatives_only: bool = False,
    add: bool = False,
    push: float = 1.0,
    pull: float = 1.0,
    scale: float | None = None,
    project: bool = False,
    stable: bool = True,
) -> Tensor:
    """Compute dL_i/dz_i of one anchor, with switches for what people get wrong."""
    candidates, positives = (mask[anchor] for mask in right_masks(labels))  # (N,), (N,)
    if not positives.any():
        return torch.zeros_like(unit[anchor])
    among = torch.ones_like(candidates) if own else candidates
    among = among & ~positives if negatives_only else among
    scores = (unit @ unit[anchor] / temperature).masked_fill(~among, -torch.inf)
    wanted = positives.to(unit.dtype) / (1 if add else positives.sum())
    share = torch.softmax(scores, 0) if stable else scores.exp() / scores.exp().sum()
    weights = push * share - pull * wanted  # (N,)
    gradient = weights @ unit * (1 / temperature if scale is None else scale)  # (d,)
    if project:
        gradient = gradient - (gradient @ unit[anchor]) * unit[anchor]
    return gradient


def _gradient_mistake(name: str, message: str, **switches: Any) -> Mistake:
    return Mistake(name, lambda **given: _gradient(**given, **switches), message)


def _gradient_case(name: str, features: Tensor, labels: list[int], anchor: int, tau: float) -> Case:
    unit = F.normalize(features, dim=1)
    given = {"unit": unit, "labels": torch.tensor(labels), "anchor": anchor, "temperature": tau}
    return Case(name, given)


_NINE = [3, 1, 0, 1, 3, 3, 2, 1, 3]

GRADIENT = register(
    Exercise(
        name="03-gradient",
        task="the gradient of one anchor's loss, without autograd",
        reference=_gradient,
        cases=[
            _gradient_case("anchor 1 of the hand-sized batch", _Z, _LABELS.tolist(), 0, 0.5),
            _gradient_case("anchor 5 of the hand-sized batch", _Z, _LABELS.tolist(), 4, 0.5),
            _gradient_case("the lone anchor 6", _Z, _LABELS.tolist(), 5, 0.5),
            _gradient_case(
                "a batch with temperature 0.001", random(6, 3, seed=7), [0, 1] * 3, 2, 1e-3
            ),
            _gradient_case("a random batch", random(9, 5, seed=8), _NINE, 4, 0.1),
        ],
        axes=("d",),
        mistakes=[
            _gradient_mistake(
                "sign turned",
                "The sign is turned: the gradient is what the model believes minus what it should "
                "believe, and points where the loss grows.",
                push=-1.0,
                pull=-1.0,
            ),
            _gradient_mistake(
                "own pair kept",
                "The anchor is in its own softmax: it is no candidate.",
                own=True,
            ),
            _gradient_mistake(
                "1/tau forgotten",
                "The scores are right, but a score is a product over tau: its derivative with "
                "respect to z_i has a factor more.",
                scale=1.0,
            ),
            Mistake(
                "temperature multiplied",
                lambda unit, labels, anchor, temperature: _gradient(
                    unit, labels, anchor, temperature, scale=temperature
                ),
                "You multiply by the temperature where the chain rule divides.",
            ),
            _gradient_mistake(
                "positives added up",
                "Each partner pulls with weight 1 in your function: together they should pull with "
                "weight 1.",
                add=True,
            ),
            _gradient_mistake(
                "softmax over negatives",
                "Your softmax runs over the negatives only: the partners are candidates too.",
                negatives_only=True,
            ),
            _gradient_mistake(
                "pull alone", "That is the pull alone: the push has a gradient too.", push=0.0
            ),
            _gradient_mistake(
                "push alone", "That is the push alone: the pull has a gradient too.", pull=0.0
            ),
            _gradient_mistake(
                "exp before max",
                "exp overflows at a small temperature: a softmax is safe where exp divided by a "
                "sum of exp is not.",
                stable=False,
            ),
            _gradient_mistake(
                "projected",
                "You took out the part along the anchor, the step through the normalisation. Here "
                "the gradient with respect to the unit vector itself is asked for.",
                project=True,
            ),
        ],
        section='lesson 03, "Push minus pull, and the gradient by hand"',
        not_finite="An anchor without a partner has |P_i| = 0: decide what its gradient is before "
        "you divide.",
    )
)


def anchor_gradient(answer: Any) -> Report:
    """Check exercise 3.4, the gradient of one anchor by hand."""
    return judge(GRADIENT, answer)


# 3.5 The floor of a batch

FLOOR = register(
    Exercise(
        name="03-floor",
        task="the floor is the mean of log|P_i| over the anchors that have a partner",
        reference=lambda: (4 * math.log(3) + 3 * math.log(2)) / 7,
        cases=[Case("the batch of eight", {})],
        mistakes=[
            Mistake(
                "zero",
                0.0,
                "That would be the floor if each anchor had one partner: several partners share "
                "one unit of probability.",
            ),
            Mistake(
                "collapsed value",
                math.log(7),
                "That is the other line, where all features lie on one point.",
            ),
            Mistake(
                "class sizes",
                (4 * math.log(4) + 3 * math.log(3)) / 7,
                "You took the logarithm of the class sizes: an anchor is not its own partner.",
            ),
            Mistake(
                "class sizes, mean over all N",
                (4 * math.log(4) + 3 * math.log(3)) / 8,
                "You took the logarithm of the class sizes, over all eight: an anchor is not its "
                "own partner, and one anchor has none at all.",
            ),
            Mistake(
                "mean over all N",
                (4 * math.log(3) + 3 * math.log(2)) / 8,
                "You divided by all eight anchors: one of them does not count.",
            ),
            Mistake(
                "mean over classes",
                (math.log(3) + math.log(2)) / 2,
                "You averaged over the classes: the mean runs over anchors, and a large class has "
                "more of them.",
            ),
            Mistake(
                "sum",
                4 * math.log(3) + 3 * math.log(2),
                "You added the anchors up: the loss of a batch is a mean.",
            ),
            Mistake(
                "base two",
                (4 * math.log2(3) + 3) / 7,
                "You took the logarithm to base 2: losses are in nats, the natural logarithm.",
            ),
            Mistake(
                "log of the mean",
                math.log(18 / 7),
                "You took the logarithm of the mean number of partners: the mean is over the "
                "logarithms.",
            ),
        ],
        section='lesson 03, "The floor of the loss"',
        tolerance=0.0027,  # two decimals are enough
    )
)


def batch_floor(answer: Any) -> Report:
    """Check exercise 3.5, the floor of a batch of eight."""
    return judge(FLOOR, answer)
