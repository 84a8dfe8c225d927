# %% [markdown]
# ## Where we are
#
# **Recall 1.** Lesson 06: gradient accumulation takes a batch in parts and adds up the gradients. For which of the two losses,
# cross-entropy or contrastive, is the sum the gradient of the whole batch?
#
# <details><summary>Answer</summary>
#
# For cross-entropy: its loss is a sum over sentences. A contrastive loss compares sentences with each other, and accumulation never
# compares two sentences of different parts.
#
# </details>
#
# **Recall 2.** Lesson 05: what must be known of all other sentences to compute $L_z$ of one anchor?
#
# <details><summary>Answer</summary>
#
# The columns $\theta^*_a$ of all candidates, and the labels. Not their texts, and nothing from inside the encoder.
#
# </details>
#
# Lesson 06 trained on one machine, with batches that fit. This lesson is optional. It has three parts that can be read alone:
# **A**, a batch larger than memory; **B**, more than one process; **C**, many runs on many machines. Today's question:
# **and when one machine is too small?**

# %% tags=["hide-input"]
from dualcl_tutorial.plots import lesson12, shared

notebook.show(
    shared.pipeline(["encoder", "features", "training"]),
    alt="The pipeline from texts to predictions; encoder, features and training are lit.",
)

# %% [markdown]
# Three boxes are lit. The encoder is what does not fit; the features are what has to be together.
#
# | symbol | in code | meaning |
# |---|---|---|
# | N | `batch_size` | sentences in a batch, over all processes |
# | m | `micro_batch` | sentences inside the encoder at a time |
# | W | `processes` | processes that share a batch |
# | $A_i, P_i$ | `candidates`, `positives` | all but i; those of them with its class |
#
# ## Why large batches at all
#
# Each anchor of a contrastive loss needs a positive and likes many candidates. With K equally frequent classes a random
# batch leaves an anchor without a positive with probability
#
# $$\left(1 - \tfrac1K\right)^{N-1}$$
#
# In words: all others belong to other classes. Move the sliders.

# %% id="batch-widget"
from dualcl_tutorial.widgets import lesson12 as sliders

notebook.live(
    sliders.positives,
    alt="Bars: how many positives an anchor has in a batch of 16 with 6 classes. Most have 1 to 4; "
    "6.5 % have none.",
    **sliders.batch_sliders(),
)

# %% [markdown]
# The orange bar is the waste. Six classes are done with 64 sentences. With 77 classes 64 sentences leave 44 % of the anchors alone;
# there a large batch is not a luxury.
#
# Second effect: the gradient. We cut 128 questions into parts, average the gradients of the parts with respect to
# all $z_i$, and ask how much this looks like the gradient of the whole. The features come from minilm as it is, before any training.
#
# **Your guess.** Parts of 8: the cosine with the gradient of the whole batch is about
#
# - a) 1: averages of parts are the whole.
# - b) clearly below 1.
# - c) 0: they have nothing in common.

# %% id="agreement"
import torch
from dualcl_tutorial import corpora
from dualcl_tutorial.losses import dual_contrastive_loss
from dualcl_tutorial.model import DualCLModel

data = corpora.load("mini-questions", validation=0)["train"].shuffle(seed=0)
rows = notebook.by_mode(quick=32, read=128)
labels = torch.tensor(data["label"][:rows])  # (N,)
model = DualCLModel.from_encoder("minilm", data.features["label"].names)
z, theta = model.outputs(data["text"][:rows], ["z", "theta"])  # (N, d), (N, K, d)


# %% id="slope"
def slope(size):
    free, total = z.clone().requires_grad_(), 0.0
    for part in torch.arange(rows).split(size):
        total = total + sum(dual_contrastive_loss(free[part], theta[part], labels[part])) * size
    return torch.autograd.grad(total / rows, free)[0].flatten()


# %% [markdown]
# `slope(n)` weighs each part by its size, so that only the pairs that are compared make the difference.

