"""Checks of lesson 09: do z and theta meet, the ratio of spreads, angles, reading a picture."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from dualcl_tutorial import geometry
from dualcl_tutorial.check.exercise import random, random_batch
from dualcl_tutorial.check.harness import Case, Exercise, Mistake, judge, register
from dualcl_tutorial.check.report import Report
from dualcl_tutorial.example import hand_batch

_CLASS = 'lesson 09, "Where a class lies"'
_TRAINING = 'lesson 09, "Through training"'
_PROJECTION = 'lesson 09, "What a projection shows"'

_HAND = hand_batch()._asdict()
_Z, _, _LABELS = hand_batch()
_NINE = [3, 1, 0, 1, 3, 3, 2, 1, 3]


def _unit(x: Tensor, dim: int = -1) -> Tensor:
    return F.normalize(x, dim=dim)


# 9.1 Do z and theta meet?


def _meeting(
    z: Tensor,
    theta: Tensor,
    labels: Tensor,
    *,
    unit: bool = True,
    power: int = 2,
    own_too: bool = False,
    over_all: bool = False,
    by_anchor: bool = False,
    columns: str = "true",
) -> tuple[Tensor, Tensor]:
    rows = torch.arange(len(labels))
    picked = {"true": labels, "anchor's": labels, "first": torch.zeros_like(labels)}[columns]
    star = theta[rows, picked]  # (N, d)
    a, b = (_unit(z), _unit(star)) if unit else (z, star)
    square = (a[:, None] - b[None, :]).norm(dim=2).pow(power)  # (N, N)
    pairs = labels[:, None] == labels[None, :]
    if not own_too:
        pairs = pairs & ~torch.eye(len(z), dtype=torch.bool)
    total, count = (square * pairs).sum(1), pairs.sum(1)
    if by_anchor:
        mates = (total / count.clamp(min=1)).sum() / (count > 0).sum().clamp(min=1)
    else:
        below = len(z) ** 2 if over_all else count.sum().clamp(min=1)
        mates = total.sum() / below
    return square.diagonal().mean(), mates


def _met(name: str, message: str, **fault: Any) -> Mistake:
    return Mistake(name, lambda **given: _meeting(**(given | fault)), message)


def _features_only(z: Tensor, theta: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    return _meeting(z, z[:, None].expand_as(theta), labels)


def _swapped(z: Tensor, theta: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    own, mates = _meeting(z, theta, labels)
    return mates, own


MEETING = register(
    Exercise(
        name="09-meeting",
        task="mean squared distances of z to its own column and to those of its classmates",
        reference=_meeting,
        cases=[
            Case("the hand-sized batch", _HAND),
            Case("one sentence", random_batch([1], 3, 4, 90)),
            Case("two sentences of one class", random_batch([1, 1], 2, 3, 91)),
            Case("a random batch", random_batch(_NINE, 4, 5, 92)),
        ],
        returns=("own", "classmates"),
        mistakes=[
            _met(
                "not normalised",
                "Your vectors keep their lengths: bring both to length 1 first.",
                unit=False,
            ),
            _met(
                "not squared",
                "You average distances: here they are squared, as in lesson 02's alignment.",
                power=1,
            ),
            _met(
                "own pair among classmates",
                "The own pair is among your classmates: leave the diagonal out.",
                own_too=True,
            ),
            _met(
                "divided by N squared",
                "You divide by all N x N pairs: divide by the pairs that you have added up.",
                over_all=True,
            ),
            _met(
                "mean of means",
                "You average over the classmates of each sentence, then over sentences: each pair "
                "is to count alike.",
                by_anchor=True,
            ),
            _met(
                "first column for all",
                "You take the column of class 0 for every sentence: take that of its true class.",
                columns="first",
            ),
            Mistake(
                "features with features",
                _features_only,
                "Your own pairs have the distance 0: you compare features with features, or "
                "columns with columns. One side of each pair is a feature, the other a column.",
            ),
            Mistake(
                "the two changed round",
                _swapped,
                "Your two numbers are changed round: first the own pair, then classmates.",
            ),
        ],
        section=_TRAINING,
        not_finite="Where nobody has a classmate, your second number divides 0 by 0.",
    )
)


def meeting(answer: Any) -> Report:
    """Check exercise 9.1, how near features lie to columns."""
    return judge(MEETING, answer)


# 9.2 Within over between


def _ratio(
    features: Tensor,
    labels: Tensor,
    *,
    unit: bool = True,
    short: bool = False,
    root: bool = False,
    turned: bool = False,
    by_class: bool = False,
    middle: str = "all",
    total: bool = False,
) -> Tensor:
    u = _unit(features) if unit else features
    _, place, counts = labels.unique(return_inverse=True, return_counts=True)
    member = F.one_hot(place).to(u)  # (N, K)
    centroid = member.T @ u / counts[:, None]  # (K, d)
    if short:
        centroid = _unit(centroid)
    weight = torch.ones_like(counts) if by_class else counts
    centre = centroid.mean(0) if middle == "centroids" else u.mean(0)
    spread = (u - centroid[place]).square().sum(1)  # (N,)
    of_class = member.T @ spread / counts  # (K,)
    within = (of_class * weight).sum() / weight.sum()
    between = ((centroid - centre).square().sum(1) * weight).sum() / weight.sum()
    if total:
        between = between + within
    if root:
        within, between = within.sqrt(), between.sqrt()
    return between / within if turned else within / between


def _fault(name: str, message: str, **fault: Any) -> Mistake:
    return Mistake(name, lambda **given: _ratio(**given, **fault), message)


RATIO = register(
    Exercise(
        name="09-ratio",
        task="spread inside classes over spread between them",
        reference=_ratio,
        cases=[
            Case("the hand-sized batch", {"features": _Z, "labels": _LABELS}),
            Case(
                "class numbers with a gap",
                {"features": random(5, 3, seed=93), "labels": torch.tensor([0, 4, 4, 0, 4])},
            ),
            Case(
                "every sentence its own class",
                {"features": random(3, 4, seed=94), "labels": torch.tensor([2, 0, 1])},
            ),
            Case(
                "a random batch",
                {"features": 3 * random(9, 5, seed=95) + 1, "labels": torch.tensor(_NINE)},
            ),
        ],
        mistakes=[
            _fault(
                "not normalised",
                "Your features keep their lengths: one long vector then rules both spreads.",
                unit=False,
            ),
            _fault(
                "centroids normalised",
                "You bring the centroids to length 1: how short they are is what tells a wide "
                "class.",
                short=True,
            ),
            _fault(
                "turned round",
                "You compute between over within: it is asked the other way round.",
                turned=True,
            ),
            _fault(
                "mean over classes",
                "Each class counts alike in your means: each sentence is to count alike.",
                by_class=True,
            ),
            _fault(
                "middle of the centroids",
                "Your middle is the mean of the centroids: it is the mean of all features.",
                middle="centroids",
            ),
            _fault(
                "distances not squared",
                "Your spreads are distances, their squares are asked for.",
                root=True,
            ),
            _fault(
                "whole spread below",
                "You divide by the whole spread: only the part between the classes stands below.",
                total=True,
            ),
        ],
        section=_CLASS,
        not_finite="Is a class number without sentences among your centroids?",
    )
)


def class_ratio(answer: Any) -> Report:
    """Check exercise 9.2, the spread within classes over that between them."""
    return judge(RATIO, answer)


# 9.3 The angle of a column


def _angles(
    z: Tensor,
    theta: Tensor,
    labels: Tensor,
    *,
    unit: bool = True,
    everyone: bool = False,
    each: bool = False,
    form: str = "degrees",
) -> Tensor:
    member = F.one_hot(labels, theta.shape[1]).to(z)  # (N, K)
    mean = member / member.sum(0)  # (N, K): weights of class k's sentences
    u, t = (_unit(z), _unit(theta)) if unit else (z, theta)
    if each:
        star = theta[torch.arange(len(z)), labels]
        angle = F.cosine_similarity(z, star, dim=1).clamp(-1, 1).arccos().rad2deg()
        return mean.T @ angle
    weight = torch.full_like(mean, 1 / len(z)) if everyone else mean
    column = torch.einsum("nk,nkd->kd", weight, t)
    cosine = F.cosine_similarity(mean.T @ u, column, dim=1).clamp(-1, 1)
    return {"degrees": cosine.arccos().rad2deg(), "radians": cosine.arccos(), "cosine": cosine}[
        form
    ]


def _right_angles(z: Tensor, theta: Tensor, labels: Tensor) -> Tensor:
    return geometry.column_angles(z, theta, labels).diagonal()


def _angle(name: str, message: str, **fault: Any) -> Mistake:
    return Mistake(name, lambda **given: _angles(**given, **fault), message)


ANGLES = register(
    Exercise(
        name="09-angles",
        task="angle between the centroid of a class and its mean column",
        reference=_right_angles,
        cases=[
            Case("the hand-sized batch", _HAND),
            Case("two classes", random_batch([1, 0, 1], 2, 4, 96)),
            Case("one sentence a class", random_batch([2, 0, 1], 3, 3, 97)),
            Case("a random batch", random_batch(_NINE, 4, 5, 98)),
        ],
        axes=("classes",),
        mistakes=[
            _angle("radians", "Your angles are in radians: degrees are asked for.", form="radians"),
            _angle("cosines", "You return cosines: the angle is their arccos.", form="cosine"),
            _angle(
                "columns of all sentences",
                "Your mean column of class k is over all sentences: only those of class k count.",
                everyone=True,
            ),
            _angle(
                "mean of the angles",
                "You average the angles of single sentences: take the means first, then one angle "
                "a class.",
                each=True,
            ),
            _angle(
                "not normalised",
                "Long vectors pull your means: bring each vector to length 1 before the mean.",
                unit=False,
            ),
        ],
        section=_CLASS,
        not_finite="Rounding can lift a cosine above 1, where arccos is NaN: clamp it.",
        tolerance=1e-3,
    )
)


def true_angles(answer: Any) -> Report:
    """Check exercise 9.3, the angle between class centroids and true columns."""
    return judge(ANGLES, answer)


# 9.4 A picture that misleads

PICTURE = register(
    Exercise(
        name="09-picture",
        task="t-SNE keeps neighbours, and no more than that",
        reference=lambda: "c",
        cases=[Case("the picture", {})],
        mistakes=[
            Mistake(
                "gaps read",
                "a",
                "You read the gaps between the groups: t-SNE does not keep large distances.",
            ),
            Mistake(
                "sizes read",
                "b",
                "You read the sizes of the groups: t-SNE gives tight and wide groups about as much "
                "room.",
            ),
            Mistake(
                "hardest class",
                "d",
                "You read a classifier into the picture: which groups are easy to tell apart "
                "depends on distances in all dimensions, and those are not in it.",
            ),
        ],
        section=_PROJECTION,
    )
)


def read_picture(answer: Any) -> Report:
    """Check exercise 9.4, what a t-SNE picture allows to say."""
    return judge(PICTURE, answer)


# 9.5 Is uniformity needed?

UNIFORM = register(
    Exercise(
        name="09-uniform",
        task="what moves along with accuracy need not cause it; added on purpose, it cost",
        reference=lambda: "b",
        cases=[Case("the findings", {})],
        mistakes=[
            Mistake(
                "moves along",
                "a",
                "You read a cause out of two curves that rise together: look at the runs in which "
                "the measure was added on purpose.",
            ),
            Mistake(
                "gathering helps",
                "c",
                "Gathering classmates cost points as well, and its p after Holm leaves open "
                "whether it did anything.",
            ),
            Mistake(
                "holds for all",
                "d",
                "These are runs of one small encoder on one corpus: they say nothing about other "
                "encoders.",
            ),
        ],
        section='lesson 09, "Through training"',
    )
)


def read_uniformity(answer: Any) -> Report:
    """Check exercise 9.5, what the runs with added measures allow to say."""
    return judge(UNIFORM, answer)
