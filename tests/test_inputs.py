"""The label prefix, the collators and the batch plan."""

import itertools
from collections import Counter

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer

from dualcl_tutorial.inputs import (
    BatchPlan,
    LabelAwareCollator,
    LabelPrefix,
    PlainCollator,
    sentence_pieces,
)

WORDS = ["positive", "abbreviation", "good film"]


@pytest.fixture(scope="module", params=["tiny_bert", "tiny_roberta"])
def tokenizer(request):
    return AutoTokenizer.from_pretrained(request.getfixturevalue(request.param))


def examples(n=6):
    texts = ["a good film", "the battery is bad", "who is the author of this book"]
    return [{"text": texts[i % 3], "label": i % 3, "index": i, "epoch": 0} for i in range(n)]


def test_labels_have_several_pieces_and_slots_decode_to_the_words(tokenizer):
    collator = LabelAwareCollator(tokenizer, WORDS, shuffle_labels=True, seed=3)
    assert len(collator.prefix.pieces[1]) > 1
    batch = collator(examples(12))
    orders = set()
    for ids, slots in zip(batch["input_ids"], batch["label_slots"], strict=True):
        for word, row in zip(WORDS, slots, strict=True):
            places = row[row >= 0]
            assert tokenizer.decode(ids[places]).strip() == word
        orders.add(tuple(slots[:, 0].tolist()))
    assert len(orders) > 1  # shuffled


def test_layout_is_cls_labels_sep_sentence_sep(tokenizer):
    row = LabelAwareCollator(tokenizer, WORDS)(examples(1))["input_ids"][0].tolist()
    labels = [
        i for word in WORDS for i in tokenizer(" " + word, add_special_tokens=False).input_ids
    ]
    text = tokenizer("a good film", add_special_tokens=False).input_ids
    cls, sep = tokenizer.cls_token_id, tokenizer.sep_token_id
    assert row == [cls, *labels, sep, *text, sep]


def test_plain_layout_equals_the_tokenizers_own(tokenizer):
    texts = [example["text"] for example in examples()]
    batch = PlainCollator(tokenizer)(examples())
    own = tokenizer(texts, padding=True, return_tensors="pt")
    assert torch.equal(batch["input_ids"], own.input_ids)
    assert torch.equal(batch["attention_mask"], own.attention_mask)


def test_targets_are_never_renumbered(tokenizer):
    rows = examples(9)
    for shuffle in (False, True):
        batch = LabelAwareCollator(tokenizer, WORDS, shuffle_labels=shuffle)(rows)
        assert batch["labels"].tolist() == [row["label"] for row in rows]
        assert ("label_slots" in batch) == shuffle


def test_label_order_depends_on_seed_epoch_and_index_alone(tokenizer):
    collator = LabelAwareCollator(tokenizer, WORDS, shuffle_labels=True, seed=1)
    rows = examples(8)
    whole = collator(rows)["label_slots"]
    backwards = collator(rows[::-1])["label_slots"].flip(0)
    assert torch.equal(whole, backwards)
    alone = torch.cat([collator([row])["label_slots"] for row in rows])
    assert torch.equal(whole, alone)
    later = collator([{**row, "epoch": 1} for row in rows])["label_slots"]
    other = LabelAwareCollator(tokenizer, WORDS, shuffle_labels=True, seed=2)(rows)["label_slots"]
    assert not torch.equal(whole, later) and not torch.equal(whole, other)


def test_every_order_is_drawn_about_equally_often(tokenizer):
    collator = LabelAwareCollator(tokenizer, WORDS, shuffle_labels=True)
    rows = [{"input_ids": [7], "index": i, "epoch": e} for i in range(100) for e in range(6)]
    counts = Counter(tuple(s[:, 0].tolist()) for s in collator(rows)["label_slots"])
    assert len(counts) == 6 and min(counts.values()) > 60  # 100 expected of each


def test_only_the_sentence_is_truncated(tokenizer):
    collator = LabelAwareCollator(tokenizer, WORDS, max_length=20)
    short, long = collator([{"text": "a good film"}]), collator([{"text": "good film " * 99}])
    prefix = collator.prefix.length + 2
    assert long["input_ids"].shape == (1, 20)
    assert torch.equal(short["input_ids"][0, :prefix], long["input_ids"][0, :prefix])
    assert long["input_ids"][0, -1] == tokenizer.sep_token_id


def test_the_encoders_limit_holds(tokenizer):
    assert LabelAwareCollator(tokenizer, WORDS, max_length=999).max_length == 64
    assert (
        PlainCollator(tokenizer, max_length=999)([{"text": "good " * 99}])["input_ids"].shape[1]
        == 64
    )


def test_pieces_made_beforehand_give_the_same_batch(tokenizer):
    rows = examples()
    pieces = sentence_pieces([row["text"] for row in rows], tokenizer)
    ready = [{**row, "input_ids": ids} for row, ids in zip(rows, pieces, strict=True)]
    collator = LabelAwareCollator(tokenizer, WORDS)
    assert torch.equal(collator(rows)["input_ids"], collator(ready)["input_ids"])


