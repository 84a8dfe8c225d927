"""How time grows with examples, classes, length and batch, beside what is to be computed."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass

import torch
from datasets import ClassLabel, Dataset, Features, Value

from benchmarks.timing import interleaved
from benchmarks.training import forward_operations, package_run
from dualcl_tutorial.encoders import load_encoder
from dualcl_tutorial.inputs import BatchPlan, sentence_pieces
from dualcl_tutorial.training import training_step


@dataclass
class Curve:
    """One curve: at each value the time, and the operations, in multiples of the first's."""

    name: str
    values: list[int]
    time: list[float]
    expected: list[float]


class Grower:
    """Sentences of words an encoder knows, as many, as long and of as many classes as wanted."""

    def __init__(self, encoder: str):
        self.encoder = encoder
        _, self.tokenizer = load_encoder(encoder)
        self.words = sorted(w for w in self.tokenizer.get_vocab() if w.isascii() and w.isalpha())

    def texts(self, examples: int, length: int) -> list[str]:
        draw = torch.Generator().manual_seed(0)
        picked = torch.randint(len(self.words), (examples, length), generator=draw).tolist()
        return [" ".join(self.words[i] for i in row) for row in picked]

    def steps(self, *, classes: int = 2, length: int = 24, batch_size: int = 16):
        """Return a function that does one training step, and the operations of it."""
        names = self.words[:: len(self.words) // classes][:classes]
        labels = [i % classes for i in range(batch_size)]
        columns = Features({"text": Value("string"), "label": ClassLabel(names=names)})
        split = Dataset.from_dict(
            {"text": self.texts(batch_size, length), "label": labels}, features=columns
        )
        run = package_run(split, self.encoder, batch_size, max_length=512, precision="fp32")
        return lambda: training_step(run), forward_operations(run)

    def preparation(self, examples: int) -> tuple[Callable[[], object], int]:
        """Return a function that tokenizes texts and plans an epoch, and the number of texts."""
        texts = [text for text in self.texts(500, 24) for _ in range(-(-examples // 500))]
        texts = texts[:examples]
        labels = [i % 6 for i in range(examples)]

        def prepare() -> None:
            pieces = sentence_pieces(texts, self.tokenizer)
            BatchPlan([len(ids) for ids in pieces], labels, 16, seed=0).epoch(0)

        return prepare, examples


def curves(encoder: str, values: dict[str, list[int]], rounds: int) -> list[Curve]:
    """Measure a curve for each of examples, classes, length and batch_size."""
    grower, found = Grower(encoder), []
    for name, points in values.items():
        make = grower.preparation if name == "examples" else grower.steps
        made = {p: make(p) if name == "examples" else make(**{name: p}) for p in points}
        seconds = interleaved({p: run for p, (run, _) in made.items()}, rounds)
        typical = [statistics.median(seconds[p]) for p in points]
        work = [amount for _, amount in made.values()]
        found.append(
            Curve(name, points, [t / typical[0] for t in typical], [w / work[0] for w in work])
        )
    return found


def exponents(curve: Curve) -> list[float]:
    """Return how time grew from each value to the next: 1 is in proportion, 2 with the square."""
    pairs = itertools.pairwise(zip(curve.values, curve.time, strict=True))
    return [math.log(t2 / t1) / math.log(v2 / v1) for (v1, t1), (v2, t2) in pairs]
