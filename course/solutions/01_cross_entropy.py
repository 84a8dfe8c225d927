# %%
import torch
import torch.nn.functional as F
from torch import Tensor

from dualcl_tutorial import check

# %% [markdown]
# ### Exercise 1.1 · A logarithm of softmax that never breaks
#
# *Difficulty 1 of 3, 8 minutes, objective 2.*
#
# Write, for each sentence and class,
#
# $$\log p_{ik} = s_{ik} - \log\sum_{j=1}^{K} e^{s_{ij}}$$
#
# with the trick of (1.3), so that scores of 1000 or -2000 do no harm. `scores` (N, K) goes in, a tensor (N, K) comes out.
# `exp`, `log`, `sum` and `amax` will do; the point is not to call `log_softmax`.
#
# The scores (0, 1) give (-1.3133, -0.3133), and (1000, 1001) give the same.


# %% exercise="01-log-softmax"
def log_softmax(scores: Tensor) -> Tensor:
    """Return the logarithm of softmax (N, K) of scores (N, K)."""
    ### BEGIN SOLUTION
    below = scores - scores.amax(1, keepdim=True)  # (N, K): at most 0
    return below - below.exp().sum(1, keepdim=True).log()  # (N, K) minus (N, 1)
    ### END SOLUTION


check.log_softmax(log_softmax)

# %% [markdown] tags=["hint"]
# Softmax does not change if a number is added to all scores of a row. Which number makes all exponentials harmless? With
# `keepdim=True` a sum over classes keeps the shape (N, 1) and can be subtracted from (N, K).

# %% [markdown] tags=["pseudocode"]
# below: scores minus the largest score of their row
# return below minus the logarithm of the row's sum of exp(below)

# %% grade="01-log-softmax-tests" points=3
import math

for rows in (
    [[0.0, 1.0]],
    [[1000.0, 1001.0, 998.0], [-900.0, -901.0, -905.0]],
    [[0.0, -2000.0]],
    [[3.0], [4.0]],
    [[0.5, -1.0, 2.0], [1.0, 1.0, 1.0]],
):
    given = torch.tensor(rows, requires_grad=True)
    value = log_softmax(given)
    assert type(value) is torch.Tensor and value.shape == given.shape
    for row, found in zip(rows, value.tolist()):
        top = max(row)
        total = top + math.log(sum(math.exp(s - top) for s in row))
        assert all(abs(s - total - v) < 1e-3 for s, v in zip(row, found))
    value.sum().backward()
    assert given.grad.isfinite().all()

# %% [markdown]
# ### Exercise 1.2 · The gradient by hand
#
# *Difficulty 2 of 3, 8 minutes, objective 3.*
#
# Cross-entropy is a mean over the N sentences of a batch. Write its gradient with respect to all scores, without autograd:
# (1.4), with what the mean adds. `scores` (N, K) and `labels` (N,) go in, the gradient (N, K) comes out.
#
# The scores (0, 1) with label 1 give (0.2689, -0.2689). Which sum must each row have?


# %% exercise="01-gradient"
def score_gradient(scores: Tensor, labels: Tensor) -> Tensor:
    """Return the gradient (N, K) of the mean cross-entropy of scores (N, K) with labels (N,)."""
    ### BEGIN SOLUTION
    p = torch.softmax(scores, 1)  # (N, K)
    target = F.one_hot(labels, scores.shape[1])  # (N, K): 1 at the true class
    return (p - target) / len(labels)
    ### END SOLUTION


check.score_gradient(score_gradient)

# %% [markdown] tags=["hint"]
# (1.4) is the gradient of one sentence's loss. A mean gives every sentence the same share of it.

# %% [markdown] tags=["pseudocode"]
# p: softmax of each row
# take 1 away where the class is the true one
# divide by the number of sentences

# %% grade="01-gradient-tests" points=3
draw = torch.Generator().manual_seed(1)
for n, k, size in ((1, 2, 1.0), (5, 3, 1.0), (4, 6, 3000.0)):
    given = size * torch.randn(n, k, dtype=torch.float64, generator=draw)
    y = torch.randint(k, (n,), generator=draw)
    value = score_gradient(given.clone(), y)
    free = given.clone().requires_grad_()
    (wanted,) = torch.autograd.grad(F.cross_entropy(free, y), free)
    assert type(value) is torch.Tensor and value.shape == (n, k)
    assert (value - wanted).abs().max() < 1e-6

