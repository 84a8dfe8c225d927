"""The grid and its store: what is declared is done once, whoever stops, fails or joins."""

import contextlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pandas as pd
import pytest
import yaml

from dualcl_tutorial import experiments
from dualcl_tutorial._tables import markdown, read_runs
from dualcl_tutorial.experiments import Grid, read_store, run_grid, run_name
from dualcl_tutorial.plots.shared import read_results
from dualcl_tutorial.training import RunResult, TrainConfig, train

SMALL = {"epochs": 1, "batch_size": 4, "lr": 1e-3, "precision": "fp32"}


@pytest.fixture
def grid(tiny_bert):
    def build(**changes):
        known = {
            "methods": ["ce", "dualcl"],
            "corpora": ["mini-reviews"],
            "per_class": [4],
            "encoders": [str(tiny_bert)],
            "seeds": [0, 1],
            "settings": [SMALL],
        }
        return Grid(**known | changes)

    return build


@pytest.fixture
def fake(monkeypatch):
    """Replace training by something that takes no time; return what was trained, in order."""
    trained = []

    def pretend(config):
        trained.append((config.method, config.seed))
        predictions = pd.DataFrame({"label": [0, 1], "predicted": [0, config.seed % 2]})
        history = pd.DataFrame({"validation": [0.2, 0.7]})
        kept = {"versions": {}, "machine": "", "threads": 1, "precision": "fp32", "seconds": 1.0}
        accuracy = float((predictions.label == predictions.predicted).mean())
        return RunResult(config.resolved(), None, history, accuracy, predictions, record=kept)

    monkeypatch.setattr(experiments, "train", pretend)
    return trained


def files(store):
    return sorted(path.name for path in store.rglob("*"))


def shown(store):
    """Return what the runs of a store showed, without what no two machines share."""
    return {
        path.name: {k: v for k, v in json.loads(path.read_text()).items() if k != "record"}
        for path in store.glob("*.json")
    }


def test_a_grid_is_every_combination_seed_by_seed(grid):
    runs = grid(corpora=["mini-reviews", "mini-questions"]).runs()
    assert len(runs) == 8 and [run.seed for run in runs] == [0] * 4 + [1] * 4
    assert {(r.method, r.corpus) for r in runs[:4]} == {
        (m, c) for m in ("ce", "dualcl") for c in ("mini-reviews", "mini-questions")
    }


def test_a_variant_that_names_a_method_is_for_it_alone(grid):
    variants = [{"method": "ce", "lr": 1e-4}, {"method": "dualcl", "weight": 0.5}, {}]
    runs = grid(seeds=[0], settings=variants).runs()
    assert [(r.method, r.lr, r.weight) for r in runs] == [
        ("ce", 1e-4, None),
        ("dualcl", None, 0.5),
        ("ce", None, None),
        ("dualcl", None, None),
    ]


def test_fractions_and_counts_are_sizes_side_by_side(grid):
    runs = grid(methods=["ce"], seeds=[0], fractions=[0.1, 1.0], per_class=[5]).runs()
    assert [(r.fraction, r.per_class) for r in runs] == [(0.1, None), (1.0, None), (1.0, 5)]


def test_a_name_depends_on_what_the_result_depends_on():
    base = {"corpus": "cr", "precision": "auto"}
    name = run_name(TrainConfig(**base))
    assert name == run_name(TrainConfig(**base, output="elsewhere", progress=False))
    assert name == run_name(TrainConfig(**base, lr=1e-4))  # the default of minilm, spelt out
    others = [{"seed": 1}, {"lr": 2e-4}, {"fraction": 0.1}, {"method": "ce"}]
    names = {run_name(TrainConfig(**base | other)) for other in others}
    assert len(names | {name, run_name(TrainConfig(**base), "validation")}) == 6


