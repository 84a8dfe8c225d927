"""Checks of lesson 07: three faulty pieces of code to repair, each known by its symptom only."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from dualcl_tutorial.check.exercise import random
from dualcl_tutorial.check.faulty import COMMON, contrast
from dualcl_tutorial.check.harness import Case, Exercise, Mistake, Property, judge, register
from dualcl_tutorial.check.report import Report
from dualcl_tutorial.example import hand_batch
from dualcl_tutorial.losses import contrastive_loss, true_columns

ONE = 'lesson 07, "Case one: the loss below zero"'
TWO = 'lesson 07, "Case two: the loss that finds no rest"'
THREE = 'lesson 07, "Case three: right with two classes only"'

_Z, _THETA, _LABELS = hand_batch()
_STAR = true_columns(_THETA, _LABELS)


def _right(anchor: Tensor, target: Tensor, labels: Tensor, temperature: float) -> Tensor:
    return contrastive_loss(anchor, target, labels, temperature=temperature)


def _given(labels: list[int], width: int, seed: int, temperature: float) -> dict[str, Any]:
    anchor, target = random(2, len(labels), width, seed=seed)
    return {
        "anchor": anchor,
        "target": target,
        "labels": torch.tensor(labels),
        "temperature": temperature,
    }


_CASES = [
    Case(
        "the hand-sized batch",
        {"anchor": _Z, "target": _STAR, "labels": _LABELS, "temperature": 0.5},
    ),
    Case("a batch of one", _given([1], 3, 701, 0.1)),
    Case("two sentences of different classes", _given([0, 1], 3, 702, 0.1)),
    Case("a batch of one class", _given([2, 2, 2, 2], 3, 703, 0.1)),
    Case("a batch with temperature 0.001", _given([0, 1, 0, 1, 1, 0], 3, 704, 0.001)),
    Case("a random batch", _given([3, 1, 0, 1, 3, 3, 2, 1, 3], 5, 705, 0.1)),
]


def _faulty(name: str, message: str = "", **fault: Any) -> Mistake:
    """Make a mistake of `faulty.contrast`; one that has a name there has its message, too."""
    if name in COMMON:
        fault, message = {**COMMON[name][0]}, message or COMMON[name][1]
    return Mistake(name, lambda **given: contrast(**given, **fault), message)


# 7.1 Symptom: below zero


def _snippet(
    anchor: Tensor,
    target: Tensor,
    labels: Tensor,
    temperature: float,
    *,
    own_positive: bool = False,
    mu: float | None = None,
    own_below: bool = False,
    over_all: bool = False,
) -> Tensor:
    """Compute formula 7.1 or, piece by piece, what is left of its faults."""
    cosines = F.normalize(anchor, dim=1) @ F.normalize(target, dim=1).T
    own, same = torch.eye(len(labels)).bool(), labels[:, None] == labels
    scores = torch.where(same & (mu is not None), cosines * (mu or 1.0), cosines / temperature)
    members = same if own_positive else same & ~own
    among = scores if own_below else scores.masked_fill(own, -torch.inf)
    counts = members.any(1) & (own_below | (len(labels) > 1))
    push = among.masked_fill(~counts[:, None], 0.0).logsumexp(1)
    pull = scores.masked_fill(~members, 0.0).sum(1) / members.sum(1).clamp(min=1)
    rows = torch.where(counts, push - pull, 0.0)
    return rows.mean() if over_all else rows.sum() / counts.sum().clamp(min=1)


def _half(name: str, message: str, **left: Any) -> Mistake:
    return Mistake(name, lambda **given: _snippet(**given, **left), message)


BELOW_ZERO = register(
    Exercise(
        name="07-below-zero",
        task="the own pair is out, and all cosines are divided by the same temperature",
        reference=_right,
        cases=_CASES,
        mistakes=[
            _half(
                "nothing repaired",
                "Here your loss is what it was: look for a pair that is among the positives and "
                "not in the denominator. (To cut the loss off at 0 hides the symptom only.)",
                own_positive=True,
                mu=1.0,
            ),
            _half(
                "the sign only",
                "The sign is repaired, but there was a second fault, which shows in no sign: are "
                "all cosines scaled alike?",
                mu=1.0,
            ),
            _half(
                "the sign only, mean over all N",
                "The own pair is gone, but an anchor that has no partner now still counts in your "
                "mean; and are all cosines scaled alike?",
                mu=1.0,
                over_all=True,
            ),
            _half(
                "the scale only",
                "The scale is repaired, but the own pair is still among the positives: the loss "
                "can be negative as before.",
                own_positive=True,
            ),
            _half(
                "own pair added below",
                "You put the own pair into the denominator as well. The sign is cured, but not as "
                "the paper does it: who teaches the own pair there?",
                own_positive=True,
                own_below=True,
            ),
            _half(
                "own pair added below, scale kept",
                "You put the own pair into the denominator as well. The sign is cured, but not as "
                "the paper does it: who teaches the own pair there?",
                own_positive=True,
                own_below=True,
                mu=1.0,
            ),
            _faulty("mean over all N"),
            _faulty("own pair kept"),
            _faulty("positives left out below"),
            _faulty("not normalised"),
            _faulty("temperature multiplied"),
            _faulty("exp before max"),
        ],
        section=ONE,
        not_finite="An anchor without a partner, or a batch of one, divides 0 by 0: such an anchor "
        "does not count.",
        gradient=("anchor", "target"),
    )
)


def below_zero(answer: Any) -> Report:
    """Check exercise 7.1, the loss that was negative."""
    return judge(BELOW_ZERO, answer)


# 7.2 Symptom: no rest


def _own_at(
    value: float | None,
    anchor: Tensor,
    target: Tensor,
    labels: Tensor,
    temperature: float,
    *,
    over_all: bool = False,
) -> Tensor:
    """Give the own pair a score of its own in the denominator; its row's smallest if None."""
    scores = F.normalize(anchor, dim=1) @ F.normalize(target, dim=1).T / temperature
    own = torch.eye(len(labels)).bool()
    positives = (labels[:, None] == labels) & ~own
    fill = scores.amin(1, keepdim=True) if value is None else torch.tensor(value)
    log_p = torch.where(own, fill.to(scores.dtype), scores).log_softmax(1)
    rows = -log_p.masked_fill(~positives, 0.0).sum(1) / positives.sum(1).clamp(min=1)
    return rows.mean() if over_all else rows.sum() / positives.any(1).sum().clamp(min=1)


