"""The workflows: they fit GitHub's schema, and do nothing that a make target does not do here."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([a-z][\w -]*):(?!=)", (ROOT / "Makefile").read_text(), re.MULTILINE))
NAMES = {name for line in TARGETS for name in line.split()}
SYSTEM = ("choco install make", "sudo apt-get update && sudo apt-get install")


def steps(path: Path) -> list[dict[str, Any]]:
    jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values()
    return [{"job": job, **step} for job in jobs for step in job["steps"]]


def schema(*paths: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema"]
    return subprocess.run(
        [*command, "vendor.github-workflows", *paths], capture_output=True, text=True
    )


def test_workflows_fit_the_schema(tmp_path: Path) -> None:
    done = schema(*WORKFLOWS)
    assert done.returncode == 0, done.stdout
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(WORKFLOWS[0].read_text(encoding="utf-8").replace("runs-on", "runs_on"))
    assert schema(wrong).returncode == 1


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_step_calls_a_make_target(path: Path) -> None:
    for step in steps(path):
        command = step.get("run")
        if command is None:
            assert re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"]), step["uses"]
        elif not command.startswith(SYSTEM):
            name = re.fullmatch(r"make (?:PYTHON=python )?(\S+|\$\{\{ .* \}\})", command)
            assert name, f"{command!r} is no make command"
            matrix = step["job"].get("strategy", {}).get("matrix", {})
            wanted = matrix["versions"] if name[1].startswith("$") else [name[1]]
            assert set(wanted) <= NAMES, f"the Makefile has no target {wanted}"


def test_the_matrix_spans_what_the_course_supports() -> None:
    jobs = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text("utf-8"))["jobs"]
    matrix = jobs["tested-versions"]["strategy"]["matrix"]
    assert {name.partition("-")[0] for name in matrix["os"]} == {"ubuntu", "macos", "windows"}
    supported = re.findall(r"Python :: (3\.\d+)", (ROOT / "pyproject.toml").read_text())
    assert matrix["python"] == [supported[0], supported[-1]]
    assert jobs["other-versions"]["strategy"]["matrix"]["versions"] == ["oldest", "newest"]
