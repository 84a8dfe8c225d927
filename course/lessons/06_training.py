# %% [markdown]
# ## Where we are
#
# **Recall 1.** Lesson 05: which two numbers must you know before you can read a value of $L_z$?
#
# <details><summary>Answer</summary>
#
# The collapsed value, $\log(N-1)$, and the floor, the mean of $\log|P_i|$. Both depend on the labels of the batch.
#
# </details>
#
# **Recall 2.** Lesson 04: why is the order of the label words drawn anew for each example in training?
#
# <details><summary>Answer</summary>
#
# So that the model cannot learn "the second place" in place of "the class of this word".
#
# </details>
#
# Lesson 05 finished the loss. A loss is not yet a result: between them lies a training run with a dozen settings and a
# good deal of luck. Today's question: **what changes the result, and what only its cost?**

# %% tags=["hide-input"]
from dualcl_tutorial.plots import shared

notebook.show(
    shared.pipeline("training"),
    alt="The pipeline from texts to predictions; training is lit.",
)

# %% [markdown]
# One box is lit today. An *update*, or step, is one change of the weights by one batch; an *epoch* is one pass over the examples.
#
# | symbol | in code | meaning |
# |---|---|---|
# | $N$, $K$ | `batch`, `classes` | sentences in the batch, classes |
# | $t$, $T$ | `step`, `steps` | number of this update from 0, number of all |
# | $\eta_t$ | `rate` | learning rate of update $t$ |
# | $\tau, \lambda$ | `temperature`, `weight` | of the contrastive part, as before |
#
# ## The loop in sight
#
# Five lines make a training loop: take a batch, run the model, compute the loss, go back, update. We write it in the open, on 48
# questions of the bundled corpus, and then ask whether the package does the same.
#
# Which questions share a batch? `BatchPlan` shuffles them, puts like lengths together so that little padding is computed, and gives
# each question a partner of its class where it can. The plan of an epoch is a **function of the seed and the epoch**. First the data and a model, then
# a plan for eight made-up sentences:

# %% id="data"
import copy
import numpy as np
import torch
from dualcl_tutorial import corpora
from dualcl_tutorial.inputs import BatchPlan
from dualcl_tutorial.model import DualCLModel

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
size = dict(per_class=notebook.by_mode(quick=4, read=8))
data = corpora.load("mini-questions", validation=0, **size)["train"]
words, labels_of = data.features["label"].names, list(data["label"])
first = DualCLModel.from_encoder(notebook.encoder(), words).to(device)  # never trained itself
pieces = first.tokenizer(list(data["text"]), add_special_tokens=False)["input_ids"]

# %% id="plan" tags=["nbval-check-output"]
toy = BatchPlan([9, 4, 5, 8, 4, 9, 5, 8], labels=[0, 0, 1, 1, 0, 1, 0, 1], batch_size=4, seed=0)
for epoch in (0, 1, 2, 1):
    batches = toy.epoch(epoch)
    assert sorted(i for batch in batches for i in batch) == list(range(8))  # each exactly once
    print(f"epoch {epoch}: {batches}")

# %% [markdown]
# Epochs differ, and epoch 1, asked for again, is what it was. Nothing has to be remembered between two batches. The same idea serves
# dropout: before each forward pass we seed torch with a number made of the seed and the step.
#
# The learning rate rises over the first tenth of the updates, the *warm-up* of $W$ updates, and then falls in a straight line to 0:
#
# $$\eta_t = \eta\,\frac{t+1}{W} \;\text{ for } t < W, \qquad \eta_t = \eta\,\Big(1 - \frac{t-W}{T-1-W}\Big) \;\text{ for } t \ge W. \tag{6.1}$$
#
# In words: start carefully, stop gently. Last, a gradient longer than 1 is scaled down to 1, *clipping*. **The paper** names AdamW with weight
# decay 0.01 and a linear fall from 2e-5 to 1e-5; warm-up and clipping are the course's.

# %% id="batch-and-forward"
from dualcl_tutorial.losses import dualcl_loss

plan = BatchPlan([len(ids) for ids in pieces], labels_of, 16, seed=0)
collate = first.collator(shuffle_labels=True, seed=0)


