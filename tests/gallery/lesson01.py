"""Answers to the exercises of lesson 01."""

import math

import torch
import torch.nn.functional as F

from gallery import Entry, Wrong, constant

# 1.1 Log softmax


def log_of_softmax(scores):
    return torch.softmax(scores, dim=1).log()


def exp_before_max(scores):
    return scores - torch.log(torch.exp(scores).sum(dim=1, keepdim=True))


def epsilon_inside(scores):
    return torch.log(torch.softmax(scores, 1) + 1e-8)


def no_logarithm(scores):
    return torch.softmax(scores, 1)


def over_sentences(scores):
    return torch.log_softmax(scores, 0)


def whole_matrix(scores):
    return torch.log_softmax(scores.reshape(-1), 0).reshape(scores.shape)


def maximum_lost(scores):
    m = scores.max(1, keepdim=True).values
    return scores - (scores - m).exp().sum(1, keepdim=True).log()


def one_maximum(scores):
    shifted = scores - scores.max()
    return shifted - torch.log(shifted.exp().sum(1, keepdim=True))


def negative(scores):
    return -torch.log_softmax(scores, 1)


def only_logsumexp(scores):
    return torch.logsumexp(scores, 1)


def log_softmax_by_logsumexp(scores):
    return scores - scores.logsumexp(1)[:, None]


def log_softmax_by_rows(scores):
    rows = []
    for row in scores:
        m = row.max()
        rows.append(row - m - (row - m).exp().sum().log())
    return torch.stack(rows)


def log_softmax_by_library(scores):
    return F.log_softmax(scores, dim=-1)


# 1.2 Gradient


def gradient_of_sum(scores, labels):
    return scores.softmax(1) - F.one_hot(labels, scores.shape[1])


def gradient_mean_of_entries(scores, labels):
    return (scores.softmax(1) - F.one_hot(labels, scores.shape[1])) / scores.numel()


def gradient_turned(scores, labels):
    return (F.one_hot(labels, scores.shape[1]) - scores.softmax(1)) / len(scores)


def gradient_no_target(scores, labels):
    return scores.softmax(1) / len(labels)


def gradient_true_only(scores, labels):
    grad, rows = torch.zeros_like(scores), torch.arange(len(labels))
    grad[rows, labels] = (scores.softmax(1)[rows, labels] - 1) / len(labels)
    return grad


def gradient_wrong_axis(scores, labels):
    return (scores.softmax(0) - F.one_hot(labels, scores.shape[1])) / len(scores)


def gradient_overflow(scores, labels):
    p = scores.exp() / scores.exp().sum(1, keepdim=True)
    p[torch.arange(len(labels)), labels] -= 1
    return p / len(labels)


def gradient_mutating(scores, labels):
    scores -= scores.max(1, keepdim=True).values
    return gradient_by_index(scores, labels)


def gradient_by_index(scores, labels):
    p = torch.softmax(scores, -1)
    p[range(len(labels)), labels] -= 1
    return p / len(p)


def gradient_by_autograd(scores, labels):
    free = scores.detach().requires_grad_()
    return torch.autograd.grad(F.cross_entropy(free, labels), free)[0]


def gradient_by_loops(scores, labels):
    n, k = scores.shape
    grad = torch.zeros_like(scores)
    for i in range(n):
        row = [float(s) - float(scores[i].max()) for s in scores[i]]
        total = sum(math.exp(s) for s in row)
        for j in range(k):
            grad[i, j] = (math.exp(row[j]) / total - (j == int(labels[i]))) / n
    return grad


# 1.3 Step


def _loss_gradient(features, labels, weight, reduction="mean"):
    free = weight.detach().clone().requires_grad_()
    loss = F.cross_entropy(features @ free.T, labels, reduction=reduction)
    return torch.autograd.grad(loss, free)[0]


def step_up(features, labels, weight, lr):
    return weight + lr * _loss_gradient(features, labels, weight)


def step_of_sum(features, labels, weight, lr):
    return weight - lr * _loss_gradient(features, labels, weight, "sum")


