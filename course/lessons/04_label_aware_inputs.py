# %% [markdown]
# ## Where we are
#
# **Recall 1.** In lesson 01, sentence $i$ got the score $s_{ik} = w_k \cdot z_i + b_k$. Which letters on the
# right change from sentence to sentence?
#
# <details><summary>Answer</summary>
#
# Only $z_i$. The rows $w_k$ and $b_k$ of the head are parameters: learned once, the same for all sentences.
#
# </details>
#
# **Recall 2.** Add the same number to all scores of a sentence. What happens to its cross-entropy?
#
# <details><summary>Answer</summary>
#
# Nothing. Softmax looks at differences of scores only. We used this to subtract the largest score.
#
# </details>
#
# Lesson 01 ended with a head that is learned beside the encoder and never reads a label word. Today the
# label words go into the input, and the head goes away. **Can the input carry the classifier?**

# %% tags=["hide-input"]
from dualcl_tutorial.plots import shared

notebook.show(
    shared.pipeline(["inputs", "features", "prediction"]),
    alt="The pipeline from texts to predictions; inputs, features and prediction are lit.",
)

# %% [markdown]
# Three boxes are lit: what goes in, what is read off, and how it becomes an answer.
#
# | symbol | in code | shape | meaning |
# |---|---|---|---|
# | $N$, $K$, $d$ | `batch`, `classes`, `dim` | | sentences in the batch, classes, width of the encoder |
# | $z_i$ | `z` | (N, d) | feature of sentence i: hidden state of `[CLS]` |
# | $\theta_i^k$ | `theta` | (N, K, d) | classifier column k of sentence i: hidden state of label k |
# | $\theta_i^*$ | `theta_star` | (N, d) | the column of the true label |
#
# (The paper's $\theta_i$ has shape (d, K), and its N counts the data set. Ours is (K, d), and N is the batch.)
#
# ## A sheet with all answers, none of them ticked
#
# Think of a multiple-choice sheet. All answers are printed on it, the same for every pupil. It tells her what
# may be answered, not what is right.
#
# **The paper:** all K labels are written as words before the sentence,
#
# > `[CLS]` label 1 ... label K `[SEP]` sentence `[SEP]`
#
# For the hand-sized batch the labels are food, film and phone. We build the rows by hand.

# %% id="prefix-by-hand" tags=["nbval-check-output"]
import torch
from dualcl_tutorial import encoders
from dualcl_tutorial.example import CLASSES, SENTENCES
from dualcl_tutorial.inputs import LabelAwareCollator, LabelPrefix

_, tokenizer = encoders.load_encoder("minilm")
collate = LabelAwareCollator(tokenizer, CLASSES)
for text in SENTENCES:
    row = [tokenizer.cls_token_id]
    for word in CLASSES:
        row += tokenizer.encode(word, add_special_tokens=False)
    row += [tokenizer.sep_token_id, *tokenizer.encode(text, add_special_tokens=False)]
    row += [tokenizer.sep_token_id]
    assert row == collate([{"text": text}])["input_ids"][0].tolist()
print(tokenizer.decode(row))
print(f"by hand and by LabelAwareCollator: {len(SENTENCES)} rows, all equal")

# %% [markdown]
# Does the input now contain the answer? A label word stands in it, after all. Let us settle this by a proof.
# The input would give the answer away if it changed with the true label. So we lie: we tell the
# collator each of the three labels in turn, for each sentence, with a fixed and with a shuffled order.

# %% id="no-leak" tags=["nbval-check-output"]
shuffling = LabelAwareCollator(tokenizer, CLASSES, shuffle_labels=True)
for make in (collate, shuffling):
    for text in SENTENCES:
        inputs = [make([{"text": text, "label": k}])["input_ids"][0] for k in range(3)]
        assert all(torch.equal(inputs[0], other) for other in inputs)  # the label changes nothing
        assert {tokenizer.decode([piece]) for piece in inputs[0][1:4]} == set(CLASSES)
print("2 x 6 x 3 inputs: each shows all 3 labels, none depends on the true one")

