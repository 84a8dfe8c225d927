"""Checks of lesson 01, continued: what cross-entropy does not see."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from dualcl_tutorial.check.exercise import random
from dualcl_tutorial.check.harness import Case, Exercise, Mistake, Property, judge, register
from dualcl_tutorial.check.report import Report
from dualcl_tutorial.example import hand_batch

_BLIND = 'lesson 01, "Two batches that cross-entropy cannot tell apart"'

# 1.5 Five more for everybody

SHIFT = register(
    Exercise(
        name="01-shift",
        task="softmax reads differences only, so neither loss nor gradient nor answer changes",
        reference=lambda: "b",
        cases=[Case("the question", {})],
        mistakes=[
            Mistake(
                "true score only",
                "a",
                "You look at the true score alone: the loss is logsumexp minus that score, and "
                "logsumexp moves too.",
            ),
            Mistake(
                "logsumexp only",
                "c",
                "You look at logsumexp alone: something is taken from it in (1.2), and that moves "
                "too.",
            ),
            Mistake(
                "gradient",
                "d",
                "You expect another gradient: of what is (1.4) made, and has any of it changed?",
            ),
        ],
        section=_BLIND,
    )
)


def added_five(answer: Any) -> Report:
    """Check exercise 1.5, what a number added to all scores of a sentence changes."""
    return judge(SHIFT, answer)


# 1.6 The part nobody sees


def _seen(features: Tensor, weight: Tensor) -> Tensor:
    """Project each feature on the space that the rows of the head span."""
    return features @ torch.linalg.pinv(weight) @ weight


def _row_by_row(features: Tensor, weight: Tensor) -> Tensor:
    along = features @ weight.T / weight.square().sum(1)  # (N, K)
    return features - along @ weight


def _one_after_another(features: Tensor, weight: Tensor) -> Tensor:
    for row in weight:
        features = features - (features @ row / row.square().sum())[:, None] * row
    return features


_THIRD = torch.tensor([4.0, 0.0, -4.0, 4.0, 0.0, -4.0])[:, None]
_ROWS = torch.tensor([[1.5, 0.5, 0.0], [-1.0, 1.0, 0.0], [0.0, -1.5, 0.0]])
_WIDE = {"features": random(7, 6, seed=110), "weight": random(3, 6, seed=111)}


def _no_score(answer: Any) -> bool:
    """Whether what is left gives every class the score 0."""
    return bool((answer(**_WIDE) @ _WIDE["weight"].T).abs().max() < 1e-3)


UNSEEN = register(
    Exercise(
        name="01-unseen",
        task="the part of each feature that no score depends on",
        reference=lambda features, weight: features - _seen(features, weight),
        cases=[
            Case(
                "batch B of the lesson",
                {"features": torch.cat([hand_batch().z, _THIRD], 1), "weight": _ROWS},
            ),
            Case(
                "one sentence, one row",
                {"features": torch.tensor([[3.0, 4.0]]), "weight": torch.tensor([[0.0, 2.0]])},
            ),
            Case(
                "two parallel rows",
                {
                    "features": random(4, 3, seed=112),
                    "weight": torch.tensor([[1.0, 2.0, 2.0], [-2.0, -4.0, -4.0]]),
                },
            ),
            Case("a random batch", _WIDE),
        ],
        axes=("batch", "d"),
        mistakes=[
            Mistake(
                "the part that is seen",
                _seen,
                "That is the part the head does see: every score comes from it.",
            ),
            Mistake(
                "row by row",
                _row_by_row,
                "You take out the part along each row by itself: rows that are not at right angles "
                "share a direction, which you take out twice.",
            ),
            Mistake(
                "one row after another",
                _one_after_another,
                "You take out one row after another: taking out the next row, if it is not at a "
                "right angle, puts a part of the last one back.",
            ),
            Mistake(
                "length of the rows forgotten",
                lambda features, weight: features - features @ weight.T @ weight,
                "You forget that the rows of the head have neither length 1 nor right angles.",
            ),
            Mistake(
                "everything",
                lambda features, weight: features.clone(),
                "You return the features unchanged: their scores are not 0.",
            ),
            Mistake(
                "nothing",
                lambda features, weight: torch.zeros_like(features),
                "0 is invisible, but it is not all: with fewer independent rows than dimensions "
                "there is always more that the head ignores.",
            ),
        ],
        properties=[
            Property("no score", _no_score, "What you return still has scores that are not 0."),
        ],
        section=_BLIND,
        not_finite="With rows that depend on each other the product of the head with itself has "
        "no inverse.",
        tolerance=1e-3,
    )
)


def unseen_part(answer: Any) -> Report:
    """Check exercise 1.6, what the head ignores of a feature."""
    return judge(UNSEEN, answer)
