"""What teaches in DualCL? One part of the loss taken out at a time: results/lesson05_take_out.csv.

    python course/experiments/take_out.py

Lesson 05 shows the table. One row a run: accuracy on the whole test split, and mean cosines of z and
theta* there: of a sentence's own pair, of two sentences of one class, of two classes; and of z with
the wrong columns of its own sentence. The loop is the course's, only its loss is exchanged. Runs
that are in the file already are not done again. Needs the encoder minilm; the corpus is bundled.
About 40 seconds of one processor a run.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any
from unittest import mock

import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor

from dualcl_tutorial import training
from dualcl_tutorial.losses import dual_contrastive_loss, label_logits, true_columns

TABLE = Path(__file__).resolve().parents[2] / "results" / "lesson05_take_out.csv"
SEEDS = (0, 1, 2)
WEIGHT, TAU = 0.1, 0.1


def dual(z: Tensor, theta: Tensor, labels: Tensor) -> Tensor:
    """L_z + L_theta."""
    return sum(dual_contrastive_loss(z, theta, labels, temperature=TAU))


def cross_entropy(z: Tensor, theta: Tensor, labels: Tensor) -> Tensor:
    """The paper's (6)."""
    return F.cross_entropy(label_logits(z, theta), labels)


def own_pair_frozen(z: Tensor, theta: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of the same value whose own product, theta* . z, gets no gradient."""
    logits = label_logits(z, theta)
    own = F.one_hot(labels, logits.shape[1]).bool()
    return F.cross_entropy(torch.where(own, logits.detach(), logits), labels)


def dual_with_own(z: Tensor, theta: Tensor, labels: Tensor) -> Tensor:
    """L_z + L_theta with the own pair among candidates and positives."""
    star = F.normalize(true_columns(theta, labels), dim=1)
    scores = star @ F.normalize(z, dim=1).T / TAU
    wanted = (labels[:, None] == labels[None, :]).float()
    wanted = wanted / wanted.sum(1, keepdim=True)
    return sum(-(wanted * s.log_softmax(1)).sum(1).mean() for s in (scores, scores.T))


VARIANTS: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "whole loss (7)": lambda *x: cross_entropy(*x) + WEIGHT * dual(*x),
    "L_dual out": cross_entropy,
    "own pair out of (6)": lambda *x: own_pair_frozen(*x) + WEIGHT * dual(*x),
    "cross-entropy out": dual,
    "cross-entropy out, own pair in L_dual": dual_with_own,
}


def one_run(variant: str, seed: int) -> dict[str, Any]:
    """Train with one variant and measure it on the test split."""

    def loss_of(method: str, views: list[Any], labels: Tensor, **_: float) -> dict[str, Tensor]:
        loss = VARIANTS[variant](views[0].z, views[0].theta, labels)
        return {"loss": loss}

    config = training.TrainConfig(
        corpus="mini-questions", per_class=20, seed=seed, precision="fp32", progress=False
    )
    with mock.patch.object(training, "method_loss", loss_of):
        run = training.train(config)
    test = training.load_corpus(config.resolved())["test"]
    collate = run.model.collator()
    examples = [{"text": t, "label": k} for t, k in zip(test["text"], test["label"], strict=True)]
    outputs = []
    with torch.inference_mode():
        for start in range(0, len(examples), 64):
            batch = collate(examples[start : start + 64])
            batch.pop("labels")
            outputs.append(run.model(**batch))
    z = F.normalize(torch.cat([o.z for o in outputs]), dim=1)  # (n, d)
    theta = F.normalize(torch.cat([o.theta for o in outputs]), dim=2)  # (n, K, d)
    labels = torch.tensor(test["label"])
    cosine = z @ true_columns(theta, labels).T  # (n, n)
    own = torch.eye(len(labels), dtype=torch.bool)
    same = labels[:, None] == labels[None, :]
    every = torch.einsum("nd,nkd->nk", z, theta)  # (n, K)
    wrong = ~F.one_hot(labels, every.shape[1]).bool()
    means = {
        "own": cosine[own],
        "partner": cosine[same & ~own],
        "stranger": cosine[~same],
        "wrong": every[wrong],
    }
    row = {"variant": variant, "seed": seed, "accuracy": round(run.accuracy, 5)}
    return row | {name: round(float(values.mean()), 4) for name, values in means.items()}


def main() -> None:
    """Do every run that is missing and write its row."""
    torch.set_num_threads(1)
    rows = pd.read_csv(TABLE).to_dict("records") if TABLE.exists() else []
    known = {(row["variant"], row["seed"]) for row in rows}
    for seed, variant in product(SEEDS, VARIANTS):
        if (variant, seed) in known:
            continue
        rows.append(one_run(variant, seed))
        part = TABLE.with_suffix(".part")
        pd.DataFrame(rows).to_csv(part, index=False)
        part.replace(TABLE)
        print(rows[-1], flush=True)


if __name__ == "__main__":
    main()
