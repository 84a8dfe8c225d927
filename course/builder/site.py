"""The web site's pages: the repository's own, with links that lead somewhere from there.

`prepare` copies notebooks and pages into one folder, laid out as in the repository, so that links
between them hold. A link to a file that is no page leads to the file on GitHub.
"""

from __future__ import annotations

import posixpath
import re
import shutil

from pathlib import Path

import nbformat
import yaml

from course.builder.metadata import FOLDERS, BuildError, Course, Lesson

PACKAGE = "dualcl_tutorial"
#: Pages of the repository -> pages of the site.
PAGES = {
    "README.md": "index.md",
    "README.zh.md": "README.zh.md",
    "notebooks/README.md": "notebooks/README.md",
    "results/README.md": "results/README.md",
    "benchmarks/README.md": "benchmarks/README.md",
    "course/COST.md": "course/COST.md",
    "course/INSTRUCTORS.md": "course/INSTRUCTORS.md",
    "course/MAP.md": "course/MAP.md",
    "course/MISTAKES.md": "course/MISTAKES.md",
    "course/AUTHORS.md": "course/AUTHORS.md",
    "CONTRIBUTING.md": "CONTRIBUTING.md",
    "site/glossary.md": "glossary.md",
}
#: Folders whose pictures the pages show.
PICTURES = ("course/pictures", "benchmarks")
WORDS = {"exercise": "Exercises", "solution": "Solutions"}
_LINK = re.compile(r"(?<=\]\()(?!https?:|mailto:|#)([^()\s#]+)(#[^()\s]*)?(?=\))")
_LESSONS = re.compile(r"\b[Ll]essons? \d\d(?:(?:, | and | to )\d\d)*")


def prepare(course: Course, target: Path) -> None:
    """Write every page of the site under `target`, which is emptied first."""
    shutil.rmtree(target, ignore_errors=True)
    made = _made(course)
    notebooks = {
        course.notebook(lesson, kind).relative_to(course.root).as_posix()
        for kind in FOLDERS
        for lesson in built(course, kind)
    }
    known = {*PAGES, *made, *notebooks}
    for name, place in PAGES.items():
        if (course.root / name).is_file():
            text = (course.root / name).read_text(encoding="utf-8")
            _write(target / place, relinked(text, name, course, known) + _toctrees(course, place))
    for name, text in made.items():
        _write(target / name, text)
    for name in sorted(notebooks):
        notebook = nbformat.read(course.root / name, as_version=4)
        _write(target / name, nbformat.writes(for_the_web(notebook, name, course, known)))
    for name in PICTURES:
        shutil.copytree(course.root / name, target / name, ignore=_no_picture, dirs_exist_ok=True)


def _no_picture(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if not name.endswith(".png")]


def built(course: Course, kind: str = "lesson") -> list[Lesson]:
    """Return the lessons whose notebook of this kind lies on disk."""
    return [x for x in course.written(kind) if course.notebook(x, kind).is_file()]


def relinked(text: str, page: str, course: Course, known: set[str]) -> str:
    """Rewrite the relative links of a page: to pages of the site, else to files on GitHub.

    Raises:
        BuildError: about a link to a file that does not exist.
    """
    here = posixpath.dirname(page)
    seen_from = posixpath.dirname(PAGES.get(page, page))

    def target(match: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(here, match[1]))
        if path in known:
            place = PAGES.get(path, path)
        elif path.startswith(PICTURES) and path.endswith(".png"):
            place = path
        elif (course.root / path).exists():
            return f"https://github.com/{course.slug}/blob/{course.tag}/{path}{match[2] or ''}"
        else:
            raise BuildError(f"{page} links to {match[1]}, and there is no file {path}.")
        return posixpath.relpath(place, seen_from or ".") + (match[2] or "")

    return _LINK.sub(target, text)


