# %%
import torch
import torch.nn.functional as F
from torch import Tensor

from dualcl_tutorial import check, losses

# %% [markdown]
# ### Exercise 5.1 · Two terms out of one matrix
#
# *Difficulty 2 of 3, 15 minutes, objective 1.*
#
# On an empty page, without loops over sentences: the paper's (3) and (4),
#
# $$L_z = \frac{1}{N'}\sum_{i:\,P_i\ne\emptyset}\frac{1}{|P_i|}\sum_{p\in P_i}-\log\frac{\exp(\theta^*_p\cdot z_i/\tau)}{\sum_{a\in A_i}\exp(\theta^*_a\cdot z_i/\tau)} \tag{3}$$
#
# $$L_\theta = \frac{1}{N'}\sum_{i:\,P_i\ne\emptyset}\frac{1}{|P_i|}\sum_{p\in P_i}-\log\frac{\exp(\theta^*_i\cdot z_p/\tau)}{\sum_{a\in A_i}\exp(\theta^*_i\cdot z_a/\tau)} \tag{4}$$
#
# with all vectors at length 1. `z` (N, d), `theta` (N, K, d) and `labels` (N,) go in; the two scalars $L_z$ and $L_\theta$ come
# out, in this order. A batch without partners gives 0 twice, and $\tau = 0.001$ must not overflow.
#
# The hand-sized batch gives 0.6863 and 0.6957 at $\tau = 0.5$.


# %% exercise="05-dual"
def dual_terms(
    z: Tensor, theta: Tensor, labels: Tensor, temperature: float
) -> tuple[Tensor, Tensor]:
    """Return L_z and L_theta, two scalars, of z (N, d), theta (N, K, d), labels (N,)."""
    candidates, positives = losses.pair_masks(labels)  # (N, N), (N, N)
    ### BEGIN SOLUTION
    theta_star = theta[torch.arange(len(labels)), labels]  # (N, d)
    t, u = F.normalize(theta_star, dim=1), F.normalize(z, dim=1)  # (N, d), (N, d)
    S = t @ u.T / temperature  # (N, N): row i is theta*_i, column j is z_j
    counts = positives.any(1)  # (N,): anchors with a partner

    def contrast(scores: Tensor) -> Tensor:
        """Contrast the anchors, which are the rows of scores (N, N)."""
        push = scores.masked_fill(~candidates, -torch.inf)[counts].logsumexp(1)  # (N',)
        pull = scores.masked_fill(~positives, 0)[counts].sum(1) / positives[counts].sum(1)  # (N',)
        return (push - pull).sum() / counts.sum().clamp(min=1)

    return contrast(S.T), contrast(S)
    ### END SOLUTION


check.dual_terms(dual_terms)

# %% [markdown] tags=["hint"]
# First pick $\theta^*_i$: one column of each sentence, so two indices side by side. Then make one matrix of products. In which
# direction do you read it when $z_i$ is the anchor?

# %% [markdown] tags=["pseudocode"]
# theta_star: for each sentence i, its column number label i
# both to length 1; S: products of all theta_star with all z, over the temperature
# contrast(scores), anchors in the rows:
#     push: logsumexp of each row over its candidates; pull: mean over its positives
#     mean of push minus pull over the rows that have a positive
# L_z: contrast of S turned over; L_theta: contrast of S

# %% grade="05-dual-tests" points=5
import math


def _term(anchor, target, y, tau):
    def unit(row):
        return [x / math.sqrt(sum(v * v for v in row)) for x in row]

    anchor, target, rows = [unit(r) for r in anchor], [unit(r) for r in target], []
    for i in range(len(y)):
        score = {
            j: sum(a * b for a, b in zip(anchor[i], target[j])) / tau
            for j in range(len(y))
            if j != i
        }
        mine = [s for j, s in score.items() if y[j] == y[i]]
        if mine:
            top = max(score.values())
            push = top + math.log(sum(math.exp(s - top) for s in score.values()))
            rows.append(push - sum(mine) / len(mine))
    return sum(rows) / max(len(rows), 1)


