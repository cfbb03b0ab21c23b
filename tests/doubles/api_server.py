"""A double of a third-party HTTP API on a real port. Its paths echo, fail, redirect, delay or send too much.

`/openapi.json` is the OpenAPI 3.1 document of the API. `/documents/{name}` returns what a test has put into
`documents`. `calls` records the requests.
"""

import asyncio
import gzip
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.doubles.served import ThreadedServer

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
API_KEY = "secret-of-the-api"


@dataclass
class Call:
    """A request that the server received. `query` has no question mark, and is not decoded."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


class ApiServer(ThreadedServer):
    """The server, shared by tests; call `reset` between them."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.items: dict[str, dict[str, Any]] = {}
        self.documents: dict[str, tuple[bytes, dict[str, str]]] = {}
        """The bodies and headers of documents, by name."""
        self._attempts: Counter[str] = Counter()
        routes = [
            Route("/echo", self._echo, methods=METHODS),
            Route("/status/{status:int}", self._status, methods=METHODS),
            Route("/flaky/{key}", self._flaky, methods=METHODS),
            Route("/redirect", self._redirect, methods=METHODS),
            Route("/loop", self._loop, methods=METHODS),
            Route("/slow", self._slow, methods=METHODS),
            Route("/drip", self._drip),
            Route("/huge", self._huge),
            Route("/bomb", self._bomb),
            Route("/half", self._half),
            Route("/cookies", self._cookies),
            Route("/cookies/set", self._set_cookie),
            Route("/secure", self._secure, methods=METHODS),
            Route("/items", self._all_items, methods=["GET", "POST"]),
            Route("/items/{id}", self._one_item, methods=["GET", "DELETE"]),
            Route("/openapi.json", self._openapi),
            Route("/documents/{name:path}", self._document),
        ]
        super().__init__(Starlette(routes=routes))

    @property
    def host(self) -> str:
        """The host and port, in the format of `OUTBOUND_ALLOWED_HOSTS`."""
        return self.address.removeprefix("http://")

    def reset(self) -> None:
        self.calls.clear()
        self.items.clear()
        self.documents.clear()
        self._attempts.clear()

    def paths(self) -> list[str]:
        return [call.path for call in self.calls]

    async def _record(self, request: Request) -> Call:
        call = Call(request.method, request.url.path, request.url.query, dict(request.headers), await request.body())
        self.calls.append(call)
        return call

    async def _echo(self, request: Request) -> Response:
        call = await self._record(request)
        echo = {
            "method": call.method,
            "query": list(request.query_params.multi_items()),
            "headers": call.headers,
            "body": call.body.decode(errors="replace"),
        }
        return JSONResponse(echo)

    async def _status(self, request: Request) -> Response:
        """Responds with the status in the path, and a message."""
        await self._record(request)
        status = request.path_params["status"]
        if status in (204, 304):
            return Response(status_code=status)
        return JSONResponse({"message": f"This is {status}."}, status_code=status)

    async def _flaky(self, request: Request) -> Response:
        """For each key, fails `?fails=` times with `?status=`, and then succeeds."""
        await self._record(request)
        key = request.path_params["key"]
        self._attempts[key] += 1
        if self._attempts[key] <= int(request.query_params.get("fails", "1")):
            status = int(request.query_params.get("status", "503"))
            return JSONResponse({"message": "Not yet."}, status_code=status)
        return JSONResponse({"attempts": self._attempts[key]})

    async def _redirect(self, request: Request) -> Response:
        """Redirects to `?to=`, with the status `?status=`."""
        await self._record(request)
        status = int(request.query_params.get("status", "302"))
        return RedirectResponse(request.query_params["to"], status_code=status)

    async def _loop(self, request: Request) -> Response:
        await self._record(request)
        return RedirectResponse("/loop")

    async def _slow(self, request: Request) -> Response:
        """Responds after `?seconds=`."""
        await self._record(request)
        await asyncio.sleep(float(request.query_params.get("seconds", "1")))
        return JSONResponse({"slept": True})

    async def _drip(self, request: Request) -> Response:
        """Sends a byte every 50 ms, forever."""
        await self._record(request)

        async def drops() -> AsyncIterator[bytes]:
            while True:
                yield b"."
                await asyncio.sleep(0.05)

        return StreamingResponse(drops())

    async def _huge(self, request: Request) -> Response:
        """Sends `?bytes=` bytes, with a `Content-Length` only if `?told=1`."""
        await self._record(request)
        size = int(request.query_params.get("bytes", "100000000"))

        async def pieces() -> AsyncIterator[bytes]:
            for start in range(0, size, 65536):
                yield b"x" * min(65536, size - start)
                await asyncio.sleep(0)  # lets the server notice that the client has disconnected

        headers = {"Content-Length": str(size)} if request.query_params.get("told") else {}
        return StreamingResponse(pieces(), headers=headers)

    async def _bomb(self, request: Request) -> Response:
        """Sends `?bytes=` zeros, compressed `?times=` times with gzip."""
        await self._record(request)
        body = bytes(int(request.query_params.get("bytes", "50000000")))
        times = int(request.query_params.get("times", "1"))
        for _ in range(times):
            body = gzip.compress(body)
        return Response(body, headers={"Content-Encoding": ", ".join(["gzip"] * times)})

    async def _half(self, request: Request) -> Response:
        """Closes the connection in the middle of the response."""
        await self._record(request)

        async def half_of_a_response() -> AsyncIterator[bytes]:
            yield b"half of"
            await asyncio.sleep(0.02)
            raise ConnectionResetError

        return StreamingResponse(half_of_a_response(), headers={"Content-Length": "1000"})

    async def _cookies(self, request: Request) -> Response:
        await self._record(request)
        return JSONResponse(request.cookies)

    async def _set_cookie(self, request: Request) -> Response:
        """Sets the cookies in the query, and redirects to the route that returns them."""
        await self._record(request)
        response = RedirectResponse("/cookies")
        for name, value in request.query_params.items():
            response.set_cookie(name, value)
        return response

    async def _secure(self, request: Request) -> Response:
        """Requires the key in `X-API-Key`, or as a bearer token."""
        call = await self._record(request)
        if API_KEY not in (
            call.headers.get("x-api-key"),
            call.headers.get("authorization", "").removeprefix("Bearer "),
        ):
            return JSONResponse({"message": "The key is missing or wrong."}, status_code=401)
        return JSONResponse({"secret": 42})

    async def _all_items(self, request: Request) -> Response:
        await self._record(request)
        if request.method == "GET":
            limit = int(request.query_params.get("limit", "100"))
            return JSONResponse(list(self.items.values())[:limit])
        item: dict[str, Any] = await request.json()
        if not isinstance(item.get("name"), str):
            return JSONResponse({"message": "An item must have a name."}, status_code=422)
        stored = {"id": str(len(self.items) + 1), **item}
        self.items[stored["id"]] = stored
        return JSONResponse(stored, status_code=201)

    async def _one_item(self, request: Request) -> Response:
        await self._record(request)
        item = self.items.get(request.path_params["id"])
        if item is None:
            return JSONResponse({"message": "There is no such item."}, status_code=404)
        if request.method == "DELETE":
            del self.items[item["id"]]
            return Response(status_code=204)
        return JSONResponse(item)

    async def _document(self, request: Request) -> Response:
        await self._record(request)
        body, headers = self.documents[request.path_params["name"]]
        return Response(body, headers=headers)

    async def _openapi(self, request: Request) -> Response:
        await self._record(request)
        return JSONResponse(openapi(self.address))


