"""What lesson 00 asks and shows: the machine, two models compared, boxes to type into."""

from __future__ import annotations

import functools
import html
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from dualcl_tutorial import notebook
from dualcl_tutorial.plots import lesson00 as plots
from dualcl_tutorial.plots.lesson00 import Geometry, Paired, Reading

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from dualcl_tutorial.model import DualCLModel, TextClassifier


def machine_check() -> str:
    """Say what the course finds on this machine and what to do about what it does not.

    Folders are left out, so that the text can be shown to anybody; ``dualcl doctor`` has them.
    """
    from dualcl_tutorial._doctor import examine

    found = examine()
    versions, machine = found["versions"], found["machine"]
    lines = [
        f"ok    computes on {machine['device']}, {machine['cores']} cores, "
        f"memory {machine['memory']}"
    ]
    for package in ("python", "torch", "transformers", "ipywidgets"):
        there = versions[package] != "not installed"
        advice = "" if there else f": pip install {package}, or the boxes below stay pictures"
        lines.append(f"{'ok' if there else 'LACKS':<6}{package} {versions[package]}{advice}")
    for kind, title in (("encoders", "encoder"), ("corpora", "corpus")):
        for row in found[kind]:
            state = "ok" if row["available"] else "later"
            advice = "" if row["available"] else f": {row['advice']}"
            lines.append(f"{state:<6}{title} {row['name']}{advice}")
    return "\n".join(lines)


def paired(labels: Sequence[int], first: Sequence[int], second: Sequence[int]) -> Paired:
    """Compare the answers of two models to the same sentences (lesson 00).

    Args:
        labels: the right class of each sentence.
        first: the class the first model says.
        second: the class the second model says.
    """
    one = np.asarray(first) == np.asarray(labels)
    two = np.asarray(second) == np.asarray(labels)
    counts = (one & two, one & ~two, ~one & two, ~one & ~two)
    return Paired(*(int(which.sum()) for which in counts))


def read(model: TextClassifier, sentence: str) -> Reading:
    """Classify a sentence, then again without each of its words (lesson 00; lesson 10 doubts it).

    Args:
        model: any of the two models.
        sentence: a text of at least one word; of a single word nothing is left to compare with.

    Raises:
        ValueError: if the sentence is empty.
    """
    words = sentence.split()
    if not words:
        raise ValueError("Type a sentence of at least one word.")
    shorter = [" ".join(words[:i] + words[i + 1 :]) for i in range(len(words)) if len(words) > 1]
    whole, *without = model.predict([" ".join(words), *shorter])
    label, scores = whole["label"], whole["scores"]
    drops = [scores[label] - answer["scores"][label] for answer in without] or [0.0]
    return Reading(label, scores, words, drops)


def geometry_of(model: DualCLModel, sentence: str) -> Geometry:
    """Read z, theta and the scores of a sentence off one pass (lesson 00; built in lesson 04).

    Raises:
        ValueError: if the sentence is empty.
    """
    if not sentence.strip():
        raise ValueError("Type a sentence of at least one word.")
    batch = model.collator()([{"text": sentence}])
    training = model.training
    model.eval()
    with torch.inference_mode():
        out = model(**{name: tensor.to(model.device) for name, tensor in batch.items()})
    model.train(training)
    z, theta, logits = (part[0].float().cpu().numpy() for part in (out.z, out.theta, out.logits))
    return Geometry(list(model.label_words), z, theta, logits)


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    """Return the cosine of the angle between two vectors: 1 for one direction, 0 for none."""
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def movement(before: Geometry, after: Geometry) -> str:
    """Say in words what other label words changed: scores, answer, and how far z and theta turned.

    Args:
        before: under the label words the model was trained with.
        after: under other label words; classes are compared in their order, as far as both go.
    """

    def line(geometry: Geometry) -> str:
        pairs = zip(geometry.words, geometry.scores, strict=True)
        scores = ", ".join(f"{word} {score:.1f}" for word, score in pairs)
        return f"{scores}, so {geometry.answer}"

    turned = [f"z {cosine(before.z, after.z):.2f}"]
    for old, new, a, b in zip(before.words, after.words, before.theta, after.theta, strict=False):
        turned.append(f"{old} to {new} {cosine(a, b):.2f}")
    said = [f"Trained words: {line(before)}", f"Your words: {line(after)}"]
    return " | ".join([*said, f"Cosines, trained to yours: {', '.join(turned)}"])


