"""Answers to the exercises of lesson 02."""

import torch
import torch.nn.functional as F

from dualcl_tutorial import losses
from gallery import Entry, Wrong

# 2.1 Find your partner


def simcse(view_1, view_2, temperature):
    a, b = F.normalize(view_1, dim=1), F.normalize(view_2, dim=1)
    return F.cross_entropy(a @ b.T / temperature, torch.arange(len(a)))


def clip(view_1, view_2, temperature):
    a, b = F.normalize(view_1, dim=1), F.normalize(view_2, dim=1)
    scores, target = a @ b.T / temperature, torch.arange(len(a))
    return 0.5 * F.cross_entropy(scores, target) + 0.5 * F.cross_entropy(scores.T, target)


def _scores(view_1, view_2, temperature, own=-torch.inf):
    u = F.normalize(torch.cat([view_1, view_2], 0), dim=-1)
    s = u @ u.t() / temperature
    if own is None:
        return s
    return s.masked_fill(torch.eye(len(u)).bool(), own)


def _partner(view_1):
    return torch.arange(2 * len(view_1)).roll(len(view_1))


def first_views_only(view_1, view_2, temperature):
    n = len(view_1)
    return F.cross_entropy(_scores(view_1, view_2, temperature)[:n], _partner(view_1)[:n])


def diagonal_kept(view_1, view_2, temperature):
    return F.cross_entropy(_scores(view_1, view_2, temperature, None), _partner(view_1))


def diagonal_zero(view_1, view_2, temperature):
    return F.cross_entropy(_scores(view_1, view_2, temperature, 0.0), _partner(view_1))


def summed(view_1, view_2, temperature):
    return F.cross_entropy(_scores(view_1, view_2, temperature), _partner(view_1), reduction="sum")


def over_sentences(view_1, view_2, temperature):
    return summed(view_1, view_2, temperature) / len(view_1)


def no_minus(view_1, view_2, temperature):
    log_p = _scores(view_1, view_2, temperature).log_softmax(1)
    return log_p[torch.arange(len(log_p)), _partner(view_1)].mean()


def times_temperature(view_1, view_2, temperature):
    return two_views_by_cross_entropy(view_1, view_2, 1 / temperature)


def no_temperature(view_1, view_2, temperature):
    return two_views_by_cross_entropy(view_1, view_2, 1.0)


def raw_views(view_1, view_2, temperature):
    x = torch.cat([view_1, view_2])
    s = (x @ x.T / temperature).masked_fill(torch.eye(len(x)).bool(), -torch.inf)
    return F.cross_entropy(s, _partner(view_1))


def negatives_below(view_1, view_2, temperature):
    s = _scores(view_1, view_2, temperature)
    row, partner = torch.arange(len(s)), _partner(view_1)
    below = s.clone()
    below[row, partner] = -torch.inf
    if len(view_1) == 1:
        return s[row, partner].mean() * 0
    return (below.logsumexp(1) - s[row, partner]).mean()


def exp_first(view_1, view_2, temperature):
    e = _scores(view_1, view_2, temperature).exp()
    return -(e[torch.arange(len(e)), _partner(view_1)] / e.sum(1)).log().mean()


def softmax_then_log(view_1, view_2, temperature):
    p = _scores(view_1, view_2, temperature).softmax(1)
    return -p[torch.arange(len(p)), _partner(view_1)].log().mean()


def each_view(view_1, view_2, temperature):
    return F.cross_entropy(_scores(view_1, view_2, temperature), _partner(view_1), reduction="none")


def second_view_detached(view_1, view_2, temperature):
    return two_views_by_cross_entropy(view_1, view_2.detach(), temperature)


def two_views_by_cross_entropy(view_1, view_2, temperature):
    return F.cross_entropy(_scores(view_1, view_2, temperature), _partner(view_1))


def two_views_by_loops(view_1, view_2, temperature):
    views = [F.normalize(v, dim=0) for v in (*view_1, *view_2)]
    n, rows = len(view_1), []
    for i in range(2 * n):
        s = {a: views[i] @ views[a] / temperature for a in range(2 * n) if a != i}
        rows.append(torch.logsumexp(torch.stack(list(s.values())), 0) - s[(i + n) % (2 * n)])
    return sum(rows) / len(rows)


