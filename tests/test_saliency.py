"""Scores against cases whose answer is known, and the tests that say what scores are worth."""

import math

import numpy as np
import pytest
import torch

from dualcl_tutorial import saliency
from dualcl_tutorial.model import CrossEntropyModel, DualCLModel

LABELS = ["positive", "negative"]
TEXTS = [
    "a good film",
    "what is the abbreviation of this word",
    "the battery of this phone , is bad",
]
SCORES = {
    "nearness": saliency.cls_word_distance,
    "attention": saliency.attention_from_cls,
    "rollout": saliency.rollout,
    "gradient": saliency.gradient_x_input,
    "integrated": saliency.integrated_gradients,
    "leave one out": saliency.leave_one_out,
}


@pytest.fixture(params=["tiny_bert", "tiny_roberta"])
def encoder(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(params=[CrossEntropyModel, DualCLModel])
def model(request, encoder):
    torch.manual_seed(0)
    return request.param.from_encoder(encoder, LABELS).eval()


@pytest.fixture(params=[CrossEntropyModel, DualCLModel])
def one_word_model(request, tiny_bert):
    """Return a model in which the word "good" alone makes a sentence positive.

    Every token is the same vector but "good", which [CLS] and the labels attend to, and whose value
    moves them along axis 3. Labels differ along that axis, or the head reads it.
    """
    torch.manual_seed(0)
    model = request.param.from_encoder(tiny_bert, LABELS).eval()
    good, *labels = model.tokenizer.convert_tokens_to_ids(["good", *LABELS])
    embeddings = model.encoder.embeddings
    with torch.no_grad():
        for parameter in embeddings.parameters():
            parameter.zero_()
        embeddings.LayerNorm.weight.fill_(1)
        words = embeddings.word_embeddings.weight
        words[:, 1], words[:, 2] = 4, -4
        words[good, 0] = 4
        words[labels[0], 3], words[labels[1], 3] = 3, -3
        for layer in model.encoder.encoder.layer:
            inside = layer.attention.self
            for part in (inside.query, inside.key, inside.value, layer.output.dense):
                part.weight.zero_()
                part.bias.zero_()
            inside.query.bias[0] = 8  # all tokens ask for axis 0
            inside.key.weight[0, 0] = 1
            inside.value.weight[3, 0] = 1  # and take it home as axis 3
            layer.attention.output.dense.weight.copy_(torch.eye(32))
            layer.attention.output.dense.bias.zero_()
        if isinstance(model, CrossEntropyModel):
            model.head.weight.zero_()
            model.head.bias.copy_(torch.tensor([-1.0, 1.0]))
            model.head.weight[0, 3] = 2
    return model


def hidden_and_attention(model, text):
    """Return last hidden states (L, d) and attention weights (layers, heads, L, L) of one text."""
    model.encoder.set_attn_implementation("eager")
    batch = model.collator()([{"text": text}])
    with torch.no_grad():
        out = model.encoder(**batch, output_attentions=True)
    return out.last_hidden_state[0], torch.stack(out.attentions)[:, 0]


def word_places(model, text):
    """Return, word by word, the indices of its tokens in the model's input, by counting pieces."""
    start = 1 if isinstance(model, CrossEntropyModel) else 2 + sum(model.config.piece_counts)
    places = []
    for i, word in enumerate(text.split()):
        pieces = model.tokenizer.tokenize(word if i == 0 else " " + word, add_special_tokens=False)
        places.append(list(range(start, start + len(pieces))))
        start += len(pieces)
    return places


def test_the_word_that_decides_is_found(one_word_model):
    text = "the film was good and the book was long"
    assert one_word_model.predict([text, "the film was long"])[0]["label"] == "positive"
    assert one_word_model.predict("the film was long")[0]["label"] != "positive" or isinstance(
        one_word_model, DualCLModel
    )
    for name, score in SCORES.items():
        (found,) = score(one_word_model, text)
        others = np.delete(found.scores, 3)
        if name == "nearness":  # all tokens are one, but for this one: it lies farthest from [CLS]
            assert found.scores[3] == 0 and (others > 0).all()
        elif name == "gradient":
            # Here an input is a word's embedding and no more, and LayerNorm takes its length away:
            # a step along the embedding changes nothing, whatever the word decides.
            assert np.abs(found.scores).max() < 1e-3
        else:
            assert found.top(1) == ["good"], name
            assert found.scores[3] > 2 * np.abs(others).max(), name
        assert found.label == "positive"


def test_attention_of_words_labels_and_special_tokens_sums_to_1(model):
    for layer in range(2):
        for head in (None, 0, 1):
            found = saliency.attention_from_cls(model, TEXTS, layer=layer, head=head)
            if isinstance(model, DualCLModel):
                found += saliency.attention_from_label(model, TEXTS, layer=layer, head=head)
                assert list(found[0].labels) == LABELS
            for s in found + saliency.rollout(model, TEXTS):
                total = s.scores.sum() + sum(s.labels.values()) + s.special
                assert total == pytest.approx(1, abs=1e-5)


def test_attention_and_nearness_are_read_off_the_right_places(model):
    for text in TEXTS:
        hidden, weights = hidden_and_attention(model, text)
        places = word_places(model, text)
        by_hand = [float(sum(weights[1, :, 0, j].mean() for j in word)) for word in places]
        (found,) = saliency.attention_from_cls(model, text)
        assert found.scores == pytest.approx(by_hand, abs=1e-6)
        assert found.words == tuple(text.split())
        assert found.pieces.tolist() == [len(word) for word in places]
        far = [float(np.mean([(hidden[j] - hidden[0]).norm() for j in word])) for word in places]
        (found,) = saliency.cls_word_distance(model, text)
        assert found.scores == pytest.approx([max(far) - d for d in far], abs=1e-5)
        if isinstance(model, DualCLModel):
            k = LABELS.index(model.predict(text)[0]["label"])
            row = weights[1, :, 1 : 1 + sum(model.config.piece_counts)]
            first = sum(model.config.piece_counts[:k])
            row = row[:, first : first + model.config.piece_counts[k]].mean((0, 1))
            (found,) = saliency.attention_from_label(model, text)
            by_hand = [float(row[word].sum()) for word in places]
            assert found.scores == pytest.approx(by_hand, abs=1e-6)


def test_neighbours_in_the_batch_change_nothing(model):
    texts = [*TEXTS, "a story " * 20]
    for score in SCORES.values():
        for together, text in zip(score(model, texts), texts, strict=True):
            (alone,) = score(model, text)
            assert together.scores == pytest.approx(alone.scores, rel=1e-3, abs=2e-5)
            assert together.label == alone.label


@pytest.mark.parametrize("name", SCORES)
def test_the_model_is_left_as_it_was(model, name):
    (still,) = SCORES[name](model, TEXTS[0])
    model.train()
    before = model.encoder.config._attn_implementation
    (found,) = SCORES[name](model, TEXTS[0])
    assert model.training and model.encoder.config._attn_implementation == before != "eager"
    assert not model.encoder._forward_hooks and not model.encoder._forward_pre_hooks
    assert found.scores == pytest.approx(still.scores, abs=1e-6)  # no dropout while looking
    with pytest.raises(ValueError, match="layer from 0 to 1"):
        saliency.attention_from_cls(model, TEXTS[0], layer=2)
    with pytest.raises(ValueError, match="head from 0 to 1"):
        saliency.attention_from_cls(model, TEXTS[0], head=7)
    assert model.training and model.encoder.config._attn_implementation == before


def test_integrated_gradients_add_up(model):
    if "roberta" in model.config.encoder_config["model_type"]:
        pytest.skip("RoBERTa numbers positions by [PAD]: captum is the witness there")
    for text in TEXTS:
        batch = model.collator()([{"text": text}])
        blank = batch["input_ids"].clone()
        places = [j for word in word_places(model, text) for j in word]
        blank[0, places] = model.tokenizer.pad_token_id
        with torch.no_grad():
            logits = model(**batch).logits[0]
            k = int(logits.argmax())
            gap = float(logits[k] - model(**{**batch, "input_ids": blank}).logits[0, k])
        (found,) = saliency.integrated_gradients(model, text, steps=100)
        assert found.scores.sum() == pytest.approx(gap, rel=0.02, abs=0.02)
        assert all(value == 0 for value in found.labels.values()) and found.special == 0


def test_integrated_gradients_equal_captum(model):
    attr = pytest.importorskip("captum.attr", reason="captum (extra explain) is not installed")
    text = TEXTS[1]
    batch = model.collator()([{"text": text}])
    blank = batch["input_ids"].clone()
    places = word_places(model, text)
    blank[0, [j for word in places for j in word]] = model.tokenizer.pad_token_id
    (found,) = saliency.integrated_gradients(model, text, steps=16)

    def logits(ids, mask):
        return model(input_ids=ids, attention_mask=mask).logits

    captum = attr.LayerIntegratedGradients(logits, model.encoder.get_input_embeddings())
    values = captum.attribute(
        batch["input_ids"],
        baselines=blank,
        additional_forward_args=(batch["attention_mask"],),
        target=LABELS.index(found.label),
        n_steps=16,
    )[0].sum(-1)
    assert found.scores == pytest.approx([float(values[w].sum()) for w in places], abs=1e-4)


def test_gradient_x_input_is_what_a_small_stretch_of_the_embedding_does(model):
    model.double()
    text, step = TEXTS[0], 1e-5
    batch = model.collator()([{"text": text}])
    layer = model.encoder.get_input_embeddings()
    (found,) = saliency.gradient_x_input(model, text)
    for places, value in zip(word_places(model, text), found.scores, strict=True):
        ends = []
        for by in (1 + step, 1 - step):
            stretch = torch.ones(batch["input_ids"].shape[1], 1, dtype=torch.float64)
            stretch[places] = by
            hook = layer.register_forward_hook(lambda _m, _a, out, s=stretch: out * s)
            with torch.no_grad():
                ends.append(float(_logits64(model, batch)[LABELS.index(found.label)]))
            hook.remove()
        assert (ends[0] - ends[1]) / (2 * step) == pytest.approx(value, rel=1e-3, abs=1e-5)


def _logits64(model, batch):
    out = model(**batch)  # logits come in float32, which is too coarse for a difference quotient
    if out.theta is None:
        return out.z[0] @ model.head.weight.T + model.head.bias
    return out.theta[0] @ out.z[0]


def test_rollout_of_identity_is_identity_and_of_two_layers_their_product():
    eye = torch.eye(4).expand(3, 4, 4)
    assert torch.equal(saliency.roll_out(eye), torch.eye(4))
    torch.manual_seed(0)
    layers = torch.rand(2, 4, 4).softmax(-1).double()
    found = saliency.roll_out(layers)
    for i in range(4):
        for j in range(4):
            total = 0.0
            for k in range(4):
                above = (float(layers[1, i, k]) + (i == k)) / 2
                below = (float(layers[0, k, j]) + (k == j)) / 2
                total += above * below
            assert float(found[i, j]) == pytest.approx(total)
    assert found.sum(1).tolist() == pytest.approx([1] * 4)


def test_leave_one_out_is_the_fall_of_the_probability(model):
    text = "what is the abbreviation of this word"
    (found,) = saliency.leave_one_out(model, text)
    words = text.split()
    whole = model.predict(text)[0]
    for i in range(1, len(words)):  # byte-level pieces of the first word know that they are first
        left = model.predict(" ".join(words[:i] + words[i + 1 :]))[0]
        drop = whole["score"] - left["scores"][whole["label"]]
        assert found.scores[i] == pytest.approx(drop, abs=1e-5)
    assert found.probability == pytest.approx(whole["score"], abs=1e-6)
    (one,) = saliency.leave_one_out(model, "good")  # nothing is left, and that is allowed
    assert len(one.scores) == 1 and math.isfinite(one.scores[0])


@pytest.mark.parametrize("rule", ["sum", "mean", "max"])
def test_pieces_are_merged_by_the_named_rule(model, rule):
    text = TEXTS[1]
    _, weights = hidden_and_attention(model, text)
    by = {"sum": np.sum, "mean": np.mean, "max": np.max}[rule]
    row = weights[1].mean(0)[0].numpy()
    by_hand = [float(by(row[word])) for word in word_places(model, text)]
    (found,) = saliency.attention_from_cls(model, text, merge=rule)
    assert found.pieces.max() > 1 and f"pieces: {rule}" in found.score
    assert found.scores == pytest.approx(by_hand, abs=1e-6)


def test_unknown_rules_empty_texts_and_missing_labels_are_refused(model):
    with pytest.raises(ValueError, match='"sum", "max" or "mean"'):
        saliency.attention_from_cls(model, TEXTS, merge="most")
    for empty in ("", "  ", ["good", ""]):
        with pytest.raises(ValueError, match="at least one word"):
            saliency.cls_word_distance(model, empty)
    if isinstance(model, CrossEntropyModel):
        with pytest.raises(ValueError, match="reads none"):
            saliency.attention_from_label(model, TEXTS)


def test_a_long_sentence_is_read_as_far_as_the_model_reads(model):
    text = " ".join(["good", "film"] * 60)
    room = model.collator().room
    for score in SCORES.values():
        (found,) = score(model, text)
        assert found.pieces.sum() == room and len(found.words) + found.cut == 120
        assert found.cut > 0 and found.probability == pytest.approx(
            model.predict(text)[0]["score"], abs=1e-5
        )


def test_words_that_look_like_labels_or_separators_stay_words(model):
    for word in ("positive", model.tokenizer.sep_token, model.tokenizer.cls_token):
        text = f"a {word} film"
        (found,) = saliency.attention_from_cls(model, text)
        assert found.words == ("a", word, "film")
        total = found.scores.sum() + sum(found.labels.values()) + found.special
        assert (found.pieces > 0).all() and total == pytest.approx(1, abs=1e-5)


def test_faithfulness_by_loops(model):
    text = "the battery of this phone , is bad"
    (found,) = saliency.attention_from_cls(model, text)
    frame = saliency.faithfulness(model, [found], fractions=(0.2, 0.5), draws=1)
    words, order = text.split(), np.argsort(-found.scores)
    whole = model.predict(text)[0]
    falls = {True: [], False: []}
    for share in (0.2, 0.5):
        top = set(order[: math.ceil(share * 8)].tolist())
        for keep in falls:
            ids = [
                model.tokenizer.tokenize(w if i == 0 else " " + w, add_special_tokens=False)
                for i, w in enumerate(words)
                if (i in top) == keep
            ]
            tokens = model.tokenizer.convert_tokens_to_ids([t for piece in ids for t in piece])
            with torch.no_grad():
                p = model(**model.collator()([{"input_ids": tokens}])).logits.softmax(-1)[0]
            falls[keep].append(whole["score"] - float(p[LABELS.index(whole["label"])]))
    row = frame[frame.score == found.score].iloc[0]
    assert row.comprehensiveness == pytest.approx(np.mean(falls[False]), abs=1e-5)
    assert row.sufficiency == pytest.approx(np.mean(falls[True]), abs=1e-5)


@pytest.mark.parametrize("removal", ["delete", "mask"])
def test_faithfulness_knows_the_word_that_decides(one_word_model, removal):
    texts = ["the film was good and the book was long", "good music in a long slow film and book"]
    right = saliency.leave_one_out(one_word_model, texts)
    frame = saliency.faithfulness(one_word_model, right, draws=5, removal=removal)
    assert frame.groupby("score").size().to_dict() == {"leave one out": 2, "random": 10}
    means = frame.groupby("score")[["comprehensiveness", "sufficiency", "tau"]].mean()
    true, random = means.loc["leave one out"], means.loc["random"]
    assert true.comprehensiveness > 1.5 * random.comprehensiveness > 0
    assert true.sufficiency < random.sufficiency
    assert true.tau == pytest.approx(1) and abs(random.tau) < 0.5
    curve = saliency.deletion_curve(one_word_model, right, [0, 0.1, 1], removal=removal)
    assert curve.shape == (2, 3)
    assert curve[:, 0] == pytest.approx([s.probability for s in right], abs=1e-6)
    assert (curve[:, 1] < curve[:, 0] - 0.1).all()  # the first word to go is "good"
    assert curve[:, 1] == pytest.approx(curve[:, 2], abs=0.05)  # and nothing else matters


def test_faithfulness_refuses_what_it_cannot_judge(model):
    scores = saliency.leave_one_out(model, TEXTS[0])
    with pytest.raises(ValueError, match="at least one"):
        saliency.faithfulness(model, [])
    with pytest.raises(ValueError, match="between 0 and 1"):
        saliency.deletion_curve(model, scores, [1.5])
    with pytest.raises(ValueError, match='"delete"'):
        saliency.deletion_curve(model, scores, [0.5], removal="hide")


def test_random_scores_are_seeded_and_differ(model):
    scores = saliency.leave_one_out(model, TEXTS)
    first, again, other = (saliency.random_scores(scores, seed=s) for s in (0, 0, 1))
    assert all((a.scores == b.scores).all() for a, b in zip(first, again, strict=True))
    assert any((a.scores != b.scores).any() for a, b in zip(first, other, strict=True))
    assert np.abs(first[0].shares).sum() == pytest.approx(1)
