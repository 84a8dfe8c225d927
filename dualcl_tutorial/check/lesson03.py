"""Checks of lesson 03: masks, and the sum outside and inside the logarithm."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from dualcl_tutorial.check.exercise import random
from dualcl_tutorial.check.faulty import COMMON, contrast
from dualcl_tutorial.check.harness import Case, Exercise, Mistake, Property, judge, register
from dualcl_tutorial.check.report import Report
from dualcl_tutorial.example import hand_batch
from dualcl_tutorial.losses import pair_masks as right_masks
from dualcl_tutorial.losses import supcon_loss

_Z, _, _LABELS = hand_batch()
_NAN = (
    "Either an anchor without a partner is divided by |P_i| = 0, or a mask is multiplied: 0 times "
    "an infinite value is NaN. Pick entries with torch.where or masked_fill instead."
)


# 3.1 Two masks


def _same(labels: Tensor) -> Tensor:
    return labels[:, None] == labels[None, :]


def _own(labels: Tensor) -> Tensor:
    return torch.eye(len(labels), dtype=torch.bool)


MASKS = register(
    Exercise(
        name="03-masks",
        task="candidates and positives of every anchor",
        reference=lambda labels: right_masks(labels),
        cases=[
            Case("the hand-sized batch", {"labels": _LABELS}),
            Case("a batch of one class", {"labels": torch.tensor([2, 2, 2])}),
            Case("a batch of one sentence", {"labels": torch.tensor([1])}),
            Case("labels with a gap", {"labels": torch.tensor([7, 0, 7, 0, 7])}),
            Case("classes seen once", {"labels": torch.tensor([4, 3, 2, 1, 0])}),
        ],
        axes=("batch", "batch"),
        returns=("candidates", "positives"),
        mistakes=[
            Mistake(
                "candidates as positives",
                lambda labels: (~_own(labels), ~_own(labels)),
                "Your positives are all candidates: the labels have no effect on them.",
            ),
            Mistake(
                "candidates and positives swapped",
                lambda labels: right_masks(labels)[::-1],
                "You return the positives first: the task asks for candidates, then positives.",
            ),
            Mistake(
                "own pair kept",
                lambda labels: (_same(labels) | ~_same(labels), _same(labels)),
                "The diagonal is still there: nobody is compared with herself.",
            ),
            Mistake(
                "negatives as candidates",
                lambda labels: (~_same(labels), right_masks(labels)[1]),
                "Your candidates are the other classes only: sentences of the own class are "
                "candidates too.",
            ),
            Mistake(
                "diagonal only",
                lambda labels: (_own(labels), _own(labels)),
                "Your mask is the diagonal, which is just what should be left out.",
            ),
            Mistake(
                "labels compared wrongly",
                lambda labels: (~_own(labels), ~_same(labels)),
                "Your positives are the sentences of the other classes: look at how labels are "
                "compared.",
            ),
            Mistake(
                "each pair once",
                lambda labels: tuple(mask.triu(1) for mask in right_masks(labels)),
                "Each pair stands in your mask once, above the diagonal: every sentence is an "
                "anchor, so pair (i, j) and pair (j, i) both count.",
            ),
        ],
        section='lesson 03, "From one partner to many: two masks"',
    )
)


def pair_masks(answer: Any) -> Report:
    """Check exercise 3.1, the masks of candidates and positives."""
    return judge(MASKS, answer)


# 3.2 and 3.3 Outside and inside the logarithm

_CASES = [
    Case("the hand-sized batch", {"features": _Z, "labels": _LABELS, "temperature": 0.5}),
    Case(
        "a batch of one class",
        {"features": random(4, 3, seed=1), "labels": torch.zeros(4).long(), "temperature": 0.2},
    ),
    Case(
        "a batch of one sentence",
        {"features": random(1, 3, seed=2), "labels": torch.tensor([2]), "temperature": 0.1},
    ),
    Case(
        "classes seen once",
        {"features": random(3, 3, seed=3), "labels": torch.tensor([0, 1, 2]), "temperature": 0.1},
    ),
    Case(
        "a batch with temperature 0.001",
        {
            "features": random(6, 3, seed=4),
            "labels": torch.tensor([0, 1, 0, 1, 1, 0]),
            "temperature": 0.001,
        },
    ),
    Case(
        "a random batch",
        {
            "features": random(9, 5, seed=5),
            "labels": torch.tensor([3, 1, 0, 1, 3, 3, 2, 1, 3]),
            "temperature": 0.1,
        },
    ),
]


def _common(*left_out: str, inside: bool = False) -> list[Mistake]:
    """Make the faults of COMMON for a loss of features with themselves."""

    def made(switches: dict[str, Any]) -> Any:
        return lambda features, labels, temperature: contrast(
            features, features, labels, temperature, **{"inside": inside, **switches}
        )

    return [
        Mistake(name, made(switches), message)
        for name, (switches, message) in COMMON.items()
        if name not in left_out
    ]


def _turned(answer: Any) -> bool:
    """Whether a common rotation of all features leaves the loss as it is."""
    turn = torch.linalg.qr(random(5, 5, seed=6)).Q
    given = dict(_CASES[-1].inputs)
    before = answer(**given)
    after = answer(**{**given, "features": given["features"] @ turn})
    return bool(torch.allclose(before, after, atol=1e-3))


_ROTATION = Property(
    "rotation",
    _turned,
    "Turning all features together changes your loss, although no angle between them has changed.",
)

OUTSIDE = register(
    Exercise(
        name="03-outside",
        task="the supervised contrastive loss with the sum outside the logarithm",
        reference=lambda features, labels, temperature: supcon_loss(
            features, labels, temperature=temperature
        ),
        cases=_CASES,
        mistakes=[
            Mistake(
                "inside the logarithm",
                lambda features, labels, temperature: contrast(
                    features, features, labels, temperature, inside=True
                ),
                "Your sum over the positives is inside the logarithm; formula (2) has it outside.",
            ),
            Mistake(
                "sign forgotten",
                lambda features, labels, temperature: (
                    -supcon_loss(features, labels, temperature=temperature)
                ),
                "Your loss has the wrong sign: a logarithm of a probability is never above 0.",
            ),
            *_common(),
        ],
        properties=[_ROTATION],
        section='lesson 03, "Outside or inside the logarithm"',
        not_finite=_NAN,
        gradient=("features",),
    )
)


def supcon_outside(answer: Any) -> Report:
    """Check exercise 3.2, formula (2) in matrix form."""
    return judge(OUTSIDE, answer)


def _inside(features: Tensor, labels: Tensor, temperature: float) -> Tensor:
    return contrast(features, features, labels, temperature, inside=True)


INSIDE = register(
    Exercise(
        name="03-inside",
        task="the loss with the sum inside the logarithm",
        reference=_inside,
        cases=_CASES,
        mistakes=[
            Mistake(
                "outside the logarithm",
                lambda features, labels, temperature: supcon_loss(
                    features, labels, temperature=temperature
                ),
                "You averaged the logarithms, as formula (2) does; here the logarithm is taken of "
                "the average.",
            ),
            Mistake(
                "mean forgotten",
                lambda features, labels, temperature: contrast(
                    features, features, labels, temperature, inside=True, add_positives=True
                ),
                "Inside your logarithm the probabilities of the partners are added up, without the "
                "factor in front of that sum.",
            ),
            Mistake(
                "sign forgotten",
                lambda features, labels, temperature: -_inside(features, labels, temperature),
                "Your loss has the wrong sign: a logarithm of a probability is never above 0.",
            ),
            *_common("positives added up", "mean over pairs", inside=True),
        ],
        properties=[_ROTATION],
        section='lesson 03, "Outside or inside the logarithm"',
        not_finite=_NAN,
        gradient=("features",),
    )
)


def supcon_inside(answer: Any) -> Report:
    """Check exercise 3.3, the other form."""
    return judge(INSIDE, answer)
