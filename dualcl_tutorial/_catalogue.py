"""What the course knows about its seven corpora before opening one (lesson 00; see `corpora`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dualcl_tutorial._files import COMMIT

_SOURCE = f"github.com/hiyouga/Dual-Contrastive-Learning, folder data, commit {COMMIT[:7]}"
_OPINIONS = ("positive", "negative")
_QUESTIONS = ("description", "entity", "abbreviation", "human", "location", "numeric")


@dataclass(frozen=True)
class Corpus:
    """What the course knows about a corpus before opening it (lesson 00).

    Attributes:
        title: One line for a table.
        files: Files of train and test; a bundled corpus has both in one file.
        sha256: Digests of the files, in the same order; empty for a bundled corpus.
        label_words: Words of the classes; class k is the k-th.
        source: Where it comes from.
        licence: Licence it is passed on under.
        about: What a reader should know before trusting a figure.
    """

    title: str
    files: tuple[str, ...]
    sha256: tuple[str, ...]
    label_words: tuple[str, ...]
    source: str
    licence: str
    about: str


def _paper(
    title: str, stem: str, sha256: tuple[str, str], words: tuple[str, ...], about: str
) -> Corpus:
    files = (f"{stem}_Train.json", f"{stem}_Test.json")
    return Corpus(title, files, sha256, words, _SOURCE, "MIT, as its authors released it", about)


def _bundled(title: str, file: str, words: tuple[str, ...], about: str) -> Corpus:
    return Corpus(title, (file,), (), words, "written for this course", "CC0-1.0", about)


CORPORA: Mapping[str, Corpus] = {
    "sst2": _paper(
        "SST-2: sentences of film reviews",
        "SST2",
        (
            "a3e18f003ee72744145a084130d88d2747ae3b7eb4b91a33efedaab050c4b4e2",
            "f60dac90d8818faa4ef03081f37d0162f4632809aefe1f4f532872cdb1d12d18",
        ),
        _OPINIONS,
        "One test sentence is also in train.",
    ),
    "subj": _paper(
        "SUBJ: opinions against plots of films",
        "SUBJ",
        (
            "5f7af8e6997b941d9f33232538dafb780aadc52923ab850d22806ee580e36720",
            "a8b2648ca5f0bb1d5373aea042fe2d0d5cdafcaafd3ad20bd6c975864d3c6850",
        ),
        ("subjective", "objective"),
        "No text occurs twice.",
    ),
    "trec": _paper(
        "TREC: what a question asks for",
        "TREC",
        (
            "723dd3fc44120d50b9d3c3b336efcb9b966e3c3fa774df922df78a0719bda4e0",
            "5ae98f229f256be756dbcf821ffb899c0ea0844211b762cbb222a33637665f59",
        ),
        _QUESTIONS,
        "86 training questions of abbreviation; 11 test questions are also in train.",
    ),
    "pc": _paper(
        "PC: pros and cons of products",
        "procon",
        (
            "f50115197a20bb716835114265fce36a1e873b757dea03f6bf8f9041ac6192fe",
            "70589a877dbbe46a659f54531621b6ab06f00ba46c9c45bec39a9212f25af8ad",
        ),
        _OPINIONS,
        "901 test texts (6.5 %) are also in train: its accuracies flatter.",
    ),
    "cr": _paper(
        "CR: customer reviews of products",
        "CR",
        (
            "8d5351dce675950208bbba7cd4caa19e4da0baba8ddd51f00b4bbb3abbdd5e96",
            "bc35abb837744b406ed6c7ee37a6aea380ad3e0fbc021b178b1a3d58b3d471e6",
        ),
        _OPINIONS,
        "Small: one standard error on its 376 test sentences is 1.8 points.",
    ),
    "mini-reviews": _bundled(
        "Short reviews of films, food, phones, books, games and services",
        "mini_reviews.jsonl",
        _OPINIONS,
        "A third of it is hard: negation, irony, mixed feelings, faint praise.",
    ),
    "mini-questions": _bundled(
        "Short questions of TREC's six classes",
        "mini_questions.jsonl",
        _QUESTIONS,
        "Four in ten are hard: the question word does not give the class away.",
    ),
}
