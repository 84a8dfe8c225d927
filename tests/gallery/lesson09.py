"""Answers to the exercises of lesson 09."""

import numpy as np
import torch
import torch.nn.functional as F

from dualcl_tutorial import geometry
from gallery import Entry, Wrong, constant

# 9.1 Do z and theta meet?


def _pair(z, theta, labels):
    star = theta[torch.arange(len(labels)), labels]
    return F.normalize(z, dim=1), F.normalize(star, dim=1)


def meeting_loops(z, theta, labels):
    u, t = _pair(z, theta, labels)
    own, mates = [], []
    for i in range(len(u)):
        for j in range(len(u)):
            if labels[i] == labels[j]:
                (own if i == j else mates).append((u[i] - t[j]).pow(2).sum())
    return torch.stack(own).mean(), torch.stack(mates).mean() if mates else u.sum() * 0


def meeting_cdist(z, theta, labels):
    u, t = _pair(z, theta, labels)
    far = (u[:, None] - t[None, :]).square().sum(-1)
    mates = (labels[:, None] == labels).fill_diagonal_(False)
    return far.diagonal().mean(), far[mates].mean() if mates.any() else far.sum() * 0


def meeting_raw(z, theta, labels):
    star = theta[torch.arange(len(labels)), labels]
    far = torch.cdist(z, star).square()
    mates = (labels[:, None] == labels).fill_diagonal_(False)
    return far.diagonal().mean(), far[mates].sum() / mates.sum().clamp(min=1)


def meeting_distance(z, theta, labels):
    u, t = _pair(z, theta, labels)
    far = (u[:, None] - t).norm(dim=2)
    mates = (labels[:, None] == labels).fill_diagonal_(False)
    return far.diagonal().mean(), far[mates].sum() / mates.sum().clamp(min=1)


def meeting_own_in(z, theta, labels):
    u, t = _pair(z, theta, labels)
    far = 2 - 2 * u @ t.T
    return far.diagonal().mean(), far[labels[:, None] == labels].mean()


def meeting_nan(z, theta, labels):
    u, t = _pair(z, theta, labels)
    far = 2 - 2 * u @ t.T
    mates = (labels[:, None] == labels).fill_diagonal_(False)
    return far.diagonal().mean(), far[mates].mean()


def meeting_all_pairs(z, theta, labels):
    u, t = _pair(z, theta, labels)
    far = 2 - 2 * u @ t.T
    mates = (labels[:, None] == labels).fill_diagonal_(False)
    return far.diagonal().mean(), (far * mates).mean()


def meeting_by_sentence(z, theta, labels):
    u, t = _pair(z, theta, labels)
    far = 2 - 2 * u @ t.T
    mates = (labels[:, None] == labels).fill_diagonal_(False)
    rows = [far[i][mates[i]].mean() for i in range(len(u)) if mates[i].any()]
    return far.diagonal().mean(), torch.stack(rows).mean() if rows else far.sum() * 0


def meeting_features(z, theta, labels):
    u = F.normalize(z, dim=1)
    far = (u[:, None] - u).square().sum(2)
    mates = (labels[:, None] == labels).fill_diagonal_(False)
    return far.diagonal().mean(), (far * mates).sum() / mates.sum().clamp(min=1)


def meeting_first_column(z, theta, labels):
    return meeting_loops_of(z, theta[:, 0], labels)


def meeting_loops_of(z, star, labels):
    u, t = F.normalize(z, dim=1), F.normalize(star, dim=1)
    far = 2 - 2 * u @ t.T
    mates = (labels[:, None] == labels).fill_diagonal_(False)
    return far.diagonal().mean(), (far * mates).sum() / mates.sum().clamp(min=1)


def meeting_turned(z, theta, labels):
    own, mates = meeting_cdist(z, theta, labels)
    return mates, own


def meeting_one_number(z, theta, labels):
    return meeting_cdist(z, theta, labels)[0]


