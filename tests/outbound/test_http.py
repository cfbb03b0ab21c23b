"""Fetches: what is sent, what comes back, and what is not sent."""

import asyncio
import json
import logging
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from shared.outbound.errors import (
    BadAnswer,
    BadRequest,
    OutboundError,
    TooLong,
    TooManyRedirects,
    TooSlow,
    Unreachable,
)
from shared.outbound.http import Outbound, Request
from shared.outbound.urls import display_host
from shared.settings import Settings
from tests.doubles.api_server import API_KEY, ApiServer


@pytest.fixture
def outbound(settings: Settings) -> Outbound:
    return Outbound(settings)


async def _echo(outbound: Outbound, request: Request) -> dict[str, Any]:
    answer = await outbound.send(request)
    assert answer.status_code == 200
    return json.loads(answer.content)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "get"])
async def test_methods(outbound: Outbound, api_server: ApiServer, method: str) -> None:
    """In any case; as capitals they are sent."""
    echo = await _echo(outbound, Request(method=method, url=f"{api_server.address}/echo"))

    assert echo["method"] == method.upper()


async def test_parameters_join_those_of_the_url(outbound: Outbound, api_server: ApiServer) -> None:
    """They replace none, and lists are sent one by one."""
    url = f"{api_server.address}/echo?a=1"
    echo = await _echo(outbound, Request(method="GET", url=url, params={"b": [2, "drei"], "c": "ü&="}))

    assert echo["query"] == [["a", "1"], ["b", "2"], ["b", "drei"], ["c", "ü&="]]


@pytest.mark.parametrize(
    ("body", "content_type", "sent"),
    [
        ({"json": {"a": [1, None, "é"]}}, "application/json", '{"a":[1,null,"é"]}'),
        ({"data": {"a": "1 2", "b": ["x", "y"]}}, "application/x-www-form-urlencoded", "a=1+2&b=x&b=y"),
        ({"content": "plain é"}, None, "plain é"),
        ({"content": b"bytes"}, None, "bytes"),
    ],
)
async def test_bodies(
    outbound: Outbound, api_server: ApiServer, body: dict[str, Any], content_type: str | None, sent: str
) -> None:
    """JSON, a form, or just bytes."""
    echo = await _echo(outbound, Request(method="POST", url=f"{api_server.address}/echo", **body))

    assert echo["body"] == sent
    assert echo["headers"].get("content-type") == content_type


async def test_headers(outbound: Outbound, api_server: ApiServer) -> None:
    """The caller's are sent, and ours where the caller has none. How the answer may be packed is ours alone."""
    url = f"{api_server.address}/echo"
    plain = (await _echo(outbound, Request(method="GET", url=url)))["headers"]
    own = {"User-Agent": "mine", "X-Key": "1", "accept-encoding": "br"}
    chosen = (await _echo(outbound, Request(method="GET", url=url, headers=own)))["headers"]

    assert plain["user-agent"].startswith("firebase-agents/")
    assert (chosen["user-agent"], chosen["x-key"], chosen["accept-encoding"]) == ("mine", "1", "gzip, deflate")
    assert chosen["host"] == api_server.host


@pytest.mark.parametrize(
    "name", ["Host", "content-length", "Transfer-Encoding", "Connection", " Upgrade", "TE", "Proxy-Authorization"]
)
async def test_headers_of_the_connection_are_refused(outbound: Outbound, api_server: ApiServer, name: str) -> None:
    """They decide whom a message is for and where it ends: requests could be smuggled by them."""
    with pytest.raises(BadRequest, match="cannot be set by the caller"):
        await outbound.send(Request(method="GET", url=f"{api_server.address}/echo", headers={name: "1"}))
    assert api_server.calls == []


@pytest.mark.parametrize(
    "request_",
    [
        {"headers": {"X": "a\r\nHost: b"}},
        {"headers": {"X": "ü\ud800"}},
        {"headers": {"X Y": "1"}},
        {"headers": {"X\n": "1"}},
        {"method": "GET / HTTP/1.1\r\n"},
        {"method": "CONNECT"},
        {"method": "TRACE"},
        {"method": ""},
        {"json": float("nan")},
        {"json": {}, "content": "x"},
    ],
)
async def test_what_cannot_be_sent_is_told(outbound: Outbound, api_server: ApiServer, request_: dict[str, Any]) -> None:
    """Nothing of it reaches the server."""
    with pytest.raises(BadRequest):
        await outbound.send(replace(Request(method="POST", url=f"{api_server.address}/echo"), **request_))
    assert api_server.calls == []


