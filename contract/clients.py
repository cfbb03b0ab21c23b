"""Generates the clients' code from the OpenAPI document, for `make clients`: only the files in `GENERATED` and `TYPES`.

The hand-written part of each client is next to its generated part. The project's lock files pin the generators.
"""

import os
import subprocess
import sys
from pathlib import Path

from contract.functions import ROOT
from contract.refresh import DOCUMENTED

GENERATED = ROOT / "clients" / "python" / "firebase_agents_client" / "generated"
TYPES = ROOT / "clients" / "typescript" / "src" / "schema.ts"
_PYTHON_CONFIG = ROOT / "clients" / "python" / "generator.yaml"
_OPENAPI_TYPESCRIPT = ROOT / "node_modules" / "openapi-typescript" / "bin" / "cli.js"


def write_python(folder: Path) -> None:
    """Writes the generated part of the Python package, and replaces the contents of `folder`.

    Raises `CalledProcessError` with the generator's message in `stdout`, even for parts of the document that the
    generator would only warn about.
    """
    options = ["--meta", "none", "--overwrite", "--fail-on-warning"]
    _run(
        Path(sys.executable).with_name("openapi-python-client"),
        *("generate", "--path", DOCUMENTED, "--output-path", folder, "--config", _PYTHON_CONFIG, *options),
    )


def write_typescript(file: Path) -> None:
    """Writes the TypeScript types. Raises `CalledProcessError`."""
    # Fields with a default are optional in requests. Responses always have them, as the document states.
    _run("node", _OPENAPI_TYPESCRIPT, DOCUMENTED, "--output", file, "--default-non-nullable", "false")


def _run(*command: str | Path) -> None:
    """Runs a command with the environment's programs on the path, since the Python generator calls ruff."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    subprocess.run(  # noqa: S603 - the project's own tools
        list(map(str, command)), env={**os.environ, "PATH": path}, capture_output=True, text=True, check=True
    )


if __name__ == "__main__":
    try:
        write_python(GENERATED)
        write_typescript(TYPES)
    except subprocess.CalledProcessError as error:
        sys.exit(f"{error}\n{error.stdout}{error.stderr}")
