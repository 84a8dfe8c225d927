"""Which learning rate minilm learns with: results/learning_rates.csv.

    python course/experiments/learning_rates.py

CE and DualCL on 10 % of cr, trec and sst2, a fifth of which is kept for validation; the test split is
not looked at. One row a run; runs that are in the file are not done again.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pandas as pd

from dualcl_tutorial.training import TrainConfig, evaluate, load_corpus, train

TABLE = Path(__file__).resolve().parents[2] / "results" / "learning_rates.csv"


def main() -> None:
    """Do every run that is missing and write its row."""
    rows = pd.read_csv(TABLE).to_dict("records") if TABLE.exists() else []
    known = {(row["corpus"], row["seed"], row["lr"], row["method"]) for row in rows}
    for seed, corpus, lr, method in product(
        (0, 1), ("cr", "trec", "sst2"), (5e-5, 1e-4, 2e-4), ("ce", "dualcl")
    ):
        if (corpus, seed, lr, method) in known:
            continue
        config = TrainConfig(
            corpus=corpus, method=method, fraction=0.1, validation=0.2, lr=lr, seed=seed
        )
        run = train(config)
        held = evaluate(run.model, load_corpus(run.config)["validation"])
        rows.append(
            {
                "corpus": corpus,
                "method": method,
                "lr": lr,
                "seed": seed,
                "validation_accuracy": round(held.accuracy, 5),
                "validation_examples": len(held.predictions),
            }
        )
        part = TABLE.with_suffix(".part")
        pd.DataFrame(rows).to_csv(part, index=False)
        part.replace(TABLE)


if __name__ == "__main__":
    main()
