"""Batches larger than memory, and more than one process (lesson 12).

A contrastive loss compares every sentence of a batch with every other, so a batch cannot be cut
into independent pieces as for cross-entropy. What can be cut is the way through the encoder: only
z and theta of all sentences have to be there at once, and they are small.

* :func:`in_pieces` runs a batch through the encoder a few sentences at a time (gradient caching).
* :func:`share` and :func:`gather` spread a batch over processes and bring z and theta together.
  Each process then computes the same loss of the same whole batch, so the gradient that reaches its
  own rows is the whole one, and :func:`sum_gradients` adds up what the processes found.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from dualcl_tutorial.losses import PADDING
from dualcl_tutorial.model import DualOutput

T = TypeVar("T")


def in_pieces(model: nn.Module, inputs: dict[str, Tensor], micro_batch: int | None) -> DualOutput:
    """Run a batch through a model a few sentences at a time and keep only what comes out.

    In backward each piece goes through the encoder again, with the random state it had the first
    time, so that dropout drops the same units, and what the encoder remembers of it is gone before
    the next piece comes. The gradient is that of the whole batch; the price is one more forward
    pass.

    Args:
        model: one of the course's two.
        inputs: what a collator gives, without labels.
        micro_batch: sentences at a time; None, or as many as there are, for one piece.

    Shape:
        inputs (N, ...) -> z (N, d), theta (N, K, d) or None, logits (N, K).
    """
    rows = len(inputs["input_ids"])
    if micro_batch is None or micro_batch >= rows:
        return model(**inputs)
    parts = []
    for start in range(0, rows, micro_batch):
        piece = _rows(inputs, start, start + micro_batch)
        parts.append(checkpoint(_outputs, model, piece, use_reentrant=False))
    z, theta, logits = zip(*parts, strict=True)
    out = DualOutput(z=torch.cat(z), logits=torch.cat(logits))
    if theta[0] is not None:  # None in the model of lesson 01
        out.theta = torch.cat(theta)
    return out


def _rows(inputs: dict[str, Tensor], start: int, stop: int) -> dict[str, Tensor]:
    """Take some rows and drop the columns in which all of them are padding."""
    piece = {name: tensor[start:stop] for name, tensor in inputs.items()}
    width = int(piece["attention_mask"].sum(1).max())
    return piece | {name: piece[name][:, :width] for name in ("input_ids", "attention_mask")}


def _outputs(model: nn.Module, piece: dict[str, Tensor]) -> tuple[Tensor | None, ...]:
    out = model(**piece)
    # z is a view of all hidden states: a copy lets go of them.
    return out.z.clone(), out.theta, out.logits


def processes() -> int:
    """Count the processes that work on this run."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """Say which of them this is, from 0."""
    return dist.get_rank() if processes() > 1 else 0


def share(rows: Sequence[T]) -> list[T | None]:
    """Cut off this process's rows of a batch.

    Shares have one size, so that they can be gathered; what the batch lacks is filled with None,
    for a row of padding (label -1). No row is ever used twice: a copy of a sentence would be a
    perfect positive.

    Example:
        >>> share(["a", "b", "c"])  # process 1 of 2
        ['c', None]
    """
    size = -(-len(rows) // processes())
    mine = list(rows[rank() * size : (rank() + 1) * size])
    return mine + [None] * (size - len(mine))


class _Gather(torch.autograd.Function):
    """Bring together the rows of all processes; back goes to each the gradient of its own."""

    @staticmethod
    def forward(ctx: Any, mine: Tensor) -> Tensor:
        ctx.start, ctx.rows = rank() * len(mine), len(mine)
        parts = [torch.empty_like(mine) for _ in range(processes())]
        dist.all_gather(parts, mine.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return gradients[0][ctx.start : ctx.start + ctx.rows]


def gather(views: list[DualOutput], labels: Tensor) -> tuple[list[DualOutput], Tensor]:
    """Bring together what all processes made of their shares of a batch, padding left out.

    Row for row the result is what one process with the whole batch has, on every process, and so
    are the loss, its mean over all anchors that count, and the gradient of each process's rows.

    Args:
        views: one forward pass or more of this process's share.
        labels: of this process's share, -1 for padding.

    Shape:
        z (n, d), theta (n, K, d), logits (n, K), labels (n,) -> the same with N rows.
    """
    if processes() == 1:
        return views, labels
    everyone = _Gather.apply(labels)
    real = everyone != PADDING
    views = [
        DualOutput(**{name: _Gather.apply(tensor)[real] for name, tensor in view.items()})
        for view in views
    ]
    return views, everyone[real]


def sum_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Add up, weight by weight, the gradients that the processes found through their own rows."""
    if processes() > 1:
        for parameter in parameters:
            if parameter.grad is not None:
                dist.all_reduce(parameter.grad)


def any_of(mine: bool, device: torch.device) -> bool:
    """Say whether any process says yes, so that all of them stop after the same step."""
    if processes() == 1:
        return mine
    count = torch.tensor(int(mine), device=device)
    dist.all_reduce(count)
    return bool(count)
