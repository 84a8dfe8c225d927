# %% [markdown]
# ## Where we are
#
# **Recall 1.** Lesson 02 made two views of each of N sentences. How many positives and how many negatives
# has one view as an anchor?
#
# <details><summary>Answer</summary>
#
# One positive, the other view of its sentence. And $2N-2$ negatives: all views of all other sentences,
# those of its own class among them.
#
# </details>
#
# **Recall 2.** In lesson 01 two batches had the same cross-entropy. What was different, and why did
# cross-entropy not see it?
#
# <details><summary>Answer</summary>
#
# In one of them the features of the classes were mixed up. Cross-entropy looks at one sentence and its
# scores at a time. It never compares two sentences.
#
# </details>
#
# Lesson 02 ended with a loss that compares sentences, but pushes two film reviews apart as if they had
# nothing in common. Now we know the labels. **What do labels add, and why is a separate classifier still
# needed?**

# %% tags=["hide-input"]
from dualcl_tutorial.plots import shared

notebook.show(
    shared.pipeline("loss"), alt="The pipeline from texts to predictions; the box loss is lit."
)

# %% [markdown]
# Everything today happens in one box: features and labels go in, one number comes out.
#
# | symbol | in code | shape | meaning |
# |---|---|---|---|
# | $z_i$ | `z` | (N, d) | feature of sentence i; the formulas below use it at length 1 |
# | $y_i$ | `labels` | (N,) | class of sentence i |
# | $A_i$ | `candidates` | (N, N) bool | everything but i itself |
# | $P_i$ | `positives` | (N, N) bool | candidates of the same class |
# | $\tau$ | `temperature` | scalar | small: only near neighbours count |
#
# ## From one partner to many: two masks
#
# A partner used to be made by dropout. With labels, partners are free: **every other sentence of my class
# is a partner.** For each anchor $i$ we need two sets,
#
# $$A_i = I \setminus \{i\}, \qquad P_i = \{p \in A_i : y_p = y_i\}.$$
#
# In words: the candidates are all sentences but myself; the positives are the candidates of my class. Here
# they are for the hand-sized batch, by plain loops.

# %% id="sets-by-loops" tags=["nbval-check-output"]
from dualcl_tutorial.example import hand_batch

z, _, labels = hand_batch()  # (N, d) = (6, 2) and (N,)
N = len(labels)
A = [{j for j in range(N) if j != i} for i in range(N)]
P = [{p for p in A[i] if labels[p] == labels[i]} for i in range(N)]
for i in range(N):
    print(f"sentence {i + 1}, class {labels[i]}: partners {[p + 1 for p in sorted(P[i])]}")

# %% [markdown]
# Sentence 6, the only one about a phone, has no partner. Keep it in mind.
#
# A computer likes Boolean matrices better than sets. Row $i$ belongs to anchor $i$. Two comparisons make
# all rows at once.

# %% id="masks" tags=["nbval-check-output"]
import torch
from dualcl_tutorial.losses import pair_masks

own = torch.eye(N, dtype=torch.bool)  # (N, N)
candidates = ~own  # (N, N)
positives = candidates & (labels[:, None] == labels[None, :])  # (N, N)

assert all(set(positives[i].nonzero()[:, 0].tolist()) == P[i] for i in range(N))
assert all(
    torch.equal(*pair) for pair in zip((candidates, positives), pair_masks(labels), strict=True)
)
print(
    f"sets, masks and pair_masks agree: {candidates.sum()} candidates, {positives.sum()} positives"
)

# %% tags=["hide-input"]
from dualcl_tutorial.plots import lesson03

notebook.show(
    lesson03.two_masks(labels),
    alt="Two 6 by 6 matrices. Candidates: all but the diagonal. Positives: blocks of the classes "
    "without the diagonal, 3 by 3 and 2 by 2; the last row is empty.",
)

# %% [markdown]
# The diagonal is empty in both: nobody is compared with herself, because that similarity is always 1 and
# teaches nothing. The positives are blocks, one a class. The last row is empty.
#
# From lesson 02 on we count every loss: anchors, positives an anchor, candidates an anchor.

