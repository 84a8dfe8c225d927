"""Checks of lesson 05: both dual terms and the whole loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from dualcl_tutorial import losses
from dualcl_tutorial.check.exercise import random_batch
from dualcl_tutorial.check.faulty import COMMON, contrast
from dualcl_tutorial.check.harness import Case, Exercise, Mistake, judge, register
from dualcl_tutorial.check.report import Report
from dualcl_tutorial.example import hand_batch

_TERMS = 'lesson 05, "Two terms, one matrix"'
_WHOLE = 'lesson 05, "The own pair and the whole loss"'


_HAND = hand_batch()._asdict()
_NINE = [3, 1, 0, 1, 3, 3, 2, 1, 3]

# 5.1 Both dual terms


def _right_terms(
    z: Tensor, theta: Tensor, labels: Tensor, temperature: float
) -> tuple[Tensor, Tensor]:
    return losses.dual_contrastive_loss(z, theta, labels, temperature=temperature)


def _all_columns(
    z: Tensor, theta: Tensor, labels: Tensor, temperature: float
) -> tuple[Tensor, Tensor]:
    """Let all K columns of the other sentences be candidates; only the true ones are positives."""
    u, columns = F.normalize(z, dim=-1), F.normalize(theta, dim=-1)
    scores = torch.einsum("id,akd->iak", u, columns) / temperature  # (N, N, K)
    candidates, positives = losses.pair_masks(labels)
    valid = positives.any(1)
    rows = torch.arange(len(labels))
    pulled = torch.where(positives, scores[:, rows, labels], 0.0).sum(1)
    pulled = pulled / positives.sum(1).clamp(min=1)
    among = scores.masked_fill(~candidates[:, :, None], -torch.inf).flatten(1)
    among = among.masked_fill(~valid[:, None], 0.0)
    row = torch.where(valid, among.logsumexp(1) - pulled, 0.0)
    return row.sum() / valid.sum().clamp(min=1), _right_terms(z, theta, labels, temperature)[1]


def _own_columns(
    z: Tensor, theta: Tensor, labels: Tensor, temperature: float
) -> tuple[Tensor, Tensor]:
    """Compare z_i with its own sentence's columns of the other labels, theta_i^{y_a}."""
    u, columns = F.normalize(z, dim=-1), F.normalize(theta, dim=-1)
    scores = torch.einsum("id,ikd->ik", u, columns)[:, labels] / temperature  # (N, N)
    candidates, positives = losses.pair_masks(labels)
    valid = positives.any(1)
    among = scores.masked_fill(~candidates, -torch.inf).masked_fill(~valid[:, None], 0.0)
    pulled = torch.where(positives, scores, 0.0).sum(1) / positives.sum(1).clamp(min=1)
    row = torch.where(valid, among.logsumexp(1) - pulled, 0.0)
    return row.sum() / valid.sum().clamp(min=1), _right_terms(z, theta, labels, temperature)[1]