# 9.2 Within over between


def ratio_package(features, labels):
    return geometry.scatter(features, labels).ratio


def ratio_loops(features, labels):
    u = [row / row.norm() for row in features]
    middle = sum(u) / len(u)
    within = between = 0.0
    for row, k in zip(u, labels.tolist(), strict=True):
        mine = [v for v, other in zip(u, labels.tolist(), strict=True) if other == k]
        centre = sum(mine) / len(mine)
        within += (row - centre).pow(2).sum()
        between += (centre - middle).pow(2).sum()
    return within / between


def ratio_by_total(features, labels):
    """What is not between is within."""
    u = F.normalize(features, dim=1)
    own = torch.stack([u[labels == k].mean(0) for k in labels])
    total, between = u.var(0, correction=0).sum(), own.var(0, correction=0).sum()
    return (total - between) / between


def ratio_raw(features, labels):
    own = torch.stack([features[labels == k].mean(0) for k in labels])
    between = (own - features.mean(0)).square().sum()
    return (features - own).square().sum() / between


def ratio_unit_centroids(features, labels):
    u = F.normalize(features, dim=1)
    own = torch.stack([F.normalize(u[labels == k].mean(0), dim=0) for k in labels])
    return (u - own).square().sum() / (own - u.mean(0)).square().sum()


def ratio_turned(features, labels):
    return 1 / ratio_loops(features, labels)


def ratio_distances(features, labels):
    return ratio_loops(features, labels).sqrt()


def ratio_classes(features, labels):
    u = F.normalize(features, dim=1)
    within, between = [], []
    for k in labels.unique():
        mine = u[labels == k]
        within.append((mine - mine.mean(0)).square().sum(1).mean())
        between.append((mine.mean(0) - u.mean(0)).square().sum())
    return torch.stack(within).mean() / torch.stack(between).mean()


def ratio_middle(features, labels):
    u = F.normalize(features, dim=1)
    own = torch.stack([u[labels == k].mean(0) for k in labels])
    middle = torch.stack([u[labels == k].mean(0) for k in labels.unique()]).mean(0)
    return (u - own).square().sum() / (own - middle).square().sum()


def ratio_total(features, labels):
    u = F.normalize(features, dim=1)
    own = torch.stack([u[labels == k].mean(0) for k in labels])
    return (u - own).square().sum() / (u - u.mean(0)).square().sum()


def ratio_gap_in_classes(features, labels):
    """As many columns as there are classes, although the largest number is larger."""
    u = F.normalize(features, dim=1)
    member = F.one_hot(labels, len(labels.unique())).to(u)
    own = member @ (member.T @ u / member.sum(0)[:, None])
    return (u - own).square().sum() / (own - u.mean(0)).square().sum()


# 9.3 The angle of a column


def angles_package(z, theta, labels):
    return geometry.column_angles(z, theta, labels).diag()


