# %% [markdown]
# ## Where we are
#
# Welcome. This lesson shows the end first. In twenty minutes you train two text classifiers on real product reviews,
# compare them honestly, and type sentences of your own. One of the two, DualCL, can do something that the usual
# kind cannot: you may change the *words* of its classes after training, and watch its classifier move.
#
# You need no theory yet. Whatever is used here is built from nothing in lessons 01 to 07.
#
# Run the cells from top to bottom with Shift+Enter. Twice you will find a line that begins with **Your guess**.
# Choose before you run the next cell: you will look at the result with other eyes.
#
# Five symbols are enough for today:
#
# | symbol | meaning | shape |
# |---|---|---|
# | $K$, $d$ | number of classes; width of the encoder | |
# | $z$ | feature of a sentence: one vector | $(d,)$ |
# | $\theta$ | classifier: one vector for each class | $(K, d)$ |
# | $\theta^k \cdot z$ | score of class $k$: a dot product | one number |
# | $n$ | number of test sentences | |

# %% tags=["hide-input"]
from dualcl_tutorial.plots import shared

notebook.show(
    shared.pipeline(list(shared.STAGES)),
    alt="Seven boxes in a row, all lit, from texts and labels to prediction and judgement.",
)

# %% [markdown]
# This is the way from texts to answers. Today all of it is lit, because you walk it once from end to end. Every later
# lesson lights the part that it opens up.
#
# ## Is this machine ready?
#
# An ordinary laptop is enough; a graphics card only saves time. The next cell looks at what is here. It downloads nothing.

# %% id="machine"
from dualcl_tutorial.widgets import lesson00

print(lesson00.machine_check())

# %% [markdown]
# `ok` is ready. `later` is fetched when a lesson first needs it, or the line says how to get it. `LACKS` names what to
# install now. For today you need one encoder, `minilm`, a small relative of BERT. The corpus `cr` is wanted too, but if it cannot be
# had, this lesson says so and goes on with reviews that come with the course.
#
# If something breaks later, type `dualcl doctor` in a terminal and put its output into your bug report.
#
# ## What DualCL does, in one picture
#
# A usual classifier turns the sentence into a vector and multiplies it with a matrix that was learnt beside the
# encoder. The matrix is the same for every sentence, and it has never seen the names of the classes.
#
# DualCL has no such matrix. It writes the label words *in front of the sentence* and sends everything
# through the encoder once.

# %% tags=["hide-input"]
from dualcl_tutorial.plots import lesson00 as plots

notebook.show(
    plots.one_pass(["positive", "negative"], "the battery died after a week"),
    alt="[CLS], positive, negative, [SEP] and a sentence enter an encoder. Out of it come z above "
    "[CLS] and one theta above each label word; the score of a class is theta times z.",
)

# %% [markdown]
# Read it from below. Above `[CLS]` the encoder gives $z$, the feature of the sentence. Above each label word it gives one vector of
# $\theta$. The encoder mixes all words, so the vector above *positive* has read this sentence too. Therefore
# every sentence brings **its own classifier**, and no parameter is added.
#
# **The paper:** the method is from Chen, Zhang, Zheng and Mao (2022). The class with the largest score is the answer:
#
# $$\hat{y} = \arg\max_k \; \theta^k \cdot z \tag{8}$$
#
# In words: multiply the feature with each class's vector, number by number, add up, and take the largest sum.
#
# Let us check this on numbers small enough for paper. The course has a hand-sized batch: six sentences, three classes,
# vectors of two numbers. The first sentence is *the soup arrived cold*; its class is *food*.

# %% id="score-by-hand" tags=["nbval-check-output"]
import torch
from dualcl_tutorial.example import CLASSES, hand_batch
from dualcl_tutorial.losses import label_logits

z, theta, labels = hand_batch()  # z (6, 2), theta (6, 3, 2), labels (6,)
loops = [sum(float(theta[0, k, j] * z[0, j]) for j in range(2)) for k in range(3)]
scores = (theta @ z[:, :, None]).squeeze(-1)  # (6, 3, 2) @ (6, 2, 1) -> (6, 3)
assert scores[0].tolist() == loops and torch.allclose(scores, label_logits(z, theta))
print("first sentence:", ", ".join(f"{k} {s:.2f}" for k, s in zip(CLASSES, loops, strict=True)))
answers = scores.argmax(1)  # (6,)
print("answers:", [CLASSES[k] for k in answers], "right:", int((answers == labels).sum()), "of 6")

