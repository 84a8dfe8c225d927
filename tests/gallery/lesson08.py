"""Answers to the exercises of lesson 08."""

import math
import statistics

import numpy as np
from scipy import stats

from gallery import Entry, Wrong, constant

# 8.1 Interval


def interval_numpy(a, b, factor):
    gaps = np.array(a) - np.array(b)
    half = factor * gaps.std(ddof=1) / np.sqrt(len(gaps))
    return gaps.mean() - half, gaps.mean() + half


def interval_statistics(a, b, factor):
    gaps = [x - y for x, y in zip(a, b, strict=True)]
    half = factor * statistics.stdev(gaps) / math.sqrt(len(gaps))
    return statistics.fmean(gaps) - half, statistics.fmean(gaps) + half


def interval_of_population(a, b, factor):
    gaps = np.array(a) - np.array(b)
    half = factor * gaps.std() / len(gaps) ** 0.5
    return gaps.mean() - half, gaps.mean() + half


def interval_of_one(a, b, factor):
    gaps = np.array(a) - np.array(b)
    half = factor * gaps.std(ddof=1)
    return gaps.mean() - half, gaps.mean() + half


def interval_two_groups(a, b, factor):
    variance = np.var(a, ddof=1) + np.var(b, ddof=1)
    half = factor * np.sqrt(variance / len(a))
    gap = np.mean(a) - np.mean(b)
    return gap - half, gap + half


def interval_normal(a, b, factor):
    return interval_statistics(a, b, 1.96)


def interval_turned(a, b, factor):
    return interval_statistics(b, a, factor)


def interval_half_only(a, b, factor):
    low, high = interval_statistics(a, b, factor)
    return (high - low) / 2


def interval_of_a(a, b, factor):
    gap = statistics.fmean(a) - statistics.fmean(b)
    half = factor * statistics.stdev(a) / math.sqrt(len(a))
    return gap - half, gap + half


# 8.2 McNemar


def counts(label, a, b):
    right = [(y == p, y == q) for y, p, q in zip(label, a, b, strict=True)]
    return right.count((True, False)), right.count((False, True))


def mcnemar_scipy(label, a, b):
    one, two = counts(label, a, b)
    return stats.binomtest(one, one + two).pvalue if one + two else 1.0


def mcnemar_loops(label, a, b):
    one, two = counts(label, a, b)
    total, uneven = 0, max(one, two)
    for heads in range(one + two + 1):
        if max(heads, one + two - heads) >= uneven:
            total += math.comb(one + two, heads)
    return total / 2 ** (one + two)


def mcnemar_one_sided(label, a, b):
    one, two = counts(label, a, b)
    return sum(math.comb(one + two, k) for k in range(min(one, two) + 1)) / 2 ** (one + two)


def mcnemar_no_cap(label, a, b):
    return 2 * mcnemar_one_sided(label, a, b)


def mcnemar_disagreements(label, a, b):
    one, _ = counts(label, a, b)
    tosses = sum(p != q for p, q in zip(a, b, strict=True))
    return stats.binomtest(one, tosses).pvalue if tosses else 1.0


def mcnemar_only_a(label, a, b):
    one, two = counts(label, a, b)
    return min(1.0, 2 * stats.binom.cdf(one, one + two, 0.5))


def mcnemar_chi_square(label, a, b):
    one, two = counts(label, a, b)
    return stats.chi2.sf((one - two) ** 2 / (one + two), 1) if one + two else 1.0


def mcnemar_of_accuracies(label, a, b):
    right = sum(y == p for y, p in zip(label, a, strict=True))
    return stats.binomtest(right, len(label)).pvalue


# 8.3 Holm


def holm_recursive(p):
    if not p:
        return []
    places = np.argsort(p, kind="stable")
    scaled = np.sort(p) * np.arange(len(p), 0, -1)
    found = np.empty(len(p))
    found[places] = np.minimum(np.maximum.accumulate(scaled), 1)
    return found.tolist()


def holm_by_definition(p):
    m = len(p)
    found = []
    for value in p:
        below = sorted(q for q in p if q <= value)
        found.append(min(1.0, max((m - i) * q for i, q in enumerate(below))))
    return found


def bonferroni(p):
    return [min(1.0, value * len(p)) for value in p]


def holm_sorted(p):
    return sorted(holm_recursive(p))


