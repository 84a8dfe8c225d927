"""Answers to the exercises of lesson 11."""

import itertools
import math
from collections import Counter

import numpy as np
import torch
from sklearn.utils.class_weight import compute_class_weight

from gallery import Entry, Wrong, constant

# 11.1 A stratified split


def split_plain(labels, order, share):
    held = torch.zeros(len(labels)).bool()
    held[order[: round(share * len(labels))]] = True
    return held


def split_by(take, rows=lambda labels, order: order):
    def answer(labels, order, share):
        chosen = []
        for k in set(labels.tolist()):
            own = [i for i in rows(labels, order).tolist() if labels[i] == k]
            chosen += own[: take(share, len(own))]
        held = torch.zeros(len(labels), dtype=torch.bool)
        held[chosen] = True
        return held

    return answer


def wanted(share, n):
    return min(n - 1, max(1, math.floor(share * n + 0.5)))


def split_inverted(labels, order, share):
    return ~split_by(wanted)(labels, order, share)


def split_rows(labels, order, share):
    return split_by(wanted)(labels, order, share).nonzero()[:, 0]


def split_sorted(labels, order, share):
    held = torch.zeros(len(labels), dtype=torch.bool)
    by_class = order[labels[order].argsort(stable=True)]
    for rows in by_class.split(torch.bincount(labels).tolist()):
        if len(rows):
            held[rows[: wanted(share, len(rows))]] = True
    return held


def split_numpy(labels, order, share):
    y, places = labels.numpy(), order.numpy()
    held = np.zeros(len(y), dtype=bool)
    for k in np.unique(y):
        own = places[y[places] == k]
        held[own[: min(len(own) - 1, max(1, int(np.floor(share * len(own) + 0.5))))]] = True
    return torch.from_numpy(held)


# 11.2 Weights


def weights_by_counter(labels, classes):
    counts = Counter(labels.tolist())
    return torch.tensor(
        [len(labels) / (len(counts) * counts[k]) if counts[k] else 0.0 for k in range(classes)]
    )


def weights_by_sklearn(labels, classes):
    there = np.unique(labels.numpy())
    found = torch.zeros(classes)
    balanced = compute_class_weight("balanced", classes=there, y=labels.numpy())
    found[torch.from_numpy(there)] = torch.from_numpy(balanced).float()
    return found


def counts(labels, classes):
    return torch.tensor([float((labels == k).sum()) for k in range(classes)])


def weights_each_text(labels, classes):
    return weights_by_counter(labels, classes)[labels]


def weights_root(labels, classes):
    n = counts(labels, classes)
    return torch.where(n > 0, (len(labels) / (classes * n.clamp(min=1))).sqrt(), 0.0)


# 11.3 Calibration error


def bins_of(confidence, right, bins):
    c, r = confidence.double().numpy(), right.double().numpy()
    edges = np.linspace(0, 1, bins + 1)
    for low, high in itertools.pairwise(edges):
        inside = (c > low) & (c <= high)
        if inside.any():
            yield inside.sum(), r[inside].mean() - c[inside].mean()


def ece(combine):
    def answer(confidence, right, bins):
        sizes, gaps = map(np.array, zip(*bins_of(confidence, right, bins), strict=True))
        return torch.tensor(combine(sizes / len(right), gaps), dtype=confidence.dtype)

    return answer


def ece_text_by_text(confidence, right, bins):
    return (right.to(confidence.dtype) - confidence).abs().mean()


def ece_all_bins(confidence, right, bins):
    total = 0.0
    for b in range(bins):
        inside = (confidence > b / bins) & (confidence <= (b + 1) / bins)
        gap = right[inside].to(confidence.dtype).mean() - confidence[inside].mean()
        total += gap.abs() * inside.sum() / len(right)
    return total


