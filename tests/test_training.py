"""The loop: methods, schedule, repeatability, interruption and resumption."""

import itertools
import math
import signal

import pandas as pd
import pytest
import torch

from dualcl_tutorial import training
from dualcl_tutorial._run import decay_groups
from dualcl_tutorial.losses import dualcl_loss, self_contrastive_loss, supcon_loss
from dualcl_tutorial.model import CrossEntropyModel, DualCLModel, DualOutput
from dualcl_tutorial.training import TrainConfig, learning_rate, load_run, method_loss, train


@pytest.fixture
def config(tiny_bert):
    def build(**settings):
        known = {
            "corpus": "mini-reviews",
            "encoder": str(tiny_bert),
            "per_class": 9,
            "epochs": 2,
            "batch_size": 4,
            "lr": 1e-3,
            "final_lr": 0.0,
            "precision": "fp32",
            "progress": False,
        }
        return TrainConfig(**(known | settings))

    return build


def weights(run):
    return run.model.state_dict()


def same(a, b):
    return all(torch.equal(weights(a)[name], weights(b)[name]) for name in weights(a))


def view(seed):
    draw = torch.Generator().manual_seed(seed)
    z, theta = torch.randn(6, 5, generator=draw), torch.randn(6, 3, 5, generator=draw)
    return DualOutput(z=z, theta=theta, logits=torch.randn(6, 3, generator=draw))


def test_each_method_is_its_formula():
    labels = torch.tensor([0, 0, 0, 1, 1, 2])
    one, two = view(0), view(1)
    cross_entropy = torch.nn.functional.cross_entropy
    ce = [cross_entropy(v.logits, labels) for v in (one, two)]
    expected = {
        "ce": ce[0],
        "scl": ce[0] + 0.3 * supcon_loss(one.z, labels, temperature=0.2),
        "cl": (ce[0] + ce[1]) / 2 + 0.3 * self_contrastive_loss(one.z, two.z, temperature=0.2),
        "dualcl": dualcl_loss(one.z, one.theta, labels, weight=0.3, temperature=0.2).total,
    }
    for method, value in expected.items():
        views = [one, two] if method == "cl" else [one]
        got = method_loss(method, views, labels, weight=0.3, temperature=0.2)["loss"]
        torch.testing.assert_close(got, value)
    got = method_loss("label-aware", [one], labels, weight=0.0, temperature=0.2)["loss"]
    logits = torch.einsum("nd,nkd->nk", one.z, one.theta)
    torch.testing.assert_close(got, cross_entropy(logits, labels))


@pytest.mark.parametrize("method", training.METHODS)
def test_every_method_lowers_its_loss(config, method):
    run = train(config(method=method, epochs=8))
    first, last = run.history.loss[:5].mean(), run.history.loss[-5:].mean()
    assert last < first
    kind = DualCLModel if method in ("label-aware", "dualcl") else CrossEntropyModel
    assert type(run.model) is kind and not run.model.training
    assert run.accuracy == (run.predictions.label == run.predictions.predicted).mean()
    assert len(run.history) == 8 * 5  # 18 sentences in batches of 4, 4, 4, 4 and 2


def test_methods_differ_in_passes_through_the_encoder(config, monkeypatch):
    passes = []
    forward = CrossEntropyModel.forward
    monkeypatch.setattr(
        CrossEntropyModel,
        "forward",
        lambda self, *a, **k: passes.append(self.training) or forward(self, *a, **k),
    )
    counts = {}
    for method in ("ce", "scl", "cl"):
        passes.clear()
        train(config(method=method, epochs=1))
        counts[method] = sum(passes)
    assert counts == {"ce": 5, "scl": 5, "cl": 10}


def test_bounds_in_the_history_are_those_of_what_a_method_compares(config):
    found = {}
    for method in ("scl", "cl"):
        history = train(config(method=method, epochs=1)).history
        found[method] = history[["collapsed", "floor"]].iloc[0].tolist()
    one_view, two_views = math.log(3), math.log(7)  # candidates among 4 sentences
    assert found["cl"] == pytest.approx([two_views, 0.0])
    assert found["scl"][0] == pytest.approx(one_view)


def test_same_seed_same_bits_and_another_seed_others(config):
    first, again, other = (train(config(seed=s)) for s in (1, 1, 2))
    assert same(first, again) and not same(first, other)
    pd.testing.assert_frame_equal(first.history, again.history)


def test_torchs_global_generator_is_left_alone(config):
    torch.manual_seed(7)
    before = torch.get_rng_state()
    train(config(epochs=1))
    assert torch.equal(before, torch.get_rng_state())


def test_schedule_rises_then_falls_linearly():
    config = TrainConfig(
        corpus="x", lr=1.0, final_lr=0.25, warmup=0.2, epochs=1, batch_size=2
    ).resolved()
    rates = [learning_rate(step, 20, config) for step in range(20)]
    assert rates[:4] == [0.25, 0.5, 0.75, 1.0] and rates[4] == 1.0
    assert rates[-1] == pytest.approx(0.25)
    steps = [b - a for a, b in itertools.pairwise(rates[4:])]
    assert max(steps) - min(steps) < 1e-12


