# %% [markdown]
# ## Where we are
#
# **Recall 1.** Lesson 04: what stands in front of each sentence, and which word belongs to class k?
#
# <details><summary>Answer</summary>
#
# All label words, whatever the true class. The k-th of them, in class order, belongs to class k.
#
# </details>
#
# **Recall 2.** Lesson 06: on which split may you choose a setting, and what is the test split for?
#
# <details><summary>Answer</summary>
#
# Choose on validation. The test split is looked at once, at the end.
#
# </details>
#
# So far the data were given: clean, split, with good label words. Today they are a file from work. **How do I use
# this tomorrow?**

# %% tags=["hide-input"]
from dualcl_tutorial.plots import shared

notebook.show(
    shared.pipeline(["texts", "prediction"]),
    alt="The pipeline from texts to predictions; its two ends, texts and predictions, are lit.",
)

# %% [markdown]
# Today's work is at both ends: what goes in, and what the answers are worth.
#
# | symbol | in code | shape | meaning |
# |---|---|---|---|
# | $n_k$ | `counts` | (K,) | texts of class k |
# | $r_k$ | `recall` | (K,) | share of them that is found |
# | $c_i$ | `confidence` | (N,) | probability of the predicted class |
# | T | `temperature` | scalar > 0 | divides the scores after training; not the loss's $\tau$ |
#
# ## From a file to a corpus
#
# An invented firm sells coffee machines, beans by subscription and an app. Its support files each message under one
# of eight teams. The file was written for this course, and it comes with the dirt that real ones have.

# %% id="read"
import tempfile
from pathlib import Path
import pandas as pd
from dualcl_tutorial import own_data

folder = Path(tempfile.mkdtemp())  # yours is any folder
path = own_data.write_tickets(folder / "raw.csv")
raw = pd.read_csv(path, dtype=str, keep_default_na=False)  # a text "NA", an id "007" stay so
raw.head(4)

# %% [markdown]
# The id and the date will not be used. The column `team` should hold eight values.
#
# **Your guess.** How many different values does it hold as it came in?
#
# - a) 8
# - b) 10
# - c) more than 10

# %% id="dirt" tags=["nbval-check-output"]
from dualcl_tutorial import corpora

values = raw.team.unique()
print(f"{len(values)} values, {len({v.strip() for v in values})} without white space at the ends")
print(sorted(v for v in values if raw.team.eq(v).sum() < 6))
try:
    corpora.load(folder / "raw.csv", text_column="body", label_column="team")
except ValueError as error:
    print(str(error).replace(f"{folder}/", ""))

# %% [markdown]
# c). White space makes labels of its own. So do a misspelling and capitals. Each would become a class, with a word of its own
# in the prefix, and no error would tell you: `corpora.load` only takes care of the white space. It does
# refuse a row without a text.
#
# A rule for each kind of dirt, tried on six rows by a loop, and then the package's function:

# %% id="clean-loops" tags=["nbval-check-output"]
rows = [
    ("Where is it?", "logistcs"),
    ("  Where is\n it?", "logistics "),
    ("   ", "tech"),
    ("Bill me", "finance"),
    ("Bill me", "trust"),
    ("No light", "Tech"),
]
rename = {"logistcs": "logistics", "Tech": "tech"}  # made by a person who looked
tidy = [" ".join(text.split()) for text, _ in rows]
labels = [rename.get(label.strip(), label.strip()) for _, label in rows]
kept = []
for i, (text, label) in enumerate(zip(tidy, labels)):
    others = {labels[j] for j in range(len(rows)) if tidy[j] == text}
    before = (text, label) in zip(tidy[:i], labels[:i])
    if text and len(others) == 1 and not before:
        kept.append((text, label))
six = pd.DataFrame(rows, columns=["body", "team"])
ours, aside = own_data.clean(six, "body", "team", rename=rename)
assert kept == list(ours.itertuples(index=False, name=None))
print(*kept, "", *aside.reason, sep="\n")

# %% [markdown]
# Two rows with one text and two teams are **both** set aside: a person has to decide, not a rule. Now the whole
# file, and the split. `corpora.load` keeps duplicates of a text on one side, and takes each class's share of the
# test split, which is called stratified. Would it matter if the split were drawn without regard to classes? The last lines draw
# 300 test splits of 20 % both ways, with scikit-learn.