# %% [markdown]
# A loop over single numbers, one matrix product and the package give the same scores. That is how each lesson of
# this course works: by hand, then in matrices, then the package, and an assertion that all agree.
#
# How does an encoder learn to put $z$ next to the right $\theta$, and away from the wrong one? By a loss with two halves, in which feature and
# classifier teach each other. That is lesson 05. Today the loss is a closed box.
#
# ## The reviews
#
# CR is a corpus of customer reviews of products, cut into sentences. Its texts belong to others, so this page shows only how many there are
# and how long. The sentences that you see are from `mini-reviews`, written for this course.

# %% id="corpus"
import pandas as pd
from dualcl_tutorial import corpora

corpus = notebook.corpus("cr", fallback="mini-reviews")
data, tenth = corpora.load(corpus, validation=0), corpora.load(corpus, fraction=0.1, validation=0)
words = data["train"].features["label"].names
parts = {"train": data["train"], "10 % of train": tenth["train"], "test": data["test"]}
counts = {part: rows.to_pandas().value_counts("label") for part, rows in parts.items()}
pd.DataFrame(counts).rename(dict(enumerate(words)))

# %% id="sentences" tags=["nbval-check-output"]
reviews = corpora.load("mini-reviews", validation=0)["train"]
opinion = reviews.features["label"].names
for row in reviews.select(range(6)):
    print(f"{opinion[row['label']]}: {row['text']}")

# %% [markdown]
# Two classes. Some sentences carry a plain word of praise or blame. Others need to be understood: dread can end in
# relief. A third of `mini-reviews` was written to be hard.
#
# We train on 10 % only. It takes a minute, and in the paper's table the two methods lie further apart there than with all
# examples.

# %% tags=["hide-input"]
frame = data["train"].to_pandas()
long = frame.text.str.split().str.len()
by_class = {word: long[frame.label == k].tolist() for k, word in enumerate(words)}
title = f"{corpus}: half of the texts have at most {long.median():.0f} words"
notebook.show(
    plots.lengths(by_class, title), alt=f"{title}. Two histograms, one a class, of like shape."
)
largest = counts["test"].max() / len(data["test"])
print(f"Always answering with the larger class is right on {largest:.1%} of the test sentences.")

# %% [markdown]
# Both classes have texts of like lengths, so length gives little away. In CR one class is larger. Keep the
# printed share in mind: a classifier must beat that, not 50 %.
#
# **Your guess.** CE is the usual classifier: encoder, matrix, cross-entropy. DualCL has the label words in front and its
# own loss. Same encoder, same sentences, same number of steps. Which one gets more test sentences right?
#
# - a) CE, by more than 2 points (2 sentences in 100).
# - b) They lie within 2 points of each other.
# - c) DualCL, by more than 2 points.
#
# Write your number into the next cell, in points, DualCL minus CE. Keep it: lesson 08 comes back to it with
# many more runs.

# %% id="my-guess"
my_guess = None  # for example +1.5: DualCL gets 1.5 sentences in 100 more right; -1.5: CE does

# %% [markdown]
# ## On real data
#
# Now we train both, one after the other, and judge each on the whole test set. **Cost:** about a minute each on two
# processor cores, a few seconds on a GPU; a line counts the steps meanwhile. With `DUALCL_ENCODER=bert` it becomes the paper's setting for 10 %, a model five
# times as large trained three times as long: for that, take a GPU.

# %% id="train"
from IPython.display import clear_output
from dualcl_tutorial.training import TrainConfig, train

small = {"per_class": 8, "epochs": 1, "batch_size": 4}
size = notebook.by_mode(quick=small, read={"fraction": 0.1})
size |= {"encoder": notebook.encoder(), "seed": 0}
ce = train(TrainConfig(corpus=corpus, method="ce", **size))
dual = train(TrainConfig(corpus=corpus, method="dualcl", **size))
clear_output(wait=True)  # progress lines and loss curves, which lesson 06 reads
print(f"CE {ce.accuracy:.1%}, DualCL {dual.accuracy:.1%} of {len(ce.predictions)} test sentences")

