"""Figures, HTML and box of lesson 10: what they show is what was scored, and nothing gets in."""

import dataclasses
import html.parser
import re

import matplotlib.colors
import numpy as np
import pytest

from dualcl_tutorial import saliency
from dualcl_tutorial.model import CrossEntropyModel, DualCLModel
from dualcl_tutorial.plots import lesson10 as plots
from dualcl_tutorial.plots.shared import read_results
from dualcl_tutorial.saliency import Saliency
from dualcl_tutorial.widgets import lesson00
from dualcl_tutorial.widgets import lesson10 as box

WORDS = ["positive", "negative"]
HOSTILE = '</span><script>alert("x")</script> <img/src=x/onerror=alert(1)> $5 and $6 \'"> 好'


def scored(scores, *, words=None, label="positive", special=None, labels=None):
    words = words or [f"w{i}" for i in range(len(scores))]
    pieces = np.ones(len(words), dtype=int)
    return Saliency(
        tuple(words), np.array(scores), pieces, label, 0.9, "score", labels or {}, special
    )


def texts(axes):
    return [t.get_text() for t in axes.texts]


def test_compare_writes_shares_and_their_difference_into_the_cells():
    first, second = scored([1.0, 1.0, 2.0]), scored([3.0, 1.0, 0.0])
    figure = plots.compare([first], [second], title="t", truth="negative")
    figure.canvas.draw()
    both, gap = figure.axes
    assert texts(both) == ["25", "25", "50", "75", "25", "0"]
    assert texts(gap) == ["+50", "0", "-50"]
    assert [t.get_text() for t in both.get_xticklabels()] == ["w0", "w1", "w2"]
    assert all("wrong" in t.get_text() for t in both.get_yticklabels())
    assert both.images[0].get_clim() == (0, 75) and gap.images[0].get_clim() == (-50, 50)


def test_compare_counts_right_models_and_stars_only_what_all_of_five_agree_on():
    first = [scored([1.0, 1.0 + i % 2, 1.0], label=WORDS[i % 2]) for i in range(5)]
    second = [scored([4.0, 2.0 - i % 2, 1.0]) for i in range(5)]
    figure = plots.compare(first, second, title="t", truth="negative")
    both, gap = figure.axes
    names = [t.get_text() for t in both.get_yticklabels()]
    assert names == ["CE\nnegative: 2 of 5", "DualCL\nnegative: 0 of 5"]
    shares = [np.stack([100 * s.scores / s.scores.sum() for s in side]) for side in (first, second)]
    gaps = shares[1] - shares[0]
    wanted = [bool(abs(g.mean()) > 2 * g.std(ddof=1)) for g in gaps.T]
    assert ["*" in t for t in texts(gap)] == wanted and True in wanted and False in wanted
    few = plots.compare(first[:4], second[:4], title="t").axes[1]
    assert not any("*" in t for t in texts(few))


def test_compare_says_what_attention_gives_to_others_and_wraps_long_sentences():
    ce = scored([0.01] * 40, special=0.6)
    dual = scored([0.01] * 40, special=0.4, labels={"positive": 0.15, "negative": 0.05})
    figure = plots.compare([ce], [dual], title="t")
    figure.canvas.draw()
    panels = [axes for axes in figure.axes if axes.get_xlabel().startswith("not words")]
    assert len(panels) == 3 and texts(panels[0]) == ["–", "60", "20", "40"]
    shown = [t.get_text() for axes in figure.axes for t in axes.get_xticklabels()]
    assert [t for t in shown if t.startswith("w")] == [f"w{i}" for i in range(40)]


def test_signed_scores_get_a_signed_scale_and_colours_end():
    figure = plots.strips({"a": scored([9.0, 1.0]), "b": scored([-1.0, 1.0])}, title="t")
    figure.canvas.draw()
    assert figure.axes[0].images[0].get_clim() == (-plots.MOST, plots.MOST)
    assert texts(figure.axes[0]) == ["90", "10", "-50", "50"]
    assert plots.scale_of(np.array([0.0, 3.0])) == ("Blues", 0.0, 3.0)
    assert plots.scale_of(np.zeros(2)).high > 0


