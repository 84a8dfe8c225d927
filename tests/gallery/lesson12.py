"""Answers to the exercises of lesson 12."""

import torch

from dualcl_tutorial import losses
from gallery import Entry, Wrong, constant

# 12.1 The gradient in two passes


def _z(x, mask, w):
    return (mask * x) @ w


def passes_accumulated(x, mask, w, labels, size, temperature):
    w = w.clone().requires_grad_()
    parts = range(0, len(labels), size)
    for start in parts:
        s = slice(start, start + size)
        loss = losses.supcon_loss(_z(x[s], mask[s], w), labels[s], temperature=temperature)
        if loss.requires_grad:
            (loss / len(parts)).backward()
    return torch.zeros_like(w) if w.grad is None else w.grad


def _cached(x, mask, w, labels, size, temperature, *, replay=True, first=True, only=None, by=1.0):
    free = w.clone().requires_grad_()
    kept = _z(x, mask if first else torch.ones_like(mask), w).requires_grad_()
    losses.supcon_loss(kept, labels, temperature=temperature).backward()
    starts = list(range(0, len(labels), size))
    for start in starts if only is None else [starts[only]]:
        s = slice(start, start + size)
        again = _z(x[s], mask[s] if replay else torch.ones_like(mask[s]), free)
        again.backward(kept.grad[s])
    return free.grad * by


def passes_not_replayed(x, mask, w, labels, size, temperature):
    return _cached(x, mask, w, labels, size, temperature, replay=False)


def passes_without_mask(x, mask, w, labels, size, temperature):
    return _cached(x, mask, w, labels, size, temperature, replay=False, first=False)


def passes_grad_overwritten(x, mask, w, labels, size, temperature):
    """zero_grad inside the loop over the pieces."""
    return _cached(x, mask, w, labels, size, temperature, only=-1)


def passes_mean(x, mask, w, labels, size, temperature):
    pieces = -(-len(labels) // size)
    return _cached(x, mask, w, labels, size, temperature, by=1 / pieces)


def passes_of_z(x, mask, w, labels, size, temperature):
    """The gradient with respect to z, not w."""
    z = _z(x, mask, w).requires_grad_()
    losses.supcon_loss(z, labels, temperature=temperature).backward()
    return z.grad


def passes_backward_with_gradient(x, mask, w, labels, size, temperature):
    return _cached(x, mask, w, labels, size, temperature)


def passes_by_matrices(x, mask, w, labels, size, temperature):
    z = _z(x, mask, w).detach().requires_grad_()
    (g,) = torch.autograd.grad(losses.supcon_loss(z, labels, temperature=temperature), z)
    total = torch.zeros_like(w)
    for start in range(0, len(labels), size):
        s = slice(start, start + size)
        total = total + (mask[s] * x[s]).T @ g[s]
    return total


# 12.2 What each process returns


def shares_own(sums, counts):
    return torch.where(counts > 0, sums / counts.clamp(min=1), 0.0 * sums)


def shares_without_factor(sums, counts):
    return sums / max(int(counts.sum()), 1)


def shares_whole(sums, counts):
    return torch.ones_like(sums) * sums.sum() / counts.sum().clamp(min=1)


def shares_nan(sums, counts):
    return len(sums) * sums / counts.sum()


def shares_divided(sums, counts):
    return sums / (len(sums) * counts.sum().clamp(min=1))


def shares_by_mean(sums, counts):
    return sums / counts.to(sums.dtype).mean().clamp(min=1 / len(sums))


def shares_by_loop(sums, counts):
    total = sum(counts.tolist())
    if total == 0:
        return sums * 0
    return torch.stack([s * len(sums) / total for s in sums])


# 12.3 When is the last run done?


def last_shared(minutes, gpus):
    return sum(minutes) / gpus


def last_in_turn(minutes, gpus):
    free = [0.0] * gpus
    for i, run in enumerate(minutes):
        free[i % gpus] += run
    return max(free)


def last_rounds(minutes, gpus):
    total = 0.0
    for start in range(0, len(minutes), gpus):
        total += max(minutes[start : start + gpus])
    return total


def last_longest_first(minutes, gpus):
    return last_by_index(sorted(minutes)[::-1], gpus)


def last_earliest(minutes, gpus):
    """The smallest entry at the end, when the first GPU is free."""
    free = [0.0] * gpus
    for run in minutes:
        free[free.index(min(free))] += run
    return min(free)


def last_by_index(minutes, gpus):
    free = [0.0] * gpus
    for run in minutes:
        free[free.index(min(free))] += run
    return max(free)


def last_by_sorting(minutes, gpus):
    free = [0.0] * gpus
    for run in minutes:
        free.sort()
        free[0] += run
    return float(max(free))


# 12.5 Lone anchors


def lone_by_loop(batch, classes):
    share = 1.0
    for _ in range(batch - 1):
        share *= (classes - 1) / classes
    return share


def lone_of_all(batch, classes):
    return ((classes - 1) / classes) ** batch


def lone_same(batch, classes):
    return classes ** -(batch - 1.0)


def lone_counterpart(batch, classes):
    return 1 - lone_by_loop(batch, classes)


def lone_average(batch, classes):
    return (batch - 1) / classes


ENTRIES = [
    Entry(
        "12-two-passes",
        [
            Wrong("accumulates", passes_accumulated, "never meet"),
            Wrong("draws new dropout", passes_not_replayed, "no longer there"),
            Wrong("leaves dropout out", passes_without_mask, "You do not use the mask"),
            Wrong("overwrites the gradient", passes_grad_overwritten, "through the last piece"),
            Wrong("averages over pieces", passes_mean, "divide by the number of pieces"),
            Wrong("gradient of z", passes_of_z, "Expected"),
        ],
        [passes_backward_with_gradient, passes_by_matrices],
    ),
    Entry(
        "12-shares",
        [
            Wrong("own mean", shares_own, "mean over its own anchors"),
            Wrong("forgets the library's mean", shares_without_factor, "a factor is missing"),
            Wrong("divides twice", shares_divided, "which the library's mean does already"),
            Wrong("L in every process", shares_whole, "Every process returns L itself"),
            Wrong("NaN without anchors", shares_nan, "Nothing divided by nothing"),
        ],
        [shares_by_mean, shares_by_loop],
    ),
    Entry(
        "12-last-run",
        [
            Wrong("cuts runs", last_shared, "cuts runs in pieces"),
            Wrong("deals in turn", last_in_turn, "in turn"),
            Wrong("waits for each round", last_rounds, "wait for each other"),
            Wrong("sorts first", last_longest_first, "longest first"),
            Wrong("first free in place of last", last_earliest, "when the first GPU is free"),
        ],
        [last_by_index, last_by_sorting],
    ),
    Entry(
        "12-fault",
        [
            Wrong("threads", constant("a"), "do not make a task repeat runs"),
            Wrong("the copied grid", constant("b"), "named by its settings"),
            Wrong("the last line", constant("d"), "no row is missing"),
            Wrong("a number", constant(3), "Expected a letter"),
        ],
        [constant("c"), constant("C)"), constant(" c ")],
    ),
    Entry(
        "12-lone",
        [
            Wrong("N others", lone_of_all, "You count N others"),
            Wrong("all of one class", lone_same, "all others share the anchor's class"),
            Wrong("with a positive", lone_counterpart, "anchors that have a positive"),
            Wrong("average number", lone_average, "how many positives an anchor has on average"),
        ],
        [lone_by_loop, lambda batch, classes: (1 - 1 / classes) ** (batch - 1)],
    ),
]
