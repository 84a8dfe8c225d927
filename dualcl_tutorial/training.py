"""The loop (lesson 06): five methods, one schedule, runs that can be repeated and resumed.

Whatever is random is a function of (seed, epoch, index) or (seed, step, view): batches and label
orders have generators of their own, and torch's global generator, which dropout draws from, is
seeded before each forward pass and put back after it. So a run that was interrupted and resumed
ends where it would have ended: on a CPU, with the same versions and threads, to the bit.
"""

from __future__ import annotations

import contextlib
import shutil
import signal
import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from dualcl_tutorial import checkpoint, corpora
from dualcl_tutorial._config import LABEL_AWARE, METHODS, TrainConfig, choose_precision
from dualcl_tutorial._results import (
    Evaluation,
    RunResult,
    evaluate,
    load_run,
    record,
    write,
)
from dualcl_tutorial.inputs import BatchPlan, sentence_pieces
from dualcl_tutorial.losses import (
    cross_entropy,
    dualcl_loss,
    loss_floor,
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
]


def method_loss(
    method: str, views: list[DualOutput], labels: Tensor, *, weight: float, temperature: float
) -> dict[str, Tensor]:
    """Compute the loss of a method from the views of a batch (lessons 01 to 05).

    Args:
        method: one of :data:`METHODS`.
        views: one forward pass, or two for "cl".
        labels: class index of each sentence, (N,), -1 for padding.
        weight: lambda.
        temperature: tau.

    Returns:
        ``loss``, which is minimised, and its parts; all scalars.
    """
    first = views[0]
    if method in LABEL_AWARE:
        parts = dualcl_loss(first.z, first.theta, labels, weight=weight, temperature=temperature)
        return {"loss": parts.total} | dict(zip(parts._fields[1:], parts[1:], strict=True))
    classified = torch.stack([cross_entropy(view.logits, labels) for view in views]).mean()
    if method == "ce":
        return {"loss": classified, "cross_entropy": classified}
    if method == "scl":
        contrast = supcon_loss(first.z, labels, temperature=temperature)
    else:
        contrast = self_contrastive_loss(first.z, views[1].z, temperature=temperature)
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
    started = time.monotonic()
    data = load_corpus(config)
    accelerator = _accelerator(config.precision)
    with _seeded(accelerator.device, config.seed, 0):
        model = build_model(config, data["train"].features["label"].names)
    model = model.to(accelerator.device)
    run = _Run(config, model, accelerator, data)
    run.restore()
    with (
        _interruptible() as interrupt,
        Progress(run.steps, config.progress, title=_title(config)) as bar,
    ):
        while run.step < run.steps and not interrupt.is_set():
            run.advance()
            bar.update(run.step, run.row)
            if run.step % run.plan.steps == 0:
                run.end_epoch()
            if run.checkpoint_due():
                run.save()
        bar.close(run.history())
    if run.step < run.steps:
        return run.stopped()
    return run.publish(time.monotonic() - started)