def angles_numpy(z, theta, labels):
    z, w, y = z.numpy(), theta.numpy(), labels.numpy()
    u = z / np.linalg.norm(z, axis=1, keepdims=True)
    t = w / np.linalg.norm(w, axis=2, keepdims=True)
    found = []
    for k in range(w.shape[1]):
        a, b = u[y == k].mean(0), t[y == k, k].mean(0)
        cosine = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
        found.append(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
    return torch.tensor(np.array(found), dtype=torch.from_numpy(z).dtype)


def _angles(z, theta, labels, *, unit=True, mine=True):
    found = []
    for k in range(theta.shape[1]):
        chosen = labels == k
        columns = theta[chosen, k] if mine else theta[:, k]
        a, b = z[chosen], columns
        if unit:
            a, b = F.normalize(a, dim=1), F.normalize(b, dim=1)
        found.append(F.cosine_similarity(a.mean(0), b.mean(0), dim=0))
    return torch.stack(found).clamp(-1, 1)


def angles_radians(z, theta, labels):
    return _angles(z, theta, labels).arccos()


def angles_cosines(z, theta, labels):
    return _angles(z, theta, labels)


def angles_everyone(z, theta, labels):
    return torch.rad2deg(_angles(z, theta, labels, mine=False).acos())


def angles_raw(z, theta, labels):
    return torch.rad2deg(_angles(z, theta, labels, unit=False).acos())


def angles_averaged(z, theta, labels):
    star = theta[torch.arange(len(z)), labels]
    each = torch.rad2deg(F.cosine_similarity(z, star).clamp(-1, 1).acos())
    return torch.stack([each[labels == k].mean() for k in range(theta.shape[1])])


def angles_matrix(z, theta, labels):
    return geometry.column_angles(z, theta, labels)


ENTRIES = [
    Entry(
        "09-meeting",
        [
            Wrong("not normalised", meeting_raw, "keep their lengths"),
            Wrong("not squared", meeting_distance, "here they are squared"),
            Wrong("own pair among classmates", meeting_own_in, "leave the diagonal out"),
            Wrong("0/0 without classmates", meeting_nan, "divides 0 by 0"),
            Wrong("mean over all N x N pairs", meeting_all_pairs, "You divide by all N x N pairs"),
            Wrong("mean of means", meeting_by_sentence, "You average over the classmates of each"),
            Wrong("features with features", meeting_features, "you compare features with features"),
            Wrong("column 0 for all", meeting_first_column, "You take the column of class 0"),
            Wrong("changed round", meeting_turned, "Your two numbers are changed round"),
            Wrong("one number", meeting_one_number, "Expected 2 tensors, (own, classmates)"),
        ],
        [meeting_loops, meeting_cdist],
    ),
    Entry(
        "09-ratio",
        [
            Wrong("not normalised", ratio_raw, "Your features keep their lengths"),
            Wrong("centroids at length 1", ratio_unit_centroids, "bring the centroids to length 1"),
            Wrong("between over within", ratio_turned, "You compute between over within"),
            Wrong("distances", ratio_distances, "their squares are asked for"),
            Wrong("mean over classes", ratio_classes, "Each class counts alike"),
            Wrong(
                "middle of the centroids", ratio_middle, "Your middle is the mean of the centroids"
            ),
            Wrong("over the whole spread", ratio_total, "You divide by the whole spread"),
            Wrong("classes without sentences", ratio_gap_in_classes, "raised RuntimeError"),
        ],
        [ratio_package, ratio_loops, ratio_by_total],
    ),
    Entry(
        "09-angles",
        [
            Wrong("radians", angles_radians, "Your angles are in radians"),
            Wrong("cosines", angles_cosines, "You return cosines"),
            Wrong("columns of all sentences", angles_everyone, "only those of class k count"),
            Wrong("mean of angles", angles_averaged, "You average the angles of single sentences"),
            Wrong("not normalised", angles_raw, "Long vectors pull your means"),
            Wrong("whole matrix", angles_matrix, "Expected (classes,)"),
        ],
        [angles_package, angles_numpy],
    ),
    Entry(
        "09-picture",
        [
            Wrong("reads gaps", constant("a"), "t-SNE does not keep large distances"),
            Wrong("reads sizes", constant("b"), "tight and wide groups about as much room"),
            Wrong("reads a classifier", constant("d"), "You read a classifier into the picture"),
            Wrong("a number", constant(3), "Expected a letter"),
        ],
        [constant("c"), constant("C)"), constant(" c ")],
    ),
    Entry(
        "09-uniform",
        [
            Wrong("a, moves along", constant("a"), "two curves that rise together"),
            Wrong("c, gathering", constant("c"), "Gathering classmates cost points as well"),
            Wrong("d, all encoders", constant("d"), "one small encoder on one corpus"),
            Wrong("a number", constant(2), "Expected a letter"),
        ],
        [constant("b"), constant("B)"), constant(" b ")],
    ),
]
