"""Checks of lesson 02, continued: who gets the gradient, alignment and uniformity."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from dualcl_tutorial import geometry
from dualcl_tutorial.check.exercise import random
from dualcl_tutorial.check.harness import Case, Exercise, Mistake, Property, judge, register
from dualcl_tutorial.check.lesson02 import HAND, TEMPERATURE
from dualcl_tutorial.check.report import Report

SHAPE = 'lesson 02, "Alignment and uniformity"'

# 2.3 Which negative gets the gradient?


def _weights(
    cosines: Tensor,
    partner: Tensor,
    temperature: float,
    *,
    scale: float | None = None,
    axis: int = 1,
    among_all: bool = False,
    at_zero: bool = False,
) -> Tensor:
    scores = cosines * (1 / temperature if scale is None else scale)
    positive = F.one_hot(partner, cosines.shape[1]).bool()  # (N, M)
    if not among_all:
        scores = scores.masked_fill(positive, 0.0 if at_zero else -torch.inf)
    share = scores.softmax(axis)
    return share.masked_fill(positive, 0.0) if at_zero or among_all else share


def _plain(cosines: Tensor, partner: Tensor, temperature: float) -> Tensor:
    weight = (cosines / temperature).exp().scatter(1, partner[:, None], 0.0)
    return weight / weight.sum(1, keepdim=True)


def _partner_in(cosines: Tensor, partner: Tensor, temperature: float) -> Tensor:
    return (cosines / temperature).softmax(1)


def _only_hardest(cosines: Tensor, partner: Tensor, temperature: float) -> Tensor:
    best = _weights(cosines, partner, temperature).argmax(1)
    return F.one_hot(best, cosines.shape[1]).to(cosines.dtype)


def _rows_add_up(answer: Any) -> bool:
    case = NEGATIVES.cases[-1].inputs
    return bool(torch.allclose(answer(**case).sum(1), torch.ones(6), atol=1e-4))


NEGATIVES = register(
    Exercise(
        name="02-negatives",
        task="a softmax among the negatives; the smaller the temperature, the more the hardest has",
        reference=_weights,
        cases=[
            Case(
                "the example of the task",
                {
                    "cosines": torch.tensor([[0.8, 0.9, 0.5, 0.0]]),
                    "partner": torch.tensor([0]),
                    "temperature": 0.1,
                },
            ),
            Case(
                "two anchors, temperature 1",
                {
                    "cosines": torch.tensor([[0.2, 0.9, -0.5], [1.0, 0.0, -1.0]]),
                    "partner": torch.tensor([2, 0]),
                    "temperature": 1.0,
                },
            ),
            Case(
                "temperature 0.001",
                {
                    "cosines": torch.tensor([[0.2, 0.9, -0.5], [-0.9, 1.0, -0.95]]),
                    "partner": torch.tensor([0, 1]),
                    "temperature": 0.001,
                },
            ),
            Case(
                "one negative",
                {
                    "cosines": torch.tensor([[0.2, 0.9]]),
                    "partner": torch.tensor([1]),
                    "temperature": 0.5,
                },
            ),
            Case(
                "random cosines",
                {
                    "cosines": random(6, 5, seed=210).tanh(),
                    "partner": torch.tensor([4, 0, 2, 2, 1, 3]),
                    "temperature": 0.3,
                },
            ),
        ],
        axes=("anchors", "candidates"),
        mistakes=[
            Mistake(
                "partner among them",
                _partner_in,
                "You give the partner a share as well: only negatives are asked for.",
            ),
            Mistake(
                "partner in the sum",
                lambda **given: _weights(**given, among_all=True),
                "The partner has no share in your result, but it still stands in the sum below, so "
                "that the rows do not add up to 1.",
            ),
            Mistake(
                "partner's score 0",
                lambda **given: _weights(**given, at_zero=True),
                "You set the partner's score to 0, and exp(0) = 1 stays in the sum: take the "
                "partner out before exp.",
            ),
            Mistake(
                "temperature multiplied",
                lambda cosines, partner, temperature: _weights(
                    cosines, partner, temperature, scale=temperature
                ),
                "You multiply by the temperature: a small temperature should make differences "
                "larger.",
            ),
            Mistake(
                "temperature forgotten",
                lambda **given: _weights(**given, scale=1.0),
                "The temperature has no effect in your function: see where tau stands in the "
                "formula.",
            ),
            Mistake(
                "wrong axis",
                lambda **given: _weights(**given, axis=0).nan_to_num(),
                "Your softmax runs over the anchors: the negatives of one anchor share its "
                "gradient.",
            ),
            Mistake(
                "hardest only",
                _only_hardest,
                "You give everything to the hardest negative: that is only the limit of a very "
                "small temperature.",
            ),
            Mistake(
                "exp before max",
                _plain,
                "exp overflows or underflows at a small temperature: lesson 01 has a softmax that "
                "does not.",
            ),
        ],
        properties=[
            Property("sum 1", _rows_add_up, "The shares of an anchor's negatives add up to 1.")
        ],
        section=TEMPERATURE,
        not_finite="exp overflows at a small temperature: lesson 01 has a softmax that does not.",
    )
)


def negative_weights(answer: Any) -> Report:
    """Check exercise 2.3, the share of the gradient that each negative gets."""
    return judge(NEGATIVES, answer)


# 2.4 Two numbers of a sphere


def _unit(view: Tensor) -> Tensor:
    return F.normalize(view, dim=1)


def _alignment(view_1: Tensor, view_2: Tensor, *, unit: bool = True, power: int = 2) -> Tensor:
    views = (_unit(view_1), _unit(view_2)) if unit else (view_1, view_2)
    return (views[0] - views[1]).norm(dim=1).pow(power).mean()


def _uniformity(
    view_1: Tensor,
    view_2: Tensor,
    *,
    unit: bool = True,
    own: bool = False,
    log: str = "outside",
    t: float = 2,
    power: int = 2,
) -> Tensor:
    views = torch.cat([view_1, view_2])
    views = _unit(views) if unit else views
    apart = (views[:, None] - views[None, :]).norm(dim=2)  # (2N, 2N)
    pairs = torch.ones_like(apart).triu(1).bool()  # each pair once
    chosen = -t * (apart.flatten() if own else apart[pairs]).pow(power)
    if log == "outside":
        return chosen.exp().mean().log()
    return chosen.mean() if log == "inside" else chosen.exp().mean()


def _both(view_1: Tensor, view_2: Tensor) -> tuple[Tensor, Tensor]:
    labels = torch.arange(len(view_1)).repeat(2)
    views = torch.cat([view_1, view_2])
    return geometry.alignment(views, labels), geometry.uniformity(views)


def _aligned(name: str, message: str, made: Any) -> Mistake:
    return Mistake(name, lambda **given: (made(**given), _both(**given)[1]), message)


def _uniform(name: str, message: str, made: Any) -> Mistake:
    return Mistake(name, lambda **given: (_both(**given)[0], made(**given)), message)


SHAPE_OF = register(
    Exercise(
        name="02-alignment",
        task="alignment and uniformity of two views",
        reference=_both,
        cases=[
            Case("the hand-sized batch", HAND),
            Case(
                "one sentence",
                {"view_1": random(1, 3, seed=220), "view_2": random(1, 3, seed=221)},
            ),
            Case(
                "equal views",
                {"view_1": random(4, 3, seed=222), "view_2": random(4, 3, seed=222)},
            ),
            Case(
                "a random batch",
                {"view_1": random(6, 5, seed=223), "view_2": random(6, 5, seed=224)},
            ),
        ],
        returns=("alignment", "uniformity"),
        mistakes=[
            _aligned(
                "not normalised",
                "You used the views as they are: both measures take them at length 1.",
                lambda **given: _alignment(**given, unit=False),
            ),
            _aligned(
                "distance not squared",
                "You average distances: the formula has their squares.",
                lambda **given: _alignment(**given, power=1),
            ),
            _aligned(
                "mean over coordinates",
                "You average over the coordinates too, as mse_loss does: a squared distance is "
                "their sum.",
                lambda view_1, view_2: F.mse_loss(_unit(view_1), _unit(view_2)),
            ),
            _aligned(
                "sum over sentences",
                "You add up over the sentences: alignment is a mean.",
                lambda view_1, view_2: _alignment(view_1, view_2) * len(view_1),
            ),
            _aligned(
                "cosine",
                "That is the mean cosine of partners, which grows as they come nearer: alignment "
                "is a squared distance.",
                lambda view_1, view_2: F.cosine_similarity(view_1, view_2).mean(),
            ),
            _uniform(
                "not normalised in uniformity",
                "You used the views as they are: both measures take them at length 1.",
                lambda **given: _uniformity(**given, unit=False),
            ),
            _uniform(
                "own pairs kept",
                "Each feature is paired with itself, at distance 0: only pairs of two different "
                "ones count.",
                lambda **given: _uniformity(**given, own=True),
            ),
            _uniform(
                "first view only",
                "You pair the features of one view only: all 2N features count.",
                lambda view_1, view_2: (
                    _uniformity(view_1[: len(view_1) // 2], view_1[len(view_1) // 2 :])
                    if len(view_1) > 1
                    else view_1.sum() * 0
                ),
            ),
            _uniform(
                "log forgotten",
                "The logarithm is missing: uniformity is 0 where all features coincide, and below "
                "0 elsewhere.",
                lambda **given: _uniformity(**given, log="none"),
            ),
            _uniform(
                "mean of logarithms",
                "Your logarithm stands inside the mean, where it undoes the exponential: first the "
                "mean, then the logarithm.",
                lambda **given: _uniformity(**given, log="inside"),
            ),
            _uniform(
                "t forgotten",
                "The factor t = 2 in the exponent is missing.",
                lambda **given: _uniformity(**given, t=1),
            ),
            _uniform(
                "distance not squared in uniformity",
                "Your exponent holds the distance: the formula has its square.",
                lambda **given: _uniformity(**given, power=1),
            ),
            _uniform(
                "sign turned",
                "Your exponent has lost its sign: pairs that are far apart should count less.",
                lambda **given: _uniformity(**given, t=-2),
            ),
        ],
        section=SHAPE,
        not_finite="The logarithm of 0: is the mean of the exponentials empty?",
    )
)


def alignment_uniformity(answer: Any) -> Report:
    """Check exercise 2.4, alignment and uniformity."""
    return judge(SHAPE_OF, answer)
