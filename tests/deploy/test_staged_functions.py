"""Runs each staged function in isolation: in a separate folder and environment, with functions-framework.

These tests are slow: creating an environment takes a second, and the first start in it compiles all imported modules.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from uv import find_uv_bin

from deploy.stage.staging import runtimes
from local_platform.ports import free_port
from tests.conftest import SECRET_KEY
from tests.deploy.test_staging import CALL_MODELS
from tests.doubles.api_server import ApiServer
from tests.doubles.cloud_tasks import CloudTasksServer
from tests.doubles.mcp_server import McpServer
from tests.doubles.model_server import ModelServer

pytestmark = [pytest.mark.staged, pytest.mark.timeout(120)]
START_SECONDS = 60.0
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
MODEL_CALLER = """
async def run(input_dict, tools):
    messages = [{"role": "user", "content": "hi"}]
    content, thoughts = await call_llm(provider="openai", model="gpt-4.1-mini", messages=messages, parameters={})
    return {"content": content}
"""

Serve = Callable[[str], httpx.Client]


@dataclass
class Environments:
    """Python environments. Functions with the same requirements share one."""

    folder: Path
    pythons: dict[str, Path] = field(default_factory=dict[str, Path])

    def python(self, requirements: Path) -> Path:
        """Returns the interpreter of an environment with exactly these requirements. Their hashes are checked."""
        digest = sha256(requirements.read_bytes()).hexdigest()[:16]
        if digest not in self.pythons:
            environment = self.folder / digest
            uv, python = find_uv_bin(), environment / "bin" / "python"
            subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, environment], check=True)
            install = [uv, "pip", "install", "--quiet", "--require-hashes", "--python", python, "-r", requirements]
            subprocess.run(install, check=True)
            _link_compiled(environment)
            self.pythons[digest] = python
        return self.pythons[digest]


def _link_compiled(environment: Path) -> None:
    """Links the compiled files of the environment of the tests. Python checks them before it uses them.

    The files of both environments come from uv's cache. Most of them match, so a first start takes half the time.
    """
    packages = Path("lib", f"python{VERSION}", "site-packages")
    source_folder, target_folder = Path(sys.prefix) / packages, environment / packages
    for top in target_folder.iterdir():
        for folder in (source_folder / top.name).rglob("__pycache__"):
            target = target_folder / folder.parent.relative_to(source_folder)
            if target.is_dir():
                shutil.copytree(folder, target / "__pycache__", copy_function=os.link, dirs_exist_ok=True)


@pytest.fixture(scope="session")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Environments:
    return Environments(tmp_path_factory.mktemp("environments"))


@pytest.fixture
def serve(
    staged: Path,
    environments: Environments,
    tmp_path: Path,
    project: str,
    firestore_host: str,
    cloud_tasks: CloudTasksServer,
    model_server: ModelServer,
) -> Iterator[Serve]:
    """`serve("chat")` returns a client for that function, which cannot see this project's folder or environment."""
    environ = {
        "PATH": os.defpath,
        "HOME": str(tmp_path),
        "TMPDIR": str(tmp_path),
        "GOOGLE_CLOUD_PROJECT": project,
        "FIRESTORE_EMULATOR_HOST": firestore_host,
        "CLOUD_TASKS_ENDPOINT": cloud_tasks.endpoint,
        "OPENAI_API_KEY": SECRET_KEY,
        "OPENAI_BASE_URL": model_server.base_url,
        "OUTBOUND_ALLOWED_HOSTS": "127.0.0.1",
        "LOG_EXECUTION_ID": "true",  # as the Firebase CLI sets it
    }
    with ExitStack() as stack:

        def start(name: str) -> httpx.Client:
            folder = tmp_path / name
            shutil.copytree(staged / name, folder)
            python = environments.python(folder / "requirements.txt")
            return stack.enter_context(_run_function(name, folder, python, environ))

        yield start


