"""Every loss against its formula in loops, its symmetries, its limits and its failures."""

import math

import oracles
import pytest
import torch

from dualcl_tutorial.losses import (
    contrastive_loss,
    cross_entropy,
    dual_contrastive_loss,
    dualcl_loss,
    label_logits,
    loss_floor,
    pair_masks,
    self_contrastive_loss,
    supcon_loss,
    true_columns,
)

SIZES = range(1, 13)
TEMPERATURES = (0.05, 0.1, 0.5, 1.0)
LONE = [0, 0, 1, 2, 3, 4, 5, 6]  # one class of two sentences, six sentences alone


def batch(size, classes=3, dim=5, seed=0, dtype=torch.float64):
    """Random z, theta and labels; class k is twice as likely as class k + 1."""
    generator = torch.Generator().manual_seed(1000 * seed + size)
    z = torch.randn(size, dim, generator=generator, dtype=dtype)
    theta = torch.randn(size, classes, dim, generator=generator, dtype=dtype)
    shares = 0.5 ** torch.arange(classes)
    labels = torch.multinomial(shares, size, replacement=True, generator=generator)
    return z.requires_grad_(), theta.requires_grad_(), labels


def close(actual, expected, tolerance=1e-10):
    torch.testing.assert_close(actual, expected, rtol=tolerance, atol=tolerance)


def gradients(loss, *inputs):
    """Gradients of a loss that may touch none of its inputs, as the oracle's 0 does not."""
    if not loss.requires_grad:
        return [torch.zeros_like(x) for x in inputs]
    found = torch.autograd.grad(loss, inputs, allow_unused=True, retain_graph=True)
    return [torch.zeros_like(x) if g is None else g for g, x in zip(found, inputs, strict=True)]


def agree(loss, oracle, *inputs):
    close(loss, oracle)
    for ours, theirs in zip(gradients(loss, *inputs), gradients(oracle, *inputs), strict=True):
        close(ours, theirs, 1e-9)


def separated(labels):
    """One-hot features: classes on orthogonal axes, sentences of a class on one point."""
    return torch.nn.functional.one_hot(labels).double()


# 1. The formulas


@pytest.mark.parametrize("size", SIZES)
def test_supervised_and_dual_losses_are_their_formulas(size):
    z, theta, labels = batch(size)
    for temperature in TEMPERATURES:
        ours = supcon_loss(z, labels, temperature=temperature)
        agree(ours, oracles.contrastive(z, z, labels, temperature=temperature), z)
        dual = dual_contrastive_loss(z, theta, labels, temperature=temperature)
        for term, oracle in zip(
            dual, oracles.dual(z, theta, labels, temperature=temperature), strict=True
        ):
            agree(term, oracle, z, theta)


@pytest.mark.parametrize("size", SIZES)
def test_whole_loss_is_its_formula(size):
    z, theta, labels = batch(size, classes=4, seed=1)
    for weight, temperature in ((0.05, 0.1), (1.5, 0.7)):
        ours = dualcl_loss(z, theta, labels, weight=weight, temperature=temperature)
        oracle = oracles.dualcl(z, theta, labels, weight=weight, temperature=temperature)
        agree(ours.total, oracle, z, theta)
        close(ours.cross_entropy, oracles.cross_entropy(z, theta, labels))
        close(ours.total, ours.cross_entropy + weight * (ours.loss_z + ours.loss_theta))


@pytest.mark.parametrize("size", (1, 2, 3, 6))
def test_self_contrastive_loss_is_its_formula(size):
    one, two = (batch(size, seed=seed)[0] for seed in (2, 3))
    for temperature in TEMPERATURES:
        oracle = oracles.self_contrastive(one, two, temperature=temperature)
        agree(self_contrastive_loss(one, two, temperature=temperature), oracle, one, two)


