"""Training, inference and the optimizer: the package's own pieces beside the baseline."""

from __future__ import annotations

import contextlib
import multiprocessing
import statistics
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch

from benchmarks.baseline import Baseline, random_batches
from benchmarks.profiling import where_time_goes
from benchmarks.timing import Apart, interleaved, matrix_rate, operations, ratios
from dualcl_tutorial import corpora
from dualcl_tutorial._run import Run
from dualcl_tutorial.training import (
    TrainConfig,
    _accelerator,
    build_model,
    choose_precision,
    learning_rate,
    load_corpus,
    train,
    training_step,
)

BASELINE = "baseline"
SEQUENTIAL = "baseline, positions in order"
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


def precisions() -> list[str]:
    """Return float32, and bf16 where the processor multiplies it natively."""
    return ["fp32", "bf16"] if choose_precision("auto") == "bf16" else ["fp32"]


def some(corpus: str, examples: int, split: str = "train") -> Any:
    """Return a split of a corpus, at most so many examples of it, drawn with seed 0."""
    data = corpora.load(corpus, validation=0.0)[split]
    return data.select(np.random.default_rng(0).permutation(len(data))[:examples])


def package_run(split: Any, encoder: str, batch_size: int, **settings: Any) -> Run:
    """Build what `training.train` builds, for the examples given."""
    config = TrainConfig(
        corpus="given", encoder=encoder, batch_size=batch_size, epochs=1000, **settings
    ).resolved()
    accelerator = _accelerator(config)
    model = build_model(config, split.features["label"].names)
    return Run(config, model, accelerator, {"train": split})


def package_epoch(corpus: str, examples: int, encoder: str, batch_size: int, precision: str):
    """Return a function that trains over the examples once, as `training.train` does."""
    run = package_run(some(corpus, examples), encoder, batch_size, precision=precision)

    def epoch() -> None:
        for _ in range(run.plan.steps):
            training_step(run)
        run.rows.clear()

    return epoch


def baseline_epoch(corpus: str, examples: int, encoder: str, batch_size: int):
    """Return a function that trains over the examples once, as the release does."""
    split = some(corpus, examples)
    baseline = Baseline(encoder, split.features["label"].names)
    texts, labels, seeds = list(split["text"]), list(split["label"]), iter(range(10**6))

    def epoch() -> None:
        for rows in random_batches(len(texts), batch_size, next(seeds)):
            baseline.step([texts[i] for i in rows], [labels[i] for i in rows])

    return epoch


def compare_training(
    corpus: str, examples: int, *, encoder: str, batch_size: int, rounds: int
) -> list[dict[str, Any]]:
    """Train over the same examples once a round: baseline, package in float32, in bf16."""
    given = (corpus, examples, encoder, batch_size)
    makers = {BASELINE: (baseline_epoch, *given)}
    makers |= {f"package, {p}": (package_epoch, *given, p) for p in precisions()}
    run = package_run(some(corpus, examples), encoder, batch_size, precision="fp32")
    needed = 3 * forward_operations(run)  # backward: two products for each one of forward
    return [{"corpus": corpus} | row for row in under_the_ceiling(makers, rounds, needed)]


def under_the_ceiling(makers: dict[str, tuple], rounds: int, needed: int) -> list[dict[str, Any]]:
    """Run contenders in turn; return how much faster each is and its share of the ceiling."""
    rates = {p: matrix_rate(DTYPES[p]) for p in precisions()}
    with contextlib.ExitStack() as stack:
        apart = {k: stack.enter_context(Apart(*maker)) for k, maker in makers.items()}
        seconds = interleaved(apart, rounds)
    rates = {p: max(rate, matrix_rate(DTYPES[p])) for p, rate in rates.items()}
    faster = ratios(seconds, BASELINE)
    rows = []
    for name, own in seconds.items():
        ceiling = needed / rates["bf16" if name.endswith("bf16") else "fp32"]
        share = ceiling / statistics.median(own)
        rows.append({"what": name, "faster": faster[name], "share": share})
    return rows


def forward_operations(run: Run) -> int:
    """Count the operations of one pass of a run's encoder over all its examples, not padded."""
    config = run.model.encoder.config
    frame = int(run.collate([{"input_ids": []}])["attention_mask"].sum())  # [CLS], labels, [SEP]
    return operations(
        [min(len(ids), run.collate.room) + frame for ids in run.pieces],
        width=config.hidden_size,
        inner=config.intermediate_size,
        layers=config.num_hidden_layers,
    )


def padding(corpus: str, examples: int, *, encoder: str, batch_size: int) -> dict[str, float]:
    """Return the share of padding among the tokens of an epoch, in per cent."""
    split = some(corpus, examples)
    run = package_run(split, encoder, batch_size, precision="fp32")
    texts, baseline = list(split["text"]), Baseline(encoder, split.features["label"].names)
    batches = {
        BASELINE: [
            baseline.batch([texts[i] for i in rows])
            for rows in random_batches(len(texts), batch_size, 0)
        ],
        "package": [run.batch(step)[0] for step in range(run.plan.steps)],
    }
    found = {}
    for name, made in batches.items():
        masks = [batch["attention_mask"] for batch in made]
        found[name] = 100 - 100 * sum(int(m.sum()) for m in masks) / sum(m.numel() for m in masks)
    return found