def openapi(address: str) -> dict[str, Any]:
    """Returns the OpenAPI document for a server at `address`: the operations on items, and one that requires the
    key."""
    item = {"$ref": "#/components/schemas/Item"}
    as_json = {"application/json": {"schema": item}}
    item_id = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    limit = {"name": "limit", "in": "query", "description": "at most", "schema": {"type": "integer"}}
    paths = {
        "/items": {
            "get": {
                "operationId": "listItems",
                "summary": "All items.",
                "parameters": [limit],
                "responses": {"200": {"description": "The items."}},
            },
            "post": {
                "operationId": "createItem",
                "summary": "Creates an item.",
                "requestBody": {"required": True, "content": as_json},
                "responses": {"201": {"description": "The item.", "content": as_json}},
            },
        },
        "/items/{id}": {
            "parameters": [item_id],
            "get": {
                "operationId": "getItem",
                "summary": "One item.",
                "responses": {"200": {"description": "The item."}},
            },
            "delete": {"operationId": "deleteItem", "responses": {"204": {"description": "The item is deleted."}}},
        },
        "/secure": {
            "get": {
                "operationId": "readSecret",
                "security": [{"key": []}],
                "responses": {"200": {"description": "The secret."}},
            }
        },
    }
    properties = {"id": {"type": "string", "readOnly": True}, "name": {"type": "string"}, "price": {"type": "number"}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Items", "version": "1.0.0"},
        "servers": [{"url": address}],
        "paths": paths,
        "components": {
            "schemas": {"Item": {"type": "object", "properties": properties, "required": ["name"]}},
            "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-API-Key"}},
        },
    }
