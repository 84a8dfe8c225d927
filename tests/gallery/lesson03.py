"""Answers to the exercises of lesson 03."""

import math

import torch
import torch.nn.functional as F

from dualcl_tutorial import losses
from gallery import Entry, Wrong, constant

# 3.1 Two masks


def same_class_only(labels):
    same = labels[:, None] == labels[None, :]
    return torch.ones_like(same), same


def own_only_in_positives(labels):
    n = len(labels)
    return ~torch.eye(n, dtype=torch.bool), labels.view(-1, 1) == labels.view(1, -1)


def positives_first(labels):
    candidates = ~torch.eye(len(labels)).bool()
    positives = candidates & (labels[:, None] == labels)
    return positives, candidates


def negatives_as_candidates(labels):
    same = labels[:, None] == labels
    return ~same, same & ~torch.eye(len(labels), dtype=torch.bool)


def floats(labels):
    candidates = 1 - torch.eye(len(labels))
    return candidates, candidates * (labels[:, None] == labels).float()


def compared_with_itself(labels):
    candidates = ~torch.eye(len(labels), dtype=torch.bool)
    return candidates, labels == labels


def unequal(labels):
    candidates = ~torch.eye(len(labels), dtype=torch.bool)
    return candidates, candidates & (labels[:, None] != labels[None, :])


def upper_half(labels):
    candidates = torch.ones(len(labels), len(labels)).triu(1).bool()
    return candidates, candidates & (labels[:, None] == labels)


def not_inverted(labels):
    own = torch.eye(len(labels), dtype=torch.bool)
    return own, own & (labels[:, None] == labels)


def one_mask(labels):
    return (labels[:, None] == labels) & ~torch.eye(len(labels), dtype=torch.bool)


def fixed_size(labels):
    candidates = ~torch.eye(6, dtype=torch.bool)
    return candidates, candidates & (labels[:, None] == labels)


def masks_by_loops(labels):
    n = len(labels)
    candidates = torch.zeros(n, n, dtype=torch.bool)
    positives = torch.zeros(n, n, dtype=torch.bool)
    for i in range(n):
        for j in range(n):
            candidates[i, j] = i != j
            positives[i, j] = i != j and bool(labels[i] == labels[j])
    return candidates, positives


def masks_by_fill(labels):
    candidates = torch.ones(len(labels), len(labels), dtype=torch.bool).fill_diagonal_(False)
    return [candidates, torch.eq(*torch.meshgrid(labels, labels, indexing="ij")) & candidates]


def masks_by_library(labels):
    return losses.pair_masks(labels)


# 3.2 Outside the logarithm: the function as it is handed in, with one thing changed at a time


def outside_own_pair(features, labels, temperature):
    u = F.normalize(features, dim=1)
    log_p = F.log_softmax(u @ u.T / temperature, dim=1)
    _, positives = losses.pair_masks(labels)
    counts = positives.any(1)
    if not counts.any():
        return features.sum() * 0
    return -(log_p * positives).sum(1)[counts].div(positives.sum(1)[counts]).mean()


def outside_own_positive(features, labels, temperature):
    u = F.normalize(features, dim=1)
    same = labels[:, None] == labels
    log_p = torch.log_softmax(u @ u.T / temperature, 1)
    return -((log_p * same).sum(1) / same.sum(1)).mean()


def _rows(features, labels, temperature, divide=True):
    candidates, positives = losses.pair_masks(labels)
    scores = (features @ features.T * temperature) if not divide else None
    scores = features @ features.T / temperature if divide else scores
    log_p = scores.masked_fill(~candidates, -1e30).log_softmax(1)
    return -torch.where(positives, log_p, 0.0).sum(1), positives.sum(1)


def outside_mean_over_all(features, labels, temperature):
    total, counts = _rows(F.normalize(features), labels, temperature)
    return (total / counts.clamp(min=1)).sum() / len(labels)


