"""Answers to the exercises of lesson 05."""

import torch
import torch.nn.functional as F

from dualcl_tutorial import losses
from gallery import Entry, Wrong, constant

# 5.1 Both dual terms


def _read(scores, labels, *, own=False, over_all=False):
    """One term of a matrix whose rows are anchors, as most people write it."""
    candidates, positives = losses.pair_masks(labels)
    below = scores if own else scores.masked_fill(~candidates, -1e30)
    rows = below.logsumexp(1) - (scores * positives).sum(1) / positives.sum(1).clamp(min=1)
    rows = rows[positives.any(1)]
    return rows.sum() / (len(labels) if over_all else max(len(rows), 1))


def _matrix(z, theta, labels, temperature):
    """Row i is z_i, column j is theta*_j."""
    star = theta[torch.arange(len(labels)), labels]
    return F.normalize(z, dim=-1) @ F.normalize(star, dim=-1).T / temperature


def dual_swapped(z, theta, labels, temperature):
    S = _matrix(z, theta, labels, temperature)
    return _read(S.T, labels), _read(S, labels)


def dual_one_direction(z, theta, labels, temperature):
    S = _matrix(z, theta, labels, temperature)
    return _read(S, labels), _read(S, labels)


def dual_own_pair(z, theta, labels, temperature):
    S = _matrix(z, theta, labels, temperature)
    return _read(S, labels, own=True), _read(S.T, labels, own=True)


def dual_own_pair_in_second(z, theta, labels, temperature):
    S = _matrix(z, theta, labels, temperature)
    return _read(S, labels), _read(S.T, labels, own=True)


def dual_all_columns(z, theta, labels, temperature):
    """All K columns of the others are candidates, written with one big matrix."""
    n, k, d = theta.shape
    scores = F.normalize(z, dim=1) @ F.normalize(theta, dim=2).view(n * k, d).T / temperature
    sentence = torch.arange(n).repeat_interleave(k)  # (N K,)
    column = torch.arange(k).repeat(n)
    candidates = sentence[None, :] != torch.arange(n)[:, None]
    positives = candidates & (column == labels[sentence])[None, :]
    positives = positives & (labels[:, None] == labels[sentence][None, :])
    valid = positives.any(1)
    rows = scores.masked_fill(~candidates, -1e30).logsumexp(1)
    rows = rows - (scores * positives).sum(1) / positives.sum(1).clamp(min=1)
    loss_z = rows[valid].sum() / valid.sum().clamp(min=1)
    return loss_z, losses.dual_contrastive_loss(z, theta, labels, temperature=temperature)[1]


def dual_own_sentence(z, theta, labels, temperature):
    """theta[i, labels[a]] in place of theta[a, labels[a]]."""
    scores = torch.einsum("id,ikd->ik", F.normalize(z, dim=1), F.normalize(theta, dim=2))
    S = scores[:, labels] / temperature
    return _read(S, labels), _read(_matrix(z, theta, labels, temperature).T, labels)


def dual_raw(z, theta, labels, temperature):
    star = theta[torch.arange(len(labels)), labels]
    S = z @ star.T / temperature
    return _read(S, labels), _read(S.T, labels)


def dual_times_temperature(z, theta, labels, temperature):
    S = _matrix(z, theta, labels, 1 / temperature)
    return _read(S, labels), _read(S.T, labels)


def dual_mean_over_all(z, theta, labels, temperature):
    S = _matrix(z, theta, labels, temperature)
    return _read(S, labels, over_all=True), _read(S.T, labels, over_all=True)


def dual_features_only(z, theta, labels, temperature):
    loss = losses.supcon_loss(z, labels, temperature=temperature)
    return loss, loss


def dual_slice_of_theta(z, theta, labels, temperature):
    """theta[:, labels] is (N, N, d), not (N, d)."""
    star = theta[:, labels]
    S = F.normalize(z, dim=1) @ F.normalize(star, dim=-1).transpose(-1, -2) / temperature
    return _read(S, labels), _read(S.transpose(-1, -2), labels)


def dual_added(z, theta, labels, temperature):
    S = _matrix(z, theta, labels, temperature)
    return _read(S, labels) + _read(S.T, labels)


def dual_detached(z, theta, labels, temperature):
    S = _matrix(z, theta.detach(), labels, temperature)
    return _read(S, labels), _read(S.T, labels)


