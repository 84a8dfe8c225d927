"""DualCL at three weights and three temperatures: results/lesson05_lambda_tau.csv.

    python course/experiments/lambda_tau.py

Lesson 05 draws these training curves. One row a step; the accuracy on the whole test split stands
in the last row of each run. Weight 0, "without L_dual", is there once a seed: the temperature does
not enter its training. Runs that are in the file already are not done again, so that it can be
stopped and started at any time. Needs the encoder minilm; its corpus is bundled. About 20 seconds
of one processor a run.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pandas as pd
import torch

from dualcl_tutorial.training import TrainConfig, train

TABLE = Path(__file__).resolve().parents[2] / "results" / "lesson05_lambda_tau.csv"
SEEDS = (0, 1, 2)
WEIGHTS = (0.01, 0.1, 1.0)
TEMPERATURES = (0.01, 0.1, 1.0)
PARTS = ["loss", "cross_entropy", "loss_z", "loss_theta", "collapsed", "floor"]


def one_run(weight: float, temperature: float, seed: int) -> pd.DataFrame:
    """Train once and return a row for each step."""
    method = {"method": "dualcl", "weight": weight} if weight else {"method": "label-aware"}
    run = train(
        TrainConfig(
            corpus="mini-questions",
            per_class=20,
            temperature=temperature,
            seed=seed,
            precision="fp32",
            progress=False,
            **method,
        )
    )
    rows = run.history[["step", "epoch", *PARTS]].round(5)
    rows.loc[rows.index[-1], "accuracy"] = round(run.accuracy, 5)
    return rows.assign(weight=weight, temperature=temperature, seed=seed)


def main() -> None:
    """Do every run that is missing and add its rows."""
    torch.set_num_threads(1)
    settings = [(0.0, 0.1), *product(WEIGHTS, TEMPERATURES)]
    frame = pd.read_csv(TABLE) if TABLE.exists() else pd.DataFrame()
    keys = ["weight", "temperature", "seed"]
    known = set() if frame.empty else set(frame[keys].itertuples(index=False, name=None))
    for seed, (weight, temperature) in product(SEEDS, settings):
        if (weight, temperature, seed) in known:
            continue
        frame = pd.concat([frame, one_run(weight, temperature, seed)], ignore_index=True)
        columns = [*keys, "step", "epoch", *PARTS, "accuracy"]
        part = TABLE.with_suffix(".part")
        frame[columns].to_csv(part, index=False)
        part.replace(TABLE)
        print(f"weight {weight}, temperature {temperature}, seed {seed}: done", flush=True)


if __name__ == "__main__":
    main()