def batch_of(step):
    epoch, place = divmod(step, plan.steps)
    rows = plan.epoch(epoch)[place]
    told = [dict(input_ids=pieces[i], label=labels_of[i], index=i, epoch=epoch) for i in rows]
    return {name: tensor.to(device) for name, tensor in collate(told).items()}


def forward(model, step, tau=0.1):
    batch = batch_of(step)
    labels = batch.pop("labels")  # (N,)
    key = np.random.SeedSequence([0, 1, step, 0])  # seed, "dropout", step, view
    torch.manual_seed(int(key.generate_state(1, np.uint64)[0] >> 1))
    out = model.train()(**batch)  # z (N, d), theta (N, K, d)
    return dualcl_loss(out.z, out.theta, labels, weight=0.1, temperature=tau), labels


# %% id="one-step"
from dualcl_tutorial.losses import loss_floor


def adamw(model):
    parameters = list(model.parameters())
    matrices = {"params": [p for p in parameters if p.ndim > 1], "weight_decay": 0.01}
    others = {"params": [p for p in parameters if p.ndim == 1], "weight_decay": 0.0}
    return torch.optim.AdamW([matrices, others], fused=True)


def one_step(model, optimizer, step, rate, tau=0.1):
    parts, labels = forward(model, step, tau)
    for group in optimizer.param_groups:
        group["lr"] = rate
    parts.total.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()
    row = {name: float(value.detach()) for name, value in parts._asdict().items()}
    return row | dict(zip(("collapsed", "floor"), loss_floor(labels), strict=True))


# %% [markdown]
# That is the whole loop. The package's `train` does the same with more care around it.
#
# **Your guess.** After the same updates from the same seed, how far apart are the weights of our loop and of `train`?
#
# - a) Like two runs with different seeds: dropout is random.
# - b) Within rounding, about 1e-6.
# - c) Not at all: every weight has the same bits.
#
# The second cell below shows two things that break "the same numbers": somebody else draws from the generator that dropout uses, and the
# same numbers are added up in another order.

# %% id="equal-to-train" tags=["nbval-check-output"]
from dualcl_tutorial.training import TrainConfig, learning_rate, train


def same_weights(a, b):
    pairs = zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    apart = max(float((x.cpu() - y.cpu()).abs().max()) for x, y in pairs)
    return apart <= (0.0 if b.device.type == "cpu" else 1e-3)  # a GPU adds up in any order


fixed = dict(epochs=1, batch_size=16, lr=1e-4, final_lr=0.0, weight=0.1, precision="fp32")
fixed |= dict(corpus="mini-questions", encoder=notebook.encoder(), progress=False)
config, mine = TrainConfig(**size, **fixed), copy.deepcopy(first)
optimizer = adamw(mine)
for step in range(plan.steps):
    one_step(mine, optimizer, step, learning_rate(step, plan.steps, config))
assert same_weights(mine, train(config).model)
print("our loop and train() end at the same weights")

# %% id="what-breaks" tags=["nbval-check-output"]
with torch.no_grad():
    before = float(forward(first, 0)[0].total)
    torch.rand(3)  # a new metric, a plot, a progress bar: anything that draws
    after = float(forward(first, 0)[0].total)
a, b, c = torch.tensor([1e8, 1.0, -1e8])  # float32
print("seeded by step, with other draws in between: same loss", before == after)
print("(1e8 + 1) - 1e8 =", float((a + b) + c), "  (1e8 - 1e8) + 1 =", float((a + c) + b))

# %% [markdown]
# c), on a CPU. On a GPU some sums run in whatever order the cores finish, and the last bits differ from run to run. With seeds made from the step, other draws do no harm; with one long
# stream they would shift every mask after them. The order of sums remains: other threads, another card, another shape of batch. So record versions, device and
# threads with each run, as `run.record` does.
#
# ## Seeds: the spread and the gap
#
# Now change the seed on purpose. Stored with the course are runs on TREC with 20 questions a class, 80 updates each, ten seeds a method
# ([script](../course/experiments/training_choices.py)). A seed chooses the questions, too.
#
# **Your guess.** The accuracies of one method spread over more than 15 points. In how many of the ten seeds is DualCL better than its half
# without $L_{Dual}$ (`label-aware`)?
#
# - a) In about half: the gap drowns in the spread.
# - b) In seven or eight.
# - c) In all ten.

