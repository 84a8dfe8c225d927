"""Nothing is lost: a run killed, cut off or out of disk is resumed, and ends in the same bits."""

import errno
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
import torch
from jupyter_client.manager import start_new_kernel
from safetensors.torch import load_file, save_file

from dualcl_tutorial import training
from dualcl_tutorial._run import checkpoints
from dualcl_tutorial.training import TrainConfig, load_run, train

ROOT = Path(__file__).resolve().parents[1]
KILLS = 36

# A worker that trains the run each time it is told to, in a fork of itself, so that a kill costs no
# import. A line in a file says where the run is: in a step, writing a checkpoint, or the result.
WORKER = """\
import json, os, sys, time
from safetensors import torch as safetensors
from dualcl_tutorial import _run, training

settings, diary = json.loads(sys.argv[1]), open(sys.argv[2], "a", buffering=1)

def told(function, place):
    def call(*arguments, **others):
        diary.write(place + "\\n")
        time.sleep(0.02)  # before and after, so that kills fall within
        result = function(*arguments, **others)
        time.sleep(0.02)
        diary.write("between\\n")
        return result
    return call

training.training_step = told(training.training_step, "step")
safetensors.save_file = told(safetensors.save_file, "checkpoint")
_run.write = told(_run.write, "result")
training.load_corpus(training.TrainConfig(**settings))
for line in sys.stdin:
    child = os.fork()
    if not child:
        training.train(training.TrainConfig(**settings))
        os._exit(0)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture
def settings(tiny_bert):
    return {
        "corpus": "mini-reviews",
        "encoder": str(tiny_bert),
        "per_class": 9,
        "epochs": 3,
        "batch_size": 4,  # 14 sentences in 4 batches, 4 are for validation
        "lr": 1e-3,
        "final_lr": 0.0,
        "precision": "fp32",
        "select": "validation",
        "validation": 0.2,
        "checkpoint_steps": 3,
        "progress": False,
    }


def assert_the_same(run, whole):
    """Compare weights, history and predictions to the bit."""
    back = load_run(run)
    weights = load_file(run / "model.safetensors")
    assert weights.keys() == whole.model.state_dict().keys()
    assert all(torch.equal(weights[k], v) for k, v in whole.model.state_dict().items())
    pd.testing.assert_frame_equal(
        back.history, whole.history, check_dtype=False, rtol=0, atol=1e-14
    )
    assert back.predictions.predicted.equals(whole.predictions.predicted)
    assert [path.name for path in run.parent.iterdir()] == [run.name]  # nothing left behind


def until(diary, worker, place, times):
    """Wait until a place was entered so many times more, or the run is over."""
    begun = diary.read_text().count(place)
    running = Path(f"/proc/{worker}/stat")
    while diary.read_text().count(place) < begun + times:
        if not running.exists() or running.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.002)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc and forks: Linux")
def test_killed_dozens_of_times_it_ends_in_the_same_bits(settings, tmp_path):
    settings["epochs"] = 30
    whole = train(TrainConfig(**settings))
    output, diary, draw = tmp_path / "runs" / "run", tmp_path / "diary", random.Random(0)
    diary.touch()
    given = json.dumps(settings | {"output": str(output), "resume": True})
    lives = [draw.choice([("step", 7), ("step", 7), ("checkpoint", 2)]) for _ in range(KILLS)]
    lives += [("result", 1), None]  # killed while the result is written, then left in peace
    killed = Counter()
    with subprocess.Popen(
        [sys.executable, "-c", WORKER, given, str(diary)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as worker:
        for life in lives:
            worker.stdin.write("\n")
            worker.stdin.flush()
            child = int(worker.stdout.readline())
            if life is not None:
                place, most = life
                until(diary, child, place, draw.randint(1, most))
                time.sleep(draw.uniform(0, 0.05))
                os.kill(child, signal.SIGKILL)
                killed[diary.read_text().split()[-1]] += 1
            code = int(worker.stdout.readline())
            assert code == (0 if life is None else -signal.SIGKILL), (life, killed)
    print(f"killed {dict(killed)}")
    assert killed["step"] and killed["checkpoint"] and killed["result"]
    assert_the_same(output, whole)


class Cut(Exception):
    """The process is gone at once, as far as the run can tell."""


def cut_at(monkeypatch, step, error=Cut):
    training_step = training.training_step

    def gone(run):
        if run.step == step:
            raise error
        training_step(run)

    monkeypatch.setattr(training, "training_step", gone)


def test_a_truncated_newest_checkpoint_costs_some_steps_and_no_bit(settings, tmp_path, monkeypatch):
    whole, output = train(TrainConfig(**settings)), tmp_path / "runs" / "run"
    with monkeypatch.context() as patch, pytest.raises(Cut):
        cut_at(patch, 10)
        train(TrainConfig(**settings, output=output))
    kept = sorted(checkpoints(output).iterdir())
    assert [path.name for path in kept] == ["step-000000006", "step-000000009"]
    tensors = kept[-1] / "tensors.safetensors"
    tensors.write_bytes(tensors.read_bytes()[:-100])
    began, first = [], training.training_step
    monkeypatch.setattr(training, "training_step", lambda run: (began.append(run.step), first(run)))
    with pytest.warns(
        UserWarning, match="step-000000009 is broken .*: going on from the one before"
    ):
        train(TrainConfig(**settings, output=output, resume=True))
    assert began[0] == 6
    assert_the_same(output, whole)


def test_a_disk_that_fills_up_while_a_checkpoint_is_written(settings, tmp_path, monkeypatch):
    whole, output = train(TrainConfig(**settings)), tmp_path / "runs" / "run"

    def full(tensors, path, *arguments):
        save_file(tensors, path, *arguments)
        if "000000006" in str(path):
            Path(path).write_bytes(Path(path).read_bytes()[:1000])  # all there was room for
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space left"):
        patch.setattr("safetensors.torch.save_file", full)
        train(TrainConfig(**settings, output=output))
    assert [path.name for path in checkpoints(output).iterdir()] == ["step-000000003"]
    train(TrainConfig(**settings, output=output, resume=True))
    assert_the_same(output, whole)


def test_what_killed_writers_left_is_removed(settings, tmp_path, monkeypatch):
    output = tmp_path / "runs" / "run"
    with monkeypatch.context() as patch, pytest.raises(Cut):
        cut_at(patch, 4)
        train(TrainConfig(**settings, output=output))
    for left in (
        checkpoints(output) / ".step-000000006.partial-1",
        output.parent / ".run.partial-1",
    ):
        left.mkdir()
        (left / "tensors.safetensors").write_bytes(b"half of it")
    kept = []
    cut_at(monkeypatch, 5, KeyError)
    with pytest.raises(KeyError):
        train(TrainConfig(**settings, output=output, resume=True))
    kept = [path.name for path in checkpoints(output).iterdir()]
    assert kept == ["step-000000003"]
    monkeypatch.undo()
    train(TrainConfig(**settings, output=output, resume=True))
    assert [path.name for path in output.parent.iterdir()] == ["run"]


def test_another_number_of_threads_is_told_and_the_first_is_used(settings, tmp_path, monkeypatch):
    whole, output = train(TrainConfig(**settings)), tmp_path / "runs" / "run"
    with monkeypatch.context() as patch, pytest.raises(Cut):
        cut_at(patch, 4)
        train(TrainConfig(**settings, output=output))
    threads = torch.get_num_threads()
    torch.set_num_threads(threads + 1)
    try:
        with pytest.warns(UserWarning, match=f"{threads} instead of {threads + 1} threads"):
            train(TrainConfig(**settings, output=output, resume=True))
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(threads)
    assert_the_same(output, whole)


@pytest.mark.slow
def test_interrupt_in_a_notebook_leaves_a_usable_model(settings, tmp_path):
    """The stop button, in a real kernel; and the next cell goes on where it stopped."""
    settings = settings | {"epochs": 5, "output": str(tmp_path / "run"), "checkpoint_steps": None}
    manager, client = start_new_kernel(env={**os.environ, "PYTHONPATH": str(ROOT)})

    def execute(code, stop=False):
        said, client_id = [], client.execute(code)
        while True:
            message = client.get_iopub_msg(timeout=120)
            if message["parent_header"].get("msg_id") != client_id:
                continue
            kind, content = message["msg_type"], message["content"]
            assert kind != "error", content
            if kind == "stream":
                said.append(content["text"])
                if stop and "step 4" in content["text"]:
                    manager.interrupt_kernel()
            if kind == "status" and content["execution_state"] == "idle":
                return "".join(said)

    try:
        execute(
            "import time\nfrom dualcl_tutorial import training\nstep = training.training_step\n"
            "def shown(run):\n    step(run)\n    print('step', run.step, flush=True)\n"
            "    time.sleep(0.3)\n"
            f"training.training_step = shown\nsettings = {settings!r}\n"
        )
        said = execute("run = training.train(training.TrainConfig(**settings))", stop=True)
        assert "Interrupted after step" in said and "resume=True" in said and "step 20" not in said
        said = execute(
            "print(run.interrupted, run.accuracy, run.model.training, len(run.history) < 20)\n"
            "print(sorted(run.model.predict('a good film')[0]))"
        )
        assert said == "True None False True\n['label', 'score', 'scores']\n"
        execute("training.training_step = step")
        execute("again = training.train(training.TrainConfig(**settings, resume=True))")
        assert execute("print(again.interrupted, len(again.history))") == "False 20\n"
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert_the_same(tmp_path / "run", train(TrainConfig(**settings | {"output": None})))
