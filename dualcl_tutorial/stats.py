"""What the runs of a grid allow us to say: intervals, paired tests, Holm's correction (lesson 08).

Accuracies vary for two reasons: another seed trains another model, and another test set asks other
questions. Seeds are few, so Student's t is used for them: the percentile bootstrap over three
seeds covers 74 % where it promises 95 (a test shows it).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

BY = ("method", "corpus", "fraction")


def summarise(
    runs: pd.DataFrame, by: Sequence[str] = BY, *, level: float = 0.95, value: str = "accuracy"
) -> pd.DataFrame:
    """Summarise runs over their seeds (lesson 08).

    Args:
        runs: one row a run, as :func:`~dualcl_tutorial.experiments.read_store` gives them.
        by: columns that tell one cell of the table from another.
        level: of the interval.
        value: the column to summarise.

    Returns:
        One row a cell: mean, sd (N - 1), n, and the Student interval low to high of the mean over
        seeds, in the units of ``value``. One seed has a mean and nothing else.

    Raises:
        ValueError: if a column is missing or a seed occurs twice in a cell.
    """
    by = list(by)
    _require(runs, [*by, "seed", value])
    _one_run_a_seed(runs, by)
    table = runs.groupby(by, dropna=False)[value].agg(["mean", "std", "count"])
    table.columns = ["mean", "sd", "n"]
    half = _half_width(table.sd, table.n, level)
    return table.assign(low=table["mean"] - half, high=table["mean"] + half).reset_index()


def compare(
    runs: pd.DataFrame,
    a: str = "dualcl",
    b: str = "ce",
    by: Sequence[str] = ("corpus", "fraction"),
    *,
    paired: str = "seed",
    level: float = 0.95,
    draws: int = 10_000,
) -> pd.DataFrame:
    """Compare two methods on the same seeds and the same test examples (lesson 08).

    Args:
        runs: one row a run.
        a: the method that is to be better where the difference is above 0.
        b: the method it is compared with.
        by: columns that tell one comparison from another.
        paired: "seed" for Student's t on the differences of accuracy seed by seed; "example" for
            a bootstrap of the test examples and the seeds together, which needs the columns label
            and predicted. The second says what another test set would change; with few seeds it
            underestimates what other seeds would.
        level: of the interval.
        draws: of the bootstrap.

    Returns:
        One row a comparison: difference (a - b, 0 to 1), low, high, p (two-sided), p_holm
        (corrected over the rows), n (seeds that both have) and effect (the difference over the
        standard deviation of the differences). With one seed only the difference is known, or the
        interval over examples.

    Raises:
        ValueError: if no seed has both methods, or a seed has one of them twice.
    """
    by = list(by)
    needed = ["label", "predicted"] if paired == "example" else []
    _require(runs, [*by, "method", "seed", "accuracy", *needed])
    if paired not in ("seed", "example"):
        raise ValueError(f'Expected paired "seed" or "example", got {paired!r}.')
    _one_run_a_seed(runs[runs.method.isin([a, b])], [*by, "method"])
    sides = (runs[runs.method == name].drop(columns="method") for name in (a, b))
    pairs = pd.merge(*sides, on=[*by, "seed"], suffixes=("_a", "_b"))  # a row a seed of both
    if pairs.empty:
        raise ValueError(
            f"Expected runs of {a} and {b} with the same seed, got methods "
            f"{sorted(runs.method.unique())}: run both on the same seeds."
        )
    pairs["gap"] = pairs.accuracy_a - pairs.accuracy_b
    groups = pairs.groupby(by, dropna=False)
    table = groups.gap.agg(["mean", "std", "count"])
    table.columns = ["difference", "sd", "n"]
    if paired == "seed":
        table = _student(table, level)
    else:
        drawn = [_bootstrap(_right(g, "_a") - _right(g, "_b"), level, draws) for _, g in groups]
        table[["low", "high", "p"]] = drawn
    table["p_holm"] = holm(table.p)
    table["effect"] = (table.difference / table.sd).where(table.sd > 0)
    return table.reset_index()[[*by, "difference", "low", "high", "p", "p_holm", "n", "effect"]]


def mcnemar(label: ArrayLike, predicted_a: ArrayLike, predicted_b: ArrayLike) -> pd.Series:
    """Test two classifiers on the same examples: exact McNemar (lesson 08).

    Only the examples that exactly one of the two gets right count: if both are as good, each is a
    coin toss.

    Shape:
        label, predicted_a, predicted_b (examples,), class indices.

    Returns:
        only_a and only_b, how many examples only this one has right, and the two-sided p.
    """
    label = np.asarray(label)
    right_a, right_b = np.asarray(predicted_a) == label, np.asarray(predicted_b) == label
    only_a, only_b = int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum())
    p = stats.binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
    return pd.Series({"only_a": only_a, "only_b": only_b, "p": p})


def holm(p: ArrayLike) -> np.ndarray:
    """Correct p-values for their number by Holm's step-down rule (lesson 08).

    The smallest of m is multiplied by m, the next by m - 1, and so on; none may fall below the one
    before it. NaN stays NaN and does not count.

    Shape:
        p (tests,) -> (tests,).
    """
    p = np.asarray(p, dtype=float)
    order = np.argsort(p)[: np.isfinite(p).sum()]  # NaN is sorted to the end
    corrected = np.full_like(p, np.nan)
    scaled = p[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return corrected


def _half_width(sd: ArrayLike, n: ArrayLike, level: float) -> np.ndarray:
    """Half a Student interval of a mean: t of n - 1 degrees of freedom times sd / sqrt(n)."""
    n = np.asarray(n)
    with np.errstate(invalid="ignore"):
        return stats.t.ppf((1 + level) / 2, n - 1) * np.asarray(sd) / np.sqrt(n)


def _student(table: pd.DataFrame, level: float) -> pd.DataFrame:
    """Add low, high and p of the paired t-test to rows of difference, sd and n."""
    half = _half_width(table.sd, table.n, level)
    error = table.sd / np.sqrt(table.n)
    p = 2 * stats.t.sf(table.difference.abs() / error.where(error > 0), table.n - 1)
    certain = pd.Series(np.where(table.difference == 0, 1.0, 0.0), table.index)
    p = pd.Series(p, table.index).where(error != 0, certain)  # no spread at all
    return table.assign(low=table.difference - half, high=table.difference + half, p=p)


def _bootstrap(gaps: np.ndarray, level: float, draws: int) -> tuple[float, float, float]:
    """Draw seeds and examples with replacement, both methods alike; gaps (seeds, examples)."""
    random = np.random.default_rng(0)
    seeds, examples = gaps.shape
    means = np.empty(draws)
    for start in range(0, draws, 500):  # 500 draws at a time: counts of 500 x 13,759 fit anywhere
        size = min(500, draws - start)
        of_seeds = random.multinomial(seeds, np.full(seeds, 1 / seeds), size)  # (size, seeds)
        of_examples = random.multinomial(examples, np.full(examples, 1 / examples), size)
        drawn = ((of_seeds @ gaps) * of_examples).sum(1)
        means[start : start + size] = drawn / (seeds * examples)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    # One more draw than there were, on either side, so that p is never 0.
    tail = min((means <= 0).sum(), (means >= 0).sum())
    return float(low), float(high), min(1.0, 2 * (tail + 1) / (draws + 1))


def _right(pairs: pd.DataFrame, side: str) -> np.ndarray:
    """Say of each run of one side which examples it has right: (seeds, examples)."""
    labels = [*pairs.label_a, *pairs.label_b]
    if not labels[0] or any(label != labels[0] for label in labels):
        raise ValueError(
            "Expected runs judged on the same test examples, got other labels, or none: compare "
            "runs of one corpus whose split is test."
        )
    return (np.array(pairs[f"predicted{side}"].tolist()) == np.array(labels[0])).astype(float)


def _require(runs: pd.DataFrame, columns: list[str]) -> None:
    if missing := [name for name in columns if name not in runs]:
        raise ValueError(f"Expected runs with columns {', '.join(columns)}; {missing} missing.")


def _one_run_a_seed(runs: pd.DataFrame, by: list[str]) -> None:
    twice = runs[runs.duplicated([*by, "seed"])]
    if len(twice):
        where = ", ".join(f"{name} {twice.iloc[0][name]}" for name in [*by, "seed"])
        raise ValueError(
            f"Expected one run a seed in each cell, got several for {where}: choose one setting "
            "first, or add what tells them apart to `by`."
        )
