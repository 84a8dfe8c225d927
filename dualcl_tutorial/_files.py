"""Files: fetched, verified, read. What `corpora` and `encoders` share with the outside world.

Lesson 00 uses this through `corpora.load`; nothing here knows about classes or splits.
"""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import json
import os
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

COMMIT = "19cb149090f506eff5190bbef126583bad21963b"
BASE_URL = f"https://raw.githubusercontent.com/hiyouga/Dual-Contrastive-Learning/{COMMIT}/data"
CONNECT_SECONDS = 5.0
TABLES = (".csv", ".tsv", ".jsonl", ".json", ".parquet")
TEXT_NAMES = ("text", "sentence", "review", "content", "body", "question", "message")
LABEL_NAMES = ("label", "class", "category", "target", "sentiment", "team")


class CorpusUnavailable(FileNotFoundError):
    """A corpus of the paper is not at hand, and the message says how to get it (lesson 00)."""


def nearest(name: str, names: Iterable[str]) -> str:
    """Return ``" (nearest: 'cr')"`` for a misspelt name, or nothing if no name is near."""
    found = difflib.get_close_matches(name.lower(), list(names), n=1, cutoff=0.5)
    return f" (nearest: {found[0]!r})" if found else ""


def reachable(url: str, seconds: float = CONNECT_SECONDS) -> bool:
    """Tell within a few seconds whether a server answers at all, whatever it answers.

    A time limit of requests does not cover the look-up of the host's name, and huggingface_hub
    tries a dead connection six times over: hence a question of our own, in a thread with a limit.
    """
    import requests

    answered = threading.Event()

    def ask() -> None:
        with contextlib.suppress(requests.RequestException):
            requests.head(url, timeout=seconds)
            answered.set()

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds + 1)
    return answered.is_set()


