"""Build the web site into build/site/html; warnings are errors, links between pages among them."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from course.builder import metadata, site

if __name__ == "__main__":
    builder = sys.argv[1] if len(sys.argv) > 1 else "html"  # or linkcheck
    folder = ROOT / "build" / "site"
    site.prepare(metadata.load(ROOT), folder / "source")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", builder]
    places = ["-c", str(ROOT / "site"), str(folder / "source"), str(folder / builder)]
    raise SystemExit(subprocess.run([*command, *places]).returncode)
