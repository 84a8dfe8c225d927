"""Checks of lesson 05, continued: who moves wrong columns, the own pair, what a step costs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from dualcl_tutorial import losses
from dualcl_tutorial.check.exercise import random_batch
from dualcl_tutorial.check.harness import Case, Exercise, Mistake, judge, register
from dualcl_tutorial.check.report import Report
from dualcl_tutorial.example import hand_batch

_TERMS = 'lesson 05, "Two terms, one matrix"'
_WHOLE = 'lesson 05, "The own pair and the whole loss"'


_HAND = hand_batch()._asdict()
_NINE = [3, 1, 0, 1, 3, 3, 2, 1, 3]

# 5.3 Who moves the wrong columns?


def _wrong_gradient(
    z: Tensor,
    theta: Tensor,
    labels: Tensor,
    weight: float,
    temperature: float,
    *,
    factor: Callable[[Tensor, float, float], float] = lambda z, w, tau: 1 / len(z),
    axis: int = 1,
    keep_true: bool = False,
    unit: bool = False,
) -> Tensor:
    logits = losses.label_logits(z, theta)
    if unit:
        logits = losses.label_logits(F.normalize(z, dim=-1), F.normalize(theta, dim=-1))
    share = torch.softmax(logits, axis)  # (N, K)
    true = F.one_hot(labels, theta.shape[1]).bool()  # (N, K)
    share = torch.where(true, share - 1 if keep_true else 0.0, share)
    return share[:, :, None] * z[:, None, :] * factor(z, weight, temperature)


def _wrong_mistake(name: str, message: str, **change: Any) -> Mistake:
    return Mistake(name, lambda **given: _wrong_gradient(**given, **change), message)


_LONG = random_batch([0, 1, 1], 2, 8, 31, weight=0.5, temperature=0.1)

COLUMNS = register(
    Exercise(
        name="05-wrong-columns",
        task="only cross-entropy moves wrong columns, whatever lambda and tau",
        reference=_wrong_gradient,
        cases=[
            Case("the hand-sized batch", {**_HAND, "weight": 0.1, "temperature": 0.5}),
            Case("weight 0", {**_HAND, "weight": 0.0, "temperature": 0.5}),
            Case("one sentence", random_batch([1], 3, 4, 30, weight=0.5, temperature=0.1)),
            Case("long vectors", {**_LONG, "z": 100 * _LONG["z"]}),
            Case("a random batch", random_batch(_NINE, 4, 5, 32, weight=0.05, temperature=0.1)),
        ],
        axes=("batch", "classes", "d"),
        mistakes=[
            _wrong_mistake(
                "lambda in it",
                "Your gradient grows with lambda: look in the table of the lesson which terms "
                "touch a wrong column at all.",
                factor=lambda z, w, tau: w / len(z),
            ),
            _wrong_mistake(
                "1 + lambda in it",
                "Your gradient grows with lambda: look in the table of the lesson which terms "
                "touch a wrong column at all.",
                factor=lambda z, w, tau: (1 + w) / len(z),
            ),
            _wrong_mistake(
                "temperature in it",
                "Your gradient is divided by the temperature: the term that touches wrong columns "
                "has none.",
                factor=lambda z, w, tau: 1 / (tau * len(z)),
            ),
            _wrong_mistake(
                "1/N forgotten",
                "Your gradient is N times too long: the loss is a mean over the sentences.",
                factor=lambda z, w, tau: 1.0,
            ),
            _wrong_mistake(
                "sign turned",
                "The sign is turned: a wrong column is pushed away from z_i, so the loss grows "
                "along z_i.",
                factor=lambda z, w, tau: -1 / len(z),
            ),
            _wrong_mistake(
                "true column kept",
                "That is the gradient of cross-entropy for all columns: the true ones are to be 0 "
                "here.",
                keep_true=True,
            ),
            _wrong_mistake(
                "wrong axis",
                "Your softmax runs over the sentences: it shares probability among the classes.",
                axis=0,
            ),
            _wrong_mistake(
                "cosine in cross-entropy",
                "Your softmax is of cosines: cross-entropy reads raw dot products.",
                unit=True,
            ),
            Mistake(
                "all zero",
                lambda z, theta, **given: torch.zeros_like(theta),
                "You say that nothing moves a wrong column: that holds for two of the three terms.",
            ),
        ],
        section=_WHOLE,
        not_finite="exp of a large dot product overflows: take the softmax of the scores.",
    )
)


def wrong_columns(answer: Any) -> Report:
    """Check exercise 5.3, the gradient of (7) with respect to wrong columns."""
    return judge(COLUMNS, answer)


# 5.4 Which curve?

CURVE = register(
    Exercise(
        name="05-own-pair",
        task="with the own pair left in, both ends of the curve move up: it starts at log N and "
        "stops at the mean of log(|P_i| + 1)",
        reference=lambda: "b",
        cases=[Case("the figure", {})],
        mistakes=[
            Mistake(
                "temperature 1",
                "a",
                "Curve a starts where a right loss starts. It stops early for another reason: "
                "something keeps its softmax flat.",
            ),
            Mistake(
                "mean over all N",
                "c",
                "Curve c is lower than a right loss at both ends, as if an anchor with loss 0 were "
                "counted: what does one candidate more do to log|A_i|?",
            ),
            Mistake(
                "the right loss",
                "d",
                "Curve d runs between the two lines of a right loss: compute log(N-1) and the "
                "floor of this batch.",
            ),
        ],
        section=_WHOLE,
    )
)


def own_pair(answer: Any) -> Report:
    """Check exercise 5.4, the curve of the model with the own pair left in."""
    return judge(CURVE, answer)


# 5.5 What a step costs

_N, _K = 64, 6


def _cost(method: str, **change: tuple[int, int]) -> tuple[int, int]:
    once = (_N, _N)
    right = {"ce": once, "cl": (2 * _N, 2 * _N), "scl": once}
    right |= {"label-aware": (_N, _N * (1 + _K)), "dualcl": (_N, _N * (1 + _K))}
    return {**right, **{name.replace("_", "-"): pair for name, pair in change.items()}}[method]


def _cost_mistake(name: str, message: str, **change: tuple[int, int]) -> Mistake:
    return Mistake(name, lambda method: _cost(method, **change), message)


COST = register(
    Exercise(
        name="05-cost",
        task="K + 1 vectors a sentence out of one pass",
        reference=_cost,
        cases=[
            Case(f"{words} ({method!r})", {"method": method})
            for method, words in {
                "ce": "cross-entropy",
                "cl": "CE+CL",
                "scl": "CE+SCL",
                "label-aware": "DualCL without L_Dual",
                "dualcl": "DualCL",
            }.items()
        ],
        mistakes=[
            _cost_mistake(
                "one pass for two views",
                "You count one pass for CE+CL: its second view is the sentence once more, with "
                "other dropout.",
                cl=(_N, _N),
            ),
            _cost_mistake(
                "two views out of one pass",
                "You let CE+CL take two views out of one pass: dropout draws once a pass.",
                cl=(_N, 2 * _N),
            ),
            _cost_mistake(
                "two views for labels",
                "You give CE+SCL a second view: the course's partners are classmates of the batch.",
                scl=(2 * _N, 2 * _N),
            ),
            _cost_mistake(
                "a pass for the classifier",
                "You count a pass for the classifier: where in the input does it stand?",
                label_aware=(2 * _N, _N * (1 + _K)),
                dualcl=(2 * _N, _N * (1 + _K)),
            ),
            _cost_mistake(
                "a pass for each view",
                "You count a pass for each of the K + 1 views: how many times does one input go "
                "through the encoder?",
                label_aware=(_N * (1 + _K), _N * (1 + _K)),
                dualcl=(_N * (1 + _K), _N * (1 + _K)),
            ),
            _cost_mistake(
                "features only",
                "You count the features and forget the columns, which the loss reads too.",
                label_aware=(_N, _N),
                dualcl=(_N, _N),
            ),
            _cost_mistake(
                "true column only",
                "You count the true column of each sentence only: cross-entropy (6) reads more.",
                label_aware=(_N, 2 * _N),
                dualcl=(_N, 2 * _N),
            ),
            _cost_mistake(
                "columns without features",
                "You count the K columns of each sentence and forget its feature z.",
                label_aware=(_N, _N * _K),
                dualcl=(_N, _N * _K),
            ),
            _cost_mistake(
                "columns once a batch",
                "You count K columns for the whole batch: each sentence brings its own.",
                label_aware=(_N, _N + _K),
                dualcl=(_N, _N + _K),
            ),
        ],
        section='lesson 05, "On real data"',
    )
)


def step_cost(answer: Any) -> Report:
    """Check exercise 5.5, passes and vectors of five methods."""
    return judge(COST, answer)