# %% [markdown]
# There are two accuracies. Before you call a winner: how far can such a number be trusted?
#
# **How sure is one accuracy?** Think of the test set as $n$ sentences drawn from a large urn. Another draw would
# give another share of right answers. The usual size of that change is the *standard error*:
#
# $$\mathrm{se} = \sqrt{\frac{p\,(1 - p)}{n}}$$
#
# In words: the accuracy times the error rate, shared by the number of sentences, and the root of it. The test set of CR has 376
# sentences.

# %% id="standard-error" tags=["nbval-check-output"]
from math import sqrt

for p in (0.80, 0.86, 0.92):
    error = 100 * sqrt(p * (1 - p) / 376)
    print(f"accuracy {p:.0%} on 376 sentences: standard error {error:.1f} points")

# %% [markdown]
# Nearly two points. A gap of one point between two such numbers says next to nothing.
#
# **We can do better than that**, because both models answered the *same* sentences. Where both are right or
# both are wrong, they do not differ. Only the sentences that *exactly one* of them gets right can decide. Let $b$ be the number
# that only the first gets right, and $c$ the number that only the second gets right. Then
#
# $$\text{difference} = \frac{c - b}{n}, \qquad
# \mathrm{se} = \frac{1}{\sqrt{n}}\sqrt{\frac{b + c}{n} - \Big(\frac{c - b}{n}\Big)^2}$$
#
# In words: give each sentence +1, 0 or -1; the mean of these is the difference, and their spread divided by $\sqrt{n}$ is its
# standard error. Ten sentences show it.

# %% id="paired-by-hand" tags=["nbval-check-output"]
from dualcl_tutorial.widgets.lesson00 import paired

truth = [1] * 10
first = [1, 1, 1, 1, 1, 1, 0, 0, 0, 0]  # right on six
second = [1, 1, 1, 1, 1, 0, 1, 1, 0, 0]  # right on seven
gains = [two - one for one, two in zip(first, second, strict=True)]  # +1, 0 or -1
mean = sum(gains) / 10
error = sqrt(sum((gain - mean) ** 2 for gain in gains) / 10) / sqrt(10)
toy = paired(truth, first, second)
assert abs(mean - toy.difference) < 1e-12 and abs(error - toy.error) < 1e-12
print(f"b = {toy.only_first}, c = {toy.only_second}: difference {mean:+.2f}, se {error:.2f}")
print(f"p = {toy.p:.2f}")

# %% [markdown]
# The loop over sentences, the formula and `paired` agree. The last number, $p$, asks a plain question. If both
# models were equally good, each of the $b + c$ sentences would be the toss of a fair coin. How often would tosses fall as unevenly as this, or more? Here:
# every time. With three tosses you cannot learn anything.
#
# Now the real thing.

# %% id="verdict"
answers = ce.predictions.label, ce.predictions.predicted, dual.predictions.predicted
result = paired(*answers)
print(result.in_words("CE", "DualCL"))
print("Your guess:", "not written down" if my_guess is None else f"{my_guess:+.1f} points")

# %% tags=["hide-input"]
notebook.show(
    plots.two_models(result, "CE", "DualCL"),
    alt=f"Left, bars: both right {result.both}, only CE {result.only_first}, only DualCL "
    f"{result.only_second}, both wrong {result.neither}. Right, the difference with its interval.",
)

# %% [markdown]
# Look at the two coloured bars: they are all the evidence there is. If zero lies inside the line on the right, the
# honest sentence is "we cannot tell".
#
# And the line is still too short. It knows about other *test sentences*, but not about other *seeds*: another order of batches, another ten per cent. Change
# the seed from 0 to 1 in the training cell, run again, and see how far the difference moves. Lesson 06
# measures that spread; lesson 08 repeats all of this over seeds and corpora.
#
# **The paper:** for 10 % of CR and BERT it reports 86.58 for CE and 89.01 for DualCL, the means of ten seeds. Our encoder is another
# and far smaller one, so there is no reason to expect the same gap.
#
# ## Type a sentence
#
# What have the two models learnt? Ask them. Type an opinion about anything and press Enter. (The box needs a running
# kernel. On a page without one you see the picture of its first answer.)
#
# Below the answers you see which words count. The method is as simple as can be: leave one word out, ask again, and
# see how much less probable the answer has become.

# %% id="sentence-box"
models = {"CE": ce.model, "DualCL": dual.model}
lesson00.sentence_box(models, "the battery died after a week")

