"""Checks of lesson 10: nearness with pieces merged, rollout, what is left without words, seeds."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

import torch
from torch import Tensor

from dualcl_tutorial.check.exercise import random
from dualcl_tutorial.check.harness import Case, Exercise, Mistake, judge, register
from dualcl_tutorial.check.report import Report
from dualcl_tutorial.saliency import roll_out

_PICTURE = 'lesson 10, "The paper\'s picture"'
_OTHERS = 'lesson 10, "Six other answers"'
_OUT = 'lesson 10, "Take the words out"'
_REAL = 'lesson 10, "On real data"'

# 10.1 Nearness, with the pieces of a word merged


def _merged(
    hidden: Tensor, word_of: Tensor, rule: Callable[[Tensor], Tensor] = torch.mean
) -> Tensor:
    """Merge the distances of each word's pieces, (words,)."""
    d = (hidden - hidden[0]).norm(dim=1)  # (L,)
    return torch.stack([rule(d[word_of == i]) for i in range(int(word_of.max()) + 1)])


def _near(hidden: Tensor, word_of: Tensor, rule: Callable[[Tensor], Tensor] = torch.mean) -> Tensor:
    far = _merged(hidden, word_of, rule)
    return far.max() - far


def _from_top(hidden: Tensor, word_of: Tensor, among: Callable[[Tensor], Tensor]) -> Tensor:
    """Take the maximum over other distances than those of the words."""
    return among((hidden - hidden[0]).norm(dim=1)).max() - _merged(hidden, word_of)


def _features_first(hidden: Tensor, word_of: Tensor) -> Tensor:
    parts = [hidden[word_of == i].mean(0) for i in range(int(word_of.max()) + 1)]
    far = (torch.stack(parts) - hidden[0]).norm(dim=1)
    return far.max() - far


def _squared(hidden: Tensor, word_of: Tensor) -> Tensor:
    far = _merged(hidden, word_of, lambda d: (d**2).mean())
    return far.max() - far


def _cosines(hidden: Tensor, word_of: Tensor) -> Tensor:
    cosine = torch.cosine_similarity(hidden, hidden[:1], dim=1)
    near = torch.stack([cosine[word_of == i].mean() for i in range(int(word_of.max()) + 1)])
    return near - near.min()


def _sentence(word_of: list[int], seed: int) -> dict[str, Tensor]:
    return {"hidden": random(len(word_of), 4, seed=seed), "word_of": torch.tensor(word_of)}


_HAND = {
    "hidden": torch.tensor(
        [[2.0, 0.5], [0.0, 0.5], [1.0, 1.5], [2.0, 2.5], [2.0, -1.0], [2.0, 4.0], [9.0, 9.0]]
    ),
    "word_of": torch.tensor([-1, 0, 1, 2, 2, 2, -1]),
}


def _rule(name: str, rule: Callable[[Tensor], Tensor], what: str) -> Mistake:
    message = f"You take {what} of a word's pieces: this exercise merges distances by the mean."
    return Mistake(name, lambda hidden, word_of, rule=rule: _near(hidden, word_of, rule), message)


NEARNESS = register(
    Exercise(
        name="10-nearness",
        task="formula 10.1, the mean over a word's pieces, words only",
        reference=_near,
        cases=[
            Case("the example of the task", _HAND),
            Case("a sentence of one word", _sentence([-1, 0, 0, -1], 101)),
            Case("a sentence behind two labels", _sentence([-1, -1, -1, -1, 0, 1, 1, 2, -1], 102)),
            Case("a sentence of nine words", _sentence([-1, *range(9), -1], 103)),
        ],
        axes=("words",),
        mistakes=[
            Mistake(
                "far, not near",
                _merged,
                "You return distances: the farthest word has the highest score. Formula 10.1 "
                "turns them round.",
            ),
            Mistake(
                "minus the distance",
                lambda hidden, word_of: -_merged(hidden, word_of),
                "You return minus the distance: near is high, but the farthest word of the "
                "sentence should have 0.",
            ),
            Mistake(
                "maximum over all tokens",
                lambda hidden, word_of: _from_top(hidden, word_of, lambda d: d),
                "Your maximum runs over tokens that are no words: where word_of is -1 there is a "
                "label or a special token.",
            ),
            Mistake(
                "maximum over pieces",
                lambda hidden, word_of: _from_top(hidden, word_of, lambda d: d[word_of >= 0]),
                "Your maximum runs over pieces: merge first, then turn round, so that the "
                "farthest word has 0.",
            ),
            _rule("sum of pieces", torch.sum, "the sum"),
            _rule("nearest piece", torch.min, "the smallest distance"),
            _rule("farthest piece", torch.max, "the largest distance"),
            _rule("first piece", lambda d: d[0], "the first"),
            Mistake(
                "mean of features",
                _features_first,
                "You average the features of the pieces and then measure: measure each piece, "
                "then average the distances.",
            ),
            Mistake(
                "squared",
                _squared,
                "You leave the distances squared: the l2 distance has a root.",
            ),
            Mistake(
                "cosine",
                _cosines,
                "You compare angles: formula 10.1 measures a distance, in which length counts.",
            ),
        ],
        section=_PICTURE,
        not_finite="A word without a piece gives the mean of nothing.",
    )
)