def two_views_as_classes(view_1, view_2, temperature):
    number = torch.arange(len(view_1)).repeat(2)
    return losses.supcon_loss(torch.cat([view_1, view_2]), number, temperature=temperature)


def two_views_without_diagonal(view_1, view_2, temperature):
    """Take the diagonal out of memory, as some libraries do."""
    m = 2 * len(view_1)
    s = _scores(view_1, view_2, temperature, None)
    pull = s[torch.arange(m), _partner(view_1)]
    return (s[~torch.eye(m).bool()].view(m, m - 1).logsumexp(1) - pull).mean()


# 2.2 Count before you run


def counts(paper=(16, 1, 15), simcse=(8, 1, 8)):
    """Return a function that a student writes when she has counted."""
    return lambda form: paper if form == "paper" else simcse


def counts_by_masks(form):
    if form == "simcse":
        mask, positive = torch.ones(8, 8).bool(), torch.eye(8).bool()
    else:
        mask, number = ~torch.eye(16).bool(), torch.arange(8).repeat(2)
        positive = mask & (number[:, None] == number)
    return len(mask), int(positive[0].sum()), int(mask[0].sum())


def counts_by_formula(form):
    n = 8
    return {"paper": (2 * n, 1, 2 * n - 1), "simcse": (n, 1, n)}[form]


# 2.3 Which negative gets the gradient?


def shares_with_partner(cosines, partner, temperature):
    return torch.softmax(cosines / temperature, dim=1)


def shares_partner_zeroed(cosines, partner, temperature):
    p = torch.softmax(cosines / temperature, dim=1)
    return p.scatter(1, partner[:, None], 0.0)


def shares_score_zero(cosines, partner, temperature):
    s = (cosines / temperature).scatter(1, partner[:, None], 0.0)
    return s.softmax(1).scatter(1, partner[:, None], 0.0)


def shares_times(cosines, partner, temperature):
    return shares_by_scatter(cosines, partner, 1 / temperature)


def shares_no_temperature(cosines, partner, temperature):
    return shares_by_scatter(cosines, partner, 1.0)


def shares_down(cosines, partner, temperature):
    s = (cosines / temperature).scatter(1, partner[:, None], -torch.inf)
    return s.softmax(0).nan_to_num(0.0)


def shares_hardest(cosines, partner, temperature):
    masked = cosines.scatter(1, partner[:, None], -torch.inf)
    result = torch.zeros_like(cosines)
    return result.scatter(1, masked.argmax(1, keepdim=True), 1.0)


def shares_exp(cosines, partner, temperature):
    e = torch.exp(cosines / temperature).scatter(1, partner[:, None], 0.0)
    return e / e.sum(1, keepdim=True)


def shares_in_place(cosines, partner, temperature):
    cosines[torch.arange(len(cosines)), partner] = -torch.inf
    return (cosines / temperature).softmax(1)


def shares_by_scatter(cosines, partner, temperature):
    return (cosines / temperature).scatter(1, partner[:, None], -torch.inf).softmax(dim=1)


def shares_by_loops(cosines, partner, temperature):
    result = torch.zeros_like(cosines)
    for i, own in enumerate(partner.tolist()):
        others = [j for j in range(cosines.shape[1]) if j != own]
        result[i, others] = torch.softmax(cosines[i, others] / temperature, 0)
    return result


def shares_from_the_gradient(cosines, partner, temperature):
    s = (cosines / temperature).detach().clone()
    largest = s.scatter(1, partner[:, None], -torch.inf).max(1).values
    e = (s - largest[:, None]).clamp(max=0).exp()
    e[torch.arange(len(s)), partner] = 0
    return e / e.sum(1, keepdim=True)


# 2.4 Two numbers of a sphere


def _units(view_1, view_2):
    return F.normalize(view_1, dim=1), F.normalize(view_2, dim=1)


def measures_raw(view_1, view_2):
    far = torch.pdist(torch.cat([view_1, view_2])).pow(2)
    return (view_1 - view_2).pow(2).sum(1).mean(), far.mul(-2).exp().mean().log()


