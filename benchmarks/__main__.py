"""Measure everything and write benchmarks/README.md and its figure: ``make bench``.

``python -m benchmarks --quick`` does the same with sizes that say nothing, to see that it works.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

os.environ["CUDA_VISIBLE_DEVICES"] = ""  # before torch is imported: the CPU is measured
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import torch

from benchmarks import contrastive, growth, report, timing, training


@dataclass
class Sizes:
    """How much is measured; these are the sizes of `make bench`."""

    encoder: str = "minilm"
    corpora: tuple[str, ...] = ("cr", "trec")
    batch_size: int = 16
    examples: int = 480
    tested: int = 500
    rounds: int = 5
    profiled: int = 160
    features: int = 4096
    width: int = 384
    seeds: int = 5
    epochs: int = 10
    per_class: dict[str, int] = field(default_factory=lambda: {"cr": 50, "trec": 20})
    growth: dict[str, list[int]] = field(
        default_factory=lambda: {
            "examples": [1000, 2000, 4000, 8000, 16000],
            "classes": [2, 5, 10, 20, 50, 100],
            "length": [8, 16, 32, 64, 128],
            "batch_size": [4, 8, 16, 32, 64],
        }
    )


QUICK = Sizes(
    examples=48,
    tested=32,
    rounds=1,
    profiled=16,
    features=256,
    seeds=2,
    epochs=1,
    per_class={"cr": 4, "trec": 2},
    growth={
        "examples": [100, 200],
        "classes": [2, 10],
        "length": [8, 16],
        "batch_size": [4, 8],
    },
)


def measure(sizes: Sizes) -> dict[str, Any]:
    """Run all benchmarks, one after the other, and say which one is running."""
    started = time.monotonic()

    def say(what: str) -> None:
        print(f"[{time.monotonic() - started:4.0f} s] {what}", flush=True)

    known = {"encoder": sizes.encoder}
    batched = known | {"batch_size": sizes.batch_size}
    rounds = {"rounds": sizes.rounds}
    found: dict[str, Any] = {"machine": timing.machine(), "sizes": asdict(sizes)}
    found |= {"training": [], "inference": [], "accuracy": [], "padding": {}, "words": {}}
    for corpus in sizes.corpora:
        say(f"training on {corpus}")
        size = (corpus, sizes.examples)
        found["training"] += training.compare_training(*size, **batched, **rounds)
        found["padding"][corpus] = training.padding(*size, **batched)
        found["words"][corpus] = training.word_table(corpus, **known)
        say(f"inference on {corpus}")
        found["inference"] += training.compare_inference(corpus, sizes.tested, **known, **rounds)
    say("profile of a training step")
    found["profile"] = training.profiles(sizes.corpora[0], sizes.profiled, **batched)
    say("optimizer")
    found["optimizer"] = training.compare_optimizers(**known, rounds=4 * sizes.rounds)
    say("contrastive loss")
    found["loss"] = contrastive.compare_losses(sizes.features, sizes.width, **rounds)
    say("growth")
    found["growth"] = growth.curves(sizes.encoder, sizes.growth, sizes.rounds)
    for corpus in sizes.corpora:
        say(f"accuracy on {corpus}")
        found["accuracy"] += training.compare_accuracy(
            corpus,
            sizes.seeds,
            **batched,
            epochs=sizes.epochs,
            per_class=sizes.per_class[corpus],
        )
    say("done")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it works")
    parser.add_argument(
        "--folder", type=Path, default=Path(__file__).parent, help="where README.md is written"
    )
    given = parser.parse_args()
    torch.set_num_threads(os.cpu_count() or 1)
    found = measure(QUICK if given.quick else Sizes())
    report.write(found, given.folder)
    print((given.folder / "README.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