# %% [markdown]
# The input is a function of the sentence alone. Whatever the model finds out, it finds in the sentence.
# (In lesson 05, too: labels enter the loss, never the input.)
#
# ## Piece by piece
#
# Encoders read *pieces*, not words. BERT's tokenizer, WordPiece, marks the second and later pieces of a
# word with `##`. A label can have any number of them. So we note for each class at which places, or
# **slots**, its pieces stand. Place 0 is `[CLS]`. A shorter label is filled up with -1.

# %% id="slots-wordpiece" tags=["nbval-check-output"]
WORDS = ["numeric", "human", "location"]


def slots_by_hand(words, tokenizer):
    rows, place = [], 1  # [CLS] stands at 0
    for word in words:
        count = len(tokenizer.encode(" " + word, add_special_tokens=False))
        rows.append(list(range(place, place + count)))
        place += count
    width = max(map(len, rows))
    return torch.tensor([row + [-1] * (width - len(row)) for row in rows])  # (K, pieces)


slots = LabelPrefix(WORDS, tokenizer).slots()
assert torch.equal(slots_by_hand(WORDS, tokenizer), slots)
for word, row in zip(WORDS, slots.tolist(), strict=True):
    print(f"{word:9} pieces {tokenizer.tokenize(word)!s:18} slots {row}")

# %% [markdown]
# RoBERTa uses *byte-level BPE*. A piece may begin with `Ġ`, its sign for a space: "film" at the start of a
# text and " film" within it are different pieces. The prefix writes each label with a space before
# it, as it looks inside a sentence.
#
# roberta-base needs a download, so we train a small BPE tokenizer in memory, on the questions that come with
# the course. RoBERTa's own vocabulary is larger. It cuts " abbreviation" into `abbre` and `viation` and
# leaves TREC's other five labels whole (looked up for the course, not computed here). Ours cuts more.

# %% id="slots-bpe" tags=["nbval-check-output"]
from tokenizers import ByteLevelBPETokenizer
from transformers import PreTrainedTokenizerFast
from dualcl_tutorial import corpora

questions = corpora.load("mini-questions", validation=0)
bpe = ByteLevelBPETokenizer()
marks = dict(cls_token="<s>", pad_token="<pad>", sep_token="</s>", unk_token="<unk>")
names = dict(special_tokens=list(marks.values()), show_progress=False)
bpe.train_from_iterator(questions["train"]["text"], vocab_size=1500, **names)
byte_level = PreTrainedTokenizerFast(tokenizer_object=bpe._tokenizer, **marks)
six = questions["train"].features["label"].names
prefix = LabelPrefix(six, byte_level)
assert torch.equal(slots_by_hand(six, byte_level), prefix.slots())
print("slots by hand and by LabelPrefix agree for", len(six), "labels")
row = [byte_level.cls_token_id, *prefix.ids()]
for word, places in zip(six, prefix.slots().tolist(), strict=True):
    assert byte_level.decode([row[s] for s in places if s >= 0]).strip() == word
print("reading the slots gives each label word back")

# %% id="bpe-pieces"
print({word: byte_level.tokenize(" " + word) for word in six})

# %% [markdown]
# The last check is the one to keep: **decode what stands in the slots, and you must read your label words.**
#
# Each token also needs a **position**. *Sequential* positions count on, as the paper does. *Shared* positions
# give `[CLS]` and all labels the number 0 (why, we see soon). **Token types**, BERT's mark for first and second
# text, are 0 everywhere.

# %% tags=["hide-input"]
from dualcl_tutorial.plots import lesson04

batch = LabelAwareCollator(tokenizer, WORDS)([{"text": SENTENCES[4]}])
tokens = tokenizer.convert_ids_to_tokens(batch["input_ids"][0].tolist())
count = torch.arange(len(tokens))
numbers = {
    "sequential": count.tolist(),
    "shared": (count - 4).clamp(min=0).tolist(),  # 4 label pieces
    "token type": [0] * len(tokens),
}
notebook.show(
    lesson04.prefix_strip(
        tokens, lesson04.owners(tokens, slots), numbers, title="Four pieces, three labels"
    ),
    alt="Tokens in boxes: CLS, nu, ##meric, human, location, SEP, then a sentence. Below them sequential "
    "positions 0 to 11, shared positions 0 for the first five tokens and then 1 to 7, token types 0.",
)

