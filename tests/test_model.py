"""z, theta, logits, saving and loading, and agreement with transformers' own tools."""

import itertools
from operator import mul

import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

from dualcl_tutorial.losses import dualcl_loss
from dualcl_tutorial.model import CrossEntropyModel, DualCLModel

WORDS = ["positive", "abbreviation", "good film"]
TEXTS = [
    "a good film",
    "the battery of this phone is not good",
    "who is the author of this book",
    "music " * 300,
    "one [SEP] two </s> three",
]


@pytest.fixture(scope="module", params=["tiny_bert", "tiny_roberta"])
def folder(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def model(folder):
    return DualCLModel.from_encoder(folder, WORDS, weight=0.3, temperature=0.2).eval()


def test_z_and_theta_are_hidden_states_of_one_pass(model):
    batch = model.collator()([{"text": text} for text in TEXTS])
    out = model(**batch)
    hidden = model.encoder(**batch).last_hidden_state
    assert torch.equal(out.z, hidden[:, 0])
    start = 1
    for k, word in enumerate(WORDS):
        n = len(model.tokenizer(" " + word, add_special_tokens=False).input_ids)
        mean = torch.stack([hidden[:, start + p] for p in range(n)]).double().mean(0)
        torch.testing.assert_close(out.theta[:, k].double(), mean, atol=1e-6, rtol=1e-5)
        start += n
    pairs = zip(out.z.tolist(), out.theta.tolist(), strict=True)
    loops = [[sum(map(mul, t, z)) for t in rows] for z, rows in pairs]
    torch.testing.assert_close(out.logits, torch.tensor(loops), atol=1e-3, rtol=1e-4)
    assert out.logits.dtype == torch.float32 and out.loss is None


def test_loss_is_dualcl_loss_with_the_configs_numbers(model):
    batch = model.collator()([{"text": t, "label": i % 2} for i, t in enumerate(TEXTS)])
    out = model(**batch)
    expected = dualcl_loss(out.z, out.theta, batch["labels"], weight=0.3, temperature=0.2).total
    torch.testing.assert_close(out.loss, expected)


def test_row_k_is_class_k_in_any_order(model):
    """An order of labels in the input moves the slots; theta's rows stay with their classes."""
    collator = model.collator()
    text = {"text": TEXTS[0]}
    for order in itertools.permutations(range(3)):
        ids = collator.prefix.ids(order)
        row = collator([text])["input_ids"].clone()
        row[0, 1 : 1 + len(ids)] = torch.tensor(ids)
        slots = collator.prefix.slots(order)[None]
        hidden = model.encoder(input_ids=row, attention_mask=torch.ones_like(row)).last_hidden_state
        theta = model(row, torch.ones_like(row), label_slots=slots).theta
        for k, word in enumerate(WORDS):
            places = slots[0, k][slots[0, k] >= 0]
            assert model.tokenizer.decode(row[0, places]).strip() == word
            torch.testing.assert_close(theta[0, k], hidden[0, places].mean(0))


def test_scores_do_not_depend_on_neighbours(model):
    alone = torch.cat([model.score([text]) for text in TEXTS])
    together = model.score(TEXTS)
    mixed = model.score(TEXTS[::-1], batch_size=2).flip(0)
    torch.testing.assert_close(alone, together, atol=1e-3, rtol=1e-4)
    torch.testing.assert_close(alone, mixed, atol=1e-3, rtol=1e-4)


def test_sequential_positions_avoid_robertas_padding_row(tiny_roberta):
    model = DualCLModel.from_encoder(tiny_roberta, WORDS)
    seen = []
    table = model.encoder.embeddings.position_embeddings
    table.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    batch = model.collator()([{"text": text} for text in TEXTS])
    model(**batch)
    used = seen[0].expand_as(batch["input_ids"])[batch["attention_mask"] == 1]
    assert used.min() == table.padding_idx + 1


def test_shared_positions_are_the_releases(folder):
    model = DualCLModel.from_encoder(folder, WORDS, positions="shared")
    seen = []
    table = model.encoder.embeddings.position_embeddings
    table.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    batch = model.collator()([{"text": "a good film"}])
    model(**batch)
    labels = sum(model.config.piece_counts)
    rest = batch["input_ids"].shape[1] - labels - 1
    assert seen[0][0].tolist() == [0] * (1 + labels) + list(range(1, rest + 1))


def test_longest_inputs_fit_the_encoder(folder):
    for positions in ("sequential", "shared"):
        model = DualCLModel.from_encoder(folder, WORDS, positions=positions, max_length=10_000)
        assert torch.isfinite(model.score(["film " * 500])).all()


def test_saved_and_loaded_gives_the_same_bits(model, tmp_path):
    model.save_pretrained(tmp_path / "dualcl")
    again = DualCLModel.from_pretrained(tmp_path / "dualcl")
    auto = AutoModelForSequenceClassification.from_pretrained(tmp_path / "dualcl")
    assert type(auto) is DualCLModel
    scores = model.score(TEXTS)
    assert torch.equal(scores, again.score(TEXTS)) and torch.equal(scores, auto.score(TEXTS))
    assert again.config.label_words == WORDS
    batch = model.collator()([{"text": t, "label": 0} for t in TEXTS])
    assert torch.equal(model(**batch).loss, again.eval()(**batch).loss)


def test_auto_tokenizer_gives_the_collators_ids(model, tmp_path):
    model.save_pretrained(tmp_path / "dualcl")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "dualcl")
    own = tokenizer(TEXTS, truncation=True, padding=True, return_tensors="pt")
    batch = model.collator()([{"text": text} for text in TEXTS])
    assert torch.equal(own.input_ids, batch["input_ids"])
    assert torch.equal(own.attention_mask, batch["attention_mask"])


