"""`python -m course` is `python course/build.py`."""

from course.builder.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