# %% [markdown]
# `nu` and `##meric` have one colour: together they are class 0. With shared positions they and the other
# labels stand at one place, and `[SEP]` is number 1.
#
# **Your guess.** RoBERTa keeps position 1 for padding. What does a fresh RoBERTa hold in that row?
#
# - a) random numbers, like the others
# - b) zeros, which never learn
# - c) the mean of the other rows

# %% id="padding-row" tags=["nbval-check-output"]
from transformers import RobertaConfig, RobertaModel

torch.manual_seed(0)
tiny = dict(hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)
roberta = RobertaModel(RobertaConfig(**tiny, vocab_size=50, max_position_embeddings=32))
table, seen = roberta.embeddings.position_embeddings, []
table.register_forward_hook(lambda module, args, output: seen.append(args[0][0].tolist()))
ids = torch.arange(5, 14)[None]  # (1, 9): <s>, three labels, </s>, three words, </s>
roberta(input_ids=ids)
shared_ids = (torch.arange(9) - 3).clamp(min=0)[None]  # three label pieces
roberta(input_ids=ids, position_ids=shared_ids).last_hidden_state[..., 0].sum().backward()
print("sequential:", seen[0])
print("shared:    ", seen[1])
for row in (0, 1, 2):
    zeros, learns = not table.weight[row].any(), bool(table.weight.grad[row].any())
    print(f"row {row}: zeros {zeros}, learns {learns}")

# %% [markdown]
# b). RoBERTa's own numbers begin at 2. Shared positions put the separator on the padding row, and `<s>` with
# all labels on row 0, which RoBERTa never used in pre-training. For BERT, whose numbers begin at 0, shared
# positions touch no such row. Lesson 07 trains with both.
#
# ## One pass, K + 1 views
#
# Run the encoder once. Read $z_i$ at `[CLS]`, and column $\theta_i^k$ as the mean over the slots of label k:
#
# $$\theta_i^k = \frac{1}{m_k}\sum_{s \in \text{slots}(k)} h_{i,s} \tag{4.1}$$
#
# where $h_{i,s}$ is the hidden state of sentence i at place s and $m_k$ the number of pieces. **The paper:**
# these are K + 1 views of one sentence out of one pass, a data augmentation without extra sentences. The
# features are means because a label may have several pieces.

# %% id="one-pass" tags=["nbval-check-output"]
from dualcl_tutorial.model import DualCLModel

model = DualCLModel.from_encoder("minilm", CLASSES).eval()
batch = model.collator()([{"text": text} for text in SENTENCES])
passes = []
model.encoder.register_forward_hook(lambda *_: passes.append(1))
with torch.no_grad():
    output = model(**batch)
print(f"{len(passes)} pass: z {tuple(output.z.shape)}, theta {tuple(output.theta.shape)}")
with torch.no_grad():
    hidden = model.encoder(**batch).last_hidden_state  # (N, L, d)
places = LabelPrefix(CLASSES, tokenizer).slots()  # (K, pieces)
theta = torch.stack(
    [torch.stack([hidden[i, row[row >= 0]].mean(0) for row in places]) for i in range(6)]
)  # (N, K, d)
assert torch.allclose(hidden[:, 0], output.z, atol=1e-5)
assert torch.allclose(theta, output.theta, atol=1e-5)
outside = set(model.parameters()) - set(model.encoder.parameters())
print("loops and DualCLModel agree; parameters outside the encoder:", len(outside))

# %% [markdown]
# There is no head at all. $\theta$ is not a parameter: it is computed, like $z$, anew for each sentence. Two
# sentences have two classifiers. Prediction compares them with the sentence's own feature:
#
# $$\hat y_i = \arg\max_{k}\; \theta_i^k \cdot z_i \tag{8}$$
#
# or: the class whose column points most along $z_i$. Beside the head of lesson 01:
#
# | | lesson 01: $w_k \cdot z_i + b_k$ | today: $\theta_i^k \cdot z_i$ |
# |---|---|---|
# | the columns are | parameters, one set for all | hidden states, one set a sentence |
# | numbers besides the encoder | $Kd + K$ | 0 |
# | what the label word does | nothing | it is read |
#
# In the hand-sized batch each sentence moves all three columns by a small vector of its own.
#
# **Your guess.** We take sentence 1's classifier for all six sentences. How many probabilities change?
#
# - a) none
# - b) those of sentences 2 to 6
# - c) all

