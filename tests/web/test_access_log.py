"""Tests the access log: the line for each request, and the id and trace that connect it to other lines."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, Request

from shared.log import LABELS_FIELD, SAMPLED_FIELD, SPAN_FIELD, TRACE_FIELD, get_logger
from shared.settings import Settings
from shared.web import StrictJsonRoute, create_app
from shared.web.authentication import CurrentCaller
from tests.conftest import Lines

router = APIRouter(route_class=StrictJsonRoute)


@router.post("/chat/{ticket}")
async def act(ticket: str, caller: CurrentCaller, request: Request) -> dict[str, str]:
    request.state.access["ticket"] = ticket
    get_logger("test").info("inside")
    return {"uid": caller.uid}


async def request(path: str, **kwargs: Any) -> httpx.Response:
    app = create_app("chat", router, Settings(google_cloud_project="a-project", trusted_proxies=1))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        return await client.post(path, **kwargs)


async def test_each_request_logs_a_line_in_cloud_loggings_format(lines: Lines) -> None:
    """The line has the severity, method, status, latency, user and ticket, and the route instead of the path."""
    await request("/api/chat/t-1")
    line = lines()[-1]
    assert line["severity"] == "INFO"
    assert line["message"] == "POST /chat/{ticket} 200"
    assert line["httpRequest"]["requestMethod"] == "POST"
    assert line["httpRequest"]["status"] == 200
    assert line["httpRequest"]["latency"].endswith("s")
    assert (line["route"], line["uid"], line["ticket"]) == ("/chat/{ticket}", "local-dev-user", "t-1")


async def test_the_line_contains_no_contents_or_secrets(lines: Lines) -> None:
    """The body, the query, the `Authorization` header and cookies are not logged."""
    await request(
        "/chat/t?key=in-the-query",
        json={"messages": "in-the-body"},
        headers={"Authorization": "Bearer in-the-header", "Cookie": "in-the-cookie"},
    )
    assert "in-the-" not in json.dumps(lines())


TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{SPAN}-01"
CLOUD_TRACE = f"{TRACE}/{int(SPAN, 16)};o=1"


@pytest.mark.parametrize(
    "headers",
    [
        {"traceparent": TRACEPARENT},
        {"X-Cloud-Trace-Context": CLOUD_TRACE},
        {"traceparent": "nonsense", "X-Cloud-Trace-Context": CLOUD_TRACE},
        {"traceparent": TRACEPARENT, "X-Cloud-Trace-Context": f"{'f' * 32}/1;o=0"},
    ],
)
async def test_all_lines_of_a_request_have_its_trace(lines: Lines, headers: dict[str, str]) -> None:
    """All lines of a request have its trace, so Cloud Logging can group them. W3C's header takes precedence over
    Google's."""
    await request("/chat/t", headers=headers)
    for line in (logged := lines()):
        assert line[TRACE_FIELD] == f"projects/a-project/traces/{TRACE}"
        assert (line[SPAN_FIELD], line[SAMPLED_FIELD]) == (SPAN, True)
    assert len(logged) == 2


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("traceparent", "00-<script>-1-01")],
        [("traceparent", TRACEPARENT), ("traceparent", TRACEPARENT.replace("0af", "1af"))],
    ],
)
async def test_a_request_without_a_valid_trace_starts_a_new_one(lines: Lines, headers: list[tuple[str, str]]) -> None:
    """If the trace is missing, invalid or ambiguous, the request gets a new one."""
    response = await request("/chat/t", headers=headers)
    (trace,) = {line[TRACE_FIELD] for line in lines()}
    assert trace == f"projects/a-project/traces/{response.headers['x-request-id']}"


async def test_the_callers_request_id_is_used(lines: Lines) -> None:
    """All lines have the caller's request id, and the response repeats it."""
    response = await request("/chat/t", headers={"X-Request-Id": "my.own_id-7", "traceparent": TRACEPARENT})
    assert response.headers["x-request-id"] == "my.own_id-7"
    assert [line[LABELS_FIELD] for line in lines()] == [{"request_id": "my.own_id-7"}] * 2


@pytest.mark.parametrize("sent", ["", "two words", "x" * 129, "a\u00e9", "<b>", "../../x"])
async def test_an_invalid_request_id_is_replaced_by_the_trace_id(sent: str) -> None:
    """If the caller's request id is too long or contains special characters, the id of the trace replaces it."""
    headers = {"X-Request-Id": sent.encode("latin-1"), "traceparent": TRACEPARENT.encode()}
    assert (await request("/chat/t", headers=headers)).headers["x-request-id"] == TRACE


@pytest.mark.parametrize("path", ["/nowhere", "/chat/t"])
async def test_every_response_has_a_request_id(path: str) -> None:
    """Every response has the request's id, including error responses."""
    assert (await request(path)).headers["x-request-id"]


async def test_concurrent_requests_keep_their_ids(lines: Lines) -> None:
    """If requests run concurrently, each line has the id of its own request."""
    ids = [f"request-{number}" for number in range(20)]
    await asyncio.gather(*(request(f"/chat/{id_}", headers={"X-Request-Id": id_}) for id_ in ids))
    access = [line for line in lines() if line["logger"] == "agents.access"]
    assert {(line["ticket"], line[LABELS_FIELD]["request_id"]) for line in access} == {(id_, id_) for id_ in ids}


@pytest.mark.parametrize(("path", "severity"), [("/chat/t", "INFO"), ("/nowhere/at/all", "WARNING")])
async def test_the_severity_depends_on_the_status(lines: Lines, path: str, severity: str) -> None:
    """A successful request is logged as INFO, and a 4xx as WARNING."""
    await request(path)
    assert lines()[-1]["severity"] == severity


async def test_the_address_is_the_callers_and_not_the_proxys(lines: Lines) -> None:
    """The logged address is the one that the trusted proxy appended. The caller may have invented the entries before
    it."""
    await request("/chat/t", headers={"X-Forwarded-For": "6.6.6.6, 1.2.3.4"})
    assert lines()[-1]["httpRequest"]["remoteIp"] == "1.2.3.4"