# %% id="ten-seeds"
from dualcl_tutorial.plots import lesson06

choices = shared.read_results("lesson06_choices")
seeds = lesson06.by_seed(choices)  # a row a seed, a column a method, per cent
print(seeds.agg(["mean", "std", "min", "max"]).round(1))
notebook.show(
    lesson06.seeds(choices),
    alt="Accuracy of ten seeds under three methods, runs of one seed joined; most lines fall together.",
)

# %% [markdown]
# c). A seed with easy questions is good for every method, and a bad draw bad for all: the lines fall side by side. Two things can be
# read here. $L_{Dual}$ helps the label-aware input. And both lose clearly to plain cross-entropy, in this setting: a small encoder, 120
# questions, 80 updates. Keep that in mind when we change the number of updates.
#
# Say it in formulas. With accuracies $a_s$ and $b_s$ of seed $s$, the gap of two means has the standard error
#
# $$\text{other seeds: } \sqrt{\frac{\mathrm{var}(a)+\mathrm{var}(b)}{n}}, \qquad \text{same seeds: } \sqrt{\frac{\mathrm{var}(a)+\mathrm{var}(b)-2\,\mathrm{cov}(a,b)}{n}}. \tag{6.2}$$
#
# In words: what both methods share cancels, if you give both the same seeds.

# %% id="paired-by-hand" tags=["nbval-check-output"]
a, b = seeds["dualcl"], seeds["label-aware"]  # (n,) each
n, da, db = len(a), a - a.mean(), b - b.mean()
var_a, var_b, cov = (sum(x * y) / (n - 1) for x, y in ((da, da), (db, db), (da, db)))
other, same = ((var_a + var_b) / n) ** 0.5, ((var_a + var_b - 2 * cov) / n) ** 0.5
assert abs(same - np.std(a - b, ddof=1) / n**0.5) < 1e-9
print(f"DualCL minus w/o L_dual: {(a - b).mean():+.1f}, better in {sum(a > b)} of {n} seeds")
print(f"standard error with other seeds {other:.1f}, with the same seeds {same:.1f}")

# %% id="luck-widget"
from dualcl_tutorial.widgets import lesson06 as sliders

notebook.live(
    sliders.experiments,
    alt="Gaps of one-seed experiments: with other seeds a third has the wrong sign, with the same none.",
    **sliders.seeds_and_methods(),
)

# %% [markdown]
# Each bar counts experiments you might have made with that many of the ten seeds. With one seed each, about a third of them
# show no gain, or a loss, from $L_{Dual}$. Move the slider: with other seeds even five are not always enough; with the same seeds one was, here. So:
# **same seeds for all methods, several of them, and the differences reported.**
#
# ## What changes the result
#
# **Batch size.** A contrastive loss compares the sentences of a batch. In a small batch many are alone in their class; they have no
# partner, and the loss cannot use them. The first cell counts that for six classes of 20. The second shows stored runs, five seeds each.
#
# **Your guess.** Ten epochs over the 120 questions. Which batch size gives DualCL the best accuracy?
#
# - a) 4
# - b) 16
# - c) 64

# %% id="partners" tags=["nbval-check-output"]
six, shares = np.repeat(np.arange(6), 20), {True: [], False: []}  # (120,) labels
for n in lesson06.SIZES:
    for pairing in shares:
        trial = BatchPlan([9] * 120, six, n, seed=0, pairing=pairing)
        counts = [np.bincount(six[batch]) for epoch in range(10) for batch in trial.epoch(epoch)]
        shares[pairing].append(1 - sum(int((count == 1).sum()) for count in counts) / 1200)
    chance, paired = shares[False][-1], shares[True][-1]
    print(f"batch {n:2}: {chance:4.0%} with a partner by chance, {paired:4.0%} with pairing")