def outside_times_temperature(features, labels, temperature):
    total, counts = _rows(F.normalize(features), labels, temperature, divide=False)
    return (total / counts.clamp(min=1)).sum() / (counts > 0).sum().clamp(min=1)


def outside_raw_features(features, labels, temperature):
    total, counts = _rows(features, labels, temperature)
    return (total / counts.clamp(min=1)).sum() / (counts > 0).sum().clamp(min=1)


def outside_normalised_down(features, labels, temperature):
    total, counts = _rows(F.normalize(features, dim=0), labels, temperature)
    return (total / counts.clamp(min=1)).sum() / (counts > 0).sum().clamp(min=1)


def outside_added_up(features, labels, temperature):
    total, counts = _rows(F.normalize(features), labels, temperature)
    return total.sum() / (counts > 0).sum().clamp(min=1)


def outside_pairs(features, labels, temperature):
    total, counts = _rows(F.normalize(features), labels, temperature)
    return total.sum() / counts.sum().clamp(min=1)


def outside_each_anchor(features, labels, temperature):
    total, counts = _rows(F.normalize(features), labels, temperature)
    return total / counts.clamp(min=1)


def outside_sign(features, labels, temperature):
    return -outside_by_library(features, labels, temperature)


def outside_lone_nan(features, labels, temperature):
    total, counts = _rows(F.normalize(features), labels, temperature)
    return (total / counts).mean()


def outside_times_mask(features, labels, temperature):
    u = F.normalize(features, dim=1)
    candidates, positives = losses.pair_masks(labels)
    scores = (u @ u.T / temperature).masked_fill(~candidates, float("-inf"))
    log_p = scores.log_softmax(1)
    return -((log_p * positives).sum(1) / positives.sum(1).clamp(min=1)).mean()


def outside_exp_first(features, labels, temperature):
    u = F.normalize(features, dim=1)
    candidates, positives = losses.pair_masks(labels)
    e = torch.exp(u @ u.T / temperature)
    log_p = torch.log(e / (e * candidates).sum(1, keepdim=True))
    rows = torch.where(positives, -log_p, 0.0).sum(1) / positives.sum(1).clamp(min=1)
    return rows.sum() / positives.any(1).sum().clamp(min=1)


def outside_negatives_below(features, labels, temperature):
    u = F.normalize(features, dim=1)
    same = labels[:, None] == labels
    positives = same & ~torch.eye(len(labels)).bool()
    scores = u @ u.T / temperature
    log_p = scores - scores.masked_fill(same, -torch.inf).logsumexp(1, keepdim=True)
    rows = torch.where(positives, -log_p, 0.0).sum(1) / positives.sum(1).clamp(min=1)
    return rows.sum() / positives.any(1).sum().clamp(min=1)


def outside_other_class(features, labels, temperature):
    u = F.normalize(features, dim=1)
    off = ~torch.eye(len(labels)).bool()
    positives = off & (labels[:, None] != labels)
    log_p = (u @ u.T / temperature).masked_fill(~off, -1e30).log_softmax(1)
    rows = torch.where(positives, -log_p, 0.0).sum(1) / positives.sum(1).clamp(min=1)
    return rows.sum() / positives.any(1).sum().clamp(min=1)


def outside_detached(features, labels, temperature):
    return outside_by_library(features.detach(), labels, temperature)


def outside_half_detached(features, labels, temperature):
    u = F.normalize(features, dim=1)
    return losses.contrastive_loss(u, u.detach(), labels, temperature=temperature)


def outside_item(features, labels, temperature):
    return outside_by_library(features, labels, temperature).item()


def outside_numpy(features, labels, temperature):
    return outside_by_library(features, labels, temperature).numpy()


def outside_in_place(features, labels, temperature):
    features /= features.norm(dim=1, keepdim=True)
    return outside_by_library(features, labels, temperature)


