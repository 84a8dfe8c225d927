# %%
import torch
from torch import Tensor

from dualcl_tutorial import check

# %% [markdown]
# ### Exercise 4.1 · The input, piece by piece
#
# *Difficulty 2 of 3, 12 minutes, objective 3.*
#
# Build one row of ids: `[CLS]`, the pieces of all labels in class order, `[SEP]`, the sentence, `[SEP]`.
#
# - `pieces`: a list for each label, with the ids of its pieces, such as `[[7], [8, 9], [5]]`
# - `sentence`: a list with the ids of the sentence, without special tokens
# - `label`: the class of the sentence
# - `cls`, `sep`: the ids of the two special tokens
# - `max_length`: the row may not be longer; only the sentence is ever cut, at its end
#
# A list of whole numbers comes out. `label` is among the arguments because a collator gets it; what should it be used for?
#
# The pieces above with the sentence `[21, 22, 23]` give `[101, 7, 8, 9, 5, 102, 21, 22, 23, 102]`, whatever the label.


# %% exercise="04-prefix"
def prefix_ids(
    pieces: list[list[int]], sentence: list[int], label: int, cls: int, sep: int, max_length: int
) -> list[int]:
    """Return the row of ids of a label-aware input, at most max_length long."""
    ### BEGIN SOLUTION
    # `label` is for nothing here: that is the point.
    start = [cls, *(piece for word in pieces for piece in word), sep]
    room = max(0, max_length - len(start) - 1)  # the last [SEP] needs a place
    return [*start, *sentence[:room], sep]
    ### END SOLUTION


check.prefix_ids(prefix_ids)

# %% [markdown] tags=["hint"]
# Count what is always there: three special tokens and the pieces of all labels. What is left of `max_length` is the
# room for the sentence.

# %% [markdown] tags=["pseudocode"]
# start: cls, then the pieces of each label one after another, then sep
# room: max_length minus the length of start minus 1
# return start, the first room ids of the sentence, sep

# %% grade="04-prefix-tests" points=3
for pieces, sentence, limit in (
    ([[7], [8, 9], [5]], [21, 22, 23], 16),
    ([[7], [8, 9], [5]], list(range(30, 60)), 12),
    ([[1], [2]], [], 16),
    ([[3, 3, 4], [6]], [9, 9], 9),
):
    flat = [piece for word in pieces for piece in word]
    kept = sentence[: limit - len(flat) - 3]
    for label in range(len(pieces)):
        row = prefix_ids(pieces, sentence, label, 101, 102, limit)
        assert list(row) == [101, *flat, 102, *kept, 102]

# %% [markdown]
# ### Exercise 4.2 · Slots under any order
#
# *Difficulty 2 of 3, 12 minutes, objective 1.*
#
# Labels have one piece or several, and stand in a drawn order: `order[j]` is the class at place j. Say where the pieces of
# each *class* stand in the row; place 0 is `[CLS]`.
#
# `piece_counts` (a list, one count a class) and `order` (a list of classes) go in. A tensor of whole numbers (K, most pieces)
# comes out: row k holds the places of class k, filled up with -1.
#
# With the counts `[2, 1, 1]` and the order `[2, 0, 1]` the labels stand as class 2, then 0, then 1, and the slots are
# `[[2, 3], [4, -1], [1, -1]]`.


# %% exercise="04-slots"
def label_slots(piece_counts: list[int], order: list[int]) -> Tensor:
    """Return the places (K, most pieces) of the pieces of each class, -1 for no piece."""
    ### BEGIN SOLUTION
    slots = torch.full((len(piece_counts), max(piece_counts)), -1)
    place = 1  # behind [CLS]
    for k in order:
        count = piece_counts[k]
        slots[k, :count] = torch.arange(place, place + count)
        place += count
    return slots
    ### END SOLUTION


check.label_slots(label_slots)

