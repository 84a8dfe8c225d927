"""Alignment and uniformity against loops in float64, their limits and their failures."""

import math

import pytest
import torch

from dualcl_tutorial.geometry import (
    alignment,
    centroids,
    column_angles,
    frozen_accuracy,
    project,
    read,
    scatter,
    uniformity,
)
from dualcl_tutorial.model import CrossEntropyModel, DualCLModel


def unit(vector):
    length = math.sqrt(sum(float(x) ** 2 for x in vector))
    return [float(x) / length for x in vector]


def distance(u, v):
    return math.sqrt(sum((a - b) ** 2 for a, b in zip(unit(u), unit(v), strict=True)))


def alignment_by_loops(features, labels, alpha):
    total, pairs = 0.0, 0
    for i in range(len(features)):
        for j in range(len(features)):
            if i != j and labels[i] == labels[j] != -1:
                total += distance(features[i], features[j]) ** alpha
                pairs += 1
    return total / pairs


def uniformity_by_loops(features, t):
    pairs = [(i, j) for j in range(len(features)) for i in range(j)]
    total = sum(math.exp(-t * distance(features[i], features[j]) ** 2) for i, j in pairs)
    return math.log(total / len(pairs))


def batch(size, dim=4, classes=3, seed=0):
    generator = torch.Generator().manual_seed(100 * seed + size)
    features = torch.randn(size, dim, generator=generator, dtype=torch.float64)
    labels = torch.randint(classes, (size,), generator=generator)
    labels[1] = labels[0]  # one pair at least
    return features, labels


@pytest.mark.parametrize("size", range(2, 13))
@pytest.mark.parametrize("alpha", (1, 2, 3.5))
def test_alignment_is_its_formula(size, alpha):
    features, labels = batch(size)
    expected = alignment_by_loops(features, labels.tolist(), alpha)
    assert alignment(features, labels, alpha=alpha).item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("size", range(2, 13))
@pytest.mark.parametrize("t", (0.5, 2, 7))
def test_uniformity_is_its_formula(size, t):
    features, _ = batch(size)
    expected = uniformity_by_loops(features, t)
    assert uniformity(features, t=t).item() == pytest.approx(expected, rel=1e-12)


def test_defaults_are_the_authors():
    features, labels = batch(9)
    assert alignment(features, labels) == alignment(features, labels, alpha=2)
    assert uniformity(features) == uniformity(features, t=2)


def test_views_align_as_the_authors_write_it():
    one, two = batch(7)[0], batch(7, seed=1)[0]
    views, sentence = torch.cat([one, two]), torch.arange(7).repeat(2)
    unit_1, unit_2 = (x / x.norm(dim=1, keepdim=True) for x in (one, two))
    expected = (unit_1 - unit_2).norm(p=2, dim=1).pow(2).mean()
    torch.testing.assert_close(alignment(views, sentence), expected)
    cosine = (unit_1 * unit_2).sum(1).mean()
    torch.testing.assert_close(alignment(views, sentence), 2 - 2 * cosine)


def test_features_on_one_point_have_both_at_zero():
    features, labels = torch.ones(5, 3), torch.tensor([0, 0, 1, 1, 1])
    assert alignment(features, labels) == 0 and uniformity(features).abs() < 1e-7


def test_opposite_features_have_both_at_their_limit():
    features = torch.tensor([[1.0, 0.0], [-3.0, 0.0]])
    assert alignment(features, torch.tensor([4, 4])) == 4
    assert uniformity(features) == pytest.approx(-8)


@pytest.mark.parametrize("t", (2, 40, 400))
def test_a_large_t_does_not_underflow(t):
    features = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    assert uniformity(features, t=t).item() == pytest.approx(-4 * t)


