# %%
import math
from collections.abc import Callable

import torch
from torch import Tensor

from dualcl_tutorial import check

# %% [markdown]
# ### Exercise 10.1 · The paper's score, word by word
#
# *Difficulty 2 of 3, 12 minutes, objective 1.*
#
# Last hidden states `hidden` (L, d) of one sentence come in; row 0 is `[CLS]`. `word_of` (L,) says to which word each token belongs,
# counted from 0, and -1 for tokens that are no words (`[CLS]`, labels, `[SEP]`). Every word has at least one token. Return the score of each word, (words,):
#
# $$d_j = \lVert h_j - z \rVert, \qquad \bar d_i = \text{mean of } d_j \text{ over the pieces } j \text{ of word } i, \qquad s_i = \max_k \bar d_k - \bar d_i.$$
#
# The example of the check has seven tokens and three words, the last in three pieces: 0.3333, 0.9191 and 0.


# %% exercise="10-nearness"
def word_nearness(hidden: Tensor, word_of: Tensor) -> Tensor:
    """Return the scores (words,) of hidden states (L, d) with the word of each token (L,)."""
    ### BEGIN SOLUTION
    d = (hidden - hidden[0]).norm(dim=1)  # (L,)
    words = int(word_of.max()) + 1
    far = torch.stack([d[word_of == i].mean() for i in range(words)])  # (words,)
    return far.max() - far
    ### END SOLUTION


check.word_nearness(word_nearness)

# %% [markdown] tags=["hint"]
# Three steps in this order: measure every token, merge the tokens of each word, turn round. Over what does the maximum run?

# %% [markdown] tags=["pseudocode"]
# d: length of each row of hidden minus row 0
# for each word: mean of d over its tokens
# largest of these means, minus each of them

# %% grade="10-nearness-tests" points=3

draw = torch.Generator().manual_seed(21)
for word_of in ([-1, 0, 1, 1, 2, -1], [-1, -1, -1, -1, 0, 0, 0, 1, -1], [-1, 0, -1]):
    rows = torch.randn(len(word_of), 3, dtype=torch.float64, generator=draw)
    d = [math.dist(row, rows[0].tolist()) for row in rows.tolist()]
    means = []
    for i in range(max(word_of) + 1):
        mine = [d[j] for j in range(len(d)) if word_of[j] == i]
        means.append(sum(mine) / len(mine))
    value = word_nearness(rows, torch.tensor(word_of))
    assert type(value) is torch.Tensor and value.shape == (len(means),)
    assert all(abs(max(means) - m - v) < 1e-6 for m, v in zip(means, value.tolist()))

# %% [markdown]
# ### Exercise 10.2 · Attention, rolled out
#
# *Difficulty 2 of 3, 10 minutes, objective 1.*
#
# `attentions` (layers, heads, L, L) holds the weights of one sentence, first layer first; rows sum to 1. With $A_l$ the mean over the heads of layer $l$,
#
# $$R_0 = I, \qquad R_l = \tfrac12 (A_l + I)\, R_{l-1}. \tag{10.2}$$
#
# Return the row of `[CLS]`, token 0, of the last $R$, (L,).
#
# **Predict first:** does the row sum to 1? The example of the check, two layers of two heads, gives 0.47, 0.3175 and 0.2125.


# %% exercise="10-rollout"
def rollout_row(attentions: Tensor) -> Tensor:
    """Return the row (L,) of [CLS] of the rollout of attentions (layers, heads, L, L)."""
    ### BEGIN SOLUTION
    eye = torch.eye(attentions.shape[-1], dtype=attentions.dtype)
    rolled = eye  # (L, L)
    for weights in attentions.mean(1):  # (L, L), a layer
        rolled = (weights + eye) / 2 @ rolled
    return rolled[0]
    ### END SOLUTION


check.rollout_row(rollout_row)

# %% [markdown] tags=["hint"]
# Which layer reads the words, the first or the last? Its matrix must be the one that meets the words, so it stands on the right.

# %% [markdown] tags=["pseudocode"]
# mean over heads
# start with the identity
# for each layer from the first: half of (its matrix plus identity), times what is there
# return row 0

# %% grade="10-rollout-tests" points=3
draw = torch.Generator().manual_seed(22)
for layers, heads, length in ((1, 3, 2), (3, 2, 4)):
    a = torch.rand(layers, heads, length, length, dtype=torch.float64, generator=draw)
    a = a / a.sum(-1, keepdim=True)
    row = [1.0] + [0.0] * (length - 1)  # start at [CLS] and walk down from the last layer
    for layer in reversed(range(layers)):
        step = [
            [float(a[layer, :, i, j].sum()) / heads for j in range(length)] for i in range(length)
        ]
        row = [
            sum(row[i] * (step[i][j] + (i == j)) / 2 for i in range(length)) for j in range(length)
        ]
    value = rollout_row(a)
    assert type(value) is torch.Tensor and value.shape == (length,)
    assert all(abs(v - r) < 1e-6 for v, r in zip(value.tolist(), row))