def dual_targets_detached(z, theta, labels, temperature):
    """Targets held fixed in each term, as with a momentum encoder."""
    first = _matrix(z, theta.detach(), labels, temperature)
    second = _matrix(z.detach(), theta, labels, temperature)
    return _read(first, labels), _read(second.T, labels)


def dual_exp_first(z, theta, labels, temperature):
    candidates, positives = losses.pair_masks(labels)

    def term(S):
        p = S.exp() / (S.exp() * candidates).sum(1, keepdim=True)
        rows = -torch.where(positives, p.log(), 0.0).sum(1) / positives.sum(1).clamp(min=1)
        return rows.sum() / positives.any(1).sum().clamp(min=1)

    S = _matrix(z, theta, labels, temperature)
    return term(S), term(S.T)


def dual_by_library(z, theta, labels, temperature):
    return losses.dual_contrastive_loss(z, theta, labels, temperature=temperature)


def dual_by_loops(z, theta, labels, temperature):
    n = len(labels)
    u = [v / v.norm() for v in z]
    t = [theta[i, labels[i]] / theta[i, labels[i]].norm() for i in range(n)]

    def term(anchors, targets):
        rows = []
        for i in range(n):
            others = [j for j in range(n) if j != i]
            mine = [j for j in others if labels[j] == labels[i]]
            if mine:
                score = {j: anchors[i] @ targets[j] / temperature for j in others}
                push = torch.logsumexp(torch.stack(list(score.values())), 0)
                rows.append(push - sum(score[p] for p in mine) / len(mine))
        return sum(rows) / len(rows) if rows else (z.sum() + theta.sum()) * 0

    return term(u, t), term(t, u)


def dual_by_gather(z, theta, labels, temperature):
    index = labels[:, None, None].expand(-1, 1, z.shape[1])  # (N, 1, d)
    star = theta.gather(1, index).squeeze(1)
    S = torch.einsum("id,jd->ij", F.normalize(z, dim=1), F.normalize(star, dim=1)) / temperature
    return [_read(S, labels), _read(S.t(), labels)]


# 5.2 The whole loss


def _parts(z, theta, labels, temperature):
    ce = F.cross_entropy(torch.einsum("nd,nkd->nk", z, theta), labels)
    return ce, *losses.dual_contrastive_loss(z, theta, labels, temperature=temperature)


def whole_gunel(z, theta, labels, weight, temperature):
    ce, a, b = _parts(z, theta, labels, temperature)
    return (1 - weight) * ce + weight * (a + b)


def whole_release(z, theta, labels, weight, temperature):
    ce, a, b = _parts(z, theta, labels, temperature)
    return (1 - weight) * ce + 0.5 * weight * (a + b)


def whole_mean_of_terms(z, theta, labels, weight, temperature):
    ce, a, b = _parts(z, theta, labels, temperature)
    return ce + weight * torch.stack([a, b]).mean()


def whole_precedence(z, theta, labels, weight, temperature):
    ce, a, b = _parts(z, theta, labels, temperature)
    return ce + weight * a + b


def whole_one_term(z, theta, labels, weight, temperature):
    ce, a, _ = _parts(z, theta, labels, temperature)
    return ce + weight * a


def whole_no_weight(z, theta, labels, weight, temperature):
    return sum(_parts(z, theta, labels, temperature))


def whole_cosines(z, theta, labels, weight, temperature):
    scores = F.cosine_similarity(z[:, None, :], theta, dim=-1)
    _, a, b = _parts(z, theta, labels, temperature)
    return F.cross_entropy(scores, labels) + weight * (a + b)


def whole_temperature(z, theta, labels, weight, temperature):
    scores = torch.einsum("nd,nkd->nk", z, theta) / temperature
    _, a, b = _parts(z, theta, labels, temperature)
    return F.cross_entropy(scores, labels) + weight * (a + b)


def whole_shared_columns(z, theta, labels, weight, temperature):
    _, a, b = _parts(z, theta, labels, temperature)
    return F.cross_entropy(z @ theta[0].T, labels) + weight * (a + b)


def whole_sum(z, theta, labels, weight, temperature):
    scores = torch.einsum("nd,nkd->nk", z, theta)
    _, a, b = _parts(z, theta, labels, temperature)
    return F.cross_entropy(scores, labels, reduction="sum") + weight * (a + b)


