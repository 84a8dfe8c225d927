"""An exercise as a table: a reference, inputs to try, and the mistakes people make."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

Values = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """One input.

    Attributes:
        name: what it is, as in "on <name>".
        inputs: argument names to values.
    """

    name: str
    inputs: Values


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that people give.

    Attributes:
        name: the mistake in two or three words.
        answer: a function that makes it, with the reference's arguments; or the wrong value itself,
            for an exercise that asks for a letter or a number.
        message: what the student did, and where to read on; never the answer.
    """

    name: str
    answer: Any
    message: str


@dataclass(frozen=True)
class Property:
    """Something a right answer has that one value cannot show, such as an invariance.

    Attributes:
        name: the property in two or three words.
        holds: takes the student's function (to be called by keyword), says whether it has it.
        message: what is not as it should be.
    """

    name: str
    holds: Callable[[Callable[..., Any]], bool]
    message: str


@dataclass(frozen=True)
class Exercise:
    """One exercise, as a table.

    Attributes:
        name: its grade_id, such as "03-supcon".
        task: in a few words what is asked for.
        reference: a right answer; what it returns decides type, shape and dtype.
        cases: the hand-sized example first, then random and awkward inputs.
        axes: names of the result's axes, such as ("batch", "batch"); () for a scalar.
        returns: names of the results, where the reference returns a tuple of tensors.
        mistakes: the wrong answers that are known.
        properties: what is asked after the cases.
        section: where the lesson derives it, such as "lesson 03, section 2".
        not_finite: the likely cause of NaN or infinity.
        gradient: names of inputs whose gradient must be right too.
        tolerance: largest difference allowed, relative to 1 + the expected size.
    """

    name: str
    task: str
    reference: Callable[..., Any]
    cases: Sequence[Case]
    axes: Sequence[str] = ()
    returns: Sequence[str] = ()
    mistakes: Sequence[Mistake] = ()
    properties: Sequence[Property] = ()
    section: str = ""
    not_finite: str = "An exponential may have overflowed, or something was divided by zero."
    gradient: Sequence[str] = ()
    tolerance: float = 1e-4

    @property
    def lesson(self) -> str:
        """The number of its lesson."""
        return self.name[:2]


#: Every exercise that a check exists for, by name.
EXERCISES: dict[str, Exercise] = {}


def register(exercise: Exercise) -> Exercise:
    """Add an exercise to those that progress and tests know, and return it.

    Raises:
        ValueError: if its name is taken.
    """
    if exercise.name in EXERCISES:
        raise ValueError(f"Expected a new name, got {exercise.name!r}, which another exercise has.")
    EXERCISES[exercise.name] = exercise
    return exercise


def all_cases(exercise: Exercise) -> list[Case]:
    """Add to the table the last case in float64 and with other strides."""
    cases = list(exercise.cases)
    last = cases[-1]
    if any(_is_float(value) for value in last.inputs.values()):
        double = {k: v.double() if _is_float(v) else v for k, v in last.inputs.items()}
        strided = {k: _strided(v) for k, v in last.inputs.items()}
        cases += [
            Case(f"{last.name} in float64", double),
            Case(f"{last.name}, not contiguous in memory", strided),
        ]
    return cases


def copied(inputs: Values) -> Values:
    """Return inputs that a student may spoil."""
    return {k: v.clone() if isinstance(v, Tensor) else copy.deepcopy(v) for k, v in inputs.items()}


def same(before: Any, after: Any) -> bool:
    """Say whether an input is as it was."""
    if isinstance(before, Tensor):
        return before.shape == after.shape and torch.equal(before, Tensor.detach(after))
    return bool(before == after)


def _is_float(value: Any) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point()


def _strided(value: Any) -> Any:
    """Return the same values, every other element of a larger memory."""
    if not isinstance(value, Tensor) or not value.ndim:
        return value
    wide = value.repeat_interleave(2, dim=-1)
    return wide[..., ::2]


def random(*shape: int, seed: int) -> Tensor:
    """Draw normal numbers without touching the reader's random state."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def random_batch(
    labels: list[int], classes: int, width: int, seed: int, **more: float
) -> dict[str, Any]:
    """Draw z and theta for these labels."""
    return {
        "z": random(len(labels), width, seed=seed),
        "theta": random(len(labels), classes, width, seed=seed + 50),
        "labels": torch.tensor(labels),
        **more,
    }
