# %% [markdown]
# ## Where we are
#
# **Recall 1.** Lesson 02: what are alignment and uniformity of features that all lie on one point?
#
# <details><summary>Answer</summary>
#
# Both 0: the best alignment there is, and the worst uniformity. Read the two together.
#
# </details>
#
# **Recall 2.** Lesson 05: which cosines does $L_{Dual}$ raise, and who teaches the own pair $z_i$, $\theta^*_i$?
#
# <details><summary>Answer</summary>
#
# Those of $z_i$ with the true columns $\theta^*_p$ of its classmates. The own pair is taught by cross-entropy.
#
# </details>
#
# Lesson 08 compared accuracies. The papers on contrastive learning also argue with pictures and with words such as
# *clusters*, *gaps* and *uniform*. Today we measure what such words mean. **What does the space look like?**

# %% tags=["hide-input"]
from dualcl_tutorial.plots import shared

notebook.show(
    shared.pipeline(["features", "prediction"]),
    alt="The pipeline from texts to predictions; feature and classifier, and prediction are lit.",
)

# %% [markdown]
# Two boxes are lit: what comes out of the encoder, and how we judge it.
#
# | symbol | in code | shape | meaning |
# |---|---|---|---|
# | $z_i$ | `z` | (N, d) | feature of sentence i; $u_i$ is $z_i$ at length 1 |
# | $\theta_i^k$ | `theta` | (N, K, d) | column k of sentence i; $\theta^*_i$ the true one |
# | $c_k$ | `centre` | (K, d) | centroid: mean of $u_i$ over class k |
# | $m$ | | (d,) | mean of all $u_i$ |
#
# ## Where a class lies
#
# A class is a cloud. Two numbers tell most of it: how wide the cloud is, and how far its middle lies from the middle of all.
#
# $$W = \frac1N\sum_i \lVert u_i - c_{y_i}\rVert^2, \qquad B = \frac1N\sum_i \lVert c_{y_i} - m\rVert^2, \qquad W + B = \frac1N\sum_i \lVert u_i - m\rVert^2 \tag{9.1}$$
#
# In words: the spread of all features is the spread within classes plus the spread between them. $W/B$ is small where classes are
# tight and far apart. In loops, on the hand-sized batch:

# %% id="spread-by-loops" tags=["nbval-check-output"]
import math
import torch
from dualcl_tutorial.example import hand_batch

z, theta, labels = hand_batch(torch.float64)  # (N, d), (N, K, d), (N,)
N, K, y = len(labels), 3, labels.tolist()
u = [[x / math.hypot(*row) for x in row] for row in z.tolist()]  # length 1


def mean(rows):
    return [sum(column) / len(rows) for column in zip(*rows, strict=True)]


def square(a, b):
    return sum((p - q) ** 2 for p, q in zip(a, b, strict=True))


centre = [mean([u[i] for i in range(N) if y[i] == k]) for k in range(K)]
within = sum(square(u[i], centre[y[i]]) for i in range(N)) / N
between = sum(square(centre[y[i]], mean(u)) for i in range(N)) / N
assert math.isclose(within + between, sum(square(u[i], mean(u)) for i in range(N)) / N)
print(f"within {within:.4f}, between {between:.4f}, ratio {within / between:.4f}")

# %% [markdown]
# A classifier column has a place, too. Does the column of a class point at the class? Take the mean of $\theta_i^l$, at length 1, over the
# sentences of class k, and measure its angle with $c_k$. The angle with the true column (l = k) should be smaller than those with the others.

# %% id="spread-by-matrices" tags=["nbval-check-output"]
import torch.nn.functional as F
from dualcl_tutorial import geometry

