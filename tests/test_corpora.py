"""Corpora: what is selected, what is refused and in which words, and that no bad file gets in."""

import errno
import functools
import hashlib
import http.server
import json
import os
import random
import re
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from importlib import resources
from pathlib import Path

import pandas as pd
import pytest

from dualcl_tutorial import _files, corpora

PAPER = [name for name, corpus in corpora.CORPORA.items() if corpus.sha256]
BUNDLED = [name for name, corpus in corpora.CORPORA.items() if not corpus.sha256]
needs_data = pytest.mark.skipif(
    not os.environ.get("DUALCL_DATA"),
    reason="DUALCL_DATA does not name a folder with the corpora of the paper",
)


def one_sentence(error: pytest.ExceptionInfo) -> str:
    """Return what an error says, after checking that it is one sentence on one line."""
    said = str(error.value)
    assert said.endswith(".") and "\n" not in said and not re.search(r"[.!?] [A-Z]", said), said
    return said


def write_csv(path: Path, rows: list[tuple[str, object]]) -> Path:
    pd.DataFrame(rows, columns=["text", "label"]).to_csv(path, index=False)
    return path


def sizes(splits) -> dict[str, int]:
    return {split: rows.num_rows for split, rows in splits.items()}


def counts(rows) -> Counter:
    return Counter(rows["label"])


@pytest.fixture
def uneven(tmp_path: Path) -> Path:
    """200 rows of three classes, a quarter of them repeated: 120 + 60 + 20."""
    rows = [
        (f"{label} text {i - i % 4 // 3}", label)
        for label, size in (("b", 120), ("a", 60), ("c", 20))
        for i in range(size)
    ]
    random.Random(0).shuffle(rows)
    return write_csv(tmp_path / "uneven.csv", rows)


# --- what is selected ----------------------------------------------------------------------------


def test_splits_have_texts_and_class_labels():
    splits = corpora.load("mini-questions")
    assert list(splits) == ["train", "validation", "test"]
    for rows in splits.values():
        assert rows.column_names == ["text", "label"]
        assert rows.features["text"].dtype == "string"
        assert rows.features["label"].names == [
            *("description", "entity", "abbreviation", "human", "location", "numeric")
        ]


@pytest.mark.parametrize("fraction", [0.02, 0.1, 0.5, 1.0])
def test_fraction_is_taken_class_by_class(uneven, fraction):
    everything = counts(corpora.load(uneven, validation=0)["train"])
    some = counts(corpora.load(uneven, fraction=fraction, validation=0)["train"])
    assert set(some) == set(everything)  # at least one a class
    for k, size in everything.items():
        assert abs(some[k] - max(1, fraction * size)) <= 0.5


def test_per_class_gives_as_many_or_all_there_are(uneven):
    splits = corpora.load(uneven, per_class=30, validation=0)
    smallest = corpora.load(uneven, validation=0)["train"]["label"].count(2)
    assert smallest < 30
    assert counts(splits["train"]) == {0: 30, 1: 30, 2: smallest}


def test_a_larger_selection_holds_the_smaller_one_of_the_same_seed():
    def select(fraction):
        return set(corpora.load("mini-reviews", fraction=fraction, validation=0)["train"]["text"])

    assert select(0.05) < select(0.1) < select(0.5)


def test_seed_decides_the_selection_and_nothing_else_does():
    def select(seed):
        return corpora.load("mini-reviews", fraction=0.1, seed=seed).data

    first, again, other = select(3), select(3), select(4)
    for split in ("train", "validation", "test"):
        assert first[split].equals(again[split])
    assert not first["train"].equals(other["train"])
    assert first["test"].equals(other["test"])


def test_order_of_the_file_does_not_decide(uneven, tmp_path):
    rows = pd.read_csv(uneven)
    rows.sort_values(["label", "text"]).to_csv(tmp_path / "sorted.csv", index=False)
    options = {"fraction": 0.3, "validation": 0.2, "seed": 5}
    for split, shuffled in corpora.load(uneven, **options).items():
        in_order = corpora.load(tmp_path / "sorted.csv", **options)[split]
        assert sorted(shuffled["text"]) == sorted(in_order["text"])
        assert counts(shuffled) == counts(in_order)


