"""Every lesson in JupyterLab as a reader meets it, and the boxes of lesson 00."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import browser as driver
import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(bool(driver.missing()), reason=driver.missing() or "it can run"),
]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[driver.Lab]:
    with driver.lab(tmp_path_factory.mktemp("lab"), driver.NOTEBOOKS) as running:
        yield running


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with driver.chromium() as browser:
        yield browser


@pytest.mark.parametrize("name", [path.name for path in driver.NOTEBOOKS])
def test_lesson_runs_and_its_controls_answer(
    chromium: Any, lab: driver.Lab, name: str, tmp_path: Path
) -> None:
    path = driver.visit(chromium, lab, name, tmp_path)
    assert path.stat().st_size > 20_000, "the picture of the page is empty"
    print(path)


@pytest.mark.parametrize(("width", "zoom"), [(700, 1), (1200, 2)], ids=["narrow", "zoomed"])
def test_a_lesson_fits_a_narrow_and_a_zoomed_window_in_dark(
    chromium: Any, tmp_path: Path, width: int, zoom: int
) -> None:
    lesson = next(path for path in driver.NOTEBOOKS if path.name.startswith("03_"))
    with driver.lab(tmp_path / "lab", [lesson], theme="JupyterLab Dark") as running:
        path = driver.visit(chromium, running, lesson.name, tmp_path, width=width, zoom=zoom)
        print(path)
        page = driver.open_lesson(chromium, running, lesson.name)
        light = page.evaluate("() => document.body.dataset.jpThemeLight")
        page.close()
    assert light == "false", "JupyterLab did not take the dark theme"


def test_boxes_of_lesson_00_answer_and_refuse(chromium: Any, lab: driver.Lab) -> None:
    page = driver.open_lesson(chromium, lab, "00_start_here.ipynb")
    driver.run_all(page)
    said, drawn = driver.type_into(page, "label words", "negative, positive")
    assert "Your words: negative" in said and drawn
    said, drawn = driver.type_into(page, "label words", "good, good")
    assert "same" in said and not drawn, "the reason is said, the last picture stays"
    said, drawn = driver.type_into(page, "label words", "good, bad, mixed")
    assert "mixed" in said and drawn
    said, drawn = driver.type_into(page, "your sentence", "what a lovely little phone")
    assert "CE: " in said and "DualCL: " in said and drawn
    page.close()


def test_a_traceback_is_seen(chromium: Any, tmp_path: Path) -> None:
    import nbformat

    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    cells = [nbformat.v4.new_code_cell('raise RuntimeError("planted")')]
    broken = nbformat.v4.new_notebook(cells=cells, metadata=kernel)
    nbformat.write(broken, tmp_path / "broken.ipynb")
    with driver.lab(tmp_path / "lab", [tmp_path / "broken.ipynb"]) as running:
        page = driver.open_lesson(chromium, running, "broken.ipynb")
        with pytest.raises(AssertionError, match="planted"):
            driver.run_all(page)
