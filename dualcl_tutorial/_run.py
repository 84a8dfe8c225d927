"""The state of a run: made, saved, restored, published (lesson 06)."""

from __future__ import annotations

import shutil
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from dualcl_tutorial import checkpoint, scale
from dualcl_tutorial._config import TrainConfig
from dualcl_tutorial._results import RunResult, evaluate, record, write
from dualcl_tutorial.inputs import BatchPlan, sentence_pieces
from dualcl_tutorial.losses import PADDING, loss_floor
from dualcl_tutorial.model import TextClassifier


class Run:
    """The state of one run: its data and plan, and what a checkpoint holds."""

    def __init__(self, config: TrainConfig, model: TextClassifier, accelerator: Any, data: Any):
        self.config, self.model, self.accelerator, self.data = config, model, accelerator, data
        self.device = accelerator.device
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
            torch.optim.AdamW(decay_groups(model, config.weight_decay), lr=config.lr, fused=True)
        )
        self.output = Path(config.output) if config.output else None
        self.epochs: dict[int, list[list[int]]] = {}
        self.step = 0
        self.rows: list[dict[str, Any]] = []
        self.validated: list[dict[str, Any]] = []
        self.best: dict[str, Tensor] = {}
        self.saved_at = time.monotonic()

    def batch(self, step: int) -> tuple[dict[str, Tensor], Tensor]:
        """Return the inputs and labels of a step, on the CPU; the same whenever it is asked.

        Of several processes each gets its share, empty sentences of label -1 at the end of it.
        """
        epoch = step // self.plan.steps
        batch = self.collate(
            [
                {"input_ids": self.pieces[i], "label": self.labels[i], "index": i, "epoch": epoch}
                if i is not None
                else {"input_ids": [], "label": PADDING, "index": 0}
                for i in scale.share(self.rows_of(step))
            ]
        )
        return batch, batch.pop("labels")

    def rows_of(self, step: int) -> list[int]:
        """List the examples of a step, over all processes."""
        epoch, position = divmod(step, self.plan.steps)
        if epoch not in self.epochs:
            self.epochs = {epoch: self.plan.epoch(epoch)}
        return self.epochs[epoch][position]

    def log(self, rate: float, parts: dict[str, Tensor]) -> None:
        """Count a step and keep its row; losses are read later, so that no step waits for one."""
        labels = torch.tensor([self.labels[i] for i in self.rows_of(self.step)])  # all processes'
        if self.config.method == "cl":  # compares sentences, each with its other view
            labels = torch.arange(len(labels)).repeat(2)
        collapsed, floor = loss_floor(labels)
        row: dict[str, Any] = {"step": self.step + 1, "epoch": self.step // self.plan.steps}
        row |= {"lr": rate} | {name: part.detach() for name, part in parts.items()}
        self.rows.append(row | {"collapsed": collapsed, "floor": floor})
        self.step += 1

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
        if not self.output or self.step >= self.steps or scale.rank() > 0:
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
            checkpoint.save(checkpoints(self.output), self.step, tensors, state)
        self.saved_at = time.monotonic()

    def restore(self) -> None:
        """Go on from the newest checkpoint, if the run is to be resumed and there is one."""
        if self.output is None or not checkpoints(self.output).exists():
            return
        folder = checkpoints(self.output)
        if not self.config.resume:
            raise FileExistsError(
                f"Expected no interrupted run for output {self.output}, but {folder} holds "
                "one: resume it (resume=True, --resume), or remove that folder."
            )
        loaded = checkpoint.load(folder)
        if loaded is None:
            return
        tensors, state = loaded
        same_settings(state["settings"], self.config.settings(), folder)
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
        self.model.eval()
        if self.output and scale.rank() == 0:
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
            if scale.rank() == 0:
                with checkpoint.published(result.path) as folder:
                    write(result, folder)
                shutil.rmtree(checkpoints(self.output), ignore_errors=True)
            self.accelerator.wait_for_everyone()  # so that every process finds the run
        return result


def decay_groups(model: torch.nn.Module, decay: float) -> list[dict[str, Any]]:
    """Decay weight matrices; leave biases and normalisation alone, as BERT's authors did."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]


def checkpoints(output: Path) -> Path:
    """Say where the checkpoints lie while the run is not finished: beside its output."""
    return output.with_name(output.name + ".checkpoint")


def same_settings(before: Mapping[str, Any], now: Mapping[str, Any], folder: Path) -> None:
    """Refuse to go on with settings that differ, and show the difference."""
    changed = [k for k in {**before, **now} if before.get(k) != now.get(k)]
    if changed:
        difference = ", ".join(f"{k} was {before.get(k)!r}, now {now.get(k)!r}" for k in changed)
        raise ValueError(
            f"Expected the settings of the run in {folder}, but {difference}: use the same "
            "settings, or another output."
        )


def _same_surroundings(before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    threads = before["threads"]
    if before["device"] == now["device"] == "cpu" and threads != now["threads"]:
        torch.set_num_threads(threads)
        warnings.warn(
            f"Going on with {threads} instead of {now['threads']} threads, as the run began: how "
            "sums are cut, and so their last bit, depends on it.",
            stacklevel=3,
        )
    changed = [
        k for k in ("versions", "machine", "device", "processes") if before.get(k) != now.get(k)
    ]
    if changed:
        warnings.warn(
            f"Going on with other {' and '.join(changed)} than the run began with: the result will "
            "be as good, but not equal to the bit.",
            stacklevel=3,
        )
