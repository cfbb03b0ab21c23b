"""One session with an MCP server, for one request. The only module that imports the SDK, which loads slowly."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from typing import Any, TypeVar

from mcp import ClientSession, MCPError
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import (
    METHOD_NOT_FOUND,
    UNSUPPORTED_PROTOCOL_VERSION,
    CallToolRequest,
    CallToolRequestParams,
    CallToolResult,
    Implementation,
    PaginatedRequestParams,
    TextContent,
)
from pydantic import JsonValue

from shared.log import get_logger
from shared.outbound.errors import (
    BadRequest,
    BadResponse,
    NotMcp,
    OutboundError,
    ToolFailed,
    TooLong,
    TooSlow,
    one_line,
)
from shared.outbound.mcp_attempt import Attempt
from shared.outbound.mcp_diagnosis import explain, is_from_sdk
from shared.outbound.mcp_tool import MAX_TOOLS, Tool
from shared.outbound.network import USER_AGENT, Guard, Resolver
from shared.outbound.urls import parse_url
from shared.redaction import redact
from shared.settings import Settings

logging.getLogger("mcp").setLevel(logging.CRITICAL)  # its log lines are not JSON, and quote what servers send
logging.getLogger("httpx2").setLevel(logging.WARNING)  # otherwise it logs each request with its query

_log = get_logger("mcp")
_CLIENT = Implementation(name=USER_AGENT.partition("/")[0], version=USER_AGENT.partition("/")[2])
_MAX_PAGES = 100
_UNSUPPORTED = {code for code in range(400, 500) if code not in (401, 403, 408, 429)}
"""Statuses of servers that do not support streamable HTTP. The specification names 400, 404 and 405."""

T = TypeVar("T")
Work = Callable[[ClientSession], Awaitable[T]]


class _CallRejected(Exception):
    """The server rejected the call with a JSON-RPC error, so the tool did not run."""

    def __init__(self, error: MCPError) -> None:
        super().__init__()
        self.error = error


class McpServer:
    """An untrusted server. Each request has its own session and its own connections."""

    def __init__(self, url: str, token: str | None, settings: Settings, resolver: Resolver) -> None:
        """Ignores white space around `url`. Raises `BadAddress` and `BadRequest`."""
        if token is not None and not (token.isascii() and token.isprintable() and token.strip() == token != ""):
            raise BadRequest("The token contains characters that cannot be sent.")
        address = parse_url(url.strip())
        self._url = str(address)
        self._host = address.host
        self._token = token
        self._guard = Guard.of(settings, resolver)
        self._timeout = settings.outbound_timeout_seconds
        self._max_bytes = settings.outbound_max_bytes

    async def list_tools(self, timeout: float | None) -> list[Tool]:
        """See `mcp.list_tools`."""
        return await self._request(_list_all_tools, timeout)

    async def call_tool(self, name: str, arguments: dict[str, JsonValue], timeout: float | None) -> JsonValue:
        """See `mcp.call_tool`."""
        request = CallToolRequest(params=CallToolRequestParams(name=name, arguments=arguments))

        async def call(session: ClientSession) -> CallToolResult:
            # Not `session.call_tool`: that lists all tools, and validates the result with the server's own JSON Schema.
            try:
                return await session.send_request(request, CallToolResult)
            except MCPError as error:
                raise _CallRejected(error) from error

        result = await self._request(call, timeout)
        if result.is_error:
            message = self._clean_message(_join_texts(result))
            raise ToolFailed(message or "The tool failed and gave no reason.")
        return _read_value(result)

    async def _request(self, work: Work[T], timeout: float | None) -> T:
        limit = self._timeout if timeout is None else min(self._timeout, timeout)
        deadline = asyncio.get_running_loop().time() + limit
        try:
            first = self._attempt(sse=False)
            try:
                return await self._run(first, work, deadline)
            except NotMcp as failure:
                if first.initialized or first.status not in _UNSUPPORTED:
                    raise
                second = self._attempt(sse=True)
                try:
                    return await self._run(second, work, deadline)
                except BadResponse:
                    if second.initialized:
                        raise
                raise failure from None  # the server does not support SSE either: the first failure explains more
        except TimeoutError as error:
            raise TooSlow(f"{self._host} did not answer within {limit:g} seconds.") from error

    def _attempt(self, *, sse: bool) -> Attempt:
        return Attempt(self._host, self._guard, self._max_bytes, self._clean_message, sse=sse)

    async def _run(self, attempt: Attempt, work: Work[T], deadline: float) -> T:
        """Runs one attempt. Raises `TimeoutError` at the deadline, and `OutboundError` for everything else."""
        try:
            async with asyncio.timeout_at(deadline) as attempt.deadline, AsyncExitStack() as stack:
                client = attempt.client(self._token)
                if attempt.sse:  # which also closes the client
                    streams = sse_client(
                        self._url, httpx_client_factory=lambda headers=None, timeout=None, auth=None: client
                    )
                else:
                    await stack.enter_async_context(client)
                    streams = streamable_http_client(self._url, http_client=client, max_sse_event_size=self._max_bytes)
                read, write = await stack.enter_async_context(streams)
                session = await stack.enter_async_context(ClientSession(read, write, client_info=_CLIENT))
                await _initialize(session)
                attempt.mark_initialized()
                result = await work(session)
                attempt.mark_finished()
                return result
        except Exception as error:
            failure = self._find_failure(error, attempt)
            if failure is error:
                raise
            raise failure from error

    def _find_failure(self, error: Exception, attempt: Attempt) -> Exception:
        """Returns the error to raise: one that the transport reported, if any; otherwise one based on the SDK's error.

        A `TimeoutError` is returned unchanged.
        """
        leaves = list(_flatten(error))
        for leaf in (attempt.failure, *leaves):
            if isinstance(leaf, OutboundError):
                return leaf
        if isinstance(error, TimeoutError):
            return error
        for leaf in leaves:
            if isinstance(leaf, _CallRejected) and (message := self._find_server_message(leaf.error, attempt)):
                return ToolFailed(message)
        return self._build_not_mcp(
            [leaf.error if isinstance(leaf, _CallRejected) else leaf for leaf in leaves], attempt
        )

    def _build_not_mcp(self, leaves: Sequence[BaseException], attempt: Attempt) -> NotMcp:
        """Returns an error with the server's own message if there is one, and with an explanation otherwise."""
        kinds = sorted({type(leaf).__name__ for leaf in leaves})
        _log.info("Not an MCP server: %s", ", ".join(kinds), extra={"fields": {"host": self._host}})
        for leaf in leaves:
            if isinstance(leaf, MCPError):
                if attempt.initialized and leaf.code == METHOD_NOT_FOUND and not is_from_sdk(leaf):
                    return NotMcp(
                        f"{self._host} is an MCP server, but offers no tools: it may have only resources or prompts. "
                        "Give the address of a server that has tools."
                    )
                if message := self._find_server_message(leaf, attempt):
                    return attempt.not_mcp(message)
        explanation = next((text for leaf in leaves if (text := explain(leaf, attempt.content_type))), "")
        return attempt.not_mcp(attempt.message, explanation)

    def _find_server_message(self, error: MCPError, attempt: Attempt) -> str:
        """Returns the message of a JSON-RPC error that comes from the server; empty if it comes from the SDK."""
        from_server = attempt.is_json_rpc if attempt.status else not is_from_sdk(error)
        return self._clean_message(error.message) if from_server else ""

    def _clean_message(self, message: str) -> str:
        """Makes a server's message fit to show, and removes the token, which the message may repeat."""
        return one_line(redact(message.replace(self._token, "[token]") if self._token else message))


