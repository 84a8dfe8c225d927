"""What choosing the best epoch on the test set would report: results/lesson08_best_epoch.csv.

    python course/experiments/best_epoch.py

CE and DualCL on 10 % of cr and of trec, minilm, seeds 0 to 4; a fifth of the tenth is kept for
validation. One row an epoch: accuracy on validation and on the whole test split. Runs that are in
the file are not done again, so that the script can be stopped and started at any time. Needs cr and
trec (DUALCL_DATA, or a network) and minilm. A minute of one processor a run.
"""

from __future__ import annotations

from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any
from unittest import mock

import pandas as pd
import torch

from dualcl_tutorial._run import Run
from dualcl_tutorial.training import TrainConfig, evaluate, train

TABLE = Path(__file__).resolve().parents[2] / "results" / "lesson08_best_epoch.csv"


def main() -> None:
    """Do every run that is missing and add its rows."""
    torch.set_num_threads(1)
    rows: list[Any] = pd.read_csv(TABLE).to_dict("records") if TABLE.exists() else []
    known = {(row["corpus"], row["method"], row["seed"]) for row in rows}
    for seed, corpus, method in product(range(5), ("cr", "trec"), ("ce", "dualcl")):
        if (corpus, method, seed) in known:
            continue
        config = TrainConfig(
            corpus=corpus, method=method, fraction=0.1, validation=0.2, seed=seed, progress=False
        )
        with _judged_after_each_epoch() as found:
            result = train(config)
        assert abs(found[-1]["test"] - result.accuracy) < 1e-4
        who = {"corpus": corpus, "method": method, "seed": seed}
        rows += [who | row | {"precision": result.record["precision"]} for row in found]
        part = TABLE.with_suffix(".part")
        pd.DataFrame(rows).to_csv(part, index=False)
        part.replace(TABLE)
        print(who, found[-1], flush=True)


@contextmanager
def _judged_after_each_epoch() -> Any:
    found: list[dict[str, Any]] = []

    def end(run: Run) -> None:
        scores = {
            split: round(evaluate(run.model, run.data[split]).accuracy, 5)
            for split in ("validation", "test")
        }
        found.append({"epoch": run.step // run.plan.steps, **scores})

    with mock.patch.object(Run, "end_epoch", end):
        yield found


if __name__ == "__main__":
    main()
