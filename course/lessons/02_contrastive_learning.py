# %% [markdown]
# ## Where we are
#
# **Recall 1.** Lesson 01: what is the gradient of cross-entropy with respect to the scores of one sentence?
#
# <details><summary>Answer</summary>
#
# Probability minus target: $p_{ik} - [k = y_i]$. Every score is pushed down by the probability it has taken,
# and the true one is lifted by 1.
#
# </details>
#
# **Recall 2.** Lesson 01: for which features does the cross-entropy of sentence i have a gradient?
#
# <details><summary>Answer</summary>
#
# For its own only. The table of influences had numbers on its diagonal and 0.00 everywhere else.
#
# </details>
#
# Lesson 01 ended with two batches that cross-entropy cannot tell apart, because it never compares two
# sentences. Today's loss does nothing else. It does not even need labels. **How can a model learn from
# pairs?**

# %% tags=["hide-input"]
from dualcl_tutorial.plots import shared

notebook.show(
    shared.pipeline(["encoder", "loss"]),
    alt="The pipeline from texts to predictions; encoder and loss are lit.",
)

# %% [markdown]
# Two boxes are lit: the encoder will read each sentence twice, and the loss will compare what it says.
#
# | symbol | in code | shape | meaning |
# |---|---|---|---|
# | $z_i$ | `u` | (2N, d) | feature of view i, at length 1 |
# | $j(i)$ | `partner` | (2N,) | the other view of the same sentence |
# | $A_i$ | `candidates` | (2N, 2N) bool | all views but i itself |
# | $\tau$ | `temperature` | scalar | how much differences of similarity count |
#
# ## A choice among candidates
#
# Take two *views* of one sentence: two vectors that should mean the same. Now play a game. Show one view, the
# **anchor**, and ask: which of the others is your **partner**? To answer, we need a similarity. The usual one
# is the cosine: normalise both vectors to length 1 and take the dot product, which lies between -1 and 1.
#
# For the hand-sized batch we make the second views by hand, a small nudge away from the first.

# %% id="views" tags=["nbval-check-output"]
import torch
import torch.nn.functional as F
from dualcl_tutorial.example import hand_batch

view_1 = hand_batch(torch.float64).z  # (N, d) = (6, 2)
nudge = [[0.5, 0.0], [0.0, 0.5], [-0.5, 0.5], [0.0, -0.5], [0.5, 0.0], [0.5, 0.5]]
view_2 = view_1 + torch.tensor(nudge, dtype=torch.float64)  # (N, d)
N = len(view_1)
u = F.normalize(torch.cat([view_1, view_2]), dim=1)  # (2N, d)
partner = (torch.arange(2 * N) + N) % (2 * N)  # (2N,): row i's other view
print("cosine of partners:", [f"{c:.2f}" for c in (u[:N] * u[N:]).sum(1).tolist()])

# %% [markdown]
# The loss charges for the probability that the partner did not get:
#
# $$L_{self} = \frac1N\sum_{i\in I} -\log\frac{\exp(z_i\cdot z_{j(i)}/\tau)}{\sum_{a\in A_i}\exp(z_i\cdot z_a/\tau)} \tag{1}$$
#
# In words: each view chooses among all others with a softmax, and pays $-\log$ of its partner's share. This loss
# is called InfoNCE. **The paper:** $j(i)$ is the augmented copy of $i$, each anchor has one positive and $N-2$
# negatives. So its $N$ counts copies too. Ours counts sentences, and a batch has $2N$ views.
#
# First as loops, with $\tau = 0.5$.

# %% id="loops" tags=["nbval-check-output"]
import math

tau = 0.5
by_loops = []
for i in range(2 * N):
    A = [a for a in range(2 * N) if a != i]
    total = sum(math.exp(u[i] @ u[a] / tau) for a in A)
    by_loops.append(-math.log(math.exp(u[i] @ u[partner[i]] / tau) / total))