U, T = F.normalize(z, dim=1), F.normalize(theta, dim=2)
share = F.one_hot(labels).double() / labels.bincount()  # (N, K): 1 / size of the class
C = share.T @ U  # (K, d)
W, B = (U - C[labels]).square().sum(1).mean(), (C[labels] - U.mean(0)).square().sum(1).mean()
columns = torch.einsum("nk,nld->kld", share, T)  # (K, K, d): mean column l over class k
angles = F.cosine_similarity(C[:, None], columns, dim=2).arccos().rad2deg()  # (K, K)
assert torch.allclose(torch.stack([W, B, W / B]), torch.stack(geometry.scatter(z, labels)))
assert torch.allclose(W, torch.tensor(within).double())
assert torch.allclose(angles, geometry.column_angles(z, theta, labels))
print("loops, matrices and the package agree; angles in degrees, rows classes, columns theta^l:")
print("\n".join(" ".join(f"{angle:6.1f}" for angle in row) for row in angles.tolist()))

# %% tags=["hide-input"]
from dualcl_tutorial.plots import lesson09 as draw

notebook.show(
    draw.hand_circle(z, theta, labels),
    alt="The six features on a circle, their three centroids inside it and the three mean columns outside; "
    "each column points within 13 degrees of its centroid.",
)

# %% [markdown]
# The class with one sentence has its centroid on the circle; the widest class has the shortest. Each true column points within 13 degrees
# of its class, and the wrong ones lie beyond 90.
#
# **Your guess.** Six classes of 20 sentences. (A) Each class is one point, and the six points are as far apart as
# they can be. (B) 120 random directions in 384 dimensions, classes mixed. Whose uniformity is better (lower)?
#
# - a) A: the classes are perfect.
# - b) B: it is more even.
# - c) They are equal.

# %% id="perfect-or-even" tags=["nbval-check-output"]
six = torch.arange(120) % 6
perfect = torch.eye(6)[six] - 1 / 6  # the corners of a simplex
even = torch.randn(120, 384, generator=torch.Generator().manual_seed(0))
for name, x in (("A, perfect classes", perfect), ("B, random", even)):
    aligned, spread = geometry.alignment(x, six), geometry.uniformity(x)
    ratio = abs(float(geometry.scatter(x, six).ratio))
    print(f"{name:18}: uniformity {spread:.2f}, alignment {aligned:.2f}, W/B {ratio:.1f}")

# %% [markdown]
# b). The space a classifier would wish for is far from even. So uniformity cannot be a goal in itself when there are classes.
#
# ## Through training
#
# Now real runs: TREC, 20 questions a class, minilm, five methods, five seeds, measured on all 500 test questions after each epoch and stored
# ([script](../course/experiments/geometry_runs.py)).
#
# **Your guess.** No loss term of plain cross-entropy (CE) speaks of uniformity. What does the uniformity of $z$ do in its training?
#
# - a) It gets better over all sentences and worse within a class.
# - b) It gets better in both.
# - c) It gets worse in both.

# %% id="through-training" tags=["hide-input"]
curves = shared.read_results("lesson09_curves")
notebook.show(
    draw.through_training(
        curves, draw.FIVE, draw.MEASURES, title="Mean of five seeds, 95 % interval"
    ),
    alt="Accuracy, alignment and two uniformities of five methods over ten epochs. CE and CE+SCL become more even over "
    "all and less even within a class; CE+CL is the most even throughout; the two DualCL methods the least over all.",
)

# %% [markdown]
# a). To tell classes apart, CE spreads the whole (-1.76 to -2.36) and gathers each class (-1.68 to -1.03). CE+SCL gathers a little more, CE+CL
# spreads more, as their losses say. The two label-aware methods start closer together, since every input shares its prefix, and learn more slowly:
# with this encoder and so few questions they stay 11 and 15 points behind CE. Alignment alone would not tell you: DualCL's is
# about that of CE.
#
# **The paper** argues in its introduction (read in translation) that with labels uniformity is neither valid nor necessary. That can be
# tested. We add one measure to cross-entropy, with weight 1: uniformity over the batch, uniformity among classmates, or alignment. What happens
# to the accuracy?

# %% id="spread-on-purpose"
import pandas as pd
from dualcl_tutorial import stats