# %% id="own-classifier" tags=["nbval-check-output"]
from dualcl_tutorial.example import hand_batch
from dualcl_tutorial.losses import label_logits

z, theta, labels = hand_batch()  # (N, d), (N, K, d), (N,)
loops = [[sum(theta[i, k] * z[i]) for k in range(3)] for i in range(6)]
scores = torch.einsum("nkd,nd->nk", theta, z)  # (N, K)
assert torch.allclose(torch.tensor(loops), scores)
assert torch.allclose(scores, label_logits(z, theta))
borrowed = torch.einsum("kd,nd->nk", theta[0], z)  # (N, K): sentence 1's columns
moved = (scores.softmax(1) - borrowed.softmax(1)).abs().max()
print("loops, einsum and label_logits agree; answers:", scores.argmax(1).tolist())
print(f"sentence 5: own scores {scores[4].tolist()}, borrowed {borrowed[4].tolist()}")
print(f"largest change of a probability: {moved:.6f}")

# %% tags=["hide-input"]
notebook.show(
    lesson04.two_classifiers(z, theta, CLASSES, SENTENCES, (0, 4)),
    alt="Two panels with three arrows each, food, film and phone, and a star for the feature. The tips of the "
    "right panel are those of the left one, all moved to the left by 1. The star lies near food on the "
    "left and near film on the right.",
)

# %% [markdown]
# a). The arrows of the two sentences differ, and the scores too. But all three moved by the same vector
# $v$, and so each score of a sentence moved by the same $v \cdot z_i$. Softmax does not see that (recall 2).
# **What counts is not where the columns are, but how they differ.** In a real encoder they also move against
# each other, and then the answer can change.
#
# **The paper** trains this with cross-entropy on the new scores:
#
# $$L_{CE} = \frac{1}{N}\sum_{i=1}^{N} -\log \frac{\exp(\theta_i^* \cdot z_i)}{\sum_{k=1}^{K}\exp(\theta_i^k \cdot z_i)} \tag{6}$$
#
# In words: make the true column score high against the other columns of the same sentence.

# %% id="cross-entropy-6" tags=["nbval-check-output"]
import torch.nn.functional as F

by_hand = 0.0
for i in range(6):
    s = scores[i].double()
    by_hand += float(torch.logsumexp(s, 0) - s[labels[i]]) / 6
assert abs(by_hand - float(F.cross_entropy(scores, labels))) < 1e-6
print(f"cross-entropy (6) of the hand-sized batch: {by_hand:.4f}")

# %%
shared.scoreboard("04")[["input", "head", "loss"]]

# %% [markdown]
# The last line is today's method; the paper calls it DualCL without $L_{dual}$. **It is not plain CE**: the
# loss has the same form, but input, head and classifier are others. Whether that helps is measured in lesson 08.
#
# ## Same sentence, labels swapped
#
# Swap two labels in the prefix, and their hidden states change: they stand at other positions. The question
# is the same, so the answer should not change.
#
# **The paper:** in training the order is shuffled for each example, so that no class is tied to a place; at
# test it is fixed.
#
# Fixed, we add, so that the same sentence gets the same answer tomorrow.
#
# We need a function that reads z and the pieces of all labels, in any order and for any words. And two small
# models, trained on a few questions a class: one always sees the same order, the other a new one for each
# example and epoch (about half a minute on two cores).


# %% id="read"
def read(model, texts, words, order=None):
    """Return z (N, d), the pieces (N, K, pieces, d) and which of them exist (K, pieces, 1)."""
    make = LabelAwareCollator(model.tokenizer, words)
    batch = make([{"text": text} for text in texts])
    batch["input_ids"][:, 1 : 1 + make.prefix.length] = torch.tensor(make.prefix.ids(order))
    slots = make.prefix.slots(order)  # row k is class k, whatever the order
    with torch.no_grad():
        hidden = model.cpu().eval().encoder(**batch).last_hidden_state
    there = (slots >= 0)[..., None]
    return hidden[:, 0], hidden[:, slots.clamp(min=0)] * there, there


def column_scores(z, pieces, there):
    theta = pieces.sum(2) / there.sum(1)  # (N, K, d), formula 4.1
    return torch.einsum("nkd,nd->nk", theta, z), theta


