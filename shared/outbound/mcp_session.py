"""One session with an MCP server through the SDK, for one request. The only importer of the SDK, which loads slowly."""

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
from shared.outbound.errors import BadAnswer, BadRequest, NotMcp, OutboundError, ToolFailed, TooLong, TooSlow, one_line
from shared.outbound.mcp_attempt import Attempt
from shared.outbound.mcp_diagnosis import explain, is_from_sdk
from shared.outbound.mcp_tool import MAX_TOOLS, Tool
from shared.outbound.network import USER_AGENT, Guard, Resolver
from shared.outbound.urls import parse_url
from shared.redaction import redact
from shared.settings import Settings

logging.getLogger("mcp").setLevel(logging.CRITICAL)  # its lines are not JSON, and quote what servers send
logging.getLogger("httpx2").setLevel(logging.WARNING)  # otherwise it logs each request with its query

_log = get_logger("mcp")
_CLIENT = Implementation(name=USER_AGENT.partition("/")[0], version=USER_AGENT.partition("/")[2])
_MAX_PAGES = 100
_NOT_SPOKEN = {code for code in range(400, 500) if code not in (401, 403, 408, 429)}
"""Statuses of servers that do not speak streamable HTTP; the specification names 400, 404 and 405."""

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
        """White space around `url` is ignored. Raises `BadAddress` and `BadRequest`."""
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
        return await self._ask(_list_all_tools, timeout)

    async def call_tool(self, name: str, arguments: dict[str, JsonValue], timeout: float | None) -> JsonValue:
        """See `mcp.call_tool`."""
        request = CallToolRequest(params=CallToolRequestParams(name=name, arguments=arguments))

        async def call(session: ClientSession) -> CallToolResult:
            # Not `session.call_tool`: that lists all tools, and validates the result with the server's own JSON Schema.
            try:
                return await session.send_request(request, CallToolResult)
            except MCPError as error:
                raise _CallRejected(error) from error

        result = await self._ask(call, timeout)
        if result.is_error:
            said = self._clean_words(_join_texts(result))
            raise ToolFailed(said or "The tool failed without saying why.")
        return _read_value(result)

    async def _ask(self, work: Work[T], timeout: float | None) -> T:
        limit = self._timeout if timeout is None else min(self._timeout, timeout)
        until = asyncio.get_running_loop().time() + limit
        try:
            first = self._attempt(sse=False)
            try:
                return await self._run(first, work, until)
            except NotMcp as failure:
                if first.greeted or first.status not in _NOT_SPOKEN:
                    raise
                second = self._attempt(sse=True)
                try:
                    return await self._run(second, work, until)
                except BadAnswer:
                    if second.greeted:
                        raise
                raise failure from None  # no SSE either: the first failure says more
        except TimeoutError as error:
            raise TooSlow(f"{self._host} did not answer within {limit:g} seconds.") from error

    def _attempt(self, *, sse: bool) -> Attempt:
        return Attempt(self._host, self._guard, self._max_bytes, self._clean_words, sse=sse)

    async def _run(self, attempt: Attempt, work: Work[T], until: float) -> T:
        """Run one attempt. Raises `TimeoutError` at the deadline, and `OutboundError` for everything else."""
        try:
            async with asyncio.timeout_at(until) as attempt.deadline, AsyncExitStack() as stack:
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
                await _greet(session)
                attempt.mark_greeted()
                result = await work(session)
                attempt.mark_answered()
                return result
        except Exception as error:
            failure = self._find_failure(error, attempt)
            if failure is error:
                raise
            raise failure from error

    def _find_failure(self, error: Exception, attempt: Attempt) -> Exception:
        """The error to raise: what the transport saw takes precedence over the SDK's error. `TimeoutError` stays."""
        leaves = list(_flatten(error))
        for leaf in (attempt.failure, *leaves):
            if isinstance(leaf, OutboundError):
                return leaf
        if isinstance(error, TimeoutError):
            return error
        for leaf in leaves:
            if isinstance(leaf, _CallRejected) and (words := self._find_server_words(leaf.error, attempt)):
                return ToolFailed(words)
        return self._build_not_mcp(
            [leaf.error if isinstance(leaf, _CallRejected) else leaf for leaf in leaves], attempt
        )

    def _build_not_mcp(self, leaves: Sequence[BaseException], attempt: Attempt) -> NotMcp:
        """The error in the server's words, if it has any; else in ours."""
        kinds = sorted({type(leaf).__name__ for leaf in leaves})
        _log.info("Not an MCP server: %s", ", ".join(kinds), extra={"fields": {"host": self._host}})
        for leaf in leaves:
            if isinstance(leaf, MCPError):
                if attempt.greeted and leaf.code == METHOD_NOT_FOUND and not is_from_sdk(leaf):
                    return NotMcp(
                        f"{self._host} is an MCP server, but offers no tools: it may have resources or prompts alone. "
                        "Give the address of a server that has tools."
                    )
                if words := self._find_server_words(leaf, attempt):
                    return attempt.not_mcp(words)
        words = next((words for leaf in leaves if (words := explain(leaf, attempt.content_type))), "")
        return attempt.not_mcp(attempt.words, words)

    def _find_server_words(self, error: MCPError, attempt: Attempt) -> str:
        """The message of a JSON-RPC error that comes from the server; else empty."""
        own = attempt.is_json_rpc if attempt.status else not is_from_sdk(error)
        return self._clean_words(error.message) if own else ""

    def _clean_words(self, words: str) -> str:
        """Make a server's words fit to show; they may repeat the token, which is removed."""
        return one_line(redact(words.replace(self._token, "[token]") if self._token else words))


async def _greet(session: ClientSession) -> None:
    """Do the original handshake; newer servers that no longer support it say so, and need none."""
    try:
        await session.initialize()
    except MCPError as error:
        if error.code != UNSUPPORTED_PROTOCOL_VERSION:
            raise
        await session.discover()


async def _list_all_tools(session: ClientSession) -> list[Tool]:
    """List page by page, until there is no cursor, an empty one, or one seen before."""
    tools: dict[str, Tool] = {}
    cursor: str | None = None
    seen: set[str] = set()
    for _ in range(_MAX_PAGES):
        page = await session.list_tools(params=PaginatedRequestParams(cursor=cursor))
        for tool in page.tools:  # callers cannot tell two tools of the same name apart
            tools.setdefault(tool.name, Tool(tool.name, tool.description or "", tool.input_schema))
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
        raise BadAnswer("The result contains a number that JSON cannot represent.") from error
    return value


def _join_texts(result: CallToolResult) -> str:
    return "\n".join(part.text for part in result.content if isinstance(part, TextContent))


def _flatten(error: BaseException) -> Iterator[BaseException]:
    """The single errors in nested exception groups, as task groups raise them; or the error itself."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _flatten(inner)
    else:
        yield error