# %% id="agreement-figure"
whole = slope(rows)
sizes = [n for n in (2, 4, 8, 16, 32, 64, 128) if n <= rows]
agreement = {n: float(torch.cosine_similarity(slope(n), whole, dim=0)) for n in sizes}
notebook.show(
    lesson12.batch_signal(agreement),
    alt="Left: share of anchors without a positive falls with the batch, slower with more classes. "
    "Right: the mean gradient of parts comes closer to the whole gradient as the parts grow.",
)

# %% [markdown]
# b). Parts and whole agree only as the parts grow. So accumulation is no way to a large batch: it is cheap, and it is another loss.
# Whether a larger batch also gives a better *classifier* is a question for lesson 08's tools. **The paper** uses 64.
#
# ## Part A · A batch larger than memory
#
# What fills the memory? Not the loss: z and theta of 4,096 sentences are small. It is what the encoder keeps of
# each sentence for the backward pass. The chain rule says how to do without. Let $w$ be the weights and $z_i = f_w(x_i)$:
#
# $$\frac{\partial L}{\partial w} = \sum_{i=1}^{N} \frac{\partial L}{\partial z_i}\,\frac{\partial z_i}{\partial w}$$
#
# In words: the loss couples the sentences only through the numbers $g_i = \partial L/\partial z_i$. Once these are known, each sentence can
# go through the encoder alone, as if its loss were $g_i \cdot z_i$ with $g_i$ a constant. Hence two passes, **gradient caching** (Gao et al., 2021):
#
# 1. all pieces through the encoder, nothing kept but z; from these the loss, and $g_i$;
# 2. each piece again, now with memory; backward from $g_i \cdot z_i$; forget.
#
# Four sentences, an encoder of one layer with dropout, in float64:

# %% id="four-sentences"
import torch.nn.functional as F
from dualcl_tutorial.losses import supcon_loss

draw = torch.Generator().manual_seed(0)
x = torch.randn(4, 5, dtype=torch.float64, generator=draw)  # (N, inputs)
y = torch.tensor([0, 0, 1, 1])  # (N,)
w = torch.randn(5, 3, dtype=torch.float64, generator=draw).requires_grad_()  # (inputs, d)
pieces = [(slice(0, 2), 11), (slice(2, 4), 22)]  # rows, and the seed of their dropout


# %% id="whole-batch"
def encode(piece, seed):
    torch.manual_seed(seed)
    return F.dropout(x[piece] @ w, 0.3)  # (2, d)


together = torch.cat([encode(piece, seed) for piece, seed in pieces])  # everything kept
(wanted,) = torch.autograd.grad(supcon_loss(together, y, temperature=0.5), w)

# %% [markdown]
# That was the whole batch at once, everything kept: what we want to find. Now the two passes.

# %% id="two-passes" tags=["nbval-check-output"]
with torch.no_grad():
    cache = torch.cat([encode(piece, seed) for piece, seed in pieces])  # first pass
cache.requires_grad_()
(g,) = torch.autograd.grad(supcon_loss(cache, y, temperature=0.5), cache)  # (N, d)
found = sum(
    torch.autograd.grad((g[piece] * encode(piece, seed)).sum(), w)[0] for piece, seed in pieces
)
assert torch.allclose(found, wanted, rtol=1e-12)
print(f"two passes and the whole batch: gradients of length {found.norm():.4f}, equal")

# %% [markdown]
# **Your guess.** In the second pass we forget to set the seed, so dropout drops other units. What is the gradient then?
#
# - a) The same on average, so it does no harm.
# - b) Wrong: $g_i$ belongs to a $z_i$ that is no longer there.
# - c) Zero.

