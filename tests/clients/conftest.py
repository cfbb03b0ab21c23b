"""Fixtures that serve the service over HTTP, and compile the TypeScript client for Node.js."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from contract.functions import ROOT
from shared.settings import Settings
from tests.clients.hosted import HostedService
from tests.doubles.cloud_tasks import CloudTasksServer
from tests.functions.conftest import auth_headers as auth_headers

Host = Callable[..., HostedService]
TSC = ROOT / "node_modules" / "typescript" / "bin" / "tsc"
TYPESCRIPT = ROOT / "clients" / "typescript"


@pytest.fixture
def host(
    settings: Settings, environ: dict[str, str], cloud_tasks: CloudTasksServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Host]:
    """Returns a function that serves the whole service: `host(app_env="firebase")`."""
    for name in list(os.environ):
        if name.endswith(("_API_KEY", "_BASE_URL", "_API_BASE")):
            monkeypatch.delenv(name)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    with ExitStack() as stack:

        def start(**fields: object) -> HostedService:
            hosted = HostedService(settings.model_copy(update=fields), cloud_tasks)
            hosted.start()
            stack.callback(hosted.stop)
            return hosted

        yield start


@dataclass(frozen=True)
class NodeProject:
    """The folder of a Node.js project, like a frontend's, with the compiled client in its `node_modules`."""

    folder: Path

    def compile(self, name: str, source: str) -> Path:
        """Type-checks a module strictly, and compiles it. Raises `AssertionError` with the compiler's output."""
        (self.folder / f"{name}.ts").write_text(source, encoding="utf-8")
        tsc("--project", self.folder, cwd=self.folder)
        return self.folder / f"{name}.js"

    def run(self, *arguments: str | Path, **environ: str) -> str:
        """Runs Node.js, and returns its output. Raises `AssertionError` if it fails."""
        return run("node", *arguments, cwd=self.folder, environ={**os.environ, **environ})


def tsc(*arguments: str | Path, cwd: Path) -> None:
    run("node", TSC, *arguments, cwd=cwd)


def run(*command: str | Path, cwd: Path, environ: dict[str, str] | None = None) -> str:
    completed = subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, timeout=120, check=False)
    assert completed.returncode == 0, completed.stdout + completed.stderr
    return completed.stdout


@pytest.fixture(scope="session")
def node_project(tmp_path_factory: pytest.TempPathFactory) -> NodeProject:
    folder = tmp_path_factory.mktemp("frontend")
    package = folder / "node_modules" / "firebase-agents-client"
    package.mkdir(parents=True)
    tsc("--project", TYPESCRIPT, "--outDir", package, "--declaration", cwd=TYPESCRIPT)
    package_json = json.loads((TYPESCRIPT / "package.json").read_text(encoding="utf-8"))
    exports = {".": "./index.js", "./firebase": "./firebase.js"}
    (package / "package.json").write_text(json.dumps({**package_json, "exports": exports}))
    for name in ("openapi-fetch", "firebase", "@firebase"):
        (folder / "node_modules" / name).symlink_to(ROOT / "node_modules" / name)
    (folder / "package.json").write_text(json.dumps({"name": "frontend", "type": "module"}))
    options = json.loads((TYPESCRIPT / "tsconfig.json").read_text(encoding="utf-8"))["compilerOptions"]
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": options, "include": ["*.ts"]}))
    return NodeProject(folder)
