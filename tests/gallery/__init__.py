"""What people answer: for every exercise wrong answers with what they must hear, and right ones.

One module a lesson, `lessonNN`, with a list `ENTRIES`. The answers are written as students write
them, independently of the tables in `dualcl_tutorial.check`. `course/MISTAKES.md` is made from it.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Wrong:
    """A wrong answer.

    Attributes:
        mistake: what is wrong, in a few words a reader of the table understands.
        answer: what a student hands over.
        says: a distinctive part of the message it must get.
        graded: whether the instructor's hidden test must refuse it as well.
    """

    mistake: str
    answer: Any
    says: str
    graded: bool = True


@dataclass(frozen=True)
class Entry:
    """What is known of one exercise.

    Attributes:
        exercise: its grade_id.
        wrong: at least four.
        right: at least two, written differently.
    """

    exercise: str
    wrong: Sequence[Wrong]
    right: Sequence[Callable[..., Any]]


def constant(value: Any) -> Callable[[], Any]:
    """Return what a student hands over who has worked out a number or a letter."""
    return lambda: value


def entries() -> list[Entry]:
    """Return all entries, in the order of lessons and exercises."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__, f"{__name__}."))
    return [entry for name in names for entry in importlib.import_module(name).ENTRIES]
