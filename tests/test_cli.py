"""The command line: what it prints equals the Python API, and what goes wrong is one sentence."""

import csv
import errno
import inspect
import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import MISSING, fields
from pathlib import Path

import pytest
import torch
from transformers.utils import logging
from typer.main import get_command
from typer.testing import CliRunner, Result

from dualcl_tutorial import cli, training
from dualcl_tutorial.corpora import CORPORA, load
from dualcl_tutorial.encoders import SHORT_NAMES
from dualcl_tutorial.training import METHODS, TrainConfig, load_run

ROOT = Path(__file__).resolve().parent.parent
COMMANDS = ("train", "evaluate", "predict", "data", "doctor", "grid", "table")
TEXTS = ["a good film", "the service was slow, and the food cold", "caf\u00e9, \u201cwell\u201d"]


def dualcl(*arguments: object, **settings: object) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(cli.app, [str(part) for part in arguments], **settings)


def succeed(*arguments: object, **settings: object) -> str:
    """Run a command that must succeed without a word on stderr; return what it printed."""
    done = dualcl(*arguments, **settings)
    assert (done.exit_code, done.stderr) == (0, ""), done.output
    return done.stdout


def fail(*arguments: object, code: int = 2, **settings: object) -> str:
    """Run a command that must fail; return its one sentence."""
    done = dualcl(*arguments, **settings)
    lines = done.stderr.splitlines()
    assert done.exit_code == code, done.output
    assert len(lines) == 1 and lines[0].startswith("dualcl: ") and lines[0].endswith("."), lines
    return lines[0]


def content(folder: Path) -> dict[str, bytes]:
    """Return every file and folder under a folder, hidden ones too, with the files' bytes."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else b""
        for path in folder.rglob("*")
    }


def small(encoder: Path, *more: object, corpus: object = "mini-reviews") -> list[object]:
    """Return the arguments of a training run of a second."""
    settings = ["--per-class", 4, "--epochs", 1, "--batch-size", 4, *more]
    return ["train", "--corpus", corpus, "--encoder", encoder, *settings]


@pytest.fixture(scope="module", autouse=True)
def quiet() -> Iterator[None]:
    """Do what the settings of a new process do: conftest has imported transformers already."""
    logging.disable_progress_bar()
    yield
    logging.enable_progress_bar()


@pytest.fixture(scope="module")
def trained(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return the folder of a run and what training it printed."""
    folder = tmp_path_factory.mktemp("runs") / "first"
    return folder, succeed(*small(tiny_bert, "--output", folder))


@pytest.fixture
def run(trained: tuple[Path, str]) -> Path:
    return trained[0]


# ---------------------------------------------------------------- help


def test_help_is_there_before_anything_heavy_is_imported() -> None:
    script = """if True:
        import runpy, sys
        sys.argv = ["dualcl", "--help"]
        try:
            runpy.run_module("dualcl_tutorial", run_name="__main__")
        except SystemExit as end:
            assert end.code == 0
        heavy = {"torch", "transformers", "datasets", "numpy", "pandas", "accelerate"}
        print("heavy:", sorted(heavy & set(sys.modules)))
    """
    settings = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=settings, check=True
    )
    assert all(command in done.stdout for command in COMMANDS)
    assert done.stdout.endswith("heavy: []\n")


def test_bare_command_and_version() -> None:
    assert "Usage: dualcl" in succeed()
    assert re.fullmatch(r"dualcl \d+\.\d+\.\d+\n", succeed("--version"))


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself_with_an_example(command: str) -> None:
    text = succeed(command, "--help")
    assert f"Usage: dualcl {command}" in text and f"dualcl {command}" in text.split("Examples:")[1]
    parameters = get_command(cli.app).commands[command].params
    assert [p.name for p in parameters if not p.help] == []


def test_every_setting_of_a_run_has_an_option_with_the_same_default() -> None:
    options = inspect.signature(cli.train).parameters
    known = {f.name: f.default for f in fields(TrainConfig)}
    given = {
        name: MISSING if option.default is inspect.Parameter.empty else option.default
        for name, option in options.items()
    }
    assert given == known


