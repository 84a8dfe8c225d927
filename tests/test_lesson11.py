"""Lesson 11: its shell commands, the hub in a folder, the server, and the Chinese path."""

import csv
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
import torch
from tokenizers import models, processors
from transformers import AutoModelForSequenceClassification, BertModel, pipeline
from typer.testing import CliRunner

from dualcl_tutorial import cli, own_data
from dualcl_tutorial.model import DualCLModel
from dualcl_tutorial.training import load_run

ROOT = Path(__file__).resolve().parents[1]
LESSON = ROOT / "course" / "lessons" / "11_your_own_data.py"
WORDS = ["good", "bad", "film"]
TEAMS = ["物流", "技术", "财务", "退换", "账户", "订阅", "销售", "安全"]
TEXTS = ["a good film", "the service was slow", "who is the author of this book"]


@pytest.fixture(scope="module")
def model(tiny_bert: Path) -> DualCLModel:
    return DualCLModel.from_encoder(tiny_bert, WORDS).eval()


# --- the shell -----------------------------------------------------------------------------------


def shell_blocks() -> list[str]:
    """The commands that a reader copies, as the lesson has them."""
    text = "\n".join(
        line[2:] if line.startswith("# ") else line.lstrip("#")
        for line in LESSON.read_text(encoding="utf-8").splitlines()
    )
    return re.findall(r"^```bash\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(
    os.name == "nt" or not shutil.which("curl") or not shutil.which("bash"),
    reason="the lesson's commands are for bash, and ask with curl",
)
def test_the_lesson_can_be_copied_into_a_shell(tiny_bert: Path, tmp_path: Path) -> None:
    first, second = shell_blocks()
    small = f"--encoder {tiny_bert} --epochs 1 --per-class 4 --no-progress"
    assert "--epochs 5" in first and "8765" in second
    script = first.replace("--epochs 5", small) + second.replace("8765", str(free_port()))
    settings = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    done = subprocess.run(
        ["bash", "-e"], input=script, cwd=tmp_path, env=settings, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "trust 17" in done.stdout and "Accuracy" in done.stdout  # dualcl data, train, evaluate
    loaded = load_run(tmp_path / "runs" / "tickets").model
    assert json.loads(done.stdout.splitlines()[-1])[0]["label"] in loaded.label_words
    with (tmp_path / "aside.csv").open(encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 11


# --- the hub -------------------------------------------------------------------------------------


def test_push_to_hub_uploads_what_others_can_load(model: DualCLModel, tmp_path: Path) -> None:
    hub = tmp_path / "hub"

    def copy(self: Any, folder: str, repo: str, *_: Any, **__: Any) -> str:
        shutil.copytree(folder, hub / repo)
        return repo

    api = mock.Mock()
    api.create_repo.side_effect = lambda name, **_: mock.Mock(repo_id=name)
    with (
        mock.patch("transformers.utils.hub.hf_api", lambda: api),
        mock.patch.object(DualCLModel, "_upload_modified_files", copy),
        mock.patch("transformers.utils.hub.create_and_tag_model_card"),
    ):
        model.push_to_hub("you/tickets")
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= {
        path.name for path in (hub / "you" / "tickets").iterdir()
    }
    loaded = AutoModelForSequenceClassification.from_pretrained(hub / "you" / "tickets")
    assert torch.equal(loaded.score(TEXTS), model.score(TEXTS))


# --- the server ----------------------------------------------------------------------------------


@pytest.fixture
def address(model: DualCLModel):
    server = own_data.answer_server(model)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def ask(address: str, body: bytes) -> Any:
    with urlopen(Request(address, data=body), timeout=30) as answer:
        return json.load(answer)


def test_server_answers_as_predict_does(address: str, model: DualCLModel) -> None:
    texts = [*TEXTS, "caf\u00e9 \u7269\u6d41"]
    assert ask(address, json.dumps(texts).encode()) == model.predict(texts)
    assert ask(address, b"[]") == []


@pytest.mark.parametrize("body", [b"no json", b'[""]', b"[3]", b"null", b"7", b"\xff"])
def test_server_refuses_junk_and_goes_on(address: str, body: bytes) -> None:
    with pytest.raises(HTTPError) as error:
        ask(address, body)
    assert error.value.code == 400 and "JSON list of texts" in json.load(error.value)["error"]
    assert len(ask(address, b'["a good film"]')) == 1


# --- Chinese -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def chinese_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random BERT that reads single characters, as bert-base-chinese does."""
    from conftest import MAX_LENGTH, random_model, save_encoder, wordpiece

    folder = tmp_path_factory.mktemp("chinese")
    text = own_data.write_tickets(folder / "zh.csv", language="zh").read_text("utf-8")
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    signs = sorted({sign.lower() for sign in text if not sign.isspace()})
    numbers = {piece: i for i, piece in enumerate(special + signs)}
    tokenizer = wordpiece(models.WordPiece(numbers, unk_token="[UNK]"))
    tokenizer.add_special_tokens(special)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    encoder = random_model(BertModel, tokenizer, max_position_embeddings=MAX_LENGTH)
    names = {f"{s.strip('[]').lower()}_token": s for s in special}
    return save_encoder(
        folder / "encoder", encoder, tokenizer, tokenizer_class="BertTokenizer", **names
    )


def test_chinese_tickets_from_file_to_prediction(chinese_bert: Path, tmp_path: Path) -> None:
    tickets = own_data.write_tickets(tmp_path / "tickets_zh.csv", language="zh")
    command = ["train", "--corpus", tickets, "--text-column", "body", "--label-column", "team"]
    command += ["--encoder", chinese_bert, "--epochs", 2, "--lr", 1e-3, "--no-progress"]
    done = CliRunner().invoke(cli.app, [*map(str, command), "--output", str(tmp_path / "zh")])
    assert done.exit_code == 0, done.output
    model = load_run(tmp_path / "zh").model
    assert sorted(model.label_words) == sorted(TEAMS)
    assert model.config.piece_counts == [2] * 8
    texts = ["我的包裹还没有到。", "请先停一个月的豆子。"]
    predicted = model.predict(texts)
    for theirs, ours in zip(
        pipeline("text-classification", str(tmp_path / "zh"), device="cpu")(texts),
        predicted,
        strict=True,
    ):
        assert theirs["label"] == ours["label"]
        assert theirs["score"] == pytest.approx(ours["score"], abs=1e-5)
    said = CliRunner().invoke(cli.app, ["predict", str(tmp_path / "zh"), *texts])
    assert [line.split()[0] for line in said.stdout.splitlines()] == [p["label"] for p in predicted]
