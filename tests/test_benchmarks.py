"""The benchmarks: what the baseline computes, what is counted, and the page that is written."""

import itertools
import os
from functools import partial
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import benchmarks.__main__ as bench
from benchmarks import contrastive, report, timing, training
from benchmarks.baseline import Baseline, random_batches
from benchmarks.profiling import ELEMENTWISE, MATRIX, kind_of
from dualcl_tutorial.losses import cross_entropy, dual_contrastive_loss, label_logits, true_columns
from dualcl_tutorial.variants import release_contrastive_loss, release_loss

NAMES = ["positive", "negative"]
TEXTS = ["a Good film", "the service was slow and the food was cold", "a bad book", "good music"]
LABELS = [0, 1, 1, 0]


@pytest.fixture
def baseline(tiny_bert):
    return Baseline(str(tiny_bert), NAMES, weight=0.3, lr=1e-3)


def test_the_baselines_input_is_the_releases(baseline):
    batch = baseline.batch(TEXTS)
    tokens = baseline.tokenizer.convert_ids_to_tokens(batch["input_ids"][0])
    assert tokens[:7] == ["[CLS]", "positive", "negative", "[SEP]", "a", "good", "film"]
    assert tokens[7:] == ["[SEP]"] + ["[PAD]"] * (len(tokens) - 8)  # padded to the longest
    assert len(tokens) == int(batch["attention_mask"][1].sum())
    assert batch["position_ids"][0].tolist() == [0, 0, 0, *range(1, len(tokens) - 2)]


def test_the_baseline_can_number_positions_as_the_paper_does(tiny_bert):
    batch = Baseline(str(tiny_bert), NAMES, positions="sequential").batch(TEXTS)
    assert batch["position_ids"].shape == batch["input_ids"].shape
    assert batch["position_ids"][1].tolist() == list(range(batch["input_ids"].shape[1]))


def test_a_step_of_the_baseline_minimises_the_releases_loss(baseline):
    torch.manual_seed(0)
    baseline.encoder.train()
    z, theta, logits = baseline.read(TEXTS)
    labels = torch.tensor(LABELS)
    assert torch.equal(logits, label_logits(z, theta))
    expected = release_loss(z, theta, labels, alpha=baseline.alpha)
    star = true_columns(theta, labels)
    contrast = release_contrastive_loss(z, star, labels) + release_contrastive_loss(star, z, labels)
    lam = (cross_entropy(logits, labels) + 0.3 * contrast) * (1 - baseline.alpha)
    torch.testing.assert_close(expected, lam)  # alpha stands for the weight
    torch.manual_seed(0)
    losses = [baseline.step(TEXTS, LABELS)]
    assert losses[0] == pytest.approx(expected.item(), rel=1e-6)
    losses += [baseline.step(TEXTS, LABELS) for _ in range(30)]
    assert losses[-1] < 0.7 * losses[0]
    assert baseline.predict(TEXTS) == LABELS
    assert baseline.predict(TEXTS, batch_size=1) == LABELS
    baseline.step(TEXTS, LABELS, lr=0.125)
    assert {group["lr"] for group in baseline.optimizer.param_groups} == {0.125}


def test_random_batches_hold_each_example_once():
    batches = random_batches(10, 4, seed=1)
    assert [len(rows) for rows in batches] == [4, 4, 2]
    assert sorted(itertools.chain(*batches)) == list(range(10))
    assert batches == random_batches(10, 4, seed=1) != random_batches(10, 4, seed=2)


def test_operations_are_those_torch_counts(tiny_bert):
    split = training.some("mini-reviews", 1)
    run = training.package_run(split, str(tiny_bert), 2, precision="fp32")
    batch = run.collate([{"input_ids": run.pieces[0]}])
    run.model.encoder.set_attn_implementation("eager")  # torch does not count in fused attention
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        run.model.encoder(**batch)
    assert training.forward_operations(run) == counter.get_total_flops()


