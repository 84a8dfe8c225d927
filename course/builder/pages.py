"""The words the build writes by itself: heads, navigation, the syllabus and the launcher page."""

from __future__ import annotations

import re

from course.builder.metadata import FOLDERS, Course, Lesson

BEGIN, END = "<!-- syllabus:begin -->", "<!-- syllabus:end -->"
TASK = re.compile(r"\*Difficulty ([123]) of 3, (\d+) minutes?, objectives? (\d)")


def head(course: Course, lesson: Lesson, kind: str, tasks: list[str]) -> str:
    """Write the first cell of a notebook; `tasks` are the text cells of a solution source."""
    if kind == "lesson":
        return _lesson_head(course, lesson)
    found = [match for text in tasks for match in TASK.finditer(text)]
    minutes = sum(int(match[2]) for match in found)
    word = {"exercise": "Exercises", "solution": "Solutions"}[kind]
    other = "solution" if kind == "exercise" else "exercise"
    links = [f"the {other}s: {_link(course, lesson, other, kind)}"]
    if course.exists(lesson, "lesson"):
        links.insert(0, f"the lesson: {_link(course, lesson, 'lesson', kind)}")
    text = (
        f"# {lesson.number} · {word}: {lesson.title}\n\n{_badges(course, lesson, kind)}\n\n"
        f"{_count(len(found), 'exercise')}, about {minutes} minutes. See also {'; '.join(links)}.\n"
    )
    if kind == "solution":
        return text + "\nTry the exercises first: what you wrote yourself stays with you."
    return text + (
        "\nReplace each `raise NotImplementedError` by your code and run the cell: its last line "
        "checks your answer and says what to look at. Below each exercise wait a hint, pseudocode "
        "and the solution, one click each. Any exercise can be skipped."
    )


def navigation(course: Course, lesson: Lesson, kind: str) -> str:
    """Write the last cell: where to go from here, as far as it is written."""
    place = course.lessons.index(lesson)
    parts = []
    if kind == "lesson" and course.exists(lesson, "solution"):
        parts.append(f"**Exercises:** {_link(course, lesson, 'exercise', kind)}")
        parts.append(f"**Solutions:** {_link(course, lesson, 'solution', kind)}")
    if kind != "lesson" and course.exists(lesson, "lesson"):
        parts.append(f"**Lesson:** {_link(course, lesson, 'lesson', kind)}")
    if kind == "lesson":
        if place > 0:
            parts.append(f"**Previous:** {_link(course, course.lessons[place - 1], kind, kind)}")
        if place + 1 < len(course.lessons):
            parts.append(f"**Next:** {_link(course, course.lessons[place + 1], kind, kind)}")
    launcher = "README.md" if kind == "lesson" else "../notebooks/README.md"
    parts.append(f"[All lessons]({launcher})")
    return "---\n\n" + " · ".join(parts)


def syllabus(course: Course, prefix: str) -> str:
    """Write the table of lessons with links that start from `prefix`."""
    rows = ["| lesson | the question it answers | minutes to read | to run (CPU) | open |"]
    rows.append("|---|---|---|---|---|")
    for lesson in course.lessons:
        minutes = lesson.minutes
        if course.exists(lesson, "lesson"):
            title = f"[{lesson.heading}]({prefix}{FOLDERS['lesson']}/{lesson.stem}.ipynb)"
            links = [f"[Colab]({colab(course, lesson, 'lesson')})"]
            if course.exists(lesson, "solution"):
                links += [
                    f"[{word}]({prefix}{word}/{lesson.stem}.ipynb)"
                    for word in (FOLDERS["exercise"], FOLDERS["solution"])
                ]
        else:
            title, links = lesson.heading, ["to come"]
        rows.append(
            f"| {title} | {lesson.question} | {minutes['read']} | {minutes['cpu']} "
            f"| {' · '.join(links)} |"
        )
    return "\n".join(rows)


