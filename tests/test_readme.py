"""The README in two languages: the same pages behind both, and code that runs as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ENGLISH = (ROOT / "README.md").read_text(encoding="utf-8")
CHINESE = (ROOT / "README.zh.md").read_text(encoding="utf-8")


def blocks(text: str, language: str = r"\w+") -> list[str]:
    """Return the fenced code blocks of a page."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def links(text: str) -> set[str]:
    """Return the addresses of a page, its pictures' among them, without that of its twin."""
    found = set(re.findall(r"\]\(([^()\s]+)\)", text))
    return found - {"README.md", "README.zh.md"}


def headings(text: str) -> list[int]:
    """Return the levels of a page's headings, in order."""
    return [len(marks) for marks in re.findall(r"^(#+) ", re.sub(r"(?s)```.*?```", "", text), re.M)]


def test_both_languages_have_the_same_headings_commands_and_links() -> None:
    assert headings(ENGLISH) == headings(CHINESE)
    assert blocks(ENGLISH) == blocks(CHINESE)
    assert links(ENGLISH) == links(CHINESE)
    code = [
        set(re.findall(r"`([^`\n]+)`", re.sub(r"(?s)```.*?```", "", x))) for x in (ENGLISH, CHINESE)
    ]
    assert code[0] == code[1]


def test_links_within_the_repository_lead_somewhere() -> None:
    for link in links(ENGLISH):
        if not link.startswith("https://"):
            assert (ROOT / link).exists(), f"README.md links to {link}"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_readmes_code_runs(corpus_csv: Path, tmp_path: Path) -> None:
    assert corpus_csv.name == "reviews.csv"
    tools = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    scripts = [x for x in blocks(ENGLISH, "bash") if x.startswith("dualcl")]
    programs = blocks(ENGLISH, "python")
    assert len(scripts) == 2 and len(programs) == 2
    commands = [["bash", "-euc", x] for x in scripts] + [
        [sys.executable, "-c", x] for x in programs
    ]
    said = []
    for command in commands:
        done = subprocess.run(
            command, cwd=tmp_path, env=os.environ | tools, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{command[-1]}\n{done.stdout}{done.stderr}"
        said.append(done.stdout)
    trained, doctor, python, loss = said
    assert re.search("positive|negative", trained) and "versions" in doctor
    accuracy, ours, theirs = python.strip().splitlines()[-3:]
    assert 0 <= float(accuracy) <= 1
    label = re.search(r"'label': '(\w+)'", ours)
    assert label and f"'label': '{label[1]}'" in theirs
    assert loss.startswith("tensor(")
