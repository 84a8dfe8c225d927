"""Texts and labels come in here: the paper's five corpora, two of the course, files of one's own.

Lesson 00 loads its reviews with `load`; every later lesson starts the same way.
"""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dualcl_tutorial._catalogue import CORPORA, Corpus
from dualcl_tutorial._files import TABLES, CorpusUnavailable, fetch, nearest
from dualcl_tutorial._files import texts_and_labels as _texts_and_labels

if TYPE_CHECKING:
    import datasets

__all__ = ["CORPORA", "Corpus", "CorpusUnavailable", "Description", "describe", "load"]


class _Rows(NamedTuple):
    """Texts and class indices, in the order of the file."""

    texts: list[str]
    labels: list[int]

    def take(self, rows: Sequence[int]) -> _Rows:
        return _Rows([self.texts[i] for i in rows], [self.labels[i] for i in rows])


class _Pool(NamedTuple):
    """A corpus as its files have it, before anything is selected."""

    words: list[str]
    train: _Rows
    test: _Rows
    where: str


def load(
    name: str | os.PathLike[str],
    *,
    fraction: float = 1.0,
    per_class: int | None = None,
    validation: float = 0.1,
    seed: int = 0,
    test: float | str | os.PathLike[str] | None = None,
    text_column: str | None = None,
    label_column: str | None = None,
    label_words: Sequence[str] | Mapping[str, str] | None = None,
) -> datasets.DatasetDict:
    """Load a corpus by name, or a file of one's own, as splits of texts and labels (lesson 00).

    What is selected is a function of the seed and the texts, not of their order in the file, and
    a larger fraction with the same seed holds the smaller one. Rows keep the order of the file.

    Args:
        name: A key of `CORPORA`, or a path to a csv, tsv, jsonl, json or parquet file.
        fraction: Share of the training split to select, class by class, at least one a class.
        per_class: Number to select of each class instead; a smaller class gives all it has.
        validation: Share of what was selected to cut out, class by class and by unique text (a
            text and its duplicates stay on one side). It takes at least one text of a class, but
            never its last; where no class can spare one, as with 0, there is no such split.
        seed: Decides what is selected and what is cut out, and nothing of the test split.
        test: For files of one's own: a second file, or a share to hold out by unique text (0.2 if
            not given), which is the same for every seed, fraction and validation.
        text_column: For files of one's own: the column of texts, guessed if not given.
        label_column: Likewise for the labels; whole numbers become their decimals.
        label_words: Other words for the classes: a list in class order, or a mapping from old
            words to new ones. The class indices stay the same.

    Returns:
        Splits train, validation and test with columns text (string) and label (ClassLabel). The
        classes of a file of one's own are sorted, as numbers if all of them are.

    Raises:
        CorpusUnavailable: The corpus is not at hand and cannot be downloaded.
        FileNotFoundError: A file of one's own does not exist.
        ValueError: Something else is not as expected; the message says what to do.

    Example:
        >>> load("mini-reviews", per_class=20, validation=0)["train"].num_rows
        40
    """
    import datasets

    _check(fraction, per_class, validation)
    pool = _open(name, test, text_column, label_column)
    words = _renamed(pool.words, label_words)

    def wanted(size: int) -> int:
        return min(size, per_class) if per_class else max(1, _rounded(fraction * size))

    chosen = _stratified(pool.train, wanted, np.random.default_rng([seed, 0]))
    train = pool.train.take(chosen)
    held = _held_out(train, validation, np.random.default_rng([seed, 1]))
    splits = {"train": train.take([i for i in range(len(train.texts)) if i not in held])}
    if held:
        splits["validation"] = train.take(sorted(held))
    splits["test"] = pool.test
    label = datasets.ClassLabel(names=words)
    features = datasets.Features({"text": datasets.Value("string"), "label": label})
    return datasets.DatasetDict(
        {
            split: datasets.Dataset.from_dict(
                {"text": rows.texts, "label": rows.labels}, features=features
            )
            for split, rows in splits.items()
        }
    )


