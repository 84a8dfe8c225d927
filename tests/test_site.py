"""The web site: its pages link to what exists, and say which lesson derives what."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from course.builder import site
from course.builder.metadata import FOLDERS, BuildError, load

ROOT = Path(__file__).resolve().parents[1]
COURSE = load(ROOT)
KNOWN = {*site.PAGES, "notebooks/03_supervised_contrastive.ipynb"}


@pytest.mark.parametrize(
    ("page", "link", "leads_to"),
    [
        ("exercises/a.ipynb", "../README.md#begin", "../index.md#begin"),
        ("README.md", "notebooks/03_supervised_contrastive.ipynb", None),
        ("README.md", "https://example.org/a.md", None),
        ("README.md", "course/pictures/results.png", None),
        ("course/MISTAKES.md", "../tests/gallery", f"blob/{COURSE.tag}/tests/gallery"),
        ("README.md", "LICENSE", f"https://github.com/{COURSE.slug}/blob/{COURSE.tag}/LICENSE"),
    ],
)
def test_links_lead_to_pages_or_to_files_on_github(
    page: str, link: str, leads_to: str | None
) -> None:
    text = site.relinked(f"a [word]({link}) more", page, COURSE, KNOWN)
    assert text.startswith("a [word](") and text.endswith(f"{leads_to or link}) more")


def test_a_link_to_nothing_stops_the_build() -> None:
    with pytest.raises(BuildError, match="links to nowhere"):
        site.relinked("[a](nowhere.ipynb)", "notebooks/x.ipynb", COURSE, KNOWN)


def test_pictures_keep_their_alt_text_and_the_setup_cell_is_folded() -> None:
    (path,) = ROOT.glob("notebooks/03_*.ipynb")
    notebook = nbformat.read(path, as_version=4)
    known = {f"{FOLDERS[kind]}/{lesson.stem}.ipynb" for lesson, kind in COURSE.targets()}
    made = site.for_the_web(notebook, f"notebooks/{path.name}", COURSE, {*site.PAGES, *known})
    assert made.cells[1].metadata.tags == ["hide-input"]
    drawn = 0
    for cell in made.cells:
        shown = [output.get("metadata", {}) for output in cell.get("outputs", [])]
        alts = [x["image/png"]["alt"] for x in shown if "image/png" in x]
        drawn += len(alts)
        if alts:
            assert cell.metadata.mystnb["image"]["alt"] == " ".join(alts)
    assert drawn


def test_functions_are_traced_to_the_lesson_that_derives_them() -> None:
    assert site.derived_in(COURSE, "losses.dualcl_loss") == "05_dual_contrastive_loss"
    assert site.derived_in(COURSE, "variants.release_loss") == "07_paper_and_code"  # its module
    assert site.derived_in(COURSE, "corpora.load") is None
    said = site.linked_lessons("The mean (lessons 03 and 05); see lesson 99.", COURSE)
    link = ":doc:`03 </notebooks/03_supervised_contrastive>` and :doc:`05 </notebooks/05_dual_"
    assert link in said and said.endswith("see lesson 99.")


def test_the_glossary_names_every_term_in_both_languages() -> None:
    lines = (ROOT / "site" / "glossary.md").read_text(encoding="utf-8").splitlines()
    terms = [line for line in lines if " · " in line]
    assert len(terms) > 20 and terms == sorted(terms, key=str.casefold)
    for term in terms:
        english, chinese = term.split(" · ")
        assert english.isascii() and any("\u4e00" <= letter <= "\u9fff" for letter in chinese)


def test_how_to_cite_names_paper_and_course() -> None:
    text = site.bibtex(COURSE)
    assert "2201.08702" in text and "Mao, Yongyi" in text and COURSE.tag.removeprefix("v") in text


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(
    importlib.util.find_spec("sphinx_book_theme") is None,
    reason="the extra site is not installed (make site)",
)
def test_the_site_builds_without_a_warning() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "site" / "build.py"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    built = ROOT / "build" / "site" / "html"
    page = (built / "api" / "losses.html").read_text(encoding="utf-8")
    assert "../notebooks/05_dual_contrastive_loss.html" in page
    page = (built / "exercises" / "05_dual_contrastive_loss.html").read_text(encoding="utf-8")
    assert "<summary>Solution</summary>" in page