class _Run:
    """The state of one run: what a checkpoint holds, and one step of the loop."""

    def __init__(self, config: TrainConfig, model: TextClassifier, accelerator: Any, data: Any):
        self.config, self.model, self.accelerator, self.data = config, model, accelerator, data
        texts, labels = data["train"]["text"], list(data["train"]["label"])
        self.pieces = sentence_pieces(texts, model.tokenizer)
        self.labels = labels
        self.plan = BatchPlan(
            [len(ids) for ids in self.pieces],
            labels,
            config.batch_size,
            seed=config.seed,
            pairing=config.pairing,
        )
        self.steps = config.epochs * self.plan.steps
        self.collate = model.collator(shuffle_labels=config.shuffle_labels, seed=config.seed)
        self.optimizer = accelerator.prepare(
            torch.optim.AdamW(_decay_groups(model, config.weight_decay), lr=config.lr, fused=True)
        )
        self.output = Path(config.output) if config.output else None
        self.step = 0
        self.rows: list[dict[str, Any]] = []
        self.validated: list[dict[str, Any]] = []
        self.best: dict[str, Tensor] = {}
        self.saved_at = time.monotonic()

    def advance(self) -> None:
        """Do one step: a batch, its views, the loss, the gradient, the optimizer."""
        epoch, position = divmod(self.step, self.plan.steps)
        if position == 0 or not hasattr(self, "batches"):
            self.batches = self.plan.epoch(epoch)
        batch = self.collate(
            [
                {"input_ids": self.pieces[i], "label": self.labels[i], "index": i, "epoch": epoch}
                for i in self.batches[position]
            ]
        )
        bounds = loss_floor(batch["labels"])
        device = self.accelerator.device
        batch = {name: tensor.to(device, non_blocking=True) for name, tensor in batch.items()}
        labels = batch.pop("labels")
        self.model.train()
        views = []
        for view in range(2 if self.config.method == "cl" else 1):
            with _seeded(device, self.config.seed, 1, self.step, view), self.accelerator.autocast():
                views.append(self.model(**batch))
        parts = method_loss(
            self.config.method,
            views,
            labels,
            weight=self.config.weight,
            temperature=self.config.temperature,
        )
        rate = learning_rate(self.step, self.steps, self.config)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.accelerator.backward(parts["loss"])
        self.accelerator.clip_grad_norm_(self.model.parameters(), self.config.clip)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.step += 1
        kept = {name: part.detach() for name, part in parts.items()}  # read later: no host sync
        self.row = {"step": self.step, "epoch": epoch, "lr": rate, **kept}
        self.row |= {"collapsed": bounds[0], "floor": bounds[1]}
        self.rows.append(self.row)

    def end_epoch(self) -> None:
        """Judge the model on the validation split, where there is one, and keep the best."""
        if "validation" not in self.data:
            return
        accuracy = evaluate(self.model, self.data["validation"]).accuracy
        if self.config.select == "validation" and accuracy > max(
            (row["validation"] for row in self.validated), default=-1.0
        ):
            self.best = {k: v.detach().cpu().clone() for k, v in self.model.state_dict().items()}
        self.validated.append({"step": self.step, "validation": accuracy})

    def history(self) -> pd.DataFrame:
        """Return one row a step, validation accuracy in the last row of each epoch."""
        self._fetch()
        frame = pd.DataFrame(self.rows)
        return frame.merge(pd.DataFrame(self.validated), how="left") if self.validated else frame

    def _fetch(self) -> None:
        self.rows = [
            {k: float(v) if isinstance(v, Tensor) else v for k, v in row.items()}
            for row in self.rows
        ]

    def checkpoint_due(self) -> bool:
        """Say whether it is time to save."""
        if not self.output or self.step >= self.steps:
            return False
        every = self.config.checkpoint_steps
        late = time.monotonic() - self.saved_at > 60 * self.config.checkpoint_minutes
        return late or bool(every and self.step % every == 0)

    def save(self) -> None:
        """Write a checkpoint: weights, the optimizer's moments, how far the run is, its history."""
        self._fetch()
        moments = self.optimizer.state_dict()["state"]
        tensors = {f"model.{k}": v for k, v in self.model.state_dict().items()}
        tensors |= {f"best.{k}": v for k, v in self.best.items()}
        tensors |= {f"optimizer.{i}.{k}": v for i, m in moments.items() for k, v in m.items()}
        scaler = self.accelerator.scaler
        state = {
            "settings": self.config.settings(),
            "rows": self.rows,
            "validated": self.validated,
            "record": record(self.accelerator),
            "scaler": None if scaler is None else scaler.state_dict(),
        }
        if self.output is not None:
            checkpoint.save(_checkpoints(self.output), self.step, tensors, state)
        self.saved_at = time.monotonic()

    def restore(self) -> None:
        """Go on from the newest checkpoint, if the run is to be resumed and there is one."""
        if self.output is None or not _checkpoints(self.output).exists():
            return
        folder = _checkpoints(self.output)
        if not self.config.resume:
            raise FileExistsError(
                f"Expected no interrupted run for output {self.output}, but {folder} holds "
                "one: resume it (resume=True, --resume), or remove that folder."
            )
        loaded = checkpoint.load(folder)
        if loaded is None:
            return
        tensors, state = loaded
        _same_settings(state["settings"], self.config.settings(), folder)
        _same_surroundings(state["record"], record(self.accelerator))
        groups: dict[str, dict[str, Tensor]] = {"model": {}, "best": {}, "optimizer": {}}
        for name, tensor in tensors.items():
            kind, _, key = name.partition(".")
            groups[kind][key] = tensor
        self.model.load_state_dict(groups["model"])
        self.best = groups["best"]
        moments: dict[int, dict[str, Tensor]] = {}
        for name, tensor in groups["optimizer"].items():
            number, _, key = name.partition(".")
            moments.setdefault(int(number), {})[key] = tensor
        now = self.optimizer.state_dict()
        self.optimizer.load_state_dict({"state": moments, "param_groups": now["param_groups"]})
        if self.accelerator.scaler is not None:
            self.accelerator.scaler.load_state_dict(state["scaler"])
        self.step, self.rows, self.validated = state["step"], state["rows"], state["validated"]

    def stopped(self) -> RunResult:
        """Keep what there is of an interrupted run and say how to go on."""
        if self.output:
            self.save()
            print(
                f"Interrupted after step {self.step} of {self.steps}; run it again with "
                f"resume=True (--resume) and output {self.output} to go on."
            )
        return RunResult(self.config, self.model, self.history(), interrupted=True)

    def publish(self, seconds: float) -> RunResult:
        """Judge the final model on the test split and write the run, whole or not at all."""
        if self.best:
            self.model.load_state_dict(self.best)
        self.model.eval()
        judged = evaluate(self.model, self.data["test"])
        result = RunResult(
            self.config,
            self.model,
            self.history(),
            judged.accuracy,
            judged.predictions,
            record={**record(self.accelerator), "seconds": round(seconds, 1)},
        )
        if self.output:
            result.path = self.output
            with checkpoint.published(result.path) as folder:
                write(result, folder)
            shutil.rmtree(_checkpoints(self.output), ignore_errors=True)
        return result


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


