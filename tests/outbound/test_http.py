"""HTTP requests of agents: which are sent, which are refused, and what is returned."""

import asyncio
import json
import logging
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from shared.outbound.errors import (
    BadRequest,
    BadResponse,
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
    response = await outbound.send(request)
    assert response.status_code == 200
    return json.loads(response.content)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "get"])
async def test_methods_are_sent_in_upper_case(outbound: Outbound, api_server: ApiServer, method: str) -> None:
    """Methods are sent in upper case, even if they are written in lower case."""
    echo = await _echo(outbound, Request(method=method, url=f"{api_server.address}/echo"))

    assert echo["method"] == method.upper()


async def test_parameters_are_added_to_the_url(outbound: Outbound, api_server: ApiServer) -> None:
    """Parameters are added to those in the URL without replacing any. Each item of a list is sent separately."""
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
async def test_a_body_has_a_content_type(
    outbound: Outbound, api_server: ApiServer, body: dict[str, Any], content_type: str | None, sent: str
) -> None:
    """A body can be JSON, a form, text or bytes."""
    echo = await _echo(outbound, Request(method="POST", url=f"{api_server.address}/echo", **body))

    assert echo["body"] == sent
    assert echo["headers"].get("content-type") == content_type


async def test_callers_headers_override_defaults(outbound: Outbound, api_server: ApiServer) -> None:
    """The caller's headers override the default headers, except `Accept-Encoding`."""
    url = f"{api_server.address}/echo"
    plain = (await _echo(outbound, Request(method="GET", url=url)))["headers"]
    headers = {"User-Agent": "mine", "X-Key": "1", "accept-encoding": "br"}
    overridden = (await _echo(outbound, Request(method="GET", url=url, headers=headers)))["headers"]

    assert plain["user-agent"].startswith("firebase-agents/")
    expected = ("mine", "1", "gzip, deflate")
    assert (overridden["user-agent"], overridden["x-key"], overridden["accept-encoding"]) == expected
    assert overridden["host"] == api_server.host


@pytest.mark.parametrize(
    "name", ["Host", "content-length", "Transfer-Encoding", "Connection", " Upgrade", "TE", "Proxy-Authorization"]
)
async def test_headers_of_the_connection_are_refused(outbound: Outbound, api_server: ApiServer, name: str) -> None:
    """Callers cannot set headers that determine a message's recipient or length, which could smuggle requests."""
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
async def test_invalid_requests_are_refused(
    outbound: Outbound, api_server: ApiServer, request_: dict[str, Any]
) -> None:
    """An invalid request raises `BadRequest`, and no part of it reaches the server."""
    with pytest.raises(BadRequest):
        await outbound.send(replace(Request(method="POST", url=f"{api_server.address}/echo"), **request_))
    assert api_server.calls == []


async def test_any_status_is_returned(outbound: Outbound, api_server: ApiServer) -> None:
    """A response with any status is returned with its reason and headers, even without a body."""
    for status, reason in [
        (204, "No Content"),
        (304, "Not Modified"),
        (404, "Not Found"),
        (500, "Internal Server Error"),
    ]:
        response = await outbound.send(Request(method="GET", url=f"{api_server.address}/status/{status}"))
        assert (response.status_code, response.reason) == (status, reason)
    assert ("content-type", "application/json") in response.headers
    head = await outbound.send(Request(method="HEAD", url=f"{api_server.address}/echo"))
    assert head.content == b""


async def test_redirects_are_followed_only_on_request(outbound: Outbound, api_server: ApiServer) -> None:
    """Redirects are followed only on request. The response then has the final URL."""
    url = f"{api_server.address}/redirect?to=/echo%3Fa%3D1"
    unfollowed = await outbound.send(Request(method="GET", url=url))
    followed = await outbound.send(Request(method="GET", url=url, follow_redirects=True))

    assert (unfollowed.status_code, unfollowed.redirects) == (302, 0)
    assert dict(unfollowed.headers)["location"] == "/echo?a=1"
    assert (followed.status_code, followed.redirects) == (200, 1)
    assert followed.url == f"{api_server.address}/echo?a=1"


