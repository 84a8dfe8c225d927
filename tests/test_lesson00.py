"""What lesson 00 computes, draws and lets a reader type."""

import math

import pytest

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
    assert "/" not in text.replace("sentence-transformers/", "")


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