def measures_unsquared(view_1, view_2):
    u, v = _units(view_1, view_2)
    return (u - v).norm(dim=1).mean(), measures_by_pdist(view_1, view_2)[1]


def measures_mse(view_1, view_2):
    u, v = _units(view_1, view_2)
    return F.mse_loss(u, v), measures_by_pdist(view_1, view_2)[1]


def measures_summed(view_1, view_2):
    u, v = _units(view_1, view_2)
    return (u - v).square().sum(), measures_by_pdist(view_1, view_2)[1]


def measures_cosine(view_1, view_2):
    u, v = _units(view_1, view_2)
    return (u * v).sum(1).mean(), measures_by_pdist(view_1, view_2)[1]


def measures_own_pairs(view_1, view_2):
    x = torch.cat(_units(view_1, view_2))
    far = (2 - 2 * x @ x.T).clamp(min=0)
    return measures_by_pdist(view_1, view_2)[0], (-2 * far).exp().mean().log()


def measures_no_log(view_1, view_2):
    a, b = measures_by_pdist(view_1, view_2)
    return a, b.exp()


def measures_log_inside(view_1, view_2):
    x = torch.cat(_units(view_1, view_2))
    return measures_by_pdist(view_1, view_2)[0], torch.pdist(x).square().mul(-2).exp().log().mean()


def measures_no_factor(view_1, view_2):
    x = torch.cat(_units(view_1, view_2))
    return measures_by_pdist(view_1, view_2)[0], (-torch.pdist(x).square()).exp().mean().log()


def measures_distance_below(view_1, view_2):
    x = torch.cat(_units(view_1, view_2))
    return measures_by_pdist(view_1, view_2)[0], (-2 * torch.pdist(x)).exp().mean().log()


def measures_no_sign(view_1, view_2):
    x = torch.cat(_units(view_1, view_2))
    return measures_by_pdist(view_1, view_2)[0], (2 * torch.pdist(x).square()).exp().mean().log()


def measures_one_number(view_1, view_2):
    return measures_by_pdist(view_1, view_2)[0]


def measures_by_pdist(view_1, view_2):
    u, v = _units(view_1, view_2)
    return (u - v).pow(2).sum(1).mean(), torch.pdist(torch.cat([u, v])).pow(2).mul(
        -2
    ).exp().mean().log()


def measures_by_loops(view_1, view_2):
    u, v = _units(view_1, view_2)
    rows, n = [*u, *v], len(u)
    near = [(a - b).square().sum() for a, b in zip(u, v, strict=True)]
    pairs = [(rows[i] - rows[j]).square().sum() for j in range(2 * n) for i in range(j)]
    return torch.stack(near).mean(), torch.stack(pairs).mul(-2).exp().mean().log()


def measures_by_cosines(view_1, view_2):
    u, v = _units(view_1, view_2)
    x = torch.cat([u, v])
    i, j = torch.triu_indices(len(x), len(x), 1)
    far = 2 - 2 * (x @ x.T)[i, j]
    spread = torch.logsumexp(-2 * far, 0) - torch.tensor(float(len(far)), dtype=far.dtype).log()
    return 2 - 2 * (u * v).sum(1).mean(), spread


# 2.5 The run that looked better


def letter(value):
    """Return a function that a student writes when she has chosen."""
    return lambda: value


