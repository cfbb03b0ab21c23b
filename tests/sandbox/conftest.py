"""Shared fixtures for the sandbox's tests: an engine, and `run`, which runs code on it with scripted host functions."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import httpx
import pytest
import pytest_asyncio

from shared.models.wire import JsonObject
from shared.sandbox import Limits, Outcome, Program
from shared.sandbox.engine import WasmEngine
from shared.sandbox.workers import end_all
from shared.settings import Settings
from tests.doubles.api_server import ApiServer
from tests.doubles.mcp_server import McpServer
from tests.sandbox.children import find_fork_servers
from tests.sandbox.programs import load_code
from tests.sandbox.scripted_host_functions import ScriptedHostFunctions
from tests.sandbox.shop_server import ShopServer

MAX_RUNS = 8
LIMITS = Limits(seconds=10, cpu_seconds=3, memory_bytes=64 * 2**20, log_bytes=20_000, result_bytes=100_000)
SECRET = "canary-of-the-environment"
NOWHERE = "http://127.0.0.1:9"
"""An address at which no server listens."""


class Run(Protocol):
    """Runs code on the engine. `limits`: the fields of `Limits` that differ from `LIMITS`."""

    async def __call__(
        self,
        code: str,
        input_dict: JsonObject | None = None,
        tools: dict[str, list[str]] | None = None,
        **limits: float,
    ) -> Outcome: ...


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Runs all async tests in this folder on one event loop, which lets them share workers."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent) and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(loop_scope="session", scope="session", autouse=True)
async def end_workers_with_their_loop() -> AsyncIterator[None]:
    """Ends the workers before the event loop of this folder's tests is closed."""
    yield
    await end_all()


@pytest_asyncio.fixture(loop_scope="session")
async def no_processes_left() -> AsyncIterator[None]:
    """Ends all of the sandbox's processes before and after the test."""
    await end_all()
    yield
    await end_all()
    async with asyncio.timeout(10):
        while find_fork_servers():  # noqa: ASYNC110 - the system sends no event
            await asyncio.sleep(0.02)


@pytest.fixture(scope="session", autouse=True)
def secret_in_the_environment() -> Iterator[None]:
    """Sets a secret before the first worker starts, so a faulty worker would inherit it."""
    os.environ["SECRET"] = SECRET
    yield
    del os.environ["SECRET"]


@pytest.fixture(scope="session")
def _shop_server() -> Iterator[ShopServer]:
    server = ShopServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def shop_server(_shop_server: ShopServer) -> ShopServer:
    _shop_server.reset()
    return _shop_server


@pytest.fixture
def addresses(api_server: ApiServer, shop_server: ShopServer, mcp_server: McpServer) -> dict[str, str]:
    """The values of the placeholders in the programs' cases."""
    return {"$API": api_server.address, "$SHOP": shop_server.address, "$MCP": mcp_server.url, "$NOWHERE": NOWHERE}


@pytest.fixture
def engine() -> WasmEngine:
    return WasmEngine(max_runs=MAX_RUNS)


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, limits=httpx.Limits(max_connections=None)) as client:
        yield client


@pytest.fixture
def make_host_functions(
    engine: WasmEngine, client: httpx.AsyncClient, mcp_server: McpServer
) -> Callable[[], ScriptedHostFunctions]:
    """Creates host functions for a run, which may call the programs of the corpus as agents."""

    def make() -> ScriptedHostFunctions:
        async def run_agent(name: str, input_dict: JsonObject, level: int) -> Outcome:
            functions = host_functions
            while functions.level < level:
                functions = functions.next_level()
            return await engine.run(Program(load_code("corpus", name), input_dict), functions, LIMITS, level)

        settings = Settings(outbound_allowed_hosts=(mcp_server.host,), outbound_timeout_seconds=5)
        host_functions = ScriptedHostFunctions(client, settings, run_agent)
        return host_functions

    return make


@pytest.fixture
def host_functions(make_host_functions: Callable[[], ScriptedHostFunctions]) -> ScriptedHostFunctions:
    """Returns the host functions for the test's runs."""
    return make_host_functions()


@pytest.fixture
def run(engine: WasmEngine, host_functions: ScriptedHostFunctions) -> Run:
    async def run(
        code: str,
        input_dict: JsonObject | None = None,
        tools: dict[str, list[str]] | None = None,
        **limits: float,
    ) -> Outcome:
        program = Program(code, input_dict or {}, tools or {})
        return await engine.run(program, host_functions, replace(LIMITS, **limits))

    return run
