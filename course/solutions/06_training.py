# %%
import torch
import torch.nn.functional as F
from torch import Tensor

from dualcl_tutorial import check

# %% [markdown]
# ### Exercise 6.1 · A step in parts
#
# *Difficulty 2 of 3, 15 minutes, objective 4.*
#
# A batch of N sentences does not fit into memory. Write one step of plain gradient descent for a linear classifier that looks at `size`
# sentences at a time, the last part perhaps fewer, and still makes the step of the whole batch:
#
# $$W' = W - \eta\,\nabla_W\,\frac1N\sum_{i=1}^{N} -\log\mathrm{softmax}(W x_i)_{y_i}$$
#
# `weight` (K, d), `features` (N, d), `labels` (N,), $\eta$ as `lr`; the new weight (K, d) comes out, the old one stays as it is. Use mixed precision: the
# products of features and weight under `torch.autocast("cpu", torch.bfloat16)`, the loss in float32.
#
# For the hand-sized batch's features, a weight of zeros, parts of 4 and $\eta = 1$ the first row of the answer is (0.5556, 0.3333).


# %% exercise="06-step"
def accumulated_step(
    weight: Tensor, features: Tensor, labels: Tensor, size: int, lr: float
) -> Tensor:
    """Return the weight (K, d) after one step over features (N, d), `size` at a time."""
    free = weight.detach().clone().requires_grad_()  # (K, d), gradients add up in free.grad
    ### BEGIN SOLUTION
    for start in range(0, len(labels), size):
        part = slice(start, start + size)
        with torch.autocast("cpu", torch.bfloat16):
            scores = features[part] @ free.T  # (part, K), bfloat16
        loss = F.cross_entropy(scores.float(), labels[part], reduction="sum") / len(labels)
        loss.backward()
    return (free - lr * free.grad).detach()
    ### END SOLUTION


check.accumulated_step(accumulated_step)

# %% [markdown] tags=["hint"]
# `backward` adds to the gradient that is there. So each part should bring just its share of the batch's mean: what must its sum of losses be divided by?

# %% [markdown] tags=["pseudocode"]
# for each part:
#     under autocast: scores of the part
#     sum of its cross-entropies in float32, divided by N (not by the size of the part)
#     backward
# weight minus lr times the gradient that has added up

# %% grade="06-step-tests" points=4
import math

draw = torch.Generator().manual_seed(6)
for y, size in (([0, 2, 1, 1, 0], 2), ([1, 0, 2], 3), ([0, 1, 2, 2, 1, 0, 0], 4)):
    x = torch.randint(-4, 5, (len(y), 3), generator=draw) / 2  # exact in bfloat16
    w = torch.randint(-2, 3, (3, 3), generator=draw) / 2
    wanted = w.tolist()
    for row, k in zip(x.tolist(), y):
        s = [sum(a * b for a, b in zip(row, line)) for line in w.tolist()]
        p = [math.exp(v) / sum(map(math.exp, s)) for v in s]
        for c in range(3):
            for j in range(3):
                wanted[c][j] -= 2.0 * (p[c] - (c == k)) * row[j] / len(y)
    value = accumulated_step(w, x, torch.tensor(y), size, 2.0)
    assert type(value) is torch.Tensor and value.shape == (3, 3)
    assert torch.allclose(value, torch.tensor(wanted), atol=0.02)
tie = torch.tensor([[256.9, 256.0]])  # in bfloat16 both numbers are 256
value = accumulated_step(torch.tensor([[1.0, -1.0], [0.0, 0.0]]), tie, torch.tensor([0]), 1, 0.01)
assert torch.allclose(value, torch.tensor([[2.28, 0.28], [-1.28, -1.28]]), atol=0.02)

# %% [markdown]
# ### Exercise 6.2 · A resume that must be exact
#
# *Difficulty 2 of 3, 15 minutes, objective 1.*
#
# A run of `steps` updates, numbered from 0, was killed. The checkpoint holds the weight, Adam's two moments (all (K, d)) and `done`, how many updates were done. Go on until
# `until` updates are done, just as if nothing had happened. Update number $t$ is
#
# $$m = 0.9\,m + 0.1\,g_t, \qquad v = 0.999\,v + 0.001\,g_t^2, \qquad
# w = w - \eta_t\,\frac{m/(1-0.9^{t+1})}{\sqrt{v/(1-0.999^{t+1})} + 10^{-8}}, \qquad \eta_t = 0.1\,\Big(1-\frac{t}{T}\Big)$$
#
# with $T$ = `steps` and $g_t$ = `gradient(weight, t)`, which draws batch and dropout from $t$ alone. Return weight, first and second moment.
# The check also asks whether 3 updates and then 5 give the same **bits** as 8.
#
# What to expect: at `done` = `until` the state comes back as it was.


