"""From features z, classifiers theta and labels to one number: every loss of the course.

All contrastive losses here are one function, :func:`contrastive_loss`, with other anchors and
targets put in:

====================== ================= ===================== ========================
loss                   anchors           targets               derived in
====================== ================= ===================== ========================
self-contrastive (1)   both views        both views            lesson 02
supervised (2)         z                 z                     lesson 03
L_z (3)                z                 theta*                lesson 05
L_theta (4)            theta*            z                     lesson 05
====================== ================= ===================== ========================

The numbers in brackets are the paper's (arXiv 2201.08702). Notation, the same in every lesson: N
sentences in the batch, K classes, d the width of the encoder, y_i the label of sentence i. A_i, the
candidates, are all rows but i itself; P_i, the positives, are the candidates of the same class. A
label of -1 is padding: neither anchor nor candidate.

Features come in raw and are normalised inside. Autocast is switched off inside every loss, half
precision is raised to float32 and float64 stays float64.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Literal, NamedTuple, ParamSpec, TypeVar, overload

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint

PADDING = -1

P = ParamSpec("P")
R = TypeVar("R")


def full_precision(loss: Callable[P, R]) -> Callable[P, R]:
    """Run a loss outside autocast: in bfloat16 its gradient is a quarter off at temperature 0.1."""

    @functools.wraps(loss)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        device = next(a.device.type for a in (*args, *kwargs.values()) if isinstance(a, Tensor))
        with torch.autocast(device, enabled=False):
            return loss(*map(_raise, args), **{k: _raise(a) for k, a in kwargs.items()})  # type: ignore[arg-type]

    return wrapped


def _raise(value: object) -> object:
    half = isinstance(value, Tensor) and value.dtype in (torch.float16, torch.bfloat16)
    return value.float() if half else value  # type: ignore[attr-defined]


def pair_masks(
    labels: Tensor, target_labels: Tensor | None = None, *, offset: int = 0
) -> tuple[Tensor, Tensor]:
    """Say which targets each anchor is compared with, and which share its class (lesson 03).

    Args:
        labels: class index of each anchor, -1 for padding.
        target_labels: class index of each target; the anchors' own labels if not given.
        offset: the anchor's own pair, which is left out, is column ``i + offset``.

    Shape:
        labels (N,), target_labels (M,) -> candidates (N, M) bool, positives (N, M) bool.
    """
    target_labels = labels if target_labels is None else target_labels
    anchors, targets = labels[:, None], target_labels[None, :]  # (N, 1), (1, M)
    own = torch.arange(len(labels), device=labels.device)[:, None] + offset  # (N, 1)
    column = torch.arange(len(target_labels), device=labels.device)[None, :]  # (1, M)
    candidates = (column != own) & (targets != PADDING) & (anchors != PADDING)
    return candidates, candidates & (anchors == targets)


def _anchor_losses(
    anchor: Tensor,
    target: Tensor,
    labels: Tensor,
    target_labels: Tensor,
    temperature: float,
    offset: int,
) -> tuple[Tensor, Tensor]:
    """Loss of each anchor (0 if it has no positive) and whether it has one; unit vectors in."""
    candidates, positives = pair_masks(labels, target_labels, offset=offset)
    count = positives.sum(1)  # |P_i|, (N,)
    valid = count > 0  # (N,)
    logits = anchor @ target.T / temperature  # (N, M)
    # A row without a candidate would take logsumexp over nothing: -inf, and a NaN in its gradient.
    among = torch.where(candidates | ~valid[:, None], logits, -torch.inf)
    push = torch.logsumexp(among, 1)  # away from every candidate, the closest most
    pull = torch.where(positives, logits, 0.0).sum(1) / count.clamp(min=1)
    return torch.where(valid, push - pull, 0.0), valid


@overload
def contrastive_loss(
    anchor: Tensor,
    target: Tensor,
    labels: Tensor,
    target_labels: Tensor | None = ...,
    *,
    temperature: float = ...,
    offset: int = ...,
    chunk: int | None = ...,
    reduction: Literal["mean"] = ...,
) -> Tensor: ...
@overload
def contrastive_loss(
    anchor: Tensor,
    target: Tensor,
    labels: Tensor,
    target_labels: Tensor | None = ...,
    *,
    temperature: float = ...,
    offset: int = ...,
    chunk: int | None = ...,
    reduction: Literal["none"],
) -> tuple[Tensor, Tensor]: ...
@full_precision
def contrastive_loss(
    anchor: Tensor,
    target: Tensor,
    labels: Tensor,
    target_labels: Tensor | None = None,
    *,
    temperature: float = 0.1,
    offset: int = 0,
    chunk: int | None = None,
    reduction: Literal["mean", "none"] = "mean",
) -> Tensor | tuple[Tensor, Tensor]:
    """Contrast each anchor's positives with all its candidates: push minus pull (lessons 03, 05).

    For anchor i, with s_ij the cosine of anchor i and target j over the temperature::

        loss_i = logsumexp over A_i of s_ij  -  mean over P_i of s_ij

    which is the paper's -1/|P_i| sum over P_i of log softmax, written so that each half says what
    it does. The mean runs over the anchors that have a positive (the course's choice: the paper
    writes 1/N and leaves 1/0 undefined). Where none has, the loss is 0 with gradient 0.

    Args:
        anchor: features whose loss is computed.
        target: features they are compared with.
        labels: class index of each anchor, -1 for padding.
        target_labels: class index of each target; ``labels`` if not given.
        temperature: tau > 0.
        offset: row i's own pair, which enters nowhere, is column ``i + offset`` (for targets
            gathered from several processes, lesson 12).
        chunk: rows at a time, recomputed in backward, so that memory grows with chunk x M and not
            with N x M.
        reduction: "mean", or "none" for the loss of each anchor and whether it counts.

    Shape:
        anchor (N, d), target (M, d), labels (N,), target_labels (M,) -> scalar, or
        (losses (N,), valid (N,)).

    Raises:
        ValueError: if shapes do not fit together or the temperature is not positive.
    """
    target_labels = labels if target_labels is None else target_labels
    _check_pairs(anchor, target, labels, target_labels, temperature, offset)
    if chunk is not None and chunk < 1:
        raise ValueError(f"Expected a chunk of at least 1 row, or None for all rows, got {chunk}.")
    anchor, target = F.normalize(anchor, dim=-1), F.normalize(target, dim=-1)
    rows = len(anchor)
    if chunk and chunk < rows:
        parts = [
            checkpoint(
                _anchor_losses,
                *(anchor[i : i + chunk], target, labels[i : i + chunk], target_labels),
                *(temperature, offset + i),
                use_reentrant=False,
                preserve_rng_state=False,
            )
            for i in range(0, rows, chunk)
        ]
        losses, valid = (torch.cat(column) for column in zip(*parts, strict=True))
    else:
        losses, valid = _anchor_losses(anchor, target, labels, target_labels, temperature, offset)
    return (losses, valid) if reduction == "none" else losses.sum() / valid.sum().clamp(min=1)


def supcon_loss(
    features: Tensor, labels: Tensor, *, temperature: float = 0.1, chunk: int | None = None
) -> Tensor:
    """Contrast features with features of known class, the paper's (2) (lesson 03).

    The form with the sum outside the logarithm (Khosla et al., 2020, L_out), averaged over the
    anchors that have a positive; in rows of ``chunk``, see :func:`contrastive_loss`.

    Shape:
        features (N, d), labels (N,) -> scalar.
    """
    return contrastive_loss(features, features, labels, temperature=temperature, chunk=chunk)


def self_contrastive_loss(
    view_1: Tensor, view_2: Tensor, *, temperature: float = 0.1, chunk: int | None = None
) -> Tensor:
    """Contrast two views of each sentence, the paper's (1) (lesson 02).

    :func:`supcon_loss` over the 2N views with sentence numbers as labels: both views are anchors,
    each with one positive and 2N - 2 negatives. (SimCSE takes one direction and only the other view
    as candidates.)

    Shape:
        view_1 (N, d), view_2 (N, d) -> scalar.

    Raises:
        ValueError: if the two shapes differ.
    """
    if view_1.shape != view_2.shape:
        raise ValueError(
            f"Expected two views of one shape, got {tuple(view_1.shape)} and "
            f"{tuple(view_2.shape)}: row i of both must be sentence i."
        )
    sentence = torch.arange(len(view_1), device=view_1.device).repeat(2)  # (2N,)
    both = torch.cat([view_1, view_2])  # (2N, d)
    return supcon_loss(both, sentence, temperature=temperature, chunk=chunk)


def true_columns(theta: Tensor, labels: Tensor) -> Tensor:
    """Pick theta*_i, the classifier column of sentence i's true label (lesson 05).

    Padding gets column 0; the losses mask it.

    Shape:
        theta (N, K, d), labels (N,) -> theta_star (N, d).
    """
    return theta[torch.arange(len(labels), device=theta.device), labels.long().clamp(min=0)]


def dual_contrastive_loss(
    z: Tensor,
    theta: Tensor,
    labels: Tensor,
    *,
    temperature: float = 0.1,
    chunk: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Contrast features with classifiers and back: the paper's (3) and (4) (lesson 05).

    The pair (z_i, theta*_i) of one sentence enters neither term: that one is cross-entropy's.

    Shape:
        z (N, d), theta (N, K, d), labels (N,) -> (loss_z, loss_theta), two scalars.

    Raises:
        ValueError: if shapes do not fit together.
    """
    check_dual(z, theta, labels)
    theta_star = true_columns(theta, labels)
    loss_z = contrastive_loss(z, theta_star, labels, temperature=temperature, chunk=chunk)
    loss_theta = contrastive_loss(theta_star, z, labels, temperature=temperature, chunk=chunk)
    return loss_z, loss_theta