# %% id="clean-all" tags=["nbval-check-output"]
import numpy as np
from sklearn.model_selection import train_test_split

clean, aside = own_data.clean(raw, "body", "team", rename=rename)
clean.to_csv(folder / "tickets.csv", index=False)
print(aside.reason.value_counts().to_string())
columns = {"text_column": "body", "label_column": "team"}
data = corpora.load(folder / "tickets.csv", **columns)
teams = data["test"].features["label"].names
counts = pd.DataFrame({s: pd.Series(data[s]["label"]).value_counts() for s in data}).sort_index()
print(counts.set_axis(teams).T.to_string())

y = clean.team.to_numpy()  # (N,)
for name, strata in (("plain", None), ("stratified", y)):
    draws = [
        train_test_split(y, test_size=0.2, random_state=i, stratify=strata)[1] for i in range(300)
    ]
    trust = [int((test == "trust").sum()) for test in draws]
    print(f"{name} draws hold {min(trust)} to {max(trust)} test tickets of trust")

# %% [markdown]
# From 181 tickets down to 21: such a file is ordinary. Without strata the test split may hold none of a rare team, or half of it. With them
# the number is fixed. (Four test tickets are few all the same: one more answer right is 25 points of recall.)
#
# ## Words worth choosing
#
# The team names now become label words. The firm chose them for its org chart, not for an encoder. What makes a
# word good?
#
# - It says what the *texts* are about (`delivery` rather than `logistics`).
# - It fits one class only. `customer` fits all.
# - It is short. Each piece costs a token in every input, and $\theta_k$ is a mean over the pieces.
# - The order is that of the classes: of a file, sorted by name.

# %% id="pieces" tags=["nbval-check-output"]
from dualcl_tutorial.encoders import load_encoder
from dualcl_tutorial.inputs import LabelPrefix

tokenizer = load_encoder("minilm")[1]
chosen = ["login", "payment", "delivery", "subscription", "refund", "buying", "machine", "privacy"]
for words in (teams, chosen):
    prefix = LabelPrefix(words, tokenizer)
    pieces = [" ".join(tokenizer.convert_ids_to_tokens(p)) for p in prefix.pieces]
    print(f"{prefix.length} pieces: {', '.join(pieces)}")

# %% [markdown]
# Taste is no proof. To **compare two sets of words**, change nothing else: the same split, the same seeds, and look at the
# difference seed by seed, on validation if you mean to choose. The runs below are stored with the
# course ([script](../course/experiments/tickets.py)): minilm, 5 epochs, on these tickets.
#
# **Your guess.** Compared with the firm's team names, the chosen words are
#
# - a) clearly better in every seed.
# - b) about the same: training adapts the encoder to any words.
# - c) worse.

# %% id="words-compared"
runs = shared.read_results("lesson11_choices")
per_run = runs.groupby(["choice", "seed"])[["tickets", "right"]].sum()
accuracy = (per_run.right / per_run.tickets).unstack("choice")
accuracy["difference"] = accuracy["chosen words"] - accuracy["team names"]
accuracy[["team names", "chosen words", "difference"]].dropna().round(3)

# %% [markdown]
# b), as far as one run of each can tell (a seed a row; the test split has 141 tickets, so one standard error is 3.6 points).
# Keep names that people know unless several seeds say otherwise (raise `SEEDS` in the script).
#
# ## The class nobody predicts
#
# Train first. A run of a minute, kept in a folder that others can load:

# %% id="train"
from dualcl_tutorial.training import TrainConfig, train

run = train(
    TrainConfig(
        corpus=str(folder / "tickets.csv"),
        **columns,
        fraction=notebook.by_mode(quick=0.1, read=1.0),
        epochs=notebook.by_mode(quick=1, read=3, full=10),
        output=folder / "tickets-model",
        progress=False,
    )
)
model, answers = run.model, run.predictions
print(f"accuracy {run.accuracy:.3f} on {len(answers)} test tickets")

# %% [markdown]
# Is that good? The loss is a mean over texts, and so is accuracy. A model that never says *trust* loses 3 points at most. So look at
# each class, and at the mean over **classes**, which scikit-learn calls macro recall or balanced accuracy:
#
# $$r_k = \frac{\#\{i: y_i = k,\ \hat y_i = k\}}{n_k} \qquad R = \frac1K\sum_k r_k \tag{11.1}$$
#
# In words: what share of each class is found; then every class counts the same. On ten hand-made answers of three classes:

# %% id="recall" tags=["nbval-check-output"]
from sklearn.metrics import balanced_accuracy_score, confusion_matrix

true = [0, 0, 0, 0, 0, 0, 1, 1, 1, 2]
said = [0, 0, 0, 0, 0, 1, 1, 1, 0, 0]
by_loop = []
for k in range(3):
    own = [s for t, s in zip(true, said) if t == k]
    by_loop.append(own.count(k) / len(own))
matrix = confusion_matrix(true, said)  # (K, K): rows true, columns said
assert np.allclose(by_loop, matrix.diagonal() / matrix.sum(1))
assert np.isclose(np.mean(by_loop), balanced_accuracy_score(true, said))
print("recall", [round(r, 2) for r in by_loop], f"mean {np.mean(by_loop):.2f}, accuracy 0.70")

# %% [markdown]
# 70 % right, and class 2 is never found. The mean over classes, 0.50, says so.
#
# **Your guess.** In the stored runs, how many of the test tickets of *trust* does DualCL find, compared with cross-entropy?
#
# - a) More: label words help a rare class.
# - b) Fewer.
# - c) Hardly any, both of them.

# %% id="rare"
from dualcl_tutorial.plots import lesson11

found = runs.groupby(["choice", "team"])[["tickets", "predicted", "right"]].sum()
print(found.xs("trust", level="team").to_string())
notebook.show(
    lesson11.recalls(runs, ["team names", "cross-entropy", "rare classes repeated"]),
    alt="Recall of each team, from the most frequent to the rarest, for DualCL, cross-entropy and DualCL "
    "with rare classes repeated: the rare teams on the right are found least.",
)

# %% [markdown]
# c). In these runs nobody finds a single one of them, with label words or without. `trust` is predicted once at most, and then
# wrongly. Overall accuracy, about 0.75, hides it completely. (Of plans and sales DualCL finds more here than cross-entropy does. That is
# fifteen tickets and one run of cross-entropy: a question for more seeds, not a result.)
#
# The third mark is the usual cure: repeat the rows of rare classes in training (`own_data.repeat_rare`), here up to 60, and never in the test split.
#
# It did not help here, and why is worth a thought: fifteen tickets repeated four times are still fifteen stories, and the four
# of the test split tell others. Weights in the loss (exercise 11.2) repeat them, too. What helps is more tickets of that class, or rules
# and people for the cases that must not be missed: a fraud that nobody reads costs more than a bill in the wrong tray.
#
# ## Many classes and long texts
#
# An input holds `[CLS]`, the prefix, `[SEP]`, the sentence and `[SEP]`: with one piece a label, $K + 3$ tokens and the sentence. What
# does that cost, up to $K = 100$?

# %% id="many-classes"
costs = shared.read_results("lesson11_many_classes")
notebook.show(
    lesson11.many_classes(costs),
    alt="Tokens, time of a step and memory against the number of classes from 2 to 100: all grow about "
    "linearly, to about five times those of cross-entropy.",
)
shown = costs[["classes", "tokens", "step", "kept_mb"]].set_index("classes")[1:]
shown.assign(partner=1 - (1 - 1 / shown.index) ** 15).round(2).T

# %% [markdown]
# The dashed line is cross-entropy with a linear head. (16 sentences of 24 tokens, minilm, one thread;
# [script](../course/experiments/many_classes.py).) At eight classes the prefix costs about a third. At 100 it is four fifths of the input, and a
# step takes more than five times as long. With the default `max_length=128` only 25 tokens are left for the sentence: raise it, up to what the
# encoder's positions allow. And the contrast gets thin: the last line is the chance $1-(1-1/K)^{15}$ that an anchor has a partner
# in a batch of 16 from equal classes.
#
# Beyond some 50 classes, then: choose in two stages (first the department, then the team); or take cross-entropy with a linear
# head, whose cost does not grow with K; or larger batches (lesson 12).
#
# Long texts have the other problem: only the first tokens are read.

# %% id="long"
model.eval()
long = clean[clean.body.str.split().str.len() > 100]
room = model.collator().room
sizes = [len(tokenizer.tokenize(text)) for text in long.body]
print(f"{len(long)} tickets of {min(sizes)} to {max(sizes)} tokens; room for {room}")
table = long[["team"]].assign(
    first_words=[a["label"] for a in model.predict(list(long.body))],
    last_60_words=[
        a["label"] for a in model.predict([" ".join(t.split()[-60:]) for t in long.body])
    ],
)
table.reset_index(drop=True)

