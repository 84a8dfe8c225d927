"""Shape of the representation: how near partners are, how evenly features spread (lesson 02).

The two measures are those of Wang and Isola (2020, arXiv 2005.10242). Features come in raw and are
normalised inside, half precision is raised to float32 and float64 stays float64.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from dualcl_tutorial.losses import PADDING


def alignment(features: Tensor, labels: Tensor, *, alpha: float = 2) -> Tensor:
    """Average how far features of one class lie apart: 0 where they coincide (lesson 02).

    The mean over all ordered pairs i != j with labels_i = labels_j of ||u_i - u_j||^alpha, where u
    is the feature at length 1. With sentence numbers as labels the pairs are views of one sentence.

    Args:
        features: one feature a row.
        labels: class index of each feature, -1 for padding.
        alpha: power of the distance, above 0; 2 is the authors' default.

    Shape:
        features (N, d), labels (N,) -> scalar.

    Raises:
        ValueError: if shapes do not fit together, alpha is not positive or no two features share a
            class.

    Example:
        >>> views = torch.cat([view_1, view_2])  # (2N, d)
        >>> alignment(views, torch.arange(len(view_1)).repeat(2))
    """
    unit = _unit(features)
    if labels.shape != features.shape[:1]:
        raise ValueError(
            f"Expected one label for each of {len(features)} features, got labels of shape "
            f"{tuple(labels.shape)}."
        )
    if not alpha > 0:
        raise ValueError(f"Expected an alpha above 0, got {alpha}.")
    classes = labels[labels != PADDING].unique()
    # Class by class, so that memory grows with the pairs that count and not with N squared.
    distances = [torch.pdist(unit[labels == k]) for k in classes]  # each pair i < j once
    together = torch.cat([unit.new_empty(0), *distances])
    if not len(together):
        raise ValueError(
            "Expected two features of one class or more, got none: alignment is a mean over pairs "
            "of one class."
        )
    return together.pow(alpha).mean()


def uniformity(features: Tensor, *, t: float = 2) -> Tensor:
    """Say how evenly features spread over the sphere: the lower, the more evenly (lesson 02).

    The logarithm of the mean over pairs i < j of exp(-t ||u_i - u_j||^2), where u is the feature at
    length 1. It is 0 where all features coincide.

    Args:
        features: one feature a row.
        t: how fast a pair's weight falls with its distance, above 0; 2 is the authors' default.

    Shape:
        features (N, d) -> scalar.

    Raises:
        ValueError: if there are fewer than two features, they are no matrix, or t is not positive.
    """
    unit = _unit(features)
    if len(unit) < 2:
        raise ValueError(
            f"Expected two features or more, got {len(unit)}: uniformity is a mean over pairs."
        )
    if not t > 0:
        raise ValueError(f"Expected a t above 0, got {t}.")
    squared = torch.pdist(unit).pow(2)  # (N (N - 1) / 2,)
    # The authors' mean, taken as logsumexp: exp(-t d^2) of all pairs may underflow for a large t.
    return torch.logsumexp(-t * squared, 0) - unit.new_tensor(len(squared)).log()


def _unit(features: Tensor) -> Tensor:
    if features.ndim != 2:
        raise ValueError(
            f"Expected features of shape (N, d), got {tuple(features.shape)}: one feature a row."
        )
    half = features.dtype in (torch.float16, torch.bfloat16)
    return F.normalize(features.float() if half else features, dim=-1)