def whole_softmax_twice(z, theta, labels, weight, temperature):
    scores = torch.einsum("nd,nkd->nk", z, theta).softmax(1)
    _, a, b = _parts(z, theta, labels, temperature)
    return F.cross_entropy(scores, labels) + weight * (a + b)


def whole_dual_detached(z, theta, labels, weight, temperature):
    ce, a, b = _parts(z, theta, labels, temperature)
    return ce + weight * (a + b).detach()


def whole_as_tensor(z, theta, labels, weight, temperature):
    ce, a, b = _parts(z, theta, labels, temperature)
    return torch.tensor((ce + weight * (a + b)).item(), dtype=z.dtype)


def whole_named_tuple(z, theta, labels, weight, temperature):
    return losses.dualcl_loss(z, theta, labels, weight=weight, temperature=temperature)


def whole_by_library(z, theta, labels, weight, temperature):
    return losses.dualcl_loss(z, theta, labels, weight=weight, temperature=temperature).total


def whole_by_loops(z, theta, labels, weight, temperature):
    rows = []
    for i, k in enumerate(labels.tolist()):
        scores = torch.stack([theta[i, c] @ z[i] for c in range(theta.shape[1])])
        rows.append(torch.logsumexp(scores, 0) - scores[k])
    dual = losses.dual_contrastive_loss(z, theta, labels, temperature=temperature)
    return sum(rows) / len(rows) + weight * sum(dual)


def whole_by_bmm(z, theta, labels, weight, temperature):
    log_p = torch.bmm(theta, z.unsqueeze(2)).squeeze(2).log_softmax(1)
    picked = log_p.gather(1, labels[:, None]).mean()
    a, b = losses.dual_contrastive_loss(z, theta, labels, temperature=temperature)
    return weight * a + weight * b - picked


# 5.3 Who moves a wrong column?


def _share(z, theta, labels):
    """Softmax of each sentence's scores, 0 at the true column."""
    share = torch.einsum("nkd,nd->nk", theta, z).softmax(1)
    return share.scatter(1, labels[:, None], 0.0)


def columns_weighed(z, theta, labels, weight, temperature):
    return weight * _share(z, theta, labels)[:, :, None] * z[:, None, :] / len(z)


def columns_both(z, theta, labels, weight, temperature):
    return (1 + weight) * _share(z, theta, labels)[:, :, None] * z[:, None, :] / len(z)


def columns_temperature(z, theta, labels, weight, temperature):
    return _share(z, theta, labels)[:, :, None] * z[:, None, :] / len(z) / temperature


def columns_no_mean(z, theta, labels, weight, temperature):
    return _share(z, theta, labels)[:, :, None] * z[:, None, :]


def columns_sign(z, theta, labels, weight, temperature):
    return -_share(z, theta, labels)[:, :, None] * z[:, None, :] / len(z)


def columns_true_kept(z, theta, labels, weight, temperature):
    share = torch.einsum("nkd,nd->nk", theta, z).softmax(1)
    share = share - F.one_hot(labels, theta.shape[1])
    return share[:, :, None] * z[:, None, :] / len(z)


def columns_wrong_axis(z, theta, labels, weight, temperature):
    share = torch.einsum("nkd,nd->nk", theta, z).softmax(0).scatter(1, labels[:, None], 0.0)
    return share[:, :, None] * z[:, None, :] / len(z)


def columns_cosine(z, theta, labels, weight, temperature):
    scores = torch.einsum("nkd,nd->nk", F.normalize(theta, dim=2), F.normalize(z, dim=1))
    share = scores.softmax(1).scatter(1, labels[:, None], 0.0)
    return share[:, :, None] * z[:, None, :] / len(z)


def columns_zero(z, theta, labels, weight, temperature):
    return torch.zeros_like(theta)


def columns_scores_only(z, theta, labels, weight, temperature):
    return _share(z, theta, labels) / len(z)


def columns_exp(z, theta, labels, weight, temperature):
    e = torch.einsum("nkd,nd->nk", theta, z).exp()
    share = (e / e.sum(1, keepdim=True)).scatter(1, labels[:, None], 0.0)
    return share[:, :, None] * z[:, None, :] / len(z)


def columns_by_hand(z, theta, labels, weight, temperature):
    return torch.einsum("nk,nd->nkd", _share(z, theta, labels), z) / len(labels)