def outside_inside(features, labels, temperature):
    return inside_by_loops(features, labels, temperature)


def outside_by_library(features, labels, temperature):
    return losses.supcon_loss(features, labels, temperature=temperature)


def outside_by_loops(features, labels, temperature):
    u = features / features.norm(dim=1, keepdim=True)
    rows = []
    for i in range(len(labels)):
        others = [j for j in range(len(labels)) if j != i]
        mine = [j for j in others if labels[j] == labels[i]]
        if not mine:
            continue
        push = torch.logsumexp(torch.stack([u[i] @ u[j] for j in others]) / temperature, 0)
        rows.append(sum(push - u[i] @ u[p] / temperature for p in mine) / len(mine))
    return torch.stack(rows).mean() if rows else (features * 0).sum()


def outside_by_cross_entropy(features, labels, temperature):
    """The diagonal taken out of the matrix, and soft targets."""
    n = len(labels)
    u = torch.nn.functional.normalize(features, dim=-1)
    off = ~torch.eye(n, dtype=torch.bool)
    scores = torch.einsum("id,jd->ij", u, u)[off].view(n, n - 1) / temperature
    target = (labels[:, None] == labels)[off].view(n, n - 1).to(features.dtype)
    kept = target.any(1)
    if not kept.any():
        return features.sum() * 0
    target = target[kept] / target[kept].sum(1, keepdim=True)
    return F.cross_entropy(scores[kept], target)


# 3.3 Inside the logarithm


def _inside(features, labels, temperature, *, own=False, mean=True, over_all=False, raw=False):
    u = features if raw else F.normalize(features, dim=1)
    candidates, positives = losses.pair_masks(labels)
    scores = u @ u.T / temperature
    below = scores if own else scores.masked_fill(~candidates, -1e30)
    rows = below.logsumexp(1) - scores.masked_fill(~positives, -1e30).logsumexp(1)
    if mean:
        rows = rows + positives.sum(1).clamp(min=1).log()
    rows = rows[positives.any(1)]
    return rows.sum() / (len(labels) if over_all else max(len(rows), 1))


def inside_is_outside(features, labels, temperature):
    return outside_by_library(features, labels, temperature)


def inside_no_mean(features, labels, temperature):
    return _inside(features, labels, temperature, mean=False)


def inside_own_pair(features, labels, temperature):
    return _inside(features, labels, temperature, own=True)


def inside_mean_over_all(features, labels, temperature):
    return _inside(features, labels, temperature, over_all=True)


def inside_raw(features, labels, temperature):
    return _inside(features, labels, temperature, raw=True)


def inside_times_temperature(features, labels, temperature):
    return _inside(features, labels, 1 / temperature)


def inside_sign(features, labels, temperature):
    return -_inside(features, labels, temperature)


def inside_exp_first(features, labels, temperature):
    u = F.normalize(features, dim=1)
    candidates, positives = losses.pair_masks(labels)
    e = (u @ u.T / temperature).exp()
    p = e / (e * candidates).sum(1, keepdim=True)
    kept = positives.any(1)
    if not kept.any():
        return features.sum() * 0
    share = torch.where(positives, p, 0.0).sum(1)[kept] / positives.sum(1)[kept]
    return -share.log().mean()


def inside_softmax_then_log(features, labels, temperature):
    """Softmax does not overflow, but a far partner's probability underflows to 0."""
    u = F.normalize(features, dim=1)
    candidates, positives = losses.pair_masks(labels)
    kept = positives.any(1)
    if not kept.any():
        return features.sum() * 0
    p = (u @ u.T / temperature).masked_fill(~candidates, -torch.inf)[kept].softmax(1)
    return -((p * positives[kept]).sum(1) / positives[kept].sum(1)).log().mean()


