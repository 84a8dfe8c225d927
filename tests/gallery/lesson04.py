"""Answers to the exercises of lesson 04."""

import torch
import torch.nn.functional as F

from dualcl_tutorial import inputs, losses, model
from gallery import Entry, Wrong, constant

# 4.1 The input


def _flat(pieces):
    return [piece for word in pieces for piece in word]


def ids_true_only(pieces, sentence, label, cls, sep, max_length):
    return ids_right(pieces[label : label + 1], sentence, label, cls, sep, max_length)


def ids_true_first(pieces, sentence, label, cls, sep, max_length):
    moved = [pieces[label], *pieces[:label], *pieces[label + 1 :]]
    return ids_right(moved, sentence, label, cls, sep, max_length)


def ids_true_missing(pieces, sentence, label, cls, sep, max_length):
    others = pieces[:label] + pieces[label + 1 :]
    return ids_right(others, sentence, label, cls, sep, max_length)


def ids_first_piece(pieces, sentence, label, cls, sep, max_length):
    return ids_right([[word[0]] for word in pieces], sentence, label, cls, sep, max_length)


def ids_separated(pieces, sentence, label, cls, sep, max_length):
    row = [cls]
    for word in pieces:
        row += [*word, sep]
    return [*row, *sentence[: max_length - len(row) - 1], sep]


def ids_no_separator(pieces, sentence, label, cls, sep, max_length):
    start = [cls, *_flat(pieces)]
    return [*start, *sentence[: max_length - len(start) - 1], sep]


def ids_sentence_first(pieces, sentence, label, cls, sep, max_length):
    words = _flat(pieces)
    return [cls, *sentence[: max_length - len(words) - 3], sep, *words, sep]


def ids_end_cut(pieces, sentence, label, cls, sep, max_length):
    return [cls, *_flat(pieces), sep, *sentence, sep][:max_length]


def ids_no_cut(pieces, sentence, label, cls, sep, max_length):
    return [cls, *_flat(pieces), sep, *sentence, sep]


def ids_nested(pieces, sentence, label, cls, sep, max_length):
    return [cls, *pieces, sep, *sentence, sep]


def ids_one_too_few(pieces, sentence, label, cls, sep, max_length):
    words = _flat(pieces)
    return [cls, *words, sep, *sentence[: max(0, max_length - len(words) - 4)], sep]


def ids_right(pieces, sentence, label, cls, sep, max_length):
    words = [piece for word in pieces for piece in word]
    room = max(0, max_length - len(words) - 3)
    return [cls, *words, sep, *sentence[:room], sep]


def ids_by_pop(pieces, sentence, label, cls, sep, max_length):
    kept = list(sentence)
    while kept and len(_flat(pieces)) + len(kept) + 3 > max_length:
        kept.pop()
    row = [cls]
    for word in pieces:
        row.extend(word)
    row.append(sep)
    row.extend(kept)
    row.append(sep)
    return row


# 4.2 Slots


def _walk(piece_counts, order, start=1, fill=-1):
    slots = torch.full((len(piece_counts), max(piece_counts)), fill)
    for k in order:
        slots[k, : piece_counts[k]] = torch.arange(start, start + piece_counts[k])
        start += piece_counts[k]
    return slots


def slots_by_place(piece_counts, order):
    return _walk(piece_counts, order)[torch.tensor(order)]


def slots_inverse(piece_counts, order):
    return _walk(piece_counts, [order.index(k) for k in range(len(order))])


def slots_no_order(piece_counts, order):
    return _walk(piece_counts, range(len(order)))


def slots_from_zero(piece_counts, order):
    return _walk(piece_counts, order, start=0)


def slots_filled_with_zero(piece_counts, order):
    return _walk(piece_counts, order, fill=0)


def slots_one_each(piece_counts, order):
    slots = torch.full((len(piece_counts), max(piece_counts)), -1)
    for place, k in enumerate(order, 1):
        slots[k, : piece_counts[k]] = place + torch.arange(piece_counts[k])
    return slots