async def test_any_status_is_an_answer(outbound: Outbound, api_server: ApiServer) -> None:
    """With its reason and its headers; some have no body."""
    for status, reason in [
        (204, "No Content"),
        (304, "Not Modified"),
        (404, "Not Found"),
        (500, "Internal Server Error"),
    ]:
        answer = await outbound.send(Request(method="GET", url=f"{api_server.address}/status/{status}"))
        assert (answer.status_code, answer.reason) == (status, reason)
    assert ("content-type", "application/json") in answer.headers
    head = await outbound.send(Request(method="HEAD", url=f"{api_server.address}/echo"))
    assert head.content == b""


async def test_redirects_are_followed_only_if_asked(outbound: Outbound, api_server: ApiServer) -> None:
    """And then the answer says where it came from."""
    url = f"{api_server.address}/redirect?to=/echo%3Fa%3D1"
    left = await outbound.send(Request(method="GET", url=url))
    followed = await outbound.send(Request(method="GET", url=url, follow_redirects=True))

    assert (left.status_code, left.redirects, dict(left.headers)["location"]) == (302, 0, "/echo?a=1")
    assert (followed.status_code, followed.redirects) == (200, 1)
    assert followed.url == f"{api_server.address}/echo?a=1"


async def test_redirects_are_counted(outbound: Outbound, api_server: ApiServer) -> None:
    """The first request is none."""
    request = Request(method="GET", url=f"{api_server.address}/loop", follow_redirects=True, max_redirects=3)
    with pytest.raises(TooManyRedirects, match="more than 3 times"):
        await outbound.send(request)
    assert len(api_server.calls) == 4


async def test_keys_do_not_go_to_another_origin(settings: Settings, api_server: ApiServer) -> None:
    """Not in `Authorization`, and not in headers of any other name; within an origin they stay."""
    port = int(api_server.host.partition(":")[2])
    allowed = Settings(outbound_allowed_hosts=(f"localhost:{port}", *settings.outbound_allowed_hosts))
    keys = {"Authorization": "Bearer 1", "X-API-Key": API_KEY, "Cookie": "a=1", "Accept": "text/plain"}

    async def reached(to: str) -> dict[str, str]:
        url = f"{api_server.address}/redirect?to={to}"
        return (await _echo(Outbound(allowed), Request(method="GET", url=url, headers=keys, follow_redirects=True)))[
            "headers"
        ]

    here, there = await reached("/echo"), await reached(f"http://localhost:{port}/echo")
    assert (here["authorization"], here["x-api-key"]) == ("Bearer 1", API_KEY)
    assert not {"authorization", "x-api-key", "cookie"} & set(there)
    assert (there["accept"], there["host"]) == ("text/plain", f"localhost:{port}")


async def test_cookies_last_for_one_call(outbound: Outbound, api_server: ApiServer) -> None:
    """Through its redirects, and into no other call."""
    url = f"{api_server.address}/cookies/set?session=1"
    within = await outbound.send(Request(method="GET", url=url, follow_redirects=True))
    after = await outbound.send(Request(method="GET", url=f"{api_server.address}/cookies"))

    assert (json.loads(within.content), json.loads(after.content)) == ({"session": "1"}, {})


@pytest.mark.parametrize("path", ["/huge", "/huge?told=1", "/bomb", "/bomb?bytes=1000001"])
async def test_long_answers_are_not_read(outbound: Outbound, api_server: ApiServer, path: str) -> None:
    """Whether the length is told or not, and by the unpacked length."""
    with pytest.raises(TooLong, match="longer than 1000000 bytes"):
        await outbound.send(Request(method="GET", url=f"{api_server.address}{path}"))


async def test_packed_answers_are_unpacked(outbound: Outbound, api_server: ApiServer) -> None:
    """Once: what is packed twice is not ours to read."""
    answer = await outbound.send(Request(method="GET", url=f"{api_server.address}/bomb?bytes=1000"))
    assert answer.content == bytes(1000)
    with pytest.raises(BadAnswer):
        await outbound.send(Request(method="GET", url=f"{api_server.address}/bomb?bytes=1000&times=2"))


