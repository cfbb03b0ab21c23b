"""Tests what the server of the protocol makes of a host that fails. The client is the SDK's."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import TextContent
from pydantic import JsonValue, ValidationError

from shared.mcp_server.model import Call, Report, ToolPage
from shared.mcp_server.server import ToolServer, Waiting
from shared.models.errors import OutcomeUnknown, Unavailable
from shared.models.wire import JsonObject
from tests.conftest import Lines

RUN = "0b6f0d0e-5d0b-4c56-8f5e-6f7f3f1c2a10"


class FailingHost:
    """A host whose calls start, unless `start_error` is set, and cannot be waited for. Nor can it list tools."""

    def __init__(self, start_error: Exception | None = None, list_error: Exception | None = None) -> None:
        self._start_error = start_error
        self._list_error = list_error

    def reserve(self) -> AbstractContextManager[None]:
        return nullcontext()

    async def list_tools(self, cursor: str | None) -> ToolPage:
        raise self._list_error or RuntimeError(f"secret: {cursor}")

    async def start(self, name: str, arguments: JsonObject) -> str:
        if self._start_error is not None:
            raise self._start_error
        return RUN

    async def look_up(self, call_id: str) -> Call:
        raise Unavailable("The database is not available.", retry_after=5)

    async def wait(self, call_id: str, cursor: int, seconds: float, report: Report) -> Call:
        return await self.look_up(call_id)

    async def answer(self, call_id: str, answers: Mapping[str, JsonValue]) -> None: ...

    async def cancel(self, call_id: str) -> None: ...


def connect(host: FailingHost) -> Client:
    return Client(ToolServer(host, Waiting(1, 1, None)).build(), mode="2026-07-28")


async def test_a_call_that_cannot_be_followed_is_named() -> None:
    """It has been started, so the client must learn its id, and that another call would be another run."""
    async with connect(FailingHost()) as client:
        result = await client.call_tool("echo", {})
    (content,) = result.content
    assert isinstance(content, TextContent)
    assert result.is_error
    assert content.text.startswith("The database is not available. (Wait 5 s before you try again.)")
    assert f"GET /runs/{RUN}" in content.text
    assert (result.meta or {})["runId"] == RUN


async def test_a_call_that_may_have_started_is_named() -> None:
    """The client can look it up before it calls the tool again."""
    async with connect(FailingHost(OutcomeUnknown(RUN))) as client:
        result = await client.call_tool("echo", {})
    assert result.is_error
    assert (result.meta or {})["runId"] == RUN


def invalid() -> ValidationError:
    """Returns the error about something that is stored, and not valid."""
    return ValidationError.from_exception_data("secret", [])


@pytest.mark.parametrize("error", [None, invalid()])
async def test_an_unexpected_error_is_logged_and_hidden(lines: Lines, error: Exception | None) -> None:
    """The client learns only that it was not its fault."""
    async with connect(FailingHost(list_error=error)) as client:
        with pytest.raises(MCPError) as raised:
            await client.list_tools()
    assert (raised.value.code, "secret" in raised.value.message) == (-32603, False)
    (line,) = [line for line in lines() if line["severity"] == "ERROR"]
    assert "secret" in str(line)