# %% [markdown]
# A long blue bar: without this word the answer would be in doubt. An orange bar: the word spoke against the answer. Do both
# models lean on the same word?
#
# Try to fool them: *not bad at all for the price*; *I expected little and got even less*; a sentence about a film, though they have
# read about products only. Three limits: a probability near 1 is no proof, for a model can be sure and wrong;
# when two words say the same, taking out one changes little; and a sentence with a hole is
# not a sentence that anybody writes. Lesson 10 asks how far such pictures can be believed.
#
# ## Type other label words
#
# Now the experiment to remember. DualCL reads its classifier off the label words. So nothing forbids us to put *other
# words* there, after training, and to train nothing.
#
# **Your guess.** First we replace (positive, negative) by (good, bad). Then, in a second try, we swap the two trained
# words: (negative, positive). Nothing is trained. What happens to the accuracy on the test set?
#
# - a) Nothing in either case: the words only mark two places.
# - b) Both times it falls to a coin toss: the classifier was trained for other words.
# - c) With (good, bad) much of it stays; swapped, most answers turn round.

# %% id="label-words"
from dualcl_tutorial.training import evaluate

count = notebook.by_mode(quick=40, read=len(ce.predictions))
some = data["test"].shuffle(seed=0).select(range(count))
pairs = ["positive, negative", "good, bad", "yes, no", "negative, positive", "cat, dog"]
found = {pair: evaluate(dual.model.with_label_words(pair.split(", ")), some) for pair in pairs}
said = {pair: judged.predictions.predicted for pair, judged in found.items()}
same = {pair: (said[pair] == said[pairs[0]]).mean() for pair in pairs}
rows = {pair: {"accuracy": found[pair].accuracy, "same class": same[pair]} for pair in pairs}
pd.DataFrame(rows).T.map("{:.1%}".format)

# %% [markdown]
# `same class` is the share of sentences that keep the class they had with the trained words. Start with the swapped row.
# Once a model has learnt (four steps of quick mode are too few), its accuracy and that of the first row should add up to
# about 100 %: the answers turn round. The model does not ask "first or second place?" but "which word?". That is no
# accident. In training the order of the labels is shuffled for each sentence, so the place tells it nothing (lesson 04).
#
# Then compare (good, bad) with (cat, dog). No row but the first and its swap was trained. What a row keeps above the
# larger class's share, it owes to what the encoder learnt about these words elsewhere. What a meaningless pair gets is
# an accident: try another pair, or the same one swapped.
#
# How does the classifier itself change? Type your own words, with commas between them, and your own sentence.

# %% id="label-word-box"
lesson00.label_word_box(dual.model, "good, bad", "the battery died after a week")

# %% [markdown]
# On the left, the flat picture in which the two trained vectors of $\theta$ lie. Dashed: the words of training. Solid: yours. The black
# dot is $z$. For the dashed arrows, a $z$ left of the dotted line means the second class wins. On the right, the scores. The cosines
# in the line above say how far each vector has turned: 1 is not at all, 0 is a right angle.
#
# Even $z$ moves a little, because the encoder reads the label words together with the sentence. Try *negative, positive*; try three words:
# *good, bad, mixed*. A third class, made by typing! (Whether it is a *good* third class is another question.)
# Try *good, good*, and see how the box refuses.
#
# The usual classifier cannot do this. Here is why.

# %% id="ce-cannot"
sentence = "the battery died after a week"
for method, model in models.items():
    batch = model.collator()([{"text": sentence}])
    print(f"{method} reads: {model.tokenizer.decode(batch['input_ids'][0])}")
theta = lesson00.geometry_of(dual.model, sentence).theta
print("classifier of CE: one matrix for all sentences,", tuple(ce.model.head.weight.shape))
print("classifier of DualCL: made for this sentence,", theta.shape)

# %% [markdown]
# The label words never enter CE. Call its classes *cat* and *dog*, and not one number changes: only the name printed beside
# the answer does. For new classes it needs a new matrix, and training.
#
# ## What can go wrong
#
# You are in a hurry and judge both models on the first hundred test sentences.

# %% id="hurry"
label, of_ce, of_dual = answers
columns = {"CE": of_ce == label, "DualCL": of_dual == label, f"is {words[0]}": label == 0}
hits = pd.DataFrame(columns)
parts = {"first 100": hits.head(100), "last 100": hits.tail(100), "all": hits}
pd.DataFrame({part: rows.mean() for part, rows in parts.items()}).T.map("{:.1%}".format)

