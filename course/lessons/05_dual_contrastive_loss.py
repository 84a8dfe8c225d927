# %% [markdown]
# ## Where we are
#
# **Recall 1.** Lesson 03: 16 sentences in two classes of eight. Between which two values do you read the
# contrastive loss?
#
# <details><summary>Answer</summary>
#
# Between the floor, $\log 7 = 1.95$, and the collapsed value, $\log 15 = 2.71$. Not against 0.
#
# </details>
#
# **Recall 2.** Lesson 04: what is $\theta_i^k$, and how is a sentence classified without a linear head?
#
# <details><summary>Answer</summary>
#
# The hidden state of label word k in the input of sentence i. The answer is the class with the largest product
# $\theta_i^k\cdot z_i$.
#
# </details>
#
# Lesson 03 compared sentences, but its classifier was learned apart. Lesson 04 got the classifier out of the
# input, but trained it one sentence at a time. Today they meet: **how do feature and classifier teach each
# other?**

# %% tags=["hide-input"]
from dualcl_tutorial.plots import shared

notebook.show(
    shared.pipeline(["features", "loss"]),
    alt="The pipeline from texts to predictions; feature and classifier, and loss are lit.",
)

# %% [markdown]
# Two boxes are lit: what comes out of the encoder, and the number made of it.
#
# | symbol | in code | shape | meaning |
# |---|---|---|---|
# | $z_i$ | `z` | (N, d) | feature of sentence i |
# | $\theta_i^k$ | `theta` | (N, K, d) | classifier column k of sentence i |
# | $\theta^*_i$ | `theta_star` | (N, d) | the column of its true class |
# | $A_i, P_i$ | `candidates`, `positives` | (N, N) | all but i; those of them with its class |
# | $\lambda$ | `weight` | scalar | weight of the contrastive part |
#
# ## Two terms, one matrix
#
# The idea fits in two wishes. The feature of a film review should lie near the *film* columns of **other** film
# reviews. And its film column should lie near the **features** of other film reviews.

# %% tags=["hide-input"]
from dualcl_tutorial.example import hand_batch
from dualcl_tutorial.plots import lesson05

z, theta, labels = hand_batch()  # (N, d), (N, K, d), (N,): N = 6, K = 3, d = 2
notebook.show(
    lesson05.dual_terms(labels, anchor=0),
    alt="Left: feature z1 is pulled by the columns of sentences 2 and 3 and pushed by those of 4, 5 "
    "and 6. Right: column theta*1 and the features of the others. The own pair is left out.",
)

# %% [markdown]
# Circles are features, triangles are columns of the true class. On the left a feature is the anchor, on the
# right a classifier. The dotted line, a sentence with itself, is in neither.
#
# **The paper** writes the left picture as (3), the right one as (4), and adds them:
#
# $$L_z = \frac1N\sum_{i\in I}\frac{1}{|P_i|}\sum_{p\in P_i}-\log\frac{\exp(\theta^*_p\cdot z_i/\tau)}{\sum_{a\in A_i}\exp(\theta^*_a\cdot z_i/\tau)} \tag{3}$$
#
# $$L_\theta = \frac1N\sum_{i\in I}\frac{1}{|P_i|}\sum_{p\in P_i}-\log\frac{\exp(\theta^*_i\cdot z_p/\tau)}{\sum_{a\in A_i}\exp(\theta^*_i\cdot z_a/\tau)} \tag{4}$$
#
# $$L_{Dual} = L_z + L_\theta \tag{5}$$
#
# In words: (3) is lesson 03 with the features as anchors and the columns as targets; (4) swaps the two roles.
# All vectors have length 1 here. So one function, with two sets of vectors put in, is enough. In loops, with
# $\tau = 0.5$:

# %% id="loops" tags=["nbval-check-output"]
import math
import torch
import torch.nn.functional as F

tau, N = 0.5, len(labels)
theta_star = theta[torch.arange(N), labels]  # (N, d)
u, t = (F.normalize(x.double(), dim=1) for x in (z, theta_star))  # (N, d) each


