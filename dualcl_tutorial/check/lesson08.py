"""Checks of lesson 08: intervals, McNemar, Holm, reading a table, and whose gain it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import comb, sqrt
from typing import Any

from dualcl_tutorial.check.harness import Case, Exercise, Mistake, judge, register
from dualcl_tutorial.check.report import Report

_GAP = 'lesson 08, "How large a gap can n seeds find?"'
_PAIRS = 'lesson 08, "The five methods at 10 %"'
_SEED = 'lesson 08, "One seed can prove anything"'

_CLAIMS = 'lesson 08, "The paper\'s claims, one by one"'

Scores = Sequence[float]

# 8.1 The paired interval


def _mean(values: Scores) -> float:
    return sum(values) / len(values)


def _spread(values: Scores, less: int = 1) -> float:
    middle = _mean(values)
    return sqrt(sum((value - middle) ** 2 for value in values) / (len(values) - less))


def _interval(
    a: Scores,
    b: Scores,
    factor: float,
    *,
    less: int = 1,
    root: bool = True,
    spread: Callable[[Scores, Scores], float] | None = None,
) -> tuple[float, float]:
    gaps = [x - y for x, y in zip(a, b, strict=True)]
    width = spread(a, b) if spread else _spread(gaps, less)
    half = factor * width / (sqrt(len(gaps)) if root else 1.0)
    return _mean(gaps) - half, _mean(gaps) + half


def _other_way(a: Scores, b: Scores, factor: float) -> tuple[float, float]:
    return _interval(b, a, factor)


INTERVAL = register(
    Exercise(
        name="08-interval",
        task="mean difference plus and minus factor times s_d over the root of n",
        reference=_interval,
        cases=[
            Case(
                "three seeds",
                {"a": [84.0, 86.0, 81.0], "b": [82.0, 85.0, 81.0], "factor": 4.303},
            ),
            Case("two seeds", {"a": [70.0, 74.0], "b": [71.0, 70.0], "factor": 12.706}),
            Case(
                "five seeds",
                {
                    "a": [93.1, 94.8, 90.2, 95.0, 92.6],
                    "b": [94.0, 94.2, 94.4, 94.8, 95.0],
                    "factor": 2.776,
                },
            ),
            Case("equal runs", {"a": [0.5, 0.7, 0.6], "b": [0.5, 0.7, 0.6], "factor": 4.303}),
        ],
        mistakes=[
            Mistake(
                "turned round",
                _other_way,
                "You compute b - a: the difference that is asked for is a - b.",
            ),
            Mistake(
                "ends changed",
                lambda **given: _interval(**given)[::-1],
                "Your ends are changed round: the lower one comes first.",
            ),
            Mistake(
                "divided by n",
                lambda **given: _interval(**given, less=0),
                "Your spread divides by n: s_d divides by n - 1.",
            ),
            Mistake(
                "root of n forgotten",
                lambda **given: _interval(**given, root=False),
                "Your interval is as wide as for a single seed: the mean of n seeds is surer than "
                "one of them.",
            ),
            Mistake(
                "factor 1.96",
                lambda a, b, factor: _interval(a, b, 1.96),
                "You take the factor 1.96 for any n: it holds for very many seeds only.",
            ),
            Mistake(
                "not paired",
                lambda **given: _interval(
                    **given, spread=lambda a, b: sqrt(_spread(a) ** 2 + _spread(b) ** 2)
                ),
                "Your spread is that of two separate groups: what a seed does to both methods is "
                "still in it. Take the differences first.",
            ),
            Mistake(
                "spread of a",
                lambda **given: _interval(**given, spread=lambda a, b: _spread(a)),
                "You take the spread of a: the spread of the differences is asked for.",
            ),
        ],
        section=_GAP,
        tolerance=1e-6,
    )
)


def paired_interval(answer: Any) -> Report:
    """Check exercise 8.1, Student's interval of a difference paired by seed."""
    return judge(INTERVAL, answer)


# 8.2 McNemar


def _tail(k: int, tosses: int) -> float:
    return sum(comb(tosses, i) for i in range(k + 1)) / 2**tosses


def _only(label: Sequence[int], a: Sequence[int], b: Sequence[int]) -> tuple[int, int]:
    rows = list(zip(label, a, b, strict=True))
    return sum(y == p != q for y, p, q in rows), sum(y == q != p for y, p, q in rows)


def _mcnemar(label: Sequence[int], a: Sequence[int], b: Sequence[int]) -> float:
    one, two = _only(label, a, b)
    return min(1.0, 2 * _tail(min(one, two), one + two))


def _disagreements(label: Sequence[int], a: Sequence[int], b: Sequence[int]) -> float:
    one, _ = _only(label, a, b)
    tosses = sum(p != q for p, q in zip(a, b, strict=True))
    return min(1.0, 2 * _tail(min(one, tosses - one), tosses))


