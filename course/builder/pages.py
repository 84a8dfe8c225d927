"""The words the build writes by itself: heads, navigation, the syllabus and the launcher page."""

from __future__ import annotations

import re

from course.builder.metadata import FOLDERS, Course, Lesson

#: The words of the tables in the two READMEs.
TABLE = {
    "en": {
        "head": "| lesson | the question it answers | minutes to read | to run (CPU) | open |",
        "exercise": "exercises",
        "solution": "solutions",
        "to come": "to come",
        "route": "- **{name}** ({hours:g} hours): {lessons}",
    },
    "zh": {
        "head": "| 课 | 回答的问题 | 阅读（分钟） | 运行（CPU，分钟） | 打开 |",
        "exercise": "练习",
        "solution": "答案",
        "to come": "待写",
        "route": "- **{name}**（{hours:g} 小时）：{lessons}",
    },
}
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


def syllabus(course: Course, prefix: str, language: str = "en") -> str:
    """Write the table of lessons with links that start from `prefix`."""
    words = TABLE[language]
    rows = [words["head"], "|---|---|---|---|---|"]
    for lesson in course.lessons:
        minutes = lesson.minutes
        title, question = lesson.heading, lesson.question
        if language == "zh":
            title, question = f"{lesson.number} · {lesson.title_zh}", lesson.question_zh
        links = [words["to come"]]
        if course.exists(lesson, "lesson"):
            title = f"[{title}]({prefix}{FOLDERS['lesson']}/{lesson.stem}.ipynb)"
            links = [f"[Colab]({colab(course, lesson, 'lesson')})"]
            if course.exists(lesson, "solution"):
                links += [
                    f"[{words[kind]}]({prefix}{FOLDERS[kind]}/{lesson.stem}.ipynb)"
                    for kind in ("exercise", "solution")
                ]
        rows.append(
            f"| {title} | {question} | {minutes['read']} | {minutes['cpu']} | {' · '.join(links)} |"
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
        routes(course),
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


def with_tables(course: Course, readme: str, language: str = "en") -> str:
    """Return a README with what stands between its markers made new; without markers, as it was."""
    made = {"syllabus": syllabus(course, "", language), "routes": routes(course, language)}
    for name, text in made.items():
        before, begin, rest = readme.partition(f"<!-- {name}:begin -->")
        _, end, after = rest.partition(f"<!-- {name}:end -->")
        if begin and end:
            readme = f"{before}{begin}\n{text}\n{end}{after}"
    return readme


def routes(course: Course, language: str = "en") -> str:
    """Write the ways through the course and the hours each takes."""
    lines = []
    for route in course.routes:
        lessons = [course.by_number(number) for number in route["lessons"]]
        minutes = sum(lesson.minutes["read"] + lesson.minutes["cpu"] for lesson in lessons)
        name = route["name"] if language == "en" else route["name_zh"]
        lines.append(
            TABLE[language]["route"].format(
                name=name, hours=round(minutes / 30) / 2, lessons=", ".join(route["lessons"])
            )
        )
    return "\n".join(lines)


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


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
