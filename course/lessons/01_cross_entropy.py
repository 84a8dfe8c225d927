# %% [markdown]
# ## Where we are
#
# **Recall 1.** Lesson 00 judged two classifiers on 376 test sentences. Why did one run not decide which of
# them is better?
#
# <details><summary>Answer</summary>
#
# One standard error of an accuracy near 85 % is $\sqrt{0.85\cdot 0.15/376}$, about 1.8 points. A gap of a
# point or two is smaller than the noise of the test set, and another seed would add its own noise.
#
# </details>
#
# **Recall 2.** In lesson 00 you typed other label words. Why can the ordinary classifier do nothing with
# them?
#
# <details><summary>Answer</summary>
#
# It never reads a label word. Its classes are rows of a matrix, learned in training and the same for every
# sentence.
#
# </details>
#
# Lesson 00 showed the end of the road. Now we start at its beginning, with that ordinary classifier. We
# build it from nothing, and then we look for its blind spot. **How is text classified today, and what does
# cross-entropy not see?**

# %% tags=["hide-input"]
from dualcl_tutorial.plots import shared

notebook.show(
    shared.pipeline(["inputs", "loss", "training"]),
    alt="The pipeline from texts to predictions; inputs, loss and training are lit.",
)

# %% [markdown]
# Three boxes are lit today: how a text goes in, what is minimised, and the loop that does it. We use these
# symbols:
#
# | symbol | in code | shape | meaning |
# |---|---|---|---|
# | $N$, $K$, $d$ | `batch`, `classes`, `dim` | | sentences in the batch, classes, width of the encoder |
# | $z_i$ | `z` | (N, d) | feature of sentence i |
# | $w_k$, $b_k$ | `weight`, `bias` | (K, d), (K,) | linear head, one row a class |
# | $s_{ik}$ | `scores` | (N, K) | score (logit) of class k for sentence i |
# | $p_{ik}$ | `probabilities` | (N, K) | softmax of the scores |
# | $y_i$ | `labels` | (N,) | true class of sentence i |
#
# Formulas numbered 1.1, 1.2 and so on are the course's. A number without a dot, in later lessons, is the
# paper's.
#
# ## From a sentence to scores
#
# An encoder such as BERT reads *pieces*: words or parts of words. Before them stands `[CLS]`, after them
# `[SEP]`. A batch is a rectangle of numbers, so shorter rows are filled with `[PAD]`, and a mask says what is
# real. The encoder returns one vector for each piece. We keep the vector of `[CLS]`: through attention it has
# read the whole sentence. That is the feature $z_i$.
#
# Here are the six sentences that go with us through the course, in three classes: first their pieces, then
# their features.

# %% id="pieces" tags=["nbval-check-output"]
from dualcl_tutorial import encoders
from dualcl_tutorial.example import CLASSES, LABELS, SENTENCES

encoder, tokenizer = encoders.load_encoder("minilm")
pieces = [["[CLS]", *tokenizer.tokenize(text), "[SEP]"] for text in SENTENCES]
for label, row in zip(LABELS, pieces, strict=True):
    print(f"{CLASSES[label]:5} |", " ".join(row))

# %% id="by-hand"
import torch

width = max(map(len, pieces))
padded = [row + ["[PAD]"] * (width - len(row)) for row in pieces]
input_ids = torch.tensor([tokenizer.convert_tokens_to_ids(row) for row in padded])  # (N, L)
attention_mask = (input_ids != tokenizer.pad_token_id).long()  # (N, L)
with torch.no_grad():
    hidden = encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
cls = hidden[:, 0]  # (N, L, d) -> (N, d)

# %% [markdown]
# The **linear head** turns a feature into $K$ scores. It keeps one vector $w_k$ and one number $b_k$ for
# each class:
#
# $$s_{ik} = w_k\cdot z_i + b_k, \qquad \hat y_i = \arg\max_k s_{ik} \tag{1.1}$$
#
# In words: compare the feature with every row of the head, and take the class whose row fits best. The
# same rows serve every sentence. (DualCL will give each sentence rows of its own.)
#
# The package keeps the steps above as `PlainCollator`. Does it build the same rectangle?

