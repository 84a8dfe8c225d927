# %%
import torch
from torch import Tensor

from dualcl_tutorial import check

# %% [markdown]
# ### Exercise 11.1 · A stratified split
#
# *Difficulty 2 of 3, 12 minutes, objective 1.*
#
# Hold out a share of each class for the test. `labels` (N,) are the classes of the rows, `order` (N,) lists the rows in a
# random order: `order[0]` is the row that comes first. Of a class with $n$ rows, the first
#
# $$\min(n - 1,\ \max(1, \mathrm{round}(\mathrm{share}\cdot n)))$$
#
# rows in that order are held out, where a half is rounded upwards. So each class gives at least one row, but never its last one.
# Return a Boolean tensor (N,), True where a row is held out.
#
# With the labels 0 1 0 0 1 0 2 0 0 0, the order 9 0 6 4 2 1 7 3 8 5 and the share 0.3, the rows 0, 4 and 9 are held out.


# %% exercise="11-split"
def held_out(labels: Tensor, order: Tensor, share: float) -> Tensor:
    """Return which rows (N,) are held out, class by class, as bool."""
    ### BEGIN SOLUTION
    held = torch.zeros(len(labels), dtype=torch.bool)
    for k in labels.unique():
        own = order[labels[order] == k]  # rows of the class, in the given order
        wanted = max(1, int(share * len(own) + 0.5))
        held[own[: min(len(own) - 1, wanted)]] = True
    return held
    ### END SOLUTION


check.held_out(held_out)

# %% [markdown] tags=["hint"]
# `labels[order]` are the classes in the random order. Which rows are of class k, in that order?

# %% [markdown] tags=["pseudocode"]
# nothing is held out yet
# for each class: list its rows in the given order
#     count how many to take: the rounded share, at least 1, at most all but one
#     hold out the first so many

# %% grade="11-split-tests" points=3
draw = torch.Generator().manual_seed(11)
for counts, share in (([7, 3, 1], 0.2), ([50, 10, 2], 0.2), ([6, 6, 2], 0.25)):
    labels = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    labels = labels[torch.randperm(len(labels), generator=draw)]
    order = torch.randperm(len(labels), generator=draw)
    held = held_out(labels, order, share)
    assert type(held) is Tensor and held.dtype is torch.bool and held.shape == labels.shape
    for k, n in enumerate(counts):
        own = [i for i in order.tolist() if labels[i] == k]
        wanted = min(n - 1, max(1, int(share * n + 0.5)))
        assert [i for i in own if held[i]] == own[:wanted]

# %% [markdown]
# ### Exercise 11.2 · Weights for rare classes
#
# *Difficulty 1 of 3, 8 minutes, objective 2.*
#
# Another way to help a rare class is to weigh its texts. Give class k the weight
#
# $$w_k = \frac{N}{K'\, n_k}$$
#
# where $n_k$ is its number of texts, N that of all texts, and $K'$ the number of classes that occur. A class without texts gets
# 0. Then each class has the same part in the mean, and the mean weight of a text is 1. Return a float tensor (K,).
#
# With six texts of class 0, two of class 1 and one of class 2 the weights are 0.5, 1.5 and 3.


# %% exercise="11-weights"
def class_weights(labels: Tensor, classes: int) -> Tensor:
    """Return the weight (K,) of each of `classes` classes, for labels (N,)."""
    ### BEGIN SOLUTION
    counts = torch.bincount(labels, minlength=classes).float()  # (K,)
    there = counts > 0
    return torch.where(there, len(labels) / (there.sum() * counts.clamp(min=1)), 0.0)
    ### END SOLUTION


check.class_weights(class_weights)

# %% [markdown] tags=["hint"]
# `torch.bincount` counts. Its `minlength` sees to classes without texts at the end.

# %% [markdown] tags=["pseudocode"]
# count the texts of each class
# where the count is 0: weight 0
# else: N over (number of classes that occur times the count)