def step_without_rate(features, labels, weight, lr):
    return weight - _loss_gradient(features, labels, weight)


def step_only_gradient(features, labels, weight, lr):
    return _loss_gradient(features, labels, weight)


def step_in_place(features, labels, weight, lr):
    weight -= lr * _loss_gradient(features, labels, weight)
    return weight


def step_forgotten(features, labels, weight, lr):
    _loss_gradient(features, labels, weight)
    return weight.clone()


def step_transposed(features, labels, weight, lr):
    return weight.T - lr * _loss_gradient(features, labels, weight).T


def step_by_optimizer(features, labels, weight, lr):
    free = torch.nn.Parameter(weight.clone())
    optimizer = torch.optim.SGD([free], lr=lr)
    F.cross_entropy(features @ free.T, labels).backward()
    optimizer.step()
    return free.detach()


def step_by_hand(features, labels, weight, lr):
    share = gradient_by_index(features @ weight.T, labels)
    return weight - lr * torch.einsum("nk,nd->kd", share, features)


# 1.4 Accuracy


def _right(scores, labels):
    return (scores.argmax(dim=1) == labels).float().mean().item()


def judged_without_root_n(scores, labels):
    a = _right(scores, labels)
    return a, math.sqrt(a * (1 - a))


def judged_n_outside(scores, labels):
    a = _right(scores, labels)
    return a, math.sqrt(a * (1 - a)) / len(labels)


def judged_variance(scores, labels):
    a = _right(scores, labels)
    return a, a * (1 - a) / len(labels)


def judged_interval(scores, labels):
    a = _right(scores, labels)
    return a, 1.96 * math.sqrt(a * (1 - a) / len(labels))


def judged_percent(scores, labels):
    a = _right(scores, labels)
    return 100 * a, 100 * math.sqrt(a * (1 - a) / len(labels))


def judged_count(scores, labels):
    a = _right(scores, labels)
    return a * len(labels), math.sqrt(a * (1 - a) / len(labels))


def judged_wrong_share(scores, labels):
    a = _right(scores, labels)
    return 1 - a, math.sqrt(a * (1 - a) / len(labels))


def judged_alone(scores, labels):
    return _right(scores, labels)


def judged_by_loops(scores, labels):
    hits = sum(int(row.argmax()) == int(y) for row, y in zip(scores, labels, strict=True))
    share = hits / len(labels)
    return share, math.sqrt(share * (1 - share) / len(labels))


def judged_by_std(scores, labels):
    hits = (scores.argmax(1) == labels).double()
    return hits.mean().item(), (hits.std(correction=0) / len(hits) ** 0.5).item()


def judged_as_list(scores, labels):
    return list(judged_by_loops(scores, labels))


# 1.6 Unseen part


def unseen_is_seen(features, weight):
    return features @ torch.linalg.pinv(weight) @ weight


def unseen_row_by_row(features, weight):
    result = features.clone()
    for row in weight:
        result -= (features @ row / row.dot(row))[:, None] * row
    return result


def unseen_one_after_another(features, weight):
    result = features.clone()
    for row in weight:
        result = result - (result @ row / row.dot(row))[:, None] * row
    return result


def unseen_no_inverse(features, weight):
    return features - features @ weight.T @ weight


def unseen_unchanged(features, weight):
    return features.clone()


def unseen_zero(features, weight):
    return torch.zeros_like(features)


def unseen_by_lstsq(features, weight):
    mix = torch.linalg.lstsq(weight.T, features.T, driver="gelsd").solution  # (K, N)
    return features - mix.T @ weight


def unseen_by_svd(features, weight):
    _, sizes, rows = torch.linalg.svd(weight, full_matrices=False)
    rows = rows[sizes > 1e-5 * sizes.max()]
    return features - features @ rows.T @ rows


