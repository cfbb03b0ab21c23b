"""The architecture: style, types, and who may import whom."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent


def check(*command: str | Path) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}"


def test_the_code_is_in_style() -> None:
    """ruff finds nothing; `make format` mends what it can."""
    check(BIN / "ruff", "check", ".")
    check(BIN / "ruff", "format", "--check", ".")


def test_imports_run_one_way() -> None:
    """functions, web, services, {llm, tasks, store}, models, settings; no function knows another."""
    check(BIN / "lint-imports")


@pytest.mark.timeout(300)
def test_the_types_hold() -> None:
    """pyright, strict."""
    node = shutil.which("node")
    assert node, "Node.js is missing; see README"
    check(node, ROOT / "node_modules" / "pyright" / "index.js")


def importers_of(*modules: str) -> set[str]:
    lines = [f"{form} {module}" for module in modules for form in ("import", "from")]
    files = [*ROOT.glob("shared/**/*.py"), *ROOT.glob("functions/**/*.py")]
    return {
        file.relative_to(ROOT).parts[1]
        for file in files
        for line in file.read_text().splitlines()
        if line.strip().startswith(tuple(f"{start}{end}" for start in lines for end in (" ", ".", "")))
    }


@pytest.mark.parametrize(
    ("modules", "home"),
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
def test_each_big_library_has_one_home(modules: tuple[str, ...], home: str) -> None:
    """One folder imports it, so that it can be found, bounded and replaced."""
    assert importers_of(*modules) == {home}


RUNS_LATER = [
    "litellm",
    "google.cloud.tasks_v2",
    "firebase_admin",
    "wasmtime",
    "mcp",
    "httpx",
    "jsonschema_rs",
    "yaml",
]
"""What is imported when code is first run, and not before."""


@pytest.mark.parametrize(
    ("function", "without"),
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
        ("agents", RUNS_LATER),
        ("deployments", RUNS_LATER),
        ("mcp", RUNS_LATER),
        ("specs", RUNS_LATER),
        ("demos", [*RUNS_LATER, "tree_sitter", "tree_sitter_javascript"]),
    ],
)
def test_a_function_imports_what_it_needs_and_no_more(function: str, without: list[str]) -> None:
    """Cold start is what a user meets first."""
    code = f"import sys, functions.{function}.main\nprint([name for name in {without!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"