print("losses of 1a to 6a:", [f"{x:.2f}" for x in by_loops[:N]])

# %% [markdown]
# Now look at the formula again. A softmax over candidates, one of them right, $-\log$ of its probability: that
# **is** cross-entropy. Only the classes are new. They are the other views of the batch, and the right class is the
# number of the partner's column. So the matrix form needs nothing but lesson 01.

# %% id="matrices" tags=["nbval-check-output"]
from dualcl_tutorial.losses import self_contrastive_loss

candidates = ~torch.eye(2 * N, dtype=torch.bool)  # (2N, 2N)
scores = (u @ u.T / tau).masked_fill(~candidates, -torch.inf)  # (2N, 2N)
loss = F.cross_entropy(scores, partner)
assert torch.allclose(loss, torch.tensor(by_loops, dtype=torch.float64).mean())
assert torch.allclose(loss, self_contrastive_loss(view_1, view_2, temperature=tau))
print(f"loops, cross-entropy and self_contrastive_loss: {loss:.4f}")

# %% tags=["hide-input"]
from dualcl_tutorial.plots import lesson02

notebook.show(
    lesson02.choices(scores.softmax(1)),
    alt="12 by 12 table of probabilities in per cent, partners framed. Partners have 21 to 61 per "
    "cent; neighbours such as 1a and 2a take nearly as much.",
)

# %% [markdown]
# View 1a gives its partner 1b 26 %, and 2a 23 %: the two sentences lie side by side, and the loss wants them told
# apart. The diagonal is left out; the cosine of a view with itself is always 1 and would win every choice.
#
# How many pairs does a batch hold? **Your guess.** We double the batch. What grows with it?
#
# - a) The positives of an anchor.
# - b) The candidates of an anchor.
# - c) Both.
#
# SimCSE, from which the idea of dropout views comes, uses a smaller form of the game: first views are anchors, second
# views are candidates. We count both forms off their masks. (Every loss of the course gets this count from here on.)

# %% id="counts" tags=["nbval-check-output"]
for batch in (4, 64):
    sentence = torch.arange(batch).repeat(2)  # (2N,)
    all_but_own = ~torch.eye(2 * batch, dtype=torch.bool)  # (2N, 2N)
    simcse = torch.ones(batch, batch, dtype=torch.bool)  # (N, N)
    forms = {
        "(1)": (all_but_own, all_but_own & (sentence[:, None] == sentence)),
        "SimCSE": (simcse, torch.eye(batch, dtype=torch.bool)),
    }
    for name, (c, p) in forms.items():
        each = f"{p.sum(1)[0]} positive and {c.sum(1)[0]} candidates each"
        print(f"batch {batch:2}, {name:6}: {len(c):3} anchors, {each}")

# %% [markdown]
# b). There is one positive however large the batch: a sentence has one other view. A larger batch only makes the
# choice harder.
#
# **Your guess.** Lesson 01 moved the features of sentence j and watched the loss of sentence i. For which j does
# *this* loss change?
#
# - a) Only $j = i$.
# - b) $j = i$ and the sentences of its class.
# - c) Every j.

# %% id="influence" tags=["hide-input"]
from torch.autograd.functional import jacobian
from dualcl_tutorial.plots import lesson01 as plots01


def losses_of(views):  # (2, N, d) -> (N,): mean over the two views of a sentence as anchors
    unit = F.normalize(views.flatten(0, 1), dim=1)
    s = (unit @ unit.T / tau).masked_fill(~candidates, -torch.inf)
    return F.cross_entropy(s, partner, reduction="none").reshape(2, N).mean(0)


each = jacobian(losses_of, torch.stack([view_1, view_2]))  # (N, 2, N, d)
notebook.show(
    plots01.influence(each.norm(dim=(1, 3)), title="Every sentence moves every other's loss"),
    alt="Six by six table of gradient lengths: numbers everywhere, largest near the diagonal.",
)