def inside_by_loops(features, labels, temperature):
    u = F.normalize(features, dim=1)
    rows = []
    for i in range(len(labels)):
        others = [j for j in range(len(labels)) if j != i]
        mine = [j for j in others if labels[j] == labels[i]]
        if mine:
            scores = u @ u[i] / temperature
            log_p = scores[mine] - scores[others].logsumexp(0)
            rows.append(math.log(len(mine)) - log_p.logsumexp(0))
    return torch.stack(rows).mean() if rows else features.sum() * 0


def inside_by_log_softmax(features, labels, temperature):
    n, u = len(labels), F.normalize(features, dim=1)
    scores = torch.einsum("nd,md->nm", u, u) / temperature
    own = torch.eye(n, dtype=torch.bool)
    positives = (labels[:, None] == labels) & ~own
    if not positives.any():
        return features.new_zeros(()) + 0 * features.sum()
    kept = positives.any(1)
    log_p = scores.masked_fill(own, -torch.inf)[kept].log_softmax(1)
    pulled = log_p.masked_fill(~positives[kept], -torch.inf).logsumexp(1)
    return (positives[kept].sum(1).log() - pulled).mean()


# 3.4 The gradient of one anchor


def _weights(unit, labels, anchor, temperature):
    candidates, positives = (mask[anchor] for mask in losses.pair_masks(labels))
    scores = (unit @ unit[anchor] / temperature).masked_fill(~candidates, -torch.inf)
    wanted = positives.to(unit.dtype) / max(int(positives.sum()), 1)
    return scores.softmax(0) * bool(positives.any()), wanted


def gradient_sign(unit, labels, anchor, temperature):
    share, wanted = _weights(unit, labels, anchor, temperature)
    return (wanted - share) @ unit / temperature


def gradient_no_temperature(unit, labels, anchor, temperature):
    share, wanted = _weights(unit, labels, anchor, temperature)
    return (share - wanted) @ unit


def gradient_times_temperature(unit, labels, anchor, temperature):
    share, wanted = _weights(unit, labels, anchor, temperature)
    return (share - wanted) @ unit * temperature


def gradient_scores(unit, labels, anchor, temperature):
    share, wanted = _weights(unit, labels, anchor, temperature)
    return share - wanted


def gradient_pull_one(unit, labels, anchor, temperature):
    share, wanted = _weights(unit, labels, anchor, temperature)
    return (share - (wanted > 0).to(unit.dtype)) @ unit / temperature


def gradient_own_pair(unit, labels, anchor, temperature):
    _, wanted = _weights(unit, labels, anchor, temperature)
    share = (unit @ unit[anchor] / temperature).softmax(0)
    return (share - wanted) @ unit / temperature if wanted.any() else unit[anchor] * 0


def gradient_projected(unit, labels, anchor, temperature):
    along = gradient_by_hand(unit, labels, anchor, temperature)
    return along - (along @ unit[anchor]) * unit[anchor]


def gradient_pull_only(unit, labels, anchor, temperature):
    return -_weights(unit, labels, anchor, temperature)[1] @ unit / temperature


def gradient_lone_nan(unit, labels, anchor, temperature):
    candidates, positives = (mask[anchor] for mask in losses.pair_masks(labels))
    scores = (unit @ unit[anchor] / temperature).masked_fill(~candidates, -torch.inf)
    return (scores.softmax(0) - positives / positives.sum()).to(unit.dtype) @ unit / temperature


def gradient_exp_first(unit, labels, anchor, temperature):
    candidates, positives = (mask[anchor] for mask in losses.pair_masks(labels))
    if not positives.any():
        return torch.zeros_like(unit[0])
    e = (unit @ unit[anchor] / temperature).exp() * candidates
    return (e / e.sum() - positives / positives.sum()).to(unit.dtype) @ unit / temperature


def gradient_by_hand(unit, labels, anchor, temperature):
    share, wanted = _weights(unit, labels, anchor, temperature)
    return torch.einsum("n,nd->d", share - wanted, unit) / temperature