@pytest.mark.parametrize("kind", [DualCLModel, CrossEntropyModel])
def test_pipeline_agrees_with_predict(kind, folder, tmp_path):
    model = kind.from_encoder(folder, WORDS)
    model.save_pretrained(tmp_path / "run")
    classify = pipeline("text-classification", str(tmp_path / "run"), device="cpu")
    predicted = model.predict(TEXTS)
    for settings in ({}, {"truncation": True}, {"batch_size": 5, "padding": True}):
        for theirs, ours in zip(classify(TEXTS, **settings), predicted, strict=True):
            assert theirs["label"] == ours["label"]
            assert theirs["score"] == pytest.approx(ours["score"], abs=1e-5)


def test_predict_gives_probabilities_in_class_order(model):
    answers = model.predict(TEXTS)
    assert [len(model.predict([])), len(answers)] == [0, len(TEXTS)]
    for answer, row in zip(answers, model.score(TEXTS).softmax(-1), strict=True):
        assert list(answer["scores"]) == WORDS
        assert sum(answer["scores"].values()) == pytest.approx(1, abs=1e-5)
        assert answer["label"] == WORDS[int(row.argmax())]
        assert answer["score"] == max(answer["scores"].values())
    assert model.predict("a good film")[0] == model.predict(["a good film"])[0]


def test_predict_leaves_the_model_in_its_mode(model):
    model.train()
    first = model.score(TEXTS)
    assert model.training and torch.equal(first, model.score(TEXTS))  # no dropout
    model.eval()


@pytest.mark.parametrize("bad", ["", "  ", None, 3])
def test_an_empty_text_is_refused(model, bad):
    with pytest.raises(ValueError, match="at least one word"):
        model.predict(["fine", bad])


def test_encoder_weights_are_the_pretrained_ones(folder):
    from dualcl_tutorial.encoders import load_encoder

    pretrained = load_encoder(str(folder))[0].state_dict()
    for model in (
        DualCLModel.from_encoder(folder, WORDS),
        CrossEntropyModel.from_encoder(folder, WORDS),
    ):
        ours = model.encoder.state_dict()
        assert ours.keys() == pretrained.keys()
        assert all(torch.equal(ours[name], pretrained[name]) for name in pretrained)


def test_dualcl_has_no_parameters_but_the_encoders(model):
    own = sum(p.numel() for p in model.parameters())
    assert own == sum(p.numel() for p in model.encoder.parameters())


def test_cross_entropy_model_is_a_linear_head_on_z(folder):
    model = CrossEntropyModel.from_encoder(folder, WORDS).eval()
    batch = model.collator()([{"text": t, "label": i % 3} for i, t in enumerate(TEXTS)])
    labels = batch.pop("labels")
    out = model(**batch, labels=labels)
    expected = (
        model.encoder(**batch).last_hidden_state[:, 0] @ model.head.weight.T + model.head.bias
    )
    torch.testing.assert_close(out.logits, expected)
    torch.testing.assert_close(out.loss, torch.nn.functional.cross_entropy(expected, labels))
    assert out.theta is None


def test_classes_and_positions_that_will_not_do(folder):
    with pytest.raises(ValueError, match="at least two classes"):
        CrossEntropyModel.from_encoder(folder, ["positive"])
    with pytest.raises(ValueError, match='positions "sequential" or "shared"'):
        DualCLModel.from_encoder(folder, WORDS, positions="sequental")