# %% id="batch-sizes"
print(lesson06.sizes_in_words(choices))
notebook.show(
    lesson06.batch_sizes(choices, shares),
    alt="At ten epochs accuracy falls with batch size, at 80 updates it rises; pairing helps batch 4.",
)

# %% [markdown]
# a), and cross-entropy, which has no partners, does the same. At ten epochs, batch 4 makes 300 updates and batch 64 only 20. At equal updates the
# order turns round, but there batch 64 reads each question forty times and batch 4 only three times. **A comparison of batch sizes
# compares two things at once**; say which one you held fixed. Even the gap to cross-entropy depends on it: halved at batch 4, gone at
# batch 64, where neither has learned.
#
# **Recommendation.** First see that there are a few hundred updates. With a hundred examples take batch 4 or 8, with pairing; with
# thousands the default of 16 makes enough updates. **The paper** uses 64 on all data sets, and 4 in its low-resource figure.
#
# **Accumulation.** A larger batch does not fit into memory? For cross-entropy one adds up the gradients of small batches. May we do that
# here? The first cell below cuts the hand-sized batch in two halves of three.
#
# **The rest, one change at a time.** The second cell compares other choices with what they were changed from, seed by seed, five seeds each.

# %% id="accumulation" tags=["nbval-check-output"]
import torch.nn.functional as F
from dualcl_tutorial.example import hand_batch
from dualcl_tutorial.losses import dual_contrastive_loss

z, theta, labels = hand_batch(torch.float64)  # (N, d), (N, K, d), (N,)


def both(rows):
    ce = F.cross_entropy(torch.einsum("nkd,nd->nk", theta[rows], z[rows]), labels[rows])
    dual = dual_contrastive_loss(z[rows], theta[rows], labels[rows], temperature=0.5)[0]
    return torch.stack([ce, dual])


whole = both([0, 1, 2, 3, 4, 5])
print(f"the whole batch      : cross-entropy {whole[0]:.4f}, L_z {whole[1]:.4f}")
for halves in ([0, 1, 3], [2, 4, 5]), ([0, 1, 2], [3, 4, 5]):
    mean = torch.stack([both(rows) for rows in halves]).mean(0)
    assert torch.isclose(mean[0], whole[0]) and not torch.isclose(mean[1], whole[1], rtol=0.1)
    print(f"{halves[0]} {halves[1]}: cross-entropy {mean[0]:.4f}, L_z {mean[1]:.4f}")

# %% id="one-change"
effects = lesson06.changed(choices, lesson06.ASKED)
print(effects.round(1))
notebook.show(
    lesson06.one_change(effects),
    alt="Intervals of pairing, warm-up and label order hold 0; that of batch 8 does not.",
)

# %% [markdown]
# Cross-entropy is a mean over sentences, so means of equal parts give the same number. $L_z$ is another number each time, and depends on the cut: an
# anchor sees two candidates instead of five. **For a contrastive loss, accumulation is another objective**: that of the small batches. Lesson 12
# shows gradient caching, which gives the gradient of the whole batch.
#
# In the figure, pairing, warm-up and label order have intervals that hold 0 and are several points wide. That is not "no effect". It says that five seeds would have shown an effect
# larger than the interval. We keep pairing and warm-up because they cost nothing, and the drawn label order because of what lesson 07
# shows: a fixed order lets accuracy depend on places.
#
# One choice is not open: all runs here keep the last epoch, and `select="validation"` would keep the best on held-out training examples. **The released code** keeps the epoch that is best on the test set; then the number reported is the best of many draws.
#
# ## What changes only the cost
#
# Other settings should leave the objective alone and change only seconds or safety. Measure them on **your** machine. Each row of the table runs a few
# updates, several times, in turns. Two things vary: the order of the examples, by length or any, and the precision. The last row is the price of one checkpoint.
#
# bfloat16 keeps the range of float32 and drops 16 of its 24 binary digits. The loss itself stays in float32: the package raises what it is given.
# Some processors multiply bfloat16 natively and gain time. Others imitate it and lose time.

# %% id="settings"
import time

