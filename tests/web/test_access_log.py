"""The line that a request leaves."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, Request

from shared.log import TRACE_FIELD, get_logger
from shared.settings import Settings
from shared.web import CurrentCaller, StrictJsonRoute, create_app

Lines = Callable[[], list[dict[str, Any]]]
router = APIRouter(route_class=StrictJsonRoute)


@router.post("/chat/{ticket}")
async def act(ticket: str, caller: CurrentCaller, request: Request) -> dict[str, str]:
    request.state.access["ticket"] = ticket
    get_logger("test").info("inside")
    return {"uid": caller.uid}


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Lines:
    """The log lines so far, parsed: what is no JSON fails the test."""
    return lambda: [json.loads(line) for line in capsys.readouterr().out.splitlines()]


async def request(path: str, **kwargs: Any) -> httpx.Response:
    app = create_app("chat", router, Settings(google_cloud_project="a-project", trusted_proxies=1))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        return await client.post(path, **kwargs)


async def test_a_request_leaves_one_line_in_cloud_loggings_form(lines: Lines) -> None:
    """Severity, method, route, status, latency, user and ticket; the route as written, not the path."""
    await request("/api/chat/t-1")
    line = lines()[-1]
    assert line["severity"] == "INFO"
    assert line["message"] == "POST /chat/{ticket} 200"
    assert line["httpRequest"]["requestMethod"] == "POST"
    assert line["httpRequest"]["status"] == 200
    assert line["httpRequest"]["latency"].endswith("s")
    assert (line["route"], line["uid"], line["ticket"]) == ("/chat/{ticket}", "local-dev-user", "t-1")


async def test_the_line_holds_neither_contents_nor_secrets(lines: Lines) -> None:
    """Body, query, Authorization and cookies stay out of it."""
    await request(
        "/chat/t?key=in-the-query",
        json={"messages": "in-the-body"},
        headers={"Authorization": "Bearer in-the-header", "Cookie": "in-the-cookie"},
    )
    assert "in-the-" not in json.dumps(lines())


@pytest.mark.parametrize(
    "headers",
    [
        {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
        {"X-Cloud-Trace-Context": "0af7651916cd43dd8448eb211c80319c/123;o=1"},
    ],
)
async def test_all_lines_of_a_request_carry_its_trace(lines: Lines, headers: dict[str, str]) -> None:
    """So that Cloud Logging shows them together."""
    await request("/chat/t", headers=headers)
    traces = [line.get(TRACE_FIELD) for line in lines()]
    assert traces == ["projects/a-project/traces/0af7651916cd43dd8448eb211c80319c"] * 2


async def test_a_forged_trace_is_left_out(lines: Lines) -> None:
    """What is no trace id does not reach the log."""
    await request("/chat/t", headers={"traceparent": "00-<script>-1-01"})
    assert all(TRACE_FIELD not in line for line in lines())


@pytest.mark.parametrize(("path", "severity"), [("/chat/t", "INFO"), ("/nowhere/at/all", "WARNING")])
async def test_the_severity_follows_the_status(lines: Lines, path: str, severity: str) -> None:
    """4xx warns."""
    await request(path)
    assert lines()[-1]["severity"] == severity


async def test_the_address_is_the_callers_and_not_the_proxys(lines: Lines) -> None:
    """As our own proxy tells it; what stands before that is the caller's invention."""
    await request("/chat/t", headers={"X-Forwarded-For": "6.6.6.6, 1.2.3.4"})
    assert lines()[-1]["httpRequest"]["remoteIp"] == "1.2.3.4"
