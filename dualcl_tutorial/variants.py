"""The losses as other people released them, to be compared with :mod:`dualcl_tutorial.losses`.

Two implementations of DualCL are in circulation, and neither computes the paper's formula. Lesson
07 starts from a number that such a loss cannot have, -27.6 for a batch of one, and finds the
differences one at a time. This is our own code for what theirs computes; not meant for training.

======================== ================== ================ ======================
what differs             the paper (3) (4)  snippet          last release
======================== ================== ================ ======================
own pair is a positive   no                 yes              no
own pair in denominator  no                 no               as exp(0) = 1
cosines, same class      / temperature      * mu             / temperature
anchor, no positive      1/0                not possible     0 in the mean over N
weights of the parts     CE + lambda(...)   for the caller   (1-alpha)CE + alpha/2(...)
======================== ================== ================ ======================

Inputs are those of :func:`~dualcl_tutorial.losses.dualcl_loss`, but without padding (-1), which the
released code does not know. Features are normalised and autocast is switched off as in our losses:
only the formulas differ.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from dualcl_tutorial.losses import (
    check_dual,
    cross_entropy,
    full_precision,
    label_logits,
    true_columns,
)


@full_precision
def snippet_losses(
    z: Tensor,
    theta: Tensor,
    labels: Tensor,
    *,
    modes: str = "12",
    temperature: float = 0.1,
    mu: float = 1.0,
) -> list[Tensor]:
    """Compute what the snippet in blog posts computes (lesson 07 finds each difference).

    Against the paper's formula,

    - the own pair is one of the positives but not in the denominator, so that a "probability" can
      exceed 1 and the loss fall below 0;
    - cosines of the same class are multiplied by ``mu``, only the others divided by temperature;
    - 1e-12 inside the logarithm is all that is left of the denominator when the batch holds one
      sentence: log(1e-12) = -27.6;
    - the mean is over all N: each anchor has at least itself.

    Args:
        z: feature of each sentence.
        theta: classifier of each sentence, row k for class k.
        labels: class index of each sentence, no padding.
        modes: which (anchors, targets), a digit each: 1 (theta*, z), 2 (z, theta*),
            3 (theta*, theta*), 4 (z, z).
        temperature: divides the cosines of different classes.
        mu: multiplies the cosines of the same class.

    Shape:
        z (N, d), theta (N, K, d), labels (N,) -> one scalar for each mode, in the order asked for.

    Raises:
        ValueError: if a mode is unknown or shapes do not fit together.
    """
    if not modes or not set(modes) <= set("1234"):
        raise ValueError(f'Expected modes 1 to 4 in one string such as "12", got {modes!r}.')
    check_dual(z, theta, labels)
    z, theta_star = F.normalize(z, dim=-1), F.normalize(true_columns(theta, labels), dim=-1)
    pairs = {"1": (theta_star, z), "2": (z, theta_star), "3": (theta_star, theta_star), "4": (z, z)}
    same = labels[:, None] == labels[None, :]  # (N, N), own pair included
    own = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    losses = []
    for anchor, target in (pairs[mode] for mode in modes):
        cosines = anchor @ target.T  # (N, N)
        logits = torch.where(same, cosines * mu, cosines / temperature)
        logits = logits - logits.detach().amax(1, keepdim=True)  # maybe the own pair's
        denominator = (logits.exp().masked_fill(own, 0.0).sum(1, keepdim=True) + 1e-12).log()
        log_softmax = (logits - denominator).masked_fill(~same, 0.0)
        losses.append(-(log_softmax.sum(1) / same.sum(1)).mean())
    return losses


@full_precision
def release_contrastive_loss(
    anchor: Tensor, target: Tensor, labels: Tensor, *, temperature: float = 0.1
) -> Tensor:
    """Compute one contrastive term of the authors' last release (lesson 07 finds each difference).

    Against the paper's formula,

    - the own pair's logit is set to 0 and stays in the denominator, which is then the paper's plus
      exp(0) = 1: one more negative, at cosine 0;
    - an anchor without a positive counts as 0 in the mean over N, so that the term shrinks where
      such anchors are many.

    Shape:
        anchor (N, d), target (N, d), labels (N,) -> scalar.
    """
    own = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    positives = (labels[:, None] == labels[None, :]) & ~own  # (N, N)
    cosines = F.normalize(anchor, dim=-1) @ F.normalize(target, dim=-1).T
    logits = (cosines / temperature).masked_fill(own, 0.0)
    log_softmax = torch.log_softmax(logits, 1).masked_fill(~positives, 0.0)
    return -(log_softmax.sum(1) / positives.sum(1).clamp(min=1)).mean()


def release_loss(
    z: Tensor, theta: Tensor, labels: Tensor, *, alpha: float = 0.5, temperature: float = 0.1
) -> Tensor:
    """Compute the whole loss of the authors' last release (lesson 07 finds each difference).

    It is (1-alpha) CE + alpha/2 (L_z + L_theta), with :func:`release_contrastive_loss` for L_z and
    L_theta. Cross-entropy is the paper's, on raw dot products, but the weights are not: alpha does
    the work of lambda = alpha / (2 (1 - alpha)), 0.5 by default where the paper tries 0.01 to 0.1.

    Shape:
        z (N, d), theta (N, K, d), labels (N,) -> scalar.

    Raises:
        ValueError: if shapes do not fit together.
    """
    check_dual(z, theta, labels)
    theta_star = true_columns(theta, labels)
    loss_z = release_contrastive_loss(z, theta_star, labels, temperature=temperature)
    loss_theta = release_contrastive_loss(theta_star, z, labels, temperature=temperature)
    classified = cross_entropy(label_logits(z, theta), labels)
    return (1 - alpha) * classified + alpha / 2 * (loss_z + loss_theta)
