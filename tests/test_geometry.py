"""Alignment and uniformity against loops in float64, their limits and their failures."""

import math

import pytest
import torch

from dualcl_tutorial.geometry import alignment, uniformity


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
