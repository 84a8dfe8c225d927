"""Checks of lesson 05, continued: the loss in chunks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from dualcl_tutorial import losses
from dualcl_tutorial.check.exercise import random
from dualcl_tutorial.check.faulty import COMMON, contrast
from dualcl_tutorial.check.harness import Case, Exercise, Mistake, Property, judge, register
from dualcl_tutorial.check.report import Report

_TERMS = 'lesson 05, "Two terms, one matrix"'
_WHOLE = 'lesson 05, "The own pair and the whole loss"'


_NINE = [3, 1, 0, 1, 3, 3, 2, 1, 3]

# 5.6 In chunks


def _chunk_case(name: str, labels: list[int], chunk: int, seed: int, tau: float = 0.1) -> Case:
    anchor, target = random(len(labels), 4, seed=seed), random(len(labels), 4, seed=seed + 50)
    given = {"anchor": anchor, "target": target, "labels": torch.tensor(labels)}
    return Case(name, {**given, "temperature": tau, "chunk": chunk})


def _right(
    anchor: Tensor, target: Tensor, labels: Tensor, temperature: float, chunk: int
) -> Tensor:
    return losses.contrastive_loss(anchor, target, labels, temperature=temperature, chunk=chunk)


def _chunked(
    anchor: Tensor,
    target: Tensor,
    labels: Tensor,
    temperature: float,
    chunk: int,
    *,
    fixed_offset: bool = False,
    within: bool = False,
    mean_of_means: str = "",
    drop_last: bool = False,
    first_only: bool = False,
) -> Tensor:
    """Compute the loss chunk by chunk, with the mistakes that chunks invite."""
    sums, counts = [], []
    whole = len(labels) // chunk * chunk if drop_last else len(labels)
    for start in range(0, chunk if first_only else whole, chunk):
        part = slice(start, start + chunk)
        against = part if within else slice(None)
        rows, valid = losses.contrastive_loss(
            anchor[part],
            target[against],
            labels[part],
            labels[against],
            temperature=temperature,
            offset=0 if fixed_offset or within else start,
            reduction="none",
        )
        sums.append(rows.sum())
        counts.append(valid.sum())
    if not sums:
        return anchor.sum() * 0
    total, count = torch.stack(sums), torch.stack(counts)
    if mean_of_means == "valid":
        return (total / count.clamp(min=1)).mean()
    if mean_of_means == "rows":
        return total.sum() / len(labels)
    return total.sum() / count.sum().clamp(min=1)


def _chunk_mistake(name: str, message: str, **switches: Any) -> Mistake:
    return Mistake(name, lambda **given: _chunked(**given, **switches), message)


class _Largest(TorchDispatchMode):
    """Note the number of entries of the largest tensor that is made."""

    def __init__(self) -> None:
        super().__init__()
        self.entries = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for made in result if isinstance(result, tuple | list) else [result]:
            if isinstance(made, Tensor):
                self.entries = max(self.entries, made.numel())
        return result


def _stays_small(answer: Callable[..., Any]) -> bool:
    rows = 64
    case = _chunk_case("64 rows", [i % 3 for i in range(rows)], 8, 40)
    with _Largest() as largest:
        answer(**case.inputs)
    return largest.entries < rows * rows // 2


CHUNKS = register(
    Exercise(
        name="05-chunks",
        task="the same loss, a few rows of the matrix at a time",
        reference=_right,
        cases=[
            _chunk_case("six anchors in chunks of two", [0, 0, 0, 1, 1, 2], 2, 41, tau=0.5),
            _chunk_case("six anchors in chunks of four", [0, 0, 0, 1, 1, 2], 4, 42, tau=0.5),
            _chunk_case("one chunk for all", [0, 1, 0, 1], 9, 43),
            _chunk_case("one anchor", [1], 1, 44),
            _chunk_case("chunks of one", [2, 0, 2, 1], 1, 45),
            _chunk_case("a random batch", _NINE, 4, 46),
        ],
        mistakes=[
            _chunk_mistake(
                "own pair at the wrong place",
                "In the later chunks another pair is left out than the own one: row r of a chunk "
                "that starts at s is which anchor?",
                fixed_offset=True,
            ),
            _chunk_mistake(
                "contrast within the chunk",
                "Your anchors meet only the targets of their own chunk: that is another loss, with "
                "a smaller batch. The rows are cut, the columns are not.",
                within=True,
            ),
            _chunk_mistake(
                "mean of means",
                "You averaged the means of the chunks: they hold different numbers of anchors that "
                "count.",
                mean_of_means="valid",
            ),
            _chunk_mistake(
                "mean over all N",
                "You divide by all N anchors: count how many of them have a positive.",
                mean_of_means="rows",
            ),
            _chunk_mistake(
                "last chunk dropped",
                "The last chunk is missing when the chunks do not fill the batch.",
                drop_last=True,
            ),
            _chunk_mistake(
                "first chunk only",
                "Only the first chunk is in your result: is the return inside the loop?",
                first_only=True,
            ),
            Mistake(
                "own pair kept",
                lambda anchor, target, labels, temperature, chunk: contrast(
                    anchor, target, labels, temperature, own_candidate=True
                ),
                COMMON["own pair kept"][1],
            ),
            Mistake(
                "temperature multiplied",
                lambda anchor, target, labels, temperature, chunk: contrast(
                    anchor, target, labels, temperature, multiply=True
                ),
                COMMON["temperature multiplied"][1],
            ),
            Mistake(
                "not normalised",
                lambda anchor, target, labels, temperature, chunk: contrast(
                    anchor, target, labels, temperature, normalise=False
                ),
                COMMON["not normalised"][1],
            ),
        ],
        properties=[
            Property(
                "memory",
                _stays_small,
                "The value is right, but you made a tensor of about N x N entries (64 rows in "
                "chunks of 8): cut the rows before the product, and make the masks for those rows "
                "only.",
            )
        ],
        section=_TERMS,
        gradient=("anchor", "target"),
    )
)


def chunked_loss(answer: Any) -> Report:
    """Check exercise 5.6, the loss in chunks."""
    return judge(CHUNKS, answer)