async def test_the_number_of_redirects_is_limited(outbound: Outbound, api_server: ApiServer) -> None:
    """The limit applies to redirects and does not include the first request."""
    request = Request(method="GET", url=f"{api_server.address}/loop", follow_redirects=True, max_redirects=3)
    with pytest.raises(TooManyRedirects, match="more than 3 times"):
        await outbound.send(request)
    assert len(api_server.calls) == 4


async def test_keys_are_not_sent_to_another_origin(settings: Settings, api_server: ApiServer) -> None:
    """A redirect to another origin drops `Authorization` and custom headers. Within an origin, they are sent."""
    port = int(api_server.host.partition(":")[2])
    allowed = Settings(outbound_allowed_hosts=(f"localhost:{port}", *settings.outbound_allowed_hosts))
    keys = {"Authorization": "Bearer 1", "X-API-Key": API_KEY, "Cookie": "a=1", "Accept": "text/plain"}

    async def redirect(target: str) -> dict[str, str]:
        url = f"{api_server.address}/redirect?to={target}"
        return (await _echo(Outbound(allowed), Request(method="GET", url=url, headers=keys, follow_redirects=True)))[
            "headers"
        ]

    same_origin, other_origin = await redirect("/echo"), await redirect(f"http://localhost:{port}/echo")
    assert (same_origin["authorization"], same_origin["x-api-key"]) == ("Bearer 1", API_KEY)
    assert not {"authorization", "x-api-key", "cookie"} & set(other_origin)
    assert (other_origin["accept"], other_origin["host"]) == ("text/plain", f"localhost:{port}")


async def test_cookies_last_for_one_call(outbound: Outbound, api_server: ApiServer) -> None:
    """Cookies are sent with a call's redirects but not with the next call."""
    url = f"{api_server.address}/cookies/set?session=1"
    within = await outbound.send(Request(method="GET", url=url, follow_redirects=True))
    after = await outbound.send(Request(method="GET", url=f"{api_server.address}/cookies"))

    assert (json.loads(within.content), json.loads(after.content)) == ({"session": "1"}, {})


@pytest.mark.parametrize("path", ["/huge", "/huge?told=1", "/bomb", "/bomb?bytes=1000001"])
async def test_long_responses_are_refused(outbound: Outbound, api_server: ApiServer, path: str) -> None:
    """A response with too many decompressed bytes is refused, with or without a `Content-Length`."""
    with pytest.raises(TooLong, match="longer than 1000000 bytes"):
        await outbound.send(Request(method="GET", url=f"{api_server.address}{path}"))


async def test_compressed_responses_are_decompressed(outbound: Outbound, api_server: ApiServer) -> None:
    """A compressed response is decompressed once. A response that is compressed twice is refused."""
    response = await outbound.send(Request(method="GET", url=f"{api_server.address}/bomb?bytes=1000"))
    assert response.content == bytes(1000)
    with pytest.raises(BadResponse):
        await outbound.send(Request(method="GET", url=f"{api_server.address}/bomb?bytes=1000&times=2"))


async def test_long_requests_are_not_sent(outbound: Outbound, api_server: ApiServer) -> None:
    """A request whose body exceeds the limit for responses is not sent."""
    url = f"{api_server.address}/echo"
    with pytest.raises(TooLong):
        await outbound.send(Request(method="POST", url=url, content=b"x" * 1_000_001))
    assert api_server.calls == []


@pytest.mark.parametrize("path", ["/slow?seconds=5", "/drip", "/redirect?to=/slow%3Fseconds%3D5"])
async def test_the_timeout_covers_the_whole_call(outbound: Outbound, api_server: ApiServer, path: str) -> None:
    """The timeout includes the wait for the first and the last byte, and all redirects."""
    started = asyncio.get_running_loop().time()
    request = Request(method="GET", url=f"{api_server.address}{path}", timeout=0.3, follow_redirects=True)
    with pytest.raises(TooSlow, match=r"within 0\.3 seconds"):
        await outbound.send(request)
    assert asyncio.get_running_loop().time() - started < 1