# %% [markdown]
# ### Exercise 1.3 · One step of the loop
#
# *Difficulty 2 of 3, 10 minutes, objective 1.*
#
# A fine-tuning loop repeats four lines: scores, loss, gradient, step. Write one round of it for the head alone: the scores are
# `features @ weight.T`, the loss is the mean cross-entropy, and the step is plain gradient descent,
#
# $$W \leftarrow W - \eta\,\frac{\partial L}{\partial W}.$$
#
# `features` (N, d), `labels` (N,), `weight` (K, d) and `lr` ($\eta$) go in; the new weight (K, d) comes out. Leave the old
# one as it was, so that a caller can compare the two. Autograd may do the gradient.
#
# One feature (3, 4) of class 1, a weight of zeros for two classes and lr 0.1 give ((-0.15, -0.2), (0.15, 0.2)).


# %% exercise="01-step"
def head_step(features: Tensor, labels: Tensor, weight: Tensor, lr: float) -> Tensor:
    """Return the weight (K, d) after one step of gradient descent on features (N, d)."""
    ### BEGIN SOLUTION
    free = weight.detach().clone().requires_grad_()  # a leaf of its own: the input stays as it is
    loss = F.cross_entropy(features @ free.T, labels)
    (gradient,) = torch.autograd.grad(loss, free)  # (K, d)
    return (free - lr * gradient).detach()
    ### END SOLUTION


check.head_step(head_step)

# %% [markdown] tags=["hint"]
# `weight.detach().clone().requires_grad_()` is a copy that autograd watches; `torch.autograd.grad(loss, copy)` returns a tuple
# with its gradient. Or take exercise 1.2: what is the derivative of a score with respect to its row of the weight?

# %% [markdown] tags=["pseudocode"]
# copy the weight and let autograd watch the copy
# loss: mean cross-entropy of features times the copy, transposed
# return copy minus lr times the gradient of the loss

# %% grade="01-step-tests" points=3
draw = torch.Generator().manual_seed(2)
for n, k, d in ((1, 2, 2), (6, 3, 4)):
    x = torch.randn(n, d, dtype=torch.float64, generator=draw)
    y = torch.randint(k, (n,), generator=draw)
    w = torch.randn(k, d, dtype=torch.float64, generator=draw)
    before = w.clone()
    value = head_step(x, y, w, 0.3)
    p = torch.softmax(x @ before.T, 1)
    p[range(n), y] -= 1
    assert type(value) is torch.Tensor and torch.equal(w, before)
    assert (value - (before - 0.3 * p.T @ x / n)).abs().max() < 1e-6

# %% [markdown]
# ### Exercise 1.4 · An accuracy and how far it can be trusted
#
# *Difficulty 1 of 3, 8 minutes, objective 1.*
#
# At the end of the loop stands a number. Compute it together with its standard error: with the share $a$ of right
# answers among N,
#
# $$\text{error} = \sqrt{\frac{a(1-a)}{N}}.$$
#
# `scores` (N, K) and `labels` (N,) go in; a tuple of two Python numbers comes out, both between 0 and 1. The answer of a
# sentence is the class with the highest score.
#
# Eight right answers out of ten give (0.8, 0.1265).


# %% exercise="01-accuracy"
def accuracy(scores: Tensor, labels: Tensor) -> tuple[float, float]:
    """Return the share of right answers and its standard error, for scores (N, K)."""
    ### BEGIN SOLUTION
    a = (scores.argmax(1) == labels).double().mean().item()
    return a, (a * (1 - a) / len(labels)) ** 0.5
    ### END SOLUTION


check.accuracy(accuracy)

# %% [markdown] tags=["hint"]
# `argmax(1)` gives the class of the highest score. A comparison gives True and False; as numbers their mean is a share.

# %% [markdown] tags=["pseudocode"]
# a: mean of "argmax over the classes equals the label"
# return a and the root of a times (1 - a) over N

