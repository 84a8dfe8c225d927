"""The loop (lesson 06): five methods, one schedule, runs that can be repeated and resumed.

Whatever is random is a function of (seed, epoch, index) or (seed, step, view): batches and label
orders have generators of their own, and torch's global generator, which dropout draws from, is
seeded before each forward pass and put back after it. So a run that was interrupted and resumed
ends where it would have ended: on a CPU, with the same versions and threads, to the bit.
"""

from __future__ import annotations

import contextlib
import ctypes
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dualcl_tutorial import corpora, scale
from dualcl_tutorial._config import LABEL_AWARE, METHODS, TrainConfig, choose_precision
from dualcl_tutorial._results import Evaluation, RunResult, evaluate, load_run
from dualcl_tutorial._run import Run, checkpoints, same_settings
from dualcl_tutorial.losses import (
    cross_entropy,
    dualcl_loss,
    self_contrastive_loss,
    supcon_loss,
)
from dualcl_tutorial.model import CrossEntropyModel, DualCLModel, DualOutput, TextClassifier
from dualcl_tutorial.progress import Progress

__all__ = [
    "METHODS",
    "Evaluation",
    "RunResult",
    "TrainConfig",
    "build_model",
    "choose_precision",
    "evaluate",
    "learning_rate",
    "load_corpus",
    "load_run",
    "method_loss",
    "train",
    "training_step",
]

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_MMAP_MAX = -1, -3, -4  # of malloc.h


def method_loss(
    method: str,
    views: list[DualOutput],
    labels: Tensor,
    *,
    weight: float,
    temperature: float,
    chunk: int | None = None,
) -> dict[str, Tensor]:
    """Compute the loss of a method from the views of a batch (lessons 01 to 05).

    Args:
        method: one of :data:`METHODS`.
        views: one forward pass, or two for "cl".
        labels: class index of each sentence, (N,), -1 for padding.
        weight: lambda.
        temperature: tau.
        chunk: rows of the contrastive part at a time; all if not given.

    Returns:
        ``loss``, which is minimised, and its parts; all scalars.
    """
    first = views[0]
    how: Any = {"temperature": temperature, "chunk": chunk}
    if method in LABEL_AWARE:
        parts = dualcl_loss(first.z, first.theta, labels, weight=weight, **how)
        return {"loss": parts.total} | dict(zip(parts._fields[1:], parts[1:], strict=True))
    classified = torch.stack([cross_entropy(view.logits, labels) for view in views]).mean()
    if method == "ce":
        return {"loss": classified, "cross_entropy": classified}
    if method == "scl":
        contrast = supcon_loss(first.z, labels, **how)
    else:
        contrast = self_contrastive_loss(first.z, views[1].z, **how)
    return {
        "loss": classified + weight * contrast,
        "cross_entropy": classified,
        "contrastive": contrast,
    }


def learning_rate(step: int, steps: int, config: TrainConfig) -> float:
    """Rise linearly over the warm-up, then fall linearly from lr to final_lr (lesson 06)."""
    warm = round(config.warmup * steps)
    if step < warm:
        return config.lr * (step + 1) / warm
    done = (step - warm) / max(1, steps - 1 - warm)
    return config.lr + (config.final_lr - config.lr) * done


def train(config: TrainConfig) -> RunResult:
    """Train one model and judge it on the whole test split (lesson 06).

    Interrupt (Ctrl-C, the stop button of a notebook) ends the run after the step it is in: the
    checkpoint is saved where there is an output, and the model is returned as it is.

    Args:
        config: what to do; see :class:`TrainConfig`.

    Raises:
        ValueError: if a setting will not do, or the run to resume had other settings.
        FileExistsError: if the output holds a finished run.

    Example:
        >>> train(TrainConfig(corpus="mini-reviews", output="runs/first")).accuracy
    """
    config = config.resolved()
    if config.output and Path(config.output).exists():
        return _finished(config, Path(config.output))
    started, title = time.monotonic(), f"{config.method} on {Path(config.corpus).name}"
    data = load_corpus(config)
    accelerator = _accelerator(config)
    with _seeded(accelerator.device, config.seed, 0):
        model = build_model(config, data["train"].features["label"].names)
    model = model.to(accelerator.device)
    run = Run(config, model, accelerator, data)
    run.restore()
    shown = config.progress and scale.rank() == 0
    with _interruptible() as interrupt, Progress(run.steps, shown, title=title) as bar:
        while run.step < run.steps and not scale.any_of(interrupt.is_set(), run.device):
            training_step(run)
            bar.update(run.step, run.rows[-1])
            if run.step % run.plan.steps == 0:
                run.end_epoch()
            if run.checkpoint_due():
                run.save()
        bar.close(run.history())
    if run.step < run.steps:
        return run.stopped()
    try:
        return run.publish(time.monotonic() - started)
    except KeyboardInterrupt:  # while judging: all steps are done and must not be lost
        return run.stopped()


