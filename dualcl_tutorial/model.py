"""Batches to z, theta and logits (lesson 04), and the cross-entropy model of lesson 01 beside it.

Importing this module registers both models with AutoConfig, AutoModel and
AutoModelForSequenceClassification, so that ``transformers.pipeline("text-classification", folder)``
opens a saved folder and scores as :meth:`TextClassifier.predict` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForSequenceClassification,
    PreTrainedTokenizerFast,
)

from dualcl_tutorial._classifier import (
    DualOutput,
    TextClassifier,
    TextClassifierConfig,
    framing_tokenizer,
    position_limit,
)
from dualcl_tutorial.encoders import load_encoder
from dualcl_tutorial.inputs import LabelAwareCollator, PlainCollator, Positions, label_slots
from dualcl_tutorial.losses import cross_entropy, dualcl_loss, label_logits

__all__ = [
    "CrossEntropyConfig",
    "CrossEntropyModel",
    "DualCLConfig",
    "DualCLModel",
    "DualOutput",
    "TextClassifier",
    "read_theta",
]


class DualCLConfig(TextClassifierConfig):
    """Config of :class:`DualCLModel`: besides, what places the labels and weighs the loss."""

    model_type = "dualcl"

    def __init__(
        self,
        piece_counts: Sequence[int] = (),
        positions: Positions = "sequential",
        weight: float = 0.1,
        contrastive_temperature: float = 0.1,
        **kwargs: Any,
    ) -> None:
        self.piece_counts = list(piece_counts)
        self.positions = positions
        self.weight = weight
        self.contrastive_temperature = contrastive_temperature
        super().__init__(**kwargs)


class CrossEntropyConfig(TextClassifierConfig):
    """Config of :class:`CrossEntropyModel`."""

    model_type = "dualcl-cross-entropy"

    def __init__(self, head_dropout: float = 0.1, **kwargs: Any) -> None:
        self.head_dropout = head_dropout
        super().__init__(**kwargs)


class DualCLModel(TextClassifier):
    """DualCL: one forward pass gives a feature and, from the label words, a classifier (lesson 04).

    There is no head: the score of class k is theta_i^k . z_i, and all parameters are the encoder's.

    Example:
        >>> model = DualCLModel.from_encoder("minilm", ["positive", "negative"])
        >>> model(**model.collator()([{"text": "a good film"}])).theta.shape
        torch.Size([1, 2, 384])
    """

    config_class = DualCLConfig

    def __init__(self, config: DualCLConfig) -> None:
        super().__init__(config)
        self.post_init()

    @classmethod
    def from_encoder(
        cls,
        encoder: str | Path,
        label_words: Sequence[str],
        *,
        positions: Positions = "sequential",
        max_length: int = 128,
        weight: float = 0.1,
        temperature: float = 0.1,
    ) -> Self:
        """Put label words before a pretrained encoder.

        Args:
            encoder: a name of :mod:`dualcl_tutorial.encoders`, a hub id or a folder.
            label_words: the word or words of each class, in class order.
            positions: "sequential" (the paper) or "shared" (0 for [CLS] and labels: the release).
            max_length: longest input in tokens, labels included, if the encoder allows it.
            weight: lambda of the contrastive part of ``loss``.
            temperature: tau of the contrastive part of ``loss``.

        Raises:
            ValueError: for label words that will not do, see
                :class:`~dualcl_tutorial.inputs.LabelPrefix`.
        """
        if positions not in ("sequential", "shared"):
            raise ValueError(f'Expected positions "sequential" or "shared", got {positions!r}.')
        body, tokenizer = load_encoder(str(encoder))
        tokenizer.model_max_length = min(tokenizer.model_max_length, position_limit(body))
        return cls._labelled(
            body,
            tokenizer,
            label_words,
            max_length,
            positions=positions,
            weight=weight,
            contrastive_temperature=temperature,
        )

    def with_label_words(self, label_words: Sequence[str]) -> Self:
        """Put other label words, as many as wanted, before the same encoder (lesson 00).

        Nothing is trained: the classifier is read off the new words. The encoder is shared, not
        copied, so that training one of the two models changes both; the mode, training or not, is
        kept.

        Raises:
            ValueError: for label words that will not do, see
                :class:`~dualcl_tutorial.inputs.LabelPrefix`.

        Example:
            >>> model.with_label_words(["good", "bad"]).predict(["the battery died after a week"])
        """
        kept = {
            k: getattr(self.config, k) for k in ("positions", "weight", "contrastive_temperature")
        }
        tokenizer = framing_tokenizer(self.tokenizer, position_limit(self.encoder))
        length = self.config.max_input_length
        model = self._labelled(self.encoder, tokenizer, label_words, length, **kept)
        return model.train(self.training)

    @classmethod
    def _labelled(
        cls,
        body: Any,
        tokenizer: PreTrainedTokenizerFast,
        label_words: Sequence[str],
        max_length: int,
        *,
        positions: Positions,
        **settings: float,
    ) -> Self:
        """Frame a tokenizer with label words and put an encoder behind it."""
        collator = LabelAwareCollator(
            tokenizer, label_words, max_length=max_length, positions=positions
        )
        prefix = collator.prefix
        config = DualCLConfig(
            encoder_config=body.config.to_dict(),
            label_words=prefix.words,
            piece_counts=[len(pieces) for pieces in prefix.pieces],
            positions=positions,
            max_input_length=collator.max_length,
            **settings,
        )
        model = cls._assemble(body, config)
        model.tokenizer = framing_tokenizer(tokenizer, collator.max_length, prefix)
        return model

    def collator(self, *, shuffle_labels: bool = False, seed: int = 0) -> LabelAwareCollator:
        """Return the collator that builds this model's batches, label order shuffled or not."""
        return LabelAwareCollator(
            self.tokenizer,
            self.label_words,
            max_length=self.config.max_input_length,
            shuffle_labels=shuffle_labels,
            positions=self.config.positions,
            seed=seed,
        )

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        label_slots: Tensor | None = None,
    ) -> DualOutput:
        """Read z and theta off one pass through the encoder and score each class with them.

        Args:
            input_ids: tokens, the label prefix in front.
            attention_mask: 1 for tokens, 0 for padding.
            labels: class indices, -1 for padding; with them the loss is computed.
            label_slots: where the pieces of each label stand, -1 padded, where their order was
                shuffled; class order if not given.

        Shape:
            input_ids, attention_mask (N, L), labels (N,), label_slots (N, K, pieces).
        """
        hidden = self.hidden_states(input_ids, attention_mask)  # (N, L, d)
        z = hidden[:, 0]  # (N, d)
        theta = read_theta(hidden, self._slots(hidden) if label_slots is None else label_slots)
        logits = label_logits(z, theta)  # (N, K)
        loss: Any = None
        if labels is not None:
            weight, tau = self.config.weight, self.config.contrastive_temperature
            loss = dualcl_loss(z, theta, labels, weight=weight, temperature=tau).total
        return DualOutput(z=z, theta=theta, logits=logits, loss=loss)

    def _slots(self, hidden: Tensor) -> Tensor:
        slots = label_slots(self.config.piece_counts).to(hidden.device)
        return slots.expand(len(hidden), -1, -1)  # (N, K, pieces)

    def _positions(self, input_ids: Tensor) -> dict[str, Tensor]:
        if self.config.positions == "sequential":
            return {}  # the encoder's own: from 0 in BERT, after the padding row in RoBERTa
        position = torch.arange(input_ids.shape[1], device=input_ids.device)
        shared = (position - sum(self.config.piece_counts)).clamp(min=0)  # [CLS] and labels at 0
        return {"position_ids": shared.expand_as(input_ids)}


