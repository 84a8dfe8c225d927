"""Checks of lesson 06, continued: curves to diagnose, a gap over seeds, what changes the result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from dualcl_tutorial.check.exercise import random
from dualcl_tutorial.check.harness import Case, Exercise, Mistake, judge, register
from dualcl_tutorial.check.report import Report

_SEEDS = 'lesson 06, "Seeds: the spread and the gap"'
_COST = 'lesson 06, "What changes only the cost"'
_WRONG = 'lesson 06, "What can go wrong"'

# 6.3 Four curves

CURES = {
    "none": "b",
    "optimizer after the model": "c",
    "smaller temperature": "a",
    "shuffle": "d",
}


def _diagnosis(name: str, message: str, **change: str) -> Mistake:
    told = CURES | {key.replace("_", " "): letter for key, letter in change.items()}
    return Mistake(name, lambda cure: told[cure], message)


CURVES = register(
    Exercise(
        name="06-curves",
        task="nothing moves, a flat softmax, a band without room, and one sound run",
        reference=lambda cure: CURES[cure],
        cases=[Case(f'the cure "{cure}"', {"cure": cure}) for cure in CURES],
        mistakes=[
            _diagnosis(
                "flat term called sound",
                "The term of a stays at the upper edge of its band to the end: it learned nothing.",
                none="a",
            ),
            _diagnosis(
                "dead run called sound",
                "In c nothing moves but noise, cross-entropy included.",
                none="c",
            ),
            _diagnosis(
                "sorted run called sound",
                "The term of d is where it can only be: how wide is its band?",
                none="d",
            ),
            _diagnosis(
                "flat term for a dead optimizer",
                "In a cross-entropy falls, so the weights do move.",
                optimizer_after_the_model="a",
            ),
            _diagnosis(
                "sound run for a dead optimizer",
                "In b both losses fall: those weights move.",
                optimizer_after_the_model="b",
            ),
            _diagnosis(
                "sorted run for a dead optimizer",
                "In d cross-entropy falls, so the weights do move.",
                optimizer_after_the_model="d",
            ),
            _diagnosis(
                "sorted run for a flat softmax",
                "A smaller temperature does not widen a band: in d collapsed value and floor are "
                "one.",
                smaller_temperature="d",
            ),
            _diagnosis(
                "sound run for a flat softmax",
                "The term of b comes down to its floor: its softmax is sharp enough.",
                smaller_temperature="b",
            ),
            _diagnosis(
                "dead run for a flat softmax",
                "In c not even cross-entropy falls, and cross-entropy has no temperature.",
                smaller_temperature="c",
            ),
            _diagnosis(
                "flat term for sorted batches",
                "The band of a has room, so its batches hold partners and strangers.",
                shuffle="a",
            ),
            _diagnosis(
                "sound run for sorted batches",
                "The band of b has room, so its batches hold partners and strangers.",
                shuffle="b",
            ),
            _diagnosis(
                "dead run for sorted batches",
                "The band of c has room, so its batches hold partners and strangers.",
                shuffle="c",
            ),
        ],
        section=_WRONG,
    )
)


def diagnosis(answer: Any) -> Report:
    """Check exercise 6.3, four runs and their cures."""
    return judge(CURVES, answer)


# 6.4 A gap over seeds


def _gap(
    a: Tensor,
    b: Tensor,
    *,
    spread: Callable[[Tensor, Tensor], Tensor] = lambda a, b: (a - b).var(),
    divide: Callable[[int], float] = lambda n: n**-0.5,
    sign: float = 1.0,
) -> tuple[Tensor, Tensor]:
    return sign * (a - b).mean(), spread(a, b).sqrt() * divide(len(a))


def _gap_mistake(name: str, message: str, **change: Any) -> Mistake:
    return Mistake(name, lambda **given: _gap(**given, **change), message)


def _covariance(a: Tensor, b: Tensor) -> Tensor:
    return ((a - a.mean()) * (b - b.mean())).sum() / (len(a) - 1)


GAP = register(
    Exercise(
        name="06-gap",
        task="the mean difference and its standard error, paired by seed",
        reference=_gap,
        cases=[
            Case(
                "three seeds",
                {"a": torch.tensor([80.0, 84, 76]), "b": torch.tensor([77.0, 83, 71])},
            ),
            Case("two seeds", {"a": torch.tensor([90.0, 92]), "b": torch.tensor([91.0, 91])}),
            Case("four seeds", {"a": torch.tensor([3.0, 4, 5, 6.5]), "b": torch.arange(4.0)}),
            Case(
                "ten random seeds",
                {"a": 80 + 5 * random(10, seed=81), "b": 80 + 5 * random(10, seed=82)},
            ),
        ],
        returns=("gap", "error"),
        mistakes=[
            _gap_mistake(
                "as if other seeds",
                "Your error is that of two methods with seeds of their own. What the seeds share "
                "cancels in the differences.",
                spread=lambda a, b: a.var() + b.var(),
            ),
            _gap_mistake(
                "covariance once",
                "You subtract the covariance once: see (6.2).",
                spread=lambda a, b: (a.var() + b.var() - _covariance(a, b)).clamp(min=0),
            ),
            _gap_mistake(
                "spread, not error",
                "You return how far one difference lies from the mean: the error of the mean of n "
                "of them is smaller.",
                divide=lambda n: 1.0,
            ),
            _gap_mistake(
                "divided by n",
                "You divide by n: it stands under the root.",
                divide=lambda n: 1 / n,
            ),
            _gap_mistake(
                "n in the variance",
                "Your variance divides by n. Its mean is made of the same numbers: it is n - 1.",
                spread=lambda a, b: (a - b).var(correction=0),
            ),
            _gap_mistake(
                "spread of one method",
                "You take the spread of the first method only.",
                spread=lambda a, b: a.var(),
            ),
            _gap_mistake(
                "sign turned",
                "Your gap has the wrong sign: a minus b is asked for.",
                sign=-1.0,
            ),
        ],
        section=_SEEDS,
        not_finite="Was a root taken of a number that rounding made negative, or divided by zero?",
        tolerance=1e-3,
    )
)


def paired_gap(answer: Any) -> Report:
    """Check exercise 6.4, a gap and its error."""
    return judge(GAP, answer)


# 6.5 Result or cost?

CHANGES = {
    "batch 8 for 16": True,
    "accumulation, cross-entropy": False,
    "accumulation, DualCL": True,
    "bfloat16": False,
    "checkpoints": False,
    "pairing": True,
    "longer padding": False,
    "learning rate": True,
}
_FLIPPED = {
    "batch 8 for 16": "A batch of 8 compares other sentences and makes twice as many updates an "
    "epoch.",
    "accumulation, cross-entropy": "Cross-entropy is a mean over sentences: in which case does a "
    "mean of means differ from it?",
    "accumulation, DualCL": "A contrastive loss compares within a part: what becomes of the "
    "candidates when a batch is cut?",
    "bfloat16": "bfloat16 rounds: in exact arithmetic there is no rounding.",
    "checkpoints": "Writing a file changes no weight.",
    "pairing": "Pairing changes which sentences share a batch.",
    "longer padding": "Padding is masked: no word looks at it.",
    "learning rate": "Half the learning rate is half the step.",
}

SETTINGS = register(
    Exercise(
        name="06-settings",
        task="what changes the numbers in exact arithmetic, and what does not",
        reference=lambda setting: CHANGES[setting],
        cases=[Case(f'"{setting}"', {"setting": setting}) for setting in CHANGES],
        mistakes=[
            Mistake(
                name,
                lambda setting, wrong=name: CHANGES[setting] != (setting == wrong),
                message,
            )
            for name, message in _FLIPPED.items()
        ],
        section=_COST,
    )
)


def changes_result(answer: Any) -> Report:
    """Check exercise 6.5, which settings change the result."""
    return judge(SETTINGS, answer)
