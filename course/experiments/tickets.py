"""What lesson 11 stores about the tickets: lesson11_choices.csv and lesson11_scores.csv.

    python course/experiments/tickets.py

The course's English tickets, cleaned; minilm, 5 epochs, batch 16, a tenth of the training texts kept
for validation; one choice changed at a time. Choices: one row a run and class (tickets in the test
split, how often predicted, how often right). Scores: for the choice "team names", the scores before
softmax of each ticket of the validation and the test split. Runs that are in the file are not done
again. Needs minilm; the tickets come with the package. About a minute of one processor a run.
"""

from __future__ import annotations

import tempfile
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from dualcl_tutorial import own_data
from dualcl_tutorial.training import RunResult, TrainConfig, load_corpus, train

RESULTS = Path(__file__).resolve().parents[2] / "results"
TABLE, SCORES = RESULTS / "lesson11_choices.csv", RESULTS / "lesson11_scores.csv"
LEAST = 60
CHOSEN = ("login", "payment", "delivery", "subscription", "refund", "buying", "machine", "privacy")
CHOICES: dict[str, dict[str, Any]] = {
    "team names": {},
    "chosen words": {"label_words": CHOSEN},
    "cross-entropy": {"method": "ce"},
    "rare classes repeated": {},
}
SEEDS = {choice: 2 if choice == "team names" else 1 for choice in CHOICES}


def tickets(folder: Path) -> Path:
    """Write the cleaned tickets."""
    raw = pd.read_csv(own_data.write_tickets(folder / "raw.csv"), dtype=str, keep_default_na=False)
    kept, _ = own_data.clean(raw, "body", "team", rename={"logistcs": "logistics", "Tech": "tech"})
    kept.to_csv(folder / "clean.csv", index=False)
    return folder / "clean.csv"


def repeated(config: TrainConfig, folder: Path) -> dict[str, Any]:
    """Write the training and test split of a run, rare classes repeated, as its two files."""
    data = load_corpus(config.resolved())
    names = data["train"].features["label"].names
    for split in ("train", "test"):
        frame = data[split].to_pandas()
        if split == "train":
            frame = frame.iloc[own_data.repeat_rare(frame.label.tolist(), LEAST)]
        frame.assign(label=[names[k] for k in frame.label]).to_csv(
            folder / f"{split}.csv", index=False
        )
    return {"corpus": str(folder / "train.csv"), "test": str(folder / "test.csv"), "validation": 0}


def one_run(choice: str, seed: int, folder: Path) -> RunResult:
    """Train one classifier."""
    settings: dict[str, Any] = {
        "corpus": str(tickets(folder)),
        "epochs": 5,
        "seed": seed,
        "validation": 0.1,
        "progress": False,
    }
    settings |= CHOICES[choice]
    if choice == "rare classes repeated":
        settings |= repeated(TrainConfig(**settings), folder)
    return train(TrainConfig(**settings))


def rows_of(choice: str, seed: int, run: RunResult) -> list[dict[str, Any]]:
    """Count the test tickets of each class, whatever its words."""
    frame = run.predictions
    names = ("accounts", "finance", "logistics", "plans", "returns", "sales", "tech", "trust")
    return [
        {
            "choice": choice,
            "seed": seed,
            "team": name,
            "tickets": int((frame.label == k).sum()),
            "predicted": int((frame.predicted == k).sum()),
            "right": int(((frame.label == k) & (frame.predicted == k)).sum()),
        }
        for k, name in enumerate(names)
    ]


def scores_of(seed: int, run: RunResult) -> list[dict[str, Any]]:
    """Score the validation and the test split."""
    data = load_corpus(run.config)
    rows = []
    for split in ("validation", "test"):
        scores = run.model.score(data[split]["text"])
        for label, row in zip(data[split]["label"], scores.tolist(), strict=True):
            named = dict(zip(run.model.label_words, [round(x, 3) for x in row], strict=True))
            rows.append({"seed": seed, "split": split, "label": label} | named)
    return rows


def add(table: Path, rows: list[dict[str, Any]]) -> None:
    """Add rows to a table, or leave it as it was."""
    before = pd.read_csv(table).to_dict("records") if table.exists() else []
    part = table.with_suffix(".part")
    pd.DataFrame(before + rows).to_csv(part, index=False)
    part.replace(table)


def main() -> None:
    """Do every run that is missing."""
    torch.set_num_threads(1)
    known = pd.read_csv(TABLE) if TABLE.exists() else pd.DataFrame({"choice": [], "seed": []})
    done = set(zip(known.choice, known.seed, strict=True))
    for seed, choice in product(range(max(SEEDS.values())), CHOICES):
        if seed >= SEEDS[choice] or (choice, seed) in done:
            continue
        with tempfile.TemporaryDirectory() as folder:
            run = one_run(choice, seed, Path(folder))
            if choice == "team names":
                add(SCORES, scores_of(seed, run))
        add(TABLE, rows_of(choice, seed, run))
        print(f"{choice}, seed {seed}: {run.accuracy:.3f}", flush=True)


if __name__ == "__main__":
    main()