draw = torch.Generator().manual_seed(6)
for y, tau in (([0, 0, 0, 1, 1, 2], 0.5), ([1, 1, 0, 0], 0.001), ([0, 1], 0.1), ([2], 0.1)):
    x = torch.randn(len(y), 3, dtype=torch.float64, generator=draw)
    w = torch.randn(len(y), 3, 3, dtype=torch.float64, generator=draw, requires_grad=True)
    returned = dual_terms(x, w, torch.tensor(y), tau)
    assert len(returned) == 2
    star = [w[i, k].tolist() for i, k in enumerate(y)]
    wanted = _term(x.tolist(), star, y, tau), _term(star, x.tolist(), y, tau)
    for value, right in zip(returned, wanted):
        assert type(value) is torch.Tensor and value.shape == ()
        assert math.isclose(value.item(), right, abs_tol=1e-6)
    if len(set(y)) == 3:
        (slope,) = torch.autograd.grad(returned[0] + returned[1], w)
        moved = [list(row) for row in star]
        moved[1][2] += 1e-5
        up = _term(x.tolist(), moved, y, tau) + _term(moved, x.tolist(), y, tau)
        assert abs((up - sum(wanted)) / 1e-5 - slope[1, y[1], 2].item()) < 1e-3

# %% [markdown]
# ### Exercise 5.2 · The whole loss
#
# *Difficulty 1 of 3, 8 minutes, objective 3.*
#
# Put (6) and (5) together as the paper's (7),
#
# $$L_{CE} = \frac1N\sum_{i} -\log\frac{\exp(\theta^*_i\cdot z_i)}{\sum_{k}\exp(\theta_i^k\cdot z_i)} \tag{6}$$
#
# $$L_{overall} = L_{CE} + \lambda\,(L_z + L_\theta), \tag{7}$$
#
# with $\lambda$ as `weight`. For the two dual terms take `losses.dual_contrastive_loss`. A scalar comes out.
#
# The hand-sized batch gives 0.2606 at $\lambda = 0.1$ and $\tau = 0.5$.


# %% exercise="05-whole"
def whole_loss(
    z: Tensor, theta: Tensor, labels: Tensor, weight: float, temperature: float
) -> Tensor:
    """Return the loss (7), a scalar, of z (N, d), theta (N, K, d), labels (N,)."""
    loss_z, loss_theta = losses.dual_contrastive_loss(z, theta, labels, temperature=temperature)
    ### BEGIN SOLUTION
    scores = torch.einsum("nkd,nd->nk", theta, z)  # (N, K): each sentence with its own columns
    return F.cross_entropy(scores, labels) + weight * (loss_z + loss_theta)
    ### END SOLUTION


check.whole_loss(whole_loss)

# %% [markdown] tags=["hint"]
# The scores are (N, K): row i holds the products of $z_i$ with the K columns of sentence i. `torch.einsum` writes this in
# one line. Are the vectors of (6) at length 1?

# %% [markdown] tags=["pseudocode"]
# scores (i, k): product of theta_i^k and z_i, as they are
# cross-entropy of the scores with the labels
# add weight times the sum of both dual terms

# %% grade="05-whole-tests" points=3
import math


def _right(x, w, y, weight):
    ce = 0.0
    for i, k in enumerate(y):
        score = [sum(a * b for a, b in zip(w[i][c], x[i])) for c in range(3)]
        ce += (math.log(sum(math.exp(s) for s in score)) - score[k]) / len(y)

    def cosine(a, b):
        return sum(p * q for p, q in zip(a, b)) / math.hypot(*a) / math.hypot(*b)

    dual, star = 0.0, [w[i][k] for i, k in enumerate(y)]
    for anchors, targets in ((x, star), (star, x)):
        rows = []
        for i in range(len(y)):
            score = {j: cosine(anchors[i], targets[j]) / 0.3 for j in range(len(y)) if j != i}
            mine = [s for j, s in score.items() if y[j] == y[i]]
            if mine:
                push = math.log(sum(math.exp(s) for s in score.values()))
                rows.append(push - sum(mine) / len(mine))
        dual += sum(rows) / max(len(rows), 1)
    return ce + weight * dual