# %% id="collator" tags=["nbval-check-output"]
from dualcl_tutorial.inputs import PlainCollator

batch = PlainCollator(tokenizer)([{"text": text} for text in SENTENCES])
assert torch.equal(batch["input_ids"], input_ids)
assert torch.equal(batch["attention_mask"], attention_mask)
head = torch.nn.Linear(cls.shape[1], len(CLASSES))  # weight (K, d), bias (K,)
shapes = [tuple(x.shape) for x in (input_ids, hidden, cls, head(cls))]
print("ids, hidden states, z, scores:", *shapes, "| the collator builds the same ids")

# %% [markdown]
# ## From scores to one number
#
# A score alone says little. **Softmax** turns the scores of a sentence into probabilities, and
# **cross-entropy** charges for the probability that the true class did not get:
#
# $$p_{ik} = \frac{e^{s_{ik}}}{\sum_{m=1}^{K} e^{s_{im}}}, \qquad
#   L_i = -\log p_{i y_i} = \underbrace{\log\sum_{k=1}^{K} e^{s_{ik}}}_{\text{logsumexp}} - s_{i y_i}
#   \tag{1.2}$$
#
# In words: a soft maximum of all scores, minus the score of the true class. It is near 0 when the true
# class has by far the largest score. The loss of a batch is the mean, $L = \frac{1}{N}\sum_i L_i$.
#
# We compute it on the **hand-sized batch**: the six sentences again, with two-dimensional features that
# fit on paper, and a head with three rows and no bias. For sentence 1, $z_1 = (2, 0.5)$ and the row of food
# is $(1.5, 0.5)$, so its score is $2\cdot 1.5 + 0.5\cdot 0.5 = 3.25$. Loops first; then matrices, which is
# how it is always written, with an assertion that the package gives the same.

# %% id="loops" tags=["nbval-check-output"]
import math
from dualcl_tutorial.example import hand_batch

z, _, labels = hand_batch(torch.float64)  # (N, d) = (6, 2), (N,)
weight = torch.tensor([[1.5, 0.5], [-1.0, 1.0], [0.0, -1.5]], dtype=torch.float64)  # (K, d)
by_loops = []
for i in range(6):
    scores_i = [sum(float(w * x) for w, x in zip(row, z[i], strict=True)) for row in weight]
    loss_i = math.log(sum(math.exp(s) for s in scores_i)) - scores_i[labels[i]]
    by_loops.append(loss_i)
    print(f"sentence {i + 1}, {CLASSES[labels[i]]:5}: scores", scores_i, f"loss {loss_i:.3f}")

# %% id="matrices" tags=["nbval-check-output"]
import torch.nn.functional as F
from dualcl_tutorial.losses import cross_entropy

scores = z @ weight.T  # (N, d) @ (d, K) -> (N, K)
true = scores[torch.arange(6), labels]  # (N,)
losses = torch.logsumexp(scores, 1) - true  # (N,)
assert torch.allclose(losses, torch.tensor(by_loops, dtype=torch.float64))
for ready in (F.cross_entropy, cross_entropy):  # torch's, the package's
    assert torch.allclose(losses.mean(), ready(scores, labels))
print(f"loops {sum(by_loops) / 6:.4f}, matrices {losses.mean():.4f}, package and torch the same")