# %% [markdown]
# c). The table that was empty off its diagonal is full. Neighbours count most, far sentences least, and labels do not
# enter at all.
#
# ## Temperature: who gets the gradient
#
# Write $s_{ia} = z_i\cdot z_a/\tau$. The logarithm of a fraction is a difference:
#
# $$L_i = \underbrace{\log\sum_{a\in A_i} e^{s_{ia}}}_{\text{push}} - \underbrace{s_{i\,j(i)}}_{\text{pull}}, \qquad \frac{\partial L_i}{\partial s_{ia}} = p_{ia} - [a = j(i)] \tag{2.1}$$
#
# In words: the push grows when any candidate comes near, the pull is the partner's score. The gradient is probability
# minus target, as in lesson 01. The partner is lifted by $1 - p_{i\,j(i)}$, and the negatives are pushed down by just as
# much together. How they share it is a softmax among the negatives:
#
# $$\text{share of negative } n = \frac{\exp(z_i\cdot z_n/\tau)}{\sum_{m\ne j(i)}\exp(z_i\cdot z_m/\tau)} \tag{2.2}$$
#
# In words: two negatives whose cosines differ by $\Delta$ have shares with ratio $e^{\Delta/\tau}$.

# %% id="gradient" tags=["nbval-check-output"]
free = scores.clone().requires_grad_()  # (2N, 2N)
(slopes,) = torch.autograd.grad(F.cross_entropy(free, partner, reduction="sum"), free)
by_hand = scores.softmax(1) - F.one_hot(partner, 2 * N)  # (2N, 2N), formula (2.1)
assert torch.allclose(by_hand, slopes)
print(f"formula (2.1) and autograd agree; each row adds up to {abs(slopes.sum(1)).max():.1f}")

# %% id="shares" tags=["nbval-check-output"]
negatives = candidates & ~F.one_hot(partner, 2 * N).bool()  # (2N, 2N)
share = scores.masked_fill(~negatives, -torch.inf).softmax(1)  # (2N, 2N), formula (2.2)
pushed = slopes.masked_fill(~negatives, 0)
assert torch.allclose(share, pushed / pushed.sum(1, keepdim=True))
print("formula (2.2) is the gradient's share; cosines 0.1 apart have shares with ratio", end=" ")
print(", ".join(f"{math.exp(0.1 / t):,.1f} at tau {t}" for t in (1, 0.1, 0.01)))

# %% [markdown]
# Suppose the second view of sentence 1 turned out badly: it lies 30 degrees off, on the far side from sentence 2. Now 2a
# is nearer to 1a (cosine 0.94) than the partner (0.87). The next one, 2b, has 0.86.
#
# **Your guess.** There are ten negatives. Which share of the push does 2a get at $\tau = 0.01$?
#
# - a) One tenth: all negatives count alike.
# - b) About half: 2b is nearly as hard.
# - c) Practically all.

# %% tags=["hide-input"]
from dualcl_tutorial.widgets import lesson02 as sliders

turned = F.normalize(sliders.turned_views(30), dim=1)  # (2N, d)
others = [j for j in range(2 * N) if j % N]  # all views of the other sentences
notebook.show(
    lesson02.shares_by_temperature(
        turned[others] @ turned[0], [lesson02.view_names(N)[j] for j in others]
    ),
    alt="Bands of shares against temperature from 1 to 0.01. The hardest negative has 0.20 at 1, "
    "about two thirds at 0.1 and all at 0.01.",
)

# %% [markdown]
# c). **The temperature is the width of attention.** At 1 even the sentences on the other side of the circle are pushed. At
# 0.1 two neighbours are. At 0.01 one hard negative takes all of the gradient, since $e^{0.08/0.01}$ is in the thousands.
#
# Here is the same anchor on the circle. Arrows say where its loss sends each view: minus the gradient, times
# $\tau$. `turn` moves the partner. (Without a running kernel you see the first picture only.)