# %% id="not-replayed" tags=["nbval-check-output"]
torch.manual_seed(33)
fresh = torch.randint(10**6, (2,)).tolist()  # other seeds for the second pass
wrong = sum(
    torch.autograd.grad((g[piece] * encode(piece, seed)).sum(), w)[0]
    for (piece, _), seed in zip(pieces, fresh, strict=True)
)
parts = sum(
    torch.autograd.grad(supcon_loss(encode(p, seed), y[p], temperature=0.5), w)[0] / 2
    for p, seed in pieces
)
for name, gradient in (("dropout not replayed", wrong), ("accumulation", parts)):
    print(f"{name:21}: off by {float((gradient - wanted).norm() / wanted.norm()):.0%}")

# %% [markdown]
# b). Nothing warns: shapes fit and the loss falls. Accumulation is worse: each part here holds one class, so in every part positives are all there
# is.
#
# The package does this with PyTorch's `checkpoint`, which keeps the random state of each piece and replays it. It is one setting,
# `TrainConfig(micro_batch=64)`. Here with the real encoder:

# %% id="in-pieces"
from dualcl_tutorial import scale

batch = model.collator()([{"text": text} for text in data["text"][:8]])


def gradient(micro_batch):
    out = scale.in_pieces(model, batch, micro_batch)
    model.zero_grad()
    sum(dual_contrastive_loss(out.z, out.theta, labels[:8])).backward()
    return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])


model.eval()  # without dropout, so that both ways drop the same: nothing
off = float((gradient(4) - gradient(None)).norm() / gradient(None).norm())
assert off < 1e-3
print(f"in pieces of 4 against the whole 8, without dropout: off by {off:.0e}")

# %% [markdown]
# What is left is rounding. The tests of the package do the same with dropout on. Now the memory and the time of one step, measured beforehand
# ([script](../course/experiments/batch_memory.py)): questions of TREC, minilm, float32, one thread of a two-core x86 machine.

# %% id="memory"
table = shared.read_results("lesson12_memory")
print(table.to_string(index=False))
notebook.show(
    lesson12.memory(table),
    alt="Left: memory of a step grows with the batch when it is taken whole and stays flat "
    "in pieces of 64. Right: processor seconds grow with the batch in both.",
)

# %% [markdown]
# A whole batch needs memory in proportion to N. In pieces only z, theta and 64 sentences are there at a time: 4,096 sentences in pieces of 64 took
# less than 64 at once. (Less, because a piece is padded to its own longest question, and because without pieces the loop keeps freed memory for
# the next step, which is faster. With pieces it gives it back: kept, it was full of holes that pieces of another width did not fit into,
# and memory grew with the batch after all.) The price is on the right: each sentence goes through the encoder twice before its backward pass, and memory that is given back
# has to be fetched again.
#
# ## Part B · More than one process
#
# With two GPUs each takes half a batch. The usual recipe (data parallel training) averages the gradients at the end, and for cross-entropy that is
# all. Here it is not: each process would compare its own half only.

# %% tags=["hide-input"]
notebook.show(
    lesson12.who_compares(6, 2),
    alt="Left, without gathering: two 3 by 3 blocks of compared pairs. Right, gathered: all 30 pairs.",
)

# %% [markdown]
# Colour says whose anchor it is. The grey corners on the left are comparisons that nobody makes. So the processes **gather** z and
# theta, which are small, with the labels. Then each computes the *same* loss of the *same* whole batch. Its own rows
# get their whole gradient $g_i$; backward takes it through its own encoder; and the sum over processes is the chain rule again:
#
# $$\frac{\partial L}{\partial w} = \sum_{r=1}^{W}\;\sum_{i \text{ of process } r} g_i\,\frac{\partial z_i}{\partial w}$$
#
# In words: who has a sentence, brings its term. We try it: real processes that talk over `gloo`, PyTorch's library for CPUs. The program below is
# run by each of them, on the hand-sized batch. The encoder is one matrix.