# %% [markdown] tags=["hint"]
# Walk along the row with a counter that begins behind `[CLS]`. At each place in the order, which row of the result is to
# be filled, and how far does the counter move on?

# %% [markdown] tags=["pseudocode"]
# slots: all -1; place: 1
# for each class in the order:
#     write place, place + 1, ... into the row of that class, as many as it has pieces
#     move place on by that number

# %% grade="04-slots-tests" points=3
for counts, order in (
    ([2, 1, 1], [2, 0, 1]),
    ([1, 1], [1, 0]),
    ([1, 3, 2, 1], [3, 1, 0, 2]),
    ([2, 2, 2], [0, 1, 2]),
):
    row = [k for k in order for _ in range(counts[k])]  # the class of each place behind [CLS]
    value = label_slots(counts, order)
    assert type(value) is torch.Tensor and value.shape == (len(counts), max(counts))
    for k, found in enumerate(value.tolist()):
        places = [1 + place for place, owner in enumerate(row) if owner == k]
        assert found == places + [-1] * (max(counts) - counts[k])

# %% [markdown]
# ### Exercise 4.3 · Read theta
#
# *Difficulty 2 of 3, 12 minutes, objective 2.*
#
# Formula (4.1) for a whole batch: column k of sentence i is the mean hidden state of the pieces of label k,
#
# $$\theta_i^k = \frac{1}{m_k}\sum_{s \in \text{slots}(k)} h_{i,s}$$
#
# `hidden` (N, L, d) and `slots` (N, K, pieces), -1 where there is no piece, go in; `theta` (N, K, d) comes out. Each sentence
# has slots of its own. No loop over sentences is needed, but one is allowed.
#
# Hidden states (1, 2) and (3, 4) at places 1 and 2 with slots `[1, 2]` give the column (2, 3).


# %% exercise="04-theta"
def read_theta(hidden: Tensor, slots: Tensor) -> Tensor:
    """Return theta (N, K, d) from hidden states (N, L, d) and slots (N, K, pieces)."""
    ### BEGIN SOLUTION
    there = (slots >= 0)[..., None]  # (N, K, pieces, 1)
    sentence = torch.arange(len(hidden))[:, None, None]  # (N, 1, 1): each reads its own states
    pieces = hidden[sentence, slots.clamp(min=0)] * there  # (N, K, pieces, d)
    return pieces.sum(2) / there.sum(2)  # (N, K, d) over (N, K, 1)
    ### END SOLUTION


check.read_theta(read_theta)

# %% [markdown] tags=["hint"]
# An index of -1 reads the last token. Read something harmless there instead (`slots.clamp(min=0)`), and make it 0 before
# you add up. Then divide by the number of pieces there are.

# %% [markdown] tags=["pseudocode"]
# there: slots that are not -1
# pieces: the hidden states at the slots, 0 where there is none
# return their sum over the pieces, divided by the number of pieces

# %% grade="04-theta-tests" points=4
draw = torch.Generator().manual_seed(41)
for counts, n in (([1, 2, 4], 3), ([1, 1], 1), ([3, 1, 2, 2], 4)):
    length, most = sum(counts) + 4, max(counts)
    hidden = torch.randn(n, length, 3, dtype=torch.float64, generator=draw, requires_grad=True)
    rows, wanted = [], []
    for i in range(n):
        place, slots, columns = 1, {}, []
        for k in torch.randperm(len(counts), generator=draw).tolist():
            slots[k] = list(range(place, place + counts[k]))
            place += counts[k]
        rows.append([slots[k] + [-1] * (most - counts[k]) for k in range(len(counts))])
        for k in range(len(counts)):
            states = [hidden[i, s].tolist() for s in slots[k]]
            columns.append([sum(column) / counts[k] for column in zip(*states)])
        wanted.append(columns)
    theta = read_theta(hidden, torch.tensor(rows))
    assert type(theta) is torch.Tensor and theta.shape == (n, len(counts), 3)
    assert (theta - torch.tensor(wanted, dtype=torch.float64)).abs().max() < 1e-6
    (slope,) = torch.autograd.grad(theta.sum(), hidden)
    assert abs(float(slope.sum()) - n * len(counts) * 3) < 1e-6 and float(slope[:, 0].sum()) == 0

