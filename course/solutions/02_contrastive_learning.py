# %%
import torch
import torch.nn.functional as F
from torch import Tensor

from dualcl_tutorial import check

# %% [markdown]
# ### Exercise 2.1 · Find your partner
#
# *Difficulty 2 of 3, 12 minutes, objective 1.*
#
# Write the paper's (1) for two views of N sentences, without loops over views:
#
# $$L_{self} = \frac{1}{2N}\sum_{i=1}^{2N} -\log\frac{\exp(z_i\cdot z_{j(i)}/\tau)}{\sum_{a\ne i}\exp(z_i\cdot z_a/\tau)} \tag{1}$$
#
# The vectors $z_i$ are the rows of both views at length 1, and $j(i)$ is the other view of the same sentence. `view_1` and
# `view_2` (N, d) go in; a scalar comes out, also at $\tau = 0.001$. Autograd must be able to go back through it.
#
# The lesson's two views of the hand-sized batch give 1.2688 at $\tau = 0.5$.


# %% exercise="02-two-views"
def two_view_loss(view_1: Tensor, view_2: Tensor, temperature: float) -> Tensor:
    """Return the loss (1) of two views, (N, d) each, a scalar."""
    ### BEGIN SOLUTION
    batch = len(view_1)
    u = F.normalize(torch.cat([view_1, view_2]), dim=1)  # (2N, d)
    own = torch.eye(2 * batch, dtype=torch.bool)  # (2N, 2N)
    scores = (u @ u.T / temperature).masked_fill(own, -torch.inf)  # (2N, 2N)
    partner = (torch.arange(2 * batch) + batch) % (2 * batch)  # (2N,)
    return F.cross_entropy(scores, partner)
    ### END SOLUTION


check.two_view_loss(two_view_loss)

# %% [markdown] tags=["hint"]
# It is cross-entropy with the views as classes. Which column is the right class of row i, and which column must not be
# chosen?

# %% [markdown] tags=["pseudocode"]
# u: both views one below the other, at length 1
# scores: products of all pairs, over the temperature; minus infinity on the diagonal
# partner: for row i the number of the row that holds its other view
# return the cross-entropy of scores and partner

# %% grade="02-two-views-tests" points=4
import math


def _loops(view_1, view_2, tau):
    rows = view_1.tolist() + view_2.tolist()
    unit = [[x / math.sqrt(sum(y * y for y in row)) for x in row] for row in rows]
    half, losses = len(rows) // 2, []
    for i in range(len(rows)):
        s = {
            a: sum(x * y for x, y in zip(unit[i], unit[a])) / tau
            for a in range(len(rows))
            if a != i
        }
        top = max(s.values())
        push = top + math.log(sum(math.exp(x - top) for x in s.values()))
        losses.append(push - s[(i + half) % len(rows)])
    return sum(losses) / len(losses)


draw = torch.Generator().manual_seed(2)
for n, tau in ((5, 0.5), (1, 0.1), (4, 0.001), (7, 0.1)):
    x, y = torch.randn(2, n, 3, dtype=torch.float64, generator=draw)
    x, y = x.requires_grad_(), y.requires_grad_()
    value = two_view_loss(x, y, tau)
    assert type(value) is torch.Tensor and value.shape == () and value.dtype is torch.float64
    assert math.isclose(value.item(), _loops(x, y, tau), rel_tol=1e-6, abs_tol=1e-6)
    if tau == 0.5:
        step = torch.zeros_like(x)
        step[1, 2] = 1e-5
        ups = (_loops(x + step, y, tau), _loops(x, y + step, tau))
        for up, slope in zip(ups, torch.autograd.grad(value, (x, y))):
            assert abs((up - value.item()) / 1e-5 - slope[1, 2].item()) < 1e-3

# %% [markdown]
# ### Exercise 2.2 · Count before you run
#
# *Difficulty 1 of 3, 5 minutes, objective 1.*
#
# No code this time. A batch holds **eight sentences**, each with two views. Count, for both forms of the lesson: how many
# anchors, and for one anchor how many positives and how many candidates? Let `pair_counts` return three whole numbers in
# this order, for `form` "paper", which is (1), and for "simcse", first views as anchors and second views as
# candidates.
#
# For a batch of four the answers would be (8, 1, 7) and (4, 1, 4).


