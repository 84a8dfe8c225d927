"""Make an nbgrader release of one lesson's exercises: `make release LESSON=05`.

    python course/release.py 05 [FOLDER]

FOLDER (default `nbgrader`) becomes, or already is, an nbgrader course: source/NN_name/ gets the solution
notebook as it is committed, with its hidden tests, and `nbgrader generate_assignment` makes release/NN_name/
from it and writes both into the gradebook. course/INSTRUCTORS.md says how to go on.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CONFIG = """\
c = get_config()
c.CourseDirectory.course_id = "dualcl"
c.ClearSolutions.code_stub = {"python": "raise NotImplementedError"}
c.ExecutePreprocessor.timeout = 120
c.KernelManager.transport_encryption = "auto"
"""


def release(number: str, folder: Path) -> Path:
    """Write source and release of a lesson into an nbgrader course.

    Args:
        number: of the lesson, such as "05".
        folder: of the course.

    Returns:
        The folder of the release.

    Raises:
        ValueError: if the lesson has no exercises.
    """
    found = sorted((ROOT / "solutions").glob(f"{number}_*.ipynb")) if number else []
    if not found:
        known = ", ".join(path.name[:2] for path in sorted((ROOT / "solutions").glob("*.ipynb")))
        raise ValueError(
            f"Expected the number of a lesson with exercises ({known}), got {number!r}."
        )
    name = found[0].stem
    source = folder / "source" / name
    source.mkdir(parents=True, exist_ok=True)
    shutil.copy(found[0], source)
    config = folder / "nbgrader_config.py"
    if not config.exists():  # an instructor's own settings stay
        config.write_text(CONFIG, encoding="utf-8")
    nbgrader(folder, "generate_assignment", name, "--create", "--force")
    return folder / "release" / name


def nbgrader(folder: Path, *arguments: str) -> None:
    """Run an nbgrader command in a course, with the programs of this environment first.

    Raises:
        subprocess.CalledProcessError: if it fails.
    """
    programs = str(Path(sys.executable).parent)  # nbgrader calls alembic by name
    path = os.pathsep.join([programs, os.environ.get("PATH", "")])
    command = [sys.executable, "-m", "nbgrader", *arguments, "--log-level=WARN"]
    subprocess.run(command, cwd=folder, env={**os.environ, "PATH": path}, check=True)


def main(arguments: list[str]) -> int:
    """Release one lesson and say where it is."""
    number = arguments[0] if arguments else ""
    folder = Path(arguments[1] if len(arguments) > 1 else "nbgrader")
    try:
        made = release(number, folder)
    except (ValueError, subprocess.CalledProcessError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Give students what is in {made}; next: course/INSTRUCTORS.md.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
