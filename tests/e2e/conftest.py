"""Fixtures that start the whole emulator suite with the functions. A developer's own suite can run at the same time."""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser

from local_platform.ports import Ports
from local_platform.suite import Suite
from tests.conftest import SECRET_KEY
from tests.doubles.model_server import ModelServer
from tests.e2e.chromium import launch

# Local tests must not cost money, so the functions get only the key of the model server's double.
_REMOVED_VARIABLES = ("_API_KEY", "_BASE_URL", "_API_BASE", "AWS_", "CORS_", "CHAT_", "LEASE_", "MODEL_")

ADMIN_PASSWORD = "the administrators' own"


def start(name: str, offset: int, model_server: ModelServer, staged: Path | None, **environ: str) -> Suite:
    inherited = {
        name: value for name, value in os.environ.items() if not any(key in name for key in _REMOVED_VARIABLES)
    }
    model_variables = {"OPENAI_API_KEY": SECRET_KEY, "OPENAI_BASE_URL": model_server.base_url}
    return Suite(
        name=name,
        ports=Ports().moved(offset),
        environ={**inherited, **model_variables, "LEASE_SECONDS": "4", "MODEL_TIMEOUT_SECONDS": "12", **environ},
        staged=staged,
    )


@pytest.fixture(scope="session")
def staged_folder(request: pytest.FixtureRequest) -> Path | None:
    """Returns the folder of the staged functions with `--staged`, or None if the sources are to be tested."""
    return request.getfixturevalue("staged") if request.config.getoption("staged") else None


@pytest.fixture(scope="session")
def local_suite(_model_server: ModelServer, staged_folder: Path | None) -> Iterator[Suite]:
    """Starts a suite without authentication, except for administrators, and with the local model if it is installed."""
    environ = {"APP_ENV": "local", "ADMIN_PANEL_ENABLED": "true", "ADMIN_PASSWORD": ADMIN_PASSWORD}
    with start("e2e-local", 20000, _model_server, staged_folder, **environ) as suite:
        yield suite


@pytest.fixture(scope="session")
def firebase_suite(_model_server: ModelServer, staged_folder: Path | None) -> Iterator[Suite]:
    """Starts a suite with real ID tokens from the Auth emulator. The model server's double is the local model, too."""
    environ = {"APP_ENV": "firebase", "LOCAL_MODEL": "off", "OUTBOUND_ALLOWED_HOSTS": "127.0.0.1"}
    environ |= {"MODEL_TIMEOUT_SECONDS": "30", "LOCAL_MODEL_BASE_URL": _model_server.base_url}
    with start("e2e-firebase", 22000, _model_server, staged_folder, **environ) as suite:
        yield suite


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Starts a browser with a new empty profile, which is deleted afterwards. No asyncio event loop can run
    at the same time."""
    with launch() as browser:
        yield browser


@dataclass
class Service:
    """A client for the service, through Hosting or at another address."""

    client: httpx.Client

    def chat(self, prompt: str, path: str = "/api/chat", **fields: Any) -> httpx.Response:
        messages = [{"role": "user", "content": prompt}]
        body = {"messages": messages, "provider": "openai", "model": "gpt-4.1-mini", **fields}
        return self.client.post(path, json=body)

    def ticket(self, prompt: str, **fields: Any) -> str:
        response = self.chat(prompt, **fields)
        assert response.status_code == 200, response.text
        ticket_id: str = response.json()["ticket_id"]
        return ticket_id

    def finished(self, ticket_id: str, seconds: float = 60) -> dict[str, Any]:
        """Looks the ticket up until it is finished, and returns it."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            response = self.client.get(f"/api/chat/{ticket_id}")
            assert response.status_code == 200, response.text
            ticket: dict[str, Any] = response.json()
            if ticket["status"] in ("completed", "failed"):
                return ticket
            time.sleep(0.1)
        raise AssertionError(f"the ticket {ticket_id} was not finished within {seconds} seconds")


Connect = Callable[..., Service]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Returns a function that creates a `Service`: `connect(url, token)`."""
    clients: list[httpx.Client] = []

    def create(url: str, token: str | None = None) -> Service:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        client = httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False)
        clients.append(client)
        return Service(client)

    yield create
    for client in clients:
        client.close()
