"""Lesson 11's module: the tickets, cleaning, repeated classes, calibration."""

import math
import os
import re
from collections import Counter
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dualcl_tutorial import corpora, own_data

RENAME = {"logistcs": "logistics", "Tech": "tech"}
TEAMS = {
    "logistics": ("物流", 181, 36),
    "tech": ("技术", 161, 32),
    "finance": ("财务", 129, 26),
    "returns": ("退换", 74, 20),
    "accounts": ("账户", 65, 16),
    "plans": ("订阅", 46, 13),
    "sales": ("销售", 31, 9),
    "trust": ("安全", 21, 8),
}


def read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False)


@pytest.fixture(scope="module")
def tickets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The English tickets, cleaned."""
    folder = tmp_path_factory.mktemp("tickets")
    kept, _ = own_data.clean(
        read(own_data.write_tickets(folder / "raw.csv")), "body", "team", rename=RENAME
    )
    kept.to_csv(folder / "tickets.csv", index=False)
    return folder / "tickets.csv"


# --- the tickets ---------------------------------------------------------------------------------


def test_tickets_hold_the_dirt_that_the_card_names(tmp_path: Path) -> None:
    raw = read(own_data.write_tickets(tmp_path / "raw.csv"))
    assert list(raw.columns) == ["id", "received", "body", "team"]
    assert len(raw) == 719 == raw.id.nunique()
    assert raw.received.is_monotonic_increasing
    kept, aside = own_data.clean(raw, "body", "team", rename=RENAME)
    assert len(kept) == 708
    assert Counter(aside.reason) == {
        "no text": 3,
        "said before": 4,
        "two labels for one text": 4,
    }
    assert Counter(raw.team)["logistcs"] == 3 and Counter(raw.team)["Tech"] == 2
    assert (raw.team != raw.team.str.strip()).sum() > 3


def test_counts_are_those_of_the_data_card(tickets: Path, tmp_path: Path) -> None:
    english = Counter(read(tickets).team)
    chinese = Counter(read(own_data.write_tickets(tmp_path / "zh.csv", language="zh")).team)
    card = (Path(own_data.__file__).parent / "data" / "README.md").read_text("utf-8")
    for team, (in_chinese, many, few) in TEAMS.items():
        assert (english.pop(team), chinese.pop(in_chinese)) == (many, few)
        assert re.search(rf"\| {team} / {in_chinese} \|.*\| {many} \| {few} \|", card), team
    assert not english and not chinese


def words_of(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))


def pairs_of(text: str) -> set[str]:
    signs = re.sub(r"\W", "", text)
    return {signs[i : i + 2] for i in range(len(signs) - 1)}


@pytest.mark.parametrize(("language", "parts"), [("en", words_of), ("zh", pairs_of)])
def test_no_two_tickets_are_near_copies(tmp_path: Path, tickets: Path, language, parts) -> None:
    path = (
        tickets if language == "en" else own_data.write_tickets(tmp_path / "z.csv", language="zh")
    )
    texts = read(path).body.tolist()
    assert len(set(texts)) == len(texts)
    for (a, first), (b, second) in combinations([(parts(t), t) for t in texts], 2):
        assert len(a & b) < 0.5 * len(a | b), (first, second)


def test_counting_words_does_not_solve_the_tickets(tickets: Path) -> None:
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    splits = corpora.load(tickets, validation=0)
    baseline = make_pipeline(CountVectorizer(), LogisticRegression(max_iter=1000))
    baseline.fit(splits["train"]["text"], splits["train"]["label"])
    assert 0.4 < baseline.score(splits["test"]["text"], splits["test"]["label"]) < 0.7
    trust = splits["test"].features["label"].names.index("trust")
    assert trust not in baseline.predict(splits["test"]["text"])


@pytest.mark.skipif(not os.environ.get("DUALCL_DATA"), reason="DUALCL_DATA is not set")
def test_tickets_are_in_no_corpus_of_the_paper(tickets: Path) -> None:
    ours = {" ".join(re.findall(r"\w+", t.lower())) for t in read(tickets).body}
    ours = {text for text in ours if len(text.split()) >= 5}
    for name in ("sst2", "subj", "trec", "pc", "cr"):
        for rows in corpora.load(name).values():
            assert not ours & {" ".join(re.findall(r"\w+", t.lower())) for t in rows["text"]}


def test_writing_again_is_fine_and_another_file_is_safe(tmp_path: Path) -> None:
    path = own_data.write_tickets(tmp_path / "tickets.csv")
    assert own_data.write_tickets(str(path)) == path
    path.write_text("mine")
    with pytest.raises(FileExistsError, match="choose another name"):
        own_data.write_tickets(path)
    assert path.read_text() == "mine"
    with pytest.raises(ValueError, match="'fr'"):
        own_data.write_tickets(tmp_path / "other.csv", language="fr")


# --- cleaning ------------------------------------------------------------------------------------


def test_clean_says_why_a_row_is_set_aside_and_keeps_the_columns() -> None:
    frame = pd.DataFrame(
        [
            ("1", "  where\n is it ", " a"),
            ("2", "where is it", "a"),
            ("3", " \t", "a"),
            ("4", "both", "a"),
            ("5", "both", "b"),
            ("6", "no label", " "),
            ("7", "fine", "B"),
        ],
        columns=["id", "body", "team"],
    )
    before = frame.copy()
    kept, aside = own_data.clean(frame, "body", "team", rename={"B": "b"})
    pd.testing.assert_frame_equal(frame, before)
    assert kept.to_numpy().tolist() == [["1", "where is it", "a"], ["7", "fine", "b"]]
    assert dict(zip(aside.id, aside.reason, strict=True)) == {
        "2": "said before",
        "3": "no text",
        "4": "two labels for one text",
        "5": "two labels for one text",
        "6": "no label",
    }


def test_clean_refuses_what_is_not_there() -> None:
    frame = pd.DataFrame({"body": ["x"], "team": ["a"]})
    with pytest.raises(ValueError, match="column 'text', but there are body, team"):
        own_data.clean(frame, "text", "team")
    with pytest.raises(ValueError, match="'c' is none"):
        own_data.clean(frame, "body", "team", rename={"c": "a"})


@pytest.mark.parametrize("least", [0, 1, 5, 7])
def test_repeat_rare_repeats_whole_rounds_and_loses_no_row(least: int) -> None:
    labels = [2, 0, 1, 0, 0, 2, 0, 0]
    rows = own_data.repeat_rare(labels, least)
    for k in range(3):
        own = [i for i, label in enumerate(labels) if label == k]
        times = [rows.count(i) for i in own]
        assert sum(times) == max(least, len(own))
        assert min(times) >= 1 and max(times) - min(times) <= 1
    assert rows == sorted(rows)


# --- calibration ---------------------------------------------------------------------------------


def ece_by_loops(confidence, right, bins):
    total = 0.0
    for b in range(bins):
        inside = [
            (c, r)
            for c, r in zip(confidence, right, strict=True)
            if b / bins < c <= (b + 1) / bins or (b == 0 and c == 0)
        ]
        if inside:
            gap = sum(r for _, r in inside) - sum(c for c, _ in inside)
            total += abs(gap) / len(confidence)
    return total


@pytest.mark.parametrize("bins", [1, 4, 10])
def test_calibration_error_is_its_formula(bins: int) -> None:
    draw = np.random.default_rng(0)
    for size in (1, 7, 200):
        confidence = np.concatenate([draw.random(size), [0.0, 0.25, 0.5, 1.0]])
        right = draw.random(size + 4) < confidence
        found = own_data.expected_calibration_error(confidence, right, bins=bins)
        assert math.isclose(found, ece_by_loops(confidence, right, bins), abs_tol=1e-12)
    table = own_data.reliability(confidence, right, bins=bins)
    assert table.n.sum() == len(right)
    assert ((table.low <= table.confidence) & (table.confidence <= table.high)).all()


def test_calibration_error_of_a_known_case() -> None:
    # Nine answers at 0.9, of which six are right: sure by 0.9, right in two thirds.
    right = np.arange(9) < 6
    found = own_data.expected_calibration_error(np.full(9, 0.9), right)
    assert math.isclose(found, 0.9 - 6 / 9)


def test_temperature_minimises_the_loss_and_follows_the_scale() -> None:
    draw = np.random.default_rng(1)
    scores = draw.normal(size=(80, 4)) * 3
    labels = np.where(draw.random(80) < 0.6, scores.argmax(1), draw.integers(4, size=80))

    def loss(temperature: float) -> float:
        total = 0.0
        for row, label in zip(scores / temperature, labels, strict=True):
            total += math.log(sum(math.exp(x) for x in row)) - row[label]
        return total / len(labels)

    found = own_data.fit_temperature(scores, labels)
    assert loss(found) <= min(loss(t) for t in np.geomspace(0.1, 10, 60)) + 1e-9
    assert math.isclose(own_data.fit_temperature(5 * scores, labels), 5 * found, rel_tol=1e-3)
