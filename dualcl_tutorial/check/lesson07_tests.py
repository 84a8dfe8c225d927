"""Checks of lesson 07, continued: two numbers to predict, and a test for losses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from dualcl_tutorial import losses, variants
from dualcl_tutorial.check.faulty import contrast
from dualcl_tutorial.check.harness import Case, Exercise, Mistake, judge, register
from dualcl_tutorial.check.lesson07 import THREE
from dualcl_tutorial.check.report import Report

_TABLE = 'lesson 07, "The rest in one table"'
_WRONG = 'lesson 07, "What can go wrong"'

# 7.4 How many are right?

SHARE = register(
    Exercise(
        name="07-share",
        task="2/K: cycles of length 1 and 2 hide the fault",
        reference=lambda: 0.04,
        cases=[Case("50 classes", {})],
        mistakes=[
            Mistake(
                "fixed points only",
                0.02,
                "You count labels that stay at their own place. They are right, but not the only "
                "ones: what of two labels that change places?",
            ),
            Mistake(
                "share of wrong targets",
                0.96,
                "That is the share of wrong targets: the right ones are asked for.",
            ),
            Mistake("percent", 4.0, "You give percent: the share asked for lies between 0 and 1."),
            Mistake(
                "TREC's six classes",
                1 / 3,
                "That holds for the six coarse classes of TREC: how does it depend on K?",
            ),
            Mistake(
                "a half",
                0.5,
                "You expect the fault to hit every other target, whatever K: compute it for two "
                "and for three classes by hand.",
            ),
            Mistake(
                "all wrong",
                0.0,
                "You expect no target to be right: what of a label that stays at its own place?",
            ),
        ],
        section=THREE,
        tolerance=1e-3,
    )
)


def right_share(answer: Any) -> Report:
    """Check exercise 7.4, the share of right targets with 50 classes."""
    return judge(SHARE, answer)


# 7.5 Translate the weights


def _alpha_mistake(name: str, message: str, made: Callable[[float], float]) -> Mistake:
    return Mistake(name, made, message)


ALPHA = register(
    Exercise(
        name="07-alpha",
        task="the release's alpha for a lambda of the paper",
        reference=lambda weight: 2 * weight / (1 + 2 * weight),
        cases=[
            Case(f"lambda {weight}", {"weight": weight}) for weight in (0.1, 0.01, 0.5, 0.0, 3.0)
        ],
        mistakes=[
            _alpha_mistake(
                "alpha is lambda",
                "You take alpha for lambda: compare what stands before L_z with what stands before "
                "the cross-entropy, in both formulas.",
                lambda weight: weight,
            ),
            _alpha_mistake(
                "the other way",
                "You compute lambda from alpha: here lambda is given.",
                lambda weight: weight / (2 * (1 - weight)),
            ),
            _alpha_mistake(
                "half forgotten",
                "You forget the 2 under alpha: the release weighs each term with half of it.",
                lambda weight: weight / (1 + weight),
            ),
            _alpha_mistake(
                "cross-entropy's weight forgotten",
                "You compare the weights of L_z only: in the release cross-entropy has a weight, "
                "too.",
                lambda weight: 2 * weight,
            ),
            _alpha_mistake(
                "half on the wrong side",
                "The 2 is on the wrong side: write down alpha/2 over (1 - alpha), and solve for "
                "alpha.",
                lambda weight: weight / (2 + weight),
            ),
            _alpha_mistake(
                "sign lost",
                "A sign is lost: bring all terms with alpha to one side once more.",
                lambda weight: 2 * weight / (1 - 2 * weight) if weight != 0.5 else 0.0,
            ),
        ],
        section=_TABLE,
        tolerance=1e-5,
    )
)


def release_alpha(answer: Any) -> Report:
    """Check exercise 7.5, the alpha that stands for a lambda."""
    return judge(ALPHA, answer)


# 7.6 A test that finds both


def _paper(anchor: Tensor, target: Tensor, labels: Tensor) -> Tensor:
    return losses.contrastive_loss(anchor, target, labels)


def _paper_in_loops(anchor: Tensor, target: Tensor, labels: Tensor) -> Tensor:
    """The same formula; its last digits differ, as those of another right loss may."""
    anchor, target = F.normalize(anchor, dim=1), F.normalize(target, dim=1)
    rows = []
    for i, own in enumerate(anchor):
        others = [j for j in range(len(labels)) if j != i]
        mine = [j for j in others if labels[j] == labels[i]]
        if mine:
            share = (target[others] @ own / 0.1).softmax(0)
            found = [share[others.index(p)].log() for p in mine]
            rows.append(-torch.stack(found).mean())
    return torch.stack(rows).mean() if rows else anchor.sum() * 0


def _own_kept(anchor: Tensor, target: Tensor, labels: Tensor) -> Tensor:
    return contrast(anchor, target, labels, 0.1, own_candidate=True)


def _own_positive(anchor: Tensor, target: Tensor, labels: Tensor) -> Tensor:
    return contrast(anchor, target, labels, 0.1, own_candidate=True, own_positive=True)


def _snippet(anchor: Tensor, target: Tensor, labels: Tensor) -> Tensor:
    columns = target[:, None].expand(-1, int(labels.max()) + 1, -1)
    return variants.snippet_losses(anchor, columns, labels, modes="2")[0]


def _release(anchor: Tensor, target: Tensor, labels: Tensor) -> Tensor:
    return variants.release_contrastive_loss(anchor, target, labels)


_RIGHT = (_paper, _paper_in_loops)


def _lets_pass(name: str, which: Callable[..., Tensor], message: str) -> Mistake:
    return Mistake(name, lambda loss: loss in _RIGHT or loss is which, message)


SOUND = register(
    Exercise(
        name="07-own-test",
        task="a test that passes what is right and finds each fault",
        reference=lambda loss: loss in _RIGHT,
        cases=[
            Case("the paper's loss", {"loss": _paper}),
            Case("the loss of case one", {"loss": _snippet}),
            Case("the loss of case two", {"loss": _release}),
            Case("a right loss in loops", {"loss": _paper_in_loops}),
            Case("a loss with the own pair as candidate", {"loss": _own_kept}),
            Case("a loss with the own pair as candidate and positive", {"loss": _own_positive}),
        ],
        mistakes=[
            _lets_pass(
                "case one passes",
                _snippet,
                "Your test lets the loss of case one pass. On which batch must a right loss be 0, "
                "because nobody has a partner?",
            ),
            _lets_pass(
                "case two passes",
                _release,
                "Your test lets the loss of case two pass. On which batch is the value known "
                "beforehand, whatever the cosine?",
            ),
            _lets_pass(
                "own pair as candidate passes",
                _own_kept,
                "Your test lets a loss pass that keeps the own pair in the denominator. What does "
                "one candidate more do to a batch of one class at one cosine?",
            ),
            _lets_pass(
                "own pair as positive passes",
                _own_positive,
                "Your test lets a loss pass whose own pairs are candidates and positives. What "
                "does one candidate more do to a batch of one class at one cosine?",
            ),
            Mistake(
                "a right loss refused",
                lambda loss: False,
                "Your test refuses a right loss. Is the value you expect right, and do you leave "
                "room for rounding?",
            ),
        ],
        section=_WRONG,
    )
)


def own_test(answer: Any) -> Report:
    """Check exercise 7.6, a test of losses."""
    return judge(SOUND, answer)