def read_theta(hidden: Tensor, slots: Tensor) -> Tensor:
    """Average the hidden states of each label's pieces (lesson 04).

    Shape:
        hidden (N, L, d), slots (N, K, pieces) with -1 for no piece -> theta (N, K, d).
    """
    there = (slots >= 0).unsqueeze(-1)  # (N, K, pieces, 1)
    sentence = torch.arange(len(hidden), device=hidden.device)[:, None, None]
    pieces = hidden[sentence, slots.clamp(min=0)] * there  # (N, K, pieces, d)
    return pieces.sum(2) / there.sum(2)


class CrossEntropyModel(TextClassifier):
    """The usual way: [CLS] feature, dropout, linear head, cross-entropy (lesson 01).

    The same interface as :class:`DualCLModel`; ``theta`` is None, because this classifier is the
    same for every sentence.
    """

    config_class = CrossEntropyConfig

    def __init__(self, config: CrossEntropyConfig) -> None:
        super().__init__(config)
        self.dropout = nn.Dropout(config.head_dropout)
        self.head = nn.Linear(self.encoder.config.hidden_size, len(config.label_words))
        self.post_init()

    @classmethod
    def from_encoder(
        cls, encoder: str | Path, label_words: Sequence[str], *, max_length: int = 128
    ) -> Self:
        """Put a linear head, drawn from torch's global generator, on a pretrained encoder.

        Args:
            encoder: a name of :mod:`dualcl_tutorial.encoders`, a hub id or a folder.
            label_words: the name of each class, in class order; not seen by the model.
            max_length: longest input in tokens; the encoder's limit holds if lower.

        Raises:
            ValueError: if there are fewer than two classes or a name occurs twice.
        """
        words = [str(word) for word in label_words]
        if len(words) < 2 or len(set(words)) < len(words):
            raise ValueError(f"Expected at least two classes of different names, got {words}.")
        body, tokenizer = load_encoder(str(encoder))
        limit = min(max_length, tokenizer.model_max_length, position_limit(body))
        config = CrossEntropyConfig(
            encoder_config=body.config.to_dict(), label_words=words, max_input_length=limit
        )
        model = cls._assemble(body, config)
        model.tokenizer = framing_tokenizer(tokenizer, limit)
        return model

    def collator(self, *, shuffle_labels: bool = False, seed: int = 0) -> PlainCollator:
        """Return the collator that builds this model's batches; there are no labels to shuffle."""
        return PlainCollator(self.tokenizer, max_length=self.config.max_input_length)

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
    ) -> DualOutput:
        """Score each class with one weight matrix for all sentences.

        Shape:
            input_ids, attention_mask (N, L), labels (N,), -1 for padding.
        """
        z = self.hidden_states(input_ids, attention_mask)[:, 0]  # (N, d)
        logits = self.head(self.dropout(z)).float()  # (N, K)
        loss: Any = None if labels is None else cross_entropy(logits, labels)
        return DualOutput(z=z, logits=logits, loss=loss)


for _config, _model in ((DualCLConfig, DualCLModel), (CrossEntropyConfig, CrossEntropyModel)):
    AutoConfig.register(_config.model_type, _config)
    AutoModel.register(_config, _model)
    AutoModelForSequenceClassification.register(_config, _model)