def _accelerator(precision: str) -> Any:
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState

    AcceleratorState._reset_state()  # a second run in this process may ask for another precision
    return Accelerator(mixed_precision="no" if precision == "fp32" else precision)


def _decay_groups(model: torch.nn.Module, decay: float) -> list[dict[str, Any]]:
    """Decay weight matrices; leave biases and normalisation alone, as BERT's authors did."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]


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


def _title(config: TrainConfig) -> str:
    return f"{config.method} on {Path(config.corpus).name}"


def _checkpoints(output: Path) -> Path:
    """Where the checkpoints lie while the run is not finished: beside its output."""
    return output.with_name(output.name + ".checkpoint")


def _finished(config: TrainConfig, output: Path) -> RunResult:
    """Return the finished run an output holds, if that is what the caller wants."""
    if not config.resume:
        raise FileExistsError(
            f"Expected a free output folder, but {output} is there: choose another, or pass resume "
            " (--resume) to read the finished run in it."
        )
    run = load_run(output)
    _same_settings(run.config.settings(), config.settings(), output)
    shutil.rmtree(_checkpoints(output), ignore_errors=True)
    return run


def _same_settings(before: Mapping[str, Any], now: Mapping[str, Any], folder: Path) -> None:
    changed = [k for k in now if before.get(k) != now[k]]
    if changed:
        difference = ", ".join(f"{k} was {before.get(k)!r}, now {now[k]!r}" for k in changed)
        raise ValueError(
            f"Expected the settings of the run in {folder}, but {difference}: use the same "
            "settings, or another output."
        )


def _same_surroundings(before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    if before["device"] == now["device"] == "cpu" and before["threads"] != now["threads"]:
        torch.set_num_threads(
            before["threads"]
        )  # sums are cut by threads, and their last bit with it
    changed = [k for k in ("versions", "machine", "device") if before[k] != now[k]]
    if changed:
        warnings.warn(
            f"Going on with other {' and '.join(changed)} than the run began with: the result will "
            "be as good, but not equal to the bit.",
            stacklevel=3,
        )
