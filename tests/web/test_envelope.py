"""Tests the envelope with raw ASGI messages: headers that clients cannot send, bodies in parts, and broken streams."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import StreamingResponse
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message

from shared.models.errors import BadRequest
from shared.settings import Settings
from shared.web import StrictJsonRoute, create_app
from tests.web.lanes import switch_plans_off

router = APIRouter(route_class=StrictJsonRoute)


@router.get("/here")
async def here(request: Request) -> dict[str, str]:
    return {"agent": request.headers.get("user-agent", ""), "original": request.state.original_path}


@router.post("/echo")
async def echo(request: Request) -> Response:
    return Response(await request.body(), media_type="text/plain")


@router.get("/broken")
async def break_stream(kind: str) -> StreamingResponse:
    async def parts() -> AsyncIterator[bytes]:
        yield b"a"
        raise BadRequest("Too late.") if kind == "handled" else RuntimeError("Too late.")

    return StreamingResponse(parts())


@router.get("/until-disconnect")
async def wait(request: Request) -> dict[str, bool]:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    return {"disconnected": True}


@pytest.fixture(params=["planned", "unplanned"])
def app(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    app = create_app("here", router, Settings(max_body_bytes=100, google_cloud_project="a-project"))
    return app if request.param == "planned" else switch_plans_off(app, monkeypatch)


EMPTY: Message = {"type": "http.request", "body": b"", "more_body": False}
DISCONNECT: Message = {"type": "http.disconnect"}


async def exchange(
    app: FastAPI,
    path: str = "/here",
    method: str = "GET",
    headers: list[tuple[bytes, bytes]] | None = None,
    received: list[Message] | None = None,
    **scope: Any,
) -> list[Message]:
    """Returns the messages of the response. `received`: those of the request, which are followed by a disconnect."""
    sent: list[Message] = []
    messages = [EMPTY] if received is None else list(received)

    async def receive() -> Message:
        return messages.pop(0) if messages else DISCONNECT

    async def send(message: Message) -> None:
        sent.append(message)

    request = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": headers or [],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        **scope,
    }
    await app(request, receive, send)
    return sent


def status_of(messages: list[Message]) -> int:
    return messages[0]["status"]


def header(messages: list[Message], name: bytes) -> list[bytes]:
    return [value for key, value in messages[0]["headers"] if key == name]


def body_of(messages: list[Message]) -> Any:
    return json.loads(b"".join(message.get("body", b"") for message in messages[1:]))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [
                    b"user-agent",
                    b"x-request-id",
                    b"traceparent",
                    b"x-cloud-trace-context",
                    b"x-forwarded-for",
                    b"origin",
                    b"content-length",
                    b"content-encoding",
                    b"access-control-request-method",
                    b"authorization",
                ]
            ),
            st.binary(max_size=30) | st.sampled_from([b"", b"0", b"5", b"gzip", b"http://localhost:1", b"1.2.3.4"]),
        ),
        max_size=6,
    ),
    st.sampled_from(["GET", "HEAD", "OPTIONS", "POST"]),
)
async def test_no_header_causes_an_internal_error(headers: list[tuple[bytes, bytes]], method: str) -> None:
    """Whatever bytes the headers contain, and however often they are repeated, the request gets a response."""
    app = create_app("here", router, Settings(trusted_proxies=1))
    messages = await exchange(app, method=method, headers=headers)
    assert status_of(messages) in (200, 400, 405, 413)
    assert len(header(messages, b"x-request-id")) == len(header(messages, b"cache-control")) == 1


async def test_repeated_headers(app: FastAPI, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a repeated header, the first is used, except that a trace must not be repeated."""
    trace = b"0af7651916cd43dd8448eb211c80319c"
    headers = [
        (b"user-agent", b"first \xe9"),
        (b"user-agent", b"second"),
        (b"x-request-id", b"one"),
        (b"x-request-id", b"two"),
        (b"traceparent", b"00-%b-b7ad6b7169203331-01" % trace),
        (b"traceparent", b"00-%b-b7ad6b7169203331-01" % trace),
    ]
    messages = await exchange(app, headers=headers)
    assert body_of(messages)["agent"] == "first é"
    assert header(messages, b"x-request-id") == [b"one"]
    line = json.loads(capsys.readouterr().out)
    assert line["httpRequest"]["userAgent"] == "first é"
    assert trace.decode() not in json.dumps(line)


