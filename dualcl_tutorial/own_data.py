"""From a table of one's own to probabilities one may trust (lesson 11).

The course's support tickets, cleaning, repeating rare classes, calibration, a small server; reading
and splitting are in `corpora`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

LANGUAGES = {"en": "tickets.csv", "zh": "tickets_zh.csv"}


def write_tickets(path: str | Path, *, language: str = "en") -> Path:
    """Write the course's support tickets, as they came in, to a csv file (lesson 11).

    Columns: id, received, body, team. The English file holds some dirt on purpose.

    Args:
        path: where to write; the same file may be written again.
        language: "en", or "zh" for Chinese.

    Raises:
        ValueError: for another language.
        FileExistsError: if another file is there.
    """
    if language not in LANGUAGES:
        raise ValueError(f"Expected a language out of {', '.join(LANGUAGES)}, got {language!r}.")
    source = resources.files("dualcl_tutorial").joinpath("data", LANGUAGES[language])
    content, path = source.read_bytes(), Path(path)
    if path.exists() and path.read_bytes() != content:
        raise FileExistsError(f"Expected {path} to be free, but it is there: choose another name.")
    path.write_bytes(content)
    return path


def clean(
    frame: pd.DataFrame,
    text_column: str,
    label_column: str,
    *,
    rename: Mapping[str, str] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make a table fit for `corpora.load`; set aside what a person must see (lesson 11).

    White space is made plain, labels are renamed, and rows are set aside that have no text or no
    label, that say again what a row before them said, or whose text has two labels (all of those).

    Args:
        frame: the table, cells as strings.
        text_column: its column of texts.
        label_column: its column of labels.
        rename: old label -> new one.

    Returns:
        The rows to use and the rows set aside, which have a column ``reason`` more.

    Raises:
        ValueError: if a column is missing, or a label to rename does not occur.
    """
    for column in (text_column, label_column):
        if column not in frame.columns:
            there = ", ".join(map(str, frame.columns))
            raise ValueError(f"Expected a column {column!r}, but there are {there}: name another.")
    frame = frame.assign(
        **{c: frame[c].str.split().str.join(" ") for c in (text_column, label_column)}
    )
    rename = dict(rename or {})
    if unknown := sorted(set(rename) - set(frame[label_column])):
        raise ValueError(f"Expected labels of the table to rename, but {unknown[0]!r} is none.")
    frame[label_column] = frame[label_column].replace(rename)
    text, label = frame[text_column], frame[label_column]
    reason = np.select(
        [
            text == "",
            label == "",
            label.groupby(text).transform("nunique") > 1,
            frame.duplicated([text_column, label_column]),
        ],
        ["no text", "no label", "two labels for one text", "said before"],
        default="",
    )
    kept = reason == ""
    return frame[kept].reset_index(drop=True), frame[~kept].assign(reason=reason[~kept])


def repeat_rare(labels: Sequence[int], least: int) -> list[int]:
    """List the rows to train on so that each class comes at least `least` times (lesson 11).

    A rare class is repeated row by row, in order; no row is left out.

    Example:
        >>> repeat_rare([0, 0, 1], least=2)
        [0, 1, 2, 2]
    """
    rows: list[int] = []
    numbers = np.asarray(labels)
    for k in np.unique(numbers):
        own = np.flatnonzero(numbers == k)
        rows += np.resize(own, max(least, len(own))).tolist()
    return sorted(rows)


def reliability(confidence: np.ndarray, right: np.ndarray, *, bins: int = 10) -> pd.DataFrame:
    """Compare confidence with accuracy, bin by bin (lesson 11).

    Args:
        confidence: probability of the predicted class of each text, 0 to 1.
        right: whether the prediction is right.
        bins: bins of equal width; bin b holds b/bins < confidence <= (b + 1)/bins.

    Returns:
        One row a bin that is not empty: low, high, n, mean confidence, accuracy.

    Shape:
        confidence, right (N,).
    """
    import pandas as pd

    confidence, right = np.asarray(confidence, dtype=float), np.asarray(right, dtype=float)
    place = np.clip(np.ceil(confidence * bins) - 1, 0, bins - 1).astype(int)  # (N,)
    table = pd.DataFrame({"bin": place, "confidence": confidence, "accuracy": right})
    found = table.groupby("bin").mean().assign(n=table.groupby("bin").size())
    edges = found.index.to_numpy()
    return found.assign(low=edges / bins, high=(edges + 1) / bins).reset_index(drop=True)


def expected_calibration_error(
    confidence: np.ndarray, right: np.ndarray, *, bins: int = 10
) -> float:
    """Average the gap between confidence and accuracy over the texts (lesson 11; `reliability`)."""
    table = reliability(confidence, right, bins=bins)
    return float((table.n * (table.accuracy - table.confidence).abs()).sum() / table.n.sum())


def fit_temperature(scores: np.ndarray, labels: np.ndarray) -> float:
    """Find the number that divides the scores so that the cross-entropy is least (lesson 11).

    The answers stay what they are, only their confidence changes. Fit it on the validation split.

    Returns:
        A temperature between 0.05 and 20.

    Shape:
        scores (N, K) before softmax; labels (N,).
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    scores, labels = np.asarray(scores, dtype=float), np.asarray(labels)

    def loss(log_temperature: float) -> float:
        log_p = log_softmax(scores / np.exp(log_temperature), axis=1)
        return -float(log_p[np.arange(len(labels)), labels].mean())

    found = minimize_scalar(loss, bounds=np.log([0.05, 20.0]), method="bounded")
    return float(np.exp(found.x))


def answer_server(model: Any, *, port: int = 0) -> HTTPServer:
    """Make a server on this machine that answers a JSON list of texts (lesson 11).

    It is for trying out, one request at a time: a service for others needs a login and encryption.

    Args:
        model: anything with ``predict``.
        port: 0 for a free one; the server has it in ``server_port``.

    Example:
        >>> answer_server(DualCLModel.from_pretrained("runs/tickets"), port=8000).serve_forever()
    """

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, answer = 200, None
            try:
                texts = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
                answer = model.predict(texts)
            except (ValueError, TypeError) as error:
                status, answer = 400, {"error": f"Expected a JSON list of texts ({error})."}
            content = json.dumps(answer, ensure_ascii=False).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *values: Any) -> None:
            """Keep quiet."""

    return HTTPServer(("127.0.0.1", port), Handler)
