"""The generated clients match the OpenAPI document, and the packages can be installed."""

import filecmp
import json
import re
import sys
import tomllib
from pathlib import Path

from contract.clients import GENERATED, TYPES, write_python, write_typescript
from contract.functions import ROOT
from tests.clients.conftest import TYPESCRIPT, run, tsc

PYTHON = ROOT / "clients" / "python"
OUT_OF_DATE = "is out of date: run `make clients`"


def sources(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*.py")}


def test_the_python_client_is_up_to_date(tmp_path: Path) -> None:
    """`make clients` would not change the client."""
    write_python(tmp_path / "generated")
    assert sources(tmp_path / "generated") == sources(GENERATED), f"{GENERATED} {OUT_OF_DATE}"
    _, different, unreadable = filecmp.cmpfiles(
        tmp_path / "generated", GENERATED, map(str, sources(GENERATED)), shallow=False
    )
    assert (different, unreadable) == ([], []), f"{GENERATED} {OUT_OF_DATE}"


def test_the_typescript_types_are_up_to_date(tmp_path: Path) -> None:
    """`make clients` would not change the types."""
    write_typescript(tmp_path / "schema.ts")
    assert (tmp_path / "schema.ts").read_text() == TYPES.read_text(), f"{TYPES} {OUT_OF_DATE}"


def test_the_typescript_client_compiles() -> None:
    """The client passes the strict compiler for a browser, without Node.js types."""
    tsc("--noEmit", "--project", TYPESCRIPT, cwd=TYPESCRIPT)


def test_the_packages_metadata_is_consistent() -> None:
    """The clients have the service's version. The TypeScript client requires exactly the versions it is tested with."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert tomllib.loads((PYTHON / "pyproject.toml").read_text())["project"]["version"] == version
    package = json.loads((TYPESCRIPT / "package.json").read_text())
    assert package["version"] == version
    assert package["dependencies"].items() <= json.loads((ROOT / "package.json").read_text())["devDependencies"].items()
    exact = re.compile(r"\d+\.\d+\.\d+")
    assert all(exact.fullmatch(required) for required in package["dependencies"].values())


def test_the_python_client_can_be_installed(tmp_path: Path) -> None:
    """The wheel contains the client with its types, and nothing else from this project."""
    uv = Path(sys.executable).with_name("uv")
    run(uv, "build", "--offline", "--wheel", "--out-dir", tmp_path, PYTHON, cwd=tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    options = ("--python", sys.executable, "--target", tmp_path / "installed")
    run(uv, "pip", "install", "--offline", "--no-deps", *options, wheel, cwd=tmp_path)
    package = tmp_path / "installed" / "firebase_agents_client"
    assert (package / "py.typed").exists()
    assert sources(package) == sources(PYTHON / "firebase_agents_client")
