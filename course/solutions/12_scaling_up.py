# %%
import torch
from torch import Tensor

from dualcl_tutorial import check, losses

# %% [markdown]
# ### Exercise 12.1 · The gradient in two passes
#
# *Difficulty 3 of 3, 20 minutes, objective 2.*
#
# An encoder is $z_i = (m_i \odot x_i)\,w$, where $m_i$ is what dropout has drawn for sentence i. The loss is `losses.supcon_loss`. Find
#
# $$\frac{\partial L}{\partial w} = \sum_{i} \frac{\partial L}{\partial z_i}\,\frac{\partial z_i}{\partial w}$$
#
# of the whole batch, but never let more than `size` sentences through the encoder with gradient at a time (the last piece may be smaller). `x` and `mask` are (N, f), `w` is
# (f, d), `labels` (N,); the gradient (f, d) comes out.
#
# For the hand-sized batch's features, the mask and w of the check's first case, pieces of 2 and $\tau = 0.5$, the first row of the answer is (-0.2534, 0.1086, -0.1447).


# %% exercise="12-two-passes"
def two_passes(
    x: Tensor, mask: Tensor, w: Tensor, labels: Tensor, size: int, temperature: float
) -> Tensor:
    """Return the gradient (f, d) of the loss of the whole batch with respect to w."""
    free = w.detach().clone().requires_grad_()
    ### BEGIN SOLUTION
    pieces = torch.arange(len(labels)).split(size)
    with torch.no_grad():  # first pass: only z is kept
        z = torch.cat([(mask[p] * x[p]) @ free for p in pieces])  # (N, d)
    z.requires_grad_()
    loss = losses.supcon_loss(z, labels, temperature=temperature)
    (g,) = torch.autograd.grad(loss, z)  # (N, d)
    for p in pieces:  # second pass, the same mask
        (g[p] * ((mask[p] * x[p]) @ free)).sum().backward()
    return free.grad
    ### END SOLUTION


check.two_passes(two_passes)

# %% [markdown] tags=["hint"]
# Which numbers does a sentence need from all the others? Only $g_i = \partial L/\partial z_i$. What is the gradient of $g_i\cdot z_i$ when $g_i$ is a constant?

# %% [markdown] tags=["pseudocode"]
# without gradient: z of each piece, put together
# z becomes a leaf; loss of all of z; g: its gradient with respect to z
# for each piece: z of the piece again, with gradient and with its mask
#     backward from the sum of g times z; the gradients of w add up

# %% grade="12-two-passes-tests" points=4
draw = torch.Generator().manual_seed(8)
for y, size in (([0, 0, 0, 1, 1, 2], 2), ([1, 0, 1, 0, 1], 3), ([0, 1, 1], 1), ([0, 0, 1], 9)):
    x = torch.randn(len(y), 4, dtype=torch.float64, generator=draw)
    mask = 2.0 * torch.randint(2, (len(y), 4), generator=draw).double()
    mask[:, 0] = 2.0
    w = torch.randn(4, 3, dtype=torch.float64, generator=draw)
    found = two_passes(x, mask, w, torch.tensor(y), size, 0.4)
    assert type(found) is Tensor and found.shape == w.shape

    def loss(w, x=x, mask=mask, y=y):
        u = (mask * x) @ w
        u = u / u.norm(dim=1, keepdim=True)
        rows = []
        for i in range(len(y)):
            score = {j: float(u[i] @ u[j]) / 0.4 for j in range(len(y)) if j != i}
            mine = [s for j, s in score.items() if y[j] == y[i]]
            if mine:
                total = torch.tensor(list(score.values()), dtype=torch.float64).logsumexp(0)
                rows.append(float(total) - sum(mine) / len(mine))
        return sum(rows) / len(rows)

    for a, b in ((0, 0), (3, 2), (1, 1)):
        step = torch.zeros_like(w)
        step[a, b] = 1e-5
        assert abs((loss(w + step) - loss(w - step)) / 2e-5 - found[a, b].item()) < 1e-4

# %% [markdown]
# ### Exercise 12.2 · What each process returns
#
# *Difficulty 2 of 3, 10 minutes, objective 3.*
#
# W processes have gathered all candidates, and process r has added up the losses of its own anchors: `sums[r]`. Of its anchors
# `counts[r]` have a positive. The library (data parallel training) takes the **mean** over the W processes of whatever each returns as its loss. What must
# process r return, so that this mean is
#
# $$L = \frac{\sum_r \text{sums}_r}{\sum_r \text{counts}_r}\;?$$
#
# `sums` (W,) and `counts` (W,) go in, the W returned losses (W,) come out. If no anchor has a positive anywhere, all are 0.
#
# For sums (6, 2) and counts (3, 2) the answer is (2.4, 0.8).


# %% exercise="12-shares"
def process_losses(sums: Tensor, counts: Tensor) -> Tensor:
    """Return what each of W processes returns, (W,), from sums (W,) and counts (W,)."""
    ### BEGIN SOLUTION
    return len(sums) * sums / counts.sum().clamp(min=1)
    ### END SOLUTION


check.process_losses(process_losses)

# %% [markdown] tags=["hint"]
# Write the mean of the W returned losses and set it equal to L. Which factor stands in the way? And by whose count is it divided?