draw = torch.Generator().manual_seed(7)
for y, weight in (([0, 0, 0, 1, 1, 2], 0.1), ([1, 0, 1], 0.0), ([2], 0.5)):
    x = torch.randn(len(y), 4, dtype=torch.float64, generator=draw)
    w = torch.randn(len(y), 3, 4, dtype=torch.float64, generator=draw, requires_grad=True)
    value = whole_loss(x, w, torch.tensor(y), weight, 0.3)
    assert type(value) is torch.Tensor and value.shape == ()
    right = _right(x.tolist(), w.tolist(), y, weight)
    assert math.isclose(value.item(), right, abs_tol=1e-6)
    (slope,) = torch.autograd.grad(value, w)
    moved = w.tolist()
    moved[0][y[0]][1] += 1e-6
    step = (_right(x.tolist(), moved, y, weight) - right) / 1e-6
    assert abs(step - slope[0, y[0], 1].item()) < 1e-4

# %% [markdown]
# ### Exercise 5.3 · Who moves a wrong column?
#
# *Difficulty 2 of 3, 10 minutes, objective 3.*
#
# Take the whole loss (7). **Predict first:** when $\lambda$ doubles, does the gradient of a *wrong* column $\theta_i^k$, $k \ne y_i$, double
# too, stay, or fall?
#
# Then write $\partial L_{overall}/\partial\theta_i^k$ for all wrong columns, by hand, without autograd. The shape is that of `theta`, (N, K, d); put 0
# at the true columns $\theta^*_i$, which are not asked for. You will see which of the arguments you need.
#
# For sentence 4 of the hand-sized batch (class 1) the column of class 0 gives (-0.0062, 0.0093).


# %% exercise="05-wrong-columns"
def wrong_columns(
    z: Tensor, theta: Tensor, labels: Tensor, weight: float, temperature: float
) -> Tensor:
    """Return the gradient (N, K, d) of (7) with respect to wrong columns; 0 at true ones."""
    scores = losses.label_logits(z, theta)  # (N, K): theta_i^k . z_i
    ### BEGIN SOLUTION
    # The dual terms see true columns only, so neither weight nor temperature enters.
    share = torch.softmax(scores, 1)  # (N, K)
    wrong = torch.arange(theta.shape[1]) != labels[:, None]  # (N, K)
    return (share * wrong)[:, :, None] * z[:, None, :] / len(z)  # (N, K, d)
    ### END SOLUTION


check.wrong_columns(wrong_columns)

# %% [markdown] tags=["hint"]
# In which of the three terms does a wrong column stand at all? The table of products in the lesson says so. The derivative of
# that term with respect to a score is in lesson 01; from the score to the column is one more step.

# %% [markdown] tags=["pseudocode"]
# share: softmax of each sentence's K scores
# set the share of the true column to 0
# entry (i, k): share (i, k) times z_i, over N

# %% grade="05-wrong-columns-tests" points=3
import math

draw = torch.Generator().manual_seed(8)
y = [0, 2, 1, 1]
x = torch.randn(4, 3, dtype=torch.float64, generator=draw)
w = torch.randn(4, 3, 3, dtype=torch.float64, generator=draw)
assert wrong_columns(1e3 * x, w, torch.tensor(y), 1.0, 0.1).isfinite().all()
for weight, tau in ((0.0, 0.1), (5.0, 0.1), (5.0, 1.0)):
    value = wrong_columns(x, w, torch.tensor(y), weight, tau)
    assert type(value) is torch.Tensor and value.shape == (4, 3, 3)
    for i in range(4):
        score = [sum(a * b for a, b in zip(w[i, c].tolist(), x[i].tolist())) for c in range(3)]
        total = sum(math.exp(s) for s in score)
        for k in range(3):
            share = math.exp(score[k]) / total / 4 if k != y[i] else 0.0
            right = [share * entry for entry in x[i].tolist()]
            assert all(abs(a - b) < 1e-8 for a, b in zip(value[i, k].tolist(), right))

# %% [markdown]
# ### Exercise 5.4 · Which curve left the own pair in?
#
# Eight features and eight columns, all nearly on one point, are trained on the dual terms alone. The batch is that of exercise 3.5:
# four sentences about food, three about films, one about a phone. Of four losses one is right. One was computed at temperature
# 1 instead of 0.1, one divides by all eight anchors, and one **left the own pair in**, as candidate and as positive.

