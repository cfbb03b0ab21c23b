"""The context in which checks run: the suite, its callers, and the servers that it calls."""

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
    """The context in one of the two modes. Without authentication, `mine`, `other` and `anonymous` are the same
    user."""

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
        """The status for a caller who is not an administrator: 403 with tokens, or 401 if only the password is
        checked."""
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
    """Calls `look` until it returns a nonempty string, and returns that."""
    deadline = time.monotonic() + seconds
    while not (text := look()):
        assert time.monotonic() < deadline, f"nothing was found within {seconds} seconds"
        time.sleep(0.1)
    return text


def prompt_for(context: CheckContext, path: str, body: dict[str, Any], marker: str) -> str:
    """Returns the prompt that the service sends to the model for a generation request. It must contain `marker`.

    The model has no script for the prompt, so its answer is unusable, and the response is a 502. The service may send
    the naming prompt at the same time, which is skipped.
    """

    def look() -> str:
        ok(context.mine.post(path, json=body), 502)
        messages = [call.body["messages"] for call in context.model_server.calls]
        prompts = [pair[1]["content"] for pair in messages if len(pair) == 2]
        return next((text for text in prompts if marker in text and not text.startswith("Name and document")), "")

    return eventually(look)
