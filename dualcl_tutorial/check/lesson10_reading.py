"""Checks of lesson 10, continued: a plot to read, a score to predict, a sentence to allow."""

from __future__ import annotations

from typing import Any

from dualcl_tutorial.check.harness import Case, Exercise, Mistake, judge, register
from dualcl_tutorial.check.report import Report

# 10.5 Which curve is the best score?

CURVE = register(
    Exercise(
        name="10-curve",
        task="where only top words stay, the best score leaves the highest probability",
        reference=lambda: "c",
        cases=[Case("the figure", {})],
        mistakes=[
            Mistake(
                "lowest curve",
                "a",
                "You take the lowest curve. That is right where top words are taken out; here they "
                "are all that stays.",
            ),
            Mistake(
                "second best",
                "b",
                "b is better than random numbers, but one curve lies above it at every share.",
            ),
            Mistake(
                "like random numbers",
                "d",
                "d runs along the random numbers: such a score tells nothing about the model.",
            ),
        ],
        section='lesson 10, "On real data"',
    )
)


def best_curve(answer: Any) -> Report:
    """Check exercise 10.5, the curve of the best score."""
    return judge(CURVE, answer)


# 10.6 What does the gradient see?

STRETCHED = register(
    Exercise(
        name="10-stretched",
        task="slope along e of a logit behind LayerNorm is 0; of a linear logit it is the logit",
        reference=lambda: [0.0, 3.0],
        cases=[Case("both models", {})],
        mistakes=[
            Mistake(
                "logit both times",
                [3.0, 3.0],
                "The second number is right. But the first model does not change when e is "
                "stretched: what does that say about the slope along e?",
            ),
            Mistake(
                "0 both times",
                [0.0, 0.0],
                "The first number is right. The second model has no LayerNorm: stretching e by 1 % "
                "stretches its logit.",
            ),
            Mistake(
                "turned round",
                [3.0, 0.0],
                "You have the two models turned round: which of them ignores the length of e?",
            ),
            Mistake(
                "twice the logit",
                [0.0, 6.0],
                "The first number is right. For the second, the gradient of w . e is w: multiply "
                "it by e, once.",
            ),
        ],
        section='lesson 10, "Six other answers"',
    )
)


def stretched(answer: Any) -> Report:
    """Check exercise 10.6, gradient x input with and without LayerNorm."""
    return judge(STRETCHED, answer)


# 10.7 What may you write?

ALLOWED = register(
    Exercise(
        name="10-allowed",
        task="only what was measured: where features lie, in this run",
        reference=lambda: "c",
        cases=[Case("the four sentences", {})],
        mistakes=[
            Mistake(
                "the model uses the word",
                "a",
                "What a model uses shows when the word is gone: nobody has taken it out here.",
            ),
            Mistake(
                "attention",
                "b",
                "Which weights were read for this picture? None: look again at formula 10.1.",
            ),
            Mistake(
                "easier to explain",
                "d",
                "One sentence and one seed: nothing was compared with another seed, and no "
                "explanation was tested.",
            ),
        ],
        section='lesson 10, "A random heat map"',
    )
)


def allowed(answer: Any) -> Report:
    """Check exercise 10.7, what a picture allows you to write."""
    return judge(ALLOWED, answer)
