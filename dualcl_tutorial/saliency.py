"""Where the model looks, and whether to believe it (lesson 10).

Every score takes a model, CE or DualCL, and texts, and gives a list of :class:`Saliency`, one a
text: a number a word, higher for more. Label words, [CLS] and separators are told apart by their
place and never count as words. :func:`faithfulness` says what any of the scores is worth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dualcl_tutorial import _looking
from dualcl_tutorial._faithfulness import (
    deletion_curve,
    faithfulness,
    leave_one_out,
    random_scores,
)
from dualcl_tutorial._looking import Merge, Parts, Pieces, Saliency, result
from dualcl_tutorial.model import TextClassifier

__all__ = [
    "Saliency",
    "attention_from_cls",
    "attention_from_label",
    "cls_word_distance",
    "deletion_curve",
    "faithfulness",
    "gradient_x_input",
    "integrated_gradients",
    "leave_one_out",
    "random_scores",
    "roll_out",
    "rollout",
]


def cls_word_distance(
    model: TextClassifier, texts: str | Sequence[str], *, merge: Merge = "mean"
) -> list[Saliency]:
    """Say how near the feature of each word lies to the feature of [CLS]: the paper's Figure 4.

    The l2 distance of a word's last hidden state to z. The paper does not say how a distance
    becomes a colour; here a word scores how much nearer it lies than the farthest of its sentence.

    Args:
        model: any of the two models.
        texts: one or more.
        merge: how the distances of a word's pieces become one.

    Raises:
        ValueError: if a text is empty; so too in all scores below.
    """

    def rows(seen: dict[str, Any], _predicted: Tensor) -> Tensor:
        hidden = seen["last_hidden_state"]  # (N, L, d)
        return (hidden - hidden[:, :1]).norm(dim=-1)  # (N, L)

    def nearness(far: Parts) -> Parts:
        most = far.words.max()
        return Parts(most - far.words, {k: most - v for k, v in far.labels.items()}, None)

    return _scores(model, texts, f"nearness to [CLS], pieces: {merge}", rows, merge, turn=nearness)


def attention_from_cls(
    model: TextClassifier,
    texts: str | Sequence[str],
    *,
    layer: int = -1,
    head: int | None = None,
    merge: Merge = "sum",
) -> list[Saliency]:
    """Read the row of [CLS] out of a layer's attention weights.

    Args:
        model: any of the two models.
        texts: one or more.
        layer: from 0; -1 is the last.
        head: from 0; the mean of all heads if not given.
        merge: how the weights of a word's pieces become one; with "sum", words, labels and special
            tokens together have 1.

    Raises:
        ValueError: if there is no such layer or head.
    """

    def rows(seen: dict[str, Any], _predicted: Tensor) -> Tensor:
        return _heads(seen["attentions"][layer], head)[:, 0]  # (N, L)

    name = f"attention from [CLS], {_place(model, layer, head)}, pieces: {merge}"
    return _scores(model, texts, name, rows, merge, output_attentions=True)


def attention_from_label(
    model: TextClassifier,
    texts: str | Sequence[str],
    *,
    layer: int = -1,
    head: int | None = None,
    merge: Merge = "sum",
) -> list[Saliency]:
    """Read the row of the predicted label's token, which DualCL's logit reads as much as [CLS].

    A label of several pieces has the mean of their rows, as theta has. Arguments as in
    :func:`attention_from_cls`.

    Raises:
        ValueError: for a model that reads no labels; if there is no such layer or head.
    """
    slots = _looking.prefix_slots(model)
    if not slots:
        raise ValueError("Expected a model that reads label words (DualCL): this one reads none.")

    def rows(seen: dict[str, Any], predicted: Tensor) -> Tensor:
        weights = _heads(seen["attentions"][layer], head)  # (N, L, L)
        return torch.stack(
            [w[slots[k]].mean(0) for w, k in zip(weights, predicted.tolist(), strict=True)]
        )

    name = f"attention from the predicted label, {_place(model, layer, head)}, pieces: {merge}"
    return _scores(model, texts, name, rows, merge, output_attentions=True)


def rollout(
    model: TextClassifier, texts: str | Sequence[str], *, merge: Merge = "sum"
) -> list[Saliency]:
    """Follow attention through all layers to [CLS]; see :func:`roll_out`."""

    def rows(seen: dict[str, Any], _predicted: Tensor) -> Tensor:
        means = torch.stack([weights.mean(1) for weights in seen["attentions"]], 1)
        return torch.stack([roll_out(mean)[0] for mean in means])  # (N, L)

    name = f"attention rollout to [CLS], all layers, pieces: {merge}"
    return _scores(model, texts, name, rows, merge, output_attentions=True)


def roll_out(attentions: Tensor) -> Tensor:
    """Multiply attention through the layers: half of it, half the token's own path.

    R_1 = A_1 and R_l = A_l R_(l-1) with A_l = (attention of layer l + identity) / 2
    (Abnar and Zuidema 2020, arXiv 2005.00928).

    Shape:
        attentions (layers, L, L), a mean over heads, rows that sum to 1 -> (L, L), likewise.
    """
    own = torch.eye(attentions.shape[-1], dtype=attentions.dtype, device=attentions.device)
    rolled = own
    for weights in attentions:
        rolled = (weights + own) / 2 @ rolled
    return rolled


def gradient_x_input(
    model: TextClassifier, texts: str | Sequence[str], *, merge: Merge = "sum"
) -> list[Saliency]:
    """Multiply each word's embedding by the gradient of the predicted class's logit there.

    In DualCL the gradient flows through both, z and the theta of the predicted class.
    """
    return _attributions(model, texts, f"gradient x input, pieces: {merge}", merge, None)


def integrated_gradients(
    model: TextClassifier, texts: str | Sequence[str], *, steps: int = 32, merge: Merge = "sum"
) -> list[Saliency]:
    """Sum the gradient on the way from a sentence of [PAD] to the sentence itself.

    The straight way between the embeddings of both, in Gauss-Legendre steps (Sundararajan et al.
    2017, arXiv 1703.01365). [CLS], labels and separators stay as they are, so they score 0. With
    merge "sum", scores add up to the logit of the sentence minus that of the [PAD]s.

    Args:
        model: any of the two models.
        texts: one or more.
        steps: points on the way; each costs a pass forward and a pass back.
        merge: how the attributions of a word's pieces become one.
    """
    name = f"integrated gradients, {steps} steps, pieces: {merge}"
    return _attributions(model, texts, name, merge, steps)


def _part(model: TextClassifier, sentence: Pieces, row: Tensor, merge: Merge) -> Parts:
    """Tell words, labels and special tokens of one row apart by their place, (L,) of numbers."""
    values = row.double().cpu().numpy()
    start, slots = _looking.sentence_start(model), _looking.prefix_slots(model)
    stop = start + len(sentence.ids)
    words = _looking.merged(values[start:stop], sentence, merge)
    whole: Any = {"sum": np.sum, "max": np.max, "mean": np.mean}[merge]
    labels = {
        word: float(whole(values[there]))
        for word, there in zip(model.label_words, slots, strict=False)
    }
    special = [0, stop] + ([start - 1] if slots else [])
    return Parts(words, labels, float(values[special].sum()))


def _scores(
    model: TextClassifier,
    texts: str | Sequence[str],
    name: str,
    rows: Callable[[dict[str, Any], Tensor], Tensor],
    merge: Merge,
    turn: Callable[[Parts], Parts] = lambda parts: parts,
    **wanted: bool,
) -> list[Saliency]:
    """Score tokens by what a forward pass leaves: rows gives (N, L) of it and the predictions."""
    sentences = _looking.read(model, texts)
    found: list[Any] = [None] * len(sentences)
    with (
        _looking.still(model, attention=bool(wanted)),
        _looking.kept(model, **wanted) as seen,
        torch.inference_mode(),
    ):
        for batch in _looking.batches([len(s.ids) for s in sentences]):
            out = model(**_looking.framed(model, [sentences[i].ids for i in batch]))
            if wanted and not seen.get("attentions"):
                raise RuntimeError(
                    f"Expected attention weights, but {type(model.encoder).__name__} gives none "
                    "even in eager mode: choose another score or another encoder."
                )
            scored = rows(seen, out.logits.argmax(-1))
            for i, row, p in zip(batch, scored, out.logits.softmax(-1), strict=True):
                parts = turn(_part(model, sentences[i], row, merge))
                found[i] = result(model, sentences[i], p, name, parts)
    return found


def _heads(weights: Tensor, head: int | None) -> Tensor:
    return weights.mean(1) if head is None else weights[:, head]  # (N, L, L)


def _place(model: TextClassifier, layer: int, head: int | None) -> str:
    """Say in words which layer and head are meant, counted from 1."""
    layers = model.encoder.config.num_hidden_layers
    heads = model.encoder.config.num_attention_heads
    if not -layers <= layer < layers:
        raise ValueError(f"Expected a layer from 0 to {layers - 1}, or -1, got {layer}.")
    if head is not None and not 0 <= head < heads:
        raise ValueError(f"Expected a head from 0 to {heads - 1}, or None, got {head}.")
    which = f"mean of {heads} heads" if head is None else f"head {head + 1} of {heads}"
    return f"layer {layer % layers + 1} of {layers}, {which}"


def _attributions(
    model: TextClassifier,
    texts: str | Sequence[str],
    name: str,
    merge: Merge,
    steps: int | None,
) -> list[Saliency]:
    """Score tokens by gradients at their embeddings; without steps at the sentence alone."""
    sentences = _looking.read(model, texts)
    found: list[Any] = [None] * len(sentences)
    look_up: Any = model.encoder.get_input_embeddings()
    with _looking.still(model):
        for rows in _looking.batches([len(s.ids) for s in sentences]):
            batch = _looking.framed(model, [sentences[i].ids for i in rows])
            with torch.no_grad():
                p = model(**batch).logits.softmax(-1)  # (N, K)
                whole = look_up(batch["input_ids"])  # (N, L, d)
                base = torch.zeros_like(whole)
                if steps is not None:
                    base = look_up(_blank(model, batch, [len(sentences[i].ids) for i in rows]))
            slope = torch.zeros_like(whole)
            for at, weight in _way(steps):
                slope += weight * _gradient(model, batch, base + at * (whole - base), p.argmax(-1))
            scored = ((whole - base) * slope).sum(-1)  # (N, L)
            for i, row, chances in zip(rows, scored, p, strict=True):
                parts = _part(model, sentences[i], row, merge)
                found[i] = result(model, sentences[i], chances, name, parts)
    return found


def _blank(model: TextClassifier, batch: dict[str, Tensor], lengths: Sequence[int]) -> Tensor:
    """Replace the sentence's tokens by [PAD] and leave [CLS], labels and separators, (N, L)."""
    ids = batch["input_ids"]
    place = torch.arange(ids.shape[1], device=ids.device) - _looking.sentence_start(model)
    inside = (place >= 0) & (place < torch.tensor(lengths, device=ids.device)[:, None])
    return ids.masked_fill(inside, model.tokenizer.pad_token_id)


def _way(steps: int | None) -> Iterator[tuple[float, float]]:
    """Yield points between 0 and 1 with their weights; the end alone without steps."""
    if steps is None:
        yield 1.0, 1.0
        return
    points, weights = np.polynomial.legendre.leggauss(steps)
    yield from zip(((points + 1) / 2).tolist(), (weights / 2).tolist(), strict=True)


def _gradient(
    model: TextClassifier, batch: dict[str, Tensor], embeddings: Tensor, classes: Tensor
) -> Tensor:
    """Differentiate each sentence's logit of a class by its word embeddings, (N, L, d).

    The layer that looks embeddings up is made to give these instead: tokens, and with them the
    positions, stay those of the sentence.
    """
    embeddings = embeddings.detach().requires_grad_()
    layer = model.encoder.get_input_embeddings()
    hook = layer.register_forward_hook(lambda _module, _args, _output: embeddings)
    try:
        with torch.enable_grad():
            logits = model(**batch).logits
            (slope,) = torch.autograd.grad(logits.gather(1, classes[:, None]).sum(), embeddings)
    finally:
        hook.remove()
    return slope