ends = curves[curves.epoch == 10]
others = [m for m in draw.METHODS if m != "ce"]
rows = [stats.compare(ends, m, "ce", by=["epoch"]).assign(method=m) for m in others]
table = pd.concat(rows).set_index("method")
table["p_holm"] = stats.holm(table.p)
points = (100 * table[["difference", "low", "high"]]).round(1)
measures = ends.groupby("method")[["uniformity_z", "within_z", "alignment_z"]].mean().round(2)
print("accuracy in points, against CE, paired by seed, 95 % intervals of single comparisons")
points.join(table[["n", "p_holm"]].round(3)).join(measures)

# %% id="spread-and-accuracy" tags=["hide-input"]
notebook.show(
    draw.spread_and_accuracy(ends),
    alt="Accuracy against uniformity over all and within a class, one mark a run. Runs that were spread on purpose lie "
    "far left and lowest; CE, CE+CL and CE+SCL lie highest, in the middle.",
)

# %% [markdown]
# Spreading on purpose reached the most even spaces and the worst accuracy: -28 points when everything is spread, -49 when only classmates are. So far
# the paper's remark stands. But the opposite is no recipe either: gathering classmates with the same weight cost about 8 points (interval 2 to 13, four seeds). CE+CL is much more even than CE, within
# classes as well, and lost about 2. One weight, one corpus, one encoder; smaller weights
# were not tried. And of the seven
# comparisons CE+CL, CE+SCL and gathering have p = 0.06 after Holm's correction. What holds here is modest: **more even was not better, and neither was more gathered.**
#
# Do columns meet their class? CE's columns are the rows of its head.

# %% id="angles-through-training" tags=["hide-input"]
notebook.show(
    draw.through_training(curves, ["ce", *draw.FIVE[3:]], draw.ANGLES, title="Where columns point"),
    alt="The angle to the true column falls to 46 degrees for CE and stays above 80 for both DualCL methods; wrong columns end "
    "between 95 and 98 degrees for all.",
)

# %% [markdown]
# The head of CE turns to 46 degrees. Without $L_{Dual}$ the true column stays at 88, a right angle almost, and still most answers are right: the wrong
# columns lie at 96. An argmax needs a difference, not a small angle. $L_{Dual}$ does what it says, only slowly here: it turns $\theta^*$ and its class towards each other by 5.4 degrees
# (interval 2.4 to 8.4), and accuracy is 3.9 points higher (2.1 to 5.6). And the columns that each sentence brings are
# much alike: $\theta^*$ of two classmates lie nearer to each other than their features do (alignment 0.15 against 0.76 in DualCL).
#
# ## What a projection shows
#
# **The paper**, Figure 2: t-SNE of the SST-2 test set for three models trained on 25 sentences a class. With cross-entropy the inputs smear; without $L_{Dual}$ the
# classifiers lie apart from the inputs; with it, inputs and classifiers of a class form one cloud. We make it with minilm (30 epochs, one seed).
#
# *Drawn: $z$ and, but for CE, both columns $\theta^k$ of each sentence, at length 1, every sixth test sentence (304), t-SNE at perplexity 30, all in
# one space.* (Whether the paper normalises we do not know.)

# %% id="figure-2" tags=["hide-input"]
stored = shared.read_results("lesson09_pictures")
notebook.show(
    draw.stored_pictures(stored, ["negative", "positive"]),
    alt="Upper row t-SNE, lower row PCA of CE, DualCL without L_dual and DualCL. The two classes of sentences run into "
    "each other in all; the columns form two clouds of their own.",
)

# %% [markdown]
# Our sentences smear in all three models, and these are right on 61 to 65 of 100 test sentences: 25 a class are too few for this small encoder, so the
# paper's clean clouds do not come. Without $L_{Dual}$ the classifiers lie apart from the inputs, as in the paper. With it they still do; PCA alone
# shows the circles as a band with its orange end towards the orange triangles and its blue end towards the blue ones. One encoder, one seed: this neither confirms nor refutes a picture made
# with RoBERTa. And note the upper left: two patches in t-SNE are the ends of one arc in PCA.
#
# For more we need features, so we train a DualCL of our own on `mini-reviews` (about a minute on a CPU) and read it with and without training.

# %% id="train-dualcl"
from dualcl_tutorial import corpora
from dualcl_tutorial.losses import true_columns
from dualcl_tutorial.model import DualCLModel
from dualcl_tutorial.training import TrainConfig, train

