"""Serves all functions at one address over real HTTP, as Hosting does, and delivers queued tickets immediately."""

import asyncio
import re
from collections import deque
from importlib import import_module

import httpx
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contract.functions import functions
from shared.settings import Settings
from shared.web import create_app
from shared.web.errors import render_detail
from tests.contract.rewrites import first_match
from tests.doubles.cloud_tasks import CloudTasksServer
from tests.doubles.served import ThreadedServer


class HostedService(ThreadedServer):
    """The service. `/own/{function}` is the address of a single function, which sees only the rest of the path.

    `POST /interrupt` sets the response to the next look-up of a ticket: the body and media type are those of the
    `/interrupt` request, and the status and `Retry-After` come from its query. With `for=call`, it sets the response to
    the next chat or agent call instead. After `POST /lose`, the next chat or agent call is processed, but the
    connection breaks in the middle of the response. `look_ups` counts the look-ups. `keys` are the idempotency keys of
    the chats and agent calls.
    """

    def __init__(self, settings: Settings, queue: CloudTasksServer) -> None:
        self.look_ups = 0
        self.keys: list[str | None] = []
        self._queue = queue
        self._interruptions: deque[Response] = deque()
        self._call_interruptions: deque[ASGIApp] = deque()
        self._delivered: set[str] = set()
        self._deliveries: set[asyncio.Task[None]] = set()
        self._apps: dict[str, ASGIApp] = {}
        for function in functions():
            limit = getattr(function.module, "MAX_BODY_BYTES", None)
            router = import_module(f"functions.{function.name}.main").router
            render_error = getattr(function.module, "RENDER_ERROR", render_detail)
            self._apps[function.name] = create_app(function.name, router, settings, limit, render_error=render_error)

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await self._serve(scope, receive, send)

        super().__init__(app)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/interrupt":
            await self._interrupt(Request(scope, receive))
            return await Response()(scope, receive, send)
        if scope["path"] == "/lose":
            self._call_interruptions.append(self._lose_response)
            return await Response()(scope, receive, send)
        if scope["method"] == "GET" and "/chat/" in scope["path"]:
            self.look_ups += 1
            if self._interruptions:
                return await self._interruptions.popleft()(scope, receive, send)
        if scope["method"] == "POST" and re.search(r"/chat$|/rest/", scope["path"]):
            self.keys.append(Request(scope).headers.get("idempotency-key"))
            if self._call_interruptions:
                return await self._call_interruptions.popleft()(scope, receive, send)
        return await self._respond(scope, receive, send)

    async def _lose_response(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Processes the request, and closes the connection in the middle of the response."""

        async def discard(_message: Message) -> None:
            pass

        await self._respond(scope, receive, discard)
        headers = [(b"content-length", b"1000"), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        if function_path := re.match(r"/own/(\w+)", scope["path"]):
            path = scope["path"][function_path.end() :]
            await self._apps[function_path[1]]({**scope, "path": path, "raw_path": path.encode()}, receive, send)
        else:
            await self._apps[first_match(scope["path"]).function](scope, receive, send)
        delivery = asyncio.create_task(self._deliver())
        self._deliveries.add(delivery)
        delivery.add_done_callback(self._deliveries.discard)

    async def _interrupt(self, request: Request) -> None:
        query = request.query_params
        headers = {"Retry-After": query["after"]} if "after" in query else {}
        media_type = request.headers.get("Content-Type")
        response = Response(await request.body(), int(query["status"]), headers, media_type)
        (self._call_interruptions if query.get("for") == "call" else self._interruptions).append(response)

    async def _deliver(self) -> None:
        """Delivers each new task to the worker, and each task that the worker has refused."""
        transport = httpx.ASGITransport(self._apps["worker"])
        async with httpx.AsyncClient(transport=transport, base_url="http://worker") as client:
            for name, task in list(self._queue.tasks.items()):
                if name not in self._delivered:
                    self._delivered.add(name)
                    request = task.http_request
                    response = await client.post("/", content=request.body, headers=dict(request.headers))
                    if response.is_error:
                        self._delivered.discard(name)