@dataclass(frozen=True)
class Description:
    """One row of ``dualcl data``: counts, never texts (lesson 00).

    Attributes:
        name: Key of `CORPORA`, or the path.
        title: One line about it.
        available: Whether it can be loaded without a network.
        where: ``"bundled"``, ``"DUALCL_DATA"``, ``"cache"`` or ``"file"``; empty if unavailable.
        note: What to know about it, or what to do if it is unavailable.
        sizes: Number of rows by split, before anything is selected.
        classes: Number of rows by split and label word.
        mean_words: Mean number of words of a training text.
        duplicates: Rows of train whose text occurred before in train.
        leaks: Rows of test whose text is also in train.
    """

    name: str
    title: str
    available: bool
    where: str
    note: str
    sizes: dict[str, int] = field(default_factory=dict)
    classes: dict[str, dict[str, int]] = field(default_factory=dict)
    mean_words: float = math.nan
    duplicates: int = 0
    leaks: int = 0


def describe(
    name: str | os.PathLike[str],
    *,
    test: float | str | os.PathLike[str] | None = None,
    text_column: str | None = None,
    label_column: str | None = None,
) -> Description:
    """Describe a corpus from what is on this machine; nothing is downloaded (lesson 00).

    Args:
        name: As in `load`, and so are the other arguments.
        test: For files of one's own.
        text_column: For files of one's own.
        label_column: For files of one's own.

    Returns:
        Sizes, class counts, duplicates and leaks; for a corpus of the paper that is missing or
        damaged, what to do about it.

    Raises:
        FileNotFoundError: A file of one's own does not exist.
        ValueError: The name is unknown, or a file of one's own cannot be used.
    """
    corpus = CORPORA.get(str(name))
    try:
        pool = _open(name, test, text_column, label_column, download=False)
    except (ValueError, FileNotFoundError) as error:
        if corpus is None or not corpus.sha256:
            raise
        return Description(str(name), corpus.title, False, "", str(error))
    rows = {"train": pool.train, "test": pool.test}
    seen = set(pool.train.texts)
    return Description(
        name=str(name),
        title=corpus.title if corpus else "A file of your own",
        available=True,
        where=pool.where,
        note=corpus.about if corpus else "",
        sizes={split: len(r.texts) for split, r in rows.items()},
        classes={
            split: {word: r.labels.count(k) for k, word in enumerate(pool.words)}
            for split, r in rows.items()
        },
        mean_words=sum(len(text.split()) for text in pool.train.texts) / len(pool.train.texts),
        duplicates=len(pool.train.texts) - len(seen),
        leaks=sum(text in seen for text in pool.test.texts),
    )


def _check(fraction: float, per_class: int | None, validation: float) -> None:
    if not 0 < fraction <= 1:
        raise ValueError(f"fraction is a share above 0 and at most 1, not {fraction}.")
    if per_class is not None and per_class < 1:
        raise ValueError(f"per_class is a number of texts, 1 or more, not {per_class}.")
    if per_class is not None and fraction != 1:
        raise ValueError("fraction and per_class exclude each other: give one of them.")
    if not 0 <= validation < 1:
        raise ValueError(f"validation is a share from 0 to below 1, not {validation}.")


def _open(
    name: str | os.PathLike[str],
    test: float | str | os.PathLike[str] | None,
    text_column: str | None,
    label_column: str | None,
    download: bool = True,
) -> _Pool:
    """Read a corpus whole, wherever it lives."""
    found = locate(name)
    if isinstance(found, Path):
        return _open_own(found, test, text_column, label_column)
    given = {"test": test, "text_column": text_column, "label_column": label_column}
    if extra := [key for key, value in given.items() if value is not None]:
        raise ValueError(f"{extra[0]} is for files of one's own, but {name!r} has its own.")
    return _open_known(found, download)


def locate(name: str | os.PathLike[str]) -> Corpus | Path:
    """Say what a corpus name means: one of :data:`CORPORA`, or a file of one's own (lesson 11).

    Raises:
        ValueError: if it is neither a known name nor looks like a path.
    """
    if isinstance(name, str) and name in CORPORA:
        return CORPORA[name]
    path = Path(name).expanduser()
    looks_like_path = path.suffix.lower() in TABLES or len(path.parts) > 1 or path.exists()
    if isinstance(name, str) and not looks_like_path:
        raise ValueError(
            f"Unknown corpus {name!r}{nearest(name, CORPORA)}: choose one of {', '.join(CORPORA)}, "
            f"or give the path of a {', '.join(TABLES)} file."
        )
    return path


