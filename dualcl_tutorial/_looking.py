"""How a model is looked into: words and their pieces, one pass with everything kept (lesson 10)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from dualcl_tutorial.model import TextClassifier

Merge = Literal["sum", "max", "mean"]
BATCH = 32  # sentences at a time: all attention weights of a batch are held at once


@dataclass(frozen=True)
class Pieces:
    """A sentence as the model reads it: its words, its tokens, and which word each belongs to.

    Attributes:
        words: what white space separates, as far as the model reads.
        ids: tokens of the sentence alone, cut where the collator would cut them.
        word_of: index of the word each token belongs to, (tokens,).
        cut: how many words of the text the model does not read.
    """

    words: tuple[str, ...]
    ids: tuple[int, ...]
    word_of: np.ndarray
    cut: int

    @property
    def counts(self) -> np.ndarray:
        """Number of pieces of each word, (words,)."""
        return np.bincount(self.word_of, minlength=len(self.words))


@dataclass(frozen=True, eq=False)
class Saliency:
    """A score for each word of a sentence, the same for every kind of score (lesson 10).

    Attributes:
        words: what white space separates, as far as the model reads.
        scores: one a word, higher for more, (words,).
        pieces: how many tokens each word is, (words,).
        label: the predicted class, which scores of gradients and of deletion are about.
        probability: its probability.
        score: what was computed, in words, with layer, heads and the rule that merges pieces.
        labels: the score of each label word, where the model reads them and the score has one.
        special: the sum over [CLS] and separators, where the score has one.
        cut: how many words of the text the model does not read.
    """

    words: tuple[str, ...]
    scores: np.ndarray
    pieces: np.ndarray
    label: str
    probability: float
    score: str
    labels: dict[str, float]
    special: float | None
    cut: int = 0

    @property
    def shares(self) -> np.ndarray:
        """Scores over the sum of their sizes: what figures show, in per cent, (words,)."""
        total = np.abs(self.scores).sum()
        return self.scores / total if total > 0 else self.scores

    def top(self, count: int = 3) -> list[str]:
        """Return the words of the highest scores, highest first."""
        return [self.words[i] for i in np.argsort(-self.scores, kind="stable")[:count]]


def read(model: TextClassifier, texts: str | Sequence[str]) -> list[Pieces]:
    """Cut texts into words and pieces; white space counts as one space.

    A piece belongs to the first word that ends where the piece ends or later: byte-level pieces
    begin with the space before their word.

    Raises:
        ValueError: if a text is empty.
    """
    texts = [texts] if isinstance(texts, str) else list(texts)
    room, read_ = model.collator().room, []
    for i, text in enumerate(texts):
        words = text.split() if isinstance(text, str) else []
        if not words:
            raise ValueError(f"Expected a text with at least one word, got {text!r} at {i}.")
        encoded = model.tokenizer(
            " ".join(words),
            add_special_tokens=False,
            split_special_tokens=True,
            return_offsets_mapping=True,
            verbose=False,
        )
        ends = np.cumsum([len(word) + 1 for word in words]) - 1  # where each word ends
        stops = [stop for _, stop in encoded["offset_mapping"][:room]]
        word_of = np.searchsorted(ends, stops)  # (tokens,)
        left = words if len(encoded["input_ids"]) <= room else words[: word_of[-1] + 1]
        ids = tuple(encoded["input_ids"][:room])
        read_.append(Pieces(tuple(left), ids, word_of, len(words) - len(left)))
    return read_


def batches(lengths: Sequence[int], size: int = BATCH) -> Iterator[list[int]]:
    """Yield the rows of each batch, short ones together."""
    order = sorted(range(len(lengths)), key=lambda i: lengths[i])
    for start in range(0, len(order), size):
        yield order[start : start + size]


def framed(model: TextClassifier, rows: Sequence[Sequence[int]]) -> dict[str, Tensor]:
    """Frame sentences as the model's collator does, on the model's device."""
    batch = model.collator()([{"input_ids": row} for row in rows])
    return {name: tensor.to(model.device) for name, tensor in batch.items()}


def prefix_slots(model: TextClassifier) -> list[list[int]]:
    """Return where the pieces of each label stand, in class order; nothing for cross-entropy."""
    slots, start = [], 1
    for count in getattr(model.config, "piece_counts", ()):
        slots.append(list(range(start, start + count)))
        start += count
    return slots


def sentence_start(model: TextClassifier) -> int:
    """Return where the sentence begins: after [CLS], or after [CLS], labels and [SEP]."""
    taken = sum(map(len, prefix_slots(model)))
    return taken + 2 if taken else 1


@contextmanager
def still(model: TextClassifier, *, attention: bool = False) -> Iterator[None]:
    """Switch dropout off, and eager attention on if weights are wanted; put both back after it.

    Only eager attention hands out its weights. Fast kernels give an empty tuple and no error.
    """
    training, kind = model.training, model.encoder.config._attn_implementation
    model.eval()
    try:
        if attention:
            model.encoder.set_attn_implementation("eager")
        yield
    finally:
        model.encoder.set_attn_implementation(kind)
        model.train(training)


@contextmanager
def kept(model: TextClassifier, **wanted: bool) -> Iterator[dict[str, Any]]:
    """Keep what the encoder gives during a forward pass of the model, asked for more if `wanted`.

    The pass is the model's own, so that positions and labels are what they always are.
    """
    seen: dict[str, Any] = {}

    def ask(_module: Any, args: Any, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        return args, {**kwargs, **wanted}

    def keep(_module: Any, _args: Any, output: Any) -> None:
        seen.update(output)

    hooks = [
        model.encoder.register_forward_pre_hook(ask, with_kwargs=True),
        model.encoder.register_forward_hook(keep),
    ]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def probabilities(model: TextClassifier, rows: Sequence[Sequence[int]]) -> Tensor:
    """Classify sentences given as tokens; one without any is allowed.

    Shape:
        (rows, K), float32, on the CPU.
    """
    distinct = sorted({tuple(row) for row in rows}, key=len)  # deletions often leave the same
    answers: dict[tuple[int, ...], Tensor] = {}
    with still(model), torch.inference_mode():
        for start in range(0, len(distinct), 2 * BATCH):
            some = distinct[start : start + 2 * BATCH]
            found = model(**framed(model, some)).logits.softmax(-1).cpu()
            answers.update(zip(some, found, strict=True))
    if not rows:
        return torch.empty(0, len(model.label_words))
    return torch.stack([answers[tuple(row)] for row in rows])


def merged(values: np.ndarray, pieces: Pieces, rule: Merge) -> np.ndarray:
    """Merge the values of pieces into one a word; a word without pieces gets 0.

    Shape:
        values (tokens,) -> (words,).

    Raises:
        ValueError: for an unknown rule.
    """
    if rule not in ("sum", "max", "mean"):
        raise ValueError(f'Expected merge "sum", "max" or "mean", got {rule!r}.')
    if rule == "max":
        highest = np.full(len(pieces.words), -np.inf)
        np.maximum.at(highest, pieces.word_of, values)
        return np.where(pieces.counts > 0, highest, 0.0)
    total = np.bincount(pieces.word_of, weights=values, minlength=len(pieces.words))
    return total / np.maximum(pieces.counts, 1) if rule == "mean" else total


@dataclass(frozen=True)
class Parts:
    """Scores of words, of labels, and of everything else."""

    words: np.ndarray
    labels: dict[str, float]
    special: float | None


def result(
    model: TextClassifier, sentence: Pieces, probabilities: Tensor, score: str, parts: Parts
) -> Saliency:
    k = int(probabilities.argmax())
    return Saliency(
        sentence.words,
        parts.words,
        sentence.counts,
        model.label_words[k],
        float(probabilities[k]),
        score,
        parts.labels,
        parts.special,
        sentence.cut,
    )