# %% [markdown] tags=["pseudocode"]
# total: sum of all counts, at least 1
# W times the process's own sum, over the total

# %% grade="12-shares-tests" points=2
for s, n in (
    ([6.0, 2.0], [3, 2]),
    ([4.0], [8]),
    ([1.0, 0.0, 2.5, 0.5], [2, 0, 5, 1]),
    ([0.0] * 3, [0] * 3),
):
    sums = torch.tensor(s, dtype=torch.float64, requires_grad=True)
    returned = process_losses(sums, torch.tensor(n))
    assert type(returned) is Tensor and returned.shape == sums.shape
    total = max(sum(n), 1)
    for value, own in zip(returned.tolist(), s):
        assert abs(value - len(s) * own / total) < 1e-9
    if not sum(n):
        continue
    (slope,) = torch.autograd.grad(returned.mean(), sums)
    assert torch.allclose(slope, torch.full_like(slope, 1 / total))

# %% [markdown]
# ### Exercise 12.3 · When is the last run done?
#
# *Difficulty 2 of 3, 12 minutes, objective 4.*
#
# A store hands out runs in the order of the list `minutes`; a run cannot be cut. There are `gpus` of them, and whichever is free first takes the next run. Return the time
# until the last run is done, as a float, in the unit of the list. No runs take 0.
#
# Runs of 3, 4, 5, 1 and 6 minutes take 11 minutes on two GPUs.


# %% exercise="12-last-run"
def last_run(minutes: list[float], gpus: int) -> float:
    """Return when the last run is done on so many GPUs."""
    ### BEGIN SOLUTION
    free = [0.0] * gpus  # when each GPU is free
    for run in minutes:
        first = free.index(min(free))
        free[first] += run
    return max(free)
    ### END SOLUTION


check.last_run(last_run)

# %% [markdown] tags=["hint"]
# Keep one number for each GPU: when it is free. Who takes the next run?

# %% [markdown] tags=["pseudocode"]
# free: a 0 for each GPU
# for each run: the smallest entry of free grows by the run
# the largest entry of free

# %% grade="12-last-run-tests" points=2
import heapq

for runs, n in (
    ([6.0, 5.0, 4.0, 3.0], 2),
    ([1.0, 1.0, 1.0, 7.0], 2),
    ([], 3),
    ([2.5], 4),
    ([3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0], 3),
):
    heap = [0.0] * n
    for run in runs:
        heapq.heapreplace(heap, heap[0] + run)
    assert abs(last_run(list(runs), n) - max(heap)) < 1e-9

# %% [markdown]
# ### Exercise 12.4 · The array that did everything eight times
#
# *Difficulty 1 of 3, 5 minutes, objective 4.*
#
# A group starts a grid of 40 runs as a job array of eight tasks. In the morning every task has done 40 runs, and the table has 40 rows.
# The script of each task is
#
# ```bash
# #SBATCH --array=0-7
# export OMP_NUM_THREADS=8
# cp grid.yaml "$TMPDIR"
# dualcl grid "$TMPDIR/grid.yaml" --store "$TMPDIR/store"
# cp "$TMPDIR"/store/*.json /shared/results/
# ```
#
# (`$TMPDIR` is a disk of the node a task runs on.) Where is the fault?
#
# - a) Eight threads in each task: they do the same work.
# - b) The grid is copied, so each task numbers its runs in its own way.
# - c) The store is on a disk of the node: no task sees the others' claims and runs.
# - d) The copies in the last line overwrite each other, so runs are lost.


# %% exercise="12-fault"
def array_fault() -> str:
    """Return the letter of the fault: "a", "b", "c" or "d"."""
    ### BEGIN SOLUTION
    # Claims and finished runs are files of the store; who does not see them does the runs again.
    return "c"
    ### END SOLUTION


check.array_fault(array_fault)

# %% [markdown] tags=["hint"]
# How does a worker find out that another has done, or is doing, a run? What would it have to see?

# %% [markdown] tags=["pseudocode"]
# go through the letters: would it make each task do all 40 runs, and yet leave 40 rows?

# %% grade="12-fault-tests" points=1
assert str(array_fault()).strip().lower().strip("()\"'.") == "c"

# %% [markdown]
# ### Exercise 12.5 · Anchors that a small batch wastes
#
# *Difficulty 1 of 3, 6 minutes, objective 1.*
#
# A batch of $N$ sentences is drawn at random from $K$ classes, all equally likely. With which probability has an anchor *no* positive in it? Let
# `lone_share` return it, a number between 0 and 1.
#
# For a batch of 4 and two classes it is 0.125.


# %% exercise="12-lone"
def lone_share(batch: int, classes: int) -> float:
    """Return the probability that none of the others has the anchor's class."""
    ### BEGIN SOLUTION
    return (1 - 1 / classes) ** (batch - 1)
    ### END SOLUTION


check.lone_share(lone_share)

# %% [markdown] tags=["hint"]
# Ask one of the other sentences first: with which probability is it of another class?

# %% [markdown] tags=["pseudocode"]
# probability that one other sentence is of another class
# to the power of the number of others

# %% grade="12-lone-tests" points=1
assert abs(float(lone_share(4, 2)) - 0.125) < 1e-9
assert abs(float(lone_share(16, 6)) - 0.0649) < 1e-4
assert float(lone_share(8, 1)) == 0.0