name = notebook.corpus("cr", fallback="mini-reviews")
reviews = corpora.load(name, validation=0)["train"].select(range(0, 960, 10))
model = DualCLModel.from_encoder(notebook.encoder(), reviews.features["label"].names).to(device)
ids = model.tokenizer(list(reviews["text"]), add_special_tokens=False)["input_ids"]
rows = [dict(input_ids=x, label=y) for x, y in zip(ids, reviews["label"], strict=True)]
lengths = {"by length": [len(x) for x in ids], "any order": [1] * len(ids)}
plans = {k: BatchPlan(v, reviews["label"], 16, seed=0).epoch(0) for k, v in lengths.items()}


def update(order, step, dtype, optimizer):
    batch = model.collator()([rows[i] for i in plans[order][step]])
    torch.manual_seed(step)
    with torch.autocast(device.type, dtype, enabled=dtype is not torch.float32):
        loss = model(**{k: v.to(device) for k, v in batch.items()}).loss
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return loss.item(), 1 - batch["attention_mask"].float().mean().item()


# %% id="cost-table"
import tempfile
from pathlib import Path
import pandas as pd
from dualcl_tutorial import checkpoint


def tensors_of(model, optimizer):
    moments = optimizer.state_dict()["state"]
    found = {f"optimizer.{i}.{k}": v for i, m in moments.items() for k, v in m.items()}
    return found | {f"model.{k}": v for k, v in model.state_dict().items()}


settings = {"float32": ("by length", torch.float32), "any order": ("any order", torch.float32)}
settings["bfloat16"] = ("by length", torch.bfloat16)
start = copy.deepcopy(model.state_dict())
updates, record = notebook.by_mode(quick=1, read=4), []
for turn in range(notebook.by_mode(quick=1, read=4)):  # in turns, so that a busy minute hits all
    for name, (order, dtype) in settings.items():
        model.train().load_state_dict(start)
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, fused=True)
        began = time.perf_counter()
        done = [update(order, step, dtype, optimizer) for step in range(updates)]
        took = (time.perf_counter() - began) / updates
        record.append((f"update, {name}", took, np.mean([part for _, part in done]), done[0][0]))
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        checkpoint.save(folder, turn, tensors_of(model, optimizer), {})
        record.append(("one checkpoint", time.perf_counter() - began, np.nan, np.nan))
del start, optimizer  # 270 MB, which the next cells can use
lesson06.cost_table(record)

# %% [markdown]
# Read across. Grouping by length computes less padding; the batches differ, so the losses do too, but an epoch holds the same sentences. bfloat16 moves the
# loss a little, since it rounds. Whether it saves time is your processor's affair: `precision="auto"` looks first.
#
# **Checkpoints** make a run safe. What must be saved? Weights, AdamW's two moments, and the number of updates done. No generator, since whatever is
# random is a function of seed and step. Now we break one on purpose: three updates, checkpoints after one and two, and the newer one is cut short, as a full disk
# does. A checksum stands beside the tensors, so the cut is seen and said. Does the mended run end where the undisturbed one did?

# %% id="broken-checkpoint" tags=["nbval-check-output"]
import os
import warnings

folder = Path(tempfile.mkdtemp())
undisturbed = copy.deepcopy(first)
optimizer = adamw(undisturbed)
for step in range(3):
    one_step(undisturbed, optimizer, step, 1e-4)
    if step < 2:
        checkpoint.save(folder, step + 1, tensors_of(undisturbed, optimizer), {"seed": 0})
newest = sorted(folder.iterdir())[-1] / "tensors.safetensors"
os.truncate(newest, newest.stat().st_size - 1000)
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    state = checkpoint.load(folder)[1]
print(told[0].message, "Steps done:", state["step"])
del optimizer

# %% id="mended" tags=["nbval-check-output"]
(tensors, state), mended = checkpoint.load(folder), copy.deepcopy(first)
mended.load_state_dict({k[6:]: v for k, v in tensors.items() if k.startswith("model.")})
optimizer, moments = adamw(mended), {}
for name in (name for name in tensors if name.startswith("optimizer.")):
    _, number, key = name.split(".")
    moments.setdefault(int(number), {})[key] = tensors[name]
