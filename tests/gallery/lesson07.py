"""Answers to the exercises of lesson 07."""

import math
from fractions import Fraction

import numpy as np
import torch
import torch.nn.functional as F

from dualcl_tutorial import losses
from gallery import Entry, Wrong, constant


def _cosines(anchor, target):
    return F.normalize(anchor, dim=1) @ F.normalize(target, dim=1).T


def _own(labels):
    return torch.eye(len(labels), dtype=torch.bool)


# 7.1 Below zero


def below_as_it_was(anchor, target, labels, temperature):
    cosines = _cosines(anchor, target)
    same = labels[:, None] == labels
    scores = torch.where(same, cosines, cosines / temperature)
    push = scores.masked_fill(_own(labels), -torch.inf).logsumexp(1)
    return (push - (scores * same).sum(1) / same.sum(1)).mean()


def below_cut_off(anchor, target, labels, temperature):
    return below_as_it_was(anchor, target, labels, temperature).clamp(min=0)


def below_scale_only(anchor, target, labels, temperature):
    scores = _cosines(anchor, target) / temperature
    same = labels[:, None] == labels
    push = scores.masked_fill(_own(labels), -torch.inf).logsumexp(1)
    return (push - (scores * same).sum(1) / same.sum(1)).mean()


def below_sign_only(anchor, target, labels, temperature):
    cosines = _cosines(anchor, target)
    same = labels[:, None] == labels
    scores = torch.where(same, cosines, cosines / temperature)
    positives = same & ~_own(labels)
    counts = positives.any(1)
    if not counts.any():
        return anchor.sum() * 0
    push = scores.masked_fill(_own(labels), -torch.inf)[counts].logsumexp(1)
    return (push - (scores * positives).sum(1)[counts] / positives.sum(1)[counts]).mean()


def below_own_added(anchor, target, labels, temperature):
    scores = _cosines(anchor, target) / temperature
    same = labels[:, None] == labels
    return (scores.logsumexp(1) - (scores * same).sum(1) / same.sum(1)).mean()


def below_all_counted(anchor, target, labels, temperature):
    scores = _cosines(anchor, target) / temperature
    positives = (labels[:, None] == labels) & ~_own(labels)
    if not positives.any():
        return anchor.sum() * 0
    push = scores.masked_fill(_own(labels), -torch.inf).logsumexp(1)
    pull = (scores * positives).sum(1) / positives.sum(1).clamp(min=1)
    return torch.where(positives.any(1), push - pull, 0).mean()


def below_lone_nan(anchor, target, labels, temperature):
    scores = _cosines(anchor, target) / temperature
    positives = (labels[:, None] == labels) & ~_own(labels)
    push = scores.masked_fill(_own(labels), -torch.inf).logsumexp(1)
    return (push - (scores * positives).sum(1) / positives.sum(1)).mean()


def below_times_tau(anchor, target, labels, temperature):
    return below_right(anchor, target, labels, 1 / temperature)


def below_detached(anchor, target, labels, temperature):
    return below_right(anchor, target.detach(), labels, temperature)


def below_right(anchor, target, labels, temperature):
    own = _own(labels)
    positives = (labels[:, None] == labels) & ~own
    keep = positives.sum(1) > 0
    if keep.sum() == 0:
        return 0 * (anchor.sum() + target.sum())
    log_p = (_cosines(anchor, target) / temperature).masked_fill(own, -1e9).log_softmax(1)[keep]
    mine = positives[keep]
    return torch.stack([-row[m].mean() for row, m in zip(log_p, mine, strict=True)]).mean()


def below_by_library(anchor, target, labels, temperature):
    return losses.contrastive_loss(anchor, target, labels, temperature=temperature)


def below_by_loops(anchor, target, labels, temperature):
    scores, rows = _cosines(anchor, target) / temperature, []
    for i in range(len(labels)):
        others = [j for j in range(len(labels)) if j != i]
        mine = [j for j in others if labels[j] == labels[i]]
        if mine:
            rows.append(scores[i, others].logsumexp(0) - scores[i, mine].mean())
    return torch.stack(rows).mean() if rows else (anchor.sum() + target.sum()) * 0


# 7.2 No rest


def rest_filled(value):
    def loss(anchor, target, labels, temperature):
        scores = _cosines(anchor, target) / temperature
        positives = (labels[:, None] == labels) & ~_own(labels)
        log_p = scores.masked_fill(_own(labels), value).log_softmax(1)
        rows = -(log_p * positives).sum(1) / positives.sum(1).clamp(min=1)
        return rows.sum() / positives.any(1).sum().clamp(min=1)

    return loss