def word_nearness(answer: Any) -> Report:
    """Check exercise 10.1, nearness to [CLS] word by word."""
    return judge(NEARNESS, answer)


# 10.2 Rollout


def _rolled(attentions: Tensor) -> Tensor:
    return roll_out(attentions.mean(1))[0]


def _product(attentions: Tensor, own: float, half: float, *, other_way: bool = False) -> Tensor:
    """Multiply half (A + own I) through the layers, (L, L)."""
    eye = torch.eye(attentions.shape[-1], dtype=attentions.dtype)
    rolled = eye
    for weights in attentions.mean(1):
        step = half * (weights + own * eye)
        rolled = rolled @ step if other_way else step @ rolled
    return rolled


def _layers(layers: int, heads: int, length: int, seed: int) -> dict[str, Tensor]:
    return {"attentions": (2 * random(layers, heads, length, length, seed=seed)).softmax(-1)}


_TWO = torch.tensor(
    [
        [[[0.2, 0.8, 0.0], [0.0, 0.5, 0.5], [1.0, 0.0, 0.0]], [[0.4, 0.0, 0.6]] * 3],
        [[[0.5, 0.5, 0.0], [0.0, 0.2, 0.8], [0.3, 0.3, 0.4]], [[0.1, 0.7, 0.2]] * 3],
    ]
)

ROLLOUT = register(
    Exercise(
        name="10-rollout",
        task="formula 10.2, the row of [CLS]",
        reference=_rolled,
        cases=[
            Case("the example of the task", {"attentions": _TWO}),
            Case("one layer with one head", _layers(1, 1, 4, 111)),
            Case("a sentence of one token", _layers(3, 2, 1, 112)),
            Case("six layers of four heads", _layers(6, 4, 7, 113)),
        ],
        axes=("tokens",),
        mistakes=[
            Mistake(
                "the other way round",
                lambda attentions: _product(attentions, 1, 0.5, other_way=True)[0],
                "You multiply in the other order: the first layer reads the words, so it stands "
                "on the right.",
            ),
            Mistake(
                "without the own path",
                lambda attentions: _product(attentions, 0, 1)[0],
                "You multiply attention alone: each token also keeps half of itself.",
            ),
            Mistake(
                "not halved",
                lambda attentions: _product(attentions, 1, 1)[0],
                "You add the identity without halving: the row should sum to 1, yours doubles with "
                "every layer.",
            ),
            Mistake(
                "attention not halved",
                lambda attentions: _product(attentions, 0.5, 1)[0],
                "Attention counts twice what it should: take the mean over heads, and halve it as "
                "well as the identity.",
            ),
            Mistake(
                "column of [CLS]",
                lambda attentions: _product(attentions, 1, 0.5)[:, 0].clone(),
                "You return the column of [CLS]: what tokens take from it. Asked for is its row, "
                "what it takes from them.",
            ),
            Mistake(
                "mean of the layers",
                lambda attentions: _product(attentions.mean(0, keepdim=True), 1, 0.5)[0],
                "You average the layers: they work one after the other, so their matrices are "
                "multiplied.",
            ),
            Mistake(
                "last layer alone",
                lambda attentions: _product(attentions[-1:], 1, 0.5)[0],
                "You use the last layer alone: what its inputs had mixed before is missing.",
            ),
            Mistake(
                "first layer alone",
                lambda attentions: _product(attentions[:1], 1, 0.5)[0],
                "You stop after the first layer.",
            ),
            Mistake(
                "largest head",
                lambda attentions: roll_out(attentions.amax(1))[0],
                "You take the largest weight over heads: 10.2 takes their mean, so that rows sum "
                "to 1.",
            ),
        ],
        section=_OTHERS,
    )
)