# %% id="counts" tags=["nbval-check-output"]
for batch in (4, 64):
    two_views = torch.arange(batch).repeat(2)  # sentence numbers as labels: the paper's (1)
    two_classes = torch.arange(batch) % 2  # half the batch in each class: today's loss
    for name, y in (("two views", two_views), ("labels", two_classes)):
        c, p = pair_masks(y)
        each = f"{p.sum() / len(y):.0f} positives, {c.sum() / len(y):.0f} candidates each"
        print(f"batch {batch:2}, {name:9}: {len(y):3} anchors, {each}")

# %% [markdown]
# Dropout gives one positive however large the batch. Labels give more of them as the batch grows, and one
# pass through the encoder is enough.
#
# ## Outside or inside the logarithm
#
# In lesson 02 the loss was $-\log$ of one probability: that of the partner. Now there are several partners,
# each with its probability
#
# $$p_{ip} = \frac{\exp(z_i\cdot z_p/\tau)}{\sum_{a\in A_i}\exp(z_i\cdot z_a/\tau)}.$$
#
# We can average the logarithms, or take the logarithm of the average:
#
# $$L_{sup} = \frac{1}{N}\sum_{i\in I}\frac{1}{|P_i|}\sum_{p\in P_i} -\log p_{ip} \tag{2}$$
#
# $$L_{in} = \frac{1}{N}\sum_{i\in I} -\log \frac{1}{|P_i|}\sum_{p\in P_i} p_{ip}$$
#
# In words: (2) asks that **every** partner be likely. The other form asks that the partners **together** be
# likely; it has no number in the paper.
#
# **The paper:** it prints (2), the sum outside. So do Gunel et al. (2021), whose loss for text the paper
# compares itself with. Khosla et al. (2020) introduced both and found the outside form better on ImageNet:
# 78.7 % against 67.4 %.
#
# First as loops, in double precision, with $\tau = 0.5$ so that the numbers are easy to read.

# %% id="loops" tags=["nbval-check-output"]
import math

import torch.nn.functional as F

tau = 0.5
u = F.normalize(z.double(), dim=1)  # (N, d): features at length 1
outside, inside = [], []
for i in [i for i in range(N) if P[i]]:  # anchors with a partner
    total = sum(math.exp(u[i] @ u[a] / tau) for a in A[i])
    p = [math.exp(u[i] @ u[p] / tau) / total for p in sorted(P[i])]
    outside.append(sum(-math.log(q) for q in p) / len(p))
    inside.append(-math.log(sum(p) / len(p)))
    print(f"anchor {i + 1}: outside {outside[-1]:.4f}, inside {inside[-1]:.4f}")

# %% [markdown]
# Now as matrices. One softmax a row does all anchors at once. The mask comes **before** the softmax: what is
# no candidate gets the score $-\infty$ and so the probability 0.

# %% id="matrices" tags=["nbval-check-output"]
from dualcl_tutorial.losses import supcon_loss

counts = positives.any(1)  # (N,): anchors with a partner
scores = (u @ u.T / tau).masked_fill(~candidates, -torch.inf)  # (N, N)
log_p = torch.log_softmax(scores, 1)[counts]  # (5, N)
mine = positives[counts]  # (5, N)
by_matrix = -torch.where(mine, log_p, 0).sum(1) / mine.sum(1)  # (5,)
assert torch.allclose(by_matrix, torch.tensor(outside, dtype=torch.float64))
assert torch.allclose(supcon_loss(z.double(), labels, temperature=tau), by_matrix.mean())
print(f"loops, matrices and supcon_loss: {by_matrix.mean():.4f}; inside: {sum(inside) / 5:.4f}")

# %% [markdown]
# In the loops no inside value was larger than its outside neighbour. That is **Jensen's inequality**:
# $-\log$ is a bowl, and for a bowl the average of the values is never below the value at the average. So
# $L_{in} \le L_{sup}$, always. With one partner (anchors 4 and 5) the two are the same.
#
# **Your guess.** An anchor has two partners. One is near (cosine 0.9). The other is far (cosine -0.5), on the
# wrong side of three negatives (cosine 0). How hard does the *inside* form pull the far one?
#
# - a) Harder than the near one, because it is more wrong.
# - b) As hard as the near one.
# - c) Hardly at all.

# %% tags=["hide-input"]
notebook.show(
    lesson03.outside_inside(temperature=0.1),
    alt="Left: the outside loss rises as the far partner moves away, the inside loss stays flat. "
    "Right: the far partner's share of the pull is one half outside, near 0 inside.",
)