size = notebook.by_mode(
    quick={"per_class": 16, "epochs": 2},
    read={"per_class": 100, "epochs": 8},
    full={"per_class": 500, "epochs": 10},
)
settings = {"method": "dualcl", "encoder": notebook.encoder(), "progress": False, **size}
run = train(TrainConfig(corpus="mini-reviews", **settings))
data = corpora.load("mini-reviews", per_class=size["per_class"], validation=0)
words = data["test"].features["label"].names
fresh = DualCLModel.from_encoder(notebook.encoder(), words)
texts = data["test"]["text"][: notebook.by_mode(quick=60, read=200)]
sides = torch.tensor(data["test"]["label"][: len(texts)])
before, after = geometry.read(fresh, texts), geometry.read(run.model, texts)
print(f"{run.accuracy:.2f} of {len(data['test'])} test sentences right: one seed")

# %% [markdown]
# What to draw is a choice, and nobody tells you which was made. *Drawn: the model above, the same test sentences in all six, with and without length 1, with
# and without columns, and in the last panel before training.*

# %% id="alternatives"
notebook.show(
    draw.alternatives(before, after, sides, words),
    alt="Six panels. In 1 to 3, z only, the two classes run into each other. In 4 to 6 the columns form two clouds of their own, away from "
    "z, before training as well.",
)

# %% [markdown]
# Every panel is honest, and each tells another story. 1 and 2: length hardly matters for this model; the classes run into each other. 3: t-SNE says
# much the same. 4 shows two clean clouds of triangles, but the true column was picked *with the label*, so any model would show them. 5 picks nothing and still has
# two clouds. Look at 6: they were there **before training**. Two slots of two different words give different vectors. So clean triangles prove nothing; what
# counts is where the circles go. Here they stay a cloud of their own, sorted from one end to the other.
#
# **Your guess.** t-SNE has a setting, the perplexity: about how many neighbours of a point count. The same features at three
# perplexities, and, below, features whose coordinates were shuffled between sentences, so that nothing is left to find.
# What will the shuffled ones look like?
#
# - a) An even cloud at every perplexity.
# - b) Little clumps at a low perplexity, an even cloud at a high one.
# - c) Two groups, since there are two labels.

# %% id="three-perplexities"
n, generator = len(texts), torch.Generator().manual_seed(0)
ring = F.normalize(after.z, dim=1)  # (N, d)
shuffled = torch.stack([c[torch.randperm(n, generator=generator)] for c in ring.T], 1)
perplexities = notebook.by_mode(quick=(3, 15, 40), read=(3, 30, 150))
notebook.show(
    draw.stories({"z": ring, "shuffled": shuffled}, sides, words, perplexities),
    alt="Upper row, z at perplexity 3, 30 and 150: small clumps, two groups with a passage, one cloud with dense ends. Lower row, shuffled: small clumps, "
    "an even cloud, a dense middle.",
)

# %% [markdown]
# b). Read the upper row from left to right as three people might: "dozens of little topics", "two groups with a passage between them", "one cloud with dense
# ends". It is one data set. The lower row is the control: clumps at a low perplexity appear where there is nothing, so they cannot be a finding above.
# What all three agree on, blue on one side and orange on the other, is missing below: that is a finding.
#
# ## Nothing projected
#
# Can we see a space without a projection? If it has two dimensions, yes. We put a linear map to **two dimensions** behind the encoder and trained it on
# `mini-questions`, with and without $L_{Dual}$ (one seed each, stored). What is drawn is all there is. Move the epoch.
#
# *Drawn: $z$ and $\theta^*$ of all 260 test questions; above with their lengths, below at length 1, $z$ on the inner ring and $\theta^*$ on the outer.*

# %% id="circle-widget"
from dualcl_tutorial.widgets import lesson09 as sliders

notebook.live(
    sliders.two_dimensions,
    alt="Two models in two dimensions, after the last epoch. Without L_dual the columns lie along another line than the "
    "features; with it features and columns of a class share a direction, all within a quarter of the circle.",
    **sliders.epochs(shared.read_results("lesson09_narrow")),
)