# %% id="train-two"
from dualcl_tutorial.training import TrainConfig, train

size = dict(corpus="mini-questions", per_class=notebook.by_mode(quick=4, read=20))
size["epochs"] = notebook.by_mode(quick=1, read=6)
runs = {}
for name, shuffle in (("fixed order", False), ("shuffled order", True)):
    config = TrainConfig(method="label-aware", shuffle_labels=shuffle, progress=False, **size)
    runs[name] = train(config)
    print(f"{name}: accuracy {runs[name].accuracy:.2f} on {len(questions['test'])} questions")

# %% [markdown]
# **Your guess.** At test we turn the order of the six labels round. In which model do more answers change?
#
# - a) in the one trained with a fixed order
# - b) in the one trained with shuffled orders
# - c) in both alike

# %% id="turn-round"
asked, both = questions["test"][: notebook.by_mode(quick=40, read=160)], {}
texts, truth = asked["text"], torch.tensor(asked["label"])
for name, run in runs.items():
    usual, theta = column_scores(*read(run.model, texts, six))
    turned, moved = column_scores(*read(run.model, texts, six, [5, 4, 3, 2, 1, 0]))
    both[f"Trained with {name}"] = (usual, turned)
    change = (usual.softmax(1) - turned.softmax(1)).abs().mean()
    print(f"{name}: cosine {F.cosine_similarity(theta, moved, dim=-1).mean():.3f}, {change=:.3f}")

# %% tags=["hide-input"]
notebook.show(
    lesson04.order_scatter(both, truth, other="order turned round"),
    alt="Two scatter plots, one a model: the probability of the true class under the usual order and under the "
    "reversed one, a point a question. Crosses are answers that change; the titles give their share.",
)

# %% [markdown]
# Theta moves in both models: the mean cosine of a column with itself after the turn is below 1. On the
# diagonal the order makes no difference. Shuffling in training is meant to pull the points towards it:
# compare the width of the two clouds, the mean `change` of a probability, and the titles. One run each, on
# 160 questions: TREC and three seeds follow below. (With shared positions, turning round would change nothing
# at all: an encoder knows order from positions only. Lesson 07 shows the price.)
#
# ## Labels of several pieces
#
# Formula 4.1 takes the mean. Two other readings are tempting: only the *first* piece, or the *sum*. To see
# the difference, we say one label once, twice and four times: "human", "human human", and so on. Nothing new
# is said, so nothing should change.

# %% id="several-pieces"
import pandas as pd


def readings(model, word):
    words = ["description", "entity", "abbreviation", word, "location", "numeric"]
    z, pieces, there = read(model, texts, words)
    total = pieces.sum(2)  # (N, K, d)
    columns = {"mean": total / there.sum(1), "first": pieces[:, :, 0], "sum": total}
    for name, theta in columns.items():
        chosen = torch.einsum("nkd,nd->nk", theta, z).argmax(1) == 3
        size = float(theta[:, 3].norm(dim=-1).mean())
        yield {
            "reading": name,
            "pieces": int(there[3].sum()),
            "norm": size,
            "share": float(chosen.double().mean()),
        }


rows = [row for n in (1, 2, 4) for row in readings(runs["shuffled order"].model, "human " * n)]
table = pd.DataFrame(rows).sort_values(["reading", "pieces"])

# %% tags=["hide-input"]
notebook.show(
    lesson04.pieces_figure(table, true_share=float((truth == 3).double().mean())),
    alt="Norm of the column of human and its share of the answers for one, two and four pieces. Under the sum "
    "both rise with the number of pieces; under mean and first they stay nearly level.",
)
print(table.pivot(index="reading", columns="pieces", values=["norm", "share"]).round(2).to_string())

# %% [markdown]
# Under the sum the column grows with the number of pieces, and a longer column wins more often. Mean and first
# keep its length. Yet first is blind to the rest of the word. Chinese shows why that matters.
#
# A Chinese BERT has one piece a character. We train such a vocabulary in memory on three short sentences.
# The labels are sport, education and learning. The last two begin with the same character, the first two end with
# the same one.

# %% id="chinese" tags=["nbval-check-output"]
from tokenizers import BertWordPieceTokenizer