def by_loops(anchor, target):
    losses = []
    for i in range(N):
        A = [j for j in range(N) if j != i]
        P = [j for j in A if labels[j] == labels[i]]
        if P:
            total = sum(math.exp(anchor[i] @ target[a] / tau) for a in A)
            own = [-math.log(math.exp(anchor[i] @ target[p] / tau) / total) for p in P]
            losses.append(sum(own) / len(P))
    return sum(losses) / len(losses)


print(f"L_z {by_loops(u, t):.4f}, L_theta {by_loops(t, u):.4f}")

# %% [markdown]
# **Your guess.** How many matrices of products do the two terms need?
#
# - a) Two: one for each term.
# - b) One: each term reads it in its own direction.
# - c) Three: for $z$ with $z$, $z$ with $\theta^*$, $\theta^*$ with $\theta^*$.

# %% id="matrices" tags=["nbval-check-output"]
from dualcl_tutorial.losses import contrastive_loss, dual_contrastive_loss

candidates = ~torch.eye(N, dtype=torch.bool)  # (N, N)
positives = candidates & (labels[:, None] == labels[None, :])  # (N, N)
counts = positives.any(1)  # (N,): anchors with a partner


def contrast(scores):  # (N, N): row i holds the scores of anchor i
    push = scores.masked_fill(~candidates, -torch.inf)[counts].logsumexp(1)  # (5,)
    pull = torch.where(positives, scores, 0)[counts].sum(1) / positives.sum(1)[counts]  # (5,)
    return (push - pull).mean()


S = t @ u.T / tau  # (N, N): row i belongs to theta*_i, column j to z_j
mine = torch.stack([contrast(S.T), contrast(S)])  # L_z, L_theta
package = torch.stack(dual_contrastive_loss(z.double(), theta.double(), labels, temperature=tau))
assert torch.allclose(mine, torch.tensor([by_loops(u, t), by_loops(t, u)], dtype=torch.float64))
assert torch.allclose(mine, package)
print(f"loops, one matrix and the package: L_z {mine[0]:.4f}, L_theta {mine[1]:.4f}")

# %% tags=["hide-input"]
notebook.show(
    lesson05.score_matrix(t @ u.T, labels, anchor=0),
    alt="6 by 6 matrix of cosines, rows classifiers and columns features. Row 1 is framed for L_theta, "
    "column 1 for L_z, the diagonal is grey.",
)

# %% [markdown]
# b). A row is one classifier looking at all features; a column is one feature looking at all classifiers. The masks
# are symmetric, so they serve both. Bold cells are positives. Both terms have the masks of lesson 03, so they
# have its count too (5 anchors, 30 candidates and 8 positives here) and its floor: each lies between
# $\log|P_i|$ and $\log(N-1)$, on average over the anchors.
#
# The grey diagonal is empty. Who teaches $z_i$ and $\theta^*_i$ of one and the same sentence to match?
#
# ## The own pair and the whole loss
#
# Cross-entropy does. With the scores of lesson 04,
#
# $$L_{CE} = \frac1N\sum_{i\in I} -\log\frac{\exp(\theta^*_i\cdot z_i)}{\sum_{k\in\mathcal K}\exp(\theta_i^k\cdot z_i)} \tag{6}$$
#
# $$L_{overall} = L_{CE} + \lambda\,L_{Dual} \tag{7}$$
#
# In words: (6) lifts the own pair above the sentence's other columns, with plain dot products and no temperature.
# (7) adds the lessons of all *other* pairs with weight $\lambda$.

# %% id="whole-loss" tags=["nbval-check-output"]
from dualcl_tutorial.losses import dualcl_loss