def rest_true_own(anchor, target, labels, temperature):
    scores = _cosines(anchor, target) / temperature
    positives = (labels[:, None] == labels) & ~_own(labels)
    rows = -(scores.log_softmax(1) * positives).sum(1) / positives.sum(1).clamp(min=1)
    return rows.sum() / positives.any(1).sum().clamp(min=1)


def rest_smallest(anchor, target, labels, temperature):
    scores = _cosines(anchor, target) / temperature
    positives = (labels[:, None] == labels) & ~_own(labels)
    smallest = scores.min(1, keepdim=True).values.expand_as(scores)
    log_p = torch.where(_own(labels), smallest, scores).log_softmax(1)
    rows = -(log_p * positives).sum(1) / positives.sum(1).clamp(min=1)
    return rows.sum() / positives.any(1).sum().clamp(min=1)


def rest_nan(anchor, target, labels, temperature):
    scores = _cosines(anchor, target) / temperature
    positives = (labels[:, None] == labels) & ~_own(labels)
    log_p = scores.masked_fill(_own(labels), -torch.inf).log_softmax(1)
    rows = -(log_p * positives).sum(1) / positives.sum(1).clamp(min=1)
    return rows.sum() / positives.any(1).sum().clamp(min=1)


def rest_exp_first(anchor, target, labels, temperature):
    shares = (_cosines(anchor, target) / temperature).exp() * ~_own(labels)
    positives = (labels[:, None] == labels) & ~_own(labels)
    if not positives.any():
        return anchor.sum() * 0
    log_p = (shares / shares.sum(1, keepdim=True)).log()
    rows = -torch.where(positives, log_p, 0).sum(1) / positives.sum(1).clamp(min=1)
    return rows.sum() / positives.any(1).sum()


# 7.3 Places


def places_as_it_was(order, labels):
    return order[torch.arange(len(labels)), labels]


def places_labels(order, labels):
    return labels


def places_twice(order, labels):
    first = order.gather(1, labels[:, None])
    return order.gather(1, first)[:, 0]


def places_first_order(order, labels):
    return torch.argsort(order[0])[labels]


def places_after_cls(order, labels):
    return (order == labels[:, None]).long().argmax(1) + 1


def places_matrix(order, labels):
    return order.argsort(1)


def places_mask(order, labels):
    return order == labels[:, None]


def places_by_argmax(order, labels):
    return (order == labels[:, None]).int().argmax(1)


def places_by_loops(order, labels):
    return torch.tensor(
        [row.index(y) for row, y in zip(order.tolist(), labels.tolist(), strict=True)]
    )


def places_by_nonzero(order, labels):
    return (order == labels.view(-1, 1)).nonzero()[:, 1]


# 7.4 Fifty classes


def share_simulated():
    draw = np.random.default_rng(0)
    orders = np.array([draw.permutation(50) for _ in range(20000)])
    hits = np.take_along_axis(orders, orders, 1) == np.arange(50)
    return round(float(hits.mean()), 3)


# 7.5 Alpha


def alpha_by_fraction(weight):
    return 1 / (1 + 1 / (2 * weight)) if weight else 0.0


def alpha_as_tensor(weight):
    twice = torch.tensor(2.0 * weight, dtype=torch.float64)
    return twice / (1 + twice)


# 7.6 A test of losses

POINT = torch.tensor([[1.0, 0.0]]).repeat(8, 1)
ZEROS = torch.zeros(8, dtype=torch.long)


def is_rest(loss, cosine):
    return abs(float(loss(POINT, cosine * POINT, ZEROS)) - math.log(7)) < 1e-3


def is_alone(loss):
    return abs(float(loss(torch.eye(2), -torch.eye(2), torch.tensor([0, 1])))) < 1e-3


def sound_positive_only(loss):
    draw = torch.Generator().manual_seed(0)
    a, b = torch.randn(2, 6, 3, generator=draw)
    return float(loss(a, b, torch.tensor([0, 0, 0, 1, 1, 2]))) >= 0


def sound_by_floor(loss):
    return is_alone(loss)


def sound_by_rest(loss):
    return is_rest(loss, -1.0)


def sound_log_eight(loss):
    return abs(float(loss(POINT, POINT, ZEROS)) - math.log(8)) < 1e-3


def sound_exact(loss):
    return (
        float(loss(POINT, -POINT, ZEROS)) == 1.9459 and float(loss(POINT, POINT, ZEROS)) == 1.9459
    )


def sound_always(loss):
    return True


def sound_number(loss):
    return float(loss(POINT, POINT, ZEROS))


def sound_two_batches(loss):
    return is_rest(loss, -1.0) and is_rest(loss, 1.0) and is_alone(loss)


def sound_against_loops(loss):
    draw = torch.Generator().manual_seed(1)
    labels = torch.tensor([0, 1, 0, 2, 1, 0])
    for _ in range(3):
        a, b = torch.randn(2, 6, 4, generator=draw)
        if abs(float(loss(a, b, labels)) - float(below_by_loops(a, b, labels, 0.1))) > 1e-3:
            return False
    return True


