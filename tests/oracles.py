"""The paper's formulas as nested loops over single numbers: slow, plain, and in float64.

Nothing here is shared with the package. What comes in are float64 tensors, and every number stays a
tensor of no dimension, so that autograd of the loops is the oracle for the gradients as well.
"""

import torch

PADDING = -1
ZERO = torch.zeros((), dtype=torch.float64)


def cosine(u, v):
    return (u * v).sum() / ((u * u).sum().sqrt() * (v * v).sum().sqrt())


def anchor_loss(i, anchor, target, labels, target_labels, temperature, own):
    """1/|P_i| sum over P_i of -log softmax over A_i; None where P_i is empty."""
    if labels[i] == PADDING:
        return None
    others = [a for a in range(len(target)) if a != own and target_labels[a] != PADDING]
    positives = [p for p in others if target_labels[p] == labels[i]]
    if not positives:
        return None
    denominator = ZERO
    for a in others:
        denominator = denominator + (cosine(anchor[i], target[a]) / temperature).exp()
    total = ZERO
    for p in positives:
        numerator = (cosine(anchor[i], target[p]) / temperature).exp()
        total = total - (numerator / denominator).log()
    return total / len(positives)


def contrastive_rows(anchor, target, labels, target_labels=None, *, temperature, offset=0):
    """The loss of each anchor, None for those without a positive."""
    target_labels = labels if target_labels is None else target_labels
    return [
        anchor_loss(i, anchor, target, labels, target_labels, temperature, i + offset)
        for i in range(len(anchor))
    ]


def mean_of_valid(rows):
    valid = [row for row in rows if row is not None]
    return sum(valid, ZERO) / len(valid) if valid else ZERO


def contrastive(anchor, target, labels, *, temperature):
    return mean_of_valid(contrastive_rows(anchor, target, labels, temperature=temperature))


def self_contrastive(view_1, view_2, *, temperature):
    """The paper's (1): 2N views, each with one positive j(i), the other view of its sentence."""
    views = [*view_1, *view_2]
    sentences = len(view_1)
    total = ZERO
    for i in range(len(views)):
        partner = i + sentences if i < sentences else i - sentences
        denominator = ZERO
        for a in range(len(views)):
            if a != i:
                denominator = denominator + (cosine(views[i], views[a]) / temperature).exp()
        numerator = (cosine(views[i], views[partner]) / temperature).exp()
        total = total - (numerator / denominator).log()
    return total / len(views)


def dual(z, theta, labels, *, temperature):
    """The paper's (3) and (4): L_z and L_theta."""
    theta_star = [theta[i][max(int(labels[i]), 0)] for i in range(len(z))]
    loss_z = contrastive(z, theta_star, labels, temperature=temperature)
    loss_theta = contrastive(theta_star, z, labels, temperature=temperature)
    return loss_z, loss_theta


def cross_entropy(z, theta, labels):
    """The paper's (6), over the sentences that are not padding."""
    total, count = ZERO, 0
    for i in range(len(z)):
        if labels[i] == PADDING:
            continue
        denominator = ZERO
        for k in range(theta.shape[1]):
            denominator = denominator + (theta[i][k] * z[i]).sum().exp()
        total = total - ((theta[i][int(labels[i])] * z[i]).sum().exp() / denominator).log()
        count += 1
    return total / max(count, 1)


def dualcl(z, theta, labels, *, weight, temperature):
    """The paper's (7)."""
    loss_z, loss_theta = dual(z, theta, labels, temperature=temperature)
    return cross_entropy(z, theta, labels) + weight * (loss_z + loss_theta)


def snippet(anchor, target, labels, *, temperature, mu):
    """What the snippet of blog posts computes for one pair of anchors and targets."""
    total = ZERO
    for i in range(len(anchor)):
        logits = []
        for j in range(len(target)):
            scale = mu if labels[i] == labels[j] else 1 / temperature
            logits.append(cosine(anchor[i], target[j]) * scale)
        highest = max(float(logit) for logit in logits)
        denominator = ZERO + 1e-12
        for j in range(len(target)):
            if j != i:
                denominator = denominator + (logits[j] - highest).exp()
        members = [j for j in range(len(target)) if labels[j] == labels[i]]
        for j in members:
            total = total - (logits[j] - highest - denominator.log()) / len(members)
    return total / len(anchor)


def release_contrastive(anchor, target, labels, *, temperature):
    """What the last release computes for one pair: exp(0) in place of the own pair, mean over N."""
    total = ZERO
    for i in range(len(anchor)):
        positives = [j for j in range(len(target)) if j != i and labels[j] == labels[i]]
        denominator = ZERO + 1.0
        for j in range(len(target)):
            if j != i:
                denominator = denominator + (cosine(anchor[i], target[j]) / temperature).exp()
        for p in positives:
            numerator = (cosine(anchor[i], target[p]) / temperature).exp()
            total = total - (numerator / denominator).log() / len(positives)
    return total / len(anchor)
