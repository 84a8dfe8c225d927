"""Checks of lesson 12: two passes, what a process returns, the last run, a faulty job array."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from dualcl_tutorial import losses
from dualcl_tutorial.check.exercise import random
from dualcl_tutorial.check.harness import Case, Exercise, Mistake, judge, register
from dualcl_tutorial.check.report import Report
from dualcl_tutorial.example import LABELS, hand_batch
from dualcl_tutorial.plots.lesson12 import makespan

_PART_A = 'lesson 12, "Part A · A batch larger than memory"'
_PART_B = 'lesson 12, "Part B · More than one process"'
_PART_C = 'lesson 12, "Part C · Many runs, many machines"'

# 12.1 The gradient in two passes


def _two_passes(
    x: Tensor,
    mask: Tensor,
    w: Tensor,
    labels: Tensor,
    size: int,
    temperature: float,
    *,
    second: Callable[[Tensor], Tensor] = lambda mask: mask,
    first: Callable[[Tensor], Tensor] = lambda mask: mask,
    rows: Callable[[list[Tensor]], Sequence[Tensor]] = lambda pieces: pieces,
    mean: bool = False,
) -> Tensor:
    """Compute the gradient by both passes, with places to put a mistake."""
    pieces = list(torch.arange(len(labels)).split(size))
    z = ((first(mask) * x) @ w).detach().requires_grad_()
    (g,) = torch.autograd.grad(losses.supcon_loss(z, labels, temperature=temperature), z)
    seen = torch.cat(list(rows(pieces)))
    found = (second(mask) * x)[seen].T @ g[seen]
    return found / len(pieces) if mean else found


def _accumulated(
    x: Tensor,
    mask: Tensor,
    w: Tensor,
    labels: Tensor,
    size: int,
    temperature: float,
    *,
    weigh: Callable[[int, int, int], float],
) -> Tensor:
    """Take the loss inside each piece."""
    free = w.detach().clone().requires_grad_()
    pieces = torch.arange(len(labels)).split(size)
    total = (free * 0).sum()
    for p in pieces:
        loss = losses.supcon_loss((mask[p] * x[p]) @ free, labels[p], temperature=temperature)
        total = total + loss * weigh(len(p), len(labels), len(pieces))
    return torch.autograd.grad(total, free)[0]


def _pass(name: str, message: str, answer: Callable[..., Tensor], **change: Any) -> Mistake:
    return Mistake(name, lambda **given: answer(**given, **change), message)


def _batch(labels: list[int], seed: int, size: int, temperature: float = 0.5) -> dict[str, Any]:
    drawn = random(len(labels), 4, seed=seed)
    mask = (random(len(labels), 4, seed=seed + 1) > -0.5).float() * 1.5
    mask[:, 0] = 1.5  # no sentence is dropped whole
    return {
        "x": drawn,
        "mask": mask,
        "w": random(4, 3, seed=seed + 2),
        "labels": torch.tensor(labels),
        "size": size,
        "temperature": temperature,
    }


_HAND = {
    "x": hand_batch().z,
    "mask": torch.tensor([[2.0, 2], [2, 0], [0, 2], [2, 2], [2, 2], [0, 2]]),
    "w": torch.tensor([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]]),
    "labels": torch.tensor(LABELS),
    "size": 2,
    "temperature": 0.5,
}
_APART = (
    "The loss is taken inside each piece, so sentences of different pieces never meet: that is "
    "accumulation, not the gradient of the whole batch."
)

PASSES = register(
    Exercise(
        name="12-two-passes",
        task="the gradient of the whole batch, a few sentences at a time",
        reference=_two_passes,
        cases=[
            Case("the hand-sized batch", _HAND),
            Case("one piece for all", _batch([0, 1, 0, 1], 30, 9)),
            Case("pieces of one sentence", _batch([0, 1, 1, 0, 2], 40, 1)),
            Case("a last piece that is smaller", _batch([0, 1, 0, 2, 1, 2, 0], 50, 3, 0.2)),
        ],
        axes=("f", "d"),
        mistakes=[
            _pass(
                "accumulation, means averaged",
                _APART,
                _accumulated,
                weigh=lambda own, all_, pieces: 1 / pieces,
            ),
            _pass(
                "accumulation, weighed by sentences",
                _APART,
                _accumulated,
                weigh=lambda own, all_, pieces: own / all_,
            ),
            _pass(
                "accumulation, added",
                _APART,
                _accumulated,
                weigh=lambda own, all_, pieces: 1.0,
            ),
            _pass(
                "mask forgotten in the second pass",
                "The second pass does not use the mask of the first: the gradient of the loss "
                "belongs to a z that is no longer there.",
                _two_passes,
                second=torch.ones_like,
            ),
            _pass(
                "mask forgotten in the first pass",
                "The first pass leaves the mask out, so the loss is that of another z.",
                _two_passes,
                first=torch.ones_like,
            ),
            _pass(
                "mask forgotten",
                "You do not use the mask: it is part of this forward pass.",
                _two_passes,
                first=torch.ones_like,
                second=torch.ones_like,
            ),
            _pass(
                "last piece only",
                "That is the gradient through the last piece alone: those of all pieces add up.",
                _two_passes,
                rows=lambda pieces: pieces[-1:],
            ),
            _pass(
                "first piece only",
                "That is the gradient through the first piece alone: those of all pieces add up.",
                _two_passes,
                rows=lambda pieces: pieces[:1],
            ),
            _pass(
                "divided by the pieces",
                "You divide by the number of pieces: the loss is already a mean over the batch, so "
                "the pieces only add up.",
                _two_passes,
                mean=True,
            ),
        ],
        section=_PART_A,
    )
)


def two_passes(answer: Any) -> Report:
    """Check exercise 12.1, gradient caching."""
    return judge(PASSES, answer)


# 12.2 What each process returns


def _shares(sums: Tensor, counts: Tensor) -> Tensor:
    return len(sums) * sums / counts.sum().clamp(min=1)


SHARES = register(
    Exercise(
        name="12-shares",
        task="losses whose mean over processes is the global mean",
        reference=_shares,
        cases=[
            Case(
                "the example",
                {"sums": torch.tensor([6.0, 2.0]), "counts": torch.tensor([3, 2])},
            ),
            Case("one process", {"sums": torch.tensor([4.0]), "counts": torch.tensor([8])}),
            Case(
                "a process without anchors",
                {"sums": torch.tensor([1.0, 0.0, 2.5]), "counts": torch.tensor([2, 0, 5])},
            ),
            Case(
                "no anchors anywhere",
                {"sums": torch.zeros(2), "counts": torch.tensor([0, 0])},
            ),
            Case(
                "four processes",
                {
                    "sums": random(4, seed=60).abs(),
                    "counts": torch.tensor([5, 1, 8, 3]),
                },
            ),
        ],
        axes=("W",),
        mistakes=[
            Mistake(
                "own mean",
                lambda sums, counts: sums / counts.clamp(min=1),
                "Each process takes the mean over its own anchors: a process with few of them "
                "weighs too much.",
            ),
            Mistake(
                "no factor for the mean",
                lambda sums, counts: sums / counts.sum().clamp(min=1),
                "Your losses add up to L, but the library takes their mean: a factor is missing.",
            ),
            Mistake(
                "divided once more",
                lambda sums, counts: sums / counts.sum().clamp(min=1) / len(sums),
                "You divide by the number of processes, which the library's mean does already.",
            ),
            Mistake(
                "L everywhere",
                lambda sums, counts: (sums.sum() / counts.sum().clamp(min=1)).expand(len(sums)),
                "Every process returns L itself. The mean has the right value, but here a process "
                "may use its own sum only.",
            ),
            Mistake(
                "count of processes",
                lambda sums, counts: sums * 1.0,
                "You return the sums: nothing divides by the number of anchors.",
            ),
        ],
        section=_PART_B,
        not_finite="Nothing divided by nothing is NaN: what if no anchor has a positive?",
        gradient=("sums",),
    )
)


def process_losses(answer: Any) -> Report:
    """Check exercise 12.2, the losses of several processes."""
    return judge(SHARES, answer)


# 12.3 When is the last run done?


def _last(minutes: list[float], gpus: int) -> float:
    return makespan(minutes, 3600.0, gpus)


def _in_turn(minutes: list[float], gpus: int) -> float:
    return max((float(sum(minutes[i::gpus])) for i in range(gpus)), default=0.0)


def _blocks(minutes: list[float], gpus: int) -> float:
    size = -(-len(minutes) // gpus) or 1
    return max(float(sum(minutes[i * size : (i + 1) * size])) for i in range(gpus))


def _first_free(minutes: list[float], gpus: int) -> float:
    free = [0.0] * gpus
    for run in minutes:
        free[free.index(min(free))] += run
    return min(free)


def _rounds(minutes: list[float], gpus: int) -> float:
    return float(sum(max(minutes[i : i + gpus]) for i in range(0, len(minutes), gpus)))


LAST = register(
    Exercise(
        name="12-last-run",
        task="who is free first takes the next run",
        reference=_last,
        cases=[
            Case("five runs on two GPUs", {"minutes": [3.0, 4.0, 5.0, 1.0, 6.0], "gpus": 2}),
            Case("a long run at the end", {"minutes": [1.0, 1.0, 1.0, 7.0], "gpus": 2}),
            Case("one GPU", {"minutes": [2.0, 3.0], "gpus": 1}),
            Case("more GPUs than runs", {"minutes": [2.5, 1.0], "gpus": 5}),
            Case("no runs", {"minutes": [], "gpus": 3}),
            Case(
                "eight runs on three GPUs",
                {"minutes": [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0], "gpus": 3},
            ),
        ],
        mistakes=[
            Mistake(
                "a sum divided",
                lambda minutes, gpus: sum(minutes) / gpus,
                "You share the sum of all minutes equally: that cuts runs in pieces.",
            ),
            Mistake(
                "one GPU",
                lambda minutes, gpus: float(sum(minutes)),
                "You add up all runs, as if there were one GPU.",
            ),
            Mistake(
                "the longest run",
                lambda minutes, gpus: max(minutes, default=0.0),
                "That is the longest run: a GPU may have several runs to do.",
            ),
            Mistake(
                "dealt like cards",
                _in_turn,
                "You deal the runs out in turn: a run goes to the GPU that is free first.",
            ),
            Mistake(
                "in blocks",
                _blocks,
                "You cut the list into blocks, one a GPU: a run goes to the GPU that is free "
                "first.",
            ),
            Mistake(
                "round by round",
                _rounds,
                "Your GPUs wait for each other after every round: who is free takes the next run "
                "at once.",
            ),
            Mistake(
                "first in place of last",
                _first_free,
                "That is when the first GPU is free: the last run ends later.",
            ),
            Mistake(
                "sorted first",
                lambda minutes, gpus: _last(sorted(minutes, reverse=True), gpus),
                "You sort the runs, longest first: that is a good plan, but the store hands them "
                "out in the order of the list.",
            ),
        ],
        section=_PART_C,
    )
)


def last_run(answer: Any) -> Report:
    """Check exercise 12.3, the time of a grid."""
    return judge(LAST, answer)


# 12.4 The array that did everything eight times

FAULT = register(
    Exercise(
        name="12-fault",
        task="workers must see each other's claims",
        reference=lambda: "c",
        cases=[Case("the script", {})],
        mistakes=[
            Mistake(
                "threads",
                "a",
                "Threads share the sums of one run: they do not make a task repeat runs.",
            ),
            Mistake(
                "copied grid",
                "b",
                "A copy of the grid says the same: a run is named by its settings, so all tasks "
                "name it alike.",
            ),
            Mistake(
                "overwritten copies",
                "d",
                "Files of one name hold the same run, and no row is missing: the waste came before "
                "the last line.",
            ),
        ],
        section=_PART_C,
    )
)


def array_fault(answer: Any) -> Report:
    """Check exercise 12.4, a fault in a job array."""
    return judge(FAULT, answer)


# 12.5 Anchors that a small batch wastes


def _lone(batch: int, classes: int) -> float:
    return (1 - 1 / classes) ** (batch - 1)


LONE = register(
    Exercise(
        name="12-lone",
        task="each of the N - 1 others belongs to another class with probability 1 - 1/K",
        reference=_lone,
        cases=[
            Case("a batch of 4, two classes", {"batch": 4, "classes": 2}),
            Case("a batch of 16, six classes", {"batch": 16, "classes": 6}),
            Case("a batch of 2, fifty classes", {"batch": 2, "classes": 50}),
            Case("one class", {"batch": 8, "classes": 1}),
        ],
        mistakes=[
            Mistake(
                "N others",
                lambda batch, classes: (1 - 1 / classes) ** batch,
                "You count N others: the anchor is not among its own candidates.",
            ),
            Mistake(
                "all in one class",
                lambda batch, classes: (1 / classes) ** (batch - 1),
                "That is the probability that all others share the anchor's class: none may.",
            ),
            Mistake(
                "with a positive",
                lambda batch, classes: 1 - _lone(batch, classes),
                "That is the share of anchors that have a positive: the others are asked for.",
            ),
            Mistake(
                "expected positives",
                lambda batch, classes: (batch - 1) / classes,
                "That is how many positives an anchor has on average: how often has it none?",
            ),
            Mistake(
                "percent",
                lambda batch, classes: 100 * _lone(batch, classes),
                "You give percent: the share as a number, 0.5 for half.",
            ),
        ],
        section='lesson 12, "Why large batches at all"',
        tolerance=1e-9,
    )
)


def lone_share(answer: Any) -> Report:
    """Check exercise 12.5, the share of anchors without a positive."""
    return judge(LONE, answer)