async def _initialize(session: ClientSession) -> None:
    """Performs the original handshake. Newer servers that no longer support it report that, and need no handshake."""
    try:
        await session.initialize()
    except MCPError as error:
        if error.code != UNSUPPORTED_PROTOCOL_VERSION:
            raise
        await session.discover()


async def _list_all_tools(session: ClientSession) -> list[Tool]:
    """Lists the tools page by page, until the cursor is missing, empty, or repeated."""
    tools: dict[str, Tool] = {}
    cursor: str | None = None
    seen: set[str] = set()
    for _ in range(_MAX_PAGES):
        page = await session.list_tools(params=PaginatedRequestParams(cursor=cursor))
        for tool in page.tools:  # callers cannot distinguish two tools with the same name
            hints = tool.annotations
            is_repeatable = hints is not None and bool(hints.read_only_hint or hints.idempotent_hint)
            tools.setdefault(tool.name, Tool(tool.name, tool.description or "", tool.input_schema, is_repeatable))
        cursor = page.next_cursor
        if len(tools) > MAX_TOOLS:
            break
        if not cursor or cursor in seen:
            return list(tools.values())
        seen.add(cursor)
    raise TooLong(f"The server has more than {MAX_TOOLS} tools, or lists them on more than {_MAX_PAGES} pages.")


def _read_value(result: CallToolResult) -> JsonValue:
    value: Any
    if result.structured_content is not None:
        value = result.structured_content
        if isinstance(value, dict) and value.keys() == {"result"}:
            value = value["result"]
    elif all(isinstance(part, TextContent) for part in result.content):
        value = _join_texts(result)
    else:
        value = [part.model_dump(by_alias=True, mode="json", exclude_none=True) for part in result.content]
    try:
        json.dumps(value, allow_nan=False)
    except ValueError as error:
        raise BadResponse("The result contains a number that JSON cannot represent.") from error
    return value


def _join_texts(result: CallToolResult) -> str:
    return "\n".join(part.text for part in result.content if isinstance(part, TextContent))


def _flatten(error: BaseException) -> Iterator[BaseException]:
    """Yields the individual errors in nested exception groups, as task groups raise them, or the error itself."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _flatten(inner)
    else:
        yield error
