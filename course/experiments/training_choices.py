"""What lesson 06 stores: one setting of a run changed at a time, results/lesson06_choices.csv.

    python course/experiments/training_choices.py

TREC, 20 questions a class, minilm, 10 epochs, batch 16, unless the choice says otherwise. One row a
run: its choice, method, seed and settings, the share of anchors with a partner in its batches, and
its accuracy on the whole test split. A seed draws the questions, too, so that runs of one seed train
on the same ones. Runs that are in the file are not done again, so that the script can be stopped
and started at any time. Needs trec (DUALCL_DATA, or a network) and minilm. About 10 seconds of one
processor a run, a minute for "batch 64, steps".
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from dualcl_tutorial.inputs import BatchPlan, sentence_pieces
from dualcl_tutorial.training import RunResult, TrainConfig, load_corpus, train

TABLE = Path(__file__).resolve().parents[2] / "results" / "lesson06_choices.csv"
BASE: dict[str, Any] = {"corpus": "trec", "per_class": 20, "progress": False}
FIVE, TEN = range(5), range(10)

# name, method, what differs from BASE, seeds. "epochs" keeps 10 passes over the questions,
# "steps" about the 80 updates of batch 16.
CHOICES: list[tuple[str, str, dict[str, Any], range]] = [
    ("default", "dualcl", {}, FIVE),
    ("default", "ce", {}, FIVE),
    ("batch 4, epochs", "dualcl", {"batch_size": 4}, FIVE),
    ("batch 8, epochs", "dualcl", {"batch_size": 8}, FIVE),
    ("batch 64, epochs", "dualcl", {"batch_size": 64}, FIVE),
    ("no pairing", "dualcl", {"pairing": False}, FIVE),
    ("batch 8, no pairing", "dualcl", {"batch_size": 8, "pairing": False}, FIVE),
    ("no warm-up", "dualcl", {"warmup": 0.0}, FIVE),
    ("label order fixed", "dualcl", {"shuffle_labels": False}, FIVE),
    ("default", "dualcl", {}, TEN),
    ("default", "ce", {}, TEN),
    ("batch 4, steps", "dualcl", {"batch_size": 4, "epochs": 3}, FIVE),
    ("batch 64, steps", "dualcl", {"batch_size": 64, "epochs": 40}, FIVE),
    ("batch 4, epochs", "ce", {"batch_size": 4}, FIVE),
    ("batch 64, epochs", "ce", {"batch_size": 64}, FIVE),
    ("default", "label-aware", {}, TEN),
]


def main() -> None:
    """Do every run that is missing and add its row."""
    torch.set_num_threads(1)
    rows = pd.read_csv(TABLE).to_dict("records") if TABLE.exists() else []
    for choice, method, changed, seeds in CHOICES:
        for seed in seeds:
            known = {(row["choice"], row["method"], row["seed"]) for row in rows}
            if (choice, method, seed) in known:
                continue
            run = train(TrainConfig(**BASE, method=method, seed=seed, **changed))
            rows.append({"choice": choice, **_row(run)})
            part = TABLE.with_suffix(".part")
            pd.DataFrame(rows).to_csv(part, index=False)
            part.replace(TABLE)
            print(f"{choice}, {method}, seed {seed}: {run.accuracy:.3f}", flush=True)


def _row(run: RunResult) -> dict[str, Any]:
    names = ("method", "seed", "batch_size", "epochs", "pairing", "warmup", "shuffle_labels")
    return {
        **{name: getattr(run.config, name) for name in names},
        "steps": len(run.history),
        "with_partner": round(_share_with_partner(run), 4),
        "accuracy": round(run.accuracy or 0.0, 5),
        "test_examples": len(run.predictions),
        "precision": run.record["precision"],
        "threads": run.record["threads"],
    }


def _share_with_partner(run: RunResult) -> float:
    """Share of anchors that had another example of their class in their batch."""
    config, split = run.config, load_corpus(run.config)["train"]
    labels = np.asarray(split["label"])
    lengths = [len(ids) for ids in sentence_pieces(split["text"], run.model.tokenizer)]
    size = {"batch_size": config.batch_size, "seed": config.seed, "pairing": config.pairing}
    plan = BatchPlan(lengths, labels, **size)
    batches = [labels[batch] for epoch in range(config.epochs) for batch in plan.epoch(epoch)]
    lone = sum(int((np.bincount(batch) == 1).sum()) for batch in batches)
    return 1 - lone / sum(map(len, batches))


if __name__ == "__main__":
    main()