def columns_by_loops(z, theta, labels, weight, temperature):
    result = torch.zeros_like(theta)
    for i in range(len(z)):
        p = (theta[i] @ z[i]).softmax(0)
        for k in range(theta.shape[1]):
            if k != labels[i]:
                result[i, k] = p[k] * z[i] / len(z)
    return result


def columns_by_autograd(z, theta, labels, weight, temperature):
    free = theta.clone().requires_grad_()
    loss = losses.dualcl_loss(z, free, labels, weight=weight, temperature=temperature).total
    (gradient,) = torch.autograd.grad(loss, free)
    wrong = torch.arange(theta.shape[1]) != labels[:, None]
    return torch.where(wrong[:, :, None], gradient, 0.0)


# 5.4 and 5.5


def _costs(table):
    def answer(method):
        return table[method]

    return answer


_RIGHT = {
    "ce": (64, 64),
    "cl": (128, 128),
    "scl": (64, 64),
    "label-aware": (64, 448),
    "dualcl": (64, 448),
}


def cost_table(method):
    return _RIGHT[method]


def cost_counted(method):
    passes = 2 if method == "cl" else 1
    views = 1 + 6 if method in ("label-aware", "dualcl") else passes
    return [64 * passes, 64 * views] and (64 * passes, 64 * views)


def cost_numpy(method):
    import numpy as np

    return tuple(np.array(_RIGHT[method]))


def _cost(**change):
    named = {key.replace("_", "-"): value for key, value in change.items()}
    return _costs({**_RIGHT, **named})


# 5.6 In chunks


def _start(anchor, target):
    return F.normalize(anchor, dim=1), F.normalize(target, dim=1)


def chunks_own_at_r(anchor, target, labels, temperature, chunk):
    u, t = _start(anchor, target)
    total, count = u.sum() * 0, 0
    for start in range(0, len(labels), chunk):
        scores = u[start : start + chunk] @ t.T / temperature
        own = torch.zeros_like(scores, dtype=torch.bool).fill_diagonal_(True)
        positives = (labels[start : start + chunk, None] == labels) & ~own
        rows = scores.masked_fill(own, -1e30).logsumexp(1)
        rows = rows - (scores * positives).sum(1) / positives.sum(1).clamp(min=1)
        total = total + rows[positives.any(1)].sum()
        count += int(positives.any(1).sum())
    return total / max(count, 1)


def chunks_within(anchor, target, labels, temperature, chunk):
    total, count = anchor.sum() * 0, 0
    for a, t, y in zip(anchor.split(chunk), target.split(chunk), labels.split(chunk), strict=True):
        rows, valid = losses.contrastive_loss(a, t, y, temperature=temperature, reduction="none")
        total, count = total + rows.sum(), count + valid.sum()
    return total / max(int(count), 1)


def chunks_mean_of_means(anchor, target, labels, temperature, chunk):
    means = []
    for start in range(0, len(labels), chunk):
        rows, valid = losses.contrastive_loss(
            anchor[start : start + chunk],
            target,
            labels[start : start + chunk],
            labels,
            temperature=temperature,
            offset=start,
            reduction="none",
        )
        means.append(rows.sum() / valid.sum().clamp(min=1))
    return torch.stack(means).mean()


def _sums(anchor, target, labels, temperature, chunk, stop=None):
    total, count = anchor.sum() * 0, 0
    for start in range(0, len(labels) if stop is None else stop, chunk):
        rows, valid = losses.contrastive_loss(
            anchor[start : start + chunk],
            target,
            labels[start : start + chunk],
            labels,
            temperature=temperature,
            offset=start,
            reduction="none",
        )
        total, count = total + rows.sum(), count + int(valid.sum())
    return total, max(count, 1)


def chunks_over_all(anchor, target, labels, temperature, chunk):
    return _sums(anchor, target, labels, temperature, chunk)[0] / len(labels)


def chunks_last_dropped(anchor, target, labels, temperature, chunk):
    stop = len(labels) // chunk * chunk
    total, count = _sums(anchor, target, labels, temperature, chunk, stop)
    return total / count


def chunks_early_return(anchor, target, labels, temperature, chunk):
    for start in range(0, len(labels), chunk):
        total, count = _sums(anchor, target, labels, temperature, chunk, start + 1)
        return total / count


