"""What a check gets to work with: the running suite, its callers, and the servers that it calls."""

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
class CheckContext:
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
        """The status for a caller who is not an administrator: 403 with tokens; 401 where only the password counts."""
        return 403 if self.with_tokens else 401


Check = Callable[[CheckContext], None]


def ok(response: httpx.Response, status: int = 200) -> Any:
    """The answer's JSON; None if it has no body."""
    assert response.status_code == status, f"{response.status_code}: {response.text}"
    return response.json() if response.content else None


def fresh(what: str) -> str:
    """A name that nothing else has."""
    return f"{what}-{uuid4().hex[:8]}"


def eventually(look: Callable[[], str], seconds: float = 30) -> str:
    """Call `look` until it finds something, and return that."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.1)
    return found


def prompt_for(context: CheckContext, path: str, body: dict[str, Any], wish: str) -> str:
    """The prompt of a request that has a model write something. Without a script its answer is unusable: 502.

    The model may be asked for a name at the same time.
    """

    def look() -> str:
        ok(context.mine.post(path, json=body), 502)
        messages = [call.body["messages"] for call in context.model_server.calls]
        asked = [texts[1]["content"] for texts in messages if len(texts) == 2]
        return next((text for text in asked if wish in text and not text.startswith("Name and document")), "")

    return eventually(look)
