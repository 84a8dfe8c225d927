"""What lesson 00 computes, draws and lets a reader type."""

import itertools
import math
from pathlib import Path

import pytest

from course.builder.metadata import load
from course.builder.pages import launcher
from dualcl_tutorial import notebook
from dualcl_tutorial.model import CrossEntropyModel, DualCLModel
from dualcl_tutorial.plots import lesson00 as plots
from dualcl_tutorial.widgets import lesson00

WORDS = ["positive", "negative"]


def test_paired_is_the_mean_of_the_gains_and_its_standard_error():
    truth = [1, 1, 1, 1, 0, 0, 1, 0, 1, 1]
    first = [1, 1, 1, 0, 0, 0, 0, 0, 1, 0]
    second = [1, 1, 0, 1, 0, 1, 1, 0, 1, 1]
    gains = [(b == t) - (a == t) for t, a, b in zip(truth, first, second, strict=True)]
    mean = sum(gains) / 10
    error = math.sqrt(sum((g - mean) ** 2 for g in gains) / 10 / 10)
    result = lesson00.paired(truth, first, second)
    assert (result.only_first, result.only_second, result.n) == (2, 3, 10)
    assert result.difference == pytest.approx(mean) and result.error == pytest.approx(error)
    assert result.interval == pytest.approx((mean - 2 * error, mean + 2 * error))
    assert result.p == pytest.approx(1.0)  # 2 of 5 fair coins: as even as five can be
    assert lesson00.paired(truth, truth, truth).p == 1.0


def test_machine_check_names_what_there_is_and_no_folders():
    text = lesson00.machine_check()
    assert "mini-reviews" in text and "encoder" in text
    assert not any(str(folder) in text for folder in (Path.home(), Path.cwd()))


def test_geometry_is_what_the_model_computes(tiny_bert):
    model = DualCLModel.from_encoder(tiny_bert, WORDS).eval()
    text = "a good film"
    found = lesson00.geometry_of(model, text)
    assert found.words == WORDS and found.theta.shape == (2, 32)
    assert found.scores == pytest.approx(found.theta @ found.z, rel=1e-4)
    assert found.answer == model.predict(text)[0]["label"]


@pytest.mark.parametrize("words", [["good", "bad"], ["bad", "good", "slow film"]])
def test_other_label_words_share_the_encoder(tiny_bert, words):
    model = DualCLModel.from_encoder(tiny_bert, WORDS, weight=0.3).eval()
    other = model.with_label_words(words)
    fresh = DualCLModel.from_encoder(tiny_bert, words).eval()
    assert other.encoder is model.encoder and not other.training
    assert other.score(["a good film"]).tolist() == fresh.score(["a good film"]).tolist()
    assert other.config.weight == 0.3 and model.label_words == WORDS


@pytest.mark.parametrize("kind", [DualCLModel, CrossEntropyModel])
def test_figures_draw(tiny_bert, kind):
    figures = [
        plots.one_pass(WORDS, "the battery died after a week"),
        plots.lengths({"positive": [3, 4, 9], "negative": [5, 6]}, "title"),
        plots.two_models(lesson00.paired([1, 1, 0], [1, 0, 0], [1, 1, 1]), "CE", "DualCL"),
    ]
    for figure in figures:
        figure.canvas.draw()
        assert figure.axes


def test_a_difference_is_said_with_its_uncertainty():
    said = plots.Paired(both=300, only_first=20, only_second=28, neither=28).in_words("A", "B")
    assert "only A is right on 20, only B on 28" in said
    assert "B minus A: +2.1 points, standard error 1.8" in said and "Zero lies inside" in said
    assert "Zero lies outside" in plots.Paired(300, 5, 45, 26).in_words("A", "B")


def test_words_count_as_much_as_their_absence_changes_the_answer(tiny_bert):
    model = DualCLModel.from_encoder(tiny_bert, WORDS).eval()
    found = lesson00.read(model, " the  film was good ")
    assert found.words == ["the", "film", "was", "good"]
    assert found.scores == model.predict("the film was good")[0]["scores"]
    for i, drop in enumerate(found.drops):
        without = " ".join(found.words[:i] + found.words[i + 1 :])
        left = model.predict(without)[0]["scores"][found.label]
        assert drop == pytest.approx(found.scores[found.label] - left, abs=1e-5)
    assert lesson00.read(model, "good").drops == [0.0]
    with pytest.raises(ValueError, match="at least one word"):
        lesson00.read(model, "  ")