def for_the_web(
    notebook: nbformat.NotebookNode, name: str, course: Course, known: set[str]
) -> nbformat.NotebookNode:
    """Fold the setup cell away, relink the text, and give each picture its alt text."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = relinked(cell.source, name, course, known)
            continue
        if cell["id"] == "setup":
            cell.metadata["tags"] = ["hide-input"]
        alts = [
            output.get("metadata", {}).get("image/png", {}).get("alt") for output in cell.outputs
        ]
        if any(alts):
            cell.metadata["mystnb"] = {"image": {"alt": " ".join(filter(None, alts))}}
    return notebook


def derived_in(course: Course, name: str) -> str | None:
    """Return the stem of the lesson that builds a module or a `module.name`, as the syllabus says."""
    for wanted in (name, name.partition(".")[0]):
        for lesson in built(course):
            if wanted in lesson.builds:
                return lesson.stem
    return None


def linked_lessons(text: str, course: Course) -> str:
    """Turn the numbers in "lessons 03 and 05" of a docstring into links (reStructuredText)."""
    stems = {lesson.number: lesson.stem for lesson in built(course)}

    def link(match: re.Match[str]) -> str:
        stem = stems.get(match[0])
        return f":doc:`{match[0]} </notebooks/{stem}>`" if stem else match[0]

    return _LESSONS.sub(lambda match: re.sub(r"\d\d", link, match[0]), text)


def modules(course: Course) -> list[str]:
    """Return the package's public core modules."""
    folder = course.root / PACKAGE
    return sorted(path.stem for path in folder.glob("[a-z]*.py"))


def bibtex(course: Course) -> str:
    """Write the entries of course and paper out of CITATION.cff."""
    data = yaml.safe_load((course.root / "CITATION.cff").read_text(encoding="utf-8"))
    (paper,) = data["references"]
    authors = " and ".join(f"{a['family-names']}, {a['given-names']}" for a in paper["authors"])
    number = paper["identifiers"][0]["value"].removeprefix("arXiv:")
    return (
        f"@misc{{chen2022dual,\n  title = {{{paper['title']}}},\n  author = {{{authors}}},\n"
        f"  year = {{{paper['year']}}},\n  eprint = {{{number}}},\n  archivePrefix = {{arXiv}},\n}}\n"
        f"\n@software{{dualcl_tutorial,\n  title = {{{data['title']}}},\n"
        f"  author = {{{{{data['authors'][0]['name']}}}}},\n  version = {{{data['version']}}},\n"
        f"  url = {{https://github.com/{course.slug}}},\n}}"
    )


def _made(course: Course) -> dict[str, str]:
    """The pages that no file of the repository holds, by name."""
    found = {
        "cite.md": (
            "# How to cite\n\nIf the course helps your work, please cite the paper it teaches, and the "
            f"course.\n\n```bibtex\n{bibtex(course)}\n```\n"
        ),
        "api/index.md": (
            "# The package\n\nEach function names the lesson that derives it. The modules in the order "
            "of their names; how data flows through them is told in the lessons.\n\n"
            + _toctree([f"{name}" for name in modules(course)])
        ),
    }
    for kind, word in WORDS.items():
        stems = [lesson.stem for lesson in built(course, kind)]
        text = "One notebook a lesson, each exercise with a check that says what to look at."
        found[f"{FOLDERS[kind]}/index.md"] = f"# {word}\n\n{text}\n\n{_toctree(stems)}"
    for name in modules(course):
        found[f"api/{name}.md"] = (
            f"# {name}\n\n```{{eval-rst}}\n.. automodule:: {PACKAGE}.{name}\n   :members:\n"
            f"   :member-order: bysource\n```\n"
        )
    return found


def _toctrees(course: Course, place: str) -> str:
    if place != "index.md":
        return ""
    lessons = [f"notebooks/{lesson.stem}" for lesson in built(course)]
    there = {PAGES[name] for name in PAGES if (course.root / name).is_file()}
    more = ["notebooks/README.md", "exercises/index.md", "solutions/index.md", "results/README.md"]
    more += ["benchmarks/README.md"]
    reference = ["api/index.md", "glossary.md", "cite.md", "README.zh.md"]
    teaching = [name for name in PAGES.values() if name.startswith("course/")]
    made = set(_made(course))
    parts = [
        _toctree(lessons, "Lessons"),
        _toctree([x for x in more if x in there | made], "Around the lessons"),
        _toctree([x for x in reference if x in there | made], "Reference"),
        _toctree([x for x in [*teaching, "CONTRIBUTING.md"] if x in there], "For those who teach"),
    ]
    return "\n" + "\n".join(parts)


def _toctree(entries: list[str], caption: str = "") -> str:
    options = f":hidden:\n:caption: {caption}\n" if caption else ":maxdepth: 1\n"
    names = "\n".join(entry.removesuffix(".md") for entry in entries)
    return f"```{{toctree}}\n{options}\n{names}\n```\n"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