def test_no_text_is_on_two_sides(uneven):
    splits = corpora.load(uneven, validation=0.3)
    train, validation, test = (set(splits[s]["text"]) for s in ("train", "validation", "test"))
    assert not train & validation and not train & test and not validation & test
    assert len(splits["validation"]) > len(validation)  # duplicates went along
    assert sum(sizes(splits).values()) == 200


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5])
def test_validation_is_a_share_of_what_was_selected(share):
    whole = corpora.load("mini-questions", fraction=0.5, validation=0)["train"]
    splits = corpora.load("mini-questions", fraction=0.5, validation=share)
    assert set(splits["train"]["text"]) | set(splits["validation"]["text"]) == set(whole["text"])
    for k, size in counts(whole).items():
        assert abs(counts(splits["validation"])[k] - share * size) <= 0.5


def test_without_validation_there_is_no_such_split():
    assert list(corpora.load("mini-reviews", validation=0)) == ["train", "test"]
    # One text a class has none to spare: better no validation than no training.
    assert sizes(corpora.load("mini-reviews", per_class=1)) == {"train": 2, "test": 264}


def test_validation_leaves_every_class_a_text():
    splits = corpora.load("mini-questions", per_class=2, validation=0.9)
    assert counts(splits["train"]) == counts(splits["validation"]) == dict.fromkeys(range(6), 1)


def test_test_split_is_never_touched(uneven):
    for name in ("mini-reviews", uneven):
        whole = corpora.load(name).data["test"]
        for options in ({"fraction": 0.1}, {"per_class": 2}, {"validation": 0}, {"seed": 9}):
            assert corpora.load(name, **options).data["test"].equals(whole)


def test_contradicting_text_does_not_cost_a_class(tmp_path):
    rows = [(f"text {i}", "common") for i in range(30)] + [("text 1", "rare"), ("text 2", "rare")]
    path = write_csv(tmp_path / "c.csv", rows)
    for seed in range(5):
        splits = corpora.load(path, validation=0.5, seed=seed)
        assert not set(splits["train"]["text"]) & set(splits["test"]["text"])
        assert set(splits["train"]["label"]) == {0, 1}


def test_label_words_replace_names_and_keep_indices():
    old = corpora.load("mini-reviews", per_class=5)
    for words in (["good", "bad"], {"negative": "bad", "positive": "good"}):
        new = corpora.load("mini-reviews", per_class=5, label_words=words)
        assert new["test"].features["label"].names == ["good", "bad"]
        assert new["test"]["label"] == old["test"]["label"]
    part = corpora.load("mini-reviews", label_words={"negative": "bad"})
    assert part["train"].features["label"].names == ["positive", "bad"]


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"fraction": 0}, "fraction is a share above 0"),
        ({"fraction": 1.1}, "fraction is a share above 0"),
        ({"per_class": 0}, "per_class is a number"),
        ({"fraction": 0.5, "per_class": 3}, "exclude each other"),
        ({"validation": 1}, "validation is a share"),
        ({"validation": -0.1}, "validation is a share"),
        ({"label_words": ["good"]}, "there are 2 classes: give one a class, in the order positive"),
        ({"label_words": "good"}, "has 1 word,"),
        ({"label_words": ["good", "good"]}, "must differ"),
        ({"label_words": ["good", " "]}, "not be empty"),
        ({"label_words": {"nice": "good"}}, "renames 'nice'"),
        ({"test": 0.2}, "test is for files of one's own"),
        ({"text_column": "body"}, "text_column is for files of one's own"),
    ],
)
def test_impossible_wishes_are_refused(options, part):
    with pytest.raises(ValueError) as error:
        corpora.load("mini-reviews", **options)
    assert part in one_sentence(error)


@pytest.mark.parametrize(
    ("name", "near"), [("crr", "'cr'"), ("SST-2", "'sst2'"), ("mini_reviews", "'mini-reviews'")]
)
def test_unknown_corpus_is_answered_with_the_nearest(name, near):
    with pytest.raises(ValueError) as error:
        corpora.load(name)
    assert f"(nearest: {near})" in one_sentence(error)