def _open_known(corpus: Corpus, download: bool) -> _Pool:
    words = list(corpus.label_words)

    def rows(records: list[dict[str, str]]) -> _Rows:
        return _Rows([r["text"] for r in records], [words.index(r["label"]) for r in records])

    if not corpus.sha256:
        file = resources.files("dualcl_tutorial").joinpath("data", corpus.files[0])
        records = [json.loads(line) for line in file.read_text("utf-8").split("\n") if line]
        split = {s: rows([r for r in records if r["split"] == s]) for s in ("train", "test")}
        return _Pool(words, split["train"], split["test"], "bundled")
    files = [
        fetch(file, sha256, download=download)
        for file, sha256 in zip(corpus.files, corpus.sha256, strict=True)
    ]
    train, held = (rows(json.loads(content)) for content, _ in files)
    return _Pool(words, train, held, files[0][1])


def _open_own(
    path: Path,
    test: float | str | os.PathLike[str] | None,
    text_column: str | None,
    label_column: str | None,
) -> _Pool:
    texts, labels = _texts_and_labels(path, text_column, label_column)
    numbers = all(label.isdecimal() for label in labels)
    words = sorted(set(labels), key=(lambda word: (int(word), word)) if numbers else None)
    if len(words) < 2:
        raise ValueError(
            f"{path} has one class only ({words[0]!r}): a classifier needs texts of two or more."
        )
    whole = _Rows(texts, [words.index(label) for label in labels])
    if test is None or isinstance(test, int | float):
        share = 0.2 if test is None else test
        if not 0 < share < 1:
            raise ValueError(f"test is a second file or a share between 0 and 1, not {test}.")
        held = _held_out(whole, share, np.random.default_rng(0))
        if not held:
            raise ValueError(
                f"{path} has one text a class, so that none can be held out: give a second file "
                f"as test, or add texts."
            )
        rest = [i for i in range(len(texts)) if i not in held]
        return _Pool(words, whole.take(rest), whole.take(sorted(held)), "file")
    other = Path(test).expanduser()
    texts, labels = _texts_and_labels(other, text_column, label_column)
    unseen = sorted(set(labels) - set(words))
    if unseen:
        raise ValueError(
            f"{other} has labels that {path} does not ({', '.join(unseen)}; known are "
            f"{', '.join(words)}): correct them, or add training texts of these classes."
        )
    return _Pool(words, whole, _Rows(texts, [words.index(label) for label in labels]), "file")


def _renamed(words: list[str], given: Sequence[str] | Mapping[str, str] | None) -> list[str]:
    """Replace the words of the classes, which keep their indices."""
    if given is None:
        return words
    if isinstance(given, Mapping):
        changes = {str(old): str(new) for old, new in given.items()}
        unknown = [old for old in changes if old not in words]
        if unknown:
            raise ValueError(
                f"label_words renames {unknown[0]!r}, which is no class: there are "
                f"{', '.join(words)}."
            )
        new = [changes.get(word, word) for word in words]
    else:
        new = [given] if isinstance(given, str) else [str(word) for word in given]
    if len(new) != len(words):
        raise ValueError(
            f"label_words has {len(new)} word{'s' * (len(new) != 1)}, but there are {len(words)} "
            f"classes: give one a class, in the order {', '.join(words)}."
        )
    if len({word.strip() for word in new} - {""}) < len(new):
        raise ValueError(f"label_words must differ and not be empty, but came as {new}.")
    return new


def _rounded(number: float) -> int:
    return math.floor(number + 0.5)  # round() would take 2.5 to 2


def _stratified(rows: _Rows, wanted: Callable[[int], int], rng: np.random.Generator) -> list[int]:
    """Draw ``wanted(size)`` rows of each class, without regard to the order of the file."""
    chosen: list[int] = []
    for k in sorted(set(rows.labels)):
        members = [i for i, label in enumerate(rows.labels) if label == k]
        members.sort(key=rows.texts.__getitem__)
        shuffled = rng.permutation(len(members))
        chosen += [members[j] for j in shuffled[: wanted(len(members))]]
    return sorted(chosen)


def _held_out(rows: _Rows, share: float, rng: np.random.Generator) -> set[int]:
    """Hold out a share of the unique texts of each class, with all their duplicates."""
    if share == 0:
        return set()
    size = Counter(rows.labels)
    home: dict[str, int] = {}  # one class a text; the rarest where its rows disagree
    for text, label in zip(rows.texts, rows.labels, strict=True):
        home[text] = min(home.get(text, label), label, key=lambda k: (size[k], k))
    unique = _Rows(list(home), list(home.values()))

    def wanted(texts: int) -> int:
        return min(texts - 1, max(1, _rounded(share * texts)))

    held = {unique.texts[i] for i in _stratified(unique, wanted, rng)}
    return {i for i, text in enumerate(rows.texts) if text in held}
