"""Batches larger than memory, and more than one process (lesson 12).

A contrastive loss compares every sentence of a batch with every other, so a batch cannot be cut
into independent pieces as for cross-entropy. What can be cut is the way through the encoder: only
z and theta of all sentences have to be there at once, and they are small.

:func:`in_pieces` runs a batch through the encoder a few sentences at a time (gradient caching).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from dualcl_tutorial.model import DualOutput


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