# %% id="program"
program = """
import os, torch, torch.distributed as dist
from dualcl_tutorial.example import hand_batch
from dualcl_tutorial.losses import contrastive_loss, pair_masks, true_columns
dist.init_process_group("gloo")
rank, world = dist.get_rank(), dist.get_world_size()
z, theta, labels = hand_batch(torch.float64)
star = true_columns(theta, labels)                  # (6, 2)
size = -(-len(labels) // world)                     # rows of a share, rounded up
mine = torch.arange(rank * size, (rank + 1) * size)
real = mine < len(labels)                           # the rest is padding, label -1
x = torch.where(real[:, None], z[mine.clamp(max=5)], 0)
y = torch.where(real, labels[mine.clamp(max=5)], -1)
w = torch.eye(2, dtype=torch.float64).requires_grad_()  # the same in every process
own = x @ w                                         # (size, 2)
def gather(rows):
    parts = [torch.empty_like(rows) for _ in range(world)]
    dist.all_gather(parts, rows)
    return torch.cat(parts)
everyone, targets = gather(own.detach()), gather(y)
everyone[rank * size : (rank + 1) * size] = own     # own rows with their gradient
keep = targets >= 0
candidates, positives = pair_masks(targets[keep])
loss = contrastive_loss(everyone[keep], star, targets[keep], temperature=0.5)
loss.backward()
dist.all_reduce(w.grad)                             # the sum over the processes
anchors = int(positives.any(1).sum())
print(rank, int(real.sum()), anchors, int(candidates.sum(1)[0]), f"{loss:.6f}",
      f"{w.grad.norm():.6f}")
"""

# %% id="start-processes"
import os
import socket
import subprocess
import sys


def start(world):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free.getsockname()[1]}
    team = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            env={**os.environ, **{k: str(v) for k, v in place.items()}}
            | {"RANK": str(rank), "WORLD_SIZE": str(world), "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for rank in range(world)
    ]
    return sorted(process.communicate(timeout=120)[0].split() for process in team)


answers = {world: start(world) for world in notebook.by_mode(quick=(1, 2), read=(1, 2, 4))}

# %% [markdown]
# **Your guess.** The hand-sized batch has classes of 3, 2 and 1 sentences. With two processes, by what does the mean of the loss divide?
#
# - a) 3, the rows of a process.
# - b) 5, the anchors of the whole batch that have a positive.
# - c) 6, all rows.

# %% id="counts"
print("processes  sentences of each  anchors  candidates  loss      gradient of w")
for world, said in answers.items():
    shares = "+".join(line[1] for line in said)
    assert len({tuple(line[2:]) for line in said}) == 1  # every process says the same
    print(f"{world:9}  {shares:>17}  {said[0][2]:>7}  {said[0][3]:>10}  {'  '.join(said[0][4:])}")
lengths = [float(said[0][5]) for said in answers.values()]
assert max(lengths) - min(lengths) < 1e-5

# %% [markdown]
# b). Loss and gradient are the same for any number of processes. Six sentences on four processes do not come out even: shares of 2, 2, 2 and 0. The
# last process holds two rows of **padding**, label -1, and drops them after gathering. Filling up with copies would be easier, and some
# libraries do it to make batches even. But a copy of a sentence is a perfect positive.
#
# The package does the same for z, theta and all five methods. Nothing in the command changes:
#
# ```bash
# accelerate launch --multi_gpu --num_processes 2 -m dualcl_tutorial train --corpus cr --batch-size 64 --output runs/cr
# ```
#
# `--batch-size` is the whole batch; each process takes half. On a machine without a GPU the same line starts two
# processes over gloo; they share its cores, so it shows that it works and saves no time. One process prints and saves.
#
# ## Part C · Many runs, many machines
#
# A table of results is many small runs that know nothing of each other. They need no gathering, just somebody who hands them out.
# In lesson 08 that is the **store**: a folder where a finished run is one file and a run under way is a *claim*, touched
# every five seconds. Any process that sees the folder can be a worker. If one is killed, its claim goes stale after a minute
# and another worker takes the run. So two schedulers that a group may already have need no code of ours:
#
# ```bash
# dualcl grid grid.yaml --store /shared/store --workers 16 --engine ray   # Ray: tasks, started anew when they die
# sbatch course/experiments/grid.sbatch grid.yaml /shared/store           # SLURM: a job array of workers
# ```
#
# The [SLURM script](../course/experiments/grid.sbatch) is one line of work under seven lines for the scheduler. Here a small grid on this machine, with Ray if it is installed:

