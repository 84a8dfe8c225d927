"""Build the course's notebooks from their sources; see AUTHORS.md for the commands."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from course.builder.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
