"""The released losses against figures taken from them, and the differences lesson 07 looks for."""

import json
import math
import os
from pathlib import Path

import oracles
import pytest
import torch

from dualcl_tutorial.losses import (
    contrastive_loss,
    cross_entropy,
    dual_contrastive_loss,
    label_logits,
    true_columns,
)
from dualcl_tutorial.variants import release_contrastive_loss, release_loss, snippet_losses

HERE = Path(__file__).parent
GOLDEN = Path(os.environ.get("DUALCL_GOLDEN", HERE.parents[1] / "shared" / "golden"))
CASES = {case["case"]: case for case in json.loads((HERE / "golden_losses.json").read_text())}


def case(number):
    """A case's figures, its inputs and its gradients: out of our copy, or else the folder's."""
    if number in CASES:
        figures = CASES[number]
        arrays = {name: figures[name] for name in ("z", "theta", "y", "grad_z", "grad_theta")}
    else:
        if not (GOLDEN / "losses.npz").exists():
            pytest.skip(f"figures of case {number} are not here: set DUALCL_GOLDEN to their folder")
        numpy = pytest.importorskip("numpy")
        figures = json.loads((GOLDEN / "losses.json").read_text())[number]
        stored = numpy.load(GOLDEN / "losses.npz")
        arrays = {
            name: stored[f"{name}{number}"] for name in ("z", "theta", "y", "grad_z", "grad_theta")
        }
    y = torch.as_tensor(arrays.pop("y"))
    tensors = {name: torch.as_tensor(a, dtype=torch.float64) for name, a in arrays.items()}
    z, theta = tensors["z"].requires_grad_(), tensors["theta"].requires_grad_()
    return figures, z, theta, y, (tensors["grad_z"], tensors["grad_theta"])


def exactly(expected):
    return pytest.approx(expected, rel=1e-9, abs=1e-9)


def random_batch(labels, classes, seed=0):
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(len(labels), 6, generator=generator, dtype=torch.float64)
    theta = torch.randn(len(labels), classes, 6, generator=generator, dtype=torch.float64)
    return z, theta, torch.tensor(labels)


