"""Checks of lesson 01: log softmax, the gradient of cross-entropy, a step, accuracy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from dualcl_tutorial.check.exercise import random
from dualcl_tutorial.check.harness import Case, Exercise, Mistake, judge, register
from dualcl_tutorial.check.report import Report
from dualcl_tutorial.example import hand_batch

_Z, _, _LABELS = hand_batch()
_WEIGHT = torch.tensor([[1.5, 0.5], [-1.0, 1.0], [0.0, -1.5]])  # (K, d): the lesson's head
_SCORES = _Z @ _WEIGHT.T  # (N, K)
_STABLE = 'lesson 01, "From scores to one number"'


# 1.1 Log softmax


def _top_of_batch(scores: Tensor) -> Tensor:
    below = scores - scores.max()
    return below - below.exp().sum(1, keepdim=True).log()


def _top_lost(scores: Tensor) -> Tensor:
    below = scores - scores.amax(1, keepdim=True)
    return scores - below.exp().sum(1, keepdim=True).log()


LOG_SOFTMAX = register(
    Exercise(
        name="01-log-softmax",
        task="the logarithm of softmax, for scores of any size",
        reference=lambda scores: F.log_softmax(scores, 1),
        cases=[
            Case("the hand-sized batch", {"scores": _SCORES}),
            Case("one sentence", {"scores": torch.tensor([[0.0, 1.0]])}),
            Case("scores of 1000", {"scores": torch.tensor([[1000.0, 1001.0, 900.0]])}),
            Case("scores far apart", {"scores": torch.tensor([[0.0, -2000.0], [1.0, 2.0]])}),
            Case(
                "two rows far apart", {"scores": torch.tensor([[900.0, 901.0], [-900.0, -902.0]])}
            ),
            Case("one class", {"scores": torch.tensor([[3.0], [-2.0]])}),
            Case("random scores", {"scores": random(5, 4, seed=101)}),
        ],
        axes=("batch", "classes"),
        mistakes=[
            Mistake(
                "logarithm forgotten",
                lambda scores: scores.softmax(1),
                "That is softmax itself: its logarithm is asked for.",
            ),
            Mistake(
                "sign turned",
                lambda scores: -F.log_softmax(scores, 1),
                "The sign is turned: the logarithm of a probability is never above 0.",
            ),
            Mistake(
                "wrong axis",
                lambda scores: F.log_softmax(scores, 0),
                "Your softmax runs over the sentences: the classes of one sentence share its "
                "probability.",
            ),
            Mistake(
                "whole matrix",
                lambda scores: scores - scores.flatten().logsumexp(0),
                "You add up over the whole matrix: each sentence has a sum of its own.",
            ),
            Mistake(
                "largest score lost",
                _top_lost,
                "You take the largest score out of the exponentials and never give it back: see "
                "what stands outside the logarithm in (1.3).",
            ),
            Mistake(
                "exp before max",
                lambda scores: scores - scores.exp().sum(1, keepdim=True).log(),
                "exp of such a score is infinite or 0 in float32: something has to be taken out "
                "of the scores first.",
            ),
            Mistake(
                "fraction before log",
                lambda scores: (scores.exp() / scores.exp().sum(1, keepdim=True)).log(),
                "exp of such a score is infinite or 0 in float32, and so is the fraction: "
                "something has to be taken out of the scores first.",
            ),
            Mistake(
                "log of a softmax",
                lambda scores: scores.softmax(1).log(),
                "A probability can be too small for float32 and become 0, and its logarithm "
                "infinite: never leave the logarithms.",
            ),
            Mistake(
                "small number in the log",
                lambda scores: (scores.softmax(1) + 1e-8).log(),
                "A small number inside the logarithm hides the infinity and gives a wrong value "
                "in its place: with the right form none is needed.",
            ),
            Mistake(
                "one maximum for the batch",
                _top_of_batch,
                "You take the largest score of the whole batch out of each row: in a row far below "
                "it all exponentials are 0.",
            ),
        ],
        section=_STABLE,
        not_finite="Which step makes a number that float32 cannot hold?",
        gradient=("scores",),
    )
)


def log_softmax(answer: Any) -> Report:
    """Check exercise 1.1, the stable logarithm of softmax."""
    return judge(LOG_SOFTMAX, answer)


# 1.2 The gradient of cross-entropy


def _gradient(
    scores: Tensor,
    labels: Tensor,
    *,
    axis: int = 1,
    over: Callable[[Tensor], float] = len,
    target: float = 1.0,
    sign: float = 1.0,
) -> Tensor:
    onehot = F.one_hot(labels, scores.shape[1])  # (N, K)
    return sign * (scores.softmax(axis) - target * onehot) / over(scores)


def _true_only(scores: Tensor, labels: Tensor) -> Tensor:
    return _gradient(scores, labels) * F.one_hot(labels, scores.shape[1])


def _by_probability(scores: Tensor, labels: Tensor) -> Tensor:
    return -F.one_hot(labels, scores.shape[1]) / scores.softmax(1) / len(scores)


def _by_hand(scores: Tensor, labels: Tensor) -> Tensor:
    share = scores.exp() / scores.exp().sum(1, keepdim=True)
    return (share - F.one_hot(labels, scores.shape[1])) / len(scores)


GRADIENT = register(
    Exercise(
        name="01-gradient",
        task="probability minus target, over N",
        reference=_gradient,
        cases=[
            Case("the hand-sized batch", {"scores": _SCORES, "labels": _LABELS}),
            Case(
                "one sentence",
                {"scores": torch.tensor([[0.0, 1.0]]), "labels": torch.tensor([1])},
            ),
            Case(
                "scores of 1000",
                {"scores": torch.tensor([[1000.0, 1001.0], [0.0, 9.0]]), "labels": _LABELS[2:4]},
            ),
            Case(
                "a class without a sentence",
                {"scores": random(3, 4, seed=102), "labels": torch.tensor([3, 0, 3])},
            ),
            Case(
                "a random batch",
                {"scores": random(5, 3, seed=103), "labels": torch.tensor([2, 0, 0, 1, 2])},
            ),
        ],
        axes=("batch", "classes"),
        mistakes=[
            Mistake(
                "1/N forgotten",
                lambda scores, labels: _gradient(scores, labels, over=lambda s: 1.0),
                "That is the gradient of the sum of the losses: cross-entropy is their mean.",
            ),
            Mistake(
                "divided by all entries",
                lambda scores, labels: _gradient(scores, labels, over=Tensor.numel),
                "You divide by all N times K entries, as .mean() does: how many losses are there?",
            ),
            Mistake(
                "sign turned",
                lambda scores, labels: _gradient(scores, labels, sign=-1.0),
                "The sign is turned: a step against the gradient has to lift the true score.",
            ),
            Mistake(
                "target forgotten",
                lambda scores, labels: _gradient(scores, labels, target=0.0),
                "Your true classes are pushed down like all others: the labels have no effect.",
            ),
            Mistake(
                "true class only",
                _true_only,
                "Only the true classes have a gradient in your result: the others took probability "
                "too, and pay for it.",
            ),
            Mistake(
                "wrong axis",
                lambda scores, labels: _gradient(scores, labels, axis=0),
                "Your softmax runs over the sentences: the classes of one sentence share its "
                "probability.",
            ),
            Mistake(
                "with respect to probabilities",
                _by_probability,
                "That is the derivative with respect to the probabilities: one step is missing, "
                "from the probabilities to the scores.",
            ),
            Mistake(
                "exp before max",
                _by_hand,
                "exp overflows at such a score: take a softmax that does not.",
            ),
        ],
        section='lesson 01, "What the gradient sees"',
        not_finite="exp overflows at a large score: take a softmax that does not.",
        tolerance=1e-5,
    )
)


def score_gradient(answer: Any) -> Report:
    """Check exercise 1.2, the gradient of cross-entropy by hand."""
    return judge(GRADIENT, answer)


# 1.3 One step of the loop


def _step(
    features: Tensor,
    labels: Tensor,
    weight: Tensor,
    lr: float,
    *,
    sign: float = -1.0,
    over: Callable[[Tensor], float] = len,
    target: float = 1.0,
) -> Tensor:
    share = _gradient(features @ weight.T, labels, over=over, target=target)  # (N, K)
    return weight + sign * lr * share.T @ features


def _step_mistake(name: str, message: str, **change: Any) -> Mistake:
    return Mistake(name, lambda **given: _step(**given, **change), message)


STEP = register(
    Exercise(
        name="01-step",
        task="the weight after one step of gradient descent",
        reference=_step,
        cases=[
            Case(
                "the hand-sized batch",
                {"features": _Z, "labels": _LABELS, "weight": _WEIGHT, "lr": 0.5},
            ),
            Case(
                "one sentence",
                {
                    "features": torch.tensor([[3.0, 4.0]]),
                    "labels": torch.tensor([1]),
                    "weight": torch.zeros(2, 2),
                    "lr": 0.1,
                },
            ),
            Case(
                "a random batch",
                {
                    "features": random(5, 4, seed=108),
                    "labels": torch.tensor([2, 0, 0, 1, 2]),
                    "weight": random(3, 4, seed=109),
                    "lr": 2.0,
                },
            ),
        ],
        axes=("classes", "d"),
        mistakes=[
            _step_mistake(
                "upwards",
                "Your step goes along the gradient: the loss rises that way.",
                sign=1.0,
            ),
            _step_mistake(
                "sum of the losses",
                "Your step is N times too long: the loss is a mean over the sentences.",
                over=lambda scores: 1.0,
            ),
            _step_mistake(
                "labels forgotten",
                "Your step pushes the true classes down like all others: the labels have no "
                "effect.",
                target=0.0,
            ),
            Mistake(
                "learning rate forgotten",
                lambda **given: _step(**given | {"lr": 1.0}),
                "The learning rate has no effect on your step.",
            ),
            Mistake(
                "the gradient",
                lambda **given: (given["weight"] - _step(**given)) / given["lr"],
                "That is the gradient: the weight after the step is asked for.",
            ),
            Mistake(
                "no step",
                lambda **given: given["weight"].clone(),
                "Your weight is the old one: where is the step taken?",
            ),
        ],
        section='lesson 01, "On real data"',
    )
)


def head_step(answer: Any) -> Report:
    """Check exercise 1.3, one step of gradient descent on the head."""
    return judge(STEP, answer)


# 1.4 Accuracy and its standard error


def _accuracy(scores: Tensor, labels: Tensor, *, axis: int = 1) -> float:
    return float((scores.argmax(axis)[: len(labels)] == labels).double().mean())


def _judged(
    scores: Tensor,
    labels: Tensor,
    *,
    error: Callable[[float, int], float] = lambda a, n: (a * (1 - a) / n) ** 0.5,
    value: Callable[[float, int], float] = lambda a, n: a,
) -> tuple[float, float]:
    a, n = _accuracy(scores, labels), len(labels)
    return value(a, n), error(a, n)


def _judged_mistake(name: str, message: str, **change: Any) -> Mistake:
    return Mistake(name, lambda scores, labels: _judged(scores, labels, **change), message)


ACCURACY = register(
    Exercise(
        name="01-accuracy",
        task="accuracy and its standard error",
        reference=_judged,
        cases=[
            Case(
                "the hand-sized batch, sentence 3 called film",
                {"scores": _SCORES, "labels": torch.tensor([0, 0, 1, 1, 1, 2])},
            ),
            Case(
                "eight sentences",
                {
                    "scores": random(8, 3, seed=107),
                    "labels": torch.tensor([0, 1, 2, 0, 1, 2, 0, 1]),
                },
            ),
            Case("the hand-sized batch, all right", {"scores": _SCORES, "labels": _LABELS}),
            Case(
                "one sentence, wrong",
                {"scores": torch.tensor([[0.0, 1.0]]), "labels": torch.tensor([0])},
            ),
            Case(
                "forty sentences",
                {
                    "scores": random(40, 3, seed=105),
                    "labels": random(40, 3, seed=106).argmax(1),
                },
            ),
        ],
        mistakes=[
            _judged_mistake(
                "root of N forgotten",
                "Your error is the spread of one answer: that of a mean of N answers is smaller.",
                error=lambda a, n: (a * (1 - a)) ** 0.5,
            ),
            _judged_mistake(
                "divided by N after the root",
                "You divide by N outside the root, so that your error shrinks too fast with N.",
                error=lambda a, n: (a * (1 - a)) ** 0.5 / n,
            ),
            _judged_mistake(
                "root forgotten",
                "Your error is a variance: what has the unit of the accuracy is its root.",
                error=lambda a, n: a * (1 - a) / n,
            ),
            _judged_mistake(
                "N - 1",
                "You divide by N - 1, as torch.std does unless told otherwise: the formula has N.",
                error=lambda a, n: (a * (1 - a) / (n - 1)) ** 0.5 if n > 1 else float("nan"),
            ),
            _judged_mistake(
                "two standard errors",
                "Your error is 1.96 times too large, the half width of a 95 % interval: one "
                "standard error is asked for.",
                error=lambda a, n: 1.96 * (a * (1 - a) / n) ** 0.5,
            ),
            _judged_mistake(
                "percent",
                "You return percent: the accuracy asked for lies between 0 and 1.",
                value=lambda a, n: 100 * a,
                error=lambda a, n: 100 * (a * (1 - a) / n) ** 0.5,
            ),
            _judged_mistake(
                "share of wrong answers",
                "Your first number is the share of wrong answers.",
                value=lambda a, n: 1 - a,
            ),
            _judged_mistake(
                "count",
                "Your first number is a count of right answers: divide by N.",
                value=lambda a, n: a * n,
            ),
        ],
        section='lesson 01, "On real data"',
    )
)


def accuracy(answer: Any) -> Report:
    """Check exercise 1.4, an accuracy with its standard error."""
    return judge(ACCURACY, answer)