# %% exercise="06-resume"
def go_on(
    weight: Tensor, first: Tensor, second: Tensor, done: int, until: int, steps: int, gradient
) -> tuple[Tensor, Tensor, Tensor]:
    """Return weight, first and second moment, each (K, d), when `until` updates are done."""
    ### BEGIN SOLUTION
    for t in range(done, until):  # numbers in the whole run
        g = gradient(weight, t)  # (K, d)
        first = 0.9 * first + 0.1 * g
        second = 0.999 * second + 0.001 * g * g
        rate = 0.1 * (1 - t / steps)
        unbiased = first / (1 - 0.9 ** (t + 1)), second / (1 - 0.999 ** (t + 1))
        weight = weight - rate * unbiased[0] / (unbiased[1].sqrt() + 1e-8)
    return weight, first, second
    ### END SOLUTION


check.exact_resume(go_on)

# %% [markdown] tags=["hint"]
# Four things depend on the number of the update: the batch, the dropout, the learning rate and the bias correction. Which number does the first update after the
# resume have?

# %% [markdown] tags=["pseudocode"]
# for t from done up to, not including, until:
#     gradient of update t, both moments, rate of t out of all steps
#     divide the moments by one minus their factor to the power t + 1
#     move the weight
# return all three

# %% grade="06-resume-tests" points=4
import math


def _pull(weight, step):
    return weight * (1 + step % 3) - math.sin(step)


def _plain(w, m, v, done, until, steps):
    for t in range(done, until):
        g = w * (1 + t % 3) - math.sin(t)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        up, down = m / (1 - 0.9 ** (t + 1)), math.sqrt(v / (1 - 0.999 ** (t + 1))) + 1e-8
        w -= 0.1 * (1 - t / steps) * up / down
    return w, m, v


zero = torch.zeros(1, 1, dtype=torch.float64)
states = {0: (zero + 0.7, zero, zero)}
for done, until in ((0, 4), (4, 9), (0, 9), (9, 9), (4, 12)):
    given = states[done]
    value = go_on(*given, done, until, 12, _pull)
    wanted = _plain(*(x.item() for x in given), done, until, 12)
    assert len(value) == 3
    for a, b in zip(value, wanted):
        assert math.isclose(float(a), b, rel_tol=1e-9, abs_tol=1e-12)
    if until == 9 and 9 in states:
        assert all(torch.equal(a, b) for a, b in zip(states[9], value))
    states[until] = value

# %% [markdown]
# ### Exercise 6.3 · Four runs, three faults
#
# Twelve sentences in three classes were trained on $L_{CE}$ and $L_{Dual}$ four times. One run is sound. The other three have one fault each, out of the lesson's table of
# symptoms.

# %% tags=["hide-input"]
from dualcl_tutorial.plots import lesson06

notebook.show(
    lesson06.which_cure(),
    alt="Four panels. a: cross-entropy falls to 0, L_z stays at the upper edge of a wide band. b: both fall to 0. c: both stay at 1.1 with "
    "noise. d: cross-entropy falls to 0, L_z stays at 1.1 where its band has no width.",
)

# %% [markdown]
# *Difficulty 1 of 3, 8 minutes, objective 3.*
#
# Cross-entropy falls to 0 in a, b and d and stays near 1.1 in c. $L_z$ falls in b alone. Its band reaches from 0 to 1.1 in a, b and c, and has no width in d.
#
# Let `run_for` return the letter of the run that each cure is for: "none" (the sound run), "optimizer after the model", "smaller temperature" and
# "shuffle". What to expect: four different letters.


# %% exercise="06-curves"
def run_for(cure: str) -> str:
    """Return "a", "b", "c" or "d": the run that this cure is for."""
    ### BEGIN SOLUTION
    return {
        "none": "b",
        "optimizer after the model": "c",  # not even cross-entropy moves
        "smaller temperature": "a",  # there is room, and the term does not use it
        "shuffle": "d",  # batches of one class: no room
    }[cure]
    ### END SOLUTION


