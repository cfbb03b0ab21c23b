"""`make check`: lints, and runs the tests that a change since the last commit is most likely to break.

Tests are selected by their imports. Test files that import a changed module directly come first, followed by those that
import it through other modules. At most `MAX_FILES` of them run, so checking a typical change takes less than a minute.
`make test` runs all tests.
"""

import ast
import re
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
MAX_FILES = 12
_SOURCES = ("bench", "clients/python", "contract", "deploy", "emulator-config", "functions", "shared", "tests", "tools")
_IMPORT_FOLDERS = ("emulator-config", "clients/python")
"""Folders on the import path: their modules are imported without the folder's name."""
_SLOW = ("tests/e2e", "tests/contract/test_fuzzing.py", "tests/local_platform")
_TESTS_BY_FOLDER = {
    "docs": "tests/docs",
    "README.md": "tests/docs",
    "firestore.rules": "tests/rules",
    "firestore.indexes.json": "tests/store/test_indexes.py",
    "firebase.json": "tests/deploy/test_firebase_json.py",
    "deploy": "tests/deploy",
    "shared/llm/catalog": "tests/llm/catalog",
    "shared/sandbox": "tests/sandbox/test_engine.py",
}
"""The tests for files that no test imports."""
_LATE_IMPORT = re.compile(r"""import_late\(\s*["'](shared[\w.]*)["']""")


def list_changed_files() -> list[str]:
    """Returns the files that differ from the last commit, including new ones."""
    tracked = _run_lines("git", "diff", "--name-only", "HEAD")
    return tracked + _run_lines("git", "ls-files", "--others", "--exclude-standard")


def _run_lines(*command: str) -> list[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


def select_tests(changed: list[str], root: Path = ROOT) -> list[str]:
    """Returns test files, those closest to the change first. Slow tests are included only if they have changed."""
    importers = _find_importers(root)
    distance = {file: 0 for file in changed if file.endswith(".py")}
    waiting = deque(distance)
    while waiting:
        file = waiting.popleft()
        for importer in sorted(importers.get(file, ())):
            if importer not in distance:
                distance[importer] = distance[file] + 1
                waiting.append(importer)
    tests = [file for file in sorted(distance, key=lambda file: (distance[file], file)) if _is_test(file)]
    tests = [file for file in tests if file in changed or not file.startswith(_SLOW)]
    folders = {
        tests_of
        for file in changed
        if not file.endswith(".py")
        for part, tests_of in _TESTS_BY_FOLDER.items()
        if file.startswith(part)
    }
    return [*tests[:MAX_FILES], *sorted(folders - set(tests))]


def _is_test(file: str) -> bool:
    return file.startswith("tests/") and Path(file).name.startswith("test_")


def _find_importers(root: Path) -> dict[str, set[str]]:
    """Maps each file to its importers. All tests in the folder of a `conftest.py`, and below it, count as importers."""
    files = [path for source in _SOURCES for path in root.joinpath(source).rglob("*.py") if "venv" not in path.parts]
    by_module = {_module_name(path.relative_to(root)): str(path.relative_to(root)) for path in files}
    importers: dict[str, set[str]] = {}
    for path in files:
        name = str(path.relative_to(root))
        for module in _find_imports(path):
            if file := by_module.get(module) or by_module.get(module.rpartition(".")[0]):
                importers.setdefault(file, set()).add(name)
        if path.name == "conftest.py":
            tests = path.parent.rglob("test_*.py")
            importers.setdefault(name, set()).update(str(test.relative_to(root)) for test in tests)
    return importers


def _module_name(path: Path) -> str:
    for folder in _IMPORT_FOLDERS:
        if path.is_relative_to(folder):
            path = path.relative_to(folder)
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def _find_imports(path: Path) -> Iterator[str]:
    text = path.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
    yield from _LATE_IMPORT.findall(text)


def main() -> int:
    """Runs the checks and returns the exit code."""
    changed = list_changed_files()
    if not changed:
        print("✓ Nothing has changed since the last commit.")
        return 0
    tests = select_tests(changed)
    steps = [
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["lint-imports", "--no-cache"],
        ["pyright", *[file for file in changed if file.endswith(".py") and (ROOT / file).is_file()]],
        ["pytest", "--quiet", *tests],
    ]
    for command in steps:
        if command[0] in ("pyright", "pytest") and all(argument.startswith("-") for argument in command[1:]):
            continue
        print(f"· {' '.join(command[:8])}{' …' if len(command) > 8 else ''}", flush=True)
        folder = ROOT / ("node_modules/.bin" if command[0] == "pyright" else ".venv/bin")
        completed = subprocess.run([folder / command[0], *command[1:]], cwd=ROOT, check=False)
        if completed.returncode:
            print(f"✗ {command[0]} failed: see above. `make format` fixes style.", file=sys.stderr)
            return 1
    print("✓ All checks passed. `make test` runs all tests.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