# --- files of one's own --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "json", "parquet"])
def test_every_kind_of_file_gives_the_same(tmp_path, corpus_csv, kind):
    frame, path = pd.read_csv(corpus_csv), tmp_path / f"mine.{kind}"
    frame.loc[0, "text"] = "NA"  # a text like any other
    frame.loc[1, "text"] = 'comma, tab\t, "quotes"\u2028 and a line\nbreak é'
    {
        "csv": lambda: frame.to_csv(path, index=False),
        "tsv": lambda: frame.to_csv(path, index=False, sep="\t"),
        "jsonl": lambda: frame.to_json(path, orient="records", lines=True, force_ascii=False),
        "json": lambda: frame.to_json(path, orient="records"),
        "parquet": lambda: frame.to_parquet(path),
    }[kind]()
    splits = corpora.load(str(path), validation=0)
    assert sizes(splits) == {"train": 48, "test": 12}
    assert counts(splits["test"]) == {0: 6, 1: 6}
    assert splits["train"].features["label"].names == ["negative", "positive"]  # sorted
    texts = [*splits["train"]["text"], *splits["test"]["text"]]
    assert sorted(texts) == sorted(frame["text"])


@pytest.mark.parametrize("text", ["Review", "sentence", "BODY", "question", " message "])
@pytest.mark.parametrize("label", ["Class", "team", "sentiment"])
def test_usual_columns_are_found(tmp_path, corpus_csv, text, label):
    frame = pd.read_csv(corpus_csv).set_axis([text, label], axis=1)
    frame.insert(0, "id", range(len(frame)))
    frame.to_csv(tmp_path / "mine.csv", index=False)
    assert sizes(corpora.load(tmp_path / "mine.csv", validation=0)) == {"train": 48, "test": 12}


def test_columns_can_be_named(tmp_path, corpus_csv):
    frame = pd.read_csv(corpus_csv)
    frame["stars"] = frame["label"].map({"positive": 5, "negative": 10})
    frame["text"], frame["words"] = "the same", frame["text"]
    frame.to_parquet(tmp_path / "mine.parquet")
    splits = corpora.load(
        tmp_path / "mine.parquet", text_column="words", label_column="stars", validation=0
    )
    assert len(set(splits["train"]["text"])) == 48
    assert splits["train"].features["label"].names == ["5", "10"]  # as numbers, not as strings


@pytest.mark.parametrize("labels", [[0, 1], [0.0, 1.0], ["0", "1"], [False, True]])
def test_labels_become_words(tmp_path, labels):
    pd.DataFrame({"text": [f"text {i}" for i in range(20)], "label": labels * 10}).to_parquet(
        tmp_path / "mine.parquet"
    )
    splits = corpora.load(tmp_path / "mine.parquet")
    expected = ["False", "True"] if labels[0] is False else ["0", "1"]
    assert splits["train"].features["label"].names == expected
    named = corpora.load(tmp_path / "mine.parquet", label_words=["no", "yes"])
    assert named["train"].features["label"].names == ["no", "yes"]


def test_test_may_be_a_share_or_a_second_file(tmp_path, corpus_csv):
    assert sizes(corpora.load(corpus_csv, test=0.5, validation=0)) == {"train": 30, "test": 30}
    second = write_csv(tmp_path / "second.csv", [("new words", "positive"), ("a", "positive")])
    splits = corpora.load(corpus_csv, test=second, validation=0)
    assert sizes(splits) == {"train": 60, "test": 2}
    assert splits["test"]["label"] == [1, 1]
    assert splits["test"]["text"] == ["new words", "a"]


@pytest.mark.parametrize(
    ("file", "content", "part"),
    [
        ("a.csv", "text,label\nx,\ny,b\n", "has no label in row 1"),
        ("a.csv", "text,label\nx,a\n  ,b\ny,b\n", "has no text in row 2"),
        ("a.jsonl", '{"text": "x", "label": "a"}\n{"label": "b"}\n', "has no text in row 2"),
        ("a.csv", "text,label\nx,a\ny,a\n", "one class only ('a')"),
        ("a.csv", "text,label\nx,a\ny,b\n", "one text a class"),
        ("a.csv", "text,label\n", "has no rows"),
        ("a.csv", "", "cannot be read as csv"),
        ("a.csv", "words,label\nx,a\n", "for the text among its columns (words, label)"),
        ("a.csv", "text,kind\nx,a\n", "name one with label_column"),
        ("a.csv", 'text,label\n"x,a\n', "cannot be read as csv"),
        ("a.jsonl", '{"text": "x", "label": "a"}\n{"text": "y", "la', "line 2 is not one whole"),
        ("a.jsonl", "3\n", "line 1 is not one whole"),
        ("a.json", '{"text": "x"}', "expected one list of objects"),
        ("a.parquet", "PAR1 and no more", "cannot be read as parquet"),
        ("a.xlsx", "", "ends in '.xlsx'"),
    ],
)
def test_unusable_file_is_refused(tmp_path, file, content, part):
    (tmp_path / file).write_text(content)
    with pytest.raises(ValueError) as error:
        corpora.load(tmp_path / file)
    assert part in one_sentence(error)
    assert file in str(error.value)