# %% [markdown]
# c). The inside form is content as soon as **one** partner is near: its curve is flat, and the far partner's
# share of the pull goes to 0. The outside form pulls both equally, so the far one costs more the farther it
# is. The figure shows one anchor at temperature 0.1. It does not show which form classifies better; for
# that, the ImageNet numbers above are all we have here.
#
# ## Push minus pull, and the gradient by hand
#
# Write $s_{ij} = z_i\cdot z_j/\tau$ for a score. The logarithm of a fraction is a difference, so each anchor's loss
# falls apart into two terms:
#
# $$L_i = \underbrace{\log\sum_{a\in A_i} e^{s_{ia}}}_{\text{push}} \;-\; \underbrace{\frac{1}{|P_i|}\sum_{p\in P_i} s_{ip}}_{\text{pull}}$$
#
# In words: the push grows when any candidate comes near, mostly the nearest; the pull is the average score of
# the partners. This is how the package computes it: a stable logsumexp and a mean.
#
# Take the derivative with respect to one score. The derivative of logsumexp is softmax (lesson 01), the rest
# is $1/|P_i|$:
#
# $$\frac{\partial L_i}{\partial s_{ij}} = \mathrm{softmax}_{ij} - \frac{[\,j\in P_i\,]}{|P_i|}$$
#
# In words: what the model believes minus what it should believe, as in cross-entropy. Only the target is
# new: $1/|P_i|$ on each partner. From scores to features there are two more steps. Each feature appears twice, as
# anchor and as target. And normalising removes the part of the gradient that only changes the length.

# %% id="gradient" tags=["nbval-check-output"]
share = torch.softmax(scores, 1)  # (N, N): what the model believes
wanted = positives / positives.sum(1, keepdim=True).clamp(min=1)  # (N, N): what it should
G = (share - wanted) * counts[:, None] / counts.sum()  # (N, N): of the mean over anchors
along = (G + G.T) @ u / tau  # (N, d): as anchor and as target
along = along - (along * u).sum(1, keepdim=True) * u  # no change of length
by_hand = along / z.double().norm(dim=1, keepdim=True)  # (N, d)

free = z.double().requires_grad_()
(auto,) = torch.autograd.grad(supcon_loss(free, labels, temperature=tau), free)
assert torch.allclose(by_hand, auto)
print(f"gradient by hand and by autograd agree; its norm is {auto.norm():.4f}")

# %% [markdown]
# **Your guess.** Anchor 1 has two partners. Sentence 2 is very near (cosine 0.94), sentence 3 is farther
# (0.54). What does the loss of anchor 1 do with sentence 2?
#
# - a) It pulls it, harder than sentence 3.
# - b) It pulls it, but less than sentence 3.
# - c) It pushes it away.

# %% tags=["hide-input"]
notebook.show(
    lesson03.circle(z, labels, anchor=0, temperature=tau),
    alt="Six points on the unit circle. Sentence 3 pulls anchor 1 with weight 0.24; sentence 2, a "
    "partner, pushes with weight 0.09, as do the sentences of other classes.",
)

# %% [markdown]
# c), which surprises most people. The numbers are $[j\in P_i]/|P_i|$ minus softmax: positive pulls, negative pushes. Each
# partner should get one half of the softmax. Sentence 2 already has more, so it is pushed, and sentence 3
# pulled. The loss does not want partners *near*; it wants them **equally** near, and nearer than all others.
#
# ### Why an anchor needs a partner
#
# For sentence 6, formula (2) divides by $|P_6| = 0$. Watch what a careless implementation does.

# %% id="lone-anchor" tags=["nbval-check-output"]
from dualcl_tutorial.losses import contrastive_loss

log_all = torch.log_softmax(scores, 1)  # (N, N), -inf on the diagonal
careless = -torch.where(positives, log_all, 0).sum(1) / positives.sum(1)  # (N,)
print("careless:", [f"{x:.2f}" for x in careless.tolist()], f"mean {careless.mean():.2f}")
losses, valid = contrastive_loss(z, z, labels, temperature=tau, reduction="none")  # (N,), (N,)
print("package: ", [f"{x:.2f}" for x in losses.tolist()], f"mean {losses[valid].mean():.2f}")
print("gradient of sentence 6:", [f"{x:.3f}" for x in auto[5].tolist()])