def chunks_whole_matrix(anchor, target, labels, temperature, chunk):
    return losses.contrastive_loss(anchor, target, labels, temperature=temperature)


def chunks_whole_masks(anchor, target, labels, temperature, chunk):
    u, t = _start(anchor, target)
    candidates, positives = losses.pair_masks(labels)
    total, count = u.sum() * 0, positives.any(1).sum().clamp(min=1)
    for start in range(0, len(labels), chunk):
        part = slice(start, start + chunk)
        scores = u[part] @ t.T / temperature
        rows = scores.masked_fill(~candidates[part], -1e30).logsumexp(1)
        rows = rows - (scores * positives[part]).sum(1) / positives[part].sum(1).clamp(min=1)
        total = total + rows[positives[part].any(1)].sum()
    return total / count


def chunks_numbers(anchor, target, labels, temperature, chunk):
    """float() in the loop, which forgets how the sum was made."""
    total, count = _sums(anchor, target, labels, temperature, chunk)
    return torch.tensor(total.item() / count, dtype=anchor.dtype)


def chunks_by_library(anchor, target, labels, temperature, chunk):
    return losses.contrastive_loss(anchor, target, labels, temperature=temperature, chunk=chunk)


def chunks_by_sums(anchor, target, labels, temperature, chunk):
    total, count = _sums(anchor, target, labels, temperature, chunk)
    return total / count


def chunks_by_single_rows(anchor, target, labels, temperature, chunk):
    u, t = _start(anchor, target)
    rows = []
    for i in range(len(labels)):
        scores = torch.mv(t, u[i]) / temperature
        others = torch.arange(len(labels)) != i
        mine = others & (labels == labels[i])
        if mine.any():
            rows.append(scores[others].logsumexp(0) - scores[mine].mean())
    return torch.stack(rows).mean() if rows else 0 * (u.sum() + t.sum())


