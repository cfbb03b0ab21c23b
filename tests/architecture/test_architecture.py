"""Style, types, and imports between packages are checked."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent


def check(*command: str | Path) -> None:
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert process.returncode == 0, f"{' '.join(map(str, command))}\n{process.stdout}{process.stderr}"


def test_the_code_is_in_style() -> None:
    """ruff reports no problems. `make format` fixes most problems."""
    check(BIN / "ruff", "check", ".")
    check(BIN / "ruff", "format", "--check", ".")


def test_imports_follow_the_layers() -> None:
    """Each layer imports only lower ones: functions, web, services, {llm, tasks, store}, models, settings.

    No function imports another function.
    """
    check(BIN / "lint-imports")


@pytest.mark.timeout(300)
def test_the_types_are_correct() -> None:
    """pyright reports no problems in strict mode."""
    node = shutil.which("node")
    assert node, "Node.js is missing. See README.md."
    check(node, ROOT / "node_modules" / "pyright" / "index.js")


def find_importing_packages(*modules: str) -> set[str]:
    lines = [f"{form} {module}" for module in modules for form in ("import", "from")]
    files = [*ROOT.glob("shared/**/*.py"), *ROOT.glob("functions/**/*.py")]
    return {
        file.relative_to(ROOT).parts[1]
        for file in files
        for line in file.read_text().splitlines()
        if line.strip().startswith(tuple(f"{start}{end}" for start in lines for end in (" ", ".", "")))
    }


@pytest.mark.parametrize(
    ("modules", "package"),
    [
        (("litellm",), "llm"),
        (("google.cloud.firestore", "google.cloud.firestore_v1"), "store"),
        (("google.cloud.tasks", "google.cloud.tasks_v2"), "tasks"),
        (("firebase_admin",), "web"),
        (("wasmtime",), "sandbox"),
        (("mcp", "httpcore", "httpcore2", "httpx2"), "outbound"),
        (("yaml",), "openapi"),
        (("jsonschema_rs",), "json_schema"),
        (("tree_sitter", "tree_sitter_javascript"), "javascript"),
    ],
)
def test_each_large_library_is_imported_by_one_package(modules: tuple[str, ...], package: str) -> None:
    """Only one package imports the library, so that it is easy to replace."""
    assert find_importing_packages(*modules) == {package}


IMPORTED_LATER = [
    "litellm",
    "google.cloud.tasks_v2",
    "firebase_admin",
    "wasmtime",
    "mcp",
    "httpx",
    "jsonschema_rs",
    "yaml",
]
"""Modules that are imported only when agent code first runs."""


@pytest.mark.parametrize(
    ("function", "not_imported"),
    [
        ("meta", ["litellm", "google.cloud.firestore", "google.cloud.tasks_v2", "firebase_admin", "httpx"]),
        ("providers", ["litellm", "google.cloud.tasks_v2", "firebase_admin", "httpx", "jsonschema_rs"]),
        ("chat", ["litellm", "firebase_admin"]),
        ("worker", ["google.cloud.tasks_v2", "firebase_admin"]),
        ("users", ["litellm", "google.cloud.tasks_v2", "firebase_admin", "httpx"]),
        ("admin", ["litellm", "google.cloud.tasks_v2", "firebase_admin", "httpx"]),
        ("sessions", ["litellm", "google.cloud.tasks_v2", "firebase_admin", "httpx"]),
        ("logs", ["litellm", "google.cloud.tasks_v2", "firebase_admin", "httpx"]),
        ("sweep", ["litellm", "firebase_admin"]),
        ("agents", IMPORTED_LATER),
        ("deployments", IMPORTED_LATER),
        ("mcp", IMPORTED_LATER),
        ("specs", IMPORTED_LATER),
        ("demos", [*IMPORTED_LATER, "tree_sitter", "tree_sitter_javascript"]),
    ],
)
def test_a_function_imports_no_large_library_at_its_start(function: str, not_imported: list[str]) -> None:
    """Libraries that a function does not need at its start are not imported, because they delay its cold start."""
    code = f"import sys, functions.{function}.main\nprint([name for name in {not_imported!r} if name in sys.modules])"
    process = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert process.stdout.strip().splitlines()[-1] == "[]"