# %% [markdown]
# ### Exercise 10.3 · Take the words out
#
# *Difficulty 2 of 3, 15 minutes, objective 2.*
#
# `scores` (n,) are those of the n words of a sentence. `probability` is a model: it takes a mask (n,) of Booleans, True for a word that stays, and
# returns the probability of the answer, a scalar tensor. Let $r_f$ be the $\lceil f n \rceil$ words with the highest scores. Return two
# scalars, comprehensiveness and sufficiency,
#
# $$\text{comp} = \frac13\sum_f \big[p(x) - p(x \setminus r_f)\big], \qquad \text{suff} = \frac13\sum_f \big[p(x) - p(r_f)\big], \qquad f \in \{0.1, 0.2, 0.5\}. \tag{10.4}$$
#
# The example of the check has four words, one of which speaks against the answer: 0.5051 and 0.0366.


# %% exercise="10-costs"
def word_costs(scores: Tensor, probability: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
    """Return comprehensiveness and sufficiency, two scalars, of scores (n,) for a model."""
    shares = (0.1, 0.2, 0.5)
    ### BEGIN SOLUTION
    n = len(scores)
    ranked = scores.argsort(descending=True)  # (n,)
    whole = probability(torch.ones(n, dtype=torch.bool))
    without, alone = [], []
    for share in shares:
        top = torch.zeros(n, dtype=torch.bool)
        top[ranked[: math.ceil(share * n)]] = True
        without.append(probability(~top))
        alone.append(probability(top))
    return whole - torch.stack(without).mean(), whole - torch.stack(alone).mean()
    ### END SOLUTION


check.word_costs(word_costs)

# %% [markdown] tags=["hint"]
# Sort the words once. For each share make a mask of the top words; its opposite is `~mask`. `math.ceil` rounds up.

# %% [markdown] tags=["pseudocode"]
# order of the words, highest score first; p of all words
# for each share: mask of the first ceil(share times n) words of that order
#     p without them, p of them alone
# p of all minus the mean of each

# %% grade="10-costs-tests" points=4
for number, scores in enumerate(
    ([3.0, -5.0, 1.0, 0.5], [0.1], [0.0, 2.0, 1.0, -1.0, 4.0, 0.3, 0.2])
):
    weights = torch.tensor([(7 * i + number) % 5 - 2.0 for i in range(len(scores))])

    def model(stay, weights=weights):
        return torch.sigmoid((weights * stay).sum())

    order = sorted(range(len(scores)), key=lambda i: -scores[i])
    falls = []
    for keep in (False, True):
        for share in (0.1, 0.2, 0.5):
            top = order[: -int(-share * len(scores) // 1)]
            stay = torch.tensor([(i in top) == keep for i in range(len(scores))])
            falls.append(float(model(torch.ones(len(scores))) - model(stay)))
    value = word_costs(torch.tensor(scores), model)
    assert len(value) == 2 and all(type(v) is torch.Tensor for v in value)
    assert abs(float(value[0]) - sum(falls[:3]) / 3) < 1e-5
    assert abs(float(value[1]) - sum(falls[3:]) / 3) < 1e-5

# %% [markdown]
# ### Exercise 10.4 · Method or seed?
#
# *Difficulty 2 of 3, 12 minutes, objective 3.*
#
# `ce` and `dualcl`, both (S, n), hold the scores that S models of each method give to the same n words; row s of both was trained with seed s.
# Return two scalars:
#
# - within: the mean correlation of two models of *one* method with different seeds, over all such pairs of both methods;
# - between: the mean correlation of CE and DualCL with the *same* seed.
#
# Use Pearson's correlation over words (`torch.corrcoef`). If between is about as high as within, what does a figure with one row
# a method show? The example of the check has two seeds and three words: 0.25 and -0.067.


# %% exercise="10-agreement"
def method_or_seed(ce: Tensor, dualcl: Tensor) -> tuple[Tensor, Tensor]:
    """Return agreement within methods and between them, two scalars, of scores (S, n) each."""
    ### BEGIN SOLUTION
    seeds = len(ce)
    table = torch.corrcoef(torch.cat([ce, dualcl]))  # (2 S, 2 S)
    pairs = torch.ones(seeds, seeds).triu(1).bool()  # each pair of different seeds once
    own = torch.cat([table[:seeds, :seeds][pairs], table[seeds:, seeds:][pairs]])
    return own.mean(), table[:seeds, seeds:].diagonal().mean()
    ### END SOLUTION


check.method_or_seed(method_or_seed)

# %% [markdown] tags=["hint"]
# Put both tables on top of each other: one call of `torch.corrcoef` then holds every correlation you need. Which block holds what? What stands on
# its diagonals?

# %% [markdown] tags=["pseudocode"]
# correlations of all 2 S rows
# within: upper left and lower right block, above the diagonal; mean of all of these
# between: diagonal of the upper right block; mean

# %% grade="10-agreement-tests" points=3
import numpy as np

draw = torch.Generator().manual_seed(23)
for seeds, words in ((2, 4), (4, 9)):
    a, b = torch.randn(2, seeds, words, dtype=torch.float64, generator=draw)
    own = [
        np.corrcoef(side[i], side[j])[0, 1]
        for side in (a, b)
        for i in range(seeds)
        for j in range(i)
    ]
    other = [np.corrcoef(a[i], b[i])[0, 1] for i in range(seeds)]
    value = method_or_seed(a, b)
    assert len(value) == 2 and all(type(v) is torch.Tensor for v in value)
    assert abs(float(value[0]) - np.mean(own)) < 1e-6
    assert abs(float(value[1]) - np.mean(other)) < 1e-6

# %% [markdown]
# ### Exercise 10.5 · Which score would you show?
#
# Here only the top words *stay*: 200 test sentences of CR, five DualCL models, the mean probability of the answer. The grey line are random
# scores; a to d are four scores of the lesson.

# %% tags=["hide-input"]
from dualcl_tutorial.plots import lesson10 as plots

figure, _ = plots.kept_curves()
alt = "Four rising lines. c is the highest, then b; d runs along the grey line of random scores, a below it."
notebook.show(figure, alt=alt)

# %% [markdown]
# *Difficulty 1 of 3, 5 minutes, objective 2.*
#
# Let `best_curve` return the letter of the score that you would show beside an answer. What to expect: the lesson's deletion curves fall, and low is
# good there. Ask what is drawn here before you choose.


# %% exercise="10-curve"
def best_curve() -> str:
    """Return the letter of the best score."""
    ### BEGIN SOLUTION
    # Where only top words stay, a good score leaves the answer as it was: high is good.
    return "c"
    ### END SOLUTION


check.best_curve(best_curve)

# %% [markdown] tags=["hint"]
# Sufficiency is p(x) minus what you see, and low is good there.

# %% [markdown] tags=["pseudocode"]
# the curve that lies highest at every share

# %% grade="10-curve-tests" points=1
assert str(best_curve()).strip().strip("().").lower() == "c"

# %% [markdown]
# ### Exercise 10.6 · What the gradient cannot see
#
# *Difficulty 2 of 3, 8 minutes, objective 1.*
#
# No code is needed. Two models of one word with embedding $e$ give the same logit, 3:
#
# $$f(e) = w \cdot \text{LayerNorm}(e) = 3, \qquad g(e) = v \cdot e = 3.$$
#
# LayerNorm is without its small $\epsilon$ and without weights. What does gradient x input, $e \cdot \nabla f(e)$ and $e \cdot \nabla g(e)$, give to the word?
# Let `stretched` return the two numbers as a list.
#
# What to expect: $e\cdot\nabla f$ is the slope when $e$ is stretched, $\frac{d}{ds} f(s\,e)$ at $s = 1$.


# %% exercise="10-stretched"
def stretched() -> list[float]:
    """Return gradient x input of f and of g, two numbers."""
    ### BEGIN SOLUTION
    # LayerNorm(s e) = LayerNorm(e), so f does not move. g(s e) = s g(e), with slope g(e).
    return [0.0, 3.0]
    ### END SOLUTION


check.stretched(stretched)

# %% [markdown] tags=["hint"]
# Double $e$. What happens to its mean and to its standard deviation, and so to LayerNorm(e)? And to $v\cdot e$?

# %% [markdown] tags=["pseudocode"]
# slope of f(s e) in s: f does not depend on s
# slope of g(s e) = s g(e) in s: g(e)

# %% grade="10-stretched-tests" points=2
value = stretched()
assert len(value) == 2 and abs(float(value[0])) < 1e-6 and abs(float(value[1]) - 3) < 1e-6

# %% [markdown]
# ### Exercise 10.7 · What may you write?
#
# *Difficulty 1 of 3, 5 minutes, objective 4.*
#
# You have made a picture as in Figure 4: one sentence, one seed, one row for CE and one for DualCL, nearness to `[CLS]` by formula 10.1. DualCL is darkest
# on *small*, CE is not. Which of these sentences may stand below it?
#
# - a) DualCL uses the word *small* for its answer, CE does not.
# - b) DualCL attends to the word *small* more than CE does.
# - c) In this run, the feature of *small* is the nearest to $z$ in DualCL, and not in CE.
# - d) The answers of DualCL are easier to explain.
#
# Let `allowed` return its letter. What to expect: it is the dullest of the four.


# %% exercise="10-allowed"
def allowed() -> str:
    """Return the letter of the sentence that the picture supports."""
    ### BEGIN SOLUTION
    # It says what was measured, where, and nothing about use, attention or other runs.
    return "c"
    ### END SOLUTION


check.allowed(allowed)

# %% [markdown] tags=["hint"]
# Ask of each sentence: which cell of the lesson would have to be run before I could write it?

# %% [markdown] tags=["pseudocode"]
# strike out what needs a deletion test, attention weights, or several seeds

# %% grade="10-allowed-tests" points=1
assert str(allowed()).strip().strip("().").lower() == "c"
