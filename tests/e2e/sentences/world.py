"""What a check can use: the running suite, its callers, and servers for it."""

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
    """The suite in one of its two modes. Without authentication, `mine`, `other` and `anybody` are the same user."""

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
        """The status for callers who are not administrators: 403 for users; 401 if there is only the password."""
        return 403 if self.with_tokens else 401


Check = Callable[[World], None]


def ok(response: httpx.Response, status: int = 200) -> Any:
    """The answer's JSON; None if it has no body."""
    assert response.status_code == status, f"{response.status_code}: {response.text}"
    return response.json() if response.content else None


def fresh(what: str) -> str:
    """A unique name."""
    return f"{what}-{uuid4().hex[:8]}"


def eventually(look: Callable[[], str], seconds: float = 30) -> str:
    """Returns the result of `look` as soon as there is one."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.1)
    return found


def prompt_for(world: World, path: str, body: dict[str, Any], wish: str) -> str:
    """Returns the prompt that the model gets when it is asked to write something. Without a script, the answer is 502.

    The model may be asked for a name at the same time.
    """

    def look() -> str:
        ok(world.mine.post(path, json=body), 502)
        messages = [call.body["messages"] for call in world.model_server.calls]
        asked = [texts[1]["content"] for texts in messages if len(texts) == 2]
        return next((text for text in asked if wish in text and not text.startswith("Name and document")), "")

    return eventually(look)