# %% id="temperature-widget"
notebook.live(
    sliders.temperature_on_circle,
    alt="Twelve views on a circle. Anchor 1a and partner 1b are sent towards each other, 2a and 2b "
    "away. Bars: 2a has 0.69 of the push, 2b 0.30.",
    **sliders.temperature_sliders(),
)

# %% [markdown]
# Try 0.01: one arrow is left among the negatives. Try 1: every negative has a bar. Then set `turn` to 0. With the partner in
# place, a small temperature leaves almost no push: the choice is made, and the anchor has nothing more to learn. At 180 the
# partner has no arrow: exactly opposite, a small step does not change the cosine. And loss values of two temperatures
# cannot be compared.
#
# Small is not simply better. Sentences 1 and 2 are both about food. The loss does not know it, and at a small temperature the
# hardest negative is often such a sentence.
#
# ## Alignment and uniformity
#
# Is there a way to see what a set of features is like, apart from one loss? Wang and Isola (2020) use two numbers, for
# features of length 1:
#
# $$\text{alignment} = \mathbb{E}_{\text{partners}}\,\lVert z_i - z_j\rVert^2, \qquad
#   \text{uniformity} = \log\,\mathbb{E}_{\text{pairs}}\; e^{-2\lVert z_i - z_j\rVert^2} \tag{2.3}$$
#
# In words: alignment is how far apart partners lie; 0 is best. Uniformity is 0 when all features coincide and falls as
# they spread over the sphere; lower is better. On a batch, pairs are pairs of two different features.

# %% id="two-measures" tags=["nbval-check-output"]
from dualcl_tutorial.geometry import alignment, uniformity

apart = [float((u[i] - u[i + N]).square().sum()) for i in range(N)]  # N pairs of partners
pairs = [(i, j) for j in range(2 * N) for i in range(j)]
spread = [math.exp(-2 * float((u[i] - u[j]).square().sum())) for i, j in pairs]
loops = torch.tensor([sum(apart) / N, math.log(sum(spread) / len(pairs))], dtype=torch.float64)
distances = torch.pdist(u).square()  # (66,): each pair once
matrices = torch.stack(
    [(u[:N] - u[N:]).square().sum(1).mean(), (-2 * distances).exp().mean().log()]
)
sentence = torch.arange(N).repeat(2)  # (2N,): sentence numbers say who is whose partner
package = torch.stack([alignment(u, sentence), uniformity(u)])
assert torch.allclose(loops, matrices) and torch.allclose(loops, package)
print(f"loops, matrices and package: alignment {loops[0]:.4f}, uniformity {loops[1]:.4f}")

# %% [markdown]
# **Your guess.** Four arrangements of our twelve views: all on one point; partners together on two opposite points;
# partners together on six points; twelve points with partners far apart. Which has the smallest contrastive loss?
#
# - a) One point: the partners are as near as can be.
# - b) Six points: partners together, sentences apart.
# - c) Partners apart: the features are spread most evenly.

# %% id="shapes"
for name, x in lesson02.shapes().items():
    value = self_contrastive_loss(x[:N], x[N:], temperature=tau)
    print(f"{name:14}: contrastive loss {value:.2f}")
notebook.show(
    lesson02.draw_shapes(lesson02.shapes()),
    alt="One point: alignment 0, uniformity 0. Two points: 0 and -0.79. Six points: 0 and -1.96. "
    "Partners apart: 3.73 and -2.00.",
)

# %% [markdown]
# b). Read the two numbers **together**. Alignment alone is perfect for a model that says the same of every sentence. Uniformity
# alone is best where partners lie apart. The loss wants both. For its pull this is exact: since
# $\lVert a-b\rVert^2 = 2 - 2\,a\cdot b$ at length 1, the mean pull is $(1 - \text{alignment}/2)/\tau$. The push is a relative of
# uniformity. **The paper** (its introduction was read in translation) argues that with labels uniformity is neither valid nor
# necessary: classmates should not be spread.