# %% grade="01-accuracy-tests" points=2
draw = torch.Generator().manual_seed(3)
for n, k in ((1, 2), (9, 3), (40, 6)):
    s = torch.randn(n, k, generator=draw)
    y = torch.randint(k, (n,), generator=draw)
    right = sum(row.index(max(row)) == c for row, c in zip(s.tolist(), y.tolist())) / n
    share, error = accuracy(s, y)
    assert abs(float(share) - right) < 1e-6
    assert abs(float(error) - (right * (1 - right) / n) ** 0.5) < 1e-6

# %% [markdown]
# ### Exercise 1.5 · Five more for everybody
#
# *Difficulty 1 of 3, 4 minutes, objective 4.*
#
# No code: somebody adds 5 to all K scores of one sentence. Let `added_five` return the letter of what happens to cross-entropy.
#
# - a) It falls: the true score is higher than before.
# - b) Nothing changes: neither the loss nor its gradient nor the answer.
# - c) It rises: the logsumexp is higher than before.
# - d) The loss stays, but its gradient changes.


# %% exercise="01-shift"
def added_five() -> str:
    """Return the letter of the right answer."""
    ### BEGIN SOLUTION
    # Softmax reads differences of scores only: the 5 stands in the true score and in logsumexp.
    return "b"
    ### END SOLUTION


check.added_five(added_five)

# %% [markdown] tags=["hint"]
# Write (1.2) for scores $s_k + 5$ and take the 5 out of the sum of exponentials.

# %% [markdown] tags=["pseudocode"]
# loss of the shifted scores: logsumexp of (s + 5) minus (true s + 5)
# take the 5 out of the logsumexp and see what is left

# %% grade="01-shift-tests" points=1
assert added_five().strip(" ().").lower() == "b"

# %% [markdown]
# ### Exercise 1.6 · The part nobody sees
#
# *Difficulty 3 of 3, 12 minutes, objective 4.*
#
# Batch B of the lesson hid its classes along a direction that the head ignores. Find that part of any batch: split each
# feature into a part that lies in the space of the head's rows and the rest, which is at right angles to all of them,
# and return the rest.
#
# `features` (N, d) and `weight` (K, d) go in, the unseen part (N, d) comes out: with `weight` it gives the score 0 for each
# class, and what was taken away lies in the space of the rows. The rows need not be independent.
#
# For batch B, of the lesson's features with a third number, exactly the third numbers are left: (0, 0, 4), (0, 0, 0),
# (0, 0, -4) and so on.


# %% exercise="01-unseen"
def unseen_part(features: Tensor, weight: Tensor) -> Tensor:
    """Return the part (N, d) of features (N, d) that no score of weight (K, d) depends on."""
    ### BEGIN SOLUTION
    seen = features @ torch.linalg.pinv(weight) @ weight  # (N, d): projected on the rows
    return features - seen
    ### END SOLUTION


check.unseen_part(unseen_part)

# %% [markdown] tags=["hint"]
# Least squares finds the combination of rows nearest to a feature: `torch.linalg.lstsq(weight.T, features.T)`, or the
# pseudo-inverse `torch.linalg.pinv(weight)`, which also works where rows depend on each other.

# %% [markdown] tags=["pseudocode"]
# seen: features times the pseudo-inverse of the weight, times the weight
# return features minus seen

# %% grade="01-unseen-tests" points=3
draw = torch.Generator().manual_seed(4)
for n, k, d in ((6, 3, 5), (2, 1, 4), (5, 2, 8)):
    x = torch.randn(n, d, dtype=torch.float64, generator=draw)
    w = torch.randn(k, d, dtype=torch.float64, generator=draw)
    w = torch.cat([w, -2 * w[:1]])  # rows that depend on each other
    value = unseen_part(x, w)
    assert type(value) is torch.Tensor and value.shape == (n, d)
    assert (value @ w.T).abs().max() < 1e-6
    # what was taken away is a combination of rows: it adds nothing to their rank
    assert torch.linalg.matrix_rank(torch.cat([w, x - value]), tol=1e-6) == k