def test_help_names_every_method_and_encoder() -> None:
    text = succeed("train", "--help", env={"COLUMNS": "300", "TERMINAL_WIDTH": "300"})
    for name in (*METHODS, *SHORT_NAMES, "--no-shuffle-labels", "--text-column", "--resume"):
        assert name in text


# ---------------------------------------------------------------- train, evaluate, predict


def test_train_is_the_python_api(
    trained: tuple[Path, str], tiny_bert: Path, tmp_path: Path
) -> None:
    folder, printed = trained
    config = TrainConfig(
        corpus="mini-reviews",
        encoder=str(tiny_bert),
        per_class=4,
        epochs=1,
        batch_size=4,
        output=tmp_path / "api",
        progress=False,
    )
    result = training.train(config)
    for name in ("model.safetensors", "predictions.csv", "config.json"):
        assert (folder / name).read_bytes() == (tmp_path / "api" / name).read_bytes()
    first, *_, accuracy, following = printed.splitlines()
    assert (
        first.startswith("Training dualcl on mini-reviews") and "4 training texts a class" in first
    )
    n = len(result.predictions)
    error = 100 * (result.accuracy * (1 - result.accuracy) / n) ** 0.5
    assert accuracy == (
        f"Accuracy {100 * result.accuracy:.1f} % ± {error:.1f} points "
        f"(one binomial standard error, {n} test texts)."
    )
    assert following == f'Next: dualcl predict {folder} "a text of your own"'


def test_options_reach_the_run(tiny_bert: Path, corpus_csv: Path, tmp_path: Path) -> None:
    more = ["--label-words", "bad, good", "--no-shuffle-labels", "--no-pairing", "--test", 0.5]
    more += ["--text-column", "text", "--seed", 3, "--lr", 1e-3, "--no-progress"]
    text = succeed(*small(tiny_bert, *more, "--output", tmp_path / "x y", corpus=corpus_csv))
    settings = load_run(tmp_path / "x y").config
    assert settings.label_words == ("bad", "good") and settings.test == 0.5
    assert not settings.shuffle_labels and not settings.pairing
    assert (settings.seed, settings.lr, settings.text_column) == (3, 1e-3, "text")
    assert len(text.splitlines()) == 3 and f"predict '{tmp_path}/x y'" in text