def _rests(answer: Any) -> bool:
    """Whether one class at one point is log(N-1) at any cosine, with no gradient."""
    eight = torch.tensor([[0.6, 0.8]]).repeat(8, 1)
    for cosine in (1.0, -1.0):
        value = answer(
            anchor=eight, target=cosine * eight, labels=torch.zeros(8).long(), temperature=0.1
        )
        if abs(float(value) - 1.94591) > 1e-3:
            return False
    return True


NO_REST = register(
    Exercise(
        name="07-no-rest",
        task="the own pair is removed before the exponential, not set to 0",
        reference=_right,
        cases=_CASES,
        mistakes=[
            Mistake(
                "nothing repaired",
                lambda **given: _own_at(0.0, **given),
                "That is the loss as it was: what does exp make of the number that stands at the "
                "own pair?",
            ),
            Mistake(
                "mean over all N",
                lambda **given: _own_at(0.0, **given, over_all=True),
                "The own pair still has a score, and now anchors without a partner count too.",
            ),
            Mistake(
                "own pair at -1",
                lambda **given: _own_at(-1.0, **given),
                "You set the own pair's score to -1: exp makes that smaller, not nothing.",
            ),
            Mistake(
                "own pair at the smallest",
                lambda **given: _own_at(None, **given),
                "You give the own pair the smallest score of its row: it still takes a share of "
                "the softmax.",
            ),
            _faulty(
                "own pair kept",
                "The own pair now stands in the denominator with its true score: it should not "
                "stand there at all.",
                own_candidate=True,
            ),
            _faulty("own pair kept as positive"),
            _faulty("own pair among positives only"),
            _faulty(
                "lone anchors counted",
                "The own pair is gone. But your mean now runs over all N, and the code you were "
                "given left out anchors without a partner.",
                mean_over="all",
            ),
            _faulty("positives left out below"),
            _faulty("exp before max"),
        ],
        properties=[
            Property(
                "rest",
                _rests,
                "Eight sentences of one class, all at one cosine, should give log 7 whatever the "
                "cosine.",
            )
        ],
        section=TWO,
        not_finite="0 times minus infinity is NaN: pick the positives with torch.where or "
        "masked_fill. And an anchor without a partner does not count.",
        gradient=("anchor", "target"),
    )
)


def no_rest(answer: Any) -> Report:
    """Check exercise 7.2, the loss that found no rest."""
    return judge(NO_REST, answer)


# 7.3 Symptom: right with two classes only


def _through(order: Tensor, labels: Tensor) -> Tensor:
    return order.gather(1, labels[:, None])[:, 0]


def _orders(classes: int, sentences: int, seed: int) -> dict[str, Tensor]:
    order = random(sentences, classes, seed=seed).argsort(1)
    return {"order": order, "labels": random(sentences, classes, seed=seed + 1).argmax(1)}


PLACES = register(
    Exercise(
        name="07-places",
        task="the inverse of the order says at which place the true label stands",
        reference=lambda order, labels: _through(order.argsort(1), labels),
        cases=[
            Case(
                "the example of the task",
                {
                    "order": torch.tensor([[2, 0, 1], [2, 0, 1], [1, 0, 2]]),
                    "labels": torch.tensor([0, 1, 2]),
                },
            ),
            Case(
                "two classes",
                {"order": torch.tensor([[1, 0], [0, 1]]), "labels": torch.tensor([0, 0])},
            ),
            Case("one sentence, six classes", _orders(6, 1, 711)),
            Case("twenty sentences, six classes", _orders(6, 20, 713)),
        ],
        axes=("batch",),
        mistakes=[
            Mistake(
                "nothing repaired",
                _through,
                "That is the code as it was: it returns a class, the one that stands at place y. A "
                "place is asked for.",
            ),
            Mistake(
                "twice through",
                lambda order, labels: _through(order, _through(order, labels)),
                "You go through the order twice: that leads back only in cycles of length 1 and 2.",
            ),
            Mistake(
                "labels as they are",
                lambda order, labels: labels.clone(),
                "You return the class numbers: that is right only where every label stands at its "
                "own place.",
            ),
            Mistake(
                "order of the first sentence",
                lambda order, labels: order[0].argsort()[labels],
                "You use the order of the first sentence for all: each has its own.",
            ),
            Mistake(
                "sorted along the batch",
                lambda order, labels: _through(order.argsort(0) % order.shape[1], labels),
                "You sort along the batch: the inverse is one of each row.",
            ),
            Mistake(
                "place after [CLS]",
                lambda order, labels: _through(order.argsort(1), labels) + 1,
                "You count [CLS]: the first label stands at place 0 here.",
            ),
        ],
        section=THREE,
    )
)


def true_places(answer: Any) -> Report:
    """Check exercise 7.3, targets under a shuffled order."""
    return judge(PLACES, answer)
