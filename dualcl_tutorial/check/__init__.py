"""Feedback on exercises: one function an exercise, ``check.supcon(your_function)``.

A check says what is wrong, not only that something is. Its tables stand in one module a lesson,
and what they share in `harness`. `check.clear()` forgets what was solved.
"""

from __future__ import annotations

from dualcl_tutorial.check.harness import Exercise
from dualcl_tutorial.check.report import Report, clear

EXERCISES: dict[str, Exercise] = {}

__all__ = ["EXERCISES", "Report", "clear"]