def test_without_output_nothing_is_written(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "Nothing was kept" in succeed(*small(tiny_bert))
    assert not content(tmp_path)


def test_a_finished_run_is_not_overwritten_but_read(run: Path, tiny_bert: Path) -> None:
    before = content(run.parent)
    assert "--resume" in fail(*small(tiny_bert, "--output", run))
    assert "Accuracy" in succeed(*small(tiny_bert, "--output", run, "--resume"))
    said = fail(*small(tiny_bert, "--output", run, "--resume", "--seed", 1))
    assert "seed was 0, now 1" in said
    assert content(run.parent) == before


def test_evaluate_is_the_python_api(run: Path) -> None:
    stored = load_run(run)
    found = json.loads(succeed("evaluate", run, "--json"))
    assert found["accuracy"] == stored.accuracy
    assert found["texts"] == len(stored.predictions) == sum(c["texts"] for c in found["classes"])
    right = stored.predictions[stored.predictions.label == stored.predictions.predicted].label
    for k, row in enumerate(found["classes"]):
        assert row["right"] == (right == k).sum()
        assert row["recall"] == row["right"] / row["texts"]
    text = succeed("evaluate", run)
    assert text.startswith(f"Accuracy {100 * stored.accuracy:.1f} %")
    assert all(row["label"] in text and str(row["right"]) in text for row in found["classes"])


def test_evaluate_other_texts(run: Path, corpus_csv: Path) -> None:
    found = json.loads(succeed("evaluate", run, "--corpus", corpus_csv, "--json"))
    assert found["texts"] == 60  # all rows of a file, no share of it
    with corpus_csv.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    answers = load_run(run).model.predict([row["text"] for row in rows])
    right = [a["label"] == row["label"] for a, row in zip(answers, rows, strict=True)]
    assert found["accuracy"] == sum(right) / len(right)
    assert "abbreviation" in fail("evaluate", run, "--corpus", "mini-questions")
    assert "nearest: 'mini-reviews'" in fail("evaluate", run, "--corpus", "mini-review")


def test_predict_is_the_python_api_in_every_format(run: Path, tmp_path: Path) -> None:
    expected = load_run(run).model.predict(TEXTS)
    rows = [json.loads(line) for line in succeed(*predict_as(run, "jsonl"), *TEXTS).splitlines()]
    assert rows == [{"text": t, **a} for t, a in zip(TEXTS, expected, strict=True)]

    table = list(csv.DictReader(io.StringIO(succeed(*predict_as(run, "csv"), *TEXTS))))
    for row, text, answer in zip(table, TEXTS, expected, strict=True):
        assert (row["text"], row["label"]) == (text, answer["label"])
        assert float(row["score"]) == answer["score"]
        assert {k: float(row[f"p_{k}"]) for k in answer["scores"]} == answer["scores"]

    lines = succeed("predict", run, *TEXTS).splitlines()
    for line, text, answer in zip(lines, TEXTS, expected, strict=True):
        assert line.startswith(f"{answer['label']} {answer['score']:.3f} (")
        assert line.endswith("\t" + text)

    (tmp_path / "texts.txt").write_bytes("\ufeff".encode() + "\r\n".join(TEXTS).encode())
    from_file = succeed(*predict_as(run, "jsonl"), "--file", tmp_path / "texts.txt")
    from_stdin = succeed(*predict_as(run, "jsonl"), input="\n".join(TEXTS))
    assert [json.loads(line) for line in from_file.splitlines()] == rows
    assert [json.loads(line) for line in from_stdin.splitlines()] == rows


def predict_as(run: Path, layout: str) -> list[object]:
    return ["predict", run, "--format", layout]


def test_empty_lines_of_a_file_are_skipped_and_counted(run: Path) -> None:
    done = dualcl(*predict_as(run, "jsonl"), input="a good film\n\n   \na bad film\n")
    assert done.exit_code == 0 and done.stderr == "dualcl: 2 empty lines skipped.\n"
    assert [json.loads(line)["text"] for line in done.stdout.splitlines()] == [
        "a good film",
        "a bad film",
    ]


# ---------------------------------------------------------------- data, doctor


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Leave this process without corpora of the paper, in a home folder of its own."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    monkeypatch.delenv("DUALCL_DATA", raising=False)
    return home


def test_data_lists_every_corpus_and_never_a_text(alone: Path) -> None:
    text = succeed("data")
    rows = {row["name"]: row for row in json.loads(succeed("data", "--json"))}
    assert list(rows) == list(CORPORA) and all(name in text for name in CORPORA)
    mini = rows["mini-reviews"]
    splits = load("mini-reviews", validation=0)
    assert mini["sizes"] == {"train": len(splits["train"]), "test": len(splits["test"])}
    assert f"{mini['sizes']['train']:,}" in text and f"{mini['mean_words']:.1f}" in text
    assert not rows["cr"]["available"] and rows["cr"]["mean_words"] is None
    assert "set DUALCL_DATA" in rows["cr"]["note"] and "set DUALCL_DATA" in text
    assert not any(sentence in text for sentence in splits["train"]["text"])


def test_data_of_one_corpus_or_file(corpus_csv: Path) -> None:
    (row,) = json.loads(succeed("data", corpus_csv, "--json"))
    assert row["classes"]["train"] == {"negative": 24, "positive": 24}
    assert "negative 24, positive 24" in succeed("data", corpus_csv)
    assert "nearest: 'mini-questions'" in fail("data", "mini-question")


def test_doctor_tells_all_but_the_home_folder(alone: Path) -> None:
    text = succeed("doctor")
    found = json.loads(succeed("doctor", "--json"))
    assert found["versions"]["torch"] == torch.__version__ and torch.__version__ in text
    assert found["machine"]["threads"] == torch.get_num_threads()
    assert [row["name"] for row in found["corpora"]] == list(CORPORA)
    assert [row["name"] for row in found["encoders"]] == list(SHORT_NAMES)
    assert all(row["available"] or row["advice"] for row in found["corpora"] + found["encoders"])
    assert found["folders"]["cache of corpora"].startswith("~")
    assert str(alone) not in text and "cr: CR_Train.json is not on this machine" in text


def test_doctor_survives_damaged_data(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (alone / "data").mkdir()
    (alone / "data" / "CR_Train.json").write_text("[]")
    monkeypatch.setenv("DUALCL_DATA", str(alone / "data"))
    found = json.loads(succeed("doctor", "--json"))
    (row,) = [row for row in found["corpora"] if row["name"] == "cr"]
    assert not row["available"] and "~/data/CR_Train.json is not the file" in row["advice"]
    said = fail("train", "--corpus", "cr")
    assert "is not the file the authors released" in said


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--corpus", "mini-review"], "Unknown corpus 'mini-review' (nearest: 'mini-reviews')"),
        (["--method", "dualc"], "'dualc' (nearest: 'dualcl')"),
        (["--encoder", "minlm"], "Unknown encoder 'minlm' (nearest: 'minilm')"),
        (["--encoder", "./nowhere"], "no folder ./nowhere"),
        (["--positions", "sideways"], "'sideways'"),
        (["--precision", "fp8"], "'fp8'"),
        (["--batch-size", "1"], "batch_size at least 2"),
        (["--epochs", "many"], "'--epochs'"),
        (["--learning-rate", "1"], "--learning-rate"),
        (["--fraction", "2"], "fraction"),
        (["--method", "ce", "--weight", "0.1"], "no weight for method 'ce'"),
        (["--select", "validation", "--validation", "0"], "validation above 0"),
        (["--label-words", "good"], "1 word, but there are 2"),
        (["--label-words", "good,good"], "must differ"),
        (["--label-words", "good,"], "not be empty"),
        (["--max-length", "5"], "raise max_length or shorten the label words"),
        (["--corpus", "nothing.csv"], "no file nothing.csv"),
        (["--corpus", "reviews.xlsx"], ".xlsx"),
        (["--resume"], ""),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_settings_are_one_sentence_and_write_nothing(
    arguments: list[str],
    message: str,
    tiny_bert: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    output = [] if arguments == ["--resume"] else ["--output", "runs/x"]
    assert message in fail(*small(tiny_bert), *output, *arguments)
    assert not content(tmp_path)


BAD_FILES = {
    "one class only": ("a.csv", "text,label\ngood,1\nfine,1\n", "one class only"),
    "truncated": ("a.jsonl", '{"text": "good", "label": 1}\n{"text": "ba', "line 2 is not one"),
    "an empty text": ("a.csv", "text,label\ngood,1\n ,0\n", "no text in row 2"),
    "no column": ("a.csv", "words,label\ngood,1\nbad,0\n", "text_column"),
    "nothing": ("a.csv", "", "cannot be read"),
    "not a table": ("a.parquet", "PAR1 and then nothing", "cannot be read as parquet"),
}


@pytest.mark.parametrize(("name", "text", "message"), BAD_FILES.values(), ids=BAD_FILES)
def test_bad_files_are_one_sentence(
    name: str, text: str, message: str, tiny_bert: Path, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(text)
    before = content(tmp_path)
    more = ["--corpus", tmp_path / name, "--output", tmp_path / "run"]
    assert message in fail(*small(tiny_bert), *more)
    assert content(tmp_path) == before


def test_a_label_unseen_in_training_is_one_sentence(
    run: Path, corpus_csv: Path, tiny_bert: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.csv"
    other.write_text("text,label\na film,mixed\na book,positive\n")
    before = content(tmp_path)
    more = ["--test", other, "--output", tmp_path / "run"]
    assert "(mixed; known are" in fail(*small(tiny_bert, *more, corpus=corpus_csv))
    assert "(mixed; known are" in fail("evaluate", run, "--corpus", other)
    assert content(tmp_path) == before


@pytest.mark.parametrize(
    ("arguments", "given", "message"),
    [
        ([""], None, "text 1 is empty"),
        (["a film", "  "], None, "text 2 is empty"),
        ([], "\n\n", "stdin has none"),
        ([], b"caf\xe9", "stdin is not UTF-8 text"),
        (["--file", "no.txt"], None, "No such file or directory: no.txt"),
        (["--file", "no.txt", "a film"], None, "got both"),
        (["--format", "xml", "a film"], None, "'xml'"),
    ],
)
def test_bad_texts_are_one_sentence(
    run: Path, arguments: list[str], given: str | bytes | None, message: str
) -> None:
    assert message in fail("predict", run, *arguments, input=given)


def test_a_missing_interrupted_or_damaged_run_is_one_sentence(run: Path, tmp_path: Path) -> None:
    assert "no run.json" in fail("predict", tmp_path / "none", "a film")
    (tmp_path / "half.checkpoint").mkdir()
    assert "was interrupted" in fail("predict", tmp_path / "half", "a film")
    for name in ("model.safetensors", "run.json", "config.json", "predictions.csv"):
        copy = tmp_path / name.replace(".", "-")
        copy.mkdir()
        for file in run.iterdir():
            data = file.read_bytes()
            (copy / file.name).write_bytes(data[: len(data) // 2 if file.name == name else None])
        if name == "predictions.csv":
            continue  # half a table is a table: predict does without it
        assert "is damaged" in fail("predict", copy, "a film"), name
        assert "is damaged" in fail("evaluate", copy), name


def test_an_output_that_cannot_be_written_is_refused_before_training(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(training, "train", lambda config: pytest.fail("it began to train"))
    assert "--output" in fail(*small(tiny_bert, "--output", tmp_path / "file" / "run"))


def test_an_unknown_command_is_one_sentence() -> None:
    assert "Did you mean 'train'" in fail("trian")


def test_a_traceback_only_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object) -> None:
        raise KeyError("an oversight")

    monkeypatch.setattr("dualcl_tutorial._doctor.examine", broken)
    assert "Unexpected KeyError: 'an oversight'" in fail("doctor", code=1)
    done = dualcl("doctor", env={"DUALCL_TRACEBACK": "1"})
    assert done.exit_code == 1 and "Traceback (most recent call last)" in done.stderr


# ---------------------------------------------------------------- full disk, Ctrl-C


@pytest.mark.parametrize(
    "where", ["pandas.DataFrame.to_csv", "safetensors.torch.save_file"], ids=["run", "checkpoint"]
)
def test_a_full_disk_is_one_sentence_and_leaves_nothing(
    where: str, tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object, **settings: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(where, full)
    more = ["--output", tmp_path / "runs" / "x", "--checkpoint-steps", 1]
    if where.startswith("pandas"):
        more = more[:2]
    said = fail(*small(tiny_bert, *more), code=1)
    assert os.strerror(errno.ENOSPC) in said
    assert not content(tmp_path)


@pytest.mark.parametrize("steps", [[], ["--checkpoint-steps", 1]], ids=["run", "checkpoint"])
def test_a_write_that_really_fails_is_one_sentence_and_leaves_nothing(
    steps: list[object], tiny_bert: Path, tmp_path: Path
) -> None:
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))  # the weights take more
    try:
        said = fail(*small(tiny_bert, "--output", tmp_path / "runs" / "x", *steps), code=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "Writing failed (File too large" in said
    assert not content(tmp_path)


def test_ctrl_c_saves_and_a_resumed_run_ends_equal_to_the_bit(
    tiny_bert: Path, tmp_path: Path
) -> None:
    """Two real processes, whose stderr must stay empty, against one run in this one."""

    def arguments(output: Path) -> list[str]:
        more = ["--epochs", 20, "--checkpoint-minutes", 60, "--output", output]
        return [str(part) for part in small(tiny_bert, *more)]

    def start(*command: str) -> subprocess.Popen[str]:
        settings = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        command = (sys.executable, "-m", "dualcl_tutorial", *command)
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(command, env=settings, **pipes)

    process = start(*arguments(tmp_path / "cut"))
    for line in process.stdout:
        if "step 2 of" in line:
            process.send_signal(signal.SIGINT)
            break
    rest, errors = process.communicate(timeout=120)
    assert (process.returncode, errors) == (130, ""), rest
    assert re.search(r"Interrupted after step \d+ of 40; run it again with .*--resume", rest)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cut.checkpoint"]
    (step,) = (tmp_path / "cut.checkpoint").iterdir()
    assert step.name < "step-000000040"

    assert "--resume" in fail(*arguments(tmp_path / "cut"))
    assert "was interrupted" in fail("evaluate", tmp_path / "cut")
    process = start(*arguments(tmp_path / "cut"), "--resume")
    resumed, errors = process.communicate(timeout=120)
    assert (process.returncode, errors) == (0, ""), resumed
    whole = succeed(*arguments(tmp_path / "whole"))
    accuracy = resumed.splitlines()[-2]
    assert accuracy.startswith("Accuracy") and accuracy == whole.splitlines()[-2]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cut", "whole"]
    cut = content(tmp_path / "cut")
    for name, data in content(tmp_path / "whole").items():
        if name != "run.json":  # it tells how many seconds the run took
            assert cut[name] == data, name


def test_ctrl_c_while_judging_keeps_what_was_trained(
    tiny_bert: Path, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: object, **settings: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("dualcl_tutorial._run.evaluate", interrupted)
        done = dualcl(*small(tiny_bert, "--output", tmp_path / "x"))
    assert (done.exit_code, done.stderr) == (130, "") and "--resume" in done.stdout
    assert [p.name for p in tmp_path.iterdir()] == ["x.checkpoint"]
    succeed(*small(tiny_bert, "--output", tmp_path / "x", "--resume"))
    weights = "model.safetensors"
    assert (tmp_path / "x" / weights).read_bytes() == (run / weights).read_bytes()


@pytest.mark.parametrize("place", ["load_corpus", "build_model"])
def test_ctrl_c_before_the_first_step_leaves_nothing(
    place: str, tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: object, **settings: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(training, place, interrupted)
    said = fail(*small(tiny_bert, "--output", tmp_path / "runs" / "x"), code=130)
    assert "Interrupted" in said and not content(tmp_path)


def test_a_broken_checkpoint_is_a_note_and_not_a_warning_with_code(
    tiny_bert: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "x.checkpoint" / "step-000000001"
    broken.mkdir(parents=True)
    (broken / "state.json").write_text("{")
    done = dualcl(*small(tiny_bert, "--output", tmp_path / "x", "--resume"))
    assert done.exit_code == 0 and "Accuracy" in done.stdout
    assert re.fullmatch(r"dualcl: Checkpoint step-000000001 is broken .*\n", done.stderr)


def test_grid_and_table_from_the_shell(tmp_path: Path, tiny_bert: Path) -> None:
    declared = tmp_path / "grid.yaml"
    declared.write_text(
        f"methods: [ce]\ncorpora: [mini-reviews]\nencoders: ['{tiny_bert}']\nper_class: [4]\n"
        "seeds: [0]\nsettings: [{epochs: 1, batch_size: 4}]\n"
    )
    store = tmp_path / "store"
    said = succeed("grid", declared, "--store", store)
    assert "1 of 1 runs done" in said and f"next: dualcl table {store}" in said
    assert "| ce |" in succeed("table", store)
    assert "Expected a store of runs" in fail("table", tmp_path / "nowhere")
    declared.write_text("methods: [ce]\ncorpora: [nowhere.csv]\nseeds: [0]\n")
    said = fail("grid", declared, "--store", tmp_path / "other", code=1)
    assert said == "dualcl: 1 of 1 runs are not done, see above."
    declared.write_text("methods: [cee]\ncorpora: [cr]\n")
    assert "nearest: 'ce'" in fail("grid", declared, "--store", tmp_path / "other")