def test_a_run_of_a_grid_is_the_run_that_train_does(grid, tiny_bert, tmp_path):
    frame = run_grid(grid(methods=["dualcl"], seeds=[3]), tmp_path)
    alone = train(
        TrainConfig(
            corpus="mini-reviews",
            encoder=str(tiny_bert),
            per_class=4,
            seed=3,
            progress=False,
            **SMALL,
        )
    )
    row = frame.iloc[0]
    assert row.accuracy == pytest.approx(alone.accuracy, abs=1e-6)
    assert row.predicted == alone.predictions.predicted.tolist()
    assert (row.per_class, row.fraction, row.examples) == (4, None, len(alone.predictions))
    assert row.settings["lr"] == 1e-3 and row.versions["torch"] and row.threads >= 1
    assert files(tmp_path) == [f"{row['name']}.json"]  # no model, no claim, no working folder


def test_what_is_done_is_not_done_again(grid, fake, tmp_path):
    first = run_grid(grid(seeds=[0]), tmp_path)
    assert fake == [("ce", 0), ("dualcl", 0)]
    second = run_grid(grid(), tmp_path)
    assert fake[2:] == [("ce", 1), ("dualcl", 1)]
    assert len(first) == 2 and len(second) == 4
    assert len(run_grid(grid(seeds=[1]), tmp_path)) == 2  # a view of the grid, not of the store
    assert len(read_store(tmp_path)) == 4


def test_one_failing_run_stops_no_other_and_is_tried_again(
    grid, fake, tmp_path, monkeypatch, capsys
):
    works = experiments.train

    def fails(config):
        if config.method == "ce" and config.seed == 0:
            raise RuntimeError("out of luck")
        return works(config)

    monkeypatch.setattr(experiments, "train", fails)
    assert len(run_grid(grid(), tmp_path)) == 3
    printed = capsys.readouterr().out
    assert "ce on mini-reviews, 4 a class, seed 0: failed (RuntimeError: out of luck)" in printed
    assert "1 of 4 runs failed" in printed
    monkeypatch.setattr(experiments, "train", works)
    assert len(run_grid(grid(), tmp_path)) == 4
    assert not list(tmp_path.glob("*.failed"))


def test_an_interrupt_keeps_what_is_done_and_says_how_to_go_on(
    grid, fake, tmp_path, monkeypatch, capsys
):
    works = experiments.train

    def interrupted(config):
        result = works(config)
        result.interrupted = len(fake) == 3
        return result

    monkeypatch.setattr(experiments, "train", interrupted)
    assert len(run_grid(grid(), tmp_path)) == 2
    assert "2 of 4 runs are still to do: run it again to go on." in capsys.readouterr().out
    assert not list(tmp_path.glob("*.claim"))


def test_a_claimed_run_is_left_to_its_worker_unless_that_is_dead(grid, fake, tmp_path):
    small = grid(methods=["ce"], seeds=[0])
    claim = tmp_path / f"{run_name(small.runs()[0])}.claim"
    claim.touch()
    assert len(run_grid(small, tmp_path)) == 0 and fake == []
    old = time.time() - 2 * experiments.STALE
    os.utime(claim, (old, old))
    assert len(run_grid(small, tmp_path)) == 1 and fake == [("ce", 0)]
    assert not claim.exists()


def test_the_claim_is_touched_while_a_run_goes_on(grid, fake, tmp_path, monkeypatch):
    monkeypatch.setattr(experiments, "HEARTBEAT", 0.05)
    works, touched = experiments.train, []

    def slow(config):
        (claim,) = tmp_path.glob("*.claim")
        os.utime(claim, (0, 0))
        deadline = time.monotonic() + 20
        while claim.stat().st_mtime == 0 and time.monotonic() < deadline:
            time.sleep(0.01)
        touched.append(claim.stat().st_mtime > 0)
        return works(config)

    monkeypatch.setattr(experiments, "train", slow)
    run_grid(grid(methods=["ce"], seeds=[0]), tmp_path)
    assert touched == [True]


