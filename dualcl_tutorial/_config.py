"""What a run depends on, with the defaults of each encoder (lesson 06)."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import torch

from dualcl_tutorial._files import nearest
from dualcl_tutorial.inputs import Positions

METHODS = {
    "ce": "cross-entropy, linear head",
    "scl": "cross-entropy + weight x supervised contrastive loss",
    "cl": "cross-entropy + weight x self-contrastive loss of two dropout views",
    "label-aware": "DualCL without its dual loss: label-aware inputs and cross-entropy",
    "dualcl": "DualCL",
}
LABEL_AWARE = ("label-aware", "dualcl")
PRECISIONS = ("auto", "fp32", "bf16", "fp16")

# What an encoder is trained with unless said otherwise. For other encoders than minilm these are
# the paper's values, the weight out of its grid; minilm's learn (results/README.md), untuned.
PAPER: dict[str, Any] = {
    "epochs": 30,
    "lr": 2e-5,
    "final_lr": 1e-5,
    "batch_size": 64,
    "weight": 0.05,
}
MINILM: dict[str, Any] = {
    "epochs": 10,
    "lr": 1e-4,
    "final_lr": 0.0,
    "batch_size": 16,
    "weight": 0.1,
}


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Everything a run depends on. What is None is filled in by :meth:`resolved`.

    Attributes:
        corpus: a name of :data:`dualcl_tutorial.corpora.CORPORA` or a file of one's own.
        method: one of :data:`METHODS`.
        encoder: a name of :mod:`dualcl_tutorial.encoders`, a hub id or a folder.
        fraction: share of the training split.
        per_class: number of training examples of each class, instead of a fraction.
        validation: share of what was selected that is kept for validation; 0 unless it is needed.
        test: for a file of one's own, a second file or a share of the first.
        text_column: name of the column with the texts, for a file of one's own.
        label_column: name of the column with the labels, for a file of one's own.
        label_words: the words to put in front, in class order; the class names if not given.
        epochs: passes over the training examples.
        lr: highest learning rate, reached after warm-up.
        final_lr: learning rate of the last step; linear from ``lr`` to it.
        batch_size: sentences in a batch, over all processes.
        micro_batch: sentences in the encoder's memory at a time; the whole batch if not given.
        weight: lambda, the weight of the contrastive part.
        temperature: tau of the contrastive part.
        weight_decay: of the optimizer, on weight matrices only.
        warmup: share of the steps in which the learning rate rises from 0.
        clip: longest gradient (2-norm); a longer one is scaled down to it.
        shuffle_labels: draw a label order for each example and epoch; fixed at test.
        positions: "sequential" or "shared", see :class:`~dualcl_tutorial.model.DualCLModel`.
        pairing: give lone anchors a partner, see :class:`~dualcl_tutorial.inputs.BatchPlan`.
        max_length: longest input in tokens.
        precision: "fp32", "bf16", "fp16", or "auto": what the processor is fast at.
        select: "last" keeps the last epoch, "validation" the best on validation; never on test.
        seed: of everything random.
        output: folder of the run; nothing is written if not given.
        resume: go on from the checkpoint of an interrupted run with this output.
        checkpoint_minutes: time between checkpoints.
        checkpoint_steps: steps between checkpoints, besides.
        progress: show how far the run is.
    """

    corpus: str
    method: str = "dualcl"
    encoder: str = "minilm"
    fraction: float = 1.0
    per_class: int | None = None
    validation: float = None  # type: ignore[assignment]  # here and below: resolved() knows
    test: str | float | None = None
    text_column: str | None = None
    label_column: str | None = None
    label_words: tuple[str, ...] | None = None
    epochs: int = None  # type: ignore[assignment]
    lr: float = None  # type: ignore[assignment]
    final_lr: float = None  # type: ignore[assignment]
    batch_size: int = None  # type: ignore[assignment]
    micro_batch: int | None = None
    weight: float = None  # type: ignore[assignment]
    temperature: float = 0.1
    weight_decay: float = 0.01
    warmup: float = 0.1
    clip: float = 1.0
    shuffle_labels: bool = True
    positions: Positions = "sequential"
    pairing: bool = True
    max_length: int = 128
    precision: str = "auto"
    select: str = "last"
    seed: int = 0
    output: str | Path | None = None
    resume: bool = False
    checkpoint_minutes: float = 5.0
    checkpoint_steps: int | None = None
    progress: bool = True

    def resolved(self) -> TrainConfig:
        """Fill in the defaults of the encoder and check every value.

        Raises:
            ValueError: one sentence about the first value that will not do.
        """
        if self.method not in METHODS:
            raise ValueError(
                f"Expected a method out of {', '.join(METHODS)}, got {self.method!r}"
                f"{nearest(self.method, METHODS)}."
            )
        known = dict(MINILM if self.encoder == "minilm" else PAPER)
        known["validation"] = 0.1 if self.select == "validation" else 0.0
        known["precision"] = choose_precision(self.precision)
        if self.method in ("ce", "label-aware"):
            if self.weight:
                raise ValueError(
                    f"Expected no weight for method {self.method!r}, which has no contrastive "
                    f"part, got {self.weight}: leave it out, or choose scl, cl or dualcl."
                )
            known["weight"] = 0.0
        filled = {k: v for k, v in known.items() if getattr(self, k) is None or k == "precision"}
        words = self.label_words if self.label_words is None else tuple(self.label_words)
        config = replace(self, label_words=words, **filled)
        config._check()
        return config

    def _check(self) -> None:
        rules = [
            ("epochs", self.epochs >= 1, "at least 1"),
            ("batch_size", self.batch_size >= 2, "at least 2"),
            ("micro_batch", self.micro_batch is None or self.micro_batch >= 1, "at least 1"),
            ("lr", self.lr > 0, "above 0"),
            ("final_lr", 0 <= self.final_lr <= self.lr, "between 0 and lr"),
            ("weight", self.weight >= 0, "at least 0"),
            ("temperature", self.temperature > 0, "above 0"),
            ("weight_decay", self.weight_decay >= 0, "at least 0"),
            ("warmup", 0 <= self.warmup < 1, "at least 0 and below 1"),
            ("clip", self.clip > 0, "above 0"),
            ("select", self.select in ("last", "validation"), '"last" or "validation"'),
            ("seed", self.seed >= 0, "at least 0"),
            ("resume", self.output or not self.resume, "given together with output"),
        ]
        for name, good, expected in rules:
            if not good:
                raise ValueError(f"Expected {name} {expected}, got {getattr(self, name)!r}.")
        if self.select == "validation" and not self.validation:
            raise ValueError(
                'Expected validation above 0 with select="validation", got 0: the best epoch is '
                "chosen on it, never on the test set."
            )

    def settings(self) -> dict[str, Any]:
        """Return what a result depends on, as JSON can hold it: no output, no progress.

        A micro_batch that is not given is left out, as from before there was one: the name of a
        stored run is a hash of its settings.
        """
        apart = {"output", "resume", "checkpoint_minutes", "checkpoint_steps", "progress"}
        if self.micro_batch is None:
            apart.add("micro_batch")
        kept = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in apart}
        return json.loads(json.dumps(kept, default=str))


def choose_precision(precision: str) -> str:
    """Say what "auto" means here: bf16 where the processor multiplies it natively, or fp32.

    A GPU older than bf16 gets fp16.

    Raises:
        ValueError: for a precision that does not exist.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"Expected a precision out of {PRECISIONS}, got {precision!r}.")
    if precision != "auto":
        return precision
    if torch.cuda.is_available():
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    native = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return "bf16" if any(getattr(torch.cpu, name, bool)() for name in native) else "fp32"
