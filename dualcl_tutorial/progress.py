"""How far a run is: a bar and a curve in a notebook, a bar in a terminal, lines in a log."""

from __future__ import annotations

import base64
import io
import sys
import time
from collections.abc import Mapping
from typing import Any, Self

import pandas as pd


class Progress:
    """Show a run of known length while it goes on (lesson 06).

    In a notebook one output is redrawn: a line of text while the run goes on, the loss curve when
    it is over. A terminal gets a bar, a log some twenty lines.

    Args:
        steps: how many there are.
        shown: whether to show anything at all.
        title: what is going on.
    """

    def __init__(self, steps: int, shown: bool = True, *, title: str = "") -> None:
        self.steps, self.title = steps, title
        self.started = self.drawn = time.monotonic()
        self.first: int | None = None
        self.kind = _surroundings() if shown else "none"
        self.bar: Any = None
        self.output: Any = None

    def __enter__(self) -> Self:
        """Start showing."""
        if self.kind == "terminal":
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            columns = ("[progress.description]{task.description}", BarColumn())
            self.bar = Bar(
                *columns,
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.fields[loss]}"),
            )
            self.bar.start()
            self.task = self.bar.add_task(self.title, total=self.steps, loss="")
        elif self.kind == "notebook":
            from IPython.display import display

            self.output = display(_text(f"{self.title}: starting"), raw=True, display_id=True)
        return self

    def __exit__(self, *error: object) -> None:
        """Leave the terminal as it was."""
        if self.bar is not None:
            self.bar.stop()

    def update(self, step: int, row: Mapping[str, Any]) -> None:
        """Show a step and its loss, a few times a second at most: reading a loss waits for it."""
        now = time.monotonic()
        self.first = step if self.first is None else self.first
        often = {"terminal": 0.5, "notebook": 1.0, "log": 0.0}.get(self.kind)
        if often is None or (now - self.drawn < often and step < self.steps):
            return
        if self.kind == "log" and step % max(1, self.steps // 20) and step < self.steps:
            return
        self.drawn = now
        loss = f"loss {float(row['loss']):.3f}"
        if self.bar is not None:
            self.bar.update(self.task, completed=step, loss=loss)
            return
        left = (now - self.started) / (step - self.first + 1) * (self.steps - step)
        line = f"{self.title}: step {step} of {self.steps}, {loss}, about {left:.0f} s left"
        if self.output is not None:
            self.output.update(_text(line), raw=True)
        elif self.kind == "log":
            print(line, flush=True)

    def close(self, history: pd.DataFrame) -> None:
        """Put the loss curve where the bar was, in a notebook."""
        if self.output is not None and len(history):
            bundle = _curve(history, self.title)
            alt = {"image/png": {"alt": f"Loss curve of {bundle['text/plain']}."}}
            self.output.update(bundle, metadata=alt, raw=True)


def _surroundings() -> str:
    """Say where this runs: "notebook", "terminal" or "log"."""
    if "IPython" in sys.modules:
        from IPython import get_ipython

        if type(get_ipython()).__name__ in ("ZMQInteractiveShell", "Shell"):  # Jupyter, Colab
            return "notebook"
    return "terminal" if sys.stdout.isatty() else "log"


def _text(line: str) -> dict[str, str]:
    return {"text/plain": line}


def _curve(history: pd.DataFrame, title: str) -> dict[str, str]:
    """Draw the loss, and its contrastive parts between the bounds they are read against."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 2.6), layout="constrained")
    parts = [name for name in ("loss_z", "loss_theta", "contrastive") if name in history]
    axes = figure.subplots(1, 2 if parts else 1, squeeze=False)[0]
    window = max(1, len(history) // 50)
    for name, style in (("loss", "-"), ("cross_entropy", "--")):
        label = name.replace("_", "-")
        axes[0].plot(history.step, history[name].rolling(window, 1).mean(), style, label=label)
    axes[0].set(title=title, xlabel="step", ylabel="nats", ylim=(0, None))
    axes[0].legend()
    for name in parts:
        label = {"loss_z": "L_z", "loss_theta": "L_theta"}.get(name, name)
        axes[1].plot(history.step, history[name].rolling(window, 1).mean(), label=label)
    if parts:
        for name in ("collapsed", "floor"):
            axes[1].plot(history.step, history[name].rolling(window, 1).mean(), ":k", lw=0.8)
            axes[1].annotate(
                name, (history.step.iloc[-1], history[name].iloc[-1]), ha="right", va="bottom"
            )
        axes[1].set(title="contrastive part", xlabel="step")
        axes[1].legend()
    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_png(buffer)
    last = ", ".join(f"{name} {history[name].iloc[-1]:.3f}" for name in ["loss", *parts])
    text = f"{title}: {len(history)} steps, at the last {last}"
    return {"image/png": base64.b64encode(buffer.getvalue()).decode(), **_text(text)}
