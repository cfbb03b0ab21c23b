"""Tests of the access log: the line of each request, and the id and trace that connect it to other lines."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, Request

from shared.log import LABELS_FIELD, SAMPLED_FIELD, SPAN_FIELD, TRACE_FIELD, get_logger
from shared.settings import Settings
from shared.web import CurrentCaller, StrictJsonRoute, create_app
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


async def test_a_request_logs_one_line_in_cloud_loggings_format(lines: Lines) -> None:
    """The line contains severity, method, status, latency, user and ticket, and the route instead of the path."""
    await request("/api/chat/t-1")
    line = lines()[-1]
    assert line["severity"] == "INFO"
    assert line["message"] == "POST /chat/{ticket} 200"
    assert line["httpRequest"]["requestMethod"] == "POST"
    assert line["httpRequest"]["status"] == 200
    assert line["httpRequest"]["latency"].endswith("s")
    assert (line["route"], line["uid"], line["ticket"]) == ("/chat/{ticket}", "local-dev-user", "t-1")


async def test_the_line_contains_neither_contents_nor_secrets(lines: Lines) -> None:
    """Body, query, Authorization and cookies are not logged."""
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
async def test_all_lines_of_a_request_carry_its_trace(lines: Lines, headers: dict[str, str]) -> None:
    """Cloud Logging can show the lines together. W3C's header takes precedence over Google's older one."""
    await request("/chat/t", headers=headers)
    for line in (found := lines()):
        assert line[TRACE_FIELD] == f"projects/a-project/traces/{TRACE}"
        assert (line[SPAN_FIELD], line[SAMPLED_FIELD]) == (SPAN, True)
    assert len(found) == 2


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("traceparent", "00-<script>-1-01")],
        [("traceparent", TRACEPARENT), ("traceparent", TRACEPARENT.replace("0af", "1af"))],
    ],
)
async def test_a_request_without_a_valid_trace_starts_one(lines: Lines, headers: list[tuple[str, str]]) -> None:
    """An invalid or ambiguous trace does not reach the log."""
    response = await request("/chat/t", headers=headers)
    (trace,) = {line[TRACE_FIELD] for line in lines()}
    assert trace == f"projects/a-project/traces/{response.headers['x-request-id']}"


async def test_a_request_is_found_by_its_callers_id(lines: Lines) -> None:
    """All lines carry the caller's request id, and the response repeats it."""
    response = await request("/chat/t", headers={"X-Request-Id": "my.own_id-7", "traceparent": TRACEPARENT})
    assert response.headers["x-request-id"] == "my.own_id-7"
    assert [line[LABELS_FIELD] for line in lines()] == [{"request_id": "my.own_id-7"}] * 2


@pytest.mark.parametrize("sent", ["", "two words", "x" * 129, "a\u00e9", "<b>", "../../x"])
async def test_an_invalid_id_is_replaced_by_the_traces(sent: str) -> None:
    """An id that is too long or contains special characters is not used."""
    headers = {"X-Request-Id": sent.encode("latin-1"), "traceparent": TRACEPARENT.encode()}
    assert (await request("/chat/t", headers=headers)).headers["x-request-id"] == TRACE


@pytest.mark.parametrize("path", ["/nowhere", "/chat/t"])
async def test_every_response_has_its_request_id(path: str) -> None:
    """Error responses also carry the id."""
    assert (await request(path)).headers["x-request-id"]


async def test_concurrent_requests_keep_their_ids(lines: Lines) -> None:
    """Each line carries the id of its own request."""
    ids = [f"request-{number}" for number in range(20)]
    await asyncio.gather(*(request(f"/chat/{id_}", headers={"X-Request-Id": id_}) for id_ in ids))
    access = [line for line in lines() if line["logger"] == "agents.access"]
    assert {(line["ticket"], line[LABELS_FIELD]["request_id"]) for line in access} == {(id_, id_) for id_ in ids}


@pytest.mark.parametrize(("path", "severity"), [("/chat/t", "INFO"), ("/nowhere/at/all", "WARNING")])
async def test_the_severity_follows_the_status(lines: Lines, path: str, severity: str) -> None:
    """A success is logged as INFO, and a 4xx as a warning."""
    await request(path)
    assert lines()[-1]["severity"] == severity


async def test_the_address_is_the_callers_and_not_the_proxys(lines: Lines) -> None:
    """Our own proxy's entry counts; the caller may have invented any entries before it."""
    await request("/chat/t", headers={"X-Forwarded-For": "6.6.6.6, 1.2.3.4"})
    assert lines()[-1]["httpRequest"]["remoteIp"] == "1.2.3.4"