scores = [[float(theta[i, k] @ z[i]) for k in range(3)] for i in range(N)]  # by loops
losses = [math.log(sum(map(math.exp, s))) - s[y] for s, y in zip(scores, labels, strict=True)]
ce = F.cross_entropy(torch.einsum("nkd,nd->nk", theta, z), labels)  # scores (N, K)
parts = dualcl_loss(z, theta, labels, weight=0.1, temperature=tau)
assert math.isclose(sum(losses) / N, float(ce), rel_tol=1e-5)
assert torch.allclose(torch.stack(parts), torch.Tensor([ce + 0.1 * mine.sum(), ce, *mine]))
print("\n".join(f"{name}: {value:.4f}" for name, value in parts._asdict().items()))

# %% [markdown]
# Against lesson 03 only four things are new: a second set of vectors as targets; the own pair, left to
# cross-entropy; $\theta$ in place of a head inside cross-entropy; and $\lambda$, which there weighed one term and here
# weighs two.
#
# Which products does each term touch? The hand-sized batch has $6\cdot 6\cdot 3 = 108$ products $\theta_j^k\cdot z_i$. We take
# the gradient of each term with respect to all of them and count where it is not zero. (All at length 1 here, for
# one table; that does not change what is zero.)

# %% id="who-touches-what" tags=["nbval-check-output"]
row = torch.arange(N)
D = torch.einsum("id,jkd->ijk", u, F.normalize(theta.double(), dim=2)).requires_grad_()  # (N, N, K)
true = D[:, row, labels]  # (N, N): z_i with theta*_j
terms = [contrast(true / tau), contrast(true.T / tau), F.cross_entropy(D[row, row], labels)]
touched = [torch.autograd.grad(term, D, retain_graph=True)[0] != 0 for term in terms]
own = torch.eye(N, dtype=torch.bool)[:, :, None]  # (N, N, 1)
right = (torch.arange(3) == labels[:, None])[None]  # (1, N, K): is k the class of sentence j?
kinds = {"own, true": own & right, "own, wrong": own & ~right}
kinds |= {"other, true": ~own & right, "other, wrong": ~own & ~right}
print("sentence, column: products  L_z  L_theta  L_CE")
for name, kind in kinds.items():
    hits = [int((kind & t).sum()) for t in touched]
    print(f"{name:16}: {int(kind.sum()):8} {hits[0]:4} {hits[1]:8} {hits[2]:5}")

# %% [markdown]
# The terms share the work without overlap. Cross-entropy stays inside a sentence. The dual terms cross between
# sentences and see true columns only (25 of 30: anchor 6 has no partner). Nobody teaches a wrong column
# about another sentence.
#
# Now take the loss apart. Each variant below trained minilm on `mini-questions` (six classes, 20 questions a class,
# three seeds, $\lambda = \tau = 0.1$), by [this script](../course/experiments/take_out.py).
#
# **Your guess.** We remove cross-entropy and keep $L_{Dual}$. Own pairs and wrong columns then get no gradient of
# their own. What happens to the accuracy of $\arg\max_k \theta_i^k\cdot z_i$?
#
# - a) It falls to chance, 1/6.
# - b) It is about that of cross-entropy alone.
# - c) It is the best of all.

# %% id="take-out"
runs = shared.read_results("lesson05_take_out")
for name, group in runs.groupby("variant", sort=False):
    print(f"{name:38} accuracy", *(f"{value:.2f}" for value in group.accuracy))
notebook.show(
    lesson05.take_out(runs),
    alt="Accuracy and cosines of five variants. Without the own pair in cross-entropy, accuracy is near "
    "chance and all cosines are -1; all other variants classify, the whole loss best.",
)

# %% [markdown]
# b), and that is the surprise: **either part alone teaches.** The encoder is shared. What the slot of the word
# *human* learns from other questions about people, it also does in this one; so the own pair comes closer although
# no term asks for it (circles on the right). Together the two parts are best here.
#
# The ruin is the third row. There (6) has the same value, but the own product gets no gradient: cross-entropy may
# only push wrong columns down. All columns come from one encoder, so all go down, the true one too.
# Pushing without pulling teaches nothing.
#
# The last row puts the own pair into $L_{Dual}$, without cross-entropy. Three seeds of one small corpus are an
# experiment to remember, not a proof; lesson 08 does this properly.
#
# ## How strong: $\lambda$ and $\tau$
#
# $\lambda$ multiplies a gradient. $\tau$ divides the scores, so a small $\tau$ makes the gradient longer as well. On the
# hand-sized batch:

# %% id="gradient-share" tags=["nbval-check-output"]
free = z.double().requires_grad_()
for tau_now in (0.1, 1.0):
    parts = dualcl_loss(free, theta.double(), labels, weight=1.0, temperature=tau_now)
    (a,) = torch.autograd.grad(parts.cross_entropy, free, retain_graph=True)
    (b,) = torch.autograd.grad(parts.loss_z + parts.loss_theta, free)
    ratios = ", ".join(f"{w * b.norm() / a.norm():.2f} at {w}" for w in (0.01, 0.1, 1.0))
    print(f"tau {tau_now}: length of lambda x dual gradient over cross-entropy's: {ratios}")

# %% [markdown]
# At $\tau = 0.1$ and $\lambda = 1$ the dual part is almost six times as long as cross-entropy's. **The paper:** it searched
# $\lambda$ in 0.01, 0.05, 0.1, with $\tau = 0.1$.
#
# **Your guess.** At which setting will $L_z$ *look* worst at the end, far above its floor?
#
# - a) $\lambda = 1$, $\tau = 0.1$
# - b) $\lambda = 0.1$, $\tau = 1$
# - c) $\lambda = 0.01$, $\tau = 0.1$

# %% id="lambda-tau-widget"
from dualcl_tutorial.widgets import lesson05 as sliders

notebook.live(
    sliders.stored_curves,
    alt="Left: L_z and L_theta fall from the collapsed value towards the floor over ten epochs, "
    "cross-entropy to 0. Right: accuracy of all stored runs against the weight.",
    **sliders.weight_and_temperature(shared.read_results("lesson05_lambda_tau")),
)

# %% [markdown]
# b). These are runs of minilm on the same 120 questions, stored with the course
# ([script](../course/experiments/lambda_tau.py)). At temperature 1 the curves hardly leave the upper edge: cosines differ by at most
# 2, so the softmax stays flat and the floor is out of reach. Yet the accuracy on the right need not be bad. So
# never compare loss values of two temperatures. At $\tau = 0.01$ the curves start far above the band: there being wrong is
# expensive. With minilm and so few examples, larger $\lambda$ did better than the paper's grid; expect another answer with
# your encoder and data.
#
# ## For the curious: what the bound says
#
# This section can be skipped.
#
# <details><summary>The paper's bound (9), and why it cannot hold as we read it</summary>
#
# **The paper** (the theorem was read in translation; its wording may differ) assumes a constant $\epsilon$ with $p(x_i,y_i)\ge\epsilon$
# and states
#
# $$MI(X,Y) \ge \log N - \epsilon\,L_{Dual} \tag{9}$$
#
# In words: a small dual loss means that inputs and labels share much information. Read plainly, p is a
# distribution over the pairs of N inputs and N labels. Then $\epsilon \le 1/N$, and the information cannot exceed the
# entropy of the labels, $\log K$. With unit vectors and $\tau = 1$ each term is at most $\log(N-1)+2$. The cell below puts in
# the numbers: (9) promises more than $\log K$, whatever the features. As recorded, it cannot hold; take it as motivation.
#
# What does follow comes from the floor of lesson 03: $\log(N-1) - L_z$ never exceeds the mean of
# $\log\frac{N-1}{|P_i|}$, which is about $\log K$ for balanced classes: what labels can tell.
#
# </details>

# %% id="bound" tags=["nbval-check-output"]
n, k = 64, 2
worst = 2 * (math.log(n - 1) + 2)  # of L_Dual, unit vectors, tau = 1
print(f"(9) promises {math.log(n) - worst / n:.2f} nats or more; labels hold {math.log(k):.2f}")
y = torch.arange(n) % k  # (64,): 32 of each class
print(f"log(N-1) - L_z can be at most log(63/31) = {math.log((n - 1) / (n // k - 1)):.2f}:")
draw = torch.Generator().manual_seed(0)
for name, x in (("perfect", torch.eye(k)[y]), ("random", torch.randn(n, 8, generator=draw))):
    print(f"  {name} features: {math.log(n - 1) - contrastive_loss(x, x, y):.2f}")