def test_file_in_another_encoding_is_refused(tmp_path):
    (tmp_path / "a.csv").write_bytes("text,label\ncaf\xe9,a\n".encode("latin-1"))
    with pytest.raises(ValueError, match="cannot be read as csv"):
        corpora.load(tmp_path / "a.csv")


def test_wrong_column_share_label_or_path(tmp_path, corpus_csv):
    with pytest.raises(ValueError) as error:
        corpora.load(corpus_csv, text_column="words")
    assert "no column 'words'" in one_sentence(error)
    for share in (0, 1.0, 3):
        with pytest.raises(ValueError) as error:
            corpora.load(corpus_csv, test=share)
        assert "a second file or a share between 0 and 1" in one_sentence(error)
    second = write_csv(tmp_path / "second.csv", [("x", "neutral"), ("y", "positive")])
    with pytest.raises(ValueError) as error:
        corpora.load(corpus_csv, test=second)
    assert "(neutral; known are negative, positive)" in one_sentence(error)
    for missing in ("nowhere.csv", "no/where.csv"):
        with pytest.raises(FileNotFoundError) as error:
            corpora.load(missing)
        assert f"no file {missing}" in one_sentence(error)


# --- the corpora of the paper --------------------------------------------------------------------


@needs_data
@pytest.mark.parametrize(
    ("name", "train", "test", "duplicates", "leaks"),
    [
        ("sst2", 7447, 1821, 9, 1),
        ("subj", 9000, 1000, 0, 0),
        ("trec", 5452, 500, 73, 11),
        ("pc", 32097, 13759, 3443, 901),
        ("cr", 3394, 376, 5, 0),
    ],
)
def test_corpora_of_the_paper(name, train, test, duplicates, leaks):
    about = corpora.describe(name)
    assert (about.available, about.where) == (True, "DUALCL_DATA")
    assert about.sizes == {"train": train, "test": test}
    assert (about.duplicates, about.leaks) == (duplicates, leaks)
    assert list(about.classes["train"]) == list(corpora.CORPORA[name].label_words)


@needs_data
def test_ten_percent_of_cr_is_as_mixed_as_cr():
    splits = corpora.load("cr", fraction=0.1, validation=0)
    assert counts(splits["train"]) == {0: 217, 1: 123}
    assert counts(splits["test"]) == {0: 240, 1: 136}


def tiny(split: str) -> bytes:
    words = ("positive", "negative")
    rows = [{"text": f"{split} {w} {i}", "label": w} for w in words for i in range(20)]
    return json.dumps(rows).encode()


class Server(http.server.ThreadingHTTPServer):
    """Serves the files of a tiny corpus, well or badly, and counts what was asked for."""

    mode = "good"

    def __init__(self):
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), functools.partial(Handler))


