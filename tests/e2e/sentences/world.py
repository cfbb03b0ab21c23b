"""What a check has: the running suite, its callers, and the servers that it asks."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx

from local_platform.suite import Suite
from tests.doubles.api_server import ApiServer
from tests.doubles.mcp_server import McpServer
from tests.doubles.model_server import ModelServer
from tests.e2e.conftest import Service

MODEL = {"provider": "openai", "model": "gpt-4.1-mini"}


@dataclass
class World:
    """In one of the two modes. Where authentication is bypassed, `mine`, `other` and `anybody` are one user."""

    suite: Suite
    service: Service
    other: httpx.Client
    anybody: httpx.Client
    admin: httpx.Client
    model_server: ModelServer
    api_server: ApiServer
    mcp_server: McpServer

    @property
    def mine(self) -> httpx.Client:
        return self.service.client

    @property
    def with_tokens(self) -> bool:
        return self.suite.app_env == "firebase"

    @property
    def no_admin(self) -> int:
        """How somebody who is none is refused: known and not allowed; or not known, where only the password tells."""
        return 403 if self.with_tokens else 401


Check = Callable[[World], None]


def ok(response: httpx.Response, status: int = 200) -> Any:
    """The answer's JSON; None where it has no body."""
    assert response.status_code == status, f"{response.status_code}: {response.text}"
    return response.json() if response.content else None


def fresh(what: str) -> str:
    """A name that nobody else has."""
    return f"{what}-{uuid4().hex[:8]}"


def eventually(look: Callable[[], str], seconds: float = 30) -> str:
    """What `look` finds as soon as it finds something."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.1)
    return found


def prompt_for(world: World, path: str, body: dict[str, Any], wish: str) -> str:
    """What a model is asked that shall write something. Without a script, what it writes is of no use: 502."""

    def look() -> str:
        ok(world.mine.post(path, json=body), 502)
        asked = [call.body["messages"] for call in world.model_server.calls if len(call.body["messages"]) == 2]
        return next((messages[1]["content"] for messages in asked if wish in messages[1]["content"]), "")

    return eventually(look)