# %% [markdown]
# Perfect features reach what follows and no more. Random ones are below 0: worse than one common point.
#
# A true bound is that of InfoNCE: $\log N - L \le MI$, for pairs, one positive each. We can check it where the information is
# known: two Gaussian vectors of four dimensions, each coordinate with correlation r, share $-2\log(1-r^2)$ nats.


# %% id="infonce" tags=["hide-input"]
def estimate(r, size, draw, dim=4, total=4096):
    """Return log N - InfoNCE with the best critic there is, log p(y|x)/p(y)."""
    x = torch.randn(total // size, size, dim, generator=draw)  # (batches, N, d)
    y = r * x + math.sqrt(1 - r * r) * torch.randn(x.shape, generator=draw)
    apart = (y[:, None] - r * x[:, :, None]).square().sum(-1)  # (batches, N, N)
    critic = y.square().sum(-1)[:, None] / 2 - apart / (2 * (1 - r * r))
    right = critic.log_softmax(-1).diagonal(dim1=1, dim2=2)
    return math.log(size) + float(right.mean())


draw = torch.Generator().manual_seed(0)
correlations = (0.3, 0.6, 0.8, 0.9, 0.95, 0.99)
notebook.show(
    lesson05.infonce_bound(
        [-2 * math.log(1 - r * r) for r in correlations],
        {n: [estimate(r, n, draw) for r in correlations] for n in (8, 64, 512)},
    ),
    alt="Estimates for N of 8, 64 and 512 against the known information. All stay below the truth and "
    "level off at log N.",
)

# %% [markdown]
# Every curve stays below the truth and levels off at its $\log N$: that is one reason for large batches when each
# anchor has one positive. With class labels the ceiling is about $\log K$, however large the batch.
#
# ## On real data
#
# What does each of the five methods cost? We make a tiny encoder in memory, train each method for one step, and let a
# **hook**, a function PyTorch calls after each forward pass, count.

# %% id="tiny-encoder"
import tempfile
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "positive", "negative"]  # enough for counting
pieces = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="[UNK]"))
pieces.pre_tokenizer = pre_tokenizers.Whitespace()
special = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep")}
sizes = dict(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)
folder = tempfile.TemporaryDirectory()
PreTrainedTokenizerFast(tokenizer_object=pieces, model_max_length=64, **special).save_pretrained(
    folder.name
)
BertModel(BertConfig(vocab_size=len(words), **sizes)).save_pretrained(folder.name)

# %% id="count-passes" tags=["nbval-check-output"]
from dualcl_tutorial.training import METHODS, TrainConfig, train

rows = 0


def count(module, inputs, output):
    global rows
    if isinstance(module, BertModel) and module.training:
        rows += len(output.last_hidden_state)  # one a sentence and pass


hook = torch.nn.modules.module.register_module_forward_hook(count)
tiny = dict(corpus="mini-reviews", encoder=folder.name, per_class=8, epochs=1, progress=False)
for method in METHODS:
    rows = 0
    train(TrainConfig(method=method, **tiny))
    print(f"{method:11}: {rows / 16:.0f} pass(es) through the encoder for each of 16 sentences")
hook.remove()

# %% [markdown]
# Only CE+CL (`cl`) pays for a second pass. Where do the others take the second view of a sentence from? The next cell
# prints the very functions and lines of the package.

# %% id="which-line"
import inspect
from dualcl_tutorial.model import DualCLModel
from dualcl_tutorial.training import method_loss, training_step


def line(function, part):
    found = next(x.strip() for x in inspect.getsource(function).splitlines() if part in x)
    return f"{function.__qualname__}: {found}"


