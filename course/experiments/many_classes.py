"""What a prefix of 2 to 100 label words costs: results/lesson11_many_classes.csv.

    python course/experiments/many_classes.py

minilm, 16 sentences of 24 tokens, label words of one token each, sequential positions, float32, one
thread. One row a number of classes, and the row 0 for cross-entropy with a linear head and no
prefix: tokens of an input, processor seconds of a forward pass and of a training step (median, least
and greatest of seven; processor time, so that other work on the machine counts little), and
megabytes of activations kept for the backward pass. Nothing is trained. Needs minilm. A minute.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from dualcl_tutorial.model import CrossEntropyModel, DualCLModel

TABLE = Path(__file__).resolve().parents[2] / "results" / "lesson11_many_classes.csv"
CLASSES = (0, 2, 4, 8, 16, 32, 64, 100)
BATCH, TOKENS, REPEATS = 16, 24, 7
# Things a shop might sell: each is one token of minilm's vocabulary.
WORDS = str.split("""
table chair lamp carpet mirror curtain bed desk shelf clock cup plate bowl knife fork spoon bottle
glass pot oven fridge kettle candle towel soap brush comb razor perfume shirt coat hat shoe boot
glove scarf belt dress skirt sock ring watch necklace bag wallet umbrella tent rope boat bike helmet
ball racket ski kite drum guitar piano violin flute trumpet book map pen pencil paper stamp glue
ink hammer saw nail screw drill ladder paint wire plug battery cable screen keyboard mouse printer
camera phone radio speaker tea coffee milk cheese bread butter honey sugar salt rice pasta apple
lemon banana grape onion carrot potato tomato pepper fish meat egg
""")


def kept_megabytes(step: Any) -> float:
    """Count what the backward pass of a step will read, each piece of memory once."""
    kept: dict[int, int] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if not tensor.is_leaf or not tensor.requires_grad:  # not the weights
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        loss = step()
    assert loss.requires_grad
    return sum(kept.values()) / 1e6


def seconds(work: Any) -> list[float]:
    """Measure the processor time of some work: median, least, greatest."""
    work()
    times = []
    for _ in range(REPEATS):
        begun = time.process_time()
        work()
        times.append(time.process_time() - begun)
    return [round(float(x), 3) for x in (np.median(times), min(times), max(times))]


def measure(classes: int, words: list[str]) -> dict[str, Any]:
    """Measure one number of classes."""
    torch.manual_seed(0)
    if classes:
        model: Any = DualCLModel.from_encoder("minilm", words[:classes], max_length=512)
    else:
        model = CrossEntropyModel.from_encoder("minilm", words[:2])
    draw = torch.Generator().manual_seed(0)
    sentences = torch.randint(2000, 20000, (BATCH, TOKENS), generator=draw).tolist()
    labels = torch.randint(max(classes, 2), (BATCH,), generator=draw)
    batch = model.collator()([{"input_ids": ids} for ids in sentences])

    def forward() -> torch.Tensor:
        return model(**batch, labels=labels).loss

    def step() -> None:
        forward().backward()
        model.zero_grad()

    model.eval()
    with torch.inference_mode():
        passes = seconds(forward)
    model.train()
    row: dict[str, Any] = {"classes": classes, "tokens": batch["input_ids"].shape[1]}
    for name, values in (("forward", passes), ("step", seconds(step))):
        row |= dict(zip((name, f"{name}_min", f"{name}_max"), values, strict=True))
    return row | {"kept_mb": round(kept_megabytes(forward), 1)}


def main() -> None:
    """Measure every number of classes and write the table."""
    torch.set_num_threads(1)
    tokenizer = DualCLModel.from_encoder("minilm", ["yes", "no"]).tokenizer
    words = [word for word in WORDS if len(tokenizer.tokenize(word)) == 1]
    rows = []
    for classes in CLASSES:
        rows.append(measure(classes, words))
        print(rows[-1], flush=True)
    pd.DataFrame(rows).to_csv(TABLE, index=False)


if __name__ == "__main__":
    main()
