"""The contrastive loss of many features, both directions: time and memory."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.timing import (
    Apart,
    freed_memory_given_back,
    interleaved,
    matrix_rate,
    peak_memory,
    ratios,
)
from dualcl_tutorial.losses import contrastive_loss, pair_masks
from dualcl_tutorial.variants import release_contrastive_loss

CHUNK = 256
Loss = Callable[..., Tensor]


def features(examples: int, width: int, classes: int = 6) -> tuple[Tensor, Tensor, Tensor]:
    """Return random z and theta*, to be given gradients, and labels."""
    draw = torch.Generator().manual_seed(0)
    z, theta = torch.randn(2, examples, width, generator=draw)
    labels = torch.randint(classes, (examples,), generator=draw)
    return z.requires_grad_(), theta.requires_grad_(), labels


def gradients(total: Callable[..., Tensor], z: Tensor, theta: Tensor, labels: Tensor) -> Tensor:
    """Compute a loss and its gradients."""
    z.grad = theta.grad = None
    loss = total(z, theta, labels)
    loss.backward()
    return loss.detach()


def both(loss: Loss, z: Tensor, theta: Tensor, labels: Tensor) -> Tensor:
    """Compute L_z + L_theta, one direction after the other."""
    return loss(z, theta, labels) + loss(theta, z, labels)


def shared(z: Tensor, theta: Tensor, labels: Tensor, *, temperature: float = 0.1) -> Tensor:
    """Compute L_z + L_theta from one product of z and theta*: the second direction is its columns.

    Three products of matrices, backward included, where two directions apart take six. It is the
    same number, but not in the same bits, so that runs would not repeat those that are stored.
    """
    candidates, positives = pair_masks(labels)
    count = positives.sum(1)
    logits = F.normalize(z, dim=-1) @ F.normalize(theta, dim=-1).T / temperature
    pull = torch.where(positives, logits, 0.0)
    among = torch.where(candidates, logits, -torch.inf)
    losses = among.logsumexp(1) + among.logsumexp(0) - (pull.sum(1) + pull.sum(0)) / count.clamp(1)
    return torch.where(count > 0, losses, 0.0).sum() / (count > 0).sum().clamp(1)


RELEASE, WHOLE, CHUNKED = "release's formula", "package, whole", f"package, chunk={CHUNK}"
SHARED = "one product for both directions (not in the package)"
LOSSES: dict[str, Loss] = {
    RELEASE: partial(gradients, partial(both, release_contrastive_loss)),
    WHOLE: partial(gradients, partial(both, contrastive_loss)),
    CHUNKED: partial(gradients, partial(both, partial(contrastive_loss, chunk=CHUNK))),
    SHARED: partial(gradients, shared),
}


PRODUCTS = {RELEASE: 6, WHOLE: 6, CHUNKED: 8, SHARED: 3}  # of N x N x width, backward included


def compare_losses(examples: int, width: int, rounds: int) -> list[dict[str, Any]]:
    """Return for each formula how much faster than the release's it is, and its memory."""
    given = features(examples, width)
    rate = matrix_rate(torch.float32)
    seconds = interleaved({name: partial(run, *given) for name, run in LOSSES.items()}, rounds)
    rate = max(rate, matrix_rate(torch.float32))
    faster = ratios(seconds, RELEASE)
    return [
        {
            "what": name,
            "faster": faster[name],
            "share": PRODUCTS[name] * 2 * examples**2 * width / rate / statistics.median(own),
            "mib": memory(name, examples, width),
        }
        for name, own in seconds.items()
    ]


def memory(name: str, examples: int, width: int) -> float:
    """Measure the peak memory of a formula, forward and backward, in a process of its own."""
    with freed_memory_given_back(), Apart(_memory, name, examples, width) as apart:
        return apart()


def _memory(name: str, examples: int, width: int) -> Callable[[], float]:
    LOSSES[name](*features(8, width))  # libraries get their buffers
    return partial(peak_memory, partial(LOSSES[name], *features(examples, width)))
