"""What lesson 08 stores besides the main table: a grid of runs as one small CSV file, without the answers.

    python course/experiments/grid_tables.py low_resource   # results/lesson08_low_resource.csv
    python course/experiments/grid_tables.py steps          # and so on: words, sweep

Does what is missing of course/experiments/grids/NAME.yaml in a store in the user's cache, so that
it can be stopped and started at any time, or shared with `dualcl grid ... --store` of another
process; then writes a row a run: what the grid varies, its accuracy on the whole test split, and
how it was made. Needs the corpora that the grid names (DUALCL_DATA, or a network) and minilm.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import platformdirs
import torch

from dualcl_tutorial.experiments import Grid, run_grid

ROOT = Path(__file__).resolve().parents[2]
STORES = Path(platformdirs.user_cache_dir("dualcl-tutorial")) / "grids"
COMMON = ["method", "corpus", "per_class", "seed"]


def main(name: str) -> None:
    """Do what is missing of a grid and write its table."""
    torch.set_num_threads(1)
    grid = Grid.read(ROOT / "course" / "experiments" / "grids" / f"{name}.yaml")
    runs = run_grid(grid, STORES / name)
    varied = sorted({key for variant in grid.settings for key in variant} - {*COMMON, "epochs"})
    for key in [*varied, "epochs"]:
        values = [settings[key] for settings in runs.settings]
        runs[key] = [json.dumps(v) if isinstance(v, list) else v for v in values]
    columns = [*COMMON, *varied, "epochs", "accuracy", "examples", "precision", "threads"]
    table = runs.assign(accuracy=runs.accuracy.round(5))[columns]
    path = ROOT / "results" / f"lesson08_{name}.csv"
    part = path.with_suffix(".part")
    table.sort_values(columns[:-4], ignore_index=True).to_csv(part, index=False)
    part.replace(path)
    print(f"{path.name}: {len(table)} of {len(grid)} runs")


if __name__ == "__main__":
    main(sys.argv[1])