def slots_as_list(piece_counts, order):
    return _walk(piece_counts, order).tolist()


def slots_by_owner(piece_counts, order):
    row = [k for k in order for _ in range(piece_counts[k])]
    found = [[1 + j for j, owner in enumerate(row) if owner == k] for k in range(len(order))]
    most = max(piece_counts)
    return torch.tensor([places + [-1] * (most - len(places)) for places in found])


def slots_by_sums(piece_counts, order):
    counts = torch.tensor(piece_counts)
    ends = counts[list(order)].cumsum(0)
    begins = torch.empty_like(counts)
    begins[list(order)] = 1 + ends - counts[list(order)]
    step = torch.arange(int(counts.max()))
    return torch.where(step < counts[:, None], begins[:, None] + step, -1)


def slots_by_library(piece_counts, order):
    return inputs.label_slots(piece_counts, order)


# 4.3 Theta


def _at(hidden, slots):
    return hidden[torch.arange(len(hidden))[:, None, None], slots]


def theta_sum(hidden, slots):
    return (_at(hidden, slots) * (slots >= 0).unsqueeze(-1)).sum(2)


def theta_first(hidden, slots):
    return _at(hidden, slots[:, :, :1]).squeeze(2)


def theta_minus_one(hidden, slots):
    return _at(hidden, slots).mean(2)


def theta_cls(hidden, slots):
    return _at(hidden, slots.clamp(min=0)).mean(2)


def theta_width(hidden, slots):
    return (_at(hidden, slots) * (slots >= 0).unsqueeze(-1)).mean(2)


def theta_first_sentence(hidden, slots):
    return theta_by_loops(hidden, slots[:1].expand_as(slots))


def theta_maximum(hidden, slots):
    there = (slots >= 0).unsqueeze(-1)
    return _at(hidden, slots).masked_fill(~there, -1e9).max(2).values


def theta_detached(hidden, slots):
    return theta_by_loops(hidden.detach(), slots)


def theta_by_loops(hidden, slots):
    rows = []
    for i in range(len(hidden)):
        columns = [hidden[i, own[own >= 0]].mean(0) for own in slots[i]]
        rows.append(torch.stack(columns))
    return torch.stack(rows)


def theta_by_one_hot(hidden, slots):
    length = hidden.shape[1]
    weights = F.one_hot(slots.clamp(min=0), length) * (slots >= 0).unsqueeze(-1)  # (N, K, P, L)
    weights = weights.sum(2).to(hidden.dtype)  # (N, K, L)
    return weights @ hidden / weights.sum(2, keepdim=True)


def theta_by_library(hidden, slots):
    return model.read_theta(hidden, slots)


# 4.4 Scores


def scores_cosine(z, theta):
    return F.cosine_similarity(z[:, None], theta, dim=2)


def scores_first(z, theta):
    return z @ theta[0].T


def scores_mean(z, theta):
    return z @ theta.mean(0).T


def scores_unit_z(z, theta):
    return losses.label_logits(F.normalize(z, dim=1), theta)


def scores_all_pairs(z, theta):
    return torch.einsum("nd,mkd->nmk", z, theta)


def scores_entries(z, theta):
    return z.unsqueeze(1) * theta


def scores_softmax(z, theta):
    return torch.softmax((theta @ z.unsqueeze(2)).squeeze(2), 1)


def scores_scaled(z, theta):
    return (theta @ z.unsqueeze(2)).squeeze(2) / z.shape[1] ** 0.5


def scores_argmax(z, theta):
    return (theta @ z.unsqueeze(2)).squeeze(2).argmax(1)


def scores_by_product(z, theta):
    return torch.bmm(theta, z.unsqueeze(2)).squeeze(2)


def scores_by_sum(z, theta):
    return (z[:, None, :] * theta).sum(dim=-1)