def test_a_grid_on_validation_keeps_no_word_of_the_test_set(grid, fake, tmp_path):
    tuned = grid(seeds=[1], split="validation", settings=[SMALL | {"validation": 0.25}])
    frame = run_grid(tuned, tmp_path)
    assert frame.accuracy.tolist() == [0.7, 0.7]  # the last epoch's on validation
    assert (frame.split == "validation").all()
    assert frame.predicted.tolist() == [[], []]


def test_two_workers_do_what_one_does(grid, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    run_grid(grid(seeds=[0]), one)
    frame = run_grid(grid(seeds=[0]), two, workers=2)
    assert len(frame) == 2 and shown(one) == shown(two)


def claimed_since(store, worker, moment):
    """Wait until a worker has claimed a run after a moment; give False if it ended before."""
    while worker.poll() is None:
        for claim in store.glob("*.claim"):
            with contextlib.suppress(FileNotFoundError):
                if claim.stat().st_mtime > moment:
                    return True
        time.sleep(0.01)
    return False


@pytest.mark.slow
def test_killed_at_random_moments_it_ends_with_the_same_runs(grid, tmp_path, monkeypatch):
    declared = grid(seeds=range(6), settings=[SMALL | {"epochs": 3}])
    calm, rough = tmp_path / "calm", tmp_path / "rough"
    run_grid(declared, calm)
    path = tmp_path / "grid.yaml"
    path.write_text(yaml.safe_dump(vars(declared) | {"seeds": list(declared.seeds)}))
    program = (
        "import sys; from dualcl_tutorial import experiments; experiments.STALE = -1; "
        "experiments.run_grid(experiments.Grid.read(sys.argv[1]), sys.argv[2])"
    )
    command = [sys.executable, "-c", program, str(path), str(rough)]
    draw, kills = random.Random(0), 0
    for _ in range(8):
        moment = time.time()
        worker = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if claimed_since(rough, worker, moment):  # so it is killed at work, on a slow machine too
            time.sleep(draw.uniform(0, 1.5))
            worker.send_signal(signal.SIGKILL)
            kills += worker.wait() == -signal.SIGKILL
        else:
            assert worker.returncode == 0
    assert kills, "no worker was killed: the test shows nothing"
    print(f"{kills} workers killed")
    monkeypatch.setattr(experiments, "STALE", -1)  # the last dead worker's claim is fresh
    run_grid(declared, rough)
    assert shown(rough) == shown(calm)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"methods": "ce"}, "Expected a list of methods, got 'ce'"),
        ({"settings": [{"colour": 1}]}, "got ['colour']"),
        ({"methods": ["dualc"]}, "nearest: 'dualcl'"),
        ({"corpora": ["cr", "trek"]}, "nearest: 'trec'"),
        ({"split": "train"}, '"test" or "validation"'),
        ({"split": "validation"}, "validation above 0"),
    ],
    ids=["no list", "unknown setting", "method", "corpus", "split", "no validation"],
)
def test_a_bad_grid_is_refused_before_any_run(grid, fake, tmp_path, changes, said):
    with pytest.raises(ValueError) as error:
        run_grid(grid(**changes), tmp_path / "store")
    assert said in str(error.value) and fake == [] and not (tmp_path / "store").exists()


def test_a_grid_is_read_from_yaml(tmp_path):
    path = tmp_path / "grid.yaml"
    path.write_text("methods: [ce]\ncorpora: [cr]\nfractions: [0.1]\nseeds: [4]\n")
    assert Grid.read(path).runs()[0].seed == 4
    for wrong in ("methods: [ce]", "[1, 2]", "methods: [ce]\ncorpora: [cr]\ncolours: [1]", "a: ["):
        path.write_text(wrong)
        with pytest.raises(ValueError, match=r"grid\.yaml"):
            Grid.read(path)


def test_every_grid_of_the_course_can_be_read():
    grids = sorted((Path(__file__).resolve().parents[1] / "course/experiments/grids").glob("*"))
    assert grids
    for path in grids:
        assert len(Grid.read(path)) > 0