# %% [markdown]
# After ten epochs, without $L_{Dual}$: columns lie far out where no feature is, and on the rings a class often has its triangles elsewhere than its circles. With it, triangles and
# circles of a class share their direction: this is the paper's claim, and no projection made it. The price of two dimensions: all six classes share a
# quarter of the circle. In three there is more room; but the page has two, so one side hides the other:

# %% id="spheres" tags=["hide-input"]
notebook.show(
    draw.spheres(shared.read_results("lesson09_narrow"), sliders.class_names(), (0, 10)),
    alt="The sphere of a three-dimensional DualCL model before training and after epoch 10: the points gather on one side and sort "
    "themselves by class.",
)

# %% [markdown]
# Even in three dimensions the points keep to one side of the sphere. For the full width we give up places and keep every pair: a histogram
# of all cosines, nothing left out.
#
# *Drawn: all pairs of the test sentences of our model, at the width of the encoder.*

# %% id="all-cosines"
shown = {"z before training": before.z, "z after": after.z}
shown["θ* after"] = true_columns(after.theta, sides)
notebook.show(
    draw.cosines(shown, sides),
    alt="Histograms of cosines. z before training: same and other class coincide. z after: they overlap widely, same class slightly higher. Columns: "
    "two separate humps.",
)

# %% [markdown]
# Before training the two histograms of $z$ coincide: a pair says nothing about its classes. After it, the pairs of one class are shifted a little to the right; the overlap stays
# wide, so the smear in panel 2 was no fault of PCA. And no cosine of $z$ is near 0 or below: with a prefix in common all sentences keep to one side, as on the
# sphere. The columns fall into two humps far apart. That is the story of panel 5 in numbers.
#
# ## On real data
#
# *Clusters* are a claim about neighbours, so ask the neighbours. For one sentence, the three nearest by cosine, before and after training:


# %% id="neighbours"
def nearest(features, i, count=3):
    unit = F.normalize(features, dim=1)
    cosine = (unit @ unit[i]).index_fill(0, torch.tensor([i]), -2)  # not itself
    return zip(*cosine.topk(count), strict=True)


asked = 0
print(f"{words[sides[asked]]:8} asked: {texts[asked]}")
for name, features in (("before", before.z), ("after", after.z)):
    for cosine, j in nearest(features, asked):
        print(f"{words[sides[j]]:8} {name:6} {cosine:.2f}: {texts[j]}")

# %% [markdown]
# Before training the neighbours share the topic, or some words; afterwards they tend to share the opinion. (Another machine may show others.) How general is this? Two classifiers that learn nothing but where training features lie: a vote of
# the five nearest, and the nearest centroid.

# %% id="frozen"
known, known_y = data["train"]["text"], torch.tensor(data["train"]["label"])
for name, model, features in (("before", fresh, before), ("after", run.model, after)):
    frozen = geometry.frozen_accuracy(geometry.read(model, known).z, known_y, features.z, sides)
    own = (model.score(texts).argmax(1) == sides).double().mean()
    print(
        f"{name:6}: neighbours {frozen['neighbours']:.2f}, centroid {frozen['centroid']:.2f}, "
        f"theta . z {own:.2f}"
    )
notebook.show(
    draw.frozen(ends),
    alt="TREC: accuracy of five methods' own classifier, of the nearest centroid and of five neighbours. The three agree for CE, "
    "CE+CL and CE+SCL; without L_dual centroid and neighbours fall behind.",
)

# %% [markdown]
# The figure is TREC again, five seeds. For CE, CE+CL and CE+SCL the three judges agree: what the classifier knows lies in the clouds of $z$. In DualCL
# without $L_{Dual}$ the nearest centroid is 6.5 points worse than the model itself: part of the knowledge is in $\theta$, and $z$ alone has no
# clouds to show. $L_{Dual}$ brings it into $z$: the centroid gains 10.4 points (7.0 to 13.8), five neighbours 12.5 (7.6 to 17.4). Accuracy itself gained 3.9. **That is
# the clearest effect of $L_{Dual}$ we have measured:** it sorts $z$ more than it mends the answers.
#
# ## What can go wrong
#
# A beautiful picture of the wrong split. *Drawn: $z$ of our model at length 1, PCA; the training sentences, and as many test sentences as we have.*

