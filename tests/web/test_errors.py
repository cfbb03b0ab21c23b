"""Tests of error responses, which have the documented formats whatever goes wrong."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI

from shared.models.errors import BadRequest, NotFound, Unavailable, UpstreamFailed, UpstreamTooSlow
from shared.models.wire import CamelModel, JsonObject
from shared.settings import Settings
from shared.web import StrictJsonRoute, create_app
from shared.web import body as body_module

router = APIRouter(route_class=StrictJsonRoute)


class Thing(CamelModel):
    name: str
    rest: JsonObject = {}


@router.post("/things")
async def make(thing: Thing) -> Thing:
    return thing


@router.get("/things/{name}")
async def get(name: str) -> str:
    errors: dict[str, Exception] = {
        "bad": BadRequest("No."),
        "gone": NotFound("Gone."),
        "later": Unavailable("Later.", retry_after=7),
        "failed": UpstreamFailed("host:1 refused the request with sk-123456789: the server's own message"),
        "slow": UpstreamTooSlow("host did not respond within 40 seconds."),
        "bug": RuntimeError("a secret in a message"),
        "interrupted": ExceptionGroup("several", [RuntimeError("one")]),
    }
    raise errors[name]


@pytest.fixture
def app() -> FastAPI:
    return create_app("things", router, Settings(max_body_bytes=1000))


@pytest.fixture
async def client(app: FastAPI) -> Any:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client


@pytest.mark.parametrize(
    ("path", "status", "detail"),
    [
        ("/things/bad", 400, "No."),
        ("/things/gone", 404, "Gone."),
        ("/things/later", 503, "Later."),
        ("/no/such/thing", 404, "There is no route /no/such/thing."),
    ],
)
async def test_a_refusal_is_a_detail_with_a_sentence(
    client: httpx.AsyncClient, path: str, status: int, detail: str
) -> None:
    """A refusal is `{"detail": message}`, with the status of the error."""
    response = await client.get(path)
    assert (response.status_code, response.json()) == (status, {"detail": detail})


async def test_a_refusal_says_when_to_retry(client: httpx.AsyncClient) -> None:
    """A 503 carries `Retry-After` in seconds."""
    assert (await client.get("/things/later")).headers["retry-after"] == "7"


async def test_a_wrong_method_names_the_right_one(client: httpx.AsyncClient) -> None:
    """A 405 lists the supported methods in `Allow` and in its message."""
    response = await client.delete("/things")
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
    assert response.json() == {"detail": "/things does not support DELETE; use POST."}


@pytest.mark.parametrize("name", ["bug", "interrupted"])
async def test_an_exception_becomes_500_without_details(
    client: httpx.AsyncClient, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The response contains neither traceback nor message; the log contains both."""
    response = await client.get(f"/things/{name}")
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/json"
    assert "secret" not in response.text
    assert "Traceback" not in response.text
    assert "Traceback" in capsys.readouterr().out


async def test_the_response_to_an_exception_has_an_id_to_report(client: httpx.AsyncClient) -> None:
    """The id is in the header and in the message, since users copy the message."""
    response = await client.get("/things/bug", headers={"X-Request-Id": "my-id"})
    assert response.headers["x-request-id"] == "my-id"
    assert "my-id" in response.json()["detail"]


async def test_an_exception_is_an_event_of_error_reporting(
    client: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    """The event contains the request's route without its query, and the response's status."""
    await client.get("/things/bug?key=in-the-query")
    fault, access = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert fault["@type"].endswith(".ReportedErrorEvent")
    assert fault["context"] == {
        "httpRequest": {"method": "GET", "url": "/things/{name}", "responseStatusCode": 500},
    }
    assert fault["stack_trace"].startswith("Traceback (most recent call last):")
    assert access["severity"] == "ERROR"
    assert "@type" not in access  # one event for one fault
    assert "in-the-query" not in json.dumps([fault, access])


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/things/failed", "GET /things/{name} 502: host:1 refused the request with [hidden]"),
        ("/things/slow", "GET /things/{name} 504: host did not respond within 40 seconds."),
    ],
)
async def test_a_third_party_failure_is_a_warning_with_the_reason(
    client: httpx.AsyncClient, capsys: pytest.CaptureFixture[str], path: str, message: str
) -> None:
    """A third-party server's failure is not our error. Its own message and secrets stay out of the log."""
    await client.get(path)
    (access,) = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (access["severity"], access["message"]) == ("WARNING", message)
    assert access["upstream"] == message.partition(": ")[2]