def test_decay_is_on_matrices_only(config, tiny_bert):
    model = DualCLModel.from_encoder(tiny_bert, ["positive", "negative"])
    decayed, spared = decay_groups(model, 0.01)
    names = {id(p): name for name, p in model.named_parameters()}
    assert decayed["weight_decay"] == 0.01 and spared["weight_decay"] == 0.0
    for p in spared["params"]:
        assert "bias" in names[id(p)] or "LayerNorm" in names[id(p)]
    for p in decayed["params"]:
        assert "bias" not in names[id(p)] and "LayerNorm" not in names[id(p)]
    assert len(decayed["params"]) + len(spared["params"]) == len(names)


def stop_at(monkeypatch, step):
    """Send the interrupt a user sends, while a step is under way."""
    training_step = training.training_step

    def interrupted(run):
        if run.step == step:
            signal.raise_signal(signal.SIGINT)
        training_step(run)

    monkeypatch.setattr(training, "training_step", interrupted)


@pytest.mark.parametrize("method", ["dualcl", "cl"])
@pytest.mark.parametrize("step", [0, 3, 7])
def test_interrupted_and_resumed_ends_equal_to_the_bit(
    config, tmp_path, monkeypatch, capsys, method, step
):
    whole = train(config(method=method))
    with monkeypatch.context() as patch:
        stop_at(patch, step)
        stopped = train(config(method=method, output=tmp_path / "run"))
    assert stopped.interrupted and len(stopped.history) == step + 1
    assert stopped.model.predict("a good film") and stopped.accuracy is None
    assert "resume=True" in capsys.readouterr().out
    assert not (tmp_path / "run").exists()
    resumed = train(config(method=method, output=tmp_path / "run", resume=True))
    assert same(whole, resumed) and whole.accuracy == resumed.accuracy
    pd.testing.assert_frame_equal(whole.history, resumed.history)
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_resume_with_selection_keeps_the_best_epoch(config, tmp_path, monkeypatch):
    settings = {"select": "validation", "validation": 0.3, "epochs": 4}
    whole = train(config(**settings))
    with monkeypatch.context() as patch:
        stop_at(patch, 9)
        train(config(**settings, output=tmp_path / "run"))
    resumed = train(config(**settings, output=tmp_path / "run", resume=True))
    assert same(whole, resumed)
    kept = whole.history.validation.dropna()
    assert len(kept) == 4
    data = training.load_corpus(whole.config)["validation"]
    assert training.evaluate(whole.model, data).accuracy == kept.max()


def test_other_settings_are_refused_with_the_difference(config, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        stop_at(patch, 2)
        train(config(output=tmp_path / "run"))
    with pytest.raises(ValueError, match=r"lr was 0.001, now 0.002"):
        train(config(output=tmp_path / "run", resume=True, lr=2e-3))
    with pytest.raises(FileExistsError, match="resume it"):
        train(config(output=tmp_path / "run"))


def test_a_finished_run_is_read_not_overwritten(config, tmp_path):
    run = train(config(output=tmp_path / "run"))
    with pytest.raises(FileExistsError, match="choose another"):
        train(config(output=tmp_path / "run"))
    for back in (train(config(output=tmp_path / "run", resume=True)), load_run(tmp_path / "run")):
        assert same(run, back) and back.accuracy == run.accuracy
        pd.testing.assert_frame_equal(run.history, back.history, check_dtype=False)
        assert torch.equal(run.model.score(["a film"]), back.model.score(["a film"]))
        assert (back.predictions.predicted == run.predictions.predicted).all()
    with pytest.raises(FileNotFoundError, match=r"no run\.json"):
        load_run(tmp_path)


def test_a_full_disk_leaves_nothing_half_written(config, tmp_path, monkeypatch):
    def full(*arguments, **settings):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dualcl_tutorial._run.write", full)
    with pytest.raises(OSError, match="No space left"):
        train(config(output=tmp_path / "run"))
    assert not list(tmp_path.iterdir())


def test_bf16_learns_what_fp32_learns(config):
    full, half = (train(config(precision=p)).history.loss for p in ("fp32", "bf16"))
    assert not full.equals(half)
    assert (full - half).abs().max() < 0.15 * full.max()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "dualc"}, r"nearest: 'dualcl'"),
        ({"method": "ce", "weight": 0.1}, "no weight for method 'ce'"),
        ({"epochs": 0}, "epochs at least 1"),
        ({"batch_size": 1}, "batch_size at least 2"),
        ({"lr": 0}, "lr above 0"),
        ({"final_lr": 1.0}, "final_lr between 0 and lr"),
        ({"temperature": 0}, "temperature above 0"),
        ({"weight": -1}, "weight at least 0"),
        ({"precision": "fp8"}, "precision out of"),
        ({"select": "test"}, 'select "last" or "validation"'),
        ({"select": "validation", "validation": 0}, "never on the test set"),
        ({"resume": True}, "given together with output"),
        ({"max_length": 5}, "raise max_length"),
    ],
)
def test_bad_settings_get_one_sentence(config, settings, message):
    with pytest.raises(ValueError, match=message) as error:
        train(config(**settings))
    assert "\n" not in str(error.value)


def test_defaults_are_the_papers_but_for_minilm():
    bert = TrainConfig(corpus="cr", encoder="bert").resolved()
    assert (bert.epochs, bert.batch_size, bert.lr, bert.final_lr) == (30, 64, 2e-5, 1e-5)
    assert (bert.weight, bert.temperature, bert.weight_decay) == (0.05, 0.1, 0.01)
    minilm = TrainConfig(corpus="cr").resolved()
    assert minilm.lr == 1e-4 and minilm.validation == 0
    assert TrainConfig(corpus="cr", method="label-aware").resolved().weight == 0