def word_table(corpus: str, *, encoder: str) -> tuple[float, float]:
    """Return the share of all weights in the word table, and of its rows in training, in %."""
    split = corpora.load(corpus, validation=0.0)["train"]
    run = package_run(split, encoder, 16, precision="fp32")
    table = run.model.encoder.get_input_embeddings().weight
    weights = sum(parameter.numel() for parameter in run.model.parameters())
    used = len({piece for ids in run.pieces for piece in ids})
    return 100 * table.numel() / weights, 100 * used / len(table)


def profiles(corpus: str, examples: int, *, encoder: str, batch_size: int) -> dict[str, dict]:
    """Say where the time of each contender's epoch goes, in per cent by kind of work."""
    given = (corpus, examples, encoder, batch_size)
    makers: dict[str, Callable] = {BASELINE: partial(baseline_epoch, *given)}
    makers |= {f"package, {p}": partial(package_epoch, *given, p) for p in precisions()}
    found = {}
    for name, make in makers.items():
        with Apart(partial(_profiled, make)) as apart:
            found[name] = apart()
    return found


def _profiled(make: Callable) -> Callable:
    return partial(where_time_goes, make())


def baseline_inference(corpus: str, examples: int, encoder: str):
    split = some(corpus, examples, "test")
    baseline = Baseline(encoder, split.features["label"].names)
    return partial(baseline.predict, list(split["text"]))


def package_inference(corpus: str, examples: int, encoder: str, precision: str):
    split = some(corpus, examples, "test")
    config = TrainConfig(corpus=corpus, encoder=encoder).resolved()
    model = build_model(config, split.features["label"].names)
    texts = list(split["text"])

    def score() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            model.score(texts)

    return score


def compare_inference(
    corpus: str, examples: int, *, encoder: str, rounds: int
) -> list[dict[str, Any]]:
    """Classify a test split once a round: unsorted and padded, or as `predict` does it."""
    given = (corpus, examples, encoder)
    makers = {BASELINE: (baseline_inference, *given)}
    makers |= {f"package, {p}": (package_inference, *given, p) for p in precisions()}
    run = package_run(some(corpus, examples, "test"), encoder, 16, precision="fp32")
    found = under_the_ceiling(makers, rounds, forward_operations(run))
    return [{"corpus": corpus} | row for row in found]


def compare_optimizers(*, encoder: str, rounds: int) -> list[dict[str, Any]]:
    """Do AdamW's step alone over all weights: a loop over tensors, foreach, fused."""
    kinds = {
        "plain": {"foreach": False},
        "foreach": {"foreach": True},
        "fused": {"fused": True},
    }
    contenders = {}
    for name, kind in kinds.items():
        model = build_model(TrainConfig(corpus="x", encoder=encoder).resolved(), ["bad", "good"])
        parameters = list(model.parameters())
        for parameter in parameters:
            parameter.grad = torch.full_like(parameter, 1e-3)
        contenders[name] = torch.optim.AdamW(parameters, lr=1e-6, **kind).step
    faster = ratios(interleaved(contenders, rounds), "plain")
    return [{"what": name, "faster": faster[name]} for name in contenders]


def compare_accuracy(
    corpus: str, seeds: int, *, encoder: str, **settings: Any
) -> list[dict[str, Any]]:
    """Train all on the same examples with the same learning rates; judge on the test set.

    Nothing is timed here, so as many runs as there are threads go at once, each with one.
    """
    config = TrainConfig(corpus=corpus, encoder=encoder, progress=False, **settings)
    asked = [
        (method, replace(config, seed=seed, positions=positions).resolved())
        for seed in range(seeds)
        for method, positions in (
            (BASELINE, "shared"),
            (SEQUENTIAL, "sequential"),
            ("package", "sequential"),
        )
    ]
    with ProcessPoolExecutor(
        torch.get_num_threads(),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=torch.set_num_threads,
        initargs=(1,),
    ) as pool:
        rows = []
        for (method, own), accuracy in zip(asked, pool.map(_accuracy, asked), strict=True):
            print(f"    seed {own.seed}, {method}: {accuracy:.3f}", flush=True)
            known = {"corpus": corpus, "method": method, "seed": own.seed}
            rows.append(known | {"accuracy": accuracy})
    return rows


def _accuracy(asked: tuple[str, TrainConfig]) -> float:
    method, config = asked
    return train(config).accuracy if method == "package" else train_baseline(config)


def train_baseline(config: TrainConfig) -> float:
    """Train the baseline as a config says and return its accuracy on the test split."""
    data = load_corpus(config)
    texts, labels = list(data["train"]["text"]), list(data["train"]["label"])
    baseline = Baseline(
        config.encoder,
        data["train"].features["label"].names,
        weight=config.weight,
        positions=config.positions,
    )
    batches = [
        rows
        for epoch in range(config.epochs)
        for rows in random_batches(len(texts), config.batch_size, 1000 * config.seed + epoch)
    ]
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)  # of dropout
        for step, rows in enumerate(batches):
            rate = learning_rate(step, len(batches), config)
            baseline.step([texts[i] for i in rows], [labels[i] for i in rows], rate)
    predicted = np.array(baseline.predict(list(data["test"]["text"])))
    return float((predicted == np.array(data["test"]["label"])).mean())