ENTRIES = [
    Entry(
        "01-log-softmax",
        [
            Wrong("log of a softmax", log_of_softmax, "never leave the logarithms"),
            Wrong("exp before max", exp_before_max, "is infinite or 0 in float32"),
            Wrong("a small number in the logarithm", epsilon_inside, "hides the infinity"),
            Wrong("softmax itself", no_logarithm, "That is softmax itself"),
            Wrong("wrong axis", over_sentences, "Your softmax runs over the sentences"),
            Wrong("whole matrix", whole_matrix, "You add up over the whole matrix"),
            Wrong("largest score lost", maximum_lost, "never give it back"),
            Wrong("one maximum for the batch", one_maximum, "largest score of the whole batch"),
            Wrong("sign turned", negative, "The sign is turned"),
            Wrong("logsumexp alone", only_logsumexp, "Expected (batch, classes)"),
        ],
        [log_softmax_by_logsumexp, log_softmax_by_rows, log_softmax_by_library],
    ),
    Entry(
        "01-gradient",
        [
            Wrong("1/N forgotten", gradient_of_sum, "the gradient of the sum of the losses"),
            Wrong("divided by N K", gradient_mean_of_entries, "You divide by all N times K"),
            Wrong("sign turned", gradient_turned, "The sign is turned"),
            Wrong("target forgotten", gradient_no_target, "the labels have no effect"),
            Wrong("true class only", gradient_true_only, "Only the true classes have a gradient"),
            Wrong("wrong axis", gradient_wrong_axis, "Your softmax runs over the sentences"),
            Wrong("exp before max", gradient_overflow, "exp overflows"),
            Wrong("input changed", gradient_mutating, "changed its input scores", graded=False),
        ],
        [gradient_by_index, gradient_by_autograd, gradient_by_loops],
    ),
    Entry(
        "01-step",
        [
            Wrong("along the gradient", step_up, "the loss rises that way"),
            Wrong("sum of the losses", step_of_sum, "Your step is N times too long"),
            Wrong("learning rate forgotten", step_without_rate, "The learning rate has no effect"),
            Wrong("the gradient", step_only_gradient, "That is the gradient"),
            Wrong("in place", step_in_place, "changed its input weight"),
            Wrong("no step", step_forgotten, "Your weight is the old one"),
            Wrong("transposed", step_transposed, "Expected (classes, d)"),
        ],
        [step_by_optimizer, step_by_hand],
    ),
    Entry(
        "01-accuracy",
        [
            Wrong("root of N forgotten", judged_without_root_n, "the spread of one answer"),
            Wrong("N outside the root", judged_n_outside, "You divide by N outside the root"),
            Wrong("variance", judged_variance, "Your error is a variance"),
            Wrong("half an interval", judged_interval, "1.96 times too large"),
            Wrong("percent", judged_percent, "You return percent"),
            Wrong("a count", judged_count, "a count of right answers"),
            Wrong("share of wrong answers", judged_wrong_share, "the share of wrong answers"),
            Wrong("no error", judged_alone, "Expected a tuple"),
        ],
        [judged_by_loops, judged_by_std],
    ),
    Entry(
        "01-shift",
        [
            Wrong("a, it falls", constant("a"), "You look at the true score alone"),
            Wrong("c, it rises", constant("c"), "You look at logsumexp alone"),
            Wrong("d, another gradient", constant("d"), "You expect another gradient"),
            Wrong("a number", constant(5), "Expected a letter"),
            Wrong("no function", "b", "Expected your function, got the text 'b'"),
        ],
        [constant("b"), constant("B)"), constant("(b)")],
    ),
    Entry(
        "01-unseen",
        [
            Wrong("the part that is seen", unseen_is_seen, "the part the head does see"),
            Wrong("row by row", unseen_row_by_row, "which you take out twice"),
            Wrong("one row after another", unseen_one_after_another, "one row after another"),
            Wrong("no inverse", unseen_no_inverse, "neither length 1 nor right angles"),
            Wrong("unchanged", unseen_unchanged, "You return the features unchanged"),
            Wrong("zero", unseen_zero, "0 is invisible, but it is not all"),
        ],
        [unseen_by_lstsq, unseen_by_svd],
    ),
]
