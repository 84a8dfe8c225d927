"""Checks of lesson 06: a step in parts and in bfloat16, a resume that is exact."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from dualcl_tutorial.check.exercise import random
from dualcl_tutorial.check.harness import Case, Exercise, Mistake, Property, judge, register
from dualcl_tutorial.check.report import Report
from dualcl_tutorial.example import hand_batch

_CHANGES = 'lesson 06, "What changes the result"'
_COST = 'lesson 06, "What changes only the cost"'

# 6.1 A step in parts


def _step(
    weight: Tensor,
    features: Tensor,
    labels: Tensor,
    size: int,
    lr: float,
    *,
    share: Callable[[int, int, int], float] = lambda part, whole, parts: part / whole,
    half: bool = True,
    last_only: bool = False,
    update_between: bool = False,
    drop_rest: bool = False,
    sign: float = 1.0,
) -> Tensor:
    """Do one step of plain gradient descent in parts, with places to put a mistake."""
    weight, total = weight.detach().clone(), torch.zeros_like(weight)
    end = len(labels) // size * size if drop_rest else len(labels)
    starts = range(0, end, size)
    for start in starts:
        part = slice(start, min(start + size, end))
        free = weight.clone().requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            scores = features[part] @ free.T  # (part, K)
        loss = F.cross_entropy(scores.float(), labels[part])
        loss = loss * share(len(labels[part]), len(labels), len(starts))
        (gradient,) = torch.autograd.grad(loss, free)
        if update_between:
            weight = weight - lr * gradient
        total = gradient if last_only else total + gradient
    return weight if update_between else weight - sign * lr * total


def _step_mistake(name: str, message: str, **change: Any) -> Mistake:
    return Mistake(name, lambda **given: _step(**given, **change), message)


def _classifier(labels: list[int], size: int, seed: int, lr: float = 2.0) -> dict[str, Any]:
    width, classes = 4, max(labels) + 1
    return {
        "weight": random(classes, width, seed=seed),
        "features": 2 * random(len(labels), width, seed=seed + 50),
        "labels": torch.tensor(labels),
        "size": size,
        "lr": lr,
    }


_Z, _, _LABELS = hand_batch()
_HAND_STEP = {
    "weight": torch.zeros(3, 2),  # three rows for three classes, not trained yet
    "features": _Z,
    "labels": _LABELS,
    "size": 4,
    "lr": 1.0,
}
# 256.9 is 256 in bfloat16, so the scores of the two classes tie there and nowhere else.
_FINE = {
    "weight": torch.tensor([[1.0, -1.0], [0.0, 0.0]]),
    "features": torch.tensor([[256.9, 256.0], [256.0, 256.9]]),
    "labels": torch.tensor([0, 1]),
    "size": 1,
    "lr": 0.05,
}

STEP = register(
    Exercise(
        name="06-step",
        task="parts weighed by their share, one update, products in bfloat16",
        reference=_step,
        cases=[
            Case("the hand-sized batch", _HAND_STEP),
            Case("features that bfloat16 cannot tell apart", _FINE),
            Case("equal parts", _classifier([0, 1, 2, 0, 1, 2], 2, 61)),
            Case("one part", _classifier([1, 0, 1], 8, 62)),
            Case("parts of one", _classifier([2, 0, 1, 1], 1, 63)),
            Case("seven sentences in parts of three", _classifier([0, 1, 2, 2, 1, 0, 0], 3, 64)),
        ],
        axes=("classes", "d"),
        mistakes=[
            _step_mistake(
                "mean of means",
                "You take the mean of the parts' means: a part of two then counts as much as a "
                "part of four. What share of the batch is each part?",
                share=lambda part, whole, parts: 1 / parts,
            ),
            _step_mistake(
                "means added up",
                "You add up the means of the parts: your gradient grows with their number.",
                share=lambda part, whole, parts: 1.0,
            ),
            _step_mistake(
                "sum over the batch",
                "Your loss is the sum over the batch: its mean is asked for.",
                share=lambda part, whole, parts: float(part),
            ),
            _step_mistake(
                "last part only",
                "Only the last part reaches your update: where do you set the gradient to zero?",
                last_only=True,
            ),
            _step_mistake(
                "update in between",
                "You update after every part: the later parts then see other weights. One update "
                "is asked for, after the last part.",
                update_between=True,
            ),
            _step_mistake(
                "whole update in between",
                "You do a whole step after every part: the later parts then see other weights. "
                "One update is asked for, after the last part.",
                share=lambda part, whole, parts: 1.0,
                update_between=True,
            ),
            _step_mistake(
                "rest dropped",
                "You leave out the last, shorter part.",
                drop_rest=True,
            ),
            _step_mistake(
                "float32 throughout",
                "Your products are in float32: open torch.autocast around them.",
                half=False,
            ),
            _step_mistake(
                "uphill",
                "Your step goes uphill: gradient descent subtracts.",
                sign=-1.0,
            ),
        ],
        section=_CHANGES,
        tolerance=0.01,  # bfloat16 has three digits, and may round in another order
    )
)


def accumulated_step(answer: Any) -> Report:
    """Check exercise 6.1, a step in parts."""
    return judge(STEP, answer)


# 6.2 A resume that is exact


def noisy_gradient(weight: Tensor, step: int) -> Tensor:
    """Return the gradient of update `step`; batch and noise are functions of the step alone.

    Shape:
        weight (K, d) -> (K, d).
    """
    draw = torch.Generator().manual_seed(1000 + step)
    x = torch.randn(4, weight.shape[1], generator=draw).to(weight.dtype)  # (batch, d)
    y = torch.randn(4, weight.shape[0], generator=draw).to(weight.dtype)  # (batch, K)
    return (x @ weight.T - y).T @ x / 4


def _go_on(
    weight: Tensor,
    first: Tensor,
    second: Tensor,
    done: int,
    until: int,
    steps: int,
    gradient: Callable[[Tensor, int], Tensor],
    *,
    updates: Callable[[int, int], range] = range,
    clock: Callable[[int, int], int] = lambda t, done: t + 1,
    place: Callable[[int, int, int, int], float] = lambda t, done, until, steps: t / steps,
    batch: Callable[[int, int], int] = lambda t, done: t,
    keep_first: bool = True,
    keep_second: bool = True,
) -> tuple[Tensor, Tensor, Tensor]:
    """Go on with Adam, with places to put a mistake."""
    first = first if keep_first else torch.zeros_like(first)
    second = second if keep_second else torch.zeros_like(second)
    for t in updates(done, until):
        g = gradient(weight, batch(t, done))
        first, second = 0.9 * first + 0.1 * g, 0.999 * second + 0.001 * g * g
        n = clock(t, done)
        unbiased = first / (1 - 0.9**n), second / (1 - 0.999**n)
        rate = 0.1 * (1 - place(t, done, until, steps))
        weight = weight - rate * unbiased[0] / (unbiased[1].sqrt() + 1e-8)
    return weight, first, second


def _resume_mistake(name: str, message: str, **change: Any) -> Mistake:
    return Mistake(name, lambda **given: _go_on(**given, **change), message)


def _state(done: int, until: int, steps: int, seed: int, classes: int = 2, dim: int = 3) -> Any:
    start, none = random(classes, dim, seed=seed), torch.zeros(classes, dim)
    weight, first, second = _go_on(start, none, none, 0, done, steps, noisy_gradient)
    return {
        "weight": weight,
        "first": first,
        "second": second,
        "done": done,
        "until": until,
        "steps": steps,
        "gradient": noisy_gradient,
    }


def _joins(answer: Callable[..., Any]) -> bool:
    """Whether eight updates at once and three and then five end at the same bits."""
    start = _state(0, 8, 10, 75)
    whole = answer(**start)
    half = answer(**{**start, "until": 3})
    names = ("weight", "first", "second")
    given = {**start, **dict(zip(names, half, strict=True)), "done": 3}
    resumed = answer(**given)
    return all(torch.equal(a, b) for a, b in zip(whole, resumed, strict=True))


RESUME = register(
    Exercise(
        name="06-resume",
        task="moments, clock, schedule and batches all go on where they were",
        reference=_go_on,
        cases=[
            Case("updates 3 to 7 of 10", _state(3, 8, 10, 71)),
            Case("a new run", _state(0, 4, 10, 72)),
            Case("a run that is done", _state(5, 5, 5, 73)),
            Case("the second half", _state(6, 12, 12, 74, classes=3, dim=4)),
        ],
        returns=("weight", "first", "second"),
        mistakes=[
            _resume_mistake(
                "moments from zero",
                "Your moments begin at zero: then the optimizer has forgotten which way it was "
                "going.",
                keep_first=False,
                keep_second=False,
            ),
            _resume_mistake(
                "first moment from zero",
                "Your first moment begins at zero, though it was saved.",
                keep_first=False,
            ),
            _resume_mistake(
                "second moment from zero",
                "Your second moment begins at zero, though it was saved.",
                keep_second=False,
            ),
            _resume_mistake(
                "batches from the start",
                "You ask for the gradients of the first updates again: the model then sees the "
                "first batches twice and the last ones never.",
                batch=lambda t, done: t - done,
            ),
            _resume_mistake(
                "everything from the start",
                "Your updates are numbered from 0 again: batch, rate and bias correction all "
                "depend on the number of the update in the whole run.",
                updates=lambda done, until: range(until - done),
            ),
            _resume_mistake(
                "clock from the start",
                "Your bias correction counts the updates since the resume: the moments know all "
                "updates of the run.",
                clock=lambda t, done: t - done + 1,
            ),
            _resume_mistake(
                "schedule from the start",
                "Your learning rate starts anew at its highest value: it belongs to the number of "
                "the update in the whole run.",
                place=lambda t, done, until, steps: (t - done) / steps,
            ),
            _resume_mistake(
                "schedule over the rest",
                "Your learning rate falls over the updates that are left, from the highest value: "
                "the schedule is that of the whole run.",
                place=lambda t, done, until, steps: (t - done) / (until - done),
            ),
            _resume_mistake(
                "schedule to `until`",
                "Your learning rate reaches 0 at `until`: the run has `steps` updates.",
                place=lambda t, done, until, steps: t / until,
            ),
            _resume_mistake(
                "one update twice",
                "You do the last update before the checkpoint once more: after `done` updates the "
                "next one has the number `done`.",
                updates=lambda done, until: range(max(0, done - 1), until),
            ),
            _resume_mistake(
                "one update left out",
                "You leave out an update: after `done` updates, numbered from 0, the next one has "
                "the number `done`.",
                updates=lambda done, until: range(done + 1, until),
            ),
            _resume_mistake(
                "one update too many",
                "You do one update too many: `until` is where to stop.",
                updates=lambda done, until: range(done, until + 1),
            ),
            _resume_mistake(
                "until more updates",
                "You do `until` more updates: it is the number of the update to stop before.",
                updates=lambda done, until: range(done, done + until),
            ),
            _resume_mistake(
                "no bias correction",
                "Your moments are not divided by one minus a power of their factor.",
                clock=lambda t, done: 10**6,
            ),
        ],
        properties=[
            Property(
                "to the bit",
                _joins,
                "Three updates and then five do not end at the same bits as eight: is something "
                "kept outside the arguments, or rounded on the way?",
            )
        ],
        section=_COST,
        not_finite="Does the bias correction divide by 1 - 0.9**0 = 0 at the first update?",
    )
)


def exact_resume(answer: Any) -> Report:
    """Check exercise 6.2, going on from a checkpoint."""
    return judge(RESUME, answer)