print("cl     |", line(training_step, "for view in range(2"))
print("scl    |", line(method_loss, "= supcon_loss("))
print("dualcl |", line(DualCLModel.forward, "theta = read_theta("))
print("       |", line(dual_contrastive_loss, "theta_star = true_columns("))

# %% [markdown]
# | method | passes | a sentence's second view |
# |---|---|---|
# | CE | 1 | none |
# | CE+CL | 2 | itself again, with other dropout |
# | CE+SCL | 1 | none of its own: classmates in the batch are its partners |
# | DualCL without $L_{Dual}$ | 1 | its columns $\theta_i^k$, used inside the sentence only |
# | DualCL | 1 | its column $\theta^*_i$, shown to the classmates |
#
# **The paper** calls this label-aware augmentation: K + 1 views out of one pass. The price is K label words more in each
# input. Now a real run, on a tenth of CR; about a minute on a CPU, seconds on a GPU.

# %% id="train-dualcl"
corpus = notebook.corpus("cr", fallback="mini-reviews")
size = notebook.by_mode(quick={"per_class": 16, "epochs": 2}, read={"fraction": 0.1, "epochs": 4})
run = train(TrainConfig(corpus=corpus, method="dualcl", progress=False, **size))
print(f"{len(run.predictions)} sentences, accuracy {run.accuracy:.2f}: one seed, no comparison")
notebook.show(
    lesson05.terms_between_lines(run.history),
    alt="L_z and L_theta step by step, between the floor and the collapsed value of each batch.",
)

# %% [markdown]
# Read it as in lesson 03: each batch has its own two lines, and the short last batch of an epoch makes a notch. The two
# terms stay close together, because they read the same matrix.
#
# ## What can go wrong
#
# The paper's formulas use a dot product in (6) and, with unit vectors, the cosine in (3) and (4). Swap them, as one
# easily does. First the cosine in (6). A cosine lies between -1 and 1, so even the best scores are 1 and -1, and
#
# $$L_{CE}^{cos} \ge \log\left(1 + (K-1)\,e^{-2}\right).$$
#
# In words: with cosines cross-entropy has a floor above 0. Then the dot product in (3) and (4). To see what training
# does, we train the vectors of the hand-sized batch themselves, with Adam.


# %% id="swaps" tags=["nbval-check-output"]
def train_vectors(cosine_in_6, cosine_in_3_4, steps=300):
    a, b = (x.double().clone().requires_grad_() for x in (z, theta))  # (N, d), (N, K, d)
    adam, history = torch.optim.Adam([a, b], lr=0.05), []
    for _ in range(steps):
        unit = F.normalize(a, dim=1), F.normalize(b, dim=2)
        f, c = unit if cosine_in_6 else (a, b)  # (N, d), (N, K, d)
        ce = F.cross_entropy(torch.einsum("nkd,nd->nk", c, f), labels)
        f, c = unit if cosine_in_3_4 else (a, b)
        products = c[row, labels] @ f.T / 0.1  # (N, N)
        dual = contrast(products) + contrast(products.T)
        adam.zero_grad()
        (ce + 0.1 * dual).backward()
        adam.step()
        history.append((ce.item(), dual.item() / 2))
    return history


swaps = {"paper": (False, True), "cosine in (6)": (True, True), "dot in (3), (4)": (False, False)}
histories = {name: train_vectors(*swap) for name, swap in swaps.items()}
for name, history in histories.items():
    (ce_0, dual_0), (ce_1, dual_1) = history[0], history[-1]
    print(
        f"{name:15}: cross-entropy {ce_0:.2f} to {ce_1:.2f}, mean dual term {dual_0:.2f} to {dual_1:.2f}"
    )

# %% tags=["hide-input"]
from dualcl_tutorial.losses import loss_floor

notebook.show(
    lesson05.losses_with_floor(
        {name: [ce for ce, _ in h[:100]] for name, h in histories.items()},
        {"paper": 0.0, "cosine in (6)": math.log(1 + 2 * math.exp(-2)), "dot in (3), (4)": 0.0},
        title="With cosines, cross-entropy stops at its floor",
        ylabel="cross-entropy (nats)",
    ),
    alt="Cross-entropy over 100 steps: with cosines it stops at 0.24, with dot products it goes to 0.",
)
assert abs(histories["paper"][-1][1] - loss_floor(labels)[1]) < 0.01

