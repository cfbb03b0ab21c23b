"""Style, types, and imports between packages are checked."""

import shutil
import subprocess
import sys
from ast import literal_eval
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


@pytest.mark.timeout(900)
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
    ("modules", "packages"),
    [
        (("litellm",), "llm"),
        (("google.cloud.firestore", "google.cloud.firestore_v1"), "store"),
        (("google.cloud.tasks", "google.cloud.tasks_v2"), "tasks"),
        (("firebase_admin",), "web"),
        (("wasmtime",), "sandbox"),
        (("mcp",), "mcp_server outbound"),
        (("httpcore", "httpcore2", "httpx2"), "outbound"),
        (("yaml",), "openapi"),
        (("jsonschema_rs",), "json_schema"),
        (("cronsim",), "services"),
        (("tree_sitter", "tree_sitter_javascript"), "javascript"),
    ],
)
def test_each_large_library_is_imported_by_one_package(modules: tuple[str, ...], packages: str) -> None:
    """Only one package imports the library, so that it is easy to replace. Two do so where it has two sides."""
    assert find_importing_packages(*modules) == set(packages.split())


IMPORTED_LATER = [
    "litellm",
    "google.cloud.tasks_v2",
    "firebase_admin",
    "wasmtime",
    "mcp",
    "httpx",
    "jsonschema_rs",
    "yaml",
    "pydantic.v1",
    "shared.sandbox",
    "shared.services.generation",
    "shared.services.model_calls",
]
"""Modules that are imported only when a request needs them, for example when agent code first runs."""


@pytest.mark.parametrize(
    ("function", "needed"),
    [
        ("meta", []),
        ("providers", []),
        ("chat", ["google.cloud.tasks_v2", "httpx"]),
        ("openai", ["google.cloud.tasks_v2", "httpx"]),
        (
            "worker",
            [
                "litellm",
                "httpx",
                "jsonschema_rs",
                "pydantic.v1",
                "yaml",
                "shared.sandbox",
                "shared.services.model_calls",
            ],
        ),
        ("users", []),
        ("admin", []),
        ("sessions", []),
        ("logs", []),
        ("sweep", ["google.cloud.tasks_v2", "httpx"]),
        ("agents", []),
        ("deployments", []),
        ("mcp", []),
        ("specs", []),
        ("demos", []),
        ("schedules", []),
        ("api_keys", []),
    ],
)
def test_a_function_imports_no_large_library_at_its_start(function: str, needed: list[str]) -> None:
    """Modules that a function does not need at its start are not imported, because they delay its cold start."""
    late = [*IMPORTED_LATER, "tree_sitter", "tree_sitter_javascript"]
    late += ["google.cloud.firestore"] if function == "meta" else []
    code = f"import sys, functions.{function}.main\nprint([name for name in {late!r} if name in sys.modules])"
    process = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    imported: list[str] = literal_eval(process.stdout.strip().splitlines()[-1])
    assert set(imported) <= set(needed)


@pytest.mark.parametrize("function", [path.parent.name for path in sorted(ROOT.glob("functions/*/main.py"))])
def test_a_function_prepares_its_process_first(function: str) -> None:
    """`shared.startup` is the first import and `finish_startup` follows the last: all imports are fast."""
    lines = (ROOT / "functions" / function / "main.py").read_text().splitlines()
    imports = [line for line in lines if line.startswith(("import ", "from "))]
    assert imports[0] == "from shared.startup import finish_startup"
    assert lines[lines.index("finish_startup()") - 1].startswith(("app = create_app(", ")"))
