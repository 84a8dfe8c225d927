"""The hand-sized batch: six sentences in three classes of sizes 3, 2 and 1.

The same in lessons 01 to 05 and 07, and back in 09 and 10. Its features are two-dimensional, so
that every number can be checked with pencil and paper and every vector drawn.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

CLASSES = ["food", "film", "phone"]
SENTENCES = [
    "the soup arrived cold",
    "warm bread and good butter",
    "they forgot my dessert",
    "the ending made no sense",
    "two hours passed like one",
    "the battery died before lunch",
]
LABELS = [0, 0, 0, 1, 1, 2]
#: What lesson 02 adds to the features to make their second views.
NUDGE = [[0.5, 0.0], [0.0, 0.5], [-0.5, 0.5], [0.0, -0.5], [0.5, 0.0], [0.5, 0.5]]


class HandBatch(NamedTuple):
    """Features, classifiers and labels of the six sentences."""

    z: Tensor
    theta: Tensor
    labels: Tensor


def hand_batch(dtype: torch.dtype = torch.float32) -> HandBatch:
    """Return the batch that lessons compute by hand.

    Shape:
        z (6, 2), theta (6, 3, 2), labels (6,): N = 6, K = 3, d = 2.
    """
    z = torch.tensor(
        [[2.0, 0.5], [1.5, 1.0], [0.5, 1.5], [-1.0, 1.5], [-1.5, 0.5], [0.5, -2.0]], dtype=dtype
    )
    shared = torch.tensor([[1.5, 0.5], [-1.0, 1.0], [0.0, -1.5]], dtype=dtype)  # one row a class
    nudge = torch.tensor(
        [[0.5, 0.0], [0.0, 0.5], [-0.5, 0.5], [0.0, 0.0], [-0.5, 0.0], [0.5, 0.5]], dtype=dtype
    )
    theta = shared[None, :, :] + nudge[:, None, :]  # each sentence brings its own classifier
    return HandBatch(z, theta, torch.tensor(LABELS))