# %% exercise="02-counts"
def pair_counts(form: str) -> tuple[int, int, int]:
    """Return anchors, positives an anchor and candidates an anchor for "paper" or "simcse"."""
    ### BEGIN SOLUTION
    if form == "paper":
        return 16, 1, 15  # all views are anchors; candidates are all others, the partner included
    return 8, 1, 8  # one direction; the other views only
    ### END SOLUTION


check.pair_counts(pair_counts)

# %% [markdown] tags=["hint"]
# Draw the mask of candidates: how many rows, how many columns, and what is missing in each row?

# %% [markdown] tags=["pseudocode"]
# paper: rows are all views; a row lacks itself only
# simcse: rows are the first views, columns the second views; nothing is missing

# %% grade="02-counts-tests" points=2
for form, rows, columns, missing in (("paper", 2 * 8, 2 * 8, 1), ("simcse", 8, 8, 0)):
    value = pair_counts(form)
    assert type(value) in (tuple, list) and all(type(x) is int for x in value)
    assert tuple(value) == (rows, 1, columns - missing)

# %% [markdown]
# ### Exercise 2.3 · Which negative gets the gradient?
#
# *Difficulty 2 of 3, 10 minutes, objective 2.*
#
# How do the negatives of an anchor share its push? Write (2.2) for many anchors at once:
#
# $$\text{share}_{in} = \frac{\exp(c_{in}/\tau)}{\sum_{m\ne j(i)}\exp(c_{im}/\tau)}, \qquad \text{share}_{i\,j(i)} = 0.$$
#
# `cosines` (N, M) holds the cosines of N anchors with M candidates, `partner` (N,) the column of each anchor's
# partner. A matrix (N, M) comes out whose rows add up to 1, also at $\tau = 0.001$.
#
# **Predict before you run:** cosines 0.8, 0.9, 0.5, 0.0, the first one is the partner's. At $\tau = 1$ the
# shares are 0.47, 0.32 and 0.19 for the negatives; what are they at 0.1? (0.98, 0.02 and 0.00.)


# %% exercise="02-negatives"
def negative_weights(cosines: Tensor, partner: Tensor, temperature: float) -> Tensor:
    """Return each negative's share of the push, (N, M), for cosines (N, M) and partner (N,)."""
    ### BEGIN SOLUTION
    positive = F.one_hot(partner, cosines.shape[1]).bool()  # (N, M)
    return (cosines / temperature).masked_fill(positive, -torch.inf).softmax(1)
    ### END SOLUTION


check.negative_weights(negative_weights)

# %% [markdown] tags=["hint"]
# A softmax gives 0 to a score of $-\infty$. Which entry of each row should get it? `F.one_hot(partner, M)` marks it.

# %% [markdown] tags=["pseudocode"]
# scores: cosines over the temperature
# minus infinity where the partner stands
# return the softmax of each row

# %% grade="02-negatives-tests" points=3
import math

draw = torch.Generator().manual_seed(3)
for n, m, tau in ((1, 4, 0.1), (6, 5, 0.3), (3, 2, 1.0), (4, 6, 0.001)):
    c = (2 * torch.rand(n, m, generator=draw) - 1).double()
    p = torch.randint(m, (n,), generator=draw)
    value = negative_weights(c, p, tau)
    assert type(value) is torch.Tensor and value.shape == (n, m) and value.dtype is torch.float64
    for i in range(n):
        others = [j for j in range(m) if j != int(p[i])]
        top = max(float(c[i, j]) for j in others)
        e = {j: math.exp((float(c[i, j]) - top) / tau) for j in others}
        for j in range(m):
            assert abs(float(value[i, j]) - e.get(j, 0.0) / sum(e.values())) < 1e-5