# %% [markdown]
# **Symptom:** the first and the last hundred tell different stories about the same models. **Cause:** look at the last column. The
# test file of CR is sorted by label, so its first hundred sentences are all of one class, and a model that likes that class shines. **Cure:** judge on the
# whole test set, or on a random part of it; print the share of each class beside the accuracy; give the difference with its uncertainty.

# %% [markdown]
# ## Take-aways
#
# - DualCL writes the label words in front of the sentence; one pass gives the feature $z$ and a classifier $\theta$ of its own.
# - The score of a class is $\theta^k \cdot z$; there is no head and no new parameter.
# - Other label words give another classifier without training; swapped words turn most answers round.
# - On 376 sentences one standard error of an accuracy is nearly two points; a paired comparison uses only the sentences on which the models differ.
# - One run decides nothing: test sentences and seeds both vary.

# %% [markdown]
# ## Check yourself
#
# **Self-check 1** (objective 1). The machine check says `later` beside `cr`, and there is no network. What does this lesson do?
#
# - a) It stops at the first cell that needs data.
# - b) It says which corpus stands in, and goes on with that.
# - c) It trains on CR from memory.
#
# <details><summary>Answer</summary>
#
# b): `notebook.corpus` prints one sentence and takes `mini-reviews`. Not a): a bundled corpus is always there. Not c): the encoder brings
# weights, no corpus. The first cell that prints an `accuracy` also prints how many test sentences it rests on.
#
# </details>
#
# **Self-check 2** (objective 2). You have trained DualCL and type a new sentence. Where does its score for *positive* come from?
#
# - a) From a row of a matrix learnt in training, times $z$.
# - b) From how often *positive* stands in the sentence.
# - c) From the encoder's vector above the label word *positive* in this very input, times $z$.
#
# <details><summary>Answer</summary>
#
# c): formula (8), with a $\theta$ made for this sentence. a) is the usual classifier, CE. b) would be a word count; the label
# word stands in front of every sentence, whatever its class.
#
# </details>
#
# **Self-check 3** (objective 3). On the same 376 sentences, A alone is right on 20 and B alone on 28. What do you report?
#
# - a) B is better by 2.1 points.
# - b) B minus A is +2.1 points with a standard error of 1.8: this test cannot tell them apart.
# - c) A and B are equally good.
#
# <details><summary>Answer</summary>
#
# b): (28 - 20) / 376 is 2.1 points, and the formula gives 1.8, so zero lies within two standard errors. a) leaves the uncertainty
# out. c) claims more than was seen: failing to find a difference is not finding that there is none.
#
# </details>
#
# **Self-check 4** (objective 2). You swap the two label words of a trained DualCL model. Why do most answers turn round?
#
# - a) Because swapping the words changes the encoder's weights.
# - b) Because each class now takes its vector above the other word, and the model has learnt to go by the word, not by its place.
# - c) Because $z$ turns into its opposite.
#
# <details><summary>Answer</summary>
#
# b). Not a): nothing is trained. Not c): the cosine of $z$ before and after, printed by the box, stays near 1.
#
# </details>

# %% [markdown]
# ## Where to go from here
#
# Thirteen lessons, one question each; the table is on the page [All lessons](README.md). Nobody needs all of them. The hours count reading and running;
# exercises come on top.
#
# | you want | route | hours |
# |---|---|---|
# | to write the loss on an empty page | 00, 03, 04, 05 | 3 |
# | to know whether it is true | 00, 05, 06, 07, 08, 10 | 4.5 |
# | to use it tomorrow on your own texts | 00, 04, 06, 11 | 2.5 |
# | everything | 00 to 12 | 9.5 |
#
# If a loss that learns from pairs is new to you, take 01 and 02 before 03.
#
# ## Further reading
#
# - Chen, Zhang, Zheng, Mao: *Dual Contrastive Learning: Text Classification via Label-Aware Data Augmentation*,
#   [arXiv 2201.08702](https://arxiv.org/abs/2201.08702). The paper of this course.
# - The same group's later version, *DualCL: Principled Supervised Contrastive Learning as Mutual Information Maximization for
#   Text Classification*, WWW 2024, [DOI 10.1145/3589334.3645668](https://doi.org/10.1145/3589334.3645668).
