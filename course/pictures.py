"""Draw the two pictures of the README into course/pictures: `python course/pictures.py`."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [] if str(ROOT) in sys.path else [str(ROOT)]

from dualcl_tutorial import notebook, stats
from dualcl_tutorial.plots import lesson00, lesson08, shared

FOLDER = ROOT / "course" / "pictures"


def main() -> None:
    """Write one_pass.png, what DualCL does, and results.png, what the runs in results/ say."""
    notebook.setup()
    FOLDER.mkdir(exist_ok=True)
    words, sentence = ["positive", "negative"], "the battery died after a week"
    figures = {"one_pass": lesson00.one_pass(words, sentence)}
    runs = shared.read_results("runs")
    paper = shared.read_results("paper_table2")
    cells = stats.summarise(runs, ["method", "corpus"])
    figures["results"] = lesson08.accuracies(cells, paper[paper.fraction == 0.1])
    for name, figure in figures.items():
        figure.savefig(FOLDER / f"{name}.png", dpi=110, facecolor="white")


if __name__ == "__main__":
    main()