class Handler(http.server.BaseHTTPRequestHandler):
    def do_HEAD(self):
        self.send_response(200)
        self.end_headers()

    def do_GET(self):
        file = self.path.rsplit("/", 1)[-1]
        self.server.asked.append(file)
        content, mode = tiny(file.split("_")[1].split(".")[0]), self.server.mode
        if mode == "drops":
            self.close_connection = True
            return
        self.send_response(404 if mode == "missing" else 200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if mode == "truncated":
            self.close_connection = True
            content = content[: len(content) // 2]
        self.wfile.write(content.upper() if mode == "wrong" else content)

    def log_message(self, *args):
        pass


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """A machine without corpora, for which ``cr`` is a tiny corpus; returns its cache folder."""
    monkeypatch.delenv("DUALCL_DATA", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(_files, "cache_folder", lambda: tmp_path / "cache")
    digests = tuple(hashlib.sha256(tiny(split)).hexdigest() for split in ("Train", "Test"))
    files = ("CR_Train.json", "CR_Test.json")
    corpus = corpora.Corpus("tiny", files, digests, ("positive", "negative"), "", "", "")
    monkeypatch.setitem(corpora.CORPORA, "cr", corpus)
    return tmp_path / "cache"


@pytest.fixture
def server(cache, monkeypatch):
    with Server() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(_files, "BASE_URL", f"http://127.0.0.1:{server.server_port}/data")
        yield server
        server.shutdown()


@pytest.fixture
def no_network(cache, monkeypatch):
    with socket.socket() as free:  # a port at which nobody listens once it is closed
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setattr(_files, "BASE_URL", f"http://127.0.0.1:{port}/data")


def left_in(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.rglob("*")) if folder.exists() else []


def test_download_is_cached_and_verified(server, cache):
    for _ in range(2):
        assert sizes(corpora.load("cr", validation=0)) == {"train": 40, "test": 40}
    assert server.asked == ["CR_Train.json", "CR_Test.json"]
    assert left_in(cache) == ["CR_Test.json", "CR_Train.json"]
    assert corpora.describe("cr").where == "cache"


@pytest.mark.parametrize("mode", ["truncated", "wrong", "drops", "missing"])
def test_bad_download_is_refused_and_leaves_nothing(server, cache, mode):
    server.mode = mode
    with pytest.raises(corpora.CorpusUnavailable) as error:
        corpora.load("cr")
    assert "set DUALCL_DATA to a folder" in one_sentence(error)
    assert left_in(cache) == []
    server.mode = "good"  # and the next attempt starts afresh
    assert sizes(corpora.load("cr", validation=0)) == {"train": 40, "test": 40}


def test_download_goes_on_with_the_file_that_is_missing(server, cache):
    corpora.load("cr")
    (cache / "CR_Test.json").unlink()
    corpora.load("cr")
    assert server.asked == ["CR_Train.json", "CR_Test.json", "CR_Test.json"]


def test_interrupted_download_leaves_nothing(server, cache, monkeypatch):
    import requests

    def interrupted(*args, **options):
        yield b"half of"
        raise KeyboardInterrupt

    monkeypatch.setattr(_files, "reachable", lambda url: True)
    monkeypatch.setattr(requests.Response, "iter_content", interrupted)
    with pytest.raises(KeyboardInterrupt):
        corpora.load("cr")
    assert left_in(cache) == []


def test_leftover_of_a_killed_download_is_cleared(server, cache):
    cache.mkdir()
    (cache / "tmpold").write_text("half")
    (cache / "tmpnew").write_text("another process is writing this")
    os.utime(cache / "tmpold", (time.time() - 7200,) * 2)
    corpora.load("cr")
    assert left_in(cache) == ["CR_Test.json", "CR_Train.json", "tmpnew"]


def test_full_disk_is_told_and_leaves_nothing(server, cache, monkeypatch):
    def full(source, target):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("shutil.move", full)
    with pytest.raises(corpora.CorpusUnavailable) as error:
        corpora.load("cr")
    assert os.strerror(errno.ENOSPC) in one_sentence(error)
    assert left_in(cache) == []


def test_damaged_file_in_the_cache_is_fetched_again(server, cache):
    corpora.load("cr")
    (cache / "CR_Train.json").write_bytes(tiny("Train")[:-40])
    assert sizes(corpora.load("cr", validation=0)) == {"train": 40, "test": 40}
    assert (cache / "CR_Train.json").read_bytes() == tiny("Train")


def test_damaged_file_in_the_cache_is_not_used_offline(no_network, cache):
    cache.mkdir()
    (cache / "CR_Train.json").write_bytes(tiny("Train")[:-40])
    with pytest.raises(corpora.CorpusUnavailable):
        corpora.load("cr")
    assert left_in(cache) == []


def test_offline_one_sentence_says_how_to_get_it(no_network):
    with pytest.raises(FileNotFoundError) as error:
        corpora.load("cr")
    said = one_sentence(error)
    assert "CR_Train.json" in said and "DUALCL_DATA" in said and "while online" in said


def test_given_folder_comes_first(server, cache, tmp_path, monkeypatch):
    monkeypatch.setenv("DUALCL_DATA", str(tmp_path))
    (tmp_path / "CR_Train.json").write_bytes(tiny("Train"))
    corpora.load("cr")
    assert server.asked == ["CR_Test.json"]  # the one that the folder lacks
    assert left_in(cache) == ["CR_Test.json"]


def test_wrong_file_in_the_given_folder_is_told_and_kept(server, tmp_path, monkeypatch):
    monkeypatch.setenv("DUALCL_DATA", str(tmp_path))
    (tmp_path / "CR_Train.json").write_bytes(tiny("Train") + b" ")
    with pytest.raises(ValueError) as error:
        corpora.load("cr")
    assert "is not the file the authors released" in one_sentence(error)
    assert not server.asked
    assert (tmp_path / "CR_Train.json").exists()  # it is not ours to delete
    about = corpora.describe("cr")
    assert not about.available and "SHA-256" in about.note


def test_given_folder_must_be_there(server, monkeypatch):
    monkeypatch.setenv("DUALCL_DATA", "nowhere")
    with pytest.raises(corpora.CorpusUnavailable) as error:
        corpora.load("cr")
    assert "no folder" in one_sentence(error)


def test_unreachable_is_found_out_without_a_name_server(monkeypatch):
    import requests

    def never(*args, **options):
        time.sleep(60)

    monkeypatch.setattr(requests, "head", never)
    assert not _files.reachable("http://example.invalid", seconds=-0.9)


# --- describe, and the bundled corpora -----------------------------------------------------------


def test_describe_never_downloads(server):
    about = corpora.describe("cr")
    assert not about.available and not about.sizes and not server.asked
    assert "set DUALCL_DATA" in about.note


def test_describe_counts_duplicates_and_leaks(tmp_path):
    train = [("a b", "x"), ("a b", "x"), ("c d e f", "y"), ("a b", "y")]
    path = write_csv(tmp_path / "a.csv", train)
    test = write_csv(tmp_path / "b.csv", [("a b", "x"), ("a b", "x"), ("new", "y")])
    about = corpora.describe(path, test=test)
    assert (about.duplicates, about.leaks, about.mean_words) == (2, 2, 2.5)
    assert about.classes == {"train": {"x": 2, "y": 2}, "test": {"x": 2, "y": 1}}
    assert (about.available, about.where) == (True, "file")


def words_of(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"\w+", text.lower()))


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_corpus_is_large_enough_and_every_sentence_different(name):
    splits = corpora.load(name)
    texts = [text for rows in splits.values() for text in rows["text"]]
    assert len({words_of(text) for text in texts}) == len(texts)
    assert len(splits["train"]) >= 400 and len(splits["validation"]) >= 100
    assert len(splits["test"]) >= 200
    about = corpora.describe(name)
    assert (about.where, about.duplicates, about.leaks) == ("bundled", 0, 0)
    openings = Counter(words_of(text)[:5] for text in texts if len(words_of(text)) > 6)
    assert openings.most_common(1)[0][1] <= 2  # no template
    shares = {split: counts(rows)[0] / len(rows) for split, rows in splits.items()}
    assert max(shares.values()) - min(shares.values()) < 0.02


@pytest.mark.parametrize("name", BUNDLED)
def test_data_card_has_the_right_counts(name):
    about = corpora.describe(name)
    card = resources.files("dualcl_tutorial").joinpath("data", "README.md").read_text("utf-8")
    section = card.split(f"\n## {name}\n")[1].split("\n## ")[0]
    assert f"{sum(about.sizes.values()):,} " in section
    for word, train in about.classes["train"].items():
        row = rf"\| {word}[^|]*\| {train} \| {about.classes['test'][word]} \|"
        assert re.search(row, section), word


@pytest.mark.parametrize("name", BUNDLED)
def test_bag_of_words_does_not_solve_a_bundled_corpus(name):
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    splits = corpora.load(name, validation=0)
    baseline = make_pipeline(CountVectorizer(), LogisticRegression())
    baseline.fit(splits["train"]["text"], splits["train"]["label"])
    accuracy = baseline.score(splits["test"]["text"], splits["test"]["label"])
    assert 0.6 < accuracy < 0.9  # learnable, and not by counting words


@needs_data
@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_sentences_are_in_no_other_corpus(name):
    theirs = {
        words_of(text)
        for other in PAPER
        for rows in corpora.load(other).values()
        for text in rows["text"]
    }
    ours = [text for rows in corpora.load(name).values() for text in rows["text"]]
    assert not [t for t in ours if len(words_of(t)) >= 5 and words_of(t) in theirs]


def test_import_is_cheap():
    heavy = {"torch", "transformers", "datasets", "pandas", "pooch", "requests"}
    code = "import sys, dualcl_tutorial.corpora, dualcl_tutorial.encoders; print(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not heavy & set(out.stdout.split())
