# %%
import torch
import torch.nn.functional as F
from torch import Tensor

from dualcl_tutorial import check

# %% [markdown]
# ### Exercise 7.1 · Symptom: below zero
#
# *Difficulty 2 of 3, 12 minutes, objective 1.*
#
# A colleague sends you this loss. It should be the paper's (3) (or (4), with the arguments changed round), with the mean
# over the anchors that have a partner, and 0 where none has. On two sentences of different classes it returns -11.
#
# ```python
# def her_loss(anchor, target, labels, temperature):
#     cosines = F.normalize(anchor, dim=1) @ F.normalize(target, dim=1).T  # (N, N)
#     same = labels[:, None] == labels  # (N, N)
#     scores = torch.where(same, cosines, cosines / temperature)
#     own = torch.eye(len(labels), dtype=torch.bool)
#     push = scores.masked_fill(own, -torch.inf).logsumexp(1)  # (N,)
#     pull = (scores * same).sum(1) / same.sum(1)  # (N,)
#     return (push - pull).mean()
# ```
#
# Repair it. `anchor` and `target` are (N, d), `labels` (N,); a scalar comes out that autograd can go back through. There
# is more than one fault, and only one of them shows in the sign.
#
# With the hand-sized batch's $z$ as anchors and $\theta^*$ as targets, the right loss at $\tau = 0.5$ is 0.6863.


