"""Batches larger than memory, and more than one process: the gradient of the whole batch."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import several
import torch
from safetensors.torch import load_file

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


def start(count, config):
    """Start processes as accelerate and torchrun do; return what each printed."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    team = []
    for rank in range(count):
        place = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": count, "LOCAL_WORLD_SIZE": count}
        place |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "OMP_NUM_THREADS": 1}
        team.append(
            subprocess.Popen(
                [sys.executable, several.__file__, json.dumps(config)],
                env=os.environ | {name: str(value) for name, value in place.items()},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    try:
        said = [process.communicate(timeout=240) for process in team]
    finally:
        for process in team:
            process.kill()
    assert [process.returncode for process in team] == [0] * count, said
    return [out for out, _ in said]


@pytest.mark.parametrize(
    ("count", "method", "pieces"),
    [
        (2, "dualcl", None),
        pytest.param(4, "dualcl", None, marks=pytest.mark.slow),
        pytest.param(2, "dualcl", 2, marks=pytest.mark.slow),
        pytest.param(2, "cl", None, marks=pytest.mark.slow),
        pytest.param(2, "scl", None, marks=pytest.mark.slow),
    ],
)
def test_several_processes_do_what_one_does(
    tiny_bert, tmp_path, monkeypatch, count, method, pieces
):
    """Nine sentences a class in batches of 5, 5, 5 and 3: no share is full everywhere."""
    config = vars(small(tiny_bert, method=method, batch_size=5, epochs=2, clip=1e9, lr=1e-2))
    config |= {"select": "validation", "validation": 0.2, "micro_batch": pieces}
    several_said = start(count, config | {"output": str(tmp_path / "several")})
    monkeypatch.setattr(training, "build_model", several.plain_model)
    monkeypatch.setattr(torch.optim, "AdamW", several.plain_optimizer)
    alone = train(TrainConfig(**config | {"output": str(tmp_path / "alone")}))
    together = training.load_run(tmp_path / "several")
    columns = ["loss", "lr", "collapsed", "floor", "validation"]
    pd.testing.assert_frame_equal(
        alone.history[columns].astype(float),  # as 0 is an integer in a file
        together.history[columns].astype(float),
        rtol=1e-9,
        atol=1e-9,
    )
    one, many = (load_file(tmp_path / run / "model.safetensors") for run in ("alone", "several"))
    for name, weight in one.items():
        assert weight.dtype == torch.float64
        torch.testing.assert_close(many[name], weight, rtol=1e-8, atol=1e-10, msg=name)
    assert together.accuracy == alone.accuracy and together.record["processes"] == count
    assert len(together.predictions) == len(alone.predictions)
    assert len(set(several_said)) == 1  # every process ends with the same numbers
    assert sorted(path.name for path in tmp_path.iterdir()) == ["alone", "several"]


@pytest.mark.slow
def test_accelerate_starts_the_command_and_one_process_speaks(tiny_bert, tmp_path):
    output = tmp_path / "run"
    launcher = ["-m", "accelerate.commands.accelerate_cli", "launch", "--multi_gpu"]
    launcher += ["--num_processes", "2", "--num_machines", "1", "--mixed_precision", "no"]
    launcher += ["--dynamo_backend", "no", "--main_process_port", "0", "-m", "dualcl_tutorial"]
    options = ["train", "--corpus", "mini-reviews", "--encoder", str(tiny_bert), "--per-class"]
    options += ["6", "--epochs", "1", "--batch-size", "5", "--no-progress", "--output", str(output)]
    done = subprocess.run(
        [sys.executable, *launcher, *options], capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Accuracy") == 1 and done.stdout.count("Training dualcl") == 1
    assert training.load_run(output).record["processes"] == 2


def test_a_share_is_filled_with_nothing_never_with_a_repeat(monkeypatch):
    monkeypatch.setattr(scale, "processes", lambda: 4)
    shares = []
    for rank in range(4):
        monkeypatch.setattr(scale, "rank", lambda rank=rank: rank)
        shares.append(scale.share(["a", "b", "c", "d", "e"]))
    assert shares == [["a", "b"], ["c", "d"], ["e", None], [None, None]]
