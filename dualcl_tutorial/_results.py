"""What a run leaves, and how a model is judged (lesson 06)."""

from __future__ import annotations

import json
import platform
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from dualcl_tutorial import __version__, scale
from dualcl_tutorial._config import TrainConfig
from dualcl_tutorial.model import TextClassifier


@dataclass
class Evaluation:
    """How a model does on a split.

    Attributes:
        accuracy: share of right predictions, 0 to 1.
        predictions: one row an example: label, predicted (class indices), score (probability).
    """

    accuracy: float
    predictions: pd.DataFrame


@dataclass
class RunResult:
    """What a run leaves.

    Attributes:
        config: the settings it ran with.
        model: the trained model, ready to predict.
        history: one row a step: loss and its parts, learning rate, the contrastive loss's bounds.
        accuracy: on the whole test split, 0 to 1; None if the run was interrupted.
        predictions: see :class:`Evaluation`; None if the run was interrupted.
        path: folder of the run; None if there was no output.
        record: versions, machine, threads, precision and duration.
        interrupted: whether it was stopped before its last epoch.
    """

    config: TrainConfig
    model: TextClassifier
    history: pd.DataFrame
    accuracy: float | None = None
    predictions: pd.DataFrame = None
    path: Path | None = None
    record: dict[str, Any] = field(default_factory=dict)
    interrupted: bool = False


def evaluate(model: TextClassifier, split: Any, *, batch_size: int = 64) -> Evaluation:
    """Judge a model on a split of :func:`dualcl_tutorial.corpora.load`, in float32.

    Args:
        model: any of the two models.
        split: a dataset with columns text and label.
        batch_size: sentences at a time.
    """
    probabilities = model.score(split["text"], batch_size=batch_size).softmax(-1)
    score, predicted = probabilities.max(-1)
    labels = np.asarray(split["label"])
    frame = pd.DataFrame({"label": labels, "predicted": predicted.numpy(), "score": score.numpy()})
    return Evaluation(float((frame.label == frame.predicted).mean()), frame)


def load_run(folder: str | Path) -> RunResult:
    """Read a finished run from its folder.

    Raises:
        FileNotFoundError: if the folder holds none.
    """
    from transformers import AutoModelForSequenceClassification

    folder = Path(folder)
    if not (folder / "run.json").is_file():
        raise FileNotFoundError(f"Expected a finished run in {folder}, found no run.json there.")
    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    return RunResult(
        TrainConfig(**run["settings"], output=folder).resolved(),
        AutoModelForSequenceClassification.from_pretrained(folder),
        pd.read_json(folder / "history.json", orient="records", precise_float=True),
        run["accuracy"],
        pd.read_csv(folder / "predictions.csv"),
        folder,
        run["record"],
    )


def record(accelerator: Any) -> dict[str, Any]:
    packages = ("torch", "transformers", "tokenizers", "accelerate", "numpy")
    cuda = accelerator.device.type == "cuda"
    several = {"processes": scale.processes()} if scale.processes() > 1 else {}
    return {
        "versions": {"dualcl-tutorial": __version__} | {name: version(name) for name in packages},
        "machine": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "device": torch.cuda.get_device_name() if cuda else accelerator.device.type,
        "threads": torch.get_num_threads(),
        "precision": accelerator.mixed_precision,
    } | several


def write(result: RunResult, folder: Path) -> None:
    result.model.save_pretrained(folder)
    run = {
        "settings": result.config.settings(),
        "accuracy": result.accuracy,
        "test_examples": len(result.predictions),
        "record": result.record,
    }
    (folder / "run.json").write_text(json.dumps(run, indent=2), encoding="utf-8")
    result.history.to_json(folder / "history.json", orient="records", double_precision=15)
    result.predictions.to_csv(folder / "predictions.csv", index=False)