def rollout_row(answer: Any) -> Report:
    """Check exercise 10.2, attention rollout."""
    return judge(ROLLOUT, answer)


# 10.3 Comprehensiveness and sufficiency

SHARES = (0.1, 0.2, 0.5)
Classifier = Callable[[Tensor], Tensor]


def classifier(weights: Sequence[float], bias: float) -> Classifier:
    """Make a model that adds up the weights of the words that stay, (n,) of Booleans, to p."""
    row = torch.tensor(weights)

    def probability(stay: Tensor) -> Tensor:
        return torch.sigmoid((row * stay).sum() + bias)

    return probability


def _parts(scores: Tensor, probability: Classifier, **how: Any) -> tuple[Tensor, Tensor, Tensor]:
    """Return p(x), p without the top words (shares,), and p of the top words alone (shares,)."""
    n, whole = len(scores), torch.ones(len(scores), dtype=torch.bool)
    ranked = how.get("rank", torch.neg)(scores).argsort()
    without, alone = [], []
    for share in SHARES:
        top = torch.zeros(n, dtype=torch.bool)
        top[ranked[: how.get("count", math.ceil)(round(share * n, 9))]] = True
        without.append(probability(~top))
        alone.append(probability(top))
    return probability(whole), torch.stack(without), torch.stack(alone)


def _costs(scores: Tensor, probability: Classifier, **how: Any) -> tuple[Tensor, Tensor]:
    p, without, alone = _parts(scores, probability, **how)
    return p - without.mean(), p - alone.mean()


def _as(name: str, message: str, made: Callable[[Tensor, Tensor, Tensor], Any]) -> Mistake:
    def wrong(scores: Tensor, probability: Classifier) -> Any:
        return made(*_parts(scores, probability))

    return Mistake(name, wrong, message)


def _how(name: str, message: str, **how: Any) -> Mistake:
    return Mistake(name, lambda scores, probability: _costs(scores, probability, **how), message)


def _words(count: int, seed: int) -> dict[str, Any]:
    weights = random(count, seed=seed)
    scores = weights + 0.5 * random(count, seed=seed + 1)
    return {"scores": scores, "probability": classifier(weights.tolist(), 0.3)}


COSTS = register(
    Exercise(
        name="10-costs",
        task="formula 10.4, means over three shares",
        reference=_costs,
        cases=[
            Case(
                "the example of the task",
                {
                    "scores": torch.tensor([0.5, -3.0, 2.0, 1.0]),
                    "probability": classifier([0.5, -1.0, 2.0, 1.0], -1.0),
                },
            ),
            Case("a sentence of one word", _words(1, 121)),
            Case("a sentence of two words", _words(2, 123)),
            Case("a sentence of thirteen words", _words(13, 125)),
        ],
        returns=("comprehensiveness", "sufficiency"),
        mistakes=[
            _as(
                "swapped",
                "Comprehensiveness and sufficiency are swapped: which words stay in which?",
                lambda p, without, alone: (p - alone.mean(), p - without.mean()),
            ),
            _as(
                "probabilities, not costs",
                "You return the probabilities that are left: the costs are asked for, p(x) minus "
                "them.",
                lambda p, without, alone: (without.mean(), alone.mean()),
            ),
            _as(
                "sign",
                "The sign is turned round: a fall of the probability is a positive cost.",
                lambda p, without, alone: (without.mean() - p, alone.mean() - p),
            ),
            _as(
                "last share alone",
                "You return the cost at the last share alone: the mean over all three is asked.",
                lambda p, without, alone: (p - without[-1], p - alone[-1]),
            ),
            _as(
                "sum over shares",
                "You add up the costs over the shares: take their mean.",
                lambda p, without, alone: ((p - without).sum(), (p - alone).sum()),
            ),
            _as(
                "relative",
                "You divide by p(x): 10.4 has differences, not ratios.",
                lambda p, without, alone: (1 - without.mean() / p, 1 - alone.mean() / p),
            ),
            _how(
                "lowest first",
                "You take the words of the lowest scores as top: sort from high to low.",
                rank=torch.clone,
            ),
            _how(
                "by size",
                "You rank by the size of the scores: a word that speaks against the answer "
                "(negative) is not a top word.",
                rank=lambda scores: -scores.abs(),
            ),
            _how(
                "rounded down",
                "You round the number of words down: with few words none goes. 10.4 rounds up.",
                count=math.floor,
            ),
            _how(
                "rounded",
                "You round the number of words to the nearest: 10.4 rounds up.",
                count=round,
            ),
        ],
        section=_OUT,
    )
)