# %% [markdown]
# **Symptom one:** all answers are right, and cross-entropy stays at 0.24 (K = 3). Scores of 1 and -1 can say no more. **Cure:** raw
# products in (6), or divide the cosine by a small temperature.
#
# **Symptom two:** with raw products the dual terms start several times higher. Their floor, 0.42 here, is the same, since it
# depends on the masks alone. But vector lengths now act as a second temperature: an encoder's features are much longer than these, the
# scores are divided by 0.1 on top, and the dual part drowns cross-entropy. **Cure:** normalise both sides in (3) and (4), as
# the package does inside.

# %% id="scoreboard"
shared.scoreboard("05")

# %% [markdown]
# The scoreboard is complete, but for the numbers. DualCL is the only row with a contrastive loss and no head.
#
# ## Take-aways
#
# - $L_z$: a feature looks at other sentences' true columns. $L_\theta$: a true column looks at other sentences' features.
# - One matrix holds both: columns for $L_z$, rows for $L_\theta$, the masks and the floor of lesson 03.
# - The own pair is on the diagonal, left out of both; cross-entropy teaches it, with raw dot products.
# - Either part alone taught a classifier in our runs; both together did best. Pushing without the own pair ruins all.
# - $\lambda$ and $\tau$ both scale the contrastive gradient. Values at different temperatures cannot be compared.
# - DualCL needs one pass: its second view is read off the same input.

# %% [markdown]
# ## Check yourself
#
# **Self-check 1** (objective 1). `S = theta_star @ z.T / tau`. Along which axis is the softmax of $L_z$ taken?
#
# - a) Along each row.
# - b) Along each column.
# - c) Over the whole matrix.
#
# <details><summary>Answer</summary>
#
# b): the anchor $z_i$ is a column, its candidates stand in the rows. a) gives $L_\theta$. c) would let anchors compete with each
# other.
#
# </details>
#
# **Self-check 2** (objective 2). Which term gives a gradient to a wrong column $\theta_i^k$, $k \ne y_i$?
#
# - a) $L_z$ and $L_\theta$
# - b) $L_{CE}$
# - c) All three
#
# <details><summary>Answer</summary>
#
# b): it stands in the denominator of (6). a) and c): the dual terms contain true columns only.
#
# </details>
#
# **Self-check 3** (objective 3). Batch 64, two balanced classes, $\tau = 0.1$. What is the lowest value $L_{Dual}$ can have?
#
# - a) 0
# - b) $\log 31 = 3.43$
# - c) $2\log 31 = 6.87$
#
# <details><summary>Answer</summary>
#
# c): it has two terms, each with floor $\log 31$. b) is one term. a) forgets that 31 partners share the softmax. In (7) $\lambda$ multiplies this floor
# too; the gradient at the floor is zero all the same.
#
# </details>
#
# **Self-check 4** (objective 4). A step of CE takes one second. About how long does a step of DualCL take for two classes?
#
# - a) One second: one pass, two tokens more.
# - b) Two seconds: two views, two passes.
# - c) Three seconds: K + 1 views, three passes.
#
# <details><summary>Answer</summary>
#
# a). b) is CE+CL. c): the K + 1 views come out of the same pass.
#
# </details>
#
# ## Further reading
#
# - Chen et al., *Dual Contrastive Learning*, 2022, [arXiv 2201.08702](https://arxiv.org/abs/2201.08702): sections 3.2 to 3.5.
# - Chen et al., *DualCL: Principled Supervised Contrastive Learning as Mutual Information Maximization for Text
#   Classification*, 2024, [DOI 10.1145/3589334.3645668](https://doi.org/10.1145/3589334.3645668): a later paper of the same group; of it we
#   know the abstract only.
