"""What lesson 07 stores: its loop is short on purpose and knows losses that the package does not train.

    python course/experiments/snippet_modes.py modes      # results/lesson07_modes.csv
    python course/experiments/snippet_modes.py positions  # results/lesson07_positions.csv

TREC, 20 questions a class, minilm, 10 epochs. `modes`: the same loop with cross-entropy alone, the
paper's loss, each mode of the circulating snippet, the last release, and the paper's loss on labels
renumbered as in the code of summer 2022; one row an epoch. `positions`: where [CLS] and the labels
stand, label order shuffled or fixed; one row a run. Runs that are in a file are not done again, so that
the script can be stopped and started at any time. Needs trec (DUALCL_DATA, or a network) and minilm.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor

from dualcl_tutorial import corpora, variants
from dualcl_tutorial.inputs import BatchPlan, sentence_pieces
from dualcl_tutorial.losses import (
    cross_entropy,
    dual_contrastive_loss,
    label_logits,
    true_columns,
)
from dualcl_tutorial.model import DualCLModel, DualOutput
from dualcl_tutorial.training import TrainConfig, choose_precision, evaluate, learning_rate, train

RESULTS = Path(__file__).resolve().parents[2] / "results"
SETTINGS = TrainConfig(corpus="trec", per_class=20, progress=False).resolved()
SEEDS = range(3)

# What is added to cross-entropy, from z, theta and labels to one number.
Term = Callable[[Tensor, Tensor, Tensor], Tensor]
TERMS: dict[str, Term] = {
    "none": lambda z, theta, y: z.new_zeros(()),
    "paper": lambda z, theta, y: torch.stack(dual_contrastive_loss(z, theta, y)).sum(),
    "release": lambda z, theta, y: _release(z, theta, y),
} | {
    f"snippet {modes}": lambda z, theta, y, modes=modes: torch.stack(
        variants.snippet_losses(z, theta, y, modes=modes)
    ).sum()
    for modes in ("12", "1", "2", "3", "4")
}
# The paper's loss, but targets are renumbered with the permutation where its inverse belongs.
WRONG = "paper, labels renumbered"
TERMS[WRONG] = TERMS["paper"]
# The paper's terms with the release's weights: is it the loss or its weight?
SAME_WEIGHTS = "paper, weights of the release"
TERMS[SAME_WEIGHTS] = TERMS["paper"]
RELEASE_ALPHA = 0.5


def _release(z: Tensor, theta: Tensor, labels: Tensor) -> Tensor:
    star = true_columns(theta, labels)
    terms = [variants.release_contrastive_loss(*pair, labels) for pair in ((z, star), (star, z))]
    return torch.stack(terms).sum()


def modes() -> None:
    """Train with each term that is missing in the table."""
    table = RESULTS / "lesson07_modes.csv"
    rows = pd.read_csv(table).to_dict("records") if table.exists() else []
    known = {(row["term"], row["seed"]) for row in rows}
    for seed, term in product(SEEDS, TERMS):
        if (term, seed) not in known:
            rows += _train_with(term, seed)
            _write(rows, table)


def _train_with(term: str, seed: int) -> list[dict[str, Any]]:
    """Do one run; the loss is ce + 0.1 * term, or has the release's weights."""
    data = corpora.load("trec", per_class=SETTINGS.per_class, validation=0, seed=seed)
    torch.manual_seed(seed)
    model = DualCLModel.from_encoder("minilm", data["train"].features["label"].names)
    pieces = sentence_pieces(data["train"]["text"], model.tokenizer)
    labels = list(data["train"]["label"])
    plan = BatchPlan([len(p) for p in pieces], labels, SETTINGS.batch_size, seed=seed)
    collate = model.collator(shuffle_labels=True, seed=seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=SETTINGS.lr, weight_decay=0.01)
    bf16 = choose_precision("auto") == "bf16"
    steps = SETTINGS.epochs * plan.steps
    model.train()
    epochs = []
    for epoch in range(SETTINGS.epochs):
        seen = []
        for position, batch_rows in enumerate(plan.epoch(epoch)):
            step = epoch * plan.steps + position
            examples = [
                {"input_ids": pieces[i], "label": labels[i], "index": i, "epoch": epoch}
                for i in batch_rows
            ]
            batch = collate(examples)
            y = batch.pop("labels")
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
                out: DualOutput = model(**batch)
            if (
                term == WRONG
            ):  # order[j] is the class at place j; the bug reads it at place order[y]
                order = batch["label_slots"][:, :, 0].argsort(1)  # (N, K)
                y = order.gather(1, order.gather(1, y[:, None]))[:, 0]
            ce = cross_entropy(label_logits(out.z, out.theta), y)
            added = TERMS[term](out.z.float(), out.theta.float(), y)
            a = RELEASE_ALPHA
            released = term in ("release", SAME_WEIGHTS)
            loss = (1 - a) * ce + a / 2 * added if released else ce + 0.1 * added
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(step, steps, SETTINGS)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), SETTINGS.clip)
            optimizer.step()
            optimizer.zero_grad()
            seen.append({"cross_entropy": ce.item(), "term_value": added.item()})
        means = pd.DataFrame(seen).mean().round(5).to_dict()
        epochs.append({"term": term, "seed": seed, "epoch": epoch + 1, **means})
    epochs[-1] |= _judge(model, data["test"])
    common = {"precision": "bf16" if bf16 else "fp32", "threads": torch.get_num_threads()}
    return [row | common for row in epochs]


