"""Checks of lesson 04, continued: reading theta off hidden states, scores without a head."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from dualcl_tutorial.check.exercise import random
from dualcl_tutorial.check.harness import Case, Exercise, Mistake, Property, judge, register
from dualcl_tutorial.check.report import Report
from dualcl_tutorial.example import hand_batch
from dualcl_tutorial.losses import label_logits

_VIEWS = 'lesson 04, "One pass, K + 1 views"'

# 4.3 Read theta


def _theta(
    hidden: Tensor,
    slots: Tensor,
    *,
    read: Callable[[Tensor, Tensor], Tensor] = lambda pieces, there: (
        (pieces * there).sum(2) / there.sum(2)
    ),
    wrap: bool = False,
    first_slots: bool = False,
) -> Tensor:
    """Take the pieces (N, K, pieces, d) and whether they exist, and make one column of them."""
    if first_slots:
        slots = slots[:1].expand_as(slots)
    there = (slots >= 0)[..., None]  # (N, K, pieces, 1)
    places = slots % hidden.shape[1] if wrap else slots.clamp(min=0)
    sentence = torch.arange(len(hidden))[:, None, None]
    return read(hidden[sentence, places], there)


def _theta_mistake(name: str, message: str, **change: Any) -> Mistake:
    return Mistake(name, lambda **given: _theta(**given, **change), message)


def _only_its_slots(answer: Any) -> bool:
    """Whether states that no slot names have no effect."""
    given = THETA.cases[0].inputs
    other = given["hidden"].clone()
    other[0, [0, 4, 5]] += 7.0  # sentence 1: neither [CLS] nor what comes after the labels
    before, after = answer(**given), answer(hidden=other, slots=given["slots"])
    return bool(torch.allclose(before, after, atol=1e-4))


_STATES = torch.tensor(
    [
        [[9.0, 9.0], [1.0, 2.0], [3.0, 4.0], [5.0, 0.0], [8.0, 8.0], [7.0, 7.0]],
        [[6.0, 6.0], [2.0, 0.0], [1.0, 1.0], [3.0, 7.0], [0.0, 9.0], [4.0, 4.0]],
    ]
)

THETA = register(
    Exercise(
        name="04-theta",
        task="each column is the mean over the pieces of its label",
        reference=_theta,
        cases=[
            Case(
                "the example of the task",
                {
                    "hidden": _STATES,
                    "slots": torch.tensor([[[1, 2], [3, -1]], [[2, 3], [1, -1]]]),
                },
            ),
            Case(
                "one sentence, one piece each",
                {"hidden": random(1, 6, 3, seed=401), "slots": torch.tensor([[[2], [1], [3]]])},
            ),
            Case(
                "labels of one, two and four pieces",
                {
                    "hidden": random(3, 10, 4, seed=402),
                    "slots": torch.tensor(
                        [
                            [[1, -1, -1, -1], [2, 3, -1, -1], [4, 5, 6, 7]],
                            [[7, -1, -1, -1], [1, 2, -1, -1], [3, 4, 5, 6]],
                            [[3, -1, -1, -1], [1, 2, -1, -1], [4, 5, 6, 7]],
                        ]
                    ),
                },
            ),
        ],
        axes=("batch", "classes", "d"),
        mistakes=[
            _theta_mistake(
                "sum",
                "You add up the pieces of a label: a label of many pieces gets a long column.",
                read=lambda pieces, there: (pieces * there).sum(2),
            ),
            _theta_mistake(
                "first piece only",
                "You read the first piece of each label only.",
                read=lambda pieces, there: pieces[:, :, 0],
            ),
            _theta_mistake(
                "last token read",
                "A slot of -1 is used as an index, and reads the last token of the row.",
                wrap=True,
                read=lambda pieces, there: pieces.mean(2),
            ),
            _theta_mistake(
                "[CLS] read",
                "A slot of -1 reads place 0, [CLS], and goes into your mean.",
                read=lambda pieces, there: pieces.mean(2),
            ),
            _theta_mistake(
                "divided by the width",
                "You divide by the width of slots: a label with fewer pieces has fewer to divide "
                "by.",
                read=lambda pieces, there: (pieces * there).mean(2),
            ),
            _theta_mistake(
                "slots of the first sentence",
                "You read all sentences at the slots of the first: under a shuffled order each has "
                "its own.",
                first_slots=True,
            ),
            _theta_mistake(
                "maximum",
                "You take the largest entry over the pieces: (4.1) is a mean.",
                read=lambda pieces, there: pieces.masked_fill(~there, -torch.inf).amax(2),
            ),
        ],
        properties=[
            Property(
                "only its slots",
                _only_its_slots,
                "Your columns change with hidden states that no slot names.",
            )
        ],
        section=_VIEWS,
        not_finite="How many pieces do you divide by?",
        gradient=("hidden",),
    )
)


def read_theta(answer: Any) -> Report:
    """Check exercise 4.3, the classifier columns out of hidden states."""
    return judge(THETA, answer)


# 4.4 Scores without a head

_Z, _COLUMNS, _ = hand_batch()


def _unit(x: Tensor) -> Tensor:
    return F.normalize(x, dim=-1)


SCORES = register(
    Exercise(
        name="04-scores",
        task="each sentence is scored by its own columns",
        reference=lambda z, theta: label_logits(z, theta),
        cases=[
            Case("the hand-sized batch", {"z": _Z, "theta": _COLUMNS}),
            Case("one sentence", {"z": random(1, 4, seed=410), "theta": random(1, 2, 4, seed=411)}),
            Case(
                "a random batch", {"z": random(5, 7, seed=412), "theta": random(5, 4, 7, seed=413)}
            ),
        ],
        axes=("batch", "classes"),
        mistakes=[
            Mistake(
                "cosine",
                lambda z, theta: label_logits(_unit(z), _unit(theta)),
                "That is the cosine: (8) takes the vectors as they are.",
            ),
            Mistake(
                "feature at length 1",
                lambda z, theta: label_logits(_unit(z), theta),
                "You brought z to length 1: (8) takes the vectors as they are.",
            ),
            Mistake(
                "columns at length 1",
                lambda z, theta: label_logits(z, _unit(theta)),
                "You brought the columns to length 1: (8) takes the vectors as they are.",
            ),
            Mistake(
                "one classifier for all",
                lambda z, theta: z @ theta[0].T,
                "You score all sentences with the columns of the first: each has its own.",
            ),
            Mistake(
                "mean classifier",
                lambda z, theta: z @ theta.mean(0).T,
                "You score all sentences with one mean classifier: each has its own.",
            ),
            Mistake(
                "all pairs",
                lambda z, theta: torch.einsum("nd,mkd->nmk", z, theta),
                "You compare every feature with the columns of every sentence: only its own count.",
            ),
            Mistake(
                "not added up",
                lambda z, theta: z[:, None, :] * theta,
                "You multiply entry by entry: a dot product adds up over d.",
            ),
            Mistake(
                "softmax",
                lambda z, theta: label_logits(z, theta).softmax(1),
                "Those are probabilities: scores are asked for, before softmax.",
            ),
            Mistake(
                "divided by the root of d",
                lambda z, theta: label_logits(z, theta) / z.shape[1] ** 0.5,
                "You divide by the root of d, as attention does: (8) does not.",
            ),
            Mistake(
                "answers",
                lambda z, theta: label_logits(z, theta).argmax(1),
                "Those are the answers: the scores of all classes are asked for.",
            ),
        ],
        section=_VIEWS,
        gradient=("z", "theta"),
    )
)


def label_scores(answer: Any) -> Report:
    """Check exercise 4.4, theta times z."""
    return judge(SCORES, answer)
