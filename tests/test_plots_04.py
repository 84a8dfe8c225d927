"""Figures and the box of lesson 04: they draw, and what they draw is right."""

import ipywidgets
import pandas as pd
import pytest
import torch

from dualcl_tutorial import notebook
from dualcl_tutorial.example import CLASSES, SENTENCES, hand_batch
from dualcl_tutorial.inputs import LabelAwareCollator, LabelPrefix
from dualcl_tutorial.model import DualCLModel
from dualcl_tutorial.plots import lesson04 as plots
from dualcl_tutorial.widgets import lesson04 as widgets

Z, THETA, Y = hand_batch()
WORDS = ["positive", "negative"]


@pytest.fixture(scope="module")
def model(tiny_bert):
    return DualCLModel.from_encoder(tiny_bert, WORDS)


def words_of(axes):
    return [text.get_text() for text in axes.texts]


def titles(axes):
    return axes.get_title() + axes.get_title(loc="left")


def test_owners_follow_the_slots(model):
    words = ["abbreviation", "positive"]  # the first has several pieces here
    slots = LabelPrefix(words, model.tokenizer).slots()
    batch = LabelAwareCollator(model.tokenizer, words)([{"text": "a good film"}])
    owner = plots.owners([""] * batch["input_ids"].shape[1], slots)
    assert owner.count(0) == int((slots[0] >= 0).sum()) > 1
    assert owner.count(1) == 1
    assert owner[0] is None


def test_strip_shows_every_token_and_number():
    tokens = ["[CLS]", "Ġfilm", "food", "[SEP]"]
    rows = {"position": [0, 1, 2, 3], "shared": [0, 0, 0, 1]}
    figure = plots.prefix_strip(tokens, [None, 0, 1, None], rows, title="Two labels")
    shown = words_of(figure.axes[0])
    assert [word for word in shown if word in ("[CLS]", "_film", "food", "[SEP]")] == [
        "[CLS]",
        "_film",
        "food",
        "[SEP]",
    ]
    assert sum(word in "0123" for word in shown) == 8
    assert {"position", "shared"} <= set(shown)


@pytest.mark.parametrize(("text", "drawn"), [("film", True), ("naïve θ", True), ("体育", False)])
def test_legible_is_what_the_font_can_draw(text, drawn):
    assert plots.legible(text) is drawn


@pytest.mark.filterwarnings("error")  # a missing glyph is a warning
def test_chinese_labels_become_class_numbers():
    figure = plots.prefix_strip(["[CLS]", "体", "的"], [None, 0, None], {}, title="x")
    notebook._png(figure)
    assert words_of(figure.axes[0]) == ["[CLS]", "class 0", "?"]


@pytest.mark.parametrize("chosen", [(0,), (0, 4), (1, 3, 5)])
def test_each_sentence_is_drawn_with_its_own_columns(chosen):
    figure = plots.two_classifiers(Z, THETA, CLASSES, SENTENCES, chosen)
    for axes, i in zip(figure.axes, chosen, strict=True):
        (star,) = (line for line in axes.lines if line.get_marker() == "*")
        assert [float(v[0]) for v in star.get_data()] == Z[i].tolist()
        arrows = [text.xy for text in axes.texts if hasattr(text, "xy")]
        assert [list(xy) for xy in arrows] == THETA[i].tolist()
        assert CLASSES[int(Y[i])] in titles(axes)


def test_order_scatter_counts_the_answers_that_change():
    usual = torch.tensor([[2.0, 0.0], [0.0, 2.0], [1.0, 0.0], [3.0, 0.0]])
    turned = torch.tensor([[2.0, 0.0], [0.0, 2.0], [0.0, 1.0], [3.0, 0.0]])
    labels = torch.tensor([0, 1, 0, 0])
    figure = plots.order_scatter({"A": (usual, turned), "B": (usual, usual)}, labels, other="o")
    first, second = figure.axes
    assert "25%" in titles(first)
    assert "0%" in titles(second)
    same, other = (points.get_offsets() for points in first.collections)
    assert len(same) == 3
    assert len(other) == 1
    expected = [usual.softmax(1)[2, 0].item(), turned.softmax(1)[2, 0].item()]
    assert list(other[0]) == pytest.approx(expected)


def test_pieces_figure_draws_the_table():
    rows = [
        ("mean", 1, 2.0, 0.2),
        ("mean", 4, 2.1, 0.3),
        ("sum", 1, 2.0, 0.2),
        ("sum", 4, 8.0, 0.9),
    ]
    frame = pd.DataFrame(rows, columns=["reading", "pieces", "norm", "share"])
    left, right = plots.pieces_figure(frame, true_share=0.25).axes
    assert [list(line.get_ydata()) for line in left.lines] == [[2.0, 2.1], [2.0, 8.0]]
    assert list(right.lines[1].get_ydata()) == [0.2, 0.9]
    assert right.lines[2].get_ydata()[0] == 0.25


def test_scored_prefix_agrees_with_the_model(model):
    text = "the story is slow, cold and long."
    tokens, slots, probabilities = widgets.scored_prefix(model, WORDS, text)
    assert tokens[:4] == ["[CLS]", *WORDS, "[SEP]"]
    assert slots.tolist() == [[1], [2]]
    expected = model.predict([text])[0]["scores"]
    assert probabilities == pytest.approx([expected[word] for word in WORDS], abs=1e-5)


@pytest.mark.parametrize(
    ("words", "sentence", "said"),
    [
        ("positive, positive", "a film", "positive"),
        ("positive", "a film", "two label words"),
        ("positive,,negative", "a film", "empty"),
        ("体育, positive", "a film", "[UNK]"),
        ("positive, negative", "  ", "at least one word"),
    ],
)
def test_what_cannot_be_used_is_said_in_the_picture(model, words, sentence, said):
    figure = widgets.typed_prefix(model, words, sentence)
    assert said in "".join(words_of(figure.axes[0]))


def test_typing_changes_picture_and_text(model):
    labels, text = ipywidgets.Text("positive, negative"), ipywidgets.Text("a good film")

    def draw(words, sentence):
        return widgets.typed_prefix(model, words, sentence)

    box, _ = notebook.live_box(draw, alt="Scores.", words=labels, sentence=text)
    *_, words, picture = box.children
    before = picture.value
    labels.value = "negative, positive, story"
    assert picture.value != before
    assert "story" in words.value
    assert "not drawn" not in words.value
    text.value = "the story is slow, cold and long and the music of the film is loud, too, and long"
    assert "not drawn" not in words.value
    bars = widgets.typed_prefix(model, labels.value, text.value).axes[1].patches
    assert sum(bar.get_width() for bar in bars) == pytest.approx(1, abs=1e-5)
