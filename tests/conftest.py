"""Settings and fixtures of all tests: no network, one thread, encoders made on the spot."""

import os

# Before torch and transformers, which read these once, are imported; nbval's kernels inherit them.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("DUALCL_MODE", "quick")

import csv
import itertools
import json
import string
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import BertModel, PreTrainedModel, RobertaModel

torch.set_num_threads(1)

MAX_LENGTH = 64

# "positive" and "negative" come often enough to be one piece; "abbreviation", once, is cut up.
SENTENCES = """\
a positive review of a good film
a negative review of a bad film
the good film was a positive surprise
the bad film was a negative surprise
positive words for a good story
negative words for a bad story
the review was positive and the film was good
the review was negative and the film was bad
not a positive word about this story
not a negative word about this story
the phone is good but the battery is bad
the battery of this phone is not good
the food was cold and the service was slow
the food was good and the service was fast
this book is long but it is not bad
this book is short and it is good
the actors are good and the music is loud
the music is good and the actors are bad
what is the name of the film
who is the author of this book
where is the city in the story
how many people are in the city
what does this short word stand for
what is the abbreviation of this word
which people are in the book
how long is the film
who made the music of the film
where was the book made
the screen of the phone is large
the screen is small but good
we liked the film and the book
we did not like the food
they liked the phone
they did not like the service
a good film, a good book, a good day!
is this a good phone? yes, it is.
is this a bad book? no, it is not.
the story is slow, cold and long.
a fast story with loud music!
a major request: six zebras, one prize and exactly no jazz
seven quick foxes and a lazy dog adjust the box
one film, two books and many words.""".splitlines()


def save_encoder(
    folder: Path, model: PreTrainedModel, tokenizer: Tokenizer, **settings: Any
) -> Path:
    """Write model and tokenizer as the model hub has them, for AutoModel and AutoTokenizer."""
    model.save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    settings["model_max_length"] = MAX_LENGTH
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return folder


def random_model(kind: type[PreTrainedModel], tokenizer: Tokenizer, **settings: Any) -> Any:
    """Return a random BERT or RoBERTa for a tokenizer: 32 wide, 2 layers, the same each time."""
    config = kind.config_class(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        initializer_range=0.2,  # ten times BERT's: a random model whose outputs do differ
        **settings,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return kind(config)


def wordpiece(model: models.WordPiece) -> Tokenizer:
    """Return BERT's lower-casing tokenizer around a WordPiece model."""
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer


def learn_pieces(special: list[str]) -> dict[str, int]:
    """Return a vocabulary for SENTENCES that is the same each time.

    The trainer numbers letters inside words in no fixed order, on which ties between merges then
    depend, unless they are named in advance as if they were special.
    """
    tokenizer = wordpiece(models.WordPiece(unk_token="[UNK]"))
    letters = ["##" + letter for letter in string.ascii_lowercase]
    trainer = trainers.WordPieceTrainer(
        vocab_size=400, min_frequency=3, special_tokens=special + letters, show_progress=False
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    return tokenizer.get_vocab()


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a random BERT: 32 wide, 2 layers, WordPiece, at most 64 tokens."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer = wordpiece(models.WordPiece(learn_pieces(special), unk_token="[UNK]"))
    tokenizer.add_special_tokens(special)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(word, tokenizer.token_to_id(word)) for word in ("[CLS]", "[SEP]")],
    )
    model = random_model(BertModel, tokenizer, max_position_embeddings=MAX_LENGTH)
    return save_encoder(
        tmp_path_factory.mktemp("encoders") / "tiny_bert",
        model,
        tokenizer,
        tokenizer_class="BertTokenizer",
        do_lower_case=True,
        unk_token="[UNK]",
        sep_token="[SEP]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        mask_token="[MASK]",
    )


@pytest.fixture(scope="session")
def tiny_roberta(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a random RoBERTa: as tiny_bert, with byte-level BPE."""
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]  # so that <pad> is 1, as in roberta-base
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        SENTENCES,
        trainers.BpeTrainer(
            vocab_size=600,
            min_frequency=3,
            special_tokens=special,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    tokenizer.post_processor = processors.RobertaProcessing(
        ("</s>", special.index("</s>")),
        ("<s>", special.index("<s>")),
        add_prefix_space=False,
    )
    model = random_model(
        RobertaModel,
        tokenizer,
        max_position_embeddings=MAX_LENGTH + 2,  # positions begin behind the padding index
        type_vocab_size=1,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
    )
    return save_encoder(
        tmp_path_factory.mktemp("encoders") / "tiny_roberta",
        model,
        tokenizer,
        tokenizer_class="RobertaTokenizer",
        unk_token="<unk>",
        sep_token="</s>",
        pad_token="<pad>",
        cls_token="<s>",
        mask_token="<mask>",
        bos_token="<s>",
        eos_token="</s>",
    )


@pytest.fixture
def corpus_csv(tmp_path: Path) -> Path:
    """Return a CSV file of 60 sentences, half of them positive, columns text and label."""
    things = ["film", "book", "phone", "story", "service"]
    openings = ["the {} was", "we found this {}", "her new {} is"]
    words = {"positive": ["good", "a delight"], "negative": ["bad", "a waste"]}
    path = tmp_path / "reviews.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "label"])
        for label, judgements in words.items():
            for opening, thing, word in itertools.product(openings, things, judgements):
                rows.writerow([f"{opening.format(thing)} {word}", label])
    return path
