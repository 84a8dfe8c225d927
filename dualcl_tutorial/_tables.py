"""What ``dualcl table`` prints: stored runs as Markdown, the paper's Table 2 beside them."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from dualcl_tutorial.corpora import CORPORA
from dualcl_tutorial.experiments import read_store
from dualcl_tutorial.stats import summarise
from dualcl_tutorial.training import METHODS

PAPER = {"bert": "BERT-base-uncased", "roberta": "RoBERTa-base"}


def read_runs(source: str | Path) -> pd.DataFrame:
    """Read runs from a store, or from a CSV file with the columns of one.

    Raises:
        FileNotFoundError: if there is neither.
        ValueError: if it holds no run, or lacks a column.
    """
    source = Path(source)
    runs = pd.read_csv(source) if source.suffix == ".csv" else read_store(source)
    for name in ("fraction", "per_class"):
        runs[name] = runs.get(name)
    needed = ["method", "corpus", "encoder", "seed", "accuracy"]
    if runs.empty or (missing := [name for name in needed if name not in runs]):
        lacks = "has no run" if runs.empty else f"lacks {', '.join(missing)}"
        raise ValueError(f"Expected a store or a CSV file of runs, but {source} {lacks}.")
    runs["split"] = runs.get("split", "test")
    return runs.assign(variant=variants(runs))


def variants(runs: pd.DataFrame) -> pd.Series:
    """Name what tells the runs of one method apart besides corpus, size, encoder and seed."""
    if "settings" not in runs:
        return pd.Series("", runs.index)
    names = pd.Series("", runs.index)
    for _, group in runs.groupby("method"):
        texts = pd.DataFrame([{k: json.dumps(v) for k, v in s.items()} for s in group.settings])
        texts = texts.set_index(group.index).drop(columns="validation", errors="ignore")
        varied = [key for key in texts if texts[key].nunique() > 1]
        for index, row in texts[varied].iterrows():
            names[index] = ", ".join(f"{key} {row[key]}" for key in varied)
    return names


def markdown(runs: pd.DataFrame, paper: pd.DataFrame) -> str:
    """Write one table a size, encoder and split, followed by the paper's of the same size.

    Args:
        runs: what :func:`read_runs` gives.
        paper: the paper's Table 2: encoder, fraction, method, corpus, accuracy, spread.
    """
    parts, sizes = [], ["fraction", "per_class"]
    for (fraction, per_class, encoder, split), group in runs.groupby(
        [*sizes, "encoder", "split"], dropna=False
    ):
        cells = summarise(group, ["method", "variant", "corpus"])
        seeds = sorted(map(int, cells.n.unique()))
        cells["text"] = [
            _cell(100 * row["mean"], 100 * row.sd, int(row.n) if len(seeds) > 1 else None)
            for _, row in cells.iterrows()
        ]
        cells["label"] = cells.method + cells.variant.map(lambda v: f" ({v})" if v else "")
        size = (
            f"{100 * fraction:g} %" if pd.isna(per_class) else f"{per_class:.0f} examples a class"
        )
        over = f"{seeds[0]} seed{'s' * (seeds[0] > 1)}" if len(seeds) == 1 else "(n) seeds"
        parts.append(
            f"{Path(str(encoder)).name}, {size}, accuracy on {split} in per cent, mean ± standard "
            f"deviation over {over}\n\n{_grid(cells)}"
        )
        if split == "test" and pd.isna(per_class):
            parts += _of_paper(paper, fraction, set(cells.corpus))
    return "\n\n".join(dict.fromkeys(parts))


def _of_paper(paper: pd.DataFrame, fraction: float, corpora: set[str]) -> list[str]:
    parts = []
    for encoder, group in paper[paper.fraction == fraction].groupby("encoder", sort=False):
        cells = group[group.corpus.isin(corpora)].copy()
        if len(cells):
            cells["text"] = [f"{row.accuracy:.2f} ± {row.spread:.2f}" for row in cells.itertuples()]
            cells["label"] = cells.method
            title = f"the paper's Table 2 (arXiv 2201.08702): {PAPER[str(encoder)]}"
            parts.append(f"{title}, {100 * fraction:g} %, 10 seeds\n\n{_grid(cells)}")
    return parts


def _cell(mean: float, sd: float, n: int | None) -> str:
    spread = "" if pd.isna(sd) else f" ± {sd:.1f}"
    return f"{mean:.1f}{spread}" + (f" ({n})" if n else "")


def _grid(cells: pd.DataFrame) -> str:
    known = [name for name in CORPORA if name in set(cells.corpus)]  # in the paper's order
    corpora = known + sorted(set(cells.corpus) - set(known))
    order = {name: k for k, name in enumerate(METHODS)}
    labels = dict.fromkeys(
        cells.sort_values("method", key=lambda m: m.map(order), kind="stable").label
    )
    text = cells.set_index(["label", "corpus"]).text.to_dict()
    head = ["method", *(Path(c).name for c in corpora)]
    rows = [[label, *(text.get((label, c), "") for c in corpora)] for label in labels]
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