groups = optimizer.state_dict()["param_groups"]
optimizer.load_state_dict({"state": moments, "param_groups": groups})
for step in range(state["step"], 3):
    one_step(mended, optimizer, step, 1e-4)
assert same_weights(mended, undisturbed)
print("the mended run ends at the weights of the undisturbed one")
del tensors, moments, optimizer

# %% [markdown]
# To the bit, on a CPU. `train(..., output=folder)` does all this by itself; after a crash call it again with `resume=True`. If a
# setting has changed it refuses and shows the difference.
#
# ## On real data
#
# **On a GPU** not one line changes: `train` finds the card. What changes is precision, and the last bits of sums. Colab's free card is
# usually a T4, which is older than bfloat16; there `precision="auto"` takes float16. Its numbers end at 65,504 (too small for sums of exponentials, as we shall see), and gradients below some
# 3e-8 become 0. Cure: multiply the loss by a large number, go back, divide the gradients. This *loss scaling* is in `train`, through `accelerate`. bfloat16 has the range of float32 and needs none of it.
#
# Now a whole run. In `read` mode it repeats seed 0 of the stored DualCL runs on your machine. With `DUALCL_MODE=full` and a GPU it is **the paper's setting**
# instead: BERT (or the encoder of `DUALCL_ENCODER`), 10 % of TREC, 30 epochs of batch 64, CE and DualCL, three seeds. Without a GPU that is left out. The cost is printed first.

# %% id="train-real"
corpus = notebook.corpus("trec", fallback="mini-questions")
full = notebook.mode() == "full" and torch.cuda.is_available()
encoder, todo, asked = notebook.encoder(), [("dualcl", 0)], {"batch_size": 16}
asked |= {
    "per_class": notebook.by_mode(quick=3, read=20),
    "epochs": notebook.by_mode(quick=1, read=10),
}
if full:
    encoder = "bert" if encoder == "minilm" else encoder
    todo, asked = [(m, s) for m in ("ce", "dualcl") for s in range(3)], {"fraction": 0.1}
    tables = [shared.read_results(name) for name in ("paper_table2", "runs")]
    beside = lesson06.paper_and_ours(*tables, encoder)
    print("6 runs of about 270 updates of 64 questions, with a model five times as large as minilm")