def split_words(text: str) -> list[str]:
    """Cut what a reader typed at its commas.

    Raises:
        ValueError: if there are fewer than two words.
    """
    words = [word.strip() for word in text.replace("，", ",").split(",") if word.strip()]
    if len(words) < 2:
        raise ValueError("Type at least two label words with a comma between them: good, bad")
    return words


def sentence_box(models: Mapping[str, TextClassifier], sentence: str) -> None:
    """Display a box for a sentence: what each model says, and which words it rests on.

    Args:
        models: a model by the name to show for it.
        sentence: what stands in the box at first.
    """
    import ipywidgets

    @functools.lru_cache(maxsize=4)
    def found(sentence: str) -> dict[str, Reading]:
        return {name: read(model, sentence) for name, model in models.items()}

    def draw(sentence: str) -> Figure:
        return plots.readings(found(sentence))

    def say(sentence: str) -> str:
        return " | ".join(f"{name}: {r.in_words()}" for name, r in found(sentence).items())

    display_box(draw, say, sentence=_text(ipywidgets, "your sentence", sentence))


def label_word_box(model: DualCLModel, words: str, sentence: str) -> None:
    """Display two boxes, for label words and a sentence: scores, and where z and theta go.

    Args:
        model: a trained model.
        words: what stands in the first box at first, words with commas between them.
        sentence: what stands in the second.
    """
    import ipywidgets

    @functools.lru_cache(maxsize=4)
    def relabelled(words: str) -> DualCLModel:
        return model.with_label_words(split_words(words))

    @functools.lru_cache(maxsize=4)
    def both(words: str, sentence: str) -> tuple[Geometry, Geometry]:
        return geometry_of(model, sentence), geometry_of(relabelled(words), sentence)

    display_box(
        lambda words, sentence: plots.moved(*both(words, sentence)),
        lambda words, sentence: movement(*both(words, sentence)),
        words=_text(ipywidgets, "label words", words),
        sentence=_text(ipywidgets, "sentence", sentence),
    )


def _text(ipywidgets: Any, name: str, value: str) -> Any:
    return ipywidgets.Text(
        value=value,
        description=name,
        continuous_update=False,
        layout=ipywidgets.Layout(width="95%"),
        style={"description_width": "8em"},
    )


def text_box(
    draw: Callable[..., Figure], say: Callable[..., str], **controls: Any
) -> tuple[Any | None, dict[str, Any], str]:
    """Return the container, its static twin and its alt text, undisplayed; see `display_box`.

    The container holds the controls, what `say` says, and the picture, in this order.
    """
    values = {name: control.value for name, control in controls.items()}
    first = say(**values)
    box, bundle = notebook.live_box(draw, alt=first, **controls)
    if box is None:
        return None, bundle, first
    import ipywidgets

    said = ipywidgets.HTML(value=_status(first))

    def update(_change: object = None) -> None:
        try:
            said.value = _status(say(**{name: control.value for name, control in controls.items()}))
        except Exception as error:  # what a reader types may not do; the reason is for her to read
            said.value = _status(f"Not drawn: {error} | Below is still the picture before.")

    for control in controls.values():
        control.observe(update, names="value")
    picture = box.children[-1]
    picture.layout = ipywidgets.Layout(align_self="flex-start", max_width="100%")  # never enlarged
    box.children = (*controls.values(), said, picture)
    return box, bundle, first


def display_box(draw: Callable[..., Figure], say: Callable[..., str], **controls: Any) -> None:
    """Display text boxes with a picture and a sentence below, redone at Enter or Tab.

    What `say` returns is the alt text and the static twin's text too; where the reader's words
    will not do, the reason stands in its place.

    Args:
        draw: called with the boxes' values by name; returns a new matplotlib figure.
        say: called likewise; says in words what the figure shows.
        controls: ipywidgets by name.
    """
    from IPython.display import display

    box, bundle, alt = text_box(draw, say, **controls)
    if box is not None and "google.colab" in sys.modules:
        display(box)
        return
    if box is not None:
        view = {"version_major": 2, "version_minor": 0, "model_id": box.model_id}
        bundle = {**bundle, notebook.WIDGET_VIEW: view}
    display(bundle, metadata={"image/png": {"alt": alt}}, raw=True)


def _status(text: str) -> str:
    lines = "<br>".join(html.escape(line.strip()) for line in text.split(" | "))
    return f'<div role="status" aria-live="polite" style="line-height: 1.5">{lines}</div>'
