"""What lessons share: the pipeline with today's part lit, the scoreboard, stored results."""

from __future__ import annotations

import importlib.resources
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from dualcl_tutorial.notebook import COLOURS

STAGES = {
    "texts": "texts\nand labels",
    "inputs": "inputs\n[CLS] ... [SEP]",
    "encoder": "encoder",
    "features": "feature z,\nclassifier theta",
    "loss": "loss",
    "training": "training",
    "prediction": "prediction\nand judgement",
}

# What each method is made of. Accuracies are measured, in lesson 08.
METHODS = pd.DataFrame(
    [
        ("CE", "01", "[CLS] sentence [SEP]", 1, "linear head", "cross-entropy (CE)"),
        ("CE+CL", "02", "[CLS] sentence [SEP]", 2, "linear head", "CE + two dropout views (1)"),
        ("CE+SCL", "03", "[CLS] sentence [SEP]", 1, "linear head", "CE + supervised contrast (2)"),
        (
            "DualCL w/o L_dual",
            "04",
            "[CLS] labels [SEP] sentence [SEP]",
            1,
            "none",
            "CE on theta . z (6)",
        ),
        ("DualCL", "05", "[CLS] labels [SEP] sentence [SEP]", 1, "none", "CE + L_z + L_theta (7)"),
    ],
    columns=["method", "lesson", "input", "passes in training", "head", "loss"],
)


def pipeline(lit: str | Sequence[str]) -> Figure:
    """Draw the way from texts to predictions, with today's parts lit.

    Args:
        lit: one or more keys of `STAGES`.

    Raises:
        ValueError: if a stage does not exist.
    """
    lit = [lit] if isinstance(lit, str) else list(lit)
    if unknown := set(lit) - set(STAGES):
        raise ValueError(f"Expected stages out of {', '.join(STAGES)}, got {sorted(unknown)}.")
    figure = Figure(figsize=(8.4, 1.2), layout="constrained")
    axes = figure.subplots()
    axes.set(xlim=(-0.6, len(STAGES) - 0.4), ylim=(-0.55, 0.55))
    axes.set_axis_off()
    for i, (stage, label) in enumerate(STAGES.items()):
        on = stage in lit
        box = FancyBboxPatch(
            (i - 0.39, -0.3),
            0.78,
            0.6,
            boxstyle="round,pad=0.03",
            facecolor=COLOURS[0] if on else "#eeeeee",
            edgecolor=COLOURS[0] if on else "#999999",
        )
        axes.add_patch(box)
        colour = "white" if on else "#444444"
        weight = "bold" if on else "normal"
        axes.text(i, 0, label, ha="center", va="center", fontsize=7.5, color=colour, weight=weight)
        if i:
            arrow = ((i - 0.58, 0), (i - 0.42, 0))
            axes.add_patch(
                FancyArrowPatch(*arrow, arrowstyle="->", mutation_scale=9, color="#666666")
            )
    return figure


def scoreboard(lesson: str) -> pd.DataFrame:
    """Return one row for each method that the course has built up to a lesson, such as "03"."""
    known = METHODS[METHODS.lesson <= lesson]
    return known.rename(columns={"lesson": "built in"}).set_index("method")


def read_results(name: str) -> pd.DataFrame:
    """Return a stored table of the course, such as "lesson05_lambda_tau" (results/README.md).

    "runs" and "tuning" are stores of whole runs, as :func:`~dualcl_tutorial.experiments.read_store`
    gives them.

    Raises:
        ValueError: if there is no such table.
    """
    try:
        folder = Path(str(importlib.resources.files("dualcl_tutorial.results")))
    except ModuleNotFoundError:  # a checkout that was not installed
        folder = Path(__file__).resolve().parents[2] / "results"
    if any((folder / name).glob("*.json")):
        from dualcl_tutorial.experiments import read_store

        return read_store(folder / name)
    table = folder / f"{name}.csv"
    if not table.is_file():
        known = sorted(path.stem for path in folder.glob("*.csv"))
        raise ValueError(f"Expected a stored table out of {', '.join(known)}, got {name!r}.")
    return pd.read_csv(table)
