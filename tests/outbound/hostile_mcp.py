"""A malicious or faulty MCP server. Each path behaves differently."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.doubles.served import ThreadedServer

_INFO = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "x", "version": "1"}}
_TOOL = {"name": "tool", "description": "d", "inputSchema": {"type": "object"}}

Reply = Callable[[dict[str, Any]], Response]


def _result(message: dict[str, Any], result: Any) -> Response:
    return JSONResponse({"jsonrpc": "2.0", "id": message["id"], "result": result})


def _error(message: dict[str, Any], code: int, text: str, status: int = 200) -> Response:
    error = {"code": code, "message": text}
    return JSONResponse({"jsonrpc": "2.0", "id": message["id"], "error": error}, status_code=status)


def _pages(message: dict[str, Any]) -> Response:
    cursor = int(message.get("params", {}).get("cursor") or 0)
    return _result(message, {"tools": [{**_TOOL, "name": f"t{cursor}"}], "nextCursor": str(cursor + 1)})


def _same_page(message: dict[str, Any]) -> Response:
    return _result(message, {"tools": [], "nextCursor": "again"})


def _page_with_cursor(cursor: Any, *names: str) -> Reply:
    """Replies with one page and this cursor for the next page."""
    tools = [{**_TOOL, "name": name} for name in names]
    return lambda message: _result(message, {"tools": tools, "nextCursor": cursor})


def _circle(message: dict[str, Any]) -> Response:
    """Replies with one of three pages. The last one leads to the second one."""
    page = {"": 1, "1": 1, "2": 2, "3": 3}[message.get("params", {}).get("cursor") or ""]
    return _result(message, {"tools": [{**_TOOL, "name": f"t{page}"}], "nextCursor": {1: "2", 2: "3", 3: "2"}[page]})


def _tool_list(*tools: Any) -> Reply:
    return lambda message: _result(message, {"tools": list(tools)})


def _initialize_result(**changes: Any) -> Reply:
    """Replies to every request with a result of `initialize`."""
    return lambda message: _result(message, {**_INFO, **changes})


def _status(status: int) -> Reply:
    return lambda _: Response(status_code=status)


def _many(message: dict[str, Any]) -> Response:
    return _result(message, {"tools": [{**_TOOL, "name": f"t{number}"} for number in range(1001)]})


def _endless_comments(_: dict[str, Any]) -> Response:
    async def lines() -> AsyncIterator[bytes]:
        while True:
            yield b": still here\n\n"
            await asyncio.sleep(0.01)

    return StreamingResponse(lines(), media_type="text/event-stream")


def _flood(_: dict[str, Any]) -> Response:
    notification = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "x" * 900}}

    async def lines() -> AsyncIterator[bytes]:
        while True:
            yield f"data: {json.dumps(notification)}\n\n".encode()
            await asyncio.sleep(0)

    return StreamingResponse(lines(), media_type="text/event-stream")


def _stream_that_ends(_: dict[str, Any]) -> Response:
    """Ends the stream immediately and requests a reconnection after eleven days."""
    body = "id: 1\nretry: 1000000000\ndata: \n\n"
    return Response(body, media_type="text/event-stream")


def _huge(_: dict[str, Any]) -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 65536
            await asyncio.sleep(0)

    return StreamingResponse(pieces(), media_type="application/json")


def _text_content(*texts: str, **more: Any) -> Reply:
    content = [{"type": "text", "text": text} for text in texts]
    return lambda message: _result(message, {"content": content, **more})


def _infinite(message: dict[str, Any]) -> Response:
    """Replies with a number that is too large for a JSON parser."""
    content = '{"content": [], "structuredContent": {"result": 1e999}}'
    body = f'{{"jsonrpc": "2.0", "id": {message["id"]}, "result": {content}}}'
    return Response(body, media_type="application/json")


REPLIES: dict[str, Reply] = {
    "pages": _pages,
    "same-page": _same_page,
    "many": _many,
    "empty-cursor": _page_with_cursor("", "a", "b"),
    "null-cursor": _page_with_cursor(None, "a", "b"),
    "same-cursor": _page_with_cursor("again", "a", "b"),
    "circle": _circle,
    "twice": _tool_list(_TOOL, {**_TOOL, "description": "another"}, {**_TOOL, "name": "b"}),
    "no-tools": lambda message: _error(message, -32601, "Method not found"),
    "no-tools-404": lambda message: _error(message, -32601, "Method not found", status=404),
    "no-tools-no-message": lambda message: _error(message, -32601, ""),
    "schema-of-text": _tool_list(_TOOL, {**_TOOL, "name": "b", "inputSchema": "none"}),
    "schema-of-null": _tool_list({**_TOOL, "inputSchema": None}),
    "without-schema": _tool_list({"name": "a"}),
    "without-name": _tool_list({"inputSchema": {"type": "object"}}),
    "tool-of-text": _tool_list("a"),
    "odd-key": _tool_list({**_TOOL, "_meta": 5, "annotations": "\x1b[31m" + "x" * 1000}),
    "half-json": lambda _: PlainTextResponse('{"jsonrpc": "2.0", "id": 1, "result": {', media_type="application/json"),
    "half-sse": lambda _: Response('data: {"jsonrpc": "2.0"\n\n', media_type="text/event-stream"),
    "no-rpc": lambda _: JSONResponse({"hello": "world"}),
    "text": lambda _: PlainTextResponse("Hello"),
    "ended-sse": lambda _: Response(": bye\n\n", media_type="text/event-stream"),
    "own-parse-error": lambda message: _error(message, -32700, "That is beyond me."),
    "future": _initialize_result(protocolVersion="2999-01-01"),
    "version-of-number": _initialize_result(protocolVersion=5),
    "good": _tool_list(_TOOL),
    **{f"status-{status}": _status(status) for status in (400, 401, 403, 404, 405, 406, 410, 415, 429, 500, 503)},
    "comments": _endless_comments,
    "flood": _flood,
    "dies": _stream_that_ends,
    "huge": _huge,
    "not-json": lambda _: PlainTextResponse("{", media_type="application/json"),
    "deep": lambda _: PlainTextResponse("[" * 500_000, media_type="application/json"),
    "html": lambda _: PlainTextResponse("<html>Hello</html>", media_type="text/html"),
    "accepted": lambda _: Response(status_code=202),
    "empty": lambda message: _result(message, {}),
    "other-id": lambda _: JSONResponse({"jsonrpc": "2.0", "id": "other", "result": {"tools": []}}),
    "wrong-shape": lambda message: _result(message, {"tools": "none", "content": 5}),
    "rpc-error": lambda message: _error(message, -32050, "Out of\norder \x1b[31m" + "!" * 500),
    "rpc-error-400": lambda message: _error(message, -32602, "No such tool", status=400),
    "500": lambda _: JSONResponse({"message": "The database is on fire."}, status_code=500),
    "403": lambda _: PlainTextResponse("Not for you: Bearer hush-hush-token-1234", status_code=403),
    "infinite": _infinite,
    "silent-failure": _text_content(isError=True),
    "leaky": _text_content("Bad token hush-hush-token-1234 and password=swordfish", isError=True),
    "null": _text_content("shown", structuredContent=None),
    "wrapped": _text_content("5", structuredContent={"result": {"a": 1}}),
    "two": _text_content("5", structuredContent={"result": 1, "more": 2}),
    "no-content": _text_content(),
}


class HostileMcpServer(ThreadedServer):
    """Serves the `REPLIES`.

    `/{name}` replies to `initialize` correctly and to other requests with `REPLIES[name]`. `/rude/{name}` replies to
    all requests with `REPLIES[name]`.
    """

    def __init__(self) -> None:
        self.methods: list[str] = []
        self.authorizations: list[str | None] = []
        routes = [
            Route("/slash/{name}", self._add_slash, methods=["GET", "POST", "DELETE"]),
            Route("/slash/{name}/", self._polite, methods=["POST"]),
            Route("/loop", self._loop, methods=["GET", "POST", "DELETE"]),
            Route("/redirect", self._redirect, methods=["GET", "POST", "DELETE"]),
            Route("/stubborn", self._stubborn, methods=["POST", "DELETE"]),
            Route("/sse/{kind}", self._sse, methods=["GET"]),
            Route("/sse/{kind}", self._reject, methods=["POST"]),
            Route("/rude/{name}", self._rude, methods=["GET", "POST"]),
            Route("/{name}", self._polite, methods=["POST"]),
        ]
        super().__init__(Starlette(routes=routes))
        self._socket.setsockopt(
            socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
        )  # otherwise responses in two writes take 40 ms

    @property
    def host(self) -> str:
        return self.address.removeprefix("http://")

    async def _add_slash(self, request: Request) -> Response:
        return RedirectResponse(f"{request.url.path}/", status_code=int(request.query_params.get("status", "307")))

    async def _loop(self, _: Request) -> Response:
        return RedirectResponse("/loop", status_code=307)

    async def _polite(self, request: Request) -> Response:
        message = await request.json()
        self.methods.append(message["method"])
        self.authorizations.append(request.headers.get("authorization"))
        if message["method"] == "initialize":
            return _result(message, _INFO)
        if message["method"].startswith("notifications/"):
            return Response(status_code=202)
        return REPLIES[request.path_params["name"]](message)

    async def _rude(self, request: Request) -> Response:
        message: dict[str, Any] = await request.json() if request.method == "POST" else {"id": 0, "method": "GET"}
        self.methods.append(message["method"])
        return REPLIES[request.path_params["name"]](message)

    async def _redirect(self, request: Request) -> Response:
        return RedirectResponse(request.query_params["to"], status_code=int(request.query_params.get("status", "307")))

    async def _stubborn(self, request: Request) -> Response:
        """Responds correctly, but takes 30 seconds to end the session."""
        if request.method == "DELETE":
            await asyncio.sleep(30)
        message = await request.json()
        if message["method"] == "initialize":
            response = _result(message, _INFO)
            response.headers["mcp-session-id"] = "1"
            return response
        return Response(status_code=202) if "id" not in message else _result(message, {"tools": [_TOOL]})

    async def _reject(self, _: Request) -> Response:
        return Response(status_code=405)

    async def _sse(self, request: Request) -> Response:
        """Announces an endpoint on another server, one that redirects there, one that fails, or none."""
        endpoint = {
            "elsewhere": "event: endpoint\ndata: http://127.0.0.1:1/\n\n",
            "rejecting": "event: endpoint\ndata: /rude/500\n\n",
            "none": ": nothing\n\n",
            "redirecting": "event: endpoint\ndata: /redirect?to=http://127.0.0.1:1/\n\n",
        }[request.path_params["kind"]]

        async def lines() -> AsyncIterator[bytes]:
            yield endpoint.encode()
            await asyncio.sleep(30)

        return StreamingResponse(lines(), media_type="text/event-stream")