def test_lengths_padding_order_and_names_of_classes_do_not_matter():
    features, labels = batch(10)
    lengths = torch.linspace(0.1, 50, 10, dtype=torch.float64)[:, None]
    order = torch.randperm(10, generator=torch.Generator().manual_seed(0))
    names = torch.tensor([7, 2, 5])
    padded = torch.cat([features, torch.randn(2, 4, dtype=torch.float64)])
    expected = alignment(features, labels)
    for other in (
        alignment(lengths * features, labels),
        alignment(features[order], names[labels[order]]),
        alignment(padded, torch.cat([labels, torch.tensor([-1, -1])])),
    ):
        torch.testing.assert_close(other, expected)
    torch.testing.assert_close(uniformity(lengths * features[order]), uniformity(features))


def test_gradients_are_right_and_finite_where_features_coincide():
    features, labels = batch(6)
    features.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: alignment(x, labels), features)
    assert torch.autograd.gradcheck(uniformity, features)
    same = torch.ones(4, 3, requires_grad=True)
    (alignment(same, torch.zeros(4), alpha=1) + uniformity(same)).backward()
    assert same.grad.isfinite().all()


def test_precision_is_float32_at_least():
    features, labels = batch(8)
    assert alignment(features, labels).dtype == uniformity(features).dtype == torch.float64
    for dtype in (torch.bfloat16, torch.float16):
        low = features.to(dtype)
        assert alignment(low, labels).dtype == uniformity(low).dtype == torch.float32
        torch.testing.assert_close(uniformity(low), uniformity(low.float()))


@pytest.mark.parametrize(
    ("features", "labels", "said"),
    [
        (torch.ones(3), torch.zeros(3), r"features of shape \(N, d\), got \(3,\)"),
        (torch.ones(3, 2), torch.zeros(4), r"one label for each of 3 features"),
        (torch.ones(3, 2), torch.zeros(3, 1), r"labels of shape \(3, 1\)"),
        (torch.ones(3, 2), torch.arange(3), "two features of one class or more, got none"),
        (torch.ones(3, 2), torch.tensor([-1, -1, 0]), "mean over pairs"),
        (torch.ones(0, 2), torch.zeros(0), "two features of one class or more"),
    ],
)
def test_alignment_says_what_is_wrong(features, labels, said):
    with pytest.raises(ValueError, match=said) as error:
        alignment(features, labels)
    assert "\n" not in str(error.value) and str(error.value).endswith(".")


@pytest.mark.parametrize("features", (torch.ones(1, 3), torch.ones(0, 3), torch.ones(2, 3, 4)))
def test_uniformity_says_what_is_wrong(features):
    with pytest.raises(ValueError, match="Expected"):
        uniformity(features)


@pytest.mark.parametrize("bad", (0, -1, float("nan")))
def test_powers_and_widths_are_positive(bad):
    features, labels = batch(4)
    with pytest.raises(ValueError, match="alpha above 0"):
        alignment(features, labels, alpha=bad)
    with pytest.raises(ValueError, match="t above 0"):
        uniformity(features, t=bad)


# Lesson 09: classes, columns, pictures

TEXTS = ["a good film", "the battery of this phone is bad", "where is the city"]


@pytest.mark.parametrize("kind", [CrossEntropyModel, DualCLModel])
def test_read_gives_what_the_model_says_in_the_order_of_the_texts(kind, tiny_bert):
    torch.manual_seed(0)
    model = kind.from_encoder(tiny_bert, ["positive", "negative"]).train()
    z, theta = read(model, TEXTS, batch_size=2)
    assert model.training
    model.eval()
    for i, text in enumerate(TEXTS):
        with torch.no_grad():
            alone = model(**model.collator()([{"text": text}]))
        assert torch.allclose(z[i], alone.z[0], atol=1e-5)
        columns = model.head.weight if kind is CrossEntropyModel else alone.theta[0]
        assert torch.allclose(theta[i], columns, atol=1e-5)