# %% [markdown]
# These eight tell stories first and come to the point in the end, which is cut off. (Seven of the eight are training
# tickets, seen by their first words, and even so the last words do better.) Look at what your texts are like, then choose: raise `max_length`; keep the end in
# place of the beginning; or classify windows and average their probabilities. Signatures and quoted mails should go before all that.
#
# ## How sure is it?
#
# `predict` gives a probability. If it says 0.9, is it right in nine of ten cases? Put the answers into bins of their
# confidence and compare. The **expected calibration error** is the gap, averaged over the answers; bins that nobody is in are left out:
#
# $$\mathrm{ECE} = \sum_b \frac{n_b}{N}\left|a_b - \bar c_b\right| \tag{11.2}$$
#
# In words: in each bin, accuracy minus mean confidence, without the sign, weighed by its number of answers.

# %% id="ece" tags=["nbval-check-output"]
confidence = np.array([0.99, 0.97, 0.95, 0.93, 0.65, 0.62, 0.35])
right = np.array([True, True, False, True, True, False, False])
total = 0.0
for b in range(10):
    inside = [i for i, c in enumerate(confidence) if b / 10 < c <= (b + 1) / 10]
    total += abs(sum(right[i] - confidence[i] for i in inside)) / len(confidence)
assert np.isclose(total, own_data.expected_calibration_error(confidence, right))
print(f"ECE by loops and in the package {total:.4f}")

# %% [markdown]
# A trained network is often too sure. One number can mend much of that: divide all scores by a **temperature** T, fitted on the
# *validation* split by cross-entropy:
#
# $$\hat p_i = \mathrm{softmax}(s_i / T) \tag{11.3}$$
#
# **Your guess.** What does T change?
#
# - a) Accuracy and confidence.
# - b) Confidence only.
# - c) The order of the texts by confidence never changes, so nothing that matters.

# %% id="temperature"
from dualcl_tutorial.widgets import lesson11 as sliders

stored = shared.read_results("lesson11_scores")  # two seeds, validation and test
judged = {
    name: sliders.stored_answers(scaled=scaled)
    for name, scaled in (("as trained", False), ("divided by T", True))
}
for name, (confidence, right) in judged.items():
    error = own_data.expected_calibration_error(confidence, right)
    print(
        f"{name:12}: accuracy {right.mean():.3f}, mean confidence {confidence.mean():.3f}, ECE {error:.3f}"
    )
notebook.show(
    lesson11.calibration(judged),
    alt="Left: accuracy against confidence; as trained the points lie below the diagonal, divided by T "
    "nearer to it. Right: how many answers stand in each bin of confidence.",
)

# %% [markdown]
# b). The answers are the same, and so is the order of the classes for each text. As trained the model is too sure: its mean confidence is
# far above its accuracy, and most answers stand in the last bin. Divided by T the points move to the line and the ECE is about
# a third of what it was. (c) forgets that a threshold needs numbers that mean something.) With 57 validation tickets a seed, T is a
# rough number; bins of a few tickets jump about.
#
# Now confidence is of use: answer automatically above a threshold, and hand the rest to a person. Move it.

# %% id="threshold-widget"
notebook.live(
    sliders.thresholded,
    alt="Share of tickets answered falls with the threshold, and the share right among them rises.",
    **sliders.threshold_slider(),
)

# %% [markdown]
# At 0.8 about half of the tickets are answered, and nine in ten of these rightly, against three in four of all. Take away the
# tick: the same threshold then lets five in six through, and one in five of those is wrong. So a threshold belongs to a calibrated model.
#
# What is wrong, and how? The confusion matrix of the same answers, and then the surest errors of our own run, to *read*.

# %% id="confusion"
test = stored[stored.split == "test"]
matrix = confusion_matrix(test.label, test[teams].to_numpy().argmax(1), labels=range(8))
notebook.show(
    lesson11.confusion(matrix, teams),
    alt="Confusion matrix of eight teams: most tickets on the diagonal; the last row, trust, is spread.",
)
wrong = answers[answers.label != answers.predicted].nlargest(5, "score")
for i, row in wrong.iterrows():
    print(f"{row.score:.2f} {teams[int(row.predicted)]} for {teams[int(row.label)]}:", end=" ")
    print(data["test"]["text"][i][:90])