# %% [markdown]
# Every sentence has its largest score at its true class. Sentence 3 is the doubtful one: film comes close to food, 1.0
# against 1.5, and its loss is by far the largest.
#
# **A number too large.** Formula (1.2) contains $e^{s}$. In float32 anything above $e^{88.7}$ becomes
# infinity. The cure is the **logsumexp trick**: take the largest score $m$ out first.
#
# $$\log\sum_k e^{s_k} = m + \log\sum_k e^{s_k - m}, \qquad m = \max_k s_k \tag{1.3}$$
#
# In words: a constant taken from all scores comes back outside the logarithm, and nothing is lost. Now
# every exponent is 0 or less.
#
# **Your guess.** We multiply the scores of sentence 1 (3.25, -1.5, -0.75) by 30. Its class only gets clearer,
# so the loss should go to 0. What does the formula $-\log p_{1y_1}$ give, computed as it is written?
#
# - a) Almost 0, as it should.
# - b) `nan`, not a number.
# - c) A large positive number.


# %% id="stable" tags=["nbval-check-output"]
def plain(s, y):  # softmax as it is written, then the logarithm
    return -(s.exp() / s.exp().sum())[y].log()


def stable(s, y):
    m = s.max()
    return m + (s - m).exp().sum().log() - s[y]


for scale in (1, 10, 30, 100):
    s = scale * scores[0].float()  # (K,)
    print(f"scores x {scale:3}: plain {abs(plain(s, 0)):.4f}, stable {stable(s, 0):.4f}")

# %% [markdown]
# It was b). The largest score is $30\cdot 3.25 = 97.5$, above 88.7, so the fraction is infinity divided by
# infinity. The stable form gives the right 0. `torch.logsumexp` and `F.cross_entropy` use the trick for
# you; a contrastive loss, which divides its scores by a small temperature, needs it every day.
#
# ## What the gradient sees
#
# What does the loss ask for? Its derivative tells. The derivative of logsumexp with respect to one score is
# that score's softmax. The second part of (1.2), $-s_{iy_i}$, adds $-1$ at the true class. So
#
# $$\frac{\partial L_i}{\partial s_{ik}} = p_{ik} - [k = y_i] \tag{1.4}$$
#
# where the bracket is 1 for the true class and 0 for the others. In words: **every score is pushed down by
# the probability it has taken, and the true one is lifted by 1.** The $K$ numbers add up to 0.
#
# The feature gets this message through the rows of the head (chain rule on (1.1)):
#
# $$\frac{\partial L_i}{\partial z_i} = \sum_{k=1}^{K} (p_{ik} - [k = y_i])\, w_k \tag{1.5}$$
#
# In words: a step against it moves $z_i$ towards its true row, away from the rows that have its probability.
#
# First the slopes by small steps, one score at a time. Then both formulas in one line each, against the small
# steps and against autograd; dividing by $N$ gives the gradient of the mean.

# %% id="gradient" tags=["nbval-check-output"]
slopes = torch.zeros_like(scores)  # (N, K)
for i in range(6):
    for k in range(3):
        step = torch.zeros_like(scores)
        step[i, k] = 1e-6  # up and down, one score at a time
        up, down = (F.cross_entropy(scores + t, labels, reduction="sum") for t in (step, -step))
        slopes[i, k] = (up - down) / 2e-6
print("sentence 3, slopes by small steps:", [round(x, 3) for x in slopes[2].tolist()])

# %% id="gradient-matrices" tags=["nbval-check-output"]
onehot = F.one_hot(labels, 3)  # (N, K)
error = scores.softmax(1) - onehot  # (N, K), formula (1.4)
to_z = error @ weight / 6  # (N, K) @ (K, d) -> (N, d), formula (1.5) for the mean
features = z.clone().requires_grad_()
F.cross_entropy(features @ weight.T, labels).backward()
assert torch.allclose(error, slopes, atol=1e-8)
assert torch.allclose(to_z, features.grad)
print(f"small steps, formula, autograd agree; each row adds up to {abs(error.sum(1)).max():.1f}")

# %% [markdown]
# Play with it. A sentence about food has three scores. What happens to the gradient when food wins by
# far? And what does `constant` change, which is added to all three? (Without a running kernel you see the
# first picture only.)

# %% id="widget"
from dualcl_tutorial.widgets import lesson01