@contextmanager
def _run_function(name: str, folder: Path, python: Path, environ: dict[str, str]) -> Generator[httpx.Client]:
    port = free_port()
    with (folder.parent / f"{name}.log").open("w+") as log:
        process = subprocess.Popen(
            [python.with_name("functions-framework")],
            cwd=folder,
            env={**environ, "FUNCTION_TARGET": name, "PORT": str(port), "HOST": "127.0.0.1"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as client:
                deadline = time.monotonic() + START_SECONDS
                while True:
                    try:
                        client.get("/__started")
                        break
                    except httpx.ConnectError:
                        ended = process.poll() is not None
                        if ended or time.monotonic() > deadline:
                            log.seek(0)
                            raise AssertionError(f"{name} does not start:\n{log.read()[-3000:]}") from None
                        time.sleep(0.02)
                yield client
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # a graceful shutdown is not necessary
            process.wait()


CHAT = {"messages": [{"role": "user", "content": "hi"}], "provider": "openai", "model": "gpt-4.1-mini"}
LINE = {"eventType": "click", "message": "hello"}


@pytest.mark.parametrize(
    ("name", "method", "path", "body", "status", "expected"),
    [
        ("meta", "GET", "/health", None, 200, {"status": "healthy"}),
        ("providers", "GET", "/providers/openai", None, 200, {}),
        ("users", "GET", "/users/me", None, 200, {"_id": "local-dev-user"}),
        ("admin", "GET", "/admin/users", None, 403, {}),
        ("sessions", "GET", "/sessions/mine/config", None, 404, {}),
        ("logs", "POST", "/log/client", LINE, 202, {}),
        ("sweep", "POST", "/", None, 200, {}),
        ("demos", "GET", "/demos", None, 200, None),
        ("schedules", "GET", "/schedules", None, 200, None),
        ("api_keys", "GET", "/users/me/keys", None, 200, None),
        ("deployments", "GET", "/deployments", None, 200, None),
    ],
)
def test_a_staged_function_responds(
    serve: Serve,
    tmp_path: Path,
    name: str,
    method: str,
    path: str,
    body: Any,
    status: int,
    expected: Any,
) -> None:
    """A function needs only its folder and its requirements to respond to a request and log it."""
    response = serve(name).request(method, path, json=body)
    assert response.status_code == status, response.text
    assert expected is None or expected.items() <= response.json().items()
    assert '"logger": "agents.access"' in (tmp_path / f"{name}.log").read_text()


def test_a_staged_chat_is_answered_by_the_staged_worker(
    serve: Serve, cloud_tasks: CloudTasksServer, model_server: ModelServer
) -> None:
    """The staged worker receives a chat through the queue's protocol and answers it with litellm."""
    chat, worker = serve("chat"), serve("worker")
    accepted = chat.post("/chat", json=CHAT)
    assert accepted.status_code == 200, accepted.text
    (task,) = cloud_tasks.tasks.values()
    done = worker.post("/", content=task.http_request.body, headers={"Content-Type": "application/json"})
    assert done.status_code == 204, done.text
    ticket = chat.get(f"/chat/{accepted.json()['ticket_id']}").json()
    assert ticket["status"] == "completed", ticket


def test_a_staged_mcp_function_calls_a_server(serve: Serve, mcp_server: McpServer) -> None:
    """The staged function `mcp` also contains the modules that it imports when it first calls a server."""
    response = serve("mcp").post("/mcp/tools", json={"mcp_url": mcp_server.url})
    assert response.status_code == 200, response.text


def test_a_staged_mcp_function_serves_clients(serve: Serve, cloud_tasks: CloudTasksServer) -> None:
    """The staged function `mcp` also contains the modules with which it lists tools and starts runs."""
    agents, deployments, mcp = serve("agents"), serve("deployments"), serve("mcp")
    body = {"name": "Echo", "code": "async def run(input_dict, tools):\n    return 1", "friendlyName": "echo"}
    agent = agents.post("/agents", json=body).json()["_id"]
    assert deployments.post(f"/agents/{agent}/deploy").status_code == 201

    def ask(method: str, **params: Any) -> Any:
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        response = mcp.post("/mcp", json=message, headers={"Accept": "application/json"})
        assert response.status_code == 200, response.text
        return response.json()["result"]

    assert [tool["name"] for tool in ask("tools/list")["tools"]] == ["echo"]
    with pytest.raises(httpx.ReadTimeout):
        mcp.post(
            "/mcp",
            json={"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "echo"}},
            headers={"Accept": "application/json"},
            timeout=10,
        )
    assert len(cloud_tasks.tasks) == 1
    (run,) = serve("runs").get("/runs").json()
    assert (run["friendlyName"], run["status"]) == ("echo", "cancelled")


def test_a_staged_specs_function_reads_a_document(serve: Serve, api_server: ApiServer) -> None:
    """The staged function `specs` also contains the modules that it imports to read its first document."""
    response = serve("specs").post("/specs/fetch", json={"url": f"{api_server.address}/openapi.json"})
    assert response.status_code == 200, response.text


def test_a_staged_agents_function_runs_code(serve: Serve) -> None:
    """The staged function `agents` contains the agents' Python and litellm, which are both loaded at first use."""
    response = serve("agents").post("/agents/run-code", json={"code": MODEL_CALLER, "inputDict": {}})
    assert response.status_code == 200, response.text
    assert response.json()["engine"] == "python"


def test_no_other_function_can_import_litellm(staged: Path, environments: Environments) -> None:
    """The environments of functions that do not call models lack litellm."""
    for name in runtimes():
        python = environments.python(staged / name / "requirements.txt")
        code = "import importlib.util as u; print(u.find_spec('litellm') is not None)"
        found = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
        assert found == str(name in CALL_MODELS), name