# %% id="grid"
import contextlib
import importlib.util
import io
import tempfile
from dualcl_tutorial.experiments import Grid, run_grid

ray = importlib.util.find_spec("ray") is not None and notebook.by_mode(quick=False, read=True)
if not ray:
    print("No Ray here (or quick mode): this process does the runs; pip install ray for the other.")
small = Grid(
    methods=["ce", "dualcl"],
    corpora=["mini-reviews"],
    per_class=[4],
    seeds=notebook.by_mode(quick=[0], read=[0, 1]),
    settings=[{"epochs": 1, "batch_size": 4}],
)
quiet = contextlib.redirect_stdout(io.StringIO())  # each run would say when it is done
with tempfile.TemporaryDirectory() as store, quiet:
    how = {"engine": "ray", "workers": 2} if ray else {}
    done = run_grid(small, store, **how)
    again = run_grid(small, store, **how)  # nothing is left to do
assert len(done) == len(small) and done.equals(again)
print(done[["method", "seed", "examples", "seconds"]].to_string(index=False))

# %% [markdown]
# The second call did nothing, and the frame is the same: a run is named by its settings and counted once, whoever did it.
#
# ## On real data
#
# What would the paper's whole table cost? **The paper:** two encoders, five methods, five corpora, a tenth of the texts and all of them, ten seeds; 30 epochs with batches of 64.
# Steps are arithmetic. Seconds a step are not: they are measured, on the machine that is to do the work.

# %% id="steps" tags=["nbval-check-output"]
steps = lesson12.table_steps()
print(f"{len(steps)} runs, {sum(steps):,} steps, the longest run {max(steps):,} steps")
for gpus in (1, 8, 64):
    hours = lesson12.makespan(steps, 1.0, gpus)
    print(
        f"at 1 s a step on {gpus:2}: {hours:8.1f} hours, {sum(steps) / 3600 / hours:5.1f} times one"
    )

# %% [markdown]
# On 64 the longest runs leave little idle. Now a step of the encoder you have, on the machine you have.

# %% id="an-encoder"
import time

encoder = notebook.encoder()
measured = DualCLModel.from_encoder(encoder, ["positive", "negative"]).train()
device = "cuda" if torch.cuda.is_available() else "cpu"
measured.to(device)
size = notebook.by_mode(quick=4, read=64)
words = " ".join(["word"] * 20)  # a sentence of twenty words
batch = {k: v.to(device) for k, v in measured.collator()([{"text": words}] * size).items()}
# %% id="measure-a-step"
seconds = []
for _ in range(notebook.by_mode(quick=2, read=4)):
    started = time.perf_counter()
    out = measured(**batch, labels=(torch.arange(size) % 2).to(device))
    out.loss.backward()
    measured.zero_grad()
    float(out.loss)  # waits for a GPU
    seconds.append(time.perf_counter() - started)
