"""Texts to batches, the labels in front (lesson 04).

DualCL reads ``[CLS] label_1 .. label_K [SEP] sentence [SEP]``, the other methods
``[CLS] sentence [SEP]``. The prefix lists every label and never says which one is true.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

Positions = Literal["sequential", "shared"]
NO_PIECE = -1


class LabelPrefix:
    """The label words of a task as one tokenizer writes them (lesson 04).

    Attributes:
        words: the label words, in class order.
        pieces: the token ids of each word, any number of them.
        length: how many pieces there are in all.

    Raises:
        ValueError: if there are fewer than two words, or one is empty, unknown to the tokenizer, a
            special token, or written exactly like another.

    Example:
        >>> LabelPrefix(["positive", "negative"], tokenizer).length
        2
    """

    def __init__(self, label_words: Sequence[str], tokenizer: PreTrainedTokenizerFast) -> None:
        self.words = tuple(str(word).strip() for word in label_words)
        if len(self.words) < 2:
            raise ValueError(f"Expected at least two label words, got {list(label_words)}.")
        self.pieces = tuple(self._tokenize(word, tokenizer) for word in self.words)
        for k, pieces in enumerate(self.pieces):
            if pieces in self.pieces[:k]:
                twin = self.words[self.pieces.index(pieces)]
                raise ValueError(
                    f"Expected label words that differ, but {twin!r} and {self.words[k]!r} are the "
                    "same to this tokenizer: choose another word for one of them."
                )
        self.length = sum(map(len, self.pieces))

    @staticmethod
    def _tokenize(word: str, tokenizer: PreTrainedTokenizerFast) -> tuple[int, ...]:
        if not word:
            raise ValueError("Expected a word for every class, got an empty label word.")
        if word in tokenizer.all_special_tokens:
            raise ValueError(f"Expected ordinary label words, but {word!r} is a special token.")
        # The space makes byte-level BPE write the word as it does in the middle of a sentence.
        ids = tuple(sentence_pieces([" " + word], tokenizer)[0])
        if not ids or tokenizer.unk_token_id in ids:
            raise ValueError(
                f"Expected label words the tokenizer can write, but {word!r} becomes "
                f"{tokenizer.convert_ids_to_tokens(list(ids))}: choose a word of its vocabulary."
            )
        return ids

    def ids(self, order: Sequence[int] | None = None) -> list[int]:
        """Return the pieces of all labels, class ``order[0]`` first; class order if not given."""
        order = range(len(self.words)) if order is None else order
        return list(chain.from_iterable(self.pieces[k] for k in order))

    def slots(self, order: Sequence[int] | None = None) -> Tensor:
        """Return where the pieces of each class stand, row k for class k whatever the order.

        Shape:
            (K, pieces), long; rows of shorter labels end in -1.
        """
        return label_slots([len(pieces) for pieces in self.pieces], order)


def label_slots(piece_counts: Sequence[int], order: Sequence[int] | None = None) -> Tensor:
    """Compute :meth:`LabelPrefix.slots` from the number of pieces of each label (lesson 04).

    Shape:
        piece_counts K numbers -> (K, pieces), long; rows of shorter labels end in -1.
    """
    order = range(len(piece_counts)) if order is None else order
    slots = torch.full((len(piece_counts), max(piece_counts)), NO_PIECE)
    start = 1  # [CLS] stands at 0
    for k in order:
        slots[k, : piece_counts[k]] = torch.arange(start, start + piece_counts[k])
        start += piece_counts[k]
    return slots


def sentence_pieces(texts: Iterable[str], tokenizer: PreTrainedTokenizerFast) -> list[list[int]]:
    """Tokenize texts without special tokens; text that looks like one, "[SEP]", is only text.

    Returns:
        The token ids of each text, neither truncated nor padded.
    """
    encoded = tokenizer(
        list(texts),
        add_special_tokens=False,
        split_special_tokens=True,
        return_attention_mask=False,
        return_token_type_ids=False,
        verbose=False,
    )
    return encoded["input_ids"]


class PlainCollator:
    """Examples to a batch of ``[CLS] sentence [SEP]``, which all but DualCL read (lesson 01).

    An example is a mapping with ``text``, or with ``input_ids``, the sentence tokenized beforehand
    by :func:`sentence_pieces`; and with ``label`` where it is known.

    Args:
        tokenizer: a fast tokenizer with [CLS] and [SEP] tokens, or the like.
        max_length: longest input in tokens; only the sentence is ever truncated. The encoder's own
            limit (``tokenizer.model_max_length``) holds where it is lower.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerFast, *, max_length: int = 128) -> None:
        if tokenizer.cls_token_id is None or tokenizer.sep_token_id is None:
            raise ValueError(
                "Expected a tokenizer with [CLS] and [SEP] tokens, as BERT and RoBERTa have; "
                f"{type(tokenizer).__name__} has none: choose an encoder of that kind."
            )
        self.tokenizer = tokenizer
        self.max_length = min(max_length, tokenizer.model_max_length)
        self._check_room(2)

    def _check_room(self, taken: int) -> None:
        self.room = self.max_length - taken
        if self.room < 1:
            raise ValueError(
                f"Expected room for a sentence, but the labels and special tokens take {taken} of "
                f"max_length {self.max_length} tokens: raise max_length or shorten the label words."
            )

    def __call__(self, examples: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
        """Build the batch.

        Shape:
            input_ids, attention_mask (N, L); labels (N,) where the examples have them.
        """
        rows = [self._frame(ids[: self.room]) for ids in self._pieces(examples)]
        return self._pad(rows) | self._labels(examples)

    def _frame(self, sentence: list[int]) -> list[int]:
        return [self.tokenizer.cls_token_id, *sentence, self.tokenizer.sep_token_id]

    def _pieces(self, examples: Sequence[Mapping[str, Any]]) -> list[list[int]]:
        if all("input_ids" in example for example in examples):
            return [list(example["input_ids"]) for example in examples]
        return sentence_pieces((example["text"] for example in examples), self.tokenizer)

    def _pad(self, rows: list[list[int]]) -> dict[str, Tensor]:
        width = max(map(len, rows))
        pad = self.tokenizer.pad_token_id
        ids = [row + [pad] * (width - len(row)) for row in rows]
        mask = [[1] * len(row) + [0] * (width - len(row)) for row in rows]
        return {"input_ids": torch.tensor(ids), "attention_mask": torch.tensor(mask)}

    @staticmethod
    def _labels(examples: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
        known = all(example.get("label") is not None for example in examples)
        return {"labels": torch.tensor([int(e["label"]) for e in examples])} if known else {}


class LabelAwareCollator(PlainCollator):
    """Examples to a batch of ``[CLS] label_1 .. label_K [SEP] sentence [SEP]`` (lesson 04).

    Token types are all 0, so they are left out; the model derives positions and slots from its
    config. Where the order of labels is shuffled, the slots travel with the batch. Targets are
    class indices and never renumbered.

    The order of an example is a function of (seed, epoch, index) alone, and the last two travel
    with the example as ``epoch`` (0 if it has none) and ``index`` (a checksum of its tokens if it
    has none), so that neither workers nor a resumed run change it.

    Args:
        tokenizer: a fast tokenizer with [CLS] and [SEP] tokens, or the like.
        label_words: the word or words of each class, in class order.
        max_length: as in :class:`PlainCollator`.
        shuffle_labels: draw an order of labels for each example (the paper, in training).
        positions: "sequential" (the paper), or "shared": [CLS] and all labels at position 0, as in
            the authors' last release. The model numbers them; here only the room depends on it.
        seed: of the orders.

    Raises:
        ValueError: if the labels leave no room for a sentence; see also :class:`LabelPrefix`.

    Example:
        >>> collator = LabelAwareCollator(tokenizer, ["positive", "negative"])
        >>> batch = collator([{"text": "a good film"}])
        >>> tokenizer.decode(batch["input_ids"][0])
        '[CLS] positive negative [SEP] a good film [SEP]'
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerFast,
        label_words: Sequence[str],
        *,
        max_length: int = 128,
        shuffle_labels: bool = False,
        positions: Positions = "sequential",
        seed: int = 0,
    ) -> None:
        super().__init__(tokenizer, max_length=max_length)
        self.prefix = LabelPrefix(label_words, tokenizer)
        if positions == "shared":  # all labels stand at 0, so the encoder has room for them
            self.max_length = min(max_length, tokenizer.model_max_length + self.prefix.length)
        self._check_room(3 + self.prefix.length)
        self.shuffle_labels = shuffle_labels
        self.seed = seed

    def __call__(self, examples: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
        """Build the batch.

        Shape:
            input_ids, attention_mask (N, L); labels (N,) where the examples have them; label_slots
            (N, K, pieces), -1 padded, where the order is shuffled.
        """
        sentences = [ids[: self.room] for ids in self._pieces(examples)]
        orders = [self._order(*pair) for pair in zip(examples, sentences, strict=True)]
        cls, sep = self.tokenizer.cls_token_id, self.tokenizer.sep_token_id
        rows = [
            [cls, *self.prefix.ids(order), sep, *sentence, sep]
            for order, sentence in zip(orders, sentences, strict=True)
        ]
        batch = self._pad(rows) | self._labels(examples)
        if self.shuffle_labels:
            batch["label_slots"] = torch.stack([self.prefix.slots(order) for order in orders])
        return batch

    def _order(self, example: Mapping[str, Any], sentence: list[int]) -> list[int] | None:
        if not self.shuffle_labels:
            return None
        index = example.get("index")
        if index is None:
            index = zlib.crc32(np.asarray(sentence, dtype=np.int64).tobytes())
        draw = np.random.default_rng([self.seed, int(example.get("epoch", 0)), int(index)])
        return draw.permutation(len(self.prefix.words)).tolist()


class BatchPlan:
    """Which examples go into which batch, the same for every method (lesson 06).

    Examples are shuffled, sorted by length within windows of ``WINDOW`` batches so that little
    padding is computed, cut into batches, and the batches shuffled. A remainder of one example
    joins the batch before it.

    With pairing, examples of near length change places between batches as long as that leaves fewer
    lone anchors: an example alone of its class in its batch has no positive, and a contrastive loss
    cannot use it (lesson 03).

    Args:
        lengths: number of tokens of each example.
        labels: class index of each example.
        batch_size: examples in a batch.
        seed: with the epoch it fixes the plan.
        pairing: whether lone anchors are given a partner where counts allow.

    Example:
        >>> for epoch in range(10):
        ...     for batch in plan.epoch(epoch):
        ...         examples = [dataset[i] for i in batch]
    """

    WINDOW = 50

    def __init__(
        self,
        lengths: Sequence[int],
        labels: Sequence[int],
        batch_size: int,
        *,
        seed: int,
        pairing: bool = True,
    ) -> None:
        if len(lengths) != len(labels) or not len(lengths):
            raise ValueError(
                f"Expected one length and one label for each of at least one example, got "
                f"{len(lengths)} and {len(labels)}."
            )
        if batch_size < 2:
            raise ValueError(f"Expected a batch_size of at least 2, got {batch_size}.")
        self.lengths = np.asarray(lengths)
        self.labels = np.unique(np.asarray(labels), return_inverse=True)[1]
        self.batch_size, self.seed, self.pairing = batch_size, seed, pairing
        self.steps = max(1, len(self.lengths) // batch_size + (len(self.lengths) % batch_size > 1))

    def epoch(self, number: int) -> list[list[int]]:
        """Return the batches of one epoch as lists of example indices, each index exactly once."""
        draw = np.random.default_rng([self.seed, number])
        order = draw.permutation(len(self.lengths))
        width = self.WINDOW * self.batch_size
        for start in range(0, len(order), width):
            window = order[start : start + width]
            order[start : start + width] = window[np.argsort(self.lengths[window], kind="stable")]
        bounds = [min(i * self.batch_size, len(order)) for i in range(self.steps)] + [len(order)]
        batch_of = np.repeat(np.arange(self.steps), np.diff(bounds))
        if self.pairing:
            self._pair(order, batch_of)
        batches = [order[a:b].tolist() for a, b in pairwise(bounds)]
        return [batches[i] for i in draw.permutation(self.steps)]

    def _pair(self, order: np.ndarray, batch_of: np.ndarray) -> None:
        """Swap examples between batches, in place, until no swap leaves fewer lone anchors."""
        labels = self.labels[order]
        counts = np.zeros((self.steps, labels.max() + 1), dtype=int)
        np.add.at(counts, (batch_of, labels), 1)
        for reach in (self.WINDOW, self.steps):  # near batches first: they hold near lengths
            for batch in range(self.steps):
                near = np.flatnonzero(abs(batch_of - batch) <= reach)
                while (counts[batch] == 1).any():
                    swap = self._best_swap(batch, near, order, labels, batch_of, counts)
                    if swap is None:
                        break
                    here, there = swap
                    for place, gone, come in ((batch, here, there), (batch_of[there], there, here)):
                        counts[place, labels[gone]] -= 1
                        counts[place, labels[come]] += 1
                    order[[here, there]] = order[[there, here]]
                    labels[[here, there]] = labels[[there, here]]

    def _best_swap(
        self,
        batch: int,
        near: np.ndarray,
        order: np.ndarray,
        labels: np.ndarray,
        batch_of: np.ndarray,
        counts: np.ndarray,
    ) -> tuple[int, int] | None:
        """Find the swap that removes most lone anchors; of equal ones that of nearest lengths."""
        there = near[batch_of[near] != batch]
        best, best_key = None, (0, 0)
        for own in np.flatnonzero(counts[batch]):
            other = labels[there]
            theirs = counts[batch_of[there]]
            row = np.arange(len(there))
            change = _lone(counts[batch, own], -1) + _lone(counts[batch, other], +1)
            change = change + _lone(theirs[row, other], -1) + _lone(theirs[row, own], +1)
            change[other == own] = 0
            if not len(change) or change.min() > best_key[0] or change.min() == 0:
                continue
            places = np.flatnonzero((batch_of == batch) & (labels == own))
            good = there[change == change.min()]
            apart = abs(self.lengths[order[places]][:, None] - self.lengths[order[good]][None, :])
            i, j = np.unravel_index(apart.argmin(), apart.shape)
            key = (int(change.min()), int(apart[i, j]))
            if key < best_key:
                best, best_key = (int(places[i]), int(good[j])), key
        return best


def _lone(count: np.ndarray, step: int) -> np.ndarray:
    """Return the change in the number of lone anchors when a count of one class moves by a step."""
    return (count + step == 1).astype(int) - (np.asarray(count) == 1)