def launcher(course: Course) -> str:
    """Write notebooks/README.md: the syllabus, the routes, and each lesson's objectives."""
    parts = [
        "# The lessons",
        "This page is made by `course/build.py` out of `course/course.yml`.",
        syllabus(course, "../"),
        "## Routes",
        "Hours to read and to run on a CPU, exercises apart.",
        "\n".join(_route(course, route) for route in course.routes),
    ]
    for lesson in course.lessons:
        parts.append(f"## {lesson.heading}")
        parts.append(f"{lesson.question} You build: {lesson.built}. You try: {lesson.experiment}.")
        if lesson.objectives:
            parts.append("\n".join(f"- {objective}." for objective in lesson.objectives))
        if lesson.requires:
            parts.append(f"Needs {', '.join(lesson.requires)}.")
        if not course.exists(lesson, "lesson"):
            parts.append("*To come.*")
    return "\n\n".join(parts) + "\n"


def with_syllabus(course: Course, readme: str) -> str:
    """Return the README with the table between its markers made new; without markers, as it was."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        return readme
    return f"{before}{begin}\n{syllabus(course, '')}\n{end}{after}"


def colab(course: Course, lesson: Lesson, kind: str) -> str:
    """The address that opens a notebook in Colab."""
    path = f"{FOLDERS[kind]}/{lesson.stem}.ipynb"
    return f"https://colab.research.google.com/github/{course.slug}/blob/{course.tag}/{path}"


def _badges(course: Course, lesson: Lesson, kind: str) -> str:
    path = f"{FOLDERS[kind]}/{lesson.stem}.ipynb"
    binder = f"https://mybinder.org/v2/gh/{course.slug}/{course.tag}?urlpath=lab/tree/{path}"
    badges = [
        "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
        f"({colab(course, lesson, kind)})",
        f"[![Open in Binder](https://mybinder.org/badge_logo.svg)]({binder})",
    ]
    if kind == "lesson" and course.exists(lesson, "solution"):
        badges.append(f"Exercises: {_link(course, lesson, 'exercise', kind)}")
    return " ".join(badges)


def _lesson_head(course: Course, lesson: Lesson) -> str:
    minutes = lesson.minutes
    needs = [_link(course, course.by_number(n), "lesson", "lesson") for n in lesson.requires]
    parts = [
        f"# {lesson.heading}",
        _badges(course, lesson, "lesson"),
        f"*{lesson.question}*",
        "After this lesson you can\n\n"
        + "\n".join(f"{n}. {text}." for n, text in enumerate(lesson.objectives, 1)),
        f"**Read first:** {', '.join(needs) or 'nothing'}.",
        f"**Time:** about {minutes['read']} minutes to read; to run, about "
        f"{_count(minutes['cpu'], 'minute')} on a laptop's CPU, "
        f"{_count(minutes['gpu'], 'minute')} on a GPU.",
        f"<details><summary>中文提要</summary>\n\n{lesson.summary_zh}\n\n</details>",
    ]
    return "\n\n".join(parts)


def _link(course: Course, lesson: Lesson, kind: str, seen_from: str) -> str:
    """Link a notebook, and its twin in Colab where a relative link leads nowhere."""
    name = lesson.heading if kind == "lesson" else f"{lesson.number} {FOLDERS[kind]}"
    if not course.exists(lesson, kind):
        return f"{name} (to come)"
    folder = "" if kind == seen_from else f"../{FOLDERS[kind]}/"
    here = f"[{name}]({folder}{lesson.stem}.ipynb)"
    return f"{here} ([Colab]({colab(course, lesson, kind)}))"


def _route(course: Course, route: dict[str, list[str]]) -> str:
    lessons = [course.by_number(number) for number in route["lessons"]]
    minutes = sum(lesson.minutes["read"] + lesson.minutes["cpu"] for lesson in lessons)
    hours = round(minutes / 30) / 2
    return f"- **{route['name']}** ({hours:g} hours): {', '.join(route['lessons'])}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