# %% id="wrong-split"
train_z = geometry.read(run.model, known).z
splits = {"training split": (train_z, known_y), "test split": (after.z, sides)}
pictures = []
for name, (x, label) in splits.items():
    flat = geometry.project(F.normalize(x, dim=1), method="pca")
    pictures.append(draw.Panel(f"{name}: {len(x)} sentences", flat, label))
    print(f"{name}: within / between {geometry.scatter(x, label).ratio:.1f}")
notebook.show(
    draw.panels(pictures, words, title="The same model on two splits", across=2),
    alt="PCA of z: on the training split the two classes stand apart, on the test split they run into each other.",
)

# %% [markdown]
# **Symptom:** the picture promises a gap, and the accuracy does not keep the promise; the printed ratio is several times larger on the test split. The loss has pulled just these training
# sentences apart, so their picture is beautiful for any model that can learn by heart. **Cure:** draw sentences that the model has not seen, and say so in the caption.
#
# ## Take-aways
#
# - $W/B$, and the angle between $c_k$ and $\theta^k$, say in numbers what "tight" and "meets" mean.
# - Perfect classes are not even. In our runs neither spreading nor gathering on purpose helped cross-entropy.
# - $L_{Dual}$ brought $z$ and $\theta$ together and sorted $z$; the accuracy moved less than the geometry.
# - A projection needs a caption: which vector, which length, which split, how many, which perplexity.
# - t-SNE keeps neighbours. Sizes, gaps and clumps are not in the data just because they are in the picture.
# - Cosines of all pairs, and classifiers on frozen features, need no projection.

# %% [markdown]
# ## Check yourself
#
# **Self-check 1** (objective 1). All features of a class move onto their centroid, and the centroids stay. What happens to $W/B$?
#
# - a) It becomes 0.
# - b) It becomes infinite.
# - c) It stays.
#
# <details><summary>Answer</summary>
#
# a), if every class does so: $W = 0$. b) would need $B = 0$, all centroids on one point. c) forgets that $W$ falls.
#
# </details>
#
# **Self-check 2** (objective 2). CE+CL ends more even than CE and 1.9 points lower (0.4 to 3.4). What follows?
#
# - a) Uniformity always hurts when labels are there.
# - b) On this corpus, with this weight, more even went with slightly lower accuracy.
# - c) Nothing at all can be said from five seeds.
#
# <details><summary>Answer</summary>
#
# b). a) goes from one corpus, weight and encoder to all. c): the interval leaves out 0, though after correcting for seven comparisons it is a weak finding.
#
# </details>
#
# **Self-check 3** (objective 3). In a t-SNE of $z$ and both $\theta^k$, the triangles form two clean clouds. What does it show?
#
# - a) The model classifies well.
# - b) The slots of two different words differ, which they did before training.
# - c) The classes are far apart.
#
# <details><summary>Answer</summary>
#
# b): see panel 6. a): the answer depends on $z$ as well. c) reads a gap out of t-SNE.
#
# </details>
#
# **Self-check 4** (objective 4). The picture shows one smear, yet five neighbours on frozen $z$ reach 0.85. Whom do you believe?
#
# - a) The picture: what cannot be seen is not there.
# - b) The neighbours: they use all dimensions.
#
# <details><summary>Answer</summary>
#
# b). a): two dimensions out of 384 may hide what the others hold.
#
# </details>
#
# ## Further reading
#
# - van der Maaten and Hinton 2008, *Visualizing Data using t-SNE*, Journal of Machine Learning Research 9.
# - Wang and Isola 2020, [Understanding Contrastive Representation Learning through Alignment and Uniformity](https://arxiv.org/abs/2005.10242).
# - Chen et al. 2022, [arXiv 2201.08702](https://arxiv.org/abs/2201.08702): Figure 2.
#
# Next: where does the model look?