# %% id="pull-is-alignment" tags=["nbval-check-output"]
push = scores.logsumexp(1).mean()
pull = scores[torch.arange(2 * N), partner].mean()
assert torch.allclose(pull, (1 - alignment(u, sentence) / 2) / tau)
assert torch.allclose(push - pull, loss)
print(f"push {push:.4f} - pull {pull:.4f} = loss {loss:.4f}; the pull is alignment, rescaled")

# %% [markdown]
# ## Two views of one sentence
#
# Where do views come from? A picture can be cropped or turned. A sentence cannot: one changed word may change its
# meaning. SimCSE (Gao et al., 2021) found a plain way: **dropout**. In training it switches off random numbers inside the
# encoder, so the same sentence, encoded twice, gives two slightly different vectors.
#
# **The paper:** it compares itself with SimCSE's idea under the name CE+CL; we found no settings. In the course CE+CL is
# cross-entropy, the mean over two dropout views, plus $\lambda$ times (1) on these views. We take sentences from our bundled
# reviews, set the dropout of the encoder to 0.5, 0.1 and 0, and split the loss.
#
# **Your guess.** With dropout 0 the two views are identical. What is left of the gradient?
#
# - a) Nothing.
# - b) The pull.
# - c) The push.


# %% id="two-views"
from dualcl_tutorial import corpora, encoders
from dualcl_tutorial.inputs import PlainCollator

encoder, tokenizer = encoders.load_encoder("minilm")
size = notebook.by_mode(quick=12, read=32)
texts = corpora.load("mini-reviews", validation=0)["train"]["text"][:size]


def two_views(encoder, texts, dropout=None):
    """Encode twice; dropout None means eval()."""
    encoder.train(dropout is not None)
    for module in encoder.modules():
        if isinstance(module, torch.nn.Dropout) and dropout is not None:
            module.p = dropout
    batch = PlainCollator(tokenizer, max_length=48)([{"text": text} for text in texts])
    torch.manual_seed(0)
    with torch.no_grad():
        return [encoder(**batch).last_hidden_state[:, 0] for _ in range(2)]  # (N, d) each


# %% id="measure"
import pandas as pd


def parts(view_1, view_2, temperature=0.1):
    free = torch.cat([view_1, view_2]).requires_grad_()  # (2N, d)
    unit, other = F.normalize(free, dim=1), torch.arange(len(free)).roll(-len(view_1))  # (2N,)
    s = (unit @ unit.T / temperature).fill_diagonal_(-torch.inf)  # (2N, 2N)
    push, pull = s.logsumexp(1).mean(), s[torch.arange(len(free)), other].mean()
    lengths = [torch.autograd.grad(x, free, retain_graph=True)[0].norm() for x in (push, pull)]
    return [x.item() for x in (push, pull, push - pull, *lengths)]


columns = ["push", "pull", "loss", "push gradient", "pull gradient"]
rows = {name: two_views(encoder, texts, name) for name in (0.5, 0.1, 0.0, None)}
measured = pd.DataFrame([parts(*views) for views in rows.values()], columns=columns)
measured.insert(0, "dropout", ["0.5", "0.1", "0", "eval()"])
notebook.show(
    lesson02.push_and_pull(measured),
    alt="Values and gradients of push and pull for dropout 0.5, 0.1, 0 and eval(). With identical "
    "views the pull is 10 and its gradient 0; the push keeps a gradient.",
)
print(measured[["dropout", "loss"]].round(2).to_string(index=False))

# %% [markdown]
# c). With identical views the cosine of partners is 1, the top of a hill: no small step changes it, so the **pull's gradient
# is 0** and only the push is left. `eval()` switches dropout off and does the same, silently. And now look at the loss: identical
# views have the *smallest*. A low contrastive loss does not say that the pairs teach anything.
#
# More dropout, more pull. At 0.5 the views hardly resemble each other. All features on one point would give
# $\log 63 = 4.14$ at 32 sentences; compare. What the pull teaches is this: say the same when some of your numbers fail.
#
# ## On real data
#
# CE+CL on a tenth of CR. Each step passes every sentence through the encoder twice, so it takes about a minute on two
# cores, seconds on a GPU.