step = sorted(seconds[1:])[len(seconds[1:]) // 2]  # the first one warms up
print(
    f"{encoder} on {device}, batch {size}: {step:.2f} s a step ({min(seconds):.2f} to {max(seconds):.2f})"
)

# %% [markdown]
# The range shows how steady the machine is. Put the number into the table:

# %% id="cost-widget"
notebook.live(
    sliders.cost,
    alt="Bars on a log scale: hours of the paper's table on 1, 8 and 64 processors at the measured "
    "seconds a step.",
    **sliders.cost_sliders(step),
)

# %% [markdown]
# The bars begin with the step just measured: this encoder, this machine. It is not the paper's encoder, which is larger, and says nothing of a GPU you did not run
# it on. Rent one for five minutes, run this cell with `DUALCL_ENCODER=bert` there, and put its number on the slider. Eight processors are eight times as fast here because there
# are many more runs than processors; one run is not made faster by any of this. For that, part B.
#
# ## What can go wrong
#
# Somebody gathers correctly, lets each process take the mean over *its own* anchors, and averages over processes. The
# hand-sized batch in two halves: three anchors of class 0; then two of class 1 and sentence 6, which has no positive.

# %% id="mean-of-means" tags=["nbval-check-output"]
from dualcl_tutorial.example import hand_batch
from dualcl_tutorial.losses import contrastive_loss, true_columns

z6, theta6, y6 = hand_batch(torch.float64)
star = true_columns(theta6, y6)
each, valid = contrastive_loss(z6, star, y6, temperature=0.5, reduction="none")  # (6,), (6,)
halves = [slice(0, 3), slice(3, 6)]
sums = [float(each[h].sum()) for h in halves]
counts = [int(valid[h].sum()) for h in halves]
means = [s / n for s, n in zip(sums, counts, strict=True)]
right = contrastive_loss(z6, star, y6, temperature=0.5)
assert abs(sum(sums) / sum(counts) - right) < 1e-12
print(f"anchors {counts}, mean of means {sum(means) / 2:.4f}, global mean {right:.4f}")

# %% [markdown]
# **Symptom:** none that one sees. Both numbers fall in training; the second half weighs too much, as it has fewer anchors. **Cure:** add up sums and counts over
# all processes, then divide once. Part B does this by giving every process the whole batch.
#
# ## Take-aways
#
# - A contrastive gradient of parts is not that of the whole: accumulation is another loss.
# - The loss couples sentences only through $g_i = \partial L/\partial z_i$; so the encoder may see them piece by piece.
# - The second pass must drop the same units as the first. Nothing warns if it does not.
# - Several processes gather z, theta and labels; the mean divides by the anchors of the whole batch that have a positive.
# - Padding has label -1. A repeated sentence would be a perfect positive.
# - Many runs need a shared store and workers; any scheduler can start those.

# %% [markdown]
# ## Check yourself
#
# **Self-check 1** (objective 1). Six equally frequent classes, batch 16. Which change removes most lone anchors?
#
# - a) temperature 0.05 in place of 0.1
# - b) batch 64
# - c) four accumulated parts of 16
#
# <details><summary>Answer</summary>
#
# b): $(5/6)^{63}$ is practically 0. a) changes no pair. c) has four batches of 16, each with its own lone anchors.
#
# </details>
#
# **Self-check 2** (objective 2). What does gradient caching keep between its two passes?
#
# - a) Everything the encoder computed.
# - b) z, theta and the gradients of the loss with respect to them, and the random states.
# - c) Only the loss.
#
# <details><summary>Answer</summary>
#
# b). a) is what does not fit. c) is not enough: the second pass needs $g_i$ and the same dropout.
#
# </details>
#
# **Self-check 3** (objective 3). Four processes, 16 sentences each, one anchor of the 64 has no positive. What does the mean of $L_z$ divide by, and
# how many candidates has an anchor?
#
# - a) 16 and 15
# - b) 63 and 63
# - c) 64 and 63
#
# <details><summary>Answer</summary>
#
# b): 63 anchors count, and each has all 63 others as candidates. a) is what happens without gathering. c) lets the lone anchor into the mean.
#
# </details>
#
# **Self-check 4** (objective 4). A grid of 40 equal runs takes 10 hours on one GPU. On 64 GPUs it takes
#
# - a) 10/64 hours
# - b) 15 minutes
# - c) 10 hours
#
# <details><summary>Answer</summary>
#
# b): one run is 15 minutes and cannot be cut. a) divides a run. c) has one worker.
#
# </details>
#
# ## Further reading
#
# - Gao, Zhang, Han, Callan (2021), *Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup*: gradient caching.
# - PyTorch's notes on [checkpointing](https://pytorch.org/docs/stable/checkpoint.html) and on distributed training.
# - [`scale.py`](../dualcl_tutorial/scale.py): parts A and B in a hundred lines.