@pytest.mark.parametrize("size", (2, 5, 12))
def test_rows_with_padding_are_their_formula(size):
    z, theta, labels = batch(size, seed=4)
    labels[size // 2] = -1
    theta_star = theta[:, 0]
    losses, valid = contrastive_loss(z, theta_star, labels, reduction="none")
    rows = oracles.contrastive_rows(z, theta_star, labels, temperature=0.1)
    assert valid.tolist() == [row is not None for row in rows]
    close(losses, torch.stack([oracles.ZERO if row is None else row for row in rows]))
    oracle = oracles.dualcl(z, theta, labels, weight=0.3, temperature=0.1)
    agree(dualcl_loss(z, theta, labels, weight=0.3).total, oracle, z, theta)


def test_defaults_are_the_contract():
    z, theta, labels = batch(9)
    close(supcon_loss(z, labels), supcon_loss(z, labels, temperature=0.1))
    whole = dualcl_loss(z, theta, labels, weight=0.1, temperature=0.1)
    for ours, expected in zip(dualcl_loss(z, theta, labels), whole, strict=True):
        close(ours, expected)


# 2. Closed forms and symmetries


@pytest.mark.parametrize("size", (2, 4, 11))
def test_orthogonal_features_give_log_of_the_others(size):
    axes = torch.eye(2 * size, dtype=torch.float64)
    z, theta = axes[:size], axes[size:, None].expand(-1, 2, -1)
    labels = torch.zeros(size, dtype=torch.long)
    expected = torch.tensor(math.log(size - 1), dtype=torch.float64)
    close(supcon_loss(z, labels), expected)
    for term in dual_contrastive_loss(z, theta, labels):
        close(term, expected)


def test_a_constant_added_to_a_row_changes_nothing():
    # Unit vectors are scaled by 0.6 (anchors) and 0.8 (targets) and get one coordinate more, +-0.8
    # and 0.6: row i's cosines become 0.48 s_ij +- 0.48.
    anchor, target, labels = batch(9)[0], batch(9, seed=5)[0], batch(9)[2]
    signs = torch.tensor([1.0, -1.0, 1.0, 1.0, -1.0, -1.0, 1.0, -1.0, 1.0]).double()
    unit = [x / x.norm(dim=1, keepdim=True) for x in (anchor, target)]
    lifted_anchor = torch.cat([0.6 * unit[0], 0.8 * signs[:, None]], 1)
    lifted_target = torch.cat([0.8 * unit[1], 0.6 * torch.ones(9, 1).double()], 1)
    lifted = contrastive_loss(lifted_anchor, lifted_target, labels, temperature=0.48 * 0.2)
    close(lifted, contrastive_loss(anchor, target, labels, temperature=0.2))


@pytest.mark.parametrize("i", (0, 3, 7))
def test_own_pair_does_not_enter(i):
    anchor, target, labels = batch(8, seed=6)[0], batch(8, seed=7)[0], torch.tensor([0, 1] * 4)
    losses, _ = contrastive_loss(anchor, target, labels, reduction="none")
    (gradient,) = torch.autograd.grad(losses[i], target)
    assert torch.equal(gradient[i], torch.zeros(5).double())
    assert (gradient.abs().sum(1) > 0).sum() == 7
    moved = target.detach().clone()
    moved[i] = anchor[i].detach() * (1 if i else -1)
    again, _ = contrastive_loss(anchor, moved, labels, reduction="none")
    assert again[i] == losses[i] and not torch.equal(again, losses)


def test_permuting_the_batch_or_renaming_classes_changes_nothing():
    z, theta, labels = batch(12, classes=4)
    before = dualcl_loss(z, theta, labels)
    order = torch.randperm(12, generator=torch.Generator().manual_seed(0))
    names = torch.tensor([2, 0, 3, 1])  # class k is now called names[k]
    renamed = torch.empty_like(theta)
    renamed[:, names] = theta
    for after in (
        dualcl_loss(z[order], theta[order], labels[order]),
        dualcl_loss(z, renamed, names[labels]),
    ):
        for ours, expected in zip(after, before, strict=True):
            close(ours, expected)


def test_swapping_z_and_theta_star_swaps_the_terms():
    z, theta, labels = batch(10)
    theta_star = true_columns(theta, labels)
    loss_z, loss_theta = dual_contrastive_loss(z, theta, labels)
    swapped = dual_contrastive_loss(theta_star, z[:, None].expand(-1, 3, -1), labels)
    close(swapped[0], loss_theta)
    close(swapped[1], loss_z)
    assert abs(loss_z - loss_theta) > 0.01


def test_scale_of_features_matters_to_cross_entropy_alone():
    z, theta, labels = batch(10)
    before, after = dualcl_loss(z, theta, labels), dualcl_loss(3 * z, 0.1 * theta, labels)
    close(after.loss_z, before.loss_z)
    close(after.loss_theta, before.loss_theta)
    close(after.cross_entropy, oracles.cross_entropy(3 * z, 0.1 * theta, labels))
    assert abs(after.cross_entropy - before.cross_entropy) > 0.1


# 3. Positives that are missing


@pytest.mark.parametrize("labels", ([0], [0, 1, 2], [-1, -1], [0, -1, 1]))
def test_without_positives_loss_and_gradient_are_zero(labels):
    z, theta, _ = batch(len(labels))
    for term in dual_contrastive_loss(z, theta, torch.tensor(labels)):
        assert term == 0
        with torch.autograd.set_detect_anomaly(True):  # nor does a NaN arise on the way
            found = torch.autograd.grad(term, (z, theta), retain_graph=True)
        assert all(torch.equal(gradient, torch.zeros_like(gradient)) for gradient in found)


def test_anchor_without_positive_does_not_move_the_mean():
    z, theta, _ = batch(8, classes=7)
    labels = torch.tensor(LONE)
    losses, valid = contrastive_loss(z, true_columns(theta, labels), labels, reduction="none")
    assert valid.tolist() == [True, True] + [False] * 6
    assert torch.equal(losses[2:], torch.zeros(6).double())
    loss_z, _ = dual_contrastive_loss(z, theta, labels)
    close(loss_z, losses[:2].mean())
    (gradient,) = torch.autograd.grad(loss_z, z)  # the lone sentences are anchors in vain
    assert torch.equal(gradient[2:], torch.zeros(6, 5).double())


def test_two_sentences_of_one_class_give_zero():
    z, theta, labels = batch(2)[0], batch(2)[1], torch.tensor([1, 1])
    for term in dual_contrastive_loss(z, theta, labels, temperature=0.01):
        close(term, oracles.ZERO)
        for gradient in torch.autograd.grad(term, (z, theta), retain_graph=True):
            close(gradient, torch.zeros_like(gradient))


def test_padding_changes_nothing():
    z, theta, labels = batch(7)
    extra_z, extra_theta, _ = batch(3, seed=8)
    where = torch.tensor([0, 1, 7, 2, 3, 8, 4, 5, 6, 9])  # padding in the middle and at the end
    padded_labels = torch.cat([labels, torch.full((3,), -1)])[where]
    padded_z, padded_theta = torch.cat([z, extra_z])[where], torch.cat([theta, extra_theta])[where]
    before, after = (
        dualcl_loss(z, theta, labels),
        dualcl_loss(padded_z, padded_theta, padded_labels),
    )
    for ours, expected in zip(after, before, strict=True):
        close(ours, expected)
    agree(after.total, before.total, z, theta, extra_z, extra_theta)
    assert loss_floor(padded_labels) == pytest.approx(loss_floor(labels))


# 4. Extremes and precision


@pytest.mark.parametrize(
    "scale, temperature", ((50.0, 0.1), (1.0, 1e-3), (50.0, 1e-3), (1e-4, 0.1))
)
def test_extremes_stay_finite(scale, temperature):
    for dim in (2, 64):  # in two dimensions some cosines are close to -1
        z, theta, labels = (x.detach() for x in batch(16, dim=dim, dtype=torch.float32))
        z = (z / z.norm(dim=1, keepdim=True) * scale).requires_grad_()
        theta = (theta / theta.norm(dim=2, keepdim=True) * scale).requires_grad_()
        loss = dualcl_loss(z, theta, labels, temperature=temperature)
        assert all(torch.isfinite(part) for part in loss)
        assert all(g.isfinite().all() for g in torch.autograd.grad(loss.total, (z, theta)))


@pytest.mark.parametrize("chunk", (None, 3))
def test_autocast_changes_no_bit(chunk):
    def values(autocast):
        z, theta, labels = batch(16, dim=32, dtype=torch.float32)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
            chunked = contrastive_loss(z, true_columns(theta, labels), labels, chunk=chunk)
            parts = [*dualcl_loss(z, theta, labels), supcon_loss(z, labels), chunked]
            parts.append(self_contrastive_loss(z, theta[:, 0]))
        # Backward belongs outside autocast: inside, PyTorch would lower its matrix products.
        return [*parts, *torch.autograd.grad(torch.stack(parts).sum(), (z, theta))]

    for inside, outside in zip(values(True), values(False), strict=True):
        assert inside.dtype == torch.float32 and torch.equal(inside, outside)


@pytest.mark.parametrize("half", (torch.bfloat16, torch.float16))
def test_half_precision_features_are_raised_first(half):
    z, theta, labels = (x.detach() for x in batch(12, dtype=torch.float32))
    for ours, expected in zip(
        dualcl_loss(z.to(half), theta.to(half), labels),
        dualcl_loss(z.to(half).float(), theta.to(half).float(), labels),
        strict=True,
    ):
        assert ours.dtype == torch.float32 and torch.equal(ours, expected)


def test_gradcheck():
    z, theta, labels = batch(6)
    labels[2] = -1
    assert torch.autograd.gradcheck(lambda a, b: dualcl_loss(a, b, labels).total, (z, theta))
    one, two = batch(4)[0], batch(4, seed=1)[0]
    assert torch.autograd.gradcheck(self_contrastive_loss, (one, two))
    assert torch.autograd.gradcheck(
        lambda a, b: contrastive_loss(a, b, labels[:4], labels, chunk=3, offset=1),
        (one, z),
        check_batched_grad=False,
    )


# 5. What each part reaches


def test_weight_zero_is_cross_entropy():
    z, theta, labels = batch(9)
    loss = dualcl_loss(z, theta, labels, weight=0)
    plain = cross_entropy(label_logits(z, theta), labels)
    assert torch.equal(loss.total, plain)
    torch.testing.assert_close(
        torch.autograd.grad(loss.total, (z, theta)), torch.autograd.grad(plain, (z, theta))
    )


def test_contrast_reaches_only_the_true_columns():
    z, theta, labels = batch(9)
    (gradient,) = torch.autograd.grad(sum(dual_contrastive_loss(z, theta, labels)), theta)
    true = torch.nn.functional.one_hot(labels, 3).bool()
    assert torch.equal(gradient[~true], torch.zeros(18, 5).double())
    assert (gradient[true].abs().sum(1) > 0).all()


# 8 and 11. Parts of a batch, and chunks of rows


@pytest.mark.parametrize("sizes", ((4, 4, 4), (1, 7, 4), (12,)))
def test_parts_with_offset_equal_the_whole(sizes):
    z, theta, labels = batch(12)
    labels[5] = -1
    target = true_columns(theta, labels)
    parts, start = [], 0
    for size in sizes:
        rows = slice(start, start + size)
        parts.append(
            contrastive_loss(z[rows], target, labels[rows], labels, offset=start, reduction="none")
        )
        start += size
    losses, valid = (torch.cat(column) for column in zip(*parts, strict=True))
    whole = contrastive_loss(z, target, labels)
    agree(losses.sum() / valid.sum(), whole, z, theta)


def test_offset_and_target_labels_are_their_formula():
    anchor, target = batch(4, seed=9)[0], batch(11, seed=9)[0]
    labels, target_labels = (
        torch.tensor([0, 1, -1, 2]),
        torch.tensor([0, 1, 1, 0, 1, 2, 0, -1, 1, 0, 1]),
    )
    for offset in (0, 3, 7):
        rows = oracles.contrastive_rows(
            anchor, target, labels, target_labels, temperature=0.2, offset=offset
        )
        ours = contrastive_loss(
            anchor, target, labels, target_labels, temperature=0.2, offset=offset, chunk=3
        )
        agree(ours, oracles.mean_of_valid(rows), anchor, target)


@pytest.mark.parametrize("chunk", (1, 3, 4, 12, 100))
def test_chunks_equal_the_whole(chunk):
    z, theta, labels = batch(12)
    labels[4] = -1
    target = true_columns(theta, labels)
    whole, part = (contrastive_loss(z, target, labels, chunk=c) for c in (None, chunk))
    agree(part, whole, z, theta)
    rows, again = (contrastive_loss(z, z, labels, chunk=c, reduction="none") for c in (None, chunk))
    close(again[0], rows[0])
    assert torch.equal(again[1], rows[1])


def kept_for_backward(size, chunk):
    """Bytes that autograd holds between forward and backward, each storage counted once."""
    z, target, labels = batch(size, seed=1)[0], batch(size, seed=2)[0], batch(size)[2]
    storages = {}

    def pack(tensor):
        storages[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor  # alive until backward, so that no address is used twice

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        loss = contrastive_loss(z, target, labels, chunk=chunk)
    assert loss.requires_grad
    return sum(storages.values())


def test_memory_of_chunks_grows_with_rows_and_not_with_pairs():
    small, large = kept_for_backward(128, 16), kept_for_backward(512, 16)
    assert large / small < 4.5  # 4 times the rows
    assert kept_for_backward(512, None) / kept_for_backward(128, None) > 12  # 16 times the pairs
    assert large < 512 * 512 * 8 / 8  # an eighth of a single matrix of cosines


# What labels alone say


@pytest.mark.parametrize("size, floor", ((16, 1.9459), (64, 3.4340)))
def test_floor_of_balanced_binary_batches(size, floor):
    labels = torch.arange(size) % 2
    assert loss_floor(labels) == pytest.approx((math.log(size - 1), floor), abs=5e-5)
    assert supcon_loss(separated(labels), labels, temperature=0.05) == pytest.approx(
        floor, abs=5e-5
    )


@pytest.mark.parametrize("size", SIZES)
def test_loss_lies_above_the_floor(size):
    for seed in range(4):
        z, theta, labels = batch(size, seed=seed)
        collapsed, floor = loss_floor(labels)
        for temperature in (0.01, *TEMPERATURES):
            for loss in (
                supcon_loss(z, labels, temperature=temperature),
                *dual_contrastive_loss(z, theta, labels, temperature=temperature),
            ):
                assert loss >= floor - 1e-9
        assert supcon_loss(torch.ones(size, 3).double(), labels) == pytest.approx(collapsed)
        assert supcon_loss(separated(labels), labels, temperature=0.02) == pytest.approx(floor)


def test_floor_averages_over_anchors_with_a_positive():
    labels = torch.tensor([0, 0, 0, 0, 1, 1, 2, -1])  # three positives four times, one twice
    expected = (math.log(6), 4 * math.log(3) / 6)
    assert loss_floor(labels) == pytest.approx(expected)
    assert loss_floor(torch.tensor([0, 1, 2])) == (0.0, 0.0)


def test_masks_leave_out_the_own_pair():
    labels, rows = torch.tensor([0, 1, 0, -1]), torch.tensor([0, 2])
    candidates, positives = pair_masks(labels)
    assert candidates.int().tolist() == [[0, 1, 1, 0], [1, 0, 1, 0], [1, 1, 0, 0], [0, 0, 0, 0]]
    assert positives.int().tolist() == [[0, 0, 1, 0], [0] * 4, [1, 0, 0, 0], [0] * 4]
    assert pair_masks(rows, labels, offset=2)[0].int().tolist() == [[1, 1, 0, 0], [1, 1, 1, 0]]


# Inputs that are unusual, and inputs that are wrong


def test_empty_batch_gives_zero():
    z, theta = torch.zeros(0, 4, requires_grad=True), torch.zeros(0, 3, 4, requires_grad=True)
    labels = torch.zeros(0, dtype=torch.long)
    loss = dualcl_loss(z, theta, labels)
    assert all(part == 0 for part in loss)
    loss.total.backward()
    assert z.grad.shape == (0, 4)
    assert contrastive_loss(z, z, labels, chunk=4) == 0
    assert self_contrastive_loss(z, z) == 0
    assert loss_floor(labels) == (0.0, 0.0)


def test_inputs_need_not_be_contiguous():
    z, theta, labels = batch(6)
    before = dualcl_loss(z, theta, labels)
    strided_z = z.T.contiguous().T
    strided_theta = theta.permute(2, 1, 0).contiguous().permute(2, 1, 0)
    strided_labels = labels.repeat_interleave(2)[::2]
    assert not any(x.is_contiguous() for x in (strided_z, strided_theta, strided_labels))
    for ours, expected in zip(
        dualcl_loss(strided_z, strided_theta, strided_labels), before, strict=True
    ):
        close(ours, expected)


@pytest.mark.parametrize("dtype", (torch.int32, torch.int16, torch.int8, torch.uint8))
def test_labels_may_be_of_any_integer_type(dtype):
    z, theta, labels = batch(9)
    before = dualcl_loss(z, theta, labels)
    for ours, expected in zip(dualcl_loss(z, theta, labels.to(dtype)), before, strict=True):
        assert torch.equal(ours, expected)
    close(supcon_loss(z, labels.to(dtype)), supcon_loss(z, labels))


Z, THETA, LABELS = torch.ones(4, 3), torch.ones(4, 2, 3), torch.tensor([0, 0, 1, 1])


@pytest.mark.parametrize(
    "call, sentence",
    (
        (lambda: contrastive_loss(Z, Z[:, :2], LABELS), r"anchor \(N, d\) and target \(M, d\)"),
        (lambda: contrastive_loss(Z[0], Z[0], LABELS), r"got \(3,\) and \(3,\)"),
        (lambda: supcon_loss(Z, LABELS[:3]), r"one label a row, \(4,\)"),
        (lambda: contrastive_loss(Z[:2], Z, LABELS[:2]), r"one label a row, \(2,\).*\(4,\)"),
        (
            lambda: contrastive_loss(Z[:2], Z, LABELS[:2], LABELS, offset=3),
            r"own pair among the targets: offset \+ N = 3 \+ 2",
        ),
        (lambda: contrastive_loss(Z, Z, LABELS, offset=-1), "own pair among the targets"),
        (lambda: contrastive_loss(Z, Z, LABELS, chunk=-1), "chunk of at least 1.*got -1"),
        (lambda: contrastive_loss(Z, Z, LABELS, chunk=0), "chunk of at least 1.*got 0"),
        (lambda: supcon_loss(Z, LABELS, temperature=0), "temperature above 0, got 0"),
        (lambda: dualcl_loss(Z, THETA, LABELS, temperature=-0.1), "temperature above 0, got -0.1"),
        (lambda: supcon_loss(Z, LABELS, temperature=math.nan), "temperature above 0, got nan"),
        (lambda: dualcl_loss(Z, THETA, LABELS, weight=-1), "weight .* at least 0, got -1"),
        (lambda: dualcl_loss(Z, THETA, LABELS, weight=math.nan), "weight .* at least 0, got nan"),
        (lambda: dualcl_loss(Z, Z, LABELS), r"theta \(N, K, d\), got \(4, 3\) and \(4, 3\)"),
        (lambda: dualcl_loss(Z, THETA.transpose(1, 2), LABELS), r"got \(4, 3\) and \(4, 3, 2\)"),
        (lambda: dualcl_loss(Z, THETA, LABELS[:3]), r"one label a sentence, \(4,\), got \(3,\)"),
        (lambda: dualcl_loss(Z, THETA, LABELS.float()), "labels of an integer type.*float32"),
        (lambda: supcon_loss(Z, LABELS.double()), "labels of an integer type.*float64"),
        (lambda: self_contrastive_loss(Z, Z[:3]), r"two views of one shape, got \(4, 3\)"),
    ),
)
def test_wrong_inputs_are_named_in_one_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