def cache_folder() -> Path:
    """Return the folder of this user in which downloaded corpora are kept."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("dualcl-tutorial")) / "corpora"


def fetch(file: str, sha256: str, *, download: bool = True) -> tuple[bytes, str]:
    """Return the bytes of a corpus file, verified, and where they came from.

    The order is the folder in ``DUALCL_DATA``, the user's cache, the authors' repository. The
    bytes that were hashed are the bytes returned, so that nothing can change in between.

    Args:
        file: Name of the file, the same in all three places.
        sha256: What the file must hash to, in hex.
        download: Whether the network may be asked.

    Returns:
        The bytes, and one of ``"DUALCL_DATA"``, ``"cache"``, ``"download"``.

    Raises:
        CorpusUnavailable: The file is nowhere at hand and cannot be downloaded.
        ValueError: The file in ``DUALCL_DATA`` is not the authors' file.
    """
    given = os.environ.get("DUALCL_DATA", "").strip()
    if given:
        folder = Path(given).expanduser()
        if not folder.is_dir():
            raise CorpusUnavailable(
                f"DUALCL_DATA is {given!r}, which is no folder: set it to the folder that holds "
                f"{file}, or unset it."
            )
        if (folder / file).is_file():
            content = (folder / file).read_bytes()
            if hashlib.sha256(content).hexdigest() != sha256:
                raise ValueError(
                    f"{folder / file} is not the file the authors released (its SHA-256 differs, "
                    f"{len(content):,} bytes): replace it, or unset DUALCL_DATA to download it."
                )
            return content, "DUALCL_DATA"
    cached = cache_folder() / file
    for where in ("cache", "download"):
        if where == "download":
            _download(file, sha256, download)
        if cached.is_file():
            content = cached.read_bytes()
            if hashlib.sha256(content).hexdigest() == sha256:
                return content, where
            cached.unlink()  # damaged on disk: fetched again below, never used
    raise CorpusUnavailable(f"{file} {_damaged(cached)}")


def _damaged(cached: Path) -> str:
    return f"was downloaded but is damaged on disk in {cached.parent}: check that disk and retry."


def _download(file: str, sha256: str, allowed: bool) -> None:
    """Download one file into the cache, whole and verified, or raise in one sentence."""
    url, folder = f"{BASE_URL}/{file}", cache_folder()
    if not allowed:
        reason = "is not on this machine yet"
    elif not reachable(url):
        reason = "is not on this machine and its server cannot be reached"
    else:
        reason = _retrieve(url, file, sha256, folder)
    if reason:
        raise CorpusUnavailable(
            f"{file} {reason}: set DUALCL_DATA to a folder that holds it, or load the corpus once "
            f"while online ({url})."
        )


def _retrieve(url: str, file: str, sha256: str, folder: Path) -> str:
    """Let pooch download to a temporary name and rename; return what went wrong, or nothing."""
    import pooch
    import requests

    for left in folder.glob("tmp*"):  # of a download that was killed, not merely interrupted
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > 3600:
                left.unlink()
    pooch.get_logger().setLevel("ERROR")
    getter = pooch.HTTPDownloader(progressbar=True, timeout=(CONNECT_SECONDS, 30))
    try:
        pooch.retrieve(url, f"sha256:{sha256}", fname=file, path=folder, downloader=getter)
    except requests.RequestException as error:  # first: it is an OSError too
        return f"could not be downloaded ({type(error).__name__})"
    except ValueError:
        return "came from the server with other bytes than the authors released"
    except OSError as error:
        return f"cannot be written to {folder} ({error.strerror or error})"
    return ""


def read_table(path: Path) -> pd.DataFrame:
    """Read a csv, tsv, jsonl, json or parquet file of one's own; cells stay what they are.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The ending is unknown, or the file cannot be read as what its ending says.
    """
    import pandas as pd

    kind = path.suffix.lower()
    if kind not in TABLES:
        raise ValueError(f"{path} ends in {kind!r}, but a corpus is one of {', '.join(TABLES)}.")
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}: check the path (now in {Path.cwd()}).")
    try:
        if kind == ".parquet":
            return pd.read_parquet(path)
        if kind in (".csv", ".tsv"):  # as strings: a text "NA" or a label "007" stays what it is
            return pd.read_csv(
                path,
                sep="\t" if kind == ".tsv" else ",",
                dtype=str,
                keep_default_na=False,
                encoding="utf-8-sig",
                index_col=False,
            )
        content = path.read_text(encoding="utf-8-sig")
        return pd.DataFrame(_records(content, kind), dtype=object)
    except (ValueError, OSError) as error:
        reason = str(error).strip().split("\n")[0].rstrip(".").replace(". ", ", ")
        raise ValueError(
            f"{path} cannot be read as {kind[1:]} ({reason}): repair it or save it anew, in UTF-8."
        ) from error


def _records(content: str, kind: str) -> list[dict[str, Any]]:
    if kind == ".json":
        rows = json.loads(content)
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise ValueError("expected one list of objects such as {'text': ..., 'label': ...}")
        return rows
    rows = []
    # split("\n"), since splitlines also breaks at characters that JSON allows inside a string
    for number, line in enumerate(content.split("\n"), start=1):
        if line.strip():
            try:
                rows.append(dict(json.loads(line)))
            except (ValueError, TypeError):
                raise ValueError(f"line {number} is not one whole JSON object") from None
    return rows


def texts_and_labels(
    path: Path, text_column: str | None = None, label_column: str | None = None
) -> tuple[list[str], list[str]]:
    """Read the texts and the labels, as words, of a file of one's own.

    Args:
        path: The file.
        text_column: Its column of texts; guessed from usual names if not given.
        label_column: Its column of labels, likewise. Whole numbers become their decimals.

    Returns:
        Two lists of the same length.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It cannot be read, a column is missing, or a text or label is empty.
    """
    frame = read_table(path)
    texts = _column(frame, text_column, TEXT_NAMES, "text", path)
    labels = [label.strip() for label in _column(frame, label_column, LABEL_NAMES, "label", path)]
    for what, cells in (("text", texts), ("label", labels)):
        empty = [row for row, cell in enumerate(cells, start=1) if not cell.strip()]
        if empty:
            raise ValueError(
                f"{path} has no {what} in row {empty[0]} (header not counted; {len(empty)} such "
                f"row{'s' * (len(empty) > 1)}): fill it in or delete the row."
            )
    if not texts:
        raise ValueError(f"{path} has no rows: a corpus needs texts of at least two classes.")
    return texts, labels


def _column(
    frame: pd.DataFrame, given: str | None, usual: tuple[str, ...], what: str, path: Path
) -> list[str]:
    columns = {str(column).strip().lower(): column for column in reversed(list(frame.columns))}
    wanted = usual if given is None else (given.strip().lower(),)
    found = next((columns[name] for name in wanted if name in columns), None)
    if given is not None and given in frame.columns:
        found = given
    if found is None:
        there = ", ".join(map(str, frame.columns)) or "none"
        asked = "none of the usual names" if given is None else f"no column {given!r}"
        raise ValueError(
            f"{path} has {asked} for the {what} among its columns ({there}): "
            f"name one with {what}_column."
        )
    return [_as_word(cell) for cell in frame[found].tolist()]


def _as_word(cell: Any) -> str:
    if cell is None or cell != cell:  # NaN is the one value that differs from itself
        return ""
    whole = isinstance(cell, float) and cell.is_integer()
    return str(int(cell) if whole else cell)
