"""Box of lesson 04: a label prefix typed by the reader."""

from __future__ import annotations

import torch
from matplotlib.figure import Figure

from dualcl_tutorial.inputs import LabelAwareCollator
from dualcl_tutorial.losses import label_logits
from dualcl_tutorial.model import DualCLModel, read_theta
from dualcl_tutorial.notebook import COLOURS
from dualcl_tutorial.plots.lesson04 import draw_strip, legible, owners

SHOWN = 14  # tokens that fit into the picture


def scored_prefix(
    model: DualCLModel, words: list[str], sentence: str
) -> tuple[list[str], torch.Tensor, list[float]]:
    """Return tokens, slots (K, pieces) and probabilities for label words of any kind.

    Raises:
        ValueError: for label words that will not do, or a sentence without a word.
    """
    if not sentence.strip():
        raise ValueError("Expected a sentence with at least one word.")
    collate = LabelAwareCollator(
        model.tokenizer, words, max_length=model.config.max_input_length, positions="sequential"
    )
    slots = collate.prefix.slots()
    batch = {k: v.to(model.device) for k, v in collate([{"text": sentence}]).items()}
    training = model.training
    model.eval()
    with torch.inference_mode():
        hidden = model.encoder(**batch).last_hidden_state  # (1, L, d)
        logits = label_logits(hidden[:, 0], read_theta(hidden, slots[None].to(hidden.device)))
    model.train(training)
    tokens = model.tokenizer.convert_ids_to_tokens(batch["input_ids"][0].tolist())
    return list(tokens), slots, logits.softmax(1)[0].tolist()


def typed_prefix(model: DualCLModel, words: str, sentence: str) -> Figure:
    """Draw tokens, slots and scores for the label words and the sentence a reader typed.

    What the tokenizer cannot write is answered with the package's message, in the picture.

    Args:
        model: gives the encoder and the tokenizer.
        words: label words, separated by commas.
        sentence: what is to be classified.
    """
    labels = [word.strip() for word in words.split(",")]
    figure = Figure(figsize=(7.4, 2.9), layout="constrained")
    try:
        tokens, slots, probabilities = scored_prefix(model, labels, sentence)
    except ValueError as error:
        axes = figure.subplots()
        axes.set_axis_off()
        said = "".join(c if legible(c) else "?" for c in str(error))
        axes.text(0, 0.5, said, wrap=True, va="center", color=COLOURS[4])
        return figure
    top, bottom = figure.subplots(2, 1, height_ratios=(0.8, 1.4))
    owner = owners(tokens, slots)
    cut = [*tokens[:SHOWN], "..."] if len(tokens) > SHOWN else tokens
    draw_strip(top, cut, [*owner[:SHOWN], None][: len(cut)], {"slot": list(range(len(cut)))})
    names = [
        f"{word if legible(word) else f'class {k}'} {[s for s in row if s >= 0]}"
        for k, (word, row) in enumerate(zip(labels, slots.tolist(), strict=True))
    ]
    places = range(len(labels))
    bottom.barh(places, probabilities, color=[COLOURS[k % len(COLOURS)] for k in places])
    for k, value in enumerate(probabilities):
        bottom.text(min(value, 0.9), k, f" {value:.2f}", va="center", fontsize=8)
    bottom.set_yticks(places, names, fontsize=8)
    bottom.invert_yaxis()
    bottom.set(xlim=(0, 1), xlabel="probability: softmax of theta . z")
    bottom.set_title("Score of each label, with the slots it is read from", fontsize=9.5)
    return figure