# %% [markdown]
# ### Exercise 2.4 · Two numbers of a sphere
#
# *Difficulty 2 of 3, 12 minutes, objective 3.*
#
# Write both measures (2.3) for two views of N sentences. All features get length 1 first.
#
# - *alignment*: the mean squared distance of partners, over the N pairs of partners;
# - *uniformity*: the logarithm of the mean of $\exp(-2\,\text{distance}^2)$ over all pairs of two different
#   features among the 2N.
#
# `view_1` and `view_2` (N, d) go in; two scalars come out, alignment first. The lesson's two views of the hand-sized
# batch give 0.0532 and -1.5381.


# %% exercise="02-alignment"
def alignment_uniformity(view_1: Tensor, view_2: Tensor) -> tuple[Tensor, Tensor]:
    """Return alignment and uniformity of two views, (N, d) each, two scalars."""
    ### BEGIN SOLUTION
    u, v = F.normalize(view_1, dim=1), F.normalize(view_2, dim=1)  # (N, d), (N, d)
    alignment = (u - v).square().sum(1).mean()
    squared = torch.pdist(torch.cat([u, v])).square()  # (N (2N - 1),): each pair once
    return alignment, (-2 * squared).exp().mean().log()
    ### END SOLUTION


check.alignment_uniformity(alignment_uniformity)

# %% [markdown] tags=["hint"]
# `torch.pdist(x)` gives the distance of every pair of rows once, without the pairs of a row with itself.

# %% [markdown] tags=["pseudocode"]
# u, v: the two views at length 1
# alignment: squares of u minus v, added up over each row; their mean
# distances of all pairs of rows of u and v together, squared
# uniformity: times -2, exp, mean, log

# %% grade="02-alignment-tests" points=4
import math

draw = torch.Generator().manual_seed(4)
for n, d in ((6, 5), (1, 3), (3, 2)):
    x, y = torch.randn(2, n, d, dtype=torch.float64, generator=draw)
    rows = [[a / math.sqrt(sum(b * b for b in r)) for a in r] for r in x.tolist() + y.tolist()]
    square = [[sum((a - b) ** 2 for a, b in zip(r, s)) for s in rows] for r in rows]
    wanted = (
        sum(square[i][i + n] for i in range(n)) / n,
        math.log(
            sum(math.exp(-2 * square[i][j]) for j in range(2 * n) for i in range(j))
            / (n * (2 * n - 1))
        ),
    )
    value = alignment_uniformity(x, y)
    assert type(value) in (tuple, list) and len(value) == 2
    for got, right in zip(value, wanted):
        assert type(got) is torch.Tensor and got.shape == ()
        assert abs(float(got) - right) < 1e-6

# %% [markdown]
# ### Exercise 2.5 · The run that looked better
#
# *Difficulty 1 of 3, 5 minutes, objective 4.*
#
# No code. A colleague trains CE+CL with a loop of her own. After the first epoch she calls `model.eval()` to judge the
# model, and forgets `model.train()` afterwards. From then on the contrastive loss is smaller than ever, and every
# pull in her log is exactly 10.00, at $\tau = 0.1$. What does the gradient of the **contrastive part** do from then on?
#
# - a) Nothing: the loss has become a constant.
# - b) It goes on pulling views of a sentence together, and pushes nothing.
# - c) It pushes different sentences apart, and pulls nothing.
# - d) The same as before, only weaker.
#
# Let `without_dropout` return the letter.


# %% exercise="02-no-dropout"
def without_dropout() -> str:
    """Return the letter of your answer."""
    ### BEGIN SOLUTION
    # Equal views have cosine 1, a maximum: the pull has no slope. Other sentences stay in the push.
    return "c"
    ### END SOLUTION


check.without_dropout(without_dropout)

# %% [markdown] tags=["hint"]
# A pull of 10 at temperature 0.1: which cosine is that? Can it grow?

# %% [markdown] tags=["pseudocode"]
# write the loss as push minus pull
# which scores in each half can still change when a feature moves a little?

# %% grade="02-no-dropout-tests" points=2
letter = without_dropout()
assert type(letter) is str and letter.strip().strip("().").lower() == chr(ord("a") + 2)
