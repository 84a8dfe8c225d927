# %%
import torch
import torch.nn.functional as F
from torch import Tensor

from dualcl_tutorial import check, losses

# %% [markdown]
# ### Exercise 3.1 · Two masks
#
# *Difficulty 1 of 3, 8 minutes, objective 1.*
#
# Write the two masks of lesson 03,
#
# $$A_i = I \setminus \{i\}, \qquad P_i = \{p \in A_i : y_p = y_i\},$$
#
# as Boolean matrices: `labels` (N,) goes in, `candidates` (N, N) and `positives` (N, N) come out, in this order.
# Row i belongs to anchor i. No loops are needed.
#
# Labels 0, 0, 1 should give the candidates `[[F, T, T], [T, F, T], [T, T, F]]` and the positives
# `[[F, T, F], [T, F, F], [F, F, F]]`.


# %% exercise="03-masks"
def pair_masks(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return candidates (N, N) and positives (N, N), both Boolean, for labels (N,)."""
    ### BEGIN SOLUTION
    candidates = ~torch.eye(len(labels), dtype=torch.bool)  # (N, N)
    same = labels[:, None] == labels[None, :]  # (N, 1) against (1, N): (N, N)
    return candidates, candidates & same
    ### END SOLUTION


check.pair_masks(pair_masks)

# %% [markdown] tags=["hint"]
# `torch.eye(N, dtype=torch.bool)` is the diagonal, and `~` turns a mask round. To compare every label with every
# other, give `labels` one more axis: `labels[:, None]` has shape (N, 1).

# %% [markdown] tags=["pseudocode"]
# candidates: everything but the diagonal
# same: entry (i, j) says whether label i equals label j
# positives: candidates that are also in same

# %% grade="03-masks-tests" points=2
for given in ([0, 0, 0, 1, 1, 2], [5], [3, 3, 3], [7, 0, 7, 0], [0, 1, 2, 3]):
    returned = pair_masks(torch.tensor(given))
    assert len(returned) == 2
    candidates, positives = returned
    for mask, wanted in (
        (candidates, [[i != j for j in range(len(given))] for i in range(len(given))]),
        (
            positives,
            [
                [i != j and given[i] == given[j] for j in range(len(given))]
                for i in range(len(given))
            ],
        ),
    ):
        assert type(mask) is torch.Tensor and mask.dtype is torch.bool
        assert mask.tolist() == wanted

# %% [markdown]
# ### Exercise 3.2 · Outside the logarithm
#
# *Difficulty 2 of 3, 12 minutes, objective 2.*
#
# Write the paper's (2) without loops over sentences:
#
# $$L_{sup} = \frac{1}{N'}\sum_{i:\,P_i\ne\emptyset}\frac{1}{|P_i|}\sum_{p\in P_i} -\log \frac{\exp(z_i\cdot z_p/\tau)}{\sum_{a\in A_i}\exp(z_i\cdot z_a/\tau)} \tag{2}$$
#
# The vectors $z_i$ are the rows of `features` at length 1; N' counts the anchors that have a partner. A batch where
# none has one gives 0. `features` (N, d) and `labels` (N,) go in; a scalar comes out, also at $\tau = 0.001$. Autograd must be
# able to go back through it. `pair_masks` of the package is there for you.
#
# The hand-sized batch gives 0.8026 at $\tau = 0.5$.


# %% exercise="03-outside"
def supcon_outside(features: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """Return the loss (2) of features (N, d) with labels (N,), a scalar."""
    candidates, positives = losses.pair_masks(labels)  # (N, N), (N, N)
    ### BEGIN SOLUTION
    counts = positives.any(1)  # (N,): anchors with a partner
    if not counts.any():
        return features.sum() * 0
    u = F.normalize(features, dim=1)  # (N, d)
    scores = (u @ u.T / temperature).masked_fill(~candidates, -torch.inf)  # (N, N)
    log_p = torch.log_softmax(scores, 1)[counts]  # (N', N)
    mine = positives[counts]  # (N', N)
    rows = -log_p.masked_fill(~mine, 0).sum(1) / mine.sum(1)  # (N',)
    return rows.mean()
    ### END SOLUTION


check.supcon_outside(supcon_outside)

# %% [markdown] tags=["hint"]
# Put $-\infty$ where there is no candidate, then take `torch.log_softmax` of each row. Go on with those rows only that
# have a partner: what is not there cannot become NaN.

# %% [markdown] tags=["pseudocode"]
# u: features at length 1
# scores: products of all pairs, over the temperature; minus infinity where there is no candidate
# log_p: log softmax of each row
# keep the rows with at least one positive (none: return a 0 that autograd can go through)
# each row: minus the mean of log_p over its positives, picked, not multiplied
# return the mean of the rows

# %% grade="03-outside-tests" points=4
import math


def _loops(features, labels, temperature):
    unit = [[x / math.sqrt(sum(y * y for y in row)) for x in row] for row in features.tolist()]
    y, rows = labels.tolist(), []
    for i in range(len(y)):
        score = {
            j: sum(a * b for a, b in zip(unit[i], unit[j])) / temperature
            for j in range(len(y))
            if j != i
        }
        mine = [s for j, s in score.items() if y[j] == y[i]]
        if mine:
            top = max(score.values())
            push = top + math.log(sum(math.exp(s - top) for s in score.values()))
            rows.append(push - sum(mine) / len(mine))
    return sum(rows) / max(len(rows), 1)


draw = torch.Generator().manual_seed(3)
for y, tau in (([0, 0, 0, 1, 1, 2], 0.5), ([1, 1, 0, 0], 0.001), ([0, 1], 0.1), ([2], 0.1)):
    x = torch.randn(len(y), 3, dtype=torch.float64, generator=draw, requires_grad=True)
    value = supcon_outside(x, torch.tensor(y), tau)
    assert type(value) is torch.Tensor and value.shape == () and value.dtype is torch.float64
    assert math.isclose(value.item(), _loops(x, torch.tensor(y), tau), abs_tol=1e-6)
    if len(set(y)) == 3:
        (slope,) = torch.autograd.grad(value, x)
        moved = x.detach().clone()
        moved[1, 2] += 1e-5
        up = _loops(moved, torch.tensor(y), tau)
        assert abs((up - value.item()) / 1e-5 - slope[1, 2].item()) < 1e-3

# %% [markdown]
# ### Exercise 3.3 · Inside the logarithm
#
# *Difficulty 2 of 3, 10 minutes, objective 2.*
#
# Move the sum to the other side of the logarithm:
#
# $$L_{in} = \frac{1}{N'}\sum_{i:\,P_i\ne\emptyset} -\log \frac{1}{|P_i|}\sum_{p\in P_i} \frac{\exp(z_i\cdot z_p/\tau)}{\sum_{a\in A_i}\exp(z_i\cdot z_a/\tau)}$$
#
# All else is as in exercise 3.2. **Predict before you run:** on the hand-sized batch, is the value above or below
# 0.8026? One inequality answers for every batch.
#
# It is 0.7780 at $\tau = 0.5$: below, as Jensen says. And at $\tau = 0.001$ it must still be finite.


# %% exercise="03-inside"
def supcon_inside(features: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """Return the loss with the sum inside the logarithm, a scalar."""
    candidates, positives = losses.pair_masks(labels)  # (N, N), (N, N)
    ### BEGIN SOLUTION
    counts = positives.any(1)  # (N,)
    if not counts.any():
        return features.sum() * 0
    u = F.normalize(features, dim=1)  # (N, d)
    scores = u @ u.T / temperature  # (N, N)
    push = scores.masked_fill(~candidates, -torch.inf)[counts].logsumexp(1)  # (N',)
    pull = scores.masked_fill(~positives, -torch.inf)[counts].logsumexp(1)  # (N',)
    return (push - pull + positives.sum(1)[counts].log()).mean()
    ### END SOLUTION


check.supcon_inside(supcon_inside)

# %% [markdown] tags=["hint"]
# A logarithm of a fraction is a difference. What is left of each half is a logsumexp: one over the candidates, one over
# the positives. Where does $1/|P_i|$ go?

# %% [markdown] tags=["pseudocode"]
# scores as in exercise 3.2
# push: logsumexp of each row over the candidates
# pull: logsumexp of each row over the positives, minus the logarithm of their number
# return the mean of push minus pull over the rows with a positive

# %% grade="03-inside-tests" points=4
import math


def _loops_inside(features, labels, temperature):
    unit = [[x / math.sqrt(sum(y * y for y in row)) for x in row] for row in features.tolist()]
    y, rows = labels.tolist(), []
    for i in range(len(y)):
        score = {
            j: sum(a * b for a, b in zip(unit[i], unit[j])) / temperature
            for j in range(len(y))
            if j != i
        }
        mine = [s for j, s in score.items() if y[j] == y[i]]
        if mine:
            top, best = max(score.values()), max(mine)
            push = top + math.log(sum(math.exp(s - top) for s in score.values()))
            pull = best + math.log(sum(math.exp(s - best) for s in mine) / len(mine))
            rows.append(push - pull)
    return sum(rows) / max(len(rows), 1)


draw = torch.Generator().manual_seed(4)
for y, tau in (([0, 0, 0, 1, 1, 2], 0.5), ([1, 0, 1, 0], 1e-4), ([0, 1], 0.1), ([2], 0.1)):
    x = torch.randn(len(y), 3, dtype=torch.float64, generator=draw, requires_grad=True)
    value = supcon_inside(x, torch.tensor(y), tau)
    assert type(value) is torch.Tensor and value.shape == () and value.dtype is torch.float64
    assert math.isclose(value.item(), _loops_inside(x, torch.tensor(y), tau), abs_tol=1e-6)
    if len(set(y)) == 3:
        (slope,) = torch.autograd.grad(value, x)
        moved = x.detach().clone()
        moved[1, 2] += 1e-5
        up = _loops_inside(moved, torch.tensor(y), tau)
        assert abs((up - value.item()) / 1e-5 - slope[1, 2].item()) < 1e-3

# %% [markdown]
# ### Exercise 3.4 · The gradient of one anchor
#
# *Difficulty 3 of 3, 15 minutes, objective 3.*
#
# With the scores $s_{ij} = z_i\cdot z_j/\tau$, the loss of anchor i is
#
# $$L_i = \log\sum_{a\in A_i} e^{s_{ia}} - \frac{1}{|P_i|}\sum_{p\in P_i} s_{ip}.$$
#
# Derive $\partial L_i/\partial z_i$ on paper, with all other vectors held fixed, and write it without autograd.
# `unit` (N, d) holds the vectors, which have length 1 already (leave that step out), `anchor` is the number i. A vector (d,)
# comes out; for an anchor without a partner it is 0.
#
# Anchor 0 of the hand-sized batch (the lesson's anchor 1) gives (-0.0443, -0.4430) at $\tau = 0.5$.


# %% exercise="03-gradient"
def anchor_gradient(unit: Tensor, labels: Tensor, anchor: int, temperature: float) -> Tensor:
    """Return the gradient (d,) of one anchor's loss with respect to its vector, unit (N, d)."""
    candidates, positives = (mask[anchor] for mask in losses.pair_masks(labels))  # (N,), (N,)
    ### BEGIN SOLUTION
    if not positives.any():
        return torch.zeros_like(unit[anchor])
    scores = unit @ unit[anchor] / temperature  # (N,)
    share = torch.softmax(scores.masked_fill(~candidates, -torch.inf), 0)  # (N,): believed
    wanted = positives / positives.sum()  # (N,): what it should be
    return (share - wanted).to(unit.dtype) @ unit / temperature  # (d,)
    ### END SOLUTION


check.anchor_gradient(anchor_gradient)

# %% [markdown] tags=["hint"]
# Two steps of the chain rule. The lesson has $\partial L_i/\partial s_{ij}$. And what is $\partial s_{ij}/\partial z_i$?

# %% [markdown] tags=["pseudocode"]
# no positive: return zeros
# scores of this anchor with everyone; softmax over its candidates
# weight of each j: softmax, minus 1 over the number of positives where j is one
# return the sum of weight j times vector j, over the temperature

# %% grade="03-gradient-tests" points=4
import math


def _anchor_loss(vector, others, y, i, tau):
    score = {j: float(vector @ others[j]) / tau for j in range(len(y)) if j != i}
    mine = [s for j, s in score.items() if y[j] == y[i]]
    if not mine:
        return 0.0
    top = max(score.values())
    push = top + math.log(sum(math.exp(s - top) for s in score.values()))
    return push - sum(mine) / len(mine)


draw = torch.Generator().manual_seed(5)
y = [0, 0, 0, 1, 1, 2]
x = torch.randn(6, 3, dtype=torch.float64, generator=draw)
x = x / x.square().sum(1, keepdim=True).sqrt()
for i in range(6):
    value = anchor_gradient(x, torch.tensor(y), i, 0.3)
    assert type(value) is torch.Tensor and value.shape == (3,)
    for axis in range(3):
        step = torch.zeros(3, dtype=torch.float64)
        step[axis] = 1e-5
        up, down = (_anchor_loss(x[i] + s, x, y, i, 0.3) for s in (step, -step))
        assert abs((up - down) / 2e-5 - value[axis].item()) < 1e-5
assert anchor_gradient(x, torch.tensor(y), 0, 1e-3).isfinite().all()

# %% [markdown]
# ### Exercise 3.5 · The floor of a batch
#
# *Difficulty 1 of 3, 5 minutes, objective 4.*
#
# No code this time. A batch holds eight sentences: four about food, three about films, one about a phone. Below which value
# can no features and no temperature bring its contrastive loss? Work it out on paper and let `batch_floor` return the
# number, in nats, with two decimals at least.
#
# What to expect: a number between 0 and $\log 7 = 1.95$.


# %% exercise="03-floor"
def batch_floor() -> float:
    """Return the floor of the batch of eight."""
    ### BEGIN SOLUTION
    # Four anchors have three partners, three have two, and the phone does not count:
    # (4 log 3 + 3 log 2) / 7 = (4.394 + 2.079) / 7
    return 0.925
    ### END SOLUTION


check.batch_floor(batch_floor)

# %% [markdown] tags=["hint"]
# How many partners has a sentence about food? One about a film? The phone? The floor is a mean over anchors, and one of
# the eight is not among them.

# %% [markdown] tags=["pseudocode"]
# for each anchor that has a partner: the logarithm of the number of its partners
# return their mean

# %% grade="03-floor-tests" points=2
import math

value = batch_floor()
assert not isinstance(value, str)
assert abs(float(value) - sum(4 * [math.log(3)] + 3 * [math.log(2)]) / 7) < 0.0052
