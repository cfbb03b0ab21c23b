"""Serves the OpenAI-compatible endpoints over real HTTP, with a worker that answers, for OpenAI's own clients."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
import openai
import pytest
from pydantic import TypeAdapter

import functions.openai.main as openai_function
import functions.worker.main as worker
from shared.settings import Settings
from shared.web import create_app
from tests.doubles.cloud_tasks import CloudTasksServer
from tests.doubles.dispatcher import Dispatcher
from tests.doubles.served_here import serve_here

T = TypeVar("T")
MODEL = "openai/gpt-4.1-mini"
HI: list[Any] = [{"role": "user", "content": "hi"}]


@asynccontextmanager
async def serve_openai(
    settings: Settings, cloud_tasks: CloudTasksServer, *, works: bool = True, **fields: object
) -> AsyncGenerator[str]:
    """Serves the function at the returned address. `works`: whether a worker answers."""
    chosen = settings.model_copy(update=fields)
    limit, render_error = openai_function.MAX_BODY_BYTES, openai_function.RENDER_ERROR
    app = create_app("openai", openai_function.router, chosen, limit, render_error=render_error)
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(serve_here(app))
        if works:
            worker_url = await stack.enter_async_context(serve_here(create_app("worker", worker.router, chosen)))
            await stack.enter_async_context(Dispatcher(cloud_tasks, [worker_url], 20).dispatching())
        yield url


def connect(url: str, key: str = "unused", **options: Any) -> openai.AsyncOpenAI:
    """Returns OpenAI's client for the service at this address, which does not repeat requests by itself."""
    settings: dict[str, Any] = {
        "max_retries": 0,
        "http_client": httpx.AsyncClient(trust_env=False),
        "timeout": 60,
        **options,
    }
    return openai.AsyncOpenAI(api_key=key, base_url=f"{url}/v1", **settings)


@dataclass(frozen=True)
class Service:
    """The running service: its settings, its address, and OpenAI's client for it."""

    settings: Settings
    url: str
    client: openai.AsyncOpenAI
    tasks: CloudTasksServer


@pytest.fixture
async def service(
    settings: Settings, environ: dict[str, str], cloud_tasks: CloudTasksServer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Service]:
    """Serves the function and a worker. The caller is the local user."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    async with serve_openai(settings, cloud_tasks) as url, connect(url) as client:
        yield Service(settings, url, client, cloud_tasks)


@pytest.fixture
async def idle(
    settings: Settings, environ: dict[str, str], cloud_tasks: CloudTasksServer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Service]:
    """Serves the function without a worker, so nothing is answered."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    async with serve_openai(settings, cloud_tasks, works=False) as url, connect(url) as client:
        yield Service(settings, url, client, cloud_tasks)


def check(value: T, kind: Any = None) -> T:
    """Validates what a client has received against the library's own type, which the client itself does not do."""
    data: Any = value.to_dict(mode="json") if hasattr(value, "to_dict") else value  # pyright: ignore
    TypeAdapter(kind or type(value)).validate_python(data)
    return value


def types_of(events: Sequence[Any]) -> list[str]:
    """Returns the events' types, each once in a row."""
    types = [event.type for event in events]
    return [kind for index, kind in enumerate(types) if index == 0 or types[index - 1] != kind]
