"""What both models of the course share: config, saving and loading, predictions.

What tells them apart, and what lessons 01 and 04 derive, is in :mod:`dualcl_tutorial.model`.
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
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)
from transformers.utils import ModelOutput

from dualcl_tutorial.inputs import LabelPrefix, PlainCollator, sentence_pieces


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

    def outputs(
        self, texts: Sequence[str], names: Sequence[str], *, batch_size: int = 64
    ) -> list[Tensor]:
        """Run texts of any number and length through the model, without dropout.

        Args:
            texts: at least one; sorted by length inside, so that there is little padding.
            names: fields of :class:`DualOutput`.
            batch_size: texts at a time.

        Returns:
            Each field in the order of the texts, (texts, ...), float32, on the CPU.

        Raises:
            ValueError: if a text is empty.
        """
        for i, text in enumerate(texts):
            if not isinstance(text, str) or not text.strip():
                raise ValueError(f"Expected a text with at least one word, got {text!r} at {i}.")
        pieces = sentence_pieces(texts, self.tokenizer)
        order = sorted(range(len(texts)), key=lambda i: len(pieces[i]))
        collate, training = self.collator(), self.training
        found: list[list[Tensor]] = [[] for _ in names]
        self.eval()
        try:
            with torch.inference_mode():
                for start in range(0, len(order), batch_size):
                    rows = order[start : start + batch_size]
                    batch = collate([{"input_ids": pieces[i]} for i in rows])
                    batch = {name: tensor.to(self.device) for name, tensor in batch.items()}
                    out = self(**batch)
                    for kept, name in zip(found, names, strict=True):
                        kept.append(out[name].float().cpu())
        finally:
            self.train(training)
        back = torch.tensor(order).argsort()  # (texts,)
        return [torch.cat(kept)[back] for kept in found]

    def score(self, texts: str | Sequence[str], *, batch_size: int = 64) -> Tensor:
        """Score texts of any number and length, sorted by length inside.

        Returns:
            Logits in the order of the texts, (texts, K), float32, on the CPU.

        Raises:
            ValueError: if a text is empty.
        """
        texts = [texts] if isinstance(texts, str) else list(texts)
        if not texts:
            return torch.empty(0, len(self.label_words))
        return self.outputs(texts, ["logits"], batch_size=batch_size)[0]

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


def position_limit(encoder: nn.Module) -> int:
    """Longest input the position embeddings allow; RoBERTa starts after its padding row."""
    table = getattr(getattr(encoder, "embeddings", None), "position_embeddings", None)
    if isinstance(table, nn.Embedding):
        return table.num_embeddings - (0 if table.padding_idx is None else table.padding_idx + 1)
    return getattr(encoder.config, "max_position_embeddings", 10**9)


def _tokenizer_of(folder: str | Path, settings: dict[str, Any]) -> Any:
    hub = ("cache_dir", "force_download", "local_files_only", "token", "revision", "subfolder")
    return AutoTokenizer.from_pretrained(folder, **{k: settings[k] for k in hub if k in settings})