async def test_callers_cannot_exceed_the_deployments_timeout(settings: Settings, api_server: ApiServer) -> None:
    """A caller's timeout cannot exceed that of the deployment's settings."""
    short = settings.model_copy(update={"outbound_timeout_seconds": 0.2})
    with pytest.raises(TooSlow):
        await Outbound(short).send(Request(method="GET", url=f"{api_server.address}/slow?seconds=5", timeout=60))


async def test_parallel_calls(outbound: Outbound, api_server: ApiServer) -> None:
    """Parallel calls do not wait for each other, and each gets its own response."""
    started = asyncio.get_running_loop().time()
    urls = [f"{api_server.address}/slow?seconds=0.3" for _ in range(30)]
    responses = await asyncio.gather(*(outbound.send(Request(method="GET", url=url)) for url in urls))

    assert all(response.status_code == 200 for response in responses)
    assert asyncio.get_running_loop().time() - started < 2


async def test_broken_connections_are_reported(outbound: Outbound, settings: Settings, api_server: ApiServer) -> None:
    """A connection that breaks during the response, or cannot be established, raises an error."""
    with pytest.raises((Unreachable, BadResponse)):
        await outbound.send(Request(method="GET", url=f"{api_server.address}/half"))
    allowed = settings.model_copy(update={"outbound_allowed_hosts": ("127.0.0.1:1",)})
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:1 could not be reached"):
        await Outbound(allowed).send(Request(method="GET", url="http://127.0.0.1:1/"))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://api.example/x", "api.example"),
        ("https://api.example:443/x", "api.example"),
        ("https://api.example:80/x", "api.example:80"),
        ("http://[2001:db8::1]:8080/x", "[2001:db8::1]:8080"),
    ],
)
def test_the_displayed_host_includes_an_unusual_port(url: str, expected: str) -> None:
    """A host is displayed with its port, unless the port is the scheme's default."""
    assert display_host(httpx2.URL(url)) == expected


async def test_a_failed_request_is_not_retried(outbound: Outbound, api_server: ApiServer) -> None:
    """A failed request is sent once. The caller decides whether to retry it."""
    url = f"{api_server.address}/flaky/key?fails=1"
    assert (await outbound.send(Request(method="GET", url=url))).status_code == 503
    assert (await outbound.send(Request(method="GET", url=url))).status_code == 200
    assert len(api_server.calls) == 2


async def test_the_environment_is_ignored(
    settings: Settings, api_server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requests use no proxies and no `.netrc` from the environment."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    echo = await _echo(Outbound(settings), Request(method="GET", url=f"{api_server.address}/echo"))
    assert "authorization" not in echo["headers"]


async def test_secrets_are_not_in_messages_or_logs(
    outbound: Outbound, api_server: ApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Error messages and log lines contain neither the query nor headers."""
    caplog.set_level(logging.INFO)
    keys = {"Authorization": "Bearer hush"}
    await outbound.send(Request(method="GET", url=f"{api_server.address}/echo?key=hush", headers=keys))
    for path in ("/huge", "/half"):
        with pytest.raises(OutboundError) as failure:
            await outbound.send(Request(method="GET", url=f"{api_server.address}{path}?key=hush", headers=keys))
        assert "hush" not in failure.value.message
    assert "hush" not in caplog.text


async def test_a_cookie_beyond_ascii_is_the_servers_fault() -> None:
    """A redirect that sets a cookie which cannot be sent back gets an error about the server's response."""

    async def redirect(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        headers = "Location: /end\r\nSet-Cookie: name=Jürgen\r\nContent-Length: 0\r\n"
        writer.write(f"HTTP/1.1 302 Found\r\n{headers}\r\n".encode("latin-1"))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(redirect, "127.0.0.1", 0)
    host = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        outbound = Outbound(Settings(outbound_allowed_hosts=(host,)))
        with pytest.raises(BadResponse, match="set a cookie"):
            await outbound.send(Request(method="GET", url=f"http://{host}/", follow_redirects=True))