# %% [markdown]
# One lone anchor turns the loss of the whole batch into NaN. **The paper:** it divides by $|P_i|$ and averages over
# all N; it does not say what 1/0 should be. The course averages over the anchors that have a partner. The lone
# sentence still works as a negative of the others: its gradient is not zero.
#
# ## The floor of the loss
#
# **Your guess.** A perfect batch: 16 sentences, two classes of eight. Each class sits on one point, and the two
# points are opposite. $\tau = 0.1$. What is the loss?
#
# - a) 0
# - b) 0.69
# - c) 1.95

# %% id="perfect-batch" tags=["nbval-check-output"]
y16 = torch.arange(16) % 2  # (16,): 8 of each class
perfect = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])[y16]  # (16, 2)
collapsed = torch.ones(16, 2)  # (16, 2): all on one point
print(f"perfect {supcon_loss(perfect, y16, temperature=0.1):.4f}, log 7 is {math.log(7):.4f}")
print(f"collapsed {supcon_loss(collapsed, y16, temperature=0.1):.4f}, log 15 is {math.log(15):.4f}")

# %% [markdown]
# c). Each anchor has seven partners, and a softmax shares **one** unit of probability among them. At best each
# gets 1/7, and $-\log(1/7) = \log 7$. The proof is two lines:
#
# $$\text{push} \;\ge\; \log\sum_{p\in P_i} e^{s_{ip}} \;\ge\; \log|P_i| + \frac{1}{|P_i|}\sum_{p\in P_i}s_{ip} \;=\; \log|P_i| + \text{pull}$$
#
# First we drop the negatives, then comes Jensen again. So no features and no temperature bring the loss below
#
# $$\text{floor} = \text{mean of } \log|P_i|, \qquad \text{collapsed} = \text{mean of } \log|A_i| = \log(N-1),$$
#
# both over the anchors that count. The second value is what a model gives that has learned nothing and puts
# all features on one point: every candidate gets $1/(N-1)$.

# %% id="floor" tags=["nbval-check-output"]
from dualcl_tutorial.losses import loss_floor

for name, y in (("hand-sized batch", labels), ("16 sentences, two classes", y16)):
    c, p = pair_masks(y)
    c, p = c.sum(1)[p.any(1)], p.sum(1)[p.any(1)]  # counts of the anchors with a partner
    by_hand = [float(n.double().log().mean()) for n in (c, p)]
    assert all(math.isclose(*pair) for pair in zip(by_hand, loss_floor(y), strict=True))
    print(f"{name}: collapsed {by_hand[0]:.4f}, floor {by_hand[1]:.4f}")

# %% tags=["hide-input"]
notebook.show(
    lesson03.floor_and_ceiling(),
    alt="Loss of 16 sentences against the cosine between two classes, for four temperatures. All "
    "start at 2.71; small temperatures fall to the floor 1.95, temperature 1 stays above 2.",
)

# %% [markdown]
# From left to right the two classes move apart, from one point to opposite points. At temperature 0.1 the floor
# is reached long before they are opposite: after that, the loss has nothing left to say. At temperature 1 even
# the perfect batch stays above it. So **read a contrastive loss between its two lines**, never against 0. The
# upper line is no ceiling: features with their classes mixed up score above it.
#
# Now click other labels. What happens to the two lines when all six sentences get the same label?

# %% id="label-widget"
from dualcl_tutorial.widgets import lesson03 as sliders

notebook.live(
    sliders.labelled_batch,
    alt="Positives of the hand-sized batch and the loss of each anchor; the batch's loss 0.80 lies "
    "between the floor 0.42 and collapsed 1.61.",
    **sliders.label_buttons(),
)

# %% [markdown]
# With the true labels the loss lies between its lines. Give the labels alternately (food, film, food, film, ...): it
# climbs above the dashed line. Give all six the same label: floor and collapsed become one, log 5, since
# without negatives the best answer *is* one point. Bars can lie below the floor: it is a mean over anchors, and
# an anchor with one partner has the floor log 1 = 0.
#
# ## On real data
#
# **CE+SCL** adds the loss to the classifier of lesson 01:
#
# $$L = L_{CE} + \lambda\, L_{sup}$$
#
# In words: cross-entropy trains encoder and head, the contrastive part trains the encoder alone, with weight
# $\lambda$. (Gunel et al. weigh the two with $1-\lambda$ and $\lambda$.) The next cell trains on a tenth of CR, or on a few bundled
# reviews in quick mode: about half a minute on a CPU, seconds on a GPU.

