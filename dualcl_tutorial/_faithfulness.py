"""Take words out and see: leave-one-out, and whether any score is to be believed (lesson 10).

Sources: comprehensiveness and sufficiency DeYoung et al. 2020 (arXiv 1911.03429), rank correlation
with leave-one-out Jain and Wallace 2019 (arXiv 1902.10186).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import pandas as pd

from dualcl_tutorial import _looking
from dualcl_tutorial._looking import Parts, Saliency, result
from dualcl_tutorial.model import TextClassifier

FRACTIONS = (0.1, 0.2, 0.5)
Removal = Literal["delete", "mask"]


def leave_one_out(model: TextClassifier, texts: str | Sequence[str]) -> list[Saliency]:
    """Take out one word at a time: how far does the predicted class's probability fall?"""
    sentences = _looking.read(model, texts)
    whole = _looking.probabilities(model, [s.ids for s in sentences])
    without = [
        [token for token, j in zip(s.ids, s.word_of, strict=True) if j != i]
        for s in sentences
        for i in range(len(s.words))
    ]
    parts = _looking.probabilities(model, without).split([len(s.words) for s in sentences])
    found = []
    for sentence, full, left in zip(sentences, whole, parts, strict=True):
        k = int(full.argmax())
        drops = (full[k] - left[:, k]).double().numpy()
        found.append(result(model, sentence, full, "leave one out", Parts(drops, {}, None)))
    return found


def random_scores(saliencies: Sequence[Saliency], *, seed: int = 0) -> list[Saliency]:
    """Draw a score for each word from an exponential distribution: what any score has to beat."""
    draw = np.random.default_rng(seed)
    return [
        replace(
            s, scores=draw.exponential(size=len(s.words)), score="random", labels={}, special=None
        )
        for s in saliencies
    ]


def faithfulness(
    model: TextClassifier,
    saliencies: Sequence[Saliency],
    *,
    seed: int = 0,
    draws: int = 3,
    removal: Removal = "delete",
    fractions: Sequence[float] = FRACTIONS,
) -> pd.DataFrame:
    """Judge scores by what happens to the predicted class's probability p without their top words.

    With r the top ceil(f n) of n words, for each fraction f, and means over fractions:
    comprehensiveness p(all) - p(all but r), higher is better; sufficiency p(all) - p(r), lower is
    better. And Kendall's tau between score and leave-one-out. Random scores are always among
    them. Compare within one model: how far p can fall depends on the model (Edin et al. 2024,
    arXiv 2408.08137).

    Args:
        model: the model the scores are from.
        saliencies: of any scores and sentences, mixed as you like.
        seed: of the random scores.
        draws: how many random scores each sentence gets.
        removal: "delete" words, or put a [MASK] in the place of each of their pieces.
        fractions: shares of the words.

    Returns:
        One row a score and sentence: score, sentence (a number), comprehensiveness, sufficiency,
        tau (NaN where either side is constant).

    Raises:
        ValueError: if there is nothing to judge, for a fraction outside 0 to 1, or for "mask" where
            the tokenizer has no mask token.
    """
    if not saliencies:
        raise ValueError("Expected at least one saliency to judge, got none.")
    sentences: dict[tuple[str, ...], int] = {}
    for s in saliencies:
        sentences.setdefault(s.words, len(sentences))
    first = {s.words: s for s in reversed(saliencies)}
    one_each = [first[words] for words in sentences]
    judged = list(saliencies)
    for draw in range(draws):
        judged += random_scores(one_each, seed=seed + draw)
    without = deletion_curve(model, judged, fractions, removal=removal)
    alone = deletion_curve(model, judged, fractions, removal=removal, keep=True)
    alone_out = leave_one_out(model, [" ".join(s.words) for s in one_each])
    rows = []
    for s, left, kept in zip(judged, without, alone, strict=True):
        number = sentences[s.words]
        rows.append(
            {
                "score": s.score,
                "sentence": number,
                "comprehensiveness": s.probability - left.mean(),
                "sufficiency": s.probability - kept.mean(),
                "tau": kendall(s.scores, alone_out[number].scores),
            }
        )
    return pd.DataFrame(rows)


def deletion_curve(
    model: TextClassifier,
    saliencies: Sequence[Saliency],
    fractions: Sequence[float],
    *,
    removal: Removal = "delete",
    keep: bool = False,
) -> np.ndarray:
    """Return the predicted class's probability when the top words are gone (lesson 10).

    Args:
        model: the model the scores are from.
        saliencies: scores of any kind.
        fractions: shares of the words; of n words ceil(f n) go, so that f > 0 means at least one.
        removal: "delete" words, or put a [MASK] in the place of each of their pieces.
        keep: take out all others instead.

    Shape:
        (saliencies, fractions).
    """
    if not all(0 <= f <= 1 for f in fractions):
        raise ValueError(f"Expected fractions between 0 and 1, got {list(fractions)}.")
    mask = model.tokenizer.mask_token_id
    if removal not in ("delete", "mask") or (removal == "mask" and mask is None):
        raise ValueError(
            f'Expected removal "delete", or "mask" where there is a mask token, got {removal!r}.'
        )
    distinct = list(dict.fromkeys(s.words for s in saliencies))
    read = _looking.read(model, [" ".join(words) for words in distinct]) if distinct else []
    pieces = dict(zip(distinct, read, strict=True))
    rows = []
    for s in saliencies:
        order = np.argsort(-s.scores, kind="stable")
        sentence = pieces[s.words]
        for f in fractions:
            top = order[: math.ceil(round(f * len(order), 9))]
            gone = np.isin(sentence.word_of, top) != keep
            pairs = zip(sentence.ids, gone, strict=True)
            if removal == "mask":
                rows.append([mask if out else token for token, out in pairs])
            else:
                rows.append([token for token, out in pairs if not out])
    found = _looking.probabilities(model, rows).double().numpy()  # (saliencies x fractions, K)
    classes = np.repeat([model.label_words.index(s.label) for s in saliencies], len(fractions))
    chosen = found[np.arange(len(rows)), classes.astype(int)]
    return chosen.reshape(len(saliencies), len(fractions))


def kendall(first: np.ndarray, second: np.ndarray) -> float:
    """Return Kendall's tau-b of two rankings, NaN where one is constant."""
    from scipy.stats import kendalltau

    if len(first) < 2 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return math.nan
    return float(kendalltau(first, second).statistic)