# %% [markdown]
# ### Exercise 4.4 · Scores without a head
#
# *Difficulty 1 of 3, 6 minutes, objective 2.*
#
# Write the scores behind (8): $s_{ik} = \theta_i^k\cdot z_i$. `z` (N, d) and `theta` (N, K, d) go in, scores (N, K) come out.
# There are no loops, no parameters and no normalisation.
#
# The first sentence of the hand-sized batch has the scores (4.25, -1.5, -0.75).


# %% exercise="04-scores"
def label_scores(z: Tensor, theta: Tensor) -> Tensor:
    """Return the scores (N, K) of features z (N, d) with the classifiers theta (N, K, d)."""
    ### BEGIN SOLUTION
    return torch.einsum("nd,nkd->nk", z, theta)
    ### END SOLUTION


check.label_scores(label_scores)

# %% [markdown] tags=["hint"]
# `einsum` needs three letters: n for sentences, k for classes, d for what is added up. Which of them stands in both
# inputs and in the result?

# %% [markdown] tags=["pseudocode"]
# for each sentence and class: dot product of the sentence's feature with its own column
# (all at once: "nd,nkd->nk")

# %% grade="04-scores-tests" points=2
draw = torch.Generator().manual_seed(42)
for n, k, d in ((1, 2, 3), (4, 4, 4), (5, 3, 7)):
    z = torch.randn(n, d, dtype=torch.float64, generator=draw)
    theta = torch.randn(n, k, d, dtype=torch.float64, generator=draw, requires_grad=True)
    value = label_scores(z, theta)
    assert type(value) is torch.Tensor and value.shape == (n, k)
    for i in range(n):
        for c in range(k):
            dot = sum(a * b for a, b in zip(z[i].tolist(), theta[i, c].tolist()))
            assert abs(value[i, c].item() - dot) < 1e-6
    assert torch.autograd.grad(value[0, 0], theta)[0][0, 0].tolist() == z[0].tolist()

# %% [markdown]
# ### Exercise 4.5 · Find the fault
#
# *Difficulty 2 of 3, 8 minutes, objective 4.*
#
# No code to write: read these lines of a collator. `order[j]` is the class at place j, and the model is trained to point
# at a *place*.
#
# ```python
# order = [2, 0, 1, 4, 3]                  # drawn anew for each sentence
# prefix = [label_words[k] for k in order]
# target = order[y]                        # y: the true class
# ```
#
# There is a fault in the last line. For this order, and for y = 0, 1, 2, 3, 4: which class stands at the place that
# `target` names, so that this is what the sentence is taught? Let `taught_labels` return the five classes as a list.
#
# What to expect: some of the five are right by luck. Why would nobody notice with two classes?


# %% exercise="04-fault"
def taught_labels() -> list[int]:
    """Return the class each of the five sentences is taught, in the order y = 0, 1, 2, 3, 4."""
    ### BEGIN SOLUTION
    # The class at place order[y] is order[order[y]]: y itself only where y stays or two change places.
    order = [2, 0, 1, 4, 3]
    return [order[order[y]] for y in range(5)]
    ### END SOLUTION


check.taught_labels(taught_labels)

# %% [markdown] tags=["hint"]
# Take y = 0. The target is `order[0]`, which is 2. Which word stands at place 2 of the prefix?

# %% [markdown] tags=["pseudocode"]
# for each y: target is the number at place y of the order
# taught: the number at place target of the order

# %% grade="04-fault-tests" points=2
assert [int(k) for k in taught_labels()] == [1, 2, 0, 3, 4]
