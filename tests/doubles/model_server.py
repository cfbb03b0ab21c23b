"""A double of a model provider with OpenAI's two APIs, over real HTTP. Tests script its responses.

A request gets the next step of the script for its prompt, which is the last user message. If there is no script, the
answer repeats the prompt. For other formats and paths, the server sends exactly the bytes that the test specifies
(`Wire`).
"""

import asyncio
import json
import re
from collections import defaultdict, deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.doubles.provider_streams import responses_stream
from tests.doubles.served import ThreadedServer


@dataclass
class Answer:
    """Responds with an answer after `delay` seconds, and bills `prompt_tokens` and `completion_tokens`.

    `reported_cost`: the cost in US dollars that the response reports, as OpenRouter's responses do.
    """

    content: str | None = "Hello."
    delay: float = 0.0
    prompt_tokens: int = 1000
    completion_tokens: int = 500
    reasoning: str | None = None
    tool_calls: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    finish_reason: str = "stop"
    reported_cost: float | None = None


@dataclass
class Fail:
    """Responds with an HTTP error in OpenAI's format."""

    status: int
    message: str = "It failed."
    code: str | None = None
    headers: dict[str, str] = field(default_factory=dict[str, str])
    delay: float = 0.0


@dataclass
class BrokenConnection:
    """Closes the connection after half of a response, or of a stream if one was requested."""


@dataclass
class UnfinishedStream:
    """Sends half of a stream and ends it cleanly but without a finish reason, as some proxies do."""


@dataclass
class Wire:
    """Sends `body` unchanged, or as JSON if it is not bytes. If it is a list of bytes, they are sent `pause` seconds
    apart.

    `cut`: the connection is closed after the body. `endless`: the last piece is repeated until the client disconnects.
    `silent`: nothing more is sent, but the connection stays open until the client disconnects.
    """

    body: Any = b""
    status: int = 200
    content_type: str | None = "application/json"
    headers: dict[str, str] = field(default_factory=dict[str, str])
    delay: float = 0.0
    pause: float = 0.0
    cut: bool = False
    endless: bool = False
    silent: bool = False


Step = Answer | Fail | BrokenConnection | UnfinishedStream | Wire


@dataclass
class Call:
    """A request that the server received. `size`: the size of the body, in bytes."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    size: int = 0


class ModelServer(ThreadedServer):
    """The server, shared by tests; call `reset` between them."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.bytes_sent = 0
        """The number of bytes that endless responses have sent."""
        self._scripts: defaultdict[str, deque[Step]] = defaultdict(deque)
        routes = [
            Route("/v1/chat/completions", self._chat, methods=["POST"]),
            Route("/v1/responses", self._responses, methods=["POST"]),
            Route("/{path:path}", self._anything, methods=["POST"]),
        ]
        super().__init__(Starlette(routes=routes))

    @property
    def base_url(self) -> str:
        return f"{self.address}/v1"

    @property
    def open_connections(self) -> int:
        """The number of connections that clients have not closed yet, including those that are kept for later."""
        return len(self._server.server_state.connections)

    async def closed(self, others: int = 0) -> None:
        """Waits until no connection is open, except for `others`."""
        while self.open_connections > others:  # noqa: ASYNC110 - they are closed on another thread
            await asyncio.sleep(0.01)

    def script(self, prompt: str, *steps: Step) -> None:
        """Sets the responses to the next requests with this prompt, in this order.

        A path can be given in place of a prompt: its requests get these responses if there are none for their prompt.
        """
        self._scripts[prompt].extend(steps)

    def reset(self) -> None:
        self.calls.clear()
        self.bytes_sent = 0
        self._scripts.clear()

    async def called(self) -> None:
        """Waits for the first request."""
        while not self.calls:  # noqa: ASYNC110 - it arrives on another thread, which has no event of this loop
            await asyncio.sleep(0.01)

    def calls_for(self, prompt: str) -> list[Call]:
        return [call for call in self.calls if _prompt(call.body) == prompt]

    async def _step(self, request: Request) -> tuple[dict[str, Any], Step]:
        body: dict[str, Any] = await request.json()
        self.calls.append(Call(request.url.path, dict(request.headers), body, len(await request.body())))
        prompt = _prompt(body)
        script = self._scripts[prompt] or self._scripts[request.url.path]
        step = script.popleft() if script else Answer(content=f"You said: {prompt}")
        if isinstance(step, Answer | Fail | Wire):
            await asyncio.sleep(step.delay)
        return body, step

    async def _anything(self, request: Request) -> Response:
        _, step = await self._step(request)
        match step:
            case Wire():
                return self._wire(step, request)
            case Fail():
                return _error(step)
            case _:
                return Response(status_code=404)

    def _wire(self, step: Wire, request: Request) -> Response:
        body: Any = step.body
        pieces: list[bytes] = body if isinstance(body, list) and body and isinstance(body[0], bytes) else []
        if not pieces:
            pieces = [body if isinstance(body, bytes) else json.dumps(body).encode()]

        async def stream_body() -> AsyncIterator[bytes]:
            for piece in pieces:
                yield piece
                await asyncio.sleep(step.pause)
            while step.endless:
                self.bytes_sent += len(pieces[-1])
                yield pieces[-1]
                await asyncio.sleep(step.pause)
            while step.silent and not await request.is_disconnected():  # noqa: ASYNC110 - it has no event
                await asyncio.sleep(0.01)
            if step.cut:
                raise ConnectionResetError

        headers = dict(step.headers)
        if not (step.cut or step.endless or step.silent):
            headers["Content-Length"] = str(sum(map(len, pieces)))
        return StreamingResponse(stream_body(), step.status, headers, media_type=step.content_type)

    async def _chat(self, request: Request) -> Response:
        body, step = await self._step(request)
        match step:
            case Fail():
                return _error(step)
            case BrokenConnection() | UnfinishedStream():
                return _incomplete_response(body, cleanly=isinstance(step, UnfinishedStream))
            case Wire():
                return self._wire(step, request)
            case Answer() if body.get("stream"):
                return StreamingResponse(_chat_stream(body, step), media_type="text/event-stream")
            case Answer():
                return Response(json.dumps(_chat_body(body, step)), media_type="application/json")

    async def _responses(self, request: Request) -> Response:
        body, step = await self._step(request)
        match step:
            case Fail():
                return _error(step)
            case BrokenConnection() | UnfinishedStream():
                return _incomplete_response(body, cleanly=isinstance(step, UnfinishedStream))
            case Wire():
                return self._wire(step, request)
            case Answer() if body.get("stream"):
                events = responses_stream(_responses_body(body, step), lambda text: re.findall(r"\S*\s*", text)[:-1])
                return Response(b"".join(events), media_type="text/event-stream")
            case Answer():
                return JSONResponse(_responses_body(body, step))