def test_the_table_has_ours_and_the_papers(grid, fake, tmp_path):
    run_grid(
        Grid(methods=["dualcl", "ce"], corpora=["cr"], fractions=[0.1], seeds=[0, 1]), tmp_path
    )
    text = markdown(read_runs(tmp_path), read_results("paper_table2"))
    ours, bert = text.split("\n\n")[1], text.split("\n\n")[3]
    assert ours.splitlines() == [
        "| method | cr |",
        "| --- | --- |",
        "| ce | 75.0 ± 35.4 |",
        "| dualcl | 75.0 ± 35.4 |",
    ]
    assert "| ce | 86.58 ± 0.29 |" in bert and "10 seeds" in text.split("\n\n")[2]


def test_variants_of_one_method_have_rows_of_their_own(grid, fake, tmp_path):
    variants = [SMALL, SMALL | {"lr": 2e-3}]
    run_grid(grid(methods=["ce"], settings=variants), tmp_path)
    text = markdown(read_runs(tmp_path), read_results("paper_table2"))
    assert "| ce (lr 0.001) | 75.0" in text and "| ce (lr 0.002) | 75.0" in text
    assert "Table 2" not in text  # examples a class are not in the paper's table


def test_ray_is_asked_for_in_one_sentence(grid, fake, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)  # what an import finds that is not installed
    with pytest.raises(ModuleNotFoundError, match=r"dualcl-tutorial\[cluster\]"):
        run_grid(grid(), tmp_path, engine="ray")
    with pytest.raises(ValueError, match='"processes" or "ray", got \'slurm\''):
        run_grid(grid(), tmp_path, engine="slurm")
    assert fake == []


@pytest.mark.slow
def test_a_killed_ray_worker_is_replaced_and_its_run_is_done_once(grid, tmp_path, capfd):
    ray = pytest.importorskip("ray", reason="Ray is not installed: pip install ray")
    declared = grid(seeds=range(3), settings=[SMALL | {"epochs": 12}])
    calm, rough = tmp_path / "calm", tmp_path / "rough"
    ray.init(num_cpus=2, include_dashboard=False, object_store_memory=80_000_000)
    killed = []

    def kill_one():
        """Kill the first worker that claims a run, and make its claim look old."""
        deadline = time.monotonic() + 200
        while not killed and time.monotonic() < deadline:
            for claim in rough.glob("*.claim"):
                with contextlib.suppress(FileNotFoundError, ValueError, ProcessLookupError):
                    machine, number = claim.read_text().split()
                    os.kill(int(number), signal.SIGKILL)
                    os.utime(claim, (0, 0))
                    killed.append((claim.stem, machine))
                    return
            time.sleep(0.02)

    killer = threading.Thread(target=kill_one)
    killer.start()
    try:
        frame = run_grid(declared, rough, workers=2, engine="ray")
    finally:
        killer.join()
        ray.shutdown()
    assert killed, "no worker was killed: the test shows nothing"
    assert len(frame) == len(declared) == 6 and frame.name.is_unique
    assert killed[0][0] in set(frame.name)  # the dead worker's run was done again
    run_grid(declared, calm)
    assert shown(rough) == shown(calm)
    assert not list(rough.glob("*.claim")) and not list(rough.glob("*.failed"))


@pytest.mark.slow
def test_the_tasks_of_a_job_array_share_a_store(grid, tmp_path):
    """Run the SLURM script as two tasks of an array would, at once, without SLURM."""
    path, store = tmp_path / "grid.yaml", tmp_path / "store"
    declared = grid(seeds=range(2))
    path.write_text(yaml.safe_dump(vars(declared) | {"seeds": list(declared.seeds)}))
    script = Path(__file__).resolve().parents[1] / "course/experiments/grid.sbatch"
    place = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    tasks = [
        subprocess.Popen(
            ["bash", str(script), str(path), str(store)],
            env=place | {"SLURM_ARRAY_TASK_ID": str(number)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    said = "".join(task.communicate(timeout=240)[0] for task in tasks)
    done = re.findall(r"(\d) of 4 runs done", said)
    assert len(done) == 4  # by both together, each run once
    assert len(run_grid(declared, store)) == 4