def scores_by_loops(z, theta):
    return torch.stack([torch.stack([c @ f for c in own]) for f, own in zip(z, theta, strict=True)])


ENTRIES = [
    Entry(
        "04-prefix",
        [
            Wrong("true label only", ids_true_only, "Only the true label stands in front"),
            Wrong("true label first", ids_true_first, "its place gives the answer away"),
            Wrong("true label left out", ids_true_missing, "The true label is missing"),
            Wrong("first piece only", ids_first_piece, "the first piece of each label"),
            Wrong("[SEP] between labels", ids_separated, "You put [SEP] between the labels"),
            Wrong("no [SEP] after the labels", ids_no_separator, "between labels and sentence"),
            Wrong("sentence first", ids_sentence_first, "The sentence stands before the labels"),
            Wrong("end cut off", ids_end_cut, "and the last [SEP] with it"),
            Wrong("nothing cut", ids_no_cut, "Your row is longer than max_length"),
            Wrong("lists in the list", ids_nested, "the encoder reads one flat row"),
            Wrong("one token too few", ids_one_too_few, "by one token more than you must"),
        ],
        [ids_right, ids_by_pop],
    ),
    Entry(
        "04-slots",
        [
            Wrong("rows by place", slots_by_place, "row k is class k, whatever the order"),
            Wrong("order for its inverse", slots_inverse, "the wrong way round"),
            Wrong("order ignored", slots_no_order, "The order has no effect"),
            Wrong("[CLS] forgotten", slots_from_zero, "Your places begin at 0"),
            Wrong("filled with 0", slots_filled_with_zero, "a missing piece is -1"),
            Wrong("one place each", slots_one_each, "one place later"),
            Wrong("a list", slots_as_list, "tensor"),
        ],
        [slots_by_owner, slots_by_sums, slots_by_library],
    ),
    Entry(
        "04-theta",
        [
            Wrong("sum", theta_sum, "You add up the pieces of a label"),
            Wrong("first piece only", theta_first, "the first piece of each label only"),
            Wrong("last token read", theta_minus_one, "reads the last token of the row"),
            Wrong("[CLS] read", theta_cls, "reads place 0, [CLS]"),
            Wrong("divided by the width", theta_width, "You divide by the width of slots"),
            Wrong("slots of the first sentence", theta_first_sentence, "the slots of the first"),
            Wrong("maximum", theta_maximum, "the largest entry over the pieces"),
            Wrong("detached", theta_detached, "no gradient flows back to hidden"),
        ],
        [theta_by_loops, theta_by_one_hot, theta_by_library],
    ),
    Entry(
        "04-scores",
        [
            Wrong("cosine", scores_cosine, "That is the cosine"),
            Wrong("z at length 1", scores_unit_z, "You brought z to length 1"),
            Wrong("one classifier for all", scores_first, "with the columns of the first"),
            Wrong("mean classifier", scores_mean, "one mean classifier"),
            Wrong("all pairs", scores_all_pairs, "the columns of every sentence"),
            Wrong("not added up", scores_entries, "You multiply entry by entry"),
            Wrong("softmax", scores_softmax, "Those are probabilities"),
            Wrong("root of d", scores_scaled, "You divide by the root of d"),
            Wrong("answers", scores_argmax, "Those are the answers"),
        ],
        [scores_by_product, scores_by_sum, scores_by_loops],
    ),
    Entry(
        "04-fault",
        [
            Wrong("no fault", constant([0, 1, 2, 3, 4]), "You say that all are right"),
            Wrong("the target", constant([2, 0, 1, 4, 3]), "That is the target"),
            Wrong("the inverse", constant([1, 2, 0, 4, 3]), "where each true label stands"),
            Wrong("once too often", constant([0, 1, 2, 4, 3]), "once too often"),
            Wrong("one class", constant(1), "Expected a list"),
        ],
        [constant([1, 2, 0, 3, 4]), lambda: torch.tensor([1, 2, 0, 3, 4]).tolist()],
    ),
]