def _prompt(body: dict[str, Any]) -> str:
    """Returns the text of the last user message, in any provider's format."""
    messages: list[dict[str, Any]] = body.get("messages") or body.get("input") or body.get("contents") or []
    user_messages = [
        message.get("content") or message.get("parts") or "" for message in messages if message.get("role") == "user"
    ]
    last = user_messages[-1] if user_messages else ""
    return last if isinstance(last, str) else "".join(part.get("text", "") for part in last)


def _error(step: Fail) -> JSONResponse:
    error = {"message": step.message, "type": "error", "param": None, "code": step.code}
    return JSONResponse({"error": error}, status_code=step.status, headers=step.headers)


def _incomplete_response(body: dict[str, Any], *, cleanly: bool) -> Response:
    """Returns a response that ends early. The end of a stream can be clean; otherwise, the connection is closed."""

    async def half() -> AsyncIterator[bytes]:
        chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": body["model"]}
        delta = {"index": 0, "delta": {"role": "assistant", "content": "Half of"}, "finish_reason": None}
        yield f"data: {json.dumps({**chunk, 'choices': [delta]})}\n\n".encode()
        await asyncio.sleep(0.05)
        if not cleanly:
            raise ConnectionResetError

    if body.get("stream"):
        return StreamingResponse(half(), media_type="text/event-stream")
    return StreamingResponse(half(), media_type="application/json", headers={"Content-Length": "1000"})


def _usage(step: Answer) -> dict[str, float]:
    usage: dict[str, float] = {
        "prompt_tokens": step.prompt_tokens,
        "completion_tokens": step.completion_tokens,
        "total_tokens": step.prompt_tokens + step.completion_tokens,
    }
    return usage if step.reported_cost is None else {**usage, "cost": step.reported_cost}


def _chat_body(body: dict[str, Any], step: Answer) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": step.content}
    if step.reasoning:
        message["reasoning_content"] = step.reasoning
    if step.tool_calls:
        message["tool_calls"] = step.tool_calls
    choice = {"index": 0, "message": message, "finish_reason": step.finish_reason}
    response = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": body["model"]}
    return {**response, "choices": [choice], "usage": _usage(step)}


async def _chat_stream(body: dict[str, Any], step: Answer) -> AsyncIterator[bytes]:
    base = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": body["model"]}
    words = (step.content or "").split(" ")
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": f"{word} "} for word in words[:-1]] + [{"content": words[-1]}]
    for delta in deltas:
        yield _event({**base, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
    yield _event({**base, "choices": [{"index": 0, "delta": {}, "finish_reason": step.finish_reason}]})
    if (body.get("stream_options") or {}).get("include_usage"):
        yield _event({**base, "choices": [], "usage": _usage(step)})
    yield b"data: [DONE]\n\n"


def _event(data: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(data)}\n\n".encode()


def _responses_body(body: dict[str, Any], step: Answer) -> dict[str, Any]:
    output: list[dict[str, Any]] = []
    if step.reasoning:
        summary = [{"type": "summary_text", "text": step.reasoning}]
        output.append({"type": "reasoning", "id": "rs_1", "summary": summary})
    text = {"type": "output_text", "text": step.content or "", "annotations": []}
    output.append({"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": [text]})
    usage = {
        "input_tokens": step.prompt_tokens,
        "output_tokens": step.completion_tokens,
        "total_tokens": step.prompt_tokens + step.completion_tokens,
    }
    response = {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "model": body["model"],
    }
    return {
        **response,
        "output": output,
        "usage": usage,
        "parallel_tool_calls": True,
        "tools": [],
        "tool_choice": "auto",
        "metadata": {},
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "temperature": 1.0,
        "top_p": 1.0,
    }
