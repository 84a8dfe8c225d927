"""What a reader relies on without asking: commands, versions, sizes, the order of modules."""

import ast
import importlib.util
import io
import json
import re
import shutil
import subprocess
import sys
import tokenize
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "dualcl_tutorial"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]

# The order in which data flows: a module imports only from those before it. A private module
# (_name) belongs to the modules that import it: what it imports counts as imported by them.
ORDER = [
    "example",
    "corpora",
    "encoders",
    "inputs",
    "losses",
    "variants",
    "model",
    "checkpoint",
    "scale",
    "progress",
    "training",
    "experiments",
    "stats",
    "own_data",
    "saliency",
    "geometry",
    "notebook",
    "plots",
    "widgets",
    "check",
    "cli",
]
FOLDERS = {"plots", "widgets", "check"}
MAX_LINES = 250


def constraints() -> dict[str, str]:
    """Return the tested versions by canonical name."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in pins}


def published() -> list[Path]:
    """Return the files that are committed or would be."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout, so nothing says which files are published")
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def module_of(path: Path) -> str:
    """Return the name that a file has in ORDER: plots/lesson_01.py belongs to plots."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def sources() -> list[Path]:
    """Return the package's files, its front door excepted."""
    return sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def imported(path: Path) -> Iterator[str]:
    """Yield the modules of the package that a file imports, inside functions too."""
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    package = name.removesuffix(".__init__") if path.stem == "__init__" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        full: list[str] = []
        if isinstance(node, ast.Import):
            full = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            dots = "." * node.level + (node.module or "")
            base = importlib.util.resolve_name(dots, package)
            full = [f"{base}.{alias.name}" for alias in node.names]
        for target in full:
            first, _, rest = target.partition(".")
            if first == PACKAGE.name and rest and not rest.startswith("__"):
                yield rest.split(".")[0]


def lines_of_code(path: Path) -> int:
    """Count the lines that hold code: neither blank nor comment nor docstring."""
    text = path.read_text(encoding="utf-8")
    docstrings: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            docstrings |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    silent = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    silent |= {tokenize.ENCODING, tokenize.ENDMARKER}
    code: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in silent:
            code |= set(range(token.start[0], token.end[0] + 1))
    return len(code - docstrings)


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_every_make_command_that_a_page_names_exists(page: str) -> None:
    rules = re.findall(r"^([a-z][\w -]*):(?!=)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    targets = {target for rule in rules for target in rule.split()}
    text = (ROOT / page).read_text(encoding="utf-8")
    named = set(re.findall(r"(?:^|`)\s*(?:[A-Z_]+=\S+ )*make ([a-z][\w-]*)", text, re.MULTILINE))
    assert named, f"{page} names no make command"
    assert named <= targets, f"{page} names {named - targets}, which the Makefile does not have"


def test_the_readme_has_the_two_commands() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "make lab" in text and "make test" in text


def test_every_extra_is_explained() -> None:
    text = "".join((ROOT / page).read_text("utf-8") for page in ("README.md", "CONTRIBUTING.md"))
    missing = {extra for extra in EXTRAS if f"`{extra}`" not in text}
    assert not missing, f"neither README.md nor CONTRIBUTING.md says what {missing} brings"


def test_tested_versions_satisfy_the_lower_bounds() -> None:
    wanted = list(PROJECT["project"]["dependencies"])
    for extra in EXTRAS.values():
        wanted += extra
    pins = constraints()
    for requirement in map(Requirement, wanted):
        pin = pins.get(canonicalize_name(requirement.name))
        assert pin, f"constraints.txt has no version of {requirement.name}"
        assert requirement.specifier.contains(pin), f"{requirement} excludes the tested {pin}"


def test_dependencies_have_no_upper_bounds() -> None:
    for requirement in map(Requirement, PROJECT["project"]["dependencies"]):
        bounds = {part.operator for part in requirement.specifier}
        assert bounds <= {">="}, f"{requirement} would make Colab change what it has"


def test_constraints_are_plain_versions() -> None:
    for name, version in constraints().items():
        assert re.fullmatch(r"[0-9.]+", version), f"{name}=={version} is no plain version"


def test_conda_installs_the_tested_torch() -> None:
    assert f"torch=={constraints()['torch']}" in (ROOT / "environment.yml").read_text()
    assert f"torch=={constraints()['torch']}" in (ROOT / "CONTRIBUTING.md").read_text("utf-8")


def test_every_folder_of_the_package_is_packed() -> None:
    found = {".".join(path.parent.relative_to(ROOT).parts) for path in PACKAGE.rglob("__init__.py")}
    missing = found - set(PROJECT["tool"]["setuptools"]["packages"])
    assert not missing, f"packages in pyproject.toml lacks {sorted(missing)}"


def test_no_published_file_names_a_developers_machine() -> None:
    # Ada is invented: other tests use her folder as the example of what must not be shown.
    home = re.compile(
        r"(?<![\w.+/-])(?:/(?:root|work)/|/(?:home|Users)/(?!ada\b)[a-z]|[A-Z]:\\Users\\)"
    )
    for path in published():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture
        found = home.search(text)
        assert found is None, f"{path.relative_to(ROOT)} holds the path {found[0]}..."


def test_published_files_are_small() -> None:
    for path in published():
        limit = 300_000 if path.suffix == ".ipynb" else 1_000_000
        size = path.stat().st_size
        assert size <= limit, f"{path.relative_to(ROOT)} has {size:,} bytes, over {limit:,}"


def needs(module: str, above: tuple[str, ...] = ()) -> set[str]:
    """Return the public modules that a module imports, itself or through private ones."""
    assert module not in above, f"{' -> '.join((*above, module))} is a circle of imports"
    found: set[str] = set()
    for path in sources():
        if module_of(path) == module:
            for other in imported(path):
                found |= needs(other, (*above, module)) if other.startswith("_") else {other}
    return found - {module, "results"}  # results are data


@pytest.mark.parametrize(
    "module", sorted({module_of(path) for path in sources() if module_of(path)[0] != "_"})
)
def test_modules_import_only_from_those_before_them(module: str) -> None:
    assert module in ORDER, f"{module} has no place in the order of modules (ORDER in this test)"
    for other in needs(module):
        assert other in ORDER, f"{module} imports {other}, which is no module of the package"
        assert ORDER.index(other) < ORDER.index(module), (
            f"{module} imports {other}, which comes after it"
        )


@pytest.mark.parametrize(
    "path",
    [path for path in sources() if module_of(path) not in FOLDERS],
    ids=lambda path: path.stem,
)
def test_core_modules_can_be_read_in_one_sitting(path: Path) -> None:
    lines = lines_of_code(path)
    assert lines <= MAX_LINES, f"{path.name} has {lines} lines of code, over {MAX_LINES}"


def test_importing_the_package_is_cheap() -> None:
    program = (
        "import json, sys, dualcl_tutorial; "
        "print(json.dumps([name for name in sys.modules if '.' not in name]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    heavy = {"torch", "transformers", "datasets", "matplotlib", "pandas", "sklearn"}
    loaded = heavy & set(json.loads(done.stdout))
    assert not loaded, f"import dualcl_tutorial brings {sorted(loaded)} along"