@full_precision
def label_logits(z: Tensor, theta: Tensor) -> Tensor:
    """Score each class by the dot product theta_i^k . z_i, no head: the paper's (8) (lesson 04).

    Shape:
        z (N, d), theta (N, K, d) -> logits (N, K), float32 at least.
    """
    return torch.einsum("nd,nkd->nk", z, theta)


@full_precision
def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Average -log softmax of the true class over all rows but padding (lesson 01); 0 if none.

    Shape:
        logits (N, K), labels (N,) -> scalar.
    """
    total = F.cross_entropy(logits, labels.long(), ignore_index=PADDING, reduction="sum")
    return total / (labels != PADDING).sum().clamp(min=1)


class DualCLLoss(NamedTuple):
    """The parts of :func:`dualcl_loss`, four scalars."""

    total: Tensor
    cross_entropy: Tensor
    loss_z: Tensor
    loss_theta: Tensor


def dualcl_loss(
    z: Tensor,
    theta: Tensor,
    labels: Tensor,
    *,
    weight: float = 0.1,
    temperature: float = 0.1,
    chunk: int | None = None,
) -> DualCLLoss:
    """Add it all up: cross-entropy + weight * (L_z + L_theta), the paper's (7) (lesson 05).

    Cross-entropy, the paper's (6), reads raw dot products without a temperature; the contrastive
    terms read cosines.

    Args:
        z: feature of each sentence.
        theta: classifier of each sentence, row k for class k.
        labels: class index of each sentence, -1 for padding.
        weight: lambda >= 0; 0 leaves cross-entropy alone ("DualCL w/o L_dual").
        temperature: tau > 0 of the contrastive terms.
        chunk: rows of these terms at a time, see :func:`contrastive_loss`.

    Shape:
        z (N, d), theta (N, K, d), labels (N,) -> four scalars.

    Raises:
        ValueError: if shapes do not fit, the weight is negative or the temperature not positive.
    """
    if not weight >= 0:
        raise ValueError(f"Expected a weight (lambda) of at least 0, got {weight}.")
    loss_z, loss_theta = dual_contrastive_loss(
        z, theta, labels, temperature=temperature, chunk=chunk
    )
    classified = cross_entropy(label_logits(z, theta), labels)
    return DualCLLoss(classified + weight * (loss_z + loss_theta), classified, loss_z, loss_theta)


def loss_floor(labels: Tensor) -> tuple[float, float]:
    """Say between which two values a batch's contrastive loss can be read (lesson 03).

    ``collapsed`` is what features that are all equal give, mean log|A_i|. ``floor``, mean log|P_i|,
    is what no geometry and no temperature goes below, because |P_i| equal positives share the
    softmax; it is approached as the temperature goes to 0. Both means are over the anchors that
    have a positive; (0, 0) if none has.

    Shape:
        labels (N,) -> (collapsed, floor), two floats in nats.
    """
    candidates, positives = (mask.sum(1).double() for mask in pair_masks(labels.cpu()))
    valid = positives > 0
    if not valid.any():
        return 0.0, 0.0
    return float(candidates[valid].log().mean()), float(positives[valid].log().mean())


def _check_pairs(
    anchor: Tensor,
    target: Tensor,
    labels: Tensor,
    target_labels: Tensor,
    temperature: float,
    offset: int,
) -> None:
    if anchor.ndim != 2 or target.ndim != 2 or anchor.shape[1] != target.shape[1]:
        raise ValueError(
            "Expected anchor (N, d) and target (M, d) of one width, got "
            f"{tuple(anchor.shape)} and {tuple(target.shape)}."
        )
    if labels.shape != anchor.shape[:1] or target_labels.shape != target.shape[:1]:
        raise ValueError(
            f"Expected one label a row, ({len(anchor)},) for anchor and ({len(target)},) for "
            f"target, got {tuple(labels.shape)} and {tuple(target_labels.shape)}."
        )
    if offset < 0 or offset + len(anchor) > len(target):
        raise ValueError(
            "Expected each anchor's own pair among the targets: offset + N = "
            f"{offset} + {len(anchor)} must not exceed M = {len(target)}."
        )
    _check_whole(labels)
    _check_whole(target_labels)
    if not temperature > 0:
        raise ValueError(f"Expected a temperature above 0, got {temperature}.")


def check_dual(z: Tensor, theta: Tensor, labels: Tensor) -> None:
    """Raise a ValueError unless z is (N, d), theta (N, K, d) and labels (N,)."""
    if z.ndim != 2 or theta.ndim != 3 or (theta.shape[0], theta.shape[2]) != tuple(z.shape):
        raise ValueError(
            "Expected z (N, d) and theta (N, K, d), got "
            f"{tuple(z.shape)} and {tuple(theta.shape)}: theta holds K rows for each sentence."
        )
    if labels.shape != z.shape[:1]:
        raise ValueError(f"Expected one label a sentence, ({len(z)},), got {tuple(labels.shape)}.")
    _check_whole(labels)


def _check_whole(labels: Tensor) -> None:
    if labels.is_floating_point():
        raise ValueError(f"Expected labels of an integer type, class indices, got {labels.dtype}.")