# %% [markdown]
# Tickets of trust go to accounts, finance and sales: they speak of logins, cards and shops. Returns go to logistics and tech. Read
# the errors: some are the model's, some are tickets that two teams could claim. Those are a matter of your filing
# rules, and no model can repair them.
#
# ## On real data
#
# The same from a shell, in a fresh folder and a fresh environment (`python -m venv env`, activate it,
# `pip install git+https://github.com/dualcl-tutorial/dualcl-tutorial`). Put your own file in the place of `raw.csv`, and your
# own columns and renamings.
#
# ```bash
# python - <<'END'
# import pandas as pd
# from dualcl_tutorial import own_data
#
# raw = own_data.write_tickets("raw.csv")
# raw = pd.read_csv(raw, dtype=str, keep_default_na=False)
# rename = {"logistcs": "logistics", "Tech": "tech"}
# clean, aside = own_data.clean(raw, "body", "team", rename=rename)
# clean.to_csv("tickets.csv", index=False)
# aside.to_csv("aside.csv", index=False)
# END
# dualcl data tickets.csv --text-column body --label-column team
# dualcl train --corpus tickets.csv --text-column body --label-column team --epochs 5 --output runs/tickets
# dualcl evaluate runs/tickets
# dualcl predict runs/tickets "My parcel has been on its way for a week."
# ```
#
# The folder is an ordinary model folder: weights, config, and a tokenizer that writes the label words by itself. Whoever has the package loads
# it with transformers alone, after one import.

# %% id="pipeline" tags=["nbval-check-output"]
from dualcl_tutorial.model import DualCLModel  # the import registers it with transformers
from transformers import AutoModelForSequenceClassification, pipeline

texts = ["My parcel has been on its way for a week.", "The pump is loud.", *long.body[:2]]
loaded = AutoModelForSequenceClassification.from_pretrained(run.path)
assert isinstance(loaded, DualCLModel)
classify = pipeline("text-classification", str(run.path), device="cpu")
for theirs, again, mine in zip(classify(texts), loaded.predict(texts), model.cpu().predict(texts)):
    assert theirs["label"] == again["label"] == mine["label"]
    assert abs(theirs["score"] - mine["score"]) < 1e-5 > abs(again["score"] - mine["score"])
print(f"{len(texts)} texts: pipeline, AutoModel and predict give the same labels and scores")

# %% [markdown]
# **A model card** says what a stranger has to know: what for, on which data, how good for which class, and what it must not be
# used for. It is the file `README.md` of the model's folder.

# %% id="card"
hub = folder / "hub" / "tickets"  # a folder in the place of huggingface.co/you/tickets
model.save_pretrained(hub)
recall = answers.groupby("label").apply(lambda g: (g.predicted == g.name).mean())
card = f"""---
language: en
license: cc0-1.0
tags: [text-classification, dualcl]
---
Sorts support messages of an invented coffee firm into {len(teams)} teams.
Trained on invented tickets by `dualcl train`; needs `import dualcl_tutorial.model`.
Test accuracy {run.accuracy:.2f} on {len(answers)} tickets; recall by team: \
{", ".join(f"{team} {r:.2f}" for team, r in zip(teams, recall))}.
Not for messages in which minutes count, nor for texts that belong to none of the teams.
"""
(hub / "README.md").write_text(card, encoding="utf-8")
print(card, *sorted(path.name for path in hub.iterdir()), sep="\n")

# %% [markdown]
# `model.push_to_hub("you/tickets")`, after `hf auth login`, makes a repository on the hub and uploads what
# `save_pretrained` writes: the files above, weights and tokenizer included. Others then load `"you/tickets"` as they would load this folder. We have no hub here: a
# [test](../tests/test_lesson11.py) puts a local folder in its place and loads the model from there. Upload the card, too, and think
# first: a model trained on your customers' words may repeat what they said. Private is the safe choice.
#
# Last, serving. The package's `answer_server` is some twenty lines of Python's `http.server`:

# %% id="serve"
import json
from threading import Thread
from urllib.request import urlopen