ENTRIES = [
    Entry(
        "02-two-views",
        [
            Wrong("SimCSE's form", simcse, "that is SimCSE's form"),
            Wrong("both directions, other views only", clip, "though in both directions"),
            Wrong("first views as anchors only", first_views_only, "the second views are anchors"),
            Wrong("the diagonal is kept", diagonal_kept, "The own pair i, i is still"),
            Wrong("the diagonal is set to 0", diagonal_zero, "exp(0) = 1 stays in the sum"),
            Wrong("sum over anchors", summed, "You add up over the anchors"),
            Wrong("divided by N, not 2N", over_sentences, "You divide by the number of sentences"),
            Wrong("the minus is forgotten", no_minus, "Your loss has the wrong sign"),
            Wrong("temperature multiplied", times_temperature, "You multiply by the temperature"),
            Wrong("temperature forgotten", no_temperature, "The temperature has no effect"),
            Wrong("views not normalised", raw_views, "You used the vectors as they are"),
            Wrong("the partner left out below", negatives_below, "holds the negatives only"),
            Wrong("exp before max", exp_first, "exp overflows"),
            Wrong("log of a softmax", softmax_then_log, "take both in one step"),
            Wrong("one loss a view is returned", each_view, "Expected a scalar"),
            Wrong("one view detached", second_view_detached, "no gradient flows back to view_2"),
        ],
        [
            two_views_by_cross_entropy,
            two_views_by_loops,
            two_views_as_classes,
            two_views_without_diagonal,
        ],
    ),
    Entry(
        "02-counts",
        [
            Wrong("sentences as anchors", counts(paper=(8, 1, 15)), "every view is an anchor"),
            Wrong("sentences everywhere", counts(paper=(8, 1, 7)), "and a candidate for others"),
            Wrong("own view among candidates", counts(paper=(16, 1, 16)), "A_i leaves it out"),
            Wrong("negatives for candidates", counts(paper=(16, 1, 14)), "counts the negatives"),
            Wrong("own view as partner", counts(paper=(16, 2, 15)), "Your anchor is its own"),
            Wrong("SimCSE in both directions", counts(simcse=(16, 1, 8)), "takes one direction"),
            Wrong("SimCSE with all views", counts(simcse=(8, 1, 15)), "those of the other side"),
            Wrong("SimCSE, negatives only", counts(simcse=(8, 1, 7)), "counts the negatives"),
            Wrong("a single number", lambda form: 16, "Expected a tuple"),
        ],
        [counts_by_masks, counts_by_formula],
    ),
    Entry(
        "02-negatives",
        [
            Wrong("the partner has a share", shares_with_partner, "You give the partner a share"),
            Wrong("rows do not add up to 1", shares_partner_zeroed, "still stands in the sum"),
            Wrong("the partner's score is 0", shares_score_zero, "exp(0) = 1 stays in the sum"),
            Wrong("temperature multiplied", shares_times, "You multiply by the temperature"),
            Wrong("temperature forgotten", shares_no_temperature, "The temperature has no effect"),
            Wrong("softmax along the wrong axis", shares_down, "runs over the anchors"),
            Wrong("all to the hardest", shares_hardest, "everything to the hardest negative"),
            Wrong("exp before max", shares_exp, "exp overflows"),
            Wrong("input spoilt", shares_in_place, "changed its input cosines", graded=False),
        ],
        [shares_by_scatter, shares_by_loops, shares_from_the_gradient],
    ),
    Entry(
        "02-alignment",
        [
            Wrong("views not normalised", measures_raw, "both measures take them at length 1"),
            Wrong("distance not squared", measures_unsquared, "You average distances"),
            Wrong("mean over coordinates", measures_mse, "as mse_loss does"),
            Wrong("sum over sentences", measures_summed, "alignment is a mean"),
            Wrong("cosine for distance", measures_cosine, "That is the mean cosine"),
            Wrong("pairs of a feature with itself", measures_own_pairs, "paired with itself"),
            Wrong("logarithm forgotten", measures_no_log, "The logarithm is missing"),
            Wrong("logarithm inside the mean", measures_log_inside, "stands inside the mean"),
            Wrong("t = 2 forgotten", measures_no_factor, "The factor t = 2"),
            Wrong("distance in the exponent", measures_distance_below, "holds the distance"),
            Wrong("sign of the exponent", measures_no_sign, "has lost its sign"),
            Wrong("one number returned", measures_one_number, "Expected 2 tensors"),
        ],
        [measures_by_pdist, measures_by_loops, measures_by_cosines],
    ),
    Entry(
        "02-no-dropout",
        [
            Wrong("nothing is left", letter("a"), "You expect no gradient at all"),
            Wrong("the pull is left", letter("b"), "You expect the pull to go on"),
            Wrong("nothing changes", letter("d"), "You expect no change"),
            Wrong("a number", letter(3), "Expected a letter"),
            Wrong("a letter that is not offered", letter("e"), "'e' is not right"),
        ],
        [letter("c"), letter("(C)")],
    ),
]
