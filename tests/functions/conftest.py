"""Fixtures that serve single functions over ASGI, with the test's settings.

Every response is checked against the service's OpenAPI document.
"""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from types import ModuleType

import httpx
import pytest

from shared.settings import Settings
from shared.web import create_app, openai_api
from shared.web.errors import render_detail
from tests.contract.answer_check import response_check
from tests.sandbox_workers import end_workers_after_test as end_workers_after_test
from tests.tokens import token

Serve = Callable[..., httpx.AsyncClient]
AuthHeaders = Callable[[str], dict[str, str]]


@pytest.fixture
async def serve(settings: Settings, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Serve]:
    """Returns a function that creates a client for a Cloud Function: `serve(functions.chat.main,
    app_env="firebase")`."""
    for name in list(os.environ):
        if name.endswith(("_API_KEY", "_BASE_URL", "_API_BASE")):
            monkeypatch.delenv(name)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(openai_api, "WAIT_SECONDS", 0.1)  # no worker answers
    async with AsyncExitStack() as stack:

        def client(module: ModuleType, **fields: object) -> httpx.AsyncClient:
            name = module.__name__.split(".")[-2]
            limit = getattr(module, "MAX_BODY_BYTES", None)
            open_prefix = getattr(module, "OPEN_PREFIX", None)
            render_error = getattr(module, "RENDER_ERROR", render_detail)
            app = create_app(name, module.router, settings.model_copy(update=fields), limit, open_prefix, render_error)
            http_client = httpx.AsyncClient(
                transport=httpx.ASGITransport(app),
                base_url="http://service",
                event_hooks={"response": [response_check(name)]},
            )
            stack.push_async_callback(http_client.aclose)
            return http_client

        yield client


@pytest.fixture
def auth_headers(project: str, monkeypatch: pytest.MonkeyPatch) -> AuthHeaders:
    """Returns a function that maps a role to the headers that authenticate it. Unknown roles get no headers."""
    monkeypatch.setenv("FIREBASE_AUTH_EMULATOR_HOST", "127.0.0.1:9")
    import firebase_admin

    for app in list(firebase_admin._apps.values()):  # pyright: ignore[reportPrivateUsage]
        firebase_admin.delete_app(app)
    tokens = {
        "user": token(project, "mine"),
        "other": token(project, "other"),
        "admin": token(project, "boss", admin=True),
        "almost an admin": token(project, "clerk", admin="true"),
    }
    return lambda role: {"Authorization": f"Bearer {tokens[role]}"} if role in tokens else {}