else:
    beside = {"stored, 10 seeds": seeds}
    best = min(seconds for name, seconds, *_ in record if name[:6] == "update")
    guess = best * asked["epochs"] * max(1, 6 * asked["per_class"] // 16)
    print(f"1 run; by the table above about {guess:.0f} s of updates, then the test questions")
asked |= {"corpus": corpus, "encoder": encoder, "progress": False}
done = {(m, s): train(TrainConfig(method=m, seed=s, **asked)) for m, s in todo}
for (method, seed), run in done.items():
    print(f"{method}, seed {seed}: {run.accuracy:.1%} of {len(run.predictions)} questions")

# %% id="curve" tags=["hide-input"]
notebook.show(
    lesson06.curve(run.history, 6),
    alt="L_z and L_theta sink from the collapsed value to the floor.",
)
beside |= {"yours": lesson06.yours(done)}
picture = lesson06.own_runs(beside, "One run is one dot of a cloud")
notebook.show(picture, alt="Your accuracy among the stored seeds of CE and DualCL.")

# %% [markdown]
# A curve needs its lines. The grey band is that of each batch; both terms start at its upper edge or above, where all features are alike, and sink into
# it. On the right the same in per cent: 0 is knowing nothing, $\log(N-1)$ or $\log K$; 100 is the floor. So you see that cross-entropy begins far worse than knowing
# nothing (raw products of long vectors are large; the line is cut at -50), and which part still has a way to go when the updates end.
#
# In the lower figure your dot lies in the cloud of stored dots, if the corpus is TREC. It need not be one of them: another processor rounds differently, and
# that is enough to move a few answers.
#
# ## What can go wrong
#
# | symptom | one cause | the test that finds it | cure |
# |---|---|---|---|
# | accuracy of chance | the optimizer belongs to another copy of the model | does an update change a weight? | build the optimizer after the model |
# | one class predicted always | learning rate ten times too large | count the predictions | smaller rate, warm-up |
# | a term stays at $\log(N-1)$ | $\tau$ so large that the softmax is flat, or all features equal | mean cosine of two classes | smaller $\tau$; smaller rate |
# | NaN | exp in half precision | `isfinite` after each operation | logsumexp in float32 |
# | $L_{Dual}$ does not help | batches of one class, or of lone anchors | room: collapsed minus floor | shuffle, pairing |
# | it still does not help | none: all tests pass | differences over several seeds | believe it and report it |
#
# Each row is provoked below. First three runs of our loop: sound; with the optimizer of another copy, which happens when the model's cell is run again and the
# optimizer's is not; and with ten times the learning rate.


# %% id="sick-runs"
def short_run(rate, own_optimizer=True):
    model = copy.deepcopy(first)
    optimizer = adamw(model if own_optimizer else copy.deepcopy(first))
    total = notebook.by_mode(quick=1, read=20)
    rows = [{"step": s + 1} | one_step(model, optimizer, s, rate) for s in range(total)]
    answers = model.eval().score(list(data["text"])).argmax(1)
    moved = any(not torch.equal(*pair) for pair in zip(model.parameters(), first.parameters()))
    right = float((answers == torch.tensor(labels_of)).float().mean())
    counts = torch.bincount(answers, minlength=6).tolist()
    print(f"training texts right {right:4.0%}, predictions {counts}, weights moved {moved}")
    return pd.DataFrame(rows)


sick = {"sound": short_run(1e-4), "optimizer of a copy": short_run(1e-4, own_optimizer=False)}
sick["learning rate x 10"] = short_run(1e-3)

# %% tags=["hide-input"]
notebook.show(
    lesson06.symptoms(sick),
    alt="Sound: all falls. Optimizer of a copy: nothing moves. Rate times ten: the terms stay up.",
)

# %% [markdown]
# The accuracies are of the training texts: a model that cannot learn 48 questions by heart is broken, whatever the test set says. In the middle nothing moves but dropout's noise;
# the weights are those we began with. On the right the loss falls, which looks like learning. But it stops near $\log 6 = 1.79$, the predictions have
# gathered on few classes, and the terms lie along the upper edge.
#
# That edge has two causes, and one number tells them apart: the first cell below. The second makes a NaN: four equal features at $\tau = 0.1$, so each score is 10, and the loss
# written down as one reads it, in float16.

# %% id="stays" tags=["nbval-check-output"]
from dualcl_tutorial.losses import contrastive_loss

for tau, x in {0.1: torch.ones_like(z), 100.0: z}.items():  # all equal; as they are
    loss, unit = contrastive_loss(x, x, labels, temperature=tau), F.normalize(x, dim=1)
    cosine = (unit @ unit.T)[labels[:, None] != labels].mean()
    print(f"tau {tau:5}: loss {loss:.2f}, log(N-1) {np.log(5):.2f},", end=" ")
    print(f"mean cosine of two classes {cosine:.2f}")

# %% id="nan" tags=["nbval-check-output"]
scores = torch.full((4, 4), 10.0, dtype=torch.float16)  # (N, N), cosine 1 over 0.1
own = torch.eye(4, dtype=torch.bool)
power = scores.exp().masked_fill(own, 0)
total = power.sum(1, keepdim=True)  # three times 22,032
share = power / total
naive = -(share.log() * ~own).sum(1) / 3
for name, value in dict(exp=power, total=total, share=share, loss=naive).items():
    print(f"{name:5} finite: {value.isfinite().all()}, first {value.flatten()[-2].item()}")
safe = scores.float().masked_fill(own, -torch.inf).logsumexp(1) - 10
print(f"logsumexp in float32: {safe[0]:.4f} = log 3")
print(f"a gradient of 2e-8 in float16: {torch.tensor(2e-8).half().item()}")

# %% [markdown]
# Cosine 1: the features have collapsed, so the rate was too high or the inputs are all the same. Cosine well below 1: the features are fine, and the temperature hides it.
#
# For NaN, the first line that is not finite names the culprit: a sum, two steps before the symptom. The package raises everything to float32 inside its losses and masks before
# the logsumexp.
#
# Last, the term that does not help. Before you blame the method, ask how much a batch *lets* it learn. Then, over the same seeds, whether the accuracy changes:

# %% id="room" tags=["nbval-check-output"]
kinds = {"sorted by class": [0] * 8, "all alone": list(range(8)), "4 and 4": [0] * 4 + [1] * 4}
for name, y in (kinds | {"four pairs": [0, 0, 1, 1, 2, 2, 3, 3]}).items():
    collapsed, floor = loss_floor(torch.tensor(y))
    print(f"{name:15}: from {collapsed:.2f} to {floor:.2f}, room {collapsed - floor:.2f}")

# %% id="true-result"
few = seeds["dualcl"] - seeds["label-aware"]
print(f"TREC, 20 a class: {few.mean():+.1f}, better in {(few > 0).sum()} of {len(few)} seeds")
gain = lesson06.term_gain(shared.read_results("runs"))  # 10 % of each corpus
print(gain.round(1).to_string(index=False))

# %% [markdown]
# A file sorted by class and read in order gives batches without room, and so do lone anchors: the term is computed, costs time and teaches nothing. Our batches have room, and the sound run used it.
#
# With 20 questions a class $L_{Dual}$ helped in every seed. With 10 % of the corpora and the same code every interval holds 0, for this small encoder. No test above fails there. So **not
# helping is the true result**, for this encoder and these settings, and it is worth as much as the other one. Lesson 08 looks at both at length.
#
# ## Take-aways
#
# - Make everything random a function of seed and step, and a run can be repeated and resumed to the bit.
# - Seeds differ by several points. Give all methods the same seeds and report the differences.
# - A batch size changes partners, candidates and the number of updates. Say what you held fixed.
# - Accumulation keeps cross-entropy and changes a contrastive loss.
# - Precision, grouping by length and checkpoints cost or save time, and move the result by rounding only.
# - Read a curve between its two lines, count the predictions, and let the model learn a few texts by heart first.

# %% [markdown]
# ## Check yourself
#
# **Self-check 1** (objective 1). Two runs with the same seed on one machine differ in the third digit. Most likely cause?
#
# - a) bfloat16 is inexact.
# - b) One run drew extra random numbers from the generator that dropout uses.
# - c) AdamW is random.
#
# <details><summary>Answer</summary>
#
# b). a) Rounding is the same each time. c) AdamW draws nothing.
#
# </details>
#
# **Self-check 2** (objective 2). A paper compares its method (three seeds) with a baseline (three other seeds): 84.1 and 82.9, both ± 2. What do you ask for?
#
# - a) The best of the three.
# - b) More decimals.
# - c) The same seeds for both, and the differences seed by seed.
#
# <details><summary>Answer</summary>
#
# c): what the seeds share then cancels. a) makes luck the measure. b) adds digits to noise.
#
# </details>
#
# **Self-check 3** (objective 3). Cross-entropy falls to $\log K$ and stays; $L_z$ lies at the upper edge; nearly all predictions are one class. First cure?
#
# - a) A smaller learning rate.
# - b) A larger batch.
# - c) A larger $\lambda$.
#
# <details><summary>Answer</summary>
#
# a): the features have collapsed. b) and c) give a collapsed model more of the same.
#
# </details>
#
# **Self-check 4** (objective 4). Which of these leaves the objective of DualCL as it is?
#
# - a) Accumulating four batches of 16 instead of one of 64.
# - b) A checkpoint every minute.
# - c) Batch 8 instead of 16.
#
# <details><summary>Answer</summary>
#
# b). a) and c) change which sentences are compared.
#
# </details>
#
# ## Further reading
#
# - M. Mosbach and others, *On the Stability of Fine-tuning BERT*, 2021, arXiv 2006.04884: seeds and warm-up.
# - X. Bouthillier and others, *Accounting for Variance in Machine Learning Benchmarks*, 2021, arXiv 2103.03098.
#
# In lesson 08 all five methods meet on five corpora, with what you learned today.