def test_one_product_gives_what_two_directions_give():
    draw = torch.Generator().manual_seed(0)
    z, star = torch.randn(2, 12, 5, generator=draw, dtype=torch.float64)
    labels = torch.tensor([0, 0, 0, 1, 1, 2, 2, 2, 2, 3, 4, 1])  # 3 and 4 are alone
    theta = star[:, None].repeat(1, 5, 1)
    given = [z.requires_grad_(), theta.requires_grad_()]
    expected = sum(dual_contrastive_loss(*given, labels))
    got = contrastive.shared(z, true_columns(theta, labels), labels)
    torch.testing.assert_close(got, expected)
    for a, b in zip(
        torch.autograd.grad(got, given), torch.autograd.grad(expected, given), strict=True
    ):
        torch.testing.assert_close(a, b)


def test_contenders_take_turns_and_ratios_are_within_a_round(monkeypatch):
    order, clock = [], iter([0, 0, 9, 10, 10, 12, 12, 18, 20, 24])
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(clock))
    contenders = {"a": lambda: order.append("a"), "b": lambda: order.append("b")}
    seconds = timing.interleaved(contenders, rounds=2)
    assert order == ["b", "a", "a", "b", "b", "a"]  # the first round warms up
    assert seconds == {"a": [1, 4], "b": [2, 6]}
    assert timing.ratios(seconds, "a")["b"] == (pytest.approx(7 / 12), 1 / 2, 2 / 3)


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="Linux counts memory")
def test_peak_memory_sees_what_was_freed_again():
    with timing.Apart(_peak_of_64_mib) as apart:  # here memory may lie about that others freed
        assert apart() == pytest.approx(64, abs=8)


def _peak_of_64_mib():
    torch.ones(8)
    return partial(timing.peak_memory, partial(_allocate, 64 * 2**18))


def _allocate(numbers):
    torch.ones(numbers)  # gone at once


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="Linux counts memory")
def test_memory_given_back_is_said_only_to_processes_started_meanwhile():
    with timing.freed_memory_given_back(), timing.Apart(_setting) as apart:
        assert apart() == str(2**20)
    assert _setting()() is None


def _setting():
    return partial(os.environ.get, "MALLOC_MMAP_THRESHOLD_")


def test_apart_is_another_process_that_is_made_once():
    with timing.Apart(partial, os.getpid) as apart:
        first, second = apart(), apart()
    assert first == second != os.getpid()


def test_operators_are_sorted_by_kind():
    assert kind_of("aten::addmm") == kind_of("aten::bmm") == MATRIX
    assert kind_of("aten::_fused_adamw_") == kind_of("Optimizer.step#AdamW.step") == "AdamW"
    assert kind_of("aten::bernoulli_") == "random numbers of dropout"
    assert kind_of("aten::mul") == ELEMENTWISE


class Here:
    """Apart, without the other process."""

    def __init__(self, make, *arguments):
        self.run = make(*arguments)

    def __call__(self):
        return self.run()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass


def test_a_small_run_of_everything_writes_the_page(tiny_bert, tmp_path, monkeypatch):
    for module in (training, contrastive):
        monkeypatch.setattr(module, "Apart", Here)
    sizes = vars(bench.QUICK) | {
        "encoder": str(tiny_bert),
        "corpora": ("mini-reviews",),
        "examples": 12,
        "profiled": 8,
        "features": 64,
        "per_class": {"mini-reviews": 4},
        "batch_size": 4,
    }
    found = bench.measure(bench.Sizes(**sizes))
    report.write(found, tmp_path)
    page = (tmp_path / "README.md").read_text()
    assert (tmp_path / "growth.png").read_bytes().startswith(b"\x89PNG")
    assert "{" not in page and str(tiny_bert) in page
    assert page.count("| mini-reviews | package, fp32 |") == 2
    shares = found["profile"]["package, fp32"]
    assert sum(shares.values()) == pytest.approx(100, abs=25) and shares[MATRIX] > 0
    padded = found["padding"]["mini-reviews"]
    assert padded["package"] < padded["baseline"]
    methods = {row["method"] for row in found["accuracy"]}
    assert methods == {"package", training.BASELINE, training.SEQUENTIAL}
    assert found["growth"][3].expected == pytest.approx([1, 2], rel=0.2)  # twice the batch
