"""Box of lesson 10: a sentence of one's own under two models, any score, any layer, any head."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from dualcl_tutorial import saliency
from dualcl_tutorial.plots import lesson10 as plots
from dualcl_tutorial.widgets.lesson00 import display_box

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from dualcl_tutorial.model import TextClassifier
    from dualcl_tutorial.saliency import Saliency

SHARE, DRAWS = 1 / 3, 20  # what is taken out for the test, and random scores beside it
ALL = "all"
LABEL = "attention from the label"
SCORES: dict[str, Callable[..., list[Saliency]]] = {
    "nearness to [CLS]": saliency.cls_word_distance,
    "attention from [CLS]": saliency.attention_from_cls,
    LABEL: saliency.attention_from_label,
    "rollout": saliency.rollout,
    "gradient x input": saliency.gradient_x_input,
    "integrated gradients": functools.partial(saliency.integrated_gradients, steps=8),
    "leave one out": saliency.leave_one_out,
}


def two_scores(
    models: Mapping[str, TextClassifier], sentence: str, score: str, layer: int, head: int | str
) -> dict[str, tuple[TextClassifier, Saliency]]:
    """Score a sentence under both models; layer and head, from 1, matter for attention only.

    The label's row exists in DualCL alone: there [CLS] and label of that model are compared.

    Args:
        models: "CE" and "DualCL".
        sentence: a text of at least one word.
        score: one of `SCORES`.
        layer: counted from 1.
        head: counted from 1, or "all" for their mean.

    Returns:
        Model and score by the name to show.

    Raises:
        ValueError: if there is no word, or more than a model reads.
    """
    place: dict[str, Any] = {}
    if score.startswith("attention"):
        place = {"layer": layer - 1, "head": None if head == ALL else int(head) - 1}
    asked = {name: (model, score) for name, model in models.items()}
    if score == LABEL:
        dual = models["DualCL"]
        asked = {"DualCL, [CLS]": (dual, "attention from [CLS]"), "DualCL, label": (dual, LABEL)}
    found = {
        name: (model, SCORES[what](model, sentence, **place)[0])
        for name, (model, what) in asked.items()
    }
    if any(s.cut for _, s in found.values()):
        words = min(len(s.words) for _, s in found.values())
        raise ValueError(f"Expected at most {words} words, which is as far as both models read.")
    return found


def tested(model: TextClassifier, found: Saliency) -> str:
    """Say what is left of the answer without the top third of the words, and at random."""
    chance = [saliency.random_scores([found], seed=seed)[0] for seed in range(DRAWS)]
    left = saliency.deletion_curve(model, [found, *chance], [SHARE])[:, 0]
    return (
        f"{found.label} {found.probability:.2f}, top words {', '.join(found.top())}; without the "
        f"top third {left[0]:.2f}, without a random third {np.mean(left[1:]):.2f}"
    )


def looking_box(models: Mapping[str, TextClassifier], sentence: str) -> None:
    """Display boxes for a sentence, a score, a layer and a head: both models and their difference.

    Args:
        models: "CE" and "DualCL", in this order.
        sentence: what stands in the box at first.
    """
    found = functools.lru_cache(maxsize=8)(functools.partial(two_scores, models))

    def draw(**chosen: Any) -> Figure:
        (one, (_, first)), (two, (_, second)) = found(**chosen).items()
        title = f"{second.score}; % of all words"
        return plots.compare([first], [second], title=title, names=(one, two))

    @functools.lru_cache(maxsize=8)
    def say(**chosen: Any) -> str:
        parts = [f"{name}: {tested(*pair)}" for name, pair in found(**chosen).items()]
        return " | ".join(parts)

    display_box(draw, say, **controls(next(iter(models.values())), sentence))


def controls(model: TextClassifier, sentence: str) -> dict[str, Any]:
    """Return the boxes: sentence, score, layer and head of an encoder."""
    import ipywidgets

    config = model.encoder.config
    style = {"style": {"description_width": "8em"}}
    heads = [ALL, *range(1, config.num_attention_heads + 1)]
    layers = config.num_hidden_layers
    return {
        "sentence": ipywidgets.Text(
            value=sentence,
            description="your sentence",
            continuous_update=False,
            layout=ipywidgets.Layout(width="95%"),
            **style,
        ),
        "score": ipywidgets.Dropdown(options=list(SCORES), value="attention from [CLS]", **style),
        "layer": ipywidgets.IntSlider(layers, min=1, max=layers, **style),
        "head": ipywidgets.Dropdown(options=heads, value=ALL, **style),
    }