# %% tags=["hide-input"]
from dualcl_tutorial.plots import exercises

notebook.show(
    exercises.which_curve(),
    alt="Four loss curves over 60 steps. a falls slowly from 1.95 to 1.21, b from 2.08 to 1.10, "
    "c from 1.70 to 0.81, d from 1.95 to 0.92.",
)

# %% [markdown]
# *Difficulty 2 of 3, 6 minutes, objective 2.*
#
# All four fall and then stay; they differ in where they begin and where they end. The beginnings are 1.95 (a), 2.08 (b), 1.70 (c)
# and 1.95 (d), the ends 1.21, 1.10, 0.81 and 0.92. Let `own_pair` return the letter of the curve that left the own pair in. What
# to expect: the collapsed value and the floor, computed once without and once with the own pair, single it out.


# %% exercise="05-own-pair"
def own_pair() -> str:
    """Return the letter of the curve: "a", "b", "c" or "d"."""
    ### BEGIN SOLUTION
    # With the own pair there are 8 candidates: log 8 = 2.08 at the start. Each anchor has one
    # positive more: (4 log 4 + 3 log 3 + 1 log 1) / 8 = 1.10 at the end.
    return "b"
    ### END SOLUTION


check.own_pair(own_pair)

# %% [markdown] tags=["hint"]
# At the start everything lies on one point: the loss is the logarithm of the number of candidates. How many are there with the
# own pair?

# %% [markdown] tags=["pseudocode"]
# start: mean of the logarithm of the number of candidates
# end: mean of the logarithm of the number of positives
# each of them once without, once with the own pair; compare with the figure

# %% grade="05-own-pair-tests" points=1
value = own_pair()
assert type(value) is str and value.strip(" ().").lower() == "b"

# %% [markdown]
# ### Exercise 5.5 · What a step costs
#
# *Difficulty 1 of 3, 6 minutes, objective 4.*
#
# No formula this time. A training step on TREC: a batch of 64 questions, six classes. For each of the five methods, how
# many inputs go through the encoder in this step (an input that goes twice counts twice), and how many vectors does the loss
# read out of what comes back? The rows of a linear head are not among them.
#
# `step_cost` takes the method, "ce", "cl", "scl", "label-aware" (DualCL without $L_{Dual}$) or "dualcl", and returns the two numbers. For
# "ce" they are (64, 64): one feature an input.


# %% exercise="05-cost"
def step_cost(method: str) -> tuple[int, int]:
    """Return inputs through the encoder and vectors the loss reads, for a batch of 64, 6 classes."""
    ### BEGIN SOLUTION
    return {
        "ce": (64, 64),
        "cl": (128, 128),  # each sentence twice, with other dropout
        "scl": (64, 64),  # partners are classmates
        "label-aware": (64, 64 * 7),  # a feature and six columns, out of one pass
        "dualcl": (64, 64 * 7),  # the same: cross-entropy reads all columns, L_Dual some of them
    }[method]
    ### END SOLUTION


check.step_cost(step_cost)

# %% [markdown] tags=["hint"]
# The table of the lesson has the passes. For the vectors, ask which of $z_i$ and $\theta_i^k$ stand in the loss: in (6) all k do.

# %% [markdown] tags=["pseudocode"]
# inputs: 64 times the number of passes
# vectors: 64 times the number of views that the loss reads of a sentence

# %% grade="05-cost-tests" points=2
passes = {"ce": 1, "cl": 2, "scl": 1, "label-aware": 1, "dualcl": 1}
for method, n in passes.items():
    views = 1 + 6 if method in ("label-aware", "dualcl") else n
    value = step_cost(method)
    assert [int(x) for x in value] == [64 * n, 64 * views]