def _all_texts(label: Sequence[int], a: Sequence[int], b: Sequence[int]) -> float:
    right = sum(y == p for y, p in zip(label, a, strict=True))
    return min(1.0, 2 * _tail(min(right, len(label) - right), len(label)))


def _of_side(
    label: Sequence[int], a: Sequence[int], b: Sequence[int], *, cap: bool = True, sides: int = 2
) -> float:
    one, two = _only(label, a, b)
    value = sides * _tail(min(one, two), one + two)
    return min(1.0, value) if cap else value


def _only_a(label: Sequence[int], a: Sequence[int], b: Sequence[int]) -> float:
    one, two = _only(label, a, b)
    return min(1.0, 2 * _tail(one, one + two))


def _strictly(label: Sequence[int], a: Sequence[int], b: Sequence[int]) -> float:
    one, two = _only(label, a, b)
    return min(1.0, 2 * _tail(min(one, two) - 1, one + two))


MCNEMAR = register(
    Exercise(
        name="08-mcnemar",
        task="a fair coin for the texts that exactly one model gets right",
        reference=_mcnemar,
        cases=[
            Case(
                "nine texts",
                {
                    "label": [1] * 9,
                    "a": [0, 1, 1, 1, 1, 1, 1, 1, 0],
                    "b": [1, 0, 0, 0, 0, 0, 0, 1, 0],
                },
            ),
            Case(
                "nine texts, models exchanged",
                {
                    "label": [1] * 9,
                    "a": [1, 0, 0, 0, 0, 0, 0, 1, 0],
                    "b": [0, 1, 1, 1, 1, 1, 1, 1, 0],
                },
            ),
            Case(
                "three classes, both wrong in different ways",
                {
                    "label": [0, 1, 2, 0, 1, 2, 0, 1],
                    "a": [0, 1, 2, 0, 1, 0, 1, 2],
                    "b": [1, 1, 2, 1, 0, 1, 2, 0],
                },
            ),
            Case(
                "as many on either side",
                {"label": [0, 0, 0, 1], "a": [0, 1, 0, 1], "b": [1, 0, 0, 1]},
            ),
            Case("two equal models", {"label": [0, 1, 1], "a": [0, 1, 0], "b": [0, 1, 0]}),
        ],
        mistakes=[
            Mistake(
                "one side",
                lambda **given: _of_side(**given, sides=1),
                "That is one side: the coin may fall as unevenly the other way round.",
            ),
            Mistake(
                "above 1",
                lambda **given: _of_side(**given, cap=False),
                "Your p can be above 1: where both sides are equally many, the two tails overlap.",
            ),
            Mistake(
                "every disagreement",
                _disagreements,
                "You toss a coin for texts where both are wrong in different ways: neither "
                "model is right there.",
            ),
            Mistake(
                "all texts",
                _all_texts,
                "You compare a's right answers with a coin over all texts: only texts that exactly "
                "one model gets right can decide.",
            ),
            Mistake(
                "only one direction",
                _only_a,
                "Your p is right where a is behind, and 1 where it is ahead: start from the "
                "smaller of the two counts.",
            ),
            Mistake(
                "as unevenly left out",
                _strictly,
                "You count what is *more* uneven than this: as uneven as this belongs to it.",
            ),
        ],
        section=_SEED,
        tolerance=1e-9,
    )
)


def mcnemar_p(answer: Any) -> Report:
    """Check exercise 8.2, the exact test of McNemar."""
    return judge(MCNEMAR, answer)


# 8.3 Holm


def _holm(
    p: Scores, *, running: bool = True, first: int = 0, cap: bool = True, restore: bool = True
) -> list[float]:
    order = sorted(range(len(p)), key=lambda i: p[i])
    found, largest = [0.0] * len(p), 0.0
    for rank, i in enumerate(order):
        value = (len(p) - rank - first) * p[i]
        largest = max(largest, value) if running else value
        found[i if restore else rank] = min(1.0, largest) if cap else largest
    return found


def _benjamini(p: Scores) -> list[float]:
    order = sorted(range(len(p)), key=lambda i: p[i])
    found, least = [0.0] * len(p), 1.0
    for rank in reversed(range(len(p))):
        least = min(least, len(p) / (rank + 1) * p[order[rank]])
        found[order[rank]] = least
    return found


def _unsorted(p: Scores) -> list[float]:
    found, largest = [], 0.0
    for rank, value in enumerate(p):
        largest = max(largest, (len(p) - rank) * value)
        found.append(min(1.0, largest))
    return found