def gradient_by_loops(unit, labels, anchor, temperature):
    others = [j for j in range(len(labels)) if j != anchor]
    mine = [j for j in others if labels[j] == labels[anchor]]
    result = torch.zeros_like(unit[anchor])
    if mine:
        share = torch.softmax(
            torch.stack([unit[anchor] @ unit[j] for j in others]) / temperature, 0
        )
        for weight, j in zip(share, others, strict=True):
            result = result + (weight - (j in mine) / len(mine)) * unit[j] / temperature
    return result


def gradient_by_autograd(unit, labels, anchor, temperature):
    mine = unit[anchor].clone().requires_grad_()
    others = [j for j in range(len(labels)) if j != anchor]
    partners = [j for j in others if labels[j] == labels[anchor]]
    if not partners:
        return torch.zeros_like(mine)
    scores = unit.detach() @ mine / temperature
    return torch.autograd.grad(scores[others].logsumexp(0) - scores[partners].mean(), mine)[0]


# 3.5 The floor


def floor_by_counting():
    sizes = [4, 3, 1]
    terms = [math.log(size - 1) for size in sizes for _ in range(size) if size > 1]
    return sum(terms) / len(terms)


def floor_by_library():
    return losses.loss_floor(torch.tensor([0, 0, 0, 0, 1, 1, 1, 2]))[1]


def floor_as_tensor():
    return torch.tensor([3.0, 3, 3, 3, 2, 2, 2]).log().mean()


def floor_rounded():
    return 0.92


