"""The context of a check: the running suite, its callers, and the servers that it calls."""

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
    """The context in one of the two modes. Without authentication, `mine`, `other` and `anonymous` are one user."""

    suite: Suite
    service: Service
    other: httpx.Client
    anonymous: httpx.Client
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
    def refused_status(self) -> int:
        """The status for a caller who is not an administrator: 403 with tokens; 401 where only the password counts."""
        return 403 if self.with_tokens else 401


Check = Callable[[CheckContext], None]


def ok(response: httpx.Response, status: int = 200) -> Any:
    """Checks the status, and returns the response's JSON, or None if it has no body."""
    assert response.status_code == status, f"{response.status_code}: {response.text}"
    return response.json() if response.content else None


def fresh(prefix: str) -> str:
    """Returns a unique name."""
    return f"{prefix}-{uuid4().hex[:8]}"


def eventually(look: Callable[[], str], seconds: float = 30) -> str:
    """Calls `look` until it finds something, and returns that."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, "nothing was found in time"
        time.sleep(0.1)
    return found


def prompt_for(context: CheckContext, path: str, body: dict[str, Any], mark: str) -> str:
    """Returns the prompt of a request that lets a model write something. `mark`: a text that the prompt contains.

    The model has no script for it, so its answer is unusable and the response is 502. It may be asked for a name at the
    same time.
    """

    def look() -> str:
        ok(context.mine.post(path, json=body), 502)
        messages = [call.body["messages"] for call in context.model_server.calls]
        prompts = [texts[1]["content"] for texts in messages if len(texts) == 2]
        return next((text for text in prompts if mark in text and not text.startswith("Name and document")), "")

    return eventually(look)
