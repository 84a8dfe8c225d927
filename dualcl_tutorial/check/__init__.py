"""Feedback on exercises: one function an exercise, ``check.supcon(your_function)``.

A check says what is wrong, not only that something is. Its tables stand in one module a lesson,
imported here in one line, and what they share in `harness`. `check.clear()` forgets what was
solved.
"""

from __future__ import annotations

from dualcl_tutorial.check.exercise import EXERCISES, Exercise
from dualcl_tutorial.check.lesson01 import accuracy, head_step, log_softmax, score_gradient
from dualcl_tutorial.check.lesson01_blind import added_five, unseen_part
from dualcl_tutorial.check.lesson02 import pair_counts, two_view_loss, without_dropout
from dualcl_tutorial.check.lesson02_shape import alignment_uniformity, negative_weights
from dualcl_tutorial.check.lesson03 import pair_masks, supcon_inside, supcon_outside
from dualcl_tutorial.check.lesson03_gradient import anchor_gradient, batch_floor
from dualcl_tutorial.check.lesson04 import label_slots, prefix_ids, taught_labels
from dualcl_tutorial.check.lesson04_views import label_scores, read_theta
from dualcl_tutorial.check.lesson05 import dual_terms, whole_loss
from dualcl_tutorial.check.lesson05_chunks import chunked_loss
from dualcl_tutorial.check.lesson05_columns import own_pair, step_cost, wrong_columns
from dualcl_tutorial.check.lesson06 import accumulated_step, exact_resume
from dualcl_tutorial.check.lesson06_runs import changes_result, diagnosis, paired_gap
from dualcl_tutorial.check.lesson07 import below_zero, no_rest, true_places
from dualcl_tutorial.check.lesson07_tests import own_test, release_alpha, right_share
from dualcl_tutorial.check.lesson08 import (
    holm_corrected,
    mcnemar_p,
    paired_interval,
    prefix_share,
    read_table,
)
from dualcl_tutorial.check.lesson09 import (
    class_ratio,
    meeting,
    read_picture,
    read_uniformity,
    true_angles,
)
from dualcl_tutorial.check.lesson10 import (
    method_or_seed,
    rollout_row,
    word_costs,
    word_nearness,
)
from dualcl_tutorial.check.lesson10_reading import allowed, best_curve, stretched
from dualcl_tutorial.check.lesson11 import (
    calibration_error,
    class_weights,
    held_out,
    label_words,
)
from dualcl_tutorial.check.lesson12 import (
    array_fault,
    last_run,
    lone_share,
    process_losses,
    two_passes,
)
from dualcl_tutorial.check.report import Report, clear

__all__ = [
    "EXERCISES",
    "Exercise",
    "Report",
    "accumulated_step",
    "accuracy",
    "added_five",
    "alignment_uniformity",
    "allowed",
    "anchor_gradient",
    "array_fault",
    "batch_floor",
    "below_zero",
    "best_curve",
    "calibration_error",
    "changes_result",
    "chunked_loss",
    "class_ratio",
    "class_weights",
    "clear",
    "diagnosis",
    "dual_terms",
    "exact_resume",
    "head_step",
    "held_out",
    "holm_corrected",
    "label_scores",
    "label_slots",
    "label_words",
    "last_run",
    "log_softmax",
    "lone_share",
    "mcnemar_p",
    "meeting",
    "method_or_seed",
    "negative_weights",
    "no_rest",
    "own_pair",
    "own_test",
    "pair_counts",
    "pair_masks",
    "paired_gap",
    "paired_interval",
    "prefix_ids",
    "prefix_share",
    "process_losses",
    "read_picture",
    "read_table",
    "read_theta",
    "read_uniformity",
    "release_alpha",
    "right_share",
    "rollout_row",
    "score_gradient",
    "step_cost",
    "stretched",
    "supcon_inside",
    "supcon_outside",
    "taught_labels",
    "true_angles",
    "true_places",
    "two_passes",
    "two_view_loss",
    "unseen_part",
    "whole_loss",
    "without_dropout",
    "word_costs",
    "word_nearness",
    "wrong_columns",
]