chinese = BertWordPieceTokenizer()
chinese.train_from_iterator(["今天有体育比赛", "学校重视教育", "老师改进教学"], show_progress=False)
marks = dict(cls_token="[CLS]", pad_token="[PAD]", sep_token="[SEP]", unk_token="[UNK]")
characters = PreTrainedTokenizerFast(tokenizer_object=chinese._tokenizer, **marks)
labels = ["体育", "教育", "教学"]
for word, row in zip(labels, LabelPrefix(labels, characters).slots().tolist(), strict=True):
    pieces = characters.tokenize(word)
    print(f"{word}: pieces {pieces}, slots {row}, first reads {pieces[0]}")
for words in (["鳄鱼", "犀牛"], ["体育", "犀牛"]):
    try:
        LabelPrefix(words, characters)
    except ValueError as error:
        print(f"{words}: {[characters.tokenize(word) for word in words]}\n  refused: {error}")

# %% [markdown]
# First reads 教 for two classes: the same token, so almost the same column. The mean reads both characters
# and can tell them apart.
#
# Crocodile and rhinoceros are not in this vocabulary. Both become `[UNK]` `[UNK]`: two classes with one text. No
# training can tell them apart by their words, and no error would appear, only a low accuracy. So the package
# refuses. One unknown label is refused too: it would mean "any unknown word".
#
# Which encoder of the hub? Choose one whose vocabulary holds your characters: `bert-base-chinese` is a plain
# BERT with one piece a character. (It is also what **the authors** answer to a reader with Chinese data.)
# Some Chinese models with RoBERTa in their name, `hfl/chinese-roberta-wwm-ext` for one, are BERT inside. The
# package reads `model.safetensors` only: look for that file. minilm, English, refuses all of these labels.
#
# ## On real data
#
# What do K label words cost on TREC, six classes and short questions? Every label piece and one `[SEP]` are
# read for each question again. Counting tokens is exact; time is measured, with its spread.

# %% id="cost"
import time
from dualcl_tutorial.inputs import PlainCollator

