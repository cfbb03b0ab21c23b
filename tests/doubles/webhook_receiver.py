"""A double of a server that receives webhooks, over real HTTP. The `standardwebhooks` library verifies them."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from standardwebhooks import Webhook
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route


@dataclass
class Answer:
    """A response. It is sent when `gate` is set. `endless`: its body never ends."""

    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    gate: asyncio.Event | None = None
    endless: bool = False


@dataclass
class Received:
    """A request that the server received."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def verify(self, secret: str) -> dict[str, Any]:
        """Returns the message. Raises `WebhookVerificationError` if its signature is not valid."""
        return Webhook(secret).verify(self.body, self.headers)


class WebhookReceiver:
    """The server. It gives the scripted `answers`, in their order, and then 204.

    `received`: the requests in the order of their arrival. `arrived` is set by each.
    """

    def __init__(self) -> None:
        self.answers: deque[Answer] = deque()
        self.received: list[Received] = []
        self.arrived = asyncio.Event()
        self.app = Starlette(routes=[Route("/{path:path}", self._receive, methods=["GET", "POST"])])

    def script(self, *answers: Answer | int) -> None:
        self.answers.extend(Answer(answer) if isinstance(answer, int) else answer for answer in answers)

    async def _receive(self, request: Request) -> Response:
        self.received.append(Received(request.url.path, dict(request.headers), await request.body()))
        self.arrived.set()
        answer = self.answers.popleft() if self.answers else Answer()
        if answer.gate is not None:
            await answer.gate.wait()
        if answer.endless:
            return StreamingResponse(_drip(), answer.status, answer.headers)
        return Response(answer.body, answer.status, answer.headers)


async def _drip() -> AsyncIterator[bytes]:
    while True:
        yield b"x" * 1000
        await asyncio.sleep(0)