def valid_body(rest: bytes = b"{}") -> bytes:
    return b'{"name": "x", "rest": %s}' % rest


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "missing"),
        (b"{", "json_invalid"),
        (b"\xff\xfe", "json_invalid"),
        (b"[" * 900, "json_invalid"),
        (valid_body(b'{"a": NaN}'), "json_invalid"),
        (valid_body(b'{"a": Infinity}'), "json_invalid"),
        (valid_body(b'{"a": [{"b": 1e400}]}'), "json_invalid"),
        (valid_body(b'{"a": -1E+999}'), "json_invalid"),
        (valid_body(b'{"a": "\\ud800"}'), "json_invalid"),
        (valid_body(b'{"a": 1e999}'), "json_invalid"),
        (b"[1]", "model_attributes_type"),
        (b'{"name": 5}', "string_type"),
        (b'{"rest": {}}', "missing"),
    ],
)
async def test_a_body_that_does_not_validate_is_422_in_detail(
    client: httpx.AsyncClient, body: bytes, kind: str
) -> None:
    """The detail is a list of `{type, loc, msg, input}`, for invalid JSON and for an invalid Thing."""
    response = await client.post("/things", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 422
    problems = response.json()["detail"]
    assert all(set(problem) == {"type", "loc", "msg", "input"} for problem in problems)
    assert problems[0]["type"] == kind
    assert problems[0]["loc"][0] == "body"


async def test_a_body_that_is_not_declared_as_json_is_refused(client: httpx.AsyncClient) -> None:
    """A form or plain text gets a 422 that says what to send instead."""
    response = await client.post("/things", content=valid_body(), headers={"Content-Type": "text/plain"})
    assert response.status_code == 422
    assert response.json()["detail"][0]["msg"].startswith("The body was not read as JSON.")
    assert "Content-Type: application/json" in response.json()["detail"][0]["msg"]


async def test_a_missing_body_is_reported(client: httpx.AsyncClient) -> None:
    """The message for a missing body differs from the one for a missing field."""
    problem = (await client.post("/things")).json()["detail"][0]
    assert (problem["type"], problem["loc"]) == ("missing", ["body"])
    assert problem["msg"] == "The body is missing. Send JSON, with 'Content-Type: application/json'."
    problem = (await client.post("/things", json={"rest": {}})).json()["detail"][0]
    assert (problem["loc"], problem["msg"]) == (["body", "name"], "Field required")


@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_over_the_limit_is_413(client: httpx.AsyncClient, declared: bool) -> None:
    """The limit applies to a declared length and to a stream."""

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 100

    body = json.dumps({"name": "x" * 2000}).encode() if declared else endless()
    response = await client.post("/things", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 413
    assert "1000" in response.json()["detail"]


async def test_a_body_at_the_limit_is_accepted(client: httpx.AsyncClient) -> None:
    """The limit is inclusive."""
    body = json.dumps({"name": ""}).encode()
    body = json.dumps({"name": "x" * (1000 - len(body))}).encode()
    response = await client.post("/things", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 200


async def test_no_response_may_be_cached(client: httpx.AsyncClient) -> None:
    """Errors may not be cached either, since Hosting would cache a 404 for ten minutes."""
    for path in ("/things/gone", "/things/bug", "/nowhere"):
        assert (await client.get(path)).headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("body", "description"),
    [
        (b"{", "it ends too early (line 1, column 1)"),
        (b'{"a":1,}', "there is a comma before the end (line 1, column 8)"),
        (b"{} x", "there is more text after its end (line 1, column 4)"),
        (b"{a:1}", "a name in double quotes is missing (line 1, column 2)"),
        (b'{"a" 1}', "a colon is missing (line 1, column 6)"),
        (b'"\\q"', "a backslash is not a valid escape there (line 1, column 3)"),
        (b'"\\ud800"', "a string contains half of a surrogate pair, or an incomplete escape (line 1, column 8)"),
        (b"nope", "it cannot be parsed (line 1, column 2)"),
    ],
)
def test_a_fault_in_a_body_is_described_plainly(body: bytes, description: str) -> None:
    """The description includes the position."""
    with pytest.raises(ValueError, match=f"^{re.escape(description)}$"):
        body_module._parse(body)  # pyright: ignore[reportPrivateUsage]


class Shelf(CamelModel):
    things: dict[str, dict[str, int]]


@router.post("/shelves")
async def make_shelf(shelf: Shelf) -> Shelf:
    return shelf


async def test_locations_and_paths_are_shortened() -> None:
    """A long name is repeated in each problem, so a response could be many times as long as the request."""
    app = create_app("things", router, Settings())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        wrong = {"n" * 100_000: {str(number): "x" for number in range(20)}}
        response = await client.post("/shelves", json={"things": wrong})
        missing = await client.get("/no/" + "n" * 10_000)
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"][2] == "n" * 99 + "…"
    assert len(response.content) < 20_000
    assert missing.status_code == 404
    assert len(missing.content) < 500


async def test_a_body_that_does_not_arrive_times_out(client: httpx.AsyncClient, monkeypatch: Any) -> None:
    """Without the time limit, a sender could occupy one of a process's request slots indefinitely."""
    monkeypatch.setattr(body_module, "ARRIVAL_SECONDS", 0.05)

    async def endless() -> AsyncIterator[bytes]:
        yield b'{"name": '
        await asyncio.Event().wait()

    async with asyncio.timeout(10):
        response = await client.post("/things", content=endless())
    assert response.status_code == 400
    assert response.json() == {"detail": "The request's body did not arrive within 0.05 seconds."}