HOLM = register(
    Exercise(
        name="08-holm",
        task="the smallest of m times m, the next times m - 1, none below the one before",
        reference=_holm,
        cases=[
            Case("four tests", {"p": [0.01, 0.04, 0.03, 0.5]}),
            Case("one test", {"p": [0.03]}),
            Case("two equal tests", {"p": [0.02, 0.02, 0.9]}),
            Case("two large p", {"p": [0.9, 0.8]}),
            Case("six tests", {"p": [0.2, 0.004, 0.011, 0.6, 0.012, 0.039]}),
        ],
        mistakes=[
            Mistake(
                "Bonferroni",
                lambda p: [min(1.0, len(p) * value) for value in p],
                "You multiply every p by m (Bonferroni): after the smallest only m - 1 questions "
                "are open.",
            ),
            Mistake(
                "no running maximum",
                lambda p: _holm(p, running=False),
                "A larger p comes out below a smaller one: none may fall below the one before it.",
            ),
            Mistake(
                "sorted order",
                lambda p: _holm(p, restore=False),
                "Your numbers are right but sorted: give them back in the order of the tests.",
            ),
            Mistake(
                "not sorted",
                _unsorted,
                "You take the tests in the order they came: the smallest p is first.",
            ),
            Mistake(
                "not capped",
                lambda p: _holm(p, cap=False),
                "Your corrected p can be above 1: a probability cannot.",
            ),
            Mistake(
                "one too few",
                lambda p: _holm(p, first=1),
                "Your factors run from m - 1 to 0: the smallest p is multiplied by m.",
            ),
            Mistake(
                "Benjamini and Hochberg",
                _benjamini,
                "That is the correction of Benjamini and Hochberg: it bounds the share of false "
                "discoveries, Holm's the chance of a single one.",
            ),
        ],
        section=_PAIRS,
        tolerance=1e-9,
    )
)


def holm_corrected(answer: Any) -> Report:
    """Check exercise 8.3, Holm's correction."""
    return judge(HOLM, answer)


# 8.4 Reading a table

TABLE = register(
    Exercise(
        name="08-table",
        task="five differences of one sign, and an interval that leaves out 0",
        reference=lambda: "c",
        cases=[Case("the table", {})],
        mistakes=[
            Mistake(
                "largest mean",
                "a",
                "The largest mean stands in row A, but look at how A's differences to CE change "
                "their sign: its mean comes from one seed.",
            ),
            Mistake(
                "overlapping spreads",
                "b",
                "The spreads of B and CE overlap, but a seed moves both together: compare them "
                "seed by seed.",
            ),
            Mistake(
                "no difference proven",
                "d",
                "An interval that holds 0 does not show that two methods are equal: it may be too "
                "wide to tell.",
            ),
        ],
        section=_GAP,
    )
)


def read_table(answer: Any) -> Report:
    """Check exercise 8.4, what a table of five seeds allows to say."""
    return judge(TABLE, answer)


# 8.5 Whose gain is it?


def _share(ce: Scores, without: Scores, dual: Scores) -> float:
    return (_mean(without) - _mean(ce)) / (_mean(dual) - _mean(ce))


def _mean_of_shares(ce: Scores, without: Scores, dual: Scores) -> float:
    return _mean([(w - c) / (d - c) for c, w, d in zip(ce, without, dual, strict=True)])


SHARE = register(
    Exercise(
        name="08-share",
        task="the mean gain of the prefix over the mean gain of the whole",
        reference=_share,
        cases=[
            Case(
                "the paper's BERT with 10 %",
                {
                    "ce": [86.05, 93.05, 93.29, 91.09, 86.58],
                    "without": [87.90, 93.50, 94.01, 91.83, 88.13],
                    "dual": [88.40, 94.50, 94.93, 92.36, 89.01],
                },
            ),
            Case("one corpus", {"ce": [80.0], "without": [81.0], "dual": [84.0]}),
            Case(
                "a prefix that costs",
                {"ce": [90.0, 80.0], "without": [88.0, 81.0], "dual": [91.0, 83.0]},
            ),
        ],
        mistakes=[
            Mistake(
                "share of the dual loss",
                lambda ce, without, dual: 1 - _share(ce, without, dual),
                "That is the share of the dual loss: the prefix is what stands between CE and "
                "DualCL without L_dual.",
            ),
            Mistake(
                "mean of the shares",
                _mean_of_shares,
                "You average the shares of the corpora: a corpus with a tiny gain then counts as "
                "much as all others. Average the gains first.",
            ),
            Mistake(
                "over the dual gain",
                lambda ce, without, dual: (
                    (_mean(without) - _mean(ce)) / (_mean(dual) - _mean(without))
                ),
                "You divide by the gain of the dual loss: divide by the gain of both together.",
            ),
            Mistake(
                "percent",
                lambda ce, without, dual: 100 * _share(ce, without, dual),
                "You give percent: the share as a number, 0.5 for half.",
            ),
            Mistake(
                "the gain",
                lambda ce, without, dual: _mean(without) - _mean(ce),
                "That is the gain in points: which share of the whole gain is it?",
            ),
        ],
        section=_CLAIMS,
        tolerance=1e-6,
    )
)


def prefix_share(answer: Any) -> Report:
    """Check exercise 8.5, which share of the gain the prefix brings."""
    return judge(SHARE, answer)
