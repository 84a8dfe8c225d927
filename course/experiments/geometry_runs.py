"""What lesson 09 stores: the shape of the space after each epoch.

    python course/experiments/geometry_runs.py curves  # results/lesson09_curves.csv
    python course/experiments/geometry_runs.py narrow  # results/lesson09_narrow.csv
    python course/experiments/geometry_runs.py pictures  # results/lesson09_pictures.csv

`curves`: TREC, 20 questions a class, minilm, 10 epochs: the five methods, and cross-entropy with one
of three measures added to the loss, which spread or gather features on purpose. One row an epoch;
all measures on the whole test split. `narrow`: mini-questions, 20 a class; a linear map to two or
three dimensions stands behind the encoder, so that z and theta can be drawn as they are. One row a
test sentence and epoch. `pictures`: the setting of the paper's Figure 2, SST-2 and 25 sentences a
class, with minilm, 30 epochs, seed 0; t-SNE and PCA of every sixth test sentence and its columns,
one row a point. Runs that are in a file are not done again, so that the script can be stopped and
started at any time. Needs trec and sst2 (DUALCL_DATA, or a network) and minilm.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any
from unittest import mock

import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor

from dualcl_tutorial import geometry, training
from dualcl_tutorial._run import Run
from dualcl_tutorial.losses import label_logits, true_columns
from dualcl_tutorial.model import DualCLModel, DualOutput
from dualcl_tutorial.training import METHODS, TrainConfig

RESULTS = Path(__file__).resolve().parents[2] / "results"
SEEDS = range(5)
EPOCHS = (0, 1, 2, 3, 4, 6, 8, 10)


def spread_within(z: Tensor, labels: Tensor) -> Tensor:
    """Average uniformity inside a class, over the classes with two features or more."""
    groups = [z[labels == k] for k in labels.unique()]
    several = [geometry.uniformity(group) for group in groups if len(group) > 1]
    return torch.stack(several).mean() if several else z.sum() * 0


# Added to cross-entropy with weight 1: spread all, spread classmates, gather classmates.
ADDED: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "ce + spread all": lambda z, y: geometry.uniformity(z),
    "ce + spread within": spread_within,
    "ce + gather within": lambda z, y: (
        geometry.alignment(z, y) if len(y.unique()) < len(y) else z.sum() * 0
    ),
}


@contextmanager
def after_epochs(
    measure: Callable[[Run, int], None], epochs: Container[int] = EPOCHS
) -> Iterator[None]:
    """Call measure(run, epoch) before the first step, as epoch 0, and after these epochs."""
    restore = Run.restore

    def start(run: Run) -> None:
        restore(run)
        measure(run, 0)

    def end(run: Run) -> None:
        epoch = run.step // run.plan.steps
        if epoch in epochs:
            measure(run, epoch)

    with mock.patch.object(Run, "restore", start), mock.patch.object(Run, "end_epoch", end):
        yield


def curves() -> None:
    """Train what is missing in the table and measure it after each epoch."""
    table = RESULTS / "lesson09_curves.csv"
    rows = pd.read_csv(table).to_dict("records") if table.exists() else []
    known = {(row["method"], row["seed"]) for row in rows}
    for seed, method in product(SEEDS, (*METHODS, *ADDED)):
        if (method, seed) in known:
            continue
        found: list[dict[str, Any]] = []
        config = TrainConfig(
            corpus="trec",
            method="ce" if method in ADDED else method,
            per_class=20,
            seed=seed,
            progress=False,
        )

        def measure(run: Run, epoch: int, found: Any = found, key: Any = (method, seed)) -> None:
            found.append({"method": key[0], "seed": key[1], "epoch": epoch, **_measures(run)})

        with after_epochs(measure), _loss_of(method):
            result = training.train(config)
        assert abs(found[-1]["accuracy"] - result.accuracy) < 1e-4
        rows += found
        _write(rows, table)
        print(method, seed, found[-1], flush=True)


@contextmanager
def _loss_of(method: str) -> Iterator[None]:
    """Exchange the loss where a measure is added to cross-entropy."""
    original = training.method_loss

    def loss(name: str, views: list[Any], labels: Tensor, **given: float) -> dict[str, Tensor]:
        parts = original(name, views, labels, **given)
        if method in ADDED:
            parts["loss"] = parts["loss"] + ADDED[method](views[0].z, labels)
        return parts

    with mock.patch.object(training, "method_loss", loss):
        yield


def _measures(run: Run) -> dict[str, float]:
    test, train = run.data["test"], run.data["train"]
    y, known_y = torch.tensor(test["label"]), torch.tensor(train["label"])
    z, theta = geometry.read(run.model, test["text"])
    known, _ = geometry.read(run.model, train["text"])
    star = true_columns(theta, y)  # (N, d)
    cosine = F.normalize(z, dim=1) @ F.normalize(star, dim=1).T  # (N, N)
    same, own = y[:, None] == y[None, :], torch.eye(len(y), dtype=torch.bool)
    split = geometry.scatter(z, y)
    angles = geometry.column_angles(z, theta, y)  # (K, K)
    wrong = angles[~torch.eye(len(angles), dtype=torch.bool)]
    frozen = geometry.frozen_accuracy(known, known_y, z, y)
    values = {
        "accuracy": (_scores(run, z, theta).argmax(1) == y).float().mean(),
        "alignment_z": geometry.alignment(z, y),
        "uniformity_z": geometry.uniformity(z),
        "within_z": spread_within(z, y),
        "alignment_theta": geometry.alignment(star, y),
        "uniformity_theta": geometry.uniformity(star),
        "within": split.within,
        "between": split.between,
        "own": cosine[own].mean(),
        "partner": cosine[same & ~own].mean(),
        "stranger": cosine[~same].mean(),
        "angle_true": angles.diagonal().mean(),
        "angle_wrong": wrong.mean(),
        **frozen,
    }
    return {name: round(float(value), 5) for name, value in values.items()}


def _scores(run: Run, z: Tensor, theta: Tensor) -> Tensor:
    bias = getattr(getattr(run.model, "head", None), "bias", None)
    return label_logits(z, theta) + (0 if bias is None else bias.detach())


class Narrow(DualCLModel):
    """DualCL whose z and theta go through one linear map to `dim` dimensions."""

    dim = 2

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.narrow = torch.nn.Linear(self.encoder.config.hidden_size, self.dim, bias=False)

    def forward(self, *args: Any, **batch: Any) -> DualOutput:
        """Narrow what the encoder says, then score."""
        wide = super().forward(*args, **batch)
        z, theta = self.narrow(wide.z), self.narrow(wide.theta)  # (N, dim), (N, K, dim)
        return DualOutput(z=z, theta=theta, logits=label_logits(z, theta))


def narrow() -> None:
    """Train what is missing in the table and keep where the test sentences lie."""
    table = RESULTS / "lesson09_narrow.csv"
    rows = pd.read_csv(table).to_dict("records") if table.exists() else []
    known = {(row["method"], row["dim"]) for row in rows}
    for dim, method in product((2, 3), ("label-aware", "dualcl")):
        if (method, dim) in known:
            continue
        found: list[dict[str, Any]] = []
        Narrow.dim = dim

        def build(config: TrainConfig, words: list[str]) -> Narrow:
            return Narrow.from_encoder(config.encoder, words)

        def keep(run: Run, epoch: int, found: Any = found, key: Any = (method, dim)) -> None:
            found += _places(run, epoch, *key)

        config = TrainConfig(corpus="mini-questions", method=method, per_class=20, progress=False)
        with mock.patch.object(training, "build_model", build), after_epochs(keep):
            result = training.train(config)
        rows += found
        _write(rows, table)
        print(method, dim, result.accuracy, flush=True)


def _places(run: Run, epoch: int, method: str, dim: int) -> list[dict[str, Any]]:
    """Give z and theta* of each test sentence, and what was predicted."""
    test = run.data["test"]
    y = torch.tensor(test["label"])
    z, theta = geometry.read(run.model, test["text"])
    star, said = true_columns(theta, y), label_logits(z, theta).argmax(1)
    places = []
    for i in range(len(y)):
        row = {"method": method, "dim": dim, "epoch": epoch, "label": int(y[i])}
        row["predicted"] = int(said[i])
        for name, point in (("z", z[i]), ("theta", star[i])):
            row |= {f"{name}{j + 1}": round(float(x), 3) for j, x in enumerate(point)}
        places.append(row)
    return places


def pictures() -> None:
    """Train what is missing in the table and project its features and columns together."""
    table = RESULTS / "lesson09_pictures.csv"
    rows = pd.read_csv(table).to_dict("records") if table.exists() else []
    known = {row["method"] for row in rows}
    for method in ("ce", "label-aware", "dualcl"):
        if method in known:
            continue
        found: list[dict[str, Any]] = []

        def end(run: Run, epoch: int, found: Any = found, method: str = method) -> None:
            if epoch == 30:
                found += _points(run, method)

        config = TrainConfig(corpus="sst2", method=method, per_class=25, epochs=30, progress=False)
        with after_epochs(end, epochs=(30,)):
            result = training.train(config)
        rows += [{**row, "accuracy": round(result.accuracy, 4)} for row in found]
        _write(rows, table)
        print(method, result.accuracy, flush=True)


def _points(run: Run, method: str) -> list[dict[str, Any]]:
    """Project z, and theta where it is the sentence's own, at length 1, in one space."""
    test = run.data["test"].select(range(0, len(run.data["test"]), 6))
    z, theta = geometry.read(run.model, test["text"])
    kinds, labels, points = ["z"] * len(z), list(test["label"]), [z]
    if method != "ce":
        for k in range(theta.shape[1]):
            kinds, labels = kinds + ["theta"] * len(z), labels + [k] * len(z)
            points.append(theta[:, k])
    unit = F.normalize(torch.cat(points), dim=1)
    flat = torch.cat([geometry.project(unit), geometry.project(unit, method="pca")], 1)
    names = ("tsne1", "tsne2", "pca1", "pca2")
    return [
        {"method": method, "kind": kind, "label": label}
        | {name: round(value, 3) for name, value in zip(names, place, strict=True)}
        for kind, label, place in zip(kinds, labels, flat.tolist(), strict=True)
    ]


def _write(rows: list[dict[str, Any]], table: Path) -> None:
    part = table.with_suffix(".part")
    pd.DataFrame(rows).to_csv(part, index=False)
    part.replace(table)


if __name__ == "__main__":
    torch.set_num_threads(1)
    {"curves": curves, "narrow": narrow, "pictures": pictures}[sys.argv[1]]()