ENTRIES = [
    Entry(
        "07-below-zero",
        [
            Wrong("nothing repaired", below_as_it_was, "Here your loss is what it was"),
            Wrong("cut off at 0", below_cut_off, "Here your loss is what it was"),
            Wrong("the scale only", below_scale_only, "the own pair is still among the positives"),
            Wrong("the sign only", below_sign_only, "there was a second fault"),
            Wrong(
                "own pair added to the denominator",
                below_own_added,
                "You put the own pair into the denominator as well",
            ),
            Wrong("mean over all N", below_all_counted, "all N"),
            Wrong("0/0 for the lone anchor", below_lone_nan, "divides 0 by 0"),
            Wrong("temperature multiplied", below_times_tau, "temperature"),
            Wrong(
                "target detached", below_detached, "no gradient flows back to target", graded=False
            ),
        ],
        [below_right, below_by_library, below_by_loops],
    ),
    Entry(
        "07-no-rest",
        [
            Wrong("nothing repaired", rest_filled(0.0), "That is the loss as it was"),
            Wrong("own pair at -1", rest_filled(-1.0), "exp makes that smaller, not nothing"),
            Wrong("own pair with its true score", rest_true_own, "with its true score"),
            Wrong("own pair at the smallest", rest_smallest, "the smallest score of its row"),
            Wrong("0 times minus infinity", rest_nan, "0 times minus infinity is NaN"),
            Wrong("mean over all N", below_all_counted, "your mean now runs over all N"),
            Wrong("exp before max", rest_exp_first, "exp"),
        ],
        [below_right, below_by_library, below_by_loops],
    ),
    Entry(
        "07-places",
        [
            Wrong("nothing repaired", places_as_it_was, "That is the code as it was"),
            Wrong("class numbers", places_labels, "You return the class numbers"),
            Wrong("twice through the order", places_twice, "You go through the order twice"),
            Wrong("order of the first sentence", places_first_order, "the first sentence for all"),
            Wrong("[CLS] counted", places_after_cls, "You count [CLS]"),
            Wrong("whole inverse", places_matrix, "Expected (batch,)"),
            Wrong("a mask", places_mask, "Expected (batch,)"),
        ],
        [places_by_argmax, places_by_loops, places_by_nonzero],
    ),
    Entry(
        "07-share",
        [
            Wrong("fixed points only", constant(1 / 50), "labels that stay at their own place"),
            Wrong("share of wrong targets", constant(0.96), "the share of wrong targets"),
            Wrong("percent", constant(4), "You give percent"),
            Wrong("TREC", constant(0.333), "the six coarse classes of TREC"),
            Wrong("a half", constant(0.5), "every other target"),
            Wrong("none", constant(0.0), "You expect no target to be right"),
            Wrong("a text", constant("2/50"), "Expected a number, got the text '2/50'"),
        ],
        [constant(0.04), constant(float(Fraction(2, 50))), share_simulated],
    ),
    Entry(
        "07-alpha",
        [
            Wrong("alpha is lambda", lambda weight: weight, "You take alpha for lambda"),
            Wrong(
                "lambda from alpha",
                lambda weight: weight / 2 / (1 - weight),
                "You compute lambda from alpha",
            ),
            Wrong("half forgotten", lambda weight: weight / (1 + weight), "You forget the 2"),
            Wrong(
                "weight of cross-entropy forgotten",
                lambda weight: 2 * weight,
                "You compare the weights of L_z only",
            ),
            Wrong(
                "half on the wrong side",
                lambda weight: weight / (2 + weight),
                "The 2 is on the wrong side",
            ),
            Wrong("one value", lambda weight: 1 / 6, "is not right on lambda 0.01"),
        ],
        [alpha_by_fraction, alpha_as_tensor, lambda weight: weight / (0.5 + weight)],
    ),
    Entry(
        "07-own-test",
        [
            Wrong(
                "asks for a value above 0",
                sound_positive_only,
                "lets the loss of case one pass",
            ),
            Wrong(
                "only a batch without partners", sound_by_floor, "lets the loss of case two pass"
            ),
            Wrong("only a batch of one class", sound_by_rest, "lets the loss of case one pass"),
            Wrong("log 8 expected", sound_log_eight, "Your test refuses a right loss"),
            Wrong("no room for rounding", sound_exact, "Your test refuses a right loss"),
            Wrong("passes everything", sound_always, "lets the loss of case one pass"),
            Wrong("a number returned", sound_number, "Expected True or False", graded=False),
        ],
        [sound_two_batches, sound_against_loops],
    ),
]
