"""Batches to z, theta and logits (lesson 04), and the cross-entropy model of lesson 01 beside it.

Importing this module registers both models with AutoConfig, AutoModel and
AutoModelForSequenceClassification, so that ``transformers.pipeline("text-classification", folder)``
opens a saved folder and scores as :meth:`TextClassifier.predict` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from tokenizers import Tokenizer
from tokenizers.processors import TemplateProcessing
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)
from transformers.utils import ModelOutput

from dualcl_tutorial.encoders import load_encoder
from dualcl_tutorial.inputs import (
    LabelAwareCollator,
    LabelPrefix,
    PlainCollator,
    Positions,
    label_slots,
    sentence_pieces,
)
from dualcl_tutorial.losses import cross_entropy, dualcl_loss, label_logits


@dataclass
class DualOutput(ModelOutput):
    """What a forward pass gives.

    Attributes:
        z: feature of each sentence, the hidden state of [CLS]: (N, d).
        theta: classifier of each sentence, row k for class k: (N, K, d); None for cross-entropy.
        logits: score of each class, float32: (N, K).
        loss: scalar, only where labels were given.
    """

    z: Tensor = None  # type: ignore[assignment]  # ModelOutput wants None by default
    theta: Tensor = None  # type: ignore[assignment]
    logits: Tensor = None  # type: ignore[assignment]
    loss: Tensor = None  # type: ignore[assignment]


class TextClassifierConfig(PreTrainedConfig):
    """What both models remember: the encoder's config, the label words, the longest input.

    transformers keeps the names max_length and temperature for text generation and refuses to save
    a config that has them, hence ``max_input_length`` and ``contrastive_temperature``.
    """

    def __init__(
        self,
        encoder_config: dict[str, Any] | None = None,
        label_words: Sequence[str] = (),
        max_input_length: int = 128,
        **kwargs: Any,
    ) -> None:
        self.encoder_config = encoder_config
        self.label_words = list(label_words)
        self.max_input_length = max_input_length
        if self.label_words:
            kwargs["id2label"] = dict(enumerate(self.label_words))
            kwargs["label2id"] = {word: k for k, word in enumerate(self.label_words)}
        super().__init__(**kwargs)


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


class TextClassifier(PreTrainedModel):
    """What both models share: an encoder, a tokenizer that frames its inputs, predictions."""

    base_model_prefix = "encoder"
    _supports_sdpa = True
    tokenizer: PreTrainedTokenizerFast

    def __init__(self, config: TextClassifierConfig) -> None:
        super().__init__(config)
        settings = dict(config.encoder_config or {})
        encoder_config = AutoConfig.for_model(settings.pop("model_type"), **settings)
        self.encoder = AutoModel.from_config(encoder_config)
        if getattr(self.encoder, "pooler", None) is not None:
            self.encoder.pooler = None  # z is the hidden state of [CLS] itself

    @property
    def label_words(self) -> list[str]:
        """The label words in class order."""
        return self.config.label_words

    @classmethod
    def _assemble(cls, encoder: nn.Module, config: TextClassifierConfig) -> Self:
        model = cls(config)
        model.encoder = encoder
        return model

    @classmethod
    def from_pretrained(  # type: ignore[override]
        cls, folder: str | Path, *args: Any, **kwargs: Any
    ) -> Self:
        """Load a saved model and its tokenizer from a folder or a hub id, in float32."""
        model = super().from_pretrained(folder, *args, **{"dtype": torch.float32, **kwargs})
        (model[0] if isinstance(model, tuple) else model).tokenizer = _tokenizer_of(folder, kwargs)
        return model

    def save_pretrained(  # type: ignore[override]
        self, save_directory: str | Path, *args: Any, **kwargs: Any
    ) -> None:
        """Write config, weights (safetensors) and tokenizer, label prefix included."""
        super().save_pretrained(save_directory, *args, **kwargs)
        self.tokenizer.save_pretrained(save_directory)

    def collator(self, *, shuffle_labels: bool = False, seed: int = 0) -> PlainCollator:
        """Return the collator that builds this model's batches."""
        raise NotImplementedError

    def hidden_states(
        self, input_ids: Tensor, attention_mask: Tensor | None, **settings: Any
    ) -> Tensor:
        """Run the encoder once over each row.

        Rows longer than ``config.max_input_length`` lose the end of their sentence, as the collator
        would have cut them, so that every caller scores alike.

        Shape:
            input_ids, attention_mask (N, L) -> (N, min(L, max_length), d).
        """
        if attention_mask is None:
            attention_mask = torch.ones_like(input_ids)
        limit = self.config.max_input_length
        if input_ids.shape[1] > limit:
            last = attention_mask.sum(1, keepdim=True) - 1  # where the closing [SEP] stands, (N, 1)
            closing = torch.where(
                last >= limit, input_ids.gather(1, last), input_ids[:, [limit - 1]]
            )
            input_ids = torch.cat([input_ids[:, : limit - 1], closing], 1)
            attention_mask = attention_mask[:, :limit]
        return self.encoder(
            input_ids=input_ids,
            attention_mask=attention_mask,
            **self._positions(input_ids),
            **settings,
        ).last_hidden_state

    def _positions(self, input_ids: Tensor) -> dict[str, Tensor]:
        return {}

    def score(self, texts: str | Sequence[str], *, batch_size: int = 64) -> Tensor:
        """Score texts of any number and length, sorted by length inside.

        Returns:
            Logits in the order of the texts, (texts, K), float32, on the CPU.

        Raises:
            ValueError: if a text is empty.
        """
        texts = [texts] if isinstance(texts, str) else list(texts)
        for i, text in enumerate(texts):
            if not isinstance(text, str) or not text.strip():
                raise ValueError(f"Expected a text with at least one word, got {text!r} at {i}.")
        logits = torch.empty(len(texts), len(self.label_words))
        pieces = sentence_pieces(texts, self.tokenizer) if texts else []
        order = sorted(range(len(texts)), key=lambda i: len(pieces[i]))
        collate, training = self.collator(), self.training
        self.eval()
        try:
            with torch.inference_mode():
                for start in range(0, len(order), batch_size):
                    rows = order[start : start + batch_size]
                    batch = collate([{"input_ids": pieces[i]} for i in rows])
                    batch = {name: tensor.to(self.device) for name, tensor in batch.items()}
                    logits[rows] = self(**batch).logits.float().cpu()
        finally:
            self.train(training)
        return logits

    def predict(self, texts: str | Sequence[str], *, batch_size: int = 64) -> list[dict[str, Any]]:
        """Classify texts of any number and length.

        Returns:
            For each text its ``label``, its ``score`` (probability) and the ``scores`` of all
            classes in class order.

        Raises:
            ValueError: if a text is empty.

        Example:
            >>> DualCLModel.from_pretrained("runs/cr").predict(["the battery died after a week"])
        """
        answers = []
        for row in self.score(texts, batch_size=batch_size).softmax(-1).tolist():
            scores = dict(zip(self.label_words, row, strict=True))
            label = max(scores, key=scores.__getitem__)
            answers.append({"label": label, "score": scores[label], "scores": scores})
        return answers


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
        tokenizer.model_max_length = min(tokenizer.model_max_length, _position_limit(body))
        settings = {"weight": weight, "contrastive_temperature": temperature}
        return cls._labelled(body, tokenizer, label_words, positions, max_length, settings)

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
        config = self.config
        tokenizer = framing_tokenizer(self.tokenizer, _position_limit(self.encoder))
        settings = {
            "weight": config.weight,
            "contrastive_temperature": config.contrastive_temperature,
        }
        model = self._labelled(
            self.encoder,
            tokenizer,
            label_words,
            config.positions,
            config.max_input_length,
            settings,
        )
        return model.train(self.training)

    @classmethod
    def _labelled(
        cls,
        body: nn.Module,
        tokenizer: PreTrainedTokenizerFast,
        label_words: Sequence[str],
        positions: Positions,
        max_length: int,
        settings: dict[str, float],
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
        limit = min(max_length, tokenizer.model_max_length, _position_limit(body))
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


def framing_tokenizer(
    tokenizer: PreTrainedTokenizerFast, max_length: int, prefix: LabelPrefix | None = None
) -> PreTrainedTokenizerFast:
    """Copy a tokenizer so that it frames, and truncates, a text as the collators do.

    The frame lives in the post-processor. The copy is a plain PreTrainedTokenizerFast, because
    BertTokenizer and RobertaTokenizer build their own frame anew when loaded, without the labels.
    """
    cls, sep = tokenizer.cls_token, tokenizer.sep_token
    special: list[Any] = [(cls, tokenizer.cls_token_id), (sep, tokenizer.sep_token_id)]
    template = f"{cls} $A {sep}"
    if prefix is not None:
        ids = prefix.ids()
        tokens = tokenizer.convert_ids_to_tokens(ids)
        special.append({"id": "[LABELS]", "ids": ids, "tokens": tokens})
        template = f"{cls} [LABELS] {sep} $A {sep}"
    backend = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    backend.post_processor = TemplateProcessing(single=template, special_tokens=special)
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        model_max_length=max_length,
        model_input_names=["input_ids", "attention_mask"],
        split_special_tokens=True,
        **tokenizer.special_tokens_map,
    )


def _position_limit(encoder: nn.Module) -> int:
    """Longest input the position embeddings allow; RoBERTa starts after its padding row."""
    table = getattr(getattr(encoder, "embeddings", None), "position_embeddings", None)
    if isinstance(table, nn.Embedding):
        return table.num_embeddings - (0 if table.padding_idx is None else table.padding_idx + 1)
    return getattr(encoder.config, "max_position_embeddings", 10**9)


def _tokenizer_of(folder: str | Path, settings: dict[str, Any]) -> Any:
    hub = ("cache_dir", "force_download", "local_files_only", "token", "revision", "subfolder")
    return AutoTokenizer.from_pretrained(folder, **{k: settings[k] for k in hub if k in settings})


for _config, _model in ((DualCLConfig, DualCLModel), (CrossEntropyConfig, CrossEntropyModel)):
    AutoConfig.register(_config.model_type, _config)
    AutoModel.register(_config, _model)
    AutoModelForSequenceClassification.register(_config, _model)