# %% id="train-cl"
from dualcl_tutorial.training import TrainConfig, train

corpus = notebook.corpus("cr", fallback="mini-reviews")
size = notebook.by_mode(quick={"per_class": 12, "epochs": 2}, read={"fraction": 0.1, "epochs": 3})
run = train(TrainConfig(corpus=corpus, method="cl", progress=False, **size))
print(f"{len(run.history)} steps; accuracy {run.accuracy:.2f} (one seed, no comparison)")

# %% tags=["hide-input"]
notebook.show(
    lesson02.two_losses(run.history, untaught=math.log(2 * 16 - 1)),
    alt="The contrastive loss falls within some twenty steps to a small part of the dotted line, "
    "then rises a little while cross-entropy falls.",
)

# %% [markdown]
# The dotted line is $\log 31$: 16 sentences, 32 views, all equally likely. The contrastive loss starts below it and sinks
# further within some twenty steps: recognising a sentence seen through dropout is easy. Then something odd happens. As cross-entropy
# falls, the contrastive loss **rises** a little. (The outliers are an epoch's last batch, of few sentences.) Cross-entropy draws the sentences of a class together, and (1) pushes them apart: the
# two disagree. What does the space look like in the end?

# %% id="before-after"
data = corpora.load(corpus, validation=0)["test"].shuffle(seed=0)
test = data.select(range(notebook.by_mode(quick=20, read=100)))
labels = torch.tensor(test["label"])  # (test,)
number = torch.arange(len(test)).repeat(2)
for name, now in (("before", encoder), ("after", run.model.encoder.cpu())):
    views = two_views(now, test["text"], 0.1)
    partners = alignment(torch.cat(views), number)
    mates, spread = alignment(views[0], labels), uniformity(views[0])
    print(f"{name:6}: alignment of partners {partners:.2f}, of classmates {mates:.2f}; ", end="")
    print(f"uniformity {spread:.2f}")

# %% [markdown]
# Uniformity fell: the features are spread far more evenly. Partners have drifted apart a little. But classmates lie *farther* apart than before training (the
# mean squared distance of two random directions is 2). A sentence keeps its distance from everyone, its own class
# included. Who is pushed hardest? On the hand-sized batch we know the classes.

# %% id="classmates" tags=["nbval-check-output"]
classes = hand_batch().labels.repeat(2)  # (2N,)
mates = negatives & (classes[:, None] == classes)  # (2N, 2N): negatives of the anchor's own class
counted = mates.any(1)  # (2N,): the phone has none
for t in (1.0, 0.1):
    s = (u @ u.T / t).masked_fill(~negatives, -torch.inf)
    part = (s.softmax(1) * mates).sum(1)[counted].mean()
    fair = (mates.sum(1) / negatives.sum(1))[counted].double().mean()
    print(f"tau {t}: classmates are {fair:.0%} of the negatives and get {part:.0%} of the push")

# %% [markdown]
# Near sentences are hard negatives, and near sentences are mostly classmates. That is the price of not using labels.

# %% id="scoreboard"
shared.scoreboard("02")

# %% [markdown]
# CE+CL needs two passes in training; no other row will. Accuracies come in lesson 08, with their intervals.
#
# ## What can go wrong
#
# A file may hold the same sentence twice, and row numbers call the two strangers. We train the hand-sized views
# themselves, as free vectors of eight numbers, once with six sentences and once with the sixth replaced by a copy of the
# first.