# %% exercise="07-below-zero"
def repaired_loss(anchor: Tensor, target: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """Return the loss (3) of anchors and targets (N, d) with labels (N,), a scalar."""
    ### BEGIN SOLUTION
    scores = F.normalize(anchor, dim=1) @ F.normalize(target, dim=1).T / temperature  # (N, N)
    own = torch.eye(len(labels), dtype=torch.bool)
    positives = (labels[:, None] == labels) & ~own  # (N, N)
    counts = positives.any(1)  # (N,): anchors with a partner
    if not counts.any():
        return (anchor.sum() + target.sum()) * 0
    push = scores.masked_fill(own, -torch.inf)[counts].logsumexp(1)  # (N',)
    pull = scores.masked_fill(~positives, 0)[counts].sum(1) / positives.sum(1)[counts]  # (N',)
    return (push - pull).mean()
    ### END SOLUTION


check.below_zero(repaired_loss)

# %% [markdown] tags=["hint"]
# Take a batch of two sentences of different classes and write down, for one anchor, which pairs stand in `push` and which in
# `pull`. Then compare what each of them is divided by.

# %% [markdown] tags=["pseudocode"]
# all cosines over the temperature
# positives: same class, but not the own pair
# no anchor with a positive: return a 0 that autograd can go through
# push: logsumexp of each row without the own pair
# pull: mean of each row over its positives
# return the mean of push minus pull over the anchors with a positive

# %% grade="07-below-zero-tests" points=4
import math


def _paper_loops(anchor, target, labels, tau):
    unit = [
        [[x / math.sqrt(sum(y * y for y in row)) for x in row] for row in rows.tolist()]
        for rows in (anchor, target)
    ]
    y, losses = labels.tolist(), []
    for i in range(len(y)):
        s = [sum(a * b for a, b in zip(unit[0][i], other)) / tau for other in unit[1]]
        mine = [s[j] for j in range(len(y)) if j != i and y[j] == y[i]]
        if mine:
            others = [s[j] for j in range(len(y)) if j != i]
            push = max(others) + math.log(sum(math.exp(x - max(others)) for x in others))
            losses.append(push - sum(mine) / len(mine))
    return sum(losses) / max(1, len(losses))


draw = torch.Generator().manual_seed(7)
for y, tau in (([0, 0, 0, 1, 1, 2], 0.5), ([0, 1], 0.1), ([4], 0.1), ([1, 0, 1, 0], 0.001)):
    a, b = torch.randn(2, len(y), 3, dtype=torch.float64, generator=draw)
    a.requires_grad_()
    value = repaired_loss(a, b, torch.tensor(y), tau)
    assert type(value) is torch.Tensor and value.shape == ()
    assert math.isclose(value.item(), _paper_loops(a, b, torch.tensor(y), tau), abs_tol=1e-6)
    (slope,) = torch.autograd.grad(value, a)
    assert slope.isfinite().all() and (len(set(y)) == len(y) or slope.abs().sum() > 0)

# %% [markdown]
# ### Exercise 7.2 · Symptom: no rest
#
# *Difficulty 2 of 3, 10 minutes, objective 2.*
#
# The next loss is never negative. But eight sentences of one class, all at cosine -1, give 10, and at cosine 1 something near
# $\log 7$. The paper's loss is $\log 7$ both times.
#
# ```python
# def his_loss(anchor, target, labels, temperature):
#     scores = F.normalize(anchor, dim=1) @ F.normalize(target, dim=1).T / temperature
#     own = torch.eye(len(labels), dtype=torch.bool)
#     positives = (labels[:, None] == labels) & ~own
#     log_p = scores.masked_fill(own, 0).log_softmax(1)  # (N, N)
#     rows = -(log_p * positives).sum(1) / positives.sum(1).clamp(min=1)  # (N,)
#     return rows.sum() / positives.any(1).sum().clamp(min=1)
# ```
#
# Compare it with (3) term by term and repair it. Everything else about it is right: keep that, the 0 for a batch in which
# nobody has a partner included (a batch of one is such a batch).
#
# The hand-sized batch gives 0.6863 again; as it stands, the code above returns 0.7745.


# %% exercise="07-no-rest"
def resting_loss(anchor: Tensor, target: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """Return the loss (3) of anchors and targets (N, d) with labels (N,), a scalar."""
    ### BEGIN SOLUTION
    scores = F.normalize(anchor, dim=1) @ F.normalize(target, dim=1).T / temperature  # (N, N)
    own = torch.eye(len(labels), dtype=torch.bool)
    positives = (labels[:, None] == labels) & ~own
    counts = positives.any(1)  # (N,)
    if not counts.any():
        return (anchor.sum() + target.sum()) * 0
    log_p = scores.masked_fill(own, -torch.inf)[counts].log_softmax(1)  # exp(-inf) is 0
    rows = -log_p.masked_fill(~positives[counts], 0).sum(1)  # picked: 0 times -inf is NaN
    return (rows / positives.sum(1)[counts]).mean()
    ### END SOLUTION


check.no_rest(resting_loss)

# %% [markdown] tags=["hint"]
# A softmax exponentiates. Which number must stand at the own pair so that its exponential is 0? Then mind what that number
# does when it is multiplied by a mask.

# %% [markdown] tags=["pseudocode"]
# scores as given; minus infinity at the own pair
# log softmax of each row that has a positive
# pick the positives with masked_fill, not by multiplying
# mean over the positives of each row, then over these rows

# %% grade="07-no-rest-tests" points=3
import math


def _one_anchor(scores, y, i):
    others = [scores[j] for j in range(len(y)) if j != i]
    mine = [scores[j] for j in range(len(y)) if j != i and y[j] == y[i]]
    push = max(others) + math.log(sum(math.exp(x - max(others)) for x in others))
    return push - sum(mine) / len(mine)


eight = torch.tensor([[0.6, 0.8]], dtype=torch.float64).repeat(8, 1).requires_grad_()
for cosine in (1.0, -1.0):
    value = resting_loss(eight, cosine * eight.detach(), torch.zeros(8).long(), 0.1)
    assert type(value) is torch.Tensor and value.shape == ()
    assert math.isclose(value.item(), math.log(7), abs_tol=1e-6)
draw = torch.Generator().manual_seed(8)
for y, tau in (([0, 0, 1, 1, 2], 0.5), ([0, 1, 0], 0.1), ([2, 2, 2, 2], 0.001)):
    a, b = torch.randn(2, len(y), 4, dtype=torch.float64, generator=draw)
    cosines = a @ b.T / a.norm(dim=1)[:, None] / b.norm(dim=1)
    partnered = [i for i in range(len(y)) if y.count(y[i]) > 1]
    wanted = [_one_anchor((cosines[i] / tau).tolist(), y, i) for i in partnered]
    value = resting_loss(a.requires_grad_(), b, torch.tensor(y), tau)
    assert math.isclose(value.item(), sum(wanted) / len(wanted), rel_tol=1e-6, abs_tol=1e-6)
    assert torch.autograd.grad(value, a)[0].isfinite().all()
lonely = resting_loss(a[:2], b[:2], torch.tensor([0, 1]), 0.1)
assert lonely.item() == 0 and resting_loss(a[:1], b[:1], torch.tensor([0]), 0.1).item() == 0

# %% [markdown]
# ### Exercise 7.3 · Symptom: right with two classes only
#
# *Difficulty 2 of 3, 8 minutes, objective 3.*
#
# Label words stand in another order before each sentence: `order[i, j]` is the class at place j before sentence i. A model
# that answers with a place needs the place of the true class as its target. This code passes all tests on reviews
# (positive, negative) and fails on TREC:
#
# ```python
# def their_places(order, labels):
#     return order.gather(1, labels[:, None])[:, 0]  # order[i, y_i]
# ```
#
# Repair it: `order` (N, K) and `labels` (N,) go in, places (N,) from 0 to K - 1 come out, for all sentences at once.
#
# With the orders (2, 0, 1), (2, 0, 1), (1, 0, 2) and the classes 0, 1, 2 the places are 1, 2, 2.


# %% exercise="07-places"
def true_places(order: Tensor, labels: Tensor) -> Tensor:
    """Return the place (N,) of the true class labels (N,) in each row of order (N, K)."""
    ### BEGIN SOLUTION
    inverse = order.argsort(1)  # (N, K): at which place class k stands
    return inverse.gather(1, labels[:, None])[:, 0]
    ### END SOLUTION


check.true_places(true_places)

# %% [markdown] tags=["hint"]
# The code looks up which class stands at place y. You need the other direction: where class y stands. What does
# `argsort` of a permutation give?

# %% [markdown] tags=["pseudocode"]
# for each sentence: find j such that order[i, j] equals the label
# (all at once: the inverse of a permutation is its argsort)

# %% grade="07-places-tests" points=3
draw = torch.Generator().manual_seed(9)
for classes in (2, 3, 6):
    order = torch.rand(30, classes, generator=draw).argsort(1)
    labels = torch.randint(classes, (30,), generator=draw)
    places = true_places(order, labels)
    assert type(places) is torch.Tensor and places.shape == (30,)
    assert places.tolist() == [row.index(y) for row, y in zip(order.tolist(), labels.tolist())]

# %% [markdown]
# ### Exercise 7.4 · With fifty classes
#
# *Difficulty 1 of 3, 5 minutes, objective 3.*
#
# No code: suppose the task has 50 classes, and the code of exercise 7.3 is not repaired. Orders are drawn at random.
# Which share of the targets is right? Let `right_share` return the number, between 0 and 1.
#
# What to expect: something far below a half. Check your rule on two classes, where it must give 1.


# %% exercise="07-share"
def right_share() -> float:
    """Return the share of right targets with 50 classes."""
    ### BEGIN SOLUTION
    # A label is right in a cycle of length 1 or of length 2; each has probability 1/50.
    return 2 / 50
    ### END SOLUTION


check.right_share(right_share)

# %% [markdown] tags=["hint"]
# `order[y]` and the place of y agree if going twice through the order leads back to y. How often does y stay at its own
# place? How often does it change places with another class?

# %% [markdown] tags=["pseudocode"]
# probability that y stands at its own place
# plus probability that y and another class have changed places

# %% grade="07-share-tests" points=1
value = right_share()
assert not isinstance(value, str | bool)
assert abs(float(value) - 0.04) < 0.0005

# %% [markdown]
# ### Exercise 7.5 · Two ways to weigh
#
# *Difficulty 1 of 3, 6 minutes, objective 2.*
#
# The paper weighs with $L_{CE} + \lambda(L_z + L_\theta)$, the last release with
# $(1-\alpha)L_{CE} + \frac{\alpha}{2}(L_z + L_\theta)$. A constant factor before the whole loss does not count here: only
# the ratio of the two parts does. Which $\alpha$ gives the ratio of a given $\lambda$?
#
# Predict first: is $\alpha$ above or below $\lambda$? For $\lambda = 0.1$ it is 0.1667.


# %% exercise="07-alpha"
def release_alpha(weight: float) -> float:
    """Return the alpha that weighs as lambda, `weight` at least 0, does."""
    ### BEGIN SOLUTION
    # alpha / 2 / (1 - alpha) = lambda, solved for alpha
    return 2 * weight / (1 + 2 * weight)
    ### END SOLUTION


check.release_alpha(release_alpha)

# %% [markdown] tags=["hint"]
# Divide what stands before $L_z$ by what stands before $L_{CE}$, in both formulas, and set the two equal.

# %% [markdown] tags=["pseudocode"]
# write alpha over 2 (1 - alpha) equals lambda
# solve for alpha

# %% grade="07-alpha-tests" points=2
for weight in (0.01, 0.05, 0.1, 0.5, 2.0):
    alpha = release_alpha(weight)
    assert not isinstance(alpha, str)
    assert abs(float(alpha) / 2 / (1 - float(alpha)) - weight) < 1e-6

# %% [markdown]
# ### Exercise 7.6 · The test that was missing
#
# *Difficulty 3 of 3, 15 minutes, objective 4.*
#
# Write a test of losses: `sound(loss)` returns True if the loss is the paper's, and False for the losses of case one and
# case two and for relatives of theirs. `loss` takes `anchor` (N, d), `target` (N, d) and `labels` (N,), has the temperature 0.1
# inside and returns a scalar. You may call it as often as you like, and should not compare it with the package: choose
# batches whose value you know beforehand.
#
# What to expect: two batches are enough, if you choose them well.


# %% exercise="07-own-test"
def sound(loss) -> bool:
    """Return whether the loss passes: known values on batches chosen for it."""
    ### BEGIN SOLUTION
    point = torch.tensor([[0.6, 0.8]], dtype=torch.float64).repeat(8, 1)  # (N, d)
    one_class = torch.zeros(8, dtype=torch.long)
    flat = [float(loss(point, cosine * point, one_class)) for cosine in (1.0, -1.0)]
    alone = float(loss(torch.eye(2).double(), -torch.eye(2).double(), torch.tensor([0, 1])))
    log_7 = 1.9459101
    return all(abs(value - log_7) < 1e-3 for value in flat) and abs(alone) < 1e-3
    ### END SOLUTION


check.own_test(sound)

# %% [markdown] tags=["hint"]
# Recall 2 of the lesson is one such batch. The other is a batch in which nobody has a partner.

# %% [markdown] tags=["pseudocode"]
# eight sentences of one class at one point, targets at cosine 1, then at -1: log 7 both times
# two sentences of two classes: 0
# compare with room for rounding


# %% grade="07-own-test-tests" points=3
def _loss(own_below=False, own_pull=False, zero_own=False, scaled=True):
    def loss(anchor, target, labels):
        cosines = F.normalize(anchor, dim=1) @ F.normalize(target, dim=1).T
        same = labels[:, None] == labels
        scores = cosines / 0.1 if scaled else torch.where(same, cosines, cosines / 0.1)
        rows = []
        for i in range(len(labels)):
            others = [j for j in range(len(labels)) if j != i or own_below]
            mine = [j for j in range(len(labels)) if same[i, j] and (j != i or own_pull)]
            below = torch.cat([scores[i, others], torch.zeros(int(zero_own), dtype=scores.dtype)])
            if mine:
                rows.append(below.logsumexp(0) - scores[i, mine].mean())
        return torch.stack(rows).mean() if rows else scores.sum() * 0

    return loss


answers = [sound(_loss())] + [
    sound(_loss(**fault))
    for fault in (
        {"own_pull": True, "scaled": False},
        {"zero_own": True},
        {"own_below": True},
        {"own_below": True, "own_pull": True},
    )
]
assert [bool(answer) for answer in answers] == [True, False, False, False, False]
