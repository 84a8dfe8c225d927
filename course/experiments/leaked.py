"""pc with and without the test texts that are in its training split: results/lesson08_leaked.csv.

    python course/experiments/leaked.py

Trains nothing: reads the stored answers of results/runs. One row a run: accuracy on all test texts,
on those whose text is also in the training split, on those that are in the tenth that the run was
trained on, and on the others; besides, for how many of the leaked texts the training split holds
the other label, too, and how many its more frequent label gets right. Texts are compared as the
corpus gives them, character by character. Needs pc (DUALCL_DATA).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from dualcl_tutorial import corpora
from dualcl_tutorial.experiments import read_store

RESULTS = Path(__file__).resolve().parents[2] / "results"


def main() -> None:
    """Judge the stored answers on each part of the test split."""
    runs = read_store(RESULTS / "runs")
    runs = runs[runs.corpus == "pc"]
    whole = corpora.load("pc", validation=0)
    texts, train = np.array(whole["test"]["text"]), whole["train"]["text"]
    leaked = np.isin(texts, train)
    counts = pd.crosstab(np.array(train), np.array(whole["train"]["label"]))
    of_leaked = counts.loc[texts[leaked]].to_numpy()  # (leaked, 2)
    common = {
        "n_both_labels": int((of_leaked > 0).all(1).sum()),
        "majority": (of_leaked.argmax(1) == np.array(whole["test"]["label"])[leaked]).mean(),
    }
    rows = []
    for run in runs.itertuples():
        tenth = corpora.load("pc", fraction=run.fraction, validation=0, seed=run.seed)["train"]
        seen = np.isin(texts, tenth["text"])
        right = np.array(run.label) == np.array(run.predicted)
        row = {"method": run.method, "seed": run.seed, "all": right.mean()}
        parts = {"without_leaked": ~leaked, "leaked": leaked, "leaked_in_tenth": seen}
        for part, which in parts.items():
            row |= {part: right[which].mean(), f"n_{part}": int(which.sum())}
        rows.append(row | common)
    pd.DataFrame(rows).round(5).to_csv(RESULTS / "lesson08_leaked.csv", index=False)


if __name__ == "__main__":
    main()
