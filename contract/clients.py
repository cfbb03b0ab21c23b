"""Generates the clients' code from the document, for `make clients`: what is in `GENERATED` and `TYPES`, and no more.

Each client's hand-written part lies beside it. The generators come from the project's own lock files.
"""

import os
import subprocess
import sys
from pathlib import Path

from contract.functions import ROOT
from contract.refresh import KEPT

GENERATED = ROOT / "clients" / "python" / "firebase_agents_client" / "generated"
TYPES = ROOT / "clients" / "typescript" / "src" / "schema.ts"
_PYTHON_CONFIG = ROOT / "clients" / "python" / "generator.yaml"
_OPENAPI_TYPESCRIPT = ROOT / "node_modules" / "openapi-typescript" / "bin" / "cli.js"


def write_python(folder: Path) -> None:
    """Writes the Python package's generated part, in the place of all that `folder` holds.

    Raises `CalledProcessError` with the generator's words in `stdout`, also if there is something in the document
    that it does not take.
    """
    options = ["--meta", "none", "--overwrite", "--fail-on-warning"]
    _run(
        Path(sys.executable).with_name("openapi-python-client"),
        *("generate", "--path", KEPT, "--output-path", folder, "--config", _PYTHON_CONFIG, *options),
    )


def write_typescript(file: Path) -> None:
    """Writes the TypeScript types. Raises `CalledProcessError`."""
    # Fields with a default may be left out of what is sent; what is answered has them all, and the document says so.
    _run("node", _OPENAPI_TYPESCRIPT, KEPT, "--output", file, "--default-non-nullable", "false")


def _run(*command: str | Path) -> None:
    """With the environment's programs on the path: the Python generator has ruff format what it wrote."""
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
