"""Tests that a route responds with its plan as it does without: FastAPI's own handling is the reference."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, BackgroundTasks, Body, Cookie, Depends, FastAPI, Header, Query, Request, Response
from fastapi.responses import HTMLResponse, StreamingResponse
from fastapi.routing import iter_route_contexts
from pydantic import Field

from shared.models.errors import BadRequest, Conflict, Unauthenticated, Unavailable
from shared.models.wire import CamelModel, JsonObject
from shared.settings import Settings
from shared.web import ClientAddress, CurrentSettings, StrictJsonRoute, create_app
from shared.web.authentication import CurrentCaller
from shared.web.plans import prepare
from tests.web.lanes import client, comparable, switch_plans_off

router = APIRouter(route_class=StrictJsonRoute)


class Part(CamelModel):
    long_name: str = Field(min_length=1, max_length=5)
    number: int | float = 0
    when: datetime = datetime(2026, 11, 28, tzinfo=UTC)
    rest: JsonObject = {}


class Shown(Part):
    id: str = Field(default="é\u2028\x00", serialization_alias="_id")
    optional: str | None = Field(default=None, exclude_if=lambda value: value is None)


calls: list[str] = []


async def _first(request: Request) -> str:
    calls.append("first")
    return request.headers.get("x-first", "none")


async def _second(first: Annotated[str, Depends(_first)], response: Response) -> str:
    calls.append("second")
    response.headers.append("X-Second", first)
    if first == "refuse":
        raise Unauthenticated("No.")
    return f"{first}!"


First = Annotated[str, Depends(_first)]
Second = Annotated[str, Depends(_second)]


@router.get("/plain")
async def plain() -> Shown:
    return Shown(long_name="a")


@router.get("/parts/{part_id}")
async def get_part(part_id: str, first: First, second: Second, again: First) -> list[str]:
    return [part_id, first, second, again]


@router.get("/parts/{part_id}/{number}")
async def convert(part_id: Annotated[str, Field(max_length=3)], number: int) -> dict[str, Any]:
    return {part_id: number, "none": None, "nested": [{"a": 1.5}]}


@router.get("/files/{path:path}")
async def get_file(path: str) -> str:
    return path


@router.get("/query")
async def query(
    caller: CurrentCaller,
    address: ClientAddress,
    settings: CurrentSettings,
    response: Response,
    limit: Annotated[int, Query(ge=1, le=10)] = 5,
    token: Annotated[str | None, Query(alias="pageToken", max_length=5)] = None,
    tags: Annotated[list[str], Query()] = [],  # noqa: B006
    flag: bool = False,
    key: Annotated[str | None, Header(min_length=2)] = None,
    session: Annotated[str | None, Cookie()] = None,
) -> list[Any]:
    response.headers["X-Next"] = caller.uid
    response.headers["Vary"] = "Accept"
    return [limit, token, tags, flag, key, session, address, settings.app_env]


@router.post("/parts", status_code=201)
async def create(part: Part, second: Second) -> Shown:
    return Shown(**dict(part), id=second)


@router.put("/optional")
async def change(part: Part | None = None) -> Part | None:
    return part


@router.post("/embedded")
async def embed(part: Part, other: Annotated[int, Body()], more: Annotated[str, Body(embed=True)] = "x") -> list[Any]:
    return [part, other, more]


@router.post("/anything")
async def anything(value: Annotated[Any, Body()]) -> Any:
    return value


@router.get("/status/{code}")
async def set_status(code: int, response: Response) -> Part | None:
    response.status_code = code
    return Part(long_name="a") if code != 204 else None


@router.delete("/parts/{part_id}", status_code=204)
async def delete(part_id: str) -> Response:
    return Response(status_code=204, headers={"X-Deleted": part_id})


@router.delete("/silently", status_code=204)
async def delete_silently() -> None: ...


@router.get("/own", response_model=None)
async def own() -> Any:
    return {"a": datetime(2026, 1, 1, tzinfo=UTC), "b": Part(long_name="a")}


@router.get("/cached")
async def cached() -> Response:
    return Response(b"x", headers={"Cache-Control": "public", "X-Request-Id": "mine", "Vary": "Accept"})


@router.get("/stream")
async def stream() -> StreamingResponse:
    async def parts() -> AsyncIterator[bytes]:
        yield b"a"
        yield b"b"

    return StreamingResponse(parts(), media_type="text/plain")


@router.get("/invalid")
async def invalid() -> Part:
    return {"long_name": "too long"}  # pyright: ignore[reportReturnType]


@router.get("/attributes")
async def attributes() -> Part:
    return Shown(long_name="a")


@router.get("/fail/{name}")
async def fail(name: str) -> str:
    errors: dict[str, Exception] = {
        "conflict": Conflict("No."),
        "later": Unavailable("Later.", retry_after=7),
        "bug": RuntimeError("bug"),
        "group": ExceptionGroup("several", [BadRequest("one")]),
    }
    raise errors[name]


async def _closing() -> AsyncIterator[str]:
    yield "open"


@router.get("/closing")
async def closing(value: Annotated[str, Depends(_closing)]) -> str:
    return value


@router.get("/blocking")
def blocking() -> str:
    return "blocking"


@router.get("/page", response_class=HTMLResponse)
async def page() -> str:
    return "<p>"


@router.get("/background")
async def background(tasks: BackgroundTasks) -> str:
    tasks.add_task(calls.append, "background")
    return "later"


async def _limited(limit: int = 3) -> int:
    return limit


@router.get("/dependency-with-parameter")
async def dependency_with_parameter(limit: Annotated[int, Depends(_limited)]) -> int:
    return limit


WITHOUT_PLAN = {"/closing", "/blocking", "/page", "/background", "/dependency-with-parameter"}
JSON = {"Content-Type": "application/json"}
PART = b'{"longName": "a", "number": 1e2, "rest": {"b": [1, null, "\\u00e9"]}}'


def build() -> FastAPI:
    return create_app("parts", router, Settings(max_body_bytes=1000))


REQUESTS: list[tuple[str, str, dict[str, Any]]] = [
    *(("GET", path, {}) for path in ("/plain", "/parts/x", "/api/parts/x", "/x", "/parts/x/", "/parts/%C3%A9%20%2F")),
    *(("GET", path, {}) for path in ("/parts/abc/5", "/parts/abcd/5", "/parts/abc/x", "/parts/a/5/6", "/files/a/b/c")),
    ("GET", "/files/", {}),
    ("GET", "/parts/x", {"headers": {"X-First": "refuse"}}),
    ("GET", "/parts/x", {"headers": [("X-First", "1"), ("X-First", "2")]}),
    ("GET", "/parts/x", {"headers": {"Origin": "http://localhost:5173"}}),
    ("GET", "/parts/x", {"headers": {"Origin": "https://evil.example"}}),
    ("GET", "/parts/x", {"headers": {"Origin": ""}}),
    ("OPTIONS", "/parts/x", {"headers": {"Origin": "http://localhost:1", "Access-Control-Request-Method": "GET"}}),
    ("OPTIONS", "/parts/x", {}),
    *(
        ("GET", f"/query{text}", {})
        for text in ("", "?limit=3", "?limit=0", "?limit=x&flag=maybe", "?limit=1&limit=2", "?pageToken=abcdef")
    ),
    *(("GET", f"/query{text}", {}) for text in ("?tags=a&tags=b&flag=on", "?limit=", "?unknown=1", "?tags=%FF")),
    ("GET", "/query", {"headers": {"Key": "ab", "Cookie": "session=s; other=o"}}),
    ("GET", "/query", {"headers": {"Key": "a", "X-Forwarded-For": "1.2.3.4, 5.6.7.8"}}),
    ("GET", "/query", {"headers": {b"Key": b"\xff\xfe"}}),
    *(("HEAD", path, {}) for path in ("/plain", "/parts/x", "/fail/conflict", "/fail/bug", "/nothing", "/stream")),
    *(("POST", "/parts", {"content": PART, "headers": {"Content-Type": kind}}) for kind in (
        "application/json",
        "application/json; charset=utf-8",
        "APPLICATION/JSON",
        "application/merge-patch+json",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/",
        "json",
        ";;=",
    )),
    ("POST", "/parts", {"content": PART}),
    ("POST", "/parts", {"content": PART, "headers": {**JSON, "X-First": "refuse"}}),
    *(("POST", "/parts", {"content": content, "headers": JSON}) for content in (
        b"",
        b" ",
        b"{",
        b"null",
        b"[1]",
        b"[]",
        b'"text"',
        b"5",
        b"{}",
        b'{"longName": ""}',
        b'{"longName": 5, "number": "x", "when": "never"}',
        b'{"long_name": "b"}',
        b'{"longName": "a", "rest": {"x": 1e400}}',
        b'{"longName": "\\ud800"}',
        b'{"longName": "a", "rest": NaN}',
        "é".encode("utf-16"),
        b"\xff",
        b"\x1f\x8b\x08",
        b"x" * 1001,
    )),
    ("POST", "/parts", {"content": PART, "headers": {**JSON, "Content-Encoding": "br"}}),
    ("POST", "/parts", {"content": PART, "headers": {**JSON, "Content-Encoding": "gzip"}}),
    *(("PUT", "/optional", {"content": content, "headers": JSON}) for content in (b"", b"null", PART, b"{}")),
    *(("POST", "/embedded", {"content": content, "headers": JSON}) for content in (
        b'{"part": {"longName": "a"}, "other": 3}',
        b'{"part": {}, "other": "x", "more": null}',
        b"[]",
        b"",
    )),
    *(("POST", "/anything", {"content": content, "headers": JSON}) for content in (b"1", b"null", b'{"a": [1.5]}')),
    *(("GET", f"/status/{code}", {}) for code in (200, 202, 204, 404)),
    *(("DELETE", path, {}) for path in ("/parts/x", "/silently", "/plain", "/parts")),
    *(("GET", path, {}) for path in ("/own", "/cached", "/stream", "/invalid", "/attributes", "/parts", "/nothing")),
    *(("GET", f"/fail/{name}", {}) for name in ("conflict", "later", "bug", "group", "unknown")),
    *(("GET", path, {}) for path in sorted(WITHOUT_PLAN)),
    ("GET", "/dependency-with-parameter?limit=x", {}),
    *((method, "/plain", {}) for method in ("POST", "BREW", "TRACE", "get")),
    *((method, "/parts/x%0A", {}) for method in ("GET", "POST")),
]  # fmt: skip


async def send(app: FastAPI, method: str, path: str, options: dict[str, Any]) -> httpx.Response:
    async with client(app) as sender:
        return await sender.request(method, path, **options)


@pytest.mark.parametrize(("method", "path", "options"), REQUESTS)
async def test_a_plan_does_not_change_a_response(
    monkeypatch: pytest.MonkeyPatch, method: str, path: str, options: dict[str, Any]
) -> None:
    """Status, headers, body and the order of the dependencies' calls are those of FastAPI."""
    calls.clear()
    planned = comparable(await send(build(), method, path, options))
    planned_calls = calls.copy()
    calls.clear()
    assert planned == comparable(await send(switch_plans_off(build(), monkeypatch), method, path, options))
    assert planned_calls == calls


def test_routes_have_plans_unless_they_need_more() -> None:
    """The routes above that no plan can serve are the only ones without a plan."""
    contexts = iter_route_contexts(build().router.routes)
    assert {context.path for context in contexts if prepare(context) is None} == WITHOUT_PLAN
