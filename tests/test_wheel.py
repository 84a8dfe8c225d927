"""The wheel alone: what somebody has who typed `pip install` or opened a notebook in Colab."""

import os
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest

from course import alone

ROOT = Path(__file__).resolve().parent.parent
# One a folder, 00 the first: `make colab` runs all, with Colab's versions.
SOME = ("notebooks/00_*", "exercises/05_*", "solutions/03_*")
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
    return alone.build_wheel(tmp_path_factory.mktemp("wheel"))


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


@pytest.mark.parametrize("pattern", SOME)
def test_a_notebook_runs_alone_in_an_empty_folder(wheel: Path, pattern: str) -> None:
    (path,) = ROOT.glob(pattern)
    before = set(psutil.Process().children(recursive=True))
    cost = alone.run(path, Path(sys.executable), wheel)
    left = set(psutil.Process().children(recursive=True)) - before
    assert not [one for one in left if "ipykernel_launcher" in one.cmdline()]
    assert cost.seconds > 1 and 100 < cost.megabytes < 2000


def test_a_notebook_that_needs_the_repository_is_seen(wheel: Path, tmp_path: Path) -> None:
    notebook = nbformat.read(next(ROOT.glob("exercises/05_*")), as_version=4)
    broken = nbformat.v4.new_code_cell("open('../README.md')")
    notebook.cells = [*notebook.cells[:2], broken]
    nbformat.write(notebook, tmp_path / "broken.ipynb")
    with pytest.raises(Exception, match="No such file"):
        alone.run(tmp_path / "broken.ipynb", Path(sys.executable), wheel)


def test_the_table_keeps_what_was_measured_before(tmp_path: Path) -> None:
    page, (first, second) = tmp_path / "COST.md", map(alone.shown, alone.targets()[:2])
    page.write_text(alone.table(page, {(second, "read"): alone.Cost(21.4, 1234.5)}))
    text = alone.table(page, {(first, "quick"): alone.Cost(7.6, 300)})
    rows = [line.split(" | ")[1:] for line in text.splitlines() if line.startswith("| [")]
    assert rows == [["8", "300", "", " |"], ["", "", "21", "1,234 |"]]
