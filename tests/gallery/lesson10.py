"""Answers to the exercises of lesson 10."""

import math

import numpy as np
import torch

from gallery import Entry, Wrong, constant

# 10.1 The paper's score, word by word


def _pieces(hidden, word_of, merge):
    far = []
    for word in sorted(set(word_of.tolist()) - {-1}):
        mine = [
            torch.linalg.vector_norm(h - hidden[0])
            for h, w in zip(hidden, word_of, strict=True)
            if w == word
        ]
        far.append(merge(torch.stack(mine)))
    return torch.stack(far)


def near_turned(merge):
    def answer(hidden, word_of):
        far = _pieces(hidden, word_of, merge)
        return far.max() - far

    return answer


def near_far(hidden, word_of):
    return _pieces(hidden, word_of, torch.mean)


def near_minus(hidden, word_of):
    return -_pieces(hidden, word_of, torch.mean)


def near_all_tokens(hidden, word_of):
    d = torch.cdist(hidden, hidden[:1])[:, 0]
    return d.max() - _pieces(hidden, word_of, torch.mean)


def near_piece_maximum(hidden, word_of):
    near = torch.cdist(hidden, hidden[:1])[:, 0]
    near = near[word_of >= 0].max() - near
    return torch.stack([near[word_of == i].mean() for i in range(int(word_of.max()) + 1)])


def near_features(hidden, word_of):
    count = int(word_of.max()) + 1
    words = torch.stack([hidden[word_of == i].mean(0) for i in range(count)])
    far = torch.dist(words[0], hidden[0]).new_tensor(
        [torch.dist(word, hidden[0]).item() for word in words]
    )
    return far.max() - far


def near_pieces_returned(hidden, word_of):
    d = (hidden - hidden[0]).norm(dim=1)[word_of >= 0]
    return d.max() - d


def near_squared(hidden, word_of):
    d = ((hidden - hidden[0]) ** 2).sum(1)
    far = torch.stack([d[word_of == i].mean() for i in range(int(word_of.max()) + 1)])
    return far.max() - far


def near_words_counted_from_cls(hidden, word_of):
    """-1 counted as a word."""
    d = (hidden - hidden[0]).norm(dim=1)
    far = torch.stack([d[word_of == i].mean() for i in range(-1, int(word_of.max()) + 1)])
    return far.max() - far


def near_numpy(hidden, word_of):
    return near_turned(torch.mean)(hidden, word_of).numpy()


def near_scatter(hidden, word_of):
    d = torch.cdist(hidden, hidden[:1], compute_mode="donot_use_mm_for_euclid_dist")[:, 0]
    here = word_of >= 0
    total = torch.zeros(int(word_of.max()) + 1, dtype=hidden.dtype)
    far = total.scatter_add(0, word_of[here], d[here]) / torch.bincount(word_of[here])
    return far.max() - far


# 10.2 Rollout


def _steps(attentions):
    eye = torch.eye(attentions.shape[-1], dtype=attentions.dtype)
    return [0.5 * layer.mean(0) + 0.5 * eye for layer in attentions]


def roll_other_way(attentions):
    rolled = torch.eye(attentions.shape[-1], dtype=attentions.dtype)
    for step in _steps(attentions):
        rolled = rolled @ step
    return rolled[0]


def roll_plain(attentions):
    rolled = attentions[0].mean(0)
    for layer in attentions[1:]:
        rolled = layer.mean(0) @ rolled
    return rolled[0]


def roll_not_halved(attentions):
    rolled = eye = torch.eye(attentions.shape[-1], dtype=attentions.dtype)
    for layer in attentions:
        rolled = (layer.mean(0) + eye) @ rolled
    return rolled[0]


def roll_column(attentions):
    return roll_matrix(attentions)[:, 0]


def roll_matrix(attentions):
    rolled = torch.eye(attentions.shape[-1], dtype=attentions.dtype)
    for step in _steps(attentions):
        rolled = step @ rolled
    return rolled


def roll_last(attentions):
    return _steps(attentions)[-1][0]


def roll_mean_of_layers(attentions):
    return torch.stack(_steps(attentions)).mean(0)[0]


def roll_max_heads(attentions):
    eye = torch.eye(attentions.shape[-1], dtype=attentions.dtype)
    rolled = eye
    for layer in attentions:
        rolled = (layer.max(0).values + eye) / 2 @ rolled
    return rolled[0]


def roll_heads_added(attentions):
    rolled = eye = torch.eye(attentions.shape[-1], dtype=attentions.dtype)
    for layer in attentions:
        rolled = (layer.sum(0) + eye) / 2 @ rolled
    return rolled[0]


def roll_float(attentions):
    rolled = torch.eye(attentions.shape[-1])
    for layer in attentions:
        rolled = (layer.mean(0).float() + torch.eye(attentions.shape[-1])) / 2 @ rolled
    return rolled[0]