def test_centroids_and_scatter_against_loops():
    draw = torch.Generator().manual_seed(3)
    x = torch.randn(9, 4, dtype=torch.float64, generator=draw)
    y = [0, 2, 1, 1, -1, 2, 2, 0, 2]
    kept = [i for i in range(9) if y[i] >= 0]
    u = {i: unit(x[i]) for i in kept}

    def middle(rows):
        return [sum(u[i][d] for i in rows) / len(rows) for d in range(4)]

    def square(a, b):
        return sum((p - q) ** 2 for p, q in zip(a, b, strict=True))

    own = {k: middle([i for i in kept if y[i] == k]) for k in (0, 1, 2)}
    found = centroids(x, torch.tensor(y), classes=3)
    assert torch.allclose(found, torch.tensor([own[k] for k in (0, 1, 2)], dtype=torch.float64))
    within = sum(square(u[i], own[y[i]]) for i in kept) / len(kept)
    between = sum(square(own[y[i]], middle(kept)) for i in kept) / len(kept)
    total = sum(square(u[i], middle(kept)) for i in kept) / len(kept)
    split = scatter(x, torch.tensor(y))
    assert float(split.within) == pytest.approx(within)
    assert float(split.between) == pytest.approx(between)
    assert float(split.ratio) == pytest.approx(within / between)
    assert within + between == pytest.approx(total)


def test_column_angles_are_0_on_and_90_beside_the_diagonal_of_perfect_columns():
    labels = torch.tensor([0, 1, 2, 0, -1])
    z = torch.eye(3)[labels.clamp(min=0)] * torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])[:, None]
    theta = torch.eye(3).expand(5, 3, 3)
    wanted = 90 * (1 - torch.eye(3))
    assert torch.allclose(column_angles(z, theta, labels), wanted, atol=0.05)
    turned = theta[:, [1, 0, 2]]
    assert torch.allclose(column_angles(z, turned, labels), wanted[:, [1, 0, 2]], atol=0.05)


def test_frozen_classifiers_on_a_case_by_hand():
    train = torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]])
    labels = torch.tensor([0, 0, 1, 1])
    test = torch.tensor([[5.0, 1.0], [1.0, 5.0], [9.0, 1.0]])
    found = frozen_accuracy(train, labels, test, torch.tensor([0, 1, 1]), neighbours=1)
    assert found == {"neighbours": pytest.approx(2 / 3), "centroid": pytest.approx(2 / 3)}


def test_pca_keeps_the_distances_of_points_in_a_plane():
    draw = torch.Generator().manual_seed(0)
    flat = torch.randn(12, 2, dtype=torch.float64, generator=draw)
    plane = torch.linalg.qr(torch.randn(5, 2, dtype=torch.float64, generator=draw)).Q  # (5, 2)
    drawn = project(flat @ plane.T, method="pca")
    assert torch.allclose(torch.cdist(drawn, drawn), torch.cdist(flat, flat).float(), atol=1e-4)


def test_tsne_is_seeded_and_keeps_neighbours():
    draw = torch.Generator().manual_seed(0)
    groups = torch.arange(30) % 3
    points = 20 * torch.eye(6)[groups] + torch.randn(30, 6, generator=draw)
    first, again = (project(points, perplexity=5, seed=1) for _ in range(2))
    assert first.shape == (30, 2) and torch.equal(first, again)
    apart = torch.cdist(first, first).fill_diagonal_(torch.inf)
    assert (groups[apart.argmin(1)] == groups).all()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda x, y: centroids(x, y, classes=3), "got none of [2]"),
        (lambda x, y: scatter(x, y[:2]), "one label for each of 4"),
        (lambda x, y: column_angles(x, x, y), "theta (N, K, d)"),
        (lambda x, y: project(x, perplexity=9), "below the 4 points"),
        (lambda x, y: project(x, method="umap"), '"tsne" or "pca"'),
        (lambda x, y: project(x / 0, method="pca"), "NaN or infinity"),
        (lambda x, y: project(x[:, :1], method="pca"), "2 points and dimensions"),
    ],
    ids=["empty class", "labels", "theta", "perplexity", "method", "infinite", "too few"],
)
def test_geometry_says_what_it_cannot_do(call, said):
    with pytest.raises(ValueError) as error:
        call(torch.eye(4)[:, :3] + 1, torch.tensor([0, 1, 0, 1]))
    assert said in str(error.value)
