"""Shape of the representation: two measures (lesson 02), classes and pictures (lesson 09).

Alignment and uniformity are those of Wang and Isola (2020, arXiv 2005.10242). All measures take raw
features and normalise them inside; half precision is raised to float32 and float64 stays float64.
Only `project` takes its points as they are: whether they are normalised is the caller's choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from dualcl_tutorial.losses import PADDING

if TYPE_CHECKING:
    from dualcl_tutorial.model import TextClassifier


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
    unit = _labelled(features, labels)
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


class Features(NamedTuple):
    """What a model says of some texts: z (N, d), and theta (N, K, d), row k for class k."""

    z: Tensor
    theta: Tensor


def read(model: TextClassifier, texts: Sequence[str], *, batch_size: int = 64) -> Features:
    """Read z and theta of texts off a model, without dropout, on the CPU (lesson 09).

    A linear head has one classifier for all sentences: its rows are repeated, so that both kinds of
    model give the same shapes.

    Shape:
        z (N, d), theta (N, K, d), float32, in the order of the texts.
    """
    from dualcl_tutorial.model import CrossEntropyModel

    if isinstance(model, CrossEntropyModel):
        (z,) = model.outputs(texts, ["z"], batch_size=batch_size)
        head = model.head.weight.detach().float().cpu()  # (K, d)
        return Features(z, head.expand(len(z), -1, -1))
    return Features(*model.outputs(texts, ["z", "theta"], batch_size=batch_size))


def centroids(features: Tensor, labels: Tensor, *, classes: int) -> Tensor:
    """Average the features of each class at length 1 (lesson 09).

    A centroid is no unit vector: the shorter it is, the more its class is spread.

    Shape:
        features (N, d), labels (N,), -1 for padding -> (K, d), K = classes.

    Raises:
        ValueError: if shapes do not fit together or a class has no feature.
    """
    unit = _labelled(features, labels)
    member = F.one_hot(labels[labels != PADDING], classes).to(unit)  # (N', K)
    counts = member.sum(0)
    if not counts.all():
        empty = [k for k, count in enumerate(counts.tolist()) if not count]
        raise ValueError(f"Expected a feature of each of {classes} classes, got none of {empty}.")
    return member.T @ unit[labels != PADDING] / counts[:, None]


class Scatter(NamedTuple):
    """Mean squared distances: to the own centroid, of that to the mean of all, and their ratio."""

    within: Tensor
    between: Tensor
    ratio: Tensor


def scatter(features: Tensor, labels: Tensor) -> Scatter:
    """Split the spread of features at length 1 into what is within and between classes (lesson 09).

    Within is the mean of ||u_i - c||^2, where c is the centroid of feature i's class, between the
    mean of ||c - m||^2, where m is the mean of all. They add up to the mean of ||u_i - m||^2.

    Shape:
        features (N, d), labels (N,), -1 for padding -> three scalars.

    Raises:
        ValueError: if shapes do not fit together or there is no feature.
    """
    unit = _labelled(features, labels)[labels != PADDING]
    _, place = labels[labels != PADDING].unique(return_inverse=True)
    if not len(place):
        raise ValueError("Expected one feature or more with a label, got none.")
    own = centroids(unit, place, classes=int(place.max()) + 1)[place]  # (N', d)
    within = (unit - own).square().sum(1).mean()
    between = (own - unit.mean(0)).square().sum(1).mean()
    return Scatter(within, between, within / between)


def column_angles(z: Tensor, theta: Tensor, labels: Tensor) -> Tensor:
    """Measure the angles between class centroids and classifier columns, in degrees (lesson 09).

    Entry (k, l) is the angle between the centroid of class k and the mean of theta_i^l, at length
    1, over the sentences of class k. On the diagonal stands the true column.

    Shape:
        z (N, d), theta (N, K, d), labels (N,), -1 for padding -> (K, K).

    Raises:
        ValueError: if shapes do not fit together or a class has no sentence.
    """
    if theta.ndim != 3 or theta.shape[::2] != z.shape:
        raise ValueError(
            f"Expected z (N, d) and theta (N, K, d), got {tuple(z.shape)} and {tuple(theta.shape)}."
        )
    classes = theta.shape[1]
    middle = centroids(z, labels, classes=classes)  # (K, d)
    columns = [centroids(theta[:, k], labels, classes=classes) for k in range(classes)]
    cosine = F.cosine_similarity(middle[:, None], torch.stack(columns, 1), dim=2)  # (K, K)
    return cosine.clamp(-1, 1).arccos().rad2deg()


def frozen_accuracy(
    train: Tensor, train_labels: Tensor, test: Tensor, test_labels: Tensor, *, neighbours: int = 5
) -> dict[str, float]:
    """Judge two classifiers that learn nothing but where training features lie (lesson 09).

    Both take features at length 1: a vote of the nearest ``neighbours``, and the nearest centroid.

    Shape:
        train (N, d), train_labels (N,), test (M, d), test_labels (M,).

    Returns:
        Accuracy of "neighbours" and of "centroid" on the test features, 0 to 1.
    """
    from sklearn.neighbors import KNeighborsClassifier, NearestCentroid

    known, asked = _labelled(train, train_labels).numpy(), _labelled(test, test_labels).numpy()
    voters = min(neighbours, len(known))
    judges = {
        "neighbours": KNeighborsClassifier(voters, algorithm="brute"),
        "centroid": NearestCentroid(),
    }
    return {
        name: float(judge.fit(known, train_labels.numpy()).score(asked, test_labels.numpy()))
        for name, judge in judges.items()
    }


def project(
    features: Tensor,
    *,
    method: Literal["tsne", "pca"] = "tsne",
    seed: int = 0,
    perplexity: float = 30.0,
    dim: int = 2,
) -> Tensor:
    """Draw points of many dimensions in two or three (lesson 09).

    PCA is a linear map and keeps the largest distances best. t-SNE keeps neighbours: distances
    between groups, their sizes and their gaps mean little, and depend on the perplexity.

    Args:
        features: one point a row, taken as it is.
        method: "tsne", started from PCA, or "pca".
        seed: of the randomised PCA that t-SNE starts from; it hardly changes the picture.
        perplexity: of t-SNE, about how many neighbours count; below the number of points.
        dim: 2 or 3.

    Shape:
        features (N, d) -> (N, dim), float32.

    Raises:
        ValueError: if there are too few points for the method or an argument will not do.
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    if features.ndim != 2 or not features.isfinite().all():
        raise ValueError(
            f"Expected finite points of shape (N, d), got {tuple(features.shape)}"
            f"{'' if features.isfinite().all() else ' with NaN or infinity'}."
        )
    if method not in ("tsne", "pca") or dim not in (2, 3):
        raise ValueError(
            f'Expected method "tsne" or "pca" and dim 2 or 3, got {method!r} and {dim}.'
        )
    points = features.detach().cpu().double().numpy()
    if min(points.shape) < dim:
        raise ValueError(f"Expected {dim} points and dimensions or more, got {points.shape}.")
    if method == "pca":
        return torch.from_numpy(PCA(dim, svd_solver="full").fit_transform(points)).float()
    if not 0 < perplexity < len(points):
        raise ValueError(
            f"Expected a perplexity above 0 and below the {len(points)} points, got {perplexity}."
        )
    flat = TSNE(dim, perplexity=perplexity, init="pca", random_state=seed).fit_transform(points)
    return torch.from_numpy(flat).float()


def _labelled(features: Tensor, labels: Tensor) -> Tensor:
    unit = _unit(features)
    if labels.shape != features.shape[:1]:
        raise ValueError(
            f"Expected one label for each of {len(features)} features, got labels of shape "
            f"{tuple(labels.shape)}."
        )
    return unit


def _unit(features: Tensor) -> Tensor:
    if features.ndim != 2:
        raise ValueError(
            f"Expected features of shape (N, d), got {tuple(features.shape)}: one feature a row."
        )
    half = features.dtype in (torch.float16, torch.bfloat16)
    return F.normalize(features.float() if half else features, dim=-1)