async def test_a_body_arrives_in_parts(app: FastAPI) -> None:
    """The parts are joined, with and without a declared length."""
    parts: list[Message] = [
        {"type": "http.request", "body": b"a", "more_body": True},
        {"type": "http.request", "more_body": True},
        {"type": "http.request", "body": b"b"},
    ]
    for headers in ([(b"content-length", b"2")], [(b"transfer-encoding", b"chunked")], []):
        messages = await exchange(app, "/echo", "POST", headers, parts)
        assert messages[1]["body"] == b"ab"


@pytest.mark.parametrize("headers", [[(b"content-length", b"200")], [(b"transfer-encoding", b"chunked")], []])
async def test_the_limit_applies_to_each_part(app: FastAPI, headers: list[tuple[bytes, bytes]]) -> None:
    """A body over the limit gets a 413 as soon as it is known to be over the limit."""
    parts: list[Message] = [{"type": "http.request", "body": b"x" * 60, "more_body": True}] * 3
    messages = await exchange(app, "/echo", "POST", headers, parts)
    assert status_of(messages) == 413


@pytest.mark.parametrize("length", [b"99999999999999999999999999", b"-1", b"\xb2", b"1e9", b""])
async def test_an_odd_length_is_no_error(app: FastAPI, length: bytes) -> None:
    """A length that is not a number is ignored, and a huge one is over the limit."""
    messages = await exchange(app, "/echo", "POST", [(b"content-length", length)])
    assert status_of(messages) == (413 if length.startswith(b"9") else 200)


async def test_a_request_that_ends_early(app: FastAPI) -> None:
    """If the caller disconnects while sending the body, the route is not called."""
    part: Message = {"type": "http.request", "body": b"a", "more_body": True}
    messages = await exchange(app, "/echo", "POST", [(b"content-length", b"2")], [part, DISCONNECT])
    assert status_of(messages) == 400


@pytest.mark.parametrize("received", [[EMPTY], [EMPTY, EMPTY]])
async def test_a_route_notices_a_disconnect(app: FastAPI, received: list[Message]) -> None:
    """A route that waits for the caller's disconnect receives it after the body."""
    assert body_of(await exchange(app, "/until-disconnect", received=received)) == {"disconnected": True}


@pytest.mark.parametrize("kind", ["handled", "unhandled"])
async def test_a_broken_stream_is_reported(app: FastAPI, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A response that fails after its start keeps its status and is not completed. The exception is logged once."""
    messages = await exchange(app, "/broken", query_string=f"kind={kind}".encode())
    assert status_of(messages) == 200
    assert [message["body"] for message in messages[1:]] == [b"a"]
    event, access = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert event["message"] == "Unhandled exception"
    assert "Too late." in event["stack_trace"]
    assert access["message"] == "GET /broken 200"


async def test_a_caller_who_disconnects_while_streaming(app: FastAPI) -> None:
    """If the server cannot send any more, the exception does not reach functions-framework."""

    async def receive() -> Message:
        return EMPTY

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            raise OSError("closed")

    scope = {"type": "http", "method": "GET", "path": "/here", "headers": [], "query_string": b""}
    await app(scope, receive, send)


async def test_the_method_is_restored(app: FastAPI, capsys: pytest.CaptureFixture[str]) -> None:
    """A HEAD request is logged as such, and its response has the headers of GET."""
    head, get = await exchange(app, method="HEAD"), await exchange(app)
    assert head[1]["body"] == b""
    assert header(head, b"content-length") == header(get, b"content-length") != [b"0"]
    assert "HEAD /here 200" in capsys.readouterr().out.splitlines()[0]


async def test_paths_in_all_forms(app: FastAPI) -> None:
    """All forms of a path reach the route, which can see the original form. Repeating a path changes nothing."""
    for path in ("/here", "/api/here", "/here/", "/", "/api", "/api/") * 2:
        messages = await exchange(app, path)
        assert body_of(messages)["original"] == path
    for path in ("/nothing", "/here/x", "/n" * 500, "/here\x00", "/\udfff".encode("utf-8", "replace").decode()) * 2:
        assert status_of(await exchange(app, path)) == 404


async def test_other_protocols_reach_fastapi(app: FastAPI) -> None:
    """A WebSocket is refused by FastAPI's router."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "websocket", "path": "/here", "headers": [], "query_string": b"", "root_path": ""}
    await app(scope, receive, send)
    assert sent[0]["type"] == "websocket.close"