notebook.live(
    lesson01.scores_and_gradient,
    alt="Bars of softmax and of probability minus target: the true class, food, has the negative bar.",
    **lesson01.score_sliders(),
)

# %% [markdown]
# Left the probabilities, right what each score is told: bars below 0 are lifted by a step against the
# gradient, bars above 0 are pushed down. When food wins by far, all three bars shrink to almost nothing: a
# sentence that is right stops teaching. `constant` changes nothing at all, as (1.3) promised.
#
# **Your guess.** Formula (1.5) is about sentence $i$. Suppose we move the feature of *another* sentence $j$,
# and keep the head. For which $j$ does the loss of sentence $i$ change?
#
# - a) For every $j$.
# - b) For those of the same class.
# - c) For none: only $j = i$ counts.

# %% id="influence" tags=["hide-input"]
from torch.autograd.functional import jacobian
from dualcl_tutorial.plots import lesson01 as plots01

each = jacobian(lambda x: F.cross_entropy(x @ weight.T, labels, reduction="none"), z)  # (N, N, d)
notebook.show(
    plots01.influence(each.norm(dim=2), title="Only its own feature moves a sentence's loss"),
    alt="Six by six table of gradient lengths: numbers on the diagonal, 0.00 everywhere else.",
)

# %% [markdown]
# It was c). The number in row $i$ and column $j$ is the length of $\partial L_i/\partial z_j$. Off the diagonal
# all are 0.00: **cross-entropy takes one sentence at a time.** Sentences do meet in the weights of encoder
# and head, which they share. But no term of the loss compares two of them. Keep this picture: lesson 02
# draws it again for another loss.
#
# ## Two batches that cross-entropy cannot tell apart
#
# If sentences are never compared, we can arrange them badly and the loss will not notice. Let $u$ be a
# direction that all rows of the head ignore, $w_k\cdot u = 0$. Then for any number $c$
#
# $$w_k\cdot (z_i + c\,u) = w_k\cdot z_i \quad\text{for all } k \tag{1.6}$$
#
# In words: what a feature does along $u$ changes no score, so no probability and no loss. There are many
# such directions. The head has $K$ rows, so at least $d-K$ directions are invisible: with two classes and
# the 384 numbers of our encoder, 382 of them.
#
# We give each hand-sized feature a third number, and the head a third column of zeros. In batch A the third
# number goes by class. In batch B it joins sentences of different classes: 1 with 4, 2 with 5, 3 with 6.

# %% id="two-batches" tags=["nbval-check-output"]
third_a = torch.tensor([4.0, 4.0, 4.0, 0.0, 0.0, -4.0], dtype=torch.float64)[:, None]  # (N, 1)
third_b = torch.tensor([4.0, 0.0, -4.0, 4.0, 0.0, -4.0], dtype=torch.float64)[:, None]  # (N, 1)
batch_a, batch_b = torch.cat([z, third_a], 1), torch.cat([z, third_b], 1)  # (N, 3)
wide = torch.cat([weight, torch.zeros(3, 1, dtype=torch.float64)], 1)  # (K, 3)
for name, features in (("A", batch_a), ("B", batch_b)):
    features = features.clone().requires_grad_()
    loss = cross_entropy(features @ wide.T, labels)
    loss.backward()
    assert torch.equal(features @ wide.T, scores)
    print(f"batch {name}: loss {loss.item():.6f}, gradient on the third number", end=" ")
    print([abs(x) for x in features.grad[:, 2].tolist()])

# %% [markdown]
# The scores are equal to the bit, so the losses are too. And the gradient says nothing about the third
# number: no feature is asked to move along it.
#
# **Your guess.** Five sentences have a companion of their class (the phone stands alone). Of these, how
# many have a sentence of *their own class* as nearest neighbour?
#
# - a) A: 5 of 5, B: 5 of 5. Equal scores mean equal neighbours.
# - b) A: 5 of 5, B: about half.
# - c) A: 5 of 5, B: 0 of 5.