def training_step(run: Run) -> None:
    """Do one step: a batch, its views, the loss, the gradient, the optimizer (lesson 06).

    Of several processes each takes its share of the batch through the encoder; loss and gradient
    are those of the whole batch (lesson 12).
    """
    config, accelerator = run.config, run.accelerator
    batch, labels = run.batch(run.step)
    inputs = {name: tensor.to(run.device, non_blocking=True) for name, tensor in batch.items()}
    run.model.train()
    views = []
    own = [scale.rank()] if scale.rank() else []  # other processes drop other units
    for view in range(2 if config.method == "cl" else 1):
        with _seeded(run.device, config.seed, 1, run.step, view, *own), accelerator.autocast():
            views.append(scale.in_pieces(run.model, inputs, config.micro_batch))
    views, labels = scale.gather(views, labels.to(run.device))
    parts = method_loss(
        config.method,
        views,
        labels,
        weight=config.weight,
        temperature=config.temperature,
        chunk=config.micro_batch,
    )
    rate = learning_rate(run.step, run.steps, config)
    for group in run.optimizer.param_groups:
        group["lr"] = rate
    accelerator.backward(parts["loss"])
    scale.sum_gradients(run.model.parameters())
    accelerator.clip_grad_norm_(run.model.parameters(), config.clip)
    run.optimizer.step()
    run.optimizer.zero_grad()
    run.log(rate, parts)


def load_corpus(config: TrainConfig) -> Any:
    """Load the splits a run works on."""
    return corpora.load(
        config.corpus,
        fraction=config.fraction,
        per_class=config.per_class,
        validation=config.validation,
        seed=config.seed,
        test=config.test,
        text_column=config.text_column,
        label_column=config.label_column,
        label_words=config.label_words,
    )


def build_model(config: TrainConfig, label_words: list[str]) -> TextClassifier:
    """Put the head, or the label words, of a method on its encoder."""
    if config.method not in LABEL_AWARE:
        return CrossEntropyModel.from_encoder(
            config.encoder, label_words, max_length=config.max_length
        )
    return DualCLModel.from_encoder(
        config.encoder,
        label_words,
        positions=config.positions,
        max_length=config.max_length,
        weight=config.weight,
        temperature=config.temperature,
    )


def _accelerator(config: TrainConfig) -> Any:
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState

    AcceleratorState._reset_state()  # a second run in this process may ask for another precision
    _freed_memory(kept=config.micro_batch is None)
    precision = "no" if config.precision == "fp32" else config.precision
    return Accelerator(mixed_precision=precision)


def _freed_memory(*, kept: bool) -> None:
    """Tell the C library to keep what a step frees for the next one, or to give it back at once.

    Left alone, glibc gives large blocks back, and gradients and activations come from the kernel
    anew in each step, page by page and filled with zeros. Kept, they leave holes that pieces of
    another width do not fit into: a batch in pieces, which is there to save memory, would need more
    and more of it (``course/experiments/batch_memory.py`` measures steps of both kinds).
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):  # another C library
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_MAX, 0 if kept else 2**16)
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1 if kept else 2**20)
        if not kept:
            mallopt(_M_MMAP_THRESHOLD, 2**20)


@contextlib.contextmanager
def _seeded(device: torch.device, *key: int) -> Iterator[None]:
    """Seed torch's global generator from a key for a while, then put it back."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0] >> 1))
        yield


@contextlib.contextmanager
def _interruptible() -> Iterator[threading.Event]:
    """Turn a first interrupt into an event, so that no step is cut in half; a second raises."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = signal.getsignal(signal.SIGINT)

    def ask(number: int, frame: Any) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    signal.signal(signal.SIGINT, ask)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)


def _finished(config: TrainConfig, output: Path) -> RunResult:
    """Return the finished run an output holds, if that is what the caller wants."""
    if not config.resume:
        raise FileExistsError(
            f"Expected a free output folder, but {output} is there: choose another, or pass resume "
            "(--resume) to read the finished run in it."
        )
    run = load_run(output)
    same_settings(run.config.settings(), config.settings(), output)
    shutil.rmtree(checkpoints(output), ignore_errors=True)
    return run
