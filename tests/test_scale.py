"""Batches larger than memory, and more than one process: the gradient of the whole batch."""

import json
from pathlib import Path

import pytest
import torch

from dualcl_tutorial import scale, training
from dualcl_tutorial.experiments import run_name
from dualcl_tutorial.losses import dualcl_loss, self_contrastive_loss, supcon_loss
from dualcl_tutorial.model import CrossEntropyModel, DualCLModel, DualOutput
from dualcl_tutorial.training import TrainConfig, train

ROOT = Path(__file__).resolve().parents[1]
TEXTS = [
    "a good film",
    "the bad film was a negative surprise",
    "we liked the film and the book",
    "the food was cold and the service was slow, and it was long",
    "they did not like the service",
    "a good day",
    "the screen is small but good",
]
LABELS = torch.tensor([0, 1, 0, 1, 1, 0, 0])


@pytest.fixture
def model(tiny_bert):
    return DualCLModel.from_encoder(tiny_bert, ["positive", "negative"]).train()


def batch_of(model, texts=TEXTS):
    batch = model.collator(shuffle_labels=True)([{"text": text} for text in texts])
    return {name: tensor for name, tensor in batch.items() if name != "labels"}


def gradients(model, outputs):
    """Return the gradient of all weights, one long vector."""
    model.zero_grad()
    dualcl_loss(outputs.z, outputs.theta, LABELS, weight=0.5).total.backward()
    return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])


def without_dropout(model):
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return model


def pieces_kept(model, inputs, size):
    """Collate and run each piece alone, and keep everything for backward: the oracle."""
    starts = range(0, len(TEXTS), size)
    parts = [model(**batch_of(model, TEXTS[start : start + size])) for start in starts]
    return DualOutput(
        **{name: torch.cat([p[name] for p in parts]) for name in ("z", "theta", "logits")}
    )


@pytest.mark.parametrize("size", [1, 2, 3, 6])
def test_pieces_give_the_gradient_of_the_whole_batch_without_dropout(model, size):
    model = without_dropout(model.double())
    inputs = batch_of(model)
    expected = gradients(model, model(**inputs))
    got = gradients(model, scale.in_pieces(model, inputs, size))
    assert expected.norm() > 1
    torch.testing.assert_close(got, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_pieces_with_dropout_give_the_gradient_of_the_same_masks(model, precision):
    inputs = batch_of(model)
    found = []
    for run in (pieces_kept, scale.in_pieces):
        torch.manual_seed(5)
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            outputs = run(model, inputs, 2)
        torch.manual_seed(99)  # backward must not depend on where the generator stands now
        found.append(gradients(model, outputs))
    close = {"fp32": 1e-5, "bf16": 0.05}[precision]
    assert (found[0] - found[1]).norm() < close * found[0].norm()


def test_plain_accumulation_is_another_gradient(model):
    model = without_dropout(model)
    inputs = batch_of(model)
    expected = gradients(model, model(**inputs))
    model.zero_grad()
    for start in range(0, len(TEXTS), 2):
        rows = slice(start, start + 2)
        out = model(**{name: tensor[rows] for name, tensor in inputs.items()})
        share = len(LABELS[rows]) / len(TEXTS)
        (share * dualcl_loss(out.z, out.theta, LABELS[rows], weight=0.5).total).backward()
    apart = torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])
    assert (apart - expected).norm() > 0.05 * expected.norm()


def test_pieces_leave_the_generator_where_the_forward_pass_left_it(model):
    inputs = batch_of(model)
    torch.manual_seed(5)
    outputs = scale.in_pieces(model, inputs, 2)
    stands = torch.get_rng_state()
    gradients(model, outputs)
    assert torch.equal(stands, torch.get_rng_state())


def test_what_is_kept_for_backward_does_not_grow_with_the_batch(model):
    """Count what the encoder keeps: only its outputs, z and theta, may grow."""

    def kept(rows):
        inputs = {k: v[:1].repeat(rows, *[1] * (v.ndim - 1)) for k, v in batch_of(model).items()}
        sizes = []

        def pack(tensor):
            sizes.append(tensor.numel())
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            outputs = scale.in_pieces(model, inputs, 4)
        outputs.z.sum().backward()
        return sum(sizes)

    assert kept(32) <= kept(8)


def test_the_model_of_lesson_01_goes_in_pieces_too(tiny_bert):
    model = CrossEntropyModel.from_encoder(tiny_bert, ["positive", "negative"]).eval()
    inputs = model.collator()([{"text": text} for text in TEXTS])
    whole, pieces = model(**inputs), scale.in_pieces(model, inputs, 3)
    assert pieces.theta is None
    torch.testing.assert_close(pieces.logits, whole.logits)
    torch.testing.assert_close(pieces.z, whole.z)


def test_every_loss_in_rows_is_the_loss_at_once():
    draw = torch.Generator().manual_seed(0)
    z, theta = torch.randn(7, 5, generator=draw), torch.randn(7, 2, 5, generator=draw)
    for loss in (
        lambda chunk: dualcl_loss(z, theta, LABELS, chunk=chunk).total,
        lambda chunk: supcon_loss(z, LABELS, chunk=chunk),
        lambda chunk: self_contrastive_loss(z, z + 0.1, chunk=chunk),
    ):
        torch.testing.assert_close(loss(3), loss(None))


def small(tiny_bert, **settings):
    known = {"corpus": "mini-reviews", "encoder": str(tiny_bert), "per_class": 9, "epochs": 1}
    known |= {"batch_size": 6, "lr": 1e-3, "final_lr": 0.0, "precision": "fp32", "progress": False}
    return TrainConfig(**known | settings)


@pytest.mark.parametrize("method", training.METHODS)
def test_a_run_in_pieces_is_repeatable_and_learns_like_the_whole(tiny_bert, method):
    whole, pieces, again = (
        train(small(tiny_bert, method=method, micro_batch=m)) for m in (None, 2, 2)
    )
    assert all(
        torch.equal(a, b)
        for a, b in zip(
            pieces.model.state_dict().values(), again.model.state_dict().values(), strict=True
        )
    )
    first = whole.history.loss.iloc[0]  # the same weights; only dropout differs
    assert abs(pieces.history.loss.iloc[0] - first) < 0.5 * first
    assert pieces.accuracy is not None and len(pieces.history) == len(whole.history) == 3


def test_the_names_of_stored_runs_have_not_changed():
    """A new setting must not make anybody do the stored runs again."""
    stored = sorted(ROOT.glob("results/runs/*.json"))
    assert len(stored) > 50
    for path in stored:
        run = json.loads(path.read_text(encoding="utf-8"))
        asked = (TrainConfig(**run["settings"], precision=p) for p in ("auto", "fp32", "bf16"))
        assert path.stem in {run_name(config, run["split"]) for config in asked}, path


def test_the_size_of_a_piece_is_a_setting_only_where_it_is_given():
    plain = TrainConfig(corpus="cr").resolved().settings()
    assert "micro_batch" not in plain
    assert TrainConfig(corpus="cr", micro_batch=8).resolved().settings()["micro_batch"] == 8
    with pytest.raises(ValueError, match="micro_batch at least 1, got 0"):
        TrainConfig(corpus="cr", micro_batch=0).resolved()