# %% id="two-batches-figure" tags=["hide-input"]
counts = {}
for name, features in (("A", batch_a), ("B", batch_b)):
    own = labels[plots01.nearest(features)] == labels
    counts[f"batch {name}: {int(own[:5].sum())} of 5 next to their own class"] = features
notebook.show(
    plots01.two_batches(
        counts, labels, CLASSES, title=f"The same cross-entropy to the bit: {losses.mean():.4f}"
    ),
    alt="Two scatter plots of six sentences. In A arrows join sentences of one class, in B never.",
)

# %% [markdown]
# It was c). Each arrow goes to the nearest neighbour, counted in all three numbers; it is dashed and orange
# where the classes differ. In A classes are groups. In B every sentence sits beside a stranger. A reader who looks
# at the features would never call these two batches equal. Cross-entropy does.
#
# <details><summary>But will training not find out about the third number?</summary>
#
# The head might: the gradient of its third column is not 0, and it differs between A and B. Once that
# column is used, the third number matters. What cross-entropy never asks for is that sentences of a class
# lie *together*. It asks for scores that are right, and a wide, loose class on the right side of a border has
# them.
#
# </details>
#
# ## On real data
#
# Now everything at once: pieces, `[CLS]`, head, loss, loop. We fine-tune the small MiniLM encoder on CR,
# reviews of products, positive or negative. In read mode this takes about half a minute on two cores.
#
# Before we train, we keep the features of some test sentences, to compare later. Dropout is off for that
# (`eval`), and no gradient is needed.

# %% id="data"
import numpy as np
from dualcl_tutorial import corpora

name = notebook.corpus("cr", fallback="mini-reviews")
data = corpora.load(name, validation=0)
classes = data["train"].features["label"].names
collate = PlainCollator(tokenizer, max_length=48)
chosen = np.random.default_rng(0).permutation(len(data["test"]))
test = data["test"].select(chosen[: notebook.by_mode(quick=40, read=200)])
test_labels = torch.tensor(test["label"])  # (test,)
print(f"{name}: {len(data['train'])} to train, {len(data['test'])} to test, classes {classes}")


# %% id="features"
def features_of(encoder, split):
    encoder.eval()
    rows = []
    for start in range(0, len(split), 32):
        batch = collate([{"text": text} for text in split[start : start + 32]["text"]])
        with torch.no_grad():
            rows.append(encoder(**batch).last_hidden_state[:, 0])  # (32, d)
    return torch.cat(rows)  # (sentences, d)


before = features_of(encoder, test)

# %% [markdown]
# **Your guess.** The head starts with small random numbers, and there are two classes. Near which value is
# the very first loss?
#
# - a) 0
# - b) $\log 2 \approx 0.69$
# - c) 2

# %% id="fine-tuning"
torch.manual_seed(0)
head = torch.nn.Linear(before.shape[1], len(classes))
optimizer = torch.optim.AdamW([*encoder.parameters(), *head.parameters()], lr=1e-4, fused=True)
draw = np.random.default_rng(0)
history = []
encoder.train()  # dropout on
for _ in range(notebook.by_mode(quick=3, read=50, full=400)):
    rows = draw.integers(len(data["train"]), size=16).tolist()
    batch = collate([data["train"][row] for row in rows])
    target = batch.pop("labels")  # (N,)
    z_cls = encoder(**batch).last_hidden_state[:, 0]  # (N, L, d) -> (N, d)
    loss = F.cross_entropy(head(F.dropout(z_cls, 0.1)), target)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    history.append(loss.item())

# %% tags=["hide-input"]
notebook.show(
    plots01.loss_curve(
        history, start=math.log(len(classes)), title="The loss starts near log K and falls"
    ),
    alt="Loss of each step: it starts near log 2, the dashed line, and falls with much noise.",
)