def roll_from_above(attentions):
    """Carry a row down from the last layer."""
    row = torch.zeros(attentions.shape[-1], dtype=attentions.dtype)
    row[0] = 1
    for step in reversed(_steps(attentions)):
        row = row @ step
    return row


def roll_chain(attentions):
    eye = torch.eye(attentions.shape[-1]).to(attentions)
    return torch.linalg.multi_dot([eye, *reversed(_steps(attentions))])[0]


# 10.3 Take the words out


def _masks(scores, *, order=None, count=math.ceil):
    order = sorted(range(len(scores)), key=lambda i: -float(scores[i])) if order is None else order
    for share in (0.1, 0.2, 0.5):
        mask = torch.zeros(len(scores)).bool()
        for i in order[: count(share * len(scores))]:
            mask[i] = True
        yield mask


def _falls(probability, masks):
    masks = list(masks)
    whole = probability(torch.ones_like(masks[0]))
    out = sum(whole - probability(~mask) for mask in masks) / 3
    only = sum(whole - probability(mask) for mask in masks) / 3
    return out, only


def costs_right(scores, probability):
    return _falls(probability, _masks(scores))


def costs_topk(scores, probability):
    whole = probability(torch.ones_like(scores).bool())
    without, alone = [], []
    for share in (0.1, 0.2, 0.5):
        k = -int(-share * len(scores) // 1)
        top = torch.zeros_like(scores).bool().scatter(0, scores.topk(k).indices, True)
        without.append(whole - probability(~top))
        alone.append(whole - probability(top))
    return [torch.stack(without).mean(), torch.stack(alone).mean()]


def costs_swapped(scores, probability):
    return costs_right(scores, probability)[::-1]


def costs_sign(scores, probability):
    comp, suff = costs_right(scores, probability)
    return -comp, -suff


def costs_lowest(scores, probability):
    return _falls(probability, _masks(scores, order=scores.argsort().tolist()))


def costs_by_size(scores, probability):
    order = scores.abs().argsort(descending=True).tolist()
    return _falls(probability, _masks(scores, order=order))


def costs_floor(scores, probability):
    return _falls(probability, _masks(scores, count=int))


def costs_half_only(scores, probability):
    mask = list(_masks(scores))[-1]
    whole = probability(torch.ones_like(mask))
    return whole - probability(~mask), whole - probability(mask)


def costs_sum(scores, probability):
    comp, suff = costs_right(scores, probability)
    return 3 * comp, 3 * suff


def costs_left(scores, probability):
    masks = list(_masks(scores))
    out = torch.stack([probability(~mask) for mask in masks]).mean()
    return out, torch.stack([probability(mask) for mask in masks]).mean()


def costs_one(scores, probability):
    return costs_right(scores, probability)[0]


# 10.4 Method or seed?


def _r(a, b):
    a, b = a - a.mean(), b - b.mean()
    return (a @ b) / (a.norm() * b.norm())


def _within(*sides):
    pairs = [
        _r(side[i], side[j])
        for side in sides
        for i in range(len(side))
        for j in range(i + 1, len(side))
    ]
    return torch.stack(pairs).mean()


def _between(ce, dualcl):
    return torch.stack([_r(a, b) for a, b in zip(ce, dualcl, strict=True)]).mean()


def agree_right(ce, dualcl):
    return _within(ce, dualcl), _between(ce, dualcl)


def agree_numpy(ce, dualcl):
    table = np.corrcoef(torch.cat([ce, dualcl]).numpy())
    s = len(ce)
    up = np.triu_indices(s, 1)
    own = np.concatenate([table[:s, :s][up], table[s:, s:][up]]).mean()
    between = np.diag(table[:s, s:]).mean()
    return torch.tensor(own, dtype=ce.dtype), torch.tensor(between, dtype=ce.dtype)


def agree_swapped(ce, dualcl):
    return _between(ce, dualcl), _within(ce, dualcl)


def agree_with_itself(ce, dualcl):
    s = len(ce)
    table = torch.corrcoef(torch.cat([ce, dualcl]))
    return (table[:s, :s].mean() + table[s:, s:].mean()) / 2, _between(ce, dualcl)


def agree_ce_only(ce, dualcl):
    return _within(ce), _between(ce, dualcl)


def agree_all_between(ce, dualcl):
    table = torch.stack([_r(a, b) for a in ce for b in dualcl])
    return _within(ce, dualcl), table.mean()


def agree_means(ce, dualcl):
    return _within(ce, dualcl), _r(ce.mean(0), dualcl.mean(0))


def agree_cosine(ce, dualcl):
    cosines = [torch.cosine_similarity(a, b, dim=0) for a, b in zip(ce, dualcl, strict=True)]
    return _within(ce, dualcl), torch.stack(cosines).mean()


def agree_floats(ce, dualcl):
    return _within(ce, dualcl).item(), _between(ce, dualcl).item()


ENTRIES = [
    Entry(
        "10-nearness",
        [
            Wrong("distance, not nearness", near_far, "You return distances"),
            Wrong("minus the distance", near_minus, "You return minus the distance"),
            Wrong("maximum over all tokens", near_all_tokens, "tokens that are no words"),
            Wrong("maximum over pieces", near_piece_maximum, "Your maximum runs over pieces"),
            Wrong("sum of pieces", near_turned(torch.sum), "You take the sum of a word's pieces"),
            Wrong("nearest piece", near_turned(torch.min), "You take the smallest distance"),
            Wrong("farthest piece", near_turned(torch.max), "You take the largest distance"),
            Wrong("first piece", near_turned(lambda d: d[0]), "You take the first"),
            Wrong("mean of features first", near_features, "You average the features"),
            Wrong("distance squared", near_squared, "You leave the distances squared"),
            Wrong("one score a piece", near_pieces_returned, "Expected (words,)"),
            Wrong("-1 counted as a word", near_words_counted_from_cls, "Expected (words,)"),
            Wrong("an array", near_numpy, "leave out .numpy()"),
        ],
        [near_turned(torch.mean), near_scatter],
    ),
    Entry(
        "10-rollout",
        [
            Wrong("product in the other order", roll_other_way, "You multiply in the other order"),
            Wrong("without the own path", roll_plain, "You multiply attention alone"),
            Wrong("identity added, not halved", roll_not_halved, "without halving"),
            Wrong("column of [CLS]", roll_column, "You return the column of [CLS]"),
            Wrong("whole matrix", roll_matrix, "Expected (tokens,)"),
            Wrong("last layer alone", roll_last, "You use the last layer alone"),
            Wrong("mean of layers", roll_mean_of_layers, "You average the layers"),
            Wrong("largest head", roll_max_heads, "You take the largest weight over heads"),
            Wrong("heads added up", roll_heads_added, "Attention counts twice"),
            Wrong("float32 always", roll_float, "xpected dtype float64", graded=False),
        ],
        [roll_from_above, roll_chain],
    ),
    Entry(
        "10-costs",
        [
            Wrong("swapped", costs_swapped, "are swapped"),
            Wrong("sign", costs_sign, "The sign is turned round"),
            Wrong("lowest words first", costs_lowest, "the words of the lowest scores as top"),
            Wrong("ranked by size", costs_by_size, "You rank by the size of the scores"),
            Wrong("rounded down", costs_floor, "You round the number of words down"),
            Wrong("half of the words only", costs_half_only, "at the last share alone"),
            Wrong("sum over shares", costs_sum, "You add up the costs"),
            Wrong("what is left, not what it costs", costs_left, "probabilities that are left"),
            Wrong("one number", costs_one, "Expected 2 tensors"),
        ],
        [costs_right, costs_topk],
    ),
    Entry(
        "10-agreement",
        [
            Wrong("swapped", agree_swapped, "Within and between are swapped"),
            Wrong("models with themselves", agree_with_itself, "correlation with itself"),
            Wrong("CE alone", agree_ce_only, "you use the seeds of CE alone"),
            Wrong("every seed with every other", agree_all_between, "every seed with every other"),
            Wrong("means first", agree_means, "you average over seeds"),
            Wrong("cosine", agree_cosine, "you compute a cosine"),
            Wrong("floats", agree_floats, "without .item()"),
        ],
        [agree_right, agree_numpy],
    ),
    Entry(
        "10-curve",
        [
            Wrong("lowest curve", constant("a"), "You take the lowest curve"),
            Wrong("second best", constant("b"), "one curve lies above it"),
            Wrong("the one at chance", constant("D"), "d runs along the random numbers"),
            Wrong("a number", constant(3), "Expected a letter"),
            Wrong("two letters", constant("b, c"), "is not right"),
        ],
        [constant("c"), constant("C)")],
    ),
    Entry(
        "10-stretched",
        [
            Wrong("logit both times", constant([3.0, 3.0]), "The second number is right"),
            Wrong("0 both times", constant([0.0, 0.0]), "The first number is right"),
            Wrong("turned round", constant([3.0, 0.0]), "turned round"),
            Wrong("twice the logit", constant([0.0, 6.0]), "once"),
            Wrong("one number", constant(0.0), "Expected a list"),
        ],
        [constant([0.0, 3.0]), constant([0, 3])],
    ),
    Entry(
        "10-allowed",
        [
            Wrong("the model uses the word", constant("a"), "nobody has taken it out"),
            Wrong("attention", constant("B"), "Which weights were read"),
            Wrong("easier to explain", constant("d"), "One sentence and one seed"),
            Wrong("a number", constant(2), "Expected a letter"),
        ],
        [constant("c"), constant("(c)")],
    ),
]
