"""Checks of lesson 04: the input piece by piece, slots, and a fault in the order of labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from dualcl_tutorial.check.harness import Case, Exercise, Mistake, judge, register
from dualcl_tutorial.check.report import Report
from dualcl_tutorial.inputs import label_slots as right_slots

_PIECES = 'lesson 04, "Piece by piece"'
_SHEET = 'lesson 04, "A sheet with all answers, none of them ticked"'
_ORDER = 'lesson 04, "Same sentence, labels swapped"'

# 4.1 The input, piece by piece


def _input(
    pieces: list[list[int]],
    sentence: list[int],
    label: int,
    cls: int,
    sep: int,
    max_length: int,
    *,
    labels: Callable[[list[list[int]], int], list[list[int]]] = lambda pieces, label: pieces,
    between: bool = False,
    no_sep: bool = False,
    no_end: bool = False,
    no_cls: bool = False,
    cut: str = "sentence",
    room: int = 0,
) -> list[int]:
    prefix: list[int] = []
    for number, word in enumerate(labels(pieces, label)):
        prefix += [sep] if between and number else []
        prefix += word
    start = ([] if no_cls else [cls]) + prefix + ([] if no_sep else [sep])
    end = [] if no_end else [sep]
    if cut == "sentence":
        sentence = sentence[: max(0, max_length - len(start) - len(end) + room)]
    row = [*start, *sentence, *end]
    return row[:max_length] if cut == "row" else row


def _input_mistake(name: str, message: str, **change: Any) -> Mistake:
    return Mistake(name, lambda **given: _input(**given, **change), message)


def _true_first(pieces: list[list[int]], label: int) -> list[list[int]]:
    return [pieces[label], *(p for k, p in enumerate(pieces) if k != label)]


def _sentence_first(
    pieces: list[list[int]], sentence: list[int], label: int, cls: int, sep: int, max_length: int
) -> list[int]:
    prefix = [piece for word in pieces for piece in word]
    sentence = sentence[: max(0, max_length - len(prefix) - 3)]
    return [cls, *sentence, sep, *prefix, sep]


def _nested(
    pieces: list[list[int]], sentence: list[int], label: int, cls: int, sep: int, max_length: int
) -> list[Any]:
    room = max_length - sum(map(len, pieces)) - 3
    return [cls, *pieces, sep, *sentence[:room], sep]


def _given(
    pieces: list[list[int]], sentence: list[int], label: int, max_length: int
) -> dict[str, Any]:
    ids: dict[str, Any] = {"pieces": pieces, "sentence": sentence, "label": label}
    return ids | {"cls": 101, "sep": 102, "max_length": max_length}


_THREE = [[7], [8, 9], [5]]

PREFIX = register(
    Exercise(
        name="04-prefix",
        task="every label stands in front, and the true one has no say",
        reference=_input,
        cases=[
            Case("the example of the task", _given(_THREE, [21, 22, 23], 2, 16)),
            Case("another true label", _given(_THREE, [21, 22, 23], 0, 16)),
            Case("a sentence that is too long", _given(_THREE, list(range(21, 41)), 1, 10)),
            Case("a sentence that just fits", _given(_THREE, [21, 22, 23], 1, 10)),
            Case("an empty sentence", _given([[4], [6]], [], 1, 16)),
            Case("two long labels", _given([[3, 4, 5], [3, 6]], [31, 32], 0, 128)),
        ],
        mistakes=[
            _input_mistake(
                "true label only",
                "Only the true label stands in front: that gives the answer away.",
                labels=lambda pieces, label: [pieces[label]],
            ),
            _input_mistake(
                "true label first",
                "The true label stands before the others: its place gives the answer away.",
                labels=_true_first,
            ),
            _input_mistake(
                "true label left out",
                "The true label is missing: what is not there gives the answer away as well.",
                labels=lambda pieces, label: [p for k, p in enumerate(pieces) if k != label],
            ),
            _input_mistake(
                "first piece only",
                "You take the first piece of each label: the second and later ones are missing.",
                labels=lambda pieces, label: [p[:1] for p in pieces],
            ),
            _input_mistake(
                "separators between labels",
                "You put [SEP] between the labels: count the [SEP] in the row of the lesson.",
                between=True,
            ),
            _input_mistake(
                "no separator after the labels",
                "The [SEP] between labels and sentence is missing.",
                no_sep=True,
            ),
            _input_mistake("no [CLS]", "The row does not begin with [CLS].", no_cls=True),
            Mistake(
                "sentence first",
                _sentence_first,
                "The sentence stands before the labels: the prefix comes first.",
            ),
            Mistake(
                "lists in the list",
                _nested,
                "Your list holds the labels as lists: the encoder reads one flat row of ids.",
            ),
            _input_mistake(
                "end cut off",
                "You cut the end of the row, and the last [SEP] with it: only the sentence gets "
                "shorter.",
                cut="row",
            ),
            _input_mistake(
                "no end", "The [SEP] at the end of the sentence is missing.", no_end=True
            ),
            _input_mistake(
                "too long",
                "Your row is longer than max_length: cut the sentence, and nothing but it.",
                cut="nothing",
            ),
            _input_mistake(
                "labels not counted",
                "Your row is longer than max_length: besides the sentence there are the labels and "
                "three special tokens.",
                room=7,
            ),
            _input_mistake(
                "special tokens not counted",
                "Your row is longer than max_length: the three special tokens take room too.",
                room=3,
            ),
            _input_mistake(
                "one token given away",
                "You cut the sentence by one token more than you must: count the special tokens.",
                room=-1,
            ),
        ],
        section=_SHEET,
    )
)


def prefix_ids(answer: Any) -> Report:
    """Check exercise 4.1, the label-aware input as a list of ids."""
    return judge(PREFIX, answer)


# 4.2 Slots under any order


def _slots(
    piece_counts: Sequence[int],
    order: Sequence[int],
    *,
    start: int = 1,
    fill: int = -1,
    by_place: bool = False,
    no_order: bool = False,
    inverse: bool = False,
    one_each: bool = False,
    counts_by_place: bool = False,
) -> Tensor:
    classes = len(piece_counts)
    if no_order:
        order = range(classes)
    if inverse:
        order = [list(order).index(k) for k in range(classes)]
    slots = torch.full((classes, max(piece_counts)), fill)
    for place, k in enumerate(order):
        count = piece_counts[place if counts_by_place else k]
        row = place if by_place else k
        slots[row, :count] = torch.arange(start, start + count)
        start += 1 if one_each else count
    return slots


def _slots_mistake(name: str, message: str, **change: Any) -> Mistake:
    return Mistake(name, lambda **given: _slots(**given, **change), message)


SLOTS = register(
    Exercise(
        name="04-slots",
        task="row k belongs to class k, wherever its pieces stand",
        reference=lambda piece_counts, order: right_slots(piece_counts, order),
        cases=[
            Case("the example of the task", {"piece_counts": [2, 1, 1], "order": [2, 0, 1]}),
            Case("labels in class order", {"piece_counts": [1, 3], "order": [0, 1]}),
            Case("one piece each", {"piece_counts": [1, 1, 1], "order": [1, 2, 0]}),
            Case(
                "five labels",
                {"piece_counts": [1, 4, 2, 1, 3], "order": [3, 1, 4, 0, 2]},
            ),
        ],
        axes=("classes", "pieces"),
        mistakes=[
            _slots_mistake(
                "rows by place",
                "Row j of yours is the label that stands at place j: row k is class k, whatever "
                "the order.",
                by_place=True,
            ),
            _slots_mistake(
                "order taken for its inverse",
                "You read order the wrong way round: order[j] is the class at place j, not the "
                "place of class j.",
                inverse=True,
            ),
            _slots_mistake("order ignored", "The order has no effect.", no_order=True),
            _slots_mistake(
                "[CLS] forgotten",
                "Your places begin at 0: what stands there?",
                start=0,
            ),
            _slots_mistake(
                "filled with 0",
                "You fill up with 0, which is the place of [CLS]: a missing piece is -1.",
                fill=0,
            ),
            _slots_mistake(
                "one place each",
                "The next label begins one place later, whatever the number of pieces before it.",
                one_each=True,
            ),
            _slots_mistake(
                "counts by place",
                "You take the number of pieces of class j for the label at place j: which class "
                "stands there?",
                counts_by_place=True,
            ),
        ],
        section=_PIECES,
    )
)


def label_slots(answer: Any) -> Report:
    """Check exercise 4.2, where the pieces of each label stand."""
    return judge(SLOTS, answer)


# 4.5 Find the fault

_DRAWN = [2, 0, 1, 4, 3]

FAULT = register(
    Exercise(
        name="04-fault",
        task="the code goes through the permutation where it needs the inverse: only labels that "
        "stay or change places in pairs are right",
        reference=lambda: [_DRAWN[_DRAWN[y]] for y in range(5)],
        cases=[Case("the order (2, 0, 1, 4, 3)", {})],
        mistakes=[
            Mistake(
                "no fault",
                [0, 1, 2, 3, 4],
                "You say that all are right: go through the lines for y = 0. At which place does "
                "the target point, and which word stands there?",
            ),
            Mistake(
                "the target itself",
                list(_DRAWN),
                "That is the target, a place in the prefix: the question is which class stands at "
                "that place.",
            ),
            Mistake(
                "the inverse",
                [_DRAWN.index(y) for y in range(5)],
                "That is the place where each true label stands, which the target should have "
                "been: the question is which class stands where it does point.",
            ),
            Mistake(
                "once too often",
                [_DRAWN[_DRAWN[_DRAWN[y]]] for y in range(5)],
                "You go through the order once too often: the target is one step, the word there "
                "is another.",
            ),
        ],
        section=_ORDER,
    )
)


def taught_labels(answer: Any) -> Report:
    """Check exercise 4.5, which class each sentence is taught by the faulty lines."""
    return judge(FAULT, answer)