# %% grade="11-weights-tests" points=2
for labels, classes in (([0, 0, 0, 1], 2), ([2, 2, 2, 0, 5, 5], 7), ([0, 1, 2], 3)):
    w = class_weights(torch.tensor(labels), classes)
    assert type(w) is Tensor and w.shape == (classes,) and w.is_floating_point()
    parts = [sum(float(w[k]) for k in labels if k == c) for c in range(classes)]
    there = [part for c, part in enumerate(parts) if c in labels]
    assert all(abs(part - len(labels) / len(there)) < 1e-5 for part in there)
    assert all(float(w[c]) == 0 for c in range(classes) if c not in labels)

# %% [markdown]
# ### Exercise 11.3 · Expected calibration error
#
# *Difficulty 2 of 3, 12 minutes, objective 3.*
#
# Put the answers into B bins of equal width by their confidence: bin b holds $b/B < c_i \le (b+1)/B$. With $n_b$ answers in
# bin b, their mean confidence $\bar c_b$ and their accuracy $a_b$,
#
# $$\mathrm{ECE} = \sum_b \frac{n_b}{N}\,|a_b - \bar c_b|$$
#
# where bins without answers are left out. `confidence` (N,) and `right` (N,), bool, go in; a scalar tensor comes out.
#
# Eight answers, four at 0.95 of which three are right, two at 0.65 that are right, one at 0.35 that is wrong and one at
# 0.38 that is right: 0.2213.


# %% exercise="11-ece"
def calibration_error(confidence: Tensor, right: Tensor, bins: int) -> Tensor:
    """Return the expected calibration error of answers (N,), a scalar."""
    ### BEGIN SOLUTION
    place = (confidence * bins).ceil().clamp(1, bins) - 1  # (N,)
    total = confidence.new_zeros(())
    for b in range(bins):
        inside = place == b
        if inside.any():
            gap = right[inside].to(confidence.dtype).mean() - confidence[inside].mean()
            total = total + inside.sum() / len(confidence) * gap.abs()
    return total.to(confidence.dtype)
    ### END SOLUTION


check.calibration_error(calibration_error)

# %% [markdown] tags=["hint"]
# Which answers are in bin b? A Boolean mask picks them; skip the bin if it picks none. `right` has to become a number
# before it has a mean.

# %% [markdown] tags=["pseudocode"]
# for each bin that has answers:
#     gap between their accuracy and their mean confidence, without its sign
#     add it, weighed by the bin's share of all answers

# %% grade="11-ece-tests" points=3
draw = torch.Generator().manual_seed(12)
for size, bins in ((1, 10), (40, 4), (300, 10)):
    confidence = torch.rand(size, generator=draw, dtype=torch.float64)
    right = torch.rand(size, generator=draw) < 0.6
    wanted = 0.0
    for b in range(bins):
        inside = [i for i, c in enumerate(confidence.tolist()) if b / bins < c <= (b + 1) / bins]
        if inside:
            sure = sum(confidence[i].item() for i in inside)
            wanted += abs(sum(right[i].item() for i in inside) - sure) / size
    found = calibration_error(confidence, right, bins)
    assert type(found) is Tensor and found.shape == () and abs(found.item() - wanted) < 1e-6

# %% [markdown]
# ### Exercise 11.4 · Which words?
#
# *Difficulty 1 of 3, 4 minutes, objective 4.*
#
# No code. A bank sorts its letters into three classes, in this order: stolen or lost cards; loans; changes of address. Which
# label words, in this order, would you try first?
#
# - a) card, money, customer
# - b) one, two, three
# - c) theft, loan, address
# - d) loan, theft, address
#
# Let `best_words` return the letter.


# %% exercise="11-words"
def best_words() -> str:
    """Return the letter of the set to try first."""
    ### BEGIN SOLUTION
    return "c"
    ### END SOLUTION


check.label_words(best_words)

# %% [markdown] tags=["hint"]
# Put each word before a letter of each class. Does it fit one class only? And does the k-th word stand for the k-th class?

# %% [markdown] tags=["pseudocode"]
# leave out the set whose words fit several classes
# leave out the set whose words say nothing
# of the two that are left, keep the one in the order of the classes

# %% grade="11-words-tests" points=1
assert best_words().strip(" ().").lower() == "c"