ENTRIES = [
    Entry(
        "03-masks",
        [
            Wrong("the own pair is kept in both masks", same_class_only, "The diagonal is still"),
            Wrong("the own pair is among the positives", own_only_in_positives, "The diagonal is"),
            Wrong(
                "positives are returned first", positives_first, "You return the positives first"
            ),
            Wrong(
                "only negatives are candidates",
                negatives_as_candidates,
                "Your candidates are the other classes only",
            ),
            Wrong("masks of 0.0 and 1.0", floats, "expected dtype bool"),
            Wrong(
                "labels compared with themselves, no second axis",
                compared_with_itself,
                "expected (batch, batch) = (6, 6), got shape (6,)",
            ),
            Wrong("!= in place of ==", unequal, "look at how labels are compared"),
            Wrong("each pair once, triu", upper_half, "Each pair stands in your mask once"),
            Wrong("the ~ is forgotten", not_inverted, "Your mask is the diagonal"),
            Wrong("one mask is returned", one_mask, "Expected 2 tensors, (candidates, positives)"),
            Wrong("the batch size is written in", fixed_size, "on a batch of one class (line 3"),
        ],
        [masks_by_loops, masks_by_fill, masks_by_library],
    ),
    Entry(
        "03-outside",
        [
            Wrong("own pair in the denominator", outside_own_pair, "still in the denominator"),
            Wrong(
                "own pair as candidate and positive",
                outside_own_positive,
                "a sentence is not its own partner",
            ),
            Wrong("mean over all N", outside_mean_over_all, "You divide by all N anchors"),
            Wrong("mean over all pairs", outside_pairs, "one mean over all positive pairs"),
            Wrong(
                "temperature multiplied",
                outside_times_temperature,
                "You multiply by the temperature",
            ),
            Wrong("features not normalised", outside_raw_features, "takes them at length 1"),
            Wrong(
                "normalised along the wrong axis",
                outside_normalised_down,
                "The value is not right on the hand-sized batch: expected 0.8026",
            ),
            Wrong(
                "sum over positives, no 1/|P|", outside_added_up, "You add up over the positives"
            ),
            Wrong("one loss an anchor is returned", outside_each_anchor, "Expected a scalar"),
            Wrong("the minus is forgotten", outside_sign, "Your loss has the wrong sign"),
            Wrong("0/0 for the lone anchor", outside_lone_nan, "divided by |P_i| = 0"),
            Wrong("mask times -inf", outside_times_mask, "0 times an infinite value is NaN"),
            Wrong("exp before max", outside_exp_first, "exp overflows or underflows"),
            Wrong(
                "denominator of negatives only",
                outside_negatives_below,
                "Your denominator holds the negatives only",
            ),
            Wrong("!= in place of ==", outside_other_class, "look at how labels are compared"),
            Wrong("sum inside the logarithm", outside_inside, "is inside the logarithm"),
            Wrong("detached", outside_detached, "no gradient flows back to features"),
            Wrong("one side detached", outside_half_detached, "Was part of it detached?"),
            Wrong(".item() at the end", outside_item, "without .item() or float()"),
            Wrong(".numpy() at the end", outside_numpy, "stay in torch"),
            Wrong("normalised in place", outside_in_place, "changed its input features"),
        ],
        [outside_by_library, outside_by_loops, outside_by_cross_entropy],
    ),
    Entry(
        "03-inside",
        [
            Wrong("sum outside the logarithm", inside_is_outside, "You averaged the logarithms"),
            Wrong("1/|P| forgotten", inside_no_mean, "without the factor in front of that sum"),
            Wrong("own pair in the denominator", inside_own_pair, "still in the denominator"),
            Wrong("mean over all N", inside_mean_over_all, "You divide by all N anchors"),
            Wrong("features not normalised", inside_raw, "takes them at length 1"),
            Wrong(
                "temperature multiplied",
                inside_times_temperature,
                "You multiply by the temperature",
            ),
            Wrong("the minus is forgotten", inside_sign, "Your loss has the wrong sign"),
            Wrong("exp before max", inside_exp_first, "exp overflows or underflows"),
            Wrong("log of a softmax", inside_softmax_then_log, "take both in one step"),
        ],
        [inside_by_loops, inside_by_log_softmax],
    ),
    Entry(
        "03-gradient",
        [
            Wrong("sign turned", gradient_sign, "The sign is turned"),
            Wrong("1/tau forgotten", gradient_no_temperature, "has a factor more"),
            Wrong("times tau", gradient_times_temperature, "where the chain rule divides"),
            Wrong(
                "stops at the scores",
                gradient_scores,
                "Expected (d,) = (2,), got shape (6,)",
            ),
            Wrong(
                "each partner with weight 1", gradient_pull_one, "Each partner pulls with weight"
            ),
            Wrong("own pair in the softmax", gradient_own_pair, "The anchor is in its own softmax"),
            Wrong(
                "step through the normalisation", gradient_projected, "the step through the norm"
            ),
            Wrong("the pull alone", gradient_pull_only, "the push has a gradient too"),
            Wrong(
                "0/0 for the lone anchor",
                gradient_lone_nan,
                "An anchor without a partner has |P_i| = 0",
            ),
            Wrong("exp before max", gradient_exp_first, "a softmax is safe where exp"),
        ],
        [gradient_by_hand, gradient_by_loops, gradient_by_autograd],
    ),
    Entry(
        "03-floor",
        [
            Wrong("0", constant(0), "several partners share one unit"),
            Wrong("log(N-1)", constant(1.95), "That is the other line"),
            Wrong("class sizes", constant(1.263), "You took the logarithm of the class sizes"),
            Wrong("mean over all N", constant(0.81), "You divided by all eight anchors"),
            Wrong("mean over classes", constant(0.896), "You averaged over the classes"),
            Wrong("sum", constant(6.47), "You added the anchors up"),
            Wrong("base 2", constant(1.334), "to base 2"),
            Wrong("logarithm of the mean", constant(0.944), "of the mean number of partners"),
            Wrong("a text", constant("0.92"), "Expected a number, got the text '0.92'"),
            Wrong("the number without a function", 0.92, "Expected your function, got float 0.92"),
        ],
        [floor_by_counting, floor_by_library, floor_as_tensor, floor_rounded],
    ),
]