# %% id="train-scl"
from dualcl_tutorial.training import TrainConfig, train

corpus = notebook.corpus("cr", fallback="mini-reviews")
size = notebook.by_mode(quick={"per_class": 16, "epochs": 2}, read={"fraction": 0.1, "epochs": 4})
run = train(TrainConfig(corpus=corpus, method="scl", progress=False, **size))
steps = len(run.history)
print(
    f"{steps} steps; accuracy on {len(run.predictions)} test sentences: {run.accuracy:.2f} (one seed)"
)

# %% tags=["hide-input"]
notebook.show(
    lesson03.loss_between_lines(run.history),
    alt="The contrastive loss of CE+SCL step by step, with the band between the floor and the "
    "collapsed value of each batch.",
)

# %% [markdown]
# Neither line is straight: every batch has its own class counts, so its own lines. A deep notch is the last batch of
# an epoch, only a few sentences: the loss falls there, and nothing was learned. A spike above the band is a batch
# whose features are worse than one common point. What to watch is whether the curve settles at the *lower edge of
# the band*. This is one run with one seed; lesson 06 asks how much a seed moves it.
#
# ### The flaw that remains
#
# **The paper:** its criticism of the supervised loss is that a linear classifier must still be trained apart, with
# cross-entropy, since the contrastive part only learns general features of the input. Two cells show what that
# means. First: does the contrastive part send any gradient to the head?

# %% id="no-gradient-to-head" tags=["nbval-check-output"]
texts, y = ["a fine film", "a fine book", "a bad film", "a bad book"], torch.tensor([0, 0, 1, 1])
batch = run.model.collator()([{"text": t} for t in texts])
device = run.model.device
output = run.model(**{name: tensor.to(device) for name, tensor in batch.items()})
supcon_loss(output.z, y.to(device)).backward()
touched = [name for name, p in run.model.named_parameters() if p.grad is not None]
print("encoder touched:", any(name.startswith("encoder") for name in touched))
print("head touched:", any(name.startswith("head") for name in touched))

# %% [markdown]
# Second: the contrastive loss looks at angles *between features* only. So we may turn all features together, and
# it will not notice. The head will. On the hand-sized batch, with the mean of each class as its weight row:

# %% id="rotation" tags=["nbval-check-output"]
head = torch.stack([z[labels == k].mean(0) for k in range(3)])  # (K, d)
for degrees in (0, 45, 90, 180):
    a = math.radians(degrees)
    turn = torch.tensor([[math.cos(a), -math.sin(a)], [math.sin(a), math.cos(a)]])
    turned = z @ turn.T  # (N, d)
    right = int(((turned @ head.T).argmax(1) == labels).sum())
    print(
        f"{degrees:3} degrees: L_sup {supcon_loss(turned, labels, temperature=tau):.4f}, {right} of 6 right"
    )

# %% [markdown]
# The same loss to the last digit, and any number of right answers. Features and classifier live in two worlds, and
# nothing in $L_{sup}$ makes them meet. Lesson 04 puts the classifier into the input; lesson 05 makes feature
# and classifier each other's partners.

# %% id="scoreboard"
shared.scoreboard("03")

# %% [markdown]
# The scoreboard has three rows now. CE+CL pays two passes through the encoder for its partners; CE+SCL takes
# them from the labels, with one pass. Accuracies come in lesson 08, with their intervals.
#
# ## What can go wrong
#
# Many files are sorted by label. Here are 32 free vectors, two classes, batches of eight, trained on
# $L_{sup}$ alone: once shuffled, once in the order of the file.