@pytest.mark.parametrize("number", range(8))
def test_snippet_gives_the_figures_of_the_snippet(number):
    figures, z, theta, y, expected = case(number)
    losses = snippet_losses(z, theta, y, modes="1234", temperature=figures["tau"])
    assert [loss.item() for loss in losses] == exactly(figures["seed_modes"])
    first_two = sum(snippet_losses(z, theta, y, temperature=figures["tau"]))
    for ours, theirs in zip(torch.autograd.grad(first_two, (z, theta)), expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("number", range(8))
def test_release_gives_the_figures_of_the_release(number):
    figures, z, theta, y, _ = case(number)
    tau, theta_star = figures["tau"], true_columns(theta, y)
    pairs = {"theta_anchor": (theta_star, z), "z_anchor": (z, theta_star), "scl": (z, z)}
    for name, (anchor, target) in pairs.items():
        term = release_contrastive_loss(anchor, target, y, temperature=tau)
        assert term.item() == exactly(figures[f"release_{name}"]), name
    total = release_loss(z, theta, y, temperature=tau)
    assert total.item() == exactly(figures["release_dualcl_total_alpha0.5"])
    assert cross_entropy(label_logits(z, theta), y).item() == exactly(figures["release_ce"])


@pytest.mark.parametrize("number", range(8))
def test_our_losses_agree_with_the_release_that_followed_the_formula(number):
    figures, z, theta, y, _ = case(number)
    _, counted = contrastive_loss(z, z, y, reduction="none")
    share = float(counted.double().mean())  # theirs is a mean over all N
    loss_z, loss_theta = dual_contrastive_loss(z, theta, y, temperature=figures["tau"])
    assert loss_z.item() * share == exactly(figures["polarity_z_anchor"])
    assert loss_theta.item() * share == exactly(figures["polarity_theta_anchor"])


def test_the_copied_figures_are_the_folders():
    if not (GOLDEN / "losses.json").exists():
        pytest.skip("the folder of figures is not here: set DUALCL_GOLDEN to it")
    for theirs in json.loads((GOLDEN / "losses.json").read_text()):
        if theirs["case"] in CASES:
            assert theirs.items() <= CASES[theirs["case"]].items()


@pytest.mark.parametrize("labels", ([0], [0, 1, 2], [0, 0, 0, 1, 1, 2], [2, 0, 1, 0, 0, 0, 2]))
def test_variants_are_their_formulas_in_loops(labels):
    z, theta, y = random_batch(labels, 3)
    theta_star = true_columns(theta, y)
    pairs = ((theta_star, z), (z, theta_star), (theta_star, theta_star), (z, z))
    ours = snippet_losses(z, theta, y, modes="1234", temperature=0.3, mu=2.0)
    for loss, (anchor, target) in zip(ours, pairs, strict=True):
        expected = oracles.snippet(anchor, target, y, temperature=0.3, mu=2.0)
        assert loss.item() == exactly(expected.item())
        release = release_contrastive_loss(anchor, target, y, temperature=0.3)
        expected = oracles.release_contrastive(anchor, target, y, temperature=0.3)
        assert release.item() == exactly(expected.item())


# What the snippet does that a loss does not


def test_snippet_on_one_sentence_is_log_of_its_epsilon():
    for loss in snippet_losses(*random_batch([0], 2), modes="1234"):
        assert loss.item() == exactly(math.log(1e-12))
        assert round(loss.item(), 1) == -27.6


def test_snippet_falls_below_zero_when_classes_are_apart():
    z = torch.tensor([[1.0, 0.0], [-1.0, 0.0]]).double()  # two sentences, two classes
    theta, y = z[None].expand(2, -1, -1), torch.tensor([0, 1])
    for loss in snippet_losses(z, theta, y, modes="1234"):
        assert loss.item() == pytest.approx(-11, abs=1e-6)  # -(1 + 1/tau): cosines 1 and -1
    assert contrastive_loss(z, z, y) == 0  # no positive, so nothing to say


def test_snippet_divides_only_other_classes_by_the_temperature():
    z, theta, y = random_batch([0, 0, 0], 2)  # one class: no temperature anywhere
    cold, warm = (snippet_losses(z, theta, y, temperature=t) for t in (0.01, 1.0))
    assert [x.item() for x in cold] == exactly([x.item() for x in warm])


def test_snippet_returns_the_modes_in_the_order_asked_for():
    z, theta, y = random_batch([0, 1, 0, 1, 1], 2)
    one, two, three, four = snippet_losses(z, theta, y, modes="1234")
    assert snippet_losses(z, theta, y) == [one, two]
    assert snippet_losses(z, theta, y, modes="413") == [four, one, three]
    assert len({loss.item() for loss in (one, two, three, four)}) == 4


@pytest.mark.parametrize("modes", ("5", "12a", "", "1 2"))
def test_unknown_mode_is_named_in_one_sentence(modes):
    with pytest.raises(ValueError, match=f"modes 1 to 4 .* got '{modes}'"):
        snippet_losses(*random_batch([0, 1], 2), modes=modes)


# What the release does that the formula does not


def test_release_has_one_more_in_the_denominator():
    z, theta, y = random_batch([0, 1, 0, 1, 1], 2)
    target, tau = true_columns(theta, y), 0.5
    difference = release_contrastive_loss(z, target, y, temperature=tau)
    difference = difference - contrastive_loss(z, target, y, temperature=tau)
    extra = 0.0
    for i in range(5):
        others = [j for j in range(5) if j != i]
        denominator = sum(math.exp(float(oracles.cosine(z[i], target[j])) / tau) for j in others)
        extra += (math.log(denominator + 1) - math.log(denominator)) / 5
    assert difference.item() == exactly(extra)


def test_release_counts_anchors_without_a_positive_as_zero():
    # Two anchors of eight have a positive: the mean over all is a quarter of theirs. Cosines near 1
    # keep the other difference, the denominator's 1, out of sight.
    z, theta, y = random_batch([0, 0, 1, 2, 3, 4, 5, 6], 7)
    z, target = z + 20, true_columns(theta, y) + 20
    ours = contrastive_loss(z, target, y)
    release = release_contrastive_loss(z, target, y)
    assert float(ours / release) == pytest.approx(4, abs=1e-3)


def test_release_and_formula_part_where_one_class_fills_the_batch():
    y = torch.zeros(8, dtype=torch.long)
    same = torch.ones(8, 3).double()
    assert float(contrastive_loss(same, -same, y)) == pytest.approx(math.log(7))
    assert float(release_contrastive_loss(same, same, y)) == pytest.approx(1.9459, abs=1e-4)
    assert float(release_contrastive_loss(same, -same, y)) == pytest.approx(10.0003, abs=1e-4)
    axes = torch.eye(8).double()
    assert float(release_contrastive_loss(axes, axes, y)) == pytest.approx(math.log(8))


@pytest.mark.parametrize("alpha", (0.0, 0.25, 1.0))
def test_release_weighs_its_parts_with_alpha(alpha):
    z, theta, y = random_batch([0, 1, 0, 1, 1], 2)
    target = true_columns(theta, y)
    terms = release_contrastive_loss(z, target, y) + release_contrastive_loss(target, z, y)
    expected = (1 - alpha) * cross_entropy(label_logits(z, theta), y) + alpha / 2 * terms
    assert float(release_loss(z, theta, y, alpha=alpha)) == exactly(expected.item())


def test_wrong_shapes_are_refused():
    z, theta, y = random_batch([0, 1, 1], 2)
    for loss in (snippet_losses, release_loss):
        with pytest.raises(ValueError, match=r"theta \(N, K, d\)"):
            loss(z, theta.transpose(1, 2), y)
