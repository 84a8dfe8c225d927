"""Checks of lesson 02: the loss of two views, counted, and what its gradient weighs."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from dualcl_tutorial.check.exercise import random
from dualcl_tutorial.check.faulty import COMMON, contrast
from dualcl_tutorial.check.harness import Case, Exercise, Mistake, Property, judge, register
from dualcl_tutorial.check.report import Report
from dualcl_tutorial.example import NUDGE, hand_batch
from dualcl_tutorial.losses import self_contrastive_loss

CHOICE = 'lesson 02, "A choice among candidates"'
TEMPERATURE = 'lesson 02, "Temperature: who gets the gradient"'
VIEWS = 'lesson 02, "Two views of one sentence"'

HAND = {"view_1": hand_batch().z, "view_2": hand_batch().z + torch.tensor(NUDGE)}


# 2.1 Find your partner


def _two_views(view_1: Tensor, view_2: Tensor, temperature: float, **fault: bool | str) -> Tensor:
    views, sentence = torch.cat([view_1, view_2]), torch.arange(len(view_1)).repeat(2)
    return contrast(views, views, sentence, temperature, **fault)  # type: ignore[arg-type]


def _other_view_only(
    view_1: Tensor, view_2: Tensor, temperature: float, *, both: bool = False
) -> Tensor:
    """Let the other views be all candidates, in one direction or in the mean of both."""
    u, v = F.normalize(view_1, dim=1), F.normalize(view_2, dim=1)
    scores, own = u @ v.T / temperature, torch.arange(len(u))
    there = F.cross_entropy(scores, own)
    return (there + F.cross_entropy(scores.T, own)) / 2 if both else there


def _first_half(view_1: Tensor, view_2: Tensor, temperature: float) -> Tensor:
    views = F.normalize(torch.cat([view_1, view_2]), dim=1)
    own = torch.eye(len(views), dtype=torch.bool)
    scores = (views @ views.T / temperature).masked_fill(own, -torch.inf)[: len(view_1)]
    return F.cross_entropy(scores, torch.arange(len(view_1)) + len(view_1))


def _own_at_zero(view_1: Tensor, view_2: Tensor, temperature: float) -> Tensor:
    """Set the score of the own pair to 0 instead of removing it."""
    views = F.normalize(torch.cat([view_1, view_2]), dim=1)
    own = torch.eye(len(views), dtype=torch.bool)
    scores = (views @ views.T / temperature).masked_fill(own, 0.0)
    return F.cross_entropy(scores, torch.arange(len(views)).roll(len(view_1)))


def _times(view_1: Tensor, view_2: Tensor, temperature: float, factor: float) -> Tensor:
    return factor * self_contrastive_loss(view_1, view_2, temperature=temperature)


_NAMED = (
    "own pair kept",
    "own pair kept as positive",
    "own pair among positives only",
    "temperature multiplied",
    "temperature forgotten",
    "not normalised",
    "positives left out below",
    "exp before max",
    "log of a softmax",
)


def _common(name: str) -> Mistake:
    fault: dict[str, Any] = COMMON[name][0]
    return Mistake(name, lambda **given: _two_views(**given, **fault), COMMON[name][1])


def _swapped(answer: Any) -> bool:
    """Whether the two views may change places."""
    given = {**HAND, "temperature": 0.5}
    other = {"view_1": HAND["view_2"], "view_2": HAND["view_1"], "temperature": 0.5}
    return bool(torch.allclose(answer(**given), answer(**other), atol=1e-4))


TWO_VIEWS = register(
    Exercise(
        name="02-two-views",
        task="the loss (1) of two views, in matrices",
        reference=lambda view_1, view_2, temperature: self_contrastive_loss(
            view_1, view_2, temperature=temperature
        ),
        cases=[
            Case("the hand-sized batch", {**HAND, "temperature": 0.5}),
            Case(
                "a batch of one sentence",
                {
                    "view_1": random(1, 3, seed=201),
                    "view_2": random(1, 3, seed=202),
                    "temperature": 0.1,
                },
            ),
            Case(
                "a batch with temperature 0.001",
                {
                    "view_1": random(5, 3, seed=203),
                    "view_2": random(5, 3, seed=204),
                    "temperature": 0.001,
                },
            ),
            Case(
                "a random batch",
                {
                    "view_1": random(7, 4, seed=205),
                    "view_2": random(7, 4, seed=206),
                    "temperature": 0.1,
                },
            ),
        ],
        mistakes=[
            Mistake(
                "one direction",
                _other_view_only,
                "Your anchors are the first views, your candidates the second: that is SimCSE's "
                "form. In (1) all 2N views are both.",
            ),
            Mistake(
                "both directions",
                lambda **given: _other_view_only(**given, both=True),
                "Your candidates are the other views only, though in both directions: in (1) the "
                "views of the anchor's own side are candidates too.",
            ),
            Mistake(
                "anchors of one side",
                _first_half,
                "Your anchors are the first views only: in (1) the second views are anchors too.",
            ),
            Mistake(
                "own score 0",
                _own_at_zero,
                "You set the own pair's score to 0, and exp(0) = 1 stays in the sum: a candidate "
                "that is none needs a score whose exponential is 0.",
            ),
            Mistake(
                "sum over anchors",
                lambda view_1, view_2, temperature: _times(
                    view_1, view_2, temperature, 2 * len(view_1)
                ),
                "You add up over the anchors: see what stands in front of the sum in (1).",
            ),
            Mistake(
                "divided by N",
                lambda view_1, view_2, temperature: _times(view_1, view_2, temperature, 2),
                "You divide by the number of sentences: how many anchors are there?",
            ),
            Mistake(
                "sign forgotten",
                lambda view_1, view_2, temperature: _times(view_1, view_2, temperature, -1),
                "Your loss has the wrong sign: a logarithm of a probability is never above 0.",
            ),
            *map(_common, _NAMED),
        ],
        properties=[
            Property(
                "views swapped",
                _swapped,
                "Swapping the two views changes your loss: which of them is called first should "
                "not matter.",
            )
        ],
        section=CHOICE,
        not_finite="A batch of one sentence has one candidate, the partner; and exp overflows at "
        "a small temperature unless the largest score is taken out first.",
        gradient=("view_1", "view_2"),
    )
)


def two_view_loss(answer: Any) -> Report:
    """Check exercise 2.1, formula (1) in matrix form."""
    return judge(TWO_VIEWS, answer)


# 2.2 Count before you run

_PAPER, _SIMCSE = (16, 1, 15), (8, 1, 8)


def _count(
    form: str, paper: tuple[int, ...] = _PAPER, simcse: tuple[int, ...] = _SIMCSE
) -> tuple[int, ...]:
    return {"paper": paper, "simcse": simcse}[form]


def _count_mistake(name: str, message: str, **change: tuple[int, ...]) -> Mistake:
    return Mistake(name, lambda form: _count(form, **change), message)


COUNTS = register(
    Exercise(
        name="02-counts",
        task="two views make one positive an anchor, however large the batch",
        reference=_count,
        cases=[
            Case("the paper's form ('paper')", {"form": "paper"}),
            Case("SimCSE's form ('simcse')", {"form": "simcse"}),
        ],
        mistakes=[
            _count_mistake(
                "sentences for views",
                "You count sentences: in (1) every view is an anchor.",
                paper=(8, 1, 15),
            ),
            _count_mistake(
                "sentences everywhere",
                "You count sentences: in (1) every view is an anchor, and a candidate for others.",
                paper=(8, 1, 7),
            ),
            _count_mistake(
                "own view kept",
                "You count the anchor among its own candidates: A_i leaves it out.",
                paper=(16, 1, 16),
            ),
            _count_mistake(
                "negatives for candidates",
                "Your third number counts the negatives: the partner is a candidate too.",
                paper=(16, 1, 14),
            ),
            _count_mistake(
                "two positives",
                "Your anchor is its own partner: how many other views of its sentence are there?",
                paper=(16, 2, 15),
            ),
            _count_mistake(
                "both directions",
                "You count both views as anchors: SimCSE, as described here, takes one direction.",
                simcse=(16, 1, 8),
            ),
            _count_mistake(
                "all views",
                "You let all views be candidates: SimCSE, as described here, takes those of the "
                "other side.",
                simcse=(8, 1, 15),
            ),
            _count_mistake(
                "negatives only",
                "Your third number counts the negatives: the partner is a candidate too.",
                simcse=(8, 1, 7),
            ),
        ],
        section=CHOICE,
    )
)


def pair_counts(answer: Any) -> Report:
    """Check exercise 2.2, anchors, positives and candidates of two forms."""
    return judge(COUNTS, answer)


# 2.5 Without dropout

WITHOUT_DROPOUT = register(
    Exercise(
        name="02-no-dropout",
        task="equal views have cosine 1, which no step can raise; pushing away is all that is left",
        reference=lambda: "c",
        cases=[Case("the question", {})],
        mistakes=[
            Mistake(
                "nothing",
                "a",
                "You expect no gradient at all: write the loss as push minus pull. Which other "
                "sentences stand in the push?",
            ),
            Mistake(
                "pull",
                "b",
                "You expect the pull to go on: how much nearer can two views come that are equal?",
            ),
            Mistake(
                "both",
                "d",
                "You expect no change: what is the cosine of a vector with itself, and how does "
                "it change when the vector moves?",
            ),
        ],
        section=VIEWS,
    )
)


def without_dropout(answer: Any) -> Report:
    """Check exercise 2.5, what is left of the loss when both views are equal."""
    return judge(WITHOUT_DROPOUT, answer)