def ece_by_sums(confidence, right, bins):
    place = ((confidence * bins).ceil() - 1).clamp(min=0).long()
    gaps = confidence.new_zeros(bins).index_add(0, place, right.to(confidence.dtype) - confidence)
    return gaps.abs().sum() / len(right)


def ece_float(confidence, right, bins):
    return float(ece(lambda s, g: (s * abs(g)).sum())(confidence, right, bins))


ENTRIES = [
    Entry(
        "11-split",
        [
            Wrong("not stratified", split_plain, "whatever their class"),
            Wrong(
                "the last text of a class taken",
                split_by(lambda share, n: max(1, math.floor(share * n + 0.5))),
                "nothing is left to train on",
            ),
            Wrong(
                "small classes give none",
                split_by(lambda share, n: min(n - 1, math.floor(share * n + 0.5))),
                "at least one of each class",
            ),
            Wrong(
                "cut off instead of rounded",
                split_by(lambda share, n: min(n - 1, max(1, int(share * n)))),
                "round it, a half upwards",
            ),
            Wrong(
                "rounded up",
                split_by(lambda share, n: min(n - 1, math.ceil(share * n))),
                "You round every share up",
            ),
            Wrong(
                "order of the file",
                split_by(wanted, lambda labels, order: torch.arange(len(order))),
                "Take them in the given order",
            ),
            Wrong(
                "order read as ranks",
                split_by(wanted, lambda labels, order: order.argsort()),
                "the row that comes first",
            ),
            Wrong("rows to train on", split_inverted, "True means held out"),
            Wrong("row numbers", split_rows, "Expected"),
        ],
        [split_sorted, split_numpy, split_by(wanted)],
    ),
    Entry(
        "11-weights",
        [
            Wrong(
                "one over the count",
                lambda labels, classes: counts(labels, classes) ** -1,
                "the whole loss shrinks",
            ),
            Wrong(
                "N over the count",
                lambda labels, classes: len(labels) / counts(labels, classes),
                "divide by that, too",
            ),
            Wrong(
                "upside down",
                lambda labels, classes: counts(labels, classes) / len(labels) * classes,
                "upside down",
            ),
            Wrong(
                "shares",
                lambda labels, classes: counts(labels, classes) / len(labels),
                "the share of each class",
            ),
            Wrong(
                "infinite for an absent class",
                lambda labels, classes: (
                    len(labels) / (len(labels.unique()) * counts(labels, classes))
                ),
                "divides by 0",
            ),
            Wrong("one a text", weights_each_text, "one a class is asked for"),
            Wrong("square root", weights_root, "The value is not right"),
        ],
        [weights_by_counter, weights_by_sklearn],
    ),
    Entry(
        "11-ece",
        [
            Wrong("bins weigh alike", ece(lambda s, g: abs(g).mean()), "All bins weigh alike"),
            Wrong("gaps cancel", ece(lambda s, g: abs((s * g).sum())), "so that they cancel out"),
            Wrong("signed", ece(lambda s, g: (s * g).sum()), "keep their sign"),
            Wrong("largest gap", ece(lambda s, g: abs(g).max()), "the largest gap"),
            Wrong("text by text", ece_text_by_text, "You compare each text with its own answer"),
            Wrong("squared", ece(lambda s, g: (s * g * g).sum()), "You square the gaps"),
            Wrong("empty bins", ece_all_bins, "divides 0 by 0"),
            Wrong("a Python number", ece_float, "Expected"),
        ],
        [ece(lambda s, g: (s * abs(g)).sum()), ece_by_sums],
    ),
    Entry(
        "11-words",
        [
            Wrong("words that all classes share", constant("a"), "occur in letters of all three"),
            Wrong("numbers", constant("b"), "tell the encoder nothing"),
            Wrong("in the wrong order", constant("d"), "the order of the classes"),
            Wrong("the words", constant("theft"), "not right"),
            Wrong("a number", constant(3), "Expected a letter", graded=False),
        ],
        [constant("c"), constant(" C) ")],
    ),
]
