"""The wheel alone, in an empty folder: what somebody who typed `pip install` has."""

import os
import shutil
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
PARTS = [
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "LICENSE-CONTENT.md",
    "dualcl_tutorial",
    "results",
]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SCRIPT = """
    import importlib.resources
    import sys

    import dualcl_tutorial

    encoder, site = sys.argv[1:]
    assert dualcl_tutorial.__file__.startswith(site), dualcl_tutorial.__file__
    assert importlib.resources.files("dualcl_tutorial.results").joinpath("__init__.py").is_file()

    from dualcl_tutorial import corpora
    from dualcl_tutorial.model import DualCLModel
    from dualcl_tutorial.training import TrainConfig, train

    corpus = corpora.load("mini-reviews", per_class=8)
    assert sorted(corpus["train"].features["label"].names) == ["negative", "positive"]

    train(
        TrainConfig(
            corpus="mini-reviews",
            method="dualcl",
            encoder=encoder,
            per_class=8,
            epochs=1,
            batch_size=4,
            output="run",
        )
    )
    answers = DualCLModel.from_pretrained("run").predict(["a good film", "a bad film"])
    assert len(answers) == 2
    for answer in answers:
        assert answer["label"] in ("positive", "negative"), answer
        assert abs(sum(answer["scores"].values()) - 1) < 1e-4, answer
"""


def run(*command: object, **options: Any) -> None:
    """Run a command and show what it printed if it fails."""
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, **options
    )
    assert done.returncode == 0, (
        f"{command[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy, so that no old build/ folder slips into it."""
    source = tmp_path_factory.mktemp("source")
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(
                ROOT / part, source / part, ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
            )
        else:
            shutil.copy(ROOT / part, source / part)
    target = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet"]
    run(*pip, "--no-deps", "--no-build-isolation", "--wheel-dir", target, source)
    (path,) = target.glob("*.whl")
    return path


def test_the_wheel_holds_every_file_of_package_and_results(wheel: Path) -> None:
    packed = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "dualcl_tutorial").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    wanted |= {
        "dualcl_tutorial/" + path.relative_to(ROOT).as_posix()
        for path in (ROOT / "results").rglob("*")
        if path.suffix in (".csv", ".json", ".md")
    }
    assert not wanted - packed, f"package-data or packages in pyproject.toml miss {wanted - packed}"


def test_the_wheel_trains_saves_loads_and_predicts(
    wheel: Path, tiny_bert: Path, tmp_path: Path
) -> None:
    site, empty = tmp_path / "site", tmp_path / "empty"
    empty.mkdir()
    run(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", site, wheel)
    script = tmp_path / "script" / "reader.py"
    script.parent.mkdir()
    script.write_text(textwrap.dedent(SCRIPT))

    settings = {key: value for key, value in os.environ.items() if key != "DUALCL_DATA"}
    settings |= {"PYTHONPATH": str(site), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    run(sys.executable, script, tiny_bert, site, cwd=empty, env=settings)
    assert [path.name for path in empty.iterdir()] == ["run"], "training wrote beside its output"