name = notebook.corpus("trec", fallback="mini-questions")
asked = sorted(corpora.load(name, validation=0)["test"]["text"], key=lambda text: len(text.split()))
usual = asked[len(asked) // 2 :][: notebook.by_mode(quick=20, read=100)]  # of middle length
encoder = runs["shuffled order"].model.cpu().eval().encoder


def cost(make, repetitions):
    tokens = make([{"text": text} for text in asked])["attention_mask"].sum() / len(asked)
    batch, seconds = make([{"text": text} for text in usual]), []
    for _ in range(repetitions):
        start = time.process_time()  # what other programs do meanwhile is not counted
        with torch.no_grad():
            encoder(**batch)
        seconds.append(time.process_time() - start)
    return float(tokens), torch.tensor(seconds[1:])  # the first one warms up


plain, plain_seconds = cost(PlainCollator(tokenizer), notebook.by_mode(quick=3, read=8))
labelled, seconds = cost(LabelAwareCollator(tokenizer, six), notebook.by_mode(quick=3, read=8))
ratio = seconds / plain_seconds.median()
print(
    f"tokens a question: {plain:.2f} plain, {labelled:.2f} with labels, ratio {labelled / plain:.2f}"
)
print(f"ratio of times: {ratio.median():.2f} (from {ratio.min():.2f} to {ratio.max():.2f})")

# %% id="stored-orders"
from dualcl_tutorial.plots.shared import read_results

stored = read_results("lesson07_positions").query("positions == 'sequential'")
columns = ["accuracy", "reversed_accuracy", "changed_by_reversal"]
stored.groupby("shuffled")[columns].agg(["mean", "min", "max"]).round(3)

# %% [markdown]
# Eight more tokens a question, seven label pieces and one `[SEP]`: much for short questions, little for long
# reviews. In exchange there is no head.
#
# The table is about the order again, on TREC and with three seeds. These runs are stored with the course:
# minilm, 20 questions a class, the whole loss of lesson 05. The last block is the share of answers that
# change. It is smaller on average where the order was shuffled, but the ranges of the two rows overlap, and
# the accuracies are alike. With this encoder and so few runs, that is a hint, not a proof.
#
# Now your own labels. Type words, separated by commas, and a sentence. The model is the one trained above with
# shuffled orders; words it has not seen in training work too, less well. Try `who, where, how much`, a label
# of many words, or a label twice.

# %% id="typed-prefix"
import ipywidgets
from dualcl_tutorial.widgets.lesson04 import typed_prefix

notebook.live(
    lambda words, sentence: typed_prefix(runs["shuffled order"].model, words, sentence),
    alt="Tokens of a typed prefix and sentence, coloured by class, and a bar with the probability of each label.",
    words=ipywidgets.Text(", ".join(six)),
    sentence=ipywidgets.Text("Which city hosted the first modern Olympic Games?"),
)

# %% [markdown]
# Above the tokens with their slots, below the score of each label. A change of one word moves all bars, since
# every label reads every other. What cannot be used is refused with a reason.
#
# ## What can go wrong
#
# A common shortcut reads the labels at places 1 to K, as if each had one piece. Symptom: no error, the loss
# falls, but some classes stay bad. We decode what the shortcut reads.

# %% id="shortcut" tags=["nbval-check-output"]
row = [tokenizer.cls_token_id, *LabelPrefix(WORDS, tokenizer).ids()]
for k, word in enumerate(WORDS):
    shortcut = tokenizer.convert_ids_to_tokens(row[1 + k])
    right = tokenizer.decode([row[s] for s in slots[k].tolist() if s >= 0])
    print(f"class {word:9} shortcut reads {shortcut:8} slots read {right}")

# %% [markdown]
# From the first label with two pieces on, every class reads its neighbour. Training can live with that, since
# hidden states know their surroundings, and so the fault stays hidden. Cure: slots, and the decode check as a
# test.
#
# ## Take-aways
#
# - The prefix shows every label and never the true one: the input is a function of the sentence alone.
# - One pass gives K + 1 views: z at `[CLS]`, and theta at the slots of the labels. There is no head.
# - Theta is computed, not learned. Two sentences have two classifiers, and only differences between columns count.
# - The order is shuffled in training so that no class is tied to a place, and fixed at test. How many answers depend on
#   it you can measure: turn it round.
# - Several pieces: take the mean. The sum favours long labels, the first piece confuses labels that begin alike.
# - A label that becomes `[UNK]` is refused.
#
# ## Check yourself
#
# **Self-check 1** (objective 1). A byte-level BPE tokenizer writes four labels with 1, 2, 1 and 1 pieces.
# Where does the last label stand?
#
# - a) at place 4
# - b) at place 5
# - c) at place 6
#
# <details><summary>Answer</summary>
#
# b): `<s>` at 0, then 1, 2 and 3, 4, and the last at 5. a) counts labels, not pieces. c) counts one piece too
# many.
#
# </details>
#
# **Self-check 2** (objective 2). How many parameters does the classifier of a label-aware model have besides the
# encoder's, for six classes?
#
# - a) six vectors of width d
# - b) none
# - c) six vectors for each sentence
#
# <details><summary>Answer</summary>
#
# b): columns are hidden states. a) is the head of lesson 01. c) are numbers computed for a sentence, but nothing
# is stored or learned there.
#
# </details>
#
# **Self-check 3** (objective 3). Which experiment shows that the prefix does not reveal the true label?
#
# - a) The accuracy on the test set is below 100 %.
# - b) Building the input with each possible label gives the same tokens.
#
# <details><summary>Answer</summary>
#
# b): what does not change with the label cannot carry it. a) proves nothing: a model may fail to use what is
# there.
#
# </details>
#
# **Self-check 4** (objective 4). Why is the order shuffled in training and fixed at test?
#
# - a) to make training harder and the test easier
# - b) so that no class is tied to a place, and an answer can be repeated
# - c) because the mean over pieces needs it
#
# <details><summary>Answer</summary>
#
# b). a) is not the reason: the test is no easier in one order than in another. c): the mean knows slots, not
# orders.
#
# </details>
#
# ## Further reading
#
# - Chen et al. 2022, [Dual Contrastive Learning](https://arxiv.org/abs/2201.08702): section 3.1 and its Figure 1.
# - Xiong et al. 2021, [Fusing Label Embedding into BERT](https://doi.org/10.18653/v1/2021.findings-acl.152): label
#   words before the text, without a contrastive loss.
#
# Next: two sets of vectors, features and classifiers, that can teach each other.