check.diagnosis(run_for)

# %% [markdown] tags=["hint"]
# Ask two questions of each panel. Does cross-entropy move? And has the band any width?

# %% [markdown] tags=["pseudocode"]
# nothing moves: the weights are not those the optimizer has
# no band: the batches have no strangers
# a band, and a term at its upper edge while the rest learns: the softmax is flat
# a term that comes down its band: sound

# %% grade="06-curves-tests" points=2
names = ("none", "optimizer after the model", "smaller temperature", "shuffle")
assert [str(run_for(name)).strip(" ().").lower() for name in names] == ["b", "c", "a", "d"]

# %% [markdown]
# ### Exercise 6.4 · A gap and its error
#
# *Difficulty 1 of 3, 8 minutes, objective 2.*
#
# Two methods were run with the same n seeds. `a` (n,) and `b` (n,) are their accuracies, seed by seed. Return two scalars: the mean gap, a minus b,
# and its standard error after (6.2), that of the same seeds.
#
# For a = (80, 84, 76) and b = (77, 83, 71) they are 3 and 1.1547. Predict first: would the error be larger or smaller if the seeds were others for each
# method?


# %% exercise="06-gap"
def paired_gap(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean gap and its standard error, two scalars, of accuracies (n,) and (n,)."""
    ### BEGIN SOLUTION
    apart = a - b  # (n,): what the seeds share has cancelled
    return apart.mean(), apart.std() / len(apart) ** 0.5
    ### END SOLUTION


check.paired_gap(paired_gap)

# %% [markdown] tags=["hint"]
# The variance of a difference is var(a) + var(b) - 2 cov(a, b). You can compute all three, or take the differences first.

# %% [markdown] tags=["pseudocode"]
# differences, seed by seed
# gap: their mean
# error: their standard deviation (n - 1) over the root of n

# %% grade="06-gap-tests" points=2
import statistics

for x, y in (([80.0, 84, 76], [77.0, 83, 71]), ([70.0, 75, 60, 90], [71.0, 70, 65, 80])):
    apart = [p - q for p, q in zip(x, y)]
    value = paired_gap(torch.tensor(x), torch.tensor(y))
    assert len(value) == 2
    assert abs(float(value[0]) - statistics.mean(apart)) < 1e-3
    assert abs(float(value[1]) - statistics.stdev(apart) / len(apart) ** 0.5) < 1e-3

# %% [markdown]
# ### Exercise 6.5 · Result or cost?
#
# *Difficulty 2 of 3, 8 minutes, objective 4.*
#
# Suppose computers did not round: all arithmetic is exact. DualCL is trained without dropout, unless the line says otherwise, and one setting is changed. Do the final
# weights change? Predict, and let `changes` return True or False:
#
# | setting | the change |
# |---|---|
# | "batch 8 for 16" | batches of 8 in place of 16, the same epochs |
# | "accumulation, cross-entropy" | CE; four parts of 16, their mean, one update, in place of a batch of 64 |
# | "accumulation, DualCL" | the same, for DualCL |
# | "bfloat16" | products in bfloat16, were it exact |
# | "checkpoints" | a checkpoint after every update |
# | "pairing" | partners given to lone anchors |
# | "longer padding" | every input padded to 128 tokens, masked |
# | "learning rate" | half of it |
#
# What to expect: four times True.


# %% exercise="06-settings"
def changes(setting: str) -> bool:
    """Return whether the final weights change, in exact arithmetic."""
    ### BEGIN SOLUTION
    return setting in ("batch 8 for 16", "accumulation, DualCL", "pairing", "learning rate")
    ### END SOLUTION


check.changes_result(changes)

# %% [markdown] tags=["hint"]
# Ask of each line: does an update see other sentences, another loss, or another step size? If not, only seconds change.

# %% [markdown] tags=["pseudocode"]
# True where the sentences that are compared, the number of updates or the step size change
# False where only rounding, padding or files do

# %% grade="06-settings-tests" points=2
right = {
    "batch 8 for 16": True,
    "accumulation, cross-entropy": False,
    "accumulation, DualCL": True,
    "bfloat16": False,
    "checkpoints": False,
    "pairing": True,
    "longer padding": False,
    "learning rate": True,
}
assert all(changes(name) is answer for name, answer in right.items())