def test_bars_are_the_probabilities_and_drops(tiny_bert):
    models = [
        kind.from_encoder(tiny_bert, WORDS).eval() for kind in (CrossEntropyModel, DualCLModel)
    ]
    found = {"one": lesson00.read(models[0], "a good film"), "two": lesson00.read(models[1], "a")}
    axes = plots.readings(found).axes
    for top, reading in zip(axes[:2], found.values(), strict=True):
        assert [bar.get_width() for bar in top.patches] == list(reading.scores.values())
    for bottom, reading in zip(axes[2:], found.values(), strict=True):
        assert [bar.get_width() for bar in bottom.patches] == reading.drops
    long = plots.Reading("a", {"a": 1.0}, [str(i) for i in range(60)], [i / 60 for i in range(60)])
    shown = plots.shown_words(long)
    assert len(shown) == plots.MOST_WORDS and shown[0][0] == "36" and shown[-1][0] == "59"


@pytest.mark.parametrize("words", ["good, bad", "negative, positive", "good，bad,slow film"])
def test_scores_under_trained_words_can_be_read_off_the_plane(tiny_bert, words):
    model = DualCLModel.from_encoder(tiny_bert, WORDS).eval()
    before = lesson00.geometry_of(model, "a good film")
    other = model.with_label_words(lesson00.split_words(words))
    after = lesson00.geometry_of(other, "a good film")
    plane, bars = plots.moved(before, after).axes
    drawn = [line.get_xydata()[0] for line in plane.lines if len(line.get_xydata()) == 1]
    z, first, second = drawn[:3]
    assert [first @ z, second @ z] == pytest.approx(before.scores.tolist(), rel=1e-3, abs=1e-3)
    widths = [bar.get_width() for bar in bars.patches]
    assert widths == pytest.approx([*before.scores, *after.scores])
    said = lesson00.movement(before, after)
    assert before.answer in said and after.answer in said and "z " in said


def test_label_words_are_cut_at_commas():
    assert lesson00.split_words(" good ,very bad,") == ["good", "very bad"]
    with pytest.raises(ValueError, match="comma"):
        lesson00.split_words("good bad")


def test_boxes_answer_and_say_why_they_do_not(tiny_bert, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda *a, **k: shown.append((a, k)))
    built = []
    real = lesson00.text_box
    monkeypatch.setattr(
        lesson00, "text_box", lambda *a, **k: built.append(real(*a, **k)) or built[-1]
    )
    model = DualCLModel.from_encoder(tiny_bert, WORDS).eval()
    lesson00.label_word_box(model, "good, bad", "a good film")
    (bundle,), settings = shown[0]
    assert notebook.WIDGET_VIEW in bundle and bundle["image/png"] and "Your words" in str(settings)
    words, sentence, said, picture = built[0][0].children
    first = picture.value, said.value
    words.value = "negative, positive"
    assert picture.value != first[0] and "negative" in said.value and said.value != first[1]
    last = picture.value
    words.value = "good, good"
    assert "Not drawn" in said.value and "differ" in said.value and picture.value == last
    words.value = "good, <b>bad</b>"
    assert "<b>" not in said.value
    words.value, sentence.value = "good, bad", "the battery is bad"
    assert "Trained words" in said.value and picture.value != last


def test_sentence_box_shows_every_model(tiny_bert, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda *a, **k: shown.append(a[0]))
    kinds = {"CE": CrossEntropyModel, "DualCL": DualCLModel}
    models = {name: kind.from_encoder(tiny_bert, WORDS).eval() for name, kind in kinds.items()}
    lesson00.sentence_box(models, "a good film")
    assert "CE: " in shown[0]["text/plain"] and "DualCL: " in shown[0]["text/plain"]


def test_pictures_of_the_pass_and_of_the_comparison():
    texts = [text.get_text() for text in plots.one_pass(WORDS, "a good film").axes[0].texts]
    assert texts[:2] == ["[CLS]", "positive"] and "film" in texts
    assert sum("score of" in text for text in texts) == 2
    result = plots.Paired(300, 20, 28, 28)
    left, right = plots.two_models(result, "A", "B").axes
    assert [bar.get_width() for bar in left.patches] == [300, 20, 28, 28]
    ends = sorted(x for line in right.lines for x in line.get_xdata())
    assert ends[0] == pytest.approx(100 * result.interval[0])


def test_hours_in_the_lesson_are_those_of_course_yml():
    root = Path(__file__).resolve().parents[1]
    page = launcher(load(root))
    lesson = (root / "course" / "lessons" / "00_start_here.py").read_text(encoding="utf-8")
    rows = [line.split("|") for line in lesson.splitlines() if line.startswith("# | to ")]
    rows += [line.split("|") for line in lesson.splitlines() if line.startswith("# | everything")]
    assert len(rows) == 4
    for row, line in itertools.zip_longest(
        rows, [x for x in page.splitlines() if " hours): " in x]
    ):
        assert f"({row[3].strip()} hours)" in line, f"course.yml has {line}, lesson 00 {row[3]}"
        assert row[2].strip().replace("00 to 12", "00, 01, 02") in line
