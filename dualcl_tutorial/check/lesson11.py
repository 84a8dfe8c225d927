"""Checks of lesson 11: a stratified split, class weights, calibration, label words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from dualcl_tutorial.check.exercise import random
from dualcl_tutorial.check.harness import Case, Exercise, Mistake, judge, register
from dualcl_tutorial.check.report import Report

_FILE = 'lesson 11, "From a file to a corpus"'
_WORDS = 'lesson 11, "Words worth choosing"'
_RARE = 'lesson 11, "The class nobody predicts"'
_SURE = 'lesson 11, "How sure is it?"'

# 11.1 A stratified split


def _split(
    labels: Tensor,
    order: Tensor,
    share: float,
    *,
    by_class: bool = True,
    least: int = 1,
    spare: int = 1,
    half: float = 0.5,
    in_order: bool = True,
    as_ranks: bool = False,
) -> Tensor:
    """Hold out the first share of each class, as `order` lists the rows."""
    held = torch.zeros(len(labels), dtype=torch.bool)
    listed = order.argsort() if as_ranks else order if in_order else torch.arange(len(order))
    for k in labels.unique() if by_class else [None]:
        own = listed if k is None else listed[labels[listed] == k]
        wanted = max(least, int(share * len(own) + half))
        held[own[: max(0, min(len(own) - spare, wanted))]] = True
    return held


def _split_case(name: str, counts: list[int], share: float, seed: int) -> Case:
    labels = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    mixed = random(len(labels), seed=seed).argsort()
    order = random(len(labels), seed=seed + 1).argsort()
    return Case(name, {"labels": labels[mixed], "order": order, "share": share})


def _split_mistake(name: str, message: str, **change: Any) -> Mistake:
    return Mistake(name, lambda **given: _split(**given, **change), message)


SPLIT = register(
    Exercise(
        name="11-split",
        task="every class gives its share, at least one text and never its last",
        reference=_split,
        cases=[
            Case(
                "the example of the task",
                {
                    "labels": torch.tensor([0, 1, 0, 0, 1, 0, 2, 0, 0, 0]),
                    "order": torch.tensor([9, 0, 6, 4, 2, 1, 7, 3, 8, 5]),
                    "share": 0.3,
                },
            ),
            _split_case("two classes of equal size", [10, 10], 0.2, 1101),
            _split_case("a class of two", [40, 12, 2], 0.2, 1103),
            _split_case("shares that end in a half", [10, 6, 5, 30], 0.25, 1105),
            _split_case("eight classes", [90, 80, 64, 37, 33, 23, 15, 10], 0.2, 1107),
        ],
        axes=("texts",),
        mistakes=[
            _split_mistake(
                "not stratified",
                "You hold out the first rows of the order whatever their class: a rare class may "
                "miss the test split, or give all it has.",
                by_class=False,
            ),
            _split_mistake(
                "last text of a class taken",
                "A class of one text gives it to the test split, and nothing is left to train on.",
                spare=0,
            ),
            _split_mistake(
                "rare class left out",
                "A class of two texts gives none: at least one of each class that can spare it.",
                least=0,
            ),
            _split_mistake(
                "cut off",
                "You cut the share of a class off: round it, a half upwards.",
                half=0.0,
            ),
            _split_mistake(
                "cut off, no least",
                "You cut the share of a class off, and a small class gives none: round it, and "
                "take at least one.",
                half=0.0,
                least=0,
            ),
            _split_mistake(
                "rounded up",
                "You round every share up: round to the nearest, a half upwards.",
                half=0.999999,
            ),
            _split_mistake(
                "order not used",
                "You take the first texts of each class as the file has them: files are often "
                "sorted by date. Take them in the given order.",
                in_order=False,
            ),
            _split_mistake(
                "order read as ranks",
                "You read order[i] as the place of row i. It is the other way round: order[0] is "
                "the row that comes first.",
                as_ranks=True,
            ),
            Mistake(
                "training rows returned",
                lambda **given: ~_split(**given),
                "You return the rows to train on: True means held out for the test.",
            ),
        ],
        section=_FILE,
    )
)


def held_out(answer: Any) -> Report:
    """Check exercise 11.1, a stratified split."""
    return judge(SPLIT, answer)


# 11.2 Weights for rare classes


def _counts(labels: Tensor, classes: int) -> Tensor:
    return torch.bincount(labels, minlength=classes).float()


def _weights(labels: Tensor, classes: int) -> Tensor:
    """Weigh each class by N / (K n_k), over the K classes that occur."""
    counts = _counts(labels, classes)
    there = counts > 0
    return torch.where(there, len(labels) / (there.sum() * counts.clamp(min=1)), 0.0)


WEIGHTS = register(
    Exercise(
        name="11-weights",
        task="every class that occurs has the same part in the mean, and the mean weight is 1",
        reference=_weights,
        cases=[
            Case(
                "the example of the task",
                {"labels": torch.tensor([0, 0, 0, 0, 0, 0, 1, 1, 2]), "classes": 3},
            ),
            Case("equal classes", {"labels": torch.arange(4).repeat(3), "classes": 4}),
            Case("a class without texts", {"labels": torch.tensor([3, 0, 0, 3, 3]), "classes": 5}),
            Case("one text", {"labels": torch.tensor([1]), "classes": 2}),
        ],
        axes=("classes",),
        mistakes=[
            Mistake(
                "one over the count",
                lambda labels, classes: 1 / _counts(labels, classes),
                "The ratios are right, but the mean weight of a text is not 1: the whole loss "
                "shrinks, and with it the learning rate.",
            ),
            Mistake(
                "N over the count",
                lambda labels, classes: len(labels) / _counts(labels, classes),
                "The mean weight of a text is now the number of classes: divide by that, too.",
            ),
            Mistake(
                "frequent classes weigh more",
                lambda labels, classes: _counts(labels, classes) * classes / len(labels),
                "That is upside down: a frequent class weighs more, not less.",
            ),
            Mistake(
                "share of the class",
                lambda labels, classes: _counts(labels, classes) / len(labels),
                "That is the share of each class: a frequent class would weigh more, not less.",
            ),
            Mistake(
                "weights add up to 1",
                lambda labels, classes: (
                    (1 / _counts(labels, classes)) / (1 / _counts(labels, classes)).sum()
                ),
                "Your weights add up to 1 over the classes: the mean weight over the texts "
                "should be 1.",
            ),
            Mistake(
                "one weight a text",
                lambda labels, classes: _weights(labels, classes)[labels],
                "You return one weight a text: one a class is asked for.",
            ),
            Mistake(
                "absent classes counted",
                lambda labels, classes: torch.where(
                    _counts(labels, classes) > 0,
                    len(labels) / (classes * _counts(labels, classes).clamp(min=1)),
                    0.0,
                ),
                "You divide by all classes, also by those that do not occur: the mean weight of a "
                "text is then below 1.",
            ),
            Mistake(
                "large weight for no text",
                lambda labels, classes: (
                    len(labels)
                    / ((_counts(labels, classes) > 0).sum() * _counts(labels, classes).clamp(min=1))
                ),
                "A class without texts gets a weight: it should get 0.",
            ),
        ],
        section=_RARE,
        not_finite="A class without texts divides by 0: it should get the weight 0.",
    )
)


def class_weights(answer: Any) -> Report:
    """Check exercise 11.2, weights for rare classes."""
    return judge(WEIGHTS, answer)


# 11.3 Expected calibration error


def _gaps(confidence: Tensor, right: Tensor, bins: int) -> tuple[Tensor, Tensor]:
    """Return the share of texts and accuracy minus confidence of each bin that has texts."""
    place = (confidence * bins).ceil().clamp(1, bins) - 1
    shares, gaps = [], []
    for b in range(bins):
        inside = place == b
        if inside.any():
            shares.append(inside.to(confidence.dtype).mean())
            gaps.append(right[inside].to(confidence.dtype).mean() - confidence[inside].mean())
    return torch.stack(shares), torch.stack(gaps)


def _ece(confidence: Tensor, right: Tensor, bins: int) -> Tensor:
    shares, gaps = _gaps(confidence, right, bins)
    return (shares * gaps.abs()).sum()


def _combined(how: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """Put the shares and the gaps of the bins together in another way."""
    return lambda **given: how(*_gaps(**given))


def _middles(confidence: Tensor, right: Tensor, bins: int) -> Tensor:
    """Compute it with the middle of each bin for the mean confidence in it."""
    place = (confidence * bins).ceil().clamp(1, bins) - 1
    total = confidence.new_zeros(())
    for b in range(bins):
        inside = place == b
        if inside.any():
            gap = right[inside].to(confidence.dtype).mean() - (b + 0.5) / bins
            total = total + inside.to(confidence.dtype).mean() * gap.abs()
    return total


def _judged(size: int, seed: int, bins: int) -> dict[str, Any]:
    confidence = 0.2 + 0.8 * torch.sigmoid(2 * random(size, seed=seed))
    right = torch.sigmoid(2 * random(size, seed=seed + 1)) < confidence
    return {"confidence": confidence, "right": right, "bins": bins}


ECE = register(
    Exercise(
        name="11-ece",
        task="the gap between accuracy and confidence, bin by bin, weighed by the texts in a bin",
        reference=_ece,
        cases=[
            Case(
                "the example of the task",
                {
                    "confidence": torch.tensor([0.95, 0.95, 0.95, 0.95, 0.65, 0.65, 0.35, 0.38]),
                    "right": torch.tensor([True, True, True, False, True, True, False, True]),
                    "bins": 10,
                },
            ),
            Case(
                "one text",
                {"confidence": torch.tensor([0.7]), "right": torch.tensor([True]), "bins": 5},
            ),
            Case(
                "all of them sure",
                {
                    "confidence": torch.ones(5),
                    "right": torch.tensor([True, True, False, True, True]),
                    "bins": 10,
                },
            ),
            Case("sixty texts, five bins", _judged(60, 1111, 5)),
            Case("two hundred texts, ten bins", _judged(200, 1113, 10)),
        ],
        mistakes=[
            Mistake(
                "bins weigh alike",
                _combined(lambda s, g: g.abs().mean()),
                "All bins weigh alike in your mean: a bin of two texts should weigh two.",
            ),
            Mistake(
                "empty bins counted",
                lambda confidence, right, bins: (
                    _gaps(confidence, right, bins)[1].abs().sum() / bins
                ),
                "You add up the gaps and divide by the number of bins: weigh each by its share of "
                "the texts.",
            ),
            Mistake(
                "gaps cancel",
                _combined(lambda s, g: (s * g).sum().abs()),
                "Your gaps keep their sign, so that they cancel out: take the absolute value bin "
                "by bin.",
            ),
            Mistake(
                "signed",
                _combined(lambda s, g: (s * g).sum()),
                "Your gaps keep their sign, so that they cancel out: take the absolute value bin "
                "by bin.",
            ),
            Mistake(
                "signed the other way",
                _combined(lambda s, g: -(s * g).sum()),
                "Your gaps keep their sign, so that they cancel out: take the absolute value bin "
                "by bin.",
            ),
            Mistake(
                "largest gap",
                _combined(lambda s, g: g.abs().max()),
                "That is the largest gap of a bin: the mean over the texts is asked for.",
            ),
            Mistake(
                "text by text",
                lambda confidence, right, bins: (
                    (confidence - right.to(confidence.dtype)).abs().mean()
                ),
                "You compare each text with its own answer: 0.7 is then wrong whatever happens. "
                "Compare means of bins.",
            ),
            Mistake(
                "squared",
                _combined(lambda s, g: (s * g.square()).sum()),
                "You square the gaps: the absolute value is asked for.",
            ),
            Mistake(
                "middles of bins",
                _middles,
                "You compare with the middle of a bin: compare with the mean confidence in it.",
            ),
        ],
        section=_SURE,
        not_finite="A bin without texts divides 0 by 0: leave it out.",
    )
)


def calibration_error(answer: Any) -> Report:
    """Check exercise 11.3, the expected calibration error."""
    return judge(ECE, answer)


# 11.4 Label words

WORDS = register(
    Exercise(
        name="11-words",
        task="each class has a word of its own that tells it from the others, in class order",
        reference=lambda: "c",
        cases=[Case("the four sets", {})],
        mistakes=[
            Mistake(
                "what they share",
                "a",
                "card, money and customer occur in letters of all three classes: which word tells "
                "a class from the others?",
            ),
            Mistake(
                "numbers",
                "b",
                "These words can be learned, but they tell the encoder nothing: all that it knows "
                "about theft or loans is left unused.",
            ),
            Mistake(
                "order of the classes",
                "d",
                "The words are well chosen, but look at the order of the classes: the first word "
                "belongs to the first class.",
            ),
        ],
        section=_WORDS,
    )
)


def label_words(answer: Any) -> Report:
    """Check exercise 11.4, which words to try first."""
    return judge(WORDS, answer)