ENTRIES = [
    Entry(
        "05-dual",
        [
            Wrong("the two terms swapped", dual_swapped, "as one term is the other"),
            Wrong("softmax along one axis for both", dual_one_direction, "softmax runs along a"),
            Wrong("own pair in the denominator", dual_own_pair, "still in the denominator"),
            Wrong(
                "own pair in the second term only",
                dual_own_pair_in_second,
                "still in the denominator",
            ),
            Wrong("all K columns as candidates", dual_all_columns, "All K columns of the other"),
            Wrong("columns of the own sentence", dual_own_sentence, "columns of its own sentence"),
            Wrong("not normalised", dual_raw, "takes them at length 1"),
            Wrong("temperature multiplied", dual_times_temperature, "multiply by the temperature"),
            Wrong("mean over all N", dual_mean_over_all, "You divide by all N anchors"),
            Wrong("features with features", dual_features_only, "That is lesson 03"),
            Wrong("theta[:, labels]", dual_slice_of_theta, "the value is not right on"),
            Wrong("the sum of the two", dual_added, "Expected 2 tensors, (L_z, L_theta)"),
            Wrong("theta detached", dual_detached, "no gradient flows back to theta"),
            Wrong("targets detached", dual_targets_detached, "Was part of it detached?"),
            Wrong("exp before max", dual_exp_first, "exp overflows or underflows"),
        ],
        [dual_by_library, dual_by_loops, dual_by_gather],
    ),
    Entry(
        "05-whole",
        [
            Wrong("(1 - lambda) CE", whole_gunel, "as Gunel et al. do"),
            Wrong("weights of the released code", whole_release, "as the released code does"),
            Wrong("mean of the dual terms", whole_mean_of_terms, "the mean of the two dual terms"),
            Wrong("brackets forgotten", whole_precedence, "lambda stands before L_z only"),
            Wrong("one dual term", whole_one_term, "L_theta is missing"),
            Wrong("lambda forgotten", whole_no_weight, "The weight has no effect"),
            Wrong("cosine in cross-entropy", whole_cosines, "Your cross-entropy is of cosines"),
            Wrong("temperature in cross-entropy", whole_temperature, "by the temperature: (6) has"),
            Wrong("columns of the first sentence", whole_shared_columns, "it brings its own"),
            Wrong("cross-entropy summed", whole_sum, "Your cross-entropy is a sum"),
            Wrong("softmax twice", whole_softmax_twice, "Your scores went through softmax twice"),
            Wrong("dual part detached", whole_dual_detached, "Was part of it detached?"),
            Wrong("torch.tensor(float(...))", whole_as_tensor, "no gradient flows back to z"),
            Wrong("all parts returned", whole_named_tuple, "Expected a torch.Tensor"),
        ],
        [whole_by_library, whole_by_loops, whole_by_bmm],
    ),
    Entry(
        "05-wrong-columns",
        [
            Wrong("times lambda", columns_weighed, "Your gradient grows with lambda"),
            Wrong("times 1 + lambda", columns_both, "Your gradient grows with lambda"),
            Wrong("over tau", columns_temperature, "divided by the temperature"),
            Wrong("1/N forgotten", columns_no_mean, "N times too long"),
            Wrong("sign turned", columns_sign, "The sign is turned"),
            Wrong("true columns kept", columns_true_kept, "the true ones are to be 0"),
            Wrong("softmax over sentences", columns_wrong_axis, "softmax runs over the sentences"),
            Wrong("cosines", columns_cosine, "Your softmax is of cosines"),
            Wrong("all zero", columns_zero, "You say that nothing moves a wrong column"),
            Wrong("stops at the scores", columns_scores_only, "Expected (batch, classes, d)"),
            Wrong("exp of large products", columns_exp, "take the softmax of the scores"),
        ],
        [columns_by_hand, columns_by_loops, columns_by_autograd],
    ),
    Entry(
        "05-own-pair",
        [
            Wrong("a, temperature 1", constant("a"), "something keeps its softmax flat"),
            Wrong("c, mean over all N", constant("c"), "Curve c is lower than a right loss"),
            Wrong("d, the right loss", constant("d"), "between the two lines of a right loss"),
            Wrong("a number", constant(2), "Expected a letter"),
            Wrong("a letter that is no curve", constant("e"), "is not right"),
            Wrong("the letter without a function", "b", "Expected your function, got the text 'b'"),
        ],
        [constant("b"), constant("B"), constant(" b) ")],
    ),
    Entry(
        "05-cost",
        [
            Wrong("CE+CL in one pass", _cost(cl=(64, 64)), "You count one pass for CE+CL"),
            Wrong("two views, one pass", _cost(cl=(64, 128)), "dropout draws once a pass"),
            Wrong("CE+SCL with two views", _cost(scl=(128, 128)), "partners are classmates"),
            Wrong(
                "a pass for theta",
                _cost(label_aware=(128, 448), dualcl=(128, 448)),
                "You count a pass for the classifier",
            ),
            Wrong(
                "K + 1 passes",
                _cost(label_aware=(448, 448), dualcl=(448, 448)),
                "a pass for each of the K + 1 views",
            ),
            Wrong(
                "only theta* in DualCL",
                _cost(dualcl=(64, 128)),
                "the true column of each sentence only",
            ),
            Wrong(
                "columns not counted",
                _cost(label_aware=(64, 64), dualcl=(64, 64)),
                "forget the columns",
            ),
            Wrong(
                "K columns for the batch",
                _cost(label_aware=(64, 70), dualcl=(64, 70)),
                "each sentence brings its own",
            ),
            Wrong("one number", lambda method: 64, "Expected a tuple"),
            Wrong("a method forgotten", _costs({"ce": (64, 64)}), "Your function raised KeyError"),
        ],
        [cost_table, cost_counted, cost_numpy],
    ),
    Entry(
        "05-chunks",
        [
            Wrong("own pair at column r", chunks_own_at_r, "another pair is left out than the own"),
            Wrong("contrast inside each chunk", chunks_within, "with a smaller batch"),
            Wrong("mean of the chunks' means", chunks_mean_of_means, "averaged the means"),
            Wrong("mean over all N", chunks_over_all, "You divide by all N anchors"),
            Wrong("last chunk dropped", chunks_last_dropped, "The last chunk is missing"),
            Wrong("return inside the loop", chunks_early_return, "is the return inside the loop?"),
            Wrong(
                "whole matrix", chunks_whole_matrix, "a tensor of about N x N entries", graded=False
            ),
            Wrong(
                "whole masks", chunks_whole_masks, "a tensor of about N x N entries", graded=False
            ),
            Wrong("float() in the loop", chunks_numbers, "no gradient flows back to anchor"),
        ],
        [chunks_by_library, chunks_by_sums, chunks_by_single_rows],
    ),
]