# %% [markdown]
# ### Exercise 5.6 · In chunks
#
# *Difficulty 3 of 3, 20 minutes, objective 1.*
#
# The matrix of scores has N x N entries: 64 MB for 4,096 sentences in float32. Compute the loss of exercise 5.1's kind, with any anchors
# and targets,
#
# $$L = \frac{1}{N'}\sum_{i:\,P_i\ne\emptyset}\Big(\log\sum_{a\in A_i} e^{s_{ia}} - \frac{1}{|P_i|}\sum_{p\in P_i} s_{ip}\Big), \qquad s_{ij} = \frac{u_i\cdot t_j}{\tau},$$
#
# `chunk` rows of that matrix at a time. `anchor` (N, d) and `target` (N, d) come as they are (make $u$ and $t$ of them), `labels` (N,)
# belong to both. The result is the very same scalar whatever the chunk, which need not divide N. Never make an N x N tensor, masks
# included. (The package also recomputes the rows in backward; you need not.)
#
# What to expect: with `z` as anchors, `theta_star` as targets and $\tau = 0.5$, the hand-sized batch gives 0.6863 for chunks of 1, 2, 4 or 100.


# %% exercise="05-chunks"
def chunked_loss(
    anchor: Tensor, target: Tensor, labels: Tensor, temperature: float, chunk: int
) -> Tensor:
    """Return the loss, a scalar, from at most chunk rows of the matrix (N, N) at a time."""
    u, t = F.normalize(anchor, dim=1), F.normalize(target, dim=1)  # (N, d), (N, d)
    ### BEGIN SOLUTION
    column = torch.arange(len(labels))  # (N,)
    total, count = u.sum() * 0, 0
    for start in range(0, len(labels), chunk):
        part = slice(start, start + chunk)  # c rows
        scores = u[part] @ t.T / temperature  # (c, N)
        candidates = column[part, None] != column[None, :]  # (c, N): row r is anchor start + r
        positives = candidates & (labels[part, None] == labels[None, :])  # (c, N)
        counts = positives.any(1)  # (c,)
        push = scores.masked_fill(~candidates, -torch.inf)[counts].logsumexp(1)
        pull = scores.masked_fill(~positives, 0)[counts].sum(1) / positives[counts].sum(1)
        total = total + (push - pull).sum()
        count += int(counts.sum())
    return total / max(count, 1)
    ### END SOLUTION


check.chunked_loss(chunked_loss)

# %% [markdown] tags=["hint"]
# Cut the rows, never the columns. In a chunk that starts at s, row r is anchor s + r, so its own pair is column s + r. Carry a
# sum and a count from chunk to chunk.

# %% [markdown] tags=["pseudocode"]
# total and count start at 0
# for each start 0, chunk, 2 chunk, ...:
#     rows start to start + chunk of the scores; masks for these rows only
#     add push minus pull of the rows with a positive to total, their number to count
# return total over count (0 if there is none)

# %% grade="05-chunks-tests" points=5
import math


def _whole_matrix(u, t, y, tau):
    u, t, rows = u.detach(), t.detach(), []
    for i in range(len(y)):
        cosine = [
            float(u[i] @ t[j]) / math.sqrt(float(u[i] @ u[i]) * float(t[j] @ t[j])) / tau
            for j in range(len(y))
        ]
        mine = [cosine[j] for j in range(len(y)) if j != i and y[j] == y[i]]
        if mine:
            push = math.log(sum(math.exp(s) for j, s in enumerate(cosine) if j != i))
            rows.append(push - sum(mine) / len(mine))
    return sum(rows) / max(len(rows), 1)


draw = torch.Generator().manual_seed(9)
for y in ([0, 0, 0, 1, 1, 2, 0], [2, 1, 1], [0]):
    a, b = torch.randn(2, len(y), 3, dtype=torch.float64, generator=draw)
    a.requires_grad_()
    for chunk in (1, 2, 3, 100):
        value = chunked_loss(a, b, torch.tensor(y), 0.3, chunk)
        assert type(value) is torch.Tensor and value.shape == ()
        assert math.isclose(value.item(), _whole_matrix(a, b, y, 0.3), abs_tol=1e-6)
    if len(y) > 1:
        (slope,) = torch.autograd.grad(chunked_loss(a, b, torch.tensor(y), 0.3, 2), a)
        moved = a.detach().clone()
        moved[1, 2] += 1e-5
        up = _whole_matrix(moved, b, y, 0.3)
        assert abs((up - _whole_matrix(a, b, y, 0.3)) / 1e-5 - slope[1, 2].item()) < 1e-3