# %% [markdown]
# It was b). A head without an opinion gives both classes about one half, and $-\log\frac12 = \log 2$. So
# a first loss far from $\log K$ is a sign that something is wrong. The dots scatter because each is a batch of
# 16; only their mean shows a trend.
#
# That was the whole fine-tuning loop. The package keeps it: the model as `CrossEntropyModel`, the loop as
# `training.train`, which adds a schedule for the learning rate and other care (lesson 06). We put our weights
# into the package's model and let the package judge it.
#
# Below it the **scoreboard** of the course begins, with one row. Each lesson adds the method that it builds. The
# accuracy is that of this one short run on the whole test set, with one standard error.

# %% id="package"
from dualcl_tutorial.model import CrossEntropyModel
from dualcl_tutorial.training import evaluate

model = CrossEntropyModel.from_encoder("minilm", classes, max_length=48).eval()
model.encoder.load_state_dict(encoder.state_dict())
model.head.load_state_dict(head.state_dict())
after = features_of(encoder, test)
texts = test["text"]
assert torch.allclose(model.score(texts), head(after).detach(), atol=1e-4)
result = evaluate(model, data["test"])
spread = (result.accuracy * (1 - result.accuracy) / len(data["test"])) ** 0.5
print("our pieces and the package's model give the same scores")

# %% id="scoreboard"
board = shared.scoreboard("01")
board["accuracy of this run"] = f"{result.accuracy:.1%} ± {spread:.1%}"
board

# %% [markdown]
# Take the number as a sign of life and not as a result: few steps, one seed. Lesson 08 compares methods
# properly.
#
# What happened to the features? We draw those we kept and those of now, each by its own two directions of
# largest spread (PCA).

# %% tags=["hide-input"]
notebook.show(
    plots01.before_after(
        {"before fine-tuning": before, "after fine-tuning": after},
        test_labels,
        classes,
        title="Fine-tuning moves the classes apart; each stays a loose cloud",
    ),
    alt="Test features by PCA: mixed before fine-tuning; afterwards two wide clouds that overlap.",
)

# %% [markdown]
# Left, the encoder knows nothing of the task, and its two largest directions hold little of the spread.
# Right, the first direction holds far more of it, and the classes lie along it: one at each end. In between
# they still mix. A flat picture hides the other directions, so we also measure.


# %% id="measures"
def measures(features):
    unit = F.normalize(features, dim=1)  # (test, d)
    cosines = unit @ unit.T  # (test, test)
    same = (test_labels[:, None] == test_labels).fill_diagonal_(False)
    differ = test_labels[:, None] != test_labels
    neighbours = (test_labels[plots01.nearest(features)] == test_labels).float().mean()
    return neighbours, cosines[same].mean(), cosines[differ].mean()


for moment, features in (("before", before), ("after", after)):
    neighbours, same, differ = measures(features)
    print(
        f"{moment:6}: nearest neighbour of the same class {neighbours:.0%}, mean cosine of ", end=""
    )
    print(f"two sentences of one class {same:.2f}, of two classes {differ:.2f}")

# %% [markdown]
# Classes did move apart, as a by-product: what separates two scores also separates features. But compare
# the two cosines of the second line with 1 and -1. A class is still a wide cloud. No term
# asks its sentences to be near each other, and that is the gap the next lessons fill.
#
# ## What can go wrong
#
# `F.cross_entropy` wants **scores** and applies softmax itself. A frequent mistake is to hand it
# probabilities. Nothing crashes. We train a head on the hand-sized batch both ways.


# %% id="softmax-twice" tags=["nbval-check-output"]
def train_head(mistake):
    weight = torch.zeros(3, 2, dtype=torch.float64, requires_grad=True)  # (K, d)
    curve = []
    for _ in range(400):
        output = z @ weight.T  # (N, K)
        loss = F.cross_entropy(output.softmax(1) if mistake else output, labels)
        (gradient,) = torch.autograd.grad(loss, weight)
        weight.data -= gradient  # learning rate 1
        curve.append(loss.item())
    return curve, (output.argmax(1) == labels).double().mean().item()