def test_text_that_looks_like_a_special_token_is_text(tokenizer):
    hostile = f"a {tokenizer.sep_token} good {tokenizer.cls_token} film {tokenizer.pad_token}"
    row = PlainCollator(tokenizer)([{"text": hostile}])["input_ids"][0].tolist()
    for special in (tokenizer.sep_token_id, tokenizer.cls_token_id):
        assert row.count(special) == 1
    assert tokenizer.pad_token_id not in row


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["positive"], "at least two label words"),
        (["positive", " "], "empty label word"),
        (["positive", "negative", "positive"], "the same to this tokenizer"),
    ],
)
def test_label_words_that_will_not_do(tokenizer, words, message):
    with pytest.raises(ValueError, match=message):
        LabelPrefix(words, tokenizer)


def test_special_and_unknown_words_are_refused(tokenizer, tiny_bert):
    with pytest.raises(ValueError, match="special token"):
        LabelPrefix(["positive", tokenizer.sep_token], tokenizer)
    bert = AutoTokenizer.from_pretrained(tiny_bert)
    with pytest.raises(ValueError, match=r"becomes \['\[UNK\]'\]"):
        LabelPrefix(["positive", "好"], bert)  # not in this vocabulary
    with pytest.raises(ValueError, match="the same to this tokenizer"):
        LabelPrefix(["Positive", "positive"], bert)  # BERT lower-cases


def test_a_prefix_that_leaves_no_room_is_refused(tokenizer):
    with pytest.raises(ValueError, match="raise max_length or shorten the label words"):
        LabelAwareCollator(tokenizer, WORDS, max_length=8)


def plan_case(seed=0, n=203, sizes=(0.5, 0.3, 0.15, 0.05)):
    draw = np.random.default_rng(seed)
    return draw.integers(3, 40, n), draw.choice(len(sizes), n, p=sizes)


@pytest.mark.parametrize("pairing", [False, True])
@pytest.mark.parametrize("batch_size", [2, 4, 16, 64, 500])
def test_each_example_exactly_once_in_batches_of_the_size(batch_size, pairing):
    lengths, labels = plan_case()
    plan = BatchPlan(lengths, labels, batch_size, seed=0, pairing=pairing)
    batches = plan.epoch(0)
    assert sorted(itertools.chain(*batches)) == list(range(203))
    assert len(batches) == plan.steps
    sizes = sorted(map(len, batches))
    assert sizes[0] > 1 and sizes[-1] <= batch_size + 1
    assert sum(size != batch_size for size in sizes) <= 1


def test_the_plan_is_a_function_of_seed_and_epoch():
    lengths, labels = plan_case()
    plan = BatchPlan(lengths, labels, 16, seed=5)
    first = plan.epoch(3)
    plan.epoch(0)
    assert plan.epoch(3) == first == BatchPlan(lengths, labels, 16, seed=5).epoch(3)
    assert plan.epoch(4) != first != BatchPlan(lengths, labels, 16, seed=6).epoch(3)


@pytest.mark.parametrize("batch_size", [4, 16, 64])
def test_no_class_is_alone_where_counts_allow(batch_size):
    for seed in range(5):
        lengths, labels = plan_case(seed, n=480)
        counts = {False: 0, True: 0}
        for pairing in counts:
            for batch in BatchPlan(lengths, labels, batch_size, seed=0, pairing=pairing).epoch(0):
                counts[pairing] += sum(n == 1 for n in Counter(labels[batch].tolist()).values())
        assert counts[False] > 0 or batch_size == 64
        # Batches of 4 split as 4, 2 + 2 or 3 + 1: classes of odd size cost lone anchors.
        odd = sum(n % 2 for n in Counter(labels.tolist()).values())
        assert counts[True] <= (odd if batch_size == 4 else 0)


def test_a_class_of_one_example_is_let_be():
    labels = [0] * 30 + [1]
    batches = BatchPlan([5] * 31, labels, 4, seed=0).epoch(0)
    assert sorted(itertools.chain(*batches)) == list(range(31))


def test_batches_hold_near_lengths():
    lengths, labels = plan_case(n=3200)
    for pairing in (False, True):
        batches = BatchPlan(lengths, labels, 16, seed=0, pairing=pairing).epoch(0)
        padded = sum(lengths[b].max() * len(b) for b in batches)
        assert padded < 1.15 * lengths.sum()  # random batches: 1.8


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(([1], [0, 1], 4), "one length and one label"), (([], [], 4), "at least one example")],
)
def test_bad_plans(arguments, message):
    with pytest.raises(ValueError, match=message):
        BatchPlan(*arguments, seed=0)
    with pytest.raises(ValueError, match="batch_size of at least 2"):
        BatchPlan([1, 2], [0, 1], 1, seed=0)