# %% id="sorted-batches" tags=["nbval-check-output"]
y32 = torch.arange(2).repeat_interleave(16)  # (32,): sorted by class
for order in ("shuffled", "sorted"):
    draw = torch.Generator().manual_seed(0)
    free = (
        torch.randn(32, 8, generator=draw) + 2 * torch.randn(1, 8, generator=draw)
    ).requires_grad_()
    adam = torch.optim.Adam([free], lr=0.05)
    for step in range(160):
        if step % 4 == 0:  # a new epoch of four batches
            rows = torch.randperm(32, generator=draw) if order == "shuffled" else torch.arange(32)
        b = rows[8 * (step % 4) :][:8]  # (8,)
        loss = supcon_loss(free[b], y32[b])
        adam.zero_grad()
        loss.backward()
        adam.step()
    cosine = F.normalize(free.detach(), dim=1) @ F.normalize(free.detach(), dim=1).T  # (32, 32)
    same = y32[:, None] == y32[None, :]
    print(
        f"{order}: within a class {cosine[same].mean():.1f}, between classes {cosine[~same].mean():.1f}"
    )
    lines = [f"{value:.2f}" for value in loss_floor(y32[b])]
    print(f"  last loss {loss.item():.2f}; collapsed and floor of its batch: {lines}")

# %% [markdown]
# **Symptom:** the loss sinks to $\log(N-1)$ and stays; here $\log 7$, 1.95. **Cause:** each batch holds one class, so
# there are no negatives, floor and collapsed are one, and the best answer is a single point. Nothing ever pushed
# the classes apart. **Cure:** shuffle, and print both lines beside the loss.
#
# Note that 1.9459 was the *perfect* value above, for 16 sentences in two classes, and is the *useless* one here.
# A user of another library met it too, in
# [a public thread](https://github.com/HobbitLong/SupContrast/issues/21): eight views, all features equal. The number alone
# says nothing. The two lines do.
#
# ## Take-aways
#
# - Labels turn every classmate into a partner. Two masks say who is candidate and who is positive.
# - The paper averages outside the logarithm: every partner must be likely. Inside, one near partner is enough.
# - Each anchor's loss is push minus pull; its gradient is softmax minus $1/|P_i|$ on partners.
# - An anchor without a partner has no loss. Leave it out of the mean, or the batch becomes NaN.
# - The floor is the mean of $\log|P_i|$, not 0; all features on one point give $\log(N-1)$.
# - The loss is blind to a common rotation and sends nothing to the head: the classifier is still learned apart.
#
# ## Check yourself
#
# **Self-check 1** (objective 1). Labels 0, 0, 1, 1, 1. How many pairs are in the mask of positives?
#
# - a) 13
# - b) 8
# - c) 4
#
# <details><summary>Answer</summary>
#
# b): $2\cdot 1 + 3\cdot 2$. a) counts the diagonal too ($4 + 9$). c) counts each pair once, but the mask has both directions.
#
# </details>
#
# **Self-check 2** (objective 2). Which statement is true for every batch?
#
# - a) The inside form is never above the outside form.
# - b) The outside form is never above the inside form.
# - c) It depends on the temperature which one is larger.
#
# <details><summary>Answer</summary>
#
# a), by Jensen. b) turns the inequality round. c): temperature changes both values and never their order.
#
# </details>
#
# **Self-check 3** (objective 3). An anchor has four partners, and one of them has 40 % of the softmax. What does
# the gradient do with this one?
#
# - a) Pulls it with weight 0.40.
# - b) Pulls it with weight 0.15.
# - c) Pushes it with weight 0.15.
#
# <details><summary>Answer</summary>
#
# c): it should have $1/4$ and has 0.40. b) has the sign wrong. a) forgets to compare with $1/|P_i|$.
#
# </details>
#
# **Self-check 4** (objective 4). Batch 64, two balanced classes, temperature 0.1. The loss stays at 3.44. What do
# you do?
#
# - a) Lower the learning rate: the loss should be near 0.
# - b) Nothing: it is at its floor.
# - c) Look for a bug: $\log 63 = 4.14$ was expected.
#
# <details><summary>Answer</summary>
#
# b): $\log 31 = 3.43$. a) reads the loss against 0. c): 4.14 is what a collapsed model gives, not a goal.
#
# </details>
#
# ## Further reading
#
# - Khosla et al., *Supervised Contrastive Learning*, 2020, [arXiv 2004.11362](https://arxiv.org/abs/2004.11362): both forms and
#   their gradients.
# - Gunel et al., *Supervised Contrastive Learning for Pre-trained Language Model Fine-tuning*, 2021,
#   [arXiv 2011.01403](https://arxiv.org/abs/2011.01403): CE+SCL for text.
# - Chen et al., *Dual Contrastive Learning*, 2022, [arXiv 2201.08702](https://arxiv.org/abs/2201.08702): section 2 holds (1) and (2).
