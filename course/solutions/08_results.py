# %%
from math import comb, sqrt

from dualcl_tutorial import check

# %% [markdown]
# ### Exercise 8.1 · An interval for a difference
#
# *Difficulty 1 of 3, 8 minutes, objective 1.*
#
# `a` and `b` are the accuracies of two methods, in points, one entry a seed, the same seeds in the same order. `factor` is
# $t_{n-1}$, looked up for you (4.303 for three seeds). Return the lower and the upper end of (8.1) for $a - b$.
#
# For a = 84, 86, 81 and b = 82, 85, 81 the ends are -1.48 and 3.48.


# %% exercise="08-interval"
def paired_interval(a: list[float], b: list[float], factor: float) -> tuple[float, float]:
    """Return the ends, low and high, of the interval of a - b paired by seed."""
    ### BEGIN SOLUTION
    gaps = [x - y for x, y in zip(a, b, strict=True)]
    n = len(gaps)
    mean = sum(gaps) / n
    spread = sqrt(sum((gap - mean) ** 2 for gap in gaps) / (n - 1))
    half = factor * spread / sqrt(n)
    return mean - half, mean + half
    ### END SOLUTION


check.paired_interval(paired_interval)

# %% [markdown] tags=["hint"]
# Take the differences first. Everything after that is about one list of numbers.

# %% [markdown] tags=["pseudocode"]
# differences seed by seed; their mean
# their spread, divided by n - 1 inside the root
# half width: factor times spread over the root of n

# %% grade="08-interval-tests" points=2
low, high = paired_interval([84.0, 86.0, 81.0], [82.0, 85.0, 81.0], 4.303)
assert abs(float(low) + 1.4843) < 1e-3 and abs(float(high) - 3.4843) < 1e-3
low, high = paired_interval([93.1, 94.8, 90.2, 95.0, 92.6], [94.0, 94.2, 94.4, 94.8, 95.0], 2.776)
assert abs(float(low) + 3.7942) < 1e-3 and abs(float(high) - 1.1142) < 1e-3

# %% [markdown]
# ### Exercise 8.2 · A coin for every disagreement
#
# *Difficulty 2 of 3, 12 minutes, objective 2.*
#
# McNemar's exact test: `label`, `a` and `b` are class numbers, one entry a test text. Count the texts that exactly one of the two
# models gets right. If both are as good, each of them is the toss of a fair coin. Return the probability that the
# coin falls as unevenly as this or more, in either direction; never more than 1.
#
# With 1 text only a's and 6 only b's it is 2 x 8 / 128 = 0.125. `comb(n, k)` is there.


# %% exercise="08-mcnemar"
def mcnemar_p(label: list[int], a: list[int], b: list[int]) -> float:
    """Return the two-sided p of McNemar's exact test."""
    ### BEGIN SOLUTION
    only_a = sum(y == p and y != q for y, p, q in zip(label, a, b, strict=True))
    only_b = sum(y == q and y != p for y, p, q in zip(label, a, b, strict=True))
    tosses, fewer = only_a + only_b, min(only_a, only_b)
    tail = sum(comb(tosses, k) for k in range(fewer + 1)) / 2**tosses
    return min(1.0, 2 * tail)
    ### END SOLUTION


check.mcnemar_p(mcnemar_p)

# %% [markdown] tags=["hint"]
# A text that both get right, or both wrong (even with different answers), says nothing about which is better. The chance of
# exactly $k$ heads in $n$ tosses is $\binom{n}{k} / 2^n$.

# %% [markdown] tags=["pseudocode"]
# count the texts only a gets right, and only b
# add up the chances of 0, 1, ..., the smaller count
# twice that, at most 1

# %% grade="08-mcnemar-tests" points=3
value = mcnemar_p([1] * 9, [0] + [1] * 7 + [0], [1] + [0] * 6 + [1, 0])
assert abs(float(value) - 0.125) < 1e-9
value = mcnemar_p([0, 1, 2, 0, 1, 2, 0, 1], [0, 1, 2, 0, 1, 0, 1, 2], [1, 1, 2, 1, 0, 1, 2, 0])
assert abs(float(value) - 0.25) < 1e-9
assert float(mcnemar_p([0, 0, 0, 1], [0, 1, 0, 1], [1, 0, 0, 1])) == 1.0
assert float(mcnemar_p([0, 1, 1], [0, 1, 0], [0, 1, 0])) == 1.0

# %% [markdown]
# ### Exercise 8.3 · Twenty tests of nothing
#
# *Difficulty 2 of 3, 10 minutes, objective 2.*
#
# Correct a list of p-values for their number by Holm's rule, and return them in the order in which they came. The smallest of
# $m$ is multiplied by $m$, the next by $m - 1$, and so on; none may fall below the one before it, none is above 1.
#
# 0.01, 0.04, 0.03, 0.5 become 0.04, 0.09, 0.09, 0.5. Do it on paper first: why is the second 0.09 and not 0.08?