curves = {name: train_head(name != "scores") for name in ("scores", "softmax, then again softmax")}
for name, (curve, accuracy) in curves.items():
    print(f"{name:27}: loss after 400 steps {curve[-1]:.2f}, accuracy {accuracy:.2f}")
print(f"floor with the mistake: {math.log(1 + 2 / math.e):.3f}")

# %% tags=["hide-input"]
notebook.show(
    plots01.two_curves(
        {name: curve for name, (curve, _) in curves.items()},
        floor=math.log(1 + 2 / math.e),
        title="Softmax twice: the loss stops at a floor and looks like bad learning",
    ),
    alt="Loss over 400 steps: with scores it falls towards 0, with softmax twice it stays above 0.551.",
)

# %% [markdown]
# *Symptom:* the loss falls a little and then stays, while the accuracy is fine. *Cause:* a perfect output is
# now $(1, 0, 0)$, and its softmax gives the true class only $e/(e + K - 1)$. So the loss cannot go below
# $\log(1 + (K-1)/e)$: 0.551 for three classes, 0.313 for two. *Cure:* hand over scores. If a loss sticks at one of these two
# numbers, look for a softmax in your model.

# %% [markdown]
# ## Take-aways
#
# - The usual classifier: encoder, feature of `[CLS]`, linear head with one row a class, cross-entropy.
# - Cross-entropy is logsumexp of all scores minus the true score; take the largest score out first.
# - Its gradient with respect to the scores is probability minus target, and that is all it says.
# - Each sentence is judged alone: the loss of sentence i has no gradient for the feature of sentence j.
# - Features may move freely where the head does not look, so batches of equal loss can have their classes mixed up.

# %% [markdown]
# ## Check yourself
#
# **Self-check 1** (objective 1). Which line of the loop must not be left out, or old gradients add up?
#
# - a) `encoder.train()`
# - b) `optimizer.zero_grad()`
# - c) `history.append(loss.item())`
#
# <details><summary>Answer</summary>
#
# b): `backward` adds to what is there. a) switches dropout on; without it the loop still learns. c) only
# keeps a number for the figure.
#
# </details>
#
# **Self-check 2** (objective 2). Scores (1000, 1001), true class the second. What is the loss?
#
# - a) `nan`
# - b) $\log(1 + e^{-1}) \approx 0.313$
# - c) 1001
#
# <details><summary>Answer</summary>
#
# b): take out 1001, the scores become (-1, 0). a) is what the plain formula gives in float32. c) is the largest
# score, which is only the first half of logsumexp minus the true score.
#
# </details>
#
# **Self-check 3** (objective 3). A sentence has probabilities (0.7, 0.2, 0.1), and its true class is the second.
# What is the gradient with respect to its scores?
#
# - a) (0.7, -0.8, 0.1)
# - b) (-0.7, 0.8, -0.1)
# - c) (0, -1/0.2, 0)
#
# <details><summary>Answer</summary>
#
# a): probability minus target. b) has the wrong sign: it is the step, not the gradient. c) is the derivative
# with respect to the probabilities, before softmax.
#
# </details>
#
# **Self-check 4** (objective 4). You want another batch with the same cross-entropy under the same head. Which
# change is always safe?
#
# - a) Adding to a feature a direction that is orthogonal to all rows of the head.
# - b) Making each feature twice as long.
# - c) Exchanging the features of two sentences of different classes.
#
# <details><summary>Answer</summary>
#
# a), which is (1.6). b) doubles the scores, so the losses change. c) gives each of the two the other's scores,
# which are now judged by another label.
#
# </details>
#
# ## Further reading
#
# - J. Devlin and others, *BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding*,
#   arXiv 1810.04805: `[CLS]`, the linear head, fine-tuning.
# - The PyTorch page of `torch.nn.CrossEntropyLoss`: what is expected as input, and what `ignore_index` does.
#
# In lesson 02 a loss compares sentences. The gradient will look familiar.