def holm_not_monotone(p):
    ranks = {value: rank for rank, value in reversed(list(enumerate(sorted(p))))}
    return [min(1.0, (len(p) - ranks[value]) * value) for value in p]


def holm_uncapped(p):
    m, largest, found = len(p), 0.0, {}
    for rank, value in enumerate(sorted(p)):
        largest = max(largest, (m - rank) * value)
        found.setdefault(value, largest)
    return [found[value] for value in p]


def holm_as_it_comes(p):
    return np.minimum(np.maximum.accumulate(np.array(p) * np.arange(len(p), 0, -1)), 1).tolist()


def holm_text(p):
    return "0.04, 0.09, 0.09, 0.5"


# 8.5 Share


def share_numpy(ce, without, dual):
    return np.mean(np.subtract(without, ce)) / np.mean(np.subtract(dual, ce))


def share_of_sums(ce, without, dual):
    return (sum(without) - sum(ce)) / (sum(dual) - sum(ce))


def share_of_dual(ce, without, dual):
    return (sum(dual) - sum(without)) / (sum(dual) - sum(ce))


def share_averaged(ce, without, dual):
    return float(np.mean(np.subtract(without, ce) / np.subtract(dual, ce)))


def share_against_dual(ce, without, dual):
    return (sum(without) - sum(ce)) / (sum(dual) - sum(without))


def share_in_percent(ce, without, dual):
    return 100 * share_of_sums(ce, without, dual)


def share_never_negative(ce, without, dual):
    return max(0.0, share_of_sums(ce, without, dual))


ENTRIES = [
    Entry(
        "08-interval",
        [
            Wrong("population spread", interval_of_population, "Your spread divides by n"),
            Wrong("root of n forgotten", interval_of_one, "as wide as for a single seed"),
            Wrong("two groups", interval_two_groups, "that of two separate groups"),
            Wrong("1.96", interval_normal, "the factor 1.96 for any n"),
            Wrong("b - a", interval_turned, "You compute b - a"),
            Wrong("spread of a", interval_of_a, "You take the spread of a"),
            Wrong("half width", interval_half_only, "Expected"),
        ],
        [interval_numpy, interval_statistics],
    ),
    Entry(
        "08-mcnemar",
        [
            Wrong("one side", mcnemar_one_sided, "That is one side"),
            Wrong("no cap", mcnemar_no_cap, "Your p can be above 1"),
            Wrong("all disagreements", mcnemar_disagreements, "both are wrong in different ways"),
            Wrong("only a", mcnemar_only_a, "start from the smaller of the two counts"),
            Wrong("chi-square", mcnemar_chi_square, "is not right on nine texts"),
            Wrong("accuracy of a", mcnemar_of_accuracies, "a coin over all texts"),
        ],
        [mcnemar_scipy, mcnemar_loops],
    ),
    Entry(
        "08-holm",
        [
            Wrong("Bonferroni", bonferroni, "(Bonferroni)"),
            Wrong("sorted", holm_sorted, "Your numbers are right but sorted"),
            Wrong("not monotone", holm_not_monotone, "A larger p comes out below a smaller one"),
            Wrong("uncapped", holm_uncapped, "Your corrected p can be above 1"),
            Wrong("in the order they came", holm_as_it_comes, "the order they came"),
            Wrong("a text", holm_text, "Expected"),
        ],
        [holm_recursive, holm_by_definition],
    ),
    Entry(
        "08-table",
        [
            Wrong("a, largest mean", constant("a"), "The largest mean stands in row A"),
            Wrong("b, overlap", constant("b"), "compare them seed by seed"),
            Wrong("d, equal", constant("d"), "does not show that two methods are equal"),
            Wrong("a letter that is no sentence", constant("e"), "is not right"),
            Wrong("a number", constant(3), "Expected a letter"),
        ],
        [constant("c"), constant("C)"), constant(" c ")],
    ),
    Entry(
        "08-share",
        [
            Wrong("share of the dual loss", share_of_dual, "the share of the dual loss"),
            Wrong("mean of shares", share_averaged, "You average the shares"),
            Wrong("over the dual gain", share_against_dual, "by the gain of the dual loss"),
            Wrong("percent", share_in_percent, "You give percent"),
            Wrong("cut at 0", share_never_negative, "a prefix that costs"),
        ],
        [share_numpy, share_of_sums],
    ),
]