# %% exercise="08-holm"
def holm_corrected(p: list[float]) -> list[float]:
    """Return the corrected p-values, in the order of p."""
    ### BEGIN SOLUTION
    corrected, largest = [0.0] * len(p), 0.0
    for rank, place in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        largest = max(largest, (len(p) - rank) * p[place])
        corrected[place] = min(1.0, largest)
    return corrected
    ### END SOLUTION


check.holm_corrected(holm_corrected)

# %% [markdown] tags=["hint"]
# Sort the *places* of the p-values and not the values: then you know where each result belongs.

# %% [markdown] tags=["pseudocode"]
# places sorted by their p
# for rank 0, 1, ...: (m - rank) times p, but not below the last result
# write it, at most 1, to its place

# %% grade="08-holm-tests" points=2
value = [float(x) for x in holm_corrected([0.01, 0.04, 0.03, 0.5])]
assert all(abs(x - y) < 1e-9 for x, y in zip(value, [0.04, 0.09, 0.09, 0.5], strict=True))
value = [float(x) for x in holm_corrected([0.2, 0.004, 0.011, 0.6, 0.012, 0.039])]
expected = [0.4, 0.024, 0.055, 0.6, 0.055, 0.117]
assert all(abs(x - y) < 1e-9 for x, y in zip(value, expected, strict=True))
assert [float(x) for x in holm_corrected([0.9, 0.9])] == [1.0, 1.0]

# %% [markdown]
# ### Exercise 8.4 · What does this table allow?
#
# *Difficulty 2 of 3, 8 minutes, objective 3.*
#
# No code: an invented table, accuracy in per cent on the same five seeds.
#
# | method | seed 0 | seed 1 | seed 2 | seed 3 | seed 4 | mean ± sd | difference to CE, 95 % interval |
# |---|---|---|---|---|---|---|---|
# | CE | 80.0 | 84.0 | 82.0 | 86.0 | 78.0 | 82.0 ± 3.2 | |
# | A | 79.0 | 83.5 | **92.0** | 85.0 | 79.0 | **83.7 ± 5.4** | +1.7 (-4.2 to 7.6) |
# | B | 81.0 | 85.5 | 83.0 | 87.5 | 79.0 | 83.2 ± 3.4 | +1.2 (+0.9 to 1.5) |
# | C | 78.0 | 88.0 | 80.0 | 87.0 | 77.0 | 82.0 ± 5.1 | 0.0 (-3.2 to 3.2) |
#
# Which sentence does it allow?
#
# - a) A is the best method.
# - b) B is not better than CE: 83.2 ± 3.4 and 82.0 ± 3.2 overlap.
# - c) B is better than CE on this corpus, as far as five seeds can tell.
# - d) C and CE are equally good.


# %% exercise="08-table"
def read_table() -> str:
    """Return the letter of the sentence: "a", "b", "c" or "d"."""
    ### BEGIN SOLUTION
    # B is ahead at every seed, and the interval of the differences leaves out 0.
    return "c"
    ### END SOLUTION


check.read_table(read_table)

# %% [markdown] tags=["hint"]
# Subtract CE's row from the others, seed by seed. Which rows keep their sign?

# %% [markdown] tags=["pseudocode"]
# differences of A, B and C to CE, seed by seed
# whose interval leaves out 0?
# what does an interval that holds 0 say, and what not?

# %% grade="08-table-tests" points=1
value = read_table()
assert type(value) is str and value.strip(" ().").lower() == "c"

# %% [markdown]
# ### Exercise 8.5 · Whose gain is it?
#
# *Difficulty 1 of 3, 8 minutes, objective 4.*
#
# `ce`, `without` and `dual` are accuracies of CE, of DualCL without its dual loss, and of DualCL, in points, one entry a
# corpus. Of the whole gain over CE, averaged over the corpora, which share does the prefix alone bring? It may be negative.
#
# For the averages of the paper's Table 2, BERT, 10 %: 0.58.


# %% exercise="08-share"
def prefix_share(ce: list[float], without: list[float], dual: list[float]) -> float:
    """Return the share of the prefix in the mean gain of DualCL over CE."""
    ### BEGIN SOLUTION
    n = len(ce)
    prefix = sum(w - c for c, w in zip(ce, without, strict=True)) / n
    whole = sum(d - c for c, d in zip(ce, dual, strict=True)) / n
    return prefix / whole
    ### END SOLUTION


check.prefix_share(prefix_share)

# %% [markdown] tags=["hint"]
# Two gains, each a mean over the corpora; the quotient comes last.

# %% [markdown] tags=["pseudocode"]
# mean gain of "without" over "ce"
# mean gain of "dual" over "ce"
# the first over the second

# %% grade="08-share-tests" points=1
bert = [86.05, 93.05, 93.29, 91.09, 86.58], [87.90, 93.50, 94.01, 91.83, 88.13]
value = prefix_share(*bert, [88.40, 94.50, 94.93, 92.36, 89.01])
assert abs(float(value) - 0.5813) < 1e-3
assert abs(float(prefix_share([90.0, 80.0], [88.0, 81.0], [91.0, 83.0])) + 0.25) < 1e-9
