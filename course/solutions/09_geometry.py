# %%
import torch
import torch.nn.functional as F
from torch import Tensor

from dualcl_tutorial import check

# %% [markdown]
# ### Exercise 9.1 · Do z and theta meet?
#
# *Difficulty 2 of 3, 12 minutes, objective 4.*
#
# Lesson 02 measured alignment among features. Measure it between features and classifier columns. With $u_i$ and $t_i$ for
# $z_i$ and $\theta^*_i$ at length 1,
#
# $$a_{own} = \frac1N\sum_i \lVert u_i - t_i\rVert^2, \qquad
# a_{mates} = \frac{1}{\sum_i|P_i|}\sum_i\sum_{p\in P_i}\lVert u_i - t_p\rVert^2,$$
#
# in words: how far a feature lies from its own true column, and from those of its classmates, each pair counted alike.
# `z` (N, d), `theta` (N, K, d) and `labels` (N,) go in; two scalars come out, in this order. Where nobody has a classmate, the
# second is 0.
#
# The hand-sized batch gives 0.0613 and 0.2837.


# %% exercise="09-meeting"
def meeting(z: Tensor, theta: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return both mean squared distances, two scalars, of z (N, d), theta (N, K, d), labels (N,)."""
    ### BEGIN SOLUTION
    star = theta[torch.arange(len(labels)), labels]  # (N, d)
    u, t = F.normalize(z, dim=1), F.normalize(star, dim=1)
    square = 2 - 2 * u @ t.T  # (N, N): ||u_i - t_j||^2, since both have length 1
    own = torch.eye(len(labels), dtype=torch.bool)
    mates = (labels[:, None] == labels) & ~own  # (N, N)
    return square[own].mean(), (square * mates).sum() / mates.sum().clamp(min=1)
    ### END SOLUTION


check.meeting(meeting)

# %% [markdown] tags=["hint"]
# For vectors of length 1, $\lVert u-t\rVert^2 = 2 - 2\,u\cdot t$. One matrix of products holds all pairs; which of its entries belong to
# the own pairs?

# %% [markdown] tags=["pseudocode"]
# theta_star: for each sentence i, its column number label i
# both to length 1; a matrix of all squared distances between z (rows) and theta_star (columns)
# own: mean of the diagonal
# mates: same class, off the diagonal; sum over them, divided by how many there are (at least 1)

# %% grade="09-meeting-tests" points=3
import math


def _far(a, b):
    return sum((x / math.hypot(*a) - y / math.hypot(*b)) ** 2 for x, y in zip(a, b))


draw = torch.Generator().manual_seed(90)
for y in ([0, 0, 0, 1, 1, 2], [2, 0], [1], [1, 0, 1, 1]):
    x = torch.randn(len(y), 3, dtype=torch.float64, generator=draw)
    w = torch.randn(len(y), 3, 3, dtype=torch.float64, generator=draw)
    star = [w[i, k].tolist() for i, k in enumerate(y)]
    pairs = [(i, j) for i in range(len(y)) for j in range(len(y)) if i != j and y[i] == y[j]]
    wanted = (
        sum(_far(x[i].tolist(), star[i]) for i in range(len(y))) / len(y),
        sum(_far(x[i].tolist(), star[j]) for i, j in pairs) / max(len(pairs), 1),
    )
    value = meeting(x, w, torch.tensor(y))
    assert type(value) in (tuple, list) and len(value) == 2
    for got, right in zip(value, wanted):
        assert type(got) is torch.Tensor and got.shape == ()
        assert math.isclose(float(got), right, abs_tol=1e-6)

# %% [markdown]
# ### Exercise 9.2 · Within over between
#
# *Difficulty 1 of 3, 8 minutes, objective 1.*
#
# With $u_i$ the features at length 1, $c_k$ the mean of class k and $m$ the mean of all, return $W / B$,
#
# $$W = \frac1N\sum_i \lVert u_i - c_{y_i}\rVert^2, \qquad B = \frac1N\sum_i \lVert c_{y_i} - m\rVert^2.$$
#
# `features` (N, d) and `labels` (N,) go in, a scalar comes out. Class numbers may have gaps: a batch with the classes 0 and 4 only is
# fine. There are two classes or more.
#
# The features of the hand-sized batch give 0.1532.


# %% exercise="09-ratio"
def class_ratio(features: Tensor, labels: Tensor) -> Tensor:
    """Return the spread within classes over that between them, of features (N, d), labels (N,)."""
    ### BEGIN SOLUTION
    u = F.normalize(features, dim=1)  # (N, d)
    own = torch.empty_like(u)
    for k in labels.unique():
        own[labels == k] = u[labels == k].mean(0)  # each sentence's own centroid
    within = (u - own).square().sum(1).mean()
    between = (own - u.mean(0)).square().sum(1).mean()
    return within / between
    ### END SOLUTION


check.class_ratio(class_ratio)

# %% [markdown] tags=["hint"]
# Make a tensor of the shape of the features in which row i is the centroid of sentence i's class. Then both spreads are one
# line each.

# %% [markdown] tags=["pseudocode"]
# u: features at length 1
# own: row i is the mean of u over the sentences with label i
# within: squares of u minus own, added up over each row, mean over rows
# between: the same for own minus the mean of u
# return within over between

# %% grade="09-ratio-tests" points=2
draw = torch.Generator().manual_seed(91)
for y in ([0, 0, 0, 1, 1, 2], [5, 2, 5, 5], [0, 1]):
    x = 1 + torch.randn(len(y), 4, dtype=torch.float64, generator=draw)
    rows = [[a / sum(b * b for b in r) ** 0.5 for a in r] for r in x.tolist()]

    def _mean(some):
        return [sum(column) / len(some) for column in zip(*some)]

    middle = _mean(rows)
    own = [_mean([r for r, other in zip(rows, y) if other == k]) for k in y]
    within = sum((a - b) ** 2 for r, c in zip(rows, own) for a, b in zip(r, c))
    between = sum((a - b) ** 2 for c in own for a, b in zip(c, middle))
    value = class_ratio(x, torch.tensor(y))
    assert type(value) is torch.Tensor and value.shape == ()
    assert abs(float(value) - within / between) < 1e-6

# %% [markdown]
# ### Exercise 9.3 · Does a column point at its class?
#
# *Difficulty 2 of 3, 10 minutes, objective 1.*
#
# **Predict first:** an angle of 90 degrees between the centroid of a class and its column: can the model still classify?
#
# For each class k: $c_k$ is the mean of $z_i$ over the sentences of class k, $w_k$ the mean of $\theta_i^k$ over the same sentences, all at
# length 1 before the mean. Return the angle between $c_k$ and $w_k$ in degrees, a tensor (K,). Every class has a sentence.
#
# The hand-sized batch gives 8.55, 1.97 and 12.53.


# %% exercise="09-angles"
def true_angles(z: Tensor, theta: Tensor, labels: Tensor) -> Tensor:
    """Return the angles (K,) in degrees, of z (N, d), theta (N, K, d), labels (N,)."""
    ### BEGIN SOLUTION
    u, t = F.normalize(z, dim=1), F.normalize(theta, dim=2)
    angles = []
    for k in range(theta.shape[1]):
        mine = labels == k
        cosine = F.cosine_similarity(u[mine].mean(0), t[mine, k].mean(0), dim=0)
        angles.append(cosine.clamp(-1, 1).arccos().rad2deg())
    return torch.stack(angles)
    ### END SOLUTION


check.true_angles(true_angles)

# %% [markdown] tags=["hint"]
# Means have no length 1 any more, so divide by both lengths before arccos (`F.cosine_similarity` does). `theta[mine, k]` takes the
# column of class k from the sentences of a mask. (The prediction: yes. Only the *other* columns must lie even farther away.)

# %% [markdown] tags=["pseudocode"]
# z and theta to length 1
# for each class k: mean of its z; mean of its sentences' column k; their cosine
# clamp to -1..1, arccos, radians to degrees; stack

# %% grade="09-angles-tests" points=3
import math

draw = torch.Generator().manual_seed(92)
for y in ([0, 0, 0, 1, 1, 2], [1, 0, 2], [2, 2, 0, 1]):
    x = torch.randn(len(y), 4, dtype=torch.float64, generator=draw)
    w = torch.randn(len(y), 3, 4, dtype=torch.float64, generator=draw)
    value = true_angles(x, w, torch.tensor(y))
    assert type(value) is torch.Tensor and value.shape == (3,)
    for k in range(3):
        sides = []
        for rows in (x, w[:, k]):
            some = [rows[i].tolist() for i in range(len(y)) if y[i] == k]
            unit = [[a / math.hypot(*r) for a in r] for r in some]
            sides.append([sum(column) / len(unit) for column in zip(*unit)])
        a, b = sides
        cosine = sum(p * q for p, q in zip(a, b)) / math.hypot(*a) / math.hypot(*b)
        assert abs(float(value[k]) - math.degrees(math.acos(cosine))) < 1e-4

# %% [markdown]
# ### Exercise 9.4 · A t-SNE picture
#
# Three groups of 60 points, made by a formula in 20 dimensions. This is all you are shown.

# %% tags=["hide-input"]
from dualcl_tutorial.plots import lesson09

notebook.show(
    lesson09.misleading(),
    alt="Three round groups of about the same size, each alone in a corner of the picture, all gaps "
    "about as wide.",
)

# %% [markdown]
# *Difficulty 1 of 3, 6 minutes, objective 3.*
#
# Three round clouds of the same size, with three gaps of about the same width. Which sentence does the picture allow?
#
# - a) The groups are about equally far from each other.
# - b) The groups are about equally wide.
# - c) The nearest neighbours of a point belong to its own group, for nearly all points.
# - d) A linear classifier finds A and B as easy to tell apart as A and C.


# %% exercise="09-picture"
def read_picture() -> str:
    """Return the letter of the sentence: "a", "b", "c" or "d"."""
    ### BEGIN SOLUTION
    # The data: A and C have spread 1 and B has 0.1; B lies 12 from A, C lies 100 from it. The
    # picture shows three equal clouds with equal gaps. Only the neighbours are kept.
    return "c"
    ### END SOLUTION


check.read_picture(read_picture)

# %% [markdown] tags=["hint"]
# What does t-SNE try to keep, and what does it give up for that? `lesson09.three_groups()` returns the data, if you want to measure.

# %% [markdown] tags=["pseudocode"]
# for each sentence ask: is it about neighbours, or about distances, sizes and gaps?
# keep the one about neighbours

# %% grade="09-picture-tests" points=1
value = read_picture()
assert type(value) is str and value.strip(" ().").lower() == "c"

# %% [markdown]
# ### Exercise 9.5 · Is uniformity needed?
#
# *Difficulty 1 of 3, 6 minutes, objective 2.*
#
# The findings of the lesson, TREC with 20 questions a class: while CE learns, its features grow more even over all sentences and less even within a class. Added to
# cross-entropy with weight 1, a measure that spreads all features costs 28 points, one that spreads classmates 49, and one that gathers classmates 8, the last with
# $p = 0.06$ after Holm. Which sentence do they allow?
#
# - a) Uniformity over all sentences makes a classifier accurate, for both rise together.
# - b) Here a classifier did not need more uniformity: added on purpose, it cost accuracy.
# - c) Gathering classmates helps.
# - d) No encoder should be trained with uniformity.


# %% exercise="09-uniform"
def read_uniformity() -> str:
    """Return the letter of the sentence: "a", "b", "c" or "d"."""
    ### BEGIN SOLUTION
    # The intervention answers the question that the two curves cannot, for this encoder and corpus.
    return "b"
    ### END SOLUTION


check.read_uniformity(read_uniformity)

# %% [markdown] tags=["hint"]
# Which finding comes from a change made on purpose, and which from watching? And for which encoder?

# %% [markdown] tags=["pseudocode"]
# strike out what is only watched
# strike out what a p of 0.06 leaves open
# strike out what is about other encoders

# %% grade="09-uniform-tests" points=1
value = read_uniformity()
assert type(value) is str and value.strip(" ().").lower() == "b"