def test_text_in_cells_can_be_read_on_its_colour():
    for scale in (plots.Scale("Blues", 0, 10), plots.Scale("PuOr", -10, 10)):
        for value in np.linspace(scale.low, scale.high, 41):
            light = plots.luminance(scale, value)
            ink = 0.0 if light > plots.HALF else 1.0
            bright, dark = max(light, ink), min(light, ink)
            assert (bright + 0.05) / (dark + 0.05) > 4.4, (scale, value)


class Tags(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.seen, self.words = [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)


def test_a_hostile_sentence_injects_nothing():
    words = HOSTILE.split()
    rows = {"<b onclick=x>": scored([1.0] * len(words), words=words, label="<i>")}
    page = plots.strips_html(rows)
    tags = Tags()
    tags.feed(page)
    assert {tag for tag, _ in tags.seen} == {"p", "b", "span"}
    assert {name for _, attrs in tags.seen for name in attrs} == {"style", "title"}
    text = "".join(tags.words)
    assert all(word in text for word in words) and "<b onclick=x>" in text and "(<i> 0.90)" in text
    for bad in ("hsl(", "<script", "<svg", "<style", "<img", "url("):
        assert bad not in page
    for figure in (
        plots.strips(rows, title="t"),
        plots.compare(*2 * [list(rows.values())], title="t"),
    ):
        figure.canvas.draw()  # $ starts no formula, and what the font lacks is replaced
        shown = [t.get_text() for t in figure.axes[0].get_xticklabels()]
        assert r"\$5" in shown and shown[-1] == "?"


def test_html_keeps_its_numbers_where_colours_are_dropped():
    rows = {"one": scored([1.0, 3.0]), "two": scored([-1.0, 1.0])}
    plain = re.sub("<[^>]+>", "", plots.strips_html(rows))
    assert plain.splitlines() == [
        "one (positive 0.90): w0²⁵ w1⁷⁵",
        "two (positive 0.90): w0⁻⁵⁰ w1⁵⁰",
    ]
    assert plots.strips_text(rows) == plain
    pairs = re.findall(r"background-color:(#\w{6});color:(#\w{6})", plots.strips_html(rows))
    assert len(pairs) == 4
    assert all(matplotlib.colors.is_color_like(c) for pair in pairs for c in pair)
    assert pairs[0][0] != pairs[1][0]


def test_show_html_has_a_plain_twin(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: shown.append(bundle))
    plots.show_html({"one": scored([1.0])})
    assert "<span" in shown[0]["text/html"] and "w0¹⁰⁰" in shown[0]["text/plain"]


def test_stored_sentences_are_those_of_the_table():
    table = read_results("lesson10_quoted")
    for corpus in table.corpus.unique():
        assert plots.QUOTED[corpus] in set(table[table.corpus == corpus].predicted)
        for method in ("ce", "dualcl"):
            found = plots.stored(corpus, "attention from [CLS]", method)
            assert len(found) == 5 and len({s.words for s in found}) == 1
            for s in found:
                total = s.scores.sum() + sum(s.labels.values()) + s.special
                assert total == pytest.approx(1, abs=1e-3)
                assert bool(s.labels) == (method == "dualcl")


def test_survivors_shows_every_seed_of_every_score():
    table = read_results("lesson10_faithfulness")
    whole = table[table.removal == "delete"]
    figure = plots.survivors(table)
    figure.canvas.draw()
    drawn = sorted(
        x for axes in figure.axes for marks in axes.collections for x, _ in marks.get_offsets()
    )
    assert drawn == pytest.approx(sorted(whole.comprehensiveness))


def test_pairs_and_heads_are_drawn_whole():
    pairs = read_results("lesson10_pairs")
    figure = plots.methods_against_seeds(pairs)
    drawn = [
        x for axes in figure.axes for marks in axes.collections for x, _ in marks.get_offsets()
    ]
    shared = pairs[pairs.score != "attention from the label"]
    assert sorted(drawn) == pytest.approx(sorted(shared.spearman))
    heads = read_results("lesson10_heads")
    maps = plots.head_maps(heads, "cr").axes
    one = heads[(heads.corpus == "cr") & (heads.method == "dualcl")]
    mean = one[(one.layer == 4) & (one["head"] == 9)].tau.mean()
    assert f"{100 * mean:.0f}" == texts(maps[2])[3 * 12 + 8] and len(texts(maps[2])) == 72


def test_the_random_map_is_random_and_pleases():
    figure, letters, pleasing = plots.which_is_random()
    drawn = np.array([float(t) for t in texts(figure.axes[0])]).reshape(4, -1)
    like = plots.stored("cr", plots.NEAR, "dualcl")[0]
    row = drawn[list(letters.values()).index("random")]
    for i in range(pleasing[0] + 1):
        s = saliency.random_scores([like], seed=i)[0]
        top = set(s.top())
        pleases = "small" in top and bool(top & {"closely", "spaced"})
        assert pleases == (i == pleasing[0])
    assert row.tolist() == np.round(100 * s.shares).tolist()


def test_the_best_kept_curve_is_the_best_score():
    figure, letters = plots.kept_curves()
    lines = {line.get_label(): line.get_ydata() for line in figure.axes[0].lines}
    assert set(letters) | {"random"} == set(lines)
    best = max(letters, key=lambda letter: np.mean(lines[letter].astype(float)))
    assert letters[best] == "integrated gradients"


def test_curve_beside_strips_draws_what_it_is_given():
    rows = {"a": scored([1.0, 2.0]), "b": scored([2.0, 1.0])}
    curves = np.array([[1.0, 0.5], [1.0, 0.2], [1.0, 0.4], [1.0, 0.6]])  # the last two by chance
    figure = plots.strips_and_curve(rows, [0, 1], curves, title="t")
    figure.canvas.draw()
    assert [line.get_ydata()[-1] for line in figure.axes[1].lines] == [0.5, 0.2]


@pytest.fixture
def models(tiny_bert):
    kinds = {"CE": CrossEntropyModel, "DualCL": DualCLModel}
    return {name: kind.from_encoder(tiny_bert, WORDS).eval() for name, kind in kinds.items()}


def test_the_box_answers_to_every_control(models, monkeypatch):
    monkeypatch.setattr("IPython.display.display", lambda *a, **k: None)
    built, real = [], lesson00.text_box
    monkeypatch.setattr(
        lesson00, "text_box", lambda *a, **k: built.append(real(*a, **k)) or built[-1]
    )
    box.looking_box(models, "the battery of this phone is bad")
    sentence, score, layer, head, said, picture = built[0][0].children
    assert "CE: " in said.value and "without a random third" in said.value
    for name in score.options:
        before = picture.value
        score.value = name
        assert "Not drawn" not in said.value
        assert picture.value != before, name
    score.value = "attention from [CLS]"
    seen = {picture.value}
    layer.value = 1
    seen.add(picture.value)
    head.value = 2
    seen.add(picture.value)
    sentence.value = "a <script>good</script> film"
    seen.add(picture.value)
    assert len(seen) == 4 and "<script>" not in said.value
    sentence.value = "good " * 300
    assert "Expected at most" in said.value
    sentence.value = " "
    assert "at least one word" in said.value


def test_the_box_shows_the_scores_of_the_layer_and_head_chosen(models):
    text = "a good film"
    found = box.two_scores(models, text, "attention from [CLS]", 1, 2)
    for name, (model, s) in found.items():
        (wanted,) = saliency.attention_from_cls(model, text, layer=0, head=1)
        assert s.scores.tolist() == wanted.scores.tolist() and model is models[name]
    label = box.two_scores(models, text, box.LABEL, 2, box.ALL)
    (wanted,) = saliency.attention_from_label(models["DualCL"], text)
    assert label["DualCL, label"][1].scores.tolist() == wanted.scores.tolist()


def test_what_is_left_is_the_deletion_curve(models):
    model = models["DualCL"]
    (found,) = saliency.leave_one_out(model, "the battery of this phone is bad")
    left = float(saliency.deletion_curve(model, [found], [box.SHARE])[0, 0])
    assert f"top third {left:.2f}" in box.tested(model, found)
    other = dataclasses.replace(found, scores=-found.scores)
    assert box.tested(model, other) != box.tested(model, found)