def _judge(model: DualCLModel, test: Any) -> dict[str, float]:
    """Accuracy on the test split and five mean cosines there."""
    model.eval()
    collate = model.collator()
    outs, labels = [], torch.tensor(test["label"])
    with torch.inference_mode():
        for start in range(0, len(test), 64):
            texts = [{"text": text} for text in test["text"][start : start + 64]]
            outs.append(model(**collate(texts)))
    z, theta = torch.cat([o.z for o in outs]), torch.cat([o.theta for o in outs])
    accuracy = float((label_logits(z, theta).argmax(1) == labels).double().mean())
    z, star = F.normalize(z, dim=-1), F.normalize(true_columns(theta, labels), dim=-1)
    same = labels[:, None] == labels[None, :]
    own = torch.eye(len(labels), dtype=torch.bool)
    cross, features, columns = z @ star.T, z @ z.T, star @ star.T
    cosines = {
        "own_pair": cross[own],
        "z_theta_same": cross[same & ~own],
        "z_theta_other": cross[~same],
        "z_z_same": features[same & ~own],
        "z_z_other": features[~same],
        "theta_theta_same": columns[same & ~own],
        "theta_theta_other": columns[~same],
    }
    means = {name: round(float(values.mean()), 4) for name, values in cosines.items()}
    return {"accuracy": round(accuracy, 5), **means}


def positions() -> None:
    """Train with each arrangement that is missing in the table."""
    table = RESULTS / "lesson07_positions.csv"
    rows = pd.read_csv(table).to_dict("records") if table.exists() else []
    known = {(row["positions"], row["shuffled"], row["seed"]) for row in rows}
    arrangements = (("sequential", True), ("sequential", False), ("shared", False))
    for seed, (where, shuffled) in product(SEEDS, arrangements):
        if (where, shuffled, seed) in known:
            continue
        run = train(
            TrainConfig(
                corpus="trec",
                per_class=20,
                positions=where,  # type: ignore[arg-type]
                shuffle_labels=shuffled,
                seed=seed,
                progress=False,
            )
        )
        data = corpora.load("trec", validation=0)["test"]
        changed, reversed_accuracy = _with_labels_reversed(run.model, data)
        rows.append(
            {
                "positions": where,
                "shuffled": shuffled,
                "seed": seed,
                "accuracy": round(run.accuracy or 0.0, 5),
                "reversed_accuracy": round(reversed_accuracy, 5),
                "changed_by_reversal": round(changed, 5),
                "test_examples": len(data),
                "steps": len(run.history),
                "precision": run.record["precision"],
                "threads": run.record["threads"],
            }
        )
        _write(rows, table)


def _with_labels_reversed(model: Any, test: Any) -> tuple[float, float]:
    """Share of test answers that change when the labels stand in reverse, and the accuracy then."""
    collate = model.collator()
    prefix, tokenizer = collate.prefix, model.tokenizer
    order = list(reversed(range(len(prefix.words))))
    slots = prefix.slots(order)
    usual = evaluate(model, test).predictions.predicted.to_numpy()
    answers = []
    model.eval()
    with torch.inference_mode():
        for start in range(0, len(test), 64):
            batch = collate([{"text": text} for text in test["text"][start : start + 64]])
            ids = batch["input_ids"].clone()
            ids[:, 1 : 1 + prefix.length] = torch.tensor(prefix.ids(order))
            batch["input_ids"] = ids
            batch["label_slots"] = slots.expand(len(ids), -1, -1)
            answers += model(**batch).logits.argmax(1).tolist()
    assert tokenizer.cls_token_id == int(ids[0, 0])
    turned = pd.Series(answers).to_numpy()
    return float((turned != usual).mean()), float((turned == test["label"]).mean())


def _write(rows: list[dict[str, Any]], table: Path) -> None:
    part = table.with_suffix(".part")
    pd.DataFrame(rows).to_csv(part, index=False)
    part.replace(table)


if __name__ == "__main__":
    {"modes": modes, "positions": positions}[sys.argv[1]]()