async def test_long_requests_are_not_sent(outbound: Outbound, api_server: ApiServer) -> None:
    """The limit is the same as that of answers."""
    url = f"{api_server.address}/echo"
    with pytest.raises(TooLong):
        await outbound.send(Request(method="POST", url=url, content=b"x" * 1_000_001))
    assert api_server.calls == []


@pytest.mark.parametrize("path", ["/slow?seconds=5", "/drip", "/redirect?to=/slow%3Fseconds%3D5"])
async def test_the_time_is_for_everything(outbound: Outbound, api_server: ApiServer, path: str) -> None:
    """The first byte, the last, and what redirects lead to."""
    started = asyncio.get_running_loop().time()
    request = Request(method="GET", url=f"{api_server.address}{path}", timeout=0.3, follow_redirects=True)
    with pytest.raises(TooSlow, match=r"within 0\.3 seconds"):
        await outbound.send(request)
    assert asyncio.get_running_loop().time() - started < 1


async def test_callers_cannot_take_more_time_than_there_is(settings: Settings, api_server: ApiServer) -> None:
    """The deployment's limit is the highest."""
    short = settings.model_copy(update={"outbound_timeout_seconds": 0.2})
    with pytest.raises(TooSlow):
        await Outbound(short).send(Request(method="GET", url=f"{api_server.address}/slow?seconds=5", timeout=60))


async def test_calls_at_once(outbound: Outbound, api_server: ApiServer) -> None:
    """They do not wait for each other, and get their own answers."""
    started = asyncio.get_running_loop().time()
    urls = [f"{api_server.address}/slow?seconds=0.3" for _ in range(30)]
    answers = await asyncio.gather(*(outbound.send(Request(method="GET", url=url)) for url in urls))

    assert all(answer.status_code == 200 for answer in answers)
    assert asyncio.get_running_loop().time() - started < 2


async def test_connections_that_break(outbound: Outbound, settings: Settings, api_server: ApiServer) -> None:
    """In the middle of an answer, or before there is one."""
    with pytest.raises((Unreachable, BadAnswer)):
        await outbound.send(Request(method="GET", url=f"{api_server.address}/half"))
    nobody = settings.model_copy(update={"outbound_allowed_hosts": ("127.0.0.1:1",)})
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:1 could not be reached"):
        await Outbound(nobody).send(Request(method="GET", url="http://127.0.0.1:1/"))


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("http://api.example/x", "api.example"),
        ("https://api.example:443/x", "api.example"),
        ("https://api.example:80/x", "api.example:80"),
        ("http://[2001:db8::1]:8080/x", "[2001:db8::1]:8080"),
    ],
)
def test_a_place_is_named_as_it_was_asked_for(url: str, named: str) -> None:
    """With its port, unless that goes without saying."""
    assert display_host(httpx2.URL(url)) == named


async def test_a_flaky_server_is_asked_once(outbound: Outbound, api_server: ApiServer) -> None:
    """To try again is the caller's choice."""
    url = f"{api_server.address}/flaky/key?fails=1"
    assert (await outbound.send(Request(method="GET", url=url))).status_code == 503
    assert (await outbound.send(Request(method="GET", url=url))).status_code == 200
    assert len(api_server.calls) == 2


async def test_the_environment_has_no_say(
    settings: Settings, api_server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No proxies, no `.netrc`."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    echo = await _echo(Outbound(settings), Request(method="GET", url=f"{api_server.address}/echo"))
    assert "authorization" not in echo["headers"]


async def test_nothing_secret_is_told_or_logged(
    outbound: Outbound, api_server: ApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither the query nor a header."""
    caplog.set_level(logging.INFO)
    keys = {"Authorization": "Bearer hush"}
    await outbound.send(Request(method="GET", url=f"{api_server.address}/echo?key=hush", headers=keys))
    for path in ("/huge", "/half"):
        with pytest.raises(OutboundError) as failure:
            await outbound.send(Request(method="GET", url=f"{api_server.address}{path}?key=hush", headers=keys))
        assert "hush" not in failure.value.message
    assert "hush" not in caplog.text
