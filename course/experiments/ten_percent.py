"""CE and DualCL on 10 % of each of the paper's corpora: results/ten_percent.csv.

    python course/experiments/ten_percent.py

One row a run. Runs that are in the file already are not done again, so that it can be stopped and
started at any time. Needs the five corpora (DUALCL_DATA, or a network) and the encoder minilm.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pandas as pd

from dualcl_tutorial.training import TrainConfig, train

TABLE = Path(__file__).resolve().parents[2] / "results" / "ten_percent.csv"
CORPORA = ("cr", "trec", "sst2", "subj", "pc")


def main() -> None:
    """Do every run that is missing and write its row."""
    done = pd.read_csv(TABLE) if TABLE.exists() else pd.DataFrame()
    rows = done.to_dict("records")
    known = {(row["corpus"], row["seed"], row["method"]) for row in rows}
    for corpus, seed, method in product(CORPORA, range(3), ("ce", "dualcl")):
        if (corpus, seed, method) in known:
            continue
        run = train(TrainConfig(corpus=corpus, method=method, fraction=0.1, seed=seed))
        record = run.record
        rows.append(
            {
                "corpus": corpus,
                "method": method,
                "encoder": "minilm",
                "fraction": 0.1,
                "seed": seed,
                "accuracy": round(run.accuracy, 5),
                "test_examples": len(run.predictions),
                "steps": len(run.history),
                "precision": record["precision"],
                "threads": record["threads"],
                "torch": record["versions"]["torch"].split("+")[0],
                "transformers": record["versions"]["transformers"],
            }
        )
        part = TABLE.with_suffix(".part")
        pd.DataFrame(rows).to_csv(part, index=False)
        part.replace(TABLE)


if __name__ == "__main__":
    main()