def word_costs(answer: Any) -> Report:
    """Check exercise 10.3, comprehensiveness and sufficiency."""
    return judge(COSTS, answer)


# 10.4 Method or seed?


def _correlations(first: Tensor, second: Tensor) -> Tensor:
    """Correlate every row of first (S, n) with every row of second (T, n), (S, T)."""
    rows = torch.cat([first, second])
    return torch.corrcoef(rows)[: len(first), len(first) :]


def _pairs(scores: Tensor) -> Tensor:
    """Correlations of all pairs of different rows, (pairs,)."""
    both = _correlations(scores, scores)
    return torch.stack([both[i, j] for i, j in combinations(range(len(scores)), 2)])


def _agreement(ce: Tensor, dualcl: Tensor) -> tuple[Tensor, Tensor]:
    within = torch.cat([_pairs(ce), _pairs(dualcl)]).mean()
    return within, _correlations(ce, dualcl).diagonal().mean()


def _within(made: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor], Any]:
    return lambda ce, dualcl: (made(ce, dualcl), _agreement(ce, dualcl)[1])


def _between(made: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor], Any]:
    return lambda ce, dualcl: (_agreement(ce, dualcl)[0], made(ce, dualcl))


def _models(seeds: int, words: int, seed: int) -> dict[str, Tensor]:
    common = random(words, seed=seed)
    noise = random(2, seeds, words, seed=seed + 1)
    return {"ce": common + noise[0], "dualcl": 0.5 * common + noise[1]}


AGREEMENT = register(
    Exercise(
        name="10-agreement",
        task="correlations within methods and between them, seed by seed",
        reference=_agreement,
        cases=[
            Case(
                "the example of the task",
                {
                    "ce": torch.tensor([[1.0, 2, 3], [1, 3, 2]]),
                    "dualcl": torch.tensor([[3.0, 2, 1], [1, 2, 1]]),
                },
            ),
            Case("three seeds", _models(3, 6, 131)),
            Case("five seeds and twelve words", _models(5, 12, 133)),
        ],
        returns=("within", "between"),
        mistakes=[
            Mistake(
                "swapped",
                lambda ce, dualcl: _agreement(ce, dualcl)[::-1],
                "Within and between are swapped.",
            ),
            Mistake(
                "a model with itself",
                _within(
                    lambda ce, dualcl: torch.stack(
                        [_correlations(ce, ce), _correlations(dualcl, dualcl)]
                    ).mean()
                ),
                "You count each model's correlation with itself, which is always 1: pairs of "
                "different seeds only.",
            ),
            Mistake(
                "CE alone within",
                _within(lambda ce, dualcl: _pairs(ce).mean()),
                "Within: you use the seeds of CE alone. Those of DualCL count as well.",
            ),
            Mistake(
                "DualCL alone within",
                _within(lambda ce, dualcl: _pairs(dualcl).mean()),
                "Within: you use the seeds of DualCL alone. Those of CE count as well.",
            ),
            Mistake(
                "all pairs between",
                _between(lambda ce, dualcl: _correlations(ce, dualcl).mean()),
                "Between: you compare every seed with every other. Here the seed is to be the "
                "same, so that only the method differs.",
            ),
            Mistake(
                "means first",
                _between(
                    lambda ce, dualcl: _correlations(ce.mean(0)[None], dualcl.mean(0)[None]).mean()
                ),
                "Between: you average over seeds and correlate the means. Means hide what "
                "one model does: correlate first.",
            ),
            Mistake(
                "cosine",
                lambda ce, dualcl: (
                    _agreement(ce, dualcl)[0],
                    torch.cosine_similarity(ce, dualcl, dim=1).mean(),
                ),
                "Between: you compute a cosine. For a correlation subtract each row's mean first.",
            ),
        ],
        section=_REAL,
        not_finite="A row without spread has no correlation; is it a row of words, and not of "
        "seeds?",
    )
)


def method_or_seed(answer: Any) -> Report:
    """Check exercise 10.4, agreement within and between methods."""
    return judge(AGREEMENT, answer)
