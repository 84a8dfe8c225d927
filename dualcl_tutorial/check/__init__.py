"""Feedback on exercises: one function an exercise, ``check.supcon(your_function)``.

A check says what is wrong, not only that something is. Its tables stand in one module a lesson,
imported here in one line, and what they share in `harness`. `check.clear()` forgets what was
solved.
"""

from __future__ import annotations

from dualcl_tutorial.check.exercise import EXERCISES, Exercise
from dualcl_tutorial.check.lesson03 import pair_masks, supcon_inside, supcon_outside
from dualcl_tutorial.check.lesson03_gradient import anchor_gradient, batch_floor
from dualcl_tutorial.check.lesson05 import dual_terms, whole_loss
from dualcl_tutorial.check.lesson05_chunks import chunked_loss
from dualcl_tutorial.check.lesson05_columns import own_pair, step_cost, wrong_columns
from dualcl_tutorial.check.report import Report, clear

__all__ = [
    "EXERCISES",
    "Exercise",
    "Report",
    "anchor_gradient",
    "batch_floor",
    "chunked_loss",
    "clear",
    "dual_terms",
    "own_pair",
    "pair_masks",
    "step_cost",
    "supcon_inside",
    "supcon_outside",
    "whole_loss",
    "wrong_columns",
]