# %% id="duplicates" tags=["nbval-check-output"]
for name, source in (("six sentences", [0, 1, 2, 3, 4, 5]), ("a duplicate", [0, 1, 2, 3, 4, 0])):
    draw = torch.Generator().manual_seed(0)
    free = torch.randn(6, 8, generator=draw, dtype=torch.float64).requires_grad_()
    adam = torch.optim.Adam([free], lr=0.05)
    for _ in range(300):
        views = free[source] + 0.05 * torch.randn(2, 6, 8, generator=draw, dtype=torch.float64)
        adam.zero_grad()
        self_contrastive_loss(*views).backward()
        adam.step()
    unit = F.normalize(views.detach().flatten(0, 1), dim=1)  # (2N, d)
    s = (unit @ unit.T / 0.1).masked_fill(~candidates, -torch.inf)
    final = F.cross_entropy(s, partner, reduction="none")
    print(f"{name}: loss of sentences 1 and 2: {final[0]:.1f}, {final[1]:.1f}")

# %% [markdown]
# **Symptom:** a few anchors keep a loss near $\log 3 = 1.1$, however long one trains. **Cause:** three candidates
# (the partner and two views of the copy) are the same sentence, so the partner gets one third at best. **Cure:** remove
# duplicates before training, or, with lesson 03, call them partners.
#
# ## Take-aways
#
# - A contrastive loss is cross-entropy whose classes are the candidates in the batch; the right class is the partner.
# - One positive an anchor, $2N-2$ negatives: a larger batch makes the choice harder, no more.
# - Small temperature: the hardest negatives take the gradient. Large: all share it. Values cannot be compared.
# - Alignment says whether partners are near, uniformity whether features spread. Read them together.
# - Dropout makes the two views. Without it, `eval()` included, the pull has no gradient, and the loss looks best.
# - Without labels, classmates are negatives, and the hardest ones at that.
#
# ## Check yourself
#
# **Self-check 1** (objective 1). `F.cross_entropy(scores, partner)` needs one more step to be (1). Which?
#
# - a) A softmax before it.
# - b) $-\infty$ on the diagonal of the scores.
# - c) Removing the partner from the candidates.
#
# <details><summary>Answer</summary>
#
# b): a view is no candidate for itself. a) is done inside (lesson 01). c): the right answer must be among the choices.
#
# </details>
#
# **Self-check 2** (objective 2). Two negatives have cosines 0.8 and 0.6. At $\tau = 0.1$, how do their shares compare?
#
# - a) 4 to 3
# - b) $e^{2}$ to 1, about 7 to 1
# - c) $e^{0.02}$ to 1, about equal
#
# <details><summary>Answer</summary>
#
# b): $e^{0.2/0.1}$. a) compares cosines without exp. c) multiplies by the temperature.
#
# </details>
#
# **Self-check 3** (objective 3). A model has alignment 0.00 and uniformity 0.00. What does it do?
#
# - a) It is perfect.
# - b) It gives every sentence the same feature.
# - c) It tells all sentences apart, and partners too.
#
# <details><summary>Answer</summary>
#
# b): partners coincide, and so does everything else. a) reads alignment alone. c) would have a uniformity far below 0.
#
# </details>
#
# **Self-check 4** (objective 4). Why does CE+CL encode every sentence twice?
#
# - a) To see twice as much data.
# - b) Each pass draws other dropout, and that difference is what the pull teaches about.
# - c) The first pass is for cross-entropy, the second for the contrast.
#
# <details><summary>Answer</summary>
#
# b). a): nothing is new in a second identical pass. c): both views enter both parts.
#
# </details>
#
# ## Further reading
#
# - Gao et al., *SimCSE: Simple Contrastive Learning of Sentence Embeddings*, 2021, arXiv 2104.08821: dropout views.
# - Wang and Isola, *Understanding Contrastive Representation Learning through Alignment and Uniformity on the
#   Hypersphere*, 2020, [arXiv 2005.10242](https://arxiv.org/abs/2005.10242).
#
# This loss pushes two film reviews apart as if they had nothing in common. In lesson 03 they become partners.