def _terms_with(**switches: Any) -> Callable[..., tuple[Tensor, Tensor]]:
    def made(z: Tensor, theta: Tensor, labels: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
        star = losses.true_columns(theta, labels)
        return (
            contrast(z, star, labels, temperature, **switches),
            contrast(star, z, labels, temperature, **switches),
        )

    return made


def _first_columns(
    z: Tensor, theta: Tensor, labels: Tensor, temperature: float
) -> tuple[Tensor, Tensor]:
    return _right_terms(z, theta[:1].expand_as(theta), labels, temperature)


def _features_only(
    z: Tensor, theta: Tensor, labels: Tensor, temperature: float
) -> tuple[Tensor, Tensor]:
    loss = losses.supcon_loss(z, labels, temperature=temperature)
    return loss, loss


TERMS = register(
    Exercise(
        name="05-dual",
        task="L_z and L_theta out of one matrix",
        reference=_right_terms,
        cases=[
            Case("the hand-sized batch", {**_HAND, "temperature": 0.5}),
            Case("a batch of one class", random_batch([1, 1, 1], 2, 3, 10, temperature=0.2)),
            Case("a batch of one sentence", random_batch([1], 2, 3, 11, temperature=0.1)),
            Case("classes seen once", random_batch([2, 0, 1], 3, 4, 12, temperature=0.1)),
            Case(
                "a batch with temperature 0.001",
                random_batch([0, 1] * 3, 2, 3, 13, temperature=0.001),
            ),
            Case("a random batch", random_batch(_NINE, 4, 5, 14, temperature=0.1)),
        ],
        returns=("L_z", "L_theta"),
        mistakes=[
            Mistake(
                "the terms swapped, wrong axis",
                lambda **given: _right_terms(**given)[::-1],
                "What you return as one term is the other: ask in each formula whose index i is "
                "fixed while a runs. The softmax runs along a.",
            ),
            Mistake(
                "all K columns",
                _all_columns,
                "All K columns of the other sentences are candidates in your L_z: the paper's (3) "
                "has only theta*_a, the column of each sentence's true class.",
            ),
            Mistake(
                "columns of the own sentence",
                _own_columns,
                "You compare z_i with the columns of its own sentence: theta*_a belongs to the "
                "other sentence a.",
            ),
            Mistake(
                "one sentence's columns for all",
                _first_columns,
                "You use one sentence's columns for all: each sentence brings its own.",
            ),
            Mistake(
                "features with features",
                _features_only,
                "That is lesson 03, features among features: one side of each product is a "
                "classifier here.",
            ),
            *(
                Mistake(name, _terms_with(**switches), message)
                for name, (switches, message) in COMMON.items()
            ),
            Mistake(
                "inside the logarithm",
                _terms_with(inside=True),
                "Your sum over the positives is inside the logarithm; (3) and (4) have it outside.",
            ),
        ],
        section=_TERMS,
        not_finite="Either an anchor without a partner is divided by |P_i| = 0, or a mask is "
        "multiplied: 0 times an infinite value is NaN.",
        gradient=("z", "theta"),
    )
)


def dual_terms(answer: Any) -> Report:
    """Check exercise 5.1, the two dual terms."""
    return judge(TERMS, answer)


# 5.2 The whole loss


def _whole(
    z: Tensor,
    theta: Tensor,
    labels: Tensor,
    weight: float,
    temperature: float,
    *,
    mix: Callable[[Any, Any, Any, float], Any] = lambda ce, a, b, w: ce + w * (a + b),
    scores: Callable[[Tensor, Tensor, float], Tensor] = lambda z, theta, tau: losses.label_logits(
        z, theta
    ),
    reduction: str = "mean",
) -> Tensor:
    """Compute (7), with places to put a mistake."""
    ce = F.cross_entropy(scores(z, theta, temperature), labels, reduction=reduction)
    return mix(ce, *_right_terms(z, theta, labels, temperature), weight)


def _whole_mistake(name: str, message: str, **change: Any) -> Mistake:
    return Mistake(name, lambda **given: _whole(**given, **change), message)


def _cosines(z: Tensor, theta: Tensor, temperature: float) -> Tensor:
    return losses.label_logits(F.normalize(z, dim=-1), F.normalize(theta, dim=-1))


WHOLE = register(
    Exercise(
        name="05-whole",
        task="cross-entropy and the two dual terms, weighed",
        reference=_whole,
        cases=[
            Case("the hand-sized batch", {**_HAND, "weight": 0.1, "temperature": 0.5}),
            Case("weight 0", {**_HAND, "weight": 0.0, "temperature": 0.5}),
            Case("one sentence", random_batch([1], 3, 4, 20, weight=0.5, temperature=0.1)),
            Case("a random batch", random_batch(_NINE, 4, 5, 21, weight=0.05, temperature=0.1)),
        ],
        mistakes=[
            _whole_mistake(
                "1 - lambda in front",
                "You weigh cross-entropy with 1 - lambda, as Gunel et al. do for CE+SCL: in (7) it "
                "stands alone.",
                mix=lambda ce, a, b, w: (1 - w) * ce + w * (a + b),
            ),
            _whole_mistake(
                "weights of the released code",
                "You weigh as the released code does, (1 - alpha) and alpha/2: that is not (7).",
                mix=lambda ce, a, b, w: (1 - w) * ce + w / 2 * (a + b),
            ),
            _whole_mistake(
                "mean of the two terms",
                "You took the mean of the two dual terms: L_Dual in (5) is something else.",
                mix=lambda ce, a, b, w: ce + w * (a + b) / 2,
            ),
            _whole_mistake(
                "lambda on one term",
                "lambda stands before L_z only: it weighs L_Dual, which has two terms.",
                mix=lambda ce, a, b, w: ce + w * a + b,
            ),
            _whole_mistake(
                "lambda on one term (the other)",
                "lambda stands before L_theta only: it weighs L_Dual, which has two terms.",
                mix=lambda ce, a, b, w: ce + a + w * b,
            ),
            _whole_mistake(
                "one term missing",
                "L_theta is missing: L_Dual in (5) has two terms.",
                mix=lambda ce, a, b, w: ce + w * a,
            ),
            _whole_mistake(
                "lambda forgotten",
                "The weight has no effect in your function: see (7).",
                mix=lambda ce, a, b, w: ce + a + b,
            ),
            _whole_mistake(
                "lambda on everything",
                "lambda weighs cross-entropy too in your function: see what it weighs in (7).",
                mix=lambda ce, a, b, w: w * (ce + a + b),
            ),
            _whole_mistake(
                "cosine in cross-entropy",
                "Your cross-entropy is of cosines: (6) has raw dot products, and 'What can go "
                "wrong' shows what cosines do there.",
                scores=_cosines,
            ),
            _whole_mistake(
                "temperature in cross-entropy",
                "You divide the scores of cross-entropy by the temperature: (6) has none.",
                scores=lambda z, theta, tau: losses.label_logits(z, theta) / tau,
            ),
            _whole_mistake(
                "one sentence's columns for all",
                "Each sentence is scored with the columns of the first: it brings its own.",
                scores=lambda z, theta, tau: z @ theta[0].T,
            ),
            _whole_mistake(
                "softmax twice",
                "Your scores went through softmax twice: F.cross_entropy takes them raw.",
                scores=lambda z, theta, tau: losses.label_logits(z, theta).softmax(1),
            ),
            _whole_mistake(
                "cross-entropy added up",
                "Your cross-entropy is a sum over the batch: (6) is a mean.",
                reduction="sum",
            ),
        ],
        section=_WHOLE,
        gradient=("z", "theta"),
    )
)


def whole_loss(answer: Any) -> Report:
    """Check exercise 5.2, the paper's (7)."""
    return judge(WHOLE, answer)