server = own_data.answer_server(model)
Thread(target=server.serve_forever, daemon=True).start()
question = json.dumps(["Please pause my beans for July.", "Is this mail from you?"]).encode()
for answer in json.load(urlopen(f"http://127.0.0.1:{server.server_port}", data=question)):
    print(f"{answer['label']} {answer['score']:.2f}")

# %% [markdown]
# From the shell it is this, and then any language can ask:
#
# ```bash
# python - <<'END' &
# from dualcl_tutorial import own_data
# from dualcl_tutorial.model import DualCLModel
#
# model = DualCLModel.from_pretrained("runs/tickets")
# own_data.answer_server(model, port=8765).serve_forever()
# END
# curl --retry 30 --retry-connrefused -s -d '["The pump is loud."]' http://127.0.0.1:8765
# kill $!
# ```
#
# **In Chinese.** The tickets come in Chinese as well, with Chinese teams. The commands are the same; two things differ. The encoder:
# `--encoder bert-base-chinese`, which needs the hub, so that we have no results to show. And the words: the encoder reads single
# characters, so 物流 has two pieces, and their mean is its column. Choose short words here, too.
#
# ```text
# python -c "from dualcl_tutorial import own_data; own_data.write_tickets('tickets_zh.csv', language='zh')"
# dualcl train --corpus tickets_zh.csv --text-column body --label-column team --encoder bert-base-chinese --output runs/zh
# ```
#
# A [test](../tests/test_lesson11.py) walks this path with a small random model in its place.
#
# ## What can go wrong
#
# The model is in use, and one day a message comes that belongs to no team at all.

# %% id="nonsense"
strange = ["The mountain was high and the sheep were white.", "asdf asdf", "Happy new year!"]
strange += ["Quando chega o café?", "Which planet is the largest?"]
for text, answer in zip(strange, model.predict(strange)):
    print(f"{answer['label']:10} {answer['score']:.2f}  {text}")

# %% [markdown]
# Symptom: an answer, and often a sure one. The softmax shares out 1 among eight teams, and there is no place for "none of these". A temperature
# fitted on tickets does not know such texts either. Cures: a class of its own for them, with examples; a person who reads a
# sample of the answers every week; and a look at whether the shares of the teams stay what they were.
#
# ## Take-aways
#
# - Count the values of the label column before anything else, and set contradictions aside.
# - Split by class and by unique text; a rare class then has a known number of test texts.
# - Compare label words as you compare methods: same seeds, differences, on validation.
# - Accuracy hides the class nobody predicts. Look at recall by class.
# - A prefix costs K tokens a text: cheap for eight classes, most of the input for a hundred.
# - Confidence must be measured before it is used; one temperature mends much.
#
# ## Check yourself
#
# **Self-check 1** (objective 1). Two tickets have the same text; one is filed under finance, one under trust. What do you do?
#
# - a) Keep the first.
# - b) Set both aside and ask.
# - c) Keep both: more data is better.
#
# <details><summary>Answer</summary>
#
# b). a) makes the order of the file decide; c) asks the model to learn two answers to one text, and puts one
# of them on the test.
#
# </details>
#
# **Self-check 2** (objective 2). Accuracy is 0.90 with nine texts in ten of class A. What do you ask for?
#
# - a) Recall of each class.
# - b) More decimals.
#
# <details><summary>Answer</summary>
#
# a): a model that always says A has 0.90 as well. b) tells nothing about the other classes.
#
# </details>
#
# **Self-check 3** (objective 3). On which split is the temperature fitted?
#
# - a) train
# - b) validation
# - c) test
#
# <details><summary>Answer</summary>
#
# b). On a) the model is nearly always right, so T comes out too small. c) is kept for the verdict.
#
# </details>
#
# **Self-check 4** (objective 4). Your task has 200 classes. What do you try first?
#
# - a) DualCL with all 200 words and `max_length=128`
# - b) two stages, or a linear head
#
# <details><summary>Answer</summary>
#
# b). a) is refused: the prefix alone is longer than the input may be.
#
# </details>
#
# ## Further reading
#
# - Guo et al. 2017, [On Calibration of Modern Neural Networks](https://arxiv.org/abs/1706.04599): temperature scaling and the ECE.
# - Mitchell et al. 2018, [Model Cards for Model Reporting](https://arxiv.org/abs/1810.03993).
# - How the tickets were made: [the data card](../dualcl_tutorial/data/README.md).
#
# Next: when one machine is too small.
